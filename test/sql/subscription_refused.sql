-- Promise: what is no sound event is refused with the member's name; an event counts once and belongs to one
-- user, as does a store's subscription; nobody writes the machine's tables but the machine; damage is found.
\pset format unaligned
\pset fieldsep ' | '
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-000000005501', 'refused_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-000000005502', 'refused_bob', 'Bob', 'bob@example.org');
CREATE FUNCTION pg_temp.told(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    detail text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    IF SQLSTATE IN ('23001', '23503') THEN RETURN 'held by rows that point to it'; END IF; -- 18 tells them apart
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, nullif('(' || detail || ')', '()'));
END $$;
CREATE FUNCTION pg_temp.event(more jsonb, user_n integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.told(format('SELECT concat_ws('' '', status, expires_at, applied, anomaly)
        FROM coursebase.apply_subscription_event(%L, %L, %L)', '00000000-0000-4000-8000-00000000550' || user_n,
        jsonb_strip_nulls('{"store": "stripe", "environment": "production", "store_event_id": "refused-1",
            "event_type": "created", "event_time": "2026-01-01T00:00:00Z", "original_transaction_id": "refused",
            "period_end": "2026-02-01T00:00:00Z"}'::jsonb || more), '2026-01-01'))
$$;
-- Missing or malformed members.
SELECT m.more, pg_temp.event(m.more) FROM unnest(ARRAY['{"store": null}', '{"store": "paypal"}', '{"store": 1}',
    '{"environment": null}', '{"environment": "live"}', '{"store_event_id": null}', '{"store_event_id": ""}',
    '{"event_type": null}', '{"event_type": true}', '{"event_time": null}', '{"event_time": "yesterday"}',
    '{"event_time": "2026-01-01"}', '{"event_time": "2026-02-30T00:00:00Z"}', '{"event_time": 1.5}',
    '{"period_end": {}}', '{"grace_until": "infinity"}', '{"auto_renew": "yes"}', '{"is_trial": 2}',
    '{"manual": "on"}', '{"product_id": 7}']::jsonb[]) AS m (more);
SELECT pg_temp.event(jsonb_build_object('store_event_id', repeat('x', 513)));
SELECT pg_temp.told($$ SELECT coursebase.apply_subscription_event('00000000-0000-4000-8000-000000005501', '[]') $$);
SELECT pg_temp.told($$ SELECT coursebase.apply_subscription_event('00000000-0000-4000-8000-00000000ffff',
    '{"store": "manual", "store_event_id": "1", "event_type": "noted", "event_time": "2026-01-01T00:00:00Z"}') $$);
SELECT pg_temp.told($$ SELECT coursebase.apply_subscription_event(NULL, '{}') $$);
SELECT count(*) FROM coursebase.subscription_events WHERE user_id::text LIKE '00000000-0000-4000-8000-00000000550%';
-- Milliseconds are a time as well.
SELECT pg_temp.event('{"event_time": 1767225600000, "period_end": "1769904000000"}');
-- The first answer again; neither the order of members nor what is not read is content, everything else is.
SELECT pg_temp.event('{"event_time": 1767225600000, "period_end": "1769904000000"}');
SELECT pg_temp.event('{"store_event_id": "refused-2", "event_type": "expired", "event_time": "2026-02-01T00:00:00Z"}');
SELECT pg_temp.event('{"event_time": 1767225600000, "period_end": "1769904000000"}');
SELECT pg_temp.event('{"event_time": 1767225600000, "period_end": "1769904000000", "note": "another"}');
SELECT pg_temp.event('{"event_time": 1767225600000, "period_end": "1769904000000"}', 2);
SELECT pg_temp.event('{"store_event_id": "refused-3"}', 2);
SELECT pg_temp.event('{"store_event_id": "refused-1", "original_transaction_id": "bob"}', 2);
SELECT pg_temp.event('{"store_event_id": "refused-3", "environment": "sandbox"}');
-- By hand: a line of its own, the same rules.
SELECT pg_temp.event('{"store": "manual", "environment": null, "original_transaction_id": null}', 2);
SELECT pg_temp.event('{"store": "manual", "environment": null, "original_transaction_id": null,
    "store_event_id": "refused-2", "event_type": "paused", "event_time": "2026-01-02T00:00:00Z"}', 2);
SELECT pg_temp.event('{"store": "manual", "environment": null, "original_transaction_id": null,
    "store_event_id": "refused-3", "event_type": "unrevoked", "event_time": "2026-01-03T00:00:00Z"}', 2);
SELECT store, environment, original_transaction_id, status FROM coursebase.subscriptions
WHERE user_id = '00000000-0000-4000-8000-000000005502';
-- Nobody else writes, the owner of the tables included.
SELECT w.statement, pg_temp.told(w.statement) FROM unnest(ARRAY[
    'UPDATE coursebase.subscriptions SET status = ''active''', 'DELETE FROM coursebase.subscriptions',
    'INSERT INTO coursebase.subscriptions (user_id) SELECT id FROM coursebase.users LIMIT 1',
    'TRUNCATE coursebase.subscriptions CASCADE', 'UPDATE coursebase.subscription_lines SET expires_at = ''infinity''',
    'DELETE FROM coursebase.subscription_lines', 'UPDATE coursebase.subscription_events SET event_time = now()',
    'DELETE FROM coursebase.subscription_events', 'TRUNCATE coursebase.subscription_events',
    'INSERT INTO coursebase.subscription_events SELECT * FROM coursebase.subscription_events',
    'DELETE FROM coursebase.users WHERE clerk_user_id = ''refused_ada''']) AS w (statement);
-- Damage done past the triggers is found, and mended from the log.
SELECT * FROM coursebase.check_billing();
SET LOCAL session_replication_role = replica;
UPDATE coursebase.subscriptions SET status = 'active', plan = 'premium', expires_at = '2099-01-01'
WHERE user_id = '00000000-0000-4000-8000-000000005501';
UPDATE coursebase.subscription_lines SET expires_at = '2099-01-01' WHERE original_transaction_id = 'refused';
UPDATE coursebase.subscription_events SET transaction_id = 'x' WHERE store = 'manual' AND store_event_id = 'refused-2';
INSERT INTO coursebase.subscription_lines SELECT 'amazon', 'none', user_id, environment, status, expires_at, grace_until,
    auto_renew, before_status, before_expires_at, before_grace_until, before_auto_renew, first_premium_at, NULL, NULL,
    NULL, NULL, NULL, last_event_time, last_event_type, last_store_event_id
FROM coursebase.subscription_lines WHERE original_transaction_id = 'refused';
SET LOCAL session_replication_role = origin;
SELECT check_name, regexp_replace(object, '[0-9a-f-]{36}', '<id>') AS object, problem FROM coursebase.check_integrity()
ORDER BY 1, 2, 3;
SELECT status, expires_at, changed FROM coursebase.rebuild_subscription('00000000-0000-4000-8000-000000005501');
SELECT status, expires_at, changed FROM coursebase.rebuild_subscription('00000000-0000-4000-8000-000000005501');
SELECT check_name FROM coursebase.check_integrity();
ROLLBACK;
