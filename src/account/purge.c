/*
 * purge.c: deletes what was kept long enough: logs and their daily counts, events, bodies of
 * notifications, external ids of closed accounts, and the audit trail as far as its owner says.
 *
 * Whole partitions that are past go first, for that costs no more than a file each; then rows,
 * the oldest first, in one batch over all tables. Rows that another session holds are skipped.
 *
 * Rights: logs are deleted with the caller's; partitions, counts, events, notifications, ids
 * and the audit trail with those of the tables' owner. How long the audit trail is kept is a
 * setting that only the owner changes: a stolen server key cannot wipe it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "core/owner.h"
#include "core/partition.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/audit.h"
#include "identity/closed_id.h"

/* The second condition on the time is for the planner, which leaves partitions out by it. */
#define DELETE_OLD(table)                                                                      \
	{                                                                                          \
		.sql = "DELETE FROM coursebase." table " WHERE created_at < $1 AND id = ANY (ARRAY("   \
			   "SELECT l.id FROM coursebase." table " l WHERE l.created_at < $1 "              \
			   "ORDER BY l.created_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))",               \
		.nargs = 2, .types = {TIMESTAMPTZOID, INT8OID},                                        \
	}

static KeptPlan delete_app_logs = DELETE_OLD("app_logs");
static KeptPlan delete_server_logs = DELETE_OLD("server_logs");
static KeptPlan delete_events = {
	.sql = "SELECT coursebase.purge_events($1, $2::integer)",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, INT8OID},
};
static KeptPlan empty_notifications = {
	.sql = "SELECT coursebase.purge_notifications($1, $2::integer)",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, INT8OID},
};

/* Of days that are over: a counter begins anew with each. A transaction that began yesterday
 * may still count. */
static KeptPlan delete_counts = {
	.sql = "DELETE FROM coursebase.app_log_counts WHERE writer_id = ANY (ARRAY("
		   "SELECT c.writer_id FROM coursebase.app_log_counts c"
		   " WHERE c.day < least(($1 AT TIME ZONE 'UTC')::date,"
		   "  (now() AT TIME ZONE 'UTC')::date - 1)"
		   " ORDER BY c.day LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, INT8OID},
};

static int64 rows_delete(KeptPlan *plan, TimestampTz before, int64 batch);
static int64 counts_delete(TimestampTz before, int64 batch);
static int64 function_purge(KeptPlan *plan, TimestampTz before, int64 batch);

PG_FUNCTION_INFO_V1(coursebase_purge_logs);

/* SQL function: purge_logs(before timestamptz, batch integer) returns bigint */
PGDLLEXPORT Datum
coursebase_purge_logs(PG_FUNCTION_ARGS)
{
	TimestampTz before = PG_GETARG_TIMESTAMPTZ(0);
	int64 left = PG_GETARG_INT32(1);
	int64 batch = left;
	int64 dropped;

	schema_require_current();
	if (batch < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument batch must not be negative"),
						errhint("Give the number of rows that one call may take at most.")));
	SPI_connect();
	/* for the right alone: who may not delete the rows may not drop them with their partition
	 */
	rows_delete(&delete_app_logs, before, 0);
	rows_delete(&delete_server_logs, before, 0);
	dropped = partitions_drop("app_logs", before) + partitions_drop("server_logs", before) +
			  partitions_drop("access_events", before);
	left -= rows_delete(&delete_app_logs, before, left);
	left -= rows_delete(&delete_server_logs, before, left);
	left -= counts_delete(before, left);
	left -= function_purge(&delete_events, before, left);
	left -= function_purge(&empty_notifications, before, left);
	left -= closed_ids_purge(left);
	dropped += audit_purge(before, &left);
	SPI_finish();
	PG_RETURN_INT64(dropped + batch - left);
}

static int64
rows_delete(KeptPlan *plan, TimestampTz before, int64 batch)
{
	PlanValues values = {0};

	plan_bind_time(&values, before);
	plan_bind_int64(&values, batch);
	return plan_execute(plan, values.datums, values.nulls, false);
}

static int64
counts_delete(TimestampTz before, int64 batch)
{
	PlanValues values = {0};

	plan_bind_time(&values, before);
	plan_bind_int64(&values, batch);
	return owner_execute(&delete_counts, values.datums, values.nulls, false);
}

/* Of a slice that purges with a function of its own, which answers how many rows. */
static int64
function_purge(KeptPlan *plan, TimestampTz before, int64 batch)
{
	PlanValues values = {0};

	plan_bind_time(&values, before);
	plan_bind_int64(&values, batch);
	plan_execute(plan, values.datums, values.nulls, false);
	return plan_int64(0, 1);
}
