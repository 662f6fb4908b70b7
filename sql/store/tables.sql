-- What the app stores sell. A receipt names nothing but the id of a product, which is the same in all stores.
CREATE TABLE coursebase.store_products (
    product_id      text         NOT NULL,
    kind            text         NOT NULL,
    course_id       uuid,
    credits         integer,
    price_in_cents  integer,
    currency        char(3),
    created_at      timestamptz  NOT NULL DEFAULT now(),
    updated_at      timestamptz  NOT NULL DEFAULT now(),
    course_code     text,
    CONSTRAINT store_products_pkey PRIMARY KEY (product_id),
    CONSTRAINT store_products_course_id_fkey FOREIGN KEY (course_id)
        REFERENCES coursebase.courses (id) ON DELETE RESTRICT,
    CONSTRAINT store_products_product_id_form_check CHECK (product_id ~ '^[a-z0-9][a-z0-9_.-]*$'),
    CONSTRAINT store_products_kind_known_check
        CHECK (kind IN ('course', 'subscription', 'ai_credits', 'custom_course')),
    CONSTRAINT store_products_course_of_a_course_check
        CHECK ((kind = 'course') = (course_id IS NOT NULL)),
    CONSTRAINT store_products_credits_of_a_pack_check
        CHECK ((kind = 'ai_credits') = (credits IS NOT NULL)),
    CONSTRAINT store_products_credits_positive_check CHECK (credits > 0),
    CONSTRAINT store_products_code_of_a_custom_course_check
        CHECK ((kind = 'custom_course') = (course_code IS NOT NULL)),
    CONSTRAINT store_products_course_code_form_check
        CHECK (course_code ~ '^X[0-9]{2}[A-Z]{3}$'),
    CONSTRAINT store_products_price_not_negative_check CHECK (price_in_cents >= 0),
    CONSTRAINT store_products_currency_form_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT store_products_price_has_currency_check
        CHECK ((price_in_cents IS NULL) = (currency IS NULL))
);
CREATE INDEX store_products_course_id_idx ON coursebase.store_products (course_id);
COMMENT ON TABLE coursebase.store_products IS 'What the app stores sell: a course, a subscription, a pack of credits or a custom course.';
COMMENT ON COLUMN coursebase.store_products.product_id IS 'Base id in lower case, without a store''s prefix and a discount''s suffix. The kind says what it is, not its spelling.';
COMMENT ON COLUMN coursebase.store_products.kind IS 'course, subscription, ai_credits or custom_course.';
COMMENT ON COLUMN coursebase.store_products.course_id IS 'The course that the product gives; NULL for another kind.';
COMMENT ON COLUMN coursebase.store_products.course_code IS 'The code that a custom course of this product gets: X, two digits, three letters; NULL for another kind.';
COMMENT ON COLUMN coursebase.store_products.credits IS 'The credits that a pack gives; NULL for another kind.';
COMMENT ON COLUMN coursebase.store_products.price_in_cents IS 'Price in minor units of currency, or NULL if only the store knows it.';
COMMENT ON COLUMN coursebase.store_products.currency IS 'ISO 4217 code of the price, in upper case.';
COMMENT ON COLUMN coursebase.store_products.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.store_products.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.store_products ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.store_products
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t300_keep_for_cells BEFORE DELETE ON coursebase.store_products
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t300_keep_for_cells_on_update BEFORE UPDATE ON coursebase.store_products
    FOR EACH ROW WHEN (OLD.product_id <> NEW.product_id)
    EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.store_products
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.store_products TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.store_products TO end_user, server;

-- Every receipt of an app store, of any kind. A receipt belongs to one person and one product; what the receipt gave
-- stands in the tables of its kind.
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
    amount_in_cents          integer,
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
    quantity                 integer      NOT NULL DEFAULT 1,
    refunded_quantity        integer      NOT NULL DEFAULT 0,
    refunded_in_cents        integer      NOT NULL DEFAULT 0,
    discount_refused         text,
    reversals                timestamptz[],
    discount_redemption_id   uuid,
    CONSTRAINT store_receipts_pkey PRIMARY KEY (id),
    CONSTRAINT store_receipts_source_environment_purchase_id_key
        UNIQUE (source, environment, purchase_id),
    CONSTRAINT store_receipts_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT store_receipts_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES coursebase.store_products (product_id) ON DELETE RESTRICT,
    CONSTRAINT store_receipts_discount_redemption_id_fkey FOREIGN KEY (discount_redemption_id)
        REFERENCES coursebase.discount_redemptions (id) ON DELETE SET NULL,
    CONSTRAINT store_receipts_source_known_check CHECK (source IN ('google_play', 'app_store')),
    CONSTRAINT store_receipts_environment_known_check
        CHECK (environment IN ('production', 'sandbox')),
    CONSTRAINT store_receipts_kind_known_check
        CHECK (kind IN ('course', 'subscription', 'ai_credits', 'custom_course')),
    CONSTRAINT store_receipts_voice_known_check CHECK (voice IN ('male', 'female')),
    CONSTRAINT store_receipts_status_known_check
        CHECK (status IN ('valid', 'duplicate', 'sandbox', 'refunded', 'pending', 'canceled')),
    CONSTRAINT store_receipts_only_a_refund_lacks_a_receipt_check CHECK (
        status = 'refunded'
        OR (user_id IS NOT NULL AND product_id IS NOT NULL AND kind IS NOT NULL
            AND purchased_at IS NOT NULL AND validated_at IS NOT NULL)),
    CONSTRAINT store_receipts_refunded_has_a_time_check
        CHECK ((status = 'refunded') = (refunded_at IS NOT NULL)),
    CONSTRAINT store_receipts_quantity_positive_check CHECK (quantity > 0),
    CONSTRAINT store_receipts_refunded_within_purchase_check CHECK (
        refunded_quantity BETWEEN 0 AND quantity AND refunded_in_cents >= 0),
    CONSTRAINT store_receipts_amount_not_negative_check CHECK (amount_in_cents >= 0),
    CONSTRAINT store_receipts_amount_with_currency_check
        CHECK ((amount_in_cents IS NULL) = (currency IS NULL)),
    CONSTRAINT store_receipts_currency_form_check CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE INDEX store_receipts_user_id_idx ON coursebase.store_receipts (user_id);
CREATE INDEX store_receipts_product_id_idx ON coursebase.store_receipts (product_id);
-- Whose line a payment is of, and whose token a notification names: the token's end, for a token
-- may be longer than an index takes.
CREATE INDEX store_receipts_original_transaction_id_idx
    ON coursebase.store_receipts (original_transaction_id) WHERE kind = 'subscription';
CREATE INDEX store_receipts_purchase_token_idx
    ON coursebase.store_receipts (right(purchase_token, 64)) WHERE purchase_token IS NOT NULL;
CREATE INDEX store_receipts_discount_redemption_id_idx
    ON coursebase.store_receipts (discount_redemption_id);
-- Few: the view duplicate_store_purchases, which metrics() counts, would read every receipt.
CREATE INDEX store_receipts_duplicate_idx ON coursebase.store_receipts (purchased_at)
    WHERE status = 'duplicate' AND environment = 'production';
CREATE INDEX store_receipts_unacknowledged_idx ON coursebase.store_receipts (purchased_at)
    WHERE acknowledged_at IS NULL AND status = 'valid' AND kind = 'subscription';
COMMENT ON TABLE coursebase.store_receipts IS 'Receipts of the app stores, one row each: the person, the product, and whether it was refunded. A refund that comes before its receipt is a row without a person. Written by validate_purchase(), refund_store_purchase() and acknowledge_purchase().';
COMMENT ON COLUMN coursebase.store_receipts.id IS 'Key of the receipt.';
COMMENT ON COLUMN coursebase.store_receipts.source IS 'google_play or app_store.';
COMMENT ON COLUMN coursebase.store_receipts.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.store_receipts.purchase_id IS 'The store''s id of the purchase (order or transaction).';
COMMENT ON COLUMN coursebase.store_receipts.user_id IS 'The person whom the receipt belongs to; NULL for a refund whose receipt has not come.';
COMMENT ON COLUMN coursebase.store_receipts.product_id IS 'Base id of the product, as in store_products; NULL if it is not known.';
COMMENT ON COLUMN coursebase.store_receipts.kind IS 'Kind of the product: course, subscription, ai_credits or custom_course; NULL if it is not known.';
COMMENT ON COLUMN coursebase.store_receipts.voice IS 'The voice that the receipt of a course names, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.purchase_token IS 'Token with which the store is asked about the purchase, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.original_transaction_id IS 'Original transaction of the subscription that a period belongs to, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.discount_order_ref IS 'Order under which a discount was redeemed for the receipt, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.discount_redemption_id IS 'That use of the discount where it is another person''s: who bought, before the receipt went to user_id. NULL: the one of user_id and discount_order_ref.';
COMMENT ON COLUMN coursebase.store_receipts.amount_in_cents IS 'What was paid, in minor units of currency, or NULL if it is not known.';
COMMENT ON COLUMN coursebase.store_receipts.currency IS 'ISO 4217 code of the amount, in upper case.';
COMMENT ON COLUMN coursebase.store_receipts.status IS 'valid; duplicate: the course was owned already, and the receipt is to be refunded; sandbox: the receipt gives nothing while the setting accept_sandbox is off; refunded; pending: it is to be paid yet, and gives nothing; canceled: it was canceled before it was paid.';
COMMENT ON COLUMN coursebase.store_receipts.discount_refused IS 'Why the discount that the receipt names was not redeemed: SQLSTATE and reason; NULL if it was, or there is none.';
COMMENT ON COLUMN coursebase.store_receipts.reversals IS 'When the store took refunds back without naming them: a refund up to such a time that is told later takes nothing; NULL if it never did.';
COMMENT ON COLUMN coursebase.store_receipts.quantity IS 'How often the product was bought; a pack of credits counts that often.';
COMMENT ON COLUMN coursebase.store_receipts.refunded_quantity IS 'How many of quantity were refunded.';
COMMENT ON COLUMN coursebase.store_receipts.refunded_in_cents IS 'What was paid back by refunds that name a sum, in minor units of currency.';
COMMENT ON COLUMN coursebase.store_receipts.detail IS 'What the first answer showed as given, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.receipt IS 'The receipt as it came, or NULL if only the refund came.';
COMMENT ON COLUMN coursebase.store_receipts.purchased_at IS 'When the store sold the product, or NULL if it is not known.';
COMMENT ON COLUMN coursebase.store_receipts.validated_at IS 'When the receipt was validated, or NULL if only the refund came.';
COMMENT ON COLUMN coursebase.store_receipts.acknowledged_at IS 'When the store was told that a subscription was delivered, or NULL; for the other kinds the column of the same name in their own tables.';
COMMENT ON COLUMN coursebase.store_receipts.refunded_at IS 'When the purchase was refunded, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.refund_detail IS 'What the refund took back, or NULL.';
COMMENT ON COLUMN coursebase.store_receipts.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.store_receipts.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.store_receipts ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_keep BEFORE UPDATE ON coursebase.store_receipts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once('id', 'source', 'environment',
        'purchase_id', 'product_id');
CREATE TRIGGER t300_person_stays BEFORE UPDATE ON coursebase.store_receipts
    FOR EACH ROW WHEN (OLD.user_id IS NOT NULL AND OLD.user_id IS DISTINCT FROM NEW.user_id)
    EXECUTE FUNCTION coursebase.tg_any__person_stays();
CREATE TRIGGER t300_refund_stays BEFORE UPDATE ON coursebase.store_receipts
    FOR EACH ROW WHEN (OLD.refunded_at IS NOT NULL
        AND OLD.refunded_at IS DISTINCT FROM NEW.refunded_at)
    EXECUTE FUNCTION coursebase.tg_any__refund_stays();
-- A stolen server key must not invent a receipt, nor free one for another person. A refund stays open.
CREATE TRIGGER t300_signed_only BEFORE INSERT OR DELETE ON coursebase.store_receipts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__signed_only('source');
CREATE TRIGGER t300_signed_only_on_update BEFORE UPDATE ON coursebase.store_receipts
    FOR EACH ROW WHEN (NEW.status <> 'refunded'
        AND (OLD.source, OLD.environment, OLD.purchase_id, OLD.user_id, OLD.product_id, OLD.kind,
            OLD.voice, OLD.status)
            IS DISTINCT FROM (NEW.source, NEW.environment, NEW.purchase_id, NEW.user_id,
                NEW.product_id, NEW.kind, NEW.voice, NEW.status))
    EXECUTE FUNCTION coursebase.tg_any__signed_only('source');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.store_receipts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t400_claim AFTER INSERT ON coursebase.store_receipts
    FOR EACH ROW
    EXECUTE FUNCTION coursebase.tg_any__claim_keys('purchase source environment purchase_id');
CREATE TRIGGER t400_claim_on_update AFTER UPDATE ON coursebase.store_receipts
    FOR EACH ROW WHEN (NEW.user_id IS NOT NULL AND OLD.user_id IS DISTINCT FROM NEW.user_id)
    EXECUTE FUNCTION coursebase.tg_any__claim_keys('purchase source environment purchase_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.store_receipts TO server;

-- What each refund took of its purchase, so that a reversal gives back exactly that.
CREATE TABLE coursebase.store_refunds (
    source           text         NOT NULL,
    environment      text         NOT NULL,
    purchase_id      text         NOT NULL,
    refund_ref       text         NOT NULL,
    quantity         integer,
    amount_in_cents  integer,
    credits          bigint,
    status_before    text,
    detail           text,
    refunded_at      timestamptz  NOT NULL,
    reversed_at      timestamptz,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT store_refunds_pkey PRIMARY KEY (source, environment, purchase_id, refund_ref),
    CONSTRAINT store_refunds_source_environment_purchase_id_fkey
        FOREIGN KEY (source, environment, purchase_id)
        REFERENCES coursebase.store_receipts (source, environment, purchase_id) ON DELETE CASCADE,
    CONSTRAINT store_refunds_refund_ref_not_empty_check CHECK (refund_ref <> ''),
    CONSTRAINT store_refunds_parts_positive_check
        CHECK (quantity > 0 AND amount_in_cents > 0 AND credits > 0)
);
COMMENT ON TABLE coursebase.store_refunds IS 'Refunds of receipts, each once, with what it took. Written by refund_store_purchase() and reverse_store_refund(); only the server reads it.';
COMMENT ON COLUMN coursebase.store_refunds.source IS 'google_play or app_store.';
COMMENT ON COLUMN coursebase.store_refunds.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.store_refunds.purchase_id IS 'The store''s id of the purchase.';
COMMENT ON COLUMN coursebase.store_refunds.refund_ref IS 'The store''s id of the refund; its number if the store gave none.';
COMMENT ON COLUMN coursebase.store_refunds.quantity IS 'How many of the receipt''s quantity it was of; NULL if it names none.';
COMMENT ON COLUMN coursebase.store_refunds.amount_in_cents IS 'What was paid back, in minor units; NULL if it names no sum.';
COMMENT ON COLUMN coursebase.store_refunds.credits IS 'Credits of a pack that it claims; NULL for what is no pack.';
COMMENT ON COLUMN coursebase.store_refunds.status_before IS 'Status of the receipt before it, to which a reversal returns; NULL if it was of a part.';
COMMENT ON COLUMN coursebase.store_refunds.detail IS 'What it took back, in words; NULL if only the reversal of the refund has come.';
COMMENT ON COLUMN coursebase.store_refunds.refunded_at IS 'When it was paid back; while only its reversal has come, when that was.';
COMMENT ON COLUMN coursebase.store_refunds.reversed_at IS 'When the store took it back, or NULL.';
COMMENT ON COLUMN coursebase.store_refunds.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.store_refunds.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.store_refunds ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.store_refunds
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.store_refunds TO server;

-- Access does not know store: what keeps a refund, and records gifts by plain SQL, stands here.
CREATE TRIGGER t300_refund_stays BEFORE UPDATE ON coursebase.course_purchases
    FOR EACH ROW WHEN (OLD.refunded_at IS NOT NULL
        AND OLD.refunded_at IS DISTINCT FROM NEW.refunded_at
        AND (OLD.source <> 'premium_slot' OR NEW.source <> 'premium_slot'))
    EXECUTE FUNCTION coursebase.tg_any__refund_stays();
CREATE TRIGGER t300_person_stays BEFORE UPDATE ON coursebase.course_purchases
    FOR EACH ROW WHEN (OLD.user_id IS DISTINCT FROM NEW.user_id
        AND (OLD.source <> 'premium_slot' OR NEW.source <> 'premium_slot'))
    EXECUTE FUNCTION coursebase.tg_any__person_stays();
CREATE TRIGGER t900_audit AFTER INSERT OR UPDATE ON coursebase.course_purchases
    FOR EACH ROW WHEN (NEW.source = 'admin' AND NEW.status = 'valid')
    EXECUTE FUNCTION coursebase.tg_course_purchases__audit();

-- A store refunds a purchase that it was not told of: the server works through this list.
CREATE VIEW coursebase.purchases_awaiting_acknowledgement
WITH (security_invoker = true)
AS
SELECT p.kind, p.user_id, p.product_id, p.source, p.environment, p.purchase_id, p.purchase_token,
    p.purchased_at, p.validated_at, p.purchased_at + interval '72 hours' AS deadline
FROM (
    SELECT 'course' AS kind, c.user_id, c.product_id, c.source, c.environment, c.purchase_id,
        c.purchase_token, c.purchased_at, c.validated_at
    FROM coursebase.course_purchases c
    WHERE c.status = 'valid' AND c.acknowledged_at IS NULL
        AND c.source IN ('google_play', 'app_store')
    UNION ALL
    SELECT 'subscription' AS kind, r.user_id, r.product_id, r.source, r.environment, r.purchase_id,
        r.purchase_token, r.purchased_at, r.validated_at
    FROM coursebase.store_receipts r
    WHERE r.status = 'valid' AND r.acknowledged_at IS NULL AND r.kind = 'subscription'
    UNION ALL
    SELECT 'ai_credits' AS kind, a.user_id, a.product_id, a.source, a.environment, a.purchase_id,
        a.purchase_token, coalesce(r.purchased_at, a.purchased_at), a.purchased_at
    FROM coursebase.ai_credit_purchases a
    LEFT JOIN coursebase.store_receipts r ON r.source = a.source
        AND r.environment = a.environment AND r.purchase_id = a.purchase_id
    WHERE a.status = 'valid' AND a.acknowledged_at IS NULL
        AND a.source IN ('google_play', 'app_store')
    UNION ALL
    -- one without a receipt was entered by hand: its code says which product it may have been
    SELECT 'custom_course' AS kind, c.user_id,
        coalesce(r.product_id, (SELECT min(s.product_id) FROM coursebase.store_products s
            WHERE s.course_code = c.course_code), lower(translate(c.course_code, 'I', 'i'))),
        m.source, m.environment, m.purchase_id, m.purchase_token,
        coalesce(r.purchased_at, m.created_at), coalesce(r.validated_at, m.created_at)
    FROM coursebase.custom_course_purchases m
    JOIN coursebase.custom_courses c ON c.id = m.course_id
    LEFT JOIN coursebase.store_receipts r ON r.source = m.source
        AND r.environment = m.environment AND r.purchase_id = m.purchase_id
    WHERE m.status = 'active' AND m.acknowledged_at IS NULL
) p;
COMMENT ON VIEW coursebase.purchases_awaiting_acknowledgement IS
    'Valid purchases of all kinds whose delivery the store was not told of. The store refunds them after three days: acknowledge each to the store, then call acknowledge_purchase().';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.kind IS 'course, subscription, ai_credits or custom_course.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.user_id IS 'Who bought it.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.product_id IS 'Base id of the product.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.source IS 'google_play or app_store.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.purchase_id IS 'The store''s id of the purchase.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.purchase_token IS 'Token with which the purchase is acknowledged to the store.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.purchased_at IS 'When the store sold the product.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.validated_at IS 'When the purchase was validated.';
COMMENT ON COLUMN coursebase.purchases_awaiting_acknowledgement.deadline IS 'When the store refunds the purchase: 72 hours after purchased_at.';
GRANT SELECT ON TABLE coursebase.purchases_awaiting_acknowledgement TO server;

-- The money of these came and gives nothing: the operator gives it back.
CREATE VIEW coursebase.duplicate_store_purchases
WITH (security_invoker = true)
AS
SELECT r.user_id, r.product_id, r.voice, r.source, r.environment, r.purchase_id, r.amount_in_cents,
    r.currency, r.purchased_at
FROM coursebase.store_receipts r
WHERE r.status = 'duplicate' AND r.environment = 'production';
COMMENT ON VIEW coursebase.duplicate_store_purchases IS
    'Purchases of courses that the person had already: the money came and is to be given back. Refund each in the store, then call refund_store_purchase().';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.user_id IS 'Who paid.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.product_id IS 'Base id of the product.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.voice IS 'The voice that was bought, or NULL.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.source IS 'google_play or app_store.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.environment IS 'production: a sandbox takes no money.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.purchase_id IS 'The store''s id of the purchase.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.amount_in_cents IS 'What was paid, in minor units of currency, or NULL if it is not known.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN coursebase.duplicate_store_purchases.purchased_at IS 'When the store sold the product.';
GRANT SELECT ON TABLE coursebase.duplicate_store_purchases TO server;

-- The money came, so that the sale stands, and the code that lowered its price was refused: somebody decides.
CREATE VIEW coursebase.sales_to_review
WITH (security_invoker = true)
AS
SELECT r.user_id, r.product_id, r.source, r.environment, r.purchase_id,
    r.receipt -> 'discount' ->> 'code' AS discount_code, r.discount_refused AS reason,
    r.amount_in_cents, r.currency, r.purchased_at
FROM coursebase.store_receipts r
WHERE r.discount_refused IS NOT NULL AND r.status IN ('valid', 'duplicate');
COMMENT ON VIEW coursebase.sales_to_review IS
    'Sales that were given although the discount of their receipt was refused: the store had taken the lower price. Nothing is to be undone; the reason says which rule and code to look at.';
COMMENT ON COLUMN coursebase.sales_to_review.user_id IS 'Who bought.';
COMMENT ON COLUMN coursebase.sales_to_review.product_id IS 'Base id of the product.';
COMMENT ON COLUMN coursebase.sales_to_review.source IS 'google_play or app_store.';
COMMENT ON COLUMN coursebase.sales_to_review.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.sales_to_review.purchase_id IS 'The store''s id of the purchase.';
COMMENT ON COLUMN coursebase.sales_to_review.discount_code IS 'The code that the receipt names.';
COMMENT ON COLUMN coursebase.sales_to_review.reason IS 'SQLSTATE and reason of the refusal.';
COMMENT ON COLUMN coursebase.sales_to_review.amount_in_cents IS 'What was paid, in minor units of currency, or NULL if it is not known.';
COMMENT ON COLUMN coursebase.sales_to_review.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN coursebase.sales_to_review.purchased_at IS 'When the store sold the product.';
GRANT SELECT ON TABLE coursebase.sales_to_review TO server;

-- How the stores spell the ids of products.
INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning, is_owner_only)
VALUES
    ('store_product_prefixes', 'text', '',
        'What the stores put before the ids of products, separated by spaces or commas. Of an id that is no product''s as it stands, the longest that fits is taken off.',
        false),
    ('restore_behavior', 'text', 'transfer_if_closed',
        'Whether a receipt of another account goes to the one that brings it: refuse, transfer, or transfer_if_closed.',
        true)
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning,
    is_owner_only = excluded.is_owner_only
WHERE (s.default_value, s.meaning, s.is_owner_only)
    IS DISTINCT FROM (excluded.default_value, excluded.meaning, excluded.is_owner_only);
