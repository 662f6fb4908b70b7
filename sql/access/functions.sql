-- Who may use what.

CREATE FUNCTION coursebase.has_course_access(
    course_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_has_course_access';
COMMENT ON FUNCTION coursebase.has_course_access(uuid, uuid, timestamptz) IS
    'Whether a user (NULL: oneself) may use the course at that time: free, granted, bought, in a premium slot or in premium, or for an administrator. Asking about somebody else takes an administrator or the server.';
REVOKE ALL ON FUNCTION coursebase.has_course_access(uuid, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.has_course_access(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.has_course_access_by_code(
    course_code text,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_has_course_access_by_code';
COMMENT ON FUNCTION coursebase.has_course_access_by_code(text, uuid, timestamptz) IS
    'has_course_access() for the course with that code, in whatever case and with whatever spaces around it; false for a code that no course has.';
REVOKE ALL ON FUNCTION coursebase.has_course_access_by_code(text, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.has_course_access_by_code(text, uuid, timestamptz) TO anonymous, end_user, server;

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
AS 'MODULE_PATHNAME', 'coursebase_accessible_course_ids';
COMMENT ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) IS
    'The courses that a user (NULL: oneself) may use at that time, in order of their ids; all of them for an administrator. Asking about somebody else takes an administrator or the server.';
REVOKE ALL ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.explain_course_access(
    course_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (rule text, passed boolean, reason text, detail text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_explain_course_access';
COMMENT ON FUNCTION coursebase.explain_course_access(uuid, uuid, timestamptz) IS
    'What gives the course and what does not, and until when: one row a source, of which has_course_access() needs one that passes.';
REVOKE ALL ON FUNCTION coursebase.explain_course_access(uuid, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.explain_course_access(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_any__lock_user()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__lock_user';
COMMENT ON FUNCTION coursebase.tg_any__lock_user() IS
    'BEFORE INSERT: locks the person''s row of users, before the row is there. Locks with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_any__lock_user() FROM PUBLIC;

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

CREATE FUNCTION coursebase.complete_lesson(lesson_id uuid, user_id uuid DEFAULT NULL)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_complete_lesson';
COMMENT ON FUNCTION coursebase.complete_lesson(uuid, uuid) IS
    'Marks a lesson as completed by a user (NULL: oneself), who must have real access now: one may use the course, and not as an administrator (KB904). True when it was not so before. Writes with the owner''s rights; about somebody else an administrator or the server may.';
REVOKE ALL ON FUNCTION coursebase.complete_lesson(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.complete_lesson(uuid, uuid) TO end_user, server;

CREATE FUNCTION coursebase.uncomplete_lesson(lesson_id uuid, user_id uuid DEFAULT NULL)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_uncomplete_lesson';
COMMENT ON FUNCTION coursebase.uncomplete_lesson(uuid, uuid) IS
    'Takes back what complete_lesson() marked, with the same real access (KB904). True when it was marked.';
REVOKE ALL ON FUNCTION coursebase.uncomplete_lesson(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.uncomplete_lesson(uuid, uuid) TO end_user, server;

CREATE FUNCTION coursebase.course_progress(course_id uuid, user_id uuid DEFAULT NULL)
RETURNS TABLE (lessons bigint, completed bigint, percent integer, completed_at timestamptz)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_course_progress';
COMMENT ON FUNCTION coursebase.course_progress(uuid, uuid) IS
    'How far a user (NULL: oneself) is, over the lessons that are shown: their number, those completed, the percentage rounded down, and the last completion once all are. A course that the user may not read, and the caller neither, has no lessons. Reads with the owner''s rights; asking about somebody else takes an administrator or the server.';
REVOKE ALL ON FUNCTION coursebase.course_progress(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.course_progress(uuid, uuid) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_user_lesson_complete__real_access()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_lesson_complete__real_access';
COMMENT ON FUNCTION coursebase.tg_user_lesson_complete__real_access() IS
    'BEFORE INSERT OR DELETE by somebody whom row security binds: asks for the real access of complete_lesson() (KB904). Reads with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_user_lesson_complete__real_access() FROM PUBLIC;
