/*
 * ring.c: who waits for whom, in the server's queues and outside of them.
 *
 * Whom a transaction waits for outside of the queues stands in the lock table: a lock that
 * nobody waits for, whose name is the number of the other transaction. So whoever looks has
 * both kinds of waits in one picture, and what an ended transaction told is gone with its other
 * locks.
 *
 * That picture is what pg_locks shows. It copies the table, so that it is taken once a pause,
 * and only by who found a row that is not free.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/subtrans.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "utils/rel.h"

#include "core/ring.h"

/* The lock's name: an object of pg_namespace, as the lock of all places is (objsubid 1). */
#define OBJSUBID_WAITS 2

/* Who can be reached from this session, by process; the first is this session. */
typedef struct Reached
{
	LockData *locks;
	int *processes;
	int count;
	bool other; /* one that waits outside of the queues and has a greater number */
} Reached;

static void holder_add(RingWait *wait, TransactionId holder);
static void holders_read(RingWait *wait, HeapTupleHeader row, LockTupleMode wanted);
static LockTupleMode mode_held(HeapTupleHeader row);
static LockTupleMode mode_of_member(MultiXactStatus status);
static bool modes_conflict(LockTupleMode held, LockTupleMode wanted);
static LOCKTAG wait_tag(TransactionId holder);
static bool reach(Reached *reached, const LockInstanceData *wanted);
static bool tells_wait(const LockInstanceData *lock);
static bool lock_blocks(const LockInstanceData *other, const LockInstanceData *wanted);
static bool process_add(Reached *reached, int process);

void
ring_forget(RingWait *wait)
{
	for (int i = 0; i < wait->told; i++)
	{
		LOCKTAG tag = wait_tag(wait->holders[i]);

		LockRelease(&tag, AccessShareLock, false);
	}
	wait->told = 0;
	wait->count = 0;
}

/* The row may have been replaced since its place was read: then it has no holder, or one whose
 * ring is not found again. */
void
ring_add(RingWait *wait, Oid table, ItemPointer row, LockTupleMode wanted)
{
	Relation relation = table_open(table, AccessShareLock);
	OffsetNumber offset = ItemPointerGetOffsetNumber(row);
	Buffer buffer;
	Page page;

	if (relation->rd_rel->relam == HEAP_TABLE_AM_OID)
	{
		buffer = ReadBuffer(relation, ItemPointerGetBlockNumber(row));
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		page = BufferGetPage(buffer);
		if (offset <= PageGetMaxOffsetNumber(page) &&
			ItemIdIsNormal(PageGetItemId(page, offset)))
			holders_read(wait, (HeapTupleHeader) PageGetItem(page, PageGetItemId(page, offset)),
						 wanted);
		UnlockReleaseBuffer(buffer);
	}
	table_close(relation, AccessShareLock);
}

/* Whoever has ended counts for none: it holds no lock in the lock table. */
static void
holders_read(RingWait *wait, HeapTupleHeader row, LockTupleMode wanted)
{
	TransactionId holder = HeapTupleHeaderGetRawXmax(row);
	MultiXactMember *members = NULL;
	int count;

	if ((row->t_infomask & HEAP_XMAX_INVALID) != 0 || HEAP_LOCKED_UPGRADED(row->t_infomask))
		return;
	if ((row->t_infomask & HEAP_XMAX_IS_MULTI) == 0)
	{
		if (modes_conflict(mode_held(row), wanted))
			holder_add(wait, holder);
		return;
	}
	count = GetMultiXactIdMembers(holder, &members, false,
								  HEAP_XMAX_IS_LOCKED_ONLY(row->t_infomask));
	for (int i = 0; i < count; i++)
		if (modes_conflict(mode_of_member(members[i].status), wanted))
			holder_add(wait, members[i].xid);
	if (members != NULL)
		pfree(members);
}

/* The mode in which a single transaction holds the row. */
static LockTupleMode
mode_held(HeapTupleHeader row)
{
	if (HEAP_XMAX_IS_KEYSHR_LOCKED(row->t_infomask))
		return LockTupleKeyShare;
	if (HEAP_XMAX_IS_SHR_LOCKED(row->t_infomask))
		return LockTupleShare;
	return (row->t_infomask2 & HEAP_KEYS_UPDATED) != 0 ? LockTupleExclusive
													   : LockTupleNoKeyExclusive;
}

static LockTupleMode
mode_of_member(MultiXactStatus status)
{
	switch (status)
	{
		case MultiXactStatusForKeyShare:
			return LockTupleKeyShare;
		case MultiXactStatusForShare:
			return LockTupleShare;
		case MultiXactStatusForNoKeyUpdate:
		case MultiXactStatusNoKeyUpdate:
			return LockTupleNoKeyExclusive;
		default:
			return LockTupleExclusive;
	}
}

/* The server's table of the modes, which are numbered from 0 to 3: two conflict where their
 * numbers are 3 or more together. */
static bool
modes_conflict(LockTupleMode held, LockTupleMode wanted)
{
	return (int) held + (int) wanted >= (int) LockTupleExclusive;
}

/* A subtransaction that has ended holds its rows, and nothing in the lock table: whoever waits
 * for it waits for its transaction. */
static void
holder_add(RingWait *wait, TransactionId holder)
{
	if (!TransactionIdIsNormal(holder) || TransactionIdIsCurrentTransactionId(holder) ||
		wait->count == RING_HOLDERS || !TransactionIdIsInProgress(holder))
		return;
	holder = SubTransGetTopmostTransaction(holder);
	for (int i = 0; i < wait->count; i++)
		if (TransactionIdEquals(wait->holders[i], holder))
			return;
	wait->holders[wait->count++] = holder;
}

static LOCKTAG
wait_tag(TransactionId holder)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, NamespaceRelationId, holder, OBJSUBID_WAITS);
	return tag;
}

bool
ring_closes(RingWait *wait, bool *yields)
{
	Reached reached = {.count = 1};
	bool closes = false;

	for (; wait->told < wait->count; wait->told++)
	{
		LOCKTAG tag = wait_tag(wait->holders[wait->told]);

		(void) LockAcquire(&tag, AccessShareLock, false, false);
	}
	/* after this session's own wait is told: of two that look at once, the later one sees the
	 * wait of the other */
	reached.locks = GetLockStatusData();
	reached.processes = palloc_array(int, reached.locks->nelements + 1);
	reached.processes[0] = MyProcPid;
	/* the list grows while it is walked: each process is followed once, however the waits cross
	 */
	for (int i = 0; i < reached.count; i++)
		for (int w = 0; w < reached.locks->nelements; w++)
		{
			const LockInstanceData *wanted = &reached.locks->locks[w];

			if (wanted->leaderPid == reached.processes[i] &&
				(wanted->waitLockMode != NoLock || tells_wait(wanted)))
				closes |= reach(&reached, wanted);
		}
	*yields = reached.other;
	pfree(reached.processes);
	pfree(reached.locks->locks);
	pfree(reached.locks);
	return closes;
}

/* Adds whom the lock is waited for; true if that is this session. */
static bool
reach(Reached *reached, const LockInstanceData *wanted)
{
	bool closes = false;

	/* of several that ask again and again the one with the greatest number gives up first */
	if (wanted->waitLockMode == NoLock && wanted->leaderPid > MyProcPid)
		reached->other = true;
	for (int h = 0; h < reached->locks->nelements; h++)
	{
		const LockInstanceData *other = &reached->locks->locks[h];

		if (other->leaderPid != wanted->leaderPid && lock_blocks(other, wanted))
			closes |= process_add(reached, other->leaderPid);
	}
	return closes;
}

/* Whether the lock is what wait_tag() names. */
static bool
tells_wait(const LockInstanceData *lock)
{
	return lock->locktag.locktag_type == LOCKTAG_OBJECT &&
		   lock->locktag.locktag_field1 == MyDatabaseId &&
		   lock->locktag.locktag_field2 == NamespaceRelationId &&
		   lock->locktag.locktag_field4 == OBJSUBID_WAITS;
}

/* Whether who holds the one, or stands before in its queue, keeps who wants the other. */
static bool
lock_blocks(const LockInstanceData *other, const LockInstanceData *wanted)
{
	if (wanted->waitLockMode == NoLock)
		return other->locktag.locktag_type == LOCKTAG_TRANSACTION && other->holdMask != 0 &&
			   other->locktag.locktag_field1 == wanted->locktag.locktag_field3;
	if (memcmp(&other->locktag, &wanted->locktag, sizeof(LOCKTAG)) != 0)
		return false;
	/* who stands before in the queue is served first, and so is waited for as well */
	if (other->waitLockMode != NoLock && other->waitStart != 0 &&
		(wanted->waitStart == 0 || other->waitStart < wanted->waitStart) &&
		DoLockModesConflict(other->waitLockMode, wanted->waitLockMode))
		return true;
	for (LOCKMODE mode = 1; mode <= MaxLockMode; mode++)
		if ((other->holdMask & LOCKBIT_ON(mode)) != 0 &&
			DoLockModesConflict(mode, wanted->waitLockMode))
			return true;
	return false;
}

/* Prepared transactions are process 0, which waits for nobody. */
static bool
process_add(Reached *reached, int process)
{
	if (process == MyProcPid)
		return true;
	for (int i = 0; i < reached->count; i++)
		if (reached->processes[i] == process)
			return false;
	reached->processes[reached->count++] = process;
	return false;
}
