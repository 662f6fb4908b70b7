/*
 * snapshot_key.c: is what this snapshot sees the same as what an earlier one saw?
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/snapshot.h"

#include "core/compat.h"
#include "core/snapshot_key.h"

uint64 snapshot_rollbacks = 0;
uint64 snapshot_returns = 0;

static const TransactionId *snapshot_running(Snapshot snapshot, uint32 *count);
static void on_subtransaction_end(SubXactEvent event, SubTransactionId mine,
								  SubTransactionId parent, void *arg);

/*
 * xmin is set last and cleared first: an error in between, such as one for want of memory,
 * leaves an empty key, which equals nothing.
 */
void
snapshot_key_take(SnapshotKey *key, Snapshot snapshot)
{
	static bool listening = false;
	uint32 count;
	const TransactionId *running = snapshot_running(snapshot, &count);

	if (!listening)
	{
		RegisterSubXactCallback(on_subtransaction_end, NULL);
		listening = true;
	}
	key->xmin = InvalidTransactionId;
	if (snapshot->snapshot_type != SNAPSHOT_MVCC)
		return;
	if (count > key->room)
	{
		TransactionId *grown = MemoryContextAlloc(TopMemoryContext, count * sizeof(*grown));

		if (key->running != NULL)
			pfree(key->running);
		key->running = grown;
		key->room = count;
	}
	if (count > 0)
		memcpy(key->running, running, count * sizeof(*running));
	key->running_count = count;
	key->overflowed = snapshot->suboverflowed;
	key->recovery = snapshot->takenDuringRecovery;
	key->xmax = snapshot->xmax;
	key->own = GetTopTransactionIdIfAny();
	key->command = snapshot->curcid;
	/* a snapshot lists its own transaction as little as one that is over: by its id alone is
	 * the one that has committed told from the one that runs */
	key->compares_own = key->command != FirstCommandId || TransactionIdIsValid(key->own);
	key->serializable = snapshot_serializable();
	key->rollbacks = snapshot_rollbacks;
	key->returns = snapshot_returns;
	key->xmin = snapshot->xmin;
}

/*
 * Running transactions are compared in the order in which the snapshot lists them: another
 * order costs computing the answer anew, and no more.
 */
bool
snapshot_key_equals_slowly(const SnapshotKey *key, Snapshot snapshot)
{
	uint32 count;
	const TransactionId *running = snapshot_running(snapshot, &count);

	return key->serializable == snapshot_serializable() && key->running_count == count &&
		   (count == 0 || memcmp(key->running, running, count * sizeof(*running)) == 0);
}

/*
 * The running transactions that decide what the snapshot sees. On a primary the list of
 * subtransactions adds nothing: rows of a subtransaction are unseen while its top transaction
 * runs, and those of one that was rolled back stay unseen. On a standby the server lists all
 * running transactions in subxip.
 */
static const TransactionId *
snapshot_running(Snapshot snapshot, uint32 *count)
{
	if (snapshot->takenDuringRecovery)
	{
		*count = snapshot->subxcnt;
		return snapshot->subxip;
	}
	*count = snapshot->xcnt;
	return snapshot->xip;
}

/*
 * A serializable transaction must itself read what its answer relies on: of rows that it took
 * from an earlier transaction's answer the server would notice no conflict.
 */
LocalTransactionId
snapshot_serializable(void)
{
	return IsolationIsSerializable() ? compat_local_transaction() : InvalidLocalTransactionId;
}

static void
on_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
					  void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		snapshot_rollbacks++;
}
