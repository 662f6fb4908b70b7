-- Promise: who is asking is what the statement's own snapshot says, however often it was asked before.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000003a1', 'cache_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-0000000003b1', 'cache_bo', 'Bo', 'bo@example.org');
PREPARE asking AS SELECT coalesce(right(coursebase.current_user_id()::text, 2), '-')
    || CASE WHEN coursebase.is_admin() THEN ' admin' ELSE '' END;
SET request.jwt.claims = '{"sub": "cache_ada"}';

-- Changes of the same transaction, seen from the next statement on.
BEGIN;
EXECUTE asking;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'cache_ada';
EXECUTE asking;
UPDATE coursebase.users SET role = 'user' WHERE clerk_user_id = 'cache_ada';
EXECUTE asking;
UPDATE coursebase.users SET clerk_user_id = 'cache_renamed' WHERE clerk_user_id = 'cache_ada';
EXECUTE asking;
UPDATE coursebase.users SET clerk_user_id = 'cache_ada' WHERE clerk_user_id = 'cache_bo';
EXECUTE asking;
UPDATE coursebase.users SET deleted_at = now() WHERE clerk_user_id = 'cache_ada';
EXECUTE asking;
ROLLBACK;
EXECUTE asking;
-- The statement that changes the row still sees the old state.
BEGIN;
WITH gone AS (UPDATE coursebase.users SET deleted_at = now() WHERE clerk_user_id = 'cache_ada' RETURNING id)
SELECT count(*), count(coursebase.current_user_id()) FROM gone;
EXECUTE asking;
ROLLBACK;

-- A savepoint takes rows back without a new command.
BEGIN;
SAVEPOINT promoted;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'cache_ada';
EXECUTE asking;
ROLLBACK TO promoted;
EXECUTE asking;
SAVEPOINT closed;
UPDATE coursebase.users SET deleted_at = now() WHERE clerk_user_id = 'cache_ada';
EXECUTE asking;
ROLLBACK TO closed;
EXECUTE asking;
SAVEPOINT kept;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'cache_ada';
RELEASE kept;
EXECUTE asking;
ROLLBACK;
EXECUTE asking;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SAVEPOINT promoted;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'cache_ada';
EXECUTE asking;
ROLLBACK TO promoted;
EXECUTE asking;
ROLLBACK;

-- Claims that are switched, within a transaction and within a statement.
BEGIN;
SET LOCAL request.jwt.claims = '{"sub": "cache_bo"}';
EXECUTE asking;
SAVEPOINT switched;
SET LOCAL request.jwt.claims = '{"sub": "cache_ada"}';
EXECUTE asking;
ROLLBACK TO switched;
EXECUTE asking;
SET LOCAL request.jwt.claims = '';
EXECUTE asking;
ROLLBACK;
EXECUTE asking;
CREATE FUNCTION pg_temp.as_user(subject text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT set_config('request.jwt.claims', json_build_object('sub', subject)::text, false);
    SELECT right(coursebase.current_user_id()::text, 2);
$$;
SELECT string_agg(coalesce(pg_temp.as_user(s), '-'), ' ' ORDER BY n)
FROM unnest(ARRAY['cache_ada', 'cache_bo', 'x', 'cache_bo', 'cache_ada']) WITH ORDINALITY AS t (s, n);

-- A cursor keeps the snapshot it was opened with, whatever is asked beside it.
BEGIN;
DECLARE rows CURSOR FOR SELECT n, right(coursebase.current_user_id()::text, 2), coursebase.is_admin()
    FROM generate_series(1, 3) AS n;
FETCH rows;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'cache_ada';
EXECUTE asking;
FETCH rows;
EXECUTE asking;
FETCH rows;
ROLLBACK;

-- Serializable: an answer of an earlier transaction is read again, or a conflict would go unseen.
BEGIN ISOLATION LEVEL SERIALIZABLE;
EXECUTE asking;
SELECT count(*) > 0 FROM pg_locks
WHERE mode = 'SIReadLock' AND pid = pg_backend_pid() AND relation IN (
    'coursebase.users'::regclass, 'coursebase.users_clerk_user_id_key'::regclass);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
EXECUTE asking;
SELECT count(*) > 0 FROM pg_locks
WHERE mode = 'SIReadLock' AND pid = pg_backend_pid() AND relation IN (
    'coursebase.users'::regclass, 'coursebase.users_clerk_user_id_key'::regclass);
COMMIT;

-- Parallel workers answer as their leader, its own uncommitted changes included.
SELECT current_setting('server_version_num')::integer < 160000 AS old \gset
\if :old
\set forced force_parallel_mode
\else
\set forced debug_parallel_query
\endif
BEGIN;
SET LOCAL :forced = on;
SELECT count(*) > 0, bool_and(coursebase.current_user_id() = '00000000-0000-4000-8000-0000000003a1'),
    bool_or(coursebase.is_admin()) FROM pg_class WHERE relname <> coursebase.current_user_id()::text;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'cache_ada';
SELECT count(*) > 0, bool_and(coursebase.current_user_id() = '00000000-0000-4000-8000-0000000003a1'),
    bool_and(coursebase.is_admin()) FROM pg_class WHERE relname <> coursebase.current_user_id()::text;
ROLLBACK;

DELETE FROM coursebase.users WHERE clerk_user_id LIKE 'cache\_%';
EXECUTE asking;
