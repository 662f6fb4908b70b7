-- Promise: in plain SQL too, whoever writes, keys refuse what would mix two organisations or two people; a membership
-- that ends leaves what was bought.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000000e7a0' || n)::uuid, 'enrolment_mixed_' || who, who, who || '@example.org'
FROM unnest(ARRAY['olga', 'zoe', 'max', 'eve']) WITH ORDINALITY u (who, n);
INSERT INTO coursebase.organizations (id, name, slug, currency, time_zone) VALUES
    ('00000000-0000-4000-8000-0000000e7b01', 'Iron', 'enrolment-mixed-iron', 'EUR', 'Europe/Berlin'),
    ('00000000-0000-4000-8000-0000000e7b02', 'Zen', 'enrolment-mixed-zen', 'USD', 'America/New_York');
INSERT INTO coursebase.memberships (id, organization_id, user_id, role) VALUES
    ('00000000-0000-4000-8000-0000000e7101', '00000000-0000-4000-8000-0000000e7b01', '00000000-0000-4000-8000-0000000e7a01', 'owner'),
    ('00000000-0000-4000-8000-0000000e7102', '00000000-0000-4000-8000-0000000e7b02', '00000000-0000-4000-8000-0000000e7a02', 'owner'),
    ('00000000-0000-4000-8000-0000000e7103', '00000000-0000-4000-8000-0000000e7b01', '00000000-0000-4000-8000-0000000e7a03', 'member');
INSERT INTO coursebase.workouts (id, organization_id, name)
SELECT ('00000000-0000-4000-8000-0000000e7c0' || n)::uuid, ('00000000-0000-4000-8000-0000000e7b0' || 1 + n / 4)::uuid, 'W' || n
FROM generate_series(1, 4) n;
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    ('00000000-0000-4000-8000-0000000e7d01', '00000000-0000-4000-8000-0000000e7b01', 'Strong', 'course'),
    ('00000000-0000-4000-8000-0000000e7d02', '00000000-0000-4000-8000-0000000e7b02', 'Calm', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES
    ('00000000-0000-4000-8000-0000000e7d01', 3), ('00000000-0000-4000-8000-0000000e7d02', 60);
INSERT INTO coursebase.course_workouts (id, program_id, day_offset, sort_order, workout_id, is_rest) VALUES
    ('00000000-0000-4000-8000-0000000e7e01', '00000000-0000-4000-8000-0000000e7d01', 0, 0, '00000000-0000-4000-8000-0000000e7c01', false),
    ('00000000-0000-4000-8000-0000000e7e02', '00000000-0000-4000-8000-0000000e7d01', 1, 0, NULL, true),
    ('00000000-0000-4000-8000-0000000e7e03', '00000000-0000-4000-8000-0000000e7d01', 2, 0, '00000000-0000-4000-8000-0000000e7c02', false),
    ('00000000-0000-4000-8000-0000000e7e04', '00000000-0000-4000-8000-0000000e7d02', 0, 0, '00000000-0000-4000-8000-0000000e7c04', false);
INSERT INTO coursebase.plans (id, organization_id, program_id, type, name, price_in_cents) VALUES
    ('00000000-0000-4000-8000-0000000e7f01', '00000000-0000-4000-8000-0000000e7b01', '00000000-0000-4000-8000-0000000e7d01', 'course', 'Strong', 4900),
    ('00000000-0000-4000-8000-0000000e7f02', '00000000-0000-4000-8000-0000000e7b02', '00000000-0000-4000-8000-0000000e7d02', 'course', 'Calm', 0);
SELECT coursebase.publish_course(id, '2026-01-01') IS NOT NULL AS published FROM coursebase.programs
WHERE id IN ('00000000-0000-4000-8000-0000000e7d01', '00000000-0000-4000-8000-0000000e7d02');
\set iron '''00000000-0000-4000-8000-0000000e7b01'''
\set zen '''00000000-0000-4000-8000-0000000e7b02'''
\set strong '''00000000-0000-4000-8000-0000000e7d01'''
\set calm '''00000000-0000-4000-8000-0000000e7d02'''
\set max '''00000000-0000-4000-8000-0000000e7a03'''
\set eve '''00000000-0000-4000-8000-0000000e7a04'''
SELECT coursebase.set_price(:strong, 0) IS NOT NULL, coursebase.set_price(:calm, 500) IS NOT NULL;
SELECT transaction_id AS t2, entitlement_id AS n2 FROM coursebase.begin_checkout(:eve, :calm, '2026-02-01') \gset
SELECT coursebase.attach_payment_reference(:'t2', 'stripe', 'zen-1');
SELECT status FROM coursebase.apply_payment_event(:zen, 'stripe', 'zen-1', 'completed', '2026-02-01');
INSERT INTO coursebase.payment_transactions (id, organization_id, user_id, plan_id, amount_in_cents, currency, type, status) VALUES
    ('00000000-0000-4000-8000-0000000e7201', :zen, :eve, '00000000-0000-4000-8000-0000000e7f02', 1, 'USD', 'charge', 'completed');
-- As the owner of the tables, in plain SQL: what would mix two organisations, or two people, is refused by keys.
\set VERBOSITY sqlstate
SAVEPOINT before;
-- a plan of one for the other
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, currency, type)
VALUES (:iron, :eve, '00000000-0000-4000-8000-0000000e7f02', 1, 'USD', 'charge');
ROLLBACK TO before;
-- a membership of one on an entitlement, or a payment, of the other; and of somebody else
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, membership_id) VALUES (:max, :calm, 'active', '00000000-0000-4000-8000-0000000e7103');
ROLLBACK TO before;
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, membership_id) VALUES (:eve, :strong, 'active', '00000000-0000-4000-8000-0000000e7103');
ROLLBACK TO before;
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, currency, type, membership_id)
VALUES (:zen, :max, '00000000-0000-4000-8000-0000000e7f02', 1, 'USD', 'charge', '00000000-0000-4000-8000-0000000e7103');
ROLLBACK TO before;
-- an entitlement of one to the other's program, for another's payment, for another program's payment
INSERT INTO coursebase.course_entitlements (user_id, program_id, organization_id, status) VALUES (:max, :calm, :iron, 'active');
ROLLBACK TO before;
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, source_payment_transaction_id) VALUES (:max, :calm, 'active', '00000000-0000-4000-8000-0000000e7201');
ROLLBACK TO before;
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, source_payment_transaction_id) VALUES (:eve, :strong, 'active', '00000000-0000-4000-8000-0000000e7201');
ROLLBACK TO before;
-- a plan that was bought goes to no other program; a refund of another's payment; moved to another organisation
UPDATE coursebase.plans SET program_id = NULL, type = 'drop_in' WHERE id = '00000000-0000-4000-8000-0000000e7f02';
ROLLBACK TO before;
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, currency, type, refunds_transaction_id)
VALUES (:iron, :eve, '00000000-0000-4000-8000-0000000e7f01', 1, 'EUR', 'refund', :'t2');
ROLLBACK TO before;
UPDATE coursebase.course_entitlements SET organization_id = :iron WHERE id = :'n2';
ROLLBACK TO before;
-- A membership that ends leaves what was bought.
INSERT INTO coursebase.memberships (id, organization_id, user_id, role) VALUES ('00000000-0000-4000-8000-0000000e7104', :zen, :eve, 'member');
UPDATE coursebase.course_entitlements SET membership_id = '00000000-0000-4000-8000-0000000e7104' WHERE id = :'n2';
UPDATE coursebase.payment_transactions SET membership_id = '00000000-0000-4000-8000-0000000e7104' WHERE id = :'t2';
DELETE FROM coursebase.memberships WHERE id = '00000000-0000-4000-8000-0000000e7104';
SELECT status, membership_id, organization_id = :zen FROM coursebase.course_entitlements WHERE id = :'n2';
SELECT status, membership_id, organization_id = :zen FROM coursebase.payment_transactions WHERE id = :'t2';
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
