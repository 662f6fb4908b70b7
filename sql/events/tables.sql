-- Whether events are written, and how a consumer hears of them.
INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning)
VALUES
    ('events_out', 'boolean', 'false',
        'Whether access_events records what changes a person''s access, purchases, subscription, credits or completions.'),
    ('events_notify', 'boolean', 'false',
        'Whether a transaction that wrote events sends NOTIFY coursebase. Commits that notify wait for one another, and such a transaction cannot be prepared.'),
    ('events_credits_low', 'integer', '600',
        'A use of credits that leaves fewer than this many is told as credits_low; 0 for never.')
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning
WHERE (s.default_value, s.meaning) IS DISTINCT FROM (excluded.default_value, excluded.meaning);

CREATE TYPE coursebase.access_event_kind AS ENUM (
    'access_gained', 'access_extended', 'access_shortened', 'access_lost',
    'subscription_pending', 'subscription_trialing', 'subscription_active', 'subscription_in_grace',
    'subscription_on_hold', 'subscription_paused', 'subscription_canceled', 'subscription_expired',
    'subscription_revoked', 'purchased', 'refunded', 'credits_low', 'course_completed',
    'account_closed');
COMMENT ON TYPE coursebase.access_event_kind IS
    'What an event tells. access_gained, access_extended, access_shortened and access_lost compare the access to one subject before and after, over all sources; subscription_ and a status is the state of a subscription.';

-- What happened to people, for programs that act on it. The statement that makes it true writes it, in the
-- same transaction. The primary key is the order in which events are taken. No policy: only the server reads.
CREATE TABLE coursebase.access_events (
    id       bigint                        NOT NULL GENERATED ALWAYS AS IDENTITY,
    at       timestamptz                   NOT NULL DEFAULT now(),
    kind     coursebase.access_event_kind  NOT NULL,
    user_id  uuid                          NOT NULL,
    subject  text                          NOT NULL,
    source   text,
    until    timestamptz,
    xid      xid8                          NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT access_events_pkey PRIMARY KEY (xid, id),
    CONSTRAINT access_events_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE
);
-- What was last told of a person.
CREATE INDEX access_events_user_id_xid_idx ON coursebase.access_events (user_id, xid);
-- Rows lie in the order of time, so that the shortest index serves purge_logs().
CREATE INDEX access_events_at_idx ON coursebase.access_events USING brin (at);
COMMENT ON TABLE coursebase.access_events IS
    'What happened to people''s access, purchases, subscriptions, credits and completions while the setting events_out was on. take_events() hands events out; purge_logs() removes old ones. Only triggers write here.';
COMMENT ON COLUMN coursebase.access_events.id IS 'Number of the event, by which consumers acknowledge. Within a transaction a later event has a greater one.';
COMMENT ON COLUMN coursebase.access_events.at IS 'When the transaction that told began, by the server''s clock.';
COMMENT ON COLUMN coursebase.access_events.kind IS 'What happened.';
COMMENT ON COLUMN coursebase.access_events.user_id IS 'To whom.';
COMMENT ON COLUMN coursebase.access_events.subject IS 'What the event is about: a table and a key in it, such as courses/ and the course''s id; entitlements/premium for premium as a whole.';
COMMENT ON COLUMN coursebase.access_events.source IS 'What caused it: grant, purchase, premium_slot or entitlement for access; the store or provider for money and subscriptions; NULL where there is one cause only.';
COMMENT ON COLUMN coursebase.access_events.until IS 'Until when the access lasts, as far as known; the week''s end for credits_low; NULL: without an end, or nothing that ends.';
COMMENT ON COLUMN coursebase.access_events.xid IS 'The first part of the order: the transaction that told, or a later one that told of the same person before it.';
ALTER TABLE coursebase.access_events ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_keep BEFORE UPDATE ON coursebase.access_events
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__keep_columns(
        'id', 'at', 'kind', 'user_id', 'subject', 'source', 'until');
GRANT SELECT, DELETE ON TABLE coursebase.access_events TO server;

-- Who takes events, and how far each has come.
CREATE TABLE coursebase.event_consumers (
    name        text         NOT NULL,
    done_xid    xid8         NOT NULL DEFAULT '0',
    done_id     bigint       NOT NULL DEFAULT 0,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT event_consumers_pkey PRIMARY KEY (name),
    CONSTRAINT event_consumers_name_1_to_100_characters_check CHECK (length(name) BETWEEN 1 AND 100)
);
COMMENT ON TABLE coursebase.event_consumers IS
    'Programs that take events, each by a name of its choice and each every event. The first take_events() makes the row; whoever deletes it gives the consumer up.';
COMMENT ON COLUMN coursebase.event_consumers.name IS 'Name of the consumer.';
COMMENT ON COLUMN coursebase.event_consumers.done_xid IS 'Every event up to (done_xid, done_id) in the order of (xid, id) was acknowledged.';
COMMENT ON COLUMN coursebase.event_consumers.done_id IS 'The second part of that place.';
COMMENT ON COLUMN coursebase.event_consumers.created_at IS 'When the consumer first asked.';
COMMENT ON COLUMN coursebase.event_consumers.updated_at IS 'When the consumer last came further.';
ALTER TABLE coursebase.event_consumers ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.event_consumers
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, DELETE ON TABLE coursebase.event_consumers TO server;

-- What a consumer has in hand, and what it acknowledged beyond its place. No foreign key leads to access_events: events
-- go by purge_logs(), and their claims when the consumer comes past them.
CREATE TABLE coursebase.event_claims (
    consumer       text         NOT NULL,
    xid            xid8         NOT NULL,
    event_id       bigint       NOT NULL,
    user_id        uuid         NOT NULL,
    claimed_until  timestamptz,
    attempts       integer      NOT NULL DEFAULT 1,
    created_at     timestamptz  NOT NULL DEFAULT now(),
    updated_at     timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT event_claims_pkey PRIMARY KEY (consumer, event_id),
    CONSTRAINT event_claims_consumer_fkey FOREIGN KEY (consumer)
        REFERENCES coursebase.event_consumers (name) ON DELETE CASCADE,
    CONSTRAINT event_claims_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT event_claims_attempts_positive_check CHECK (attempts > 0)
);
CREATE INDEX event_claims_consumer_xid_event_id_idx
    ON coursebase.event_claims (consumer, xid, event_id);
CREATE INDEX event_claims_user_id_consumer_idx ON coursebase.event_claims (user_id, consumer);
COMMENT ON TABLE coursebase.event_claims IS
    'Events that a consumer took and has not acknowledged, and acknowledged ones that follow an event which is not. Only take_events() and acknowledge_events() write here.';
COMMENT ON COLUMN coursebase.event_claims.consumer IS 'Who took the event.';
COMMENT ON COLUMN coursebase.event_claims.xid IS 'The event''s xid.';
COMMENT ON COLUMN coursebase.event_claims.event_id IS 'The event''s id.';
COMMENT ON COLUMN coursebase.event_claims.user_id IS 'The event''s person, of whom the consumer is given nothing else while the claim holds.';
COMMENT ON COLUMN coursebase.event_claims.claimed_until IS 'When the claim lapses and the event is given again; NULL: the event was acknowledged.';
COMMENT ON COLUMN coursebase.event_claims.attempts IS 'How often the event was given.';
COMMENT ON COLUMN coursebase.event_claims.created_at IS 'When the event was first taken.';
COMMENT ON COLUMN coursebase.event_claims.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.event_claims ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.event_claims
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.event_claims TO server;

-- access_turns() asks which subscriptions end within a time.
CREATE INDEX subscriptions_expires_at_idx ON coursebase.subscriptions (expires_at);
CREATE INDEX subscriptions_grace_until_idx ON coursebase.subscriptions (grace_until);

-- What tells. Statement triggers, because a statement that changes thousands of rows is judged at once. Their names come
-- behind those of every other trigger, so that what is derived is there, and the person's version is locked.
CREATE TRIGGER t900_tell AFTER INSERT ON coursebase.user_course_access
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_user_course_access__tell();
CREATE TRIGGER t900_tell_on_delete AFTER DELETE ON coursebase.user_course_access
    REFERENCING OLD TABLE AS was
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_user_course_access__tell();
CREATE TRIGGER t900_tell_on_truncate BEFORE TRUNCATE ON coursebase.user_course_access
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_user_course_access__tell();

CREATE TRIGGER t900_tell AFTER INSERT ON coursebase.course_purchases
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_purchases__tell();
CREATE TRIGGER t900_tell_on_update AFTER UPDATE ON coursebase.course_purchases
    REFERENCING OLD TABLE AS was NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_purchases__tell();
CREATE TRIGGER t900_tell_on_delete AFTER DELETE ON coursebase.course_purchases
    REFERENCING OLD TABLE AS was
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_purchases__tell();
CREATE TRIGGER t900_tell_on_truncate BEFORE TRUNCATE ON coursebase.course_purchases
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_purchases__tell();

CREATE TRIGGER t900_tell AFTER INSERT ON coursebase.subscriptions
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_subscriptions__tell();
CREATE TRIGGER t900_tell_on_update AFTER UPDATE ON coursebase.subscriptions
    REFERENCING OLD TABLE AS was NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_subscriptions__tell();

CREATE TRIGGER t900_tell AFTER INSERT ON coursebase.course_entitlements
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_entitlements__tell();
CREATE TRIGGER t900_tell_on_update AFTER UPDATE ON coursebase.course_entitlements
    REFERENCING OLD TABLE AS was NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_entitlements__tell();
CREATE TRIGGER t900_tell_on_delete AFTER DELETE ON coursebase.course_entitlements
    REFERENCING OLD TABLE AS was
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_entitlements__tell();
CREATE TRIGGER t900_tell_on_truncate BEFORE TRUNCATE ON coursebase.course_entitlements
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_entitlements__tell();

CREATE TRIGGER t900_tell AFTER INSERT ON coursebase.purchases
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_purchases__tell();
CREATE TRIGGER t900_tell_on_update AFTER UPDATE ON coursebase.purchases
    REFERENCING OLD TABLE AS was NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_purchases__tell();

CREATE TRIGGER t900_tell AFTER INSERT ON coursebase.ai_credit_purchases
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_ai_credit_purchases__tell();
CREATE TRIGGER t900_tell_on_update AFTER UPDATE ON coursebase.ai_credit_purchases
    REFERENCING OLD TABLE AS was NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_ai_credit_purchases__tell();

CREATE TRIGGER t900_tell AFTER INSERT ON coursebase.custom_course_purchases
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_custom_course_purchases__tell();
CREATE TRIGGER t900_tell_on_update AFTER UPDATE ON coursebase.custom_course_purchases
    REFERENCING OLD TABLE AS was NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_custom_course_purchases__tell();

CREATE TRIGGER t900_tell AFTER INSERT ON coursebase.payment_transactions
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_payment_transactions__tell();
CREATE TRIGGER t900_tell_on_update AFTER UPDATE ON coursebase.payment_transactions
    REFERENCING OLD TABLE AS was NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_payment_transactions__tell();

CREATE TRIGGER t900_tell AFTER INSERT ON coursebase.user_lesson_complete
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_user_lesson_complete__tell();

CREATE TRIGGER t900_tell_on_update AFTER UPDATE ON coursebase.ai_usage
    REFERENCING OLD TABLE AS was NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_ai_usage__tell();

CREATE TRIGGER t900_tell_on_update AFTER UPDATE ON coursebase.users
    REFERENCING OLD TABLE AS was NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_users__tell();
