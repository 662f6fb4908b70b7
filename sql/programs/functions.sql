-- Programs of organisations: curriculum, storefront, checkout, payments, enrolments and progress.
--
-- The names of functions and tables say course where the text says program: a program that is delivered as a
-- course, day by day. Functions run as their caller and reach the tables with the rights of the tables' owner.

CREATE FUNCTION coursebase.tg_organizations__currency()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_organizations__currency';
COMMENT ON FUNCTION coursebase.tg_organizations__currency() IS
    'AFTER UPDATE of the currency: refuses the change once one of the organisation''s plans has a price (KBA02); plans without a price follow the organisation. Reads and writes with the rights of the tables'' owner.';

-- What staff do with the programs of their organisation, and what everybody sees of them.

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
    'Makes a program that an organisation delivers as a day-by-day course, in draft and without days. Answers the id of the program. Staff of an organisation that has as many as the setting programs_an_organization allows are refused (KBA09). For staff of the organisation (owner, admin, coach) and the server; writes with the rights of the tables'' owner.

organization_id: the organisation. name: name to show, not empty. duration_days: how many days the program has, above 0. description: description to show; the only argument that may be NULL.

Source: the product''s rule that a program begins in draft and is filled day by day.
Raises: 22004 (another argument than description is NULL), 23514 (name is empty, or duration_days not above 0), 42501 (the caller is not staff of the organisation), KB106 (no such organisation; told to the server alone), KBC04 (this server is a cell, and not home).';
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
    'Makes a day of a program''s curriculum these workouts, in this order, or a day of rest. Answers how many places the day has then. A place whose workout remains keeps its row, and with it what buyers completed: the nth occurrence of a workout within the day stays the nth. The rules of the table course_workouts may refuse the day, and staff of an organisation that has as many places as the setting rows_an_organization allows (KBA09). For staff of the program''s organisation and the server; writes with the rights of the tables'' owner.

program_id: the program. day_offset: the day, from 0. workout_ids: at most 1000 workouts of the same organisation that are not deleted; an empty array empties the day. is_rest: true for a day of rest, without workout_ids; NULL is false.

Source: the product''s editor, which writes whole days.
Raises: 22004 (program_id, day_offset, an element of workout_ids, or workout_ids without is_rest is NULL), 40001 (under REPEATABLE READ: the day changed meanwhile; call again), 42501 (the caller is not staff of the program''s organisation), KB106 (no such program, told to the server alone, or no such workout), KBA03 (rest and workouts together, more than 1000 workouts, or a day below 0 or beyond duration_days), KBA04 (a published program would have no workout), KBA05 (the preview''s workout would leave the curriculum), KBA07 (the program is not configured as a course), KBC04 (this server is a cell, and not home).';
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
    'Gives a program that is delivered as a course its price, and answers the id of its one plan of type course, which the first call makes, unless the organisation has as many plans as the setting programs_an_organization allows (KBA09). For staff of the program''s organisation and the server; writes with the rights of the tables'' owner.

program_id: the program. price_in_cents: the price in minor units of the organisation''s currency, not negative; 0 is free. Neither may be NULL.

Source: the product''s rule that such a program has one price.
Raises: 22003 (price_in_cents is above 2147483647), 22004 (an argument is NULL), 23514 (price_in_cents is negative), 42501 (the caller is not staff of the program''s organisation), KB106 (no such program; told to the server alone), KBA07 (the program is not delivered as a course), KBC04 (this server is a cell, and not home).';
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
    'Publishes a program: the storefront shows it while it has an active plan. Answers since when it is published; a program that is published keeps its time. The rules of the table course_configs may refuse it: KBA04 (the program has no workout that is not rest), KBA08 (the organisation''s tier is lite). For staff of the program''s organisation and the server; writes with the rights of the tables'' owner.

program_id: the program. at: when it is published. Neither may be NULL.

Source: the product''s life of a program: draft, published, archived, published again.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 42501 (the caller is not staff of the program''s organisation), KB106 (no such program, told to the server alone, or the program is not configured as a course), KBC04 (this server is a cell, and not home).';
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
    'Archives a program: neither shown on the storefront nor sold any more; buyers keep it. Answers since when it is archived; a program that is archived keeps its time. For staff of the program''s organisation and the server; writes with the rights of the tables'' owner.

program_id: the program. at: when it is archived. Neither may be NULL.

Source: the product''s life of a program: draft, published, archived, published again.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 42501 (the caller is not staff of the program''s organisation), KB106 (no such program, told to the server alone, or the program is not configured as a course), KBC04 (this server is a cell, and not home).';
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
    'Answers the ids of the programs that are on offer: published, with an active plan, of an organisation whose tier sells courses. In no order. Anybody may call it; reads with the rights of the tables'' owner. For policies.

Raises: KBC04 (this server is a cell, and not home).';
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
    'Answers the ids of the plans that are on sale: active ones, those of type course only while their program is on offer. In no order. Anybody may call it; reads with the rights of the tables'' owner. For policies.

Raises: KBC04 (this server is a cell, and not home).';
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
    price_in_cents     integer,
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
    'Answers the programs that are on offer, one row each, the newest first; the view storefront_courses shows the same. Anybody may call it; reads with the rights of the tables'' owner.

program_id, name, description, duration_days, access_policy: the program, its texts (description may be NULL), how many days it has, how long a buyer may use it. organization_id, organization_name, organization_slug: who sells it. preview_type: what storefront_course() shows of its days. plan_id, price_in_cents, currency: the plan that sells it, its price in minor units (0 is free), ISO 4217. published_at: since when it is published.

Source: the product''s storefront, which needs no account.
Raises: KBC04 (this server is a cell, and not home).';
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
    'Answers a program as the storefront shows it; NULL where it is not on offer or does not exist, which read alike. Anybody may call it; reads with the rights of the tables'' owner.

program_id: the program; NULL answers NULL.

Answers {program_id, organization {id, name, slug}, name, description, duration_days, access_policy, plan_id, price_in_cents, currency, published_at, preview_type, preview [{day_offset, sort_order, is_rest, workout_id, name, description}]}. preview holds what preview_type allows, in the order of days and places, at most the first 1000: nothing (none), day 0 (first_day), days 0 to 6 (first_week), or one workout at its first place (specific_workout).

Source: the product''s storefront, which needs no account.
Raises: KBC04 (this server is a cell, and not home).';
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
    'BEFORE INSERT: locks the program, and gives the row the program''s organisation where none is named. Locks with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_workouts__rules()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workouts__rules';
COMMENT ON FUNCTION coursebase.tg_course_workouts__rules() IS
    'AFTER each statement: refuses a day beyond the program''s days, a day of rest with other places and a deleted workout (KBA03), and a program that is not configured as a course (KBA07); after a TRUNCATE a published program without a workout (KBA04) and a preview without its own (KBA05). Judges under a lock of the program, with the rights of the tables'' owner. Notes what tg_course_workouts__settle() judges.';

CREATE FUNCTION coursebase.tg_course_workouts__reopen()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workouts__reopen';
COMMENT ON FUNCTION coursebase.tg_course_workouts__reopen() IS
    'BEFORE each statement: what tg_course_workouts__settle() has settled is open again.';

CREATE FUNCTION coursebase.tg_course_workouts__settle()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workouts__settle';
COMMENT ON FUNCTION coursebase.tg_course_workouts__settle() IS
    'At commit, AFTER DELETE and AFTER UPDATE of the workout: gives completions of deleted places to the places that the transaction inserted for the same workout in the same day, the nth to the nth, and deletes the rest; refuses a published program without a workout (KBA04) and a preview whose workout is not in the curriculum (KBA05); derives completed_at. Reads and writes with the rights of the tables'' owner, under the lock of the program that tg_course_workouts__rules() took.';

CREATE FUNCTION coursebase.tg_course_configs__guard()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_configs__guard';
COMMENT ON FUNCTION coursebase.tg_course_configs__guard() IS
    'BEFORE INSERT OR UPDATE: locks the program, refuses a return to draft (KBA06), and keeps published_at, archived_at and the organisation. Locks with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_configs__rules()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_configs__rules';
COMMENT ON FUNCTION coursebase.tg_course_configs__rules() IS
    'AFTER INSERT OR UPDATE OR DELETE: refuses a configuration that the curriculum contradicts (KBA03, KBA04, KBA05), one for a program that is not delivered as a course, the deletion of one with days or buyers (both KBA07), and publication in tier lite (KBA08). Judges under a lock of the program, with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_programs__delivery_mode()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_programs__delivery_mode';
COMMENT ON FUNCTION coursebase.tg_programs__delivery_mode() IS
    'BEFORE UPDATE of delivery_mode: refuses the change while the program is configured as a course (KBA07). Reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_workouts__in_use()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_workouts__in_use';
COMMENT ON FUNCTION coursebase.tg_workouts__in_use() IS
    'BEFORE UPDATE that sets deleted_at: refuses it while the workout stands in a curriculum (KBA05). Reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_plans__currency()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_plans__currency';
COMMENT ON FUNCTION coursebase.tg_plans__currency() IS
    'BEFORE INSERT OR UPDATE: gives a plan the currency of its organisation, whose row it locks, and refuses end users a program of another organisation (23503). Locks and reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_any__rows_an_organization()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__rows_an_organization';
COMMENT ON FUNCTION coursebase.tg_any__rows_an_organization() IS
    'AFTER INSERT, each statement, new rows as "made": refuses an end user, also by a function, more rows of the table for one organisation than the setting rows_an_organization, or programs_an_organization, allows (KBA09). The server and the tables'' owner are not bound. Counts with the rights of the tables'' owner.';

-- How a person buys and follows a program, and who may use it.

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
    'Begins the purchase of a program that is on offer. A free program is the buyer''s at once; for one with a price the entitlement is pending and a pending charge waits for the provider. An entitlement of before, revoked or pending, is taken up again with its start and completions, and an older pending charge is cancelled. For the server; writes with the rights of the tables'' owner.

user_id: the buyer, whose account must be open. program_id: the program. at: when the checkout begins. No argument may be NULL.

entitlement_id: the entitlement. transaction_id: the charge, for attach_payment_reference(); NULL where nothing is to be paid. status: pending, active (free), or already_owned (the entitlement was active before; nothing changed).

Source: the product''s rule that a person has a program once.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 40001 (under REPEATABLE READ: the entitlement is newer than the snapshot; call again), KB106 (no such open account), KBA21 (the program is not on offer, or does not exist), KBC04 (this server is a cell, and not home).';
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
    'Ties a charge to the reference under which its provider knows it, once, and answers the status of the charge. The same reference again changes nothing. For the server; writes with the rights of the tables'' owner.

transaction_id: the charge. provider: which provider (stripe, for example). provider_reference: the provider''s name for the charge; unique within organisation and provider. No argument may be NULL.

Answers pending, completed, failed, cancelled, refund_pending or refunded.

Source: the provider reports a payment by its own reference, in apply_payment_event().
Raises: 22004 (an argument is NULL), 22023 (provider or provider_reference is empty, has more than 512 bytes or a blank at an end), 40001 (under REPEATABLE READ: the payment is newer than the snapshot; call again), KB106 (no such payment), KBA22 (the charge has another reference, the reference belongs to another charge, or the payment is a refund), KBC04 (this server is a cell, and not home).';
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
    'Gives a checkout up: a pending charge is cancelled, and its entitlement revoked if it is still pending. A payment in any other state stays. Answers the status of the payment then. For the server; writes with the rights of the tables'' owner.

transaction_id: the charge. at: when it is given up. Neither may be NULL.

Answers cancelled, or completed, failed, refund_pending, refunded; pending only for a refund.

Source: the buyer left the provider''s page without paying.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 40001 (under REPEATABLE READ: the payment is newer than the snapshot; call again), KB106 (no such payment), KBC04 (this server is a cell, and not home).';
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
    'Applies what a provider reports of a charge, once, whoever reports it first, the webhook or the return page. Completed: the entitlement is active and rests on the charge. Failed: the charge has failed, and an entitlement that is still pending is revoked. Money for an entitlement that is active already, or for a buyer who has closed the account, is recorded all the same, and transactions_to_refund lists it. For the server; writes with the rights of the tables'' owner.

organization_id: the organisation in whose name the provider reports. provider, provider_reference: the charge, as in attach_payment_reference(). outcome: completed or failed. at: when it happened. No argument may be NULL.

status: that of the charge then (completed, failed, cancelled, refund_pending, refunded), or rejected. entitlement_id: the buyer''s entitlement to the program; NULL without one. reason: NULL, or why less was done than reported: settled_already (the charge had its outcome before; money for a failed one is also written to server_logs), already_active (the entitlement rests on another payment, or was free), account_closed (the buyer has no account any more, and the entitlement is revoked), paid_after_cancel (the money counts although the checkout was cancelled), wrong_organization (only another organisation has the reference: status is rejected, a warning in server_logs, nothing else).

Source: providers report twice, late, and in any order.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 22023 (unknown outcome), 40001 (under REPEATABLE READ: the payment is newer than the snapshot; call again), KB106 (nobody has the reference yet: report again after attach_payment_reference()), KB822 (completed, and the setting require_signature names the provider: take_notification() reports what its checkout sessions say), KBC04 (this server is a cell, and not home).';
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
    'Gives a completed charge back in full, once: a refund is recorded, and the entitlement that rests on the charge is revoked, unless another completed charge for the program takes its place. Again it answers the first refund. Writes an audit event payment_refunded. The money itself is the caller''s to send. For the server; writes with the rights of the tables'' owner.

transaction_id: the charge. manual: true leaves the refund pending until somebody has sent the money and calls again with false. at: when it is given back. No argument may be NULL.

refund_id: the refund, a row of payment_transactions. status: that of the charge: refunded, or refund_pending.

Source: the product''s rule that a payment gives a program as long as it stands.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 40001 (under REPEATABLE READ: the payment is newer than the snapshot; call again), KB106 (no such payment), KBA23 (the payment is a refund, or a charge that was not completed), KBC04 (this server is a cell, and not home).';
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
    'Begins a program, once: sets day 0 of an active entitlement. Answers day 0; a program that has begun keeps its own. For the buyer and the server; writes with the rights of the tables'' owner.

entitlement_id: the entitlement. at: when the buyer begins; day 0 is that date in the organisation''s time zone. Neither may be NULL.

Source: the product''s rule that a buyer chooses the first day.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 40001 (under REPEATABLE READ: the entitlement is newer than the snapshot; call again), KB106 (the caller has no such entitlement, or the buyer''s account is closed), KBA25 (the entitlement is not active), KBC04 (this server is a cell, and not home).';
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
    'Begins a program anew: sets day 0 of an active entitlement again and forgets all that was done. For the buyer and the server; writes with the rights of the tables'' owner.

entitlement_id: the entitlement. at: when the buyer begins; day 0 is that date in the organisation''s time zone. Neither may be NULL.

start_date: day 0. restart_count: how often the buyer began anew, this time included.

Source: the product''s rule that a buyer may repeat a program.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 40001 (under REPEATABLE READ: the entitlement is newer than the snapshot; call again), KB106 (the caller has no such entitlement, or the buyer''s account is closed), KBA25 (the entitlement is not active), KBC04 (this server is a cell, and not home).';
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
    'Marks a place of a program''s curriculum as done. A place that is done keeps its first time. For the buyer and the server; writes with the rights of the tables'' owner.

entitlement_id: the buyer''s entitlement, which must be active. course_workout_id: the place, a row of course_workouts that is not a day of rest. notes: the buyer''s notes, at most 2000 characters; NULL keeps those before. at: when it was done.

completed_at: when the place was done first. course_completed_at: when the last of all workouts was done; NULL while one is not.

Source: the product''s rule that progress belongs to places of the curriculum.
Raises: 22004 (another argument than notes is NULL), 22008 (at is not finite), 22023 (notes are too long), 40001 (under REPEATABLE READ: the entitlement is newer than the snapshot; call again), KB106 (the caller has no such entitlement, or the buyer''s account is closed), KBA25 (the entitlement is not active), KBA26 (the program has no such place, or it is a day of rest), KBC04 (this server is a cell, and not home).';
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
    'Takes back that a place of a program''s curriculum was done, with its notes. Answers true, or false where it was not done. For the buyer and the server; writes with the rights of the tables'' owner.

entitlement_id: the buyer''s entitlement, which must be active. course_workout_id: the place, a row of course_workouts that is not a day of rest. Neither may be NULL.

Source: the product''s rule that progress belongs to places of the curriculum.
Raises: 22004 (an argument is NULL), 40001 (under REPEATABLE READ: the entitlement is newer than the snapshot; call again), KB106 (the caller has no such entitlement, or the buyer''s account is closed), KBA25 (the entitlement is not active), KBA26 (the program has no such place, or it is a day of rest), KBC04 (this server is a cell, and not home).';
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
    'Answers which day of a program a buyer is on, from 0: calendar days since day 0 in the organisation''s time zone, at most the last day. NULL before the program has begun, for an unknown entitlement, and to everybody but the buyer, staff of the organisation, administrators and the server. Reads with the rights of the tables'' owner.

entitlement_id: the entitlement. at: the time asked about. NULL for either, or an infinite time, answers NULL.

Source: the product''s rule that a day ends at midnight where the organisation is.
Raises: KBC04 (this server is a cell, and not home).';
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
    'Answers the buyers of a program with their progress, one row an entitlement, the earliest first. For staff of the program''s organisation, administrators and the server; reads with the rights of the tables'' owner.

program_id: the program. at: the time for which current_day is. Neither may be NULL.

entitlement_id, user_id, name, email, membership_id: the buyer; membership_id is NULL without a membership. status: pending, active or revoked. start_date: day 0; NULL before the start. current_day: as current_day(). workouts: how many places are not rest. completed: how many of them are done. percent: that in whole percent, rounded down. last_completed_at: when the latest was done, or NULL. completed_at: when the last of all was done; NULL while one is not. restart_count: how often the buyer began anew. access_revoked_at: NULL unless revoked. created_at: when the entitlement was made.

Source: the product''s list of participants.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 42501 (the caller is neither staff of the program''s organisation nor an administrator), KBC04 (this server is a cell, and not home).';
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
    'Answers a person''s programs of all organisations with the person''s progress, one row an entitlement, the earliest first. Empty for nobody. For oneself; for anybody else an administrator or the server. Reads with the rights of the tables'' owner.

user_id: the person; NULL is the one who asks. at: the time for which current_day is, not NULL.

entitlement_id, program_id, name, description, organization_name: the program; description may be NULL. status: pending, active or revoked. usable: whether the entitlement lets the person use it now: it is active, and the program not in draft; staff and administrators may use a program without one, see has_program_access(). duration_days: how many days it has. start_date: day 0; NULL before the start. current_day: as current_day(). workouts: how many places are not rest. completed: how many of them are done. percent: that in whole percent, rounded down. completed_at: when the last of all was done; NULL while one is not. restart_count: how often the person began anew. access_revoked_at: NULL unless revoked.

Source: the product''s library.
Raises: 22004 (at is NULL), 22008 (at is not finite), 42501 (user_id is somebody else, and the caller is neither an administrator nor the server), KBC04 (this server is a cell, and not home).';
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
    'Answers whether a person may use a program: by an active entitlement unless the program is in draft, as staff of its organisation, or as an administrator. False for nobody, and for a program that does not exist. Anybody may ask about themselves; about others an administrator or the server. Reads with the rights of the tables'' owner.

program_id: the program; NULL answers false. user_id: the person; NULL is the one who asks. at: not read while every access policy lasts for ever.

Source: the product''s rule that a purchase lasts whatever becomes of the offer.
Raises: 42501 (user_id is somebody else, and the caller is neither an administrator nor the server), KBC04 (this server is a cell, and not home).';
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
    'Answers the ids of all programs that has_program_access() gives a person: an administrator''s are all programs. Empty for nobody. In no order. Anybody may ask about themselves, and policies do; about others an administrator or the server. Reads with the rights of the tables'' owner.

user_id: the person; NULL is the one who asks. at: not read while every access policy lasts for ever.

Raises: 42501 (user_id is somebody else, and the caller is neither an administrator nor the server), KBC04 (this server is a cell, and not home).';
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
    'Answers every rule of has_program_access(), one row a rule; one that passes gives access. A program that does not exist reads like one that nothing gives. Whoever is signed in may ask about themselves; about others an administrator or the server. Reads with the rights of the tables'' owner.

program_id: the program; NULL passes no rule. user_id: the person; NULL is the one who asks. at: not read while every access policy lasts for ever.

rule: entitlement, staff or administrator. passed: whether the rule gives access. reason: NULL where passed, else no_user (nobody asks), not_bought, pending, revoked, draft (of rule entitlement), not_staff, not_administrator. detail: what the rule asks for, for a person to read.

Source: the product''s rule that support sees why.
Raises: 42501 (user_id is somebody else, and the caller is neither an administrator nor the server), KBC04 (this server is a cell, and not home).';
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
    'Answers the ids of the workouts in all programs to which the user who asks has an active entitlement and that are not in draft. Empty for nobody. In no order. Anybody may call it; reads with the rights of the tables'' owner. For the policy of workouts.

Raises: KBC04 (this server is a cell, and not home).';
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
    'Answers the ids of the entitlements of the user who asks; an administrator''s are all entitlements. Empty for nobody. In no order. Anybody may call it; reads with the rights of the tables'' owner. For the policies of course_workout_completions.

active: true answers only the own active entitlements, an administrator''s too; NULL is false.

Raises: KBC04 (this server is a cell, and not home).';
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
    'BEFORE INSERT: gives a payment the program that its plan sells, where none is named. Reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_payment_transactions__currency()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_payment_transactions__currency';
COMMENT ON FUNCTION coursebase.tg_payment_transactions__currency() IS
    'BEFORE INSERT of a payment without a currency: gives it the organisation''s, under a lock of the organisation FOR SHARE. Locks and reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_payment_transactions__refund()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_payment_transactions__refund';
COMMENT ON FUNCTION coursebase.tg_payment_transactions__refund() IS
    'At commit, AFTER UPDATE of a charge to refunded or refund_pending: does what refund_transaction() does and the transaction has not done itself, which is to write the refund or complete it, and to hand the entitlement over to another completed charge or revoke it. Reads and writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_payment_transactions__status()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_payment_transactions__status';
COMMENT ON FUNCTION coursebase.tg_payment_transactions__status() IS
    'BEFORE UPDATE: refuses a change of status that the trigger''s condition does not list (KBA24), but for a refund that its provider took back.';

CREATE FUNCTION coursebase.tg_course_entitlements__organization()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_entitlements__organization';
COMMENT ON FUNCTION coursebase.tg_course_entitlements__organization() IS
    'BEFORE INSERT: gives an entitlement the organisation of its program, where none is named. Reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_workout_completions__program()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workout_completions__program';
COMMENT ON FUNCTION coursebase.tg_course_workout_completions__program() IS
    'BEFORE INSERT: locks program and entitlement, gives the row its program where none is named, and refuses an entitlement that is not active (KBA25) and a day of rest (KBA26). Locks and reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_workout_completions__keep_place()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workout_completions__keep_place';
COMMENT ON FUNCTION coursebase.tg_course_workout_completions__keep_place() IS
    'BEFORE UPDATE that changes course_workout_id: refuses it (KB401) to everybody but tg_course_workouts__settle().';

CREATE FUNCTION coursebase.tg_course_workout_completions__settle()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workout_completions__settle';
COMMENT ON FUNCTION coursebase.tg_course_workout_completions__settle() IS
    'At commit, AFTER INSERT: does what tg_course_workouts__settle() does when the transaction has deleted places, before the key of the new completion is judged.';

CREATE FUNCTION coursebase.tg_course_workout_completions__derive()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workout_completions__derive';
COMMENT ON FUNCTION coursebase.tg_course_workout_completions__derive() IS
    'AFTER each statement: derives completed_at of the entitlements whose completions changed. Locks, reads and writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_entitlements__completed()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_entitlements__completed';
COMMENT ON FUNCTION coursebase.tg_course_entitlements__completed() IS
    'BEFORE INSERT OR UPDATE that sets completed_at: puts there what the completions say, whatever the statement wrote. Reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_entitlements__revoked()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_entitlements__revoked';
COMMENT ON FUNCTION coursebase.tg_course_entitlements__revoked() IS
    'BEFORE INSERT, or an UPDATE of status, that leaves access_revoked_at in contradiction to status: sets it to the transaction''s time for a revoked entitlement, and to NULL for another.';

CREATE FUNCTION coursebase.tg_course_entitlements__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_entitlements__audit';
COMMENT ON FUNCTION coursebase.tg_course_entitlements__audit() IS
    'AFTER an INSERT or UPDATE that makes an entitlement active: writes an audit event program_granted where neither a completed charge stands behind it nor the program is free. Reads and writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_workouts__derive()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_workouts__derive';
COMMENT ON FUNCTION coursebase.tg_course_workouts__derive() IS
    'AFTER each INSERT or UPDATE: derives completed_at of all entitlements to the programs whose curriculum changed. Reads and writes with the rights of the tables'' owner, under the lock of the program that tg_course_workouts__rules() took.';
