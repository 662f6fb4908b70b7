-- Promise: access until an end is told when it begins, moves or ends by a grant, a sale or a refund, over all grants of the
-- course and once; between an end and none it is told as well; what time alone ends is told by access_turns().
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-00000000e3a1\''
\set one '\'00000000-0000-4000-8000-00000000e311\''
\set two '\'00000000-0000-4000-8000-00000000e322\''
\set product '\'00000000-0000-4000-8000-00000000e3f1\''
\set turns 'SELECT at, kind, right(user_id::text, 2), right(subject, 4), source FROM coursebase.access_turns'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
-- Each statement is a transaction, because a grant in that of a sale belongs to it. All ends in a clean database.
CREATE TEMP TABLE audited AS SELECT id FROM coursebase.audit_events;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'ends_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:one, 'C31EVT', 'One', ''), (:two, 'C32EVT', 'Two', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, access_until) VALUES (:product, 'Until', '', '/p.png', 1, '2096-01-01');
INSERT INTO coursebase.course_products (course_id, product_id) VALUES (:one, :product), (:two, :product);
UPDATE coursebase.products SET status = 'public' WHERE id = :product;
\i :abs_srcdir/fixtures/helpers/told.sql

-- Given until an end, for longer, for shorter; a second grant of the course counts while it ends later.
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ada, :one, '2095-01-01');
:told
UPDATE coursebase.course_grants SET expires_at = '2097-01-01' WHERE user_id = :ada;
:told
UPDATE coursebase.course_grants SET expires_at = '2095-06-01' WHERE user_id = :ada;
:told
-- Sold until an end: One for longer, Two anew; a refund takes back what that gave, its reversal gives it again.
SELECT status FROM coursebase.complete_purchase(:ada, :product, 'cs_ends', 100, 'paid', '2026-03-01');
:told
UPDATE coursebase.purchases SET refunded_at = '2026-03-02' WHERE stripe_session_id = 'cs_ends';
:told
UPDATE coursebase.purchases SET refunded_at = NULL, refunded_in_cents = 0 WHERE stripe_session_id = 'cs_ends';
:told
-- The terms of the purchase move both ends.
UPDATE coursebase.purchases SET access_until = '2098-01-01' WHERE stripe_session_id = 'cs_ends';
:told
:turns('2095-01-01', '2099-01-01');
-- A direct grant for ever stands over all of them; taken back, what was sold is what is left.
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :two);
:told
:turns('2095-01-01', '2099-01-01');
DELETE FROM coursebase.user_course_access WHERE user_id = :ada;
:told
-- The rest goes.
DELETE FROM coursebase.course_grants WHERE user_id = :ada AND purchase_id IS NULL;
:told
DELETE FROM coursebase.purchases WHERE user_id = :ada;
:told
-- The only grant of a course loses its end and gets one again: access goes on, whoever writes it.
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ada, :one, '2095-01-01');
:told
UPDATE coursebase.course_grants SET expires_at = NULL WHERE user_id = :ada;
:told
UPDATE coursebase.course_grants SET expires_at = '2096-01-01' WHERE user_id = :ada;
:told
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
:told
DELETE FROM coursebase.user_course_access WHERE user_id = :ada;
:told
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
:told
DELETE FROM coursebase.user_course_access WHERE user_id = :ada;
SELECT status FROM coursebase.complete_purchase(:ada, :product, 'cs_lasting', 100, 'paid', '2026-03-01');
:told
UPDATE coursebase.purchases SET access_until = NULL WHERE stripe_session_id = 'cs_lasting';
:told
DELETE FROM coursebase.purchases WHERE user_id = :ada;
:told
-- A purchase that was refunded gives nothing. That it is deleted tells nothing, and hides nothing that is deleted with it.
SELECT p.status FROM unnest(ARRAY['cs_back', 'cs_back_for_ever', 'cs_stays']) n, coursebase.complete_purchase(:ada, :product, n, 100, 'paid', '2026-03-01') p;
UPDATE coursebase.purchases SET access_until = NULL WHERE stripe_session_id = 'cs_back_for_ever';
UPDATE coursebase.purchases SET refunded_at = now() WHERE stripe_session_id LIKE 'cs\_back%';
:told
DELETE FROM coursebase.purchases WHERE stripe_session_id = 'cs_back';
:told
DELETE FROM coursebase.purchases WHERE user_id = :ada;
:told
-- What has ended already is told by nobody.
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ada, :one, '2020-01-01');
DELETE FROM coursebase.course_grants WHERE user_id = :ada;
:told
:turns('-infinity', 'infinity');
UPDATE coursebase.settings SET value = NULL WHERE name = 'events_out';
DELETE FROM coursebase.products WHERE id = :product;
DELETE FROM coursebase.courses WHERE id IN (:one, :two);
DELETE FROM coursebase.users WHERE id = :ada;
SET session_replication_role = replica;
DELETE FROM coursebase.audit_events WHERE id NOT IN (SELECT id FROM audited);
