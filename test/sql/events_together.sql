-- Promise: a statement that changes access by several rows or tables tells of each course once, by what was before it and what
-- is after it, also where triggers write the rest; a merge tells what the kept person gained and has completed; of who was
-- deleted or has left no access is told.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-00000000e5a1\''
\set bob '\'00000000-0000-4000-8000-00000000e5b1\''
\set one '\'00000000-0000-4000-8000-00000000e511\''
\set product '\'00000000-0000-4000-8000-00000000e5f1\''
\set until '\'00000000-0000-4000-8000-00000000e5f2\''
\set details '\'{"name": "", "description": "", "imageUrl": "/p.png"}\''
\set store 'SELECT status FROM coursebase.apply_subscription_event(\'00000000-0000-4000-8000-00000000e5a1\', json_build_object(\'store\', \'google_play\', \'environment\', \'production\', \'original_transaction_id\', \'e5\','
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'together_ada', 'Ada', 'ada@example.org'), (:bob, 'together_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description, in_premium) VALUES (:one, 'C51EVT', 'One', '', true);
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('c51evt', 'course', :one);
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, access_until) VALUES
    (:product, 'Ever', '', '/p.png', 1, NULL), (:until, 'Until', '', '/p.png', 1, '2096-01-01');
INSERT INTO coursebase.course_products (course_id, product_id) VALUES (:one, :product), (:one, :until);
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:bob, :one, '2020-01-01');
\i :abs_srcdir/fixtures/helpers/told.sql

-- Two tables in one statement: what both give is gained once, and lost once.
WITH a AS (INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one))
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES (:ada, :one, 'admin', 'valid', now());
:told
WITH a AS (DELETE FROM coursebase.user_course_access) DELETE FROM coursebase.course_purchases WHERE user_id = :ada;
:told
WITH a AS (INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (:ada, :one))
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES (:ada, :one, 'admin', 'valid', now());
:told
WITH a AS (DELETE FROM coursebase.course_grants WHERE user_id = :ada) DELETE FROM coursebase.course_purchases WHERE user_id = :ada;
:told
-- One takes the place of the other: nothing has changed, or the end alone.
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
:told
WITH a AS (DELETE FROM coursebase.user_course_access WHERE user_id = :ada RETURNING *)
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) SELECT user_id, course_id, 'admin', 'valid', now() FROM a;
:told
WITH a AS (DELETE FROM coursebase.course_purchases WHERE user_id = :ada RETURNING *)
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) SELECT user_id, course_id, '2095-01-01' FROM a;
:told
DELETE FROM coursebase.course_grants WHERE user_id = :ada;
:told
-- What a rolled back savepoint told counts for nothing.
SAVEPOINT before;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
ROLLBACK TO before;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
DELETE FROM coursebase.user_course_access WHERE user_id = :ada;
:told

-- Two sales of one statement, for ever and until an end: bought, refunded, given again, refunded with other terms, deleted.
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id)
VALUES (100, :details, :ada, :product, 'cs_together_1'), (100, :details, :ada, :until, 'cs_together_2');
:told
UPDATE coursebase.purchases SET refunded_at = now() WHERE user_id = :ada;
:told
UPDATE coursebase.purchases SET refunded_at = NULL, refunded_in_cents = 0 WHERE user_id = :ada;
:told
DELETE FROM coursebase.purchases WHERE user_id = :ada AND stripe_session_id = 'cs_together_1';
:told
UPDATE coursebase.purchases SET refunded_at = now() WHERE user_id = :ada;
:told
UPDATE coursebase.purchases SET refunded_at = NULL, refunded_in_cents = 0, access_until = '2097-01-01' WHERE user_id = :ada;
:told
DELETE FROM coursebase.purchases WHERE user_id = :ada;
:told

-- A slot and a purchase of one course go in one statement.
:store 'store_event_id', 'created', 'transaction_id', 'a', 'event_type', 'created', 'event_time', '2026-01-01T00:00:00Z', 'period_end', '2096-01-01T00:00:00Z'));
SELECT count(slot_id) FROM coursebase.choose_premium_course(:ada, :one);
:told
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES (:ada, :one, 'admin', 'valid', now());
:told
DELETE FROM coursebase.course_purchases WHERE user_id = :ada;
:told

-- A merge. What the kept person had by a store is not gained again; what one of the two had by a load is.
INSERT INTO coursebase.course_purchases (user_id, course_id, source, product_id, purchase_id, purchase_token, status, validated_at)
VALUES (:bob, :one, 'app_store', 'c51evt', 'e5', 't', 'valid', now());
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
DELETE FROM coursebase.access_events;
SAVEPOINT merging;
SELECT coursebase.merge_users(:ada, :bob) IS NOT NULL;
:told
ROLLBACK TO merging;
DELETE FROM coursebase.user_course_access;
DELETE FROM coursebase.access_events;
SELECT coursebase.merge_users(:ada, :bob) IS NOT NULL;
:told
ROLLBACK TO merging;
-- The lessons of both are all lessons.
DELETE FROM coursebase.user_course_access;
DELETE FROM coursebase.course_purchases WHERE user_id = :bob;
INSERT INTO coursebase.course_sections (id, course_id, name, status) VALUES ('00000000-0000-4000-8000-00000000e521', :one, 'S', 'public');
INSERT INTO coursebase.lessons (id, section_id, name, status)
SELECT ('00000000-0000-4000-8000-00000000e53' || n)::uuid, '00000000-0000-4000-8000-00000000e521', 'L', 'public' FROM generate_series(1, 2) n;
INSERT INTO coursebase.user_lesson_complete VALUES (:ada, '00000000-0000-4000-8000-00000000e531'), (:bob, '00000000-0000-4000-8000-00000000e532');
DELETE FROM coursebase.access_events;
SELECT coursebase.merge_users(:ada, :bob) IS NOT NULL;
:told
ROLLBACK TO merging;

-- A person who has a grant with an end can be deleted. Of who has left no premium is told, though the store renews it.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-00000000e5c1', 'together_eve', 'Eve', 'eve@example.org');
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES ('00000000-0000-4000-8000-00000000e5c1', :one, '2095-01-01');
DELETE FROM coursebase.users WHERE clerk_user_id = 'together_eve';
:told
SELECT coursebase.delete_user(:ada) IS NOT NULL;
:store 'store_event_id', 'renewed', 'transaction_id', 'b', 'event_type', 'renewed', 'event_time', '2026-02-01T00:00:00Z', 'period_end', '2097-01-01T00:00:00Z'));
:told
ROLLBACK;
