-- Promise: a person asks about the own credits alone, an administrator and the server about anybody's, in the same
-- words whether the user exists; nobody writes but the functions. The handshake tells of credits, cached or not.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-0000000000f1\''
\set bob '\'00000000-0000-4000-8000-0000000000f2\''
\set root '\'00000000-0000-4000-8000-0000000000f3\''
\set VERBOSITY default
\pset format unaligned
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'Asia/Tokyo';
UPDATE coursebase.settings SET value = '100' WHERE name = 'free_weekly_credits';
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES (:ada, 'credit_ada', 'Ada', 'ada@example.org', 'user'),
    (:bob, 'credit_bob', 'Bob', 'bob@example.org', 'user'), (:root, 'credit_root', 'Root', 'root@example.org', 'admin');
\i :abs_srcdir/fixtures/helpers/roles.sql
SET LOCAL ROLE regress_server;
SELECT credits, weekly_left FROM coursebase.consume_credits(:ada, 10, 'talk', '2026-03-02 10:00+00');
SELECT weekly_left FROM coursebase.reserve_credits(:ada, 10, 'call', '2026-03-02 10:00+00');
SELECT weekly_used_credits FROM coursebase.credit_balance(:ada, '2026-03-02 10:00+00');
\set ON_ERROR_ROLLBACK on
UPDATE coursebase.ai_usage SET weekly_used_credits = 0;
DELETE FROM coursebase.credit_log;

SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "credit_ada"}';
SELECT weekly_limit_credits, weekly_used_credits FROM coursebase.credit_balance(at => '2026-03-02 10:00+00');
SELECT allowed, needed, available FROM coursebase.check_credits(81, at => '2026-03-02 10:00+00');
SELECT item, object, credits, unspent FROM coursebase.explain_credits(at => '2026-03-02 10:00+00');
SELECT count(*) FROM coursebase.credit_log;
SELECT * FROM coursebase.credit_balance(:bob);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.credit_balance('00000000-0000-4000-8000-0000000000ff');
SELECT * FROM coursebase.check_credits(1, :bob);
SELECT * FROM coursebase.explain_credits(:bob);
SELECT * FROM coursebase.consume_credits(:ada, 1, 'mine');
SELECT * FROM coursebase.ai_usage_member(:ada, now());
UPDATE coursebase.ai_usage SET weekly_used_credits = 0;
SET LOCAL request.jwt.claims = '{"sub": "credit_root"}';
SELECT weekly_used_credits FROM coursebase.credit_balance(:ada, '2026-03-02 10:00+00');
SELECT count(*) FROM coursebase.ai_usage WHERE user_id IN (:ada, :bob);
SET LOCAL request.jwt.claims = '';
SELECT * FROM coursebase.credit_balance();
SELECT * FROM coursebase.check_credits(1);

-- The handshake: computed, from the cache, and anew after a use, a turn, a zone, a setting. Times are in UTC.
SET LOCAL ROLE regress_server;
SELECT coursebase.handshake(:ada, '{}', '2026-03-02 11:00+00') ->> 'ai_usage' AS computed;
SELECT coursebase.handshake(:ada, '{}', '2026-03-09 09:59+00') ->> 'ai_usage' AS kept;
SELECT valid_from, valid_until AT TIME ZONE 'UTC' AS valid_until FROM coursebase.cached_handshake_responses WHERE user_id = :ada;
SELECT weekly_left FROM coursebase.commit_credits(:ada, 'call', 5, '2026-03-02 12:00+00');
SELECT coursebase.handshake(:ada, '{}', '2026-03-02 12:00+00') ->> 'ai_usage' AS used;
SELECT coursebase.handshake(:ada, '{}', '2026-03-23 10:00+00') ->> 'ai_usage' AS turned;
SELECT valid_from AT TIME ZONE 'UTC' AS valid_from, valid_until AT TIME ZONE 'UTC' AS valid_until FROM coursebase.cached_handshake_responses WHERE user_id = :ada;
INSERT INTO coursebase.user_profile (user_id, email, time_zone) VALUES (:ada, 'ada@example.org', 'Europe/Berlin') ON CONFLICT (user_id) DO UPDATE SET time_zone = excluded.time_zone;
RESET ROLE;
UPDATE coursebase.settings SET value = '200' WHERE name = 'free_weekly_credits';
SELECT coursebase.handshake(:ada, '{}', '2026-04-20 12:00+00') ->> 'ai_usage' AS zone_and_setting;
SELECT coursebase.handshake(:bob, '{}', '2026-04-20 12:00+00') ->> 'ai_usage' AS never_used;
ROLLBACK;
