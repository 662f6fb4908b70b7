/*
 * program.c: programs as their organisation makes them: created, priced, published, archived.
 *
 * Invariants are those of the tables and their triggers (programs/rules.c), which hold for
 * plain SQL too; the functions lock first what the triggers would lock and say what they do.
 *
 * Locks: organisation, then program, then what belongs to it.
 *
 * Rights: who calls is staff (owner, admin, coach) of the organisation, or the server; what is
 * written is written with the owner's rights.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/membership.h"
#include "programs/program.h"

static KeptPlan read_program = {
	.sql = "SELECT organization_id FROM coursebase.programs WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan lock_program = {
	.sql = "SELECT organization_id, delivery_mode = 'course'"
		   " FROM coursebase.programs WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan share_organization = {
	.sql = "SELECT FROM coursebase.organizations WHERE id = $1 FOR SHARE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan write_program = {
	.sql = "INSERT INTO coursebase.programs (organization_id, name, description, delivery_mode)"
		   " VALUES ($1, $2, $3, 'course') RETURNING id",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
static KeptPlan write_config = {
	.sql = "INSERT INTO coursebase.course_configs (program_id, organization_id, duration_days)"
		   " VALUES ($1, $2, $3)",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, INT4OID},
};
static KeptPlan write_price = {
	.sql = "INSERT INTO coursebase.plans AS l"
		   " (organization_id, program_id, type, name, price_in_cents)"
		   " SELECT p.organization_id, p.id, 'course', p.name, $2"
		   " FROM coursebase.programs p WHERE p.id = $1"
		   " ON CONFLICT (program_id) WHERE type = 'course'"
		   " DO UPDATE SET price_in_cents = excluded.price_in_cents RETURNING l.id",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};
static KeptPlan publish = {
	.sql = "UPDATE coursebase.course_configs SET status = 'published', published_at = $2"
		   " WHERE program_id = $1 AND status <> 'published'",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan archive = {
	.sql = "UPDATE coursebase.course_configs SET status = 'archived', archived_at = $2"
		   " WHERE program_id = $1 AND status <> 'archived'",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan read_times = {
	.sql = "SELECT published_at, archived_at FROM coursebase.course_configs"
		   " WHERE program_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

static Datum status_change(FunctionCallInfo fcinfo, KeptPlan *change, int column);
pg_noreturn static void not_found_raise(const char *message, Datum id, const char *hint);

PG_FUNCTION_INFO_V1(coursebase_create_course);
PG_FUNCTION_INFO_V1(coursebase_set_price);
PG_FUNCTION_INFO_V1(coursebase_publish_course);
PG_FUNCTION_INFO_V1(coursebase_archive_course);

/*
 * SQL function: create_course(organization_id uuid, name text, duration_days integer,
 * description text) returns uuid
 */
PGDLLEXPORT Datum
coursebase_create_course(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"organization_id", "name", "duration_days"};
	Datum program[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(3)};
	const char nulls[] = {' ', ' ', PG_ARGISNULL(3) ? 'n' : ' '};
	Datum config[] = {0, PG_GETARG_DATUM(0), PG_GETARG_DATUM(2)};
	pg_uuid_t *id = palloc(sizeof(*id));

	for (int i = 0; i < lengthof(names); i++)
		program_argument_require(fcinfo, i, names[i]);
	schema_require_current();
	membership_require(PG_GETARG_UUID_P(0), MEMBERSHIP_COACH);
	SPI_connect();
	if (owner_execute(&share_organization, program, NULL, false) != 1)
		not_found_raise("there is no such organisation", program[0],
						"Give the id of a row of organizations.");
	owner_execute(&write_program, program, nulls, false);
	*id = *DatumGetUUIDP(plan_value(0, 1, NULL));
	config[0] = UUIDPGetDatum(id);
	owner_execute(&write_config, config, NULL, false);
	SPI_finish();
	PG_RETURN_UUID_P(id);
}

/* SQL function: set_price(program_id uuid, price_in_cents bigint) returns uuid */
PGDLLEXPORT Datum
coursebase_set_price(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	pg_uuid_t *id = palloc(sizeof(*id));
	Program program;

	program_argument_require(fcinfo, 0, "program_id");
	program_argument_require(fcinfo, 1, "price_in_cents");
	schema_require_current();
	SPI_connect();
	program_enter(values[0], &program);
	if (!program.is_course)
		ereport(ERROR, (errcode(ERRCODE_CB_COURSE_CONFIGURED),
						errmsg("the program is not delivered as a course"),
						errhint("Insert plans of other types into plans.")));
	owner_execute(&write_price, values, NULL, false);
	*id = *DatumGetUUIDP(plan_value(0, 1, NULL));
	SPI_finish();
	PG_RETURN_UUID_P(id);
}

/* SQL function: publish_course(program_id uuid, at timestamptz) returns timestamptz */
PGDLLEXPORT Datum
coursebase_publish_course(PG_FUNCTION_ARGS)
{
	return status_change(fcinfo, &publish, 1);
}

/* SQL function: archive_course(program_id uuid, at timestamptz) returns timestamptz */
PGDLLEXPORT Datum
coursebase_archive_course(PG_FUNCTION_ARGS)
{
	return status_change(fcinfo, &archive, 2);
}

/* One that is there already keeps its time. */
static Datum
status_change(FunctionCallInfo fcinfo, KeptPlan *change, int column)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	Program program;
	Datum time;

	program_argument_require(fcinfo, 0, "program_id");
	program_time_require(fcinfo, 1);
	schema_require_current();
	SPI_connect();
	program_enter(values[0], &program);
	owner_execute(change, values, NULL, false);
	if (owner_execute(&read_times, values, NULL, false) != 1)
		not_found_raise("the program is not configured as a course", values[0],
						"Make courses with create_course().");
	time = plan_value(0, column, NULL);
	SPI_finish();
	PG_RETURN_DATUM(time);
}

bool
program_lock(const pg_uuid_t *id, Program *program)
{
	Datum key = UUIDPGetDatum(id);

	if (owner_execute(&lock_program, &key, NULL, false) != 1)
		return false;
	program->organization = *DatumGetUUIDP(plan_value(0, 1, NULL));
	program->is_course = DatumGetBool(plan_value(0, 2, NULL));
	return true;
}

/* The organisation is locked as a plan's trigger will lock it, and before the program. */
void
program_enter(Datum id, Program *program)
{
	pg_uuid_t organization;
	Datum key = UUIDPGetDatum(&organization);
	bool found = owner_execute(&read_program, &id, NULL, false) == 1;

	if (found)
		organization = *DatumGetUUIDP(plan_value(0, 1, NULL));
	membership_require(found ? &organization : NULL, MEMBERSHIP_COACH);
	if (found)
		owner_execute(&share_organization, &key, NULL, false);
	if (!found || !program_lock(DatumGetUUIDP(id), program))
		not_found_raise("there is no such program", id, "Give the id of a row of programs.");
}

void
program_argument_require(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
}

void
program_time_require(FunctionCallInfo fcinfo, int argument)
{
	program_argument_require(fcinfo, argument, "at");
	if (TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(argument)))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("at must be a finite time")));
}

static void
not_found_raise(const char *message, Datum id, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("%s", message),
					errdetail("None has the id %s.",
							  DatumGetCString(DirectFunctionCall1(uuid_out, id))),
					errhint("%s", hint)));
}
