\echo Use "CREATE EXTENSION coursebase" to load this file. \quit
CREATE FUNCTION coursebase.assert_schema_owner()
RETURNS void
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_assert_schema_owner';

COMMENT ON FUNCTION coursebase.assert_schema_owner() IS
    'Refuses a schema whose owner is neither the current role nor a superuser: the first thing that installing does.';

REVOKE ALL ON FUNCTION coursebase.assert_schema_owner() FROM PUBLIC;

SELECT coursebase.assert_schema_owner();

CREATE FUNCTION coursebase.install()
RETURNS TABLE (object text, action text)
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_install';

COMMENT ON FUNCTION coursebase.install() IS
    'Makes whatever the schema lacks (tables, columns, constraints, indexes, triggers, policies, views, grants) and answers what it made. Never takes rows, tables or columns away; may be run at any time by the owner of the tables.';

REVOKE ALL ON FUNCTION coursebase.install() FROM PUBLIC;

CREATE FUNCTION coursebase.guard()
RETURNS event_trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_guard';

COMMENT ON FUNCTION coursebase.guard() IS
    'Refuses any command that would take a table or a column of coursebase away, unless coursebase.allow_drop is on.';

REVOKE ALL ON FUNCTION coursebase.guard() FROM PUBLIC;

CREATE EVENT TRIGGER coursebase_guard ON ddl_command_start EXECUTE FUNCTION coursebase.guard();

COMMENT ON EVENT TRIGGER coursebase_guard IS
    'Arms the guard that keeps commands from dropping tables and columns of coursebase.';

CREATE FUNCTION coursebase.grant_roles(anonymous name, end_user name, server name)
RETURNS void
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_grant_roles';

COMMENT ON FUNCTION coursebase.grant_roles(name, name, name) IS
    'Grants each of the three parts (anonymous, end user, server) to a role, exactly what it may do and nothing else; remembered, so that install() grants new objects too. NULL leaves a part to nobody. The server needs BYPASSRLS.';

REVOKE ALL ON FUNCTION coursebase.grant_roles(name, name, name) FROM PUBLIC;

CREATE FUNCTION coursebase.assert_schema_current()
RETURNS void
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_assert_schema_current';

COMMENT ON FUNCTION coursebase.assert_schema_current() IS
    'Refuses (KB001) when the tables are missing or older than the code: the first statement of functions in SQL that write.';

REVOKE ALL ON FUNCTION coursebase.assert_schema_current() FROM PUBLIC;

CREATE FUNCTION coursebase.installation()
RETURNS TABLE (name text, value text)
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_installation';

COMMENT ON FUNCTION coursebase.installation() IS
    'What is installed: the version of the library, that of the tables, and the roles that play the parts.';

REVOKE ALL ON FUNCTION coursebase.installation() FROM PUBLIC;

CREATE FUNCTION coursebase.settings()
RETURNS TABLE (name text, value text, default_value text, meaning text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.name, coalesce(s.value, s.default_value), s.default_value, s.meaning
    FROM coursebase.settings s
    ORDER BY s.name
$$;

COMMENT ON FUNCTION coursebase.settings() IS
    'Every setting with its value, its default and what it means. Changed by UPDATE coursebase.settings SET value = … (NULL: the default).';

REVOKE ALL ON FUNCTION coursebase.settings() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__stamp()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_any__stamp';

COMMENT ON FUNCTION coursebase.tg_any__stamp() IS
    'BEFORE UPDATE: updated_at is the time of the change, whatever the writer sent.';

REVOKE ALL ON FUNCTION coursebase.tg_any__stamp() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_settings__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_settings__audit';

COMMENT ON FUNCTION coursebase.tg_settings__audit() IS
    'AFTER INSERT OR UPDATE OR DELETE: writes an audit event when the value of a setting changes.';

REVOKE ALL ON FUNCTION coursebase.tg_settings__audit() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__append_only()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__append_only';

COMMENT ON FUNCTION coursebase.tg_any__append_only() IS
    'BEFORE UPDATE, DELETE or TRUNCATE: refuses (KB005), but lets a foreign key set the columns named in the arguments to null.';

REVOKE ALL ON FUNCTION coursebase.tg_any__append_only() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__guard_columns()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__guard_columns';

COMMENT ON FUNCTION coursebase.tg_any__guard_columns() IS
    'BEFORE UPDATE: an end user who is no administrator changes only the columns named in the arguments (42501).';

REVOKE ALL ON FUNCTION coursebase.tg_any__guard_columns() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__set_once()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__set_once';

COMMENT ON FUNCTION coursebase.tg_any__set_once() IS
    'BEFORE UPDATE: the columns named in the arguments, once set, keep their value (KB401); a foreign key may still set them to null.';

REVOKE ALL ON FUNCTION coursebase.tg_any__set_once() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__time_zone()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__time_zone';

COMMENT ON FUNCTION coursebase.tg_any__time_zone() IS
    'BEFORE INSERT OR UPDATE: the column time_zone is an IANA name that the server knows (22023), in its own spelling.';

REVOKE ALL ON FUNCTION coursebase.tg_any__time_zone() FROM PUBLIC;

CREATE FUNCTION coursebase.current_user_id()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_current_user_id';

COMMENT ON FUNCTION coursebase.current_user_id() IS
    'The user who asks: the claims of the request (setting request.jwt.claims, else request.jwt.claim.sub) looked up in users. NULL for nobody: no or malformed claims, an unknown or closed account.';

REVOKE ALL ON FUNCTION coursebase.current_user_id() FROM PUBLIC;

CREATE FUNCTION coursebase.is_admin()
RETURNS boolean
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_is_admin';

COMMENT ON FUNCTION coursebase.is_admin() IS
    'Whether the user who asks is an administrator (users.role = admin). False for nobody.';

REVOKE ALL ON FUNCTION coursebase.is_admin() FROM PUBLIC;

CREATE FUNCTION coursebase.own_from()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_from';

COMMENT ON FUNCTION coursebase.own_from() IS
    'Lower bound of the user ids whose rows the one who asks may see: the own id, or the smallest uuid for an administrator. NULL for nobody. For policies: BETWEEN (SELECT own_from()) AND (SELECT own_to()).';

REVOKE ALL ON FUNCTION coursebase.own_from() FROM PUBLIC;

CREATE FUNCTION coursebase.own_to()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_to';

COMMENT ON FUNCTION coursebase.own_to() IS
    'Upper bound of the user ids whose rows the one who asks may see: the own id, or the largest uuid for an administrator. NULL for nobody.';

REVOKE ALL ON FUNCTION coursebase.own_to() FROM PUBLIC;

CREATE FUNCTION coursebase.own_cohort_from()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_cohort_from';

COMMENT ON FUNCTION coursebase.own_cohort_from() IS
    'Lower bound of the cohort ids that the one who asks may see: the own cohort, or the smallest uuid for an administrator. NULL for nobody and outside of cohorts.';

REVOKE ALL ON FUNCTION coursebase.own_cohort_from() FROM PUBLIC;

CREATE FUNCTION coursebase.own_cohort_to()
RETURNS uuid
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_own_cohort_to';

COMMENT ON FUNCTION coursebase.own_cohort_to() IS
    'Upper bound of the cohort ids that the one who asks may see: the own cohort, or the largest uuid for an administrator. NULL for nobody and outside of cohorts.';

REVOKE ALL ON FUNCTION coursebase.own_cohort_to() FROM PUBLIC;

CREATE FUNCTION coursebase.upsert_user(
    clerk_user_id text,
    name          text,
    email         text,
    image_url     text DEFAULT NULL,
    role          text DEFAULT NULL,
    first_name    text DEFAULT NULL,
    last_name     text DEFAULT NULL,
    phone_number  text DEFAULT NULL,
    country       text DEFAULT NULL,
    lead_source   text DEFAULT NULL,
    time_zone     text DEFAULT NULL,
    at            timestamptz DEFAULT now())
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_upsert_user';

COMMENT ON FUNCTION coursebase.upsert_user(text, text, text, text, text, text, text, text, text, text, text, timestamptz) IS
    'Stores an account as the authentication provider reports it, with its profile and referral code, and answers its id. The same call again changes nothing; null arguments leave what is stored; a closed account stays as it is. at is when a new account was made.';

REVOKE ALL ON FUNCTION coursebase.upsert_user(text, text, text, text, text, text, text, text, text, text, text, timestamptz) FROM PUBLIC;

CREATE FUNCTION coursebase.assign_cohort(user_id uuid, cohort_code text)
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_assign_cohort';

COMMENT ON FUNCTION coursebase.assign_cohort(uuid, text) IS
    'Puts a person into the cohort with that code, out of any other, and answers its id. KB106 when there is no such open account or no such cohort.';

REVOKE ALL ON FUNCTION coursebase.assign_cohort(uuid, text) FROM PUBLIC;

CREATE FUNCTION coursebase.tg_users__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__audit';

COMMENT ON FUNCTION coursebase.tg_users__audit() IS
    'AFTER INSERT OR UPDATE: a role that changes, or is not user from the start, is recorded in audit_events with the rights of the tables'' owner.';

REVOKE ALL ON FUNCTION coursebase.tg_users__audit() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_user_profile__normalise()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_profile__normalise';

COMMENT ON FUNCTION coursebase.tg_user_profile__normalise() IS
    'BEFORE INSERT OR UPDATE: email in lower case; a new profile without a referral code gets one that nobody has.';

REVOKE ALL ON FUNCTION coursebase.tg_user_profile__normalise() FROM PUBLIC;

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

CREATE FUNCTION coursebase.json_checksum(
    document json,
    format text DEFAULT 'stored',
    algorithm text DEFAULT 'md5'
)
RETURNS text
LANGUAGE c
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_json_checksum';

COMMENT ON FUNCTION coursebase.json_checksum(json, text, text) IS
    'Digest of a document''s bytes in lower-case hex. format: stored, or crlf4 (indented with 4 spaces, CRLF line ends). algorithm: md5 or sha256. The bytes stream into the digest; no copy is made.';

REVOKE ALL ON FUNCTION coursebase.json_checksum(json, text, text) FROM PUBLIC;

CREATE FUNCTION coursebase.json_size(document json)
RETURNS integer
LANGUAGE c
IMMUTABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_json_size';

COMMENT ON FUNCTION coursebase.json_size(json) IS
    'Length of a document in bytes, as octet_length(document::text) gives it, without reading the document.';

REVOKE ALL ON FUNCTION coursebase.json_size(json) FROM PUBLIC;

CREATE FUNCTION coursebase.tg_document__checksum()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_document__checksum';

COMMENT ON FUNCTION coursebase.tg_document__checksum() IS
    'BEFORE INSERT OR UPDATE: checksum and file_size_bytes are those of the document (its column is the argument), whatever the writer sent. AFTER: refuses a row whose document a trigger of the user''s changed behind that.';

REVOKE ALL ON FUNCTION coursebase.tg_document__checksum() FROM PUBLIC;

CREATE FUNCTION coursebase.json_append(document json, path text[], entries json)
RETURNS json
LANGUAGE c
IMMUTABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_json_append';

COMMENT ON FUNCTION coursebase.json_append(json, text[], json) IS
    'The document with entries appended to the array at path (an array''s elements, anything else as one), or merged into the object there. What is missing on the way is created. All other bytes stay as they are.';

REVOKE ALL ON FUNCTION coursebase.json_append(json, text[], json) FROM PUBLIC;

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

REVOKE ALL ON FUNCTION coursebase.update_json(uuid, json, text) FROM PUBLIC;

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

REVOKE ALL ON FUNCTION coursebase.calculate_checksum(uuid) FROM PUBLIC;

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

REVOKE ALL ON FUNCTION coursebase.create_custom_course(uuid, text, text, text, text, text, text, text, timestamptz) FROM PUBLIC;

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

REVOKE ALL ON FUNCTION coursebase.submit_custom_course(uuid, text, json, timestamptz) FROM PUBLIC;

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

REVOKE ALL ON FUNCTION coursebase.verify_gen_link(uuid, timestamptz) FROM PUBLIC;

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

REVOKE ALL ON FUNCTION coursebase.manage_regen_requests(uuid, timestamptz) FROM PUBLIC;

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

REVOKE ALL ON FUNCTION coursebase.own_custom_course_ids() FROM PUBLIC;

CREATE FUNCTION coursebase.handshake(
    user_id uuid,
    request json,
    at timestamptz DEFAULT now()
)
RETURNS json
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_handshake';

COMMENT ON FUNCTION coursebase.handshake(uuid, json, timestamptz) IS
$$The call with which a phone begins. Keeps what the request reports and answers what the phone lacks.

Request, every member optional: analytics {current_course, voice, background, induction, deepening, audio_usage {key: {title, no_of_plays, course_code}}}, device_id, purchases [id or {purchase_id}], checksums {name: md5} of the files the phone has, digest of the last answer, deltas (true: appends are welcome). Unknown members are ignored; a wrong type is refused with the member's name (KB301). A setting of analytics that is null is taken back, one that is absent stays. An audio without course_code is of the course that its key begins with (C14ENB_3), else of current_course.

Answer: json_manifest {name: {checksum, file_size_bytes, action, …}}, purchases [{purchase_id, status: known | unknown}], ai_usage, subscription, discounts, digest.
action add or update: content is the document as a JSON string; once parsed, its UTF-8 bytes are exactly those of checksum and file_size_bytes. append: the bytes of insert (a JSON string, UTF-8) put at byte offset of the phone's file give exactly the document of checksum. keep: nothing to do. delete: checksum and file_size_bytes are null; these come last, and never name a file of the setting protected_manifests.
Without checksums every document is sent as add. Names are in byte order. digest is the MD5 over one line a document: name, space, checksum, line feed; when the request has it, json_manifest is empty.

An unknown or closed account is KB106. In a read-only transaction and on a standby nothing is kept.$$;

REVOKE ALL ON FUNCTION coursebase.handshake(uuid, json, timestamptz) FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__move_version()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__move_version';

COMMENT ON FUNCTION coursebase.tg_any__move_version() IS
    'AFTER a change: moves the version that cached handshakes are compared with. Arguments: catalogue; or cohort, user or custom_course and the column that names it.';

REVOKE ALL ON FUNCTION coursebase.tg_any__move_version() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_manifest_cohorts__name()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_manifest_cohorts__name';

COMMENT ON FUNCTION coursebase.tg_manifest_cohorts__name() IS
    'BEFORE INSERT OR UPDATE: name is that of the manifest, whatever the writer sent.';

REVOKE ALL ON FUNCTION coursebase.tg_manifest_cohorts__name() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_audio_usage__keep_greatest()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_audio_usage__keep_greatest';

COMMENT ON FUNCTION coursebase.tg_audio_usage__keep_greatest() IS
    'BEFORE UPDATE: a play count never falls; a lower total leaves it as it is.';

REVOKE ALL ON FUNCTION coursebase.tg_audio_usage__keep_greatest() FROM PUBLIC;

CREATE FUNCTION coursebase.log_app(
    log_type text,
    message text,
    context jsonb DEFAULT NULL,
    origin text DEFAULT 'app',
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_log_app';

COMMENT ON FUNCTION coursebase.log_app(text, text, jsonb, text, uuid, timestamptz) IS
    'Writes an entry of the app''s log about the one who is signed in, or whom the server names, and answers its id. A person has one sign_up entry: reporting again updates it in place. A time to come counts as now.';

REVOKE ALL ON FUNCTION coursebase.log_app(text, text, jsonb, text, uuid, timestamptz) FROM PUBLIC;

CREATE FUNCTION coursebase.log_server(
    function_name text,
    level text,
    message text,
    context jsonb DEFAULT NULL,
    user_id uuid DEFAULT NULL,
    duration_ms numeric DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid
LANGUAGE sql
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coursebase.assert_schema_current();
    INSERT INTO coursebase.server_logs
        (function_name, level, message, context, user_id, duration_ms, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING id
$$;

COMMENT ON FUNCTION coursebase.log_server(text, text, text, jsonb, uuid, numeric, timestamptz) IS
    'Writes an entry of the server''s log (level debug, info, warning or error) and answers its id.';

REVOKE ALL ON FUNCTION coursebase.log_server(text, text, text, jsonb, uuid, numeric, timestamptz)
    FROM PUBLIC;

CREATE FUNCTION coursebase.purge_logs(before timestamptz, batch integer DEFAULT 10000)
RETURNS bigint
LANGUAGE sql
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coursebase.assert_schema_current();
    WITH app AS (
        DELETE FROM coursebase.app_logs
        WHERE id = ANY (ARRAY(
            SELECT l.id FROM coursebase.app_logs l
            WHERE l.created_at < $1
            ORDER BY l.created_at
            LIMIT $2
            FOR UPDATE SKIP LOCKED))
        RETURNING 1
    ), server AS (
        DELETE FROM coursebase.server_logs
        WHERE id = ANY (ARRAY(
            SELECT l.id FROM coursebase.server_logs l
            WHERE l.created_at < $1
            ORDER BY l.created_at
            LIMIT $2 - (SELECT count(*) FROM app)
            FOR UPDATE SKIP LOCKED))
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM app) + (SELECT count(*) FROM server)
$$;

COMMENT ON FUNCTION coursebase.purge_logs(timestamptz, integer) IS
    'Deletes at most batch entries older than before, oldest first, of the app''s log and then of the server''s, passing by what another session holds; answers how many. Call again until it answers 0.';

REVOKE ALL ON FUNCTION coursebase.purge_logs(timestamptz, integer) FROM PUBLIC;

CREATE FUNCTION coursebase.lint()
RETURNS TABLE (rule text, object text, advice text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH ours AS (
        SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'coursebase'
    ), steps AS (
        SELECT s.object, s.ddl, split_part(s.object, ' ', 1) AS kind,
            split_part(s.object, ' ', 2) AS name, split_part(s.object, ' ', 4) AS relation
        FROM coursebase.steps() s
    ), relations AS (
        SELECT c.*
        FROM pg_class c
        WHERE c.relnamespace IN (TABLE ours)
            AND c.relname IN (SELECT s.name FROM steps s WHERE s.kind IN ('table', 'view'))
    ), functions AS (
        SELECT p.*
        FROM pg_proc p
        JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
            AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'coursebase'
    ), installed AS (
        SELECT i.name, i.value FROM coursebase.installation() i
    ), resolves_no_names (name) AS (
        -- functions in C that look nothing up by name, where a SET would cost more than they do, or
        -- that set it themselves around their statements (handshake)
        VALUES ('assert_schema_owner'), ('current_user_id'), ('handshake'), ('is_admin'), ('json_append'),
            ('json_checksum'), ('json_size'), ('own_cohort_from'), ('own_cohort_to'), ('own_from'),
            ('own_to'), ('tg_any__set_once'), ('tg_any__stamp'), ('tg_any__time_zone'),
            ('tg_audio_usage__keep_greatest'),
            ('tg_document__checksum')
    ), missing (object) AS (
        SELECT s.object
        FROM steps s
        WHERE s.kind IN ('table', 'view', 'index')
            AND to_regclass(format('coursebase.%I', s.name)) IS NULL
        UNION ALL
        SELECT s.object
        FROM steps s
        WHERE s.kind = 'type' AND to_regtype(format('coursebase.%I', s.name)) IS NULL
        UNION ALL
        SELECT 'column ' || c.name
        FROM (SELECT split_part(s.object, ' ', 4) AS name
              FROM steps s WHERE s.object LIKE 'comment on column %') c
        WHERE split_part(c.name, '.', 1) IN (SELECT r.relname FROM relations r)
            AND NOT EXISTS (
                SELECT FROM relations r
                JOIN pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped
                WHERE r.relname = split_part(c.name, '.', 1)
                    AND a.attname = split_part(c.name, '.', 2))
        UNION ALL
        SELECT format('constraint %s on %s', c.name[1], s.name)
        FROM steps s, regexp_matches(s.ddl, '\mCONSTRAINT (\w+)', 'g') AS c (name)
        WHERE s.kind = 'table' AND s.name IN (SELECT r.relname FROM relations r)
            AND NOT EXISTS (
                SELECT FROM relations r
                JOIN pg_constraint k ON k.conrelid = r.oid
                WHERE r.relname = s.name AND k.conname = c.name[1])
        UNION ALL
        SELECT s.object
        FROM steps s
        WHERE s.kind = 'trigger' AND s.relation IN (SELECT r.relname FROM relations r)
            AND NOT EXISTS (
                SELECT FROM relations r
                JOIN pg_trigger t ON t.tgrelid = r.oid
                WHERE r.relname = s.relation AND t.tgname = s.name)
        UNION ALL
        SELECT s.object
        FROM steps s
        WHERE s.kind = 'policy' AND s.relation IN (SELECT r.relname FROM relations r)
            AND NOT EXISTS (
                SELECT FROM relations r
                JOIN pg_policy p ON p.polrelid = r.oid
                WHERE r.relname = s.relation AND p.polname = s.name)
    ), public_grants (object) AS (
        SELECT 'function ' || f.oid::regprocedure
        FROM functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
        WHERE a.grantee = 0
        UNION
        SELECT 'table ' || r.oid::regclass
        FROM relations r, aclexplode(r.relacl) a
        WHERE a.grantee = 0
        UNION
        SELECT format('column %s.%I', r.oid::regclass, c.attname)
        FROM relations r
        JOIN pg_attribute c ON c.attrelid = r.oid, aclexplode(c.attacl) a
        WHERE a.grantee = 0
        UNION
        SELECT 'schema coursebase'
        FROM pg_namespace n, aclexplode(n.nspacl) a
        WHERE n.oid IN (TABLE ours) AND a.grantee = 0
    ), owners (object, owner, expected) AS (
        SELECT 'table ' || r.oid::regclass, r.relowner,
            (SELECT v.relowner FROM relations v WHERE v.relname = 'schema_version')
        FROM relations r
        UNION ALL
        SELECT 'function ' || f.oid::regprocedure, f.proowner,
            (SELECT e.extowner FROM pg_extension e WHERE e.extname = 'coursebase')
        FROM functions f
    )
    SELECT 'missing', m.object, 'Run SELECT coursebase.install().'
    FROM missing m
    UNION ALL
    SELECT 'schema_behind', 'tables of version ' || coalesce(s.value, 'unknown'),
        'Run ALTER EXTENSION coursebase UPDATE, then SELECT coursebase.install().'
    FROM installed l
    LEFT JOIN installed s ON s.name = 'schema version'
    WHERE l.name = 'library version' AND l.value IS DISTINCT FROM s.value
    UNION ALL
    SELECT 'extension_behind', 'extension of version ' || e.extversion,
        'Run ALTER EXTENSION coursebase UPDATE.'
    FROM pg_extension e
    JOIN installed l ON l.name = 'library version' AND l.value <> e.extversion
    WHERE e.extname = 'coursebase'
    UNION ALL
    SELECT 'row_security_off', 'table ' || r.oid::regclass,
        format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY.', r.oid::regclass)
    FROM relations r
    WHERE r.relkind IN ('r', 'p') AND NOT r.relrowsecurity
    UNION ALL
    SELECT 'row_security_forced', 'table ' || r.oid::regclass,
        format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY: %s.', r.oid::regclass,
            'triggers and dumps of the owner need it')
    FROM relations r
    WHERE r.relforcerowsecurity
    UNION ALL
    SELECT 'view_not_invoker', 'view ' || r.oid::regclass,
        format('ALTER VIEW %s SET (security_invoker = true).', r.oid::regclass)
    FROM relations r
    WHERE r.relkind = 'v' AND NOT coalesce(r.reloptions, '{}') && ARRAY['security_invoker=true',
        'security_invoker=on', 'security_invoker=1']
    UNION ALL
    SELECT 'not_logged', 'table ' || r.oid::regclass,
        format('ALTER TABLE %s SET LOGGED: a crash empties it.', r.oid::regclass)
    FROM relations r
    WHERE r.relkind = 'r' AND r.relpersistence <> 'p'
    UNION ALL
    SELECT 'foreign_key_without_index', 'constraint ' || k.conname,
        format('Create an index on %s that begins with its columns.', k.conrelid::regclass)
    FROM pg_constraint k
    JOIN relations r ON r.oid = k.conrelid
    WHERE k.contype = 'f'
        AND NOT EXISTS (
            SELECT FROM pg_index i
            WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
                AND i.indnkeyatts >= cardinality(k.conkey)
                AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
    UNION ALL
    SELECT 'foreign_key_not_valid', 'constraint ' || k.conname,
        format('ALTER TABLE %s VALIDATE CONSTRAINT %I.', k.conrelid::regclass, k.conname)
    FROM pg_constraint k
    JOIN relations r ON r.oid = k.conrelid
    WHERE k.contype IN ('f', 'c') AND NOT k.convalidated
    UNION ALL
    SELECT 'index_invalid', 'index ' || i.indexrelid::regclass,
        format('REINDEX INDEX CONCURRENTLY %s.', i.indexrelid::regclass)
    FROM pg_index i
    JOIN relations r ON r.oid = i.indrelid
    WHERE NOT (i.indisvalid AND i.indisready)
    UNION ALL
    SELECT 'trigger_disabled', format('trigger %s on %s', t.tgname, r.oid::regclass),
        format('ALTER TABLE %s ENABLE TRIGGER %s.', r.oid::regclass,
            CASE WHEN t.tgisinternal THEN 'ALL' ELSE quote_ident(t.tgname) END)
    FROM pg_trigger t
    JOIN relations r ON r.oid = t.tgrelid
    WHERE t.tgenabled IN ('D', 'R')
    UNION ALL
    SELECT 'guard_off', 'event trigger coursebase_guard',
        'Tables can be dropped: ALTER EVENT TRIGGER coursebase_guard ENABLE, or create the extension again.'
    WHERE NOT EXISTS (
        SELECT FROM pg_event_trigger g
        JOIN functions f ON f.oid = g.evtfoid AND f.proname = 'guard'
        WHERE g.evtname = 'coursebase_guard' AND g.evtevent = 'ddl_command_start'
            AND g.evtenabled IN ('O', 'A') AND g.evttags IS NULL)
    UNION ALL
    SELECT 'search_path_not_fixed', 'function ' || f.oid::regprocedure,
        format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp.', f.oid::regprocedure)
    FROM functions f
    WHERE NOT coalesce(f.proconfig, '{}') && ARRAY['search_path=pg_catalog, pg_temp']
        AND NOT (f.proname IN (TABLE resolves_no_names)
            AND f.prolang = (SELECT l.oid FROM pg_language l WHERE l.lanname = 'c'))
    UNION ALL
    SELECT 'leakproof', 'function ' || f.oid::regprocedure,
        format('ALTER FUNCTION %s NOT LEAKPROOF.', f.oid::regprocedure)
    FROM functions f
    WHERE f.proleakproof
    UNION ALL
    SELECT 'granted_to_public', g.object, format('REVOKE ALL ON %s FROM PUBLIC.', g.object)
    FROM public_grants g
    UNION ALL
    SELECT 'owner_differs', o.object,
        format('It belongs to %I, the others to %I.', o.owner::regrole, o.expected::regrole)
    FROM owners o
    WHERE o.owner <> o.expected
    UNION ALL
    SELECT 'schema_owner', 'schema coursebase',
        format('It belongs to %I, who could plant objects in it.', n.nspowner::regrole)
    FROM pg_namespace n
    JOIN pg_extension e ON e.extname = 'coursebase'
    JOIN pg_roles o ON o.oid = n.nspowner
    WHERE n.oid IN (TABLE ours) AND n.nspowner <> e.extowner AND NOT o.rolsuper
    UNION ALL
    SELECT 'role_missing', format('role %I', i.value),
        format('Create the role that plays %s, and run coursebase.grant_roles().', i.name)
    FROM installed i
    WHERE i.name IN ('anonymous', 'end_user', 'server') AND to_regrole(quote_ident(i.value)) IS NULL
    UNION ALL
    SELECT 'server_role_unfit', format('role %I', i.value),
        format('ALTER ROLE %I BYPASSRLS.', i.value)
    FROM installed i
    JOIN pg_roles o ON o.rolname = i.value AND NOT o.rolbypassrls AND NOT o.rolsuper
    WHERE i.name = 'server'
    UNION ALL
    SELECT 'end_user_role_unfit', format('role %I', i.value),
        format('ALTER ROLE %I NOBYPASSRLS NOSUPERUSER: row security does not hold for it.', i.value)
    FROM installed i
    JOIN pg_roles o ON o.rolname = i.value AND (o.rolbypassrls OR o.rolsuper)
    WHERE i.name IN ('anonymous', 'end_user')
    UNION ALL
    SELECT 'document_not_lz4', format('column %s.%s', s.name, c.name[1]),
        format('ALTER TABLE coursebase.%I ALTER COLUMN %I SET COMPRESSION lz4, %s.', s.name,
            c.name[1],
            'on a server built with lz4: appends are six times cheaper')
    FROM steps s, regexp_matches(s.ddl, '(\w+)\s+json\s+COMPRESSION lz4', 'g') AS c (name)
    WHERE s.kind = 'table'
        AND EXISTS (
            SELECT FROM relations r
            JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = c.name[1]
            WHERE r.relname = s.name AND a.attcompression <> 'l')
    ORDER BY 1, 2
$$;

COMMENT ON FUNCTION coursebase.lint() IS
    'The installation''s own safety, one row a fault: what install() makes and is missing, row security, grants to PUBLIC, indexes under foreign keys, fixed search_path, triggers and guard switched off, versions, owners, roles. No row is good.';

REVOKE ALL ON FUNCTION coursebase.lint() FROM PUBLIC;

CREATE FUNCTION coursebase.check_identity()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE chain (user_id, referred_by, loops) AS (
        SELECT p.user_id, p.referred_by, p.referred_by = p.user_id
        FROM coursebase.user_profile p
        WHERE p.referred_by IS NOT NULL
        UNION
        SELECT c.user_id, p.referred_by, p.referred_by = c.user_id
        FROM chain c
        JOIN coursebase.user_profile p ON p.user_id = c.referred_by
        WHERE p.referred_by IS NOT NULL AND NOT c.loops
    )
    SELECT 'email_lower', 'user_profile ' || p.user_id, 'the address is not in lower case'
    FROM coursebase.user_profile p
    WHERE p.email <> lower(p.email)
    UNION ALL
    SELECT 'referral_code', 'user_profile ' || p.user_id, 'the code is not U and six of A-Z, 2-9'
    FROM coursebase.user_profile p
    WHERE p.referral_code !~ '^U[A-Z2-9]{6}$'
    UNION ALL
    SELECT 'time_zone', 'user_profile ' || p.user_id,
        format('the server knows no time zone %s', p.time_zone)
    FROM coursebase.user_profile p
    WHERE p.time_zone NOT IN (SELECT z.name FROM pg_timezone_names z)
    UNION ALL
    SELECT 'referral_cycle', 'user_profile ' || c.user_id, 'the chain of referrals leads back'
    FROM chain c
    WHERE c.loops
    UNION ALL
    SELECT 'role_audited', 'users ' || u.id, 'the role is not the one that was last recorded'
    FROM coursebase.users u
    LEFT JOIN LATERAL (
        SELECT e.new ->> 'role' AS role
        FROM coursebase.audit_events e
        WHERE e.action = 'role_changed' AND e.object = 'users/' || u.id
        ORDER BY e.created_at DESC
        LIMIT 1
    ) last ON true
    WHERE u.role::text <> coalesce(last.role, 'user')
$$;

COMMENT ON FUNCTION coursebase.check_identity() IS
    'Profiles with an address that is not in lower case, a referral code of another form, an unknown time zone, or a referral that leads back to itself; roles that are not what the audit trail ends in.';

REVOKE ALL ON FUNCTION coursebase.check_identity() FROM PUBLIC;

CREATE FUNCTION coursebase.check_catalog()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'document_checksum', 'course_documents ' || d.course_id,
        format('checksum %s, bytes %s', d.checksum, coursebase.json_checksum(d.data))
    FROM coursebase.course_documents d
    WHERE d.checksum <> coursebase.json_checksum(d.data)
    UNION ALL
    SELECT 'document_size', 'course_documents ' || d.course_id,
        format('file_size_bytes %s, bytes %s', d.file_size_bytes, octet_length(d.data::text))
    FROM coursebase.course_documents d
    WHERE d.file_size_bytes <> octet_length(d.data::text)
$$;

COMMENT ON FUNCTION coursebase.check_catalog() IS
    'Documents of courses whose checksum or size is not that of their bytes.';

REVOKE ALL ON FUNCTION coursebase.check_catalog() FROM PUBLIC;

CREATE FUNCTION coursebase.check_media()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE earlier (id, checksum, bytes, links) AS (
        SELECT c.id, c.checksum, convert_to(c.data::text, getdatabaseencoding()), 0
        FROM coursebase.custom_courses c
        WHERE c.checksum = coursebase.json_checksum(c.data)
            AND EXISTS (
                SELECT FROM coursebase.custom_course_versions v
                WHERE v.custom_course_id = c.id AND v.checksum = c.checksum)
        UNION ALL
        SELECT e.id, v.base_checksum,
            substring(e.bytes FROM 1 FOR v.insert_offset)
                || substring(e.bytes FROM v.insert_offset + v.insert_length + 1),
            e.links + 1
        FROM earlier e
        JOIN coursebase.custom_course_versions v
            ON v.custom_course_id = e.id AND v.checksum = e.checksum
        WHERE e.checksum = md5(e.bytes)
            AND v.insert_offset::bigint + v.insert_length <= octet_length(e.bytes)
    )
    SELECT 'document_checksum', 'custom_courses ' || d.id,
        format('checksum %s, bytes %s', d.checksum, coursebase.json_checksum(d.data))
    FROM coursebase.custom_courses d
    WHERE d.checksum <> coursebase.json_checksum(d.data)
    UNION ALL
    SELECT 'document_size', 'custom_courses ' || d.id,
        format('file_size_bytes %s, bytes %s', d.file_size_bytes, octet_length(d.data::text))
    FROM coursebase.custom_courses d
    WHERE d.file_size_bytes <> octet_length(d.data::text)
    UNION ALL
    SELECT 'append_link', format('custom_course_versions %s %s', e.id, e.checksum),
        'without the recorded insert the bytes are ' || md5(e.bytes)
    FROM earlier e
    WHERE e.links > 0 AND e.checksum <> md5(e.bytes)
    UNION ALL
    SELECT 'append_link', format('custom_course_versions %s %s', e.id, v.base_checksum),
        'the recorded insert ends beyond the document'
    FROM earlier e
    JOIN coursebase.custom_course_versions v
        ON v.custom_course_id = e.id AND v.checksum = e.checksum
    WHERE v.insert_offset::bigint + v.insert_length > octet_length(e.bytes)
$$;

COMMENT ON FUNCTION coursebase.check_media() IS
    'Documents of custom courses whose checksum or size is not that of their bytes, and recorded appends that, taken back, do not give the earlier bytes.';

REVOKE ALL ON FUNCTION coursebase.check_media() FROM PUBLIC;

CREATE FUNCTION coursebase.check_sync()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH current AS (
        -- answers that the next handshake would take from the cache
        SELECT r.user_id, r.response, r.digest, uc.cohort_id, u.role::text = 'admin' AS admin
        FROM coursebase.cached_handshake_responses r
        JOIN coursebase.users u ON u.id = r.user_id AND u.deleted_at IS NULL
        LEFT JOIN coursebase.user_cohorts uc ON uc.user_id = r.user_id
        WHERE r.catalogue_version
                = coalesce((SELECT v.version FROM coursebase.catalogue_version v), 0)
            AND r.cohort_version = coalesce((SELECT v.version FROM coursebase.cohort_versions v
                WHERE v.cohort_id = r.cohort_id), 0)
            AND r.user_version = coalesce((SELECT v.version FROM coursebase.user_versions v
                WHERE v.user_id = r.user_id), 0)
            AND now() >= coalesce(r.valid_from, '-infinity')
            AND now() < coalesce(r.valid_until, 'infinity')
    ), documents AS (
        SELECT c.user_id, m.name, m.checksum, m.file_size_bytes,
            CASE WHEN l.manifest_id IS NULL THEN 0 ELSE 1 END AS rank
        FROM current c
        JOIN coursebase.master_manifests m ON true
        LEFT JOIN coursebase.manifest_cohorts l
            ON l.manifest_id = m.id AND l.cohort_id = c.cohort_id
        WHERE m.is_default OR l.manifest_id IS NOT NULL
        UNION ALL
        SELECT c.user_id, k.course_code || '.json', d.checksum, d.file_size_bytes, 2
        FROM current c
        JOIN coursebase.courses k ON k.course_code IS NOT NULL AND (k.is_free OR c.admin)
        JOIN coursebase.course_documents d ON d.course_id = k.id
        UNION ALL
        SELECT c.user_id, format('%s_%s.json', k.course_code, k.id), k.checksum,
            k.file_size_bytes, 3
        FROM current c
        JOIN coursebase.custom_courses k ON k.user_id = c.user_id
        WHERE (SELECT bool_or(p.status = 'active') FROM coursebase.custom_course_purchases p
            WHERE p.course_id = k.id) IS NOT FALSE
    ), computed AS (
        SELECT c.user_id, c.digest, coalesce(e.digest, md5('')) AS computed_digest, e.lines,
            (SELECT array_agg(substr(l.line, 35) ORDER BY l.n)
             FROM json_array_elements_text(c.response -> 'documents')
                WITH ORDINALITY AS l (line, n)) AS cached_lines
        FROM current c
        LEFT JOIN LATERAL (
            SELECT md5(string_agg(format(E'%s %s\n', d.name, d.checksum), ''
                    ORDER BY d.name COLLATE "C")) AS digest,
                array_agg(format('%s %s %s', d.checksum, d.file_size_bytes, d.name)
                    ORDER BY d.name COLLATE "C") AS lines
            FROM (
                SELECT DISTINCT ON (x.name) x.*
                FROM documents x
                WHERE x.user_id = c.user_id
                ORDER BY x.name, x.rank DESC) d
        ) e ON true
    )
    SELECT 'document_checksum', 'master_manifests ' || d.id,
        format('checksum %s, bytes %s', d.checksum, coursebase.json_checksum(d.content))
    FROM coursebase.master_manifests d
    WHERE d.checksum <> coursebase.json_checksum(d.content)
    UNION ALL
    SELECT 'document_size', 'master_manifests ' || d.id,
        format('file_size_bytes %s, bytes %s', d.file_size_bytes, octet_length(d.content::text))
    FROM coursebase.master_manifests d
    WHERE d.file_size_bytes <> octet_length(d.content::text)
    UNION ALL
    SELECT 'manifest_name', format('manifest_cohorts %s %s', l.manifest_id, l.cohort_id),
        format('it says %s, its manifest is %s', l.name, m.name)
    FROM coursebase.manifest_cohorts l
    JOIN coursebase.master_manifests m ON m.id = l.manifest_id
    WHERE l.name <> m.name
    UNION ALL
    SELECT 'cached_version', 'cached_handshake_responses ' || r.user_id,
        'made from versions that are yet to come: it would answer when they do'
    FROM coursebase.cached_handshake_responses r
    LEFT JOIN coursebase.catalogue_version g ON true
    LEFT JOIN coursebase.cohort_versions c ON c.cohort_id = r.cohort_id
    LEFT JOIN coursebase.user_versions u ON u.user_id = r.user_id
    WHERE r.catalogue_version > coalesce(g.version, 0)
        OR (r.cohort_id IS NOT NULL AND r.cohort_version > coalesce(c.version, 0))
        OR r.user_version > coalesce(u.version, 0)
    UNION ALL
    SELECT 'cached_answer', 'cached_handshake_responses ' || c.user_id,
        'it would be given and is not what the documents give now'
    FROM computed c
    WHERE c.digest <> c.computed_digest OR c.lines IS DISTINCT FROM c.cached_lines
$$;

COMMENT ON FUNCTION coursebase.check_sync() IS
    'Manifests whose checksum or size is not that of their bytes, links that carry another name than their manifest, cached answers made from versions that are yet to come, or that would be given and are not what the documents give.';

REVOKE ALL ON FUNCTION coursebase.check_sync() FROM PUBLIC;

CREATE FUNCTION coursebase.check_records()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'setting_audited', 'settings ' || s.name,
        'the value is not the one that was last recorded'
    FROM coursebase.settings s
    LEFT JOIN LATERAL (
        SELECT e.new ->> 'value' AS value
        FROM coursebase.audit_events e
        WHERE e.action = 'setting_changed' AND e.object = 'settings/' || s.name
        ORDER BY e.created_at DESC
        LIMIT 1
    ) last ON true
    WHERE s.value IS DISTINCT FROM last.value
$$;

COMMENT ON FUNCTION coursebase.check_records() IS
    'Settings whose value is not the one that the audit trail ends in.';

REVOKE ALL ON FUNCTION coursebase.check_records() FROM PUBLIC;

CREATE FUNCTION coursebase.check_references()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_check_references';

COMMENT ON FUNCTION coursebase.check_references() IS
    'Foreign keys, of every slice, with rows that point to nothing: written while triggers were off.';

REVOKE ALL ON FUNCTION coursebase.check_references() FROM PUBLIC;

CREATE FUNCTION coursebase.check_integrity()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM coursebase.check_references()
    UNION ALL
    SELECT * FROM coursebase.check_identity()
    UNION ALL
    SELECT * FROM coursebase.check_catalog()
    UNION ALL
    SELECT * FROM coursebase.check_media()
    UNION ALL
    SELECT * FROM coursebase.check_sync()
    UNION ALL
    SELECT * FROM coursebase.check_records()
    ORDER BY 1, 2, 3
$$;

COMMENT ON FUNCTION coursebase.check_integrity() IS
    'Every rule that damaged data can break, held against the data: one row a problem, none on a sound database. Reads everything, with the caller''s rights.';

REVOKE ALL ON FUNCTION coursebase.check_integrity() FROM PUBLIC;

CREATE FUNCTION coursebase.steps()
RETURNS TABLE (object text, ddl text)
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $steps$
VALUES
('version', '0.1'),
('table schema_version', $ddl$CREATE TABLE coursebase.schema_version (
    singleton   boolean     NOT NULL DEFAULT true,
    version     text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_version_pkey PRIMARY KEY (singleton),
    CONSTRAINT schema_version_one_row_check CHECK (singleton)
)$ddl$),
('comment on table schema_version', $ddl$COMMENT ON TABLE coursebase.schema_version IS
    'One row: the version of coursebase that the tables are of. Written by install().'$ddl$),
('comment on column schema_version.singleton', $ddl$COMMENT ON COLUMN coursebase.schema_version.singleton IS 'Always true: there is one row.'$ddl$),
('comment on column schema_version.version', $ddl$COMMENT ON COLUMN coursebase.schema_version.version IS 'Version of the steps that install() last ran.'$ddl$),
('comment on column schema_version.created_at', $ddl$COMMENT ON COLUMN coursebase.schema_version.created_at IS 'When the tables were first made.'$ddl$),
('comment on column schema_version.updated_at', $ddl$COMMENT ON COLUMN coursebase.schema_version.updated_at IS 'When install() last raised the version.'$ddl$),
('setting of schema_version', $ddl$ALTER TABLE coursebase.schema_version ENABLE ROW LEVEL SECURITY$ddl$),
('table granted_roles', $ddl$CREATE TABLE coursebase.granted_roles (
    part        text        NOT NULL,
    role_name   name        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT granted_roles_pkey PRIMARY KEY (part),
    CONSTRAINT granted_roles_part_check CHECK (part IN ('anonymous', 'end_user', 'server'))
)$ddl$),
('comment on table granted_roles', $ddl$COMMENT ON TABLE coursebase.granted_roles IS
    'The role that plays each part. Written by grant_roles().'$ddl$),
('comment on column granted_roles.part', $ddl$COMMENT ON COLUMN coursebase.granted_roles.part IS 'anonymous, end_user or server.'$ddl$),
('comment on column granted_roles.role_name', $ddl$COMMENT ON COLUMN coursebase.granted_roles.role_name IS 'The role of this server that plays it.'$ddl$),
('comment on column granted_roles.created_at', $ddl$COMMENT ON COLUMN coursebase.granted_roles.created_at IS 'When the part was first given to a role.'$ddl$),
('comment on column granted_roles.updated_at', $ddl$COMMENT ON COLUMN coursebase.granted_roles.updated_at IS 'When it was last given to another.'$ddl$),
('setting of granted_roles', $ddl$ALTER TABLE coursebase.granted_roles ENABLE ROW LEVEL SECURITY$ddl$),
('table settings', $ddl$CREATE TABLE coursebase.settings (
    name           text        NOT NULL,
    kind           text        NOT NULL,
    value          text,
    default_value  text        NOT NULL,
    meaning        text        NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT settings_pkey PRIMARY KEY (name),
    CONSTRAINT settings_kind_known_check CHECK (kind IN ('integer', 'boolean', 'text')),
    CONSTRAINT settings_value_of_its_kind_check CHECK (CASE kind
        WHEN 'integer' THEN value ~ '^-?[0-9]{1,9}$'
        WHEN 'boolean' THEN value IN ('true', 'false')
        ELSE true END),
    CONSTRAINT settings_default_value_of_its_kind_check CHECK (CASE kind
        WHEN 'integer' THEN default_value ~ '^-?[0-9]{1,9}$'
        WHEN 'boolean' THEN default_value IN ('true', 'false')
        ELSE true END)
)$ddl$),
('comment on table settings', $ddl$COMMENT ON TABLE coursebase.settings IS
    'Settings of the business, one row each; settings() shows them with their defaults.'$ddl$),
('comment on column settings.name', $ddl$COMMENT ON COLUMN coursebase.settings.name IS 'Name of the setting.'$ddl$),
('comment on column settings.kind', $ddl$COMMENT ON COLUMN coursebase.settings.kind IS 'integer, boolean (true, false) or text: what its values are.'$ddl$),
('comment on column settings.value', $ddl$COMMENT ON COLUMN coursebase.settings.value IS 'Its value, or NULL for the default.'$ddl$),
('comment on column settings.default_value', $ddl$COMMENT ON COLUMN coursebase.settings.default_value IS 'What holds without a value; a release may change it.'$ddl$),
('comment on column settings.meaning', $ddl$COMMENT ON COLUMN coursebase.settings.meaning IS 'What the setting does, and its unit.'$ddl$),
('comment on column settings.created_at', $ddl$COMMENT ON COLUMN coursebase.settings.created_at IS 'When the release that knows it was installed.'$ddl$),
('comment on column settings.updated_at', $ddl$COMMENT ON COLUMN coursebase.settings.updated_at IS 'When the row last changed.'$ddl$),
('setting of settings', $ddl$ALTER TABLE coursebase.settings ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on settings', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.settings
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('trigger t900_audit on settings', $ddl$CREATE TRIGGER t900_audit AFTER INSERT OR UPDATE OR DELETE ON coursebase.settings
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_settings__audit()$ddl$),
('type user_role', $ddl$CREATE TYPE coursebase.user_role AS ENUM ('admin', 'user')$ddl$),
('comment on type user_role', $ddl$COMMENT ON TYPE coursebase.user_role IS 'What a person is to the whole installation: admin reads everything but server tables.'$ddl$),
('table users', $ddl$CREATE TABLE coursebase.users (
    id             uuid                  NOT NULL DEFAULT gen_random_uuid(),
    clerk_user_id  text                  NOT NULL,
    name           text                  NOT NULL,
    email          text                  NOT NULL,
    role           coursebase.user_role  NOT NULL DEFAULT 'user',
    image_url      text,
    deleted_at     timestamptz,
    created_at     timestamptz           NOT NULL DEFAULT now(),
    updated_at     timestamptz           NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_clerk_user_id_key UNIQUE (clerk_user_id),
    CONSTRAINT users_clerk_user_id_not_empty_check CHECK (clerk_user_id <> '')
)$ddl$),
('comment on table users', $ddl$COMMENT ON TABLE coursebase.users IS 'People: one row a human, known by the id that the authentication provider gives.'$ddl$),
('comment on column users.id', $ddl$COMMENT ON COLUMN coursebase.users.id IS 'Key that every other table points to.'$ddl$),
('comment on column users.clerk_user_id', $ddl$COMMENT ON COLUMN coursebase.users.clerk_user_id IS 'External authentication ID: a Clerk id or the provider''s subject, as in the claim sub.'$ddl$),
('comment on column users.name', $ddl$COMMENT ON COLUMN coursebase.users.name IS 'Name to show.'$ddl$),
('comment on column users.email', $ddl$COMMENT ON COLUMN coursebase.users.email IS 'Address as the authentication provider reports it.'$ddl$),
('comment on column users.role', $ddl$COMMENT ON COLUMN coursebase.users.role IS 'admin or user; changes are audited.'$ddl$),
('comment on column users.image_url', $ddl$COMMENT ON COLUMN coursebase.users.image_url IS 'Picture to show, or NULL.'$ddl$),
('comment on column users.deleted_at', $ddl$COMMENT ON COLUMN coursebase.users.deleted_at IS 'When the account was closed; NULL while it is open. A closed account is nobody''s.'$ddl$),
('comment on column users.created_at', $ddl$COMMENT ON COLUMN coursebase.users.created_at IS 'When the row was made.'$ddl$),
('comment on column users.updated_at', $ddl$COMMENT ON COLUMN coursebase.users.updated_at IS 'When the row last changed.'$ddl$),
('setting of users', $ddl$ALTER TABLE coursebase.users ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t300_guard on users', $ddl$CREATE TRIGGER t300_guard BEFORE UPDATE ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__guard_columns('name', 'image_url')$ddl$),
('trigger t500_stamp on users', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('trigger t900_audit on users', $ddl$CREATE TRIGGER t900_audit AFTER INSERT OR UPDATE OF role ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_users__audit()$ddl$),
('table user_profile', $ddl$CREATE TABLE coursebase.user_profile (
    user_id        uuid         NOT NULL,
    first_name     text,
    last_name      text,
    phone_number   text,
    country        text,
    lead_source    text,
    email          text         NOT NULL,
    time_zone      text         NOT NULL DEFAULT 'UTC',
    devices        jsonb        NOT NULL DEFAULT '{}',
    referral_code  text         NOT NULL,
    referred_by    uuid,
    role           text         NOT NULL DEFAULT 'user',
    created_at     timestamptz  NOT NULL DEFAULT now(),
    updated_at     timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT user_profile_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_profile_referral_code_key UNIQUE (referral_code),
    CONSTRAINT user_profile_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT user_profile_referred_by_fkey FOREIGN KEY (referred_by)
        REFERENCES coursebase.users (id) ON DELETE SET NULL,
    CONSTRAINT user_profile_referred_by_other_check CHECK (referred_by <> user_id),
    CONSTRAINT user_profile_referral_code_form_check CHECK (referral_code ~ '^U[A-Z2-9]{6}$'),
    CONSTRAINT user_profile_email_lower_check CHECK (email = lower(email)),
    CONSTRAINT user_profile_devices_object_check CHECK (jsonb_typeof(devices) = 'object')
)$ddl$),
('index user_profile_referred_by_idx', $ddl$CREATE INDEX user_profile_referred_by_idx ON coursebase.user_profile (referred_by)$ddl$),
('comment on table user_profile', $ddl$COMMENT ON TABLE coursebase.user_profile IS 'What the app knows about a person beyond the account.'$ddl$),
('comment on column user_profile.user_id', $ddl$COMMENT ON COLUMN coursebase.user_profile.user_id IS 'Whose profile it is.'$ddl$),
('comment on column user_profile.first_name', $ddl$COMMENT ON COLUMN coursebase.user_profile.first_name IS 'Given name, or NULL.'$ddl$),
('comment on column user_profile.last_name', $ddl$COMMENT ON COLUMN coursebase.user_profile.last_name IS 'Family name, or NULL.'$ddl$),
('comment on column user_profile.phone_number', $ddl$COMMENT ON COLUMN coursebase.user_profile.phone_number IS 'Telephone number, or NULL.'$ddl$),
('comment on column user_profile.country', $ddl$COMMENT ON COLUMN coursebase.user_profile.country IS 'Country as the person gave it, or NULL.'$ddl$),
('comment on column user_profile.lead_source', $ddl$COMMENT ON COLUMN coursebase.user_profile.lead_source IS 'Where the person heard of the business, or NULL.'$ddl$),
('comment on column user_profile.email', $ddl$COMMENT ON COLUMN coursebase.user_profile.email IS 'Address for mail, always in lower case.'$ddl$),
('comment on column user_profile.time_zone', $ddl$COMMENT ON COLUMN coursebase.user_profile.time_zone IS 'IANA time zone that the server knows: days and weeks of this person are counted in it.'$ddl$),
('comment on column user_profile.devices', $ddl$COMMENT ON COLUMN coursebase.user_profile.devices IS 'Devices seen: device id to the times first and last seen. Last seen moves at most once a day.'$ddl$),
('comment on column user_profile.referral_code', $ddl$COMMENT ON COLUMN coursebase.user_profile.referral_code IS 'The person''s own code for others: U and six of A-Z, 2-9. Made by the database.'$ddl$),
('comment on column user_profile.referred_by', $ddl$COMMENT ON COLUMN coursebase.user_profile.referred_by IS 'Who brought this person, or NULL. Set once.'$ddl$),
('comment on column user_profile.role', $ddl$COMMENT ON COLUMN coursebase.user_profile.role IS 'A label inside the app. Never consulted for rights: users.role is.'$ddl$),
('comment on column user_profile.created_at', $ddl$COMMENT ON COLUMN coursebase.user_profile.created_at IS 'When the row was made.'$ddl$),
('comment on column user_profile.updated_at', $ddl$COMMENT ON COLUMN coursebase.user_profile.updated_at IS 'When the row last changed.'$ddl$),
('setting of user_profile', $ddl$ALTER TABLE coursebase.user_profile ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t100_normalise on user_profile', $ddl$CREATE TRIGGER t100_normalise BEFORE INSERT OR UPDATE ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_user_profile__normalise()$ddl$),
('trigger t100_time_zone on user_profile', $ddl$CREATE TRIGGER t100_time_zone BEFORE INSERT OR UPDATE OF time_zone ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__time_zone()$ddl$),
('trigger t300_guard on user_profile', $ddl$CREATE TRIGGER t300_guard BEFORE UPDATE ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__guard_columns(
        'first_name', 'last_name', 'phone_number', 'country', 'time_zone')$ddl$),
('trigger t300_set_once on user_profile', $ddl$CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once('referred_by')$ddl$),
('trigger t500_stamp on user_profile', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table cohorts', $ddl$CREATE TABLE coursebase.cohorts (
    id                 uuid         NOT NULL DEFAULT gen_random_uuid(),
    code               text         NOT NULL,
    name               text         NOT NULL,
    kind               text         NOT NULL,
    splash_screen_url  text,
    created_at         timestamptz  NOT NULL DEFAULT now(),
    updated_at         timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT cohorts_pkey PRIMARY KEY (id),
    CONSTRAINT cohorts_code_key UNIQUE (code),
    CONSTRAINT cohorts_kind_known_check CHECK (kind IN ('institution', 'experiment', 'influencer'))
)$ddl$),
('comment on table cohorts', $ddl$COMMENT ON TABLE coursebase.cohorts IS 'Groups of people who get manifests, discounts or a splash screen of their own.'$ddl$),
('comment on column cohorts.id', $ddl$COMMENT ON COLUMN coursebase.cohorts.id IS 'Key of the cohort.'$ddl$),
('comment on column cohorts.code', $ddl$COMMENT ON COLUMN coursebase.cohorts.code IS 'Short name by which people are put into it.'$ddl$),
('comment on column cohorts.name', $ddl$COMMENT ON COLUMN coursebase.cohorts.name IS 'Name to show.'$ddl$),
('comment on column cohorts.kind', $ddl$COMMENT ON COLUMN coursebase.cohorts.kind IS 'institution, experiment or influencer.'$ddl$),
('comment on column cohorts.splash_screen_url', $ddl$COMMENT ON COLUMN coursebase.cohorts.splash_screen_url IS 'Picture that the app shows its members at start, or NULL.'$ddl$),
('comment on column cohorts.created_at', $ddl$COMMENT ON COLUMN coursebase.cohorts.created_at IS 'When the row was made.'$ddl$),
('comment on column cohorts.updated_at', $ddl$COMMENT ON COLUMN coursebase.cohorts.updated_at IS 'When the row last changed.'$ddl$),
('setting of cohorts', $ddl$ALTER TABLE coursebase.cohorts ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on cohorts', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table user_cohorts', $ddl$CREATE TABLE coursebase.user_cohorts (
    user_id     uuid         NOT NULL,
    cohort_id   uuid         NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT user_cohorts_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_cohorts_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT user_cohorts_cohort_id_fkey FOREIGN KEY (cohort_id)
        REFERENCES coursebase.cohorts (id) ON DELETE CASCADE
)$ddl$),
('index user_cohorts_cohort_id_idx', $ddl$CREATE INDEX user_cohorts_cohort_id_idx ON coursebase.user_cohorts (cohort_id)$ddl$),
('comment on table user_cohorts', $ddl$COMMENT ON TABLE coursebase.user_cohorts IS 'Which cohort a person is in: one or none.'$ddl$),
('comment on column user_cohorts.user_id', $ddl$COMMENT ON COLUMN coursebase.user_cohorts.user_id IS 'The person.'$ddl$),
('comment on column user_cohorts.cohort_id', $ddl$COMMENT ON COLUMN coursebase.user_cohorts.cohort_id IS 'The cohort.'$ddl$),
('comment on column user_cohorts.created_at', $ddl$COMMENT ON COLUMN coursebase.user_cohorts.created_at IS 'When the person first came into a cohort.'$ddl$),
('comment on column user_cohorts.updated_at', $ddl$COMMENT ON COLUMN coursebase.user_cohorts.updated_at IS 'When the person last changed cohort.'$ddl$),
('setting of user_cohorts', $ddl$ALTER TABLE coursebase.user_cohorts ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on user_cohorts', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.user_cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table courses', $ddl$CREATE TABLE coursebase.courses (
    id              uuid         NOT NULL DEFAULT gen_random_uuid(),
    course_code     text,
    title           text         NOT NULL,
    description     text         NOT NULL,
    price_in_cents  integer,
    currency        char(3),
    icon_url        text,
    workbook_url    text,
    is_free         boolean      NOT NULL DEFAULT false,
    in_premium      boolean      NOT NULL DEFAULT false,
    created_at      timestamptz  NOT NULL DEFAULT now(),
    updated_at      timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT courses_pkey PRIMARY KEY (id),
    CONSTRAINT courses_course_code_key UNIQUE (course_code),
    CONSTRAINT courses_course_code_form_check CHECK (course_code ~ '^[A-WYZ][0-9]{2}[A-Z]{3}$'),
    CONSTRAINT courses_price_not_negative_check CHECK (price_in_cents >= 0),
    CONSTRAINT courses_currency_upper_case_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT courses_price_has_currency_check
        CHECK ((price_in_cents IS NULL) = (currency IS NULL))
)$ddl$),
('comment on table courses', $ddl$COMMENT ON TABLE coursebase.courses IS 'The courses, of the app''s catalogue and of the course platform alike.'$ddl$),
('comment on column courses.id', $ddl$COMMENT ON COLUMN coursebase.courses.id IS 'Key of the course.'$ddl$),
('comment on column courses.course_code', $ddl$COMMENT ON COLUMN coursebase.courses.course_code IS 'Code in the app: a letter but X, two digits, three letters (C14ENB); NULL for a course of the platform only.'$ddl$),
('comment on column courses.title', $ddl$COMMENT ON COLUMN coursebase.courses.title IS 'Title to show.'$ddl$),
('comment on column courses.description', $ddl$COMMENT ON COLUMN coursebase.courses.description IS 'Description to show.'$ddl$),
('comment on column courses.price_in_cents', $ddl$COMMENT ON COLUMN coursebase.courses.price_in_cents IS 'Price in minor units of currency, or NULL for one that is not sold by itself.'$ddl$),
('comment on column courses.currency', $ddl$COMMENT ON COLUMN coursebase.courses.currency IS 'ISO 4217 code of the price, in upper case.'$ddl$),
('comment on column courses.icon_url', $ddl$COMMENT ON COLUMN coursebase.courses.icon_url IS 'Icon to show, or NULL.'$ddl$),
('comment on column courses.workbook_url', $ddl$COMMENT ON COLUMN coursebase.courses.workbook_url IS 'Workbook that goes with the course, or NULL.'$ddl$),
('comment on column courses.is_free', $ddl$COMMENT ON COLUMN coursebase.courses.is_free IS 'Everybody may use it.'$ddl$),
('comment on column courses.in_premium', $ddl$COMMENT ON COLUMN coursebase.courses.in_premium IS 'May fill a premium slot.'$ddl$),
('comment on column courses.created_at', $ddl$COMMENT ON COLUMN coursebase.courses.created_at IS 'When the row was made.'$ddl$),
('comment on column courses.updated_at', $ddl$COMMENT ON COLUMN coursebase.courses.updated_at IS 'When the row last changed.'$ddl$),
('setting of courses', $ddl$ALTER TABLE coursebase.courses ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on courses', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table course_documents', $ddl$CREATE TABLE coursebase.course_documents (
    course_id        uuid         NOT NULL,
    data             json         COMPRESSION lz4 NOT NULL,
    checksum         text         NOT NULL,
    file_size_bytes  integer      NOT NULL,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT course_documents_pkey PRIMARY KEY (course_id),
    CONSTRAINT course_documents_course_id_fkey FOREIGN KEY (course_id)
        REFERENCES coursebase.courses (id) ON DELETE CASCADE,
    CONSTRAINT course_documents_checksum_form_check CHECK (checksum ~ '^[0-9a-f]{32}$'),
    CONSTRAINT course_documents_file_size_not_negative_check CHECK (file_size_bytes >= 0)
)$ddl$),
('comment on table course_documents', $ddl$COMMENT ON TABLE coursebase.course_documents IS 'The document that the app plays for a course: audio, scripts, exercises.'$ddl$),
('comment on column course_documents.course_id', $ddl$COMMENT ON COLUMN coursebase.course_documents.course_id IS 'The course.'$ddl$),
('comment on column course_documents.data', $ddl$COMMENT ON COLUMN coursebase.course_documents.data IS 'The document, kept byte for byte.'$ddl$),
('comment on column course_documents.checksum', $ddl$COMMENT ON COLUMN coursebase.course_documents.checksum IS 'MD5 of the document''s bytes, 32 lower-case hex digits. Kept by a trigger.'$ddl$),
('comment on column course_documents.file_size_bytes', $ddl$COMMENT ON COLUMN coursebase.course_documents.file_size_bytes IS 'Length of the document in bytes. Kept by a trigger.'$ddl$),
('comment on column course_documents.created_at', $ddl$COMMENT ON COLUMN coursebase.course_documents.created_at IS 'When the row was made.'$ddl$),
('comment on column course_documents.updated_at', $ddl$COMMENT ON COLUMN coursebase.course_documents.updated_at IS 'When the row last changed.'$ddl$),
('setting of course_documents', $ddl$ALTER TABLE coursebase.course_documents ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_checksum on course_documents', $ddl$CREATE TRIGGER t500_checksum BEFORE INSERT OR UPDATE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('data')$ddl$),
('trigger t900_checksum on course_documents', $ddl$CREATE TRIGGER t900_checksum AFTER INSERT OR UPDATE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('data')$ddl$),
('trigger t500_stamp on course_documents', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table custom_courses', $ddl$CREATE TABLE coursebase.custom_courses (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id          uuid         NOT NULL,
    course_code      text         NOT NULL,
    title            text         NOT NULL,
    description      text         NOT NULL,
    data             json         COMPRESSION lz4 NOT NULL,
    checksum         text         NOT NULL,
    file_size_bytes  integer      NOT NULL,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT custom_courses_pkey PRIMARY KEY (id),
    CONSTRAINT custom_courses_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT custom_courses_course_code_form_check CHECK (course_code ~ '^X[0-9]{2}[A-Z]{3}$'),
    CONSTRAINT custom_courses_checksum_form_check CHECK (checksum ~ '^[0-9a-f]{32}$'),
    CONSTRAINT custom_courses_file_size_not_negative_check CHECK (file_size_bytes >= 0)
)$ddl$),
('index custom_courses_user_id_idx', $ddl$CREATE INDEX custom_courses_user_id_idx ON coursebase.custom_courses (user_id)$ddl$),
('comment on table custom_courses', $ddl$COMMENT ON TABLE coursebase.custom_courses IS 'Courses made for one person. No policy: only the server reads and writes them.'$ddl$),
('comment on column custom_courses.id', $ddl$COMMENT ON COLUMN coursebase.custom_courses.id IS 'Key of the custom course.'$ddl$),
('comment on column custom_courses.user_id', $ddl$COMMENT ON COLUMN coursebase.custom_courses.user_id IS 'Whose it is.'$ddl$),
('comment on column custom_courses.course_code', $ddl$COMMENT ON COLUMN coursebase.custom_courses.course_code IS 'Code of the product it was bought as: X, two digits, three letters (X99ENB).'$ddl$),
('comment on column custom_courses.title', $ddl$COMMENT ON COLUMN coursebase.custom_courses.title IS 'Title to show.'$ddl$),
('comment on column custom_courses.description', $ddl$COMMENT ON COLUMN coursebase.custom_courses.description IS 'Description to show.'$ddl$),
('comment on column custom_courses.data', $ddl$COMMENT ON COLUMN coursebase.custom_courses.data IS 'The document, kept byte for byte; audio is appended to its member audio_files.'$ddl$),
('comment on column custom_courses.checksum', $ddl$COMMENT ON COLUMN coursebase.custom_courses.checksum IS 'MD5 of the document''s bytes, 32 lower-case hex digits. Kept by a trigger.'$ddl$),
('comment on column custom_courses.file_size_bytes', $ddl$COMMENT ON COLUMN coursebase.custom_courses.file_size_bytes IS 'Length of the document in bytes. Kept by a trigger.'$ddl$),
('comment on column custom_courses.created_at', $ddl$COMMENT ON COLUMN coursebase.custom_courses.created_at IS 'When the row was made.'$ddl$),
('comment on column custom_courses.updated_at', $ddl$COMMENT ON COLUMN coursebase.custom_courses.updated_at IS 'When the row last changed.'$ddl$),
('setting of custom_courses', $ddl$ALTER TABLE coursebase.custom_courses ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_checksum on custom_courses', $ddl$CREATE TRIGGER t500_checksum BEFORE INSERT OR UPDATE ON coursebase.custom_courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('data')$ddl$),
('trigger t900_checksum on custom_courses', $ddl$CREATE TRIGGER t900_checksum AFTER INSERT OR UPDATE ON coursebase.custom_courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('data')$ddl$),
('trigger t500_stamp on custom_courses', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.custom_courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table custom_course_versions', $ddl$CREATE TABLE coursebase.custom_course_versions (
    custom_course_id  uuid         NOT NULL,
    base_checksum     text         NOT NULL,
    checksum          text         NOT NULL,
    insert_offset     integer      NOT NULL,
    insert_length     integer      NOT NULL,
    created_at        timestamptz  NOT NULL DEFAULT now(),
    updated_at        timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT custom_course_versions_pkey PRIMARY KEY (custom_course_id, base_checksum),
    CONSTRAINT custom_course_versions_custom_course_id_fkey FOREIGN KEY (custom_course_id)
        REFERENCES coursebase.custom_courses (id) ON DELETE CASCADE,
    CONSTRAINT custom_course_versions_offset_not_negative_check CHECK (insert_offset >= 0),
    CONSTRAINT custom_course_versions_length_positive_check CHECK (insert_length > 0)
)$ddl$),
('comment on table custom_course_versions', $ddl$COMMENT ON TABLE coursebase.custom_course_versions IS
    'Each append to a custom course: the bytes with base_checksum, with insert_length bytes inserted at insert_offset, are those with checksum.'$ddl$),
('comment on column custom_course_versions.custom_course_id', $ddl$COMMENT ON COLUMN coursebase.custom_course_versions.custom_course_id IS 'The custom course.'$ddl$),
('comment on column custom_course_versions.base_checksum', $ddl$COMMENT ON COLUMN coursebase.custom_course_versions.base_checksum IS 'MD5 of the document before the append.'$ddl$),
('comment on column custom_course_versions.checksum', $ddl$COMMENT ON COLUMN coursebase.custom_course_versions.checksum IS 'MD5 of the document after it.'$ddl$),
('comment on column custom_course_versions.insert_offset', $ddl$COMMENT ON COLUMN coursebase.custom_course_versions.insert_offset IS 'Where bytes were inserted, counted from 0 in the document before.'$ddl$),
('comment on column custom_course_versions.insert_length', $ddl$COMMENT ON COLUMN coursebase.custom_course_versions.insert_length IS 'How many bytes were inserted.'$ddl$),
('comment on column custom_course_versions.created_at', $ddl$COMMENT ON COLUMN coursebase.custom_course_versions.created_at IS 'When the append was made.'$ddl$),
('comment on column custom_course_versions.updated_at', $ddl$COMMENT ON COLUMN coursebase.custom_course_versions.updated_at IS 'When the same append was last made again from the same bytes.'$ddl$),
('setting of custom_course_versions', $ddl$ALTER TABLE coursebase.custom_course_versions ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on custom_course_versions', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.custom_course_versions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table custom_course_purchases', $ddl$CREATE TABLE coursebase.custom_course_purchases (
    id              uuid         NOT NULL DEFAULT gen_random_uuid(),
    course_id       uuid         NOT NULL,
    purchase_id     text         NOT NULL,
    purchase_token  text         NOT NULL,
    source          text         NOT NULL,
    environment     text         NOT NULL,
    link_token      uuid         NOT NULL DEFAULT gen_random_uuid(),
    link_issued_at  timestamptz  NOT NULL DEFAULT now(),
    is_submitted    boolean      NOT NULL DEFAULT false,
    status          text         NOT NULL DEFAULT 'active',
    created_at      timestamptz  NOT NULL DEFAULT now(),
    updated_at      timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT custom_course_purchases_pkey PRIMARY KEY (id),
    CONSTRAINT custom_course_purchases_source_environment_purchase_id_key
        UNIQUE (source, environment, purchase_id),
    CONSTRAINT custom_course_purchases_link_token_key UNIQUE (link_token),
    CONSTRAINT custom_course_purchases_course_id_fkey FOREIGN KEY (course_id)
        REFERENCES coursebase.custom_courses (id) ON DELETE RESTRICT,
    CONSTRAINT custom_course_purchases_source_known_check
        CHECK (source IN ('google_play', 'app_store')),
    CONSTRAINT custom_course_purchases_environment_known_check
        CHECK (environment IN ('production', 'sandbox')),
    CONSTRAINT custom_course_purchases_status_known_check
        CHECK (status IN ('active', 'revoked', 'refunded'))
)$ddl$),
('index custom_course_purchases_course_id_idx', $ddl$CREATE INDEX custom_course_purchases_course_id_idx
    ON coursebase.custom_course_purchases (course_id)$ddl$),
('comment on table custom_course_purchases', $ddl$COMMENT ON TABLE coursebase.custom_course_purchases IS 'Purchases of custom courses, each with the link to its form.'$ddl$),
('comment on column custom_course_purchases.id', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.id IS 'Key of the purchase.'$ddl$),
('comment on column custom_course_purchases.course_id', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.course_id IS 'The custom course that was bought.'$ddl$),
('comment on column custom_course_purchases.purchase_id', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.purchase_id IS 'The store''s id of the purchase.'$ddl$),
('comment on column custom_course_purchases.purchase_token', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.purchase_token IS 'The store''s token, with which it is asked about the purchase.'$ddl$),
('comment on column custom_course_purchases.source', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.source IS 'google_play or app_store.'$ddl$),
('comment on column custom_course_purchases.environment', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.environment IS 'production or sandbox.'$ddl$),
('comment on column custom_course_purchases.link_token', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.link_token IS 'Secret in the link to the form.'$ddl$),
('comment on column custom_course_purchases.link_issued_at', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.link_issued_at IS 'When the link was issued; it lives 24 hours from then.'$ddl$),
('comment on column custom_course_purchases.is_submitted', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.is_submitted IS 'The form behind the link was submitted.'$ddl$),
('comment on column custom_course_purchases.status', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.status IS 'active, revoked or refunded.'$ddl$),
('comment on column custom_course_purchases.created_at', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.created_at IS 'When the row was made.'$ddl$),
('comment on column custom_course_purchases.updated_at', $ddl$COMMENT ON COLUMN coursebase.custom_course_purchases.updated_at IS 'When the row last changed.'$ddl$),
('setting of custom_course_purchases', $ddl$ALTER TABLE coursebase.custom_course_purchases ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on custom_course_purchases', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.custom_course_purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table master_manifests', $ddl$CREATE TABLE coursebase.master_manifests (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    name             text         NOT NULL,
    content          json         COMPRESSION lz4 NOT NULL,
    checksum         text         NOT NULL,
    file_size_bytes  integer      NOT NULL,
    is_default       boolean      NOT NULL DEFAULT false,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT master_manifests_pkey PRIMARY KEY (id),
    CONSTRAINT master_manifests_id_name_key UNIQUE (id, name),
    CONSTRAINT master_manifests_name_not_empty_check CHECK (name <> ''),
    CONSTRAINT master_manifests_checksum_form_check CHECK (checksum ~ '^[0-9a-f]{32}$'),
    CONSTRAINT master_manifests_file_size_not_negative_check CHECK (file_size_bytes >= 0)
)$ddl$),
('index master_manifests_default_name_idx', $ddl$CREATE UNIQUE INDEX master_manifests_default_name_idx ON coursebase.master_manifests (name)
    WHERE is_default$ddl$),
('comment on table master_manifests', $ddl$COMMENT ON TABLE coursebase.master_manifests IS 'Documents that phones fetch at start: one default a name, others for cohorts.'$ddl$),
('comment on column master_manifests.id', $ddl$COMMENT ON COLUMN coursebase.master_manifests.id IS 'Key of the manifest.'$ddl$),
('comment on column master_manifests.name', $ddl$COMMENT ON COLUMN coursebase.master_manifests.name IS 'File name on the phone, such as shop.json.'$ddl$),
('comment on column master_manifests.content', $ddl$COMMENT ON COLUMN coursebase.master_manifests.content IS 'The document, kept byte for byte.'$ddl$),
('comment on column master_manifests.checksum', $ddl$COMMENT ON COLUMN coursebase.master_manifests.checksum IS 'MD5 of the document''s bytes, 32 lower-case hex digits. Kept by a trigger.'$ddl$),
('comment on column master_manifests.file_size_bytes', $ddl$COMMENT ON COLUMN coursebase.master_manifests.file_size_bytes IS 'Length of the document in bytes. Kept by a trigger.'$ddl$),
('comment on column master_manifests.is_default', $ddl$COMMENT ON COLUMN coursebase.master_manifests.is_default IS 'Goes to everybody whose cohort has no manifest of this name.'$ddl$),
('comment on column master_manifests.created_at', $ddl$COMMENT ON COLUMN coursebase.master_manifests.created_at IS 'When the row was made.'$ddl$),
('comment on column master_manifests.updated_at', $ddl$COMMENT ON COLUMN coursebase.master_manifests.updated_at IS 'When the row last changed.'$ddl$),
('setting of master_manifests', $ddl$ALTER TABLE coursebase.master_manifests ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_checksum on master_manifests', $ddl$CREATE TRIGGER t500_checksum BEFORE INSERT OR UPDATE ON coursebase.master_manifests
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('content')$ddl$),
('trigger t900_checksum on master_manifests', $ddl$CREATE TRIGGER t900_checksum AFTER INSERT OR UPDATE ON coursebase.master_manifests
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('content')$ddl$),
('trigger t500_stamp on master_manifests', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.master_manifests
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table manifest_cohorts', $ddl$CREATE TABLE coursebase.manifest_cohorts (
    manifest_id  uuid         NOT NULL,
    cohort_id    uuid         NOT NULL,
    name         text         NOT NULL,
    created_at   timestamptz  NOT NULL DEFAULT now(),
    updated_at   timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT manifest_cohorts_pkey PRIMARY KEY (manifest_id, cohort_id),
    CONSTRAINT manifest_cohorts_cohort_id_name_key UNIQUE (cohort_id, name),
    CONSTRAINT manifest_cohorts_manifest_id_name_fkey FOREIGN KEY (manifest_id, name)
        REFERENCES coursebase.master_manifests (id, name) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT manifest_cohorts_cohort_id_fkey FOREIGN KEY (cohort_id)
        REFERENCES coursebase.cohorts (id) ON DELETE CASCADE
)$ddl$),
('index manifest_cohorts_manifest_id_name_idx', $ddl$CREATE INDEX manifest_cohorts_manifest_id_name_idx
    ON coursebase.manifest_cohorts (manifest_id, name)$ddl$),
('comment on table manifest_cohorts', $ddl$COMMENT ON TABLE coursebase.manifest_cohorts IS 'Manifests that a cohort gets instead of the default of the same name.'$ddl$),
('comment on column manifest_cohorts.manifest_id', $ddl$COMMENT ON COLUMN coursebase.manifest_cohorts.manifest_id IS 'The manifest.'$ddl$),
('comment on column manifest_cohorts.cohort_id', $ddl$COMMENT ON COLUMN coursebase.manifest_cohorts.cohort_id IS 'The cohort that gets it.'$ddl$),
('comment on column manifest_cohorts.name', $ddl$COMMENT ON COLUMN coursebase.manifest_cohorts.name IS 'The manifest''s name, filled in and kept equal by the database.'$ddl$),
('comment on column manifest_cohorts.created_at', $ddl$COMMENT ON COLUMN coursebase.manifest_cohorts.created_at IS 'When the row was made.'$ddl$),
('comment on column manifest_cohorts.updated_at', $ddl$COMMENT ON COLUMN coursebase.manifest_cohorts.updated_at IS 'When the row last changed.'$ddl$),
('setting of manifest_cohorts', $ddl$ALTER TABLE coursebase.manifest_cohorts ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t100_name on manifest_cohorts', $ddl$CREATE TRIGGER t100_name BEFORE INSERT OR UPDATE ON coursebase.manifest_cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_manifest_cohorts__name()$ddl$),
('trigger t500_stamp on manifest_cohorts', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.manifest_cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table catalogue_version', $ddl$CREATE TABLE coursebase.catalogue_version (
    singleton   boolean      NOT NULL DEFAULT true,
    version     bigint       NOT NULL DEFAULT 0,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT catalogue_version_pkey PRIMARY KEY (singleton),
    CONSTRAINT catalogue_version_one_row_check CHECK (singleton)
)$ddl$),
('comment on table catalogue_version', $ddl$COMMENT ON TABLE coursebase.catalogue_version IS 'Moves when anything changes that everybody''s handshake is made from.'$ddl$),
('comment on column catalogue_version.singleton', $ddl$COMMENT ON COLUMN coursebase.catalogue_version.singleton IS 'Always true: there is one row.'$ddl$),
('comment on column catalogue_version.version', $ddl$COMMENT ON COLUMN coursebase.catalogue_version.version IS 'Counts the changes.'$ddl$),
('comment on column catalogue_version.created_at', $ddl$COMMENT ON COLUMN coursebase.catalogue_version.created_at IS 'When the row was made.'$ddl$),
('comment on column catalogue_version.updated_at', $ddl$COMMENT ON COLUMN coursebase.catalogue_version.updated_at IS 'When it last moved.'$ddl$),
('setting of catalogue_version', $ddl$ALTER TABLE coursebase.catalogue_version ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on catalogue_version', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.catalogue_version
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table cohort_versions', $ddl$CREATE TABLE coursebase.cohort_versions (
    cohort_id   uuid         NOT NULL,
    version     bigint       NOT NULL DEFAULT 0,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT cohort_versions_pkey PRIMARY KEY (cohort_id),
    CONSTRAINT cohort_versions_cohort_id_fkey FOREIGN KEY (cohort_id)
        REFERENCES coursebase.cohorts (id) ON DELETE CASCADE
)$ddl$),
('comment on table cohort_versions', $ddl$COMMENT ON TABLE coursebase.cohort_versions IS 'Moves when anything changes that the handshakes of a cohort''s members are made from.'$ddl$),
('comment on column cohort_versions.cohort_id', $ddl$COMMENT ON COLUMN coursebase.cohort_versions.cohort_id IS 'The cohort.'$ddl$),
('comment on column cohort_versions.version', $ddl$COMMENT ON COLUMN coursebase.cohort_versions.version IS 'Counts the changes; a cohort without a row is at 0.'$ddl$),
('comment on column cohort_versions.created_at', $ddl$COMMENT ON COLUMN coursebase.cohort_versions.created_at IS 'When the row was made.'$ddl$),
('comment on column cohort_versions.updated_at', $ddl$COMMENT ON COLUMN coursebase.cohort_versions.updated_at IS 'When it last moved.'$ddl$),
('setting of cohort_versions', $ddl$ALTER TABLE coursebase.cohort_versions ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on cohort_versions', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.cohort_versions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table user_versions', $ddl$CREATE TABLE coursebase.user_versions (
    user_id     uuid         NOT NULL,
    version     bigint       NOT NULL DEFAULT 0,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT user_versions_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_versions_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE
)$ddl$),
('comment on table user_versions', $ddl$COMMENT ON TABLE coursebase.user_versions IS 'Moves when anything changes that a user''s handshake is made from.'$ddl$),
('comment on column user_versions.user_id', $ddl$COMMENT ON COLUMN coursebase.user_versions.user_id IS 'The user.'$ddl$),
('comment on column user_versions.version', $ddl$COMMENT ON COLUMN coursebase.user_versions.version IS 'Counts the changes; a user without a row is at 0.'$ddl$),
('comment on column user_versions.created_at', $ddl$COMMENT ON COLUMN coursebase.user_versions.created_at IS 'When the row was made.'$ddl$),
('comment on column user_versions.updated_at', $ddl$COMMENT ON COLUMN coursebase.user_versions.updated_at IS 'When it last moved.'$ddl$),
('setting of user_versions', $ddl$ALTER TABLE coursebase.user_versions ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on user_versions', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.user_versions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table cached_handshake_responses', $ddl$CREATE TABLE coursebase.cached_handshake_responses (
    user_id            uuid         NOT NULL,
    response           json         NOT NULL,
    digest             text         NOT NULL,
    computed_at        timestamptz  NOT NULL,
    valid_from         timestamptz,
    valid_until        timestamptz,
    catalogue_version  bigint       NOT NULL,
    cohort_id          uuid,
    cohort_version     bigint       NOT NULL,
    user_version       bigint       NOT NULL,
    CONSTRAINT cached_handshake_responses_pkey PRIMARY KEY (user_id),
    CONSTRAINT cached_handshake_responses_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE
)
WITH (toast_tuple_target = 8160)$ddl$),
('comment on table cached_handshake_responses', $ddl$COMMENT ON TABLE coursebase.cached_handshake_responses IS
    'The last computed handshake of each user; it answers only while the versions it saw are the current ones.'$ddl$),
('comment on column cached_handshake_responses.user_id', $ddl$COMMENT ON COLUMN coursebase.cached_handshake_responses.user_id IS 'The user.'$ddl$),
('comment on column cached_handshake_responses.response', $ddl$COMMENT ON COLUMN coursebase.cached_handshake_responses.response IS 'Members of the answer, names that are never deleted, and a line a document: source and id, checksum, size, name. Contents are not kept.'$ddl$),
('comment on column cached_handshake_responses.digest', $ddl$COMMENT ON COLUMN coursebase.cached_handshake_responses.digest IS 'Digest of the manifest that it lists.'$ddl$),
('comment on column cached_handshake_responses.computed_at', $ddl$COMMENT ON COLUMN coursebase.cached_handshake_responses.computed_at IS 'The time for which it was computed.'$ddl$),
('comment on column cached_handshake_responses.valid_from', $ddl$COMMENT ON COLUMN coursebase.cached_handshake_responses.valid_from IS 'Before this time the answer was another one; NULL: always this one.'$ddl$),
('comment on column cached_handshake_responses.valid_until', $ddl$COMMENT ON COLUMN coursebase.cached_handshake_responses.valid_until IS 'From when on time alone changes the answer; NULL: never.'$ddl$),
('comment on column cached_handshake_responses.catalogue_version', $ddl$COMMENT ON COLUMN coursebase.cached_handshake_responses.catalogue_version IS 'Version of the catalogue that the computation saw.'$ddl$),
('comment on column cached_handshake_responses.cohort_id', $ddl$COMMENT ON COLUMN coursebase.cached_handshake_responses.cohort_id IS 'Cohort of the user that the computation saw, or NULL. No foreign key: what remembers must not lock the cohort.'$ddl$),
('comment on column cached_handshake_responses.cohort_version', $ddl$COMMENT ON COLUMN coursebase.cached_handshake_responses.cohort_version IS 'Version of that cohort that the computation saw.'$ddl$),
('comment on column cached_handshake_responses.user_version', $ddl$COMMENT ON COLUMN coursebase.cached_handshake_responses.user_version IS 'Version of the user that the computation saw.'$ddl$),
('setting of cached_handshake_responses', $ddl$ALTER TABLE coursebase.cached_handshake_responses ENABLE ROW LEVEL SECURITY$ddl$),
('setting of cached_handshake_responses', $ddl$ALTER TABLE coursebase.cached_handshake_responses ALTER COLUMN response SET STORAGE EXTERNAL$ddl$),
('table analytics', $ddl$CREATE TABLE coursebase.analytics (
    user_id         uuid         NOT NULL,
    current_course  text,
    voice           text,
    induction       text,
    background      text,
    deepening       text,
    created_at      timestamptz  NOT NULL DEFAULT now(),
    updated_at      timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT analytics_pkey PRIMARY KEY (user_id),
    CONSTRAINT analytics_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE
)$ddl$),
('comment on table analytics', $ddl$COMMENT ON TABLE coursebase.analytics IS 'What a person has chosen in the player, one row a user.'$ddl$),
('comment on column analytics.user_id', $ddl$COMMENT ON COLUMN coursebase.analytics.user_id IS 'The user.'$ddl$),
('comment on column analytics.current_course', $ddl$COMMENT ON COLUMN coursebase.analytics.current_course IS 'Course that is being played, or NULL.'$ddl$),
('comment on column analytics.voice', $ddl$COMMENT ON COLUMN coursebase.analytics.voice IS 'Voice chosen, or NULL.'$ddl$),
('comment on column analytics.induction', $ddl$COMMENT ON COLUMN coursebase.analytics.induction IS 'Induction chosen, or NULL.'$ddl$),
('comment on column analytics.background', $ddl$COMMENT ON COLUMN coursebase.analytics.background IS 'Background sound chosen, or NULL.'$ddl$),
('comment on column analytics.deepening', $ddl$COMMENT ON COLUMN coursebase.analytics.deepening IS 'Deepening chosen, or NULL.'$ddl$),
('comment on column analytics.created_at', $ddl$COMMENT ON COLUMN coursebase.analytics.created_at IS 'When the row was made.'$ddl$),
('comment on column analytics.updated_at', $ddl$COMMENT ON COLUMN coursebase.analytics.updated_at IS 'When the row last changed.'$ddl$),
('setting of analytics', $ddl$ALTER TABLE coursebase.analytics ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on analytics', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.analytics
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table audio_usage', $ddl$CREATE TABLE coursebase.audio_usage (
    user_id      uuid         NOT NULL,
    course_code  text         NOT NULL,
    audio_key    text         NOT NULL,
    title        text,
    play_count   integer      NOT NULL,
    created_at   timestamptz  NOT NULL DEFAULT now(),
    updated_at   timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT audio_usage_pkey PRIMARY KEY (user_id, course_code, audio_key),
    CONSTRAINT audio_usage_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT audio_usage_play_count_not_negative_check CHECK (play_count >= 0)
)$ddl$),
('comment on table audio_usage', $ddl$COMMENT ON TABLE coursebase.audio_usage IS 'Play counts: a client''s total never lowers one.'$ddl$),
('comment on column audio_usage.user_id', $ddl$COMMENT ON COLUMN coursebase.audio_usage.user_id IS 'The user.'$ddl$),
('comment on column audio_usage.course_code', $ddl$COMMENT ON COLUMN coursebase.audio_usage.course_code IS 'Code of the course that was played.'$ddl$),
('comment on column audio_usage.audio_key', $ddl$COMMENT ON COLUMN coursebase.audio_usage.audio_key IS 'The audio within it.'$ddl$),
('comment on column audio_usage.title', $ddl$COMMENT ON COLUMN coursebase.audio_usage.title IS 'Title that the client showed, or NULL.'$ddl$),
('comment on column audio_usage.play_count', $ddl$COMMENT ON COLUMN coursebase.audio_usage.play_count IS 'The highest total that a client reported.'$ddl$),
('comment on column audio_usage.created_at', $ddl$COMMENT ON COLUMN coursebase.audio_usage.created_at IS 'When the row was made.'$ddl$),
('comment on column audio_usage.updated_at', $ddl$COMMENT ON COLUMN coursebase.audio_usage.updated_at IS 'When the row last changed.'$ddl$),
('setting of audio_usage', $ddl$ALTER TABLE coursebase.audio_usage ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t100_keep_greatest on audio_usage', $ddl$CREATE TRIGGER t100_keep_greatest BEFORE UPDATE ON coursebase.audio_usage
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_audio_usage__keep_greatest()$ddl$),
('trigger t500_stamp on audio_usage', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.audio_usage
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('index courses_free_idx', $ddl$CREATE INDEX courses_free_idx ON coursebase.courses (course_code)
    WHERE is_free AND course_code IS NOT NULL$ddl$),
('rows of settings', $ddl$INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning)
VALUES (
    'protected_manifests',
    'text',
    'ads.json background.json core_segments.json FAQs.json shop.json',
    'File names that a handshake never tells a phone to delete, separated by spaces or commas.'
)
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning
WHERE (s.default_value, s.meaning) IS DISTINCT FROM (excluded.default_value, excluded.meaning)$ddl$),
('trigger t900_move_version on settings', $ddl$CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.settings
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version_on_update on settings', $ddl$CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.settings
    FOR EACH ROW WHEN ((OLD.name, OLD.value, OLD.default_value)
        IS DISTINCT FROM (NEW.name, NEW.value, NEW.default_value))
    EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version_on_truncate on settings', $ddl$CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.settings
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version_on_update on users', $ddl$CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.users
    FOR EACH ROW WHEN ((OLD.role, OLD.deleted_at)
        IS DISTINCT FROM (NEW.role, NEW.deleted_at))
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'id')$ddl$),
('trigger t900_move_version_on_truncate on users', $ddl$CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.users
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version on user_cohorts', $ddl$CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.user_cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id')$ddl$),
('trigger t900_move_version_on_update on user_cohorts', $ddl$CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.user_cohorts
    FOR EACH ROW WHEN ((OLD.user_id, OLD.cohort_id)
        IS DISTINCT FROM (NEW.user_id, NEW.cohort_id))
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id')$ddl$),
('trigger t900_move_version_on_truncate on user_cohorts', $ddl$CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.user_cohorts
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version on courses', $ddl$CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version_on_update on courses', $ddl$CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.courses
    FOR EACH ROW WHEN ((OLD.course_code, OLD.is_free)
        IS DISTINCT FROM (NEW.course_code, NEW.is_free))
    EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version_on_truncate on courses', $ddl$CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.courses
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version on course_documents', $ddl$CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version_on_update on course_documents', $ddl$CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.course_documents
    FOR EACH ROW WHEN ((OLD.course_id, OLD.checksum)
        IS DISTINCT FROM (NEW.course_id, NEW.checksum))
    EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version_on_truncate on course_documents', $ddl$CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.course_documents
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version on custom_courses', $ddl$CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.custom_courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id')$ddl$),
('trigger t900_move_version_on_update on custom_courses', $ddl$CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.custom_courses
    FOR EACH ROW WHEN ((OLD.user_id, OLD.course_code, OLD.checksum)
        IS DISTINCT FROM (NEW.user_id, NEW.course_code, NEW.checksum))
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id')$ddl$),
('trigger t900_move_version_on_truncate on custom_courses', $ddl$CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.custom_courses
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version on custom_course_purchases', $ddl$CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.custom_course_purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('custom_course', 'course_id')$ddl$),
('trigger t900_move_version_on_update on custom_course_purchases', $ddl$CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.custom_course_purchases
    FOR EACH ROW WHEN ((OLD.course_id, OLD.status)
        IS DISTINCT FROM (NEW.course_id, NEW.status))
    EXECUTE FUNCTION coursebase.tg_any__move_version('custom_course', 'course_id')$ddl$),
('trigger t900_move_version_on_truncate on custom_course_purchases', $ddl$CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.custom_course_purchases
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version on master_manifests', $ddl$CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.master_manifests
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version_on_update on master_manifests', $ddl$CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.master_manifests
    FOR EACH ROW WHEN ((OLD.id, OLD.name, OLD.checksum, OLD.is_default)
        IS DISTINCT FROM (NEW.id, NEW.name, NEW.checksum, NEW.is_default))
    EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version_on_truncate on master_manifests', $ddl$CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.master_manifests
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('trigger t900_move_version on manifest_cohorts', $ddl$CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.manifest_cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('cohort', 'cohort_id')$ddl$),
('trigger t900_move_version_on_update on manifest_cohorts', $ddl$CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.manifest_cohorts
    FOR EACH ROW WHEN ((OLD.manifest_id, OLD.cohort_id)
        IS DISTINCT FROM (NEW.manifest_id, NEW.cohort_id))
    EXECUTE FUNCTION coursebase.tg_any__move_version('cohort', 'cohort_id')$ddl$),
('trigger t900_move_version_on_truncate on manifest_cohorts', $ddl$CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.manifest_cohorts
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue')$ddl$),
('table app_logs', $ddl$CREATE TABLE coursebase.app_logs (
    id          uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id     uuid,
    log_type    text         NOT NULL,
    message     text         NOT NULL,
    origin      text         NOT NULL DEFAULT 'app',
    context     jsonb,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT app_logs_pkey PRIMARY KEY (id),
    CONSTRAINT app_logs_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE SET NULL,
    CONSTRAINT app_logs_log_type_known_check CHECK (log_type IN (
        'sync_module', 'billing', 'authentication', 'sign_up', 'audio_playback', 'ai_chat', 'error',
        'user_action', 'user_report')),
    CONSTRAINT app_logs_message_1_to_10000_characters_check
        CHECK (length(message) BETWEEN 1 AND 10000),
    CONSTRAINT app_logs_origin_1_to_100_characters_check CHECK (length(origin) BETWEEN 1 AND 100),
    CONSTRAINT app_logs_context_at_most_64_kb_check CHECK (octet_length(context::text) <= 65536)
)$ddl$),
('index app_logs_sign_up_user_id_idx', $ddl$CREATE UNIQUE INDEX app_logs_sign_up_user_id_idx ON coursebase.app_logs (user_id)
    WHERE log_type = 'sign_up'$ddl$),
('index app_logs_created_at_idx', $ddl$CREATE INDEX app_logs_created_at_idx ON coursebase.app_logs (created_at)$ddl$),
('index app_logs_user_id_idx', $ddl$CREATE INDEX app_logs_user_id_idx ON coursebase.app_logs (user_id)$ddl$),
('comment on table app_logs', $ddl$COMMENT ON TABLE coursebase.app_logs IS 'What apps report of themselves and their users.'$ddl$),
('comment on column app_logs.id', $ddl$COMMENT ON COLUMN coursebase.app_logs.id IS 'Key of the entry.'$ddl$),
('comment on column app_logs.user_id', $ddl$COMMENT ON COLUMN coursebase.app_logs.user_id IS 'Who was using the app, or NULL.'$ddl$),
('comment on column app_logs.log_type', $ddl$COMMENT ON COLUMN coursebase.app_logs.log_type IS 'What the entry is about. A person has at most one entry of type sign_up, which log_app() updates in place.'$ddl$),
('comment on column app_logs.message', $ddl$COMMENT ON COLUMN coursebase.app_logs.message IS 'What happened.'$ddl$),
('comment on column app_logs.origin', $ddl$COMMENT ON COLUMN coursebase.app_logs.origin IS 'Which program reported it.'$ddl$),
('comment on column app_logs.context', $ddl$COMMENT ON COLUMN coursebase.app_logs.context IS 'Facts beside the message, or NULL.'$ddl$),
('comment on column app_logs.created_at', $ddl$COMMENT ON COLUMN coursebase.app_logs.created_at IS 'When it was reported.'$ddl$),
('comment on column app_logs.updated_at', $ddl$COMMENT ON COLUMN coursebase.app_logs.updated_at IS 'When the entry last changed (a sign-up is updated in place).'$ddl$),
('setting of app_logs', $ddl$ALTER TABLE coursebase.app_logs ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t500_stamp on app_logs', $ddl$CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.app_logs
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp()$ddl$),
('table server_logs', $ddl$CREATE TABLE coursebase.server_logs (
    id             uuid         NOT NULL DEFAULT gen_random_uuid(),
    function_name  text         NOT NULL,
    level          text         NOT NULL,
    message        text         NOT NULL,
    context        jsonb,
    user_id        uuid,
    duration_ms    numeric,
    created_at     timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT server_logs_pkey PRIMARY KEY (id),
    CONSTRAINT server_logs_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE SET NULL,
    CONSTRAINT server_logs_level_known_check CHECK (level IN ('debug', 'info', 'warning', 'error')),
    CONSTRAINT server_logs_function_name_1_to_200_characters_check
        CHECK (length(function_name) BETWEEN 1 AND 200),
    CONSTRAINT server_logs_message_1_to_10000_characters_check
        CHECK (length(message) BETWEEN 1 AND 10000),
    CONSTRAINT server_logs_context_at_most_64_kb_check
        CHECK (octet_length(context::text) <= 65536),
    CONSTRAINT server_logs_duration_not_negative_check CHECK (duration_ms >= 0)
)$ddl$),
('index server_logs_created_at_idx', $ddl$CREATE INDEX server_logs_created_at_idx ON coursebase.server_logs (created_at)$ddl$),
('index server_logs_user_id_idx', $ddl$CREATE INDEX server_logs_user_id_idx ON coursebase.server_logs (user_id)$ddl$),
('comment on table server_logs', $ddl$COMMENT ON TABLE coursebase.server_logs IS 'What edge functions and stored procedures report.'$ddl$),
('comment on column server_logs.id', $ddl$COMMENT ON COLUMN coursebase.server_logs.id IS 'Key of the entry.'$ddl$),
('comment on column server_logs.function_name', $ddl$COMMENT ON COLUMN coursebase.server_logs.function_name IS 'Which function reported it.'$ddl$),
('comment on column server_logs.level', $ddl$COMMENT ON COLUMN coursebase.server_logs.level IS 'debug, info, warning or error.'$ddl$),
('comment on column server_logs.message', $ddl$COMMENT ON COLUMN coursebase.server_logs.message IS 'What happened.'$ddl$),
('comment on column server_logs.context', $ddl$COMMENT ON COLUMN coursebase.server_logs.context IS 'Facts beside the message, or NULL.'$ddl$),
('comment on column server_logs.user_id', $ddl$COMMENT ON COLUMN coursebase.server_logs.user_id IS 'On whose behalf it worked, or NULL.'$ddl$),
('comment on column server_logs.duration_ms', $ddl$COMMENT ON COLUMN coursebase.server_logs.duration_ms IS 'How long it took in milliseconds, or NULL.'$ddl$),
('comment on column server_logs.created_at', $ddl$COMMENT ON COLUMN coursebase.server_logs.created_at IS 'When it was reported.'$ddl$),
('setting of server_logs', $ddl$ALTER TABLE coursebase.server_logs ENABLE ROW LEVEL SECURITY$ddl$),
('table audit_events', $ddl$CREATE TABLE coursebase.audit_events (
    id          uuid         NOT NULL DEFAULT gen_random_uuid(),
    actor_id    uuid,
    action      text         NOT NULL,
    object      text         NOT NULL,
    old         jsonb,
    new         jsonb,
    created_at  timestamptz  NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT audit_events_pkey PRIMARY KEY (id),
    CONSTRAINT audit_events_actor_id_fkey FOREIGN KEY (actor_id)
        REFERENCES coursebase.users (id) ON DELETE SET NULL
)$ddl$),
('index audit_events_created_at_idx', $ddl$CREATE INDEX audit_events_created_at_idx ON coursebase.audit_events (created_at)$ddl$),
('index audit_events_object_created_at_idx', $ddl$CREATE INDEX audit_events_object_created_at_idx ON coursebase.audit_events (object, created_at)$ddl$),
('index audit_events_actor_id_idx', $ddl$CREATE INDEX audit_events_actor_id_idx ON coursebase.audit_events (actor_id)$ddl$),
('comment on table audit_events', $ddl$COMMENT ON TABLE coursebase.audit_events IS 'Who changed roles, rights, refunds and settings. Rows are never changed or deleted.'$ddl$),
('comment on column audit_events.id', $ddl$COMMENT ON COLUMN coursebase.audit_events.id IS 'Key of the event.'$ddl$),
('comment on column audit_events.actor_id', $ddl$COMMENT ON COLUMN coursebase.audit_events.actor_id IS 'The user who did it, or NULL: a server or an operator.'$ddl$),
('comment on column audit_events.action', $ddl$COMMENT ON COLUMN coursebase.audit_events.action IS 'What was done, such as role_changed.'$ddl$),
('comment on column audit_events.object', $ddl$COMMENT ON COLUMN coursebase.audit_events.object IS 'To what it was done, such as users/<id>.'$ddl$),
('comment on column audit_events.old', $ddl$COMMENT ON COLUMN coursebase.audit_events.old IS 'The values before, or NULL.'$ddl$),
('comment on column audit_events.new', $ddl$COMMENT ON COLUMN coursebase.audit_events.new IS 'The values after, or NULL.'$ddl$),
('comment on column audit_events.created_at', $ddl$COMMENT ON COLUMN coursebase.audit_events.created_at IS 'When it was done.'$ddl$),
('setting of audit_events', $ddl$ALTER TABLE coursebase.audit_events ENABLE ROW LEVEL SECURITY$ddl$),
('trigger t300_append_only on audit_events', $ddl$CREATE TRIGGER t300_append_only BEFORE UPDATE OR DELETE ON coursebase.audit_events
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__append_only('actor_id')$ddl$),
('trigger t300_append_only_on_truncate on audit_events', $ddl$CREATE TRIGGER t300_append_only_on_truncate BEFORE TRUNCATE ON coursebase.audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__append_only()$ddl$),
('policy self_select_own on users', $ddl$CREATE POLICY self_select_own ON coursebase.users
    FOR SELECT TO public
    USING (id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()))$ddl$),
('comment on policy self_select_own on users', $ddl$COMMENT ON POLICY self_select_own ON coursebase.users IS
    'A person reads the own account; administrators read all.'$ddl$),
('policy self_update_own on users', $ddl$CREATE POLICY self_update_own ON coursebase.users
    FOR UPDATE TO public
    USING (id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()))
    WITH CHECK (id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()))$ddl$),
('comment on policy self_update_own on users', $ddl$COMMENT ON POLICY self_update_own ON coursebase.users IS
    'A person changes name and picture of the own account (t300_guard); administrators change all.'$ddl$),
('policy admin_insert_all on users', $ddl$CREATE POLICY admin_insert_all ON coursebase.users
    FOR INSERT TO public
    WITH CHECK ((SELECT coursebase.is_admin()))$ddl$),
('comment on policy admin_insert_all on users', $ddl$COMMENT ON POLICY admin_insert_all ON coursebase.users IS 'Administrators make accounts.'$ddl$),
('policy admin_delete_all on users', $ddl$CREATE POLICY admin_delete_all ON coursebase.users
    FOR DELETE TO public
    USING ((SELECT coursebase.is_admin()))$ddl$),
('comment on policy admin_delete_all on users', $ddl$COMMENT ON POLICY admin_delete_all ON coursebase.users IS
    'Administrators remove accounts to which nothing points that must stay.'$ddl$),
('policy self_select_own on user_profile', $ddl$CREATE POLICY self_select_own ON coursebase.user_profile
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()))$ddl$),
('comment on policy self_select_own on user_profile', $ddl$COMMENT ON POLICY self_select_own ON coursebase.user_profile IS
    'A person reads the own profile; administrators read all.'$ddl$),
('policy self_update_own on user_profile', $ddl$CREATE POLICY self_update_own ON coursebase.user_profile
    FOR UPDATE TO public
    USING (user_id = (SELECT coursebase.current_user_id()))
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()))$ddl$),
('comment on policy self_update_own on user_profile', $ddl$COMMENT ON POLICY self_update_own ON coursebase.user_profile IS
    'A person changes names, telephone, country and time zone of the own profile (t300_guard).'$ddl$),
('policy member_select_own on cohorts', $ddl$CREATE POLICY member_select_own ON coursebase.cohorts
    FOR SELECT TO public
    USING (id BETWEEN (SELECT coursebase.own_cohort_from())
        AND (SELECT coursebase.own_cohort_to()))$ddl$),
('comment on policy member_select_own on cohorts', $ddl$COMMENT ON POLICY member_select_own ON coursebase.cohorts IS
    'A person reads the own cohort; administrators read all.'$ddl$),
('policy self_select_own on user_cohorts', $ddl$CREATE POLICY self_select_own ON coursebase.user_cohorts
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()))$ddl$),
('comment on policy self_select_own on user_cohorts', $ddl$COMMENT ON POLICY self_select_own ON coursebase.user_cohorts IS
    'A person reads which cohort the own is; administrators read all.'$ddl$),
('policy anyone_select_offered on courses', $ddl$CREATE POLICY anyone_select_offered ON coursebase.courses
    FOR SELECT
    USING (
        is_free
        OR (course_code IS NOT NULL AND price_in_cents IS NOT NULL)
        OR (SELECT coursebase.is_admin())
    )$ddl$),
('comment on policy anyone_select_offered on courses', $ddl$COMMENT ON POLICY anyone_select_offered ON coursebase.courses IS
    'Anyone sees what is free or priced with a code, an administrator all. The catalogue is short and most of it is on offer: no index would serve.'$ddl$),
('policy admin_insert_all on courses', $ddl$CREATE POLICY admin_insert_all ON coursebase.courses
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()))$ddl$),
('comment on policy admin_insert_all on courses', $ddl$COMMENT ON POLICY admin_insert_all ON coursebase.courses IS 'An administrator adds courses.'$ddl$),
('policy admin_update_all on courses', $ddl$CREATE POLICY admin_update_all ON coursebase.courses
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()))$ddl$),
('comment on policy admin_update_all on courses', $ddl$COMMENT ON POLICY admin_update_all ON coursebase.courses IS 'An administrator edits courses.'$ddl$),
('policy admin_delete_all on courses', $ddl$CREATE POLICY admin_delete_all ON coursebase.courses
    FOR DELETE
    USING ((SELECT coursebase.is_admin()))$ddl$),
('comment on policy admin_delete_all on courses', $ddl$COMMENT ON POLICY admin_delete_all ON coursebase.courses IS 'An administrator deletes courses.'$ddl$),
('policy entitled_select_usable on course_documents', $ddl$CREATE POLICY entitled_select_usable ON coursebase.course_documents
    FOR SELECT
    USING (course_id = ANY ((SELECT coursebase.accessible_course_ids())::uuid[]))$ddl$),
('comment on policy entitled_select_usable on course_documents', $ddl$COMMENT ON POLICY entitled_select_usable ON coursebase.course_documents IS
    'Who may use the course now reads its document.'$ddl$),
('policy admin_insert_all on course_documents', $ddl$CREATE POLICY admin_insert_all ON coursebase.course_documents
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()))$ddl$),
('comment on policy admin_insert_all on course_documents', $ddl$COMMENT ON POLICY admin_insert_all ON coursebase.course_documents IS 'An administrator adds documents.'$ddl$),
('policy admin_update_all on course_documents', $ddl$CREATE POLICY admin_update_all ON coursebase.course_documents
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()))$ddl$),
('comment on policy admin_update_all on course_documents', $ddl$COMMENT ON POLICY admin_update_all ON coursebase.course_documents IS 'An administrator edits documents.'$ddl$),
('policy admin_delete_all on course_documents', $ddl$CREATE POLICY admin_delete_all ON coursebase.course_documents
    FOR DELETE
    USING ((SELECT coursebase.is_admin()))$ddl$),
('comment on policy admin_delete_all on course_documents', $ddl$COMMENT ON POLICY admin_delete_all ON coursebase.course_documents IS 'An administrator deletes documents.'$ddl$),
('policy self_select_own on custom_course_purchases', $ddl$CREATE POLICY self_select_own ON coursebase.custom_course_purchases
    FOR SELECT
    USING (course_id = ANY ((SELECT coursebase.own_custom_course_ids())::uuid[]))$ddl$),
('comment on policy self_select_own on custom_course_purchases', $ddl$COMMENT ON POLICY self_select_own ON coursebase.custom_course_purchases IS
    'The owner of the custom course sees its purchase and link; nobody else, an administrator included.'$ddl$),
('policy self_select_own on analytics', $ddl$CREATE POLICY self_select_own ON coursebase.analytics FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()))$ddl$),
('comment on policy self_select_own on analytics', $ddl$COMMENT ON POLICY self_select_own ON coursebase.analytics IS
    'One''s own settings; an administrator reads everybody''s.'$ddl$),
('policy self_insert_own on analytics', $ddl$CREATE POLICY self_insert_own ON coursebase.analytics FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()))$ddl$),
('comment on policy self_insert_own on analytics', $ddl$COMMENT ON POLICY self_insert_own ON coursebase.analytics IS 'Settings of one''s own.'$ddl$),
('policy self_update_own on analytics', $ddl$CREATE POLICY self_update_own ON coursebase.analytics FOR UPDATE TO public
    USING (user_id = (SELECT coursebase.current_user_id()))$ddl$),
('comment on policy self_update_own on analytics', $ddl$COMMENT ON POLICY self_update_own ON coursebase.analytics IS 'Settings of one''s own, which stay one''s own.'$ddl$),
('policy self_delete_own on analytics', $ddl$CREATE POLICY self_delete_own ON coursebase.analytics FOR DELETE TO public
    USING (user_id = (SELECT coursebase.current_user_id()))$ddl$),
('comment on policy self_delete_own on analytics', $ddl$COMMENT ON POLICY self_delete_own ON coursebase.analytics IS 'Settings of one''s own.'$ddl$),
('policy self_select_own on audio_usage', $ddl$CREATE POLICY self_select_own ON coursebase.audio_usage FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()))$ddl$),
('comment on policy self_select_own on audio_usage', $ddl$COMMENT ON POLICY self_select_own ON coursebase.audio_usage IS
    'One''s own play counts; an administrator reads everybody''s.'$ddl$),
('policy self_insert_own on audio_usage', $ddl$CREATE POLICY self_insert_own ON coursebase.audio_usage FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()))$ddl$),
('comment on policy self_insert_own on audio_usage', $ddl$COMMENT ON POLICY self_insert_own ON coursebase.audio_usage IS 'Play counts of one''s own.'$ddl$),
('policy self_update_own on audio_usage', $ddl$CREATE POLICY self_update_own ON coursebase.audio_usage FOR UPDATE TO public
    USING (user_id = (SELECT coursebase.current_user_id()))$ddl$),
('comment on policy self_update_own on audio_usage', $ddl$COMMENT ON POLICY self_update_own ON coursebase.audio_usage IS
    'Play counts of one''s own; a trigger keeps a lower total from lowering them.'$ddl$),
('policy self_insert_own on app_logs', $ddl$CREATE POLICY self_insert_own ON coursebase.app_logs FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()))$ddl$),
('comment on policy self_insert_own on app_logs', $ddl$COMMENT ON POLICY self_insert_own ON coursebase.app_logs IS
    'Who is signed in reports about nobody else.'$ddl$),
('policy admin_select_all on audit_events', $ddl$CREATE POLICY admin_select_all ON coursebase.audit_events FOR SELECT TO public
    USING ((SELECT coursebase.is_admin()))$ddl$),
('comment on policy admin_select_all on audit_events', $ddl$COMMENT ON POLICY admin_select_all ON coursebase.audit_events IS
    'An administrator reads who changed what.'$ddl$),
('grant on assert_schema_current', $ddl$GRANT EXECUTE ON FUNCTION coursebase.assert_schema_current() TO end_user, server$ddl$),
('grant on installation', $ddl$GRANT EXECUTE ON FUNCTION coursebase.installation() TO server$ddl$),
('grant on settings', $ddl$GRANT EXECUTE ON FUNCTION coursebase.settings() TO server$ddl$),
('grant on coursebase', $ddl$GRANT USAGE ON SCHEMA coursebase TO anonymous, end_user, server$ddl$),
('grant on current_user_id', $ddl$GRANT EXECUTE ON FUNCTION coursebase.current_user_id() TO anonymous, end_user, server$ddl$),
('grant on is_admin', $ddl$GRANT EXECUTE ON FUNCTION coursebase.is_admin() TO anonymous, end_user, server$ddl$),
('grant on own_from', $ddl$GRANT EXECUTE ON FUNCTION coursebase.own_from() TO anonymous, end_user, server$ddl$),
('grant on own_to', $ddl$GRANT EXECUTE ON FUNCTION coursebase.own_to() TO anonymous, end_user, server$ddl$),
('grant on own_cohort_from', $ddl$GRANT EXECUTE ON FUNCTION coursebase.own_cohort_from() TO anonymous, end_user, server$ddl$),
('grant on own_cohort_to', $ddl$GRANT EXECUTE ON FUNCTION coursebase.own_cohort_to() TO anonymous, end_user, server$ddl$),
('grant on upsert_user', $ddl$GRANT EXECUTE ON FUNCTION coursebase.upsert_user(text, text, text, text, text, text, text, text, text, text, text, timestamptz) TO server$ddl$),
('grant on assign_cohort', $ddl$GRANT EXECUTE ON FUNCTION coursebase.assign_cohort(uuid, text) TO server$ddl$),
('grant on accessible_course_ids', $ddl$GRANT EXECUTE ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) TO anonymous, end_user, server$ddl$),
('grant on json_checksum', $ddl$GRANT EXECUTE ON FUNCTION coursebase.json_checksum(json, text, text) TO end_user, server$ddl$),
('grant on json_size', $ddl$GRANT EXECUTE ON FUNCTION coursebase.json_size(json) TO end_user, server$ddl$),
('grant on json_append', $ddl$GRANT EXECUTE ON FUNCTION coursebase.json_append(json, text[], json) TO server$ddl$),
('grant on update_json', $ddl$GRANT EXECUTE ON FUNCTION coursebase.update_json(uuid, json, text) TO server$ddl$),
('grant on calculate_checksum', $ddl$GRANT EXECUTE ON FUNCTION coursebase.calculate_checksum(uuid) TO server$ddl$),
('grant on create_custom_course', $ddl$GRANT EXECUTE ON FUNCTION coursebase.create_custom_course(uuid, text, text, text, text, text, text, text, timestamptz) TO server$ddl$),
('grant on submit_custom_course', $ddl$GRANT EXECUTE ON FUNCTION coursebase.submit_custom_course(uuid, text, json, timestamptz) TO server$ddl$),
('grant on verify_gen_link', $ddl$GRANT EXECUTE ON FUNCTION coursebase.verify_gen_link(uuid, timestamptz) TO server$ddl$),
('grant on manage_regen_requests', $ddl$GRANT EXECUTE ON FUNCTION coursebase.manage_regen_requests(uuid, timestamptz) TO server$ddl$),
('grant on own_custom_course_ids', $ddl$GRANT EXECUTE ON FUNCTION coursebase.own_custom_course_ids() TO end_user, server$ddl$),
('grant on handshake', $ddl$GRANT EXECUTE ON FUNCTION coursebase.handshake(uuid, json, timestamptz) TO server$ddl$),
('grant on log_app', $ddl$GRANT EXECUTE ON FUNCTION coursebase.log_app(text, text, jsonb, text, uuid, timestamptz)
    TO end_user, server$ddl$),
('grant on log_server', $ddl$GRANT EXECUTE ON FUNCTION coursebase.log_server(text, text, text, jsonb, uuid, numeric, timestamptz)
    TO server$ddl$),
('grant on purge_logs', $ddl$GRANT EXECUTE ON FUNCTION coursebase.purge_logs(timestamptz, integer) TO server$ddl$),
('grant on check_identity', $ddl$GRANT EXECUTE ON FUNCTION coursebase.check_identity() TO server$ddl$),
('grant on check_catalog', $ddl$GRANT EXECUTE ON FUNCTION coursebase.check_catalog() TO server$ddl$),
('grant on check_media', $ddl$GRANT EXECUTE ON FUNCTION coursebase.check_media() TO server$ddl$),
('grant on check_sync', $ddl$GRANT EXECUTE ON FUNCTION coursebase.check_sync() TO server$ddl$),
('grant on check_records', $ddl$GRANT EXECUTE ON FUNCTION coursebase.check_records() TO server$ddl$),
('grant on check_references', $ddl$GRANT EXECUTE ON FUNCTION coursebase.check_references() TO server$ddl$),
('grant on check_integrity', $ddl$GRANT EXECUTE ON FUNCTION coursebase.check_integrity() TO server$ddl$),
('grant on settings', $ddl$GRANT SELECT, UPDATE (value) ON TABLE coursebase.settings TO server$ddl$),
('grant on users', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.users TO end_user, server$ddl$),
('grant on user_profile', $ddl$GRANT SELECT, UPDATE ON TABLE coursebase.user_profile TO end_user$ddl$),
('grant on user_profile', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.user_profile TO server$ddl$),
('grant on cohorts', $ddl$GRANT SELECT ON TABLE coursebase.cohorts TO end_user$ddl$),
('grant on cohorts', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.cohorts TO server$ddl$),
('grant on user_cohorts', $ddl$GRANT SELECT ON TABLE coursebase.user_cohorts TO end_user$ddl$),
('grant on user_cohorts', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.user_cohorts TO server$ddl$),
('grant on courses', $ddl$GRANT SELECT ON TABLE coursebase.courses TO anonymous$ddl$),
('grant on courses', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.courses TO end_user, server$ddl$),
('grant on course_documents', $ddl$GRANT SELECT ON TABLE coursebase.course_documents TO anonymous$ddl$),
('grant on course_documents', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_documents TO end_user, server$ddl$),
('grant on custom_courses', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.custom_courses TO server$ddl$),
('grant on custom_course_versions', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.custom_course_versions TO server$ddl$),
('grant on custom_course_purchases', $ddl$GRANT SELECT ON TABLE coursebase.custom_course_purchases TO end_user$ddl$),
('grant on custom_course_purchases', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.custom_course_purchases TO server$ddl$),
('grant on master_manifests', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.master_manifests TO server$ddl$),
('grant on manifest_cohorts', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.manifest_cohorts TO server$ddl$),
('grant on catalogue_version', $ddl$GRANT SELECT ON TABLE coursebase.catalogue_version TO server$ddl$),
('grant on cohort_versions', $ddl$GRANT SELECT ON TABLE coursebase.cohort_versions TO server$ddl$),
('grant on user_versions', $ddl$GRANT SELECT ON TABLE coursebase.user_versions TO server$ddl$),
('grant on cached_handshake_responses', $ddl$GRANT SELECT, DELETE ON TABLE coursebase.cached_handshake_responses TO server$ddl$),
('grant on analytics', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.analytics TO end_user, server$ddl$),
('grant on audio_usage', $ddl$GRANT SELECT, INSERT, UPDATE ON TABLE coursebase.audio_usage TO end_user$ddl$),
('grant on audio_usage', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.audio_usage TO server$ddl$),
('grant on app_logs', $ddl$GRANT INSERT (user_id, log_type, message, origin, context) ON TABLE coursebase.app_logs TO end_user$ddl$),
('grant on app_logs', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.app_logs TO server$ddl$),
('grant on server_logs', $ddl$GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.server_logs TO server$ddl$),
('grant on audit_events', $ddl$GRANT SELECT ON TABLE coursebase.audit_events TO end_user$ddl$),
('grant on audit_events', $ddl$GRANT SELECT, INSERT ON TABLE coursebase.audit_events TO server$ddl$)
$steps$;
COMMENT ON FUNCTION coursebase.steps() IS 'The steps of install(): each object of the schema with its DDL, in the order in which they are made.';
REVOKE ALL ON FUNCTION coursebase.steps() FROM PUBLIC;
SELECT coursebase.install();
