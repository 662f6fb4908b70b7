/*
 * attempt.h: work whose error may be an answer: what the work did is undone, and the caller
 * goes on.
 */
#ifndef COURSEBASE_CORE_ATTEMPT_H
#define COURSEBASE_CORE_ATTEMPT_H

#include "postgres.h"

/*
 * Runs work(argument) in a subtransaction. NULL if it ended; the error, in the caller's memory
 * context, if it raised one of which is_answer(sqlstate) is true: all that it did is undone
 * then. Any other error is undone to here as well and raised again. The memory context and the
 * resource owner are the caller's afterwards. Not in parallel mode, where no subtransaction may
 * begin.
 */
extern ErrorData *attempt(void (*work)(void *argument), void *argument,
						  bool (*is_answer)(int sqlstate));

#endif
