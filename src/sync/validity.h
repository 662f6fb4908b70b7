/*
 * validity.h: for which times an answer holds, as far as time alone decides.
 *
 * Whoever computes a part of the answer tells each moment at which time changes that part. What
 * remains is the interval around the time asked about in which no such moment lies: a cached
 * answer holds in it, however many clocks the parts depend on.
 */
#ifndef COURSEBASE_SYNC_VALIDITY_H
#define COURSEBASE_SYNC_VALIDITY_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct Validity
{
	TimestampTz at;   /* the time asked about */
	TimestampTz from; /* the answer holds in [from, until) */
	TimestampTz until;
} Validity;

/* Nothing is known to change: the answer holds for ever. */
static inline Validity
validity_at(TimestampTz at)
{
	return (Validity){.at = at, .from = DT_NOBEGIN, .until = DT_NOEND};
}

/* At this moment the answer changes: what holds at `at` does not hold on its other side. */
static inline void
validity_turns(Validity *validity, TimestampTz moment)
{
	if (moment > validity->at)
		validity->until = Min(validity->until, moment);
	else
		validity->from = Max(validity->from, moment);
}

#endif
