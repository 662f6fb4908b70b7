/*
 * credits.c: the member "ai_usage" of the answer.
 *
 * What it says is the business of allowance/credit_state.c; how long time leaves it so bounds
 * the state.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "allowance/credit_state.h"
#include "sync/handshake.h"

void
handshake_credits_write(StringInfo out, HandshakeState *state, const pg_uuid_t *user,
						TimestampTz at)
{
	CreditState credits;

	credit_state_look(&credits, user, at);
	credit_state_write(out, &credits);
	if (credits.from != DT_NOBEGIN)
		handshake_state_turns(state, credits.from, at);
	if (credits.begun)
		handshake_state_turns(state, credits.reset, at);
}
