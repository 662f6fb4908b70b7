/*
 * column.h: a column has the type that the code reads it as.
 */
#ifndef COURSEBASE_CORE_COLUMN_H
#define COURSEBASE_CORE_COLUMN_H

#include "postgres.h"

#include "access/tupdesc.h"

#include "core/compat.h"

/* Raises KB001, naming the column and both types. */
pg_noreturn extern void column_raise_type(TupleDesc columns, int column, Oid type);

/*
 * Raises KB001 where the column (its number, from 1) has another type than the code reads it
 * as: its value would be taken for one of that type. Every reader of a Datum calls it first. It
 * compares what the description holds, so that it costs a comparison and no look-up.
 */
static inline void
column_require_type(TupleDesc columns, int column, Oid type)
{
	if (unlikely(TupleDescAttr(columns, column - 1)->atttypid != type))
		column_raise_type(columns, column, type);
}

#endif
