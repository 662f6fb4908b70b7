/*
 * enrolment_list.c: how far buyers have come: the buyers of a program, and the programs of a
 * buyer.
 *
 * Invariants: both lists count the places that are not rest, and of them those that are done;
 * each list is one statement, so that its rows are of one snapshot.
 *
 * Locks: none. Rights: the statements run with the rights of the tables' owner, once the call
 * has settled who asks: the list of a program is for its organisation's staff, administrators
 * and the server; a library for its person, administrators and the server.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/plan.h"
#include "identity/asking.h"
#include "identity/guest.h"
#include "identity/membership.h"
#include "programs/program.h"

/* Both as in current_day() and in whole percent; $2 is the time. */
#define CURRENT_DAY                                                                            \
	" CASE WHEN e.start_date IS NOT NULL THEN"                                                 \
	"  least(greatest(($2 AT TIME ZONE o.time_zone)::date - e.start_date, 0),"                 \
	"   g.duration_days - 1) END"
#define PERCENT " CASE WHEN t.n > 0 THEN coalesce(d.n, 0) * 100 / t.n ELSE 0 END::integer"

/* The completions are counted once for all buyers and joined: a subquery a buyer would read the
 * places again for each. One program may have most buyers there are. */
static KeptPlan read_buyers = {
	.sql = "SELECT e.id, e.user_id, u.name, u.email, e.membership_id, e.status::text,"
		   " e.start_date," CURRENT_DAY ", t.n::integer, coalesce(d.n, 0)::integer," PERCENT ","
		   " d.latest, e.completed_at, e.restart_count, e.access_revoked_at, e.created_at"
		   " FROM coursebase.course_configs g"
		   " JOIN coursebase.organizations o ON o.id = g.organization_id"
		   " CROSS JOIN (SELECT count(*) AS n FROM coursebase.course_workouts w"
		   "  WHERE w.program_id = $1 AND NOT w.is_rest) t"
		   " JOIN coursebase.course_entitlements e ON e.program_id = g.program_id"
		   " JOIN coursebase.users u ON u.id = e.user_id"
		   " LEFT JOIN (SELECT c.entitlement_id, count(*) AS n, max(c.completed_at) AS latest"
		   "  FROM coursebase.course_workouts w JOIN coursebase.course_workout_completions c"
		   "   ON c.course_workout_id = w.id AND c.program_id = w.program_id"
		   "  WHERE w.program_id = $1 AND NOT w.is_rest GROUP BY c.entitlement_id) d"
		   "  ON d.entitlement_id = e.id"
		   " WHERE g.program_id = $1 ORDER BY e.created_at, e.id",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
	.custom = true,
};
/* A person has few programs, so that a subquery a program is cheaper than a join. */
static KeptPlan read_library = {
	.sql = "SELECT e.id, e.program_id, p.name, p.description, o.name, e.status::text,"
		   " e.status = 'active' AND g.status <> 'draft', g.duration_days, "
		   "e.start_date," CURRENT_DAY ", t.n::integer, coalesce(d.n, 0)::integer," PERCENT ","
		   " e.completed_at, e.restart_count, e.access_revoked_at"
		   " FROM coursebase.course_entitlements e"
		   " JOIN coursebase.course_configs g ON g.program_id = e.program_id"
		   " JOIN coursebase.programs p ON p.id = e.program_id"
		   " JOIN coursebase.organizations o ON o.id = e.organization_id"
		   " CROSS JOIN LATERAL (SELECT count(*) AS n FROM coursebase.course_workouts w"
		   "  WHERE w.program_id = e.program_id AND NOT w.is_rest) t"
		   " CROSS JOIN LATERAL (SELECT count(*) AS n"
		   "  FROM coursebase.course_workout_completions c"
		   "  JOIN coursebase.course_workouts w ON w.id = c.course_workout_id AND NOT w.is_rest"
		   "  WHERE c.entitlement_id = e.id) d"
		   " WHERE e.user_id = $1 ORDER BY e.created_at, e.id",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

PG_FUNCTION_INFO_V1(coursebase_course_enrolments);
PG_FUNCTION_INFO_V1(coursebase_course_library);

/* SQL function: course_enrolments(program_id uuid, at timestamptz) returns table (…) */
PGDLLEXPORT Datum
coursebase_course_enrolments(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	const Asking *asking;
	pg_uuid_t organization;
	bool found;

	args_require(fcinfo, 0);
	args_time(fcinfo, 1);
	compat_materialize(fcinfo);
	SPI_connect();
	found = program_organization(PG_GETARG_UUID_P(0), false, &organization);
	asking = identity_asking_anywhere();
	if (asking == NULL || !asking->admin)
		membership_require(found ? &organization : NULL, MEMBERSHIP_COACH);
	program_rows_return(fcinfo, &read_buyers, values);
	SPI_finish();
	return (Datum) 0;
}

/* SQL function: course_library(user_id uuid, at timestamptz) returns table (…) */
PGDLLEXPORT Datum
coursebase_course_library(PG_FUNCTION_ARGS)
{
	pg_uuid_t user;
	Datum values[] = {UUIDPGetDatum(&user), PG_GETARG_DATUM(1)};
	bool known = identity_resolve_anywhere(args_uuid_or_null(fcinfo, 0), &user);

	args_time(fcinfo, 1);
	compat_materialize(fcinfo);
	SPI_connect();
	if (known)
		program_rows_return(fcinfo, &read_library, values);
	else
		organizations_require_home();
	SPI_finish();
	return (Datum) 0;
}
