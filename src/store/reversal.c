/*
 * reversal.c: a store took a refund back, so what the refund took is given back.
 *
 * Invariants: a reversal gives back what its refund took, once, and nothing else: the credits
 * that the refund took of the pack, the period as the fold had it before, the course unless
 * another purchase gives it by now (the purchase is a duplicate then), the use of its discount
 * unless the code is in other hands by now, and by the event of the fold a referrer's credit. A
 * purchase that was refunded before its receipt came is given by the receipt as it was kept.
 *
 * A reversal that names a refund is of that one; any other is of all refunds that were paid
 * back by its time. Both are kept, so that a refund that comes after its reversal takes
 * nothing.
 *
 * Locks: purchase_lock.c.
 *
 * Rights: reverse_store_refund() is the server's alone; all statements run with the rights of
 * the tables' owner. Nobody else sets refunded_at back: tg_any__refund_stays.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "billing/notice.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "core/signed_only.h"
#include "core/statement_mark.h"
#include "identity/audit.h"
#include "identity/named.h"
#include "json/object_write.h"
#include "store/delivery.h"
#include "store/pack_receipt.h"
#include "store/purchase_key.h"
#include "store/purchase_lock.h"
#include "store/refund_state.h"
#include "store/reversal.h"

enum
{
	ARGUMENT_AT = 3,
	ARGUMENT_REF,
	ARGUMENT_USER,
};

static KeptPlan find_receipt = {
	.sql = "SELECT x.user_id, x.kind, x.product_id, x.original_transaction_id, x.status, "
		   "d.user_id, d.order_ref "
		   "FROM coursebase.store_receipts x " JOIN_DISCOUNT_USE "WHERE " PURCHASE_KEY,
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
enum
{
	FOUND_USER_ID = 1,
	FOUND_KIND,
	FOUND_PRODUCT_ID,
	FOUND_LINE,
	FOUND_STATUS,
	FOUND_BUYER,
	FOUND_ORDER_REF,
};
/*
 * By the refund's id, or all that were paid back by the time of the reversal. A reversal that
 * is told late must not come before its refund (greatest), and of two the first counts (least).
 */
static KeptPlan reverse_refunds = {
	.sql = "UPDATE coursebase.store_refunds x "
		   "SET reversed_at = greatest(least(x.reversed_at, $4), x.refunded_at) "
		   "WHERE " PURCHASE_KEY " AND coalesce(x.reversed_at > $4, true) "
		   "AND CASE WHEN $5 IS NULL THEN x.refunded_at <= $4 ELSE x.refund_ref = $5 END "
		   "AND x.detail IS NOT NULL",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
};
/*
 * Two ways to keep a reversal for a refund that has not been told yet: by time in the receipt,
 * or by the refund's id as a row of store_refunds without a detail.
 */
static KeptPlan keep_time = {
	.sql = "UPDATE coursebase.store_receipts x "
		   "SET reversals = coalesce(x.reversals, '{}') || $4 "
		   "WHERE " PURCHASE_KEY " AND ($4 = ANY (x.reversals)) IS NOT TRUE",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan keep_ref = {
	.sql =
		"INSERT INTO coursebase.store_refunds (source, environment, purchase_id, refund_ref, "
		"refunded_at, reversed_at) VALUES ($1, $2, $3, $5, $4, $4) ON CONFLICT DO NOTHING",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
};
/*
 * The sums of the receipt are counted anew from the refunds that stand: a refund that is told
 * late may have changed them. $4 NULL: only the sums change.
 */
static KeptPlan write_receipt = {
	.sql = "UPDATE coursebase.store_receipts x SET status = coalesce($4, x.status), "
		   "refunded_at = CASE WHEN $4 IS NULL THEN x.refunded_at END, "
		   "refund_detail = CASE WHEN $4 IS NULL THEN x.refund_detail END, "
		   "refunded_quantity = least(f.quantity, x.quantity), refunded_in_cents = f.amount "
		   "FROM (SELECT coalesce(sum(r.quantity), 0) AS quantity, "
		   "coalesce(sum(r.amount_in_cents), 0) AS amount FROM coursebase.store_refunds r "
		   "WHERE r.source = $1 AND r.environment = $2 AND r.purchase_id = $3 "
		   "AND r.reversed_at IS NULL) f WHERE " PURCHASE_KEY,
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};
/* As if it were not paid yet: validate_purchase() gives what the kept receipt is for. A person
 * who is closed gets nothing; whoever brings the receipt next does. Refunds of parts stand. */
static KeptPlan reopen_receipt = {
	.sql = "UPDATE coursebase.store_receipts x SET status = 'pending', refunded_at = NULL, "
		   "refund_detail = NULL, refunded_quantity = least(f.quantity, x.quantity), "
		   "refunded_in_cents = f.amount "
		   "FROM (SELECT coalesce(sum(r.quantity), 0) AS quantity, "
		   "coalesce(sum(r.amount_in_cents), 0) AS amount FROM coursebase.store_refunds r "
		   "WHERE r.source = $1 AND r.environment = $2 AND r.purchase_id = $3 "
		   "AND r.reversed_at IS NULL) f WHERE " PURCHASE_KEY,
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan give_receipt = {
	.sql = "SELECT coursebase.validate_purchase(u.id, x.receipt::text::json, $4) ->> 'status' "
		   "FROM coursebase.store_receipts x JOIN coursebase.users u ON u.id = x.user_id "
		   "WHERE " PURCHASE_KEY " AND u.deleted_at IS NULL AND x.receipt IS NOT NULL",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan claim_credits = {
	.sql = "SELECT FROM coursebase.refund_credit_pack($1, $2, $3, $4, $5)",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID},
};
/* What the closing of an account took stays taken until somebody else brings the receipt
 * (transfer.c). */
static KeptPlan restore_custom_course = {
	.sql = "UPDATE coursebase.custom_course_purchases x SET status = "
		   "CASE x.link_issued_at WHEN '-infinity' THEN 'revoked' ELSE 'active' END "
		   "WHERE " PURCHASE_KEY " AND x.status = 'refunded' RETURNING x.status",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan restore_credits = {
	.sql = "SELECT r.bank_credits "
		   "FROM coursebase.reverse_credit_pack_refund($1, $2, $3, $4, $5) r",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID},
};
static KeptPlan count_reversed = {
	.sql = "SELECT count(*) FROM coursebase.store_refunds x WHERE " PURCHASE_KEY
		   " AND x.reversed_at IS NOT NULL",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

static KeptPlan restore_discount = {
	.sql = "SELECT coursebase.restore_discount($1, $2, $3, $4)",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
};

/* Of a purchase whose person has closed the account. */
#define CLOSED_DETAIL "The account is closed; whoever brings the receipt gets what it is for."

/* A purchase whose refund is reversed. */
typedef struct Reversal
{
	PurchaseKey key;
	NamedUser named; /* nobody, but for who calls by SQL */
	TimestampTz at;
	const char *ref; /* NULL: every refund */
	bool known;      /* a user has the purchase */
	pg_uuid_t user;
	const char *kind;
	const char *product_id;
	const char *line;
	pg_uuid_t buyer;           /* who used a discount for it */
	const char *order_ref;     /* of that use; NULL: there is none */
	const char *status;        /* the receipt's, in the end */
	const char *status_before; /* a refund ended the purchase: what to return to */
	TimestampTz refunded_at;   /* of the refund that ended it */
	int64 credits;             /* that come back to a pack */
	const char *detail;
} Reversal;

/*
 * Marks the statements of this file: tg_any__refund_stays() lets those make refunded_at NULL,
 * and no other. A variable of C, so that no SQL can set it.
 */
static StatementMark reversal_writes;

static void receipt_find(Reversal *reversal);
static bool refunds_reverse(const Reversal *reversal);
static bool refunds_mark(const Reversal *reversal);
static void settle(Reversal *reversal, const RefundState *before);
static void purchase_give(Reversal *reversal, const RefundState *after);
static void purchase_restore(Reversal *reversal);
static void credits_restore(Reversal *reversal);
static void subscription_restore(Reversal *reversal);
static void discount_restore(Reversal *reversal);
static void receipt_write(Reversal *reversal);
static void reversal_audit(const Reversal *reversal);
static void reversal_return(FunctionCallInfo fcinfo, const Reversal *reversal);

PG_FUNCTION_INFO_V1(coursebase_reverse_store_refund);
PG_FUNCTION_INFO_V1(coursebase_tg_any__refund_stays);

/*
 * SQL function: reverse_store_refund(source text, environment text, purchase_id text, at
 * timestamptz, refund_ref text, user_id uuid) returns table (status text, kind text, user_id
 * uuid, product_id text, detail text)
 */
PGDLLEXPORT Datum
coursebase_reverse_store_refund(PG_FUNCTION_ARGS)
{
	Reversal reversal = {0};
	RefundState before;
	OwnerRights rights;

	purchase_key_read(&reversal.key, fcinfo);
	reversal.at = args_time(fcinfo, ARGUMENT_AT);
	reversal.ref = refund_ref_read(fcinfo, ARGUMENT_REF);
	schema_require_current();
	/* it gives: a stolen server key must not take refunds back */
	signed_only_require(reversal.key.source);
	reversal.named = named_user_read(fcinfo, ARGUMENT_USER);
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	receipt_find(&reversal);
	refund_state_read(&reversal.key, &before);
	reversal.detail = "Nothing of it is refunded.";
	if (refunds_reverse(&reversal) || !reversal.known)
		settle(&reversal, &before);
	owner_leave(rights);
	reversal_return(fcinfo, &reversal);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: tg_any__refund_stays() returns trigger
 *
 * Fires where an UPDATE changes a refunded_at that is set.
 */
PGDLLEXPORT Datum
coursebase_tg_any__refund_stays(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__refund_stays", ROW_BEFORE_UPDATE);

	if (!statement_mark_fires(&reversal_writes) && !restore_under_way())
		ereport(ERROR, (errcode(ERRCODE_CB_SET_ONCE),
						errmsg("column \"refunded_at\" of table \"%s\" is set already",
							   RelationGetRelationName(data->tg_relation)),
						errdetail("It is set once and then stays."),
						errhint("Where the store took the refund back, call "
								"coursebase.reverse_store_refund().")));
	return PointerGetDatum(data->tg_newtuple);
}

/* Locks the people whom the purchase concerns and its receipt, and reads it; KB106 if there is
 * none. */
static void
receipt_find(Reversal *reversal)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &reversal->key);
	if (!purchase_lock(&reversal->key, NULL, NULL) ||
		plan_execute(&find_receipt, values.datums, values.nulls, false) == 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such purchase"),
			 errdetail("There is no receipt of \"%s\" of %s, %s.", reversal->key.purchase_id,
					   reversal->key.source, reversal->key.environment),
			 errhint("Tell the reversal again when the receipt or its refund has come.")));
	reversal->known = plan_uuid_or_null(0, FOUND_USER_ID, &reversal->user);
	if (reversal->known)
		named_user_require(&reversal->named, &reversal->user);
	reversal->kind = plan_text(0, FOUND_KIND);
	/*
	 * a refund without its receipt says of nothing what it was; that it has a person all the
	 * same only plain SQL can say
	 */
	reversal->known = reversal->known && reversal->kind != NULL;
	reversal->product_id = plan_text(0, FOUND_PRODUCT_ID);
	reversal->line = plan_text(0, FOUND_LINE);
	reversal->status = plan_text_required(0, FOUND_STATUS);
	plan_uuid_or_null(0, FOUND_BUYER, &reversal->buyer);
	reversal->order_ref = plan_text(0, FOUND_ORDER_REF);
}

/*
 * For refund.c: a refund that is told after its reversal may leave more to the refunds that
 * stand.
 */
void
reversal_settle(const PurchaseKey *key, TimestampTz at, const RefundState *before)
{
	Reversal reversal = {.key = *key, .at = at};

	receipt_find(&reversal);
	settle(&reversal, before);
}

void
reversal_of_pack(const PurchaseKey *key, const char *ref, TimestampTz at)
{
	Reversal reversal = {
		.key = *key,
		.at = at,
		.ref = ref,
		.status_before = "valid",
		.detail = "The pack was given back.",
	};
	RefundState before;
	StatementMark outer;

	receipt_find(&reversal);
	refund_state_read(key, &before);
	reversal.refunded_at = before.refunded_at;
	/* not kept: a refund that the store tells later is another one */
	refunds_mark(&reversal);
	outer = statement_mark_set(&reversal_writes);
	PG_TRY();
	{
		discount_restore(&reversal);
		receipt_write(&reversal);
	}
	PG_FINALLY();
	{
		reversal_writes = outer;
	}
	PG_END_TRY();
}

/*
 * Makes the receipt pending, as if it were not paid yet; false, and nothing is written, while
 * other refunds still take all of it. PG_FINALLY closes the door for refunded_at after an error
 * as well.
 */
bool
reversal_reopen(const PurchaseKey *key)
{
	StatementMark outer;
	RefundState state;
	PlanValues values = {0};

	refund_state_read(key, &state);
	if (refund_state_is_whole(&state))
		return false;
	purchase_key_bind(&values, key);
	outer = statement_mark_set(&reversal_writes);
	PG_TRY();
	{
		plan_execute(&reopen_receipt, values.datums, values.nulls, false);
	}
	PG_FINALLY();
	{
		reversal_writes = outer;
	}
	PG_END_TRY();
	return true;
}

/* Marks the refunds as reversed, and keeps the reversal for one that has not come; false if
 * none is marked. */
static bool
refunds_reverse(const Reversal *reversal)
{
	PlanValues values = {0};
	bool marked = refunds_mark(reversal);

	purchase_key_bind(&values, &reversal->key);
	plan_bind_time(&values, reversal->at);
	plan_bind_text(&values, reversal->ref);
	/*
	 * a time without an id is kept in the receipt, an id as a row: the same values serve, and
	 * each plan reads as many as it has parameters
	 */
	plan_execute(reversal->ref == NULL ? &keep_time : &keep_ref, values.datums, values.nulls,
				 false);
	return marked;
}

static bool
refunds_mark(const Reversal *reversal)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &reversal->key);
	plan_bind_time(&values, reversal->at);
	plan_bind_text(&values, reversal->ref);
	return plan_execute(&reverse_refunds, values.datums, values.nulls, false) > 0;
}

/* Gives back what the refunds that stand hold no longer. */
static void
settle(Reversal *reversal, const RefundState *before)
{
	RefundState after;

	refund_state_read(&reversal->key, &after);
	if (before->ended && refund_state_is_whole(&after))
	{
		reversal->detail = "Another refund of it stands.";
		return;
	}
	if (!reversal->known)
	{
		reversal->status = "forgotten";
		reversal->detail = "The receipt has not come; when it comes it gives what it is for.";
		return;
	}
	if (before->ended && !before->given &&
		(before->status_before == NULL || strcmp(before->status_before, "valid") == 0))
		purchase_give(reversal, &after);
	else
	{
		StatementMark outer;

		reversal->refunded_at = before->refunded_at;
		/* what it returns to; a part had ended nothing */
		if (before->ended)
			reversal->status_before =
				before->status_before != NULL ? before->status_before : "valid";
		if (strcmp(reversal->kind, product_kind_names[PRODUCT_AI_CREDITS]) == 0)
			reversal->credits =
				refund_state_credits(&reversal->key, &after, after.taken,
									 before->ended ? after.total : before->taken);
		outer = statement_mark_set(&reversal_writes);
		PG_TRY();
		{
			purchase_restore(reversal);
			discount_restore(reversal);
			receipt_write(reversal);
		}
		PG_FINALLY();
		{
			reversal_writes = outer;
		}
		PG_END_TRY();
	}
	reversal_audit(reversal);
}

/* The receipt came when its purchase was refunded already, and has given nothing yet. */
static void
purchase_give(Reversal *reversal, const RefundState *after)
{
	PlanValues values = {0};
	int64 credits;

	reversal_reopen(&reversal->key);
	purchase_key_bind(&values, &reversal->key);
	plan_bind_time(&values, reversal->at);
	reversal->status = "pending";
	reversal->detail = CLOSED_DETAIL;
	if (plan_execute(&give_receipt, values.datums, values.nulls, false) == 0)
		return;
	reversal->status = plan_text_required(0, 1);
	reversal->detail = "The purchase was given: its receipt had come after its refund.";
	credits = refund_state_credits(&reversal->key, after, 0, after->taken);
	if (credits == 0)
		return;
	plan_bind_int64(&values, credits);
	plan_execute(&claim_credits, values.datums, values.nulls, false);
}

/* Gives back by kind. What had given nothing before its refund gives nothing after it. */
static void
purchase_restore(Reversal *reversal)
{
	const PurchaseKey *key = &reversal->key;
	PlanValues values = {0};

	reversal->detail = reversal->status_before != NULL
						   ? "It gives nothing, as before its refund."
						   : "The refund of a part had taken nothing.";
	if (reversal->status_before != NULL && strcmp(reversal->status_before, "valid") != 0 &&
		strcmp(reversal->status_before, "duplicate") != 0)
		return;
	switch (product_kind_parse(reversal->kind))
	{
		case PRODUCT_AI_CREDITS:
			credits_restore(reversal);
			break;
		case PRODUCT_COURSE:
			if (reversal->status_before == NULL)
				break;
			reversal->status_before = course_purchase_restore(key->source, key->environment,
															  key->purchase_id, reversal->at)
										  ? "valid"
										  : "duplicate";
			reversal->detail = strcmp(reversal->status_before, "valid") == 0
								   ? "The course was given back."
								   : "Another purchase gives the course by now.";
			break;
		case PRODUCT_SUBSCRIPTION:
			if (reversal->status_before != NULL)
				subscription_restore(reversal);
			break;
		default:
			if (reversal->status_before == NULL)
				break;
			purchase_key_bind(&values, key);
			reversal->detail =
				plan_execute(&restore_custom_course, values.datums, values.nulls, false) == 0 ||
						strcmp(plan_text_required(0, 1), "active") == 0
					? "The custom course was given back."
					: CLOSED_DETAIL;
	}
}

/* What the refunds claimed is released; the pack knows what of it they had taken. */
static void
credits_restore(Reversal *reversal)
{
	PlanValues values = {0};

	if (reversal->credits == 0)
		return;
	purchase_key_bind(&values, &reversal->key);
	plan_bind_time(&values, reversal->at);
	plan_bind_int64(&values, reversal->credits);
	plan_execute(&restore_credits, values.datums, values.nulls, false);
	reversal->detail = psprintf("Credits were given back: " INT64_FORMAT ".", plan_int64(0, 1));
}

/* The fold knows the term before the refund. Each reversal is an event of its own. */
static void
subscription_restore(Reversal *reversal)
{
	const PurchaseKey *key = &reversal->key;
	SubscriptionNotice notice;
	SubscriptionAnswer answer;
	PlanValues values = {0};

	purchase_key_bind(&values, key);
	plan_execute(&count_reversed, values.datums, values.nulls, false);
	notice_init(&notice, key->source, key->environment, EVENT_UNREVOKED, reversal->at);
	notice.original_transaction_id = reversal->line != NULL ? reversal->line : key->purchase_id;
	notice.event.id =
		psprintf("refund_reversed:%s:" INT64_FORMAT, key->purchase_id, plan_int64(0, 1));
	notice.event.transaction = key->purchase_id;
	subscription_take(&notice, &reversal->user, reversal->at, &answer);
	reversal->detail =
		psprintf("The period was given back; the subscription is %s.", answer.status);
}

/* A part gave no use back. The use is the buyer's wherever the purchase is. */
static void
discount_restore(Reversal *reversal)
{
	PlanValues values = {0};

	if (reversal->order_ref == NULL || reversal->status_before == NULL)
		return;
	plan_bind_uuid(&values, &reversal->buyer);
	plan_bind_text(&values, reversal->order_ref);
	plan_bind_time(&values, reversal->refunded_at);
	plan_bind_time(&values, reversal->at);
	plan_execute(&restore_discount, values.datums, values.nulls, false);
	if (plan_bool(0, 1))
		reversal->detail =
			psprintf("%s The use of its discount was taken again.", reversal->detail);
}

/* A receipt that a refund had ended returns to what it was. */
static void
receipt_write(Reversal *reversal)
{
	PlanValues values = {0};

	purchase_key_bind(&values, &reversal->key);
	plan_bind_text(&values, reversal->status_before);
	plan_execute(&write_receipt, values.datums, values.nulls, false);
	if (reversal->status_before != NULL)
		reversal->status = reversal->status_before;
}

static void
reversal_audit(const Reversal *reversal)
{
	const PurchaseKey *key = &reversal->key;
	StringInfoData out;

	object_begin(&out);
	object_text(&out, "user_id", uuid_text(&reversal->user));
	object_text(&out, "kind", reversal->kind);
	object_text(&out, "product_id", reversal->product_id);
	object_text(&out, "detail", reversal->detail);
	audit_write(
		"purchase_refund_reversed",
		psprintf("store_receipts/%s/%s/%s", key->source, key->environment, key->purchase_id),
		NULL, object_end(&out));
}

static void
reversal_return(FunctionCallInfo fcinfo, const Reversal *reversal)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PlanValues values = {0};
	bool nulls[5];

	plan_bind_text(&values, reversal->status);
	plan_bind_text(&values, reversal->kind);
	plan_bind_uuid(&values, reversal->known ? &reversal->user : NULL);
	plan_bind_text(&values, reversal->product_id);
	plan_bind_text(&values, reversal->detail);
	for (int i = 0; i < lengthof(nulls); i++)
		nulls[i] = values.nulls[i] == 'n';
	tuplestore_putvalues(result->setResult, result->setDesc, values.datums, nulls);
}
