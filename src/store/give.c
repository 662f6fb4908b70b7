/*
 * give.c: what each kind of purchase gives, and how the answer shows it.
 *
 * What other features own is done by their functions, as any server would call them: discounts,
 * the machine of subscriptions (which pays referrals), packs of credits, custom courses.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "billing/notice.h"
#include "core/plan.h"
#include "json/json_write.h"
#include "store/receipt.h"

static KeptPlan redeem_discount = {
	.sql = "SELECT d.final_in_cents FROM coursebase.redeem_discount($1, $2, $3, $4, $5, $6, "
		   "$7, $8) d",
	.nargs = 8,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan reverse_discount = {
	.sql = "SELECT coursebase.reverse_discount($1, $2, $3)",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan show_course = {
	.sql = "SELECT json_build_object('course_id', c.id, 'course_code', c.course_code, "
		   "'title', c.title, 'voice', $2)::text FROM coursebase.courses c WHERE c.id = $1",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
/* A refund of the payment $4, or one that names no payment: then it is the line's. */
static KeptPlan find_revocation = {
	.sql = "SELECT FROM coursebase.subscription_events r WHERE r.user_id = $1 AND r.store = $2 "
		   "AND r.environment = $3 AND r.event_type = 'revoked' "
		   "AND (r.transaction_id = $4 OR r.transaction_id IS NULL)",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan grant_pack = {
	.sql = "SELECT p.credit_purchase_id FROM coursebase.grant_credit_pack($1, $2, $3, $4, $5, "
		   "$6, $7, $8, $9, $10) p",
	.nargs = 10,
	.types = {UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID,
			  TIMESTAMPTZOID},
};
static KeptPlan acknowledge_pack = {
	.sql = "UPDATE coursebase.ai_credit_purchases p SET acknowledged_at = $2 "
		   "WHERE p.id = $1 AND p.acknowledged_at IS NULL",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan show_usage = {
	.sql = "SELECT m.member FROM coursebase.ai_usage_member($1, $2) m",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan create_course = {
	.sql = "SELECT c.custom_course_id FROM coursebase.create_custom_course($1, $2, $3, $4, $5, "
		   "$6, 'Custom course', '', $7) c",
	.nargs = 7,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan acknowledge_link = {
	.sql = "UPDATE coursebase.custom_course_purchases p SET acknowledged_at = $2 "
		   "WHERE p.course_id = $1 AND p.acknowledged_at IS NULL",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/* The link's end is 24 hours from its issue, daylight saving or not. */
static KeptPlan show_link = {
	.sql = "SELECT c.id::text, c.course_code, c.title, p.link_token::text, "
		   "p.link_issued_at + interval '24 hours', p.is_submitted "
		   "FROM coursebase.custom_course_purchases p "
		   "JOIN coursebase.custom_courses c ON c.id = p.course_id "
		   "WHERE p.source = $1 AND p.environment = $2 AND p.purchase_id = $3",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

static void discount_redeem(Purchase *purchase);
static void discount_reverse(const Purchase *purchase);
static void course_grant(Purchase *purchase);
static void subscription_grant(Purchase *purchase);
static void notice_make(SubscriptionNotice *notice, const PurchaseReceipt *receipt,
						const char *product_id);
static bool is_revoked(const Purchase *purchase, const SubscriptionAnswer *answer);
static void credits_grant(Purchase *purchase);
static void custom_course_grant(Purchase *purchase);
static void text_append(StringInfo out, const char *name, const char *value);
static void flag_append(StringInfo out, const char *name, int flag);
static void name_append(StringInfo out, const char *name);

void
purchase_grant(Purchase *purchase)
{
	purchase->status = PURCHASE_VALID;
	if (purchase->receipt.discount_code != NULL)
		discount_redeem(purchase);
	switch (purchase->product.kind)
	{
		case PURCHASE_COURSE:
			course_grant(purchase);
			break;
		case PURCHASE_SUBSCRIPTION:
			subscription_grant(purchase);
			break;
		case PURCHASE_AI_CREDITS:
			credits_grant(purchase);
			break;
		default:
			custom_course_grant(purchase);
	}
	if (purchase->receipt.acknowledged && purchase->status == PURCHASE_VALID)
		purchase->acknowledged_at = purchase->at;
	if (purchase->receipt.discount_code != NULL && purchase->status == PURCHASE_REFUNDED)
		discount_reverse(purchase);
}

/* A rule that refuses undoes the sale. What was paid is the discounted price, unless said. */
static void
discount_redeem(Purchase *purchase)
{
	PurchaseReceipt *receipt = &purchase->receipt;
	Datum values[] = {
		UUIDPGetDatum(&purchase->user),
		CStringGetTextDatum(receipt->discount_code),
		CStringGetTextDatum(purchase_kind_names[purchase->product.kind]),
		Int64GetDatum(receipt->discount_base),
		CStringGetTextDatum(receipt->discount_currency),
		CStringGetTextDatum(receipt->discount_order_ref),
		CStringGetTextDatum(purchase->product.product_id),
		TimestampTzGetDatum(purchase->at),
	};

	plan_execute(&redeem_discount, values, NULL, false);
	if (receipt->amount != PURCHASE_NO_AMOUNT)
		return;
	receipt->amount = DatumGetInt64(plan_value(0, 1, NULL));
	receipt->currency = receipt->discount_currency;
}

/* Its refund came before it, by another way. */
static void
discount_reverse(const Purchase *purchase)
{
	Datum values[] = {UUIDPGetDatum(&purchase->user),
					  CStringGetTextDatum(purchase->receipt.discount_order_ref),
					  TimestampTzGetDatum(purchase->at)};

	plan_execute(&reverse_discount, values, NULL, false);
}

static void
course_grant(Purchase *purchase)
{
	const char *voice = purchase->receipt.voice;
	Datum values[] = {UUIDPGetDatum(&purchase->product.course),
					  voice ? CStringGetTextDatum(voice) : (Datum) 0};

	purchase->status = purchase_course_record(purchase);
	plan_execute(&show_course, values, voice ? NULL : " n", false);
	purchase->detail = plan_text_required(0, 1);
}

/*
 * An event that was not applied, or whose line stays revoked by a refund of this payment: the
 * refund came before the receipt, so the receipt gives nothing and its status is refunded.
 */
static void
subscription_grant(Purchase *purchase)
{
	SubscriptionNotice notice;
	SubscriptionAnswer answer;
	StringInfoData out;

	notice_make(&notice, &purchase->receipt, purchase->product.product_id);
	subscription_take(&notice, &purchase->user, purchase->at, &answer);
	if (answer.anomaly != NULL || is_revoked(purchase, &answer))
		purchase->status = PURCHASE_REFUNDED;
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	text_append(&out, "status", answer.status);
	purchase_instant_append(&out, "expires_at", answer.expires_at);
	text_append(&out, "product_id", purchase->product.product_id);
	appendStringInfoChar(&out, '}');
	purchase->detail = out.data;
}

/*
 * The event that the receipt tells. Its id is made from the receipt's: the store's own
 * notification of the same period has another id, and is another event.
 */
static void
notice_make(SubscriptionNotice *notice, const PurchaseReceipt *receipt, const char *product_id)
{
	bool first = strcmp(receipt->purchase_id, receipt->original_transaction_id) == 0;

	*notice = (SubscriptionNotice){
		.store = receipt->source,
		.environment = receipt->environment,
		.original_transaction_id = receipt->original_transaction_id,
		.event =
			{
				.type = first || receipt->is_trial == 1 ? EVENT_CREATED : EVENT_RENEWED,
				.trial = receipt->is_trial,
				.auto_renew = receipt->auto_renew,
				.time = receipt->purchased_at,
				.period_end = receipt->period_end,
				.grace_until = receipt->grace_until,
				.id = psprintf("receipt:%s", receipt->purchase_id),
				.transaction = receipt->purchase_id,
				.product_id = product_id,
				.base_plan_id = receipt->base_plan_id,
				.offer_id = receipt->offer_id,
				.purchase_token = receipt->purchase_token,
			},
	};
}

static bool
is_revoked(const Purchase *purchase, const SubscriptionAnswer *answer)
{
	PlanValues values = {0};

	if (strcmp(answer->status, subscription_status_names[SUBSCRIPTION_REVOKED]) != 0)
		return false;
	plan_bind_uuid(&values, &purchase->user);
	plan_bind_text(&values, purchase->receipt.source);
	plan_bind_text(&values, purchase->receipt.environment);
	plan_bind_text(&values, purchase->receipt.purchase_id);
	return plan_execute_limit(&find_revocation, values.datums, values.nulls, false, 1) > 0;
}

static void
credits_grant(Purchase *purchase)
{
	const PurchaseReceipt *receipt = &purchase->receipt;
	bool priced = receipt->amount != PURCHASE_NO_AMOUNT;
	Datum values[] = {
		UUIDPGetDatum(&purchase->user),
		CStringGetTextDatum(purchase->product.product_id),
		Int64GetDatum(purchase->product.credits),
		CStringGetTextDatum(receipt->source),
		CStringGetTextDatum(receipt->environment),
		CStringGetTextDatum(receipt->purchase_id),
		CStringGetTextDatum(receipt->purchase_token),
		Int64GetDatum(receipt->amount),
		priced ? CStringGetTextDatum(receipt->currency) : (Datum) 0,
		TimestampTzGetDatum(purchase->at),
	};
	Datum time[] = {values[0], TimestampTzGetDatum(purchase->at)};

	plan_execute(&grant_pack, values, priced ? NULL : "       nn ", false);
	if (receipt->acknowledged)
	{
		Datum pack[] = {plan_value(0, 1, NULL), TimestampTzGetDatum(purchase->at)};

		plan_execute(&acknowledge_pack, pack, NULL, false);
	}
	plan_execute(&show_usage, time, NULL, false);
	purchase->detail = plan_text_required(0, 1);
}

static void
custom_course_grant(Purchase *purchase)
{
	const PurchaseReceipt *receipt = &purchase->receipt;
	char *code = pstrdup(purchase->product.product_id);
	Datum values[] = {
		UUIDPGetDatum(&purchase->user),
		CStringGetTextDatum(receipt->source),
		CStringGetTextDatum(receipt->environment),
		CStringGetTextDatum(receipt->purchase_id),
		CStringGetTextDatum(receipt->purchase_token),
		(Datum) 0,
		TimestampTzGetDatum(purchase->at),
	};

	for (char *c = code; *c != '\0'; c++)
		*c = pg_ascii_toupper((unsigned char) *c);
	values[5] = CStringGetTextDatum(code);
	plan_execute(&create_course, values, NULL, false);
	if (receipt->acknowledged)
	{
		Datum link[] = {plan_value(0, 1, NULL), TimestampTzGetDatum(purchase->at)};

		plan_execute(&acknowledge_link, link, NULL, false);
	}
}

char *
purchase_link_detail(const Purchase *purchase)
{
	const PurchaseReceipt *receipt = &purchase->receipt;
	Datum key[] = {CStringGetTextDatum(receipt->source),
				   CStringGetTextDatum(receipt->environment),
				   CStringGetTextDatum(receipt->purchase_id)};
	StringInfoData out;

	if (plan_execute(&show_link, key, NULL, false) != 1)
		return NULL;
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	text_append(&out, "custom_course_id", plan_text_required(0, 1));
	text_append(&out, "course_code", plan_text_required(0, 2));
	text_append(&out, "title", plan_text_required(0, 3));
	text_append(&out, "link_token", plan_text_required(0, 4));
	purchase_instant_append(&out, "link_expires_at",
							DatumGetTimestampTz(plan_value(0, 5, NULL)));
	flag_append(&out, "is_submitted", DatumGetBool(plan_value(0, 6, NULL)));
	appendStringInfoChar(&out, '}');
	return out.data;
}

/* In UTC, so that no session's time zone shows in a kept answer. Nothing for PURCHASE_NEVER. */
void
purchase_instant_append(StringInfo out, const char *name, TimestampTz at)
{
	static const int utc = 0;
	char text[MAXDATELEN + 1];

	if (at == PURCHASE_NEVER)
		return;
	name_append(out, name);
	JsonEncodeDateTime(text, TimestampTzGetDatum(at), TIMESTAMPTZOID, &utc);
	json_write_string(out, text, strlen(text));
}

/* Nothing for NULL. */
static void
text_append(StringInfo out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	name_append(out, name);
	json_write_string(out, value, strlen(value));
}

/* Nothing for PURCHASE_UNKNOWN. */
static void
flag_append(StringInfo out, const char *name, int flag)
{
	if (flag == PURCHASE_UNKNOWN)
		return;
	name_append(out, name);
	appendStringInfoString(out, flag == 1 ? "true" : "false");
}

static void
name_append(StringInfo out, const char *name)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoString(out, ", ");
	json_write_string(out, name, strlen(name));
	appendStringInfoString(out, ": ");
}
