/*
 * progress.c: what keeps entitlements and completions true, whoever writes.
 *
 * Invariant: an entitlement is completed exactly when its course has workouts and each that is
 * not rest is done, and the time is that of the last. It is derived anew after every change of
 * completions, for the entitlements that changed, and of a curriculum, for all of the program
 * at once: each in one reading and one writing statement, whatever the number of buyers. Nobody
 * else writes the time; a restored dump brings it along.
 *
 * Locks: completions change under the program FOR SHARE and their entitlement; a curriculum
 * under the program FOR NO KEY UPDATE (programs/rules.c), so that neither misses the other.
 * What is read then is what is committed by then, at any level of isolation; what such a
 * reading finds and the transaction's snapshot cannot write ends as a serialization failure.
 *
 * Rights: triggers run as who writes; they look and derive with the owner's. A trigger before
 * the row comes before row security: what it says tells nothing of others' rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "identity/asking.h"

/* Those whose completed_at is not what it should be: how many, their ids, what it should be. */
#define STALE(entitlements)                                                                    \
	"SELECT count(*)::integer, array_agg(d.id), array_agg(d.done) FROM ("                      \
	" SELECT e.id, e.completed_at, CASE WHEN count(c.id) > 0 AND count(c.id) ="                \
	"   (SELECT count(*) FROM coursebase.course_workouts w"                                    \
	"    WHERE w.program_id = e.program_id AND NOT w.is_rest)"                                 \
	"  THEN max(c.completed_at) END AS done"                                                   \
	" FROM coursebase.course_entitlements e"                                                   \
	" LEFT JOIN (coursebase.course_workout_completions c"                                      \
	"   JOIN coursebase.course_workouts k ON k.id = c.course_workout_id AND NOT k.is_rest)"    \
	"  ON c.entitlement_id = e.id" entitlements " GROUP BY e.id) d"                            \
	" WHERE d.completed_at IS DISTINCT FROM d.done"

/* Completions that go with their place in the curriculum are that change's. */
#define CHANGED_COMPLETIONS                                                                    \
	"(SELECT n.entitlement_id FROM changed n JOIN coursebase.course_workouts k"                \
	"  ON k.id = n.course_workout_id)"

static KeptPlan read_plan_program = {
	.sql = "SELECT program_id FROM coursebase.plans WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_program_organization = {
	.sql = "SELECT organization_id FROM coursebase.programs WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_entitlement_program = {
	.sql = "SELECT program_id FROM coursebase.course_entitlements WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan share_program = {
	.sql = "SELECT FROM coursebase.programs p WHERE p.id = $1 FOR SHARE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan lock_entitlement = {
	.sql = "SELECT status = 'active', user_id FROM coursebase.course_entitlements"
		   " WHERE id = $1 AND program_id = $2 FOR NO KEY UPDATE",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan find_rest = {
	.sql = "SELECT FROM coursebase.course_workouts"
		   " WHERE id = $1 AND program_id = $2 AND is_rest",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan share_programs = {
	.sql = "SELECT FROM coursebase.programs p WHERE p.id IN (SELECT e.program_id"
		   " FROM coursebase.course_entitlements e WHERE e.id IN " CHANGED_COMPLETIONS ")"
		   " ORDER BY p.id FOR SHARE",
};
static KeptPlan lock_entitlements = {
	.sql = "SELECT FROM coursebase.course_entitlements e WHERE e.id IN " CHANGED_COMPLETIONS
		   " ORDER BY e.id FOR NO KEY UPDATE",
};
static KeptPlan find_stale_of_completions = {
	.sql = STALE(" WHERE e.id IN " CHANGED_COMPLETIONS),
};
static KeptPlan find_stale_of_curriculum = {
	.sql = STALE(" WHERE e.program_id IN (SELECT n.program_id FROM changed n)"),
};
/* An update that only moves places changes nobody's progress. */
static KeptPlan find_stale_of_rest = {
	.sql = STALE(" WHERE e.program_id IN (SELECT n.program_id FROM changed n"
				 "  JOIN was o ON o.id = n.id WHERE n.is_rest <> o.is_rest)"),
};
static KeptPlan write_completed = {
	.sql = "UPDATE coursebase.course_entitlements e SET completed_at = d.done"
		   " FROM unnest($1, $2) d (id, done) WHERE e.id = d.id",
	.nargs = 2,
	.types = {UUIDARRAYOID, TIMESTAMPTZARRAYOID},
};

static KeptPlan clear_completed = {
	.sql = "UPDATE coursebase.course_entitlements SET completed_at = NULL"
		   " WHERE completed_at IS NOT NULL",
};

/* completed_at is being written by the one statement that may. */
static bool deriving;

static Datum row_complete(FunctionCallInfo fcinfo, const char *name, const char *from,
						  KeptPlan *read, const char *to);
static void completion_require(TriggerData *data, Datum entitlement, Datum program,
							   Datum workout);
static bool row_is_callers(TriggerData *data, const pg_uuid_t *user);
static void completed_derive(KeptPlan *find);
static uint64 completed_write(KeptPlan *write, Datum *values);
static void statement_expect(FunctionCallInfo fcinfo, const char *name);
static bool column_read(TriggerData *data, const char *name, Datum *value);

PG_FUNCTION_INFO_V1(coursebase_tg_payment_transactions__program);
PG_FUNCTION_INFO_V1(coursebase_tg_course_entitlements__organization);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workout_completions__program);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workout_completions__derive);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workouts__derive);
PG_FUNCTION_INFO_V1(coursebase_tg_course_entitlements__completed);

/* SQL function: tg_payment_transactions__program() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_payment_transactions__program(PG_FUNCTION_ARGS)
{
	return row_complete(fcinfo, "tg_payment_transactions__program", "plan_id",
						&read_plan_program, "program_id");
}

/* SQL function: tg_course_entitlements__organization() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_entitlements__organization(PG_FUNCTION_ARGS)
{
	return row_complete(fcinfo, "tg_course_entitlements__organization", "program_id",
						&read_program_organization, "organization_id");
}

/* SQL function: tg_course_workout_completions__program() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_workout_completions__program(PG_FUNCTION_ARGS)
{
	Datum row = row_complete(fcinfo, "tg_course_workout_completions__program", "entitlement_id",
							 &read_entitlement_program, "program_id");
	TriggerData changed = *(TriggerData *) fcinfo->context;
	Datum entitlement;
	Datum program;
	Datum workout;

	changed.tg_trigtuple = (HeapTuple) DatumGetPointer(row);
	if (!restore_under_way() && column_read(&changed, "entitlement_id", &entitlement) &&
		column_read(&changed, "program_id", &program) &&
		column_read(&changed, "course_workout_id", &workout))
		completion_require(&changed, entitlement, program, workout);
	return row;
}

/*
 * SQL function: tg_course_workout_completions__derive() returns trigger
 *
 * After a TRUNCATE nobody has done anything.
 */
PGDLLEXPORT Datum
coursebase_tg_course_workout_completions__derive(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	statement_expect(fcinfo, "tg_course_workout_completions__derive");
	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
	{
		completed_write(&clear_completed, NULL);
		SPI_finish();
		return PointerGetDatum(NULL);
	}
	if (SPI_register_trigger_data(data) < 0)
		elog(ERROR, "could not see what the statement changed");
	owner_execute(&share_programs, NULL, NULL, false);
	owner_execute(&lock_entitlements, NULL, NULL, false);
	completed_derive(&find_stale_of_completions);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_course_workouts__derive() returns trigger
 *
 * Fires after tg_course_workouts__rules(), which has the programs locked.
 */
PGDLLEXPORT Datum
coursebase_tg_course_workouts__derive(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	statement_expect(fcinfo, "tg_course_workouts__derive");
	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	if (SPI_register_trigger_data(data) < 0)
		elog(ERROR, "could not see what the statement changed");
	completed_derive(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? &find_stale_of_rest
															 : &find_stale_of_curriculum);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_course_entitlements__completed() returns trigger
 *
 * A new entitlement has nothing done yet, so that there is nothing to say of it either.
 */
PGDLLEXPORT Datum
coursebase_tg_course_entitlements__completed(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_entitlements__completed", ROW_BEFORE_WRITE);

	if (!deriving && !restore_under_way())
		ereport(ERROR, (errcode(ERRCODE_CB_COMPLETED_DERIVED),
						errmsg("completed_at follows from the workouts that are done"),
						errhint("Mark workouts, or take marks back.")));
	return PointerGetDatum(trigger_written_row(data));
}

/*
 * Gives a new row the column `to` that its parent, named by `from`, has. What was sent and is
 * another's, and a parent that is not there, are left to the keys.
 */
static Datum
row_complete(FunctionCallInfo fcinfo, const char *name, const char *from, KeptPlan *read,
			 const char *to)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	bool found = false;
	int column;
	pg_uuid_t id;
	Datum value;
	bool null;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) || !TRIGGER_FIRED_BY_INSERT(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.%s() works only as a trigger before a row's insert",
							   name)));
	if (column_read(data, to, &value) || !column_read(data, from, &value))
		return PointerGetDatum(data->tg_trigtuple);
	id = *DatumGetUUIDP(value);
	SPI_connect();
	if (owner_execute_latest(read, &value, NULL) == 1)
	{
		value = plan_value(0, 1, &null);
		found = !null;
		if (found)
			id = *DatumGetUUIDP(value);
	}
	SPI_finish();
	if (!found && read == &read_plan_program)
		return PointerGetDatum(data->tg_trigtuple);
	column = SPI_fnumber(RelationGetDescr(data->tg_relation), to);
	value = UUIDPGetDatum(&id);
	null = false;
	return PointerGetDatum(heap_modify_tuple_by_cols(
		data->tg_trigtuple, RelationGetDescr(data->tg_relation), 1, &column, &value, &null));
}

/* An entitlement or workout that the program has not is left to the keys. */
static void
completion_require(TriggerData *data, Datum entitlement, Datum program, Datum workout)
{
	Datum places[] = {entitlement, program};
	Datum rest[] = {workout, program};
	pg_uuid_t user;

	SPI_connect();
	owner_execute(&share_program, &program, NULL, false);
	if (owner_execute(&lock_entitlement, places, NULL, false) != 1)
	{
		SPI_finish();
		return;
	}
	user = *DatumGetUUIDP(plan_value(0, 2, NULL));
	if (!row_is_callers(data, &user))
	{
		SPI_finish();
		return;
	}
	if (!DatumGetBool(plan_value(0, 1, NULL)))
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_ENTITLED),
						errmsg("the course is not this buyer's to use"),
						errdetail("The entitlement is not active."),
						errhint("Buy the course with begin_checkout().")));
	if (owner_execute_latest(&find_rest, rest, NULL) > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_A_WORKOUT),
						errmsg("there is no such workout in the course"),
						errdetail("It is a day of rest."),
						errhint("Give the id of a row of the course's course_workouts.")));
	SPI_finish();
}

/* Another's row is left to row security. */
static bool
row_is_callers(TriggerData *data, const pg_uuid_t *user)
{
	pg_uuid_t caller;

	return check_enable_rls(RelationGetRelid(data->tg_relation), InvalidOid, true) !=
			   RLS_ENABLED ||
		   (identity_current_user(&caller) && memcmp(&caller, user, UUID_LEN) == 0);
}

static void
completed_derive(KeptPlan *find)
{
	Datum values[2];
	int32 stale;

	owner_execute_latest(find, NULL, NULL);
	stale = DatumGetInt32(plan_value(0, 1, NULL));
	if (stale == 0)
		return;
	values[0] = plan_value(0, 2, NULL);
	values[1] = plan_value(0, 3, NULL);
	if (completed_write(&write_completed, values) != (uint64) stale)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("an entitlement is newer than this transaction's snapshot"),
						errhint("Call again in a new transaction.")));
}

static uint64
completed_write(KeptPlan *write, Datum *values)
{
	uint64 written;

	deriving = true;
	PG_TRY();
	{
		written = owner_execute(write, values, NULL, false);
	}
	PG_FINALLY();
	{
		deriving = false;
	}
	PG_END_TRY();
	return written;
}

static void
statement_expect(FunctionCallInfo fcinfo, const char *name)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("coursebase.%s() works only as a trigger after a statement", name)));
}

/* False for a null. */
static bool
column_read(TriggerData *data, const char *name, Datum *value)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	int column = SPI_fnumber(columns, name);
	bool null;

	if (column <= 0)
		elog(ERROR, "table \"%s\" has no column %s", RelationGetRelationName(data->tg_relation),
			 name);
	*value = SPI_getbinval(data->tg_trigtuple, columns, column, &null);
	return !null;
}
