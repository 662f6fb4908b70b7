-- Promise: whatever column of a stored line, or of the row of subscriptions, is not what the events make of it, check_integrity()
-- says so; only when a row was written, and the key of a row of subscriptions, are nobody's to compare.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000570161\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'lines_ada', 'Ada', 'ada@example.org');
SELECT status FROM coursebase.apply_subscription_event(:ada, '{"store": "google_play", "environment": "production", "store_event_id": "e1", "event_type": "created",
    "original_transaction_id": "GPA.1", "transaction_id": "GPA.1", "product_id": "plan", "purchase_token": "token", "event_time": "2026-01-01T00:00:00Z", "period_end": "2026-02-01T00:00:00Z", "auto_renew": true}', '2026-01-01');
SELECT status FROM coursebase.apply_subscription_event(:ada, '{"store": "google_play", "environment": "production", "store_event_id": "e2", "event_type": "grace_started",
    "original_transaction_id": "GPA.1", "event_time": "2026-02-01T00:00:00Z", "grace_until": "2026-02-08T00:00:00Z"}', '2026-02-01');
SELECT count(*) FROM coursebase.check_integrity();
CREATE TEMP TABLE damaged (relation text, col name, named text);
CREATE FUNCTION pg_temp.named(relation text, col name, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
    EXECUTE format('UPDATE coursebase.%I SET %I = %s WHERE user_id = ''00000000-0000-4000-8000-000000570161''', relation, col, other);
    SELECT string_agg(DISTINCT check_name, ', ') INTO found FROM coursebase.check_billing();
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN coalesce(found, 'nothing');
END $$;
SET LOCAL session_replication_role = replica;
INSERT INTO damaged
SELECT c.relname, a.attname, pg_temp.named(c.relname, a.attname, CASE
    WHEN a.attname = 'store' THEN '''app_store'''
    WHEN a.attname = 'environment' THEN '''sandbox'''
    WHEN a.attname = 'last_event_type' THEN '''renewed'''
    WHEN a.attname = 'plan' THEN '''free'''
    WHEN t.typtype = 'e' THEN '''paused'''
    WHEN t.typcategory = 'B' THEN format('NOT %I', a.attname)
    WHEN t.typcategory = 'D' THEN format('CASE WHEN isfinite(%1$I) THEN %1$I + interval ''1 second'' ELSE ''2026-01-01'' END', a.attname)
    WHEN t.typname = 'uuid' THEN 'gen_random_uuid()'
    ELSE format('coalesce(%I, '''') || ''x''', a.attname) END)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
WHERE c.oid IN ('coursebase.subscription_lines'::regclass, 'coursebase.subscriptions'::regclass);
SELECT relation, named, string_agg(col, ', ' ORDER BY col) FROM damaged GROUP BY 1, 2 ORDER BY relation COLLATE "C", named COLLATE "C";
ROLLBACK;
