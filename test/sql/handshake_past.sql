-- Promise: the answer about a time of the past is never an outdated one either: an event of a store that comes late, or
-- reaches back, and leaves the subscription as it is now, makes the cached handshake of that time anew.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-000000000fa1', 'past_ada', 'Ada', 'ada@example.org');
CREATE FUNCTION pg_temp.event(type text, at text, rest json DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT status FROM coursebase.apply_subscription_event('00000000-0000-4000-8000-000000000fa1',
        (json_build_object('store', 'google_play', 'environment', 'production', 'store_event_id', type || at,
            'original_transaction_id', 'past', 'event_type', type, 'event_time', at)::jsonb || rest::jsonb)::json)
$$;
CREATE FUNCTION pg_temp.told(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', s ->> 'plan', s ->> 'status', s ->> 'auto_renew')
    FROM (SELECT coursebase.handshake('00000000-0000-4000-8000-000000000fa1', '{}', at) -> 'subscription' AS s) h
$$;
-- What a handshake told before the event, tells behind it, and tells without a cached answer.
CREATE FUNCTION pg_temp.around(at timestamptz, type text, event_time text, rest json DEFAULT '{}')
RETURNS TABLE (before text, event text, behind text, anew text) LANGUAGE plpgsql AS $$
BEGIN
    before := pg_temp.told(at);
    event := pg_temp.event(type, event_time, rest);
    behind := pg_temp.told(at);
    DELETE FROM coursebase.cached_handshake_responses WHERE user_id = '00000000-0000-4000-8000-000000000fa1';
    anew := pg_temp.told(at);
    RETURN NEXT;
END $$;
SELECT pg_temp.event('created', '2026-01-01T00:00:00Z', '{"product_id": "month", "transaction_id": "1", "period_end": "2026-02-01T00:00:00Z"}');
-- Somebody canceled and changed one's mind, and the first of the two events comes last.
SELECT pg_temp.event('uncanceled', '2026-01-20T00:00:00Z');
SELECT * FROM pg_temp.around('2026-01-15', 'canceled', '2026-01-10T00:00:00Z');
-- The card failed in January, and February was paid.
SELECT pg_temp.event('renewed', '2026-02-01T00:00:00Z', '{"transaction_id": "2", "period_end": "2026-03-01T00:00:00Z"}');
SELECT * FROM pg_temp.around('2026-01-26', 'hold_started', '2026-01-25T00:00:00Z');
-- News of a refund in January comes in April, when another payment stands.
SELECT pg_temp.event('expired', '2026-03-01T00:00:00Z');
SELECT pg_temp.event('created', '2026-04-01T00:00:00Z', '{"transaction_id": "4", "period_end": "2026-05-01T00:00:00Z"}');
SELECT * FROM pg_temp.around('2026-01-30', 'revoked', '2026-01-28T00:00:00Z', '{"transaction_id": "1"}');
-- What was paid for a time of the past.
SELECT * FROM pg_temp.around('2026-03-15', 'renewed', '2026-04-05T00:00:00Z',
    '{"transaction_id": "3", "period_start": "2026-03-05T00:00:00Z", "period_end": "2026-03-20T00:00:00Z"}');
-- What changes nothing at any time comes in its order, and leaves the answer.
SELECT version AS was FROM coursebase.user_versions WHERE user_id = '00000000-0000-4000-8000-000000000fa1' \gset
SELECT pg_temp.event('noted', '2026-04-06T00:00:00Z');
SELECT version - :was FROM coursebase.user_versions WHERE user_id = '00000000-0000-4000-8000-000000000fa1';
ROLLBACK;
