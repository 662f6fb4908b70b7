/*
 * attempt.c: work that may be undone.
 *
 * A subtransaction is what the server undoes an error by. PL/pgSQL's EXCEPTION does the same.
 * The locks of rows that the subtransaction took are given back when it is undone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/resowner.h"

#include "core/attempt.h"

ErrorData *
attempt(bool (*work)(void *argument), void *argument, bool (*is_answer)(int sqlstate))
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL; /* written before a longjmp, read after it */
	volatile bool undone = false;

	BeginInternalSubTransaction(NULL);
	/* what the work answers outlives the subtransaction */
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		if (work(argument))
			ReleaseCurrentSubTransaction();
		else
			undone = true;
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
	/* not above: an error on the way would undo once more, to before the caller's work */
	if (undone)
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && (is_answer == NULL || !is_answer(error->sqlerrcode)))
		ReThrowError(error);
	return error;
}

char *
attempt_words(const ErrorData *error)
{
	return psprintf("%s: %s%s%s", unpack_sql_state(error->sqlerrcode), error->message,
					error->detail == NULL ? "" : ": ",
					error->detail == NULL ? "" : error->detail);
}
