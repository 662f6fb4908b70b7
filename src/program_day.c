/*
 * program_day.c: what a day of a course's curriculum is made of.
 *
 * Invariant: a place whose workout remains keeps its row, and with it what buyers have done:
 * the nth occurrence of a workout within the day stays the nth. The day changes in one
 * statement, so that the rules of the curriculum (program_trigger.c) see it once, as it will
 * be; the key of the places is deferrable for the same reason.
 *
 * Locks: the program, before the day is read. Rights: as in program.c.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/uuid.h"

#include "errors.h"
#include "owner.h"
#include "plan.h"
#include "program.h"
#include "schema.h"

enum
{
	DAY_PROGRAM,
	DAY_OFFSET,
	DAY_WORKOUTS,
	DAY_REST,
	DAY_ARGUMENTS,
};

static KeptPlan find_foreign = {
	.sql = "SELECT u.id FROM unnest($2) u (id) WHERE NOT EXISTS ("
		   " SELECT FROM coursebase.workouts w WHERE w.id = u.id"
		   " AND w.organization_id = $1 AND w.deleted_at IS NULL) LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, UUIDARRAYOID},
};
/* A day of rest is a place without a workout. */
static KeptPlan write_day = {
	.sql =
		"WITH wanted AS ("
		"  SELECT u.id AS workout_id, (u.n - 1)::integer AS sort_order, u.id IS NULL AS rest,"
		"   coalesce(u.id, $1) AS key,"
		"   row_number() OVER (PARTITION BY u.id ORDER BY u.n) AS nth"
		"  FROM unnest(CASE WHEN $4 THEN ARRAY[NULL::uuid] ELSE $3 END)"
		"   WITH ORDINALITY u (id, n)), present AS ("
		"  SELECT c.id, c.sort_order, c.is_rest AS rest, coalesce(c.workout_id, $1) AS key,"
		"   row_number() OVER (PARTITION BY c.workout_id ORDER BY c.sort_order) AS nth"
		"  FROM coursebase.course_workouts c WHERE c.program_id = $1 AND c.day_offset = $2),"
		" gone AS ("
		"  DELETE FROM coursebase.course_workouts c USING present p WHERE c.id = p.id"
		"  AND NOT EXISTS (SELECT FROM wanted w"
		"   WHERE w.key = p.key AND w.nth = p.nth AND w.rest = p.rest)), moved AS ("
		"  UPDATE coursebase.course_workouts c SET sort_order = w.sort_order"
		"  FROM present p JOIN wanted w"
		"   ON w.key = p.key AND w.nth = p.nth AND w.rest = p.rest"
		"  WHERE c.id = p.id AND p.sort_order <> w.sort_order), added AS ("
		"  INSERT INTO coursebase.course_workouts"
		"   (program_id, organization_id, day_offset, sort_order, workout_id, is_rest)"
		"  SELECT $1, $5, $2, w.sort_order, w.workout_id, w.rest FROM wanted w"
		"  WHERE NOT EXISTS (SELECT FROM present p"
		"   WHERE p.key = w.key AND p.nth = w.nth AND p.rest = w.rest))"
		" SELECT count(*)::integer FROM wanted",
	.nargs = 5,
	.types = {UUIDOID, INT4OID, UUIDARRAYOID, BOOLOID, UUIDOID},
};

static void day_require(FunctionCallInfo fcinfo);
static void workouts_require(const Program *program, Datum workouts);

PG_FUNCTION_INFO_V1(coursebase_set_day);

/*
 * SQL function: set_day(program_id uuid, day_offset integer, workout_ids uuid[], is_rest
 * boolean) returns integer
 */
PGDLLEXPORT Datum
coursebase_set_day(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(DAY_PROGRAM), PG_GETARG_DATUM(DAY_OFFSET),
					  PG_GETARG_DATUM(DAY_WORKOUTS), PG_GETARG_DATUM(DAY_REST), 0};
	bool rest = !PG_ARGISNULL(DAY_REST) && PG_GETARG_BOOL(DAY_REST);
	Program program;
	int32 places;

	day_require(fcinfo);
	schema_require_current();
	if (rest)
		values[DAY_WORKOUTS] = PointerGetDatum(construct_empty_array(UUIDOID));
	values[DAY_REST] = BoolGetDatum(rest);
	values[DAY_ARGUMENTS] = UUIDPGetDatum(&program.organization);
	SPI_connect();
	program_enter(values[DAY_PROGRAM], &program);
	workouts_require(&program, values[DAY_WORKOUTS]);
	owner_execute(&write_day, values, NULL, false);
	places = DatumGetInt32(plan_value(0, 1, NULL));
	SPI_finish();
	PG_RETURN_INT32(places);
}

static void
day_require(FunctionCallInfo fcinfo)
{
	bool rest = !PG_ARGISNULL(DAY_REST) && PG_GETARG_BOOL(DAY_REST);
	ArrayType *workouts =
		PG_ARGISNULL(DAY_WORKOUTS) ? NULL : PG_GETARG_ARRAYTYPE_P(DAY_WORKOUTS);

	program_argument_require(fcinfo, DAY_PROGRAM, "program_id");
	program_argument_require(fcinfo, DAY_OFFSET, "day_offset");
	if (rest && workouts != NULL && ArrayGetNItems(ARR_NDIM(workouts), ARR_DIMS(workouts)) > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_CURRICULUM_INVALID),
						errmsg("a day of rest has no workouts"),
						errhint("Give workout_ids, or is_rest, not both.")));
	if (!rest && workouts == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("workout_ids must not be null"),
						errhint("Give the day's workouts ({} for none), or is_rest.")));
	if (workouts != NULL && array_contains_nulls(workouts))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("workout_ids must not contain nulls"),
						errhint("Make a day of rest with is_rest.")));
}

/* Another organisation's workout is none, in the same words. */
static void
workouts_require(const Program *program, Datum workouts)
{
	Datum values[] = {UUIDPGetDatum(&program->organization), workouts};

	if (owner_execute(&find_foreign, values, NULL, false) > 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such workout"),
			 errdetail("The program's organisation has none with the id %s.",
					   DatumGetCString(DirectFunctionCall1(uuid_out, plan_value(0, 1, NULL)))),
			 errhint("Give ids of its workouts that are not deleted.")));
}
