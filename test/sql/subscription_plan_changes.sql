-- Promise: whoever leaves a year for a month at once has the month, whether the store tells it as a change of product or
-- as a payment alone, and nothing of the year is left when the month is refunded; a change at the end of the year cuts
-- nothing, and neither what was refunded nor a plan that was left comes back.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-00000005a20' || n)::uuid, 'plan_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 8) n;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-00000005a2' || n)::uuid, 'plan_' || n, 'Ada', 'ada@example.org' FROM generate_series(10, 18) n;
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('year', 'subscription'), ('month', 'subscription');
CREATE FUNCTION pg_temp.apple_said(who integer, at text, type text, subtype text, paid text, product text, from_ text, until text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail, result ->> 'status', result ->> 'anomaly') FROM coursebase.take_notification('app_store', pg_temp.apple(concat_ws('-', 'plan', who, at, type), at, type, subtype, jsonb_build_object('type', 'Auto-Renewable Subscription', 'transactionId', paid || who,
        'originalTransactionId', 'plan-' || who, 'productId', product, 'purchaseDate', pg_temp.ms(from_), 'expiresDate', pg_temp.ms(until), 'appAccountToken', (SELECT id FROM coursebase.users WHERE clerk_user_id = 'plan_' || who))), at => '2026-03-01') $$;
CREATE FUNCTION pg_temp.cat_said(who integer, at text, type text, paid text, product text, from_ text, until text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail, result ->> 'status', result ->> 'anomaly') FROM coursebase.take_notification('revenuecat', pg_temp.cat(concat_ws('-', 'plan', who, at, type), at, type, jsonb_build_object('app_user_id', 'plan_' || who, 'store', 'APP_STORE', 'product_id', product, 'transaction_id', paid || who,
        'original_transaction_id', 'plan-' || who, 'period_type', 'NORMAL', 'purchased_at_ms', pg_temp.ms(from_), 'expiration_at_ms', pg_temp.ms(until)) || more), at => '2026-03-01') $$;
CREATE FUNCTION pg_temp.premium(who integer, VARIADIC instants timestamptz[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coursebase.has_premium(u.id, t)::text, ' ' ORDER BY n) || ' ' || (SELECT l.product_id FROM coursebase.subscription_lines l WHERE l.user_id = min(u.id::text)::uuid) FROM coursebase.users u, unnest(instants) WITH ORDINALITY i (t, n) WHERE u.clerk_user_id = 'plan_' || who $$;
SELECT pg_temp.apple_said(1, '2026-01-01', 'SUBSCRIBED', 'INITIAL_BUY', 'y', 'year', '2026-01-01', '2027-01-01');
SELECT pg_temp.cat_said(n, '2026-01-01', 'INITIAL_PURCHASE', 'y', 'year', '2026-01-01', '2027-01-01') FROM generate_series(2, 6) n;
-- At once. RevenueCat announces a change, and tells of it as of a payment.
SELECT pg_temp.apple_said(1, '2026-01-15 00:00:05', 'DID_CHANGE_RENEWAL_PREF', 'UPGRADE', 'm', 'month', '2026-01-15', '2026-02-15');
SELECT pg_temp.cat_said(n, '2026-01-15 00:00:02', 'PRODUCT_CHANGE', 'y', 'year', '2026-01-01', '2027-01-01', '{"new_product_id": "month"}'), pg_temp.cat_said(n, '2026-01-15 00:00:05', 'RENEWAL', 'm', 'month', '2026-01-15', '2026-02-15') FROM generate_series(2, 3) n;
SELECT n, pg_temp.premium(n, '2026-01-14', '2026-01-15', '2026-01-15 00:00:05', '2026-02-14', '2026-02-15') FROM generate_series(1, 2) n ORDER BY n;
-- The month is refunded; of the year nothing comes back, and what was before stays as it was.
SAVEPOINT month;
SELECT pg_temp.apple_said(1, '2026-01-20', 'REFUND', NULL, 'm', 'month', '2026-01-15', '2026-02-15'), pg_temp.cat_said(2, '2026-01-20', 'CANCELLATION', 'm', 'month', '2026-01-15', '2026-02-15', '{"cancel_reason": "CUSTOMER_SUPPORT"}');
SELECT n, pg_temp.premium(n, '2026-01-14', '2026-01-19', '2026-01-21', '2026-02-14') FROM generate_series(1, 2) n ORDER BY n;
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO month;
-- It renews; its payment told once more changes nothing.
SELECT pg_temp.cat_said(3, '2026-02-15 00:00:05', 'RENEWAL', 'n', 'month', '2026-02-15', '2026-03-15'), pg_temp.cat_said(3, '2026-02-17', 'RENEWAL', 'm', 'month', '2026-01-15', '2026-02-15');
SELECT pg_temp.premium(3, '2026-01-15', '2026-02-20', '2026-03-14', '2026-03-15');
-- To a month at the end of the year; to a longer plan; a month of the past that is told late.
SELECT pg_temp.cat_said(4, '2026-06-01', 'PRODUCT_CHANGE', 'y', 'year', '2026-01-01', '2027-01-01', '{"new_product_id": "month"}'), pg_temp.cat_said(4, '2026-12-31 20:00', 'RENEWAL', 'm', 'month', '2027-01-01', '2027-02-01');
SELECT pg_temp.cat_said(5, '2026-06-01', 'RENEWAL', 'z', 'two years', '2026-06-01', '2028-06-01'), pg_temp.cat_said(6, '2026-01-02', 'RENEWAL', 'm', 'month', '2025-12-01', '2026-01-01');
SELECT n, pg_temp.premium(n, '2026-01-14', '2026-12-31 23:59:59', '2027-01-31', '2027-02-01') FROM generate_series(4, 6) n ORDER BY n;
-- What is refunded does not come back with what is bought after it, whatever end the store named with the refund.
SELECT pg_temp.apple_said(7, '2026-01-01', 'SUBSCRIBED', 'INITIAL_BUY', 'y', 'year', '2026-01-01', '2027-01-01'), pg_temp.apple_said(7, '2026-01-10', 'REFUND', NULL, 'y', 'year', '2026-01-01', '2027-01-01'), pg_temp.apple_said(7, '2026-01-15', 'SUBSCRIBED', 'RESUBSCRIBE', 'm', 'year', '2026-01-15', '2026-02-15');
SELECT pg_temp.premium(7, '2026-01-09', '2026-01-11', '2026-01-16', '2026-02-14', '2026-02-15', '2026-12-31');
-- A plan that was left is not the plan again because an earlier period of it is told late; the period was paid for.
SELECT pg_temp.cat_said(8, '2026-01-01', 'INITIAL_PURCHASE', 'a', 'basic', '2026-01-01', '2026-02-01'), pg_temp.cat_said(8, '2026-03-05', 'RENEWAL', 'c', 'pro', '2026-03-01', '2026-04-01'), pg_temp.cat_said(8, '2026-03-06', 'CANCELLATION', 'c', 'pro', '2026-03-01', '2026-04-01', '{"cancel_reason": "UNSUBSCRIBE"}'),
    pg_temp.cat_said(8, '2026-03-07', 'RENEWAL', 'b', 'basic', '2026-02-01', '2026-03-01');
SELECT pg_temp.premium(8, '2026-02-15', '2026-03-15', '2026-04-01');
-- The phone brings the receipts too, whether the store tells of the change or nobody does, and the month ends with its own end.
CREATE FUNCTION pg_temp.brings(who integer, paid text, product text, from_ text, until text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', r ->> 'status', r -> 'subscription' ->> 'expires_at') FROM coursebase.validate_purchase((SELECT id FROM coursebase.users WHERE clerk_user_id = 'plan_' || who), json_build_object('source', 'app_store', 'product_id', product, 'purchase_id', paid || who, 'purchase_token', paid || who,
        'original_transaction_id', 'plan-' || who, 'transaction_date', pg_temp.ms(from_)::text, 'period_end', pg_temp.ms(until)::text), '2026-03-01') r $$;
SELECT pg_temp.apple_said(10, '2026-01-01', 'SUBSCRIBED', 'INITIAL_BUY', 'y', 'year', '2026-01-01', '2027-01-01'), pg_temp.cat_said(11, '2026-01-01', 'INITIAL_PURCHASE', 'y', 'year', '2026-01-01', '2027-01-01'), pg_temp.brings(12, 'y', 'year', '2026-01-01', '2027-01-01');
SELECT pg_temp.brings(n, 'm', 'month', '2026-01-15', '2026-02-15') FROM generate_series(10, 12) n ORDER BY n;
SELECT pg_temp.apple_said(10, '2026-01-15 00:00:05', 'DID_CHANGE_RENEWAL_PREF', 'UPGRADE', 'm', 'month', '2026-01-15', '2026-02-15'), pg_temp.cat_said(11, '2026-01-15 00:00:05', 'RENEWAL', 'm', 'month', '2026-01-15', '2026-02-15');
SELECT n, pg_temp.premium(n, '2026-01-14', '2026-02-14', '2026-02-15', '2026-12-31') FROM generate_series(10, 12) n ORDER BY n;
SAVEPOINT receipts;
SELECT pg_temp.apple_said(n, '2026-01-20', 'REFUND', NULL, 'm', 'month', '2026-01-15', '2026-02-15') FROM generate_series(10, 12) n ORDER BY n;
SELECT n, pg_temp.premium(n, '2026-01-19', '2026-01-21', '2026-02-14') FROM generate_series(10, 12) n ORDER BY n;
ROLLBACK TO receipts;
SELECT pg_temp.apple_said(10, '2026-02-15 00:00:05', 'EXPIRED', 'VOLUNTARY', 'm', 'month', '2026-01-15', '2026-02-15'), pg_temp.premium(10, '2026-02-14', '2026-02-16');
-- RevenueCat tells of the change too, by the payment that was left, when Apple has told of the new one. A payment that both
-- told of is left once and for all.
SELECT pg_temp.apple_said(15, '2026-01-01', 'SUBSCRIBED', 'INITIAL_BUY', 'y', 'year', '2026-01-01', '2027-01-01'), pg_temp.apple_said(15, '2026-01-15 00:00:05', 'DID_CHANGE_RENEWAL_PREF', 'UPGRADE', 'm', 'month', '2026-01-15', '2026-02-15'),
    pg_temp.cat_said(15, '2026-01-15 00:01', 'PRODUCT_CHANGE', 'y', 'year', '2026-01-01', '2027-01-01', '{"new_product_id": "month"}'), pg_temp.premium(15, '2026-02-14', '2026-02-15', '2026-12-31');
SELECT pg_temp.apple_said(16, '2026-01-01', 'SUBSCRIBED', 'INITIAL_BUY', 'm', 'month', '2026-01-01', '2026-02-01'), pg_temp.cat_said(16, '2026-01-01 00:01', 'INITIAL_PURCHASE', 'm', 'month', '2026-01-01', '2026-02-01'), pg_temp.brings(16, 'm', 'month', '2026-01-01', '2026-02-01'),
    pg_temp.apple_said(16, '2026-01-10 00:00:05', 'DID_CHANGE_RENEWAL_PREF', 'UPGRADE', 'y', 'year', '2026-01-10', '2027-01-10'), pg_temp.apple_said(16, '2026-01-15', 'REFUND', NULL, 'y', 'year', '2026-01-10', '2027-01-10'), pg_temp.premium(16, '2026-01-14', '2026-01-16', '2026-01-31');
-- A change at the end of the period is a new purchase of Google Play's at once: until then it has the plan that runs, and one to
-- come, which has no end yet; then the new one, and the one that ended. The old purchase expires when it is made (18: told first).
CREATE FUNCTION pg_temp.play_said(who integer, token integer, at text, type integer, items jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail, result ->> 'status', result ->> 'anomaly') FROM coursebase.take_notification('google_play', pg_temp.play(concat_ws('-', 'plan', who, token, type, at), at, jsonb_build_object('subscriptionNotification', jsonb_build_object('version', '1.0', 'notificationType', type, 'purchaseToken', concat_ws('-', 'plan', who, token), 'subscriptionId', 'year'))),
        details => json_strip_nulls(json_build_object('subscriptionState', CASE type WHEN 13 THEN 'SUBSCRIPTION_STATE_EXPIRED' ELSE 'SUBSCRIPTION_STATE_ACTIVE' END, 'startTime', '2026-01-01T00:00:00Z', 'latestOrderId', concat_ws('-', 'GPA.plan', who, token) || CASE type WHEN 2 THEN '..0' ELSE '' END, 'linkedPurchaseToken', CASE token WHEN 2 THEN concat_ws('-', 'plan', who, 1) END,
            'externalAccountIdentifiers', json_build_object('obfuscatedExternalAccountId', 'plan_' || who), 'lineItems', items)), at => '2026-03-01') $$;
CREATE FUNCTION pg_temp.item(product text, until text, renews boolean, next text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('productId', product, 'expiryTime', until || 'T00:00:00Z', 'autoRenewingPlan', CASE WHEN renews THEN '{"autoRenewEnabled": true}' ELSE '{}' END::jsonb, 'deferredItemReplacement', CASE WHEN next IS NOT NULL THEN jsonb_build_object('productId', next) END)) $$;
SELECT pg_temp.play_said(17, 1, '2026-01-01', 4, jsonb_build_array(pg_temp.item('year', '2026-02-01', true))), pg_temp.play_said(18, 1, '2026-01-15 00:00:02', 13, jsonb_build_array(pg_temp.item('year', '2026-01-15', false)));
SELECT pg_temp.play_said(n, 2, '2026-01-15 00:00:01', 4, jsonb_build_array(pg_temp.item('year', '2026-02-01', false, 'month'), pg_temp.item('month', NULL, true))) FROM generate_series(17, 18) n ORDER BY n;
SELECT pg_temp.play_said(17, 1, '2026-01-15 00:00:02', 13, jsonb_build_array(pg_temp.item('year', '2026-01-15', false))), pg_temp.play_said(18, 1, '2026-01-01', 4, jsonb_build_array(pg_temp.item('year', '2026-02-01', true)));
SELECT n, coursebase.has_premium(u.id, '2026-01-31'), coursebase.has_premium(u.id, '2026-02-01'), l.status, l.auto_renew, l.product_id FROM generate_series(17, 18) n JOIN coursebase.users u ON u.clerk_user_id = 'plan_' || n JOIN coursebase.subscription_lines l ON l.user_id = u.id AND l.original_transaction_id LIKE '%-2' ORDER BY n;
SELECT pg_temp.play_said(n, 2, '2026-02-01', 2, jsonb_build_array(pg_temp.item('year', '2026-02-01', false), pg_temp.item('month', '2026-03-01', true))) FROM generate_series(17, 18) n ORDER BY n;
SELECT n, coursebase.has_premium(u.id, '2026-01-20'), coursebase.has_premium(u.id, '2026-02-28'), coursebase.has_premium(u.id, '2026-03-01'), l.status, l.product_id FROM generate_series(17, 18) n JOIN coursebase.users u ON u.clerk_user_id = 'plan_' || n JOIN coursebase.subscription_lines l ON l.user_id = u.id AND l.original_transaction_id LIKE '%-2' ORDER BY n;
-- Stripe tells of a change before its invoice. The refund of the new plan leaves nothing of the one before, a longer one
-- (13) or a shorter one (14); while it is not refunded, it is the plan.
CREATE FUNCTION pg_temp.striped(who integer, nth integer, at text, plan text, until text, old_until text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', s.outcome, s.result ->> 'status', i.outcome, i.result ->> 'status') FROM coursebase.take_notification('stripe', pg_temp.stripe(concat_ws('-', 'evt', who, nth, 's'), at, CASE nth WHEN 1 THEN 'customer.subscription.created' ELSE 'customer.subscription.updated' END,
        jsonb_build_object('id', 'plan-' || who, 'status', 'active', 'metadata', jsonb_build_object('user_id', 'plan_' || who), 'cancel_at_period_end', false,
            'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('price', jsonb_build_object('id', plan), 'current_period_start', pg_temp.s(at), 'current_period_end', pg_temp.s(until))))), CASE WHEN nth > 1 THEN '{"items": {}}'::jsonb END), at => '2026-03-01') s,
    coursebase.take_notification('stripe', pg_temp.stripe(concat_ws('-', 'evt', who, nth, 'i'), (at::timestamptz + interval '2 seconds')::text, 'invoice.paid',
        jsonb_build_object('id', concat_ws('-', 'in', who, nth), 'subscription', 'plan-' || who, 'billing_reason', CASE nth WHEN 1 THEN 'subscription_create' ELSE 'subscription_update' END, 'amount_paid', 900, 'currency', 'eur', 'payment_intent', concat_ws('-', 'pi', who, nth),
            'lines', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('amount', -100, 'period', jsonb_build_object('start', pg_temp.s(at), 'end', pg_temp.s(coalesce(old_until, until)))),
                jsonb_build_object('amount', 1000, 'period', jsonb_build_object('start', pg_temp.s(at), 'end', pg_temp.s(until))))))), at => '2026-03-01') i $$;
SELECT pg_temp.striped(13, 1, '2026-01-01', 'year', '2027-01-01'), pg_temp.striped(14, 1, '2026-01-01', 'month', '2026-02-01'), pg_temp.striped(13, 2, '2026-01-15', 'month', '2026-02-15', '2027-01-01'), pg_temp.striped(14, 2, '2026-01-15', 'year', '2027-01-15', '2026-02-01');
SELECT n, pg_temp.premium(n, '2026-01-14', '2026-01-19', '2026-01-25', '2026-02-10', '2026-02-15') FROM generate_series(13, 14) n ORDER BY n;
SELECT outcome, result ->> 'status' FROM generate_series(13, 14) n, LATERAL coursebase.take_notification('stripe', pg_temp.stripe('evt-re-' || n, '2026-01-20', 'refund.created', jsonb_build_object('id', 're-' || n, 'amount', 900, 'status', 'succeeded', 'payment_intent', concat_ws('-', 'pi', n, 2))), at => '2026-03-01') ORDER BY n;
SELECT n, pg_temp.premium(n, '2026-01-14', '2026-01-19', '2026-01-25', '2026-02-10', '2026-02-15') FROM generate_series(13, 14) n ORDER BY n;
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK;
