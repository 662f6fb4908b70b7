-- Promise: each change of who may use which course is told once, whatever the way, with its end over all sources; a
-- second source and the loss of one of two tell nothing; nothing is told while the setting events_out is off.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-00000000e1a1\''
\set bob '\'00000000-0000-4000-8000-00000000e1b1\''
\set one '\'00000000-0000-4000-8000-00000000e111\''
\set two '\'00000000-0000-4000-8000-00000000e122\''
\set free '\'00000000-0000-4000-8000-00000000e133\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:ada, 'events_ada', 'Ada', 'ada@example.org'), (:bob, 'events_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description, is_free) VALUES
    (:one, 'C11EVT', 'One', '', false), (:two, 'C12EVT', 'Two', '', false), (:free, 'C13EVT', 'Free', '', true);
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('c11evt', 'course', :one);
SELECT coursebase.save_product(NULL, 'Bundle', '', '/b.png', 49, 'public', ARRAY[:one, :two]::uuid[]) AS bundle \gset
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:bob, :two);
SELECT count(*) FROM coursebase.access_events;
\i :abs_srcdir/fixtures/helpers/told.sql

-- A sale tells of itself and of each course; the same session again, and what cannot be, of nothing.
SELECT purchase_id AS first FROM coursebase.complete_purchase(:ada, :'bundle', 'cs_e1', 4900, 'paid') \gset
:told
SELECT status FROM coursebase.complete_purchase(:ada, :'bundle', 'cs_e1', 4900, 'paid');
SELECT status FROM coursebase.complete_purchase(:bob, :'bundle', 'cs_e2', 4900, 'unpaid');
:told
-- A second source tells of the sale alone; so does the loss of one of two.
SELECT purchase_id AS second FROM coursebase.complete_purchase(:ada, :'bundle', 'cs_e3', 4900, 'paid') \gset
SELECT cardinality(revoked_course_ids) FROM coursebase.refund_purchase(:'first');
:told
-- A refund in parts is told part by part, and the last part takes the courses.
SELECT cardinality(revoked_course_ids) FROM coursebase.refund_purchase(:'second', 900);
:told
SELECT cardinality(revoked_course_ids) FROM coursebase.refund_purchase(:'second');
:told

-- Plain writes: many rows of one statement, a course that is free anyway, a grant, what is there already.
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one), (:ada, :two), (:ada, :free);
:told
INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (:ada, :one) ON CONFLICT DO NOTHING;
UPDATE coursebase.user_course_access SET created_at = '2026-01-01';
DELETE FROM coursebase.course_grants WHERE user_id = :ada AND course_id = :one;
DELETE FROM coursebase.user_course_access WHERE user_id = :ada;
:told

-- A store's purchase, in two voices: the first gives, the last takes. What a sandbox sold tells where it counts.
SELECT coursebase.validate_purchase(:ada, json_build_object('product_id', 'c11evt', 'source', 'app_store', 'purchase_id', 'e' || v,
    'purchase_token', 't', 'transaction_date', '2026-03-01T12:00:00Z', 'voice', v, 'environment', e))->>'status'
FROM (VALUES ('male', 'production'), ('female', 'production')) AS x (v, e);
:told
UPDATE coursebase.course_purchases SET acknowledged_at = now() WHERE user_id = :ada;
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'emale');
:told
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'efemale');
:told
INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, status, validated_at) VALUES
    (:bob, :one, 'male', 'admin', 'valid', now()), (:bob, :one, 'female', 'admin', 'valid', now());
:told
DELETE FROM coursebase.course_purchases WHERE user_id = :bob;
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at, environment, product_id, purchase_id,
    purchase_token) VALUES (:bob, :one, 'app_store', 'valid', now(), 'sandbox', 'c11evt', 'es', 't');
:told
UPDATE coursebase.settings SET value = 'true' WHERE name = 'accept_sandbox';
UPDATE coursebase.course_purchases SET status = 'refunded', refunded_at = now() WHERE purchase_id = 'es';
:told

-- What goes with its person tells nothing, and takes what was told along; a TRUNCATE tells like a DELETE.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-00000000e1c1', 'events_eve', 'Eve', 'eve@example.org');
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('00000000-0000-4000-8000-00000000e1c1', :one);
DELETE FROM coursebase.users WHERE clerk_user_id = 'events_eve';
:told
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES (:ada, :two, 'admin', 'valid', now());
TRUNCATE coursebase.user_course_access, coursebase.course_purchases;
:told
-- Grants with an end too, beside one without.
SAVEPOINT given;
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ada, :one, '2095-01-01'), (:ada, :two, '2020-01-01'),
    (:bob, :two, '2095-01-01');
SELECT status FROM coursebase.complete_purchase(:bob, :'bundle', 'cs_e5', 4900, 'paid');
:told
TRUNCATE coursebase.course_grants;
:told
ROLLBACK TO given;

-- Off again: nothing. A rolled back statement: nothing.
SAVEPOINT before;
SELECT status FROM coursebase.complete_purchase(:bob, :'bundle', 'cs_e4', 4900, 'paid');
SELECT count(*) > 2 FROM coursebase.access_events;
ROLLBACK TO before;
:told
UPDATE coursebase.settings SET value = NULL WHERE name = 'events_out';
SELECT status FROM coursebase.complete_purchase(:bob, :'bundle', 'cs_e4', 4900, 'paid');
:told
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
