CREATE TYPE coursebase.user_role AS ENUM ('admin', 'user');
COMMENT ON TYPE coursebase.user_role IS 'Role of a person in the whole installation: an admin reads every table but those of the server.';

-- One person is one row, to which the rows of every other table about that person point.
CREATE TABLE coursebase.users (
    id             uuid                  NOT NULL DEFAULT gen_random_uuid(),
    clerk_user_id  text                  NOT NULL,
    name           text                  NOT NULL,
    email          text                  NOT NULL DEFAULT NULL::varchar,
    role           coursebase.user_role  NOT NULL DEFAULT 'user',
    image_url      text,
    deleted_at     timestamptz,
    created_at     timestamptz           NOT NULL DEFAULT now(),
    updated_at     timestamptz           NOT NULL DEFAULT now(),
    merged_into    uuid,
    is_guest       boolean               NOT NULL DEFAULT false,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_clerk_user_id_key UNIQUE (clerk_user_id),
    CONSTRAINT users_merged_into_fkey FOREIGN KEY (merged_into)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT users_clerk_user_id_not_empty_check CHECK (clerk_user_id <> ''),
    CONSTRAINT users_merged_is_closed_check CHECK (merged_into IS NULL OR deleted_at IS NOT NULL),
    CONSTRAINT users_merged_into_other_check CHECK (merged_into <> id),
    CONSTRAINT users_name_at_most_200_characters_check CHECK (length(name) <= 200),
    CONSTRAINT users_image_url_at_most_2000_characters_check CHECK (length(image_url) <= 2000)
);
CREATE INDEX users_merged_into_idx ON coursebase.users (merged_into);
COMMENT ON TABLE coursebase.users IS 'People: one row a person, found by the id that the authentication provider gives.';
COMMENT ON COLUMN coursebase.users.id IS 'Key that every other table points to.';
COMMENT ON COLUMN coursebase.users.clerk_user_id IS 'Id of the person at the authentication provider: a Clerk id or another provider''s subject, as in the claim sub.';
COMMENT ON COLUMN coursebase.users.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.users.email IS 'Address as the authentication provider reports it; empty for who signed up without one. A NULL that is written becomes empty.';
COMMENT ON COLUMN coursebase.users.role IS 'admin or user; changes are audited.';
COMMENT ON COLUMN coursebase.users.image_url IS 'Picture to show, or NULL.';
COMMENT ON COLUMN coursebase.users.deleted_at IS 'When the account was closed; NULL while the account is open. Claims that name a closed account name nobody.';
COMMENT ON COLUMN coursebase.users.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.users.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.users.merged_into IS 'The person who has what this one had, by merge_users(), or NULL. The id and the external id of this row lead to that person. Only merge_users() writes it.';
COMMENT ON COLUMN coursebase.users.is_guest IS 'Whether the person lives in another cell, and the row is here for memberships, payments and entitlements of organisations alone. Such a row has no external id of the person''s, and only what is about organisations finds it. False for everybody where there is one server. Made by the rows that point to it.';
ALTER TABLE coursebase.users ENABLE ROW LEVEL SECURITY;
-- No statistics of what only some may read: estimates of the planner, which PostgREST answers to
-- Prefer: count=planned, would tell values of it to everybody who may ask about the table.
ALTER TABLE coursebase.users
    ALTER COLUMN clerk_user_id SET STATISTICS 0,
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN email SET STATISTICS 0,
    ALTER COLUMN image_url SET STATISTICS 0;
-- Neither OF nor WHEN: the server would refuse to drop the column before the guard could say why.
CREATE TRIGGER t100_email BEFORE INSERT OR UPDATE ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_users__email();
-- An administrator who changes an external id acts as that person, also in organisations, where administrators have no
-- rights of their own.
CREATE TRIGGER t300_guard BEFORE UPDATE ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__guard_columns(
        'name', 'image_url', '!clerk_user_id');
CREATE TRIGGER t300_merged BEFORE INSERT ON coursebase.users
    FOR EACH ROW WHEN (NEW.merged_into IS NOT NULL)
    EXECUTE FUNCTION coursebase.tg_users__merged();
CREATE TRIGGER t300_merged_on_update BEFORE UPDATE ON coursebase.users
    FOR EACH ROW WHEN (
        OLD.merged_into IS DISTINCT FROM NEW.merged_into
        OR (OLD.merged_into IS NOT NULL AND NEW.deleted_at IS NULL))
    EXECUTE FUNCTION coursebase.tg_users__merged();
CREATE TRIGGER t300_guest BEFORE INSERT ON coursebase.users
    FOR EACH ROW WHEN (NEW.is_guest)
    EXECUTE FUNCTION coursebase.tg_users__guest();
CREATE TRIGGER t300_guest_on_update BEFORE UPDATE ON coursebase.users
    FOR EACH ROW WHEN (OLD.is_guest <> NEW.is_guest)
    EXECUTE FUNCTION coursebase.tg_users__guest();
CREATE TRIGGER t300_keep_admin AFTER UPDATE OR DELETE ON coursebase.users
    FOR EACH ROW WHEN (OLD.role = 'admin')
    EXECUTE FUNCTION coursebase.tg_users__keep_admin();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t500_profile AFTER INSERT ON coursebase.users
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_users__profile();
CREATE TRIGGER t500_directory AFTER INSERT ON coursebase.users
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_users__directory();
-- No WHEN, for the reason above: the function compares the external ids.
CREATE TRIGGER t500_directory_on_change AFTER UPDATE OR DELETE ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_users__directory_id();
CREATE TRIGGER t500_directory AFTER INSERT OR UPDATE ON coursebase.this_cell
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_this_cell__directory();
-- What a cell is told by replication fires no trigger: guests are home's.
CREATE TRIGGER t500_guest AFTER UPDATE ON coursebase.people
    FOR EACH ROW WHEN (OLD.external_id IS NOT NULL AND NEW.external_id IS NULL)
    EXECUTE FUNCTION coursebase.tg_people__guest();
CREATE TRIGGER t900_audit AFTER INSERT ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_users__audit();
-- Not UPDATE OF role: a trigger that closes the account takes the role, too.
CREATE TRIGGER t900_audit_on_update AFTER UPDATE ON coursebase.users
    FOR EACH ROW WHEN (OLD.role IS DISTINCT FROM NEW.role)
    EXECUTE FUNCTION coursebase.tg_users__audit();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.users TO end_user, server;

-- What the app knows about a person beyond who they are.
CREATE TABLE coursebase.user_profile (
    user_id        uuid         NOT NULL,
    first_name     text,
    last_name      text,
    phone_number   text,
    country        text,
    lead_source    text,
    email          text,
    time_zone      text         NOT NULL DEFAULT 'UTC',
    devices        jsonb        NOT NULL DEFAULT '{}',
    referral_code  text         NOT NULL DEFAULT NULL::varchar,
    referred_by    uuid,
    role           text         NOT NULL DEFAULT 'user',
    created_at     timestamptz  NOT NULL DEFAULT now(),
    updated_at     timestamptz  NOT NULL DEFAULT now(),
    is_placeholder boolean      NOT NULL DEFAULT false,
    CONSTRAINT user_profile_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_profile_referral_code_key UNIQUE (referral_code),
    CONSTRAINT user_profile_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT user_profile_referred_by_fkey FOREIGN KEY (referred_by)
        REFERENCES coursebase.users (id) ON DELETE SET NULL,
    CONSTRAINT user_profile_referred_by_other_check CHECK (referred_by <> user_id),
    CONSTRAINT user_profile_referral_code_six_to_eight_letters_check
        CHECK (referral_code ~ '^U[A-Z2-9]{6,8}$'),
    CONSTRAINT user_profile_email_lower_check CHECK (email = lower(email)),
    CONSTRAINT user_profile_devices_object_check CHECK (jsonb_typeof(devices) = 'object'),
    CONSTRAINT user_profile_first_name_at_most_200_characters_check
        CHECK (length(first_name) <= 200),
    CONSTRAINT user_profile_last_name_at_most_200_characters_check CHECK (length(last_name) <= 200),
    CONSTRAINT user_profile_phone_number_at_most_40_characters_check
        CHECK (length(phone_number) <= 40),
    CONSTRAINT user_profile_country_at_most_100_characters_check CHECK (length(country) <= 100)
);
-- The form before codes named cells.
ALTER TABLE coursebase.user_profile DROP CONSTRAINT user_profile_referral_code_form_check;
CREATE INDEX user_profile_referred_by_idx ON coursebase.user_profile (referred_by);
COMMENT ON TABLE coursebase.user_profile IS 'What the app knows about a person beyond the account.';
COMMENT ON COLUMN coursebase.user_profile.user_id IS 'Whose profile it is. PostgREST embeds it by this column''s name, users?select=*,user_profile!user_id(*), because referred_by points to users, too.';
COMMENT ON COLUMN coursebase.user_profile.first_name IS 'Given name, or NULL.';
COMMENT ON COLUMN coursebase.user_profile.last_name IS 'Family name, or NULL.';
COMMENT ON COLUMN coursebase.user_profile.phone_number IS 'Telephone number, or NULL.';
COMMENT ON COLUMN coursebase.user_profile.country IS 'Country as the person gave it, or NULL.';
COMMENT ON COLUMN coursebase.user_profile.lead_source IS 'How the person heard of the business, or NULL.';
COMMENT ON COLUMN coursebase.user_profile.email IS 'Address for mail, always in lower case; NULL for who signed up without one, empty in a closed account.';
COMMENT ON COLUMN coursebase.user_profile.time_zone IS 'IANA time zone that the server knows. The days and weeks of this person are counted in this zone.';
COMMENT ON COLUMN coursebase.user_profile.devices IS 'Devices of the person, as a JSON object: device id to the times first and last seen. The time last seen is updated at most once a day.';
COMMENT ON COLUMN coursebase.user_profile.referral_code IS 'The person''s own code for others: U and six of A-Z, 2-9; in a cell beside home the number of the cell stands in between, in one or two of these letters. Made by the database.';
COMMENT ON COLUMN coursebase.user_profile.referred_by IS 'Who brought this person, or NULL. Set once.';
COMMENT ON COLUMN coursebase.user_profile.role IS 'A label inside the app. It gives no rights: users.role does.';
COMMENT ON COLUMN coursebase.user_profile.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.user_profile.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.user_profile.is_placeholder IS 'Whether the database made the row when the person was inserted. One INSERT of a profile for the same person takes its place.';
-- A table of release 0.1 demands an address.
ALTER TABLE coursebase.user_profile ALTER COLUMN email DROP NOT NULL;
ALTER TABLE coursebase.user_profile ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.user_profile
    ALTER COLUMN first_name SET STATISTICS 0,
    ALTER COLUMN last_name SET STATISTICS 0,
    ALTER COLUMN phone_number SET STATISTICS 0,
    ALTER COLUMN country SET STATISTICS 0,
    ALTER COLUMN lead_source SET STATISTICS 0,
    ALTER COLUMN email SET STATISTICS 0,
    ALTER COLUMN time_zone SET STATISTICS 0,
    ALTER COLUMN referral_code SET STATISTICS 0;
CREATE TRIGGER t100_inherit BEFORE INSERT ON coursebase.user_profile
    FOR EACH ROW WHEN (NOT NEW.is_placeholder)
    EXECUTE FUNCTION coursebase.tg_user_profile__inherit();
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

-- Groups of people who get a manifest, discounts or a splash screen of their own.
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
COMMENT ON COLUMN coursebase.cohorts.code IS 'Short name of the cohort, as assign_cohort() takes it.';
COMMENT ON COLUMN coursebase.cohorts.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.cohorts.kind IS 'institution, experiment or influencer.';
COMMENT ON COLUMN coursebase.cohorts.splash_screen_url IS 'Picture that the app shows to members of the cohort at start, or NULL.';
COMMENT ON COLUMN coursebase.cohorts.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.cohorts.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.cohorts ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.cohorts
    ALTER COLUMN code SET STATISTICS 0,
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN splash_screen_url SET STATISTICS 0;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.cohorts
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t300_keep_for_cells BEFORE DELETE ON coursebase.cohorts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t300_keep_for_cells_on_update BEFORE UPDATE ON coursebase.cohorts
    FOR EACH ROW WHEN (OLD.id <> NEW.id)
    EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
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

CREATE TYPE coursebase.membership_role AS ENUM ('owner', 'admin', 'coach', 'member');
COMMENT ON TYPE coursebase.membership_role IS 'Role of a person in an organisation, from most to least rights. owner, admin and coach are its staff.';

-- Businesses that sell programs of their own. Several share one database: no row belongs to two organisations.
CREATE TABLE coursebase.organizations (
    id             uuid         NOT NULL DEFAULT gen_random_uuid(),
    name           text         NOT NULL,
    slug           text         NOT NULL,
    currency       char(3)      NOT NULL DEFAULT 'USD',
    time_zone      text         NOT NULL DEFAULT 'UTC',
    platform_tier  text         NOT NULL DEFAULT 'pro',
    created_at     timestamptz  NOT NULL DEFAULT now(),
    updated_at     timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_slug_key UNIQUE (slug),
    CONSTRAINT organizations_name_not_empty_check CHECK (btrim(name) <> ''),
    CONSTRAINT organizations_name_at_most_200_characters_check CHECK (length(name) <= 200),
    CONSTRAINT organizations_slug_at_most_100_characters_check CHECK (length(slug) <= 100),
    CONSTRAINT organizations_slug_form_check CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    CONSTRAINT organizations_currency_form_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT organizations_platform_tier_known_check
        CHECK (platform_tier IN ('lite', 'pro', 'elite'))
);
COMMENT ON TABLE coursebase.organizations IS 'Businesses that sell programs of their own. No row belongs to two organisations.';
COMMENT ON COLUMN coursebase.organizations.id IS 'Key of the organisation.';
COMMENT ON COLUMN coursebase.organizations.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.organizations.slug IS 'Name of the organisation in addresses: lower-case letters and digits, joined by hyphens.';
COMMENT ON COLUMN coursebase.organizations.currency IS 'ISO 4217 code of all prices of the organisation, in upper case. Cannot change once a plan has a price.';
COMMENT ON COLUMN coursebase.organizations.time_zone IS 'IANA time zone that the server knows. The days of the organisation''s programs are counted in this zone.';
COMMENT ON COLUMN coursebase.organizations.platform_tier IS 'Plan that the organisation has with the platform: lite, pro or elite. lite cannot sell courses.';
COMMENT ON COLUMN coursebase.organizations.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.organizations.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.organizations
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN slug SET STATISTICS 0;
CREATE TRIGGER t100_on_home BEFORE INSERT ON coursebase.organizations
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_organizations__on_home();
CREATE TRIGGER t100_time_zone BEFORE INSERT OR UPDATE OF time_zone ON coursebase.organizations
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__time_zone();
CREATE TRIGGER t300_guard BEFORE UPDATE ON coursebase.organizations
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__guard_columns(
        'name', 'slug', 'currency', 'time_zone');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.organizations
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, UPDATE ON TABLE coursebase.organizations TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.organizations TO server;

-- id, person and organisation of a row never change: a foreign key on all three columns therefore never mixes them.
CREATE TABLE coursebase.memberships (
    id               uuid                        NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid                        NOT NULL,
    user_id          uuid                        NOT NULL,
    role             coursebase.membership_role  NOT NULL,
    created_at       timestamptz                 NOT NULL DEFAULT now(),
    updated_at       timestamptz                 NOT NULL DEFAULT now(),
    CONSTRAINT memberships_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT memberships_pkey PRIMARY KEY (id),
    CONSTRAINT memberships_organization_id_user_id_key UNIQUE (organization_id, user_id),
    CONSTRAINT memberships_id_organization_id_user_id_key UNIQUE (id, organization_id, user_id),
    CONSTRAINT memberships_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES coursebase.organizations (id) ON DELETE CASCADE,
    CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT
);
CREATE INDEX memberships_user_id_idx ON coursebase.memberships (user_id);
COMMENT ON TABLE coursebase.memberships IS 'Members of organisations, with their roles. An organisation has an owner as long as the organisation exists.';
COMMENT ON COLUMN coursebase.memberships.id IS 'Key of the membership.';
COMMENT ON COLUMN coursebase.memberships.organization_id IS 'The organisation. Never changes.';
COMMENT ON COLUMN coursebase.memberships.user_id IS 'The person. Never changes.';
COMMENT ON COLUMN coursebase.memberships.role IS 'owner, admin, coach or member. Only an owner gives or takes the role owner.';
COMMENT ON COLUMN coursebase.memberships.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.memberships.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.memberships ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.memberships
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once('id', 'organization_id', 'user_id');
CREATE TRIGGER t300_only_owners BEFORE INSERT OR UPDATE OR DELETE ON coursebase.memberships
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_memberships__only_owners();
CREATE TRIGGER t300_keep_owner AFTER UPDATE OR DELETE ON coursebase.memberships
    FOR EACH ROW WHEN (OLD.role = 'owner')
    EXECUTE FUNCTION coursebase.tg_memberships__keep_owner();
CREATE TRIGGER t300_keep_owner_on_truncate AFTER TRUNCATE ON coursebase.memberships
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_memberships__keep_owner();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.memberships
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t900_audit AFTER INSERT OR UPDATE OR DELETE ON coursebase.memberships
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_memberships__audit();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.memberships TO end_user, server;

-- Who changed roles, direct grants, refunds and settings. Append-only, because a record that can change proves nothing.
CREATE TABLE coursebase.audit_events (
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
);
CREATE INDEX audit_events_created_at_idx ON coursebase.audit_events (created_at);
CREATE INDEX audit_events_object_created_at_idx ON coursebase.audit_events (object, created_at);
CREATE INDEX audit_events_actor_id_idx ON coursebase.audit_events (actor_id);
-- Whose row was changed, for export_user(): the row itself may be gone.
CREATE INDEX audit_events_user_id_idx
    ON coursebase.audit_events ((coalesce(new, old) ->> 'user_id'));
COMMENT ON TABLE coursebase.audit_events IS 'Who changed roles, direct grants, refunds and settings, from what to what. Rows are never changed, and deleted only by purge_logs() when they are older than the setting audit_retention_days says. May be partitioned by created_at.';
COMMENT ON COLUMN coursebase.audit_events.id IS 'Key of the event.';
COMMENT ON COLUMN coursebase.audit_events.actor_id IS 'The user who made the change, or NULL for the server and for an operator.';
COMMENT ON COLUMN coursebase.audit_events.action IS 'Kind of change, such as role_changed.';
COMMENT ON COLUMN coursebase.audit_events.object IS 'Table and key of the changed row, such as users/<id>.';
COMMENT ON COLUMN coursebase.audit_events.old IS 'The values before the change, or NULL if there were none.';
COMMENT ON COLUMN coursebase.audit_events.new IS 'The values after the change, or NULL if there are none.';
COMMENT ON COLUMN coursebase.audit_events.created_at IS 'When the change was made.';
ALTER TABLE coursebase.audit_events ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_append_only BEFORE UPDATE OR DELETE ON coursebase.audit_events
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__append_only('actor_id', 'audit_retention_days');
CREATE TRIGGER t300_append_only_on_truncate BEFORE TRUNCATE ON coursebase.audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__append_only();
GRANT SELECT ON TABLE coursebase.audit_events TO end_user;
GRANT SELECT, INSERT ON TABLE coursebase.audit_events TO server;
-- With what external ids of closed accounts are hashed: an HMAC, because somebody who read the hashes alone could
-- otherwise try ids on them. The owner's alone; made when the first account is closed.
CREATE TABLE coursebase.closed_id_key (
    singleton   boolean      NOT NULL DEFAULT true,
    inner_key   bytea        NOT NULL,
    outer_key   bytea        NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT closed_id_key_pkey PRIMARY KEY (singleton),
    CONSTRAINT closed_id_key_one_row_check CHECK (singleton),
    CONSTRAINT closed_id_key_length_check
        CHECK (octet_length(inner_key) = 64 AND octet_length(outer_key) = 64)
);
COMMENT ON TABLE coursebase.closed_id_key IS 'The key with which external ids of closed accounts are hashed. No grant, and a policy that lets nobody through: the owner''s alone.';
COMMENT ON COLUMN coursebase.closed_id_key.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN coursebase.closed_id_key.inner_key IS 'The key with HMAC''s inner padding.';
COMMENT ON COLUMN coursebase.closed_id_key.outer_key IS 'The key with HMAC''s outer padding.';
COMMENT ON COLUMN coursebase.closed_id_key.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.closed_id_key.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.closed_id_key ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.closed_id_key
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();

-- A provider's notice about an account can come after the account was closed: it must not make the person anew.
CREATE TABLE coursebase.closed_ids (
    id_hash     bytea        NOT NULL,
    closed_at   timestamptz  NOT NULL DEFAULT now(),
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT closed_ids_pkey PRIMARY KEY (id_hash),
    CONSTRAINT closed_ids_id_hash_length_check CHECK (octet_length(id_hash) = 32)
);
CREATE INDEX closed_ids_closed_at_idx ON coursebase.closed_ids (closed_at);
COMMENT ON TABLE coursebase.closed_ids IS 'External ids of closed accounts, as an HMAC that tells of nobody. While one is kept (setting closed_id_days) no account is made under the id; purge_logs() deletes what is older. No grant, and a policy that lets nobody through: the owner''s alone.';
COMMENT ON COLUMN coursebase.closed_ids.id_hash IS 'HMAC-SHA-256 of users.clerk_user_id, with closed_id_key.';
COMMENT ON COLUMN coursebase.closed_ids.closed_at IS 'When the account was closed, by the clock of the server.';
COMMENT ON COLUMN coursebase.closed_ids.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.closed_ids.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.closed_ids ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.closed_ids
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
-- Of people of all cells: home places everybody, and so it is home that remembers.
CREATE TRIGGER t300_closed_id AFTER INSERT ON coursebase.people
    FOR EACH ROW WHEN (NEW.external_id IS NOT NULL)
    EXECUTE FUNCTION coursebase.tg_people__closed_id();
CREATE TRIGGER t500_closed_id AFTER UPDATE ON coursebase.people
    FOR EACH ROW WHEN (OLD.external_id IS NOT NULL AND NEW.external_id IS NULL)
    EXECUTE FUNCTION coursebase.tg_people__closed_id();
-- Before the profile is made, so that an id that is refused costs no referral code.
CREATE TRIGGER t300_closed_id AFTER INSERT ON coursebase.users
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_users__closed_id();
INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning, is_owner_only)
VALUES
    ('audit_retention_days', 'integer', '0',
        'How many days purge_logs() leaves events in audit_events; 0 keeps them for ever.', true),
    ('closed_id_days', 'integer', '30',
        'How many days after an account was closed its external id makes no new account, so that late notices do not bring it back; 0 keeps no id.', true)
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning,
    is_owner_only = excluded.is_owner_only
WHERE (s.default_value, s.meaning, s.is_owner_only)
    IS DISTINCT FROM (excluded.default_value, excluded.meaning, excluded.is_owner_only);
