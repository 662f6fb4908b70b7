-- The catalogue: what is on offer, and what keeps products whole.

CREATE FUNCTION coursebase.readable_course_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_readable_course_ids';
COMMENT ON FUNCTION coursebase.readable_course_ids() IS
    'The courses whose row the caller may read: free, priced with a code, in a public product, or usable (for an administrator: all). Reads with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.readable_course_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.readable_course_ids() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.readable_product_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_readable_product_ids';
COMMENT ON FUNCTION coursebase.readable_product_ids() IS
    'The products that the caller may read: what is public; all of them for an administrator. Reads with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.readable_product_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.readable_product_ids() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_any__product_has_course()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__product_has_course';
COMMENT ON FUNCTION coursebase.tg_any__product_has_course() IS
    'AFTER a change, deferred: a product that is public has a course (KB901). Argument: the column of the product. Locks and reads with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_any__product_has_course() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_course_products__lock_product()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_products__lock_product';
COMMENT ON FUNCTION coursebase.tg_course_products__lock_product() IS
    'BEFORE INSERT, UPDATE OR DELETE: locks the product, so that sales see its courses before the change or after it. Locks with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_course_products__lock_product() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_courses__keep_sold()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_courses__keep_sold';
COMMENT ON FUNCTION coursebase.tg_courses__keep_sold() IS
    'BEFORE DELETE: a course that a sale gave stays (23503). Reads with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_courses__keep_sold() FROM PUBLIC;
