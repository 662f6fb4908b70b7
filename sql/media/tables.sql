-- A course made for one person: a JSON document that grows as its audio is made.
CREATE TABLE coursebase.custom_courses (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id          uuid         NOT NULL,
    course_code      text         NOT NULL,
    title            text         NOT NULL,
    description      text         NOT NULL,
    data             json         COMPRESSION lz4 NOT NULL,
    checksum         text         NOT NULL DEFAULT NULL::varchar,
    file_size_bytes  integer      NOT NULL DEFAULT nullif(0, 0),
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT custom_courses_pkey PRIMARY KEY (id),
    CONSTRAINT custom_courses_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT custom_courses_course_code_form_check CHECK (course_code ~ '^X[0-9]{2}[A-Z]{3}$'),
    CONSTRAINT custom_courses_checksum_form_check CHECK (checksum ~ '^[0-9a-f]{32}$'),
    CONSTRAINT custom_courses_file_size_not_negative_check CHECK (file_size_bytes >= 0)
);
CREATE INDEX custom_courses_user_id_idx ON coursebase.custom_courses (user_id);
COMMENT ON TABLE coursebase.custom_courses IS 'Courses made for one person, as JSON documents. Only the server reads and writes the table.';
COMMENT ON COLUMN coursebase.custom_courses.id IS 'Key of the custom course.';
COMMENT ON COLUMN coursebase.custom_courses.user_id IS 'The person for whom the course was made.';
COMMENT ON COLUMN coursebase.custom_courses.course_code IS 'Code of the product that was bought: X, two digits, three letters (X99ENB).';
COMMENT ON COLUMN coursebase.custom_courses.title IS 'Title to show.';
COMMENT ON COLUMN coursebase.custom_courses.description IS 'Description to show.';
COMMENT ON COLUMN coursebase.custom_courses.data IS 'The document, kept byte for byte; audio is appended to its member audio_files.';
COMMENT ON COLUMN coursebase.custom_courses.checksum IS 'MD5 of the document''s bytes, 32 lower-case hex digits. Kept by a trigger.';
COMMENT ON COLUMN coursebase.custom_courses.file_size_bytes IS 'Length of the document in bytes. Kept by a trigger.';
COMMENT ON COLUMN coursebase.custom_courses.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.custom_courses.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.custom_courses ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_checksum BEFORE INSERT OR UPDATE ON coursebase.custom_courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('data');
CREATE TRIGGER t900_checksum AFTER INSERT OR UPDATE ON coursebase.custom_courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('data');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.custom_courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.custom_courses TO server;

-- What update_json() inserted where, so that a phone that has an earlier version fetches only the new bytes.
CREATE TABLE coursebase.custom_course_versions (
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
);
COMMENT ON TABLE coursebase.custom_course_versions IS
    'Each append to a custom course: the bytes with base_checksum, with insert_length bytes inserted at insert_offset, are those with checksum.';
COMMENT ON COLUMN coursebase.custom_course_versions.custom_course_id IS 'The custom course.';
COMMENT ON COLUMN coursebase.custom_course_versions.base_checksum IS 'MD5 of the document before the append.';
COMMENT ON COLUMN coursebase.custom_course_versions.checksum IS 'MD5 of the document after the append.';
COMMENT ON COLUMN coursebase.custom_course_versions.insert_offset IS 'Where bytes were inserted, counted from 0 in the document before.';
COMMENT ON COLUMN coursebase.custom_course_versions.insert_length IS 'How many bytes were inserted.';
COMMENT ON COLUMN coursebase.custom_course_versions.created_at IS 'When the append was made.';
COMMENT ON COLUMN coursebase.custom_course_versions.updated_at IS 'When the same append was last repeated from the same bytes.';
ALTER TABLE coursebase.custom_course_versions ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.custom_course_versions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.custom_course_versions TO server;

-- The purchase behind a custom course, with the link through which its form is filled in.
CREATE TABLE coursebase.custom_course_purchases (
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
    acknowledged_at timestamptz,
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
);
CREATE INDEX custom_course_purchases_course_id_idx
    ON coursebase.custom_course_purchases (course_id);
COMMENT ON TABLE coursebase.custom_course_purchases IS 'Purchases of custom courses, each with the link to its form.';
COMMENT ON COLUMN coursebase.custom_course_purchases.id IS 'Key of the purchase.';
COMMENT ON COLUMN coursebase.custom_course_purchases.course_id IS 'The custom course that was bought.';
COMMENT ON COLUMN coursebase.custom_course_purchases.purchase_id IS 'The store''s id of the purchase.';
COMMENT ON COLUMN coursebase.custom_course_purchases.purchase_token IS 'The store''s token, with which the server asks the store about the purchase.';
COMMENT ON COLUMN coursebase.custom_course_purchases.source IS 'google_play or app_store.';
COMMENT ON COLUMN coursebase.custom_course_purchases.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.custom_course_purchases.link_token IS 'Secret in the link to the form.';
COMMENT ON COLUMN coursebase.custom_course_purchases.link_issued_at IS 'When the link was issued; the link lives 24 hours from then. -infinity: the account was closed, and who restores the purchase gets a link.';
COMMENT ON COLUMN coursebase.custom_course_purchases.is_submitted IS 'Whether the form behind the link was submitted.';
COMMENT ON COLUMN coursebase.custom_course_purchases.status IS 'active, revoked or refunded.';
COMMENT ON COLUMN coursebase.custom_course_purchases.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.custom_course_purchases.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.custom_course_purchases.acknowledged_at IS 'When the server told the store that the course was delivered, or NULL. A store refunds a purchase that is not acknowledged within three days.';
ALTER TABLE coursebase.custom_course_purchases ENABLE ROW LEVEL SECURITY;
-- No statistics of what only some may read: estimates of the planner, which PostgREST answers to
-- Prefer: count=planned, would tell values of it to everybody who may ask about the table.
ALTER TABLE coursebase.custom_course_purchases
    ALTER COLUMN purchase_id SET STATISTICS 0,
    ALTER COLUMN purchase_token SET STATISTICS 0,
    ALTER COLUMN link_token SET STATISTICS 0;
-- A stolen server key must not invent a custom course that a store sold. What takes it away stays open.
CREATE TRIGGER t300_signed_only BEFORE INSERT OR DELETE ON coursebase.custom_course_purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__signed_only('source');
CREATE TRIGGER t300_signed_only_on_update BEFORE UPDATE ON coursebase.custom_course_purchases
    FOR EACH ROW WHEN (NEW.status = 'active'
        AND (OLD.course_id, OLD.source, OLD.environment, OLD.status)
            IS DISTINCT FROM (NEW.course_id, NEW.source, NEW.environment, NEW.status))
    EXECUTE FUNCTION coursebase.tg_any__signed_only('source');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.custom_course_purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t400_claim AFTER INSERT ON coursebase.custom_course_purchases
    FOR EACH ROW
    EXECUTE FUNCTION coursebase.tg_any__claim_keys('purchase source environment purchase_id');
GRANT SELECT ON TABLE coursebase.custom_course_purchases TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.custom_course_purchases TO server;
