/*
 * day.c: what a day of a program's curriculum is made of.
 *
 * Invariant: a place whose workout remains keeps its row, and with it what buyers have done:
 * the nth occurrence of a workout within the day stays the nth. The day changes in one
 * statement, so that the rules of the curriculum (curriculum.c) judge the day once, as it will
 * be; the key of the places is deferrable for the same reason.
 *
 * Locks: the organisation and the program, before the day is read (program_enter). Rights: as
 * in program.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "programs/places.h"
#include "programs/program.h"

/* Each workout is looked for among all places of the day, while the program is locked. */
#define WORKOUTS_A_DAY 1000

/* The arguments of set_day(). */
enum
{
	DAY_PROGRAM,
	DAY_OFFSET,
	DAY_WORKOUTS,
	DAY_REST,
};

/* A workout of another organisation, or a deleted one. */
static KeptPlan find_foreign = {
	.sql = "SELECT u.id FROM unnest($2) u (id) WHERE NOT EXISTS ("
		   " SELECT FROM coursebase.workouts w WHERE w.id = u.id"
		   " AND w.organization_id = $1 AND w.deleted_at IS NULL) LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, UUIDARRAYOID},
};
/* The columns of read_day. */
enum
{
	PLACE_ID = 1,
	PLACE_ORDER,
	PLACE_WORKOUT, /* NULL: rest */
};

static KeptPlan read_day = {
	.sql = "SELECT c.id, c.sort_order, c.workout_id FROM coursebase.course_workouts c"
		   " WHERE c.program_id = $1 AND c.day_offset = $2 ORDER BY c.sort_order",
	.nargs = 2,
	.types = {UUIDOID, INT4OID},
};
/* Under REPEATABLE READ alone, to raise 40001 for a place that changed after the snapshot. */
static KeptPlan lock_day = {
	.sql = "SELECT FROM coursebase.course_workouts c"
		   " WHERE c.program_id = $1 AND c.day_offset = $2 FOR NO KEY UPDATE",
	.nargs = 2,
	.types = {UUIDOID, INT4OID},
};
/* $4: the places that go; $5, $6: those that move, and where to; $7, $8: the workouts that are
 * added, and where. Deletions, moves and insertions are one statement for the triggers. */
static KeptPlan write_day = {
	.sql = "WITH gone AS ("
		   "  DELETE FROM coursebase.course_workouts c"
		   "  WHERE c.program_id = $1 AND c.day_offset = $2 AND c.id = ANY ($4)), moved AS ("
		   "  UPDATE coursebase.course_workouts c SET sort_order = m.sort_order"
		   "  FROM unnest($5, $6) m (id, sort_order)"
		   "  WHERE c.program_id = $1 AND c.day_offset = $2 AND c.id = m.id)"
		   " INSERT INTO coursebase.course_workouts"
		   "  (program_id, organization_id, day_offset, sort_order, workout_id, is_rest)"
		   " SELECT $1, $3, $2, a.sort_order, a.workout_id, a.workout_id IS NULL"
		   " FROM unnest($7, $8) a (workout_id, sort_order)",
	.nargs = 8,
	.types = {UUIDOID, INT4OID, UUIDOID, UUIDARRAYOID, UUIDARRAYOID, INT4ARRAYOID, UUIDARRAYOID,
			  INT4ARRAYOID},
};

/* A column of places to write, which grows to as many as the day has and had. */
typedef struct Column
{
	Datum *values;
	int count;
} Column;

/* What is to be done to the day; a place without a workout is rest. */
typedef struct Change
{
	Column gone;
	Column moved;
	Column moved_to;
	Column added;
	Column added_at; /* longer than added by one for rest, which has no workout */
} Change;

static void day_require(FunctionCallInfo fcinfo);
static void day_seen_require(Datum *day);
static void workouts_require(const Program *program, Datum workouts);
static void change_find(Change *change, Datum *workouts, int count, bool rest);
static int64 place_take(bool *taken, uint64 rows, const Datum *workout);
static void change_write(Change *change, Datum program, Datum day,
						 const pg_uuid_t *organization);
static void column_add(Column *column, Datum value, int most);

PG_FUNCTION_INFO_V1(coursebase_set_day);

/*
 * SQL function: set_day(program_id uuid, day_offset integer, workout_ids uuid[], is_rest
 * boolean) returns integer
 */
PGDLLEXPORT Datum
coursebase_set_day(PG_FUNCTION_ARGS)
{
	bool rest = !PG_ARGISNULL(DAY_REST) && PG_GETARG_BOOL(DAY_REST);
	Datum day[] = {PG_GETARG_DATUM(DAY_PROGRAM), PG_GETARG_DATUM(DAY_OFFSET)};
	Change change = {0};
	Datum *workouts = NULL;
	Program program;
	int count = 0;

	day_require(fcinfo);
	schema_require_current();
	if (!rest)
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(DAY_WORKOUTS), UUIDOID, UUID_LEN, false,
						  TYPALIGN_CHAR, &workouts, NULL, &count);
	SPI_connect();
	program_enter(DatumGetUUIDP(day[0]), &program);
	if (count > 0)
		workouts_require(&program, PG_GETARG_DATUM(DAY_WORKOUTS));
	day_seen_require(day);
	owner_execute(&read_day, day, NULL, false);
	change_find(&change, workouts, count, rest);
	change_write(&change, day[0], day[1], &program.organization);
	if (change.gone.count > 0)
		places_settle_day(DatumGetUUIDP(day[0]), DatumGetInt32(day[1]));
	SPI_finish();
	PG_RETURN_INT32(rest ? 1 : count);
}

/* Judges the arguments, before anything is locked. */
static void
day_require(FunctionCallInfo fcinfo)
{
	bool rest = !PG_ARGISNULL(DAY_REST) && PG_GETARG_BOOL(DAY_REST);
	ArrayType *workouts =
		PG_ARGISNULL(DAY_WORKOUTS) ? NULL : PG_GETARG_ARRAYTYPE_P(DAY_WORKOUTS);

	args_require(fcinfo, DAY_PROGRAM);
	args_require(fcinfo, DAY_OFFSET);
	if (PG_GETARG_INT32(DAY_OFFSET) < 0)
		ereport(ERROR, (errcode(ERRCODE_CB_CURRICULUM_INVALID),
						errmsg("a program has no day %d", PG_GETARG_INT32(DAY_OFFSET)),
						errhint("Use days from 0 to duration_days - 1.")));
	if (rest && workouts != NULL && ArrayGetNItems(ARR_NDIM(workouts), ARR_DIMS(workouts)) > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_CURRICULUM_INVALID),
						errmsg("a day of rest has no workouts"),
						errhint("Give workout_ids, or is_rest, not both.")));
	if (!rest && workouts == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("workout_ids must not be null"),
						errhint("Give the day's workouts ({} for none), or is_rest.")));
	if (workouts != NULL &&
		ArrayGetNItems(ARR_NDIM(workouts), ARR_DIMS(workouts)) > WORKOUTS_A_DAY)
		ereport(ERROR, (errcode(ERRCODE_CB_CURRICULUM_INVALID),
						errmsg("a day has at most %d workouts", WORKOUTS_A_DAY),
						errhint("Spread them over several days.")));
	if (workouts != NULL && array_contains_nulls(workouts))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("workout_ids must not contain nulls"),
						errhint("Make a day of rest with is_rest.")));
}

/*
 * Under REPEATABLE READ the snapshot may be older than the lock of the program. A place that
 * changed since raises 40001 at its lock; a place that was added since is not seen, and makes
 * the two counts differ.
 */
static void
day_seen_require(Datum *day)
{
	if (IsolationUsesXactSnapshot() && owner_execute(&lock_day, day, NULL, false) !=
										   owner_execute_latest(&read_day, day, NULL))
		program_raise_newer("course_workouts", "the day");
}

/* Another organisation's workout reads like one that does not exist. */
static void
workouts_require(const Program *program, Datum workouts)
{
	Datum values[] = {UUIDPGetDatum(&program->organization), workouts};

	if (owner_execute(&find_foreign, values, NULL, false) > 0)
	{
		pg_uuid_t id = plan_uuid(0, 1);

		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such workout"),
						errdetail("The program's organisation has none with the id %s.",
								  uuid_text(&id)),
						errhint("Give ids of its workouts that are not deleted.")));
	}
}

/* Each workout, in the new order, takes the first of its old places that is free; a workout
 * without one is added, and a place that is left over goes. */
static void
change_find(Change *change, Datum *workouts, int count, bool rest)
{
	uint64 rows = SPI_processed;
	int most = (int) rows + count + 1;
	bool *taken = palloc0((rows + 1) * sizeof(bool));

	for (int i = 0; i < (rest ? 1 : count); i++)
	{
		int64 place = place_take(taken, rows, rest ? NULL : &workouts[i]);

		/* plain SQL may have given the day as many places as the organisation may have */
		CHECK_FOR_INTERRUPTS();
		if (place < 0)
		{
			if (!rest)
				column_add(&change->added, workouts[i], most);
			column_add(&change->added_at, Int32GetDatum(i), most);
		}
		else if (plan_int32(place, PLACE_ORDER) != i)
		{
			column_add(&change->moved, plan_value_as(place, PLACE_ID, UUIDOID, NULL), most);
			column_add(&change->moved_to, Int32GetDatum(i), most);
		}
	}
	for (uint64 i = 0; i < rows; i++)
		if (!taken[i])
			column_add(&change->gone, plan_value_as(i, PLACE_ID, UUIDOID, NULL), most);
}

/* The row of the day as it was, or -1; workout is NULL for rest. */
static int64
place_take(bool *taken, uint64 rows, const Datum *workout)
{
	for (uint64 i = 0; i < rows; i++)
	{
		bool is_rest;
		Datum present = plan_value_as(i, PLACE_WORKOUT, UUIDOID, &is_rest);

		if (taken[i] || is_rest != (workout == NULL) ||
			(!is_rest && !uuid_equal(DatumGetUUIDP(present), DatumGetUUIDP(*workout))))
			continue;
		taken[i] = true;
		return (int64) i;
	}
	return -1;
}

/* A day that stays as it is writes nothing, and no trigger runs. */
static void
change_write(Change *change, Datum program, Datum day, const pg_uuid_t *organization)
{
	Datum values[] = {program,
					  day,
					  UUIDPGetDatum(organization),
					  array_of(UUIDOID, change->gone.values, NULL, change->gone.count),
					  array_of(UUIDOID, change->moved.values, NULL, change->moved.count),
					  array_of(INT4OID, change->moved_to.values, NULL, change->moved_to.count),
					  array_of(UUIDOID, change->added.values, NULL, change->added.count),
					  array_of(INT4OID, change->added_at.values, NULL, change->added_at.count)};

	if (change->gone.count > 0 || change->moved.count > 0 || change->added_at.count > 0)
		owner_execute(&write_day, values, NULL, false);
}

/* most is at least the number of all calls for the column, so that one allocation serves. */
static void
column_add(Column *column, Datum value, int most)
{
	if (column->values == NULL)
		column->values = palloc(most * sizeof(Datum));
	column->values[column->count++] = value;
}
