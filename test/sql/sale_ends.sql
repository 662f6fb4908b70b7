-- Promise: a product with access_days or access_until gives its courses until that end, whoever records the sale; buying
-- again extends the end, a refund takes back what the purchase added and nothing else, and plain queries of
-- user_course_access never see a right that ends.
\set ada '\'00000000-0000-4000-8000-0000000ea0a1\''
\set one '\'00000000-0000-4000-8000-0000000ea2c1\''
\set two '\'00000000-0000-4000-8000-0000000ea2c2\''
\set details '\'{"name": "Bundle", "description": "", "imageUrl": "/b.png"}\''
\set rights 'SELECT right(g.course_id::text, 2), s.stripe_session_id, g.expires_at FROM coursebase.course_grants g LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id ORDER BY 1, g.expires_at; SELECT count(*) AS for_ever FROM coursebase.user_course_access; SELECT check_name, object, problem FROM coursebase.check_integrity();'
\set sell 'SELECT status, already_owned, cardinality(course_ids) FROM coursebase.complete_purchase'
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
BEGIN;
SET LOCAL timezone = 'Europe/Berlin';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'sale_ends_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, title, description) VALUES (:one, 'One', ''), (:two, 'Two', '');
SELECT coursebase.save_product(NULL, 'Ninety days', '', '/b.png', 49, 'public', ARRAY[:one, :two]::uuid[], 90) AS bundle \gset
SELECT coursebase.save_product(NULL, 'Single', '', '/b.png', 19, 'public', ARRAY[:one]::uuid[], access_days => 30, access_until => '2026-09-01 00:00+02') AS single \gset
SELECT coursebase.save_product(NULL, 'For ever', '', '/b.png', 99, 'public', ARRAY[:one]::uuid[]) AS plain \gset
SELECT name, access_days, access_until FROM coursebase.storefront_products ORDER BY name;
SAVEPOINT before_sale;
-- A sale, across the change to summer time: days have 24 hours.
:sell (:ada, :'bundle', 'cs_1', 4900, 'paid', '2026-03-01 12:00+00');
:rights
SELECT access_days, access_until FROM coursebase.purchases;
-- Again before the end: the days are added; another product of one of the courses adds to that one, up to its own last
-- moment; and a sale after the end starts anew.
:sell (:ada, :'bundle', 'cs_2', 4900, 'paid', '2026-04-01 12:00+00');
:sell (:ada, :'single', 'cs_3', 1900, 'paid', '2026-05-01 12:00+00');
:rights
:sell (:ada, :'bundle', 'cs_4', 4900, 'paid', '2027-01-01 12:00+00');
:rights
-- The second is refunded, the others are counted as if it had not been; its reversal gives all back. What is told late
-- counts from its own time.
SELECT revoked_course_ids FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases WHERE stripe_session_id = 'cs_2'), NULL, '2026-05-02 12:00+00');
:rights
UPDATE coursebase.purchases SET refunded_at = NULL WHERE stripe_session_id = 'cs_2';
:rights
:sell (:ada, :'bundle', 'cs_0', 4900, 'paid', '2026-02-27 12:00+00');
:rights
-- All of one course are refunded: the last refund takes it.
SELECT stripe_session_id, array(SELECT right(c::text, 2) FROM unnest(r.revoked_course_ids) c) FROM (SELECT * FROM coursebase.purchases WHERE product_id = :'bundle' ORDER BY stripe_session_id OFFSET 0) s, coursebase.refund_purchase(s.id, NULL, '2026-05-02 12:00+00') r ORDER BY 1;
:rights
ROLLBACK TO before_sale;
-- Plain SQL: the product's terms, terms of its own, and the rights that a program inserts beside the sale are the sale's.
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id, created_at) VALUES (4900, :details, :ada, :'bundle', 'cs_plain', '2026-03-01 12:00+00');
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one), (:ada, :two);
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id, created_at, access_days) VALUES (1900, :details, :ada, :'plain', 'cs_week', '2026-03-02 12:00+00', 7);
:rights
ROLLBACK TO before_sale;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one), (:ada, :two);
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id, created_at) VALUES (4900, :details, :ada, :'bundle', 'cs_plain', '2026-03-01 12:00+00');
:rights
-- Longer by hand, and for ever; the end of a purchase's grant is not written itself.
UPDATE coursebase.purchases SET access_days = 120;
:rights
\set VERBOSITY terse
UPDATE coursebase.course_grants SET expires_at = '2030-01-01';
\echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.purchases SET access_days = NULL;
:rights
-- Back again, and the DELETE from user_course_access takes what stands there alone.
UPDATE coursebase.purchases SET access_days = 90;
INSERT INTO coursebase.course_grants (user_id, course_id, created_at) VALUES (:ada, :one, '2026-01-01');
DELETE FROM coursebase.user_course_access;
:rights
SELECT action, old, new FROM coursebase.audit_events WHERE action LIKE 'purchase_terms%' OR action LIKE 'course_grant%' ORDER BY action, old ->> 'access_days', old::text, new::text;
-- A grant until an end: what is bought then begins there; moving it, or taking it away, moves what follows.
ROLLBACK TO before_sale;
INSERT INTO coursebase.course_grants (user_id, course_id, created_at, expires_at) VALUES (:ada, :one, '2026-02-01', '2026-03-15 12:00+00');
:sell (:ada, :'single', 'cs_then', 1900, 'paid', '2026-03-01 12:00+00');
:rights
UPDATE coursebase.course_grants SET expires_at = '2026-03-20 12:00+00' WHERE purchase_id IS NULL;
:rights
DELETE FROM coursebase.course_grants WHERE purchase_id IS NULL;
:rights
-- Given for ever over the end, by plain SQL that knows no ends.
INSERT INTO coursebase.course_grants (user_id, course_id, created_at, expires_at) VALUES (:ada, :two, '2026-02-01', '2026-03-15 12:00+00');
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :two);
:rights
DELETE FROM coursebase.user_course_access;
:rights
-- May it be bought? Without an end no more; by days again; after access_until not at all.
ROLLBACK TO before_sale;
PREPARE rules AS SELECT p.name, string_agg(coalesce(r.reason, r.rule), ' ') FROM coursebase.products p, coursebase.explain_buy_product(p.id, :ada) r GROUP BY 1 ORDER BY 1;
:sell (:ada, :'bundle', 'cs_1', 4900, 'paid');
:sell (:ada, :'plain', 'cs_2', 4900, 'paid');
SELECT coursebase.save_product(:'single', NULL, NULL, NULL, NULL, NULL, NULL, 0, '2020-01-01') IS NOT NULL;
EXECUTE rules;
-- Up to access_until, nothing is left to add.
SELECT coursebase.save_product(:'bundle', NULL, NULL, NULL, NULL, NULL, NULL, NULL, now() + interval '10 days') IS NOT NULL;
:sell (:ada, :'bundle', 'cs_3', 4900, 'paid');
SELECT coursebase.save_product(:'single', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'infinity') IS NOT NULL;
EXECUTE rules;
SELECT stripe_session_id FROM coursebase.duplicate_purchases;
SELECT coursebase.save_product(:'bundle', NULL, NULL, NULL, NULL, NULL, NULL, -1);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ada, :two, 'infinity');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
