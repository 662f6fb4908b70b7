-- The memory a checksum of a very large document takes, above what the backend has anyway.
--# setup
CREATE TABLE bench_peer.huge_lz4 (data json COMPRESSION lz4);
CREATE TABLE bench_peer.huge_pglz (data json COMPRESSION pglz);
CREATE TABLE bench_peer.huge_external (data json);
ALTER TABLE bench_peer.huge_external ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE bench_peer.small_lz4 (data json COMPRESSION lz4);
CREATE TABLE bench_peer.small_pglz (data json COMPRESSION pglz);
CREATE TABLE bench_peer.small_external (data json);
ALTER TABLE bench_peer.small_external ALTER COLUMN data SET STORAGE EXTERNAL;
INSERT INTO bench_peer.huge_external SELECT bench_peer.course(190000000);
INSERT INTO bench_peer.huge_lz4 SELECT data FROM bench_peer.huge_external;
INSERT INTO bench_peer.huge_pglz SELECT data FROM bench_peer.huge_external;
INSERT INTO bench_peer.small_external SELECT bench_peer.course(94000);
INSERT INTO bench_peer.small_lz4 SELECT data FROM bench_peer.small_external;
INSERT INTO bench_peer.small_pglz SELECT data FROM bench_peer.small_external;
-- A division by zero here means that a document is not stored in the form its table is named for.
SELECT 1 / (pg_column_compression(data) = 'lz4')::integer FROM bench_peer.huge_lz4;
SELECT 1 / (pg_column_compression(data) = 'pglz')::integer FROM bench_peer.huge_pglz;
SELECT 1 / (pg_column_compression(data) IS NULL)::integer FROM bench_peer.huge_external;

-- Reads every page of the large value, through a sequence of its chunks that needs no memory.
CREATE FUNCTION bench_peer.touch(owner regclass) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    chunks bigint;
BEGIN
    EXECUTE (SELECT format('SELECT count(length(chunk_data)) FROM %s', reltoastrelid::regclass)
        FROM pg_class WHERE oid = owner) INTO chunks;
    RETURN chunks;
END
$$;

--# end
DROP TABLE bench_peer.huge_lz4, bench_peer.huge_pglz, bench_peer.huge_external

--# row: checksum_memory_@storage@
--# each storage: pglz lz4 external
--# name storage: external = uncompressed
--# area: Documents
--# work: Peak memory of a checksum, 190 MB, @storage:name@
--# touch
SELECT bench_peer.touch('bench_peer.huge_@storage@'),
    (SELECT coursebase.json_checksum(data) || md5(data::text) FROM bench_peer.small_@storage@)
--# loop
SELECT count(@expression@) FROM bench_peer.huge_@storage@ AS d
--# way ours: json_checksum(data) | memory <= 1024
coursebase.json_checksum(d.data)
--# way md5: md5(data::text)
md5(d.data::text)
