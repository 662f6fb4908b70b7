/*
 * statement_mark.h: statements of ours that the triggers of the rows they write must tell from
 * everybody else's.
 *
 * An operator's own trigger may fire within such a statement and write to our tables too. What
 * that writes is no statement of ours: a mark counts the depth of triggers, and holds for those
 * that the marked statement fires itself.
 */
#ifndef COURSEBASE_CORE_STATEMENT_MARK_H
#define COURSEBASE_CORE_STATEMENT_MARK_H

#include "postgres.h"

/* A static variable of the file whose statements it marks; all zero at first. No SQL can set
 * it. */
typedef struct StatementMark
{
	int depth;     /* of the triggers that the statement fires; 0: none runs */
	int statement; /* how many statements run within each other while they fire */
} StatementMark;

/* Called when the library is loaded. */
extern void statement_mark_init(void);

/*
 * Marks the statements that the caller runs next, and returns the mark as it was: the caller
 * puts that back on every way out (PG_FINALLY), for a statement of ours may run within another.
 * Raises nothing.
 */
extern StatementMark statement_mark_set(StatementMark *mark);

/* Whether the trigger that asks was fired by a marked statement. Raises nothing. */
extern bool statement_mark_fires(const StatementMark *mark);

#endif
