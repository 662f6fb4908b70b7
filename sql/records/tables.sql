-- Entries that apps report. An operator may partition it by created_at; the unique index of sign_up is then left out.
CREATE TABLE coursebase.app_logs (
    id          uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id     uuid DEFAULT coursebase.current_user_id(),
    log_type    text         NOT NULL,
    message     text         NOT NULL,
    origin      text         NOT NULL DEFAULT 'app',
    context     jsonb,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT app_logs_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT app_logs_pkey PRIMARY KEY (id),
    CONSTRAINT app_logs_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE SET NULL,
    CONSTRAINT app_logs_log_type_known_check CHECK (log_type IN (
        'sync_module', 'billing', 'authentication', 'sign_up', 'audio_playback', 'ai_chat', 'error',
        'user_action', 'user_report')),
    CONSTRAINT app_logs_message_1_to_10000_characters_check
        CHECK (length(message) BETWEEN 1 AND 10000),
    CONSTRAINT app_logs_origin_1_to_100_characters_check CHECK (length(origin) BETWEEN 1 AND 100),
    CONSTRAINT app_logs_context_at_most_8_kb_check CHECK (octet_length(context::text) <= 8192)
);
-- The bound of the first version, with which one person's entries of a day could be 64 MB.
ALTER TABLE coursebase.app_logs DROP CONSTRAINT app_logs_context_at_most_64_kb_check;
-- At most one sign_up entry a person: log_app() updates it.
CREATE UNIQUE INDEX app_logs_sign_up_user_id_idx ON coursebase.app_logs (user_id)
    WHERE log_type = 'sign_up';
CREATE INDEX app_logs_created_at_idx ON coursebase.app_logs (created_at);
CREATE INDEX app_logs_user_id_idx ON coursebase.app_logs (user_id);
COMMENT ON TABLE coursebase.app_logs IS 'The log of apps: what they report about themselves and their users. May be partitioned by created_at.';
COMMENT ON COLUMN coursebase.app_logs.id IS 'Key of the entry.';
COMMENT ON COLUMN coursebase.app_logs.user_id IS 'The user of the app, or NULL before there is an account.';
COMMENT ON COLUMN coursebase.app_logs.log_type IS 'Subject of the entry. A person has at most one entry of type sign_up, which log_app() updates.';
COMMENT ON COLUMN coursebase.app_logs.message IS 'What happened.';
COMMENT ON COLUMN coursebase.app_logs.origin IS 'Which program reported it.';
COMMENT ON COLUMN coursebase.app_logs.context IS 'Facts beside the message, at most 8 kB of JSON, or NULL.';
COMMENT ON COLUMN coursebase.app_logs.created_at IS 'When the event was reported.';
COMMENT ON COLUMN coursebase.app_logs.updated_at IS 'When the entry last changed: only entries of type sign_up do.';
ALTER TABLE coursebase.app_logs ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.app_logs
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT INSERT ON TABLE coursebase.app_logs TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.app_logs TO server;
CREATE TRIGGER t300_quota BEFORE INSERT ON coursebase.app_logs
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_app_logs__quota();

-- How many entries of app_logs each end user wrote on the last day that saw any: one row a writer, which is updated in
-- place, so that counting costs the same on an empty and on a full log. No foreign key: a token without an account
-- counts too.
CREATE TABLE coursebase.app_log_counts (
    writer_id   uuid         NOT NULL,
    day         date         NOT NULL,
    entries     integer      NOT NULL,
    CONSTRAINT app_log_counts_pkey PRIMARY KEY (writer_id),
    CONSTRAINT app_log_counts_day_finite_check CHECK (isfinite(day)),
    CONSTRAINT app_log_counts_entries_not_negative_check CHECK (entries >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE coursebase.app_log_counts IS 'How many entries of app_logs each end user wrote on the last day with any, for the setting app_logs_a_day.';
COMMENT ON COLUMN coursebase.app_log_counts.writer_id IS 'The person, or a hash of the subject of a token that names no open account.';
COMMENT ON COLUMN coursebase.app_log_counts.day IS 'The last day, in UTC, on which there was an entry.';
COMMENT ON COLUMN coursebase.app_log_counts.entries IS 'How many entries were written or renewed on that day.';
ALTER TABLE coursebase.app_log_counts ENABLE ROW LEVEL SECURITY;
GRANT SELECT, DELETE ON TABLE coursebase.app_log_counts TO server;

INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning)
VALUES
    ('app_logs_a_day', 'integer', '1000',
        'How many entries of app_logs an end user may write or renew a day (UTC); 0 for any number. The server is not bound.')
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning
WHERE (s.default_value, s.meaning) IS DISTINCT FROM (excluded.default_value, excluded.meaning);

-- Entries that edge functions and other programs of the server report.
CREATE TABLE coursebase.server_logs (
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
);
CREATE INDEX server_logs_created_at_idx ON coursebase.server_logs (created_at);
CREATE INDEX server_logs_user_id_idx ON coursebase.server_logs (user_id);
COMMENT ON TABLE coursebase.server_logs IS 'The log of the server: what edge functions and stored procedures report. May be partitioned by created_at.';
COMMENT ON COLUMN coursebase.server_logs.id IS 'Key of the entry.';
COMMENT ON COLUMN coursebase.server_logs.function_name IS 'Which function reported it.';
COMMENT ON COLUMN coursebase.server_logs.level IS 'debug, info, warning or error.';
COMMENT ON COLUMN coursebase.server_logs.message IS 'What happened.';
COMMENT ON COLUMN coursebase.server_logs.context IS 'Facts beside the message, at most 64 kB of JSON, or NULL.';
COMMENT ON COLUMN coursebase.server_logs.user_id IS 'The user on whose behalf the function worked, or NULL.';
COMMENT ON COLUMN coursebase.server_logs.duration_ms IS 'How long the function took, in milliseconds, or NULL.';
COMMENT ON COLUMN coursebase.server_logs.created_at IS 'When the event was reported.';
ALTER TABLE coursebase.server_logs ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.server_logs TO server;

-- The table settings is core's; the trigger stands here because it writes audit_events, which core does not know.
CREATE TRIGGER t900_audit AFTER INSERT OR UPDATE OR DELETE ON coursebase.settings
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_settings__audit();
