-- Promise: nobody whom row security binds and who is no administrator fills the disk with one row, or writes a time that
-- never was: every column that such a person can write is bounded. Tables and columns are those of the catalogue; Ada owns an organisation, too.
-- The last open account of an administrator stays one, whichever way another administrator or its own tries.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql

-- Texts of 100 kB and a time before all times in a row of each table, inserted and updated. Constraints are asked before unique keys, so that a row
-- that is refused as a duplicate was not too long.
CREATE TEMP TABLE columns AS
SELECT c.relname, a.attname, a.atttypid::regtype AS type FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'p') AND NOT a.attisdropped AND a.attgenerated = ''
    AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text[]'::regtype, 'bytea'::regtype, 'timestamptz'::regtype) AND a.attname NOT IN ('updated_at', 'archived_at', 'published_at'); -- triggers write these
CREATE TEMP TABLE samples (relname name, held jsonb);
SELECT format('INSERT INTO samples SELECT %L, to_jsonb(t) FROM coursebase.%1$I t ORDER BY to_jsonb(t)::text COLLATE "C"', relname)
FROM columns GROUP BY relname ORDER BY relname \gexec
CREATE FUNCTION pg_temp.kept(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS n = ROW_COUNT;
    RAISE EXCEPTION USING ERRCODE = '00001', MESSAGE = n;
EXCEPTION
    WHEN SQLSTATE '00001' THEN RETURN sqlerrm <> '0';
    WHEN OTHERS THEN RETURN sqlstate = '23505';
END $$;
CREATE FUNCTION pg_temp.long(type regtype) RETURNS text LANGUAGE sql AS $$
    SELECT CASE type WHEN 'timestamptz'::regtype THEN '''-infinity''' WHEN 'text[]'::regtype THEN format('ARRAY[%L]', repeat('x', 100000)) WHEN 'bytea'::regtype THEN format('%L::bytea', repeat('x', 100000))
        ELSE format(CASE WHEN type IN ('json'::regtype, 'jsonb'::regtype) THEN 'to_%s(%L::text)' ELSE '%2$L' END, type, repeat('x', 100000)) END $$;
CREATE TEMP VIEW tries AS
SELECT relname, attname, 'UPDATE' AS command, format('UPDATE coursebase.%I SET %I = %s', relname, attname, pg_temp.long(type)) AS statement FROM columns
UNION ALL
SELECT c.relname, c.attname, 'INSERT', format('INSERT INTO coursebase.%I SELECT (jsonb_populate_record(NULL::coursebase.%1$I, %L::jsonb || jsonb_build_object(%L, %s))).*',
    c.relname, s.held, c.attname, CASE WHEN c.type = 'text[]'::regtype THEN format('to_jsonb(%s)', pg_temp.long(c.type)) WHEN c.type = 'bytea'::regtype THEN quote_literal('\x' || repeat('00', 100000))
        WHEN c.type IN ('json'::regtype, 'jsonb'::regtype) THEN pg_temp.long('jsonb'::regtype) ELSE pg_temp.long(c.type) END)
FROM columns c JOIN samples s USING (relname);
GRANT SELECT ON tries TO regress_end_user;
GRANT SELECT ON columns, samples TO regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "fixture_ada"}';
SET LOCAL ROLE regress_end_user;
CREATE TEMP TABLE outcomes AS SELECT relname, attname, command, pg_temp.kept(statement) AS kept FROM tries;
RESET ROLE;
SELECT count(*) > 300 AS many, count(*) FILTER (WHERE NOT kept) > 300 AS refused FROM outcomes;
SELECT DISTINCT relname, attname, command, 'bound it by a CHECK of the table' AS advice FROM outcomes WHERE kept ORDER BY 1, 2, 3;
-- A column without a bound is told.
ALTER TABLE coursebase.user_profile DROP CONSTRAINT user_profile_phone_number_at_most_40_characters_check;
SET LOCAL ROLE regress_end_user;
SELECT relname, attname, command FROM tries WHERE relname = 'user_profile' AND pg_temp.kept(statement);
RESET ROLE;

-- Administrators.
CREATE FUNCTION pg_temp.said(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE EXCEPTION USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN RETURN concat_ws(' ', sqlstate, sqlerrm);
END $$;
CREATE TEMP TABLE takings AS SELECT n, statement FROM unnest(ARRAY[
    'UPDATE coursebase.users SET role = ''user''',
    'UPDATE coursebase.users SET role = ''user'' WHERE id = coursebase.current_user_id()',
    'UPDATE coursebase.users SET deleted_at = now() WHERE role = ''admin''',
    'DELETE FROM coursebase.users WHERE role = ''admin''']) WITH ORDINALITY AS u (statement, n);
GRANT SELECT ON takings TO regress_end_user, regress_server;
SET LOCAL request.jwt.claims = '{"sub": "fixture_root"}';
SET LOCAL ROLE regress_end_user;
SELECT n, pg_temp.said(statement) FROM takings ORDER BY n;
-- With a second one she may go, and others may not take both.
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'fixture_ada';
SELECT n, pg_temp.said(statement) FROM takings WHERE n < 4 ORDER BY n;
-- An account that is closed administers nothing.
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('bounds_closed', '', '') RETURNING id AS closed \gset
UPDATE coursebase.users SET deleted_at = now() WHERE id = :'closed';
UPDATE coursebase.users SET role = CASE id WHEN :'closed' THEN 'admin' ELSE 'user' END::coursebase.user_role WHERE id = :'closed' OR clerk_user_id = 'fixture_ada' RETURNING role, deleted_at IS NOT NULL;
SELECT n, pg_temp.said(statement) FROM takings WHERE n = 2;
-- The server may: who has its key can make an administrator.
SET LOCAL ROLE regress_server;
SELECT n, pg_temp.said(statement) FROM takings WHERE n < 3 ORDER BY n;
ROLLBACK;
