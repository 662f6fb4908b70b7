-- Promise: check_integrity() finds organisations without an owner, courses whose parts disagree or are of several
-- organisations, and prices in another currency. Damage is done by somebody who switched triggers off.
\set VERBOSITY terse
\set check 'SELECT check_name, object, problem FROM coursebase.check_integrity() ORDER BY 1, 2;'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
\set iron '''00000000-0000-4000-8000-0000000a5b01'''
\set zen '''00000000-0000-4000-8000-0000000a5b02'''
\set strong '''00000000-0000-4000-8000-0000000a5d01'''
\set calm '''00000000-0000-4000-8000-0000000a5d02'''
\set squat '''00000000-0000-4000-8000-0000000a5c01'''
\set breathe '''00000000-0000-4000-8000-0000000a5c02'''
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000a5a01', 'check_olga', 'Olga', 'olga@example.org');
INSERT INTO coursebase.organizations (id, name, slug) VALUES (:iron, 'Iron', 'check-iron'), (:zen, 'Zen', 'check-zen');
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES
    (:iron, '00000000-0000-4000-8000-0000000a5a01', 'owner'), (:zen, '00000000-0000-4000-8000-0000000a5a01', 'owner');
INSERT INTO coursebase.workouts (id, organization_id, name) VALUES (:squat, :iron, 'Squat'), (:breathe, :zen, 'Breathe');
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    (:strong, :iron, 'Strong', 'course'), (:calm, :zen, 'Calm', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES (:strong, 3), (:calm, 3);
INSERT INTO coursebase.course_workouts (id, program_id, day_offset, sort_order, workout_id, is_rest) VALUES
    ('00000000-0000-4000-8000-0000000a5e01', :strong, 0, 0, :squat, false),
    ('00000000-0000-4000-8000-0000000a5e02', :strong, 1, 0, NULL, true);
INSERT INTO coursebase.plans (id, organization_id, program_id, type, name, price_in_cents) VALUES
    ('00000000-0000-4000-8000-0000000a5f01', :iron, :strong, 'course', 'Strong', 100);
UPDATE coursebase.course_configs SET status = 'published', preview_type = 'specific_workout', preview_workout_id = :squat
WHERE program_id = :strong;
:check

SET LOCAL session_replication_role = replica;
SAVEPOINT sound;
DELETE FROM coursebase.memberships WHERE organization_id = :zen;
UPDATE coursebase.organizations SET time_zone = 'Middle/Earth' WHERE id = :zen;
:check
ROLLBACK TO sound;
-- A course that is none, or not configured.
UPDATE coursebase.programs SET delivery_mode = 'live' WHERE id = :strong;
:check
ROLLBACK TO sound;
DELETE FROM coursebase.course_configs WHERE program_id = :strong;
:check
ROLLBACK TO sound;
-- Two organisations.
UPDATE coursebase.course_configs SET organization_id = :zen WHERE program_id = :calm AND duration_days = 3;
UPDATE coursebase.course_workouts SET workout_id = :breathe WHERE program_id = :strong AND NOT is_rest;
UPDATE coursebase.plans SET program_id = :calm;
:check
ROLLBACK TO sound;
UPDATE coursebase.programs SET organization_id = :zen WHERE id = :strong;
:check
ROLLBACK TO sound;
-- A curriculum that breaks its rules.
UPDATE coursebase.course_configs SET duration_days = 1 WHERE program_id = :strong;
:check
ROLLBACK TO sound;
INSERT INTO coursebase.course_workouts (id, program_id, organization_id, day_offset, sort_order, workout_id) VALUES
    ('00000000-0000-4000-8000-0000000a5e03', :strong, :iron, 1, 1, :squat);
:check
ROLLBACK TO sound;
UPDATE coursebase.workouts SET deleted_at = '2026-01-01' WHERE id = :squat;
:check
ROLLBACK TO sound;
DELETE FROM coursebase.course_workouts WHERE program_id = :strong AND NOT is_rest;
:check
ROLLBACK TO sound;
-- Money.
UPDATE coursebase.organizations SET currency = 'EUR' WHERE id = :iron;
:check
ROLLBACK TO sound;
:check
ROLLBACK;
