/*
 * seconds.h: the length of a use of the assistant, as functions take it, and its price.
 */
#ifndef COURSEBASE_ALLOWANCE_SECONDS_H
#define COURSEBASE_ALLOWANCE_SECONDS_H

#include "postgres.h"

#include "fmgr.h"

/*
 * A numeric argument of seconds: its text without trailing zeros, in the current context, and
 * the price in whole credits. Raises 22004 for null, and 22023 for what is no length (negative,
 * NaN, infinite, more than an int64 holds).
 */
extern char *seconds_argument(FunctionCallInfo fcinfo, int argument, int64 *price);

#endif
