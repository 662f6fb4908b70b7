/*
 * receipt.c: a receipt of an app store is validated, recorded, and gives what was bought.
 *
 * Invariants: a receipt belongs to one user and one product for ever. It gives what it is for
 * once, in the transaction that records it. A receipt whose refund came before it gives
 * nothing. One that is not paid yet gives nothing until it comes again as paid. A receipt of a
 * sandbox is recorded and gives nothing while the setting
 * accept_sandbox is off; validated again while the setting is on, it gives what it is for then.
 *
 * Lock order: the row of users, then the row of store_receipts, then whatever the receipt
 * gives, in the order of identity/anchor.h; of a receipt that is canceled first everybody whom
 * its refund concerns (purchase_lock.h). All calls for one receipt name its user, so the
 * first lock lets one of them through at a time; the unique key of store_receipts refuses
 * another user's.
 *
 * Rights: validate_purchase() is the server's alone; all statements run with the rights of the
 * tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "billing/environment.h"
#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "core/schema.h"
#include "core/signed_only.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "identity/audit.h"
#include "json/object_write.h"
#include "store/delivery.h"
#include "store/purchase_lock.h"
#include "store/reversal.h"
#include "store/transfer.h"

static const char *const status_names[RECEIPT_STATUSES] = {
	[RECEIPT_VALID] = "valid",     [RECEIPT_DUPLICATE] = "duplicate",
	[RECEIPT_SANDBOX] = "sandbox", [RECEIPT_REFUNDED] = "refunded",
	[RECEIPT_PENDING] = "pending", [RECEIPT_CANCELED] = "canceled",
};
static const char *const status_messages[RECEIPT_STATUSES] = {
	[RECEIPT_VALID] = "the purchase is valid",
	[RECEIPT_DUPLICATE] = "the course was owned already: this purchase is to be refunded",
	[RECEIPT_SANDBOX] = "what a sandbox sold gives nothing here",
	[RECEIPT_REFUNDED] = "the purchase was refunded",
	[RECEIPT_PENDING] = "the purchase is not paid yet",
	[RECEIPT_CANCELED] = "the purchase was canceled before it was paid",
};

/* The member of the answer that shows what was given. */
static const char *const detail_members[PRODUCT_KINDS] = {
	[PRODUCT_COURSE] = "course",
	[PRODUCT_SUBSCRIPTION] = "subscription",
	[PRODUCT_AI_CREDITS] = "ai_usage",
	[PRODUCT_CUSTOM_COURSE] = "course",
};

/* The parameters of both statements that write a receipt, in the order of receipt_bind(). */
#define RECEIPT_VALUES                                                                         \
	.nargs = 17,                                                                               \
	.types = {TEXTOID,        TEXTOID,        TEXTOID, UUIDOID, TEXTOID, TEXTOID,              \
			  TEXTOID,        TEXTOID,        TEXTOID, TEXTOID, TEXTOID, JSONBOID,             \
			  TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID, TEXTOID}

/* ON CONFLICT waits for another user's call with the same receipt, and then finds it taken. */
static KeptPlan insert_receipt = {
	.sql = "INSERT INTO coursebase.store_receipts (source, environment, purchase_id, user_id, "
		   "product_id, kind, voice, purchase_token, original_transaction_id, "
		   "discount_order_ref, status, receipt, purchased_at, validated_at, quantity) "
		   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
		   "ON CONFLICT (source, environment, purchase_id) DO NOTHING RETURNING id",
	RECEIPT_VALUES,
};
/*
 * Fills in a row that is there: one of a refund that came before its receipt, or of a sandbox
 * that counts now. A refunded receipt redeems no discount.
 */
static KeptPlan adopt_receipt = {
	.sql =
		"UPDATE coursebase.store_receipts r SET user_id = $4, product_id = $5, kind = $6, "
		"voice = $7, purchase_token = $8, original_transaction_id = $9, "
		"discount_order_ref = CASE WHEN $11 = 'refunded' THEN NULL ELSE $10 END, "
		"status = $11, receipt = $12, purchased_at = $13, validated_at = $14, quantity = $15, "
		/* what was paid: a refund of a part that comes later is counted against it */
		"amount_in_cents = CASE WHEN $11 = 'refunded' THEN $16 ELSE r.amount_in_cents END, "
		"currency = CASE WHEN $11 = 'refunded' THEN $17 ELSE r.currency END, "
		/*
		 * a refund before its receipt is of the whole: one of a part is refused
		 * (receipt_require() of refund.c)
		 */
		"refunded_quantity = CASE WHEN $11 = 'refunded' THEN $15 ELSE r.refunded_quantity END, "
		"refunded_in_cents = CASE WHEN $11 = 'refunded' THEN coalesce($16, 0) "
		"ELSE r.refunded_in_cents END "
		"WHERE r.source = $1 AND r.environment = $2 AND r.purchase_id = $3",
	RECEIPT_VALUES,
};

/*
 * The refund and the acknowledgement of a receipt stand in the table of its kind; those of a
 * subscription in the receipt itself. The lock keeps refund_store_purchase() out, which may
 * know nobody to lock before it locks the receipt.
 */
static KeptPlan read_receipt = {
	.sql = "SELECT r.id, r.user_id IS NULL, coalesce(r.user_id = $4 "
		   "AND (r.product_id IS NULL OR r.product_id = $5) "
		   "AND ($6::text IS NULL OR r.voice IS NULL OR r.voice = $6), false), "
		   "CASE WHEN 'refunded' IN (r.status, c.status, a.status) "
		   "OR m.status IN ('refunded', 'revoked') THEN 'refunded' ELSE r.status END, "
		   "r.detail::text, coalesce(c.acknowledged_at, m.acknowledged_at, a.acknowledged_at, "
		   "r.acknowledged_at), r.discount_refused, num_nonnulls(r.discount_order_ref, "
		   "r.discount_refused, r.discount_redemption_id::text) = 0, r.voice, "
		   "r.purchased_at "
		   "FROM coursebase.store_receipts r "
		   "LEFT JOIN coursebase.course_purchases c ON c.source = r.source "
		   "AND c.environment = r.environment AND c.purchase_id = r.purchase_id "
		   "LEFT JOIN coursebase.custom_course_purchases m ON m.source = r.source "
		   "AND m.environment = r.environment AND m.purchase_id = r.purchase_id "
		   "LEFT JOIN coursebase.ai_credit_purchases a ON a.source = r.source "
		   "AND a.environment = r.environment AND a.purchase_id = r.purchase_id "
		   "WHERE r.source = $1 AND r.environment = $2 AND r.purchase_id = $3 "
		   "FOR NO KEY UPDATE OF r",
	.nargs = 6,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID},
};
enum
{
	READ_ID = 1,
	READ_IS_NOBODYS,
	READ_IS_THIS_ONES,
	READ_STATUS,
	READ_DETAIL,
	READ_ACKNOWLEDGED_AT,
	READ_DISCOUNT_REFUSED,
	READ_LACKS_DISCOUNT,
	READ_VOICE,
	READ_PURCHASED_AT,
};

/* Of the other kinds the table of the kind keeps acknowledged_at: acknowledge.c. */
static KeptPlan finish_receipt = {
	.sql = "UPDATE coursebase.store_receipts r SET status = $2, detail = $3::json, "
		   "amount_in_cents = $4, currency = $5, "
		   "acknowledged_at = CASE WHEN r.kind = 'subscription' THEN $6 END, "
		   "refunded_at = CASE WHEN $2 = 'refunded' THEN $7 END, discount_refused = $8, "
		   "discount_order_ref = CASE WHEN $8 IS NULL THEN r.discount_order_ref END "
		   "WHERE r.id = $1",
	.nargs = 8,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
			  TEXTOID},
};

/*
 * With the member discount, by which sales_to_review names the code. What was paid stays
 * unknown where a part was refunded: refunds were counted without it.
 */
#define WAS_NOT_REFUNDED                                                                       \
	"NOT EXISTS (SELECT FROM coursebase.store_refunds f WHERE f.source = r.source "            \
	"AND f.environment = r.environment AND f.purchase_id = r.purchase_id)"
static KeptPlan write_discount = {
	.sql = "UPDATE coursebase.store_receipts r "
		   "SET discount_order_ref = CASE WHEN $3 IS NULL THEN $2 END, discount_refused = $3, "
		   "receipt = r.receipt || jsonb_build_object('discount', $4 -> 'discount'), "
		   "amount_in_cents = coalesce(r.amount_in_cents, CASE WHEN " WAS_NOT_REFUNDED
		   " THEN $5 END), currency = coalesce(r.currency, CASE WHEN " WAS_NOT_REFUNDED
		   " THEN $6 END) WHERE r.id = $1",
	.nargs = 6,
	.types = {UUIDOID, TEXTOID, TEXTOID, JSONBOID, INT8OID, TEXTOID},
};

/* With the member voice, so that the receipt that is kept is what it was for. */
static KeptPlan write_voice = {
	.sql = "UPDATE coursebase.store_receipts r SET voice = $2, status = $3, detail = $4::json, "
		   "receipt = r.receipt || jsonb_build_object('voice', $2) WHERE r.id = $1",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID},
};

/* By the SQL function, as a store's refund comes, so that one rule undoes a purchase. */
static KeptPlan refund_receipt = {
	.sql = "SELECT FROM coursebase.refund_store_purchase($1, $2, $3, $4)",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};

/*
 * Google Play names no order while a purchase is pending: the token stood for the purchase_id
 * then, and this row would stay pending for ever. Only the person's own pending row is deleted.
 */
static KeptPlan drop_placeholder = {
	.sql = "DELETE FROM coursebase.store_receipts r WHERE r.source = $1 AND r.environment = $2 "
		   "AND r.purchase_id = $3 AND r.purchase_token = $3 AND r.status = 'pending' "
		   "AND r.user_id = $4",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID},
};

/* A line that is named by the token $2, where none is named by the order $3. */
static KeptPlan find_line_of_token = {
	.sql = "SELECT FROM coursebase.subscription_lines t WHERE t.store = $1 "
		   "AND t.original_transaction_id = $2 AND NOT EXISTS (SELECT "
		   "FROM coursebase.subscription_lines o WHERE o.store = $1 "
		   "AND o.original_transaction_id = $3)",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

static void line_find(Delivery *delivery);
static void receipt_lock(const Delivery *delivery);
static bool receipt_claim(Delivery *delivery);
static bool receipt_advance(Delivery *delivery, ReceiptStatus recorded);
static void discount_add(Delivery *delivery);
static void voice_add(Delivery *delivery);
static void placeholder_drop(const Delivery *delivery);
static void receipt_refund(Delivery *delivery);
static bool receipt_insert(Delivery *delivery);
static void receipt_find(Delivery *delivery);
static void receipt_adopt(const Delivery *delivery);
static void receipt_bind(PlanValues *values, const Delivery *delivery);
static void receipt_finish(const Delivery *delivery);
static char *answer_make(const Delivery *delivery);
static void receipt_audit(const Delivery *delivery);

PG_FUNCTION_INFO_V1(coursebase_validate_purchase);

/* SQL function: validate_purchase(user_id uuid, receipt json, at timestamptz) returns json */
PGDLLEXPORT Datum
coursebase_validate_purchase(PG_FUNCTION_ARGS)
{
	Delivery delivery = {.acknowledged_at = RECEIPT_NO_TIME, .recorded_at = DT_NOEND};
	OwnerRights rights;
	Datum answer;

	args_require_all(fcinfo);
	delivery.user = *PG_GETARG_UUID_P(0);
	delivery.at = args_time(fcinfo, 2);
	schema_require_current();
	SPI_connect();
	/* reading raises what is wrong with the receipt before anybody waits for a lock */
	receipt_read(&delivery.receipt, PG_GETARG_DATUM(1));
	signed_only_require(delivery.receipt.source);
	rights = owner_enter();
	store_product_find(&delivery.product, delivery.receipt.product_name);
	receipt_complete(&delivery.receipt, &delivery.product);
	identity_follow(&delivery.user);
	line_find(&delivery);
	if (delivery.receipt.state == RECEIPT_CANCELED_UNPAID)
		receipt_lock(&delivery);
	/*
	 * the account that had the receipt may be closed: where the receipt may move, both people
	 * are locked here, in the order of uuids, before the lock of the one alone
	 */
	transfer_restore(&delivery.receipt, &delivery.user, delivery.at);
	anchor_open_user_require(&delivery.user);
	/* under the lock: a notification may have begun the line meanwhile */
	line_find(&delivery);
	/* true once a receipt: whatever gives, gives in the transaction that records the receipt */
	if (receipt_claim(&delivery))
	{
		delivery_give(&delivery);
		receipt_finish(&delivery);
		receipt_audit(&delivery);
	}
	/* the answer must outlive the memory that SPI_finish() frees */
	answer = SPI_datumTransfer(CStringGetTextDatum(answer_make(&delivery)), false, -1);
	owner_leave(rights);
	SPI_finish();
	PG_RETURN_DATUM(answer);
}

/*
 * Google Play's notifications name a subscription by its token, and a receipt that names no
 * line by its order: whichever came first names the line, or what is told of the one, a refund
 * too, would leave the other as it was. The notifications look for the receipt's
 * (notifications/apply_subscriptions.c).
 */
static void
line_find(Delivery *delivery)
{
	Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};

	if (receipt->line_is_told || delivery->product.kind != PRODUCT_SUBSCRIPTION ||
		strcmp(receipt->source, "google_play") != 0)
		return;
	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->purchase_token);
	plan_bind_text(&values, receipt->original_transaction_id);
	if (plan_execute(&find_line_of_token, values.datums, values.nulls, false) > 0)
		receipt->original_transaction_id = receipt->purchase_token;
}

/*
 * A receipt that gave and is canceled now is refunded, and a refund locks more people than the
 * one who brings it: who used a discount for the purchase, and who has it by now. They are
 * locked together and first, in the order of uuids; after the lock of one of them the order
 * could not be kept.
 */
static void
receipt_lock(const Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PurchaseKey key = {receipt->source, receipt->environment, receipt->purchase_id};

	purchase_lock(&key, receipt->original_transaction_id, &delivery->user);
}

/* True if the receipt is to give now; else status and detail are set to what it gave before. */
static bool
receipt_claim(Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PurchaseKey key = {receipt->source, receipt->environment, receipt->purchase_id};
	bool counts = environment_counts(receipt->environment, &delivery->user);

	/* what the store says now; receipt_advance() compares it with what is recorded */
	delivery->status = receipt->state == RECEIPT_UNPAID            ? RECEIPT_PENDING
					   : receipt->state == RECEIPT_CANCELED_UNPAID ? RECEIPT_CANCELED
					   : counts                                    ? RECEIPT_VALID
																   : RECEIPT_SANDBOX;
	if (receipt_insert(delivery))
	{
		placeholder_drop(delivery);
		return delivery->status == RECEIPT_VALID;
	}
	receipt_find(delivery);
	if (plan_bool(0, READ_IS_NOBODYS))
	{
		ReceiptStatus told = delivery->status;

		/*
		 * a refund came first and recorded the receipt without a person: this call enters the
		 * person, and gives nothing
		 */
		delivery->status = RECEIPT_REFUNDED;
		receipt_adopt(delivery);
		if (!reversal_reopen(&key))
			return false;
		/* the store took the refund back before the receipt came: it gives after all */
		delivery->status = told;
		receipt_adopt(delivery);
		return told == RECEIPT_VALID;
	}
	if (!plan_bool(0, READ_IS_THIS_ONES))
		ereport(ERROR,
				(errcode(ERRCODE_CB_RECEIPT_USED), errmsg("the receipt was used already"),
				 errdetail("It belongs to another user, product or voice."),
				 errhint("Ask the store whose purchase it is.")));
	return receipt_advance(delivery, plan_word(0, READ_STATUS, status_names, RECEIPT_STATUSES));
}

/*
 * A receipt that was pending comes again with its own id: the row under its token is replaced
 * by the new one.
 */
static void
placeholder_drop(const Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};

	if (strcmp(receipt->purchase_id, receipt->purchase_token) == 0)
		return;
	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->environment);
	plan_bind_text(&values, receipt->purchase_token);
	plan_bind_uuid(&values, &delivery->user);
	plan_execute(&drop_placeholder, values.datums, values.nulls, false);
}

/*
 * A receipt that is there moves from pending on when it is paid or canceled, and one of a
 * sandbox when the sandbox counts. A receipt that gave and is canceled now was refunded, and
 * one that names a voice or a discount first gets it. Any other repetition gets the first
 * answer.
 */
static bool
receipt_advance(Delivery *delivery, ReceiptStatus recorded)
{
	ReceiptStatus told = delivery->status;
	bool open = recorded == RECEIPT_PENDING || recorded == RECEIPT_CANCELED;
	bool gave = recorded == RECEIPT_VALID || recorded == RECEIPT_DUPLICATE;
	bool lacks_discount = plan_bool(0, READ_LACKS_DISCOUNT);
	char *voice = plan_text(0, READ_VOICE);

	delivery->status = recorded;
	delivery->detail = plan_text(0, READ_DETAIL);
	delivery->discount_refused = plan_text(0, READ_DISCOUNT_REFUSED);
	delivery->acknowledged_at = plan_time_or(0, READ_ACKNOWLEDGED_AT, RECEIPT_NO_TIME);
	delivery->recorded_at = plan_time_or(0, READ_PURCHASED_AT, DT_NOEND);
	if (gave && told == RECEIPT_VALID && voice == NULL && delivery->receipt.voice != NULL)
		voice_add(delivery);
	if (gave && told == RECEIPT_VALID && lacks_discount &&
		delivery->receipt.discount_code != NULL)
		discount_add(delivery);
	/* the app named it while the purchase was pending, and the store tells that it is paid */
	if (delivery->receipt.voice == NULL)
		delivery->receipt.voice = voice;
	/*
	 * "pending" that arrives after "paid" is an old call that comes late: a receipt never goes
	 * back
	 */
	if (told == RECEIPT_PENDING || told == recorded ||
		(recorded == RECEIPT_SANDBOX && told != RECEIPT_VALID))
		return false;
	if (told == RECEIPT_CANCELED && gave)
	{
		receipt_refund(delivery);
		return false;
	}
	if (!open && recorded != RECEIPT_SANDBOX)
		return false;
	delivery->status = told;
	receipt_adopt(delivery);
	return told == RECEIPT_VALID;
}

/*
 * The store's notification of a purchase may be quicker than the app, and knows of no discount:
 * the first call that names one redeems it.
 */
static void
discount_add(Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};

	delivery_discount(delivery);
	plan_bind_uuid(&values, &delivery->id);
	plan_bind_text(&values, receipt->discount_order_ref);
	plan_bind_text(&values, delivery->discount_refused);
	plan_bind(&values, receipt->payload);
	plan_bind_nullable(&values, Int64GetDatum(receipt->amount),
					   receipt->amount == STORE_NO_AMOUNT);
	plan_bind_text(&values, receipt->currency);
	plan_execute(&write_discount, values.datums, values.nulls, false);
}

/*
 * Nor does the notification know of the voice: the first call that names one moves the purchase
 * there, and it is a duplicate if the person has the course in that voice by another one.
 */
static void
voice_add(Delivery *delivery)
{
	PlanValues values = {0};

	delivery_voice(delivery);
	plan_bind_uuid(&values, &delivery->id);
	plan_bind_text(&values, delivery->receipt.voice);
	plan_bind_text(&values, status_names[delivery->status]);
	plan_bind_text(&values, delivery->detail);
	plan_execute(&write_voice, values.datums, values.nulls, false);
}

/*
 * Refunds as if the store had sent its notification. receipt_lock() has locked all whom it
 * concerns.
 */
static void
receipt_refund(Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};

	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->environment);
	plan_bind_text(&values, receipt->purchase_id);
	plan_bind_time(&values, delivery->at);
	plan_execute(&refund_receipt, values.datums, values.nulls, false);
	delivery->status = RECEIPT_REFUNDED;
}

/* Records the receipt; false if there is a row of it already. */
static bool
receipt_insert(Delivery *delivery)
{
	PlanValues values = {0};

	receipt_bind(&values, delivery);
	if (plan_execute(&insert_receipt, values.datums, values.nulls, false) == 0)
		return false;
	delivery->id = plan_uuid(0, 1);
	return true;
}

/* Locks and reads the row that is there: the columns READ_… of the last plan. */
static void
receipt_find(Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};

	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->environment);
	plan_bind_text(&values, receipt->purchase_id);
	plan_bind_uuid(&values, &delivery->user);
	plan_bind_text(&values, delivery->product.product_id);
	plan_bind_text(&values, receipt->voice);
	if (plan_execute(&read_receipt, values.datums, values.nulls, false) != 1)
		row_kept_raise("store_receipts", "the receipt was not recorded");
	delivery->id = plan_uuid(0, READ_ID);
}

/* Writes the receipt into the row that is there. */
static void
receipt_adopt(const Delivery *delivery)
{
	PlanValues values = {0};

	receipt_bind(&values, delivery);
	plan_execute(&adopt_receipt, values.datums, values.nulls, false);
}

/* Binds RECEIPT_VALUES. */
static void
receipt_bind(PlanValues *values, const Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;

	plan_bind_text(values, receipt->source);
	plan_bind_text(values, receipt->environment);
	plan_bind_text(values, receipt->purchase_id);
	plan_bind_uuid(values, &delivery->user);
	plan_bind_text(values, delivery->product.product_id);
	plan_bind_text(values, product_kind_names[delivery->product.kind]);
	plan_bind_text(values, receipt->voice);
	plan_bind_text(values, receipt->purchase_token);
	plan_bind_text(values, receipt->original_transaction_id);
	plan_bind_text(values, receipt->discount_order_ref);
	plan_bind_text(values, status_names[delivery->status]);
	plan_bind(values, receipt->payload);
	plan_bind_time(values, receipt->purchased_at);
	plan_bind_time(values, delivery->at);
	plan_bind_int64(values, receipt->quantity);
	plan_bind_nullable(values, Int64GetDatum(receipt->amount),
					   receipt->amount == STORE_NO_AMOUNT);
	plan_bind_text(values, receipt->currency);
}

/* Writes what delivery_give() has learnt. */
static void
receipt_finish(const Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};

	plan_bind_uuid(&values, &delivery->id);
	plan_bind_text(&values, status_names[delivery->status]);
	plan_bind_text(&values, delivery->detail);
	plan_bind_nullable(&values, Int64GetDatum(receipt->amount),
					   receipt->amount == STORE_NO_AMOUNT);
	plan_bind_text(&values, receipt->currency);
	plan_bind_time_unless(&values, delivery->acknowledged_at, RECEIPT_NO_TIME);
	plan_bind_time(&values, delivery->at);
	plan_bind_text(&values, delivery->discount_refused);
	plan_execute(&finish_receipt, values.datums, values.nulls, false);
}

/* A receipt that was refunded, or gives nothing, shows no detail. */
static char *
answer_make(const Delivery *delivery)
{
	const char *detail = delivery->detail;
	StringInfoData out;

	if (delivery->product.kind == PRODUCT_CUSTOM_COURSE && delivery->status == RECEIPT_VALID)
		detail = delivery_link_detail(delivery);
	if (delivery->status != RECEIPT_VALID && delivery->status != RECEIPT_DUPLICATE)
		detail = NULL;
	object_begin(&out);
	object_text(&out, "status", status_names[delivery->status]);
	object_text(&out, "message", status_messages[delivery->status]);
	object_flag(&out, "acknowledged", delivery->acknowledged_at != RECEIPT_NO_TIME);
	object_json(&out, detail_members[delivery->product.kind], detail);
	object_text(&out, "discount_refused", delivery->discount_refused);
	return object_end(&out);
}

/* Written only by the call that gave something: a repetition leaves no trace. */
static void
receipt_audit(const Delivery *delivery)
{
	StringInfoData out;

	object_begin(&out);
	object_text(&out, "user_id", uuid_text(&delivery->user));
	object_text(&out, "product_id", delivery->product.product_id);
	object_text(&out, "status", status_names[delivery->status]);
	audit_write("purchase_validated", psprintf("store_receipts/%s", uuid_text(&delivery->id)),
				NULL, object_end(&out));
}
