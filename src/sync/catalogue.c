/*
 * catalogue.c: the documents that everybody of a cohort gets: manifests, and the courses that
 * everybody may use.
 *
 * Invariants: a session keeps a catalogue for as long as the versions of catalogue and cohort
 * are the same. A version names one committed state, so every snapshot that sees the version
 * may use the catalogue. A version that this transaction itself has moved names a state that
 * may yet be rolled back: its catalogue is computed every time. Nor is one kept that a
 * transaction computes which has written before, unless it is that of before its first command
 * too: a handshake that an operator's trigger calls, or the statement that writes, sees a
 * change whose version is yet to move. A catalogue from which a handshake reads is not freed
 * before that handshake ends.
 *
 * Everything is read by keys or as it lies (core/rows.h): the first handshake of a connection
 * would wait longer for the planner than for the rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/datum.h"
#include "core/rows.h"
#include "core/setting.h"
#include "sync/catalogue.h"
#include "sync/documents.h"
#include "sync/slice.h"

/* Phones of different cohorts share a session; administrators have a catalogue of their own. */
#define KEPT_CATALOGUES 8

/* The columns of MANIFESTS. */
enum
{
	MANIFEST_ID,
	MANIFEST_NAME,
	MANIFEST_CHECKSUM,
	MANIFEST_SIZE,
	MANIFEST_IS_DEFAULT,
	MANIFEST_COLUMNS,
};

#define MANIFESTS                                                                              \
	.table = "master_manifests", .ncolumns = MANIFEST_COLUMNS,                                 \
	.columns = {{"id", UUIDOID},                                                               \
				{"name", TEXTOID},                                                             \
				{"checksum", TEXTOID},                                                         \
				{"file_size_bytes", INT4OID},                                                  \
				{"is_default", BOOLOID}}

/* There are few manifests, and the index of the default ones has no others. */
static RowsSource every_manifest = {MANIFESTS};
static RowsSource manifest_by_id = {
	MANIFESTS,
	.index = "master_manifests_pkey",
	.nkeys = 1,
	.keys = {{"id", UUIDOID}},
};

#define COHORT_MANIFEST 0

static RowsSource manifests_of_cohort = {
	.table = "manifest_cohorts",
	.index = "manifest_cohorts_cohort_id_name_key",
	.nkeys = 1,
	.keys = {{"cohort_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"manifest_id", UUIDOID}},
};

/* The columns of COURSES. */
enum
{
	COURSE_ID,
	COURSE_CODE,
	COURSE_COLUMNS,
};

#define COURSES                                                                                \
	.table = "courses", .ncolumns = COURSE_COLUMNS,                                            \
	.columns = {{"id", UUIDOID}, {"course_code", TEXTOID, true}}

/* An administrator may use every course. */
static RowsSource every_course = {COURSES};
static RowsSource free_courses = {
	COURSES,
	.index = "courses_is_free_idx",
	.nkeys = 1,
	.keys = {{"is_free", BOOLOID}},
};

/* Freed once nobody holds it: neither the array `kept` nor a handshake that is under way. */
typedef struct KeptCatalogue
{
	MemoryContext context; /* of this struct and everything in it */
	int holders;
	uint64 generation; /* of the tables that the versions stand in */
	HandshakeVersions versions;
	bool admin;
	HandshakeCatalogue catalogue;
} KeptCatalogue;

static KeptCatalogue *kept[KEPT_CATALOGUES];

static bool changed_here(const HandshakeCatalogue *catalogue, const HandshakeVersions *versions,
						 bool admin);
static bool is_kept(const KeptCatalogue *one, const HandshakeVersions *versions, bool admin);
static void catalogue_compute(HandshakeCatalogue *catalogue, const HandshakeVersions *versions,
							  bool admin);
static void defaults_add(HandshakeEntries *entries);
static void cohort_add(HandshakeEntries *entries, const pg_uuid_t *cohort);
static void manifest_add(HandshakeEntries *entries, Rows *manifest, HandshakeRank rank);
static void courses_add(HandshakeEntries *entries, bool every);
static void protected_read(HandshakeCatalogue *catalogue);
static KeptCatalogue *catalogue_keep(const HandshakeCatalogue *computed);
static const HandshakeCatalogue *catalogue_hold(KeptCatalogue *one);
static void catalogue_release(void *one);
static void catalogue_copy(HandshakeCatalogue *to, const HandshakeCatalogue *from);

/*
 * The result is held for the current context, and not until the next call only: a trigger of
 * the database's own may call other handshakes before this one has ended.
 */
const HandshakeCatalogue *
handshake_catalogue_get(const HandshakeVersions *versions, bool admin, bool has_written)
{
	static unsigned int next = 0;
	/* taken before the read: a table altered during it makes the catalogue outdated at once */
	uint64 generation = rows_generation;
	HandshakeCatalogue *computed;
	KeptCatalogue *one;

	for (int i = 0; i < KEPT_CATALOGUES; i++)
		if (!versions->own_change && is_kept(kept[i], versions, admin))
			return catalogue_hold(kept[i]);
	computed = palloc0(sizeof(*computed));
	catalogue_compute(computed, versions, admin);
	if (versions->own_change || (has_written && changed_here(computed, versions, admin)))
		return computed;
	one = catalogue_keep(computed);
	one->versions = *versions;
	one->admin = admin;
	one->generation = generation;
	next = (next + 1) % KEPT_CATALOGUES;
	if (kept[next] != NULL)
		catalogue_release(kept[next]);
	kept[next] = one;
	return catalogue_hold(one);
}

/*
 * Whether the catalogue is another one than before the transaction's first command. Reading
 * twice costs less than once a transaction, in a session whose every transaction writes first.
 */
static bool
changed_here(const HandshakeCatalogue *catalogue, const HandshakeVersions *versions, bool admin)
{
	HandshakeCatalogue was = {0};

	PushCopiedSnapshot(GetActiveSnapshot());
	GetActiveSnapshot()->curcid = FirstCommandId;
	catalogue_compute(&was, versions, admin);
	PopActiveSnapshot();
	if (was.nentries != catalogue->nentries || was.nprotected != catalogue->nprotected)
		return true;
	for (int i = 0; i < was.nentries; i++)
	{
		const HandshakeEntry *a = &was.entries[i];
		const HandshakeEntry *b = &catalogue->entries[i];

		if (slice_compare(a->name, b->name) != 0 ||
			slice_compare(a->checksum, b->checksum) != 0 || a->size != b->size ||
			a->source != b->source || a->rank != b->rank || !uuid_equal(&a->id, &b->id))
			return true;
	}
	for (int i = 0; i < was.nprotected; i++)
		if (slice_compare(was.protected[i], catalogue -> protected[i]) != 0)
			return true;
	return false;
}

/* Versions that are equal name equal catalogues, as long as the tables of the versions are the
 * same ones. */
static bool
is_kept(const KeptCatalogue *one, const HandshakeVersions *versions, bool admin)
{
	return one != NULL && one->generation == rows_generation && one->admin == admin &&
		   one->versions.catalogue == versions->catalogue &&
		   one->versions.in_cohort == versions->in_cohort &&
		   (!versions->in_cohort ||
			(one->versions.cohort == versions->cohort &&
			 uuid_equal(&one->versions.cohort_id, &versions->cohort_id)));
}

/* A cohort's manifest hides the default of the same name; a course hides a manifest. */
static void
catalogue_compute(HandshakeCatalogue *catalogue, const HandshakeVersions *versions, bool admin)
{
	HandshakeEntries entries = {0};

	defaults_add(&entries);
	if (versions->in_cohort)
		cohort_add(&entries, &versions->cohort_id);
	courses_add(&entries, admin);
	entries_order(&entries);
	catalogue->entries = entries.entries;
	catalogue->nentries = entries.count;
	protected_read(catalogue);
}

/*
 * Rule: for each name the manifest of the person's cohort counts, else the default. Both are
 * added; of two entries of one name the better rank stays.
 */
static void
defaults_add(HandshakeEntries *entries)
{
	Rows manifests;

	rows_open(&manifests, &every_manifest, GetActiveSnapshot());
	rows_find(&manifests, NULL);
	while (rows_next(&manifests))
		if (DatumGetBool(rows_value(&manifests, MANIFEST_IS_DEFAULT)))
			manifest_add(entries, &manifests, RANK_DEFAULT_MANIFEST);
	rows_close(&manifests);
}

static void
cohort_add(HandshakeEntries *entries, const pg_uuid_t *cohort)
{
	Datum key = UUIDPGetDatum(cohort);
	Rows names, manifests;

	rows_open(&names, &manifests_of_cohort, GetActiveSnapshot());
	rows_open(&manifests, &manifest_by_id, GetActiveSnapshot());
	rows_find(&names, &key);
	while (rows_next(&names))
	{
		Datum id = rows_value(&names, COHORT_MANIFEST);

		rows_find(&manifests, &id);
		if (rows_next(&manifests))
			manifest_add(entries, &manifests, RANK_COHORT_MANIFEST);
	}
	rows_close(&manifests);
	rows_close(&names);
}

/* Name and checksum must outlive the row. */
static void
manifest_add(HandshakeEntries *entries, Rows *manifest, HandshakeRank rank)
{
	entries_add(entries, HANDSHAKE_MANIFEST, rank,
				DatumGetUUIDP(rows_value(manifest, MANIFEST_ID)),
				slice_keep(rows_value(manifest, MANIFEST_NAME)),
				slice_keep(rows_value(manifest, MANIFEST_CHECKSUM)),
				DatumGetInt32(rows_value(manifest, MANIFEST_SIZE)));
}

/*
 * The documents are opened with the first course, and not at all where no course is free:
 * opening a source costs locks.
 */
static void
courses_add(HandshakeEntries *entries, bool every)
{
	Datum yes = BoolGetDatum(true);
	bool opened = false; /* the documents, by the first course */
	Rows courses, documents;

	rows_open(&courses, every ? &every_course : &free_courses, GetActiveSnapshot());
	rows_find(&courses, every ? NULL : &yes);
	while (rows_next(&courses))
	{
		bool no_code;
		Datum code = rows_value_or_null(&courses, COURSE_CODE, &no_code);

		if (!opened)
			handshake_documents_open(&documents);
		opened = true;
		handshake_document_add(entries, &documents,
							   DatumGetUUIDP(rows_value(&courses, COURSE_ID)),
							   no_code ? (JsonSlice){NULL, 0} : slice_of(code));
	}
	if (opened)
		rows_close(&documents);
	rows_close(&courses);
}

/* The names of the setting protected_manifests. */
static void
protected_read(HandshakeCatalogue *catalogue)
{
	char **names = setting_words("protected_manifests", &catalogue->nprotected);

	catalogue->protected = palloc((catalogue->nprotected + 1) * sizeof(JsonSlice));
	for (int i = 0; i < catalogue->nprotected; i++)
		catalogue->protected[i] = (JsonSlice){names[i], strlen(names[i])};
}

/* A copy that the session holds. Its context hangs from the caller's until it is complete, so
 * that an error frees it. */
static KeptCatalogue *
catalogue_keep(const HandshakeCatalogue *computed)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "coursebase catalogue",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	KeptCatalogue *one = palloc0(sizeof(*one));

	one->context = context;
	one->holders = 1;
	catalogue_copy(&one->catalogue, computed);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, TopMemoryContext);
	return one;
}

/* Holds the catalogue until the current context is reset or deleted. */
static const HandshakeCatalogue *
catalogue_hold(KeptCatalogue *one)
{
	MemoryContextCallback *callback = palloc(sizeof(*callback));

	callback->func = catalogue_release;
	callback->arg = one;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	one->holders++;
	return &one->catalogue;
}

/*
 * Called when a memory that holds the catalogue is freed, after an error as well: the last one
 * frees it.
 */
static void
catalogue_release(void *one)
{
	if (--((KeptCatalogue *) one)->holders == 0)
		MemoryContextDelete(((KeptCatalogue *) one)->context);
}

/*
 * Copies into the current memory context. The names and checksums are copied too: those of from
 * lie in memory that ends with the handshake.
 */
static void
catalogue_copy(HandshakeCatalogue *to, const HandshakeCatalogue *from)
{
	*to = *from;
	to->entries =
		palloc_extended((from->nentries + 1) * sizeof(HandshakeEntry), MCXT_ALLOC_HUGE);
	for (int i = 0; i < from->nentries; i++)
	{
		to->entries[i] = from->entries[i];
		to->entries[i].name = slice_copy(from->entries[i].name);
		to->entries[i].checksum = slice_copy(from->entries[i].checksum);
	}
	to->protected = palloc((from->nprotected + 1) * sizeof(JsonSlice));
	for (int i = 0; i < from->nprotected; i++)
		to->protected[i] = slice_copy(from->protected[i]);
}
