-- Promise: metrics() tells what waits and since when, notifications by outcome, and the sizes of tables; a role of the
-- monitoring program needs EXECUTE alone, and end users get nothing.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
CREATE ROLE regress_monitor;
GRANT USAGE ON SCHEMA coursebase TO regress_monitor;
GRANT EXECUTE ON FUNCTION coursebase.metrics(timestamptz) TO regress_monitor;
DELETE FROM coursebase.store_notifications;
INSERT INTO coursebase.store_notifications (provider, environment, notification_id, kind, proof, outcome, received_at, applied_at, body) VALUES
    ('stripe', 'production', 'metrics-1', 'a', 'signed', 'waiting', '2026-01-02 00:00+00', NULL, '{}'),
    ('stripe', 'production', 'metrics-2', 'a', 'signed', 'waiting', '2026-01-02 00:30+00', NULL, '{}'),
    ('stripe', 'production', 'metrics-3', 'a', 'signed', 'refused', '2026-01-02 00:50+00', NULL, '{}'),
    ('stripe', 'production', 'metrics-4', 'a', 'signed', 'noted', '2026-01-01 00:00+00', NULL, NULL);
DELETE FROM coursebase.event_consumers;
INSERT INTO coursebase.event_consumers (name) VALUES ('mailer');
DELETE FROM coursebase.access_events;
INSERT INTO coursebase.access_events (at, kind, user_id, subject)
SELECT '2026-01-02 00:59+00', (enum_range(NULL::coursebase.access_event_kind))[1], id, 'x' FROM coursebase.users ORDER BY id LIMIT 1;
SET LOCAL ROLE regress_monitor;
SELECT name, subject, value FROM coursebase.metrics('2026-01-02 01:00+00')
WHERE name NOT LIKE 'coursebase_table%' AND (subject ~ 'notifications|events' OR name = 'coursebase_notifications') ORDER BY name, subject;
SELECT name, kind, count(*) > 50 AS of_each_table, bool_and(value >= 0) FROM coursebase.metrics() GROUP BY name, kind ORDER BY name;
SELECT value > 8192 FROM coursebase.metrics() WHERE name = 'coursebase_table_bytes' AND subject = 'users';
SELECT * FROM coursebase.metrics(NULL);
SELECT * FROM coursebase.metrics('infinity');
SELECT count(*) FROM coursebase.store_notifications;
RESET ROLE;
-- Who paid twice waits for somebody, whoever sold it.
SELECT coursebase.upsert_user('metrics_twice', 'Twice') AS twice \gset
INSERT INTO coursebase.courses (title, description) VALUES ('Metrics', '') RETURNING id AS course \gset
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('metrics', 'course', :'course');
SELECT count(coursebase.validate_purchase(:'twice', json_build_object('product_id', 'metrics', 'source', 'app_store', 'purchase_id', 'metrics-' || n, 'purchase_token', 't', 'transaction_date', '2026-01-01T00:00:00Z')))
FROM generate_series(1, 2) n;
SELECT count(s.status) FROM generate_series(1, 2) n, coursebase.apply_subscription_event(:'twice', json_build_object('store', 'app_store', 'environment', 'production', 'store_event_id', 'metrics-' || n,
    'event_type', 'created', 'event_time', now(), 'original_transaction_id', 'metrics-' || n, 'transaction_id', 'metrics-' || n, 'period_end', now() + interval '30 days')) s;
SELECT m.subject, m.value = v.number AND m.value > 0 AS of_the_view, o.value = v.seconds AS since FROM coursebase.metrics() m JOIN coursebase.metrics() o USING (subject) JOIN (
    SELECT 'duplicate store purchases' AS subject, count(*) AS number, extract(epoch FROM now() - min(purchased_at))::float8 AS seconds FROM coursebase.duplicate_store_purchases
    UNION ALL SELECT 'duplicate subscriptions', count(DISTINCT user_id), 0 FROM coursebase.duplicate_subscriptions) v USING (subject)
WHERE m.name = 'coursebase_waiting' AND o.name = 'coursebase_waiting_oldest_seconds' ORDER BY subject;
-- A time that never was, written by hand, takes no other figure away.
SAVEPOINT never;
INSERT INTO coursebase.store_notifications (provider, environment, notification_id, kind, proof, outcome, received_at, body)
VALUES ('stripe', 'production', 'metrics-5', 'a', 'signed', 'waiting', '-infinity', '{}'), ('stripe', 'production', 'metrics-6', 'a', 'signed', 'refused', 'infinity', '{}');
SELECT name, subject, value FROM coursebase.metrics('2026-01-02 01:00+00') WHERE name = 'coursebase_waiting_oldest_seconds' AND subject ~ 'notifications' ORDER BY subject;
ROLLBACK TO never;
-- Of thousands of events that a consumer has behind it, those that it still has in hand are read, and those that come next.
INSERT INTO coursebase.access_events (xid, id, at, kind, user_id, subject)
SELECT (1000000000 + n)::text::xid8, n, '2026-01-01 00:00+00', 'purchased', :'twice', 'x' FROM generate_series(1, 3000) n;
UPDATE coursebase.event_consumers SET done_xid = '1000002999', done_id = 2999;
INSERT INTO coursebase.event_claims (consumer, xid, event_id, user_id, claimed_until) VALUES ('mailer', '1000000009', 9, :'twice', 'infinity');
SET LOCAL enable_seqscan = off;
ANALYZE coursebase.access_events;
SELECT sum(pg_stat_get_xact_tuples_returned(oid)) AS before FROM pg_class WHERE relname ~ '^access_events' \gset
SELECT value FROM coursebase.metrics() WHERE subject = 'events of mailer' AND name = 'coursebase_waiting';
SELECT sum(pg_stat_get_xact_tuples_returned(oid)) - :before < 1000 AS few_read FROM pg_class WHERE relname ~ '^access_events';
SET LOCAL ROLE regress_server;
SELECT count(*) > 200 FROM coursebase.metrics();
RESET ROLE;
SET LOCAL ROLE regress_end_user;
SELECT * FROM coursebase.metrics();
ROLLBACK;
