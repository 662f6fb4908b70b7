-- Promise: what is asked wrongly is said in words; a program that is not there is refused like another's; what
-- is asked for what it is already changes nothing.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
\set iron '''00000000-0000-4000-8000-0000000a6b01'''
\set program '''00000000-0000-4000-8000-0000000a6d01'''
\set nowhere '''00000000-0000-4000-8000-0000000a6d09'''
BEGIN;
CREATE ROLE regress_end_user;
SELECT coursebase.grant_roles(NULL, 'regress_end_user', NULL);
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000a6a01', 'paths_olga', 'Olga', 'olga@example.org');
INSERT INTO coursebase.organizations (id, name, slug) VALUES (:iron, 'Iron', 'paths-iron');
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES (:iron, '00000000-0000-4000-8000-0000000a6a01', 'owner');
INSERT INTO coursebase.workouts (id, organization_id, name) VALUES ('00000000-0000-4000-8000-0000000a6c01', :iron, 'Squat');
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES (:program, :iron, 'Strong', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES (:program, 3);
\set ON_ERROR_ROLLBACK on

-- Arguments.
SELECT coursebase.create_course(NULL, 'Strong', 3);
SELECT coursebase.create_course(:iron, 'Strong', 0);
SELECT coursebase.create_course(:iron, ' ', 3);
SELECT coursebase.create_course(:nowhere, 'Strong', 3);
SELECT coursebase.create_course(:iron, 'Described', 3, 'In words') IS NOT NULL, count(*) FILTER (WHERE description = 'In words')
FROM coursebase.programs WHERE organization_id = :iron;
SELECT coursebase.set_price(:program, NULL);
SELECT coursebase.publish_course(:program, 'infinity');
SELECT coursebase.archive_course(:program, NULL);
SELECT coursebase.organization_ids_as('boss');
SELECT coursebase.organization_ids_as(NULL) IS NULL;
SELECT coursebase.storefront_course(NULL) IS NULL, coursebase.storefront_course(:nowhere) IS NULL;

-- The same day again writes nothing.
SELECT coursebase.set_day(:program, 0, ARRAY['00000000-0000-4000-8000-0000000a6c01', '00000000-0000-4000-8000-0000000a6c01']::uuid[]);
SELECT array_agg(xmin::text || ctid) AS rows FROM coursebase.course_workouts WHERE program_id = :program \gset
SELECT coursebase.set_day(:program, 0, ARRAY['00000000-0000-4000-8000-0000000a6c01', '00000000-0000-4000-8000-0000000a6c01']::uuid[]);
SELECT array_agg(xmin::text || ctid) = :'rows' FROM coursebase.course_workouts WHERE program_id = :program;

-- No such program, by plain SQL.
\set VERBOSITY sqlstate
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES (:nowhere, 3);
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, is_rest) VALUES (:nowhere, 0, 0, true);
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, is_rest) VALUES (NULL, 0, 0, true);
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES (NULL, 3);
INSERT INTO coursebase.plans (organization_id, type, name, price_in_cents) VALUES (:nowhere, 'drop_in', 'None', 0);
INSERT INTO coursebase.plans (organization_id, type, name, price_in_cents) VALUES (NULL, 'drop_in', 'None', 0);
INSERT INTO coursebase.plans (organization_id, type, name, price_in_cents) VALUES (:iron, 'course', 'None', 0);
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES (NULL, '00000000-0000-4000-8000-0000000a6a01', 'coach');
SET LOCAL request.jwt.claims = '{"sub": "paths_olga"}';
SET LOCAL ROLE regress_end_user;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, is_rest) VALUES (:nowhere, 0, 0, true);
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES (:nowhere, 3);
INSERT INTO coursebase.plans (organization_id, type, name, price_in_cents) VALUES (:nowhere, 'drop_in', 'None', 0);
SELECT coursebase.set_day(:nowhere, 0, is_rest => true);
-- Many places at once, in two courses, one of them twice: each is judged.
RESET ROLE;
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES ('00000000-0000-4000-8000-0000000a6d02', :iron, 'Other', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES ('00000000-0000-4000-8000-0000000a6d02', 9);
SET LOCAL ROLE regress_end_user;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id)
SELECT p, d, 5, '00000000-0000-4000-8000-0000000a6c01' FROM unnest(ARRAY[:program, '00000000-0000-4000-8000-0000000a6d02']::uuid[]) p, generate_series(1, 2) d
RETURNING day_offset;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id)
SELECT p, d, 6, '00000000-0000-4000-8000-0000000a6c01' FROM unnest(ARRAY[:program, '00000000-0000-4000-8000-0000000a6d02']::uuid[]) p, generate_series(1, 3) d;
DELETE FROM coursebase.course_workouts WHERE sort_order = 5 RETURNING day_offset;
ROLLBACK;
