-- Foreign keys of all slices, held against the data: part of check_integrity().

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
GRANT EXECUTE ON FUNCTION coursebase.check_references() TO server;
