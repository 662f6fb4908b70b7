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

CREATE FUNCTION coursebase.save_product(
    product_id uuid,
    name text,
    description text,
    image_url text,
    price_dollars integer,
    status text,
    course_ids uuid[]
)
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_save_product';
COMMENT ON FUNCTION coursebase.save_product(uuid, text, text, text, integer, text, uuid[]) IS
    'Writes a product and its courses: a new one (product_id NULL, private unless status says public), or one that is there, of which what is NULL stays. course_ids are all the courses that it has then. Answers its id. Writes with the caller''s rights.';
REVOKE ALL ON FUNCTION coursebase.save_product(uuid, text, text, text, integer, text, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.save_product(uuid, text, text, text, integer, text, uuid[]) TO end_user, server;

CREATE FUNCTION coursebase.country_price(product_id uuid, country text)
RETURNS bigint
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT round(p.price_dollars * (100 - coalesce(d.percent_off, 0)))::bigint
    FROM coursebase.products p
    LEFT JOIN coursebase.country_discounts d ON d.country = upper(btrim(country_price.country))
    WHERE p.id = country_price.product_id
$$;
COMMENT ON FUNCTION coursebase.country_price(uuid, text) IS
    'What a product costs in a country, in cents; NULL for a product that the caller may not see. Reads with the caller''s rights.';
REVOKE ALL ON FUNCTION coursebase.country_price(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.country_price(uuid, text) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_any__product_has_course()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__product_has_course';
COMMENT ON FUNCTION coursebase.tg_any__product_has_course() IS
    'AFTER a change, deferred: a product that is public has a course (KB901). Argument: the column of the product. Reads with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_any__product_has_course() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_course_products__stamp_product()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_products__stamp_product';
COMMENT ON FUNCTION coursebase.tg_course_products__stamp_product() IS
    'BEFORE INSERT, UPDATE OR DELETE: stamps the product, so that sales see its courses before the change or after it. Writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_course_products__stamp_product() FROM PUBLIC;

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
