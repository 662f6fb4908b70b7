-- Sales on the storefront. Every paid session is one row, also a second one for the same product, because the money
-- came.
CREATE TABLE coursebase.purchases (
    id                   uuid         NOT NULL DEFAULT gen_random_uuid(),
    price_paid_in_cents  integer      NOT NULL,
    refunded_in_cents    integer      NOT NULL DEFAULT 0,
    product_details      jsonb        NOT NULL,
    user_id              uuid         NOT NULL,
    product_id           uuid         NOT NULL,
    stripe_session_id    text         NOT NULL,
    refunded_at          timestamptz,
    created_at           timestamptz  NOT NULL DEFAULT now(),
    updated_at           timestamptz  NOT NULL DEFAULT now(),
    refunded_in_part_in_cents  integer  NOT NULL DEFAULT 0,
    access_days          integer,
    access_until         timestamptz,
    currency             char(3),
    tax_in_cents         integer,
    payment_intent_id    text,
    charge_id            text,
    invoice_id           text,
    CONSTRAINT purchases_pkey PRIMARY KEY (id),
    CONSTRAINT purchases_stripe_session_id_key UNIQUE (stripe_session_id),
    CONSTRAINT purchases_id_user_id_key UNIQUE (id, user_id),
    CONSTRAINT purchases_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT purchases_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES coursebase.products (id) ON DELETE RESTRICT,
    CONSTRAINT purchases_stripe_session_id_not_empty_check CHECK (stripe_session_id <> ''),
    CONSTRAINT purchases_price_not_negative_check CHECK (price_paid_in_cents >= 0),
    CONSTRAINT purchases_refunded_range_check
        CHECK (refunded_in_cents >= 0 AND refunded_in_cents <= price_paid_in_cents),
    CONSTRAINT purchases_refunded_in_full_has_a_time_check CHECK (
        CASE WHEN refunded_at IS NULL
            THEN refunded_in_cents < price_paid_in_cents OR price_paid_in_cents = 0
            ELSE refunded_in_cents = price_paid_in_cents END),
    CONSTRAINT purchases_refunded_in_part_before_in_full_check CHECK (
        CASE WHEN refunded_at IS NULL THEN refunded_in_part_in_cents = 0
            ELSE refunded_in_part_in_cents BETWEEN 0 AND refunded_in_cents END),
    CONSTRAINT purchases_currency_form_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT purchases_tax_not_negative_check CHECK (tax_in_cents >= 0),
    CONSTRAINT purchases_product_details_form_check CHECK (
        jsonb_typeof(product_details) = 'object'
        AND jsonb_typeof(product_details -> 'name') IS NOT DISTINCT FROM 'string'
        AND jsonb_typeof(product_details -> 'description') IS NOT DISTINCT FROM 'string'
        AND jsonb_typeof(product_details -> 'imageUrl') IS NOT DISTINCT FROM 'string'),
    CONSTRAINT purchases_access_days_range_check CHECK (access_days BETWEEN 1 AND 36500),
    CONSTRAINT purchases_access_until_finite_check CHECK (isfinite(access_until))
);
-- Both columns, so that a product with many buyers is never read for one of them, whatever the statistics say.
CREATE INDEX purchases_user_id_product_id_idx ON coursebase.purchases (user_id, product_id);
CREATE INDEX purchases_product_id_idx ON coursebase.purchases (product_id);
-- A refund and a dispute name the payment, not the session.
CREATE UNIQUE INDEX purchases_payment_intent_id_idx ON coursebase.purchases (payment_intent_id)
    WHERE payment_intent_id IS NOT NULL;
CREATE UNIQUE INDEX purchases_charge_id_idx ON coursebase.purchases (charge_id)
    WHERE charge_id IS NOT NULL;
CREATE INDEX purchases_invoice_id_idx ON coursebase.purchases (invoice_id)
    WHERE invoice_id IS NOT NULL;
COMMENT ON TABLE coursebase.purchases IS 'Sales of products: one row a paid session of the checkout. Two sessions for one product are two rows; duplicate_purchases shows such pairs.';
COMMENT ON COLUMN coursebase.purchases.id IS 'Key of the purchase.';
COMMENT ON COLUMN coursebase.purchases.price_paid_in_cents IS 'Price that was paid, in cents; 0 for a free product.';
COMMENT ON COLUMN coursebase.purchases.refunded_in_cents IS 'How much of the price was refunded, in cents.';
COMMENT ON COLUMN coursebase.purchases.product_details IS 'The product as it was at the sale: name, description, imageUrl. Never changes.';
COMMENT ON COLUMN coursebase.purchases.user_id IS 'The buyer.';
COMMENT ON COLUMN coursebase.purchases.product_id IS 'The product.';
COMMENT ON COLUMN coursebase.purchases.stripe_session_id IS 'The session of the checkout in which the product was paid.';
COMMENT ON COLUMN coursebase.purchases.refunded_at IS 'When the purchase was refunded in full, or NULL. From then on the purchase gives no course. Set by hand it refunds all that is left; set back to NULL it reverses the refund.';
COMMENT ON COLUMN coursebase.purchases.currency IS 'ISO 4217 code of the sums, in upper case; NULL if it was not told.';
COMMENT ON COLUMN coursebase.purchases.tax_in_cents IS 'Tax within the price, in minor units; NULL if it was not told.';
COMMENT ON COLUMN coursebase.purchases.payment_intent_id IS 'The provider''s id of the payment, by which refunds and disputes find the purchase; NULL if it was not told.';
COMMENT ON COLUMN coursebase.purchases.charge_id IS 'The provider''s id of the charge, or NULL; a refund may tell it first.';
COMMENT ON COLUMN coursebase.purchases.invoice_id IS 'The provider''s id of the invoice, or NULL.';
COMMENT ON COLUMN coursebase.purchases.created_at IS 'When the product was bought.';
COMMENT ON COLUMN coursebase.purchases.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.purchases.refunded_in_part_in_cents IS 'How much had been refunded, in cents, before the purchase was refunded in full; 0 while it is not. A reversal goes back to it. Kept by a trigger, whatever a statement writes.';
COMMENT ON COLUMN coursebase.purchases.access_days IS 'For how many days of 24 hours the purchase gives its courses, from the sale or from the end that the buyer had then; NULL: without such an end. An INSERT that names neither this nor access_until gets what the product says. A change moves the ends.';
COMMENT ON COLUMN coursebase.purchases.access_until IS 'Until when the purchase gives its courses at most; NULL: without such an end. With access_days, whichever comes first.';
ALTER TABLE coursebase.purchases ENABLE ROW LEVEL SECURITY;
-- No statistics of what only some may read: estimates of the planner, which PostgREST answers to
-- Prefer: count=planned, would tell values of it to everybody who may ask about the table.
ALTER TABLE coursebase.purchases
    ALTER COLUMN stripe_session_id SET STATISTICS 0,
    ALTER COLUMN payment_intent_id SET STATISTICS 0,
    ALTER COLUMN charge_id SET STATISTICS 0;
CREATE TRIGGER t100_lock_user BEFORE INSERT OR UPDATE OR DELETE ON coursebase.purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__lock_user();
CREATE TRIGGER t200_refund BEFORE UPDATE ON coursebase.purchases
    FOR EACH ROW WHEN ((OLD.refunded_at, OLD.refunded_in_cents, OLD.refunded_in_part_in_cents)
        IS DISTINCT FROM (NEW.refunded_at, NEW.refunded_in_cents, NEW.refunded_in_part_in_cents))
    EXECUTE FUNCTION coursebase.tg_purchases__refund();
-- A sale of the past that comes refunded.
CREATE TRIGGER t200_refund_on_insert BEFORE INSERT ON coursebase.purchases
    FOR EACH ROW WHEN (NEW.refunded_at IS NOT NULL OR NEW.refunded_in_cents > 0)
    EXECUTE FUNCTION coursebase.tg_purchases__refund();
CREATE TRIGGER t300_keep BEFORE UPDATE ON coursebase.purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once('id', 'user_id', 'product_id',
        'product_details', 'stripe_session_id', 'price_paid_in_cents', 'currency', 'tax_in_cents',
        'payment_intent_id', 'charge_id', 'invoice_id');
-- A stolen server key must not invent a sale, or take a refund back. A refund gives nothing and stays open.
CREATE TRIGGER t300_signed_only BEFORE INSERT OR DELETE ON coursebase.purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__signed_only('stripe');
CREATE TRIGGER t300_signed_only_on_update BEFORE UPDATE ON coursebase.purchases
    FOR EACH ROW WHEN (NEW.refunded_in_cents < OLD.refunded_in_cents
        OR NEW.refunded_at IS NULL AND OLD.refunded_at IS NOT NULL
        OR (OLD.access_days, OLD.access_until)
            IS DISTINCT FROM (NEW.access_days, NEW.access_until))
    EXECUTE FUNCTION coursebase.tg_any__signed_only('stripe');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
-- No other cell may have sold for the same payment.
CREATE TRIGGER t400_claim AFTER INSERT ON coursebase.purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__claim_keys('stripe_session stripe_session_id',
        'stripe_payment payment_intent_id', 'stripe_charge charge_id');
CREATE TRIGGER t400_claim_on_update AFTER UPDATE ON coursebase.purchases
    FOR EACH ROW WHEN ((OLD.user_id, OLD.payment_intent_id, OLD.charge_id)
        IS DISTINCT FROM (NEW.user_id, NEW.payment_intent_id, NEW.charge_id))
    EXECUTE FUNCTION coursebase.tg_any__claim_keys('stripe_session stripe_session_id',
        'stripe_payment payment_intent_id', 'stripe_charge charge_id');
CREATE TRIGGER t500_grant AFTER INSERT ON coursebase.purchases
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_purchases__grant();
CREATE TRIGGER t900_audit AFTER UPDATE ON coursebase.purchases
    FOR EACH ROW WHEN ((OLD.refunded_at, OLD.refunded_in_cents)
        IS DISTINCT FROM (NEW.refunded_at, NEW.refunded_in_cents))
    EXECUTE FUNCTION coursebase.tg_purchases__audit();
CREATE TRIGGER t900_audit_terms AFTER UPDATE ON coursebase.purchases
    FOR EACH ROW WHEN ((OLD.access_days, OLD.access_until)
        IS DISTINCT FROM (NEW.access_days, NEW.access_until))
    EXECUTE FUNCTION coursebase.tg_purchases__audit_terms();
CREATE TRIGGER t900_project AFTER UPDATE ON coursebase.purchases
    FOR EACH ROW WHEN ((OLD.refunded_at, OLD.access_days, OLD.access_until)
        IS DISTINCT FROM (NEW.refunded_at, NEW.access_days, NEW.access_until))
    EXECUTE FUNCTION coursebase.tg_purchases__project();
GRANT SELECT ON TABLE coursebase.purchases TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.purchases TO server;

-- Refunds that were counted, by the provider's id. A refund that is reported again is found here and counts once.
CREATE TABLE coursebase.purchase_refunds (
    refund_ref       text         NOT NULL,
    purchase_id      uuid         NOT NULL,
    amount_in_cents  integer      NOT NULL,
    is_rest          boolean      NOT NULL DEFAULT false,
    refunded_at      timestamptz  NOT NULL,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    reversed_at      timestamptz,
    told_in_cents    integer,
    CONSTRAINT purchase_refunds_pkey PRIMARY KEY (refund_ref),
    CONSTRAINT purchase_refunds_purchase_id_fkey FOREIGN KEY (purchase_id)
        REFERENCES coursebase.purchases (id) ON DELETE CASCADE,
    CONSTRAINT purchase_refunds_refund_ref_not_empty_check CHECK (refund_ref <> ''),
    CONSTRAINT purchase_refunds_amount_not_negative_check CHECK (amount_in_cents >= 0),
    CONSTRAINT purchase_refunds_told_positive_check CHECK (told_in_cents > 0)
);
CREATE INDEX purchase_refunds_purchase_id_idx ON coursebase.purchase_refunds (purchase_id);
COMMENT ON TABLE coursebase.purchase_refunds IS 'Refunds that came with an id of their provider: each counts once. Only the server reads and writes the table.';
COMMENT ON COLUMN coursebase.purchase_refunds.refund_ref IS 'The provider''s id of the refund; of the sum that is paid back of a charge "total:", the charge, the sum and its time; of what a dispute took after it was told, its id, a slash, and the refund that failed.';
COMMENT ON COLUMN coursebase.purchase_refunds.purchase_id IS 'The purchase.';
COMMENT ON COLUMN coursebase.purchase_refunds.amount_in_cents IS 'Sum that was paid back, in cents; 0 for the refund of a free product, for a sum of the charge that told nothing new, and for a dispute of what was refunded already.';
COMMENT ON COLUMN coursebase.purchase_refunds.is_rest IS 'Whether the call named no sum, and all that was left was refunded.';
COMMENT ON COLUMN coursebase.purchase_refunds.refunded_at IS 'When the money was paid back.';
COMMENT ON COLUMN coursebase.purchase_refunds.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.purchase_refunds.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.purchase_refunds.reversed_at IS 'When the refund was reversed, or NULL. The row stays, so that the refund does not count again when it is told again.';
COMMENT ON COLUMN coursebase.purchase_refunds.told_in_cents IS 'The sum that the provider told, where another one was counted: of a sum of the charge, and of a dispute of more than was left, which takes the rest of it when a refund fails. NULL otherwise.';
ALTER TABLE coursebase.purchase_refunds ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_keep BEFORE UPDATE ON coursebase.purchase_refunds
    FOR EACH ROW EXECUTE FUNCTION
    coursebase.tg_any__keep_columns('refund_ref', 'purchase_id', 'amount_in_cents', 'is_rest');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.purchase_refunds
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, DELETE ON TABLE coursebase.purchase_refunds TO server;

CREATE VIEW coursebase.purchase_history
WITH (security_invoker = true)
AS
SELECT s.id AS purchase_id, s.user_id, s.product_id,
    s.product_details ->> 'name' AS product_name,
    s.product_details ->> 'description' AS product_description,
    s.product_details ->> 'imageUrl' AS product_image_url,
    s.price_paid_in_cents, s.refunded_in_cents, s.created_at AS purchased_at
FROM coursebase.purchases s
WHERE s.refunded_at IS NULL
ORDER BY s.created_at DESC, s.id;
COMMENT ON VIEW coursebase.purchase_history IS
    'Purchases that are not refunded in full, newest first: the own ones for a user, all for administrators and the server.';
COMMENT ON COLUMN coursebase.purchase_history.purchase_id IS 'Key of the purchase.';
COMMENT ON COLUMN coursebase.purchase_history.user_id IS 'The buyer.';
COMMENT ON COLUMN coursebase.purchase_history.product_id IS 'The product.';
COMMENT ON COLUMN coursebase.purchase_history.product_name IS 'Name of the product at the sale.';
COMMENT ON COLUMN coursebase.purchase_history.product_description IS 'Description of the product at the sale.';
COMMENT ON COLUMN coursebase.purchase_history.product_image_url IS 'Picture of the product at the sale.';
COMMENT ON COLUMN coursebase.purchase_history.price_paid_in_cents IS 'Price that was paid, in cents.';
COMMENT ON COLUMN coursebase.purchase_history.refunded_in_cents IS 'How much of the price was refunded, in cents.';
COMMENT ON COLUMN coursebase.purchase_history.purchased_at IS 'When the product was bought.';
GRANT SELECT ON TABLE coursebase.purchase_history TO end_user, server;

CREATE VIEW coursebase.duplicate_purchases
WITH (security_invoker = true)
AS
SELECT s.id AS purchase_id, s.user_id, s.product_id, s.stripe_session_id,
    s.price_paid_in_cents, s.refunded_in_cents, s.created_at AS purchased_at
FROM coursebase.purchases s
WHERE s.refunded_at IS NULL
    AND EXISTS (
        SELECT FROM coursebase.purchases o
        WHERE o.user_id = s.user_id AND o.product_id = s.product_id AND o.refunded_at IS NULL
            AND o.access_days IS NULL
            AND (o.access_until IS NULL OR o.access_until > s.created_at)
            AND (o.created_at, o.stripe_session_id) < (s.created_at, s.stripe_session_id))
UNION
-- Nobody can use what came after the account was closed.
SELECT s.id, s.user_id, s.product_id, s.stripe_session_id,
    s.price_paid_in_cents, s.refunded_in_cents, s.created_at
FROM coursebase.purchases s
JOIN coursebase.users u ON u.id = s.user_id
WHERE s.refunded_at IS NULL AND s.price_paid_in_cents > 0 AND u.deleted_at <= s.created_at
ORDER BY purchased_at, purchase_id;
COMMENT ON VIEW coursebase.duplicate_purchases IS
    'Purchases that give nothing: of a product that the buyer owned already by an earlier purchase, or after the buyer''s account was closed. They are candidates for a refund. What is sold for a number of days is bought again to extend it, and a sale after its end is none of these.';
COMMENT ON COLUMN coursebase.duplicate_purchases.purchase_id IS 'Key of the purchase: of two of a product the later one.';
COMMENT ON COLUMN coursebase.duplicate_purchases.user_id IS 'The buyer.';
COMMENT ON COLUMN coursebase.duplicate_purchases.product_id IS 'The product.';
COMMENT ON COLUMN coursebase.duplicate_purchases.stripe_session_id IS 'The session of the checkout.';
COMMENT ON COLUMN coursebase.duplicate_purchases.price_paid_in_cents IS 'Price that was paid, in cents.';
COMMENT ON COLUMN coursebase.duplicate_purchases.refunded_in_cents IS 'How much of the price was refunded, in cents.';
COMMENT ON COLUMN coursebase.duplicate_purchases.purchased_at IS 'When the product was bought.';
GRANT SELECT ON TABLE coursebase.duplicate_purchases TO end_user, server;

-- What gave whom a course: a sale, or an administrator by hand. The grants of a refunded sale stay, but no longer
-- count.
CREATE TABLE coursebase.course_grants (
    id           uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id      uuid         NOT NULL,
    course_id    uuid         NOT NULL,
    purchase_id  uuid,
    created_at   timestamptz  NOT NULL DEFAULT now(),
    updated_at   timestamptz  NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    CONSTRAINT course_grants_pkey PRIMARY KEY (id),
    CONSTRAINT course_grants_user_id_course_id_purchase_id_key
        UNIQUE NULLS NOT DISTINCT (user_id, course_id, purchase_id),
    CONSTRAINT course_grants_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT course_grants_course_id_fkey FOREIGN KEY (course_id)
        REFERENCES coursebase.courses (id) ON DELETE CASCADE,
    CONSTRAINT course_grants_purchase_id_user_id_fkey FOREIGN KEY (purchase_id, user_id)
        REFERENCES coursebase.purchases (id, user_id) ON DELETE CASCADE,
    CONSTRAINT course_grants_expires_at_finite_check CHECK (isfinite(expires_at))
);
CREATE INDEX course_grants_course_id_idx ON coursebase.course_grants (course_id);
-- Whoever wants all that a person may use reads the few grants that have an end; the others stand in
-- user_course_access.
CREATE INDEX course_grants_user_id_expires_at_idx
    ON coursebase.course_grants (user_id, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX course_grants_purchase_id_idx ON coursebase.course_grants (purchase_id, user_id);
COMMENT ON TABLE coursebase.course_grants IS 'What gave a person a course: a sale, or an administrator by hand. Triggers derive user_course_access from this table.';
COMMENT ON COLUMN coursebase.course_grants.id IS 'Key of the grant.';
COMMENT ON COLUMN coursebase.course_grants.user_id IS 'The person who may use the course.';
COMMENT ON COLUMN coursebase.course_grants.course_id IS 'The course.';
COMMENT ON COLUMN coursebase.course_grants.purchase_id IS 'The purchase that gave the course; the grant counts until the purchase is refunded in full. NULL for a direct grant.';
COMMENT ON COLUMN coursebase.course_grants.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.course_grants.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.course_grants.expires_at IS 'From when on the grant gives nothing; NULL: never. Of a purchase''s grant it follows from access_days and access_until of the purchase, and nobody else writes it.';
ALTER TABLE coursebase.course_grants ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_keep BEFORE UPDATE ON coursebase.course_grants
    FOR EACH ROW EXECUTE FUNCTION
    coursebase.tg_any__keep_columns('id', 'user_id', 'course_id', 'purchase_id');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.course_grants
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t300_keep_end BEFORE UPDATE ON coursebase.course_grants
    FOR EACH ROW WHEN (OLD.purchase_id IS NOT NULL
        AND OLD.expires_at IS DISTINCT FROM NEW.expires_at)
    EXECUTE FUNCTION coursebase.tg_course_grants__keep_end();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_grants TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_grants TO server;
CREATE TRIGGER t100_lock_user BEFORE INSERT OR UPDATE OR DELETE ON coursebase.course_grants
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__lock_user();
CREATE TRIGGER t200_bound BEFORE INSERT ON coursebase.course_grants
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__bound();
CREATE TRIGGER t900_audit_grant AFTER INSERT ON coursebase.course_grants
    FOR EACH ROW WHEN (NEW.purchase_id IS NULL)
    EXECUTE FUNCTION coursebase.tg_course_grants__audit();
CREATE TRIGGER t900_audit_end AFTER UPDATE ON coursebase.course_grants
    FOR EACH ROW WHEN (NEW.purchase_id IS NULL
        AND OLD.expires_at IS DISTINCT FROM NEW.expires_at)
    EXECUTE FUNCTION coursebase.tg_course_grants__audit();
CREATE TRIGGER t900_audit_withdrawal AFTER DELETE ON coursebase.course_grants
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_grants__audit();
CREATE TRIGGER t900_project AFTER DELETE ON coursebase.course_grants
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_grants__project();
CREATE TRIGGER t900_project_made AFTER INSERT ON coursebase.course_grants
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_grants__project_made();
CREATE TRIGGER t900_project_on_update AFTER UPDATE ON coursebase.course_grants
    FOR EACH ROW WHEN (OLD.expires_at IS DISTINCT FROM NEW.expires_at)
    EXECUTE FUNCTION coursebase.tg_course_grants__project();
CREATE TRIGGER t900_project_on_truncate AFTER TRUNCATE ON coursebase.course_grants
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_grants__project();

-- Who may use which course for ever by a sale or a direct grant. Derived, because every page asks and one row must
-- answer. A right that ends is not here: a query that does not know of ends would take it for one that does not.
CREATE TABLE coursebase.user_course_access (
    user_id     uuid         NOT NULL,
    course_id   uuid         NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT user_course_access_pkey PRIMARY KEY (user_id, course_id),
    CONSTRAINT user_course_access_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT user_course_access_course_id_fkey FOREIGN KEY (course_id)
        REFERENCES coursebase.courses (id) ON DELETE CASCADE
);
CREATE INDEX user_course_access_course_id_idx ON coursebase.user_course_access (course_id);
COMMENT ON TABLE coursebase.user_course_access IS 'Who may use which course by a sale or a direct grant without an end; rights that end stand in course_grants alone, and user_access shows both. Derived from course_grants by triggers: an INSERT here records a direct grant, a DELETE deletes every grant without an end that counts. A program that deletes rows while others sell and refund locks the row of users first (FOR NO KEY UPDATE).';
COMMENT ON COLUMN coursebase.user_course_access.user_id IS 'The person who may use the course.';
COMMENT ON COLUMN coursebase.user_course_access.course_id IS 'The course.';
COMMENT ON COLUMN coursebase.user_course_access.created_at IS 'When access began.';
COMMENT ON COLUMN coursebase.user_course_access.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.user_course_access ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t100_lock_user BEFORE INSERT OR UPDATE OR DELETE ON coursebase.user_course_access
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__lock_user();
CREATE TRIGGER t200_bound BEFORE INSERT ON coursebase.user_course_access
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__bound();
CREATE TRIGGER t300_keep BEFORE UPDATE ON coursebase.user_course_access
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__keep_columns('user_id', 'course_id');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.user_course_access
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t900_record AFTER DELETE ON coursebase.user_course_access
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_user_course_access__record();
CREATE TRIGGER t900_record_made AFTER INSERT ON coursebase.user_course_access
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_user_course_access__record_made();
CREATE TRIGGER t900_record_on_truncate AFTER TRUNCATE ON coursebase.user_course_access
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_user_course_access__record();
GRANT SELECT, INSERT, DELETE ON TABLE coursebase.user_course_access TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.user_course_access TO server;

-- Catalog does not know sales: the triggers by which a product gives later courses, and the one that keeps a sold
-- course, stand here.
CREATE TRIGGER t100_lock_buyers BEFORE INSERT OR UPDATE ON coursebase.course_products
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_products__lock_buyers();
CREATE TRIGGER t500_give_later AFTER INSERT ON coursebase.course_products
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_products__give_later();
CREATE TRIGGER t500_give_later_on_update AFTER UPDATE ON coursebase.course_products
    REFERENCING OLD TABLE AS gone NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_products__give_later();
-- Added on home, bought in this cell.
CREATE TRIGGER t500_give_replicated AFTER INSERT ON coursebase.course_products
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_products__give_replicated();
CREATE TRIGGER t500_give_replicated_on_update AFTER UPDATE ON coursebase.course_products
    FOR EACH ROW WHEN ((OLD.product_id, OLD.course_id)
        IS DISTINCT FROM (NEW.product_id, NEW.course_id))
    EXECUTE FUNCTION coursebase.tg_course_products__give_replicated();
ALTER TABLE coursebase.course_products ENABLE ALWAYS TRIGGER t500_give_replicated;
ALTER TABLE coursebase.course_products ENABLE ALWAYS TRIGGER t500_give_replicated_on_update;
CREATE TRIGGER t300_keep_sold BEFORE DELETE ON coursebase.courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_courses__keep_sold();
