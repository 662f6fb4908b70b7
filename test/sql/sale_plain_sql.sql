-- Promise: a program that sells and refunds by plain SQL, in whatever order, gets what the functions do: the rights are the
-- purchase's own, a refund takes them, its reversal gives them back, and a later complete_purchase() answers the same.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-0000000e90a1\''
\set one '\'00000000-0000-4000-8000-0000000e92c1\''
\set two '\'00000000-0000-4000-8000-0000000e92c2\''
\set details '\'{"name": "Bundle", "description": "", "imageUrl": "/b.png"}\''
\set rights 'SELECT right(a.course_id::text, 2) AS access FROM coursebase.user_course_access a ORDER BY 1; SELECT right(g.course_id::text, 2), s.stripe_session_id FROM coursebase.course_grants g LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id ORDER BY 1, 2; SELECT check_name, object, problem FROM coursebase.check_integrity();'
\set money 'SELECT stripe_session_id, price_paid_in_cents, refunded_in_cents, refunded_at IS NOT NULL AS in_full FROM coursebase.purchases ORDER BY 1;'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'plain_sql_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, title, description) VALUES (:one, 'One', ''), (:two, 'Two', '');
SELECT coursebase.save_product(NULL, 'Bundle', '', '/b.png', 49, 'public', ARRAY[:one, :two]::uuid[]) AS bundle \gset
SAVEPOINT before_sale;
-- The purchase alone.
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id) VALUES (4900, :details, :ada, :'bundle', 'cs_plain');
:rights
-- The function told later answers as if it had made it.
SELECT status, already_owned, cardinality(course_ids) FROM coursebase.complete_purchase(:ada, :'bundle', 'cs_plain', 4900, 'paid');
ROLLBACK TO before_sale;
-- The access after the purchase, and before it: one sale.
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id) VALUES (4900, :details, :ada, :'bundle', 'cs_after');
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one), (:ada, :two);
:rights
ROLLBACK TO before_sale;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one), (:ada, :two);
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id) VALUES (4900, :details, :ada, :'bundle', 'cs_before');
:rights
-- A part is paid back; then all, by the time alone; the reversal goes back to the part.
UPDATE coursebase.purchases SET refunded_in_cents = 900;
:money
UPDATE coursebase.purchases SET refunded_at = now();
:money
:rights
UPDATE coursebase.purchases SET refunded_at = NULL;
:money
:rights
-- All, by the sum alone.
UPDATE coursebase.purchases SET refunded_in_cents = price_paid_in_cents;
:money
UPDATE coursebase.purchases SET refunded_at = NULL;
-- By a function with the provider's id, reversed by hand: the same refund told again refunds nothing.
SELECT refunded_in_cents FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases), NULL, '2026-03-04 12:00+00', 're_plain');
UPDATE coursebase.purchases SET refunded_at = NULL;
SELECT refunded_in_cents, refunded_at IS NULL FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases), NULL, '2026-03-04 12:00+00', 're_plain');
:rights
SELECT action, old, new FROM coursebase.audit_events WHERE object LIKE 'purchases/%' ORDER BY action, old ->> 'refunded_in_cents', new::text;
-- What a reversal goes back to is nobody's to write.
UPDATE coursebase.purchases SET refunded_in_part_in_cents = 7 RETURNING refunded_in_part_in_cents;
UPDATE coursebase.purchases SET refunded_at = now(), refunded_in_part_in_cents = 7 WHERE refunded_at IS NULL RETURNING refunded_in_part_in_cents, refunded_in_cents;
UPDATE coursebase.purchases SET refunded_in_part_in_cents = 7 RETURNING refunded_in_part_in_cents;
UPDATE coursebase.purchases SET refunded_at = NULL, refunded_in_part_in_cents = 7 WHERE refunded_at IS NOT NULL RETURNING refunded_in_part_in_cents, refunded_in_cents;
-- A direct grant of another day is no part of a sale, and stays when the sale is refunded.
ROLLBACK TO before_sale;
INSERT INTO coursebase.course_grants (user_id, course_id, created_at) VALUES (:ada, :one, '2026-01-01');
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id) VALUES (4900, :details, :ada, :'bundle', 'cs_beside');
UPDATE coursebase.purchases SET refunded_at = now();
:rights
-- An access that an earlier purchase gave is there already; one that nothing but a direct grant gives is a duplicate.
ROLLBACK TO before_sale;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.purchases (id, price_paid_in_cents, product_details, user_id, product_id, stripe_session_id)
VALUES ('00000000-0000-4000-8000-0000000e93d3', 4900, :details, :ada, :'bundle', 'cs_earlier');
INSERT INTO coursebase.course_grants (user_id, course_id, purchase_id, created_at) VALUES (:ada, :one, '00000000-0000-4000-8000-0000000e93d3', '2026-01-01');
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
SET LOCAL session_replication_role = origin;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one), (:ada, :two) RETURNING right(course_id::text, 2);
:rights
SAVEPOINT given;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :two);
\echo :LAST_ERROR_SQLSTATE
-- Whoever may not give it does not learn that it was bought.
ROLLBACK TO given;
\i :abs_srcdir/fixtures/helpers/roles.sql
SET LOCAL ROLE regress_end_user;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
\echo :LAST_ERROR_SQLSTATE
-- A sale that was refunded before it is recorded gives nothing; a purchase whose grants are gone is reported.
ROLLBACK TO before_sale;
INSERT INTO coursebase.purchases (id, price_paid_in_cents, refunded_in_cents, refunded_at, product_details, user_id, product_id, stripe_session_id)
VALUES ('00000000-0000-4000-8000-0000000e93d1', 4900, 4900, '2026-02-01', :details, :ada, :'bundle', 'cs_ended');
:rights
ROLLBACK TO before_sale;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.purchases (id, price_paid_in_cents, product_details, user_id, product_id, stripe_session_id)
VALUES ('00000000-0000-4000-8000-0000000e93d2', 4900, :details, :ada, :'bundle', 'cs_replica');
:rights
ROLLBACK;
