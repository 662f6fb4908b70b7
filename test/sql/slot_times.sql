-- Promise: of an end user the slots count that the person has now, whatever time the call names: a plan of the past with more slots fills
-- none of them any more. The server, which brings choices along from elsewhere, chooses at the time that it names.
\pset format unaligned
\pset tuples_only on
\set cleo '\'00000000-0000-4000-8000-00000000e801\''
\set past '\'2020-02-01 12:00+00\''
SET client_min_messages = warning;
BEGIN;
\getenv abs_srcdir PG_ABS_SRCDIR
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:cleo, 'times_cleo', 'Cleo', 'cleo@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description, in_premium)
SELECT ('00000000-0000-4000-8000-00000000e81' || n)::uuid, 'C8' || n || 'TIM', 'Course ' || n, '', true FROM generate_series(1, 5) n;
UPDATE coursebase.entitlements SET course_slots = 1 WHERE name = 'premium';
INSERT INTO coursebase.entitlements (name, course_slots) VALUES ('gold', 4);
INSERT INTO coursebase.store_product_entitlements (product_id, entitlement) VALUES ('gold', 'gold'), ('gold', 'premium');
-- Gold until June of 2020, and premium since.
SELECT s.status FROM (VALUES ('gold', '2020-01-01', '2020-06-01'), ('plain', '2020-06-01', '2099-01-01')) AS p (product, begins, ends),
    coursebase.apply_subscription_event(:cleo, json_build_object('store', 'app_store', 'environment', 'production', 'store_event_id', p.product,
        'original_transaction_id', p.product, 'transaction_id', p.product, 'event_type', 'created', 'event_time', p.begins || 'T00:00:00Z',
        'period_end', p.ends || 'T00:00:00Z', 'product_id', p.product), p.begins::timestamptz) s;
\set ON_ERROR_ROLLBACK on

SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "times_cleo"}';
SELECT count(slot_id) FROM coursebase.choose_premium_course(course_id => '00000000-0000-4000-8000-00000000e811', at => :past);
SELECT count(slot_id) FROM coursebase.choose_premium_course(course_id => '00000000-0000-4000-8000-00000000e812', at => :past);
\echo :LAST_ERROR_SQLSTATE
SELECT count(slot_id) FROM coursebase.choose_premium_course(course_id => '00000000-0000-4000-8000-00000000e812');
-- The same choice again answers the first result.
SELECT chosen_at = :past FROM coursebase.choose_premium_course(course_id => '00000000-0000-4000-8000-00000000e811');
SELECT cardinality(coursebase.accessible_course_ids());

SET LOCAL ROLE regress_server;
SELECT count(slot_id) FROM coursebase.choose_premium_course(:cleo, '00000000-0000-4000-8000-00000000e812', at => :past);
SELECT count(slot_id) FROM coursebase.choose_premium_course(:cleo, '00000000-0000-4000-8000-00000000e813');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
