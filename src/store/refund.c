/*
 * refund.c: a store took a purchase back, so what the purchase gave is taken back.
 *
 * Invariants: a refund undoes what its purchase gave, once, and nothing that another purchase
 * gave. A part takes back that part of a pack, and of anything else nothing. What a refund took
 * stands in store_refunds, so that reversal.c can give it back. A refund that comes before its
 * receipt is recorded as a receipt without a user, and the receipt, when it comes, gives
 * nothing.
 *
 * Lock order: as in receipt.c. A refund of a purchase that nobody knows has no user to lock: it
 * locks the row that it inserts, which the receipt waits for.
 *
 * Rights: refund_store_purchase() is the server's alone; all statements run with the rights of
 * the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "billing/notice.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/audit.h"
#include "json/object_write.h"
#include "store/delivery.h"
#include "store/purchase_key.h"

/*
 * Looks for the receipt first, then for what was given without one: by a release that had no
 * receipts, or by the functions of the kind. A subscription that only its events tell of is
 * found by its original transaction.
 */
static KeptPlan find_purchase = {
	.sql = "SELECT p.user_id, p.kind, p.product_id, p.line FROM ("
		   "SELECT 1 AS rank, x.user_id, x.kind, x.product_id, x.original_transaction_id AS "
		   "line FROM coursebase.store_receipts x WHERE " PURCHASE_KEY " UNION ALL "
		   "SELECT 2, x.user_id, 'course', x.product_id, NULL "
		   "FROM coursebase.course_purchases x WHERE " PURCHASE_KEY " UNION ALL "
		   "SELECT 2, c.user_id, 'custom_course', coalesce((SELECT min(s.product_id) "
		   "FROM coursebase.store_products s WHERE s.course_code = c.course_code), "
		   "lower(c.course_code)), NULL "
		   "FROM coursebase.custom_course_purchases x "
		   "JOIN coursebase.custom_courses c ON c.id = x.course_id WHERE " PURCHASE_KEY
		   " UNION ALL "
		   "SELECT 2, x.user_id, 'ai_credits', x.product_id, NULL "
		   "FROM coursebase.ai_credit_purchases x WHERE " PURCHASE_KEY " UNION ALL "
		   "SELECT 3, x.user_id, 'subscription', x.product_id, x.original_transaction_id "
		   "FROM coursebase.subscription_lines x WHERE x.store = $1 AND x.environment = $2 "
		   "AND x.original_transaction_id = $3) p ORDER BY p.rank LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
enum
{
	FOUND_USER_ID = 1,
	FOUND_KIND,
	FOUND_PRODUCT_ID,
	FOUND_LINE,
};

/* The row of users is locked by now; the lock here keeps validate_purchase() of a row without a
 * user out. */
static KeptPlan read_receipt = {
	.sql = "SELECT x.status, x.refunded_at, x.refund_detail, x.discount_order_ref, "
		   "x.quantity - x.refunded_quantity, x.quantity::bigint, "
		   "(x.amount_in_cents - x.refunded_in_cents)::bigint, x.amount_in_cents::bigint "
		   "FROM coursebase.store_receipts x WHERE " PURCHASE_KEY " FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
enum
{
	LOCKED_STATUS = 1,
	LOCKED_REFUNDED_AT,
	LOCKED_REFUND_DETAIL,
	LOCKED_ORDER_REF,
	LOCKED_QUANTITY_LEFT,
	LOCKED_QUANTITY,
	LOCKED_AMOUNT_LEFT, /* null, as the next one, if nobody knows what was paid */
	LOCKED_AMOUNT,
};

/* A refund that came before by the store's id of it. */
static KeptPlan read_told = {
	.sql = "SELECT f.detail, f.refunded_at, x.status FROM coursebase.store_refunds f "
		   "JOIN coursebase.store_receipts x USING (source, environment, purchase_id) "
		   "WHERE " PURCHASE_KEY " AND f.refund_ref = $4",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};
enum
{
	TOLD_DETAIL = 1,
	TOLD_REFUNDED_AT,
	TOLD_STATUS,
};

/* A refund that names no id is known by its number. */
static KeptPlan write_told = {
	.sql =
		"INSERT INTO coursebase.store_refunds (source, environment, purchase_id, "
		"refund_ref, quantity, amount_in_cents, credits, status_before, refunded_at, detail) "
		"SELECT $1, $2, $3, coalesce($4, (count(*) + 1)::text), $5, $6, $7, $8, $9, $10 "
		"FROM coursebase.store_refunds x WHERE " PURCHASE_KEY,
	.nargs = 10,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID, TEXTOID,
			  TIMESTAMPTZOID, TEXTOID},
};
static KeptPlan write_part = {
	.sql = "UPDATE coursebase.store_receipts x SET "
		   "refunded_quantity = x.refunded_quantity + coalesce($4, 0), "
		   "refunded_in_cents = x.refunded_in_cents + coalesce($5, 0) WHERE " PURCHASE_KEY,
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID},
};
/* How often a subscription's payment was refunded: a repetition is an event of its own. */
static KeptPlan count_told = {
	.sql = "SELECT count(*) FROM coursebase.store_refunds x WHERE " PURCHASE_KEY,
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

/* ON CONFLICT waits for a receipt that is being validated; the caller looks again then. */
static KeptPlan record_unknown = {
	.sql = "INSERT INTO coursebase.store_receipts (source, environment, purchase_id, status, "
		   "refunded_at, refund_detail) VALUES ($1, $2, $3, 'refunded', $4, $5) "
		   "ON CONFLICT (source, environment, purchase_id) DO NOTHING",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
};
/* Inserts a receipt for what was given without one, so that the refund is known next time. */
static KeptPlan write_refund = {
	.sql =
		"INSERT INTO coursebase.store_receipts (source, environment, purchase_id, status, "
		"refunded_at, refund_detail, user_id, kind, product_id, original_transaction_id) "
		"VALUES ($1, $2, $3, 'refunded', $4, $5, $6, $7, "
		"(SELECT s.product_id FROM coursebase.store_products s WHERE s.product_id = $8), $9) "
		"ON CONFLICT (source, environment, purchase_id) DO UPDATE "
		"SET status = 'refunded', refunded_at = excluded.refunded_at, "
		"refund_detail = excluded.refund_detail, "
		"refunded_quantity = store_receipts.quantity, "
		"refunded_in_cents = coalesce(store_receipts.amount_in_cents, 0)",
	.nargs = 9,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID,
			  TEXTOID, TEXTOID},
};
static KeptPlan refund_custom_course = {
	.sql = "UPDATE coursebase.custom_course_purchases x SET status = 'refunded' "
		   "WHERE " PURCHASE_KEY " AND x.status <> 'refunded'",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
/* $5 of $6 parts of the pack; $5 NULL: all that no refund claims yet. The credits are counted
 * before the function changes them, because one statement has one snapshot. */
static KeptPlan refund_credits = {
	.sql = "SELECT -r.bank_credits, c.credits FROM (SELECT CASE WHEN $5 IS NULL "
		   "THEN x.credits - x.claimed_credits "
		   "ELSE greatest(div(x.credits::numeric * $5, $6), 1)::bigint END AS credits "
		   "FROM coursebase.ai_credit_purchases x WHERE " PURCHASE_KEY ") c, "
		   "LATERAL coursebase.refund_credit_pack($1, $2, $3, $4, nullif(c.credits, 0)) r",
	.nargs = 6,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, INT8OID},
};
static KeptPlan reverse_discount = {
	.sql = "SELECT coursebase.reverse_discount($1, $2, $3)",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};

/* The arguments behind the key. */
enum
{
	ARGUMENT_AT = 3,
	ARGUMENT_QUANTITY,
	ARGUMENT_AMOUNT,
	ARGUMENT_REF,
};

/* A purchase that is to be refunded, as the tables know it. */
typedef struct Refund
{
	PurchaseKey key;
	TimestampTz at;
	bool known; /* a user has the purchase */
	pg_uuid_t user;
	const char *kind; /* NULL, as the texts below, if it is not known */
	const char *product_id;
	const char *line;      /* the original transaction of a subscription */
	const char *order_ref; /* of the purchase's discount */
	const char *status;    /* of the receipt before; NULL: there is none */
	int64 quantity;        /* how many of quantity_all this refund is of; 0: it names none */
	int64 amount;          /* the sum in minor units; 0: it names none */
	const char *ref;       /* the store's id of the refund; NULL: none */
	int64 quantity_left;
	int64 quantity_all;
	int64 amount_left; /* STORE_NO_AMOUNT, as the next one: nobody knows what was paid */
	int64 amount_all;
	int64 credits; /* of the pack that it claims */
	bool part;     /* something of the purchase stays */
	bool ended;    /* refunded before */
	bool idle;     /* a sandbox's receipt that gave nothing */
	TimestampTz refunded_at;
	char *detail; /* what was taken back, in words */
} Refund;

static bool purchase_find(Refund *refund);
static bool unknown_record(Refund *refund);
static void part_read(Refund *refund, FunctionCallInfo fcinfo);
static void receipt_lock(Refund *refund);
static bool refund_told(Refund *refund);
static void refund_take(Refund *refund);
static void part_undo(Refund *refund);
static void told_write(const Refund *refund);
static void refund_undo(Refund *refund);
static char *course_undo(const Refund *refund);
static char *custom_course_undo(const Refund *refund);
static char *credits_undo(Refund *refund);
static char *subscription_undo(const Refund *refund);
static char *refund_event_id(const Refund *refund);
static void discount_undo(Refund *refund);
static void refund_write(const Refund *refund);
static void refund_audit(const Refund *refund);
static void refund_return(FunctionCallInfo fcinfo, const Refund *refund);

PG_FUNCTION_INFO_V1(coursebase_refund_store_purchase);

/*
 * SQL function: refund_store_purchase(source text, environment text, purchase_id text, at
 * timestamptz, quantity integer, amount_in_cents bigint, refund_ref text) returns table (status
 * text, kind text, user_id uuid, product_id text, refunded_at timestamptz, detail text)
 */
PGDLLEXPORT Datum
coursebase_refund_store_purchase(PG_FUNCTION_ARGS)
{
	Refund refund = {0};
	OwnerRights rights;

	purchase_key_read(&refund.key, fcinfo);
	refund.at = args_time(fcinfo, ARGUMENT_AT);
	part_read(&refund, fcinfo);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	/* a receipt that comes while the unknown purchase is recorded is found by the second look
	 */
	if (purchase_find(&refund) || (!unknown_record(&refund) && purchase_find(&refund)))
	{
		if (refund.known)
			anchor_user_require(&refund.user);
		receipt_lock(&refund);
		if (!refund.ended && !refund_told(&refund))
			refund_take(&refund);
	}
	owner_leave(rights);
	refund_return(fcinfo, &refund);
	SPI_finish();
	return (Datum) 0;
}

/* Reads of which part the refund is. Without an id a part would count as often as it is told.
 */
static void
part_read(Refund *refund, FunctionCallInfo fcinfo)
{
	bool has_quantity = !PG_ARGISNULL(ARGUMENT_QUANTITY);
	bool has_amount = !PG_ARGISNULL(ARGUMENT_AMOUNT);

	refund->ref = args_text_or_null(fcinfo, ARGUMENT_REF);
	refund->quantity = has_quantity ? PG_GETARG_INT32(ARGUMENT_QUANTITY) : 0;
	refund->amount = has_amount ? args_money(fcinfo, ARGUMENT_AMOUNT) : 0;
	if ((has_quantity && refund->quantity <= 0) || (has_amount && refund->amount <= 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("quantity and amount_in_cents must be above 0"),
						errhint("Pass null for both to refund all that is left.")));
	if (has_quantity && has_amount)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a refund has a quantity or an amount, not both")));
	if ((has_quantity || has_amount) && (refund->ref == NULL || refund->ref[0] == '\0'))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the refund of a part needs its refund_ref"),
						errhint("Pass the store's id of the refund, so that it counts once.")));
}

/* Whether the refund was told before, by its id; then the answer is that of the first call. */
static bool
refund_told(Refund *refund)
{
	PlanValues values = {0};

	if (refund->ref == NULL)
		return false;
	purchase_key_bind(&values, &refund->key);
	plan_bind_text(&values, refund->ref);
	if (plan_execute(&read_told, values.datums, values.nulls, false) == 0)
		return false;
	refund->detail = plan_text(0, TOLD_DETAIL);
	refund->refunded_at = plan_time(0, TOLD_REFUNDED_AT);
	refund->part = strcmp(plan_text_required(0, TOLD_STATUS), "refunded") != 0;
	return true;
}

/* Takes back what was refunded, and records what was taken, so that it can be given back. */
static void
refund_take(Refund *refund)
{
	refund->part = (refund->quantity > 0 && refund->quantity < refund->quantity_left) ||
				   (refund->amount > 0 && (refund->amount_all == STORE_NO_AMOUNT ||
										   refund->amount < refund->amount_left));
	refund->refunded_at = refund->at;
	if (refund->part)
		part_undo(refund);
	else
	{
		refund_undo(refund);
		refund_write(refund);
	}
	told_write(refund);
	refund_audit(refund);
}

/* A part takes credits of a pack; of anything else the purchase stays whole. */
static void
part_undo(Refund *refund)
{
	PlanValues values = {0};

	if (!refund->idle && refund->kind != NULL &&
		product_kind_parse(refund->kind) == PRODUCT_AI_CREDITS &&
		(refund->quantity > 0 || refund->amount_all != STORE_NO_AMOUNT))
		refund->detail = credits_undo(refund);
	else
		refund->detail = "A part was paid back; nothing was taken.";
	purchase_key_bind(&values, &refund->key);
	plan_bind_int64(&values, refund->quantity);
	plan_bind_int64(&values, refund->amount);
	plan_execute(&write_part, values.datums, values.nulls, false);
}

/* A part of what has no receipt took nothing, and has no row to stand with. */
static void
told_write(const Refund *refund)
{
	PlanValues values = {0};

	if (refund->part && refund->status == NULL)
		return;
	purchase_key_bind(&values, &refund->key);
	plan_bind_text(&values, refund->ref);
	plan_bind_nullable(&values, Int64GetDatum(refund->quantity), refund->quantity == 0);
	plan_bind_nullable(&values, Int64GetDatum(refund->amount), refund->amount == 0);
	plan_bind_nullable(&values, Int64GetDatum(refund->credits), refund->credits == 0);
	/* null tells a part from the refund that ended the purchase */
	plan_bind_text(&values, refund->part             ? NULL
							: refund->status != NULL ? refund->status
													 : "valid");
	plan_bind_time(&values, refund->at);
	plan_bind_text(&values, refund->detail);
	plan_execute(&write_told, values.datums, values.nulls, false);
}

static bool
purchase_find(Refund *refund)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	if (plan_execute(&find_purchase, values.datums, values.nulls, false) == 0)
		return false;
	refund->known = plan_uuid_or_null(0, FOUND_USER_ID, &refund->user);
	refund->kind = plan_text(0, FOUND_KIND);
	refund->product_id = plan_text(0, FOUND_PRODUCT_ID);
	refund->line = plan_text(0, FOUND_LINE);
	return true;
}

/* Records the refund of a purchase that nobody knows; false if its receipt has come meanwhile.
 */
static bool
unknown_record(Refund *refund)
{
	PlanValues values = {0};

	if (refund->quantity > 0 || refund->amount > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such purchase"),
						errdetail("Its receipt has not come, and a part was refunded."),
						errhint("Tell the refund again when the receipt has come.")));
	refund->detail = "No receipt has come yet; when it comes it gives nothing.";
	refund->refunded_at = refund->at;
	purchase_key_bind(&values, &refund->key);
	plan_bind_time(&values, refund->at);
	plan_bind_text(&values, refund->detail);
	return plan_execute(&record_unknown, values.datums, values.nulls, false) > 0;
}

/* Locks the receipt, if there is one, and reads what is left of it to refund. */
static void
receipt_lock(Refund *refund)
{
	PlanValues values = {0};

	refund->quantity_left = refund->quantity_all = 1;
	refund->amount_left = refund->amount_all = STORE_NO_AMOUNT;
	purchase_key_bind(&values, &refund->key);
	if (plan_execute(&read_receipt, values.datums, values.nulls, false) == 0)
		return;
	refund->status = plan_text_required(0, LOCKED_STATUS);
	refund->refunded_at = plan_time_or(0, LOCKED_REFUNDED_AT, refund->at);
	refund->detail = plan_text(0, LOCKED_REFUND_DETAIL);
	refund->order_ref = plan_text(0, LOCKED_ORDER_REF);
	refund->quantity_left = plan_int32(0, LOCKED_QUANTITY_LEFT);
	refund->quantity_all = plan_int64(0, LOCKED_QUANTITY);
	refund->amount_left = plan_int64_or(0, LOCKED_AMOUNT_LEFT, STORE_NO_AMOUNT);
	refund->amount_all = plan_int64_or(0, LOCKED_AMOUNT, STORE_NO_AMOUNT);
	refund->ended = strcmp(refund->status, "refunded") == 0;
	refund->idle = strcmp(refund->status, "sandbox") == 0 ||
				   strcmp(refund->status, "pending") == 0 ||
				   strcmp(refund->status, "canceled") == 0;
}

static void
refund_undo(Refund *refund)
{
	refund->refunded_at = refund->at;
	if (refund->idle)
	{
		refund->order_ref = NULL;
		refund->detail = "It had given nothing.";
		return;
	}
	switch (product_kind_parse(refund->kind))
	{
		case PRODUCT_COURSE:
			refund->detail = course_undo(refund);
			break;
		case PRODUCT_SUBSCRIPTION:
			refund->detail = subscription_undo(refund);
			break;
		case PRODUCT_AI_CREDITS:
			refund->detail = credits_undo(refund);
			break;
		default:
			refund->detail = custom_course_undo(refund);
	}
	if (refund->order_ref != NULL)
		discount_undo(refund);
}

static char *
course_undo(const Refund *refund)
{
	const PurchaseKey *key = &refund->key;

	return course_purchase_refund(key->source, key->environment, key->purchase_id, refund->at)
			   ? "The course was taken back."
			   : "It had given nothing.";
}

static char *
custom_course_undo(const Refund *refund)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	return plan_execute(&refund_custom_course, values.datums, values.nulls, false) > 0
			   ? "The custom course was taken back."
			   : "It had been taken back already.";
}

/* The part is in the terms that the refund names: quantity, or sum. */
static char *
credits_undo(Refund *refund)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	plan_bind_time(&values, refund->at);
	plan_bind_nullable(&values,
					   Int64GetDatum(refund->quantity > 0 ? refund->quantity : refund->amount),
					   !refund->part);
	plan_bind_int64(&values, refund->quantity > 0 ? refund->quantity_all : refund->amount_all);
	plan_execute(&refund_credits, values.datums, values.nulls, false);
	refund->credits = plan_int64(0, 2);
	return psprintf("Unspent credits were taken back: " INT64_FORMAT ".", plan_int64(0, 1));
}

/*
 * The fold decides whether the refund ends the subscription or is of an earlier period, and
 * billing tells discounts to take the referrer's credit back.
 */
static char *
subscription_undo(const Refund *refund)
{
	const PurchaseKey *key = &refund->key;
	SubscriptionNotice notice = {0};
	SubscriptionAnswer answer;

	notice.store = key->source;
	notice.environment = key->environment;
	notice.original_transaction_id = refund->line != NULL ? refund->line : key->purchase_id;
	notice.event.type = EVENT_REVOKED;
	notice.event.trial = notice.event.auto_renew = RECEIPT_NO_FLAG;
	notice.event.time = refund->at;
	notice.event.period_start = notice.event.period_end = FOLD_NEVER;
	notice.event.grace_until = FOLD_NEVER;
	notice.event.id = refund_event_id(refund);
	notice.event.transaction = key->purchase_id;
	subscription_take(&notice, &refund->user, refund->at, &answer);
	return psprintf("The period was revoked; the subscription is %s.", answer.status);
}

/* The second refund of a payment, after the first was reversed, is another event. */
static char *
refund_event_id(const Refund *refund)
{
	PlanValues values = {0};
	int64 earlier;

	purchase_key_bind(&values, &refund->key);
	plan_execute(&count_told, values.datums, values.nulls, false);
	earlier = plan_int64(0, 1);
	return earlier == 0
			   ? psprintf("refund:%s", refund->key.purchase_id)
			   : psprintf("refund:%s:" INT64_FORMAT, refund->key.purchase_id, earlier + 1);
}

/* Gives the use of the purchase's discount back. */
static void
discount_undo(Refund *refund)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &refund->user);
	plan_bind_text(&values, refund->order_ref);
	plan_bind_time(&values, refund->at);
	plan_execute(&reverse_discount, values.datums, values.nulls, false);
	if (plan_bool(0, 1))
		refund->detail = psprintf("%s The use of its discount was given back.", refund->detail);
}

static void
refund_write(const Refund *refund)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	plan_bind_time(&values, refund->refunded_at);
	plan_bind_text(&values, refund->detail);
	plan_bind_uuid(&values, &refund->user);
	plan_bind_text(&values, refund->kind);
	plan_bind_text(&values, refund->product_id);
	plan_bind_text(&values, refund->line);
	plan_execute(&write_refund, values.datums, values.nulls, false);
}

static void
refund_audit(const Refund *refund)
{
	const PurchaseKey *key = &refund->key;
	StringInfoData out;

	object_begin(&out);
	object_text(&out, "user_id", uuid_text(&refund->user));
	object_text(&out, "kind", refund->kind);
	object_text(&out, "product_id", refund->product_id);
	object_text(&out, "detail", refund->detail);
	audit_write(
		refund->part ? "purchase_partly_refunded" : "purchase_refunded",
		psprintf("store_receipts/%s/%s/%s", key->source, key->environment, key->purchase_id),
		NULL, object_end(&out));
}

static void
refund_return(FunctionCallInfo fcinfo, const Refund *refund)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PlanValues values = {0};
	bool nulls[6];

	plan_bind_text(&values, !refund->known ? "recorded"
							: refund->part ? "partly_refunded"
										   : "refunded");
	plan_bind_text(&values, refund->kind);
	plan_bind_uuid(&values, refund->known ? &refund->user : NULL);
	plan_bind_text(&values, refund->product_id);
	plan_bind_time(&values, refund->refunded_at);
	plan_bind_text(&values, refund->detail);
	for (int i = 0; i < lengthof(nulls); i++)
		nulls[i] = values.nulls[i] == 'n';
	tuplestore_putvalues(result->setResult, result->setDesc, values.datums, nulls);
}
