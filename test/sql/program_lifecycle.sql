-- Promise: draft, published, archived, published, or draft, archived; nothing back. What is published and has an
-- active plan is on the storefront with the preview its type allows; of anything else there is nothing at all.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SET client_min_messages = warning;
\set program '''00000000-0000-4000-8000-0000000a2d01'''
BEGIN;
CREATE ROLE regress_anonymous;
SELECT coursebase.grant_roles('regress_anonymous', NULL, NULL);
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000a2a01', 'life_owner', 'Olga', 'olga@example.org');
INSERT INTO coursebase.organizations (id, name, slug, currency) VALUES
    ('00000000-0000-4000-8000-0000000a2b01', 'Iron', 'life-iron', 'EUR');
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES
    ('00000000-0000-4000-8000-0000000a2b01', '00000000-0000-4000-8000-0000000a2a01', 'owner');
INSERT INTO coursebase.workouts (id, organization_id, name)
SELECT ('00000000-0000-4000-8000-0000000a2c0' || n)::uuid, '00000000-0000-4000-8000-0000000a2b01', chr(64 + n) FROM generate_series(1, 3) n;
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    (:program, '00000000-0000-4000-8000-0000000a2b01', 'Strong', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES (:program, 9);
PREPARE life AS SELECT status, published_at, archived_at,
    (SELECT count(*) FROM coursebase.storefront_courses WHERE program_id = :program) AS listed,
    coursebase.storefront_course(:program) IS NOT NULL AS shown FROM coursebase.course_configs WHERE program_id = :program;
PREPARE preview AS SELECT string_agg(coalesce(d ->> 'name', 'rest') || (d ->> 'day_offset'), ' ')
    FROM json_array_elements(coursebase.storefront_course(:program) -> 'preview') d;
\set ON_ERROR_ROLLBACK on

-- Nothing but rest is nothing to publish.
SELECT coursebase.set_day(:program, 0, is_rest => true);
SELECT coursebase.publish_course(:program, '2026-01-01');
SELECT coursebase.set_day(:program, 0, ARRAY['00000000-0000-4000-8000-0000000a2c01']::uuid[]);
SELECT coursebase.set_day(:program, 1, is_rest => true);
SELECT coursebase.set_day(:program, 6, ARRAY['00000000-0000-4000-8000-0000000a2c02']::uuid[]);
SELECT coursebase.set_day(:program, 7, ARRAY['00000000-0000-4000-8000-0000000a2c03', '00000000-0000-4000-8000-0000000a2c02']::uuid[]);

-- Each status, with and without a price; going there twice is going there once.
EXECUTE life;
SELECT coursebase.publish_course(:program, '2026-01-01');
EXECUTE life;
SELECT coursebase.set_price(:program, 4900) = coursebase.set_price(:program, 3900);
EXECUTE life;
SELECT coursebase.publish_course(:program, '2026-01-02');
SELECT organization_name, name, duration_days, price_in_cents, currency, preview_type FROM coursebase.storefront_courses WHERE program_id = :program;
UPDATE coursebase.plans SET is_active = false WHERE program_id = :program;
EXECUTE life;
SELECT coursebase.set_price(:program, 0) IS NOT NULL;
UPDATE coursebase.plans SET is_active = true WHERE program_id = :program;
SELECT coursebase.archive_course(:program, '2026-02-01');
EXECUTE life;
SELECT coursebase.archive_course(:program, '2026-02-02');
SELECT coursebase.publish_course(:program, '2026-03-01');
EXECUTE life;
-- By plain SQL: what is not a way, times that are not the status's, an insert that is published at once.
UPDATE coursebase.course_configs SET status = 'draft' WHERE program_id = :program;
UPDATE coursebase.course_configs SET status = 'cancelled' WHERE program_id = :program;
UPDATE coursebase.course_configs SET published_at = '2020-01-01', archived_at = '2020-01-01' WHERE program_id = :program;
EXECUTE life;
UPDATE coursebase.course_configs SET status = 'archived', archived_at = '2026-04-01' WHERE program_id = :program;
UPDATE coursebase.course_configs SET status = 'draft' WHERE program_id = :program;
EXECUTE life;
UPDATE coursebase.course_configs SET status = 'published' WHERE program_id = :program;
SELECT published_at = now(), archived_at FROM coursebase.course_configs WHERE program_id = :program;
SELECT coursebase.archive_course(:program, '2026-04-02'), coursebase.publish_course(:program, '2026-04-03');
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    ('00000000-0000-4000-8000-0000000a2d02', '00000000-0000-4000-8000-0000000a2b01', 'Empty', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days, status) VALUES ('00000000-0000-4000-8000-0000000a2d02', 3, 'published');
INSERT INTO coursebase.course_configs (program_id, duration_days, access_policy) VALUES ('00000000-0000-4000-8000-0000000a2d02', 3, 'lifetime');
SELECT coursebase.archive_course('00000000-0000-4000-8000-0000000a2d02', '2026-01-01');
SELECT status FROM coursebase.course_configs WHERE program_id = '00000000-0000-4000-8000-0000000a2d02';

INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    ('00000000-0000-4000-8000-0000000a2d03', '00000000-0000-4000-8000-0000000a2b01', 'Open', 'live');
SELECT coursebase.set_price('00000000-0000-4000-8000-0000000a2d03', 100);
SELECT coursebase.publish_course('00000000-0000-4000-8000-0000000a2d03');

-- While published: the last workout and the preview workout stay.
EXECUTE preview;
UPDATE coursebase.course_configs SET preview_type = 'first_day' WHERE program_id = :program; EXECUTE preview;
UPDATE coursebase.course_configs SET preview_type = 'first_week' WHERE program_id = :program; EXECUTE preview;
UPDATE coursebase.course_configs SET preview_type = 'specific_workout' WHERE program_id = :program;
UPDATE coursebase.course_configs SET preview_workout_id = '00000000-0000-4000-8000-0000000a2c02' WHERE program_id = :program;
UPDATE coursebase.course_configs SET preview_type = 'specific_workout', preview_workout_id = '00000000-0000-4000-8000-0000000a2c02' WHERE program_id = :program; EXECUTE preview;
SELECT coursebase.set_day(:program, 6, '{}'); EXECUTE preview;
SELECT coursebase.set_day(:program, 7, '{}');
SET CONSTRAINTS ALL IMMEDIATE;
DELETE FROM coursebase.course_workouts WHERE workout_id = '00000000-0000-4000-8000-0000000a2c02';
UPDATE coursebase.course_configs SET preview_type = 'none', preview_workout_id = NULL WHERE program_id = :program;
SELECT coursebase.set_day(:program, 7, '{}');
SELECT coursebase.set_day(:program, 0, is_rest => true);
DELETE FROM coursebase.course_workouts WHERE program_id = :program;

-- What anybody reads of the tables is what is on offer.
PREPARE readable AS SELECT (SELECT count(*) FROM coursebase.programs), (SELECT count(*) FROM coursebase.course_configs), (SELECT count(*) FROM coursebase.plans);
SET LOCAL ROLE regress_anonymous; EXECUTE readable; SELECT count(*) FROM coursebase.storefront_courses; RESET ROLE;

-- Tier lite sells no courses: what was on offer is not, and nothing is published.
UPDATE coursebase.organizations SET platform_tier = 'lite' WHERE id = '00000000-0000-4000-8000-0000000a2b01';
EXECUTE life;
SET LOCAL ROLE regress_anonymous; EXECUTE readable; RESET ROLE;
SELECT coursebase.archive_course(:program, '2026-05-01');
SELECT coursebase.publish_course(:program, '2026-05-01');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM coursebase.check_programs();
ROLLBACK;
