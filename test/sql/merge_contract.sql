-- Promise: merge_users() moves what a person has in every table, also of later slices, or it is stated here what stays.
-- A new table, or a new column that names a person, fails this test.
-- If it fails: add a step to src/account/merge_steps.c and state the column here.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-a000-00000000000a\''
\set bob '\'00000000-0000-4000-a000-00000000000b\''
\set cleo '\'00000000-0000-4000-a000-00000000000f\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
-- Every column that names a person: by a foreign key to users, or to a column that does.
CREATE TEMP TABLE names AS
    WITH RECURSIVE named (relation, attribute) AS (
        SELECT 'coursebase.users'::regclass::oid, a.attnum FROM pg_attribute a
        WHERE a.attrelid = 'coursebase.users'::regclass AND a.attname = 'id'
        UNION
        SELECT k.conrelid, p.here FROM named n
        JOIN pg_constraint k ON k.contype = 'f' AND k.confrelid = n.relation
        CROSS JOIN LATERAL unnest(k.conkey, k.confkey) p (here, there)
        WHERE p.there = n.attribute
    )
    SELECT n.relation::regclass AS relation, a.attname AS name
    FROM named n JOIN pg_attribute a ON a.attrelid = n.relation AND a.attnum = n.attribute;
CREATE TEMP TABLE stated (relation text, name text, fate text);
INSERT INTO stated SELECT 'coursebase.' || r, 'user_id', 'moved' FROM string_to_table(
    'user_cohorts memberships user_discounts discount_redemptions referral_credits referral_spendings referral_deliveries purchases course_grants'
    ' user_course_access user_lesson_complete store_receipts store_notifications course_purchases custom_courses subscriptions'
    ' subscription_lines subscription_events ai_usage ai_credit_purchases credit_log payment_transactions course_entitlements'
    ' analytics audio_usage app_logs server_logs', ' ') r;
INSERT INTO stated VALUES
    ('coursebase.user_profile', 'referred_by', 'moved'),
    ('coursebase.discount_codes', 'referrer_id', 'moved'),
    ('coursebase.referral_credits', 'referred_user_id', 'moved'),
    ('coursebase.cached_handshake_responses', 'user_id', 'removed: a copy'),
    ('coursebase.user_profile', 'user_id', 'stays: a row an account, emptied'),
    ('coursebase.user_versions', 'user_id', 'stays: a counter an account'),
    ('coursebase.users', 'id', 'stays: the account itself'),
    ('coursebase.users', 'merged_into', 'moved'),
    ('coursebase.audit_events', 'actor_id', 'stays: who did it then'),
    ('coursebase.access_events', 'user_id', 'stays: what was so then'),
    ('coursebase.event_claims', 'user_id', 'stays: with its event');
SELECT 'unstated', n.*, 'state above what becomes of it, and let merge_users() do it' FROM names n
WHERE NOT EXISTS (SELECT FROM stated s WHERE s.relation = n.relation::text AND s.name = n.name);
SELECT 'stated and not there', s.* FROM stated s
WHERE NOT EXISTS (SELECT FROM names n WHERE s.relation = n.relation::text AND s.name = n.name);

-- What the fixtures lack of Ada, so that each column that is to move has a row that does.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:cleo, 'merge_cleo', 'Cleo', 'cleo@example.org'),
    ('00000000-0000-4000-a000-00000000000e', 'merge_eve', 'Eve', 'eve@example.org'),
    ('00000000-0000-4000-a000-000000000009', 'merge_old', 'Old', 'old@example.org');
SELECT coursebase.merge_users(:ada, '00000000-0000-4000-a000-000000000009', '2026-04-30') IS NOT NULL;
UPDATE coursebase.user_profile SET referred_by = :ada WHERE user_id = '00000000-0000-4000-a000-00000000000e';
UPDATE coursebase.discount_codes SET referrer_id = :ada WHERE code = (SELECT min(code) FROM coursebase.discount_codes);
SELECT status FROM coursebase.begin_checkout(:ada, '00000000-0000-4000-a000-000000000231', '2026-04-01');
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.referral_credits (id, user_id, referred_user_id, amount_in_cents, spent_in_cents, currency, source, earned_at, available_at)
VALUES ('00000000-0000-4000-a000-000000000901', :ada, '00000000-0000-4000-a000-00000000000e', 100, 40, 'EUR', 'first_premium', '2026-01-01', '2026-01-02');
INSERT INTO coursebase.referral_deliveries (referred, user_id, referrer_id) VALUES (:ada, :ada, '00000000-0000-4000-a000-0000000000fc');
INSERT INTO coursebase.referral_spendings VALUES (:ada, 'merge', '00000000-0000-4000-a000-000000000901', 40, 'EUR', '2026-02-01');
SET LOCAL session_replication_role = origin;
UPDATE coursebase.memberships SET role = 'owner' WHERE id = '00000000-0000-4000-a000-000000000212';
CREATE FUNCTION pg_temp.of(person uuid) RETURNS TABLE (relation text, name text, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR relation, name IN SELECT n.relation::text, n.name FROM names n ORDER BY 1, 2 LOOP
        EXECUTE format('SELECT count(*) FROM %s t WHERE %I = $1', relation, name) INTO rows USING person;
        RETURN NEXT;
    END LOOP;
END
$$;
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.of(:ada);
SELECT 'no row in the fixtures', b.relation, b.name FROM before b JOIN stated s USING (relation, name)
WHERE s.fate = 'moved' AND b.rows = 0;
SELECT * FROM coursebase.check_integrity();

-- Into somebody who has nothing: all of it, each row.
SELECT coursebase.merge_users(:cleo, :ada, '2026-05-01 12:00+00') IS NOT NULL;
SELECT 'left', a.relation, a.name, a.rows FROM pg_temp.of(:ada) a JOIN stated s USING (relation, name)
WHERE s.fate !~ '^stays' AND a.rows > 0;
SELECT 'lost', b.relation, b.name, b.rows, a.rows FROM before b JOIN pg_temp.of(:cleo) a USING (relation, name)
JOIN stated s USING (relation, name) WHERE s.fate = 'moved' AND a.rows <> b.rows + (b.name = 'merged_into')::int;
SELECT s.relation, s.name, a.rows > 0 AS here, s.fate FROM pg_temp.of(:ada) a JOIN stated s USING (relation, name)
WHERE s.fate !~ '^moved' ORDER BY 1, 2;
SELECT * FROM coursebase.check_integrity();

-- Into somebody who has the same things, either way: nothing is left but what both cannot have.
INSERT INTO coursebase.memberships (organization_id, user_id, role)
SELECT id, '00000000-0000-4000-a000-00000000000e', 'owner' FROM coursebase.organizations;
UPDATE coursebase.memberships SET role = 'owner' WHERE user_id IN (:bob, :cleo);
SAVEPOINT one;
SELECT coursebase.merge_users(:bob, :cleo, '2026-05-02 12:00+00') IS NOT NULL;
SELECT 'left', a.relation, a.name, a.rows FROM pg_temp.of(:cleo) a JOIN stated s USING (relation, name)
WHERE s.fate !~ '^stays' AND a.rows > 0;
SELECT * FROM coursebase.check_integrity();
ROLLBACK TO one;
SELECT coursebase.merge_users(:cleo, :bob, '2026-05-02 12:00+00') IS NOT NULL;
SELECT 'left', a.relation, a.name, a.rows FROM pg_temp.of(:bob) a JOIN stated s USING (relation, name)
WHERE s.fate !~ '^stays' AND a.rows > 0;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
