-- Rules that the data of this slice must satisfy even if triggers were off: part of check_integrity().

CREATE FUNCTION coursebase.check_sync()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH current AS (
        -- answers that the next handshake would take from the cache
        SELECT r.user_id, r.response, r.digest, uc.cohort_id,
            coursebase.accessible_course_ids(r.user_id, now()) AS course_ids
        FROM coursebase.cached_handshake_responses r
        JOIN coursebase.users u ON u.id = r.user_id AND u.deleted_at IS NULL
        LEFT JOIN coursebase.user_cohorts uc ON uc.user_id = r.user_id
        WHERE r.catalogue_version
                = coalesce((SELECT v.version FROM coursebase.catalogue_version v), 0)
            AND r.cohort_version = coalesce((SELECT v.version FROM coursebase.cohort_versions v
                WHERE v.cohort_id = r.cohort_id), 0)
            AND r.user_version = coalesce((SELECT v.version FROM coursebase.user_versions v
                WHERE v.user_id = r.user_id), 0)
            AND now() >= coalesce(r.valid_from, '-infinity')
            AND now() < coalesce(r.valid_until, 'infinity')
    ), documents AS (
        SELECT c.user_id, m.name, m.checksum, m.file_size_bytes,
            CASE WHEN l.manifest_id IS NULL THEN 0 ELSE 1 END AS rank
        FROM current c
        JOIN coursebase.master_manifests m ON true
        LEFT JOIN coursebase.manifest_cohorts l
            ON l.manifest_id = m.id AND l.cohort_id = c.cohort_id
        WHERE m.is_default OR l.manifest_id IS NOT NULL
        UNION ALL
        SELECT c.user_id, coalesce(k.course_code, k.id::text) || '.json', d.checksum,
            d.file_size_bytes, 2
        FROM current c
        JOIN coursebase.courses k ON k.id = ANY (c.course_ids)
        JOIN coursebase.course_documents d ON d.course_id = k.id
        UNION ALL
        SELECT c.user_id, format('%s_%s.json', k.course_code, k.id), k.checksum,
            k.file_size_bytes, 3
        FROM current c
        JOIN coursebase.custom_courses k ON k.user_id = c.user_id
        WHERE (SELECT bool_or(p.status = 'active') FROM coursebase.custom_course_purchases p
            WHERE p.course_id = k.id) IS NOT FALSE
    ), computed AS (
        SELECT c.user_id, c.digest, coalesce(e.digest, md5('')) AS computed_digest, e.lines,
            (SELECT array_agg(substr(l.line, 35) ORDER BY l.n)
             FROM json_array_elements_text(c.response -> 'documents')
                WITH ORDINALITY AS l (line, n)) AS cached_lines
        FROM current c
        LEFT JOIN LATERAL (
            SELECT md5(string_agg(format(E'%s %s\n', d.name, d.checksum), ''
                    ORDER BY d.name COLLATE "C")) AS digest,
                array_agg(format('%s %s %s', d.checksum, d.file_size_bytes, d.name)
                    ORDER BY d.name COLLATE "C") AS lines
            FROM (
                SELECT DISTINCT ON (x.name) x.*
                FROM documents x
                WHERE x.user_id = c.user_id
                ORDER BY x.name, x.rank DESC) d
        ) e ON true
    )
    SELECT 'document_checksum', 'master_manifests ' || d.id,
        format('checksum %s, bytes %s', d.checksum, coursebase.json_checksum(d.content))
    FROM coursebase.master_manifests d
    WHERE d.checksum <> coursebase.json_checksum(d.content)
    UNION ALL
    SELECT 'document_size', 'master_manifests ' || d.id,
        format('file_size_bytes %s, bytes %s', d.file_size_bytes, octet_length(d.content::text))
    FROM coursebase.master_manifests d
    WHERE d.file_size_bytes <> octet_length(d.content::text)
    UNION ALL
    SELECT 'manifest_name', format('manifest_cohorts %s %s', l.manifest_id, l.cohort_id),
        format('it says %s, its manifest is %s', l.name, m.name)
    FROM coursebase.manifest_cohorts l
    JOIN coursebase.master_manifests m ON m.id = l.manifest_id
    WHERE l.name <> m.name
    UNION ALL
    SELECT 'name_of_file', 'courses ' || k.id, 'its document and another file are both named ' || f.name
    FROM (
        SELECT m.name FROM coursebase.master_manifests m
        UNION
        SELECT regexp_split_to_table(coalesce(s.value, s.default_value), '[[:space:],]+')
        FROM coursebase.settings s WHERE s.name = 'protected_manifests') f
    JOIN coursebase.courses k
        ON lower(coalesce(k.course_code, k.id::text) COLLATE "C") || '.json' = lower(f.name COLLATE "C")
    UNION ALL
    SELECT 'name_of_file', 'master_manifests ' || m.id,
        format('it is named %s, and another one %s', m.name, min(o.name))
    FROM coursebase.master_manifests m
    JOIN coursebase.master_manifests o
        ON lower(o.name COLLATE "C") = lower(m.name COLLATE "C") AND o.name <> m.name
    GROUP BY m.id
    UNION ALL
    SELECT 'cached_version', 'cached_handshake_responses ' || r.user_id,
        'made from versions that are yet to come: it would answer when they do'
    FROM coursebase.cached_handshake_responses r
    LEFT JOIN coursebase.catalogue_version g ON true
    LEFT JOIN coursebase.cohort_versions c ON c.cohort_id = r.cohort_id
    LEFT JOIN coursebase.user_versions u ON u.user_id = r.user_id
    -- Versions begin at random, up to 10^15: those of an answer that a dump of rows brought into
    -- a fresh installation are out of reach, and it is computed anew.
    CROSS JOIN (VALUES (1000000000)) AS h (reach)
    WHERE r.catalogue_version - coalesce(g.version, 0) BETWEEN 1 AND h.reach
        -- a cohort that is gone answers no more, and one that was made anew counts anew: who was
        -- in it has a later version
        OR (r.cohort_version - coalesce(c.version, 0) BETWEEN 1 AND h.reach
            AND r.user_version >= coalesce(u.version, 0)
            AND EXISTS (SELECT FROM coursebase.cohorts k WHERE k.id = r.cohort_id))
        OR r.user_version - coalesce(u.version, 0) BETWEEN 1 AND h.reach
    UNION ALL
    SELECT 'cached_answer', 'cached_handshake_responses ' || c.user_id,
        'it would be given and is not what the documents give now'
    FROM computed c
    WHERE c.digest <> c.computed_digest OR c.lines IS DISTINCT FROM c.cached_lines
$$;
COMMENT ON FUNCTION coursebase.check_sync() IS
    'Lists what is wrong with manifests and cached handshakes: part of check_integrity(). For the server; reads with the caller''s rights.

check_name: document_checksum or document_size (the column is not that of the manifest''s bytes), manifest_name (a link has another name than its manifest), name_of_file (a course''s document has the name of a manifest or of a protected file, or two manifests have names that differ in case alone), cached_version (an answer was made from versions that are yet to come, and not from those of another installation, which never come), cached_answer (an answer would be given and is not what the documents give). object: table and key. problem: what is stored and what was found.';
GRANT EXECUTE ON FUNCTION coursebase.check_sync() TO server;
