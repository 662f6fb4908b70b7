-- Whatever a document or an entry holds, the answer is a result or an error of class 22, 54 or KB: never a crash,
-- never an internal error; and what is accepted is JSON of the right length.
\pset format unaligned
\pset tuples_only on
BEGIN;
CREATE FUNCTION pg_temp.attempt(statement text, document text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE statement INTO answer USING document;
    RETURN answer;
EXCEPTION
    WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-00000000ae00', 'hostile', 'Ada', 'ada@example.org');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    ('00000000-0000-4000-8000-00000000ae01', '00000000-0000-4000-8000-00000000ae00', 'X99ENB', 't', '', '{}');
CREATE TEMPORARY TABLE hostile (n serial, name text, document text);
INSERT INTO hostile (name, document) VALUES
    ('empty text', ''),
    ('white space', E' \t\r\n'),
    ('a lone bracket', '{'),
    ('brackets that do not match', '{"audio_files":[}]'),
    ('a trailing comma', '{"audio_files":[1,]}'),
    ('a second value', '{"audio_files":[]} {}'),
    ('a byte order mark', U&'\FEFF{}'),
    ('single quotes', '{''audio_files'':[]}'),
    ('a control character in a string', E'{"a":"\u0001"}'),
    ('an unknown escape', '{"a":"\x41"}'),
    ('half an escape', '{"a":"\u00'),
    ('a number that is none', '{"a":01}'),
    ('not a number', '{"a":NaN}'),
    ('a number without end', '{"a":' || repeat('9', 100000) || '}'),
    ('exponents', '{"a":1E+999999999,"b":-0.0e-0}'),
    ('a zero character', '{"audio_files":[{"url":"https://a/\u0000"}]}'),
    ('half a surrogate pair', '{"a":"\ud800","audio_files":[{"url":"\udc00\ud800"}]}'),
    ('the same key twice', '{"audio_files":[],"audio_files":[]}'),
    ('the same key, escaped', '{"audio_files":7,"\u0061\u0075dio_files":[]}'),
    ('a key with quotes and brackets', '{"]}\"\\":[],"audio_files":[]}'),
    ('an empty key', '{"":{"":[]},"audio_files":[]}'),
    ('a key of a million characters', '{"' || repeat('k', 1000000) || '":1}'),
    ('a million backslashes', '{"a":"' || repeat('\\', 1000000) || '"}'),
    ('a million escapes', '{"audio_files":[{"url":"' || repeat('\u0068', 1000000) || '"}]}'),
    ('a million quotes', '{"a":[' || repeat('"",', 1000000) || '""]}'),
    ('a thousand levels', '{"a":' || repeat('[', 1000) || repeat(']', 1000) || ',"audio_files":[]}'),
    ('a thousand levels of objects', repeat('{"audio_files":', 1000) || '[]' || repeat('}', 1000)),
    ('a million brackets', repeat('[', 1000000)),
    ('a million levels', repeat('[', 1000000) || repeat(']', 1000000)),
    ('a million members', '{"a":[' || repeat('{"a":1,"a":2},', 500000) || '0]}'),
    ('white space of a million', repeat(' ', 1000000) || '{' || repeat(E'\n', 1000000) || '}'),
    ('a scalar', '7'),
    ('null', 'null'),
    ('an array', '[[],{}]'),
    ('audio_files that is a string', '{"audio_files":"[]"}'),
    ('audio_files of anything', '{"audio_files":[null,7,"url",[],{},{"url":null},{"url":{"url":"https://a/1"}}]}'),
    ('audio_files by number', '{"audio_files":{"1":null,"1":{"url":"https://a/1"}}}');

-- as a document: its digest, an append at the root, an append on the way, rendered
SELECT name,
    pg_temp.attempt($$SELECT (coursebase.json_checksum($1::json) = md5($1))::text$$, document) AS checksum,
    pg_temp.attempt($$SELECT octet_length(coursebase.json_append($1::json, '{}', '{"new":1}')::text) - octet_length($1)$$, document) AS root,
    pg_temp.attempt($$SELECT octet_length(coursebase.json_append($1::json, '{audio_files}', '[1]')::text) - octet_length($1)$$, document) AS path,
    pg_temp.attempt($$SELECT length(coursebase.json_checksum(coursebase.json_append('[]', '{}', $1::json), 'crlf4'))::text$$, document) AS rendered
FROM hostile ORDER BY n;

-- as the stored document that grows, and as the audio that comes
SELECT name,
    pg_temp.attempt($$WITH stored AS MATERIALIZED (
            UPDATE coursebase.custom_courses SET data = $1::json WHERE id = '00000000-0000-4000-8000-00000000ae01' RETURNING id)
        SELECT count(*)::text FROM stored$$, document) AS stored,
    pg_temp.attempt($$SELECT appended || '+' || skipped
        FROM coursebase.update_json('00000000-0000-4000-8000-00000000ae01', '{"url":"https://a/1"}')$$, document) AS grown,
    pg_temp.attempt($$SELECT (checksum = md5(data::text) AND file_size_bytes = octet_length(data::text))::text
        FROM coursebase.custom_courses WHERE id = '00000000-0000-4000-8000-00000000ae01'$$, document) AS sound,
    pg_temp.attempt($$SELECT appended || '+' || skipped
        FROM coursebase.update_json('00000000-0000-4000-8000-00000000ae01', $1::json)$$, document) AS audio
FROM hostile ORDER BY n;

-- content that jsonb cannot hold: a retry with the same bytes is a retry, other bytes cannot be compared
UPDATE coursebase.custom_courses SET data = '{}' WHERE id = '00000000-0000-4000-8000-00000000ae01';
SELECT pg_temp.attempt($$SELECT appended || '+' || skipped
    FROM coursebase.update_json('00000000-0000-4000-8000-00000000ae01', $1::json)$$, document)
FROM (VALUES (1, '{"url":"https://a/1","n":1e400000,"s":"\u0000"}'), (2, '{"url":"https://a/1","n":1e400000,"s":"\u0000"}'),
             (3, '{"url":"https://a/1","n":1E400000}'), (4, '{"url":"https://a/1","s":"\u0000"}')) AS audio (n, document)
ORDER BY n;

-- as the path
SELECT pg_temp.attempt($$SELECT octet_length(coursebase.json_append('{}', ARRAY[$1], '[1]')::text)$$, document) FROM hostile WHERE n IN (1, 9, 22, 23);
SELECT octet_length(coursebase.json_append('{}', array_fill('k'::text, ARRAY[1000]), '[1]')::text);
SELECT octet_length(coursebase.json_append('{}', array_fill(''::text, ARRAY[100000]), '[1]')::text::bytea);

-- bytes that are no UTF-8 do not come in
SELECT pg_temp.attempt($$SELECT coursebase.json_append(convert_from('\x7b2261223a22ff227d', 'UTF8')::json, '{}', '{}')::text || $1$$, '');

-- what is stored is sound
SELECT checksum = md5(data::text), file_size_bytes = octet_length(data::text) FROM coursebase.custom_courses
WHERE id = '00000000-0000-4000-8000-00000000ae01';
ROLLBACK;
