/*
 * partition.c: drops partitions by time that are past.
 *
 * Locks: first the partition, then its parent, both ACCESS EXCLUSIVE as DROP TABLE takes them,
 * and each only if it is free at once. A purge that waited for a long report would hold up
 * every writer that queues behind it. The partition comes first: if a report reads it, the
 * purge gives up without having locked the parent.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

#include "core/owner.h"
#include "core/partition.h"
#include "core/plan.h"

/* The columns of read_past. */
enum
{
	PAST_OID = 1,
	PAST_NAME,
	PAST_PARENT,
};

/*
 * The upper bound is read from the text of the partition's bound, in the session's own form of
 * times. A DEFAULT partition and one up to MAXVALUE have none and are never past.
 */
static KeptPlan read_past = {
	.sql = "SELECT c.oid, format('%I.%I', n.nspname, c.relname), p.oid "
		   "FROM pg_class p "
		   "JOIN pg_inherits i ON i.inhparent = p.oid "
		   "JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition "
		   "AND c.relowner = p.relowner "
		   "JOIN pg_namespace n ON n.oid = c.relnamespace "
		   "WHERE p.oid = to_regclass(format('coursebase.%I', $1)) AND p.relkind = 'p' "
		   "AND substring(pg_get_expr(c.relpartbound, c.oid) "
		   "FROM E'TO \\\\(''([^'']+)''\\\\)$')::timestamptz <= $2 "
		   "ORDER BY c.oid",
	.nargs = 2,
	.types = {TEXTOID, TIMESTAMPTZOID},
};

static bool lock_at_once(Oid parent, Oid partition);
static int64 partition_drop(const char *name);

int64
partitions_drop(const char *table, TimestampTz before)
{
	PlanValues values = {0};
	OwnerRights rights = owner_enter();
	int64 dropped = 0;
	uint64 count;
	SPITupleTable *past;

	plan_bind_text(&values, table);
	plan_bind_time(&values, before);
	count = plan_execute(&read_past, values.datums, values.nulls, false);
	past = SPI_tuptable;
	for (uint64 n = 0; n < count; n++)
	{
		Oid partition;
		Oid parent;
		char *name;

		SPI_tuptable = past; /* the statements below have tables of their own */
		partition = DatumGetObjectId(plan_value_as(n, PAST_OID, OIDOID, NULL));
		parent = DatumGetObjectId(plan_value_as(n, PAST_PARENT, OIDOID, NULL));
		name = plan_text_required(n, PAST_NAME);
		if (lock_at_once(parent, partition))
			dropped += partition_drop(name);
	}
	owner_leave(rights);
	return dropped;
}

/* False, too, for a partition that another purge has dropped meanwhile. */
static bool
lock_at_once(Oid parent, Oid partition)
{
	return ConditionalLockRelationOid(partition, AccessExclusiveLock) &&
		   ConditionalLockRelationOid(parent, AccessExclusiveLock) &&
		   get_rel_name(partition) != NULL;
}

/* name is quoted. */
static int64
partition_drop(const char *name)
{
	int64 rows;

	plan_execute_once(psprintf("SELECT count(*) FROM %s", name));
	rows = plan_int64(0, 1);
	plan_execute_once(psprintf("DROP TABLE %s", name));
	return rows;
}
