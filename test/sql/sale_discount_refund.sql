-- Promise: the full refund of a sale gives the use of its discount code back, however the refund is written, and the
-- reversal takes it again unless the code is in other hands by now; a part of the price and other orders leave it.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
\set ada '\'00000000-0000-4000-8000-000000595161\''
\set bob '\'00000000-0000-4000-8000-000000595162\''
\set product '\'00000000-0000-4000-8000-000000595163\''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'off_ada', 'Ada', 'ada@example.org'), (:bob, 'off_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES (:product, 'Single', '', '/s.png', 10, 'private');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('ONCE', 'course', 50, 1), ('OTHER', 'course', 10, 5);
SELECT final_in_cents FROM coursebase.redeem_discount(:ada, 'ONCE', 'course', 1000, 'EUR', 'cs_1', at => '2026-02-01');
SELECT final_in_cents FROM coursebase.redeem_discount(:ada, 'OTHER', 'course', 1000, 'EUR', 'cs_2', at => '2026-02-01');
SELECT status FROM coursebase.complete_purchase(:ada, :product, 'cs_1', 500, 'paid', '2026-02-01', currency => 'EUR', payment_intent_id => 'pi_1');
CREATE FUNCTION pg_temp.uses() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', c.code, c.redeemed_count, d.status, (r.reversed_at AT TIME ZONE 'UTC')::date), ', ' ORDER BY c.code, d.user_id)
    FROM coursebase.discount_codes c LEFT JOIN coursebase.user_discounts d ON d.discount_code_id = c.id
    LEFT JOIN coursebase.discount_redemptions r ON (r.user_id, r.discount_code_id) = (d.user_id, d.discount_code_id) WHERE c.code IN ('ONCE', 'OTHER') $$;
CREATE FUNCTION pg_temp.told(id text, at text, type text, sum int) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', outcome, result ->> 'refunded_in_cents') FROM coursebase.take_notification('stripe', pg_temp.stripe(id, at, type,
        jsonb_build_object('id', 're_' || sum, 'status', CASE type WHEN 'refund.failed' THEN 'failed' ELSE 'succeeded' END, 'amount', sum, 'payment_intent', 'pi_1'))) $$;
SELECT pg_temp.uses();
SAVEPOINT sold;
-- A part, then the rest, then the rest fails.
SELECT pg_temp.told('evt_1', '2026-02-02', 'refund.created', 200);
SELECT pg_temp.uses();
SELECT pg_temp.told('evt_2', '2026-02-03', 'refund.created', 300);
SELECT pg_temp.uses();
SELECT pg_temp.told('evt_3', '2026-02-04', 'refund.failed', 300);
SELECT pg_temp.uses();
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO sold;
-- The place went to somebody else: who keeps it is not asked, and the sale keeps its price.
SELECT pg_temp.told('evt_1', '2026-02-02', 'refund.created', 500);
SELECT final_in_cents FROM coursebase.redeem_discount(:bob, 'ONCE', 'course', 1000, 'EUR', 'cs_3', at => '2026-02-03');
SELECT pg_temp.told('evt_2', '2026-02-04', 'refund.failed', 500);
SELECT pg_temp.uses();
SELECT price_paid_in_cents, refunded_in_cents FROM coursebase.purchases WHERE stripe_session_id = 'cs_1';
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO sold;
-- By the function and by plain SQL, and back; twice.
SELECT r.refunded_in_cents FROM coursebase.purchases s, coursebase.refund_purchase(s.id, at => '2026-02-05') r WHERE s.stripe_session_id = 'cs_1';
SELECT pg_temp.uses();
UPDATE coursebase.purchases SET refunded_at = NULL WHERE stripe_session_id = 'cs_1';
SELECT pg_temp.uses();
UPDATE coursebase.purchases SET refunded_at = '2026-02-06' WHERE stripe_session_id = 'cs_1';
SELECT pg_temp.uses();
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO sold;
-- The refund came before the order was told: the use is given back at once, and taken with the reversal.
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_4', 900, 'paid', '2026-02-01', currency => 'EUR');
SELECT r.refunded_in_cents FROM coursebase.purchases s, coursebase.refund_purchase(s.id, at => '2026-02-05') r WHERE s.stripe_session_id = 'cs_4';
SELECT final_in_cents, reversed_at FROM coursebase.redeem_discount(:bob, 'OTHER', 'course', 1000, 'EUR', 'cs_4', at => '2026-02-06');
SELECT final_in_cents, reversed_at FROM coursebase.redeem_discount(:bob, 'OTHER', 'course', 1000, 'EUR', 'cs_4', at => '2026-02-07');
SELECT pg_temp.uses();
UPDATE coursebase.purchases SET refunded_at = NULL WHERE stripe_session_id = 'cs_4';
SELECT pg_temp.uses();
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO sold;
-- A reservation that such an order redeems, and a part, which gives nothing back.
SELECT c.status FROM unnest('{cs_4, cs_5}'::text[]) s, coursebase.complete_purchase(:bob, :product, s, 900, 'paid', '2026-02-01', currency => 'EUR') c;
SELECT final_in_cents FROM coursebase.reserve_discount(:bob, 'OTHER', 'course', 1000, 'EUR', 'cs_4', ttl => '30 days', at => '2026-02-01');
SELECT r.refunded_in_cents FROM coursebase.purchases s, coursebase.refund_purchase(s.id, CASE s.stripe_session_id WHEN 'cs_5' THEN 100 END, '2026-02-05') r WHERE s.stripe_session_id IN ('cs_4', 'cs_5') ORDER BY 1;
SELECT final_in_cents, reversed_at FROM coursebase.redeem_discount(:bob, 'OTHER', 'course', 1000, 'EUR', 'cs_4', at => '2026-02-06');
SELECT final_in_cents, reversed_at FROM coursebase.redeem_discount(:bob, 'OTHER', 'course', 1000, 'EUR', 'cs_5', at => '2026-02-06');
SELECT pg_temp.uses();
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO sold;
-- A sale of the past that comes refunded.
SELECT final_in_cents FROM coursebase.redeem_discount(:bob, 'OTHER', 'course', 1000, 'EUR', 'cs_4', at => '2026-02-01');
INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id, price_paid_in_cents, refunded_at, product_details)
VALUES (:bob, :product, 'cs_4', 900, '2026-02-05', '{"name": "Single", "description": "", "imageUrl": "/s.png"}');
SELECT pg_temp.uses();
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK;
