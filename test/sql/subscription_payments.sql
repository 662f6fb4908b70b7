-- Promise: an event speaks of one payment: one about a payment or period that the line has left behind, or never knew,
-- is kept, marked in the history, and ends nothing; a charge that fails cuts nothing that is paid; a cancellation is one
-- however it is told; a referrer is paid for the first period that was paid for.
\pset format unaligned
\pset fieldsep ' | '
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO';
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT format('00000000-0000-4000-8000-0000000057%s', lpad(to_hex(n), 2, '0'))::uuid, 'payments_' || n, 'Ada',
    'ada@example.org'
FROM generate_series(0, 31) n;
CREATE FUNCTION pg_temp.event(who integer, provider text, type text, subtype text, instant text, transaction text,
    period_end date DEFAULT NULL, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, expires_at::date, anomaly) FROM coursebase.apply_subscription_event(
        format('00000000-0000-4000-8000-0000000057%s', lpad(to_hex(who), 2, '0'))::uuid,
        (jsonb_strip_nulls(jsonb_build_object('provider', provider, 'environment', 'production',
            'store', CASE provider WHEN 'revenuecat' THEN 'app_store' ELSE provider END,
            'store_event_id', concat_ws('-', who, type, subtype, instant, transaction), 'event_type', type,
            'subtype', subtype, 'event_time', (instant || 'Z')::timestamptz, 'transaction_id', transaction,
            'period_end', period_end || 'T00:00:00Z', 'original_transaction_id', 'payments-' || who)) || more)::json,
        instant::timestamptz)
$$;
CREATE FUNCTION pg_temp.premium(who integer, VARIADIC instants timestamptz[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coursebase.has_premium(
        format('00000000-0000-4000-8000-0000000057%s', lpad(to_hex(who), 2, '0'))::uuid, t)::text, ' ' ORDER BY n)
    FROM unnest(instants) WITH ORDINALITY AS i (t, n)
$$;
-- App Store renewed early, and the end of the old period comes after it.
SELECT pg_temp.event(1, 'app_store', 'SUBSCRIBED', NULL, '2026-01-01 00:00', 't1', '2026-02-01');
SELECT pg_temp.event(1, 'app_store', 'DID_RENEW', NULL, '2026-01-31 00:00', 't2', '2026-03-01');
SELECT pg_temp.event(1, 'app_store', 'EXPIRED', 'BILLING_RETRY', '2026-02-01 00:00:05', 't1', '2026-02-01');
SELECT pg_temp.premium(1, '2026-02-28', '2026-03-01');
SELECT h.event_type, h.status_after, h.anomaly FROM coursebase.subscription_history h
WHERE h.user_id::text ~ '5701$' ORDER BY h.event_time;
-- The same for each kind that ends something; then the end of the current payment, which does.
SELECT pg_temp.event(1, 'app_store', k.type, k.subtype, '2026-02-02 00:00', 't1')
FROM (VALUES ('REFUND', NULL), ('DID_FAIL_TO_RENEW', 'GRACE_PERIOD'), ('DID_FAIL_TO_RENEW', NULL),
    ('DID_RENEW', 'BILLING_RECOVERY'), ('REFUND_REVERSED', NULL)) k (type, subtype);
-- So does one that names no payment, but the end of a period that is left behind.
SELECT pg_temp.event(1, 'app_store', 'EXPIRED', NULL, '2026-02-03 00:00', NULL, '2026-02-01');
SELECT pg_temp.event(1, 'app_store', 'EXPIRED', NULL, '2026-03-01 00:00', 't2', '2026-03-01');
-- A refund of a payment that the line never knew.
SELECT pg_temp.event(2, 'app_store', 'DID_RENEW', NULL, '2026-05-01 00:00', 't5', '2026-06-01');
SELECT pg_temp.event(2, 'app_store', 'REFUND', NULL, '2026-05-02 00:00', 't2', '2026-03-01');
SELECT pg_temp.event(2, 'app_store', 'REFUND', NULL, '2026-05-03 00:00', 't3');
-- The order that Google Play failed to charge is the latest one, though no payment told of it.
SELECT pg_temp.event(3, 'google_play', '4', NULL, '2026-01-01 00:00', 'g0', '2026-02-01');
SELECT pg_temp.event(3, 'google_play', '6', NULL, '2026-02-01 00:00', 'g1', '2026-02-08',
    '{"grace_until": "2026-02-08T00:00:00Z"}');
SELECT pg_temp.event(3, 'google_play', '5', NULL, '2026-02-08 00:00', 'g1', '2026-02-08');
SELECT pg_temp.event(3, 'google_play', '1', NULL, '2026-02-10 00:00', 'g1', '2026-03-10');
SELECT pg_temp.event(3, 'google_play', '13', NULL, '2026-03-10 00:00', 'g1', '2026-03-10');
-- A charge that fails a day before the end: hold, grace that is shorter, grace without an end. No period comes of it.
SELECT pg_temp.event(n, 'app_store', 'SUBSCRIBED', NULL, '2026-01-01 00:00', 't1', '2026-02-01')
FROM generate_series(4, 7) n;
SELECT pg_temp.event(4, 'app_store', 'DID_FAIL_TO_RENEW', NULL, '2026-01-31 06:00', 't1', '2026-03-01');
SELECT pg_temp.event(5, 'app_store', 'DID_FAIL_TO_RENEW', 'GRACE_PERIOD', '2026-01-31 06:00', 't1', NULL,
    '{"grace_until": "2026-01-31T08:00:00Z"}');
SELECT pg_temp.event(6, 'revenuecat', 'BILLING_ISSUE', NULL, '2026-01-31 06:00', 't1', '2026-02-01');
SELECT n, pg_temp.premium(n, '2026-01-31 12:00', '2026-01-31 23:59:59.999999', '2026-02-01')
FROM generate_series(4, 6) n;
SELECT rule, reason, detail FROM coursebase.explain_premium('00000000-0000-4000-8000-000000005704', '2026-02-01');
-- The days of grace that the setting gives, from the failed charge; a later change does not reach what came before.
UPDATE coursebase.settings SET value = '3' WHERE name = 'grace_days_app_store';
SELECT pg_temp.event(7, 'revenuecat', 'BILLING_ISSUE', NULL, '2026-01-31 06:00', 't1', '2026-02-01');
UPDATE coursebase.settings SET value = '30' WHERE name = 'grace_days_app_store';
SELECT pg_temp.premium(7, '2026-02-03 05:59:59.999999', '2026-02-03 06:00');
SELECT pg_temp.event(7, 'revenuecat', 'BILLING_ISSUE', NULL, '2026-01-31 06:00', 't1', '2026-02-01') AS again;
-- Canceled on hold or during a pause: what is paid stays, and is over at its end.
SELECT pg_temp.event(4, 'app_store', 'DID_CHANGE_RENEWAL_STATUS', 'AUTO_RENEW_DISABLED', '2026-01-31 07:00', 't1');
SELECT pg_temp.event(2, 'app_store', 'paused', NULL, '2026-05-05 00:00', 't5'),
    pg_temp.event(6, 'app_store', 'hold_started', NULL, '2026-02-02 00:00', 't1');
SELECT pg_temp.event(2, 'app_store', 'canceled', NULL, '2026-05-06 00:00', 't5'),
    pg_temp.event(6, 'app_store', 'canceled', NULL, '2026-02-03 00:00', 't1');
SELECT pg_temp.premium(4, '2026-01-31 12:00', '2026-02-01'), pg_temp.premium(6, '2026-02-03');
-- Stripe: nothing was paid, and then it was; without an end there is nothing to give.
SELECT pg_temp.event(8, 'stripe', 'customer.subscription.created', 'incomplete', '2026-01-01 00:00', NULL);
SELECT pg_temp.event(8, 'stripe', 'customer.subscription.updated', 'status.active', '2026-01-01 00:01', NULL),
    pg_temp.event(8, 'stripe', 'customer.subscription.updated', 'status.active', '2026-01-01 00:02', NULL, '2026-02-01');
-- Refunded, and recovered with a new payment alone.
SELECT pg_temp.event(8, 'stripe', 'charge.refunded', NULL, '2026-01-03 00:00', NULL);
SELECT pg_temp.event(8, 'stripe', 'recovered', NULL, '2026-01-04 00:00', NULL, '2026-02-04'),
    pg_temp.event(8, 'stripe', 'recovered', NULL, '2026-01-05 00:00', 'in_2', '2026-02-05');
-- A cancellation that is scheduled, told in four ways and taken back.
SELECT pg_temp.event(n, p.provider, 'created', NULL, '2026-01-01 00:00', 'c1', '2026-02-01')
FROM (VALUES (9, 'stripe'), (10, 'google_play'), (11, 'stripe'), (12, 'stripe')) p (n, provider);
SELECT pg_temp.event(9, 'stripe', 'customer.subscription.updated', 'cancel_at', '2026-01-02 00:00', NULL),
    pg_temp.event(10, 'google_play', '18', NULL, '2026-01-02 00:00', 'c1'),
    pg_temp.event(11, 'stripe', 'renewed', NULL, '2026-01-02 00:00', 'c2', '2026-02-01', '{"auto_renew": false}'),
    pg_temp.event(12, 'stripe', 'product_changed', NULL, '2026-01-02 00:00', 'c2', NULL, '{"auto_renew": false}');
SELECT s.user_id, s.status, s.auto_renew, s.expires_at::date FROM coursebase.subscriptions s
WHERE s.user_id::text ~ '57(09|0a|0b|0c)$' ORDER BY s.user_id;
SELECT pg_temp.premium(9, '2026-01-31', '2026-02-01'), pg_temp.premium(11, '2026-01-31', '2026-02-01');
SELECT pg_temp.event(9, 'stripe', 'customer.subscription.updated', 'cancel_at.null', '2026-01-03 00:00', NULL);
-- The referrer: a trial that expires earns nothing, one that is paid for then does, and what nobody paid for does not.
INSERT INTO coursebase.user_profile (user_id, email)
SELECT u.id, u.email FROM coursebase.users u WHERE u.clerk_user_id LIKE 'payments_%'
ON CONFLICT (user_id) DO NOTHING;
UPDATE coursebase.user_profile SET referred_by = '00000000-0000-4000-8000-000000005700'
WHERE user_id::text ~ '57(0d|0e|0f)$';
SELECT pg_temp.event(n, 'stripe', 'created', NULL, '2026-01-01 00:00', 'trial', '2026-01-08', '{"is_trial": true}')
FROM generate_series(13, 14) n;
SELECT pg_temp.event(13, 'stripe', 'canceled', NULL, '2026-01-02 00:00', NULL),
    pg_temp.event(13, 'stripe', 'uncanceled', NULL, '2026-01-03 00:00', NULL),
    pg_temp.event(13, 'stripe', 'expired', NULL, '2026-01-08 00:00', NULL);
SELECT pg_temp.event(15, 'promotional', 'created', NULL, '2026-01-01 00:00', 'gift', '2026-02-01');
SELECT count(*) FROM coursebase.referral_credits WHERE user_id = '00000000-0000-4000-8000-000000005700';
SELECT pg_temp.event(14, 'stripe', 'renewed', NULL, '2026-01-08 00:00', 'paid', '2026-02-08');
SELECT right(referred_user_id::text, 2) AS referred, earned_at FROM coursebase.referral_credits
WHERE user_id = '00000000-0000-4000-8000-000000005700';
-- By hand an event about an earlier payment is refused.
\set SHOW_CONTEXT never
SAVEPOINT s;
SELECT pg_temp.event(2, 'app_store', 'revoked', NULL, '2026-05-04 00:00', 't2', '2026-03-01', '{"manual": true}');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
