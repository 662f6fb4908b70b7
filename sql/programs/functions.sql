-- Programs: what staff of an organisation do with them, and what everybody sees.

CREATE FUNCTION coursebase.create_course(
    organization_id uuid,
    name            text,
    duration_days   integer,
    description     text DEFAULT NULL)
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_create_course';
COMMENT ON FUNCTION coursebase.create_course(uuid, text, integer, text) IS
    'Makes a program that is a course, in draft, and answers its id. For staff of the organisation and the server (42501). Writes with the rights of the tables'' owner.';
REVOKE ALL ON FUNCTION coursebase.create_course(uuid, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.create_course(uuid, text, integer, text) TO end_user, server;

CREATE FUNCTION coursebase.set_day(
    program_id  uuid,
    day_offset  integer,
    workout_ids uuid[] DEFAULT NULL,
    is_rest     boolean DEFAULT false)
RETURNS integer
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_set_day';
COMMENT ON FUNCTION coursebase.set_day(uuid, integer, uuid[], boolean) IS
    'Makes a day of the curriculum these workouts in this order, or a day of rest, and answers how many places it has. Places whose workout remains (its nth occurrence in the day) keep their row and with it what buyers completed. For the program''s staff and the server (42501). Writes with the rights of the tables'' owner.';
REVOKE ALL ON FUNCTION coursebase.set_day(uuid, integer, uuid[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.set_day(uuid, integer, uuid[], boolean) TO end_user, server;

CREATE FUNCTION coursebase.set_price(program_id uuid, price_in_cents bigint)
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_set_price';
COMMENT ON FUNCTION coursebase.set_price(uuid, bigint) IS
    'Gives the course its price, in minor units of the organisation''s currency (0: free), and answers the id of its one plan of type course. For the program''s staff and the server (42501). Writes with the rights of the tables'' owner.';
REVOKE ALL ON FUNCTION coursebase.set_price(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.set_price(uuid, bigint) TO end_user, server;

CREATE FUNCTION coursebase.publish_course(
    program_id uuid,
    at         timestamptz DEFAULT now())
RETURNS timestamptz
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_publish_course';
COMMENT ON FUNCTION coursebase.publish_course(uuid, timestamptz) IS
    'Puts a course of at least one workout that is not rest (KBA04) on the storefront and answers since when it is there; one that is there stays as it is. For the program''s staff and the server (42501). Writes with the rights of the tables'' owner.';
REVOKE ALL ON FUNCTION coursebase.publish_course(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.publish_course(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.archive_course(
    program_id uuid,
    at         timestamptz DEFAULT now())
RETURNS timestamptz
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_archive_course';
COMMENT ON FUNCTION coursebase.archive_course(uuid, timestamptz) IS
    'Takes a course off the storefront and out of sale, and answers since when; its buyers keep it. For the program''s staff and the server (42501). Writes with the rights of the tables'' owner.';
REVOKE ALL ON FUNCTION coursebase.archive_course(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.archive_course(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.offered_program_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_offered_program_ids';
COMMENT ON FUNCTION coursebase.offered_program_ids() IS
    'The programs that are on the storefront. Reads with the rights of the tables'' owner. For policies.';
REVOKE ALL ON FUNCTION coursebase.offered_program_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.offered_program_ids() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.offered_plan_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_offered_plan_ids';
COMMENT ON FUNCTION coursebase.offered_plan_ids() IS
    'The plans that are on sale: active ones, a course''s only while it is on the storefront. Reads with the rights of the tables'' owner. For policies.';
REVOKE ALL ON FUNCTION coursebase.offered_plan_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.offered_plan_ids() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.offered_courses()
RETURNS TABLE (
    program_id         uuid,
    organization_id    uuid,
    organization_name  text,
    organization_slug  text,
    name               text,
    description        text,
    duration_days      integer,
    access_policy      text,
    preview_type       text,
    plan_id            uuid,
    price_in_cents     bigint,
    currency           text,
    published_at       timestamptz
)
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_offered_courses';
COMMENT ON FUNCTION coursebase.offered_courses() IS
    'The courses that are on the storefront, the newest first; the view storefront_courses shows them. Reads with the rights of the tables'' owner.';
REVOKE ALL ON FUNCTION coursebase.offered_courses() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.offered_courses() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.storefront_course(program_id uuid)
RETURNS json
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_storefront_course';
COMMENT ON FUNCTION coursebase.storefront_course(uuid) IS
    'A course as the storefront shows it, with the days or the workout that its preview allows; NULL for one that is not published, has no active plan or does not exist. Reads with the rights of the tables'' owner.';
REVOKE ALL ON FUNCTION coursebase.storefront_course(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.storefront_course(uuid) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_course_workouts__program()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workouts__program';
COMMENT ON FUNCTION coursebase.tg_course_workouts__program() IS
    'BEFORE INSERT: locks the program, and gives the row its organisation where none is named.';
REVOKE ALL ON FUNCTION coursebase.tg_course_workouts__program() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_course_workouts__rules()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workouts__rules';
COMMENT ON FUNCTION coursebase.tg_course_workouts__rules() IS
    'AFTER each statement: days within the course, a day of rest alone (KBA03), a published course with a workout (KBA04), the preview in the curriculum (KBA05), workouts that are not deleted. Looks with the rights of the tables'' owner, under a lock of the program.';
REVOKE ALL ON FUNCTION coursebase.tg_course_workouts__rules() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_course_configs__guard()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_configs__guard';
COMMENT ON FUNCTION coursebase.tg_course_configs__guard() IS
    'BEFORE INSERT OR UPDATE: locks the program, keeps the way of a course''s life (KBA06), its times and its organisation; tier lite publishes nothing (KBA08).';
REVOKE ALL ON FUNCTION coursebase.tg_course_configs__guard() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_course_configs__rules()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_configs__rules';
COMMENT ON FUNCTION coursebase.tg_course_configs__rules() IS
    'AFTER INSERT OR UPDATE OR DELETE: holds the configuration against the curriculum as tg_course_workouts__rules() does, and keeps it while there is one (KBA07).';
REVOKE ALL ON FUNCTION coursebase.tg_course_configs__rules() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_programs__delivery_mode()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_programs__delivery_mode';
COMMENT ON FUNCTION coursebase.tg_programs__delivery_mode() IS
    'BEFORE UPDATE of delivery_mode: it stays while the program is configured as a course (KBA07).';
REVOKE ALL ON FUNCTION coursebase.tg_programs__delivery_mode() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_workouts__in_use()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_workouts__in_use';
COMMENT ON FUNCTION coursebase.tg_workouts__in_use() IS
    'BEFORE UPDATE that deletes softly: a workout of a curriculum stays (KBA05). Looks with the rights of the tables'' owner.';
REVOKE ALL ON FUNCTION coursebase.tg_workouts__in_use() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_plans__currency()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_plans__currency';
COMMENT ON FUNCTION coursebase.tg_plans__currency() IS
    'BEFORE INSERT OR UPDATE: a plan''s currency is its organisation''s, whose row it locks.';
REVOKE ALL ON FUNCTION coursebase.tg_plans__currency() FROM PUBLIC;
