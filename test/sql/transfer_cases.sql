-- Promise: what is bought once and goes to another account gives there, and nowhere else, and its refund finds it there:
-- by each provider, after a closed account, on a device of two accounts, told twice; of a pack the unspent credits go, and count once for ever.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
UPDATE coursebase.settings SET value = '0' WHERE name = 'free_weekly_credits';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-0000005718' || lpad(n::text, 2, '0'))::uuid, 'goes_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 19) n;
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000571800', 'C18GOE', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id, credits, course_code) VALUES ('c18goe', 'course', '00000000-0000-4000-8000-000000571800', NULL, NULL), ('x18goe', 'custom_course', NULL, NULL, 'X18GOE'), ('goes.pack', 'ai_credits', NULL, 100, NULL);
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-0000005718' || lpad(n::text, 2, '0'))::uuid $$;
CREATE FUNCTION pg_temp.took(provider text, body text, who integer DEFAULT NULL, details json DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, result ->> 'status', result ->> 'moved', detail) FROM coursebase.take_notification(provider, body, NULL, details, pg_temp.person(who), '2026-02-15') $$;
CREATE FUNCTION pg_temp.cat_said(n integer, at text, type text, event jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.took('revenuecat', pg_temp.cat(concat_ws('-', 'goes', n, at, type), at, type, event)) $$;
CREATE FUNCTION pg_temp.cat_bought(n integer, at text, type text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.cat_said(n, at, type, jsonb_build_object('app_user_id', 'goes_' || n, 'store', 'PLAY_STORE', 'product_id', 'c18goe', 'period_type', 'NORMAL', 'transaction_id', 'GPA.goes-' || n, 'purchased_at_ms', pg_temp.ms('2026-02-01'), 'expiration_at_ms', NULL) || more) $$;
CREATE FUNCTION pg_temp.brings(n integer, product text, purchase text, store text DEFAULT 'app_store') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refused(format('SELECT coursebase.validate_purchase(%L, %L, %L)', pg_temp.person(n), json_build_object('product_id', product, 'source', store, 'purchase_id', purchase, 'purchase_token', 't', 'transaction_date', '2026-02-01T00:00:00Z'), '2026-02-02')) $$;
-- Who may use the course, and who has the custom course, of the people from a to b.
CREATE FUNCTION pg_temp.has(a integer, b integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat(n, CASE WHEN coursebase.has_course_access('00000000-0000-4000-8000-000000571800', pg_temp.person(n)) THEN ' course' END,
        (SELECT ' custom' FROM coursebase.custom_courses c JOIN coursebase.custom_course_purchases p ON p.course_id = c.id WHERE c.user_id = pg_temp.person(n) AND p.status = 'active')), ', ' ORDER BY n) FROM generate_series(a, b) n $$;
-- RevenueCat: bought by one, transferred to another, told twice; then refunded and given back, by the name of either.
SELECT n, pg_temp.cat_bought(n, '2026-02-01', 'NON_RENEWING_PURCHASE', CASE n WHEN 3 THEN '{"product_id": "x18goe"}'::jsonb ELSE '{}' END) FROM unnest(ARRAY[1, 3, 5]) n ORDER BY n;
SELECT n, t, pg_temp.cat_said(n, '2026-02-0' || 2 + t, 'TRANSFER', jsonb_build_object('store', 'PLAY_STORE', 'transferred_from', jsonb_build_array('goes_' || n), 'transferred_to', jsonb_build_array('goes_' || n + 1))) FROM unnest(ARRAY[1, 3]) n, generate_series(0, 1) t ORDER BY n, t;
SELECT pg_temp.has(1, 6);
SELECT n, pg_temp.cat_bought(n, '2026-02-05', 'CANCELLATION', jsonb_build_object('cancel_reason', 'CUSTOMER_SUPPORT', 'app_user_id', 'goes_' || n + n % 4 / 3)) FROM unnest(ARRAY[1, 3]) n ORDER BY n;
SELECT pg_temp.has(1, 6);
SELECT n, pg_temp.cat_bought(n, '2026-02-06', 'REFUND_REVERSED') FROM unnest(ARRAY[1, 3]) n ORDER BY n;
SELECT pg_temp.has(1, 6);
-- To an account that has it already; back again; what the app's server told of before RevenueCat goes too, what it alone told of stays.
SELECT pg_temp.brings(6, 'c18goe', 'goes-own'), pg_temp.brings(6, 'x18goe', 'goes-alone');
SELECT pg_temp.cat_said(6, '2026-02-07', 'TRANSFER', '{"transferred_from": ["goes_5"], "transferred_to": ["goes_6"]}');
SELECT purchase_id, status, user_id = pg_temp.person(6) FROM coursebase.store_receipts WHERE purchase_id IN ('goes-own', 'GPA.goes-5') ORDER BY 1;
SELECT pg_temp.cat_said(5, '2026-02-08', 'TRANSFER', '{"transferred_from": ["goes_6"], "transferred_to": ["goes_5"]}'), pg_temp.has(5, 6);
SELECT pg_temp.brings(7, 'c18goe', 'GPA.goes-7', 'google_play'), pg_temp.cat_bought(7, '2026-02-01', 'NON_RENEWING_PURCHASE');
SELECT pg_temp.cat_said(8, '2026-02-08', 'TRANSFER', '{"transferred_from": ["goes_7"], "transferred_to": ["goes_8"]}'), pg_temp.has(7, 8);
-- Paid twice, and the one that gives goes: the other one takes its place at the giver.
SELECT pg_temp.cat_bought(19, '2026-02-01', 'NON_RENEWING_PURCHASE'), pg_temp.brings(19, 'c18goe', 'goes-twice');
SELECT pg_temp.cat_said(18, '2026-02-08', 'TRANSFER', '{"transferred_from": ["goes_19"], "transferred_to": ["goes_18"]}'), pg_temp.has(18, 19);
-- A closed account, and the next that brings the same: by the app's server, by Apple's and by Google's words.
SELECT pg_temp.brings(9, 'c18goe', 'goes-9'), pg_temp.brings(10, 'c18goe', 'goes-10'), pg_temp.brings(11, 'c18goe', 'GPA.goes-11', 'google_play');
SELECT count(coursebase.delete_user(pg_temp.person(n))) FROM generate_series(9, 11) n;
SELECT pg_temp.brings(12, 'c18goe', 'goes-9');
SELECT pg_temp.took('app_store', pg_temp.apple_token(jsonb_build_object('environment', 'Production', 'type', 'Non-Consumable', 'transactionId', 'goes-10', 'productId', 'c18goe', 'purchaseDate', pg_temp.ms('2026-02-01'), 'signedDate', pg_temp.ms('2026-02-09'))), 13);
SELECT pg_temp.took('google_play', pg_temp.play('goes-g', '2026-02-09', '{"oneTimeProductNotification": {"notificationType": 1, "purchaseToken": "goes-k", "sku": "c18goe"}}'), 14,
    '{"orderId": "GPA.goes-11", "purchaseStateContext": {"purchaseState": "PURCHASED"}, "purchaseCompletionTime": "2026-02-01T00:00:00Z", "productLineItem": [{"productId": "c18goe"}]}');
SELECT pg_temp.has(12, 14);
-- Two accounts on one device that restore in turn: the last one has it, if the operator allows that; else the first.
SELECT n, pg_temp.brings(15 + n % 2, 'c18goe', 'goes-turn') FROM generate_series(1, 4) n ORDER BY n;
SELECT pg_temp.has(15, 16);
UPDATE coursebase.settings SET value = 'transfer' WHERE name = 'restore_behavior';
SELECT n, pg_temp.brings(15 + n % 2, 'c18goe', 'goes-turn'), pg_temp.has(15, 16) FROM generate_series(1, 4) n ORDER BY n;
-- Of a pack goes what is unspent: to and fro creates no credits, and its refund takes what is left from who has it.
SELECT pg_temp.brings(17, 'goes.pack', 'goes-pack');
SELECT bank_credits FROM coursebase.consume_credits(pg_temp.person(17), 30, 'use', '2026-02-10');
SELECT t % 2, count(*) FROM generate_series(1, 4) t, LATERAL coursebase.transfer_purchases(pg_temp.person(18 - t % 2), pg_temp.person(17 + t % 2), '2026-02-11') GROUP BY 1 ORDER BY 1;
SELECT coursebase.transfer_receipt('app_store', 'production', 'goes-pack', pg_temp.person(18));
SELECT n, (SELECT bank_limit_credits - bank_used_credits FROM coursebase.credit_balance(pg_temp.person(n))) FROM generate_series(17, 18) n ORDER BY n;
SELECT status, user_id = pg_temp.person(17), detail FROM coursebase.refund_store_purchase('app_store', 'production', 'goes-pack', '2026-02-13');
-- A pack by RevenueCat's words: bought, transferred, told twice.
SELECT pg_temp.cat_bought(15, '2026-02-01', 'NON_RENEWING_PURCHASE', '{"product_id": "goes.pack"}');
SELECT t, pg_temp.cat_said(15, '2026-02-0' || 2 + t, 'TRANSFER', '{"store": "PLAY_STORE", "transferred_from": ["goes_15"], "transferred_to": ["goes_16"]}') FROM generate_series(0, 1) t ORDER BY t;
SELECT n, (SELECT bank_limit_credits FROM coursebase.credit_balance(pg_temp.person(n))) FROM generate_series(15, 16) n ORDER BY n;
-- A sale of Stripe's belongs to who paid.
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES ('00000000-0000-4000-8000-000000571899', 'Sale', '', '/s.png', 9, 'private');
SELECT status FROM coursebase.complete_purchase(pg_temp.person(17), '00000000-0000-4000-8000-000000571899', 'cs_goes', 900, 'paid', '2026-02-10');
SELECT count(*) FROM coursebase.transfer_purchases(pg_temp.person(17), pg_temp.person(18), '2026-02-11');
SELECT user_id = pg_temp.person(17) FROM coursebase.purchases WHERE stripe_session_id = 'cs_goes';
SELECT pg_temp.refused($$SELECT coursebase.transfer_receipt('app_store', 'production', 'goes-9', '00000000-0000-4000-8000-000000571809')$$);
-- A custom course whose account was closed while it was refunded, and one whose account was closed before: the refund is taken back, and
-- gives the closed account nothing; whoever brings the receipt has an empty course and its form.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT pg_temp.person(n), 'goes_' || n, 'Ada', 'ada@example.org' FROM generate_series(20, 23) n;
SELECT n, pg_temp.brings(n, 'x18goe', 'goes-x' || n) FROM generate_series(20, 21) n ORDER BY n;
UPDATE coursebase.custom_course_purchases SET is_submitted = true WHERE purchase_id IN ('goes-x20', 'goes-x21');
SELECT count(coursebase.delete_user(pg_temp.person(21)));
SELECT status, detail FROM generate_series(20, 21) n, LATERAL coursebase.refund_store_purchase('app_store', 'production', 'goes-x' || n, '2026-02-12') ORDER BY n;
SELECT count(coursebase.delete_user(pg_temp.person(20)));
SELECT status, detail FROM generate_series(20, 21) n, LATERAL coursebase.reverse_store_refund('app_store', 'production', 'goes-x' || n, '2026-02-13') ORDER BY n;
SELECT pg_temp.has(20, 23);
SELECT n, pg_temp.brings(n + 2, 'x18goe', 'goes-x' || n) FROM generate_series(20, 21) n ORDER BY n;
SELECT pg_temp.has(20, 23);
SELECT purchase_id, status, is_submitted, link_issued_at = now() FROM coursebase.custom_course_purchases WHERE purchase_id IN ('goes-x20', 'goes-x21') ORDER BY 1;
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
