-- Promise: a course begins once, a day is a calendar day of the organisation, marks are idempotent, and a course is
-- completed exactly while every workout that is not rest is done, whether marks or the curriculum change.
\getenv abs_srcdir PG_ABS_SRCDIR
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
PREPARE done AS SELECT completed_at FROM coursebase.course_entitlements WHERE user_id = $1 AND program_id = '00000000-0000-4000-8000-0000000e1d01';
\set w1 '''00000000-0000-4000-8000-0000000e1e01'''
\set rest '''00000000-0000-4000-8000-0000000e1e02'''
\set w3 '''00000000-0000-4000-8000-0000000e1e03'''
\set squat '''00000000-0000-4000-8000-0000000e1c01'''
\set press '''00000000-0000-4000-8000-0000000e1c02'''
SELECT coursebase.set_price(:strong, 0) IS NOT NULL;
SELECT entitlement_id AS e FROM coursebase.begin_checkout(:max, :strong, '2026-02-01') \gset
SELECT entitlement_id AS c FROM coursebase.begin_checkout(:max, :calm, '2026-02-02') \gset
-- Once; in Berlin it is tomorrow already. Days across the change of clocks in New York in March and November.
SELECT coursebase.current_day(:'e', '2026-02-01');
SELECT coursebase.start_course(:'e', '2026-02-01 23:30+00'), coursebase.start_course(:'e', '2026-02-09 23:30+00');
SELECT coursebase.current_day(:'e', t) FROM unnest(ARRAY['2026-01-30', '2026-02-02 22:59:59.999999+00', '2026-02-02 23:00+00', '2026-09-01']::timestamptz[]) t;
SELECT coursebase.start_course(:'c', '2026-03-07 23:00+00');
SELECT coursebase.current_day(:'c', t) FROM unnest(ARRAY['2026-03-08 04:59:59+00', '2026-03-08 05:00+00', '2026-03-09 03:59:59+00', '2026-03-09 04:00+00']::timestamptz[]) t;
SELECT start_date FROM coursebase.restart_course(:'c', '2026-10-31 23:00+00');
SELECT coursebase.current_day(:'c', t) FROM unnest(ARRAY['2026-11-01 03:59:59+00', '2026-11-01 04:00+00', '2026-11-02 04:59:59+00', '2026-11-02 05:00+00']::timestamptz[]) t;
-- Marks: the first time stays, notes follow.
SELECT * FROM coursebase.mark_workout_complete(:'e', :w1, 'light', '2026-02-02 10:00+00');
SELECT * FROM coursebase.mark_workout_complete(:'e', :w1, NULL, '2026-02-03 10:00+00');
SELECT notes FROM coursebase.course_workout_completions WHERE entitlement_id = :'e';
SELECT * FROM coursebase.mark_workout_complete(:'e', :w3, 'heavy', '2026-02-04 10:00+00');
SAVEPOINT noted;
SELECT count(*) FROM coursebase.mark_workout_complete(:'e', :w3, repeat('ä', 2000), '2026-02-04 10:00+00');
SELECT count(*) FROM coursebase.mark_workout_complete(:'e', :w3, repeat('x', 2001), '2026-02-04 10:00+00');
ROLLBACK TO noted;
SELECT coursebase.unmark_workout_complete(:'e', :w1), coursebase.unmark_workout_complete(:'e', :w1);
EXECUTE done(:max);
SELECT * FROM coursebase.mark_workout_complete(:'e', :w1, NULL, '2026-02-05 10:00+00');
-- The curriculum: one more, moved, back, rest in place of one, none.
SELECT coursebase.set_day(:strong, 0, ARRAY[:squat, :press]::uuid[]);
EXECUTE done(:max);
SELECT coursebase.set_day(:strong, 0, ARRAY[:press, :squat]::uuid[]);
SELECT count(*) FROM coursebase.course_workout_completions WHERE entitlement_id = :'e';
SELECT coursebase.set_day(:strong, 0, ARRAY[:squat]::uuid[]);
EXECUTE done(:max);
SAVEPOINT before;
SELECT coursebase.set_day(:strong, 0, NULL, true);
EXECUTE done(:max);
SELECT count(*) FROM coursebase.course_workout_completions WHERE entitlement_id = :'e';
ROLLBACK TO before;
UPDATE coursebase.course_workouts SET is_rest = true, workout_id = NULL WHERE id = :w1;
EXECUTE done(:max);
SELECT * FROM coursebase.check_programs();
ROLLBACK TO before;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 2, 1, :squat);
EXECUTE done(:max);
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 2 AND sort_order = 1;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
EXECUTE done(:max);
-- Refused: rest, another program's, what is another program's on either side, a course that is not active.
SELECT coursebase.mark_workout_complete(:'e', :rest, NULL, '2026-02-05');
ROLLBACK TO before;
SELECT coursebase.mark_workout_complete(:'e', '00000000-0000-4000-8000-0000000e1e04', NULL, '2026-02-05');
ROLLBACK TO before;
\set VERBOSITY sqlstate
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id) VALUES (:'e', :rest);
ROLLBACK TO before;
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id) VALUES (:'e', '00000000-0000-4000-8000-0000000e1e04');
ROLLBACK TO before;
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, program_id) VALUES (:'e', '00000000-0000-4000-8000-0000000e1e04', :calm);
ROLLBACK TO before;
UPDATE coursebase.course_entitlements SET status = 'revoked', access_revoked_at = '2026-03-01' WHERE id = :'e';
SAVEPOINT revoked;
SELECT coursebase.mark_workout_complete(:'e', :w1, NULL, '2026-03-01');
ROLLBACK TO revoked;
SELECT coursebase.start_course(:'e', '2026-03-01');
ROLLBACK TO revoked;
SELECT coursebase.restart_course(:'e', '2026-03-01');
ROLLBACK TO revoked;
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id) VALUES (:'e', :w1);
ROLLBACK TO before;
-- Anew; revoked and taken up again, it goes on where it was.
SELECT * FROM coursebase.restart_course(:'e', '2026-04-01 10:00+00');
EXECUTE done(:max);
SELECT count(*) FROM coursebase.course_workout_completions WHERE entitlement_id = :'e';
SELECT completed_at, course_completed_at FROM coursebase.mark_workout_complete(:'e', :w1, NULL, '2026-04-01 11:00+00');
UPDATE coursebase.course_entitlements SET status = 'revoked', access_revoked_at = '2026-04-01' WHERE id = :'e';
SELECT entitlement_id = :'e', status FROM coursebase.begin_checkout(:max, :strong, '2026-04-02');
SELECT start_date, restart_count FROM coursebase.course_entitlements WHERE id = :'e';
SELECT completed, workouts, percent, current_day, restart_count FROM coursebase.course_enrolments(:strong, '2026-04-02 10:00+00');
SELECT name, organization_name, status, usable, completed, workouts, percent FROM coursebase.course_library(:max, '2026-04-02');
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
