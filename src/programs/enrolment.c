/*
 * enrolment.c: what buyers do with their course: begin, mark, begin anew; and what day
 * it is.
 *
 * Invariants: only the buyer (or the server) and only while the entitlement is active; day 0 is
 * a date in the organisation's time zone, set once until the buyer begins anew. Who has done
 * everything is derived by triggers (programs/progress.c), which hold for plain SQL
 * too.
 *
 * Locks: the program FOR SHARE, which keeps its curriculum still, then the entitlement; the
 * buyer's row is not needed for what touches one entitlement.
 *
 * Rights: statements run with the owner's rights, once it is settled whose entitlement it is.
 * One that is another's reads like one that does not exist.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/asking.h"
#include "identity/membership.h"
#include "programs/payment.h"
#include "programs/program.h"

static KeptPlan find_entitlement = {
	.sql = "SELECT user_id, program_id, organization_id"
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
static KeptPlan read_start = {
	.sql = "SELECT start_date, restart_count FROM coursebase.course_entitlements WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan write_completion = {
	.sql = "INSERT INTO coursebase.course_workout_completions AS c"
		   " (entitlement_id, course_workout_id, program_id, notes, completed_at)"
		   " VALUES ($1, $2, $5, $3, $4)"
		   " ON CONFLICT (entitlement_id, course_workout_id) DO UPDATE SET notes = $3"
		   " WHERE $3 IS NOT NULL AND c.notes IS DISTINCT FROM $3",
	.nargs = 5,
	.types = {UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, UUIDOID},
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

	program_argument_require(fcinfo, 0, "entitlement_id");
	program_time_require(fcinfo, 1);
	schema_require_current();
	SPI_connect();
	enrolment_enter(values[0], &program);
	owner_execute(&start, values, NULL, false);
	owner_execute(&read_start, values, NULL, false);
	date = plan_value(0, 1, NULL);
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

	program_argument_require(fcinfo, 0, "entitlement_id");
	program_time_require(fcinfo, 1);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	enrolment_enter(values[0], &program);
	owner_execute(&clear_completions, values, NULL, false);
	owner_execute(&restart, values, NULL, false);
	owner_execute(&read_start, values, NULL, false);
	values[0] = plan_value(0, 1, NULL);
	values[1] = plan_value(0, 2, NULL);
	SPI_finish();
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: mark_workout_complete(entitlement_id uuid, course_workout_id uuid, notes text,
 * at timestamptz) returns table (completed_at timestamptz, course_completed_at timestamptz)
 *
 * Again it keeps its first time; notes that are given replace those before.
 */
PGDLLEXPORT Datum
coursebase_mark_workout_complete(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	pg_uuid_t program;
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2),
					  PG_GETARG_DATUM(3), UUIDPGetDatum(&program)};
	const char noted[] = {' ', ' ', PG_ARGISNULL(2) ? 'n' : ' ', ' ', ' '};
	bool nulls[2] = {false};

	program_argument_require(fcinfo, 0, "entitlement_id");
	program_argument_require(fcinfo, 1, "course_workout_id");
	program_time_require(fcinfo, 3);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	enrolment_enter(values[0], &program);
	workout_require(&program, values[1]);
	owner_execute(&write_completion, values, noted, false);
	if (owner_execute(&read_completion, values, NULL, false) != 1)
		elog(ERROR, "a completion is gone as soon as it is written");
	values[0] = plan_value(0, 1, NULL);
	values[1] = plan_value(0, 2, &nulls[1]);
	SPI_finish();
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
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

	program_argument_require(fcinfo, 0, "entitlement_id");
	program_argument_require(fcinfo, 1, "course_workout_id");
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
 * NULL before the start, and to all but the buyer, the organisation's staff, administrators and
 * the server.
 */
PGDLLEXPORT Datum
coursebase_current_day(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	pg_uuid_t organization;
	pg_uuid_t user;
	int32 day = -1;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(1)))
		PG_RETURN_NULL();
	SPI_connect();
	if (owner_execute(&read_day, values, NULL, true) == 1)
	{
		payment_uuid_read(0, 1, &user);
		payment_uuid_read(0, 2, &organization);
		day = DatumGetInt32(plan_value(0, 3, NULL));
	}
	SPI_finish();
	if (day < 0 || !(caller_is(&user) || identity_is_admin() ||
					 membership_holds(&organization, MEMBERSHIP_COACH)))
		PG_RETURN_NULL();
	PG_RETURN_INT32(day);
}

static void
enrolment_enter(Datum id, pg_uuid_t *program)
{
	pg_uuid_t user;

	if (owner_execute_latest(&find_entitlement, &id, NULL) != 1)
		not_found_raise(id);
	payment_uuid_read(0, 1, &user);
	payment_uuid_read(0, 2, program);
	if (!caller_is(&user))
		not_found_raise(id);
	payment_program_share(program);
	if (owner_execute(&lock_entitlement, &id, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("the entitlement is newer than this transaction's snapshot"),
						errhint("Call again in a new transaction.")));
	if (strcmp(plan_text_required(0, 1), "active") != 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_ENTITLED),
						errmsg("the course is not this buyer's to use"),
						errdetail("The entitlement is %s.", plan_text_required(0, 1)),
						errhint("Buy the course with begin_checkout().")));
}

/* Or the server, who may act for anybody. */
static bool
caller_is(const pg_uuid_t *user)
{
	pg_uuid_t caller;

	return has_bypassrls_privilege(GetUserId()) ||
		   (identity_current_user(&caller) && memcmp(&caller, user, UUID_LEN) == 0);
}

static void
workout_require(const pg_uuid_t *program, Datum workout)
{
	Datum values[] = {UUIDPGetDatum(program), workout};
	bool found = owner_execute_latest(&find_workout, values, NULL) == 1;

	if (!found || DatumGetBool(plan_value(0, 1, NULL)))
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_A_WORKOUT),
				 errmsg("there is no such workout in the course"),
				 errdetail("%s", found ? "It is a day of rest." : "Its curriculum has none."),
				 errhint("Give the id of a row of the course's course_workouts.")));
}

static void
not_found_raise(Datum id)
{
	ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such entitlement"),
					errdetail("You have none with the id %s.",
							  DatumGetCString(DirectFunctionCall1(uuid_out, id))),
					errhint("See course_library() for what you have.")));
}
