/*
 * product_save.c: writes a product and its courses in one call.
 *
 * Locks: the INSERT or UPDATE of the product locks its row before its courses change, in the
 * order that product.c requires. The courses are inserted in the order of their ids, so that
 * two calls take the locks of the foreign keys in the same order.
 *
 * Rights: the caller's. Row security lets administrators and the server write and refuses
 * everybody else.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/plan.h"
#include "core/schema.h"

/* The arguments of save_product(). All but the courses are parameters of the first statement,
 * in their order. */
enum
{
	SAVE_PRODUCT,
	SAVE_NAME,
	SAVE_DESCRIPTION,
	SAVE_IMAGE_URL,
	SAVE_PRICE,
	SAVE_STATUS,
	SAVE_COURSES,
	SAVE_ACCESS_DAYS,
	SAVE_ACCESS_UNTIL,
	SAVE_GIVES_LATER,
	SAVE_ARGUMENTS,
};

/*
 * What the constraints of products ask of an argument, in the words of whoever calls. They are
 * told when the row was refused and not before, for row security asks first.
 */
static const struct
{
	const char *constraint;
	int argument;
	const char *message;
	const char *hint;
} rules[] = {
	{"products_name_not_empty_check", SAVE_NAME, "name must not be blank",
	 "Pass the name to show."},
	{"products_image_url_form_check", SAVE_IMAGE_URL, "image_url is no address of a picture",
	 "Pass an absolute http or https URL, or a path that begins with one slash."},
	{"products_price_not_negative_check", SAVE_PRICE, "price_dollars must not be negative",
	 "Pass whole units of the currency; 0 is free."},
	{"products_access_days_range_check", SAVE_ACCESS_DAYS,
	 "access_days must be from 1 to 36500", "Pass 0 to take the end away."},
	{"products_access_until_finite_check", SAVE_ACCESS_UNTIL, "access_until must be finite",
	 "Pass infinity to take the end away."},
};

/* An unknown word is refused once the row is written, for row security asks first. */
#define KNOWN_STATUS                                                                           \
	"CASE WHEN $6 IN ('public', 'private') THEN $6::coursebase.product_status END"

static KeptPlan insert_product = {
	.sql = "INSERT INTO coursebase.products"
		   " (name, description, image_url, price_dollars, status, access_days, access_until,"
		   "  gives_later_courses)"
		   " VALUES ($2, $3, $4, $5, coalesce(" KNOWN_STATUS ", 'private'),"
		   "  nullif($7, 0), nullif($8, 'infinity'), coalesce($9, false)) RETURNING id",
	.nargs = SAVE_ARGUMENTS - 1,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, INT4OID, TIMESTAMPTZOID,
			  BOOLOID},
};
/* A null argument leaves its column; 0 days and infinity make it null. */
static KeptPlan update_product = {
	.sql = "UPDATE coursebase.products SET name = coalesce($2, name),"
		   " description = coalesce($3, description), image_url = coalesce($4, image_url),"
		   " price_dollars = coalesce($5, price_dollars),"
		   " status = coalesce(" KNOWN_STATUS ", status),"
		   " access_days = nullif(coalesce($7, access_days), 0),"
		   " access_until = nullif(coalesce($8, access_until), 'infinity'),"
		   " gives_later_courses = coalesce($9, gives_later_courses)"
		   " WHERE id = $1 RETURNING id",
	.nargs = SAVE_ARGUMENTS - 1,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, INT4OID, TIMESTAMPTZOID,
			  BOOLOID},
};
/* Takes out of the product what course_ids leaves out. */
static KeptPlan delete_courses = {
	.sql = "DELETE FROM coursebase.course_products"
		   " WHERE product_id = $1 AND course_id <> ALL ($2)",
	.nargs = 2,
	.types = {UUIDOID, UUIDARRAYOID},
};
/* In the order of the ids: each row locks its course for the foreign key. Only those that are
 * missing: a row that is there already would lock the product's buyers for nothing. */
static KeptPlan insert_courses = {
	.sql = "INSERT INTO coursebase.course_products (product_id, course_id)"
		   " SELECT DISTINCT $1, c.id FROM unnest($2) AS c (id) WHERE NOT EXISTS ("
		   "  SELECT FROM coursebase.course_products l"
		   "  WHERE l.product_id = $1 AND l.course_id = c.id) ORDER BY c.id"
		   " ON CONFLICT (course_id, product_id) DO NOTHING",
	.nargs = 2,
	.types = {UUIDOID, UUIDARRAYOID},
};

/* As the enum product_status has them. */
static const char *const status_names[] = {"public", "private"};

static pg_uuid_t product_write(FunctionCallInfo fcinfo);
static uint64 product_execute(KeptPlan *plan, PlanValues *values, FunctionCallInfo fcinfo);
pg_noreturn static void argument_refuse(FunctionCallInfo fcinfo, ErrorData *error);
static void courses_write(const pg_uuid_t *product, Datum courses);

PG_FUNCTION_INFO_V1(coursebase_save_product);

/*
 * SQL function: save_product(product_id uuid, name text, description text, image_url text,
 * price_dollars integer, status text, course_ids uuid[], access_days integer, access_until
 * timestamptz, gives_later_courses boolean) returns uuid
 *
 * A null course_ids leaves the courses; an empty array takes all of them out, which the
 * deferred trigger of product.c refuses for a public product.
 */
PGDLLEXPORT Datum
coursebase_save_product(PG_FUNCTION_ARGS)
{
	pg_uuid_t *product = palloc(sizeof(*product));

	if (!PG_ARGISNULL(SAVE_COURSES))
		args_array(fcinfo, SAVE_COURSES);
	schema_require_current();
	SPI_connect();
	*product = product_write(fcinfo);
	if (!PG_ARGISNULL(SAVE_COURSES))
		courses_write(product, PG_GETARG_DATUM(SAVE_COURSES));
	SPI_finish();
	PG_RETURN_UUID_P(product);
}

/*
 * Inserts or updates the product and returns its id. An UPDATE that finds no row raises KB106;
 * row security hides a product that the caller may not change, so the message covers both.
 */
static pg_uuid_t
product_write(FunctionCallInfo fcinfo)
{
	PlanValues values = {0};
	KeptPlan *plan = PG_ARGISNULL(SAVE_PRODUCT) ? &insert_product : &update_product;

	for (int i = 0; i < SAVE_ARGUMENTS; i++)
		if (i != SAVE_COURSES)
			args_bind(&values, fcinfo, i);
	if (product_execute(plan, &values, fcinfo) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND),
						errmsg("there is no such product, or it is not yours to change"),
						errdetail("The id that was passed is %s.",
								  uuid_text(PG_GETARG_UUID_P(SAVE_PRODUCT))),
						errhint("Pass the id of a row of products, or null for a new one.")));
	if (!PG_ARGISNULL(SAVE_STATUS))
		args_word(fcinfo, SAVE_STATUS, status_names, lengthof(status_names));
	return plan_uuid(0, 1);
}

/* Answers how many rows were written; raises what argument_refuse() makes of an error. */
static uint64
product_execute(KeptPlan *plan, PlanValues *values, FunctionCallInfo fcinfo)
{
	MemoryContext context = CurrentMemoryContext;
	volatile uint64 count = 0; /* written before a longjmp */

	PG_TRY();
	{
		count = plan_execute(plan, values->datums, values->nulls, false);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		argument_refuse(fcinfo, error);
	}
	PG_END_TRY();
	return count;
}

/*
 * Raises the error in the words of rules, or as it is: one of the operator's own constraints
 * and triggers, of rights, or of a server that ends.
 */
static void
argument_refuse(FunctionCallInfo fcinfo, ErrorData *error)
{
	bool ours = error->table_name != NULL && strcmp(error->table_name, "products") == 0;

	if (ours && error->sqlerrcode == ERRCODE_NOT_NULL_VIOLATION && error->column_name != NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not be null", error->column_name),
						errdetail("A new product needs name, description, image_url and "
								  "price_dollars."),
						errhint("Pass it, or the product_id of the product to change.")));
	for (int i = 0; ours && i < lengthof(rules); i++)
	{
		int argument = rules[i].argument;
		Oid output;
		bool varlena;

		if (error->sqlerrcode != ERRCODE_CHECK_VIOLATION || error->constraint_name == NULL ||
			strcmp(error->constraint_name, rules[i].constraint) != 0 || PG_ARGISNULL(argument))
			continue;
		getTypeOutputInfo(get_fn_expr_argtype(fcinfo->flinfo, argument), &output, &varlena);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", rules[i].message),
				 errdetail("The call has \"%s\".",
						   OidOutputFunctionCall(output, PG_GETARG_DATUM(argument))),
				 errhint("%s", rules[i].hint)));
	}
	ReThrowError(error);
}

/* Makes course_products hold exactly these courses; the caller holds the product's row. */
static void
courses_write(const pg_uuid_t *product, Datum courses)
{
	Datum values[] = {UUIDPGetDatum(product), courses};

	plan_execute(&delete_courses, values, NULL, false);
	plan_execute(&insert_courses, values, NULL, false);
}
