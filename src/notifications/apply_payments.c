/*
 * apply_payments.c: what Stripe tells of payments: a checkout is a sale, and a refund or a
 * dispute is of a sale, of a payment of a line, or of what another slice sold.
 *
 * A payment is found by any of its three names (payment intent, charge, invoice), for a
 * notification may come with only one of them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "billing/environment.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "notifications/apply_payments.h"
#include "notifications/apply_subscriptions.h"
#include "notifications/members.h"
#include "notifications/session.h"
#include "notifications/whose.h"

/* A session of Stripe's checkout, with the names by which refunds will find it. */
static KeptPlan complete_checkout = {
	.sql =
		"SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM coursebase.complete_purchase("
		"$1, $2::pg_catalog.uuid, $3, $4, $5, $6, $7, $8, $9, $10, $11) r",
	.nargs = 11,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TIMESTAMPTZOID, TEXTOID, INT8OID,
			  TEXTOID, TEXTOID, TEXTOID},
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

SessionListener session_listener;
ReturnListener return_listener;

static bool session_apply(const NoticeCall *call, NoticeEffect *effect);
static void intent_apply(const NoticeCall *call, NoticeEffect *effect);
static void sale_refund_apply(const NoticeCall *call, NoticeEffect *effect);
static void sale_reversal_apply(const NoticeCall *call, const pg_uuid_t *purchase,
								NoticeEffect *effect);
static bool return_apply(const NoticeCall *call, NoticeEffect *effect);
static PaymentOf payment_find(const NoticeCall *call, StoreNotice *notice, pg_uuid_t *purchase,
							  NoticeEffect *effect);
static void payment_bind(PlanValues *values, const StoreNotice *notice);

/* A checkout in mode payment is a sale of the product that the session's metadata names. */
void
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
		effect_note(effect, "the session was not paid");
		return;
	}
	if (notice->state == PURCHASE_STATE_PENDING)
	{
		/* nobody can give what it would wait for: the outcome is an event of its own */
		effect_note(effect, "the session is not paid yet: Stripe tells when it is");
		return;
	}
	plan_bind_text(&values, product);
	/* waits, for the product may be entered later, and the money came */
	if (product == NULL ||
		owner_execute(&find_product, values.datums, values.nulls, false) == 0)
	{
		effect_wait(effect,
					"product unknown: metadata.product_id of the session is no id of products");
		return;
	}
	if (!whose_require(call, effect))
		return;
	/* purchases have no environment: what the test mode sells is a sale for testers alone */
	if (!environment_counts(call_environment(call), &effect->user))
	{
		effect_note(effect, "what a sandbox sold gives nothing here");
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
	effect_applied(effect);
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
		.environment = call_environment(call),
		.at = call->at,
	};

	if (session_listener == NULL || !session_listener(&session))
		return false;
	effect->user = session.user;
	effect->has_user = true;
	if (session.refusal != NULL)
		effect_refuse(effect, session.refusal);
	else if (session.answer == NULL)
		effect_note(effect, "what a sandbox sold gives nothing here");
	else
	{
		effect->outcome = OUTCOME_APPLIED;
		effect->result = session.answer;
	}
	return true;
}

/* A payment intent that is no program's. That of a session or an invoice is told of by these
 * too; what nobody knows may be a program's whose reference is attached later. */
static void
intent_apply(const NoticeCall *call, NoticeEffect *effect)
{
	StoreNotice notice = *call->notice;
	pg_uuid_t purchase;

	if (notice.state == PURCHASE_STATE_CANCELED)
		effect_note(effect, "the payment was not made");
	else if (payment_find(call, &notice, &purchase, effect) != PAYMENT_UNKNOWN)
		effect_note(effect, "the sale or the invoice tells of its payment itself");
}

/* A refund, a dispute that is over, or the sum of a charge's refunds: of a sale, of a payment
 * of a subscription, whose fold knows how much of it was given back, or of another slice's. */
void
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
	effect_applied(effect);
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
	effect_applied(effect);
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
		.kind = notice_refund_names[notice->refund_kind],
		.review = notice->subject == NOTICE_REVIEW,
		.reversed = notice->subject == NOTICE_REVERSAL,
		.amount = notice->amount,
		.environment = call_environment(call),
		.at = notice->time,
	};

	if (return_listener == NULL || !return_listener(&given_back))
		return false;
	memset(effect, 0, sizeof(*effect));
	effect->user = given_back.user;
	effect->has_user = true;
	effect->result = given_back.answer;
	if (given_back.refusal != NULL)
		effect_refuse(effect, given_back.refusal);
	else if (given_back.note != NULL)
		effect_note(effect, given_back.note);
	else
		effect->outcome = OUTCOME_APPLIED;
	return true;
}

/* The names of a payment: of a line they are an event that is noted, of a sale columns. */
void
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
			effect_note(effect, "the sale learned the names of its payment");
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

/* What another slice knows it tells by its listener. */
void
payment_of_review(const NoticeCall *call, StoreNotice *notice, NoticeEffect *effect)
{
	pg_uuid_t sale;

	if (payment_find(call, notice, &sale, effect) == PAYMENT_UNKNOWN)
		return_apply(call, effect);
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
	plan_bind_text(&values, call_environment(call));
	if (owner_execute(&find_payment, values.datums, values.nulls, false) == 0)
	{
		whose_sold_require_here(call);
		effect_wait(effect, "it names no payment that is known here");
		return PAYMENT_UNKNOWN;
	}
	notice->original_transaction = raw_string(plan_text_required(0, 1));
	notice->transaction = raw_string(plan_text_required(0, 2));
	return PAYMENT_OF_LINE;
}

/* The three names of a payment, in the order of refund_payment(). */
static void
payment_bind(PlanValues *values, const StoreNotice *notice)
{
	plan_bind_text(values, notice_text(notice->payment));
	plan_bind_text(values, notice_text(notice->charge));
	plan_bind_text(values, notice_text(notice->invoice));
}
