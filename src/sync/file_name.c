/*
 * file_name.c: no course has the file name of a manifest or of a protected file.
 *
 * Invariant: of the names of manifests and of the setting protected_manifests none is that of a
 * course's document, ignoring case, because phones may keep files where case does not count.
 *
 * Locks: none of its own. The trigger fires after the one that moves the version of the
 * catalogue, whose row is then locked; it reads what is committed by now, so that of two
 * writers at both ends the second one is refused. Rights: those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"

/* $1 the course that was written, $2 the manifest: what else was there before stays. */
static KeptPlan find_shared = {
	.sql = "SELECT c.course_code, n.name FROM ("
		   "  SELECT m.id, m.name FROM coursebase.master_manifests m"
		   "  UNION ALL SELECT NULL, p.name FROM coursebase.settings s, regexp_split_to_table("
		   "   coalesce(s.value, s.default_value), '[[:space:],]+') AS p (name)"
		   "  WHERE s.name = 'protected_manifests') n"
		   " JOIN coursebase.courses c ON c.course_key || '.json' = lower(n.name)"
		   " WHERE c.id = coalesce($1, c.id) AND ($2 IS NULL OR n.id = $2)"
		   " ORDER BY c.course_code LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};

PG_FUNCTION_INFO_V1(coursebase_tg_any__file_name);

/* SQL function: tg_any__file_name() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_any__file_name(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__file_name", ROW_AFTER_WRITE);
	const char *table = RelationGetRelationName(data->tg_relation);
	PlanValues values = {0};
	pg_uuid_t id;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	if (strcmp(table, "settings") != 0)
		trigger_uuid(data, trigger_written_row(data), "id", &id);
	plan_bind_uuid(&values, strcmp(table, "courses") == 0 ? &id : NULL);
	plan_bind_uuid(&values, strcmp(table, "master_manifests") == 0 ? &id : NULL);
	SPI_connect();
	if (owner_execute_latest(&find_shared, values.datums, values.nulls) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("a course and another file of the phones would have one name"),
				 errdetail("The document of the course \"%s\" is a file, and so is \"%s\".",
						   plan_text_required(0, 1), plan_text_required(0, 2)),
				 errhint("Give the course another code, or the file another name.")));
	SPI_finish();
	return PointerGetDatum(NULL);
}
