/*
 * discounts.c: the member "discounts" of the answer: the codes that the user may use now, in
 * the order of the codes.
 *
 * Discounts that are due are assigned before the state is computed, so that the answer has
 * them. A read-only transaction assigns nothing: its member has what was assigned before. The
 * moments at which a code begins or ends bound the answer, those of codes that the user does
 * not have yet too, because at such a moment a discount may fall due.
 *
 * Everything is read by keys (core/rows.h); only an assignment is a statement. The rules of a
 * code that depend on an order (first purchase, amounts) are asked when the code is used, by
 * the slice discounts: the phone gets every code that may be entered now.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/plan.h"
#include "core/rows.h"
#include "identity/asking.h"
#include "json/json_write.h"
#include "sync/discounts.h"
#include "sync/members.h"
#include "sync/slice.h"

/* The columns of offers_by_cohort: codes that may be assigned. */
enum
{
	OFFER_ID,
	OFFER_ACTIVE,
	OFFER_STARTS_AT,
	OFFER_EXPIRES_AT,
	OFFER_COLUMNS,
};

/* The columns of entries_by_user: what the user was assigned. */
enum
{
	ENTRY_CODE_ID,
	ENTRY_STATUS,
	ENTRY_EXPIRES_AT,
	ENTRY_COLUMNS,
};

/* The columns of code_by_id: the code of an entry. */
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

/* Codes without a cohort are offered to everybody: they are found by a null. */
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

/* The user's entries, whatever their status: the moments of a used one bound nothing wrong. */
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

/* Asked only whether there is a row. */
static RowsSource entry_by_code = {
	.table = "user_discounts",
	.index = "user_discounts_pkey",
	.nkeys = 2,
	.keys = {{"user_id", UUIDOID}, {"discount_code_id", UUIDOID}},
};

/* Every column that the answer tells of a code, and those that decide whether it may be used.
 */
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
				{"amount_off_in_cents", INT4OID, true},
				{"currency", BPCHAROID, true},
				{"android_offer_id", TEXTOID, true},
				{"ios_offer_id", TEXTOID, true},
				{"product_suffix", TEXTOID, true}},
};

/* The codes of offers_by_cohort, as a condition. */
#define OF_EVERYBODY_OR_COHORT                                                                 \
	"(c.cohort_id IS NULL OR c.cohort_id ="                                                    \
	" (SELECT m.cohort_id FROM coursebase.user_cohorts m WHERE m.user_id = $1))"

/* The EXISTS asks what is_due() asks: another transaction may have assigned the code since. */
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

/* What an assignment locks and could have to wait for: locked only where it is free. */
static KeptPlan lock_person = {
	.sql = "SELECT FROM coursebase.users WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan lock_version = {
	.sql = "SELECT FROM coursebase.user_versions WHERE user_id = $1"
		   " FOR NO KEY UPDATE SKIP LOCKED",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_version = {
	.sql = "SELECT FROM coursebase.user_versions WHERE user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

/* A column that may be null; what it points to stands in the row. */
typedef struct Value
{
	Datum datum;
	bool null;
} Value;

/* A code that may be used now, with its object in the answer. */
typedef struct Usable
{
	JsonSlice code;
	JsonSlice json;
} Usable;

/* What is collected on the way to the member's value. */
typedef struct Discounts
{
	const pg_uuid_t *user;
	Validity *validity;
	Usable *usable; /* in no order yet */
	int count;
	int room;
} Discounts;

static bool person_lock(const pg_uuid_t *user);
static bool is_due(const pg_uuid_t *user, TimestampTz at);
static bool offers_find_due(Rows *offers, Rows *entry, const pg_uuid_t *user, TimestampTz at);
static void offers_bound_all(Validity *validity, const pg_uuid_t *user);
static void offers_bound(Validity *validity, Rows *offers);
static void entries_read(Discounts *discounts);
static void entry_read(Discounts *discounts, Rows *entries, Rows *codes);
static void entry_take(Discounts *discounts, const Value *entry, const Value *code);
static bool entry_is_usable(const Discounts *discounts, const Value *entry, const Value *code);
static bool is_in_time(Value starts_at, Value expires_at, TimestampTz at);
static void turns_at(Validity *validity, Value moment);
static void usable_add(Discounts *discounts, JsonSlice code, JsonSlice json);
static int usable_compare(const void *a, const void *b);
static JsonSlice code_trimmed(Value code);
static void code_write(StringInfo out, JsonSlice name, const Value *code, Value expires_at);
static void text_write(StringInfo out, Value text);
static void time_write(StringInfo out, Value time);
static Value value_of(Rows *rows, int column);
static Value earlier(Value a, Value b);

/*
 * The statement calls assign_discounts() of the slice discounts, which takes its own locks:
 * after person_lock() it has the two of them for which it could have to wait. The reads alone
 * answer most often.
 */
Assignment
handshake_discounts_assign(const pg_uuid_t *user, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(at)};

	if (!is_due(user, at))
		return ASSIGNMENT_NONE;
	if (!person_lock(user))
		return ASSIGNMENT_LATER;
	return plan_execute(&assign_due, values, NULL, false) == 1 && plan_int32(0, 1) > 0
			   ? ASSIGNMENT_MADE
			   : ASSIGNMENT_NONE;
}

/*
 * The person, then the version that an assignment moves, in the order of identity/anchor.h.
 * False if another transaction holds either; a person without a version has none to wait for.
 */
static bool
person_lock(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);

	return plan_execute(&lock_person, &key, NULL, false) == 1 &&
		   (plan_execute(&lock_version, &key, NULL, false) == 1 ||
			plan_execute(&find_version, &key, NULL, false) == 0);
}

/* Whether assign_due would find a code. Most often there is none, and no statement is needed.
 */
static bool
is_due(const pg_uuid_t *user, TimestampTz at)
{
	pg_uuid_t cohort;
	bool in_cohort = identity_cohort(user, &cohort);
	Rows offers;
	Rows entry;
	bool due;

	rows_open(&offers, &offers_by_cohort, GetActiveSnapshot());
	rows_open(&entry, &entry_by_code, GetActiveSnapshot());
	/* what is for everybody first, then what is for the user's cohort */
	rows_find_null(&offers);
	due = offers_find_due(&offers, &entry, user, at);
	if (!due && in_cohort)
	{
		Datum key = UUIDPGetDatum(&cohort);

		rows_find(&offers, &key);
		due = offers_find_due(&offers, &entry, user, at);
	}
	rows_close(&entry);
	rows_close(&offers);
	return due;
}

/* The condition of assign_due: active, in its time, and not the user's yet. */
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
		/* any entry, even a used one, means that the code was assigned */
		rows_find(entry, keys);
		if (!rows_next(entry))
			return true;
	}
	return false;
}

/* Orders the codes itself, because the rows come in the order of ids. */
void
handshake_discounts_write(StringInfo out, Validity *validity, const pg_uuid_t *user)
{
	Discounts discounts = {.user = user, .validity = validity};

	offers_bound_all(validity, user);
	entries_read(&discounts);
	/* qsort() of NULL is undefined, even for no element */
	if (discounts.count > 1)
		qsort(discounts.usable, discounts.count, sizeof(Usable), usable_compare);
	/* by code: the order of the rows is that of ids, which tells the phone nothing */
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

/* The moments of all codes that the user has or may be assigned. */
static void
offers_bound_all(Validity *validity, const pg_uuid_t *user)
{
	pg_uuid_t cohort;
	bool in_cohort = identity_cohort(user, &cohort);
	Rows offers;

	rows_open(&offers, &offers_by_cohort, GetActiveSnapshot());
	rows_find_null(&offers);
	offers_bound(validity, &offers);
	if (in_cohort)
	{
		Datum key = UUIDPGetDatum(&cohort);

		rows_find(&offers, &key);
		offers_bound(validity, &offers);
	}
	rows_close(&offers);
}

/* The moments of the codes at which the read stands. */
static void
offers_bound(Validity *validity, Rows *offers)
{
	while (rows_next(offers))
	{
		turns_at(validity, value_of(offers, OFFER_STARTS_AT));
		turns_at(validity, value_of(offers, OFFER_EXPIRES_AT));
	}
}

/* Each entry of the user with its code, read by two keys side by side. */
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

/* An entry whose code was deleted meanwhile is left out. */
static void
entry_read(Discounts *discounts, Rows *entries, Rows *codes)
{
	Value entry[ENTRY_COLUMNS] = {0};
	Value code[CODE_COLUMNS] = {0};

	for (int column = 0; column < ENTRY_COLUMNS; column++)
		entry[column] = value_of(entries, column);
	rows_find(codes, &entry[ENTRY_CODE_ID].datum);
	if (!rows_next(codes))
		return;
	for (int column = 0; column < CODE_COLUMNS; column++)
		code[column] = value_of(codes, column);
	entry_take(discounts, entry, code);
}

/* Collects the code if it may be used now. */
static void
entry_take(Discounts *discounts, const Value *entry, const Value *code)
{
	StringInfoData json;
	JsonSlice name;

	/* a code that may not be used now may be usable on the other side of a moment */
	turns_at(discounts->validity, entry[ENTRY_EXPIRES_AT]);
	turns_at(discounts->validity, code[CODE_STARTS_AT]);
	turns_at(discounts->validity, code[CODE_EXPIRES_AT]);
	if (!entry_is_usable(discounts, entry, code))
		return;
	name = code_trimmed(code[CODE_CODE]);
	/* the earlier of two ends, of the entry and of the code, is the one that counts */
	initStringInfo(&json);
	code_write(&json, name, code, earlier(entry[ENTRY_EXPIRES_AT], code[CODE_EXPIRES_AT]));
	usable_add(discounts, name, (JsonSlice){json.data, json.len});
}

/* Not used yet, not the user's own code, active, and both code and entry in their time. */
static bool
entry_is_usable(const Discounts *discounts, const Value *entry, const Value *code)
{
	const Value always = {.null = true};
	TimestampTz at = discounts->validity->at;

	if (slice_is(slice_of(entry[ENTRY_STATUS].datum), "redeemed"))
		return false;
	/* nobody refers oneself */
	if (!code[CODE_REFERRER].null &&
		uuid_equal(DatumGetUUIDP(code[CODE_REFERRER].datum), discounts->user))
		return false;
	return DatumGetBool(code[CODE_ACTIVE].datum) &&
		   is_in_time(code[CODE_STARTS_AT], code[CODE_EXPIRES_AT], at) &&
		   is_in_time(always, entry[ENTRY_EXPIRES_AT], at);
}

/* Begin and end as half-open interval; a null is no bound. */
static bool
is_in_time(Value starts_at, Value expires_at, TimestampTz at)
{
	return (starts_at.null || DatumGetTimestampTz(starts_at.datum) <= at) &&
		   (expires_at.null || DatumGetTimestampTz(expires_at.datum) > at);
}

/* A time that never comes changes nothing. */
static void
turns_at(Validity *validity, Value moment)
{
	if (!moment.null && !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(moment.datum)))
		validity_turns(validity, DatumGetTimestampTz(moment.datum));
}

/* The list grows beyond the limit of ordinary allocations, because nobody bounds the codes of
 * a user. */
static void
usable_add(Discounts *discounts, JsonSlice code, JsonSlice json)
{
	if (discounts->count == discounts->room)
	{
		Size room = discounts->room == 0 ? 16 : 2 * (Size) discounts->room;

		discounts->usable = discounts->usable == NULL
								? palloc(room * sizeof(Usable))
								: repalloc_huge(discounts->usable, room * sizeof(Usable));
		discounts->room = (int) room;
	}
	/* the code stands in a row that is read no longer when the codes are ordered */
	discounts->usable[discounts->count++] = (Usable){.code = slice_copy(code), .json = json};
}

/* In byte order, so that the answer does not depend on a collation. */
static int
usable_compare(const void *a, const void *b)
{
	return slice_compare(((const Usable *) a)->code, ((const Usable *) b)->code);
}

/* Codes are stored as they were entered: blanks around a code do not count. */
static JsonSlice
code_trimmed(Value code)
{
	JsonSlice name = slice_of(code.datum);

	while (name.size > 0 && name.bytes[0] == ' ')
		name = (JsonSlice){name.bytes + 1, name.size - 1};
	while (name.size > 0 && name.bytes[name.size - 1] == ' ')
		name.size--;
	return name;
}

/* Written by hand and not by to_json(), so that numbers and times are the same in every
 * session. */
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
	/* numeric_out() keeps the digits as they were entered: 12.50 stays 12.50 */
	appendStringInfoString(out, code[CODE_PERCENT_OFF].null
									? "null"
									: DatumGetCString(DirectFunctionCall1(
										  numeric_out, code[CODE_PERCENT_OFF].datum)));
	json_write_literal(out, ",\"amount_off_in_cents\":");
	if (code[CODE_AMOUNT_OFF].null)
		json_write_literal(out, "null");
	else
		json_write_integer(out, DatumGetInt32(code[CODE_AMOUNT_OFF].datum));
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

/* A string, or null for a null. */
static void
text_write(StringInfo out, Value text)
{
	JsonSlice slice;

	if (text.null)
	{
		json_write_literal(out, "null");
		return;
	}
	slice = slice_of(text.datum);
	json_write_string(out, slice.bytes, slice.size);
}

/* null for an end that never comes. */
static void
time_write(StringInfo out, Value time)
{
	if (time.null || TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(time.datum)))
		json_write_literal(out, "null");
	else
		appendStringInfo(out, "\"%s\"", time_utc_text(DatumGetTimestampTz(time.datum)));
}

/* A column of the row at which the read stands; it is good until the read moves on. */
static Value
value_of(Rows *rows, int column)
{
	Value value;

	value.datum = rows_value_or_null(rows, column, &value.null);
	return value;
}

/* The earlier end; a null never comes. */
static Value
earlier(Value a, Value b)
{
	if (a.null || b.null)
		return a.null ? b : a;
	return DatumGetTimestampTz(a.datum) < DatumGetTimestampTz(b.datum) ? a : b;
}
