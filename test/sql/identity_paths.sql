-- Promise: who is asking is the same whether the row is read straight from its index, by a statement, under
-- serializable isolation or in a parallel worker.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000004a1', 'paths_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-0000000004b1', 'paths_bo', 'Bo', 'bo@example.org');
PREPARE asking AS SELECT coalesce(right(coursebase.current_user_id()::text, 2), '-')
    || CASE WHEN coursebase.is_admin() THEN ' admin' ELSE '' END;
SET request.jwt.claims = '{"sub": "paths_ada"}';

-- The table cannot be read straight from its index: the same answers, by a statement.
BEGIN;
EXECUTE asking;
ALTER TABLE coursebase.users DROP CONSTRAINT users_clerk_user_id_key;
EXECUTE asking;
CREATE UNIQUE INDEX users_clerk_user_id_key ON coursebase.users (reverse(clerk_user_id));
EXECUTE asking;
DROP INDEX coursebase.users_clerk_user_id_key;
CREATE UNIQUE INDEX users_clerk_user_id_key ON coursebase.users (email);
EXECUTE asking;
DROP INDEX coursebase.users_clerk_user_id_key;
CREATE UNIQUE INDEX users_clerk_user_id_key ON coursebase.users (clerk_user_id)
    WHERE clerk_user_id <> 'paths_ada';
EXECUTE asking;
DROP INDEX coursebase.users_clerk_user_id_key;
CREATE INDEX users_clerk_user_id_key ON coursebase.users USING hash (clerk_user_id);
EXECUTE asking;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'paths_ada';
EXECUTE asking;
DROP INDEX coursebase.users_clerk_user_id_key;
ALTER TABLE coursebase.users ALTER COLUMN clerk_user_id TYPE varchar(300);
CREATE UNIQUE INDEX users_clerk_user_id_key ON coursebase.users (clerk_user_id);
EXECUTE asking;
SET LOCAL request.jwt.claims = '{"sub": "00000000-0000-4000-8000-0000000004b1"}';
EXECUTE asking;
ROLLBACK;
EXECUTE asking;
-- A child table has accounts too.
BEGIN;
CREATE TABLE regress_more_users () INHERITS (coursebase.users);
INSERT INTO regress_more_users (id, clerk_user_id, name, email)
VALUES ('00000000-0000-4000-8000-0000000004c1', 'paths_child', 'Cy', 'cy@example.org');
SET LOCAL request.jwt.claims = '{"sub": "paths_child"}';
EXECUTE asking;
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
SELECT count(*) > 0, bool_and(coursebase.current_user_id() = '00000000-0000-4000-8000-0000000004a1'),
    bool_or(coursebase.is_admin()) FROM pg_class WHERE relname <> coursebase.current_user_id()::text;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'paths_ada';
SELECT count(*) > 0, bool_and(coursebase.current_user_id() = '00000000-0000-4000-8000-0000000004a1'),
    bool_and(coursebase.is_admin()) FROM pg_class WHERE relname <> coursebase.current_user_id()::text;
ROLLBACK;

DELETE FROM coursebase.users WHERE clerk_user_id LIKE 'paths\_%';
EXECUTE asking;
