-- Promise: check_integrity() finds credits that are not what their log and packs say. Damage is done by somebody
-- who switched triggers off and dropped constraints.
\set ada '\'00000000-0000-4000-8000-0000000000a7\''
\set check 'SELECT check_name, object, problem FROM coursebase.check_integrity();'
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
UPDATE coursebase.settings SET value = '100' WHERE name = 'free_weekly_credits';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'check_ada', 'Ada', 'ada@example.org');
SELECT weekly_left FROM coursebase.consume_credits(:ada, 10, 'talk', '2026-03-02 10:00+00');
SELECT bank_left FROM coursebase.grant_credit_pack(:ada, 'ai_credits_50', 50, 'app_store', 'production', 'check 1', 't', at => '2026-03-02 10:00+00');
SELECT bank_left FROM coursebase.grant_credit_pack(:ada, 'ai_credits_50', 50, 'app_store', 'production', 'check 2', 't', at => '2026-03-02 10:00+00');
SELECT bank_left FROM coursebase.reserve_credits(:ada, 110, 'call', '2026-03-02 11:00+00');
SELECT bank_left FROM coursebase.commit_credits(:ada, 'call', 100, '2026-03-02 11:00+00');
SELECT bank_left FROM coursebase.refund_credit_pack('app_store', 'production', 'check 1', '2026-03-02 12:00+00');
:check
SET LOCAL session_replication_role = replica;
-- Keys of packs are random: the names of what is found must not be.
CREATE TEMP TABLE keys AS SELECT id, ('00000000-0000-4000-8000-00000000010' || right(purchase_id, 1))::uuid AS fixed FROM coursebase.ai_credit_purchases WHERE user_id = :ada;
UPDATE coursebase.credit_log l SET credit_purchase_id = k.fixed FROM keys k WHERE l.credit_purchase_id = k.id;
UPDATE coursebase.ai_credit_purchases p SET id = k.fixed FROM keys k WHERE p.id = k.id;
:check
SAVEPOINT sound;

-- The account: more used than there was, another limit, no account, no log.
ALTER TABLE coursebase.ai_usage DROP CONSTRAINT ai_usage_weekly_used_within_limit_check;
UPDATE coursebase.ai_usage SET weekly_used_credits = 101 WHERE user_id = :ada;
:check
ROLLBACK TO sound;
UPDATE coursebase.ai_usage SET bank_limit_credits = bank_limit_credits + 1 WHERE user_id = :ada;
:check
ROLLBACK TO sound;
DELETE FROM coursebase.ai_usage WHERE user_id = :ada;
:check
ROLLBACK TO sound;
DELETE FROM coursebase.credit_log WHERE user_id = :ada;
:check
ROLLBACK TO sound;

-- The log: an entry lost, another amount, another order, a limit that fell, an end of nothing, two ends.
DELETE FROM coursebase.credit_log WHERE user_id = :ada AND kind = 'consume';
:check
ROLLBACK TO sound;
UPDATE coursebase.credit_log SET weekly_credits = -9 WHERE user_id = :ada AND kind = 'consume';
:check
ROLLBACK TO sound;
UPDATE coursebase.credit_log SET at = '2026-03-03' WHERE user_id = :ada AND kind = 'consume';
:check
ROLLBACK TO sound;
UPDATE coursebase.credit_log SET weekly_limit_credits = 99, weekly_used_credits = weekly_used_credits - 1 WHERE user_id = :ada AND kind IN ('commit', 'refund');
UPDATE coursebase.ai_usage SET weekly_limit_credits = 99, weekly_used_credits = weekly_used_credits - 1 WHERE user_id = :ada;
:check
ROLLBACK TO sound;
UPDATE coursebase.credit_log SET idempotency_key = 'other' WHERE user_id = :ada AND kind = 'commit';
:check
ROLLBACK TO sound;

-- Packs: a sale that is not in the log, a refund that was not one, a refund that left credits.
UPDATE coursebase.ai_credit_purchases SET credits = 40 WHERE purchase_id = 'check 2' AND user_id = :ada;
:check
ROLLBACK TO sound;
UPDATE coursebase.ai_credit_purchases SET status = 'refunded', claimed_credits = credits WHERE purchase_id = 'check 2' AND user_id = :ada;
:check
ROLLBACK TO sound;
UPDATE coursebase.ai_credit_purchases SET status = 'valid', refunded_credits = 0, claimed_credits = 0 WHERE purchase_id = 'check 1' AND user_id = :ada;
:check
ROLLBACK TO sound;
:check
ROLLBACK;
