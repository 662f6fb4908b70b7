-- Promise: a column whose type the owner changed all the same (coursebase.allow_drop) is never read as what it was: functions and
-- triggers that read it raise KB001, which names it, or read its value by a statement that casts it; none crashes.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL coursebase.allow_drop = on;
CREATE FUNCTION pg_temp.said(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN EXECUTE statement; RETURN 'passed'; EXCEPTION WHEN OTHERS THEN RETURN sqlstate; END $$;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000008a1', 'types_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.user_profile (user_id, email) VALUES
    ('00000000-0000-4000-8000-0000000008a1', 'ada@example.org');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    ('00000000-0000-4000-8000-0000000008f1', '00000000-0000-4000-8000-0000000008a1', 'X01AAA', 't', 'd', '{"a": 1}');
SET LOCAL request.jwt.claims = '{"sub": "types_ada"}';
SAVEPOINT whole;
