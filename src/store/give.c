/*
 * give.c: what each kind of product gives, and how the answer shows it.
 *
 * Discounts, credits and custom courses are given by the SQL functions of their features, as
 * any server would call them, so that one rule decides however something is bought. A
 * subscription goes to billing as a notice: the receipt is read already.
 *
 * Locks: the caller holds the row of users and the row of the receipt. Each feature locks what
 * it writes, in the order of identity/anchor.h.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "billing/notice.h"
#include "core/attempt.h"
#include "core/errors.h"
#include "core/plan.h"
#include "json/object_write.h"
#include "store/delivery.h"

/* Checks the rules of the code, counts the use, and answers the price that is left. */
static KeptPlan redeem_discount = {
	.sql = "SELECT d.final_in_cents FROM coursebase.redeem_discount($1, $2, $3, $4, $5, $6, "
		   "$7, $8, $9) d",
	.nargs = 9,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
			  TIMESTAMPTZOID},
};
/* The same function that a refund calls: the use counts no more. */
static KeptPlan reverse_discount = {
	.sql = "SELECT coursebase.reverse_discount($1, $2, $3)",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
/* As JSON text: the detail is stored and shown as it was at the first answer. */
static KeptPlan show_course = {
	.sql = "SELECT json_build_object('course_id', c.id, 'course_code', c.course_code, "
		   "'title', c.title, 'voice', $2)::text FROM coursebase.courses c WHERE c.id = $1",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
/* A refund of the payment $4, or a refund that names no payment: it is of the whole line. */
static KeptPlan find_revocation = {
	.sql = "SELECT FROM coursebase.subscription_events r WHERE r.user_id = $1 AND r.store = $2 "
		   "AND r.environment = $3 AND r.event_type = 'revoked' "
		   "AND (r.transaction_id = $4 OR r.transaction_id IS NULL)",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID},
};
/* The pack is recorded in ai_credit_purchases; the bank of the person gets the credits. */
static KeptPlan grant_pack = {
	.sql = "SELECT p.credit_purchase_id FROM coursebase.grant_credit_pack($1, $2, $3, $4, $5, "
		   "$6, $7, $8, $9, $10) p",
	.nargs = 10,
	.types = {UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID,
			  TIMESTAMPTZOID},
};
/* The first acknowledgement stays, here and in acknowledge_link. */
static KeptPlan acknowledge_pack = {
	.sql = "UPDATE coursebase.ai_credit_purchases p SET acknowledged_at = $2 "
		   "WHERE p.id = $1 AND p.acknowledged_at IS NULL",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/* The member ai_usage as the handshake shows it, so that the app reads one form. */
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
/* 24 hours and not a day, which daylight saving would make 23 or 25 hours long. */
static KeptPlan show_link = {
	.sql = "SELECT c.id::text, c.course_code, c.title, p.link_token::text, "
		   "p.link_issued_at + interval '24 hours', p.is_submitted "
		   "FROM coursebase.custom_course_purchases p "
		   "JOIN coursebase.custom_courses c ON c.id = p.course_id "
		   "WHERE p.source = $1 AND p.environment = $2 AND p.purchase_id = $3",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
enum
{
	LINK_COURSE_ID = 1,
	LINK_COURSE_CODE,
	LINK_TITLE,
	LINK_TOKEN,
	LINK_EXPIRES_AT,
	LINK_IS_SUBMITTED,
};

static bool refuses_code(int sqlstate);
static bool discount_redeem(void *argument);
static void discount_reverse(const Delivery *delivery);
static void course_give(Delivery *delivery);
static void course_show(Delivery *delivery);
static void subscription_give(Delivery *delivery);
static void notice_make(SubscriptionNotice *notice, const Delivery *delivery);
static bool payment_is_revoked(const Delivery *delivery, const SubscriptionAnswer *answer);
static void credits_give(Delivery *delivery);
static void custom_course_give(Delivery *delivery);
static void acknowledge(KeptPlan *plan, const Delivery *delivery);

StaticAssertDecl(RECEIPT_NO_TIME == FOLD_NEVER, "a receipt without a time says never");

/* The discount comes first: it says what was paid, where the receipt does not. */
void
delivery_give(Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;

	delivery->status = RECEIPT_VALID;
	if (receipt->discount_code != NULL)
		delivery_discount(delivery);
	switch (delivery->product.kind)
	{
		case PRODUCT_COURSE:
			course_give(delivery);
			break;
		case PRODUCT_SUBSCRIPTION:
			subscription_give(delivery);
			break;
		case PRODUCT_AI_CREDITS:
			credits_give(delivery);
			break;
		default:
			custom_course_give(delivery);
	}
	/* the row of its kind has the time already; this one is for the answer and subscriptions */
	if (receipt->acknowledged && delivery->status == RECEIPT_VALID)
		delivery->acknowledged_at = delivery->at;
	if (receipt->discount_code != NULL && delivery->discount_refused == NULL &&
		delivery->status == RECEIPT_REFUNDED)
		discount_reverse(delivery);
}

/*
 * The money came: a rule that refuses the code does not undo the sale. It is given without the
 * use of the code, and listed in sales_to_review. What would pass by itself is raised.
 */
void
delivery_discount(Delivery *delivery)
{
	ErrorData *error = attempt(discount_redeem, delivery, refuses_code);

	if (error != NULL)
		delivery->discount_refused = attempt_words(error);
}

/*
 * KB601: a rule refuses the code. KB602: the order has another discount, or other content.
 * Everything else (a lock, a lost connection) is no answer and is raised.
 */
static bool
refuses_code(int sqlstate)
{
	return sqlstate == ERRCODE_CB_DISCOUNT_REFUSED || sqlstate == ERRCODE_CB_ORDER_CONFLICT;
}

/* If the receipt does not say what was paid, it was the price after the discount. */
static bool
discount_redeem(void *argument)
{
	Delivery *delivery = argument;
	Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};

	plan_bind_uuid(&values, &delivery->user);
	plan_bind_text(&values, receipt->discount_code);
	plan_bind_text(&values, product_kind_names[delivery->product.kind]);
	plan_bind_int64(&values, receipt->discount_base);
	plan_bind_text(&values, receipt->discount_currency);
	plan_bind_text(&values, receipt->discount_order_ref);
	plan_bind_text(&values, delivery->product.product_id);
	plan_bind_time(&values, delivery->at);
	plan_bind_time(&values, Min(receipt->purchased_at, delivery->recorded_at));
	/* raises KB601 for a rule that refuses the code */
	plan_execute(&redeem_discount, values.datums, values.nulls, false);
	if (receipt->amount != STORE_NO_AMOUNT)
		return true;
	receipt->amount = plan_int32(0, 1);
	receipt->currency = receipt->discount_currency;
	return true;
}

/* The refund came before the receipt, by an event or for the course: the use is given back. */
static void
discount_reverse(const Delivery *delivery)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &delivery->user);
	plan_bind_text(&values, delivery->receipt.discount_order_ref);
	plan_bind_time(&values, delivery->at);
	plan_execute(&reverse_discount, values.datums, values.nulls, false);
}

/* The status says whether the course was owned already. */
static void
course_give(Delivery *delivery)
{
	delivery->status = course_purchase_record(delivery);
	course_show(delivery);
}

void
delivery_voice(Delivery *delivery)
{
	delivery->status = course_purchase_name_voice(delivery);
	course_show(delivery);
}

static void
course_show(Delivery *delivery)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &delivery->product.course);
	plan_bind_text(&values, delivery->receipt.voice);
	plan_execute(&show_course, values.datums, values.nulls, false);
	delivery->detail = plan_text_required(0, 1);
}

/*
 * If the event was not applied, or a refund of this payment stands, the refund came before the
 * receipt: the receipt gives nothing, and its status is refunded. A receipt of an earlier
 * payment is none of the refunded ones: its period was paid, and a later one is known.
 */
static void
subscription_give(Delivery *delivery)
{
	SubscriptionNotice notice;
	SubscriptionAnswer answer;
	StringInfoData out;

	notice_make(&notice, delivery);
	subscription_take(&notice, &delivery->user, delivery->at, &answer);
	if ((answer.anomaly != NULL &&
		 strcmp(answer.anomaly, fold_anomaly_names[FOLD_EARLIER_PAYMENT]) != 0) ||
		payment_is_revoked(delivery, &answer))
		delivery->status = RECEIPT_REFUNDED;
	object_begin(&out);
	object_text(&out, "status", answer.status);
	object_time(&out, "expires_at", answer.expires_at);
	object_text(&out, "product_id", delivery->product.product_id);
	delivery->detail = object_end(&out);
}

/*
 * The event's id is made from that of the receipt: the store's own notification of the same
 * period has another id, and is another event.
 */
static void
notice_make(SubscriptionNotice *notice, const Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	FoldEvent *event = &notice->event;
	bool first = strcmp(receipt->purchase_id, receipt->original_transaction_id) == 0;

	notice_init(notice, receipt->source, receipt->environment,
				first || receipt->is_trial == 1 ? EVENT_CREATED : EVENT_RENEWED,
				receipt->purchased_at);
	notice->original_transaction_id = receipt->original_transaction_id;
	event->trial = receipt->is_trial;
	event->auto_renew = receipt->auto_renew;
	/* Apple dates each purchase by the beginning of its period, Google Play the whole line */
	if (strcmp(receipt->source, "app_store") == 0)
		event->period_start = receipt->purchased_at;
	event->period_end = receipt->period_end;
	event->grace_until = receipt->grace_until;
	event->id = psprintf("receipt:%s", receipt->purchase_id);
	event->transaction = receipt->purchase_id;
	event->product_id = delivery->product.product_id;
	event->base_plan_id = receipt->base_plan_id;
	event->offer_id = receipt->offer_id;
	event->purchase_token = receipt->purchase_token;
	event->linked_token = receipt->linked_token;
}

/*
 * A revoked subscription alone does not say it: the refund may be of another payment. The log
 * does, and is asked only if the status is revoked.
 */
static bool
payment_is_revoked(const Delivery *delivery, const SubscriptionAnswer *answer)
{
	PlanValues values = {0};

	if (strcmp(answer->status, subscription_status_names[SUBSCRIPTION_REVOKED]) != 0)
		return false;
	plan_bind_uuid(&values, &delivery->user);
	plan_bind_text(&values, delivery->receipt.source);
	plan_bind_text(&values, delivery->receipt.environment);
	plan_bind_text(&values, delivery->receipt.purchase_id);
	return plan_execute_limit(&find_revocation, values.datums, values.nulls, false, 1) > 0;
}

/* The credits are in the bank before the usage is shown, at the time of the purchase. */
static void
credits_give(Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};
	PlanValues usage = {0};

	plan_bind_uuid(&values, &delivery->user);
	plan_bind_text(&values, delivery->product.product_id);
	plan_bind_int64(&values, delivery->product.credits * receipt->quantity);
	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->environment);
	plan_bind_text(&values, receipt->purchase_id);
	plan_bind_text(&values, receipt->purchase_token);
	plan_bind_nullable(&values, Int64GetDatum(receipt->amount),
					   receipt->amount == STORE_NO_AMOUNT);
	plan_bind_text(&values, receipt->currency);
	plan_bind_time(&values, delivery->at);
	plan_execute(&grant_pack, values.datums, values.nulls, false);
	acknowledge(&acknowledge_pack, delivery);
	plan_bind_uuid(&usage, &delivery->user);
	plan_bind_time(&usage, delivery->at);
	plan_execute(&show_usage, usage.datums, usage.nulls, false);
	delivery->detail = plan_text_required(0, 1);
}

/* The detail is read for each answer: delivery_link_detail(). */
static void
custom_course_give(Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};

	plan_bind_uuid(&values, &delivery->user);
	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->environment);
	plan_bind_text(&values, receipt->purchase_id);
	plan_bind_text(&values, receipt->purchase_token);
	plan_bind_text(&values, delivery->product.code);
	plan_bind_time(&values, delivery->at);
	/* the course is empty yet: the person fills its form in behind the link */
	plan_execute(&create_course, values.datums, values.nulls, false);
	acknowledge(&acknowledge_link, delivery);
}

/* The row whose id the last plan gave, if the receipt says that the store was told already. */
static void
acknowledge(KeptPlan *plan, const Delivery *delivery)
{
	PlanValues values = {0};

	if (!delivery->receipt.acknowledged)
		return;
	plan_bind(&values, plan_value_as(0, 1, UUIDOID, NULL));
	plan_bind_time(&values, delivery->at);
	plan_execute(plan, values.datums, values.nulls, false);
}

/*
 * Read at each answer and not kept with the receipt: the link and whether its form was
 * submitted change after the first answer. NULL if the purchase has no row.
 */
char *
delivery_link_detail(const Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};
	StringInfoData out;

	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->environment);
	plan_bind_text(&values, receipt->purchase_id);
	if (plan_execute(&show_link, values.datums, values.nulls, false) != 1)
		return NULL;
	object_begin(&out);
	object_text(&out, "custom_course_id", plan_text_required(0, LINK_COURSE_ID));
	object_text(&out, "course_code", plan_text_required(0, LINK_COURSE_CODE));
	object_text(&out, "title", plan_text_required(0, LINK_TITLE));
	object_text(&out, "link_token", plan_text_required(0, LINK_TOKEN));
	object_time(&out, "link_expires_at", plan_time(0, LINK_EXPIRES_AT));
	object_flag(&out, "is_submitted", plan_bool(0, LINK_IS_SUBMITTED));
	return object_end(&out);
}
