/*
 * discount.c: may this person use this code on this price?
 *
 * The rules are one table, in the order of their reasons; validate_discount() stops at the
 * first that fails, explain_discount() asks all, and so do redemption and reservation: they
 * cannot disagree. Questions answer and do not raise for a "no".
 *
 * A reservation that is still held is a promise: neither the end of the code nor that of the
 * assignment takes it back.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "billing/environment.h"
#include "core/args.h"
#include "core/owner.h"
#include "core/plan.h"
#include "discounts/amount.h"
#include "discounts/discount.h"

/* Within HAS_PURCHASE: whether a sandbox's purchase or line counts. */
#define PURCHASE_COUNTS ENVIRONMENT_COUNTS("p.environment", "$4")
#define LINE_COUNTS     ENVIRONMENT_COUNTS("l.environment", "$4")

/*
 * What a person has bought, for first_purchase_only: what is paid for and was not given back. A
 * premium slot, a course that was given and a trial cost nothing; what a sandbox sold is
 * something only where it counts ($4). A use of a discount is a purchase that is under way.
 */
#define HAS_PURCHASE                                                                           \
	"EXISTS (SELECT FROM coursebase.custom_course_purchases p"                                 \
	"  JOIN coursebase.custom_courses k ON k.id = p.course_id"                                 \
	"  WHERE k.user_id = $1 AND p.status = 'active'"                                           \
	"  AND " PURCHASE_COUNTS ")"                                                               \
	" OR EXISTS (SELECT FROM coursebase.course_purchases p"                                    \
	"  WHERE p.user_id = $1 AND p.status = 'valid'"                                            \
	"  AND p.source IN ('google_play', 'app_store')"                                           \
	"  AND " PURCHASE_COUNTS ")"                                                               \
	" OR EXISTS (SELECT FROM coursebase.ai_credit_purchases p"                                 \
	"  WHERE p.user_id = $1 AND p.status = 'valid'"                                            \
	"  AND " PURCHASE_COUNTS ")"                                                               \
	" OR EXISTS (SELECT FROM coursebase.purchases p WHERE p.user_id = $1"                      \
	"  AND p.price_paid_in_cents > 0 AND p.refunded_at IS NULL)"                               \
	" OR EXISTS (SELECT FROM coursebase.subscription_lines l"                                  \
	"  JOIN coursebase.subscription_events e ON e.user_id = l.user_id AND e.store = l.store"   \
	"   AND coalesce(e.original_transaction_id, l.user_id::text) = l.original_transaction_id"  \
	"  WHERE l.user_id = $1 AND l.first_premium_at IS NOT NULL AND l.status <> 'revoked'"      \
	"  AND l.store NOT IN ('promotional', 'manual')"                                           \
	"  AND e.event_type IN ('created', 'renewed', 'recovered')"                                \
	"  AND e.payload ->> 'is_trial' IS DISTINCT FROM 'true'"                                   \
	"  AND " LINE_COUNTS ")"                                                                   \
	" OR EXISTS (SELECT FROM coursebase.discount_redemptions r"                                \
	"  WHERE r.user_id = $1 AND r.reversed_at IS NULL)"

/* Expired reservations of others hold no place, nor does the person's own entry count here. */
#define TAKEN                                                                                  \
	"c.redeemed_count"                                                                         \
	" + coalesce((SELECT sum(s.redeemed_count)::bigint"                                        \
	"  FROM coursebase.discount_code_shards s WHERE s.discount_code_id = c.id), 0)"            \
	" - (SELECT count(*) FROM coursebase.user_discounts o WHERE o.discount_code_id = c.id"     \
	"  AND o.status = 'reserved' AND o.reserved_until <= $3 AND o.user_id <> $1)"              \
	" - coalesce((d.status = 'reserved')::integer, 0)"

static KeptPlan read_facts = {
	.sql = "SELECT c.id, c.code, c.is_active, c.starts_at, c.expires_at, c.product_type,"
		   " c.item, c.cohort_id IS NOT NULL, m.user_id IS NOT NULL, c.lifespan IS NOT NULL,"
		   " c.max_redemptions, " TAKEN ", c.first_purchase_only,"
		   " c.first_purchase_only AND (" HAS_PURCHASE "),"
		   " coalesce(c.minimum_in_cents, 0), c.currency::text,"
		   " (c.percent_off * 100)::integer, c.amount_off_in_cents,"
		   " c.referrer_id IS NOT DISTINCT FROM $1, u.id IS NOT NULL,"
		   " d.status, d.expires_at, d.reserved_until"
		   " FROM coursebase.discount_codes c"
		   " LEFT JOIN coursebase.users u ON u.id = $1 AND u.deleted_at IS NULL"
		   " LEFT JOIN coursebase.user_cohorts m"
		   "  ON m.user_id = $1 AND m.cohort_id = c.cohort_id"
		   " LEFT JOIN coursebase.user_discounts d"
		   "  ON d.user_id = $1 AND d.discount_code_id = c.id"
		   " WHERE " DISCOUNT_CODE_IS("c.code", "$2"),
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID, BOOLOID},
};

static const char *const status_names[] = {
	[DISCOUNT_NONE] = "none",
	[DISCOUNT_ASSIGNED] = "assigned",
	[DISCOUNT_RESERVED] = "reserved",
	[DISCOUNT_REDEEMED] = "redeemed",
};

static void facts_read_code(DiscountFacts *facts);
static void facts_read_entry(DiscountFacts *facts);
static bool value_bool(int column);
static int64 value_int64(int column, int64 otherwise);
static TimestampTz value_time(int column, TimestampTz otherwise);
static bool is_same_word(const char *a, const char *b);
static const char *time_text(TimestampTz at);
static void row_put(FunctionCallInfo fcinfo, const DiscountRule *rule, int passed,
					const char *detail);

#define RULE(name)                                                                             \
	static bool name(const DiscountOrder *order, const DiscountFacts *facts, StringInfo detail)

RULE(code_exists);
RULE(code_enabled);
RULE(code_started);
RULE(code_not_ended);
RULE(product_type_fits);
RULE(item_fits);
RULE(cohort_fits);
RULE(assigned);
RULE(assignment_not_ended);
RULE(not_used);
RULE(place_left);
RULE(first_purchase);
RULE(minimum_reached);
RULE(currency_fits);
RULE(not_own_referral);
RULE(user_open);

const DiscountRule discount_rules[] = {
	{"code_exists", "not_found", code_exists},
	{"code_enabled", "disabled", code_enabled},
	{"code_started", "not_started", code_started},
	{"code_not_ended", "expired", code_not_ended},
	{"product_type_fits", "wrong_product", product_type_fits},
	{"item_fits", "wrong_item", item_fits},
	{"cohort_fits", "wrong_cohort", cohort_fits},
	{"assigned", "not_assigned", assigned},
	{"assignment_not_ended", "assignment_expired", assignment_not_ended},
	{"not_used", "already_used", not_used},
	{"place_left", "limit_reached", place_left},
	{"first_purchase", "first_purchase_only", first_purchase},
	{"minimum_reached", "below_minimum", minimum_reached},
	{"currency_fits", "currency_mismatch", currency_fits},
	{"not_own_referral", "self_referral", not_own_referral},
	{"user_open", "user_deleted", user_open},
};
const int discount_nrules = lengthof(discount_rules);

PG_FUNCTION_INFO_V1(coursebase_validate_discount);
PG_FUNCTION_INFO_V1(coursebase_explain_discount);
PG_FUNCTION_INFO_V1(coursebase_split_discount);

/*
 * SQL function: validate_discount(user_id uuid, code text, product_type text, base_in_cents
 * bigint, currency text, item text, at timestamptz) returns table (valid boolean, reason text,
 * discount_in_cents bigint, final_in_cents bigint, expires_at timestamptz)
 */
PGDLLEXPORT Datum
coursebase_validate_discount(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DiscountOrder order = discount_order(fcinfo, 5, 6);
	DiscountFacts facts;
	const DiscountRule *failed;
	StringInfoData detail;
	Datum values[5] = {0};
	bool nulls[5] = {false};
	int64 amount;
	TimestampTz end;

	initStringInfo(&detail);
	compat_materialize(fcinfo);
	SPI_connect();
	facts = discount_facts_read(&order, true);
	SPI_finish();
	failed = discount_verdict(&order, &facts, &detail);
	amount = failed == NULL ? discount_amount(&order, &facts) : 0;
	end = facts.found ? Min(facts.expires_at, facts.entry_expires_at) : DT_NOEND;
	values[0] = BoolGetDatum(failed == NULL);
	nulls[1] = failed == NULL;
	if (failed != NULL)
		values[1] = CStringGetTextDatum(failed->reason);
	values[2] = Int64GetDatum(amount);
	values[3] = Int64GetDatum(order.base - amount);
	values[4] = TimestampTzGetDatum(end);
	nulls[4] = end == DT_NOEND;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: explain_discount(user_id uuid, code text, product_type text, base_in_cents
 * bigint, currency text, item text, at timestamptz) returns table (rule text, passed boolean,
 * reason text, detail text)
 */
PGDLLEXPORT Datum
coursebase_explain_discount(PG_FUNCTION_ARGS)
{
	DiscountOrder order = discount_order(fcinfo, 5, 6);
	DiscountFacts facts;
	StringInfoData detail;

	initStringInfo(&detail);
	compat_materialize(fcinfo);
	SPI_connect();
	facts = discount_facts_read(&order, true);
	SPI_finish();
	for (int i = 0; i < discount_nrules; i++)
	{
		int passed = -1;

		resetStringInfo(&detail);
		if (i == 0 || facts.found)
			passed = discount_rules[i].passes(&order, &facts, &detail);
		row_put(fcinfo, &discount_rules[i], passed, detail.data);
	}
	return (Datum) 0;
}

/* SQL function: split_discount(lines bigint[], total bigint) returns bigint[] */
PGDLLEXPORT Datum
coursebase_split_discount(PG_FUNCTION_ARGS)
{
	ArrayType *lines = PG_GETARG_ARRAYTYPE_P(0);
	int count = ArrayGetNItems(ARR_NDIM(lines), ARR_DIMS(lines));
	DiscountPart *parts;
	Datum *shares;

	if (ARR_NDIM(lines) > 1 || array_contains_nulls(lines))
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("lines must be an array of one dimension without nulls")));
	parts = palloc_extended((count + 1) * sizeof(DiscountPart), MCXT_ALLOC_HUGE);
	if (!discount_split((const int64_t *) ARR_DATA_PTR(lines), count, PG_GETARG_INT64(1),
						parts))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the total cannot be split over the lines"),
						errdetail("A line or the total is negative, or there is no line."),
						errhint("Give lines and a total that are not below 0.")));
	shares = palloc_extended((count + 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
		shares[i] = Int64GetDatum(parts[i].share);
	PG_RETURN_ARRAYTYPE_P(
		construct_array(shares, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, 'd'));
}

/* The order that the arguments of a function make; item and at are their numbers. */
DiscountOrder
discount_order(FunctionCallInfo fcinfo, int item, int at)
{
	DiscountOrder order = {.code = NULL};

	for (int i = 0; i <= at; i++)
		if (i != 1 && i != item)
			args_require(fcinfo, i);
	order.user = *PG_GETARG_UUID_P(0);
	order.code = args_text_or_null(fcinfo, 1);
	order.product_type = text_to_cstring(PG_GETARG_TEXT_PP(2));
	order.base = PG_GETARG_INT64(3);
	order.currency = text_to_cstring(PG_GETARG_TEXT_PP(4));
	order.item = args_text_or_null(fcinfo, item);
	order.at = args_time(fcinfo, at);
	if (order.base < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("base_in_cents must not be negative")));
	return order;
}

DiscountFacts
discount_facts_read(const DiscountOrder *order, bool read_only)
{
	DiscountFacts facts = {.found = false};
	Datum values[] = {UUIDPGetDatum(&order->user), (Datum) 0, TimestampTzGetDatum(order->at),
					  (Datum) 0};

	if (order->code == NULL)
		return facts;
	values[1] = CStringGetTextDatum(order->code);
	values[3] = BoolGetDatum(environment_sandbox_counts());
	if (owner_execute(&read_facts, values, NULL, read_only) != 1)
		return facts;
	facts_read_code(&facts);
	facts_read_entry(&facts);
	return facts;
}

static void
facts_read_code(DiscountFacts *facts)
{
	bool null;

	facts->found = true;
	facts->code_id = *DatumGetUUIDP(plan_value(0, 1, NULL));
	facts->code = plan_text_required(0, 2);
	facts->is_active = value_bool(3);
	facts->starts_at = value_time(4, DT_NOBEGIN);
	facts->expires_at = value_time(5, DT_NOEND);
	facts->product_type = plan_text_required(0, 6);
	facts->item = plan_text(0, 7);
	facts->has_cohort = value_bool(8);
	facts->in_cohort = value_bool(9);
	facts->has_lifespan = value_bool(10);
	facts->max_redemptions = value_int64(11, -1);
	facts->taken = value_int64(12, 0);
	facts->first_purchase_only = value_bool(13);
	facts->has_purchase = value_bool(14);
	facts->minimum = value_int64(15, 0);
	facts->currency = plan_text(0, 16);
	facts->percent_off = DatumGetInt32(plan_value(0, 17, &null));
	if (null)
		facts->percent_off = 0;
	facts->amount_off = value_int64(18, 0);
	facts->own_referral = value_bool(19);
	facts->user_open = value_bool(20);
}

static void
facts_read_entry(DiscountFacts *facts)
{
	char *status = plan_text(0, 21);

	facts->status = DISCOUNT_NONE;
	for (DiscountStatus s = DISCOUNT_ASSIGNED; status != NULL && s <= DISCOUNT_REDEEMED; s++)
		if (strcmp(status, status_names[s]) == 0)
			facts->status = s;
	facts->entry_expires_at = value_time(22, DT_NOEND);
	facts->reserved_until = value_time(23, DT_NOBEGIN);
}

static bool
value_bool(int column)
{
	bool null;
	Datum value = plan_value(0, column, &null);

	return !null && DatumGetBool(value);
}

static int64
value_int64(int column, int64 otherwise)
{
	bool null;
	Datum value = plan_value(0, column, &null);

	return null ? otherwise : DatumGetInt64(value);
}

static TimestampTz
value_time(int column, TimestampTz otherwise)
{
	bool null;
	Datum value = plan_value(0, column, &null);

	return null ? otherwise : DatumGetTimestampTz(value);
}

const DiscountRule *
discount_verdict(const DiscountOrder *order, const DiscountFacts *facts, StringInfo detail)
{
	for (int i = 0; i < discount_nrules; i++)
	{
		resetStringInfo(detail);
		if (!discount_rules[i].passes(order, facts, detail))
			return &discount_rules[i];
	}
	return NULL;
}

int64
discount_amount(const DiscountOrder *order, const DiscountFacts *facts)
{
	if (facts->percent_off > 0)
		return discount_percentage(order->base, facts->percent_off);
	return discount_fixed(order->base, facts->amount_off);
}

bool
discount_holds_place(const DiscountFacts *facts, TimestampTz at)
{
	return facts->status == DISCOUNT_RESERVED && at < facts->reserved_until;
}

/* The rules: each says in detail what it looked at */

RULE(code_exists)
{
	appendStringInfo(detail, "Asked for %s.", order->code == NULL ? "no code" : order->code);
	return facts->found;
}

RULE(code_enabled)
{
	appendStringInfo(detail, "is_active is %s.", facts->is_active ? "true" : "false");
	return facts->is_active;
}

RULE(code_started)
{
	appendStringInfo(detail, "It starts at %s.", time_text(facts->starts_at));
	return facts->starts_at <= order->at;
}

RULE(code_not_ended)
{
	appendStringInfo(detail, "It ends at %s.", time_text(facts->expires_at));
	return order->at < facts->expires_at || discount_holds_place(facts, order->at);
}

RULE(product_type_fits)
{
	appendStringInfo(detail, "It is for %s.", facts->product_type);
	return strcmp(order->product_type, facts->product_type) == 0;
}

RULE(item_fits)
{
	appendStringInfo(detail, "It is for %s.", facts->item == NULL ? "any item" : facts->item);
	return facts->item == NULL || is_same_word(order->item, facts->item);
}

RULE(cohort_fits)
{
	appendStringInfoString(detail, facts->has_cohort ? "It is for one cohort."
													 : "It is for everybody.");
	return !facts->has_cohort || facts->in_cohort;
}

RULE(assigned)
{
	appendStringInfo(detail, "The user's entry: %s.", status_names[facts->status]);
	return facts->status != DISCOUNT_NONE || !(facts->has_cohort || facts->has_lifespan);
}

RULE(assignment_not_ended)
{
	appendStringInfo(detail, "The assignment ends at %s.", time_text(facts->entry_expires_at));
	return order->at < facts->entry_expires_at || discount_holds_place(facts, order->at);
}

RULE(not_used)
{
	appendStringInfo(detail, "The user's entry: %s.", status_names[facts->status]);
	return facts->status != DISCOUNT_REDEEMED;
}

RULE(place_left)
{
	if (facts->max_redemptions < 0)
		appendStringInfo(detail, "Others hold " INT64_FORMAT " places, without a limit.",
						 facts->taken);
	else
		appendStringInfo(detail, "Others hold " INT64_FORMAT " of " INT64_FORMAT " places.",
						 facts->taken, facts->max_redemptions);
	return facts->max_redemptions < 0 || facts->taken < facts->max_redemptions;
}

RULE(first_purchase)
{
	appendStringInfoString(detail, facts->first_purchase_only
									   ? "It is for first purchases only."
									   : "It is for later purchases too.");
	return !facts->first_purchase_only || !facts->has_purchase;
}

RULE(minimum_reached)
{
	appendStringInfo(detail, "The price is " INT64_FORMAT ", the minimum " INT64_FORMAT ".",
					 order->base, facts->minimum);
	return order->base >= facts->minimum;
}

RULE(currency_fits)
{
	appendStringInfo(detail, "The discount is in %s.",
					 facts->currency == NULL ? "percent" : facts->currency);
	return facts->currency == NULL || is_same_word(order->currency, facts->currency);
}

RULE(not_own_referral)
{
	appendStringInfoString(detail, facts->own_referral ? "The user is its referrer."
													   : "The user is not its referrer.");
	return !facts->own_referral;
}

RULE(user_open)
{
	appendStringInfoString(detail, facts->user_open ? "The account is open."
													: "The account is closed or unknown.");
	return facts->user_open;
}

static bool
is_same_word(const char *a, const char *b)
{
	return a != NULL && pg_strcasecmp(a, b) == 0;
}

/* Of an instant that may be none. */
static const char *
time_text(TimestampTz at)
{
	return TIMESTAMP_NOT_FINITE(at) ? "no time" : timestamptz_to_str(at);
}

/* passed below 0: the rule was not asked. */
static void
row_put(FunctionCallInfo fcinfo, const DiscountRule *rule, int passed, const char *detail)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {CStringGetTextDatum(rule->rule), BoolGetDatum(passed > 0),
					  CStringGetTextDatum(rule->reason), CStringGetTextDatum(detail)};
	bool nulls[] = {false, passed < 0, passed != 0, passed < 0};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
