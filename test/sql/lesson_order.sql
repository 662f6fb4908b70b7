-- Sections and lessons have places: the last one where none is said, each once, in an order that is named as a
-- whole; what is deleted leaves a gap, and takes along what hangs from it.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
\set VERBOSITY default
BEGIN;
SET LOCAL client_min_messages = warning;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-00000000e300', 'lesson_order_user', 'Ada', 'ada@example.org', 'user'),
    ('00000000-0000-4000-8000-00000000e301', 'lesson_order_admin', 'Eve', 'eve@example.org', 'admin');
INSERT INTO coursebase.courses (id, title, description) VALUES
    ('00000000-0000-4000-8000-00000000e310', 'one', ''), ('00000000-0000-4000-8000-00000000e311', 'two', '');
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"lesson_order_admin"}';
INSERT INTO coursebase.course_sections (id, course_id, name) VALUES
    ('00000000-0000-4000-8000-00000000e320', '00000000-0000-4000-8000-00000000e310', 'a'),
    ('00000000-0000-4000-8000-00000000e321', '00000000-0000-4000-8000-00000000e310', 'b'),
    ('00000000-0000-4000-8000-00000000e322', '00000000-0000-4000-8000-00000000e311', 'c');
INSERT INTO coursebase.lessons (id, section_id, name)
SELECT format('00000000-0000-4000-8000-00000000e33%s', n)::uuid, '00000000-0000-4000-8000-00000000e320', 'lesson ' || n
FROM generate_series(0, 3) n;
\set order 'SELECT string_agg(s.name || s."order", \' \' ORDER BY s.course_id, s."order"), (SELECT string_agg(concat(p.name, right(l.id::text, 1), \':\', l."order"), \' \' ORDER BY p.name, l."order") FROM coursebase.lessons l JOIN coursebase.course_sections p ON p.id = l.section_id) FROM coursebase.course_sections s WHERE s.course_id IN (\'00000000-0000-4000-8000-00000000e310\', \'00000000-0000-4000-8000-00000000e311\');'
:order
-- A gap stays; the place after the last is next; a place of one's own may be named, and not below 0; where it is taken, the next free one.
DELETE FROM coursebase.lessons WHERE name = 'lesson 1';
INSERT INTO coursebase.lessons (id, section_id, name) VALUES ('00000000-0000-4000-8000-00000000e334', '00000000-0000-4000-8000-00000000e320', 'lesson 4');
INSERT INTO coursebase.lessons (id, section_id, name, "order") VALUES ('00000000-0000-4000-8000-00000000e331', '00000000-0000-4000-8000-00000000e320', 'lesson 1', 1);
:order
INSERT INTO coursebase.lessons (id, section_id, name, "order") VALUES ('00000000-0000-4000-8000-00000000e339', '00000000-0000-4000-8000-00000000e320', 'again', 1);
INSERT INTO coursebase.lessons (section_id, name, "order") VALUES ('00000000-0000-4000-8000-00000000e320', 'below', -1);
INSERT INTO coursebase.lessons (section_id, name) VALUES ('00000000-0000-4000-8000-00000000e3ff', 'nowhere');
-- Moved: the last place there, or the one that is named; a section keeps its lessons, and moves between courses alike.
UPDATE coursebase.lessons SET section_id = '00000000-0000-4000-8000-00000000e321' WHERE name IN ('lesson 3', 'lesson 4');
UPDATE coursebase.lessons SET section_id = '00000000-0000-4000-8000-00000000e321', "order" = 9 WHERE name = 'lesson 0';
UPDATE coursebase.lessons SET section_id = section_id, name = name WHERE name = 'lesson 2';
UPDATE coursebase.course_sections SET course_id = '00000000-0000-4000-8000-00000000e311' WHERE name = 'a';
:order
-- A new order names every one exactly once.
SELECT coursebase.reorder_lessons('00000000-0000-4000-8000-00000000e321', ARRAY['00000000-0000-4000-8000-00000000e330', '00000000-0000-4000-8000-00000000e334', '00000000-0000-4000-8000-00000000e333']::uuid[]);
SELECT coursebase.reorder_sections('00000000-0000-4000-8000-00000000e311', ARRAY['00000000-0000-4000-8000-00000000e320', '00000000-0000-4000-8000-00000000e322']::uuid[]);
:order
SELECT coursebase.reorder_lessons('00000000-0000-4000-8000-00000000e321', ARRAY['00000000-0000-4000-8000-00000000e330', '00000000-0000-4000-8000-00000000e330', '00000000-0000-4000-8000-00000000e333']::uuid[]);
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.reorder_lessons('00000000-0000-4000-8000-00000000e321', ARRAY['00000000-0000-4000-8000-00000000e330', '00000000-0000-4000-8000-00000000e334', '00000000-0000-4000-8000-00000000e333', '00000000-0000-4000-8000-00000000e332']::uuid[]);
SELECT coursebase.reorder_sections('00000000-0000-4000-8000-00000000e311', '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.reorder_sections('00000000-0000-4000-8000-00000000e311', ARRAY[NULL]::uuid[]);
SELECT coursebase.reorder_sections('00000000-0000-4000-8000-00000000e3ff', '{}');
:order
-- Deferred, among other writes of one transaction: only the end must be right.
SET CONSTRAINTS ALL DEFERRED;
UPDATE coursebase.lessons SET "order" = 1 WHERE name = 'lesson 0';
INSERT INTO coursebase.lessons (id, section_id, name, "order") VALUES ('00000000-0000-4000-8000-00000000e335', '00000000-0000-4000-8000-00000000e321', 'lesson 5', 1);
SELECT coursebase.reorder_lessons('00000000-0000-4000-8000-00000000e321', array_agg(id ORDER BY id)) FROM coursebase.lessons WHERE section_id = '00000000-0000-4000-8000-00000000e321';
SET CONSTRAINTS ALL IMMEDIATE;
:order
UPDATE coursebase.lessons SET "order" = 0 WHERE name = 'lesson 5';

-- Others cannot reorder, and are not told whether it is there.
SET LOCAL request.jwt.claims = '{"sub":"lesson_order_user"}';
SELECT coursebase.reorder_sections('00000000-0000-4000-8000-00000000e311', '{}');
\echo :LAST_ERROR_SQLSTATE
SET LOCAL ROLE regress_server;
SET LOCAL request.jwt.claims = '';
SELECT coursebase.reorder_sections('00000000-0000-4000-8000-00000000e311', ARRAY['00000000-0000-4000-8000-00000000e322', '00000000-0000-4000-8000-00000000e320']::uuid[]);

-- Down: a course takes its sections, they their lessons, they contents and completions. Up: nothing.
RESET ROLE;
INSERT INTO coursebase.lesson_contents (lesson_id, body) SELECT id, name FROM coursebase.lessons WHERE name LIKE 'lesson _';
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) SELECT u.id, l.id FROM coursebase.lessons l, coursebase.users u WHERE l.name LIKE 'lesson _' AND u.name = 'Ada' AND u.clerk_user_id = 'lesson_order_user';
\set left 'SELECT (SELECT count(*) FROM coursebase.courses WHERE title IN (\'one\', \'two\')), (SELECT count(*) FROM coursebase.course_sections WHERE name IN (\'a\', \'b\', \'c\')), (SELECT count(*) FROM coursebase.lessons WHERE name LIKE \'lesson _\'), (SELECT count(*) FROM coursebase.lesson_contents WHERE body LIKE \'lesson _\'), (SELECT count(*) FROM coursebase.user_lesson_complete WHERE user_id = \'00000000-0000-4000-8000-00000000e300\');'
:left
DELETE FROM coursebase.user_lesson_complete WHERE lesson_id = '00000000-0000-4000-8000-00000000e335';
DELETE FROM coursebase.lesson_contents WHERE lesson_id = '00000000-0000-4000-8000-00000000e335';
:left
DELETE FROM coursebase.lessons WHERE name = 'lesson 4';
:left
DELETE FROM coursebase.course_sections WHERE name = 'b';
:left
SAVEPOINT before;
DELETE FROM coursebase.users WHERE id = '00000000-0000-4000-8000-00000000e300';
:left
ROLLBACK TO before;
DELETE FROM coursebase.courses WHERE title = 'two';
:left

-- check_integrity() finds a place that two hold, which only switched-off triggers let in.
INSERT INTO coursebase.course_sections (id, course_id, name) VALUES ('00000000-0000-4000-8000-00000000e323', '00000000-0000-4000-8000-00000000e310', 'd');
SELECT count(*) FROM coursebase.check_integrity();
SET LOCAL session_replication_role = replica;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO coursebase.course_sections (id, course_id, name, "order") VALUES ('00000000-0000-4000-8000-00000000e324', '00000000-0000-4000-8000-00000000e310', 'e', 0);
INSERT INTO coursebase.lessons (section_id, name, "order") VALUES ('00000000-0000-4000-8000-00000000e324', 'x', 3), ('00000000-0000-4000-8000-00000000e324', 'y', 3);
SELECT check_name, object, problem FROM coursebase.check_integrity();
ROLLBACK;
