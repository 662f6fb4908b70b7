-- Promise: days and months of a code's lifespan, of a reservation and of a referral's hold are those of UTC: whoever calls, in
-- whatever time zone the session is, gives the same end.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000000dd0a' || n)::uuid, 'days_' || n, 'n', 'n' || n || '@example.org' FROM generate_series(1, 4) n;
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, lifespan) VALUES ('DAYS', 'course', 5, '1 month 3 days');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('HELD DAYS', 'course', 5, 9);
UPDATE coursebase.settings SET value = '14' WHERE name = 'referral_hold_days';
UPDATE coursebase.settings SET value = '100' WHERE name = 'referral_credit_days';
SELECT user_id, referral_code AS code FROM coursebase.user_profile WHERE user_id = '00000000-0000-4000-8000-0000000dd0a1' \gset
SELECT coursebase.attach_referral(('00000000-0000-4000-8000-0000000dd0a' || n)::uuid, :'code', '2026-02-01') IS NOT NULL FROM generate_series(2, 3) n;
-- Clocks go forward on 8 March in New York, and backward on 1 November.
SET LOCAL TimeZone = 'America/New_York';
SELECT coursebase.assign_discounts('00000000-0000-4000-8000-0000000dd0a2', '2026-02-20 12:00+00') > 0;
SELECT reserved_until AT TIME ZONE 'UTC' FROM coursebase.reserve_discount('00000000-0000-4000-8000-0000000dd0a2', 'HELD DAYS', 'course', 1000, 'EUR', 'days 2', ttl => '1 day', at => '2026-03-07 12:00+00');
SELECT coursebase.pay_referral('00000000-0000-4000-8000-0000000dd0a2', '2026-03-01 12:00+00') IS NOT NULL;
SET LOCAL TimeZone = 'UTC';
SELECT coursebase.assign_discounts('00000000-0000-4000-8000-0000000dd0a3', '2026-02-20 12:00+00') > 0;
SELECT reserved_until FROM coursebase.reserve_discount('00000000-0000-4000-8000-0000000dd0a3', 'HELD DAYS', 'course', 1000, 'EUR', 'days 3', ttl => '1 day', at => '2026-03-07 12:00+00');
SELECT coursebase.pay_referral('00000000-0000-4000-8000-0000000dd0a3', '2026-03-01 12:00+00') IS NOT NULL;
SELECT d.user_id, d.expires_at FROM coursebase.user_discounts d JOIN coursebase.discount_codes c ON c.id = d.discount_code_id WHERE c.code = 'DAYS' ORDER BY 1;
SELECT referred_user_id, available_at, expires_at FROM coursebase.referral_credits ORDER BY 1;
ROLLBACK;
