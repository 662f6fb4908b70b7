-- Documents that every phone fetches: the shop, advertisements, backgrounds, core segments, questions.
CREATE TABLE coursebase.master_manifests (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    name             text         NOT NULL,
    content          json         COMPRESSION lz4 NOT NULL,
    checksum         text         NOT NULL DEFAULT NULL::varchar,
    file_size_bytes  integer      NOT NULL DEFAULT nullif(0, 0),
    is_default       boolean      NOT NULL DEFAULT false,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT master_manifests_pkey PRIMARY KEY (id),
    CONSTRAINT master_manifests_id_name_key UNIQUE (id, name),
    CONSTRAINT master_manifests_name_not_empty_check CHECK (name <> ''),
    -- The longest name that handshake() takes from a phone: a longer one would end every handshake.
    CONSTRAINT master_manifests_name_at_most_300_bytes_check CHECK (octet_length(name) <= 300),
    CONSTRAINT master_manifests_checksum_form_check CHECK (checksum ~ '^[0-9a-f]{32}$'),
    CONSTRAINT master_manifests_file_size_not_negative_check CHECK (file_size_bytes >= 0)
);
CREATE UNIQUE INDEX master_manifests_default_name_idx ON coursebase.master_manifests (name)
    WHERE is_default;
COMMENT ON TABLE coursebase.master_manifests IS 'Documents that phones fetch at start: of each name one default, and others for cohorts. Only the server reads and writes the table.';
COMMENT ON COLUMN coursebase.master_manifests.id IS 'Key of the manifest.';
COMMENT ON COLUMN coursebase.master_manifests.name IS 'File name on the phone, such as shop.json; at most 300 bytes.';
COMMENT ON COLUMN coursebase.master_manifests.content IS 'The document, kept byte for byte.';
COMMENT ON COLUMN coursebase.master_manifests.checksum IS 'MD5 of the document''s bytes, 32 lower-case hex digits. Kept by a trigger.';
COMMENT ON COLUMN coursebase.master_manifests.file_size_bytes IS 'Length of the document in bytes. Kept by a trigger.';
COMMENT ON COLUMN coursebase.master_manifests.is_default IS 'Whether the manifest goes to everybody whose cohort has no other manifest of the same name.';
COMMENT ON COLUMN coursebase.master_manifests.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.master_manifests.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.master_manifests ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.master_manifests
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t500_checksum BEFORE INSERT OR UPDATE ON coursebase.master_manifests
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('content');
CREATE TRIGGER t900_checksum AFTER INSERT OR UPDATE ON coursebase.master_manifests
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('content');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.master_manifests
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.master_manifests TO server;

-- Which cohort gets which manifest. The name is repeated here, so that a unique key can hold: a cohort has one
-- manifest of each name.
CREATE TABLE coursebase.manifest_cohorts (
    manifest_id  uuid         NOT NULL,
    cohort_id    uuid         NOT NULL,
    name         text         NOT NULL DEFAULT NULL::varchar,
    created_at   timestamptz  NOT NULL DEFAULT now(),
    updated_at   timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT manifest_cohorts_pkey PRIMARY KEY (manifest_id, cohort_id),
    CONSTRAINT manifest_cohorts_cohort_id_name_key UNIQUE (cohort_id, name),
    CONSTRAINT manifest_cohorts_manifest_id_name_fkey FOREIGN KEY (manifest_id, name)
        REFERENCES coursebase.master_manifests (id, name) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT manifest_cohorts_cohort_id_fkey FOREIGN KEY (cohort_id)
        REFERENCES coursebase.cohorts (id) ON DELETE CASCADE
);
CREATE INDEX manifest_cohorts_manifest_id_name_idx
    ON coursebase.manifest_cohorts (manifest_id, name);
COMMENT ON TABLE coursebase.manifest_cohorts IS 'Manifests that a cohort gets instead of the default of the same name. Only the server reads and writes the table.';
COMMENT ON COLUMN coursebase.manifest_cohorts.manifest_id IS 'The manifest.';
COMMENT ON COLUMN coursebase.manifest_cohorts.cohort_id IS 'The cohort that gets it.';
COMMENT ON COLUMN coursebase.manifest_cohorts.name IS 'Name of the manifest, filled in and kept equal by a trigger and a foreign key.';
COMMENT ON COLUMN coursebase.manifest_cohorts.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.manifest_cohorts.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.manifest_cohorts ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.manifest_cohorts
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t100_name BEFORE INSERT OR UPDATE ON coursebase.manifest_cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_manifest_cohorts__name();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.manifest_cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.manifest_cohorts TO server;

-- Versions of what a handshake is made from: a cached answer holds while the versions from which it was
-- computed are the current ones. The catalogue has one row, each cohort and each user another, so that
-- changes of two users never wait for one row.
CREATE TABLE coursebase.catalogue_version (
    singleton   boolean      NOT NULL DEFAULT true,
    version     bigint       NOT NULL DEFAULT 0,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT catalogue_version_pkey PRIMARY KEY (singleton),
    CONSTRAINT catalogue_version_one_row_check CHECK (singleton)
);
COMMENT ON TABLE coursebase.catalogue_version IS 'One version that moves whenever a table changes from which everybody''s handshake is made.';
COMMENT ON COLUMN coursebase.catalogue_version.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN coursebase.catalogue_version.version IS 'Grows with every change, from a random beginning.';
COMMENT ON COLUMN coursebase.catalogue_version.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.catalogue_version.updated_at IS 'When the version last moved.';
ALTER TABLE coursebase.catalogue_version ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t000_restored BEFORE INSERT ON coursebase.catalogue_version
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__restored('keep', 'singleton');
ALTER TABLE coursebase.catalogue_version ENABLE ALWAYS TRIGGER t000_restored;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.catalogue_version
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.catalogue_version TO server;

CREATE TABLE coursebase.cohort_versions (
    cohort_id   uuid         NOT NULL,
    version     bigint       NOT NULL DEFAULT 0,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT cohort_versions_pkey PRIMARY KEY (cohort_id),
    CONSTRAINT cohort_versions_cohort_id_fkey FOREIGN KEY (cohort_id)
        REFERENCES coursebase.cohorts (id) ON DELETE CASCADE
);
COMMENT ON TABLE coursebase.cohort_versions IS 'A version a cohort, which moves whenever a table changes from which the handshakes of the cohort''s members are made.';
COMMENT ON COLUMN coursebase.cohort_versions.cohort_id IS 'The cohort.';
COMMENT ON COLUMN coursebase.cohort_versions.version IS 'Grows with every change, from a random beginning; a cohort without a row is at 0.';
COMMENT ON COLUMN coursebase.cohort_versions.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.cohort_versions.updated_at IS 'When the version last moved.';
ALTER TABLE coursebase.cohort_versions ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t000_restored BEFORE INSERT ON coursebase.cohort_versions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__restored('keep', 'cohort_id');
ALTER TABLE coursebase.cohort_versions ENABLE ALWAYS TRIGGER t000_restored;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.cohort_versions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.cohort_versions TO server;

CREATE TABLE coursebase.user_versions (
    user_id     uuid         NOT NULL,
    version     bigint       NOT NULL DEFAULT 0,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT user_versions_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_versions_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE
);
COMMENT ON TABLE coursebase.user_versions IS 'A version a user, which moves whenever a table changes from which the user''s handshake is made.';
COMMENT ON COLUMN coursebase.user_versions.user_id IS 'The user.';
COMMENT ON COLUMN coursebase.user_versions.version IS 'Grows with every change, from a random beginning; a user without a row is at 0.';
COMMENT ON COLUMN coursebase.user_versions.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.user_versions.updated_at IS 'When the version last moved.';
ALTER TABLE coursebase.user_versions ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t000_restored BEFORE INSERT ON coursebase.user_versions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__restored('keep', 'user_id');
ALTER TABLE coursebase.user_versions ENABLE ALWAYS TRIGGER t000_restored;
-- Half of each page stays free: rows are only ever updated, and the next version finds room beside the last one, so
-- that no index changes (HOT). ALTER TABLE, because a table of an earlier release gets it too.
ALTER TABLE coursebase.user_versions SET (fillfactor = 50);
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.user_versions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.user_versions TO server;

-- The last computed handshake of each user, without the contents of documents.
CREATE TABLE coursebase.cached_handshake_responses (
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
WITH (toast_tuple_target = 8160);
COMMENT ON TABLE coursebase.cached_handshake_responses IS
    'The last computed handshake of each user. A row answers only while the versions from which it was computed are the current ones, and within its time.';
COMMENT ON COLUMN coursebase.cached_handshake_responses.user_id IS 'The user.';
COMMENT ON COLUMN coursebase.cached_handshake_responses.response IS 'Members of the answer, names that are never deleted, and a line a document: source and id, checksum, size, name. Contents of documents are not kept.';
COMMENT ON COLUMN coursebase.cached_handshake_responses.digest IS 'Digest of the documents that the row lists.';
COMMENT ON COLUMN coursebase.cached_handshake_responses.computed_at IS 'The time for which the answer was computed.';
COMMENT ON COLUMN coursebase.cached_handshake_responses.valid_from IS 'Since when the answer is as it is; NULL: time has not changed it.';
COMMENT ON COLUMN coursebase.cached_handshake_responses.valid_until IS 'When time alone changes the answer; NULL: never.';
COMMENT ON COLUMN coursebase.cached_handshake_responses.catalogue_version IS 'Version of the catalogue that the computation saw.';
COMMENT ON COLUMN coursebase.cached_handshake_responses.cohort_id IS 'Cohort of the user that the computation saw, or NULL. No foreign key: a cached answer must not lock the cohort.';
COMMENT ON COLUMN coursebase.cached_handshake_responses.cohort_version IS 'Version of that cohort that the computation saw.';
COMMENT ON COLUMN coursebase.cached_handshake_responses.user_version IS 'Version of the user that the computation saw.';
ALTER TABLE coursebase.cached_handshake_responses ENABLE ROW LEVEL SECURITY;
-- The response is read far more often than written, and hex digits compress badly: it stays in the row, uncompressed.
ALTER TABLE coursebase.cached_handshake_responses ALTER COLUMN response SET STORAGE EXTERNAL;
GRANT SELECT, DELETE ON TABLE coursebase.cached_handshake_responses TO server;

-- Settings of a person's player. Phones report them at every handshake.
CREATE TABLE coursebase.analytics (
    user_id         uuid         NOT NULL DEFAULT coursebase.current_user_id(),
    current_course  text,
    voice           text,
    induction       text,
    background      text,
    deepening       text,
    created_at      timestamptz  NOT NULL DEFAULT now(),
    updated_at      timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT analytics_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT analytics_pkey PRIMARY KEY (user_id),
    CONSTRAINT analytics_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT analytics_texts_at_most_300_characters_check
        CHECK (greatest(length(current_course), length(voice), length(induction),
            length(background), length(deepening)) <= 300)
);
COMMENT ON TABLE coursebase.analytics IS 'What a person chose in the player, one row a user, as phones report it.';
COMMENT ON COLUMN coursebase.analytics.user_id IS 'The user.';
COMMENT ON COLUMN coursebase.analytics.current_course IS 'Course that is being played; NULL if none was reported.';
COMMENT ON COLUMN coursebase.analytics.voice IS 'Chosen voice; NULL if none was reported.';
COMMENT ON COLUMN coursebase.analytics.induction IS 'Chosen induction; NULL if none was reported.';
COMMENT ON COLUMN coursebase.analytics.background IS 'Chosen background sound; NULL if none was reported.';
COMMENT ON COLUMN coursebase.analytics.deepening IS 'Chosen deepening; NULL if none was reported.';
COMMENT ON COLUMN coursebase.analytics.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.analytics.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.analytics ENABLE ROW LEVEL SECURITY;
-- No statistics of what only some may read: estimates of the planner, which PostgREST answers to
-- Prefer: count=planned, would tell values of it to everybody who may ask about the table.
ALTER TABLE coursebase.analytics
    ALTER COLUMN current_course SET STATISTICS 0,
    ALTER COLUMN voice SET STATISTICS 0,
    ALTER COLUMN induction SET STATISTICS 0,
    ALTER COLUMN background SET STATISTICS 0,
    ALTER COLUMN deepening SET STATISTICS 0;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.analytics
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.analytics TO end_user, server;

-- How often a person has played what.
CREATE TABLE coursebase.audio_usage (
    user_id      uuid         NOT NULL DEFAULT coursebase.current_user_id(),
    course_code  text         NOT NULL,
    audio_key    text         NOT NULL,
    title        text,
    play_count   integer      NOT NULL,
    created_at   timestamptz  NOT NULL DEFAULT now(),
    updated_at   timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT audio_usage_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT audio_usage_pkey PRIMARY KEY (user_id, course_code, audio_key),
    CONSTRAINT audio_usage_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT audio_usage_play_count_not_negative_check CHECK (play_count >= 0),
    CONSTRAINT audio_usage_keys_at_most_300_characters_check
        CHECK (greatest(length(course_code), length(audio_key)) <= 300),
    CONSTRAINT audio_usage_title_at_most_1000_characters_check CHECK (length(title) <= 1000)
);
COMMENT ON TABLE coursebase.audio_usage IS 'How often a person played which audio: the highest total that a phone reported.';
COMMENT ON COLUMN coursebase.audio_usage.user_id IS 'The user.';
COMMENT ON COLUMN coursebase.audio_usage.course_code IS 'Code of the course that was played.';
COMMENT ON COLUMN coursebase.audio_usage.audio_key IS 'Key of the audio within the course.';
COMMENT ON COLUMN coursebase.audio_usage.title IS 'Title that the phone showed; NULL if none was reported.';
COMMENT ON COLUMN coursebase.audio_usage.play_count IS 'The highest total that a phone reported.';
COMMENT ON COLUMN coursebase.audio_usage.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.audio_usage.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.audio_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.audio_usage
    ALTER COLUMN course_code SET STATISTICS 0,
    ALTER COLUMN audio_key SET STATISTICS 0,
    ALTER COLUMN title SET STATISTICS 0;
CREATE TRIGGER t100_keep_greatest BEFORE UPDATE ON coursebase.audio_usage
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_audio_usage__keep_greatest();
CREATE TRIGGER t300_guard BEFORE UPDATE ON coursebase.audio_usage
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__guard_columns('title', 'play_count');
CREATE TRIGGER t300_at_most_before BEFORE INSERT ON coursebase.audio_usage
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_audio_usage__at_most();
CREATE TRIGGER t300_at_most AFTER INSERT ON coursebase.audio_usage
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_audio_usage__at_most();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.audio_usage
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE ON TABLE coursebase.audio_usage TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.audio_usage TO server;
CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.master_manifests
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.master_manifests
    FOR EACH ROW WHEN ((OLD.id, OLD.name, OLD.checksum, OLD.is_default)
        IS DISTINCT FROM (NEW.id, NEW.name, NEW.checksum, NEW.is_default))
    EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.master_manifests
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.manifest_cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('cohort', 'cohort_id');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.manifest_cohorts
    FOR EACH ROW WHEN ((OLD.manifest_id, OLD.cohort_id)
        IS DISTINCT FROM (NEW.manifest_id, NEW.cohort_id))
    EXECUTE FUNCTION coursebase.tg_any__move_version('cohort', 'cohort_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.manifest_cohorts
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

-- What makes a cached handshake stale: each table that a handshake is made from moves the version of the catalogue,
-- of a cohort or of a person. The trigger functions belong to this slice, so the triggers stand here and not with
-- the tables. The first argument is the scope, the second the column that names the cohort or user. A column that no
-- handshake reads moves nothing. A TRUNCATE has no rows, so it moves the version that everybody compares.
CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.discount_codes
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.discount_codes
    FOR EACH ROW WHEN ((OLD.id, OLD.code, OLD.product_type, OLD.item, OLD.percent_off,
            OLD.amount_off_in_cents, OLD.currency, OLD.lifespan, OLD.starts_at, OLD.expires_at,
            OLD.cohort_id, OLD.android_offer_id, OLD.ios_offer_id, OLD.product_suffix,
            OLD.referrer_id, OLD.is_active)
        IS DISTINCT FROM (NEW.id, NEW.code, NEW.product_type, NEW.item, NEW.percent_off,
            NEW.amount_off_in_cents, NEW.currency, NEW.lifespan, NEW.starts_at, NEW.expires_at,
            NEW.cohort_id, NEW.android_offer_id, NEW.ios_offer_id, NEW.product_suffix,
            NEW.referrer_id, NEW.is_active))
    EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.discount_codes
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.user_discounts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
-- A handshake is the same for assigned and reserved. So a change between the two moves nothing, and whoever takes
-- back another person's lapsed reservation never waits for that person's version.
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.user_discounts
    FOR EACH ROW WHEN ((OLD.user_id, OLD.discount_code_id, OLD.expires_at,
            OLD.status = 'redeemed')
        IS DISTINCT FROM (NEW.user_id, NEW.discount_code_id, NEW.expires_at,
            NEW.status = 'redeemed'))
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.user_discounts
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT ON coursebase.course_purchases
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_delete AFTER DELETE ON coursebase.course_purchases
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.course_purchases
    FOR EACH ROW WHEN ((OLD.user_id, OLD.course_id, OLD.voice, OLD.source, OLD.environment,
            OLD.status, OLD.purchased_at)
        IS DISTINCT FROM (NEW.user_id, NEW.course_id, NEW.voice, NEW.source, NEW.environment,
            NEW.status, NEW.purchased_at))
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.course_purchases
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT ON coursebase.user_course_access
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_delete AFTER DELETE ON coursebase.user_course_access
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.user_course_access
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

-- Grants with an end do not stand in user_course_access. That one ends moves nothing: a cached answer holds until then.
CREATE TRIGGER t900_move_version AFTER INSERT ON coursebase.course_grants
    FOR EACH ROW WHEN (NEW.expires_at IS NOT NULL)
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.course_grants
    FOR EACH ROW WHEN (OLD.expires_at IS DISTINCT FROM NEW.expires_at)
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_delete AFTER DELETE ON coursebase.course_grants
    FOR EACH ROW WHEN (OLD.expires_at IS NOT NULL)
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.course_grants
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.purchases
    FOR EACH ROW WHEN (OLD.refunded_at IS DISTINCT FROM NEW.refunded_at)
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');

-- The machine of subscriptions writes the row only if it changes, so this trigger needs no WHEN.
CREATE TRIGGER t900_move_version AFTER INSERT OR UPDATE OR DELETE ON coursebase.subscriptions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.subscriptions
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

-- A line is written before the row of subscriptions. The version is moved with the line, so that what is told of the
-- line (slice events) is told under the version's lock, which plain SQL that writes another source of a course holds.
-- The function compares the columns itself: each event of a store writes a line, and the server would parse a WHEN
-- anew each time, at the cost of half a move.
CREATE TRIGGER t900_move_version AFTER INSERT OR UPDATE OR DELETE ON coursebase.subscription_lines
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version(
        'user', 'user_id', 'environment', 'product_id', 'access_until');

-- The member ai_usage is made from the account and, for turns to come, from the person's time zone.
CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.ai_usage
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.ai_usage
    FOR EACH ROW WHEN (
        (OLD.user_id, OLD.weekly_limit_credits, OLD.weekly_used_credits, OLD.weekly_reset_date,
            OLD.bank_limit_credits, OLD.bank_used_credits)
        IS DISTINCT FROM
        (NEW.user_id, NEW.weekly_limit_credits, NEW.weekly_used_credits, NEW.weekly_reset_date,
            NEW.bank_limit_credits, NEW.bank_used_credits))
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.ai_usage
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT ON coursebase.user_profile
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_delete AFTER DELETE ON coursebase.user_profile
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.user_profile
    FOR EACH ROW WHEN ((OLD.user_id, OLD.time_zone) IS DISTINCT FROM (NEW.user_id, NEW.time_zone))
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.user_profile
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.settings
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.settings
    FOR EACH ROW WHEN ((OLD.name, OLD.value, OLD.default_value)
        IS DISTINCT FROM (NEW.name, NEW.value, NEW.default_value))
    EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.settings
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT OR UPDATE OR DELETE ON coursebase.entitlements
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.entitlements
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version
    AFTER INSERT OR UPDATE OR DELETE ON coursebase.store_product_entitlements
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.store_product_entitlements
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.users
    FOR EACH ROW WHEN ((OLD.role, OLD.deleted_at)
        IS DISTINCT FROM (NEW.role, NEW.deleted_at))
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.users
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.user_cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.user_cohorts
    FOR EACH ROW WHEN ((OLD.user_id, OLD.cohort_id)
        IS DISTINCT FROM (NEW.user_id, NEW.cohort_id))
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.user_cohorts
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.courses
    FOR EACH ROW WHEN ((OLD.course_code, OLD.is_free, OLD.in_premium)
        IS DISTINCT FROM (NEW.course_code, NEW.is_free, NEW.in_premium))
    EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.courses
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.course_documents
    FOR EACH ROW WHEN ((OLD.course_id, OLD.checksum)
        IS DISTINCT FROM (NEW.course_id, NEW.checksum))
    EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.course_documents
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.custom_courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.custom_courses
    FOR EACH ROW WHEN ((OLD.user_id, OLD.course_code, OLD.checksum)
        IS DISTINCT FROM (NEW.user_id, NEW.course_code, NEW.checksum))
    EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.custom_courses
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

CREATE TRIGGER t900_move_version AFTER INSERT OR DELETE ON coursebase.custom_course_purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('custom_course', 'course_id');
CREATE TRIGGER t900_move_version_on_update AFTER UPDATE ON coursebase.custom_course_purchases
    FOR EACH ROW WHEN ((OLD.course_id, OLD.status)
        IS DISTINCT FROM (NEW.course_id, NEW.status))
    EXECUTE FUNCTION coursebase.tg_any__move_version('custom_course', 'course_id');
CREATE TRIGGER t900_move_version_on_truncate AFTER TRUNCATE ON coursebase.custom_course_purchases
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('catalogue');

-- Of the catalogue's tables they fire always: rows that a subscription brings from another server move the versions
-- of this one (version_trigger.c says when), so that no cached answer outlives them.
ALTER TABLE coursebase.master_manifests ENABLE ALWAYS TRIGGER t900_move_version;
ALTER TABLE coursebase.master_manifests ENABLE ALWAYS TRIGGER t900_move_version_on_update;
ALTER TABLE coursebase.manifest_cohorts ENABLE ALWAYS TRIGGER t900_move_version;
ALTER TABLE coursebase.manifest_cohorts ENABLE ALWAYS TRIGGER t900_move_version_on_update;
ALTER TABLE coursebase.discount_codes ENABLE ALWAYS TRIGGER t900_move_version;
ALTER TABLE coursebase.discount_codes ENABLE ALWAYS TRIGGER t900_move_version_on_update;
ALTER TABLE coursebase.settings ENABLE ALWAYS TRIGGER t900_move_version;
ALTER TABLE coursebase.settings ENABLE ALWAYS TRIGGER t900_move_version_on_update;
ALTER TABLE coursebase.courses ENABLE ALWAYS TRIGGER t900_move_version;
ALTER TABLE coursebase.courses ENABLE ALWAYS TRIGGER t900_move_version_on_update;
ALTER TABLE coursebase.course_documents ENABLE ALWAYS TRIGGER t900_move_version;
ALTER TABLE coursebase.course_documents ENABLE ALWAYS TRIGGER t900_move_version_on_update;
ALTER TABLE coursebase.entitlements ENABLE ALWAYS TRIGGER t900_move_version;
ALTER TABLE coursebase.store_product_entitlements ENABLE ALWAYS TRIGGER t900_move_version;

-- One name, one file. In the order of names they come after t900_move_version: the version of the catalogue is locked
-- by then, so that of two writers at both ends the second one sees what the first one wrote.
CREATE TRIGGER t900_name_of_file AFTER INSERT ON coursebase.courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__name_of_file();
CREATE TRIGGER t900_name_of_file_on_update AFTER UPDATE ON coursebase.courses
    FOR EACH ROW WHEN ((OLD.id, OLD.course_code) IS DISTINCT FROM (NEW.id, NEW.course_code))
    EXECUTE FUNCTION coursebase.tg_any__name_of_file();
CREATE TRIGGER t900_name_of_file AFTER INSERT ON coursebase.master_manifests
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__name_of_file();
CREATE TRIGGER t900_name_of_file_on_update AFTER UPDATE ON coursebase.master_manifests
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name)
    EXECUTE FUNCTION coursebase.tg_any__name_of_file();
CREATE TRIGGER t900_name_of_file_on_update AFTER UPDATE ON coursebase.settings
    FOR EACH ROW WHEN (NEW.name = 'protected_manifests' AND OLD.value IS DISTINCT FROM NEW.value)
    EXECUTE FUNCTION coursebase.tg_any__name_of_file();

-- Files that a phone always keeps, and how much a phone may report.
INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning)
VALUES
    ('protected_manifests', 'text',
        'ads.json background.json core_segments.json FAQs.json shop.json',
        'File names that a handshake never tells a phone to delete, separated by spaces or commas.'),
    ('audio_usage_a_person', 'integer', '20000',
        'How many play counts (rows of audio_usage) an end user may have: an INSERT of more is refused, and a handshake keeps no further ones; 0 for any number.')
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning
WHERE (s.default_value, s.meaning) IS DISTINCT FROM (excluded.default_value, excluded.meaning);
