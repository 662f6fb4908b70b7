/*
 * refund.c: a store took a purchase back, so what the purchase gave is taken back.
 *
 * Invariants: a refund undoes what its purchase gave, once, and nothing that another purchase
 * gave. A part takes back that part of a pack, and of anything else nothing. Every refund has a
 * row of store_refunds, from which refund_state.c counts what is taken by now and which
 * reversal.c marks. A refund that comes after its reversal takes nothing. One that comes before
 * its receipt is recorded as a receipt without a user, and the receipt, when it comes, gives
 * nothing.
 *
 * Lock order: purchase_lock.c. A refund of a purchase that nobody knows has no user to lock: it
 * locks the row that it inserts, which the receipt waits for.
 *
 * Rights: refund_store_purchase() is the server's alone; all statements run with the rights of
 * the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/tuplestore.h"

#include "billing/notice.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "core/schema.h"
#include "identity/audit.h"
#include "identity/named.h"
#include "json/object_write.h"
#include "store/delivery.h"
#include "store/pack_receipt.h"
#include "store/purchase_key.h"
#include "store/purchase_lock.h"
#include "store/refund_state.h"
#include "store/reversal.h"

/*
 * Looks for the receipt first (rank 1), then for what was given without one, by a release that
 * had no receipts or by the functions of the kind (2), and then for a subscription that only
 * its events tell of, by its original transaction (3).
 */
static KeptPlan find_purchase = {
	.sql = "SELECT p.user_id, p.kind, p.product_id, p.line FROM ("
		   "SELECT 1 AS rank, x.user_id, x.kind, x.product_id, x.original_transaction_id AS "
		   "line FROM coursebase.store_receipts x WHERE " PURCHASE_KEY " UNION ALL "
		   "SELECT 2, x.user_id, 'course', x.product_id, NULL "
		   "FROM coursebase.course_purchases x WHERE " PURCHASE_KEY " UNION ALL "
		   "SELECT 2, c.user_id, 'custom_course', coalesce((SELECT min(s.product_id) "
		   "FROM coursebase.store_products s WHERE s.course_code = c.course_code), "
		   "lower(translate(c.course_code, 'I', 'i'))), NULL "
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

/* Reads without a lock of its own: purchase_lock() has locked the people and the receipt. */
static KeptPlan read_receipt = {
	.sql = "SELECT x.status, x.refunded_at, x.refund_detail, d.user_id, d.order_ref "
		   "FROM coursebase.store_receipts x " JOIN_DISCOUNT_USE "WHERE " PURCHASE_KEY,
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
enum
{
	READ_STATUS = 1,
	READ_REFUNDED_AT,
	READ_REFUND_DETAIL,
	READ_BUYER,
	READ_ORDER_REF,
};

/* A refund that was told before: by the store's id of it, or without one by its time. */
static KeptPlan read_told = {
	.sql = "SELECT f.detail, f.refunded_at, x.status, f.reversed_at IS NOT NULL "
		   "FROM coursebase.store_refunds f "
		   "JOIN coursebase.store_receipts x USING (source, environment, purchase_id) "
		   "WHERE " PURCHASE_KEY " AND f.detail IS NOT NULL "
		   "AND CASE WHEN $4 IS NOT NULL THEN f.refund_ref = $4 ELSE f.refunded_at = $5 "
		   "AND f.quantity IS NULL AND f.amount_in_cents IS NULL END LIMIT 1",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
enum
{
	TOLD_DETAIL = 1,
	TOLD_REFUNDED_AT,
	TOLD_STATUS,
	TOLD_IS_REVERSED,
};

/*
 * A refund that names no id is known by its number. Its reversal may have come before it, by
 * its id as a row without a detail, or by a time up to which all refunds are reversed.
 */
static KeptPlan write_told = {
	.sql =
		"INSERT INTO coursebase.store_refunds AS t (source, environment, purchase_id, "
		"refund_ref, quantity, amount_in_cents, refunded_at, detail, reversed_at) "
		"SELECT $1, $2, $3, coalesce($4, (SELECT (count(*) + 1)::text "
		"FROM coursebase.store_refunds x WHERE " PURCHASE_KEY ")), $5, $6, $7, '', "
		"(SELECT min(r.reversed_at) FROM coursebase.store_receipts x, "
		"unnest(x.reversals) r (reversed_at) WHERE " PURCHASE_KEY " AND r.reversed_at >= $7) "
		"ON CONFLICT (source, environment, purchase_id, refund_ref) DO UPDATE "
		"SET quantity = excluded.quantity, amount_in_cents = excluded.amount_in_cents, "
		"refunded_at = excluded.refunded_at, detail = excluded.detail, "
		"reversed_at = least(t.reversed_at, excluded.reversed_at) WHERE t.detail IS NULL "
		"RETURNING refund_ref, reversed_at IS NOT NULL",
	.nargs = 7,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, TIMESTAMPTZOID},
};
/* Completes the row of write_told, once it is known what the refund took. */
static KeptPlan finish_told = {
	.sql = "UPDATE coursebase.store_refunds x SET credits = $5, status_before = $6, "
		   "detail = $7 WHERE " PURCHASE_KEY " AND x.refund_ref = $4",
	.nargs = 7,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID},
};
/* A part leaves the status: the purchase stays. Parts that took nothing, because a refund that
 * was reversed later had all of it at their time, may be of more than there is. */
static KeptPlan write_part = {
	.sql = "UPDATE coursebase.store_receipts x SET "
		   "refunded_quantity = least(x.refunded_quantity + coalesce($4, 0), x.quantity), "
		   "refunded_in_cents = x.refunded_in_cents + coalesce($5, 0) WHERE " PURCHASE_KEY,
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID},
};
/* How often a subscription's payment was refunded before: a repetition is an event of its own.
 */
static KeptPlan count_told = {
	.sql = "SELECT count(*) FROM coursebase.store_refunds x WHERE " PURCHASE_KEY
		   " AND x.refund_ref IS DISTINCT FROM $4",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};

/* ON CONFLICT waits for a receipt that is being validated; the caller locks it then. */
static KeptPlan record_unknown = {
	.sql = "INSERT INTO coursebase.store_receipts (source, environment, purchase_id, status, "
		   "refunded_at, refund_detail) VALUES ($1, $2, $3, 'refunded', $4, $5) "
		   "ON CONFLICT (source, environment, purchase_id) DO NOTHING",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
};
/*
 * Inserts a receipt for what was given without one, so that the refund is known next time. One
 * that gave nothing ($10) redeemed no discount: its order may be another receipt's by now.
 */
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
		"refunded_in_cents = coalesce(store_receipts.amount_in_cents, 0), "
		"discount_order_ref = CASE WHEN NOT $10 THEN store_receipts.discount_order_ref END",
	.nargs = 10,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID,
			  TEXTOID, BOOLOID},
};
static KeptPlan refund_custom_course = {
	.sql = "UPDATE coursebase.custom_course_purchases x SET status = 'refunded' "
		   "WHERE " PURCHASE_KEY " AND x.status <> 'refunded'",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
/* null: all credits of the pack */
static KeptPlan refund_credits = {
	.sql = "SELECT -r.bank_credits "
		   "FROM coursebase.refund_credit_pack($1, $2, $3, $4, $5) r",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID},
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
	ARGUMENT_USER,
};

/* A purchase that is to be refunded, as the tables know it. */
typedef struct Refund
{
	PurchaseKey key;
	NamedUser named; /* nobody, but for who calls by SQL */
	TimestampTz at;
	bool known; /* a user has the purchase */
	pg_uuid_t user;
	const char *kind; /* NULL, as the texts below, if it is not known */
	const char *product_id;
	const char *line;      /* the original transaction of a subscription */
	pg_uuid_t buyer;       /* who used a discount for it */
	const char *order_ref; /* of that use; NULL: there is none */
	const char *status;    /* of the receipt before; NULL: there is none */
	int64 quantity;        /* how many of the receipt's were refunded; 0: it names none */
	int64 amount;          /* the sum in minor units; 0: it names none */
	const char *ref;       /* the store's id of the refund; NULL: none */
	int64 credits;         /* of the pack that it claims */
	bool part;             /* something of the purchase stays */
	bool ended;            /* refunded before */
	bool idle;             /* a sandbox's receipt that gave nothing */
	bool reversed;         /* the store took it back before it was told */
	TimestampTz refunded_at;
	char *detail; /* what was taken back, in words */
} Refund;

static bool purchase_take(Refund *refund);
static void purchase_find(Refund *refund);
static bool unknown_record(Refund *refund);
static void part_read(Refund *refund, FunctionCallInfo fcinfo);
static void receipt_state_read(Refund *refund);
static bool refund_told(Refund *refund);
static void refund_take(Refund *refund);
static void whole_take(Refund *refund);
static void reversed_take(Refund *refund, const RefundState *before);
static void part_undo(Refund *refund, const RefundState *before, const RefundState *after);
static void told_write(Refund *refund);
static void told_finish(const Refund *refund, const char *detail);
static void receipt_require(const Refund *refund);
static void refund_undo(Refund *refund);
static char *course_undo(const Refund *refund);
static char *custom_course_undo(const Refund *refund);
static char *credits_undo(Refund *refund, int64 credits);
static char *subscription_undo(const Refund *refund);
static char *refund_event_id(const Refund *refund);
static void discount_undo(Refund *refund);
static void refund_write(const Refund *refund);
static void refund_audit(const Refund *refund);
static void refund_return(FunctionCallInfo fcinfo, const Refund *refund);

PG_FUNCTION_INFO_V1(coursebase_refund_store_purchase);

/*
 * SQL function: refund_store_purchase(source text, environment text, purchase_id text, at
 * timestamptz, quantity integer, amount_in_cents bigint, refund_ref text, user_id uuid) returns
 * table (status text, kind text, user_id uuid, product_id text, refunded_at timestamptz, detail
 * text)
 */
PGDLLEXPORT Datum
coursebase_refund_store_purchase(PG_FUNCTION_ARGS)
{
	Refund refund = {0};
	OwnerRights rights;

	purchase_key_read(&refund.key, fcinfo);
	args_receipt_source(fcinfo, 0);
	refund.at = args_time(fcinfo, ARGUMENT_AT);
	part_read(&refund, fcinfo);
	schema_require_current();
	refund.named = named_user_read(fcinfo, ARGUMENT_USER);
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	/*
	 * Three steps: look; record the refund of an unknown purchase; look again. The second step
	 * waits for a receipt that is being validated at this moment and then does nothing, and the
	 * third step refunds that receipt.
	 */
	if (!purchase_take(&refund) && !unknown_record(&refund) && !purchase_take(&refund))
		row_kept_raise("store_receipts", "the refund was not recorded");
	owner_leave(rights);
	refund_return(fcinfo, &refund);
	SPI_finish();
	return (Datum) 0;
}

/* Refunds the purchase; false if nobody knows it. */
static bool
purchase_take(Refund *refund)
{
	if (!purchase_lock(&refund->key, NULL, NULL))
		return false;
	purchase_find(refund);
	if (!refund->known)
		receipt_require(refund);
	receipt_state_read(refund);
	if (!refund_told(refund))
		refund_take(refund);
	return true;
}

/* Reads of which part the refund is. Without an id a part would count as often as it is told.
 */
static void
part_read(Refund *refund, FunctionCallInfo fcinfo)
{
	bool has_quantity = !PG_ARGISNULL(ARGUMENT_QUANTITY);
	bool has_amount = !PG_ARGISNULL(ARGUMENT_AMOUNT);

	refund->ref = refund_ref_read(fcinfo, ARGUMENT_REF);
	refund->quantity = has_quantity ? PG_GETARG_INT32(ARGUMENT_QUANTITY) : 0;
	refund->amount = has_amount ? args_money(fcinfo, ARGUMENT_AMOUNT) : 0;
	if ((has_quantity && refund->quantity <= 0) || (has_amount && refund->amount <= 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("quantity and amount_in_cents must be above 0"),
						errhint("Pass null for both to refund all that is left.")));
	if (has_quantity && has_amount)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a refund has a quantity or an amount, not both")));
	if ((has_quantity || has_amount) && refund->ref == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the refund of a part needs its refund_ref"),
						errhint("Pass the store's id of the refund, so that it counts once.")));
}

/* Whether the refund was told before; then the answer is that of the first call. */
static bool
refund_told(Refund *refund)
{
	PlanValues values = {0};
	bool whole = refund->quantity == 0 && refund->amount == 0;

	purchase_key_bind(&values, &refund->key);
	plan_bind_text(&values, refund->ref);
	plan_bind_time(&values, refund->at);
	if (plan_execute(&read_told, values.datums, values.nulls, false) == 0)
		return false;
	refund->reversed = plan_bool(0, TOLD_IS_REVERSED);
	/*
	 * the purchase has ended: a refund of the whole is answered from the receipt, which says
	 * what ended it
	 */
	if (refund->ended && whole && !refund->reversed)
		return true;
	refund->detail = plan_text(0, TOLD_DETAIL);
	refund->refunded_at = plan_time(0, TOLD_REFUNDED_AT);
	refund->part = strcmp(plan_text_required(0, TOLD_STATUS), "refunded") != 0;
	return true;
}

/*
 * Takes back what was refunded. The row is written first: what is left is counted from the rows
 * of all refunds, of which some may have been paid back later than this one.
 */
static void
refund_take(Refund *refund)
{
	RefundState before, after;

	/* what was given without a receipt has no row to count with */
	if (refund->status == NULL)
	{
		whole_take(refund);
		return;
	}
	refund_state_read(&refund->key, &before);
	/*
	 * what this refund took is the difference of the two states, and not what it names: an
	 * earlier refund that is told late leaves less for the later ones
	 */
	told_write(refund);
	refund_state_read(&refund->key, &after);
	if (refund->reversed)
	{
		reversed_take(refund, &before);
		return;
	}
	if (refund->ended)
	{
		told_finish(refund, "It was refunded already.");
		return;
	}
	refund->part = !refund_state_is_whole(&after);
	refund->refunded_at = refund->at;
	if (refund->part)
		part_undo(refund, &before, &after);
	else
	{
		refund->credits = refund_state_credits(&refund->key, &after, before.taken, after.taken);
		refund_undo(refund);
		refund_write(refund);
	}
	told_finish(refund, refund->detail);
	/* of a pack of which the server refunded the rest */
	if (refund->part && refund->credits > 0 && pack_receipt_settle(&refund->key, refund->at))
		refund->part = false;
	refund_audit(refund);
}

/*
 * Writes what refund_store_purchase() would have written. A reversal that was told before is of
 * the store's refunds: the pack is taken back all the same.
 */
void
refund_of_pack(const PurchaseKey *key, TimestampTz at)
{
	Refund refund = {.key = *key, .at = at};
	RefundState before;

	purchase_find(&refund);
	receipt_state_read(&refund);
	refund_state_read(key, &before);
	refund.credits = refund_state_credits(key, &before, before.taken, before.total);
	refund.refunded_at = at;
	refund.detail = "The server refunded the pack.";
	told_write(&refund);
	refund.reversed = false;
	if (refund.order_ref != NULL)
		discount_undo(&refund);
	refund_write(&refund);
	told_finish(&refund, refund.detail);
}

/* Of what has no receipt a sum takes nothing: nobody knows what was paid. */
static void
whole_take(Refund *refund)
{
	RefundState state;

	refund->refunded_at = refund->at;
	refund->part = refund->amount > 0;
	if (refund->part)
		refund->detail = "A part was paid back; nothing was taken.";
	else
	{
		refund_undo(refund);
		refund_write(refund);
		refund->status = "valid";
		told_write(refund);
		refund_state_read(&refund->key, &state);
		refund->credits = refund_state_credits(&refund->key, &state, 0, state.total);
		told_finish(refund, refund->detail);
	}
	refund_audit(refund);
}

/*
 * The store took this refund back before it was told. While it stood, a later refund found less
 * to take: counting anew may give something back.
 */
static void
reversed_take(Refund *refund, const RefundState *before)
{
	refund->detail = "The store had taken this refund back: nothing was taken.";
	refund->refunded_at = refund->at;
	told_finish(refund, refund->detail);
	if (refund->known)
		reversal_settle(&refund->key, refund->at, before);
}

/* A part takes credits of a pack; of anything else the purchase stays whole. */
static void
part_undo(Refund *refund, const RefundState *before, const RefundState *after)
{
	PlanValues values = {0};

	if (!refund->idle && product_kind_parse(refund->kind) == PRODUCT_AI_CREDITS)
		refund->credits =
			refund_state_credits(&refund->key, after, before->taken, after->taken);
	refund->detail = refund->credits > 0 ? credits_undo(refund, refund->credits)
										 : "A part was paid back; nothing was taken.";
	purchase_key_bind(&values, &refund->key);
	plan_bind_int64(&values, refund->quantity);
	plan_bind_int64(&values, refund->amount);
	plan_execute(&write_part, values.datums, values.nulls, false);
}

/* Writes the refund's row, and learns its number and whether it is reversed already. */
static void
told_write(Refund *refund)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	plan_bind_text(&values, refund->ref);
	plan_bind_nullable(&values, Int64GetDatum(refund->quantity), refund->quantity == 0);
	plan_bind_nullable(&values, Int64GetDatum(refund->amount), refund->amount == 0);
	plan_bind_time(&values, refund->at);
	plan_execute(&write_told, values.datums, values.nulls, false);
	refund->ref = plan_text_required(0, 1);
	refund->reversed = plan_bool(0, 2);
}

/* Adds what the refund took. */
static void
told_finish(const Refund *refund, const char *detail)
{
	bool ends = !refund->part && !refund->reversed && !refund->ended;
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	plan_bind_text(&values, refund->ref);
	plan_bind_nullable(&values, Int64GetDatum(refund->credits), refund->credits == 0);
	/* null tells a part from the refund that ended the purchase */
	plan_bind_text(&values, ends ? refund->status : NULL);
	plan_bind_text(&values, detail);
	plan_execute(&finish_told, values.datums, values.nulls, false);
}

/* A part of what nobody has cannot be told from the whole before the receipt says how much. */
static void
receipt_require(const Refund *refund)
{
	if (refund->quantity > 0 || refund->amount > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such purchase"),
						errdetail("Its receipt has not come, and a part was refunded."),
						errhint("Tell the refund again when the receipt has come.")));
}

/* Reads whose the purchase is, and what, under its locks. */
static void
purchase_find(Refund *refund)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	if (plan_execute(&find_purchase, values.datums, values.nulls, false) == 0)
		elog(ERROR, "a purchase that is locked could not be read");
	refund->known = plan_uuid_or_null(0, FOUND_USER_ID, &refund->user);
	refund->kind = plan_text(0, FOUND_KIND);
	refund->product_id = plan_text(0, FOUND_PRODUCT_ID);
	refund->line = plan_text(0, FOUND_LINE);
	if (refund->known)
		named_user_require(&refund->named, &refund->user);
}

/*
 * Records the refund of a purchase that nobody knows; false if its receipt has come meanwhile.
 * By the refund's id, which its reversal and whoever tells it again will name.
 */
static bool
unknown_record(Refund *refund)
{
	PlanValues values = {0};

	receipt_require(refund);
	refund->detail = "No receipt has come yet; when it comes it gives nothing.";
	refund->refunded_at = refund->at;
	purchase_key_bind(&values, &refund->key);
	plan_bind_time(&values, refund->at);
	plan_bind_text(&values, refund->detail);
	if (plan_execute(&record_unknown, values.datums, values.nulls, false) == 0)
		return false;
	told_write(refund);
	told_finish(refund, refund->detail);
	return true;
}

/* Reads what became of the receipt, if there is one. */
static void
receipt_state_read(Refund *refund)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	if (plan_execute(&read_receipt, values.datums, values.nulls, false) == 0)
		return;
	refund->status = plan_text_required(0, READ_STATUS);
	refund->refunded_at = plan_time_or(0, READ_REFUNDED_AT, refund->at);
	refund->detail = plan_text(0, READ_REFUND_DETAIL);
	refund->order_ref = plan_text(0, READ_ORDER_REF);
	plan_uuid_or_null(0, READ_BUYER, &refund->buyer);
	refund->ended = strcmp(refund->status, "refunded") == 0;
	refund->idle = strcmp(refund->status, "sandbox") == 0 ||
				   strcmp(refund->status, "pending") == 0 ||
				   strcmp(refund->status, "canceled") == 0;
}

/*
 * A receipt that gave nothing (of a sandbox, pending, canceled) has nothing to take back; its
 * discount was never used either.
 */
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
			refund->detail = credits_undo(refund, refund->credits);
			break;
		default:
			refund->detail = custom_course_undo(refund);
	}
	if (refund->order_ref != NULL)
		discount_undo(refund);
}

/*
 * False of course_purchase_refund() covers a duplicate, too: the person has the course by
 * another purchase.
 */
static char *
course_undo(const Refund *refund)
{
	const PurchaseKey *key = &refund->key;

	return course_purchase_refund(key->source, key->environment, key->purchase_id, refund->at)
			   ? "The course was taken back."
			   : "It had given nothing.";
}

/* The custom course itself stays: only its purchase, and with it the right to use it, ends. */
static char *
custom_course_undo(const Refund *refund)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	return plan_execute(&refund_custom_course, values.datums, values.nulls, false) > 0
			   ? "The custom course was taken back."
			   : "It had been taken back already.";
}

/*
 * Takes back what is unspent of so many credits of the pack; 0 means the whole pack, for a
 * purchase without a receipt, whose refunds are not counted. The answer's first column is
 * negative in the log of credits, hence its sign in the statement.
 */
static char *
credits_undo(Refund *refund, int64 credits)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &refund->key);
	plan_bind_time(&values, refund->at);
	plan_bind_nullable(&values, Int64GetDatum(credits), credits == 0);
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
	SubscriptionNotice notice;
	SubscriptionAnswer answer;

	notice_init(&notice, key->source, key->environment, EVENT_REVOKED, refund->at);
	notice.original_transaction_id = refund->line != NULL ? refund->line : key->purchase_id;
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
	plan_bind_text(&values, refund->ref);
	plan_execute(&count_told, values.datums, values.nulls, false);
	earlier = plan_int64(0, 1);
	return earlier == 0
			   ? psprintf("refund:%s", refund->key.purchase_id)
			   : psprintf("refund:%s:" INT64_FORMAT, refund->key.purchase_id, earlier + 1);
}

/* Gives the use of the purchase's discount back, which is the buyer's wherever the purchase is.
 */
static void
discount_undo(Refund *refund)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &refund->buyer);
	plan_bind_text(&values, refund->order_ref);
	plan_bind_time(&values, refund->at);
	plan_execute(&reverse_discount, values.datums, values.nulls, false);
	if (plan_bool(0, 1))
		refund->detail = psprintf("%s The use of its discount was given back.", refund->detail);
}

/*
 * Also for a purchase without a receipt: the row that is inserted answers the next time that
 * the refund is told.
 */
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
	plan_bind_bool(&values, refund->idle);
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

	plan_bind_text(&values, refund->reversed ? "reversed"
							: !refund->known ? "recorded"
							: refund->part   ? "partly_refunded"
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
