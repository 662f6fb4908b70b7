/*
 * lock_behind.c: a statement that holds its row waits for a lock behind it, and gives up itself
 * where it stands in a ring with a function. With more than two in the ring, or on a machine
 * that wakes it up too late, the server may still end the function (test/t/597_pairs.pl).
 *
 * A ring is there only if somebody waits for this transaction while it waits. The server looks
 * for a ring once a wait, when that has lasted for deadlock_timeout, and ends who looks. So the
 * statement stands in the queue only while nobody waits for it, and for less than
 * deadlock_timeout at a time: whoever comes to wait for it meanwhile looks when it has left the
 * queue, and finds no ring. Out of the queue the statement waits on, until the other one has
 * waited for a good part of deadlock_timeout: whoever holds the lock may end until then. Then
 * the statement gives up, and never the other one. What is left of deadlock_timeout is for a
 * busy machine, on which this statement wakes up late.
 *
 * Of two statements that wait for each other in this way one is out of the queue first, sees
 * the other one in it, and gives up.
 *
 * Who waits is read from the lock table as pg_locks shows it. That copies the table, so that it
 * is done once a pause, and only by who found a row that is not free.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "core/attempt.h"
#include "core/errors.h"
#include "core/lock_behind.h"
#include "core/owner.h"

/* The longest pause between two tries, in milliseconds; the first is one. */
#define PAUSE_LONGEST 20
/* In hundredths of deadlock_timeout: how long the statement stands in the queue at a time, and
 * how long somebody may have waited for it before it gives up, which is less. */
#define IN_THE_QUEUE 50
#define PATIENCE     40

/* What attempt() hands on. */
typedef struct QueueStand
{
	LockBehind *rows;
	Datum *values;
	uint64 count;
} QueueStand;

static bool rows_lock_free(LockBehind *rows, Datum *values, uint64 *count);
static void pause_for(long milliseconds);
static bool rows_lock_in_queue(LockBehind *rows, Datum *values, uint64 *count);
static bool queue_stand(void *argument);
static bool is_timeout(int sqlstate);
static bool lasted(TimestampTz since, long hundredths);
static bool somebody_waits(long hundredths);
static bool lock_blocks(const LockInstanceData *held, const LockInstanceData *wanted);
pg_noreturn static void ring_raise(void);

uint64
lock_behind(LockBehind *rows, Datum *values)
{
	TimestampTz begun = 0;
	long pause = 1;
	uint64 count;

	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return owner_execute(&rows->wait, values, NULL, false);
	while (!rows_lock_free(rows, values, &count))
	{
		if (begun == 0)
			begun = GetCurrentTimestamp();
		else if (LockTimeout > 0 &&
				 TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), LockTimeout))
			ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
							errmsg("canceling statement due to lock timeout")));
		if (somebody_waits(PATIENCE))
			ring_raise();
		if (!somebody_waits(0) && rows_lock_in_queue(rows, values, &count))
			return count;
		pause_for(pause);
		/* two that left the queue together must not come back together */
		pause = Min(pause * 2, PAUSE_LONGEST + MyProcPid % PAUSE_LONGEST);
	}
	return count;
}

/* Locks those of the rows that are free; whether these are all, and how many. */
static bool
rows_lock_free(LockBehind *rows, Datum *values, uint64 *count)
{
	SPITupleTable *locked;
	uint64 there;

	*count = owner_execute(&rows->skip, values, NULL, false);
	if (rows->single && *count == 1)
		return true;
	locked = SPI_tuptable;
	there = owner_execute(&rows->there, values, NULL, false);
	SPI_tuptable = locked;
	return *count >= there;
}

/* Locks the rows as they become free, for less than deadlock_timeout: false when that was too
 * short. In a subtransaction, which the time-out ends. */
static bool
rows_lock_in_queue(LockBehind *rows, Datum *values, uint64 *count)
{
	QueueStand stand = {rows, values, 0};
	ErrorData *error = attempt(queue_stand, &stand, is_timeout);

	*count = stand.count;
	return error == NULL;
}

static bool
queue_stand(void *argument)
{
	QueueStand *stand = argument;
	int level = NewGUCNestLevel();
	int limit = Max(DeadlockTimeout * IN_THE_QUEUE / 100, 1);

	if (LockTimeout > 0)
		limit = Min(limit, LockTimeout);

	(void) set_config_option("lock_timeout", psprintf("%d", limit), PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	stand->count = owner_execute(&stand->rows->wait, stand->values, NULL, false);
	AtEOXact_GUC(true, level);
	return true;
}

static bool
is_timeout(int sqlstate)
{
	return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* Whether so much of deadlock_timeout has passed. */
static bool
lasted(TimestampTz since, long hundredths)
{
	return TimestampDifferenceExceeds(since, GetCurrentTimestamp(),
									  (int) (DeadlockTimeout * hundredths / 100));
}

static void
pause_for(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Whether some session has waited for a lock of this one for so much of deadlock_timeout; 0 for
 * any that waits. */
static bool
somebody_waits(long hundredths)
{
	LockData *locks = GetLockStatusData();
	bool waits = false;

	for (int w = 0; w < locks->nelements && !waits; w++)
	{
		const LockInstanceData *wanted = &locks->locks[w];

		if (wanted->waitLockMode == NoLock)
			continue;
		/* the server sets the time a moment after the wait begins */
		if (hundredths > 0 &&
			(wanted->waitStart == 0 || !lasted(wanted->waitStart, hundredths)))
			continue;
		for (int h = 0; h < locks->nelements && !waits; h++)
			waits = lock_blocks(&locks->locks[h], wanted);
	}
	pfree(locks->locks);
	pfree(locks);
	return waits;
}

/* Whether the first is a lock of this session that the second waits for. */
static bool
lock_blocks(const LockInstanceData *held, const LockInstanceData *wanted)
{
	if (held->pid != MyProcPid || wanted->pid == MyProcPid ||
		memcmp(&held->locktag, &wanted->locktag, sizeof(LOCKTAG)) != 0)
		return false;
	for (LOCKMODE mode = 1; mode <= MaxLockMode; mode++)
		if ((held->holdMask & LOCKBIT_ON(mode)) != 0 &&
			DoLockModesConflict(mode, wanted->waitLockMode))
			return true;
	return false;
}

/* At READ COMMITTED not 40001, which gateways repeat by themselves without an end. */
static void
ring_raise(void)
{
	ereport(ERROR,
			(errcode(IsolationUsesXactSnapshot() ? ERRCODE_T_R_SERIALIZATION_FAILURE
												 : ERRCODE_CB_IN_THE_WAY),
			 errmsg("another transaction waits for this one, which waits as well"),
			 errdetail("The statement holds its row and needs a lock that is not free, and the "
					   "two may be waiting for each other. Nothing was written."),
			 errhint("Try again, or lock the person's row of users, or the program, before the "
					 "statement.")));
}
