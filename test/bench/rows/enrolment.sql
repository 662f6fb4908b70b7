-- Marking a workout as done and taking it back, with completed_at derived anew each time, by the functions and by
-- hand-written statements on tables with the same columns, keys and indexes but no trigger and no question whose it
-- is; and the list of a course's 10,000 buyers with their progress. What waits for the commit is not in the figure.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT format('00000000-0000-4000-8000-0000005%s', to_char(n, 'FM00000'))::uuid, 'user_enrolment_' || n, 'Bench', 'bench@example.com'
FROM generate_series(0, 10000) n;
SELECT coursebase.create_course(coursebase.create_organization('Enrolment', 'bench-enrolment', 'EUR', 'UTC',
    '00000000-0000-4000-8000-000000500000'), 'Enrolment', 30);
INSERT INTO coursebase.workouts (organization_id, name)
SELECT o.id, 'w' FROM coursebase.organizations o WHERE o.slug = 'bench-enrolment';
CREATE TABLE bench_peer.course AS SELECT p.id, w.id AS workout
FROM coursebase.programs p JOIN coursebase.workouts w USING (organization_id) WHERE p.name = 'Enrolment';
SELECT coursebase.set_day(c.id, n, ARRAY[c.workout]) FROM bench_peer.course c, generate_series(0, 29) n;
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, start_date)
SELECT u.id, c.id, 'active', '2026-01-01' FROM coursebase.users u, bench_peer.course c
WHERE u.clerk_user_id LIKE 'user_enrolment_%' AND u.clerk_user_id <> 'user_enrolment_0';
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, completed_at)
SELECT e.id, w.id, '2026-01-02 12:00+00' FROM coursebase.course_entitlements e JOIN bench_peer.course c ON c.id = e.program_id
JOIN coursebase.course_workouts w USING (program_id) WHERE w.day_offset < 5;
CREATE TABLE bench_peer.course_entitlements (LIKE coursebase.course_entitlements INCLUDING ALL);
INSERT INTO bench_peer.course_entitlements SELECT * FROM coursebase.course_entitlements;
CREATE TABLE bench_peer.completions (LIKE coursebase.course_workout_completions INCLUDING ALL,
    FOREIGN KEY (entitlement_id, program_id) REFERENCES bench_peer.course_entitlements (id, program_id),
    FOREIGN KEY (course_workout_id, program_id) REFERENCES coursebase.course_workouts (id, program_id));
INSERT INTO bench_peer.completions SELECT * FROM coursebase.course_workout_completions;
CREATE TABLE bench_peer.markers AS
SELECT e.id AS entitlement, w.id AS place FROM coursebase.course_entitlements e JOIN bench_peer.course c ON c.id = e.program_id
JOIN coursebase.course_workouts w USING (program_id) WHERE w.day_offset = 20 ORDER BY e.user_id LIMIT 20;
CREATE FUNCTION bench_peer.derive(entitlement uuid)
RETURNS timestamptz
LANGUAGE sql
AS $$
    UPDATE bench_peer.course_entitlements e SET completed_at = (
        SELECT CASE WHEN count(*) = count(c.id) THEN max(c.completed_at) END FROM coursebase.course_workouts w
        LEFT JOIN bench_peer.completions c ON c.course_workout_id = w.id AND c.entitlement_id = e.id
        WHERE w.program_id = e.program_id AND NOT w.is_rest)
    WHERE e.id = entitlement RETURNING e.completed_at
$$;
CREATE FUNCTION bench_peer.mark(entitlement uuid, place uuid)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM FROM bench_peer.course_entitlements e WHERE e.id = entitlement AND e.status = 'active' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE 'not active';
    END IF;
    INSERT INTO bench_peer.completions (entitlement_id, course_workout_id, program_id)
    SELECT entitlement, w.id, w.program_id FROM coursebase.course_workouts w WHERE w.id = place AND NOT w.is_rest
    ON CONFLICT DO NOTHING;
    PERFORM bench_peer.derive(entitlement);
    RETURN true;
END
$$;
CREATE FUNCTION bench_peer.unmark(entitlement uuid, place uuid)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM FROM bench_peer.course_entitlements e WHERE e.id = entitlement AND e.status = 'active' FOR NO KEY UPDATE;
    DELETE FROM bench_peer.completions c WHERE c.entitlement_id = entitlement AND c.course_workout_id = place;
    PERFORM bench_peer.derive(entitlement);
    RETURN true;
END
$$;
CREATE VIEW bench_peer.enrolments AS
SELECT e.id, e.user_id, u.name, u.email, e.membership_id, e.status::text, e.start_date,
    least(greatest((now() AT TIME ZONE o.time_zone)::date - e.start_date, 0), g.duration_days - 1) AS day,
    t.n AS workouts, coalesce(d.n, 0) AS completed, coalesce(d.n, 0) * 100 / t.n AS percent, d.latest,
    e.completed_at, e.restart_count, e.access_revoked_at, e.created_at
FROM coursebase.course_entitlements e
JOIN bench_peer.course p ON p.id = e.program_id
JOIN coursebase.course_configs g ON g.program_id = e.program_id
JOIN coursebase.organizations o ON o.id = e.organization_id
JOIN coursebase.users u ON u.id = e.user_id
CROSS JOIN LATERAL (SELECT count(*) AS n FROM coursebase.course_workouts w
    WHERE w.program_id = p.id AND NOT w.is_rest) t
LEFT JOIN (SELECT c.entitlement_id, count(*) AS n, max(c.completed_at) AS latest
    FROM coursebase.course_workout_completions c JOIN coursebase.course_workouts w ON w.id = c.course_workout_id
    WHERE NOT w.is_rest GROUP BY c.entitlement_id) d ON d.entitlement_id = e.id
ORDER BY e.created_at, e.id;
ANALYZE;

--# row: mark_workout
--# calls: 40
--# area: Programs
--# work: Mark a workout as done and take it back (20 buyers, 30 workouts)
--# same
SELECT (SELECT count(*) FROM coursebase.course_workout_completions) = (SELECT count(*) FROM bench_peer.completions)
    AND (SELECT count(completed_at) FROM coursebase.course_entitlements) = (SELECT count(completed_at) FROM bench_peer.course_entitlements)
--# statement ours: mark_workout_complete() and unmark_workout_complete()
SELECT count(coursebase.unmark_workout_complete(m.entitlement, CASE WHEN c.completed_at IS NOT NULL THEN m.place END))
FROM bench_peer.markers m CROSS JOIN LATERAL coursebase.mark_workout_complete(m.entitlement, m.place) c
--# statement byhand: INSERT and UPDATE, DELETE and UPDATE in PL/pgSQL, no triggers | time >= 0.4
SELECT count(bench_peer.unmark(m.entitlement, CASE WHEN c THEN m.place END))
FROM bench_peer.markers m CROSS JOIN LATERAL bench_peer.mark(m.entitlement, m.place) c

--# row: enrolment_list
--# area: Programs
--# work: List 10,000 buyers of a program with their progress
--# same
SELECT count(*) = 10000 AND count(*) = count(l.id) AND sum(l.completed) = 50000 AND bool_and(
    (o.status, o.start_date, o.current_day, o.workouts, o.completed, o.percent, o.last_completed_at) =
    (l.status, l.start_date, l.day, l.workouts, l.completed, l.percent, l.latest))
FROM bench_peer.course AS c CROSS JOIN LATERAL coursebase.course_enrolments(c.id) AS o
LEFT JOIN bench_peer.enrolments AS l ON l.id = o.entitlement_id
--# statement ours: course_enrolments(program_id)
SELECT count(l) AS buyers, sum(l.completed) AS completed, sum(l.percent) AS percent
FROM bench_peer.course AS c CROSS JOIN LATERAL coursebase.course_enrolments(c.id) AS l
--# statement byhand: the same query, hand-written | time >= 0.8
SELECT count(l) AS buyers, sum(l.completed) AS completed, sum(l.percent) AS percent FROM bench_peer.enrolments AS l
