-- The other ways of doing the work, and the documents to do it on. Nothing here belongs to coursebase:
-- the schema is made by the benchmark, in a server that is thrown away.
CREATE SCHEMA bench_peer;
CREATE EXTENSION IF NOT EXISTS coursebase;

-- Entry number i of a course's audio files, always 285 bytes long.
CREATE FUNCTION bench_peer.entry(i integer) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT '{"number":' || (100000000 + i) || ',"title":"Segment ' || to_char(i, 'FM000000000')
        || '","url":"https://media.example.com/x14abc/' || md5('url' || i)
        || '.mp3","checksum":"' || md5('sound' || i) || '","duration":' || (1000 + i % 9000)
        || '.25,"voice":"female","script":"' || md5('a' || i) || ' ' || md5('b' || i) || '"}'
$$;

-- A course of about so many bytes as an edge function stores it: no spaces, the audio files between
-- other members. It grows in its audio files alone.
CREATE FUNCTION bench_peer.course(bytes integer) RETURNS json
LANGUAGE sql IMMUTABLE
AS $$
    SELECT ('{"course_code":"X14ABC","title":"Sleep well","description":"Seven evenings.",'
        || '"tags":["sleep","evening",{"weight":0.50}],"empty":{},"none":[],"audio_files":['
        || (SELECT string_agg(bench_peer.entry(i), ',' ORDER BY i)
            FROM generate_series(1, greatest(1, (bytes - 430) / 286)) AS i)
        || '],"schedule":{"days":[1,2,3,4,5,6,7],"reminder":null,"strict":false},'
        || '"issue":"I wake at four","goal":"To sleep until seven"}')::json
$$;

-- The crlf4 form by one recursive SQL function.
CREATE FUNCTION bench_peer.rendered_by_sql(value json, depth integer DEFAULT 0) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE json_typeof(value)
        WHEN 'object' THEN coalesce((
            SELECT E'{\r\n' || string_agg(repeat('    ', depth + 1) || to_json(m.key)::text || ': '
                    || CASE WHEN json_typeof(m.value) IN ('object', 'array')
                            THEN bench_peer.rendered_by_sql(m.value, depth + 1)
                            ELSE m.value::text END, E',\r\n' ORDER BY m.i)
                || E'\r\n' || repeat('    ', depth) || '}'
            FROM json_each(value) WITH ORDINALITY AS m (key, value, i)), '{}')
        WHEN 'array' THEN coalesce((
            SELECT E'[\r\n' || string_agg(repeat('    ', depth + 1)
                    || CASE WHEN json_typeof(e.value) IN ('object', 'array')
                            THEN bench_peer.rendered_by_sql(e.value, depth + 1)
                            ELSE e.value::text END, E',\r\n' ORDER BY e.i)
                || E'\r\n' || repeat('    ', depth) || ']'
            FROM json_array_elements(value) WITH ORDINALITY AS e (value, i)), '[]')
        ELSE value::text
    END
$$;

-- The same by PL/pgSQL, which keeps its plans.
CREATE FUNCTION bench_peer.rendered_by_plpgsql(value json, depth integer DEFAULT 0) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    inner_indent text := repeat('    ', depth + 1);
    rendered text;
BEGIN
    CASE json_typeof(value)
    WHEN 'object' THEN
        SELECT string_agg(inner_indent || to_json(m.key)::text || ': '
                || CASE WHEN json_typeof(m.value) IN ('object', 'array')
                        THEN bench_peer.rendered_by_plpgsql(m.value, depth + 1)
                        ELSE m.value::text END, E',\r\n')
        INTO rendered
        FROM json_each(value) AS m;
        RETURN coalesce(E'{\r\n' || rendered || E'\r\n' || repeat('    ', depth) || '}', '{}');
    WHEN 'array' THEN
        SELECT string_agg(inner_indent
                || CASE WHEN json_typeof(e) IN ('object', 'array')
                        THEN bench_peer.rendered_by_plpgsql(e, depth + 1)
                        ELSE e::text END, E',\r\n')
        INTO rendered
        FROM json_array_elements(value) AS e;
        RETURN coalesce(E'[\r\n' || rendered || E'\r\n' || repeat('    ', depth) || ']', '[]');
    ELSE
        RETURN value::text;
    END CASE;
END
$$;
