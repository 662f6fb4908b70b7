-- Promise: every function that takes a user_id and that an end user or a visitor may call refuses anybody else's, in
-- the same words whether that user exists, is an administrator, was deleted or never was. The functions are those of
-- the catalogue: a new one joins by itself.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role, deleted_at) VALUES
    ('00000000-0000-4000-8000-00000000e700', 'other_ada', 'Ada', 'ada@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-00000000e701', 'other_bob', 'Bob', 'bob@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-00000000e702', 'other_root', 'Root', 'root@example.org', 'admin', NULL),
    ('00000000-0000-4000-8000-00000000e703', 'other_gone', 'Gone', 'gone@example.org', 'user', '2026-01-01');
INSERT INTO coursebase.courses (id, course_code, title, description)
VALUES ('00000000-0000-4000-8000-00000000e710', 'C70OTH', 'hidden', '');
INSERT INTO coursebase.course_sections (id, course_id, name, "order")
VALUES ('00000000-0000-4000-8000-00000000e711', '00000000-0000-4000-8000-00000000e710', 'section', 0);
INSERT INTO coursebase.lessons (id, section_id, name, status, "order")
VALUES ('00000000-0000-4000-8000-00000000e712', '00000000-0000-4000-8000-00000000e711', 'lesson', 'public', 0);
INSERT INTO coursebase.user_course_access (user_id, course_id)
SELECT id, '00000000-0000-4000-8000-00000000e710' FROM coursebase.users WHERE clerk_user_id IN ('other_ada', 'other_bob');

-- a call about that user: the other arguments are NULL, or rows that are there
CREATE FUNCTION pg_temp.call(f oid, about uuid, plausible boolean) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT * FROM %s(%s)', f::regproc, string_agg(format('%I => %s', name, CASE
        WHEN name = 'user_id' THEN quote_nullable(about)
        WHEN NOT plausible THEN 'NULL'
        WHEN name = 'course_id' THEN '''00000000-0000-4000-8000-00000000e710'''
        WHEN name = 'lesson_id' THEN '''00000000-0000-4000-8000-00000000e712'''
        WHEN name = 'course_code' THEN '''C70OTH'''
        WHEN name = 'at' THEN '''2026-03-01 12:00+00'''
        WHEN type = 'uuid'::regtype THEN '''00000000-0000-4000-8000-00000000e71f'''
        WHEN type IN ('json'::regtype, 'jsonb'::regtype) THEN '''{}'''
        WHEN type IN ('bigint'::regtype, 'numeric'::regtype) THEN '1'
        WHEN type = 'boolean'::regtype THEN 'true'
        WHEN type = 'text'::regtype THEN '''x'''
        ELSE 'NULL' END || '::' || type), ', '))
    FROM pg_proc, unnest(proargtypes::regtype[], proargnames) WITH ORDINALITY a (type, name, position)
    WHERE oid = f AND position <= pronargs
$$;
-- what it tells: the error in full, or that it answers
CREATE FUNCTION pg_temp.told(who text, claims text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told text := 'answers';
    message text;
    detail text;
    hint text;
BEGIN
    PERFORM set_config('request.jwt.claims', claims, true), set_config('role', who, true);
    BEGIN
        EXECUTE statement;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        told := concat_ws(' | ', SQLSTATE, message, nullif(detail, ''), nullif(hint, ''));
    END;
    PERFORM set_config('role', 'none', true);
    RETURN told;
END $$;
CREATE TEMPORARY TABLE told AS
SELECT p.oid, p.oid::regproc::text AS function, who, plausible, about,
    pg_temp.told('regress_' || who, CASE who WHEN 'end_user' THEN '{"sub": "other_ada"}' ELSE '' END,
        pg_temp.call(p.oid, format('00000000-0000-4000-8000-00000000e7%s', about)::uuid, plausible)) AS told
FROM pg_proc p, unnest(ARRAY['end_user', 'anonymous']) who, unnest(ARRAY[true, false]) plausible,
    unnest(ARRAY['00', '01', '02', '03', '0f']) about
WHERE p.pronamespace = 'coursebase'::regnamespace AND 'user_id' = ANY (p.proargnames[1:p.pronargs])
    AND has_function_privilege('regress_' || who, p.oid, 'EXECUTE');

-- who may call which
SELECT function, string_agg(DISTINCT who, ', ' ORDER BY who DESC) FROM told GROUP BY function ORDER BY function COLLATE "C";
-- another's is refused to both; oneself is not, for want of rights
SELECT who, told, count(DISTINCT function) FROM told WHERE about <> '00' OR who = 'anonymous' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT function, plausible, told FROM told WHERE about = '00' AND who = 'end_user' AND told LIKE '42501%' ORDER BY 1, 2;
-- told apart: none
SELECT function, who, plausible, string_agg(format('%s: %s', about, told), E'\n' ORDER BY about)
FROM told WHERE about <> '00' GROUP BY 1, 2, 3 HAVING count(DISTINCT told) > 1 ORDER BY 1, 2, 3;
-- what only the server may call is refused to both before it looks at anything
SELECT who, pg_temp.told('regress_' || who, '{"sub": "other_ada"}', pg_temp.call(p.oid, '00000000-0000-4000-8000-00000000e701', true))
    LIKE '42501 | permission denied for function %' AS refused, count(*) > 20 AS many
FROM pg_proc p, unnest(ARRAY['end_user', 'anonymous']) who
WHERE p.pronamespace = 'coursebase'::regnamespace AND 'user_id' = ANY (p.proargnames[1:p.pronargs])
    AND NOT has_function_privilege('regress_' || who, p.oid, 'EXECUTE')
GROUP BY 1, 2 ORDER BY 1, 2;
ROLLBACK;
