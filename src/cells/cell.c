/*
 * cell.c: which of several servers this one is.
 *
 * Invariants: this_cell has one row or none. Where it has none, this is the only server, and
 * everything is as if there were no cells. The row is the server's own and never replicated.
 *
 * No lock is taken. Rights: set_cell() writes with the caller's rights, which only the owner of
 * the tables has; the row is read past row security, because everybody's answers depend on it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/snapmgr.h"

#include "cells/cell.h"
#include "core/args.h"
#include "core/errors.h"
#include "core/plan.h"
#include "core/rows.h"
#include "core/schema.h"

/* Arguments of set_cell(). */
enum
{
	SET_NUMBER,
	SET_COUNT,
	SET_HOME,
};

/* The columns of this_cell_row. */
enum
{
	COLUMN_NUMBER,
	COLUMN_COUNT,
	COLUMN_HOME,
	COLUMNS,
};

#define MAX_CELLS 1024 /* as the table's constraint says */

/*
 * optional: while the tables are missing (before install(), in a restore) this server counts as
 * the only one
 */
static RowsSource this_cell_row = {
	.table = "this_cell",
	.index = "this_cell_pkey",
	.nkeys = 1,
	.keys = {{"singleton", BOOLOID}},
	.ncolumns = COLUMNS,
	.columns = {{"number", INT4OID}, {"count", INT4OID}, {"home", INT4OID}},
	.optional = true,
};

static KeptPlan write_cell = {
	.sql = "INSERT INTO coursebase.this_cell (number, count, home) VALUES ($1, $2, $3)"
		   " ON CONFLICT (singleton) DO UPDATE SET number = excluded.number,"
		   " count = excluded.count, home = excluded.home",
	.nargs = 3,
	.types = {INT4OID, INT4OID, INT4OID},
};
static KeptPlan delete_cell = {.sql = "DELETE FROM coursebase.this_cell"};

static void number_check(FunctionCallInfo fcinfo);

PG_FUNCTION_INFO_V1(coursebase_set_cell);

/*
 * SQL function: set_cell(number integer, count integer, home integer) returns void
 *
 * NULL as the number deletes the row: the server is the only one again. On home a trigger of
 * this_cell (identity/placed.c) then enters everybody who has an account into the directory.
 */
PGDLLEXPORT Datum
coursebase_set_cell(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};

	schema_require_current();
	if (!PG_ARGISNULL(SET_NUMBER))
		number_check(fcinfo);
	SPI_connect();
	if (PG_ARGISNULL(SET_NUMBER))
		plan_execute(&delete_cell, NULL, NULL, false);
	else
	{
		for (int i = SET_NUMBER; i <= SET_HOME; i++)
			args_bind(&values, fcinfo, i);
		plan_execute(&write_cell, values.datums, values.nulls, false);
	}
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * Reads by the primary key, on which every server answers without a statement: this question is
 * asked wherever somebody is not found. Outside of a query no snapshot is active; rows_open()
 * then takes a new one.
 */
bool
cell_here(Cell *cell)
{
	Datum key = BoolGetDatum(true);
	bool found;
	Rows rows;

	rows_open(&rows, &this_cell_row, ActiveSnapshotSet() ? GetActiveSnapshot() : NULL);
	rows_find(&rows, &key);
	found = rows_next(&rows);
	if (found)
	{
		cell->number = DatumGetInt32(rows_value(&rows, COLUMN_NUMBER));
		cell->count = DatumGetInt32(rows_value(&rows, COLUMN_COUNT));
		cell->home = DatumGetInt32(rows_value(&rows, COLUMN_HOME));
	}
	rows_close(&rows);
	return found;
}

/*
 * Two nulls where this server is the only one: a statement then compares with nothing, and
 * finds no other cell.
 */
void
cell_bind(PlanValues *values)
{
	Cell here = {0};
	bool cells = cell_here(&here);

	plan_bind_nullable(values, Int32GetDatum(here.number), !cells);
	plan_bind_nullable(values, Int32GetDatum(here.home), !cells);
}

void
cell_raise_not_home(const Cell *cell, const char *call)
{
	ereport(ERROR, (errcode(ERRCODE_CB_HOME_ONLY), errmsg("%s belongs on home", call),
					errdetail("This is cell %d; home is cell %d.", cell->number, cell->home),
					errhint("Send the call to cell %d.", cell->home)));
}

void
cell_require_home(Cell *here, const char *call)
{
	if (!cell_here(here))
		ereport(ERROR, (errcode(ERRCODE_CB_HOME_ONLY), errmsg("%s belongs on home", call),
						errdetail("This server is the only one: it has no directory."),
						errhint("Leave the call out, or call coursebase.set_cell() first.")));
	if (here->number != here->home)
		cell_raise_not_home(here, call);
}

/* Raises 22023 for a number that no cell has. */
static void
number_check(FunctionCallInfo fcinfo)
{
	int32 count;
	int32 number = PG_GETARG_INT32(SET_NUMBER);
	int32 home;

	args_require_all(fcinfo);
	count = PG_GETARG_INT32(SET_COUNT);
	home = PG_GETARG_INT32(SET_HOME);
	if (count < 1 || count > MAX_CELLS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there are no %d cells", count),
						errdetail("There are from 1 to %d.", MAX_CELLS),
						errhint("Give the number of cells, home included.")));
	if (number < 0 || number >= count || home < 0 || home >= count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no cell %d", number < 0 || number >= count ? number : home),
				 errdetail("Cells are numbered from 0 to %d.", count - 1),
				 errhint("Give the number of this cell and that of home.")));
}
