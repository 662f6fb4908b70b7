-- Promise: in a session that has check_function_bodies off, as one that has loaded a dump or runs a migration of Supabase has, functions
-- and adopt() do what they do elsewhere: only what the session itself writes is taken for a dump's.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET client_min_messages = warning;
BEGIN;
UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out';
SET check_function_bodies = off;
\set course '''00000000-0000-4000-8000-0000000ce1c1'''
INSERT INTO coursebase.courses (id, title, description) VALUES (:course, 'One', '');

-- A person buys and gives back, and leaves.
SELECT coursebase.upsert_user('dump_ada', 'Ada', email => 'ada@example.org') AS ada \gset
SELECT count(*) FROM coursebase.user_profile WHERE user_id = :'ada';
SELECT coursebase.save_product(NULL, 'One', '', '/one.png', 5, 'public', ARRAY[:course]::uuid[]) AS product \gset
SELECT status FROM coursebase.complete_purchase(:'ada', :'product', 'dump_session', 500, 'paid');
SELECT coursebase.has_course_access(:course, :'ada');
SELECT id AS purchase FROM coursebase.purchases WHERE stripe_session_id = 'dump_session' \gset
SELECT coursebase.refund_purchase(:'purchase', 500) IS NOT NULL;
SELECT coursebase.has_course_access(:course, :'ada');
SELECT kind FROM coursebase.access_events WHERE user_id = :'ada' ORDER BY xid, id;
SELECT coursebase.delete_user(:'ada') IS NOT NULL;
SELECT * FROM coursebase.check_integrity();

-- People of the past: adopt() closes one as a call elsewhere does, and nothing is left for a second one.
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role, deleted_at) VALUES
    ('00000000-0000-4000-8000-0000000ce1a1', 'dump_gone', 'Gone', 'gone@example.org', 'admin', '2025-06-01'),
    ('00000000-0000-4000-8000-0000000ce1a2', 'dump_ben', 'Ben', 'ben@example.org', 'admin', NULL);
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES
    ('00000000-0000-4000-8000-0000000ce1a1', :course), ('00000000-0000-4000-8000-0000000ce1a2', :course);
SET LOCAL session_replication_role = origin;
SELECT * FROM coursebase.adopt();
SELECT * FROM coursebase.adopt();

-- What the session writes itself stands as it is, for a dump has what is derived as well.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-0000000ce1a3', 'dump_cleo', 'Cleo', 'cleo@example.org');
SELECT count(*) FROM coursebase.user_profile WHERE user_id = '00000000-0000-4000-8000-0000000ce1a3';
ROLLBACK;
