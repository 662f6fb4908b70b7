-- Promise: a public product has a course at every commit; what is linked or sold is not deleted; anyone sees what
-- is public and no more; an administrator saves a product and its courses in one call; a country pays its price.
\getenv abs_srcdir PG_ABS_SRCDIR
\set bundle '\'00000000-0000-4000-8000-0000000e31b1\''
\set draft '\'00000000-0000-4000-8000-0000000e31b2\''
\set one '\'00000000-0000-4000-8000-0000000e32c1\''
\set two '\'00000000-0000-4000-8000-0000000e32c2\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
CREATE ROLE regress_product_anonymous;
CREATE ROLE regress_product_user;
SELECT coursebase.grant_roles('regress_product_anonymous', 'regress_product_user', NULL);
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-0000000e30a1', 'product_ada', 'Ada', 'ada@example.org', 'user'),
    ('00000000-0000-4000-8000-0000000e30c1', 'product_root', 'Root', 'root@example.org', 'admin');
INSERT INTO coursebase.courses (id, title, description) VALUES (:one, 'One', ''), (:two, 'Two', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES
    (:bundle, 'Bundle', 'Both', '/bundle.png', 49), (:draft, 'Draft', '', 'https://example.org/d.png', 0);
SELECT pg_temp.refused(format('INSERT INTO coursebase.products (name, description, image_url, price_dollars) VALUES (%L, %L, %L, %s)', n, '', i, p))
FROM (VALUES ('x', '/ok', 0), ('x', 'http://a.example', 0), ('x', 'https://a.example/b c', 0), ('x', '//a.example/b', 0), ('x', 'javascript:x', 0),
    ('x', 'b.png', 0), ('x', '', 0), ('x', 'https://', 0), (' ', '/ok', 0), ('x', '/ok', -1)) AS v (n, i, p);

-- Public without a course: refused when the transaction ends, or when it asks.
SAVEPOINT empty;
UPDATE coursebase.products SET status = 'public' WHERE id = :bundle;
SELECT pg_temp.refused('SET CONSTRAINTS ALL IMMEDIATE');
INSERT INTO coursebase.course_products (course_id, product_id) VALUES (:one, :bundle), (:two, :bundle);
SELECT pg_temp.refused('SET CONSTRAINTS ALL IMMEDIATE');
-- The last course cannot go, nor move to another product; it may be replaced within a transaction.
DELETE FROM coursebase.course_products WHERE course_id = :one;
SELECT pg_temp.refused(format('DELETE FROM coursebase.course_products WHERE course_id = %L', :two));
SELECT pg_temp.refused(format('UPDATE coursebase.course_products SET product_id = %L WHERE course_id = %L', :draft, :two));
SET CONSTRAINTS ALL DEFERRED;
DELETE FROM coursebase.course_products WHERE course_id = :two;
INSERT INTO coursebase.course_products (course_id, product_id) VALUES (:one, :bundle);
SELECT pg_temp.refused('SET CONSTRAINTS ALL IMMEDIATE');
SET CONSTRAINTS ALL DEFERRED;
DELETE FROM coursebase.course_products WHERE product_id = :bundle;
UPDATE coursebase.products SET status = 'private' WHERE id = :bundle;
SELECT pg_temp.refused('SET CONSTRAINTS ALL IMMEDIATE');
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO coursebase.course_products (course_id, product_id) VALUES (:one, :bundle), (:two, :bundle);
UPDATE coursebase.products SET status = 'public' WHERE id = :bundle;

-- Deleted: a course that is linked stays; a product goes with its links, and stays once it was sold.
SELECT left(pg_temp.refused(format('DELETE FROM coursebase.courses WHERE id = %L', :one)), 2);
SAVEPOINT unsold;
DELETE FROM coursebase.products WHERE id = :bundle;
SELECT count(*) FROM coursebase.course_products WHERE product_id = :bundle;
DELETE FROM coursebase.courses WHERE id = :one;
ROLLBACK TO unsold;
SELECT status FROM coursebase.complete_purchase('00000000-0000-4000-8000-0000000e30a1', :bundle, 'cs_p1', 4900, 'paid', '2026-03-01 12:00+00');
SELECT left(pg_temp.refused(format('DELETE FROM coursebase.products WHERE id = %L', :bundle)), 2);
SELECT count(*) FROM coursebase.course_products WHERE product_id = :bundle;
ROLLBACK TO unsold;

-- What anonymous, a person and an administrator see.
INSERT INTO coursebase.course_products (course_id, product_id) VALUES (:two, :draft);
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000e32c3', 'Three', '');
INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('00000000-0000-4000-8000-0000000e32c3', :draft);
CREATE FUNCTION pg_temp.seen() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' / ',
        (SELECT string_agg(name, ' ' ORDER BY name) FROM coursebase.products WHERE name IN ('Bundle', 'Draft')),
        (SELECT string_agg(title, ' ' ORDER BY title) FROM coursebase.courses WHERE id::text LIKE '%e32c_'),
        (SELECT count(*) FROM coursebase.course_products WHERE course_id::text LIKE '%e32c_'),
        (SELECT string_agg(name || cardinality(course_ids), ' ' ORDER BY name) FROM coursebase.storefront_products WHERE name IN ('Bundle', 'Draft')));
$$;
SET LOCAL ROLE regress_product_anonymous;
SELECT pg_temp.seen();
SET LOCAL ROLE regress_product_user;
SET LOCAL request.jwt.claims = '{"sub": "product_ada"}';
SELECT pg_temp.seen();
-- What a person may use is seen as well, whatever sells it.
RESET ROLE;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('00000000-0000-4000-8000-0000000e30a1', '00000000-0000-4000-8000-0000000e32c3');
SET LOCAL ROLE regress_product_user;
SELECT pg_temp.seen();
-- A person saves nothing.
SELECT pg_temp.refused(call) FROM unnest(ARRAY[
    'SELECT coursebase.save_product(NULL, ''New'', '''', ''/n.png'', 5, ''public'', NULL)',
    format('SELECT coursebase.save_product(%L, ''New'', '''', ''/n.png'', 5, ''public'', NULL)', :bundle),
    'SELECT coursebase.save_product(NULL, ''New'', '''', ''/n.png'', -5)',
    'SELECT coursebase.admin_dashboard()']) AS call;
SET LOCAL request.jwt.claims = '{"sub": "product_root"}';
SELECT pg_temp.seen();
-- An administrator does, in one call: all the courses, each once; what is NULL stays.
SELECT coursebase.save_product(NULL, 'New', 'Fresh', '/n.png', 5, 'public', ARRAY[:one, :two, :one]::uuid[]) AS new \gset
SELECT name, description, image_url, price_dollars, cardinality(course_ids) FROM coursebase.storefront_products WHERE product_id = :'new';
SELECT coursebase.save_product(:'new', NULL, NULL, NULL, 7, NULL, ARRAY[:two]::uuid[]) = :'new';
SELECT p.name, p.price_dollars, p.status, l.course_id = :two FROM coursebase.products p JOIN coursebase.course_products l ON l.product_id = p.id WHERE p.id = :'new';
SELECT coursebase.save_product(:'new', 'Newer', NULL, NULL, NULL, NULL, NULL) = :'new';
SELECT name, cardinality(course_ids) FROM coursebase.storefront_products WHERE product_id = :'new';
SELECT replace(pg_temp.refused(call), :'new', 'the new one''s') FROM unnest(ARRAY[
    format('SELECT coursebase.save_product(%L, NULL, NULL, NULL, NULL, NULL, %L); SET CONSTRAINTS ALL IMMEDIATE', :'new', '{}'),
    format('SELECT coursebase.save_product(%L, NULL, NULL, NULL, NULL, NULL, %L)', :'new', '{NULL}'),
    format('SELECT coursebase.save_product(%L, NULL, NULL, NULL, NULL, %L, NULL)', :'new', 'hidden'),
    format('SELECT coursebase.save_product(%L, NULL, NULL, NULL, NULL, NULL, NULL)', :one),
    'SELECT coursebase.save_product(NULL, ''x'', '''', ''/n.png'', -5, NULL, NULL)',
    'SELECT coursebase.save_product(NULL, '' '', '''', ''/n.png'', 5)',
    'SELECT coursebase.save_product(NULL, ''x'', '''', ''n.png'', 5)',
    'SELECT coursebase.save_product(NULL, ''x'', '''', ''/n.png'', 5, access_days => 36501)',
    'SELECT coursebase.save_product(NULL, ''x'', '''', ''/n.png'', 5, access_until => ''-infinity'')',
    'SELECT coursebase.save_product(NULL, ''x'', '''', ''/n.png'')']) AS call;
-- Countries.
INSERT INTO coursebase.country_discounts (country, percent_off) VALUES ('PT', 33.33), ('IN', 100);
SELECT pg_temp.refused(format('INSERT INTO coursebase.country_discounts (country, percent_off) VALUES (%L, %s)', c, p)) FROM (VALUES ('pt', 1), ('P1', 1), ('US', 0), ('US', 100.01)) AS v (c, p);
SELECT coursebase.country_price(:bundle, 'US'), coursebase.country_price(:bundle, ' pt '), coursebase.country_price(:bundle, 'IN'), coursebase.country_price(:draft, 'PT');
SET LOCAL ROLE regress_product_anonymous;
SET LOCAL request.jwt.claims = '';
SELECT coursebase.country_price(:bundle, 'PT'), coursebase.country_price(:draft, 'PT');
ROLLBACK;
