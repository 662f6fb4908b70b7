/*
 * plan.c: statements that a session prepares once and keeps.
 *
 * A plan is never freed: a trigger of the user's may have brought us here while the plan runs.
 * A plan that the server has marked invalid (DDL on what it reads) need not be freed either:
 * the server analyses it anew from its text, so that a table that was dropped and made again
 * is found by name.
 *
 * A statement is planned once, for any value of its arguments. The server would plan the first
 * calls of each session for the values that they bring, and would take a course that its
 * statistics do not know for one that nobody has, so that each of its first buyers would be
 * looked for among all the others. The field custom asks for a plan at each call: for a list of
 * which the value alone tells whether it has ten rows or most of a table, and whose reading
 * takes longer than its planning.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "core/column.h"
#include "core/compat.h"
#include "core/plan.h"
#include "core/row_kept.h"

static void plan_prepare(KeptPlan *kept);
static void failing_row_hide(void *unused);

uint64
plan_execute(KeptPlan *kept, Datum *values, const char *nulls, bool read_only)
{
	return plan_execute_limit(kept, values, nulls, read_only, 0);
}

/*
 * SPI reports a wrong call, such as one without SPI_connect(), as a negative result: only a
 * mistake of ours can cause one.
 */
uint64
plan_execute_limit(KeptPlan *kept, Datum *values, const char *nulls, bool read_only, long limit)
{
	ErrorContextCallback told = {.previous = error_context_stack, .callback = failing_row_hide};
	int result;

	plan_prepare(kept);
	error_context_stack = &told;
	result = SPI_execute_plan(kept->plan, values, nulls, read_only, limit);
	error_context_stack = told.previous;
	if (result < 0)
		elog(ERROR, "SPI_execute_plan returned %s for: %s", SPI_result_code_string(result),
			 kept->sql);
	return SPI_processed;
}

/*
 * Under READ COMMITTED a new snapshot is what every writing statement takes anyway. Under
 * REPEATABLE READ and SERIALIZABLE the transaction's snapshot may be older than the lock that
 * was just waited for, and would not show what the holder of the lock has committed; the
 * server's foreign keys take a snapshot of this moment for the same reason. Triggers fire (the
 * argument before the limit), for ours and the user's must see what is written here.
 */
uint64
plan_execute_latest(KeptPlan *kept, Datum *values, const char *nulls)
{
	Snapshot snapshot = IsolationUsesXactSnapshot() ? GetLatestSnapshot() : InvalidSnapshot;
	ErrorContextCallback told = {.previous = error_context_stack, .callback = failing_row_hide};
	int result;

	plan_prepare(kept);
	error_context_stack = &told;
	result = SPI_execute_snapshot(kept->plan, values, nulls, snapshot, InvalidSnapshot, false,
								  true, 0);
	error_context_stack = told.previous;
	if (result < 0)
		elog(ERROR, "SPI_execute_snapshot returned %s for: %s", SPI_result_code_string(result),
			 kept->sql);
	return SPI_processed;
}

uint64
plan_execute_once(const char *sql)
{
	int result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "SPI_execute returned %s for: %s", SPI_result_code_string(result), sql);
	return SPI_processed;
}

/* The server takes what a plan hung up away again, also after an error. */
bool
plan_is_running(void)
{
	for (ErrorContextCallback *each = error_context_stack; each != NULL; each = each->previous)
		if (each->callback == failing_row_hide)
			return true;
	return false;
}

/*
 * A statement that always returns a row (INSERT … RETURNING) returns none where a trigger of
 * the database's own kept the row: there is nothing to read then.
 */
static inline void
row_require(uint64 row)
{
	if (unlikely(row >= SPI_tuptable->numvals))
		row_kept_raise(NULL, "a row was not written");
}

Datum
plan_value_as(uint64 row, int column, Oid type, bool *isnull)
{
	bool null;
	Datum value;

	row_require(row);
	column_require_type(SPI_tuptable->tupdesc, column, type);
	value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &null);

	if (isnull != NULL)
		*isnull = null;
	else if (null)
		plan_raise_null(SPI_fname(SPI_tuptable->tupdesc, column));
	return value;
}

void
plan_rows_return(FunctionCallInfo fcinfo, uint64 rows)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	for (int i = 0; i < result->setDesc->natts; i++)
		column_require_type(SPI_tuptable->tupdesc, i + 1,
							TupleDescAttr(result->setDesc, i)->atttypid);
	for (uint64 i = 0; i < rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
	}
}

/* SPI_palloc() allocates in the caller's context: SPI's own goes at SPI_finish(). */
char *
plan_text(uint64 row, int column)
{
	char *value;
	Size size;
	char *copy;

	row_require(row);
	value = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
	if (value == NULL)
		return NULL;
	size = strlen(value) + 1;
	copy = SPI_palloc(size);
	memcpy(copy, value, size);
	return copy;
}

char *
plan_text_required(uint64 row, int column)
{
	char *text = plan_text(row, column);

	if (text == NULL)
		plan_raise_null(SPI_fname(SPI_tuptable->tupdesc, column));
	return text;
}

int
plan_word(uint64 row, int column, const char *const *words, int count)
{
	const char *word = plan_text_required(row, column);

	for (int i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	plan_raise_word(SPI_fname(SPI_tuptable->tupdesc, column), word);
}

Datum
plan_transfer_as(uint64 row, int column, Oid type)
{
	Form_pg_attribute form = TupleDescAttr(SPI_tuptable->tupdesc, column - 1);

	return SPI_datumTransfer(plan_value_as(row, column, type, NULL), form->attbyval,
							 form->attlen);
}

bool
plan_uuid_or_null(uint64 row, int column, pg_uuid_t *id)
{
	bool null;
	Datum value = plan_value_as(row, column, UUIDOID, &null);

	if (null)
		memset(id, 0, sizeof(*id));
	else
		*id = *DatumGetUUIDP(value);
	return !null;
}

/*
 * install() cannot set NOT NULL while a row breaks it, so that the hint mends the row first.
 */
void
plan_raise_null(const char *column)
{
	ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
					errmsg("a null stands where coursebase knows none"),
					errdetail("It was read from the column %s.", column),
					errhint("Give the row a value, and run SELECT coursebase.install(), which "
							"brings NOT NULL back.")));
}

void
plan_raise_word(const char *column, const char *word)
{
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
					errmsg("\"%s\" is no word that coursebase knows", word),
					errdetail("It was read from the column %s.", column),
					errhint("Give the row a word of this release, and run SELECT "
							"coursebase.install(), which brings the column's CHECK back.")));
}

/*
 * The plan is published last: after an error in SPI_keepplan() the next call prepares the
 * statement anew.
 */
static void
plan_prepare(KeptPlan *kept)
{
	SPIPlanPtr plan;

	if (kept->plan != NULL)
		return;
	plan = SPI_prepare_cursor(kept->sql, kept->nargs, kept->types,
							  kept->custom ? CURSOR_OPT_CUSTOM_PLAN : CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare returned %s for: %s", SPI_result_code_string(SPI_result),
			 kept->sql);
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep a plan");
	kept->plan = plan;
}

/*
 * An error context of statements that functions run. The server shows the whole row that a
 * CHECK or NOT NULL refused to whoever runs the statement, and that is mostly the tables'
 * owner: the caller of the function would read columns that nobody granted. The DETAIL is
 * replaced, and a HINT says where to look; the message names the constraint, and its name the
 * rule. Errors of the database's own triggers and tables stay as they are.
 */
static void
failing_row_hide(void *unused)
{
	int code = geterrcode();
	MemoryContext context;
	ErrorData *error;
	bool ours;

	if (code != ERRCODE_CHECK_VIOLATION && code != ERRCODE_NOT_NULL_VIOLATION)
		return;
	/* CopyErrorData() must not allocate where the error itself stands */
	context = MemoryContextSwitchTo(CurTransactionContext);
	error = CopyErrorData();
	ours = error->schema_name != NULL && strcmp(error->schema_name, "coursebase") == 0;
	FreeErrorData(error);
	MemoryContextSwitchTo(context);
	if (ours)
	{
		errdetail("The row is not shown: whoever calls may have no right to read it.");
		errhint("The constraint has the name of its column, whose comment says what it takes: "
				"correct the argument that goes there.");
	}
}
