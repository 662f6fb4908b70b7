-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.compare_subscription(user_id uuid)
RETURNS TABLE (object text, problem text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_compare_subscription';
COMMENT ON FUNCTION coursebase.compare_subscription(uuid) IS
    'Lists where the stored lines and the row of subscriptions of one person are not the fold of the person''s events; rebuild_subscription() mends it. For the server, as a part of check_billing().

user_id: the person; NULL answers no rows. object: the line or subscription that differs. problem: how it differs.';
GRANT EXECUTE ON FUNCTION coursebase.compare_subscription(uuid) TO server;

CREATE FUNCTION coursebase.folded_lines()
RETURNS TABLE (
    user_id uuid,
    store text,
    original_transaction_id text,
    environment text,
    status text,
    expires_at timestamptz,
    grace_until timestamptz,
    auto_renew boolean,
    before_status text,
    before_expires_at timestamptz,
    before_grace_until timestamptz,
    before_auto_renew boolean,
    first_premium_at timestamptz,
    transaction_id text,
    product_id text,
    base_plan_id text,
    offer_id text,
    purchase_token text,
    last_event_time timestamptz,
    last_event_type text,
    last_store_event_id text,
    access_from timestamptz,
    access_until timestamptz,
    replaced_at timestamptz,
    plan text,
    is_shown boolean
)
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_folded_lines';
COMMENT ON FUNCTION coursebase.folded_lines() IS
    'The lines of everybody''s subscriptions as the fold of their events makes them, whatever is stored: adopt() stores them. For the server; reads with the caller''s rights.

The columns are those of subscription_lines, with the user''s id as the original transaction where the store names none. plan: what the line would make of subscriptions.plan. is_shown: whether it is the line that stands for the person.';
GRANT EXECUTE ON FUNCTION coursebase.folded_lines() TO server;

CREATE FUNCTION coursebase.check_billing()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'subscription_fold', c.object, c.problem
    FROM (
        SELECT e.user_id FROM coursebase.subscription_events e
        UNION
        SELECT l.user_id FROM coursebase.subscription_lines l
        UNION
        SELECT s.user_id FROM coursebase.subscriptions s
    ) u
    CROSS JOIN LATERAL coursebase.compare_subscription(u.user_id) c
    UNION ALL
    SELECT 'event_user', 'subscription_events ' || e.id,
        'its subscription is another user''s'
    FROM coursebase.subscription_events e
    JOIN coursebase.subscriptions s ON s.id = e.subscription_id
    WHERE s.user_id <> e.user_id
    UNION ALL
    SELECT 'event_line', 'subscription_events ' || e.id,
        'its line is another user''s, or of another environment'
    FROM coursebase.subscription_events e
    JOIN coursebase.subscription_lines l ON l.store = e.store
        AND l.original_transaction_id = coalesce(e.original_transaction_id, e.user_id::text)
    WHERE l.user_id <> e.user_id OR l.environment <> e.environment
    UNION ALL
    SELECT 'event_payload', 'subscription_events ' || e.id,
        'its columns differ from its payload'
    FROM coursebase.subscription_events e
    WHERE e.payload ->> 'store' IS DISTINCT FROM e.store
        OR e.payload ->> 'store_event_id' IS DISTINCT FROM e.store_event_id
        OR e.payload ->> 'original_transaction_id' IS DISTINCT FROM e.original_transaction_id
        OR e.payload ->> 'transaction_id' IS DISTINCT FROM e.transaction_id
        OR e.payload ->> 'product_id' IS DISTINCT FROM e.product_id
        OR e.payload ->> 'linked_purchase_token' IS DISTINCT FROM e.linked_purchase_token
$$;
COMMENT ON FUNCTION coursebase.check_billing() IS
    'Lists subscriptions and lines that are not the fold of their events, and events whose user, line or columns differ from what the store said. For the server, as a part of check_integrity().

check_name: subscription_fold, event_user, event_line or event_payload. object: the row. problem: what is wrong with it.';
GRANT EXECUTE ON FUNCTION coursebase.check_billing() TO server;
