-- Promise: a pack counts once however often its receipt comes, and for one person; packs are spent in the order in
-- which they came; a refund takes what is unspent of its own pack, now and of what a reservation still holds.
\set ada '\'00000000-0000-4000-8000-0000000000e1\''
\set bob '\'00000000-0000-4000-8000-0000000000e2\''
\set VERBOSITY default
\pset format unaligned
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'credit_ada', 'Ada', 'ada@example.org'), (:bob, 'credit_bob', 'Bob', 'bob@example.org');
SELECT bank_credits, bank_left FROM coursebase.grant_credit_pack(:ada, 'ai_credits_100', 100, 'google_play', 'production', 'one', 'token 1', 199, 'EUR', '2026-03-02 10:00+00');
SELECT bank_credits, bank_left FROM coursebase.grant_credit_pack(:ada, 'ai_credits_50', 50, 'google_play', 'production', 'two', 'token 2', 99, 'EUR', '2026-03-02 11:00+00');
-- Again: the first result. In the sandbox it is another purchase.
SELECT bank_credits, bank_left FROM coursebase.grant_credit_pack(:ada, 'ai_credits_100', 100, 'google_play', 'production', 'one', 'token 1', 199, 'EUR', '2026-03-05 10:00+00');
SELECT bank_credits, bank_left FROM coursebase.grant_credit_pack(:bob, 'ai_credits_100', 100, 'google_play', 'sandbox', 'one', 'token 1', at => '2026-03-02 10:00+00');
\set ON_ERROR_ROLLBACK on
SELECT * FROM coursebase.grant_credit_pack(:bob, 'ai_credits_100', 100, 'google_play', 'production', 'one', 'token 1', 199, 'EUR', '2026-03-05 10:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.grant_credit_pack(:ada, 'ai_credits_100', 101, 'google_play', 'production', 'one', 'token 1', 199, 'EUR', '2026-03-05 10:00+00');
SELECT * FROM coursebase.grant_credit_pack(:ada, 'ai_credits_100', 9223372036854775807, 'google_play', 'production', 'three', 'token 3', 199, 'EUR', '2026-03-05 10:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.refund_credit_pack('google_play', 'production', 'nine', '2026-03-05 10:00+00');
\echo :LAST_ERROR_SQLSTATE

SAVEPOINT bought;
-- 120 are spent: the first pack is, the second holds 30. The first one's refund finds nothing, the second one's 30.
SELECT bank_credits, bank_left FROM coursebase.consume_credits(:ada, 120, 'talk', '2026-03-06 10:00+00');
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('google_play', 'production', 'one', '2026-03-07 10:00+00');
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('google_play', 'production', 'two', '2026-03-07 10:00+00');
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('google_play', 'production', 'two', '2026-03-08 10:00+00');
SELECT purchase_id, status, credits, refunded_credits FROM coursebase.ai_credit_purchases WHERE user_id = :ada ORDER BY purchase_id;
-- A receipt that comes again after its refund brings nothing.
SELECT bank_credits, bank_left FROM coursebase.grant_credit_pack(:ada, 'ai_credits_50', 50, 'google_play', 'production', 'two', 'token 2', 99, 'EUR', '2026-03-08 11:00+00');
SELECT * FROM coursebase.credit_balance(:ada, '2026-03-09 00:00+00');
SELECT * FROM coursebase.check_integrity();
ROLLBACK TO bought;

-- More than the pack has, behind a part too, is all of it.
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('google_play', 'production', 'one', '2026-03-06 10:00+00', 30);
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('google_play', 'production', 'one', '2026-03-06 11:00+00', 9223372036854775807);
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('google_play', 'production', 'one', '2026-03-06 11:00+00', 9223372036854775807);
SELECT status, claimed_credits, refunded_credits FROM coursebase.ai_credit_purchases WHERE user_id = :ada AND purchase_id = 'one';
SELECT bank_credits, bank_left FROM coursebase.reverse_credit_pack_refund('google_play', 'production', 'one', '2026-03-06 12:00+00', 9223372036854775807);
SELECT * FROM coursebase.check_integrity();
ROLLBACK TO bought;

-- The second pack is refunded while the first is being spent: the first stays.
SELECT bank_credits, bank_left FROM coursebase.consume_credits(:ada, 40, 'talk', '2026-03-06 10:00+00');
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('google_play', 'production', 'two', '2026-03-06 11:00+00');
SELECT * FROM coursebase.explain_credits(:ada, '2026-03-07 00:00+00');
ROLLBACK TO bought;

-- A refund while a reservation holds the pack: what comes back is taken, another pack's is not.
SELECT bank_credits, bank_left FROM coursebase.reserve_credits(:ada, 130, 'call', '2026-03-06 10:00+00');
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('google_play', 'production', 'one', '2026-03-06 11:00+00');
SELECT bank_credits, bank_left FROM coursebase.commit_credits(:ada, 'call', 60, '2026-03-06 12:00+00');
SELECT purchase_id, status, credits, refunded_credits FROM coursebase.ai_credit_purchases WHERE user_id = :ada ORDER BY purchase_id;
SELECT * FROM coursebase.explain_credits(:ada, '2026-03-07 00:00+00');
SELECT * FROM coursebase.check_integrity();

-- The account of somebody who has left: nothing more is spent or bought, a refund still is.
UPDATE coursebase.users SET deleted_at = '2026-03-08' WHERE id = :ada;
SELECT * FROM coursebase.consume_credits(:ada, 1, 'gone', '2026-03-09 00:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('google_play', 'production', 'two', '2026-03-09 00:00+00');
-- Nor can the row go while its credits are on record.
SELECT confdeltype AS restricts FROM pg_constraint WHERE conname = 'ai_usage_user_id_fkey';
ROLLBACK;
