-- Promise: a policy's bound is an Index Cond over an InitPlan where an index serves, and no policy calls a
-- function a row. What holds for each table that end users read is stated here; plans are judged, not shown.
-- If it fails: Filter: index the column that the policy compares. No InitPlan, a call per row: write (SELECT …) around the
-- If it fails: function. When it is as meant, test/check --accept contract_policies; see doc/contributing.md
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset fieldsep ' | '
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
CREATE ROLE regress_end_user;
SELECT coursebase.grant_roles(NULL, 'regress_end_user', NULL);
SET LOCAL request.jwt.claims = '{"sub": "fixture_ada"}';
SET LOCAL enable_seqscan = off;
CREATE TEMP TABLE plans (object text, command text, plan text);
GRANT ALL ON plans TO regress_end_user;
DO $$
DECLARE
    t record;
    explained json;
BEGIN
    FOR t IN
        SELECT c.oid, c.relname, c.cmd FROM (
            SELECT c.oid, c.relname, cmd FROM pg_class c, unnest(ARRAY['r', 'w', 'd']) AS cmd
            WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind = 'r') c
        WHERE EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd::text IN (c.cmd, '*')
            AND p.polname <> 'nobody_all_rows')
    LOOP
        EXECUTE 'SET LOCAL ROLE regress_end_user';
        EXECUTE 'EXPLAIN (FORMAT JSON, COSTS OFF, VERBOSE) ' || CASE t.cmd
            WHEN 'r' THEN format('SELECT * FROM %s', t.oid::regclass)
            WHEN 'd' THEN format('DELETE FROM %s', t.oid::regclass)
            ELSE format('UPDATE %s SET %I = NULL', t.oid::regclass,
                (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0
                    AND has_column_privilege(t.oid, a.attnum, 'UPDATE') ORDER BY a.attnum DESC LIMIT 1)) END
        INTO explained;
        EXECUTE 'RESET ROLE';
        INSERT INTO plans VALUES (t.relname,
            CASE t.cmd WHEN 'r' THEN 'select' WHEN 'w' THEN 'update' ELSE 'delete' END, explained::text);
    END LOOP;
END $$;
SELECT object, command,
    CASE
        WHEN plan !~ '"InitPlan' THEN 'no InitPlan'
        WHEN plan ~ '"Index Cond": "[^"]*(\$\d|InitPlan)' THEN 'Index Cond'
        WHEN plan ~ '"One-Time Filter": "[^"]*(\$\d|InitPlan)' THEN 'once a statement'
        ELSE 'Filter'
    END AS bound,
    CASE WHEN plan ~ '"(Filter|Index Cond|Recheck Cond)": "[^"]*coursebase\.\w+\(' THEN 'a call per row' END AS calls
FROM plans
ORDER BY object COLLATE "C", command DESC;
ROLLBACK;
