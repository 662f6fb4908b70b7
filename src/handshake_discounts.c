/*
 * handshake_discounts.c: the member "discounts" of the answer: the codes that the user may use
 * now, by code.
 *
 * Due discounts are assigned before the state is computed, so that the answer has them; in a
 * read-only transaction the member is what was assigned until then. The moments at which a code
 * of the user's begins or ends bound the state, those of codes that are not assigned yet too.
 * Times are written in UTC, so that no session's time zone shows in a kept answer.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "handshake.h"
#include "json_write.h"
#include "plan.h"

#define OF_EVERYBODY_OR_COHORT                                                                 \
	"(c.cohort_id IS NULL OR c.cohort_id ="                                                    \
	" (SELECT m.cohort_id FROM coursebase.user_cohorts m WHERE m.user_id = $1))"

static KeptPlan assign_due = {
	.sql = "SELECT coursebase.assign_discounts($1, $2)"
		   " WHERE EXISTS (SELECT FROM coursebase.discount_codes c"
		   "  WHERE " OF_EVERYBODY_OR_COHORT " AND c.is_active"
		   "  AND (c.starts_at IS NULL OR c.starts_at <= $2)"
		   "  AND (c.expires_at IS NULL OR c.expires_at > $2)"
		   "  AND NOT EXISTS (SELECT FROM coursebase.user_discounts d"
		   "   WHERE d.user_id = $1 AND d.discount_code_id = c.id))",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

static KeptPlan read_usable = {
	.sql = "SELECT row_to_json(r)::text FROM ("
		   " SELECT btrim(c.code) AS code, c.product_type, c.item, c.percent_off,"
		   " c.amount_off_in_cents, c.currency, (to_json(least(d.expires_at, c.expires_at)"
		   "  AT TIME ZONE 'UTC') #>> '{}') || '+00:00' AS expires_at,"
		   " c.android_offer_id, c.ios_offer_id, c.product_suffix"
		   " FROM coursebase.user_discounts d"
		   " JOIN coursebase.discount_codes c ON c.id = d.discount_code_id"
		   " WHERE d.user_id = $1 AND d.status <> 'redeemed' AND c.is_active"
		   " AND c.referrer_id IS DISTINCT FROM $1"
		   " AND (c.starts_at IS NULL OR c.starts_at <= $2)"
		   " AND (c.expires_at IS NULL OR c.expires_at > $2)"
		   " AND (d.expires_at IS NULL OR d.expires_at > $2)) r"
		   " ORDER BY r.code COLLATE \"C\"",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

/* The last moment until $2 and the first after it. */
static KeptPlan read_moments = {
	.sql = "SELECT max(t.moment) FILTER (WHERE t.moment <= $2),"
		   " min(t.moment) FILTER (WHERE t.moment > $2) FROM ("
		   " SELECT u.moment FROM coursebase.discount_codes c,"
		   "  LATERAL (VALUES (c.starts_at), (c.expires_at)) u (moment)"
		   "  WHERE " OF_EVERYBODY_OR_COHORT " UNION ALL"
		   " SELECT u.moment FROM coursebase.user_discounts d"
		   "  JOIN coursebase.discount_codes c ON c.id = d.discount_code_id,"
		   "  LATERAL (VALUES (d.expires_at), (c.starts_at), (c.expires_at)) u (moment)"
		   "  WHERE d.user_id = $1) t",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

static void moments_read(HandshakeState *state, Datum *values, TimestampTz at);

bool
handshake_discounts_assign(const pg_uuid_t *user, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(at)};
	bool null;

	return plan_execute(&assign_due, values, NULL, false) == 1 &&
		   DatumGetInt32(plan_value(0, 1, &null)) > 0;
}

void
handshake_discounts_write(StringInfo out, HandshakeState *state, const pg_uuid_t *user,
						  TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(at)};
	uint64 count = plan_execute(&read_usable, values, NULL, true);

	appendStringInfoChar(out, '[');
	for (uint64 i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		appendStringInfoString(out, plan_text(i, 1));
	}
	appendStringInfoChar(out, ']');
	moments_read(state, values, at);
}

static void
moments_read(HandshakeState *state, Datum *values, TimestampTz at)
{
	plan_execute(&read_moments, values, NULL, true);
	for (int column = 1; column <= 2; column++)
	{
		bool null;
		Datum moment = plan_value(0, column, &null);

		if (!null && !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(moment)))
			handshake_state_turns(state, DatumGetTimestampTz(moment), at);
	}
}
