-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_events()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'event_claim', format('event_claims %s %s', c.consumer, c.event_id),
        'it is not of the person or place of its event, which would be given again or out of order'
    FROM coursebase.event_claims c
    LEFT JOIN coursebase.access_events e ON e.xid = c.xid AND e.id = c.event_id
    WHERE c.user_id <> e.user_id
        OR (e.id IS NULL AND EXISTS (
            SELECT FROM coursebase.access_events o WHERE o.id = c.event_id))
$$;
COMMENT ON FUNCTION coursebase.check_events() IS
    'Lists claims that are not of the person or place of their event: part of check_integrity(). For the server; reads with the caller''s rights.

check_name: event_claim. object: table and key. problem: what would follow.';
GRANT EXECUTE ON FUNCTION coursebase.check_events() TO server;
