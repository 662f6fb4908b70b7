/*
 * subscription.c: the member "subscription" of the answer.
 *
 * What a sandbox sold is told of only where it counts. Times are written in UTC, so that no
 * session's time zone shows in a kept answer.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "billing/fold.h"
#include "billing/premium.h"
#include "json/json_write.h"
#include "sync/handshake.h"

static void time_write(StringInfo out, int64 time);

void
handshake_subscription_write(StringInfo out, HandshakeState *state, const pg_uuid_t *user,
							 TimestampTz at)
{
	Premium plan;

	premium_read(&plan, user);
	if (!plan.counts)
	{
		json_write_literal(out, "{\"plan\":\"free\",\"status\":null,\"expires_at\":null,"
								"\"grace_until\":null,\"auto_renew\":false}");
		return;
	}
	if (plan.end != FOLD_NEVER)
		handshake_state_turns(state, plan.end, at);
	appendStringInfo(out, "{\"plan\":\"%s\",\"status\":\"%s\",\"expires_at\":",
					 premium_holds(&plan, at) ? "premium" : "free",
					 subscription_status_names[plan.term.status]);
	time_write(out, plan.term.expires_at);
	json_write_literal(out, ",\"grace_until\":");
	time_write(out, plan.term.grace_until);
	appendStringInfo(out, ",\"auto_renew\":%s}", plan.term.auto_renew ? "true" : "false");
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
