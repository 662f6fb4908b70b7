/*
 * keep_sold.c: a course that was sold is not deleted.
 *
 * Rights: the trigger runs as who deletes, and looks for the sale with the owner's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/uuid.h"

#include "core/errors.h"
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
