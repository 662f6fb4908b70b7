/*
 * premium.h: whether a user has premium, and until when.
 *
 * The answer is computed from one row of subscriptions and from the setting accept_sandbox: the
 * same for has_premium(), for the right to courses, for credits and for the handshake.
 */
#ifndef COURSEBASE_BILLING_PREMIUM_H
#define COURSEBASE_BILLING_PREMIUM_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "billing/fold.h"

/* The row of subscriptions of one user. */
typedef struct Premium
{
	bool found;   /* there is a row */
	bool sandbox; /* the row is of a store's sandbox */
	bool counts;  /* there is a row, and its environment counts (billing/environment.h) */
	FoldTerm term;
	int64 end; /* there is premium at every moment before this one; FOLD_NEVER: at none */
} Premium;

/*
 * Reads the row with the active snapshot, past row security: the caller has checked that the
 * user may be asked about. Reads the index directly if it can, and connects to SPI by itself if
 * it cannot. Keeps no memory, and raises KB001 if the tables are missing.
 */
extern void premium_read(Premium *premium, const pg_uuid_t *user);

/*
 * The end itself is not premium any more. An answer for `at` stays true up to the end, so a
 * cache that keeps the end needs no clock of its own.
 */
static inline bool
premium_holds(const Premium *premium, TimestampTz at)
{
	return at < premium->end;
}

#endif
