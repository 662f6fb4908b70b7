/*
 * handshake_subscription.c: the member "subscription" of the answer.
 *
 * What a sandbox sold is told of only where it counts. Times are written in UTC, so that no
 * session's time zone shows in a kept answer.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "fetch.h"
#include "handshake.h"
#include "json_write.h"
#include "plan.h"
#include "setting.h"
#include "subscription_fold.h"

/* As far as the member needs it. */
typedef struct Shown
{
	bool found;
	bool sandbox;
	FoldTerm term;
} Shown;

enum
{
	COLUMN_STATUS,
	COLUMN_EXPIRES_AT,
	COLUMN_GRACE_UNTIL,
	COLUMN_AUTO_RENEW,
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
				{"auto_renew", BOOLOID},
				{"environment", TEXTOID, true}},
};

static KeptPlan query_subscription = {
	.sql = "SELECT s.status::text, s.expires_at, s.grace_until, s.auto_renew, s.environment"
		   " FROM coursebase.subscriptions s WHERE s.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

static void plan_read(Shown *plan, const pg_uuid_t *user);
static void plan_set(Shown *plan, const char *status, const Datum *values, const bool *nulls);
static void time_write(StringInfo out, int64 time);

void
handshake_subscription_write(StringInfo out, HandshakeState *state, const pg_uuid_t *user,
							 TimestampTz at)
{
	Shown plan = {false};
	int64 end;

	plan_read(&plan, user);
	if (!plan.found || (plan.sandbox && !setting_boolean("accept_sandbox")))
	{
		json_write_literal(out, "{\"plan\":\"free\",\"status\":null,\"expires_at\":null,"
								"\"grace_until\":null,\"auto_renew\":false}");
		return;
	}
	end = fold_access_end(&plan.term);
	if (end != FOLD_NEVER)
		handshake_state_turns(state, end, at);
	appendStringInfo(out, "{\"plan\":\"%s\",\"status\":\"%s\",\"expires_at\":",
					 at < end ? "premium" : "free",
					 subscription_status_names[plan.term.status]);
	time_write(out, plan.term.expires_at);
	json_write_literal(out, ",\"grace_until\":");
	time_write(out, plan.term.grace_until);
	appendStringInfo(out, ",\"auto_renew\":%s}", plan.term.auto_renew ? "true" : "false");
}

static void
plan_read(Shown *plan, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Datum values[COLUMNS];
	bool nulls[COLUMNS];
	Fetch fetch;

	if (!fetch_open(&fetch, &subscription_by_user, GetActiveSnapshot()))
	{
		if (plan_execute(&query_subscription, &key, NULL, true) == 0)
			return;
		for (int column = 0; column < COLUMNS; column++)
			values[column] = plan_value(0, column + 1, &nulls[column]);
		plan_set(plan, plan_text_required(0, COLUMN_STATUS + 1), values, nulls);
		return;
	}
	fetch_find(&fetch, &key);
	if (fetch_next(&fetch))
	{
		for (int column = 0; column < COLUMNS; column++)
			values[column] = fetch_value(&fetch, column, &nulls[column]);
		plan_set(plan, DatumGetCString(DirectFunctionCall1(enum_out, values[COLUMN_STATUS])),
				 values, nulls);
	}
	fetch_close(&fetch);
}

static void
plan_set(Shown *plan, const char *status, const Datum *values, const bool *nulls)
{
	plan->found = subscription_status_parse(status, &plan->term.status);
	plan->term.expires_at =
		nulls[COLUMN_EXPIRES_AT] ? FOLD_NEVER : DatumGetTimestampTz(values[COLUMN_EXPIRES_AT]);
	plan->term.grace_until = nulls[COLUMN_GRACE_UNTIL]
								 ? FOLD_NEVER
								 : DatumGetTimestampTz(values[COLUMN_GRACE_UNTIL]);
	plan->term.auto_renew =
		!nulls[COLUMN_AUTO_RENEW] && DatumGetBool(values[COLUMN_AUTO_RENEW]);
	plan->sandbox = !nulls[COLUMN_ENVIRONMENT] &&
					strcmp(TextDatumGetCString(values[COLUMN_ENVIRONMENT]), "sandbox") == 0;
}

static void
time_write(StringInfo out, int64 time)
{
	const int utc = 0;
	char text[MAXDATELEN + 1];

	if (time == FOLD_NEVER)
		json_write_literal(out, "null");
	else
		appendStringInfo(
			out, "\"%s\"",
			JsonEncodeDateTime(text, TimestampTzGetDatum(time), TIMESTAMPTZOID, &utc));
}
