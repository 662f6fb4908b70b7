-- Promise: statistics that are older than a course do not slow its first sales: what the first buyer costs, buyers behind a thousand others cost.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\set person '(\'00000000-0000-4000-8000-00000b1\' || lpad(n::text, 5, \'0\'))::uuid'
\set product '(\'00000000-0000-4000-8000-00000b1d000\' || k)::uuid'
\set course '(\'00000000-0000-4000-8000-00000b1c000\' || k)::uuid'
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT :person, 'launch_' || n, 'Person', 'p' || n || '@example.org' FROM generate_series(1, 1205) n;
INSERT INTO coursebase.courses (id, title, description) SELECT :course, 'Course ' || k, '' FROM generate_series(1, 2) k;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) SELECT :product, 'Product ' || k, '', '/p.png', 1, 'public' FROM generate_series(1, 2) k;
INSERT INTO coursebase.course_products (product_id, course_id) SELECT :product, :course FROM generate_series(1, 2) k;
\set bought 'INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id, price_paid_in_cents, product_details) SELECT :person, :product, \'cs_launch_\' || n, 100, \'{"name": "Product", "description": "", "imageUrl": "/p.png"}\' FROM'
-- The server has counted the sales of the first product alone.
:bought generate_series(1, 200) n, (VALUES (1)) AS p (k);
ANALYZE coursebase.purchases, coursebase.course_grants, coursebase.user_course_access;
:bought generate_series(201, 1200) n, (VALUES (2)) AS p (k);
\set sale 'SELECT format(\'SELECT status FROM coursebase.complete_purchase(%L, %L, %L, 100, %L)\', :person, :product, \'cs_launch_\' || n, \'paid\') FROM'
CREATE TEMPORARY TABLE read_before AS SELECT c.oid, pg_stat_get_xact_tuples_returned(c.oid) AS entries FROM pg_class c
WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'i');
:sale generate_series(1201, 1205) n, (VALUES (2)) AS p (k) \gexec
-- Five sales that each read what the thousand bought would be at 5,000.
SELECT c.oid::regclass, pg_stat_get_xact_tuples_returned(c.oid) - c.entries FROM read_before c
WHERE pg_stat_get_xact_tuples_returned(c.oid) - c.entries > 500 ORDER BY 1;
ROLLBACK;
