/*
 * keep_sold.c: keeps a course from being deleted after it was sold.
 *
 * No lock is needed: if a sale inserts a grant of the course at the same time, the foreign key
 * of course_grants makes one of the two wait for the other. Rights: the sale is looked for with
 * those of the tables' owner, because row security hides the grants of other people.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"

static KeptPlan read_sale_of_course = {
	.sql = "SELECT FROM coursebase.course_grants g"
		   " WHERE g.course_id = $1 AND g.purchase_id IS NOT NULL LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};

PG_FUNCTION_INFO_V1(coursebase_tg_courses__keep_sold);

/*
 * SQL function: tg_courses__keep_sold() returns trigger
 *
 * Raises 23503, like the foreign key whose ON DELETE RESTRICT this trigger stands for: grants
 * by hand go with the course, grants of a sale keep it, also those of a refunded sale.
 */
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
								  uuid_text(&course)),
						errhint("Take it out of its products instead.")));
	return PointerGetDatum(trigger_written_row(data));
}
