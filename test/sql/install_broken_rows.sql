-- Promise: where rows break a CHECK or NOT NULL that install() brings back, the error says how many they are, names one of them by
-- its key and gives the query that lists them, and all stays as it was.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
SET CONSTRAINTS ALL IMMEDIATE;
SAVEPOINT sound;
ALTER TABLE coursebase.users DROP CONSTRAINT users_name_at_most_200_characters_check;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT format('00000000-0000-4000-8000-0000000bad0%s', n)::uuid, 'long_' || n, repeat('x', 200 + n), 'l@example.org' FROM generate_series(0, 3) n;
SAVEPOINT before;
SELECT coursebase.install();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO before;
-- What the hint gives lists them, and where they are changed install() makes the rule.
SELECT id FROM coursebase.users WHERE NOT (length(name) <= 200);
UPDATE coursebase.users SET name = left(name, 200);
SELECT * FROM coursebase.install();

ROLLBACK TO sound;
-- A key of several columns, one of which is what is too long.
ALTER TABLE coursebase.audio_usage DROP CONSTRAINT audio_usage_keys_at_most_300_characters_check;
INSERT INTO coursebase.audio_usage (user_id, course_code, audio_key, play_count)
SELECT id, 'C14ENB', repeat('k', 301), 1 FROM coursebase.users ORDER BY id LIMIT 1;
SELECT coursebase.install();
ROLLBACK TO sound;
-- A value that is not there.
ALTER TABLE coursebase.user_profile ALTER COLUMN time_zone DROP NOT NULL;
SET LOCAL session_replication_role = replica;
UPDATE coursebase.user_profile SET time_zone = NULL WHERE user_id = (SELECT id FROM coursebase.users ORDER BY id LIMIT 1);
SET LOCAL session_replication_role = origin;
SELECT coursebase.install();
ROLLBACK;
