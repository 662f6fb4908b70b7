/*
 * curriculum.c: the curriculum of a program, whatever path a write takes.
 *
 * Invariants: no day lies beyond the program's duration; a day of rest is one row; no workout
 * of a curriculum is deleted, softly either; a published program keeps a workout that is not
 * rest, and a preview its workout; these two hold at commit (places.c). A restored dump is
 * taken as it is: its tables come one after the other, so that the rules do not hold in
 * between.
 *
 * Locks: the program, then the workouts that are new in a day FOR SHARE, which holds off their
 * deletion. The rules are judged once a statement under these locks, by what is committed then,
 * at any level of isolation. A statement of plain SQL has locked the rows that it changes
 * before its triggers run, and no trigger before a statement knows which rows those are: it
 * waits for the program as core/lock_behind.h says.
 *
 * Rights: triggers run as who writes and read other rows with the rights of the tables' owner.
 * Places that go together with their program pass: the program's row is gone by then.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "core/column.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "programs/places.h"
#include "programs/program.h"
#include "programs/rules.h"

/* The columns of the three statements that read what a statement changed. */
enum
{
	CHANGED_PROGRAM = 1,
	CHANGED_DAY,      /* not of a deletion */
	CHANGED_WORKOUTS, /* those that are new in the day; not of a deletion */
};

/*
 * What a statement changed, by program and day: in the order of programs, so that all
 * statements lock several programs in one order. A change of sort_order alone breaks no rule.
 */
static KeptPlan read_inserted = {
	.sql = "SELECT n.program_id, n.day_offset, array_agg(n.workout_id) FROM changed n"
		   " GROUP BY n.program_id, n.day_offset ORDER BY n.program_id, n.day_offset",
};
static KeptPlan read_updated = {
	.sql = "SELECT n.program_id, n.day_offset, array_agg(n.workout_id)"
		   " FROM changed n JOIN former o ON o.id = n.id"
		   " WHERE (o.day_offset, o.workout_id, o.is_rest)"
		   "  IS DISTINCT FROM (n.day_offset, n.workout_id, n.is_rest)"
		   " GROUP BY n.program_id, n.day_offset ORDER BY n.program_id, n.day_offset",
};
static KeptPlan read_deleted = {
	.sql = "SELECT DISTINCT o.program_id FROM former o ORDER BY o.program_id",
};
/* After a TRUNCATE, which leaves no place of any program. */
static KeptPlan find_emptied = {
	.sql = "SELECT CASE c.status WHEN 'published' THEN 'empty' ELSE 'preview' END"
		   " FROM coursebase.course_configs c"
		   " WHERE c.status = 'published' OR c.preview_workout_id IS NOT NULL LIMIT 1",
};

/* The columns of read_course. */
enum
{
	COURSE_DURATION = 1,
	COURSE_IS_PUBLISHED,
	COURSE_PREVIEW,
};

static KeptPlan read_course = {
	.sql = "SELECT c.duration_days, c.status = 'published', c.preview_workout_id"
		   " FROM coursebase.course_configs c WHERE c.program_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_workout = {
	.sql = "SELECT FROM coursebase.course_workouts w"
		   " WHERE w.program_id = $1 AND NOT w.is_rest LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_preview = {
	.sql = "SELECT FROM coursebase.course_workouts w"
		   " WHERE w.program_id = $1 AND w.workout_id = $2 LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan find_mixed_rest = {
	.sql = "SELECT 'rest' FROM coursebase.course_workouts w"
		   " WHERE w.program_id = $1 AND w.day_offset = $2"
		   " HAVING bool_or(w.is_rest) AND count(*) > 1",
	.nargs = 2,
	.types = {UUIDOID, INT4OID},
};
/* FOR SHARE waits for a deletion under way and holds off the next; in one order for all. */
static KeptPlan share_workouts = {
	.sql = "SELECT w.deleted_at IS NOT NULL FROM coursebase.workouts w WHERE w.id = ANY ($1)"
		   " ORDER BY w.id FOR SHARE",
	.nargs = 1,
	.types = {UUIDARRAYOID},
};
static KeptPlan find_use = {
	.sql = "SELECT p.name FROM coursebase.course_workouts w"
		   " JOIN coursebase.programs p ON p.id = w.program_id"
		   " WHERE w.workout_id = $1 ORDER BY p.id LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};

static bool program_lock_once(TriggerData *data, const pg_uuid_t *id, Program *program);
static KeptPlan *changed_plan(TriggerData *data);
static void days_require(SPITupleTable *days, uint64 rows, bool deletion);
static int32 course_duration(const pg_uuid_t *program);
static void day_require(SPITupleTable *days, uint64 row, int32 duration);
static Datum value_of(SPITupleTable *table, uint64 row, int column, Oid type);

PG_FUNCTION_INFO_V1(coursebase_tg_course_workouts__program);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workouts__rules);
PG_FUNCTION_INFO_V1(coursebase_tg_workouts__in_use);

/*
 * SQL function: tg_course_workouts__program() returns trigger
 *
 * A program that does not exist, and an organisation that is not the program's, are left to the
 * keys.
 */
PGDLLEXPORT Datum
coursebase_tg_course_workouts__program(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_workouts__program", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	Program program;
	pg_uuid_t id;
	bool found;

	if (!trigger_uuid(data, row, "program_id", &id))
		return PointerGetDatum(row);
	SPI_connect();
	/* before the row is written, so that the order is program, then place, as in set_day() */
	found = program_lock_once(data, &id, &program);
	SPI_finish();
	rule_require_organization(data, row, found ? &program.organization : NULL);
	return PointerGetDatum(
		rule_set_organization(data, row, found ? &program.organization : NULL));
}

/*
 * SQL function: tg_course_workouts__rules() returns trigger
 *
 * Runs once a statement, so that a day that a statement writes anew is judged as it is in the
 * end.
 */
PGDLLEXPORT Datum
coursebase_tg_course_workouts__rules(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_statement(fcinfo, "tg_course_workouts__rules");

	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		rules_require(&find_emptied, NULL);
	else
	{
		uint64 rows;

		trigger_tables_show(data);
		rows = owner_execute(changed_plan(data), NULL, NULL, false);
		days_require(SPI_tuptable, rows, TRIGGER_FIRED_BY_DELETE(data->tg_event));
		places_note(data);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_workouts__in_use() returns trigger
 *
 * The UPDATE holds the workout's row, on which a new place waits (share_workouts).
 */
PGDLLEXPORT Datum
coursebase_tg_workouts__in_use(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_workouts__in_use", ROW_BEFORE_UPDATE);
	Datum id = trigger_value_as(data, data->tg_trigtuple, "id", UUIDOID);

	SPI_connect();
	if (owner_execute_latest(&find_use, &id, NULL) > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_WORKOUT_IN_USE),
						errmsg("a workout of a curriculum cannot be deleted"),
						errdetail("It stands in \"%s\".", plan_text_required(0, 1)),
						errhint("Take it out of the curriculum first.")));
	SPI_finish();
	return PointerGetDatum(data->tg_newtuple);
}

/*
 * program_lock() for a trigger of each row: a statement writes many places of one program, and
 * a lock that this subtransaction has taken stays until the subtransaction ends. A rollback to
 * an earlier savepoint frees the lock, and changes the subtransaction. A stranger, whom row
 * security will refuse, locks nothing.
 */
static bool
program_lock_once(TriggerData *data, const pg_uuid_t *id, Program *program)
{
	static LocalTransactionId transaction = InvalidLocalTransactionId;
	static SubTransactionId subtransaction;
	static pg_uuid_t locked;
	static Program kept;

	if (transaction != compat_local_transaction() ||
		subtransaction != GetCurrentSubTransactionId() || !uuid_equal(&locked, id))
	{
		/* no valid memory while the lock may fail */
		transaction = InvalidLocalTransactionId;
		if (program_is_strangers(data, id, &program->organization))
			return true;
		if (!program_lock(id, &kept))
			return false;
		locked = *id;
		subtransaction = GetCurrentSubTransactionId();
		transaction = compat_local_transaction();
	}
	*program = kept;
	return true;
}

static KeptPlan *
changed_plan(TriggerData *data)
{
	if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
		return &read_deleted;
	return TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? &read_updated : &read_inserted;
}

/* Locks and judges each program once, then each of its days to which something was added. */
static void
days_require(SPITupleTable *days, uint64 rows, bool deletion)
{
	pg_uuid_t current;
	Program program;
	int32 duration = 0;
	bool there = false;

	for (uint64 i = 0; i < rows; i++)
	{
		pg_uuid_t *id = DatumGetUUIDP(value_of(days, i, CHANGED_PROGRAM, UUIDOID));

		if (i == 0 || !uuid_equal(id, &current))
		{
			current = *id;
			/* an UPDATE or DELETE of plain SQL holds its places already */
			there = program_lock_behind(&current, &program);
			duration = there && !deletion ? course_duration(&current) : 0;
		}
		if (there && !deletion)
			day_require(days, i, duration);
	}
}

/* The days of a program whose curriculum changed. */
static int32
course_duration(const pg_uuid_t *program)
{
	Datum key = UUIDPGetDatum(program);

	if (owner_execute_latest(&read_course, &key, NULL) == 0)
		rule_raise("unconfigured");
	return plan_int32(0, COURSE_DURATION);
}

/*
 * The rules of a published program, judged by what is committed now and by this transaction. A
 * program that is gone has none.
 */
void
curriculum_require(const pg_uuid_t *program)
{
	Datum values[] = {UUIDPGetDatum(program), 0};
	pg_uuid_t preview;
	bool has_preview;
	bool published;

	if (owner_execute_latest(&read_course, values, NULL) == 0)
		return;
	published = plan_bool(0, COURSE_IS_PUBLISHED);
	has_preview = plan_uuid_or_null(0, COURSE_PREVIEW, &preview);
	values[1] = UUIDPGetDatum(&preview);
	if (published && owner_execute_latest(&find_workout, values, NULL) == 0)
		rule_raise("empty");
	if (has_preview && owner_execute_latest(&find_preview, values, NULL) == 0)
		rule_raise("preview");
}

/* Judges a day to which something was added. */
static void
day_require(SPITupleTable *days, uint64 row, int32 duration)
{
	Datum day[] = {value_of(days, row, CHANGED_PROGRAM, UUIDOID),
				   value_of(days, row, CHANGED_DAY, INT4OID)};
	Datum workouts = value_of(days, row, CHANGED_WORKOUTS, UUIDARRAYOID);
	uint64 count;

	if (DatumGetInt32(day[1]) >= duration)
		rule_raise("day");
	rules_require(&find_mixed_rest, day);
	count = owner_execute(&share_workouts, &workouts, NULL, false);
	for (uint64 i = 0; i < count; i++)
		if (plan_bool(i, 1))
			rule_raise("deleted");
}

/* A column that holds no nulls of an earlier result, which other statements follow:
 * plan_value_as() knows the last result alone. */
static Datum
value_of(SPITupleTable *table, uint64 row, int column, Oid type)
{
	bool null;

	column_require_type(table->tupdesc, column, type);
	return SPI_getbinval(table->vals[row], table->tupdesc, column, &null);
}
