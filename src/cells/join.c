/*
 * join.c: a cell takes over the catalogue of home.
 *
 * Invariants: everything here happens in one transaction. A replication slot on home gives a
 * snapshot of home and every change after it. The tables of this cell become what the snapshot
 * holds, row by row, and the subscription begins where the snapshot ends. So nobody sees half a
 * catalogue, the versions of handshakes move only where a row differs, and columns that are
 * this server's own keep their values.
 *
 * The server could copy the tables for the subscription by itself, but table by table and into
 * empty tables: meanwhile handshakes would tell phones to delete their files.
 *
 * Rows are written with session_replication_role = replica, as a subscription writes them: only
 * the triggers fire that would fire then. The server checks no foreign key of such rows, and so
 * they are checked at the end. If rows of people point to nothing, the whole call fails.
 *
 * Locks: the extension's, so that two calls come one after the other; those of the statements;
 * each table is written as a whole. Rights: a superuser's for the subscription, those of the
 * tables' owner for whatever is written and read of the tables: what the owner hangs on them (a
 * trigger that fires always, a domain, an index on a function) must not run with more.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "cells/cell.h"
#include "cells/home.h"
#include "cells/join.h"
#include "core/args.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/session_setting.h"

/* Where the rows of a table of home stand until they are compared. */
#define INCOMING "coursebase_incoming"

static KeptPlan read_conninfo = {
	.sql = "SELECT subconninfo FROM pg_subscription WHERE subname = '" SUBSCRIPTION "'"
		   " AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
};
/*
 * With the columns of the primary key, by which rows are compared; all columns that are
 * written; and those of which other unique indexes are made, by key, expression or condition. A
 * constraint that is checked at the end of the statement is checked by a trigger, which does
 * not fire here.
 */
static KeptPlan read_tables = {
	.sql =
		"SELECT t.table_name, (SELECT array_agg(a.attname::text ORDER BY a.attnum)"
		"  FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
		"   AND a.attnum = ANY (i.indkey) WHERE i.indisprimary AND i.indrelid = t.rel),"
		" (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a"
		"  WHERE a.attrelid = t.rel AND a.attnum > 0 AND NOT a.attisdropped"
		"   AND a.attgenerated = ''),"
		" (SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}')"
		"  FROM pg_attribute a WHERE a.attrelid = t.rel AND a.attnum IN (SELECT d.refobjsubid"
		"   FROM pg_index i LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid"
		"    AND k.conrelid = i.indrelid JOIN pg_depend d ON d.refobjid = i.indrelid"
		"    AND d.refclassid = 'pg_class'::regclass AND (d.classid, d.objid)"
		"     IN (('pg_class'::regclass, i.indexrelid), ('pg_constraint'::regclass, k.oid))"
		"   WHERE i.indrelid = t.rel AND i.indisunique AND NOT i.indisprimary"
		"    AND i.indimmediate))"
		" FROM (SELECT c.*, to_regclass(format('coursebase.%I', c.table_name)) AS rel"
		"  FROM coursebase.cell_tables() WITH ORDINALITY"
		"   AS c (table_name, kind, is_kept, own_columns, n)"
		"  WHERE c.kind IN ('catalogue', 'directory')) t ORDER BY t.n",
};

/* The columns of read_tables. */
enum
{
	TABLE_NAME = 1,
	TABLE_KEY,
	TABLE_COLUMNS,
	TABLE_UNIQUE,
};

static KeptPlan read_dangling = {
	.sql = "SELECT string_agg(format('%s: %s', r.object, r.problem), '; ' ORDER BY r.object)"
		   " FROM coursebase.check_references() r"
		   " JOIN pg_constraint k ON k.contype = 'f' AND k.conname = r.object"
		   "  AND k.connamespace = 'coursebase'::regnamespace"
		   " JOIN pg_class c ON c.oid = k.confrelid"
		   " JOIN coursebase.cell_tables() t ON t.table_name = c.relname"
		   "  AND t.kind IN ('catalogue', 'directory')",
};

/* A table here and the same of home; lists of char *. */
typedef struct JoinedTable
{
	HomeTable *home;
	List *key;
	List *own;    /* columns that are this server's own */
	List *unique; /* columns of other unique indexes, of those that home publishes */
} JoinedTable;

static JoinCheck check_people;

static void joiner_require(Cell *here);
static void owner_require(Oid owner);
static char *conninfo_of(FunctionCallInfo fcinfo);
static List *joined_tables(WalReceiverConn *connection);
static HomeTable *table_find(List *tables, const char *name);
static List *names_split(List *names, const List *of, bool in);
static void subscription_drop(void);
static void subscription_create(const char *conninfo, const char *slot);
static void catalogue_take(WalReceiverConn *connection, List *tables, ReturnSetInfo *report);
static void table_take(WalReceiverConn *connection, const JoinedTable *table,
					   ReturnSetInfo *report);
static void rows_take(const JoinedTable *table, ReturnSetInfo *report);
static int64 rows_rekey(const JoinedTable *table, const char *name, const char *same);
static char *key_equals(List *key);
static void references_require(void);

PG_FUNCTION_INFO_V1(coursebase_join_home);

/* SQL function: join_home(conninfo text) returns table (table_name text, inserted, updated,
 * deleted bigint) */
PGDLLEXPORT Datum
coursebase_join_home(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	WalReceiverConn *connection;
	volatile bool made = false;
	char *conninfo;
	char *slot;
	Cell here;

	/*
	 * a standby is told that it is read-only, before the checks below could blame this_cell or
	 * a missing table for it
	 */
	PreventCommandIfReadOnly("coursebase.join_home()");
	joiner_require(&here);
	/* before the subscription is looked at: a second call finds what the first one made */
	LockDatabaseObject(ExtensionRelationId, get_extension_oid("coursebase", false), 0,
					   ShareUpdateExclusiveLock);
	compat_materialize(fcinfo);
	SPI_connect();
	conninfo = conninfo_of(fcinfo);
	slot = psprintf("coursebase_cell_%d", here.number);
	connection = home_connect(conninfo);
	PG_TRY();
	{
		List *tables = joined_tables(connection);

		subscription_drop();
		home_drop_slot(connection, slot);
		made = true;
		home_begin(connection, slot);
		/*
		 * before the rows are written: triggers that fire ALWAYS ask whether a subscription
		 * brings the rows of their table (core/replicated.h); without one they would do nothing
		 */
		subscription_create(conninfo, slot);
		catalogue_take(connection, tables, report);
		references_require();
		check_people(&here);
	}
	PG_CATCH();
	{
		/* a slot that this call did not make may be that of another server */
		if (made)
			home_abandon(connection, conninfo, slot);
		else
			walrcv_disconnect(connection);
		PG_RE_THROW();
	}
	PG_END_TRY();
	walrcv_disconnect(connection);
	SPI_finish();
	return (Datum) 0;
}

void
join_check_set(JoinCheck check)
{
	check_people = check;
}

static void
joiner_require(Cell *here)
{
	Oid owner = owner_of_tables();
	OwnerRights rights;

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only a superuser may call join_home()"),
				 errdetail("It writes as a subscription does, past triggers and keys.")));
	rights = owner_confine(owner);
	schema_require_current();
	owner_leave(rights);
	owner_require(owner);
	if (!cell_here(here) || here->number == here->home)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("this server is not a cell beside home"),
						errdetail("Its catalogue is its own."),
						errhint("Call coursebase.set_cell() first.")));
}

/* What the tables' owner hangs on them runs whenever the subscription writes. */
static void
owner_require(Oid owner)
{
	if (COMPAT_SUBSCRIPTION_CONFINED || superuser_arg(owner))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("a cell whose tables belong to an ordinary role cannot join home here"),
		 errdetail("PostgreSQL before 16 writes what a subscription brings with the rights of "
				   "a superuser, and runs the triggers of \"%s\" with them.",
				   GetUserNameFromId(owner, false)),
		 errhint("Call coursebase.hand_over() for a superuser first, or use PostgreSQL 16 or "
				 "later.")));
}

/* The argument, or that of the subscription that is there. */
static char *
conninfo_of(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0) && plan_execute(&read_conninfo, NULL, NULL, false) == 1)
		return plan_text_required(0, 1);
	args_require(fcinfo, 0);
	return text_to_cstring(PG_GETARG_TEXT_PP(0));
}

/* In the order of foreign keys; raises 55000 if home does not publish one of them. */
static List *
joined_tables(WalReceiverConn *connection)
{
	List *published = home_tables(connection);
	uint64 count = plan_execute(&read_tables, NULL, NULL, false);
	List *tables = NIL;

	for (uint64 i = 0; i < count; i++)
	{
		JoinedTable *table = palloc(sizeof(JoinedTable));
		char *name = plan_text_required(i, TABLE_NAME);

		table->home = table_find(published, name);
		if (table->home == NULL)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("home does not publish table \"%s\"", name),
							errhint("Call coursebase.publish_catalogue() on home first.")));
		table->key = home_names(plan_value_as(i, TABLE_KEY, TEXTARRAYOID, NULL));
		table->own =
			names_split(home_names(plan_value_as(i, TABLE_COLUMNS, TEXTARRAYOID, NULL)),
						table->home->columns, false);
		table->unique =
			names_split(home_names(plan_value_as(i, TABLE_UNIQUE, TEXTARRAYOID, NULL)),
						table->home->columns, true);
		tables = lappend(tables, table);
	}
	return tables;
}

static HomeTable *
table_find(List *tables, const char *name)
{
	ListCell *cell;

	foreach (cell, tables)
		if (strcmp(((HomeTable *) lfirst(cell))->name, name) == 0)
			return lfirst(cell);
	return NULL;
}

/* The names that are in the other list, or those that are not. */
static List *
names_split(List *names, const List *of, bool in)
{
	List *some = NIL;
	ListCell *cell;

	foreach (cell, names)
	{
		const ListCell *other;
		bool found = false;

		foreach (other, of)
			found = found || strcmp(lfirst(cell), lfirst(other)) == 0;
		if (found == in)
			some = lappend(some, lfirst(cell));
	}
	return some;
}

/*
 * Drops the subscription and leaves its slot on home, which home_drop_slot() then drops: DROP
 * SUBSCRIPTION with a slot connects to home, and the server allows that in no transaction
 * block.
 */
static void
subscription_drop(void)
{
	if (plan_execute(&read_conninfo, NULL, NULL, false) == 0)
		return;
	plan_execute_once("ALTER SUBSCRIPTION " SUBSCRIPTION " DISABLE");
	plan_execute_once("ALTER SUBSCRIPTION " SUBSCRIPTION " SET (slot_name = NONE)");
	plan_execute_once("DROP SUBSCRIPTION " SUBSCRIPTION);
}

/*
 * The subscription starts when this transaction commits. It makes no slot and copies nothing:
 * home_begin() made the slot, catalogue_take() copies.
 */
static void
subscription_create(const char *conninfo, const char *slot)
{
	plan_execute_once(psprintf("CREATE SUBSCRIPTION " SUBSCRIPTION " CONNECTION %s"
							   " PUBLICATION " CATALOGUE_PUBLICATION ", " KEPT_PUBLICATION
							   " WITH (create_slot = false, copy_data = false, slot_name = %s)",
							   quote_literal_cstr(conninfo), quote_literal_cstr(slot)));
}

static void
catalogue_take(WalReceiverConn *connection, List *tables, ReturnSetInfo *report)
{
	int settings = session_settings_begin();
	ListCell *cell;

	session_setting_set("session_replication_role", "replica");
	/* the server's connection to home sets the styles of times and intervals there likewise */
	session_settings_neutral();
	foreach (cell, tables)
	{
		CHECK_FOR_INTERRUPTS();
		table_take(connection, lfirst(cell), report);
	}
	session_settings_end(settings);
}

/*
 * Makes the rows of the table those of home. The table for what comes is made before the call
 * is confined to the owner's rights, because whoever is confined makes none.
 */
static void
table_take(WalReceiverConn *connection, const JoinedTable *table, ReturnSetInfo *report)
{
	Oid owner = owner_of_tables();
	OwnerRights rights;

	plan_execute_once(psprintf("CREATE TEMPORARY TABLE " INCOMING " ON COMMIT DROP AS SELECT %s"
							   " FROM coursebase.%s WITH NO DATA",
							   home_columns(table->home->columns, ""),
							   quote_identifier(table->home->name)));
	plan_execute_once(psprintf("GRANT SELECT ON pg_temp." INCOMING " TO %s",
							   quote_identifier(GetUserNameFromId(owner, false))));
	rights = owner_confine(owner);
	home_copy(connection, table->home, RelnameGetRelid(INCOMING));
	CommandCounterIncrement();
	rows_take(table, report);
	owner_leave(rights);
	plan_execute_once("DROP TABLE pg_temp." INCOMING);
}

/*
 * What goes, what differs, what is new. Deletes come first: a row that goes may hold a unique
 * key that a new row has. What is equal is not written, so that no version moves for it. The
 * parents of a row have come before it (joined_tables()), and a child goes after its parent,
 * which nothing refuses here: no foreign key is checked until references_require().
 */
static void
rows_take(const JoinedTable *table, ReturnSetInfo *report)
{
	List *columns = table->home->columns;
	char *name = psprintf("coursebase.%s", quote_identifier(table->home->name));
	char *same = key_equals(table->key);
	int64 deleted;
	int64 updated;
	int64 inserted;
	bool nulls[4] = {false};
	Datum values[4];

	deleted = plan_execute_once(psprintf(
		"DELETE FROM %s t WHERE NOT EXISTS (SELECT FROM pg_temp." INCOMING " i WHERE %s)", name,
		same));
	updated = rows_rekey(table, name, same);
	/*
	 * compared as text, because json has no equality operator: another spelling counts as
	 * another value
	 */
	updated += plan_execute_once(
		psprintf("UPDATE %s t SET (%s) = ROW (%s) FROM pg_temp." INCOMING
				 " i WHERE %s AND ROW (%s)::text <> ROW (%s)::text",
				 name, home_columns(columns, ""), home_columns(columns, "i."), same,
				 home_columns(columns, "i."), home_columns(columns, "t.")));
	inserted = plan_execute_once(psprintf("INSERT INTO %s (%s) SELECT %s FROM pg_temp." INCOMING
										  " i WHERE NOT EXISTS (SELECT FROM %s t WHERE %s)",
										  name, home_columns(columns, ""),
										  home_columns(columns, "i."), name, same));
	values[0] = CStringGetTextDatum(table->home->name);
	values[1] = Int64GetDatum(inserted);
	values[2] = Int64GetDatum(updated);
	values[3] = Int64GetDatum(deleted);
	tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
}

/*
 * Rows that differ in what a unique index is made of are deleted and inserted anew, by one
 * statement: two of them may have changed places, and an UPDATE meets the value that the other
 * row still has. The ORDER BY has all of them deleted before the first is inserted. What is
 * this server's own is kept.
 */
static int64
rows_rekey(const JoinedTable *table, const char *name, const char *same)
{
	const char *comma = table->own == NIL ? "" : ", ";

	if (table->unique == NIL)
		return 0;
	return plan_execute_once(psprintf(
		"WITH gone AS (DELETE FROM %s t USING pg_temp." INCOMING
		" i WHERE %s AND ROW (%s)::text <> ROW (%s)::text RETURNING t.*)"
		" INSERT INTO %s (%s%s%s) SELECT %s%s%s FROM (SELECT * FROM gone ORDER BY %s) t"
		" JOIN pg_temp." INCOMING " i ON %s",
		name, same, home_columns(table->unique, "i."), home_columns(table->unique, "t."), name,
		home_columns(table->home->columns, ""), comma, home_columns(table->own, ""),
		home_columns(table->home->columns, "i."), comma, home_columns(table->own, "t."),
		home_columns(table->key, ""), same));
}

/* The condition that row i (of home) and row t (of this server) have the same primary key. */
static char *
key_equals(List *key)
{
	return psprintf("(%s) = (%s)", home_columns(key, "i."), home_columns(key, "t."));
}

/*
 * Raises 23503 and names the foreign keys that point to nothing. Only keys to the catalogue and
 * the directory are asked: others are none of home's.
 */
static void
references_require(void)
{
	OwnerRights rights = owner_confine(owner_of_tables());
	char *dangling;

	plan_execute(&read_dangling, NULL, NULL, false);
	owner_leave(rights);
	dangling = plan_text(0, 1);
	if (dangling != NULL)
		ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
						errmsg("this cell has rows that point to what home does not have"),
						errdetail("%s", dangling),
						errhint("Write what is missing on home first, with the same keys.")));
}
