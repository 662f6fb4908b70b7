-- Promise: check_integrity() finds payments that mix organisations or were not given back as they say, and
-- entitlements that their payment or what was done does not bear out. Triggers were switched off for the damage.
\getenv abs_srcdir PG_ABS_SRCDIR
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
-- The damage, each found: payments, entitlements, what was done.
SELECT coursebase.attach_payment_reference(transaction_id, 'stripe', 'd') FROM coursebase.begin_checkout(:max, :strong, '2026-02-01');
SELECT status FROM coursebase.apply_payment_event(:iron, 'stripe', 'd', 'completed', '2026-02-01');
SELECT m.course_completed_at FROM coursebase.course_entitlements e, coursebase.mark_workout_complete(e.id, '00000000-0000-4000-8000-0000000e1e01', NULL, '2026-02-02') m WHERE e.user_id = :max;
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
UPDATE coursebase.payment_transactions SET type = 'refund', refunds_transaction_id = '00000000-0000-4000-8000-0000000e1bff' WHERE user_id = :max;
:check
ROLLBACK TO sound;
DELETE FROM coursebase.course_entitlements WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.course_entitlements SET membership_id = '00000000-0000-4000-8000-0000000e1102' WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.course_entitlements SET organization_id = :zen WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.course_entitlements SET completed_at = '2026-02-02' WHERE user_id = :max;
:check
ROLLBACK TO sound;
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, program_id, completed_at)
SELECT id, '00000000-0000-4000-8000-0000000e1e03', program_id, '2026-02-03' FROM coursebase.course_entitlements WHERE user_id = :max;
:check
ROLLBACK TO sound;
UPDATE coursebase.course_workout_completions SET program_id = :calm WHERE program_id = :strong;
:check
ROLLBACK TO sound;
ROLLBACK;
