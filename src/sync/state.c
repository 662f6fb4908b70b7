/*
 * state.c: what a user gets, computed from the tables.
 *
 * Everything is read with the active snapshot, the versions too: they are those of exactly this
 * state. What a state is made from stands here and in sync/catalogue.c. A feature that
 * adds a member of the answer adds a MemberWriter; one that makes documents usable adds its
 * source to own_entries() (or to the catalogue, where everybody gets them); what passes with
 * time narrows valid_from and valid_until; and the tables it reads get triggers that move a
 * version.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "core/errors.h"
#include "core/fetch.h"
#include "core/plan.h"
#include "json/json_write.h"
#include "sync/entries.h"
#include "sync/handshake.h"

static FetchSource user_by_id = {
	.table = "users",
	.index = "users_pkey",
	.nkeys = 1,
	.keys = {{"id", UUIDOID}},
	.ncolumns = 2,
	.columns = {{"role", FETCH_ANY_ENUM}, {"deleted_at", TIMESTAMPTZOID, true}},
};

static FetchSource cohort_by_user = {
	.table = "user_cohorts",
	.index = "user_cohorts_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"cohort_id", UUIDOID}},
};

/* The three reads that make UserFacts and the versions, as one statement. */
static KeptPlan query_user = {
	.sql = "SELECT u.role = 'admin',"
		   " uc.cohort_id,"
		   " coalesce((SELECT v.version FROM coursebase.catalogue_version v"
		   "           WHERE v.singleton), 0),"
		   " coalesce((SELECT v.version FROM coursebase.cohort_versions v"
		   "           WHERE v.cohort_id = uc.cohort_id), 0),"
		   " coalesce((SELECT v.version FROM coursebase.user_versions v"
		   "           WHERE v.user_id = u.id), 0)"
		   " FROM coursebase.users u"
		   " LEFT JOIN coursebase.user_cohorts uc ON uc.user_id = u.id"
		   " WHERE u.id = $1 AND u.deleted_at IS NULL",
	.nargs = 1,
	.types = {UUIDOID},
};

typedef enum CustomColumn
{
	CUSTOM_ID,
	CUSTOM_CODE,
	CUSTOM_CHECKSUM,
	CUSTOM_SIZE,
	CUSTOM_COLUMNS,
} CustomColumn;

static FetchSource custom_by_user = {
	.table = "custom_courses",
	.index = "custom_courses_user_id_idx",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = CUSTOM_COLUMNS,
	.columns = {{"id", UUIDOID},
				{"course_code", TEXTOID},
				{"checksum", TEXTOID},
				{"file_size_bytes", INT4OID}},
};

static FetchSource purchases_by_course = {
	.table = "custom_course_purchases",
	.index = "custom_course_purchases_course_id_idx",
	.nkeys = 1,
	.keys = {{"course_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"status", TEXTOID}},
};

/* A custom course stays while one of its purchases is active, or when it was never bought. */
static KeptPlan query_custom = {
	.sql = "SELECT c.id, c.course_code, c.checksum, c.file_size_bytes"
		   " FROM coursebase.custom_courses c"
		   " WHERE c.user_id = $1"
		   " AND (SELECT bool_or(p.status = 'active') FROM coursebase.custom_course_purchases p"
		   "      WHERE p.course_id = c.id) IS NOT FALSE",
	.nargs = 1,
	.types = {UUIDOID},
};

/* A member of the answer beside the manifest; until its feature is there, its empty value. */
typedef struct MemberWriter
{
	const char *name;
	const char *empty; /* NULL: written by */
	void (*write)(StringInfo out, HandshakeState *state, const pg_uuid_t *user, TimestampTz at);
} MemberWriter;

static const MemberWriter members[] = {
	{"ai_usage", NULL, handshake_credits_write},
	{"subscription", NULL, handshake_subscription_write},
	{"discounts", NULL, handshake_discounts_write},
	{"courses", NULL, handshake_courses_write},
	{"premium_slots", NULL, handshake_slots_write},
};

static void user_require(HandshakeVersions *versions, bool *admin, const pg_uuid_t *user);
static bool user_read(HandshakeVersions *versions, bool *admin, bool *found,
					  const pg_uuid_t *user);
static bool user_row_read(bool *admin, bool *found, const pg_uuid_t *user);
static bool user_query(HandshakeVersions *versions, bool *admin, const pg_uuid_t *user);
static void own_entries(HandshakeEntries *entries, HandshakeState *state, const pg_uuid_t *user,
						TimestampTz at);
static bool custom_read(HandshakeEntries *entries, const pg_uuid_t *user);
static void custom_row_read(HandshakeEntries *entries, Fetch *courses, Fetch *purchases);
static bool is_slice(Datum value, const char *plain);
static void entries_merge(HandshakeState *state, const HandshakeCatalogue *catalogue,
						  const HandshakeEntries *own);
static void digest_compute(HandshakeState *state);
static JsonSlice members_write(HandshakeState *state, const pg_uuid_t *user, TimestampTz at);

void
handshake_state_compute(HandshakeState *state, HandshakeVersions *versions,
						const pg_uuid_t *user, TimestampTz at)
{
	HandshakeEntries own = {0};
	const HandshakeCatalogue *catalogue;
	bool admin;

	memset(state, 0, sizeof(*state));
	state->valid_from = DT_NOBEGIN;
	state->valid_until = DT_NOEND;
	user_require(versions, &admin, user);
	catalogue = handshake_catalogue_get(versions, admin);
	own_entries(&own, state, user, at);
	entries_merge(state, catalogue, &own);
	state->protected = catalogue->protected;
	state->nprotected = catalogue->nprotected;
	digest_compute(state);
	state->members = members_write(state, user, at);
}

void
handshake_state_turns(HandshakeState *state, TimestampTz moment, TimestampTz at)
{
	if (moment > at)
		state->valid_until = Min(state->valid_until, moment);
	else
		state->valid_from = Max(state->valid_from, moment);
}

static void
user_require(HandshakeVersions *versions, bool *admin, const pg_uuid_t *user)
{
	bool found;

	memset(versions, 0, sizeof(*versions));
	if (!user_read(versions, admin, &found, user))
		found = user_query(versions, admin, user);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
				 errdetail("No user has the id %s, or the account was deleted.",
						   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(user)))),
				 errhint("Call upsert_user() when a person signs up.")));
}

/* False when it cannot be read directly. */
static bool
user_read(HandshakeVersions *versions, bool *admin, bool *found, const pg_uuid_t *user)
{
	if (!user_row_read(admin, found, user))
		return false;
	return !*found ||
		   (handshake_cohort_read(versions, user) && handshake_versions_read(versions, user));
}

static bool
user_row_read(bool *admin, bool *found, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Fetch fetch;
	bool open = true;

	if (!fetch_open(&fetch, &user_by_id, GetActiveSnapshot()))
		return false;
	fetch_find(&fetch, &key);
	*found = fetch_next(&fetch);
	if (*found)
	{
		Datum role = fetch_value(&fetch, 0, &open);

		*admin = strcmp(DatumGetCString(DirectFunctionCall1(enum_out, role)), "admin") == 0;
		fetch_value(&fetch, 1, &open);
	}
	*found = *found && open;
	fetch_close(&fetch);
	return true;
}

bool
handshake_cohort_read(HandshakeVersions *versions, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Fetch fetch;
	bool null;

	if (!fetch_open(&fetch, &cohort_by_user, GetActiveSnapshot()))
		return false;
	fetch_find(&fetch, &key);
	versions->in_cohort = fetch_next(&fetch);
	if (versions->in_cohort)
		versions->cohort_id = *DatumGetUUIDP(fetch_value(&fetch, 0, &null));
	fetch_close(&fetch);
	return true;
}

static bool
user_query(HandshakeVersions *versions, bool *admin, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Datum cohort;
	bool null;

	versions_were_read();
	if (plan_execute(&query_user, &key, NULL, true) == 0)
		return false;
	cohort = plan_value(0, 2, &null);
	versions->in_cohort = !null;
	if (!null)
		versions->cohort_id = *DatumGetUUIDP(cohort);
	*admin = DatumGetBool(plan_value(0, 1, &null));
	versions->catalogue = DatumGetInt64(plan_value(0, 3, &null));
	versions->cohort = DatumGetInt64(plan_value(0, 4, &null));
	versions->user = DatumGetInt64(plan_value(0, 5, &null));
	versions->own_change = true;
	return true;
}

/* The documents that only this user gets. */
static void
own_entries(HandshakeEntries *entries, HandshakeState *state, const pg_uuid_t *user,
			TimestampTz at)
{
	handshake_courses_add(entries, state, user, at);
	if (!custom_read(entries, user))
		entries_query(entries, &query_custom, UUIDPGetDatum(user), HANDSHAKE_CUSTOM_COURSE, 3);
	entries_order(entries);
}

static bool
custom_read(HandshakeEntries *entries, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Snapshot snapshot = GetActiveSnapshot();
	Fetch courses;
	Fetch purchases;

	if (!fetch_open(&courses, &custom_by_user, snapshot))
		return false;
	if (!fetch_open(&purchases, &purchases_by_course, snapshot))
	{
		fetch_close(&courses);
		return false;
	}
	fetch_find(&courses, &key);
	while (fetch_next(&courses))
		custom_row_read(entries, &courses, &purchases);
	fetch_close(&purchases);
	fetch_close(&courses);
	return true;
}

/* As query_custom has it. */
static void
custom_row_read(HandshakeEntries *entries, Fetch *courses, Fetch *purchases)
{
	bool null;
	Datum id = fetch_value(courses, CUSTOM_ID, &null);
	bool bought = false;
	bool active = false;

	fetch_find(purchases, &id);
	while (!active && fetch_next(purchases))
	{
		bought = true;
		active = is_slice(fetch_value(purchases, 0, &null), "active");
	}
	if (bought && !active)
		return;
	entries_add(entries, HANDSHAKE_CUSTOM_COURSE, 3, DatumGetUUIDP(id),
				entries_slice(fetch_value(courses, CUSTOM_CODE, &null)),
				entries_slice_keep(fetch_value(courses, CUSTOM_CHECKSUM, &null)),
				DatumGetInt32(fetch_value(courses, CUSTOM_SIZE, &null)));
}

static bool
is_slice(Datum value, const char *plain)
{
	JsonSlice slice = entries_slice(value);

	return slice.size == strlen(plain) && memcmp(slice.bytes, plain, slice.size) == 0;
}

/* Both are in order; what is the user's own goes before what everybody has. */
static void
entries_merge(HandshakeState *state, const HandshakeCatalogue *catalogue,
			  const HandshakeEntries *own)
{
	HandshakeEntry *merged = palloc_extended(
		(catalogue->nentries + own->count + 1) * sizeof(HandshakeEntry), MCXT_ALLOC_HUGE);
	int n = 0;
	int c = 0;

	for (int o = 0; o < own->count; o++)
	{
		int order = 1;

		while (c < catalogue->nentries &&
			   (order = handshake_name_compare(catalogue->entries[c].name,
											   own->entries[o].name)) < 0)
			merged[n++] = catalogue->entries[c++];
		if (c < catalogue->nentries && order == 0)
			c++;
		merged[n++] = own->entries[o];
	}
	while (c < catalogue->nentries)
		merged[n++] = catalogue->entries[c++];
	state->entries = merged;
	state->nentries = n;
}

/* MD5 over one line an entry: name, a space, checksum, a line feed. */
static void
digest_compute(HandshakeState *state)
{
	Digest *digest = digest_begin(DIGEST_MD5);
	StringInfoData lines;

	initStringInfo(&lines);
	for (int i = 0; i < state->nentries; i++)
	{
		HandshakeEntry *entry = &state->entries[i];

		resetStringInfo(&lines);
		appendBinaryStringInfo(&lines, entry->name.bytes, (int) entry->name.size);
		appendStringInfoChar(&lines, ' ');
		appendBinaryStringInfo(&lines, entry->checksum.bytes, (int) entry->checksum.size);
		appendStringInfoChar(&lines, '\n');
		digest_update(digest, lines.data, lines.len);
	}
	digest_finish(digest, state->digest);
}

static JsonSlice
members_write(HandshakeState *state, const pg_uuid_t *user, TimestampTz at)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < lengthof(members); i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		json_write_string(&out, members[i].name, strlen(members[i].name));
		appendStringInfoChar(&out, ':');
		if (members[i].empty != NULL)
			appendStringInfoString(&out, members[i].empty);
		else
			members[i].write(&out, state, user, at);
	}
	return (JsonSlice){out.data, out.len};
}
