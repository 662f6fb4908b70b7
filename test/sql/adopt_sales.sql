-- Promise: adopt() gives everybody what they bought or were given, by purchases and access that came while triggers were
-- off: the grants of a purchase are its own, go with its refund, and access that no purchase explains is a direct grant.
\set ada '\'00000000-0000-4000-8000-0000000ad0a1\''
\set bob '\'00000000-0000-4000-8000-0000000ad0b1\''
\set one '\'00000000-0000-4000-8000-0000000ad1c1\''
\set two '\'00000000-0000-4000-8000-0000000ad1c2\''
\set three '\'00000000-0000-4000-8000-0000000ad1c3\''
\set bundle '\'00000000-0000-4000-8000-0000000ad2b1\''
\set details '\'{"name": "Bundle", "description": "", "imageUrl": "/b.png"}\''
\set sell 'INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, product_id, user_id, stripe_session_id, created_at, refunded_in_cents, refunded_at) SELECT 4900, \'{"name": "Bundle", "description": "", "imageUrl": "/b.png"}\', \'00000000-0000-4000-8000-0000000ad2b1\', '
\set rights 'SELECT u.name, c.title, s.stripe_session_id, s.refunded_at IS NOT NULL AS refunded, a.user_id IS NOT NULL AS access, g.created_at FROM coursebase.course_grants g JOIN coursebase.users u ON u.id = g.user_id JOIN coursebase.courses c ON c.id = g.course_id LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id LEFT JOIN coursebase.user_course_access a ON a.user_id = g.user_id AND a.course_id = g.course_id ORDER BY 1, 3, 2;'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'adopt_ada', 'Ada', 'ada@example.org'), (:bob, 'adopt_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, title, description) VALUES (:one, 'One', ''), (:two, 'Two', ''), (:three, 'Three', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES (:bundle, 'Bundle', '', '/b.png', 49, 'public');
INSERT INTO coursebase.course_products (course_id, product_id, created_at) VALUES (:one, :bundle, '2024-01-01'), (:two, :bundle, '2024-01-01'), (:three, :bundle, '2025-06-01');
SAVEPOINT empty;

-- The purchases alone: what the product had at the sale, and later one course more.
:sell :ada, 'cs_1', '2025-01-01', 0, NULL;
:sell :bob, 'cs_2', '2025-07-01', 0, NULL;
SELECT * FROM coursebase.adopt();
:rights
SELECT * FROM coursebase.adopt();

-- The access that came tells what a purchase gave, when the links came without their times.
ROLLBACK TO empty;
UPDATE coursebase.course_products SET created_at = now();
:sell :ada, 'cs_1', '2025-01-01', 0, NULL;
INSERT INTO coursebase.user_course_access (user_id, course_id, created_at) VALUES (:ada, :one, '2025-01-01'), (:ada, :two, '2025-01-01');
:sell :bob, 'cs_2', '2025-01-01', 0, NULL;
SELECT * FROM coursebase.adopt();
:rights

-- Access of nobody's purchase is a direct grant; that of a refunded purchase too: somebody left it on purpose.
ROLLBACK TO empty;
:sell :ada, 'cs_1', '2025-01-01', 4900, '2025-02-01';
:sell :bob, 'cs_2', '2025-01-01', 4900, '2025-02-01';
INSERT INTO coursebase.user_course_access (user_id, course_id, created_at) VALUES (:ada, :one, '2025-03-01'), (:ada, :three, '2025-03-01');
SELECT * FROM coursebase.adopt();
:rights
SELECT action, object, old, new FROM coursebase.audit_events WHERE action = 'course_grants_adopted';

-- A refund takes what the purchase gave and leaves the direct grant.
ROLLBACK TO empty;
:sell :ada, 'cs_1', '2025-01-01', 0, NULL;
INSERT INTO coursebase.user_course_access (user_id, course_id, created_at) VALUES (:ada, :one, '2025-01-01'), (:ada, :two, '2025-01-01'), (:ada, :three, '2025-01-02');
INSERT INTO coursebase.course_grants (user_id, course_id, created_at) VALUES (:ada, :two, '2025-01-03');
UPDATE coursebase.course_products SET created_at = '2025-06-01' WHERE course_id = :three;
SELECT * FROM coursebase.adopt();
SET LOCAL session_replication_role = origin;
SELECT refunded_in_cents FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases), NULL, '2025-08-01');
:rights
SELECT * FROM coursebase.check_integrity();

-- Grants that somebody took on purpose stay away.
ROLLBACK TO empty;
SET LOCAL session_replication_role = origin;
:sell :ada, 'cs_1', '2025-01-01', 0, NULL;
DELETE FROM coursebase.course_grants;
SELECT * FROM coursebase.adopt();
:rights

-- A product that gives its courses for a time: the terms and the ends follow, a second purchase extends, the access that
-- came is the purchase's and not for ever, and a refund takes the extension.
ROLLBACK TO empty;
UPDATE coursebase.products SET access_days = 30;
:sell :ada, 'cs_1', '2025-01-01', 0, NULL;
:sell :ada, 'cs_2', '2025-01-11', 0, NULL;
:sell :bob, 'cs_3', '2025-01-01', 4900, '2025-01-02';
INSERT INTO coursebase.user_course_access (user_id, course_id, created_at) VALUES (:ada, :one, '2025-01-01'), (:ada, :two, '2025-01-01'), (:bob, :three, '2025-01-01');
SELECT * FROM coursebase.adopt();
SELECT * FROM coursebase.adopt();
SELECT u.name, c.title, s.stripe_session_id, g.expires_at FROM coursebase.course_grants g JOIN coursebase.users u ON u.id = g.user_id
JOIN coursebase.courses c ON c.id = g.course_id LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id ORDER BY 1, 2, 3;
SELECT coursebase.has_course_access(:one, :ada, '2025-02-28'), coursebase.has_course_access(:one, :ada, '2025-03-02'), coursebase.has_course_access(:three, :bob, '2030-01-01');
SET LOCAL session_replication_role = origin;
SELECT refunded_in_cents FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases WHERE stripe_session_id = 'cs_1'), NULL, '2025-01-12');
SELECT DISTINCT g.expires_at FROM coursebase.course_grants g JOIN coursebase.purchases s ON s.id = g.purchase_id AND s.stripe_session_id = 'cs_2';
SELECT * FROM coursebase.check_integrity();

-- Purchases and access of people, products and courses that are not there are named.
ROLLBACK TO empty;
SET LOCAL session_replication_role = replica;
:sell '00000000-0000-4000-8000-0000000ad0ff', 'cs_1', '2025-01-01', 0, NULL;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, '00000000-0000-4000-8000-0000000ad1ff');
SELECT what, made, not_understood, regexp_replace(example, 'purchases [-0-9a-f]+', 'purchases ...') FROM coursebase.adopt();

-- So are purchases from whose time no days can be counted; the others get theirs.
ROLLBACK TO empty;
UPDATE coursebase.products SET access_days = 30;
:sell :ada, 'cs_1', '-infinity', 0, NULL;
:sell :ada, 'cs_2', 'infinity', 0, NULL;
:sell :ada, 'cs_3', '294276-12-31', 0, NULL;
:sell :bob, 'cs_4', '2025-01-01', 0, NULL;
SELECT what, made, not_understood, regexp_replace(example, 'purchases [-0-9a-f]+|counted from .*', '...', 'g') FROM coursebase.adopt();
SELECT u.name, count(*), min(g.expires_at), max(g.expires_at) FROM coursebase.course_grants g JOIN coursebase.users u ON u.id = g.user_id GROUP BY 1;
ROLLBACK;
