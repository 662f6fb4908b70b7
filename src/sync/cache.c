/*
 * cache.c: the state of each user as last computed, kept in a row.
 *
 * Invariant: a row answers only while the versions that its computation saw are those that the
 * active snapshot sees, and within its time. Every transaction that changes what a version
 * stands for moves that version under its row's lock, and a computation reads the versions in
 * the snapshot in which it reads everything else. So equal versions mean equal states, whoever
 * wrote the row, and when. Nothing is deleted on a change, which would race with a writer.
 *
 * Writing helps the next handshake and must not hinder anybody: a row that another transaction
 * is writing is skipped, and a transaction that keeps its snapshot (REPEATABLE READ,
 * SERIALIZABLE) writes nothing, because a conflict would fail it.
 *
 * As text the state is {<members of the answer>,"protected":[names],"documents":[lines]}, with
 * a line for each document: the letter of its source and its id, checksum, size, name.
 */
#include "postgres.h"

#include <string.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/plan.h"
#include "core/rows.h"
#include "json/json_write.h"
#include "sync/cache.h"

/* Between the members of the answer and what only this file reads. */
#define DIVIDER ",\"protected\":"

/* The letter of each source in the text. */
static const char source_letters[HANDSHAKE_SOURCES] = {'m', 'c', 'x'};
/* In the text ids are written by hand: the server's output function would cost more than the
 * rest of a line. */
static const char digits[] = "0123456789abcdef";

/* The columns of cached_by_user. */
typedef enum CachedColumn
{
	CACHED_RESPONSE,
	CACHED_DIGEST,
	CACHED_VALID_FROM,
	CACHED_VALID_UNTIL,
	CACHED_CATALOGUE_VERSION,
	CACHED_COHORT_ID,
	CACHED_COHORT_VERSION,
	CACHED_USER_VERSION,
	CACHED_COLUMNS,
} CachedColumn;

static RowsSource cached_by_user = {
	.table = "cached_handshake_responses",
	.index = "cached_handshake_responses_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = CACHED_COLUMNS,
	.columns = {{"response", JSONOID},
				{"digest", TEXTOID},
				{"valid_from", TIMESTAMPTZOID, true},
				{"valid_until", TIMESTAMPTZOID, true},
				{"catalogue_version", INT8OID},
				{"cohort_id", UUIDOID, true},
				{"cohort_version", INT8OID},
				{"user_version", INT8OID}},
};

/* SKIP LOCKED: a handshake never waits for the cache. */
static KeptPlan replace_cached = {
	.sql = "UPDATE coursebase.cached_handshake_responses"
		   " SET response = $2, digest = $3, computed_at = $4, valid_from = $5,"
		   " valid_until = $6, catalogue_version = $7, cohort_id = $8, cohort_version = $9,"
		   " user_version = $10"
		   " WHERE user_id = (SELECT c.user_id FROM coursebase.cached_handshake_responses c"
		   "                  WHERE c.user_id = $1 FOR NO KEY UPDATE SKIP LOCKED)",
	.nargs = 10,
	.types = {UUIDOID, JSONOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
			  INT8OID, UUIDOID, INT8OID, INT8OID},
};

/* The row of users as its foreign key locks it: not while the account is being closed. */
static KeptPlan insert_cached = {
	.sql = "INSERT INTO coursebase.cached_handshake_responses (user_id, response, digest,"
		   " computed_at, valid_from, valid_until, catalogue_version, cohort_id,"
		   " cohort_version, user_version)"
		   " SELECT u.id, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM coursebase.users u"
		   " WHERE u.id = $1 FOR KEY SHARE SKIP LOCKED ON CONFLICT DO NOTHING",
	.nargs = 10,
	.types = {UUIDOID, JSONOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
			  INT8OID, UUIDOID, INT8OID, INT8OID},
};

static bool first_row_lock(const pg_uuid_t *user);
static bool row_exists(const pg_uuid_t *user);
static bool row_exists_now(const pg_uuid_t *user);
static bool row_is_in_time(Rows *rows, TimestampTz at);
static bool row_is_current(Rows *rows, const pg_uuid_t *user);
static bool state_keep(HandshakeState *state, const HandshakeRequest *request, Datum response,
					   Datum digest);
static bool state_read(HandshakeState *state);
static void state_write(StringInfo out, const HandshakeState *state);
static void entry_write(StringInfo out, StringInfo scratch, const HandshakeEntry *entry);
static bool protected_parse(HandshakeState *state, JsonText *text, JsonSpan array);
static bool entries_parse(HandshakeState *state, JsonText *text, JsonSpan array);
static bool entry_parse(HandshakeEntry *entry, JsonSlice line);
static bool source_parse(HandshakeSource *source, char letter);
static bool id_parse(pg_uuid_t *id, const char *digits);
static inline int digit_value(char digit);
static bool string_parse(JsonSlice *plain, JsonSlice raw);
static void read_pulse(void *arg);

/* Cheapest condition first: the time, then the versions, then the row's text. */
bool
handshake_cache_read(HandshakeState *state, const HandshakeRequest *request,
					 const pg_uuid_t *user, TimestampTz at)
{
	Datum key = UUIDPGetDatum(user);
	bool hit;
	Rows rows;

	rows_open(&rows, &cached_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	/* reading the versions takes three more reads, copying the text a detoasting */
	hit = rows_next(&rows) && row_is_in_time(&rows, at) && row_is_current(&rows, user) &&
		  state_keep(state, request, rows_value(&rows, CACHED_RESPONSE),
					 rows_value(&rows, CACHED_DIGEST));
	rows_close(&rows);
	return hit;
}

/* Asked before the UPDATE is even planned: a person's first handshake has no row to replace. */
static bool
row_exists(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Rows rows;
	bool exists;

	rows_open(&rows, &cached_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	exists = rows_next(&rows);
	rows_close(&rows);
	return exists;
}

/* The same whatever the caller's snapshot: a row may be newer. Who inserts one has locked it by
 * first_row_lock(), so that no other one comes while the caller has that lock. */
static bool
row_exists_now(const pg_uuid_t *user)
{
	bool exists;

	PushActiveSnapshot(GetLatestSnapshot());
	exists = row_exists(user);
	PopActiveSnapshot();
	return exists;
}

/* A null is an end that never comes. */
static bool
row_is_in_time(Rows *rows, TimestampTz at)
{
	bool no_from;
	bool no_until;
	Datum from = rows_value_or_null(rows, CACHED_VALID_FROM, &no_from);
	Datum until = rows_value_or_null(rows, CACHED_VALID_UNTIL, &no_until);

	return (no_from || DatumGetTimestampTz(from) <= at) &&
		   (no_until || at < DatumGetTimestampTz(until));
}

/* Whether the versions that the row's computation saw are those of now. The row's cohort and
 * not the user's is asked about: a change of the user's cohort moves the user's version. */
static bool
row_is_current(Rows *rows, const pg_uuid_t *user)
{
	HandshakeVersions now;
	bool no_cohort;
	Datum cohort = rows_value_or_null(rows, CACHED_COHORT_ID, &no_cohort);

	now.in_cohort = !no_cohort;
	if (now.in_cohort)
		now.cohort_id = *DatumGetUUIDP(cohort);
	handshake_versions_read(&now, user);
	return DatumGetInt64(rows_value(rows, CACHED_CATALOGUE_VERSION)) == now.catalogue &&
		   DatumGetInt64(rows_value(rows, CACHED_COHORT_VERSION)) == now.cohort &&
		   DatumGetInt64(rows_value(rows, CACHED_USER_VERSION)) == now.user;
}

/* Copies what the answer needs out of the row: if the phone has every document, the members
 * alone. */
static bool
state_keep(HandshakeState *state, const HandshakeRequest *request, Datum response, Datum digest)
{
	text *stored = DatumGetTextPP(response);

	memset(state, 0, sizeof(*state));
	text_to_cstring_buffer(DatumGetTextPP(digest), state->digest, sizeof(state->digest));
	state->text = (JsonSlice){VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored)};
	if (!state_read(state))
		return false;
	if (handshake_is_current(request, state->digest))
		state->text.size = state->members.size + 1;
	state->text.bytes = memcpy(palloc(state->text.size), state->text.bytes, state->text.size);
	state->members.bytes = state->text.bytes + 1;
	return true;
}

/*
 * The members of the answer stay text, and what stands behind them waits for
 * handshake_state_expand(). The divider cannot stand within a string, because a quote within a
 * string has a backslash before it.
 */
static bool
state_read(HandshakeState *state)
{
	const char *start = state->text.bytes;
	const char *end = memmem(start, state->text.size, DIVIDER, sizeof(DIVIDER) - 1);

	if (end == NULL || *start != '{')
		return false;
	state->members = (JsonSlice){start + 1, end - start - 1};
	return true;
}

/* A row that a hand has written may lack a part: its state is computed anew. */
bool
handshake_state_expand(HandshakeState *state)
{
	JsonText text;
	JsonCursor cursor;
	JsonSpan key;
	JsonSpan value;
	bool complete = false;

	json_text_init(&text, state->text.bytes, state->text.size, read_pulse, NULL);
	json_walk_begin(&cursor, &text, (JsonSpan){0, text.size});
	while (json_member_next(&cursor, &key, &value))
	{
		JsonSlice name = json_text_slice(&text, key);

		if (json_string_is(name, "protected") && !protected_parse(state, &text, value))
			return false;
		if (json_string_is(name, "documents"))
			complete = entries_parse(state, &text, value);
	}
	return complete && !text.broken;
}

/*
 * The INSERT is for a user's first state: the UPDATE is not even planned where the snapshot
 * shows no row. One that another transaction has committed since stays as it is. Nothing is
 * inserted beside a row: whoever replaces it just now would be waited for.
 */
void
handshake_cache_write(const HandshakeState *state, const HandshakeVersions *versions,
					  const pg_uuid_t *user)
{
	const Validity *validity = &state->validity;
	StringInfoData response;
	PlanValues values = {0};

	/* see the head of this file */
	if (XactReadOnly || IsolationUsesXactSnapshot())
		return;
	/* written behind room for a header, so that the buffer becomes the value without a copy */
	initStringInfo(&response);
	appendStringInfoSpaces(&response, VARHDRSZ);
	state_write(&response, state);
	SET_VARSIZE(response.data, response.len);
	plan_bind_uuid(&values, user);
	plan_bind(&values, PointerGetDatum(response.data));
	plan_bind_text(&values, state->digest);
	plan_bind_time(&values, validity->at);
	plan_bind_time_unless(&values, validity->from, DT_NOBEGIN);
	plan_bind_time_unless(&values, validity->until, DT_NOEND);
	plan_bind_int64(&values, versions->catalogue);
	plan_bind_uuid(&values, versions->in_cohort ? &versions->cohort_id : NULL);
	plan_bind_int64(&values, versions->cohort);
	plan_bind_int64(&values, versions->user);
	if (row_exists(user))
		plan_execute(&replace_cached, values.datums, values.nulls, false);
	else if (first_row_lock(user) && !row_exists_now(user))
		plan_execute(&insert_cached, values.datums, values.nulls, false);
}

/*
 * Takes an advisory lock that stands for the row that is not there yet: while another
 * transaction inserts the first row of a user, this one neither waits nor inserts. All users
 * share 1024 locks, for each that a transaction holds takes a place in the server's table of
 * locks, and one that answers for all users would fill the table. Who shares a lock with such a
 * user is only cached later. The lock is taken here and not in the statement, which would have
 * to be planned with it: that took a tenth of the first handshake of a session.
 */
static bool
first_row_lock(const pg_uuid_t *user)
{
	char name[64];
	int share = DatumGetInt32(DirectFunctionCall1(uuid_hash, UUIDPGetDatum(user))) & 1023;
	int size = snprintf(name, sizeof(name), "coursebase.cached_handshake_responses %d", share);
	Datum key = hash_any_extended((unsigned char *) name, size, 0);

	return DatumGetBool(DirectFunctionCall1(pg_try_advisory_xact_lock_int8, key));
}

/* The text of the state, as the head of this file describes it. */
static void
state_write(StringInfo out, const HandshakeState *state)
{
	StringInfoData scratch;

	initStringInfo(&scratch);
	appendStringInfoChar(out, '{');
	appendBinaryStringInfo(out, state->members.bytes, (int) state->members.size);
	json_write_literal(out, DIVIDER "[");
	for (int i = 0; i < state->nprotected; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		json_write_string(out, state->protected[i].bytes, state->protected[i].size);
	}
	json_write_literal(out, "],\"documents\":[");
	for (int i = 0; i < state->nentries; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		entry_write(out, &scratch, &state->entries[i]);
	}
	json_write_literal(out, "]}");
}

/* A line is written into the scratch buffer first, because it becomes a string of JSON. */
static void
entry_write(StringInfo out, StringInfo scratch, const HandshakeEntry *entry)
{
	resetStringInfo(scratch);
	appendStringInfoChar(scratch, source_letters[entry->source]);
	for (int i = 0; i < UUID_LEN; i++)
	{
		appendStringInfoChar(scratch, digits[entry->id.data[i] >> 4]);
		appendStringInfoChar(scratch, digits[entry->id.data[i] & 15]);
	}
	appendStringInfoChar(scratch, ' ');
	appendBinaryStringInfo(scratch, entry->checksum.bytes, (int) entry->checksum.size);
	appendStringInfoChar(scratch, ' ');
	json_write_integer(scratch, entry->size);
	appendStringInfoChar(scratch, ' ');
	appendBinaryStringInfo(scratch, entry->name.bytes, (int) entry->name.size);
	json_write_string(out, scratch->data, scratch->len);
}

/* The names of the member "protected". */
static bool
protected_parse(HandshakeState *state, JsonText *text, JsonSpan array)
{
	JsonCursor cursor;
	JsonSpan element;
	JsonSlice *names = NULL;
	int room = 0;

	state->nprotected = 0;
	json_walk_begin(&cursor, text, array);
	while (json_element_next(&cursor, &element))
	{
		if (state->nprotected == room)
		{
			room += 16;
			names = names == NULL ? palloc(room * sizeof(JsonSlice))
								  : repalloc(names, room * sizeof(JsonSlice));
		}
		if (!string_parse(&names[state->nprotected++], json_text_slice(text, element)))
			return false;
	}
	state->protected = names;
	return true;
}

/* The lines of the member "documents", which are in the order of the names. */
static bool
entries_parse(HandshakeState *state, JsonText *text, JsonSpan array)
{
	/* every line of the text is longer than this, so that the entries fit */
	Size room = (array.end - array.start) / (UUID_LEN * 2 + 8) + 1;
	JsonCursor cursor;
	JsonSpan element;
	JsonSlice line;

	state->nentries = 0;
	state->entries = palloc_extended(room * sizeof(HandshakeEntry), MCXT_ALLOC_HUGE);
	json_walk_begin(&cursor, text, array);
	while (json_element_next(&cursor, &element))
	{
		if (!string_parse(&line, json_text_slice(text, element)) || state->nentries == room ||
			!entry_parse(&state->entries[state->nentries], line))
			return false;
		state->nentries++;
	}
	return true;
}

/* <source><id> <checksum> <size> <name>. False for another line, which only a hand can have
 * written. */
static bool
entry_parse(HandshakeEntry *entry, JsonSlice line)
{
	const char *end = line.bytes + line.size;
	const char *checksum = line.bytes + 2 + UUID_LEN * 2;
	const char *size = checksum < end ? memchr(checksum, ' ', end - checksum) : NULL;
	const char *name = size ? memchr(size + 1, ' ', end - size - 1) : NULL;

	if (name == NULL || !source_parse(&entry->source, line.bytes[0]) ||
		!id_parse(&entry->id, line.bytes + 1))
		return false;
	entry->checksum = (JsonSlice){checksum, size - checksum};
	entry->size = 0;
	for (const char *digit = size + 1; digit < name; digit++)
		entry->size = entry->size * 10 + digit_value(*digit);
	entry->name = (JsonSlice){name + 1, end - name - 1};
	entry->rank = 0;
	return true;
}

/* False for a letter that no release wrote. */
static bool
source_parse(HandshakeSource *source, char letter)
{
	for (int i = 0; i < HANDSHAKE_SOURCES; i++)
		if (source_letters[i] == letter)
		{
			*source = (HandshakeSource) i;
			return true;
		}
	return false;
}

/* 32 hex digits without hyphens. */
static bool
id_parse(pg_uuid_t *id, const char *hex)
{
	for (int i = 0; i < UUID_LEN; i++)
	{
		int high = digit_value(hex[2 * i]);
		int low = digit_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		id->data[i] = (unsigned char) (high << 4 | low);
	}
	return true;
}

/* -1 for what is no digit in lower case. */
static inline int
digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The string without its quotes; a copy if it holds escapes. */
static bool
string_parse(JsonSlice *plain, JsonSlice raw)
{
	char *room;
	size_t size;

	if (raw.size < 2 || raw.bytes[0] != '"')
		return false;
	*plain = (JsonSlice){raw.bytes + 1, raw.size - 2};
	if (memchr(plain->bytes, '\\', plain->size) == NULL)
		return true;
	room = palloc(plain->size);
	if (json_string_unescape(raw, room, plain->size, &size) != JSON_OK)
		return false;
	*plain = (JsonSlice){room, size};
	return true;
}

/* A cached state may be long: reading it can be cancelled. */
static void
read_pulse(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}
