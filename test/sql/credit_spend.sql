-- Promise: a use costs a credit for each second begun, of the week first and then of the bank; never more than
-- there is, once a key, and a refusal writes nothing. Reservations hold, commit and release; check_credits() writes nothing.
\set ada '\'00000000-0000-4000-8000-0000000000c1\''
\set VERBOSITY default
\pset format unaligned
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
UPDATE coursebase.settings SET value = '100' WHERE name = 'free_weekly_credits';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'credit_ada', 'Ada', 'ada@example.org');

-- Nothing has begun; to ask begins nothing.
SELECT * FROM coursebase.credit_balance(:ada, '2026-03-02 10:00+00');
SELECT * FROM coursebase.check_credits(100.5, :ada, '2026-03-02 10:00+00');
SELECT count(*) FROM coursebase.ai_usage WHERE user_id = :ada;

-- The first use begins the week. Seconds are rounded up; the same key again is the same use.
SELECT * FROM coursebase.consume_credits(:ada, 12.001, 'talk 1', '2026-03-02 10:00+00');
SELECT * FROM coursebase.consume_credits(:ada, 12.0010, 'talk 1', '2026-03-03 10:00+00');
SELECT * FROM coursebase.grant_credit_pack(:ada, 'ai_credits_50', 50, 'app_store', 'production', 'credit 1', 'token', at => '2026-03-02 11:00+00') \gset
SELECT :bank_credits, :bank_left;

-- One use crosses the border.
SELECT * FROM coursebase.consume_credits(:ada, 90, 'talk 2', '2026-03-02 12:00+00');

-- Refusals; each undone by itself.
\set ON_ERROR_ROLLBACK on
SELECT * FROM coursebase.consume_credits(:ada, 13, 'talk 1', '2026-03-02 12:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.reserve_credits(:ada, 12.001, 'talk 1', '2026-03-02 12:00+00');
SELECT * FROM coursebase.consume_credits(:ada, 49, 'talk 3', '2026-03-02 12:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.consume_credits(:ada, -1, 'talk 3');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.consume_credits(:ada, 'NaN', 'talk 3');
SELECT * FROM coursebase.consume_credits(:ada, 1e30, 'talk 3');
SELECT * FROM coursebase.consume_credits(:ada, NULL, 'talk 3');
SELECT * FROM coursebase.consume_credits(:ada, 1, '');
SELECT * FROM coursebase.consume_credits(:ada, 1, 'talk 3', 'infinity');
SELECT * FROM coursebase.consume_credits('00000000-0000-4000-8000-0000000000c9', 1, 'talk 3');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.check_credits(49, :ada, '2026-03-02 12:00+00');
SELECT * FROM coursebase.check_credits(48, :ada, '2026-03-02 12:00+00');

-- A reservation holds; its end gives back what was not needed, the bank's first, and takes what was needed beyond.
SELECT * FROM coursebase.reserve_credits(:ada, 40, 'call 1', '2026-03-03 10:00+00');
SELECT * FROM coursebase.check_credits(9, :ada, '2026-03-03 10:00+00');
SELECT * FROM coursebase.explain_credits(:ada, '2026-03-03 10:00+00');
SELECT * FROM coursebase.commit_credits(:ada, 'call 1', 30.5, '2026-03-03 10:01+00');
SELECT * FROM coursebase.commit_credits(:ada, 'call 1', 30.50, '2026-03-03 10:02+00');
SELECT * FROM coursebase.commit_credits(:ada, 'call 1', 30, '2026-03-03 10:02+00');
SELECT * FROM coursebase.release_credits(:ada, 'call 1', '2026-03-03 10:02+00');
SELECT * FROM coursebase.reserve_credits(:ada, 10, 'call 2', '2026-03-03 10:03+00');
SELECT * FROM coursebase.commit_credits(:ada, 'call 2', 17, '2026-03-03 10:04+00');
SELECT * FROM coursebase.commit_credits(:ada, 'call 2', 16, '2026-03-03 10:04+00');
SELECT * FROM coursebase.release_credits(:ada, 'call 2', '2026-03-03 10:04+00');
SELECT * FROM coursebase.release_credits(:ada, 'call 9', '2026-03-03 10:05+00');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.release_credits(:ada, 'talk 1', '2026-03-03 10:05+00');

-- In the new week: what is held of the week that passed lapses with it, the bank's comes back.
SELECT * FROM coursebase.reserve_credits(:ada, 100, 'call 3', '2026-03-09 10:00+00');
SELECT * FROM coursebase.release_credits(:ada, 'call 3', '2026-03-16 10:00+00');
SELECT * FROM coursebase.release_credits(:ada, 'call 3', '2026-03-17 10:00+00');

-- The log has all of it, and gives the balance of any instant.
SELECT position, kind, idempotency_key, seconds, credits, weekly_credits, bank_credits, at FROM coursebase.credit_log WHERE user_id = :ada ORDER BY position;
SELECT t::timestamptz, b.* FROM unnest(ARRAY['2026-03-01 00:00+00', '2026-03-02 10:30+00', '2026-03-02 12:00+00', '2026-03-03 10:02+00', '2026-03-08 00:00+00',
    '2026-03-09 10:00+00', '2026-03-16 10:00+00', '2026-12-31 00:00+00']) t, LATERAL coursebase.credit_balance(:ada, t::timestamptz) b;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
