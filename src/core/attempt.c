/*
 * attempt.c: work whose error may be an answer.
 *
 * A subtransaction is what the server undoes an error by. PL/pgSQL's EXCEPTION does the same.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "core/attempt.h"

ErrorData *
attempt(void (*work)(void *argument), void *argument, bool (*is_answer)(int sqlstate))
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL; /* written before a longjmp, read after it */

	BeginInternalSubTransaction(NULL);
	/* what the work answers outlives the subtransaction */
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(argument);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* also before an error is passed on: outside of a transaction block the server would
		 * take the open one for a savepoint of the client, and the session would stay in it */
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && !is_answer(error->sqlerrcode))
		ReThrowError(error);
	return error;
}
