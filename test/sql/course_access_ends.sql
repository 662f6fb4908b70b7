-- Promise: what was given or sold until an end can be used up to the microsecond before it in every form of the question,
-- and at the end in none, with no write in between, also by what a session or a handshake keeps.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
SET LOCAL timezone = 'UTC';
\set ada '''00000000-0000-4000-8000-00000000eb00'''
\set one '''00000000-0000-4000-8000-00000000ebc1'''
\set two '''00000000-0000-4000-8000-00000000ebc2'''
\set before '''2026-06-01 11:59:59.999999+00'''
\set end '''2026-06-01 12:00+00'''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'ends_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:one, 'C01END', 'One', ''), (:two, 'C02END', 'Two', '');
INSERT INTO coursebase.course_documents (course_id, data) VALUES (:one, '{"n": 1}'), (:two, '{"n": 2}');
INSERT INTO coursebase.course_sections (id, course_id, name, status) VALUES ('00000000-0000-4000-8000-00000000ebd1', :one, 's', 'public');
INSERT INTO coursebase.lessons (id, section_id, name, status) VALUES ('00000000-0000-4000-8000-00000000ebe1', '00000000-0000-4000-8000-00000000ebd1', 'l', 'public');
INSERT INTO coursebase.lesson_contents (lesson_id, body) VALUES ('00000000-0000-4000-8000-00000000ebe1', 'text');
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ada, :one, :end);
SELECT coursebase.save_product(NULL, 'Two', '', '/b.png', 1, 'public', ARRAY[:two]::uuid[], access_until => '2026-07-01') AS product \gset
SELECT status FROM coursebase.complete_purchase(:ada, :'product', 'cs_ends', 100, 'paid', '2026-05-01');
-- every form of the question, the same set kept between them
PREPARE forms (timestamptz) AS SELECT coursebase.has_course_access(:one, :ada, $1) AS one, coursebase.has_course_access(:one, :ada, $1) AS kept,
    coursebase.has_course_access_by_code('c01end', :ada, $1) AS code, coursebase.can_view_lesson('00000000-0000-4000-8000-00000000ebe1', :ada, $1) AS lesson,
    array(SELECT right(c::text, 2) FROM unnest(coursebase.accessible_course_ids(:ada, $1)) c WHERE c IN (:one, :two)) AS ids;
EXECUTE forms (:before);
EXECUTE forms (:end);
EXECUTE forms ('2026-06-30 23:59:59+00');
EXECUTE forms ('2026-07-01 00:00+00');
EXECUTE forms (:before);
EXECUTE forms ('infinity');
-- The first question of a statement reads one course alone.
SELECT coursebase.has_course_access(:one, :ada, :before);
SELECT coursebase.has_course_access(:one, :ada, :end);
SELECT c.course_code, e.at, e.passed, e.reason, e.detail FROM coursebase.courses c, LATERAL (SELECT a.at, x.* FROM (VALUES (:before::timestamptz), (:end)) a (at), coursebase.explain_course_access(c.id, :ada, a.at) x WHERE x.rule = 'grant') e WHERE c.course_code LIKE '%END' ORDER BY 1, 2;
-- Without the index, and read by statements, the answers are the same.
SAVEPOINT s;
DROP INDEX coursebase.course_grants_user_id_expires_at_idx;
ALTER TABLE coursebase.course_grants DROP CONSTRAINT course_grants_user_id_course_id_purchase_id_key;
EXECUTE forms (:before);
EXECUTE forms (:end);
ROLLBACK TO s;
-- What a handshake keeps holds until the next end, and is computed anew behind it; then a refund ends it at once.
PREPARE handshake (timestamptz) AS SELECT array(SELECT d ->> 'course_code' FROM json_array_elements(coursebase.handshake(:ada, '{}', $1) -> 'courses') d);
PREPARE held AS SELECT valid_from, valid_until FROM coursebase.cached_handshake_responses WHERE user_id = :ada;
EXECUTE handshake ('2026-05-20');
EXECUTE held;
EXECUTE handshake (:before);
EXECUTE handshake (:end);
EXECUTE held;
UPDATE coursebase.purchases SET refunded_at = now() WHERE stripe_session_id = 'cs_ends';
EXECUTE handshake (:end);
EXECUTE handshake (:before);
UPDATE coursebase.purchases SET refunded_at = NULL WHERE stripe_session_id = 'cs_ends';
UPDATE coursebase.course_grants SET expires_at = '2026-06-02' WHERE course_id = :one;
EXECUTE handshake (:end);
DELETE FROM coursebase.course_grants WHERE course_id = :one;
EXECUTE handshake (:end);
-- Policies and the view, which know now alone.
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ada, :one, now() + interval '1 second');
UPDATE coursebase.purchases SET access_until = now() - interval '1 second' WHERE stripe_session_id = 'cs_ends';
SELECT set_config('request.jwt.claims', '{"sub": "ends_ada"}', true) IS NOT NULL;
SET LOCAL ROLE regress_end_user;
SELECT course_code, is_granted, is_bought, until > now() FROM coursebase.user_access;
SELECT data FROM coursebase.course_documents;
SELECT body FROM coursebase.lesson_contents;
SELECT :one = ANY (coursebase.readable_course_ids()), count(*) FROM coursebase.user_course_access;
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000ebe1');
RESET ROLE;
DELETE FROM coursebase.course_grants WHERE course_id = :one;
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ada, :one, now());
SET LOCAL ROLE regress_end_user;
SELECT count(*) FROM coursebase.user_access;
SELECT count(*) FROM coursebase.course_documents;
SELECT count(*) FROM coursebase.lesson_contents;
SELECT coursebase.uncomplete_lesson('00000000-0000-4000-8000-00000000ebe1');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
