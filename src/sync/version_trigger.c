/*
 * version_trigger.c: the trigger that moves the versions which cached handshakes are compared
 * with.
 *
 * Invariant: every change of what a handshake is made from moves one version: that of the
 * catalogue (one row, for what goes to everybody), of a cohort or of a user. The version moves
 * in the transaction that makes the change, under the lock of its row. So a snapshot that sees
 * the version sees every change up to it, and no later one.
 *
 * Lock order: versions come after what is the person's (identity/anchor.h): the trigger fires
 * after the change. Rights: those of the tables' owner, because nobody may write versions. A
 * user or cohort that is being deleted has no version left to move.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "sync/versions.h"

/* A scope of versions. The first argument of the trigger names it; the second one, of a keyed
 * scope, names the column that holds the key. */
typedef struct VersionScope
{
	const char *name;
	bool keyed;
	KeptPlan move;
} VersionScope;

/*
 * A version begins at random, so that no version comes a second time: neither that of another
 * database, whose cached answers a dump brought here without its versions, nor that of a row
 * that stood here before.
 */
#define FIRST_VERSION "1 + (random() * 1e15)::bigint"

static VersionScope scopes[] = {
	{"catalogue",
	 false,
	 {.sql = "INSERT INTO coursebase.catalogue_version AS v (singleton, version)"
			 " VALUES (true, " FIRST_VERSION ")"
			 " ON CONFLICT (singleton) DO UPDATE SET version = v.version + 1"}},
	{"cohort",
	 true,
	 {.sql = "INSERT INTO coursebase.cohort_versions AS v (cohort_id, version)"
			 " SELECT c.id, " FIRST_VERSION " FROM coursebase.cohorts c WHERE c.id = $1"
			 " ON CONFLICT (cohort_id) DO UPDATE SET version = v.version + 1",
	  .nargs = 1,
	  .types = {UUIDOID}}},
	{"user",
	 true,
	 {.sql = "INSERT INTO coursebase.user_versions AS v (user_id, version)"
			 " SELECT u.id, " FIRST_VERSION " FROM coursebase.users u WHERE u.id = $1"
			 " ON CONFLICT (user_id) DO UPDATE SET version = v.version + 1",
	  .nargs = 1,
	  .types = {UUIDOID}}},
	{"custom_course",
	 true, /* the user whose course it is */
	 {.sql = "INSERT INTO coursebase.user_versions AS v (user_id, version)"
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
 * forgets the move (versions_were_read()).
 */
static struct
{
	FullTransactionId transaction;
	SubTransactionId subtransaction;
	const VersionScope *scope;
	pg_uuid_t key;
} last_move;

static VersionScope *scope_of(Trigger *trigger);
static void row_move(TriggerData *data, VersionScope *scope, HeapTuple row);
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
	scope = scope_of(data->tg_trigger);
	if (!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		version_move(scope, NULL);
	else
	{
		row_move(data, scope, data->tg_trigtuple);
		if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
			row_move(data, scope, data->tg_newtuple);
	}
	return PointerGetDatum(NULL);
}

void
versions_were_read(void)
{
	last_move.scope = NULL;
}

/* The scope that the arguments name. A statement's trigger (TRUNCATE) has no rows, so its scope
 * must be one without a key. */
static VersionScope *
scope_of(Trigger *trigger)
{
	for (int i = 0; i < lengthof(scopes); i++)
	{
		bool fits = TRIGGER_FOR_ROW(trigger->tgtype) ? trigger->tgnargs == 1 + scopes[i].keyed
													 : !scopes[i].keyed;

		if (fits && trigger->tgnargs > 0 && strcmp(trigger->tgargs[0], scopes[i].name) == 0)
			return &scopes[i];
	}
	ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
					errmsg("trigger \"%s\" names no scope of versions", trigger->tgname),
					errhint("Run SELECT coursebase.install() as the owner of the tables.")));
}

/* Moves the version that a row belongs to; a null names nobody. */
static void
row_move(TriggerData *data, VersionScope *scope, HeapTuple row)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	int column;
	Datum key;
	bool null;

	if (!scope->keyed)
	{
		version_move(scope, NULL);
		return;
	}
	column = SPI_fnumber(columns, data->tg_trigger->tgargs[1]);
	if (column <= 0 || SPI_gettypeid(columns, column) != UUIDOID)
		ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
						errmsg("table \"%s\" has no column \"%s\" of type uuid",
							   RelationGetRelationName(data->tg_relation),
							   data->tg_trigger->tgargs[1])));
	key = SPI_getbinval(row, columns, column, &null);
	if (!null)
		version_move(scope, DatumGetUUIDP(key));
}

/* key is NULL in a scope without a key, of which the statement has no parameter. */
static void
version_move(VersionScope *scope, const pg_uuid_t *key)
{
	Datum value = UUIDPGetDatum(key);

	if (moved_already(scope, key))
		return;
	SPI_connect();
	owner_execute(&scope->move, &value, NULL, false);
	SPI_finish();
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
