-- update_json(): whatever it refuses, it says why and what to do, and leaves the document as it was.
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
    (:list, '00000000-0000-4000-8000-00000000ad00', 'X99ENB', 't', '', '{"audio_files":[{"url":"https://a/1"}]}'),
    (:keyed, '00000000-0000-4000-8000-00000000ad00', 'X99ENB', 't', '', '{"audio_files":{"1":{"url":"https://a/1"}}}'),
    (:none, '00000000-0000-4000-8000-00000000ad00', 'X99ENB', 't', '', '{}');

SELECT data::text AS old FROM coursebase.custom_courses WHERE id = :list \gset
SELECT * FROM coursebase.update_json(:list, '{"url":"https://a/5"}', md5(''));
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":"https://a/1","duration":2}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '[{"url":"https://a/5"},{"url":"https://a/5","duration":2}]');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:keyed, '{"1":{"url":"https://a/5"}}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:keyed, '{"7":{"url":"https://a/7"},"7":{"url":"https://a/8"}}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"1":{"url":"https://a/1"}}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:keyed, '{"url":"https://a/1"}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '"[]"');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '7');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '[{"url":"https://a/5"},[]]');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:keyed, '{"8":{"duration":1}}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":null}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":"/relative"}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":"https://"}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":"https://a/with space"}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":"https://a/\u0000"}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":"https://a/5","checksum":"abc"}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":"https://a/5","checksum":null}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":"https://a/5","duration":0}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":"https://a/5","duration":-0.0e9}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, '{"url":"https://a/5","duration":"3"}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json('00000000-0000-4000-8000-00000000adff', '{"url":"https://a/5"}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(NULL, '{"url":"https://a/5"}');
\echo :SQLSTATE
SELECT * FROM coursebase.update_json(:list, NULL);
\echo :SQLSTATE
UPDATE coursebase.custom_courses SET data = '[]' WHERE id = :none;
SELECT * FROM coursebase.update_json(:none, '{"url":"https://a/5"}');
\echo :SQLSTATE
UPDATE coursebase.custom_courses SET data = '{"audio_files":null}' WHERE id = :none;
SELECT * FROM coursebase.update_json(:none, '{"url":"https://a/5"}');
\echo :SQLSTATE
SELECT data::text = :'old' FROM coursebase.custom_courses WHERE id = :list;

ROLLBACK;
