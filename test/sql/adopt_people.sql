-- Promise: adopt() makes profiles, records roles and puts zones, places and checksums right for rows that came while
-- triggers were off; makes nothing where nothing is missing; and only the owner of the tables may call it.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
-- One server, so that nobody misses the directory.
SELECT coursebase.set_cell(NULL) \g /dev/null
\i :abs_srcdir/fixtures/helpers/roles.sql
-- Sound rows: nothing is made, and nothing is wrong.
SELECT * FROM coursebase.adopt();
SELECT count(*) FROM coursebase.user_profile \gset before_
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role, created_at)
SELECT format('00000000-0000-4000-8000-0000000ad0%s', lpad(to_hex(n), 2, '0'))::uuid, 'adopt_' || n, 'Person', 'Person' || n || '@Example.org',
    CASE WHEN n = 1 THEN 'admin' ELSE 'user' END::coursebase.user_role, '2025-02-03 04:05+00'
FROM generate_series(1, 200) n;
INSERT INTO coursebase.user_profile (user_id, email, referral_code, time_zone) VALUES
    ('00000000-0000-4000-8000-0000000ad002', 'person2@example.org', 'UADOPTA', 'europe/berlin');
UPDATE coursebase.settings SET value = '7' WHERE name = 'free_weekly_credits';
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000ad1c1', 'One', '');
INSERT INTO coursebase.course_documents (course_id, data, checksum, file_size_bytes) VALUES
    ('00000000-0000-4000-8000-0000000ad1c1', '{"a": 1}', repeat('0', 32), 0);
INSERT INTO coursebase.course_sections (id, course_id, name, "order", created_at)
SELECT format('00000000-0000-4000-8000-0000000ad2%s', lpad(n::text, 2, '0'))::uuid, '00000000-0000-4000-8000-0000000ad1c1', 's' || n, n / 2, now() + n * interval '1 s'
FROM generate_series(1, 4) n;
INSERT INTO coursebase.lessons (section_id, name, "order", created_at)
SELECT '00000000-0000-4000-8000-0000000ad201', 'l' || n, 9, now() - n * interval '1 s' FROM generate_series(1, 3) n;
UPDATE coursebase.custom_courses SET checksum = repeat('0', 32);
UPDATE coursebase.master_manifests SET file_size_bytes = 1;
SET LOCAL session_replication_role = origin;
SELECT check_name, count(*) FROM coursebase.check_integrity() GROUP BY 1 ORDER BY 1;
SELECT * FROM coursebase.adopt();
SELECT * FROM coursebase.adopt();
SELECT count(*) - :before_count, count(DISTINCT p.referral_code) = count(*), bool_and(p.referral_code ~ '^U[A-Z2-9]{6}$') FROM coursebase.user_profile p;
SELECT p.email, p.time_zone, p.created_at < '2026-01-01' FROM coursebase.user_profile p WHERE p.user_id IN
    ('00000000-0000-4000-8000-0000000ad001', '00000000-0000-4000-8000-0000000ad002') ORDER BY p.user_id;
SELECT actor_id, action, object, old, new FROM coursebase.audit_events WHERE object IN ('users/00000000-0000-4000-8000-0000000ad001', 'settings/free_weekly_credits')
ORDER BY object, created_at DESC LIMIT 2;
SELECT s.name, s."order" FROM coursebase.course_sections s WHERE s.course_id = '00000000-0000-4000-8000-0000000ad1c1' ORDER BY 2;
SELECT l.name, l."order" FROM coursebase.lessons l WHERE l.section_id = '00000000-0000-4000-8000-0000000ad201' ORDER BY 2;

-- A cached answer from before is an answer no more.
SELECT version AS cached FROM coursebase.catalogue_version \gset
SELECT * FROM coursebase.adopt(false);
SELECT version > :cached FROM coursebase.catalogue_version;

-- A program's soft deletion, as it came: the account is closed, and what accounting needs stays.
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role, deleted_at) VALUES
    ('00000000-0000-4000-8000-0000000ad4a1', 'adopt_gone', 'Gone Person', 'gone@example.org', 'admin', '2025-06-01');
INSERT INTO coursebase.analytics (user_id, voice) VALUES ('00000000-0000-4000-8000-0000000ad4a1', 'male');
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('00000000-0000-4000-8000-0000000ad4a1', '00000000-0000-4000-8000-0000000ad1c1');
SET LOCAL session_replication_role = origin;
SELECT * FROM coursebase.adopt();
SELECT * FROM coursebase.adopt();
SELECT u.name, u.email, u.role, u.clerk_user_id ~ '^deleted:', u.deleted_at, p.email FROM coursebase.users u JOIN coursebase.user_profile p ON p.user_id = u.id
WHERE u.id = '00000000-0000-4000-8000-0000000ad4a1';
SELECT count(*) FROM coursebase.analytics WHERE user_id = '00000000-0000-4000-8000-0000000ad4a1';
-- So it is where nobody knows since when.
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, deleted_at) VALUES
    ('00000000-0000-4000-8000-0000000ad4a2', 'adopt_gone_too', 'Gone Too', 'gone_too@example.org', '-infinity');
SET LOCAL session_replication_role = origin;
SELECT * FROM coursebase.adopt();
SELECT name, email, clerk_user_id ~ '^deleted:', deleted_at FROM coursebase.users WHERE id = '00000000-0000-4000-8000-0000000ad4a2';
-- And where the profile came too, in the session that has loaded the rows and has triggers off all the same.
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, deleted_at) VALUES
    ('00000000-0000-4000-8000-0000000ad4a3', 'adopt_gone_here', 'Gone Here', 'gone_here@example.org', '2025-06-01');
INSERT INTO coursebase.user_profile (user_id, email, first_name, referral_code) VALUES ('00000000-0000-4000-8000-0000000ad4a3', 'gone_here@example.org', 'Gone', 'UGNHERE');
SELECT * FROM coursebase.adopt();
SHOW session_replication_role;
SET LOCAL session_replication_role = origin;
SELECT u.name, u.clerk_user_id ~ '^deleted:', p.email, p.first_name, p.referral_code <> 'UGNHERE' FROM coursebase.users u JOIN coursebase.user_profile p ON p.user_id = u.id
WHERE u.id = '00000000-0000-4000-8000-0000000ad4a3';

-- What nobody can guess at is named, with an example, and stays.
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.organizations (id, name, slug, time_zone) VALUES ('00000000-0000-4000-8000-0000000ad3a1', 'O', 'adopt', 'Mars/Olympus');
SET LOCAL session_replication_role = origin;
SELECT * FROM coursebase.adopt();
-- Triggers are on again.
SHOW session_replication_role;
SHOW enable_nestloop;

-- Rights: neither the server nor an end user may call it, and a grant of EXECUTE does not help.
GRANT EXECUTE ON FUNCTION coursebase.adopt(boolean) TO regress_server;
\set VERBOSITY default
SAVEPOINT before;
SET LOCAL ROLE regress_end_user;
SELECT * FROM coursebase.adopt();
ROLLBACK TO before;
SET LOCAL ROLE regress_server;
SELECT * FROM coursebase.adopt();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO before;
SELECT * FROM coursebase.adopt(NULL);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
