/*
 * places.c: a curriculum that is rewritten by DELETE and INSERT within one transaction.
 *
 * Invariants: a published program keeps a workout and a preview its workout at every commit,
 * and not at every statement in between. Of the places that a transaction deletes, the nth of a
 * workout in a day hands what buyers have done to the nth of that workout in that day which the
 * transaction inserts. What nothing takes over is deleted with its place. A place hands over
 * once and takes over once, however often the transaction settles and writes the day again.
 * Places that came and went between two settlements, before anybody had done one of that day,
 * are passed over.
 * completed_at is derived when this is done.
 *
 * How: the key of completions to their place is judged at commit. The trigger A500_settle,
 * whose name sorts before those of keys, is judged at commit too, once for each deleted place
 * and each new completion, and the first call does the work for all. Which places a transaction
 * deleted and inserted is kept in its memory: the rows are gone by then. What a subtransaction
 * noted is forgotten when that is rolled back, and what it handed over is open again. Whether
 * all is settled is asked again after the next statement on the table or rollback to a
 * savepoint.
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
	uint64 settled;             /* in which round */
	SubTransactionId noted_in;  /* which deleted it */
	SubTransactionId handed_in; /* which handed over what was done, or invalid */
} Deleted;

/* A place that the transaction inserted. */
typedef struct Inserted
{
	pg_uuid_t id;              /* the key of the table */
	SubTransactionId noted_in; /* which inserted it */
	SubTransactionId taken_in; /* which gave it what was done elsewhere, or invalid */
} Inserted;

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
	HTAB *inserted;
	SubTransactionId youngest; /* which changed these two */
	HTAB *changed;
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

/* The columns of pair_places. */
enum
{
	PAIRED_GONE = 1,
	PAIRED_COME,
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
 * $1 to $6: the deleted places, with program, day, order, workout and whether the transaction
 * inserted them and they took nothing over (fresh); $7: the inserted ones. The fresh places of
 * a day of which nobody has done one are passing: they have no partner, and count for nobody's.
 * A place that is there again under its old id keeps what was done, whatever stands in it now.
 * The answer has each place that is gone, and its partner or NULL. MATERIALIZED: in the order
 * of the windows the join would compare all places of one workout with each other.
 */
#define PAIR_PLACES                                                                            \
	"WITH gone AS MATERIALIZED (SELECT g.*, row_number() OVER (PARTITION BY"                   \
	"  g.program_id, g.day_offset, g.workout_id, g.passing ORDER BY g.sort_order, g.id) AS n"  \
	"  FROM (SELECT u.*, u.fresh AND NOT bool_or(u.fresh AND EXISTS ("                         \
	"   SELECT FROM coursebase.course_workout_completions c WHERE c.course_workout_id = u.id)" \
	"   ) OVER (PARTITION BY u.program_id, u.day_offset) AS passing"                           \
	"   FROM unnest($1, $2, $3, $4, $5, $6) u"                                                 \
	"   (id, program_id, day_offset, sort_order, workout_id, fresh)"                           \
	"   WHERE NOT EXISTS (SELECT FROM coursebase.course_workouts w WHERE w.id = u.id)) g),"    \
	" come AS MATERIALIZED (SELECT w.id, w.program_id, w.day_offset, w.workout_id, "           \
	"row_number() OVER ("                                                                      \
	"  PARTITION BY w.program_id, w.day_offset, w.workout_id ORDER BY w.sort_order, w.id)"     \
	"  AS n FROM coursebase.course_workouts w WHERE w.id = ANY ($7))"                          \
	" SELECT g.id, k.id FROM gone g LEFT JOIN come k ON (k.program_id, k.day_offset,"          \
	" k.workout_id, k.n) = (g.program_id, g.day_offset, g.workout_id, g.n) AND NOT g.passing"
/* A buyer who has done the new place already, in this transaction, keeps that. */
#define MOVE_COMPLETIONS                                                                       \
	"UPDATE coursebase.course_workout_completions c SET course_workout_id = p.come"            \
	" FROM unnest($1, $2) p (gone, come)"                                                      \
	" WHERE c.course_workout_id = p.gone AND NOT EXISTS ("                                     \
	"  SELECT FROM coursebase.course_workout_completions x"                                    \
	"  WHERE x.entitlement_id = c.entitlement_id AND x.course_workout_id = p.come)"
#define DELETE_COMPLETIONS                                                                     \
	"DELETE FROM coursebase.course_workout_completions c"                                      \
	" WHERE c.course_workout_id = ANY ($1) AND NOT EXISTS ("                                   \
	"  SELECT FROM coursebase.course_workouts w WHERE w.id = c.course_workout_id)"

/* The statements by which places are settled. */
typedef struct SettlePlans
{
	KeptPlan pair;
	KeptPlan move;
	KeptPlan delete;
} SettlePlans;

/*
 * Those for many places are planned for their number: the plan for any list looks each deleted
 * place up among all inserted ones, and to plan costs more than that where they are few.
 */
#define MANY_PLACES 100
#define SETTLE_PLANS(each_planned)                                                             \
	{                                                                                          \
		.pair = {.sql = PAIR_PLACES,                                                           \
				 .nargs = 7,                                                                   \
				 .types = {UUIDARRAYOID, UUIDARRAYOID, INT4ARRAYOID, INT4ARRAYOID,             \
						   UUIDARRAYOID, BOOLARRAYOID, UUIDARRAYOID},                          \
				 .custom = each_planned},                                                      \
		.move = {.sql = MOVE_COMPLETIONS,                                                      \
				 .nargs = 2,                                                                   \
				 .types = {UUIDARRAYOID, UUIDARRAYOID},                                        \
				 .custom = each_planned},                                                      \
		.delete = {.sql = DELETE_COMPLETIONS,                                                  \
				   .nargs = 1,                                                                 \
				   .types = {UUIDARRAYOID},                                                    \
				   .custom = each_planned},                                                    \
	}
static SettlePlans settle_few = SETTLE_PLANS(false);
static SettlePlans settle_many = SETTLE_PLANS(true);

static void notes_begin(void);
static void notes_reopen(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
						 void *argument);
static void notes_undo(SubTransactionId aborted);
static SubTransactionId noting(void);
static HTAB *notes_table(const char *name, Size size);
static void deleted_note(const pg_uuid_t *id, const pg_uuid_t *program, int32 day, int32 order,
						 const pg_uuid_t *workout);
static void changed_note(const pg_uuid_t *program);
static void inserted_note(uint64 rows);
static bool event_is_settled(TriggerData *data);
static void places_settle(const pg_uuid_t *program, int32 day);
static Datum inserted_open(int *count);
static bool inserted_is_open(const pg_uuid_t *id);
static Inserted *inserted_take(const pg_uuid_t *id);
static void completions_hand_over(SettlePlans *plans, Datum *values);
static void completions_move(KeptPlan *move, Datum *pairs);
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
	noted.inserted = notes_table("inserted places", sizeof(Inserted));
	noted.changed = notes_table("programs to judge", sizeof(Changed));
	noted.youngest = InvalidSubTransactionId;
	noted.transaction = compat_local_transaction();
}

/* What a subtransaction settled that is rolled back is open again. */
static void
notes_reopen(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *argument)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	noted.round++;
	if (noted.transaction == compat_local_transaction() && noted.youngest >= mine)
		notes_undo(mine);
}

/*
 * Forgets what a rolled back subtransaction noted, and opens again what it handed over.
 * Subtransactions are numbered as they begin: all from the aborted one on began within it.
 */
static void
notes_undo(SubTransactionId aborted)
{
	HASH_SEQ_STATUS scan;
	Deleted *deleted;
	Inserted *inserted;

	hash_seq_init(&scan, noted.deleted);
	while ((deleted = hash_seq_search(&scan)) != NULL)
		if (deleted->noted_in >= aborted)
			hash_search(noted.deleted, &deleted->id, HASH_REMOVE, NULL);
		else if (deleted->handed_in >= aborted)
			deleted->handed_in = InvalidSubTransactionId;
	hash_seq_init(&scan, noted.inserted);
	while ((inserted = hash_seq_search(&scan)) != NULL)
		if (inserted->noted_in >= aborted)
			hash_search(noted.inserted, &inserted->id, HASH_REMOVE, NULL);
		else if (inserted->taken_in >= aborted)
			inserted->taken_in = InvalidSubTransactionId;
	noted.youngest = aborted - 1;
}

/* The current subtransaction, which changes the notes. */
static SubTransactionId
noting(void)
{
	noted.youngest = GetCurrentSubTransactionId();
	return noted.youngest;
}

static HTAB *
notes_table(const char *name, Size size)
{
	HASHCTL how = {
		.keysize = sizeof(pg_uuid_t), .entrysize = size, .hcxt = TopTransactionContext};

	return hash_create(name, 64, &how, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * The last deletion of an id counts: an earlier one was rolled back, or the place came again.
 * One that its own event has settled (SET CONSTRAINTS … IMMEDIATE) was noted by that.
 */
static void
deleted_note(const pg_uuid_t *id, const pg_uuid_t *program, int32 day, int32 order,
			 const pg_uuid_t *workout)
{
	bool found;
	Deleted *place = hash_search(noted.deleted, id, HASH_ENTER, &found);

	changed_note(program);
	if (found && place->settled == noted.round)
		return;
	place->program = *program;
	place->workout = *workout;
	place->day = day;
	place->order = order;
	place->settled = 0;
	place->noted_in = noting();
	place->handed_in = InvalidSubTransactionId;
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

/* Notes the new rows of the statement. A deleted place that handed over and is inserted again
 * under its id is a new place: its deletion is forgotten. */
static void
inserted_note(uint64 rows)
{
	for (uint64 i = 0; i < rows; i++)
	{
		pg_uuid_t id = plan_uuid(i, 1);
		Inserted *place = hash_search(noted.inserted, &id, HASH_ENTER, NULL);
		Deleted *former = hash_search(noted.deleted, &id, HASH_FIND, NULL);

		place->noted_in = noting();
		place->taken_in = InvalidSubTransactionId;
		if (former != NULL && former->handed_in != InvalidSubTransactionId)
			hash_search(noted.deleted, &id, HASH_REMOVE, NULL);
	}
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
	if (place == NULL || (place->handed_in == InvalidSubTransactionId && place->settled != 0 &&
						  place->settled != noted.round))
	{
		trigger_uuid(data, row, "workout_id", &workout);
		deleted_note(
			&id, &program, DatumGetInt32(trigger_value_as(data, row, "day_offset", INT4OID)),
			DatumGetInt32(trigger_value_as(data, row, "sort_order", INT4OID)), &workout);
		return false;
	}
	return place->settled != 0 && changed != NULL && changed->judged == noted.round;
}

/*
 * Settles the deleted places of one day, or all (program NULL), that have not handed over. One
 * of them that was inserted again under its id takes nothing over: either it is there and keeps
 * what was done, or it is gone.
 */
static void
places_settle(const pg_uuid_t *program, int32 day)
{
	static const Oid types[] = {UUIDOID, UUIDOID, INT4OID, INT4OID, UUIDOID, BOOLOID};
	int most = hash_get_num_entries(noted.deleted);
	Datum *columns[lengthof(types)];
	Datum values[lengthof(types) + 1];
	HASH_SEQ_STATUS scan;
	Deleted *place;
	int count = 0;
	int inserted_count;

	for (int i = 0; i < lengthof(columns); i++)
		columns[i] = palloc((most + 1) * sizeof(Datum));
	hash_seq_init(&scan, noted.deleted);
	while ((place = hash_seq_search(&scan)) != NULL)
	{
		if (place->settled == noted.round || place->handed_in != InvalidSubTransactionId ||
			(program != NULL && (!uuid_equal(&place->program, program) || place->day != day)))
			continue;
		columns[0][count] = UUIDPGetDatum(&place->id);
		columns[1][count] = UUIDPGetDatum(&place->program);
		columns[2][count] = Int32GetDatum(place->day);
		columns[3][count] = Int32GetDatum(place->order);
		columns[4][count] = UUIDPGetDatum(&place->workout);
		columns[5][count++] = BoolGetDatum(inserted_is_open(&place->id));
		place->settled = noted.round;
		inserted_take(&place->id);
	}
	if (count == 0)
		return;
	for (int i = 0; i < lengthof(types); i++)
		values[i] = array_of(types[i], columns[i], NULL, count);
	values[lengthof(types)] = inserted_open(&inserted_count);
	completions_hand_over(Max(count, inserted_count) > MANY_PLACES ? &settle_many : &settle_few,
						  values);
}

/* The inserted places that have taken nothing over, as uuid[]. */
static Datum
inserted_open(int *count)
{
	Datum *ids = palloc((hash_get_num_entries(noted.inserted) + 1) * sizeof(Datum));
	HASH_SEQ_STATUS scan;
	Inserted *place;

	*count = 0;
	hash_seq_init(&scan, noted.inserted);
	while ((place = hash_seq_search(&scan)) != NULL)
		if (place->taken_in == InvalidSubTransactionId)
			ids[(*count)++] = UUIDPGetDatum(&place->id);
	return array_of(UUIDOID, ids, NULL, *count);
}

/* Whether the transaction inserted the place of this id, and it has taken nothing over. */
static bool
inserted_is_open(const pg_uuid_t *id)
{
	Inserted *place = hash_search(noted.inserted, id, HASH_FIND, NULL);

	return place != NULL && place->taken_in == InvalidSubTransactionId;
}

/* The place of this id takes nothing over from now on; NULL when it was not inserted. */
static Inserted *
inserted_take(const pg_uuid_t *id)
{
	Inserted *place = hash_search(noted.inserted, id, HASH_FIND, NULL);

	if (place != NULL && place->taken_in == InvalidSubTransactionId)
		place->taken_in = noting();
	return place;
}

/* What buyers have done in each of the deleted places that are gone goes to its partner. */
static void
completions_hand_over(SettlePlans *plans, Datum *values)
{
	uint64 rows = owner_execute_latest(&plans->pair, values, NULL);
	Datum *gone = palloc((rows + 1) * sizeof(Datum));
	Datum *come = palloc((rows + 1) * sizeof(Datum));
	Datum pairs[2];
	Datum all = values[0];
	int count = 0;

	for (uint64 i = 0; i < rows; i++)
	{
		pg_uuid_t from = plan_uuid(i, PAIRED_GONE);
		pg_uuid_t to;
		Deleted *place = hash_search(noted.deleted, &from, HASH_FIND, NULL);

		place->handed_in = noting();
		if (!plan_uuid_or_null(i, PAIRED_COME, &to))
			continue;
		gone[count] = UUIDPGetDatum(&place->id);
		come[count++] = UUIDPGetDatum(&inserted_take(&to)->id);
	}
	if (count > 0)
	{
		pairs[0] = array_of(UUIDOID, gone, NULL, count);
		pairs[1] = array_of(UUIDOID, come, NULL, count);
		completions_move(&plans->move, pairs);
	}
	owner_execute_latest(&plans->delete, &all, NULL);
}

/* The flag goes back on an error too: the session would otherwise let everybody move them. */
static void
completions_move(KeptPlan *move, Datum *pairs)
{
	StatementMark outer = statement_mark_set(&settling);

	PG_TRY();
	{
		owner_execute_latest(move, pairs, NULL);
	}
	PG_FINALLY();
	{
		settling = outer;
	}
	PG_END_TRY();
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
