/*
 * premium.h: does a user have premium, and until when?
 */
#ifndef COURSEBASE_BILLING_PREMIUM_H
#define COURSEBASE_BILLING_PREMIUM_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "billing/fold.h"

/* What a user's one row of subscriptions says. */
typedef struct Premium
{
	bool found;   /* there is a row */
	bool sandbox; /* a sandbox sold it */
	bool counts;  /* there is one, and what its environment sold is something here */
	FoldTerm term;
	int64 end; /* premium is before this moment; FOLD_NEVER: it is not */
} Premium;

/*
 * Reads the row with the active snapshot, past row security: who calls has decided that the
 * answer may be known. Goes without SPI where the index can be read directly, and connects by
 * itself where it cannot.
 */
extern void premium_read(Premium *premium, const pg_uuid_t *user);

/* Premium is [.., end): what was answered for `at` changes at no moment but this end. */
static inline bool
premium_holds(const Premium *premium, TimestampTz at)
{
	return at < premium->end;
}

#endif
