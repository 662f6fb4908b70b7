-- Logs of apps and servers, and the audit of settings.

CREATE FUNCTION coursebase.tg_settings__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_settings__audit';
COMMENT ON FUNCTION coursebase.tg_settings__audit() IS
    'AFTER INSERT OR UPDATE OR DELETE: records in audit_events who changed the value of a setting, and from what to what. Writes with the rights of the tables'' owner.';

-- The logs of apps and of the server.

CREATE FUNCTION coursebase.tg_app_logs__quota()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_app_logs__quota';
COMMENT ON FUNCTION coursebase.tg_app_logs__quota() IS
    'BEFORE INSERT: counts an entry that an end user writes by plain SQL, and refuses it (KB311) when the day''s entries are used up (setting app_logs_a_day). The server and the tables'' owner are not counted. Writes with the rights of the tables'' owner.';

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
    'Writes an entry of the app''s log and answers its id. A person has one entry of type sign_up: reporting again updates its message, origin and (unless NULL) context, and answers the same id. Entries without a user, of an app before its first sign-in, are always added. An end user writes or renews at most as many entries a day (UTC) as the setting app_logs_a_day says, by this function and by INSERT together, counted for the person, or for the token where there is no account yet. For end users and the server; writes with the rights of the tables'' owner.

log_type: sync_module, billing, authentication, sign_up, audio_playback, ai_chat, error, user_action or user_report. message: 1 to 10000 characters. context: facts beside the message as JSON, at most 8 kB, or NULL. origin: which program reports, 1 to 100 characters. user_id: whom the entry is about; NULL is the user who asks; only the server may name another user. at: when it happened; NULL and a time in the future count as now.

Source: the product''s rule that the sign-up is reported in place.
Raises: 22004 (log_type, message or origin is NULL), 22008 (at is before the year 1), 22023 (an unknown log_type, or a text or context of the wrong length), 23503 (there is no such user), 42501 (user_id is another user), KB311 (the day''s entries are used up).';
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
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_log_server';
COMMENT ON FUNCTION coursebase.log_server(text, text, text, jsonb, uuid, numeric, timestamptz) IS
    'Writes an entry of the server''s log and answers its id. For the server; writes with the caller''s rights.

function_name: which function reports, 1 to 200 characters. level: debug, info, warning or error. message: 1 to 10000 characters. context: facts beside the message as JSON, at most 64 kB, or NULL. user_id: on whose behalf it worked, or NULL. duration_ms: how long it took, in milliseconds, or NULL. at: when it happened; NULL is now.

Source: the product''s rule that edge functions report into the database.
Raises: 22004 (function_name, level or message is NULL), 22008 (at is not finite), 22023 (an unknown level, a text or context of the wrong length, or a duration that is negative or no finite number), 23503 (there is no such user).';
GRANT EXECUTE ON FUNCTION coursebase.log_server(text, text, text, jsonb, uuid, numeric, timestamptz)
    TO server;
