-- Promise: whoever inserts a person by plain SQL gets what upsert_user() makes, profile, referral code and version; the
-- program's own INSERT of the profile afterwards succeeds once and loses nothing; many rows are one statement.
\set ada '\'00000000-0000-4000-8000-0000000ed0a1\''
\set bob '\'00000000-0000-4000-8000-0000000ed0b1\''
\set cyd '\'00000000-0000-4000-8000-0000000ed0c1\''
\set look 'SELECT u.name, p.email, p.first_name, p.time_zone, p.devices, p.referral_code ~ \'^U[A-Z2-9]{6}$\' AS code, p.is_placeholder, v.user_id IS NOT NULL AS version FROM coursebase.users u LEFT JOIN coursebase.user_profile p ON p.user_id = u.id LEFT JOIN coursebase.user_versions v ON v.user_id = u.id WHERE u.id::text LIKE \'00000000-0000-4000-8000-0000000ed0%\' ORDER BY u.id;'
\pset format unaligned
\pset null -
SET client_min_messages = warning;
SET timezone = 'UTC';
BEGIN;
CREATE ROLE regress_people_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, NULL, 'regress_people_server');
SET LOCAL ROLE regress_people_server;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, created_at) VALUES (:ada, 'people_ada', 'Ada', 'Ada@Example.org', '2026-01-02 03:04:05+00');
:look
SELECT created_at FROM coursebase.user_profile WHERE user_id = :ada;
SELECT referral_code AS code FROM coursebase.user_profile WHERE user_id = :ada \gset
-- A phone and a friend came first; the program then inserts its profile, and gets its row back.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:bob, 'people_bob', 'Bob', 'bob@example.org');
SELECT coursebase.attach_referral(:ada, referral_code) FROM coursebase.user_profile WHERE user_id = :bob;
UPDATE coursebase.user_profile SET devices = '{"phone": {}}', country = 'DE', time_zone = 'Europe/Berlin' WHERE user_id = :ada;
INSERT INTO coursebase.user_profile (user_id, email, first_name) VALUES (:ada, 'ada@example.org', 'Augusta') RETURNING first_name, country, time_zone, devices, referral_code = :'code' AS code, referred_by = :bob AS referred;
:look
-- Once: what follows is a duplicate, which ON CONFLICT settles.
SAVEPOINT s;
INSERT INTO coursebase.user_profile (user_id, email) VALUES (:ada, 'ada@example.org');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
INSERT INTO coursebase.user_profile (user_id, email) VALUES (:ada, 'x@example.org') ON CONFLICT DO NOTHING RETURNING email;
INSERT INTO coursebase.user_profile (user_id, email) VALUES (:ada, 'x@example.org') ON CONFLICT (user_id) DO UPDATE SET email = excluded.email RETURNING email;
-- The program's own code, and ON CONFLICT the first time.
INSERT INTO coursebase.user_profile (user_id, email, referral_code, time_zone) VALUES (:bob, 'bob@example.org', 'UPEOPLE', 'Asia/Tokyo') ON CONFLICT (user_id) DO UPDATE SET email = 'conflict' RETURNING email, referral_code, time_zone;
:look
-- Person and profile in one statement, as a data-modifying WITH; a report of the provider adds to it.
WITH u AS (INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:cyd, 'people_cyd', 'Cyd', 'cyd@example.org') RETURNING id, email)
INSERT INTO coursebase.user_profile (user_id, email, last_name) SELECT id, email, 'C.' FROM u RETURNING email, last_name;
SELECT coursebase.upsert_user('people_cyd', 'Cyd', 'cyd@example.org', first_name => 'Cydney') = :cyd AS same;
SELECT first_name, last_name, is_placeholder FROM coursebase.user_profile WHERE user_id = :cyd;
SELECT coursebase.upsert_user('people_dan', 'Dan', 'dan@example.org', first_name => 'Dan', at => '2026-02-03 00:00+00') AS dan \gset
SELECT first_name, email, created_at FROM coursebase.user_profile WHERE user_id = :'dan';
-- Many at once, and a closed account that an import brings.
INSERT INTO coursebase.users (clerk_user_id, name, email, deleted_at) SELECT 'people_many_' || n, 'Many', 'many' || n || '@example.org', CASE WHEN n = 7 THEN now() END FROM generate_series(1, 500) n;
SELECT count(*), count(DISTINCT p.referral_code), count(*) FILTER (WHERE p.email = '') FROM coursebase.users u JOIN coursebase.user_profile p ON p.user_id = u.id WHERE u.clerk_user_id LIKE 'people\_many\_%';
COPY coursebase.users (clerk_user_id, name, email) FROM stdin;
people_copy	Copy	copy@example.org
\.
SELECT count(*) FROM coursebase.users u JOIN coursebase.user_profile p ON p.user_id = u.id WHERE u.clerk_user_id = 'people_copy';
RESET ROLE;
UPDATE coursebase.users SET name = '', email = '', clerk_user_id = 'deleted:' || gen_random_uuid() WHERE clerk_user_id = 'people_many_7';
SELECT * FROM coursebase.check_integrity();
-- A dump brings its own rows, and so does replication; check_integrity() says who is left without.
SET LOCAL check_function_bodies = off;
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('people_dump', 'Dump', 'dump@example.org');
RESET check_function_bodies;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('people_replica', 'Replica', 'replica@example.org');
SET LOCAL session_replication_role = origin;
SELECT count(*) FROM coursebase.user_profile p JOIN coursebase.users u ON u.id = p.user_id WHERE u.clerk_user_id IN ('people_dump', 'people_replica');
SELECT check_name, problem FROM coursebase.check_integrity();
SELECT coursebase.upsert_user(clerk_user_id, NULL, NULL) IS NOT NULL FROM coursebase.users WHERE clerk_user_id IN ('people_dump', 'people_replica');
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK;
