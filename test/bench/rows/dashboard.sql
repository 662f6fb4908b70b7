-- What an administrator sees first, with half a million sales to two hundred thousand people, against one statement for the
-- same figures as one would write it by hand.
--# setup
SET session_replication_role = replica;
CREATE FUNCTION bench_peer.dashboard_key(kind text, n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN md5('dashboard ' || kind || n)::uuid;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT bench_peer.dashboard_key('user', n), 'dashboard_' || n, 'Bench', 'bench@example.com' FROM generate_series(0, 199999) n;
INSERT INTO coursebase.courses (id, title, description)
SELECT bench_peer.dashboard_key('course', n), 'Bench', 'Bench' FROM generate_series(0, 49) n;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status)
SELECT bench_peer.dashboard_key('product', n), 'Bench ' || n, 'Bench', '/bench.png', 49, 'public' FROM generate_series(0, 19) n;
INSERT INTO coursebase.purchases (id, user_id, product_id, product_details, stripe_session_id, price_paid_in_cents,
    refunded_in_cents, refunded_at)
SELECT bench_peer.dashboard_key('sale', n), bench_peer.dashboard_key('user', n * 7919 % 200000), bench_peer.dashboard_key('product', n % 20 * (n % 7) % 20),
    '{"name": "Bench", "description": "Bench", "imageUrl": "/bench.png"}', 'cs_dashboard_' || n, 4900,
    CASE WHEN n % 25 = 0 THEN 4900 ELSE n % 3 END, CASE WHEN n % 25 = 0 THEN now() END
FROM generate_series(0, 499999::bigint) n;
INSERT INTO coursebase.user_course_access (user_id, course_id)
SELECT bench_peer.dashboard_key('user', n * 7919 % 200000), bench_peer.dashboard_key('course', n % 50)
FROM generate_series(0, 499999::bigint) n
ON CONFLICT DO NOTHING;
RESET session_replication_role;
VACUUM ANALYZE;
CREATE VIEW bench_peer.dashboard AS
SELECT json_build_object(
    'sales_in_cents', (SELECT coalesce(sum(price_paid_in_cents), 0) FROM coursebase.purchases),
    'refunded_in_cents', (SELECT coalesce(sum(refunded_in_cents), 0) FROM coursebase.purchases),
    'net_sales_in_cents', (SELECT coalesce(sum(price_paid_in_cents - refunded_in_cents), 0) FROM coursebase.purchases),
    'purchases', (SELECT count(*) FROM coursebase.purchases),
    'refunded_purchases', (SELECT count(refunded_at) FROM coursebase.purchases),
    'net_purchases', (SELECT count(*) - count(refunded_at) FROM coursebase.purchases),
    'customers', (SELECT count(*) FROM (SELECT FROM coursebase.purchases WHERE refunded_at IS NULL GROUP BY user_id) c),
    'students', (SELECT count(*) FROM (SELECT FROM coursebase.user_course_access GROUP BY user_id) s),
    'users', (SELECT count(*) FROM coursebase.users WHERE deleted_at IS NULL),
    'products', (SELECT count(*) FROM coursebase.products),
    'courses', (SELECT count(*) FROM coursebase.courses),
    'sections', (SELECT count(*) FROM coursebase.course_sections),
    'lessons', (SELECT count(*) FROM coursebase.lessons),
    'per_product', (SELECT json_agg(json_build_object('product_id', p.id, 'name', p.name, 'status', p.status,
            'sales_in_cents', coalesce(t.sales, 0), 'refunded_in_cents', coalesce(t.refunded, 0),
            'net_sales_in_cents', coalesce(t.sales - t.refunded, 0), 'purchases', coalesce(t.purchases, 0),
            'refunded_purchases', coalesce(t.refunds, 0), 'customers', coalesce(t.customers, 0))
            ORDER BY coalesce(t.sales - t.refunded, 0) DESC, p.name, p.id)
        FROM coursebase.products p LEFT JOIN (
            SELECT o.product_id, sum(o.price_paid_in_cents) AS sales, sum(o.refunded_in_cents) AS refunded, count(*) AS purchases,
                count(o.refunded_at) AS refunds, count(DISTINCT o.user_id) FILTER (WHERE o.refunded_at IS NULL) AS customers
            FROM coursebase.purchases o GROUP BY o.product_id) t ON t.product_id = p.id)) AS answer
--# end
SET session_replication_role = replica;
TRUNCATE coursebase.purchases, coursebase.course_grants, coursebase.user_course_access CASCADE;
DELETE FROM coursebase.users WHERE clerk_user_id LIKE 'dashboard_%';
DELETE FROM coursebase.products WHERE name LIKE 'Bench %'

--# row: dashboard
--# area: Growth
--# work: The administrator's dashboard with 500,000 sales
--# same
SELECT coursebase.admin_dashboard()::text = answer::text FROM bench_peer.dashboard
--# statement ours: admin_dashboard() | time <= 0.5
SELECT length(coursebase.admin_dashboard()::text)
--# statement hand: one statement for the same figures | time >= 0.8
SELECT length(answer::text) FROM bench_peer.dashboard
