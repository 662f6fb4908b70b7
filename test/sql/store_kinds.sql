-- Promise: what one provider's case taught holds for the others: a time in the wrong unit is refused by its name, the same
-- notice told again in other words answers the same, a cancellation that is scheduled leaves what is paid, the refund of a
-- payment that nobody knows ends nothing, what is not paid waits, and a pack counts and goes back as often as it was sold.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
SET LOCAL datestyle = 'ISO';
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-0000005734' || lpad(n::text, 2, '0'))::uuid, 'kind_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 69) n;
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000573400', 'C34KIN', 'One', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES ('00000000-0000-4000-8000-000000573499', 'Sale', '', '/s.png', 9, 'private');
INSERT INTO coursebase.store_products (product_id, kind, course_id, credits) VALUES ('c34kin', 'course', '00000000-0000-4000-8000-000000573400', NULL), ('kind.pack', 'ai_credits', NULL, 100), ('kind.premium', 'subscription', NULL, NULL);
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-0000005734' || lpad(n::text, 2, '0'))::uuid $$;
CREATE FUNCTION pg_temp.took(provider text, body text, details json DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, result ->> 'status', result ->> 'anomaly', detail) FROM coursebase.take_notification(provider, body, NULL, details, NULL, '2026-03-01') $$;
CREATE FUNCTION pg_temp.tried(provider text, body text, details json DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refused(format('SELECT coursebase.take_notification(%L, %L, NULL, %L)', provider, body, details)) $$;
-- The body of each provider about the subscription of a person, from 2026-01-01 to 2026-02-01, with members put over it.
CREATE FUNCTION pg_temp.apple_body(n integer, at text, type text, subtype text DEFAULT NULL, more jsonb DEFAULT '{}', renewal jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.apple(concat_ws('-', 'kind', n, at, type), at, type, subtype, jsonb_build_object('type', 'Auto-Renewable Subscription', 'transactionId', 'ka-' || n, 'originalTransactionId', 'ka-' || n, 'productId', 'kind.premium',
        'purchaseDate', pg_temp.ms('2026-01-01'), 'expiresDate', pg_temp.ms('2026-02-01'), 'appAccountToken', pg_temp.person(n)) || more, renewal) $$;
CREATE FUNCTION pg_temp.play_body(n integer, at text, type integer) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.play(concat_ws('-', 'kind', n, at, type), at, jsonb_build_object('subscriptionNotification', jsonb_build_object('notificationType', type, 'purchaseToken', 'kg-' || n))) $$;
CREATE FUNCTION pg_temp.play_details(n integer, state text, renews boolean DEFAULT true, more jsonb DEFAULT '{}') RETURNS json LANGUAGE sql AS $$
    SELECT json_build_object('subscriptionState', 'SUBSCRIPTION_STATE_' || state, 'startTime', '2026-01-01T00:00:00Z', 'externalAccountIdentifiers', json_build_object('obfuscatedExternalAccountId', 'kind_' || n),
        'lineItems', jsonb_build_array(jsonb_build_object('productId', 'kind.premium', 'latestSuccessfulOrderId', 'GPA.k' || n, 'expiryTime', '2026-02-01T00:00:00Z', 'autoRenewingPlan', json_build_object('autoRenewEnabled', renews)) || more)) $$;
CREATE FUNCTION pg_temp.stripe_body(n integer, at text, type text, more jsonb DEFAULT '{}', previous jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.stripe(concat_ws('-', 'kind', n, at, type), at, type, jsonb_build_object('id', 'ks-' || n, 'status', 'active', 'cancel_at_period_end', false, 'metadata', jsonb_build_object('user_id', 'kind_' || n),
        'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('price', '{"id": "price_1"}'::json, 'current_period_start', pg_temp.s('2026-01-01'), 'current_period_end', pg_temp.s('2026-02-01'))))) || more, previous) $$;
CREATE FUNCTION pg_temp.cat_body(n integer, at text, type text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.cat(concat_ws('-', 'kind', n, at, type), at, type, jsonb_build_object('app_user_id', 'kind_' || n, 'store', 'PLAY_STORE', 'product_id', 'kind.premium', 'transaction_id', 'kc-' || n, 'original_transaction_id', 'kc-' || n,
        'purchased_at_ms', pg_temp.ms('2026-01-01'), 'expiration_at_ms', pg_temp.ms('2026-02-01')) || more) $$;
-- Seconds for milliseconds and the other way round, where each provider has times: refused, with the member and its unit.
SELECT pg_temp.tried('app_store', pg_temp.apple_body(1, '1970-01-21', 'SUBSCRIBED')), pg_temp.tried('app_store', pg_temp.apple_body(1, '2026-01-01', 'SUBSCRIBED', NULL, '{"expiresDate": 1769904000}')), pg_temp.tried('app_store', pg_temp.apple_body(1, '2026-01-01', 'SUBSCRIBED', NULL, '{"purchaseDate": 1767225600000000}'));
SELECT pg_temp.tried('google_play', replace(pg_temp.play_body(1, '1970-01-21', 4), 'kind', 'unit'), pg_temp.play_details(1, 'ACTIVE')), pg_temp.tried('google_play', pg_temp.play_body(1, '2026-01-01', 4), pg_temp.play_details(1, 'ACTIVE', true, '{"expiryTime": "1769904000"}')), pg_temp.tried('google_play', pg_temp.play_body(1, '2026-01-01', 4), pg_temp.play_details(1, 'ACTIVE', true, '{"expiryTime": "1970-01-21T11:38:24Z"}'));
SELECT pg_temp.tried('stripe', replace(pg_temp.stripe_body(1, '2026-01-01', 'customer.subscription.created'), '"created": 1767225600', '"created": 1767225600000')), pg_temp.tried('stripe', replace(pg_temp.stripe_body(1, '2026-01-01', 'customer.subscription.created'), '1769904000', '1769904')), pg_temp.tried('stripe', pg_temp.stripe_body(1, '2026-01-01', 'customer.subscription.updated', '{"cancel_at": 1769}'));
SELECT pg_temp.tried('revenuecat', pg_temp.cat_body(1, '1970-01-21', 'INITIAL_PURCHASE')), pg_temp.tried('revenuecat', pg_temp.cat_body(1, '2026-01-01', 'INITIAL_PURCHASE', '{"expiration_at_ms": 1769904000}')), pg_temp.tried('revenuecat', pg_temp.cat_body(1, '2026-01-01', 'BILLING_ISSUE', '{"grace_period_expiration_at_ms": 1769904}'));
SELECT count(*) FROM coursebase.store_notifications WHERE user_id = pg_temp.person(1);
-- The same notice again: its members in another order, more of them, spaces between, numbers as text, a new signature of
-- the same payload: the first answer, and one event.
SELECT w, pg_temp.took('app_store', replace(b, 'AQEB', s)) FROM (SELECT pg_temp.apple_body(2, '2026-01-01', 'SUBSCRIBED')) x (b), (VALUES (1, 'AQEB'), (2, 'AgIC')) v (w, s) ORDER BY w;
SELECT w, pg_temp.took('app_store', pg_temp.apple_body(2, '2026-01-01', 'SUBSCRIBED', NULL, m)) FROM (VALUES (3, '{"transactionReason": "PURCHASE"}'::jsonb), (4, '{"storefront": "DEU", "storefrontId": "143443"}'), (5, '{"signedDate": 1767225600001}'), (6, '{"expiresDate": "1769904000000"}')) v (w, m) ORDER BY w;
SELECT w, pg_temp.took('google_play', v.b, v.d) FROM (SELECT pg_temp.play_body(3, '2026-01-01', 4), pg_temp.play_details(3, 'ACTIVE')) x (b, d1),
    LATERAL (VALUES (1, b, d1), (2, replace(b, '{"message":', '{"subscription": "projects/p/subscriptions/s", "deliveryAttempt": 2, "message":'), d1), (3, replace(b, '"messageId"', '"publishTime": "2026-01-01T00:00:09Z", "messageId"'), d1),
        (4, b, pg_temp.play_details(3, 'ACTIVE', true, '{"expiryTime": "2026-02-01T01:00:00+01:00"}')), (5, b, pg_temp.play_details(3, 'ACTIVE', true, '{"expiryTime": "2026-02-01T00:00:00.000Z"}')), (6, b::json::text, (d1::jsonb || '{"etag": "x", "regionCode": "DE"}')::json)) v (w, b, d) ORDER BY w;
SELECT w, pg_temp.took('stripe', v.b) FROM (SELECT pg_temp.stripe_body(4, '2026-01-01', 'customer.subscription.created')) x (b),
    LATERAL (VALUES (1, b), (2, replace(b, '"pending_webhooks": 2', '"pending_webhooks": 0')), (3, replace(b, '"livemode": true', '"livemode": true, "api_version": "2025-09-30.clover"')), (4, (b::jsonb || '{"request": {"id": null, "idempotency_key": "k"}}')::text), (5, replace(b, ': ', ' :  ')), (6, replace(b, '"created": 1767225600', '"created": "1767225600"'))) v (w, b) ORDER BY w;
SELECT w, pg_temp.took('revenuecat', v.b) FROM (SELECT pg_temp.cat_body(5, '2026-01-01', 'INITIAL_PURCHASE')) x (b),
    LATERAL (VALUES (1, b), (2, replace(b, '"api_version": "1.0"', '"api_version": "1.1"')), (3, replace(b, '"store"', '"presented_offering_id": "x", "store"')), (4, replace(b, '"PRODUCTION"', '"Production"')), (5, replace(b, ', "', ',"')), (6, replace(b, '"event":', '"event" :'))) v (w, b) ORDER BY w;
SELECT pg_temp.tried('revenuecat', pg_temp.cat_body(5, '2026-01-01', 'INITIAL_PURCHASE', '{"expiration_at_ms": 1772323200000}'));
SELECT n, (SELECT count(*) FROM coursebase.subscription_events e WHERE e.user_id = pg_temp.person(n)), (SELECT count(*) FROM coursebase.store_notifications s WHERE s.user_id = pg_temp.person(n)) FROM generate_series(2, 5) n ORDER BY n;
-- A cancellation that is scheduled, in each provider's words, leaves what is paid to its end, and can be taken back.
CREATE FUNCTION pg_temp.state(n integer) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', (SELECT string_agg(concat_ws(' ', status, auto_renew, expires_at::date), ', ') FROM coursebase.subscriptions WHERE user_id = pg_temp.person(n)), coursebase.has_premium(pg_temp.person(n), '2026-01-31'), coursebase.has_premium(pg_temp.person(n), '2026-02-01')) $$;
SELECT pg_temp.took('app_store', pg_temp.apple_body(11, '2026-01-01', 'SUBSCRIBED')), pg_temp.took('google_play', pg_temp.play_body(12, '2026-01-01', 4), pg_temp.play_details(12, 'ACTIVE')), pg_temp.took('revenuecat', pg_temp.cat_body(15, '2026-01-01', 'INITIAL_PURCHASE'));
SELECT pg_temp.took('stripe', pg_temp.stripe_body(n, '2026-01-01', 'customer.subscription.created')) FROM unnest(ARRAY[13, 14, 16, 17]) n ORDER BY n;
SELECT pg_temp.took('app_store', pg_temp.apple_body(11, '2026-01-10', 'DID_CHANGE_RENEWAL_STATUS', 'AUTO_RENEW_DISABLED', '{}', '{"originalTransactionId": "ka-11", "autoRenewStatus": 0}')), pg_temp.took('google_play', pg_temp.play_body(12, '2026-01-10', 3), pg_temp.play_details(12, 'CANCELED', false));
SELECT pg_temp.took('stripe', pg_temp.stripe_body(13, '2026-01-10', 'customer.subscription.updated', '{"cancel_at": 1769904000}', '{"cancel_at": null}')), pg_temp.took('stripe', pg_temp.stripe_body(14, '2026-01-10', 'customer.subscription.updated', '{"cancel_at": 1769904000, "cancel_at_period_end": true, "canceled_at": 1768003200}', '{"cancel_at": null, "cancel_at_period_end": false, "canceled_at": null}'));
SELECT pg_temp.took('revenuecat', pg_temp.cat_body(15, '2026-01-10', 'CANCELLATION', '{"cancel_reason": "UNSUBSCRIBE"}'));
-- Before the period's end; after it, which cuts nothing before it.
SELECT pg_temp.took('stripe', pg_temp.stripe_body(16, '2026-01-10', 'customer.subscription.updated', '{"cancel_at": 1769040000}', '{"cancel_at": null}')), pg_temp.took('stripe', pg_temp.stripe_body(17, '2026-01-10', 'customer.subscription.updated', '{"cancel_at": 1774915200}', '{"cancel_at": null}'));
SELECT n, pg_temp.state(n) FROM generate_series(11, 17) n ORDER BY n;
SELECT pg_temp.took('app_store', pg_temp.apple_body(11, '2026-01-11', 'DID_CHANGE_RENEWAL_STATUS', 'AUTO_RENEW_ENABLED')), pg_temp.took('google_play', pg_temp.play_body(12, '2026-01-11', 7), pg_temp.play_details(12, 'ACTIVE')), pg_temp.took('stripe', pg_temp.stripe_body(13, '2026-01-11', 'customer.subscription.updated', '{"cancel_at": null}', '{"cancel_at": 1769904000}')), pg_temp.took('revenuecat', pg_temp.cat_body(15, '2026-01-11', 'UNCANCELLATION'));
SELECT n, pg_temp.state(n) FROM unnest(ARRAY[11, 12, 13, 15]) n ORDER BY n;
-- The end that is planned is later than the next payment, which counts when it comes.
SELECT pg_temp.took('stripe', pg_temp.stripe_body(17, '2026-02-01', 'customer.subscription.updated', '{"cancel_at": 1774915200, "items": {"data": [{"price": {"id": "price_1"}, "current_period_start": 1769904000, "current_period_end": 1772323200}]}}', '{"items": {"data": [{"current_period_end": 1769904000}]}}'));
SELECT pg_temp.took('stripe', pg_temp.stripe('kinds-17-paid', '2026-02-01 01:00', 'invoice.paid', '{"id": "kin-17", "billing_reason": "subscription_cycle", "amount_paid": 999, "currency": "eur", "subscription": "ks-17", "lines": {"data": [{"period": {"start": 1769904000, "end": 1772323200}}]}}'));
SELECT pg_temp.state(17), coursebase.has_premium(pg_temp.person(17), '2026-02-28'), coursebase.has_premium(pg_temp.person(17), '2026-03-01');
-- The refund of a payment that the line never knew ends nothing; of the one that it has, does.
SELECT pg_temp.took('app_store', pg_temp.apple_body(n, '2026-01-01', 'SUBSCRIBED')) FROM generate_series(21, 23) n;
SELECT pg_temp.took('google_play', pg_temp.play_body(24, '2026-01-01', 4), pg_temp.play_details(24, 'ACTIVE')), pg_temp.took('revenuecat', pg_temp.cat_body(25, '2026-01-01', 'INITIAL_PURCHASE')), pg_temp.took('stripe', pg_temp.stripe_body(26, '2026-01-01', 'customer.subscription.created'));
SELECT pg_temp.took('app_store', pg_temp.apple_body(21, '2026-01-10', 'REFUND', NULL, '{"transactionId": "never-21", "purchaseDate": 1764547200000, "expiresDate": 1767225600000, "revocationDate": 1768003200000}')), pg_temp.took('app_store', pg_temp.apple_body(22, '2026-01-10', 'REVOKE', NULL, '{"transactionId": "never-22", "purchaseDate": 1764547200000, "expiresDate": 1767225600000}')), pg_temp.took('app_store', pg_temp.apple_body(23, '2026-01-10', 'REFUND_REVERSED', NULL, '{"transactionId": "never-23", "purchaseDate": 1764547200000, "expiresDate": 1767225600000}'));
SELECT pg_temp.took('google_play', pg_temp.play('kind-v24', '2026-01-10', '{"voidedPurchaseNotification": {"purchaseToken": "kg-24", "orderId": "GPA.never-24", "productType": 1, "refundType": 1}}')), pg_temp.took('revenuecat', pg_temp.cat_body(25, '2026-01-10', 'CANCELLATION', '{"cancel_reason": "CUSTOMER_SUPPORT", "transaction_id": "never-25", "purchased_at_ms": 1764547200000, "expiration_at_ms": 1767225600000}')),
    pg_temp.took('stripe', pg_temp.stripe('kind-r26', '2026-01-10', 'refund.created', '{"id": "re_26", "status": "succeeded", "amount": 900, "currency": "eur", "charge": "ch_never", "payment_intent": "pi_never"}'));
SELECT n, pg_temp.state(n) FROM generate_series(21, 26) n ORDER BY n;
SELECT pg_temp.took('app_store', pg_temp.apple_body(21, '2026-01-12', 'REFUND')), pg_temp.state(21), pg_temp.took('google_play', pg_temp.play('kind-w24', '2026-01-12', '{"voidedPurchaseNotification": {"purchaseToken": "kg-24", "orderId": "GPA.k24", "productType": 1, "refundType": 1}}')), pg_temp.state(24);
-- What is not paid waits, gives when it is, and gives nothing when it never is: by the receipt, by Google, by Stripe.
CREATE FUNCTION pg_temp.brings(n integer, more jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(v ->> 'status', '') FROM coursebase.validate_purchase(pg_temp.person(n), (jsonb_build_object('product_id', 'c34kin', 'source', 'google_play', 'purchase_id', 'GPA.w' || n, 'purchase_token', 'kw-' || n, 'transaction_date', '2026-01-01T00:00:00Z') || more)::json, '2026-01-02') v $$;
CREATE FUNCTION pg_temp.once(n integer, type integer, at text, state text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('google_play', pg_temp.play(concat_ws('-', 'once', n, type, at), at, jsonb_build_object('oneTimeProductNotification', jsonb_build_object('notificationType', type, 'purchaseToken', 'kw-' || n, 'sku', 'c34kin'))),
        json_build_object('orderId', CASE state WHEN 'PURCHASED' THEN 'GPA.w' || n END, 'purchaseStateContext', json_build_object('purchaseState', state), 'purchaseCompletionTime', CASE state WHEN 'PURCHASED' THEN '2026-01-02T00:00:00Z' END, 'productLineItem', '[{"productId": "c34kin"}]'::json, 'obfuscatedExternalAccountId', 'kind_' || n)) $$;
CREATE FUNCTION pg_temp.checkout(n integer, at text, type text, paid text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('stripe', pg_temp.stripe(concat_ws('-', 'co', n, at), at, 'checkout.session.' || type, jsonb_build_object('id', 'cs_k' || n, 'mode', 'payment', 'status', 'complete', 'payment_status', paid, 'amount_total', 900, 'currency', 'eur',
        'client_reference_id', 'kind_' || n, 'payment_intent', 'pi_k' || n, 'metadata', '{"product_id": "00000000-0000-4000-8000-000000573499"}'::json))) $$;
SELECT pg_temp.brings(n, '{"state": "PENDING"}') FROM generate_series(31, 33) n;
SELECT pg_temp.once(n, 1, '2026-01-01', 'PENDING') FROM generate_series(34, 36) n;
SELECT pg_temp.checkout(n, '2026-01-01', 'completed', 'unpaid') FROM generate_series(37, 38) n;
SELECT n, coursebase.has_course_access('00000000-0000-4000-8000-000000573400', pg_temp.person(n), '2026-01-01 12:00'), (SELECT count(*) FROM coursebase.purchases p WHERE p.user_id = pg_temp.person(n)) FROM generate_series(31, 38) n ORDER BY n;
SELECT pg_temp.brings(31, '{"state": "PURCHASED"}'), pg_temp.once(32, 1, '2026-01-02', 'PURCHASED'), pg_temp.brings(33, '{"state": "CANCELED"}'), pg_temp.once(34, 1, '2026-01-02', 'PURCHASED'), pg_temp.brings(35, '{}'), pg_temp.once(36, 2, '2026-01-02', 'CANCELLED');
SELECT pg_temp.checkout(37, '2026-01-02', 'async_payment_succeeded', 'paid'), pg_temp.checkout(38, '2026-01-02', 'async_payment_failed', 'unpaid');
SELECT n, (SELECT string_agg(concat(purchase_id, ' ', status), ', ' ORDER BY purchase_id) FROM coursebase.store_receipts r WHERE r.user_id = pg_temp.person(n)), (SELECT count(*) FROM coursebase.purchases p WHERE p.user_id = pg_temp.person(n)) FROM generate_series(31, 38) n ORDER BY n;
-- A quantity, as each way tells it; none is one; what is no quantity is refused, and a part goes back as often as it was bought.
CREATE FUNCTION pg_temp.pack(n integer, more jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refused(format('SELECT coursebase.validate_purchase(%L, %L, %L)', pg_temp.person(n), jsonb_build_object('product_id', 'kind.pack', 'source', 'app_store', 'purchase_id', 'kq-' || n, 'purchase_token', 't', 'transaction_date', '2026-01-01T00:00:00Z') || more, '2026-01-02')) $$;
CREATE FUNCTION pg_temp.banks(a integer, b integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', n, (SELECT bank_limit_credits - bank_used_credits FROM coursebase.credit_balance(pg_temp.person(n), '2026-03-01'))), ', ' ORDER BY n) FROM generate_series(a, b) n $$;
SELECT n, m, pg_temp.pack(n, m) FROM (VALUES (41, '{}'::jsonb), (42, '{"quantity": 1}'), (43, '{"quantity": "3"}'), (44, '{"quantity": 1000}'), (45, '{"quantity": null}'), (46, '{"quantity": 0}'), (47, '{"quantity": -1}'), (48, '{"quantity": 1.5}'), (49, '{"quantity": "three"}')) v (n, m) ORDER BY n;
SELECT n, pg_temp.took('app_store', pg_temp.apple('kq-' || n, '2026-01-02', 'ONE_TIME_CHARGE', NULL, jsonb_build_object('type', 'Consumable', 'transactionId', 'kq-' || n, 'productId', 'kind.pack', 'purchaseDate', pg_temp.ms('2026-01-01'), 'appAccountToken', pg_temp.person(n)) || m)) FROM (VALUES (50, '{}'::jsonb), (51, '{"quantity": 3}')) v (n, m) ORDER BY n;
SELECT n, pg_temp.took('google_play', pg_temp.play('kq-' || n, '2026-01-02', jsonb_build_object('oneTimeProductNotification', jsonb_build_object('notificationType', 1, 'purchaseToken', 'kq-' || n, 'sku', 'kind.pack'))), d::json) FROM (VALUES
    (52, '{"orderId": "GPA.52", "purchaseStateContext": {"purchaseState": "PURCHASED"}, "purchaseCompletionTime": "2026-01-02T00:00:00Z", "productLineItem": [{"productId": "kind.pack", "productOfferDetails": {"quantity": 4}}], "obfuscatedExternalAccountId": "kind_52"}'),
    (53, '{"orderId": "GPA.53", "purchaseState": 0, "purchaseTimeMillis": "1767312000000", "productId": "kind.pack", "quantity": 2, "obfuscatedExternalAccountId": "kind_53"}')) v (n, d) ORDER BY n;
SELECT pg_temp.banks(41, 53);
SELECT pg_temp.took('google_play', pg_temp.play('kqv-' || v, '2026-01-03', jsonb_build_object('voidedPurchaseNotification', jsonb_build_object('purchaseToken', 'kq-52', 'orderId', 'GPA.52', 'productType', 2, 'refundType', 2))), json_build_object('purchaseToken', 'kq-52', 'orderId', 'GPA.52', 'voidedQuantity', v)) FROM generate_series(1, 2) v ORDER BY v;
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'kq-44', '2026-01-03', 999, NULL, 'kq-r1');
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'kq-51', '2026-01-03', 3, NULL, 'kq-r2');
SELECT pg_temp.refused($$SELECT coursebase.refund_store_purchase('app_store', 'production', 'kq-44', '2026-01-03', 0, NULL, 'kq-r3')$$), pg_temp.banks(41, 53);
-- A subscription that Stripe creates with a status of a later day, or with none, gives nothing until it is told as paid.
SELECT n, pg_temp.took('stripe', pg_temp.stripe_body(n, '2026-01-01', 'customer.subscription.created', jsonb_build_object('status', s))), pg_temp.state(n) FROM (VALUES (66, 'active'), (67, 'approved_later'), (68, NULL), (69, 'past_due')) v (n, s) ORDER BY n;
SELECT pg_temp.took('stripe', pg_temp.stripe_body(67, '2026-01-02', 'customer.subscription.updated', '{"status": "active"}', '{"status": "approved_later"}')), pg_temp.state(67);
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
