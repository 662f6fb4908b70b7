-- Promise: each of the app's tables is reached by a function that does something (not only by the checks), and is read
-- by the handshake, a view or a policy; logs, which only the server reads, by none of these. What a call touches is
-- what the server counts in its transaction. Policies are tried by contract_matrix, which every table joins by itself.
-- If it fails: f: no function reaches the table any more, or the one that does is not called in this test. Call it here.
-- If it fails: When it is as meant, test/check --accept contract_reach; see doc/contributing.md
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset fieldsep ' | '
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
CREATE TEMP TABLE app (name text PRIMARY KEY);
INSERT INTO app SELECT unnest(ARRAY['users', 'user_profile', 'cohorts', 'user_cohorts', 'courses', 'course_documents', 'store_products',
    'course_purchases', 'custom_courses', 'custom_course_purchases', 'subscriptions', 'subscription_events', 'discount_codes',
    'user_discounts', 'discount_redemptions', 'referral_credits', 'ai_usage', 'ai_credit_purchases', 'master_manifests',
    'manifest_cohorts', 'cached_handshake_responses', 'analytics', 'audio_usage', 'app_logs', 'server_logs']);
CREATE TEMP TABLE reached (name text, call text);

-- Counts of a transaction only grow: what has more of them after a call was touched by it.
CREATE FUNCTION pg_temp.touched() RETURNS TABLE (name name, n bigint) LANGUAGE sql AS $$
    SELECT relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del
    FROM pg_stat_xact_user_tables WHERE schemaname = 'coursebase'
$$;
CREATE FUNCTION pg_temp.try(call text, arguments text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := (SELECT jsonb_object_agg(t.name, t.n) FROM pg_temp.touched() t);
BEGIN
    EXECUTE format('SELECT * FROM coursebase.%I(%s)', call, arguments);
    INSERT INTO reached SELECT t.name, call FROM pg_temp.touched() t
    WHERE t.n > coalesce((before ->> t.name::text)::bigint, 0);
END $$;
\set ada '00000000-0000-4000-a000-00000000000a'
\set bob '00000000-0000-4000-a000-00000000000b'
SELECT pg_temp.try(call, replace(replace(arguments, ':ada', quote_literal(:'ada')), ':bob', quote_literal(:'bob')))
FROM (VALUES
    ('upsert_user', '''reach'', ''Reach'', ''reach@example.org'''),
    ('assign_cohort', ':bob, ''fixture'''),
    ('validate_referral_code', '''UFIXBOB'''),
    ('validate_purchase', ':bob, ''{"product_id": "c02fix", "source": "app_store", "purchase_id": "r1", "purchase_token": "t",
        "transaction_date": "2026-06-01T00:00:00Z", "voice": "male"}'', ''2026-06-01'''),
    ('validate_purchase', ':bob, ''{"product_id": "ai_credits_4000", "source": "app_store", "purchase_id": "r2", "purchase_token": "t",
        "transaction_date": "2026-06-01T00:00:00Z"}'', ''2026-06-01'''),
    ('create_custom_course', ':bob, ''app_store'', ''production'', ''r3'', ''t'''),
    ('apply_subscription_event', ':ada, ''{"store": "stripe", "environment": "production", "store_event_id": "r4", "original_transaction_id": "r4",
        "event_type": "created", "event_time": "2026-05-01T00:00:00Z", "period_end": "2026-07-01T00:00:00Z"}'''),
    ('assign_discounts', ':ada'),
    ('validate_discount', ':ada, ''FIXTURE'', ''course'', 100, ''EUR'''),
    ('consume_credits', ':ada, 1, ''r5'', ''2026-06-01'''),
    ('handshake', ':ada, ''{"device_id": "d", "analytics": {"voice": "v", "audio_usage": {"1": {"title": "t", "no_of_plays": 3}}},
        "purchases": ["r1"]}'', ''2026-06-02'''),
    ('log_app', '''error'', ''reach'''),
    ('log_server', '''reach'', ''info'', ''reach'''),
    ('has_course_access_by_code', '''C02FIX'', :ada')
) c (call, arguments) \g /dev/null

-- A redemption needs a code that may be used.
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('REACH', 'course', 10);
SELECT pg_temp.try('redeem_discount', quote_literal(:'ada') || ', ''REACH'', ''course'', 100, ''EUR'', ''r6''') \g /dev/null
SELECT a.name,
    EXISTS (SELECT FROM reached r WHERE r.name = a.name) AS by_a_function,
    EXISTS (SELECT FROM reached r WHERE r.name = a.name AND r.call = 'handshake') AS by_the_handshake,
    (SELECT string_agg(DISTINCT v.relname::text, ', ' ORDER BY v.relname::text) FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid
        JOIN pg_class v ON v.oid = w.ev_class AND v.relkind = 'v'
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = ('coursebase.' || a.name)::regclass AND d.refclassid = 'pg_class'::regclass) AS by_views,
    (SELECT string_agg(p.polname, ', ' ORDER BY p.polname) FROM pg_policy p WHERE p.polrelid = ('coursebase.' || a.name)::regclass) AS policies
FROM app a ORDER BY a.name COLLATE "C";
ROLLBACK;
