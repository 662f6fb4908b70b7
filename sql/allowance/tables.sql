-- What a person may spend on the assistant: the week's allowance, which lapses, and a bank, which does not.
-- Only the functions of this slice write these tables, with the rights of the tables' owner.
CREATE TABLE coursebase.ai_usage (
    user_id               uuid         NOT NULL,
    weekly_limit_credits  bigint       NOT NULL,
    weekly_used_credits   bigint       NOT NULL DEFAULT 0,
    weekly_reset_date     timestamptz  NOT NULL,
    bank_limit_credits    bigint       NOT NULL DEFAULT 0,
    bank_used_credits     bigint       NOT NULL DEFAULT 0,
    created_at            timestamptz  NOT NULL DEFAULT now(),
    updated_at            timestamptz  NOT NULL DEFAULT now(),
    -- Nothing can be counted from an infinite time, neither a week nor the order of the log.
    CONSTRAINT ai_usage_times_finite_check
        CHECK (isfinite(weekly_reset_date) AND isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT ai_usage_pkey PRIMARY KEY (user_id),
    CONSTRAINT ai_usage_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT ai_usage_weekly_used_within_limit_check
        CHECK (weekly_used_credits BETWEEN 0 AND weekly_limit_credits),
    CONSTRAINT ai_usage_bank_used_within_limit_check
        CHECK (bank_used_credits BETWEEN 0 AND bank_limit_credits)
);
COMMENT ON TABLE coursebase.ai_usage IS 'Credits of each person who ever had any, as the last change left them: a week that has passed since is turned by the next change. credit_balance() answers what holds now.';
COMMENT ON COLUMN coursebase.ai_usage.user_id IS 'The person who has the credits.';
COMMENT ON COLUMN coursebase.ai_usage.weekly_limit_credits IS 'Allowance of this week. A higher allowance counts at once, a lower one when the week turns.';
COMMENT ON COLUMN coursebase.ai_usage.weekly_used_credits IS 'How much of this week''s allowance is spent or reserved.';
COMMENT ON COLUMN coursebase.ai_usage.weekly_reset_date IS 'When the week turns: seven days after it began, on the calendar of the person''s time zone.';
COMMENT ON COLUMN coursebase.ai_usage.bank_limit_credits IS 'Credits of all packs that the person ever got, less what refunds took back and what went to another person.';
COMMENT ON COLUMN coursebase.ai_usage.bank_used_credits IS 'How many of the bank''s credits are spent or reserved.';
COMMENT ON COLUMN coursebase.ai_usage.created_at IS 'When the first week began.';
COMMENT ON COLUMN coursebase.ai_usage.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.ai_usage ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_weekly_limit BEFORE UPDATE ON coursebase.ai_usage
    FOR EACH ROW WHEN (
        NEW.weekly_reset_date < OLD.weekly_reset_date
        OR (NEW.weekly_limit_credits < OLD.weekly_limit_credits
            AND NEW.weekly_reset_date = OLD.weekly_reset_date))
    EXECUTE FUNCTION coursebase.tg_ai_usage__weekly_limit();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.ai_usage
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.ai_usage TO end_user, server;

-- Packs of credits that were bought. The store's key of a purchase is unique, so that a receipt counts once.
CREATE TABLE coursebase.ai_credit_purchases (
    id                uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id           uuid         NOT NULL,
    product_id        text         NOT NULL,
    credits           bigint       NOT NULL,
    refunded_credits  bigint       NOT NULL DEFAULT 0,
    amount_in_cents   integer,
    currency          char(3),
    source            text         NOT NULL,
    environment       text         NOT NULL,
    purchase_id       text         NOT NULL,
    purchase_token    text         NOT NULL,
    status            text         NOT NULL DEFAULT 'valid',
    purchased_at      timestamptz  NOT NULL,
    acknowledged_at   timestamptz,
    created_at        timestamptz  NOT NULL DEFAULT now(),
    updated_at        timestamptz  NOT NULL DEFAULT now(),
    claimed_credits   bigint       NOT NULL DEFAULT 0,
    CONSTRAINT ai_credit_purchases_times_finite_check
        CHECK (isfinite(purchased_at) AND isfinite(acknowledged_at)
            AND isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT ai_credit_purchases_pkey PRIMARY KEY (id),
    CONSTRAINT ai_credit_purchases_source_environment_purchase_id_key
        UNIQUE (source, environment, purchase_id),
    CONSTRAINT ai_credit_purchases_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT ai_credit_purchases_credits_positive_check CHECK (credits > 0),
    CONSTRAINT ai_credit_purchases_status_known_check CHECK (status IN ('valid', 'refunded')),
    CONSTRAINT ai_credit_purchases_environment_known_check
        CHECK (environment IN ('production', 'sandbox')),
    CONSTRAINT ai_credit_purchases_refunded_within_credits_check
        CHECK (refunded_credits BETWEEN 0 AND credits),
    CONSTRAINT ai_credit_purchases_refunded_only_by_claim_check
        CHECK (refunded_credits <= claimed_credits AND claimed_credits <= credits),
    CONSTRAINT ai_credit_purchases_refunded_when_all_is_claimed_check
        CHECK ((status = 'refunded') = (claimed_credits = credits)),
    CONSTRAINT ai_credit_purchases_amount_with_currency_check
        CHECK ((amount_in_cents IS NULL) = (currency IS NULL)),
    CONSTRAINT ai_credit_purchases_amount_not_negative_check CHECK (amount_in_cents >= 0),
    CONSTRAINT ai_credit_purchases_currency_form_check CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE INDEX ai_credit_purchases_user_id_idx ON coursebase.ai_credit_purchases (user_id);
COMMENT ON TABLE coursebase.ai_credit_purchases IS 'Packs of credits that people bought. Their credits are spent in the order in which the packs were granted.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.id IS 'Key of the purchase.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.user_id IS 'The person who has the pack: the buyer, or whom what was left of it went to. The log says who bought it, and what each person holds of it.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.product_id IS 'Base id of the product, as in store_products.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.credits IS 'Credits that the pack brought.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.refunded_credits IS 'How many of the pack''s credits its refunds took back: of those that they claim the ones that were not spent.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.claimed_credits IS 'How many of the pack''s credits its refunds are of. As many are taken back as are not spent; a reservation''s when they come back.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.amount_in_cents IS 'What was paid, in minor units; NULL if the store does not say.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.currency IS 'Currency of the amount; NULL without an amount.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.source IS 'The store that sold the pack.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.environment IS 'production or sandbox.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.purchase_id IS 'The store''s id of the purchase.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.purchase_token IS 'The store''s token, with which the server asks the store about the purchase.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.status IS 'valid or refunded.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.purchased_at IS 'When the pack was bought.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.acknowledged_at IS 'When the server told the store that the pack was delivered; NULL before. A store refunds what is not acknowledged within three days.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.ai_credit_purchases.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.ai_credit_purchases ENABLE ROW LEVEL SECURITY;
-- No statistics of what only some may read: estimates of the planner, which PostgREST answers to
-- Prefer: count=planned, would tell values of it to everybody who may ask about the table.
ALTER TABLE coursebase.ai_credit_purchases
    ALTER COLUMN purchase_id SET STATISTICS 0,
    ALTER COLUMN purchase_token SET STATISTICS 0;
-- A stolen server key must not invent a pack that a store sold.
CREATE TRIGGER t300_signed_only BEFORE INSERT OR UPDATE OR DELETE ON coursebase.ai_credit_purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__signed_only('source');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.ai_credit_purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t400_claim AFTER INSERT ON coursebase.ai_credit_purchases
    FOR EACH ROW
    EXECUTE FUNCTION coursebase.tg_any__claim_keys('purchase source environment purchase_id');
CREATE TRIGGER t400_claim_on_update AFTER UPDATE ON coursebase.ai_credit_purchases
    FOR EACH ROW WHEN (OLD.user_id <> NEW.user_id)
    EXECUTE FUNCTION coursebase.tg_any__claim_keys('purchase source environment purchase_id');
GRANT SELECT ON TABLE coursebase.ai_credit_purchases TO end_user, server;

-- Every change of a person's credits, with the account as the change left it: credit_balance() reads past
-- balances from the log, and a call that is repeated finds its first result there.
CREATE TABLE coursebase.credit_log (
    user_id               uuid         NOT NULL,
    position              bigint       NOT NULL,
    kind                  text         NOT NULL,
    idempotency_key       text,
    seconds               numeric,
    credits               bigint,
    weekly_credits        bigint       NOT NULL,
    bank_credits          bigint       NOT NULL,
    weekly_limit_credits  bigint       NOT NULL,
    weekly_used_credits   bigint       NOT NULL,
    weekly_reset_date     timestamptz  NOT NULL,
    bank_limit_credits    bigint       NOT NULL,
    bank_used_credits     bigint       NOT NULL,
    credit_purchase_id    uuid,
    at                    timestamptz  NOT NULL,
    created_at            timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT credit_log_times_finite_check
        CHECK (isfinite(weekly_reset_date) AND isfinite(at) AND isfinite(created_at)),
    CONSTRAINT credit_log_pkey PRIMARY KEY (user_id, position),
    CONSTRAINT credit_log_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT credit_log_credit_purchase_id_fkey FOREIGN KEY (credit_purchase_id)
        REFERENCES coursebase.ai_credit_purchases (id) ON DELETE RESTRICT,
    CONSTRAINT credit_log_position_counts_from_one_check CHECK (position > 0),
    CONSTRAINT credit_log_kind_known_check CHECK (kind IN (
        'start', 'turn', 'raise', 'consume', 'reserve', 'commit', 'release', 'pack', 'refund',
        'reversal', 'moved_out', 'moved_in', 'taken')),
    CONSTRAINT credit_log_use_has_a_key_check CHECK (
        (kind IN ('consume', 'reserve', 'commit', 'release')) = (idempotency_key IS NOT NULL)),
    CONSTRAINT credit_log_use_has_a_price_check CHECK (
        (kind IN ('consume', 'reserve', 'commit')) = (seconds IS NOT NULL AND credits IS NOT NULL)),
    CONSTRAINT credit_log_pack_has_a_purchase_check CHECK (
        (kind IN ('pack', 'refund', 'reversal', 'moved_out', 'moved_in', 'taken'))
            = (credit_purchase_id IS NOT NULL)),
    CONSTRAINT credit_log_taken_says_how_many_check CHECK (
        (kind = 'taken') = (credits IS NOT NULL AND seconds IS NULL)),
    CONSTRAINT credit_log_idempotency_key_1_to_200_characters_check
        CHECK (length(idempotency_key) BETWEEN 1 AND 200)
);
-- A key names one use of a person, and a reservation ends once.
CREATE UNIQUE INDEX credit_log_use_idx ON coursebase.credit_log (user_id, idempotency_key)
    WHERE kind IN ('consume', 'reserve');
CREATE UNIQUE INDEX credit_log_end_idx ON coursebase.credit_log (user_id, idempotency_key)
    WHERE kind IN ('commit', 'release');
-- A pack is bought once, and may be refunded in parts.
CREATE UNIQUE INDEX credit_log_pack_idx ON coursebase.credit_log (credit_purchase_id)
    WHERE kind = 'pack';
CREATE INDEX credit_log_credit_purchase_id_idx
    ON coursebase.credit_log (credit_purchase_id, position);
-- What a person holds of each pack is the sum of these entries.
CREATE INDEX credit_log_user_id_credit_purchase_id_idx
    ON coursebase.credit_log (user_id, credit_purchase_id) WHERE credit_purchase_id IS NOT NULL;
CREATE INDEX credit_log_user_id_at_position_idx ON coursebase.credit_log (user_id, at, position);
COMMENT ON TABLE coursebase.credit_log IS 'Every change of a person''s credits in order, and the account as the change left it. Rows are never changed or deleted.';
COMMENT ON COLUMN coursebase.credit_log.user_id IS 'The person whose credits changed.';
COMMENT ON COLUMN coursebase.credit_log.position IS 'Counts the person''s changes from 1, without a gap.';
COMMENT ON COLUMN coursebase.credit_log.kind IS 'start (the first week begins), turn (a week turns), raise (the weekly limit rises), consume, reserve, commit or release (ends of a reservation), pack (bought), refund (of a pack, or of a part), reversal (of a refund), moved_out or moved_in (what was left of a pack went to another person, or came from one), or taken (a refund of the pack took credits that a reservation gave back; the amounts of the entry before have it).';
COMMENT ON COLUMN coursebase.credit_log.idempotency_key IS 'The caller''s name of the use; NULL if the change is no use. The end of a reservation has the key of the reservation.';
COMMENT ON COLUMN coursebase.credit_log.seconds IS 'How long the use took, or may take; NULL if the change is no use, or a release.';
COMMENT ON COLUMN coursebase.credit_log.credits IS 'Price of the use: its seconds, rounded up; of taken, how many credits the refund took; NULL for other changes.';
COMMENT ON COLUMN coursebase.credit_log.weekly_credits IS 'By how much the week''s rest grew; negative: it shrank.';
COMMENT ON COLUMN coursebase.credit_log.bank_credits IS 'By how much the bank''s rest grew; negative: it shrank.';
COMMENT ON COLUMN coursebase.credit_log.weekly_limit_credits IS 'The weekly limit after the change.';
COMMENT ON COLUMN coursebase.credit_log.weekly_used_credits IS 'How much of the weekly limit was used after the change.';
COMMENT ON COLUMN coursebase.credit_log.weekly_reset_date IS 'The end of the week after the change.';
COMMENT ON COLUMN coursebase.credit_log.bank_limit_credits IS 'The bank''s limit after the change.';
COMMENT ON COLUMN coursebase.credit_log.bank_used_credits IS 'How much of the bank was used after the change.';
COMMENT ON COLUMN coursebase.credit_log.credit_purchase_id IS 'The pack that was bought, refunded or moved; NULL for other changes. What a person holds of a pack is the sum of bank_credits, less credits, over the person''s entries of it.';
COMMENT ON COLUMN coursebase.credit_log.at IS 'When the change took place. A call that names an earlier time than the last change counts as of that change.';
COMMENT ON COLUMN coursebase.credit_log.created_at IS 'When the row was written.';
ALTER TABLE coursebase.credit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.credit_log
    ALTER COLUMN idempotency_key SET STATISTICS 0;
CREATE TRIGGER t300_append_only BEFORE UPDATE OR DELETE ON coursebase.credit_log
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__append_only();
GRANT SELECT ON TABLE coursebase.credit_log TO end_user, server;

-- The week's allowance.
INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning)
VALUES
    ('free_weekly_credits', 'integer', '0',
        'Credits a week, one a second of the assistant, of everybody; what an entitlement gives counts where it is more.')
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning
WHERE (s.default_value, s.meaning) IS DISTINCT FROM (excluded.default_value, excluded.meaning);
