-- Promise: adopt() makes the log, the lines and the row of subscriptions agree for rows that came while triggers were off:
-- a row of any state keeps its state, events without lines are folded, and what a store says later continues both.
\set person '(\'00000000-0000-4000-8000-0000000ad5\' || lpad(n::text, 2, \'0\'))::uuid'
\set shown 'SELECT right(s.user_id::text, 2) AS who, s.plan, s.status, s.expires_at, s.grace_until, s.auto_renew, s.store, s.product_id, s.original_transaction_id FROM coursebase.subscriptions s ORDER BY 1;'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT :person, 'adopt_' || n, 'Person', 'p' || n || '@example.org' FROM generate_series(1, 12) n;
SAVEPOINT people;
-- The state alone, one person a status; then canceled within a grace, and a person who never paid anything.
INSERT INTO coursebase.subscriptions (user_id, plan, status, expires_at, grace_until, auto_renew, store, environment, product_id, base_plan_id, purchase_token,
    original_transaction_id, created_at, updated_at)
SELECT :person, CASE WHEN status IN ('pending', 'expired', 'revoked') THEN 'free' ELSE 'premium' END, status::coursebase.subscription_status,
    CASE WHEN status = 'pending' THEN NULL ELSE '2026-02-01 00:00+00'::timestamptz END,
    CASE WHEN grace THEN '2026-02-11 00:00+00'::timestamptz END, renew, 'app_store', 'production', 'gold', 'monthly', 'token' || n, 'line' || n,
    '2026-01-01 00:00+00', CASE WHEN n = 8 THEN '2026-01-01 00:00+00' ELSE '2026-02-01 00:00+00' END::timestamptz
FROM (VALUES (1, 'pending', false, false), (2, 'trialing', false, true), (3, 'active', false, true), (4, 'in_grace', true, true), (5, 'on_hold', false, true),
    (6, 'paused', false, true), (7, 'canceled', false, false), (8, 'expired', false, false), (9, 'revoked', false, false), (10, 'canceled', true, false)) v (n, status, grace, renew);
INSERT INTO coursebase.subscriptions (user_id) SELECT :person FROM generate_series(11, 11) n;
CREATE TEMP TABLE came AS TABLE coursebase.subscriptions;
SELECT * FROM coursebase.adopt();
SELECT * FROM coursebase.adopt();
:shown
-- Nothing but the store of the person who named none is other than it came.
SELECT s.user_id, s.store FROM coursebase.subscriptions s JOIN came c USING (id)
WHERE (s.plan, s.status, s.expires_at, s.grace_until, s.auto_renew, s.store, s.environment, s.product_id, s.base_plan_id, s.purchase_token, s.original_transaction_id)
    IS DISTINCT FROM (c.plan, c.status, c.expires_at, c.grace_until, c.auto_renew, c.store, c.environment, c.product_id, c.base_plan_id, c.purchase_token, c.original_transaction_id);
SELECT n, coursebase.has_premium(:person, '2026-01-15'), coursebase.has_premium(:person, '2026-02-05') FROM generate_series(1, 11) n;
SELECT count(*), count(*) FILTER (WHERE h.anomaly IS NOT NULL) FROM coursebase.subscription_history h;
-- The store goes on: a renewal, an end, a refund taken back, of the lines that came.
SET LOCAL session_replication_role = origin;
SELECT n, a.* FROM (VALUES (3, 'renewed'), (4, 'recovered'), (5, 'renewed'), (7, 'expired'), (9, 'unrevoked')) v (n, event)
CROSS JOIN LATERAL coursebase.apply_subscription_event(:person, json_build_object('store', 'app_store', 'environment', 'production', 'store_event_id', 'later' || n,
    'event_type', v.event, 'event_time', '2026-02-02T00:00:00Z', 'original_transaction_id', 'line' || n,
    'period_end', CASE WHEN n <> 7 THEN '2026-03-01T00:00:00Z' END), '2026-02-02') a ORDER BY n;
SELECT * FROM coursebase.adopt();

-- Events without lines or rows, with ids of their own, in any order and without payloads; a line of two people is named.
ROLLBACK TO people;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.subscription_events (subscription_id, user_id, event_type, store, environment, store_event_id, original_transaction_id, transaction_id, product_id,
    event_time, received_at, period_end, payload, answered_status)
SELECT gen_random_uuid(), :person, event, 'google_play', 'production', format('e%s-%s', n, event), 'line' || n, 't' || event, 'gold', at, at, ends, '{}', 'active'
FROM (VALUES (1, 'created', '2026-01-01'::timestamptz, '2026-02-01'::timestamptz), (1, 'renewed', '2026-02-01', '2026-03-01'), (1, 'canceled', '2026-02-15', NULL),
    (2, 'expired', '2026-02-01', NULL), (2, 'created', '2026-01-01', '2026-02-01'), (3, 'resumed', '2026-01-01', '2026-02-01')) v (n, event, at, ends);
INSERT INTO coursebase.subscription_events (subscription_id, user_id, event_type, store, environment, store_event_id, original_transaction_id,
    event_time, received_at, period_end, payload, answered_status)
SELECT gen_random_uuid(), :person, 'created', 'app_store', 'production', 's' || n, 'shared', '2026-01-01', '2026-01-01', '2026-02-01', '{"is_trial": true}', 'active'
FROM generate_series(4, 4) n;
SELECT * FROM coursebase.adopt();
SELECT * FROM coursebase.adopt();
:shown
INSERT INTO coursebase.subscription_events (subscription_id, user_id, event_type, store, environment, store_event_id, original_transaction_id,
    event_time, received_at, period_end, payload, answered_status)
SELECT gen_random_uuid(), :person, 'created', 'app_store', 'production', 's' || n, 'shared', '2026-01-01', '2026-01-01', '2026-02-01', '{}', 'active'
FROM generate_series(5, 5) n;
-- Two people claim a line that nobody has: it is nobody's.
INSERT INTO coursebase.subscription_events (subscription_id, user_id, event_type, store, environment, store_event_id, original_transaction_id,
    event_time, received_at, period_end, payload, answered_status)
SELECT gen_random_uuid(), :person, 'created', 'app_store', 'production', 's' || n, 'claimed', '2026-01-01', '2026-01-01', '2026-02-01', '{}', 'active'
FROM generate_series(6, 7) n;
-- Another line of one of the two, of the same store, is stored all the same.
INSERT INTO coursebase.subscription_events (subscription_id, user_id, event_type, store, environment, store_event_id, original_transaction_id,
    event_time, received_at, period_end, payload, answered_status)
SELECT gen_random_uuid(), :person, 'created', 'app_store', 'production', 'own' || n, 'own', '2026-01-01', '2026-01-01', '2026-02-01', '{}', 'active'
FROM generate_series(6, 6) n;
SELECT what, made, not_understood, regexp_replace(example, '[-0-9a-f]{36}', '...') FROM coursebase.adopt();
SELECT right(l.user_id::text, 2), l.original_transaction_id FROM coursebase.subscription_lines l WHERE l.store = 'app_store' ORDER BY 2;
SELECT n, coursebase.has_premium(:person, '2026-01-15') FROM generate_series(4, 7) n;
-- A payload that is no object stays as it came, also at the next call, and is named.
SAVEPOINT payloads;
UPDATE coursebase.subscription_events SET payload = CASE WHEN store_event_id = 's4' THEN '[]' ELSE '"{}"' END::jsonb WHERE store_event_id IN ('s4', 'own6');
SELECT what, made, not_understood, regexp_replace(example, '[-0-9a-f]{36}', '...') FROM coursebase.adopt() WHERE what ~ 'payload';
SELECT payload FROM coursebase.subscription_events WHERE store_event_id IN ('s4', 'own6') ORDER BY 1;
ROLLBACK TO payloads;
ROLLBACK;
