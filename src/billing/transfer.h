/*
 * transfer.h: a line of renewals goes to another person.
 *
 * Needs SPI.
 */
#ifndef COURSEBASE_BILLING_TRANSFER_H
#define COURSEBASE_BILLING_TRANSFER_H

#include "postgres.h"

#include "utils/uuid.h"

/* What became of a line that was to go to a person. */
typedef enum LineTransfer
{
	LINE_UNKNOWN, /* there is no such line */
	LINE_STAYS,   /* it is that person's, or went to somebody else meanwhile */
	LINE_MOVED,
} LineTransfer;

/*
 * Moves the line with its events, and folds the events of both people. Locks both people; to be
 * called before anything else is locked, or with both locked. Raises KB106 for a receiver who
 * is closed or not there. The caller moves the receipts of its payments, or none refunds them.
 */
extern LineTransfer subscription_transfer(const char *store, const char *line,
										  const pg_uuid_t *to);

#endif
