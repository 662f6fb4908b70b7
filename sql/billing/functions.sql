-- The machine of subscriptions, and the question whether somebody has premium.

CREATE FUNCTION coursebase.apply_subscription_event(
    user_id uuid,
    event json,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (status text, expires_at timestamptz, applied boolean, anomaly text)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_apply_subscription_event';
COMMENT ON FUNCTION coursebase.apply_subscription_event(uuid, json, timestamptz) IS
$$Takes one event of a store into the log and answers what the subscription is now; applied is false, and anomaly says why, for an event that cannot follow those before it: it is kept and changes nothing. The same event again gives the first answer.

event: store (google_play, app_store, stripe, amazon, promotional, manual), environment (production, sandbox; a manual one may leave it out), store_event_id, event_type, event_time, and as far as known original_transaction_id, transaction_id, product_id, base_plan_id, offer_id, purchase_token, period_end, grace_until, auto_renew, is_trial. Times are ISO 8601 with a zone, or milliseconds since 1970. event_type is canonical (created, renewed, ...) or the provider's own name or number, with subtype, looked up in subscription_event_mappings under provider (default: the store); what is not there is noted. Other members are kept and not read.
manual (true; always so for the store manual): an impossible transition is refused (KB504) instead of kept.$$;
GRANT EXECUTE ON FUNCTION coursebase.apply_subscription_event(uuid, json, timestamptz) TO server;

CREATE FUNCTION coursebase.rebuild_subscription(user_id uuid)
RETURNS TABLE (status text, expires_at timestamptz, changed boolean)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_rebuild_subscription';
COMMENT ON FUNCTION coursebase.rebuild_subscription(uuid) IS
    'Folds all events of a person anew and stores what comes out; changed is true when it was not what was stored. No row for somebody without a subscription.';
GRANT EXECUTE ON FUNCTION coursebase.rebuild_subscription(uuid) TO server;

CREATE FUNCTION coursebase.has_premium(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_has_premium';
COMMENT ON FUNCTION coursebase.has_premium(uuid, timestamptz) IS
    'Whether the one who asks, or whom an administrator or the server names, has premium at a time, by what is known now.';
GRANT EXECUTE ON FUNCTION coursebase.has_premium(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.explain_premium(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (rule text, passed boolean, reason text, detail text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_explain_premium';
COMMENT ON FUNCTION coursebase.explain_premium(uuid, timestamptz) IS
    'The rules of has_premium(), one row each: there is a subscription, its environment counts, its status gives access, its time has not come. Premium is when all pass.';
GRANT EXECUTE ON FUNCTION coursebase.explain_premium(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.subscription_steps(user_id uuid DEFAULT NULL)
RETURNS TABLE (
    event_id uuid,
    event_type text,
    store text,
    environment text,
    event_time timestamptz,
    received_at timestamptz,
    status_before text,
    status_after text,
    expires_at timestamptz,
    anomaly text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_subscription_steps';
COMMENT ON FUNCTION coursebase.subscription_steps(uuid) IS
    'What the view subscription_history shows of one person: oneself, or whom an administrator or the server names.';
GRANT EXECUTE ON FUNCTION coursebase.subscription_steps(uuid) TO end_user, server;

CREATE FUNCTION coursebase.tg_any__machine_only()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_any__machine_only';
COMMENT ON FUNCTION coursebase.tg_any__machine_only() IS
    'BEFORE a change: refuses (KB505) what does not come from the machine of subscriptions; a foreign key''s action passes.';
