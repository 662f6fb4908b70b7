-- Promise: hand_over() makes an ordinary role the owner of the tables, who can work on them; it gets no right over the
-- functions, the extension, the guard, the schema or another role, and end users see what they saw.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
SET CONSTRAINTS ALL IMMEDIATE;
\i :abs_srcdir/fixtures/helpers/roles.sql
CREATE ROLE regress_studio;
CREATE ROLE regress_studio_two;
CREATE TABLE coursebase.handover_notes (note text);
CREATE TEMPORARY VIEW owners AS
SELECT kind, owner, count(*) > 5 AS many FROM (
    SELECT 'relation ' || (relkind IN ('r', 'v'))::text, relowner::regrole FROM pg_class
    WHERE relnamespace = 'coursebase'::regnamespace AND relkind IN ('r', 'v', 'i', 'S') AND relname <> 'handover_notes'
    UNION ALL SELECT 'enum', typowner::regrole FROM pg_type WHERE typnamespace = 'coursebase'::regnamespace AND typtype = 'e'
    UNION ALL SELECT 'function', proowner::regrole FROM pg_proc WHERE pronamespace = 'coursebase'::regnamespace
    UNION ALL SELECT 'schema', nspowner::regrole FROM pg_namespace WHERE nspname = 'coursebase'
    UNION ALL SELECT 'extension', extowner::regrole FROM pg_extension WHERE extname = 'coursebase'
    UNION ALL SELECT 'guard', evtowner::regrole FROM pg_event_trigger WHERE evtname = 'coursebase_guard'
    UNION ALL SELECT 'not ours', relowner::regrole FROM pg_class WHERE relname = 'handover_notes'
) AS o (kind, owner) WHERE owner::text LIKE 'regress_studio%' GROUP BY kind, owner ORDER BY kind, owner;
SELECT coursebase.hand_over('regress_nobody');
SELECT coursebase.hand_over('regress_end_user');
SELECT coursebase.hand_over('regress_anonymous');
TABLE owners;
SELECT coursebase.hand_over('regress_studio');
TABLE owners;
SELECT rule, object FROM coursebase.lint();

-- It gets no attribute and no membership, and may not grant on.
SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = 'regress_studio';
SELECT count(*) FROM pg_auth_members WHERE member = 'regress_studio'::regrole;
SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'coursebase'::regnamespace
    AND has_function_privilege('regress_studio', p.oid, 'EXECUTE WITH GRANT OPTION');
SELECT has_schema_privilege('regress_studio', 'coursebase', 'USAGE WITH GRANT OPTION'),
    has_schema_privilege('regress_studio', 'coursebase', 'CREATE WITH GRANT OPTION'), has_database_privilege('regress_studio', current_database(), 'CREATE');

-- What Studio and migrations do.
SET LOCAL ROLE regress_studio;
SELECT count(*) > 1 FROM coursebase.users;
ALTER TABLE coursebase.courses ADD COLUMN teacher text;
CREATE INDEX courses_teacher_idx ON coursebase.courses (teacher);
CREATE POLICY studio_teacher ON coursebase.courses AS RESTRICTIVE FOR DELETE USING (teacher IS NULL);
UPDATE coursebase.settings SET value = 'true' WHERE name = 'accept_sandbox' RETURNING value;
INSERT INTO coursebase.courses (title, description, teacher) VALUES ('Studio', '', 'Ada') RETURNING teacher;
DROP POLICY self_select_own ON coursebase.purchases;
SELECT * FROM coursebase.install();
SELECT count(*) FROM coursebase.check_integrity();
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
SELECT count(*) > 50 FROM pg_proc p WHERE p.pronamespace = 'coursebase'::regnamespace AND has_function_privilege('regress_server', p.oid, 'EXECUTE');

-- What stays with whoever installed it. The guard refuses even the owner, until the owner allows it.
\i :abs_srcdir/fixtures/helpers/refused.sql
SET LOCAL client_min_messages = error;
SELECT statement, split_part(pg_temp.refused(statement), ' | ', 1) FROM (VALUES
    ('DROP TABLE coursebase.users CASCADE'),
    ('ALTER TABLE coursebase.users DROP COLUMN email'),
    ('ALTER TABLE coursebase.users DISABLE ROW LEVEL SECURITY'),
    ('DROP OWNED BY regress_studio CASCADE'),
    ('DROP EXTENSION coursebase CASCADE'),
    ('ALTER EXTENSION coursebase DROP FUNCTION coursebase.is_admin()'),
    ('ALTER EXTENSION coursebase UPDATE TO ''0.2'''),
    ('CREATE OR REPLACE FUNCTION coursebase.is_admin() RETURNS boolean LANGUAGE sql AS ''SELECT true'''),
    ('ALTER FUNCTION coursebase.is_admin() OWNER TO regress_studio'),
    ('DROP FUNCTION coursebase.is_admin() CASCADE'),
    ('ALTER SCHEMA coursebase OWNER TO regress_studio'),
    ('ALTER EVENT TRIGGER coursebase_guard DISABLE'),
    ('SELECT coursebase.hand_over(''regress_studio_two'')'),
    ('SELECT * FROM coursebase.handover_notes'),
    ('GRANT regress_server TO regress_studio')) AS v (statement);
RESET client_min_messages;
GRANT EXECUTE ON FUNCTION coursebase.install() TO PUBLIC;
SELECT has_function_privilege('regress_anonymous', 'coursebase.install()', 'EXECUTE');

-- End users see what they saw, and nobody who could become the owner plays one.
RESET ROLE;
CREATE ROLE regress_studio_member IN ROLE regress_studio;
SELECT split_part(pg_temp.refused($$SELECT coursebase.grant_roles('regress_studio_member', 'regress_end_user', 'regress_server')$$), ' | ', 1);
GRANT EXECUTE ON FUNCTION pg_temp.refused(text) TO PUBLIC;
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "fixture_ada"}';
SELECT count(*) FROM coursebase.users;
SELECT split_part(pg_temp.refused('SELECT coursebase.install()'), ' | ', 1), split_part(pg_temp.refused('UPDATE coursebase.settings SET value = NULL'), ' | ', 1);
RESET ROLE;

-- A later release: new functions reach the roles though the owner of the tables does not own them.
REVOKE EXECUTE ON FUNCTION coursebase.whoami() FROM regress_end_user, regress_studio;
SELECT * FROM coursebase.install();
SELECT has_function_privilege('regress_end_user', 'coursebase.whoami()', 'EXECUTE'), has_function_privilege('regress_studio', 'coursebase.whoami()', 'EXECUTE');

-- On to another one, and back: the one before keeps nothing.
SELECT coursebase.hand_over('regress_studio_two');
TABLE owners;
SELECT has_schema_privilege('regress_studio', 'coursebase', 'USAGE'), has_table_privilege('regress_studio', 'coursebase.users', 'SELECT'),
    count(*) FILTER (WHERE has_function_privilege('regress_studio', p.oid, 'EXECUTE'))
FROM pg_proc p WHERE p.pronamespace = 'coursebase'::regnamespace;
SELECT coursebase.hand_over(current_user);
TABLE owners;
SELECT rule, object FROM coursebase.lint();

-- A partition goes along, whatever schema it stands in, and its own partitions too.
SET LOCAL coursebase.allow_drop = on;
DROP TABLE coursebase.server_logs;
CREATE TABLE coursebase.server_logs (id uuid NOT NULL, created_at timestamptz NOT NULL, CONSTRAINT server_logs_pkey PRIMARY KEY (id, created_at))
PARTITION BY RANGE (created_at);
CREATE TABLE public.regress_logs PARTITION OF coursebase.server_logs DEFAULT PARTITION BY RANGE (created_at);
CREATE TABLE coursebase.regress_logs_rest PARTITION OF public.regress_logs DEFAULT;
SELECT count(*) > 0 FROM coursebase.install();
SELECT coursebase.hand_over('regress_studio');
SELECT relid::regclass, relowner::regrole FROM pg_partition_tree('coursebase.server_logs') JOIN pg_class ON oid = relid ORDER BY level;

-- And home's publications, which publish_catalogue() changes.
SET LOCAL client_min_messages = error;
CREATE PUBLICATION coursebase_catalogue FOR TABLE coursebase.courses;
CREATE PUBLICATION coursebase_kept FOR TABLE coursebase.store_products;
CREATE PUBLICATION regress_own FOR TABLE coursebase.users;
SELECT coursebase.hand_over('regress_studio');
SELECT pubname, pubowner::regrole::text LIKE 'regress%' FROM pg_publication ORDER BY pubname;
SET LOCAL ROLE regress_studio;
ALTER PUBLICATION coursebase_catalogue SET TABLE coursebase.courses, coursebase.products;
ROLLBACK;
