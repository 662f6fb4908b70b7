/*
 * readable.c: which courses and products of the catalogue somebody may read, as sets for
 * policies.
 *
 * A course can be read when it is on offer or may be used; who may use it stands in
 * course_rights.c.
 *
 * Rights: reads with the owner's.
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

static Datum
ids_read(KeptPlan *plan, Datum *values)
{
	Datum ids;

	SPI_connect();
	owner_execute(plan, values, NULL, true);
	ids = SPI_datumTransfer(plan_value(0, 1, NULL), false, -1);
	SPI_finish();
	return ids;
}
