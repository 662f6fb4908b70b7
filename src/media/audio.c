/*
 * audio.c: audio entries join the document of a custom course, each once.
 *
 * Invariants: the row is locked before its document is read, so that concurrent appends all
 * survive; document, checksum, size and updated_at change in one UPDATE or not at all; bytes
 * that were there stay as they were; what was inserted where is recorded in the same
 * transaction, for the deltas of the handshake.
 *
 * Rights: these functions are the server's alone; their statements run with the owner's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "json/document.h"
#include "json/json_load.h"
#include "json/splice.h"
#include "media/audio_entry.h"

/* Up to so many entries a comparison with each is faster than a hash. */
#define ITEMS_COMPARED 8

/* What the document has under an entry's name. */
typedef enum AudioMatch
{
	AUDIO_NEW,
	AUDIO_THERE,    /* the same content */
	AUDIO_CONFLICT, /* other content */
} AudioMatch;

typedef struct AudioItem
{
	JsonSlice name;    /* its url, or its key: a raw string */
	JsonSlice content; /* the entry */
	JsonSlice member;  /* what goes into the document: the entry, with its key if it has one */
	AudioMatch match;
} AudioItem;

/* What one call brings. */
typedef struct AudioCall
{
	JsonText text;
	bool keyed; /* an object by audio number, else a list */
	AudioItem *items;
	size_t size;
	size_t room;
	HTAB *index; /* by name, when there are many */
	int64 skipped;
	char *scratch; /* as large as the text */
} AudioCall;

typedef struct AudioIndexed
{
	JsonSlice name; /* the key */
	size_t item;
} AudioIndexed;

/* The row as it was locked, then as it was written. */
typedef struct CourseDocument
{
	Datum data;
	char *checksum;
	int32 size;
} CourseDocument;

static KeptPlan lock_document = {
	.sql = "SELECT data, checksum, file_size_bytes FROM coursebase.custom_courses "
		   "WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
/* A document that a trigger of the user's changed on its way is no append, and not recorded. */
static KeptPlan write_document = {
	.sql = "WITH written AS (UPDATE coursebase.custom_courses SET data = $2, checksum = $3, "
		   "file_size_bytes = $4, updated_at = now() WHERE id = $1 "
		   "RETURNING checksum, file_size_bytes), "
		   "version AS (INSERT INTO coursebase.custom_course_versions (custom_course_id, "
		   "base_checksum, checksum, insert_offset, insert_length) "
		   "SELECT $1, $5, checksum, $6, $7 FROM written WHERE checksum = $3 "
		   "ON CONFLICT (custom_course_id, base_checksum) DO UPDATE "
		   "SET checksum = EXCLUDED.checksum, insert_offset = EXCLUDED.insert_offset, "
		   "insert_length = EXCLUDED.insert_length) "
		   "SELECT checksum, file_size_bytes FROM written",
	.nargs = 7,
	.types = {UUIDOID, JSONOID, TEXTOID, INT4OID, TEXTOID, INT4OID, INT4OID},
};
static KeptPlan write_checksum = {
	.sql = "UPDATE coursebase.custom_courses SET checksum = $2, file_size_bytes = $3 "
		   "WHERE id = $1",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, INT4OID},
};
static void arguments_check(FunctionCallInfo fcinfo, const char *const *names, int required);
static void call_read(AudioCall *call, Datum audio);
static void call_read_list(AudioCall *call, JsonSpan list);
static void call_read_keyed(AudioCall *call, JsonSpan object);
static void call_add(AudioCall *call, JsonSpan name, JsonSpan entry);
static void entry_require_sound(AudioCall *call, const AudioEntry *entry, JsonSpan key,
								int64 number);
static char *entry_label(AudioCall *call, JsonSpan key, int64 number);
static AudioItem *item_find(AudioCall *call, JsonSlice name);
static void item_index(AudioCall *call, size_t item);
static uint32 name_hash(const void *key, Size size);
static int name_match(const void *left, const void *right, Size size);
static bool content_same(JsonSlice left, JsonSlice right);
static Datum content_jsonb(JsonSlice content);
static CourseDocument document_lock(Datum id);
static void document_require(const CourseDocument *document, text *expected);
static void target_find(AudioCall *call, JsonText *document, JsonFound *found);
static bool target_lacks(AudioCall *call, JsonSlice target);
static bool ascii_escaped(JsonSlice bytes);
static void target_match_list(AudioCall *call, JsonText *document, JsonSpan list);
static void target_match_keyed(AudioCall *call, JsonText *document, JsonSpan object);
static void items_settle(AudioCall *call);
pg_noreturn static void conflict_raise(AudioCall *call, const AudioItem *item,
									   bool within_call);
static void splice_plan(AudioCall *call, JsonText *document, const JsonFound *found,
						JsonSplice *plan);
static JsonSlice items_join(AudioCall *call, bool container);
static void document_grow(Datum id, CourseDocument *document, AudioCall *call, JsonText *text,
						  const JsonFound *found);
static void row_return(FunctionCallInfo fcinfo, const CourseDocument *document, int64 appended,
					   int64 skipped);

static const JsonSlice audio_path[] = {{"audio_files", 11}};

PG_FUNCTION_INFO_V1(coursebase_update_json);
PG_FUNCTION_INFO_V1(coursebase_calculate_checksum);

/*
 * SQL function: update_json(custom_course_id uuid, audio json, expected_checksum text) returns
 * table (checksum text, file_size_bytes integer, appended integer, skipped integer)
 */
PGDLLEXPORT Datum
coursebase_update_json(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"custom_course_id", "audio"};
	AudioCall call;
	CourseDocument document;
	JsonText json;
	JsonFound found;

	arguments_check(fcinfo, names, 2);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	call_read(&call, PG_GETARG_DATUM(1));
	document = document_lock(PG_GETARG_DATUM(0));
	document_require(&document, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2));
	json_load(&json, document.data);
	target_find(&call, &json, &found);
	items_settle(&call);
	if (call.size > 0)
		document_grow(PG_GETARG_DATUM(0), &document, &call, &json, &found);
	SPI_finish();
	row_return(fcinfo, &document, call.size, call.skipped);
	return (Datum) 0;
}

/*
 * SQL function: calculate_checksum(custom_course_id uuid) returns table (checksum text,
 * file_size_bytes integer)
 *
 * Writes only what is wrong: a sound row keeps its updated_at.
 */
PGDLLEXPORT Datum
coursebase_calculate_checksum(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"custom_course_id"};
	char checksum[DIGEST_HEX_SIZE];
	CourseDocument document;
	int32 size;

	arguments_check(fcinfo, names, 1);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	document = document_lock(PG_GETARG_DATUM(0));
	size = (int32) document_digest(document.data, DOCUMENT_STORED, DIGEST_MD5, checksum);
	if (size != document.size || strcmp(checksum, document.checksum) != 0)
	{
		Datum values[] = {PG_GETARG_DATUM(0), CStringGetTextDatum(checksum),
						  Int32GetDatum(size)};

		owner_execute(&write_checksum, values, NULL, false);
	}
	SPI_finish();
	document.checksum = checksum;
	document.size = size;
	row_return(fcinfo, &document, 0, 0);
	return (Datum) 0;
}

static void
arguments_check(FunctionCallInfo fcinfo, const char *const *names, int required)
{
	for (int i = 0; i < required; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s must not be null", names[i])));
}

/* What the call brings */

static void
call_read(AudioCall *call, Datum audio)
{
	JsonSpan root, url;

	memset(call, 0, sizeof(*call));
	json_load(&call->text, audio);
	call->scratch = MemoryContextAllocHuge(CurrentMemoryContext, call->text.size + 1);
	root = json_root(&call->text);
	switch (json_kind(&call->text, root))
	{
		case JSON_KIND_ARRAY:
			call_read_list(call, root);
			break;
		case JSON_KIND_OBJECT:
			call->keyed = !json_member_find(&call->text, root, (JsonSlice){"url", 3}, &url);
			if (call->keyed)
				call_read_keyed(call, root);
			else
				call_add(call, (JsonSpan){0, 0}, root);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_CB_ENTRY_INVALID), errmsg("audio has no entries"),
					 errdetail("It is neither an object nor an array."),
					 errhint("Give one entry, an array of entries, or an object of entries "
							 "by audio number.")));
	}
	if (call->text.broken)
		json_raise_broken();
}

static void
call_read_list(AudioCall *call, JsonSpan list)
{
	JsonCursor cursor;
	JsonSpan entry;

	json_walk_begin(&cursor, &call->text, list);
	while (json_element_next(&cursor, &entry))
		call_add(call, (JsonSpan){0, 0}, entry);
}

static void
call_read_keyed(AudioCall *call, JsonSpan object)
{
	JsonCursor cursor;
	JsonSpan key, entry;

	json_walk_begin(&cursor, &call->text, object);
	while (json_member_next(&cursor, &key, &entry))
		call_add(call, key, entry);
}

/* An entry that comes twice counts once, unless its contents differ. */
static void
call_add(AudioCall *call, JsonSpan key, JsonSpan span)
{
	AudioEntry entry;
	AudioItem item;
	AudioItem *twin;

	audio_entry_read(&call->text, span, &entry);
	entry_require_sound(call, &entry, key, call->size + call->skipped + 1);
	item.name = json_text_slice(&call->text, call->keyed ? key : entry.url);
	item.content = json_text_slice(&call->text, span);
	item.member = item.content;
	item.match = AUDIO_NEW;
	if (call->keyed)
	{
		item.member.size += item.member.bytes - item.name.bytes;
		item.member.bytes = item.name.bytes;
	}
	twin = item_find(call, item.name);
	if (twin != NULL && !content_same(twin->content, item.content))
		conflict_raise(call, &item, true);
	if (twin != NULL)
	{
		call->skipped++;
		return;
	}
	if (call->size == call->room)
	{
		call->room = Max(call->room * 2, ITEMS_COMPARED);
		call->items = call->items == NULL
						  ? palloc(call->room * sizeof(AudioItem))
						  : repalloc_huge(call->items, call->room * sizeof(AudioItem));
	}
	call->items[call->size] = item;
	item_index(call, call->size++);
}

static void
entry_require_sound(AudioCall *call, const AudioEntry *entry, JsonSpan key, int64 number)
{
	static const struct
	{
		const char *fault;
		const char *hint;
	} words[] = {
		[AUDIO_NOT_OBJECT] = {"is not an object: %s", "Give each entry as an object."},
		[AUDIO_NO_URL] = {"has no member url: %s", "Give each entry its url."},
		[AUDIO_BAD_URL] = {"has the url %s",
						   "Give an absolute URL that begins with http:// or https://."},
		[AUDIO_BAD_CHECKSUM] = {"has the checksum %s",
								"Give an MD5 of 32 hex digits, or leave checksum out."},
		[AUDIO_BAD_DURATION] = {"has the duration %s",
								"Give a number above 0, or leave duration out."},
	};
	JsonSpan where;
	AudioFault fault = audio_entry_check(&call->text, entry, call->scratch, &where);
	StringInfoData detail;

	if (fault == AUDIO_SOUND)
		return;
	initStringInfo(&detail);
	appendStringInfo(&detail, "%s ", entry_label(call, key, number));
	appendStringInfo(&detail, words[fault].fault,
					 json_excerpt(json_text_slice(&call->text, where)));
	ereport(ERROR, (errcode(ERRCODE_CB_ENTRY_INVALID), errmsg("invalid audio entry"),
					errdetail_internal("%s.", detail.data), errhint("%s", words[fault].hint)));
}

static char *
entry_label(AudioCall *call, JsonSpan key, int64 number)
{
	if (key.end > 0)
		return psprintf("Entry %s", json_excerpt(json_text_slice(&call->text, key)));
	return psprintf("Entry " INT64_FORMAT, number);
}

static AudioItem *
item_find(AudioCall *call, JsonSlice name)
{
	AudioIndexed *indexed;

	if (call->index != NULL)
	{
		indexed = hash_search(call->index, &name, HASH_FIND, NULL);
		return indexed == NULL ? NULL : &call->items[indexed->item];
	}
	for (size_t i = 0; i < call->size; i++)
		if (json_string_same(call->items[i].name, name))
			return &call->items[i];
	return NULL;
}

static void
item_index(AudioCall *call, size_t item)
{
	AudioIndexed *indexed;

	if (call->index == NULL && item < ITEMS_COMPARED)
		return;
	if (call->index == NULL)
	{
		HASHCTL control = {.keysize = sizeof(JsonSlice),
						   .entrysize = sizeof(AudioIndexed),
						   .hash = name_hash,
						   .match = name_match,
						   .hcxt = CurrentMemoryContext};

		call->index = hash_create("audio entries", 1024, &control,
								  HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
		for (size_t i = 0; i < item; i++)
			item_index(call, i);
	}
	indexed = hash_search(call->index, &call->items[item].name, HASH_ENTER, NULL);
	indexed->item = item;
}

static uint32
name_hash(const void *key, Size size)
{
	return (uint32) json_string_hash(*(const JsonSlice *) key);
}

static int
name_match(const void *left, const void *right, Size size)
{
	return json_string_same(*(const JsonSlice *) left, *(const JsonSlice *) right) ? 0 : 1;
}

/* Equal bytes are a retry; other spellings are compared as the server compares jsonb. */
static bool
content_same(JsonSlice left, JsonSlice right)
{
	if (left.size == right.size && memcmp(left.bytes, right.bytes, left.size) == 0)
		return true;
	return DatumGetBool(
		DirectFunctionCall2(jsonb_eq, content_jsonb(left), content_jsonb(right)));
}

static Datum
content_jsonb(JsonSlice content)
{
	char *copy = MemoryContextAllocHuge(CurrentMemoryContext, content.size + 1);

	memcpy(copy, content.bytes, content.size);
	copy[content.size] = '\0';
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(copy));
}

/* The document it goes into */

static CourseDocument
document_lock(Datum id)
{
	CourseDocument document;

	if (owner_execute(&lock_document, &id, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such custom course"),
						errdetail("None has the id %s.",
								  DatumGetCString(DirectFunctionCall1(uuid_out, id))),
						errhint("Create it with coursebase.create_custom_course().")));
	document.data = plan_value(0, 1, NULL);
	document.checksum = plan_text_required(0, 2);
	document.size = DatumGetInt32(plan_value(0, 3, NULL));
	return document;
}

static void
document_require(const CourseDocument *document, text *expected)
{
	if (expected == NULL || pg_strcasecmp(text_to_cstring(expected), document->checksum) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CB_DOCUMENT_CHANGED), errmsg("the document has changed meanwhile"),
			 errdetail("Its checksum is %s, not %s.", document->checksum,
					   text_to_cstring(expected)),
			 errhint("Fetch the document anew and decide again.")));
}

/* Finds audio_files and what of the call it has already. */
static void
target_find(AudioCall *call, JsonText *document, JsonFound *found)
{
	json_path_find(document, audio_path, lengthof(audio_path), found);
	if (found->kind == JSON_KIND_MISSING &&
		json_kind(document, found->value) != JSON_KIND_OBJECT && !document->broken)
		ereport(ERROR, (errcode(ERRCODE_CB_PATH_INVALID),
						errmsg("the document cannot hold audio_files"),
						errdetail("It is not an object."),
						errhint("Write a document that is an object.")));
	if ((found->kind == JSON_KIND_ARRAY || found->kind == JSON_KIND_OBJECT) &&
		call->keyed == (found->kind == JSON_KIND_OBJECT) &&
		target_lacks(call, json_text_slice(document, found->value)))
		return;
	if (found->kind == JSON_KIND_ARRAY && !call->keyed)
		target_match_list(call, document, found->value);
	else if (found->kind == JSON_KIND_OBJECT && call->keyed)
		target_match_keyed(call, document, found->value);
	else if (found->kind == JSON_KIND_ARRAY || found->kind == JSON_KIND_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_CB_PATH_INVALID),
				 errmsg("audio has another form than audio_files"),
				 call->keyed
					 ? errdetail("audio_files is an array, audio an object without url.")
					 : errdetail("audio_files is an object by audio number, audio is not."),
				 call->keyed ? errhint("Give one entry with its url, or an array of entries.")
							 : errhint("Give an object of entries by audio number.")));
	else if (found->kind != JSON_KIND_MISSING)
		ereport(ERROR,
				(errcode(ERRCODE_CB_PATH_INVALID), errmsg("audio_files cannot be appended to"),
				 errdetail("It is neither an array nor an object: %s.",
						   json_excerpt(json_text_slice(document, found->value))),
				 errhint("Write a document whose audio_files is an array or an object.")));
	if (document->broken)
		json_raise_broken();
}

/*
 * Sees at one glance that nothing of the call is there, which is the usual case: a name stands
 * in the bytes as it is spelled in the call, unless the document spells it with escapes. Says
 * no when that is not certain.
 */
static bool
target_lacks(AudioCall *call, JsonSlice target)
{
	if (call->size > ITEMS_COMPARED)
		return false;
	for (size_t i = 0; i < call->size; i++)
	{
		JsonSlice name = call->items[i].name;

		for (size_t at = 0; at < name.size; at++)
			if (name.bytes[at] == '\\' || IS_HIGHBIT_SET(name.bytes[at]))
				return false;
		if (memmem(target.bytes, target.size, name.bytes, name.size) != NULL)
			return false;
	}
	return !ascii_escaped(target);
}

/* Whether an escape may stand for a character that could be written as it is. */
static bool
ascii_escaped(JsonSlice bytes)
{
	const char *end = bytes.bytes + bytes.size;
	const char *at = bytes.bytes;

	while ((at = memchr(at, '\\', end - at)) != NULL)
	{
		if (end - at < 2 || at[1] == '/')
			return true;
		if (at[1] == 'u' && (end - at < 6 || (at[2] == '0' && at[3] == '0' && at[4] < '8')))
			return true;
		at += 2;
	}
	return false;
}

/* Of several with one url, one that has the same content is enough for a retry. */
static void
target_match_list(AudioCall *call, JsonText *document, JsonSpan list)
{
	JsonCursor cursor;
	JsonSpan element, url;

	json_walk_begin(&cursor, document, list);
	while (json_element_next(&cursor, &element))
	{
		AudioItem *item;

		if (json_kind(document, element) != JSON_KIND_OBJECT ||
			!json_member_find(document, element, (JsonSlice){"url", 3}, &url) ||
			json_kind(document, url) != JSON_KIND_STRING)
			continue;
		item = item_find(call, json_text_slice(document, url));
		if (item == NULL || item->match == AUDIO_THERE)
			continue;
		item->match = content_same(json_text_slice(document, element), item->content)
						  ? AUDIO_THERE
						  : AUDIO_CONFLICT;
	}
}

/* Of several with one key the last one counts. */
static void
target_match_keyed(AudioCall *call, JsonText *document, JsonSpan object)
{
	JsonCursor cursor;
	JsonSpan key, value;

	json_walk_begin(&cursor, document, object);
	while (json_member_next(&cursor, &key, &value))
	{
		AudioItem *item = item_find(call, json_text_slice(document, key));

		if (item != NULL)
			item->match = content_same(json_text_slice(document, value), item->content)
							  ? AUDIO_THERE
							  : AUDIO_CONFLICT;
	}
}

/* Leaves in the call what is to be appended. */
static void
items_settle(AudioCall *call)
{
	size_t kept = 0;

	for (size_t i = 0; i < call->size; i++)
	{
		if (call->items[i].match == AUDIO_CONFLICT)
			conflict_raise(call, &call->items[i], false);
		if (call->items[i].match == AUDIO_NEW)
			call->items[kept++] = call->items[i];
	}
	call->skipped += call->size - kept;
	call->size = kept;
}

static void
conflict_raise(AudioCall *call, const AudioItem *item, bool within_call)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_ENTRY_CONFLICT),
			 within_call ? errmsg("an audio entry comes twice, with different content")
						 : errmsg("an audio entry is there already, with other content"),
			 errdetail("Its %s is %s.", call->keyed ? "key" : "url", json_excerpt(item->name)),
			 call->keyed ? errhint("Give what is new a key of its own.")
						 : errhint("Give what is new a url of its own.")));
}

/* Growth */

/*
 * The digest is made once, here; the table's triggers find all that they derive right already,
 * and need not copy the row for it.
 */
static void
document_grow(Datum id, CourseDocument *document, AudioCall *call, JsonText *text,
			  const JsonFound *found)
{
	char checksum[DIGEST_HEX_SIZE];
	JsonSplice plan;
	Datum values[7];

	splice_plan(call, text, found, &plan);
	values[0] = id;
	values[1] = splice_build(&plan);
	document_digest(values[1], DOCUMENT_STORED, DIGEST_MD5, checksum);
	values[2] = CStringGetTextDatum(checksum);
	values[3] = Int32GetDatum((int32) plan.size);
	values[4] = CStringGetTextDatum(document->checksum);
	values[5] = Int32GetDatum((int32) plan.offset);
	values[6] = Int32GetDatum((int32) (plan.size - text->size));
	document_announce(values[1], checksum);
	PG_TRY();
	{
		if (owner_execute(&write_document, values, NULL, false) != 1)
			elog(ERROR, "a trigger kept a custom course from being written");
	}
	PG_FINALLY();
	{
		document_withdraw();
	}
	PG_END_TRY();
	document->checksum = plan_text_required(0, 1);
	document->size = DatumGetInt32(plan_value(0, 2, NULL));
}

/* Where audio_files was found nothing needs to be searched again. */
static void
splice_plan(AudioCall *call, JsonText *document, const JsonFound *found, JsonSplice *plan)
{
	bool missing = found->kind == JSON_KIND_MISSING;
	JsonSlice items = items_join(call, missing);
	JsonText entries;

	if (missing)
	{
		JsonStatus status;

		json_text_init(&entries, items.bytes, items.size, json_pulse, NULL);
		status = json_splice_plan(document, audio_path, lengthof(audio_path), &entries,
								  call->keyed ? JSON_CREATE_OBJECT : JSON_CREATE_ARRAY, plan);
		if (status != JSON_OK)
			elog(ERROR, "could not plan the growth of a document: %s",
				 json_status_text(status));
		return;
	}
	memset(plan, 0, sizeof(*plan));
	plan->document = json_text_slice(document, (JsonSpan){0, document->size});
	plan->offset = found->insert;
	plan->items = items;
	plan->comma = !found->empty;
	plan->size = document->size + items.size + plan->comma;
}

/* What is new, with commas between, in a container or without. */
static JsonSlice
items_join(AudioCall *call, bool container)
{
	StringInfoData joined;

	initStringInfo(&joined);
	if (container)
		appendStringInfoChar(&joined, call->keyed ? '{' : '[');
	for (size_t i = 0; i < call->size; i++)
	{
		if (i > 0)
			appendStringInfoChar(&joined, ',');
		appendBinaryStringInfo(&joined, call->items[i].member.bytes,
							   call->items[i].member.size);
	}
	if (container)
		appendStringInfoChar(&joined, call->keyed ? '}' : ']');
	return (JsonSlice){joined.data, joined.len};
}

static void
row_return(FunctionCallInfo fcinfo, const CourseDocument *document, int64 appended,
		   int64 skipped)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {CStringGetTextDatum(document->checksum), Int32GetDatum(document->size),
					  Int32GetDatum((int32) appended), Int32GetDatum((int32) skipped)};
	bool nulls[] = {false, false, false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
