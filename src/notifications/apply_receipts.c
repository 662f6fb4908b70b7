/*
 * apply_receipts.c: what an app store sold once, and what it gave back of it, by the functions
 * that take receipts from phones.
 *
 * A receipt is known by store, environment and transaction, whoever it belongs to; a refund may
 * come before it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"

#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "notifications/apply_receipts.h"
#include "notifications/apply_transfers.h"
#include "notifications/members.h"
#include "notifications/whose.h"

/* Receipts of the app stores: pending, paid or canceled, as the notice says. */
static KeptPlan validate_receipt = {
	.sql = "SELECT coursebase.validate_purchase($1, $2::pg_catalog.json, $3)::pg_catalog.text",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
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

static char *receipt_json(const NoticeCall *call, const char *store);
static bool receipt_bind(PlanValues *values, const NoticeCall *call, NoticeEffect *effect);

/* The receipt says whether it is paid. */
void
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
		effect_refuse(effect, "KB824: its store is none that purchases come from here");
		return;
	}
	if (notice->state == PURCHASE_STATE_PAID && notice->purchased_at == NOTICE_NO_TIME)
	{
		effect_refuse(effect, "KB824: it does not say when it was purchased");
		return;
	}
	if (!whose_require(call, effect))
		return;
	late_transfer_apply(call, effect);
	plan_bind_uuid(&values, &effect->user);
	plan_bind_text(&values, receipt_json(call, store));
	plan_bind_time(&values, call->at);
	owner_execute(&validate_receipt, values.datums, values.nulls, false);
	effect_applied(effect);
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
	member_text(&json, "environment", call_environment(call));
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

/* A refund finds its purchase by the store's id, whoever it belongs to; one that comes before
 * its receipt is recorded by refund_store_purchase(). */
void
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
	effect_applied(effect);
	effect->has_user = whose_find(call, &effect->user) == WHOSE_FOUND;
}

/* A store took its refund back. */
void
reversal_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	PlanValues values = {0};

	if (!receipt_bind(&values, call, effect))
		return;
	plan_bind_time(&values, notice->time);
	owner_execute(&reverse_refund, values.datums, values.nulls, false);
	effect_applied(effect);
	effect->has_user = whose_find(call, &effect->user) == WHOSE_FOUND;
}

/* The key of the receipt that the notification is about, as the first three values; false where
 * it names none, and then it waits. */
static bool
receipt_bind(PlanValues *values, const NoticeCall *call, NoticeEffect *effect)
{
	const char *store = whose_store(call);

	if (store == NULL || call->notice->transaction.size == 0)
	{
		effect_wait(effect, "it names no purchase that is known here");
		return false;
	}
	whose_sold_require_here(call);
	plan_bind_text(values, store);
	plan_bind_text(values, call_environment(call));
	plan_bind_text(values, notice_text(call->notice->transaction));
	return true;
}
