-- Promise: an end user writes as many entries of app_logs a day as the setting app_logs_a_day says, whatever way they
-- are written and whatever time they claim; the server is not bound.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE ROLE regress_log_user;
CREATE ROLE regress_log_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_log_user', 'regress_log_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000004a1', 'quota_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-0000000004b1', 'quota_bob', 'Bob', 'bob@example.org');
UPDATE coursebase.settings SET value = '3' WHERE name = 'app_logs_a_day';

-- Functions and INSERTs count together, an old time counts today, and so does a sign-up that is renewed.
SET LOCAL ROLE regress_log_user;
SET LOCAL request.jwt.claims = '{"sub": "quota_ada"}';
SELECT coursebase.log_app('sign_up', 'one', at => '2020-01-01') IS NOT NULL;
INSERT INTO coursebase.app_logs (log_type, message, created_at) VALUES ('error', 'two', '2020-01-02');
SAVEPOINT counted;
SELECT coursebase.log_app('sign_up', 'three') IS NOT NULL;
SAVEPOINT used_up;
SELECT coursebase.log_app('error', 'four');
ROLLBACK TO used_up;
SELECT coursebase.log_app('sign_up', 'four');
ROLLBACK TO used_up;
INSERT INTO coursebase.app_logs (log_type, message, created_at) VALUES ('error', 'four', '2020-01-02');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO used_up;
-- What is rolled back counts nothing; of a statement with more rows than are left none stays.
ROLLBACK TO counted;
INSERT INTO coursebase.app_logs (log_type, message) SELECT 'error', 'many' FROM generate_series(1, 2);
ROLLBACK TO counted;
INSERT INTO coursebase.app_logs (log_type, message) VALUES ('error', 'three');
-- Another person has a day of their own, and so has a token without an account, which has one however it is spelt.
SET LOCAL request.jwt.claims = '{"sub": "quota_bob"}';
SELECT coursebase.log_app('error', 'bob') IS NOT NULL;
SET LOCAL request.jwt.claims = '{"sub": "quota_unknown"}';
SELECT count(coursebase.log_app('error', 'unknown')) FROM generate_series(1, 3);
SAVEPOINT unknown;
SELECT coursebase.log_app('error', 'unknown');
ROLLBACK TO unknown;
SET LOCAL request.jwt.claims = '{"role": "other", "sub": "quota_\u0075nknown"}';
SELECT coursebase.log_app('error', 'unknown');
ROLLBACK TO unknown;
RESET request.jwt.claims;
SELECT count(coursebase.log_app('error', 'nobody')) FROM generate_series(1, 3);
SAVEPOINT nobody;
SELECT coursebase.log_app('error', 'nobody');
ROLLBACK TO nobody;
-- An end user neither reads nor resets a counter.
SELECT count(*) FROM coursebase.app_log_counts;
ROLLBACK TO nobody;
DELETE FROM coursebase.app_log_counts;
ROLLBACK TO nobody;

-- The server writes on, with and without a person's claims.
SET LOCAL ROLE regress_log_server;
SELECT count(coursebase.log_app('error', 'server', user_id => '00000000-0000-4000-8000-0000000004a1')) FROM generate_series(1, 5);
SET LOCAL request.jwt.claims = '{"sub": "quota_ada"}';
INSERT INTO coursebase.app_logs (user_id, log_type, message) SELECT '00000000-0000-4000-8000-0000000004a1', 'error', 'server' FROM generate_series(1, 5);
RESET ROLE;
SELECT c.entries, u.name FROM coursebase.app_log_counts c LEFT JOIN coursebase.users u ON u.id = c.writer_id ORDER BY u.name, c.entries;

-- The next day begins anew; a transaction that began the day before does not begin it again.
UPDATE coursebase.app_log_counts SET day = day - 1;
SET LOCAL ROLE regress_log_user;
SET LOCAL request.jwt.claims = '{"sub": "quota_ada"}';
SELECT coursebase.log_app('error', 'next day') IS NOT NULL;
RESET ROLE;
SELECT entries, day = (now() AT TIME ZONE 'UTC')::date FROM coursebase.app_log_counts WHERE writer_id = '00000000-0000-4000-8000-0000000004a1';
UPDATE coursebase.app_log_counts SET day = day + 1, entries = 2 WHERE writer_id = '00000000-0000-4000-8000-0000000004a1';
SET LOCAL ROLE regress_log_user;
SELECT coursebase.log_app('error', 'begun before midnight') IS NOT NULL;
SAVEPOINT midnight;
SELECT coursebase.log_app('error', 'begun before midnight');
ROLLBACK TO midnight;
-- 0 is any number.
RESET ROLE;
UPDATE coursebase.settings SET value = '0' WHERE name = 'app_logs_a_day';
SET LOCAL ROLE regress_log_user;
SELECT count(coursebase.log_app('error', 'any')) FROM generate_series(1, 9);
-- Counts of days that are over are purged with the log, as old as is told and at most so many; today's and yesterday's stay.
RESET ROLE;
INSERT INTO coursebase.app_log_counts (writer_id, day, entries) SELECT gen_random_uuid(), (now() AT TIME ZONE 'UTC')::date - n, 1 FROM generate_series(1, 9) n;
SELECT coursebase.purge_logs(now() - interval '7 days', 1000) > 0, coursebase.purge_logs(now() - interval '7 days', 1000);
SELECT string_agg(DISTINCT ((now() AT TIME ZONE 'UTC')::date - day)::text, ' ') FROM coursebase.app_log_counts WHERE day < (now() AT TIME ZONE 'UTC')::date;
SELECT coursebase.purge_logs(now() - interval '1 day', 2);
SELECT string_agg(DISTINCT ((now() AT TIME ZONE 'UTC')::date - day)::text, ' ') FROM coursebase.app_log_counts WHERE day < (now() AT TIME ZONE 'UTC')::date;
SELECT coursebase.purge_logs(now() + interval '9 days', 1000) > 0;
SELECT string_agg(DISTINCT ((now() AT TIME ZONE 'UTC')::date - day)::text, ' ') FROM coursebase.app_log_counts WHERE day < (now() AT TIME ZONE 'UTC')::date;
-- A closed account leaves no counter.
RESET ROLE;
SELECT coursebase.delete_user('00000000-0000-4000-8000-0000000004a1') IS NOT NULL;
SELECT count(*) FROM coursebase.app_log_counts WHERE writer_id = '00000000-0000-4000-8000-0000000004a1';
ROLLBACK;
