-- Promise: draft, published and archived decide about the storefront, about who has the course and about who may
-- still buy it, each cell; the question, its set, its reasons and the policies answer alike.
\getenv abs_srcdir PG_ABS_SRCDIR
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
CREATE ROLE regress_anonymous;
CREATE ROLE regress_end_user;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', NULL);
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'programs_zoe';
SELECT coursebase.set_price(:strong, 0) IS NOT NULL;
SELECT status FROM coursebase.begin_checkout(:max, :strong, '2026-02-01');
-- Who may use it, by every form, and whether a policy shows program, configuration, curriculum and workouts.
PREPARE forms AS SELECT coursebase.has_program_access('00000000-0000-4000-8000-0000000e1d01') AS one,
    '00000000-0000-4000-8000-0000000e1d01' = ANY (coursebase.accessible_program_ids()) AS many,
    (SELECT bool_or(passed) FROM coursebase.explain_program_access('00000000-0000-4000-8000-0000000e1d01')) AS reasons,
    (SELECT string_agg(coalesce(reason, rule), ',') FROM coursebase.explain_program_access('00000000-0000-4000-8000-0000000e1d01')) AS said,
    (SELECT count(*) FROM coursebase.programs WHERE id = '00000000-0000-4000-8000-0000000e1d01') AS program,
    (SELECT count(*) FROM coursebase.course_workouts WHERE program_id = '00000000-0000-4000-8000-0000000e1d01') AS places,
    (SELECT count(*) FROM coursebase.workouts WHERE organization_id = '00000000-0000-4000-8000-0000000e1b01') AS workouts,
    (SELECT count(*) FROM coursebase.storefront_courses WHERE program_id = '00000000-0000-4000-8000-0000000e1d01') AS storefront;
\set as_max 'SET LOCAL request.jwt.claims = ''{"sub": "programs_max"}''; EXECUTE forms;'
\set as_eve 'SET LOCAL request.jwt.claims = ''{"sub": "programs_eve"}''; EXECUTE forms;'
\set as_olga 'SET LOCAL request.jwt.claims = ''{"sub": "programs_olga"}''; EXECUTE forms;'
\set as_zoe 'SET LOCAL request.jwt.claims = ''{"sub": "programs_zoe"}''; EXECUTE forms;'
-- In turn: the buyer, a stranger, staff, an administrator, nobody; then a sale.
\set each 'SET LOCAL ROLE regress_end_user; ' :as_max :as_eve :as_olga :as_zoe
SELECT 'published';
:each
RESET ROLE;
SAVEPOINT before;
SELECT status FROM coursebase.begin_checkout(:eve, :strong, '2026-03-01');
ROLLBACK TO before;
SELECT 'archived', coursebase.archive_course(:strong, '2026-03-01');
:each
RESET ROLE;
SAVEPOINT archived;
SELECT status FROM coursebase.begin_checkout(:eve, :strong, '2026-03-01');
ROLLBACK TO archived;
SELECT 'published again', coursebase.publish_course(:strong, '2026-04-01');
SELECT status FROM coursebase.begin_checkout(:eve, :strong, '2026-04-01');
:each
RESET ROLE;
ROLLBACK TO before;
-- Draft: nothing returns to it, so that it is forced; who has it has it not.
SET LOCAL session_replication_role = replica;
UPDATE coursebase.course_configs SET status = 'draft' WHERE program_id = :strong;
SET LOCAL session_replication_role = origin;
SELECT 'draft';
:each
RESET ROLE;
SAVEPOINT draft;
SELECT status FROM coursebase.begin_checkout(:eve, :strong, '2026-03-01');
ROLLBACK TO before;
-- Pending and revoked give nothing; another user is an administrator's or the server's to ask about.
UPDATE coursebase.course_entitlements SET status = 'pending' WHERE user_id = :max AND program_id = :strong;
SET LOCAL ROLE regress_end_user;
:as_max
RESET ROLE;
UPDATE coursebase.course_entitlements SET status = 'revoked', access_revoked_at = now() WHERE user_id = :max AND program_id = :strong;
SET LOCAL ROLE regress_end_user;
:as_max
SET LOCAL request.jwt.claims = '{"sub": "programs_zoe"}';
SELECT coursebase.has_program_access(:strong, :max), coursebase.accessible_program_ids(:max);
SET LOCAL request.jwt.claims = '{"sub": "programs_eve"}';
SAVEPOINT asked;
SELECT coursebase.has_program_access(:strong, :max);
ROLLBACK TO asked;
SELECT coursebase.course_library('00000000-0000-4000-8000-0000000e1aff');
ROLLBACK TO asked;
SET LOCAL ROLE regress_anonymous;
SET LOCAL request.jwt.claims = '';
SELECT coursebase.has_program_access(:strong), coursebase.accessible_program_ids();
SELECT count(*) FROM coursebase.programs WHERE id = :strong;
RESET ROLE;
ROLLBACK;
