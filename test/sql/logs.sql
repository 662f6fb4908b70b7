-- Promise: apps and servers report in bounded entries, each about the right person; a person has one
-- sign-up entry; old entries go in batches.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE ROLE regress_log_user;
CREATE ROLE regress_log_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_log_user', 'regress_log_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000001a1', 'log_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-0000000001b1', 'log_bob', 'Bob', 'bob@example.org');

-- The one who is signed in reports about herself.
SET LOCAL ROLE regress_log_user;
SET LOCAL request.jwt.claims = '{"sub": "00000000-0000-4000-8000-0000000001a1"}';
SELECT coursebase.log_app('error', 'no network', '{"retry": 3}', at => '2026-03-01 10:00+00') IS NOT NULL;
SELECT coursebase.log_app('user_action', 'play', user_id => '00000000-0000-4000-8000-0000000001a1') IS NOT NULL;
-- Her sign-up entry is one, updated in place; what it does not say anew stays.
SELECT coursebase.log_app('sign_up', 'started', '{"step": 1}', at => '2026-03-01 11:00+00') AS first \gset
SELECT coursebase.log_app('sign_up', 'finished', origin => 'web') = :'first';
-- A plain INSERT through the API may do the same for herself and not for another; it chooses no time to come.
INSERT INTO coursebase.app_logs (user_id, log_type, message) VALUES
    ('00000000-0000-4000-8000-0000000001a1', 'audio_playback', 'paused');
SAVEPOINT entries;
INSERT INTO coursebase.app_logs (user_id, log_type, message) VALUES
    ('00000000-0000-4000-8000-0000000001b1', 'audio_playback', 'paused');
ROLLBACK TO entries;
INSERT INTO coursebase.app_logs (user_id, log_type, message, created_at) VALUES
    ('00000000-0000-4000-8000-0000000001a1', 'audio_playback', 'paused', now() - interval '1 day');
INSERT INTO coursebase.app_logs (user_id, log_type, message, created_at) VALUES
    ('00000000-0000-4000-8000-0000000001a1', 'audio_playback', 'paused', now() + interval '6 minutes');
ROLLBACK TO entries;
-- Naming another is refused, in the same words whether that person exists or not.
SELECT coursebase.log_app('error', 'x', user_id => '00000000-0000-4000-8000-0000000001b1');
ROLLBACK TO entries;
SELECT coursebase.log_app('error', 'x', user_id => '00000000-0000-4000-8000-0000000001ff');
ROLLBACK TO entries;
-- Every word that a table knows is taken, so that a list in the code that lacks one is noticed.
RESET ROLE;
RESET request.jwt.claims;
SELECT c.conname, count(*) > 2, count(CASE c.conname WHEN 'app_logs_log_type_known_check' THEN coursebase.log_app(w.word[1], 'x')
    ELSE coursebase.log_server('f', w.word[1], 'x') END) = count(*)
FROM pg_constraint c CROSS JOIN LATERAL regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') AS w (word)
WHERE c.conname IN ('app_logs_log_type_known_check', 'server_logs_level_known_check') GROUP BY 1 ORDER BY 1;
ROLLBACK TO entries;
-- An end user is no server.
SELECT coursebase.log_server('f', 'info', 'x');
ROLLBACK TO entries;
SELECT coursebase.purge_logs('2030-01-01');
ROLLBACK TO entries;
-- A signed-in person whose account is not known yet reports about nobody.
SET LOCAL request.jwt.claims = '{"sub": "log_unknown"}';
SELECT coursebase.log_app('authentication', 'account unknown') IS NOT NULL;

-- The server reports about anybody, and itself; a time to come counts as now.
SET LOCAL ROLE regress_log_server;
RESET request.jwt.claims;
SELECT coursebase.log_app('billing', 'renewed', user_id => '00000000-0000-4000-8000-0000000001b1',
    at => '2999-01-01') IS NOT NULL;
SELECT coursebase.log_server('sync', 'warning', 'slow', '{"rows": 7}', NULL, 12.5,
    '2026-03-01 09:00+00') IS NOT NULL;
SELECT log_type, message, origin, context, right(user_id::text, 2),
    CASE WHEN created_at < now() THEN to_char(created_at AT TIME ZONE 'UTC', 'MM-DD HH24:MI') ELSE 'now' END
FROM coursebase.app_logs ORDER BY created_at, log_type;
SELECT function_name, level, message, context, duration_ms FROM coursebase.server_logs;

-- Bounds, whatever the path.
\set VERBOSITY terse
SAVEPOINT entries;
SELECT coursebase.log_app('gossip', 'x');
ROLLBACK TO entries;
SELECT coursebase.log_app('error', '');
ROLLBACK TO entries;
SELECT coursebase.log_app('error', repeat('x', 10001));
ROLLBACK TO entries;
SELECT coursebase.log_app('error', 'x', to_jsonb(repeat('x', 8190))) IS NOT NULL;
SELECT coursebase.log_app('error', 'x', to_jsonb(repeat('x', 8191)));
ROLLBACK TO entries;
SELECT coursebase.log_app('error', 'x', '1e8192');
ROLLBACK TO entries;
INSERT INTO coursebase.app_logs (log_type, message, context) VALUES ('error', 'x', to_jsonb(repeat('x', 8191)));
ROLLBACK TO entries;
SELECT coursebase.log_server('f', 'info', 'x', to_jsonb(repeat('x', 65534))) IS NOT NULL;
SELECT coursebase.log_server('f', 'info', 'x', to_jsonb(repeat('x', 65535)));
ROLLBACK TO entries;
SELECT coursebase.log_app('error', NULL);
ROLLBACK TO entries;
SELECT coursebase.log_server('f', 'loud', 'x');
ROLLBACK TO entries;
SELECT coursebase.log_server('f', 'info', 'x', user_id => '00000000-0000-4000-8000-0000000001ff');
ROLLBACK TO entries;
SELECT coursebase.log_server('f', 'info', 'x', duration_ms => -1);
ROLLBACK TO entries;
SELECT coursebase.log_server('f', 'info', 'x', duration_ms => 'NaN');
ROLLBACK TO entries;
SELECT coursebase.log_server('f', 'info', 'x', duration_ms => 'Infinity');
ROLLBACK TO entries;

-- Purging: at most a batch a call, the oldest first, until nothing is left.
SELECT coursebase.purge_logs('2026-03-01 12:00+00', 2);
SELECT log_type FROM coursebase.app_logs WHERE created_at < '2026-04-01' ORDER BY created_at;
SELECT coursebase.purge_logs('2026-03-01 12:00+00');
SELECT coursebase.purge_logs('2026-03-01 12:00+00');
SELECT coursebase.purge_logs('2026-03-01 12:00+00', -1);
ROLLBACK;
