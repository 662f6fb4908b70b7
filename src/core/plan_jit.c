/*
 * plan_jit.c: plans that are kept are not compiled.
 *
 * The server compiles a plan that it expects to be dear (jit_above_cost), and it does so anew
 * at each execution: for a second and more. The statements that plan.h keeps are planned once
 * for any value, so that one that reads a whole program for its busiest buyer is dear for
 * everybody, and would be compiled for a write of one row that touches nobody. Statements of
 * others are compiled as ever, but for those that an operator's trigger plans within ours.
 */
#include "postgres.h"

#include "jit/jit.h"
#include "optimizer/planner.h"

#include "core/compat.h"
#include "core/plan.h"
#include "core/plan_jit.h"

static planner_hook_type previous_hook = NULL;

static PlannedStmt *on_statement(COMPAT_PLANNER_HOOK_ARGS);

void
plan_jit_init(void)
{
	previous_hook = planner_hook;
	planner_hook = on_statement;
}

/* Runs once for each statement that is planned. */
static PlannedStmt *
on_statement(COMPAT_PLANNER_HOOK_ARGS)
{
	PlannedStmt *planned = previous_hook ? previous_hook(COMPAT_PLANNER_HOOK_CALL)
										 : standard_planner(COMPAT_PLANNER_HOOK_CALL);

	if (plan_is_running())
		planned->jitFlags = PGJIT_NONE;
	return planned;
}
