-- Promise: a trial pays no referrer, in whichever words it is told, and whether it expires or is canceled;
-- the first period that was paid for pays once, when it comes.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
SET LOCAL datestyle = 'ISO';
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-0000005732' || lpad(n::text, 2, '0'))::uuid, 'trial_' || n, 'Ada', 'ada@example.org' FROM generate_series(0, 39) n;
INSERT INTO coursebase.user_profile (user_id, email) SELECT u.id, u.email FROM coursebase.users u WHERE u.clerk_user_id LIKE 'trial_%' ON CONFLICT (user_id) DO NOTHING;
UPDATE coursebase.user_profile SET referred_by = '00000000-0000-4000-8000-000000573200' WHERE user_id::text ~ '57320[1-9]$|5732[123].$';
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('trial.premium', 'subscription');
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-0000005732' || lpad(n::text, 2, '0'))::uuid $$;
CREATE FUNCTION pg_temp.took(provider text, body text, details json DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, result ->> 'status', result ->> 'anomaly', detail) FROM coursebase.take_notification(provider, body, NULL, details, NULL, '2026-03-01') $$;
-- The period that ends on that day, in the words of each provider; a trial if it is one.
CREATE FUNCTION pg_temp.apple_said(n integer, at text, type text, ends text, trial boolean, subtype text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('app_store', pg_temp.apple(concat_ws('-', 'trial', n, at, type), at, type, subtype, jsonb_strip_nulls(jsonb_build_object('type', 'Auto-Renewable Subscription', 'transactionId', concat_ws('-', 'ta', n, ends), 'originalTransactionId', 'ta-' || n, 'productId', 'trial.premium',
        'purchaseDate', pg_temp.ms(at), 'expiresDate', pg_temp.ms(ends), 'offerType', CASE WHEN trial THEN 1 END, 'offerDiscountType', CASE WHEN trial THEN 'FREE_TRIAL' END, 'appAccountToken', pg_temp.person(n))))) $$;
CREATE FUNCTION pg_temp.play_said(n integer, at text, type integer, ends text, trial boolean, state text DEFAULT 'ACTIVE') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('google_play', pg_temp.play(concat_ws('-', 'trial', n, at, type), at, jsonb_build_object('subscriptionNotification', jsonb_build_object('notificationType', type, 'purchaseToken', 'tg-' || n))),
        json_build_object('subscriptionState', 'SUBSCRIPTION_STATE_' || state, 'externalAccountIdentifiers', json_build_object('obfuscatedExternalAccountId', 'trial_' || n), 'lineItems', jsonb_build_array(jsonb_build_object('productId', 'trial.premium', 'latestSuccessfulOrderId', concat_ws('..', 'GPA.t' || n, ends),
            'expiryTime', ends || 'T00:00:00Z', 'autoRenewingPlan', '{"autoRenewEnabled": true}'::json) || CASE WHEN trial THEN '{"offerPhase": {"freeTrial": {}}}' ELSE '{"offerPhase": {"basePrice": {}}}' END::jsonb))) $$;
CREATE FUNCTION pg_temp.stripe_said(n integer, at text, type text, ends text, status text, previous jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('stripe', pg_temp.stripe(concat_ws('-', 'trial', n, at, type), at, type, jsonb_build_object('id', 'ts-' || n, 'status', status, 'cancel_at_period_end', false, 'trial_end', CASE status WHEN 'trialing' THEN pg_temp.s(ends) END, 'metadata', jsonb_build_object('user_id', 'trial_' || n),
        'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('price', '{"id": "price_1"}'::json, 'current_period_start', pg_temp.s(at), 'current_period_end', pg_temp.s(ends))))), previous)) $$;
CREATE FUNCTION pg_temp.invoice_said(n integer, at text, ends text, reason text, sum integer) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('stripe', pg_temp.stripe(concat_ws('-', 'trial', n, at, reason), at, 'invoice.paid', jsonb_build_object('id', concat_ws('-', 'in', n, at), 'billing_reason', reason, 'amount_paid', sum, 'currency', 'eur', 'subscription', 'ts-' || n,
        'lines', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('period', jsonb_build_object('start', pg_temp.s(at), 'end', pg_temp.s(ends)))))))) $$;
CREATE FUNCTION pg_temp.cat_said(n integer, at text, type text, ends text, period text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('revenuecat', pg_temp.cat(concat_ws('-', 'trial', n, at, type), at, type, jsonb_build_object('app_user_id', 'trial_' || n, 'store', 'APP_STORE', 'product_id', 'trial.premium', 'period_type', period, 'transaction_id', concat_ws('-', 'tc', n, ends), 'original_transaction_id', 'tc-' || n,
        'purchased_at_ms', pg_temp.ms(at), 'expiration_at_ms', pg_temp.ms(ends)) || more)) $$;
CREATE FUNCTION pg_temp.brings(n integer, at text, ends text, trial boolean) RETURNS text LANGUAGE sql AS $$
    SELECT v ->> 'status' FROM coursebase.validate_purchase(pg_temp.person(n), json_build_object('product_id', 'trial.premium', 'source', 'app_store', 'purchase_id', concat_ws('-', 'tr', n, ends), 'original_transaction_id', 'tr-' || n, 'purchase_token', 't', 'transaction_date', at || 'T00:00:00Z', 'period_end', ends || 'T00:00:00Z', 'is_trial', trial), at::timestamptz) v $$;
CREATE FUNCTION pg_temp.paid() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', right(referred_user_id::text, 2), earned_at::date, 'revoked ' || revoked_at::date), ', ' ORDER BY referred_user_id), 'nobody') FROM coursebase.referral_credits WHERE user_id = pg_temp.person(0) $$;
-- A trial of a week, in the words of each: nobody is paid for it.
SELECT pg_temp.apple_said(n, '2026-01-01', 'SUBSCRIBED', '2026-01-08', true, 'INITIAL_BUY'), pg_temp.play_said(n + 2, '2026-01-01', 4, '2026-01-08', true), pg_temp.stripe_said(n + 4, '2026-01-01', 'customer.subscription.created', '2026-01-08', 'trialing'), pg_temp.cat_said(n + 6, '2026-01-01', 'INITIAL_PURCHASE', '2026-01-08', 'TRIAL'), pg_temp.brings(n + 10, '2026-01-01', '2026-01-08', true) FROM generate_series(1, 2) n ORDER BY n;
SELECT pg_temp.invoice_said(n, '2026-01-01', '2026-01-08', 'subscription_create', 0) FROM generate_series(5, 6) n;
SELECT pg_temp.paid();
-- It ends, by itself or because it was canceled: still nobody.
SELECT pg_temp.apple_said(1, '2026-01-08', 'EXPIRED', '2026-01-08', true, 'VOLUNTARY'), pg_temp.play_said(3, '2026-01-08', 13, '2026-01-08', true, 'EXPIRED'), pg_temp.stripe_said(5, '2026-01-08', 'customer.subscription.deleted', '2026-01-08', 'canceled'), pg_temp.cat_said(7, '2026-01-03', 'CANCELLATION', '2026-01-08', 'TRIAL', '{"cancel_reason": "UNSUBSCRIBE"}'), pg_temp.cat_said(7, '2026-01-08', 'EXPIRATION', '2026-01-08', 'TRIAL', '{"expiration_reason": "UNSUBSCRIBE"}');
SELECT pg_temp.paid();
-- It is over, and the first charge fails: nobody is paid, and premium lasts to the end of the day in which Stripe charges.
SELECT pg_temp.stripe_said(13, '2026-01-01', 'customer.subscription.created', '2026-01-08', 'trialing'), pg_temp.stripe_said(13, '2026-01-08', 'customer.subscription.updated', '2026-02-08', 'active', '{"status": "trialing"}'),
    pg_temp.stripe_said(13, '2026-01-08 01:00', 'customer.subscription.updated', '2026-02-08', 'past_due', '{"status": "active"}');
SELECT t, coursebase.has_premium(pg_temp.person(13), t) FROM unnest('{2026-01-08 00:30, 2026-01-09}'::timestamptz[]) t;
SELECT pg_temp.paid();
-- It is paid for: once each, when that is told, and not again.
SELECT pg_temp.apple_said(2, '2026-01-08', 'DID_RENEW', '2026-02-08', false), pg_temp.play_said(4, '2026-01-08', 2, '2026-02-08', false), pg_temp.stripe_said(6, '2026-01-08', 'customer.subscription.updated', '2026-02-08', 'active', '{"status": "trialing"}'), pg_temp.invoice_said(6, '2026-01-08', '2026-02-08', 'subscription_cycle', 999), pg_temp.cat_said(8, '2026-01-08', 'RENEWAL', '2026-02-08', 'NORMAL', '{"is_trial_conversion": true}'), pg_temp.brings(12, '2026-01-08', '2026-02-08', false);
SELECT pg_temp.paid();
SELECT pg_temp.apple_said(2, '2026-02-08', 'DID_RENEW', '2026-03-08', false), pg_temp.play_said(4, '2026-02-08', 2, '2026-03-08', false), pg_temp.cat_said(8, '2026-02-08', 'RENEWAL', '2026-03-08', 'NORMAL'), pg_temp.brings(12, '2026-02-08', '2026-03-08', false);
SELECT pg_temp.paid();
-- Without a trial, at once; a second trial, of another store; a gift and a temporary grant never.
SELECT pg_temp.apple_said(21, '2026-01-01', 'SUBSCRIBED', '2026-02-01', false, 'INITIAL_BUY'), pg_temp.play_said(22, '2026-01-01', 4, '2026-02-01', false), pg_temp.cat_said(23, '2026-01-01', 'INITIAL_PURCHASE', '2026-02-01', 'INTRO'), pg_temp.cat_said(24, '2026-01-01', 'NON_RENEWING_PURCHASE', '2026-02-01', 'PROMOTIONAL', '{"store": "PROMOTIONAL"}'), pg_temp.cat_said(25, '2026-01-01', 'TEMPORARY_ENTITLEMENT_GRANT', '2026-01-02', 'NORMAL');
SELECT pg_temp.play_said(1, '2026-01-09', 4, '2026-01-16', true), pg_temp.cat_said(3, '2026-01-09', 'INITIAL_PURCHASE', '2026-01-16', 'TRIAL');
SELECT pg_temp.paid();
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
