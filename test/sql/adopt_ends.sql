-- Promise: adopt() gives purchases that came without their grants the ends that their terms say, extended by each other, and
-- makes no right that ends, or has ended, one for ever.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL timezone = 'UTC';
\set ada '\'00000000-0000-4000-8000-0000000ef0a1\''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'adopt_ends', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000ef0c1', 'One', ''), ('00000000-0000-4000-8000-0000000ef0c2', 'Two', '');
SELECT coursebase.save_product(NULL, 'Month', '', '/b.png', 49, 'public', ARRAY['00000000-0000-4000-8000-0000000ef0c1']::uuid[], 30) AS month \gset
UPDATE coursebase.course_products SET created_at = '2026-01-01';
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id, created_at, access_days)
SELECT 100, '{"name": "Month", "description": "", "imageUrl": ""}', :ada, :'month', 'adopt_' || n, '2026-03-01'::timestamptz + n * interval '10 days', 30 FROM generate_series(1, 2) n;
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ada, '00000000-0000-4000-8000-0000000ef0c2', '2026-02-01');
RESET session_replication_role;
SELECT count(*) > 0 FROM coursebase.adopt();
SELECT right(g.course_id::text, 2), s.stripe_session_id, g.expires_at FROM coursebase.course_grants g LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id WHERE g.user_id = :ada ORDER BY g.expires_at;
SELECT count(*) FROM coursebase.user_course_access WHERE user_id = :ada;
SELECT coursebase.has_course_access('00000000-0000-4000-8000-0000000ef0c1', :ada, '2026-05-09'), coursebase.has_course_access('00000000-0000-4000-8000-0000000ef0c1', :ada, '2026-05-10');
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
