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
    'Looks for rows whose foreign key points to no row, in every slice: they were written while triggers were off. Part of check_integrity(). For the server; reads with the caller''s rights.

check_name: foreign_key. object: the name of the key; keys of your own count as well where the caller may read both tables. problem: how many rows, and which table they point to.';
GRANT EXECUTE ON FUNCTION coursebase.check_references() TO server;
