/*
 * sale.c: makes a paid session of the checkout a purchase, and gives its courses.
 *
 * Invariants: one session is one purchase, however often the browser and the webhook report it.
 * Every session that was paid is recorded, because the money came, even if the product is no
 * longer public or owned already. The purchase keeps the product's name, description and
 * picture, and grants of the courses, as they were at the sale. A session that was not paid, or
 * was refunded, gives nothing.
 *
 * Locks, in this order: the row of users of the buyer, so that two calls about one person
 * decide one after the other; then the product, FOR SHARE, so that the sale sees its courses of
 * before a change or of after it (catalog/product.c updates that row). Sales of one product do
 * not wait for each other.
 *
 * Rights: only the server may execute the function; its statements run with those of the
 * tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"
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
#include "core/statement_mark.h"
#include "identity/anchor.h"
#include "sales/sale.h"

/* The arguments of complete_purchase(). */
enum
{
	SALE_USER,
	SALE_PRODUCT,
	SALE_SESSION,
	SALE_PRICE,
	SALE_PAYMENT,
	SALE_AT,
	SALE_FIRST_REFERENCE,
	SALE_TAX,
};

/* The columns of read_purchase; all but the last one are those of the answer. */
enum
{
	ANSWER_PURCHASE,
	ANSWER_STATUS,
	ANSWER_ALREADY_OWNED,
	ANSWER_COURSES,
	ANSWER_COLUMNS,
	PURCHASE_SAME_CONTENT = ANSWER_COLUMNS + 1, /* numbered from 1 */
};

/* SHARE and not NO KEY UPDATE: sales exclude changes of the product, but not each other. */
static KeptPlan lock_product = {
	.sql = "SELECT num_nonnulls(p.access_days, p.access_until) > 0"
		   " FROM coursebase.products p WHERE p.id = $1 FOR SHARE",
	.nargs = 1,
	.types = {UUIDOID},
};
/*
 * If another session is recording the same session, waits for its end; then writes nothing. The
 * terms of the product are taken afterwards, by the trigger of plain sales: a BEFORE trigger of
 * the operator's that gives a purchase terms of its own finds none there.
 */
static KeptPlan write_purchase = {
	.sql = "INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id,"
		   " price_paid_in_cents, created_at, product_details)"
		   " SELECT $1, p.id, $3, $4, $5, jsonb_build_object('name', p.name,"
		   "  'description', p.description, 'imageUrl', p.image_url)"
		   " FROM coursebase.products p WHERE p.id = $2"
		   " ON CONFLICT (stripe_session_id) DO NOTHING",
	.nargs = 5,
	.types = {UUIDOID, UUIDOID, TEXTOID, INT8OID, TIMESTAMPTZOID},
};
/*
 * The answer, and last whether the recorded session has the content that was passed. The buyer
 * owned the product already if an earlier purchase was not refunded and had not ended at the
 * time of this one; one for a number of days is extended by this one.
 */
static KeptPlan read_purchase = {
	.sql = "SELECT s.id, CASE WHEN s.refunded_at IS NULL THEN 'completed' ELSE 'refunded' END,"
		   " EXISTS (SELECT FROM coursebase.purchases o"
		   "  WHERE o.user_id = s.user_id AND o.product_id = s.product_id"
		   "  AND (o.created_at, o.stripe_session_id) < (s.created_at, s.stripe_session_id)"
		   "  AND (o.refunded_at IS NULL OR o.refunded_at > s.created_at)"
		   "  AND o.access_days IS NULL"
		   "  AND (o.access_until IS NULL OR o.access_until > s.created_at)),"
		   " ARRAY(SELECT g.course_id FROM coursebase.course_grants g"
		   "  WHERE g.purchase_id = s.id AND g.user_id = s.user_id AND s.refunded_at IS NULL"
		   "  ORDER BY g.course_id),"
		   " (s.user_id, s.product_id, s.price_paid_in_cents) = ($1, $2, $4)"
		   " FROM coursebase.purchases s WHERE s.stripe_session_id = $3",
	.nargs = 4,
	.types = {UUIDOID, UUIDOID, TEXTOID, INT8OID},
};

/* The INSERT of a purchase whose product is locked, and whether that product has terms. */
typedef struct Recording
{
	StatementMark mark;
	bool has_terms;
} Recording;

static Recording recording;

static void arguments_check(FunctionCallInfo fcinfo);
static bool payment_counts(const char *payment);
static void sale_bind(PlanValues *sale, const pg_uuid_t *user, FunctionCallInfo fcinfo);
static void sale_record(FunctionCallInfo fcinfo, PlanValues *sale);
static void sale_return(FunctionCallInfo fcinfo, PlanValues *sale);
static void unpaid_return(FunctionCallInfo fcinfo);
static bool product_lock(const pg_uuid_t *product);

PG_FUNCTION_INFO_V1(coursebase_complete_purchase);

/*
 * SQL function: complete_purchase(user_id uuid, product_id uuid, stripe_session_id text,
 * price_paid_in_cents bigint, payment_status text, at timestamptz, currency text, tax_in_cents
 * bigint, payment_intent_id text, charge_id text, invoice_id text) returns table (purchase_id
 * uuid, status text, already_owned boolean, course_ids uuid[])
 *
 * An unpaid session answers without touching a row.
 */
PGDLLEXPORT Datum
coursebase_complete_purchase(PG_FUNCTION_ARGS)
{
	PlanValues sale = {0};
	pg_uuid_t user;

	arguments_check(fcinfo);
	schema_require_current();
	signed_only_require("stripe");
	compat_materialize(fcinfo);
	if (!payment_counts(text_to_cstring(PG_GETARG_TEXT_PP(SALE_PAYMENT))))
	{
		unpaid_return(fcinfo);
		return (Datum) 0;
	}
	user = *PG_GETARG_UUID_P(SALE_USER);
	SPI_connect();
	/*
	 * the person before the product: the order of all locks; who was merged meanwhile buys for
	 * the person who was kept
	 */
	anchor_kept_user_require(&user);
	sale_bind(&sale, &user, fcinfo);
	sale_record(fcinfo, &sale);
	/* the browser may have come first, without what only the webhook knows */
	sale_references_write(fcinfo, SALE_SESSION, SALE_FIRST_REFERENCE);
	sale_return(fcinfo, &sale);
	SPI_finish();
	return (Datum) 0;
}

/* The statement's columns stand in the order of the function's answer. */
void
sale_row_return(FunctionCallInfo fcinfo, int columns)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum *values = palloc_array(Datum, columns);
	bool *nulls = palloc_array(bool, columns);

	for (int i = 0; i < columns; i++)
		values[i] =
			plan_value_as(0, i + 1, TupleDescAttr(result->setDesc, i)->atttypid, &nulls[i]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Raises 22004, 22008 or 22023 for arguments that name no sale. */
static void
arguments_check(FunctionCallInfo fcinfo)
{
	args_require_first(fcinfo, SALE_AT);
	args_time(fcinfo, SALE_AT);
	args_id(fcinfo, SALE_SESSION);
	if (!PG_ARGISNULL(SALE_FIRST_REFERENCE))
		args_currency(fcinfo, SALE_FIRST_REFERENCE, true);
	if (!PG_ARGISNULL(SALE_TAX) && args_money(fcinfo, SALE_TAX) < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("tax_in_cents must not be negative")));
	if (args_money(fcinfo, SALE_PRICE) < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("price_paid_in_cents must not be negative")));
}

/*
 * Whether the session counts as paid. A word that is not known raises 22023: giving a course
 * for a new word of the provider could give it away, and answering unpaid could lose a sale.
 */
static bool
payment_counts(const char *payment)
{
	if (strcmp(payment, "paid") == 0 || strcmp(payment, "no_payment_required") == 0)
		return true;
	if (strcmp(payment, "unpaid") == 0)
		return false;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown payment_status \"%s\"", payment),
					errdetail("The known ones are paid, no_payment_required and unpaid."),
					errhint("Pass the payment_status of the checkout's session.")));
}

/* Binds the arguments that the statements about the purchase share: all but payment_status. */
static void
sale_bind(PlanValues *sale, const pg_uuid_t *user, FunctionCallInfo fcinfo)
{
	plan_bind_uuid(sale, user);
	for (int i = SALE_PRODUCT; i <= SALE_PRICE; i++)
		args_bind(sale, fcinfo, i);
	args_bind(sale, fcinfo, SALE_AT);
}

/*
 * Records the purchase, to which a trigger adds its grants; writes nothing if the session is
 * recorded already. recording is what it was on every way out: a trigger of the operator's may
 * record another sale within.
 */
static void
sale_record(FunctionCallInfo fcinfo, PlanValues *sale)
{
	bool has_terms = product_lock(PG_GETARG_UUID_P(SALE_PRODUCT));
	Recording outer = recording;

	statement_mark_set(&recording.mark);
	recording.has_terms = has_terms;
	PG_TRY();
	{
		owner_execute(&write_purchase, sale->datums, sale->nulls, false);
	}
	PG_FINALLY();
	{
		recording = outer;
	}
	PG_END_TRY();
}

bool
sale_product_is_locked(bool *has_terms)
{
	*has_terms = recording.has_terms;
	return statement_mark_fires(&recording.mark);
}

/*
 * Reads the answer from the recorded purchase, whoever recorded it, so that a repeated call
 * answers what the first one did. Raises KB902 if the session has other content, and KB006
 * if the purchase was kept away or deleted in the meantime.
 */
static void
sale_return(FunctionCallInfo fcinfo, PlanValues *sale)
{
	if (owner_execute(&read_purchase, sale->datums, sale->nulls, false) != 1)
		row_kept_raise("purchases", "the purchase was not recorded");
	if (!plan_bool(0, PURCHASE_SAME_CONTENT))
		ereport(ERROR, (errcode(ERRCODE_CB_SESSION_CONFLICT),
						errmsg("the session was recorded already, with other content"),
						errdetail("The recorded purchase is of another user or product, or at "
								  "another price."),
						errhint("Pass what the checkout's session holds.")));
	sale_row_return(fcinfo, ANSWER_COLUMNS);
}

/* The answer about a session that was not paid: a status and nothing else. */
static void
unpaid_return(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[ANSWER_COLUMNS] = {0};
	bool nulls[ANSWER_COLUMNS] = {true, false, true, true};

	values[ANSWER_STATUS] = CStringGetTextDatum("unpaid");
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Locks the product until the transaction ends, and says whether it has terms; KB106 if there
 * is none. */
static bool
product_lock(const pg_uuid_t *product)
{
	Datum key = UUIDPGetDatum(product);

	if (owner_execute(&lock_product, &key, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such product"),
						errdetail("None has the id %s.", uuid_text(product)),
						errhint("Give the id of a row of products.")));
	return plan_bool(0, 1);
}
