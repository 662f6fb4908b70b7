-- Promise: sums of money are integer wherever a client reads them, so that JavaScript gets numbers; a sum that is too
-- large is refused with 22003 by functions and plain SQL alike, and a receipt of such a price with KB801.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-0000000e90a1\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
-- No column and no answer in minor units is of another type.
SELECT format('%I.%I %s', c.relname, a.attname, a.atttypid::regtype)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0
    AND a.attname ~ '_in_cents$' AND a.atttypid <> 'integer'::regtype;
SELECT format('%s answers %s', p.oid::regprocedure, n.name)
FROM pg_proc p
CROSS JOIN LATERAL unnest(p.proargnames, p.proargmodes, p.proallargtypes) n (name, mode, type)
WHERE p.pronamespace = 'coursebase'::regnamespace AND n.mode = 't'
    AND n.name ~ '_in_cents$' AND n.type <> 'integer'::regtype;
SELECT count(*) > 15 FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'coursebase'::regnamespace AND a.attname ~ '_in_cents$';

INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'sums_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-0000000e92c1', 'S71SUM', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('s71sum', 'course', '00000000-0000-4000-8000-0000000e92c1');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('SUMS', 'course', 12.5);
SELECT coursebase.save_product(NULL, 'One', '', '/s.png', 9, 'public', ARRAY['00000000-0000-4000-8000-0000000e92c1']::uuid[]) AS product \gset
SELECT coursebase.create_organization('Sums', 'sums', 'USD', 'UTC', :ada) AS organization \gset
SELECT coursebase.create_course(:'organization', 'Sums', 7) AS program \gset
-- The largest sum passes everywhere, also as a bigint, and as the answer of a discount.
SELECT purchase_id AS sale FROM coursebase.complete_purchase(:ada, :'product', 'cs_sums', 2147483647::bigint, 'paid') \gset
SELECT coursebase.country_price(:'product', 'PT'), pg_typeof(coursebase.country_price(:'product', 'PT'));
SELECT refunded_in_cents, pg_typeof(refunded_in_cents) FROM coursebase.refund_purchase(:'sale', 2147483646);
SELECT refunded_in_cents, refunded_at IS NOT NULL FROM coursebase.refund_purchase(:'sale');
SELECT discount_in_cents, final_in_cents FROM coursebase.validate_discount(:ada, 'sums', 'course', 2147483647, 'USD');
SELECT coursebase.set_price(:'program', 2147483647) IS NOT NULL;
SELECT coursebase.validate_purchase(:ada, '{"product_id": "s71sum", "source": "app_store", "purchase_id": "sums1", "purchase_token": "t", "transaction_date": "1767268800000", "price_in_cents": 2147483647, "currency": "USD"}', '2026-01-02') ->> 'status';
-- One more is too much.
SELECT pg_temp.refused($$SELECT coursebase.complete_purchase('00000000-0000-4000-8000-0000000e90a1', gen_random_uuid(), 'cs_sums2', 2147483648, 'paid')$$);
SELECT pg_temp.refused(format($$SELECT coursebase.refund_purchase(%L, 5000000000)$$, :'sale'));
SELECT pg_temp.refused($$SELECT coursebase.complete_purchase('00000000-0000-4000-8000-0000000e90a1', gen_random_uuid(), 'cs_sums2', 1, 'paid', now(), 'USD', 2147483648)$$);
SELECT pg_temp.refused($$SELECT coursebase.refund_payment('pi_sums', NULL, NULL, 2147483648, 're_sums')$$);
SELECT pg_temp.refused(format($$SELECT coursebase.reverse_refund(%L, 're_sums', 2147483648)$$, :'sale'));
SELECT pg_temp.refused(format($$SELECT coursebase.reverse_refund(%L, 're_sums', -1)$$, :'sale'));
SELECT pg_temp.refused($$SELECT coursebase.refund_store_purchase('app_store', 'production', 'sums1', now(), NULL, 2147483648, 're_sums')$$);
SELECT pg_temp.refused(format($$SELECT coursebase.set_price(%L, 9223372036854775807)$$, :'program'));
SELECT pg_temp.refused($$SELECT coursebase.validate_discount('00000000-0000-4000-8000-0000000e90a1', 'sums', 'course', 2147483648, 'USD')$$);
SELECT pg_temp.refused($$SELECT coursebase.reserve_discount('00000000-0000-4000-8000-0000000e90a1', 'sums', 'course', 2147483648, 'USD', 'order')$$);
SELECT pg_temp.refused($$SELECT coursebase.spend_referral_credit('00000000-0000-4000-8000-0000000e90a1', 2147483648, 'order')$$);
SELECT pg_temp.refused($$SELECT coursebase.grant_credit_pack('00000000-0000-4000-8000-0000000e90a1', 'pack', 1, 'app_store', 'production', 'sums2', 't', 2147483648, 'USD')$$);
SELECT pg_temp.refused(format($$UPDATE coursebase.plans SET price_in_cents = 2147483648 WHERE program_id = %L$$, :'program'));
SELECT pg_temp.refused($$SELECT coursebase.validate_purchase('00000000-0000-4000-8000-0000000e90a1', '{"product_id": "s71sum", "source": "app_store", "purchase_id": "sums3", "purchase_token": "t", "transaction_date": "1767268800000", "price_in_cents": 2147483648, "currency": "USD"}', '2026-01-02')$$);
UPDATE coursebase.products SET price_dollars = 21474837 WHERE id = :'product';
SELECT pg_temp.refused(format($$SELECT coursebase.country_price(%L, 'PT')$$, :'product'));
-- In thousandths and millionths it is the sum in minor units that counts.
SELECT coursebase.validate_purchase(:ada, '{"product_id": "s71sum", "source": "app_store", "purchase_id": "sums4", "purchase_token": "t", "transaction_date": "1767268800000", "price_in_micros": 21474836470000, "currency": "IDR"}', '2026-01-02') ->> 'status';
SELECT amount_in_cents, currency FROM coursebase.store_receipts WHERE purchase_id = 'sums4';
SELECT pg_temp.refused($$SELECT coursebase.validate_purchase('00000000-0000-4000-8000-0000000e90a1', '{"product_id": "s71sum", "source": "app_store", "purchase_id": "sums5", "purchase_token": "t", "transaction_date": "1767268800000", "price_in_micros": 21474836480000, "currency": "IDR"}', '2026-01-02')$$);
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK;
