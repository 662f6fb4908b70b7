/*
 * args.h: the arguments of an SQL function, refused by the names that its signature gives them.
 *
 * An argument is its number in the signature, from 0. The name in a message is looked up in
 * pg_proc when the error is raised, so that it cannot differ from what the caller wrote, and an
 * argument that is as expected costs no look-up. For functions that fmgr calls only: a
 * DirectFunctionCall() has no signature to look up.
 */
#ifndef COURSEBASE_CORE_ARGS_H
#define COURSEBASE_CORE_ARGS_H

#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/plan.h"

/* Raise 22004 for the first argument that is null: this one; all; all but one; the first ones.
 */
extern void args_require(FunctionCallInfo fcinfo, int argument);
extern void args_require_all(FunctionCallInfo fcinfo);
extern void args_require_all_but(FunctionCallInfo fcinfo, int optional);
extern void args_require_first(FunctionCallInfo fcinfo, int count);

/* A time to count from or to store: raises 22004 for null, 22008 for one that is not finite
 * or not of the years 1 to 9999. */
extern TimestampTz args_time(FunctionCallInfo fcinfo, int argument);

/* A sum of money in minor units, of a type that holds what the caller added up: raises 22004
 * for null and 22003 for more than the columns of the tables hold. */
extern int32 args_money(FunctionCallInfo fcinfo, int argument);

/* A list without nulls: raises 22004 for null and for an element that is null. Owned by the
 * caller's context, or the argument itself. */
extern ArrayType *args_array(FunctionCallInfo fcinfo, int argument);

/* A copy as a C string in the current context; NULL for a null. */
extern char *args_text_or_null(FunctionCallInfo fcinfo, int argument);

/* A copy as a C string; of more than so many bytes the first ones, and dots: for messages, and
 * for texts that are looked up and never that long. */
extern char *args_text_clipped(const text *value, int most);

/* The place of the argument among these words: raises 22004 for null, 22023 for another word.
 */
extern int args_word(FunctionCallInfo fcinfo, int argument, const char *const *words,
					 int count);

/* A text of so many characters: raises 22004 for null, 22023 for one that is shorter or longer.
 */
extern void args_length(FunctionCallInfo fcinfo, int argument, int least, int most);

/* Raises 22023 for a jsonb whose text has more bytes; passes null. */
extern void args_jsonb_size(FunctionCallInfo fcinfo, int argument, int most);

/* An id that a store, a provider or the caller gave: raises 22004 for null, 22023 for one that
 * is empty, has more than 512 bytes, or a blank at either end, with which it would be another
 * id. */
extern void args_id(FunctionCallInfo fcinfo, int argument);

/* A code of ISO 4217 as the columns named currency hold it: raises 22004 for null, 22023 for
 * another text than three letters: capital ones, or, where the caller folds it, of any case and
 * with blanks around them. */
extern void args_currency(FunctionCallInfo fcinfo, int argument, bool folded);

/* An environment of a store, and the source of a receipt with its environment behind it: raise
 * 22004 for null, 22023 for another word than the tables know. */
extern void args_environment(FunctionCallInfo fcinfo, int argument);
extern void args_receipt_source(FunctionCallInfo fcinfo, int argument);

/* The argument itself, which lives as long as the call; NULL for a null. */
static inline const pg_uuid_t *
args_uuid_or_null(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : PG_GETARG_UUID_P(argument);
}

/* The time asked about, which may be infinite; null asks about the transaction's start. */
static inline TimestampTz
args_time_or_now(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? GetCurrentTransactionStartTimestamp()
								  : PG_GETARG_TIMESTAMPTZ(argument);
}

/* The argument as the next value of a statement, null or not. */
static inline void
args_bind(PlanValues *values, FunctionCallInfo fcinfo, int argument)
{
	plan_bind_nullable(values, PG_GETARG_DATUM(argument), PG_ARGISNULL(argument));
}

#endif
