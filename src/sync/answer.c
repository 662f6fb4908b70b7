/*
 * answer.c: the answer, made from the request and the state in one pass over both.
 *
 * Names of the state and of the phone are in the same order, so that they are compared by
 * walking side by side. Documents are read only where something of them is sent, one statement
 * a source, and are decompressed one at a time.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/plan.h"
#include "json/json_write.h"
#include "sync/handshake.h"

/* By source: id and document. */
static KeptPlan read_documents[HANDSHAKE_SOURCES] = {
	{.sql = "SELECT m.id, m.content FROM coursebase.master_manifests m"
			" WHERE m.id = ANY ($1)",
	 .nargs = 1,
	 .types = {UUIDARRAYOID}},
	{.sql = "SELECT d.course_id, d.data FROM coursebase.course_documents d"
			" WHERE d.course_id = ANY ($1)",
	 .nargs = 1,
	 .types = {UUIDARRAYOID}},
	{.sql = "SELECT c.id, c.data FROM coursebase.custom_courses c WHERE c.id = ANY ($1)",
	 .nargs = 1,
	 .types = {UUIDARRAYOID}},
};

/* What a line without its document takes, more or less, and how many are made room for at once.
 */
#define LINE_SIZE      120
#define LINES_RESERVED 10000

/* What is said of one file. */
typedef struct ManifestLine
{
	const HandshakeEntry *entry; /* NULL: the phone has it and does not get it any more */
	const HandshakeFile *file;   /* NULL: the phone does not have it */
	Datum document;              /* as stored; 0 unless it differs */
} ManifestLine;

static void manifest_write(StringInfo out, const HandshakeRequest *request,
						   const HandshakeState *state);
static int lines_match(ManifestLine *lines, const HandshakeRequest *request,
					   const HandshakeState *state);
static int lines_delete(ManifestLine *lines, const HandshakeRequest *request,
						const HandshakeState *state);
static bool is_protected(const HandshakeState *state, JsonSlice name);
static void documents_read(ManifestLine *lines, int count, HandshakeSource source);
static int line_compare_id(const void *a, const void *b);
static bool line_is_kept(const ManifestLine *line);
static void line_write(StringInfo out, const ManifestLine *line, bool deltas);
static void document_write(StringInfo out, const ManifestLine *line, bool deltas);

void
handshake_answer_write(StringInfo out, const HandshakeRequest *request,
					   const HandshakeState *state, const pg_uuid_t *user)
{
	json_write_literal(out, "{\"json_manifest\":{");
	if (!handshake_is_current(request, state))
		manifest_write(out, request, state);
	json_write_literal(out, "},\"purchases\":");
	handshake_purchases_write(out, request, user);
	appendStringInfoChar(out, ',');
	appendBinaryStringInfo(out, state->members.bytes, (int) state->members.size);
	json_write_literal(out, ",\"digest\":\"");
	appendStringInfoString(out, state->digest);
	json_write_literal(out, "\"}");
}

bool
handshake_keeps_all(const HandshakeRequest *request, const HandshakeState *state)
{
	ManifestLine *lines =
		palloc_extended((state->nentries + 1) * sizeof(ManifestLine), MCXT_ALLOC_HUGE);
	int count = lines_match(lines, request, state);

	for (int i = 0; i < count; i++)
		if (!line_is_kept(&lines[i]))
			return false;
	return true;
}

static void
manifest_write(StringInfo out, const HandshakeRequest *request, const HandshakeState *state)
{
	ManifestLine *lines = palloc_extended(
		(state->nentries + request->nfiles + 1) * sizeof(ManifestLine), MCXT_ALLOC_HUGE);
	int count = lines_match(lines, request, state);

	enlargeStringInfo(out, Min(count, LINES_RESERVED) * LINE_SIZE);
	for (int source = 0; source < HANDSHAKE_SOURCES; source++)
		documents_read(lines, count, (HandshakeSource) source);
	count += lines_delete(lines + count, request, state);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoChar(out, ',');
		line_write(out, &lines[i], request->deltas);
	}
}

/* A line for every entry, with the phone's file of that name. */
static int
lines_match(ManifestLine *lines, const HandshakeRequest *request, const HandshakeState *state)
{
	int f = 0;

	for (int i = 0; i < state->nentries; i++)
	{
		const HandshakeFile *file = NULL;
		int order = -1;

		while (f < request->nfiles && (order = handshake_name_compare(
										   request->files[f].name, state->entries[i].name)) < 0)
			f++;
		if (f < request->nfiles && order == 0)
			file = &request->files[f++];
		lines[i] = (ManifestLine){.entry = &state->entries[i], .file = file};
	}
	return state->nentries;
}

/* A line for every file of the phone that no entry names, but for the protected ones. */
static int
lines_delete(ManifestLine *lines, const HandshakeRequest *request, const HandshakeState *state)
{
	int count = 0;
	int e = 0;

	for (int i = 0; i < request->nfiles; i++)
	{
		const HandshakeFile *file = &request->files[i];
		int order = 1;

		while (e < state->nentries &&
			   (order = handshake_name_compare(state->entries[e].name, file->name)) < 0)
			e++;
		if ((e == state->nentries || order != 0) && !is_protected(state, file->name))
			lines[count++] = (ManifestLine){.file = file};
	}
	return count;
}

static bool
is_protected(const HandshakeState *state, JsonSlice name)
{
	for (int i = 0; i < state->nprotected; i++)
		if (handshake_name_compare(state->protected[i], name) == 0)
			return true;
	return false;
}

/* Gives every line of the source that differs its document. */
static void
documents_read(ManifestLine *lines, int count, HandshakeSource source)
{
	ManifestLine **wanted = palloc(count * sizeof(ManifestLine *));
	Datum *ids = palloc(count * sizeof(Datum));
	Datum array;
	uint64 rows;
	int n = 0;

	for (int i = 0; i < count; i++)
		if (lines[i].entry->source == source && !line_is_kept(&lines[i]))
			wanted[n++] = &lines[i];
	if (n == 0)
		return;
	qsort(wanted, n, sizeof(ManifestLine *), line_compare_id);
	for (int i = 0; i < n; i++)
		ids[i] = UUIDPGetDatum(&wanted[i]->entry->id);
	array = PointerGetDatum(construct_array(ids, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	rows = plan_execute(&read_documents[source], &array, NULL, true);
	for (uint64 row = 0; row < rows; row++)
	{
		bool null;
		HandshakeEntry key = {.id = *DatumGetUUIDP(plan_value(row, 1, UUIDOID, NULL))};
		ManifestLine sought = {.entry = &key};
		ManifestLine *line = &sought;
		ManifestLine **found =
			bsearch(&line, wanted, n, sizeof(ManifestLine *), line_compare_id);

		if (found != NULL)
			(*found)->document = plan_value(row, 2, JSONOID, &null);
	}
}

static int
line_compare_id(const void *a, const void *b)
{
	const ManifestLine *const *left = a;
	const ManifestLine *const *right = b;

	return memcmp(&(*left)->entry->id, &(*right)->entry->id, UUID_LEN);
}

static bool
line_is_kept(const ManifestLine *line)
{
	return line->file != NULL &&
		   handshake_name_compare(line->file->checksum, line->entry->checksum) == 0;
}

static void
line_write(StringInfo out, const ManifestLine *line, bool deltas)
{
	const HandshakeEntry *entry = line->entry;
	JsonSlice name = entry != NULL ? entry->name : line->file->name;

	json_write_string(out, name.bytes, name.size);
	if (entry == NULL)
	{
		json_write_literal(
			out, ":{\"checksum\":null,\"file_size_bytes\":null,\"action\":\"delete\"}");
		return;
	}
	json_write_literal(out, ":{\"checksum\":");
	json_write_string(out, entry->checksum.bytes, entry->checksum.size);
	json_write_literal(out, ",\"file_size_bytes\":");
	json_write_integer(out, entry->size);
	if (line_is_kept(line))
		json_write_literal(out, ",\"action\":\"keep\"");
	else
		document_write(out, line, deltas);
	appendStringInfoChar(out, '}');
}

static void
document_write(StringInfo out, const ManifestLine *line, bool deltas)
{
	struct varlena *document;
	JsonSlice bytes;

	if (line->document == (Datum) 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("the document of a handshake is not there"),
						errhint("Delete the user's row of cached_handshake_responses.")));
	document = PG_DETOAST_DATUM_PACKED(line->document);
	bytes = (JsonSlice){VARDATA_ANY(document), VARSIZE_ANY_EXHDR(document)};
	if (!deltas || line->file == NULL ||
		!handshake_delta_write(out, line->entry, line->file->checksum, bytes))
	{
		if (line->file == NULL)
			json_write_literal(out, ",\"action\":\"add\",\"content\":");
		else
			json_write_literal(out, ",\"action\":\"update\",\"content\":");
		json_write_string(out, bytes.bytes, bytes.size);
	}
	if ((Pointer) document != DatumGetPointer(line->document))
		pfree(document);
}
