/*
 * has_premium.c: the SQL functions that answer whether somebody holds an entitlement, and why.
 *
 * All answer from premium.h, so that has_premium() is true exactly if all rules of
 * explain_premium() pass; of the entitlement premium they are the same as the other two.
 *
 * Rights: identity_resolve_user() decides whom the caller may ask about, and raises 42501 for
 * anybody else; the row is then read past row security. A caller without an account has no
 * premium.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "billing/premium.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/rule.h"
#include "identity/asking.h"

static EntitlementAsk entitlement_argument(FunctionCallInfo fcinfo);
static bool answer_holds(FunctionCallInfo fcinfo, const EntitlementAsk *ask, int first);
static void answer_explain(FunctionCallInfo fcinfo, const EntitlementAsk *ask, int first);
static bool user_ask(FunctionCallInfo fcinfo, int argument, pg_uuid_t *user);
static void time_return(FunctionCallInfo fcinfo, const Premium *premium, int64 end,
						const char *no_access);

PG_FUNCTION_INFO_V1(coursebase_has_premium);
PG_FUNCTION_INFO_V1(coursebase_explain_premium);
PG_FUNCTION_INFO_V1(coursebase_has_entitlement);
PG_FUNCTION_INFO_V1(coursebase_explain_entitlement);

/* SQL function: has_premium(user_id uuid, at timestamptz) returns boolean */
PGDLLEXPORT Datum
coursebase_has_premium(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(answer_holds(fcinfo, &entitlement_ask_premium, 0));
}

/* SQL function: has_entitlement(name text, user_id uuid, at timestamptz) returns boolean */
PGDLLEXPORT Datum
coursebase_has_entitlement(PG_FUNCTION_ARGS)
{
	EntitlementAsk ask = entitlement_argument(fcinfo);

	PG_RETURN_BOOL(answer_holds(fcinfo, &ask, 1));
}

/*
 * SQL function: explain_premium(user_id uuid, at timestamptz) returns table (rule text, passed
 * boolean, reason text, detail text)
 */
PGDLLEXPORT Datum
coursebase_explain_premium(PG_FUNCTION_ARGS)
{
	answer_explain(fcinfo, &entitlement_ask_premium, 0);
	return (Datum) 0;
}

/*
 * SQL function: explain_entitlement(name text, user_id uuid, at timestamptz) returns table
 * (rule text, passed boolean, reason text, detail text)
 */
PGDLLEXPORT Datum
coursebase_explain_entitlement(PG_FUNCTION_ARGS)
{
	EntitlementAsk ask = entitlement_argument(fcinfo);

	answer_explain(fcinfo, &ask, 1);
	return (Datum) 0;
}

/* The first argument: a misspelt name would else be an entitlement that nobody holds. */
static EntitlementAsk
entitlement_argument(FunctionCallInfo fcinfo)
{
	const text *given;
	char *name;

	args_require(fcinfo, 0);
	given = PG_GETARG_TEXT_PP(0);
	name = text_to_cstring(given);
	if (entitlement_find(entitlements_known(GetActiveSnapshot()), name) == NULL)
		ereport(ERROR, (errcode(ERRCODE_CB_NO_ENTITLEMENT),
						errmsg("there is no entitlement \"%s\"", args_text_clipped(given, 64)),
						errhint("The table entitlements lists them.")));
	return (EntitlementAsk){ENTITLEMENT_NAMED, name};
}

/* The user and the time are the arguments from this one on. */
static bool
answer_holds(FunctionCallInfo fcinfo, const EntitlementAsk *ask, int first)
{
	Premium premium;
	pg_uuid_t user;

	if (!user_ask(fcinfo, first, &user))
		return false;
	premium_read(&premium, ask, &user, args_time_or_now(fcinfo, first + 1));
	return premium.holds;
}

static void
answer_explain(FunctionCallInfo fcinfo, const EntitlementAsk *ask, int first)
{
	Premium premium = {.from = DT_NOBEGIN, .until = DT_NOEND};
	const char *no_access = "no_subscription"; /* the reason while there is no end */
	int64 end = FOLD_NEVER;
	pg_uuid_t user;
	bool given, barred;

	compat_materialize(fcinfo);
	if (user_ask(fcinfo, first, &user))
		premium_read_then(&premium, ask, &user, args_time_or_now(fcinfo, first + 1));
	if (premium.found)
	{
		end = fold_access_end(&premium.term);
		no_access = "status_gives_no_access";
	}
	else if (premium.other)
		no_access = "other_product";
	/* a payment before the one that was given back, or one that was told late */
	given = premium.holds || end != FOLD_NEVER;
	rule_return(fcinfo, "subscription", premium.found, no_access,
				premium.found   ? "there is one"
				: premium.other ? "its product gives something else"
								: "no store told of one");
	barred = !premium.holds && premium.barred;
	rule_return(fcinfo, "environment", premium.counts && !barred,
				premium.found ? "sandbox" : no_access,
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
}

/* Whom the argument names; false for a caller without an account. */
static bool
user_ask(FunctionCallInfo fcinfo, int argument, pg_uuid_t *user)
{
	return identity_resolve_user(args_uuid_or_null(fcinfo, argument), user);
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
