/*
 * has_premium.c: the SQL functions that answer whether somebody has premium, and why.
 *
 * Both answer from premium_read(), so that has_premium() is true exactly if all rules of
 * explain_premium() pass.
 *
 * Rights: identity_resolve_user() decides whom the caller may ask about, and raises 42501 for
 * anybody else; the row is then read past row security. A caller without an account has no
 * premium.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "billing/premium.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "identity/asking.h"

static void premium_ask(Premium *premium, FunctionCallInfo fcinfo);
static void rule_return(FunctionCallInfo fcinfo, const char *rule, bool passed,
						const char *reason, const char *detail);

PG_FUNCTION_INFO_V1(coursebase_has_premium);
PG_FUNCTION_INFO_V1(coursebase_explain_premium);

/* SQL function: has_premium(user_id uuid, at timestamptz) returns boolean */
PGDLLEXPORT Datum
coursebase_has_premium(PG_FUNCTION_ARGS)
{
	Premium premium;

	premium_ask(&premium, fcinfo);
	PG_RETURN_BOOL(premium_holds(&premium, args_time_or_now(fcinfo, 1)));
}

/*
 * SQL function: explain_premium(user_id uuid, at timestamptz) returns table (rule text, passed
 * boolean, reason text, detail text)
 */
PGDLLEXPORT Datum
coursebase_explain_premium(PG_FUNCTION_ARGS)
{
	TimestampTz at = args_time_or_now(fcinfo, 1);
	int64 end = FOLD_NEVER;
	const char *no_access = "no_subscription"; /* the reason while end is FOLD_NEVER */
	Premium premium;

	compat_materialize(fcinfo);
	premium_ask(&premium, fcinfo);
	if (premium.found)
	{
		end = fold_access_end(&premium.term);
		no_access = "status_gives_no_access";
	}
	rule_return(fcinfo, "subscription", premium.found, "no_subscription",
				premium.found ? "there is one" : "no store told of one");
	rule_return(fcinfo, "environment", premium.counts,
				premium.found ? "sandbox" : "no_subscription",
				!premium.found    ? "no subscription"
				: premium.sandbox ? "sandbox; see the setting accept_sandbox"
								  : "production");
	rule_return(fcinfo, "status", end != FOLD_NEVER, no_access,
				premium.found ? subscription_status_names[premium.term.status]
							  : "no subscription");
	rule_return(fcinfo, "time", at < end, end == FOLD_NEVER ? no_access : "ended",
				end == FOLD_NEVER ? "no time to compare"
								  : psprintf("until %s", time_text(end)));
	return (Datum) 0;
}

/* The premium of the user whom the first argument names; none for a caller without an account.
 */
static void
premium_ask(Premium *premium, FunctionCallInfo fcinfo)
{
	pg_uuid_t user;

	memset(premium, 0, sizeof(*premium));
	premium->end = FOLD_NEVER;
	if (identity_resolve_user(args_uuid_or_null(fcinfo, 0), &user))
		premium_read(premium, &user);
}

/* Every rule is a row; the reason is shown only if the rule does not pass. */
static void
rule_return(FunctionCallInfo fcinfo, const char *rule, bool passed, const char *reason,
			const char *detail)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[4] = {CStringGetTextDatum(rule), BoolGetDatum(passed), (Datum) 0,
					   CStringGetTextDatum(detail)};
	bool nulls[4] = {false, false, passed, false};

	if (!passed)
		values[2] = CStringGetTextDatum(reason);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
