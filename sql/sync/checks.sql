-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_sync()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
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
    SELECT 'cached_version', 'cached_handshake_responses ' || r.user_id,
        'made from versions that are yet to come: it would answer when they do'
    FROM coursebase.cached_handshake_responses r
    LEFT JOIN coursebase.catalogue_version g ON true
    LEFT JOIN coursebase.cohort_versions c ON c.cohort_id = r.cohort_id
    LEFT JOIN coursebase.user_versions u ON u.user_id = r.user_id
    WHERE r.catalogue_version > coalesce(g.version, 0)
        OR (r.cohort_id IS NOT NULL AND r.cohort_version > coalesce(c.version, 0))
        OR r.user_version > coalesce(u.version, 0)
$$;
COMMENT ON FUNCTION coursebase.check_sync() IS
    'Manifests whose checksum or size is not that of their bytes, links that carry another name than their manifest, cached answers made from versions that are yet to come.';
REVOKE ALL ON FUNCTION coursebase.check_sync() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.check_sync() TO server;
