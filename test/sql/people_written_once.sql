-- Promise: upsert_user() writes the profile of a new person once, with all that was reported, and others who are
-- inserted beside get theirs as ever.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
\set VERBOSITY terse
BEGIN;
CREATE FUNCTION pg_temp.written() RETURNS text LANGUAGE sql AS $$
    SELECT format('inserted %s, updated %s', pg_stat_get_xact_tuples_inserted('coursebase.user_profile'::regclass),
        pg_stat_get_xact_tuples_updated('coursebase.user_profile'::regclass))
$$;
SELECT pg_temp.written();
SELECT coursebase.upsert_user('once_ada', 'Ada', 'Ada@Example.org', first_name => 'Ada', last_name => 'L', country => 'PT', time_zone => 'Europe/Lisbon', at => '2026-01-01 00:00+00') IS NOT NULL;
SELECT pg_temp.written();
SELECT p.email, p.first_name, p.last_name, p.country, p.time_zone, p.referral_code ~ '^U[A-Z2-9]{6}$', p.is_placeholder, p.created_at = '2026-01-01 00:00+00'
FROM coursebase.user_profile p JOIN coursebase.users u ON u.id = p.user_id WHERE u.clerk_user_id = 'once_ada';
-- The same report again writes nothing, another one once.
SELECT coursebase.upsert_user('once_ada', 'Ada', 'Ada@Example.org', first_name => 'Ada') IS NOT NULL;
SELECT pg_temp.written();
SELECT coursebase.upsert_user('once_ada', 'Ada', 'Ada@Example.org', first_name => 'Augusta') IS NOT NULL;
SELECT pg_temp.written();
-- A program that inserts the profile as well succeeds once, as after plain SQL.
INSERT INTO coursebase.user_profile (user_id, email, lead_source)
SELECT id, 'ada@example.org', 'friend' FROM coursebase.users WHERE clerk_user_id = 'once_ada';
SELECT p.first_name, p.lead_source, p.is_placeholder FROM coursebase.user_profile p JOIN coursebase.users u ON u.id = p.user_id WHERE u.clerk_user_id = 'once_ada';
-- A trigger of the operator inserts somebody else meanwhile: that person has a profile too, and after a failed report everybody has.
CREATE FUNCTION pg_temp.twin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.clerk_user_id = 'once_ben' THEN
        INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('once_twin', 'Twin', 'twin@example.org');
    ELSIF NEW.clerk_user_id = 'once_bad' THEN
        RAISE EXCEPTION 'no';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER twin AFTER INSERT ON coursebase.users FOR EACH ROW EXECUTE FUNCTION pg_temp.twin();
SELECT coursebase.upsert_user('once_ben', 'Ben', 'ben@example.org', first_name => 'Ben') IS NOT NULL;
SAVEPOINT failed;
SELECT coursebase.upsert_user('once_bad', 'Bad', 'bad@example.org');
ROLLBACK TO failed;
DROP TRIGGER twin ON coursebase.users;
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('once_bad', 'Bad', 'bad@example.org');
SELECT u.clerk_user_id, p.first_name FROM coursebase.users u LEFT JOIN coursebase.user_profile p ON p.user_id = u.id
WHERE u.clerk_user_id LIKE 'once%' AND p.user_id IS NOT NULL ORDER BY 1;
SELECT count(*) FROM coursebase.check_integrity();
-- An account that a trigger closes as it is made has a profile that tells of nobody.
CREATE FUNCTION pg_temp.close() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.deleted_at := now(); RETURN NEW; END $$;
CREATE TRIGGER close BEFORE INSERT ON coursebase.users FOR EACH ROW EXECUTE FUNCTION pg_temp.close();
SELECT coursebase.upsert_user('once_gone', 'Gone', 'gone@example.org', first_name => 'Gone') IS NOT NULL;
SELECT p.email = '', p.first_name FROM coursebase.user_profile p JOIN coursebase.users u ON u.id = p.user_id WHERE u.clerk_user_id = 'once_gone';
ROLLBACK;
