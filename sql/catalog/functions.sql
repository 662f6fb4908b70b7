-- The catalogue: products, prices by country, and the order of sections and lessons.

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

CREATE FUNCTION coursebase.can_read_section(section_id uuid)
RETURNS boolean
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_can_read_section';
COMMENT ON FUNCTION coursebase.can_read_section(uuid) IS
    'Whether the one who asks may read the section: it is public and of a course that readable_course_ids() has; for an administrator every section. For policies: what it found is kept while nothing changes.';
GRANT EXECUTE ON FUNCTION coursebase.can_read_section(uuid) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.can_view_lesson(
    lesson_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_can_view_lesson';
COMMENT ON FUNCTION coursebase.can_view_lesson(uuid, uuid, timestamptz) IS
    'Whether a user (NULL: oneself) may view the lesson at that time: a preview in a public section anybody, a public lesson of a public section who may use the course, an administrator every one. Asking about somebody else takes an administrator or the server.';
GRANT EXECUTE ON FUNCTION coursebase.can_view_lesson(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.explain_can_view_lesson(
    lesson_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (rule text, passed boolean, reason text, detail text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_explain_can_view_lesson';
COMMENT ON FUNCTION coursebase.explain_can_view_lesson(uuid, uuid, timestamptz) IS
    'Why a user may view the lesson or not: one row a rule, of which can_view_lesson() needs one that passes. What is not shown reads like what is not there.';
GRANT EXECUTE ON FUNCTION coursebase.explain_can_view_lesson(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.reorder_sections(course_id uuid, ids uuid[])
RETURNS integer
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_reorder_sections';
COMMENT ON FUNCTION coursebase.reorder_sections(uuid, uuid[]) IS
    'Puts the sections of a course into this order, from 0. ids names every section of it exactly once (else KB905). Answers how many there are. Writes with the caller''s rights, under the lock of the course.';
GRANT EXECUTE ON FUNCTION coursebase.reorder_sections(uuid, uuid[]) TO end_user, server;

CREATE FUNCTION coursebase.reorder_lessons(section_id uuid, ids uuid[])
RETURNS integer
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_reorder_lessons';
COMMENT ON FUNCTION coursebase.reorder_lessons(uuid, uuid[]) IS
    'Puts the lessons of a section into this order, from 0. ids names every lesson of it exactly once (else KB905). Answers how many there are. Writes with the caller''s rights, under the lock of the section.';
GRANT EXECUTE ON FUNCTION coursebase.reorder_lessons(uuid, uuid[]) TO end_user, server;

CREATE FUNCTION coursebase.next_lesson(
    lesson_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_next_lesson';
COMMENT ON FUNCTION coursebase.next_lesson(uuid, uuid, timestamptz) IS
    'The lesson after this one, in the next section where this was the last one; NULL at the end. What a user (NULL: oneself) cannot see is passed over. Reads with the owner''s rights; asking about somebody else takes an administrator or the server.';
GRANT EXECUTE ON FUNCTION coursebase.next_lesson(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.previous_lesson(
    lesson_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_previous_lesson';
COMMENT ON FUNCTION coursebase.previous_lesson(uuid, uuid, timestamptz) IS
    'The lesson before this one, in the section before where this was the first one; NULL at the start. As next_lesson().';
GRANT EXECUTE ON FUNCTION coursebase.previous_lesson(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_course_sections__place()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_sections__place';
COMMENT ON FUNCTION coursebase.tg_course_sections__place() IS
    'BEFORE INSERT without a place, or UPDATE to another course that keeps it: the last place there. Locks the course, and reads with the owner''s rights.';

CREATE FUNCTION coursebase.tg_lessons__place()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_lessons__place';
COMMENT ON FUNCTION coursebase.tg_lessons__place() IS
    'BEFORE INSERT without a place, or UPDATE to another section that keeps it: the last place there. Locks the section, and reads with the owner''s rights.';
