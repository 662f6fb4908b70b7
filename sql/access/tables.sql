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

-- Every receipt of a store that came, of whatever kind: it belongs to one person and one product, and what it
-- gave stands in the tables of its kind.
CREATE TABLE coursebase.store_receipts (
    id                       uuid         NOT NULL DEFAULT gen_random_uuid(),
    source                   text         NOT NULL,
    environment              text         NOT NULL,
    purchase_id              text         NOT NULL,
    user_id                  uuid,
    product_id               text,
    kind                     text,
    voice                    text,
    purchase_token           text,
    original_transaction_id  text,
    discount_order_ref       text,
    amount_in_cents          bigint,
    currency                 char(3),
    status                   text         NOT NULL,
    detail                   json,
    receipt                  jsonb,
    purchased_at             timestamptz,
    validated_at             timestamptz,
    acknowledged_at          timestamptz,
    refunded_at              timestamptz,
    refund_detail            text,
    created_at               timestamptz  NOT NULL DEFAULT now(),
    updated_at               timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT store_receipts_pkey PRIMARY KEY (id),
    CONSTRAINT store_receipts_source_environment_purchase_id_key
        UNIQUE (source, environment, purchase_id),
    CONSTRAINT store_receipts_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT store_receipts_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES coursebase.store_products (product_id) ON DELETE RESTRICT,
    CONSTRAINT store_receipts_source_known_check CHECK (source IN ('google_play', 'app_store')),
    CONSTRAINT store_receipts_environment_known_check
        CHECK (environment IN ('production', 'sandbox')),
    CONSTRAINT store_receipts_kind_known_check
        CHECK (kind IN ('course', 'subscription', 'ai_credits', 'custom_course')),
    CONSTRAINT store_receipts_voice_known_check CHECK (voice IN ('male', 'female')),
    CONSTRAINT store_receipts_status_known_check
        CHECK (status IN ('valid', 'duplicate', 'sandbox', 'refunded')),
    CONSTRAINT store_receipts_only_a_refund_lacks_a_receipt_check CHECK (
        status = 'refunded'
        OR (user_id IS NOT NULL AND product_id IS NOT NULL AND kind IS NOT NULL
            AND purchased_at IS NOT NULL AND validated_at IS NOT NULL)),
    CONSTRAINT store_receipts_refunded_has_a_time_check
        CHECK ((status = 'refunded') = (refunded_at IS NOT NULL)),
    CONSTRAINT store_receipts_amount_not_negative_check CHECK (amount_in_cents >= 0),
    CONSTRAINT store_receipts_amount_with_currency_check
        CHECK ((amount_in_cents IS NULL) = (currency IS NULL)),
    CONSTRAINT store_receipts_currency_form_check CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE INDEX store_receipts_user_id_idx ON coursebase.store_receipts (user_id);
CREATE INDEX store_receipts_product_id_idx ON coursebase.store_receipts (product_id);
CREATE INDEX store_receipts_unacknowledged_idx ON coursebase.store_receipts (purchased_at)
    WHERE acknowledged_at IS NULL AND status = 'valid' AND kind = 'subscription';
COMMENT ON TABLE coursebase.store_receipts IS 'Receipts of the stores, one row each: whose it is, for which product, and whether it was refunded. A refund that comes before its receipt is a row without a person. Written by validate_purchase(), refund_store_purchase() and acknowledge_purchase().';
COMMENT ON COLUMN coursebase.store_receipts.id IS 'Key of the receipt.';
COMMENT ON COLUMN coursebase.store_receipts.source IS 'google_play or app_store.';
COMMENT ON COLUMN coursebase.store_receipts.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.store_receipts.purchase_id IS 'The store''s id of the purchase (order or transaction).';
COMMENT ON COLUMN coursebase.store_receipts.user_id IS 'Whose it is; NULL for a refund whose receipt has not come.';
COMMENT ON COLUMN coursebase.store_receipts.product_id IS 'Base id of the product, as in store_products; NULL where it is not known.';
COMMENT ON COLUMN coursebase.store_receipts.kind IS 'Kind of the product: course, subscription, ai_credits or custom_course; NULL where it is not known.';
COMMENT ON COLUMN coursebase.store_receipts.voice IS 'The voice that the receipt of a course names, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.purchase_token IS 'The store''s token, with which it is asked about the purchase, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.original_transaction_id IS 'Which subscription a period is of, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.discount_order_ref IS 'The order under which a discount was redeemed for it, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.amount_in_cents IS 'What was paid, in minor units, or NULL where nobody said.';
COMMENT ON COLUMN coursebase.store_receipts.currency IS 'ISO 4217 code of the amount, in upper case.';
COMMENT ON COLUMN coursebase.store_receipts.status IS 'valid; duplicate: what it is for was owned already, and it is to be refunded; sandbox: it gives nothing while the setting accept_sandbox is off; refunded.';
COMMENT ON COLUMN coursebase.store_receipts.detail IS 'What the first answer showed of the purchase, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.receipt IS 'The receipt as it came, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.purchased_at IS 'When the store sold it, or NULL where it is not known.';
COMMENT ON COLUMN coursebase.store_receipts.validated_at IS 'When it was validated, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.acknowledged_at IS 'When the store was told that a subscription was delivered; of other kinds their tables say it.';
COMMENT ON COLUMN coursebase.store_receipts.refunded_at IS 'When it was refunded, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.refund_detail IS 'What the refund took back, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.store_receipts.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.store_receipts ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.store_receipts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.store_receipts TO server;

INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning)
VALUES
    ('premium_slots', 'integer', '2',
        'How many courses a person with premium may choose; -1: every course that is in premium.'),
    ('store_product_prefix', 'text', 'me.hypnoelp.app.',
        'What the stores put before the id of a product, taken off before it is looked up.')
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning
WHERE (s.default_value, s.meaning) IS DISTINCT FROM (excluded.default_value, excluded.meaning);
