-- Checksums and sizes of stored documents against md5 and octet_length over a copy of the text.
--# setup
CREATE TABLE bench_peer.stored_lz4 (bytes integer PRIMARY KEY, data json COMPRESSION lz4);
CREATE TABLE bench_peer.stored_pglz (bytes integer PRIMARY KEY, data json COMPRESSION pglz);
CREATE TABLE bench_peer.stored_external (bytes integer PRIMARY KEY, data json);
ALTER TABLE bench_peer.stored_external ALTER COLUMN data SET STORAGE EXTERNAL;
INSERT INTO bench_peer.stored_lz4
SELECT bytes, bench_peer.course(bytes)
FROM unnest(ARRAY[4000, 20000, 94000, 24000000]) AS bytes;
-- A compressed value is stored as it comes: only a new one takes the column's own form.
INSERT INTO bench_peer.stored_pglz SELECT bytes, data::text::json FROM bench_peer.stored_lz4;
INSERT INTO bench_peer.stored_external SELECT bytes, data::text::json FROM bench_peer.stored_lz4;
-- The same bytes in a type of which a function can ask for one byte, which takes the whole out of its storage.
CREATE TABLE bench_peer.stored_bytes (bytes integer PRIMARY KEY, data bytea COMPRESSION lz4);
INSERT INTO bench_peer.stored_bytes SELECT bytes, convert_to(data::text, 'UTF8') FROM bench_peer.stored_lz4;
-- A division by zero here means that a document is not stored in the form its table is named for.
SELECT 1 / (pg_column_compression(data) = 'lz4')::integer FROM bench_peer.stored_lz4;
SELECT 1 / (pg_column_compression(data) = 'pglz')::integer FROM bench_peer.stored_pglz;
SELECT 1 / (pg_column_compression(data) IS NULL)::integer FROM bench_peer.stored_external;

--# end
DROP TABLE bench_peer.stored_lz4, bench_peer.stored_pglz, bench_peer.stored_external, bench_peer.stored_bytes

--# row: checksum_@bytes@
--# each bytes: 4000 20000 94000
--# name bytes: 4000 = 4 KB; 20000 = 20 KB; 94000 = 94 KB
--# area: Documents
--# work: Checksum, @bytes:name@
--# loop
SELECT count(@expression@) FROM bench_peer.stored_lz4 AS d, generate_series(1, @n@)
WHERE d.bytes = @bytes@
--# same
SELECT coursebase.json_checksum(data) = md5(data::text) FROM bench_peer.stored_lz4 WHERE bytes = @bytes@
--# way ours: json_checksum(data)
coursebase.json_checksum(d.data)
--# way md5: md5(data::text) | time >= 1
md5(d.data::text)
--# command limit: the server's own way out of storage, and openssl speed md5 | time >= 0.9
took()
{
    psql -XAtc "WITH begun AS MATERIALIZED (SELECT clock_timestamp() AS at), ran AS MATERIALIZED (
        SELECT count($1) FROM begun, bench_peer.stored_bytes AS d, generate_series(1, 20000) AS g WHERE d.bytes = @bytes@)
        SELECT extract(epoch FROM clock_timestamp() - begun.at) / 20000 FROM begun, ran"
}
loop=$(took g)
stored=$(took 'get_byte(d.data, g % 10)')
openssl speed -elapsed -seconds 1 -bytes @bytes@ -mr md5 2>/dev/null |
    awk -F: -v stored="$stored" -v loop="$loop" '/^\+F/ { printf "%.9f\n", stored - loop + @bytes@ / $NF }'

--# row: checksum_large_@storage@
--# each storage: pglz lz4
--# area: Documents
--# work: Checksum, 24 MB, @storage:name@
--# loop
SELECT count(@expression@) FROM bench_peer.stored_@storage@ AS d, generate_series(1, @n@)
WHERE d.bytes = 24000000
--# way ours: json_checksum(data)
coursebase.json_checksum(d.data)
--# way md5: md5(data::text) | time >= 1.5
md5(d.data::text)

--# row: checksum_large_external
--# area: Documents
--# work: Checksum, 24 MB, uncompressed
--# loop
SELECT count(@expression@) FROM bench_peer.stored_external AS d, generate_series(1, @n@)
WHERE d.bytes = 24000000
--# same
SELECT coursebase.json_checksum(data) = md5(data::text) FROM bench_peer.stored_external
WHERE bytes = 24000000
--# way ours: json_checksum(data)
coursebase.json_checksum(d.data)
--# way md5: md5(data::text) | time >= 1.5
md5(d.data::text)
--# command openssl: openssl speed md5, without a database | time >= 0.9
bytes=$(psql -XAtc 'SELECT octet_length(data::text) FROM bench_peer.stored_external
    WHERE bytes = 24000000')
openssl speed -elapsed -seconds 1 -bytes 16384 -mr md5 2>/dev/null |
    awk -F: -v bytes="$bytes" '/^\+F/ { printf "%.9f\n", bytes / $NF }'

--# row: checksum_crlf4_@bytes@
--# each bytes: 4000 94000
--# name bytes: 4000 = 4 KB; 94000 = 94 KB
--# area: Documents
--# work: Checksum of the indented form (crlf4), @bytes:name@
--# loop
SELECT count(@expression@) FROM bench_peer.stored_lz4 AS d, generate_series(1, @n@)
WHERE d.bytes = @bytes@
--# way ours: json_checksum(data, 'crlf4')
coursebase.json_checksum(d.data, 'crlf4')
--# way plpgsql: md5 of a rendering by PL/pgSQL | time >= 5
md5(bench_peer.rendered_by_plpgsql(d.data))
--# way sql: md5 of a rendering by SQL | time >= 5
md5(bench_peer.rendered_by_sql(d.data))

--# row: size_@storage@
--# each storage: pglz lz4 external
--# name storage: external = uncompressed
--# area: Documents
--# work: Size, 24 MB, @storage:name@
--# loop
SELECT count(@expression@) FROM bench_peer.stored_@storage@ AS d, generate_series(1, @n@)
WHERE d.bytes = 24000000
--# way ours: json_size(data)
coursebase.json_size(d.data)
--# way length: octet_length(data::text) | time >= 100
octet_length(d.data::text)
