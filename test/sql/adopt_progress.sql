-- Promise: adopt() says of entitlements whether and when they were completed, by the completions that came while triggers
-- were off, and numbers the workouts of a day anew where two of them share a place.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
SELECT * FROM coursebase.adopt() WHERE what NOT LIKE 'profiles%';
SELECT coursebase.attach_payment_reference(transaction_id, 'stripe', 'd') FROM coursebase.begin_checkout(:max, :strong, '2026-02-01');
SELECT status FROM coursebase.apply_payment_event(:iron, 'stripe', 'd', 'completed', '2026-02-01');
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, program_id, completed_at)
SELECT e.id, w.id, e.program_id, '2026-02-03'::timestamptz + w.day_offset * interval '1 day'
FROM coursebase.course_entitlements e JOIN coursebase.course_workouts w ON w.program_id = e.program_id AND NOT w.is_rest WHERE e.user_id = :max;
SELECT check_name, count(*) FROM coursebase.check_integrity() GROUP BY 1;
SELECT * FROM coursebase.adopt();
SELECT e.completed_at = (SELECT max(c.completed_at) FROM coursebase.course_workout_completions c WHERE c.entitlement_id = e.id)
FROM coursebase.course_entitlements e WHERE e.user_id = :max;
-- One less: no longer completed.
DELETE FROM coursebase.course_workout_completions c USING (SELECT min(course_workout_id::text)::uuid AS id FROM coursebase.course_workout_completions) f WHERE c.course_workout_id = f.id;
UPDATE coursebase.course_workouts SET day_offset = 2, sort_order = 3 WHERE program_id = :strong AND NOT is_rest;
SELECT * FROM coursebase.adopt();
SELECT e.completed_at FROM coursebase.course_entitlements e WHERE e.user_id = :max;
SELECT w.day_offset, array_agg(w.sort_order ORDER BY w.sort_order) FROM coursebase.course_workouts w WHERE w.program_id = :strong GROUP BY 1 ORDER BY 1;
SELECT * FROM coursebase.adopt();
-- Two workouts in one place are named until then. A day of rest with something else, or two of rest, stays as it came and is named.
UPDATE coursebase.course_workouts SET sort_order = 7 WHERE program_id = :strong AND NOT is_rest;
INSERT INTO coursebase.course_workouts (program_id, organization_id, day_offset, sort_order, workout_id, is_rest)
SELECT w.program_id, w.organization_id, w.day_offset, 0, k.id, k.id IS NULL FROM coursebase.course_workouts w, (VALUES (NULL), ('00000000-0000-4000-8000-0000000e1c01'::uuid)) k (id)
WHERE w.program_id = :strong AND w.is_rest;
SELECT check_name, problem FROM coursebase.check_integrity() ORDER BY 1, 2;
SELECT * FROM coursebase.adopt();
SELECT w.day_offset, array_agg(w.sort_order ORDER BY w.sort_order) FROM coursebase.course_workouts w WHERE w.program_id = :strong GROUP BY 1 ORDER BY 1;
SELECT check_name, problem FROM coursebase.check_integrity() ORDER BY 1, 2;
ROLLBACK;
