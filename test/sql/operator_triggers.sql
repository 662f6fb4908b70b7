-- Promise: whatever triggers an operator adds to the tables, a document has its own checksum, and a trigger that
-- calls back into us while we write ends in rows, not in a crash.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000006a1', 'operator_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES
    ('00000000-0000-4000-8000-0000000006c1', 'O01AAA', 't', 'd');
CREATE FUNCTION pg_temp.keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN new; END$$;
CREATE FUNCTION pg_temp.sign() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN new.data := '{"signed": true}'; RETURN new; END$$;

-- One that changes nothing, or changes the document in time, may have any effect it likes.
CREATE TRIGGER zz BEFORE INSERT OR UPDATE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION pg_temp.keep();
CREATE TRIGGER a_sign BEFORE INSERT OR UPDATE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION pg_temp.sign();
INSERT INTO coursebase.course_documents (course_id, data) VALUES ('00000000-0000-4000-8000-0000000006c1', '{}');
UPDATE coursebase.course_documents SET data = '[]', checksum = 'f' WHERE course_id = '00000000-0000-4000-8000-0000000006c1';
SELECT data, checksum = md5(data::text), file_size_bytes FROM coursebase.course_documents
WHERE course_id = '00000000-0000-4000-8000-0000000006c1';
DROP TRIGGER a_sign ON coursebase.course_documents;
UPDATE coursebase.course_documents SET data = '[]' WHERE course_id = '00000000-0000-4000-8000-0000000006c1';

-- One that changes it behind the checksum is refused, whatever the way of the write.
CREATE TRIGGER zz_sign BEFORE INSERT OR UPDATE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION pg_temp.sign();
SAVEPOINT behind;
UPDATE coursebase.course_documents SET data = '{}' WHERE course_id = '00000000-0000-4000-8000-0000000006c1';
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO behind;
DELETE FROM coursebase.course_documents WHERE course_id = '00000000-0000-4000-8000-0000000006c1';
INSERT INTO coursebase.course_documents (course_id, data) VALUES ('00000000-0000-4000-8000-0000000006c1', '{}');
ROLLBACK TO behind;
SELECT data, checksum = md5(data::text) FROM coursebase.course_documents
WHERE course_id = '00000000-0000-4000-8000-0000000006c1';

-- A record of a change that makes another change, with the statistics made anew between: the statement that
-- writes records is at work on both levels, and was marked invalid before the inner one.
CREATE FUNCTION pg_temp.again() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    IF pg_trigger_depth() < 4 THEN
        ANALYZE coursebase.audit_events;
        UPDATE coursebase.users SET role = CASE role WHEN 'admin' THEN 'user' ELSE 'admin' END::coursebase.user_role
        WHERE id = '00000000-0000-4000-8000-0000000006a1';
    END IF;
    RETURN NULL; END$$;
CREATE TRIGGER zz AFTER INSERT ON coursebase.audit_events FOR EACH ROW EXECUTE FUNCTION pg_temp.again();
UPDATE coursebase.users SET role = 'admin' WHERE id = '00000000-0000-4000-8000-0000000006a1';
UPDATE coursebase.users SET role = 'user' WHERE id = '00000000-0000-4000-8000-0000000006a1';
SELECT count(*) FROM coursebase.audit_events WHERE object = 'users/00000000-0000-4000-8000-0000000006a1';
SELECT role FROM coursebase.users WHERE id = '00000000-0000-4000-8000-0000000006a1';

-- Records stay, even when everybody goes at once.
SAVEPOINT records;
TRUNCATE coursebase.users CASCADE;
ROLLBACK TO records;
TRUNCATE coursebase.audit_events;
ROLLBACK;
