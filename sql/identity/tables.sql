CREATE TYPE coursebase.user_role AS ENUM ('admin', 'user');
COMMENT ON TYPE coursebase.user_role IS 'What a person is to the whole installation: admin reads everything but server tables.';

-- One human is one row here, and every other table points to it.
CREATE TABLE coursebase.users (
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
);
COMMENT ON TABLE coursebase.users IS 'People: one row a human, known by the id that the authentication provider gives.';
COMMENT ON COLUMN coursebase.users.id IS 'Key that every other table points to.';
COMMENT ON COLUMN coursebase.users.clerk_user_id IS 'External authentication ID: a Clerk id or the provider''s subject, as in the claim sub.';
COMMENT ON COLUMN coursebase.users.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.users.email IS 'Address as the authentication provider reports it.';
COMMENT ON COLUMN coursebase.users.role IS 'admin or user; changes are audited.';
COMMENT ON COLUMN coursebase.users.image_url IS 'Picture to show, or NULL.';
COMMENT ON COLUMN coursebase.users.deleted_at IS 'When the account was closed; NULL while it is open. A closed account is nobody''s.';
COMMENT ON COLUMN coursebase.users.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.users.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.users ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_guard BEFORE UPDATE ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__guard_columns('name', 'image_url');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t900_audit AFTER INSERT OR UPDATE OF role ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_users__audit();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.users TO end_user, server;

-- What the app knows about a person beyond who they are.
CREATE TABLE coursebase.user_profile (
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
);
CREATE INDEX user_profile_referred_by_idx ON coursebase.user_profile (referred_by);
COMMENT ON TABLE coursebase.user_profile IS 'What the app knows about a person beyond the account.';
COMMENT ON COLUMN coursebase.user_profile.user_id IS 'Whose profile it is.';
COMMENT ON COLUMN coursebase.user_profile.first_name IS 'Given name, or NULL.';
COMMENT ON COLUMN coursebase.user_profile.last_name IS 'Family name, or NULL.';
COMMENT ON COLUMN coursebase.user_profile.phone_number IS 'Telephone number, or NULL.';
COMMENT ON COLUMN coursebase.user_profile.country IS 'Country as the person gave it, or NULL.';
COMMENT ON COLUMN coursebase.user_profile.lead_source IS 'Where the person heard of the business, or NULL.';
COMMENT ON COLUMN coursebase.user_profile.email IS 'Address for mail, always in lower case.';
COMMENT ON COLUMN coursebase.user_profile.time_zone IS 'IANA time zone that the server knows: days and weeks of this person are counted in it.';
COMMENT ON COLUMN coursebase.user_profile.devices IS 'Devices seen: device id to the times first and last seen. Last seen moves at most once a day.';
COMMENT ON COLUMN coursebase.user_profile.referral_code IS 'The person''s own code for others: U and six of A-Z, 2-9. Made by the database.';
COMMENT ON COLUMN coursebase.user_profile.referred_by IS 'Who brought this person, or NULL. Set once.';
COMMENT ON COLUMN coursebase.user_profile.role IS 'A label inside the app. Never consulted for rights: users.role is.';
COMMENT ON COLUMN coursebase.user_profile.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.user_profile.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.user_profile ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t100_normalise BEFORE INSERT OR UPDATE ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_user_profile__normalise();
CREATE TRIGGER t100_time_zone BEFORE INSERT OR UPDATE OF time_zone ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__time_zone();
CREATE TRIGGER t300_guard BEFORE UPDATE ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__guard_columns(
        'first_name', 'last_name', 'phone_number', 'country', 'time_zone');
CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once('referred_by');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, UPDATE ON TABLE coursebase.user_profile TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.user_profile TO server;

-- Groups of people who get something of their own: an institution, an experiment, an influencer's followers.
CREATE TABLE coursebase.cohorts (
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
);
COMMENT ON TABLE coursebase.cohorts IS 'Groups of people who get manifests, discounts or a splash screen of their own.';
COMMENT ON COLUMN coursebase.cohorts.id IS 'Key of the cohort.';
COMMENT ON COLUMN coursebase.cohorts.code IS 'Short name by which people are put into it.';
COMMENT ON COLUMN coursebase.cohorts.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.cohorts.kind IS 'institution, experiment or influencer.';
COMMENT ON COLUMN coursebase.cohorts.splash_screen_url IS 'Picture that the app shows its members at start, or NULL.';
COMMENT ON COLUMN coursebase.cohorts.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.cohorts.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.cohorts ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.cohorts TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.cohorts TO server;

-- A person is in one cohort or none.
CREATE TABLE coursebase.user_cohorts (
    user_id     uuid         NOT NULL,
    cohort_id   uuid         NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT user_cohorts_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_cohorts_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT user_cohorts_cohort_id_fkey FOREIGN KEY (cohort_id)
        REFERENCES coursebase.cohorts (id) ON DELETE CASCADE
);
CREATE INDEX user_cohorts_cohort_id_idx ON coursebase.user_cohorts (cohort_id);
COMMENT ON TABLE coursebase.user_cohorts IS 'Which cohort a person is in: one or none.';
COMMENT ON COLUMN coursebase.user_cohorts.user_id IS 'The person.';
COMMENT ON COLUMN coursebase.user_cohorts.cohort_id IS 'The cohort.';
COMMENT ON COLUMN coursebase.user_cohorts.created_at IS 'When the person first came into a cohort.';
COMMENT ON COLUMN coursebase.user_cohorts.updated_at IS 'When the person last changed cohort.';
ALTER TABLE coursebase.user_cohorts ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.user_cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.user_cohorts TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.user_cohorts TO server;
