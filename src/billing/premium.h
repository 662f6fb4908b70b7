/*
 * premium.h: whether a user has premium at a time, and from when until when.
 *
 * The answer is computed from the rows of subscription_lines and from the setting
 * accept_sandbox, for the past from the log: the same for has_premium(), for the right to
 * courses, for credits and for the handshake.
 */
#ifndef COURSEBASE_BILLING_PREMIUM_H
#define COURSEBASE_BILLING_PREMIUM_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "billing/fold.h"

/* Premium of one user at one time. */
typedef struct Premium
{
	bool found;   /* there is a line */
	bool counts;  /* there is one whose environment counts (billing/environment.h) */
	bool sandbox; /* the line that the term is of is of a store's sandbox */
	bool barred; /* a line would give access at that time, and its environment does not count */
	bool holds;  /* there is premium at that time */
	/* the answer is the same in [from, until); DT_NOBEGIN and DT_NOEND: for ever */
	TimestampTz from;
	TimestampTz until;
	FoldTerm term; /* of the line that gives the answer */
	/* of premium_read_then(): the term is the same in [term_from, term_until) */
	TimestampTz term_from;
	TimestampTz term_until;
} Premium;

/*
 * Reads the lines with the active snapshot, past row security: the caller has checked that the
 * user may be asked about. Reads the index directly if it can, and connects to SPI by itself if
 * it cannot, or for a time before the last span of access of some line. Keeps no memory, and
 * raises KB001 if the tables are missing. The term is that after all events.
 */
extern void premium_read(Premium *premium, const pg_uuid_t *user, TimestampTz at);

/* The same with the term as it was at that time. */
extern void premium_read_then(Premium *premium, const pg_uuid_t *user, TimestampTz at);

/*
 * When premium ends for good, by what is known now: DT_NOEND for never, DT_NOBEGIN if there is
 * none at any time. Reads as premium_read() does.
 */
extern TimestampTz premium_end(const pg_uuid_t *user);

#endif
