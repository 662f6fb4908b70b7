/*
 * catalogue.c: the documents that everybody of a cohort gets: manifests, and the
 * courses that all may use.
 *
 * A session keeps what it computed for as long as the versions of catalogue and cohort are the
 * same. A version names one committed state, so that any snapshot may use it; what this
 * transaction itself has moved names one that may yet be rolled back, and is computed every
 * time. What a handshake reads from is not freed before it ends.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/rows.h"
#include "core/plan.h"
#include "sync/entries.h"
#include "sync/handshake.h"

/* Different cohorts meet in one session; an administrator's catalogue is another one. */
#define KEPT_CATALOGUES 8

/* The statements that list documents answer id, name or code, checksum, size. */
static KeptPlan read_default_manifests = {
	.sql = "SELECT m.id, m.name, m.checksum, m.file_size_bytes"
		   " FROM coursebase.master_manifests m WHERE m.is_default",
};

static KeptPlan read_cohort_manifests = {
	.sql = "SELECT m.id, m.name, m.checksum, m.file_size_bytes"
		   " FROM coursebase.manifest_cohorts mc"
		   " JOIN coursebase.master_manifests m ON m.id = mc.manifest_id"
		   " WHERE mc.cohort_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

static KeptPlan read_free_courses = {
	.sql = "SELECT d.course_id, c.course_code, d.checksum, d.file_size_bytes"
		   " FROM coursebase.courses c"
		   " JOIN coursebase.course_documents d ON d.course_id = c.id"
		   " WHERE c.is_free AND c.course_code IS NOT NULL",
};

static KeptPlan read_every_course = {
	.sql = "SELECT d.course_id, c.course_code, d.checksum, d.file_size_bytes"
		   " FROM coursebase.courses c"
		   " JOIN coursebase.course_documents d ON d.course_id = c.id"
		   " WHERE c.course_code IS NOT NULL",
};

static KeptPlan read_protected = {
	.sql = "SELECT coalesce(s.value, s.default_value) FROM coursebase.settings s"
		   " WHERE s.name = 'protected_manifests'",
};

/* Freed when nobody holds it: not this table, nor a handshake that is under way. */
typedef struct KeptCatalogue
{
	MemoryContext context; /* of all of it */
	int holders;
	uint64 generation; /* of the tables that the versions stand in */
	HandshakeVersions versions;
	bool admin;
	HandshakeCatalogue catalogue;
} KeptCatalogue;

static KeptCatalogue *kept[KEPT_CATALOGUES];

static bool is_kept(const KeptCatalogue *one, const HandshakeVersions *versions, bool admin);
static void catalogue_compute(HandshakeCatalogue *catalogue, const HandshakeVersions *versions,
							  bool admin);
static void protected_read(HandshakeCatalogue *catalogue);
static KeptCatalogue *catalogue_keep(const HandshakeCatalogue *computed);
static const HandshakeCatalogue *catalogue_hold(KeptCatalogue *one);
static void catalogue_release(void *one);
static void catalogue_copy(HandshakeCatalogue *to, const HandshakeCatalogue *from);
static JsonSlice slice_copy(JsonSlice slice);

/*
 * What it gives stays as long as the current context: a trigger of the user's may call other
 * handshakes before this one has ended.
 */
const HandshakeCatalogue *
handshake_catalogue_get(const HandshakeVersions *versions, bool admin)
{
	static unsigned int next = 0;
	HandshakeCatalogue *computed;
	KeptCatalogue *one;

	for (int i = 0; i < KEPT_CATALOGUES; i++)
		if (!versions->own_change && is_kept(kept[i], versions, admin))
			return catalogue_hold(kept[i]);
	computed = palloc0(sizeof(*computed));
	catalogue_compute(computed, versions, admin);
	if (versions->own_change)
		return computed;
	one = catalogue_keep(computed);
	one->versions = *versions;
	one->admin = admin;
	one->generation = rows_generation;
	next = (next + 1) % KEPT_CATALOGUES;
	if (kept[next] != NULL)
		catalogue_release(kept[next]);
	kept[next] = one;
	return catalogue_hold(one);
}

static bool
is_kept(const KeptCatalogue *one, const HandshakeVersions *versions, bool admin)
{
	return one != NULL && one->generation == rows_generation && one->admin == admin &&
		   one->versions.catalogue == versions->catalogue &&
		   one->versions.in_cohort == versions->in_cohort &&
		   (!versions->in_cohort ||
			(one->versions.cohort == versions->cohort &&
			 memcmp(&one->versions.cohort_id, &versions->cohort_id, sizeof(pg_uuid_t)) == 0));
}

static void
catalogue_compute(HandshakeCatalogue *catalogue, const HandshakeVersions *versions, bool admin)
{
	HandshakeEntries entries = {0};

	entries_query(&entries, &read_default_manifests, (Datum) 0, HANDSHAKE_MANIFEST, 0);
	if (versions->in_cohort)
		entries_query(&entries, &read_cohort_manifests, UUIDPGetDatum(&versions->cohort_id),
					  HANDSHAKE_MANIFEST, 1);
	entries_query(&entries, admin ? &read_every_course : &read_free_courses, (Datum) 0,
				  HANDSHAKE_COURSE, 2);
	entries_order(&entries);
	catalogue->entries = entries.entries;
	catalogue->nentries = entries.count;
	protected_read(catalogue);
}

/* Names in the setting stand apart by white space or commas. */
static void
protected_read(HandshakeCatalogue *catalogue)
{
	const char *between = " \t\r\n,";
	char *names;
	char *rest;

	if (plan_execute(&read_protected, NULL, NULL, true) == 0)
		return;
	names = plan_text_required(0, 1);
	catalogue->protected = palloc((strlen(names) / 2 + 1) * sizeof(JsonSlice));
	for (char *name = strtok_r(names, between, &rest); name != NULL;
		 name = strtok_r(NULL, between, &rest))
		catalogue->protected[catalogue->nprotected++] = (JsonSlice){name, strlen(name)};
}

/* A copy that the session holds. */
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
	/* only what is complete outlives an error */
	MemoryContextSetParent(context, TopMemoryContext);
	return one;
}

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

static void
catalogue_release(void *one)
{
	if (--((KeptCatalogue *) one)->holders == 0)
		MemoryContextDelete(((KeptCatalogue *) one)->context);
}

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

static JsonSlice
slice_copy(JsonSlice slice)
{
	char *copy = palloc(slice.size + 1);

	memcpy(copy, slice.bytes, slice.size);
	return (JsonSlice){copy, slice.size};
}
