/*
 * handshake_state.c: what a user gets, computed from the tables.
 *
 * Every statement reads with the active snapshot, the versions too: the versions are those of
 * exactly this state. What the answer is made from stands here and nowhere else. A feature that
 * adds a member adds a MemberWriter; one that makes documents usable adds its source to the
 * statements; what passes with time narrows valid_from and valid_until; and the tables it reads
 * get triggers that move a version.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "errors.h"
#include "handshake.h"
#include "json_write.h"
#include "plan.h"

/* The user, the cohort, the versions and the names that are never deleted. */
static KeptPlan read_user = {
	.sql = "SELECT u.role = 'admin',"
		   " uc.cohort_id,"
		   " coalesce((SELECT v.version FROM coursebase.catalogue_version v), 0),"
		   " coalesce((SELECT v.version FROM coursebase.cohort_versions v"
		   "           WHERE v.cohort_id = uc.cohort_id), 0),"
		   " coalesce((SELECT v.version FROM coursebase.user_versions v"
		   "           WHERE v.user_id = u.id), 0),"
		   " (SELECT coalesce(s.value, s.default_value) FROM coursebase.settings s"
		   "  WHERE s.name = 'protected_manifests')"
		   " FROM coursebase.users u"
		   " LEFT JOIN coursebase.user_cohorts uc ON uc.user_id = u.id"
		   " WHERE u.id = $1 AND u.deleted_at IS NULL",
	.nargs = 1,
	.types = {UUIDOID},
};

/* The statements below answer id, name or code, checksum, size. */
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

static KeptPlan read_usable_courses = {
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

/* A custom course stays while one of its purchases is active, or when it was never bought. */
static KeptPlan read_custom_courses = {
	.sql = "SELECT c.id, c.course_code, c.checksum, c.file_size_bytes"
		   " FROM coursebase.custom_courses c"
		   " WHERE c.user_id = $1"
		   " AND (SELECT bool_or(p.status = 'active') FROM coursebase.custom_course_purchases p"
		   "      WHERE p.course_id = c.id) IS NOT FALSE",
	.nargs = 1,
	.types = {UUIDOID},
};

/* A member of the answer beside the manifest, until its feature is there with its empty value.
 */
typedef struct MemberWriter
{
	const char *name;
	const char *empty;
} MemberWriter;

static const MemberWriter members[] = {
	{"ai_usage", "{\"weekly_limit_credits\":0,\"weekly_used_credits\":0,"
				 "\"weekly_reset_date\":null,\"bank_limit_credits\":0,"
				 "\"bank_used_credits\":0}"},
	{"subscription", "{\"plan\":\"free\",\"status\":null,\"expires_at\":null,"
					 "\"grace_until\":null,\"auto_renew\":false}"},
	{"discounts", "[]"},
};

typedef struct UserFacts
{
	bool admin;
	char *protected_names;
} UserFacts;

static void user_read(UserFacts *facts, HandshakeVersions *versions, const pg_uuid_t *user);
static void entries_read(HandshakeState *state, KeptPlan *plan, const pg_uuid_t *key,
						 HandshakeSource source, int rank);
static JsonSlice entry_name(HandshakeSource source, JsonSlice code, const pg_uuid_t *id);
static JsonSlice column_slice(uint64 row, int column);
static const pg_uuid_t *column_uuid(uint64 row, int column, pg_uuid_t *copy);
static void entries_order(HandshakeState *state);
static int entry_compare(const void *a, const void *b);
static void digest_compute(HandshakeState *state);
static void protected_split(HandshakeState *state, char *names);
static JsonSlice members_write(void);

void
handshake_state_compute(HandshakeState *state, HandshakeVersions *versions,
						const pg_uuid_t *user, TimestampTz at)
{
	UserFacts facts;

	memset(state, 0, sizeof(*state));
	state->valid_from = DT_NOBEGIN;
	state->valid_until = DT_NOEND;
	user_read(&facts, versions, user);
	entries_read(state, &read_default_manifests, NULL, HANDSHAKE_MANIFEST, 0);
	if (versions->in_cohort)
		entries_read(state, &read_cohort_manifests, &versions->cohort_id, HANDSHAKE_MANIFEST,
					 1);
	entries_read(state, facts.admin ? &read_every_course : &read_usable_courses, NULL,
				 HANDSHAKE_COURSE, 2);
	entries_read(state, &read_custom_courses, user, HANDSHAKE_CUSTOM_COURSE, 3);
	entries_order(state);
	digest_compute(state);
	protected_split(state, facts.protected_names);
	state->members = members_write();
}

static void
user_read(UserFacts *facts, HandshakeVersions *versions, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	bool null;

	if (plan_execute(&read_user, &key, NULL, true) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
				 errdetail("No user has the id %s, or the account was deleted.",
						   DatumGetCString(DirectFunctionCall1(uuid_out, key))),
				 errhint("Call upsert_user() first, or ask the person to sign in again.")));
	memset(versions, 0, sizeof(*versions));
	facts->admin = DatumGetBool(plan_value(0, 1, &null));
	versions->in_cohort = column_uuid(0, 2, &versions->cohort_id) != NULL;
	versions->catalogue = DatumGetInt64(plan_value(0, 3, &null));
	versions->cohort = DatumGetInt64(plan_value(0, 4, &null));
	versions->user = DatumGetInt64(plan_value(0, 5, &null));
	facts->protected_names = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 6);
	versions_were_read();
}

static void
entries_read(HandshakeState *state, KeptPlan *plan, const pg_uuid_t *key,
			 HandshakeSource source, int rank)
{
	Datum value = UUIDPGetDatum(key);
	uint64 rows = plan_execute(plan, &value, NULL, true);
	Size size = (state->nentries + rows) * sizeof(HandshakeEntry);

	if (rows == 0)
		return;
	state->entries = state->entries == NULL ? palloc_extended(size, MCXT_ALLOC_HUGE)
											: repalloc_huge(state->entries, size);
	for (uint64 row = 0; row < rows; row++)
	{
		HandshakeEntry *entry = &state->entries[state->nentries++];
		bool null;

		column_uuid(row, 1, &entry->id);
		entry->source = source;
		entry->rank = rank;
		entry->name = entry_name(source, column_slice(row, 2), &entry->id);
		entry->checksum = column_slice(row, 3);
		entry->size = DatumGetInt32(plan_value(row, 4, &null));
	}
}

/* A manifest has its own name; a course C14ENB.json; a custom one X14ENB_<id>.json. */
static JsonSlice
entry_name(HandshakeSource source, JsonSlice code, const pg_uuid_t *id)
{
	static const char digits[] = "0123456789abcdef";
	char *name;
	char *at;

	if (source == HANDSHAKE_MANIFEST)
		return code;
	name = at = palloc(code.size + 1 + 36 + 5);
	memcpy(at, code.bytes, code.size);
	at += code.size;
	if (source == HANDSHAKE_CUSTOM_COURSE)
	{
		*at++ = '_';
		for (int i = 0; i < UUID_LEN; i++)
		{
			if (i == 4 || i == 6 || i == 8 || i == 10)
				*at++ = '-';
			*at++ = digits[id->data[i] >> 4];
			*at++ = digits[id->data[i] & 15];
		}
	}
	memcpy(at, ".json", 5);
	return (JsonSlice){name, at + 5 - name};
}

/* Points into the row. */
static JsonSlice
column_slice(uint64 row, int column)
{
	bool null;
	text *value = DatumGetTextPP(plan_value(row, column, &null));

	return (JsonSlice){VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

static const pg_uuid_t *
column_uuid(uint64 row, int column, pg_uuid_t *copy)
{
	bool null;
	Datum value = plan_value(row, column, &null);

	if (null)
		return NULL;
	*copy = *DatumGetUUIDP(value);
	return copy;
}

/* By name in byte order, each name once: the entry of the highest rank. */
static void
entries_order(HandshakeState *state)
{
	HandshakeEntry *entries = state->entries;
	int kept = 0;

	if (state->nentries < 2)
		return;
	qsort(entries, state->nentries, sizeof(HandshakeEntry), entry_compare);
	for (int i = 1; i < state->nentries; i++)
	{
		if (handshake_name_compare(entries[kept].name, entries[i].name) != 0)
			kept++;
		entries[kept] = entries[i];
	}
	state->nentries = kept + 1;
}

static int
entry_compare(const void *a, const void *b)
{
	const HandshakeEntry *left = a;
	const HandshakeEntry *right = b;
	int order = handshake_name_compare(left->name, right->name);

	return order != 0 ? order : left->rank - right->rank;
}

/* MD5 over one line an entry: name, a space, checksum, a line feed. */
static void
digest_compute(HandshakeState *state)
{
	Digest *digest = digest_begin(DIGEST_MD5);

	for (int i = 0; i < state->nentries; i++)
	{
		HandshakeEntry *entry = &state->entries[i];

		digest_update(digest, entry->name.bytes, entry->name.size);
		digest_update(digest, " ", 1);
		digest_update(digest, entry->checksum.bytes, entry->checksum.size);
		digest_update(digest, "\n", 1);
	}
	digest_finish(digest, state->digest);
}

/* Names in the setting stand apart by white space or commas. */
static void
protected_split(HandshakeState *state, char *names)
{
	const char *between = " \t\r\n,";
	char *rest = names;

	if (names == NULL)
		return;
	state->protected = palloc((strlen(names) / 2 + 1) * sizeof(JsonSlice));
	for (char *name = strtok_r(rest, between, &rest); name != NULL;
		 name = strtok_r(NULL, between, &rest))
		state->protected[state->nprotected++] = (JsonSlice){name, strlen(name)};
}

static JsonSlice
members_write(void)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < lengthof(members); i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		json_write_string(&out, members[i].name, strlen(members[i].name));
		appendStringInfoChar(&out, ':');
		appendStringInfoString(&out, members[i].empty);
	}
	return (JsonSlice){out.data, out.len};
}
