-- Promise: plain UPDATEs and INSERTs of places do not fail: single UPDATEs in any sequence end in the wanted order,
-- whoever holds a place gets one that the statement left free, an INSERT at a taken place gets the next free one, and what moves to
-- another parent together keeps its order.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
\set VERBOSITY default
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-00000000e701', 'lesson_places_admin', 'Eve', 'eve@example.org', 'admin'),
    ('00000000-0000-4000-8000-00000000e702', 'lesson_places_user', 'Ada', 'ada@example.org', 'user');
INSERT INTO coursebase.courses (id, title, description) VALUES
    ('00000000-0000-4000-8000-00000000e710', 'places one', ''), ('00000000-0000-4000-8000-00000000e711', 'places two', '');
\set one '\'00000000-0000-4000-8000-00000000e720\''
\set two '\'00000000-0000-4000-8000-00000000e721\''
\set lessons 'SELECT string_agg((SELECT string_agg(l.name || l."order", \' \' ORDER BY l."order") FROM coursebase.lessons l WHERE l.section_id = s.id), \' | \' ORDER BY s.id) FROM coursebase.course_sections s WHERE s.id IN (:one, :two);'
\set sections 'SELECT string_agg(s.name || s."order", \' \' ORDER BY s.course_id, s."order") FROM coursebase.course_sections s WHERE s.course_id IN (\'00000000-0000-4000-8000-00000000e710\', \'00000000-0000-4000-8000-00000000e711\');'
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"lesson_places_admin"}';
INSERT INTO coursebase.course_sections (id, course_id, name) VALUES
    (:one, '00000000-0000-4000-8000-00000000e710', 'S'), (:two, '00000000-0000-4000-8000-00000000e710', 'T'),
    ('00000000-0000-4000-8000-00000000e722', '00000000-0000-4000-8000-00000000e710', 'U'),
    ('00000000-0000-4000-8000-00000000e723', '00000000-0000-4000-8000-00000000e711', 'V');
INSERT INTO coursebase.lessons (id, section_id, name)
SELECT md5('places' || n)::uuid, CASE WHEN n < 5 THEN :one ELSE :two END::uuid, chr(97 + n) FROM generate_series(0, 7) n;
:lessons

-- N single UPDATEs, in a sequence that meets a taken place each time, and in another one.
UPDATE coursebase.lessons SET "order" = 0 WHERE name = 'e';
UPDATE coursebase.lessons SET "order" = 1 WHERE name = 'd';
UPDATE coursebase.lessons SET "order" = 2 WHERE name = 'c';
UPDATE coursebase.lessons SET "order" = 3 WHERE name = 'b';
UPDATE coursebase.lessons SET "order" = 4 WHERE name = 'a';
:lessons
UPDATE coursebase.lessons SET "order" = 4 WHERE name = 'b';
UPDATE coursebase.lessons SET "order" = 1 WHERE name = 'e';
UPDATE coursebase.lessons SET "order" = 3 WHERE name = 'd';
UPDATE coursebase.lessons SET "order" = 0 WHERE name = 'c';
UPDATE coursebase.lessons SET "order" = 2 WHERE name = 'a';
:lessons
UPDATE coursebase.course_sections SET "order" = 2 WHERE name = 'S';
:sections

-- One statement, many rows: nothing is given away that is free in the end, and what is taken goes to where the
-- statement made room. A free place may be taken, and leaves the gap that was asked for.
UPDATE coursebase.lessons SET "order" = "order" + 1 WHERE section_id = :one;
:lessons
UPDATE coursebase.lessons SET "order" = "order" - 1 WHERE section_id = :one;
UPDATE coursebase.lessons SET "order" = 4 - "order" WHERE section_id = :one;
:lessons
UPDATE coursebase.lessons SET "order" = "order" + 1 WHERE section_id = :one AND "order" < 3;
:lessons
UPDATE coursebase.lessons SET "order" = "order" - 1 WHERE section_id IN (:one, :two) AND "order" IN (1, 2);
:lessons
UPDATE coursebase.lessons SET "order" = 9 WHERE name = 'a';
:lessons
-- Two rows of one statement to one place are a mistake.
UPDATE coursebase.lessons SET "order" = 0 WHERE name IN ('d', 'e');
UPDATE coursebase.lessons SET "order" = -1 WHERE name = 'a';
:lessons

-- Another section: a place that is named and taken there stays with its holder, unless the statement makes room.
UPDATE coursebase.lessons SET section_id = :two, "order" = 0 WHERE name = 'a';
UPDATE coursebase.lessons SET section_id = :two WHERE name = 'b';
:lessons
UPDATE coursebase.lessons SET section_id = CASE name WHEN 'g' THEN :one ELSE :two END::uuid, "order" = CASE name WHEN 'g' THEN 4 ELSE 0 END WHERE name IN ('g', 'c');
:lessons
UPDATE coursebase.course_sections SET course_id = '00000000-0000-4000-8000-00000000e711', "order" = 0 WHERE name = 'U';
:sections

-- INSERT: the next free place, which RETURNING tells; an upsert names rows that are there.
INSERT INTO coursebase.lessons (id, section_id, name, "order") VALUES
    (md5('places8')::uuid, :two, 'i', 0), (md5('places9')::uuid, :two, 'j', 0) RETURNING name, "order";
INSERT INTO coursebase.lessons (id, section_id, name, "order")
SELECT l.id, l.section_id, l.name, max(l."order") OVER () - l."order" FROM coursebase.lessons l WHERE l.section_id = :two
ON CONFLICT (id) DO UPDATE SET "order" = excluded."order";
:lessons
INSERT INTO coursebase.lessons (id, section_id, name, "order") VALUES (md5('places8')::uuid, :two, 'i', 0)
ON CONFLICT (id) DO UPDATE SET "order" = excluded."order";
:lessons

-- Deferred keys change nothing.
SET CONSTRAINTS ALL DEFERRED;
UPDATE coursebase.lessons SET "order" = 1 WHERE name = 'i';
SET CONSTRAINTS ALL IMMEDIATE;
:lessons
-- The functions work as before.
SELECT coursebase.reorder_lessons(:two, array_agg(id ORDER BY name)) FROM coursebase.lessons WHERE section_id = :two;
:lessons

-- Many that move at once come last in the order that they had, however they lie in the table; there and back nothing is shuffled.
SELECT coursebase.reorder_lessons(:two, array_agg(id ORDER BY name DESC)) FROM coursebase.lessons WHERE section_id = :two;
:lessons
UPDATE coursebase.lessons SET section_id = :one WHERE section_id = :two;
:lessons
UPDATE coursebase.lessons SET section_id = :two WHERE section_id = :one;
:lessons
-- Two sections become one: the lessons of the first one first, also where both move to a third.
UPDATE coursebase.lessons SET section_id = :one WHERE name IN ('b', 'd', 'h');
:lessons
UPDATE coursebase.lessons SET section_id = '00000000-0000-4000-8000-00000000e722' WHERE section_id IN (:one, :two);
SELECT string_agg(name || "order", ' ' ORDER BY "order") FROM coursebase.lessons WHERE section_id = '00000000-0000-4000-8000-00000000e722';
-- Exchanged in one statement; places that are named count.
UPDATE coursebase.lessons SET section_id = CASE WHEN name < 'e' THEN :one ELSE :two END::uuid WHERE section_id = '00000000-0000-4000-8000-00000000e722';
:lessons
UPDATE coursebase.lessons SET section_id = CASE section_id WHEN :one THEN :two ELSE :one END::uuid;
:lessons
UPDATE coursebase.lessons SET section_id = :two, "order" = 200 - ascii(name) WHERE section_id = :one AND name IN ('e', 'f', 'g');
:lessons
SELECT coursebase.reorder_sections('00000000-0000-4000-8000-00000000e710', array_agg(id ORDER BY name DESC)) FROM coursebase.course_sections WHERE course_id = '00000000-0000-4000-8000-00000000e710';
UPDATE coursebase.course_sections SET course_id = '00000000-0000-4000-8000-00000000e711' WHERE course_id = '00000000-0000-4000-8000-00000000e710';
:sections

-- Who may not write changes nothing, and does not hold the lock of the places; an administrator does.
\set held 'SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = \'object\' AND classid = \'pg_namespace\'::regclass AND objsubid = 1;'
:held
ROLLBACK;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub":"lesson_places_user"}';
UPDATE coursebase.lessons SET "order" = 0;
:held
ROLLBACK;
