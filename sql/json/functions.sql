-- JSON documents: checksum, size, and append without touching the other bytes.

CREATE FUNCTION coursebase.json_checksum(
    document json,
    format text DEFAULT 'stored',
    algorithm text DEFAULT 'md5'
)
RETURNS text
LANGUAGE c
IMMUTABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_json_checksum';
COMMENT ON FUNCTION coursebase.json_checksum(json, text, text) IS
    'Digest of a document''s bytes in lower-case hex. format: stored, or crlf4 (indented with 4 spaces, CRLF line ends). algorithm: md5 or sha256. The bytes stream into the digest; no copy is made.';
GRANT EXECUTE ON FUNCTION coursebase.json_checksum(json, text, text) TO end_user, server;

CREATE FUNCTION coursebase.json_size(document json)
RETURNS integer
LANGUAGE c
IMMUTABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_json_size';
COMMENT ON FUNCTION coursebase.json_size(json) IS
    'Length of a document in bytes, as octet_length(document::text) gives it, without reading the document.';
GRANT EXECUTE ON FUNCTION coursebase.json_size(json) TO end_user, server;

CREATE FUNCTION coursebase.tg_document__checksum()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_document__checksum';
COMMENT ON FUNCTION coursebase.tg_document__checksum() IS
    'BEFORE INSERT OR UPDATE: checksum and file_size_bytes are those of the document (its column is the argument), whatever the writer sent. AFTER: refuses a row whose document a trigger of the user''s changed behind that.';

CREATE FUNCTION coursebase.json_append(document json, path text[], entries json)
RETURNS json
LANGUAGE c
IMMUTABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_json_append';
COMMENT ON FUNCTION coursebase.json_append(json, text[], json) IS
    'Answers the document with entries added at path, all other bytes as they were. For the server; reads and writes no table. document: the JSON text. path: object keys, and indexes of array elements from 0 in digits, from the root. entries: to an array at path an array''s elements are appended, anything else as one element; into an object the members of an object are merged. A container that is missing on the way is created. NULL for any of them answers NULL. Source: audio entries are appended to documents of which clients know the checksum. Raises: KB102 (a key of the entries is there already), KB103 (entries for an object are no object, or have a key twice), KB104 (the path leads to or through a value that cannot be appended to), KB105 (the document would pass 1 GB).';
GRANT EXECUTE ON FUNCTION coursebase.json_append(json, text[], json) TO server;
