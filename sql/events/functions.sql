-- Events out: taking and acknowledging them, what time alone ends, and the triggers that tell.

-- jit: of events the planner expects millions, and the server would compile anew at each call.
CREATE FUNCTION coursebase.take_events(
    consumer text,
    batch integer DEFAULT 100,
    claim interval DEFAULT '5 minutes',
    taken_at timestamptz DEFAULT now()
)
RETURNS TABLE (
    id bigint,
    at timestamptz,
    kind text,
    user_id uuid,
    subject text,
    source text,
    until timestamptz,
    attempt integer
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS 'MODULE_PATHNAME', 'coursebase_take_events';
COMMENT ON FUNCTION coursebase.take_events(text, integer, interval, timestamptz) IS
    'Hands a consumer the next events that it has not acknowledged, in the order of the transactions that told them; the events of one person come in the order in which they were committed. For the server; writes with the rights of the tables'' owner.

An event is given once no transaction is open that may have begun to write before the one that told it, so that whoever commits late is not passed by. Call in a transaction of its own, commit, act, then call acknowledge_events(): an event that was acted on and not acknowledged comes again.

consumer: a name of 1 to 100 characters. Every name gets every event that is kept; the first call under a name begins with the oldest one. Sessions that take under one name share the events, and while one has an event of a person in hand, none is given a later one of that person. batch: at most so many events, 1 to 1000. claim: for how long the events are in hand, in days of UTC; one that is not acknowledged by then is given again. taken_at: when the claim begins, and by when earlier claims have lapsed. None may be NULL.

Answers a row an event: id, by which to acknowledge it; at, when the transaction began that told it; kind, user_id, subject, source and until as in access_events; attempt, how often it has been given to this consumer, from 1.

Source: events out; see doc/guide/events.md.
Raises: 22004 (an argument is NULL), 22023 (consumer or batch is out of bounds), 22008 (taken_at is not finite, or the claim leads out of the calendar), 40001 (under REPEATABLE READ: the consumer is newer than the snapshot; call again).';
GRANT EXECUTE ON FUNCTION coursebase.take_events(text, integer, interval, timestamptz) TO server;

CREATE FUNCTION coursebase.acknowledge_events(consumer text, ids bigint[])
RETURNS bigint
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_acknowledge_events';
COMMENT ON FUNCTION coursebase.acknowledge_events(text, bigint[]) IS
    'Says that a consumer has acted on events: they are not given to it again. Answers how many of them it had not acknowledged before. A claim that has lapsed may be acknowledged too. For the server; writes with the rights of the tables'' owner.

consumer: its name, as for take_events(). ids: ids that take_events() gave; one that the consumer never took, or that was purged, changes nothing. Neither may be NULL, and no id.

Source: events out; see doc/guide/events.md.
Raises: 22004 (an argument or an id is NULL), 22023 (consumer is out of bounds).';
GRANT EXECUTE ON FUNCTION coursebase.acknowledge_events(text, bigint[]) TO server;

CREATE FUNCTION coursebase.access_turns(from_time timestamptz, to_time timestamptz)
RETURNS TABLE (
    at timestamptz,
    kind text,
    user_id uuid,
    subject text,
    source text,
    until timestamptz
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_access_turns';
COMMENT ON FUNCTION coursebase.access_turns(timestamptz, timestamptz) IS
    'What time alone ends from from_time on and before to_time, by what is known now, in order of time: premium, and the courses in premium slots, sold for a time or given until one that nothing else gives from then on. Nothing is written when a time comes, so that no event tells of it: call with the to_time of the last call and now(). What was renewed, bought or given meanwhile does not end, because the rights themselves are asked. Closed accounts are left out. For the server; reads with the rights of the tables'' owner.

from_time, to_time: may be infinite; neither may be NULL.

Answers a row an end: at, when access ends; kind, access_lost; user_id; subject, entitlements/ and its name for what a plan gives as a whole, courses/ and its id for a course; source, the store for premium, premium_slot or grant for a course; until, NULL.

Source: events out; see doc/guide/events.md.
Raises: 22004 (an argument is NULL).';
GRANT EXECUTE ON FUNCTION coursebase.access_turns(timestamptz, timestamptz) TO server;

CREATE FUNCTION coursebase.purge_events(before timestamptz, batch integer DEFAULT 10000)
RETURNS bigint
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_purge_events';
COMMENT ON FUNCTION coursebase.purge_events(timestamptz, integer) IS
    'Deletes events, whether or not every consumer has acknowledged them, and answers how many. Events that another session holds are skipped. purge_logs() calls it. For the server; writes with the rights of the tables'' owner.

before: events with an earlier at are deleted. batch: at most so many. NULL for either answers NULL and deletes nothing.

Source: the product''s rule that logs and personal data are kept for a limited time.
Raises: 2201W (batch is negative).';
GRANT EXECUTE ON FUNCTION coursebase.purge_events(timestamptz, integer) TO server;

CREATE FUNCTION coursebase.tg_user_course_access__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_course_access__tell';
COMMENT ON FUNCTION coursebase.tg_user_course_access__tell() IS
    'AFTER INSERT or DELETE, BEFORE TRUNCATE: tells that access to a course began or ended by a sale or a direct grant.';

CREATE FUNCTION coursebase.tg_course_grants__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_grants__tell';
COMMENT ON FUNCTION coursebase.tg_course_grants__tell() IS
    'AFTER INSERT, UPDATE or DELETE, BEFORE TRUNCATE: tells that access to a course until an end began, moved or ended by a sale or a direct grant.';

CREATE FUNCTION coursebase.tg_course_purchases__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_purchases__tell';
COMMENT ON FUNCTION coursebase.tg_course_purchases__tell() IS
    'AFTER INSERT, UPDATE or DELETE, BEFORE TRUNCATE: tells that a store''s purchase or a premium slot began or ceased to give a course, and what a store sold or took back.';

CREATE FUNCTION coursebase.tg_subscriptions__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_subscriptions__tell';
COMMENT ON FUNCTION coursebase.tg_subscriptions__tell() IS
    'AFTER INSERT or UPDATE: tells the state of a subscription.';

CREATE FUNCTION coursebase.tg_subscription_lines__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_subscription_lines__tell';
COMMENT ON FUNCTION coursebase.tg_subscription_lines__tell() IS
    'AFTER INSERT, UPDATE or DELETE: tells what a line of renewals changes for premium and the courses in premium slots.';

CREATE FUNCTION coursebase.tg_course_entitlements__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_entitlements__tell';
COMMENT ON FUNCTION coursebase.tg_course_entitlements__tell() IS
    'AFTER INSERT, UPDATE or DELETE, BEFORE TRUNCATE: tells that access to a program began or ended, and that a program was completed.';

CREATE FUNCTION coursebase.tg_purchases__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_purchases__tell';
COMMENT ON FUNCTION coursebase.tg_purchases__tell() IS
    'AFTER INSERT or UPDATE: tells of a sale on the storefront, and of what is paid back.';

CREATE FUNCTION coursebase.tg_ai_credit_purchases__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_ai_credit_purchases__tell';
COMMENT ON FUNCTION coursebase.tg_ai_credit_purchases__tell() IS
    'AFTER INSERT or UPDATE: tells that a pack of credits was bought, or taken back.';

CREATE FUNCTION coursebase.tg_custom_course_purchases__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_custom_course_purchases__tell';
COMMENT ON FUNCTION coursebase.tg_custom_course_purchases__tell() IS
    'AFTER INSERT or UPDATE: tells that a custom course was bought, or taken back.';

CREATE FUNCTION coursebase.tg_payment_transactions__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_payment_transactions__tell';
COMMENT ON FUNCTION coursebase.tg_payment_transactions__tell() IS
    'AFTER INSERT or UPDATE: tells that a payment to an organisation was made, or paid back.';

CREATE FUNCTION coursebase.tg_user_lesson_complete__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_lesson_complete__tell';
COMMENT ON FUNCTION coursebase.tg_user_lesson_complete__tell() IS
    'AFTER INSERT: tells that the last lesson that a course shows was completed.';

CREATE FUNCTION coursebase.tg_ai_usage__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_ai_usage__tell';
COMMENT ON FUNCTION coursebase.tg_ai_usage__tell() IS
    'AFTER UPDATE: tells that a use left fewer credits than the setting events_credits_low.';

CREATE FUNCTION coursebase.tg_users__tell()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__tell';
COMMENT ON FUNCTION coursebase.tg_users__tell() IS
    'AFTER UPDATE: tells that an account was closed.';
