-- Promise: a person who is asked about by id is answered for as the statement's own snapshot says, however often it was asked
-- before; the row that was read last is kept apart from that of who asks (regress/identity_cache).
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000003a1', 'cache_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000003c1', 'Cache', '');
PREPARE about AS SELECT coursebase.has_course_access('00000000-0000-4000-8000-0000000003c1', '00000000-0000-4000-8000-0000000003a1');
BEGIN;
EXECUTE about;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'cache_ada';
EXECUTE about;
SAVEPOINT demoted;
UPDATE coursebase.users SET role = 'user' WHERE clerk_user_id = 'cache_ada';
EXECUTE about;
ROLLBACK TO demoted;
EXECUTE about;
SAVEPOINT closed;
UPDATE coursebase.users SET deleted_at = now() WHERE clerk_user_id = 'cache_ada';
EXECUTE about;
ROLLBACK TO closed;
EXECUTE about;
ROLLBACK;
EXECUTE about;
BEGIN ISOLATION LEVEL SERIALIZABLE;
EXECUTE about;
SELECT count(*) > 0 FROM pg_locks
WHERE mode = 'SIReadLock' AND pid = pg_backend_pid() AND relation IN ('coursebase.users'::regclass, 'coursebase.users_pkey'::regclass);
COMMIT;

DELETE FROM coursebase.courses WHERE title = 'Cache';
DELETE FROM coursebase.users WHERE clerk_user_id = 'cache_ada';
EXECUTE about;
