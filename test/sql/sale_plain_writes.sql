-- Promise: a right follows what gave it when somebody writes plain SQL in a hurry: a TRUNCATE of grants or of access is
-- a DELETE of all of them, and what a store sold is moved to no other person, course or receipt, nor revived.
\set ada '\'00000000-0000-4000-8000-0000000e70a1\''
\set bob '\'00000000-0000-4000-8000-0000000e70b1\''
\set one '\'00000000-0000-4000-8000-0000000e72c1\''
\set two '\'00000000-0000-4000-8000-0000000e72c2\''
\set rights 'SELECT (SELECT count(*) FROM coursebase.user_course_access WHERE user_id IN (\'00000000-0000-4000-8000-0000000e70a1\', \'00000000-0000-4000-8000-0000000e70b1\')) AS access, (SELECT count(*) FROM coursebase.course_grants WHERE user_id IN (\'00000000-0000-4000-8000-0000000e70a1\', \'00000000-0000-4000-8000-0000000e70b1\')) AS grants, (SELECT count(*) FROM coursebase.check_integrity()) AS problems;'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'plain_ada', 'Ada', 'ada@example.org'), (:bob, 'plain_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:one, 'P71PLN', 'One', ''), (:two, 'P72PLN', 'Two', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('p71pln', 'course', :one);
SELECT coursebase.save_product(NULL, 'Single', '', '/s.png', 9, 'public', ARRAY[:one]::uuid[]) AS single \gset
SELECT purchase_id AS refunded FROM coursebase.complete_purchase(:ada, :'single', 'cs_plain1', 100, 'paid') \gset
SELECT refunded_in_cents FROM coursebase.refund_purchase(:'refunded');
SELECT status FROM coursebase.complete_purchase(:ada, :'single', 'cs_plain2', 100, 'paid');
INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (:bob, :two);
SELECT coursebase.validate_purchase(:ada, '{"product_id": "p71pln", "source": "app_store", "purchase_id": "plain", "purchase_token": "t", "transaction_date": "1767268800000"}', '2026-01-02')->>'status';
:rights
SAVEPOINT sound;
-- The grants go, and the access with them; the access goes, and the grants that count with it.
TRUNCATE coursebase.course_grants;
:rights
ROLLBACK TO sound;
TRUNCATE coursebase.user_course_access;
:rights
ROLLBACK TO sound;
TRUNCATE coursebase.user_course_access, coursebase.course_grants;
:rights
ROLLBACK TO sound;
TRUNCATE coursebase.purchases CASCADE;
:rights
ROLLBACK TO sound;
\set ON_ERROR_ROLLBACK on
-- What a store sold.
UPDATE coursebase.course_purchases SET course_id = :two WHERE user_id = :ada;
UPDATE coursebase.course_purchases SET user_id = :bob WHERE user_id = :ada;
UPDATE coursebase.course_purchases SET purchase_id = 'other' WHERE user_id = :ada;
UPDATE coursebase.course_purchases SET environment = 'sandbox' WHERE user_id = :ada;
UPDATE coursebase.course_purchases SET source = 'premium_slot', product_id = NULL, purchase_id = NULL, purchase_token = NULL WHERE user_id = :ada;
UPDATE coursebase.store_receipts SET user_id = :bob WHERE user_id = :ada;
UPDATE coursebase.store_receipts SET purchase_id = 'other' WHERE user_id = :ada;
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'plain', '2026-01-03');
UPDATE coursebase.course_purchases SET status = 'valid', refunded_at = NULL WHERE user_id = :ada;
UPDATE coursebase.store_receipts SET status = 'valid', refunded_at = NULL WHERE user_id = :ada;
-- A slot is no sale; in a restore it may come before the settings.
SET check_function_bodies = off;
DELETE FROM coursebase.settings WHERE name = 'free_weekly_credits';
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES (:bob, :one, 'premium_slot', 'valid', now());
DELETE FROM coursebase.course_purchases WHERE user_id = :bob;
RESET check_function_bodies;
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status) VALUES (:bob, :one, 'premium_slot', 'invalid');
UPDATE coursebase.course_purchases SET source = 'admin', status = 'valid', validated_at = now() WHERE user_id = :bob;
SELECT coursebase.has_course_access(:one, :ada), coursebase.has_course_access(:one, :bob);
SELECT check_name, object, problem FROM coursebase.check_integrity();
ROLLBACK;
