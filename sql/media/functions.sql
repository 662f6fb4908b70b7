-- Custom courses: audio, checksum, the form and the link that brings a person to it.

CREATE FUNCTION coursebase.update_json(
    custom_course_id uuid,
    audio json,
    expected_checksum text DEFAULT NULL
)
RETURNS TABLE (checksum text, file_size_bytes integer, appended integer, skipped integer)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_update_json';
COMMENT ON FUNCTION coursebase.update_json(uuid, json, text) IS
    'Appends audio entries (one, an array, or an object by audio number) to audio_files of a custom course. What is there already with the same content is skipped, with other content refused; expected_checksum refuses a document that changed meanwhile. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.update_json(uuid, json, text) TO server;

CREATE FUNCTION coursebase.calculate_checksum(custom_course_id uuid)
RETURNS TABLE (checksum text, file_size_bytes integer)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_calculate_checksum';
COMMENT ON FUNCTION coursebase.calculate_checksum(uuid) IS
    'Recomputes checksum and size of a custom course''s document, stores them where they were wrong, and answers both. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.calculate_checksum(uuid) TO server;

CREATE FUNCTION coursebase.create_custom_course(
    user_id uuid,
    source text,
    environment text,
    purchase_id text,
    purchase_token text,
    course_code text DEFAULT 'X99ENB',
    title text DEFAULT 'Custom course',
    description text DEFAULT '',
    at timestamptz DEFAULT now()
)
RETURNS TABLE (custom_course_id uuid, link_token uuid, expires_at timestamptz)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_create_custom_course';
COMMENT ON FUNCTION coursebase.create_custom_course(uuid, text, text, text, text, text, text, text, timestamptz) IS
    'The placeholder of a custom course that was bought, and its purchase with a fresh link. The same receipt answers the same course again; for another user or product it is refused. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.create_custom_course(uuid, text, text, text, text, text, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.submit_custom_course(
    link_token uuid,
    step text,
    answers json,
    at timestamptz DEFAULT now()
)
RETURNS json
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_submit_custom_course';
COMMENT ON FUNCTION coursebase.submit_custom_course(uuid, text, json, timestamptz) IS
    'Checks a link and the form behind it and answers what generation needs. step: generate_script only checks; generate_audio submits the form, once, and names the course by its title. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.submit_custom_course(uuid, text, json, timestamptz) TO server;

CREATE FUNCTION coursebase.verify_gen_link(link_token uuid, at timestamptz DEFAULT now())
RETURNS TABLE (valid boolean, reason text, expires_at timestamptz)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_verify_gen_link';
COMMENT ON FUNCTION coursebase.verify_gen_link(uuid, timestamptz) IS
    'Whether a link leads to its form at that time, and if not why: not_found, revoked, refunded, submitted or expired. Reads with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.verify_gen_link(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.manage_regen_requests(
    purchase_id uuid,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (link_token uuid, expires_at timestamptz)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_manage_regen_requests';
COMMENT ON FUNCTION coursebase.manage_regen_requests(uuid, timestamptz) IS
    'Issues a new link for a purchase (its id in custom_course_purchases) whose form was submitted or whose link has expired; a link that still works is answered as it is. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.manage_regen_requests(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.own_custom_course_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_own_custom_course_ids';
COMMENT ON FUNCTION coursebase.own_custom_course_ids() IS
    'The custom courses of the user who asks, for policies; an administrator''s are no more. Reads with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.own_custom_course_ids() TO end_user, server;
