/*
 * install.c: makes the schema what coursebase.steps() says, whatever it was before.
 *
 * Tables belong to the user, code to the extension: members of an extension lose rows in
 * ordinary backups. So install() runs its DDL with the server's creating_extension cleared,
 * and what it makes is no member. install() is the migrator as well: each step is parsed, held
 * against the catalogue, and only what is missing is made. Rows, tables and columns are never
 * taken away.
 *
 *  - tables: made, or given the columns, defaults and constraints they lack
 *  - enums: made, or given the values they lack
 *  - indexes and constraint triggers: made when no object has the name
 *  - triggers, policies and views: replaced, for a release may change what they say
 *  - triggers that were switched off: switched on; those that fire always go on to do so
 *  - constraints and types that an earlier release had: dropped, replaced
 *  - rows of lookup tables, comments, other ALTER TABLE: run each time, and written so that
 * this is harmless
 *
 * On a worker of Citus nothing is made; functions are made to refuse (citus.h).
 *
 * Locks: the extension's row (ShareUpdateExclusiveLock) first, so that two install() come
 * one after the other; then what each statement locks, in the order of the steps.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/replicated.h"
#include "core/session_setting.h"
#include "core/trust.h"
#include "install/broken_rows.h"
#include "install/citus.h"
#include "install/grants.h"
#include "install/partition.h"
#include "install/steps.h"
#include "install/strangers.h"
#include "install/utility.h"

/* The state of a trigger that is not there. */
#define NO_TRIGGER '\0'

/* What an error of install() says beside the server's own words. */
typedef struct Telling
{
	const Step *step;      /* NULL once all are made */
	const char *strangers; /* strangers_find() */
} Telling;

/* Where install() reports what it made: the function's result. */
typedef ReturnSetInfo Report;

static KeptPlan write_version = {
	.sql =
		"INSERT INTO coursebase.schema_version AS v (singleton, version) VALUES (true, $1) "
		"ON CONFLICT (singleton) DO UPDATE SET version = EXCLUDED.version, updated_at = now() "
		"WHERE v.version <> EXCLUDED.version",
	.nargs = 1,
	.types = {TEXTOID},
};

static bool restoring(void);
static Oid installer(void);
static bool may_execute(Oid role, Oid function);
static void run_steps(Report *report);
static void step_tell(void *telling);
static void run_step(Step *step, Report *report);
static void converge_table(Step *step, Report *report);
static void converge_constraint(CreateStmt *table, Oid relation, Constraint *constraint,
								Report *report);
static char *primary_key_renamed(Oid relation, List *columns);
static void converge_column(CreateStmt *table, Oid relation, ColumnDef *column, Report *report);
static void number_again(RangeVar *relation, const char *column, Constraint *identity);
static void alter_table(RangeVar *relation, AlterTableType what, const char *name, Node *def);
static void add_rule(RangeVar *relation, AlterTableType what, const char *name, Node *def);
static AlterTableStmt *alter_statement(RangeVar *relation, AlterTableType what,
									   const char *name, Node *def);
static void converge_enum(Step *step, Report *report);
static void converge_index(Step *step, Report *report);
static void converge_trigger(Step *step, Report *report);
static char trigger_state(Oid relation, const char *name);
static void converge_policy(Step *step, Report *report);
static void drop_policy(CreatePolicyStmt *policy);
static void converge_view(Step *step, Report *report);
static void converge_alter(Step *step, Report *report);
static void statistics_switch_off(Step *step, Oid relation);
static char *column_object(AlterTableStmt *alter, AlterTableCmd *command);
static bool column_is_not_null(Oid relation, const char *name);
static void alter_type(Step *step);
static void compression_fall_back(CreateStmt *table);
static void insert_rows(Step *step);
static void record_version(char *version);
static void report_row(Report *report, const char *object, const char *action);

PG_FUNCTION_INFO_V1(coursebase_assert_schema_owner);
PG_FUNCTION_INFO_V1(coursebase_install);

/*
 * SQL function: assert_schema_owner() returns void
 *
 * The first thing the script does: whoever owns the schema, or may create in it, could plant
 * functions and tables in it that ours would then trust.
 */
PGDLLEXPORT Datum
coursebase_assert_schema_owner(PG_FUNCTION_ARGS)
{
	trust_require_schema();
	PG_RETURN_VOID();
}

/*
 * SQL function: install() returns table (object text, action text)
 *
 * Works with the rights of the tables' owner (the caller's, at first) and answers one row for
 * each thing it made. Idempotent.
 */
PGDLLEXPORT Datum
coursebase_install(PG_FUNCTION_ARGS)
{
	Report *report = (Report *) fcinfo->resultinfo;
	bool creating = creating_extension;
	OwnerRights rights;
	int settings;

	PreventCommandIfReadOnly("coursebase.install()");
	compat_materialize(fcinfo);
	if (restoring())
	{
		/* INFO: an extension's script hides anything less than a warning. */
		ereport(INFO,
				(errmsg("coursebase leaves its tables to the dump that is being restored"),
				 errhint("Where no dump follows, run SELECT coursebase.install().")));
		return (Datum) 0;
	}
	rights = owner_confine(installer());
	LockDatabaseObject(ExtensionRelationId, get_extension_oid("coursebase", false), 0,
					   ShareUpdateExclusiveLock);
	creating_extension = false;
	settings = session_settings_begin();
	/* an extension's script is run with it off, as a restore is: what install() writes is no
	 * dump's, and triggers must not take it for that (core/restore.h) */
	session_setting_set("check_function_bodies", "on");
	PG_TRY();
	{
		citus_keep_local();
		if (citus_place() == CITUS_WORKER)
			citus_turn_away(report);
		else
		{
			citus_require_answers();
			/*
			 * An owner that is no superuser needs rights to the schema and to functions that
			 * an update adds, and has none where a dump was restored without its GRANTs. The
			 * script of CREATE EXTENSION gives none: whoever planted our table before is its
			 * owner then, and fails without them.
			 */
			if (!creating || may_execute(owner_of_tables(), fcinfo->flinfo->fn_oid))
				grants_owner();
			run_steps(report);
		}
	}
	PG_FINALLY();
	{
		creating_extension = creating;
	}
	PG_END_TRY();
	session_settings_end(settings);
	owner_leave(rights);
	return (Datum) 0;
}

/*
 * Whether the script runs within a restore: everything that pg_dump writes begins by setting
 * check_function_bodies off in the session. CREATE EXTENSION sets it off as well, so that what
 * counts is the value that it saved, if it saved one.
 */
static bool
restoring(void)
{
	struct config_generic *setting = compat_setting("check_function_bodies");
	bool value;
	GucSource source;

	if (!creating_extension || setting == NULL)
		return false;
	value = *((struct config_bool *) setting)->variable;
	source = setting->source;
	if (setting->stack != NULL && setting->stack->state == GUC_SAVE)
	{
		value = setting->stack->prior.val.boolval;
		source = setting->stack->source;
	}
	return !value && source == PGC_S_SESSION;
}

/*
 * The role that owns the tables, or will: all objects belong to one role, whoever of its
 * members runs install(). Raises 42501 for anybody else.
 */
static Oid
installer(void)
{
	Oid owner = owner_of_tables();

	if (!OidIsValid(owner))
		return GetUserId();
	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only the owner of coursebase's tables may run install()"),
						errdetail("They belong to \"%s\".", GetUserNameFromId(owner, false))));
	return owner;
}

/* Functions that CREATE EXTENSION has just made are closed to everybody; hand_over() gave the
 * owner those of before. */
static bool
may_execute(Oid role, Oid function)
{
	return OidIsValid(role) && DatumGetBool(DirectFunctionCall3(
								   has_function_privilege_id_id, ObjectIdGetDatum(role),
								   ObjectIdGetDatum(function), CStringGetTextDatum("EXECUTE")));
}

/*
 * Grants come last, for all objects at once: grants_renew() first takes away what a role held.
 */
static void
run_steps(Report *report)
{
	char *version = NULL;
	List *steps = steps_read(&version, NULL);
	Telling telling = {.strangers = strangers_find(steps)};
	ErrorContextCallback told = {
		.previous = error_context_stack, .callback = step_tell, .arg = &telling};
	ListCell *cell;

	error_context_stack = &told;
	foreach (cell, steps)
	{
		Step *step = lfirst(cell);

		telling.step = step;
		if (!steps_is_grant(step->object))
			run_step(step, report);
	}
	telling.step = NULL;
	record_version(version);
	grants_renew();
	error_context_stack = told.previous;
}

/*
 * The CONTEXT of an error: which object was being made; and its HINT. The server's own words
 * name a column and no table, where a table of somebody else's has the name of ours.
 */
static void
step_tell(void *telling)
{
	const Telling *told = telling;

	strangers_hint(told->strangers);
	if (told->step != NULL)
		errcontext("coursebase.install(), %s", told->step->object);
}

/* What no rule converges (COMMENT, ALTER TABLE, ...) is run each time. */
static void
run_step(Step *step, Report *report)
{
	switch (nodeTag(step->statement))
	{
		case T_CreateStmt:
			converge_table(step, report);
			break;
		case T_CreateEnumStmt:
			converge_enum(step, report);
			break;
		case T_IndexStmt:
			converge_index(step, report);
			break;
		case T_CreateTrigStmt:
			converge_trigger(step, report);
			break;
		case T_CreatePolicyStmt:
			converge_policy(step, report);
			break;
		case T_ViewStmt:
			converge_view(step, report);
			break;
		case T_InsertStmt:
			insert_rows(step);
			break;
		case T_AlterTableStmt:
			converge_alter(step, report);
			break;
		default:
			utility_run(step->statement, step->ddl);
	}
}

/*
 * A table of that name that somebody else owns is refused before anything is added to it: its
 * owner could hang triggers on it. Constraints are found by name, and every one of ours has a
 * name.
 */
static void
converge_table(Step *step, Report *report)
{
	CreateStmt *table = castNode(CreateStmt, step->statement);
	Oid relation = RangeVarGetRelid(table->relation, NoLock, true);
	ListCell *cell;

	compression_fall_back(table);
	if (!OidIsValid(relation))
	{
		utility_run((Node *) table, step->ddl);
		grants_close_table(RangeVarGetRelid(table->relation, NoLock, false));
		report_row(report, step->object, "created");
		return;
	}
	trust_require_relation(step->object, relation);
	partition_require(relation, table->relation->relname);
	foreach (cell, table->tableElts)
	{
		Node *element = lfirst(cell);

		if (IsA(element, ColumnDef))
			converge_column(table, relation, (ColumnDef *) element, report);
		else if (IsA(element, Constraint))
			converge_constraint(table, relation, (Constraint *) element, report);
	}
}

/*
 * Adds the constraint where no other has its name. A primary key that was renamed gets its name
 * back, for a table has one alone.
 */
static void
converge_constraint(CreateStmt *table, Oid relation, Constraint *constraint, Report *report)
{
	char *object = psprintf("constraint %s", constraint->conname);
	char *renamed;
	RenameStmt *rename;

	if (OidIsValid(get_relation_constraint_oid(relation, constraint->conname, true)))
		return;
	renamed = constraint->contype == CONSTR_PRIMARY
				  ? primary_key_renamed(relation, constraint->keys)
				  : NULL;
	if (renamed == NULL)
	{
		add_rule(table->relation, AT_AddConstraint, NULL, (Node *) constraint);
		report_row(report, object, "added");
		return;
	}
	rename = makeNode(RenameStmt);
	rename->renameType = OBJECT_TABCONSTRAINT;
	rename->relation = copyObject(table->relation);
	rename->subname = renamed;
	rename->newname = constraint->conname;
	utility_run((Node *) rename, "ALTER TABLE of coursebase.install()");
	report_row(report, object, "restored");
}

/* The name of the table's primary key, if that is of these columns, or of those that a table
 * which is partitioned needs; else NULL. */
static char *
primary_key_renamed(Oid relation, List *columns)
{
	Oid key;
	Bitmapset *there = get_primary_key_attnos(relation, true, &key);
	ListCell *cell;

	/* partition_require() has looked at its columns */
	if (relation_is_partitioned(relation))
		return get_constraint_name(key);
	if (bms_num_members(there) != list_length(columns))
		return NULL;
	foreach (cell, columns)
		if (!bms_is_member(get_attnum(relation, strVal(lfirst(cell))) -
							   FirstLowInvalidHeapAttributeNumber,
						   there))
			return NULL;
	return get_constraint_name(key);
}

/*
 * Adds the column where it is missing. A column that is there keeps its type, and gets back a
 * default, NOT NULL or IDENTITY that was taken away. A default that the user changed stays.
 */
static void
converge_column(CreateStmt *table, Oid relation, ColumnDef *column, Report *report)
{
	char *object = psprintf("column %s.%s", table->relation->relname, column->colname);
	HeapTuple tuple = SearchSysCacheAttName(relation, column->colname);
	Form_pg_attribute form;
	bool has_default;
	bool not_null;
	ListCell *cell;

	if (!HeapTupleIsValid(tuple))
	{
		alter_table(table->relation, AT_AddColumn, NULL, (Node *) column);
		report_row(report, object, "added");
		return;
	}
	form = (Form_pg_attribute) GETSTRUCT(tuple);
	has_default = form->atthasdef || form->attidentity != '\0';
	not_null = form->attnotnull;
	ReleaseSysCache(tuple);
	foreach (cell, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, cell);

		if (constraint->contype == CONSTR_DEFAULT && !has_default)
			alter_table(table->relation, AT_ColumnDefault, column->colname,
						constraint->raw_expr);
		else if (constraint->contype == CONSTR_NOTNULL && !not_null)
			add_rule(table->relation, AT_SetNotNull, column->colname, NULL);
		else if (constraint->contype == CONSTR_IDENTITY && !has_default)
			number_again(table->relation, column->colname, constraint);
		else
			continue;
		report_row(report, object, "restored");
	}
}

/*
 * Numbers a column by the table again, from behind the greatest number that it has: a number
 * that was given once must not come twice.
 */
static void
number_again(RangeVar *relation, const char *column, Constraint *identity)
{
	alter_table(relation, AT_AddIdentity, column, (Node *) identity);
	SPI_connect();
	plan_execute_once(psprintf(
		"SELECT setval(pg_get_serial_sequence('coursebase.%s', '%s'), max(%s) + 1, false) "
		"FROM coursebase.%s HAVING max(%s) IS NOT NULL",
		relation->relname, column, column, relation->relname, column));
	SPI_finish();
}

static void
alter_table(RangeVar *relation, AlterTableType what, const char *name, Node *def)
{
	utility_run((Node *) alter_statement(relation, what, name, def),
				"ALTER TABLE of coursebase.install()");
}

/* The same for what rows may break. */
static void
add_rule(RangeVar *relation, AlterTableType what, const char *name, Node *def)
{
	broken_rows_refuse(alter_statement(relation, what, name, def));
}

/*
 * The parse trees are copied: ALTER TABLE changes what it is given, and the step is read again
 * for the next column. DROP_RESTRICT, for nothing here may cascade.
 */
static AlterTableStmt *
alter_statement(RangeVar *relation, AlterTableType what, const char *name, Node *def)
{
	AlterTableCmd *command = makeNode(AlterTableCmd);
	AlterTableStmt *statement = makeNode(AlterTableStmt);

	command->subtype = what;
	command->name = name ? pstrdup(name) : NULL;
	command->def = copyObject(def);
	command->behavior = DROP_RESTRICT;
	statement->relation = copyObject(relation);
	statement->cmds = list_make1(command);
	statement->objtype = OBJECT_TABLE;
	return statement;
}

/* A value is added behind the last one: a type that grew keeps the order in which it grew. */
static void
converge_enum(Step *step, Report *report)
{
	CreateEnumStmt *type = castNode(CreateEnumStmt, step->statement);
	Oid type_oid = LookupTypeNameOid(NULL, makeTypeNameFromNameList(type->typeName), true);
	ListCell *cell;

	if (!OidIsValid(type_oid))
	{
		utility_run((Node *) type, step->ddl);
		report_row(report, step->object, "created");
		return;
	}
	trust_require_type(step->object, type_oid);
	foreach (cell, type->vals)
	{
		AlterEnumStmt *value = makeNode(AlterEnumStmt);

		if (SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(type_oid),
								  CStringGetDatum(strVal(lfirst(cell)))))
			continue;
		value->typeName = type->typeName;
		value->newVal = strVal(lfirst(cell));
		value->newValIsAfter = true;
		utility_run((Node *) value, step->ddl);
		report_row(report, psprintf("value %s of %s", value->newVal, step->object), "added");
	}
}

static void
converge_index(Step *step, Report *report)
{
	IndexStmt *index = castNode(IndexStmt, step->statement);
	Oid relation = RangeVarGetRelid(index->relation, NoLock, false);
	Oid there = get_relname_relid(index->idxname, owner_schema());

	/*
	 * an index of that name on our table is ours. Where another relation has the name the
	 * statement runs, and fails with the server's own message
	 */
	if (OidIsValid(there) && IndexGetRelation(there, true) == relation)
		return;
	/*
	 * a unique index of a partitioned table must hold the column of the partitions, which this
	 * rule does not have: log_app() keeps the rule under a lock as well
	 */
	if (index->unique && relation_is_partitioned(relation))
		return;
	utility_run((Node *) index, step->ddl);
	report_row(report, step->object, "created");
}

/*
 * CREATE OR REPLACE makes a trigger fire for writes of this server alone, whatever it was set
 * to before. One that fires always is set back to that; that one is switched on again is told.
 */
static void
converge_trigger(Step *step, Report *report)
{
	CreateTrigStmt *trigger = castNode(CreateTrigStmt, step->statement);
	Oid relation = RangeVarGetRelid(trigger->relation, NoLock, false);
	char state = trigger_state(relation, trigger->trigname);

	/* CREATE OR REPLACE knows no constraint triggers: what one says stays, and it is switched
	 * on */
	if (state == NO_TRIGGER || !trigger->isconstraint)
	{
		trigger->replace = !trigger->isconstraint;
		utility_run((Node *) trigger, step->ddl);
	}
	else if (state == TRIGGER_DISABLED || state == TRIGGER_FIRES_ON_REPLICA)
		alter_table(trigger->relation, AT_EnableTrig, trigger->trigname, NULL);
	else
		return;
	if (state == NO_TRIGGER)
		report_row(report, step->object, "created");
	else if (state == TRIGGER_FIRES_ALWAYS)
		alter_table(trigger->relation, AT_EnableAlwaysTrig, trigger->trigname, NULL);
	else if (state != TRIGGER_FIRES_ON_ORIGIN)
		report_row(report, step->object, "restored");
}

/* pg_trigger.tgenabled, or NO_TRIGGER. */
static char
trigger_state(Oid relation, const char *name)
{
	Relation table = table_open(relation, AccessShareLock);
	TriggerDesc *triggers = table->trigdesc;
	char state = NO_TRIGGER;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (strcmp(triggers->triggers[i].tgname, name) == 0)
			state = triggers->triggers[i].tgenabled;
	table_close(table, NoLock);
	return state;
}

/*
 * CREATE POLICY knows no OR REPLACE: the policy is dropped and made anew within the
 * transaction, so that no other session sees the table without it. Policies of other names are
 * the user's and stay.
 */
static void
converge_policy(Step *step, Report *report)
{
	CreatePolicyStmt *policy = castNode(CreatePolicyStmt, step->statement);
	Oid relation = RangeVarGetRelid(policy->table, NoLock, false);
	bool there = OidIsValid(get_relation_policy_oid(relation, policy->policy_name, true));

	if (there)
		drop_policy(policy);
	utility_run((Node *) policy, step->ddl);
	if (!there)
		report_row(report, step->object, "created");
}

static void
drop_policy(CreatePolicyStmt *policy)
{
	DropStmt *drop = makeNode(DropStmt);

	drop->removeType = OBJECT_POLICY;
	drop->objects = list_make1(list_make3(makeString(policy->table->schemaname),
										  makeString(policy->table->relname),
										  makeString(policy->policy_name)));
	drop->behavior = DROP_RESTRICT;
	utility_run((Node *) drop, "DROP POLICY of coursebase.install()");
}

/*
 * CREATE OR REPLACE VIEW adds columns at the end only. A view that somebody else owns is
 * refused: its owner could change what it says.
 */
static void
converge_view(Step *step, Report *report)
{
	ViewStmt *view = castNode(ViewStmt, step->statement);
	Oid relation = RangeVarGetRelid(view->view, NoLock, true);
	bool there = OidIsValid(relation);

	trust_require_relation(step->object, relation);
	view->replace = true;
	utility_run((Node *) view, step->ddl);
	if (there)
		return;
	grants_close_table(RangeVarGetRelid(view->view, NoLock, false));
	report_row(report, step->object, "created");
}

/*
 * DROP CONSTRAINT and DROP NOT NULL take away what an earlier release had, TYPE replaces the
 * type that it had, and STATISTICS ends what was gathered: where that is done, nothing is said,
 * and no table is locked.
 */
static void
converge_alter(Step *step, Report *report)
{
	AlterTableStmt *alter = castNode(AlterTableStmt, step->statement);
	AlterTableCmd *command = linitial_node(AlterTableCmd, alter->cmds);
	Oid relation = RangeVarGetRelid(alter->relation, NoLock, false);

	switch (command->subtype)
	{
		case AT_DropConstraint:
			if (!OidIsValid(get_relation_constraint_oid(relation, command->name, true)))
				return;
			report_row(report, psprintf("constraint %s", command->name), "dropped");
			break;
		case AT_DropNotNull:
			if (!column_is_not_null(relation, command->name))
				return;
			report_row(report, column_object(alter, command), "changed");
			break;
		case AT_AlterColumnType:
			if (get_atttype(relation, get_attnum(relation, command->name)) ==
				typenameTypeId(NULL, castNode(ColumnDef, command->def)->typeName))
				return;
			report_row(report, column_object(alter, command), "changed");
			alter_type(step);
			return;
		case AT_SetStatistics:
			statistics_switch_off(step, relation);
			return;
		default:
			break;
	}
	utility_run((Node *) alter, step->ddl);
}

/*
 * Every command of the statement says SET STATISTICS 0. ANALYZE leaves such a column out, and
 * with it what an earlier ANALYZE found: that is taken away here. A column of an index has a
 * number and no name.
 */
static void
statistics_switch_off(Step *step, Oid relation)
{
	AlterTableStmt *alter = castNode(AlterTableStmt, step->statement);
	List *columns = NIL;
	ListCell *cell;

	foreach (cell, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
		AttrNumber number =
			command->name != NULL ? get_attnum(relation, command->name) : command->num;
		HeapTuple column =
			SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation), Int16GetDatum(number));

		if (!HeapTupleIsValid(column))
			continue;
		if (!compat_without_statistics(column))
			columns = lappend_int(columns, number);
		ReleaseSysCache(column);
	}
	if (columns == NIL)
		return;
	utility_run((Node *) alter, step->ddl);
	foreach (cell, columns)
		RemoveStatistics(relation, (AttrNumber) lfirst_int(cell));
}

static char *
column_object(AlterTableStmt *alter, AlterTableCmd *command)
{
	return psprintf("column %s.%s", alter->relation->relname, command->name);
}

static bool
column_is_not_null(Oid relation, const char *name)
{
	HeapTuple tuple = SearchSysCacheAttName(relation, name);
	bool not_null;

	if (!HeapTupleIsValid(tuple))
		return false;
	not_null = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	return not_null;
}

/*
 * Gives a column the type that this release reads. The guard refuses such a change, because as
 * a rule it takes the type away that the code reads; here the old type is the wrong one.
 */
static void
alter_type(Step *step)
{
	int level = session_settings_begin();

	session_setting_set("coursebase.allow_drop", "on");
	utility_run(step->statement, step->ddl);
	session_settings_end(level);
}

/* A server built without lz4 keeps documents with its own method; lint() says so. */
static void
compression_fall_back(CreateStmt *table)
{
#ifndef USE_LZ4
	ListCell *cell;

	foreach (cell, table->tableElts)
		if (IsA(lfirst(cell), ColumnDef))
			lfirst_node(ColumnDef, cell)->compression = NULL;
#endif
}

/*
 * The slices write ON CONFLICT: a row that is there keeps the value that the user gave it.
 * Where another server writes the rows, they come from there: a row that is made here would be
 * in the way of that one, and the subscription would stop.
 */
static void
insert_rows(Step *step)
{
	InsertStmt *insert = castNode(InsertStmt, step->statement);

	if (replicated_here(RangeVarGetRelid(insert->relation, NoLock, false)))
		return;
	SPI_connect();
	plan_execute_once(step->ddl);
	SPI_finish();
}

static void
record_version(char *version)
{
	Datum values[] = {CStringGetTextDatum(version)};

	SPI_connect();
	plan_execute(&write_version, values, NULL, false);
	SPI_finish();
	/* sessions that remember the version look again */
	CacheInvalidateRelcacheByRelid(get_relname_relid("schema_version", owner_schema()));
}

static void
report_row(Report *report, const char *object, const char *action)
{
	Datum values[] = {CStringGetTextDatum(object), CStringGetTextDatum(action)};
	bool nulls[] = {false, false};

	tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
}
