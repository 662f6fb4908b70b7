/*
 * standby.c: a read on a standby that comes after a write on the primary.
 *
 * write_position() says on the primary how far its log (WAL) goes; wait_for() on a standby
 * returns once so much of it is replayed, so that whoever wrote reads what was written. The
 * position travels with the client: neither function reads or writes a table.
 *
 * Invariant: every transaction that had committed when write_position() was asked lies before
 * the position, whatever its session and its synchronous_commit.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/xlogrecovery.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "core/compat.h"
#include "core/errors.h"

/* Whoever waits holds a connection: nobody may hold one for as long as the caller likes. */
#define TIMEOUT_MAX (60 * USECS_PER_SEC)

/* The server wakes nobody as it replays, so that the position is looked at again and again. */
#define PAUSE_MIN_MS 1
#define PAUSE_MAX_MS 20

static XLogRecPtr log_end(void);
static int64 timeout_of(const Interval *timeout);
static void snapshot_require_renewed(void);
static int64 elapsed_since(instr_time began);
static void pause_briefly(int64 elapsed, int64 timeout);
pg_noreturn static void raise_behind(XLogRecPtr wanted, XLogRecPtr replayed);

PG_FUNCTION_INFO_V1(coursebase_write_position);
PG_FUNCTION_INFO_V1(coursebase_wait_for);

/* SQL function: write_position() returns pg_lsn */
PGDLLEXPORT Datum
coursebase_write_position(PG_FUNCTION_ARGS)
{
	XLogRecPtr end;

	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
						errmsg("a standby has no position of a write"),
						errdetail("Nothing was written here."), errhint("Ask the primary.")));
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("the position of a write is known once it is committed"),
				 errdetail("This transaction has written, and is not committed."),
				 errhint("Call write_position() in a transaction that comes after it.")));
	end = log_end();
	/* what is not on disk is sent to no standby, and a commit may be asynchronous */
	XLogFlush(end);
	PG_RETURN_LSN(end);
}

/* SQL function: wait_for(lsn pg_lsn, timeout interval) returns void */
PGDLLEXPORT Datum
coursebase_wait_for(PG_FUNCTION_ARGS)
{
	XLogRecPtr wanted = PG_GETARG_LSN(0);
	int64 timeout = timeout_of(PG_GETARG_INTERVAL_P(1));
	instr_time began;

	/* the primary has everything */
	if (!RecoveryInProgress())
		PG_RETURN_VOID();
	snapshot_require_renewed();
	INSTR_TIME_SET_CURRENT(began);
	/* a standby that is promoted meanwhile has all that there is, and answers as the primary */
	while (GetXLogReplayRecPtr(NULL) < wanted && RecoveryInProgress())
	{
		int64 elapsed = elapsed_since(began);

		if (elapsed >= timeout)
			raise_behind(wanted, GetXLogReplayRecPtr(NULL));
		pause_briefly(elapsed, timeout);
	}
	PG_RETURN_VOID();
}

/*
 * Where the log ends that all sessions have written. At a page's end the server names the place
 * of the next record, which is behind the next page's header; there is no log up to there to
 * flush.
 */
static XLogRecPtr
log_end(void)
{
	XLogRecPtr next = GetXLogInsertRecPtr();
	uint32 header = XLogSegmentOffset(next, wal_segment_size) < XLOG_BLCKSZ
						? SizeOfXLogLongPHD
						: SizeOfXLogShortPHD;

	return next % XLOG_BLCKSZ == header ? next - header : next;
}

/* In microseconds. Months and days are longer than anybody may wait. */
static int64
timeout_of(const Interval *timeout)
{
	if (timeout->month != 0 || timeout->day != 0 || timeout->time < 0 ||
		timeout->time > TIMEOUT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("timeout is out of range"),
				 errdetail("It may be from 0 to 1 minute."),
				 errhint("Pass a shorter time, and ask the primary when it is over.")));
	return timeout->time;
}

/*
 * Above READ COMMITTED a transaction reads with its first snapshot, which it has taken for the
 * statement that calls wait_for() at the latest. After the wait it would still see the state
 * before it.
 */
static void
snapshot_require_renewed(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("wait_for() would show nothing new to this transaction"),
				 errdetail("Above READ COMMITTED every statement sees what the first one saw."),
				 errhint("Call wait_for() before the transaction begins.")));
}

static int64
elapsed_since(instr_time began)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, began);
	return (int64) INSTR_TIME_GET_MICROSEC(now);
}

/*
 * A standby is mostly behind by a few milliseconds, seldom by long: the pauses grow with the
 * time that was waited. A cancel, statement_timeout and the end of the server end the wait at
 * once.
 */
static void
pause_briefly(int64 elapsed, int64 timeout)
{
	int64 pause = Max(elapsed / 8000, PAUSE_MIN_MS);
	int64 left = (timeout - elapsed + 999) / 1000;

	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 (long) Min(Min(pause, PAUSE_MAX_MS), left), PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static void
raise_behind(XLogRecPtr wanted, XLogRecPtr replayed)
{
	ereport(ERROR, (errcode(ERRCODE_CB_STANDBY_BEHIND),
					errmsg("this standby is behind what is asked for"),
					errdetail("It has replayed up to %X/%X, and not up to %X/%X.",
							  LSN_FORMAT_ARGS(replayed), LSN_FORMAT_ARGS(wanted)),
					errhint("Ask the primary.")));
}
