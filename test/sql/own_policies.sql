-- Promise: a row that a policy of the business's own lets somebody write has the triggers' work, as one of the server's has: they stand
-- back for those alone whom our policies refuse.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000e92c1', 'One', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES
    ('00000000-0000-4000-8000-0000000e91b1', 'Draft', '', '/b.png', 1);
ALTER TABLE coursebase.products DISABLE TRIGGER t500_stamp;
UPDATE coursebase.products SET updated_at = '2026-01-01' WHERE id = '00000000-0000-4000-8000-0000000e91b1';
ALTER TABLE coursebase.products ENABLE TRIGGER t500_stamp;

CREATE ROLE regress_support;
GRANT regress_end_user TO regress_support;
GRANT INSERT ON coursebase.course_products TO regress_end_user;
CREATE POLICY support_all ON coursebase.course_products TO regress_support USING (true);
\set add_course 'INSERT INTO coursebase.course_products (course_id, product_id) VALUES (\'00000000-0000-4000-8000-0000000e92c1\', \'00000000-0000-4000-8000-0000000e91b1\');'
SAVEPOINT sound;
SET LOCAL ROLE regress_support;
:add_course
RESET ROLE;
SELECT updated_at > '2026-01-01' AS stamped FROM coursebase.products WHERE id = '00000000-0000-4000-8000-0000000e91b1';
ROLLBACK TO sound;
-- Whom that policy does not name.
SET LOCAL ROLE regress_end_user;
:add_course
ROLLBACK;
