/*
 * seconds.c: the length of a use of the assistant, as functions take it, and its price.
 *
 * Two lengths are the same if their texts are: 12.50 and 12.5 seconds are one call repeated.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/fmgrprotos.h"

#include "allowance/credit_burn.h"
#include "allowance/seconds.h"
#include "core/args.h"

/*
 * Trailing zeros go, so that 12.50 and 12.5 are one text, by which a repeated call is known.
 * numeric, because a float would round the seconds before the price is computed.
 */
char *
seconds_argument(FunctionCallInfo fcinfo, int argument, int64 *price)
{
	char *seconds;
	int64_t whole;

	args_require(fcinfo, argument);
	seconds = DatumGetCString(DirectFunctionCall1(
		numeric_out, DirectFunctionCall1(numeric_trim_scale, PG_GETARG_DATUM(argument))));
	if (!credit_price(seconds, strlen(seconds), &whole))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("seconds must be a number of seconds, and not negative"),
						errdetail("The call has %s seconds.", seconds)));
	*price = whole;
	return seconds;
}
