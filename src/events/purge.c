/*
 * purge.c: deletes old events.
 *
 * By time alone, because a consumer that has gone for ever must not keep them. Claims whose
 * event is gone (deleted here, or with a partition that the operator dropped) are deleted too.
 *
 * Locks: none is waited for. Rows that another session holds are skipped (SKIP LOCKED) and go
 * next time, so that a purge and a consumer never close a ring.
 *
 * Rights: the server's; the statements run with those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"

/*
 * Without ORDER BY, which would sort all old events for one batch: a scan meets the old ones
 * first, because new rows are written behind them. As an array the batch is found by the key:
 * of a subquery with a LIMIT that is not known the planner expects a tenth of the table, and
 * joins it to all of the table.
 */
static KeptPlan delete_events = {
	.sql = "DELETE FROM coursebase.access_events d USING unnest(ARRAY("
		   " SELECT e FROM coursebase.access_events e WHERE e.at < $1"
		   " LIMIT $2 FOR UPDATE SKIP LOCKED)) o WHERE d.xid = o.xid AND d.id = o.id",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, INT4OID},
};

/*
 * By ctid, because SKIP LOCKED stands in the inner query: the outer DELETE then meets no row
 * that it would wait for.
 */
static KeptPlan delete_claims = {
	.sql =
		"DELETE FROM coursebase.event_claims c WHERE c.ctid = ANY (ARRAY(SELECT d.ctid"
		"  FROM coursebase.event_claims d WHERE NOT EXISTS ("
		"   SELECT FROM coursebase.access_events e WHERE e.xid = d.xid AND e.id = d.event_id)"
		"  FOR UPDATE OF d SKIP LOCKED))",
};

PG_FUNCTION_INFO_V1(coursebase_purge_events);

/* SQL function: purge_events(before timestamptz, batch integer) returns bigint */
PGDLLEXPORT Datum
coursebase_purge_events(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	int64 purged;

	schema_require_current();
	SPI_connect();
	purged = (int64) owner_execute(&delete_events, values, NULL, false);
	owner_execute(&delete_claims, NULL, NULL, false);
	SPI_finish();
	PG_RETURN_INT64(purged);
}
