-- Promise: whatever a client gives as an argument of a function, it is answered or refused in words of ours: no error of
-- a constraint, which shows the row that was to be written, none of a type's input, none of the server's inside, and none
-- whose SQLSTATE the function's COMMENT does not name.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\set SHOW_CONTEXT never
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql

-- What the other arguments are, so that only the one that is tried is refused. NULL: of any function.
CREATE TEMP TABLE usual (function, name, value) AS VALUES
    (NULL, 'user_id', '00000000-0000-4000-a000-00000000000a'), (NULL, 'owner_id', '00000000-0000-4000-a000-00000000000a'),
    (NULL, 'keep', '00000000-0000-4000-a000-00000000000a'), (NULL, 'gone', '00000000-0000-4000-a000-00000000000b'),
    (NULL, 'from_user', '00000000-0000-4000-a000-00000000000a'), (NULL, 'to_user', '00000000-0000-4000-a000-00000000000b'),
    (NULL, 'clerk_user_id', 'fixture_ada'), (NULL, 'organization_id', '00000000-0000-4000-a000-000000000201'),
    (NULL, 'course_id', '00000000-0000-4000-a000-0000000000d1'), (NULL, 'lesson_id', '00000000-0000-4000-a000-0000000000f4'),
    (NULL, 'section_id', '00000000-0000-4000-a000-0000000000f1'), (NULL, 'product_id', '00000000-0000-4000-a000-0000000000e1'),
    (NULL, 'program_id', '00000000-0000-4000-a000-000000000231'), (NULL, 'enrollment_id', '00000000-0000-4000-a000-000000000261'),
    (NULL, 'document_id', '00000000-0000-4000-a000-000000000101'),
    (NULL, 'currency', 'EUR'), (NULL, 'role', 'member'), ('upsert_user', 'role', 'user'), (NULL, 'time_zone', 'UTC'),
    (NULL, 'source', 'app_store'), (NULL, 'store', 'app_store'), (NULL, 'provider', 'stripe'), (NULL, 'environment', 'production'),
    (NULL, 'level', 'info'), (NULL, 'log_type', 'error'), (NULL, 'payment_status', 'paid'), (NULL, 'status', 'private'),
    (NULL, 'ttl', '15 minutes'), (NULL, 'base_in_cents', '100'), (NULL, 'order_ref', 'far'), ('grant_credit_pack', 'currency', NULL), (NULL, 'slug', 'planted'), (NULL, 'timeout', '0'), (NULL, 'lsn', '0/0'), (NULL, 'platform_tier', 'pro'),
    (NULL, 'product_type', 'course'), (NULL, 'code', 'FIXTURE'), (NULL, 'email', 'p@example.org'), (NULL, 'kind', 'institution'),
    (NULL, 'event_type', 'completed'), (NULL, 'signature', NULL), (NULL, 'data', '{}'),
    ('apply_subscription_event', 'event', '{"store": "app_store", "environment": "production", "event_type": "created",
        "event_time": "2026-01-01T12:00:00Z", "original_transaction_id": "far", "store_event_id": "far", "period_end": "2026-07-01T00:00:00Z"}'),
    ('validate_purchase', 'receipt', '{"product_id": "c02fix", "source": "google_play", "purchase_id": "far",
        "purchase_token": "t", "transaction_date": "1767268800000"}');
CREATE TEMP TABLE hostile (category, value) AS
SELECT c, v FROM (VALUES
    ('S', ARRAY[NULL, '', 'moon', repeat('x', 20000)]), ('N', ARRAY[NULL, '-1', '9223372036854775807', 'NaN']),
    ('D', ARRAY[NULL, '-infinity', '294276-12-31']), ('T', ARRAY[NULL, '178000000 years']), ('A', ARRAY[NULL, '{NULL}']),
    ('U', ARRAY[NULL, '[]', '{"product_id": "x", "source": "moon", "purchase_id": "", "purchase_token": 7, "store": "moon",
        "environment": "moon", "transaction_date": "-infinity", "event_time": "294276-12-31", "analytics": 7}'])
) AS h (c, l) CROSS JOIN unnest(l) AS v;

-- Every function that a client may call, once for each argument and hostile value of it that its type takes.
CREATE FUNCTION pg_temp.takes(type regtype, value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT %L::%s', value, type);
    RETURN true;
EXCEPTION WHEN OTHERS THEN RETURN false;
END $$;
CREATE TEMP TABLE arguments AS
SELECT p.oid, p.proname::text AS function, a.name, a.type, a.n, t.typcategory::text AS category, coalesce(
    CASE WHEN o.name IS NOT NULL THEN quote_nullable(o.value) WHEN a.n > p.pronargs - p.pronargdefaults THEN NULL
        WHEN t.typcategory = 'D' THEN quote_literal('2026-01-01 12:00+00') WHEN t.typcategory = 'A' THEN quote_literal('{}')
        WHEN a.type IN ('json'::regtype, 'jsonb'::regtype) THEN quote_literal('{}') WHEN t.typcategory = 'B' THEN 'true'
        WHEN a.type = 'uuid'::regtype THEN quote_literal('00000000-0000-4000-a000-0000000000d1') ELSE quote_literal('1') END
        || '::' || a.type::regtype) AS usual
FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) WITH ORDINALITY AS a (name, type, n)
JOIN pg_type t ON t.oid = a.type
LEFT JOIN LATERAL (SELECT u.name, u.value FROM usual u WHERE u.name = a.name AND coalesce(u.function, p.proname) = p.proname
    AND pg_temp.takes(a.type, u.value) ORDER BY u.function LIMIT 1) o ON true
WHERE p.pronamespace = 'coursebase'::regnamespace AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND p.proname NOT IN ('wait_for');
CREATE TEMP TABLE calls AS
SELECT x.oid, x.function, x.name AS argument, h.value, format('SELECT * FROM coursebase.%I(%s)', x.function,
    (SELECT string_agg(format('%I => %s', a.name, CASE WHEN a.n = x.n THEN quote_nullable(h.value) || '::' || a.type::regtype ELSE a.usual END), ', ' ORDER BY a.n)
     FROM arguments a WHERE a.oid = x.oid AND (a.n = x.n OR a.usual IS NOT NULL))) AS call
FROM arguments x JOIN hostile h ON h.category = x.category AND pg_temp.takes(x.type, h.value);
GRANT SELECT ON calls TO regress_anonymous, regress_end_user, regress_server;
CREATE FUNCTION pg_temp.outcome(call text, function oid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; detail text;
BEGIN
    EXECUTE call;
    RAISE EXCEPTION USING ERRCODE = '00001';
EXCEPTION
    WHEN SQLSTATE '00001' THEN RETURN NULL;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
        RETURN CASE WHEN detail ~ '^Failing row' OR SQLSTATE ~ '^(22P02|XX|P0|42[^5]|53|58)' OR message ~ '^(timestamp|date|interval|integer|bigint|numeric|value ).*out of range'
                OR obj_description(function, 'pg_proc') !~ SQLSTATE
            THEN concat_ws(' ', SQLSTATE, left(message, 120), left(detail, 30)) END;
END $$;
CREATE FUNCTION pg_temp.tried(caller text, claims text) RETURNS TABLE (tried bigint, bad text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', claims, true), set_config('role', caller, true);
    RETURN QUERY WITH o AS MATERIALIZED (SELECT c.*, pg_temp.outcome(c.call, c.oid) AS said FROM calls c WHERE has_function_privilege(c.oid, 'EXECUTE'))
        SELECT count(*), NULL FROM o UNION ALL SELECT count(*), format('%s(%s): %s', function, argument, said) FROM o WHERE said IS NOT NULL
        GROUP BY function, argument, said;
    PERFORM set_config('role', 'none', true);
END $$;
SELECT 'anonymous', tried > 50, bad FROM pg_temp.tried('regress_anonymous', '') ORDER BY bad COLLATE "C" NULLS FIRST;
SELECT 'end user', tried > 50, bad FROM pg_temp.tried('regress_end_user', '{"sub": "fixture_ada"}') ORDER BY bad COLLATE "C" NULLS FIRST;
SELECT 'server', tried > 50, bad FROM pg_temp.tried('regress_server', '') ORDER BY bad COLLATE "C" NULLS FIRST;
ROLLBACK;
