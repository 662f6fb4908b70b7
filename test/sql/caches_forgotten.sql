-- Promise: what the server keeps of a table may go, and be made anew, at any look-up within a call; nothing of it is read
-- after that. A server that is built with assertions forgets all of it at each look-up that this test marks; another one
-- forgets nothing, and then the answers alone are compared.
\set ada '\'00000000-0000-4000-8000-00000000e751\''
\set course '\'00000000-0000-4000-8000-00000000e752\''
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
-- TG_ARGV: whether the row is kept away.
CREATE FUNCTION pg_temp.forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('debug_discard_caches', least(max_val::integer, 1)::text, false) FROM pg_settings WHERE name = 'debug_discard_caches';
    RETURN CASE WHEN TG_NARGS = 0 THEN NEW END;
END $$;
CREATE FUNCTION pg_temp.stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'forgets_ada', 'Ada', 'forgets_ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:course, 'C75ABC', 'Course', '');
UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out';

-- The triggers of a table, of which some are not ours: is the checksum still that of the document?
CREATE TRIGGER a_forget AFTER INSERT ON coursebase.course_documents FOR EACH ROW EXECUTE FUNCTION pg_temp.forget();
CREATE TRIGGER t900_own BEFORE INSERT ON coursebase.course_documents FOR EACH ROW EXECUTE FUNCTION pg_temp.stay();
INSERT INTO coursebase.course_documents (course_id, data) VALUES (:course, '{"a": 1}') RETURNING checksum, file_size_bytes;
RESET debug_discard_caches;

-- The same for an event: does its table have triggers beside its foreign key?
CREATE TRIGGER a_forget AFTER INSERT ON coursebase.user_course_access FOR EACH ROW EXECUTE FUNCTION pg_temp.forget();
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :course);
RESET debug_discard_caches;
SELECT kind, source FROM coursebase.access_events WHERE user_id = :ada;

-- And for the error that names those which kept a row away.
CREATE TRIGGER a_keep BEFORE INSERT ON coursebase.users FOR EACH ROW EXECUTE FUNCTION pg_temp.forget('keep');
\set VERBOSITY default
SELECT * FROM coursebase.upsert_user('forgets_bob', name => 'Bob');
ROLLBACK;
