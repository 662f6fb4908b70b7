/*
 * attempt.h: work that may be undone, because it says so or because its error is an answer: the
 * caller goes on.
 */
#ifndef COURSEBASE_CORE_ATTEMPT_H
#define COURSEBASE_CORE_ATTEMPT_H

#include "postgres.h"

/*
 * Runs work(argument) in a subtransaction. True says that what it did stays, false that all of
 * it is undone, locks of rows included. If the work raises an error, all of it is undone.
 *
 * NULL if the work raised nothing; the error, in the caller's memory context, if
 * is_answer(sqlstate) is true of it (NULL: of none). Any other error is raised again. The
 * memory context and the resource owner are the caller's afterwards. Not in parallel mode,
 * where no subtransaction may begin.
 */
extern ErrorData *attempt(bool (*work)(void *argument), void *argument,
						  bool (*is_answer)(int sqlstate));

/* The error as a stored answer has it, in the current context: SQLSTATE: message: detail. */
extern char *attempt_words(const ErrorData *error);

#endif
