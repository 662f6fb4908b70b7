-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_sales()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH sales AS NOT MATERIALIZED (
        -- behind that time the days of a purchase end behind the last timestamp: as in src/sales/adopt.c
        SELECT s.*, s.created_at > '-infinity' AND s.created_at < '294000-01-01 00:00+00' AS days_count
        FROM coursebase.purchases s
    )
    SELECT 'purchase_refunded', 'purchases ' || s.id,
        format('paid %s, refunded %s, refunded in full %s', s.price_paid_in_cents,
            s.refunded_in_cents, coalesce(s.refunded_at::text, 'never'))
    FROM coursebase.purchases s
    WHERE s.price_paid_in_cents < 0 OR s.refunded_in_cents < 0
        OR s.refunded_in_cents > s.price_paid_in_cents
        OR s.refunded_at IS NOT NULL AND s.refunded_in_cents < s.price_paid_in_cents
        OR s.refunded_at IS NULL AND s.refunded_in_cents = s.price_paid_in_cents
            AND s.price_paid_in_cents > 0
        OR s.refunded_in_part_in_cents NOT BETWEEN 0
            AND CASE WHEN s.refunded_at IS NULL THEN 0 ELSE s.refunded_in_cents END
    UNION ALL
    SELECT 'purchase_refunds', 'purchases ' || s.id,
        format('refunded %s, of which by refunds with an id %s', s.refunded_in_cents,
            sum(r.amount_in_cents))
    FROM coursebase.purchases s
    JOIN coursebase.purchase_refunds r ON r.purchase_id = s.id AND r.reversed_at IS NULL
    GROUP BY s.id
    HAVING sum(r.amount_in_cents) > s.refunded_in_cents
    UNION ALL
    SELECT 'purchase_without_grants', 'purchases ' || s.id,
        'its product has courses, it gave none, and nobody took them away'
    FROM coursebase.purchases s
    WHERE s.refunded_at IS NULL
        AND NOT EXISTS (SELECT FROM coursebase.course_grants g WHERE g.purchase_id = s.id)
        AND NOT EXISTS (
            SELECT FROM coursebase.audit_events e
            WHERE e.object = 'purchases/' || s.id AND e.action = 'course_grant_taken')
        -- nor may purge_logs() have taken that event
        AND NOT EXISTS (
            SELECT FROM coursebase.audit_events p
            WHERE p.object = 'audit_events' AND p.action = 'audit_purged'
                AND p.created_at > s.created_at)
        AND EXISTS (
            SELECT FROM coursebase.course_products l
            WHERE l.product_id = s.product_id AND l.created_at <= s.created_at)
    UNION ALL
    SELECT 'course_grant_end', 'course_grants ' || g.id,
        format('its purchase gives %s days and ends at %s, it ends at %s',
            coalesce(s.access_days::text, 'all'), coalesce(s.access_until::text, 'no time'),
            coalesce(g.expires_at::text, 'no time'))
    FROM coursebase.course_grants g
    JOIN sales s ON s.id = g.purchase_id
    WHERE s.refunded_at IS NULL
        AND (g.expires_at IS NULL <> (s.access_days IS NULL AND s.access_until IS NULL)
            OR g.expires_at > s.access_until
            OR g.expires_at < least(s.access_until,
                CASE WHEN s.days_count
                    THEN s.created_at + s.access_days * interval '24 hours'
                END))
    UNION ALL
    SELECT 'purchase_time', 'purchases ' || s.id,
        format('it gives %s days, which cannot be counted from %s', s.access_days, s.created_at)
    FROM sales s
    WHERE s.access_days IS NOT NULL AND NOT s.days_count
    UNION ALL
    SELECT DISTINCT 'course_grants_may_end', 'courses ' || c.id,
        'a grant of it has an end, and grants_may_end is false'
    FROM coursebase.course_grants g
    JOIN coursebase.courses c ON c.id = g.course_id AND NOT c.grants_may_end
    WHERE g.expires_at IS NOT NULL
    UNION ALL
    SELECT 'purchase_details', 'purchases ' || s.id, 'name, description or imageUrl is no text'
    FROM coursebase.purchases s
    WHERE (jsonb_typeof(s.product_details -> 'name'),
            jsonb_typeof(s.product_details -> 'description'),
            jsonb_typeof(s.product_details -> 'imageUrl'))
        IS DISTINCT FROM ('string', 'string', 'string')
$$;
COMMENT ON FUNCTION coursebase.check_sales() IS
    'Lists rows of this slice that break its rules, for check_integrity(): purchases whose refunded sums and refunded_at contradict what was paid, purchases with less refunded than their recorded refunds add up to, purchases that gave no course of their product, grants whose end is not one that their purchase can have, purchases from whose time their days cannot be counted, courses that hide grants with an end, and purchases without the product as it was sold. No row if all is well. For the server; reads with the caller''s rights.

check_name: purchase_refunded, purchase_refunds, purchase_without_grants, course_grant_end, purchase_time, course_grants_may_end or purchase_details. object: table and key of the row. problem: what is wrong.';
GRANT EXECUTE ON FUNCTION coursebase.check_sales() TO server;
