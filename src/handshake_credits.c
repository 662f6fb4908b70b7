/*
 * handshake_credits.c: the member "ai_usage" of the answer.
 *
 * What it says is the business of credits, which is asked by a statement; how long time leaves
 * it so comes with it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "handshake.h"
#include "plan.h"

static KeptPlan read_member = {
	.sql = "SELECT m.member, m.valid_from, m.valid_until "
		   "FROM coursebase.ai_usage_member($1, $2) m",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

static void time_narrow(HandshakeState *state, int column, TimestampTz at);

void
handshake_credits_write(StringInfo out, HandshakeState *state, const pg_uuid_t *user,
						TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(at)};

	if (plan_execute(&read_member, values, NULL, true) != 1)
		elog(ERROR, "credits gave no member of the handshake");
	appendStringInfoString(out, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	time_narrow(state, 2, at);
	time_narrow(state, 3, at);
}

static void
time_narrow(HandshakeState *state, int column, TimestampTz at)
{
	bool null;
	Datum moment = plan_value(0, column, &null);

	if (!null)
		handshake_state_turns(state, DatumGetTimestampTz(moment), at);
}
