/*
 * has_premium.c: the question whether somebody has premium.
 *
 * Answered from the one row of the user, read past row security after it was settled whom the
 * caller may ask about.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "billing/premium.h"
#include "billing/subscription.h"
#include "core/compat.h"
#include "identity/asking.h"

static void premium_ask(Premium *premium, FunctionCallInfo fcinfo);
static TimestampTz time_argument(FunctionCallInfo fcinfo);
static void rule_return(FunctionCallInfo fcinfo, const char *rule, bool passed,
						const char *reason, char *detail);
static char *time_words(int64 time);

PG_FUNCTION_INFO_V1(coursebase_has_premium);
PG_FUNCTION_INFO_V1(coursebase_explain_premium);

/* SQL function: has_premium(user_id uuid, at timestamptz) returns boolean */
PGDLLEXPORT Datum
coursebase_has_premium(PG_FUNCTION_ARGS)
{
	Premium premium;

	premium_ask(&premium, fcinfo);
	PG_RETURN_BOOL(premium_holds(&premium, time_argument(fcinfo)));
}

/*
 * SQL function: explain_premium(user_id uuid, at timestamptz) returns table (rule text, passed
 * boolean, reason text, detail text)
 */
PGDLLEXPORT Datum
coursebase_explain_premium(PG_FUNCTION_ARGS)
{
	TimestampTz at = time_argument(fcinfo);
	int64 end = FOLD_NEVER;
	const char *no_access = "no_subscription"; /* why there is no end */
	Premium premium;

	compat_materialize(fcinfo);
	premium_ask(&premium, fcinfo);
	if (premium.found)
	{
		end = fold_access_end(&premium.term);
		no_access = "status_gives_no_access";
	}
	rule_return(fcinfo, "subscription", premium.found, "no_subscription",
				pstrdup(premium.found ? "there is one" : "no store told of one"));
	rule_return(fcinfo, "environment", premium.counts,
				premium.found ? "sandbox" : "no_subscription",
				pstrdup(!premium.found    ? "no subscription"
						: premium.sandbox ? "sandbox; see the setting accept_sandbox"
										  : "production"));
	rule_return(fcinfo, "status", end != FOLD_NEVER, no_access,
				pstrdup(premium.found ? subscription_status_names[premium.term.status]
									  : "no subscription"));
	rule_return(fcinfo, "time", at < end, end == FOLD_NEVER ? no_access : "ended",
				end == FOLD_NEVER ? pstrdup("no time to compare")
								  : psprintf("until %s", time_words(end)));
	return (Datum) 0;
}

static void
premium_ask(Premium *premium, FunctionCallInfo fcinfo)
{
	pg_uuid_t user;

	memset(premium, 0, sizeof(*premium));
	premium->end = FOLD_NEVER;
	if (identity_resolve_user(PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0), &user))
		premium_read(premium, &user);
}

static TimestampTz
time_argument(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(1) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(1);
}

static void
rule_return(FunctionCallInfo fcinfo, const char *rule, bool passed, const char *reason,
			char *detail)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[4] = {CStringGetTextDatum(rule), BoolGetDatum(passed), (Datum) 0,
					   CStringGetTextDatum(detail)};
	bool nulls[4] = {false, false, passed, false};

	if (!passed)
		values[2] = CStringGetTextDatum(reason);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static char *
time_words(int64 time)
{
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(time)));
}
