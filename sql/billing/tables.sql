CREATE TYPE coursebase.subscription_status AS ENUM (
    'pending', 'trialing', 'active', 'in_grace', 'on_hold', 'paused', 'canceled', 'expired', 'revoked');
COMMENT ON TYPE coursebase.subscription_status IS
    'The state of a subscription by its store. has_premium() says whether it gives access at a time.';

-- The billing plan of a person: one row, which shows the line of events whose access ends last. The row exists so
-- that has_premium() reads one row by its key; the trigger refuses every writer but the subscription machine.
CREATE TABLE coursebase.subscriptions (
    id                       uuid                            NOT NULL DEFAULT gen_random_uuid(),
    user_id                  uuid                            NOT NULL,
    plan                     text                            NOT NULL DEFAULT 'free',
    status                   coursebase.subscription_status  NOT NULL DEFAULT 'pending',
    expires_at               timestamptz,
    grace_until              timestamptz,
    auto_renew               boolean                         NOT NULL DEFAULT false,
    store                    text,
    environment              text,
    product_id               text,
    base_plan_id             text,
    offer_id                 text,
    purchase_token           text,
    original_transaction_id  text,
    created_at               timestamptz                     NOT NULL DEFAULT now(),
    updated_at               timestamptz                     NOT NULL DEFAULT now(),
    -- An end may be infinite, for it never comes; events have no order around any other such time.
    CONSTRAINT subscriptions_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT subscriptions_pkey PRIMARY KEY (id),
    CONSTRAINT subscriptions_user_id_key UNIQUE (user_id),
    CONSTRAINT subscriptions_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT subscriptions_plan_known_check CHECK (plan IN ('free', 'premium')),
    CONSTRAINT subscriptions_store_known_check CHECK (
        store IN ('google_play', 'app_store', 'stripe', 'amazon', 'promotional', 'manual')),
    CONSTRAINT subscriptions_environment_known_check CHECK (environment IN ('production', 'sandbox'))
);
COMMENT ON TABLE coursebase.subscriptions IS
    'The billing plan of a person, one row each: the line of events whose access ends last. Only the subscription machine writes it: apply_subscription_event(), rebuild_subscription(), and receipts and refunds of subscriptions.';
COMMENT ON COLUMN coursebase.subscriptions.id IS 'Key of the subscription.';
COMMENT ON COLUMN coursebase.subscriptions.user_id IS 'The person.';
COMMENT ON COLUMN coursebase.subscriptions.plan IS 'premium while the status gives access until some time, whatever the product gives, else free. The column does not look at the clock: has_premium() and has_entitlement() do.';
COMMENT ON COLUMN coursebase.subscriptions.status IS 'Status of the line after its last event.';
COMMENT ON COLUMN coursebase.subscriptions.expires_at IS 'End of the paid period; NULL while there was none.';
COMMENT ON COLUMN coursebase.subscriptions.grace_until IS 'End of the grace period after a failed renewal, or NULL.';
COMMENT ON COLUMN coursebase.subscriptions.auto_renew IS 'Whether the store will try to renew the subscription.';
COMMENT ON COLUMN coursebase.subscriptions.store IS 'google_play, app_store, stripe, amazon, promotional or manual; NULL before the first event is stored.';
COMMENT ON COLUMN coursebase.subscriptions.environment IS 'production or sandbox. A subscription of a sandbox gives nothing unless the setting accept_sandbox is on.';
COMMENT ON COLUMN coursebase.subscriptions.product_id IS 'Product as the store names it.';
COMMENT ON COLUMN coursebase.subscriptions.base_plan_id IS 'Base plan of the product, or NULL if the store named none.';
COMMENT ON COLUMN coursebase.subscriptions.offer_id IS 'Offer under which the product was bought, or NULL.';
COMMENT ON COLUMN coursebase.subscriptions.purchase_token IS 'Token with which the store is asked about the subscription, or NULL.';
COMMENT ON COLUMN coursebase.subscriptions.original_transaction_id IS 'The store''s id of the whole line of renewals; NULL if its events name none.';
COMMENT ON COLUMN coursebase.subscriptions.created_at IS 'When the first event of the person came.';
COMMENT ON COLUMN coursebase.subscriptions.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.subscriptions ENABLE ROW LEVEL SECURITY;
-- No statistics of what only some may read: estimates of the planner, which PostgREST answers to
-- Prefer: count=planned, would tell values of it to everybody who may ask about the table.
ALTER TABLE coursebase.subscriptions
    ALTER COLUMN original_transaction_id SET STATISTICS 0,
    ALTER COLUMN purchase_token SET STATISTICS 0;
CREATE TRIGGER t300_machine BEFORE INSERT OR UPDATE OR DELETE ON coursebase.subscriptions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__machine_only();
CREATE TRIGGER t300_machine_on_truncate BEFORE TRUNCATE ON coursebase.subscriptions
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__machine_only();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.subscriptions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.subscriptions TO end_user, server;

-- What the stores said, word for word. The other tables are the fold of these rows, and can be made from them again;
-- so rows are only added.
CREATE TABLE coursebase.subscription_events (
    id                       uuid         NOT NULL DEFAULT gen_random_uuid(),
    subscription_id          uuid         NOT NULL,
    user_id                  uuid         NOT NULL,
    event_type               text         NOT NULL,
    store                    text         NOT NULL,
    environment              text         NOT NULL,
    store_event_id           text         NOT NULL,
    original_transaction_id  text,
    transaction_id           text,
    product_id               text,
    event_time               timestamptz  NOT NULL,
    received_at              timestamptz  NOT NULL,
    period_end               timestamptz,
    grace_until              timestamptz,
    auto_renew               boolean,
    payload                  jsonb        NOT NULL,
    answered_status          text         NOT NULL,
    answered_expires_at      timestamptz,
    answered_anomaly         text,
    period_start             timestamptz,
    linked_purchase_token    text,
    CONSTRAINT subscription_events_times_finite_check
        CHECK (isfinite(event_time) AND isfinite(received_at) AND isfinite(period_start)),
    CONSTRAINT subscription_events_pkey PRIMARY KEY (id),
    CONSTRAINT subscription_events_store_environment_store_event_id_key
        UNIQUE (store, environment, store_event_id),
    CONSTRAINT subscription_events_subscription_id_fkey FOREIGN KEY (subscription_id)
        REFERENCES coursebase.subscriptions (id) ON DELETE RESTRICT,
    CONSTRAINT subscription_events_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT subscription_events_event_type_known_check CHECK (event_type IN (
        'created', 'renewed', 'recovered', 'canceled', 'uncanceled', 'grace_started',
        'hold_started', 'paused', 'resumed', 'expired', 'revoked', 'unrevoked', 'extended',
        'product_changed', 'noted')),
    CONSTRAINT subscription_events_store_known_check CHECK (
        store IN ('google_play', 'app_store', 'stripe', 'amazon', 'promotional', 'manual')),
    CONSTRAINT subscription_events_environment_known_check
        CHECK (environment IN ('production', 'sandbox')),
    CONSTRAINT subscription_events_store_event_id_not_empty_check CHECK (store_event_id <> '')
);
CREATE INDEX subscription_events_subscription_id_idx
    ON coursebase.subscription_events (subscription_id);
CREATE INDEX subscription_events_user_id_transaction_id_idx
    ON coursebase.subscription_events (user_id, transaction_id);
-- Stripe's refunds and disputes name the payment of an invoice.
CREATE INDEX subscription_events_payment_intent_id_idx ON coursebase.subscription_events
    ((payload ->> 'payment_intent_id')) WHERE payload ->> 'payment_intent_id' IS NOT NULL;
CREATE INDEX subscription_events_charge_id_idx ON coursebase.subscription_events
    ((payload ->> 'charge_id')) WHERE payload ->> 'charge_id' IS NOT NULL;
-- Few events are in it: an event of another line asks it whether its line was replaced. The token itself may be too
-- long for an index.
CREATE INDEX subscription_events_linked_user_id_idx
    ON coursebase.subscription_events (user_id) WHERE linked_purchase_token IS NOT NULL;
-- A refund names the payment alone.
CREATE INDEX subscription_events_transaction_id_idx
    ON coursebase.subscription_events (transaction_id) WHERE transaction_id IS NOT NULL;
COMMENT ON TABLE coursebase.subscription_events IS
    'The log of all subscriptions: append-only, each event of a store once. The view subscription_history shows what each event did.';
COMMENT ON COLUMN coursebase.subscription_events.id IS 'Key of the event.';
COMMENT ON COLUMN coursebase.subscription_events.subscription_id IS 'The subscription that the event is about.';
COMMENT ON COLUMN coursebase.subscription_events.user_id IS 'The person whose subscription it is.';
COMMENT ON COLUMN coursebase.subscription_events.event_type IS 'Canonical type of the event. The mapping of the store''s name was looked up when the event came; a later change of subscription_event_mappings does not reach it.';
COMMENT ON COLUMN coursebase.subscription_events.store IS 'The store that sent the event.';
COMMENT ON COLUMN coursebase.subscription_events.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.subscription_events.store_event_id IS 'The store''s own id of the event.';
COMMENT ON COLUMN coursebase.subscription_events.original_transaction_id IS 'The store''s id of the line of renewals; NULL: the one line of this user and store whose events name none.';
COMMENT ON COLUMN coursebase.subscription_events.transaction_id IS 'The store''s id of the payment that the event is about, or NULL.';
COMMENT ON COLUMN coursebase.subscription_events.product_id IS 'Product as the store names it, or NULL.';
COMMENT ON COLUMN coursebase.subscription_events.event_time IS 'When the event happened, by the store''s clock: the fold takes events in this order.';
COMMENT ON COLUMN coursebase.subscription_events.received_at IS 'When the event came here.';
COMMENT ON COLUMN coursebase.subscription_events.period_end IS 'End of the paid period by this event, or NULL if the store does not say.';
COMMENT ON COLUMN coursebase.subscription_events.grace_until IS 'End of the grace period by this event; where the store does not say, by the setting grace_days of the store as it was when the event came, or NULL.';
COMMENT ON COLUMN coursebase.subscription_events.auto_renew IS 'Whether the store will renew by this event, or NULL if the store does not say.';
COMMENT ON COLUMN coursebase.subscription_events.payload IS 'The event as JSON: what was given, what is read of it in one spelling; for a receipt, the event that the receipt stands for. is_trial, base_plan_id, offer_id and purchase_token are read from it.';
COMMENT ON COLUMN coursebase.subscription_events.answered_status IS 'Status in the answer to the first call with this event: every repetition gets the same.';
COMMENT ON COLUMN coursebase.subscription_events.answered_expires_at IS 'End of the paid period in that answer.';
COMMENT ON COLUMN coursebase.subscription_events.answered_anomaly IS 'Anomaly in that answer, or NULL.';
COMMENT ON COLUMN coursebase.subscription_events.period_start IS 'Beginning of the paid period by this event, or NULL if the store does not say.';
COMMENT ON COLUMN coursebase.subscription_events.linked_purchase_token IS 'Token or original transaction of the line whose place this one takes, or NULL.';
ALTER TABLE coursebase.subscription_events ENABLE ROW LEVEL SECURITY;
-- A transfer changes whose the event is, and nothing else does.
CREATE TRIGGER t300_append_only BEFORE DELETE ON coursebase.subscription_events
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__append_only();
CREATE TRIGGER t300_append_only_on_update BEFORE UPDATE ON coursebase.subscription_events
    FOR EACH ROW WHEN ((to_jsonb(OLD) - 'user_id' - 'subscription_id')
        IS DISTINCT FROM (to_jsonb(NEW) - 'user_id' - 'subscription_id')
        OR OLD.user_id IS NOT DISTINCT FROM NEW.user_id)
    EXECUTE FUNCTION coursebase.tg_any__append_only();
CREATE TRIGGER t300_machine BEFORE INSERT OR UPDATE ON coursebase.subscription_events
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__machine_only();
CREATE TRIGGER t300_machine_on_truncate BEFORE TRUNCATE ON coursebase.subscription_events
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__machine_only();
CREATE TRIGGER t400_claim AFTER INSERT ON coursebase.subscription_events
    FOR EACH ROW
    EXECUTE FUNCTION coursebase.tg_any__claim_keys('store_event store environment store_event_id');
GRANT SELECT ON TABLE coursebase.subscription_events TO server;

-- Each line of events: the person whom it belongs to for ever, and the state after its events so far. The state is
-- stored so that an event that comes in order is one step of the fold, without a reading of the log.
CREATE TABLE coursebase.subscription_lines (
    store                    text                            NOT NULL,
    original_transaction_id  text                            NOT NULL,
    user_id                  uuid                            NOT NULL,
    environment              text                            NOT NULL,
    status                   coursebase.subscription_status  NOT NULL,
    expires_at               timestamptz,
    grace_until              timestamptz,
    auto_renew               boolean                         NOT NULL,
    before_status            coursebase.subscription_status  NOT NULL,
    before_expires_at        timestamptz,
    before_grace_until       timestamptz,
    before_auto_renew        boolean                         NOT NULL,
    first_premium_at         timestamptz,
    transaction_id           text,
    product_id               text,
    base_plan_id             text,
    offer_id                 text,
    purchase_token           text,
    last_event_time          timestamptz                     NOT NULL,
    last_event_type          text                            NOT NULL,
    last_store_event_id      text                            NOT NULL,
    created_at               timestamptz                     NOT NULL DEFAULT now(),
    updated_at               timestamptz                     NOT NULL DEFAULT now(),
    access_from              timestamptz,
    access_until             timestamptz,
    replaced_at              timestamptz,
    CONSTRAINT subscription_lines_times_finite_check
        CHECK (isfinite(last_event_time) AND isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT subscription_lines_pkey PRIMARY KEY (store, original_transaction_id),
    CONSTRAINT subscription_lines_last_event_type_known_check CHECK (last_event_type IN (
        'created', 'renewed', 'recovered', 'canceled', 'uncanceled', 'grace_started',
        'hold_started', 'paused', 'resumed', 'expired', 'revoked', 'unrevoked', 'extended',
        'product_changed', 'noted')),
    CONSTRAINT subscription_lines_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT
);
CREATE INDEX subscription_lines_user_id_idx ON coursebase.subscription_lines (user_id);
COMMENT ON TABLE coursebase.subscription_lines IS
    'Lines of renewals, one row for each original transaction of a store, which belongs to one person. The state is the fold of its events.';
COMMENT ON COLUMN coursebase.subscription_lines.store IS 'The store.';
COMMENT ON COLUMN coursebase.subscription_lines.original_transaction_id IS 'The store''s id of the line; the person''s id if the events name none.';
COMMENT ON COLUMN coursebase.subscription_lines.user_id IS 'The person whom the line belongs to.';
COMMENT ON COLUMN coursebase.subscription_lines.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.subscription_lines.status IS 'Status after the last event.';
COMMENT ON COLUMN coursebase.subscription_lines.expires_at IS 'End of the paid period, or NULL.';
COMMENT ON COLUMN coursebase.subscription_lines.grace_until IS 'End of the grace period, or NULL.';
COMMENT ON COLUMN coursebase.subscription_lines.auto_renew IS 'Whether the store will try to renew the subscription.';
COMMENT ON COLUMN coursebase.subscription_lines.before_status IS 'While the status is revoked: the status before the refund, which comes back if the store takes the refund back.';
COMMENT ON COLUMN coursebase.subscription_lines.before_expires_at IS 'End of the paid period before the refund.';
COMMENT ON COLUMN coursebase.subscription_lines.before_grace_until IS 'End of the grace period before the refund.';
COMMENT ON COLUMN coursebase.subscription_lines.before_auto_renew IS 'Whether the store would have renewed before the refund.';
COMMENT ON COLUMN coursebase.subscription_lines.first_premium_at IS 'Time of the first event that gave access and was paid for, which a trial is not; or NULL.';
COMMENT ON COLUMN coursebase.subscription_lines.transaction_id IS 'The store''s id of the payment of the current period, or NULL.';
COMMENT ON COLUMN coursebase.subscription_lines.product_id IS 'Product as the store names it, or NULL.';
COMMENT ON COLUMN coursebase.subscription_lines.base_plan_id IS 'Base plan of the product, or NULL.';
COMMENT ON COLUMN coursebase.subscription_lines.offer_id IS 'Offer under which the product was bought, or NULL.';
COMMENT ON COLUMN coursebase.subscription_lines.purchase_token IS 'Token with which the store is asked about the subscription, or NULL.';
COMMENT ON COLUMN coursebase.subscription_lines.last_event_time IS 'Time of the last event in the order of the fold.';
COMMENT ON COLUMN coursebase.subscription_lines.last_event_type IS 'Canonical type of that event.';
COMMENT ON COLUMN coursebase.subscription_lines.last_store_event_id IS 'The store''s id of that event.';
COMMENT ON COLUMN coursebase.subscription_lines.created_at IS 'When the first event of the line came.';
COMMENT ON COLUMN coursebase.subscription_lines.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.subscription_lines.access_from IS 'Beginning of the last span in which the line gives access, or NULL. has_premium() answers for every time from then on by this row, and for an earlier time by the log.';
COMMENT ON COLUMN coursebase.subscription_lines.access_until IS 'End of that span.';
COMMENT ON COLUMN coursebase.subscription_lines.replaced_at IS 'When another line of the person took the place of this one (linked_purchase_token), which is over since then; or NULL.';
ALTER TABLE coursebase.subscription_lines ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_machine BEFORE INSERT OR UPDATE OR DELETE ON coursebase.subscription_lines
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__machine_only();
CREATE TRIGGER t300_machine_on_truncate BEFORE TRUNCATE ON coursebase.subscription_lines
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__machine_only();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.subscription_lines
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
-- With the event that begins it, whose row comes next: home is asked once.
CREATE TRIGGER t400_claim AFTER INSERT ON coursebase.subscription_lines
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__claim_keys(
        'store_line store original_transaction_id',
        'store_event store environment last_store_event_id');
CREATE TRIGGER t400_claim_on_update AFTER UPDATE ON coursebase.subscription_lines
    FOR EACH ROW WHEN (OLD.user_id <> NEW.user_id)
    EXECUTE FUNCTION coursebase.tg_any__claim_keys('store_line store original_transaction_id');
GRANT SELECT ON TABLE coursebase.subscription_lines TO server;

-- What a paid plan gives. Plans are rows, so that a business names its own; the first one is premium, which every
-- subscription product gives of which nothing else is said.
CREATE TABLE coursebase.entitlements (
    name                 text         NOT NULL,
    weekly_credits       integer      NOT NULL DEFAULT 0,
    course_slots         integer      NOT NULL DEFAULT 0,
    covers_every_course  boolean      NOT NULL DEFAULT false,
    created_at           timestamptz  NOT NULL DEFAULT now(),
    updated_at           timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT entitlements_pkey PRIMARY KEY (name),
    CONSTRAINT entitlements_name_form_check CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT entitlements_weekly_credits_not_negative_check CHECK (weekly_credits >= 0),
    CONSTRAINT entitlements_course_slots_not_negative_check CHECK (course_slots >= 0)
);
COMMENT ON TABLE coursebase.entitlements IS
    'What paid plans give: a row for each entitlement that a person may hold. The row premium is what has_premium() asks for.';
COMMENT ON COLUMN coursebase.entitlements.name IS 'Name of the entitlement, as has_entitlement() takes it.';
COMMENT ON COLUMN coursebase.entitlements.weekly_credits IS 'Credits a week, one a second of the assistant. Of several entitlements the largest number counts, not the sum.';
COMMENT ON COLUMN coursebase.entitlements.course_slots IS 'How many courses in premium a person may choose. Of several entitlements the largest number counts; a lower one takes no chosen course away.';
COMMENT ON COLUMN coursebase.entitlements.covers_every_course IS 'Whether it gives every course that is in premium, without a choice.';
COMMENT ON COLUMN coursebase.entitlements.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.entitlements.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.entitlements ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t000_restored BEFORE INSERT ON coursebase.entitlements
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__restored('replace', 'name');
ALTER TABLE coursebase.entitlements ENABLE ALWAYS TRIGGER t000_restored;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.entitlements
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
GRANT SELECT ON TABLE coursebase.entitlements TO anonymous, end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.entitlements TO server;
-- Before the triggers, so that an installation is no change to audit.
INSERT INTO coursebase.entitlements (name, weekly_credits, course_slots) VALUES ('premium', 10000, 2)
ON CONFLICT (name) DO NOTHING;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.entitlements
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t900_changed AFTER INSERT OR UPDATE OR DELETE ON coursebase.entitlements
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_entitlements__changed();
-- Sessions keep both tables: they must forget what a load changes, too.
ALTER TABLE coursebase.entitlements ENABLE ALWAYS TRIGGER t900_changed;

CREATE TABLE coursebase.store_product_entitlements (
    product_id   text         NOT NULL,
    entitlement  text         NOT NULL,
    created_at   timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT store_product_entitlements_pkey PRIMARY KEY (product_id, entitlement),
    CONSTRAINT store_product_entitlements_entitlement_fkey FOREIGN KEY (entitlement)
        REFERENCES coursebase.entitlements (name) ON DELETE RESTRICT,
    CONSTRAINT store_product_entitlements_product_id_form_check
        CHECK (product_id ~ '^[a-z0-9][a-z0-9_.:-]*$')
);
CREATE INDEX store_product_entitlements_entitlement_idx
    ON coursebase.store_product_entitlements (entitlement);
COMMENT ON TABLE coursebase.store_product_entitlements IS
    'Which entitlements a subscription product gives. A product without a row gives premium.';
COMMENT ON COLUMN coursebase.store_product_entitlements.product_id IS 'The product in lower case; without the store''s prefix and a discount''s suffix, as in store_products, or as the store names it.';
COMMENT ON COLUMN coursebase.store_product_entitlements.entitlement IS 'An entitlement that the product gives.';
COMMENT ON COLUMN coursebase.store_product_entitlements.created_at IS 'When the row was made.';
ALTER TABLE coursebase.store_product_entitlements ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.store_product_entitlements
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
GRANT SELECT ON TABLE coursebase.store_product_entitlements TO anonymous, end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.store_product_entitlements TO server;
CREATE TRIGGER t900_changed
    AFTER INSERT OR UPDATE OR DELETE ON coursebase.store_product_entitlements
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_store_product_entitlements__changed();
ALTER TABLE coursebase.store_product_entitlements ENABLE ALWAYS TRIGGER t900_changed;

-- What each provider's notices mean. The mappings are data, so that a new kind of notice needs no release; a release
-- adds rows and never changes one that is there, so that a change by hand stays.
CREATE TABLE coursebase.subscription_event_mappings (
    provider    text         NOT NULL,
    name        text         NOT NULL,
    subtype     text         NOT NULL DEFAULT ' '::bpchar,
    event_type  text         NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT subscription_event_mappings_pkey PRIMARY KEY (provider, name, subtype),
    CONSTRAINT subscription_event_mappings_event_type_known_check CHECK (event_type IN (
        'created', 'renewed', 'recovered', 'canceled', 'uncanceled', 'grace_started',
        'hold_started', 'paused', 'resumed', 'expired', 'revoked', 'unrevoked', 'extended',
        'product_changed', 'noted'))
);
COMMENT ON TABLE coursebase.subscription_event_mappings IS
    'Canonical event of each notice of a provider. A notice that is in no row, neither with its subtype nor with an empty one, is stored as noted.';
COMMENT ON COLUMN coursebase.subscription_event_mappings.provider IS 'Who sends the notice: google_play, app_store, stripe, revenuecat, or another.';
COMMENT ON COLUMN coursebase.subscription_event_mappings.name IS 'Type of the notice: a name, or a number in digits.';
COMMENT ON COLUMN coursebase.subscription_event_mappings.subtype IS 'What tells notices of one type apart; empty: every subtype that has no row.';
COMMENT ON COLUMN coursebase.subscription_event_mappings.event_type IS 'The canonical event.';
COMMENT ON COLUMN coursebase.subscription_event_mappings.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.subscription_event_mappings.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.subscription_event_mappings ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t000_restored BEFORE INSERT ON coursebase.subscription_event_mappings
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__restored('replace', 'provider', 'name', 'subtype');
ALTER TABLE coursebase.subscription_event_mappings ENABLE ALWAYS TRIGGER t000_restored;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.subscription_event_mappings
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.subscription_event_mappings
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.subscription_event_mappings TO server;

-- Google Play's real-time developer notifications: notificationType, by number and by name. A scheduled cancellation
-- is a cancellation. A scheduled pause changes nothing yet, so it is noted: another notice comes when it begins.
INSERT INTO coursebase.subscription_event_mappings (provider, name, event_type)
SELECT 'google_play', n.name, m.event_type
FROM (VALUES
    (1, 'SUBSCRIPTION_RECOVERED', 'recovered'),
    (2, 'SUBSCRIPTION_RENEWED', 'renewed'),
    (3, 'SUBSCRIPTION_CANCELED', 'canceled'),
    (4, 'SUBSCRIPTION_PURCHASED', 'created'),
    (5, 'SUBSCRIPTION_ON_HOLD', 'hold_started'),
    (6, 'SUBSCRIPTION_IN_GRACE_PERIOD', 'grace_started'),
    (7, 'SUBSCRIPTION_RESTARTED', 'uncanceled'),
    (8, 'SUBSCRIPTION_PRICE_CHANGE_CONFIRMED', 'noted'),
    (9, 'SUBSCRIPTION_DEFERRED', 'extended'),
    (10, 'SUBSCRIPTION_PAUSED', 'paused'),
    (11, 'SUBSCRIPTION_PAUSE_SCHEDULE_CHANGED', 'noted'),
    (12, 'SUBSCRIPTION_REVOKED', 'revoked'),
    (13, 'SUBSCRIPTION_EXPIRED', 'expired'),
    (17, 'SUBSCRIPTION_ITEMS_CHANGED', 'product_changed'),
    (18, 'SUBSCRIPTION_CANCELLATION_SCHEDULED', 'canceled'),
    (19, 'SUBSCRIPTION_PRICE_CHANGE_UPDATED', 'noted'),
    (20, 'SUBSCRIPTION_PENDING_PURCHASE_CANCELED', 'noted'),
    (22, 'SUBSCRIPTION_PRICE_STEP_UP_CONSENT_UPDATED', 'noted')) AS m (number, name, event_type)
CROSS JOIN LATERAL (VALUES (m.number::text), (m.name)) AS n (name)
UNION ALL
SELECT 'google_play', m.name, m.event_type
FROM (VALUES
    ('voidedPurchaseNotification', 'revoked'),
    ('testNotification', 'noted')) AS m (name, event_type)
ON CONFLICT (provider, name, subtype) DO NOTHING;

-- Apple's App Store Server Notifications, version 2: notificationType and subtype.
INSERT INTO coursebase.subscription_event_mappings (provider, name, subtype, event_type)
VALUES
    ('app_store', 'SUBSCRIBED', '', 'created'),
    ('app_store', 'SUBSCRIBED', 'INITIAL_BUY', 'created'),
    ('app_store', 'SUBSCRIBED', 'RESUBSCRIBE', 'created'),
    ('app_store', 'OFFER_REDEEMED', '', 'noted'),
    ('app_store', 'OFFER_REDEEMED', 'INITIAL_BUY', 'created'),
    ('app_store', 'OFFER_REDEEMED', 'RESUBSCRIBE', 'created'),
    ('app_store', 'OFFER_REDEEMED', 'UPGRADE', 'product_changed'),
    ('app_store', 'OFFER_REDEEMED', 'DOWNGRADE', 'noted'),
    ('app_store', 'DID_RENEW', '', 'renewed'),
    ('app_store', 'DID_RENEW', 'BILLING_RECOVERY', 'recovered'),
    ('app_store', 'DID_CHANGE_RENEWAL_STATUS', '', 'noted'),
    ('app_store', 'DID_CHANGE_RENEWAL_STATUS', 'AUTO_RENEW_DISABLED', 'canceled'),
    ('app_store', 'DID_CHANGE_RENEWAL_STATUS', 'AUTO_RENEW_ENABLED', 'uncanceled'),
    ('app_store', 'DID_CHANGE_RENEWAL_PREF', '', 'noted'),
    ('app_store', 'DID_CHANGE_RENEWAL_PREF', 'UPGRADE', 'product_changed'),
    ('app_store', 'DID_CHANGE_RENEWAL_PREF', 'DOWNGRADE', 'noted'),
    ('app_store', 'DID_FAIL_TO_RENEW', '', 'hold_started'),
    ('app_store', 'DID_FAIL_TO_RENEW', 'GRACE_PERIOD', 'grace_started'),
    ('app_store', 'GRACE_PERIOD_EXPIRED', '', 'hold_started'),
    ('app_store', 'EXPIRED', '', 'expired'),
    ('app_store', 'EXPIRED', 'VOLUNTARY', 'expired'),
    ('app_store', 'EXPIRED', 'BILLING_RETRY', 'expired'),
    ('app_store', 'EXPIRED', 'PRICE_INCREASE', 'expired'),
    ('app_store', 'EXPIRED', 'PRODUCT_NOT_FOR_SALE', 'expired'),
    ('app_store', 'REFUND', '', 'revoked'),
    ('app_store', 'REFUND_REVERSED', '', 'unrevoked'),
    ('app_store', 'REFUND_DECLINED', '', 'noted'),
    ('app_store', 'REVOKE', '', 'revoked'),
    ('app_store', 'RENEWAL_EXTENDED', '', 'extended'),
    ('app_store', 'RENEWAL_EXTENSION', '', 'noted'),
    ('app_store', 'RENEWAL_EXTENSION', 'SUMMARY', 'noted'),
    ('app_store', 'RENEWAL_EXTENSION', 'FAILURE', 'noted'),
    ('app_store', 'PRICE_INCREASE', '', 'noted'),
    ('app_store', 'PRICE_INCREASE', 'PENDING', 'noted'),
    ('app_store', 'PRICE_INCREASE', 'ACCEPTED', 'noted'),
    ('app_store', 'PRICE_CHANGE', '', 'noted'),
    ('app_store', 'CONSUMPTION_REQUEST', '', 'noted'),
    ('app_store', 'EXTERNAL_PURCHASE_TOKEN', '', 'noted'),
    ('app_store', 'EXTERNAL_PURCHASE_TOKEN', 'CREATED', 'noted'),
    ('app_store', 'EXTERNAL_PURCHASE_TOKEN', 'ACTIVE_TOKEN_REMINDER', 'noted'),
    ('app_store', 'EXTERNAL_PURCHASE_TOKEN', 'UNREPORTED', 'noted'),
    ('app_store', 'ONE_TIME_CHARGE', '', 'noted'),
    ('app_store', 'METADATA_UPDATE', '', 'noted'),
    ('app_store', 'MIGRATION', '', 'noted'),
    ('app_store', 'RESCIND_CONSENT', '', 'noted'),
    ('app_store', 'TEST', '', 'noted')
ON CONFLICT (provider, name, subtype) DO NOTHING;

-- Stripe: the event's type. subtype of customer.subscription.created is its status, of which
-- one that is not known gives nothing: that it was paid for is told by itself. subtype of
-- customer.subscription.updated is what changed: cancel_at_period_end (and to what), cancel_at
-- (null: taken back), pause_collection, or the new status, or current_period (the next one of the
-- same plan began), items or trial_end; of invoices the billing_reason; of a closed dispute how
-- it ended. A paid invoice is sent as invoice.paid and as invoice.payment_succeeded: the second
-- is noted.
INSERT INTO coursebase.subscription_event_mappings (provider, name, subtype, event_type)
VALUES
    ('stripe', 'customer.subscription.created', '', 'noted'),
    ('stripe', 'customer.subscription.created', 'active', 'created'),
    ('stripe', 'customer.subscription.created', 'trialing', 'created'),
    ('stripe', 'customer.subscription.created', 'incomplete', 'noted'),
    ('stripe', 'customer.subscription.created', 'incomplete_expired', 'noted'),
    ('stripe', 'customer.subscription.created', 'past_due', 'noted'),
    ('stripe', 'customer.subscription.created', 'unpaid', 'noted'),
    ('stripe', 'customer.subscription.created', 'paused', 'noted'),
    ('stripe', 'customer.subscription.created', 'canceled', 'noted'),
    ('stripe', 'customer.subscription.updated', 'pause_collection.set', 'paused'),
    ('stripe', 'customer.subscription.updated', 'pause_collection.unset', 'resumed'),
    ('stripe', 'checkout.session.completed', '', 'noted'),
    ('stripe', 'checkout.session.async_payment_succeeded', '', 'noted'),
    ('stripe', 'checkout.session.async_payment_failed', '', 'noted'),
    ('stripe', 'checkout.session.expired', '', 'noted'),
    ('stripe', 'customer.subscription.updated', '', 'noted'),
    ('stripe', 'customer.subscription.updated', 'cancel_at', 'canceled'),
    ('stripe', 'customer.subscription.updated', 'cancel_at.null', 'uncanceled'),
    ('stripe', 'customer.subscription.updated', 'cancel_at_period_end', 'canceled'),
    ('stripe', 'customer.subscription.updated', 'cancel_at_period_end.true', 'canceled'),
    ('stripe', 'customer.subscription.updated', 'cancel_at_period_end.false', 'uncanceled'),
    ('stripe', 'customer.subscription.updated', 'status.active', 'recovered'),
    -- the first charge after a trial is still to be made: its invoice gives the period
    ('stripe', 'customer.subscription.updated', 'status.active.trial_over', 'extended'),
    ('stripe', 'customer.subscription.updated', 'status.trialing', 'noted'),
    ('stripe', 'customer.subscription.updated', 'status.past_due', 'grace_started'),
    ('stripe', 'customer.subscription.updated', 'status.unpaid', 'hold_started'),
    ('stripe', 'customer.subscription.updated', 'status.canceled', 'expired'),
    ('stripe', 'customer.subscription.updated', 'status.incomplete', 'noted'),
    ('stripe', 'customer.subscription.updated', 'status.incomplete_expired', 'expired'),
    ('stripe', 'customer.subscription.updated', 'status.paused', 'paused'),
    -- the period that begins is still to be charged for: its invoice gives it
    ('stripe', 'customer.subscription.updated', 'current_period', 'extended'),
    ('stripe', 'customer.subscription.updated', 'items', 'product_changed'),
    ('stripe', 'customer.subscription.updated', 'trial_end', 'extended'),
    ('stripe', 'customer.subscription.deleted', '', 'expired'),
    ('stripe', 'customer.subscription.paused', '', 'paused'),
    ('stripe', 'customer.subscription.resumed', '', 'resumed'),
    ('stripe', 'customer.subscription.trial_will_end', '', 'noted'),
    ('stripe', 'customer.subscription.pending_update_applied', '', 'product_changed'),
    ('stripe', 'customer.subscription.pending_update_expired', '', 'noted'),
    ('stripe', 'invoice.paid', '', 'renewed'),
    ('stripe', 'invoice.paid', 'subscription_create', 'created'),
    ('stripe', 'invoice.paid', 'subscription_cycle', 'renewed'),
    ('stripe', 'invoice.paid', 'subscription_update', 'product_changed'),
    ('stripe', 'invoice.paid', 'subscription_threshold', 'noted'),
    ('stripe', 'invoice.paid', 'manual', 'noted'),
    ('stripe', 'invoice.payment_succeeded', '', 'noted'),
    ('stripe', 'invoice.payment_failed', '', 'grace_started'),
    ('stripe', 'invoice.payment_failed', 'subscription_create', 'noted'),
    ('stripe', 'invoice.payment_failed', 'manual', 'noted'),
    ('stripe', 'invoice.payment_action_required', '', 'noted'),
    ('stripe', 'invoice.marked_uncollectible', '', 'hold_started'),
    ('stripe', 'invoice.created', '', 'noted'),
    ('stripe', 'invoice.deleted', '', 'noted'),
    ('stripe', 'invoice.finalization_failed', '', 'noted'),
    ('stripe', 'invoice.finalized', '', 'noted'),
    ('stripe', 'invoice.overdue', '', 'noted'),
    ('stripe', 'invoice.overpaid', '', 'noted'),
    ('stripe', 'invoice.sent', '', 'noted'),
    ('stripe', 'invoice.upcoming', '', 'noted'),
    ('stripe', 'invoice.updated', '', 'noted'),
    ('stripe', 'invoice.voided', '', 'noted'),
    ('stripe', 'invoice.will_be_due', '', 'noted'),
    ('stripe', 'invoice_payment.paid', '', 'noted'),
    ('stripe', 'payment_intent.succeeded', '', 'noted'),
    ('stripe', 'payment_intent.canceled', '', 'noted'),
    ('stripe', 'payment_intent.payment_failed', '', 'noted'),
    ('stripe', 'charge.refunded', '', 'revoked'),
    ('stripe', 'charge.refund.updated', '', 'revoked'),
    ('stripe', 'charge.refund.updated', 'failed', 'unrevoked'),
    ('stripe', 'charge.refund.updated', 'canceled', 'unrevoked'),
    ('stripe', 'refund.created', '', 'revoked'),
    ('stripe', 'refund.created', 'failed', 'unrevoked'),
    ('stripe', 'refund.created', 'canceled', 'unrevoked'),
    ('stripe', 'refund.updated', '', 'revoked'),
    ('stripe', 'refund.updated', 'failed', 'unrevoked'),
    ('stripe', 'refund.updated', 'canceled', 'unrevoked'),
    ('stripe', 'refund.failed', '', 'unrevoked'),
    ('stripe', 'charge.dispute.created', '', 'noted'),
    ('stripe', 'charge.dispute.created', 'lost', 'revoked'),
    ('stripe', 'charge.dispute.created', 'won', 'unrevoked'),
    ('stripe', 'charge.dispute.updated', '', 'noted'),
    ('stripe', 'charge.dispute.updated', 'lost', 'revoked'),
    ('stripe', 'charge.dispute.updated', 'won', 'unrevoked'),
    ('stripe', 'charge.dispute.funds_withdrawn', '', 'revoked'),
    ('stripe', 'charge.dispute.funds_withdrawn', 'won', 'unrevoked'),
    ('stripe', 'charge.dispute.funds_reinstated', '', 'unrevoked'),
    ('stripe', 'charge.dispute.funds_reinstated', 'lost', 'revoked'),
    ('stripe', 'charge.dispute.closed', '', 'noted'),
    ('stripe', 'charge.dispute.closed', 'lost', 'revoked'),
    ('stripe', 'charge.dispute.closed', 'won', 'unrevoked')
ON CONFLICT (provider, name, subtype) DO NOTHING;

-- RevenueCat: type; subtype is cancel_reason or expiration_reason, of a period that does not renew itself who gave it.
-- A cancellation by customer support is a refund. A cancellation for a billing error is noted, because a BILLING_ISSUE
-- comes with it; so is SUBSCRIPTION_PAUSED, which announces a pause: the EXPIRATION begins it.
INSERT INTO coursebase.subscription_event_mappings (provider, name, subtype, event_type)
VALUES
    ('revenuecat', 'INITIAL_PURCHASE', '', 'created'),
    ('revenuecat', 'RENEWAL', '', 'renewed'),
    ('revenuecat', 'CANCELLATION', '', 'canceled'),
    ('revenuecat', 'CANCELLATION', 'UNSUBSCRIBE', 'canceled'),
    ('revenuecat', 'CANCELLATION', 'BILLING_ERROR', 'noted'),
    ('revenuecat', 'CANCELLATION', 'DEVELOPER_INITIATED', 'canceled'),
    ('revenuecat', 'CANCELLATION', 'PRICE_INCREASE', 'canceled'),
    ('revenuecat', 'CANCELLATION', 'CUSTOMER_SUPPORT', 'revoked'),
    ('revenuecat', 'CANCELLATION', 'UNKNOWN', 'canceled'),
    ('revenuecat', 'UNCANCELLATION', '', 'uncanceled'),
    ('revenuecat', 'BILLING_ISSUE', '', 'grace_started'),
    ('revenuecat', 'SUBSCRIPTION_PAUSED', '', 'noted'),
    ('revenuecat', 'EXPIRATION', '', 'expired'),
    ('revenuecat', 'EXPIRATION', 'UNSUBSCRIBE', 'expired'),
    ('revenuecat', 'EXPIRATION', 'BILLING_ERROR', 'expired'),
    ('revenuecat', 'EXPIRATION', 'DEVELOPER_INITIATED', 'expired'),
    ('revenuecat', 'EXPIRATION', 'PRICE_INCREASE', 'expired'),
    ('revenuecat', 'EXPIRATION', 'CUSTOMER_SUPPORT', 'revoked'),
    ('revenuecat', 'EXPIRATION', 'SUBSCRIPTION_PAUSED', 'paused'),
    ('revenuecat', 'EXPIRATION', 'UNKNOWN', 'expired'),
    ('revenuecat', 'PRODUCT_CHANGE', '', 'product_changed'),
    ('revenuecat', 'SUBSCRIPTION_EXTENDED', '', 'extended'),
    ('revenuecat', 'REFUND_REVERSED', '', 'unrevoked'),
    ('revenuecat', 'NON_RENEWING_PURCHASE', '', 'noted'),
    ('revenuecat', 'NON_RENEWING_PURCHASE', 'PROMOTIONAL', 'created'),
    ('revenuecat', 'NON_RENEWING_PURCHASE', 'PERIOD', 'created'),
    ('revenuecat', 'TRANSFER', '', 'noted'),
    ('revenuecat', 'TEMPORARY_ENTITLEMENT_GRANT', '', 'created'),
    ('revenuecat', 'INVOICE_ISSUANCE', '', 'noted'),
    ('revenuecat', 'VIRTUAL_CURRENCY_TRANSACTION', '', 'noted'),
    ('revenuecat', 'EXPERIMENT_ENROLLMENT', '', 'noted'),
    ('revenuecat', 'SUBSCRIBER_ALIAS', '', 'noted'),
    ('revenuecat', 'TEST', '', 'noted')
ON CONFLICT (provider, name, subtype) DO NOTHING;

-- What each event did: the fold is computed at each call, so that the view cannot differ from the log.
CREATE VIEW coursebase.subscription_history
WITH (security_invoker = true)
AS
SELECT s.user_id, h.event_id, h.event_type, h.store, h.environment, h.event_time, h.received_at,
    h.status_before, h.status_after, h.expires_at, h.anomaly
FROM coursebase.subscriptions s
CROSS JOIN LATERAL coursebase.subscription_steps(s.user_id) h;
COMMENT ON VIEW coursebase.subscription_history IS
    'Each event of the own subscription (of all, for administrators and the server), by line in the order of the fold: type, times, status before and after, anomaly.';
COMMENT ON COLUMN coursebase.subscription_history.user_id IS 'The person.';
COMMENT ON COLUMN coursebase.subscription_history.event_id IS 'Key of the event.';
COMMENT ON COLUMN coursebase.subscription_history.event_type IS 'Canonical type of the event.';
COMMENT ON COLUMN coursebase.subscription_history.store IS 'The store that sent the event.';
COMMENT ON COLUMN coursebase.subscription_history.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.subscription_history.event_time IS 'When the event happened, by the store''s clock.';
COMMENT ON COLUMN coursebase.subscription_history.received_at IS 'When the event came here.';
COMMENT ON COLUMN coursebase.subscription_history.status_before IS 'Status of the line before the event.';
COMMENT ON COLUMN coursebase.subscription_history.status_after IS 'Status of the line after the event.';
COMMENT ON COLUMN coursebase.subscription_history.expires_at IS 'End of the line''s paid period after the event, or NULL.';
COMMENT ON COLUMN coursebase.subscription_history.anomaly IS 'Why the event did nothing: impossible_transition, transaction_refunded, earlier_payment or line_replaced; NULL for an event that fits.';
GRANT SELECT ON TABLE coursebase.subscription_history TO end_user, server;

-- A person who pays twice does not notice: the operator does.
CREATE VIEW coursebase.duplicate_subscriptions
WITH (security_invoker = true)
AS
SELECT l.user_id, l.store, l.original_transaction_id, l.product_id, l.status, l.expires_at,
    l.auto_renew
FROM coursebase.subscription_lines l
JOIN (
    SELECT d.user_id
    FROM coursebase.subscription_lines d
    WHERE d.environment = 'production' AND d.store NOT IN ('manual', 'promotional')
        AND d.status IN ('trialing', 'active', 'in_grace', 'on_hold', 'paused')
        AND greatest(d.expires_at, d.grace_until) > now()
    GROUP BY d.user_id
    HAVING count(*) > 1
) p ON p.user_id = l.user_id
WHERE l.environment = 'production' AND l.store NOT IN ('manual', 'promotional')
    AND l.status IN ('trialing', 'active', 'in_grace', 'on_hold', 'paused')
    AND greatest(l.expires_at, l.grace_until) > now();
COMMENT ON VIEW coursebase.duplicate_subscriptions IS
    'Lines of people who have two live subscriptions or more that a store goes on charging for: one is to be canceled or refunded in its store. Lines that are canceled already are not here.';
COMMENT ON COLUMN coursebase.duplicate_subscriptions.user_id IS 'The person.';
COMMENT ON COLUMN coursebase.duplicate_subscriptions.store IS 'The store of the line.';
COMMENT ON COLUMN coursebase.duplicate_subscriptions.original_transaction_id IS 'The store''s id of the line.';
COMMENT ON COLUMN coursebase.duplicate_subscriptions.product_id IS 'Product as the store names it, or NULL.';
COMMENT ON COLUMN coursebase.duplicate_subscriptions.status IS 'Status of the line.';
COMMENT ON COLUMN coursebase.duplicate_subscriptions.expires_at IS 'End of its paid period.';
COMMENT ON COLUMN coursebase.duplicate_subscriptions.auto_renew IS 'Whether the store will renew it.';
GRANT SELECT ON TABLE coursebase.duplicate_subscriptions TO server;

-- Whether a sandbox sells anything here, and how long a failed charge is forgiven where the store does not say.
INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning, is_owner_only)
VALUES
    ('accept_sandbox', 'boolean', 'false',
        'Whether what a store''s sandbox sold gives rights here: true for test installations only.', true),
    ('sandbox_testers', 'text', '',
        'Ids of users, separated by spaces or commas, for whom a sandbox counts although accept_sandbox is off: App Review must be able to buy.', true),
    ('grace_days_app_store', 'integer', '0',
        'Days from a failed charge of App Store during which there is premium, where the event names no end; 0 to 366.', false),
    ('grace_days_google_play', 'integer', '0',
        'Days from a failed charge of Google Play during which there is premium, where the event names no end; 0 to 366.', false),
    ('grace_days_stripe', 'integer', '0',
        'Days from a failed charge of Stripe during which there is premium, where the event names no end; 0 to 366.', false),
    ('grace_days_amazon', 'integer', '0',
        'Days from a failed charge of Amazon during which there is premium, where the event names no end; 0 to 366.', false)
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning,
    is_owner_only = excluded.is_owner_only
WHERE (s.default_value, s.meaning, s.is_owner_only)
    IS DISTINCT FROM (excluded.default_value, excluded.meaning, excluded.is_owner_only);
