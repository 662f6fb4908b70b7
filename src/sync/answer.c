/*
 * answer.c: the answer, made from the request and the state in one pass over both.
 *
 * Invariant: the answer depends on request, state and whether what the phone reported is kept,
 * and a cached state equals a computed one: so a cached and a computed answer are equal byte by
 * byte.
 *
 * The names of the state and of the phone are in the same order, so one walk side by side
 * compares them. A document is read only if something of it is sent, by its key (core/rows.h),
 * and documents are decompressed one at a time.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "core/rows.h"
#include "json/json_load.h"
#include "json/json_write.h"
#include "sync/answer.h"
#include "sync/delta.h"
#include "sync/purchases.h"
#include "sync/slice.h"

#define DOCUMENT_CONTENT 0

/* A document of each source, by its key. */
#define CONTENT_BY(id, content)                                                                \
	.nkeys = 1, .keys = {{(id), UUIDOID}}, .ncolumns = 1, .columns = {{(content), JSONOID}}

static RowsSource manifest_contents = {
	.table = "master_manifests",
	.index = "master_manifests_pkey",
	CONTENT_BY("id", "content"),
};
static RowsSource course_contents = {
	.table = "course_documents",
	.index = "course_documents_pkey",
	CONTENT_BY("course_id", "data"),
};
static RowsSource custom_course_contents = {
	.table = "custom_courses",
	.index = "custom_courses_pkey",
	CONTENT_BY("id", "data"),
};

static RowsSource *const contents[HANDSHAKE_SOURCES] = {
	[HANDSHAKE_MANIFEST] = &manifest_contents,
	[HANDSHAKE_COURSE] = &course_contents,
	[HANDSHAKE_CUSTOM_COURSE] = &custom_course_contents,
};

/* About how many bytes a line takes without its document, and for how many lines the buffer is
 * enlarged at once. */
#define LINE_SIZE      120
#define LINES_RESERVED 10000

/* What the answer says of one file. */
typedef struct ManifestLine
{
	const HandshakeEntry *entry; /* NULL: the phone has the file and gets it no more */
	const HandshakeFile *file;   /* NULL: the phone lacks the file */
	Datum document;              /* as stored; 0 unless the phone's file differs */
} ManifestLine;

static void manifest_write(StringInfo out, const HandshakeRequest *request,
						   const HandshakeState *state);
static int lines_match(ManifestLine *lines, const HandshakeRequest *request,
					   const HandshakeState *state);
static int lines_delete(ManifestLine *lines, const HandshakeRequest *request,
						const HandshakeState *state);
static bool is_protected(const HandshakeState *state, JsonSlice name);
static void documents_read(ManifestLine *lines, int count, HandshakeSource source);
static bool line_is_kept(const ManifestLine *line);
static void line_write(StringInfo out, const ManifestLine *line, bool deltas);
static void document_write(StringInfo out, const ManifestLine *line, bool deltas);

/* The manifest is left empty if the phone has everything. That all was kept is the rule, and is
 * not said. */
void
handshake_answer_write(StringInfo out, const HandshakeRequest *request,
					   const HandshakeState *state, const pg_uuid_t *user, bool kept)
{
	json_write_literal(out, "{\"json_manifest\":{");
	if (!handshake_is_current(request, state->digest))
		manifest_write(out, request, state);
	json_write_literal(out, "},\"purchases\":");
	handshake_purchases_write(out, request, user);
	appendStringInfoChar(out, ',');
	appendBinaryStringInfo(out, state->members.bytes, (int) state->members.size);
	json_write_literal(out, ",\"digest\":\"");
	appendStringInfoString(out, state->digest);
	if (kept)
		json_write_literal(out, "\"}");
	else
		json_write_literal(out, "\",\"kept\":false}");
}

/* A file that the phone is to delete is not looked for: deleting needs no document. */
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

/* Entries first, in their order; then what the phone is to delete. */
static void
manifest_write(StringInfo out, const HandshakeRequest *request, const HandshakeState *state)
{
	ManifestLine *lines = palloc_extended(
		(state->nentries + request->nfiles + 1) * sizeof(ManifestLine), MCXT_ALLOC_HUGE);
	int count = lines_match(lines, request, state);

	enlargeStringInfo(out, Min(count, LINES_RESERVED) * LINE_SIZE);
	/* before the lines to delete are added, which have no document */
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

/* A line for every entry, with the phone's file of the same name. Returns how many. */
static int
lines_match(ManifestLine *lines, const HandshakeRequest *request, const HandshakeState *state)
{
	int f = 0; /* the phone's next file */

	for (int i = 0; i < state->nentries; i++)
	{
		const HandshakeFile *file = NULL;
		int order = -1;

		while (f < request->nfiles &&
			   (order = slice_compare(request->files[f].name, state->entries[i].name)) < 0)
			f++;
		if (f < request->nfiles && order == 0)
			file = &request->files[f++];
		lines[i] = (ManifestLine){.entry = &state->entries[i], .file = file};
	}
	return state->nentries;
}

/* A line for every file of the phone that no entry names and that is not protected. */
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
			   (order = slice_compare(state->entries[e].name, file->name)) < 0)
			e++;
		if ((e == state->nentries || order != 0) && !is_protected(state, file->name))
			lines[count++] = (ManifestLine){.file = file};
	}
	return count;
}

/* The setting names a handful of files: a search would not pay. */
static bool
is_protected(const HandshakeState *state, JsonSlice name)
{
	for (int i = 0; i < state->nprotected; i++)
		if (slice_compare(state->protected[i], name) == 0)
			return true;
	return false;
}

/*
 * Finds the document of every line of the source in which the phone's file differs. What is
 * copied is the stored value, which of a long document is only where it lies.
 */
static void
documents_read(ManifestLine *lines, int count, HandshakeSource source)
{
	bool opened = false; /* most handshakes send nothing of most sources */
	Rows rows;

	for (int i = 0; i < count; i++)
	{
		Datum id = UUIDPGetDatum(&lines[i].entry->id);

		if (lines[i].entry->source != source || line_is_kept(&lines[i]))
			continue;
		if (!opened)
			rows_open(&rows, contents[source], GetActiveSnapshot());
		opened = true;
		rows_find(&rows, &id);
		if (rows_next(&rows))
			lines[i].document = datumCopy(rows_value(&rows, DOCUMENT_CONTENT), false, -1);
	}
	if (opened)
		rows_close(&rows);
}

/* Whether the phone's file is the document. */
static bool
line_is_kept(const ManifestLine *line)
{
	return line->file != NULL &&
		   slice_compare(line->file->checksum, line->entry->checksum) == 0;
}

/* The file's name, checksum, size and action as members of the manifest. */
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

/* Action and content: an append if the phone understands one and there is one, else all of the
 * document. */
static void
document_write(StringInfo out, const ManifestLine *line, bool deltas)
{
	struct varlena *document;
	JsonSlice bytes;

	/* the state names a document that the snapshot does not have: the cached row lies */
	if (line->document == (Datum) 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("a document of the handshake is missing"),
						errhint("Delete the user's row of cached_handshake_responses.")));
	document = json_in_memory(line->document);
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
	/* one document at a time, or a first handshake would hold all of them in memory */
	if ((Pointer) document != DatumGetPointer(line->document))
		pfree(document);
}
