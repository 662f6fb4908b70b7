-- Discounts: what a code takes off, from what, for whom, how often and how long.
CREATE TABLE coursebase.discount_codes (
    id                   uuid          NOT NULL DEFAULT gen_random_uuid(),
    code                 text          NOT NULL,
    product_type         text          NOT NULL,
    item                 text,
    percent_off          numeric(5,2),
    amount_off_in_cents  integer,
    currency             char(3),
    lifespan             interval,
    starts_at            timestamptz,
    expires_at           timestamptz,
    max_redemptions      bigint,
    redeemed_count       bigint        NOT NULL DEFAULT 0,
    moved_uses           bigint        NOT NULL DEFAULT 0,
    first_purchase_only  boolean       NOT NULL DEFAULT false,
    minimum_in_cents     integer,
    cohort_id            uuid,
    android_offer_id     text,
    ios_offer_id         text,
    product_suffix       text,
    referrer_id          uuid,
    parent_code_id       uuid,
    is_active            boolean       NOT NULL DEFAULT true,
    created_at           timestamptz   NOT NULL DEFAULT now(),
    updated_at           timestamptz   NOT NULL DEFAULT now(),
    CONSTRAINT discount_codes_pkey PRIMARY KEY (id),
    CONSTRAINT discount_codes_cohort_id_fkey FOREIGN KEY (cohort_id)
        REFERENCES coursebase.cohorts (id) ON DELETE RESTRICT,
    CONSTRAINT discount_codes_referrer_id_fkey FOREIGN KEY (referrer_id)
        REFERENCES coursebase.users (id) ON DELETE SET NULL,
    CONSTRAINT discount_codes_parent_code_id_fkey FOREIGN KEY (parent_code_id)
        REFERENCES coursebase.discount_codes (id) ON DELETE SET NULL,
    CONSTRAINT discount_codes_code_not_empty_check CHECK (btrim(code) <> ''),
    CONSTRAINT discount_codes_product_type_known_check
        CHECK (product_type IN ('course', 'subscription', 'ai_credits', 'custom_course')),
    CONSTRAINT discount_codes_percent_or_amount_check
        CHECK ((percent_off IS NULL) <> (amount_off_in_cents IS NULL)),
    CONSTRAINT discount_codes_currency_of_amount_check
        CHECK ((amount_off_in_cents IS NULL) = (currency IS NULL)),
    CONSTRAINT discount_codes_percent_off_range_check
        CHECK (percent_off > 0 AND percent_off <= 100),
    CONSTRAINT discount_codes_amount_off_positive_check CHECK (amount_off_in_cents > 0),
    CONSTRAINT discount_codes_currency_form_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT discount_codes_lifespan_positive_check CHECK (lifespan > '0'::interval),
    CONSTRAINT discount_codes_period_check CHECK (starts_at < expires_at),
    CONSTRAINT discount_codes_redeemed_count_range_check
        CHECK (redeemed_count >= 0 AND redeemed_count <= max_redemptions),
    CONSTRAINT discount_codes_redeemed_count_not_negative_check CHECK (redeemed_count >= 0),
    CONSTRAINT discount_codes_max_redemptions_not_negative_check CHECK (max_redemptions >= 0),
    CONSTRAINT discount_codes_minimum_not_negative_check CHECK (minimum_in_cents >= 0),
    CONSTRAINT discount_codes_parent_other_check CHECK (parent_code_id <> id)
);
CREATE UNIQUE INDEX discount_codes_code_idx
    ON coursebase.discount_codes (upper(translate(btrim(code), 'i', 'I')));
CREATE INDEX discount_codes_cohort_id_idx ON coursebase.discount_codes (cohort_id);
CREATE INDEX discount_codes_referrer_id_idx ON coursebase.discount_codes (referrer_id);
CREATE INDEX discount_codes_parent_code_id_idx ON coursebase.discount_codes (parent_code_id);
COMMENT ON TABLE coursebase.discount_codes IS 'Discounts: what a code takes off, from what, for whom, how often and how long. Only the server reads and writes the table.';
COMMENT ON COLUMN coursebase.discount_codes.id IS 'Key of the code.';
COMMENT ON COLUMN coursebase.discount_codes.code IS 'What a buyer types. White space around the code and upper or lower case make no difference.';
COMMENT ON COLUMN coursebase.discount_codes.product_type IS 'The kind of product that the code is for: course, subscription, ai_credits or custom_course.';
COMMENT ON COLUMN coursebase.discount_codes.item IS 'The one product that the code is for (a base product id or a course code), or NULL for all of the kind.';
COMMENT ON COLUMN coursebase.discount_codes.percent_off IS 'Percentage taken off, or NULL for a fixed amount.';
COMMENT ON COLUMN coursebase.discount_codes.amount_off_in_cents IS 'Fixed amount taken off, in minor units, or NULL for a percentage.';
COMMENT ON COLUMN coursebase.discount_codes.currency IS 'Currency of the fixed amount, or NULL for a percentage.';
COMMENT ON COLUMN coursebase.discount_codes.lifespan IS 'How long a person may use the code after it was assigned, or NULL. A code with a lifespan is only for people to whom it was assigned.';
COMMENT ON COLUMN coursebase.discount_codes.starts_at IS 'From when on the code may be used, or NULL.';
COMMENT ON COLUMN coursebase.discount_codes.expires_at IS 'When the code ends, or NULL: at that instant it may not be used any more.';
COMMENT ON COLUMN coursebase.discount_codes.max_redemptions IS 'How often all people together may use the code, or NULL for any number.';
COMMENT ON COLUMN coursebase.discount_codes.redeemed_count IS 'Places taken: uses, and reservations that were not given back. 0 while discount_code_shards count.';
COMMENT ON COLUMN coursebase.discount_codes.moved_uses IS 'Places counted in this cell whose people moved to another, less those of people here that another cell counted. A place stays where it was counted, so that all cells together sell as many as they may.';
COMMENT ON COLUMN coursebase.discount_codes.first_purchase_only IS 'Whether the code is only for people who have not paid for anything yet.';
COMMENT ON COLUMN coursebase.discount_codes.minimum_in_cents IS 'The least price on which the code may be used, in minor units, or NULL.';
COMMENT ON COLUMN coursebase.discount_codes.cohort_id IS 'The cohort that the code is for, or NULL for everybody.';
COMMENT ON COLUMN coursebase.discount_codes.android_offer_id IS 'The offer that the phone names to Google Play, or NULL.';
COMMENT ON COLUMN coursebase.discount_codes.ios_offer_id IS 'The offer that the phone names to the App Store, or NULL.';
COMMENT ON COLUMN coursebase.discount_codes.product_suffix IS 'The end of the stores'' product id at this price (_x2), or NULL.';
COMMENT ON COLUMN coursebase.discount_codes.referrer_id IS 'The person who brings whoever enters the code, or NULL.';
COMMENT ON COLUMN coursebase.discount_codes.parent_code_id IS 'The code that this one follows in a chain, or NULL. A chain has no ring.';
COMMENT ON COLUMN coursebase.discount_codes.is_active IS 'Whether the code may be used at all.';
COMMENT ON COLUMN coursebase.discount_codes.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.discount_codes.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.discount_codes ENABLE ROW LEVEL SECURITY;
-- The counter and the referrer are of this server, and so they may be written in any cell.
CREATE TRIGGER t300_of_home BEFORE INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF id, code, product_type, item, percent_off, amount_off_in_cents, currency, lifespan,
    starts_at, expires_at, max_redemptions, first_purchase_only, minimum_in_cents, cohort_id,
    android_offer_id, ios_offer_id, product_suffix, parent_code_id, is_active
    ON coursebase.discount_codes
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t300_keep_for_cells BEFORE DELETE ON coursebase.discount_codes
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t300_keep_for_cells_on_update BEFORE UPDATE ON coursebase.discount_codes
    FOR EACH ROW WHEN (OLD.id <> NEW.id)
    EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t300_keep_split BEFORE UPDATE ON coursebase.discount_codes
    FOR EACH ROW WHEN ((OLD.id, OLD.max_redemptions) IS DISTINCT FROM (NEW.id, NEW.max_redemptions))
    EXECUTE FUNCTION coursebase.tg_discount_codes__keep_split();
-- The foreign key's check would wait for a person who is being deleted and whose reservation is about to free the code.
CREATE TRIGGER t100_lock_user BEFORE UPDATE OF referrer_id ON coursebase.discount_codes
    FOR EACH ROW WHEN (OLD.referrer_id IS DISTINCT FROM NEW.referrer_id)
    EXECUTE FUNCTION coursebase.tg_any__lock_user('referrer_id');
CREATE TRIGGER t400_no_cycle BEFORE INSERT OR UPDATE OF id, parent_code_id
    ON coursebase.discount_codes
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__no_cycle('parent_code', 'id', 'parent_code_id');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.discount_codes
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.discount_codes TO server;

-- The counter of a code that many people use at once, in parts, so that buyers do not wait for one row.
CREATE TABLE coursebase.discount_code_shards (
    discount_code_id  uuid         NOT NULL,
    shard             integer      NOT NULL,
    redeemed_count    bigint       NOT NULL DEFAULT 0,
    max_redemptions   bigint,
    created_at        timestamptz  NOT NULL DEFAULT now(),
    updated_at        timestamptz  NOT NULL DEFAULT now(),
    cell              integer,
    CONSTRAINT discount_code_shards_pkey PRIMARY KEY (discount_code_id, shard),
    CONSTRAINT discount_code_shards_discount_code_id_fkey FOREIGN KEY (discount_code_id)
        REFERENCES coursebase.discount_codes (id) ON DELETE CASCADE,
    CONSTRAINT discount_code_shards_shard_not_negative_check CHECK (shard >= 0),
    CONSTRAINT discount_code_shards_redeemed_count_not_negative_check CHECK (redeemed_count >= 0),
    CONSTRAINT discount_code_shards_redeemed_count_range_check
        CHECK (redeemed_count <= max_redemptions),
    CONSTRAINT discount_code_shards_cell_not_negative_check CHECK (cell >= 0)
);
COMMENT ON TABLE coursebase.discount_code_shards IS 'Counters of codes that many people use at once, in parts; split_counter() makes them. Only the server reads and writes the table.';
COMMENT ON COLUMN coursebase.discount_code_shards.discount_code_id IS 'The code.';
COMMENT ON COLUMN coursebase.discount_code_shards.shard IS 'Number of the part, from 0.';
COMMENT ON COLUMN coursebase.discount_code_shards.redeemed_count IS 'Places of this part that are taken. The parts add up to the count of the code.';
COMMENT ON COLUMN coursebase.discount_code_shards.max_redemptions IS 'Places of this part, or NULL for any number. The parts add up to the limit of the code.';
COMMENT ON COLUMN coursebase.discount_code_shards.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.discount_code_shards.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.discount_code_shards.cell IS 'The cell whose people take the places of this part, and which alone counts them; NULL where there is one server, and home''s where there were no cells yet.';
ALTER TABLE coursebase.discount_code_shards ENABLE ROW LEVEL SECURITY;
-- Limits come from home; each cell counts what it takes.
CREATE TRIGGER t300_of_home BEFORE INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF discount_code_id, shard, max_redemptions, cell
    ON coursebase.discount_code_shards
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.discount_code_shards
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.discount_code_shards TO server;

-- Which discounts a person has: one entry a person and code.
CREATE TABLE coursebase.user_discounts (
    user_id           uuid         NOT NULL,
    discount_code_id  uuid         NOT NULL,
    assigned_at       timestamptz  NOT NULL DEFAULT now(),
    expires_at        timestamptz,
    status            text         NOT NULL DEFAULT 'assigned',
    reserved_until    timestamptz,
    order_ref         text,
    created_at        timestamptz  NOT NULL DEFAULT now(),
    updated_at        timestamptz  NOT NULL DEFAULT now(),
    quote             jsonb,
    CONSTRAINT user_discounts_pkey PRIMARY KEY (user_id, discount_code_id),
    CONSTRAINT user_discounts_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT user_discounts_discount_code_id_fkey FOREIGN KEY (discount_code_id)
        REFERENCES coursebase.discount_codes (id) ON DELETE RESTRICT,
    CONSTRAINT user_discounts_status_known_check
        CHECK (status IN ('assigned', 'reserved', 'redeemed')),
    CONSTRAINT user_discounts_reserved_until_of_status_check
        CHECK ((status = 'reserved') = (reserved_until IS NOT NULL)),
    CONSTRAINT user_discounts_order_ref_of_status_check
        CHECK ((status = 'assigned') = (order_ref IS NULL))
);
CREATE INDEX user_discounts_discount_code_id_idx ON coursebase.user_discounts (discount_code_id);
CREATE INDEX user_discounts_reserved_idx
    ON coursebase.user_discounts (discount_code_id, reserved_until) WHERE status = 'reserved';
COMMENT ON TABLE coursebase.user_discounts IS 'Which discount codes a person has, from assignment over reservation to use: one entry a person and code.';
COMMENT ON COLUMN coursebase.user_discounts.user_id IS 'The person.';
COMMENT ON COLUMN coursebase.user_discounts.discount_code_id IS 'The code.';
COMMENT ON COLUMN coursebase.user_discounts.assigned_at IS 'When the person got the code.';
COMMENT ON COLUMN coursebase.user_discounts.expires_at IS 'When the person''s right to use the code ends, or NULL: the earlier end of lifespan and code.';
COMMENT ON COLUMN coursebase.user_discounts.status IS 'assigned, reserved (for an order, until reserved_until) or redeemed.';
COMMENT ON COLUMN coursebase.user_discounts.reserved_until IS 'When the reservation ends, or NULL.';
COMMENT ON COLUMN coursebase.user_discounts.order_ref IS 'The order that has reserved or used the code, or NULL.';
COMMENT ON COLUMN coursebase.user_discounts.quote IS 'What the reservation showed, and its order redeems while it lives: base_in_cents, discount_in_cents, currency and the terms of the code. NULL without a reservation.';
COMMENT ON COLUMN coursebase.user_discounts.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.user_discounts.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.user_discounts ENABLE ROW LEVEL SECURITY;
-- No statistics of what only some may read: estimates of the planner, which PostgREST answers to
-- Prefer: count=planned, would tell values of it to everybody who may ask about the table.
ALTER TABLE coursebase.user_discounts
    ALTER COLUMN order_ref SET STATISTICS 0;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.user_discounts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.user_discounts TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.user_discounts TO server;

-- Each use of a discount, with the terms it was given on.
CREATE TABLE coursebase.discount_redemptions (
    id                 uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id            uuid         NOT NULL,
    discount_code_id   uuid         NOT NULL,
    order_ref          text         NOT NULL,
    base_in_cents      integer      NOT NULL,
    discount_in_cents  integer      NOT NULL,
    final_in_cents     integer      NOT NULL,
    currency           char(3)      NOT NULL,
    terms              jsonb        NOT NULL,
    redeemed_at        timestamptz  NOT NULL,
    reversed_at        timestamptz,
    CONSTRAINT discount_redemptions_pkey PRIMARY KEY (id),
    CONSTRAINT discount_redemptions_user_id_order_ref_key UNIQUE (user_id, order_ref),
    CONSTRAINT discount_redemptions_user_id_discount_code_id_fkey
        FOREIGN KEY (user_id, discount_code_id)
        REFERENCES coursebase.user_discounts (user_id, discount_code_id) ON DELETE RESTRICT,
    CONSTRAINT discount_redemptions_order_ref_not_empty_check CHECK (order_ref <> ''),
    CONSTRAINT discount_redemptions_base_not_negative_check CHECK (base_in_cents >= 0),
    CONSTRAINT discount_redemptions_discount_range_check
        CHECK (discount_in_cents >= 0 AND discount_in_cents <= base_in_cents),
    CONSTRAINT discount_redemptions_final_is_difference_check
        CHECK (final_in_cents = base_in_cents - discount_in_cents),
    CONSTRAINT discount_redemptions_currency_form_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT discount_redemptions_terms_object_check CHECK (jsonb_typeof(terms) = 'object')
);
CREATE INDEX discount_redemptions_user_id_discount_code_id_idx
    ON coursebase.discount_redemptions (user_id, discount_code_id);
COMMENT ON TABLE coursebase.discount_redemptions IS 'Each use of a discount code, with the terms at that moment. An order keeps its first result for ever.';
COMMENT ON COLUMN coursebase.discount_redemptions.id IS 'Key of the use.';
COMMENT ON COLUMN coursebase.discount_redemptions.user_id IS 'The person who used the code.';
COMMENT ON COLUMN coursebase.discount_redemptions.discount_code_id IS 'The code.';
COMMENT ON COLUMN coursebase.discount_redemptions.order_ref IS 'The order that the code was used for; an order uses one code.';
COMMENT ON COLUMN coursebase.discount_redemptions.base_in_cents IS 'Price before the discount, in minor units.';
COMMENT ON COLUMN coursebase.discount_redemptions.discount_in_cents IS 'What the code took off, in minor units.';
COMMENT ON COLUMN coursebase.discount_redemptions.final_in_cents IS 'Price after the discount, in minor units.';
COMMENT ON COLUMN coursebase.discount_redemptions.currency IS 'Currency of the three amounts.';
COMMENT ON COLUMN coursebase.discount_redemptions.terms IS 'The code''s columns at that moment but whose it is, and as ordered_type and ordered_item the product.';
COMMENT ON COLUMN coursebase.discount_redemptions.redeemed_at IS 'When the code was used.';
COMMENT ON COLUMN coursebase.discount_redemptions.reversed_at IS 'When a refund gave the use back, or NULL.';
ALTER TABLE coursebase.discount_redemptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.discount_redemptions
    ALTER COLUMN order_ref SET STATISTICS 0;
GRANT SELECT ON TABLE coursebase.discount_redemptions TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.discount_redemptions TO server;

-- What a person earned by bringing another one.
CREATE TABLE coursebase.referral_credits (
    id                uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id           uuid         NOT NULL,
    referred_user_id  uuid,
    amount_in_cents   integer      NOT NULL,
    spent_in_cents    integer      NOT NULL DEFAULT 0,
    currency          char(3)      NOT NULL,
    source            text         NOT NULL,
    earned_at         timestamptz  NOT NULL,
    available_at      timestamptz  NOT NULL,
    expires_at        timestamptz,
    revoked_at        timestamptz,
    created_at        timestamptz  NOT NULL DEFAULT now(),
    updated_at        timestamptz  NOT NULL DEFAULT now(),
    revoked_by_refund boolean      NOT NULL DEFAULT false,
    referred_elsewhere uuid,
    delivery_version  integer,
    CONSTRAINT referral_credits_pkey PRIMARY KEY (id),
    CONSTRAINT referral_credits_referred_user_id_key UNIQUE (referred_user_id),
    CONSTRAINT referral_credits_referred_elsewhere_key UNIQUE (referred_elsewhere),
    CONSTRAINT referral_credits_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT referral_credits_referred_user_id_fkey FOREIGN KEY (referred_user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT referral_credits_user_other_check CHECK (user_id <> referred_user_id),
    CONSTRAINT referral_credits_referred_here_or_elsewhere_check
        CHECK ((referred_user_id IS NULL) <> (referred_elsewhere IS NULL)),
    CONSTRAINT referral_credits_delivery_version_of_elsewhere_check
        CHECK ((referred_elsewhere IS NULL) = (delivery_version IS NULL)),
    CONSTRAINT referral_credits_amount_positive_check CHECK (amount_in_cents > 0),
    CONSTRAINT referral_credits_spent_range_check
        CHECK (spent_in_cents >= 0 AND spent_in_cents <= amount_in_cents),
    CONSTRAINT referral_credits_currency_form_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT referral_credits_hold_check CHECK (available_at >= earned_at)
);
CREATE INDEX referral_credits_user_id_idx ON coursebase.referral_credits (user_id);
COMMENT ON TABLE coursebase.referral_credits IS 'What a person earned by bringing another one; to be spent after the hold.';
COMMENT ON COLUMN coursebase.referral_credits.id IS 'Key of the credit.';
COMMENT ON COLUMN coursebase.referral_credits.user_id IS 'The referrer, who earned the credit.';
COMMENT ON COLUMN coursebase.referral_credits.referred_user_id IS 'The person brought, whose first premium earned the credit; NULL where that person lives in another cell.';
COMMENT ON COLUMN coursebase.referral_credits.amount_in_cents IS 'The amount earned, in minor units.';
COMMENT ON COLUMN coursebase.referral_credits.spent_in_cents IS 'The amount spent, in minor units: the sum of the credit''s rows in referral_spendings.';
COMMENT ON COLUMN coursebase.referral_credits.currency IS 'Currency of both amounts.';
COMMENT ON COLUMN coursebase.referral_credits.source IS 'What earned the credit (first_premium).';
COMMENT ON COLUMN coursebase.referral_credits.earned_at IS 'When the credit was earned.';
COMMENT ON COLUMN coursebase.referral_credits.available_at IS 'From when on the credit may be spent: the end of the hold.';
COMMENT ON COLUMN coursebase.referral_credits.expires_at IS 'When the credit ends, or NULL: at that instant it may not be spent any more.';
COMMENT ON COLUMN coursebase.referral_credits.revoked_at IS 'When a refund within the hold took the credit back, or NULL.';
COMMENT ON COLUMN coursebase.referral_credits.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.referral_credits.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.referral_credits.revoked_by_refund IS 'Whether a refund revoked it, so that its reversal gives it back; told of who lives here, the other cell keeps it of the others.';
COMMENT ON COLUMN coursebase.referral_credits.referred_elsewhere IS 'Key of the row in referral_deliveries of the cell where the person brought lives; NULL where that is here.';
COMMENT ON COLUMN coursebase.referral_credits.delivery_version IS 'Which state of that row arrived last.';
ALTER TABLE coursebase.referral_credits ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.referral_credits
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.referral_credits TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.referral_credits TO server;

-- Who was brought by somebody who lives in another cell, and the state of the credit that is told
-- there. The key stays when the account is merged, so that a state that comes again is known.
CREATE TABLE coursebase.referral_deliveries (
    referred           uuid         NOT NULL,
    user_id            uuid         NOT NULL,
    referrer_id        uuid         NOT NULL,
    version            integer      NOT NULL DEFAULT 0,
    delivered_version  integer      NOT NULL DEFAULT 0,
    amount_in_cents    integer,
    currency           char(3),
    earned_at          timestamptz,
    available_at       timestamptz,
    expires_at         timestamptz,
    revoked_at         timestamptz,
    revoked_by_refund  boolean      NOT NULL DEFAULT false,
    created_at         timestamptz  NOT NULL DEFAULT now(),
    updated_at         timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT referral_deliveries_pkey PRIMARY KEY (referred),
    CONSTRAINT referral_deliveries_user_id_key UNIQUE (user_id),
    CONSTRAINT referral_deliveries_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT referral_deliveries_user_other_check CHECK (user_id <> referrer_id),
    CONSTRAINT referral_deliveries_version_range_check
        CHECK (delivered_version >= 0 AND delivered_version <= version),
    CONSTRAINT referral_deliveries_earned_is_told_check CHECK ((earned_at IS NULL) = (version = 0)),
    CONSTRAINT referral_deliveries_earned_as_whole_check CHECK (num_nonnulls(
        amount_in_cents, currency, earned_at, available_at) IN (0, 4)),
    CONSTRAINT referral_deliveries_amount_positive_check CHECK (amount_in_cents > 0),
    CONSTRAINT referral_deliveries_currency_form_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT referral_deliveries_hold_check CHECK (available_at >= earned_at),
    CONSTRAINT referral_deliveries_revoked_is_earned_check
        CHECK (revoked_at IS NULL OR earned_at IS NOT NULL)
);
CREATE INDEX referral_deliveries_pending_idx ON coursebase.referral_deliveries (updated_at)
    WHERE version > delivered_version;
COMMENT ON TABLE coursebase.referral_deliveries IS 'People who were brought by somebody who lives in another cell: one row a person, with the state of the credit that the referrer''s cell is told. Empty where there is one server. Only the server reads the table.';
COMMENT ON COLUMN coursebase.referral_deliveries.referred IS 'Key of the delivery in both cells: the person brought, as of when the referrer was recorded.';
COMMENT ON COLUMN coursebase.referral_deliveries.user_id IS 'The person brought.';
COMMENT ON COLUMN coursebase.referral_deliveries.referrer_id IS 'The referrer, who lives in another cell, or did when the one of the two moved.';
COMMENT ON COLUMN coursebase.referral_deliveries.version IS 'How many states there were to tell; 0: nothing was earned yet.';
COMMENT ON COLUMN coursebase.referral_deliveries.delivered_version IS 'The last of them that arrived.';
COMMENT ON COLUMN coursebase.referral_deliveries.amount_in_cents IS 'The amount earned, in minor units; NULL before.';
COMMENT ON COLUMN coursebase.referral_deliveries.currency IS 'Currency of the amount.';
COMMENT ON COLUMN coursebase.referral_deliveries.earned_at IS 'When the credit was earned.';
COMMENT ON COLUMN coursebase.referral_deliveries.available_at IS 'From when on the credit may be spent: the end of the hold.';
COMMENT ON COLUMN coursebase.referral_deliveries.expires_at IS 'When the credit ends, or NULL.';
COMMENT ON COLUMN coursebase.referral_deliveries.revoked_at IS 'When a refund within the hold took the credit back, or NULL.';
COMMENT ON COLUMN coursebase.referral_deliveries.revoked_by_refund IS 'Whether a refund revoked it, so that its reversal gives it back.';
COMMENT ON COLUMN coursebase.referral_deliveries.created_at IS 'When the referrer was recorded.';
COMMENT ON COLUMN coursebase.referral_deliveries.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.referral_deliveries ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.referral_deliveries
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.referral_deliveries TO server;

-- What an order took from which credit.
CREATE TABLE coursebase.referral_spendings (
    user_id             uuid         NOT NULL,
    order_ref           text         NOT NULL,
    referral_credit_id  uuid         NOT NULL,
    amount_in_cents     integer      NOT NULL,
    currency            char(3)      NOT NULL,
    spent_at            timestamptz  NOT NULL,
    CONSTRAINT referral_spendings_pkey PRIMARY KEY (user_id, order_ref, referral_credit_id),
    CONSTRAINT referral_spendings_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT referral_spendings_referral_credit_id_fkey FOREIGN KEY (referral_credit_id)
        REFERENCES coursebase.referral_credits (id) ON DELETE RESTRICT,
    CONSTRAINT referral_spendings_order_ref_not_empty_check CHECK (order_ref <> ''),
    CONSTRAINT referral_spendings_amount_positive_check CHECK (amount_in_cents > 0)
);
CREATE INDEX referral_spendings_referral_credit_id_idx
    ON coursebase.referral_spendings (referral_credit_id);
COMMENT ON TABLE coursebase.referral_spendings IS 'What an order took from which referral credit: one row a part. Only the server reads and writes the table.';
COMMENT ON COLUMN coursebase.referral_spendings.user_id IS 'The person who spent.';
COMMENT ON COLUMN coursebase.referral_spendings.order_ref IS 'The order; an order spends once.';
COMMENT ON COLUMN coursebase.referral_spendings.referral_credit_id IS 'The credit that this part was taken from.';
COMMENT ON COLUMN coursebase.referral_spendings.amount_in_cents IS 'The part, in minor units.';
COMMENT ON COLUMN coursebase.referral_spendings.currency IS 'Currency of the part.';
COMMENT ON COLUMN coursebase.referral_spendings.spent_at IS 'When the part was spent.';
ALTER TABLE coursebase.referral_spendings ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON TABLE coursebase.referral_spendings TO server;

-- One row a kind of chain. Whoever adds a link updates the row first: two transactions that each see only their own
-- link could otherwise close a ring together.
CREATE TABLE coursebase.chain_versions (
    chain       text         NOT NULL,
    version     bigint       NOT NULL DEFAULT 0,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT chain_versions_pkey PRIMARY KEY (chain),
    CONSTRAINT chain_versions_chain_known_check CHECK (chain IN ('parent_code', 'referral'))
);
COMMENT ON TABLE coursebase.chain_versions IS 'One row a kind of chain. Whoever adds a link updates the row first, so that no two links close a ring unseen by each other.';
COMMENT ON COLUMN coursebase.chain_versions.chain IS 'parent_code (of discount_codes) or referral (of user_profile).';
COMMENT ON COLUMN coursebase.chain_versions.version IS 'How many links were added.';
COMMENT ON COLUMN coursebase.chain_versions.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.chain_versions.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.chain_versions ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t000_restored BEFORE INSERT ON coursebase.chain_versions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__restored('keep', 'chain');
ALTER TABLE coursebase.chain_versions ENABLE ALWAYS TRIGGER t000_restored;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.chain_versions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.chain_versions TO server;

-- user_profile is a table of identity; the trigger stands here because the chain of referrers is of this slice.
CREATE TRIGGER t400_no_cycle BEFORE INSERT OR UPDATE OF user_id, referred_by
    ON coursebase.user_profile
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__no_cycle('referral', 'user_id', 'referred_by');

-- What a referral earns, and when.
INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning)
VALUES
    ('referral_credit_in_cents', 'integer', '100',
        'What a referrer earns when a person they brought first has premium, in minor units; 0 for nothing.'),
    ('referral_credit_currency', 'text', 'USD', 'Currency of what a referrer earns: an ISO 4217 code.'),
    ('referral_hold_days', 'integer', '14',
        'Days after which a referral credit may be spent, 0 to 36500; a refund before takes it back.'),
    ('referral_credit_days', 'integer', '0',
        'Days after the hold until which a referral credit may be spent, 1 to 36500; 0 for ever.')
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning
WHERE (s.default_value, s.meaning) IS DISTINCT FROM (excluded.default_value, excluded.meaning);

-- Sales do not know discounts: the trigger by which a refund gives the use of a code back stands here.
CREATE TRIGGER t900_discount AFTER UPDATE ON coursebase.purchases
    FOR EACH ROW WHEN ((OLD.refunded_at IS NULL) <> (NEW.refunded_at IS NULL))
    EXECUTE FUNCTION coursebase.tg_purchases__discount();
-- A sale of the past that comes refunded.
CREATE TRIGGER t900_discount_on_insert AFTER INSERT ON coursebase.purchases
    FOR EACH ROW WHEN (NEW.refunded_at IS NOT NULL)
    EXECUTE FUNCTION coursebase.tg_purchases__discount();
