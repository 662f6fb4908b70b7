-- Promise: the kinds of case that an earlier release misread hold for every provider that can tell them: a charge that
-- fails without a grace, what is paid for only later, a purchase that goes to another account, types of a later day.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
SET LOCAL datestyle = 'ISO';
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000005702' || lpad(n::text, 2, '0'))::uuid, 'more_' || n, 'Ada', 'ada@example.org' FROM generate_series(0, 39) n;
CREATE FUNCTION pg_temp.took(provider text, body text, details json DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, result ->> 'status', result ->> 'anomaly', detail) FROM coursebase.take_notification(provider, body, NULL, details, NULL, '2026-03-01') $$;
-- Whether the person has premium at these times.
CREATE FUNCTION pg_temp.premium(who integer, VARIADIC instants timestamptz[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coursebase.has_premium(u.id, t)::text, ' ' ORDER BY n) FROM coursebase.users u, unnest(instants) WITH ORDINALITY i (t, n) WHERE u.clerk_user_id = 'more_' || who $$;
-- Each in the words of its provider, about the line of that person, whose period ends on the first of February.
CREATE FUNCTION pg_temp.apple_said(who integer, at text, type text, subtype text, more jsonb DEFAULT '{}', renewal jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('app_store', pg_temp.apple(concat_ws('-', 'more', who, at, type), at, type, subtype, jsonb_build_object('type', 'Auto-Renewable Subscription', 'transactionId', 'ma-' || who,
        'originalTransactionId', 'ma-' || who, 'productId', 'premium', 'expiresDate', pg_temp.ms('2026-02-01'), 'appAccountToken', (SELECT id FROM coursebase.users WHERE clerk_user_id = 'more_' || who)) || more, renewal)) $$;
CREATE FUNCTION pg_temp.play_said(who integer, at text, type integer, state text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('google_play', pg_temp.play(concat_ws('-', 'more', who, at, type), at, jsonb_build_object('subscriptionNotification', jsonb_build_object('notificationType', type, 'purchaseToken', 'mg-' || who))),
        json_build_object('subscriptionState', 'SUBSCRIPTION_STATE_' || state, 'externalAccountIdentifiers', json_build_object('obfuscatedExternalAccountId', 'more_' || who),
            'lineItems', jsonb_build_array(jsonb_build_object('productId', 'premium', 'latestSuccessfulOrderId', 'GPA.m' || who, 'expiryTime', '2026-02-01T00:00:00Z', 'autoRenewingPlan', '{"autoRenewEnabled": true}'::json) || more))) $$;
CREATE FUNCTION pg_temp.stripe_said(who integer, at text, type text, status text, previous jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('stripe', pg_temp.stripe(concat_ws('-', 'more', who, at, type), at, type, jsonb_build_object('id', 'ms-' || who, 'status', status, 'cancel_at_period_end', false, 'metadata', jsonb_build_object('user_id', 'more_' || who),
        'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('price', '{"id": "price_1"}'::json, 'current_period_end', pg_temp.s('2026-02-01'))))), previous)) $$;
CREATE FUNCTION pg_temp.invoice_said(who integer, at text, type text, reason text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('stripe', pg_temp.stripe(concat_ws('-', 'more', who, at, type), at, type, jsonb_build_object('id', concat_ws('-', 'min', who, reason), 'billing_reason', reason, 'amount_paid', 999, 'currency', 'eur', 'subscription', 'ms-' || who,
        'lines', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('period', jsonb_build_object('start', pg_temp.s('2026-01-01'), 'end', pg_temp.s('2026-02-01')))))))) $$;
CREATE FUNCTION pg_temp.cat_said(who integer, at text, type text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('revenuecat', pg_temp.cat(concat_ws('-', 'more', who, at, type), at, type, jsonb_build_object('app_user_id', 'more_' || who, 'store', 'PLAY_STORE', 'product_id', 'premium', 'transaction_id', 'mc-' || who, 'original_transaction_id', 'mc-' || who,
        'purchased_at_ms', pg_temp.ms('2026-01-01'), 'expiration_at_ms', pg_temp.ms('2026-02-01')) || more)) $$;
-- A charge that fails a day before the end, and no grace is told of: what was paid for stays to its end, and not longer.
SELECT pg_temp.apple_said(n, '2026-01-01', 'SUBSCRIBED', 'INITIAL_BUY') FROM generate_series(1, 2) n;
SELECT pg_temp.play_said(n, '2026-01-01', 4, 'ACTIVE') FROM generate_series(3, 4) n;
SELECT pg_temp.stripe_said(n, '2026-01-01', 'customer.subscription.created', 'active') FROM generate_series(5, 6) n;
SELECT pg_temp.cat_said(n, '2026-01-01', 'INITIAL_PURCHASE') FROM generate_series(7, 8) n;
SELECT pg_temp.apple_said(1, '2026-01-31', 'DID_FAIL_TO_RENEW', NULL), pg_temp.apple_said(2, '2026-01-31', 'DID_FAIL_TO_RENEW', 'GRACE_PERIOD', '{}', '{"originalTransactionId": "ma-2"}');
SELECT pg_temp.play_said(3, '2026-01-31', 5, 'ON_HOLD'), pg_temp.play_said(4, '2026-01-31', 6, 'ACTIVE');
SELECT pg_temp.invoice_said(5, '2026-01-31', 'invoice.payment_failed', 'subscription_cycle'), pg_temp.stripe_said(6, '2026-01-31', 'customer.subscription.updated', 'past_due', '{"status": "active"}');
SELECT pg_temp.cat_said(7, '2026-01-31', 'BILLING_ISSUE'), pg_temp.cat_said(8, '2026-01-31', 'BILLING_ISSUE', '{"expiration_at_ms": null}');
SELECT n, pg_temp.premium(n, '2026-01-31 12:00', '2026-01-31 23:59:59', '2026-02-01') FROM generate_series(1, 8) n ORDER BY n;
-- What is not paid for gives nothing; when it is, it does; when it never is, it does not.
SELECT pg_temp.stripe_said(n, '2026-01-01', 'customer.subscription.created', 'incomplete') FROM generate_series(11, 14) n;
SELECT pg_temp.stripe_said(15, '2026-01-01', 'customer.subscription.created', 'trialing');
SELECT pg_temp.play_said(16, '2026-01-01', 20, 'PENDING_PURCHASE_CANCELED');
SELECT n, pg_temp.premium(n, '2026-01-01 12:00') FROM unnest(ARRAY[11, 16]) n ORDER BY n;
SELECT pg_temp.stripe_said(11, '2026-01-02', 'customer.subscription.updated', 'active', '{"status": "incomplete"}'), pg_temp.invoice_said(12, '2026-01-02', 'invoice.paid', 'subscription_create');
SELECT pg_temp.stripe_said(13, '2026-01-02', 'customer.subscription.updated', 'incomplete_expired', '{"status": "incomplete"}'), pg_temp.invoice_said(14, '2026-01-02', 'invoice.payment_failed', 'subscription_create');
SELECT pg_temp.stripe_said(15, '2026-01-08', 'customer.subscription.updated', 'active', '{"status": "trialing"}'), pg_temp.invoice_said(15, '2026-01-08', 'invoice.paid', 'subscription_cycle'), pg_temp.play_said(16, '2026-01-02', 4, 'ACTIVE');
SELECT n, pg_temp.premium(n, '2026-01-31 23:59:59', '2026-02-01') FROM generate_series(11, 16) n ORDER BY n;
-- The period that began with a charge that failed is not paid for, whatever changes of the subscription meanwhile. A
-- cancellation in the grace of it that is taken back leaves the grace.
UPDATE coursebase.settings SET value = '6' WHERE name = 'grace_days_stripe';
CREATE FUNCTION pg_temp.failing(who integer, at text, cancels boolean, previous jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('stripe', pg_temp.stripe(concat_ws('-', 'failing', who, at), at, 'customer.subscription.updated', jsonb_build_object('id', 'ms-' || who, 'status', 'past_due', 'cancel_at_period_end', cancels,
        'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('price', '{"id": "price_1"}'::json, 'current_period_start', pg_temp.s('2026-02-01'), 'current_period_end', pg_temp.s('2026-03-01'))))), previous)) $$;
SELECT pg_temp.stripe_said(n, '2026-01-01', 'customer.subscription.created', 'active'), pg_temp.failing(n, '2026-02-01', false, '{"status": "active"}') FROM generate_series(17, 18) n;
SELECT pg_temp.failing(17, '2026-02-02', false, '{"items": {}}');
SELECT pg_temp.failing(18, '2026-02-02', true, '{"cancel_at_period_end": false}'), pg_temp.failing(18, '2026-02-03', false, '{"cancel_at_period_end": true}');
SELECT n, pg_temp.premium(n, '2026-02-04', '2026-02-06 23:59:59', '2026-02-07') FROM generate_series(17, 18) n ORDER BY n;
-- The next period begins and its charge fails an hour later: a day of it is given, and where it is paid for, all of it.
CREATE FUNCTION pg_temp.renews(who integer, at text, status text, previous jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('stripe', pg_temp.stripe(concat_ws('-', 'renews', who, at), at, 'customer.subscription.updated', jsonb_build_object('id', 'ms-' || who, 'status', status, 'cancel_at_period_end', false,
        'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('price', '{"id": "price_1"}'::json, 'current_period_start', pg_temp.s('2026-02-01'), 'current_period_end', pg_temp.s('2026-03-01'))))), previous)) $$;
UPDATE coursebase.settings SET value = NULL WHERE name = 'grace_days_stripe';
SELECT pg_temp.stripe_said(n, '2026-01-01', 'customer.subscription.created', 'active'), pg_temp.renews(n, '2026-02-01', 'active', b) FROM (VALUES (26, '{"latest_invoice": "a", "items": {"data": [{"price": {"id": "price_1"}, "current_period_end": 1769904000}]}}'::jsonb), (27, '{"latest_invoice": "a", "current_period_end": 1769904000}')) v (n, b) ORDER BY n;
SELECT n, pg_temp.premium(n, '2026-02-01 00:30', '2026-02-01 23:59:59', '2026-02-02') FROM generate_series(26, 27) n ORDER BY n;
SELECT pg_temp.renews(26, '2026-02-01 01:00', 'past_due', '{"status": "active"}'), pg_temp.took('stripe', pg_temp.stripe('renews-paid', '2026-02-01 01:00', 'invoice.paid', jsonb_build_object('id', 'min-27', 'billing_reason', 'subscription_cycle', 'amount_paid', 999, 'currency', 'eur', 'subscription', 'ms-27',
    'lines', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('period', jsonb_build_object('start', pg_temp.s('2026-02-01'), 'end', pg_temp.s('2026-03-01'))))))));
SELECT n, pg_temp.premium(n, '2026-02-01 12:00', '2026-02-02', '2026-02-28') FROM generate_series(26, 27) n ORDER BY n;
-- From a year to a month: the invoice gives the rest of the year back, which is no period that it pays for.
SELECT pg_temp.took('stripe', pg_temp.stripe('year-' || at, at, 'invoice.paid', jsonb_build_object('id', 'min-19-' || at, 'subscription', 'ms-19', 'billing_reason', reason, 'amount_paid', paid, 'currency', 'eur',
    'parent', '{"subscription_details": {"subscription": "ms-19", "metadata": {"user_id": "more_19"}}}'::json,
    'lines', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('amount', amount, 'period', jsonb_build_object('start', pg_temp.s(at), 'end', pg_temp.s('2027-01-01'))),
        jsonb_build_object('amount', 900, 'period', jsonb_build_object('start', pg_temp.s('2026-02-01'), 'end', pg_temp.s('2026-03-01'))))))))
FROM (VALUES ('2026-01-01', 'subscription_create', 9000, 9000), ('2026-02-01', 'subscription_update', 0, -8000)) v (at, reason, paid, amount) ORDER BY at;
SELECT pg_temp.premium(19, '2026-01-15', '2026-02-28', '2026-03-01');
-- A purchase goes to another account, by each name that RevenueCat has for it; its next renewal is the new account's.
SELECT pg_temp.cat_said(n, '2026-01-01', 'INITIAL_PURCHASE') FROM generate_series(21, 25) n;
SELECT n, pg_temp.took('revenuecat', pg_temp.cat('more-t' || n, '2026-01-10', 'TRANSFER', jsonb_build_object('store', 'PLAY_STORE', 'transferred_from', f, 'transferred_to', t)))
FROM (VALUES (21, '["more_21"]'::jsonb, '["more_31"]'::jsonb), (22, '["$RCAnonymousID:1", "more_22"]', '["more_32", "$RCAnonymousID:2"]'), (23, '["00000000-0000-4000-8000-000000570223"]', '["00000000-0000-4000-8000-000000570233"]'),
    (24, '["more_24"]', '["more_24"]'), (25, '["more_25"]', '["nobody_yet"]')) v (n, f, t) ORDER BY n;
SELECT n, pg_temp.cat_said(n + 10, '2026-01-31', 'RENEWAL', jsonb_build_object('transaction_id', 'mc-' || n || '-2', 'original_transaction_id', 'mc-' || n, 'expiration_at_ms', pg_temp.ms('2026-03-01'))) FROM generate_series(21, 23) n ORDER BY n;
SELECT n, pg_temp.premium(n, '2026-02-02'), pg_temp.premium(n + 10, '2026-02-02') FROM generate_series(21, 23) n ORDER BY n;
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('nobody_yet', 'Now', 'now@example.org');
SELECT kind, outcome, result FROM coursebase.replay_notifications();
-- A type of a later day is noted, and ends nothing.
SELECT pg_temp.apple_said(2, '2026-01-15', 'BRAND_NEW', 'SUB'), pg_temp.play_said(3, '2026-01-15', 99, 'ACTIVE'), pg_temp.stripe_said(6, '2026-01-15', 'customer.subscription.renamed', 'active'), pg_temp.cat_said(7, '2026-01-15', 'BRAND_NEW');
SELECT pg_temp.took('google_play', pg_temp.play('more-x', '2026-01-15', '{"brandNewNotification": {"purchaseToken": "mg-3"}}')), pg_temp.took('stripe', pg_temp.stripe('more-x', '2026-01-15', 'brand.new', '{"id": "x"}'));
SELECT n, pg_temp.premium(n, '2026-01-31 23:59:59') FROM unnest(ARRAY[2, 3, 6, 7]) n ORDER BY n;
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
