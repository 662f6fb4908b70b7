/*
 * turnover.h: what was sold of each product, and to how many people.
 */
#ifndef COURSEBASE_ACCOUNT_TURNOVER_H
#define COURSEBASE_ACCOUNT_TURNOVER_H

#include "postgres.h"

#include "utils/uuid.h"

/* The sales of one product, or of all; refunded in part counts in the money alone. */
typedef struct Turnover
{
	pg_uuid_t product; /* undefined for that of all */
	int64 sales_in_cents;
	int64 refunded_in_cents;
	int64 purchases;
	int64 refunds;   /* purchases that were refunded in full */
	int64 customers; /* people with a purchase that was not */
} Turnover;

typedef struct Turnovers
{
	Turnover all;
	Turnover *products; /* those of which something was sold, in no order */
	int count;
} Turnovers;

/*
 * Reads all purchases that the active snapshot sees, past row security: the caller has decided
 * that the answer may be known. The result lies in the current context. Raises 22003 for sums
 * beyond bigint, and what core/rows.h raises.
 */
extern void turnovers_read(Turnovers *turnovers);

/* Counts the people who have a course without an end by a grant or a sale, on the same terms.
 */
extern int64 turnover_students(void);

#endif
