/*
 * discounts.c: the member "discounts" of the answer: the codes that the user may use
 * now, by code.
 *
 * Due discounts are assigned before the state is computed, so that the answer has them; in a
 * read-only transaction the member is what was assigned until then. The moments at which a code
 * of the user's begins or ends bound the state, those of codes that are not assigned yet too.
 * Times are written in UTC, so that no session's time zone shows in a kept answer.
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

#include "core/plan.h"
#include "core/rows.h"
#include "json/json_write.h"
#include "sync/entries.h"
#include "sync/handshake.h"

/* Of a code that may be assigned. */
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

static RowsSource offers_by_cohort = {
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

static RowsSource entries_by_user = {
	.table = "user_discounts",
	.index = "user_discounts_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = ENTRY_COLUMNS,
	.columns = {{"discount_code_id", UUIDOID},
				{"status", TEXTOID},
				{"expires_at", TIMESTAMPTZOID, true}},
};

static RowsSource entry_by_code = {
	.table = "user_discounts",
	.index = "user_discounts_pkey",
	.nkeys = 2,
	.keys = {{"user_id", UUIDOID}, {"discount_code_id", UUIDOID}},
};

static RowsSource code_by_id = {
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

static bool is_due(const pg_uuid_t *user, TimestampTz at);
static bool offers_find_due(Rows *offers, Rows *entry, const pg_uuid_t *user, TimestampTz at);
static void offers_bound_all(HandshakeState *state, const pg_uuid_t *user, TimestampTz at);
static void offers_bound(HandshakeState *state, Rows *offers, TimestampTz at);
static void entries_read(Discounts *discounts);
static void entry_read(Discounts *discounts, Rows *entries, Rows *codes);
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
static Value value_of(Rows *rows, int column);
static Value earlier(Value a, Value b);

bool
handshake_discounts_assign(const pg_uuid_t *user, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(at)};

	return is_due(user, at) && plan_execute(&assign_due, values, NULL, false) == 1 &&
		   plan_int32(0, 1) > 0;
}

/* Whether assign_due would find a code: most often there is none, and no statement is needed.
 */
static bool
is_due(const pg_uuid_t *user, TimestampTz at)
{
	HandshakeVersions versions;
	Rows offers;
	Rows entry;
	bool due;

	handshake_cohort_read(&versions, user);
	rows_open(&offers, &offers_by_cohort, GetActiveSnapshot());
	rows_open(&entry, &entry_by_code, GetActiveSnapshot());
	rows_find_null(&offers);
	due = offers_find_due(&offers, &entry, user, at);
	if (!due && versions.in_cohort)
	{
		Datum cohort = UUIDPGetDatum(&versions.cohort_id);

		rows_find(&offers, &cohort);
		due = offers_find_due(&offers, &entry, user, at);
	}
	rows_close(&entry);
	rows_close(&offers);
	return due;
}

/* As assign_due has it. */
static bool
offers_find_due(Rows *offers, Rows *entry, const pg_uuid_t *user, TimestampTz at)
{
	while (rows_next(offers))
	{
		Datum keys[] = {UUIDPGetDatum(user), value_of(offers, OFFER_ID).datum};

		if (!DatumGetBool(value_of(offers, OFFER_ACTIVE).datum) ||
			!is_in_time(value_of(offers, OFFER_STARTS_AT), value_of(offers, OFFER_EXPIRES_AT),
						at))
			continue;
		rows_find(entry, keys);
		if (!rows_next(entry))
			return true;
	}
	return false;
}

void
handshake_discounts_write(StringInfo out, HandshakeState *state, const pg_uuid_t *user,
						  TimestampTz at)
{
	Discounts discounts = {.user = user, .at = at, .state = state};

	offers_bound_all(state, user, at);
	entries_read(&discounts);
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

static void
offers_bound_all(HandshakeState *state, const pg_uuid_t *user, TimestampTz at)
{
	HandshakeVersions versions;
	Rows offers;

	handshake_cohort_read(&versions, user);
	rows_open(&offers, &offers_by_cohort, GetActiveSnapshot());
	rows_find_null(&offers);
	offers_bound(state, &offers, at);
	if (versions.in_cohort)
	{
		Datum cohort = UUIDPGetDatum(&versions.cohort_id);

		rows_find(&offers, &cohort);
		offers_bound(state, &offers, at);
	}
	rows_close(&offers);
}

static void
offers_bound(HandshakeState *state, Rows *offers, TimestampTz at)
{
	while (rows_next(offers))
	{
		turns_at(state, value_of(offers, OFFER_STARTS_AT), at);
		turns_at(state, value_of(offers, OFFER_EXPIRES_AT), at);
	}
}

static void
entries_read(Discounts *discounts)
{
	Datum key = UUIDPGetDatum(discounts->user);
	Rows entries;
	Rows codes;

	rows_open(&entries, &entries_by_user, GetActiveSnapshot());
	rows_open(&codes, &code_by_id, GetActiveSnapshot());
	rows_find(&entries, &key);
	while (rows_next(&entries))
		entry_read(discounts, &entries, &codes);
	rows_close(&codes);
	rows_close(&entries);
}

static void
entry_read(Discounts *discounts, Rows *entries, Rows *codes)
{
	Value entry[ENTRY_COLUMNS];
	Value code[CODE_COLUMNS];

	for (int column = 0; column < ENTRY_COLUMNS; column++)
		entry[column] = value_of(entries, column);
	rows_find(codes, &entry[ENTRY_CODE_ID].datum);
	if (!rows_next(codes))
		return;
	for (int column = 0; column < CODE_COLUMNS; column++)
		code[column] = value_of(codes, column);
	entry_take(discounts, entry, code);
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
value_of(Rows *rows, int column)
{
	Value value;

	value.datum = rows_value_or_null(rows, column, &value.null);
	return value;
}

static Value
earlier(Value a, Value b)
{
	if (a.null || b.null)
		return a.null ? b : a;
	return DatumGetTimestampTz(a.datum) < DatumGetTimestampTz(b.datum) ? a : b;
}
