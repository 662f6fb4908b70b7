-- Promise: a phone that has an earlier version of a custom course gets the bytes that were inserted since, and
-- with them exactly the bytes of the current one.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
DELETE FROM coursebase.master_manifests;
UPDATE coursebase.courses SET is_free = false WHERE is_free;
\set name 'X01AAA_00000000-0000-4000-8000-0000000000f4.json'
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000000a4', 'delta_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    ('00000000-0000-4000-8000-0000000000f4', '00000000-0000-4000-8000-0000000000a4', 'X01AAA', 't', 'd',
        '{"title" : "Schöner 😀",  "audio_files": [ ], "tail": 1.50}');
CREATE TEMP TABLE versions (i serial, data bytea);
CREATE FUNCTION pg_temp.keep() RETURNS void LANGUAGE sql AS $$
    INSERT INTO versions (data) SELECT convert_to(data::text, 'UTF8') FROM coursebase.custom_courses
    WHERE id = '00000000-0000-4000-8000-0000000000f4' $$;
CREATE FUNCTION pg_temp.append(audio json) RETURNS integer LANGUAGE sql AS $$
    SELECT pg_temp.keep();
    SELECT appended FROM coursebase.update_json('00000000-0000-4000-8000-0000000000f4', audio) $$;
-- What a phone does with its version of the file.
CREATE FUNCTION pg_temp.sync(have bytea, OUT action text, OUT sent integer, OUT is_exact boolean)
    LANGUAGE plpgsql AS $$
DECLARE
    file json := coursebase.handshake('00000000-0000-4000-8000-0000000000a4', json_build_object('deltas', true,
        'checksums', json_build_object('X01AAA_00000000-0000-4000-8000-0000000000f4.json', md5(have))))
        -> 'json_manifest' -> 'X01AAA_00000000-0000-4000-8000-0000000000f4.json';
    piece bytea := convert_to(coalesce(file ->> 'insert', file ->> 'content', ''), 'UTF8');
BEGIN
    action := file ->> 'action';
    sent := length(piece);
    IF action = 'append' THEN
        have := substr(have, 1, (file ->> 'offset')::integer) || piece || substr(have, 1 + (file ->> 'offset')::integer);
    ELSIF action <> 'keep' THEN
        have := piece;
    END IF;
    is_exact := md5(have) = file ->> 'checksum' AND length(have) = (file ->> 'file_size_bytes')::integer;
END $$;

SELECT pg_temp.append(json_build_object('url', 'https://a.example/' || i, 'title', 'Ü"\\' || i || repeat('é', i)))
FROM generate_series(1, 5) AS i;
SELECT pg_temp.append('[{"url": "https://a.example/6"}, {"url": "https://a.example/7", "n": 1e0}]');
SELECT pg_temp.keep();
SELECT v.i, length(v.data), s.* FROM versions v, pg_temp.sync(v.data) s ORDER BY v.i;
-- Nothing that was not sent is known of a version that never was; without deltas the whole document comes.
SELECT * FROM pg_temp.sync('{}');
SELECT coursebase.handshake('00000000-0000-4000-8000-0000000000a4', json_build_object('checksums',
    json_build_object(:'name', md5(data)))) -> 'json_manifest' -> :'name' ->> 'action'
FROM versions ORDER BY i;
-- A retry inserts nothing and the phone keeps its file.
SELECT pg_temp.append('{"url": "https://a.example/6"}');
SELECT v.i, s.* FROM versions v, pg_temp.sync(v.data) s WHERE v.i >= 7 ORDER BY v.i;
-- Another way of writing it breaks the chain for those who are behind, and a new one begins.
UPDATE coursebase.custom_courses SET data = '{"audio_files": [{"url": "https://a.example/1"}], "new": true}'
WHERE id = '00000000-0000-4000-8000-0000000000f4';
SELECT pg_temp.append('{"url": "https://a.example/8"}');
SELECT pg_temp.append('{"url": "https://a.example/9"}');
SELECT v.i, s.action, s.is_exact FROM versions v, pg_temp.sync(v.data) s ORDER BY v.i;
-- An object grows by members, and in an empty document the object itself is inserted first.
UPDATE coursebase.custom_courses SET data = '{}' WHERE id = '00000000-0000-4000-8000-0000000000f4';
TRUNCATE versions;
SELECT pg_temp.append('{"1": {"url": "https://a.example/1"}}');
SELECT pg_temp.append('{"2": {"url": "https://a.example/2"}, "3": {"url": "https://a.example/3"}}');
SELECT s.* FROM versions v, pg_temp.sync(v.data) s ORDER BY v.i;
-- Insertions that stand apart are no single insertion: the document comes. A chain that leads past the end of
-- the document, or round and round, is not followed.
UPDATE coursebase.custom_courses SET data = '[1,2,3]' WHERE id = '00000000-0000-4000-8000-0000000000f4';
TRUNCATE coursebase.custom_course_versions;
INSERT INTO coursebase.custom_course_versions (custom_course_id, base_checksum, checksum, insert_offset, insert_length) VALUES
    ('00000000-0000-4000-8000-0000000000f4', md5('[2]'), md5('[1,2]'), 1, 2),
    ('00000000-0000-4000-8000-0000000000f4', md5('[1,2]'), md5('[1,2,3]'), 4, 2),
    ('00000000-0000-4000-8000-0000000000f4', md5('[4]'), md5('[1,2,3]'), 6, 2),
    ('00000000-0000-4000-8000-0000000000f4', md5('[5]'), md5('[6]'), 1, 1),
    ('00000000-0000-4000-8000-0000000000f4', md5('[6]'), md5('[5]'), 1, 1);
SELECT have, s.* FROM unnest(ARRAY['[2]', '[1,2]', '[4]', '[5]', '[1,2,3]']) AS have, pg_temp.sync(have::bytea) s;
ROLLBACK;
