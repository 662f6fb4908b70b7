-- Promise: my_courses() lists exactly what a person may use at a time, of every source once, with what lasts longest as its
-- source, since when, until when and how far; for oneself, an administrator and the server.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
SET LOCAL timezone = 'UTC';
DELETE FROM coursebase.courses;
\set ada '''00000000-0000-4000-8000-00000000ed00'''
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    (:ada, 'mine_ada', 'Ada', 'ada@example.org', 'user'), ('00000000-0000-4000-8000-00000000ed01', 'mine_eve', 'Eve', 'eve@example.org', 'admin'),
    ('00000000-0000-4000-8000-00000000ed02', 'mine_bob', 'Bob', 'bob@example.org', 'user');
INSERT INTO coursebase.courses (id, course_code, title, description, is_free, in_premium)
SELECT ('00000000-0000-4000-8000-00000000edc' || n)::uuid, 'C0' || n || 'MIN', (ARRAY['Free', 'Bought', 'Granted', 'Store', 'Slot', 'Nothing', 'Both'])[n + 1], '', n = 0, n = 4 FROM generate_series(0, 6) n;
INSERT INTO coursebase.course_sections (id, course_id, name, status) VALUES ('00000000-0000-4000-8000-00000000edd1', '00000000-0000-4000-8000-00000000edc1', 's', 'public');
INSERT INTO coursebase.lessons (id, section_id, name, status)
SELECT ('00000000-0000-4000-8000-00000000ede' || n)::uuid, '00000000-0000-4000-8000-00000000edd1', 'l', (ARRAY['public', 'preview', 'public', 'private'])[n]::coursebase.lesson_status FROM generate_series(1, 4) n;
SELECT coursebase.save_product(NULL, 'Ninety days', '', '/b.png', 49, 'public', ARRAY['00000000-0000-4000-8000-00000000edc1', '00000000-0000-4000-8000-00000000edc6']::uuid[], 90) AS product \gset
SELECT status FROM coursebase.complete_purchase(:ada, :'product', 'cs_mine', 100, 'paid', '2026-03-01 12:00+00');
INSERT INTO coursebase.course_grants (user_id, course_id, created_at, expires_at) VALUES (:ada, '00000000-0000-4000-8000-00000000edc2', '2026-02-01', '2026-12-01');
INSERT INTO coursebase.course_purchases (user_id, course_id, source, environment, status, product_id, purchase_id, purchase_token, purchased_at, validated_at)
VALUES (:ada, '00000000-0000-4000-8000-00000000edc3', 'app_store', 'production', 'valid', 'p', 'mine 1', 't', '2026-01-05', '2026-01-05'),
    (:ada, '00000000-0000-4000-8000-00000000edc6', 'google_play', 'production', 'valid', 'p', 'mine 2', 't', '2026-04-05', '2026-04-05'),
    (:ada, '00000000-0000-4000-8000-00000000edc5', 'google_play', 'sandbox', 'valid', 'p', 'mine 3', 't', '2026-04-05', '2026-04-05');
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.subscription_lines (store, original_transaction_id, user_id, environment, status, expires_at, auto_renew,
    before_status, before_auto_renew, last_event_time, last_event_type, last_store_event_id, access_from, access_until)
VALUES ('app_store', 'mine', :ada, 'production', 'active', '2026-06-01', true, 'pending', false, '2026-01-01', 'created', 'e',
    '2026-01-01', '2026-06-01');
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, purchased_at, validated_at) VALUES (:ada, '00000000-0000-4000-8000-00000000edc4', 'premium_slot', 'valid', '2026-05-05', '2026-05-05');
RESET session_replication_role;
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) VALUES (:ada, '00000000-0000-4000-8000-00000000ede1');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data, created_at)
SELECT ('00000000-0000-4000-8000-00000000edf' || n)::uuid, :ada, 'X01AAA', 'Custom ' || n, '', '{}', '2026-03-03' FROM generate_series(1, 2) n;
INSERT INTO coursebase.custom_course_purchases (course_id, purchase_id, purchase_token, source, environment, status, created_at)
VALUES ('00000000-0000-4000-8000-00000000edf1', 'mine x', 't', 'app_store', 'production', 'active', '2026-03-04'), ('00000000-0000-4000-8000-00000000edf2', 'mine y', 't', 'app_store', 'production', 'refunded', '2026-03-04');
INSERT INTO coursebase.organizations (id, name, slug, currency, time_zone) VALUES ('00000000-0000-4000-8000-00000000ed0a', 'Gym', 'mine-gym', 'EUR', 'UTC');
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES ('00000000-0000-4000-8000-00000000ed0b', '00000000-0000-4000-8000-00000000ed0a', 'Strong', 'course');
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.course_configs (program_id, organization_id, duration_days, status, published_at) VALUES ('00000000-0000-4000-8000-00000000ed0b', '00000000-0000-4000-8000-00000000ed0a', 3, 'published', '2026-03-01');
INSERT INTO coursebase.course_workouts (id, program_id, organization_id, day_offset, sort_order, is_rest, workout_id)
SELECT ('00000000-0000-4000-8000-00000000ed1' || n)::uuid, '00000000-0000-4000-8000-00000000ed0b', '00000000-0000-4000-8000-00000000ed0a', n, 0, n = 2, CASE WHEN n < 2 THEN '00000000-0000-4000-8000-00000000ed1a'::uuid END FROM generate_series(0, 2) n;
INSERT INTO coursebase.course_entitlements (user_id, program_id, organization_id, status, created_at) VALUES (:ada, '00000000-0000-4000-8000-00000000ed0b', '00000000-0000-4000-8000-00000000ed0a', 'active', '2026-03-05');
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, program_id) SELECT e.id, '00000000-0000-4000-8000-00000000ed10', e.program_id FROM coursebase.course_entitlements e WHERE e.user_id = :ada;
RESET session_replication_role;
SELECT m.kind, m.course_code, m.title, m.source, m.since, m.until, m.lessons, m.completed, m.percent FROM coursebase.my_courses(:ada, '2026-05-10') m;
-- The set is that of accessible_course_ids(), at every time.
SELECT a.at, array_agg(m.id ORDER BY m.id) FILTER (WHERE m.kind = 'course') = coursebase.accessible_course_ids(:ada, a.at) AS same, string_agg(m.title, ', ' ORDER BY m.title) FILTER (WHERE m.kind = 'course')
FROM (VALUES ('2026-05-10'::timestamptz), ('2026-05-30 12:00+00'), ('2026-06-01'), ('2027-01-01')) a (at), coursebase.my_courses(:ada, a.at) m GROUP BY 1 ORDER BY 1;
-- Premium that is every course, and what is both granted for ever and sold.
UPDATE coursebase.entitlements SET covers_every_course = true WHERE name = 'premium';
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, '00000000-0000-4000-8000-00000000edc2');
SELECT m.title, m.source, m.until FROM coursebase.my_courses(:ada, '2026-05-10') m WHERE m.title IN ('Slot', 'Granted') ORDER BY 1;
-- Of two stores, and of two gifts, the one that came first is the source, in whatever order the rows are read.
INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, status, product_id, purchase_id, purchase_token, purchased_at, validated_at)
SELECT :ada, '00000000-0000-4000-8000-00000000edc5', voice, source, 'valid', 'p', 'mine 4', 't', day, day
FROM (VALUES ('male', 'google_play', '2026-04-02'::timestamptz), ('female', 'app_store', '2026-03-02')) p (voice, source, day);
SELECT m.title, m.source, m.since FROM coursebase.my_courses(:ada, '2026-05-10') m WHERE m.title = 'Nothing';
DELETE FROM coursebase.course_purchases WHERE purchase_id = 'mine 4';
INSERT INTO coursebase.course_grants (user_id, course_id, created_at) VALUES (:ada, '00000000-0000-4000-8000-00000000edc5', '2026-04-02');
INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, status, purchased_at, validated_at)
VALUES (:ada, '00000000-0000-4000-8000-00000000edc5', 'male', 'admin', 'valid', '2026-03-02', '2026-03-02');
SELECT m.title, m.source, m.since FROM coursebase.my_courses(:ada, '2026-05-10') m WHERE m.title = 'Nothing';
DELETE FROM coursebase.course_purchases WHERE course_id = '00000000-0000-4000-8000-00000000edc5' AND source = 'admin';
DELETE FROM coursebase.course_grants WHERE course_id = '00000000-0000-4000-8000-00000000edc5' AND user_id = :ada;
-- Everybody asks about themselves; an administrator has every course, and may ask about others.
SELECT set_config('request.jwt.claims', '{"sub": "mine_bob"}', true) IS NOT NULL;
SET LOCAL ROLE regress_end_user;
SELECT m.title, m.source, m.since FROM coursebase.my_courses() m;
SELECT count(*) FROM coursebase.my_courses(:ada);
\echo :LAST_ERROR_SQLSTATE
SELECT set_config('request.jwt.claims', '{"sub": "mine_eve"}', true) IS NOT NULL;
SELECT m.title, m.source FROM coursebase.my_courses() m ORDER BY 1;
SELECT count(*) FROM coursebase.my_courses(:ada, '2026-05-10');
SELECT set_config('request.jwt.claims', '', true) IS NOT NULL;
SELECT count(*) FROM coursebase.my_courses();
RESET ROLE;
SET LOCAL ROLE regress_server;
SELECT count(*) FROM coursebase.my_courses(:ada, '2026-05-10');
SELECT count(*) FROM coursebase.my_courses('00000000-0000-4000-8000-00000000edff');
ROLLBACK;
