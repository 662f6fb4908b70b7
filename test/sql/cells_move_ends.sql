-- Promise: who moves has in the new cell what was sold or given with an end, also where no grant of the course had an end before.
\set ada '\'00000000-0000-4000-a000-0000000ec3a1\''
\set course '\'00000000-0000-4000-a000-0000000ec3d1\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SELECT coursebase.set_cell(0, 2);
INSERT INTO coursebase.users (id, clerk_user_id, name) VALUES (:ada, 'ends_ada', 'Ada');
INSERT INTO coursebase.courses (id, title, description) VALUES (:course, 'Calm', '');
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ada, :course, now() + interval '1 day');
CREATE TEMP TABLE ada AS SELECT coursebase.take_person(:ada) AS document;
SELECT coursebase.move_person(document, 1) FROM ada;
SELECT coursebase.release_person(:ada, encode(sha256(convert_to(document::jsonb::text, 'UTF8')), 'hex')) FROM ada;
-- Cell 1, whose course is as home made it.
SET LOCAL session_replication_role = replica;
UPDATE coursebase.courses SET grants_may_end = false WHERE id = :course;
SET LOCAL session_replication_role = origin;
CREATE TEMP TABLE back AS SELECT (document::jsonb || '{"from": 1, "move": 2}')::json AS document FROM ada;
SELECT coursebase.move_person(document, 0), coursebase.put_person(document) IS NOT NULL FROM back;
SELECT coursebase.has_course_access(:course, :ada), coursebase.has_course_access(:course, :ada, now() + interval '2 days');
SELECT check_name, object FROM coursebase.check_integrity() WHERE check_name = 'course_grants_may_end';
ROLLBACK;
