-- Promise: what metrics() counts of receipts that were bought twice, of refunds to review and of notifications that wait is found by an
-- index that holds these alone, and costs nothing however many there are of the others.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL enable_seqscan = off;
-- Many of the others: what an index costs is not left to how many rows the tests before had.
INSERT INTO coursebase.store_notifications (provider, environment, notification_id, kind, proof, outcome, received_at)
SELECT 'stripe', 'production', 'metrics-plans-' || n, 'a.kind', 'none', 'noted', now() FROM generate_series(1, 5000) n;
CREATE FUNCTION pg_temp.index_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN string_agg(i[1], ' ' ORDER BY i[1]) FROM regexp_matches(plan::text, '"Index Name": "(\w+)"', 'g') i;
END $$;
SELECT pg_temp.index_of('SELECT count(*), min(purchased_at) FROM coursebase.duplicate_store_purchases'),
    -- what settled a question is looked up by whichever index the planner likes
    pg_temp.index_of('SELECT count(*), min(asked_at) FROM coursebase.refunds_to_review') ~ '\mstore_notifications_review_idx\M',
    pg_temp.index_of($$SELECT count(*), min(received_at) FROM coursebase.store_notifications WHERE outcome = 'waiting'$$);
-- And they hold nothing else.
SELECT i.relname, pg_get_expr(x.indpred, x.indrelid) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
WHERE i.relname IN ('store_receipts_duplicate_idx', 'store_notifications_review_idx') ORDER BY 1;
ROLLBACK;
