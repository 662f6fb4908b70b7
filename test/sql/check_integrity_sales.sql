-- Promise: check_integrity() finds access that no grant explains or that is missing, grants by another's purchase,
-- refunds that cannot be, and public products without a course. Damage is done by somebody who switched triggers off.
\set ada '\'00000000-0000-4000-8000-0000000e50a1\''
\set bob '\'00000000-0000-4000-8000-0000000e50b1\''
\set one '\'00000000-0000-4000-8000-0000000e52c1\''
\set two '\'00000000-0000-4000-8000-0000000e52c2\''
\set bundle '\'00000000-0000-4000-8000-0000000e51b1\''
\set sale '\'00000000-0000-4000-8000-0000000e53d1\''
\set check 'SELECT check_name, object, problem FROM coursebase.check_integrity();'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:ada, 'check_ada', 'Ada', 'ada@example.org'), (:bob, 'check_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, title, description) VALUES (:one, 'One', ''), (:two, 'Two', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES (:bundle, 'Bundle', '', '/b.png', 49, 'public');
INSERT INTO coursebase.course_products (course_id, product_id) VALUES (:one, :bundle);
INSERT INTO coursebase.purchases (id, user_id, product_id, stripe_session_id, price_paid_in_cents, product_details)
VALUES (:sale, :ada, :bundle, 'check_1', 100, '{"name": "", "description": "", "imageUrl": ""}');
INSERT INTO coursebase.course_grants (id, user_id, course_id) VALUES ('00000000-0000-4000-8000-0000000e54e2', :bob, :two);
:check
SET LOCAL session_replication_role = replica;
UPDATE coursebase.course_grants SET id = '00000000-0000-4000-8000-0000000e54e1' WHERE purchase_id = :sale;
SAVEPOINT sound;
-- Access: without a grant, by a sale that was refunded, missing.
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:bob, :one);
:check
ROLLBACK TO sound;
UPDATE coursebase.purchases SET refunded_at = '2026-03-01', refunded_in_cents = 100 WHERE id = :sale;
:check
ROLLBACK TO sound;
DELETE FROM coursebase.user_course_access WHERE user_id IN (:ada, :bob);
:check
ROLLBACK TO sound;
DELETE FROM coursebase.course_grants WHERE user_id = :bob;
:check
ROLLBACK TO sound;
-- A grant by another's purchase, and by one that is gone.
UPDATE coursebase.course_grants SET user_id = :bob WHERE purchase_id = :sale;
:check
ROLLBACK TO sound;
DELETE FROM coursebase.purchases WHERE id = :sale;
:check
ROLLBACK TO sound;
-- Refunds that cannot be, and a sale of nobody knows what.
ALTER TABLE coursebase.purchases DROP CONSTRAINT purchases_refunded_range_check;
ALTER TABLE coursebase.purchases DROP CONSTRAINT purchases_refunded_in_full_has_a_time_check;
ALTER TABLE coursebase.purchases DROP CONSTRAINT purchases_product_details_form_check;
SAVEPOINT unchecked;
UPDATE coursebase.purchases SET refunded_in_cents = 101 WHERE id = :sale;
:check
ROLLBACK TO unchecked;
UPDATE coursebase.purchases SET refunded_in_cents = 100 WHERE id = :sale;
:check
ROLLBACK TO unchecked;
UPDATE coursebase.purchases SET product_details = product_details - 'imageUrl' WHERE id = :sale;
:check
ROLLBACK TO sound;
-- Less refunded than its refunds say.
INSERT INTO coursebase.purchase_refunds (refund_ref, purchase_id, amount_in_cents, is_rest, refunded_at) VALUES ('re_1', :sale, 30, false, '2026-03-01'), ('re_2', :sale, 20, false, '2026-03-01');
UPDATE coursebase.purchases SET refunded_in_cents = 50 WHERE id = :sale;
:check
UPDATE coursebase.purchases SET refunded_in_cents = 49 WHERE id = :sale;
:check
ROLLBACK TO sound;
-- A product that offers nothing.
DELETE FROM coursebase.course_products WHERE product_id = :bundle;
:check
ROLLBACK TO sound;
:check
ROLLBACK;
