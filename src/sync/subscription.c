/*
 * subscription.c: the member "subscription" of the answer.
 *
 * A subscription that a sandbox sold is told only while it counts (billing/environment.h). The
 * answer is bounded by the moments at which premium or the status turns: for a time in the
 * past, that of each event. An event that comes moves the version of the user.
 */
#include "postgres.h"

#include "billing/fold.h"
#include "billing/premium.h"
#include "core/datum.h"
#include "json/json_write.h"
#include "sync/members.h"

static void time_write(StringInfo out, int64 time);

void
handshake_subscription_write(StringInfo out, Validity *validity, const pg_uuid_t *user)
{
	Premium premium;

	premium_read_then(&premium, user, validity->at);
	if (!premium.counts)
	{
		json_write_literal(out, "{\"plan\":\"free\",\"status\":null,\"expires_at\":null,"
								"\"grace_until\":null,\"auto_renew\":false}");
		return;
	}
	/* the ends of premium are among the moments at which the term turns */
	if (premium.term_from != DT_NOBEGIN)
		validity_turns(validity, premium.term_from);
	if (premium.term_until != DT_NOEND)
		validity_turns(validity, premium.term_until);
	appendStringInfo(out, "{\"plan\":\"%s\",\"status\":\"%s\",\"expires_at\":",
					 premium.holds ? "premium" : "free",
					 subscription_status_names[premium.term.status]);
	time_write(out, premium.term.expires_at);
	json_write_literal(out, ",\"grace_until\":");
	time_write(out, premium.term.grace_until);
	appendStringInfo(out, ",\"auto_renew\":%s}", premium.term.auto_renew ? "true" : "false");
}

static void
time_write(StringInfo out, int64 time)
{
	if (time == FOLD_NEVER)
		json_write_literal(out, "null");
	else
		appendStringInfo(out, "\"%s\"", time_utc_text(time));
}
