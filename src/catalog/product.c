/*
 * product.c: the triggers that keep a public product from being without a course.
 *
 * Invariant: at every commit a public product has at least one course. The check is deferred to
 * the end of the transaction, so that a product and its courses can be written in any order.
 *
 * Locks: every change of which courses a product has updates the product's row first. Two
 * sessions that each take one of the last two courses therefore wait for each other, and the
 * second one sees at its commit what the first one took; with an older snapshot (REPEATABLE
 * READ) it ends with a serialization failure. A sale locks the same row (sales/sale.c) and so
 * sees the courses of before the change or of after it, never a part. Of two products the one
 * with the smaller id is updated first. An UPDATE or DELETE of course_products holds its row
 * before, and waits for the product as core/lock_behind.h says.
 *
 * Rights: the triggers read and update with those of the tables' owner, because row security
 * may hide rows from the user who writes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/errors.h"
#include "core/lock_behind.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "identity/asking.h"

/* Changes nothing by itself: the trigger t500_stamp of products sets updated_at. */
static KeptPlan touch_product = {
	.sql = "UPDATE coursebase.products SET updated_at = updated_at WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
#define ONE_PRODUCT  .nargs = 1, .types = {UUIDOID}
#define LOCK_PRODUCT "SELECT FROM coursebase.products WHERE id = $1 FOR NO KEY UPDATE"
static LockBehind lock_product = {
	.wait = {.sql = LOCK_PRODUCT, ONE_PRODUCT},
	.skip = {.sql = LOCK_PRODUCT " SKIP LOCKED", ONE_PRODUCT},
	.there = {.sql = "SELECT tableoid, ctid FROM coursebase.products WHERE id = $1",
			  ONE_PRODUCT},
	.mode = LockTupleNoKeyExclusive,
	.single = true,
};
/* The product, if it breaks the invariant. */
static KeptPlan read_empty_product = {
	.sql = "SELECT FROM coursebase.products p WHERE p.id = $1 AND p.status = 'public'"
		   " AND NOT EXISTS (SELECT FROM coursebase.course_products l"
		   "  WHERE l.product_id = p.id)",
	.nargs = 1,
	.types = {UUIDOID},
};

static void product_touch(TriggerData *data, const pg_uuid_t *product);
static bool product_is_empty(const pg_uuid_t *product);

PG_FUNCTION_INFO_V1(coursebase_tg_any__product_has_course);
PG_FUNCTION_INFO_V1(coursebase_tg_course_products__stamp_product);

/*
 * SQL function: tg_any__product_has_course() returns trigger
 *
 * On products after a row became public, and on course_products after a row was deleted or
 * moved. The argument of the trigger names the column of the product; the row of before the
 * change counts, because that product may have lost a course.
 */
PGDLLEXPORT Datum
coursebase_tg_any__product_has_course(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__product_has_course", ROW_AFTER_CHANGE);
	pg_uuid_t product;

	trigger_require_arguments(data, 1);
	if (restore_under_way() ||
		!trigger_uuid(data, data->tg_trigtuple, data->tg_trigger->tgargs[0], &product))
		return PointerGetDatum(NULL);
	if (product_is_empty(&product))
		ereport(ERROR,
				(errcode(ERRCODE_CB_PRODUCT_EMPTY), errmsg("a public product has no course"),
				 errdetail("Its id is %s.", uuid_text(&product)),
				 errhint("Give it a course, or make it private.")));
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_course_products__stamp_product() returns trigger
 *
 * Updates the product of the row, and of an UPDATE both products, in the order of their ids:
 * two sessions that move courses in opposite directions would deadlock otherwise. Who may not
 * write there updates none: row security refuses the row only after this trigger.
 */
PGDLLEXPORT Datum
coursebase_tg_course_products__stamp_product(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_products__stamp_product", ROW_BEFORE_CHANGE);
	pg_uuid_t product, moved_to;
	int order = 0;

	if (restore_under_way() ||
		!trigger_uuid(data, data->tg_trigtuple, "product_id", &product) ||
		!identity_writes_as_admin(data->tg_relation))
		return PointerGetDatum(trigger_written_row(data));
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) &&
		trigger_uuid(data, data->tg_newtuple, "product_id", &moved_to))
		order = memcmp(&product, &moved_to, UUID_LEN);
	if (order > 0)
		product_touch(data, &moved_to);
	product_touch(data, &product);
	if (order < 0)
		product_touch(data, &moved_to);
	return PointerGetDatum(trigger_written_row(data));
}

/*
 * Locks the product by an UPDATE; where the statement holds its row already, as lock_behind.h
 * says. If the product is missing, do nothing: either the foreign key
 * reports it, or the product is being deleted together with the row.
 */
static void
product_touch(TriggerData *data, const pg_uuid_t *product)
{
	Datum key = UUIDPGetDatum(product);

	SPI_connect();
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event))
		lock_behind(&lock_product, &key);
	owner_execute(&touch_product, &key, NULL, false);
	SPI_finish();
}

/*
 * Whether the product is public and has no course. Runs at the end of the transaction, under
 * the lock that product_touch() took.
 */
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
