/*
 * ring.h: rings of transactions of which one waits outside of the server's queues.
 *
 * The server searches its queues alone. A transaction that asks for a row again and again tells
 * here whom it waits for, and finds whether these wait for itself.
 */
#ifndef COURSEBASE_CORE_RING_H
#define COURSEBASE_CORE_RING_H

#include "postgres.h"

#include "nodes/lockoptions.h"
#include "storage/itemptr.h"

/* The most transactions that are told; of a row that more hold some are not. */
#define RING_HOLDERS 32

/* Whom this transaction waits for. Begins as zeros. */
typedef struct RingWait
{
	int count;
	TransactionId holders[RING_HOLDERS];
	int told; /* of the holders, in the lock table */
} RingWait;

/* Forgets the holders, also in the lock table. The end of a (sub)transaction does the same. */
extern void ring_forget(RingWait *wait);

/* Adds the transactions that hold the row in a mode with which the wanted one conflicts; not
 * this one, and none of a row that is no longer there. */
extern void ring_add(RingWait *wait, Oid table, ItemPointer row, LockTupleMode wanted);

/*
 * Tells the lock table of the holders. True if one of them waits for this transaction, itself
 * or by others who wait. Whoever left its wait at this moment may still count: a ring is there
 * when it is found twice. yields: that somebody else may be in the ring who waits outside of
 * the queues as well and gives up first, for one is enough.
 */
extern bool ring_closes(RingWait *wait, bool *yields);

#endif
