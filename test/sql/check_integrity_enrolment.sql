-- Promise: check_integrity() finds payments that mix organisations or were not given back as they say, and
-- entitlements that their payment or what was done does not bear out. Triggers were switched off for the damage.
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000000e6a0' || n)::uuid, 'check_integrity_enrolment_' || who, who, who || '@example.org'
FROM unnest(ARRAY['olga', 'zoe', 'max', 'eve']) WITH ORDINALITY u (who, n);
INSERT INTO coursebase.organizations (id, name, slug, currency, time_zone) VALUES
    ('00000000-0000-4000-8000-0000000e6b01', 'Iron', 'check-integrity-enrolment-iron', 'EUR', 'Europe/Berlin'),
    ('00000000-0000-4000-8000-0000000e6b02', 'Zen', 'check-integrity-enrolment-zen', 'USD', 'America/New_York');
INSERT INTO coursebase.memberships (id, organization_id, user_id, role) VALUES
    ('00000000-0000-4000-8000-0000000e6101', '00000000-0000-4000-8000-0000000e6b01', '00000000-0000-4000-8000-0000000e6a01', 'owner'),
    ('00000000-0000-4000-8000-0000000e6102', '00000000-0000-4000-8000-0000000e6b02', '00000000-0000-4000-8000-0000000e6a02', 'owner'),
    ('00000000-0000-4000-8000-0000000e6103', '00000000-0000-4000-8000-0000000e6b01', '00000000-0000-4000-8000-0000000e6a03', 'member');
INSERT INTO coursebase.workouts (id, organization_id, name)
SELECT ('00000000-0000-4000-8000-0000000e6c0' || n)::uuid, ('00000000-0000-4000-8000-0000000e6b0' || 1 + n / 4)::uuid, 'W' || n
FROM generate_series(1, 4) n;
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    ('00000000-0000-4000-8000-0000000e6d01', '00000000-0000-4000-8000-0000000e6b01', 'Strong', 'course'),
    ('00000000-0000-4000-8000-0000000e6d02', '00000000-0000-4000-8000-0000000e6b02', 'Calm', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES
    ('00000000-0000-4000-8000-0000000e6d01', 3), ('00000000-0000-4000-8000-0000000e6d02', 60);
INSERT INTO coursebase.course_workouts (id, program_id, day_offset, sort_order, workout_id, is_rest) VALUES
    ('00000000-0000-4000-8000-0000000e6e01', '00000000-0000-4000-8000-0000000e6d01', 0, 0, '00000000-0000-4000-8000-0000000e6c01', false),
    ('00000000-0000-4000-8000-0000000e6e02', '00000000-0000-4000-8000-0000000e6d01', 1, 0, NULL, true),
    ('00000000-0000-4000-8000-0000000e6e03', '00000000-0000-4000-8000-0000000e6d01', 2, 0, '00000000-0000-4000-8000-0000000e6c02', false),
    ('00000000-0000-4000-8000-0000000e6e04', '00000000-0000-4000-8000-0000000e6d02', 0, 0, '00000000-0000-4000-8000-0000000e6c04', false);
INSERT INTO coursebase.plans (id, organization_id, program_id, type, name, price_in_cents) VALUES
    ('00000000-0000-4000-8000-0000000e6f01', '00000000-0000-4000-8000-0000000e6b01', '00000000-0000-4000-8000-0000000e6d01', 'course', 'Strong', 4900),
    ('00000000-0000-4000-8000-0000000e6f02', '00000000-0000-4000-8000-0000000e6b02', '00000000-0000-4000-8000-0000000e6d02', 'course', 'Calm', 0);
SELECT coursebase.publish_course(id, '2026-01-01') IS NOT NULL AS published FROM coursebase.programs
WHERE id IN ('00000000-0000-4000-8000-0000000e6d01', '00000000-0000-4000-8000-0000000e6d02');
\set iron '''00000000-0000-4000-8000-0000000e6b01'''
\set zen '''00000000-0000-4000-8000-0000000e6b02'''
\set strong '''00000000-0000-4000-8000-0000000e6d01'''
\set calm '''00000000-0000-4000-8000-0000000e6d02'''
\set max '''00000000-0000-4000-8000-0000000e6a03'''
\set eve '''00000000-0000-4000-8000-0000000e6a04'''
-- The damage, each found: payments, entitlements, what was done.
SELECT coursebase.attach_payment_reference(transaction_id, 'stripe', 'd') FROM coursebase.begin_checkout(:max, :strong, '2026-02-01');
SELECT status FROM coursebase.apply_payment_event(:iron, 'stripe', 'd', 'completed', '2026-02-01');
SELECT m.course_completed_at FROM coursebase.course_entitlements e, coursebase.mark_workout_complete(e.id, '00000000-0000-4000-8000-0000000e6e01', NULL, '2026-02-02') m WHERE e.user_id = :max;
\set check 'SELECT check_name, regexp_replace(problem, ''[0-9]{4}-.*'', ''…'') FROM coursebase.check_integrity() ORDER BY 1, 2;'
:check
SET LOCAL session_replication_role = replica;
SAVEPOINT sound;
UPDATE coursebase.payment_transactions SET organization_id = :zen WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.payment_transactions SET program_id = :calm WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.payment_transactions SET type = 'refund', refunds_transaction_id = '00000000-0000-4000-8000-0000000e6bff' WHERE user_id = :max;
:check
ROLLBACK TO sound;
DELETE FROM coursebase.course_entitlements WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.course_entitlements SET membership_id = '00000000-0000-4000-8000-0000000e6102' WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.course_entitlements SET organization_id = :zen WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.course_entitlements SET completed_at = '2026-02-02' WHERE user_id = :max;
:check
ROLLBACK TO sound;
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, program_id, completed_at)
SELECT id, '00000000-0000-4000-8000-0000000e6e03', program_id, '2026-02-03' FROM coursebase.course_entitlements WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.course_workout_completions SET program_id = :calm WHERE program_id = :strong;
:check
ROLLBACK TO sound;
ROLLBACK;
