-- Who may use what.

CREATE FUNCTION coursebase.accessible_course_ids(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid[]
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_accessible_course_ids';
COMMENT ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) IS
    'The courses that a user (NULL: oneself) may use at that time; all of them for an administrator. Reads with the owner''s rights; asking about somebody else takes an administrator or the server.';
REVOKE ALL ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) TO anonymous, end_user, server;
