# A team arrives with 100,000 people and what they bought.
# Needs: people.
# DEMO_PEOPLE, a multiple of 100 and 1000 at least, is how many come: 100,000 unless set.
arriving=${DEMO_PEOPLE:-100000}
buying=$((arriving / 10 * 9))
step 'The team has tables of its own in a schema beside: people, two courses a product, purchases of which some were refunded, and who may use what, with some courses given away.'
sql <<'SQL'
CREATE SCHEMA shop;
CREATE TABLE shop.users (id uuid PRIMARY KEY, clerk_user_id text, name text, email text, created_at timestamptz);
CREATE TABLE shop.courses (id uuid PRIMARY KEY, name text, description text);
CREATE TABLE shop.products (id uuid PRIMARY KEY, name text, description text, image_url text, price_dollars integer);
CREATE TABLE shop.course_products (course_id uuid, product_id uuid, created_at timestamptz);
CREATE TABLE shop.purchases (id uuid PRIMARY KEY, user_id uuid, product_id uuid, price_paid_in_cents integer, product_details jsonb,
    stripe_session_id text, created_at timestamptz, refunded_at timestamptz);
CREATE TABLE shop.user_course_access (user_id uuid, course_id uuid, created_at timestamptz, PRIMARY KEY (user_id, course_id));
SQL
value made <<SQL
INSERT INTO shop.users
SELECT md5('person ' || n)::uuid, 'user_shop_' || n, 'Person ' || n, 'Person' || n || '@Example.org', '2024-01-01'
FROM generate_series(1, $arriving) n;
INSERT INTO shop.courses SELECT md5('course ' || n)::uuid, 'Course ' || n, '' FROM generate_series(1, 21) n;
INSERT INTO shop.products SELECT md5('product ' || n)::uuid, 'Product ' || n, '', '/p.png', 29 FROM generate_series(1, 10) n;
INSERT INTO shop.course_products
SELECT md5('course ' || 2 * n - k)::uuid, md5('product ' || n)::uuid, '2023-01-01' FROM generate_series(1, 10) n, generate_series(0, 1) k;
INSERT INTO shop.purchases
SELECT md5('purchase ' || n)::uuid, md5('person ' || n % $buying + 1)::uuid, md5('product ' || (n + n / $buying) % 10 + 1)::uuid, 2900,
    '{"name": "Product", "description": "", "imageUrl": "/p.png"}', 'cs_shop_' || n, '2024-02-01',
    CASE WHEN n % 25 = 0 THEN '2024-03-01'::timestamptz END
FROM generate_series(1, $arriving / 5 * 6) n;
INSERT INTO shop.user_course_access
SELECT DISTINCT s.user_id, l.course_id, s.created_at FROM shop.purchases s JOIN shop.course_products l USING (product_id)
WHERE s.refunded_at IS NULL;
INSERT INTO shop.user_course_access SELECT md5('person ' || n)::uuid, md5('course 21')::uuid, '2024-04-01' FROM generate_series(1, $arriving / 20) n;
SELECT to_char($arriving, 'FM9,999,999') || ' people who came with ' || to_char($arriving / 5 * 6, 'FM9,999,999') || ' purchases';
SQL
sql <<'SQL'
SELECT (SELECT count(*) FROM shop.users) AS people, (SELECT count(*) FROM shop.purchases) AS purchases,
    (SELECT count(*) FROM shop.purchases WHERE refunded_at IS NOT NULL) AS refunded, (SELECT count(*) FROM shop.user_course_access) AS access;
SQL

step 'They load their rows while triggers are off. The SELECT of each INSERT says what their columns are called here.'
sql <<'SQL'
\timing on
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, created_at)
SELECT id, clerk_user_id, name, email, created_at FROM shop.users;
INSERT INTO coursebase.courses (id, title, description) SELECT id, name, description FROM shop.courses;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status)
SELECT id, name, description, image_url, price_dollars, 'public' FROM shop.products;
INSERT INTO coursebase.course_products (course_id, product_id, created_at)
SELECT course_id, product_id, created_at FROM shop.course_products;
INSERT INTO coursebase.purchases (id, user_id, product_id, price_paid_in_cents, product_details, stripe_session_id, created_at,
    refunded_at, refunded_in_cents)
SELECT id, user_id, product_id, price_paid_in_cents, product_details, stripe_session_id, created_at, refunded_at,
    CASE WHEN refunded_at IS NULL THEN 0 ELSE price_paid_in_cents END FROM shop.purchases;
INSERT INTO coursebase.user_course_access (user_id, course_id, created_at)
SELECT user_id, course_id, created_at FROM shop.user_course_access;
COMMIT;
SQL

step 'One call makes what the triggers would have made: profiles with referral codes, and a grant for each right. It would end with a check of everything; that is asked for by itself here, to see what each takes. The check finds nothing.'
sql <<'SQL'
\timing on
SELECT * FROM coursebase.adopt(verify => false);
SELECT * FROM coursebase.check_integrity();
SQL

step 'Everybody has what they bought and were given, and nothing else; and a refund of one who came takes away what that purchase gave.'
sql <<'SQL'
SELECT count(*) AS differences FROM (
    (SELECT user_id, course_id FROM shop.user_course_access EXCEPT SELECT user_id, course_id FROM coursebase.user_course_access)
    UNION ALL
    (SELECT a.user_id, a.course_id FROM coursebase.user_course_access a JOIN shop.users u ON u.id = a.user_id
     EXCEPT SELECT user_id, course_id FROM shop.user_course_access)) d;
SQL
value differences <<SQL
SELECT count(*) FROM shop.users u
JOIN shop.courses c ON coursebase.has_course_access(c.id, u.id)
    <> EXISTS (SELECT FROM shop.user_course_access a WHERE a.user_id = u.id AND a.course_id = c.id)
WHERE u.clerk_user_id IN ('user_shop_2', 'user_shop_25', 'user_shop_$((buying + 1))', 'user_shop_$((arriving / 20 * 19))');
SQL
sql_as app_server <<'SQL'
SELECT title, is_bought, is_granted FROM coursebase.user_access WHERE user_id = md5('person 702')::uuid ORDER BY title;
SELECT p.refunded_in_cents FROM coursebase.purchases s CROSS JOIN LATERAL coursebase.refund_purchase(s.id) p
WHERE s.stripe_session_id = 'cs_shop_701';
SELECT title, is_bought, is_granted FROM coursebase.user_access WHERE user_id = md5('person 702')::uuid ORDER BY title;
SQL
value left <<'SQL'
SELECT count(*) FROM coursebase.adopt();
SQL
proved "$made have what they bought, and another call finds nothing to do" "$differences $left" = '0 0'
