/*
 * refund.c: records refunds of purchases.
 *
 * Invariants: the refunds of a purchase never exceed what was paid. When they reach it,
 * refunded_at is set, once, and from then on the purchase gives no course (course_grant.c takes
 * away the access that nothing else gives). Completed lessons stay, and so do the grants of the
 * purchase as a record. A refund with a reference of the provider counts once, however often
 * the provider reports it, by itself or within a sum (payment_refund.c); without a reference
 * every call counts.
 *
 * Locks: the row of users of the buyer first, then the purchase, as in sale.c. Every decision
 * is read after these locks.
 *
 * Rights: only the server may execute the function; its statements run with those of the
 * tables' owner. Every refund is audited.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/named.h"
#include "sales/sale.h"

/* The arguments of refund_purchase(). */
enum
{
	ARGUMENT_PURCHASE,
	ARGUMENT_AMOUNT,
	ARGUMENT_AT,
	ARGUMENT_REF,
	ARGUMENT_USER,
};

/* The columns of lock_purchase. */
enum
{
	PURCHASE_PAID = 1,
	PURCHASE_REFUNDED,
	PURCHASE_ENDED,
};

/* purchase_id, refunded_in_cents, refunded_at, revoked_course_ids: the columns of read_refund.
 */
#define ANSWER_COLUMNS 4

/* The purchase as of after its lock; sums in cents. */
typedef struct Sale
{
	pg_uuid_t id;
	int32 paid;
	int32 refunded;
	bool ended; /* refunded in full */
} Sale;

/* The buyer, who is locked before the purchase. */
static KeptPlan read_user = {
	.sql = "SELECT user_id FROM coursebase.purchases WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan lock_purchase = {
	.sql = "SELECT price_paid_in_cents, refunded_in_cents, refunded_at IS NOT NULL"
		   " FROM coursebase.purchases WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
/* refunded_at ($3) stays null for a part. The trigger t900_project then updates the access. */
static KeptPlan write_refund = {
	.sql = "UPDATE coursebase.purchases SET refunded_in_cents = $2, refunded_at = $3"
		   " WHERE id = $1",
	.nargs = 3,
	.types = {UUIDOID, INT4OID, TIMESTAMPTZOID},
};
/*
 * No row if the reference is new. Otherwise whether the recorded refund has the same content:
 * the same purchase, and the same sum or again no sum.
 */
static KeptPlan read_told = {
	.sql = "SELECT r.purchase_id = $2 AND CASE WHEN $3 IS NULL THEN r.is_rest"
		   " ELSE r.amount_in_cents = $3 END"
		   " FROM coursebase.purchase_refunds r WHERE r.refund_ref = $1",
	.nargs = 3,
	.types = {TEXTOID, UUIDOID, INT8OID},
};
/* Writes no row if another transaction recorded the reference in the meantime. */
static KeptPlan write_told = {
	.sql = "INSERT INTO coursebase.purchase_refunds"
		   " (refund_ref, purchase_id, amount_in_cents, is_rest, refunded_at)"
		   " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (refund_ref) DO NOTHING",
	.nargs = 5,
	.types = {TEXTOID, UUIDOID, INT4OID, BOOLOID, TIMESTAMPTZOID},
};
static KeptPlan read_refund = {
	.sql = "SELECT " SALE_REFUND_COLUMNS("$2") " FROM coursebase.purchases s WHERE s.id = $1",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

static void arguments_check(FunctionCallInfo fcinfo);
static Sale sale_lock(const pg_uuid_t *purchase, const NamedUser *named);
static bool refund_told(const Sale *sale, FunctionCallInfo fcinfo);
static bool refund_is_of_total(const Sale *sale, FunctionCallInfo fcinfo);
static void sale_refund(const Sale *sale, FunctionCallInfo fcinfo);
static int32 refund_amount(const Sale *sale, FunctionCallInfo fcinfo);
static void refund_remember(const Sale *sale, int32 amount, FunctionCallInfo fcinfo);
static void refund_return(FunctionCallInfo fcinfo, const Sale *sale);
pg_noreturn static void raise_other_refund(void);
pg_noreturn static void raise_no_purchase(const pg_uuid_t *purchase);

PG_FUNCTION_INFO_V1(coursebase_refund_purchase);

/*
 * SQL function: refund_purchase(purchase_id uuid, amount_in_cents bigint, at timestamptz,
 * refund_ref text, user_id uuid) returns table (purchase_id uuid, refunded_in_cents integer,
 * refunded_at timestamptz, revoked_course_ids uuid[])
 *
 * A reference that is recorded already, or a purchase that is refunded in full, changes
 * nothing: the answer is then what an earlier call made of the purchase.
 */
PGDLLEXPORT Datum
coursebase_refund_purchase(PG_FUNCTION_ARGS)
{
	NamedUser named;
	Sale sale;

	arguments_check(fcinfo);
	schema_require_current();
	named = named_user_read(fcinfo, ARGUMENT_USER);
	compat_materialize(fcinfo);
	SPI_connect();
	sale = sale_lock(PG_GETARG_UUID_P(ARGUMENT_PURCHASE), &named);
	if (!refund_told(&sale, fcinfo) && !refund_is_of_total(&sale, fcinfo) && !sale.ended)
		sale_refund(&sale, fcinfo);
	refund_return(fcinfo, &sale);
	SPI_finish();
	return (Datum) 0;
}

/* Raises 22004, 22008 or 22023 for arguments that name no refund. */
static void
arguments_check(FunctionCallInfo fcinfo)
{
	args_require(fcinfo, ARGUMENT_PURCHASE);
	args_time(fcinfo, ARGUMENT_AT);
	if (!PG_ARGISNULL(ARGUMENT_AMOUNT) && args_money(fcinfo, ARGUMENT_AMOUNT) <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("amount_in_cents must be above 0"),
						errhint("Pass null to refund all that is left.")));
	if (!PG_ARGISNULL(ARGUMENT_REF) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(ARGUMENT_REF)) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("refund_ref must not be empty"),
						errhint("Pass the provider's id of the refund, or null.")));
}

/*
 * Locks the buyer and then the purchase, and reads what was paid and refunded. The buyer must
 * be locked first, and so is read without a lock; that is safe because the buyer of a purchase
 * never changes (trigger t300_keep).
 */
static Sale
sale_lock(const pg_uuid_t *purchase, const NamedUser *named)
{
	Sale sale = {.id = *purchase};
	Datum key = UUIDPGetDatum(&sale.id);
	pg_uuid_t user;

	if (owner_execute(&read_user, &key, NULL, false) != 1)
		raise_no_purchase(purchase);
	user = plan_uuid(0, 1);
	named_user_require(named, &user);
	anchor_user_require(&user);
	if (owner_execute(&lock_purchase, &key, NULL, false) != 1)
		raise_no_purchase(purchase);
	sale.paid = plan_int32(0, PURCHASE_PAID);
	sale.refunded = plan_int32(0, PURCHASE_REFUNDED);
	sale.ended = plan_bool(0, PURCHASE_ENDED);
	return sale;
}

/*
 * Whether the refund was recorded before; KB906 if it was, with other content. A snapshot of
 * before that refund (REPEATABLE READ) cannot miss its row: the refund also changed the
 * purchase, so that sale_lock() has already ended the transaction with 40001.
 */
static bool
refund_told(const Sale *sale, FunctionCallInfo fcinfo)
{
	PlanValues values = {0};

	if (PG_ARGISNULL(ARGUMENT_REF))
		return false;
	args_bind(&values, fcinfo, ARGUMENT_REF);
	plan_bind_uuid(&values, &sale->id);
	args_bind(&values, fcinfo, ARGUMENT_AMOUNT);
	if (owner_execute(&read_told, values.datums, values.nulls, false) == 0)
		return false;
	if (!plan_bool(0, 1))
		raise_other_refund();
	return true;
}

/*
 * Whether the provider has told the refund before, as part of the sum of its charge; then it is
 * counted there, and not again. Of a refund without a sum nobody knows whether that one held
 * it.
 */
static bool
refund_is_of_total(const Sale *sale, FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(ARGUMENT_REF) || PG_ARGISNULL(ARGUMENT_AMOUNT))
		return false;
	return sale_totals_yield(&sale->id, args_text_or_null(fcinfo, ARGUMENT_REF),
							 args_money(fcinfo, ARGUMENT_AMOUNT),
							 PG_GETARG_TIMESTAMPTZ(ARGUMENT_AT));
}

/* Records the refund: its reference and the new sum of the purchase, which a trigger audits. */
static void
sale_refund(const Sale *sale, FunctionCallInfo fcinfo)
{
	int32 amount = refund_amount(sale, fcinfo);
	int32 refunded = sale->refunded + amount;
	bool ended = refunded == sale->paid;
	PlanValues values = {0};

	plan_bind_uuid(&values, &sale->id);
	plan_bind_int32(&values, refunded);
	plan_bind_nullable(&values, PG_GETARG_DATUM(ARGUMENT_AT), !ended);
	if (!PG_ARGISNULL(ARGUMENT_REF))
		refund_remember(sale, amount, fcinfo);
	owner_execute(&write_refund, values.datums, values.nulls, false);
}

/* The sum of this refund in cents: the argument, or all that is left. KB903 for more. */
static int32
refund_amount(const Sale *sale, FunctionCallInfo fcinfo)
{
	int32 left = sale->paid - sale->refunded;

	if (PG_ARGISNULL(ARGUMENT_AMOUNT))
		return left;
	if (args_money(fcinfo, ARGUMENT_AMOUNT) > left)
		ereport(ERROR, (errcode(ERRCODE_CB_REFUND_REFUSED),
						errmsg("more is to be refunded than is left of the purchase"),
						errdetail("Of %d cents that were paid, %d are left to refund.",
								  sale->paid, left),
						errhint("Pass null to refund all that is left.")));
	return args_money(fcinfo, ARGUMENT_AMOUNT);
}

/*
 * Records the reference. The lock of the purchase keeps away other calls about this purchase,
 * so that a conflict means a refund of another purchase.
 */
static void
refund_remember(const Sale *sale, int32 amount, FunctionCallInfo fcinfo)
{
	PlanValues values = {0};

	args_bind(&values, fcinfo, ARGUMENT_REF);
	plan_bind_uuid(&values, &sale->id);
	plan_bind_int32(&values, amount);
	plan_bind_bool(&values, PG_ARGISNULL(ARGUMENT_AMOUNT));
	args_bind(&values, fcinfo, ARGUMENT_AT);
	if (owner_execute(&write_told, values.datums, values.nulls, false) == 0)
		raise_other_refund();
}

/* Reads the answer, after the triggers updated the access, by what is committed by now: another
 * sale may have ended while this call waited. */
static void
refund_return(FunctionCallInfo fcinfo, const Sale *sale)
{
	Datum values[] = {UUIDPGetDatum(&sale->id), PG_GETARG_DATUM(ARGUMENT_AT)};

	if (owner_execute_latest(&read_refund, values, NULL) != 1)
		raise_no_purchase(&sale->id);
	sale_row_return(fcinfo, ANSWER_COLUMNS);
}

/* Rule: the same reference with another content is an error, and never a second refund. */
static void
raise_other_refund(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_REFUND_CONFLICT),
			 errmsg("the refund was recorded already, with other content"),
			 errdetail("The recorded refund is of another purchase or another sum."),
			 errhint("Pass the purchase and the sum that the provider's refund with this "
					 "id names.")));
}

/* Also for one that was deleted while this call waited. */
static void
raise_no_purchase(const pg_uuid_t *purchase)
{
	ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such purchase"),
					errdetail("None has the id %s.", uuid_text(purchase)),
					errhint("Give the id of a row of purchases.")));
}
