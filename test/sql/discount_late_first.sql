-- Promise: a code for first purchases is redeemed for a purchase that the store told of before the app named the code, and for a
-- sale that is recorded, if the person had paid for nothing before it, whatever was bought since.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-00000066f161\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'late_first', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-00000066f162', 'L66FST', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id, course_code, credits) VALUES ('late.course', 'course', '00000000-0000-4000-8000-00000066f162', NULL, NULL),
    ('late.pack', 'ai_credits', NULL, NULL, 10), ('late.custom', 'custom_course', NULL, 'X66LAT', NULL), ('late.plan', 'subscription', NULL, NULL, NULL);
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, first_purchase_only) SELECT 'FIRST-' || k, k, 10, true FROM unnest('{course, ai_credits, custom_course, subscription}'::text[]) k;
CREATE FUNCTION pg_temp.told(product text, day text) RETURNS text LANGUAGE sql AS $$
    SELECT outcome FROM coursebase.take_notification('revenuecat', pg_temp.cat('late-' || product, day, CASE product WHEN 'late.plan' THEN 'INITIAL_PURCHASE' ELSE 'NON_RENEWING_PURCHASE' END, jsonb_build_object(
        'app_user_id', 'late_first', 'store', 'APP_STORE', 'product_id', product, 'transaction_id', 'late-' || product, 'original_transaction_id', 'late-' || product, 'purchased_at_ms', pg_temp.ms(day), 'expiration_at_ms',
        CASE product WHEN 'late.plan' THEN pg_temp.ms('2026-06-01') END)), at => day::timestamptz) $$;
CREATE FUNCTION pg_temp.brings(product text, day text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', v ->> 'status', v ->> 'discount_refused') FROM coursebase.store_products s, coursebase.validate_purchase('00000000-0000-4000-8000-00000066f161', json_strip_nulls(json_build_object('product_id', product, 'source', 'app_store',
        'purchase_id', 'late-' || product, 'purchase_token', 't', 'transaction_date', pg_temp.ms(day), 'period_end', CASE product WHEN 'late.plan' THEN '2026-06-01T00:00:00Z' END,
        'discount', json_build_object('code', 'FIRST-' || s.kind, 'order_ref', 'order-' || product, 'base_in_cents', 1000, 'currency', 'EUR'))), '2026-03-01') v WHERE s.product_id = product $$;
SAVEPOINT nothing;
-- Of each kind: the notification comes first, and it is the first purchase.
SELECT pg_temp.told('late.course', '2026-02-01'), pg_temp.brings('late.course', '2026-02-01');
ROLLBACK TO nothing;
SELECT pg_temp.told('late.pack', '2026-02-01'), pg_temp.brings('late.pack', '2026-02-01');
ROLLBACK TO nothing;
SELECT pg_temp.told('late.custom', '2026-02-01'), pg_temp.brings('late.custom', '2026-02-01');
ROLLBACK TO nothing;
SELECT pg_temp.told('late.plan', '2026-02-01'), pg_temp.brings('late.plan', '2026-02-01');
SELECT * FROM coursebase.sales_to_review;
-- The app tells a later time of the purchase than the store.
ROLLBACK TO nothing;
SELECT pg_temp.told('late.pack', '2026-02-01'), pg_temp.brings('late.pack', '2026-02-02');
-- What was paid for before it counts; what was since does not.
ROLLBACK TO nothing;
SELECT pg_temp.told('late.course', '2026-02-01'), pg_temp.told('late.pack', '2026-02-02'), pg_temp.brings('late.pack', '2026-02-02'), pg_temp.brings('late.course', '2026-02-01');
SELECT product_id, discount_code, reason FROM coursebase.sales_to_review;
-- A sale through Stripe whose order is told after it, and of another one.
ROLLBACK TO nothing;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES ('00000000-0000-4000-8000-00000066f163', 'Product', '', '/p.png', 10);
SELECT status FROM coursebase.complete_purchase(:ada, '00000000-0000-4000-8000-00000066f163', 'cs_late', 900, 'paid', '2026-02-01');
SELECT final_in_cents FROM coursebase.redeem_discount(:ada, 'FIRST-course', 'course', 1000, 'EUR', 'cs_late', at => '2026-02-02');
ROLLBACK TO nothing;
SELECT bank_left FROM coursebase.grant_credit_pack(:ada, 'late.pack', 10, 'cash', 'production', 'late', 't', at => '2026-02-02');
SAVEPOINT bought;
SELECT pg_temp.refused($$SELECT coursebase.redeem_discount('00000000-0000-4000-8000-00000066f161', 'FIRST-ai_credits', 'ai_credits', 1000, 'EUR', 'late', at => '2026-02-03')$$);
SELECT final_in_cents FROM coursebase.redeem_discount(:ada, 'FIRST-ai_credits', 'ai_credits', 1000, 'EUR', 'late', at => '2026-02-03', paid_at => '2026-02-02');
SELECT pg_temp.refused($$SELECT coursebase.redeem_discount('00000000-0000-4000-8000-00000066f161', 'FIRST-ai_credits', 'ai_credits', 1000, 'EUR', 'other', paid_at => 'infinity')$$);
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
