-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_records()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'setting_audited', 'settings ' || s.name,
        'the value is not the one that was last recorded'
    FROM coursebase.settings s
    LEFT JOIN LATERAL (
        SELECT e.new ->> 'value' AS value
        FROM coursebase.audit_events e
        WHERE e.action = 'setting_changed' AND e.object = 'settings/' || s.name
        ORDER BY e.created_at DESC
        LIMIT 1
    ) last ON true
    WHERE s.value IS DISTINCT FROM last.value
$$;
COMMENT ON FUNCTION coursebase.check_records() IS
    'Settings whose value is not the one that the audit trail ends in.';
REVOKE ALL ON FUNCTION coursebase.check_records() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.check_records() TO server;

CREATE FUNCTION coursebase.check_references()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_check_references';
COMMENT ON FUNCTION coursebase.check_references() IS
    'Foreign keys, of every slice, with rows that point to nothing: written while triggers were off.';
REVOKE ALL ON FUNCTION coursebase.check_references() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.check_references() TO server;

CREATE FUNCTION coursebase.check_integrity()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM coursebase.check_references()
    UNION ALL
    SELECT * FROM coursebase.check_identity()
    UNION ALL
    SELECT * FROM coursebase.check_catalog()
    UNION ALL
    SELECT * FROM coursebase.check_commerce()
    UNION ALL
    SELECT * FROM coursebase.check_access()
    UNION ALL
    SELECT * FROM coursebase.check_billing()
    UNION ALL
    SELECT * FROM coursebase.check_allowance()
    UNION ALL
    SELECT * FROM coursebase.check_media()
    UNION ALL
    SELECT * FROM coursebase.check_programs()
    UNION ALL
    SELECT * FROM coursebase.check_sync()
    UNION ALL
    SELECT * FROM coursebase.check_records()
    ORDER BY 1, 2, 3
$$;
COMMENT ON FUNCTION coursebase.check_integrity() IS
    'Every rule that damaged data can break, held against the data: one row a problem, none on a sound database. Reads everything, with the caller''s rights.';
REVOKE ALL ON FUNCTION coursebase.check_integrity() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.check_integrity() TO server;
