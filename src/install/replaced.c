/*
 * replaced.c: what has the name of one of ours and says something else.
 *
 * Somebody may drop a policy, a CHECK, a key, a trigger or a view and make another one of its
 * name; to whoever looks for names all is there. No copy of what was installed is kept: each
 * step is analysed as the server analyses the statement, and the tree is held against the one
 * in the catalogue. So the answer holds on each server, after a dump and after an upgrade.
 *
 * Invariant: nothing is analysed that could fail. Where a column of a table or a value of an
 * enum is missing, or has another type, nothing is said of that table: lint() tells of that.
 * Nor of what calls a function of which somebody made another one of the same name.
 *
 * Locks: AccessShareLock on each table for the length of the comparison. Rights: none are
 * asked.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tupdesc.h"
#include "catalog/namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_clause.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_func.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/owner.h"
#include "install/calls.h"
#include "install/key.h"
#include "install/steps.h"
#include "install/view.h"

/* The table that is compared, and who is told. */
typedef struct Comparison
{
	ReturnSetInfo *report;
	Relation table;
} Comparison;

static bool is_compared(const char *object);
static bool enums_are_whole(List *steps);
static bool enum_is_whole(CreateEnumStmt *type);
static List *whole_tables(List *steps);
static bool table_is_whole(Oid relation, CreateStmt *table);
static void step_compare(ReturnSetInfo *report, Step *step, List *tables);
static List *view_compare_step(ReturnSetInfo *report, Step *step, List *known);
static RangeVar *step_relation(Node *statement);
static void constraints_compare(Comparison *comparison, CreateStmt *table);
static bool check_differs(Relation table, Constraint *check);
static char *check_stored(Relation table, const char *name);
static bool policy_differs(Relation table, CreatePolicyStmt *policy);
static char policy_command(const char *name);
static bool policy_is_public(const ArrayType *roles);
static bool trigger_differs(Relation table, CreateTrigStmt *trigger);
static const Trigger *trigger_stored(Relation table, const char *name);
static bool trigger_fires_otherwise(Relation table, CreateTrigStmt *trigger,
									const Trigger *stored);
static bool names_differ(const char *stored, const char *shipped);
static Node *condition_of(Relation table, Node *raw, ParseExprKind kind);
static ParseState *table_scope(Relation table, const char *alias, ParseState *scope);
static bool condition_differs(Relation table, Node *stored, Node *raw, ParseExprKind kind);
static bool tree_differs(Node *stored, Node *shipped);
static Node *flat(Node *node, void *context);
static const char *trigger_removal(Relation table, CreateTrigStmt *trigger);
static void tell(ReturnSetInfo *report, const char *object, const char *removal);

PG_FUNCTION_INFO_V1(coursebase_replaced_objects);

/* SQL function: replaced_objects() returns table (object text, removal text) */
PGDLLEXPORT Datum
coursebase_replaced_objects(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	List *steps;
	List *tables;
	ListCell *cell;

	compat_materialize(fcinfo);
	steps = steps_read(NULL, is_compared);
	if (!enums_are_whole(steps))
		return (Datum) 0;
	tables = whole_tables(steps);
	foreach (cell, steps)
	{
		CHECK_FOR_INTERRUPTS();
		if (IsA(((Step *) lfirst(cell))->statement, ViewStmt))
			tables = view_compare_step(report, lfirst(cell), tables);
		else
			step_compare(report, lfirst(cell), tables);
	}
	return (Datum) 0;
}

/* Most steps are comments, which need not be parsed. */
static bool
is_compared(const char *object)
{
	return steps_is_table(object) || steps_is_type(object) ||
		   strncmp(object, "view ", 5) == 0 || strncmp(object, "policy ", 7) == 0 ||
		   strncmp(object, "trigger ", 8) == 0;
}

static bool
enums_are_whole(List *steps)
{
	ListCell *cell;

	foreach (cell, steps)
	{
		Node *statement = ((Step *) lfirst(cell))->statement;

		if (IsA(statement, CreateEnumStmt) &&
			!enum_is_whole(castNode(CreateEnumStmt, statement)))
			return false;
	}
	return true;
}

static bool
enum_is_whole(CreateEnumStmt *type)
{
	Oid oid = LookupTypeNameOid(NULL, makeTypeNameFromNameList(type->typeName), true);
	ListCell *cell;

	if (!OidIsValid(oid))
		return false;
	foreach (cell, type->vals)
		if (!SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(oid),
								   CStringGetDatum(strVal(lfirst(cell)))))
			return false;
	return true;
}

/* The tables, as oids, of which every column is there with its type. */
static List *
whole_tables(List *steps)
{
	List *tables = NIL;
	ListCell *cell;

	foreach (cell, steps)
	{
		Node *statement = ((Step *) lfirst(cell))->statement;
		Oid relation;

		if (!IsA(statement, CreateStmt))
			continue;
		relation = RangeVarGetRelid(castNode(CreateStmt, statement)->relation, NoLock, true);
		if (OidIsValid(relation) && table_is_whole(relation, castNode(CreateStmt, statement)))
			tables = lappend_oid(tables, relation);
	}
	return tables;
}

static bool
table_is_whole(Oid relation, CreateStmt *table)
{
	ListCell *cell;

	foreach (cell, table->tableElts)
	{
		ColumnDef *column = lfirst(cell);
		AttrNumber number;

		if (!IsA(column, ColumnDef))
			continue;
		number = get_attnum(relation, column->colname);
		if (number == InvalidAttrNumber ||
			get_atttype(relation, number) != LookupTypeNameOid(NULL, column->typeName, true))
			return false;
	}
	return true;
}

/* What is missing is nothing that somebody replaced: lint() tells of it by itself. */
static void
step_compare(ReturnSetInfo *report, Step *step, List *tables)
{
	RangeVar *name = step_relation(step->statement);
	Comparison comparison = {.report = report};
	bool differs = false;
	Oid relation;

	if (name == NULL)
		return;
	relation = RangeVarGetRelid(name, AccessShareLock, true);
	if (!list_member_oid(tables, relation))
		return;
	comparison.table = table_open(relation, NoLock);
	if (IsA(step->statement, CreateStmt))
		constraints_compare(&comparison, castNode(CreateStmt, step->statement));
	else if (IsA(step->statement, CreatePolicyStmt))
		differs = policy_differs(comparison.table, castNode(CreatePolicyStmt, step->statement));
	else
		differs = trigger_differs(comparison.table, castNode(CreateTrigStmt, step->statement));
	if (differs)
		tell(report, step->object,
			 IsA(step->statement, CreateTrigStmt)
				 ? trigger_removal(comparison.table, castNode(CreateTrigStmt, step->statement))
				 : NULL);
	table_close(comparison.table, AccessShareLock);
}

/* The table that a step of the three kinds is of; NULL for any other. */
static RangeVar *
step_relation(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			return castNode(CreateStmt, statement)->relation;
		case T_CreatePolicyStmt:
			return castNode(CreatePolicyStmt, statement)->table;
		case T_CreateTrigStmt:
			return castNode(CreateTrigStmt, statement)->relation;
		default:
			return NULL;
	}
}

/* Answers what is known to be as a release makes it, with the view where it is: others may read
 * it. */
static List *
view_compare_step(ReturnSetInfo *report, Step *step, List *known)
{
	ViewStmt *view = castNode(ViewStmt, step->statement);
	Oid oid = RangeVarGetRelid(view->view, AccessShareLock, true);

	switch (view_compare(oid, view, step->ddl, known))
	{
		case VIEW_SAME:
			return lappend_oid(known, oid);
		case VIEW_UNSURE:
			break;
		case VIEW_DIFFERS:
			tell(report, step->object, NULL);
			break;
		case VIEW_DROPS:
			tell(report, step->object, view_removal(oid, view->view->relname));
	}
	return known;
}

static void
constraints_compare(Comparison *comparison, CreateStmt *table)
{
	const char *name = RelationGetRelationName(comparison->table);
	ListCell *cell;

	foreach (cell, table->tableElts)
	{
		Constraint *constraint = lfirst(cell);

		if (IsA(constraint, Constraint) &&
			(key_differs(RelationGetRelid(comparison->table), constraint) ||
			 check_differs(comparison->table, constraint)))
			tell(comparison->report, psprintf("constraint %s on %s", constraint->conname, name),
				 key_removal(name, constraint));
	}
}

static bool
check_differs(Relation table, Constraint *check)
{
	char *stored = check->contype == CONSTR_CHECK ? check_stored(table, check->conname) : NULL;

	return stored != NULL && condition_differs(table, stringToNode(stored), check->raw_expr,
											   EXPR_KIND_CHECK_CONSTRAINT);
}

/* The expression of a CHECK as the catalogue has it; NULL for none of the name. A copy: ALTER
 * TABLE ... VALIDATE CONSTRAINT in another session makes the server's description of the table
 * anew, and needs no lock that ours would keep away. */
static char *
check_stored(Relation table, const char *name)
{
	TupleConstr *constraints = RelationGetDescr(table)->constr;

	for (int i = 0; constraints != NULL && i < constraints->num_check; i++)
		if (strcmp(constraints->check[i].ccname, name) == 0)
			return pstrdup(constraints->check[i].ccbin);
	return NULL;
}

/* False while row security is off, for then the server has no policies at hand. They are read
 * in place: who changes one needs the whole table, and waits for our lock. */
static bool
policy_differs(Relation table, CreatePolicyStmt *policy)
{
	ListCell *cell;

	if (table->rd_rsdesc == NULL)
		return false;
	foreach (cell, table->rd_rsdesc->policies)
	{
		RowSecurityPolicy *stored = lfirst(cell);

		if (strcmp(stored->policy_name, policy->policy_name) != 0)
			continue;
		return stored->polcmd != policy_command(policy->cmd_name) ||
			   stored->permissive != policy->permissive || !policy_is_public(stored->roles) ||
			   condition_differs(table, (Node *) stored->qual, policy->qual,
								 EXPR_KIND_POLICY) ||
			   condition_differs(table, (Node *) stored->with_check_qual, policy->with_check,
								 EXPR_KIND_POLICY);
	}
	return false;
}

/* As pg_policy has the word of CREATE POLICY. */
static char
policy_command(const char *name)
{
	if (strcmp(name, "select") == 0)
		return ACL_SELECT_CHR;
	if (strcmp(name, "insert") == 0)
		return ACL_INSERT_CHR;
	if (strcmp(name, "update") == 0)
		return ACL_UPDATE_CHR;
	if (strcmp(name, "delete") == 0)
		return ACL_DELETE_CHR;
	return '*';
}

/* Every policy of ours is for everybody. */
static bool
policy_is_public(const ArrayType *roles)
{
	return ARR_DIMS(roles)[0] == 1 && *(const Oid *) ARR_DATA_PTR(roles) == ACL_ID_PUBLIC;
}

static bool
trigger_differs(Relation table, CreateTrigStmt *trigger)
{
	const Trigger *stored = trigger_stored(table, trigger->trigname);

	return stored != NULL &&
		   (trigger_fires_otherwise(table, trigger, stored) ||
			condition_differs(table,
							  stored->tgqual != NULL ? stringToNode(stored->tgqual) : NULL,
							  trigger->whenClause, EXPR_KIND_TRIGGER_WHEN));
}

/* The trigger as the server has it; NULL for none of the name. A copy: another session may make
 * a trigger beside our lock, and the server its list anew while a function is looked up. */
static const Trigger *
trigger_stored(Relation table, const char *name)
{
	const TriggerDesc *triggers = CopyTriggerDesc(table->trigdesc);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (strcmp(triggers->triggers[i].tgname, name) == 0)
			return &triggers->triggers[i];
	return NULL;
}

/* Another function, with other arguments, at another time (as that of a constraint trigger may
 * be), for other statements or columns, or without its transition tables. */
static bool
trigger_fires_otherwise(Relation table, CreateTrigStmt *trigger, const Trigger *stored)
{
	int16 type = trigger->timing | trigger->events | (trigger->row ? TRIGGER_TYPE_ROW : 0);
	const char *was = NULL;
	const char *is = NULL;
	ListCell *cell;
	int i = 0;

	if (stored->tgtype != type || OidIsValid(stored->tgconstraint) != trigger->isconstraint ||
		stored->tgdeferrable != trigger->deferrable ||
		stored->tginitdeferred != trigger->initdeferred ||
		stored->tgfoid != LookupFuncName(trigger->funcname, 0, NULL, true) ||
		stored->tgnargs != list_length(trigger->args) ||
		stored->tgnattr != list_length(trigger->columns))
		return true;
	foreach (cell, trigger->args)
		if (strcmp(stored->tgargs[i++], strVal(lfirst(cell))) != 0)
			return true;
	i = 0;
	foreach (cell, trigger->columns)
		if (stored->tgattr[i++] != get_attnum(RelationGetRelid(table), strVal(lfirst(cell))))
			return true;
	foreach (cell, trigger->transitionRels)
	{
		TriggerTransition *transition = lfirst_node(TriggerTransition, cell);

		if (transition->isNew)
			is = transition->name;
		else
			was = transition->name;
	}
	return names_differ(stored->tgoldtable, was) || names_differ(stored->tgnewtable, is);
}

static bool
names_differ(const char *stored, const char *shipped)
{
	if (stored == NULL || shipped == NULL)
		return stored != shipped;
	return strcmp(stored, shipped) != 0;
}

static bool
condition_differs(Relation table, Node *stored, Node *raw, ParseExprKind kind)
{
	return !call_is_unsure(raw) && tree_differs(stored, condition_of(table, raw, kind));
}

/* What the statement says, analysed as the server does it; NULL for nothing. */
static Node *
condition_of(Relation table, Node *raw, ParseExprKind kind)
{
	ParseState *scope;
	Node *condition;

	if (raw == NULL)
		return NULL;
	/* the order of the two is that of CREATE TRIGGER */
	if (kind == EXPR_KIND_TRIGGER_WHEN)
		scope = table_scope(table, "new", table_scope(table, "old", NULL));
	else
		scope = table_scope(table, NULL, NULL);
	condition = transformWhereClause(scope, copyObject(raw), kind, "");
	assign_expr_collations(scope, condition);
	return condition;
}

/* Adds the table to what an expression may name; by its alias alone, if there is one. */
static ParseState *
table_scope(Relation table, const char *alias, ParseState *scope)
{
	if (scope == NULL)
		scope = make_parsestate(NULL);
	addNSItemToQuery(scope,
					 addRangeTableEntryForRelation(scope, table, AccessShareLock,
												   alias != NULL ? makeAlias(alias, NIL) : NULL,
												   false, false),
					 false, true, true);
	return scope;
}

/* equal() overlooks where something stood and how a cast was written; a dump, which writes the
 * text anew, may also nest AND and OR otherwise. */
static bool
tree_differs(Node *stored, Node *shipped)
{
	return !equal(flat(stored, NULL), flat(shipped, NULL));
}

static Node *
flat(Node *node, void *context)
{
	BoolExpr *expression;
	List *members = NIL;
	ListCell *cell;

	if (node == NULL)
		return NULL;
	if (!IsA(node, BoolExpr))
		return expression_tree_mutator(node, flat, context);
	expression = (BoolExpr *) expression_tree_mutator(node, flat, context);
	foreach (cell, expression->args)
	{
		BoolExpr *member = lfirst(cell);

		if (expression->boolop != NOT_EXPR && IsA(member, BoolExpr) &&
			member->boolop == expression->boolop)
			members = list_concat(members, member->args);
		else
			members = lappend(members, member);
	}
	expression->args = members;
	return (Node *) expression;
}

/* CREATE OR REPLACE knows no constraint triggers, and takes the place of none. */
static const char *
trigger_removal(Relation table, CreateTrigStmt *trigger)
{
	const Trigger *stored = trigger_stored(table, trigger->trigname);

	if (!trigger->isconstraint && !OidIsValid(stored->tgconstraint))
		return NULL;
	return psprintf("DROP TRIGGER %s ON coursebase.%s", quote_identifier(trigger->trigname),
					quote_identifier(trigger->relation->relname));
}

static void
tell(ReturnSetInfo *report, const char *object, const char *removal)
{
	Datum values[] = {CStringGetTextDatum(object),
					  removal != NULL ? CStringGetTextDatum(removal) : (Datum) 0};
	bool nulls[] = {false, removal == NULL};

	tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
}
