/*
 * insert.c: writes a row of access_events without SPI.
 *
 * Why: a sale tells of two events and more, and planning and starting a statement for each
 * costs more than the row. The server's own function for rows of a subscription does the rest
 * of an INSERT: checks, indexes, row triggers, foreign keys.
 *
 * The foreign key to users costs nearly as much as the row. It is true without a look where the
 * transaction has written or locked a row with the same key, which is nearly always: what is
 * told of is such a row, and the server has checked it just before. Where the row has gone
 * (Event.held is false), and where the table has triggers besides this key, everything fires.
 *
 * What the table looks like is learnt once and trusted until rows_generation moves, which it
 * does when the table, its triggers or its identity change. A table of any other shape is left
 * to the statement in event.c.
 *
 * Order: event.c says why xid is the greater of the transaction's own and the last that was
 * told of the person. A transaction whose id is above every one that has ended need not look.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "core/compat.h"
#include "core/owner.h"
#include "core/rows.h"
#include "events/insert.h"

enum
{
	COLUMN_ID,
	COLUMN_AT,
	COLUMN_KIND,
	COLUMN_USER,
	COLUMN_SUBJECT,
	COLUMN_SOURCE,
	COLUMN_UNTIL,
	COLUMN_XID,
	COLUMNS,
};

/* The columns in the order of sql/events/tables.sql, which is what is written. */
static const struct
{
	const char *name;
	Oid type; /* InvalidOid: the enum */
} columns[COLUMNS] = {
	[COLUMN_ID] = {"id", INT8OID},
	[COLUMN_AT] = {"at", TIMESTAMPTZOID},
	[COLUMN_KIND] = {"kind", InvalidOid},
	[COLUMN_USER] = {"user_id", UUIDOID},
	[COLUMN_SUBJECT] = {"subject", TEXTOID},
	[COLUMN_SOURCE] = {"source", TEXTOID},
	[COLUMN_UNTIL] = {"until", TIMESTAMPTZOID},
	[COLUMN_XID] = {"xid", XID8OID},
};

/* Straight or not at all: otherwise event.c writes the event by a statement. */
static RowsSource events_of_user = {
	.table = "access_events",
	.index = "access_events_user_id_xid_idx",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"xid", XID8OID}},
};

/* What was learnt of the table. */
static struct
{
	uint64 generation; /* rows_generation when that was; 0: never */
	bool usable;
	bool key_alone; /* no trigger fires for a row but that of the foreign key to users */
	Oid table;
	Oid kind_type;
	Oid sequence;
} shape;

static void shape_learn(void);
static bool table_fits(Relation table);
static bool columns_fit(TupleDesc found);
static bool triggers_fit(const TriggerDesc *triggers);
static bool triggers_are_key(Relation table);
static bool xid_find(const pg_uuid_t *user, FullTransactionId *xid);
static FullTransactionId snapshot_end(void);
static void row_insert(Relation table, const Event *event, FullTransactionId xid);
static void row_fill(TupleTableSlot *row, const Event *event, FullTransactionId xid);

bool
event_put(const Event *event)
{
	OwnerRights rights;
	Relation table;
	FullTransactionId xid;
	bool found;

	if (shape.generation != rows_generation)
		shape_learn();
	if (!shape.usable)
		return false;
	table = table_open(shape.table, RowExclusiveLock);
	if (shape.generation != rows_generation)
	{
		/*
		 * another session altered the table while this one waited for the lock: learn its shape
		 * again. The lock is kept, so that this happens once
		 */
		table_close(table, NoLock);
		return event_put(event);
	}
	rights = owner_enter();
	/*
	 * the command counter moves first: a snapshot shows what earlier commands of this
	 * transaction did, and the statement that fired the trigger is the current one
	 */
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	found = xid_find(event->user, &xid);
	if (found)
		row_insert(table, event, xid);
	PopActiveSnapshot();
	owner_leave(rights);
	table_close(table, NoLock);
	CommandCounterIncrement();
	return found;
}

/*
 * Learns under the lock that rows_open() takes on the table. Whatever does not fit makes the
 * shape unusable until something about the table changes.
 */
static void
shape_learn(void)
{
	Rows rows;

	rows_open(&rows, &events_of_user, GetActiveSnapshot());
	shape.usable = rows_are_direct(&rows) && table_fits(rows.table);
	if (shape.usable)
	{
		Relation table = rows.table;

		shape.table = RelationGetRelid(table);
		shape.kind_type = TupleDescAttr(RelationGetDescr(table), COLUMN_KIND)->atttypid;
		shape.sequence = compat_identity_sequence(table, COLUMN_ID + 1);
		shape.usable = OidIsValid(shape.sequence);
		shape.key_alone = triggers_are_key(table);
	}
	rows_close(&rows);
	/* The table has been locked since rows_open(), so that no look-up can have changed it. */
	shape.generation = rows_generation;
}

/* A rule rewrites an INSERT, and only a statement is rewritten. */
static bool
table_fits(Relation table)
{
	return columns_fit(RelationGetDescr(table)) && table->rd_rules == NULL &&
		   triggers_fit(table->trigdesc);
}

/* A column that is not ours has a default that only a statement knows. */
static bool
columns_fit(TupleDesc found)
{
	if (found->natts != COLUMNS)
		return false;
	for (int i = 0; i < COLUMNS; i++)
	{
		Form_pg_attribute column = TupleDescAttr(found, i);

		if (column->attisdropped || strcmp(NameStr(column->attname), columns[i].name) != 0 ||
			(i == COLUMN_KIND ? !type_is_enum(column->atttypid)
							  : column->atttypid != columns[i].type))
			return false;
	}
	return true;
}

/*
 * ExecSimpleRelationInsert() fires the triggers of rows alone: those of statements, and
 * transition tables, need a statement.
 */
static bool
triggers_fit(const TriggerDesc *triggers)
{
	return triggers == NULL ||
		   !(triggers->trig_insert_before_statement || triggers->trig_insert_after_statement ||
			 triggers->trig_insert_new_table);
}

/*
 * Whether all that fires when a row is inserted is the check of the foreign key to users. The
 * look-up comes first: the server may make its list of triggers anew during one.
 */
static bool
triggers_are_key(Relation table)
{
	Oid users = get_relname_relid("users", owner_schema());
	const TriggerDesc *triggers = table->trigdesc;
	int keys = 0;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (!TRIGGER_FOR_INSERT(trigger->tgtype))
			continue;
		if (RI_FKey_trigger_type(trigger->tgfoid) != RI_TRIGGER_FK ||
			trigger->tgconstrrelid != users)
			return false;
		keys++;
	}
	return keys == 1;
}

/*
 * The greater of this transaction's own id and of the person's last xid. False when the index
 * cannot be read straight. GetTopFullTransactionId() assigns an id if the transaction has none
 * yet: it is about to write anyway.
 */
static bool
xid_find(const pg_uuid_t *user, FullTransactionId *xid)
{
	FullTransactionId end = snapshot_end();
	Datum key = UUIDPGetDatum(user);
	bool direct;
	Rows rows;

	*xid = GetTopFullTransactionId();
	/*
	 * the snapshot ends below this transaction: every event of another transaction has a
	 * smaller xid
	 */
	if (FullTransactionIdFollowsOrEquals(*xid, end))
		return true;
	rows_open(&rows, &events_of_user, GetActiveSnapshot());
	direct = rows_are_direct(&rows);
	if (direct)
	{
		rows_find(&rows, &key);
		while (rows_previous(&rows))
		{
			FullTransactionId last = DatumGetFullTransactionId(rows_value(&rows, 0));

			/* not assigned yet on this server, so that it is of another one: see event.c */
			if (FullTransactionIdFollowsOrEquals(last, end))
				continue;
			if (FullTransactionIdFollows(last, *xid))
				*xid = last;
			break;
		}
	}
	rows_close(&rows);
	return direct;
}

/* The first id that the active snapshot takes for one that is not assigned yet. */
static FullTransactionId
snapshot_end(void)
{
	TransactionId end = GetActiveSnapshot()->xmax;
	FullTransactionId next = ReadNextFullTransactionId();
	uint32 epoch = EpochFromFullTransactionId(next);

	/* A snapshot's ids are at most as great as the next one: else they are of an epoch before.
	 */
	if (end > XidFromFullTransactionId(next))
		epoch--;
	return FullTransactionIdFromEpochAndXid(epoch, end);
}

/*
 * Does by hand what the server does for a row of a subscription: an executor state without a
 * plan, whose one target is the table. The foreign key stays unchecked only for a person who is
 * held, and only where no other trigger would be skipped with it.
 */
static void
row_insert(Relation table, const Event *event, FullTransactionId xid)
{
	EState *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);
	TupleTableSlot *row;

	InitResultRelInfo(target, table, 0, NULL, 0);
	/* Where triggers look for the table that they fire for. */
	estate->es_opened_result_relations = list_make1(target);
	if (event->held && shape.key_alone)
		target->ri_TrigDesc = NULL;
	estate->es_output_cid = GetCurrentCommandId(true);
	ExecOpenIndices(target, false);
	row = ExecInitExtraTupleSlot(estate, RelationGetDescr(table), &TTSOpsVirtual);
	row_fill(row, event, xid);
	AfterTriggerBeginQuery();
	ExecSimpleRelationInsert(target, estate, row);
	AfterTriggerEndQuery(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	ExecCloseIndices(target);
	FreeExecutorState(estate);
}

/*
 * Texts and the label live in the current context, which outlives the insert; the slot points
 * to them.
 */
static void
row_fill(TupleTableSlot *row, const Event *event, FullTransactionId xid)
{
	Datum *values = row->tts_values;

	memset(row->tts_isnull, false, COLUMNS * sizeof(bool));
	values[COLUMN_ID] = Int64GetDatum(nextval_internal(shape.sequence, false));
	values[COLUMN_AT] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[COLUMN_KIND] = DirectFunctionCall2(enum_in, CStringGetDatum(event->kind),
											  ObjectIdGetDatum(shape.kind_type));
	values[COLUMN_USER] = UUIDPGetDatum(event->user);
	values[COLUMN_SUBJECT] = CStringGetTextDatum(event->subject);
	row->tts_isnull[COLUMN_SOURCE] = event->source == NULL;
	if (event->source != NULL)
		values[COLUMN_SOURCE] = CStringGetTextDatum(event->source);
	row->tts_isnull[COLUMN_UNTIL] = event->until == DT_NOEND;
	values[COLUMN_UNTIL] = TimestampTzGetDatum(event->until);
	values[COLUMN_XID] = FullTransactionIdGetDatum(xid);
	ExecStoreVirtualTuple(row);
}
