-- Promise: check_integrity() is silent on a sound database and finds each kind of damage. Damage is done
-- as it happens in life: by somebody who switched triggers off.
\set VERBOSITY terse
\set check 'SELECT check_name, object, problem FROM coursebase.check_integrity();'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;

-- A sound database: two people, a cohort, a course, a custom course with an append, manifests.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000000a1', 'check_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-0000000000b1', 'check_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.cohorts (id, code, name, kind) VALUES
    ('00000000-0000-4000-8000-0000000000c1', 'check', 'Check', 'institution');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES
    ('00000000-0000-4000-8000-0000000000d1', 'C97CHK', 'Check', '');
INSERT INTO coursebase.course_documents (course_id, data) VALUES
    ('00000000-0000-4000-8000-0000000000d1', '{"title": "Check"}');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    ('00000000-0000-4000-8000-0000000000e1', '00000000-0000-4000-8000-0000000000a1', 'X97CHK',
        'Check', '', '{"n": [1, 2, 3]}');
INSERT INTO coursebase.custom_course_versions
    (custom_course_id, base_checksum, checksum, insert_offset, insert_length) VALUES
    ('00000000-0000-4000-8000-0000000000e1', md5('{"n": [1]}'), md5('{"n": [1, 2]}'), 8, 3),
    ('00000000-0000-4000-8000-0000000000e1', md5('{"n": [1, 2]}'), md5('{"n": [1, 2, 3]}'), 11, 3);
INSERT INTO coursebase.master_manifests (id, name, content) VALUES
    ('00000000-0000-4000-8000-0000000000f1', 'check.json', '{"é": "ü"}');
INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id, name) VALUES
    ('00000000-0000-4000-8000-0000000000f1', '00000000-0000-4000-8000-0000000000c1', 'check.json');
:check

SET LOCAL session_replication_role = replica;

-- Checksums and sizes.
SAVEPOINT sound;
UPDATE coursebase.course_documents SET data = '{"title":"Check"}';
UPDATE coursebase.custom_courses SET checksum = md5('');
UPDATE coursebase.master_manifests SET file_size_bytes = 10;
:check
ROLLBACK TO sound;

-- An append whose record is wrong: in the newest link, in an older one, beyond the document.
UPDATE coursebase.custom_course_versions SET insert_offset = 10 WHERE insert_offset = 11;
:check
ROLLBACK TO sound;
UPDATE coursebase.custom_course_versions SET insert_length = 2 WHERE insert_offset = 8;
:check
ROLLBACK TO sound;
UPDATE coursebase.custom_course_versions SET insert_length = 2147483647 WHERE insert_offset = 11;
:check
ROLLBACK TO sound;

-- Manifests: a link that carries another name.
UPDATE coursebase.manifest_cohorts SET name = 'other.json';
:check
ROLLBACK TO sound;

-- The cache: an answer from versions that are yet to come.
INSERT INTO coursebase.cached_handshake_responses (user_id, response, digest, computed_at,
    catalogue_version, cohort_version, user_version)
SELECT '00000000-0000-4000-8000-0000000000a1', '{}', md5(''), now(),
    coalesce(max(version), 0) + 1, 0, 0
FROM coursebase.catalogue_version;
SELECT check_name, object FROM coursebase.check_integrity() WHERE check_name = 'cached_version';
-- From those of another installation, which never come.
UPDATE coursebase.cached_handshake_responses SET catalogue_version = catalogue_version + 2000000000, user_version = 900000000000000
WHERE user_id = '00000000-0000-4000-8000-0000000000a1';
UPDATE coursebase.user_versions SET version = 7 WHERE user_id = '00000000-0000-4000-8000-0000000000a1';
SELECT check_name, object FROM coursebase.check_integrity() WHERE check_name = 'cached_version';
ROLLBACK TO sound;

-- An answer that is not the one that would be computed, while its versions say that it is.
SET LOCAL session_replication_role = origin;
SELECT coursebase.handshake('00000000-0000-4000-8000-0000000000a1', '{}') IS NOT NULL;
SELECT count(*) FROM coursebase.cached_handshake_responses
WHERE user_id = '00000000-0000-4000-8000-0000000000a1';
:check
SET LOCAL session_replication_role = replica;
SAVEPOINT cached;
UPDATE coursebase.custom_courses SET data = '{}', checksum = md5('{}'), file_size_bytes = 2
WHERE user_id = '00000000-0000-4000-8000-0000000000a1';
SELECT check_name, object FROM coursebase.check_integrity();
ROLLBACK TO cached;
UPDATE coursebase.cached_handshake_responses SET response = '{"protected":[],"documents":[]}';
SELECT check_name, object FROM coursebase.check_integrity();
ROLLBACK TO sound;

-- Keys that point to nothing, of one column and of two.
DELETE FROM coursebase.users WHERE id = '00000000-0000-4000-8000-0000000000a1';
DELETE FROM coursebase.master_manifests;
SELECT check_name, object, problem FROM coursebase.check_integrity()
WHERE object IN ('custom_courses_user_id_fkey', 'manifest_cohorts_manifest_id_name_fkey');
ROLLBACK TO sound;
:check
ROLLBACK;
