/*
 * snapshot_key.h: is what this snapshot sees the same as what an earlier one saw?
 *
 * An answer computed from rows may be given again under an equal key and the same
 * rows_generation. Snapshots are compared by content: the pointer says nothing, and the
 * server's own completion count is zeroed in copies. An equal key of this session means the
 * same transactions finished, the same commands of one's own done, and no subtransaction rolled
 * back in between (that takes rows away without moving the command counter).
 */
#ifndef COURSEBASE_CORE_SNAPSHOT_KEY_H
#define COURSEBASE_CORE_SNAPSHOT_KEY_H

#include "postgres.h"

#include "access/xact.h"
#include "utils/snapshot.h"

typedef struct SnapshotKey
{
	bool overflowed;
	bool recovery;
	TransactionId xmin; /* invalid: the key is empty */
	TransactionId xmax;
	TransactionId own; /* the top transaction's, if it has one */
	bool compares_own; /* false: it had neither an id nor a command, and may have got an id */
	CommandId command;
	LocalTransactionId serializable; /* an answer is not carried from one to another */
	uint64 rollbacks;                /* snapshot_rollbacks when taken */
	uint64 returns;                  /* snapshot_returns when taken */
	uint32 running_count;
	uint32 room;
	TransactionId *running; /* xip, and subxip where that is what decides; session memory */
} SnapshotKey;

/* Counts subtransactions rolled back, from the first snapshot_key_take() on. */
extern uint64 snapshot_rollbacks;

/*
 * Counts statements that ended within one that sees fewer commands, or within COPY. That one
 * may write rows since, under the number of an earlier command, which the next statement within
 * sees with an equal snapshot.
 */
extern uint64 snapshot_returns;

/*
 * The transaction while it is a serializable one, which must itself have read what it relies
 * on; else InvalidLocalTransactionId.
 */
extern LocalTransactionId snapshot_serializable(void);

/* Remembers the snapshot. A kind of snapshot that no key describes makes an empty key. */
extern void snapshot_key_take(SnapshotKey *key, Snapshot snapshot);

/* The rest of snapshot_key_equals(): what it takes longer to compare. */
extern bool snapshot_key_equals_slowly(const SnapshotKey *key, Snapshot snapshot);

/*
 * Whether the snapshot sees what the key's saw. An empty key equals nothing. Asked for every
 * row that a policy looks at.
 */
static inline bool
snapshot_key_equals(const SnapshotKey *key, Snapshot snapshot)
{
	/* an empty key's xmin is that of no snapshot */
	if (key->xmin != snapshot->xmin || key->xmax != snapshot->xmax ||
		key->command != snapshot->curcid || key->rollbacks != snapshot_rollbacks ||
		snapshot->snapshot_type != SNAPSHOT_MVCC ||
		key->overflowed != snapshot->suboverflowed ||
		key->recovery != snapshot->takenDuringRecovery ||
		(key->compares_own &&
		 (key->returns != snapshot_returns || key->own != GetTopTransactionIdIfAny())))
		return false;
	return (key->running_count == 0 && snapshot->xcnt == 0 && !key->recovery &&
			!IsolationIsSerializable()) ||
		   snapshot_key_equals_slowly(key, snapshot);
}

#endif
