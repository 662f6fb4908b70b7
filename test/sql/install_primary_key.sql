-- Promise: a primary key that somebody renamed gets its name back from install(), which lint() advises: a table has one alone, so that
-- a second cannot be added. One over other columns is left to whoever made it, and the server's own message.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET client_min_messages = warning;
BEGIN;
ALTER TABLE coursebase.users RENAME CONSTRAINT users_pkey TO accounts_pkey;
ALTER INDEX coursebase.user_course_access_pkey RENAME TO access_pkey;
SELECT * FROM coursebase.lint();
SELECT * FROM coursebase.install();
SELECT * FROM coursebase.lint();
SELECT conrelid::regclass, conname, conindid::regclass FROM pg_constraint
WHERE conrelid IN ('coursebase.users'::regclass, 'coursebase.user_course_access'::regclass) AND contype = 'p' ORDER BY conname;
SELECT * FROM coursebase.install();
ALTER TABLE coursebase.user_course_access DROP CONSTRAINT user_course_access_pkey, ADD CONSTRAINT own_pkey PRIMARY KEY (course_id, user_id, created_at);
SELECT * FROM coursebase.install();
ROLLBACK;
