-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_catalog()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'document_checksum', 'course_documents ' || d.course_id,
        format('checksum %s, bytes %s', d.checksum, coursebase.json_checksum(d.data))
    FROM coursebase.course_documents d
    WHERE d.checksum <> coursebase.json_checksum(d.data)
    UNION ALL
    SELECT 'document_size', 'course_documents ' || d.course_id,
        format('file_size_bytes %s, bytes %s', d.file_size_bytes, octet_length(d.data::text))
    FROM coursebase.course_documents d
    WHERE d.file_size_bytes <> octet_length(d.data::text)
    UNION ALL
    SELECT 'product_courses', 'products ' || p.id, 'it is public and has no course'
    FROM coursebase.products p
    WHERE p.status = 'public' AND NOT EXISTS (
        SELECT FROM coursebase.course_products l WHERE l.product_id = p.id)
    UNION ALL
    SELECT 'section_order', 'courses ' || s.course_id,
        format('%s sections in place %s', count(*), s."order")
    FROM coursebase.course_sections s
    GROUP BY s.course_id, s."order"
    HAVING count(*) > 1
    UNION ALL
    SELECT 'lesson_order', 'course_sections ' || l.section_id,
        format('%s lessons in place %s', count(*), l."order")
    FROM coursebase.lessons l
    GROUP BY l.section_id, l."order"
    HAVING count(*) > 1
$$;
COMMENT ON FUNCTION coursebase.check_catalog() IS
    'Lists rows of this slice that break its rules, for check_integrity(): documents of courses whose checksum or size is not that of their bytes, public products without a course, and places that two sections of a course or two lessons of a section share. No row if all is well. For the server; reads with the caller''s rights.

check_name: document_checksum, document_size, product_courses, section_order or lesson_order. object: table and key of the row. problem: what is wrong.';
GRANT EXECUTE ON FUNCTION coursebase.check_catalog() TO server;
