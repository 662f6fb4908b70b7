/*
 * lock_behind.h: locks that a plain statement takes after its own row.
 *
 * Functions lock the person or the program first and then its rows. An UPDATE or DELETE of
 * plain SQL holds its row before a trigger of ours can lock anything: waiting in the queue
 * there would close a ring with a function that comes the other way, and the server might end
 * the function.
 */
#ifndef COURSEBASE_CORE_LOCK_BEHIND_H
#define COURSEBASE_CORE_LOCK_BEHIND_H

#include "postgres.h"

#include "nodes/lockoptions.h"

#include "core/plan.h"

/* The same rows three times: with a lock that waits, with one that skips what is not free, and
 * where they are (tableoid, ctid) without a lock. All take the same parameters and have the
 * same condition: a row that the third finds and the second never locks would be waited for
 * without an end. The first two have the same columns. */
typedef struct LockBehind
{
	KeptPlan wait;
	KeptPlan skip;
	KeptPlan there;
	LockTupleMode mode; /* what the first two lock in */
	bool single;        /* there is one row at most */
} LockBehind;

/*
 * Locks the rows until the transaction ends, with the rights of the tables' owner, and says how
 * many they are. Waits, as long as it takes, outside of the server's queues, where no search
 * for a ring meets it; ends with KB007 (40001 in an older snapshot) when whoever it waits for
 * waits for this transaction. In the queue where this transaction has written and locked
 * nothing yet. Needs SPI_connect(); overwrites SPI_tuptable. Also raises what a wait can raise
 * (40001, 55P03).
 */
extern uint64 lock_behind(LockBehind *rows, Datum *values);

#endif
