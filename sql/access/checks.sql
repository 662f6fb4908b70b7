-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_access()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH given AS (
        SELECT g.user_id, g.course_id
        FROM coursebase.course_grants g
        LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id
        WHERE g.purchase_id IS NULL OR s.refunded_at IS NULL AND s.id IS NOT NULL
    )
    SELECT 'course_access', format('user_course_access %s %s', a.user_id, a.course_id),
        'no grant that counts gives it'
    FROM coursebase.user_course_access a
    WHERE NOT EXISTS (
        SELECT FROM given g WHERE g.user_id = a.user_id AND g.course_id = a.course_id)
    UNION ALL
    SELECT DISTINCT 'course_access', format('user_course_access %s %s', g.user_id, g.course_id),
        'a grant gives it, and it is not there'
    FROM given g
    WHERE NOT EXISTS (
        SELECT FROM coursebase.user_course_access a
        WHERE a.user_id = g.user_id AND a.course_id = g.course_id)
    UNION ALL
    SELECT 'course_grant_buyer', 'course_grants ' || g.id, 'the purchase is somebody else''s'
    FROM coursebase.course_grants g
    JOIN coursebase.purchases s ON s.id = g.purchase_id
    WHERE s.user_id <> g.user_id
$$;
COMMENT ON FUNCTION coursebase.check_access() IS
    'Courses that a person may use without a grant that counts, or may not with one, and grants by another''s purchase.';
REVOKE ALL ON FUNCTION coursebase.check_access() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.check_access() TO server;
