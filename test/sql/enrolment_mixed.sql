-- Promise: in plain SQL too, whoever writes, keys refuse what would mix two organisations or two people; a membership
-- that ends leaves what was bought.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
SELECT coursebase.set_price(:strong, 0) IS NOT NULL, coursebase.set_price(:calm, 500) IS NOT NULL;
SELECT transaction_id AS t2, entitlement_id AS n2 FROM coursebase.begin_checkout(:eve, :calm, '2026-02-01') \gset
SELECT coursebase.attach_payment_reference(:'t2', 'stripe', 'zen-1');
SELECT status FROM coursebase.apply_payment_event(:zen, 'stripe', 'zen-1', 'completed', '2026-02-01');
INSERT INTO coursebase.payment_transactions (id, organization_id, user_id, plan_id, amount_in_cents, currency, type, status) VALUES
    ('00000000-0000-4000-8000-0000000e1201', :zen, :eve, '00000000-0000-4000-8000-0000000e1f02', 1, 'USD', 'charge', 'completed');
-- As the owner of the tables, in plain SQL: what would mix two organisations, or two people, is refused by keys.
\set VERBOSITY sqlstate
SAVEPOINT before;
-- a plan of one for the other
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, currency, type)
VALUES (:iron, :eve, '00000000-0000-4000-8000-0000000e1f02', 1, 'USD', 'charge');
ROLLBACK TO before;
-- a membership of one on an entitlement, or a payment, of the other; and of somebody else
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, membership_id) VALUES (:max, :calm, 'active', '00000000-0000-4000-8000-0000000e1103');
ROLLBACK TO before;
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, membership_id) VALUES (:eve, :strong, 'active', '00000000-0000-4000-8000-0000000e1103');
ROLLBACK TO before;
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, currency, type, membership_id)
VALUES (:zen, :max, '00000000-0000-4000-8000-0000000e1f02', 1, 'USD', 'charge', '00000000-0000-4000-8000-0000000e1103');
ROLLBACK TO before;
-- an entitlement of one to the other's program, for another's payment, for another program's payment
INSERT INTO coursebase.course_entitlements (user_id, program_id, organization_id, status) VALUES (:max, :calm, :iron, 'active');
ROLLBACK TO before;
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, source_payment_transaction_id) VALUES (:max, :calm, 'active', '00000000-0000-4000-8000-0000000e1201');
ROLLBACK TO before;
INSERT INTO coursebase.course_entitlements (user_id, program_id, status, source_payment_transaction_id) VALUES (:eve, :strong, 'active', '00000000-0000-4000-8000-0000000e1201');
ROLLBACK TO before;
-- a plan that was bought goes to no other program; a refund of another's payment; moved to another organisation
UPDATE coursebase.plans SET program_id = NULL, type = 'drop_in' WHERE id = '00000000-0000-4000-8000-0000000e1f02';
ROLLBACK TO before;
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, currency, type, refunds_transaction_id)
VALUES (:iron, :eve, '00000000-0000-4000-8000-0000000e1f01', 1, 'EUR', 'refund', :'t2');
ROLLBACK TO before;
UPDATE coursebase.course_entitlements SET organization_id = :iron WHERE id = :'n2';
ROLLBACK TO before;
-- A membership that ends leaves what was bought.
INSERT INTO coursebase.memberships (id, organization_id, user_id, role) VALUES ('00000000-0000-4000-8000-0000000e1104', :zen, :eve, 'member');
UPDATE coursebase.course_entitlements SET membership_id = '00000000-0000-4000-8000-0000000e1104' WHERE id = :'n2';
UPDATE coursebase.payment_transactions SET membership_id = '00000000-0000-4000-8000-0000000e1104' WHERE id = :'t2';
DELETE FROM coursebase.memberships WHERE id = '00000000-0000-4000-8000-0000000e1104';
SELECT status, membership_id, organization_id = :zen FROM coursebase.course_entitlements WHERE id = :'n2';
SELECT status, membership_id, organization_id = :zen FROM coursebase.payment_transactions WHERE id = :'t2';
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
