-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_discounts()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE counts AS (
        SELECT c.id, c.code, c.redeemed_count, c.moved_uses, c.max_redemptions,
            (SELECT count(*) FROM coursebase.user_discounts d
             WHERE d.discount_code_id = c.id AND d.status IN ('reserved', 'redeemed')) AS places,
            count(s.shard) AS shards, coalesce(sum(s.redeemed_count), 0) AS shard_count,
            sum(s.max_redemptions) AS shard_limit
        FROM coursebase.discount_codes c
        LEFT JOIN coursebase.discount_code_shards s ON s.discount_code_id = c.id
        GROUP BY c.id
    ), above_code (id, above) AS (
        SELECT c.id, c.parent_code_id FROM coursebase.discount_codes c
        WHERE c.parent_code_id IS NOT NULL
        UNION
        SELECT a.id, c.parent_code_id
        FROM above_code a
        JOIN coursebase.discount_codes c ON c.id = a.above
        WHERE c.parent_code_id IS NOT NULL
    )
    SELECT 'discount_count', 'discount_codes ' || n.id,
        format('counted %s, places taken %s', n.redeemed_count + n.shard_count,
            n.places + n.moved_uses)
    FROM counts n
    WHERE n.redeemed_count + n.shard_count <> n.places + n.moved_uses
    UNION ALL
    SELECT 'discount_limit', 'discount_codes ' || n.id,
        format('limit %s, places taken %s', n.max_redemptions, n.places)
    FROM counts n
    WHERE n.places > n.max_redemptions
    UNION ALL
    SELECT 'discount_shards', 'discount_codes ' || n.id,
        format('limit %s, that of the shards %s; count beside the shards %s',
            n.max_redemptions, n.shard_limit, n.redeemed_count)
    FROM counts n
    WHERE n.shards > 0
        AND (n.shard_limit IS DISTINCT FROM n.max_redemptions
            -- a cell had counted before home split the code
            OR n.redeemed_count > 0 AND NOT EXISTS (
                SELECT FROM coursebase.this_cell h WHERE h.number <> h.home))
    UNION ALL
    SELECT 'discount_redeemed', format('user_discounts %s %s', d.user_id, d.discount_code_id),
        'redeemed without a use that stands'
    FROM coursebase.user_discounts d
    WHERE d.status = 'redeemed' AND NOT EXISTS (
        SELECT FROM coursebase.discount_redemptions r
        WHERE r.user_id = d.user_id AND r.discount_code_id = d.discount_code_id
            AND r.order_ref = d.order_ref AND r.reversed_at IS NULL)
    UNION ALL
    SELECT 'discount_redeemed', 'discount_redemptions ' || r.id,
        'a use that stands, and the user''s entry is not that order''s'
    FROM coursebase.discount_redemptions r
    WHERE r.reversed_at IS NULL AND NOT EXISTS (
        SELECT FROM coursebase.user_discounts d
        WHERE d.user_id = r.user_id AND d.discount_code_id = r.discount_code_id
            AND d.order_ref = r.order_ref AND d.status = 'redeemed')
    UNION ALL
    SELECT 'discount_chain', 'discount_codes ' || a.id, 'it follows itself'
    FROM above_code a
    WHERE a.id = a.above
    UNION ALL
    SELECT 'referral_spent', 'referral_credits ' || c.id,
        format('spent_in_cents %s, spendings %s',
            c.spent_in_cents, coalesce(sum(s.amount_in_cents), 0))
    FROM coursebase.referral_credits c
    LEFT JOIN coursebase.referral_spendings s ON s.referral_credit_id = c.id
    GROUP BY c.id
    HAVING c.spent_in_cents <> coalesce(sum(s.amount_in_cents), 0)
    UNION ALL
    SELECT 'referral_owner', format('referral_spendings %s %s', s.order_ref, s.referral_credit_id),
        'spent by another than who earned it, or in another currency'
    FROM coursebase.referral_spendings s
    JOIN coursebase.referral_credits c ON c.id = s.referral_credit_id
    WHERE s.user_id <> c.user_id OR s.currency <> c.currency
    UNION ALL
    SELECT 'referral_earned', 'referral_credits ' || c.id,
        'it is not the referrer''s of the person brought'
    FROM coursebase.referral_credits c
    LEFT JOIN coursebase.user_profile p ON p.user_id = c.referred_user_id
    WHERE c.referred_user_id IS NOT NULL AND p.referred_by IS DISTINCT FROM c.user_id
$$;
COMMENT ON FUNCTION coursebase.check_discounts() IS
    'Lists what is wrong with discounts and referrals: part of check_integrity(). For the server; reads with the caller''s rights.

check_name: discount_count (the counter of a code, with its shards, is not the number of entries that are reserved or redeemed, with those of people who moved between cells), discount_limit (more places are taken than max_redemptions), discount_shards (the limits of the shards do not add up, or the code counts beside them, as it may in a cell that sold it before home split it), discount_redeemed (a use without its entry, or an entry without its use), discount_chain (a code follows itself), referral_spent (what is spent of a credit is not the sum of its spendings), referral_owner (a spending of another person, or in another currency), referral_earned (a credit that is not the recorded referrer''s). object: table and key. problem: what is stored and what was found.';
GRANT EXECUTE ON FUNCTION coursebase.check_discounts() TO server;
