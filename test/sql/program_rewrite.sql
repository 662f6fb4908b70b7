-- Promise: plain SQL that deletes the rows of a day and inserts others in one transaction is judged at commit, and what
-- buyers have done follows the workout, the nth in the day to the nth; completed_at, the time of a revocation and the
-- currency of a payment are right whatever a statement writes.
\getenv abs_srcdir PG_ABS_SRCDIR
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
\set squat '''00000000-0000-4000-8000-0000000e1c01'''
\set press '''00000000-0000-4000-8000-0000000e1c02'''
SELECT coursebase.set_price(:strong, 0) IS NOT NULL;
SELECT coursebase.set_day(:strong, 0, ARRAY[:squat, :press, :squat]::uuid[]), coursebase.set_day(:strong, 1, '{}'), coursebase.set_day(:strong, 2, '{}');

SELECT entitlement_id AS e FROM coursebase.begin_checkout(:max, :strong, '2026-02-01') \gset
-- Done: the first squat on the 2nd, the press on the 3rd, the second squat on the 4th.
SELECT coursebase.mark_workout_complete(:'e', id, 'note ' || sort_order, timestamptz '2026-02-02' + sort_order * interval '1 day') IS NOT NULL
FROM coursebase.course_workouts WHERE program_id = :strong AND NOT is_rest ORDER BY sort_order;
-- What is done, by day and place; and when all was.
PREPARE done AS SELECT w.day_offset, w.sort_order, k.name, c.completed_at, c.notes FROM coursebase.course_workout_completions c
    LEFT JOIN coursebase.course_workouts w ON w.id = c.course_workout_id LEFT JOIN coursebase.workouts k ON k.id = w.workout_id
    WHERE c.entitlement_id = $1 ORDER BY w.day_offset, w.sort_order;
PREPARE completed AS SELECT completed_at FROM coursebase.course_entitlements WHERE id = $1;
EXECUTE done(:'e');
EXECUTE completed(:'e');
SAVEPOINT s;
-- The press goes, and a third squat comes; one row a statement, in any sequence.
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 2, :squat);
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 0, :squat);
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 1, :squat);
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done(:'e');
EXECUTE completed(:'e');
ROLLBACK TO s;
-- The same day again, with ids of the client's: nothing changes; the day as a day of rest first.
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, is_rest) VALUES (:strong, 0, 0, true);
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0;
INSERT INTO coursebase.course_workouts (id, program_id, day_offset, sort_order, workout_id)
VALUES (md5('a')::uuid, :strong, 0, 0, :squat), (md5('b')::uuid, :strong, 0, 1, :press), (md5('c')::uuid, :strong, 0, 2, :squat);
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done(:'e');
EXECUTE completed(:'e');
SELECT * FROM coursebase.check_integrity();
ROLLBACK TO s;
-- The same with many places: the statement is then planned for their number.
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) SELECT :strong, 0, n, CASE n % 2 WHEN 0 THEN :squat ELSE :press END::uuid FROM generate_series(3, 152) n;
SELECT coursebase.mark_workout_complete(:'e', id, 'note ' || sort_order, '2026-02-05') IS NOT NULL FROM coursebase.course_workouts WHERE program_id = :strong AND sort_order IN (99, 152);
SET CONSTRAINTS ALL DEFERRED;
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) SELECT :strong, 0, n, CASE n % 2 WHEN 0 THEN :press ELSE :squat END::uuid FROM generate_series(0, 148) n;
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done(:'e');
ROLLBACK TO s;
-- Another day is another day, also one that set_day() writes meanwhile.
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0;
SELECT coursebase.set_day(:strong, 1, ARRAY[:squat]::uuid[]), coursebase.set_day(:strong, 1, ARRAY[:squat, :squat]::uuid[]),
    coursebase.set_day(:strong, 1, ARRAY[:squat]::uuid[]);
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 0, :press);
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done(:'e');
ROLLBACK TO s;
-- A savepoint that is rolled back: its rows take nothing over, and what it settled is open again.
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0;
SAVEPOINT within;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 5, :squat);
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK TO within;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:strong, 0, 7, :squat);
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done(:'e');
ROLLBACK TO s;
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 AND sort_order = 0;
SAVEPOINT within;
DELETE FROM coursebase.course_workouts WHERE program_id = :strong;
ROLLBACK TO within;
SET CONSTRAINTS ALL IMMEDIATE;
EXECUTE done(:'e');
-- Immediately: a row of those that were noted before.
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND day_offset = 0 AND sort_order = 1;
EXECUTE done(:'e');
EXECUTE completed(:'e');
ROLLBACK TO s;
-- Refused at the end: a published course without a workout, by DELETE or UPDATE, also when a savepoint was told so before.
DELETE FROM coursebase.course_workouts WHERE program_id = :strong;
SAVEPOINT within;
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK TO within;
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK TO s;
UPDATE coursebase.course_workouts SET is_rest = true, workout_id = NULL, day_offset = sort_order, sort_order = 0 WHERE program_id = :strong;
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK TO s;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT coursebase.set_day(:strong, 0, ARRAY[:squat]::uuid[]);
UPDATE coursebase.course_workouts SET is_rest = true, workout_id = NULL WHERE program_id = :strong;
ROLLBACK TO s;
SELECT coursebase.set_day(:strong, 0, '{}');
ROLLBACK TO s;
\set VERBOSITY sqlstate
-- Nobody else gives a completion another place.
UPDATE coursebase.course_workout_completions SET course_workout_id = md5('a')::uuid WHERE entitlement_id = :'e';
ROLLBACK TO s;

-- completed_at is put right, and so is one that was wrong.
UPDATE coursebase.course_entitlements SET completed_at = '2020-01-01', start_date = '2026-02-01' WHERE id = :'e' RETURNING completed_at, start_date;
SET LOCAL session_replication_role = replica;
UPDATE coursebase.course_entitlements SET completed_at = NULL WHERE id = :'e' RETURNING completed_at;
SET LOCAL session_replication_role = origin;
UPDATE coursebase.course_entitlements SET completed_at = '2020-01-01' WHERE id = :'e' RETURNING completed_at;
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, completed_at) VALUES (:eve, :strong, 'active', '2020-01-01') RETURNING completed_at;
-- The time of a revocation follows the status.
UPDATE coursebase.course_entitlements SET status = 'revoked' WHERE id = :'e' RETURNING access_revoked_at = now();
UPDATE coursebase.course_entitlements SET status = 'pending' WHERE id = :'e' RETURNING access_revoked_at;
UPDATE coursebase.course_entitlements SET status = 'revoked', access_revoked_at = '2026-03-01' WHERE id = :'e' RETURNING access_revoked_at;
UPDATE coursebase.course_entitlements SET status = 'active', access_revoked_at = '2026-03-01' WHERE id = :'e' RETURNING access_revoked_at;
SAVEPOINT t;
UPDATE coursebase.course_entitlements SET access_revoked_at = '2026-03-01' WHERE id = :'e';
ROLLBACK TO t;
-- A payment without a currency is in the organisation's.
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, type)
SELECT organization_id, :max, id, 900, 'charge' FROM coursebase.plans WHERE program_id = :strong RETURNING currency;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
