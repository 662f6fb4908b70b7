-- Promise: make_api() makes a schema that belongs to no extension: views and functions that give each part what it has in
-- coursebase, no more and no less, without the functions that only policies call. It can be run again, leaves what is not its
-- own, and makes nothing where somebody else could change it.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
SELECT split_part(object, ' ', 1) AS kind, count(*) > 20 AS many FROM coursebase.make_api('gateway') GROUP BY 1 ORDER BY 1;
CREATE TEMP VIEW made AS
SELECT 'pg_class'::regclass AS class, c.oid, c.relname AS name, c.relacl AS acl FROM pg_class c
WHERE c.relnamespace = 'gateway'::regnamespace
UNION ALL
SELECT 'pg_proc'::regclass, p.oid, p.proname, p.proacl FROM pg_proc p WHERE p.pronamespace = 'gateway'::regnamespace;
SELECT count(*) AS members FROM made m JOIN pg_depend d ON d.classid = m.class AND d.objid = m.oid AND d.deptype = 'e';

-- What each part may do is what it may do in coursebase, and nobody else may do anything.
SELECT m.name, r.rolname, p.privilege FROM made m
CROSS JOIN (VALUES ('regress_anonymous'), ('regress_end_user'), ('regress_server')) AS r (rolname)
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p (privilege)
WHERE m.class = 'pg_class'::regclass AND has_table_privilege(r.rolname, m.oid, p.privilege) <> has_table_privilege(r.rolname,
    format('coursebase.%I', m.name)::regclass, p.privilege);
SELECT m.name, r.rolname, a.attname, p.privilege FROM made m JOIN pg_attribute a ON a.attrelid = m.oid AND a.attnum > 0
CROSS JOIN (VALUES ('regress_anonymous'), ('regress_end_user'), ('regress_server')) AS r (rolname)
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS p (privilege)
WHERE m.class = 'pg_class'::regclass AND has_column_privilege(r.rolname, m.oid, a.attname, p.privilege) <> has_column_privilege(r.rolname,
    format('coursebase.%I', m.name)::regclass, a.attname, p.privilege);
SELECT m.name, r.rolname FROM made m JOIN pg_proc w ON w.oid = m.oid
JOIN pg_proc f ON f.pronamespace = 'coursebase'::regnamespace AND f.proname = w.proname
CROSS JOIN (VALUES ('regress_anonymous'), ('regress_end_user'), ('regress_server')) AS r (rolname)
WHERE m.class = 'pg_proc'::regclass
    AND (has_function_privilege(r.rolname, w.oid, 'EXECUTE') <> has_function_privilege(r.rolname, f.oid, 'EXECUTE')
        OR pg_get_function_arguments(w.oid) <> pg_get_function_arguments(f.oid)
        OR pg_get_function_result(w.oid) <> pg_get_function_result(f.oid)
        OR (w.provolatile, w.proisstrict, w.proparallel, w.prosecdef) <> (f.provolatile, f.proisstrict, f.proparallel, false));
SELECT m.name, a.grantee FROM made m CROSS JOIN aclexplode(m.acl) a WHERE a.grantee = 0;
-- What a part may call and is not there.
SELECT f.proname FROM pg_proc f
WHERE f.pronamespace = 'coursebase'::regnamespace AND has_function_privilege('regress_end_user', f.oid, 'EXECUTE')
    AND NOT EXISTS (SELECT FROM pg_proc w WHERE w.pronamespace = 'gateway'::regnamespace AND w.proname = f.proname)
ORDER BY 1;

-- Under the row security of who asks; what is written goes through.
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "fixture_ada"}';
SELECT name FROM gateway.users;
SELECT count(*) = (SELECT count(*) FROM coursebase.purchases) FROM gateway.purchases;
SELECT status FROM gateway.subscriptions;
SELECT name FROM gateway.storefront_courses;
UPDATE gateway.users SET name = 'Ada L.' RETURNING name;
INSERT INTO gateway.app_logs (log_type, message) VALUES ('user_action', 'through the view');
SELECT gateway.has_course_access(id) = coursebase.has_course_access(id) FROM gateway.courses ORDER BY id;
SELECT user_id = gateway.current_user_id(), rights FROM gateway.whoami();
SAVEPOINT refused;
UPDATE gateway.users SET role = 'admin';
ROLLBACK TO refused;
SELECT count(*) FROM gateway.custom_courses;
ROLLBACK TO refused;
RESET ROLE;

-- For GraphQL: keys, as PostGraphile and pg_graphql read them, and no relation of the name of a root type.
SELECT count(*) > 0 AS made FROM coursebase.make_api('graph', graphql => true);
SELECT obj_description('graph.course_workout_completions'::regclass);
SELECT to_regclass('graph.subscriptions') IS NULL, to_regclass('graph.user_subscriptions') IS NOT NULL;
-- Otherwise the comments are those of coursebase.
SELECT m.name FROM made m WHERE m.class = 'pg_class'::regclass
    AND obj_description(m.oid, 'pg_class') IS DISTINCT FROM obj_description(format('coursebase.%I', m.name)::regclass, 'pg_class');
SELECT obj_description('gateway'::regnamespace) = obj_description('coursebase'::regnamespace) AS text;
COMMENT ON SCHEMA gateway IS 'Own';

-- Again: what was there of before is replaced, what is somebody's own stays.
CREATE TABLE gateway.own (id integer);
CREATE FUNCTION gateway.help(own integer) RETURNS integer LANGUAGE sql AS 'SELECT own';
ALTER FUNCTION gateway.whoami() RENAME TO whoami_renamed;
SELECT count(*) = (SELECT count(*) FROM made WHERE class = 'pg_proc'::regclass) - 2 AS all_but_own
FROM coursebase.make_api('gateway') WHERE object LIKE '% of before';
SELECT to_regclass('gateway.own') IS NOT NULL, to_regprocedure('gateway.help(integer)') IS NOT NULL,
    to_regprocedure('gateway.whoami()') IS NOT NULL, obj_description('gateway'::regnamespace);

-- Refused.
SAVEPOINT refused;
SELECT coursebase.make_api(NULL);
ROLLBACK TO refused;
SELECT coursebase.make_api('gateway', NULL);
ROLLBACK TO refused;
SELECT coursebase.make_api('coursebase');
ROLLBACK TO refused;
SELECT coursebase.make_api('pg_catalog');
ROLLBACK TO refused;
CREATE ROLE regress_other;
GRANT CREATE ON SCHEMA gateway TO regress_other;
SELECT coursebase.make_api('gateway');
ROLLBACK TO refused;
CREATE ROLE regress_other;
ALTER TABLE gateway.own OWNER TO regress_other;
SELECT coursebase.make_api('gateway');
ROLLBACK TO refused;
CREATE ROLE regress_other;
ALTER SCHEMA gateway OWNER TO regress_other;
SELECT coursebase.make_api('gateway');
ROLLBACK TO refused;
CREATE ROLE regress_other;
GRANT USAGE ON SCHEMA coursebase TO regress_other;
GRANT EXECUTE ON FUNCTION coursebase.make_api(name, boolean) TO regress_other;
SET LOCAL ROLE regress_other;
SELECT coursebase.make_api('gateway');
ROLLBACK;
