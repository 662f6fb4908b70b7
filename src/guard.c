/*
 * guard.c: no command takes a table or a column of the business away unless it is allowed to.
 *
 * An event trigger at the start of every DDL command arms the server's object access hook; the
 * hook sees each table and column that is about to go, however the command came to it (DROP
 * TABLE, DROP SCHEMA, DROP OWNED, a type that cascades), and refuses. The trigger fires before
 * anything is gone, itself included, so that dropping the guard together with the tables does
 * not help. What is armed stays so until the next command or the end of the transaction;
 * nothing is dropped between commands.
 *
 * coursebase.allow_drop turns the refusal off: it is a safety catch, not a boundary. Who may
 * drop is the server's own question.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "errors.h"
#include "guard.h"
#include "owner.h"
#include "steps.h"

/* A table of ours and the columns that the release gave it (by attribute number). */
typedef struct GuardedTable
{
	Oid relation;
	Bitmapset *columns;
} GuardedTable;

static bool allow_drop = false;
static object_access_hook_type previous_hook = NULL;

/* What the running command may not take; NULL context: nothing is armed. */
static MemoryContext armed = NULL;
static List *guarded_tables = NIL;
static Oid guarded_extension = InvalidOid;

static bool may_drop(Node *statement);
static bool drops_only_others(DropStmt *statement);
static void arm(void);
static void disarm(void);
static GuardedTable *guard_table(Step *step);
static void on_object_access(ObjectAccessType access, Oid class, Oid object, int sub,
							 void *arg);
static void refuse_if_guarded(Oid class, Oid object, int sub);
static void refuse(const char *what, const char *detail);
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
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.guard() works only as an event trigger")));
	disarm();
	if (!allow_drop && may_drop(((EventTriggerData *) fcinfo->context)->parsetree))
		arm();
	PG_RETURN_NULL();
}

static bool
may_drop(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropStmt:
			return !drops_only_others((DropStmt *) statement);
		case T_DropOwnedStmt:
		case T_AlterTableStmt:
		case T_AlterExtensionStmt:
		case T_RuleStmt:
			return true;
		default:
			return false;
	}
}

/* DROP TABLE without CASCADE of tables elsewhere, temporary ones above all, is not slowed down.
 */
static bool
drops_only_others(DropStmt *statement)
{
	ListCell *cell;

	if (statement->behavior == DROP_CASCADE || statement->removeType != OBJECT_TABLE)
		return false;
	foreach (cell, statement->objects)
	{
		RangeVar *name = makeRangeVarFromNameList(lfirst(cell));
		Oid relation = RangeVarGetRelid(name, NoLock, true);

		if (OidIsValid(relation) && get_rel_namespace(relation) == owner_schema())
			return false;
	}
	return true;
}

static void
arm(void)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "coursebase guard", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ListCell *cell;

	armed = context;
	guarded_extension = get_extension_oid("coursebase", true);
	foreach (cell, steps_read(NULL, steps_is_table))
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
	if (armed != NULL)
		MemoryContextDelete(armed);
	armed = NULL;
}

static GuardedTable *
guard_table(Step *step)
{
	CreateStmt *create = castNode(CreateStmt, step->statement);
	Oid relation = RangeVarGetRelid(create->relation, NoLock, true);
	GuardedTable *table;
	ListCell *cell;

	if (!OidIsValid(relation))
		return NULL;
	table = palloc0(sizeof(GuardedTable));
	table->relation = relation;
	foreach (cell, create->tableElts)
	{
		AttrNumber column;

		if (!IsA(lfirst(cell), ColumnDef))
			continue;
		column = get_attnum(relation, lfirst_node(ColumnDef, cell)->colname);
		if (column > 0)
			table->columns = bms_add_member(table->columns, column);
	}
	return table;
}

static void
on_object_access(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (previous_hook)
		previous_hook(access, class, object, sub, arg);
	if (armed == NULL || access != OAT_DROP || allow_drop)
		return;
	/* the server's own housekeeping, such as the old heap of a rewritten table */
	if (((ObjectAccessDrop *) arg)->dropflags & PERFORM_DELETION_INTERNAL)
		return;
	refuse_if_guarded(class, object, sub);
}

static void
refuse_if_guarded(Oid class, Oid object, int sub)
{
	ListCell *cell;

	if (class == ExtensionRelationId && object == guarded_extension)
		refuse(
			"extension coursebase",
			"The tables would stay, without the rules, policies and triggers that keep them.");
	if (class != RelationRelationId)
		return;
	foreach (cell, guarded_tables)
	{
		GuardedTable *table = lfirst(cell);

		if (table->relation != object)
			continue;
		if (sub == 0)
			refuse(psprintf("table coursebase.%s", get_rel_name(object)),
				   "Its rows would be gone.");
		else if (bms_is_member(sub, table->columns))
			refuse(psprintf("column %s of table coursebase.%s", get_attname(object, sub, false),
							get_rel_name(object)),
				   "Its values would be gone.");
	}
}

static void
refuse(const char *what, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_CB_DROP_REFUSED), errmsg("cannot drop %s", what),
					errdetail("%s", detail),
					errhint("To drop it all the same, SET coursebase.allow_drop = on first.")));
}

static void
on_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		disarm();
}
