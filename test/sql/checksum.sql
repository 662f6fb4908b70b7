-- Promise: json_checksum is the digest of exactly the stored bytes, in any form of
-- storage.
\set VERBOSITY default

-- One table a form of storage; what a server chose is shown beside the comparison.
CREATE TEMP TABLE plain (name text, data json);
ALTER TABLE plain ALTER data SET STORAGE plain;
CREATE TEMP TABLE pglz (name text, data json);
ALTER TABLE pglz ALTER data SET COMPRESSION pglz;
CREATE TEMP TABLE lz4 (name text, data json);
ALTER TABLE lz4 ALTER data SET COMPRESSION lz4;
CREATE TEMP TABLE external (name text, data json);
ALTER TABLE external ALTER data SET STORAGE external;

CREATE TEMP VIEW documents AS
SELECT 1 AS place, 'empty string' AS name, '""'::json AS data
UNION ALL SELECT 2, 'short', '{"a": 1.50,"a":null}'
UNION ALL SELECT 3, 'multibyte', '{"title": "été – 日本語 – 😀", "u": "\u00e9"}'
UNION ALL SELECT 4, '3 kB', (SELECT json_agg(i) FROM generate_series(1, 600) AS i)
UNION ALL SELECT 5, '8 kB repeated', to_json(repeat('again and ', 800))
UNION ALL SELECT 6, '370 kB', (
    SELECT json_agg(json_build_object('url', 'https://cdn.example.com/' || md5(i::text) || '.mp3'))
    FROM generate_series(1, 5000) AS i)
UNION ALL SELECT 7, '2 MB repeated', to_json(repeat('é', 1000000))
UNION ALL SELECT 8, '1 chunk', to_json(repeat('x', 1994))
UNION ALL SELECT 9, '2 chunks', to_json(repeat('x', 3990))
UNION ALL SELECT 10, '2 chunks and a byte', to_json(repeat('x', 3991));

INSERT INTO plain
SELECT name, data FROM documents WHERE octet_length(data::text) < 4000 ORDER BY place;
INSERT INTO pglz SELECT name, data FROM documents ORDER BY place;
INSERT INTO lz4 SELECT name, data FROM documents ORDER BY place;
INSERT INTO external SELECT name, data FROM documents ORDER BY place;

SELECT d.place, s.form, d.name,
    pg_column_compression(s.data) AS compression,
    coursebase.json_checksum(s.data) = md5(d.data::text) AS md5_equal,
    coursebase.json_checksum(s.data, 'stored', 'sha256')
        = encode(sha256(convert_to(d.data::text, 'UTF8')), 'hex') AS sha256_equal
FROM documents AS d
JOIN (
    SELECT 'plain' AS form, * FROM plain
    UNION ALL SELECT 'pglz', * FROM pglz
    UNION ALL SELECT 'lz4', * FROM lz4
    UNION ALL SELECT 'external', * FROM external
) AS s USING (name)
ORDER BY d.place, s.form;
-- The size, of every form.
SELECT s.form, count(*) AS documents,
    bool_and(coursebase.json_size(s.data) = octet_length(d.data::text)) AS size_equal
FROM documents AS d
JOIN (
    SELECT 'plain' AS form, * FROM plain
    UNION ALL SELECT 'pglz', * FROM pglz
    UNION ALL SELECT 'lz4', * FROM lz4
    UNION ALL SELECT 'external', * FROM external
) AS s USING (name)
GROUP BY s.form
ORDER BY s.form;

-- One that was never stored.
SELECT coursebase.json_checksum(json_agg(i)) = md5(json_agg(i)::text) AS in_memory
FROM generate_series(1, 100000) AS i;

-- Bytes, not meaning: spacing, order and spelling count.
SELECT coursebase.json_checksum('{"a": 1}') AS spaced, md5('{"a": 1}') AS expected,
    coursebase.json_checksum('{"a":1}') AS dense;

-- crlf4, against its text written out.
SELECT name, coursebase.json_checksum(source::json, 'crlf4') = md5(rendered) AS md5_equal,
    coursebase.json_checksum(source::json, 'crlf4', 'sha256')
        = encode(sha256(convert_to(rendered, 'UTF8')), 'hex') AS sha256_equal
FROM (VALUES
    ('object', '{"b":1,"a" : [true, null]}',
        E'{\r\n    "b": 1,\r\n    "a": [\r\n        true,\r\n        null\r\n    ]\r\n}'),
    ('empty', ' { "o" : { } , "a":[ ] } ', E'{\r\n    "o": {},\r\n    "a": []\r\n}'),
    ('spelling', '[1.50e+07,"\u00e9\/{,:}é"]', E'[\r\n    1.50e+07,\r\n    "\\u00e9\\/{,:}é"\r\n]'),
    ('scalar', ' "x" ', '"x"')
) AS v (name, source, rendered);
SELECT coursebase.json_checksum(data, 'crlf4') = (
    SELECT md5(E'[\r\n' || string_agg(
            E'    {\r\n        "url": "https://cdn.example.com/' || md5(i::text) || E'.mp3"\r\n    }',
            E',\r\n' ORDER BY i) || E'\r\n]')
    FROM generate_series(1, 5000) AS i) AS long_equal
FROM lz4 WHERE name = '370 kB';

-- 200 kB that indentation would make 1.6 GB, a level a bracket, are refused before they are rendered; a thousand levels are not.
SELECT coursebase.json_checksum((repeat('[', 4000) || '1' || repeat(',1', 100000) || repeat(']', 4000))::json, 'crlf4');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.json_checksum((repeat('[', 1000) || repeat(']', 1000))::json, 'crlf4') IS NOT NULL AS deep;

-- No document, no checksum; bad arguments are named.
SELECT coursebase.json_checksum(NULL), coursebase.json_checksum(NULL, NULL, NULL);
SELECT coursebase.json_checksum('1', 'CRLF4');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.json_checksum('1', NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.json_checksum('1', 'stored', 'sha1');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.json_checksum('1', 'stored', NULL);
\echo :LAST_ERROR_SQLSTATE
