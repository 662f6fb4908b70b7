-- Promise: what is on sale is bought once a person, at once when it is free, by a pending charge when it is not;
-- a row of before is taken up again, and one pending charge replaces the other.
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000000e1a0' || n)::uuid, 'payment_checkout_' || who, who, who || '@example.org'
FROM unnest(ARRAY['olga', 'zoe', 'max', 'eve']) WITH ORDINALITY u (who, n);
INSERT INTO coursebase.organizations (id, name, slug, currency, time_zone) VALUES
    ('00000000-0000-4000-8000-0000000e1b01', 'Iron', 'payment-checkout-iron', 'EUR', 'Europe/Berlin'),
    ('00000000-0000-4000-8000-0000000e1b02', 'Zen', 'payment-checkout-zen', 'USD', 'America/New_York');
INSERT INTO coursebase.memberships (id, organization_id, user_id, role) VALUES
    ('00000000-0000-4000-8000-0000000e1101', '00000000-0000-4000-8000-0000000e1b01', '00000000-0000-4000-8000-0000000e1a01', 'owner'),
    ('00000000-0000-4000-8000-0000000e1102', '00000000-0000-4000-8000-0000000e1b02', '00000000-0000-4000-8000-0000000e1a02', 'owner'),
    ('00000000-0000-4000-8000-0000000e1103', '00000000-0000-4000-8000-0000000e1b01', '00000000-0000-4000-8000-0000000e1a03', 'member');
INSERT INTO coursebase.workouts (id, organization_id, name)
SELECT ('00000000-0000-4000-8000-0000000e1c0' || n)::uuid, ('00000000-0000-4000-8000-0000000e1b0' || 1 + n / 4)::uuid, 'W' || n
FROM generate_series(1, 4) n;
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    ('00000000-0000-4000-8000-0000000e1d01', '00000000-0000-4000-8000-0000000e1b01', 'Strong', 'course'),
    ('00000000-0000-4000-8000-0000000e1d02', '00000000-0000-4000-8000-0000000e1b02', 'Calm', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES
    ('00000000-0000-4000-8000-0000000e1d01', 3), ('00000000-0000-4000-8000-0000000e1d02', 60);
INSERT INTO coursebase.course_workouts (id, program_id, day_offset, sort_order, workout_id, is_rest) VALUES
    ('00000000-0000-4000-8000-0000000e1e01', '00000000-0000-4000-8000-0000000e1d01', 0, 0, '00000000-0000-4000-8000-0000000e1c01', false),
    ('00000000-0000-4000-8000-0000000e1e02', '00000000-0000-4000-8000-0000000e1d01', 1, 0, NULL, true),
    ('00000000-0000-4000-8000-0000000e1e03', '00000000-0000-4000-8000-0000000e1d01', 2, 0, '00000000-0000-4000-8000-0000000e1c02', false),
    ('00000000-0000-4000-8000-0000000e1e04', '00000000-0000-4000-8000-0000000e1d02', 0, 0, '00000000-0000-4000-8000-0000000e1c04', false);
INSERT INTO coursebase.plans (id, organization_id, program_id, type, name, price_in_cents) VALUES
    ('00000000-0000-4000-8000-0000000e1f01', '00000000-0000-4000-8000-0000000e1b01', '00000000-0000-4000-8000-0000000e1d01', 'course', 'Strong', 4900),
    ('00000000-0000-4000-8000-0000000e1f02', '00000000-0000-4000-8000-0000000e1b02', '00000000-0000-4000-8000-0000000e1d02', 'course', 'Calm', 0);
SELECT coursebase.publish_course(id, '2026-01-01') IS NOT NULL AS published FROM coursebase.programs
WHERE id IN ('00000000-0000-4000-8000-0000000e1d01', '00000000-0000-4000-8000-0000000e1d02');
\set iron '''00000000-0000-4000-8000-0000000e1b01'''
\set zen '''00000000-0000-4000-8000-0000000e1b02'''
\set strong '''00000000-0000-4000-8000-0000000e1d01'''
\set calm '''00000000-0000-4000-8000-0000000e1d02'''
\set max '''00000000-0000-4000-8000-0000000e1a03'''
\set eve '''00000000-0000-4000-8000-0000000e1a04'''
PREPARE state AS SELECT e.status, e.membership_id IS NOT NULL AS member, e.access_revoked_at, e.start_date,
    e.source_payment_transaction_id IS NOT NULL AS paid,
    (SELECT string_agg(t.status || ' ' || t.amount_in_cents || t.currency, ', ' ORDER BY t.created_at)
     FROM coursebase.payment_transactions t WHERE t.user_id = e.user_id AND t.program_id = e.program_id)
FROM coursebase.course_entitlements e JOIN coursebase.users u ON u.id = e.user_id WHERE u.id IN ($1, $2) ORDER BY e.created_at;
-- A member and a stranger; free and paid; again.
SELECT status, transaction_id IS NULL FROM coursebase.begin_checkout(:max, :strong, '2026-02-01');
SELECT status, transaction_id IS NULL FROM coursebase.begin_checkout(:max, :calm, '2026-02-02');
SELECT status, transaction_id IS NULL FROM coursebase.begin_checkout(:max, :calm, '2026-02-03');
EXECUTE state(:max, :max);
SELECT entitlement_id AS first FROM coursebase.begin_checkout(:max, :strong, '2026-02-04') \gset
SELECT entitlement_id = :'first', status FROM coursebase.begin_checkout(:max, :strong, '2026-02-05');
EXECUTE state(:max, :max);
-- Refused: not published, archived, no active plan, tier lite, unknown, a closed account, nulls.
SAVEPOINT before;
UPDATE coursebase.plans SET is_active = false WHERE program_id = :strong;
SELECT coursebase.begin_checkout(:eve, :strong, '2026-02-01');
ROLLBACK TO before;
SELECT coursebase.archive_course(:strong, '2026-02-01');
SELECT coursebase.begin_checkout(:eve, :strong, '2026-02-01');
ROLLBACK TO before;
UPDATE coursebase.organizations SET platform_tier = 'lite' WHERE id = :iron;
SELECT coursebase.begin_checkout(:eve, :strong, '2026-02-01');
ROLLBACK TO before;
SELECT coursebase.begin_checkout(:eve, '00000000-0000-4000-8000-0000000e1dff', '2026-02-01');
ROLLBACK TO before;
UPDATE coursebase.users SET deleted_at = now() WHERE id = :eve;
SELECT coursebase.begin_checkout(:eve, :strong, '2026-02-01');
ROLLBACK TO before;
SELECT coursebase.begin_checkout(NULL, :strong);
ROLLBACK TO before;
-- Cancelled: the charge and, while it is pending, the entitlement; once.
SELECT transaction_id AS charge FROM coursebase.begin_checkout(:eve, :strong, '2026-03-01') \gset
SELECT coursebase.cancel_checkout(:'charge', '2026-03-02'), coursebase.cancel_checkout(:'charge', '2026-03-03');
EXECUTE state(:eve, :eve);
SELECT status FROM coursebase.begin_checkout(:eve, :strong, '2026-03-04');
EXECUTE state(:eve, :eve);
-- It became free meanwhile.
SELECT coursebase.set_price(:strong, 0) IS NOT NULL;
SELECT status, transaction_id IS NULL FROM coursebase.begin_checkout(:eve, :strong, '2026-03-05');
EXECUTE state(:eve, :eve);
-- A reference is attached once, and is one charge's of the organisation.
SELECT coursebase.set_price(:strong, 100) IS NOT NULL;
SELECT transaction_id AS charge FROM coursebase.begin_checkout(:max, :strong, '2026-03-06') \gset
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'a'), coursebase.attach_payment_reference(:'charge', 'stripe', 'a');
SAVEPOINT before;
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'b');
ROLLBACK TO before;
SELECT transaction_id AS other FROM coursebase.begin_checkout('00000000-0000-4000-8000-0000000e1a02', :strong, '2026-03-06') \gset
SELECT coursebase.attach_payment_reference(:'other', 'stripe', 'a');
ROLLBACK TO before;
SELECT coursebase.attach_payment_reference('00000000-0000-4000-8000-0000000e1fff', 'stripe', 'c');
ROLLBACK TO before;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
