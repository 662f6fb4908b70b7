/*
 * product.c: what keeps products whole, and which of them and of their courses anyone may read.
 *
 * Invariants: a product that is public has a course, from commit to commit; a course that a
 * sale gave is not deleted. Whoever changes which courses a product has stamps the product's
 * row: two who take one course each do not take the last two, for the second waits, and in an
 * older snapshot (REPEATABLE READ) ends as a serialization failure.
 *
 * Rights: reads and stamps with the owner's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
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
/* The stamp's trigger moves updated_at. */
static KeptPlan touch_product = {
	.sql = "UPDATE coursebase.products SET updated_at = updated_at WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_empty_product = {
	.sql = "SELECT FROM coursebase.products p WHERE p.id = $1 AND p.status = 'public'"
		   " AND NOT EXISTS (SELECT FROM coursebase.course_products l"
		   "  WHERE l.product_id = p.id)",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_sale_of_course = {
	.sql = "SELECT FROM coursebase.course_grants g"
		   " WHERE g.course_id = $1 AND g.purchase_id IS NOT NULL LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};

static Datum ids_read(KeptPlan *plan, Datum *values);
static void product_touch(const pg_uuid_t *product);
static bool product_is_empty(const pg_uuid_t *product);

PG_FUNCTION_INFO_V1(coursebase_readable_course_ids);
PG_FUNCTION_INFO_V1(coursebase_readable_product_ids);
PG_FUNCTION_INFO_V1(coursebase_tg_any__product_has_course);
PG_FUNCTION_INFO_V1(coursebase_tg_course_products__stamp_product);
PG_FUNCTION_INFO_V1(coursebase_tg_courses__keep_sold);

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

/*
 * SQL function: tg_any__product_has_course() returns trigger
 *
 * On products itself, and on what a course was taken from: the row before the change.
 */
PGDLLEXPORT Datum
coursebase_tg_any__product_has_course(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__product_has_course", ROW_AFTER_CHANGE);
	pg_uuid_t product;

	if (data->tg_trigger->tgnargs != 1)
		elog(ERROR, "tg_any__product_has_course() takes the column of the product");
	if (restore_under_way() ||
		!trigger_uuid(data, data->tg_trigtuple, data->tg_trigger->tgargs[0], &product))
		return PointerGetDatum(NULL);
	if (product_is_empty(&product))
		ereport(ERROR,
				(errcode(ERRCODE_CB_PRODUCT_EMPTY), errmsg("a public product has no course"),
				 errdetail("Its id is %s.", DatumGetCString(DirectFunctionCall1(
												uuid_out, UUIDPGetDatum(&product)))),
				 errhint("Give it a course, or make it private.")));
	return PointerGetDatum(NULL);
}

/* SQL function: tg_course_products__stamp_product() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_products__stamp_product(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_products__stamp_product", ROW_BEFORE_CHANGE);
	pg_uuid_t product, moved_to;
	int order = 0;

	if (restore_under_way() || !trigger_uuid(data, data->tg_trigtuple, "product_id", &product))
		return PointerGetDatum(trigger_written_row(data));
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) &&
		trigger_uuid(data, data->tg_newtuple, "product_id", &moved_to))
		order = memcmp(&product, &moved_to, UUID_LEN);
	if (order > 0)
		product_touch(&moved_to);
	product_touch(&product);
	if (order < 0)
		product_touch(&moved_to);
	return PointerGetDatum(trigger_written_row(data));
}

/* SQL function: tg_courses__keep_sold() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_courses__keep_sold(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_courses__keep_sold", ROW_BEFORE_CHANGE);
	pg_uuid_t course;
	Datum key = UUIDPGetDatum(&course);
	bool sold;

	if (!trigger_uuid(data, data->tg_trigtuple, "id", &course))
		return PointerGetDatum(trigger_written_row(data));
	SPI_connect();
	sold = owner_execute(&read_sale_of_course, &key, NULL, false) > 0;
	SPI_finish();
	if (sold)
		ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION), errmsg("the course was sold"),
						errdetail("A purchase in course_grants gave the course %s.",
								  DatumGetCString(DirectFunctionCall1(uuid_out, key))),
						errhint("Take it out of its products instead.")));
	return PointerGetDatum(trigger_written_row(data));
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

/* Of a product that is not there the foreign key speaks, or it is what is being deleted. */
static void
product_touch(const pg_uuid_t *product)
{
	Datum key = UUIDPGetDatum(product);

	SPI_connect();
	owner_execute(&touch_product, &key, NULL, false);
	SPI_finish();
}

static bool
product_is_empty(const pg_uuid_t *product)
{
	Datum key = UUIDPGetDatum(product);
	bool empty;

	SPI_connect();
	empty = owner_execute(&read_empty_product, &key, NULL, false) > 0;
	SPI_finish();
	return empty;
}
