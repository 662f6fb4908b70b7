-- Promise: who is asking is answered the same where users cannot be read straight from an index.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000003a1', 'cache_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-0000000003b1', 'cache_bo', 'Bo', 'bo@example.org');
PREPARE asking AS SELECT coalesce(right(coursebase.current_user_id()::text, 2), '-')
    || CASE WHEN coursebase.is_admin() THEN ' admin' ELSE '' END;
SET request.jwt.claims = '{"sub": "cache_ada"}';

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
    WHERE clerk_user_id <> 'cache_ada';
EXECUTE asking;
DROP INDEX coursebase.users_clerk_user_id_key;
CREATE INDEX users_clerk_user_id_key ON coursebase.users USING hash (clerk_user_id);
EXECUTE asking;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'cache_ada';
EXECUTE asking;
DROP INDEX coursebase.users_clerk_user_id_key;
SET LOCAL coursebase.allow_drop = on;
ALTER TABLE coursebase.users ALTER COLUMN clerk_user_id TYPE varchar(300);
CREATE UNIQUE INDEX users_clerk_user_id_key ON coursebase.users (clerk_user_id);
EXECUTE asking;
SET LOCAL request.jwt.claims = '{"sub": "00000000-0000-4000-8000-0000000003b1"}';
EXECUTE asking;
ROLLBACK;
EXECUTE asking;
-- A child table has accounts too.
BEGIN;
CREATE TABLE regress_more_users () INHERITS (coursebase.users);
INSERT INTO regress_more_users (id, clerk_user_id, name, email)
VALUES ('00000000-0000-4000-8000-0000000003c1', 'cache_child', 'Cy', 'cy@example.org');
SET LOCAL request.jwt.claims = '{"sub": "cache_child"}';
EXECUTE asking;
ROLLBACK;

DELETE FROM coursebase.users WHERE clerk_user_id LIKE 'cache\_%';
EXECUTE asking;
