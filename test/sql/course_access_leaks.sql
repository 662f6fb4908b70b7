-- Promise: what somebody may not use or ask about shows in no error, count, plan or side effect: a row that is hidden
-- and one that does not exist are told apart by nothing.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-00000000d600', 'leaks_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-00000000d601', 'leaks_bob', 'Bob', 'bob@example.org');
DELETE FROM coursebase.course_documents;
INSERT INTO coursebase.courses (id, course_code, title, description, is_free) VALUES
    ('00000000-0000-4000-8000-00000000d610', 'C60ACC', 'free', '', true),
    ('00000000-0000-4000-8000-00000000d611', 'C61ACC', 'hidden', '', false);
INSERT INTO coursebase.course_documents (course_id, data)
SELECT id, '{}' FROM coursebase.courses WHERE id::text LIKE '%d61_';
INSERT INTO coursebase.user_course_access (user_id, course_id)
VALUES ('00000000-0000-4000-8000-00000000d601', '00000000-0000-4000-8000-00000000d611');

-- what a statement tells: its error in full, or how many rows
CREATE FUNCTION pg_temp.told(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    n bigint;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, message, detail, hint);
END $$;
-- the same of a row that is there and hidden, and of one that is not there
CREATE FUNCTION pg_temp.tells(statement text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN there = not_there THEN there ELSE E'TOLD APART\n' || there || E'\n' || not_there END
    FROM pg_temp.told(replace(replace(statement, '$course', '''00000000-0000-4000-8000-00000000d611'''), '$user', '''00000000-0000-4000-8000-00000000d601''')) there,
        pg_temp.told(replace(replace(statement, '$course', '''00000000-0000-4000-8000-00000000d61f'''), '$user', '''00000000-0000-4000-8000-00000000d60f''')) not_there
$$;
CREATE FUNCTION pg_temp.loud(id uuid) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    RAISE NOTICE 'saw %', id;
    RETURN true;
END $$;
CREATE FUNCTION pg_temp.removed(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
    RETURN (SELECT count(*) FROM regexp_matches(plan::text, 'Rows Removed by [A-Za-z ]*": [1-9]', 'g'));
END $$;
SELECT nspname AS temp FROM pg_namespace WHERE oid = pg_my_temp_schema() \gset
GRANT USAGE ON SCHEMA :temp TO regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "leaks_ada"}';
SET LOCAL ROLE regress_end_user;

-- another's rights
SELECT pg_temp.tells('SELECT coursebase.has_course_access($course, $user)');
SELECT pg_temp.tells('SELECT coursebase.has_course_access(NULL, $user)');
SELECT pg_temp.tells('SELECT coursebase.has_course_access_by_code(''C60ACC'', $user)');
SELECT pg_temp.tells('SELECT coursebase.has_course_access_by_code(''C69ACC'', $user)');
SELECT pg_temp.tells('SELECT coursebase.accessible_course_ids($user)');
SELECT pg_temp.tells('SELECT * FROM coursebase.explain_course_access($course, $user)');
SELECT pg_temp.tells('SELECT coursebase.has_premium($user)');
-- a course
SELECT pg_temp.tells('SELECT 1 / (NOT coursebase.has_course_access($course))::integer');
SELECT pg_temp.tells('SELECT * FROM coursebase.explain_course_access($course) WHERE passed');
SELECT md5(string_agg(a::text, '' ORDER BY rule)) = md5(string_agg(b::text, '' ORDER BY rule))
FROM coursebase.explain_course_access('00000000-0000-4000-8000-00000000d611') a
JOIN coursebase.explain_course_access('00000000-0000-4000-8000-00000000d61f') b USING (rule);
SELECT pg_temp.tells('SELECT * FROM coursebase.course_documents WHERE course_id = $course');
SELECT pg_temp.tells('SELECT * FROM coursebase.course_documents WHERE course_id = $course FOR UPDATE');
SELECT pg_temp.tells('UPDATE coursebase.course_documents SET data = ''[]'' WHERE course_id = $course');
SELECT pg_temp.tells('DELETE FROM coursebase.course_documents WHERE course_id = $course');
-- unique keys and foreign keys are reached by nobody who may not write
SELECT pg_temp.tells('INSERT INTO coursebase.course_documents (course_id, data) VALUES ($course, ''{}'')');
SELECT pg_temp.tells('INSERT INTO coursebase.course_documents (course_id, data) VALUES ($course, ''{}'') ON CONFLICT DO NOTHING');
SELECT pg_temp.tells('INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ($user, $course)');
SELECT pg_temp.tells('INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (''00000000-0000-4000-8000-00000000d600'', $course) ON CONFLICT DO NOTHING');
SELECT pg_temp.tells('DELETE FROM coursebase.user_course_access WHERE user_id = $user');
SELECT pg_temp.tells('INSERT INTO coursebase.course_purchases (user_id, course_id, source) VALUES ($user, $course, ''admin'')');
-- no function of the asker's sees a row before the policy, and by index no count of hidden rows is in the plan
SELECT count(*) FROM coursebase.course_documents WHERE pg_temp.loud(course_id);
SELECT count(*) FROM coursebase.course_documents WHERE pg_temp.loud(course_id) AND ctid IS NOT NULL AND data::text <> '';
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT pg_temp.removed('SELECT FROM coursebase.course_documents'),
    pg_temp.removed('SELECT FROM coursebase.course_purchases'), pg_temp.removed('SELECT FROM coursebase.user_course_access');
ROLLBACK;
