/*
 * sale_refund.c: money that is paid back.
 *
 * Invariants: what is refunded of a purchase never passes what was paid; the whole of it is
 * stamped once, and from then on the purchase gives nothing (course_grant.c takes away what
 * nothing else gives). What was completed stays, and so does the record of what was given.
 *
 * Under the lock of the person's row, as in sale.c. Rights: the server's alone; the statements
 * run with the owner's rights. Every refund is audited.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "anchor.h"
#include "audit.h"
#include "compat.h"
#include "errors.h"
#include "owner.h"
#include "plan.h"
#include "sale.h"
#include "schema.h"

/* The columns of what it answers. */
enum
{
	REFUND_PURCHASE,
	REFUND_SUM,
	REFUND_TIME,
	REFUND_COURSES,
	REFUND_COLUMNS,
};

typedef struct Sale
{
	pg_uuid_t id;
	int64 paid;
	int64 refunded;
	bool ended; /* refunded in full */
} Sale;

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
static KeptPlan write_refund = {
	.sql = "UPDATE coursebase.purchases SET refunded_in_cents = $2, refunded_at = $3"
		   " WHERE id = $1",
	.nargs = 3,
	.types = {UUIDOID, INT8OID, TIMESTAMPTZOID},
};
static KeptPlan read_refund = {
	.sql = "SELECT s.id, s.refunded_in_cents, s.refunded_at,"
		   " ARRAY(SELECT g.course_id FROM coursebase.course_grants g"
		   "  WHERE g.purchase_id = s.id AND g.user_id = s.user_id"
		   "  AND NOT EXISTS (SELECT FROM coursebase.user_course_access a"
		   "   WHERE a.user_id = g.user_id AND a.course_id = g.course_id)"
		   "  ORDER BY g.course_id)"
		   " FROM coursebase.purchases s WHERE s.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

static Sale sale_lock(const pg_uuid_t *purchase);
static void sale_refund(const Sale *sale, FunctionCallInfo fcinfo);
static int64 refund_amount(const Sale *sale, FunctionCallInfo fcinfo);
static void refund_audit(const Sale *sale, int64 refunded, bool ended);
static void refund_return(FunctionCallInfo fcinfo, const Sale *sale);
pg_noreturn static void raise_no_purchase(const pg_uuid_t *purchase);

PG_FUNCTION_INFO_V1(coursebase_refund_purchase);

/*
 * SQL function: refund_purchase(purchase_id uuid, amount_in_cents bigint, at timestamptz)
 * returns table (purchase_id uuid, refunded_in_cents bigint, refunded_at timestamptz,
 * revoked_course_ids uuid[])
 *
 * A purchase that is refunded in full is answered as it is: what is told twice counts once.
 */
PGDLLEXPORT Datum
coursebase_refund_purchase(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"purchase_id", NULL};
	Sale sale;

	sale_arguments_require(fcinfo, names);
	sale_time_argument(fcinfo, 2);
	if (!PG_ARGISNULL(1) && PG_GETARG_INT64(1) <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("amount_in_cents must be above 0"),
						errhint("Pass null to refund all that is left.")));
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	sale = sale_lock(PG_GETARG_UUID_P(0));
	if (!sale.ended)
		sale_refund(&sale, fcinfo);
	refund_return(fcinfo, &sale);
	SPI_finish();
	return (Datum) 0;
}

/* Whose a purchase is never changes: the user may be read first, and locked first. */
static Sale
sale_lock(const pg_uuid_t *purchase)
{
	Sale sale = {.id = *purchase};
	Datum key = UUIDPGetDatum(&sale.id);
	pg_uuid_t user;

	if (owner_execute(&read_user, &key, NULL, false) != 1)
		raise_no_purchase(purchase);
	user = *DatumGetUUIDP(plan_value(0, 1, NULL));
	anchor_user_require(&user);
	if (owner_execute(&lock_purchase, &key, NULL, false) != 1)
		raise_no_purchase(purchase);
	sale.paid = DatumGetInt64(plan_value(0, 1, NULL));
	sale.refunded = DatumGetInt64(plan_value(0, 2, NULL));
	sale.ended = DatumGetBool(plan_value(0, 3, NULL));
	return sale;
}

static void
sale_refund(const Sale *sale, FunctionCallInfo fcinfo)
{
	int64 refunded = sale->refunded + refund_amount(sale, fcinfo);
	bool ended = refunded == sale->paid;
	Datum values[] = {UUIDPGetDatum(&sale->id), Int64GetDatum(refunded), PG_GETARG_DATUM(2)};

	owner_execute(&write_refund, values, ended ? NULL : "  n", false);
	refund_audit(sale, refunded, ended);
}

static int64
refund_amount(const Sale *sale, FunctionCallInfo fcinfo)
{
	int64 left = sale->paid - sale->refunded;

	if (PG_ARGISNULL(1))
		return left;
	if (PG_GETARG_INT64(1) > left)
		ereport(ERROR, (errcode(ERRCODE_CB_REFUND_REFUSED),
						errmsg("more is to be refunded than is left of the purchase"),
						errdetail("Paid were " INT64_FORMAT ", of which " INT64_FORMAT
								  " are left to refund.",
								  sale->paid, left),
						errhint("Pass null to refund all that is left.")));
	return PG_GETARG_INT64(1);
}

static void
refund_audit(const Sale *sale, int64 refunded, bool ended)
{
	audit_write("purchase_refunded", psprintf("purchases/%s", sale_id_text(&sale->id)),
				psprintf("{\"refunded_in_cents\": " INT64_FORMAT "}", sale->refunded),
				psprintf("{\"refunded_in_cents\": " INT64_FORMAT ", \"in_full\": %s}", refunded,
						 ended ? "true" : "false"));
}

static void
refund_return(FunctionCallInfo fcinfo, const Sale *sale)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum key = UUIDPGetDatum(&sale->id);
	Datum values[REFUND_COLUMNS];
	bool nulls[REFUND_COLUMNS];

	if (owner_execute(&read_refund, &key, NULL, false) != 1)
		raise_no_purchase(&sale->id);
	for (int i = 0; i < REFUND_COLUMNS; i++)
		values[i] = plan_value(0, i + 1, &nulls[i]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
raise_no_purchase(const pg_uuid_t *purchase)
{
	ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such purchase"),
					errdetail("None has the id %s.", sale_id_text(purchase)),
					errhint("Give the id of a row of purchases.")));
}
