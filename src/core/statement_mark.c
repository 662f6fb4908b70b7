/*
 * statement_mark.c: statements of ours that the triggers of the rows they write must tell from
 * everybody else's.
 *
 * Invariant: a mark is that of one depth of triggers. The server counts it one higher in each
 * trigger function, so that a statement which an operator's trigger runs within ours fires its
 * triggers deeper than the mark says.
 */
#include "postgres.h"

#include "core/row_trigger.h"
#include "core/statement_mark.h"

StatementMark
statement_mark_set(StatementMark *mark)
{
	StatementMark outer = *mark;

	mark->depth = trigger_depth() + 1;
	return outer;
}

bool
statement_mark_fires(const StatementMark *mark)
{
	return mark->depth != 0 && mark->depth == trigger_depth();
}
