-- Logs, and the audit of settings.

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

-- Logs, settings and check_integrity(), which unites the checks of every slice.

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
GRANT EXECUTE ON FUNCTION coursebase.log_app(text, text, jsonb, text, uuid, timestamptz)
    TO end_user, server;

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
GRANT EXECUTE ON FUNCTION coursebase.log_server(text, text, text, jsonb, uuid, numeric, timestamptz)
    TO server;
