/*
 * progress.c: the triggers of payments, entitlements and completions, whoever writes.
 *
 * Invariant: completed_at of an entitlement is the time of the last completion when the program
 * has places that are not rest and each of them is done, and NULL otherwise. Triggers derive
 * the time after every change of completions, for the entitlements that changed, and of a
 * curriculum, for all entitlements to the program: each with one reading and one writing
 * statement, whatever the number of buyers. After a deletion of places it waits for the end of
 * the transaction, which may bring them back (places.c). A time that somebody else writes is
 * put right, as a wrong checksum is; a restored dump brings it along.
 *
 * Locks: completions change under the program FOR SHARE and their entitlement; a curriculum
 * changes under the program FOR NO KEY UPDATE (curriculum.c), so that neither misses the other.
 * The derivation reads what is committed by then, at any level of isolation; an entitlement
 * that it finds and that the transaction's snapshot cannot write raises 40001.
 *
 * Rights: triggers run as who writes, and lock, read and derive with the rights of the tables'
 * owner. A trigger before the row comes before row security, so that no message tells a writer
 * anything about rows of others.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/errors.h"
#include "core/lock_behind.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/statement_mark.h"
#include "identity/asking.h"
#include "identity/guest.h"
#include "programs/places.h"
#include "programs/program.h"

/* What follows for the entitlement e from its completions c. */
#define DONE                                                                                   \
	"CASE WHEN count(c.id) > 0 AND count(c.id) ="                                              \
	"  (SELECT count(*) FROM coursebase.course_workouts w"                                     \
	"   WHERE w.program_id = e.program_id AND NOT w.is_rest)"                                  \
	" THEN max(c.completed_at) END"

/* The completions of places that are there and are not rest. */
#define COUNTED                                                                                \
	"(coursebase.course_workout_completions c"                                                 \
	" JOIN coursebase.course_workouts k ON k.id = c.course_workout_id AND NOT k.is_rest)"

/* The entitlements whose completed_at is not what follows from their completions: how many,
 * their ids, and what follows. */
#define STALE(entitlements)                                                                    \
	"SELECT count(*)::integer, array_agg(d.id), array_agg(d.done) FROM ("                      \
	" SELECT e.id, e.completed_at, " DONE " AS done"                                           \
	" FROM coursebase.course_entitlements e LEFT JOIN " COUNTED                                \
	"  ON c.entitlement_id = e.id" entitlements " GROUP BY e.id) d"                            \
	" WHERE d.completed_at IS DISTINCT FROM d.done"

/* The entitlements of completions that changed. Completions that went together with their place
 * are left to the trigger of course_workouts. */
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
/* The columns of ENTITLEMENT. */
enum
{
	ENTITLEMENT_IS_ACTIVE = 1,
	ENTITLEMENT_USER,
};

#define ENTITLEMENT                                                                            \
	"SELECT status = 'active', user_id FROM coursebase.course_entitlements"                    \
	" WHERE id = $1 AND program_id = $2"
static KeptPlan read_entitlement = {
	.sql = ENTITLEMENT,
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan lock_entitlement = {
	.sql = ENTITLEMENT " FOR NO KEY UPDATE",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan read_place = {
	.sql = "SELECT is_rest FROM coursebase.course_workouts WHERE id = $1 AND program_id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/* In the order of ids, so that two statements wait in turn: programs before entitlements. */
#define CHANGED_PROGRAMS                                                                       \
	"SELECT p.tableoid, p.ctid FROM coursebase.programs p WHERE p.id IN (SELECT e.program_id"  \
	" FROM coursebase.course_entitlements e WHERE e.id IN " CHANGED_COMPLETIONS ")"
#define CHANGED_ENTITLEMENTS                                                                   \
	"SELECT e.tableoid, e.ctid FROM coursebase.course_entitlements e"                          \
	" WHERE e.id IN " CHANGED_COMPLETIONS
static LockBehind share_programs = {
	.wait = {.sql = CHANGED_PROGRAMS " ORDER BY p.id FOR SHARE"},
	.skip = {.sql = CHANGED_PROGRAMS " ORDER BY p.id FOR SHARE SKIP LOCKED"},
	.there = {.sql = CHANGED_PROGRAMS},
	.mode = LockTupleShare,
};
static LockBehind lock_entitlements = {
	.wait = {.sql = CHANGED_ENTITLEMENTS " ORDER BY e.id FOR NO KEY UPDATE"},
	.skip = {.sql = CHANGED_ENTITLEMENTS " ORDER BY e.id FOR NO KEY UPDATE SKIP LOCKED"},
	.there = {.sql = CHANGED_ENTITLEMENTS},
	.mode = LockTupleNoKeyExclusive,
};
/* The columns of STALE. */
enum
{
	STALE_COUNT = 1,
	STALE_IDS,
	STALE_TIMES,
};

static KeptPlan find_stale_of_completions = {
	.sql = STALE(" WHERE e.id IN " CHANGED_COMPLETIONS),
};
static KeptPlan find_stale_of_curriculum = {
	.sql = STALE(" WHERE e.program_id IN (SELECT n.program_id FROM changed n)"),
};
static KeptPlan find_stale_of_program = {
	.sql = STALE(" WHERE e.program_id = $1"),
	.nargs = 1,
	.types = {UUIDOID},
};
/* What follows for one entitlement ($1) to a program ($2). */
static KeptPlan read_done = {
	.sql = "SELECT " DONE " FROM (SELECT $2 AS program_id) e LEFT JOIN " COUNTED
		   " ON c.entitlement_id = $1 GROUP BY e.program_id",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/* An UPDATE changes progress only where a place becomes rest, or ceases to be. */
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
/* After a TRUNCATE of completions nobody has done anything. */
static KeptPlan clear_completed = {
	.sql = "UPDATE coursebase.course_entitlements SET completed_at = NULL"
		   " WHERE completed_at IS NOT NULL",
};

/* Marks the statement of completed_write(): what it writes is right already. */
static StatementMark deriving;

static HeapTuple row_complete(TriggerData *data, const char *from, KeptPlan *read,
							  const char *to);
static void completion_require(TriggerData *data, const pg_uuid_t *entitlement,
							   const pg_uuid_t *program, const pg_uuid_t *workout);
static void place_require(const pg_uuid_t *workout, const pg_uuid_t *program);
static bool entitlement_is_callers(TriggerData *data, KeptPlan *plan, Datum *values);
static bool row_is_callers(TriggerData *data, const pg_uuid_t *user);
static void completed_derive(KeptPlan *find, Datum *values);
static uint64 completed_write(KeptPlan *write, Datum *values);

PG_FUNCTION_INFO_V1(coursebase_tg_payment_transactions__program);
PG_FUNCTION_INFO_V1(coursebase_tg_course_entitlements__organization);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workout_completions__program);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workout_completions__derive);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workouts__derive);
PG_FUNCTION_INFO_V1(coursebase_tg_course_entitlements__completed);
PG_FUNCTION_INFO_V1(coursebase_tg_course_entitlements__revoked);

/* SQL function: tg_payment_transactions__program() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_payment_transactions__program(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_payment_transactions__program", ROW_BEFORE_WRITE);

	guest_make_of_row(data, data->tg_trigtuple);
	return PointerGetDatum(row_complete(data, "plan_id", &read_plan_program, "program_id"));
}

/* SQL function: tg_course_entitlements__organization() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_entitlements__organization(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_entitlements__organization", ROW_BEFORE_WRITE);

	guest_make_of_row(data, data->tg_trigtuple);
	return PointerGetDatum(
		row_complete(data, "program_id", &read_program_organization, "organization_id"));
}

/* SQL function: tg_course_workout_completions__program() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_workout_completions__program(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_workout_completions__program", ROW_BEFORE_WRITE);
	HeapTuple row =
		row_complete(data, "entitlement_id", &read_entitlement_program, "program_id");
	pg_uuid_t entitlement;
	pg_uuid_t program;
	pg_uuid_t workout;

	if (!restore_under_way() && trigger_uuid(data, row, "entitlement_id", &entitlement) &&
		trigger_uuid(data, row, "program_id", &program) &&
		trigger_uuid(data, row, "course_workout_id", &workout))
		completion_require(data, &entitlement, &program, &workout);
	return PointerGetDatum(row);
}

/* SQL function: tg_course_workout_completions__derive() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_workout_completions__derive(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect_statement(fcinfo, "tg_course_workout_completions__derive");

	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		completed_write(&clear_completed, NULL);
	else
	{
		trigger_tables_show(data);
		/* a DELETE of plain SQL has not locked them yet */
		lock_behind(&share_programs, NULL);
		lock_behind(&lock_entitlements, NULL);
		completed_derive(&find_stale_of_completions, NULL);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_course_workouts__derive() returns trigger
 *
 * Fires after tg_course_workouts__rules() (t300 before t500), which has locked the programs.
 */
PGDLLEXPORT Datum
coursebase_tg_course_workouts__derive(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_statement(fcinfo, "tg_course_workouts__derive");

	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	trigger_tables_show(data);
	completed_derive(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? &find_stale_of_rest
															 : &find_stale_of_curriculum,
					 NULL);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_course_entitlements__completed() returns trigger
 *
 * A new entitlement has no completions, and so no time. The row is locked when the trigger of
 * an UPDATE runs: no completion can come in between.
 */
PGDLLEXPORT Datum
coursebase_tg_course_entitlements__completed(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_entitlements__completed", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	PlanValues values = {0};
	Datum done;
	bool open;

	if (statement_mark_fires(&deriving) || restore_under_way())
		return PointerGetDatum(row);
	plan_bind(&values, trigger_value_as(data, row, "id", UUIDOID));
	plan_bind(&values, trigger_value_as(data, row, "program_id", UUIDOID));
	SPI_connect();
	owner_execute_latest(&read_done, values.datums, NULL);
	done = plan_value_as(0, 1, TIMESTAMPTZOID, &open);
	SPI_finish();
	return PointerGetDatum(
		trigger_set_as(data, row, "completed_at", TIMESTAMPTZOID, done, open));
}

/*
 * SQL function: tg_course_entitlements__revoked() returns trigger
 *
 * For a row whose status and access_revoked_at contradict each other: the time follows.
 */
PGDLLEXPORT Datum
coursebase_tg_course_entitlements__revoked(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_entitlements__revoked", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	bool revoked = strcmp(trigger_text(data, row, "status"), "revoked") == 0;
	Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());

	return PointerGetDatum(
		trigger_set_as(data, row, "access_revoked_at", TIMESTAMPTZOID, now, !revoked));
}

void
progress_derive(const pg_uuid_t *program)
{
	Datum key = UUIDPGetDatum(program);

	completed_derive(&find_stale_of_program, &key);
}

/*
 * Gives a row the column `to` of its parent, which the column `from` names, where none was
 * sent. A value that was sent is left to the keys. Without a parent the row gets the parent's
 * id, which the keys refuse in the same words as a value that is not the parent's.
 */
static HeapTuple
row_complete(TriggerData *data, const char *from, KeptPlan *read, const char *to)
{
	HeapTuple row = trigger_written_row(data);
	pg_uuid_t parent;
	pg_uuid_t value;
	Datum key = UUIDPGetDatum(&parent);
	bool found;

	if (trigger_uuid(data, row, to, &value) || !trigger_uuid(data, row, from, &parent))
		return row;
	SPI_connect();
	found = owner_execute_latest(read, &key, NULL) == 1 && plan_uuid_or_null(0, 1, &value);
	SPI_finish();
	/* a plan may sell no program: then its payments have none either */
	if (!found && read == &read_plan_program)
		return row;
	return trigger_set_as(data, row, to, UUIDOID, UUIDPGetDatum(found ? &value : &parent),
						  false);
}

/*
 * Locks program and entitlement, in the order of mark_workout_complete(), and judges a
 * completion that the caller may write. Another person's row, of which nothing is locked, is
 * left to row security, an entitlement of another program to the keys.
 */
static void
completion_require(TriggerData *data, const pg_uuid_t *entitlement, const pg_uuid_t *program,
				   const pg_uuid_t *workout)
{
	Datum values[] = {UUIDPGetDatum(entitlement), UUIDPGetDatum(program)};
	bool judged;

	SPI_connect();
	judged = entitlement_is_callers(data, &read_entitlement, values);
	if (judged)
	{
		program_share(program);
		judged = entitlement_is_callers(data, &lock_entitlement, values);
	}
	if (judged && !plan_bool(0, ENTITLEMENT_IS_ACTIVE))
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_ENTITLED),
						errmsg("the course is not this buyer's to use"),
						errdetail("The entitlement is not active."),
						errhint("Buy the course with begin_checkout().")));
	if (judged)
		place_require(workout, program);
	SPI_finish();
}

/* The key of the place is judged at commit, which is late for who wrote the row. */
static void
place_require(const pg_uuid_t *workout, const pg_uuid_t *program)
{
	Datum values[] = {UUIDPGetDatum(workout), UUIDPGetDatum(program)};

	if (owner_execute_latest(&read_place, values, NULL) == 0)
		ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
						errmsg("there is no such workout in the course"),
						errhint("Give the id of a row of the course's course_workouts.")));
	if (plan_bool(0, 1))
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_A_WORKOUT),
						errmsg("there is no such workout in the course"),
						errdetail("It is a day of rest."),
						errhint("Give the id of a row of the course's course_workouts.")));
}

/* Whether there is such an entitlement, and it is the caller's. */
static bool
entitlement_is_callers(TriggerData *data, KeptPlan *plan, Datum *values)
{
	pg_uuid_t user;

	if (owner_execute(plan, values, NULL, false) != 1)
		return false;
	user = plan_uuid(0, ENTITLEMENT_USER);
	return row_is_callers(data, &user);
}

/* Whether the caller is the buyer, or passes row security. */
static bool
row_is_callers(TriggerData *data, const pg_uuid_t *user)
{
	const Asking *asking;

	if (check_enable_rls(RelationGetRelid(data->tg_relation), InvalidOid, true) != RLS_ENABLED)
		return true;
	asking = identity_asking_anywhere();
	return asking != NULL && uuid_equal(&asking->user, user);
}

/* Writes completed_at of the entitlements that the statement finds wrong. */
static void
completed_derive(KeptPlan *find, Datum *values)
{
	Datum found[2];
	int32 stale;

	owner_execute_latest(find, values, NULL);
	stale = plan_int32(0, STALE_COUNT);
	if (stale == 0)
		return;
	found[0] = plan_value_as(0, STALE_IDS, UUIDARRAYOID, NULL);
	found[1] = plan_value_as(0, STALE_TIMES, TIMESTAMPTZARRAYOID, NULL);
	if (completed_write(&write_completed, found) != (uint64) stale)
		program_raise_newer("course_entitlements", "an entitlement");
}

/* The flag goes back on an error too: the session would otherwise let everybody write. */
static uint64
completed_write(KeptPlan *write, Datum *values)
{
	StatementMark outer = statement_mark_set(&deriving);
	uint64 written;

	PG_TRY();
	{
		written = owner_execute(write, values, NULL, false);
	}
	PG_FINALLY();
	{
		deriving = outer;
	}
	PG_END_TRY();
	return written;
}
