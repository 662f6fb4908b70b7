/*
 * credit.h: what the files of credits share: a person's account as a call finds and leaves it.
 *
 * Every function that writes locks the row of the user first, and then reads with a new
 * snapshot: what it found stays true until it commits. All need SPI and the rights of the
 * tables' owner.
 */
#ifndef COURSEBASE_ALLOWANCE_CREDIT_H
#define COURSEBASE_ALLOWANCE_CREDIT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "allowance/credit_state.h"

/* credit_account.c: raises KB106 for a user that is unknown or, unless closed_too, closed. */
extern void credit_open(CreditState *state, const pg_uuid_t *user, TimestampTz at,
						bool closed_too);
/* The same without a lock and in the caller's snapshot, as the log has it at that time. */
extern void credit_look(CreditState *state, const pg_uuid_t *user, TimestampTz at);
/* Writes what time did and what the entry says; fills in what it left. */
extern void credit_save(CreditState *state, CreditEntry *entry);
/* The entries of a key (or, key NULL, of a purchase), the first one first; at most two. */
extern int credit_entries(CreditEntry *entries, const pg_uuid_t *user, const char *key,
						  const pg_uuid_t *purchase);
extern TimestampTz credit_time_argument(FunctionCallInfo fcinfo, int argument);
extern void credit_argument_require(FunctionCallInfo fcinfo, int argument, const char *name);
/* Seconds without trailing zeros, and their price; raises 22023 for what is no length. */
extern char *credit_seconds_argument(FunctionCallInfo fcinfo, int argument, int64 *price);

/* credit_pack.c: takes what came back to packs that were refunded meanwhile off the bank. */
extern void credit_packs_take(CreditState *state);

#endif
