-- The catalogue: products, prices by country, and the order of sections and lessons. Whether a user may view a lesson
-- depends on access: those functions stand in sql/access/functions.sql.

CREATE FUNCTION coursebase.save_product(
    product_id uuid DEFAULT NULL,
    name text DEFAULT NULL,
    description text DEFAULT NULL,
    image_url text DEFAULT NULL,
    price_dollars integer DEFAULT NULL,
    status text DEFAULT NULL,
    course_ids uuid[] DEFAULT NULL,
    access_days integer DEFAULT NULL,
    access_until timestamptz DEFAULT NULL,
    gives_later_courses boolean DEFAULT NULL
)
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_save_product';
COMMENT ON FUNCTION coursebase.save_product(uuid, text, text, text, integer, text, uuid[], integer, timestamptz, boolean) IS
    'Writes a product together with its courses and answers the id of the product. For administrators and the server; writes with the caller''s rights.

product_id: the product to change, or NULL for a new one. name, description, image_url, price_dollars (in whole units of the currency, 0 is free), status (public or private): as in products. For a new product they are required, except status, which is then private; for a stored product NULL leaves what is stored. course_ids: all the courses that the product has from now on, in any order; NULL leaves its courses, an empty array takes them all out. access_days, access_until: how long later sales give the courses, as in products; NULL leaves what is stored, 0 days and the time infinity take the end away. gives_later_courses: whether courses that this call and later ones add are given to earlier buyers, too; NULL leaves it, and is false for a new product.

Source: the product''s rule that a public product has a course, checked at the end of the transaction (KB901, by a trigger).
Raises: 22004 (course_ids holds a NULL, or a new product lacks a value), 22023 (an unknown status, or a value of the wrong form), 23503 (there is no such course), 42501 (the caller may not write products), KB106 (there is no such product, or none that the caller may change).';
GRANT EXECUTE ON FUNCTION coursebase.save_product(uuid, text, text, text, integer, text, uuid[], integer, timestamptz, boolean) TO end_user, server;

CREATE FUNCTION coursebase.country_price(product_id uuid, country text)
RETURNS integer
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT round(p.price_dollars * (100 - coalesce(d.percent_off, 0)))::integer
    FROM coursebase.products p
    -- megabytes are no country, and would take half a second to fold
    LEFT JOIN coursebase.country_discounts d
        ON d.country = upper(translate(btrim(CASE WHEN octet_length($2) <= 64 THEN $2 END), 'i', 'I'))
    WHERE p.id = country_price.product_id
$$;
COMMENT ON FUNCTION coursebase.country_price(uuid, text) IS
    'Answers what a product costs in a country, in cents, rounded half up: its price less the discount of the country, if the country has one. NULL for a product that the caller may not see. Anybody may call it; reads with the caller''s rights.

product_id: the product. country: ISO 3166 code of two letters, in either case; blanks around it are ignored, and a country without a discount has the full price. NULL for either answers NULL.

Source: country_discounts; what is free stays free.
Raises: 22003 (the price is above 2147483647 cents).';
GRANT EXECUTE ON FUNCTION coursebase.country_price(uuid, text) TO anonymous, end_user, server;

-- The groups are the World Bank's of July 2024, by national income a head; a country of high income has
-- no row. XK is what the stores send for Kosovo, for which ISO 3166 has no code.
CREATE FUNCTION coursebase.install_country_discounts()
RETURNS integer
LANGUAGE sql
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coursebase.assert_schema_current();
    WITH made AS (
        INSERT INTO coursebase.country_discounts (country, percent_off)
        SELECT c.country, g.percent_off
        FROM (VALUES
            -- upper middle income
            (30, 'AL AM AR AZ BA BR BW BY BZ CN CO CR CU DM DO DZ EC FJ GA GD GE GQ GT ID IQ IR JM '
                'KZ LC LY MD ME MH MK MN MU MV MX MY NA PE PY RS SR SV TH TM TO TR TV UA VC XK ZA'),
            -- lower middle income
            (50, 'AO BD BJ BO BT CG CI CM CV DJ EG FM GH GN HN HT IN JO KE KG KH KI KM LA LB LK LS '
                'MA MM MR NG NI NP PG PH PK PS SB SN ST SZ TJ TL TN TZ UZ VN VU WS ZM ZW'),
            -- low income
            (60, 'AF BF BI CD CF ER ET GM GW KP LR MG ML MW MZ NE RW SD SL SO SS SY TD TG UG YE'))
            AS g (percent_off, countries)
        CROSS JOIN LATERAL string_to_table(g.countries, ' ') AS c (country)
        ORDER BY c.country
        ON CONFLICT (country) DO NOTHING
        RETURNING country
    )
    SELECT count(*)::integer FROM made
$$;
COMMENT ON FUNCTION coursebase.install_country_discounts() IS
    'Fills country_discounts, which is empty at first, with the usual groups of countries by purchasing power, and answers how many rows it made. It takes 60 percent off where incomes are low, 50 where they are lower middle and 30 where they are upper middle, by the World Bank''s groups of July 2024; countries of high income keep the full price. A country that has a row keeps it, so that what the business decided stays, and a second call makes only what was deleted meanwhile. Run it when you want such prices: until then every country pays the same. Only the owner of the tables may call it.

Source: what a month''s income buys differs by more than these round numbers, so that a lower price sells where the full one does not; a country with another discount is one UPDATE of country_discounts.
Raises: 42501 (the caller is not the owner of the tables).';

CREATE FUNCTION coursebase.tg_any__product_has_course()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__product_has_course';
COMMENT ON FUNCTION coursebase.tg_any__product_has_course() IS
    'AFTER a change, at the end of the transaction: refuses a public product without a course (KB901). Argument: the column that names the product. Reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_products__stamp_product()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_products__stamp_product';
COMMENT ON FUNCTION coursebase.tg_course_products__stamp_product() IS
    'BEFORE INSERT OR UPDATE OR DELETE: updates the product of the row, which locks it, so that sales see its courses of before the change or of after it. An UPDATE or DELETE ends with KB007 instead of waiting in a ring. Writes with the rights of the tables'' owner.';

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
    'Puts the sections of a course into a new order, with places from 0, and answers how many there are. For administrators and the server; writes with the caller''s rights, under the lock of all places.

course_id: the course. ids: every section of the course exactly once, in the new order. Neither may be NULL.

Source: the product''s rule that an order is written as a whole, so that two editors do not mix theirs.
Raises: 22004 (an argument is NULL, or ids holds a NULL), KB106 (there is no such course, or none that the caller may change), KB905 (ids lacks a section, names one twice, or names one of another course).';
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
    'Puts the lessons of a section into a new order, with places from 0, and answers how many there are. For administrators and the server; writes with the caller''s rights, under the lock of all places.

section_id: the section. ids: every lesson of the section exactly once, in the new order. Neither may be NULL.

Source: the product''s rule that an order is written as a whole, so that two editors do not mix theirs.
Raises: 22004 (an argument is NULL, or ids holds a NULL), KB106 (there is no such section, or none that the caller may change), KB905 (ids lacks a lesson, names one twice, or names one of another section).';
GRANT EXECUTE ON FUNCTION coursebase.reorder_lessons(uuid, uuid[]) TO end_user, server;

CREATE FUNCTION coursebase.tg_any__lock_places()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__lock_places';
COMMENT ON FUNCTION coursebase.tg_any__lock_places() IS
    'BEFORE a statement that may write places: locks the places of all parents until the transaction ends, so that writers of places wait for each other before they hold a row. Does nothing for a caller under row security who is no administrator, and while a dump is restored.';

CREATE FUNCTION coursebase.tg_course_sections__place()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_sections__place';
COMMENT ON FUNCTION coursebase.tg_course_sections__place() IS
    'BEFORE INSERT OR UPDATE of course_id: gives a section without a place, or one that moved and kept its place, the last place of its course; a new section whose place is taken gets the next free place. Locks the places of all parents and reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_lessons__place()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_lessons__place';
COMMENT ON FUNCTION coursebase.tg_lessons__place() IS
    'BEFORE INSERT OR UPDATE of section_id: gives a lesson without a place, or one that moved and kept its place, the last place of its section; a new lesson whose place is taken gets the next free place. Locks the places of all parents and reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_sections__give_place()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_sections__give_place';
COMMENT ON FUNCTION coursebase.tg_course_sections__give_place() IS
    'AFTER UPDATE, for each section that the statement moved: new sections of the same statement, whose places were taken when they came, get them if they are free now; the section that still holds the place gets a place that the statement left free, the mover''s own first, or the next free one; a section from another course takes the next free place instead. Reads and writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_lessons__give_place()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_lessons__give_place';
COMMENT ON FUNCTION coursebase.tg_lessons__give_place() IS
    'AFTER UPDATE, for each lesson that the statement moved: new lessons of the same statement, whose places were taken when they came, get them if they are free now; the lesson that still holds the place gets a place that the statement left free, the mover''s own first, or the next free one; a lesson from another section takes the next free place instead. Reads and writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_sections__keep_order()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_sections__keep_order';
COMMENT ON FUNCTION coursebase.tg_course_sections__keep_order() IS
    'AFTER UPDATE, each statement, old rows as "former" and new ones as "changed": sections that came to another course together, without places of their own, come last there in the order that they had. Reads and writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_lessons__keep_order()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_lessons__keep_order';
COMMENT ON FUNCTION coursebase.tg_lessons__keep_order() IS
    'AFTER UPDATE, each statement, old rows as "former" and new ones as "changed": lessons that came to another section together, without places of their own, come last there in the order that they had. Reads and writes with the rights of the tables'' owner.';
