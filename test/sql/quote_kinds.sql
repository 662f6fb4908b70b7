-- Promise: what a buyer was quoted holds while the reservation lives, whatever became of the code; and a sale whose money
-- came is given whatever rule refuses its code, and listed with the reason.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-0000005733' || lpad(n::text, 2, '0'))::uuid, 'quote_' || n, 'Ada', 'ada@example.org' FROM generate_series(0, 49) n;
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000573300', 'C33QUO', 'One', '');
INSERT INTO coursebase.cohorts (id, code, name, kind) VALUES ('00000000-0000-4000-8000-000000573397', 'closed', 'Closed', 'experiment');
INSERT INTO coursebase.store_products (product_id, kind, course_id, credits, course_code) VALUES ('c33quo', 'course', '00000000-0000-4000-8000-000000573300', NULL, NULL), ('quote.pack', 'ai_credits', NULL, 100, NULL), ('quote.premium', 'subscription', NULL, NULL, NULL), ('x33quo', 'custom_course', NULL, NULL, 'X33QUO');
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-0000005733' || lpad(n::text, 2, '0'))::uuid $$;
CREATE FUNCTION pg_temp.ordered(call text, n integer, code text, at text, base bigint DEFAULT 1000, item text DEFAULT NULL, kind text DEFAULT 'course') RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; problem text;
BEGIN
    EXECUTE format('SELECT final_in_cents FROM coursebase.%I(%L, %L, %L, %s, ''EUR'', %L, item => %L, at => %L)', call, pg_temp.person(n), code, kind, base, 'q-' || n, item, at) INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS answer = RETURNED_SQLSTATE, problem = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', answer, SQLERRM, problem);
END $$;
-- Half price is quoted to each; then each code changes in another way; who had the quote has it, who comes later does not.
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) SELECT 'HALF' || n, 'course', 50, 9 FROM generate_series(1, 13) n;
SELECT string_agg(pg_temp.ordered('reserve_discount', n, 'half' || n, '2026-01-10 12:00'), ' ' ORDER BY n) FROM generate_series(1, 13) n;
UPDATE coursebase.discount_codes SET percent_off = 10 WHERE code = 'HALF1';
UPDATE coursebase.discount_codes SET percent_off = NULL, amount_off_in_cents = 1, currency = 'EUR' WHERE code = 'HALF2';
UPDATE coursebase.discount_codes SET percent_off = NULL, amount_off_in_cents = 1, currency = 'USD' WHERE code = 'HALF3';
UPDATE coursebase.discount_codes SET is_active = false WHERE code = 'HALF4';
UPDATE coursebase.discount_codes SET expires_at = '2026-01-10 12:01' WHERE code = 'HALF5';
UPDATE coursebase.discount_codes SET starts_at = '2027-01-01' WHERE code = 'HALF6';
UPDATE coursebase.discount_codes SET minimum_in_cents = 5000 WHERE code = 'HALF7';
UPDATE coursebase.discount_codes SET max_redemptions = 1 WHERE code = 'HALF8';
UPDATE coursebase.discount_codes SET product_type = 'subscription' WHERE code = 'HALF9';
UPDATE coursebase.discount_codes SET item = 'c99xyz' WHERE code = 'HALF10';
UPDATE coursebase.discount_codes SET cohort_id = '00000000-0000-4000-8000-000000573397' WHERE code = 'HALF11';
UPDATE coursebase.discount_codes SET code = 'OTHER12' WHERE code = 'HALF12';
UPDATE coursebase.discount_codes SET code = 'OTHER13' WHERE code = 'HALF13';
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('HALF13', 'course', 10);
SELECT n, pg_temp.ordered('redeem_discount', n, 'half' || n, '2026-01-10 12:05'), pg_temp.ordered('redeem_discount', n + 13, 'half' || n, '2026-01-10 12:06') FROM generate_series(1, 13) n ORDER BY n;
-- By both names of a code that was renamed, asked again; in the pages of the checkout, and for the order.
SELECT pg_temp.ordered('redeem_discount', 12, c, '2026-01-10 12:07') FROM unnest(ARRAY['half12', 'other12', 'half11']) c;
SELECT pg_temp.ordered('reserve_discount', 46, 'other12', '2026-01-10 12:00');
UPDATE coursebase.discount_codes SET code = 'HALF12', percent_off = 5 WHERE code = 'OTHER12';
SELECT pg_temp.ordered(call, 46, c, '2026-01-10 12:05') FROM (VALUES ('reserve_discount', 'other12'), ('reserve_discount', 'half12'), ('redeem_discount', 'half12'), ('redeem_discount', 'other12')) v (call, c);
-- What was recorded are the terms of the quote.
SELECT r.base_in_cents, r.final_in_cents, r.terms ->> 'percent_off', count(*) FROM coursebase.discount_redemptions r WHERE r.order_ref IN (SELECT 'q-' || n FROM generate_series(1, 13) n) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- A code with one use left is taken by another, by an order, by a reservation, by a receipt; a rule refuses it otherwise:
-- the money came, so that it is given, and the code stands in the list.
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('LAST1', 'course', 50, 1), ('LAST2', 'course', 50, 1), ('LAST3', 'subscription', 50, 1), ('LAST4', 'ai_credits', 50, 1), ('LAST5', 'custom_course', 50, 1), ('NOPE1', 'course', 50, NULL), ('NOPE2', 'course', 50, NULL), ('NOPE3', 'course', 50, NULL), ('NOPE4', 'subscription', 50, NULL), ('NOPE5', 'course', 50, NULL);
UPDATE coursebase.discount_codes SET is_active = false WHERE code = 'NOPE1';
UPDATE coursebase.discount_codes SET expires_at = '2026-01-01' WHERE code = 'NOPE2';
UPDATE coursebase.discount_codes SET minimum_in_cents = 5000 WHERE code = 'NOPE3';
UPDATE coursebase.discount_codes SET cohort_id = '00000000-0000-4000-8000-000000573397' WHERE code = 'NOPE5';
CREATE FUNCTION pg_temp.brings(n integer, product text, code text, at text DEFAULT '2026-01-11', more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', v ->> 'status', v ->> 'discount_refused') FROM coursebase.validate_purchase(pg_temp.person(n), (jsonb_build_object('product_id', product, 'source', 'app_store', 'purchase_id', 'quote-' || n, 'purchase_token', 't', 'transaction_date', '2026-01-11T00:00:00Z',
        'period_end', '2026-02-11T00:00:00Z', 'price_in_cents', 500, 'currency', 'EUR', 'discount', jsonb_build_object('code', code, 'base_in_cents', 1000, 'currency', 'EUR')) || more)::json, at::timestamptz) v $$;
SELECT pg_temp.ordered('redeem_discount', 40, 'last1', '2026-01-10'), pg_temp.ordered('reserve_discount', 41, 'last2', '2026-01-11');
SELECT pg_temp.brings(43, 'quote.premium', 'last3'), pg_temp.brings(44, 'quote.pack', 'last4'), pg_temp.brings(45, 'x33quo', 'last5');
SELECT n, pg_temp.brings(n, p, c) FROM (VALUES (25, 'c33quo', 'LAST1'), (26, 'c33quo', 'LAST2'), (27, 'quote.premium', 'LAST3'), (28, 'quote.pack', 'LAST4'), (29, 'x33quo', 'LAST5'), (30, 'c33quo', 'NOPE1'), (31, 'c33quo', 'NOPE2'), (32, 'c33quo', 'NOPE3'), (33, 'c33quo', 'NOPE4'), (34, 'c33quo', 'NOPE5'), (35, 'c33quo', 'NEVERWAS')) v (n, p, c) ORDER BY n;
-- Brought again it answers the same, and when the code has room again too; given back and used by the same order.
SELECT coursebase.reverse_discount(pg_temp.person(40), 'q-40', '2026-01-12'), pg_temp.brings(25, 'c33quo', 'LAST1', '2026-01-13');
SELECT right(user_id::text, 2), product_id, discount_code, reason, amount_in_cents, currency FROM coursebase.sales_to_review WHERE purchase_id LIKE 'quote-%' ORDER BY 1;
SELECT count(*) FILTER (WHERE coursebase.has_course_access('00000000-0000-4000-8000-000000573300', pg_temp.person(n))), count(*) FILTER (WHERE coursebase.has_premium(pg_temp.person(n), '2026-01-20')),
    sum((SELECT bank_limit_credits FROM coursebase.credit_balance(pg_temp.person(n), '2026-01-20'))) FROM generate_series(25, 35) n;
-- The code counts only whom it was given to; a refund of a sale that was refused gives no use back, and leaves the list.
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'quote-27', '2026-01-14');
SELECT code, redeemed_count FROM coursebase.discount_codes WHERE code LIKE 'LAST_' OR code LIKE 'NOPE_' ORDER BY 1;
SELECT count(*) FROM coursebase.sales_to_review WHERE purchase_id = 'quote-27';
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
