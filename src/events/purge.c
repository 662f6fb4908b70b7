/*
 * purge.c: deletes old events.
 *
 * By time alone, because a consumer that has gone for ever must not keep them. Claims whose
 * event is gone, by this or with a partition, go too; what another session holds goes next
 * time.
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

/* Without an order: the first that are found lie at the beginning of the table. */
static KeptPlan delete_events = {
	.sql = "DELETE FROM coursebase.access_events WHERE (xid, id) IN ("
		   " SELECT e.xid, e.id FROM coursebase.access_events e WHERE e.at < $1"
		   " LIMIT $2 FOR UPDATE SKIP LOCKED)",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, INT4OID},
};

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
