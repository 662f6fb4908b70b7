-- Promise: what is read ahead of lessons answers as a plain statement would, in whatever order they are asked about, more
-- of them than are kept one by one, and after every change of one that was kept. Whoever asks about many has all of them
-- read at once, and what that takes goes with the transaction.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL session_replication_role = replica;
CREATE FUNCTION pg_temp.key(kind text, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE RETURN (md5('lesson_view_many ' || kind || n))::uuid;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (pg_temp.key('user', 1), 'many_buyer', 'Many', 'many@example.org');
INSERT INTO coursebase.courses (id, title, description) SELECT pg_temp.key('course', c), 'Many', 'Many' FROM generate_series(0, 29) c;
INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT pg_temp.key('user', 1), pg_temp.key('course', c) FROM generate_series(0, 29, 3) c;
INSERT INTO coursebase.course_sections (id, course_id, name, status, "order")
SELECT pg_temp.key('section', s), pg_temp.key('course', s / 14), 'Many', CASE WHEN s % 5 = 0 THEN 'private' ELSE 'public' END::coursebase.course_section_status, s % 14
FROM generate_series(0, 419) s;
INSERT INTO coursebase.lessons (id, section_id, name, status, "order")
SELECT pg_temp.key('lesson', l), pg_temp.key('section', l / 50), 'Many ' || l, (ARRAY['preview', 'private', 'public'])[1 + least(l % 7, 2)]::coursebase.lesson_status, l % 50
FROM generate_series(0, 20999) l;
SET LOCAL session_replication_role = origin;
CREATE TEMP TABLE asked AS SELECT l, pg_temp.key('lesson', l) AS id FROM generate_series(0, 20999) l;
-- else the plans of the comparisons hang on whether autovacuum came by
ANALYZE coursebase.courses, coursebase.user_course_access, coursebase.course_sections, coursebase.lessons, asked;
-- Written out by hand.
CREATE TEMPORARY VIEW expected AS
SELECT l.id, s.status = 'public' AND (l.status = 'preview' OR l.status = 'public' AND EXISTS (
    SELECT FROM coursebase.user_course_access a WHERE a.user_id = pg_temp.key('user', 1) AND a.course_id = s.course_id)) AS viewable
FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id;
-- Asked in an order, with MATERIALIZED so that nothing asks in another one; how many there are, may be viewed, and differ.
CREATE FUNCTION pg_temp.compare(asked_by text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE format('WITH a AS MATERIALIZED (SELECT id FROM asked ORDER BY %s), v AS MATERIALIZED (SELECT id, coursebase.can_view_lesson(id) AS viewable FROM a)
        SELECT concat_ws('' '', count(*), count(*) FILTER (WHERE v.viewable), count(*) FILTER (WHERE v.viewable IS DISTINCT FROM coalesce(e.viewable, false)))
        FROM v LEFT JOIN pg_temp.expected e USING (id)', asked_by) INTO answer;
    RETURN answer;
END $$;
SET LOCAL request.jwt.claims = '{"sub": "many_buyer"}';
SELECT way, pg_temp.compare(way) FROM (VALUES ('l'), ('l DESC'), ('id'), ('l % 350, l'), ('l % 3, l DESC'), ('l / 100 DESC, l')) AS w (way);
\set at_once 'SELECT count(*) FROM pg_backend_memory_contexts WHERE name = ''coursebase viewable lessons'';'
:at_once
-- What was kept is not when it changes.
\set kept 'SELECT pg_temp.compare(''l''), (SELECT count(*) FROM asked WHERE l < 2100 AND coursebase.can_view_lesson(id));'
:kept
SAVEPOINT before;
UPDATE coursebase.lessons SET status = 'private' WHERE id IN (SELECT id FROM asked WHERE l BETWEEN 50 AND 149);
:kept
ROLLBACK TO before;
:kept
UPDATE coursebase.lessons SET section_id = pg_temp.key('section', 20), "order" = 1000 + "order" WHERE section_id = pg_temp.key('section', 1);
:kept
DELETE FROM coursebase.user_course_access WHERE course_id = pg_temp.key('course', 0);
SELECT count(*) FROM asked WHERE l < 150 AND coursebase.can_view_lesson(id);
:at_once
:kept
:at_once
-- Of a table that another one inherits from a statement reads.
CREATE TEMP TABLE inherits () INHERITS (coursebase.lessons);
INSERT INTO inherits (id, section_id, name, status, "order") VALUES (pg_temp.key('lesson', -1), pg_temp.key('section', 51), 'Many', 'public', 99);
SELECT pg_temp.compare('id'), coursebase.can_view_lesson(pg_temp.key('lesson', -1));
:at_once
SET LOCAL request.jwt.claims = '';
SELECT count(*) = (SELECT count(*) FROM pg_temp.expected e JOIN coursebase.lessons l USING (id) WHERE l.status = 'preview' AND e.viewable)
FROM asked WHERE coursebase.can_view_lesson(id);
ROLLBACK;
:at_once
