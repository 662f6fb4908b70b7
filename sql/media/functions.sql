-- Documents: checksum, size, append; custom courses and their forms.

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
REVOKE ALL ON FUNCTION coursebase.json_checksum(json, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.json_checksum(json, text, text) TO end_user, server;

CREATE FUNCTION coursebase.tg_document__checksum()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_document__checksum';
COMMENT ON FUNCTION coursebase.tg_document__checksum() IS
    'BEFORE INSERT OR UPDATE: checksum and file_size_bytes are those of the document (its column is the argument), whatever the writer sent.';
REVOKE ALL ON FUNCTION coursebase.tg_document__checksum() FROM PUBLIC;
