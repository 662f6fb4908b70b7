-- json_append(): only what is new changes the document; all other bytes stay; what is no JSON cannot come out.
\pset format unaligned
\pset tuples_only on

-- to an array: an array's elements, anything else as one
SELECT coursebase.json_append('{"a":[1]}', '{a}', '[2,3]');
SELECT coursebase.json_append('{"a":[1]}', '{a}', '{"b":2}');
SELECT coursebase.json_append('{"a":[1]}', '{a}', '"x"');
SELECT coursebase.json_append('{"a":[]}', '{a}', '[[2]]');
SELECT coursebase.json_append('[1]', '{}', '2');
SELECT coursebase.json_append('{"a":[1,[2,{"b":[]}]]}', '{a,1,1,b}', '3');

-- into an object
SELECT coursebase.json_append('{"a":{"x":1}}', '{a}', '{"y":2,"z":3}');
SELECT coursebase.json_append('{}', '{}', '{"y":2}');

-- what is missing is created
SELECT coursebase.json_append('{}', '{a,b,c}', '[1]');
SELECT coursebase.json_append('{"a":{}}', '{a,b}', '1');
SELECT coursebase.json_append('{}', '{a}', '{"x":1}');
SELECT coursebase.json_append('{}', ARRAY[E'q"\\\n\u0001é'], '1');

-- nothing to append changes nothing
SELECT coursebase.json_append('{ "a" : [ ] }', '{a}', '[ ]');
SELECT coursebase.json_append('{"a":{"b":1}}', '{a}', '{}');
SELECT coursebase.json_append('{}', '{a}', '[]');

-- white space, duplicate keys, escapes and the spelling of numbers stay; of a key that is there twice the last counts
SELECT coursebase.json_append(E' {"a" : [ 1.00 ,\t2e0\n] , "\\u0061":[ "\\/" ] , "b":1,"b":2 } ', '{a}', ' [ 3 ] ');
SELECT coursebase.json_append('{"\u0061udio_files":[1]}', '{audio_files}', '2');
SELECT coursebase.json_append('{"a":["]}\\\"[{"],"b":"]"}', '{a}', '0');

-- the same as jsonb would have it, for paths that lead somewhere
WITH cases (document, path, entries) AS (
    VALUES ('{"a":[1,2]}'::json, '{a}'::text[], '[3]'::json),
           ('{"a":{"b":[{"c":[]}]}}', '{a,b,0,c}', '["x",null,true]'),
           ('{"a":[[],[0]]}', '{a,1}', '[{"k":"v"}]'),
           ('[]', '{}', '[1]')
)
SELECT path, coursebase.json_append(document, path, entries)::jsonb
    = CASE WHEN path = '{}' THEN document::jsonb || entries::jsonb
           ELSE jsonb_set(document::jsonb, path, (document::jsonb #> path) || entries::jsonb) END
FROM cases;

-- every byte outside of the insertion stays, at any size
SELECT n, coursebase.json_append(d::json, '{audio_files}', '{"url":"new"}')::text
          = replace(d, '] ,"tail"', ',{"url":"new"}] ,"tail"')
FROM unnest(ARRAY[1, 3, 4, 5, 100, 20000, 300000]) AS n,
     LATERAL (SELECT '{"head": [1 , 2],"audio_files":['
                     || string_agg(format('{"url": "%s\"\\"}', i), ' ,') || '] ,"tail":"]}"}' AS d
              FROM generate_series(1, n) i) AS documents;

-- refusals
SELECT coursebase.json_append('{"a":{"b":1}}', '{a,b}', '1');
\echo :SQLSTATE
SELECT coursebase.json_append('{"a":null}', '{a,b}', '1');
\echo :SQLSTATE
SELECT coursebase.json_append('"text"', '{}', '1');
\echo :SQLSTATE
SELECT coursebase.json_append('{"a":[1]}', '{a,1}', '1');
\echo :SQLSTATE
SELECT coursebase.json_append('{"a":[1]}', '{a,x}', '1');
\echo :SQLSTATE
SELECT coursebase.json_append('{"a":[1]}', '{a,-1}', '1');
\echo :SQLSTATE
SELECT coursebase.json_append('{"a":{"b":1}}', '{a}', '[1]');
\echo :SQLSTATE
SELECT coursebase.json_append('{"a":{"b":1}}', '{a}', '{"c":1,"\u0062":2}');
\echo :SQLSTATE
SELECT coursebase.json_append('{"a":{}}', '{a}', '{"c":1,"c":1}');
\echo :SQLSTATE
SELECT coursebase.json_append('{}', ARRAY['a', NULL], '1');
\echo :SQLSTATE
SELECT coursebase.json_append('{}', '{{a},{b}}', '1');
\echo :SQLSTATE
\set VERBOSITY sqlstate
SELECT coursebase.json_append('{', '{a}', '1');
SELECT coursebase.json_append('{}', '{a}', '1,2');
SELECT coursebase.json_append(NULL, '{}', '1') IS NULL, coursebase.json_append('[]', NULL, '1') IS NULL,
       coursebase.json_append('[]', '{}', NULL) IS NULL;
