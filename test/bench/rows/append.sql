-- Appending one audio entry to a document: the function alone, on documents as custom_courses stores
-- them (lz4) and on documents that are in memory already.
--
-- "Copying the bytes" joins two texts, the bytes before the place of the entry and those after it, so
-- that its result is the same document. Of a stored document it reads as many bytes as we do. In memory
-- it is one memcpy within the processor's cache and shown for what it is: no scan comes near it.
--# setup
CREATE TABLE bench_peer.appended (
    bytes  integer PRIMARY KEY,
    entry  json NOT NULL,
    data   json COMPRESSION lz4 NOT NULL,
    head   text COMPRESSION lz4 NOT NULL,
    tail   text COMPRESSION lz4 NOT NULL
);
INSERT INTO bench_peer.appended
SELECT bytes, bench_peer.entry(0)::json, data, split_part(data::text, '],"schedule"', 1) || ','
        || bench_peer.entry(0), '],"schedule"' || split_part(data::text, '],"schedule"', 2)
FROM unnest(ARRAY[94000, 1000000]) AS bytes, LATERAL bench_peer.course(bytes) AS data;

--# equal: (@a@)::text::jsonb = (@b@)::text::jsonb
--# same
SELECT bool_and(coursebase.json_append(data, '{audio_files}', entry)::text = head || tail)
FROM bench_peer.appended

--# row: append_@bytes@
--# each bytes: 94000 1000000
--# name bytes: 94000 = 94 KB; 1000000 = 1 MB
--# area: Documents
--# work: Append an entry to a stored document, @bytes:name@
--# loop
SELECT count(@expression@) FROM bench_peer.appended AS d, generate_series(1, @n@)
WHERE d.bytes = @bytes@
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

--# row: append_memory_@bytes@
--# each bytes: 94000 1000000
--# name bytes: 94000 = 94 KB; 1000000 = 1 MB
--# area: Documents
--# work: Append an entry to a document in memory, @bytes:name@
--# loop
WITH d AS MATERIALIZED (
    SELECT (data::text || '')::json AS data, entry, head || '' AS head, tail || '' AS tail
    FROM bench_peer.appended WHERE bytes = @bytes@)
SELECT count(@expression@) FROM d, generate_series(1, @n@)
--# way ours: json_append(data, path, entry)
coursebase.json_append(d.data, '{audio_files}', d.entry)
--# way jsonb: jsonb_set(data::jsonb, …)::json | time >= 25
jsonb_set(d.data::jsonb, '{audio_files,2147483647}', d.entry::jsonb)::json
--# way agg: json_object_agg over json_each | time >= 5
(SELECT json_object_agg(m.key, CASE m.key
        WHEN 'audio_files' THEN (left(m.value::text, -1) || ',' || d.entry || ']')::json
        ELSE m.value END)
    FROM json_each(d.data) AS m)
--# way copy: copying the bytes in the cache
d.head || d.tail
