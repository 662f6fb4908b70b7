-- Who may use a course completes its lessons: not by a preview, and not by being an administrator. Progress counts
-- what is shown, and next and previous pass over the rest.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
\set VERBOSITY default
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role, deleted_at) VALUES
    ('00000000-0000-4000-8000-00000000e400', 'lesson_done_buyer', 'Ada', 'ada@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-00000000e401', 'lesson_done_other', 'Bob', 'bob@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-00000000e402', 'lesson_done_admin', 'Eve', 'eve@example.org', 'admin', NULL),
    ('00000000-0000-4000-8000-00000000e403', 'lesson_done_gone', 'Dee', 'dee@example.org', 'user', '2026-01-01');
INSERT INTO coursebase.courses (id, course_code, title, description, price_in_cents, currency, is_free) VALUES
    ('00000000-0000-4000-8000-00000000e410', 'L91LES', 'bought', '', 900, 'USD', false),
    ('00000000-0000-4000-8000-00000000e411', NULL, 'free', '', NULL, NULL, true),
    ('00000000-0000-4000-8000-00000000e412', NULL, 'hidden', '', NULL, NULL, false);
-- Public, empty, private, one whose only lesson is private, public.
INSERT INTO coursebase.course_sections (id, course_id, name, status)
SELECT format('00000000-0000-4000-8000-00000000e42%s', n)::uuid, '00000000-0000-4000-8000-00000000e410', n, (ARRAY['public', 'public', 'private', 'public', 'public'])[n]::coursebase.course_section_status
FROM generate_series(1, 5) n ORDER BY n;
INSERT INTO coursebase.course_sections (id, course_id, name, status) VALUES
    ('00000000-0000-4000-8000-00000000e427', '00000000-0000-4000-8000-00000000e411', 'free', 'public'),
    ('00000000-0000-4000-8000-00000000e428', '00000000-0000-4000-8000-00000000e412', 'hidden', 'public');
INSERT INTO coursebase.lessons (id, section_id, name, status)
SELECT format('00000000-0000-4000-8000-00000000e43%s', n)::uuid, format('00000000-0000-4000-8000-00000000e42%s', section)::uuid, n, status::coursebase.lesson_status
FROM (VALUES (1, 1, 'preview'), (2, 1, 'private'), (3, 1, 'public'), (4, 3, 'public'), (5, 4, 'private'), (6, 5, 'public'), (7, 7, 'public'), (8, 8, 'public')) AS v (n, section, status) ORDER BY n;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('00000000-0000-4000-8000-00000000e400', '00000000-0000-4000-8000-00000000e410');
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"lesson_done_buyer"}';
-- again is the same; a private lesson, one of a private section and one that is not there are not to be had
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e431'), coursebase.complete_lesson('00000000-0000-4000-8000-00000000e431');
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e432');
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e434');
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e43f');
SELECT * FROM coursebase.course_progress('00000000-0000-4000-8000-00000000e410');
-- a plain INSERT and DELETE are under the same rule, and for oneself; a lesson of a course that is hidden is as one
-- that is not there
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) VALUES ('00000000-0000-4000-8000-00000000e400', '00000000-0000-4000-8000-00000000e433');
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) VALUES ('00000000-0000-4000-8000-00000000e400', '00000000-0000-4000-8000-00000000e438');
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) VALUES ('00000000-0000-4000-8000-00000000e401', '00000000-0000-4000-8000-00000000e433');
-- what upsert() of supabase-js sends, of a lesson that is complete and of one that is not; it changes nothing, and nobody else's
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) VALUES ('00000000-0000-4000-8000-00000000e400', '00000000-0000-4000-8000-00000000e431'), ('00000000-0000-4000-8000-00000000e400', '00000000-0000-4000-8000-00000000e433')
    ON CONFLICT (user_id, lesson_id) DO UPDATE SET user_id = EXCLUDED.user_id, lesson_id = EXCLUDED.lesson_id RETURNING right(lesson_id::text, 4);
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) VALUES ('00000000-0000-4000-8000-00000000e401', '00000000-0000-4000-8000-00000000e431')
    ON CONFLICT (user_id, lesson_id) DO UPDATE SET user_id = EXCLUDED.user_id, lesson_id = EXCLUDED.lesson_id;
UPDATE coursebase.user_lesson_complete SET lesson_id = '00000000-0000-4000-8000-00000000e433' WHERE lesson_id = '00000000-0000-4000-8000-00000000e431';
UPDATE coursebase.user_lesson_complete SET created_at = '2020-01-01';
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e433', '00000000-0000-4000-8000-00000000e401');
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e438');
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e436');
SELECT lessons, completed, percent, completed_at = now() FROM coursebase.course_progress('00000000-0000-4000-8000-00000000e410');
SELECT section_name, name, status, is_complete FROM coursebase.course_lessons_with_completion WHERE course_id = '00000000-0000-4000-8000-00000000e410' ORDER BY section_order, "order";
-- what is hidden later counts no more, on either side
RESET ROLE;
UPDATE coursebase.lessons SET status = 'private' WHERE id = '00000000-0000-4000-8000-00000000e436';
SET LOCAL ROLE regress_end_user;
SELECT lessons, completed, percent FROM coursebase.course_progress('00000000-0000-4000-8000-00000000e410');
RESET ROLE;
UPDATE coursebase.lessons SET status = 'public' WHERE id = '00000000-0000-4000-8000-00000000e436';
-- access ends: what was done stays, and is not to be changed
DELETE FROM coursebase.user_course_access WHERE user_id = '00000000-0000-4000-8000-00000000e400';
SET LOCAL ROLE regress_end_user;
SELECT coursebase.uncomplete_lesson('00000000-0000-4000-8000-00000000e433');
DELETE FROM coursebase.user_lesson_complete;
SELECT lessons, completed, percent FROM coursebase.course_progress('00000000-0000-4000-8000-00000000e410');
RESET ROLE;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('00000000-0000-4000-8000-00000000e400', '00000000-0000-4000-8000-00000000e410');
SET LOCAL ROLE regress_end_user;
SELECT coursebase.uncomplete_lesson('00000000-0000-4000-8000-00000000e433'), coursebase.uncomplete_lesson('00000000-0000-4000-8000-00000000e433');
SELECT * FROM coursebase.course_progress('00000000-0000-4000-8000-00000000e410');

-- A preview may be viewed, not completed; a free course is everybody's who signs in; an administrator has no course.
SET LOCAL request.jwt.claims = '{"sub":"lesson_done_other"}';
SELECT coursebase.can_view_lesson('00000000-0000-4000-8000-00000000e431'), coursebase.complete_lesson('00000000-0000-4000-8000-00000000e437');
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e431');
SET LOCAL request.jwt.claims = '{"sub":"lesson_done_admin"}';
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e433');
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e433', '00000000-0000-4000-8000-00000000e400');
SET LOCAL request.jwt.claims = '';
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e437');
-- The server names whom, who must be there; what it brings from elsewhere is taken as it is.
SET LOCAL ROLE regress_server;
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e437', '00000000-0000-4000-8000-00000000e403');
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) VALUES ('00000000-0000-4000-8000-00000000e401', '00000000-0000-4000-8000-00000000e438');
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e438', '00000000-0000-4000-8000-00000000e401');
-- A course that is hidden has no lessons but for the server and an administrator; nor has one that is not there.
SELECT lessons, completed, percent FROM coursebase.course_progress('00000000-0000-4000-8000-00000000e412', '00000000-0000-4000-8000-00000000e401');
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"lesson_done_other"}';
SELECT * FROM coursebase.course_progress('00000000-0000-4000-8000-00000000e412');
SELECT * FROM coursebase.course_progress('00000000-0000-4000-8000-00000000e4ff');
SELECT * FROM coursebase.course_progress('00000000-0000-4000-8000-00000000e412', '00000000-0000-4000-8000-00000000e400');

-- Next and previous, of each lesson: as a person, anonymous, and as an administrator. One that is hidden has none, as one that
-- is not there.
\set walk 'SELECT string_agg(concat_ws(\' \', right(l.id::text, 1), right(coursebase.previous_lesson(l.id)::text, 1), right(coursebase.next_lesson(l.id)::text, 1)), \', \' ORDER BY l.id) FROM walked l;'
RESET ROLE;
CREATE TEMP TABLE walked AS SELECT id FROM coursebase.lessons WHERE id::text LIKE '00000000-0000-4000-8000-00000000e43_';
GRANT SELECT ON walked TO PUBLIC;
SET LOCAL ROLE regress_end_user;
:walk
SET LOCAL request.jwt.claims = '{"sub":"lesson_done_admin"}';
:walk
SET LOCAL ROLE regress_anonymous;
SET LOCAL request.jwt.claims = '';
:walk
ROLLBACK;
