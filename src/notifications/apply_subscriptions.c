/*
 * apply_subscriptions.c: a notice of a subscription becomes an event of its line.
 *
 * Nothing here decides what a type does to a subscription: its name goes to the fold as
 * subscription_event_mappings has it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"

#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "identity/anchor.h"
#include "notifications/apply_subscriptions.h"
#include "notifications/apply_transfers.h"
#include "notifications/members.h"
#include "notifications/whose.h"

/* What exists for everybody is called by its SQL name, with the rights of the tables' owner. */
static KeptPlan apply_event = {
	.sql = "SELECT pg_catalog.json_build_object('status', r.status, 'expires_at', r.expires_at,"
		   " 'applied', r.applied, 'anomaly', r.anomaly)::pg_catalog.text"
		   " FROM coursebase.apply_subscription_event($1, $2::pg_catalog.json, $3) r",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
/*
 * Moves the line to the person whom the caller named; whose_find() has allowed it (setting
 * restore_behavior). For a line that is the person's already it does nothing.
 */
static KeptPlan restore_line = {
	.sql = "SELECT coursebase.transfer_line($1, $2, $3)",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, UUIDOID},
};
/*
 * The line that a receipt of the token $2 began under the name of its order, where none is
 * named by the token. The index of tokens has their ends, as in whose.c; OFFSET 0 and the count
 * keep the lines from being joined, of which there are many. $1 environment
 */
static KeptPlan find_line_of_receipt = {
	.sql = "SELECT r.original_transaction_id FROM coursebase.store_receipts r"
		   " CROSS JOIN LATERAL (SELECT FROM coursebase.subscription_lines l"
		   "  WHERE l.store = 'google_play'"
		   "  AND l.original_transaction_id = r.original_transaction_id OFFSET 0) l"
		   " WHERE r.source = 'google_play' AND r.environment = $1 AND r.purchase_token = $2"
		   "  AND right(r.purchase_token, 64) = right($2, 64) AND r.kind = 'subscription'"
		   "  AND (SELECT count(*) FROM coursebase.subscription_lines t"
		   "   WHERE t.store = 'google_play' AND t.original_transaction_id = $2) = 0"
		   " ORDER BY r.purchased_at, r.purchase_id LIMIT 1",
	.nargs = 2,
	.types = {TEXTOID, TEXTOID},
};
/*
 * The first name of the payment that a line of Apple's has for a period; where the log has the
 * notice's own name too, that one. $1 person, $2 environment, $3 line, $4 end of the period,
 * $5 the notice's name
 */
static KeptPlan find_payment_of_period = {
	.sql = "SELECT e.transaction_id FROM coursebase.subscription_events e"
		   " WHERE e.user_id = $1 AND e.store = 'app_store' AND e.environment = $2"
		   "  AND e.original_transaction_id = $3 AND e.period_end = $4"
		   "  AND e.transaction_id IS NOT NULL"
		   " ORDER BY e.transaction_id = $5 DESC, e.received_at, e.event_time, e.store_event_id"
		   " LIMIT 1",
	.nargs = 5,
	.types = {UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
};

static void line_of_receipt(const NoticeCall *call, StoreNotice *notice);
static void payment_of_period(const NoticeCall *call, const pg_uuid_t *user,
							  StoreNotice *notice);
static char *event_json(const NoticeCall *call, const char *store);
static void payment_append(StringInfo json, const StoreNotice *notice);

/* The line is named, and moved where the caller named another person, before the event is told
 * of it. */
void
subscription_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const char *store = whose_store(call);
	StoreNotice notice = *call->notice;
	NoticeCall of_line = *call;
	PlanValues values = {0};

	of_line.notice = &notice;
	if (store == NULL)
	{
		effect_note(effect, "its store is none that subscriptions come from here");
		return;
	}
	if (!whose_require(call, effect))
		return;
	late_transfer_apply(call, effect);
	/*
	 * only a person whom the caller names can be another one than the line's: the line is moved
	 * first, or the event would be refused as another person's
	 */
	if (call->user != NULL && call->provider == PROVIDER_GOOGLE_PLAY)
		line_of_receipt(call, &notice);
	if (call->user != NULL && notice.original_transaction.size > 0)
	{
		PlanValues line = {0};

		plan_bind_text(&line, store);
		plan_bind_text(&line, notice_text(notice.original_transaction));
		plan_bind_uuid(&line, &effect->user);
		owner_execute(&restore_line, line.datums, line.nulls, false);
	}
	/* under the lock: a receipt may have begun the line meanwhile, or named the payment */
	if (call->provider == PROVIDER_GOOGLE_PLAY || call->provider == PROVIDER_APP_STORE)
		anchor_kept_user_require(&effect->user);
	if (call->provider == PROVIDER_GOOGLE_PLAY)
		line_of_receipt(call, &notice);
	if (call->provider == PROVIDER_APP_STORE && notice.period_end != NOTICE_NO_TIME)
		payment_of_period(call, &effect->user, &notice);
	plan_bind_uuid(&values, &effect->user);
	plan_bind_text(&values, event_json(&of_line, store));
	plan_bind_time(&values, call->at);
	owner_execute(&apply_event, values.datums, values.nulls, false);
	effect_applied(effect);
}

/*
 * Google Play names a subscription by its token, and a receipt that named no line by its order:
 * whichever came first names the line (store/receipt.c).
 */
static void
line_of_receipt(const NoticeCall *call, StoreNotice *notice)
{
	PlanValues values = {0};

	plan_bind_text(&values, call_environment(call));
	plan_bind_text(&values, notice_text(notice->token));
	if (owner_execute(&find_line_of_receipt, values.datums, values.nulls, false) > 0)
		notice->original_transaction = raw_string(plan_text_required(0, 1));
}

/*
 * Apple gives the payment of a period another transaction whenever it is restored, and a refund
 * names the first: of one line the payments of one end are one payment, known by the name that
 * came first.
 */
static void
payment_of_period(const NoticeCall *call, const pg_uuid_t *user, StoreNotice *notice)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	plan_bind_text(&values, call_environment(call));
	plan_bind_text(&values, notice_text(notice->original_transaction));
	plan_bind_time(&values, notice->period_end);
	plan_bind_text(&values, notice_text(notice->transaction));
	if (owner_execute(&find_payment_of_period, values.datums, values.nulls, false) > 0)
		notice->transaction = raw_string(plan_text_required(0, 1));
}

/* The event as apply_subscription_event() takes it. Types are the provider's names; the mapping
 * is data. */
static char *
event_json(const NoticeCall *call, const char *store)
{
	const StoreNotice *notice = call->notice;
	StringInfoData json;

	initStringInfo(&json);
	member_text(&json, "provider", notice_provider_names[call->provider]);
	member_text(&json, "store", store);
	member_text(&json, "environment", call_environment(call));
	/* the same id for a repetition, whatever the body was */
	member_text(&json, "store_event_id", call->id);
	member_raw(&json, "event_type", notice->type);
	member_raw(&json, "subtype", notice->subtype);
	member_raw(&json, "original_transaction_id", notice->original_transaction);
	member_raw(&json, "transaction_id", notice->transaction);
	member_raw(&json, "product_id", notice->product);
	member_raw(&json, "base_plan_id", notice->base_plan);
	member_raw(&json, "offer_id", notice->offer);
	member_raw(&json, "purchase_token", notice->token);
	member_raw(&json, "linked_purchase_token", notice->linked_token);
	member_time(&json, "event_time", notice->time);
	member_time(&json, "period_start", notice->period_start);
	member_time(&json, "period_end", notice->period_end);
	member_time(&json, "grace_until", notice->grace_until);
	if (notice->auto_renew >= 0)
		appendStringInfo(&json, ", \"auto_renew\": %s", notice->auto_renew ? "true" : "false");
	if (notice->trial)
		appendStringInfoString(&json, ", \"is_trial\": true");
	if (call->provider == PROVIDER_STRIPE)
		payment_append(&json, notice);
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* By which names the payment is found again, what it was, and what was given back of it. */
static void
payment_append(StringInfo json, const StoreNotice *notice)
{
	member_raw(json, "payment_intent_id", notice->payment);
	member_raw(json, "charge_id", notice->charge);
	if (notice->paid > 0)
		appendStringInfo(json, ", \"paid_in_cents\": " INT64_FORMAT, notice->paid);
	if (notice->subject != NOTICE_REFUND && notice->subject != NOTICE_REVERSAL)
		return;
	member_raw(json, "refund_ref", notice->refund);
	member_text(json, "refund_kind", notice_refund_names[notice->refund_kind]);
	appendStringInfo(json, ", \"refunded_in_cents\": " INT64_FORMAT, notice->amount);
}
