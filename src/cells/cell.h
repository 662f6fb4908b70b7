/*
 * cell.h: which of several servers this one is.
 */
#ifndef COURSEBASE_CELLS_CELL_H
#define COURSEBASE_CELLS_CELL_H

#include "postgres.h"

#include "core/compat.h"
#include "core/plan.h"

/* The row of this_cell. */
typedef struct Cell
{
	int32 number;
	int32 count;
	int32 home;
} Cell;

/*
 * Which cell this server is; false where it is the only server, and *cell is not written. One
 * read of an index (core/rows.h) with the active snapshot: to be asked where something is
 * written or was not found, not for every row. Needs no right of the caller and no SPI; without
 * tables there is one server.
 */
extern bool cell_here(Cell *cell);

/*
 * Binds the numbers of this cell and of home, as integer parameters: NULL and NULL where there
 * is one server.
 */
extern void cell_bind(PlanValues *values);

/* Raises KBC04: the call, named as its caller knows it, belongs on home. */
pg_noreturn extern void cell_raise_not_home(const Cell *cell, const char *call);

/*
 * Which cell this is, for a call that belongs on home, named as its caller knows it: raises
 * KBC04 where this server is another cell, or the only server.
 */
extern void cell_require_home(Cell *here, const char *call);

#endif
