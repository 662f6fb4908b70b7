-- Promise: what buyers have done follows a workout through a day that one transaction writes several times, whether or not the
-- rewrites are settled in between, and a rollback to a savepoint leaves it where it was.
\getenv abs_srcdir PG_ABS_SRCDIR
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
\set squat '''00000000-0000-4000-8000-0000000e1c01'''
\set press '''00000000-0000-4000-8000-0000000e1c02'''
PREPARE done AS SELECT u.name, w.day_offset, w.sort_order, k.name, c.notes
    FROM coursebase.course_workout_completions c JOIN coursebase.course_entitlements e ON e.id = c.entitlement_id
    JOIN coursebase.users u ON u.id = e.user_id
    LEFT JOIN coursebase.course_workouts w ON w.id = c.course_workout_id LEFT JOIN coursebase.workouts k ON k.id = w.workout_id
    ORDER BY u.name, c.notes;
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
-- Two squats a day: one buyer has done the first, the other one the second.
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 1, :squat);
INSERT INTO coursebase.course_entitlements (id, user_id, program_id, status)
SELECT md5('entitlement ' || id)::uuid, id, :strong, 'active' FROM coursebase.users WHERE id IN (:max, :eve);
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, notes)
SELECT md5('entitlement ' || u.id)::uuid, w.id, 'squat ' || w.sort_order FROM coursebase.course_workouts w JOIN coursebase.users u
    ON u.id = CASE w.sort_order WHEN 0 THEN :max ELSE :eve END::uuid WHERE w.program_id = :strong AND w.day_offset = 0;
-- As if an earlier transaction had written the day: its places are deleted and come again under their ids, and so take nothing over.
WITH day AS (DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 RETURNING *) INSERT INTO coursebase.course_workouts SELECT * FROM day;
SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;
EXECUTE done;
SAVEPOINT s;
-- Four rewrites, each settled before the next one.
\set rewrite 'DELETE FROM coursebase.course_workouts WHERE program_id = ' :strong ' AND day_offset = 0; INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (' :strong ', 0, 4, ' :squat '), (' :strong ', 0, 5, ' :squat '); SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;'
:rewrite
:rewrite
:rewrite
:rewrite
EXECUTE done;
ROLLBACK TO s;
-- Two that are settled together: the places of the first one, which came before those that were done, are passed over.
UPDATE coursebase.course_workouts SET sort_order = sort_order + 7 WHERE program_id = :strong AND day_offset = 0;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 0, :squat), (:strong, 0, 1, :squat);
:rewrite
EXECUTE done;
ROLLBACK TO s;
-- One place after the other, settled in between; the new ones come first.
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 4, :squat), (:strong, 0, 5, :squat);
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 AND sort_order = 0;
SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;
EXECUTE done;
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 AND sort_order = 1;
SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;
EXECUTE done;
ROLLBACK TO s;
-- Each statement judged at once: the new places come first, and the old ones go one by one, twice over.
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 4, :squat), (:strong, 0, 5, :squat);
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 AND sort_order = 0;
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 AND sort_order = 1;
EXECUTE done;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 0, :squat), (:strong, 0, 1, :squat);
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 AND sort_order IN (4, 5);
EXECUTE done;
SET CONSTRAINTS ALL DEFERRED;
ROLLBACK TO s;
-- What was settled and is rolled back is settled anew, with other places.
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 4, :squat);
SAVEPOINT inner_one;
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done;
SET CONSTRAINTS ALL DEFERRED;
ROLLBACK TO inner_one;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 3, :squat);
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done;
SET CONSTRAINTS ALL DEFERRED;
ROLLBACK TO s;
-- A savepoint that is released is rolled back with the one around it.
SAVEPOINT outer_one;
SAVEPOINT inner_one;
:rewrite
RELEASE inner_one;
ROLLBACK TO outer_one;
:rewrite
:rewrite
EXECUTE done;
ROLLBACK TO s;
-- A place that comes again under its old id keeps what was done in it, and takes nothing over of a place that goes later.
WITH gone AS (DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 AND sort_order = 1 RETURNING id) SELECT id AS old FROM gone \gset
INSERT INTO coursebase.course_workouts (id, program_id, day_offset, sort_order, workout_id) VALUES (:'old', :strong, 0, 1, :squat);
SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 AND sort_order = 0;
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
