/*
 * home.c: a cell's connection to home.
 *
 * Home answers with the rights of the role that the connection names. That role must read past
 * row security. If it did not, home's answers would lack rows, and the cell would delete its
 * own copies of these rows. So home_begin() sets row_security = off, under which home raises an
 * error instead of leaving rows out.
 *
 * Locks: on home the slot, and AccessShare on the tables that are copied. Nothing on home is
 * written.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/copy.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_relation.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "cells/home.h"

/* How long home may take to notice that this cell reads its slot no more, in milliseconds. */
#define SLOT_PATIENCE 10000

/*
 * The data of the copy that runs. Here and not on the stack, because the callback that the
 * server's COPY calls for more bytes gets no argument.
 */
static struct
{
	WalReceiverConn *connection;
	char *data; /* the connection's memory, until more is received */
	int length;
	int read;
} incoming;

static WalRcvExecResult *home_ask(WalReceiverConn *connection, const char *sql,
								  WalRcvExecStatus expected, int ncolumns, const Oid *types);
static void home_tell(WalReceiverConn *connection, const char *sql);
static WalRcvExecResult *slot_drop(WalReceiverConn *connection, const char *slot);
static int incoming_read(void *out, int at_least, int at_most);
static int incoming_take(char *out, int at_most);

WalReceiverConn *
home_connect(const char *conninfo)
{
	char *error = NULL;
	WalReceiverConn *connection;

	/* fills in the functions behind walrcv_…(), as CREATE SUBSCRIPTION does */
	load_file("libpqwalreceiver", false);
	connection = compat_walrcv_connect(conninfo, false, "coursebase", &error);
	if (connection == NULL)
		ereport(ERROR, (errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
						errmsg("home cannot be reached"), errdetail_internal("%s", error),
						errhint("Give conninfo as in CREATE SUBSCRIPTION.")));
	return connection;
}

/*
 * pg_publication_tables lists columns only where they are published: what is each server's own
 * is not in the answer, and is not copied.
 */
List *
home_tables(WalReceiverConn *connection)
{
	Oid types[] = {TEXTOID, TEXTARRAYOID};
	List *tables = NIL;
	WalRcvExecResult *result = home_ask(
		connection,
		"SELECT tablename::text, attnames::text[] FROM pg_catalog.pg_publication_tables"
		" WHERE schemaname = 'coursebase' AND pubname IN ('" CATALOGUE_PUBLICATION
		"', '" KEPT_PUBLICATION "')",
		WALRCV_OK_TUPLES, lengthof(types), types);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(result->tupledesc, &TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(result->tuplestore, true, true, slot))
	{
		HomeTable *table = palloc(sizeof(HomeTable));
		bool null;

		table->name = TextDatumGetCString(slot_getattr(slot, 1, &null));
		table->columns = home_names(slot_getattr(slot, 2, &null));
		tables = lappend(tables, table);
	}
	ExecDropSingleTupleTableSlot(slot);
	walrcv_clear_result(result);
	return tables;
}

/*
 * Without WAIT, which knows no limit and outlives the cell: home would wait on for a slot that
 * another server reads, and take it from that one in the moment in which it connects anew.
 */
void
home_drop_slot(WalReceiverConn *connection, const char *slot)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SLOT_PATIENCE);
	WalRcvExecResult *result = slot_drop(connection, slot);

	while (result->status == WALRCV_ERROR && result->sqlstate == ERRCODE_OBJECT_IN_USE &&
		   GetCurrentTimestamp() < until)
	{
		walrcv_clear_result(result);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 100L,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		result = slot_drop(connection, slot);
	}
	/* left over: the role may not drop it, the connection broke, or somebody reads it */
	if (result->status != WALRCV_OK_COMMAND && result->sqlstate != ERRCODE_UNDEFINED_OBJECT)
		ereport(
			ERROR,
			(errcode(result->sqlstate ? result->sqlstate : ERRCODE_CONNECTION_FAILURE),
			 errmsg("home does not drop the slot \"%s\"", slot),
			 errdetail_internal("%s", result->err ? result->err : "no answer"),
			 result->sqlstate == ERRCODE_OBJECT_IN_USE
				 ? errhint("If another server has this cell's number, give this one its own by "
						   "coursebase.set_cell(); otherwise try again.")
				 : 0));
	walrcv_clear_result(result);
}

/*
 * CREATE_REPLICATION_SLOT gives its snapshot (CRS_USE_SNAPSHOT) only to a transaction that is
 * read-only and REPEATABLE READ and has read nothing yet. So the order of the three is fixed:
 * the settings before the transaction, the slot as its first command. The transaction idles on
 * home while this cell compares, and a large table takes its time: home's time-outs do not hold
 * for it, as they do not for a dump.
 */
void
home_begin(WalReceiverConn *connection, const char *slot)
{
	static const char unlimited[] =
		"SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings"
		" WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout',"
		"  'transaction_timeout')";
	Oid type = TEXTOID;

	home_tell(connection, "SET row_security = off");
	walrcv_clear_result(home_ask(connection, unlimited, WALRCV_OK_TUPLES, 1, &type));
	home_tell(connection, "BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ");
	compat_walrcv_create_slot(connection, slot);
}

/*
 * COPY runs on both sides, so that each type is read by the input function of the type that
 * wrote it. COPY of this server asks incoming_read() for the bytes, which home sends in the
 * encoding of this database: without the option COPY would take them for the client's. The lock
 * stays until the transaction ends, as that of any statement that writes.
 */
void
home_copy(WalReceiverConn *connection, const HomeTable *table, Oid into)
{
	Relation relation = table_open(into, RowExclusiveLock);
	ParseState *parse = make_parsestate(NULL);
	DefElem *encoding =
		makeDefElem("encoding", (Node *) makeString(pstrdup(GetDatabaseEncodingName())), -1);
	List *columns = NIL;
	CopyFromState copy;
	ListCell *cell;

	walrcv_clear_result(
		home_ask(connection,
				 psprintf("COPY coursebase.%s (%s) TO STDOUT", quote_identifier(table->name),
						  home_columns(table->columns, "")),
				 WALRCV_OK_COPY_OUT, 0, NULL));
	memset(&incoming, 0, sizeof(incoming));
	incoming.connection = connection;
	foreach (cell, table->columns)
		columns = lappend(columns, makeString(lfirst(cell)));
	(void) addRangeTableEntryForRelation(parse, relation, RowExclusiveLock, NULL, false, false);
	copy = BeginCopyFrom(parse, relation, NULL, NULL, false, incoming_read, columns,
						 list_make1(encoding));
	(void) CopyFrom(copy);
	EndCopyFrom(copy);
	table_close(relation, NoLock);
}

void
home_abandon(WalReceiverConn *connection, const char *conninfo, const char *slot)
{
	char *error = NULL;

	walrcv_disconnect(connection);
	/*
	 * a new connection: the old one may be in a transaction that failed, or in the middle of a
	 * copy, and takes no command there. The slot goes because home keeps its log for a slot
	 * that nobody reads
	 */
	connection = compat_walrcv_connect(conninfo, false, "coursebase", &error);
	if (connection == NULL)
		return;
	walrcv_clear_result(slot_drop(connection, slot));
	walrcv_disconnect(connection);
}

List *
home_names(Datum array)
{
	List *names = NIL;
	Datum *elements;
	int count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  NULL, &count);
	for (int i = 0; i < count; i++)
		names = lappend(names, TextDatumGetCString(elements[i]));
	return names;
}

char *
home_columns(List *names, const char *prefix)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, names)
		appendStringInfo(&out, "%s%s%s", out.len > 0 ? ", " : "", prefix,
						 quote_identifier(lfirst(cell)));
	return out.data;
}

/*
 * Raises home's own error, with its SQLSTATE, for any answer of another kind: who joins a cell
 * repairs home, and needs its words. The result is the caller's to clear.
 */
static WalRcvExecResult *
home_ask(WalReceiverConn *connection, const char *sql, WalRcvExecStatus expected, int ncolumns,
		 const Oid *types)
{
	WalRcvExecResult *result = walrcv_exec(connection, sql, ncolumns, types);

	if (result->status != expected)
		ereport(ERROR,
				(errcode(result->sqlstate ? result->sqlstate : ERRCODE_CONNECTION_FAILURE),
				 errmsg("home refuses: %s", result->err ? result->err : "no answer"),
				 errdetail("Asked was: %s.", sql)));
	return result;
}

static void
home_tell(WalReceiverConn *connection, const char *sql)
{
	walrcv_clear_result(home_ask(connection, sql, WALRCV_OK_COMMAND, 0, NULL));
}

/* The result is the caller's to look at and to clear. */
static WalRcvExecResult *
slot_drop(WalReceiverConn *connection, const char *slot)
{
	return walrcv_exec(connection, psprintf("DROP_REPLICATION_SLOT %s", quote_identifier(slot)),
					   0, NULL);
}

/*
 * The callback of COPY: gives at least at_least bytes, or fewer at the end of the data. Waits
 * for more, and lets itself be cancelled meanwhile, as the server's own copy of a table does.
 * The second of the time-out is only how often it looks again.
 */
static int
incoming_read(void *out, int at_least, int at_most)
{
	int taken = incoming_take(out, at_most);

	while (taken < at_least)
	{
		pgsocket socket = PGINVALID_SOCKET;

		CHECK_FOR_INTERRUPTS();
		incoming.length = walrcv_receive(incoming.connection, &incoming.data, &socket);
		incoming.read = 0;
		if (incoming.length < 0)
			break; /* the end */
		if (incoming.length == 0)
		{
			(void) WaitLatchOrSocket(
				MyLatch, WL_SOCKET_READABLE | WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
				socket, 1000L, PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
		}
		taken += incoming_take((char *) out + taken, at_most - taken);
	}
	return taken;
}

/* What was received and not read yet. */
static int
incoming_take(char *out, int at_most)
{
	int count = Min(incoming.length - incoming.read, at_most);

	if (count <= 0)
		return 0;
	memcpy(out, incoming.data + incoming.read, count);
	incoming.read += count;
	return count;
}
