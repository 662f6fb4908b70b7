/*
 * row_kept.h: the error for a row that a function wrote and that is not there afterwards.
 */
#ifndef COURSEBASE_CORE_ROW_KEPT_H
#define COURSEBASE_CORE_ROW_KEPT_H

#include "postgres.h"

#include "core/compat.h"

/*
 * Raises 40001 in a transaction that keeps its snapshot (REPEATABLE READ, SERIALIZABLE): a
 * newer snapshot may see the row, so that whoever repeats the transaction gets on. At READ
 * COMMITTED every statement has seen what is committed, and a client that repeats 40001 by
 * itself, as gateways do, would do so for ever: there it raises KB006, whose DETAIL names the
 * triggers before a change that somebody added to the table. Whoever calls keeps all memory;
 * the error holds none of it.
 *
 * table: in schema coursebase; NULL where it is not known. message: what was not done.
 */
pg_noreturn extern void row_kept_raise(const char *table, const char *message);

#endif
