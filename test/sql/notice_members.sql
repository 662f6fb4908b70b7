-- Promise: what RevenueCat tells of a store that nothing comes from here, or without a store, is answered and ends no session;
-- a member that is null is as absent, whichever it is and whatever the event is.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
SET LOCAL datestyle = 'ISO';
\i :abs_srcdir/fixtures/helpers/notices.sql
\set ada '''00000000-0000-4000-8000-0000000050a1'''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'members_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-0000000050c1', 'C75MEM', 'Course', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('c75mem', 'course', '00000000-0000-4000-8000-0000000050c1');
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('members.pack', 'ai_credits', 4000), ('members.premium', 'subscription', NULL);
CREATE FUNCTION pg_temp.said(type text, product text, store text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.cat('members', '2026-02-01', type, jsonb_strip_nulls(jsonb_build_object('app_user_id', 'members_ada', 'aliases', '["members_ada"]'::jsonb, 'store', store, 'product_id', product,
        'transaction_id', 'mt-1', 'original_transaction_id', 'mt-1', 'purchased_at_ms', pg_temp.ms('2026-02-01'), 'expiration_at_ms', CASE WHEN product = 'members.premium' THEN pg_temp.ms('2026-03-01') END, 'cancel_reason', 'CUSTOMER_SUPPORT')))::jsonb $$;
-- What it answers, and what it leaves; all of it is taken back.
CREATE FUNCTION pg_temp.took(body jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    SELECT concat_ws(' | ', t.outcome, t.detail, t.result ->> 'status') INTO answer FROM coursebase.take_notification('revenuecat', body::text, NULL, NULL, NULL, '2026-03-01') t;
    answer := concat_ws(' | ', answer, (SELECT string_agg(e.event_type, ',') FROM coursebase.subscription_events e), (SELECT string_agg(r.source || r.status, ',') FROM coursebase.store_receipts r));
    RAISE SQLSTATE 'ZZ000';
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN RETURN answer;
    WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
SELECT s, p, pg_temp.took(pg_temp.said('NON_RENEWING_PURCHASE', p, s)) FROM unnest(ARRAY['PLAY_STORE', 'AMAZON', 'TEST_STORE', 'PADDLE', NULL]) WITH ORDINALITY s (s, n),
    unnest(ARRAY['c75mem', 'members.pack', 'members.premium']) p ORDER BY s.n, p;
-- Each type that is known, each product, each store, without each of its members: calls, and those that null answers otherwise.
CREATE TABLE pg_temp.known AS SELECT pg_temp.said(t, p, s) AS body FROM (SELECT name FROM coursebase.subscription_event_mappings WHERE provider = 'revenuecat' UNION VALUES ('TRANSFER'), ('NEW_TYPE')) t (t),
    unnest(ARRAY['c75mem', 'members.pack', 'members.premium']) p, unnest(ARRAY['PLAY_STORE', 'TEST_STORE']) s;
SELECT count(*) > 900, count(*) FILTER (WHERE pg_temp.took(body #- path) IS DISTINCT FROM pg_temp.took(jsonb_set(body, path, 'null'))),
    count(*) FILTER (WHERE pg_temp.took(body #- path) ~ '^(XX|0A)') FROM pg_temp.known, LATERAL (SELECT ARRAY['event', k] FROM jsonb_object_keys(body -> 'event') k) p (path);
ROLLBACK;
