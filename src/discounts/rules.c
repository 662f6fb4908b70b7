/*
 * rules.c: the rules of discounts, in the order in which they are asked.
 *
 * Invariants: the rules are one table. validate_discount() and the uses stop at the first rule
 * that fails, explain_discount() asks all, so that question and use cannot disagree. A rule
 * decides from the order and the facts alone: it reads no table and writes nothing but detail,
 * a sentence on what it looked at, whether it passes or fails.
 *
 * A reservation that is still held is a promise: neither the end of the code nor that of the
 * assignment takes it back.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "discounts/amount.h"
#include "discounts/discount.h"

/* As the column user_discounts.status, and detail, name the states. */
const char *const discount_status_names[] = {
	[DISCOUNT_NONE] = "none",
	[DISCOUNT_ASSIGNED] = "assigned",
	[DISCOUNT_RESERVED] = "reserved",
	[DISCOUNT_REDEEMED] = "redeemed",
};

static bool holds_place(const DiscountOrder *order, const DiscountFacts *facts);
static bool is_same_word(const char *a, const char *b);
static const char *time_or_none(TimestampTz at);

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

/* The order is part of the interface: the first reason is what a buyer reads. */
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

/* detail is reset for each rule, so that the rule that fails is the only one in it. */
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

/* A code has a percentage or a fixed amount (a CHECK of its table), never both. Either takes
 * off at most the base, so that the cast loses nothing. */
int32
discount_amount(const DiscountOrder *order, const DiscountFacts *facts)
{
	if (facts->percent_off > 0)
		return (int32) discount_percentage(order->base, facts->percent_off);
	return (int32) discount_fixed(order->base, facts->amount_off);
}

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
	appendStringInfo(detail, "It starts at %s.", time_or_none(facts->starts_at));
	return facts->starts_at <= order->at;
}

/* A code ends at the instant expires_at; a reservation outlives the end. */
RULE(code_not_ended)
{
	appendStringInfo(detail, "It ends at %s.", time_or_none(facts->expires_at));
	return order->at < facts->expires_at || holds_place(order, facts);
}

RULE(product_type_fits)
{
	appendStringInfo(detail, "It is for %s.", facts->product_type);
	return strcmp(order->product_type, facts->product_type) == 0;
}

/* A code for an item is for no order that names none. */
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

/* A code for a cohort or with a lifespan is only for people who have it assigned; any other
 * code is assigned by its use. */
RULE(assigned)
{
	appendStringInfo(detail, "The user's entry: %s.", discount_status_names[facts->status]);
	return facts->status != DISCOUNT_NONE || !(facts->has_cohort || facts->has_lifespan);
}

/* lifespan may end for this person before the code does. */
RULE(assignment_not_ended)
{
	appendStringInfo(detail, "The assignment ends at %s.",
					 time_or_none(facts->entry_expires_at));
	return order->at < facts->entry_expires_at || holds_place(order, facts);
}

RULE(not_used)
{
	appendStringInfo(detail, "The user's entry: %s.", discount_status_names[facts->status]);
	return facts->status != DISCOUNT_REDEEMED;
}

/* Places of others alone: the person's own reservation is no obstacle. */
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

/* What counts as a purchase stands in facts.c. */
RULE(first_purchase)
{
	appendStringInfoString(detail, facts->first_purchase_only
									   ? "It is for first purchases only."
									   : "It is for later purchases too.");
	return !facts->first_purchase_only || !facts->has_purchase;
}

RULE(minimum_reached)
{
	appendStringInfo(detail, "The price is %d, the minimum %d.", order->base, facts->minimum);
	return order->base >= facts->minimum;
}

/* A percentage is of any currency. */
RULE(currency_fits)
{
	appendStringInfo(detail, "The discount is in %s.",
					 facts->currency == NULL ? "percent" : facts->currency);
	return facts->currency == NULL || is_same_word(order->currency, facts->currency);
}

/* Otherwise a referrer would earn by the own purchase. */
RULE(not_own_referral)
{
	appendStringInfoString(detail, facts->own_referral ? "The user is its referrer."
													   : "The user is not its referrer.");
	return !facts->own_referral;
}

/* Asked last, because the answer is about the account and not about the code. */
RULE(user_open)
{
	appendStringInfoString(detail, facts->user_open ? "The account is open."
													: "The account is closed or unknown.");
	return facts->user_open;
}

/* Whether the person's reservation of the code is still held. */
static bool
holds_place(const DiscountOrder *order, const DiscountFacts *facts)
{
	return facts->status == DISCOUNT_RESERVED && order->at < facts->reserved_until;
}

/* Items and currencies are written in either case, by callers and by the stores. */
static bool
is_same_word(const char *a, const char *b)
{
	return a != NULL && pg_strcasecmp(a, b) == 0;
}

/* For detail: a time that is infinite stands for none. */
static const char *
time_or_none(TimestampTz at)
{
	return TIMESTAMP_NOT_FINITE(at) ? "no time" : timestamptz_to_str(at);
}
