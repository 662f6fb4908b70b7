/*
 * places.c: a curriculum that is rewritten by DELETE and INSERT within one transaction.
 *
 * Invariants: a published program keeps a workout and a preview its workout at every commit,
 * and not at every statement in between. Of the places that a transaction deletes, the nth of a
 * workout in a day hands what buyers have done to the nth of that workout in that day which the
 * transaction inserts. What nothing takes over is deleted with its place. completed_at is
 * derived when this is done.
 *
 * How: the key of completions to their place is judged at commit. The trigger A500_settle,
 * whose name sorts before those of keys, is judged at commit too, once for each deleted place
 * and each new completion, and the first call does the work for all. Which places a transaction
 * deleted and inserted is kept in its memory: the rows are gone by then. A place that was noted
 * and whose deletion, or insertion, was rolled back to a savepoint is found, or not found, in
 * the table. What is settled counts as settled until the next statement on the table, or
 * rollback to a savepoint: to settle twice is harmless.
 *
 * Locks: the triggers of each statement have locked the programs. Rights: those of the tables'
 * owner. A restored dump is taken as it is.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/statement_mark.h"
#include "programs/places.h"
#include "programs/program.h"

/* A place that the transaction deleted, as it was then. */
typedef struct Deleted
{
	pg_uuid_t id; /* the key of the table */
	pg_uuid_t program;
	pg_uuid_t workout; /* all zeros for rest, which nobody has done */
	int32 day;
	int32 order;
	uint64 settled; /* in which round */
} Deleted;

/* A program whose rules are to be judged when the transaction ends. */
typedef struct Changed
{
	pg_uuid_t id;  /* the key of the table */
	uint64 judged; /* in which round */
} Changed;

/* All that one transaction has noted, in its memory. */
static struct
{
	LocalTransactionId transaction;
	uint64 round; /* of statements: what an earlier one settled is open again */
	HTAB *deleted;
	HTAB *changed;
	pg_uuid_t *inserted;
	int inserted_count;
	int inserted_size;
} noted = {.transaction = InvalidLocalTransactionId, .round = 1};

/* Marks the statement by which places_settle() moves completions. */
static StatementMark settling;

/* The columns of read_deleted. */
enum
{
	DELETED_ID = 1,
	DELETED_PROGRAM,
	DELETED_DAY,
	DELETED_ORDER,
	DELETED_WORKOUT,
};

static KeptPlan read_deleted = {
	.sql = "SELECT o.id, o.program_id, o.day_offset, o.sort_order, o.workout_id FROM former o",
};
static KeptPlan read_changed = {
	.sql = "SELECT DISTINCT n.program_id FROM changed n JOIN former o ON o.id = n.id"
		   " WHERE (o.workout_id, o.is_rest) IS DISTINCT FROM (n.workout_id, n.is_rest)",
};
static KeptPlan read_inserted = {
	.sql = "SELECT n.id FROM changed n WHERE NOT n.is_rest",
};
/*
 * $1 to $5: the deleted places, with program, day, order and workout; $6: the inserted ones. A
 * place that is there again under its old id keeps what was done, whatever stands in it now. A
 * buyer who has done the new place already, in this transaction, keeps that. MATERIALIZED: in
 * the order of the windows the join would compare all places of one workout with each other.
 */
#define MOVE_COMPLETIONS                                                                       \
	"WITH gone AS MATERIALIZED (SELECT g.*, row_number() OVER ("                               \
	"  PARTITION BY g.program_id, g.day_offset, g.workout_id ORDER BY g.sort_order, g.id)"     \
	"  AS n FROM unnest($1, $2, $3, $4, $5) g"                                                 \
	"  (id, program_id, day_offset, sort_order, workout_id)"                                   \
	"  WHERE NOT EXISTS (SELECT FROM coursebase.course_workouts w WHERE w.id = g.id)),"        \
	" come AS MATERIALIZED (SELECT w.id, w.program_id, w.day_offset, w.workout_id, "           \
	"row_number() OVER ("                                                                      \
	"  PARTITION BY w.program_id, w.day_offset, w.workout_id ORDER BY w.sort_order, w.id)"     \
	"  AS n FROM coursebase.course_workouts w"                                                 \
	"  WHERE w.id = ANY ($6) AND w.id <> ALL ($1))"                                            \
	" UPDATE coursebase.course_workout_completions c SET course_workout_id = come.id"          \
	" FROM gone JOIN come USING (program_id, day_offset, workout_id, n)"                       \
	" WHERE c.course_workout_id = gone.id AND NOT EXISTS ("                                    \
	"  SELECT FROM coursebase.course_workout_completions x"                                    \
	"  WHERE x.entitlement_id = c.entitlement_id AND x.course_workout_id = come.id)"
#define DELETE_COMPLETIONS                                                                     \
	"DELETE FROM coursebase.course_workout_completions c"                                      \
	" WHERE c.course_workout_id = ANY ($1) AND NOT EXISTS ("                                   \
	"  SELECT FROM coursebase.course_workouts w WHERE w.id = c.course_workout_id)"
#define MOVE_TYPES                                                                             \
	.nargs = 6, .types = {UUIDARRAYOID, UUIDARRAYOID, INT4ARRAYOID,                            \
						  INT4ARRAYOID, UUIDARRAYOID, UUIDARRAYOID}
static KeptPlan move_completions = {.sql = MOVE_COMPLETIONS, MOVE_TYPES};
static KeptPlan delete_completions = {
	.sql = DELETE_COMPLETIONS,
	.nargs = 1,
	.types = {UUIDARRAYOID},
};
/*
 * The same for many places, planned for their number: the plan for any list looks each deleted
 * place up among all inserted ones, and to plan costs more than that where they are few.
 */
#define MANY_PLACES 100
static KeptPlan move_completions_of_many = {
	.sql = MOVE_COMPLETIONS, MOVE_TYPES, .custom = true};
static KeptPlan delete_completions_of_many = {
	.sql = DELETE_COMPLETIONS,
	.nargs = 1,
	.types = {UUIDARRAYOID},
	.custom = true,
};

static void notes_begin(void);
static void notes_reopen(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
						 void *argument);
static HTAB *notes_table(const char *name, Size size);
static void deleted_note(const pg_uuid_t *id, const pg_uuid_t *program, int32 day, int32 order,
						 const pg_uuid_t *workout);
static void changed_note(const pg_uuid_t *program);
static void inserted_note(uint64 rows);
static bool event_is_settled(TriggerData *data);
static void places_settle(const pg_uuid_t *program, int32 day);
static void completions_move(Datum *values, bool many);
static void programs_judge(void);

PG_FUNCTION_INFO_V1(coursebase_tg_course_workouts__reopen);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workouts__settle);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workout_completions__keep_place);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workout_completions__settle);

/* SQL function: tg_course_workouts__reopen() returns trigger. Before each statement. */
PGDLLEXPORT Datum
coursebase_tg_course_workouts__reopen(PG_FUNCTION_ARGS)
{
	trigger_expect_before_statement(fcinfo, "tg_course_workouts__reopen");
	noted.round++;
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_course_workouts__settle() returns trigger
 *
 * Under SET CONSTRAINTS … IMMEDIATE it fires before the statement's own triggers have noted
 * anything, and then settles the one place.
 */
PGDLLEXPORT Datum
coursebase_tg_course_workouts__settle(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_workouts__settle", ROW_AFTER_CHANGE);

	if (restore_under_way() || TRIGGER_FIRED_BY_INSERT(data->tg_event) ||
		event_is_settled(data))
		return PointerGetDatum(NULL);
	SPI_connect();
	places_settle(NULL, 0);
	programs_judge();
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_course_workout_completions__settle() returns trigger
 *
 * A completion whose place the same transaction deletes later: its key would be judged first.
 */
PGDLLEXPORT Datum
coursebase_tg_course_workout_completions__settle(PG_FUNCTION_ARGS)
{
	trigger_expect(fcinfo, "tg_course_workout_completions__settle", ROW_AFTER_WRITE);
	if (noted.transaction != compat_local_transaction() || restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	places_settle(NULL, 0);
	programs_judge();
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* SQL function: tg_course_workout_completions__keep_place() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_workout_completions__keep_place(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_workout_completions__keep_place", ROW_BEFORE_UPDATE);

	if (!statement_mark_fires(&settling))
		trigger_raise_set_already(data, "course_workout_id");
	return PointerGetDatum(data->tg_newtuple);
}

void
places_note(TriggerData *data)
{
	uint64 rows;

	notes_begin();
	if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
	{
		rows = owner_execute(&read_deleted, NULL, NULL, false);
		for (uint64 i = 0; i < rows; i++)
		{
			pg_uuid_t id = plan_uuid(i, DELETED_ID);
			pg_uuid_t program = plan_uuid(i, DELETED_PROGRAM);
			pg_uuid_t workout;

			plan_uuid_or_null(i, DELETED_WORKOUT, &workout);
			deleted_note(&id, &program, plan_int32(i, DELETED_DAY),
						 plan_int32(i, DELETED_ORDER), &workout);
		}
	}
	else if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		rows = owner_execute(&read_changed, NULL, NULL, false);
		for (uint64 i = 0; i < rows; i++)
		{
			pg_uuid_t program = plan_uuid(i, 1);

			changed_note(&program);
		}
	}
	/* also before anything was deleted: a program may write the new places first, or both in
	 * one statement, whose triggers of the INSERT come first */
	else
		inserted_note(owner_execute(&read_inserted, NULL, NULL, false));
}

/*
 * set_day() replaces a day in one statement and need not wait for the commit: it settles at
 * once, and marks the program as judged in this round.
 */
void
places_settle_day(const pg_uuid_t *program, int32 day)
{
	Changed *changed;

	notes_begin();
	places_settle(program, day);
	curriculum_require(program);
	progress_derive(program);
	changed = hash_search(noted.changed, program, HASH_FIND, NULL);
	if (changed != NULL)
		changed->judged = noted.round;
}

/* What an earlier transaction noted went with its memory. */
static void
notes_begin(void)
{
	static bool registered;

	if (!registered)
		RegisterSubXactCallback(notes_reopen, NULL);
	registered = true;
	if (noted.transaction == compat_local_transaction())
		return;
	noted.transaction = InvalidLocalTransactionId;
	noted.deleted = notes_table("deleted places", sizeof(Deleted));
	noted.changed = notes_table("programs to judge", sizeof(Changed));
	noted.inserted = NULL;
	noted.inserted_count = 0;
	noted.inserted_size = 0;
	noted.transaction = compat_local_transaction();
}

/* What a subtransaction settled that is rolled back is open again. */
static void
notes_reopen(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *argument)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		noted.round++;
}

static HTAB *
notes_table(const char *name, Size size)
{
	HASHCTL how = {
		.keysize = sizeof(pg_uuid_t), .entrysize = size, .hcxt = TopTransactionContext};

	return hash_create(name, 64, &how, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The last deletion of an id counts: an earlier one was rolled back, or the place came again.
 */
static void
deleted_note(const pg_uuid_t *id, const pg_uuid_t *program, int32 day, int32 order,
			 const pg_uuid_t *workout)
{
	Deleted *place = hash_search(noted.deleted, id, HASH_ENTER, NULL);

	place->program = *program;
	place->workout = *workout;
	place->day = day;
	place->order = order;
	place->settled = 0;
	changed_note(program);
}

/*
 * judged 0 is before every round: the program is judged at commit even if it was judged before
 * this change.
 */
static void
changed_note(const pg_uuid_t *program)
{
	Changed *changed = hash_search(noted.changed, program, HASH_ENTER, NULL);

	changed->judged = 0;
}

/* In the memory of the transaction, because the list is read at commit. */
static void
inserted_note(uint64 rows)
{
	int needed = noted.inserted_count + (int) rows;

	if (needed > noted.inserted_size)
	{
		int size = Max(needed, 2 * noted.inserted_size);

		noted.inserted =
			noted.inserted == NULL
				? MemoryContextAlloc(TopTransactionContext, size * sizeof(pg_uuid_t))
				: repalloc(noted.inserted, size * sizeof(pg_uuid_t));
		noted.inserted_size = size;
	}
	for (uint64 i = 0; i < rows; i++)
		noted.inserted[noted.inserted_count++] = plan_uuid(i, 1);
}

/* Whether another event has settled what this one is about; notes what nothing has noted. */
static bool
event_is_settled(TriggerData *data)
{
	HeapTuple row = data->tg_trigtuple;
	pg_uuid_t program = *DatumGetUUIDP(trigger_value_as(data, row, "program_id", UUIDOID));
	pg_uuid_t id = *DatumGetUUIDP(trigger_value_as(data, row, "id", UUIDOID));
	pg_uuid_t workout = {0};
	Changed *changed;
	Deleted *place;

	notes_begin();
	changed = hash_search(noted.changed, &program, HASH_FIND, NULL);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		if (changed == NULL)
			changed_note(&program);
		return changed != NULL && changed->judged == noted.round;
	}
	place = hash_search(noted.deleted, &id, HASH_FIND, NULL);
	if (place == NULL || (place->settled != 0 && place->settled != noted.round))
	{
		trigger_uuid(data, row, "workout_id", &workout);
		deleted_note(
			&id, &program, DatumGetInt32(trigger_value_as(data, row, "day_offset", INT4OID)),
			DatumGetInt32(trigger_value_as(data, row, "sort_order", INT4OID)), &workout);
		return false;
	}
	return place->settled != 0 && changed != NULL && changed->judged == noted.round;
}

/* Settles the deleted places of one day, or all (program NULL). */
static void
places_settle(const pg_uuid_t *program, int32 day)
{
	int most = hash_get_num_entries(noted.deleted);
	Datum *columns[5];
	Datum *inserted = palloc((noted.inserted_count + 1) * sizeof(Datum));
	Datum values[6];
	HASH_SEQ_STATUS scan;
	Deleted *place;
	int count = 0;

	for (int i = 0; i < lengthof(columns); i++)
		columns[i] = palloc((most + 1) * sizeof(Datum));
	hash_seq_init(&scan, noted.deleted);
	while ((place = hash_seq_search(&scan)) != NULL)
	{
		if (place->settled == noted.round ||
			(program != NULL && (!uuid_equal(&place->program, program) || place->day != day)))
			continue;
		columns[0][count] = UUIDPGetDatum(&place->id);
		columns[1][count] = UUIDPGetDatum(&place->program);
		columns[2][count] = Int32GetDatum(place->day);
		columns[3][count] = Int32GetDatum(place->order);
		columns[4][count++] = UUIDPGetDatum(&place->workout);
		place->settled = noted.round;
	}
	if (count == 0)
		return;
	for (int i = 0; i < noted.inserted_count; i++)
		inserted[i] = UUIDPGetDatum(&noted.inserted[i]);
	for (int i = 0; i < lengthof(columns); i++)
		values[i] = array_of(i == 2 || i == 3 ? INT4OID : UUIDOID, columns[i], NULL, count);
	values[5] = array_of(UUIDOID, inserted, NULL, noted.inserted_count);
	completions_move(values, Max(count, noted.inserted_count) > MANY_PLACES);
}

/* The flag goes back on an error too: the session would otherwise let everybody move them. */
static void
completions_move(Datum *values, bool many)
{
	StatementMark outer = statement_mark_set(&settling);

	PG_TRY();
	{
		owner_execute_latest(many ? &move_completions_of_many : &move_completions, values,
							 NULL);
	}
	PG_FINALLY();
	{
		settling = outer;
	}
	PG_END_TRY();
	owner_execute_latest(many ? &delete_completions_of_many : &delete_completions, values,
						 NULL);
}

/* A program that is gone has neither rules nor buyers. The statements that changed the programs
 * hold their locks: to lock them again cannot wait. */
static void
programs_judge(void)
{
	HASH_SEQ_STATUS scan;
	Changed *changed;
	Program program;

	hash_seq_init(&scan, noted.changed);
	while ((changed = hash_seq_search(&scan)) != NULL)
	{
		if (changed->judged == noted.round)
			continue;
		changed->judged = noted.round;
		if (!program_lock(&changed->id, &program))
			continue;
		curriculum_require(&changed->id);
		progress_derive(&changed->id);
	}
}
