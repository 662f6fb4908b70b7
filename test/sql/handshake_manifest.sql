-- Promise: a phone learns of exactly the documents that are its user's, gets the bytes of those it lacks,
-- and never deletes what is protected.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
DELETE FROM coursebase.master_manifests;
UPDATE coursebase.courses SET is_free = false WHERE is_free;
\set ada '00000000-0000-4000-8000-0000000000a2'
\set root '00000000-0000-4000-8000-0000000000c2'
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    (:'ada', 'manifest_ada', 'Ada', 'ada@example.org', 'user'),
    (:'root', 'manifest_root', 'Root', 'root@example.org', 'admin');
INSERT INTO coursebase.cohorts (id, code, name, kind) VALUES
    ('00000000-0000-4000-8000-0000000000d2', 'manifest', 'Manifest', 'experiment'),
    ('00000000-0000-4000-8000-0000000000e2', 'manifest2', 'Manifest', 'experiment');
INSERT INTO coursebase.master_manifests (id, name, content, is_default) VALUES
    ('00000000-0000-4000-8000-000000000012', 'shop.json', '{"for":  "all", "é": "\u00e9"}', true),
    ('00000000-0000-4000-8000-000000000022', 'ads.json', '[]', true),
    ('00000000-0000-4000-8000-000000000032', 'shop.json', '{"for": "cohort"}', false),
    ('00000000-0000-4000-8000-000000000042', 'only.json', '"cohort"', false),
    ('00000000-0000-4000-8000-000000000052', 'no one''s.json', '0', false),
    ('00000000-0000-4000-8000-000000000062', E'odd "name"\n\\.json', 'null', true);
-- A course's document hides a manifest of its name, which only a restored database can have.
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.master_manifests (id, name, content, checksum, file_size_bytes, is_default) VALUES
    ('00000000-0000-4000-8000-000000000072', 'C01AAA.json', '"not the course"', md5('"not the course"'), 16, true);
INSERT INTO coursebase.courses (id, course_code, title, description, is_free) VALUES
    ('00000000-0000-4000-8000-000000000112', 'C01AAA', 't', 'd', true);
RESET session_replication_role;
-- The name follows the manifest, whatever the writer says; a cohort has one of a name.
INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id, name) VALUES
    ('00000000-0000-4000-8000-000000000032', '00000000-0000-4000-8000-0000000000d2', 'wrong');
INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id) VALUES
    ('00000000-0000-4000-8000-000000000042', '00000000-0000-4000-8000-0000000000d2')
RETURNING name;
SAVEPOINT call;
INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id) VALUES
    ('00000000-0000-4000-8000-000000000012', '00000000-0000-4000-8000-0000000000d2');
ROLLBACK TO call;
INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id) VALUES
    ('00000000-0000-4000-8000-0000000000ff', '00000000-0000-4000-8000-0000000000d2');
ROLLBACK TO call;
INSERT INTO coursebase.courses (id, course_code, title, description, is_free) VALUES
    ('00000000-0000-4000-8000-000000000122', 'C02AAA', 't', 'd', false),
    ('00000000-0000-4000-8000-000000000132', NULL, 't', 'd', true),
    ('00000000-0000-4000-8000-000000000142', 'C04AAA', 'no document', 'd', true);
INSERT INTO coursebase.course_documents (course_id, data) VALUES
    ('00000000-0000-4000-8000-000000000112', '{"code": "C01AAA"}'),
    ('00000000-0000-4000-8000-000000000122', '{"code": "C02AAA"}'),
    ('00000000-0000-4000-8000-000000000132', '{"code": null}');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    ('00000000-0000-4000-8000-0000000000f2', :'ada', 'X01AAA', 't', 'd', '{"audio_files" : [ ]}'),
    ('00000000-0000-4000-8000-0000000001f2', :'ada', 'X01AAA', 'given back', 'd', '{}'),
    ('00000000-0000-4000-8000-0000000002f2', :'root', 'X01AAA', 'another''s', 'd', '{}');
INSERT INTO coursebase.custom_course_purchases (course_id, purchase_id, purchase_token, source, environment, status) VALUES
    ('00000000-0000-4000-8000-0000000000f2', 'm.1', 't', 'google_play', 'production', 'refunded'),
    ('00000000-0000-4000-8000-0000000000f2', 'm.2', 't', 'google_play', 'production', 'active'),
    ('00000000-0000-4000-8000-0000000001f2', 'm.3', 't', 'google_play', 'production', 'refunded');
-- A name that no phone may report would end the next handshake of every phone.
SAVEPOINT call;
\set VERBOSITY terse
INSERT INTO coursebase.master_manifests (name, content, is_default) VALUES (repeat('n', 296) || '.json', '0', true);
\set VERBOSITY default
ROLLBACK TO call;
INSERT INTO coursebase.master_manifests (name, content, is_default) VALUES (repeat('n', 295) || '.json', '0', true);
SELECT coursebase.handshake(:'ada', json_build_object('checksums', json_object_agg(key, value -> 'checksum'))) -> 'json_manifest' -> (repeat('n', 295) || '.json') ->> 'action'
FROM json_each(coursebase.handshake(:'ada', '{}') -> 'json_manifest');
ROLLBACK TO call;
CREATE FUNCTION pg_temp.manifest(answer json)
    RETURNS TABLE (name text, action text, size text, content text, is_true boolean)
    LANGUAGE sql AS $$
    SELECT m.key, m.value ->> 'action', m.value ->> 'file_size_bytes', m.value ->> 'content',
        md5(m.value ->> 'content') = m.value ->> 'checksum'
            AND octet_length(m.value ->> 'content')::text = m.value ->> 'file_size_bytes'
    FROM json_each(answer -> 'json_manifest') WITH ORDINALITY AS m (key, value, i) ORDER BY i
$$;

-- Everything, of a user in no cohort, in a cohort, and of an administrator.
SELECT * FROM pg_temp.manifest(coursebase.handshake(:'ada', '{}'));
INSERT INTO coursebase.user_cohorts (user_id, cohort_id) VALUES (:'ada', '00000000-0000-4000-8000-0000000000d2');
SELECT * FROM pg_temp.manifest(coursebase.handshake(:'ada', '{}'));
SELECT name, action FROM pg_temp.manifest(coursebase.handshake(:'root', '{}'));

-- With checksums: what the phone has stays, what it has in another form comes, what it lacks comes, and
-- what it has without a right goes, last, but for the protected files.
SELECT * FROM pg_temp.manifest(coursebase.handshake(:'ada', json_build_object('checksums', json_build_object(
    'zz.json', 'x', 'FAQs.json', 'x', 'C01AAA.json', md5('{"code": "C01AAA"}'), 'shop.json', md5('old'),
    'aa.json', 'x', 'background.json', 'x', 'C02AAA.json', md5('{"code": "C02AAA"}'), 'aa.json', 'y'))));
SELECT * FROM pg_temp.manifest(coursebase.handshake(:'ada', '{"checksums": {}}')) WHERE action <> 'add';
SELECT coursebase.handshake(:'ada', '{"checksums": {"q\"\n.json": "x"}}') -> 'json_manifest' ->> E'q"\n.json';
UPDATE coursebase.settings SET value = 'aa.json,  bb.json' WHERE name = 'protected_manifests';
SELECT name FROM pg_temp.manifest(coursebase.handshake(:'ada',
    '{"checksums": {"aa.json": "x", "ads.json": "x", "bb.json": "x", "FAQs.json": "x"}}')) WHERE action = 'delete';

-- The digest is that of names and checksums; with it the manifest is empty.
SELECT coursebase.handshake(:'ada', '{}') ->> 'digest' = md5((
    SELECT string_agg(key || ' ' || (value ->> 'checksum') || E'\n', '' ORDER BY key COLLATE "C")
    FROM json_each(coursebase.handshake(:'ada', '{}') -> 'json_manifest')));
SELECT (coursebase.handshake(:'ada', json_build_object('checksums', '{"aa.json": "x"}'::json,
    'digest', coursebase.handshake(:'ada', '{}') ->> 'digest'))::jsonb - 'digest');

-- Long documents, stored out of line, come whole; control characters survive.
UPDATE coursebase.course_documents SET data = (
    SELECT json_agg(md5(i::text) || E'\u0001\t"\\é😀' || repeat('x', i % 40)) FROM generate_series(1, 9000) i)
WHERE course_id = '00000000-0000-4000-8000-000000000112';
SELECT name, size, is_true FROM pg_temp.manifest(coursebase.handshake(:'ada', '{}')) WHERE name = 'C01AAA.json';
-- A manifest and its link made by one statement: the link keeps the name it was sent with.
INSERT INTO coursebase.cohorts (id, code, name, kind)
VALUES ('00000000-0000-4000-8000-00000000cc01', 'one_statement', 'One', 'experiment');
WITH m AS (
    INSERT INTO coursebase.master_manifests (name, content) VALUES ('q1.json', '1'), ('q2.json', '2')
    RETURNING id, name
)
INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id, name)
SELECT id, '00000000-0000-4000-8000-00000000cc01', name FROM m RETURNING name;
ROLLBACK;
