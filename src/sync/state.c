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
#include "utils/snapmgr.h"

#include "core/datum.h"
#include "core/errors.h"
#include "core/rows.h"
#include "identity/asking.h"
#include "json/json_write.h"
#include "sync/entries.h"
#include "sync/handshake.h"

typedef enum CustomColumn
{
	CUSTOM_ID,
	CUSTOM_CODE,
	CUSTOM_CHECKSUM,
	CUSTOM_SIZE,
	CUSTOM_COLUMNS,
} CustomColumn;

static RowsSource custom_by_user = {
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

static RowsSource purchases_by_course = {
	.table = "custom_course_purchases",
	.index = "custom_course_purchases_course_id_idx",
	.nkeys = 1,
	.keys = {{"course_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"status", TEXTOID}},
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
static void own_entries(HandshakeEntries *entries, HandshakeState *state, const pg_uuid_t *user,
						TimestampTz at);
static void custom_add(HandshakeEntries *entries, const pg_uuid_t *user);
static bool custom_is_kept(Rows *purchases, Datum course);
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

/* Raises KB106 for nobody and for a closed account. */
static void
user_require(HandshakeVersions *versions, bool *admin, const pg_uuid_t *user)
{
	memset(versions, 0, sizeof(*versions));
	if (!identity_user_read(user, admin))
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
						errdetail("No user has the id %s, or the account was deleted.",
								  uuid_text(user)),
						errhint("Call upsert_user() when a person signs up.")));
	handshake_cohort_read(versions, user);
	handshake_versions_read(versions, user);
}

void
handshake_cohort_read(HandshakeVersions *versions, const pg_uuid_t *user)
{
	versions->in_cohort = identity_cohort(user, &versions->cohort_id);
}

/* The documents that only this user gets. */
static void
own_entries(HandshakeEntries *entries, HandshakeState *state, const pg_uuid_t *user,
			TimestampTz at)
{
	handshake_courses_add(entries, state, user, at);
	custom_add(entries, user);
	entries_order(entries);
}

static void
custom_add(HandshakeEntries *entries, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Rows courses;
	Rows purchases;

	rows_open(&courses, &custom_by_user, GetActiveSnapshot());
	rows_open(&purchases, &purchases_by_course, GetActiveSnapshot());
	rows_find(&courses, &key);
	while (rows_next(&courses))
	{
		Datum id = rows_value(&courses, CUSTOM_ID);

		if (custom_is_kept(&purchases, id))
			entries_add(entries, HANDSHAKE_CUSTOM_COURSE, 3, DatumGetUUIDP(id),
						entries_slice(rows_value(&courses, CUSTOM_CODE)),
						entries_slice_keep(rows_value(&courses, CUSTOM_CHECKSUM)),
						DatumGetInt32(rows_value(&courses, CUSTOM_SIZE)));
	}
	rows_close(&purchases);
	rows_close(&courses);
}

/* A custom course stays while one of its purchases is active, or when it was never bought. */
static bool
custom_is_kept(Rows *purchases, Datum course)
{
	bool bought = false;
	bool active = false;

	rows_find(purchases, &course);
	while (!active && rows_next(purchases))
	{
		bought = true;
		active = is_slice(rows_value(purchases, 0), "active");
	}
	return active || !bought;
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
