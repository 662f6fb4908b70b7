/*
 * of_home.c: triggers that keep the catalogue one catalogue.
 *
 * Invariants: in a cell that has joined home, only the subscription writes tables of the
 * catalogue. A row that somebody else wrote would be in no other cell, and the next change from
 * home could meet it and stop the subscription. On home no row is deleted to which rows of
 * people may point: people of other cells are not seen here, and their foreign keys are checked
 * in their own cells only.
 *
 * No lock. Rights: none are needed, this_cell is read past row security. The rows that the
 * subscription brings fire neither trigger, because the server applies them with
 * session_replication_role = replica.
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
 * Before each statement, so that one that finds no row is refused as well: a cell learns at
 * once that it writes in the wrong place. TRUNCATE is refused on home too: it deletes without
 * firing the trigger of rows (tg_any__keep_for_cells), and would take rows that must stay.
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

/*
 * SQL function: tg_any__keep_for_cells() returns trigger
 *
 * Before a row is deleted, or changed in a column that other rows point to; the trigger's
 * definition says which.
 */
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

/*
 * A home with no cell beside it may still delete: all people are its own, and its foreign keys
 * see them.
 */
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
