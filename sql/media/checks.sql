-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_media()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    -- earlier: a document as it is, then one recorded append after the other taken back, as long as the checksum
    -- is that of the bytes. A checksum that is not ends the walk and is reported.
    WITH RECURSIVE earlier (id, checksum, bytes, links) AS (
        SELECT c.id, c.checksum, convert_to(c.data::text, getdatabaseencoding()), 0
        FROM coursebase.custom_courses c
        WHERE c.checksum = coursebase.json_checksum(c.data)
            AND EXISTS (
                SELECT FROM coursebase.custom_course_versions v
                WHERE v.custom_course_id = c.id AND v.checksum = c.checksum)
        UNION ALL
        SELECT e.id, v.base_checksum,
            substring(e.bytes FROM 1 FOR v.insert_offset)
                || substring(e.bytes FROM v.insert_offset + v.insert_length + 1),
            e.links + 1
        FROM earlier e
        JOIN coursebase.custom_course_versions v
            ON v.custom_course_id = e.id AND v.checksum = e.checksum
        WHERE e.checksum = md5(e.bytes)
            AND v.insert_offset::bigint + v.insert_length <= octet_length(e.bytes)
    )
    SELECT 'document_checksum', 'custom_courses ' || d.id,
        format('checksum %s, bytes %s', d.checksum, coursebase.json_checksum(d.data))
    FROM coursebase.custom_courses d
    WHERE d.checksum <> coursebase.json_checksum(d.data)
    UNION ALL
    SELECT 'document_size', 'custom_courses ' || d.id,
        format('file_size_bytes %s, bytes %s', d.file_size_bytes, octet_length(d.data::text))
    FROM coursebase.custom_courses d
    WHERE d.file_size_bytes <> octet_length(d.data::text)
    UNION ALL
    SELECT 'append_link', format('custom_course_versions %s %s', e.id, e.checksum),
        'without the recorded insert the bytes are ' || md5(e.bytes)
    FROM earlier e
    WHERE e.links > 0 AND e.checksum <> md5(e.bytes)
    UNION ALL
    SELECT 'append_link', format('custom_course_versions %s %s', e.id, v.base_checksum),
        'the recorded insert ends beyond the document'
    FROM earlier e
    JOIN coursebase.custom_course_versions v
        ON v.custom_course_id = e.id AND v.checksum = e.checksum
    WHERE v.insert_offset::bigint + v.insert_length > octet_length(e.bytes)
$$;
COMMENT ON FUNCTION coursebase.check_media() IS
    'Lists what is wrong with documents of custom courses: part of check_integrity(). For the server; reads with the caller''s rights.

check_name: document_checksum or document_size (the column is not that of the document''s bytes), append_link (taking a recorded append back does not give the bytes before it). object: table and key. problem: what is stored and what was found.';
GRANT EXECUTE ON FUNCTION coursebase.check_media() TO server;
