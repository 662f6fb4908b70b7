-- Promise: a discount that a receipt names is redeemed once, or listed as refused, whoever told of the purchase first: the store's
-- notification, which knows of no discount, or the app.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000571611\''
\set bob '\'00000000-0000-4000-8000-000000571612\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES (:ada, 'quick_ada', 'Ada', 'ada@example.org'), (:bob, 'quick_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('credits_76', 'ai_credits', 76);
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('QUICK', 'ai_credits', 50, 1), ('OTHER', 'ai_credits', 10, NULL);
CREATE FUNCTION pg_temp.told(n text, app_user text) RETURNS text LANGUAGE sql AS $$
    SELECT outcome FROM coursebase.take_notification('revenuecat', pg_temp.cat('quick-' || n, '2026-02-01', 'NON_RENEWING_PURCHASE', jsonb_build_object(
        'app_user_id', app_user, 'store', 'APP_STORE', 'product_id', 'credits_76', 'transaction_id', 'quick-' || n, 'purchased_at_ms', pg_temp.ms('2026-02-01'))), at => '2026-02-01 10:00') $$;
CREATE FUNCTION pg_temp.brings(n text, who uuid, code text, at timestamptz DEFAULT '2026-02-01 10:01') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', v ->> 'status', v ->> 'discount_refused') FROM coursebase.validate_purchase(who, json_build_object('product_id', 'credits_76', 'source', 'app_store',
        'purchase_id', 'quick-' || n, 'purchase_token', 't', 'transaction_date', pg_temp.ms('2026-02-01'),
        'discount', json_build_object('code', code, 'order_ref', 'order-' || n, 'base_in_cents', 1000, 'currency', 'EUR')), at) v $$;
CREATE VIEW pg_temp.receipts AS SELECT purchase_id, status, amount_in_cents, currency, discount_order_ref, discount_refused, receipt -> 'discount' ->> 'code' AS code
FROM coursebase.store_receipts WHERE purchase_id LIKE 'quick-%' ORDER BY 1;
CREATE VIEW pg_temp.uses AS SELECT c.code, c.redeemed_count, d.status, d.order_ref FROM coursebase.discount_codes c LEFT JOIN coursebase.user_discounts d ON d.discount_code_id = c.id ORDER BY 1, 4;

-- The phone has reserved the code; the notification is quicker than its receipt. Then it is told again, with another code too.
SELECT final_in_cents FROM coursebase.reserve_discount(:ada, 'quick', 'ai_credits', 1000, 'EUR', 'order-1', at => '2026-02-01 09:55');
SELECT pg_temp.told('1', 'quick_ada'), pg_temp.brings('1', :ada, 'QUICK');
TABLE pg_temp.receipts;
TABLE pg_temp.uses;
SELECT pg_temp.brings('1', :ada, 'QUICK'), pg_temp.brings('1', :ada, 'OTHER', '2026-02-02'), pg_temp.told('1', 'quick_ada');
TABLE pg_temp.receipts;
-- A rule refuses the code: the sale stands, and is listed, once and for all.
SELECT pg_temp.told('2', 'quick_bob'), pg_temp.brings('2', :bob, 'QUICK');
SELECT pg_temp.brings('2', :bob, 'OTHER');
SELECT purchase_id, discount_code, reason FROM coursebase.sales_to_review;
TABLE pg_temp.uses;
SELECT * FROM coursebase.check_integrity();
-- A sum was refunded while nobody knew the price: it stays unknown, so that the refund of the whole takes all credits.
SELECT pg_temp.told('4', 'quick_ada');
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'quick-4', '2026-02-02', amount_in_cents => 100, refund_ref => 're_4');
SELECT pg_temp.brings('4', :ada, 'OTHER');
SELECT * FROM pg_temp.receipts WHERE purchase_id = 'quick-4';
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'quick-4', '2026-02-03');
SELECT * FROM coursebase.check_integrity();
-- The refund gives the use back, and a receipt that comes after it redeems none.
SELECT detail FROM coursebase.refund_store_purchase('app_store', 'production', 'quick-1', '2026-02-03');
SELECT pg_temp.told('3', 'quick_ada');
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'quick-3', '2026-02-04');
SELECT pg_temp.brings('1', :ada, 'QUICK', '2026-02-05'), pg_temp.brings('3', :ada, 'QUICK', '2026-02-05');
TABLE pg_temp.receipts;
TABLE pg_temp.uses;
SELECT balance.bank_limit_credits, balance.bank_used_credits FROM coursebase.credit_balance(:ada, '2026-02-05') balance;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
