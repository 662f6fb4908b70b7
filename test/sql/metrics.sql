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
-- A time that never was, written by hand, takes no other figure away.
SAVEPOINT never;
INSERT INTO coursebase.store_notifications (provider, environment, notification_id, kind, proof, outcome, received_at, body)
VALUES ('stripe', 'production', 'metrics-5', 'a', 'signed', 'waiting', '-infinity', '{}'), ('stripe', 'production', 'metrics-6', 'a', 'signed', 'refused', 'infinity', '{}');
SELECT name, subject, value FROM coursebase.metrics('2026-01-02 01:00+00') WHERE name = 'coursebase_waiting_oldest_seconds' AND subject ~ 'notifications' ORDER BY subject;
ROLLBACK TO never;
SET LOCAL ROLE regress_server;
SELECT count(*) > 200 FROM coursebase.metrics();
RESET ROLE;
SET LOCAL ROLE regress_end_user;
SELECT * FROM coursebase.metrics();
ROLLBACK;
