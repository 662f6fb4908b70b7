/*
 * statement_mark.c: statements of ours that the triggers of the rows they write must tell from
 * everybody else's.
 *
 * Invariant: a mark is that of one depth of triggers and of statements. The server counts the
 * triggers one higher in each trigger function, so that a statement which an operator's trigger
 * runs within ours fires its triggers deeper than the mark says. Statements are counted here:
 * one that a function of a DEFAULT, a CHECK or a policy runs within ours fires its triggers no
 * deeper than ours does.
 *
 * The same count serves kept answers: snapshot_returns, of snapshot_key.h, moves here.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/plannodes.h"
#include "tcop/pquery.h"
#include "utils/portal.h"
#include "utils/snapshot.h"

#include "core/compat.h"
#include "core/row_trigger.h"
#include "core/snapshot_key.h"
#include "core/statement_mark.h"

/* How many statements run within each other, and the command that the innermost one's snapshot
 * sees up to. */
static int running = 0;
static CommandId command;

static ExecutorRun_hook_type previous_run = NULL;
static ExecutorFinish_hook_type previous_finish = NULL;

static void on_run(COMPAT_RUN_HOOK_ARGS);
static void on_finish(QueryDesc *query);
static CommandId statement_begin(const QueryDesc *query);
static void statement_end(CommandId outer);
static bool is_within_uncounted(void);

void
statement_mark_init(void)
{
	previous_run = ExecutorRun_hook;
	ExecutorRun_hook = on_run;
	previous_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = on_finish;
}

StatementMark
statement_mark_set(StatementMark *mark)
{
	StatementMark outer = *mark;

	mark->depth = trigger_depth() + 1;
	mark->statement = running + 1;
	return outer;
}

bool
statement_mark_fires(const StatementMark *mark)
{
	return mark->depth != 0 && mark->statement == running && mark->depth == trigger_depth();
}

static void
on_run(COMPAT_RUN_HOOK_ARGS)
{
	CommandId outer = statement_begin(query);

	PG_TRY();
	{
		if (previous_run)
			previous_run(COMPAT_RUN_HOOK_CALL);
		else
			standard_ExecutorRun(COMPAT_RUN_HOOK_CALL);
	}
	PG_CATCH();
	{
		statement_end(outer);
		PG_RE_THROW();
	}
	PG_END_TRY();
	statement_end(outer);
}

/* Fires the triggers that come after the rows. */
static void
on_finish(QueryDesc *query)
{
	CommandId outer = statement_begin(query);

	PG_TRY();
	{
		if (previous_finish)
			previous_finish(query);
		else
			standard_ExecutorFinish(query);
	}
	PG_CATCH();
	{
		statement_end(outer);
		PG_RE_THROW();
	}
	PG_END_TRY();
	statement_end(outer);
}

/* Returns the command of the statement within which this one runs, for statement_end(). */
static CommandId
statement_begin(const QueryDesc *query)
{
	CommandId outer = command;

	running++;
	command = query->snapshot != NULL ? query->snapshot->curcid : FirstCommandId;
	return outer;
}

/* Moves snapshot_returns, unless the statement that ends saw no more commands than the one
 * around it: what it saw the outer one cannot change any more. */
static void
statement_end(CommandId outer)
{
	if (--running > 0 ? command != outer : is_within_uncounted())
		snapshot_returns++;
	command = outer;
}

/*
 * Whether something that writes rows and is not counted may be around the outermost statement
 * that is: COPY, which a procedure may run, or what fires a trigger, such as the apply worker
 * of a subscription, or a statement that was under way when this library was loaded.
 */
static bool
is_within_uncounted(void)
{
	if (trigger_depth() > 0)
		return true;
	return ActivePortal != NULL && ActivePortal->stmts != NIL &&
		   linitial_node(PlannedStmt, ActivePortal->stmts)->utilityStmt != NULL;
}
