-- A day of thirty workouts written anew, by set_day() and by the hand-written DELETE and INSERT, which lets buyers'
-- completions go, on the same table with the same keys, triggers and rules. Twenty courses a statement, and after
-- each what would wait for the commit: set_day() has done most of that by then.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-000000040001', 'user_programs', 'Bench', 'bench@example.com');
SELECT coursebase.create_organization('Bench', 'bench', 'EUR', 'UTC', '00000000-0000-4000-8000-000000040001');
INSERT INTO coursebase.workouts (organization_id, name)
SELECT o.id, 'w' || n FROM coursebase.organizations o, generate_series(1, 40) n WHERE o.slug = 'bench';
CREATE TABLE bench_peer.courses AS
SELECT way, coursebase.create_course(o.id, way || n, 30) AS id
FROM coursebase.organizations o, unnest(ARRAY['ours', 'byhand']) way, generate_series(1, 20) n WHERE o.slug = 'bench';
CREATE SEQUENCE bench_peer.day_turn_ours;
CREATE SEQUENCE bench_peer.day_turn_byhand;
-- Thirty of the forty, moved on by some places: every row changes; or one exchanged in the middle.
CREATE FUNCTION bench_peer.workouts(turn bigint, one boolean)
RETURNS uuid[]
LANGUAGE sql
STABLE
AS $$
    SELECT array_agg(w.id ORDER BY w.place) FROM (
        SELECT id, CASE WHEN one AND name = 'w' || 31 + turn % 10 THEN 15 WHEN one THEN substr(name, 2)::integer
            ELSE (substr(name, 2)::integer + turn * 7) % 40 END AS place
        FROM coursebase.workouts WHERE name ~ '^w[0-9]') w
    WHERE w.place BETWEEN 0 AND CASE WHEN one THEN 30 ELSE 29 END
        AND NOT (one AND w.place = 15 AND w.id = (SELECT id FROM coursebase.workouts WHERE name = 'w15'))
$$;
CREATE TABLE bench_peer.days AS
SELECT n AS turn, one, bench_peer.workouts(n, one) AS ids FROM generate_series(0, 39) n, unnest(ARRAY[false, true]) one;
CREATE FUNCTION bench_peer.set_day(program uuid, day integer, ids uuid[])
RETURNS integer
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM FROM coursebase.programs p WHERE p.id = program FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE 'there is no such program';
    END IF;
    DELETE FROM coursebase.course_workouts c WHERE c.program_id = program AND c.day_offset = day;
    INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id)
    SELECT program, day, n - 1, id FROM unnest(ids) WITH ORDINALITY u (id, n);
    RETURN cardinality(ids);
END
$$;
CREATE FUNCTION bench_peer.settle()
RETURNS integer
LANGUAGE plpgsql
AS $$
BEGIN
    SET CONSTRAINTS coursebase."A500_settle_on_delete", coursebase."A500_settle_on_update",
        coursebase.course_workout_completions_course_workout_id_program_id_fkey IMMEDIATE;
    SET CONSTRAINTS coursebase."A500_settle_on_delete", coursebase."A500_settle_on_update",
        coursebase.course_workout_completions_course_workout_id_program_id_fkey DEFERRED;
    RETURN 0;
END
$$;
SELECT sum(bench_peer.set_day(id, 0, bench_peer.workouts(0, false))) FROM bench_peer.courses;
--# calls: 20
--# before
SELECT nextval('bench_peer.day_turn_@way@');

--# row: set_day
--# area: Programs
--# work: Rewrite a day of 30 workouts: another order, ten replaced
--# same
SELECT count(*) = 40 AND bool_and(d.ids = bench_peer.workouts(t.n, false))
FROM bench_peer.courses AS c
JOIN (SELECT 'ours' AS way, last_value AS n FROM bench_peer.day_turn_ours
    UNION ALL SELECT 'byhand', last_value FROM bench_peer.day_turn_byhand) AS t USING (way)
CROSS JOIN LATERAL (SELECT array_agg(w.workout_id ORDER BY w.sort_order) AS ids
    FROM coursebase.course_workouts AS w WHERE w.program_id = c.id) AS d
--# statement ours: set_day(program_id, day_offset, workout_ids)
SELECT sum(coursebase.set_day(c.id, 0, d.ids) + bench_peer.settle()) FROM bench_peer.courses AS c, bench_peer.days AS d
WHERE c.way = 'ours' AND d.turn = currval('bench_peer.day_turn_ours') % 40 AND d.one = false
--# statement byhand: DELETE and INSERT in PL/pgSQL | time >= 0.8, instructions >= 0.8
SELECT sum(bench_peer.set_day(c.id, 0, d.ids) + bench_peer.settle()) FROM bench_peer.courses AS c, bench_peer.days AS d
WHERE c.way = 'byhand' AND d.turn = currval('bench_peer.day_turn_byhand') % 40 AND d.one = false

--# row: set_day_one
--# area: Programs
--# work: Rewrite a day of 30 workouts: one replaced
--# same
SELECT count(*) = 40 AND bool_and(d.ids = bench_peer.workouts(t.n, true))
FROM bench_peer.courses AS c
JOIN (SELECT 'ours' AS way, last_value AS n FROM bench_peer.day_turn_ours
    UNION ALL SELECT 'byhand', last_value FROM bench_peer.day_turn_byhand) AS t USING (way)
CROSS JOIN LATERAL (SELECT array_agg(w.workout_id ORDER BY w.sort_order) AS ids
    FROM coursebase.course_workouts AS w WHERE w.program_id = c.id) AS d
--# statement ours: set_day(program_id, day_offset, workout_ids)
SELECT sum(coursebase.set_day(c.id, 0, d.ids) + bench_peer.settle()) FROM bench_peer.courses AS c, bench_peer.days AS d
WHERE c.way = 'ours' AND d.turn = currval('bench_peer.day_turn_ours') % 40 AND d.one = true
--# statement byhand: DELETE and INSERT in PL/pgSQL | time >= 2
SELECT sum(bench_peer.set_day(c.id, 0, d.ids) + bench_peer.settle()) FROM bench_peer.courses AS c, bench_peer.days AS d
WHERE c.way = 'byhand' AND d.turn = currval('bench_peer.day_turn_byhand') % 40 AND d.one = true
