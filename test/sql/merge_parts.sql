-- Promise: what both accounts have becomes one: the later end of two grants, the earlier completion, a course had once, both
-- banks and the week's use of both, a use of a code counted for each until its sale is refunded, a program with its begin and
-- the notes of both; a credit for bringing oneself is revoked.
\getenv abs_srcdir PG_ABS_SRCDIR
\set a '\'00000000-0000-4000-a000-0000000eb0a1\''
\set b '\'00000000-0000-4000-a000-0000000eb0b1\''
\set c '\'00000000-0000-4000-a000-0000000eb0c1\''
\set one '\'00000000-0000-4000-a000-0000000000d2\''
\set two '\'00000000-0000-4000-a000-0000000000d3\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
\i :abs_srcdir/fixtures/worlds/everything.sql
UPDATE coursebase.courses SET grants_may_end = true;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:a, 'parts_a', 'A', 'a@example.org'), (:b, 'parts_b', 'B', 'b@example.org'), (:c, 'parts_c', 'C', 'c@example.org');
UPDATE coursebase.user_profile SET first_name = 'Ann', phone_number = NULL, devices = '{"x": 1}', referred_by = :b WHERE user_id = :a;
UPDATE coursebase.user_profile SET first_name = 'Annie', phone_number = '+49', devices = '{"y": 2}', referred_by = :c WHERE user_id = :b;

-- Grants by hand: of one course two ends, of the other one without an end. A lesson completed twice.
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES
    (:a, :one, '2026-06-01'), (:b, :one, '2026-07-01'), (:a, :two, '2026-06-01'), (:b, :two, NULL);
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id, created_at) VALUES
    (:a, '00000000-0000-4000-a000-0000000000f4', '2026-03-02'), (:b, '00000000-0000-4000-a000-0000000000f4', '2026-03-01');
-- The same course in the App Store, with a code that both have used, and one that only one of the two has.
INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off, max_redemptions) VALUES
    ('00000000-0000-4000-a000-0000000eb501', 'TWICE', 'course', 10, 5), ('00000000-0000-4000-a000-0000000eb502', 'ONCE', 'course', 10, 5);
SELECT p.n, r.discount_in_cents FROM (VALUES (1, :a::uuid), (2, :b::uuid)) p (n, u),
    coursebase.redeem_discount(p.u, 'TWICE', 'course', 4900, 'EUR', 'order-' || p.n, at => '2026-03-01') r;
SELECT r.discount_in_cents FROM coursebase.redeem_discount(:b, 'ONCE', 'course', 4900, 'EUR', 'order-3', at => '2026-03-01') r;
SELECT p.n, coursebase.validate_purchase(p.u, json_build_object('product_id', 'c02fix', 'source', 'app_store', 'purchase_id', 'parts-' || p.n,
    'purchase_token', 't', 'transaction_date', '2026-03-01T12:00:00Z'), '2026-03-01') ->> 'status' FROM (VALUES (1, :a::uuid), (2, :b::uuid)) p (n, u);
UPDATE coursebase.store_receipts SET discount_order_ref = 'order-3' WHERE purchase_id = 'parts-2';
-- Credits: a week each of 100, of which 30 and 20 are used; a pack each, of which 10 and 50 are used; one key twice.
UPDATE coursebase.settings SET value = '100' WHERE name = 'free_weekly_credits';
SELECT p.n, x.weekly_credits, x.bank_credits FROM (VALUES (1, :a::uuid, 30), (2, :b::uuid, 20)) p (n, u, used), coursebase.consume_credits(p.u, p.used, 'lesson', '2026-04-01') x;
SELECT p.n, coursebase.validate_purchase(p.u, json_build_object('product_id', 'ai_credits_4000', 'source', 'google_play', 'purchase_id', 'pack-' || p.n,
    'purchase_token', 't', 'transaction_date', '2026-04-01T12:00:00Z'), '2026-04-01') ->> 'status' FROM (VALUES (1, :a::uuid), (2, :b::uuid)) p (n, u);
SELECT credits, weekly_credits, bank_credits FROM coursebase.consume_credits(:b, 130, 'long', '2026-04-02');
SELECT credits, weekly_credits, bank_credits FROM coursebase.reserve_credits(:b, 7, 'open', '2026-04-02');
-- A sale each, with a code that both have used. A program that B alone has begun, with long notes of both.
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES ('00000000-0000-4000-a000-0000000eb601', 'P', '', '/p.png', 10, 'private');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('SALE', 'course', 10, 5);
SELECT p.n, r.final_in_cents, s.status FROM (VALUES (1, :a::uuid), (2, :b::uuid)) p (n, u),
    coursebase.redeem_discount(p.u, 'SALE', 'course', 1000, 'EUR', 'cs_parts_' || p.n, at => '2026-03-01') r,
    coursebase.complete_purchase(p.u, '00000000-0000-4000-a000-0000000eb601', 'cs_parts_' || p.n, r.final_in_cents, 'paid', '2026-03-01') s;
-- And thirty days of one course each: B bought them while A's ran.
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status, access_days) VALUES ('00000000-0000-4000-a000-0000000eb602', 'D', '', '/d.png', 10, 'private', 30);
INSERT INTO coursebase.course_products (course_id, product_id) SELECT id, '00000000-0000-4000-a000-0000000eb602' FROM coursebase.courses WHERE id NOT IN (:one, :two) ORDER BY id LIMIT 1;
SELECT s.status FROM (VALUES (1, :a::uuid), (2, :b::uuid)) p (n, u),
    coursebase.complete_purchase(p.u, '00000000-0000-4000-a000-0000000eb602', 'cs_days_' || p.n, 1000, 'paid', date '2026-03-01' + p.n) s;
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, start_date) VALUES
    (:a, '00000000-0000-4000-a000-000000000231', 'active', NULL), (:b, '00000000-0000-4000-a000-000000000231', 'active', '2026-02-01');
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, completed_at, notes)
SELECT e.id, w.id, '2026-02-02', repeat(CASE e.user_id WHEN :a THEN 'a' ELSE 'b' END, 1500)
FROM coursebase.course_entitlements e JOIN coursebase.course_workouts w USING (program_id) WHERE e.user_id IN (:a, :b) AND NOT w.is_rest;
-- B brought A, and was paid for it; C brought B.
INSERT INTO coursebase.referral_credits (user_id, referred_user_id, amount_in_cents, currency, source, earned_at, available_at) VALUES
    (:b, :a, 100, 'EUR', 'first_premium', '2026-03-01', '2026-04-01'), (:c, :b, 100, 'EUR', 'first_premium', '2026-03-01', '2026-04-01');
SELECT * FROM coursebase.check_integrity();

SELECT coursebase.merge_users(:a, :b, '2026-04-03 12:00+00');
SELECT * FROM coursebase.check_integrity();
SELECT g.course_id, g.expires_at, a.course_id IS NOT NULL AS for_ever FROM coursebase.course_grants g
LEFT JOIN coursebase.user_course_access a USING (user_id, course_id) WHERE g.user_id = :a AND g.purchase_id IS NULL ORDER BY 1;
SELECT created_at FROM coursebase.user_lesson_complete WHERE user_id = :a;
SELECT r.purchase_id, r.status, p.status, r.discount_order_ref FROM coursebase.store_receipts r JOIN coursebase.course_purchases p USING (source, environment, purchase_id)
WHERE r.user_id = :a AND p.user_id = :a ORDER BY 1;
SELECT c.code, c.redeemed_count, d.user_id = :a AS kept, d.status, r.order_ref FROM coursebase.user_discounts d JOIN coursebase.discount_codes c ON c.id = d.discount_code_id
JOIN coursebase.discount_redemptions r USING (user_id, discount_code_id) WHERE d.user_id IN (:a, :b) ORDER BY 1, 5;
SELECT json_array_length(coursebase.export_user(:a) -> 'discount_redemptions');
SELECT weekly_limit_credits, weekly_used_credits, bank_limit_credits, bank_used_credits FROM coursebase.ai_usage WHERE user_id IN (:a, :b);
SELECT position, kind, replace(idempotency_key, :b, 'B'), credits, weekly_credits, bank_credits, bank_limit_credits, bank_used_credits, at
FROM coursebase.credit_log WHERE user_id = :a ORDER BY 1;
-- A repeated call finds its use; the reservation that was open ends.
SELECT credits, bank_credits FROM coursebase.consume_credits(:a, 130, 'long', '2026-04-04');
SELECT credits, bank_credits FROM coursebase.commit_credits(:a, 'open', 5, '2026-04-04');
SELECT weekly_used_credits, bank_used_credits FROM coursebase.ai_usage WHERE user_id = :a;
SELECT c.user_id = :b AS to_b, c.referred_user_id = :a AS for_a, c.revoked_at FROM coursebase.referral_credits c WHERE c.referred_user_id IN (:a, :b) ORDER BY 1;
SELECT user_id = :a AS kept, first_name, phone_number, email, devices, referred_by IS NOT DISTINCT FROM :b AS by_b, referred_by IS NOT DISTINCT FROM :c AS by_c
FROM coursebase.user_profile WHERE user_id IN (:a, :b) ORDER BY 1;
SELECT * FROM coursebase.check_integrity();
-- A refund of what was bought twice gives the code back, and takes the course only from the receipt that gave it.
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'parts-2', '2026-05-01');
SELECT reversed_at IS NOT NULL FROM coursebase.discount_redemptions WHERE order_ref = 'order-3';
SELECT coursebase.has_course_access(:one, :a, at => '2027-01-01');
SELECT * FROM coursebase.check_integrity();
-- The days follow one after the other, and a refund that is taken back finds them so.
SELECT string_agg(g.expires_at::date::text, ' ' ORDER BY s.created_at) FROM coursebase.course_grants g JOIN coursebase.purchases s ON s.id = g.purchase_id WHERE s.stripe_session_id LIKE 'cs_days_%';
UPDATE coursebase.purchases SET refunded_at = '2026-04-10' WHERE stripe_session_id = 'cs_days_1';
UPDATE coursebase.purchases SET refunded_at = NULL WHERE stripe_session_id = 'cs_days_1';
SELECT string_agg(g.expires_at::date::text, ' ' ORDER BY s.created_at) FROM coursebase.course_grants g JOIN coursebase.purchases s ON s.id = g.purchase_id WHERE s.stripe_session_id LIKE 'cs_days_%';
-- The program goes on where the one who began it is, with as much of the notes as a completion takes.
SELECT e.status, e.start_date, k.notes = repeat('a', 1500) || E'\n' || repeat('b', 499) AS notes, count(*) FROM coursebase.course_entitlements e
JOIN coursebase.course_workout_completions k ON k.entitlement_id = e.id WHERE e.user_id IN (:a, :b) GROUP BY 1, 2, 3;
-- The sale that moved finds its use, which stayed; so does the reversal of its refund.
SELECT r.refunded_in_cents FROM coursebase.purchases s, coursebase.refund_purchase(s.id, at => '2026-05-02') r WHERE s.stripe_session_id = 'cs_parts_2';
SELECT r.order_ref, r.reversed_at, c.redeemed_count FROM coursebase.discount_redemptions r JOIN coursebase.discount_codes c ON c.id = r.discount_code_id WHERE c.code = 'SALE' ORDER BY 1;
UPDATE coursebase.purchases SET refunded_at = NULL WHERE stripe_session_id = 'cs_parts_2';
SELECT r.order_ref, r.reversed_at, c.redeemed_count FROM coursebase.discount_redemptions r JOIN coursebase.discount_codes c ON c.id = r.discount_code_id WHERE c.code = 'SALE' ORDER BY 1;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
