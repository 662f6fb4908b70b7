/*
 * guard.c: no command takes a table or a column of the business away unless it is allowed to.
 *
 * An event trigger at the start of every DDL command arms the server's object access hook; the
 * hook sees each table and column that is about to go, however the command came to it (DROP
 * TABLE, DROP SCHEMA, DROP OWNED, a type that cascades, a parent that takes its partitions
 * along), and refuses. The trigger fires before anything is gone, itself included, so that
 * dropping the guard together with the tables does not help. What is armed stays so until the
 * end of the transaction: a command that runs within another (an event trigger's) must not
 * disarm that one, and nothing of ours is dropped between commands.
 *
 * A new name takes a table or a column away too: the code would not find it, and the next
 * command could drop it under a name that nobody guards.
 *
 * Whoever gives a command runs the trigger, rights on our schema or not: names are looked up in
 * the catalogue, without asking what the caller may use, and never by the caller's search_path.
 *
 * coursebase.allow_drop turns the refusal off: it is a safety catch, not a boundary. Who may
 * drop is the server's own question.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "install/guard.h"
#include "install/steps.h"

/* A table as the release has it. */
typedef struct ReleaseTable
{
	char *name;
	List *columns; /* their names */
} ReleaseTable;

/* A table of ours and the columns that the release gave it (by attribute number). */
typedef struct GuardedTable
{
	Oid relation;
	Bitmapset *columns;
} GuardedTable;

static bool allow_drop = false;
static object_access_hook_type previous_hook = NULL;

/* The release's tables, read once a session, and again when steps() changed. */
static MemoryContext release = NULL;
static List *release_tables = NIL;
static StepsKey release_key;

/* What the commands of this transaction may not take; NULL: nothing is armed. */
static MemoryContext armed = NULL;
static List *guarded_tables = NIL;
static Oid guarded_extension = InvalidOid;
static Oid guarded_schema = InvalidOid;
/* The last command that the trigger saw gives something another name or schema. */
static bool renaming = false;

static bool may_drop(Node *statement);
static bool may_rename(Node *statement);
static void arm(void);
static void disarm(void);
static void release_read(void);
static ReleaseTable *release_table(Step *step);
static GuardedTable *guard_table(ReleaseTable *table);
static void on_object_access(ObjectAccessType access, Oid class, Oid object, int sub,
							 void *arg);
static void refuse_if_dropped(Oid class, Oid object, int sub);
static void refuse_if_renamed(Oid class, Oid object, int sub);
static bool name_changes(Oid class, Oid object, int sub);
static bool name_differs(Oid class, HeapTuple row, Oid object, int sub);
static char *guarded_name(Oid class, Oid object, int sub);
pg_noreturn static void refuse(const char *verb, const char *what, const char *detail);
static void on_transaction_end(XactEvent event, void *arg);

PG_FUNCTION_INFO_V1(coursebase_guard);

void
guard_init(void)
{
	DefineCustomBoolVariable(
		"coursebase.allow_drop", "Lets commands drop tables and columns of coursebase.",
		"A safety catch: without it DROP TABLE, DROP SCHEMA, DROP EXTENSION and "
		"the like refuse.",
		&allow_drop, false, PGC_USERSET, 0, NULL, NULL, NULL);
	previous_hook = object_access_hook;
	object_access_hook = on_object_access;
	RegisterXactCallback(on_transaction_end, NULL);
}

/*
 * SQL function: guard() returns event_trigger
 *
 * Runs at ddl_command_start with the rights of whoever gave the command.
 */
PGDLLEXPORT Datum
coursebase_guard(PG_FUNCTION_ARGS)
{
	Node *statement;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.guard() works only as an event trigger")));
	statement = ((EventTriggerData *) fcinfo->context)->parsetree;
	renaming = may_rename(statement);
	if (!allow_drop && (renaming || may_drop(statement)))
		arm();
	PG_RETURN_NULL();
}

/*
 * Commands that can make an object go. Others are not armed for: arming looks up every table
 * of ours. CREATE RULE (ON SELECT) turns a table into a view before version 16, and its rows
 * go.
 */
static bool
may_drop(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropStmt:
		case T_DropOwnedStmt:
		case T_AlterTableStmt:
		case T_AlterExtensionStmt:
		case T_RuleStmt:
			return true;
		default:
			return false;
	}
}

/*
 * ALTER ... RENAME and ALTER ... SET SCHEMA; ALTER TABLE ... RENAME COLUMN is a RenameStmt
 * too.
 */
static bool
may_rename(Node *statement)
{
	return IsA(statement, RenameStmt) || IsA(statement, AlterObjectSchemaStmt);
}

/* What an earlier command armed is thrown away first: the tables may be others by now. */
static void
arm(void)
{
	MemoryContext caller;
	ListCell *cell;

	release_read();
	disarm();
	armed = AllocSetContextCreate(TopMemoryContext, "coursebase guard", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(armed);
	guarded_extension = get_extension_oid("coursebase", true);
	guarded_schema = owner_schema();
	foreach (cell, release_tables)
	{
		GuardedTable *table = guard_table(lfirst(cell));

		if (table != NULL)
			guarded_tables = lappend(guarded_tables, table);
	}
	MemoryContextSwitchTo(caller);
}

static void
disarm(void)
{
	guarded_tables = NIL;
	guarded_extension = InvalidOid;
	guarded_schema = InvalidOid;
	if (armed != NULL)
		MemoryContextDelete(armed);
	armed = NULL;
}

/*
 * The key is cleared while the list is made: after an error half way the next command reads
 * the list anew instead of trusting a part of it.
 */
static void
release_read(void)
{
	StepsKey key;
	MemoryContext caller;
	List *steps;
	ListCell *cell;

	if (!steps_key(&key) || (release != NULL && steps_key_equals(&key, &release_key)))
		return;
	steps = steps_read(NULL, steps_is_table);
	release_tables = NIL;
	if (release != NULL)
		MemoryContextDelete(release);
	release = NULL;
	release =
		AllocSetContextCreate(TopMemoryContext, "coursebase tables", ALLOCSET_SMALL_SIZES);
	memset(&release_key, 0, sizeof(release_key)); /* until the list is complete */
	caller = MemoryContextSwitchTo(release);
	foreach (cell, steps)
		release_tables = lappend(release_tables, release_table(lfirst(cell)));
	MemoryContextSwitchTo(caller);
	release_key = key;
}

static ReleaseTable *
release_table(Step *step)
{
	CreateStmt *create = castNode(CreateStmt, step->statement);
	ReleaseTable *table = palloc0(sizeof(ReleaseTable));
	ListCell *cell;

	table->name = pstrdup(create->relation->relname);
	foreach (cell, create->tableElts)
		if (IsA(lfirst(cell), ColumnDef))
			table->columns =
				lappend(table->columns, pstrdup(lfirst_node(ColumnDef, cell)->colname));
	return table;
}

/*
 * Columns that the user added are not the release's: the user may drop them. A table that is
 * not there cannot be dropped.
 */
static GuardedTable *
guard_table(ReleaseTable *table)
{
	Oid relation = get_relname_relid(table->name, guarded_schema);
	GuardedTable *guarded;
	ListCell *cell;

	if (!OidIsValid(relation))
		return NULL;
	guarded = palloc0(sizeof(GuardedTable));
	guarded->relation = relation;
	foreach (cell, table->columns)
	{
		AttrNumber column = get_attnum(relation, lfirst(cell));

		if (column > 0)
			guarded->columns = bms_add_member(guarded->columns, column);
	}
	return guarded;
}

static void
on_object_access(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (previous_hook)
		previous_hook(access, class, object, sub, arg);
	if (armed == NULL || allow_drop)
		return;
	/* internal: the server's own housekeeping, such as the old heap of a rewritten table */
	if (access == OAT_DROP &&
		(((ObjectAccessDrop *) arg)->dropflags & PERFORM_DELETION_INTERNAL) == 0)
		refuse_if_dropped(class, object, sub);
	if (access == OAT_POST_ALTER && renaming)
		refuse_if_renamed(class, object, sub);
}

/*
 * The extension is refused as well: its functions are what the triggers and policies of the
 * tables call.
 */
static void
refuse_if_dropped(Oid class, Oid object, int sub)
{
	char *name = guarded_name(class, object, sub);

	if (class == ExtensionRelationId && object == guarded_extension)
		refuse(
			"drop", "extension coursebase",
			"The tables would stay, without the rules, policies and triggers that keep them.");
	if (name != NULL)
		refuse("drop", name,
			   sub == 0 ? "Its rows would be gone." : "Its values would be gone.");
}

static void
refuse_if_renamed(Oid class, Oid object, int sub)
{
	char *name = guarded_name(class, object, sub);

	if (class == NamespaceRelationId && object == guarded_schema)
		name = "schema coursebase";
	if (name != NULL && name_changes(class, object, sub))
		refuse("rename", name, "The code would not find it under another name.");
}

/*
 * Whether the change that is being made takes the name or the schema: the trigger does not fire
 * for a command under session_replication_role = replica, which would else be taken for the
 * rename before it. The catalogue already has the row, the caches not yet.
 */
static bool
name_changes(Oid class, Oid object, int sub)
{
	Oid catalogue = sub == 0 ? class : AttributeRelationId;
	Relation relation = table_open(catalogue, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple row;
	bool changes;

	/* oid or attrelid; the key of a column ends with its number */
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	if (sub != 0)
		ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber, F_INT2EQ,
					Int16GetDatum(sub));
	scan = systable_beginscan(relation,
							  sub != 0                      ? AttributeRelidNumIndexId
							  : class == RelationRelationId ? ClassOidIndexId
															: NamespaceOidIndexId,
							  true, SnapshotSelf, sub != 0 ? 2 : 1, keys);
	row = systable_getnext(scan);
	changes = HeapTupleIsValid(row) && name_differs(class, row, object, sub);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return changes;
}

/* Compares the row as the command has just written it with what the caches still say. */
static bool
name_differs(Oid class, HeapTuple row, Oid object, int sub)
{
	Form_pg_class table = (Form_pg_class) GETSTRUCT(row);

	if (class == NamespaceRelationId)
		return strcmp(NameStr(((Form_pg_namespace) GETSTRUCT(row))->nspname),
					  get_namespace_name(object)) != 0;
	if (sub != 0)
		return strcmp(NameStr(((Form_pg_attribute) GETSTRUCT(row))->attname),
					  get_attname(object, sub, false)) != 0;
	return table->relnamespace != guarded_schema ||
		   strcmp(NameStr(table->relname), get_rel_name(object)) != 0;
}

/* What the table or column is called, or NULL when it is none of ours. */
static char *
guarded_name(Oid class, Oid object, int sub)
{
	ListCell *cell;

	if (class != RelationRelationId)
		return NULL;
	foreach (cell, guarded_tables)
	{
		GuardedTable *table = lfirst(cell);

		if (table->relation != object)
			continue;
		if (sub == 0)
			return psprintf("table coursebase.%s", get_rel_name(object));
		if (bms_is_member(sub, table->columns))
			return psprintf("column %s of table coursebase.%s", get_attname(object, sub, false),
							get_rel_name(object));
	}
	return NULL;
}

static void
refuse(const char *verb, const char *what, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_DROP_REFUSED), errmsg("cannot %s %s", verb, what),
			 errdetail("%s", detail),
			 errhint("To %s it all the same, SET coursebase.allow_drop = on first.", verb)));
}

/*
 * Memory of the guard is no transaction's: it is given back at every end, also after an error.
 */
static void
on_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		disarm();
}
