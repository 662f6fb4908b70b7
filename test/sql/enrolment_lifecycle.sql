-- Promise: draft, published and archived decide about the storefront, about who has the course and about who may
-- still buy it, each cell; the question, its set, its reasons and the policies answer alike.
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000000e4a0' || n)::uuid, 'enrolment_lifecycle_' || who, who, who || '@example.org'
FROM unnest(ARRAY['olga', 'zoe', 'max', 'eve']) WITH ORDINALITY u (who, n);
INSERT INTO coursebase.organizations (id, name, slug, currency, time_zone) VALUES
    ('00000000-0000-4000-8000-0000000e4b01', 'Iron', 'enrolment-lifecycle-iron', 'EUR', 'Europe/Berlin'),
    ('00000000-0000-4000-8000-0000000e4b02', 'Zen', 'enrolment-lifecycle-zen', 'USD', 'America/New_York');
INSERT INTO coursebase.memberships (id, organization_id, user_id, role) VALUES
    ('00000000-0000-4000-8000-0000000e4101', '00000000-0000-4000-8000-0000000e4b01', '00000000-0000-4000-8000-0000000e4a01', 'owner'),
    ('00000000-0000-4000-8000-0000000e4102', '00000000-0000-4000-8000-0000000e4b02', '00000000-0000-4000-8000-0000000e4a02', 'owner'),
    ('00000000-0000-4000-8000-0000000e4103', '00000000-0000-4000-8000-0000000e4b01', '00000000-0000-4000-8000-0000000e4a03', 'member');
INSERT INTO coursebase.workouts (id, organization_id, name)
SELECT ('00000000-0000-4000-8000-0000000e4c0' || n)::uuid, ('00000000-0000-4000-8000-0000000e4b0' || 1 + n / 4)::uuid, 'W' || n
FROM generate_series(1, 4) n;
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    ('00000000-0000-4000-8000-0000000e4d01', '00000000-0000-4000-8000-0000000e4b01', 'Strong', 'course'),
    ('00000000-0000-4000-8000-0000000e4d02', '00000000-0000-4000-8000-0000000e4b02', 'Calm', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES
    ('00000000-0000-4000-8000-0000000e4d01', 3), ('00000000-0000-4000-8000-0000000e4d02', 60);
INSERT INTO coursebase.course_workouts (id, program_id, day_offset, sort_order, workout_id, is_rest) VALUES
    ('00000000-0000-4000-8000-0000000e4e01', '00000000-0000-4000-8000-0000000e4d01', 0, 0, '00000000-0000-4000-8000-0000000e4c01', false),
    ('00000000-0000-4000-8000-0000000e4e02', '00000000-0000-4000-8000-0000000e4d01', 1, 0, NULL, true),
    ('00000000-0000-4000-8000-0000000e4e03', '00000000-0000-4000-8000-0000000e4d01', 2, 0, '00000000-0000-4000-8000-0000000e4c02', false),
    ('00000000-0000-4000-8000-0000000e4e04', '00000000-0000-4000-8000-0000000e4d02', 0, 0, '00000000-0000-4000-8000-0000000e4c04', false);
INSERT INTO coursebase.plans (id, organization_id, program_id, type, name, price_in_cents) VALUES
    ('00000000-0000-4000-8000-0000000e4f01', '00000000-0000-4000-8000-0000000e4b01', '00000000-0000-4000-8000-0000000e4d01', 'course', 'Strong', 4900),
    ('00000000-0000-4000-8000-0000000e4f02', '00000000-0000-4000-8000-0000000e4b02', '00000000-0000-4000-8000-0000000e4d02', 'course', 'Calm', 0);
SELECT coursebase.publish_course(id, '2026-01-01') IS NOT NULL AS published FROM coursebase.programs
WHERE id IN ('00000000-0000-4000-8000-0000000e4d01', '00000000-0000-4000-8000-0000000e4d02');
\set iron '''00000000-0000-4000-8000-0000000e4b01'''
\set zen '''00000000-0000-4000-8000-0000000e4b02'''
\set strong '''00000000-0000-4000-8000-0000000e4d01'''
\set calm '''00000000-0000-4000-8000-0000000e4d02'''
\set max '''00000000-0000-4000-8000-0000000e4a03'''
\set eve '''00000000-0000-4000-8000-0000000e4a04'''
CREATE ROLE regress_anonymous;
CREATE ROLE regress_end_user;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', NULL);
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'enrolment_lifecycle_zoe';
SELECT coursebase.set_price(:strong, 0) IS NOT NULL;
SELECT status FROM coursebase.begin_checkout(:max, :strong, '2026-02-01');
-- Who may use it, by every form, and whether a policy shows program, configuration, curriculum and workouts.
PREPARE forms AS SELECT coursebase.has_program_access('00000000-0000-4000-8000-0000000e4d01') AS one,
    '00000000-0000-4000-8000-0000000e4d01' = ANY (coursebase.accessible_program_ids()) AS many,
    (SELECT bool_or(passed) FROM coursebase.explain_program_access('00000000-0000-4000-8000-0000000e4d01')) AS reasons,
    (SELECT string_agg(coalesce(reason, rule), ',') FROM coursebase.explain_program_access('00000000-0000-4000-8000-0000000e4d01')) AS said,
    (SELECT count(*) FROM coursebase.programs WHERE id = '00000000-0000-4000-8000-0000000e4d01') AS program,
    (SELECT count(*) FROM coursebase.course_workouts WHERE program_id = '00000000-0000-4000-8000-0000000e4d01') AS places,
    (SELECT count(*) FROM coursebase.workouts WHERE organization_id = '00000000-0000-4000-8000-0000000e4b01') AS workouts,
    (SELECT count(*) FROM coursebase.storefront_courses WHERE program_id = '00000000-0000-4000-8000-0000000e4d01') AS storefront;
\set as_max 'SET LOCAL request.jwt.claims = ''{"sub": "enrolment_lifecycle_max"}''; EXECUTE forms;'
\set as_eve 'SET LOCAL request.jwt.claims = ''{"sub": "enrolment_lifecycle_eve"}''; EXECUTE forms;'
\set as_olga 'SET LOCAL request.jwt.claims = ''{"sub": "enrolment_lifecycle_olga"}''; EXECUTE forms;'
\set as_zoe 'SET LOCAL request.jwt.claims = ''{"sub": "enrolment_lifecycle_zoe"}''; EXECUTE forms;'
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
SET LOCAL request.jwt.claims = '{"sub": "enrolment_lifecycle_zoe"}';
SELECT coursebase.has_program_access(:strong, :max), coursebase.accessible_program_ids(:max);
SET LOCAL request.jwt.claims = '{"sub": "enrolment_lifecycle_eve"}';
SAVEPOINT asked;
SELECT coursebase.has_program_access(:strong, :max);
ROLLBACK TO asked;
SELECT coursebase.course_library('00000000-0000-4000-8000-0000000e4aff');
ROLLBACK TO asked;
SET LOCAL ROLE regress_anonymous;
SET LOCAL request.jwt.claims = '';
SELECT coursebase.has_program_access(:strong), coursebase.accessible_program_ids();
SELECT count(*) FROM coursebase.programs WHERE id = :strong;
RESET ROLE;
ROLLBACK;
