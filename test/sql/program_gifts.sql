-- Promise: who gives a program away by plain SQL, with the server's key or as the owner, stands in the audit trail; what was
-- paid for and what is free is no gift.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
\set gifts 'SELECT u.name, p.name, e.old FROM coursebase.audit_events e JOIN coursebase.users u ON u.id::text = e.new ->> ''user_id'' JOIN coursebase.programs p ON p.id::text = e.new ->> ''program_id'' WHERE e.action = ''program_granted'' AND e.object = (SELECT ''course_entitlements/'' || id FROM coursebase.course_entitlements c WHERE c.user_id = u.id AND c.program_id = p.id) ORDER BY 1;'
UPDATE coursebase.settings SET value = 'stripe' WHERE name = 'require_signature';

-- No gifts: a free program, a charge of another provider, its refund, a charge by plain SQL.
SET LOCAL ROLE regress_server;
SELECT status FROM coursebase.begin_checkout(:max, :calm, '2026-02-01');
SELECT transaction_id AS charge FROM coursebase.begin_checkout(:max, :strong, '2026-02-01') \gset
SELECT coursebase.attach_payment_reference(:'charge', 'cash', 'c-1');
SELECT status FROM coursebase.apply_payment_event(:iron, 'cash', 'c-1', 'completed', '2026-02-01');
SELECT status FROM coursebase.refund_transaction(:'charge', at => '2026-02-02');
SELECT status FROM coursebase.course_entitlements WHERE user_id = :max AND program_id = :strong;
SAVEPOINT refunded;
SELECT transaction_id AS again FROM coursebase.begin_checkout(:max, :strong, '2026-02-03') \gset
UPDATE coursebase.payment_transactions SET status = 'completed', provider = 'cash', provider_reference = 'c-2' WHERE id = :'again';
UPDATE coursebase.course_entitlements SET status = 'active', source_payment_transaction_id = :'again' WHERE user_id = :max AND program_id = :strong;
:gifts
ROLLBACK TO refunded;

-- Gifts: to who never paid, to who got the money back, to who is about to pay; of the owner, too.
UPDATE coursebase.course_entitlements SET status = 'active' WHERE user_id = :max AND program_id = :strong;
:gifts
UPDATE coursebase.course_entitlements SET status = 'active' WHERE user_id = :max AND program_id = :strong;
SELECT status FROM coursebase.begin_checkout(:eve, :strong, '2026-02-01');
SAVEPOINT pending;
UPDATE coursebase.course_entitlements SET status = 'active' WHERE user_id = :eve;
:gifts
ROLLBACK TO pending;
RESET ROLE;
INSERT INTO coursebase.course_entitlements (user_id, program_id, status) SELECT id, :strong, 'active' FROM coursebase.users WHERE clerk_user_id = 'programs_zoe';
:gifts
-- Max's rests on a charge that was given back, and check_integrity() says so.
SELECT check_name, split_part(object, ' ', 1) FROM coursebase.check_integrity();

-- Rows of a load say nothing of who gave: they come as they are.
SET LOCAL session_replication_role = replica;
UPDATE coursebase.course_entitlements SET status = 'active' WHERE user_id = :eve;
SELECT count(*) FROM coursebase.audit_events WHERE action = 'program_granted';
ROLLBACK;
