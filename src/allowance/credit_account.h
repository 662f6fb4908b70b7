/*
 * credit_account.h: a person's account of credits and its log, read and written by statements.
 *
 * Needs SPI_connect() and the rights of the tables' owner (core/owner.h). Whoever writes opens
 * the account first: that locks the row of users and reads what the transaction that held it
 * before has left, so that what was found stays true until the commit. Texts in the results are
 * allocated in the context that was current before SPI_connect().
 */
#ifndef COURSEBASE_ALLOWANCE_CREDIT_ACCOUNT_H
#define COURSEBASE_ALLOWANCE_CREDIT_ACCOUNT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "allowance/credit_state.h"

/*
 * Locks the user and gives the account at that time, or at that of the last entry if that is
 * later. Raises KB106 for a user that is unknown or, unless closed_too, closed; 22008 for a
 * week that ends out of range; and what a wait for a lock can raise.
 */
extern void credit_open(CreditState *state, const pg_uuid_t *user, TimestampTz at,
						bool closed_too);

/*
 * The account at any time without a lock, in the caller's snapshot: a past one as the log has
 * it, a later one with the weeks that turn until then. A user without an account has nothing.
 * Raises 22008 for a week that ends out of range.
 */
extern void credit_look(CreditState *state, const pg_uuid_t *user, TimestampTz at);

/*
 * Writes an account that credit_open() gave, after the caller changed state->account: first the
 * account, then an entry of what time alone did, then this entry, of which the function fills
 * in change, account, reset and position. Afterwards the state is that of an account just
 * opened, for a further change. Raises 40001 if an older snapshot hid the account.
 */
extern void credit_save(CreditState *state, CreditEntry *entry);

/*
 * The entries of a use, by its key, the first one first; at most two: a use is begun and ended.
 * Returns their number.
 */
extern int credit_entries(CreditEntry entries[2], const pg_uuid_t *user, const char *key);

/* The person's latest entry of that kind (pack, refund, moved_in) of a purchase; false if there
 * is none. */
extern bool credit_purchase_entry(CreditEntry *entry, const pg_uuid_t *user,
								  const pg_uuid_t *purchase, const char *kind);

#endif
