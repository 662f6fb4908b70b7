-- Promise: of days of a course that are bought again the end that all of them give is told: the last event of a person and a course is
-- what is so.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-00000000e4a1\''
\set one '\'00000000-0000-4000-8000-00000000e411\''
\set product '\'00000000-0000-4000-8000-00000000e4f1\''
\set sale 'SELECT status FROM coursebase.complete_purchase(\'00000000-0000-4000-8000-00000000e4a1\', \'00000000-0000-4000-8000-00000000e4f1\', price_paid_in_cents => 100, payment_status => \'paid\','
\set row '(price_paid_in_cents, product_details, user_id, product_id, created_at, stripe_session_id) SELECT 100, \'{"name": "", "description": "", "imageUrl": "/p.png"}\'::jsonb, \'00000000-0000-4000-8000-00000000e4a1\'::uuid, \'00000000-0000-4000-8000-00000000e4f1\'::uuid,'
\set ends 'SELECT expires_at FROM coursebase.course_grants WHERE user_id = \'00000000-0000-4000-8000-00000000e4a1\' AND expires_at > \'2080-01-01\' ORDER BY 1'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'again_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:one, 'C41EVT', 'One', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, access_days) VALUES (:product, 'Days', '', '/p.png', 1, 365);
INSERT INTO coursebase.course_products (course_id, product_id) VALUES (:one, :product);
\i :abs_srcdir/fixtures/helpers/told.sql
:sale stripe_session_id => 'cs_again_1', at => '2090-03-01');
:told
:sale stripe_session_id => 'cs_again_2', at => '2090-05-01');
:told
-- One that is told late, and began before both.
:sale stripe_session_id => 'cs_again_3', at => '2090-01-01');
:told
:ends;
-- What ended a moment ago begins again: a sale that is told late follows what was bought before.
UPDATE coursebase.purchases SET refunded_at = '2090-06-01' WHERE user_id = :ada;
:told
:sale stripe_session_id => 'cs_again_8', at => now() - interval '365 days 1 hour');
:told
SELECT status FROM coursebase.complete_purchase(:ada, :product, 'cs_again_9', 100, 'paid', now() - interval '2 hours');
SELECT kind, right(subject, 4), until = now() + interval '8759 hours' AS both FROM coursebase.access_events WHERE kind <> 'purchased' ORDER BY id;
DELETE FROM coursebase.access_events WHERE user_id = :ada;
-- Two sales of one statement, the first ones and later ones.
UPDATE coursebase.purchases SET refunded_at = '2090-06-01' WHERE user_id = :ada;
:told
INSERT INTO coursebase.purchases :row at, session FROM (VALUES ('2091-01-01'::timestamptz, 'cs_again_4'), ('2091-02-01', 'cs_again_5')) s (at, session);
:told
INSERT INTO coursebase.purchases :row at, session FROM (VALUES ('2091-03-01'::timestamptz, 'cs_again_6'), ('2091-04-01', 'cs_again_7')) s (at, session);
:told
:ends;
ROLLBACK;
