-- Rules that the data of this slice must satisfy even if triggers were off: part of check_integrity().

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
        WHERE g.expires_at IS NULL
            AND (g.purchase_id IS NULL OR s.refunded_at IS NULL AND s.id IS NOT NULL)
    ), slots AS (
        SELECT p.*
        FROM coursebase.course_purchases p
        WHERE p.source = 'premium_slot' AND p.status IN ('pending', 'valid')
    ), allowed AS (
        -- a lower limit takes no slot away, so the highest limit that there ever was counts
        SELECT max(v.slots) AS most, bool_or(v.every_course) AS unlimited
        FROM (
            SELECT e.course_slots AS slots, e.covers_every_course AS every_course
            FROM coursebase.entitlements e
            UNION ALL
            SELECT (w.value ->> 'course_slots')::integer, (w.value ->> 'covers_every_course')::boolean
            FROM coursebase.audit_events e
            CROSS JOIN LATERAL (VALUES (e.old), (e.new)) AS w (value)
            WHERE e.action = 'entitlement_changed' AND w.value IS NOT NULL
            UNION ALL
            -- purge_logs() may have taken the record of a higher limit
            SELECT 0, true
            FROM coursebase.audit_events e
            WHERE e.action = 'audit_purged' AND e.object = 'audit_events'
        ) v
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
        -- who had one may have given it to another account; the trail may have been purged
        AND NOT EXISTS (
            SELECT FROM coursebase.audit_events e
            JOIN coursebase.users u ON u.id::text = e.old ->> 'user_id'
            WHERE e.action = 'subscription_transferred'
                AND coalesce(u.merged_into, u.id) = p.user_id)
        AND NOT EXISTS (
            SELECT FROM coursebase.audit_events e
            WHERE e.action = 'audit_purged' AND e.object = 'audit_events')
    UNION ALL
    SELECT 'course_purchase_live', format('course_purchases %s %s', c.user_id, c.course_id),
        format('%s live purchases of one voice', count(*))
    FROM coursebase.course_purchases c
    WHERE c.status IN ('pending', 'valid') AND c.source <> 'premium_slot'
    GROUP BY c.user_id, c.course_id, c.voice
    HAVING count(*) > 1
$$;
COMMENT ON FUNCTION coursebase.check_access() IS
    'Lists what is wrong with access, grants and premium slots: part of check_integrity(). For the server; reads with the caller''s rights.

check_name: course_access (user_course_access is not what the grants without an end that count give), course_grant_buyer (a grant by another user''s purchase), slot_limit (more courses in slots than any entitlement ever gave), slot_twice (two slots for one course and voice), slot_sold (a slot with what only a sale has), slot_without_premium (a slot of a user who never had a subscription), course_purchase_live (a course owned twice in one voice). object: table and key. problem: what is stored and what was found.';
GRANT EXECUTE ON FUNCTION coursebase.check_access() TO server;
