/*
 * plan.h: statements that a session prepares once and keeps.
 */
#ifndef COURSEBASE_CORE_PLAN_H
#define COURSEBASE_CORE_PLAN_H

#include "postgres.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/compat.h"

#define PLAN_MAX_ARGS 24

/* A feature declares its statements as static KeptPlans; sql names every object with its
 * schema. One plan serves all values: a condition that holds for some of them alone ($1 IS NULL
 * OR …) finds no index by the others. */
typedef struct KeptPlan
{
	const char *sql;
	int nargs;
	Oid types[PLAN_MAX_ARGS];
	bool custom;     /* planned at each call, for its values, as plan.c says */
	SPIPlanPtr plan; /* NULL until first used; kept until the session ends */
} KeptPlan;

/*
 * The values that a plan is run with, bound one after the other in the order of $1, $2, …:
 *
 *	PlanValues values = {0};
 *
 *	plan_bind_uuid(&values, user);
 *	plan_bind_text(&values, note);
 *	plan_execute(&write_note, values.datums, values.nulls, false);
 *
 * What is bound by reference must live until the plan has run.
 */
typedef struct PlanValues
{
	int count;
	Datum datums[PLAN_MAX_ARGS];
	char nulls[PLAN_MAX_ARGS]; /* 'n' for null, as SPI reads it */
} PlanValues;

/*
 * Runs a kept plan between SPI_connect() and SPI_finish(). nulls is NULL or one character an
 * argument ('n' for null). A reading plan sees the caller's snapshot; a writing one (read_only
 * false) a new one. Returns SPI_processed; SPI_tuptable holds the rows until SPI_finish().
 * Errors are the statement's own.
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
 * Runs one statement whose text is made where it is used (names of the catalogue, DDL), so that
 * a kept plan would be used once. It sees what was done before it. Returns SPI_processed; else
 * as plan_execute().
 */
extern uint64 plan_execute_once(const char *sql);

/* Whether a kept plan runs: it, and what it fires, is what is planned now. Raises nothing. */
extern bool plan_is_running(void);

/*
 * A column of a row that the last plan gave. The datum points into SPI's memory, gone at
 * SPI_finish(). isnull is NULL for a column that holds no nulls: one that is there all the same
 * (a constraint of ours was dropped) raises 23502. type is what the caller reads it as: a
 * column of another type raises KB001. It is in the result's description: nothing is looked up.
 * A row that the plan did not give raises KB006, or 40001, as row_kept.h says.
 */
extern Datum plan_value_as(uint64 row, int column, Oid type, bool *isnull);

/*
 * The rows of the last statement become the answer of the function that was called, whose
 * columns they have; the caller has made its result (compat_materialize()). Raises KB001 where
 * a column has another type, and ends for a cancel between two rows.
 */
extern void plan_rows_return(FunctionCallInfo fcinfo, uint64 rows);

/*
 * The same copied into the caller's context (the one current before SPI_connect(); with
 * SPI_palloc); NULL for a null. What plan_text gives is the text of a text-like column.
 */
extern char *plan_text(uint64 row, int column);

/* plan_text() of a column that holds no nulls, as for plan_value_as(). */
extern char *plan_text_required(uint64 row, int column);

/*
 * The place of a column's text among the words that are known for it; raises 23502 for a null
 * and 23514 for another word, which only a row has that was written without our CHECK, or by a
 * later release.
 */
extern int plan_word(uint64 row, int column, const char *const *words, int count);

/* Raises 23502 for a null in a column that holds none, 23514 for a word that is not known. */
pg_noreturn extern void plan_raise_null(const char *column);
pg_noreturn extern void plan_raise_word(const char *column, const char *word);

/*
 * The value copied into the caller's context, for a type of any length; raises 23502 for a
 * null and KB001 for another type, as plan_value_as() does.
 */
extern Datum plan_transfer_as(uint64 row, int column, Oid type);

/* Copies the uuid and says that there is one; a null leaves all zeros. */
extern bool plan_uuid_or_null(uint64 row, int column, pg_uuid_t *id);

/* Values of columns that hold no nulls: a null raises 23502, as in plan_value_as(). */
static inline bool
plan_bool(uint64 row, int column)
{
	return DatumGetBool(plan_value_as(row, column, BOOLOID, NULL));
}

static inline int32
plan_int32(uint64 row, int column)
{
	return DatumGetInt32(plan_value_as(row, column, INT4OID, NULL));
}

static inline int64
plan_int64(uint64 row, int column)
{
	return DatumGetInt64(plan_value_as(row, column, INT8OID, NULL));
}

static inline TimestampTz
plan_time(uint64 row, int column)
{
	return DatumGetTimestampTz(plan_value_as(row, column, TIMESTAMPTZOID, NULL));
}

static inline pg_uuid_t
plan_uuid(uint64 row, int column)
{
	return *DatumGetUUIDP(plan_value_as(row, column, UUIDOID, NULL));
}

/* The same where a null means something: what it means is the last argument. */
static inline bool
plan_bool_or(uint64 row, int column, bool otherwise)
{
	bool null;
	Datum value = plan_value_as(row, column, BOOLOID, &null);

	return null ? otherwise : DatumGetBool(value);
}

static inline int64
plan_int64_or(uint64 row, int column, int64 otherwise)
{
	bool null;
	Datum value = plan_value_as(row, column, INT8OID, &null);

	return null ? otherwise : DatumGetInt64(value);
}

static inline TimestampTz
plan_time_or(uint64 row, int column, TimestampTz otherwise)
{
	bool null;
	Datum value = plan_value_as(row, column, TIMESTAMPTZOID, &null);

	return null ? otherwise : DatumGetTimestampTz(value);
}

/* Binding: each adds the next value. A pointer that is NULL binds a null. */
static inline void
plan_bind_nullable(PlanValues *values, Datum datum, bool null)
{
	Assert(values->count < PLAN_MAX_ARGS);
	values->datums[values->count] = datum;
	values->nulls[values->count++] = null ? 'n' : ' ';
}

static inline void
plan_bind(PlanValues *values, Datum datum)
{
	plan_bind_nullable(values, datum, false);
}

static inline void
plan_bind_null(PlanValues *values)
{
	plan_bind_nullable(values, (Datum) 0, true);
}

static inline void
plan_bind_uuid(PlanValues *values, const pg_uuid_t *id)
{
	plan_bind_nullable(values, UUIDPGetDatum(id), id == NULL);
}

/* The text is copied into the current context. */
static inline void
plan_bind_text(PlanValues *values, const char *text)
{
	plan_bind_nullable(values, text != NULL ? CStringGetTextDatum(text) : (Datum) 0,
					   text == NULL);
}

static inline void
plan_bind_bool(PlanValues *values, bool value)
{
	plan_bind(values, BoolGetDatum(value));
}

static inline void
plan_bind_int32(PlanValues *values, int32 value)
{
	plan_bind(values, Int32GetDatum(value));
}

static inline void
plan_bind_int64(PlanValues *values, int64 value)
{
	plan_bind(values, Int64GetDatum(value));
}

static inline void
plan_bind_time(PlanValues *values, TimestampTz time)
{
	plan_bind(values, TimestampTzGetDatum(time));
}

/* A time that a sentinel replaces where there is none: the sentinel binds a null. */
static inline void
plan_bind_time_unless(PlanValues *values, TimestampTz time, TimestampTz never)
{
	plan_bind_nullable(values, TimestampTzGetDatum(time), time == never);
}

#endif
