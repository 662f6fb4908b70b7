/*
 * subscription_premium.c: the question whether somebody has premium.
 *
 * Answered from the one row of the user; the rule is the fold's. Reads past row security, after
 * it was settled whom the caller may ask about; a direct read of the index, or a statement with
 * the owner's rights.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "fetch.h"
#include "identity.h"
#include "owner.h"
#include "setting.h"
#include "subscription.h"

typedef struct Premium
{
	bool found;
	bool sandbox;
	FoldTerm term;
} Premium;

enum
{
	COLUMN_STATUS,
	COLUMN_EXPIRES_AT,
	COLUMN_GRACE_UNTIL,
	COLUMN_ENVIRONMENT,
	COLUMNS,
};

static FetchSource subscription_by_user = {
	.table = "subscriptions",
	.index = "subscriptions_user_id_key",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = COLUMNS,
	.columns = {{"status", FETCH_ANY_ENUM},
				{"expires_at", TIMESTAMPTZOID, true},
				{"grace_until", TIMESTAMPTZOID, true},
				{"environment", TEXTOID, true}},
};
static KeptPlan query_subscription = {
	.sql = "SELECT s.status::text, s.expires_at, s.grace_until, s.environment "
		   "FROM coursebase.subscriptions s WHERE s.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

static void premium_read(Premium *premium, FunctionCallInfo fcinfo);
static bool premium_fetch(Premium *premium, const pg_uuid_t *user);
static void premium_query(Premium *premium, const pg_uuid_t *user);
static void premium_set(Premium *premium, const char *status, Datum expires_at, bool no_expires,
						Datum grace_until, bool no_grace, const char *environment);
static bool environment_counts(const Premium *premium);
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

	premium_read(&premium, fcinfo);
	PG_RETURN_BOOL(premium.found && time_argument(fcinfo) < fold_access_end(&premium.term) &&
				   environment_counts(&premium));
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
	Premium premium;

	compat_materialize(fcinfo);
	premium_read(&premium, fcinfo);
	if (premium.found)
		end = fold_access_end(&premium.term);
	rule_return(fcinfo, "subscription", premium.found, "no_subscription",
				pstrdup(premium.found ? "there is one" : "no store told of one"));
	rule_return(fcinfo, "environment", premium.found && environment_counts(&premium), "sandbox",
				pstrdup(!premium.found    ? "no subscription"
						: premium.sandbox ? "sandbox; see the setting accept_sandbox"
										  : "production"));
	rule_return(fcinfo, "status", end != FOLD_NEVER, "status_gives_no_access",
				pstrdup(premium.found ? subscription_status_names[premium.term.status]
									  : "no subscription"));
	rule_return(fcinfo, "time", at < end, "ended",
				end == FOLD_NEVER ? pstrdup("no time to compare")
								  : psprintf("until %s", time_words(end)));
	return (Datum) 0;
}

static void
premium_read(Premium *premium, FunctionCallInfo fcinfo)
{
	pg_uuid_t user;

	memset(premium, 0, sizeof(*premium));
	if (!identity_resolve_user(PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0), &user))
		return;
	if (!premium_fetch(premium, &user))
		premium_query(premium, &user);
}

static bool
premium_fetch(Premium *premium, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Fetch fetch;

	if (!fetch_open(&fetch, &subscription_by_user, GetActiveSnapshot()))
		return false;
	fetch_find(&fetch, &key);
	if (fetch_next(&fetch))
	{
		bool no_status, no_expires, no_grace, no_environment;
		Datum status = fetch_value(&fetch, COLUMN_STATUS, &no_status);
		Datum expires_at = fetch_value(&fetch, COLUMN_EXPIRES_AT, &no_expires);
		Datum grace_until = fetch_value(&fetch, COLUMN_GRACE_UNTIL, &no_grace);
		Datum environment = fetch_value(&fetch, COLUMN_ENVIRONMENT, &no_environment);

		premium_set(premium, DatumGetCString(DirectFunctionCall1(enum_out, status)), expires_at,
					no_expires, grace_until, no_grace,
					no_environment ? NULL : TextDatumGetCString(environment));
	}
	fetch_close(&fetch);
	return true;
}

static void
premium_query(Premium *premium, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);

	SPI_connect();
	if (owner_execute(&query_subscription, &key, NULL, true) == 1)
	{
		bool no_expires, no_grace;
		Datum expires_at = plan_value(0, 2, &no_expires);
		Datum grace_until = plan_value(0, 3, &no_grace);

		premium_set(premium, plan_text_required(0, 1), expires_at, no_expires, grace_until,
					no_grace, plan_text(0, 4));
	}
	SPI_finish();
}

static void
premium_set(Premium *premium, const char *status, Datum expires_at, bool no_expires,
			Datum grace_until, bool no_grace, const char *environment)
{
	premium->found = subscription_status_parse(status, &premium->term.status);
	premium->term.expires_at = no_expires ? FOLD_NEVER : DatumGetTimestampTz(expires_at);
	premium->term.grace_until = no_grace ? FOLD_NEVER : DatumGetTimestampTz(grace_until);
	premium->sandbox = environment != NULL && strcmp(environment, "sandbox") == 0;
}

/* What a sandbox sold is nothing, unless the installation says that it is. */
static bool
environment_counts(const Premium *premium)
{
	return !premium->sandbox || setting_boolean("accept_sandbox");
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
