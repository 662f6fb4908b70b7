/*
 * join.h: what is asked of a directory before a cell takes it over.
 */
#ifndef COURSEBASE_CELLS_JOIN_H
#define COURSEBASE_CELLS_JOIN_H

#include "postgres.h"

#include "cells/cell.h"

/*
 * Looks at home's directory as join_home() has just written it, and raises what is wrong with
 * it, which undoes the call. Needs SPI_connect(); overwrites SPI_tuptable.
 */
typedef void (*JoinCheck)(const Cell *here);

/* The slice of people sets it when the library is loaded, because it stands right of this one.
 */
extern void join_check_set(JoinCheck check);

#endif
