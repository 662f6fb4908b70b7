/*
 * program.c: programs as their organisation makes them: created, priced, published, archived.
 *
 * Invariants are those of the tables and their triggers (curriculum.c, config.c, currency.c),
 * which hold for plain SQL too. The functions lock first what the triggers would lock, so that
 * both take their locks in one order.
 *
 * Locks: the organisation FOR SHARE, then the program, then what belongs to the program.
 *
 * Rights: only staff (owner, admin, coach) of the organisation and the server pass; the
 * statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/lock_behind.h"
#include "core/own_policies.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "core/schema.h"
#include "core/statement_mark.h"
#include "identity/guest.h"
#include "identity/membership.h"
#include "programs/program.h"

static bool program_locked(uint64 rows, Program *program);
static KeptPlan read_program = {
	.sql = "SELECT organization_id FROM coursebase.programs WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
#define READ_PROGRAM                                                                           \
	"SELECT organization_id, delivery_mode = 'course' FROM coursebase.programs WHERE id = $1"
#define ONE_ID .nargs = 1, .types = {UUIDOID}

static KeptPlan lock_program = {.sql = READ_PROGRAM " FOR NO KEY UPDATE", ONE_ID};
static LockBehind lock_program_behind = {
	.wait = {.sql = READ_PROGRAM " FOR NO KEY UPDATE", ONE_ID},
	.skip = {.sql = READ_PROGRAM " FOR NO KEY UPDATE SKIP LOCKED", ONE_ID},
	.there = {.sql = "SELECT tableoid, ctid FROM coursebase.programs WHERE id = $1", ONE_ID},
	.mode = LockTupleNoKeyExclusive,
	.single = true,
};
static KeptPlan share_program = {
	.sql = "SELECT FROM coursebase.programs WHERE id = $1 FOR SHARE",
	.nargs = 1,
	.types = {UUIDOID},
};
/* FOR SHARE keeps the currency, which an UPDATE of the organisation changes, and lets the calls
 * for other programs of the organisation pass. */
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
/* The columns of lock_program. */
enum
{
	LOCKED_ORGANIZATION = 1,
	LOCKED_IS_COURSE,
};

static KeptPlan write_config = {
	.sql = "INSERT INTO coursebase.course_configs (program_id, organization_id, duration_days)"
		   " VALUES ($1, $2, $3)",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, INT4OID},
};
/* The plan of type course is one a program (plans_course_idx): the first call makes it. */
static KeptPlan write_price = {
	.sql = "INSERT INTO coursebase.plans AS l"
		   " (organization_id, program_id, type, name, price_in_cents)"
		   " SELECT p.organization_id, p.id, 'course', p.name, $2"
		   " FROM coursebase.programs p WHERE p.id = $1"
		   " ON CONFLICT (program_id) WHERE type = 'course'"
		   " DO UPDATE SET price_in_cents = excluded.price_in_cents RETURNING l.id",
	.nargs = 2,
	.types = {UUIDOID, INT4OID},
};
/* A program that is published already keeps published_at. */
static KeptPlan publish = {
	.sql = "UPDATE coursebase.course_configs SET status = 'published', published_at = $2"
		   " WHERE program_id = $1 AND status <> 'published'",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/* A program that is archived already keeps archived_at. */
static KeptPlan archive = {
	.sql = "UPDATE coursebase.course_configs SET status = 'archived', archived_at = $2"
		   " WHERE program_id = $1 AND status <> 'archived'",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/* The columns of read_times. */
enum
{
	TIMES_PUBLISHED = 1,
	TIMES_ARCHIVED,
};

static KeptPlan read_times = {
	.sql = "SELECT published_at, archived_at FROM coursebase.course_configs"
		   " WHERE program_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

/* The arguments of create_course(). */
enum
{
	CREATE_ORGANIZATION,
	CREATE_NAME,
	CREATE_DURATION,
	CREATE_DESCRIPTION,
};

StatementMark program_changes_status;

static Datum status_change(FunctionCallInfo fcinfo, KeptPlan *change, int column);
static void status_write(KeptPlan *change, Datum *values);
pg_noreturn static void not_found_raise(const char *message, const pg_uuid_t *id,
										const char *hint);

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
	pg_uuid_t *id = palloc(sizeof(*id));
	PlanValues program = {0};
	PlanValues config = {0};

	args_require_all_but(fcinfo, CREATE_DESCRIPTION);
	schema_require_current();
	/* first of all, so that only the server learns whether there is such an organisation */
	membership_require(PG_GETARG_UUID_P(CREATE_ORGANIZATION), MEMBERSHIP_COACH);
	args_bind(&program, fcinfo, CREATE_ORGANIZATION);
	args_bind(&program, fcinfo, CREATE_NAME);
	args_bind(&program, fcinfo, CREATE_DESCRIPTION);
	SPI_connect();
	if (owner_execute(&share_organization, program.datums, NULL, false) != 1)
		not_found_raise("there is no such organisation", PG_GETARG_UUID_P(CREATE_ORGANIZATION),
						"Give the id of a row of organizations.");
	owner_execute(&write_program, program.datums, program.nulls, false);
	*id = plan_uuid(0, 1);
	plan_bind_uuid(&config, id);
	args_bind(&config, fcinfo, CREATE_ORGANIZATION);
	args_bind(&config, fcinfo, CREATE_DURATION);
	owner_execute(&write_config, config.datums, NULL, false);
	SPI_finish();
	PG_RETURN_UUID_P(id);
}

/* SQL function: set_price(program_id uuid, price_in_cents bigint) returns uuid */
PGDLLEXPORT Datum
coursebase_set_price(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = palloc(sizeof(*id));
	PlanValues values = {0};
	Program program;

	args_require_all(fcinfo);
	args_bind(&values, fcinfo, 0);
	plan_bind_int32(&values, args_money(fcinfo, 1));
	schema_require_current();
	SPI_connect();
	program_enter(PG_GETARG_UUID_P(0), &program);
	if (!program.is_course)
		ereport(ERROR, (errcode(ERRCODE_CB_COURSE_CONFIGURED),
						errmsg("the program is not delivered as a course"),
						errhint("Insert plans of other types into plans.")));
	owner_execute(&write_price, values.datums, NULL, false);
	*id = plan_uuid(0, 1);
	SPI_finish();
	PG_RETURN_UUID_P(id);
}

/* SQL function: publish_course(program_id uuid, at timestamptz) returns timestamptz */
PGDLLEXPORT Datum
coursebase_publish_course(PG_FUNCTION_ARGS)
{
	return status_change(fcinfo, &publish, TIMES_PUBLISHED);
}

/* SQL function: archive_course(program_id uuid, at timestamptz) returns timestamptz */
PGDLLEXPORT Datum
coursebase_archive_course(PG_FUNCTION_ARGS)
{
	return status_change(fcinfo, &archive, TIMES_ARCHIVED);
}

/* Changes the status and answers the time that the column of read_times gives for it. */
static Datum
status_change(FunctionCallInfo fcinfo, KeptPlan *change, int column)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	Program program;
	Datum time;

	args_require(fcinfo, 0);
	args_time(fcinfo, 1);
	schema_require_current();
	SPI_connect();
	program_enter(PG_GETARG_UUID_P(0), &program);
	/* the triggers of course_configs judge the change under the lock that program_enter() took
	 */
	status_write(change, values);
	if (owner_execute(&read_times, values, NULL, false) != 1)
		not_found_raise("the program is not configured as a course", PG_GETARG_UUID_P(0),
						"Make courses with create_course().");
	time = plan_value_as(0, column, TIMESTAMPTZOID, NULL);
	SPI_finish();
	PG_RETURN_DATUM(time);
}

/* The mark goes back on an error too: it would otherwise hold for the session's plain SQL. */
static void
status_write(KeptPlan *change, Datum *values)
{
	StatementMark outer = statement_mark_set(&program_changes_status);

	PG_TRY();
	{
		owner_execute(change, values, NULL, false);
	}
	PG_FINALLY();
	{
		program_changes_status = outer;
	}
	PG_END_TRY();
}

/* FOR NO KEY UPDATE: inserts of rows with a key to the program do not wait, changes do. */
bool
program_lock(const pg_uuid_t *id, Program *program)
{
	Datum key = UUIDPGetDatum(id);

	return program_locked(owner_execute(&lock_program, &key, NULL, false), program);
}

/* For triggers, whose statement holds rows already: waits as core/lock_behind.h says. */
bool
program_lock_behind(const pg_uuid_t *id, Program *program)
{
	Datum key = UUIDPGetDatum(id);

	return program_locked(lock_behind(&lock_program_behind, &key), program);
}

/* What the row is that a lock gave, if it gave one. */
static bool
program_locked(uint64 rows, Program *program)
{
	if (rows != 1)
		return false;
	program->organization = plan_uuid(0, LOCKED_ORGANIZATION);
	program->is_course = plan_bool(0, LOCKED_IS_COURSE);
	return true;
}

/*
 * FOR SHARE: buyers do not wait for each other, and a change of the curriculum waits for them.
 * False for a program that is gone.
 */
bool
program_share(const pg_uuid_t *id)
{
	Datum key = UUIDPGetDatum(id);

	return owner_execute(&share_program, &key, NULL, false) == 1;
}

/* Unlocked: the organisation of a program never changes (t300_set_once). */
bool
program_organization(const pg_uuid_t *id, bool latest, pg_uuid_t *organization)
{
	Datum key = UUIDPGetDatum(id);
	uint64 rows = latest ? owner_execute_latest(&read_program, &key, NULL)
						 : owner_execute(&read_program, &key, NULL, true);

	return rows == 1 && plan_uuid_or_null(0, 1, organization);
}

bool
writer_is_stranger(TriggerData *data, const pg_uuid_t *organization)
{
	return own_policies_bind(data->tg_relation) &&
		   !membership_holds(organization, MEMBERSHIP_COACH);
}

bool
program_is_strangers(TriggerData *data, const pg_uuid_t *id, pg_uuid_t *organization)
{
	return own_policies_bind(data->tg_relation) &&
		   program_organization(id, true, organization) &&
		   writer_is_stranger(data, organization);
}

/*
 * The organisation is locked before the program, as the trigger of plans locks it. Whether the
 * caller is staff is asked before anything is locked or said of the program.
 */
void
program_enter(const pg_uuid_t *id, Program *program)
{
	pg_uuid_t organization;
	Datum key = UUIDPGetDatum(&organization);
	bool found = program_organization(id, true, &organization);

	membership_require(found ? &organization : NULL, MEMBERSHIP_COACH);
	if (found)
		owner_execute(&share_organization, &key, NULL, false);
	if (!found || !program_lock(id, program))
		not_found_raise("there is no such program", id, "Give the id of a row of programs.");
}

Datum
program_ids_read(KeptPlan *plan, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Datum ids;

	SPI_connect();
	owner_execute(plan, &key, NULL, true);
	ids = plan_transfer_as(0, 1, UUIDARRAYOID);
	SPI_finish();
	if (ARR_NDIM(DatumGetArrayTypeP(ids)) == 0)
		organizations_require_home();
	return ids;
}

void
program_rows_return(FunctionCallInfo fcinfo, KeptPlan *plan, Datum *values)
{
	uint64 rows = owner_execute(plan, values, NULL, true);

	plan_rows_return(fcinfo, rows);
	if (rows == 0)
		organizations_require_home();
}

/*
 * ON CONFLICT found a row that the snapshot does not show, or a trigger kept the row away:
 * row_kept.h tells which error says so.
 */
void
program_raise_newer(const char *table, const char *what)
{
	row_kept_raise(table, IsolationUsesXactSnapshot()
							  ? psprintf("%s is newer than this transaction's snapshot", what)
							  : psprintf("%s was not stored", what));
}

static void
not_found_raise(const char *message, const pg_uuid_t *id, const char *hint)
{
	organizations_require_home();
	ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("%s", message),
					errdetail("None has the id %s.", uuid_text(id)), errhint("%s", hint)));
}
