-- Credits of the assistant: spending, reserving, packs and their refunds, and what is left.

CREATE FUNCTION coursebase.tg_ai_usage__weekly_limit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_ai_usage__weekly_limit';
COMMENT ON FUNCTION coursebase.tg_ai_usage__weekly_limit() IS
    'BEFORE UPDATE that lowers the weekly limit within a week, or turns a week back: refuses it (KB703).';

CREATE FUNCTION coursebase.consume_credits(
    user_id uuid,
    seconds numeric,
    idempotency_key text,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    credits bigint,
    weekly_credits bigint,
    bank_credits bigint,
    weekly_left bigint,
    bank_left bigint,
    next_reset timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_consume_credits';
COMMENT ON FUNCTION coursebase.consume_credits(uuid, numeric, text, timestamptz) IS
    'Spends a credit for each second begun, of the week first and then of the bank. Answers the price, what each of the two gave, and what is left. Not enough: KB701 with what is needed, what there is and the next reset; nothing is written. The same key again answers the first result; with other seconds KB702.';
GRANT EXECUTE ON FUNCTION coursebase.consume_credits(uuid, numeric, text, timestamptz) TO server;

CREATE FUNCTION coursebase.reserve_credits(
    user_id uuid,
    seconds numeric,
    idempotency_key text,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    credits bigint,
    weekly_credits bigint,
    bank_credits bigint,
    weekly_left bigint,
    bank_left bigint,
    next_reset timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_reserve_credits';
COMMENT ON FUNCTION coursebase.reserve_credits(uuid, numeric, text, timestamptz) IS
    'For a use whose length is not known yet: takes the credits as consume_credits() does, until commit_credits() or release_credits() with the same key ends it.';
GRANT EXECUTE ON FUNCTION coursebase.reserve_credits(uuid, numeric, text, timestamptz) TO server;

CREATE FUNCTION coursebase.commit_credits(
    user_id uuid,
    idempotency_key text,
    seconds numeric,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    credits bigint,
    weekly_credits bigint,
    bank_credits bigint,
    weekly_left bigint,
    bank_left bigint,
    next_reset timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_commit_credits';
COMMENT ON FUNCTION coursebase.commit_credits(uuid, text, numeric, timestamptz) IS
    'Ends a reservation with the seconds that the use took. What was not needed comes back, the bank''s first (of a week that has passed nothing does); what was needed beyond is spent (KB701 when there is not enough, and the reservation stays). weekly_credits and bank_credits are what this call took; negative: gave back.';
GRANT EXECUTE ON FUNCTION coursebase.commit_credits(uuid, text, numeric, timestamptz) TO server;

CREATE FUNCTION coursebase.release_credits(
    user_id uuid,
    idempotency_key text,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    credits bigint,
    weekly_credits bigint,
    bank_credits bigint,
    weekly_left bigint,
    bank_left bigint,
    next_reset timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_release_credits';
COMMENT ON FUNCTION coursebase.release_credits(uuid, text, timestamptz) IS
    'Ends a reservation whose use did not take place: gives back what it held, but nothing of a week that has passed.';
GRANT EXECUTE ON FUNCTION coursebase.release_credits(uuid, text, timestamptz) TO server;

CREATE FUNCTION coursebase.check_credits(
    seconds numeric,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    allowed boolean,
    reason text,
    needed bigint,
    available bigint,
    next_reset timestamptz
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_check_credits';
COMMENT ON FUNCTION coursebase.check_credits(numeric, uuid, timestamptz) IS
    'Whether a use of so many seconds could be paid, and writes nothing. reason is not_enough_credits, or NULL when it could. Without user_id about oneself; about somebody else only for an administrator or the server (42501).';
GRANT EXECUTE ON FUNCTION coursebase.check_credits(numeric, uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.credit_balance(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    weekly_limit_credits bigint,
    weekly_used_credits bigint,
    weekly_reset_date timestamptz,
    bank_limit_credits bigint,
    bank_used_credits bigint,
    available bigint
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_credit_balance';
COMMENT ON FUNCTION coursebase.credit_balance(uuid, timestamptz) IS
    'A person''s credits at an instant: now, in the past as the log has them, or to come, with the weeks that turn until then. weekly_reset_date is NULL until the first use begins a week. Without user_id about oneself; about somebody else only for an administrator or the server (42501).';
GRANT EXECUTE ON FUNCTION coursebase.credit_balance(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.grant_credit_pack(
    user_id uuid,
    product_id text,
    credits bigint,
    source text,
    environment text,
    purchase_id text,
    purchase_token text,
    amount_in_cents bigint DEFAULT NULL,
    currency text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (credit_purchase_id uuid, bank_credits bigint, bank_left bigint)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_grant_credit_pack';
COMMENT ON FUNCTION coursebase.grant_credit_pack(uuid, text, bigint, text, text, text, text, bigint, text, timestamptz) IS
    'Puts a bought pack into the bank. The same purchase again answers the first result; of another user, product or number of credits KB205.';
GRANT EXECUTE ON FUNCTION coursebase.grant_credit_pack(uuid, text, bigint, text, text, text, text, bigint, text, timestamptz) TO server;

CREATE FUNCTION coursebase.refund_credit_pack(
    source text,
    environment text,
    purchase_id text,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (credit_purchase_id uuid, bank_credits bigint, bank_left bigint)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_refund_credit_pack';
COMMENT ON FUNCTION coursebase.refund_credit_pack(text, text, text, timestamptz) IS
    'Takes back what is unspent of a refunded pack, and never of another: the credits of the pack granted first are spent first. What a reservation still holds of it is taken when it comes back. bank_credits is by how much the bank grew: negative. Again: the first result.';
GRANT EXECUTE ON FUNCTION coursebase.refund_credit_pack(text, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.ai_usage_member(user_id uuid, at timestamptz)
RETURNS TABLE (member text, valid_from timestamptz, valid_until timestamptz)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_ai_usage_member';
COMMENT ON FUNCTION coursebase.ai_usage_member(uuid, timestamptz) IS
    'The member ai_usage of a handshake, JSON: the account as it is now, with the weeks that turn until at; and from when until when, NULL for ever, it is that.';
GRANT EXECUTE ON FUNCTION coursebase.ai_usage_member(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.explain_credits(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (item text, object text, credits bigint, unspent bigint, detail text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH person (id) AS (
        SELECT coalesce(explain_credits.user_id, coursebase.current_user_id())
    ), balance AS (
        SELECT b.* FROM coursebase.credit_balance(explain_credits.user_id, explain_credits.at) b
    ), entries AS (
        SELECT l.*
        FROM coursebase.credit_log l
        JOIN person p ON l.user_id = p.id
        WHERE l.at <= explain_credits.at
    ), packs AS (
        -- what a pack still holds, and what the packs before it hold: they are spent first
        SELECT k.product_id, k.purchase_id, k.credits, e.position, k.held,
            coalesce(sum(k.held) OVER (ORDER BY e.position
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before,
            k.refunded_credits, k.refunded
        FROM entries e
        JOIN LATERAL (
            SELECT c.*, r.position IS NOT NULL AS refunded,
                CASE WHEN r.position IS NULL THEN c.credits
                    ELSE c.credits - c.refunded_credits END AS held
            FROM coursebase.ai_credit_purchases c
            LEFT JOIN entries r ON r.credit_purchase_id = c.id AND r.kind = 'refund'
            WHERE c.id = e.credit_purchase_id
        ) k ON true
        WHERE e.kind = 'pack'
    )
    SELECT x.item, x.object, x.credits, x.unspent, x.detail
    FROM (
        SELECT 1, 0::bigint, 'week', NULL, b.weekly_limit_credits,
            b.weekly_limit_credits - b.weekly_used_credits,
            CASE WHEN b.weekly_reset_date IS NULL THEN 'The first use begins the week.'
                ELSE 'Spent first; what is left lapses when the week turns.' END
        FROM balance b
        UNION ALL
        SELECT 2, k.position, 'pack', k.product_id || ' ' || k.purchase_id, k.credits,
            k.held - least(k.held, greatest(b.bank_used_credits - k.before, 0))::bigint,
            CASE WHEN k.refunded THEN format('Refunded: %s credits were taken back.',
                k.refunded_credits) ELSE 'Never lapses; the first pack is spent first.' END
        FROM packs k
        CROSS JOIN balance b
        UNION ALL
        SELECT 3, e.position, 'reservation', e.idempotency_key, e.credits, NULL,
            'Held until commit_credits() or release_credits() ends it.'
        FROM entries e
        WHERE e.kind = 'reserve' AND NOT EXISTS (
            SELECT FROM entries d
            WHERE d.idempotency_key = e.idempotency_key AND d.kind IN ('commit', 'release'))
    ) x (part, position, item, object, credits, unspent, detail)
    ORDER BY x.part, x.position
$$;
COMMENT ON FUNCTION coursebase.explain_credits(uuid, timestamptz) IS
    'Where a person''s credits come from and where they are, row by row: the week, each pack in the order in which they are spent, reservations that are open. Reads with the caller''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.explain_credits(uuid, timestamptz) TO end_user, server;
