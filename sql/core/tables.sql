-- The version of the schema: a dump carries the tables of the release that made the dump, and code that writes must
-- not meet tables of an older release.
CREATE TABLE coursebase.schema_version (
    singleton   boolean     NOT NULL DEFAULT true,
    version     text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_version_pkey PRIMARY KEY (singleton),
    CONSTRAINT schema_version_one_row_check CHECK (singleton)
);
COMMENT ON TABLE coursebase.schema_version IS
    'One row: the version of coursebase that the tables are of. Written by install().';
COMMENT ON COLUMN coursebase.schema_version.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN coursebase.schema_version.version IS 'Version of the steps that install() last ran.';
COMMENT ON COLUMN coursebase.schema_version.created_at IS 'When the tables were first made.';
COMMENT ON COLUMN coursebase.schema_version.updated_at IS 'When install() last raised the version.';
ALTER TABLE coursebase.schema_version ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t000_restored BEFORE INSERT ON coursebase.schema_version
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__restored('keep', 'singleton');
ALTER TABLE coursebase.schema_version ENABLE ALWAYS TRIGGER t000_restored;

-- Settings that touch money or safety: rows that only the server changes, audited, instead of
-- session settings that anybody could set.
CREATE TABLE coursebase.settings (
    name           text        NOT NULL,
    kind           text        NOT NULL,
    value          text,
    default_value  text        NOT NULL,
    meaning        text        NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    is_owner_only  boolean     NOT NULL DEFAULT false,
    CONSTRAINT settings_pkey PRIMARY KEY (name),
    CONSTRAINT settings_kind_known_check CHECK (kind IN ('integer', 'boolean', 'text')),
    CONSTRAINT settings_value_of_its_kind_check CHECK (CASE kind
        WHEN 'integer' THEN value ~ '^-?[0-9]{1,9}$'
        WHEN 'boolean' THEN value IN ('true', 'false')
        ELSE true END),
    CONSTRAINT settings_default_value_of_its_kind_check CHECK (CASE kind
        WHEN 'integer' THEN default_value ~ '^-?[0-9]{1,9}$'
        WHEN 'boolean' THEN default_value IN ('true', 'false')
        ELSE true END),
    -- What is no currency would be found when something is to be paid in it.
    CONSTRAINT settings_currency_form_check
        CHECK (name !~ '_currency$' OR value ~ '^[A-Za-z]{3}$'),
    -- More would be cut where it is used, without a word. What is no number its kind refuses.
    CONSTRAINT settings_days_range_check CHECK (CASE
        WHEN value !~ '^-?[0-9]{1,9}$' THEN true
        WHEN name ~ '^referral_(hold|credit)_days$' THEN value::integer BETWEEN 0 AND 36500
        WHEN name ~ '^grace_days_' THEN value::integer BETWEEN 0 AND 366
        ELSE true END)
);
COMMENT ON TABLE coursebase.settings IS
    'Settings of the business, one row each; settings() shows them with their defaults.';
COMMENT ON COLUMN coursebase.settings.name IS 'Name of the setting.';
COMMENT ON COLUMN coursebase.settings.kind IS 'integer, boolean (true, false) or text: the kind of value that the setting takes.';
COMMENT ON COLUMN coursebase.settings.value IS 'The value that was set; NULL: the default holds.';
COMMENT ON COLUMN coursebase.settings.default_value IS 'The value that holds while none is set; a release may change the default.';
COMMENT ON COLUMN coursebase.settings.meaning IS 'What the setting does, and its unit.';
COMMENT ON COLUMN coursebase.settings.created_at IS 'When a release with this setting was installed first.';
COMMENT ON COLUMN coursebase.settings.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.settings.is_owner_only IS 'Whether the server may not change it: a stolen server key must not switch a protection off.';
ALTER TABLE coursebase.settings ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t000_restored BEFORE INSERT ON coursebase.settings
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__restored('replace', 'name');
ALTER TABLE coursebase.settings ENABLE ALWAYS TRIGGER t000_restored;
CREATE TRIGGER t300_owner_only BEFORE UPDATE ON coursebase.settings
    FOR EACH ROW WHEN (OLD.is_owner_only OR NEW.is_owner_only)
    EXECUTE FUNCTION coursebase.tg_settings__owner_only();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.settings
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, UPDATE (value) ON TABLE coursebase.settings TO server;

-- Which providers are taken only with proof.
INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning, is_owner_only)
VALUES
    ('require_signature', 'text', '',
        'Providers (app_store, google_play, stripe, revenuecat), separated by spaces or commas, of which nothing is recorded but what take_notification() verified.',
        true)
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning,
    is_owner_only = excluded.is_owner_only
WHERE (s.default_value, s.meaning, s.is_owner_only)
    IS DISTINCT FROM (excluded.default_value, excluded.meaning, excluded.is_owner_only);
