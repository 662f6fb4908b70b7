/*
 * product.c: what keeps products whole.
 *
 * Invariants: a product that is public has a course, from commit to commit. Whoever changes
 * which courses a product has stamps the product's row: two who take one course each do not
 * take the last two, for the second waits, and in an older snapshot (REPEATABLE READ) ends as a
 * serialization failure.
 *
 * Rights: the triggers read and stamp with the owner's.
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

static void product_touch(const pg_uuid_t *product);
static bool product_is_empty(const pg_uuid_t *product);

PG_FUNCTION_INFO_V1(coursebase_tg_any__product_has_course);
PG_FUNCTION_INFO_V1(coursebase_tg_course_products__stamp_product);

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
