-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_store()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH receipts AS (
        SELECT r.*, format('store_receipts %s %s %s', r.source, r.environment, r.purchase_id) AS name,
            c.status AS course_status, a.status AS pack_status, m.status AS custom_status,
            e.answered_anomaly IS NOT NULL AS anomalous, e.id IS NOT NULL AS has_event,
            EXISTS (
                SELECT FROM coursebase.subscription_events b
                WHERE b.user_id = r.user_id AND b.store = r.source
                    AND b.environment = r.environment AND b.event_type = 'revoked'
                    AND (b.transaction_id = r.purchase_id OR b.transaction_id IS NULL)
            ) AS has_refund,
            num_nonnulls(c.id, a.id, m.id) AS kinds,
            c.course_id, c.voice AS course_voice,
            CASE r.kind
                WHEN 'course' THEN c.user_id WHEN 'ai_credits' THEN a.user_id
                WHEN 'custom_course' THEN o.user_id ELSE e.user_id END AS receiver_id
        FROM coursebase.store_receipts r
        LEFT JOIN coursebase.course_purchases c ON c.source = r.source
            AND c.environment = r.environment AND c.purchase_id = r.purchase_id
        LEFT JOIN coursebase.ai_credit_purchases a ON a.source = r.source
            AND a.environment = r.environment AND a.purchase_id = r.purchase_id
        LEFT JOIN coursebase.custom_course_purchases m ON m.source = r.source
            AND m.environment = r.environment AND m.purchase_id = r.purchase_id
        LEFT JOIN coursebase.custom_courses o ON o.id = m.course_id
        LEFT JOIN coursebase.subscription_events e ON e.store = r.source
            AND e.environment = r.environment
            AND e.store_event_id = 'receipt:' || r.purchase_id
    )
    SELECT 'receipt_gave_its_right', r.name, 'it is valid, and the product was not given, or to somebody else'
    FROM receipts r
    WHERE r.status = 'valid' AND r.receiver_id IS DISTINCT FROM r.user_id
    UNION ALL
    SELECT 'receipt_refunded', r.name, 'it is valid, and the product was refunded'
    FROM receipts r
    WHERE r.status = 'valid' AND 'refunded' IN (r.course_status, r.pack_status, r.custom_status)
    UNION ALL
    SELECT 'receipt_gave_nothing', r.name, format('it is %s, and the product is given all the same', r.status)
    FROM receipts r
    WHERE r.status <> 'valid'
        AND (r.course_status = 'valid' OR r.pack_status = 'valid' OR r.custom_status = 'active'
            OR (r.kind = 'subscription' AND r.has_event AND NOT r.anomalous AND NOT r.has_refund))
    UNION ALL
    SELECT 'receipt_of_one_kind', r.name, 'it is in the tables of several kinds'
    FROM receipts r
    WHERE r.kinds > 1
    UNION ALL
    SELECT 'receipt_duplicate', r.name, 'it is a duplicate, and no other purchase gives the course'
    FROM receipts r
    WHERE r.status = 'duplicate' AND r.environment = 'production'
        AND NOT EXISTS (
            SELECT FROM coursebase.course_purchases c
            WHERE c.user_id = r.user_id AND c.course_id = r.course_id
                AND c.voice IS NOT DISTINCT FROM r.course_voice AND c.status = 'valid'
                AND c.source <> 'premium_slot')
    UNION ALL
    SELECT 'receipt_discount', r.name,
        CASE WHEN d.id IS NULL THEN 'its discount was not redeemed'
            WHEN r.status = 'refunded' THEN 'its discount was not given back'
            ELSE 'its discount was given back' END
    FROM receipts r
    LEFT JOIN coursebase.discount_redemptions d
        ON d.id = r.discount_redemption_id OR (r.discount_redemption_id IS NULL
            AND d.user_id = r.user_id AND d.order_ref = r.discount_order_ref)
    WHERE r.discount_order_ref IS NOT NULL AND r.status <> 'sandbox'
        AND r.status NOT IN ('pending', 'canceled')
        AND (d.id IS NULL OR (r.status = 'refunded') <> (d.reversed_at IS NOT NULL)
            AND NOT EXISTS (
                -- the use of a discount that a refund gave back stays given back
                SELECT FROM coursebase.store_refunds f
                WHERE f.source = r.source AND f.environment = r.environment
                    AND f.purchase_id = r.purchase_id AND f.reversed_at IS NOT NULL))
$$;
COMMENT ON FUNCTION coursebase.check_store() IS
    'Lists receipts that did not give what they are for, or gave what they must not; receipts that count as duplicates while nothing else gives the course; and discounts that are redeemed or given back other than their receipt says. For the server, as a part of check_integrity().

check_name: receipt_gave_its_right, receipt_refunded (valid, and what it gave was refunded), receipt_gave_nothing, receipt_of_one_kind, receipt_duplicate or receipt_discount. object: the receipt. problem: what is wrong with it.';
GRANT EXECUTE ON FUNCTION coursebase.check_store() TO server;
