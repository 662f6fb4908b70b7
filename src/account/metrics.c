/*
 * metrics.c: figures for a monitoring program, each a number with a name.
 *
 * Reads with the rights of the tables' owner, so that the monitoring program's role needs
 * EXECUTE and nothing else; no figure names a person. Reads only, and so runs on a standby too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"

enum
{
	FIGURE_NAME = 1,
	FIGURE_SUBJECT,
	FIGURE_VALUE,
	FIGURE_KIND,
	FIGURES = FIGURE_KIND
};

/* What waits for somebody, and since when. An oldest of NULL is nothing that waits. One that is
 * not finite, which a row that was written by hand may have, is a figure too: the difference of
 * two times would be an error, and nobody would be told anything. Of the events of a consumer
 * only those beyond its place and those that it has claims on are read: most were acted on long
 * ago. */
static KeptPlan read_waiting = {
	.sql = "WITH waiting (subject, number, oldest) AS ("
		   "SELECT 'notifications', count(*), min(received_at) FROM "
		   "coursebase.store_notifications "
		   "WHERE outcome = 'waiting' "
		   "UNION ALL SELECT 'refused notifications', count(*), min(received_at) "
		   "FROM coursebase.store_notifications WHERE outcome = 'refused' "
		   "UNION ALL SELECT 'acknowledgements', count(*), min(validated_at) "
		   "FROM coursebase.purchases_awaiting_acknowledgement "
		   "UNION ALL SELECT 'duplicate purchases', count(*), min(purchased_at) "
		   "FROM coursebase.duplicate_purchases "
		   "UNION ALL SELECT 'duplicate store purchases', count(*), min(purchased_at) "
		   "FROM coursebase.duplicate_store_purchases "
		   "UNION ALL SELECT 'duplicate subscriptions', count(*), min(p.since) FROM ("
		   "SELECT max(l.created_at) AS since FROM coursebase.duplicate_subscriptions "
		   "JOIN coursebase.subscription_lines l USING (store, original_transaction_id) "
		   "GROUP BY l.user_id) p "
		   "UNION ALL SELECT 'transactions to refund', count(*), min(created_at) "
		   "FROM coursebase.transactions_to_refund "
		   "UNION ALL SELECT 'refunds to review', count(*), min(asked_at) "
		   "FROM coursebase.refunds_to_review "
		   "UNION ALL SELECT 'events of ' || c.name, count(e.at), min(e.at) "
		   "FROM coursebase.event_consumers c LEFT JOIN LATERAL ("
		   "SELECT b.at FROM coursebase.access_events b "
		   "WHERE (b.xid, b.id) > (c.done_xid, c.done_id) "
		   "UNION ALL SELECT b.at FROM coursebase.event_claims w "
		   "JOIN coursebase.access_events b ON b.xid = w.xid AND b.id = w.event_id "
		   "WHERE w.consumer = c.name AND (w.xid, w.event_id) <= (c.done_xid, c.done_id)"
		   ") e ON true GROUP BY c.name) "
		   "SELECT 'coursebase_waiting', subject, number::float8, 'gauge' FROM waiting "
		   "UNION ALL SELECT 'coursebase_waiting_oldest_seconds', subject, "
		   "coalesce(greatest(extract(epoch FROM $1) - extract(epoch FROM oldest), 0), "
		   "0)::float8, 'gauge' FROM "
		   "waiting",
	.nargs = 1,
	.types = {TIMESTAMPTZOID},
};
/* Every outcome has a row, so that a series does not begin when the first one comes. */
static KeptPlan read_notifications = {
	.sql = "SELECT 'coursebase_notifications', o.outcome, count(n.outcome)::float8, 'gauge' "
		   "FROM unnest(ARRAY['applied', 'noted', 'waiting', 'refused']) AS o (outcome) "
		   "LEFT JOIN coursebase.store_notifications n ON n.outcome = o.outcome "
		   "GROUP BY o.outcome ORDER BY o.outcome",
};
/* The server's own statistics, of the tables in the schema and of the cache of handshakes. */
static KeptPlan read_statistics = {
	.sql = "WITH tables AS (SELECT s.*, s.relid AS id, i.heap_blks_hit + "
		   "coalesce(i.idx_blks_hit, 0) "
		   "+ coalesce(i.toast_blks_hit, 0) AS hit, i.heap_blks_read + "
		   "coalesce(i.idx_blks_read, 0) "
		   "+ coalesce(i.toast_blks_read, 0) AS read FROM pg_stat_all_tables s "
		   "JOIN pg_statio_all_tables i USING (relid) WHERE s.schemaname = 'coursebase') "
		   "SELECT f.name, f.subject, f.value, f.kind FROM tables t CROSS JOIN LATERAL (VALUES "
		   "('coursebase_table_bytes', t.relname::text, pg_total_relation_size(t.id)::float8, "
		   "'gauge'), "
		   "('coursebase_table_rows', t.relname, t.n_live_tup, 'gauge'), "
		   "('coursebase_table_blocks_hit', t.relname, t.hit, 'counter'), "
		   "('coursebase_table_blocks_read', t.relname, t.read, 'counter')"
		   ") AS f (name, subject, value, kind) "
		   "UNION ALL SELECT f.name, f.subject, f.value, 'counter' FROM tables t CROSS JOIN "
		   "LATERAL "
		   "(VALUES ('coursebase_handshake_cache', 'asked', coalesce(t.idx_scan, 0)::float8), "
		   "('coursebase_handshake_cache', 'computed', t.n_tup_ins + t.n_tup_upd)"
		   ") AS f (name, subject, value) WHERE t.relname = 'cached_handshake_responses' "
		   "ORDER BY 1, 2",
};

static void figures_report(ReturnSetInfo *report, KeptPlan *plan, Datum *values);

PG_FUNCTION_INFO_V1(coursebase_metrics);

/*
 * SQL function: metrics(at timestamptz) returns table (name text, subject text, value double
 * precision, kind text)
 */
PGDLLEXPORT Datum
coursebase_metrics(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum at = TimestampTzGetDatum(args_time(fcinfo, 0));

	compat_materialize(fcinfo);
	/* what somebody must do comes first: it is what alarms are made of */
	figures_report(report, &read_waiting, &at);
	figures_report(report, &read_notifications, NULL);
	figures_report(report, &read_statistics, NULL);
	return (Datum) 0;
}

/* Each figure as one row of the answer. Connected for one statement at a time, so that its rows
 * are gone before the next. */
static void
figures_report(ReturnSetInfo *report, KeptPlan *plan, Datum *values)
{
	uint64 rows;

	SPI_connect();
	rows = owner_execute(plan, values, NULL, true);
	for (uint64 row = 0; row < rows; row++)
	{
		Datum figure[FIGURES];
		bool nulls[FIGURES] = {false};

		figure[FIGURE_NAME - 1] = CStringGetTextDatum(plan_text_required(row, FIGURE_NAME));
		figure[FIGURE_SUBJECT - 1] =
			CStringGetTextDatum(plan_text_required(row, FIGURE_SUBJECT));
		figure[FIGURE_VALUE - 1] = plan_value_as(row, FIGURE_VALUE, FLOAT8OID, NULL);
		figure[FIGURE_KIND - 1] = CStringGetTextDatum(plan_text_required(row, FIGURE_KIND));
		tuplestore_putvalues(report->setResult, report->setDesc, figure, nulls);
	}
	SPI_finish();
}
