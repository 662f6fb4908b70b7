-- Programs of organisations: curriculum, storefront, checkout, payments, enrolments and progress.

CREATE FUNCTION coursebase.tg_organizations__currency()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_organizations__currency';
COMMENT ON FUNCTION coursebase.tg_organizations__currency() IS
    'AFTER UPDATE of the currency: it stays once a plan has a price (KBA02); plans without one follow it. Works with the rights of the tables'' owner.';

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

CREATE FUNCTION coursebase.tg_course_configs__guard()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_configs__guard';
COMMENT ON FUNCTION coursebase.tg_course_configs__guard() IS
    'BEFORE INSERT OR UPDATE: locks the program, keeps the way of a course''s life (KBA06), its times and its organisation.';

CREATE FUNCTION coursebase.tg_course_configs__rules()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_configs__rules';
COMMENT ON FUNCTION coursebase.tg_course_configs__rules() IS
    'AFTER INSERT OR UPDATE OR DELETE: holds the configuration against the curriculum as tg_course_workouts__rules() does, and keeps it while there is one, or a buyer (KBA07); only a program that is a course is configured (KBA07), and tier lite publishes nothing (KBA08).';

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

-- Buying a course, using it, and who may.

CREATE FUNCTION coursebase.begin_checkout(
    user_id uuid,
    program_id uuid,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (entitlement_id uuid, transaction_id uuid, status text)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_begin_checkout';
COMMENT ON FUNCTION coursebase.begin_checkout(uuid, uuid, timestamptz) IS
    'Begins to buy a course that is published with an active plan (KBA21): free, the entitlement is active at once; else it is pending with a pending charge. A row of before is taken up again with its start and completions, and an older pending charge is cancelled. Answers status pending, active, or already_owned for one that is active. Writes with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.begin_checkout(uuid, uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.attach_payment_reference(
    transaction_id uuid,
    provider text,
    provider_reference text
)
RETURNS text
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_attach_payment_reference';
COMMENT ON FUNCTION coursebase.attach_payment_reference(uuid, text, text) IS
    'Ties a charge to what its provider calls it, once, and answers the charge''s status; the same again changes nothing, another is refused (KBA22). Writes with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.attach_payment_reference(uuid, text, text) TO server;

CREATE FUNCTION coursebase.cancel_checkout(transaction_id uuid, at timestamptz DEFAULT now())
RETURNS text
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_cancel_checkout';
COMMENT ON FUNCTION coursebase.cancel_checkout(uuid, timestamptz) IS
    'Gives a checkout up: a pending charge is cancelled and its pending entitlement revoked. Answers what the charge is; one that is settled stays. Writes with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.cancel_checkout(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.apply_payment_event(
    organization_id uuid,
    provider text,
    provider_reference text,
    outcome text,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (status text, entitlement_id uuid, reason text)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_apply_payment_event';
COMMENT ON FUNCTION coursebase.apply_payment_event(uuid, text, text, text, timestamptz) IS
    'What a provider reports of a charge, completed or failed, once: settled already, it answers what is (settled_already). Money on a cancelled charge counts (paid_after_cancel); on an entitlement that is active it is recorded and listed in transactions_to_refund (already_active). Reported for another organisation: rejected (wrong_organization), a row in server_logs, nothing else. Writes with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.apply_payment_event(uuid, text, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.refund_transaction(
    transaction_id uuid,
    manual boolean DEFAULT false,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (refund_id uuid, status text)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_refund_transaction';
COMMENT ON FUNCTION coursebase.refund_transaction(uuid, boolean, timestamptz) IS
    'Gives a completed charge back, once: a refund row, and the entitlement that rests on it is revoked, unless another payment for the course stands and takes its place. manual: refund_pending, until called again without. Anything else is refused (KBA23). Writes with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.refund_transaction(uuid, boolean, timestamptz) TO server;

CREATE FUNCTION coursebase.start_course(entitlement_id uuid, at timestamptz DEFAULT now())
RETURNS date
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_start_course';
COMMENT ON FUNCTION coursebase.start_course(uuid, timestamptz) IS
    'Begins an active course, once, and answers day 0: today in the organisation''s time zone, or the day it began. For the buyer and the server. Writes with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.start_course(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.restart_course(entitlement_id uuid, at timestamptz DEFAULT now())
RETURNS TABLE (start_date date, restart_count integer)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_restart_course';
COMMENT ON FUNCTION coursebase.restart_course(uuid, timestamptz) IS
    'Begins an active course anew: today, with nothing done. For the buyer and the server. Writes with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.restart_course(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.mark_workout_complete(
    entitlement_id uuid,
    course_workout_id uuid,
    notes text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (completed_at timestamptz, course_completed_at timestamptz)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_mark_workout_complete';
COMMENT ON FUNCTION coursebase.mark_workout_complete(uuid, uuid, text, timestamptz) IS
    'Marks a workout of an active course as done, not a day of rest (KBA26); again it keeps its first time, and takes notes that are given. Answers when it was done, and the whole course, or NULL. For the buyer and the server. Writes with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.mark_workout_complete(uuid, uuid, text, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.unmark_workout_complete(entitlement_id uuid, course_workout_id uuid)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_unmark_workout_complete';
COMMENT ON FUNCTION coursebase.unmark_workout_complete(uuid, uuid) IS
    'Takes a mark back; false when there was none. For the buyer and the server. Writes with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.unmark_workout_complete(uuid, uuid) TO end_user, server;

CREATE FUNCTION coursebase.current_day(entitlement_id uuid, at timestamptz DEFAULT now())
RETURNS integer
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_current_day';
COMMENT ON FUNCTION coursebase.current_day(uuid, timestamptz) IS
    'Which day of the course it is, from 0: calendar days since the start in the organisation''s time zone, never beyond the last; NULL before the start, and to all but the buyer, the organisation''s staff, administrators and the server. Reads with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.current_day(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.course_enrolments(program_id uuid, at timestamptz DEFAULT now())
RETURNS TABLE (
    entitlement_id     uuid,
    user_id            uuid,
    name               text,
    email              text,
    membership_id      uuid,
    status             text,
    start_date         date,
    current_day        integer,
    workouts           integer,
    completed          integer,
    percent            integer,
    last_completed_at  timestamptz,
    completed_at       timestamptz,
    restart_count      integer,
    access_revoked_at  timestamptz,
    created_at         timestamptz
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_course_enrolments';
COMMENT ON FUNCTION coursebase.course_enrolments(uuid, timestamptz) IS
    'The buyers of a course with their progress, the earliest first. For the program''s staff, administrators and the server (42501). Reads with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.course_enrolments(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.course_library(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    entitlement_id     uuid,
    program_id         uuid,
    name               text,
    description        text,
    organization_name  text,
    status             text,
    usable             boolean,
    duration_days      integer,
    start_date         date,
    current_day        integer,
    workouts           integer,
    completed          integer,
    percent            integer,
    completed_at       timestamptz,
    restart_count      integer,
    access_revoked_at  timestamptz
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 10
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_course_library';
COMMENT ON FUNCTION coursebase.course_library(uuid, timestamptz) IS
    'A person''s courses of all organisations with their progress; NULL is oneself, anybody else takes an administrator or the server (42501). Reads with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.course_library(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.has_program_access(
    program_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_has_program_access';
COMMENT ON FUNCTION coursebase.has_program_access(uuid, uuid, timestamptz) IS
    'Whether a user may use a program: by an active entitlement to a course that is not in draft, as staff of its organisation, or as administrator. NULL is oneself, anybody else takes an administrator or the server (42501). Reads with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.has_program_access(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.accessible_program_ids(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid[]
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_accessible_program_ids';
COMMENT ON FUNCTION coursebase.accessible_program_ids(uuid, timestamptz) IS
    'Every program that has_program_access() gives, an administrator''s being all. Policies use it. Reads with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.accessible_program_ids(uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.explain_program_access(
    program_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (rule text, passed boolean, reason text, detail text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 3
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_explain_program_access';
COMMENT ON FUNCTION coursebase.explain_program_access(uuid, uuid, timestamptz) IS
    'Every rule of has_program_access(): whether it passed, and why not. Reads with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.explain_program_access(uuid, uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.entitled_workout_ids()
RETURNS uuid[]
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_entitled_workout_ids';
COMMENT ON FUNCTION coursebase.entitled_workout_ids() IS
    'The workouts of the courses to which the one who asks is entitled. For policies. Reads with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.entitled_workout_ids() TO anonymous, end_user, server;

CREATE FUNCTION coursebase.own_entitlement_ids(active boolean DEFAULT false)
RETURNS uuid[]
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_own_entitlement_ids';
COMMENT ON FUNCTION coursebase.own_entitlement_ids(boolean) IS
    'The entitlements of the one who asks, an administrator''s being all; with active only those of one''s own that are. For policies. Reads with the rights of the tables'' owner.';
GRANT EXECUTE ON FUNCTION coursebase.own_entitlement_ids(boolean) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_payment_transactions__program()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_payment_transactions__program';
COMMENT ON FUNCTION coursebase.tg_payment_transactions__program() IS
    'BEFORE INSERT: a transaction is for the program that its plan sells. Looks with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_payment_transactions__status()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_payment_transactions__status';
COMMENT ON FUNCTION coursebase.tg_payment_transactions__status() IS
    'BEFORE UPDATE: refuses (KBA24) a way that a payment''s life does not go; the trigger''s condition lists those it does.';

CREATE FUNCTION coursebase.tg_course_entitlements__organization()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_entitlements__organization';
COMMENT ON FUNCTION coursebase.tg_course_entitlements__organization() IS
    'BEFORE INSERT: an entitlement is its program''s organisation''s. Looks with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_workout_completions__program()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workout_completions__program';
COMMENT ON FUNCTION coursebase.tg_course_workout_completions__program() IS
    'BEFORE INSERT: locks program and entitlement, gives the row its program, and refuses an entitlement that is not active (KBA25) and a day of rest (KBA26). Looks with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_workout_completions__derive()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workout_completions__derive';
COMMENT ON FUNCTION coursebase.tg_course_workout_completions__derive() IS
    'AFTER each statement: derives completed_at of the entitlements concerned anew. Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_entitlements__completed()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_entitlements__completed';
COMMENT ON FUNCTION coursebase.tg_course_entitlements__completed() IS
    'BEFORE INSERT or UPDATE that sets completed_at: only what derives it may (KBA27).';

CREATE FUNCTION coursebase.tg_course_workouts__derive()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workouts__derive';
COMMENT ON FUNCTION coursebase.tg_course_workouts__derive() IS
    'AFTER each statement: derives completed_at of all entitlements to the programs concerned anew, in one statement. Writes with the rights of the tables'' owner.';
