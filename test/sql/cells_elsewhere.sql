-- Promise: whatever is asked of a person who lives in another cell, by any function and any argument that names a person,
-- or by a browser whose token does, is refused with KBC01 and where the person lives: never false, empty or zero. Home, which
-- this is, answers what is about organisations for people of every cell, and nothing else.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\set SHOW_CONTEXT never
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
\set none '''00000000-0000-4000-a000-0000000000ee'''
\set far '''00000000-0000-4000-a000-0000000000fa'''
SELECT coursebase.set_cell(0, 3);
INSERT INTO coursebase.people (user_id, external_id, cell) VALUES (:far, 'far', 2);

-- How a person is named; and what other arguments are to be, so that nothing but the person is refused. NULL: any function.
CREATE TEMP TABLE person_arguments (name, value, nobody) AS VALUES
    ('user_id', :far, :none), ('to_user', :far, :none), ('from_user', :far, :none), ('keep', :far, :none),
    ('gone', :far, :none), ('owner_id', :far, :none), ('clerk_user_id', 'far', 'nobody');
CREATE TEMP TABLE other_arguments (function, name, value) AS VALUES
    (NULL, 'voice', NULL), (NULL, 'role', 'owner'), ('upsert_user', 'role', 'user'), (NULL, 'time_zone', 'UTC'), (NULL, 'source', 'app_store'),
    (NULL, 'environment', 'production'), (NULL, 'store', 'app_store'), (NULL, 'at', '2026-01-01 12:00+00'),
    ('save_product', 'status', 'draft'), ('save_product', 'access_until', NULL), ('wait_for', 'timeout', '0'), (NULL, 'lsn', '0/0'),
    -- rows that are there, whose policies are asked whatever the plan is
    (NULL, 'product_id', '00000000-0000-4000-a000-0000000000e1'), (NULL, 'section_id', '00000000-0000-4000-a000-0000000000f1'),
    ('reorder_lessons', 'ids', '{00000000-0000-4000-a000-0000000000f3}'), (NULL, 'country', 'PT'), ('refund_store_purchase', 'quantity', NULL),
    (NULL, 'keep', '00000000-0000-4000-a000-00000000000b'), (NULL, 'gone', '00000000-0000-4000-a000-00000000000b'),
    (NULL, 'from_user', '00000000-0000-4000-a000-00000000000b'), (NULL, 'to_user', '00000000-0000-4000-a000-00000000000b'),
    (NULL, 'level', 'info'), (NULL, 'log_type', 'error'), (NULL, 'provider', 'stripe'), (NULL, 'signature', NULL),
    (NULL, 'payment_status', 'paid'), (NULL, 'currency', 'usd'), (NULL, 'ttl', '15 minutes'), (NULL, 'slug', 'far'),
    ('has_entitlement', 'name', 'premium'), ('explain_entitlement', 'name', 'premium'),
    ('restore_discount', 'reversed_at', '2026-01-01'), ('redeem_discount', 'paid_at', '2026-01-01'),
    ('create_organization', 'currency', 'USD'), ('grant_credit_pack', 'currency', 'USD'),
    ('apply_subscription_event', 'event', '{"store": "app_store", "environment": "production", "event_type": "DID_RENEW",
        "event_time": "2026-01-01T12:00:00Z", "original_transaction_id": "far", "store_event_id": "far"}'),
    ('validate_purchase', 'receipt', '{"product_id": "c02fix_x2", "source": "google_play", "purchase_id": "far",
        "purchase_token": "t", "transaction_date": "1767268800000"}'),
    ('take_notification', 'provider', 'revenuecat'),
    ('receive_referral', 'currency', 'USD'), ('receive_referral', 'earned_at', '2026-01-01'), ('receive_referral', 'available_at', '2026-01-01'),
    ('receive_referral', 'expires_at', NULL), ('receive_referral', 'revoked_at', NULL),
    ('take_notification', 'body', '{"api_version": "1.0", "event": {"id": "far", "type": "TEST", "app_user_id": "nobody",
        "event_timestamp_ms": 1767225600000, "environment": "PRODUCTION"}}');

-- Every function, once for each argument of it that names a person: %1$L is the person.
CREATE TEMP TABLE calls AS
SELECT p.oid, p.proname AS function, w.name AS argument, w.value, w.nobody,
    format('SELECT * FROM coursebase.%I(%s)', p.proname, string_agg(format('%I => %s', a.name,
        CASE WHEN a.name = w.name THEN '%1$L'
            WHEN o.name IS NOT NULL THEN quote_nullable(o.value)
            WHEN a.type = 'uuid'::regtype THEN quote_literal('00000000-0000-4000-a000-0000000000d1')
            WHEN a.type IN ('json'::regtype, 'jsonb'::regtype) THEN quote_literal('{}')
            WHEN a.type = 'boolean'::regtype THEN 'true'
            WHEN a.type::regtype::text LIKE '%[]' THEN quote_literal('{}')
            ELSE quote_literal('1') END || '::' || a.type::regtype), ', ' ORDER BY a.n) FILTER (WHERE a.n IS NOT NULL)) AS call
FROM pg_proc p
LEFT JOIN person_arguments w ON w.name = ANY (p.proargnames[1:p.pronargs])
LEFT JOIN LATERAL unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) WITH ORDINALITY AS a (name, type, n) ON true
LEFT JOIN LATERAL (
    SELECT o.name, o.value FROM other_arguments o
    WHERE o.name = a.name AND coalesce(o.function, p.proname) = p.proname ORDER BY o.function LIMIT 1) o ON true
WHERE p.pronamespace = 'coursebase'::regnamespace
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
GROUP BY p.oid, p.proname, w.name, w.value, w.nobody;

-- What a call comes to, without its effects.
CREATE FUNCTION pg_temp.outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE call;
    RAISE EXCEPTION USING ERRCODE = '00001';
EXCEPTION
    WHEN SQLSTATE '00001' THEN RETURN 'answered';
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        RETURN SQLSTATE || ' ' || detail;
END $$;
SELECT count(*) > 180, count(argument) > 80 FROM calls;
SELECT function, argument, pg_temp.outcome(format(call, value)) AS outcome FROM calls
WHERE argument IS NOT NULL
    AND pg_temp.outcome(format(call, value)) NOT LIKE 'KBC01 %has user 00000000-0000-4000-a000-0000000000fa in cell 2.'
ORDER BY 1, 2;
-- Of one whom nobody knows none of them says so.
SELECT function, argument FROM calls WHERE argument IS NOT NULL AND pg_temp.outcome(format(call, nobody)) LIKE 'KBC01%';
-- Nor a notification whose content names somebody of another cell: by either name, and whatever the caller says.
SELECT pg_temp.outcome(format('SELECT * FROM coursebase.take_notification(%L, %L, user_id => %L)', 'revenuecat',
    '{"api_version": "1.0", "event": {"id": "far", "type": "INITIAL_PURCHASE", "app_user_id": "' || name || '", "store": "APP_STORE",
    "product_id": "c02fix_x2", "transaction_id": "far", "original_transaction_id": "far", "purchased_at_ms": 1767225600000,
    "event_timestamp_ms": 1767225600000, "environment": "PRODUCTION"}}', caller))
FROM (VALUES ('far', NULL), (:far, NULL), ('far', '00000000-0000-4000-a000-00000000000b'), ('nobody', NULL)) AS n (name, caller);
SELECT count(*) FROM coursebase.store_notifications WHERE notification_id = 'far';
-- Arguments that are ids of something else: whoever adds one decides which it is.
SELECT string_agg(DISTINCT a.name, ' ' ORDER BY a.name) FROM pg_proc p
CROSS JOIN LATERAL unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) AS a (name, type)
WHERE p.pronamespace = 'coursebase'::regnamespace AND a.type = 'uuid'::regtype
    AND a.name NOT IN (SELECT w.name FROM person_arguments w);

-- A browser: what it may call about itself, without naming anybody, and each table that it may read.
GRANT SELECT ON calls TO regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "far"}';
SET LOCAL ROLE regress_end_user;
-- (Of country_price() alone the plan decides whether it reads the product, whose policy refuses.)
SELECT function, pg_temp.outcome(format(call, NULL)) FROM calls
WHERE has_function_privilege(oid, 'EXECUTE') AND function <> 'country_price'
    AND pg_temp.outcome(format(call, NULL)) NOT LIKE 'KBC01%' ORDER BY 1;
SELECT c.relname, pg_temp.outcome(format('SELECT * FROM coursebase.%I', c.relname)) FROM pg_class c
WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'v', 'p') AND has_any_column_privilege(c.oid, 'SELECT')
    AND pg_temp.outcome(format('SELECT * FROM coursebase.%I', c.relname)) NOT LIKE 'KBC01%' ORDER BY 1;
ROLLBACK;
