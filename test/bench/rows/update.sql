-- Appending one audio entry to stored documents: new bytes, checksum and size in one UPDATE. The ways
-- change 20 documents of 94 KB in one statement, each in a table of its own with the same columns,
-- constraints, index and compression. What waits for the commit is not in the figure.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES ('00000000-0000-4000-8000-000000000001', 'user_update', 'Bench', 'bench@example.com');
INSERT INTO coursebase.custom_courses (user_id, course_code, title, description, data, checksum, file_size_bytes)
SELECT '00000000-0000-4000-8000-000000000001', 'X14ABC', 'Sleep well', 'Seven evenings.',
    bench_peer.course(94000), '', 0
FROM generate_series(1, 20);

-- A table without a trigger, one with the trigger that keeps checksum and size, one of plain text.
CREATE TABLE bench_peer.updated_jsonb (LIKE coursebase.custom_courses INCLUDING ALL);
CREATE TABLE bench_peer.updated_append (LIKE coursebase.custom_courses INCLUDING ALL);
CREATE TABLE bench_peer.updated_copy (LIKE coursebase.custom_courses INCLUDING ALL);
ALTER TABLE bench_peer.updated_copy ALTER COLUMN data TYPE text;
ALTER TABLE bench_peer.updated_copy ALTER COLUMN data SET COMPRESSION lz4;
CREATE TABLE bench_peer.updated_ids AS
SELECT id FROM coursebase.custom_courses WHERE user_id = '00000000-0000-4000-8000-000000000001';
INSERT INTO bench_peer.updated_jsonb
SELECT c.* FROM coursebase.custom_courses AS c JOIN bench_peer.updated_ids USING (id);
INSERT INTO bench_peer.updated_append
SELECT c.* FROM coursebase.custom_courses AS c JOIN bench_peer.updated_ids USING (id);
INSERT INTO bench_peer.updated_copy
SELECT c.* FROM coursebase.custom_courses AS c JOIN bench_peer.updated_ids USING (id);
CREATE TRIGGER t500_checksum BEFORE INSERT OR UPDATE ON bench_peer.updated_append
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('data');

-- An entry that is new at every turn, and of one length. Each way has a counter of its turns.
CREATE SEQUENCE bench_peer.turn_ours;
CREATE SEQUENCE bench_peer.turn_append;
CREATE SEQUENCE bench_peer.turn_jsonb;
CREATE SEQUENCE bench_peer.turn_copy;
CREATE FUNCTION bench_peer.new_entry(turn bigint) RETURNS json
LANGUAGE sql IMMUTABLE
AS $$
    SELECT ('{"url":"https://media.example.com/x14abc/' || to_char(turn, 'FM000000000')
        || '.mp3","checksum":"00112233445566778899aabbccddeeff","duration":12.5}')::json
$$;

--# calls: 20
--# before
SELECT nextval('bench_peer.turn_@way@');

--# row: update
--# area: Documents
--# work: UPDATE that appends an entry, with checksum and size, 94 KB
--# same
SELECT count(*) = 20 AND bool_and(o.data::text = a.data::text AND o.data::jsonb = j.data::jsonb
    AND length(o.data::text) = length(c.data)
    AND md5(o.data::text) = o.checksum AND length(o.data::text) = o.file_size_bytes
    AND md5(a.data::text) = a.checksum AND length(a.data::text) = a.file_size_bytes
    AND md5(j.data::text) = j.checksum AND length(j.data::text) = j.file_size_bytes
    AND md5(c.data) = c.checksum AND length(c.data) = c.file_size_bytes)
FROM coursebase.custom_courses AS o JOIN bench_peer.updated_append AS a USING (id)
    JOIN bench_peer.updated_jsonb AS j USING (id) JOIN bench_peer.updated_copy AS c USING (id)
--# statement ours: update_json(id, entry)
SELECT count(u.checksum)
FROM (SELECT bench_peer.new_entry(currval('bench_peer.turn_ours')) AS entry OFFSET 0) AS e,
    bench_peer.updated_ids AS t, coursebase.update_json(t.id, e.entry) AS u
--# statement jsonb: jsonb_set, md5, octet_length | time >= 3.5, instructions >= 3.5
UPDATE bench_peer.updated_jsonb AS t
SET (data, checksum, file_size_bytes) =
    (SELECT n.data, md5(n.data::text), octet_length(n.data::text)
        FROM (SELECT jsonb_set(t.data::jsonb, '{audio_files,2147483647}', e.entry::jsonb)::json AS data
            OFFSET 0) AS n),
    updated_at = now()
FROM (SELECT bench_peer.new_entry(currval('bench_peer.turn_jsonb')) AS entry OFFSET 0) AS e
--# statement copy: UPDATE of a copy + md5 | time >= 0.85, instructions >= 0.85
UPDATE bench_peer.updated_copy AS t
SET (data, checksum, file_size_bytes) =
    (SELECT n.data, md5(n.data), octet_length(n.data)
        FROM (SELECT t.data || ',' || e.entry AS data OFFSET 0) AS n),
    updated_at = now()
FROM (SELECT bench_peer.new_entry(currval('bench_peer.turn_copy'))::text AS entry OFFSET 0) AS e
--# statement append: SET data = json_append(…), with the trigger
UPDATE bench_peer.updated_append AS t
SET data = coursebase.json_append(t.data, '{audio_files}', e.entry), updated_at = now()
FROM (SELECT bench_peer.new_entry(currval('bench_peer.turn_append')) AS entry OFFSET 0) AS e
