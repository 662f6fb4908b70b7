-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_records()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'setting_audited', 'settings ' || s.name,
        'the value is not the one that was last recorded'
    FROM coursebase.settings s
    LEFT JOIN LATERAL (
        SELECT e.new ->> 'value' AS value, true AS found
        FROM coursebase.audit_events e
        WHERE e.action = 'setting_changed' AND e.object = 'settings/' || s.name
        ORDER BY e.created_at DESC
        LIMIT 1
    ) last ON true
    WHERE s.value IS DISTINCT FROM last.value
        -- what purge_logs() took from the trail is not missed
        AND (last.found OR NOT EXISTS (
            SELECT FROM coursebase.audit_events p
            WHERE p.object = 'audit_events' AND p.action = 'audit_purged'))
        -- in a cell the settings come from home, and the trail stays there
        AND NOT EXISTS (
            SELECT FROM pg_subscription_rel r
            WHERE r.srrelid = to_regclass('coursebase.settings'))
    UNION ALL
    SELECT 'sign_up_once', 'users ' || l.user_id, format('it has %s entries of type sign_up', count(*))
    FROM coursebase.app_logs l
    WHERE l.log_type = 'sign_up' AND l.user_id IS NOT NULL
    GROUP BY l.user_id
    HAVING count(*) > 1
$$;
COMMENT ON FUNCTION coursebase.check_records() IS
    'Lists rows of this slice that break its rules, for check_integrity(): settings whose value is not the one that audit_events recorded last, and users with two entries of type sign_up. No row if all is well. For the server; reads with the caller''s rights.

check_name: setting_audited or sign_up_once. object: table and key of the row. problem: what is wrong.';
GRANT EXECUTE ON FUNCTION coursebase.check_records() TO server;
