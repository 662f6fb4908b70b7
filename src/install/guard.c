/*
 * guard.c: no command takes a table, a column or a type of the business away, or makes another
 * thing of it, unless it is allowed to.
 *
 * An event trigger at the start of every DDL command arms the server's object access hook; the
 * hook sees each table and column that is about to go, however the command came to it (DROP
 * TABLE, DROP SCHEMA, DROP OWNED, a type that cascades, a parent that takes its partitions
 * along), and refuses. The trigger fires before anything is gone, itself included, so that
 * dropping the guard together with the tables does not help. What is armed stays so until the
 * end of the transaction: a command that runs within another (an event trigger's) must not
 * disarm that one, and nothing of ours is dropped between commands.
 *
 * A new name takes a table, a column, a type or a value of an enum away too: the code would not
 * find it, and the next command could drop it under a name that nobody guards. Another type of
 * a column is refused because the code reads the column by the one it has; row security that is
 * switched off, because the tables then stand open to whoever has a grant. A primary key is
 * refused because of pg_restore --clean, which goes on after an error: it would drop the keys,
 * be refused the tables, and write every row a second time. What is no change, or the user's
 * own, passes.
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
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/session_setting.h"
#include "install/guard.h"
#include "install/steps.h"

/* A table or an enum as the release has it. */
typedef struct ReleaseObject
{
	char *name;
	bool is_table;
	List *parts; /* the names of its columns, or its labels */
} ReleaseObject;

/* A table of ours and the columns that the release gave it (by attribute number). */
typedef struct GuardedTable
{
	Oid relation;
	Bitmapset *columns;
} GuardedTable;

/* An enum of ours and the labels that the release gave it. */
typedef struct GuardedType
{
	Oid type;
	List *labels; /* the release's */
} GuardedType;

/* What of an object's row in the catalogue must stay as it is. */
typedef struct Facts
{
	Oid schema; /* of a table or a type */
	NameData name;
	Oid type; /* of a column, with its modifier */
	int32 modifier;
} Facts;

static bool allow_drop = false;
static object_access_hook_type previous_hook = NULL;

/* The release's tables and enums, read once a session, and again when steps() changed. */
static MemoryContext release = NULL;
static List *release_objects = NIL;
static StepsKey release_key;

/* What the commands of this transaction may not take; NULL: nothing is armed. */
static MemoryContext armed = NULL;
static List *guarded_tables = NIL;
static List *guarded_types = NIL;
static Oid guarded_extension = InvalidOid;
static Oid guarded_schema = InvalidOid;
/* A command of this transaction may change what an object is or is called. */
static bool changing = false;

static bool may_drop(Node *statement);
static void refuse_if_opened(AlterTableStmt *statement);
static void refuse_if_key_dropped(AlterTableStmt *statement);
static char *primary_key_name(Oid relation);
static bool makes_primary_key(AlterTableStmt *statement);
static Oid relation_named(RangeVar *name);
static bool may_change(Node *statement);
static void arm(void);
static void disarm(void);
static void release_read(void);
static bool release_wants(const char *object);
static ReleaseObject *release_object(Step *step);
static void guard_table(ReleaseObject *table);
static void guard_type(ReleaseObject *type);
static void on_object_access(ObjectAccessType access, Oid class, Oid object, int sub,
							 void *arg);
static void refuse_if_dropped(Oid class, Oid object, int sub);
static void refuse_if_changed(Oid class, Oid object, int sub);
static bool facts_before(Oid class, Oid object, int sub, Facts *facts);
static bool facts_after(Oid class, Oid object, int sub, Facts *facts);
static void facts_take(Oid class, HeapTuple row, int sub, Facts *facts);
static GuardedType *guarded_type(Oid class, Oid object);
static const char *label_lost(GuardedType *type);
static char *guarded_name(Oid class, Oid object, int sub);
pg_noreturn static void refuse(const char *verb, const char *what, const char *detail);
static void on_transaction_end(XactEvent event, void *arg);

PG_FUNCTION_INFO_V1(coursebase_guard);

void
guard_init(void)
{
	DefineCustomBoolVariable(
		"coursebase.allow_drop", "Lets commands drop tables and columns of coursebase.",
		"A safety catch: without it DROP TABLE, DROP SCHEMA, DROP EXTENSION, RENAME, "
		"ALTER COLUMN TYPE, DISABLE ROW LEVEL SECURITY and the like refuse.",
		&allow_drop, false, PGC_USERSET, COMPAT_GUC_ALLOW_IN_PARALLEL, NULL, NULL, NULL);
	previous_hook = object_access_hook;
	object_access_hook = on_object_access;
	RegisterXactCallback(on_transaction_end, NULL);
}

/*
 * SQL function: guard() returns event_trigger
 *
 * Runs at ddl_command_start with the rights of whoever gave the command. A command that another
 * event trigger gives at the same start does not make the one around it harmless.
 */
PGDLLEXPORT Datum
coursebase_guard(PG_FUNCTION_ARGS)
{
	Node *statement;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.guard() works only as an event trigger")));
	statement = ((EventTriggerData *) fcinfo->context)->parsetree;
	changing = changing || may_change(statement);
	if (!allow_drop && (may_change(statement) || may_drop(statement)))
		arm();
	if (!allow_drop && IsA(statement, AlterTableStmt))
	{
		refuse_if_opened((AlterTableStmt *) statement);
		refuse_if_key_dropped((AlterTableStmt *) statement);
	}
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
 * ALTER ... RENAME, ALTER ... SET SCHEMA, ALTER COLUMN TYPE, ALTER TYPE ... RENAME VALUE; ALTER
 * TABLE ... RENAME COLUMN is a RenameStmt too.
 */
static bool
may_change(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_RenameStmt:
		case T_AlterObjectSchemaStmt:
		case T_AlterTableStmt:
		case T_AlterEnumStmt:
			return true;
		default:
			return false;
	}
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
	foreach (cell, release_objects)
	{
		ReleaseObject *object = lfirst(cell);

		if (object->is_table)
			guard_table(object);
		else
			guard_type(object);
	}
	MemoryContextSwitchTo(caller);
}

/*
 * Called when a command arms anew, and at the end of the transaction, committed or not: what
 * was guarded may be gone or have another oid by then.
 */
static void
disarm(void)
{
	guarded_tables = NIL;
	guarded_types = NIL;
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
	steps = steps_read(NULL, release_wants);
	release_objects = NIL;
	if (release != NULL)
		MemoryContextDelete(release);
	release = NULL;
	release =
		AllocSetContextCreate(TopMemoryContext, "coursebase tables", ALLOCSET_SMALL_SIZES);
	memset(&release_key, 0, sizeof(release_key)); /* until the list is complete */
	caller = MemoryContextSwitchTo(release);
	foreach (cell, steps)
		release_objects = lappend(release_objects, release_object(lfirst(cell)));
	MemoryContextSwitchTo(caller);
	release_key = key;
}

static bool
release_wants(const char *object)
{
	return steps_is_table(object) || steps_is_type(object);
}

static ReleaseObject *
release_object(Step *step)
{
	ReleaseObject *object = palloc0(sizeof(ReleaseObject));
	ListCell *cell;

	object->is_table = IsA(step->statement, CreateStmt);
	if (object->is_table)
	{
		CreateStmt *create = (CreateStmt *) step->statement;

		object->name = pstrdup(create->relation->relname);
		foreach (cell, create->tableElts)
			if (IsA(lfirst(cell), ColumnDef))
				object->parts =
					lappend(object->parts, pstrdup(lfirst_node(ColumnDef, cell)->colname));
	}
	else
	{
		CreateEnumStmt *create = castNode(CreateEnumStmt, step->statement);

		object->name = pstrdup(strVal(llast(create->typeName)));
		foreach (cell, create->vals)
			object->parts = lappend(object->parts, pstrdup(strVal(lfirst(cell))));
	}
	return object;
}

/*
 * Columns that the user added are not the release's: the user may drop them. A table that is
 * not there cannot be dropped.
 */
static void
guard_table(ReleaseObject *table)
{
	Oid relation = get_relname_relid(table->name, guarded_schema);
	GuardedTable *guarded;
	ListCell *cell;

	if (!OidIsValid(relation))
		return;
	guarded = palloc0(sizeof(GuardedTable));
	guarded->relation = relation;
	foreach (cell, table->parts)
	{
		AttrNumber column = get_attnum(relation, lfirst(cell));

		if (column > 0)
			guarded->columns = bms_add_member(guarded->columns, column);
	}
	guarded_tables = lappend(guarded_tables, guarded);
}

/*
 * Values that the user added to an enum are not the release's: the user may give them another
 * name.
 */
static void
guard_type(ReleaseObject *type)
{
	GuardedType *guarded = palloc0(sizeof(GuardedType));

	guarded->type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(type->name),
									ObjectIdGetDatum(guarded_schema));
	guarded->labels = type->parts;
	if (OidIsValid(guarded->type))
		guarded_types = lappend(guarded_types, guarded);
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
	if (access == OAT_POST_ALTER && changing)
		refuse_if_changed(class, object, sub);
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
			   class == TypeRelationId ? "The columns of the type would be gone."
			   : sub == 0              ? "Its rows would be gone."
									   : "Its values would be gone.");
}

/* Row security switched off: no hook tells of it, so that the statement is read. */
static void
refuse_if_opened(AlterTableStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->cmds)
	{
		Oid relation;
		char *name;

		if (lfirst_node(AlterTableCmd, cell)->subtype != AT_DisableRowSecurity)
			continue;
		relation = relation_named(statement->relation);
		name = guarded_name(RelationRelationId, relation, 0);
		if (name != NULL)
			refuse("disable", psprintf("row security of %s", name),
				   "Whoever has a grant on the table would see and write every row.");
	}
}

/*
 * The statement is read, and not the hook asked: that tells of the key of a table that goes
 * before it tells of the table. Another index may take the key's place (USING INDEX).
 */
static void
refuse_if_key_dropped(AlterTableStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
		Oid relation;
		char *name;
		char *key;

		if (command->subtype != AT_DropConstraint || makes_primary_key(statement))
			continue;
		relation = relation_named(statement->relation);
		name = guarded_name(RelationRelationId, relation, 0);
		key = name != NULL ? primary_key_name(relation) : NULL;
		if (key != NULL && strcmp(command->name, key) == 0)
			refuse("drop", psprintf("primary key %s of %s", key, name),
				   "A row could come twice.");
	}
}

/* NULL where the table has none. */
static char *
primary_key_name(Oid relation)
{
	Oid key = InvalidOid;

	get_primary_key_attnos(relation, true, &key);
	return OidIsValid(key) ? get_constraint_name(key) : NULL;
}

static bool
makes_primary_key(AlterTableStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype == AT_AddConstraint &&
			castNode(Constraint, command->def)->contype == CONSTR_PRIMARY)
			return true;
	}
	return false;
}

/*
 * The table as the command will find it: by the search_path of whoever gave the command, which
 * was saved when guard() got its own.
 */
static Oid
relation_named(RangeVar *name)
{
	struct config_generic *setting = compat_setting("search_path");
	int level = session_settings_begin();
	Oid relation;

	if (setting != NULL && setting->stack != NULL && setting->stack->state == GUC_SAVE)
		session_setting_set("search_path", setting->stack->prior.val.stringval);
	relation = RangeVarGetRelid(name, NoLock, true);
	session_settings_end(level);
	return relation;
}

/*
 * The change that is being made stands in the catalogue already, and not yet in the caches,
 * which is how before and after are told apart. Comparing, rather than reading the statement,
 * also holds for a command that the trigger did not see (event_triggers = off, since 17) behind
 * one that it did.
 */
static void
refuse_if_changed(Oid class, Oid object, int sub)
{
	char *name = guarded_name(class, object, sub);
	GuardedType *type = guarded_type(class, object);
	const char *label = type != NULL ? label_lost(type) : NULL;
	Facts before;
	Facts after;

	if (class == NamespaceRelationId && object == guarded_schema)
		name = "schema coursebase";
	if (name == NULL || !facts_before(class, object, sub, &before) ||
		!facts_after(class, object, sub, &after))
		return;
	if (before.schema != after.schema || strcmp(NameStr(before.name), NameStr(after.name)) != 0)
		refuse("rename", name, "The code would not find it under another name.");
	if (before.type != after.type || before.modifier != after.modifier)
		refuse("change", psprintf("the type of %s", name),
			   psprintf("The code reads it as %s.",
						format_type_with_typemod(before.type, before.modifier)));
	if (label != NULL)
		refuse("rename", psprintf("value \"%s\" of %s", label, name),
			   "The code would not find it under another name.");
}

/* As the caches have them; false for an object that they do not have. */
static bool
facts_before(Oid class, Oid object, int sub, Facts *facts)
{
	HeapTuple row;

	if (sub != 0)
		row = SearchSysCache2(ATTNUM, ObjectIdGetDatum(object), Int16GetDatum(sub));
	else
		row = SearchSysCache1(class == RelationRelationId ? RELOID
							  : class == TypeRelationId   ? TYPEOID
														  : NAMESPACEOID,
							  ObjectIdGetDatum(object));
	if (!HeapTupleIsValid(row))
		return false;
	facts_take(class, row, sub, facts);
	ReleaseSysCache(row);
	return true;
}

/* As the catalogue has them. */
static bool
facts_after(Oid class, Oid object, int sub, Facts *facts)
{
	Oid catalogue = sub == 0 ? class : AttributeRelationId;
	Relation relation = table_open(catalogue, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple row;
	bool found;

	/* oid or attrelid; the key of a column ends with its number */
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	if (sub != 0)
		ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber, F_INT2EQ,
					Int16GetDatum(sub));
	scan = systable_beginscan(relation,
							  sub != 0                      ? AttributeRelidNumIndexId
							  : class == RelationRelationId ? ClassOidIndexId
							  : class == TypeRelationId     ? TypeOidIndexId
															: NamespaceOidIndexId,
							  true, SnapshotSelf, sub != 0 ? 2 : 1, keys);
	row = systable_getnext(scan);
	found = HeapTupleIsValid(row);
	if (found)
		facts_take(class, row, sub, facts);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

/* Copies what is compared: the tuple is released, and the second look has another one. */
static void
facts_take(Oid class, HeapTuple row, int sub, Facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	if (sub != 0)
	{
		Form_pg_attribute column = (Form_pg_attribute) GETSTRUCT(row);

		facts->name = column->attname;
		facts->type = column->atttypid;
		facts->modifier = column->atttypmod;
	}
	else if (class == RelationRelationId)
	{
		Form_pg_class table = (Form_pg_class) GETSTRUCT(row);

		facts->schema = table->relnamespace;
		facts->name = table->relname;
	}
	else if (class == TypeRelationId)
	{
		facts->schema = ((Form_pg_type) GETSTRUCT(row))->typnamespace;
		facts->name = ((Form_pg_type) GETSTRUCT(row))->typname;
	}
	else
		facts->name = ((Form_pg_namespace) GETSTRUCT(row))->nspname;
}

static GuardedType *
guarded_type(Oid class, Oid object)
{
	ListCell *cell;

	if (class == TypeRelationId)
		foreach (cell, guarded_types)
			if (((GuardedType *) lfirst(cell))->type == object)
				return lfirst(cell);
	return NULL;
}

/* A label of the release that the running change takes from the enum; NULL for none. */
static const char *
label_lost(GuardedType *type)
{
	Relation labels = table_open(EnumRelationId, AccessShareLock);
	const char *lost = NULL;
	ListCell *cell;

	foreach (cell, type->labels)
	{
		const char *label = lfirst(cell);
		ScanKeyData keys[2];
		SysScanDesc scan;

		if (!SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(type->type),
								   CStringGetDatum(label)))
			continue;
		ScanKeyInit(&keys[0], Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(type->type));
		ScanKeyInit(&keys[1], Anum_pg_enum_enumlabel, BTEqualStrategyNumber, F_NAMEEQ,
					CStringGetDatum(label));
		scan = systable_beginscan(labels, EnumTypIdLabelIndexId, true, SnapshotSelf, 2, keys);
		if (!HeapTupleIsValid(systable_getnext(scan)))
			lost = label;
		systable_endscan(scan);
	}
	table_close(labels, AccessShareLock);
	return lost;
}

/* What the table, column or type is called, or NULL when it is none of ours. */
static char *
guarded_name(Oid class, Oid object, int sub)
{
	ListCell *cell;

	if (guarded_type(class, object) != NULL)
		return psprintf("type %s", format_type_be_qualified(object));
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
 * The guard's memory does not belong to the transaction, and so is given back here, after an
 * error too.
 */
static void
on_transaction_end(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	disarm();
	changing = false;
}
