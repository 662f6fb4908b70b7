/*
 * readable.c: which courses and products of the catalogue the user who asks may read, as sets
 * of ids for policies.
 *
 * A course is readable if it is on offer, or if the user may use it (course_rights.c); on offer
 * means what outline_course_offered() means for one course. Rights: the statements run with
 * those of the tables' owner, because a policy that asked through other policies would ask
 * itself.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "core/owner.h"
#include "core/plan.h"
#include "identity/asking.h"

static KeptPlan read_courses = {
	.sql = "SELECT ARRAY(SELECT c.id FROM coursebase.courses c"
		   "  WHERE c.is_free OR c.course_code IS NOT NULL AND c.price_in_cents IS NOT NULL"
		   " UNION SELECT l.course_id FROM coursebase.course_products l"
		   "  JOIN coursebase.products p ON p.id = l.product_id AND p.status = 'public'"
		   " UNION SELECT unnest(coursebase.accessible_course_ids()))",
};
static KeptPlan read_products = {
	.sql = "SELECT ARRAY(SELECT p.id FROM coursebase.products p"
		   "  WHERE $1 OR p.status = 'public')",
	.nargs = 1,
	.types = {BOOLOID},
};

static Datum ids_read(KeptPlan *plan, Datum *values);

PG_FUNCTION_INFO_V1(coursebase_readable_course_ids);
PG_FUNCTION_INFO_V1(coursebase_readable_product_ids);

/* SQL function: readable_course_ids() returns uuid[] */
PGDLLEXPORT Datum
coursebase_readable_course_ids(PG_FUNCTION_ARGS)
{
	return ids_read(&read_courses, NULL);
}

/* SQL function: readable_product_ids() returns uuid[] */
PGDLLEXPORT Datum
coursebase_readable_product_ids(PG_FUNCTION_ARGS)
{
	Datum every = BoolGetDatum(identity_is_admin());

	return ids_read(&read_products, &every);
}

/* The one value of a statement, in memory of the caller. */
static Datum
ids_read(KeptPlan *plan, Datum *values)
{
	Datum ids;

	SPI_connect();
	owner_execute(plan, values, NULL, true);
	ids = plan_transfer_as(0, 1, UUIDARRAYOID);
	SPI_finish();
	return ids;
}
