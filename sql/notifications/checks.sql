-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_notifications()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'notification_applied', 'store_notifications ' || n.id,
        'it was applied, and its subscription has no such event'
    FROM coursebase.store_notifications n
    WHERE n.outcome = 'applied' AND n.result ->> 'applied' IS NOT NULL AND NOT EXISTS (
        SELECT FROM coursebase.subscription_events e
        -- whoever has the line by now: it may have been transferred
        WHERE e.environment = n.environment AND e.store_event_id = n.notification_id)
$$;
COMMENT ON FUNCTION coursebase.check_notifications() IS
    'Lists notifications that were applied to a subscription whose log does not hold them: part of check_integrity(). For the server; reads with the caller''s rights.

check_name: notification_applied. object: table and key. problem: what is stored and what was found.';
GRANT EXECUTE ON FUNCTION coursebase.check_notifications() TO server;
