-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_programs()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'course_is_configured', 'course_configs ' || c.program_id,
        'its program is not delivered as a course'
    FROM coursebase.course_configs c
    JOIN coursebase.programs p ON p.id = c.program_id
    WHERE p.delivery_mode <> 'course'
    UNION ALL
    SELECT 'course_is_configured', 'programs ' || w.program_id,
        'it has a curriculum and no configuration'
    FROM coursebase.course_workouts w
    WHERE NOT EXISTS (
        SELECT FROM coursebase.course_configs c WHERE c.program_id = w.program_id)
    GROUP BY w.program_id
    UNION ALL
    SELECT 'course_organization', 'course_configs ' || c.program_id,
        'it names another organisation than its program'
    FROM coursebase.course_configs c
    JOIN coursebase.programs p ON p.id = c.program_id
    WHERE p.organization_id <> c.organization_id
    UNION ALL
    SELECT 'course_organization', 'course_workouts ' || w.id,
        'program, place and workout are not one organisation''s'
    FROM coursebase.course_workouts w
    JOIN coursebase.programs p ON p.id = w.program_id
    LEFT JOIN coursebase.workouts k ON k.id = w.workout_id
    WHERE p.organization_id <> w.organization_id OR k.organization_id <> w.organization_id
    UNION ALL
    SELECT 'course_day', format('course_workouts %s', w.id),
        format('day %s lies beyond a course of %s days', w.day_offset, c.duration_days)
    FROM coursebase.course_workouts w
    JOIN coursebase.course_configs c ON c.program_id = w.program_id
    WHERE w.day_offset >= c.duration_days
    UNION ALL
    SELECT 'course_rest', format('course_workouts %s', r.id), 'its day has more than rest'
    FROM coursebase.course_workouts r
    WHERE r.is_rest AND EXISTS (
        SELECT FROM coursebase.course_workouts w
        WHERE w.program_id = r.program_id AND w.day_offset = r.day_offset AND w.id <> r.id)
    UNION ALL
    SELECT 'course_workout_deleted', format('course_workouts %s', w.id), 'its workout is deleted'
    FROM coursebase.course_workouts w
    JOIN coursebase.workouts k ON k.id = w.workout_id
    WHERE k.deleted_at IS NOT NULL
    UNION ALL
    SELECT 'course_published', 'course_configs ' || c.program_id,
        'it is published without a workout'
    FROM coursebase.course_configs c
    WHERE c.status = 'published' AND NOT EXISTS (
        SELECT FROM coursebase.course_workouts w
        WHERE w.program_id = c.program_id AND NOT w.is_rest)
    UNION ALL
    SELECT 'course_preview', 'course_configs ' || c.program_id,
        'its preview workout is not in the curriculum'
    FROM coursebase.course_configs c
    WHERE c.preview_workout_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM coursebase.course_workouts w
        WHERE w.program_id = c.program_id AND w.workout_id = c.preview_workout_id)
    UNION ALL
    SELECT 'plan_organization', 'plans ' || l.id,
        'it sells a program of another organisation'
    FROM coursebase.plans l
    JOIN coursebase.programs p ON p.id = l.program_id
    WHERE p.organization_id <> l.organization_id
    UNION ALL
    SELECT 'plan_currency', 'plans ' || l.id,
        format('its currency is %s, the organisation''s %s', l.currency, o.currency)
    FROM coursebase.plans l
    JOIN coursebase.organizations o ON o.id = l.organization_id
    WHERE l.currency <> o.currency
$$;
COMMENT ON FUNCTION coursebase.check_programs() IS
    'Courses whose configuration, curriculum and plan disagree or are of several organisations, published ones without a workout, previews outside of the curriculum, and plans in another currency than their organisation''s.';
REVOKE ALL ON FUNCTION coursebase.check_programs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.check_programs() TO server;
