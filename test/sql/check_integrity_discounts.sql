-- Promise: check_integrity() finds what is wrong with discounts and referral credits, done by somebody who
-- switched triggers and constraints off.
\set VERBOSITY terse
\set check 'SELECT check_name, object, problem FROM coursebase.check_integrity();'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-00000000d5a1', 'check_discounts_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-00000000d5b1', 'check_discounts_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.user_profile (user_id, email, referral_code, referred_by) VALUES
    ('00000000-0000-4000-8000-00000000d5a1', 'ada@example.org', 'UCHKAD2', NULL),
    ('00000000-0000-4000-8000-00000000d5b1', 'bob@example.org', 'UCHKBB2', '00000000-0000-4000-8000-00000000d5a1');
INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off, max_redemptions, parent_code_id) VALUES
    ('00000000-0000-4000-8000-00000000d5d1', 'CHECK1', 'course', 10, 2, NULL),
    ('00000000-0000-4000-8000-00000000d5d2', 'CHECK2', 'course', 10, 4, '00000000-0000-4000-8000-00000000d5d1');
SELECT discount_in_cents FROM coursebase.redeem_discount('00000000-0000-4000-8000-00000000d5a1', 'check1', 'course', 100, 'USD', 'o', at => '2026-06-01');
SELECT coursebase.split_counter('check2', 2);
SELECT discount_in_cents FROM coursebase.reserve_discount('00000000-0000-4000-8000-00000000d5b1', 'check2', 'course', 100, 'USD', 'o', at => '2026-06-01');
SELECT coursebase.pay_referral('00000000-0000-4000-8000-00000000d5b1', '2026-06-01');
UPDATE coursebase.referral_credits SET id = '00000000-0000-4000-8000-00000000d5e1' WHERE user_id = '00000000-0000-4000-8000-00000000d5a1';
UPDATE coursebase.discount_redemptions SET id = '00000000-0000-4000-8000-00000000d5e2' WHERE user_id = '00000000-0000-4000-8000-00000000d5a1';
SELECT coursebase.spend_referral_credit('00000000-0000-4000-8000-00000000d5a1', 50, 'o', '2026-07-01');
:check

SET LOCAL session_replication_role = replica;
SAVEPOINT sound;
-- Counters that are not the places, of a row and of shards.
UPDATE coursebase.discount_codes SET redeemed_count = 2 WHERE code = 'CHECK1';
UPDATE coursebase.discount_code_shards SET redeemed_count = 0;
:check
ROLLBACK TO sound;
-- More places than the limit; shards with another limit; a count beside them.
ALTER TABLE coursebase.discount_codes DROP CONSTRAINT discount_codes_redeemed_count_range_check;
UPDATE coursebase.discount_codes SET max_redemptions = 0 WHERE code = 'CHECK1';
UPDATE coursebase.discount_codes SET max_redemptions = 5 WHERE code = 'CHECK2';
:check
ROLLBACK TO sound;
UPDATE coursebase.discount_codes SET redeemed_count = 1 WHERE code = 'CHECK2';
UPDATE coursebase.discount_code_shards SET redeemed_count = 0;
:check
ROLLBACK TO sound;
-- An entry without its use, a use without its entry.
UPDATE coursebase.discount_redemptions SET reversed_at = '2026-06-02';
:check
ROLLBACK TO sound;
UPDATE coursebase.user_discounts SET order_ref = 'another' WHERE status = 'redeemed';
:check
ROLLBACK TO sound;
-- A ring of codes.
UPDATE coursebase.discount_codes SET parent_code_id = '00000000-0000-4000-8000-00000000d5d2' WHERE code = 'CHECK1';
:check
ROLLBACK TO sound;
-- Credit that nobody spent, that another spent, that another earned.
UPDATE coursebase.referral_credits SET spent_in_cents = 60;
:check
ROLLBACK TO sound;
UPDATE coursebase.referral_spendings SET user_id = '00000000-0000-4000-8000-00000000d5b1';
:check
ROLLBACK TO sound;
UPDATE coursebase.user_profile SET referred_by = NULL WHERE referral_code = 'UCHKBB2';
:check
ROLLBACK;
