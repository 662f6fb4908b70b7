/*
 * discounts.c: the member "discounts" of the answer: the codes that the user may use
 * now, by code.
 *
 * Due discounts are assigned before the state is computed, so that the answer has them; in a
 * read-only transaction the member is what was assigned until then. The moments at which a code
 * of the user's begins or ends bound the state, those of codes that are not assigned yet too.
 * Times are written in UTC, so that no session's time zone shows in a kept answer.
 *
 * Entries and codes are read straight from their indexes; where that cannot be done two
 * statements give the same rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/fetch.h"
#include "core/plan.h"
#include "json/json_write.h"
#include "sync/entries.h"
#include "sync/handshake.h"

/* Of a code that may be assigned, as the source and the statement have it. */
enum
{
	OFFER_ID,
	OFFER_ACTIVE,
	OFFER_STARTS_AT,
	OFFER_EXPIRES_AT,
	OFFER_COLUMNS,
};

/* Of the user's entry for a code. */
enum
{
	ENTRY_CODE_ID,
	ENTRY_STATUS,
	ENTRY_EXPIRES_AT,
	ENTRY_COLUMNS,
};

/* Of the code of an entry. */
enum
{
	CODE_ACTIVE,
	CODE_STARTS_AT,
	CODE_EXPIRES_AT,
	CODE_REFERRER,
	CODE_CODE,
	CODE_PRODUCT_TYPE,
	CODE_ITEM,
	CODE_PERCENT_OFF,
	CODE_AMOUNT_OFF,
	CODE_CURRENCY,
	CODE_ANDROID_OFFER,
	CODE_IOS_OFFER,
	CODE_PRODUCT_SUFFIX,
	CODE_COLUMNS,
};

static FetchSource offers_by_cohort = {
	.table = "discount_codes",
	.index = "discount_codes_cohort_id_idx",
	.nkeys = 1,
	.keys = {{"cohort_id", UUIDOID}},
	.ncolumns = OFFER_COLUMNS,
	.columns = {{"id", UUIDOID},
				{"is_active", BOOLOID},
				{"starts_at", TIMESTAMPTZOID, true},
				{"expires_at", TIMESTAMPTZOID, true}},
};

static FetchSource entries_by_user = {
	.table = "user_discounts",
	.index = "user_discounts_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = ENTRY_COLUMNS,
	.columns = {{"discount_code_id", UUIDOID},
				{"status", TEXTOID},
				{"expires_at", TIMESTAMPTZOID, true}},
};

static FetchSource entry_by_code = {
	.table = "user_discounts",
	.index = "user_discounts_pkey",
	.nkeys = 2,
	.keys = {{"user_id", UUIDOID}, {"discount_code_id", UUIDOID}},
};

static FetchSource code_by_id = {
	.table = "discount_codes",
	.index = "discount_codes_pkey",
	.nkeys = 1,
	.keys = {{"id", UUIDOID}},
	.ncolumns = CODE_COLUMNS,
	.columns = {{"is_active", BOOLOID},
				{"starts_at", TIMESTAMPTZOID, true},
				{"expires_at", TIMESTAMPTZOID, true},
				{"referrer_id", UUIDOID, true},
				{"code", TEXTOID},
				{"product_type", TEXTOID},
				{"item", TEXTOID, true},
				{"percent_off", NUMERICOID, true},
				{"amount_off_in_cents", INT8OID, true},
				{"currency", BPCHAROID, true},
				{"android_offer_id", TEXTOID, true},
				{"ios_offer_id", TEXTOID, true},
				{"product_suffix", TEXTOID, true}},
};

#define OF_EVERYBODY_OR_COHORT                                                                 \
	"(c.cohort_id IS NULL OR c.cohort_id ="                                                    \
	" (SELECT m.cohort_id FROM coursebase.user_cohorts m WHERE m.user_id = $1))"

static KeptPlan assign_due = {
	.sql = "SELECT coursebase.assign_discounts($1, $2)"
		   " WHERE EXISTS (SELECT FROM coursebase.discount_codes c"
		   "  WHERE " OF_EVERYBODY_OR_COHORT " AND c.is_active"
		   "  AND (c.starts_at IS NULL OR c.starts_at <= $2)"
		   "  AND (c.expires_at IS NULL OR c.expires_at > $2)"
		   "  AND NOT EXISTS (SELECT FROM coursebase.user_discounts d"
		   "   WHERE d.user_id = $1 AND d.discount_code_id = c.id))",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

static KeptPlan query_offers = {
	.sql = "SELECT c.id, c.is_active, c.starts_at, c.expires_at"
		   " FROM coursebase.discount_codes c WHERE " OF_EVERYBODY_OR_COHORT,
	.nargs = 1,
	.types = {UUIDOID},
};

/* ENTRY_COLUMNS, then CODE_COLUMNS. */
static KeptPlan query_entries = {
	.sql = "SELECT d.discount_code_id, d.status, d.expires_at, c.is_active, c.starts_at,"
		   " c.expires_at, c.referrer_id, c.code, c.product_type, c.item, c.percent_off,"
		   " c.amount_off_in_cents, c.currency, c.android_offer_id, c.ios_offer_id,"
		   " c.product_suffix"
		   " FROM coursebase.user_discounts d"
		   " JOIN coursebase.discount_codes c ON c.id = d.discount_code_id"
		   " WHERE d.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

/* A column that may be null. */
typedef struct Value
{
	Datum datum;
	bool null;
} Value;

/* A code that may be used now. */
typedef struct Usable
{
	JsonSlice code;
	JsonSlice json;
} Usable;

/* What is collected on the way. */
typedef struct Discounts
{
	const pg_uuid_t *user;
	TimestampTz at;
	HandshakeState *state;
	Usable *usable;
	int count;
	int room;
} Discounts;

static bool is_due(bool *due, const pg_uuid_t *user, TimestampTz at);
static bool offers_find_due(Fetch *offers, Fetch *entry, const pg_uuid_t *user, TimestampTz at);
static bool offers_read(HandshakeState *state, const pg_uuid_t *user, TimestampTz at);
static void offers_bound(HandshakeState *state, Fetch *offers, TimestampTz at);
static void offers_query(HandshakeState *state, const pg_uuid_t *user, TimestampTz at);
static bool entries_read(Discounts *discounts);
static void entry_read(Discounts *discounts, Fetch *entries, Fetch *codes);
static void entries_query_all(Discounts *discounts);
static void entry_take(Discounts *discounts, const Value *entry, const Value *code);
static bool entry_is_usable(const Discounts *discounts, const Value *entry, const Value *code);
static bool is_in_time(Value starts_at, Value expires_at, TimestampTz at);
static void turns_at(HandshakeState *state, Value moment, TimestampTz at);
static void usable_add(Discounts *discounts, JsonSlice code, JsonSlice json);
static int usable_compare(const void *a, const void *b);
static JsonSlice code_trimmed(Value code);
static void code_write(StringInfo out, JsonSlice name, const Value *code, Value expires_at);
static void text_write(StringInfo out, Value text);
static void time_write(StringInfo out, Value time);
static Value fetched(Fetch *fetch, int column);
static Value earlier(Value a, Value b);

bool
handshake_discounts_assign(const pg_uuid_t *user, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(at)};
	bool due;
	bool null;

	if (is_due(&due, user, at) && !due)
		return false;
	return plan_execute(&assign_due, values, NULL, false) == 1 &&
		   DatumGetInt32(plan_value(0, 1, &null)) > 0;
}

/* False when it cannot be read directly. */
static bool
is_due(bool *due, const pg_uuid_t *user, TimestampTz at)
{
	Snapshot snapshot = GetActiveSnapshot();
	HandshakeVersions versions;
	Fetch offers;
	Fetch entry;

	if (!handshake_cohort_read(&versions, user) ||
		!fetch_open(&offers, &offers_by_cohort, snapshot))
		return false;
	if (!fetch_open(&entry, &entry_by_code, snapshot))
	{
		fetch_close(&offers);
		return false;
	}
	fetch_find_null(&offers);
	*due = offers_find_due(&offers, &entry, user, at);
	if (!*due && versions.in_cohort)
	{
		Datum cohort = UUIDPGetDatum(&versions.cohort_id);

		fetch_find(&offers, &cohort);
		*due = offers_find_due(&offers, &entry, user, at);
	}
	fetch_close(&entry);
	fetch_close(&offers);
	return true;
}

/* As assign_due has it. */
static bool
offers_find_due(Fetch *offers, Fetch *entry, const pg_uuid_t *user, TimestampTz at)
{
	while (fetch_next(offers))
	{
		Datum keys[] = {UUIDPGetDatum(user), fetched(offers, OFFER_ID).datum};

		if (!DatumGetBool(fetched(offers, OFFER_ACTIVE).datum) ||
			!is_in_time(fetched(offers, OFFER_STARTS_AT), fetched(offers, OFFER_EXPIRES_AT),
						at))
			continue;
		fetch_find(entry, keys);
		if (!fetch_next(entry))
			return true;
	}
	return false;
}

void
handshake_discounts_write(StringInfo out, HandshakeState *state, const pg_uuid_t *user,
						  TimestampTz at)
{
	Discounts discounts = {.user = user, .at = at, .state = state};

	if (!offers_read(state, user, at))
		offers_query(state, user, at);
	if (!entries_read(&discounts))
		entries_query_all(&discounts);
	if (discounts.count > 1)
		qsort(discounts.usable, discounts.count, sizeof(Usable), usable_compare);
	appendStringInfoChar(out, '[');
	for (int i = 0; i < discounts.count; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		appendBinaryStringInfo(out, discounts.usable[i].json.bytes,
							   (int) discounts.usable[i].json.size);
	}
	appendStringInfoChar(out, ']');
}

/* False when they cannot be read directly. */
static bool
offers_read(HandshakeState *state, const pg_uuid_t *user, TimestampTz at)
{
	HandshakeVersions versions;
	Fetch offers;

	if (!handshake_cohort_read(&versions, user) ||
		!fetch_open(&offers, &offers_by_cohort, GetActiveSnapshot()))
		return false;
	fetch_find_null(&offers);
	offers_bound(state, &offers, at);
	if (versions.in_cohort)
	{
		Datum cohort = UUIDPGetDatum(&versions.cohort_id);

		fetch_find(&offers, &cohort);
		offers_bound(state, &offers, at);
	}
	fetch_close(&offers);
	return true;
}

static void
offers_bound(HandshakeState *state, Fetch *offers, TimestampTz at)
{
	while (fetch_next(offers))
	{
		turns_at(state, fetched(offers, OFFER_STARTS_AT), at);
		turns_at(state, fetched(offers, OFFER_EXPIRES_AT), at);
	}
}

static void
offers_query(HandshakeState *state, const pg_uuid_t *user, TimestampTz at)
{
	Datum key = UUIDPGetDatum(user);
	uint64 rows = plan_execute(&query_offers, &key, NULL, true);

	for (uint64 row = 0; row < rows; row++)
		for (int column = OFFER_STARTS_AT; column <= OFFER_EXPIRES_AT; column++)
		{
			Value moment;

			moment.datum = plan_value(row, column + 1, &moment.null);
			turns_at(state, moment, at);
		}
}

/* False when they cannot be read directly. */
static bool
entries_read(Discounts *discounts)
{
	Snapshot snapshot = GetActiveSnapshot();
	Datum key = UUIDPGetDatum(discounts->user);
	Fetch entries;
	Fetch codes;

	if (!fetch_open(&entries, &entries_by_user, snapshot))
		return false;
	if (!fetch_open(&codes, &code_by_id, snapshot))
	{
		fetch_close(&entries);
		return false;
	}
	fetch_find(&entries, &key);
	while (fetch_next(&entries))
		entry_read(discounts, &entries, &codes);
	fetch_close(&codes);
	fetch_close(&entries);
	return true;
}

static void
entry_read(Discounts *discounts, Fetch *entries, Fetch *codes)
{
	Value entry[ENTRY_COLUMNS];
	Value code[CODE_COLUMNS];

	for (int column = 0; column < ENTRY_COLUMNS; column++)
		entry[column] = fetched(entries, column);
	fetch_find(codes, &entry[ENTRY_CODE_ID].datum);
	if (!fetch_next(codes))
		return;
	for (int column = 0; column < CODE_COLUMNS; column++)
		code[column] = fetched(codes, column);
	entry_take(discounts, entry, code);
}

static void
entries_query_all(Discounts *discounts)
{
	Datum key = UUIDPGetDatum(discounts->user);
	uint64 rows = plan_execute(&query_entries, &key, NULL, true);

	for (uint64 row = 0; row < rows; row++)
	{
		Value values[ENTRY_COLUMNS + CODE_COLUMNS];

		for (int column = 0; column < lengthof(values); column++)
			values[column].datum = plan_value(row, column + 1, &values[column].null);
		entry_take(discounts, values, values + ENTRY_COLUMNS);
	}
}

static void
entry_take(Discounts *discounts, const Value *entry, const Value *code)
{
	StringInfoData json;
	JsonSlice name;

	turns_at(discounts->state, entry[ENTRY_EXPIRES_AT], discounts->at);
	turns_at(discounts->state, code[CODE_STARTS_AT], discounts->at);
	turns_at(discounts->state, code[CODE_EXPIRES_AT], discounts->at);
	if (!entry_is_usable(discounts, entry, code))
		return;
	name = code_trimmed(code[CODE_CODE]);
	initStringInfo(&json);
	code_write(&json, name, code, earlier(entry[ENTRY_EXPIRES_AT], code[CODE_EXPIRES_AT]));
	usable_add(discounts, name, (JsonSlice){json.data, json.len});
}

static bool
entry_is_usable(const Discounts *discounts, const Value *entry, const Value *code)
{
	static const char redeemed[] = "redeemed";
	const Value always = {.null = true};
	JsonSlice status = entries_slice(entry[ENTRY_STATUS].datum);

	if (status.size == sizeof(redeemed) - 1 && memcmp(status.bytes, redeemed, status.size) == 0)
		return false;
	if (!code[CODE_REFERRER].null &&
		memcmp(DatumGetUUIDP(code[CODE_REFERRER].datum), discounts->user, UUID_LEN) == 0)
		return false;
	return DatumGetBool(code[CODE_ACTIVE].datum) &&
		   is_in_time(code[CODE_STARTS_AT], code[CODE_EXPIRES_AT], discounts->at) &&
		   is_in_time(always, entry[ENTRY_EXPIRES_AT], discounts->at);
}

static bool
is_in_time(Value starts_at, Value expires_at, TimestampTz at)
{
	return (starts_at.null || DatumGetTimestampTz(starts_at.datum) <= at) &&
		   (expires_at.null || DatumGetTimestampTz(expires_at.datum) > at);
}

static void
turns_at(HandshakeState *state, Value moment, TimestampTz at)
{
	if (!moment.null && !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(moment.datum)))
		handshake_state_turns(state, DatumGetTimestampTz(moment.datum), at);
}

static void
usable_add(Discounts *discounts, JsonSlice code, JsonSlice json)
{
	char *kept = palloc(code.size + 1);

	if (discounts->count == discounts->room)
	{
		Size room = discounts->room == 0 ? 16 : 2 * (Size) discounts->room;

		discounts->usable = discounts->usable == NULL
								? palloc(room * sizeof(Usable))
								: repalloc_huge(discounts->usable, room * sizeof(Usable));
		discounts->room = (int) room;
	}
	memcpy(kept, code.bytes, code.size);
	discounts->usable[discounts->count++] = (Usable){.code = {kept, code.size}, .json = json};
}

static int
usable_compare(const void *a, const void *b)
{
	return handshake_name_compare(((const Usable *) a)->code, ((const Usable *) b)->code);
}

/* Without the spaces around it, which do not count. */
static JsonSlice
code_trimmed(Value code)
{
	JsonSlice name = entries_slice(code.datum);

	while (name.size > 0 && name.bytes[0] == ' ')
		name = (JsonSlice){name.bytes + 1, name.size - 1};
	while (name.size > 0 && name.bytes[name.size - 1] == ' ')
		name.size--;
	return name;
}

static void
code_write(StringInfo out, JsonSlice name, const Value *code, Value expires_at)
{
	json_write_literal(out, "{\"code\":");
	json_write_string(out, name.bytes, name.size);
	json_write_literal(out, ",\"product_type\":");
	text_write(out, code[CODE_PRODUCT_TYPE]);
	json_write_literal(out, ",\"item\":");
	text_write(out, code[CODE_ITEM]);
	json_write_literal(out, ",\"percent_off\":");
	appendStringInfoString(out, code[CODE_PERCENT_OFF].null
									? "null"
									: DatumGetCString(DirectFunctionCall1(
										  numeric_out, code[CODE_PERCENT_OFF].datum)));
	json_write_literal(out, ",\"amount_off_in_cents\":");
	if (code[CODE_AMOUNT_OFF].null)
		json_write_literal(out, "null");
	else
		json_write_integer(out, DatumGetInt64(code[CODE_AMOUNT_OFF].datum));
	json_write_literal(out, ",\"currency\":");
	text_write(out, code[CODE_CURRENCY]);
	json_write_literal(out, ",\"expires_at\":");
	time_write(out, expires_at);
	json_write_literal(out, ",\"android_offer_id\":");
	text_write(out, code[CODE_ANDROID_OFFER]);
	json_write_literal(out, ",\"ios_offer_id\":");
	text_write(out, code[CODE_IOS_OFFER]);
	json_write_literal(out, ",\"product_suffix\":");
	text_write(out, code[CODE_PRODUCT_SUFFIX]);
	appendStringInfoChar(out, '}');
}

static void
text_write(StringInfo out, Value text)
{
	JsonSlice slice;

	if (text.null)
	{
		json_write_literal(out, "null");
		return;
	}
	slice = entries_slice(text.datum);
	json_write_string(out, slice.bytes, slice.size);
}

/* An end that never comes is none. */
static void
time_write(StringInfo out, Value time)
{
	const int utc = 0;
	char text[MAXDATELEN + 1];

	if (time.null || TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(time.datum)))
		json_write_literal(out, "null");
	else
		appendStringInfo(out, "\"%s\"",
						 JsonEncodeDateTime(text, time.datum, TIMESTAMPTZOID, &utc));
}

static Value
fetched(Fetch *fetch, int column)
{
	Value value;

	value.datum = fetch_value(fetch, column, &value.null);
	return value;
}

static Value
earlier(Value a, Value b)
{
	if (a.null || b.null)
		return a.null ? b : a;
	return DatumGetTimestampTz(a.datum) < DatumGetTimestampTz(b.datum) ? a : b;
}
