-- Promise: a receipt that is not paid gives nothing until it is; a pack counts as often as it was bought; a refund takes
-- its part; and a refund that the store takes back gives back exactly what it took, once.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000577161\''
\set receipt '(\'{"source": "app_store", "purchase_token": "t", "transaction_date": "1767268800000", "product_id": "\' || :product || \'", "purchase_id": "\' || :purchase || \'"}\')::jsonb'
\set bank 'SELECT bank_limit_credits - bank_used_credits AS bank FROM coursebase.credit_balance(\'00000000-0000-4000-8000-000000577161\', \'2026-03-01\');'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
UPDATE coursebase.settings SET value = '1000' WHERE name = 'free_weekly_credits';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'states_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000577162', 'C77STA', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id, credits, course_code) VALUES ('c77sta', 'course', '00000000-0000-4000-8000-000000577162', NULL, NULL),
    ('states.pack', 'ai_credits', NULL, 4000, NULL), ('states.premium', 'subscription', NULL, NULL, NULL), ('x77sta', 'custom_course', NULL, NULL, 'X77STA');
-- Pending, in whatever words; then paid.
\set product '\'c77sta\''
\set purchase '\'p-1\''
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"state": "PENDING"}')::json, '2026-01-02') ->> 'status';
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"state": 2}')::json, '2026-01-02') ->> 'message';
SELECT count(*) FROM coursebase.course_purchases WHERE user_id = :ada;
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"state": "purchased"}')::json, '2026-01-03') ->> 'status';
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"state": "pending"}')::json, '2026-01-03') ->> 'status';
-- Canceled before it was paid, and paid after all; one that gave and is canceled was refunded.
\set product '\'x77sta\''
\set purchase '\'p-2\''
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"state": "pending"}')::json, '2026-01-02') ->> 'status';
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"state": "cancelled"}')::json, '2026-01-03') ->> 'status';
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"state": "canceled"}')::json, '2026-01-03') ->> 'status';
SELECT coursebase.validate_purchase(:ada, :receipt::json, '2026-01-04') ->> 'status';
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"state": 1}')::json, '2026-01-05') ->> 'status';
SELECT status FROM coursebase.custom_course_purchases WHERE purchase_id = 'p-2';
-- Three packs; a refund of one, told twice; of a sum; of the rest; then all of it is taken back.
\set product '\'states.pack\''
\set purchase '\'p-3\''
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"quantity": 3, "price_in_milliunits": 14970, "currency": "EUR"}')::json, '2026-01-02') ->> 'status';
:bank
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-3', '2026-01-03', 1, NULL, 're-1');
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-3', '2026-01-03', 1, NULL, 're-1');
:bank
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-3', '2026-01-04', NULL, 499, 're-2');
:bank
SELECT quantity, refunded_quantity, amount_in_cents, refunded_in_cents, status FROM coursebase.store_receipts WHERE purchase_id = 'p-3';
SELECT true FROM coursebase.consume_credits(:ada, 3000, 'use', '2026-01-05');
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-3', '2026-01-06');
:bank
SELECT status, detail FROM coursebase.reverse_store_refund('app_store', 'production', 'p-3', '2026-01-07', 're-2');
:bank
SELECT status, detail FROM coursebase.reverse_store_refund('app_store', 'production', 'p-3', '2026-01-07');
:bank
SELECT status, detail FROM coursebase.reverse_store_refund('app_store', 'production', 'p-3', '2026-01-08');
:bank
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-3', '2026-01-09');
:bank
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
-- A course, by the store's own words: REFUND, then REFUND_REVERSED, and again.
\set transaction '\'{"bundleId": "org.example.app", "type": "Non-Consumable", "transactionId": "p-1", "productId": "c77sta"}\''
SELECT outcome, result ->> 'detail' FROM coursebase.take_notification('app_store', pg_temp.apple('n-1', '2026-02-01', 'REFUND', NULL, :transaction));
SELECT outcome, result ->> 'detail' FROM coursebase.take_notification('app_store', pg_temp.apple('n-2', '2026-02-02', 'REFUND_REVERSED', NULL, :transaction));
SELECT status FROM coursebase.course_purchases WHERE purchase_id = 'p-1';
SELECT outcome, result ->> 'detail' FROM coursebase.take_notification('app_store', pg_temp.apple('n-3', '2026-02-03', 'REFUND', NULL, :transaction));
-- Another purchase gives the course by now.
\set product '\'c77sta\''
\set purchase '\'p-4\''
SELECT coursebase.validate_purchase(:ada, :receipt::json, '2026-02-04') ->> 'status';
SELECT outcome, result ->> 'detail' FROM coursebase.take_notification('app_store', pg_temp.apple('n-4', '2026-02-05', 'REFUND_REVERSED', NULL, :transaction));
SELECT purchase_id, status FROM coursebase.store_receipts WHERE product_id = 'c77sta' ORDER BY purchase_id;
-- A period; a custom course; what was refunded before its receipt came.
\set product '\'states.premium\''
\set purchase '\'p-5\''
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"period_end": "2026-04-01T00:00:00Z"}')::json, '2026-02-04') ->> 'status';
SELECT detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-5', '2026-02-05');
SELECT detail FROM coursebase.reverse_store_refund('app_store', 'production', 'p-5', '2026-02-06');
SELECT detail FROM coursebase.reverse_store_refund('app_store', 'production', 'p-2', '2026-02-06');
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'p-6', '2026-02-05');
SELECT status, detail FROM coursebase.reverse_store_refund('app_store', 'production', 'p-6', '2026-02-06');
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
-- Google Play: pending by its token, paid under its order, a part voided.
SELECT outcome, result ->> 'status' FROM coursebase.take_notification('google_play', pg_temp.play('m-1', '2026-02-10', '{"oneTimeProductNotification": {"notificationType": 1, "purchaseToken": "k-1", "sku": "states.pack"}}'),
    NULL, '{"purchaseStateContext": {"purchaseState": "PENDING"}, "productLineItem": [{"productId": "states.pack"}], "obfuscatedExternalAccountId": "states_ada"}');
SELECT outcome, result ->> 'status' FROM coursebase.take_notification('google_play', pg_temp.play('m-2', '2026-02-11', '{"oneTimeProductNotification": {"notificationType": 1, "purchaseToken": "k-1", "sku": "states.pack"}}'),
    NULL, '{"orderId": "GPA.1", "purchaseStateContext": {"purchaseState": "PURCHASED"}, "purchaseCompletionTime": "2026-02-11T00:00:00Z", "productLineItem": [{"productId": "states.pack", "productOfferDetails": {"quantity": 2}}], "obfuscatedExternalAccountId": "states_ada"}');
:bank
SELECT purchase_id, quantity, status FROM coursebase.store_receipts WHERE purchase_token = 'k-1';
SELECT outcome, result ->> 'detail' FROM coursebase.take_notification('google_play', pg_temp.play('m-3', '2026-02-12', '{"voidedPurchaseNotification": {"purchaseToken": "k-1", "orderId": "GPA.1", "productType": 2, "refundType": 2}}'),
    NULL, '{"purchaseToken": "k-1", "orderId": "GPA.1", "voidedQuantity": 1}');
:bank
SELECT outcome, result ->> 'status' FROM coursebase.take_notification('google_play', pg_temp.play('m-4', '2026-02-10', '{"oneTimeProductNotification": {"notificationType": 1, "purchaseToken": "k-2", "sku": "c77sta"}}'),
    NULL, '{"purchaseStateContext": {"purchaseState": "PENDING"}, "productLineItem": [{"productId": "c77sta"}], "obfuscatedExternalAccountId": "states_ada"}');
SELECT outcome, result ->> 'status' FROM coursebase.take_notification('google_play', pg_temp.play('m-5', '2026-02-11', '{"oneTimeProductNotification": {"notificationType": 2, "purchaseToken": "k-2", "sku": "c77sta"}}'));
-- What is no refund of a part, and no receipt.
SELECT pg_temp.refused('SELECT coursebase.refund_store_purchase($$app_store$$, $$production$$, $$p-3$$, now(), 1)');
SELECT pg_temp.refused('SELECT coursebase.refund_store_purchase($$app_store$$, $$production$$, $$p-3$$, now(), 1, 1, $$r$$)');
SELECT pg_temp.refused('SELECT coursebase.refund_store_purchase($$app_store$$, $$production$$, $$p-9$$, now(), 1, NULL, $$r$$)');
SELECT pg_temp.refused(format('SELECT coursebase.validate_purchase(%L, %L)', :ada, :receipt || '{"quantity": 1001}'));
SELECT pg_temp.refused(format('SELECT coursebase.validate_purchase(%L, %L)', :ada, :receipt || '{"state": "PAIDISH"}'));
SELECT pg_temp.refused(format('SELECT coursebase.validate_purchase(%L, %L)', :ada, :receipt || '{"price_in_cents": 1, "price_in_micros": 1, "currency": "EUR"}'));
SELECT pg_temp.refused('UPDATE coursebase.store_receipts SET refunded_at = NULL, status = $$valid$$ WHERE purchase_id = $$p-3$$');
-- Refunds of one time: a part and a sum by their ids, and then all that is left without one, which is none of the two told again.
\set product '\'states.pack\''
\set purchase '\'p-same\''
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"quantity": 3, "price_in_milliunits": 14970, "currency": "EUR"}')::json, '2026-03-02') ->> 'status';
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-same', '2026-03-03', 1, NULL, 're-part');
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-same', '2026-03-03', NULL, 100, 're-sum');
SELECT quantity, refunded_quantity, amount_in_cents, refunded_in_cents, status FROM coursebase.store_receipts WHERE purchase_id = 'p-same';
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'p-same', '2026-03-03');
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'p-same', '2026-03-03');
SELECT quantity, refunded_quantity, amount_in_cents, refunded_in_cents, status FROM coursebase.store_receipts WHERE purchase_id = 'p-same';
SELECT refund_ref, quantity, amount_in_cents FROM coursebase.store_refunds WHERE purchase_id = 'p-same' ORDER BY refund_ref;
-- A reversal that is told before its refund is kept for it, by the id or by the time; what is refunded after that time is taken.
\set purchase '\'p-before\''
SELECT coursebase.validate_purchase(:ada, (:receipt || '{"quantity": 3, "price_in_milliunits": 14970, "currency": "EUR"}')::json, '2026-03-02') ->> 'status';
SELECT status, detail FROM coursebase.reverse_store_refund('app_store', 'production', 'p-before', '2026-03-05', 're-before');
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-before', '2026-03-03', 1, NULL, 're-before');
SELECT status, detail FROM coursebase.reverse_store_refund('app_store', 'production', 'p-before', '2026-03-06');
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-before', '2026-03-04');
SELECT refunded_quantity, refunded_in_cents, status FROM coursebase.store_receipts WHERE purchase_id = 'p-before';
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'p-before', '2026-03-07');
SELECT refunded_quantity, refunded_in_cents, status FROM coursebase.store_receipts WHERE purchase_id = 'p-before';
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
