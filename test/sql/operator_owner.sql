-- Promise: the rules keep working for an owner that is no superuser, though row security is forced on the tables, and
-- an owner that plays a part keeps its own rights.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE ROLE regress_owner;
CREATE ROLE regress_owner_server BYPASSRLS;
CREATE FUNCTION pg_temp.tables(change text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name regclass;
BEGIN
    FOR name IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s %s', name, change);
    END LOOP;
END $$;
SELECT pg_temp.tables('OWNER TO regress_owner');
ALTER SCHEMA coursebase OWNER TO regress_owner;
SELECT coursebase.grant_roles(NULL, NULL, 'regress_owner_server');

-- Forced row security takes nothing away from the rules.
SELECT pg_temp.tables('FORCE ROW LEVEL SECURITY');
SET LOCAL ROLE regress_owner_server;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-0000000008a1', 'owner_ada', 'Ada', 'ada@example.org', 'admin');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    ('00000000-0000-4000-8000-0000000008f1', '00000000-0000-4000-8000-0000000008a1', 'X01AAA', 't', 'd', '{}');
CREATE TEMP VIEW file AS
SELECT coursebase.handshake('00000000-0000-4000-8000-0000000008a1', '{}') -> 'json_manifest'
    -> 'X01AAA_00000000-0000-4000-8000-0000000008f1.json' ->> 'content' AS content;
TABLE file;
SELECT version AS before FROM coursebase.user_versions WHERE user_id = '00000000-0000-4000-8000-0000000008a1' \gset
UPDATE coursebase.custom_courses SET data = '{"a": 1}' WHERE id = '00000000-0000-4000-8000-0000000008f1';
SELECT version > :before FROM coursebase.user_versions WHERE user_id = '00000000-0000-4000-8000-0000000008a1';
TABLE file;
SELECT appended FROM coursebase.update_json('00000000-0000-4000-8000-0000000008f1', '{"url": "https://x.example/a"}');
SELECT action FROM coursebase.audit_events WHERE object = 'users/00000000-0000-4000-8000-0000000008a1';
SET LOCAL request.jwt.claims = '{"sub": "owner_ada"}';
SELECT coursebase.own_custom_course_ids();
RESET ROLE;

-- The owner plays the server, and then no longer: what it may do as the owner stays.
ALTER FUNCTION coursebase.install() OWNER TO regress_owner;
ALTER ROLE regress_owner BYPASSRLS;
SELECT coursebase.grant_roles(NULL, NULL, 'regress_owner');
SELECT coursebase.grant_roles(NULL, NULL, 'regress_owner_server');
SET LOCAL ROLE regress_owner;
SELECT has_table_privilege('coursebase.granted_roles', 'UPDATE'), has_function_privilege('coursebase.install()', 'EXECUTE');

-- What is read straight from an index needs nobody's grant, which shows that it is read so.
RESET ROLE;
REVOKE SELECT ON coursebase.users, coursebase.user_cohorts, coursebase.subscriptions FROM regress_owner;
SELECT coursebase.is_admin(), coursebase.own_cohort_from() IS NOT NULL, coursebase.has_premium();
ROLLBACK;
