-- Promise: a person is brought once, by somebody else, without a ring; the first premium earns one credit,
-- which can be spent after the hold, in parts, once an order, and is taken back only within the hold.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
BEGIN;
UPDATE coursebase.settings SET value = '500' WHERE name = 'referral_credit_in_cents';
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-00000000d3' || n || '1')::uuid, 'referral_' || n, n, n || '@example.org'
FROM unnest(ARRAY['a', 'b', 'c', 'd', 'e']) n;
INSERT INTO coursebase.user_profile (user_id, email, referral_code) VALUES
    ('00000000-0000-4000-8000-00000000d3a1', 'a@example.org', 'UAAAAA2'),
    ('00000000-0000-4000-8000-00000000d3b1', 'b@example.org', 'UBBBBB2'),
    ('00000000-0000-4000-8000-00000000d3c1', 'c@example.org', 'UCCCCC2'),
    ('00000000-0000-4000-8000-00000000d3d1', 'd@example.org', 'UDDDDD2');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, referrer_id, expires_at) VALUES
    ('FRIEND', 'subscription', 10, '00000000-0000-4000-8000-00000000d3a1', '2027-01-01'),
    ('ANYBODY', 'subscription', 10, NULL, NULL);
\set ada '''00000000-0000-4000-8000-00000000d3a1'''
\set bob '''00000000-0000-4000-8000-00000000d3b1'''
\set cyd '''00000000-0000-4000-8000-00000000d3c1'''
\set dee '''00000000-0000-4000-8000-00000000d3d1'''

SELECT c, v.* FROM unnest(ARRAY['friend', ' ubbbbb2 ', 'anybody', 'UZZZZZ2', '']) c, LATERAL coursebase.validate_referral_code(c, '2026-06-01') v;
SELECT * FROM coursebase.validate_referral_code('friend', '2027-01-01');
SELECT * FROM coursebase.validate_referral_code(NULL);

SELECT coursebase.attach_referral(:bob, 'Friend ', '2026-06-01'), coursebase.attach_referral(:bob, 'uaaaaa2', '2026-06-01');
SELECT coursebase.attach_referral(:cyd, 'ubbbbb2', '2026-06-01');
SAVEPOINT s;
SELECT coursebase.attach_referral(:bob, 'udddddd2', '2026-06-01');
ROLLBACK TO s;
SELECT coursebase.attach_referral(:bob, 'udDddd2', '2026-06-01');
ROLLBACK TO s;
SELECT coursebase.attach_referral(:dee, 'udDddd2', '2026-06-01');
ROLLBACK TO s;
SELECT coursebase.attach_referral(:dee, 'anybody', '2026-06-01');
ROLLBACK TO s;
SELECT coursebase.attach_referral(:ada, 'uccccc2', '2026-06-01');
ROLLBACK TO s;
UPDATE coursebase.user_profile SET referred_by = :cyd WHERE user_id = :ada;
ROLLBACK TO s;
DELETE FROM coursebase.user_profile WHERE user_id = '00000000-0000-4000-8000-00000000d3e1';
SELECT coursebase.attach_referral('00000000-0000-4000-8000-00000000d3e1', 'uaaaaa2', '2026-06-01');
ROLLBACK TO s;
SELECT coursebase.attach_referral(:dee, 'uaaaaa2', '2026-06-01');

-- Earned once, by the setting's amount; nobody earns for who was not brought.
SELECT coursebase.pay_referral(:bob, '2026-06-01'), coursebase.pay_referral(:bob, '2026-06-02'), coursebase.pay_referral(:ada, '2026-06-02');
UPDATE coursebase.settings SET value = '30' WHERE name = 'referral_credit_days';
SELECT coursebase.pay_referral(:dee, '2026-06-03'), coursebase.pay_referral(:cyd, '2026-06-03');
SELECT referred_user_id, amount_in_cents, currency, source, earned_at, available_at, expires_at FROM coursebase.referral_credits WHERE user_id = :ada ORDER BY earned_at;

-- Taken back within the hold, not after.
SELECT coursebase.revoke_referral(:cyd, '2026-06-16 23:59:59.999999'), coursebase.revoke_referral(:cyd, '2026-06-16');
SELECT coursebase.revoke_referral(:bob, '2026-06-15');
SELECT coursebase.pay_referral(:cyd, '2026-07-01');

-- Spent from the end of the hold on; what ends first goes first; once an order.
SAVEPOINT s;
SELECT coursebase.spend_referral_credit(:ada, 1, 'o0', '2026-06-14 23:59:59.999999');
ROLLBACK TO s;
SELECT coursebase.spend_referral_credit(:ada, 100, 'o1', '2026-06-15');
SELECT coursebase.spend_referral_credit(:ada, 700, 'o2', '2026-06-20'), coursebase.spend_referral_credit(:ada, 700, 'o2', '2026-06-21');
SELECT order_ref, c.referred_user_id, s.amount_in_cents FROM coursebase.referral_spendings s JOIN coursebase.referral_credits c ON c.id = s.referral_credit_id WHERE s.user_id = :ada ORDER BY 1, 2;
SAVEPOINT s;
SELECT coursebase.spend_referral_credit(:ada, 701, 'o2', '2026-06-20');
ROLLBACK TO s;
SELECT coursebase.spend_referral_credit(:ada, 700, 'o2', '2026-06-20', 'EUR');
ROLLBACK TO s;
SELECT coursebase.spend_referral_credit(:ada, 201, 'o3', '2026-06-20');
ROLLBACK TO s;
SELECT coursebase.spend_referral_credit(:ada, 0, 'o3', '2026-06-20');
ROLLBACK TO s;
SELECT coursebase.spend_referral_credit(:bob, 1, 'o3', '2026-06-20');
ROLLBACK TO s;
SELECT coursebase.spend_referral_credit(:ada, 200, 'o3', '2026-06-20');
SELECT spent_in_cents FROM coursebase.referral_credits WHERE user_id = :ada ORDER BY earned_at;
SELECT * FROM coursebase.check_discounts();
-- Nothing is earned where nothing is given.
UPDATE coursebase.settings SET value = '0' WHERE name = 'referral_credit_in_cents';
SELECT coursebase.pay_referral(:dee, '2026-06-03');
SELECT coursebase.pay_referral('00000000-0000-4000-8000-00000000dfff', '2026-06-03');
ROLLBACK;

-- Whatever the settings are, they refuse no premium: a currency in small letters is one, what is none is refused when it is set,
-- as are more days than a hundred years.
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-00000000d3' || n || '2')::uuid, 'referral_2' || n, n, n || '@example.org' FROM unnest(ARRAY['a', 'b']) n;
UPDATE coursebase.user_profile SET referred_by = '00000000-0000-4000-8000-00000000d3a2' WHERE user_id = '00000000-0000-4000-8000-00000000d3b2';
SAVEPOINT s;
UPDATE coursebase.settings SET value = 'Euro' WHERE name = 'referral_credit_currency';
ROLLBACK TO s;
UPDATE coursebase.settings SET value = '' WHERE name = 'referral_credit_currency';
ROLLBACK TO s;
UPDATE coursebase.settings SET value = 'eur' WHERE name = 'referral_credit_currency';
UPDATE coursebase.settings SET value = '36500' WHERE name = 'referral_credit_days';
SELECT status FROM coursebase.apply_subscription_event('00000000-0000-4000-8000-00000000d3b2', '{"store": "app_store", "environment": "production", "store_event_id": "referral-2", "event_type": "created",
    "original_transaction_id": "referral-2", "transaction_id": "referral-2", "event_time": "2026-06-01T00:00:00Z", "period_end": "2026-07-01T00:00:00Z"}', '2026-06-01');
SELECT currency, available_at, expires_at FROM coursebase.referral_credits WHERE user_id = '00000000-0000-4000-8000-00000000d3a2';
SELECT coursebase.spend_referral_credit('00000000-0000-4000-8000-00000000d3a2', 100, 'o1', '2026-06-15');
SELECT currency FROM coursebase.referral_spendings WHERE user_id = '00000000-0000-4000-8000-00000000d3a2';
ROLLBACK TO s;
UPDATE coursebase.settings SET value = '36500' WHERE name IN ('referral_hold_days', 'referral_credit_days');
SELECT coursebase.pay_referral('00000000-0000-4000-8000-00000000d3b2', '2026-06-01');
SELECT available_at, expires_at FROM coursebase.referral_credits WHERE user_id = '00000000-0000-4000-8000-00000000d3a2';
ROLLBACK;
