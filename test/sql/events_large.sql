-- Promise: one statement over more rows than its working memory holds tells of each of them, as one over a few does.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET work_mem = '64kB';
BEGIN;
UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out';
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT md5('large ' || n)::uuid, 'large_' || n, 'Large', 'large_' || n || '@example.org' FROM generate_series(1, 1500) n;
INSERT INTO coursebase.courses (id, title, description) VALUES (md5('large course')::uuid, 'Large', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, access_days) VALUES (md5('large bundle')::uuid, 'Large', '', '/l.png', 1, 30);
INSERT INTO coursebase.course_products (course_id, product_id) VALUES (md5('large course')::uuid, md5('large bundle')::uuid);
CREATE VIEW told AS
SELECT kind, source, count(*), count(DISTINCT user_id) AS people, count(DISTINCT subject) AS subjects
FROM coursebase.access_events GROUP BY kind, source ORDER BY kind, source;

-- What is given and taken: new rows, old ones.
INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT id, md5('large course')::uuid FROM coursebase.users WHERE name = 'Large';
TABLE told;
DELETE FROM coursebase.user_course_access WHERE course_id = md5('large course')::uuid;
TABLE told;
DELETE FROM coursebase.access_events;
-- What is sold and given back: both.
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id)
SELECT 100, '{"name": "Large", "description": "", "imageUrl": "/l.png"}', id, md5('large bundle')::uuid, clerk_user_id FROM coursebase.users WHERE name = 'Large';
TABLE told;
UPDATE coursebase.purchases SET refunded_at = now() WHERE product_id = md5('large bundle')::uuid;
TABLE told;
ROLLBACK;
