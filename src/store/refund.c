/*
 * refund.c: a store took a purchase back, so what the purchase gave is taken back.
 *
 * Invariants: a refund undoes what its purchase gave, once, and nothing that another purchase
 * gave. A refund that comes before its receipt is recorded as a receipt without a user, and the
 * receipt, when it comes, gives nothing.
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

#include "billing/notice.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
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
		   "SELECT 2, c.user_id, 'custom_course', lower(c.course_code), NULL "
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
	.sql = "SELECT x.status, x.refunded_at, x.refund_detail, x.discount_order_ref "
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
		"refund_detail = excluded.refund_detail",
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
static KeptPlan refund_credits = {
	.sql = "SELECT -r.bank_credits FROM coursebase.refund_credit_pack($1, $2, $3, $4) r",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan reverse_discount = {
	.sql = "SELECT coursebase.reverse_discount($1, $2, $3)",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
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
	bool ended;            /* refunded before */
	bool idle;             /* a sandbox's receipt that gave nothing */
	TimestampTz refunded_at;
	char *detail; /* what was taken back, in words */
} Refund;

static bool purchase_find(Refund *refund);
static bool unknown_record(Refund *refund);
static bool receipt_lock(Refund *refund);
static void refund_undo(Refund *refund);
static char *course_undo(const Refund *refund);
static char *custom_course_undo(const Refund *refund);
static char *credits_undo(const Refund *refund);
static char *subscription_undo(const Refund *refund);
static void discount_undo(Refund *refund);
static void refund_write(const Refund *refund);
static void refund_audit(const Refund *refund);
static void refund_return(FunctionCallInfo fcinfo, const Refund *refund);

PG_FUNCTION_INFO_V1(coursebase_refund_store_purchase);

/*
 * SQL function: refund_store_purchase(source text, environment text, purchase_id text, at
 * timestamptz) returns table (status text, kind text, user_id uuid, product_id text,
 * refunded_at timestamptz, detail text)
 */
PGDLLEXPORT Datum
coursebase_refund_store_purchase(PG_FUNCTION_ARGS)
{
	Refund refund = {0};
	OwnerRights rights;

	purchase_key_read(&refund.key, fcinfo);
	refund.at = args_time(fcinfo, 3);
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
		if (!receipt_lock(&refund) || !refund.ended)
		{
			refund_undo(&refund);
			refund_write(&refund);
			refund_audit(&refund);
		}
	}
	owner_leave(rights);
	refund_return(fcinfo, &refund);
	SPI_finish();
	return (Datum) 0;
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

	refund->detail = "No receipt has come yet; when it comes it gives nothing.";
	refund->refunded_at = refund->at;
	purchase_key_bind(&values, &refund->key);
	plan_bind_time(&values, refund->at);
	plan_bind_text(&values, refund->detail);
	return plan_execute(&record_unknown, values.datums, values.nulls, false) > 0;
}

/* Locks the receipt and reads whether it was refunded; false if there is none. */
static bool
receipt_lock(Refund *refund)
{
	PlanValues values = {0};
	const char *status;

	refund->idle = false;
	purchase_key_bind(&values, &refund->key);
	if (plan_execute(&read_receipt, values.datums, values.nulls, false) == 0)
		return false;
	status = plan_text_required(0, LOCKED_STATUS);
	refund->refunded_at = plan_time_or(0, LOCKED_REFUNDED_AT, refund->at);
	refund->detail = plan_text(0, LOCKED_REFUND_DETAIL);
	refund->order_ref = plan_text(0, LOCKED_ORDER_REF);
	refund->ended = strcmp(status, "refunded") == 0;
	refund->idle = strcmp(status, "sandbox") == 0;
	return true;
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

static char *
credits_undo(const Refund *refund)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	plan_bind_time(&values, refund->at);
	plan_execute(&refund_credits, values.datums, values.nulls, false);
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
	notice.event.id = psprintf("refund:%s", key->purchase_id);
	notice.event.transaction = key->purchase_id;
	subscription_take(&notice, &refund->user, refund->at, &answer);
	return psprintf("The period was revoked; the subscription is %s.", answer.status);
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
		"purchase_refunded",
		psprintf("store_receipts/%s/%s/%s", key->source, key->environment, key->purchase_id),
		NULL, object_end(&out));
}

static void
refund_return(FunctionCallInfo fcinfo, const Refund *refund)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PlanValues values = {0};
	bool nulls[6];

	plan_bind_text(&values, refund->known ? "refunded" : "recorded");
	plan_bind_text(&values, refund->kind);
	plan_bind_uuid(&values, refund->known ? &refund->user : NULL);
	plan_bind_text(&values, refund->product_id);
	plan_bind_time(&values, refund->refunded_at);
	plan_bind_text(&values, refund->detail);
	for (int i = 0; i < lengthof(nulls); i++)
		nulls[i] = values.nulls[i] == 'n';
	tuplestore_putvalues(result->setResult, result->setDesc, values.datums, nulls);
}
