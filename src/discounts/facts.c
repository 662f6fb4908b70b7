/*
 * facts.c: what a person wants to buy with a code, and all that the rules look at.
 *
 * Invariant: one statement reads the facts, so that they are of one snapshot.
 *
 * Locks: none. A use locks the code and the person's entry before it reads (use.c). Rights: the
 * statement runs with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "billing/environment.h"
#include "cells/cell.h"
#include "core/args.h"
#include "core/owner.h"
#include "core/plan.h"
#include "discounts/discount.h"

/*
 * What a person has bought, for first_purchase_only: what was paid for before the order was
 * ($7), is not the sale that the order ($8) is of, and was not given back. The purchase that a
 * use is for may be recorded already: the store's notification is quicker than the app. A
 * premium slot, a course that was given and a trial cost nothing. What a store's sandbox sold
 * counts only while the setting accept_sandbox is on ($4).
 */
#define PURCHASE_COUNTS ENVIRONMENT_COUNTS("p.environment", "$4")
#define LINE_COUNTS     ENVIRONMENT_COUNTS("l.environment", "$4")

#define HAS_CUSTOM_COURSE                                                                      \
	"EXISTS (SELECT FROM coursebase.custom_course_purchases p"                                 \
	"  JOIN coursebase.custom_courses k ON k.id = p.course_id"                                 \
	"  WHERE k.user_id = $1 AND p.status = 'active' AND p.created_at < $7"                     \
	"  AND " PURCHASE_COUNTS ")"
/* other sources than the stores gave the course */
#define HAS_STORE_COURSE                                                                       \
	"EXISTS (SELECT FROM coursebase.course_purchases p"                                        \
	"  WHERE p.user_id = $1 AND p.status = 'valid'"                                            \
	"  AND p.source IN ('google_play', 'app_store') AND p.purchased_at < $7"                   \
	"  AND " PURCHASE_COUNTS ")"
#define HAS_CREDIT_PACK                                                                        \
	"EXISTS (SELECT FROM coursebase.ai_credit_purchases p"                                     \
	"  WHERE p.user_id = $1 AND p.status = 'valid' AND p.purchased_at < $7"                    \
	"  AND " PURCHASE_COUNTS ")"
#define HAS_SALE                                                                               \
	"EXISTS (SELECT FROM coursebase.purchases p WHERE p.user_id = $1"                          \
	"  AND p.price_paid_in_cents > 0 AND p.refunded_at IS NULL AND p.created_at < $7"          \
	"  AND p.stripe_session_id IS DISTINCT FROM $8)"
/* a line with a paid period: one of its events is no trial; a line without an original
 * transaction is known by the user */
#define HAS_SUBSCRIPTION                                                                       \
	"EXISTS (SELECT FROM coursebase.subscription_lines l"                                      \
	"  JOIN coursebase.subscription_events e ON e.user_id = l.user_id AND e.store = l.store"   \
	"   AND coalesce(e.original_transaction_id, l.user_id::text) = l.original_transaction_id"  \
	"  WHERE l.user_id = $1 AND l.first_premium_at IS NOT NULL AND l.status <> 'revoked'"      \
	"  AND l.store NOT IN ('promotional', 'manual')"                                           \
	"  AND e.event_type IN ('created', 'renewed', 'recovered') AND e.event_time < $7"          \
	"  AND e.payload ->> 'is_trial' IS DISTINCT FROM 'true' AND " LINE_COUNTS ")"
/* a use of a discount is a purchase that is under way */
#define HAS_REDEMPTION                                                                         \
	"EXISTS (SELECT FROM coursebase.discount_redemptions r"                                    \
	"  WHERE r.user_id = $1 AND r.reversed_at IS NULL AND r.redeemed_at < $7)"
#define HAS_PURCHASE                                                                           \
	HAS_CUSTOM_COURSE " OR " HAS_STORE_COURSE " OR " HAS_CREDIT_PACK " OR " HAS_SALE           \
					  " OR " HAS_SUBSCRIPTION " OR " HAS_REDEMPTION

/*
 * The places that others hold at $3: the counter, with its shards, without the ended
 * reservations of others, whose places a use may take back, and without the person's own.
 */
#define TAKEN                                                                                  \
	"c.redeemed_count"                                                                         \
	" + coalesce((SELECT sum(s.redeemed_count)::bigint"                                        \
	"  FROM coursebase.discount_code_shards s WHERE s.discount_code_id = c.id), 0)"            \
	" - (SELECT count(*) FROM coursebase.user_discounts o WHERE o.discount_code_id = c.id"     \
	"  AND o.status = 'reserved' AND o.reserved_until <= $3 AND o.user_id <> $1)"              \
	" - coalesce((d.status = 'reserved')::integer, 0)"

/*
 * The places that there are: of a cell its own. A limited code that is not split is home's. $5
 * and $6: cell and home, or NULL.
 */
#define LIMIT                                                                                  \
	"CASE WHEN $5::integer IS NULL OR c.max_redemptions IS NULL THEN c.max_redemptions"        \
	" ELSE (SELECT CASE WHEN count(*) = 0 AND $5 = $6 THEN c.max_redemptions"                  \
	"   ELSE coalesce(sum(s.max_redemptions)"                                                  \
	"    FILTER (WHERE " DISCOUNT_SHARD_IS_OWN(                                                \
		"$5",                                                                                  \
		"$6") "), 0)::bigint END"                                                              \
			  "  FROM coursebase.discount_code_shards s WHERE s.discount_code_id = c.id) END"

/* The columns of read_facts. */
enum
{
	FACTS_ID = 1,
	FACTS_CODE,
	FACTS_IS_ACTIVE,
	FACTS_STARTS_AT,
	FACTS_EXPIRES_AT,
	FACTS_PRODUCT_TYPE,
	FACTS_ITEM,
	FACTS_HAS_COHORT,
	FACTS_IN_COHORT,
	FACTS_HAS_LIFESPAN,
	FACTS_MAX_REDEMPTIONS,
	FACTS_TAKEN,
	FACTS_FIRST_PURCHASE_ONLY,
	FACTS_HAS_PURCHASE,
	FACTS_MINIMUM,
	FACTS_CURRENCY,
	FACTS_PERCENT_OFF,
	FACTS_AMOUNT_OFF,
	FACTS_OWN_REFERRAL,
	FACTS_USER_OPEN,
	FACTS_STATUS,
	FACTS_ENTRY_EXPIRES_AT,
	FACTS_RESERVED_UNTIL,
};

/* One row for a code that exists, whatever the person has; LEFT JOIN keeps the code. */
static KeptPlan read_facts = {
	.sql = "SELECT c.id, c.code, c.is_active, c.starts_at, c.expires_at, c.product_type,"
		   " c.item, c.cohort_id IS NOT NULL, m.user_id IS NOT NULL, c.lifespan IS NOT NULL,"
		   " " LIMIT ", " TAKEN ", c.first_purchase_only,"
		   " c.first_purchase_only AND (" HAS_PURCHASE "),"
		   " coalesce(c.minimum_in_cents, 0), c.currency::text,"
		   " coalesce(c.percent_off * 100, 0)::integer, coalesce(c.amount_off_in_cents, 0),"
		   " c.referrer_id IS NOT DISTINCT FROM $1, u.id IS NOT NULL,"
		   " d.status, d.expires_at, d.reserved_until"
		   " FROM coursebase.discount_codes c"
		   " LEFT JOIN coursebase.users u ON u.id = $1 AND u.deleted_at IS NULL"
		   "  AND NOT u.is_guest"
		   " LEFT JOIN coursebase.user_cohorts m"
		   "  ON m.user_id = $1 AND m.cohort_id = c.cohort_id"
		   " LEFT JOIN coursebase.user_discounts d"
		   "  ON d.user_id = $1 AND d.discount_code_id = c.id"
		   " WHERE " DISCOUNT_CODE_IS("c.code", "$2"),
	.nargs = 8,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID, BOOLOID, INT4OID, INT4OID, TIMESTAMPTZOID,
			  TEXTOID},
};

static void facts_read_code(DiscountFacts *facts);
static void facts_read_entry(DiscountFacts *facts);

/* at is the last argument of every function, so that all are checked. */
DiscountOrder
discount_order(FunctionCallInfo fcinfo, int item, int at)
{
	DiscountOrder order = {.paid_at = DT_NOEND};

	for (int i = 0; i <= at; i++)
		if (i != DISCOUNT_CODE && i != item)
			args_require(fcinfo, i);
	order.user = *PG_GETARG_UUID_P(DISCOUNT_USER);
	if (!PG_ARGISNULL(DISCOUNT_CODE))
		order.code = args_text_clipped(PG_GETARG_TEXT_PP(DISCOUNT_CODE), DISCOUNT_CODE_MOST);
	order.product_type = text_to_cstring(PG_GETARG_TEXT_PP(DISCOUNT_PRODUCT_TYPE));
	order.base = args_money(fcinfo, DISCOUNT_BASE);
	/* what no column holds would be quoted, and refused when the order redeems it */
	args_currency(fcinfo, DISCOUNT_CURRENCY, true);
	order.currency = text_to_cstring(PG_GETARG_TEXT_PP(DISCOUNT_CURRENCY));
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
	PlanValues values = {0};

	if (order->code == NULL)
		return facts;
	plan_bind_uuid(&values, &order->user);
	plan_bind_text(&values, order->code);
	plan_bind_time(&values, order->at);
	/* a tester spends nothing, so that a first purchase is still to come */
	plan_bind_bool(&values, environment_sandbox_counts(NULL));
	cell_bind(&values);
	plan_bind_time(&values, order->paid_at);
	plan_bind_text(&values, order->order_ref);
	if (owner_execute(&read_facts, values.datums, values.nulls, read_only) != 1)
		return facts;
	facts_read_code(&facts);
	facts_read_entry(&facts);
	return facts;
}

/* Nulls mean what the fields of DiscountFacts say: no start, no end, any number. */
static void
facts_read_code(DiscountFacts *facts)
{
	facts->found = true;
	facts->code_id = plan_uuid(0, FACTS_ID);
	facts->code = plan_text_required(0, FACTS_CODE);
	facts->is_active = plan_bool(0, FACTS_IS_ACTIVE);
	facts->starts_at = plan_time_or(0, FACTS_STARTS_AT, DT_NOBEGIN);
	facts->expires_at = plan_time_or(0, FACTS_EXPIRES_AT, DT_NOEND);
	facts->product_type = plan_text_required(0, FACTS_PRODUCT_TYPE);
	facts->item = plan_text(0, FACTS_ITEM);
	facts->has_cohort = plan_bool(0, FACTS_HAS_COHORT);
	facts->in_cohort = plan_bool(0, FACTS_IN_COHORT);
	facts->has_lifespan = plan_bool(0, FACTS_HAS_LIFESPAN);
	facts->max_redemptions = plan_int64_or(0, FACTS_MAX_REDEMPTIONS, -1);
	facts->taken = plan_int64(0, FACTS_TAKEN);
	facts->first_purchase_only = plan_bool(0, FACTS_FIRST_PURCHASE_ONLY);
	facts->has_purchase = plan_bool(0, FACTS_HAS_PURCHASE);
	facts->minimum = plan_int32(0, FACTS_MINIMUM);
	facts->currency = plan_text(0, FACTS_CURRENCY);
	facts->percent_off = plan_int32(0, FACTS_PERCENT_OFF);
	facts->amount_off = plan_int32(0, FACTS_AMOUNT_OFF);
	facts->own_referral = plan_bool(0, FACTS_OWN_REFERRAL);
	facts->user_open = plan_bool(0, FACTS_USER_OPEN);
}

/* A person without an entry has status none. */
static void
facts_read_entry(DiscountFacts *facts)
{
	facts->status = plan_text(0, FACTS_STATUS) == NULL
						? DISCOUNT_NONE
						: (DiscountStatus) plan_word(0, FACTS_STATUS, discount_status_names,
													 DISCOUNT_REDEEMED + 1);
	facts->entry_expires_at = plan_time_or(0, FACTS_ENTRY_EXPIRES_AT, DT_NOEND);
	facts->reserved_until = plan_time_or(0, FACTS_RESERVED_UNTIL, DT_NOBEGIN);
}
