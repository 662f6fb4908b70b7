/*
 * view.c: a view of ours, as it is and as a release makes it.
 *
 * The trees of two queries are hardly equal: a dump writes a view anew, with names and casts
 * that its author did not write. So the server writes out both, as it does for a dump, and
 * reads and writes what it wrote once more: a view may have come by a dump already.
 *
 * Invariant: nothing is analysed that could fail (replaced.c).
 *
 * Locks: AccessShareLock on what the view reads, until the transaction ends.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "core/owner.h"
#include "install/calls.h"
#include "install/view.h"

static bool reads_unknown(Node *node, void *known);
static Query *query_of(Node *raw, const char *sql);
static bool says_otherwise(Relation view, Query *shipped);
static char *written(Query *query);
static void name_as_the_first(Query *query);
static bool columns_stay(TupleDesc stored, Query *shipped);

ViewVerdict
view_compare(Oid view, ViewStmt *statement, const char *ddl, List *known)
{
	ViewVerdict verdict = VIEW_SAME;
	Relation relation;
	Query *shipped;

	if (!OidIsValid(view) || reads_unknown(statement->query, known) ||
		call_is_unsure(statement->query))
		return VIEW_UNSURE;
	relation = relation_open(view, AccessShareLock);
	if (relation->rd_rel->relkind != RELKIND_VIEW)
		verdict = VIEW_DROPS;
	else
	{
		shipped = query_of(statement->query, ddl);
		/* the query does not tell of a column that got another name */
		if (!columns_stay(RelationGetDescr(relation), shipped))
			verdict = VIEW_DROPS;
		else if (says_otherwise(relation, shipped))
			verdict = VIEW_DIFFERS;
	}
	relation_close(relation, NoLock);
	return verdict;
}

/* A name without a schema is that of a query before it (WITH). */
static bool
reads_unknown(Node *node, void *known)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeVar) && castNode(RangeVar, node)->schemaname != NULL &&
		!list_member_oid(known, RangeVarGetRelid(castNode(RangeVar, node), NoLock, true)))
		return true;
	return raw_expression_tree_walker(node, reads_unknown, known);
}

static Query *
query_of(Node *raw, const char *sql)
{
	RawStmt *statement = makeNode(RawStmt);

	statement->stmt = copyObject(raw);
	return parse_analyze_fixedparams(statement, sql, NULL, 0, NULL);
}

static bool
says_otherwise(Relation view, Query *shipped)
{
	char *stored = written(get_view_query(view));
	char *ours = written(shipped);

	return stored != NULL && strcmp(stored, ours) != 0;
}

/*
 * The query as a dump of a dump has it: the second writing leaves out what the first one added.
 * NULL where the text calls what could fail. A copy, for writing a query out changes it.
 */
static char *
written(Query *query)
{
	Query *copy = copyObject(query);
	char *text;
	Node *again;

	name_as_the_first(copy);
	text = pg_get_querydef(copy, false);
	again = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
	return call_is_unsure(again) ? NULL : pg_get_querydef(query_of(again, text), false);
}

/* Gives the columns of each part of a UNION the names of the view's, as a dump does: they mean
 * nothing there. */
static void
name_as_the_first(Query *query)
{
	ListCell *cell;

	if (query->setOperations == NULL)
		return;
	foreach (cell, query->rtable)
	{
		RangeTblEntry *part = lfirst_node(RangeTblEntry, cell);
		ListCell *column;
		ListCell *name;

		if (part->rtekind != RTE_SUBQUERY)
			continue;
		forboth (column, part->subquery->targetList, name, query->targetList)
			lfirst_node(TargetEntry, column)->resname = lfirst_node(TargetEntry, name)->resname;
	}
}

/* Whether each column that is there has its name and type in the query: others can be added,
 * and none of these be changed. */
static bool
columns_stay(TupleDesc stored, Query *shipped)
{
	int count = 0;
	ListCell *cell;

	foreach (cell, shipped->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		Form_pg_attribute column;

		if (entry->resjunk || count == stored->natts)
			continue;
		column = TupleDescAttr(stored, count++);
		if (strcmp(NameStr(column->attname), entry->resname) != 0 ||
			column->atttypid != exprType((Node *) entry->expr))
			return false;
	}
	return count == stored->natts;
}

/* ALTER TABLE renames whatever has columns or pages, but for a type. */
char *
view_removal(Oid view, const char *name)
{
	char kind = get_rel_relkind(view);

	if (kind == RELKIND_VIEW)
		return psprintf("DROP VIEW coursebase.%s", quote_identifier(name));
	return psprintf("ALTER %s coursebase.%s RENAME TO %s",
					kind == RELKIND_COMPOSITE_TYPE ? "TYPE" : "TABLE", quote_identifier(name),
					quote_identifier(psprintf("%s_own", name)));
}
