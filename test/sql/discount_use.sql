-- Promise: an order uses one discount and keeps its first result; reservations hold places until their end;
-- a refund gives a use back once; the counter, split or not, is the number of places taken.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
BEGIN;
\set ada '''00000000-0000-4000-8000-00000000d1a1'''
\set bob '''00000000-0000-4000-8000-00000000d1b1'''
\set count 'SELECT redeemed_count, (SELECT sum(redeemed_count) FROM coursebase.discount_code_shards s WHERE s.discount_code_id = c.id) FROM coursebase.discount_codes c WHERE code = ''TWO'';'
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-00000000d1' || n || '1')::uuid, 'discount_use_' || n, n, n || '@example.org'
FROM unnest(ARRAY['a', 'b', 'c', 'd', 'e', 'f']) n;
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions, expires_at) VALUES
    ('TWO', 'course', 50, 2, '2027-01-01'), ('OTHER', 'course', 10, NULL, NULL);

-- The same order again, also when the code has changed; other content; another code; the first result for ever.
SELECT discount_in_cents, final_in_cents, redeemed_at, reversed_at FROM coursebase.redeem_discount(:ada, 'two', 'course', 1001, 'usd', 'o1', 'c14enb', '2026-06-01');
UPDATE coursebase.discount_codes SET percent_off = 10, is_active = false WHERE code = 'TWO';
SELECT discount_in_cents, final_in_cents, redeemed_at, reversed_at FROM coursebase.redeem_discount(:ada, ' Two', 'course', 1001, 'USD', 'o1', 'c14enb', '2026-06-02');
UPDATE coursebase.discount_codes SET percent_off = 50, is_active = true WHERE code = 'TWO';
SELECT terms ->> 'percent_off', terms ->> 'code', terms ->> 'ordered_item', currency FROM coursebase.discount_redemptions WHERE user_id = :ada;
SAVEPOINT s;
SELECT * FROM coursebase.redeem_discount(:ada, 'two', 'course', 1000, 'USD', 'o1', 'c14enb', '2026-06-02');
ROLLBACK TO s;
SELECT * FROM coursebase.redeem_discount(:ada, 'two', 'course', 1001, 'EUR', 'o1', 'c14enb', '2026-06-02');
ROLLBACK TO s;
SELECT * FROM coursebase.redeem_discount(:ada, 'other', 'course', 1001, 'USD', 'o1', 'c14enb', '2026-06-02');
ROLLBACK TO s;
SELECT * FROM coursebase.reserve_discount(:ada, 'other', 'course', 1001, 'USD', 'o1', at => '2026-06-02');
ROLLBACK TO s;
SELECT * FROM coursebase.redeem_discount(:ada, 'two', 'course', 1001, 'USD', 'o2', at => '2026-06-02');
ROLLBACK TO s;
:count

-- A reservation takes the last place, to the microsecond of its end.
SELECT * FROM coursebase.reserve_discount(:bob, 'two', 'course', 1001, 'USD', 'b1', ttl => '10 minutes', at => '2026-06-02 12:00');
SELECT * FROM coursebase.reserve_discount(:bob, 'two', 'course', 1001, 'USD', 'b1', ttl => '10 minutes', at => '2026-06-02 12:05');
:count
SELECT reason FROM coursebase.validate_discount('00000000-0000-4000-8000-00000000d1c1', 'two', 'course', 1, 'USD', at => '2026-06-02 12:09:59.999999');
SELECT valid FROM coursebase.validate_discount(:bob, 'two', 'course', 1, 'USD', at => '2026-06-02 12:09:59.999999');
SELECT valid FROM coursebase.validate_discount('00000000-0000-4000-8000-00000000d1c1', 'two', 'course', 1, 'USD', at => '2026-06-02 12:10');
SAVEPOINT s;
SELECT * FROM coursebase.redeem_discount('00000000-0000-4000-8000-00000000d1c1', 'two', 'course', 1, 'USD', 'c1', at => '2026-06-02 12:09:59.999999');
ROLLBACK TO s;
SELECT * FROM coursebase.reserve_discount(:bob, 'other', 'course', 1001, 'USD', 'b1', at => '2026-06-02 12:05');
ROLLBACK TO s;
-- The same order at another price: it redeems what was shown last. What no rule lets pass is not shown.
SELECT * FROM coursebase.reserve_discount(:bob, 'two', 'course', 601, 'USD', 'b1', ttl => '10 minutes', at => '2026-06-02 12:06');
UPDATE coursebase.discount_codes SET percent_off = 10, is_active = false WHERE code = 'TWO';
SELECT discount_in_cents, final_in_cents FROM coursebase.redeem_discount(:bob, 'two', 'course', 601, 'USD', 'b1', at => '2026-06-02 12:08');
ROLLBACK TO s;
SELECT * FROM coursebase.reserve_discount(:bob, 'two', 'subscription', 601, 'USD', 'b1', at => '2026-06-02 12:06');
ROLLBACK TO s;
-- It keeps what ends meanwhile: the code is over, the reservation is not.
UPDATE coursebase.discount_codes SET expires_at = '2026-06-02 12:06' WHERE code = 'TWO';
SELECT discount_in_cents FROM coursebase.redeem_discount(:bob, 'two', 'course', 1001, 'USD', 'b1', at => '2026-06-02 12:08');
ROLLBACK TO s;
-- It is taken back when another one needs the place, and can be released.
SELECT discount_in_cents FROM coursebase.redeem_discount('00000000-0000-4000-8000-00000000d1c1', 'two', 'course', 1001, 'USD', 'c1', at => '2026-06-02 12:10');
SELECT status, reserved_until, order_ref FROM coursebase.user_discounts WHERE user_id = :bob;
:count
SELECT coursebase.release_discount(:bob, 'b1');
ROLLBACK TO s;
SELECT coursebase.release_discount(:bob, 'b1'), coursebase.release_discount(:bob, 'b1');
:count
ROLLBACK TO s;
-- The latest order of a person has the reservation, and its place is used without a second one.
SELECT reserved_until FROM coursebase.reserve_discount(:bob, 'two', 'course', 1001, 'USD', 'b2', at => '2026-06-02 12:05');
SELECT coursebase.release_discount(:bob, 'b1');
SELECT discount_in_cents FROM coursebase.redeem_discount(:bob, 'two', 'course', 1001, 'USD', 'b2', at => '2026-06-02 12:06');
:count

-- A refund gives the use back, once; the order keeps its result, the person may use the code anew.
SELECT coursebase.reverse_discount(:bob, 'b2', '2026-06-03'), coursebase.reverse_discount(:bob, 'b2', '2026-06-04');
SELECT coursebase.reverse_discount(:bob, 'nothing', '2026-06-04');
:count
SELECT discount_in_cents, reversed_at FROM coursebase.redeem_discount(:bob, 'two', 'course', 1001, 'USD', 'b2', at => '2026-06-05');
:count
SELECT discount_in_cents, reversed_at FROM coursebase.redeem_discount(:bob, 'two', 'course', 1001, 'USD', 'b3', at => '2026-06-05');
SELECT coursebase.reverse_discount(:bob, 'b2', '2026-06-06');
:count

-- A split counter counts on; its parts hold the limit; it can be joined.
UPDATE coursebase.discount_codes SET max_redemptions = 5 WHERE code = 'TWO';
SELECT coursebase.split_counter('two', 3);
SELECT s.shard, s.redeemed_count, s.max_redemptions FROM coursebase.discount_code_shards s JOIN coursebase.discount_codes c ON c.id = s.discount_code_id WHERE c.code = 'TWO' ORDER BY 1;
SAVEPOINT s;
UPDATE coursebase.discount_codes SET max_redemptions = 6 WHERE code = 'TWO';
ROLLBACK TO s;
SELECT count(*) FROM unnest(ARRAY['c', 'd']) n, LATERAL coursebase.redeem_discount(('00000000-0000-4000-8000-00000000d1' || n || '1')::uuid, 'two', 'course', 1001, 'USD', n, at => '2026-06-05');
SELECT reserved_until FROM coursebase.reserve_discount('00000000-0000-4000-8000-00000000d1e1', 'two', 'course', 1001, 'USD', 'e', at => '2026-06-05 12:00');
SAVEPOINT s;
SELECT * FROM coursebase.redeem_discount('00000000-0000-4000-8000-00000000d1f1', 'two', 'course', 1001, 'USD', 'f', at => '2026-06-05 12:00');
ROLLBACK TO s;
:count
SELECT count(*) FROM coursebase.redeem_discount('00000000-0000-4000-8000-00000000d1f1', 'two', 'course', 1001, 'USD', 'f', at => '2026-06-05 12:15');
:count
SELECT coursebase.reverse_discount('00000000-0000-4000-8000-00000000d1f1', 'f', '2026-06-06');
:count
SELECT coursebase.split_counter('two', 2), coursebase.split_counter('two', 0);
:count
SELECT * FROM coursebase.check_discounts();

-- What is refused.
SAVEPOINT s;
SELECT coursebase.split_counter('nobody', 2);
ROLLBACK TO s;
SELECT coursebase.split_counter('two', -1);
ROLLBACK TO s;
SELECT * FROM coursebase.redeem_discount('00000000-0000-4000-8000-00000000dfff', 'two', 'course', 1, 'USD', 'x');
ROLLBACK TO s;
SELECT * FROM coursebase.redeem_discount(:ada, 'two', 'course', 1, 'USD', '');
ROLLBACK TO s;
SELECT * FROM coursebase.reserve_discount(:ada, 'other', 'course', 1, 'USD', 'x', ttl => '0');
ROLLBACK TO s;
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES (' two ', 'course', 1);
ROLLBACK TO s;
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, amount_off_in_cents, currency) VALUES ('both', 'course', 1, 1, 'USD');
ROLLBACK TO s;
INSERT INTO coursebase.discount_codes (code, product_type, amount_off_in_cents) VALUES ('no currency', 'course', 1);
ROLLBACK TO s;
-- No ring of codes.
INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off, parent_code_id) VALUES
    ('00000000-0000-4000-8000-00000000d2a1', 'RING1', 'course', 1, NULL),
    ('00000000-0000-4000-8000-00000000d2a2', 'RING2', 'course', 1, '00000000-0000-4000-8000-00000000d2a1'),
    ('00000000-0000-4000-8000-00000000d2a3', 'RING3', 'course', 1, '00000000-0000-4000-8000-00000000d2a2');
SAVEPOINT s;
UPDATE coursebase.discount_codes SET parent_code_id = '00000000-0000-4000-8000-00000000d2a3' WHERE code = 'RING1';
ROLLBACK TO s;
UPDATE coursebase.discount_codes SET parent_code_id = id WHERE code = 'RING1';
ROLLBACK TO s;
DELETE FROM coursebase.discount_codes WHERE code = 'RING2';
SELECT code, parent_code_id FROM coursebase.discount_codes WHERE code LIKE 'RING_' ORDER BY 1;
ROLLBACK;
