-- Anyone sees the outline of a course that they may read, and previews whole; a buyer the lessons; an administrator
-- everything. Policies, can_view_lesson() and its explanation agree, for every status of section and lesson.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-00000000e100', 'lesson_buyer', 'Ada', 'ada@example.org', 'user'),
    ('00000000-0000-4000-8000-00000000e101', 'lesson_other', 'Bob', 'bob@example.org', 'user'),
    ('00000000-0000-4000-8000-00000000e102', 'lesson_admin', 'Eve', 'eve@example.org', 'admin');
DELETE FROM coursebase.courses;
-- On offer, in preparation, and free; each with every status of section, and every status of lesson in each.
INSERT INTO coursebase.courses (id, course_code, title, description, price_in_cents, currency, is_free) VALUES
    ('00000000-0000-4000-8000-00000000e200', 'L90LES', 'offered', '', 900, 'USD', false),
    ('00000000-0000-4000-8000-00000000e201', NULL, 'hidden', '', NULL, NULL, false),
    ('00000000-0000-4000-8000-00000000e202', NULL, 'free', '', NULL, NULL, true);
INSERT INTO coursebase.course_sections (course_id, name, status)
SELECT c.id, concat_ws(' ', c.title, s), s FROM coursebase.courses c, unnest(enum_range(NULL::coursebase.course_section_status)) s
ORDER BY c.id, s;
INSERT INTO coursebase.lessons (section_id, name, status)
SELECT s.id, concat_ws(' ', s.name, l), l FROM coursebase.course_sections s, unnest(enum_range(NULL::coursebase.lesson_status)) l
ORDER BY s.name, l;
INSERT INTO coursebase.lesson_contents (lesson_id, body) SELECT id, name FROM coursebase.lessons;
INSERT INTO coursebase.user_course_access (user_id, course_id)
SELECT '00000000-0000-4000-8000-00000000e100', id FROM coursebase.courses WHERE NOT is_free;
CREATE TEMP TABLE every_lesson AS SELECT id, name FROM coursebase.lessons;
GRANT SELECT ON every_lesson TO PUBLIC;

\set sections 'SELECT string_agg(name, \', \' ORDER BY name) FROM coursebase.course_sections;'
\set lessons 'SELECT string_agg(name, \', \' ORDER BY name) FROM coursebase.lessons;'
\set contents 'SELECT string_agg(body, \', \' ORDER BY body) FROM coursebase.lesson_contents;'
-- The function, its explanation and the contents' policy disagree nowhere, asked one by one, all at once, or from elsewhere.
\set agree 'SELECT count(*) FROM every_lesson e WHERE coursebase.can_view_lesson(e.id) <> EXISTS (SELECT FROM coursebase.lesson_contents c WHERE c.lesson_id = e.id) OR coursebase.can_view_lesson(e.id) <> EXISTS (SELECT FROM coursebase.explain_can_view_lesson(e.id) x WHERE x.passed) OR coursebase.can_view_lesson(e.id) <> coursebase.can_view_lesson(e.id, at => now() + interval \'1 s\');'
SET LOCAL ROLE regress_anonymous;
:sections
:lessons
:contents
:agree
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"lesson_other"}';
:sections
:contents
:agree
SET LOCAL request.jwt.claims = '{"sub":"lesson_buyer"}';
:sections
:lessons
:contents
:agree
SET LOCAL request.jwt.claims = '{"sub":"lesson_admin"}';
SELECT count(*) FROM coursebase.course_sections;
SELECT count(*) FROM coursebase.lessons;
SELECT count(*) FROM coursebase.lesson_contents;
:agree

-- What is shown of sections is what readable_course_ids() says of their courses, for each.
CREATE FUNCTION pg_temp.compare(claims text) RETURNS bigint LANGUAGE sql AS $$
    SELECT set_config('request.jwt.claims', claims, true);
    SELECT count(*) FROM coursebase.course_sections s, coursebase.is_admin() a
    WHERE coursebase.can_read_section(s.id) <> (a OR s.status = 'public' AND s.course_id = ANY (coursebase.readable_course_ids()))
$$;
RESET ROLE;
SELECT pg_temp.compare(''), pg_temp.compare('{"sub":"lesson_other"}'), pg_temp.compare('{"sub":"lesson_buyer"}'), pg_temp.compare('{"sub":"lesson_admin"}');

-- Why; what is not shown reads like what is not there. The server asks about anybody, a person about nobody else.
\set why 'SELECT x.rule, x.passed, x.reason FROM every_lesson e, coursebase.explain_can_view_lesson(e.id) x WHERE e.name ='
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"lesson_other"}';
:why 'offered public public';
:why 'offered public preview';
:why 'offered private public';
SELECT rule, passed, reason FROM coursebase.explain_can_view_lesson('00000000-0000-4000-8000-00000000e1ff');
:why 'hidden public public';
-- Of what is neither listed nor viewed nothing else is told, however one asks.
\set told 'SELECT count(*) FROM every_lesson e, (VALUES (NULL::uuid, now()), (coursebase.current_user_id(), now()), (NULL, \'2020-01-01\')) a (id, at) WHERE e.id NOT IN (SELECT id FROM coursebase.lessons) AND NOT coursebase.can_view_lesson(e.id) AND (SELECT array_agg(x ORDER BY x.rule) FROM coursebase.explain_can_view_lesson(e.id, a.id, a.at) x) <> (SELECT array_agg(x ORDER BY x.rule) FROM coursebase.explain_can_view_lesson(\'00000000-0000-4000-8000-00000000e1ff\', a.id, a.at) x);'
:told
SET LOCAL ROLE regress_anonymous;
SET LOCAL request.jwt.claims = '';
:told
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"lesson_other"}';
SELECT coursebase.can_view_lesson(e.id, '00000000-0000-4000-8000-00000000e100') FROM every_lesson e LIMIT 1;
SET LOCAL ROLE regress_server;
SET LOCAL request.jwt.claims = '';
SELECT x.rule, x.reason FROM every_lesson e, coursebase.explain_can_view_lesson(e.id, '00000000-0000-4000-8000-00000000e101') x WHERE e.name = 'hidden public public';
SELECT e.name, coursebase.can_view_lesson(e.id, '00000000-0000-4000-8000-00000000e100') AS buyer, coursebase.can_view_lesson(e.id, '00000000-0000-4000-8000-00000000e102') AS admin, coursebase.can_view_lesson(e.id, '00000000-0000-4000-8000-00000000e1ff') AS unknown
FROM every_lesson e WHERE e.name LIKE 'offered%' ORDER BY 1;

-- What is kept of sections is dropped when something changes: access, a status, the account, a savepoint.
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"lesson_buyer"}';
\set seen 'SELECT (SELECT count(*) FROM coursebase.lessons), (SELECT count(*) FROM coursebase.lesson_contents);'
:seen
RESET ROLE;
SAVEPOINT before;
DELETE FROM coursebase.user_course_access WHERE course_id = '00000000-0000-4000-8000-00000000e201';
SET LOCAL ROLE regress_end_user;
:seen
ROLLBACK TO before;
SET LOCAL ROLE regress_end_user;
:seen
RESET ROLE;
UPDATE coursebase.course_sections SET status = 'private' WHERE name = 'offered public';
SET LOCAL ROLE regress_end_user;
:seen
-- Nobody but an administrator writes.
INSERT INTO coursebase.lessons (section_id, name) SELECT id, 'mine' FROM coursebase.course_sections LIMIT 1;
UPDATE coursebase.lessons SET status = 'preview';
DELETE FROM coursebase.course_sections;
ROLLBACK;
