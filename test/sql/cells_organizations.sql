-- Promise: in a cell that is not home whoever reads a table of organisations is told to ask home (KBC04), whether or not the table has a row
-- whose policy would be asked; on home and on the only server the question is gone from the plan.
-- If it fails: a table with a new row in the list needs organizations_are_here() in its policy for SELECT.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\set SHOW_CONTEXT never
\i :abs_srcdir/fixtures/helpers/roles.sql
\i :abs_srcdir/fixtures/helpers/refused.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-0000000c04a1', 'here_ada', 'Ada', 'ada@example.org', 'user'),
    ('00000000-0000-4000-8000-0000000c04b1', 'here_root', 'Root', 'root@example.org', 'admin');
-- Every table with a policy that asks for organisations.
CREATE TEMP VIEW organizing AS
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'coursebase'::regnamespace AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid
    AND concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) ~ 'organization_ids|program_ids|entitle|member_id|here');
CREATE FUNCTION pg_temp.asked(who text) RETURNS TABLE (answer text, tables text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', json_build_object('sub', who)::text, true);
    RETURN QUERY SELECT split_part(pg_temp.refused(format('SELECT * FROM coursebase.%I', o.relname)), ' | ', 1), string_agg(o.relname, ' ' ORDER BY o.relname COLLATE "C")
    FROM organizing o GROUP BY 1;
END $$;
CREATE FUNCTION pg_temp.plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || statement INTO plan;
    RETURN plan;
END $$;
GRANT SELECT ON organizing TO PUBLIC;
SAVEPOINT one;
-- A table that was analysed while it was empty is read from its beginning to its end, and not by an index.
ANALYZE coursebase.organizations, coursebase.memberships, coursebase.workouts, coursebase.programs, coursebase.course_configs, coursebase.course_workouts,
    coursebase.plans, coursebase.payment_transactions, coursebase.course_entitlements, coursebase.course_workout_completions;
INSERT INTO coursebase.people (user_id, external_id, cell) SELECT id, clerk_user_id, 1 FROM coursebase.users;
SELECT coursebase.set_cell(1, 2);
SET LOCAL ROLE regress_end_user;
SELECT * FROM pg_temp.asked('here_ada');
SELECT * FROM pg_temp.asked('here_root');
SELECT pg_temp.refused('SELECT * FROM coursebase.storefront_courses'), pg_temp.refused('SELECT count(*) FROM coursebase.transactions_to_refund'),
    pg_temp.refused('SELECT name FROM coursebase.users'), pg_temp.refused('SELECT * FROM coursebase.courses');
SET LOCAL ROLE regress_anonymous;
SELECT pg_temp.refused('SELECT * FROM coursebase.programs');
ROLLBACK TO one;
-- Home, and the only server.
SELECT coursebase.set_cell(0, 2);
SET LOCAL ROLE regress_end_user;
SELECT * FROM pg_temp.asked('here_ada');
ROLLBACK TO one;
SET LOCAL ROLE regress_end_user;
SELECT * FROM pg_temp.asked('here_ada');
SET LOCAL enable_seqscan = off;
SELECT plan ~ 'organizations_pkey' AS by_its_key, plan ~ 'organizations_are_here' AS asked_of_rows
FROM pg_temp.plan_of('SELECT name FROM coursebase.organizations') AS plan;
ROLLBACK;
