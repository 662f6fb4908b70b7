/*
 * credits.c: the member "ai_usage" of the answer.
 *
 * What the account is at a time is known to allowance/credit_state.c alone; how long time
 * leaves it so bounds the answer.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "allowance/credit_state.h"
#include "sync/members.h"

/*
 * The answer is true from the last change of the account until the week turns, and the cache
 * keeps it no longer.
 */
void
handshake_credits_write(StringInfo out, Validity *validity, const pg_uuid_t *user)
{
	CreditState credits;

	credit_state_look(&credits, user, validity->at);
	credit_state_write(out, &credits);
	if (credits.from != DT_NOBEGIN)
		validity_turns(validity, credits.from);
	if (credits.begun)
		validity_turns(validity, credits.reset);
}
