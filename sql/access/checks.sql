-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_access()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH given AS (
        SELECT g.user_id, g.course_id
        FROM coursebase.course_grants g
        LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id
        WHERE g.purchase_id IS NULL OR s.refunded_at IS NULL AND s.id IS NOT NULL
    ), slots AS (
        SELECT p.*
        FROM coursebase.course_purchases p
        WHERE p.source = 'premium_slot' AND p.status IN ('pending', 'valid')
    ), allowed AS (
        -- a limit that was lowered takes no slot away: what counts is the highest that ever was
        SELECT max(v.value::bigint) AS most, bool_or(v.value::bigint = -1) AS unlimited
        FROM (
            SELECT s.value FROM coursebase.settings s WHERE s.name = 'premium_slots'
            UNION ALL
            SELECT s.default_value FROM coursebase.settings s WHERE s.name = 'premium_slots'
            UNION ALL
            SELECT e.new ->> 'value'
            FROM coursebase.audit_events e
            WHERE e.action = 'setting_changed' AND e.object = 'settings/premium_slots'
        ) v
    ), receipts AS (
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
    SELECT 'course_access', format('user_course_access %s %s', a.user_id, a.course_id),
        'no grant that counts gives it'
    FROM coursebase.user_course_access a
    WHERE NOT EXISTS (
        SELECT FROM given g WHERE g.user_id = a.user_id AND g.course_id = a.course_id)
    UNION ALL
    SELECT DISTINCT 'course_access', format('user_course_access %s %s', g.user_id, g.course_id),
        'a grant gives it, and it is not there'
    FROM given g
    WHERE NOT EXISTS (
        SELECT FROM coursebase.user_course_access a
        WHERE a.user_id = g.user_id AND a.course_id = g.course_id)
    UNION ALL
    SELECT 'course_grant_buyer', 'course_grants ' || g.id, 'the purchase is somebody else''s'
    FROM coursebase.course_grants g
    JOIN coursebase.purchases s ON s.id = g.purchase_id
    WHERE s.user_id <> g.user_id
    UNION ALL
    SELECT 'slot_limit', 'users ' || l.user_id,
        format('%s courses fill slots, there were never more than %s', l.courses, a.most)
    FROM (SELECT p.user_id, count(DISTINCT p.course_id) AS courses FROM slots p GROUP BY 1) l
    JOIN allowed a ON l.courses > a.most AND NOT a.unlimited
    UNION ALL
    SELECT 'slot_twice', format('users %s', p.user_id),
        format('%s slots hold course %s in one voice', count(*), p.course_id)
    FROM slots p
    GROUP BY p.user_id, p.course_id, p.voice
    HAVING count(*) > 1
    UNION ALL
    SELECT 'slot_sold', 'course_purchases ' || p.id, 'a premium slot with what only a sale has'
    FROM slots p
    WHERE p.status = 'pending' OR p.environment <> 'production' OR p.acknowledged_at IS NOT NULL
        OR num_nonnulls(p.product_id, p.purchase_id, p.purchase_token) > 0
    UNION ALL
    SELECT 'slot_without_premium', 'course_purchases ' || p.id,
        'a premium slot of somebody who never had a subscription'
    FROM slots p
    WHERE NOT EXISTS (
        SELECT FROM coursebase.subscriptions s WHERE s.user_id = p.user_id)
    UNION ALL
    SELECT 'receipt_gave_its_right', r.name, 'what it is for was not given, or to somebody else'
    FROM receipts r
    WHERE r.status = 'valid' AND r.receiver_id IS DISTINCT FROM r.user_id
    UNION ALL
    SELECT 'receipt_gave_nothing', r.name, format('it is %s, and gives its right', r.status)
    FROM receipts r
    WHERE r.status <> 'valid'
        AND (r.course_status = 'valid' OR r.pack_status = 'valid' OR r.custom_status = 'active'
            OR (r.kind = 'subscription' AND r.has_event AND NOT r.anomalous AND NOT r.has_refund))
    UNION ALL
    SELECT 'receipt_of_one_kind', r.name, 'it is in the tables of several kinds'
    FROM receipts r
    WHERE r.kinds > 1
    UNION ALL
    SELECT 'receipt_duplicate', r.name, 'it was paid for, and no other purchase gives the course'
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
        ON d.user_id = r.user_id AND d.order_ref = r.discount_order_ref
    WHERE r.discount_order_ref IS NOT NULL AND r.status <> 'sandbox'
        AND (d.id IS NULL OR (r.status = 'refunded') <> (d.reversed_at IS NOT NULL))
    UNION ALL
    SELECT 'course_purchase_live', format('course_purchases %s %s', c.user_id, c.course_id),
        format('%s live purchases of one voice', count(*))
    FROM coursebase.course_purchases c
    WHERE c.status IN ('pending', 'valid') AND c.source <> 'premium_slot'
    GROUP BY c.user_id, c.course_id, c.voice
    HAVING count(*) > 1
$$;
COMMENT ON FUNCTION coursebase.check_access() IS
    'Courses that a person may use without a grant that counts, or may not with one, grants by another''s purchase, and premium slots that nobody could have filled; receipts of stores that did not give what they are for, or gave what they must not; duplicates of nothing; discounts of purchases that are not as the purchase is; courses that are owned twice in one voice.';
REVOKE ALL ON FUNCTION coursebase.check_access() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.check_access() TO server;
