-- Promise: what buyers have done follows a workout to its new place also where a program writes the new places of a day
-- before it takes the old ones away, or does both in one statement.
\getenv abs_srcdir PG_ABS_SRCDIR
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
\set squat '''00000000-0000-4000-8000-0000000e1c01'''
\set press '''00000000-0000-4000-8000-0000000e1c02'''
\set entitlement '''00000000-0000-4000-8000-0000000e1900'''
PREPARE done AS SELECT w.day_offset, w.sort_order, k.name, c.completed_at, c.notes, e.completed_at AS all_done
    FROM coursebase.course_workout_completions c JOIN coursebase.course_entitlements e ON e.id = c.entitlement_id
    LEFT JOIN coursebase.course_workouts w ON w.id = c.course_workout_id LEFT JOIN coursebase.workouts k ON k.id = w.workout_id
    WHERE c.entitlement_id = '00000000-0000-4000-8000-0000000e1900' ORDER BY w.day_offset, w.sort_order;
-- Each transaction has its own world, for what one has deleted would be remembered in the next case.
-- The new places first, behind the old ones: a third squat comes, and the press goes to another day.
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 1, :press), (:strong, 0, 2, :squat);
INSERT INTO coursebase.course_entitlements (id, user_id, program_id, status) VALUES (:entitlement, :max, :strong, 'active');
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, completed_at, notes)
SELECT :entitlement, id, timestamptz '2026-02-02' + sort_order * interval '1 day' + day_offset * interval '7 days', day_offset || '.' || sort_order
FROM coursebase.course_workouts WHERE program_id = :strong AND NOT is_rest;
EXECUTE done;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 10, :squat), (:strong, 0, 11, :squat), (:strong, 0, 12, :squat), (:strong, 2, 1, :press);
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 AND sort_order < 10;
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
-- One statement for both, whose INSERT the server runs first, or last.
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
INSERT INTO coursebase.course_entitlements (id, user_id, program_id, status) VALUES (:entitlement, :max, :strong, 'active');
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, completed_at)
SELECT :entitlement, id, timestamptz '2026-02-02' + day_offset * interval '1 day' FROM coursebase.course_workouts WHERE program_id = :strong AND NOT is_rest;
WITH gone AS (DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0)
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 0, :press), (:strong, 0, 1, :squat);
WITH came AS (INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 2, 1, :press))
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 2 AND sort_order = 0;
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
-- A new place that set_day() finds, and the old one goes.
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
INSERT INTO coursebase.course_entitlements (id, user_id, program_id, status) VALUES (:entitlement, :max, :strong, 'active');
UPDATE coursebase.course_workouts SET sort_order = 1 WHERE program_id = :strong AND day_offset = 0;
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, completed_at)
SELECT :entitlement, id, timestamptz '2026-02-02' + day_offset * interval '1 day' FROM coursebase.course_workouts WHERE program_id = :strong AND NOT is_rest;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 0, :squat);
SELECT coursebase.set_day(:strong, 0, ARRAY[:squat]::uuid[]);
EXECUTE done;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
