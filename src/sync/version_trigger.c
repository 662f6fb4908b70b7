/*
 * version_trigger.c: the trigger that moves the versions which cached handshakes are compared
 * with.
 *
 * Invariant: every change of what a handshake is made from moves one version: that of the
 * catalogue (one row, for what goes to everybody), of a cohort or of a user. The version moves
 * in the transaction that makes the change, under the lock of its row. So a snapshot that sees
 * the version sees every change up to it, and no later one.
 *
 * The same holds where the catalogue comes from another server. Its triggers fire always, and
 * in the transaction that applies the other server's rows, or copies them first, they move the
 * versions of this one: no version is replicated, and none could be, because the rows of two
 * tables are copied at two times, and a version that was copied before them would stand for
 * both. Where the versions come along (a copy of the whole schema, a dump that is loaded as a
 * replica), the triggers stand back: what they would write is written already.
 *
 * Lock order: versions come after what is the person's (identity/anchor.h): the trigger fires
 * after the change. A function that has moved a person's version goes on to other rows of the
 * person, one of which a plain statement may hold: that statement, which has not locked the
 * person, waits for the version as core/lock_behind.h says. After the catalogue's and a
 * cohort's no function waits for a row that moves them. Rights: those of the tables' owner,
 * because nobody may write versions. A user or cohort that is being deleted has no version left
 * to move.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/lock_behind.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/replicated.h"
#include "core/row_trigger.h"
#include "identity/anchor.h"
#include "sync/versions.h"

/*
 * A scope of versions. The first argument of the trigger names it; the second one, of a keyed
 * scope, names the column that holds the key. Others name more columns, for an UPDATE that
 * moves nothing where it changes neither the key nor them (update_matters()).
 */
typedef struct VersionScope
{
	const char *name;
	bool keyed;
	bool person;     /* the key is that of a person */
	bool made_anew;  /* no last_move of it is kept */
	LockBehind lock; /* of the version, before it moves, if others may follow it */
	KeptPlan move;
	KeptPlan move_many; /* of all keys of an array, if the scope has triggers of statements */
} VersionScope;

/*
 * A version begins at random, so that no version comes a second time: neither that of another
 * database, whose cached answers a dump brought here without its versions, nor that of a row
 * that stood here before.
 */
#define FIRST_VERSION "1 + (random() * 1e15)::bigint"

#define ONE_KEY .nargs = 1, .types = {UUIDOID}
/* The rows as lock_behind() takes them; keys are the parameters. */
#define LOCK_VERSION(rows, keys)                                                               \
	.lock = {.wait = {.sql = VERSION_OF(rows) " FOR NO KEY UPDATE", keys},                     \
			 .skip = {.sql = VERSION_OF(rows) " FOR NO KEY UPDATE SKIP LOCKED", keys},         \
			 .there = {.sql = VERSION_OF(rows), keys},                                         \
			 .mode = LockTupleNoKeyExclusive,                                                  \
			 .single = true}
#define VERSION_OF(rows) "SELECT v.tableoid, v.ctid FROM coursebase." rows

static VersionScope scopes[] = {
	{.name = "catalogue",
	 .move = {.sql = "INSERT INTO coursebase.catalogue_version AS v (singleton, version)"
					 " VALUES (true, " FIRST_VERSION ")"
					 " ON CONFLICT (singleton) DO UPDATE SET version = v.version + 1"}},
	{.name = "cohort",
	 .keyed = true,
	 .made_anew = true,
	 .move = {.sql = "INSERT INTO coursebase.cohort_versions AS v (cohort_id, version)"
					 " SELECT c.id, " FIRST_VERSION " FROM coursebase.cohorts c WHERE c.id = $1"
					 " ON CONFLICT (cohort_id) DO UPDATE SET version = v.version + 1",
			  .nargs = 1,
			  .types = {UUIDOID}}},
	{.name = "user",
	 .keyed = true,
	 .person = true,
	 LOCK_VERSION("user_versions v WHERE v.user_id = $1", ONE_KEY),
	 .move = {.sql = "INSERT INTO coursebase.user_versions AS v (user_id, version)"
					 " SELECT u.id, " FIRST_VERSION " FROM coursebase.users u WHERE u.id = $1"
					 " ON CONFLICT (user_id) DO UPDATE SET version = v.version + 1",
			  .nargs = 1,
			  .types = {UUIDOID}},
	 /* in the order of ids, so that two statements wait in turn; a key that comes twice counts
	  * once */
	 .move_many = {.sql = "INSERT INTO coursebase.user_versions AS v (user_id, version)"
						  " SELECT u.id, " FIRST_VERSION
						  " FROM coursebase.users u WHERE u.id = ANY ($1) ORDER BY u.id"
						  " ON CONFLICT (user_id) DO UPDATE SET version = v.version + 1",
				   .nargs = 1,
				   .types = {UUIDARRAYOID}}},
	/* the user whose course it is */
	{.name = "custom_course",
	 .keyed = true,
	 LOCK_VERSION("user_versions v WHERE v.user_id = (SELECT c.user_id"
				  " FROM coursebase.custom_courses c WHERE c.id = $1)",
				  ONE_KEY),
	 .move = {.sql = "INSERT INTO coursebase.user_versions AS v (user_id, version)"
					 " SELECT c.user_id, " FIRST_VERSION
					 " FROM coursebase.custom_courses c WHERE c.id = $1"
					 " ON CONFLICT (user_id) DO UPDATE SET version = v.version + 1",
			  .nargs = 1,
			  .types = {UUIDOID}}},
};

/*
 * The last move. To move a version again before anybody can have read it would say nothing new,
 * and would fill the row's page while a statement changes thousands of rows. Other transactions
 * read the version after the commit at the earliest; this one reads it by a handshake, which
 * forgets the move (versions_were_read()). That of a cohort moves each time: the cohort may be
 * deleted meanwhile, its version with it, and made anew under its id, and a cohort without a
 * version is one that never had a manifest.
 */
static struct
{
	FullTransactionId transaction;
	SubTransactionId subtransaction;
	const VersionScope *scope;
	pg_uuid_t key;
} last_move;

static VersionScope *scope_of(TriggerData *data);
static bool key_becomes_less(TriggerData *data, const VersionScope *scope);
static void row_move(TriggerData *data, VersionScope *scope, HeapTuple row);
static void rows_move(TriggerData *data, VersionScope *scope);
static bool update_matters(TriggerData *data, VersionScope *scope);
static int key_column(TriggerData *data);
static void version_move(VersionScope *scope, const pg_uuid_t *key);
static bool moved_already(const VersionScope *scope, const pg_uuid_t *key);

PG_FUNCTION_INFO_V1(coursebase_tg_any__move_version);

/* SQL function: tg_any__move_version() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_any__move_version(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	VersionScope *scope;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.tg_any__move_version() works only as a trigger "
							   "after a change")));
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA &&
		!replicated_without_versions(RelationGetRelid(data->tg_relation)))
		return PointerGetDatum(NULL);
	scope = scope_of(data);
	if (!TRIGGER_FIRED_FOR_ROW(data->tg_event))
	{
		if (scope->keyed)
			rows_move(data, scope);
		else
			version_move(scope, NULL);
	}
	else if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		row_move(data, scope, data->tg_trigtuple);
	else if (update_matters(data, scope))
	{
		bool reversed = key_becomes_less(data, scope);

		row_move(data, scope, reversed ? data->tg_newtuple : data->tg_trigtuple);
		row_move(data, scope, reversed ? data->tg_trigtuple : data->tg_newtuple);
	}
	return PointerGetDatum(NULL);
}

/*
 * A handshake of this transaction has just read the versions: the next change must move them
 * again, although this transaction has moved them before.
 */
void
versions_were_read(void)
{
	last_move.scope = NULL;
}

/* The scope that the arguments name. A statement's trigger has keys only where a transition
 * table shows its rows, and not for a TRUNCATE. */
static VersionScope *
scope_of(TriggerData *data)
{
	Trigger *trigger = data->tg_trigger;
	bool shows_rows = TRIGGER_FOR_ROW(trigger->tgtype) || data->tg_newtable != NULL ||
					  data->tg_oldtable != NULL;

	for (int i = 0; i < lengthof(scopes); i++)
	{
		bool keyed = scopes[i].keyed;
		bool fits = keyed ? shows_rows && trigger->tgnargs >= 2
						  : trigger->tgnargs == 1 || !TRIGGER_FOR_ROW(trigger->tgtype);

		if (keyed && !TRIGGER_FOR_ROW(trigger->tgtype) &&
			(scopes[i].move_many.sql == NULL || trigger->tgnargs > 2))
			fits = false;
		if (fits && trigger->tgnargs > 0 && strcmp(trigger->tgargs[0], scopes[i].name) == 0)
			return &scopes[i];
	}
	ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
					errmsg("trigger \"%s\" names no scope of versions", trigger->tgname),
					errhint("Run SELECT coursebase.install() as the owner of the tables.")));
}

/* Whether an UPDATE gives the row to somebody with a lesser id, whose version moves first: all
 * who move two versions move them in the order of ids. */
static bool
key_becomes_less(TriggerData *data, const VersionScope *scope)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	bool was_null, null;
	Datum was, key;
	int column;

	if (!scope->keyed)
		return false;
	column = key_column(data);
	was = SPI_getbinval(data->tg_trigtuple, columns, column, &was_null);
	key = SPI_getbinval(data->tg_newtuple, columns, column, &null);
	return !was_null && !null && memcmp(DatumGetUUIDP(key), DatumGetUUIDP(was), UUID_LEN) < 0;
}

/* Moves the version that a row belongs to; a null names nobody. */
static void
row_move(TriggerData *data, VersionScope *scope, HeapTuple row)
{
	Datum key;
	bool null;

	if (!scope->keyed)
	{
		version_move(scope, NULL);
		return;
	}
	key = SPI_getbinval(row, RelationGetDescr(data->tg_relation), key_column(data), &null);
	if (!null)
		version_move(scope, DatumGetUUIDP(key));
}

/*
 * The same for all rows of a statement at once. One row, as most programs write, takes the way
 * of row_move(), which knows what this transaction moved already.
 */
static void
rows_move(TriggerData *data, VersionScope *scope)
{
	Tuplestorestate *rows = data->tg_newtable != NULL ? data->tg_newtable : data->tg_oldtable;
	int64 count = tuplestore_tuple_count(rows);
	int column = key_column(data);
	TupleTableSlot *slot;
	Datum *keys;
	int nkeys = 0;

	if (count == 0)
		return;
	keys = palloc_extended(count * sizeof(Datum), MCXT_ALLOC_HUGE);
	slot = MakeSingleTupleTableSlot(RelationGetDescr(data->tg_relation), &TTSOpsMinimalTuple);
	tuplestore_rescan(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		bool null;
		Datum key = slot_getattr(slot, column, &null);

		CHECK_FOR_INTERRUPTS();
		if (!null)
			keys[nkeys++] = datumCopy(key, false, UUID_LEN);
	}
	ExecDropSingleTupleTableSlot(slot);
	if (nkeys == 1)
		version_move(scope, DatumGetUUIDP(keys[0]));
	else if (nkeys > 1)
	{
		Datum array = array_of(UUIDOID, keys, NULL, nkeys);

		SPI_connect();
		owner_execute(&scope->move_many, &array, NULL, false);
		SPI_finish();
	}
}

/*
 * Whether an UPDATE changes a column that the arguments name; always, if they name the key
 * alone. What a WHEN of the trigger would do, which the server parses at each statement. 09000
 * where the table lacks a column.
 */
static bool
update_matters(TriggerData *data, VersionScope *scope)
{
	Trigger *trigger = data->tg_trigger;

	if (!scope->keyed || trigger->tgnargs == 2)
		return true;
	for (int i = 1; i < trigger->tgnargs; i++)
	{
		int column = SPI_fnumber(RelationGetDescr(data->tg_relation), trigger->tgargs[i]);

		if (column <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
					 errmsg("table \"%s\" has no column \"%s\"",
							RelationGetRelationName(data->tg_relation), trigger->tgargs[i])));
		if (trigger_changed(data, column))
			return true;
	}
	return false;
}

/* The column that the second argument names: 09000 where the table has none of that type. */
static int
key_column(TriggerData *data)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	int column = SPI_fnumber(columns, data->tg_trigger->tgargs[1]);

	if (column <= 0 || SPI_gettypeid(columns, column) != UUIDOID)
		ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
						errmsg("table \"%s\" has no column \"%s\" of type uuid",
							   RelationGetRelationName(data->tg_relation),
							   data->tg_trigger->tgargs[1])));
	return column;
}

/* key is NULL in a scope without a key, of which the statement has no parameter. */
static void
version_move(VersionScope *scope, const pg_uuid_t *key)
{
	Datum value = UUIDPGetDatum(key);

	if (moved_already(scope, key))
		return;
	SPI_connect();
	if (scope->lock.wait.sql != NULL && !(scope->person && anchor_holds(key)))
		lock_behind(&scope->lock, &value);
	owner_execute(&scope->move, &value, NULL, false);
	SPI_finish();
	if (scope->made_anew)
		return;
	last_move.transaction = GetTopFullTransactionId();
	last_move.subtransaction = GetCurrentSubTransactionId();
	last_move.scope = scope;
	if (key != NULL)
		last_move.key = *key;
}

/* In this transaction and subtransaction: after ROLLBACK TO a savepoint the move is undone. */
static bool
moved_already(const VersionScope *scope, const pg_uuid_t *key)
{
	return last_move.scope == scope &&
		   FullTransactionIdEquals(last_move.transaction, GetTopFullTransactionIdIfAny()) &&
		   last_move.subtransaction == GetCurrentSubTransactionId() &&
		   (key == NULL || uuid_equal(&last_move.key, key));
}
