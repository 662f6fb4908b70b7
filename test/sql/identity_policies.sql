-- Promise: a person reads and changes the own account in the columns that are theirs, an administrator
-- reads all and changes accounts, and nobody else reads or changes anything.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL client_min_messages = warning;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role, deleted_at) VALUES
    ('00000000-0000-4000-8000-0000000006a1', 'ada', 'Ada', 'a@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-0000000006b1', 'bo', 'Bo', 'b@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-0000000006c1', 'root', 'Root', 'r@example.org', 'admin', NULL),
    ('00000000-0000-4000-8000-0000000006d1', 'dan', 'Dan', 'd@example.org', 'user', now()),
    ('00000000-0000-4000-8000-0000000006e1', 'fired', 'Fired', 'f@example.org', 'admin', now()),
    ('00000000-0000-0000-0000-000000000000', 'lowest', 'Lowest', 'l@example.org', 'user', NULL),
    ('ffffffff-ffff-ffff-ffff-ffffffffffff', 'highest', 'Highest', 'h@example.org', 'user', NULL);
INSERT INTO coursebase.user_profile (user_id, email) SELECT id, email FROM coursebase.users;
INSERT INTO coursebase.cohorts (id, code, name, kind) VALUES
    ('00000000-0000-4000-8000-0000000006c2', 'policies_a', 'A', 'institution'),
    ('00000000-0000-4000-8000-0000000006c3', 'policies_b', 'B', 'experiment');
INSERT INTO coursebase.user_cohorts (user_id, cohort_id) VALUES
    ('00000000-0000-4000-8000-0000000006a1', '00000000-0000-4000-8000-0000000006c2'),
    ('00000000-0000-4000-8000-0000000006d1', '00000000-0000-4000-8000-0000000006c3');
CREATE FUNCTION pg_temp.seen(subject text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT set_config('request.jwt.claims', json_build_object('sub', subject)::text, true);
    SELECT format('%s: users %s, profiles %s, cohorts %s, user_cohorts %s', subject,
        (SELECT string_agg(clerk_user_id, ' ' ORDER BY id) FROM coursebase.users),
        (SELECT count(*) FROM coursebase.user_profile),
        (SELECT string_agg(code, ' ' ORDER BY code) FROM coursebase.cohorts),
        (SELECT count(*) FROM coursebase.user_cohorts));
$$;
SET LOCAL ROLE regress_end_user;
SELECT pg_temp.seen(s) FROM unnest(ARRAY['ada', 'bo', 'root', 'dan', 'fired', 'nobody', '']) AS s;
SET LOCAL request.jwt.claims = '';
SELECT count(*) FROM coursebase.users;
SET LOCAL ROLE regress_server;
SELECT count(*) > 6 FROM coursebase.users;

-- Herself: her own columns, her own row.
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "ada"}';
UPDATE coursebase.users SET name = 'Ada L.', image_url = 'https://x.example/a.png' RETURNING clerk_user_id, name;
UPDATE coursebase.user_profile SET first_name = 'A', last_name = 'L', phone_number = '1', country = 'GB', time_zone = 'europe/london'
RETURNING first_name, last_name, phone_number, country, time_zone;
SELECT updated_at = now() FROM coursebase.users;
-- Leaving as they are what is not hers to change is no change.
UPDATE coursebase.users SET role = 'user', email = email, name = 'Ada' RETURNING name;
CREATE FUNCTION pg_temp.refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
    hint text;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n || ' rows: ' || statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || SQLERRM || coalesce(nullif(' / ' || hint, ' / '), '');
END
$$;
SELECT pg_temp.refused('UPDATE coursebase.users SET ' || c) FROM unnest(ARRAY['role = ''admin''',
    'clerk_user_id = ''bo2''', 'email = ''x''', 'deleted_at = now()', 'created_at = now() - interval ''1 day''',
    'id = gen_random_uuid()']) AS c;
SELECT pg_temp.refused('UPDATE coursebase.user_profile SET ' || c) FROM unnest(ARRAY['email = ''x''',
    'lead_source = ''x''', 'devices = ''{"x": 1}''', 'referral_code = ''UAAAAAA''', 'role = ''x''',
    'referred_by = ''00000000-0000-4000-8000-0000000006b1''', 'user_id = gen_random_uuid()']) AS c;
SELECT pg_temp.refused(s) FROM unnest(ARRAY[
    'UPDATE coursebase.users SET name = ''x'' WHERE clerk_user_id = ''bo''',
    'UPDATE coursebase.user_profile SET country = ''x'' WHERE email = ''b@example.org''',
    'DELETE FROM coursebase.users',
    'INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES (''new'', ''n'', ''n'')',
    'INSERT INTO coursebase.user_profile (user_id, email) VALUES (gen_random_uuid(), ''n'')',
    'DELETE FROM coursebase.user_profile',
    'UPDATE coursebase.cohorts SET name = ''x''',
    'INSERT INTO coursebase.user_cohorts VALUES (gen_random_uuid(), gen_random_uuid())',
    'UPDATE coursebase.user_cohorts SET cohort_id = gen_random_uuid()',
    'SELECT coursebase.upsert_user(''ada'', ''n'', ''n'', role => ''admin'')',
    'SELECT coursebase.assign_cohort(gen_random_uuid(), ''policies_b'')']) AS s;

-- An administrator: every account, roles too; profiles only to read.
SET LOCAL request.jwt.claims = '{"sub": "root"}';
UPDATE coursebase.users SET role = 'admin', email = 'bo@example.org' WHERE clerk_user_id = 'bo' RETURNING role, email;
-- No external id, which would let a token of theirs act as that person, in organisations too; neither of a closed account.
SELECT pg_temp.refused('UPDATE coursebase.users SET clerk_user_id = ''other'' WHERE ' || w)
FROM unnest(ARRAY['clerk_user_id = ''bo''', 'clerk_user_id = ''root''']) AS w;
SELECT pg_temp.refused('UPDATE coursebase.users SET clerk_user_id = ''other'', deleted_at = NULL WHERE clerk_user_id = ''dan''');
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('new', 'New', 'n@example.org') RETURNING role;
DELETE FROM coursebase.users WHERE clerk_user_id = 'new' RETURNING name;
SELECT pg_temp.refused('UPDATE coursebase.user_profile SET country = ''x'' WHERE email <> ''r@example.org''');
SELECT object = 'users/00000000-0000-4000-8000-0000000006b1', old, new,
    actor_id = '00000000-0000-4000-8000-0000000006c1' AS by_root
FROM coursebase.audit_events WHERE action = 'role_changed' AND actor_id IS NOT NULL;
-- Demoted within the transaction: at once a user among users.
UPDATE coursebase.users SET role = 'user' WHERE clerk_user_id = 'root';
SELECT pg_temp.seen('root');
SELECT pg_temp.refused('UPDATE coursebase.users SET role = ''admin''');

-- Without a token, and without a role of the schema's.
SET LOCAL ROLE regress_anonymous;
SELECT coursebase.current_user_id() IS NOT NULL, coursebase.is_admin();
SELECT pg_temp.refused('SELECT FROM coursebase.' || t)
FROM unnest(ARRAY['users', 'user_profile', 'cohorts', 'user_cohorts']) AS t;
ROLLBACK;
