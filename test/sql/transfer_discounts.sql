-- Promise: the use of a discount code follows its sale: whoever the purchase is transferred to, its refund gives back one
-- use, the buyer's, and the reversal takes that one again, in any order; the uses of a code are the sales that stand with it.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-0000006d150' || n)::uuid, 'uses_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 3) n;
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-0000006d1510', 'C61USE', 'One', ''), ('00000000-0000-4000-8000-0000006d1511', 'C62USE', 'Two', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id, price_in_cents, currency) VALUES ('c61use', 'course', '00000000-0000-4000-8000-0000006d1510', 1000, 'EUR'), ('c62use', 'course', '00000000-0000-4000-8000-0000006d1511', 1000, 'EUR'), ('uses.premium', 'subscription', NULL, 1000, 'EUR');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('USES', 'course', 50, 9), ('USEP', 'subscription', 50, 9);
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-0000006d150' || n)::uuid $$;
CREATE FUNCTION pg_temp.buys(n integer, product text, purchase text, code text, price integer DEFAULT 500) RETURNS text LANGUAGE sql AS $$
    SELECT coursebase.validate_purchase(pg_temp.person(n), json_build_object('product_id', product, 'source', 'app_store', 'purchase_id', purchase, 'purchase_token', 't', 'transaction_date', '2026-02-01T00:00:00Z', 'period_end', '2026-03-01T00:00:00Z',
        'price_in_cents', price, 'currency', 'EUR', 'discount', json_build_object('code', code, 'base_in_cents', 1000, 'currency', 'EUR')), '2026-02-02') ->> 'status' $$;
-- r: refunded, b: the refund is reversed, 1 to 3: transferred to that person. After each the uses, and whose they are.
CREATE FUNCTION pg_temp.story(purchase text, steps text) RETURNS TABLE (step text, uses text) LANGUAGE plpgsql AS $$
DECLARE who uuid; at timestamptz := '2026-02-03';
BEGIN
    FOREACH step IN ARRAY string_to_array(steps, NULL) LOOP
        at := at + interval '1 hour';
        SELECT user_id INTO who FROM coursebase.store_receipts WHERE purchase_id = purchase;
        IF step = 'r' THEN PERFORM coursebase.refund_store_purchase('app_store', 'production', purchase, at);
        ELSIF step = 'b' THEN PERFORM coursebase.reverse_store_refund('app_store', 'production', purchase, at);
        ELSE PERFORM coursebase.transfer_purchases(who, pg_temp.person(step::integer), at); END IF;
        SELECT concat(string_agg(c.redeemed_count::text, '/' ORDER BY c.code), (SELECT string_agg(' ' || right(r.user_id::text, 1), '' ORDER BY r.user_id) FROM coursebase.discount_redemptions r WHERE r.reversed_at IS NULL AND r.user_id::text LIKE '%6d150_'))
            INTO uses FROM coursebase.discount_codes c WHERE c.code LIKE 'USE_';
        RETURN NEXT;
    END LOOP;
END $$;
SELECT pg_temp.buys(1, 'c61use', 'u-1', 'USES');
SAVEPOINT bought;
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-1', 'r2b') WITH ORDINALITY x (step, uses, n);
SELECT check_name, problem FROM coursebase.check_integrity();
ROLLBACK TO bought;
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-1', '2rb') WITH ORDINALITY x (step, uses, n);
ROLLBACK TO bought;
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-1', '23r1b2rr3bb1') WITH ORDINALITY x (step, uses, n);
SELECT check_name, problem FROM coursebase.check_integrity();
ROLLBACK TO bought;
-- Both have used the code; each refund gives back the use of its own sale.
SELECT pg_temp.buys(2, 'c62use', 'u-2', 'USES');
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-1', '2r') WITH ORDINALITY x (step, uses, n);
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-2', 'r1b') WITH ORDINALITY x (step, uses, n);
-- What the buyer has used meanwhile is not used twice: the purchase comes back without it.
SELECT pg_temp.buys(1, 'c62use', 'u-3', 'USES');
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-1', 'b') WITH ORDINALITY x (step, uses, n);
SELECT check_name, problem FROM coursebase.check_integrity();
ROLLBACK TO bought;
-- A part gives nothing back; the rest gives one.
SELECT status FROM coursebase.transfer_receipt('app_store', 'production', 'u-1', pg_temp.person(2)), LATERAL coursebase.refund_store_purchase('app_store', 'production', 'u-1', '2026-02-03', NULL, 100, 'part');
SELECT redeemed_count FROM coursebase.discount_codes WHERE code = 'USES';
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-1', 'r') WITH ORDINALITY x (step, uses, n);
ROLLBACK TO bought;
-- A closed buyer's use too; a subscription's goes with its line; a merge keeps each use at its sale.
SELECT user_id IS NOT NULL FROM coursebase.delete_user(pg_temp.person(1)) user_id;
SELECT pg_temp.buys(2, 'c61use', 'u-1', 'USES');
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-1', 'rb') WITH ORDINALITY x (step, uses, n);
ROLLBACK TO bought;
SELECT pg_temp.buys(1, 'uses.premium', 'u-p', 'USEP');
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-p', 'r2b3r') WITH ORDINALITY x (step, uses, n);
SELECT check_name, problem FROM coursebase.check_integrity();
ROLLBACK TO bought;
SELECT pg_temp.buys(2, 'c62use', 'u-2', 'USES');
SELECT coursebase.merge_users(pg_temp.person(2), pg_temp.person(1), '2026-02-03') IS NOT NULL;
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-1', 'rb') WITH ORDINALITY x (step, uses, n);
SELECT string_agg(step || ': ' || uses, ', ' ORDER BY n) FROM pg_temp.story('u-2', '3r') WITH ORDINALITY x (step, uses, n);
SELECT check_name, problem FROM coursebase.check_integrity();
ROLLBACK;
