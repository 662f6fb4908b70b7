-- Promise: an account is stored as the provider reports it, once, with profile and referral code; what
-- is set once stays; role changes are on record.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE ROLE regress_users_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, NULL, 'regress_users_server');
SET LOCAL ROLE regress_users_server;
CREATE TEMP VIEW stored AS
SELECT u.clerk_user_id, u.name, u.email, u.image_url, u.role, u.created_at = '2026-01-01' AS at, p.first_name,
    p.last_name, p.phone_number, p.country, p.lead_source, p.email AS mail, p.time_zone, p.referral_code
FROM coursebase.users u LEFT JOIN coursebase.user_profile p ON p.user_id = u.id;

-- Created with everything, then a repetition, then what changed, then nothing but the key.
SELECT coursebase.upsert_user('users_ada', 'Ada', 'Ada@Example.org', 'https://x.example/a.png', 'user',
    'Ada', 'L.', '+44 1', 'GB', 'friend', 'europe/london', '2026-01-01') AS ada \gset
SELECT clerk_user_id, name, email, image_url, role, at, first_name, last_name, phone_number, country,
    lead_source, mail, time_zone, referral_code ~ '^U[A-Z2-9]{6}$' FROM stored;
SELECT referral_code AS code FROM stored \gset
CREATE TEMP TABLE before AS
SELECT u.ctid AS u, p.ctid AS p
FROM coursebase.users u JOIN coursebase.user_profile p ON p.user_id = u.id;
SELECT coursebase.upsert_user('users_ada', 'Ada', 'Ada@Example.org', 'https://x.example/a.png', 'user',
    'Ada', 'L.', '+44 1', 'GB', 'friend', 'Europe/London', '2026-02-02') = :'ada';
SELECT u.ctid = b.u AND p.ctid = b.p AS untouched
FROM coursebase.users u JOIN coursebase.user_profile p ON p.user_id = u.id, before b;
SELECT coursebase.upsert_user('users_ada', 'Ada L.', 'ada@new.example', last_name => 'Lovelace') = :'ada';
SELECT coursebase.upsert_user('users_ada', NULL, NULL) = :'ada';
SELECT clerk_user_id, name, email, image_url, role, at, first_name, last_name, phone_number, country,
    lead_source, mail, time_zone, referral_code = :'code' FROM stored;
-- An account made by hand gets its profile; a closed one stays as it is.
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('users_bo', 'Bo', 'Bo@example.org');
SELECT coursebase.upsert_user('users_bo', NULL, NULL, country => 'DE') IS NOT NULL;
SELECT name, mail, country, time_zone, referral_code IS NOT NULL FROM stored WHERE clerk_user_id = 'users_bo';
INSERT INTO coursebase.users (id, clerk_user_id, name, email, deleted_at)
VALUES ('00000000-0000-4000-8000-0000000004d1', 'users_dan', 'redacted', 'redacted', now());
SELECT coursebase.upsert_user('users_dan', 'Dan', 'dan@example.org', first_name => 'Dan') IS NOT NULL;
SELECT name, email, mail FROM stored WHERE clerk_user_id = 'users_dan';

-- Role changes, and rights from birth, are on record; nothing else is.
SELECT coursebase.upsert_user('users_ada', NULL, NULL, role => 'admin') = :'ada';
SELECT coursebase.upsert_user('users_ada', NULL, NULL, role => 'admin') = :'ada';
INSERT INTO coursebase.users (clerk_user_id, name, email, role) VALUES ('users_cy', 'Cy', 'cy@example.org', 'admin');
SET LOCAL request.jwt.claims = '{"sub": "users_cy"}';
UPDATE coursebase.users SET role = 'user', name = 'A' WHERE clerk_user_id = 'users_ada';
UPDATE coursebase.users SET name = 'B' WHERE clerk_user_id = 'users_ada';
SET LOCAL request.jwt.claims = '';
SELECT a.action, u.clerk_user_id, a.old, a.new, actor.clerk_user_id
FROM coursebase.audit_events a JOIN coursebase.users u ON a.object = 'users/' || u.id
LEFT JOIN coursebase.users actor ON actor.id = a.actor_id ORDER BY u.clerk_user_id, a.new ->> 'role';

-- Plain rows: a code that the database makes, addresses in lower case, zones in their own spelling.
CREATE TEMP TABLE many AS SELECT gen_random_uuid() AS id, i FROM generate_series(1, 200) AS i;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT id, 'users_' || i, 'N', 'n' FROM many;
INSERT INTO coursebase.user_profile (user_id, email, time_zone)
SELECT id, 'N' || i || '@EXAMPLE.org', 'etc/gmt+5' FROM many;
SELECT count(DISTINCT p.referral_code), bool_and(p.referral_code ~ '^U[A-Z2-9]{6}$'),
    bool_and(p.email = 'n' || m.i || '@example.org'), min(p.time_zone), max(p.time_zone)
FROM coursebase.user_profile p JOIN many m ON m.id = p.user_id;
SELECT string_agg(c, '' ORDER BY c) FROM (
    SELECT DISTINCT regexp_split_to_table(substr(p.referral_code, 2), '') AS c
    FROM coursebase.user_profile p) AS letters;
UPDATE coursebase.user_profile SET email = 'ÄDA@Example.ORG' WHERE user_id = :'ada';
SELECT email = lower('ÄDA@Example.ORG') FROM coursebase.user_profile WHERE user_id = :'ada';

-- Cohorts: one a person, moved by code.
INSERT INTO coursebase.cohorts (code, name, kind) VALUES ('users_a', 'A', 'institution'), ('users_b', 'B', 'experiment');
SELECT c.code FROM coursebase.cohorts c WHERE c.id = coursebase.assign_cohort(:'ada', 'users_a');
SELECT c.code FROM coursebase.cohorts c WHERE c.id = coursebase.assign_cohort(:'ada', 'users_b');
SELECT c.code FROM coursebase.cohorts c WHERE c.id = coursebase.assign_cohort(:'ada', 'users_b');
SELECT c.code, count(*) OVER () FROM coursebase.user_cohorts u JOIN coursebase.cohorts c ON c.id = u.cohort_id;

-- Refusals.
\set SHOW_CONTEXT never
SAVEPOINT tried;
SELECT coursebase.upsert_user(NULL, 'N', 'n@example.org');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.upsert_user('', 'N', 'n@example.org');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.upsert_user(E' \t', 'N', 'n@example.org');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.upsert_user(repeat('x', 255), 'N', 'n@example.org') IS NOT NULL;
SELECT coursebase.upsert_user(repeat('x', 256), 'N', 'n@example.org');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.upsert_user('users_new', NULL, 'n@example.org');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.upsert_user('users_new', 'N', NULL) IS NOT NULL;
ROLLBACK TO tried;
SELECT coursebase.upsert_user('users_new', 'N', 'n@example.org', role => 'owner');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.upsert_user('users_new', 'N', 'n@example.org', time_zone => 'FOO+3');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM coursebase.users WHERE clerk_user_id = 'users_new';
SELECT coursebase.assign_cohort(:'ada', 'users_A');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.assign_cohort('00000000-0000-4000-8000-0000000004ff', 'users_a');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.assign_cohort('00000000-0000-4000-8000-0000000004d1', 'users_a');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.assign_cohort(NULL, 'users_a');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.assign_cohort(:'ada', NULL);
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
UPDATE coursebase.user_profile SET referred_by = user_id WHERE user_id = :'ada';
\set VERBOSITY default
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.user_profile SET referred_by = (SELECT id FROM many WHERE i = 1) WHERE user_id = :'ada';
UPDATE coursebase.user_profile SET referred_by = (SELECT id FROM many WHERE i = 1), country = 'FR' WHERE user_id = :'ada';
SAVEPOINT tried;
UPDATE coursebase.user_profile SET referred_by = (SELECT id FROM many WHERE i = 2) WHERE user_id = :'ada';
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.user_profile SET referred_by = NULL WHERE user_id = :'ada';
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
-- The one who brought her may go all the same.
DELETE FROM coursebase.users WHERE id = (SELECT id FROM many WHERE i = 1);
SELECT referred_by IS NULL FROM coursebase.user_profile WHERE user_id = :'ada';
ROLLBACK;
