/*
 * has_premium.c: the SQL functions that answer whether somebody has premium, and why.
 *
 * Both answer from premium.h, so that has_premium() is true exactly if all rules of
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

static bool user_ask(FunctionCallInfo fcinfo, pg_uuid_t *user);
static void time_return(FunctionCallInfo fcinfo, const Premium *premium, int64 end,
						const char *no_access);
static void rule_return(FunctionCallInfo fcinfo, const char *rule, bool passed,
						const char *reason, const char *detail);

PG_FUNCTION_INFO_V1(coursebase_has_premium);
PG_FUNCTION_INFO_V1(coursebase_explain_premium);

/* SQL function: has_premium(user_id uuid, at timestamptz) returns boolean */
PGDLLEXPORT Datum
coursebase_has_premium(PG_FUNCTION_ARGS)
{
	Premium premium;
	pg_uuid_t user;

	if (!user_ask(fcinfo, &user))
		PG_RETURN_BOOL(false);
	premium_read(&premium, &user, args_time_or_now(fcinfo, 1));
	PG_RETURN_BOOL(premium.holds);
}

/*
 * SQL function: explain_premium(user_id uuid, at timestamptz) returns table (rule text, passed
 * boolean, reason text, detail text)
 */
PGDLLEXPORT Datum
coursebase_explain_premium(PG_FUNCTION_ARGS)
{
	Premium premium = {.from = DT_NOBEGIN, .until = DT_NOEND};
	const char *no_access = "no_subscription"; /* the reason while there is no end */
	int64 end = FOLD_NEVER;
	pg_uuid_t user;
	bool given, barred;

	compat_materialize(fcinfo);
	if (user_ask(fcinfo, &user))
		premium_read_then(&premium, &user, args_time_or_now(fcinfo, 1));
	if (premium.found)
	{
		end = fold_access_end(&premium.term);
		no_access = "status_gives_no_access";
	}
	/* a payment before the one that was given back, or one that was told late */
	given = premium.holds || end != FOLD_NEVER;
	rule_return(fcinfo, "subscription", premium.found, "no_subscription",
				premium.found ? "there is one" : "no store told of one");
	barred = !premium.holds && premium.barred;
	rule_return(fcinfo, "environment", premium.counts && !barred,
				premium.found ? "sandbox" : "no_subscription",
				!premium.found              ? "no subscription"
				: premium.sandbox || barred ? "sandbox; see the setting accept_sandbox"
											: "production");
	rule_return(fcinfo, "status", given, no_access,
				!premium.found ? "no subscription"
				: premium.holds && end == FOLD_NEVER
					? psprintf("%s, and another payment holds",
							   subscription_status_names[premium.term.status])
					: subscription_status_names[premium.term.status]);
	time_return(fcinfo, &premium, end, no_access);
	return (Datum) 0;
}

/* Whom the first argument names; false for a caller without an account. */
static bool
user_ask(FunctionCallInfo fcinfo, pg_uuid_t *user)
{
	return identity_resolve_user(args_uuid_or_null(fcinfo, 0), user);
}

/* Until when there is premium, since when there is none, or when it begins. */
static void
time_return(FunctionCallInfo fcinfo, const Premium *premium, int64 end, const char *no_access)
{
	bool begins = !premium->holds && premium->counts && premium->until != DT_NOEND &&
				  premium->from == DT_NOBEGIN;
	const char *detail = "no time to compare";
	const char *reason = end == FOLD_NEVER ? no_access : "ended";

	if (premium->holds)
		detail = psprintf("until %s", time_text(premium->until));
	else if (begins)
	{
		reason = "not_begun";
		detail = psprintf("from %s", time_text(premium->until));
	}
	else if (end != FOLD_NEVER)
		detail = psprintf(
			"until %s",
			time_text(premium->counts && premium->from != DT_NOBEGIN ? premium->from : end));
	rule_return(fcinfo, "time", premium->holds, reason, detail);
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
