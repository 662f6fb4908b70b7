-- Rules that the data of this slice must satisfy even if triggers were off: part of check_integrity().

CREATE FUNCTION coursebase.check_allowance()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH entries AS (
        SELECT l.*, lag(l.position) OVER w AS last_position, lag(l.at) OVER w AS last_at,
            coalesce(lag(l.weekly_limit_credits) OVER w, 0) AS last_weekly_limit,
            coalesce(lag(l.weekly_used_credits) OVER w, 0) AS last_weekly_used,
            lag(l.weekly_reset_date) OVER w AS last_reset,
            coalesce(lag(l.bank_limit_credits) OVER w, 0) AS last_bank_limit,
            coalesce(lag(l.bank_used_credits) OVER w, 0) AS last_bank_used,
            row_number() OVER (PARTITION BY l.user_id ORDER BY l.position DESC) = 1 AS last
        FROM coursebase.credit_log l
        WINDOW w AS (PARTITION BY l.user_id ORDER BY l.position)
    ), shares AS (
        -- what each person holds of a pack, in the order in which the person's packs are spent
        SELECT l.user_id, l.credit_purchase_id AS id, min(l.position) AS position,
            sum(l.bank_credits) - coalesce(sum(l.credits), 0) AS held
        FROM coursebase.credit_log l
        WHERE l.credit_purchase_id IS NOT NULL
        GROUP BY l.user_id, l.credit_purchase_id
    ), spent AS (
        SELECT s.*, coalesce(sum(s.held) OVER (PARTITION BY s.user_id ORDER BY s.position
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM shares s
    ), banks AS (
        SELECT s.user_id, sum(s.held) AS held FROM shares s GROUP BY s.user_id
    ), sums AS (
        SELECT s.id, sum(s.held) AS held, min(s.held) AS least FROM shares s GROUP BY s.id
    )
    SELECT 'credit_limits', 'ai_usage ' || u.user_id, 'more is used than there was, or less than nothing'
    FROM coursebase.ai_usage u
    WHERE u.weekly_used_credits NOT BETWEEN 0 AND u.weekly_limit_credits
        OR u.bank_used_credits NOT BETWEEN 0 AND u.bank_limit_credits
    UNION ALL
    SELECT 'credit_account', 'ai_usage ' || coalesce(u.user_id, e.user_id),
        'the account is not what its log ends in'
    FROM coursebase.ai_usage u
    FULL JOIN (SELECT * FROM entries WHERE last) e ON e.user_id = u.user_id
    WHERE (u.weekly_limit_credits, u.weekly_used_credits, u.weekly_reset_date,
            u.bank_limit_credits, u.bank_used_credits)
        IS DISTINCT FROM (e.weekly_limit_credits, e.weekly_used_credits, e.weekly_reset_date,
            e.bank_limit_credits, e.bank_used_credits)
    UNION ALL
    SELECT 'credit_bank', 'ai_usage ' || u.user_id,
        format('the bank holds %s, its packs %s', u.bank_limit_credits, coalesce(b.held, 0))
    FROM coursebase.ai_usage u
    LEFT JOIN banks b ON b.user_id = u.user_id
    WHERE u.bank_limit_credits <> coalesce(b.held, 0)
    UNION ALL
    SELECT 'credit_log_position', format('credit_log %s %s', e.user_id, e.position),
        'an entry before it is missing'
    FROM entries e
    WHERE e.position <> coalesce(e.last_position, 0) + 1
    UNION ALL
    SELECT 'credit_log_time', format('credit_log %s %s', e.user_id, e.position),
        'it happened before the entry before it'
    FROM entries e
    WHERE e.at < e.last_at OR e.weekly_reset_date < e.last_reset
    UNION ALL
    SELECT 'credit_log_amount', format('credit_log %s %s', e.user_id, e.position),
        'its amounts do not lead from the entry before it to what it left'
    FROM entries e
    WHERE e.position = coalesce(e.last_position, 0) + 1
        AND ((e.weekly_limit_credits - e.weekly_used_credits)
                - (e.last_weekly_limit - e.last_weekly_used) <> e.weekly_credits
            OR (e.bank_limit_credits - e.bank_used_credits)
                - (e.last_bank_limit - e.last_bank_used) <> e.bank_credits)
    UNION ALL
    SELECT 'credit_weekly_limit', format('credit_log %s %s', e.user_id, e.position),
        'the weekly limit fell within the week'
    FROM entries e
    WHERE e.weekly_reset_date = e.last_reset AND e.weekly_limit_credits < e.last_weekly_limit
    UNION ALL
    SELECT 'credit_reservation', format('credit_log %s %s', e.user_id, e.position),
        'it ends a reservation that there is not, or that has ended'
    FROM entries e
    WHERE e.kind IN ('commit', 'release')
        AND (NOT EXISTS (
                SELECT FROM coursebase.credit_log r
                WHERE r.user_id = e.user_id AND r.idempotency_key = e.idempotency_key
                    AND r.kind = 'reserve' AND r.position < e.position)
            OR EXISTS (
                SELECT FROM coursebase.credit_log r
                WHERE r.user_id = e.user_id AND r.idempotency_key = e.idempotency_key
                    AND r.kind IN ('commit', 'release') AND r.position < e.position))
    UNION ALL
    SELECT 'credit_pack_logged', 'ai_credit_purchases ' || p.id,
        'the log does not have its sale, or its refund, as it is'
    FROM coursebase.ai_credit_purchases p
    WHERE (SELECT coalesce(sum(e.bank_credits) FILTER (WHERE e.kind = 'pack'), -1)
            FROM coursebase.credit_log e
            WHERE e.credit_purchase_id = p.id) <> p.credits
        OR (p.claimed_credits > 0) <> (
            SELECT coalesce(bool_or(e.kind = 'refund'), false)
                AND (p.claimed_credits > 0 OR NOT bool_or(e.kind = 'reversal'))
            FROM coursebase.credit_log e
            WHERE e.credit_purchase_id = p.id)
    UNION ALL
    SELECT 'credit_pack_held', 'ai_credit_purchases ' || p.id,
        format('%s of it are left, and people hold %s, one of them %s', p.credits - p.refunded_credits,
            coalesce(s.held, 0), coalesce(s.least, 0))
    FROM coursebase.ai_credit_purchases p
    LEFT JOIN sums s ON s.id = p.id
    WHERE coalesce(s.held, 0) <> p.credits - p.refunded_credits OR s.least < 0
    UNION ALL
    SELECT 'credit_pack_owner', 'ai_credit_purchases ' || p.id,
        'the log says neither that its person bought it nor that it came to them'
    FROM coursebase.ai_credit_purchases p
    WHERE NOT EXISTS (
        SELECT FROM coursebase.credit_log e
        WHERE e.credit_purchase_id = p.id AND e.user_id = p.user_id
            AND e.kind IN ('pack', 'moved_in'))
    UNION ALL
    SELECT 'credit_pack_refund', 'ai_credit_purchases ' || p.id,
        'the refund left credits that are not spent'
    FROM coursebase.ai_credit_purchases p
    JOIN spent s ON s.id = p.id
    JOIN coursebase.ai_usage u ON u.user_id = s.user_id
    WHERE p.refunded_credits < p.claimed_credits
        AND s.held > greatest(u.bank_used_credits - s.before, 0)
$$;
COMMENT ON FUNCTION coursebase.check_allowance() IS
    'Lists what is wrong with accounts of credits, their logs and packs: part of check_integrity(). For the server; reads with the caller''s rights.

check_name: credit_limits (more is used than there was), credit_account (the account is not what its log ends in), credit_bank (the bank is not what its packs hold), credit_log_position, credit_log_time, credit_log_amount (an entry is missing, out of order, or does not lead from the one before), credit_weekly_limit (the limit fell within a week), credit_reservation (an end without an open reservation), credit_pack_logged (the log lacks a sale or refund), credit_pack_held (what people hold of a pack is not what is left of it), credit_pack_owner (a pack belongs to a person to whom it never came), credit_pack_refund (a refund left unspent credits). object: table and key. problem: what is stored and what was found.';
GRANT EXECUTE ON FUNCTION coursebase.check_allowance() TO server;
