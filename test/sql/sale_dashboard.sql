-- Promise: the dashboard adds up what was sold and refunded, per product as well, for administrators and the server;
-- a purchase and its history are seen by the buyer, an administrator and nobody else.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-0000000e60a1\''
\set bob '\'00000000-0000-4000-8000-0000000e60b1\''
\set one '\'00000000-0000-4000-8000-0000000e62c1\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    (:ada, 'board_ada', 'Ada', 'ada@example.org', 'user'), (:bob, 'board_bob', 'Bob', 'bob@example.org', 'user'),
    ('00000000-0000-4000-8000-0000000e60c1', 'board_root', 'Root', 'root@example.org', 'admin');
INSERT INTO coursebase.courses (id, title, description) VALUES (:one, 'One', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status)
SELECT ('00000000-0000-4000-8000-0000000e61b' || n)::uuid, 'Product ' || n, '', '/p.png', n, 'public' FROM generate_series(1, 3) n;
INSERT INTO coursebase.course_products (course_id, product_id) SELECT :one, id FROM coursebase.products WHERE name LIKE 'Product _';
SET LOCAL ROLE regress_server;
SELECT status FROM coursebase.complete_purchase(:ada, '00000000-0000-4000-8000-0000000e61b1', 'cs_b1', 100, 'paid', '2026-03-01');
SELECT status FROM coursebase.complete_purchase(:bob, '00000000-0000-4000-8000-0000000e61b1', 'cs_b2', 100, 'paid', '2026-03-02');
SELECT status FROM coursebase.complete_purchase(:ada, '00000000-0000-4000-8000-0000000e61b2', 'cs_b3', 200, 'paid', '2026-03-03');
SELECT refunded_in_cents FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases WHERE stripe_session_id = 'cs_b2'), at => '2026-03-04');
SELECT refunded_in_cents FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases WHERE stripe_session_id = 'cs_b3'), 50, '2026-03-04');
SELECT key, value FROM json_each_text(coursebase.admin_dashboard()) WHERE key IN ('sales_in_cents', 'refunded_in_cents',
    'net_sales_in_cents', 'purchases', 'refunded_purchases', 'net_purchases', 'customers', 'students');
-- Of users it counts the open accounts of people who live here.
SELECT coursebase.admin_dashboard() ->> 'users' AS users \gset
RESET ROLE;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (clerk_user_id, name, email, is_guest, deleted_at) VALUES
    ('board_guest', 'Guest', '', true, NULL), ('board_closed', 'Closed', '', false, '2026-03-05'), ('board_open', 'Open', '', false, NULL);
SET LOCAL session_replication_role = origin;
SET LOCAL ROLE regress_server;
SELECT (coursebase.admin_dashboard() ->> 'users')::int - :users;
SELECT p ->> 'name', p ->> 'sales_in_cents', p ->> 'refunded_in_cents', p ->> 'net_sales_in_cents', p ->> 'purchases', p ->> 'refunded_purchases', p ->> 'customers'
FROM json_array_elements(coursebase.admin_dashboard() -> 'per_product') p WHERE p ->> 'name' LIKE 'Product _';
-- Who sees what.
CREATE FUNCTION pg_temp.seen() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN format('%s purchases (%s), %s courses', (SELECT count(*) FROM coursebase.purchases),
        (SELECT string_agg(product_name, ' ') FROM coursebase.purchase_history), (SELECT count(*) FROM coursebase.user_access));
EXCEPTION WHEN insufficient_privilege THEN
    RETURN SQLERRM;
END $$;
SELECT pg_temp.seen();
SET LOCAL ROLE regress_anonymous;
SELECT pg_temp.seen();
SET LOCAL ROLE regress_end_user;
SELECT 'nobody', pg_temp.seen();
SET LOCAL request.jwt.claims = '{"sub": "board_ada"}';
SELECT 'ada', pg_temp.seen();
SET LOCAL request.jwt.claims = '{"sub": "board_bob"}';
SELECT 'bob', pg_temp.seen();
SET LOCAL request.jwt.claims = '{"sub": "board_root"}';
SELECT 'root', pg_temp.seen();
SELECT coursebase.admin_dashboard() ->> 'net_sales_in_cents';
-- Few people with many products: each is a customer of each, and one customer of all.
RESET ROLE;
SELECT coursebase.admin_dashboard() ->> 'customers' AS customers \gset
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT md5('board' || n)::uuid, 'board_' || n, '', '' FROM generate_series(1, 3) n;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) SELECT md5('many' || n)::uuid, 'Many ' || n, '', '/p.png', 1, 'public' FROM generate_series(1, 2000) n;
INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id, price_paid_in_cents, product_details)
SELECT md5('board' || n)::uuid, md5('many' || p)::uuid, format('cs_many_%s_%s', n, p), 100, '{"name": "", "description": "", "imageUrl": ""}' FROM generate_series(1, 3) n, generate_series(1, 2000) p;
SET LOCAL session_replication_role = origin;
SELECT DISTINCT p ->> 'customers', p ->> 'purchases', p ->> 'sales_in_cents' FROM json_array_elements(coursebase.admin_dashboard() -> 'per_product') p WHERE p ->> 'name' LIKE 'Many %';
SELECT (coursebase.admin_dashboard() ->> 'customers')::int - :customers;
SET LOCAL ROLE regress_end_user;
-- Only about oneself.
SET LOCAL request.jwt.claims = '{"sub": "board_bob"}';
SELECT coursebase.can_buy_product('00000000-0000-4000-8000-0000000e61b1'), coursebase.can_buy_product('00000000-0000-4000-8000-0000000e61b1', :bob);
\set VERBOSITY terse
SELECT coursebase.can_buy_product('00000000-0000-4000-8000-0000000e61b1', :ada);
ROLLBACK;
