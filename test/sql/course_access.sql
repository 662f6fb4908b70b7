-- Who may use a course reads its document; the catalogue shows what is on offer; a purchase of a custom course is
-- its owner's to see and nobody else's.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-00000000d100', 'access_ada', 'Ada', 'ada@example.org', 'user'),
    ('00000000-0000-4000-8000-00000000d101', 'access_bob', 'Bob', 'bob@example.org', 'user'),
    ('00000000-0000-4000-8000-00000000d102', 'access_eve', 'Eve', 'eve@example.org', 'admin');
DELETE FROM coursebase.courses;
INSERT INTO coursebase.courses (id, course_code, title, description, price_in_cents, currency, is_free) VALUES
    ('00000000-0000-4000-8000-00000000d200', 'C90ACC', 'free', '', NULL, NULL, true),
    ('00000000-0000-4000-8000-00000000d201', 'C91ACC', 'priced', '', 900, 'USD', false),
    ('00000000-0000-4000-8000-00000000d202', 'C92ACC', 'has no price', '', NULL, NULL, false),
    ('00000000-0000-4000-8000-00000000d203', NULL, 'has no code', '', 900, 'USD', false);
INSERT INTO coursebase.course_documents (course_id, data) SELECT id, to_json(title) FROM coursebase.courses;
SELECT count(*) FROM coursebase.create_custom_course('00000000-0000-4000-8000-00000000d100', 'app_store', 'production', 'access', 't');
\set seen 'SELECT current_user, (SELECT array_agg(title ORDER BY id) FROM coursebase.courses), (SELECT array_agg(data::text ORDER BY course_id) FROM coursebase.course_documents), cardinality(coursebase.accessible_course_ids());'
\set purchases 'SELECT count(*), cardinality(coursebase.own_custom_course_ids()) FROM coursebase.custom_course_purchases WHERE purchase_id = ''access'';'

SET LOCAL ROLE regress_anonymous;
:seen
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"access_ada"}';
:seen
:purchases
SET LOCAL request.jwt.claims = '{"sub":"access_bob"}';
:purchases
SET LOCAL request.jwt.claims = '{"sub":"access_eve"}';
:seen
:purchases
SET LOCAL request.jwt.claims = '';
:purchases

-- oneself may be named, others by an administrator or the server; who does not exist is refused in the same words
SET LOCAL request.jwt.claims = '{"sub":"access_ada"}';
SELECT cardinality(coursebase.accessible_course_ids('00000000-0000-4000-8000-00000000d100'));
SELECT coursebase.accessible_course_ids('00000000-0000-4000-8000-00000000d102');
\echo :SQLSTATE
SELECT coursebase.accessible_course_ids('00000000-0000-4000-8000-00000000d1ff');
\echo :SQLSTATE
SET LOCAL request.jwt.claims = '{"sub":"access_eve"}';
SELECT cardinality(coursebase.accessible_course_ids('00000000-0000-4000-8000-00000000d100'));
SET LOCAL ROLE regress_server;
SET LOCAL request.jwt.claims = '';
SELECT cardinality(coursebase.accessible_course_ids('00000000-0000-4000-8000-00000000d102')),
       cardinality(coursebase.accessible_course_ids('00000000-0000-4000-8000-00000000d1ff'));

-- what is the server's works with the server's grants alone
SELECT appended FROM coursebase.custom_courses c, coursebase.update_json(c.id, '{"url":"https://a/1"}')
WHERE user_id = '00000000-0000-4000-8000-00000000d100';
SELECT v.valid, r.link_token = p.link_token
FROM coursebase.custom_course_purchases p, coursebase.verify_gen_link(p.link_token) v, coursebase.manage_regen_requests(p.id) r
WHERE p.purchase_id = 'access';
SELECT count(*) FROM coursebase.create_custom_course('00000000-0000-4000-8000-00000000d101', 'app_store', 'production', 'access 2', 't');

-- courses and documents are an administrator's to write
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"access_ada"}';
INSERT INTO coursebase.courses (title, description) VALUES ('mine', '');
\echo :SQLSTATE
INSERT INTO coursebase.course_documents (course_id, data) VALUES ('00000000-0000-4000-8000-00000000d200', '{}');
\echo :SQLSTATE
UPDATE coursebase.courses SET is_free = true RETURNING id;
UPDATE coursebase.course_documents SET data = '{}' RETURNING course_id;
DELETE FROM coursebase.courses RETURNING id;
UPDATE coursebase.custom_course_purchases SET is_submitted = false;
\echo :SQLSTATE
SELECT * FROM coursebase.custom_courses;
\echo :SQLSTATE
SELECT coursebase.json_append('[]', '{}', '1');
\echo :SQLSTATE
SET LOCAL request.jwt.claims = '{"sub":"access_eve"}';
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-00000000d204', 'new', '') RETURNING title;
INSERT INTO coursebase.course_documents (course_id, data) VALUES ('00000000-0000-4000-8000-00000000d204', '{"a": 1}')
RETURNING checksum = md5('{"a": 1}');
UPDATE coursebase.courses SET is_free = true WHERE title = 'new' RETURNING title;
DELETE FROM coursebase.courses WHERE title = 'new' RETURNING title;
INSERT INTO coursebase.courses (course_code, title, description) VALUES ('X14ENB', 'custom', '');
\echo :SQLSTATE
ROLLBACK;
