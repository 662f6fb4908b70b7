/*
 * integrity.c: runs the checks of all slices, or one of them, for check_integrity().
 *
 * A check function takes no argument and answers (check_name, object, problem); the catalogue
 * lists them, so that a slice adds one without a word here. One written in SQL is run as its
 * text: the planner then sees the names that its branches answer with, drops the branches of
 * other names, and may give the rest parallel workers.
 *
 * Invariant: damaged tables are rows of the answer. A table that is gone is named, and a check
 * that cannot do without it, or without a column, is named with what it said. Other errors
 * pass.
 *
 * Rights: reads with the caller's. Locks: none. Each check is a subtransaction, which cannot
 * begin within a statement that is parallel itself: there the checks run without one, and
 * damage of a table ends them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "core/attempt.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/plan.h"

/* A check that took longer is told by a NOTICE. */
#define LONG_MS 3000

/* The columns of the answer. */
#define COLUMNS 3

/* The columns of read_checks. */
enum
{
	CHECK_FUNCTION = 1,
	CHECK_QUERY,
};

/* The names that a check function answers with: every branch begins with its own, as a literal.
 */
#define NAMES_OF                                                                               \
	"CASE WHEN l.lanname = 'sql' THEN ARRAY(SELECT DISTINCT m[1] FROM regexp_matches("         \
	"p.prosrc, E'\\\\mSELECT\\\\s+(?:DISTINCT\\\\s+)?''(\\\\w+)''\\\\s*,', 'g') m) "           \
	"ELSE ARRAY['foreign_key'] END"
#define CHECK_FUNCTIONS                                                                        \
	"FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang "                                  \
	"JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid "                 \
	"AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' "                         \
	"JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'coursebase' "                  \
	"WHERE p.pronargs = 0 AND p.proargnames = ARRAY['check_name', 'object', 'problem'] "

/* $1 is the name of a check, or NULL for all. */
static KeptPlan read_checks = {
	.sql = "SELECT p.proname::text, 'SELECT c.check_name::text, c.object::text, "
		   "c.problem::text FROM ' || CASE WHEN l.lanname = 'sql' THEN '(' || p.prosrc || ')' "
		   "ELSE format('coursebase.%I()', p.proname) END "
		   "|| ' AS c (check_name, object, problem)' "
		   "|| CASE WHEN $1 IS NULL THEN '' ELSE format(' WHERE c.check_name = %L', $1) "
		   "END " CHECK_FUNCTIONS "AND ($1 IS NULL OR $1 = ANY (" NAMES_OF ")) ORDER BY p.oid",
	.nargs = 1,
	.types = {TEXTOID},
};
static KeptPlan read_names = {
	.sql = "SELECT string_agg(DISTINCT n, ', ' ORDER BY n) FROM (SELECT unnest(" NAMES_OF
		   ") " CHECK_FUNCTIONS ") AS names (n)",
};
static KeptPlan read_missing = {
	.sql = "SELECT s.object FROM coursebase.steps() s WHERE s.object LIKE 'table %' "
		   "AND to_regclass(format('coursebase.%I', split_part(s.object, ' ', 2))) IS NULL",
};

/* One check: where its rows go, and its statement. */
typedef struct Work
{
	ReturnSetInfo *report;
	const char *query;
} Work;

static void missing_report(ReturnSetInfo *report);
static void checks_run(ReturnSetInfo *report, const char *name);
static void check_run(ReturnSetInfo *report, const char *function, const char *query);
static bool work_run(void *argument);
static bool is_damage(int sqlstate);
static void query_run(ReturnSetInfo *report, const char *query);
static void row_write(ReturnSetInfo *report, const char *check, const char *object,
					  const char *problem);
pg_noreturn static void raise_unknown(const char *name);

PG_FUNCTION_INFO_V1(coursebase_run_checks);

/*
 * SQL function: run_checks(name text) returns table (check_name text, object text, problem
 * text)
 */
PGDLLEXPORT Datum
coursebase_run_checks(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	char *name = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool only_missing = name != NULL && strcmp(name, "missing_table") == 0;

	compat_materialize(fcinfo);
	SPI_connect();
	if (name == NULL || only_missing)
		missing_report(report);
	if (!only_missing)
		checks_run(report, name);
	SPI_finish();
	return (Datum) 0;
}

/* lint() names columns, keys and the like too; here, whatever no check can look at. */
static void
missing_report(ReturnSetInfo *report)
{
	uint64 rows = plan_execute(&read_missing, NULL, NULL, true);

	for (uint64 row = 0; row < rows; row++)
		row_write(report, "missing_table", plan_text_required(row, 1),
				  "it is not there: install() makes it, empty");
}

static void
checks_run(ReturnSetInfo *report, const char *name)
{
	PlanValues values = {0};
	uint64 count;
	SPITupleTable *checks;

	plan_bind_text(&values, name);
	count = plan_execute(&read_checks, values.datums, values.nulls, true);
	checks = SPI_tuptable;
	if (count == 0)
		raise_unknown(name);
	for (uint64 n = 0; n < count; n++)
	{
		char *function = SPI_getvalue(checks->vals[n], checks->tupdesc, CHECK_FUNCTION);
		TimestampTz began = GetCurrentTimestamp();
		long took;

		check_run(report, function,
				  SPI_getvalue(checks->vals[n], checks->tupdesc, CHECK_QUERY));
		took = TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());
		if (took > LONG_MS)
			ereport(NOTICE, (errmsg("%s() is done", function),
							 errdetail("It took %ld.%ld s; " UINT64_FORMAT " of " UINT64_FORMAT
									   " check functions are still to come.",
									   took / 1000, took % 1000 / 100, count - n - 1, count)));
	}
}

/* The rows that a check wrote before it failed stay. */
static void
check_run(ReturnSetInfo *report, const char *function, const char *query)
{
	ErrorData *error;

	if (IsInParallelMode())
	{
		query_run(report, query);
		return;
	}
	error = attempt(work_run, &(Work){.report = report, .query = query}, is_damage);
	if (error != NULL)
		row_write(report, "not_checked", function,
				  error->detail == NULL ? error->message
										: psprintf("%s: %s", error->message, error->detail));
}

static bool
work_run(void *argument)
{
	const Work *work = argument;

	query_run(work->report, work->query);
	return true;
}

/* What a statement says when a table, a column or a type of ours is gone or another one, or a
 * row holds a word or a null that its table forbids. */
static bool
is_damage(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_CB_SCHEMA_BEHIND:
		case ERRCODE_CHECK_VIOLATION:
		case ERRCODE_NOT_NULL_VIOLATION:
			return true;
		default:
			return false;
	}
}

/* The rows go straight into the answer, which spills to disk when there are many. */
static void
query_run(ReturnSetInfo *report, const char *query)
{
	SPIExecuteOptions options = {.read_only = true};

	CHECK_FOR_INTERRUPTS();
	options.dest = CreateDestReceiver(DestTuplestore);
	SetTuplestoreDestReceiverParams(options.dest, report->setResult,
									report->econtext->ecxt_per_query_memory, false, NULL, NULL);
	if (SPI_execute_extended(query, &options) != SPI_OK_SELECT)
		elog(ERROR, "could not run: %s", query);
}

static void
row_write(ReturnSetInfo *report, const char *check, const char *object, const char *problem)
{
	Datum values[COLUMNS] = {CStringGetTextDatum(check), CStringGetTextDatum(object),
							 CStringGetTextDatum(problem)};
	bool nulls[COLUMNS] = {false};

	tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
}

static void
raise_unknown(const char *name)
{
	plan_execute(&read_names, NULL, NULL, true);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("there is no check \"%s\"", name != NULL ? name : ""),
					errhint("Give one of missing_table, %s.", plan_text_required(0, 1))));
}
