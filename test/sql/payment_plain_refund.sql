-- Promise: a charge that plain SQL gives back by its status is given back as by refund_transaction(): it has one refund, and
-- the entitlement goes to another completed charge or is revoked, whatever of it the program wrote itself.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
SELECT entitlement_id AS e, transaction_id AS t FROM coursebase.begin_checkout(:max, :strong, '2026-02-01') \gset
SELECT coursebase.attach_payment_reference(:'t', 'psp', 'first');
SELECT status FROM coursebase.apply_payment_event((SELECT organization_id FROM coursebase.programs WHERE id = :strong), 'psp', 'first', 'completed', '2026-02-01');
\set look 'SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; SELECT t.type, t.status, t.amount_in_cents, t.currency, t.provider_reference FROM coursebase.payment_transactions t WHERE t.user_id = ' :max ' ORDER BY t.type, t.provider_reference; SELECT e.status, e.access_revoked_at IS NOT NULL, (SELECT t.provider_reference FROM coursebase.payment_transactions t WHERE t.id = e.source_payment_transaction_id) FROM coursebase.course_entitlements e WHERE e.user_id = ' :max '; SELECT check_name, problem FROM coursebase.check_integrity();'
SAVEPOINT paid;
-- The status alone; told again, by the function too, it is the one refund.
UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE id = :'t';
:look
SELECT r.status, r.refund_id = p.id FROM coursebase.refund_transaction(:'t') r, coursebase.payment_transactions p WHERE p.type = 'refund' AND p.user_id = :max;
SELECT action, object = 'payment_transactions/' || :'t', old, new FROM coursebase.audit_events WHERE action = 'payment_refunded';
ROLLBACK TO paid;
-- A refund is no charge: whatever its status, nothing is given back of it.
UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE id = :'t';
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE type = 'refund' AND user_id = :max;
:look
ROLLBACK TO paid;
-- By hand first, and then done; in two steps before anything is judged.
UPDATE coursebase.payment_transactions SET status = 'refund_pending' WHERE id = :'t';
:look
UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE id = :'t';
:look
ROLLBACK TO paid;
UPDATE coursebase.payment_transactions SET status = 'refund_pending' WHERE id = :'t';
UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE id = :'t';
:look
ROLLBACK TO paid;
-- The program revokes the entitlement, and writes the refund: before the status, and after it.
UPDATE coursebase.course_entitlements SET status = 'revoked' WHERE id = :'e';
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, type, status, provider, provider_reference, refunds_transaction_id)
SELECT organization_id, user_id, plan_id, amount_in_cents, 'refund', 'completed', provider, 'own', id FROM coursebase.payment_transactions WHERE id = :'t';
UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE id = :'t';
:look
ROLLBACK TO paid;
UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE id = :'t';
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, type, status, provider, provider_reference, refunds_transaction_id)
SELECT organization_id, user_id, plan_id, amount_in_cents, 'refund', 'pending', provider, 'own', id FROM coursebase.payment_transactions WHERE id = :'t';
:look
ROLLBACK TO paid;
-- The program was paid for twice: the other charge carries it on.
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, type, status, provider, provider_reference)
SELECT organization_id, user_id, plan_id, amount_in_cents, 'charge', 'completed', provider, 'second' FROM coursebase.payment_transactions WHERE id = :'t';
UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE id = :'t';
:look
ROLLBACK TO paid;
-- While a dump is restored nothing is made.
SET LOCAL check_function_bodies = off;
UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE id = :'t';
:look
ROLLBACK;
