/*
 * of_home.c: triggers that keep the catalogue one catalogue.
 *
 * Invariants: in a cell that has joined home nobody but the subscription writes a table of the
 * catalogue: what somebody else wrote would be in no other cell, and in the way of the next
 * change. On home no row goes to which rows of people point, because those of other cells are
 * not seen here, and the key that would keep the row is not checked there.
 *
 * No lock. Rights: none are needed, this_cell is read past row security. Rows that the
 * subscription brings fire neither trigger.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "cells/cell.h"
#include "core/errors.h"
#include "core/replicated.h"
#include "core/row_trigger.h"

static bool other_cells(Cell *here);
pg_noreturn static void raise_kept(TriggerData *data, const Cell *here);

PG_FUNCTION_INFO_V1(coursebase_tg_any__of_home);
PG_FUNCTION_INFO_V1(coursebase_tg_any__keep_for_cells);

/*
 * SQL function: tg_any__of_home() returns trigger
 *
 * TRUNCATE tells no cell which rows went, and would take more than a deletion may.
 */
PGDLLEXPORT Datum
coursebase_tg_any__of_home(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_before_statement(fcinfo, "tg_any__of_home");
	Cell here;

	if (replicated_without_versions(RelationGetRelid(data->tg_relation)))
		ereport(ERROR, (errcode(ERRCODE_CB_OF_HOME),
						errmsg("table \"%s\" comes from home",
							   RelationGetRelationName(data->tg_relation)),
						errdetail("A subscription brings its rows, the same in every cell."),
						errhint("Change it on home.")));
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) && other_cells(&here))
		raise_kept(data, &here);
	return PointerGetDatum(NULL);
}

/* SQL function: tg_any__keep_for_cells() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_any__keep_for_cells(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__keep_for_cells", ROW_BEFORE_CHANGE);
	Cell here;

	if (other_cells(&here))
		raise_kept(data, &here);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple
																   : data->tg_trigtuple);
}

static bool
other_cells(Cell *here)
{
	return cell_here(here) && here->count > 1;
}

static void
raise_kept(TriggerData *data, const Cell *here)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_KEPT_FOR_CELLS),
			 errmsg("rows of table \"%s\" are kept for the other cells",
					RelationGetRelationName(data->tg_relation)),
			 errdetail("There are %d cells, and rows of people in each may point to it.",
					   here->count),
			 errhint("Retire it instead: make it private or inactive, or take it out of what "
					 "is sold.")));
}
