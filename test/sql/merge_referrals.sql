-- Promise: whoever brought both accounts of a person is paid once: of two credits the one that is still held is revoked, and
-- a single one is that of the account that is kept, which earns no other one. What is past its hold stays, and so does
-- what another referrer earned. Who was merged is brought by nobody any more.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
CREATE FUNCTION pg_temp.person(who text) RETURNS uuid LANGUAGE sql AS $$ SELECT id FROM coursebase.users WHERE clerk_user_id = 'bring_' || who $$;
INSERT INTO coursebase.users (clerk_user_id, name, email) SELECT 'bring_' || n, n, n || '@example.org' FROM unnest('{r,s,k1,g1,k2,g2,k3,g3,k4,g4,k5,g5}'::text[]) n;
UPDATE coursebase.user_profile SET referred_by = pg_temp.person(CASE u.clerk_user_id WHEN 'bring_g5' THEN 's' ELSE 'r' END)
FROM coursebase.users u WHERE u.id = user_id AND u.clerk_user_id ~ '^bring_[kg]';
INSERT INTO coursebase.referral_credits (user_id, referred_user_id, amount_in_cents, currency, source, earned_at, available_at)
SELECT pg_temp.person(r), pg_temp.person(n), 100, 'EUR', 'first_premium', '2026-03-01', held FROM (VALUES
    ('r', 'k1', '2026-04-10'::timestamptz), ('r', 'g1', '2026-04-10'), ('r', 'k2', '2026-04-10'), ('r', 'g2', '2026-04-01'), ('r', 'k3', '2026-04-01'), ('r', 'g3', '2026-04-01'), ('r', 'g4', '2026-04-10'),
    ('r', 'k5', '2026-04-10'), ('s', 'g5', '2026-04-10')) v (r, n, held);
SELECT count(coursebase.merge_users(pg_temp.person('k' || n), pg_temp.person('g' || n), '2026-04-03')) FROM generate_series(1, 5) n;
PREPARE credits AS SELECT right(b.clerk_user_id, 1) AS referrer, right(u.clerk_user_id, 2) AS brought, c.revoked_at IS NULL AS stands
FROM coursebase.referral_credits c JOIN coursebase.users b ON b.id = c.user_id LEFT JOIN coursebase.users u ON u.id = c.referred_user_id WHERE b.clerk_user_id LIKE 'bring_%' ORDER BY 2, 1;
-- A merged account keeps its row under another name: those are the lines without one of ours.
EXECUTE credits;
SELECT coursebase.pay_referral(pg_temp.person('k4'), '2026-04-04');
SELECT count(*), sum(c.amount_in_cents) FROM coursebase.referral_credits c WHERE c.referred_user_id = pg_temp.person('k4');
SELECT coursebase.revoke_referral(pg_temp.person('k4'), '2026-04-05');
SELECT count(*) FROM coursebase.referral_credits c WHERE c.referred_user_id = pg_temp.person('k4') AND c.revoked_at IS NULL;
SELECT * FROM coursebase.check_integrity();
-- A stale id is refused: on the closed account the referrer would be paid by no premium.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-a000-0000000eb00' || n)::uuid, 'bring_late' || n, 'late', '' FROM generate_series(1, 5) n;
SELECT coursebase.merge_users('00000000-0000-4000-a000-0000000eb001', '00000000-0000-4000-a000-0000000eb002', '2026-04-06') IS NOT NULL,
    coursebase.delete_user('00000000-0000-4000-a000-0000000eb003', '2026-04-06') IS NOT NULL;
SELECT referral_code AS code FROM coursebase.user_profile WHERE user_id = pg_temp.person('s') \gset
SELECT set_config('test.code', :'code', true) <> '';
CREATE FUNCTION pg_temp.refused(call text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE call; RETURN 'done'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $$;
SELECT coursebase.set_cell(0, 2);
SELECT n, pg_temp.refused(format('SELECT coursebase.attach_referral(%L, current_setting(''test.code''), ''2026-04-07'')', '00000000-0000-4000-a000-0000000eb00' || n)),
    pg_temp.refused(format('SELECT coursebase.attach_referrer(%L, %L)', '00000000-0000-4000-a000-0000000eb00' || n, '00000000-0000-4000-a000-0000000eb0ff')) FROM generate_series(1, 3) n;
-- Whoever brought both is paid for one, also where an operator settles with a stale id.
UPDATE coursebase.user_profile SET referred_by = pg_temp.person('r') WHERE user_id IN ('00000000-0000-4000-a000-0000000eb004', '00000000-0000-4000-a000-0000000eb005');
SELECT coursebase.merge_users('00000000-0000-4000-a000-0000000eb004', '00000000-0000-4000-a000-0000000eb005', '2026-04-06') IS NOT NULL;
SELECT coursebase.pay_referral('00000000-0000-4000-a000-0000000eb005', '2026-04-07'), coursebase.pay_referral('00000000-0000-4000-a000-0000000eb004', '2026-04-07');
SELECT right(c.referred_user_id::text, 1) FROM coursebase.referral_credits c WHERE c.referred_user_id IN ('00000000-0000-4000-a000-0000000eb004', '00000000-0000-4000-a000-0000000eb005');
ROLLBACK;
