/*
 * pack_receipt.h: who keeps the receipts by which stores sold packs.
 *
 * The slice store has them. It stands to the right of allowance, so allowance must not call it
 * by name: store sets the keeper when the library is loaded.
 */
#ifndef COURSEBASE_ALLOWANCE_PACK_RECEIPT_H
#define COURSEBASE_ALLOWANCE_PACK_RECEIPT_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Both are called between SPI_connect() and SPI_finish(), with the rights of the tables' owner,
 * and may raise. */
typedef struct PackReceiptKeeper
{
	/*
	 * Locks everybody whom the purchase concerns, then its receipt: before a refund locks
	 * anything, for the receipt knows of more people than the pack does.
	 */
	void (*lock)(const char *source, const char *environment, const char *purchase_id);

	/* Makes the receipt, if there is one, refunded or valid, as the pack is by now. */
	void (*settle)(const char *source, const char *environment, const char *purchase_id,
				   TimestampTz at);
} PackReceiptKeeper;

/* NULL: there are no receipts. Set once, by _PG_init(). */
extern const PackReceiptKeeper *pack_receipt_keeper;

#endif
