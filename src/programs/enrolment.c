/*
 * enrolment.c: what buyers do with their program: begin, mark, begin anew; and which day it is.
 *
 * Invariants: only the buyer and the server write, and only while the entitlement is active;
 * day 0 is a date in the organisation's time zone, set once until the buyer begins anew.
 * Triggers derive completed_at (progress.c), for plain SQL too.
 *
 * Locks: the buyer's row of users, so that a transaction may go on with any other call about
 * the buyer; the program FOR SHARE, which keeps its curriculum still; then the entitlement.
 *
 * Rights: statements run with the rights of the tables' owner, once the call has settled that
 * the entitlement is the caller's. Another person's reads like one that does not exist.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "identity/guest.h"
#include "identity/membership.h"
#include "programs/program.h"

/* The columns of find_entitlement, which never change: read without a lock. */
enum
{
	FOUND_USER = 1,
	FOUND_PROGRAM,
};

static KeptPlan find_entitlement = {
	.sql = "SELECT user_id, program_id"
		   " FROM coursebase.course_entitlements WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan lock_entitlement = {
	.sql = "SELECT status::text FROM coursebase.course_entitlements WHERE id = $1"
		   " FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
/* A program that has begun keeps its day 0. */
static KeptPlan start = {
	.sql = "UPDATE coursebase.course_entitlements e"
		   " SET start_date = ($2 AT TIME ZONE o.time_zone)::date"
		   " FROM coursebase.organizations o"
		   " WHERE e.id = $1 AND o.id = e.organization_id AND e.start_date IS NULL",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan clear_completions = {
	.sql = "DELETE FROM coursebase.course_workout_completions WHERE entitlement_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan restart = {
	.sql = "UPDATE coursebase.course_entitlements e"
		   " SET start_date = ($2 AT TIME ZONE o.time_zone)::date,"
		   "  restart_count = e.restart_count + 1"
		   " FROM coursebase.organizations o WHERE e.id = $1 AND o.id = e.organization_id",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/* The columns of read_start. */
enum
{
	START_DATE = 1,
	START_RESTARTS,
};

static KeptPlan read_start = {
	.sql = "SELECT start_date, restart_count FROM coursebase.course_entitlements WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* A place that is done keeps its time, and its notes unless others are given. */
static KeptPlan write_completion = {
	.sql = "INSERT INTO coursebase.course_workout_completions AS c"
		   " (entitlement_id, course_workout_id, program_id, notes, completed_at)"
		   " VALUES ($1, $2, $5, $3, $4)"
		   " ON CONFLICT (entitlement_id, course_workout_id) DO UPDATE SET notes = $3"
		   " WHERE $3 IS NOT NULL AND c.notes IS DISTINCT FROM $3",
	.nargs = 5,
	.types = {UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, UUIDOID},
};
/* The columns of read_completion. */
enum
{
	COMPLETION_AT = 1,
	COMPLETION_OF_ALL,
};

static KeptPlan read_completion = {
	.sql = "SELECT c.completed_at, e.completed_at"
		   " FROM coursebase.course_entitlements e"
		   " JOIN coursebase.course_workout_completions c ON c.entitlement_id = e.id"
		   " WHERE e.id = $1 AND c.course_workout_id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan find_workout = {
	.sql = "SELECT is_rest FROM coursebase.course_workouts WHERE program_id = $1 AND id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan delete_completion = {
	.sql = "DELETE FROM coursebase.course_workout_completions"
		   " WHERE entitlement_id = $1 AND course_workout_id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/* The columns of read_day. */
enum
{
	DAY_USER = 1,
	DAY_ORGANIZATION,
	DAY_NUMBER,
};

static KeptPlan read_day = {
	.sql = "SELECT e.user_id, e.organization_id, least(greatest("
		   "  ($2 AT TIME ZONE o.time_zone)::date - e.start_date, 0), c.duration_days - 1)"
		   " FROM coursebase.course_entitlements e"
		   " JOIN coursebase.organizations o ON o.id = e.organization_id"
		   " JOIN coursebase.course_configs c ON c.program_id = e.program_id"
		   " WHERE e.id = $1 AND e.start_date IS NOT NULL",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

/* The arguments of mark_workout_complete(). */
enum
{
	MARK_ENTITLEMENT,
	MARK_WORKOUT,
	MARK_NOTES,
	MARK_AT,
};

static void enrolment_enter(Datum id, pg_uuid_t *program);
static bool caller_is(const pg_uuid_t *user);
static void workout_require(const pg_uuid_t *program, Datum workout);
pg_noreturn static void not_found_raise(Datum id);

PG_FUNCTION_INFO_V1(coursebase_start_course);
PG_FUNCTION_INFO_V1(coursebase_restart_course);
PG_FUNCTION_INFO_V1(coursebase_mark_workout_complete);
PG_FUNCTION_INFO_V1(coursebase_unmark_workout_complete);
PG_FUNCTION_INFO_V1(coursebase_current_day);

/* SQL function: start_course(entitlement_id uuid, at timestamptz) returns date */
PGDLLEXPORT Datum
coursebase_start_course(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	pg_uuid_t program;
	Datum date;

	args_require(fcinfo, 0);
	args_time(fcinfo, 1);
	schema_require_current();
	SPI_connect();
	enrolment_enter(values[0], &program);
	owner_execute(&start, values, NULL, false);
	owner_execute(&read_start, values, NULL, false);
	date = plan_value_as(0, START_DATE, DATEOID, NULL);
	SPI_finish();
	PG_RETURN_DATUM(date);
}

/*
 * SQL function: restart_course(entitlement_id uuid, at timestamptz) returns table (start_date
 * date, restart_count integer)
 */
PGDLLEXPORT Datum
coursebase_restart_course(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	bool nulls[2] = {false};
	pg_uuid_t program;

	args_require(fcinfo, 0);
	args_time(fcinfo, 1);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	enrolment_enter(values[0], &program);
	/* the deletion's trigger takes completed_at back, before the restart is written */
	owner_execute(&clear_completions, values, NULL, false);
	owner_execute(&restart, values, NULL, false);
	owner_execute(&read_start, values, NULL, false);
	values[0] = plan_value_as(0, START_DATE, DATEOID, NULL);
	values[1] = plan_value_as(0, START_RESTARTS, INT4OID, NULL);
	SPI_finish();
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: mark_workout_complete(entitlement_id uuid, course_workout_id uuid, notes text,
 * at timestamptz) returns table (completed_at timestamptz, course_completed_at timestamptz)
 *
 * The completion is written by a plain INSERT of the owner's, so that the triggers of the table
 * derive completed_at of the entitlement before it is read.
 */
PGDLLEXPORT Datum
coursebase_mark_workout_complete(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	pg_uuid_t program;
	PlanValues values = {0};
	bool nulls[2] = {false};
	Datum row[2];

	args_require_all_but(fcinfo, MARK_NOTES);
	args_time(fcinfo, MARK_AT);
	if (!PG_ARGISNULL(MARK_NOTES))
		args_length(fcinfo, MARK_NOTES, 0, 2000);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	enrolment_enter(PG_GETARG_DATUM(MARK_ENTITLEMENT), &program);
	workout_require(&program, PG_GETARG_DATUM(MARK_WORKOUT));
	for (int i = MARK_ENTITLEMENT; i <= MARK_AT; i++)
		args_bind(&values, fcinfo, i);
	plan_bind_uuid(&values, &program);
	owner_execute(&write_completion, values.datums, values.nulls, false);
	if (owner_execute(&read_completion, values.datums, NULL, false) != 1)
		row_kept_raise("course_workout_completions", "the completion was not stored");
	row[0] = plan_value_as(0, COMPLETION_AT, TIMESTAMPTZOID, NULL);
	row[1] = plan_value_as(0, COMPLETION_OF_ALL, TIMESTAMPTZOID, &nulls[1]);
	SPI_finish();
	tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	return (Datum) 0;
}

/*
 * SQL function: unmark_workout_complete(entitlement_id uuid, course_workout_id uuid) returns
 * boolean
 */
PGDLLEXPORT Datum
coursebase_unmark_workout_complete(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	pg_uuid_t program;
	bool was;

	args_require_all(fcinfo);
	schema_require_current();
	SPI_connect();
	enrolment_enter(values[0], &program);
	workout_require(&program, values[1]);
	was = owner_execute(&delete_completion, values, NULL, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(was);
}

/*
 * SQL function: current_day(entitlement_id uuid, at timestamptz) returns integer
 *
 * Answers NULL to all but the buyer, the organisation's staff, administrators and the server,
 * as before the start, so that nobody learns of an entitlement by asking.
 */
PGDLLEXPORT Datum
coursebase_current_day(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	const Asking *asking;
	pg_uuid_t organization;
	pg_uuid_t user;
	int32 day = -1;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(1)))
		PG_RETURN_NULL();
	SPI_connect();
	if (owner_execute(&read_day, values, NULL, true) == 1)
	{
		user = plan_uuid(0, DAY_USER);
		organization = plan_uuid(0, DAY_ORGANIZATION);
		day = plan_int32(0, DAY_NUMBER);
	}
	SPI_finish();
	if (day < 0)
	{
		organizations_require_home();
		PG_RETURN_NULL();
	}
	asking = identity_asking_anywhere();
	if (!(caller_is(&user) || (asking != NULL && asking->admin) ||
		  membership_holds(&organization, MEMBERSHIP_COACH)))
		PG_RETURN_NULL();
	PG_RETURN_INT32(day);
}

/* Raises KB106 unless the entitlement is the caller's and the account open, locks buyer,
 * program and entitlement, and raises KBA25 unless the entitlement is active then. */
static void
enrolment_enter(Datum id, pg_uuid_t *program)
{
	pg_uuid_t user;

	if (owner_execute_latest(&find_entitlement, &id, NULL) != 1)
		not_found_raise(id);
	user = plan_uuid(0, FOUND_USER);
	*program = plan_uuid(0, FOUND_PROGRAM);
	if (!caller_is(&user))
		not_found_raise(id);
	/* the server may call late: nothing is written of somebody who has left */
	anchor_open_user_anywhere_require(&user);
	program_share(program);
	if (owner_execute(&lock_entitlement, &id, NULL, false) != 1)
		program_raise_newer("course_entitlements", "the entitlement");
	if (strcmp(plan_text_required(0, 1), "active") != 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_ENTITLED),
						errmsg("the course is not this buyer's to use"),
						errdetail("The entitlement is %s.", plan_text_required(0, 1)),
						errhint("Buy the course with begin_checkout().")));
}

/* The user who asks, of whichever cell, or the server, which may act for anybody. */
static bool
caller_is(const pg_uuid_t *user)
{
	const Asking *asking;

	if (identity_is_server())
		return true;
	asking = identity_asking_anywhere();
	return asking != NULL && uuid_equal(&asking->user, user);
}

/* The program is locked FOR SHARE, so that the place stays what it is. */
static void
workout_require(const pg_uuid_t *program, Datum workout)
{
	Datum values[] = {UUIDPGetDatum(program), workout};
	bool found = owner_execute_latest(&find_workout, values, NULL) == 1;

	if (!found || plan_bool(0, 1))
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_A_WORKOUT),
				 errmsg("there is no such workout in the course"),
				 errdetail("%s", found ? "It is a day of rest." : "Its curriculum has none."),
				 errhint("Give the id of a row of the course's course_workouts.")));
}

/*
 * A caller who lives in another cell is told that first (KBC01): there the entitlement may well
 * exist.
 */
static void
not_found_raise(Datum id)
{
	organizations_require_home();
	ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such entitlement"),
					errdetail("You have none with the id %s.", uuid_text(DatumGetUUIDP(id))),
					errhint("See course_library() for what you have.")));
}
