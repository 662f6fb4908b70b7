/*
 * access.c: may this user use this program? The question, its set and its reasons.
 *
 * Invariant: a program is usable by an active entitlement unless it is in draft, by its
 * organisation's staff, and by administrators. has_program_access() and
 * explain_program_access() read one statement; the sets, which the policies use, say the same.
 * The answer does not depend on the time yet: every access policy lasts for ever.
 *
 * People of every cell are asked about, on home, where organisations live.
 *
 * Locks: none. Rights: the statements run with the rights of the tables' owner. Anybody may ask
 * about themselves; about others an administrator or the server. Everybody else is refused in
 * the same words, whether that user exists or not.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/rule.h"
#include "identity/asking.h"
#include "identity/guest.h"
#include "programs/program.h"

/* The columns of read_access. */
enum
{
	ACCESS_ENTITLEMENT = 1,
	ACCESS_COURSE,
	ACCESS_STAFF,
	ACCESS_ADMIN,
};

static KeptPlan read_access = {
	.sql = "SELECT e.status::text, c.status::text,"
		   " EXISTS (SELECT FROM coursebase.memberships m WHERE m.user_id = $2"
		   "  AND m.organization_id = p.organization_id AND m.role <> 'member'),"
		   " u.role = 'admin'"
		   " FROM coursebase.users u JOIN coursebase.programs p ON p.id = $1"
		   " LEFT JOIN coursebase.course_configs c ON c.program_id = p.id"
		   " LEFT JOIN coursebase.course_entitlements e"
		   "  ON e.user_id = u.id AND e.program_id = p.id"
		   " WHERE u.id = $2 AND u.deleted_at IS NULL",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan read_admin = {
	.sql = "SELECT role = 'admin' FROM coursebase.users WHERE id = $1 AND deleted_at IS NULL",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_every = {
	.sql = "SELECT ARRAY(SELECT id FROM coursebase.programs)",
};
static KeptPlan read_programs = {
	.sql = "SELECT ARRAY(SELECT e.program_id FROM coursebase.course_entitlements e"
		   " JOIN coursebase.course_configs c ON c.program_id = e.program_id"
		   " WHERE e.user_id = $1 AND e.status = 'active' AND c.status <> 'draft'"
		   " UNION SELECT p.id FROM coursebase.memberships m"
		   " JOIN coursebase.programs p ON p.organization_id = m.organization_id"
		   " WHERE m.user_id = $1 AND m.role <> 'member')",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Without those of staff and administrators, whose policies go by the organisation. */
static KeptPlan read_workouts = {
	.sql = "SELECT ARRAY(SELECT DISTINCT w.workout_id FROM coursebase.course_entitlements e"
		   " JOIN coursebase.course_configs c ON c.program_id = e.program_id"
		   " JOIN coursebase.course_workouts w ON w.program_id = e.program_id"
		   " WHERE e.user_id = $1 AND e.status = 'active' AND c.status <> 'draft'"
		   " AND w.workout_id IS NOT NULL)",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_entitlements = {
	.sql = "SELECT ARRAY(SELECT e.id FROM coursebase.course_entitlements e"
		   " WHERE e.user_id = $1)",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_active_entitlements = {
	.sql = "SELECT ARRAY(SELECT e.id FROM coursebase.course_entitlements e"
		   " WHERE e.user_id = $1 AND e.status = 'active')",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_every_entitlement = {
	.sql = "SELECT ARRAY(SELECT e.id FROM coursebase.course_entitlements e)",
};

/* What read_access found; all false and NULL for an unknown program or user. */
typedef struct ProgramAccess
{
	char *entitlement; /* its status; NULL: none */
	char *course;      /* its status; NULL: not a course */
	bool staff;
	bool admin;
} ProgramAccess;

static Datum no_ids(void);
static bool access_read(FunctionCallInfo fcinfo, ProgramAccess *access);
static bool access_entitled(const ProgramAccess *access);
static const char *entitlement_reason(const ProgramAccess *access, bool known);

PG_FUNCTION_INFO_V1(coursebase_has_program_access);
PG_FUNCTION_INFO_V1(coursebase_accessible_program_ids);
PG_FUNCTION_INFO_V1(coursebase_explain_program_access);
PG_FUNCTION_INFO_V1(coursebase_entitled_workout_ids);
PG_FUNCTION_INFO_V1(coursebase_own_entitlement_ids);

/*
 * SQL function: has_program_access(program_id uuid, user_id uuid, at timestamptz) returns
 * boolean
 */
PGDLLEXPORT Datum
coursebase_has_program_access(PG_FUNCTION_ARGS)
{
	ProgramAccess access;

	access_read(fcinfo, &access);
	PG_RETURN_BOOL(access_entitled(&access) || access.staff || access.admin);
}

/* SQL function: accessible_program_ids(user_id uuid, at timestamptz) returns uuid[] */
PGDLLEXPORT Datum
coursebase_accessible_program_ids(PG_FUNCTION_ARGS)
{
	pg_uuid_t user;
	Datum key = UUIDPGetDatum(&user);
	bool admin;

	if (!identity_resolve_anywhere(args_uuid_or_null(fcinfo, 0), &user))
		return no_ids();
	SPI_connect();
	if (owner_execute(&read_admin, &key, NULL, true) != 1)
	{
		SPI_finish();
		return no_ids();
	}
	admin = plan_bool(0, 1);
	SPI_finish();
	PG_RETURN_DATUM(program_ids_read(admin ? &read_every : &read_programs, &user));
}

/*
 * SQL function: explain_program_access(program_id uuid, user_id uuid, at timestamptz) returns
 * table (rule text, passed boolean, reason text, detail text)
 *
 * A program that does not exist reads like one to which no rule gives access.
 */
PGDLLEXPORT Datum
coursebase_explain_program_access(PG_FUNCTION_ARGS)
{
	ProgramAccess access;
	bool known;

	compat_materialize(fcinfo);
	known = access_read(fcinfo, &access);
	rule_return(fcinfo, "entitlement", access_entitled(&access),
				entitlement_reason(&access, known), "bought, or begun for free, and paid");
	rule_return(fcinfo, "staff", access.staff, known ? "not_staff" : "no_user",
				"owner, admin or coach of the organisation");
	rule_return(fcinfo, "administrator", access.admin, known ? "not_administrator" : "no_user",
				"every program");
	return (Datum) 0;
}

/* SQL function: entitled_workout_ids() returns uuid[] */
PGDLLEXPORT Datum
coursebase_entitled_workout_ids(PG_FUNCTION_ARGS)
{
	const Asking *asking = identity_asking_anywhere();

	return asking == NULL ? no_ids() : program_ids_read(&read_workouts, &asking->user);
}

/*
 * SQL function: own_entitlement_ids(active boolean) returns uuid[]
 *
 * Administrators read all completions and write only their own, so that active true answers
 * them as it does everybody.
 */
PGDLLEXPORT Datum
coursebase_own_entitlement_ids(PG_FUNCTION_ARGS)
{
	bool active = !PG_ARGISNULL(0) && PG_GETARG_BOOL(0);
	const Asking *asking = identity_asking_anywhere();
	KeptPlan *plan = &read_entitlements;

	if (asking == NULL)
		return no_ids();
	if (active)
		plan = &read_active_entitlements;
	else if (asking->admin)
		plan = &read_every_entitlement;
	return program_ids_read(plan, &asking->user);
}

static Datum
no_ids(void)
{
	organizations_require_home();
	return PointerGetDatum(construct_empty_array(UUIDOID));
}

/* False when nobody asks about themselves. */
static bool
access_read(FunctionCallInfo fcinfo, ProgramAccess *access)
{
	pg_uuid_t user;
	Datum values[] = {PG_GETARG_DATUM(0), UUIDPGetDatum(&user)};
	bool known = identity_resolve_anywhere(args_uuid_or_null(fcinfo, 1), &user);

	memset(access, 0, sizeof(*access));
	SPI_connect();
	if (known && !PG_ARGISNULL(0) && owner_execute(&read_access, values, NULL, true) == 1)
	{
		access->entitlement = plan_text(0, ACCESS_ENTITLEMENT);
		access->course = plan_text(0, ACCESS_COURSE);
		access->staff = plan_bool(0, ACCESS_STAFF);
		access->admin = plan_bool(0, ACCESS_ADMIN);
	}
	else
		organizations_require_home();
	SPI_finish();
	return known;
}

/*
 * Rule: an active entitlement gives the program whatever its status is but draft; an archived
 * one stays usable by its buyers.
 */
static bool
access_entitled(const ProgramAccess *access)
{
	return access->entitlement != NULL && strcmp(access->entitlement, "active") == 0 &&
		   access->course != NULL && strcmp(access->course, "draft") != 0;
}

/* Only a person with an active entitlement learns that the program is in draft. */
static const char *
entitlement_reason(const ProgramAccess *access, bool known)
{
	if (!known)
		return "no_user";
	if (access->entitlement == NULL)
		return "not_bought";
	if (strcmp(access->entitlement, "active") == 0)
		return "draft";
	return access->entitlement;
}
