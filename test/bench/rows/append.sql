-- Appending one audio entry to a document in memory: the function alone.
--# setup
CREATE TABLE bench_peer.appended (bytes integer PRIMARY KEY, data json, entry json);
INSERT INTO bench_peer.appended
SELECT bytes, bench_peer.course(bytes), bench_peer.entry(0)::json
FROM unnest(ARRAY[94000, 1000000]) AS bytes;

-- A document, and its two halves around the place of the entry, the entry with the first.
CREATE FUNCTION bench_peer.halves(of_bytes integer,
    OUT data json, OUT entry json, OUT head text, OUT tail text)
LANGUAGE sql STABLE
AS $$
    SELECT (a.data::text || '')::json, a.entry, split_part(a.data::text, '],"schedule"', 1) || ','
            || a.entry::text, '],"schedule"' || split_part(a.data::text, '],"schedule"', 2)
    FROM bench_peer.appended AS a
    WHERE a.bytes = of_bytes
$$;

--# row: append_@bytes@
--# each bytes: 94000 1000000
--# work: append one entry, @bytes@ bytes
--# loop
WITH d AS MATERIALIZED (SELECT * FROM bench_peer.halves(@bytes@))
SELECT count(@expression@) FROM d, generate_series(1, @n@)
--# equal: (@a@)::text::jsonb = (@b@)::text::jsonb
--# same
SELECT coursebase.json_append(data, '{audio_files}', entry)::text = head || tail
FROM bench_peer.halves(@bytes@)
--# way ours: json_append(data, path, entry)
coursebase.json_append(d.data, '{audio_files}', d.entry)
--# way jsonb: jsonb_set(data::jsonb, …)::json | time >= 25
jsonb_set(d.data::jsonb, '{audio_files,2147483647}', d.entry::jsonb)::json
--# way agg: json_object_agg over json_each | time >= 5
(SELECT json_object_agg(m.key, CASE m.key
        WHEN 'audio_files' THEN (left(m.value::text, -1) || ',' || d.entry || ']')::json
        ELSE m.value END)
    FROM json_each(d.data) AS m)
--# way copy: copying the bytes | time >= 0.6
d.head || d.tail
