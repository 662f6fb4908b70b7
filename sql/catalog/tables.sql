-- One catalogue for the app, which finds a course by its code, and for the course platform, which shows sections and
-- lessons.
CREATE TABLE coursebase.courses (
    id              uuid         NOT NULL DEFAULT gen_random_uuid(),
    course_code     text,
    title           text         NOT NULL,
    description     text         NOT NULL,
    price_in_cents  integer,
    currency        char(3),
    icon_url        text,
    workbook_url    text,
    is_free         boolean      NOT NULL DEFAULT false,
    in_premium      boolean      NOT NULL DEFAULT false,
    created_at      timestamptz  NOT NULL DEFAULT now(),
    updated_at      timestamptz  NOT NULL DEFAULT now(),
    grants_may_end  boolean      NOT NULL DEFAULT false,
    CONSTRAINT courses_pkey PRIMARY KEY (id),
    CONSTRAINT courses_course_code_key UNIQUE (course_code),
    -- The code becomes the name of a file. A uuid in any spelling names the file of a course
    -- without a code; X, two digits, three letters, with or without an id, a custom course's.
    CONSTRAINT courses_course_code_names_a_file_check CHECK (
        course_code ~ '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}[A-Za-z0-9_-]$'
        AND course_code !~ '[.][.]'
        AND course_code !~* '^x[0-9]{2}[a-z]{3}(_[0-9a-f-]{36})?$'
        AND replace(course_code, '-', '') !~* '^[0-9a-f]{32}$'),
    CONSTRAINT courses_price_not_negative_check CHECK (price_in_cents >= 0),
    CONSTRAINT courses_currency_upper_case_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT courses_price_has_currency_check
        CHECK ((price_in_cents IS NULL) = (currency IS NULL))
);
-- The form that the first version knew.
ALTER TABLE coursebase.courses DROP CONSTRAINT courses_course_code_form_check;
-- Phones may keep files where case does not count.
CREATE UNIQUE INDEX courses_lower_idx
    ON coursebase.courses (lower(course_code COLLATE pg_catalog."C"));
-- An index over an expression has statistics of its own, which would tell the codes.
ALTER INDEX coursebase.courses_lower_idx ALTER COLUMN 1 SET STATISTICS 0;
CREATE INDEX courses_is_free_idx ON coursebase.courses (is_free);
CREATE INDEX courses_in_premium_idx ON coursebase.courses (in_premium);
COMMENT ON TABLE coursebase.courses IS 'The courses, of the app''s catalogue and of the course platform alike.';
COMMENT ON COLUMN coursebase.courses.id IS 'Key of the course.';
COMMENT ON COLUMN coursebase.courses.course_code IS 'Code of the course in the app, such as C14ENB or yoga-101: 2 to 64 letters, digits, ".", "_" and "-", without a dot at either end or two in a row; unique ignoring case; no uuid, not of the form of a custom course''s (X, two digits, three letters), and not the name of a manifest''s or protected file (shop). NULL for a course of the platform, whose document phones know by its id.';
COMMENT ON COLUMN coursebase.courses.title IS 'Title to show.';
COMMENT ON COLUMN coursebase.courses.description IS 'Description to show.';
COMMENT ON COLUMN coursebase.courses.price_in_cents IS 'Price in minor units of the currency, or NULL if the course is not sold by itself.';
COMMENT ON COLUMN coursebase.courses.currency IS 'ISO 4217 code of the price, in upper case.';
COMMENT ON COLUMN coursebase.courses.icon_url IS 'Icon to show, or NULL.';
COMMENT ON COLUMN coursebase.courses.workbook_url IS 'Workbook that goes with the course, or NULL.';
COMMENT ON COLUMN coursebase.courses.is_free IS 'Whether everybody may use the course.';
COMMENT ON COLUMN coursebase.courses.in_premium IS 'Whether the course may fill a premium slot.';
COMMENT ON COLUMN coursebase.courses.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.courses.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.courses.grants_may_end IS 'Whether a grant of the course ever had an end on this server. Written by a trigger; while it is false, nobody need look for such grants. It stays true.';
ALTER TABLE coursebase.courses ENABLE ROW LEVEL SECURITY;
-- No statistics of what only some may read: estimates of the planner, which PostgREST answers to
-- Prefer: count=planned, would tell values of it to everybody who may ask about the table.
ALTER TABLE coursebase.courses
    ALTER COLUMN course_code SET STATISTICS 0,
    ALTER COLUMN title SET STATISTICS 0,
    ALTER COLUMN description SET STATISTICS 0,
    ALTER COLUMN icon_url SET STATISTICS 0,
    ALTER COLUMN workbook_url SET STATISTICS 0;
-- Whether grants may end is of this server, whose people have the grants, and so it may be written in any cell.
CREATE TRIGGER t300_of_home BEFORE INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF id, course_code, title, description, price_in_cents, currency, icon_url,
    workbook_url, is_free, in_premium
    ON coursebase.courses
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t300_keep_for_cells BEFORE DELETE ON coursebase.courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t300_keep_for_cells_on_update BEFORE UPDATE ON coursebase.courses
    FOR EACH ROW WHEN (OLD.id <> NEW.id)
    EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t300_keep BEFORE UPDATE ON coursebase.courses
    FOR EACH ROW WHEN (OLD.grants_may_end AND NOT NEW.grants_may_end)
    EXECUTE FUNCTION coursebase.tg_any__keep_columns('grants_may_end');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.courses
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.courses TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.courses TO end_user, server;

-- Row security cannot hide a column: what only users of the course may read stands in a table of its own.
CREATE TABLE coursebase.course_documents (
    course_id        uuid         NOT NULL,
    data             json         COMPRESSION lz4 NOT NULL,
    checksum         text         NOT NULL DEFAULT NULL::varchar,
    file_size_bytes  integer      NOT NULL DEFAULT nullif(0, 0),
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT course_documents_pkey PRIMARY KEY (course_id),
    CONSTRAINT course_documents_course_id_fkey FOREIGN KEY (course_id)
        REFERENCES coursebase.courses (id) ON DELETE CASCADE,
    CONSTRAINT course_documents_checksum_form_check CHECK (checksum ~ '^[0-9a-f]{32}$'),
    CONSTRAINT course_documents_file_size_not_negative_check CHECK (file_size_bytes >= 0)
);
COMMENT ON TABLE coursebase.course_documents IS 'The document that the app plays for a course: audio, scripts, exercises.';
COMMENT ON COLUMN coursebase.course_documents.course_id IS 'The course.';
COMMENT ON COLUMN coursebase.course_documents.data IS 'The document. Its bytes are kept as they were written.';
COMMENT ON COLUMN coursebase.course_documents.checksum IS 'MD5 of the document''s bytes, 32 lower-case hex digits. Written by a trigger.';
COMMENT ON COLUMN coursebase.course_documents.file_size_bytes IS 'Length of the document in bytes. Written by a trigger.';
COMMENT ON COLUMN coursebase.course_documents.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.course_documents.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.course_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.course_documents
    ALTER COLUMN checksum SET STATISTICS 0;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.course_documents
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t500_checksum BEFORE INSERT OR UPDATE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('data');
CREATE TRIGGER t900_checksum AFTER INSERT OR UPDATE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_document__checksum('data');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.course_documents
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.course_documents TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_documents TO end_user, server;

CREATE TYPE coursebase.product_status AS ENUM ('public', 'private');
COMMENT ON TYPE coursebase.product_status IS 'Whether a product is on the storefront: public, private.';

-- What the storefront sells: bundles of one or more courses.
CREATE TABLE coursebase.products (
    id             uuid                       NOT NULL DEFAULT gen_random_uuid(),
    name           text                       NOT NULL,
    description    text                       NOT NULL,
    image_url      text                       NOT NULL,
    price_dollars  integer                    NOT NULL,
    status         coursebase.product_status  NOT NULL DEFAULT 'private',
    created_at     timestamptz                NOT NULL DEFAULT now(),
    updated_at     timestamptz                NOT NULL DEFAULT now(),
    access_days    integer,
    access_until   timestamptz,
    gives_later_courses  boolean              NOT NULL DEFAULT false,
    CONSTRAINT products_pkey PRIMARY KEY (id),
    CONSTRAINT products_name_not_empty_check CHECK (btrim(name) <> ''),
    CONSTRAINT products_image_url_form_check
        CHECK (image_url ~ '^(https?://[^/[:space:]]+[^[:space:]]*|/([^/[:space:]][^[:space:]]*)?)$'),
    CONSTRAINT products_price_not_negative_check CHECK (price_dollars >= 0),
    CONSTRAINT products_access_days_range_check CHECK (access_days BETWEEN 1 AND 36500),
    CONSTRAINT products_access_until_finite_check CHECK (isfinite(access_until))
);
COMMENT ON TABLE coursebase.products IS 'What the storefront sells: bundles of courses.';
COMMENT ON COLUMN coursebase.products.id IS 'Key of the product.';
COMMENT ON COLUMN coursebase.products.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.products.description IS 'Description to show.';
COMMENT ON COLUMN coursebase.products.image_url IS 'Picture to show: an absolute http or https URL, or a path that starts with one slash.';
COMMENT ON COLUMN coursebase.products.price_dollars IS 'Price in whole units of the currency that the shop charges, which the name calls dollars; 0 is free.';
COMMENT ON COLUMN coursebase.products.status IS 'public or private. A public product has at least one course.';
COMMENT ON COLUMN coursebase.products.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.products.updated_at IS 'When the row or its courses last changed.';
COMMENT ON COLUMN coursebase.products.access_days IS 'For how many days of 24 hours a sale gives the courses; NULL: without such an end. Buying again adds the days to the end that there is. A change counts for later sales.';
COMMENT ON COLUMN coursebase.products.access_until IS 'Until when a sale gives the courses at most; NULL: without such an end. With access_days, whichever comes first. A change counts for later sales.';
COMMENT ON COLUMN coursebase.products.gives_later_courses IS 'Whether a course that is added to the product is given to those who bought it before, too. What was added while it was false is not.';
ALTER TABLE coursebase.products ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.products
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN description SET STATISTICS 0,
    ALTER COLUMN image_url SET STATISTICS 0;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.products
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t300_keep_for_cells BEFORE DELETE ON coursebase.products
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t300_keep_for_cells_on_update BEFORE UPDATE ON coursebase.products
    FOR EACH ROW WHEN (OLD.id <> NEW.id)
    EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.products
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE CONSTRAINT TRIGGER t900_has_course AFTER INSERT OR UPDATE ON coursebase.products
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'public')
    EXECUTE FUNCTION coursebase.tg_any__product_has_course('id');
GRANT SELECT ON TABLE coursebase.products TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.products TO end_user, server;

-- Which courses a product sells now. What an earlier sale gave is kept in course_grants.
CREATE TABLE coursebase.course_products (
    course_id   uuid         NOT NULL,
    product_id  uuid         NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT course_products_pkey PRIMARY KEY (course_id, product_id),
    CONSTRAINT course_products_course_id_fkey FOREIGN KEY (course_id)
        REFERENCES coursebase.courses (id) ON DELETE RESTRICT,
    CONSTRAINT course_products_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES coursebase.products (id) ON DELETE CASCADE
);
CREATE INDEX course_products_product_id_idx ON coursebase.course_products (product_id);
COMMENT ON TABLE coursebase.course_products IS 'Which courses a product sells now. A course that is taken out stays with those who bought it.';
COMMENT ON COLUMN coursebase.course_products.course_id IS 'The course.';
COMMENT ON COLUMN coursebase.course_products.product_id IS 'The product.';
COMMENT ON COLUMN coursebase.course_products.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.course_products.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.course_products ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.course_products
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t300_stamp_product BEFORE INSERT OR UPDATE OR DELETE ON coursebase.course_products
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_products__stamp_product();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.course_products
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE CONSTRAINT TRIGGER t900_has_course AFTER UPDATE OR DELETE ON coursebase.course_products
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__product_has_course('product_id');
GRANT SELECT ON TABLE coursebase.course_products TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_products TO end_user, server;

-- Discounts by country, for country_price().
CREATE TABLE coursebase.country_discounts (
    country      char(2)       NOT NULL,
    percent_off  numeric(5,2)  NOT NULL,
    created_at   timestamptz   NOT NULL DEFAULT now(),
    updated_at   timestamptz   NOT NULL DEFAULT now(),
    CONSTRAINT country_discounts_pkey PRIMARY KEY (country),
    CONSTRAINT country_discounts_country_form_check CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT country_discounts_percent_off_range_check
        CHECK (percent_off > 0 AND percent_off <= 100)
);
COMMENT ON TABLE coursebase.country_discounts IS 'Discounts by country: how much less a product costs there.';
COMMENT ON COLUMN coursebase.country_discounts.country IS 'ISO 3166 code of two letters, in upper case.';
COMMENT ON COLUMN coursebase.country_discounts.percent_off IS 'Percentage that is taken off a price: above 0, at most 100.';
COMMENT ON COLUMN coursebase.country_discounts.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.country_discounts.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.country_discounts ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.country_discounts
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.country_discounts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.country_discounts TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.country_discounts TO end_user, server;

CREATE VIEW coursebase.storefront_products
WITH (security_invoker = true)
AS
SELECT p.id AS product_id, p.name, p.description, p.image_url, p.price_dollars,
    ARRAY(
        SELECT l.course_id
        FROM coursebase.course_products l
        WHERE l.product_id = p.id
        ORDER BY l.course_id
    ) AS course_ids,
    p.access_days, p.access_until
FROM coursebase.products p
WHERE p.status = 'public'
ORDER BY p.name, p.id;
COMMENT ON VIEW coursebase.storefront_products IS
    'The public products with their courses, in the order of their names.';
COMMENT ON COLUMN coursebase.storefront_products.product_id IS 'Key of the product.';
COMMENT ON COLUMN coursebase.storefront_products.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.storefront_products.description IS 'Description to show.';
COMMENT ON COLUMN coursebase.storefront_products.image_url IS 'Picture to show.';
COMMENT ON COLUMN coursebase.storefront_products.price_dollars IS 'Price in whole units of the currency that the shop charges, which the name calls dollars; 0 is free.';
COMMENT ON COLUMN coursebase.storefront_products.course_ids IS 'The courses that the product sells.';
COMMENT ON COLUMN coursebase.storefront_products.access_days IS 'For how many days a sale gives the courses; NULL: without such an end.';
COMMENT ON COLUMN coursebase.storefront_products.access_until IS 'Until when a sale gives the courses at most; NULL: without such an end.';
GRANT SELECT ON TABLE coursebase.storefront_products TO anonymous, end_user, server;

CREATE TYPE coursebase.course_section_status AS ENUM ('public', 'private');
COMMENT ON TYPE coursebase.course_section_status IS 'Whether a section is shown: public, private.';

-- A course on the platform has sections in an order, and a section has lessons in an order.
CREATE TABLE coursebase.course_sections (
    id          uuid                              NOT NULL DEFAULT gen_random_uuid(),
    course_id   uuid                              NOT NULL,
    name        text                              NOT NULL,
    status      coursebase.course_section_status  NOT NULL DEFAULT 'private',
    "order"     integer                           NOT NULL DEFAULT nullif(0, 0),
    created_at  timestamptz                       NOT NULL DEFAULT now(),
    updated_at  timestamptz                       NOT NULL DEFAULT now(),
    CONSTRAINT course_sections_pkey PRIMARY KEY (id),
    CONSTRAINT course_sections_course_id_order_key UNIQUE (course_id, "order") DEFERRABLE,
    CONSTRAINT course_sections_course_id_fkey FOREIGN KEY (course_id)
        REFERENCES coursebase.courses (id) ON DELETE CASCADE,
    CONSTRAINT course_sections_order_not_negative_check CHECK ("order" >= 0)
);
COMMENT ON TABLE coursebase.course_sections IS 'The sections of a course, in the order in which they are shown.';
COMMENT ON COLUMN coursebase.course_sections.id IS 'Key of the section.';
COMMENT ON COLUMN coursebase.course_sections.course_id IS 'The course.';
COMMENT ON COLUMN coursebase.course_sections.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.course_sections.status IS 'public or private. Only administrators see a private section and its lessons.';
COMMENT ON COLUMN coursebase.course_sections."order" IS 'Place within the course, from 0. A section without a place, or moved to another course, gets the last place. An UPDATE to a place that is taken gives its holder the former place; an INSERT, or a move from another course, takes the next free place, after what the same statement moves (ON CONFLICT DO UPDATE). A deleted section leaves a gap.';
COMMENT ON COLUMN coursebase.course_sections.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.course_sections.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.course_sections ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.course_sections
    ALTER COLUMN name SET STATISTICS 0;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.course_sections
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t100_lock_places
    BEFORE INSERT OR UPDATE OF "order", course_id ON coursebase.course_sections
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__lock_places();
CREATE TRIGGER t100_place BEFORE INSERT OR UPDATE OF course_id ON coursebase.course_sections
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_sections__place();
-- Its name sorts before PG_ConstraintTrigger: it acts before the unique key looks at the row.
CREATE TRIGGER "A500_give_place" AFTER UPDATE ON coursebase.course_sections
    REFERENCING OLD TABLE AS former NEW TABLE AS changed
    FOR EACH ROW WHEN (OLD."order" <> NEW."order" OR OLD.course_id <> NEW.course_id)
    EXECUTE FUNCTION coursebase.tg_course_sections__give_place();
CREATE TRIGGER t500_keep_order AFTER UPDATE ON coursebase.course_sections
    REFERENCING OLD TABLE AS former NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_sections__keep_order();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.course_sections
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.course_sections TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_sections TO end_user, server;

CREATE TYPE coursebase.lesson_status AS ENUM ('public', 'private', 'preview');
COMMENT ON TYPE coursebase.lesson_status IS 'Who may view a lesson: public, users of the course; private, administrators; preview, anybody.';

-- The outline: anybody who may see the course reads the names of its lessons, but not their contents.
CREATE TABLE coursebase.lessons (
    id           uuid                      NOT NULL DEFAULT gen_random_uuid(),
    section_id   uuid                      NOT NULL,
    name         text                      NOT NULL,
    description  text,
    status       coursebase.lesson_status  NOT NULL DEFAULT 'private',
    "order"      integer                   NOT NULL DEFAULT nullif(0, 0),
    created_at   timestamptz               NOT NULL DEFAULT now(),
    updated_at   timestamptz               NOT NULL DEFAULT now(),
    CONSTRAINT lessons_pkey PRIMARY KEY (id),
    CONSTRAINT lessons_section_id_order_key UNIQUE (section_id, "order") DEFERRABLE,
    CONSTRAINT lessons_section_id_fkey FOREIGN KEY (section_id)
        REFERENCES coursebase.course_sections (id) ON DELETE CASCADE,
    CONSTRAINT lessons_order_not_negative_check CHECK ("order" >= 0)
);
COMMENT ON TABLE coursebase.lessons IS 'The lessons of a section, in the order in which they are shown: the outline of a course.';
COMMENT ON COLUMN coursebase.lessons.id IS 'Key of the lesson.';
COMMENT ON COLUMN coursebase.lessons.section_id IS 'The section.';
COMMENT ON COLUMN coursebase.lessons.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.lessons.description IS 'Description to show, or NULL.';
COMMENT ON COLUMN coursebase.lessons.status IS 'public: for users of the course. private: for administrators. preview: for anybody.';
COMMENT ON COLUMN coursebase.lessons."order" IS 'Place within the section, from 0. A lesson without a place, or moved to another section, gets the last place. An UPDATE to a place that is taken gives its holder the former place; an INSERT, or a move from another section, takes the next free place, after what the same statement moves (ON CONFLICT DO UPDATE). A deleted lesson leaves a gap.';
COMMENT ON COLUMN coursebase.lessons.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.lessons.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.lessons ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.lessons
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN description SET STATISTICS 0;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.lessons
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t300_keep_for_cells BEFORE DELETE ON coursebase.lessons
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t300_keep_for_cells_on_update BEFORE UPDATE ON coursebase.lessons
    FOR EACH ROW WHEN (OLD.id <> NEW.id)
    EXECUTE FUNCTION coursebase.tg_any__keep_for_cells();
CREATE TRIGGER t100_lock_places
    BEFORE INSERT OR UPDATE OF "order", section_id ON coursebase.lessons
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__lock_places();
CREATE TRIGGER t100_place BEFORE INSERT OR UPDATE OF section_id ON coursebase.lessons
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_lessons__place();
-- Its name sorts before PG_ConstraintTrigger: it acts before the unique key looks at the row.
CREATE TRIGGER "A500_give_place" AFTER UPDATE ON coursebase.lessons
    REFERENCING OLD TABLE AS former NEW TABLE AS changed
    FOR EACH ROW WHEN (OLD."order" <> NEW."order" OR OLD.section_id <> NEW.section_id)
    EXECUTE FUNCTION coursebase.tg_lessons__give_place();
CREATE TRIGGER t500_keep_order AFTER UPDATE ON coursebase.lessons
    REFERENCING OLD TABLE AS former NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_lessons__keep_order();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.lessons
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.lessons TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.lessons TO end_user, server;

-- Row security cannot hide a column: what only viewers of the lesson may read stands in a table of its own.
CREATE TABLE coursebase.lesson_contents (
    lesson_id   uuid         NOT NULL,
    video_ref   text,
    body        text,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT lesson_contents_pkey PRIMARY KEY (lesson_id),
    CONSTRAINT lesson_contents_lesson_id_fkey FOREIGN KEY (lesson_id)
        REFERENCES coursebase.lessons (id) ON DELETE CASCADE
);
COMMENT ON TABLE coursebase.lesson_contents IS 'Contents of lessons: video and text.';
COMMENT ON COLUMN coursebase.lesson_contents.lesson_id IS 'The lesson.';
COMMENT ON COLUMN coursebase.lesson_contents.video_ref IS 'Reference by which the player finds the video, or NULL.';
COMMENT ON COLUMN coursebase.lesson_contents.body IS 'Text to read, or NULL.';
COMMENT ON COLUMN coursebase.lesson_contents.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.lesson_contents.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.lesson_contents ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.lesson_contents
    ALTER COLUMN video_ref SET STATISTICS 0,
    ALTER COLUMN body SET STATISTICS 0;
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.lesson_contents
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.lesson_contents
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.lesson_contents TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.lesson_contents TO end_user, server;

-- The handshake lists the free courses; this index spares reading all the others.
CREATE INDEX courses_free_idx ON coursebase.courses (course_code)
    WHERE is_free AND course_code IS NOT NULL;
