-- Promise: set_day() makes a day what it is told in one statement, in order from 0, and keeps the row of every
-- workout that remains, the nth of it the nth; a day of rest is one row; the rules hold for plain SQL too.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
\set program '''00000000-0000-4000-8000-0000000a1d01'''
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000a1a01', 'days_owner', 'Olga', 'olga@example.org');
INSERT INTO coursebase.organizations (id, name, slug) VALUES ('00000000-0000-4000-8000-0000000a1b01', 'Iron', 'days-iron');
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES
    ('00000000-0000-4000-8000-0000000a1b01', '00000000-0000-4000-8000-0000000a1a01', 'owner');
INSERT INTO coursebase.workouts (id, organization_id, name, deleted_at)
SELECT ('00000000-0000-4000-8000-0000000a1c0' || n)::uuid, '00000000-0000-4000-8000-0000000a1b01', chr(64 + n),
    CASE n WHEN 5 THEN timestamptz '2026-01-01' END FROM generate_series(1, 5) n;
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    (:program, '00000000-0000-4000-8000-0000000a1b01', 'Strong', 'course'),
    ('00000000-0000-4000-8000-0000000a1d02', '00000000-0000-4000-8000-0000000a1b01', 'Open', 'live');
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES (:program, 3);
-- The day's workouts by their letters.
PREPARE day(integer, text) AS SELECT coursebase.set_day(:program, $1, ARRAY(
    SELECT ('00000000-0000-4000-8000-0000000a1c0' || ascii(l) - 64)::uuid
    FROM regexp_split_to_table($2, '') WITH ORDINALITY AS s (l, n) WHERE l <> '' ORDER BY n));
CREATE TEMP TABLE before (id uuid, place text);
-- What a day was made of: its letters, and where each row stood before.
PREPARE show(integer) AS SELECT string_agg(coalesce(w.name, 'rest') || sort_order || coalesce('<' || b.place, ''), ' ' ORDER BY sort_order)
    FROM coursebase.course_workouts c LEFT JOIN coursebase.workouts w ON w.id = c.workout_id LEFT JOIN before b ON b.id = c.id
    WHERE c.program_id = :program AND c.day_offset = $1;
PREPARE remember AS INSERT INTO before SELECT c.id, coalesce(w.name, 'rest') || sort_order
    FROM coursebase.course_workouts c LEFT JOIN coursebase.workouts w ON w.id = c.workout_id WHERE c.program_id = :program;

EXECUTE day(0, 'ABAC');
EXECUTE remember;
EXECUTE show(0);
SAVEPOINT s;
-- The same again; turned round; one A less; one A more; others only; nothing.
EXECUTE day(0, 'ABAC'); EXECUTE show(0); ROLLBACK TO s;
EXECUTE day(0, 'CABA'); EXECUTE show(0); ROLLBACK TO s;
EXECUTE day(0, 'CAB'); EXECUTE show(0); ROLLBACK TO s;
EXECUTE day(0, 'AAAB'); EXECUTE show(0); ROLLBACK TO s;
EXECUTE day(0, 'DD'); EXECUTE show(0); ROLLBACK TO s;
EXECUTE day(0, ''); EXECUTE show(0); ROLLBACK TO s;
-- Rest and back; rest again keeps its row.
SELECT coursebase.set_day(:program, 0, is_rest => true); EXECUTE show(0);
DELETE FROM before; EXECUTE remember;
SELECT coursebase.set_day(:program, 0, '{}', true); EXECUTE show(0);
EXECUTE day(0, 'BA'); EXECUTE show(0); ROLLBACK TO s;
-- Another day is another day.
EXECUTE day(2, 'AB'); EXECUTE show(0); EXECUTE show(2); ROLLBACK TO s;

-- Refused.
\set ON_ERROR_ROLLBACK on
EXECUTE day(3, 'A');
EXECUTE day(-1, 'A');
EXECUTE day(0, 'AE');
SELECT coursebase.set_day(:program, 0, ARRAY['00000000-0000-4000-8000-0000000a1c01', NULL]::uuid[]);
SELECT coursebase.set_day(:program, 0);
SELECT coursebase.set_day(:program, 0, ARRAY['00000000-0000-4000-8000-0000000a1c01']::uuid[], true);
SELECT coursebase.set_day('00000000-0000-4000-8000-0000000a1d02', 0, is_rest => true);
SELECT coursebase.set_day('00000000-0000-4000-8000-0000000a1d09', 0, is_rest => true);

-- By plain SQL.
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, is_rest) VALUES (:program, 1, 0, true);
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:program, 1, 1, '00000000-0000-4000-8000-0000000a1c01');
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, is_rest) VALUES (:program, 2, 1, true);
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order) VALUES (:program, 2, 0);
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:program, 3, 0, '00000000-0000-4000-8000-0000000a1c01');
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:program, 2, 0, '00000000-0000-4000-8000-0000000a1c05');
UPDATE coursebase.course_workouts SET day_offset = 1 WHERE day_offset = 0 AND sort_order = 1;
UPDATE coursebase.course_configs SET duration_days = 1 WHERE program_id = :program;
UPDATE coursebase.workouts SET deleted_at = '2026-02-01' WHERE id = '00000000-0000-4000-8000-0000000a1c02';
DELETE FROM coursebase.course_configs WHERE program_id = :program;
UPDATE coursebase.programs SET delivery_mode = 'live' WHERE id = :program;
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES ('00000000-0000-4000-8000-0000000a1d02', 3);
-- Two places change places; the program goes with all it has.
UPDATE coursebase.course_workouts SET sort_order = 3 - sort_order WHERE program_id = :program AND day_offset = 0; EXECUTE show(0);
UPDATE coursebase.workouts SET deleted_at = '2026-02-01' WHERE id = '00000000-0000-4000-8000-0000000a1c04';
DELETE FROM coursebase.programs WHERE id = :program;
SELECT count(*) FROM coursebase.course_workouts WHERE program_id = :program;
ROLLBACK;
