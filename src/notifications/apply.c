/*
 * apply.c: a notice does what it means, by the functions that do it for everybody else.
 *
 * Nothing here decides what a type does to a subscription: its name goes to the fold as
 * subscription_event_mappings has it. What is bought in a store goes the way of
 * validate_purchase(), a checkout that of complete_purchase().
 *
 * Invariants: a notification takes effect by one call of a function that is repeatable by
 * itself, so that a replay changes nothing; what cannot be decided yet waits and says for what;
 * nothing that was not proven acts for a store that is taken only verified.
 *
 * Locks: those of the functions that are called; the caller holds the row of the inbox.
 *
 * Rights: the statements run with those of the tables' owner, which lets them pass where a
 * server key alone is refused (core/signed_only.h).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "billing/environment.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/signed_only.h"
#include "identity/anchor.h"
#include "notifications/apply.h"
#include "notifications/fields.h"
#include "notifications/review.h"
#include "notifications/session.h"
#include "notifications/whose.h"

const char *const notice_outcome_names[OUTCOMES] = {"applied", "noted", "waiting", "refused"};

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
 * Moves what RevenueCat told of person $1 to person $2: lines by the events that came from
 * RevenueCat, one-time purchases by receipts whose payload names RevenueCat, or else by the
 * stored body of a notification, if it was not purged. What was bought after the transfer ($3)
 * stays.
 */
static KeptPlan transfer_lines = {
	.sql = "SELECT pg_catalog.json_build_object('moved', (SELECT count(*) FROM"
		   " (SELECT DISTINCT e.store, e.original_transaction_id AS line"
		   "  FROM coursebase.subscription_events e JOIN coursebase.store_notifications n"
		   "  ON n.provider = 'revenuecat' AND n.environment = e.environment"
		   "  AND n.notification_id = e.store_event_id"
		   "  WHERE e.user_id = $1 AND e.original_transaction_id IS NOT NULL"
		   "  AND e.event_time <= $3) l"
		   " WHERE coursebase.transfer_line(l.store, l.line, $2)) + (SELECT count(*) FROM"
		   " (SELECT DISTINCT r.source, r.environment, r.purchase_id"
		   "  FROM coursebase.store_receipts r WHERE r.user_id = $1"
		   "  AND r.kind <> 'subscription' AND r.purchased_at <= $3"
		   "  AND (r.receipt -> 'payload' ->> 'provider' = 'revenuecat' OR EXISTS ("
		   "   SELECT FROM coursebase.store_notifications n WHERE n.provider = 'revenuecat'"
		   "   AND n.environment = r.environment AND n.user_id = $1 AND n.outcome = 'applied'"
		   "   AND n.body::pg_catalog.json #>> '{event,transaction_id}' = r.purchase_id))) p"
		   " WHERE coursebase.transfer_receipt(p.source, p.environment, p.purchase_id, $2))"
		   ")::pg_catalog.text",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TIMESTAMPTZOID},
};
/*
 * Moves one purchase, unless RevenueCat has told of it before: transfer_lines left it then,
 * because only the store had told of it. $1 store, $2 environment, $3 line, $4 transaction, $5
 * who gets it, $6 whether it is a line.
 */
static KeptPlan transfer_late = {
	.sql = "SELECT CASE WHEN $6 THEN coursebase.transfer_line($1, $3, $5)"
		   " ELSE coursebase.transfer_receipt($1, $2, $4, $5) END WHERE NOT EXISTS (SELECT"
		   " FROM coursebase.subscription_events e JOIN coursebase.store_notifications n"
		   " ON n.provider = 'revenuecat' AND n.environment = e.environment"
		   " AND n.notification_id = e.store_event_id"
		   " WHERE e.store = $1 AND e.environment = $2 AND e.original_transaction_id = $3)"
		   " AND NOT EXISTS (SELECT FROM coursebase.store_receipts r WHERE r.source = $1"
		   " AND r.environment = $2 AND r.purchase_id = $4"
		   " AND (r.receipt -> 'payload' ->> 'provider' = 'revenuecat' OR EXISTS ("
		   "  SELECT FROM coursebase.store_notifications n WHERE n.provider = 'revenuecat'"
		   "  AND n.environment = $2 AND n.user_id IN (r.user_id, $5) AND n.outcome = 'applied'"
		   "  AND n.body::pg_catalog.json #>> '{event,transaction_id}' = $4)))",
	.nargs = 6,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, BOOLOID},
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
/* Receipts of the app stores: pending, paid or canceled, as the notice says. */
static KeptPlan validate_receipt = {
	.sql = "SELECT coursebase.validate_purchase($1, $2::pg_catalog.json, $3)::pg_catalog.text",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
/* A session of Stripe's checkout, with the names by which refunds will find it. */
static KeptPlan complete_checkout = {
	.sql =
		"SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM coursebase.complete_purchase("
		"$1, $2::pg_catalog.uuid, $3, $4, $5, $6, $7, $8, $9, $10, $11) r",
	.nargs = 11,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TIMESTAMPTZOID, TEXTOID, INT8OID,
			  TEXTOID, TEXTOID, TEXTOID},
};
/* A part is known by the notification that tells of it; a whole refund needs no name. */
static KeptPlan refund_receipt = {
	.sql = "SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM "
		   "coursebase.refund_store_purchase("
		   "$1, $2, $3, $4, $5, NULL, CASE WHEN $5 IS NOT NULL THEN $6 END) r",
	.nargs = 6,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT4OID, TEXTOID},
};
/* All refunds of the receipt: a store reverses without saying which. */
static KeptPlan reverse_refund = {
	.sql = "SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM "
		   "coursebase.reverse_store_refund($1, $2, $3, $4) r",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
/*
 * By any of the three names of a payment: a refund or a dispute may come with only one of them.
 */
static KeptPlan find_sale = {
	.sql = "SELECT s.id, s.user_id FROM coursebase.purchases s WHERE s.payment_intent_id = $1"
		   " OR s.charge_id = $2 OR s.invoice_id = $3 LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
/* The payment of a line, by the names that its invoice brought: $1 payment intent, $2 charge,
 * $3 invoice, $4 environment. */
static KeptPlan find_payment = {
	.sql = "SELECT e.original_transaction_id, e.transaction_id"
		   " FROM coursebase.subscription_events e"
		   " WHERE e.store = 'stripe' AND e.environment = $4 AND (e.transaction_id = $3"
		   "  OR e.payload ->> 'payment_intent_id' = $1 OR e.payload ->> 'charge_id' = $2)"
		   " AND e.original_transaction_id IS NOT NULL AND e.transaction_id IS NOT NULL"
		   " ORDER BY e.transaction_id = $3 DESC NULLS LAST LIMIT 1",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};
/* A sale whose checkout made an invoice learns what paid it. */
static KeptPlan name_sale = {
	.sql = "UPDATE coursebase.purchases s SET"
		   " payment_intent_id = coalesce(s.payment_intent_id, $1),"
		   " charge_id = coalesce(s.charge_id, $2) WHERE s.invoice_id = $3",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
/* One refund, or the sum of a charge: sales tells them apart. */
static KeptPlan refund_sale = {
	.sql = "SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM coursebase.refund_payment("
		   "$1, $2, $3, $4, $5, $6, $7) r",
	.nargs = 7,
	.types = {TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, BOOLOID, TIMESTAMPTZOID},
};
/* By the refund's own id, and with its sum, for it may come before the refund. */
static KeptPlan reverse_sale = {
	.sql = "SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM coursebase.reverse_refund("
		   "$1, $2, $3, $4) r",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, INT8OID, TIMESTAMPTZOID},
};
/* The session's metadata names a row of products; as text, for it may be no uuid at all. */
static KeptPlan find_product = {
	.sql = "SELECT FROM coursebase.products p"
		   " WHERE p.id::pg_catalog.text = pg_catalog.lower($1 COLLATE pg_catalog.\"C\")",
	.nargs = 1,
	.types = {TEXTOID},
};

/* What a refund, a dispute or its reversal is of. */
typedef enum PaymentOf
{
	PAYMENT_UNKNOWN,
	PAYMENT_OF_SALE,
	PAYMENT_OF_LINE,
} PaymentOf;

static const char *const refund_kinds[] = {"refund", "total", "dispute"};

SessionListener session_listener;
ReturnListener return_listener;

static void subscription_apply(const NoticeCall *call, NoticeEffect *effect);
static void line_of_receipt(const NoticeCall *call, StoreNotice *notice);
static char *event_json(const NoticeCall *call, const char *store);
static void payment_append(StringInfo json, const StoreNotice *notice);
static void purchase_apply(const NoticeCall *call, NoticeEffect *effect);
static char *receipt_json(const NoticeCall *call, const char *store);
static void checkout_apply(const NoticeCall *call, NoticeEffect *effect);
static void intent_apply(const NoticeCall *call, NoticeEffect *effect);
static bool session_apply(const NoticeCall *call, NoticeEffect *effect);
static bool return_apply(const NoticeCall *call, NoticeEffect *effect);
static void payment_bind(PlanValues *values, const StoreNotice *notice);
static PaymentOf payment_find(const NoticeCall *call, StoreNotice *notice, pg_uuid_t *purchase,
							  NoticeEffect *effect);
static void payment_refund_apply(const NoticeCall *call, NoticeEffect *effect);
static void sale_refund_apply(const NoticeCall *call, NoticeEffect *effect);
static void sale_reversal_apply(const NoticeCall *call, const pg_uuid_t *purchase,
								NoticeEffect *effect);
static void payment_apply(const NoticeCall *call, NoticeEffect *effect);
static JsonSlice quoted(const char *text);
static void refund_apply(const NoticeCall *call, NoticeEffect *effect);
static void reversal_apply(const NoticeCall *call, NoticeEffect *effect);
static void transfer_apply(const NoticeCall *call, NoticeEffect *effect);
static void late_transfer_apply(const NoticeCall *call, NoticeEffect *effect);
static void review_apply(const NoticeCall *call, NoticeEffect *effect);
static bool person_require(const NoticeCall *call, NoticeEffect *effect);
static void wait(NoticeEffect *effect, const char *detail);
static void refuse(NoticeEffect *effect, const char *detail);
static void note(NoticeEffect *effect, const char *detail);
static void applied(NoticeEffect *effect);
static void member_text(StringInfo json, const char *name, const char *value);
static void member_raw(StringInfo json, const char *name, JsonSlice raw);
static void member_time(StringInfo json, const char *name, int64_t time);
static const char *environment_of(const NoticeCall *call);

/* Sends the notice to what does it. */
void
notice_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;

	memset(effect, 0, sizeof(*effect));
	/*
	 * without the document nothing is looked up: it may name another person and mean something
	 * else than the notification alone
	 */
	if (notice->needs != NULL)
	{
		effect->needs = notice->needs;
		wait(effect, psprintf("details are needed: fetch %s", notice->needs));
		return;
	}
	/* RevenueCat speaks for stores, and what was stored before the setting named the provider
	 * is replayed: neither may pass for verified */
	if (!call->verified &&
		(signed_only(notice_provider_names[call->provider]) || signed_only(whose_store(call))))
	{
		refuse(effect, "KB822: the setting require_signature names its store, and nothing "
					   "proved it");
		return;
	}
	switch (notice->subject)
	{
		case NOTICE_SUBSCRIPTION:
			subscription_apply(call, effect);
			break;
		case NOTICE_PURCHASE:
			purchase_apply(call, effect);
			break;
		case NOTICE_CHECKOUT:
			checkout_apply(call, effect);
			break;
		case NOTICE_PAYMENT:
			payment_apply(call, effect);
			break;
		/* what Stripe sells is a sale; the app stores' things are receipts */
		case NOTICE_REFUND:
			if (call->provider == PROVIDER_STRIPE)
				payment_refund_apply(call, effect);
			else
				refund_apply(call, effect);
			break;
		case NOTICE_REVERSAL:
			if (call->provider == PROVIDER_STRIPE)
				payment_refund_apply(call, effect);
			else
				reversal_apply(call, effect);
			break;
		case NOTICE_REVIEW:
			review_apply(call, effect);
			break;
		case NOTICE_TRANSFER:
			transfer_apply(call, effect);
			break;
		default:
			note(effect, "it means nothing to this database");
	}
}

/* The event's id is the notification's, so that a notification applied twice is an event that
 * came twice. */
static void
subscription_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const char *store = whose_store(call);
	StoreNotice notice = *call->notice;
	NoticeCall of_line = *call;
	PlanValues values = {0};

	of_line.notice = &notice;
	if (store == NULL)
	{
		note(effect, "its store is none that subscriptions come from here");
		return;
	}
	if (!person_require(call, effect))
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
	/* under the lock: a receipt may have begun the line meanwhile */
	if (call->provider == PROVIDER_GOOGLE_PLAY)
	{
		anchor_kept_user_require(&effect->user);
		line_of_receipt(call, &notice);
	}
	plan_bind_uuid(&values, &effect->user);
	plan_bind_text(&values, event_json(&of_line, store));
	plan_bind_time(&values, call->at);
	owner_execute(&apply_event, values.datums, values.nulls, false);
	applied(effect);
}

/*
 * Google Play names a subscription by its token, and a receipt that named no line by its order:
 * whichever came first names the line (store/receipt.c).
 */
static void
line_of_receipt(const NoticeCall *call, StoreNotice *notice)
{
	PlanValues values = {0};

	plan_bind_text(&values, environment_of(call));
	plan_bind_text(&values, notice_text(notice->token));
	if (owner_execute(&find_line_of_receipt, values.datums, values.nulls, false) > 0)
		notice->original_transaction = quoted(plan_text_required(0, 1));
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
	member_text(&json, "environment", environment_of(call));
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
	member_text(json, "refund_kind", refund_kinds[notice->refund_kind]);
	appendStringInfo(json, ", \"refunded_in_cents\": " INT64_FORMAT, notice->amount);
}

/* The receipt says whether it is paid. */
static void
purchase_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	const char *store = whose_store(call);
	PlanValues values = {0};

	/*
	 * a canceled purchase of nobody is kept as a refund before its receipt: whoever brings the
	 * receipt gets nothing
	 */
	if (notice->state == PURCHASE_STATE_CANCELED &&
		whose_find(call, &effect->user) != WHOSE_FOUND)
	{
		refund_apply(call, effect);
		return;
	}
	/* money came: it is seen among the refused ones, where a note would be forgotten */
	if (store == NULL)
	{
		refuse(effect, "KB824: its store is none that purchases come from here");
		return;
	}
	if (notice->state == PURCHASE_STATE_PAID && notice->purchased_at == NOTICE_NO_TIME)
	{
		refuse(effect, "KB824: it does not say when it was purchased");
		return;
	}
	if (!person_require(call, effect))
		return;
	late_transfer_apply(call, effect);
	plan_bind_uuid(&values, &effect->user);
	plan_bind_text(&values, receipt_json(call, store));
	plan_bind_time(&values, call->at);
	owner_execute(&validate_receipt, values.datums, values.nulls, false);
	applied(effect);
}

/* The receipt as validate_purchase() takes it. Where a store gives no token, the transaction
 * stands for it. */
static char *
receipt_json(const NoticeCall *call, const char *store)
{
	static const char *const states[] = {"paid", "pending", "canceled"};
	const StoreNotice *notice = call->notice;
	bool priced = notice->amount != NOTICE_NO_AMOUNT && notice->currency.size > 0;
	StringInfoData json;

	initStringInfo(&json);
	member_text(&json, "source", store);
	member_text(&json, "environment", environment_of(call));
	member_raw(&json, "product_id", notice->product);
	member_raw(&json, "purchase_id", notice->transaction);
	member_raw(&json, "purchase_token",
			   notice->token.size > 0 ? notice->token : notice->transaction);
	/* what is not paid has no time of a purchase: that of the notification stands for it */
	member_time(&json, "transaction_date",
				notice->purchased_at != NOTICE_NO_TIME ? notice->purchased_at : notice->time);
	member_text(&json, "state", states[notice->state]);
	appendStringInfo(&json, ", \"quantity\": " INT64_FORMAT, notice->quantity);
	if (priced && notice->amount >= 0)
	{
		appendStringInfo(&json, ", \"%s\": " INT64_FORMAT,
						 notice->amount_scale == 1000      ? "price_in_milliunits"
						 : notice->amount_scale == 1000000 ? "price_in_micros"
														   : "price_in_cents",
						 notice->amount);
		member_raw(&json, "currency", notice->currency);
	}
	/* what RevenueCat told of goes with its transfers */
	if (call->provider == PROVIDER_REVENUECAT)
		appendStringInfo(&json, ", \"payload\": {\"provider\": \"%s\"}",
						 notice_provider_names[call->provider]);
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* A checkout in mode payment is a sale of the product that the session's metadata names. */
static void
checkout_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	char *product = notice_text(notice->product);
	PlanValues values = {0};

	if (notice->state != PURCHASE_STATE_PENDING && session_apply(call, effect))
		return;
	if (notice->order.size == 0)
	{
		intent_apply(call, effect);
		return;
	}
	if (notice->state == PURCHASE_STATE_CANCELED)
	{
		note(effect, "the session was not paid");
		return;
	}
	if (notice->state == PURCHASE_STATE_PENDING)
	{
		/* nobody can give what it would wait for: the outcome is an event of its own */
		note(effect, "the session is not paid yet: Stripe tells when it is");
		return;
	}
	plan_bind_text(&values, product);
	/* waits, for the product may be entered later, and the money came */
	if (product == NULL ||
		owner_execute(&find_product, values.datums, values.nulls, false) == 0)
	{
		wait(effect,
			 "product unknown: metadata.product_id of the session is no id of products");
		return;
	}
	if (!person_require(call, effect))
		return;
	/* purchases have no environment: what the test mode sells is a sale for testers alone */
	if (!environment_counts(environment_of(call), &effect->user))
	{
		note(effect, "what a sandbox sold gives nothing here");
		return;
	}
	values = (PlanValues){0};
	plan_bind_uuid(&values, &effect->user);
	plan_bind_text(&values, product);
	plan_bind_text(&values, notice_text(notice->order));
	plan_bind_int64(&values, notice->amount);
	/* a session without a price is paid too: Stripe tells no_payment_required as 0 */
	plan_bind_text(&values, "paid");
	plan_bind_time(&values, call->at);
	plan_bind_text(&values, notice_text(notice->currency));
	plan_bind_nullable(&values, Int64GetDatum(notice->tax), notice->tax == NOTICE_NO_AMOUNT);
	payment_bind(&values, notice);
	owner_execute(&complete_checkout, values.datums, values.nulls, false);
	applied(effect);
}

/* A payment intent that is no program's. That of a session or an invoice is told of by these
 * too; what nobody knows may be a program's whose reference is attached later. */
static void
intent_apply(const NoticeCall *call, NoticeEffect *effect)
{
	StoreNotice notice = *call->notice;
	pg_uuid_t purchase;

	if (notice.state == PURCHASE_STATE_CANCELED)
		note(effect, "the payment was not made");
	else if (payment_find(call, &notice, &purchase, effect) != PAYMENT_UNKNOWN)
		note(effect, "the sale or the invoice tells of its payment itself");
}

/* The session of a checkout of another slice; false where none knows it. */
static bool
session_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	PaidSession session = {
		.session = notice_text(notice->order),
		.payment_intent = notice_text(notice->payment),
		.charge = notice_text(notice->charge),
		.failed = notice->state == PURCHASE_STATE_CANCELED,
		.amount = notice->amount,
		.currency = notice_text(notice->currency),
		.environment = environment_of(call),
		.at = call->at,
	};

	if (session_listener == NULL || !session_listener(&session))
		return false;
	effect->user = session.user;
	effect->has_user = true;
	if (session.refusal != NULL)
		refuse(effect, session.refusal);
	else if (session.answer == NULL)
		note(effect, "what a sandbox sold gives nothing here");
	else
	{
		effect->outcome = OUTCOME_APPLIED;
		effect->result = session.answer;
	}
	return true;
}

/* A refund, its reversal or a question about one, of a payment of another slice; false where
 * none knows it. */
static bool
return_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	PaymentReturn given_back = {
		.payment_intent = notice_text(notice->payment),
		.charge = notice_text(notice->charge),
		.ref = notice_text(notice->refund),
		.kind = refund_kinds[notice->refund_kind],
		.review = notice->subject == NOTICE_REVIEW,
		.reversed = notice->subject == NOTICE_REVERSAL,
		.amount = notice->amount,
		.environment = environment_of(call),
		.at = notice->time,
	};

	if (return_listener == NULL || !return_listener(&given_back))
		return false;
	memset(effect, 0, sizeof(*effect));
	effect->user = given_back.user;
	effect->has_user = true;
	effect->result = given_back.answer;
	if (given_back.refusal != NULL)
		refuse(effect, given_back.refusal);
	else if (given_back.note != NULL)
		note(effect, given_back.note);
	else
		effect->outcome = OUTCOME_APPLIED;
	return true;
}

/* The three names of a payment, in the order of refund_payment(). */
static void
payment_bind(PlanValues *values, const StoreNotice *notice)
{
	plan_bind_text(values, notice_text(notice->payment));
	plan_bind_text(values, notice_text(notice->charge));
	plan_bind_text(values, notice_text(notice->invoice));
}

/* Finds the payment among sales and lines, or waits for it; of a line the notice then names it
 * as the line's events do. */
static PaymentOf
payment_find(const NoticeCall *call, StoreNotice *notice, pg_uuid_t *purchase,
			 NoticeEffect *effect)
{
	PlanValues values = {0};

	payment_bind(&values, notice);
	if (owner_execute(&find_sale, values.datums, values.nulls, false) > 0)
	{
		*purchase = plan_uuid(0, 1);
		effect->user = plan_uuid(0, 2);
		effect->has_user = true;
		return PAYMENT_OF_SALE;
	}
	plan_bind_text(&values, environment_of(call));
	if (owner_execute(&find_payment, values.datums, values.nulls, false) == 0)
	{
		wait(effect, "it names no payment that is known here");
		return PAYMENT_UNKNOWN;
	}
	notice->original_transaction = quoted(plan_text_required(0, 1));
	notice->transaction = quoted(plan_text_required(0, 2));
	return PAYMENT_OF_LINE;
}

/* A refund, a dispute that is over, or the sum of a charge's refunds: of a sale, of a payment
 * of a subscription, whose fold knows how much of it was given back, or of another slice's. */
static void
payment_refund_apply(const NoticeCall *call, NoticeEffect *effect)
{
	StoreNotice notice = *call->notice;
	NoticeCall of_line = *call;
	pg_uuid_t purchase;

	switch (payment_find(call, &notice, &purchase, effect))
	{
		case PAYMENT_OF_SALE:
			if (notice.subject == NOTICE_REVERSAL)
				sale_reversal_apply(call, &purchase, effect);
			else
				sale_refund_apply(call, effect);
			break;
		case PAYMENT_OF_LINE:
			/* the event is the same notification, seen as one of the line */
			of_line.notice = &notice;
			/*
			 * the line says whose it is: a user_id of the caller must not move it by a refund
			 */
			of_line.user = NULL;
			subscription_apply(&of_line, effect);
			break;
		default:
			/* where nobody knows it, it goes on waiting */
			return_apply(call, effect);
	}
}

/*
 * The time of the refund is the notification's and not that of the call: a replay after weeks
 * refunds as of the day on which the money went back.
 */
static void
sale_refund_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	PlanValues values = {0};

	payment_bind(&values, notice);
	plan_bind_int64(&values, notice->amount);
	plan_bind_text(&values, notice_text(notice->refund));
	plan_bind_bool(&values, notice->refund_kind == NOTICE_REFUND_TOTAL);
	plan_bind_time(&values, notice->time);
	owner_execute(&refund_sale, values.datums, values.nulls, false);
	applied(effect);
}

/* A refund that failed, or a dispute that was won. */
static void
sale_reversal_apply(const NoticeCall *call, const pg_uuid_t *purchase, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	PlanValues values = {0};

	plan_bind_uuid(&values, purchase);
	plan_bind_text(&values, notice_text(notice->refund));
	plan_bind_int64(&values, notice->amount);
	plan_bind_time(&values, notice->time);
	owner_execute(&reverse_sale, values.datums, values.nulls, false);
	applied(effect);
}

/* The names of a payment: of a line they are an event that is noted, of a sale columns. */
static void
payment_apply(const NoticeCall *call, NoticeEffect *effect)
{
	StoreNotice notice = *call->notice;
	NoticeCall of_line = *call;
	PlanValues values = {0};
	pg_uuid_t purchase;

	switch (payment_find(call, &notice, &purchase, effect))
	{
		case PAYMENT_OF_SALE:
			payment_bind(&values, &notice);
			owner_execute(&name_sale, values.datums, values.nulls, false);
			note(effect, "the sale learned the names of its payment");
			break;
		case PAYMENT_OF_LINE:
			of_line.notice = &notice;
			of_line.user = NULL;
			subscription_apply(&of_line, effect);
			break;
		default:
			break;
	}
}

/*
 * A text as a raw JSON string, in the current context: the members of a notice are slices of
 * JSON, quotes included.
 */
static JsonSlice
quoted(const char *text)
{
	StringInfoData raw;

	initStringInfo(&raw);
	escape_json(&raw, text);
	return (JsonSlice){raw.data, raw.len};
}

/* The key of the receipt that the notification is about, as the first three values; false where
 * it names none, and then it waits. */
static bool
receipt_bind(PlanValues *values, const NoticeCall *call, NoticeEffect *effect)
{
	const char *store = whose_store(call);

	if (store == NULL || call->notice->transaction.size == 0)
	{
		wait(effect, "it names no purchase that is known here");
		return false;
	}
	plan_bind_text(values, store);
	plan_bind_text(values, environment_of(call));
	plan_bind_text(values, notice_text(call->notice->transaction));
	return true;
}

/* A refund finds its purchase by the store's id, whoever it belongs to; one that comes before
 * its receipt is recorded by refund_store_purchase(). */
static void
refund_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	PlanValues values = {0};

	if (!receipt_bind(&values, call, effect))
		return;
	plan_bind_time(&values,
				   notice->revoked_at != NOTICE_NO_TIME ? notice->revoked_at : notice->time);
	/*
	 * of a part the quantity that was voided, and the notification's id as its refund_ref, so
	 * that the part counts once
	 */
	plan_bind_nullable(&values, Int32GetDatum((int32) notice->refunded_quantity),
					   notice->refunded_quantity <= 0);
	plan_bind_text(&values, call->id);
	owner_execute(&refund_receipt, values.datums, values.nulls, false);
	applied(effect);
	effect->has_user = whose_find(call, &effect->user) == WHOSE_FOUND;
}

/* A store took its refund back. */
static void
reversal_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	PlanValues values = {0};

	if (!receipt_bind(&values, call, effect))
		return;
	plan_bind_time(&values, notice->time);
	owner_execute(&reverse_refund, values.datums, values.nulls, false);
	applied(effect);
	effect->has_user = whose_find(call, &effect->user) == WHOSE_FOUND;
}

/*
 * RevenueCat names both people; who had it may have closed the account, or never have been
 * here. Where later transfers are known already, the last one's receiver gets it.
 */
static void
transfer_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	pg_uuid_t people[NOTICE_ACCOUNTS];
	int count;

	if (whose_transferred(notice->accounts, notice->naccounts, notice->time, call->id,
						  &effect->user))
		effect->has_user = true;
	else if (!person_require(call, effect))
		return;
	count = whose_named(notice->transferred_from, notice->ntransferred, true, people);
	for (int i = 0; i < count; i++)
	{
		Datum values[] = {UUIDPGetDatum(&people[i]), UUIDPGetDatum(&effect->user),
						  TimestampTzGetDatum(notice->time)};

		/* RevenueCat lists aliases: some of the givers may be the receiver */
		if (uuid_equal(&people[i], &effect->user))
			continue;
		owner_execute(&transfer_lines, values, NULL, false);
		applied(effect);
	}
	if (effect->result == NULL)
		note(effect, "nobody who is known here gives anything over");
}

/*
 * A purchase that a store told of, and whose person has transferred everything since: the
 * transfer left it, because RevenueCat had not told of it. Its first word of it moves it, if
 * the purchase is still whose RevenueCat says that it was.
 */
static void
late_transfer_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	pg_uuid_t people[NOTICE_ACCOUNTS];
	PlanValues values = {0};
	bool was_theirs = false;
	pg_uuid_t receiver;
	int count;

	if (call->provider != PROVIDER_REVENUECAT ||
		!whose_transferred(notice->accounts, notice->naccounts, notice->time, "", &receiver) ||
		uuid_equal(&receiver, &effect->user))
		return;
	count = whose_named(notice->accounts, notice->naccounts, true, people);
	for (int i = 0; i < count; i++)
		was_theirs = was_theirs || uuid_equal(&people[i], &effect->user);
	if (!was_theirs)
		return;
	plan_bind_text(&values, whose_store(call));
	plan_bind_text(&values, environment_of(call));
	plan_bind_text(&values, notice_text(notice->original_transaction));
	plan_bind_text(&values, notice_text(notice->transaction));
	plan_bind_uuid(&values, &receiver);
	plan_bind_bool(&values, notice->subject == NOTICE_SUBSCRIPTION);
	if (owner_execute(&transfer_late, values.datums, values.nulls, false) > 0 &&
		plan_bool(0, 1))
		effect->user = receiver;
}

/* Nothing is decided here; refunds_to_review lists it until the store's patience ends. */
static void
review_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	JsonSlice purchase = notice->transaction.size > 0 ? notice->transaction
						 : notice->token.size > 0     ? notice->token
						 : notice->charge.size > 0    ? notice->charge
													  : notice->order;
	/*
	 * how long a store waits for an answer: Apple 12 hours, Google 24; Stripe names the time
	 * (answer_until)
	 */
	int64 hours = call->provider == PROVIDER_APP_STORE ? 12 : 24;
	StoreNotice of_line = *notice;
	NoticeCall seen = *call;
	pg_uuid_t sale;
	int64 until = notice->answer_until != NOTICE_NO_TIME
					  ? notice->answer_until
					  : notice->time + hours * USECS_PER_HOUR;
	StringInfoData json;

	seen.notice = &of_line;
	/* for the list alone: nobody need be known */
	if (call->provider == PROVIDER_STRIPE &&
		payment_find(call, &of_line, &sale, effect) == PAYMENT_UNKNOWN)
		return_apply(call, effect);
	if (!effect->has_user)
		effect->has_user = whose_find(&seen, &effect->user) == WHOSE_FOUND;
	initStringInfo(&json);
	member_text(&json, "review", "true");
	member_raw(&json, "purchase_id", purchase);
	/* by it the view finds how the question ended, which may have been told before */
	member_raw(&json, "review_ref", review_ref(call->provider, notice));
	/* the view casts it, so that it is no number */
	member_text(&json, "answer_until", time_utc_text(until));
	appendStringInfoChar(&json, '}');
	effect->result = json.data;
	note(effect, "the store asks about a refund; refunds_to_review lists it");
}

/*
 * Finds the person; false with the outcome set where there is none. Nobody and several people
 * wait, because a later call may change that: the person signs up, or is named. Another
 * person's purchase is refused.
 */
static bool
person_require(const NoticeCall *call, NoticeEffect *effect)
{
	switch (whose_find(call, &effect->user))
	{
		case WHOSE_FOUND:
			effect->has_user = true;
			return true;
		case WHOSE_NOBODY:
			wait(effect, "no such person yet: no name in it is that of an account, and user_id "
						 "names nobody");
			return false;
		case WHOSE_AMBIGUOUS:
			wait(effect, "ambiguous_person: its names are those of several accounts");
			return false;
		default:
			refuse(effect, "KB205: it is another person's than the one in user_id");
			return false;
	}
}

/* The notification waits; the text says for what. */
static void
wait(NoticeEffect *effect, const char *detail)
{
	effect->outcome = OUTCOME_WAITING;
	effect->detail = detail;
}

/* A rule refuses the notification; the text begins with the SQLSTATE. */
static void
refuse(NoticeEffect *effect, const char *detail)
{
	effect->outcome = OUTCOME_REFUSED;
	effect->detail = detail;
}

/* The notification has no effect here. */
static void
note(NoticeEffect *effect, const char *detail)
{
	effect->outcome = OUTCOME_NOTED;
	effect->detail = detail;
}

/* The answer of the last statement becomes the result. */
static void
applied(NoticeEffect *effect)
{
	effect->outcome = OUTCOME_APPLIED;
	effect->result = plan_text_required(0, 1);
}

/*
 * The text of a raw JSON string or number, in the current context, and without the escapes;
 * NULL for an absent member.
 */
char *
notice_text(JsonSlice raw)
{
	size_t size;

	if (raw.size == 0)
		return NULL;
	if (raw.bytes[0] != '"')
		return pnstrdup(raw.bytes, raw.size);
	return json_string_text(raw, &size);
}

/* Appends a member, and the opening brace before the first one. */
static void
member_text(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, "%s\"%s\": ", json->len == 0 ? "{" : ", ", name);
	escape_json(json, value);
}

/* Appends a member unless the notice does not have it. */
static void
member_raw(StringInfo json, const char *name, JsonSlice raw)
{
	char *text = notice_text(raw);

	if (text != NULL)
		member_text(json, name, text);
}

/*
 * In the form that receipts and events take: milliseconds since 1970. FIELD_FOR_EVER becomes
 * the last second that they know.
 */
static void
member_time(StringInfo json, const char *name, int64_t time)
{
	if (time == NOTICE_NO_TIME)
		return;
	member_text(json, name,
				time == FIELD_FOR_EVER
					? "9999-12-31T23:59:59Z"
					: psprintf(INT64_FORMAT, (time / 1000) + ((int64) POSTGRES_EPOCH_JDATE -
															  UNIX_EPOCH_JDATE) *
																 SECS_PER_DAY * 1000));
}

/* The environment as columns and events name it. */
static const char *
environment_of(const NoticeCall *call)
{
	return notice_environment_names[call->notice->environment];
}
