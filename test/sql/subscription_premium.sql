-- Promise: premium holds to the microsecond of its end, by status; the line whose access ends last decides; what
-- a sandbox sold counts only where the installation says so; nobody asks about another user unnoticed.
\pset format unaligned
\pset fieldsep ' | '
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
CREATE ROLE regress_end_user;
CREATE ROLE regress_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_end_user', 'regress_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-000000005401', 'premium_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-000000005402', 'premium_bob', 'Bob', 'bob@example.org');
CREATE FUNCTION pg_temp.event(id text, type text, day text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, expires_at, anomaly) FROM coursebase.apply_subscription_event(
        '00000000-0000-4000-8000-000000005401', (jsonb_build_object('store', 'stripe', 'environment', 'production',
            'store_event_id', 'premium-' || id, 'event_type', type, 'event_time', day || 'T00:00:00Z',
            'original_transaction_id', 'premium') || more)::json)
$$;
CREATE FUNCTION pg_temp.premium(VARIADIC instants timestamptz[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coursebase.has_premium('00000000-0000-4000-8000-000000005401', t)::text, ' ' ORDER BY n)
    FROM unnest(instants) WITH ORDINALITY AS i (t, n)
$$;
SELECT pg_temp.premium('2026-01-15');
SELECT pg_temp.event('1', 'created', '2026-01-01', '{"period_end": "2026-02-01T00:00:00Z", "transaction_id": "a"}');
SELECT pg_temp.premium('2026-01-15', '2026-01-31 23:59:59.999999', '2026-02-01');
SELECT pg_temp.event('2', 'grace_started', '2026-02-01', '{"grace_until": "2026-02-08T00:00:00Z"}');
SELECT pg_temp.premium('2026-02-07 23:59:59.999999', '2026-02-08');
SELECT pg_temp.event('3', 'canceled', '2026-02-02');
SELECT pg_temp.premium('2026-02-07 23:59:59.999999', '2026-02-08');
SELECT pg_temp.event('4', 'hold_started', '2026-02-08');
SELECT pg_temp.premium('2026-01-15', '2026-02-07');
SELECT pg_temp.event('5', 'recovered', '2026-02-10', '{"period_end": "2026-03-10T00:00:00Z", "transaction_id": "b"}');
SELECT pg_temp.event('6', 'paused', '2026-02-12');
SELECT pg_temp.premium('2026-03-09 23:59:59.999999', '2026-03-10');
SELECT pg_temp.event('7', 'revoked', '2026-02-13', '{"transaction_id": "a"}') AS of_an_earlier_period;
SELECT pg_temp.event('8', 'revoked', '2026-02-14', '{"transaction_id": "b"}');
SELECT pg_temp.premium('2026-02-13');
SELECT * FROM coursebase.explain_premium('00000000-0000-4000-8000-000000005401', '2026-02-13');
-- Who has no subscription is told so by every rule.
SELECT rule, passed, reason FROM coursebase.explain_premium('00000000-0000-4000-8000-000000005402', '2026-02-13');
SELECT pg_temp.event('9', 'unrevoked', '2026-02-15', '{"transaction_id": "b"}');
-- Another store's line gives more and is shown; the end of the old one then ends nothing.
SELECT pg_temp.event('10', 'created', '2026-02-20', '{"store": "app_store", "original_transaction_id": "other",
    "period_end": "2027-02-20T00:00:00Z"}');
SELECT pg_temp.event('11', 'expired', '2026-03-10');
SELECT store, plan, status, expires_at FROM coursebase.subscriptions
WHERE user_id = '00000000-0000-4000-8000-000000005401';
-- A sandbox gives nothing, however long, and stands in nobody's way.
SELECT pg_temp.event('12', 'created', '2026-03-01', '{"store": "google_play", "original_transaction_id": "sand",
    "environment": "sandbox", "period_end": "2099-01-01T00:00:00Z"}');
SELECT pg_temp.premium('2026-06-01', '2098-01-01');
SELECT pg_temp.event('13', 'revoked', '2026-04-01', '{"store": "app_store", "original_transaction_id": "other"}');
SELECT pg_temp.premium('2026-06-01');
SELECT rule, passed, reason FROM coursebase.explain_premium('00000000-0000-4000-8000-000000005401', '2026-06-01');
UPDATE coursebase.settings SET value = 'true' WHERE name = 'accept_sandbox';
SELECT pg_temp.premium('2026-06-01');
-- The handshake tells the same, and when it will be otherwise.
SELECT coursebase.handshake('00000000-0000-4000-8000-000000005401', '{}', '2026-06-01') -> 'subscription';
SELECT valid_until FROM coursebase.cached_handshake_responses
WHERE user_id = '00000000-0000-4000-8000-000000005401';
SELECT coursebase.handshake('00000000-0000-4000-8000-000000005401', '{}', '2099-01-01') -> 'subscription';
UPDATE coursebase.settings SET value = NULL WHERE name = 'accept_sandbox';
SELECT coursebase.handshake('00000000-0000-4000-8000-000000005401', '{}', '2026-06-01') -> 'subscription';
SELECT coursebase.handshake('00000000-0000-4000-8000-000000005402', '{}', '2026-06-01') -> 'subscription';
-- Who may ask about whom.
\set SHOW_CONTEXT never
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "premium_ada"}';
SELECT coursebase.has_premium(), count(*) FROM coursebase.subscription_history;
SAVEPOINT s;
SELECT coursebase.has_premium('00000000-0000-4000-8000-000000005402');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT coursebase.has_premium('00000000-0000-4000-8000-00000000ffff');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT count(*) FROM coursebase.subscription_events;
ROLLBACK TO s;
SET LOCAL request.jwt.claims = '{"sub": "premium_bob"}';
SELECT coursebase.has_premium(), (SELECT count(*) FROM coursebase.subscription_history) AS history,
    (SELECT count(*) FROM coursebase.subscriptions) AS subscriptions;
SET LOCAL ROLE regress_server;
SELECT coursebase.has_premium('00000000-0000-4000-8000-000000005401', '2026-01-15'), count(*)
FROM coursebase.subscription_history WHERE user_id = '00000000-0000-4000-8000-000000005401';
ROLLBACK;
