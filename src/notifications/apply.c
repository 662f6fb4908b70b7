/*
 * apply.c: a notice does what it means, by the functions that do it for everybody else.
 *
 * Nothing here decides what a type does to a subscription: its name goes to the fold as
 * subscription_event_mappings has it. What is bought in a store goes the way of
 * validate_purchase(), a checkout that of complete_purchase().
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/setting.h"
#include "json/json_load.h"
#include "notifications/apply.h"
#include "notifications/fields.h"
#include "notifications/whose.h"

const char *const notice_outcome_names[] = {"applied", "noted", "waiting", "refused"};

static KeptPlan apply_event = {
	.sql = "SELECT pg_catalog.json_build_object('status', r.status, 'expires_at', r.expires_at,"
		   " 'applied', r.applied, 'anomaly', r.anomaly)::pg_catalog.text"
		   " FROM coursebase.apply_subscription_event($1, $2::pg_catalog.json, $3) r",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan validate_receipt = {
	.sql = "SELECT coursebase.validate_purchase($1, $2::pg_catalog.json, $3)::pg_catalog.text",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan complete_checkout = {
	.sql =
		"SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM coursebase.complete_purchase("
		"$1, $2::pg_catalog.uuid, $3, $4, $5, $6) r",
	.nargs = 6,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan refund_receipt = {
	.sql = "SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM "
		   "coursebase.refund_store_purchase("
		   "$1, $2, $3, $4) r",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan find_product = {
	.sql =
		"SELECT FROM coursebase.products p WHERE p.id::pg_catalog.text = pg_catalog.lower($1)",
	.nargs = 1,
	.types = {TEXTOID},
};

static void subscription_apply(const NoticeCall *call, NoticeEffect *effect);
static char *event_json(const NoticeCall *call, const char *store);
static void purchase_apply(const NoticeCall *call, NoticeEffect *effect);
static char *receipt_json(const NoticeCall *call);
static void checkout_apply(const NoticeCall *call, NoticeEffect *effect);
static void refund_apply(const NoticeCall *call, NoticeEffect *effect);
static void review_apply(const NoticeCall *call, NoticeEffect *effect);
static bool person_require(const NoticeCall *call, NoticeEffect *effect);
static void wait(NoticeEffect *effect, const char *detail);
static void refuse(NoticeEffect *effect, const char *detail);
static void note(NoticeEffect *effect, const char *detail);
static void applied(NoticeEffect *effect, bool null_is_answer);
static void member_text(StringInfo json, const char *name, const char *value);
static void member_raw(StringInfo json, const char *name, JsonSlice raw);
static void member_time(StringInfo json, const char *name, int64_t time);
static const char *environment_of(const NoticeCall *call);

/* Sends the notice to what does it. A notification that needs a document waits before anything
 * is looked up. */
void
notice_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;

	memset(effect, 0, sizeof(*effect));
	if (notice->needs != NULL)
	{
		effect->needs = notice->needs;
		wait(effect, psprintf("details are needed: fetch %s", notice->needs));
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
		case NOTICE_REFUND:
			refund_apply(call, effect);
			break;
		case NOTICE_REVIEW:
			review_apply(call, effect);
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
	PlanValues values = {0};

	if (store == NULL)
	{
		note(effect, "its store is none that subscriptions come from here");
		return;
	}
	if (!person_require(call, effect))
		return;
	plan_bind_uuid(&values, &effect->user);
	plan_bind_text(&values, event_json(call, store));
	plan_bind(&values, TimestampTzGetDatum(call->at));
	owner_execute(&apply_event, values.datums, values.nulls, false);
	applied(effect, false);
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
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* A purchase that is pending gives nothing; one that was canceled before it was paid never gave
 * anything. */
static void
purchase_apply(const NoticeCall *call, NoticeEffect *effect)
{
	PlanValues values = {0};

	if (call->notice->state == PURCHASE_STATE_PENDING)
	{
		wait(effect, "the purchase is pending: the store tells when it is paid");
		return;
	}
	if (call->notice->state == PURCHASE_STATE_CANCELED)
	{
		refund_apply(call, effect);
		return;
	}
	if (call->notice->purchased_at == NOTICE_NO_TIME)
	{
		refuse(effect, "KB824: it does not say when it was purchased");
		return;
	}
	if (!person_require(call, effect))
		return;
	plan_bind_uuid(&values, &effect->user);
	plan_bind_text(&values, receipt_json(call));
	plan_bind(&values, TimestampTzGetDatum(call->at));
	owner_execute(&validate_receipt, values.datums, values.nulls, false);
	applied(effect, false);
}

/* The receipt as validate_purchase() takes it. Where a store gives no token, the transaction
 * stands for it. */
static char *
receipt_json(const NoticeCall *call)
{
	const StoreNotice *notice = call->notice;
	StringInfoData json;

	initStringInfo(&json);
	member_text(&json, "source", whose_store(call));
	member_text(&json, "environment", environment_of(call));
	member_raw(&json, "product_id", notice->product);
	member_raw(&json, "purchase_id", notice->transaction);
	member_raw(&json, "purchase_token",
			   notice->token.size > 0 ? notice->token : notice->transaction);
	member_time(&json, "transaction_date", notice->purchased_at);
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

	if (notice->state == PURCHASE_STATE_CANCELED)
	{
		note(effect, "the session was not paid");
		return;
	}
	if (notice->state == PURCHASE_STATE_PENDING)
	{
		wait(effect, "the session is not paid yet: Stripe tells when it is");
		return;
	}
	plan_bind_text(&values, product);
	if (product == NULL ||
		owner_execute(&find_product, values.datums, values.nulls, false) == 0)
	{
		wait(effect,
			 "product unknown: metadata.product_id of the session is no id of products");
		return;
	}
	if (!person_require(call, effect))
		return;
	values = (PlanValues){0};
	plan_bind_uuid(&values, &effect->user);
	plan_bind_text(&values, product);
	plan_bind_text(&values, notice_text(notice->order));
	plan_bind_int64(&values, notice->amount);
	plan_bind_text(&values, "paid");
	plan_bind(&values, TimestampTzGetDatum(call->at));
	owner_execute(&complete_checkout, values.datums, values.nulls, false);
	applied(effect, false);
}

/* A refund finds its purchase by the store's id, whoever it belongs to; one that comes before
 * its receipt is recorded by refund_store_purchase(). */
static void
refund_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	const char *store = whose_store(call);
	PlanValues values = {0};

	if (store == NULL || notice->transaction.size == 0)
	{
		wait(effect, "it names no purchase that is known here");
		return;
	}
	plan_bind_text(&values, store);
	plan_bind_text(&values, environment_of(call));
	plan_bind_text(&values, notice_text(notice->transaction));
	plan_bind(&values,
			  TimestampTzGetDatum(notice->revoked_at != NOTICE_NO_TIME ? notice->revoked_at
																	   : notice->time));
	owner_execute(&refund_receipt, values.datums, values.nulls, false);
	effect->has_user = whose_find(call, &effect->user) == WHOSE_FOUND;
	applied(effect, false);
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
	int64 hours = call->provider == PROVIDER_APP_STORE ? 12 : 24;
	int64 until = notice->answer_until != NOTICE_NO_TIME
					  ? notice->answer_until
					  : notice->time + hours * USECS_PER_HOUR;
	StringInfoData json;

	effect->has_user = whose_find(call, &effect->user) == WHOSE_FOUND;
	initStringInfo(&json);
	member_text(&json, "review", "true");
	member_raw(&json, "purchase_id", purchase);
	member_time(&json, "answer_until", until);
	appendStringInfoChar(&json, '}');
	effect->result = json.data;
	note(effect, "the store asks about a refund; refunds_to_review lists it");
}

/* Finds the person, or says what is waited for. */
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
applied(NoticeEffect *effect, bool null_is_answer)
{
	effect->outcome = OUTCOME_APPLIED;
	effect->result = null_is_answer ? plan_text(0, 1) : plan_text_required(0, 1);
}

/* Numbers stand without quotes. */
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

static void
member_time(StringInfo json, const char *name, int64_t time)
{
	if (time == NOTICE_NO_TIME)
		return;
	/* in milliseconds, as receipts and events take times; an end that never comes is the last
	 * of them */
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
	return call->notice->environment == NOTICE_SANDBOX ? "sandbox" : "production";
}
