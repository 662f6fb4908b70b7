-- Promise: what the code reads stays what it was written for: no command gives a column of coursebase another type, a table,
-- column, enum or label another name, or switches row security off, unless coursebase.allow_drop is on (KB002). What the
-- user added, and what changes nothing, is free.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.said(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN EXECUTE statement; RETURN 'passed'; EXCEPTION WHEN OTHERS THEN RETURN sqlstate; END $$;
SAVEPOINT whole;

-- Another type of a column.
ALTER TABLE coursebase.users ALTER COLUMN name TYPE name;
ROLLBACK TO whole;
\set VERBOSITY sqlstate
ALTER TABLE coursebase.users ALTER COLUMN name TYPE varchar(500);
ROLLBACK TO whole;
ALTER TABLE coursebase.users ADD COLUMN note text, ALTER COLUMN updated_at SET DATA TYPE timestamp;
ROLLBACK TO whole;
ALTER TABLE ONLY coursebase.custom_courses ALTER COLUMN data TYPE jsonb USING data::text::jsonb;
ROLLBACK TO whole;
SET LOCAL search_path = coursebase;
ALTER TABLE app_logs ALTER COLUMN message TYPE jsonb USING to_jsonb(message);
ROLLBACK TO whole;
DO $$ BEGIN EXECUTE 'ALTER TABLE coursebase.users ALTER COLUMN created_at TYPE date'; END $$;
ROLLBACK TO whole;

-- Every column of every table, to a type that is not its own: a policy or a view may be in the way before the guard is.
SELECT said, count(*) > 20 FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid,
    LATERAL (SELECT pg_temp.said(format('ALTER TABLE %s ALTER %I DROP DEFAULT, ALTER %2$I TYPE xml USING NULL',
        c.oid::regclass, attname)) AS said) AS tried
WHERE relnamespace = 'coursebase'::regnamespace AND relkind = 'r' AND attnum > 0 GROUP BY said ORDER BY said DESC;

-- Row security.
SELECT said, count(*) > 20 FROM pg_class AS c,
    LATERAL (SELECT pg_temp.said(format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', c.oid::regclass)) AS said) AS tried
WHERE relnamespace = 'coursebase'::regnamespace AND relkind = 'r' AND relrowsecurity GROUP BY said;
\set VERBOSITY default
SET LOCAL search_path = coursebase;
ALTER TABLE settings ENABLE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ROLLBACK TO whole;
SET LOCAL coursebase.allow_drop = on;
ALTER TABLE coursebase.settings DISABLE ROW LEVEL SECURITY;
SET LOCAL coursebase.allow_drop = off;
SELECT count(*) FROM coursebase.install();
SELECT relrowsecurity FROM pg_class WHERE oid = 'coursebase.settings'::regclass;
ROLLBACK TO whole;

-- Names: of an enum, of its labels, of a column.
ALTER TYPE coursebase.lesson_status RENAME VALUE 'preview' TO 'sample';
ROLLBACK TO whole;
ALTER TYPE coursebase.user_role RENAME TO role;
ROLLBACK TO whole;
ALTER TYPE coursebase.user_role SET SCHEMA public;
ROLLBACK TO whole;
DROP TYPE coursebase.user_role CASCADE;
ROLLBACK TO whole;
ALTER TABLE coursebase.users RENAME COLUMN email TO mail;
ROLLBACK TO whole;

-- What the user added, and what leaves the type as it is.
CREATE TYPE coursebase.own_kind AS ENUM ('a', 'b');
ALTER TABLE coursebase.users ADD COLUMN own_note text, ADD COLUMN own_kind coursebase.own_kind;
ALTER TABLE coursebase.users ALTER COLUMN own_note TYPE jsonb USING own_note::jsonb;
ALTER TYPE coursebase.own_kind RENAME VALUE 'a' TO 'c';
ALTER TYPE coursebase.user_role ADD VALUE 'guest' BEFORE 'admin';
ALTER TABLE coursebase.users DROP COLUMN own_kind;
ALTER TYPE coursebase.own_kind RENAME TO own_kinds;
DROP TYPE coursebase.own_kinds;
ALTER TABLE coursebase.users ALTER COLUMN image_url TYPE text, ALTER COLUMN image_url SET STATISTICS 9, FORCE ROW LEVEL SECURITY;
CREATE TABLE coursebase.own_table (id integer);
ALTER TABLE coursebase.own_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.own_table DISABLE ROW LEVEL SECURITY, ALTER COLUMN id TYPE bigint;
CREATE TEMP TABLE settings (id integer);
SET LOCAL search_path = pg_temp, coursebase;
ALTER TABLE settings DISABLE ROW LEVEL SECURITY;
SET LOCAL search_path = coursebase, pg_temp;
SELECT pg_temp.said('ALTER TABLE settings DISABLE ROW LEVEL SECURITY'), current_setting('search_path');
ALTER TABLE IF EXISTS coursebase.no_table DISABLE ROW LEVEL SECURITY;
ROLLBACK TO whole;

-- A column that a parent of the user's takes along; allowed, each is the owner's own affair.
CREATE TABLE coursebase.own_parent (message text);
ALTER TABLE coursebase.app_logs INHERIT coursebase.own_parent;
SELECT pg_temp.said('ALTER TABLE coursebase.own_parent ALTER COLUMN message TYPE varchar');
SET LOCAL coursebase.allow_drop = on;
SELECT pg_temp.said('ALTER TABLE coursebase.own_parent ALTER COLUMN message TYPE varchar');
SELECT pg_temp.said(format('ALTER TYPE coursebase.lesson_status RENAME %s', change))
FROM (VALUES ('VALUE ''preview'' TO ''sample'''), ('TO other_status')) AS n (change);
ROLLBACK TO whole;

-- A command that another event trigger gives first does not hide the one around it.
CREATE FUNCTION pg_temp.takes_note() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN CREATE TEMP TABLE IF NOT EXISTS own_notes (note text); END $$;
CREATE EVENT TRIGGER own_notes ON ddl_command_start WHEN TAG IN ('ALTER TABLE', 'ALTER TYPE') EXECUTE FUNCTION pg_temp.takes_note();
SELECT pg_temp.said(change) FROM (VALUES ('ALTER TABLE coursebase.users RENAME COLUMN email TO mail'),
    ('ALTER TYPE coursebase.lesson_status RENAME TO other_status'), ('ALTER TABLE coursebase.users ALTER name TYPE varchar'),
    ('ALTER TABLE coursebase.users RENAME TO persons')) AS n (change);
ROLLBACK;
