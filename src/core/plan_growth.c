/*
 * plan_growth.c: plans that are kept expect tables that grow.
 *
 * A plan that is made while a table is nearly empty reads all of it for each row that it looks
 * for, and the session keeps that plan until ANALYZE of the table is committed: never in a
 * transaction that fills the table. The server therefore takes a table that was never vacuumed
 * for one of ten pages (estimate_rel_size() in plancat.c). For the statements that plan.h
 * keeps, every table of coursebase counts as PAGES_LEAST pages at the least, so that the
 * planner chooses their indexes from the first row on. Statements of others are planned as
 * ever.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/namespace.h"
#include "nodes/pathnodes.h"
#include "optimizer/plancat.h"
#include "storage/bufpage.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/plan.h"
#include "core/plan_growth.h"

/* The server's ten leave a join over a table of ten pages that reads all of it
 * (regress/plans_growth). */
#define PAGES_LEAST 40

static compat_relation_hook_type previous_hook = NULL;

static void on_relation(COMPAT_RELATION_HOOK_ARGS);
static void expect_growth(RelOptInfo *rel, Oid table);

void
plan_growth_init(void)
{
	previous_hook = compat_relation_hook;
	compat_relation_hook = on_relation;
}

/* Runs once for each table of a statement that is planned, when its size has been read. */
static void
on_relation(COMPAT_RELATION_HOOK_ARGS)
{
	Oid table = COMPAT_RELATION_HOOK_TABLE;

	if (previous_hook)
		previous_hook(COMPAT_RELATION_HOOK_CALL);
	if (OidIsValid(table) && rel->pages < PAGES_LEAST && plan_is_running() &&
		get_rel_namespace(table) == get_namespace_oid("coursebase", true))
		expect_growth(rel, table);
}

/*
 * Rows stand as densely as those that are there; where there are none, as their columns are
 * wide, of which the server has worked out the average.
 */
static void
expect_growth(RelOptInfo *rel, Oid table)
{
	double before = rel->tuples;
	ListCell *cell;

	if (rel->pages > 0 && rel->tuples > 0)
		rel->tuples = rel->tuples * PAGES_LEAST / rel->pages;
	else
		rel->tuples = floor(PAGES_LEAST * (double) (BLCKSZ - SizeOfPageHeaderData) /
							(MAXALIGN(get_relation_data_width(table, rel->attr_widths)) +
							 MAXALIGN(SizeofHeapTupleHeader) + sizeof(ItemIdData)));
	rel->pages = PAGES_LEAST;
	foreach (cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, cell);

		/* a partial index keeps its share */
		if (index->indpred == NIL || before <= 0)
			index->tuples = rel->tuples;
		else
			index->tuples *= rel->tuples / before;
	}
}
