-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_commerce()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE counts AS (
        SELECT c.id, c.code, c.redeemed_count, c.max_redemptions,
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
        format('counted %s, places taken %s', n.redeemed_count + n.shard_count, n.places)
    FROM counts n
    WHERE n.redeemed_count + n.shard_count <> n.places
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
        AND (n.redeemed_count > 0 OR n.shard_limit IS DISTINCT FROM n.max_redemptions)
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
    WHERE p.referred_by IS DISTINCT FROM c.user_id
    UNION ALL
    SELECT 'purchase_refunded', 'purchases ' || s.id,
        format('paid %s, refunded %s, refunded in full %s', s.price_paid_in_cents,
            s.refunded_in_cents, coalesce(s.refunded_at::text, 'never'))
    FROM coursebase.purchases s
    WHERE s.price_paid_in_cents < 0 OR s.refunded_in_cents < 0
        OR s.refunded_in_cents > s.price_paid_in_cents
        OR s.refunded_at IS NOT NULL AND s.refunded_in_cents < s.price_paid_in_cents
        OR s.refunded_at IS NULL AND s.refunded_in_cents = s.price_paid_in_cents
            AND s.price_paid_in_cents > 0
    UNION ALL
    SELECT 'purchase_refunds', 'purchases ' || s.id,
        format('refunded %s, of which by refunds with an id %s', s.refunded_in_cents,
            sum(r.amount_in_cents))
    FROM coursebase.purchases s
    JOIN coursebase.purchase_refunds r ON r.purchase_id = s.id
    GROUP BY s.id
    HAVING sum(r.amount_in_cents) > s.refunded_in_cents
    UNION ALL
    SELECT 'purchase_details', 'purchases ' || s.id, 'name, description or imageUrl is no text'
    FROM coursebase.purchases s
    WHERE (jsonb_typeof(s.product_details -> 'name'),
            jsonb_typeof(s.product_details -> 'description'),
            jsonb_typeof(s.product_details -> 'imageUrl'))
        IS DISTINCT FROM ('string', 'string', 'string')
$$;
COMMENT ON FUNCTION coursebase.check_commerce() IS
    'Counters of discounts that are not the places taken, uses and entries that disagree, codes that follow themselves, referral credits that are not what was earned and spent, and purchases with a refund that cannot be, with less refunded than its refunds say, or without what was sold.';
REVOKE ALL ON FUNCTION coursebase.check_commerce() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.check_commerce() TO server;
