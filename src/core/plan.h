/*
 * plan.h: statements that a session prepares once and keeps.
 */
#ifndef COURSEBASE_CORE_PLAN_H
#define COURSEBASE_CORE_PLAN_H

#include "postgres.h"

#include "executor/spi.h"

#define PLAN_MAX_ARGS 24

/* A feature declares its statements as static KeptPlans; sql names every object with its
 * schema. */
typedef struct KeptPlan
{
	const char *sql;
	int nargs;
	Oid types[PLAN_MAX_ARGS];
	SPIPlanPtr plan; /* NULL until first used; kept until the session ends */
} KeptPlan;

/*
 * Runs a kept plan between SPI_connect() and SPI_finish(). nulls is NULL or one character an
 * argument
 * ('n' for null). A reading plan sees the caller's snapshot; a writing one (read_only false) a
 * new one. Returns SPI_processed; SPI_tuptable holds the rows until SPI_finish(). Errors are
 * the statement's own.
 */
extern uint64 plan_execute(KeptPlan *kept, Datum *values, const char *nulls, bool read_only);

/* The same, stopping after limit rows (0 for all). */
extern uint64 plan_execute_limit(KeptPlan *kept, Datum *values, const char *nulls,
								 bool read_only, long limit);

/*
 * The same with a snapshot of this moment at every isolation level, as the server's own foreign
 * keys read: for what is decided under a lock that an older snapshot knows nothing of. What it
 * writes fires triggers.
 */
extern uint64 plan_execute_latest(KeptPlan *kept, Datum *values, const char *nulls);

/*
 * A column of a row that the last plan gave. The datum points into SPI's memory, gone at
 * SPI_finish(). isnull is NULL for a column that holds no nulls: one that is there all the same
 * (a constraint of ours was dropped) raises 23502.
 */
extern Datum plan_value(uint64 row, int column, bool *isnull);

/*
 * The same copied into the caller's context (the one current before SPI_connect(); with
 * SPI_palloc); NULL for a null. What plan_text gives is the text of a text-like column.
 */
extern char *plan_text(uint64 row, int column);

/* plan_text() of a column that holds no nulls, as for plan_value(). */
extern char *plan_text_required(uint64 row, int column);

#endif
