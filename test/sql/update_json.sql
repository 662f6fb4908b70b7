-- update_json(): an entry joins its document once, a retry is harmless, and a refusal leaves everything as it was.
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
\set list '''00000000-0000-4000-8000-00000000ad01'''
\set keyed '''00000000-0000-4000-8000-00000000ad02'''
\set none '''00000000-0000-4000-8000-00000000ad03'''
\set show 'SELECT data, checksum = md5(data::text), file_size_bytes = octet_length(data::text) FROM coursebase.custom_courses WHERE id ='
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-00000000ad00', 'update_json', 'Ada', 'ada@example.org');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    (:list, '00000000-0000-4000-8000-00000000ad00', 'X99ENB', 't', '', '{"v": 1.0, "audio_files": [ ], "v": 2}'),
    (:keyed, '00000000-0000-4000-8000-00000000ad00', 'X99ENB', 't', '', '{"audio_files":{"1":{"url":"https://a/1"}}}'),
    (:none, '00000000-0000-4000-8000-00000000ad00', 'X99ENB', 't', '', '{}');

-- an array: one entry, several, a retry, entries that are there in part, other spellings of the same
SELECT appended, skipped FROM coursebase.update_json(:list, '{"url":"https://a/1","duration":1.5,"voice":"f"}');
SELECT appended, skipped FROM coursebase.update_json(:list, '{"url":"https://a/1","duration":1.5,"voice":"f"}');
SELECT appended, skipped FROM coursebase.update_json(:list, '{"voice": "f", "duration": 1.50, "url": "https:\/\/a\/1"}');
SELECT appended, skipped FROM coursebase.update_json(:list,
    '[{"url":"https://a/2"}, {"url":"https://a/1","duration":1.5,"voice":"f"}, {"url":"https://a/3"},{"url":"https://a/2"}]');
SELECT appended, skipped FROM coursebase.update_json(:list, '[]');
:show :list;

-- an object by audio number
SELECT appended, skipped FROM coursebase.update_json(:keyed, '{"2":{"url":"https://a/2"},"1":{"url":"https://a/1"}}');
SELECT appended, skipped FROM coursebase.update_json(:keyed, '{"2": {"url":"https://a/2"}}');
SELECT appended, skipped FROM coursebase.update_json(:keyed, '{"\u0033":{"url":"https://a/1"},"3":{"url": "https://a/1"}}');
:show :keyed;

-- missing audio_files takes the form of what comes
SAVEPOINT missing;
SELECT appended, skipped FROM coursebase.update_json(:none, '{"url":"https://a/1"}');
:show :none;
ROLLBACK TO missing;
SELECT appended, skipped FROM coursebase.update_json(:none, '{"1":{"url":"https://a/1"}}');
:show :none;
ROLLBACK TO missing;

-- of several audio_files the last counts; entries that are no objects, or have no url, are nobody's
UPDATE coursebase.custom_courses SET data = '{"audio_files":[{"url":"https://a/1"}],"\u0061udio_files":[7,{"x":1},{"url":5}]}' WHERE id = :none;
SELECT appended, skipped FROM coursebase.update_json(:none, '{"url":"https://a/1"}');
:show :none;
ROLLBACK TO missing;

-- many at once: each once, whatever the document spells with escapes
SELECT appended, skipped FROM coursebase.update_json(:none,
    (SELECT json_agg(json_build_object('url', format('https://a/%s', i % 1000))) FROM generate_series(1, 3000) i));
SELECT appended, skipped FROM coursebase.update_json(:none,
    (SELECT json_agg(json_build_object('url', format('https://a/%s', i))) FROM generate_series(990, 1009) i));
SELECT json_array_length(data -> 'audio_files'), count(DISTINCT e ->> 'url')
FROM coursebase.custom_courses, json_array_elements(data -> 'audio_files') e WHERE id = :none GROUP BY data::text, 1;
ROLLBACK TO missing;

-- a list is searched a piece at a time: an entry is found wherever it stands, and however it is spelled
CREATE FUNCTION pg_temp.found(pad integer, url text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    UPDATE coursebase.custom_courses SET data = format('{"audio_files":[{"p":"%s"},{"url":"%s"}]}', repeat('p', pad), url)::json WHERE id = '00000000-0000-4000-8000-00000000ad03';
    RETURN (SELECT skipped - appended FROM coursebase.update_json('00000000-0000-4000-8000-00000000ad03', '{"url":"https://a/1"}'));
END $$;
SELECT count(*), min(pg_temp.found(pad, url)) FROM generate_series(1048576 - 31, 1048576 - 17) pad, unnest(ARRAY['https://a/1', 'https:\/\/a/1']) url;
SELECT max(pg_temp.found(pad, 'https://a/10')) FROM generate_series(1048576 - 31, 1048576 - 17, 7) pad;
ROLLBACK TO missing;

-- nothing appended: nothing written; something appended: one UPDATE, and a record from which a delta can be made
SELECT ctid AS before FROM coursebase.custom_courses WHERE id = :list \gset
SELECT appended FROM coursebase.update_json(:list, '{"url":"https://a/2"}');
SELECT ctid = :'before' FROM coursebase.custom_courses WHERE id = :list;
SELECT data::text AS old, checksum AS base FROM coursebase.custom_courses WHERE id = :list \gset
SELECT appended FROM coursebase.update_json(:list, '{"url":"https://a/4"}', upper(:'base'));
SELECT c.data::text = overlay(:'old' PLACING substr(c.data::text, v.insert_offset + 1, v.insert_length)
                              FROM v.insert_offset + 1 FOR 0), v.checksum = c.checksum
FROM coursebase.custom_course_versions v JOIN coursebase.custom_courses c ON c.id = v.custom_course_id
WHERE v.custom_course_id = :list AND v.base_checksum = :'base';
SELECT count(*) FROM coursebase.custom_course_versions WHERE custom_course_id = :list;

-- calculate_checksum() mends what was damaged behind the triggers' back, and leaves a sound row alone
SET LOCAL session_replication_role = replica;
UPDATE coursebase.custom_courses SET checksum = md5('damaged'), file_size_bytes = 1 WHERE id = :keyed;
SET LOCAL session_replication_role = origin;
SELECT k.checksum = md5(c.data::text), k.file_size_bytes = octet_length(c.data::text)
FROM coursebase.custom_courses c, coursebase.calculate_checksum(c.id) k WHERE c.id = :keyed;
SELECT ctid AS place FROM coursebase.custom_courses WHERE id = :keyed \gset
:show :keyed;
SELECT count(*) FROM coursebase.calculate_checksum(:keyed);
SELECT ctid = :'place' FROM coursebase.custom_courses WHERE id = :keyed;
-- and says so where a trigger of the database's own keeps the row as it was
SET LOCAL session_replication_role = replica;
UPDATE coursebase.custom_courses SET checksum = md5('damaged') WHERE id = :keyed;
SET LOCAL session_replication_role = origin;
CREATE FUNCTION pg_temp.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER a_keep BEFORE UPDATE ON coursebase.custom_courses FOR EACH ROW EXECUTE FUNCTION pg_temp.keep();
SELECT * FROM coursebase.calculate_checksum(:keyed);
\echo :SQLSTATE
DROP TRIGGER a_keep ON coursebase.custom_courses;
SELECT checksum = md5('damaged') FROM coursebase.custom_courses WHERE id = :keyed;
SELECT * FROM coursebase.calculate_checksum('00000000-0000-4000-8000-00000000adff');
\echo :SQLSTATE
SELECT * FROM coursebase.calculate_checksum(NULL);
\echo :SQLSTATE
ROLLBACK;
