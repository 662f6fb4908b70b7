-- Courses that an app store sold, that an administrator gave, or that a person chose for a premium slot.
CREATE TABLE coursebase.course_purchases (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id          uuid         NOT NULL,
    course_id        uuid         NOT NULL,
    voice            text,
    source           text         NOT NULL,
    product_id       text,
    purchase_id      text,
    purchase_token   text,
    environment      text         NOT NULL DEFAULT 'production',
    status           text         NOT NULL DEFAULT 'pending',
    purchased_at     timestamptz  NOT NULL DEFAULT now(),
    validated_at     timestamptz,
    acknowledged_at  timestamptz,
    refunded_at      timestamptz,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT course_purchases_pkey PRIMARY KEY (id),
    CONSTRAINT course_purchases_source_environment_purchase_id_key
        UNIQUE (source, environment, purchase_id),
    CONSTRAINT course_purchases_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT course_purchases_course_id_fkey FOREIGN KEY (course_id)
        REFERENCES coursebase.courses (id) ON DELETE RESTRICT,
    CONSTRAINT course_purchases_voice_known_check CHECK (voice IN ('male', 'female')),
    CONSTRAINT course_purchases_source_known_check
        CHECK (source IN ('google_play', 'app_store', 'admin', 'premium_slot')),
    CONSTRAINT course_purchases_environment_known_check
        CHECK (environment IN ('production', 'sandbox')),
    CONSTRAINT course_purchases_status_known_check
        CHECK (status IN ('pending', 'valid', 'invalid', 'refunded')),
    CONSTRAINT course_purchases_store_has_a_receipt_check CHECK (
        source NOT IN ('google_play', 'app_store')
        OR (product_id IS NOT NULL AND purchase_id IS NOT NULL AND purchase_token IS NOT NULL)),
    CONSTRAINT course_purchases_valid_is_validated_check
        CHECK (status <> 'valid' OR validated_at IS NOT NULL),
    CONSTRAINT course_purchases_refunded_has_a_time_check
        CHECK ((status = 'refunded') = (refunded_at IS NOT NULL)),
    CONSTRAINT course_purchases_slot_is_no_sale_check CHECK (
        source <> 'premium_slot'
        OR (status <> 'pending' AND environment = 'production' AND acknowledged_at IS NULL
            AND product_id IS NULL AND purchase_id IS NULL AND purchase_token IS NULL))
);
-- A course is owned once per voice. A slot may hold a course that is bought later, and a course that is owned
-- may have stood in a slot before: so the two have an index each.
CREATE UNIQUE INDEX course_purchases_live_idx
    ON coursebase.course_purchases (user_id, course_id, voice) NULLS NOT DISTINCT
    WHERE status IN ('pending', 'valid') AND source <> 'premium_slot';
CREATE UNIQUE INDEX course_purchases_slot_idx
    ON coursebase.course_purchases (user_id, course_id, voice) NULLS NOT DISTINCT
    WHERE status IN ('pending', 'valid') AND source = 'premium_slot';
CREATE INDEX course_purchases_user_id_course_id_idx
    ON coursebase.course_purchases (user_id, course_id);
CREATE INDEX course_purchases_course_id_idx ON coursebase.course_purchases (course_id);
CREATE INDEX course_purchases_unacknowledged_idx ON coursebase.course_purchases (validated_at)
    WHERE acknowledged_at IS NULL AND status = 'valid';
COMMENT ON TABLE coursebase.course_purchases IS 'Courses that a person has from an app store, from an administrator, or in a premium slot. A slot gives its course while the person has premium; every other row gives its course while its status is valid.';
COMMENT ON COLUMN coursebase.course_purchases.id IS 'Key of the purchase.';
COMMENT ON COLUMN coursebase.course_purchases.user_id IS 'The person who has the course.';
COMMENT ON COLUMN coursebase.course_purchases.course_id IS 'The course.';
COMMENT ON COLUMN coursebase.course_purchases.voice IS 'male or female: the voice that was bought; NULL for a course with one voice.';
COMMENT ON COLUMN coursebase.course_purchases.source IS 'google_play, app_store, admin (an administrator gave it) or premium_slot.';
COMMENT ON COLUMN coursebase.course_purchases.product_id IS 'Base id of the product, as in store_products; NULL unless an app store sold the course.';
COMMENT ON COLUMN coursebase.course_purchases.purchase_id IS 'The store''s id of the purchase; NULL unless an app store sold the course.';
COMMENT ON COLUMN coursebase.course_purchases.purchase_token IS 'The store''s token, with which the server asks the store about the purchase; NULL unless an app store sold the course.';
COMMENT ON COLUMN coursebase.course_purchases.environment IS 'production or sandbox. A purchase in a sandbox gives nothing unless the setting accept_sandbox is on.';
COMMENT ON COLUMN coursebase.course_purchases.status IS 'pending, valid, invalid or refunded; only valid gives the course.';
COMMENT ON COLUMN coursebase.course_purchases.purchased_at IS 'When the course was bought, given or chosen.';
COMMENT ON COLUMN coursebase.course_purchases.validated_at IS 'When the purchase was found valid; NULL before.';
COMMENT ON COLUMN coursebase.course_purchases.acknowledged_at IS 'When the server told the store that the course was delivered; NULL before. A store refunds what is not acknowledged within three days.';
COMMENT ON COLUMN coursebase.course_purchases.refunded_at IS 'When the purchase was refunded; NULL otherwise.';
COMMENT ON COLUMN coursebase.course_purchases.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.course_purchases.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.course_purchases ENABLE ROW LEVEL SECURITY;
-- No statistics of what only some may read: estimates of the planner, which PostgREST answers to
-- Prefer: count=planned, would tell values of it to everybody who may ask about the table.
ALTER TABLE coursebase.course_purchases
    ALTER COLUMN purchase_id SET STATISTICS 0,
    ALTER COLUMN purchase_token SET STATISTICS 0;
-- The facts of a sale are set once. A slot may change its course: t300_slot_on_update checks the new one.
CREATE TRIGGER t300_keep BEFORE UPDATE ON coursebase.course_purchases
    FOR EACH ROW WHEN (OLD.source <> 'premium_slot' OR NEW.source <> 'premium_slot')
    EXECUTE FUNCTION coursebase.tg_any__set_once('id', 'course_id',
        'source', 'environment', 'purchase_id');
CREATE TRIGGER t300_slot BEFORE INSERT ON coursebase.course_purchases
    FOR EACH ROW WHEN (NEW.source = 'premium_slot' AND NEW.status = 'valid')
    EXECUTE FUNCTION coursebase.tg_course_purchases__slot();
CREATE TRIGGER t300_slot_on_update BEFORE UPDATE ON coursebase.course_purchases
    FOR EACH ROW WHEN (NEW.source = 'premium_slot' AND NEW.status = 'valid'
        AND (OLD.user_id, OLD.course_id, OLD.source, OLD.status)
            IS DISTINCT FROM (NEW.user_id, NEW.course_id, NEW.source, NEW.status))
    EXECUTE FUNCTION coursebase.tg_course_purchases__slot();
-- A stolen server key must not invent what a store sold. What takes the course away stays open.
CREATE TRIGGER t300_signed_only BEFORE INSERT OR DELETE ON coursebase.course_purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__signed_only('source');
CREATE TRIGGER t300_signed_only_on_update BEFORE UPDATE ON coursebase.course_purchases
    FOR EACH ROW WHEN (NEW.status IN ('pending', 'valid')
        AND (OLD.user_id, OLD.course_id, OLD.voice, OLD.source, OLD.environment, OLD.status)
            IS DISTINCT FROM (NEW.user_id, NEW.course_id, NEW.voice, NEW.source,
                NEW.environment, NEW.status))
    EXECUTE FUNCTION coursebase.tg_any__signed_only('source');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.course_purchases
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t400_claim AFTER INSERT ON coursebase.course_purchases
    FOR EACH ROW WHEN (NEW.source IN ('google_play', 'app_store'))
    EXECUTE FUNCTION coursebase.tg_any__claim_keys('purchase source environment purchase_id');
CREATE TRIGGER t400_claim_on_update AFTER UPDATE ON coursebase.course_purchases
    FOR EACH ROW WHEN (NEW.source IN ('google_play', 'app_store') AND OLD.user_id <> NEW.user_id)
    EXECUTE FUNCTION coursebase.tg_any__claim_keys('purchase source environment purchase_id');
GRANT SELECT ON TABLE coursebase.course_purchases TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_purchases TO server;

CREATE VIEW coursebase.user_access
WITH (security_invoker = true)
AS
SELECT a.user_id, a.course_id, c.course_code, c.title, c.description, c.icon_url,
    EXISTS (
        SELECT FROM coursebase.course_grants g
        WHERE g.user_id = a.user_id AND g.course_id = a.course_id AND g.purchase_id IS NULL
            AND (g.expires_at IS NULL OR g.expires_at > now())
    ) AS is_granted,
    EXISTS (
        SELECT FROM coursebase.course_grants g
        JOIN coursebase.purchases s ON s.id = g.purchase_id AND s.refunded_at IS NULL
        WHERE g.user_id = a.user_id AND g.course_id = a.course_id
            AND (g.expires_at IS NULL OR g.expires_at > now())
    ) AS is_bought,
    a.access_since,
    a.until
FROM (
    SELECT x.user_id, x.course_id, x.created_at AS access_since, NULL::timestamptz AS until
    FROM coursebase.user_course_access x
    UNION ALL
    SELECT g.user_id, g.course_id, min(g.created_at), max(g.expires_at)
    FROM coursebase.course_grants g
    LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id
    WHERE g.expires_at > now()
        AND (g.purchase_id IS NULL OR s.id IS NOT NULL AND s.refunded_at IS NULL)
        AND NOT EXISTS (
            SELECT FROM coursebase.user_course_access x
            WHERE x.user_id = g.user_id AND x.course_id = g.course_id)
    GROUP BY g.user_id, g.course_id
) a
JOIN coursebase.courses c ON c.id = a.course_id;
COMMENT ON VIEW coursebase.user_access IS
    'The courses that sales and grants give now: the own ones for a user, all for administrators and the server.';
COMMENT ON COLUMN coursebase.user_access.user_id IS 'The user who may use the course.';
COMMENT ON COLUMN coursebase.user_access.course_id IS 'The course.';
COMMENT ON COLUMN coursebase.user_access.course_code IS 'Code of the course in the app; NULL if the course has none.';
COMMENT ON COLUMN coursebase.user_access.title IS 'Title of the course.';
COMMENT ON COLUMN coursebase.user_access.description IS 'Description of the course.';
COMMENT ON COLUMN coursebase.user_access.icon_url IS 'Icon of the course; NULL if the course has none.';
COMMENT ON COLUMN coursebase.user_access.is_granted IS 'Whether somebody gave the course.';
COMMENT ON COLUMN coursebase.user_access.is_bought IS 'Whether a purchase that was not refunded gave the course.';
COMMENT ON COLUMN coursebase.user_access.access_since IS 'When the access began.';
COMMENT ON COLUMN coursebase.user_access.until IS 'When the access ends; NULL: never.';
GRANT SELECT ON TABLE coursebase.user_access TO end_user, server;

-- Completions stay when access ends.
CREATE TABLE coursebase.user_lesson_complete (
    user_id     uuid         NOT NULL DEFAULT coursebase.current_user_id(),
    lesson_id   uuid         NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT user_lesson_complete_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT user_lesson_complete_pkey PRIMARY KEY (user_id, lesson_id),
    CONSTRAINT user_lesson_complete_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE CASCADE,
    CONSTRAINT user_lesson_complete_lesson_id_fkey FOREIGN KEY (lesson_id)
        REFERENCES coursebase.lessons (id) ON DELETE CASCADE
);
CREATE INDEX user_lesson_complete_lesson_id_idx ON coursebase.user_lesson_complete (lesson_id);
COMMENT ON TABLE coursebase.user_lesson_complete IS 'Who has completed which lesson.';
COMMENT ON COLUMN coursebase.user_lesson_complete.user_id IS 'The user who completed the lesson.';
COMMENT ON COLUMN coursebase.user_lesson_complete.lesson_id IS 'The lesson.';
COMMENT ON COLUMN coursebase.user_lesson_complete.created_at IS 'When the lesson was completed.';
COMMENT ON COLUMN coursebase.user_lesson_complete.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.user_lesson_complete ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_keep BEFORE UPDATE ON coursebase.user_lesson_complete
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__keep_columns('user_id', 'lesson_id');
CREATE TRIGGER t300_real_access BEFORE INSERT OR DELETE ON coursebase.user_lesson_complete
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_user_lesson_complete__real_access();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.user_lesson_complete
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.user_lesson_complete TO anonymous;
-- An upsert of supabase-js (ON CONFLICT DO UPDATE of the columns that it inserts) needs UPDATE of them; t300_keep lets
-- nothing of them change.
GRANT SELECT, INSERT, DELETE, UPDATE (user_id, lesson_id)
    ON TABLE coursebase.user_lesson_complete TO end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.user_lesson_complete TO server;

-- The lesson list of a course's page, for the user who asks.
CREATE VIEW coursebase.course_lessons_with_completion WITH (security_invoker = true) AS
SELECT
    s.course_id,
    s.id AS section_id,
    s.name AS section_name,
    s."order" AS section_order,
    l.id AS lesson_id,
    l.name,
    l.description,
    l.status,
    l."order",
    c.lesson_id IS NOT NULL AS is_complete,
    c.created_at AS completed_at
FROM coursebase.course_sections s
JOIN coursebase.lessons l ON l.section_id = s.id
LEFT JOIN coursebase.user_lesson_complete c
    ON c.lesson_id = l.id AND c.user_id = (SELECT coursebase.current_user_id());
COMMENT ON VIEW coursebase.course_lessons_with_completion IS 'The lessons that the user who asks may see, and whether and when that user completed them. Put course_id in the WHERE, and order by section_order and "order".';
COMMENT ON COLUMN coursebase.course_lessons_with_completion.course_id IS 'The course.';
COMMENT ON COLUMN coursebase.course_lessons_with_completion.section_id IS 'The section.';
COMMENT ON COLUMN coursebase.course_lessons_with_completion.section_name IS 'Name of the section.';
COMMENT ON COLUMN coursebase.course_lessons_with_completion.section_order IS 'Place of the section within the course.';
COMMENT ON COLUMN coursebase.course_lessons_with_completion.lesson_id IS 'The lesson.';
COMMENT ON COLUMN coursebase.course_lessons_with_completion.name IS 'Name of the lesson.';
COMMENT ON COLUMN coursebase.course_lessons_with_completion.description IS 'Description of the lesson; NULL if it has none.';
COMMENT ON COLUMN coursebase.course_lessons_with_completion.status IS 'public, private or preview.';
COMMENT ON COLUMN coursebase.course_lessons_with_completion."order" IS 'Place of the lesson within the section.';
COMMENT ON COLUMN coursebase.course_lessons_with_completion.is_complete IS 'Whether the user who asks completed the lesson.';
COMMENT ON COLUMN coursebase.course_lessons_with_completion.completed_at IS 'When that user completed the lesson; NULL before.';
GRANT SELECT ON TABLE coursebase.course_lessons_with_completion TO anonymous, end_user, server;
