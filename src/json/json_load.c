/*
 * json_load.c: the server's json values as texts for the cores of json.h.
 *
 * A short value is detoasted by the server, which is fastest. A long value streams into place
 * piece by piece, so that a statement that reads it can be cancelled.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "json/json_load.h"
#include "json/stream.h"

/* Up to here the server's own way is over before anyone could notice. */
#define LOAD_AT_ONCE (4 * 1024 * 1024)
#define EXCERPT_SIZE 80

static JsonSlice utf8_of(JsonSlice raw);
static void load_piece(void *end, const char *bytes, size_t n);

/*
 * The text points into the value, or into a copy in the current context: it lives as long as
 * these.
 */
void
json_load(JsonText *text, Datum value)
{
	struct varlena *flat = json_in_memory(value);

	json_text_init(text, VARDATA_ANY(flat), VARSIZE_ANY_EXHDR(flat), json_pulse, NULL);
}

/* The server's own way to read a long value cannot be cancelled. */
struct varlena *
json_in_memory(Datum value)
{
	struct varlena *flat;
	Size size = stream_size(value);
	char *end;

	if (size <= LOAD_AT_ONCE || !VARATT_IS_EXTENDED(DatumGetPointer(value)))
		return PG_DETOAST_DATUM_PACKED(value);
	flat = palloc(VARHDRSZ + size);
	SET_VARSIZE(flat, VARHDRSZ + size);
	end = VARDATA(flat);
	stream_value(value, load_piece, &end);
	return flat;
}

void
json_pulse(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}

/*
 * Cut between characters, not within one: a message must be valid in the database's encoding.
 */
char *
json_excerpt(JsonSlice value)
{
	int size;

	if (value.size <= EXCERPT_SIZE)
		return pnstrdup(value.bytes, value.size);
	size = pg_mbcliplen(value.bytes, EXCERPT_SIZE, EXCERPT_SIZE - 3);
	return psprintf("%.*s...", size, value.bytes);
}

/* What stands in escapes is UTF-8, whatever the database's encoding: where that is another, the
 * whole is converted before and after. SQL_ASCII has no letters that could be converted. */
char *
json_string_text(JsonSlice raw, size_t *size)
{
	bool converted = GetDatabaseEncoding() != PG_UTF8 &&
					 GetDatabaseEncoding() != PG_SQL_ASCII &&
					 memchr(raw.bytes, '\\', raw.size) != NULL;
	JsonSlice source = converted ? utf8_of(raw) : raw;
	char *text = palloc(source.size + 1);
	JsonStatus status = json_string_unescape(source, text, source.size, size);

	if (status != JSON_OK)
		ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
						errmsg("unsupported escape in JSON"),
						errdetail("%s: %s.", json_excerpt(raw), json_status_text(status))));
	text[*size] = '\0';
	if (!converted)
		pg_verifymbstr(text, (int) *size, false);
	else
	{
		text = pg_any_to_server(text, (int) *size, PG_UTF8);
		*size = strlen(text);
	}
	return text;
}

/* The raw string of a database of another encoding; the same bytes where all are ASCII. */
static JsonSlice
utf8_of(JsonSlice raw)
{
	char *text = pg_server_to_any(raw.bytes, (int) raw.size, PG_UTF8);

	return text == raw.bytes ? raw : (JsonSlice){text, strlen(text)};
}

const char *
json_kind_hint(JsonKind kind, const char *hint)
{
	if (kind != JSON_KIND_STRING)
		return hint;
	return psprintf("%s It is a JSON string: pass the object and not its text, or cast the "
					"text ($1::text::json).",
					hint);
}

/*
 * The type checks a value only when it is written; damaged pages and writers in C can bring
 * others.
 */
void
json_raise_broken(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_JSON_TEXT), errmsg("a stored value is not JSON"),
					errhint("Write it again through a cast from text.")));
}

/* end is where the next piece goes; the caller made room for all of them. */
static void
load_piece(void *end, const char *bytes, size_t n)
{
	char **at = end;

	memcpy(*at, bytes, n);
	*at += n;
}
