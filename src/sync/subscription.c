/*
 * subscription.c: the member "subscription" of the answer.
 *
 * plan is premium while any entitlement is held, for clients that know no others; entitlements
 * names them.
 * A subscription that a sandbox sold is told only while it counts (billing/environment.h). The
 * answer is bounded by the moments at which premium or the status turns: for a time in the
 * past, that of each event. An event that comes moves the version of the user.
 */
#include "postgres.h"

#include "utils/snapmgr.h"

#include "billing/fold.h"
#include "billing/premium.h"
#include "core/datum.h"
#include "json/json_write.h"
#include "sync/members.h"

static void entitlements_write(StringInfo out, Validity *validity, const pg_uuid_t *user);
static void time_write(StringInfo out, int64 time);

/*
 * Without a line that counts the answer is "free" at every time that is known; a line that
 * comes moves the version of the user.
 */
void
handshake_subscription_write(StringInfo out, Validity *validity, const pg_uuid_t *user)
{
	Premium premium;

	premium_read_then(&premium, &entitlement_ask_any, user, validity->at);
	if (!premium.counts)
	{
		json_write_literal(out, "{\"plan\":\"free\",\"status\":null,\"expires_at\":null,"
								"\"grace_until\":null,\"auto_renew\":false,"
								"\"entitlements\":[]}");
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
	appendStringInfo(out, ",\"auto_renew\":%s,\"entitlements\":[",
					 premium.term.auto_renew ? "true" : "false");
	if (premium.holds)
		entitlements_write(out, validity, user);
	json_write_literal(out, "]}");
}

/* By name. Where only premium is given, who holds anything holds that. */
static void
entitlements_write(StringInfo out, Validity *validity, const pg_uuid_t *user)
{
	EntitlementLimits limits;
	const char *between = "";

	if (entitlements_known(GetActiveSnapshot())->only_premium)
	{
		json_write_literal(out, "\"" ENTITLEMENT_PREMIUM "\"");
		return;
	}
	entitlement_limits(&limits, user, validity->at);
	for (int i = 0; i < limits.nnames; i++)
	{
		/* names are lower-case letters, digits and _: nothing to escape */
		appendStringInfo(out, "%s\"%s\"", between, limits.names[i]);
		between = ",";
	}
	if (limits.valid_from != DT_NOBEGIN)
		validity_turns(validity, limits.valid_from);
	if (limits.valid_until != DT_NOEND)
		validity_turns(validity, limits.valid_until);
}

/*
 * In UTC whatever the session's zone is: the digest of the answer must be the same in every
 * session.
 */
static void
time_write(StringInfo out, int64 time)
{
	if (time == FOLD_NEVER)
		json_write_literal(out, "null");
	else
		appendStringInfo(out, "\"%s\"", time_utc_text(time));
}
