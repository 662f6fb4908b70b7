-- Promise: what newer servers bring works on these tables: the library tells its name and version, a rewritten table
-- is read on in the same session, and what an upsert or an export shows passes row security.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SELECT current_setting('server_version_num')::integer >= 180000 AS tells,
    current_setting('server_version_num')::integer >= 190000 AS repacks \gset
\set modules 'VALUES (\'coursebase\', coursebase.is_admin() IS NULL)'
\set upsert 'SELECT user_id = coursebase.current_user_id() FROM coursebase.user_lesson_complete'
\set export 'SELECT row_to_json(u) FROM (SELECT name, email FROM coursebase.users ORDER BY email) u'
\if :tells
\set modules 'SELECT l.module_name, l.version <> e.default_version FROM pg_get_loaded_modules() l, pg_available_extensions e WHERE l.file_name LIKE \'coursebase%\' AND e.name = \'coursebase\''
\endif
\if :repacks
\set upsert 'INSERT INTO coursebase.user_lesson_complete AS c (user_id, lesson_id) SELECT user_id, lesson_id FROM coursebase.user_lesson_complete ON CONFLICT (user_id, lesson_id) DO SELECT RETURNING c.user_id = coursebase.current_user_id()'
\set export 'COPY (SELECT name, email FROM coursebase.users ORDER BY email) TO STDOUT (FORMAT json)'
\endif
SELECT coursebase.is_admin();
-- name, and whether the version is another than the control file's
:modules;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL request.jwt.claims = '{"sub": "fixture_ada"}';
CREATE FUNCTION pg_temp.answers() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', coursebase.current_user_id(), coursebase.is_admin(), coursebase.accessible_course_ids(),
        coursebase.handshake(coursebase.current_user_id(), '{"checksums": {}}', '2026-01-02'::timestamptz))
$$;
CREATE TEMPORARY TABLE before AS SELECT pg_temp.answers() AS answers;
SELECT length(answers) > 200 AS says_much FROM before;
-- REPACK, since 19, is what CLUSTER was.
DO $$
DECLARE
    keys record;
BEGIN
    FOR keys IN SELECT i.indrelid::regclass AS of_table, c.relname AS key FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indisprimary AND c.relnamespace = 'coursebase'::regnamespace ORDER BY 1
    LOOP
        EXECUTE format(CASE WHEN current_setting('server_version_num')::integer >= 190000 THEN 'REPACK %s USING INDEX %I'
            ELSE 'CLUSTER %s USING %I' END, keys.of_table, keys.key);
    END LOOP;
END $$;
SELECT answers = pg_temp.answers() AS the_same FROM before;
\i :abs_srcdir/fixtures/helpers/roles.sql
SET LOCAL ROLE regress_end_user;
-- Since 19 INSERT … ON CONFLICT DO SELECT and COPY … (FORMAT json), as above: of others' rows they show nothing.
:upsert;
:export;
ROLLBACK;
SELECT * FROM coursebase.lint();
