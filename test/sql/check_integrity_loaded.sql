-- Promise: what rows that are loaded without triggers leave behind is found by name: purchases that gave nothing,
-- projections and sums that differ, receipts and payments that contradict what they gave.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
SELECT * FROM coursebase.check_integrity();
-- Which checks name the damage that a statement of a load does; undone again.
CREATE FUNCTION pg_temp.found(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE words text;
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE replace(statement, 'ada', '''00000000-0000-4000-a000-00000000000a''');
    SELECT string_agg(DISTINCT check_name, ' ' ORDER BY check_name) INTO words FROM coursebase.check_integrity();
    RAISE SQLSTATE 'ZZ000' USING MESSAGE = coalesce(words, 'nothing');
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    RETURN SQLERRM;
END $$;
SELECT what, pg_temp.found(statement) FROM (VALUES
    (1, 'a purchase without its grants', $$INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id, price_paid_in_cents, product_details, created_at)
        SELECT user_id, product_id, 'cs_loaded', 4900, product_details, now() FROM coursebase.purchases LIMIT 1$$),
    (2, 'an access that nothing gave', $$INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (ada, '00000000-0000-4000-a000-0000000000d1')$$),
    (3, 'a grant without the access', $$DELETE FROM coursebase.user_course_access WHERE user_id = ada$$),
    (4, 'a purchase that is refunded and still gives', $$UPDATE coursebase.purchases SET refunded_at = now(), refunded_in_cents = price_paid_in_cents; DELETE FROM coursebase.course_grants WHERE purchase_id IS NULL$$),
    (5, 'refunds above their sum', $$INSERT INTO coursebase.purchase_refunds (refund_ref, purchase_id, amount_in_cents, is_rest, refunded_at)
        SELECT 're_loaded', purchase_id, 100, false, refunded_at FROM coursebase.purchase_refunds$$),
    (6, 'a refund in part of a purchase that is not refunded', $$ALTER TABLE coursebase.purchases DROP CONSTRAINT purchases_refunded_in_part_before_in_full_check;
        UPDATE coursebase.purchases SET refunded_in_part_in_cents = 1$$),
    (7, 'a receipt whose product was refunded', $$INSERT INTO coursebase.store_receipts (source, environment, purchase_id, user_id, product_id, kind, voice, purchase_token, status, receipt, purchased_at, validated_at)
        SELECT source, environment, purchase_id, user_id, product_id, 'course', voice, purchase_token, 'valid', '{}', purchased_at, validated_at FROM coursebase.course_purchases WHERE purchase_id = 'fixture';
        UPDATE coursebase.course_purchases SET status = 'refunded', refunded_at = now() WHERE purchase_id = 'fixture'$$),
    (8, 'credits that the log does not have', $$UPDATE coursebase.ai_usage SET bank_used_credits = bank_used_credits + 1$$),
    (9, 'a pack that the bank does not have', $$UPDATE coursebase.ai_credit_purchases SET credits = credits + 1$$),
    (10, 'a counter of uses', $$UPDATE coursebase.discount_code_shards SET redeemed_count = redeemed_count + 1 WHERE shard = 1$$),
    (11, 'spent referral credit', $$UPDATE coursebase.referral_credits SET spent_in_cents = spent_in_cents + 1$$),
    (12, 'a person paid, and waits', $$UPDATE coursebase.course_entitlements SET status = 'pending'$$),
    (13, 'a completed course', $$UPDATE coursebase.course_entitlements SET completed_at = now()$$),
    (14, 'a completion of a place that is gone', $$DELETE FROM coursebase.course_workouts WHERE id = '00000000-0000-4000-a000-000000000241'$$),
    (15, 'a subscription that its events do not give', $$UPDATE coursebase.subscriptions SET expires_at = expires_at + interval '1 year'$$),
    (16, 'two lessons in one place', $$ALTER TABLE coursebase.lessons DROP CONSTRAINT lessons_section_id_order_key; UPDATE coursebase.lessons SET "order" = 0$$),
    (17, 'a role that nobody recorded', $$UPDATE coursebase.users SET role = 'admin' WHERE id = ada$$)
) d (n, what, statement) ORDER BY n;
-- No damage: a cohort goes, with what was told to its members.
DELETE FROM coursebase.cohorts;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
