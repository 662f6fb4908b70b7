-- The subscription machine, and the question whether somebody has premium.

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
    'Takes one event of a store into the log, and answers what the subscription of the person is now. An event that cannot follow those before it is kept and changes nothing. The same event again (equal in what is read of it) gets the first answer and changes nothing. Events may come in any order: what is stored is always the fold of the log by event_time. For the server; writes with the rights of the tables'' owner.

user_id: whose subscription it is; a closed account may be named, because its store goes on sending events. event: a JSON object of store (google_play, app_store, stripe, amazon, promotional, manual), environment (production, sandbox; a manual event may leave it out), store_event_id, event_type, event_time, and as far as known original_transaction_id, transaction_id, product_id, base_plan_id, offer_id, purchase_token, linked_purchase_token (the purchase token or original transaction of the subscription whose place this one takes), period_start, period_end, grace_until, auto_renew, is_trial, paid_in_cents (what was paid for the payment), payment_intent_id and charge_id (its other names, by which refunds find it), and of a refund refund_ref (the provider''s id), refunded_in_cents and refund_kind (refund; total: the sum of a charge''s refunds; dispute). Times are ISO 8601 with a zone, or milliseconds since 1970, from 2008 to 2100 (an end may be later: it never comes). Names of stores and environments and flags are read in any usual spelling (PLAY_STORE, Production, 1). event_type is canonical (created, renewed, ...) or the provider''s own name or number, which is looked up with subtype in subscription_event_mappings under provider (left out: the store); a name that is not there is noted, and refused where it is written as canonical ones are and no provider is named. manual (true; always so for the store manual) refuses an impossible transition instead of keeping it. Other members are kept and not read, but one that is nearly the name of a member which is absent is refused; payload is for what one wants to keep. at: when the event came here; the time that a referrer''s credit counts from. No argument may be NULL.

status: pending, trialing, active, in_grace, on_hold, paused, canceled, expired or revoked. expires_at: end of the paid period; NULL while there was none. applied: whether the event fitted. anomaly: why it did not, impossible_transition, transaction_refunded, earlier_payment (it is about a payment that the line has left behind) or line_replaced (another line has taken the place of this one); NULL if it was applied.

Source: the table of transitions under Subscriptions in the documentation, and what each store says of its notifications.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), KB007 (the account is merging while the one that is kept is closed; call again), KB106 (there is no such user), KB501 (a member of the event is missing or malformed), KB502 (the event came before with other content or for another user, or its line is of another environment), KB503 (the original transaction is another user''s), KB504 (the subscription does not allow the manual event), KB822 (the setting require_signature names the store or the provider, and the caller is not the owner of the tables: take_notification() takes what they sent).';
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
    'Folds all events of a person again and stores what they make, for a release that changed the fold and for tables that were written with the triggers off. For the server; writes with the rights of the tables'' owner.

user_id: the person, not NULL; a closed account may be named.

One row, or none for a person without events. status: the status of the subscription, as in subscriptions. expires_at: end of the paid period; NULL while there was none. changed: whether anything that was stored differed, and was written.

Source: the table of transitions under Subscriptions in the documentation.
Raises: 22004 (user_id is NULL), KB106 (there is no such user).';
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
    'Answers whether a person has premium at a time, by the events that are known now. For end users and the server; reads the person''s lines of subscriptions past row security.

user_id: the person; NULL is the user who asks, and nobody without an account; only an administrator or the server may name another user. at: the time that is asked about, the past and infinity too; NULL is the start of the transaction.

True if one of the person''s lines gave or gives access at that time: within a period that was paid for (from period_start where the store tells it, else from the event) and not given back by then, or within grace. What happened later changes nothing of an earlier time: a refund and an end act from their own time on, and a payment counts for its period even if it was told late. For the present that is: the status gives access (trialing, active, on_hold, paused and canceled to the end of the paid period; in_grace, and canceled in grace, to the end of the grace period where that is later) and the end is after that time. A line of a sandbox counts only while the setting accept_sandbox is on, or sandbox_testers names the person.

Source: what each status gives, under Subscriptions in the documentation.
Raises: 42501 (user_id is another user).';
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
    'Lists the rules of has_premium(), one row each, in the order in which they are asked: there is premium if all pass. For end users and the server.

user_id, at: as for has_premium(). rule: subscription, environment, status or time. passed: whether the rule is met. reason: NULL if passed, else no_subscription, sandbox, status_gives_no_access, not_begun or ended. detail: what was found, in words; the status is that after the events until then; the time of an end is in the session''s time zone.

Source: as for has_premium().
Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.explain_premium(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.has_entitlement(
    name text,
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
AS 'MODULE_PATHNAME', 'coursebase_has_entitlement';
COMMENT ON FUNCTION coursebase.has_entitlement(text, uuid, timestamptz) IS
    'Answers whether a person holds an entitlement at a time: what has_premium() answers of the one named premium. For end users and the server; reads the person''s lines of subscriptions past row security.

name: the entitlement, a row of entitlements; not NULL. user_id, at: as for has_premium().

True if one of the person''s lines gave or gives access at that time, as for has_premium(), and its product at that time gives the entitlement: by store_product_entitlements as it is now, where it says nothing of a product the product gives premium. Several may be held at once.

Source: plans and what they give are rows.
Raises: 22004 (name is NULL), 42501 (user_id is another user), KB506 (there is no such entitlement).';
GRANT EXECUTE ON FUNCTION coursebase.has_entitlement(text, uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.explain_entitlement(
    name text,
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
AS 'MODULE_PATHNAME', 'coursebase_explain_entitlement';
COMMENT ON FUNCTION coursebase.explain_entitlement(text, uuid, timestamptz) IS
    'Lists the rules of has_entitlement(), one row each, in the order in which they are asked: the entitlement is held if all pass. For end users and the server.

name, user_id, at: as for has_entitlement(). rule, passed, reason, detail: as for explain_premium(); only lines are looked at whose product gives the entitlement, and the reason is other_product where there are others.

Source: as for has_entitlement().
Raises: 22004 (name is NULL), 42501 (user_id is another user), KB506 (there is no such entitlement).';
GRANT EXECUTE ON FUNCTION coursebase.explain_entitlement(text, uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.tg_entitlements__changed()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_entitlements__changed';
COMMENT ON FUNCTION coursebase.tg_entitlements__changed() IS
    'AFTER INSERT OR UPDATE OR DELETE: records in audit_events who changed what an entitlement gives, and tells every session to read it anew. Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_store_product_entitlements__changed()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_store_product_entitlements__changed';
COMMENT ON FUNCTION coursebase.tg_store_product_entitlements__changed() IS
    'AFTER INSERT OR UPDATE OR DELETE: records in audit_events who changed what a product gives, and tells every session to read it anew. Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.is_trial_eligible(user_id uuid, product_id text)
RETURNS boolean
LANGUAGE sql
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coursebase.has_account(is_trial_eligible.user_id)
        AND is_trial_eligible.product_id IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM coursebase.subscription_events e
            WHERE e.user_id = is_trial_eligible.user_id AND e.environment = 'production'
                AND e.store NOT IN ('manual', 'promotional')
                AND e.event_type IN ('created', 'renewed', 'recovered')
                AND e.period_end > e.event_time
                AND (lower(e.product_id COLLATE "C")
                        = lower(is_trial_eligible.product_id COLLATE "C")
                    OR EXISTS (
                        SELECT FROM coursebase.settings s,
                            regexp_split_to_table(coalesce(s.value, s.default_value),
                                '[[:space:],]+') AS p (prefix)
                        WHERE s.name = 'store_product_prefixes'
                            AND lower(e.product_id COLLATE "C")
                                = lower((p.prefix || is_trial_eligible.product_id) COLLATE "C"))))
$$;
COMMENT ON FUNCTION coursebase.is_trial_eligible(uuid, text) IS
    'Answers whether a person may have a trial of a product: the account is open, and no period of it, on trial or paid, was ever begun, also when it was refunded. What a sandbox sold and what was given away does not count. For the server; reads with the caller''s rights.

user_id: the person. product_id: the product, as store_products has it. NULL for either answers false.

Source: the stores'' rule that an introductory offer is had once.';
GRANT EXECUTE ON FUNCTION coursebase.is_trial_eligible(uuid, text) TO server;

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
    'Lists the events of one person with what each did, by line in the order of the fold: what the view subscription_history shows. For end users and the server; reads the log past row security and folds it at each call.

user_id: the person; NULL is the user who asks, and no rows without an account; only an administrator or the server may name another user.

event_id: key of the event. event_type: its canonical type. store, environment: where it comes from. event_time: when it happened, by the store''s clock. received_at: when it came here. status_before, status_after: the status of its line around it. expires_at: end of the line''s paid period after it, or NULL. anomaly: why it did nothing, impossible_transition, transaction_refunded, earlier_payment or line_replaced; NULL for an event that fits.

Source: the table of transitions under Subscriptions in the documentation.
Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.subscription_steps(uuid) TO end_user, server;

CREATE FUNCTION coursebase.tg_any__machine_only()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_any__machine_only';
COMMENT ON FUNCTION coursebase.tg_any__machine_only() IS
    'BEFORE a change: refuses (KB505) every statement that is not one of the subscription machine, so that the tables stay the fold of the log.';
