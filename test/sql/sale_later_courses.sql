-- Promise: a course that is added to a product which gives later courses is given to everybody who bought it and may still
-- use it, bound to the purchase and until its end; what is taken out of a product stays with those who bought it.
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
BEGIN;
SET LOCAL timezone = 'UTC';
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000000ec0a' || n)::uuid, 'later_' || n, 'n', 'e@example.org' FROM generate_series(1, 4) n;
INSERT INTO coursebase.courses (id, title, description) SELECT ('00000000-0000-4000-8000-0000000ec2c' || n)::uuid, 'Course ' || n, '' FROM generate_series(1, 5) n;
\set one '\'00000000-0000-4000-8000-0000000ec2c1\''
\set two '\'00000000-0000-4000-8000-0000000ec2c2\''
\set three '\'00000000-0000-4000-8000-0000000ec2c3\''
\set four '\'00000000-0000-4000-8000-0000000ec2c4\''
\set five '\'00000000-0000-4000-8000-0000000ec2c5\''
SELECT coursebase.save_product(NULL, 'Bundle', '', '/b.png', 49, 'public', ARRAY[:one]::uuid[], gives_later_courses => true) AS bundle \gset
SELECT coursebase.save_product(NULL, 'Month', '', '/b.png', 49, 'public', ARRAY[:one]::uuid[], 30, gives_later_courses => true) AS month \gset
SELECT coursebase.save_product(NULL, 'Fixed', '', '/b.png', 49, 'public', ARRAY[:one]::uuid[]) AS fixed \gset
-- a buyer; one who was refunded; one of the fixed product; of a month: one long ago, one who extended it, one of today
PREPARE sell (integer, uuid, text, timestamptz) AS SELECT status FROM coursebase.complete_purchase(('00000000-0000-4000-8000-0000000ec0a' || $1)::uuid, $2, $3, 100, 'paid', $4);
EXECUTE sell (1, :'bundle', 's1', now() - interval '400 days');
EXECUTE sell (2, :'bundle', 's2', now() - interval '40 days');
EXECUTE sell (3, :'fixed', 's3', now() - interval '40 days');
EXECUTE sell (4, :'month', 's4', now() - interval '40 days');
EXECUTE sell (1, :'month', 's5', now() - interval '40 days');
EXECUTE sell (1, :'month', 's6', now() - interval '20 days');
EXECUTE sell (2, :'month', 's7', now());
UPDATE coursebase.purchases SET refunded_at = now() WHERE stripe_session_id = 's2';
PREPARE given AS SELECT right(g.course_id::text, 2), string_agg(concat(s.stripe_session_id, to_char(g.expires_at - now(), ' DD')), ', ' ORDER BY s.stripe_session_id)
    FROM coursebase.course_grants g JOIN coursebase.purchases s ON s.id = g.purchase_id GROUP BY 1 ORDER BY 1;
EXECUTE given;
INSERT INTO coursebase.course_products (product_id, course_id) VALUES (:'bundle', :two), (:'month', :two), (:'fixed', :two);
EXECUTE given;
SELECT right(user_id::text, 2) FROM coursebase.user_course_access WHERE course_id = :two;
SELECT coursebase.has_course_access(:two, '00000000-0000-4000-8000-0000000ec0a2', at => now() + interval '29 days'), coursebase.has_course_access(:two, '00000000-0000-4000-8000-0000000ec0a2', at => now() + interval '30 days');
-- by save_product(), once, and with the courses that are there
SELECT coursebase.save_product(:'bundle', NULL, NULL, NULL, NULL, NULL, ARRAY[:one, :two, :three]::uuid[]) = :'bundle';
SELECT coursebase.save_product(:'bundle', NULL, NULL, NULL, NULL, NULL, ARRAY[:one, :two, :three]::uuid[]) = :'bundle';
EXECUTE given;
-- moved to the product by an UPDATE; an UPDATE that moves nothing gives nothing back that was taken
UPDATE coursebase.course_products SET product_id = :'fixed' WHERE product_id = :'bundle' AND course_id = :three;
UPDATE coursebase.course_products SET course_id = :four WHERE product_id = :'bundle' AND course_id = :two;
EXECUTE given;
DELETE FROM coursebase.course_grants WHERE course_id = :four;
UPDATE coursebase.course_products SET created_at = created_at WHERE product_id = :'bundle';
EXECUTE given;
-- While it is off nothing is given, also not afterwards. The reversal of a refund gives what came before.
SELECT coursebase.save_product(:'bundle', NULL, NULL, NULL, NULL, NULL, ARRAY[:one, :five]::uuid[], gives_later_courses => false) = :'bundle';
UPDATE coursebase.products SET gives_later_courses = true WHERE id = :'bundle';
EXECUTE given;
UPDATE coursebase.purchases SET refunded_at = NULL WHERE stripe_session_id = 's2';
EXECUTE given;
SELECT right(course_id::text, 2) FROM coursebase.user_course_access WHERE user_id::text LIKE '%a2' ORDER BY 1;
SELECT check_name, object, problem FROM coursebase.check_integrity();
ROLLBACK;
