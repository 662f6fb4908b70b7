-- Courses that a store sold, an administrator gave, or premium fills a slot with.
CREATE TABLE coursebase.course_purchases (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id          uuid         NOT NULL,
    course_id        uuid         NOT NULL,
    voice            text,
    source           text         NOT NULL,
    product_id       text,
    purchase_id      text,
    purchase_token   text,
    environment      text         NOT NULL DEFAULT 'production',
    status           text         NOT NULL DEFAULT 'pending',
    purchased_at     timestamptz  NOT NULL DEFAULT now(),
    validated_at     timestamptz,
    acknowledged_at  timestamptz,
    refunded_at      timestamptz,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT course_purchases_pkey PRIMARY KEY (id),
    CONSTRAINT course_purchases_source_environment_purchase_id_key
        UNIQUE (source, environment, purchase_id),
    CONSTRAINT course_purchases_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT course_purchases_course_id_fkey FOREIGN KEY (course_id)
        REFERENCES coursebase.courses (id) ON DELETE RESTRICT,
    CONSTRAINT course_purchases_voice_known_check CHECK (voice IN ('male', 'female')),
    CONSTRAINT course_purchases_source_known_check
        CHECK (source IN ('google_play', 'app_store', 'admin', 'premium_slot')),
    CONSTRAINT course_purchases_environment_known_check
        CHECK (environment IN ('production', 'sandbox')),
    CONSTRAINT course_purchases_status_known_check
        CHECK (status IN ('pending', 'valid', 'invalid', 'refunded')),
    CONSTRAINT course_purchases_store_has_a_receipt_check CHECK (
        source NOT IN ('google_play', 'app_store')
        OR (product_id IS NOT NULL AND purchase_id IS NOT NULL AND purchase_token IS NOT NULL)),
    CONSTRAINT course_purchases_valid_is_validated_check
        CHECK (status <> 'valid' OR validated_at IS NOT NULL),
    CONSTRAINT course_purchases_refunded_has_a_time_check
        CHECK ((status = 'refunded') = (refunded_at IS NOT NULL))
);
-- A course is owned once per voice; a slot may hold one that is bought later, and the other way round.
CREATE UNIQUE INDEX course_purchases_live_idx
    ON coursebase.course_purchases (user_id, course_id, voice) NULLS NOT DISTINCT
    WHERE status IN ('pending', 'valid') AND source <> 'premium_slot';
CREATE UNIQUE INDEX course_purchases_slot_idx
    ON coursebase.course_purchases (user_id, course_id, voice) NULLS NOT DISTINCT
    WHERE status IN ('pending', 'valid') AND source = 'premium_slot';
CREATE INDEX course_purchases_user_id_course_id_idx
    ON coursebase.course_purchases (user_id, course_id);
CREATE INDEX course_purchases_course_id_idx ON coursebase.course_purchases (course_id);
CREATE INDEX course_purchases_unacknowledged_idx ON coursebase.course_purchases (validated_at)
    WHERE acknowledged_at IS NULL AND status = 'valid';
COMMENT ON TABLE coursebase.course_purchases IS 'Courses that a person has from a store, from an administrator, or in a premium slot. A slot gives its course while the person has premium.';
COMMENT ON COLUMN coursebase.course_purchases.id IS 'Key of the purchase.';
COMMENT ON COLUMN coursebase.course_purchases.user_id IS 'Whose it is.';
COMMENT ON COLUMN coursebase.course_purchases.course_id IS 'The course.';
COMMENT ON COLUMN coursebase.course_purchases.voice IS 'male or female: the voice that was bought; NULL for a course that has one voice.';
COMMENT ON COLUMN coursebase.course_purchases.source IS 'google_play, app_store, admin (given) or premium_slot.';
COMMENT ON COLUMN coursebase.course_purchases.product_id IS 'Base id of the product, as in store_products; NULL where no store sold it.';
COMMENT ON COLUMN coursebase.course_purchases.purchase_id IS 'The store''s id of the purchase; NULL where no store sold it.';
COMMENT ON COLUMN coursebase.course_purchases.purchase_token IS 'The store''s token, with which it is asked about the purchase; NULL where no store sold it.';
COMMENT ON COLUMN coursebase.course_purchases.environment IS 'production or sandbox. What a sandbox sold gives nothing unless the setting accept_sandbox is on.';
COMMENT ON COLUMN coursebase.course_purchases.status IS 'pending, valid, invalid or refunded; only valid gives the course.';
COMMENT ON COLUMN coursebase.course_purchases.purchased_at IS 'When it was bought, given or chosen.';
COMMENT ON COLUMN coursebase.course_purchases.validated_at IS 'When it was found valid, or NULL.';
COMMENT ON COLUMN coursebase.course_purchases.acknowledged_at IS 'When the store was told that it was delivered, or NULL; a store refunds after three days without.';
COMMENT ON COLUMN coursebase.course_purchases.refunded_at IS 'When it was refunded, or NULL.';
COMMENT ON COLUMN coursebase.course_purchases.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.course_purchases.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.course_purchases ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.course_purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.course_purchases TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_purchases TO server;

INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning)
VALUES
    ('premium_slots', 'integer', '2',
        'How many courses a person with premium may choose; -1: every course that is in premium.'),
    ('store_product_prefix', 'text', 'me.hypnoelp.app.',
        'What the stores put before the id of a product, taken off before it is looked up.')
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning
WHERE (s.default_value, s.meaning) IS DISTINCT FROM (excluded.default_value, excluded.meaning);
