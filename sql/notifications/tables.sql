-- With what the providers prove themselves. Nobody but the owner of the tables reads or writes it: a stolen server key
-- must neither learn a secret nor enter a key of its own. The functions of this slice check with it.
CREATE TABLE coursebase.store_keys (
    provider     text         NOT NULL,
    environment  text         NOT NULL DEFAULT 'any',
    kind         text         NOT NULL,
    key_id       text         NOT NULL DEFAULT ' '::bpchar,
    material     text         NOT NULL,
    valid_from   timestamptz  NOT NULL DEFAULT '-infinity',
    valid_until  timestamptz  NOT NULL DEFAULT 'infinity',
    created_at   timestamptz  NOT NULL DEFAULT now(),
    updated_at   timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT store_keys_pkey PRIMARY KEY (provider, environment, kind, key_id),
    CONSTRAINT store_keys_environment_known_check
        CHECK (environment IN ('production', 'sandbox', 'any')),
    CONSTRAINT store_keys_kind_of_provider_check CHECK (
        provider = 'app_store' AND kind IN ('root', 'bundle_id')
        OR provider = 'google_play' AND kind IN ('push_key', 'push_audience', 'push_email',
            'licence_key', 'package_name')
        OR provider = 'stripe' AND kind = 'signing_secret'
        OR provider = 'revenuecat' AND kind IN ('authorization', 'app_id')),
    CONSTRAINT store_keys_material_not_empty_check CHECK (btrim(material) <> ''),
    CONSTRAINT store_keys_valid_period_check CHECK (valid_from < valid_until)
);
COMMENT ON TABLE coursebase.store_keys IS
    'Roots, public keys, secrets and names of apps with which notifications are proven genuine. set_store_key() enters them. No grant, and a policy that lets nobody through: the owner''s alone.';
COMMENT ON COLUMN coursebase.store_keys.provider IS 'app_store, google_play, stripe or revenuecat.';
COMMENT ON COLUMN coursebase.store_keys.environment IS 'production, sandbox, or any for both.';
COMMENT ON COLUMN coursebase.store_keys.kind IS 'app_store: root (certificate), bundle_id. google_play: push_key (public key or certificate of Google''s tokens), push_audience, push_email, licence_key (the app''s public key), package_name. stripe: signing_secret. revenuecat: authorization (the header''s value), app_id.';
COMMENT ON COLUMN coursebase.store_keys.key_id IS 'What tells keys of one kind apart: the kid of a push key, any name of a secret. Several hold at once during a rotation.';
COMMENT ON COLUMN coursebase.store_keys.material IS 'The key: PEM, base64 of DER, a secret or a name, as the kind says.';
COMMENT ON COLUMN coursebase.store_keys.valid_from IS 'From when it is used.';
COMMENT ON COLUMN coursebase.store_keys.valid_until IS 'Until when it is used (that instant no more).';
COMMENT ON COLUMN coursebase.store_keys.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.store_keys.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.store_keys ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.store_keys
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();

-- The inbox: every notification once, with what became of it. What waits is taken up when what it waits for comes.
CREATE TABLE coursebase.store_notifications (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    provider         text         NOT NULL,
    environment      text         NOT NULL,
    notification_id  text         NOT NULL,
    kind             text         NOT NULL,
    proof            text         NOT NULL,
    body             text,
    details          json         COMPRESSION lz4,
    user_id          uuid,
    outcome          text         NOT NULL,
    detail           text,
    result           json,
    needs            text,
    happened_at      timestamptz,
    received_at      timestamptz  NOT NULL,
    applied_at       timestamptz,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    waits_for        text[],
    settles_review   text,
    CONSTRAINT store_notifications_pkey PRIMARY KEY (id),
    CONSTRAINT store_notifications_provider_environment_notification_id_key
        UNIQUE (provider, environment, notification_id),
    CONSTRAINT store_notifications_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE SET NULL,
    CONSTRAINT store_notifications_provider_known_check
        CHECK (provider IN ('app_store', 'google_play', 'stripe', 'revenuecat')),
    CONSTRAINT store_notifications_environment_known_check
        CHECK (environment IN ('production', 'sandbox')),
    CONSTRAINT store_notifications_proof_known_check CHECK (proof IN ('signed', 'sender', 'none')),
    CONSTRAINT store_notifications_outcome_known_check
        CHECK (outcome IN ('applied', 'noted', 'waiting', 'refused')),
    CONSTRAINT store_notifications_applied_at_check
        CHECK ((outcome = 'applied') = (applied_at IS NOT NULL)),
    CONSTRAINT store_notifications_open_has_body_check
        CHECK (body IS NOT NULL OR outcome IN ('applied', 'noted'))
);
CREATE INDEX store_notifications_user_id_idx ON coursebase.store_notifications (user_id);
CREATE INDEX store_notifications_received_at_idx ON coursebase.store_notifications (received_at);
CREATE INDEX store_notifications_open_idx ON coursebase.store_notifications (received_at)
    WHERE outcome IN ('waiting', 'refused');
-- What comes looks for those who wait for it.
CREATE INDEX store_notifications_waits_for_idx ON coursebase.store_notifications
    USING gin (waits_for) WHERE outcome IN ('waiting', 'refused');
-- Few: what comes late looks for the transfers since.
CREATE INDEX store_notifications_transfers_idx
    ON coursebase.store_notifications (happened_at, notification_id) WHERE kind = 'TRANSFER';
-- Few: the view refunds_to_review, which metrics() counts, would read the whole inbox.
CREATE INDEX store_notifications_review_idx ON coursebase.store_notifications (happened_at)
    WHERE outcome = 'noted' AND result ->> 'review' = 'true';
CREATE INDEX store_notifications_settles_review_idx
    ON coursebase.store_notifications (settles_review) WHERE settles_review IS NOT NULL;
COMMENT ON TABLE coursebase.store_notifications IS
    'What providers sent, each notification once, with what became of it. Written by take_notification() and replay_notifications() alone. Bodies are personal data: delete_user() and purge_logs() empty them, and keep key and outcome; what takes effect for a closed account is kept without.';
COMMENT ON COLUMN coursebase.store_notifications.id IS 'Key of the notification here.';
COMMENT ON COLUMN coursebase.store_notifications.provider IS 'app_store, google_play, stripe or revenuecat.';
COMMENT ON COLUMN coursebase.store_notifications.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.store_notifications.notification_id IS 'The provider''s id of it; of a transaction that came alone its id and signed date.';
COMMENT ON COLUMN coursebase.store_notifications.kind IS 'The provider''s type, with its subtype behind a slash.';
COMMENT ON COLUMN coursebase.store_notifications.proof IS 'signed: the content is proven (App Store, Stripe, licence-key data of Google Play). sender: only who sent it (push token, authorization header). none: nothing was checked.';
COMMENT ON COLUMN coursebase.store_notifications.body IS 'The request''s body, byte for byte; NULL once emptied.';
COMMENT ON COLUMN coursebase.store_notifications.details IS 'The provider''s document that came with it, or NULL.';
COMMENT ON COLUMN coursebase.store_notifications.user_id IS 'Whose it is, or NULL while nobody is known.';
COMMENT ON COLUMN coursebase.store_notifications.outcome IS 'applied; noted: it means nothing to this database; waiting: detail says for what; refused: a rule, its SQLSTATE in detail.';
COMMENT ON COLUMN coursebase.store_notifications.detail IS 'Why it waits or was refused, or what it did, in words.';
COMMENT ON COLUMN coursebase.store_notifications.result IS 'What the function that it led to answered, or NULL.';
COMMENT ON COLUMN coursebase.store_notifications.needs IS 'The provider''s document to fetch, or NULL.';
COMMENT ON COLUMN coursebase.store_notifications.happened_at IS 'When it happened, as the provider says.';
COMMENT ON COLUMN coursebase.store_notifications.received_at IS 'When it first came.';
COMMENT ON COLUMN coursebase.store_notifications.applied_at IS 'When it took effect, or NULL.';
COMMENT ON COLUMN coursebase.store_notifications.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.store_notifications.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.store_notifications.waits_for IS 'While it waits or is refused: the provider''s names of the payment, line and purchase that it is about, and of RevenueCat the accounts. Whatever takes effect with one of them has it tried again.';
COMMENT ON COLUMN coursebase.store_notifications.settles_review IS 'The provider''s id of the dispute, purchase or failed refund of which it tells how it was decided, or NULL. A question about it leaves refunds_to_review.';
ALTER TABLE coursebase.store_notifications ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.store_notifications
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.store_notifications TO server;

-- Sales do not know the inbox: the triggers by which a refund that came first is taken up stand here.
CREATE TRIGGER t900_wake_waiting AFTER INSERT ON coursebase.purchases
    FOR EACH ROW WHEN (num_nonnulls(NEW.payment_intent_id, NEW.charge_id, NEW.invoice_id) > 0)
    EXECUTE FUNCTION coursebase.tg_any__take_up('payment_intent_id', 'charge_id', 'invoice_id');
CREATE TRIGGER t900_wake_waiting_on_update AFTER UPDATE ON coursebase.purchases
    FOR EACH ROW WHEN ((OLD.payment_intent_id, OLD.charge_id, OLD.invoice_id)
        IS DISTINCT FROM (NEW.payment_intent_id, NEW.charge_id, NEW.invoice_id))
    EXECUTE FUNCTION coursebase.tg_any__take_up('payment_intent_id', 'charge_id', 'invoice_id');

-- A phone's receipt says whose the purchase is that a store told of before. It wakes when it has
-- given, and not when its row is made: the line that a waiting refund ends must be there.
CREATE TRIGGER t900_wake_waiting AFTER UPDATE ON coursebase.store_receipts
    FOR EACH ROW WHEN (OLD.detail IS NULL AND NEW.detail IS NOT NULL)
    EXECUTE FUNCTION coursebase.tg_any__take_up(
        'purchase_id', 'purchase_token', 'original_transaction_id');

-- What waits for somebody to do something, oldest first.
CREATE VIEW coursebase.notifications_waiting
WITH (security_invoker = true)
AS
SELECT n.id AS notification_id, n.provider, n.environment, n.kind, n.outcome, n.detail, n.needs,
    n.user_id, n.received_at, now() - n.received_at AS waited
FROM coursebase.store_notifications n
WHERE n.outcome IN ('waiting', 'refused')
ORDER BY n.received_at;
COMMENT ON VIEW coursebase.notifications_waiting IS
    'Notifications that took no effect yet: waiting for a person, a product or a document, or refused by a rule. Mend what they name, then call replay_notifications(), or give take_notification() the document.';
COMMENT ON COLUMN coursebase.notifications_waiting.notification_id IS 'Key in store_notifications.';
COMMENT ON COLUMN coursebase.notifications_waiting.provider IS 'Who sent it.';
COMMENT ON COLUMN coursebase.notifications_waiting.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.notifications_waiting.kind IS 'The provider''s type and subtype.';
COMMENT ON COLUMN coursebase.notifications_waiting.outcome IS 'waiting or refused.';
COMMENT ON COLUMN coursebase.notifications_waiting.detail IS 'For what it waits, or which rule refused it.';
COMMENT ON COLUMN coursebase.notifications_waiting.needs IS 'The provider''s document to fetch, or NULL.';
COMMENT ON COLUMN coursebase.notifications_waiting.user_id IS 'Whose it is, or NULL.';
COMMENT ON COLUMN coursebase.notifications_waiting.received_at IS 'When it came.';
COMMENT ON COLUMN coursebase.notifications_waiting.waited IS 'How long ago that is.';
GRANT SELECT ON TABLE coursebase.notifications_waiting TO server;

-- Refunds that a store asks about before it decides.
CREATE VIEW coursebase.refunds_to_review
WITH (security_invoker = true)
AS
SELECT n.id AS notification_id, n.provider, n.environment, n.kind, n.user_id,
    (n.result ->> 'purchase_id') AS purchase_id, n.happened_at AS asked_at,
    (n.result ->> 'answer_until')::timestamptz AS answer_until
FROM coursebase.store_notifications n
WHERE n.outcome = 'noted' AND n.result ->> 'review' = 'true'
    AND (n.result ->> 'answer_until')::timestamptz > now()
    AND NOT EXISTS (
        SELECT FROM coursebase.store_notifications o
        WHERE o.settles_review = n.result ->> 'review_ref' AND o.provider = n.provider
            AND o.environment = n.environment AND o.happened_at >= n.happened_at);
COMMENT ON VIEW coursebase.refunds_to_review IS
    'Refunds and disputes about which a store waits for an answer, until when: App Store 12 hours, Google Play 24 hours, Stripe as the dispute says. What is decided (a dispute lost, won or closed; a refund made or declined) is listed no more.';
COMMENT ON COLUMN coursebase.refunds_to_review.notification_id IS 'Key in store_notifications.';
COMMENT ON COLUMN coursebase.refunds_to_review.provider IS 'The store that asks.';
COMMENT ON COLUMN coursebase.refunds_to_review.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.refunds_to_review.kind IS 'The store''s type of the question.';
COMMENT ON COLUMN coursebase.refunds_to_review.user_id IS 'Whose purchase it is, or NULL while nobody is known.';
COMMENT ON COLUMN coursebase.refunds_to_review.purchase_id IS 'The store''s id of the purchase: transaction, token or charge.';
COMMENT ON COLUMN coursebase.refunds_to_review.asked_at IS 'When the store asked.';
COMMENT ON COLUMN coursebase.refunds_to_review.answer_until IS 'Until when it waits for an answer.';
GRANT SELECT ON TABLE coursebase.refunds_to_review TO server;

-- What came under a name that nobody reads: a type that a release or the operator may map, a member that an edge
-- function misspells beyond what is refused.
CREATE VIEW coursebase.unknown_types
WITH (security_invoker = true)
AS
SELECT n.provider, split_part(n.kind, '/', 1) AS type, count(*) AS times,
    min(n.received_at) AS first_at, max(n.received_at) AS last_at
FROM coursebase.store_notifications n
WHERE split_part(n.kind, '/', 1) NOT IN (
        'transaction', 'oneTimeProductNotification', 'pendingRefundReviewNotification')
    AND NOT EXISTS (
        SELECT FROM coursebase.subscription_event_mappings m
        WHERE m.provider = n.provider AND m.name = split_part(n.kind, '/', 1))
GROUP BY 1, 2;
COMMENT ON VIEW coursebase.unknown_types IS
    'Types of notifications that no row of subscription_event_mappings and no reader knows: they were noted. A row there (noted, if it means nothing) takes a type out of the list.';
COMMENT ON COLUMN coursebase.unknown_types.provider IS 'Who sent them.';
COMMENT ON COLUMN coursebase.unknown_types.type IS 'The provider''s type, without its subtype.';
COMMENT ON COLUMN coursebase.unknown_types.times IS 'How many came.';
COMMENT ON COLUMN coursebase.unknown_types.first_at IS 'When the first one came.';
COMMENT ON COLUMN coursebase.unknown_types.last_at IS 'When the last one came.';
GRANT SELECT ON TABLE coursebase.unknown_types TO server;

CREATE VIEW coursebase.unknown_members
WITH (security_invoker = true)
AS
SELECT c.form, c.source, c.member, count(*) AS times, max(c.received_at) AS last_at
FROM (
    SELECT 'event' AS form, e.store AS source, k.name AS member, e.received_at
    FROM coursebase.subscription_events e
    CROSS JOIN LATERAL jsonb_object_keys(e.payload) k (name)
    WHERE k.name <> ALL (coursebase.known_members('event'))
    UNION ALL
    -- named, or a restored dump would print them in another way
    SELECT 'receipt' AS form, r.source, k.name AS member, r.created_at AS received_at
    FROM coursebase.store_receipts r
    CROSS JOIN LATERAL jsonb_object_keys(r.receipt) k (name)
    WHERE k.name <> ALL (coursebase.known_members('receipt'))) c
GROUP BY 1, 2, 3;
COMMENT ON VIEW coursebase.unknown_members IS
    'Members of events and receipts that the canonical forms do not know: they are kept and not read. One that is nearly a known name is refused before it comes here. What one means to keep goes into the member payload, which is not listed.';
COMMENT ON COLUMN coursebase.unknown_members.form IS 'event or receipt.';
COMMENT ON COLUMN coursebase.unknown_members.source IS 'The store whose event or receipt has it.';
COMMENT ON COLUMN coursebase.unknown_members.member IS 'Its name.';
COMMENT ON COLUMN coursebase.unknown_members.times IS 'In how many events or receipts it is.';
COMMENT ON COLUMN coursebase.unknown_members.last_at IS 'When the last one of these came.';
GRANT SELECT ON TABLE coursebase.unknown_members TO server;

-- Whose word counts.
INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning, is_owner_only)
VALUES
    ('require_account_token', 'boolean', 'false',
        'Whether a signed document that names nobody is refused, instead of going to the user_id beside it.',
        true)
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning,
    is_owner_only = excluded.is_owner_only
WHERE (s.default_value, s.meaning, s.is_owner_only)
    IS DISTINCT FROM (excluded.default_value, excluded.meaning, excluded.is_owner_only);
