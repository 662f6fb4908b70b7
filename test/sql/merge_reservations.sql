-- Promise: a reservation that was open when its account was merged ends at its price: what it held of the week is paid once, by
-- the use that tells of it, and never by the bank; what it held of the bank and did not need comes back there. Codes likewise: one person has a code once.
\set a '\'00000000-0000-4000-a000-0000000ec0a1\''
\set b '\'00000000-0000-4000-a000-0000000ec0b1\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:a, 'reserved_a', 'A', 'a@example.org'), (:b, 'reserved_b', 'B', 'b@example.org');
UPDATE coursebase.settings SET value = '100' WHERE name = 'free_weekly_credits';
-- Both have a week of 100; B a pack of 50 as well, of which the third reservation takes.
SELECT credits FROM coursebase.consume_credits(:a, 10, 'lesson', '2026-04-01 00:00+00');
SELECT bank_left FROM coursebase.grant_credit_pack(:b, 'pack', 50, 'google_play', 'production', 'reserved-1', 't', at => '2026-04-01 00:00+00');
SELECT x.weekly_credits, x.bank_credits FROM (VALUES (1, 'one', 40), (2, 'two', 30), (3, 'three', 60)) r (n, key, seconds),
    coursebase.reserve_credits(:b, r.seconds, r.key, '2026-04-02 00:00+00') x ORDER BY r.n;
SELECT coursebase.merge_users(:a, :b, '2026-04-03 00:00+00') IS NOT NULL;
SELECT weekly_used_credits, bank_limit_credits, bank_used_credits FROM coursebase.ai_usage WHERE user_id = :a;
-- Of the week alone, in full and in part: nothing moves.
SELECT credits, weekly_credits, bank_credits, bank_left FROM coursebase.commit_credits(:b, 'one', 40, '2026-04-03 00:00+00');
SELECT credits, weekly_credits, bank_credits, bank_left FROM coursebase.commit_credits(:b, 'two', 5, '2026-04-03 00:00+00');
-- Of 30 of the week and 30 of the bank: at a price of 40 come 20 back to the bank.
SELECT credits, weekly_credits, bank_credits, bank_left FROM coursebase.commit_credits(:a, 'three', 40, '2026-04-03 00:00+00');
SELECT weekly_used_credits, bank_limit_credits, bank_used_credits FROM coursebase.ai_usage WHERE user_id = :a;
-- A code that the one has in hand and the other has reserved stays reserved, for the one who is kept.
\set c '\'00000000-0000-4000-a000-0000000ec0c1\''
\set d '\'00000000-0000-4000-a000-0000000ec0d1\''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:c, 'reserved_c', 'C', 'c@example.org'), (:d, 'reserved_d', 'D', 'd@example.org');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('HELD', 'course', 10, 1);
INSERT INTO coursebase.user_discounts (user_id, discount_code_id) SELECT :c, id FROM coursebase.discount_codes WHERE code = 'HELD';
SELECT final_in_cents FROM coursebase.reserve_discount(:d, 'held', 'course', 1000, 'USD', 'order-d', at => '2026-04-02 00:00+00', ttl => '30 days');
SELECT coursebase.merge_users(:c, :d, '2026-04-03 00:00+00') IS NOT NULL;
SELECT u.user_id = :c, u.status, u.order_ref, k.redeemed_count FROM coursebase.user_discounts u JOIN coursebase.discount_codes k ON k.id = u.discount_code_id WHERE k.code = 'HELD';
-- A code that the one has in hand and the other has used is used by the one who is kept, also where both have used another one.
\set e '\'00000000-0000-4000-a000-0000000ec0e1\''
\set f '\'00000000-0000-4000-a000-0000000ec0f1\''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:e, 'reserved_e', 'E', 'e@example.org'), (:f, 'reserved_f', 'F', 'f@example.org');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('BOTH', 'course', 10), ('ONE', 'course', 10);
INSERT INTO coursebase.user_discounts (user_id, discount_code_id) SELECT :e, id FROM coursebase.discount_codes WHERE code = 'ONE';
SELECT r.final_in_cents FROM (VALUES (:e::uuid, 'BOTH', 'e-both'), (:f, 'BOTH', 'f-both'), (:f, 'ONE', 'f-one')) v (u, code, order_ref),
    coursebase.redeem_discount(v.u, v.code, 'course', 1000, 'USD', v.order_ref, at => '2026-04-02 00:00+00') r;
SELECT coursebase.merge_users(:e, :f, '2026-04-03 00:00+00') IS NOT NULL;
SELECT k.code, u.user_id = :e AS kept, u.status, r.user_id = u.user_id AS its_use, u.order_ref FROM coursebase.user_discounts u JOIN coursebase.discount_codes k ON k.id = u.discount_code_id
LEFT JOIN coursebase.discount_redemptions r USING (order_ref) WHERE u.user_id IN (:e, :f) ORDER BY 1, 2;
SELECT reason FROM coursebase.validate_discount(:e, 'ONE', 'course', 1000, 'USD', at => '2026-04-04 00:00+00');
-- A place is given up where it cannot go to the one who is kept: an order of that name is of both, whose use keeps the code
-- where it was; and each place of its order is, also where the order has one of a second code.
\set g '\'00000000-0000-4000-a000-0000000ec0f2\''
\set h '\'00000000-0000-4000-a000-0000000ec0f3\''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:g, 'reserved_g', 'G', 'g@example.org'), (:h, 'reserved_h', 'H', 'h@example.org');
SELECT r.final_in_cents FROM (VALUES (:g::uuid, 'BOTH', 'order-1'), (:h, 'ONE', 'order-1')) v (u, code, order_ref),
    coursebase.redeem_discount(v.u, v.code, 'course', 1000, 'USD', v.order_ref, at => '2026-04-02 00:00+00') r;
SELECT coursebase.reverse_discount(:h, 'order-1', '2026-04-02 01:00+00');
SELECT r.final_in_cents FROM coursebase.reserve_discount(:h, 'ONE', 'course', 1000, 'USD', 'order-2', at => '2026-04-02 02:00+00') r;
SELECT r.final_in_cents FROM coursebase.reserve_discount(:h, 'BOTH', 'course', 1000, 'USD', 'order-2', at => '2026-04-02 03:00+00') r;
SELECT coursebase.merge_users(:g, :h, '2026-04-03 00:00+00') IS NOT NULL;
SELECT k.code, u.user_id = :g AS kept, u.status, r.reversed_at IS NULL AS stands, r.order_ref FROM coursebase.user_discounts u JOIN coursebase.discount_codes k ON k.id = u.discount_code_id
LEFT JOIN coursebase.discount_redemptions r USING (user_id, discount_code_id) WHERE u.user_id IN (:g, :h) ORDER BY 1, 2;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
