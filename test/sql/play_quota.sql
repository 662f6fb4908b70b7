-- Promise: an end user has as many play counts as the setting audio_usage_a_person allows, and no more, whatever way they are written;
-- what is there may still be counted up, and no handshake fails for it.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
\getenv abs_srcdir PG_ABS_SRCDIR
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000005a1', 'plays_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-0000000005b1', 'plays_bob', 'Bob', 'bob@example.org');
SELECT default_value FROM coursebase.settings WHERE name = 'audio_usage_a_person';
UPDATE coursebase.settings SET value = '3' WHERE name = 'audio_usage_a_person';
\set ON_ERROR_ROLLBACK on

-- Plain SQL: the row behind the last one, alone, with others, and by an upsert.
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "plays_ada"}';
INSERT INTO coursebase.audio_usage (course_code, audio_key, play_count) SELECT 'C14ENB', n, 1 FROM generate_series(1, 2) n;
INSERT INTO coursebase.audio_usage (course_code, audio_key, play_count) SELECT 'C14ENB', n, 1 FROM generate_series(3, 4) n;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.audio_usage (course_code, audio_key, play_count) VALUES ('C14ENB', '3', 1);
INSERT INTO coursebase.audio_usage (course_code, audio_key, play_count) VALUES ('C14ENB', '4', 1)
ON CONFLICT (user_id, course_code, audio_key) DO UPDATE SET play_count = excluded.play_count;
INSERT INTO coursebase.audio_usage (course_code, audio_key, play_count) VALUES ('C14ENB', '3', 5)
ON CONFLICT (user_id, course_code, audio_key) DO UPDATE SET play_count = excluded.play_count;
UPDATE coursebase.audio_usage SET play_count = 2 WHERE audio_key = '1';
-- Bob has a number of his own.
SET LOCAL request.jwt.claims = '{"sub": "plays_bob"}';
INSERT INTO coursebase.audio_usage (course_code, audio_key, play_count) VALUES ('C14ENB', '1', 1);

-- A handshake of Ada's phone counts up what is there, and keeps no further audio.
SET LOCAL ROLE regress_server;
RESET request.jwt.claims;
SELECT coursebase.handshake('00000000-0000-4000-8000-0000000005a1', '{"analytics": {"audio_usage":
    {"C14ENB_2": {"no_of_plays": 1, "course_code": "C14ENB"}, "2": {"no_of_plays": 7, "course_code": "C14ENB"}}}}') IS NOT NULL;
SELECT audio_key, play_count FROM coursebase.audio_usage WHERE user_id = '00000000-0000-4000-8000-0000000005a1' ORDER BY audio_key;
-- One that brings many at once fills what is left, and no more; what is there is counted up whatever stands before it.
SAVEPOINT room;
UPDATE coursebase.settings SET value = '5' WHERE name = 'audio_usage_a_person';
SELECT coursebase.handshake('00000000-0000-4000-8000-0000000005a1', json_build_object('analytics', json_build_object('audio_usage',
    (SELECT json_object_agg(CASE n WHEN 9 THEN '3' ELSE 'C14ENB_' || n END, json_build_object('no_of_plays', 10 + n, 'course_code', 'C14ENB')) FROM generate_series(1, 9) n)))) IS NOT NULL;
SELECT audio_key, play_count FROM coursebase.audio_usage WHERE user_id = '00000000-0000-4000-8000-0000000005a1' ORDER BY audio_key;
ROLLBACK TO room;
-- Bob's phone may report; the server's own rows are not counted.
SELECT coursebase.handshake('00000000-0000-4000-8000-0000000005b1', '{"analytics": {"audio_usage":
    {"2": {"no_of_plays": 7, "course_code": "C14ENB"}}}}') IS NOT NULL;
INSERT INTO coursebase.audio_usage (user_id, course_code, audio_key, play_count)
SELECT '00000000-0000-4000-8000-0000000005b1', 'C14ENB', n, 1 FROM generate_series(3, 6) n;
SELECT count(*) FROM coursebase.audio_usage WHERE user_id = '00000000-0000-4000-8000-0000000005b1';
-- 0 is any number.
UPDATE coursebase.settings SET value = '0' WHERE name = 'audio_usage_a_person';
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "plays_bob"}';
INSERT INTO coursebase.audio_usage (course_code, audio_key, play_count) VALUES ('C14ENB', '7', 1);
SET LOCAL ROLE regress_server;
SELECT coursebase.handshake('00000000-0000-4000-8000-0000000005b1', '{"analytics": {"audio_usage":
    {"8": {"no_of_plays": 7, "course_code": "C14ENB"}}}}') IS NOT NULL;
SELECT count(*) FROM coursebase.audio_usage WHERE user_id = '00000000-0000-4000-8000-0000000005b1';
ROLLBACK;
