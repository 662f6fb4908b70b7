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

CREATE FUNCTION coursebase.tg_course_grants__project()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_grants__project';
COMMENT ON FUNCTION coursebase.tg_course_grants__project() IS
    'AFTER INSERT OR DELETE: makes user_course_access what the grants say. Locks the user, and writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_course_grants__project() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_course_grants__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_grants__audit';
COMMENT ON FUNCTION coursebase.tg_course_grants__audit() IS
    'AFTER INSERT OR DELETE of a direct grant: keeps who gave or took it in audit_events. Writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_course_grants__audit() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_user_course_access__record()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_course_access__record';
COMMENT ON FUNCTION coursebase.tg_user_course_access__record() IS
    'AFTER INSERT: records a direct grant when nothing else gives the course; AFTER DELETE: takes every grant that counts. Locks the user, and writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_user_course_access__record() FROM PUBLIC;
