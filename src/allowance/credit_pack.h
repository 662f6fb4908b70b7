/*
 * credit_pack.h: what refunds take of what comes back, and packs that go to another person.
 *
 * Needs SPI_connect() and the rights of the tables' owner. Errors are those of
 * credit_account.h, and XX001 if the bank is not what its packs hold.
 */
#ifndef COURSEBASE_ALLOWANCE_CREDIT_PACK_H
#define COURSEBASE_ALLOWANCE_CREDIT_PACK_H

#include "allowance/credit_state.h"

/* Credits of a pack. */
typedef struct PackShare
{
	pg_uuid_t pack;
	int64 credits;
} PackShare;

/*
 * Takes what is unspent of refunded packs off the packs, and off state->account, which the
 * caller saves. The account must be open (credit_account.h). Answers of how many packs it took
 * something, and allocates their list in the current context.
 */
extern int credit_packs_take(CreditState *state, PackShare **taken);

/* Writes to the log what refunds took of what the entry before gave back, a pack each. */
extern void credit_packs_log(CreditState *state, const PackShare *taken, int count);

/*
 * Makes the pack of a purchase the other person's, with what the first one has not spent of it;
 * nothing happens where that person has no such pack. The caller holds the locks of both, in
 * the order of uuids. Raises 22003 if the bank would be out of range.
 */
extern void credit_pack_move(const char *source, const char *environment,
							 const char *purchase_id, const pg_uuid_t *from,
							 const pg_uuid_t *to, TimestampTz at);

#endif
