-- Promise: a person's first premium pays whoever brought them, once, whatever the order in which the events come;
-- a refund takes the credit back while it is held; what a sandbox sold earns nothing.
\pset format unaligned
\pset fieldsep ' | '
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO';
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-00000000560' || n)::uuid, 'sub_referral_' || n, 'Ada', 'ada@example.org'
FROM generate_series(0, 9) n;
INSERT INTO coursebase.user_profile (user_id, email)
SELECT u.id, u.email FROM coursebase.users u WHERE u.clerk_user_id LIKE 'sub_referral_%'
ON CONFLICT (user_id) DO NOTHING;
UPDATE coursebase.user_profile SET referred_by = '00000000-0000-4000-8000-000000005600'
WHERE user_id::text ~ '^00000000-0000-4000-8000-00000000560[1-9]$';
CREATE FUNCTION pg_temp.event(who integer, n integer, type text, day date, more jsonb DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$
    SELECT status FROM coursebase.apply_subscription_event(('00000000-0000-4000-8000-00000000560' || who)::uuid,
        (jsonb_build_object('store', 'stripe', 'environment', 'production', 'store_event_id', format('ref-%s-%s', who, n),
            'event_type', type, 'event_time', day || 'T00:00:00Z', 'original_transaction_id', 'ref-' || who,
            'period_end', (day + 30) || 'T00:00:00Z') || more)::json, day + interval '1 hour')
$$;
CREATE FUNCTION pg_temp.credits() RETURNS TABLE (referred text, earned_at timestamptz, revoked_at timestamptz)
LANGUAGE sql AS $$
    SELECT right(c.referred_user_id::text, 1), c.earned_at, c.revoked_at FROM coursebase.referral_credits c
    WHERE c.user_id = '00000000-0000-4000-8000-000000005600' ORDER BY 1
$$;
-- Bought, renewed: one credit, of the first premium.
SELECT pg_temp.event(1, 1, 'created', '2026-01-01'), pg_temp.event(1, 2, 'renewed', '2026-01-31');
SELECT * FROM pg_temp.credits();
-- Refunded at once.
SELECT pg_temp.event(2, 1, 'created', '2026-01-01'), pg_temp.event(2, 2, 'revoked', '2026-01-02');
-- The refund came before what it refunds.
SELECT pg_temp.event(3, 2, 'revoked', '2026-01-02'), pg_temp.event(3, 1, 'created', '2026-01-01');
-- A sandbox.
SELECT pg_temp.event(4, 1, 'created', '2026-01-01', '{"environment": "sandbox"}');
-- Known too late to be premium any more: it was the first one all the same.
SELECT pg_temp.event(5, 2, 'expired', '2026-01-31'), pg_temp.event(5, 1, 'created', '2026-01-01');
SELECT * FROM pg_temp.credits();
-- Bought twice, and the second one refunded: the first premium stands, and so does its credit. It goes with the first
-- one, and comes back with it, although the second one stays refunded.
SELECT pg_temp.event(6, 1, 'created', '2026-01-01'), pg_temp.event(6, 2, 'created', '2026-01-02', '{"original_transaction_id": "ref-6b"}'),
    pg_temp.event(6, 3, 'revoked', '2026-01-03', '{"original_transaction_id": "ref-6b"}');
SELECT * FROM pg_temp.credits() WHERE referred = '6';
SELECT pg_temp.event(6, 4, 'revoked', '2026-01-04');
SELECT * FROM pg_temp.credits() WHERE referred = '6';
SELECT pg_temp.event(6, 5, 'unrevoked', '2026-01-05');
SELECT * FROM pg_temp.credits() WHERE referred = '6';
-- The first premium is told last, after the refund of the second one, with which the credit went: it comes back. The refund
-- of the first payment takes it also where the line has gone on, told before the next payment or behind it; the refund of
-- the next one does not; and the end of the first refund gives it back.
UPDATE coursebase.settings SET value = '60' WHERE name = 'referral_hold_days';
SELECT pg_temp.event(7, 2, 'created', '2026-01-02', '{"original_transaction_id": "ref-7b"}'), pg_temp.event(7, 3, 'revoked', '2026-01-03', '{"original_transaction_id": "ref-7b"}');
SELECT * FROM pg_temp.credits() WHERE referred = '7';
SELECT pg_temp.event(7, 1, 'created', '2026-01-01');
SELECT * FROM pg_temp.credits() WHERE referred = '7';
SELECT pg_temp.event(n, 1, 'created', '2026-01-01', '{"transaction_id": "1"}'), pg_temp.event(n, 2, 'renewed', '2026-01-31', '{"transaction_id": "2"}') FROM generate_series(8, 9) n;
SELECT pg_temp.event(8, 3, 'revoked', '2026-02-02', '{"transaction_id": "1", "period_end": "2026-01-31T00:00:00Z"}'), pg_temp.event(9, 3, 'revoked', '2026-02-02', '{"transaction_id": "2"}');
SELECT * FROM pg_temp.credits() WHERE referred IN ('8', '9');
SELECT pg_temp.event(8, 4, 'unrevoked', '2026-02-03', '{"transaction_id": "1", "period_end": "2026-01-31T00:00:00Z"}'), pg_temp.event(9, 4, 'revoked', '2026-02-03', '{"transaction_id": "1", "period_end": "2026-01-31T00:00:00Z"}');
SELECT * FROM pg_temp.credits() WHERE referred IN ('8', '9');
-- The event that begins the first payment names none, and the one that says what was paid names it: its refund takes the
-- credit, and the end of that refund gives it back. The refund of the next payment leaves it.
SELECT pg_temp.event(4, 2, 'created', '2026-01-01', '{"original_transaction_id": "ref-4b"}'), pg_temp.event(4, 3, 'created', '2026-01-01', '{"original_transaction_id": "ref-4b", "transaction_id": "1"}'),
    pg_temp.event(4, 4, 'revoked', '2026-01-02', '{"original_transaction_id": "ref-4b", "transaction_id": "1"}');
SELECT * FROM pg_temp.credits() WHERE referred = '4';
SELECT pg_temp.event(4, 5, 'unrevoked', '2026-01-03', '{"original_transaction_id": "ref-4b", "transaction_id": "1"}');
SELECT * FROM pg_temp.credits() WHERE referred = '4';
SELECT pg_temp.event(4, 6, 'renewed', '2026-01-31', '{"original_transaction_id": "ref-4b", "transaction_id": "2"}'), pg_temp.event(4, 7, 'revoked', '2026-02-01', '{"original_transaction_id": "ref-4b", "transaction_id": "2"}');
SELECT * FROM pg_temp.credits() WHERE referred = '4';
UPDATE coursebase.settings SET value = NULL WHERE name = 'referral_hold_days';
-- Long after the hold a refund takes nothing back.
SELECT pg_temp.event(1, 3, 'revoked', '2027-01-01');
SELECT * FROM pg_temp.credits() WHERE referred = '1';
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
