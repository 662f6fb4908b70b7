-- Promise: a column that an operator adds is theirs; a null where the release has none ends in an error (23502) that
-- says so, never in a crash; install() brings NOT NULL back.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY sqlstate
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE ROLE regress_operator_user;
CREATE ROLE regress_operator_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_operator_user', 'regress_operator_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000007a1', 'operator_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.user_profile (user_id, email) VALUES
    ('00000000-0000-4000-8000-0000000007a1', 'ada@example.org');
SET LOCAL request.jwt.claims = '{"sub": "operator_ada"}';
CREATE FUNCTION pg_temp.handshake(request json DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT coursebase.handshake('00000000-0000-4000-8000-0000000007a1', request)::text $$;

-- Generated columns: made anew from what a user may write, and not taken for the user's own writing.
SAVEPOINT generated;
ALTER TABLE coursebase.users ADD COLUMN initial text GENERATED ALWAYS AS (left(name, 1)) STORED;
SET LOCAL ROLE regress_operator_user;
UPDATE coursebase.users SET name = 'Bea' RETURNING name, initial;
UPDATE coursebase.users SET initial = DEFAULT, role = 'admin';
ROLLBACK TO generated;

-- Nulls, one place at a time.
ALTER TABLE coursebase.user_cohorts ALTER COLUMN cohort_id DROP NOT NULL;
INSERT INTO coursebase.user_cohorts (user_id) VALUES ('00000000-0000-4000-8000-0000000007a1');
\set VERBOSITY default
SELECT coursebase.own_cohort_from();
\set VERBOSITY sqlstate
ROLLBACK TO generated;
ALTER TABLE coursebase.master_manifests ALTER COLUMN checksum DROP NOT NULL, DISABLE TRIGGER USER;
INSERT INTO coursebase.master_manifests (name, content, file_size_bytes, is_default) VALUES ('null.json', '{}', 2, true);
SELECT pg_temp.handshake();
ROLLBACK TO generated;
ALTER TABLE coursebase.settings ALTER COLUMN default_value DROP NOT NULL;
UPDATE coursebase.settings SET value = NULL, default_value = NULL WHERE name = 'protected_manifests';
SELECT pg_temp.handshake();
ROLLBACK TO generated;
ALTER TABLE coursebase.cached_handshake_responses ALTER COLUMN response DROP NOT NULL;
SELECT length(pg_temp.handshake()) > 0;
UPDATE coursebase.cached_handshake_responses SET response = NULL;
SELECT pg_temp.handshake();
ROLLBACK TO generated;
ALTER TABLE coursebase.user_profile ALTER COLUMN devices DROP NOT NULL;
UPDATE coursebase.user_profile SET devices = NULL WHERE user_id = '00000000-0000-4000-8000-0000000007a1';
SELECT length(pg_temp.handshake('{"device_id": "d"}')) > 0;
SELECT devices ? 'd' FROM coursebase.user_profile WHERE user_id = '00000000-0000-4000-8000-0000000007a1';
ROLLBACK TO generated;
ALTER TABLE coursebase.custom_courses ALTER COLUMN data DROP NOT NULL, ALTER COLUMN checksum DROP NOT NULL,
    ALTER COLUMN file_size_bytes DROP NOT NULL;
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description) VALUES
    ('00000000-0000-4000-8000-0000000007f1', '00000000-0000-4000-8000-0000000007a1', 'X01AAA', 't', 'd');
SAVEPOINT course;
SELECT coursebase.update_json('00000000-0000-4000-8000-0000000007f1', '{"url": "https://x.example/a"}');
ROLLBACK TO course;
SELECT coursebase.calculate_checksum('00000000-0000-4000-8000-0000000007f1');
ROLLBACK TO course;
SELECT pg_temp.handshake();
ROLLBACK TO course;
UPDATE coursebase.custom_courses SET data = '{}' WHERE id = '00000000-0000-4000-8000-0000000007f1';
SELECT action FROM coursebase.install() WHERE object LIKE 'column custom_courses.%';
ROLLBACK TO generated;
ALTER TABLE coursebase.schema_version ALTER COLUMN version DROP NOT NULL;
UPDATE coursebase.schema_version SET version = NULL;
SELECT coursebase.installation();
ROLLBACK TO generated;

-- A recorded append that no append can be: the phone gets the whole document.
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    ('00000000-0000-4000-8000-0000000007f1', '00000000-0000-4000-8000-0000000007a1', 'X01AAA', 't', 'd', '{"a": 1}');
ALTER TABLE coursebase.custom_course_versions DROP CONSTRAINT custom_course_versions_offset_not_negative_check,
    DROP CONSTRAINT custom_course_versions_length_positive_check;
CREATE FUNCTION pg_temp.sent(at_byte integer, bytes integer) RETURNS text LANGUAGE sql AS $$
    DELETE FROM coursebase.custom_course_versions;
    INSERT INTO coursebase.custom_course_versions (custom_course_id, base_checksum, checksum, insert_offset, insert_length)
    SELECT id, md5('old'), checksum, at_byte, bytes FROM coursebase.custom_courses;
    SELECT (pg_temp.handshake(json_build_object('deltas', true, 'checksums',
        json_build_object('X01AAA_00000000-0000-4000-8000-0000000007f1.json', md5('old'))))::json
        -> 'json_manifest' -> 'X01AAA_00000000-0000-4000-8000-0000000007f1.json' ->> 'action') $$;
SELECT at_byte, bytes, pg_temp.sent(at_byte, bytes)
FROM (VALUES (2, 3), (8, 0), (-4, 8), (8, -4), (0, 9), (2147483647, 2147483647), (-2147483648, 2147483647))
    AS n (at_byte, bytes);
ROLLBACK;
