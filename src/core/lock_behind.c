/*
 * lock_behind.c: a statement that holds its row waits for a lock behind it, and gives up itself
 * where it stands in a ring.
 *
 * Invariant: every wait in the server's queues goes forward in the order of locks, and this
 * one, which goes back, is in none of them. So the server, which searches its queues for rings
 * and ends who finds one, finds none: no function and nobody else is ended, however many stand
 * in the ring and however late a busy machine wakes them up. The statement asks for its rows
 * again and again instead, and looks itself (ring.h). It gives up only in a ring, and waits on
 * for whoever only takes long.
 *
 * Who holds the rows is read from them, so that a row that is held by somebody who does not
 * want anything from this transaction is waited for even while others wait for this one.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "core/lock_behind.h"
#include "core/owner.h"
#include "core/ring.h"

/* The longest pause between two tries, in milliseconds; the first is one. */
#define PAUSE_LONGEST 20
/* The pause from which on a ring is looked for: most locks are free before. */
#define PAUSE_LOOK 8
/* So often one after the other a ring is found before it is one, and before this statement
 * gives up where another one may do so. */
#define LOOKS        2
#define LOOKS_YIELDS 6

/* The columns of the rows without a lock. */
enum
{
	THERE_TABLE = 1,
	THERE_ROW,
};

static bool rows_lock_free(LockBehind *rows, Datum *values, uint64 *count);
static void rows_wait_for(LockBehind *rows, Datum *values, RingWait *wait);
static void pause_for(long milliseconds);
static void timeout_raise(TimestampTz begun);
pg_noreturn static void ring_raise(void);

uint64
lock_behind(LockBehind *rows, Datum *values)
{
	RingWait wait = {0};
	TimestampTz begun = 0;
	long pause = 1;
	int rings = 0;
	bool yields;
	uint64 count;

	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return owner_execute(&rows->wait, values, NULL, false);
	while (!rows_lock_free(rows, values, &count))
	{
		if (begun == 0)
			begun = GetCurrentTimestamp();
		timeout_raise(begun);
		if (pause >= PAUSE_LOOK)
		{
			rows_wait_for(rows, values, &wait);
			rings = ring_closes(&wait, &yields) ? rings + 1 : 0;
			if (rings >= (yields ? LOOKS_YIELDS : LOOKS))
				ring_raise();
		}
		pause_for(pause);
		/* not in step with another one that waits like this */
		pause = Min(pause * 2, PAUSE_LONGEST + MyProcPid % PAUSE_LONGEST);
	}
	ring_forget(&wait);
	return count;
}

/* Locks those of the rows that are free; whether these are all, and how many. A wait may be
 * long: results do not stay until SPI_finish(). */
static bool
rows_lock_free(LockBehind *rows, Datum *values, uint64 *count)
{
	SPITupleTable *locked;
	bool all;

	*count = owner_execute(&rows->skip, values, NULL, false);
	if (rows->single && *count == 1)
		return true;
	locked = SPI_tuptable;
	all = *count >= owner_execute(&rows->there, values, NULL, false);
	SPI_freetuptable(SPI_tuptable);
	if (!all)
		SPI_freetuptable(locked);
	SPI_tuptable = all ? locked : NULL;
	return all;
}

/* Finds who holds the rows now. */
static void
rows_wait_for(LockBehind *rows, Datum *values, RingWait *wait)
{
	uint64 count = owner_execute(&rows->there, values, NULL, false);

	ring_forget(wait);
	for (uint64 i = 0; i < count; i++)
	{
		Datum row = plan_value_as(i, THERE_ROW, TIDOID, NULL);

		ring_add(wait, DatumGetObjectId(plan_value_as(i, THERE_TABLE, OIDOID, NULL)),
				 (ItemPointer) DatumGetPointer(row), rows->mode);
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
pause_for(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* As in the queue: lock_timeout ends the wait. */
static void
timeout_raise(TimestampTz begun)
{
	if (LockTimeout > 0 &&
		TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), LockTimeout))
		ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
						errmsg("canceling statement due to lock timeout")));
}

/* At READ COMMITTED not 40001, which gateways repeat by themselves without an end. */
static void
ring_raise(void)
{
	ereport(
		ERROR,
		(errcode(IsolationUsesXactSnapshot() ? ERRCODE_T_R_SERIALIZATION_FAILURE
											 : ERRCODE_CB_IN_THE_WAY),
		 errmsg("another transaction waits for this one, which waits as well"),
		 errdetail("The statement holds its row and needs a lock whose holder waits for it. "
				   "Nothing was written."),
		 errhint("Try again, or lock the person's row of users, or the program, before the "
				 "statement.")));
}
