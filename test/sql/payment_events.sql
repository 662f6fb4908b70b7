-- Promise: what a provider reports changes something once; money on a cancelled charge counts, money on a course
-- that is owned is listed, another organisation's word changes nothing but the log, and a refund is made once.
\getenv abs_srcdir PG_ABS_SRCDIR
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
PREPARE state AS SELECT e.status, e.access_revoked_at,
    (SELECT string_agg(t.type || ' ' || t.status, ', ' ORDER BY t.created_at, t.type)
     FROM coursebase.payment_transactions t WHERE t.user_id = e.user_id AND t.program_id = e.program_id) AS payments,
    (SELECT provider_reference FROM coursebase.payment_transactions t WHERE t.id = e.source_payment_transaction_id) AS source,
    (SELECT string_agg(r.provider_reference, ', ') FROM coursebase.transactions_to_refund r WHERE r.user_id = e.user_id) AS back
FROM coursebase.course_entitlements e WHERE e.user_id = $1;
SELECT transaction_id AS c1 FROM coursebase.begin_checkout(:max, :strong, '2026-02-01') \gset
SELECT coursebase.attach_payment_reference(:'c1', 'stripe', 'c1');
-- The wrong organisation, an unknown reference, an unknown outcome.
SELECT status, entitlement_id, reason FROM coursebase.apply_payment_event(:zen, 'stripe', 'c1', 'completed', '2026-02-02');
EXECUTE state(:max);
SELECT level, message, context ->> 'organization_id' = :zen, context ->> 'provider_reference', created_at = '2026-02-02'
FROM coursebase.server_logs WHERE function_name = 'apply_payment_event';
SAVEPOINT before;
SELECT coursebase.apply_payment_event(:iron, 'stripe', 'nobody', 'completed', '2026-02-02');
ROLLBACK TO before;
SELECT coursebase.apply_payment_event(:iron, 'stripe', 'c1', 'maybe', '2026-02-02');
ROLLBACK TO before;
-- Failed, while pending and the latest; again; and money for it.
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'c1', 'failed', '2026-02-02');
EXECUTE state(:max);
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'c1', 'failed', '2026-02-03');
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'c1', 'completed', '2026-02-03');
EXECUTE state(:max);
SELECT message FROM coursebase.server_logs WHERE function_name = 'apply_payment_event' AND created_at = '2026-02-03';
-- A second try, a third that cancels it; the cancelled one is paid after all, the third as well.
SELECT transaction_id AS c2 FROM coursebase.begin_checkout(:max, :strong, '2026-02-04') \gset
SELECT coursebase.attach_payment_reference(:'c2', 'stripe', 'c2');
SELECT transaction_id AS c3 FROM coursebase.begin_checkout(:max, :strong, '2026-02-05') \gset
SELECT coursebase.attach_payment_reference(:'c3', 'stripe', 'c3');
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'c2', 'failed', '2026-02-06');
EXECUTE state(:max);
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'c2', 'completed', '2026-02-06');
EXECUTE state(:max);
SAVEPOINT paid;
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'c3', 'failed', '2026-02-07');
EXECUTE state(:max);
ROLLBACK TO paid;
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'c3', 'completed', '2026-02-07');
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'c3', 'completed', '2026-02-08');
EXECUTE state(:max);
-- Refunds: the one too many keeps the course; the source gives it to the other, and then revokes it; each once.
SAVEPOINT twice;
SELECT status FROM coursebase.refund_transaction(:'c3', false, '2026-03-01');
EXECUTE state(:max);
SELECT status FROM coursebase.refund_transaction(:'c2', true, '2026-03-02');
EXECUTE state(:max);
SELECT refund_id AS r FROM coursebase.refund_transaction(:'c2', true, '2026-03-03') \gset
SELECT status, refund_id = :'r' FROM coursebase.refund_transaction(:'c2', false, '2026-03-04');
SELECT status, refund_id = :'r' FROM coursebase.refund_transaction(:'c2', false, '2026-03-05');
EXECUTE state(:max);
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'c2', 'completed', '2026-03-06');
SELECT action, old, new FROM coursebase.audit_events WHERE action = 'payment_refunded' ORDER BY created_at;
SELECT * FROM coursebase.check_integrity();
ROLLBACK TO twice;
SELECT status FROM coursebase.refund_transaction(:'c2', false, '2026-03-01');
EXECUTE state(:max);
-- Nothing to give back; a life that goes no such way; amounts and organisations stay.
SAVEPOINT before;
SELECT coursebase.refund_transaction(:'c1', false, '2026-03-01');
ROLLBACK TO before;
UPDATE coursebase.payment_transactions SET status = 'pending' WHERE id = :'c1';
ROLLBACK TO before;
UPDATE coursebase.payment_transactions SET amount_in_cents = 1 WHERE id = :'c3';
ROLLBACK TO before;
UPDATE coursebase.payment_transactions SET organization_id = :zen WHERE id = :'c3';
ROLLBACK TO before;
-- Another organisation may use the same reference of its own.
SELECT coursebase.set_price(:calm, 700) IS NOT NULL;
SELECT transaction_id AS z FROM coursebase.begin_checkout(:eve, :calm, '2026-04-01') \gset
SELECT coursebase.attach_payment_reference(:'z', 'stripe', 'c1');
SELECT status, reason FROM coursebase.apply_payment_event(:zen, 'stripe', 'c1', 'completed', '2026-04-01');
EXECUTE state(:eve);
SELECT * FROM coursebase.check_integrity();
-- What is paid for after the account was closed gives nobody anything, and is listed; the refund ends that.
SELECT transaction_id AS z FROM coursebase.begin_checkout(:eve, :strong, '2026-05-01') \gset
SELECT coursebase.attach_payment_reference(:'z', 'stripe', 'late');
SELECT coursebase.delete_user(:eve, '2026-05-02') IS NOT NULL;
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'late', 'completed', '2026-05-03');
SELECT status, reason FROM coursebase.apply_payment_event(:iron, 'stripe', 'late', 'completed', '2026-05-04');
SELECT e.status, t.provider_reference FROM coursebase.transactions_to_refund t JOIN coursebase.course_entitlements e ON e.id = t.entitlement_id WHERE t.user_id = :eve;
SELECT * FROM coursebase.check_integrity();
SELECT r.status, (SELECT count(*) FROM coursebase.transactions_to_refund t WHERE t.user_id = :eve) FROM coursebase.refund_transaction(:'z', false, '2026-05-05') r;
SELECT count(*) FROM coursebase.transactions_to_refund WHERE user_id = :eve;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
