/*
 * payment_refund.c: refunds and disputes of a sale as its provider tells of them, by the
 * payment and not by the purchase, in whatever order they come.
 *
 * A provider tells of each refund by an id of its own, and besides of the sum that was paid
 * back of a charge until then. Invariant: what counts is the greater of both, once. A sum that
 * came before its refunds is recorded as a refund whose reference begins with TOTAL_PREFIX; the
 * refund that it was of takes its place when it comes. A sum holds the refunds that failed
 * later, and is told late too: they are taken off it. It holds none that had failed before, so
 * that a failure which is told after it takes nothing off it; hence every sum is kept. A
 * dispute stands beside the refunds and their sum. One of more than is left takes what is left,
 * which may be nothing, and the rest of its sum when a refund has failed: as a refund of its
 * own, whose reference begins with that of the dispute.
 *
 * A reversal (a refund that failed, a dispute that was won) gives back what its refund took. It
 * is kept where it comes first, and the refund then counts for nothing.
 *
 * Locks: the buyer's row of users, then the purchase, as in refund.c.
 *
 * Rights: the server's alone; statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "core/schema.h"
#include "core/signed_only.h"
#include "identity/anchor.h"
#include "identity/named.h"
#include "sales/sale.h"

/*
 * No provider's id of a refund begins so. The provider's sum and its time follow the id of the
 * charge; a name that goes on after them is of what was counted anew, but for TOTAL_NOTE: of a
 * sum that told nothing new.
 */
#define TOTAL_PREFIX "total:"
#define TOTAL_NOTE   "/0"

/* Instead of a sum that is above 0: all that is left. */
#define REFUND_REST 0

/* Stripe's ids of disputes, which no sum of refunds holds. */
#define IS_DISPUTE(ref) "(starts_with(" ref ", 'dp_') OR starts_with(" ref ", 'du_'))"

/* The arguments of refund_payment(). */
enum
{
	PAYMENT_INTENT,
	PAYMENT_CHARGE,
	PAYMENT_INVOICE,
	PAYMENT_AMOUNT,
	PAYMENT_REF,
	PAYMENT_IS_TOTAL,
	PAYMENT_AT,
	PAYMENT_USER,
};

/* The arguments of reverse_refund(). */
enum
{
	REVERSE_PURCHASE,
	REVERSE_REF,
	REVERSE_AMOUNT,
	REVERSE_AT,
	REVERSE_USER,
};

#define ANSWER_COLUMNS 4

static KeptPlan write_references = {
	.sql = "UPDATE coursebase.purchases s SET currency = coalesce(s.currency, "
		   "upper(translate(btrim($2), 'i', 'I'))),"
		   " tax_in_cents = coalesce(s.tax_in_cents, $3),"
		   " payment_intent_id = coalesce(s.payment_intent_id, $4),"
		   " charge_id = coalesce(s.charge_id, $5), invoice_id = coalesce(s.invoice_id, $6)"
		   " WHERE s.stripe_session_id = $1",
	.nargs = 6,
	.types = {TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan find_purchase = {
	.sql = "SELECT s.id, s.user_id FROM coursebase.purchases s WHERE s.payment_intent_id = $1"
		   " OR s.charge_id = $2 OR s.invoice_id = $3 ORDER BY s.created_at LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
/* The buyer of a purchase never changes, so that the lock may follow the look. */
static KeptPlan find_buyer = {
	.sql = "SELECT s.user_id FROM coursebase.purchases s WHERE s.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan lock_purchase = {
	.sql = "SELECT s.refunded_in_cents::bigint FROM coursebase.purchases s WHERE s.id = $1"
		   " FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_left = {
	.sql = "SELECT (s.price_paid_in_cents - s.refunded_in_cents)::bigint"
		   " FROM coursebase.purchases s WHERE s.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* A refund tells the charge of a payment whose checkout knew the intent alone. */
static KeptPlan learn_references = {
	.sql = "UPDATE coursebase.purchases s SET"
		   " payment_intent_id = coalesce(s.payment_intent_id, $2),"
		   " charge_id = coalesce(s.charge_id, $3), invoice_id = coalesce(s.invoice_id, $4)"
		   " WHERE s.id = $1 AND (s.payment_intent_id IS NULL AND $2 IS NOT NULL"
		   "  OR s.charge_id IS NULL AND $3 IS NOT NULL OR s.invoice_id IS NULL AND $4 IS NOT "
		   "NULL)",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan refund_sale = {
	.sql = "SELECT FROM coursebase.refund_purchase($1, $2, $3, $4)",
	.nargs = 4,
	.types = {UUIDOID, INT8OID, TIMESTAMPTZOID, TEXTOID},
};
/*
 * A refund that was not recorded, because others have given all of it back: one of them has
 * failed, and that is to be told yet. Where a part was given back without a reference, by hand,
 * it may be this very refund.
 */
static KeptPlan find_surplus = {
	.sql = "SELECT FROM coursebase.purchases s WHERE s.id = $1 AND NOT " IS_DISPUTE(
		"$2") " AND NOT starts_with($2, '" TOTAL_PREFIX "')"
			  " AND NOT EXISTS (SELECT FROM coursebase.purchase_refunds r"
			  "  WHERE r.refund_ref = $2)"
			  " AND s.refunded_in_cents <= (SELECT sum(r.amount_in_cents)"
			  "  FROM coursebase.purchase_refunds r"
			  "  WHERE r.purchase_id = s.id AND r.reversed_at IS NULL)",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
static KeptPlan find_told = {
	.sql = "SELECT r.is_rest FROM coursebase.purchase_refunds r WHERE r.refund_ref = $1",
	.nargs = 1,
	.types = {TEXTOID},
};
/* The refunds recorded for sums that came before their own refunds, and that still stand; the
 * latest first. */
static KeptPlan read_totals = {
	.sql =
		"SELECT r.refund_ref, r.amount_in_cents::bigint FROM coursebase.purchase_refunds r"
		" WHERE r.purchase_id = $1 AND r.reversed_at IS NULL"
		" AND starts_with(r.refund_ref, '" TOTAL_PREFIX "') ORDER BY r.created_at DESC, 1 DESC",
	.nargs = 1,
	.types = {UUIDOID},
};
/*
 * Two sums that a told total must be compared without: what disputes took, which stands beside
 * it; and the refunds that were reversed since the time of the total, which it still held.
 */
static KeptPlan read_beside = {
	.sql =
		"SELECT coalesce(sum(r.amount_in_cents) FILTER (WHERE r.reversed_at IS NULL"
		"  AND " IS_DISPUTE(
			"r.refund_ref") "), 0)::bigint,"
							" coalesce(sum(r.amount_in_cents) FILTER (WHERE r.reversed_at >= $2"
							"  AND NOT " IS_DISPUTE(
								"r.refund_ref") "  AND NOT starts_with(r.refund_ref, "
												"'" TOTAL_PREFIX "')), 0)::bigint"
												" FROM coursebase.purchase_refunds r WHERE "
												"r.purchase_id = $1",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/*
 * The greatest sum that is told, without the refunds that have failed since, which it held.
 * What it is above the refunds that are known by themselves is what totals are to stand for, as
 * far as so much was paid beside disputes; and what they stand for now.
 */
/* clang-format off */
static KeptPlan read_owed = {
	.sql = "SELECT t.refund_ref, t.refunded_at,"
		" least(greatest(t.sum - t.failed - t.known, 0), t.left)::bigint, t.totals::bigint"
		" FROM (SELECT r.refund_ref, r.refunded_at, n.totals,"
		"  s.refunded_in_cents - n.disputes - n.totals AS known,"
		"  s.price_paid_in_cents - s.refunded_in_cents + n.totals AS left,"
		"  r.told_in_cents AS sum,"
		"  coalesce((SELECT sum(f.amount_in_cents) FROM coursebase.purchase_refunds f"
		"   WHERE f.purchase_id = $1 AND f.reversed_at >= r.refunded_at"
		"   AND NOT " IS_DISPUTE("f.refund_ref")
		"   AND NOT starts_with(f.refund_ref, '" TOTAL_PREFIX "')), 0) AS failed"
		"  FROM coursebase.purchase_refunds r JOIN coursebase.purchases s ON s.id = r.purchase_id"
		"  CROSS JOIN (SELECT"
		"   coalesce(sum(o.amount_in_cents)"
		"    FILTER (WHERE " IS_DISPUTE("o.refund_ref") "), 0) AS disputes,"
		"   coalesce(sum(o.amount_in_cents)"
		"    FILTER (WHERE starts_with(o.refund_ref, '" TOTAL_PREFIX "')), 0) AS totals"
		"   FROM coursebase.purchase_refunds o"
		"   WHERE o.purchase_id = $1 AND o.reversed_at IS NULL) n"
		"  WHERE r.purchase_id = $1 AND r.told_in_cents IS NOT NULL"
		"  AND starts_with(r.refund_ref, '" TOTAL_PREFIX "')) t"
		" ORDER BY t.sum - t.failed DESC, t.refunded_at, 1 LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* clang-format on */
static KeptPlan mark_reversed = {
	.sql = "UPDATE coursebase.purchase_refunds r SET reversed_at = $2"
		   " WHERE r.refund_ref = $1 AND r.reversed_at IS NULL"
		   " RETURNING r.amount_in_cents::bigint, r.purchase_id",
	.nargs = 2,
	.types = {TEXTOID, TIMESTAMPTZOID},
};
/*
 * Records a refund without a change of the purchase: one that takes the place of a sum of the
 * same amount, a reversal that came first, or a dispute for which nothing is left.
 */
static KeptPlan write_told = {
	.sql = "INSERT INTO coursebase.purchase_refunds"
		   " (refund_ref, purchase_id, amount_in_cents, is_rest, refunded_at, reversed_at)"
		   " VALUES ($1, $2, $3, $6, $4, $5) ON CONFLICT (refund_ref) DO NOTHING",
	.nargs = 6,
	.types = {TEXTOID, UUIDOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID},
};
static KeptPlan write_sum = {
	.sql = "UPDATE coursebase.purchase_refunds r SET told_in_cents = $2"
		   " WHERE r.refund_ref = $1 AND r.told_in_cents IS NULL",
	.nargs = 2,
	.types = {TEXTOID, INT8OID},
};
/*
 * The first dispute that stands and has taken less than it is of, and how much of that is there
 * to take; not one that took of what came back ($2) before.
 */
static KeptPlan read_unmet = {
	.sql = "SELECT d.refund_ref, d.refunded_at,"
		   " least(d.told_in_cents - t.taken, s.price_paid_in_cents - s.refunded_in_cents)"
		   "  ::bigint"
		   " FROM coursebase.purchase_refunds d"
		   " JOIN coursebase.purchases s ON s.id = d.purchase_id"
		   " CROSS JOIN LATERAL (SELECT sum(o.amount_in_cents) AS taken"
		   "  FROM coursebase.purchase_refunds o WHERE o.purchase_id = $1"
		   "  AND o.reversed_at IS NULL AND (o.refund_ref = d.refund_ref"
		   "   OR starts_with(o.refund_ref, d.refund_ref || '/'))) t"
		   " WHERE d.purchase_id = $1 AND d.reversed_at IS NULL"
		   " AND NOT starts_with(d.refund_ref, '" TOTAL_PREFIX "')"
		   " AND d.told_in_cents > t.taken"
		   " AND s.refunded_in_cents < s.price_paid_in_cents"
		   " AND NOT EXISTS (SELECT FROM coursebase.purchase_refunds o"
		   "  WHERE o.refund_ref = d.refund_ref || '/' || $2)"
		   " ORDER BY d.refunded_at, 1 LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
/* What the dispute $2 took since it was told. */
static KeptPlan read_later = {
	.sql = "SELECT r.refund_ref FROM coursebase.purchase_refunds r WHERE r.purchase_id = $1"
		   " AND r.reversed_at IS NULL AND starts_with(r.refund_ref, $2 || '/')",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
/*
 * refunded_at goes with the sum: a purchase that is not refunded in full gives its courses
 * again.
 */
static KeptPlan give_back = {
	.sql = "UPDATE coursebase.purchases s SET refunded_in_cents = s.refunded_in_cents - $2,"
		   " refunded_at = NULL WHERE s.id = $1",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};
/*
 * Undoes what the trigger of purchases (tg_purchases__audit) does too much: when refunded_at
 * becomes NULL it marks every refund of that instant as reversed. $2 are those that stand.
 */
static KeptPlan keep_others = {
	.sql =
		"UPDATE coursebase.purchase_refunds r SET reversed_at = NULL WHERE r.purchase_id = $1"
		" AND r.refund_ref = ANY ($2)",
	.nargs = 2,
	.types = {UUIDOID, TEXTARRAYOID},
};
static KeptPlan read_others = {
	.sql = "SELECT coalesce(array_agg(r.refund_ref), '{}') FROM coursebase.purchase_refunds r"
		   " WHERE r.purchase_id = $1 AND r.reversed_at IS NULL",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_answer = {
	.sql = "SELECT " SALE_REFUND_COLUMNS("$2") " FROM coursebase.purchases s WHERE s.id = $1",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

static int64 purchase_lock(const pg_uuid_t *purchase, const pg_uuid_t *user);
static void refund_count(const pg_uuid_t *purchase, FunctionCallInfo fcinfo, int64 refunded);
static void total_count(const pg_uuid_t *purchase, const char *ref, int64 amount,
						int64 refunded, TimestampTz at);
static void total_note(const pg_uuid_t *purchase, const char *name, TimestampTz at);
static void totals_settle(const pg_uuid_t *purchase, const char *after, TimestampTz at);
static bool ref_is_dispute(const char *ref);
static void dispute_count(const pg_uuid_t *purchase, const char *ref, int64 amount,
						  TimestampTz at);
static void disputes_settle(const pg_uuid_t *purchase, const char *after);
static int64 dispute_reverse(const pg_uuid_t *purchase, const char *ref, TimestampTz at);
static void sum_write(const char *ref, int64 sum);
static void totals_reverse(const pg_uuid_t *purchase, TimestampTz at);
static int64 references_reverse(const pg_uuid_t *purchase, uint64 count, TimestampTz at);
static bool total_swap(const pg_uuid_t *purchase, const char *ref, int64 amount,
					   TimestampTz at);
static void totals_replace(const pg_uuid_t *purchase, const char *ref, int64 amount,
						   TimestampTz at);
static void refund_call(const pg_uuid_t *purchase, int64 amount, TimestampTz at,
						const char *ref);
static int64 reference_reverse(const pg_uuid_t *purchase, const char *ref, TimestampTz at);
static void answer_return(FunctionCallInfo fcinfo, const pg_uuid_t *purchase, int at);

PG_FUNCTION_INFO_V1(coursebase_refund_payment);
PG_FUNCTION_INFO_V1(coursebase_reverse_refund);

/* The columns that name the payment, and the session, are set once; what is there stays. */
void
sale_references_write(FunctionCallInfo fcinfo, int session, int first)
{
	PlanValues values = {0};
	bool any = false;

	args_bind(&values, fcinfo, session);
	for (int i = first; i < first + SALE_REFERENCES; i++)
	{
		args_bind(&values, fcinfo, i);
		any |= !PG_ARGISNULL(i);
	}
	if (any)
		owner_execute(&write_references, values.datums, values.nulls, false);
}

/*
 * SQL function: refund_payment(payment_intent_id text, charge_id text, invoice_id text,
 * amount_in_cents bigint, refund_ref text, is_total boolean, at timestamptz, user_id uuid)
 * returns table (purchase_id uuid, refunded_in_cents integer, refunded_at timestamptz,
 * revoked_course_ids uuid[])
 */
PGDLLEXPORT Datum
coursebase_refund_payment(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	pg_uuid_t purchase, user;
	NamedUser named;
	int64 refunded;

	for (int i = PAYMENT_AMOUNT; i <= PAYMENT_IS_TOTAL; i++)
		args_require(fcinfo, i);
	args_time(fcinfo, PAYMENT_AT);
	if (args_money(fcinfo, PAYMENT_AMOUNT) <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("amount_in_cents must be above 0")));
	schema_require_current();
	named = named_user_read(fcinfo, PAYMENT_USER);
	compat_materialize(fcinfo);
	SPI_connect();
	for (int i = PAYMENT_INTENT; i <= PAYMENT_INVOICE; i++)
		args_bind(&values, fcinfo, i);
	if (owner_execute(&find_purchase, values.datums, values.nulls, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such purchase"),
						errdetail("None is known by that payment, charge or invoice."),
						errhint("Tell the refund again when the sale has come.")));
	purchase = plan_uuid(0, 1);
	user = plan_uuid(0, 2);
	named_user_require(&named, &user);
	purchase_lock(&purchase, &user);
	values = (PlanValues){0};
	plan_bind_uuid(&values, &purchase);
	for (int i = PAYMENT_INTENT; i <= PAYMENT_INVOICE; i++)
		args_bind(&values, fcinfo, i);
	owner_execute(&learn_references, values.datums, values.nulls, false);
	/*
	 * locked and read again: the trigger of purchases may have taken up notifications that
	 * waited for a name that is new, and refunded more
	 */
	refunded = purchase_lock(&purchase, &user);
	refund_count(&purchase, fcinfo, refunded);
	answer_return(fcinfo, &purchase, PAYMENT_AT);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: reverse_refund(purchase_id uuid, refund_ref text, amount_in_cents bigint, at
 * timestamptz, user_id uuid) returns table (purchase_id uuid, refunded_in_cents integer,
 * refunded_at timestamptz, revoked_course_ids uuid[])
 */
PGDLLEXPORT Datum
coursebase_reverse_refund(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	pg_uuid_t purchase, user;
	NamedUser named;
	TimestampTz at;
	bool is_news;
	char *ref;
	Datum key;

	for (int i = REVERSE_PURCHASE; i <= REVERSE_AT; i++)
		if (i != REVERSE_AMOUNT)
			args_require(fcinfo, i);
	if (!PG_ARGISNULL(REVERSE_AMOUNT) && args_money(fcinfo, REVERSE_AMOUNT) < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("amount_in_cents must not be negative")));
	at = args_time(fcinfo, REVERSE_AT);
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(REVERSE_REF)) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("refund_ref must not be empty"),
						errhint("Pass the provider's id of the refund.")));
	purchase = *PG_GETARG_UUID_P(REVERSE_PURCHASE);
	ref = args_text_or_null(fcinfo, REVERSE_REF);
	schema_require_current();
	/* it gives: a stolen server key must not take refunds back */
	signed_only_require("stripe");
	named = named_user_read(fcinfo, REVERSE_USER);
	compat_materialize(fcinfo);
	SPI_connect();
	key = UUIDPGetDatum(&purchase);
	if (owner_execute(&find_buyer, &key, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such purchase"),
						errdetail("None has the id %s.", uuid_text(&purchase)),
						errhint("Give the id of a row of purchases.")));
	user = plan_uuid(0, 1);
	named_user_require(&named, &user);
	purchase_lock(&purchase, &user);
	is_news = (ref_is_dispute(ref) ? dispute_reverse(&purchase, ref, at)
								   : reference_reverse(&purchase, ref, at)) > 0;
	if (!is_news && !PG_ARGISNULL(REVERSE_AMOUNT))
	{
		/* it comes before its refund, which then finds itself told and reversed */
		plan_bind_text(&values, ref);
		plan_bind_uuid(&values, &purchase);
		args_bind(&values, fcinfo, REVERSE_AMOUNT);
		plan_bind_time(&values, at);
		plan_bind_time(&values, at);
		plan_bind_bool(&values, false);
		is_news = owner_execute(&write_told, values.datums, values.nulls, false) > 0;
	}
	if (is_news && !ref_is_dispute(ref))
		totals_settle(&purchase, psprintf("-%s", ref), at);
	if (is_news)
		disputes_settle(&purchase, psprintf("-%s", ref));
	answer_return(fcinfo, &purchase, REVERSE_AT);
	SPI_finish();
	return (Datum) 0;
}

/* Locks the buyer and the purchase, and answers how much is refunded of it. */
static int64
purchase_lock(const pg_uuid_t *purchase, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(purchase);

	anchor_user_require(user);
	if (owner_execute(&lock_purchase, &key, NULL, false) != 1)
		row_kept_raise("purchases", "the purchase was removed meanwhile");
	return plan_int64(0, 1);
}

/* A sum counts what it is above the refunds that are known; a refund takes the place of a sum.
 */
static void
refund_count(const pg_uuid_t *purchase, FunctionCallInfo fcinfo, int64 refunded)
{
	int64 amount = PG_GETARG_INT64(PAYMENT_AMOUNT);
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(PAYMENT_AT);
	char *ref = args_text_or_null(fcinfo, PAYMENT_REF);
	Datum key = CStringGetTextDatum(ref);

	if (PG_GETARG_BOOL(PAYMENT_IS_TOTAL))
	{
		total_count(purchase, ref, amount, refunded, at);
		return;
	}
	if (ref_is_dispute(ref))
		dispute_count(purchase, ref, amount, at);
	/* told before, also as a reversal that came first: refund_purchase() checks its content */
	else if (owner_execute(&find_told, &key, NULL, false) > 0 ||
			 !sale_totals_yield(purchase, ref, amount, at))
		refund_call(purchase, amount, at, ref);
}

/* Also for refund_purchase(): whoever tells a refund by its id tells what a sum held before. */
bool
sale_totals_yield(const pg_uuid_t *purchase, const char *ref, int64 amount, TimestampTz at)
{
	Datum key = UUIDPGetDatum(purchase);

	if (ref_is_dispute(ref) || strncmp(ref, TOTAL_PREFIX, strlen(TOTAL_PREFIX)) == 0 ||
		owner_execute(&read_totals, &key, NULL, false) == 0)
		return false;
	if (!total_swap(purchase, ref, amount, at))
		totals_replace(purchase, ref, amount, at);
	return true;
}

/*
 * Counts what the told sum is above the refunds that are known. Refunds that failed after the
 * sum was made are taken off it; disputes are taken off what is refunded, because no sum of
 * refunds holds them. The reference holds sum and time, so that the same sum told again is the
 * same refund.
 */
static void
total_count(const pg_uuid_t *purchase, const char *ref, int64 amount, int64 refunded,
			TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(purchase), TimestampTzGetDatum(at)};
	int64 above;
	char *name;

	owner_execute(&read_beside, values, NULL, false);
	above = amount - plan_int64(0, 2) - (refunded - plan_int64(0, 1));
	name = psprintf(TOTAL_PREFIX "%s:" INT64_FORMAT ":" INT64_FORMAT, ref, amount, at);
	if (above > 0)
		refund_call(purchase, above, at, name);
	else
	{
		name = psprintf("%s" TOTAL_NOTE, name);
		total_note(purchase, name, at);
	}
	sum_write(name, amount);
}

/* Keeps a sum that tells nothing new, as a refund of nothing that does not stand. */
static void
total_note(const pg_uuid_t *purchase, const char *name, TimestampTz at)
{
	PlanValues values = {0};

	plan_bind_text(&values, name);
	plan_bind_uuid(&values, purchase);
	plan_bind_int64(&values, 0);
	plan_bind_time(&values, at);
	plan_bind_time(&values, at);
	plan_bind_bool(&values, false);
	owner_execute(&write_told, values.datums, values.nulls, false);
}

/*
 * Stripe's ids of disputes begin so. A dispute is beside the refunds and their sum, and must
 * not be taken off them.
 */
static bool
ref_is_dispute(const char *ref)
{
	return strncmp(ref, "dp_", 3) == 0 || strncmp(ref, "du_", 3) == 0;
}

/*
 * A dispute may be of more than is left: refunds came before it, or the rates of currencies
 * moved. It then takes the rest, and is that when it is told again; its sum is kept, for a
 * refund that came before it may fail.
 */
static void
dispute_count(const pg_uuid_t *purchase, const char *ref, int64 amount, TimestampTz at)
{
	Datum told = CStringGetTextDatum(ref);
	Datum key = UUIDPGetDatum(purchase);
	PlanValues values = {0};
	int64 left;

	if (owner_execute(&find_told, &told, NULL, false) > 0)
	{
		refund_call(purchase, plan_bool(0, 1) ? REFUND_REST : amount, at, ref);
		return;
	}
	owner_execute(&read_left, &key, NULL, false);
	left = plan_int64(0, 1);
	if (left > 0)
		refund_call(purchase, amount > left ? REFUND_REST : amount, at, ref);
	else
	{
		plan_bind_text(&values, ref);
		plan_bind_uuid(&values, purchase);
		plan_bind_int64(&values, 0);
		plan_bind_time(&values, at);
		plan_bind_null(&values);
		plan_bind_bool(&values, true);
		owner_execute(&write_told, values.datums, values.nulls, false);
	}
	if (amount > left)
		sum_write(ref, amount);
}

/* After a reversal: disputes that were of more than was left take of what came back. after is
 * what was told, by which what each takes is named. */
static void
disputes_settle(const pg_uuid_t *purchase, const char *after)
{
	Datum values[] = {UUIDPGetDatum(purchase), CStringGetTextDatum(after)};

	while (owner_execute(&read_unmet, values, NULL, false) > 0)
		refund_call(purchase, plan_int64(0, 3), plan_time(0, 2),
					psprintf("%s/%s", plan_text_required(0, 1), after));
}

/* The dispute and what it took later; how much it gives back. */
static int64
dispute_reverse(const pg_uuid_t *purchase, const char *ref, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(purchase), CStringGetTextDatum(ref)};
	uint64 later = owner_execute(&read_later, values, NULL, false);

	return references_reverse(purchase, later, at) + reference_reverse(purchase, ref, at);
}

/* The sum that the provider told, where the reference took another one. */
static void
sum_write(const char *ref, int64 sum)
{
	Datum values[] = {CStringGetTextDatum(ref), Int64GetDatum(sum)};

	owner_execute(&write_sum, values, NULL, false);
}

/*
 * The usual case: the total told of this refund alone and came first. The refund takes its
 * place under its own id, and the purchase stays as it is. False if there are several totals,
 * or of another amount.
 */
static bool
total_swap(const pg_uuid_t *purchase, const char *ref, int64 amount, TimestampTz at)
{
	Datum key = UUIDPGetDatum(purchase);
	PlanValues values = {0};
	char *total;

	if (owner_execute(&read_totals, &key, NULL, false) != 1 || plan_int64(0, 2) != amount)
		return false;
	total = plan_text_required(0, 1);
	plan_bind_text(&values, total);
	plan_bind_time(&values, at);
	owner_execute(&mark_reversed, values.datums, values.nulls, false);
	values = (PlanValues){0};
	plan_bind_text(&values, ref);
	plan_bind_uuid(&values, purchase);
	plan_bind_int64(&values, amount);
	plan_bind_time(&values, at);
	plan_bind_null(&values);
	plan_bind_bool(&values, false);
	owner_execute(&write_told, values.datums, values.nulls, false);
	return true;
}

/* The other case: all recorded totals are taken back, the refund is counted, and what the sums
 * are above it is counted again. */
static void
totals_replace(const pg_uuid_t *purchase, const char *ref, int64 amount, TimestampTz at)
{
	totals_reverse(purchase, at);
	refund_call(purchase, amount, at, ref);
	totals_settle(purchase, ref, at);
}

/*
 * After a refund or a reversal: the recorded totals are made what the sums say that are told,
 * whichever came first. after is what was told, by which the new one is named.
 */
static void
totals_settle(const pg_uuid_t *purchase, const char *after, TimestampTz at)
{
	Datum key = UUIDPGetDatum(purchase);
	TimestampTz told_at;
	int64 owed;
	char *name;

	if (owner_execute(&read_owed, &key, NULL, false) == 0 ||
		plan_int64(0, 3) == plan_int64(0, 4))
		return;
	name = psprintf("%s/%s", plan_text_required(0, 1), after);
	told_at = plan_time(0, 2);
	owed = plan_int64(0, 3);
	totals_reverse(purchase, at);
	if (owed > 0)
		refund_call(purchase, owed, told_at, name);
}

static void
totals_reverse(const pg_uuid_t *purchase, TimestampTz at)
{
	Datum key = UUIDPGetDatum(purchase);
	uint64 count = owner_execute(&read_totals, &key, NULL, false);

	references_reverse(purchase, count, at);
}

/* Reverses the references that the last statement read, in its first column. The list is copied
 * first: each reversal overwrites it. */
static int64
references_reverse(const pg_uuid_t *purchase, uint64 count, TimestampTz at)
{
	char **refs = palloc(sizeof(char *) * (count + 1));
	int64 given = 0;

	for (uint64 i = 0; i < count; i++)
		refs[i] = plan_text_required(i, 1);
	for (uint64 i = 0; i < count; i++)
		given += reference_reverse(purchase, refs[i], at);
	return given;
}

/*
 * By refund_purchase(), which records the reference, locks what is locked already, and refuses
 * more than is left. Of a purchase of which nothing is left it records none: a refund that
 * would be forgotten is refused too, so that it is told again when another one has failed.
 */
static void
refund_call(const pg_uuid_t *purchase, int64 amount, TimestampTz at, const char *ref)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, purchase);
	plan_bind_nullable(&values, Int64GetDatum(amount), amount == REFUND_REST);
	plan_bind_time(&values, at);
	plan_bind_text(&values, ref);
	owner_execute(&refund_sale, values.datums, values.nulls, false);
	values = (PlanValues){0};
	plan_bind_uuid(&values, purchase);
	plan_bind_text(&values, ref);
	if (owner_execute(&find_surplus, values.datums, values.nulls, false) > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_REFUND_REFUSED),
						errmsg("more is to be refunded than is left of the purchase"),
						errdetail("Other refunds have given back all that was paid."),
						errhint("Tell it again when one of them has failed.")));
}

/* Gives back what the refund took; how much that is, 0 for one that is unknown or reversed. */
static int64
reference_reverse(const pg_uuid_t *purchase, const char *ref, TimestampTz at)
{
	PlanValues values = {0};
	PlanValues others = {0};
	Datum key = UUIDPGetDatum(purchase);
	pg_uuid_t refunded;
	int64 amount;

	plan_bind_text(&values, ref);
	plan_bind_time(&values, at);
	if (owner_execute(&mark_reversed, values.datums, values.nulls, false) == 0)
		return 0;
	amount = plan_int64(0, 1);
	refunded = plan_uuid(0, 2);
	if (!uuid_equal(&refunded, purchase))
		ereport(ERROR, (errcode(ERRCODE_CB_REFUND_CONFLICT),
						errmsg("the refund is another purchase's"),
						errhint("Pass the purchase that the provider's refund names.")));
	/* a dispute for which nothing was left: the purchase stays refunded in full */
	if (amount == 0)
		return 0;
	owner_execute(&read_others, &key, NULL, false);
	plan_bind_uuid(&others, purchase);
	plan_bind(&others, plan_transfer_as(0, 1, TEXTARRAYOID));
	values = (PlanValues){0};
	plan_bind_uuid(&values, purchase);
	plan_bind_int64(&values, amount);
	owner_execute(&give_back, values.datums, values.nulls, false);
	owner_execute(&keep_others, others.datums, others.nulls, false);
	return amount;
}

/* The purchase as it is now, as refund_purchase() answers; at is the argument with the time. */
static void
answer_return(FunctionCallInfo fcinfo, const pg_uuid_t *purchase, int at)
{
	Datum values[] = {UUIDPGetDatum(purchase), PG_GETARG_DATUM(at)};

	owner_execute_latest(&read_answer, values, NULL);
	sale_row_return(fcinfo, ANSWER_COLUMNS);
}
