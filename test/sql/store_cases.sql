-- Promise: what stores and providers really send is read as it is meant: the cases that an earlier release misread, each
-- with others of its kind. What a fold of events decides stands in subscription_payments.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000570161\''
\set bob '\'00000000-0000-4000-8000-000000570162\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'case_ada', 'Ada', 'ada@example.org'), (:bob, 'case_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) SELECT ('00000000-0000-4000-8000-00000057017' || n)::uuid, 'C7' || n || 'CAS', 'Course', '' FROM generate_series(1, 6) n;
INSERT INTO coursebase.store_products (product_id, kind, course_id) SELECT 'c7' || n || 'cas', 'course', ('00000000-0000-4000-8000-00000057017' || n)::uuid FROM generate_series(1, 6) n;
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('case.pack', 'ai_credits', 4000), ('case.premium', 'subscription', NULL);
-- took(provider, body, details): outcome, what it answered in a word, and why.
CREATE FUNCTION pg_temp.took(provider text, body text, details json DEFAULT NULL, user_id uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, result ->> 'status', result ->> 'anomaly', detail) FROM coursebase.take_notification(provider, body, NULL, details, user_id, '2026-03-01') $$;
CREATE FUNCTION pg_temp.validated(more jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', v ->> 'status', v ->> 'discount_refused') FROM coursebase.validate_purchase('00000000-0000-4000-8000-000000570161',
        ('{"source": "google_play", "purchase_token": "t", "transaction_date": "1767268800000"}'::jsonb || more)::json, '2026-01-02') v $$;
CREATE FUNCTION pg_temp.bank() RETURNS bigint LANGUAGE sql AS $$
    SELECT bank_limit_credits - bank_used_credits FROM coursebase.credit_balance('00000000-0000-4000-8000-000000570161', '2026-04-01') $$;
-- Pending in each way that a store says it: nothing is given; then paid, canceled, paid under its order.
SELECT n, pg_temp.validated(jsonb_build_object('product_id', 'c7' || n || 'cas', 'purchase_id', 'p-' || n, 'state', s)) FROM unnest(ARRAY['2', '"PENDING"', '"pending"', '"Pending"', '"2"']::jsonb[]) WITH ORDINALITY AS u (s, n) ORDER BY n;
SELECT count(*) FROM coursebase.course_purchases WHERE user_id = :ada;
SELECT pg_temp.validated('{"product_id": "c71cas", "purchase_id": "p-1", "state": "PURCHASED"}'), pg_temp.validated('{"product_id": "c72cas", "purchase_id": "p-2", "state": 0}'), pg_temp.validated('{"product_id": "c73cas", "purchase_id": "p-3"}'), pg_temp.validated('{"product_id": "c74cas", "purchase_id": "p-4", "state": "CANCELLED"}'), pg_temp.validated('{"product_id": "c75cas", "purchase_id": "p-5", "state": 1}');
SELECT count(*) FROM coursebase.course_purchases WHERE user_id = :ada AND status = 'valid';
-- Google Play counts one-time purchases in numbers that subscriptions have too: none of them touches a subscription.
SELECT n, pg_temp.took('google_play', pg_temp.play('g-' || n || t, '2026-02-10', jsonb_build_object('oneTimeProductNotification', jsonb_build_object('notificationType', t, 'purchaseToken', 'g-' || n, 'sku', 'c76cas'))),
    CASE d WHEN '' THEN NULL ELSE json_build_object('purchaseStateContext', json_build_object('purchaseState', d), 'productLineItem', '[{"productId": "c76cas"}]'::json, 'obfuscatedExternalAccountId', 'case_ada', 'purchaseCompletionTime', CASE d WHEN 'PURCHASED' THEN '2026-02-10T00:00:00Z' END) END)
FROM (VALUES (1, 1, 'PENDING'), (1, 2, ''), (2, 1, 'PENDING'), (2, 2, 'CANCELLED'), (3, 2, ''), (4, 1, 'PURCHASED'), (4, 1, '')) v (n, t, d);
SELECT count(*) FROM coursebase.subscription_events WHERE user_id = :ada;
SELECT purchase_id, status FROM coursebase.store_receipts WHERE purchase_id LIKE 'g-%' ORDER BY 1;
-- Quantities: a pack counts as often as it was bought, and a refund of one takes one.
SELECT q, pg_temp.validated(jsonb_build_object('product_id', 'case.pack', 'purchase_id', 'q-' || q, 'quantity', q)) FROM unnest(ARRAY[1, 3, 10]) q;
SELECT pg_temp.bank();
SELECT status, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'q-3', '2026-02-01', 1, NULL, 'r-1');
SELECT pg_temp.bank();
SELECT status, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'q-3', '2026-02-02', 2, NULL, 'r-2');
SELECT status, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'q-10', '2026-02-02', 11, NULL, 'r-3');
SELECT status, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'p-1', '2026-02-02', NULL, 1, 'r-4');
SELECT pg_temp.bank();
-- What a store took back and gives back: by Apple's word, for what it was, as often as it says.
SELECT n, pg_temp.took('app_store', pg_temp.apple('a-' || n, at, type, NULL, jsonb_build_object('type', kind, 'transactionId', 'a-' || kind, 'productId', product, 'purchaseDate', pg_temp.ms('2026-02-01'), 'quantity', 2, 'price', 9980, 'currency', 'EUR')), NULL, :ada)
FROM (VALUES (1, '2026-02-01', 'ONE_TIME_CHARGE', 'Consumable', 'case.pack'), (2, '2026-02-02', 'REFUND', 'Consumable', 'case.pack'), (3, '2026-02-03', 'REFUND_REVERSED', 'Consumable', 'case.pack'), (4, '2026-02-03', 'REFUND_REVERSED', 'Consumable', 'case.pack'), (5, '2026-02-04', 'REFUND_DECLINED', 'Consumable', 'case.pack'),
    (6, '2026-02-01', 'ONE_TIME_CHARGE', 'Non-Consumable', 'c74cas'), (7, '2026-02-02', 'REVOKE', 'Non-Consumable', 'c74cas'), (8, '2026-02-03', 'REFUND_REVERSED', 'Non-Consumable', 'c74cas'), (9, '2026-02-03', 'REFUND_REVERSED', 'Never-Seen', 'c74cas')) v (n, at, type, kind, product) ORDER BY n;
SELECT purchase_id, status, quantity, amount_in_cents FROM coursebase.store_receipts WHERE purchase_id LIKE 'a-%' ORDER BY 1;
-- The same event of Stripe, as it counts its deliveries down, moves its members, and spells its numbers.
SELECT n, pg_temp.took('stripe', body) FROM (SELECT pg_temp.stripe('evt_case', '2026-02-01', 'customer.subscription.created', '{"id": "sub_1", "status": "active", "cancel_at_period_end": false, "metadata": {"user_id": "case_bob"}, "items": {"data": [{"price": {"id": "price_1"}, "current_period_start": 1769904000, "current_period_end": 1772323200}]}}')) e (event),
    LATERAL (VALUES (1, event), (2, replace(event, '"pending_webhooks": 2', '"pending_webhooks": 1')), (3, replace(event, '"livemode": true', '"livemode": true, "livemode_again": 1')), (4, event::json::text)) b (n, body) ORDER BY n;
SELECT count(*) FROM coursebase.subscription_events WHERE user_id = :bob;
-- A cancellation that is scheduled, in each way, and taken back; a pause; a subscription that is not paid yet, and then is.
SELECT n, pg_temp.took('stripe', pg_temp.stripe('evt_c' || n, at, 'customer.subscription.updated', '{"id": "sub_1", "status": "active", "cancel_at_period_end": false, "items": {"data": [{"price": {"id": "price_1"}, "current_period_end": 1772323200}]}}' || object, previous)), (SELECT status || ' ' || expires_at FROM coursebase.subscriptions WHERE user_id = :bob)
FROM (VALUES (1, '2026-02-02', '{"cancel_at": 1772323200}'::jsonb, '{"cancel_at": null}'::jsonb), (2, '2026-02-03', '{}', '{"cancel_at": 1772323200}'), (3, '2026-02-04', '{"cancel_at_period_end": true}', '{"cancel_at_period_end": false}'), (4, '2026-02-05', '{}', '{"cancel_at_period_end": true}'),
    (5, '2026-02-06', '{"pause_collection": {"behavior": "void"}}', '{"pause_collection": null}'), (6, '2026-02-07', '{}', '{"pause_collection": {"behavior": "void"}}')) v (n, at, object, previous) ORDER BY n;
SELECT event_type FROM coursebase.subscription_events WHERE user_id = :bob ORDER BY event_time;
SELECT pg_temp.took('stripe', pg_temp.stripe('evt_i1', '2026-02-01', 'customer.subscription.created', '{"id": "sub_2", "status": "incomplete", "metadata": {"user_id": "case_bob"}, "items": {"data": [{"price": {"id": "price_1"}, "current_period_end": 1772323200}]}}')),
    pg_temp.took('stripe', pg_temp.stripe('evt_i2', '2026-02-01 00:00:05', 'customer.subscription.updated', '{"id": "sub_2", "status": "active", "items": {"data": [{"price": {"id": "price_1"}, "current_period_end": 1774915200}]}}', '{"status": "incomplete"}'));
-- Who pays twice, and who may have a trial.
SELECT (SELECT status FROM coursebase.apply_subscription_event(:ada, json_build_object('store', s, 'environment', 'production', 'store_event_id', 'd-' || n, 'event_type', t, 'event_time', pg_temp.ms('2026-01-01') + n, 'original_transaction_id', 'd-' || l, 'transaction_id', 'd-' || l, 'period_end', '2099-01-01T00:00:00Z')))
FROM (VALUES (1, 'app_store', 'created', 1), (2, 'google_play', 'created', 2), (3, 'manual', 'created', 3)) v (n, s, t, l) ORDER BY n;
SELECT store, original_transaction_id FROM coursebase.duplicate_subscriptions WHERE user_id = :ada ORDER BY 1;
SELECT status FROM coursebase.apply_subscription_event(:ada, '{"store": "app_store", "environment": "production", "store_event_id": "d-4", "event_type": "canceled", "event_time": "2026-01-02T00:00:00Z", "original_transaction_id": "d-1"}');
SELECT count(*) FROM coursebase.duplicate_subscriptions WHERE user_id = :ada;
SELECT p, coursebase.is_trial_eligible(:bob, p), coursebase.is_trial_eligible(:ada, p) FROM unnest(ARRAY['price_1', 'case.premium']) p;
-- An end that is told beside what begins no period is no trial that was had.
\set never 'SELECT status FROM coursebase.apply_subscription_event(' :ada ', json_build_object(''store'', ''app_store'', ''environment'', ''production'', ''store_event_id'', ''n-'' || :''t'', ''event_type'', :''t'', ''product_id'', ''case.never'', ''event_time'', ''2026-01-01T00:00:00Z'', ''original_transaction_id'', ''n-1'', ''period_end'', ''2099-01-01T00:00:00Z''));'
\set t extended
:never
\set t uncanceled
:never
SELECT coursebase.is_trial_eligible(:ada, 'case.never');
\set t created
:never
SELECT coursebase.is_trial_eligible(:ada, 'case.never'), coursebase.is_trial_eligible(:ada, 'CASE.never'), coursebase.is_trial_eligible(:ada, 'case.ever');
-- RevenueCat: a gift for ever, a gift to a day, a period that does not renew itself, a thing, a transfer.
SELECT n, pg_temp.took('revenuecat', pg_temp.cat('rc-' || n, '2026-02-0' || n, type, event || '{"app_user_id": "case_ada", "store": "PLAY_STORE"}')) FROM (VALUES
    (1, 'NON_RENEWING_PURCHASE', '{"product_id": "rc_promo", "period_type": "PROMOTIONAL", "transaction_id": "rc-a", "purchased_at_ms": 1769904000000}'::jsonb),
    (2, 'NON_RENEWING_PURCHASE', '{"product_id": "rc_promo", "period_type": "PROMOTIONAL", "transaction_id": "rc-b", "purchased_at_ms": 1769904000000, "expiration_at_ms": 1772323200000}'),
    (3, 'NON_RENEWING_PURCHASE', '{"product_id": "rc_pass", "period_type": "NORMAL", "transaction_id": "rc-c", "purchased_at_ms": 1769904000000, "expiration_at_ms": 1772323200000}'),
    (4, 'NON_RENEWING_PURCHASE', '{"product_id": "c75cas", "period_type": "NORMAL", "transaction_id": "rc-d", "purchased_at_ms": 1769904000000}'),
    (5, 'BRAND_NEW_TYPE', '{"product_id": "rc_pass", "transaction_id": "rc-e"}')) v (n, type, event) ORDER BY n;
-- What was bought once is refunded, and given back, as what it is; no subscription hears of it.
SELECT n, pg_temp.took('revenuecat', pg_temp.cat('rc-' || n, '2026-02-0' || n, type, more || '{"app_user_id": "case_ada", "store": "PLAY_STORE", "product_id": "c75cas", "period_type": "NORMAL", "transaction_id": "rc-d", "purchased_at_ms": 1769904000000, "expiration_at_ms": null}'))
FROM (VALUES (6, 'CANCELLATION', '{"cancel_reason": "CUSTOMER_SUPPORT"}'::jsonb), (7, 'REFUND_REVERSED', '{}')) v (n, type, more) ORDER BY n;
SELECT kind, event_type, period_end FROM coursebase.store_notifications n JOIN coursebase.subscription_events e ON e.store_event_id = n.notification_id WHERE n.provider = 'revenuecat' AND e.user_id = :ada ORDER BY n.notification_id;
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
