-- Promise: apply_subscription_event() moves a subscription from each status by each event as the matrix of the
-- documentation says (test/core compares the array itself), keeps what is impossible as an anomaly that changes
-- nothing, and refuses it when it is manual.
\pset format unaligned
\pset fieldsep ' | '
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT format('00000000-0000-4000-8000-0000000052%s', lpad(to_hex(n), 2, '0'))::uuid, 'matrix_' || n, 'Ada',
    'ada@example.org'
FROM generate_series(0, 255) n;
CREATE FUNCTION pg_temp.event(user_n integer, id integer, type text, more jsonb DEFAULT '{}')
RETURNS TABLE (status text, expires_at timestamptz, applied boolean, anomaly text) LANGUAGE sql AS $$
    SELECT * FROM coursebase.apply_subscription_event(
        format('00000000-0000-4000-8000-0000000052%s', lpad(to_hex(user_n), 2, '0'))::uuid,
        (jsonb_build_object('store', 'stripe', 'environment', 'production',
            'store_event_id', format('matrix-%s-%s', user_n, id), 'event_type', type,
            'event_time', timestamptz '2026-01-01 00:00:00+00' + id * interval '1 day',
            'original_transaction_id', 'matrix-' || user_n) || more)::json)
$$;
-- How a status is reached.
CREATE TEMP TABLE ways (n integer, status text, events text[]);
INSERT INTO ways VALUES
    (0, 'pending', '{}'), (1, 'trialing', '{created}'), (2, 'active', '{created}'), (3, 'canceled', '{created,canceled}'),
    (4, 'in_grace', '{created,grace_started}'), (5, 'on_hold', '{created,hold_started}'),
    (6, 'paused', '{created,paused}'), (7, 'expired', '{created,expired}'), (8, 'revoked', '{created,revoked}');
CREATE TEMP TABLE kinds (n integer, event text);
INSERT INTO kinds SELECT row_number() OVER (), e FROM unnest(ARRAY['created', 'renewed', 'recovered', 'canceled',
    'uncanceled', 'grace_started', 'hold_started', 'paused', 'resumed', 'expired', 'revoked', 'unrevoked', 'extended',
    'product_changed', 'noted']) e;
DO $$
DECLARE
    w record;
    k record;
    i integer;
BEGIN
    FOR w IN SELECT * FROM ways LOOP
        FOR k IN SELECT * FROM kinds LOOP
            FOR i IN 1 .. cardinality(w.events) LOOP
                PERFORM pg_temp.event(w.n * 16 + k.n, i, w.events[i], CASE WHEN w.events[i] = 'created' THEN
                    jsonb_build_object('period_end', '2026-02-01T00:00:00Z', 'transaction_id', w.n || '-' || k.n,
                        'is_trial', w.status = 'trialing') ELSE '{"grace_until": "2026-02-05T00:00:00Z"}' END);
            END LOOP;
        END LOOP;
    END LOOP;
END $$;
CREATE TEMP TABLE cells AS
SELECT w.status AS came_from, w.n, k.event, k.n AS e, x.*
FROM ways w, kinds k, LATERAL pg_temp.event(w.n * 16 + k.n, 9, k.event) x;
SELECT came_from, string_agg(CASE WHEN applied THEN status ELSE '-' END, ' ' ORDER BY e) FILTER (WHERE e <= 6) AS
    "created renewed recovered canceled uncanceled grace",
    string_agg(CASE WHEN applied THEN status ELSE '-' END, ' ' ORDER BY e) FILTER (WHERE e BETWEEN 7 AND 12) AS
    "hold paused resumed expired revoked unrevoked",
    string_agg(CASE WHEN applied THEN status ELSE '-' END, ' ' ORDER BY e) FILTER (WHERE e > 12) AS
    "extended product_changed noted"
FROM cells GROUP BY came_from, n ORDER BY n;
SELECT DISTINCT came_from, anomaly FROM cells WHERE NOT applied ORDER BY 1, 2;
-- What is impossible changes nothing.
SELECT c.came_from, c.event FROM cells c WHERE NOT c.applied AND c.status <> c.came_from;
-- A trial, from wherever a beginning may be one; a refunded one comes back with a new transaction.
SELECT w.status AS came_from, x.status, x.applied FROM ways w, LATERAL pg_temp.event(w.n * 16 + 15, 10, 'created',
    jsonb_build_object('is_trial', true, 'transaction_id', 'new-' || w.n)) x ORDER BY w.n;
-- The history tells it the same way, and nothing is stored that the log does not give.
SELECT h.event_type, h.status_before, h.status_after, h.anomaly FROM coursebase.subscription_history h
WHERE h.user_id = '00000000-0000-4000-8000-00000000528c' ORDER BY h.event_time;
SELECT * FROM coursebase.check_billing();
SELECT count(*) FILTER (WHERE changed) AS changed, count(*) AS rebuilt
FROM coursebase.subscriptions s, coursebase.rebuild_subscription(s.user_id)
WHERE s.user_id::text LIKE '00000000-0000-4000-8000-0000000052%';
-- By hand an impossible event is refused, and leaves nothing.
\set SHOW_CONTEXT never
SAVEPOINT s;
SELECT * FROM pg_temp.event(32 + 15, 20, 'resumed', '{"manual": true}');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT count(*) FROM coursebase.subscription_events WHERE store_event_id = 'matrix-47-20';
ROLLBACK;
