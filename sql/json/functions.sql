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
    'Digest of a JSON document''s bytes, in lower-case hex. The bytes stream into the digest; no copy is made. For users and the server; reads nothing but its arguments.

document: NULL answers NULL. format: stored (the bytes as they are) or crlf4 (indented with 4 spaces a level, lines end in CRLF); may not be NULL. algorithm: md5 or sha256; may not be NULL.

Source: a phone holds a file under the checksum that the handshake sent with it.
Raises: 0A000 (the machine''s cryptographic policy refuses the algorithm), 22004 (format or algorithm is NULL), 22023 (an unknown format or algorithm), 54000 (crlf4: so deeply nested that it would be more than 16 MB and a hundred times as long), XX001 (the stored document is damaged).';
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
    'Length of a JSON document in bytes, as octet_length(document::text) gives it, without reading the document. For users and the server; reads nothing but its argument. NULL answers NULL.';
GRANT EXECUTE ON FUNCTION coursebase.json_size(json) TO end_user, server;

CREATE FUNCTION coursebase.tg_document__checksum()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_document__checksum';
COMMENT ON FUNCTION coursebase.tg_document__checksum() IS
    'BEFORE INSERT OR UPDATE: sets checksum and file_size_bytes to those of the document (the column that the argument names, by default data), whatever the writer sent. AFTER INSERT OR UPDATE: refuses a row (09000) whose document a trigger of the user''s changed after that.';

CREATE FUNCTION coursebase.json_append(document json, path text[], entries json)
RETURNS json
LANGUAGE c
IMMUTABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_json_append';
COMMENT ON FUNCTION coursebase.json_append(json, text[], json) IS
    'Answers the document with entries added at one place; every other byte stays as it was. For the server; reads nothing but its arguments. An argument that is NULL answers NULL.

path: keys of objects, and indexes of array elements from 0 in digits, from the root on; {} is the root. entries: where the path leads to an array, the elements of an array, or anything else as one element; where it leads to an object, an object whose members are merged in. What is missing on the way is created: objects, and at the end an array. Entries that are empty change nothing.

Source: a course''s document grows by audio entries, and phones fetch only what was added.
Raises: 22004 (path holds a null), 2202E (path has more than one dimension), 22032 (a stored value is not JSON), KB102 (a key of the entries is there already, or twice in the entries), KB103 (entries for an object are no object), KB104 (the path leads to or through a value that holds nothing), KB105 (the document would become larger than a row can hold).';
GRANT EXECUTE ON FUNCTION coursebase.json_append(json, text[], json) TO server;
