-- Promise: settings and play counts are their owner's, administrators read them; manifests, versions and cached
-- answers are the server's, and nobody else may call the handshake.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE ROLE regress_sync_user;
CREATE ROLE regress_sync_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_sync_user', 'regress_sync_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-0000000000a5', 'sync_ada', 'Ada', 'ada@example.org', 'user'),
    ('00000000-0000-4000-8000-0000000000b5', 'sync_bob', 'Bob', 'bob@example.org', 'user'),
    ('00000000-0000-4000-8000-0000000000c5', 'sync_root', 'Root', 'root@example.org', 'admin');
-- The server calls for anybody, and needs no right on the tables for it.
REVOKE ALL ON coursebase.cached_handshake_responses, coursebase.users, coursebase.analytics FROM regress_sync_server;
SET LOCAL ROLE regress_sync_server;
SELECT count(coursebase.handshake(u::uuid, '{"analytics": {"voice": "male", "audio_usage": {"C01AAA_1": {"no_of_plays": 5}}}}'))
FROM unnest(ARRAY['00000000-0000-4000-8000-0000000000a5', '00000000-0000-4000-8000-0000000000b5']) AS u;
RESET ROLE;
CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n || ' rows: ' || statement;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || statement;
END $$;
CREATE TEMP TABLE statements (i serial, statement text);
INSERT INTO statements (statement) VALUES
    ('SELECT FROM coursebase.analytics'), ('SELECT FROM coursebase.audio_usage'),
    ('UPDATE coursebase.analytics SET voice = ''female'''), ('UPDATE coursebase.audio_usage SET play_count = 1'),
    ('UPDATE coursebase.analytics SET user_id = ''00000000-0000-4000-8000-0000000000b5'' WHERE user_id = ''00000000-0000-4000-8000-0000000000a5'''),
    ('INSERT INTO coursebase.audio_usage VALUES (''00000000-0000-4000-8000-0000000000b5'', ''C01AAA'', ''2'', NULL, 1)'),
    ('INSERT INTO coursebase.audio_usage VALUES (''00000000-0000-4000-8000-0000000000a5'', ''C01AAA'', ''2'', NULL, 1)'),
    -- A count would fall if its row could be renamed and another put in its place; upserts name the key as it is.
    ('UPDATE coursebase.audio_usage SET audio_key = ''gone'''),
    ('INSERT INTO coursebase.audio_usage VALUES (''00000000-0000-4000-8000-0000000000a5'', ''C01AAA'', ''C01AAA_1'', NULL, 9) '
        'ON CONFLICT (user_id, course_code, audio_key) DO UPDATE SET user_id = excluded.user_id, '
        'course_code = excluded.course_code, audio_key = excluded.audio_key, play_count = excluded.play_count'),
    ('DELETE FROM coursebase.audio_usage'), ('DELETE FROM coursebase.analytics'),
    ('INSERT INTO coursebase.analytics (user_id) VALUES (''00000000-0000-4000-8000-0000000000b5'')'),
    ('INSERT INTO coursebase.analytics (user_id) VALUES (''00000000-0000-4000-8000-0000000000a5'')'),
    ('SELECT FROM coursebase.master_manifests'), ('SELECT FROM coursebase.manifest_cohorts'),
    ('SELECT FROM coursebase.cached_handshake_responses'), ('SELECT FROM coursebase.user_versions'),
    ('SELECT FROM coursebase.catalogue_version'), ('SELECT FROM coursebase.cohort_versions'),
    ('SELECT coursebase.handshake(''00000000-0000-4000-8000-0000000000a5'', ''{}'')');
GRANT SELECT ON statements TO regress_sync_user;
SAVEPOINT asked;
SET LOCAL ROLE regress_sync_user;
SET LOCAL request.jwt.claims = '{"sub": "sync_ada"}';
SELECT pg_temp.outcome(statement) FROM statements ORDER BY i;
ROLLBACK TO asked;
SELECT user_id, play_count FROM coursebase.audio_usage WHERE user_id::text LIKE '00000000-0000-4000-8000-0000000000_5' ORDER BY 1;
SET LOCAL ROLE regress_sync_user;
SET LOCAL request.jwt.claims = '{"sub": "sync_root"}';
SELECT pg_temp.outcome(statement) FROM statements WHERE i <= 4 ORDER BY i;
ROLLBACK TO asked;
SET LOCAL ROLE regress_sync_user;
SELECT pg_temp.outcome(statement) FROM statements WHERE i <= 4 ORDER BY i;
ROLLBACK;
