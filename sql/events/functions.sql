-- Events out: taking and acknowledging them, what time alone ends, and the triggers that tell.

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
AS 'MODULE_PATHNAME', 'coursebase_take_events';
COMMENT ON FUNCTION coursebase.take_events(text, integer, interval, timestamptz) IS
$$For the server. Hands a consumer the next events that it has not acknowledged, in the order of the transactions that wrote them; the events of one person come in the order in which they were committed.

consumer: a name of 1 to 100 characters. Each name gets every event that is kept; sessions that take under one name share the events among them, and none is given an event of a person of whom another has one in hand. The first call under a name begins with the oldest event. batch: at most so many events, 1 to 1000. claim: for how long the events are this call's; those not acknowledged by then are given again. taken_at: the time at which the claim begins, and against which earlier claims lapse.

An event is given once no transaction is open that began to write before the one of the event: whoever commits late is not passed by. Call in a transaction of its own, commit, act, then acknowledge_events(): what was acted on and not acknowledged comes again (attempt counts from 1).

Answer: id, by which to acknowledge; at, when the transaction began that wrote the event; kind, user_id, subject, source and until as in access_events; attempt.$$;
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
    'For the server. Says that a consumer has acted on the events with these ids, as take_events() gave them: they are not given to it again. Answers how many of them were not acknowledged before. An id that the consumer never took, or that was purged, changes nothing. A claim that has lapsed may still be acknowledged.';
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
    'For the server. What time alone ends from from_time on and before to_time, by what is known now, in order of time: premium (subject entitlements/premium), and courses that nothing else gives from then on. Nothing is written when a time comes, so that no event tells of it: call with the end of the last call and now(). Answer: at, when access ends; kind access_lost; user_id; subject; source as in access_events; until NULL. Closed accounts are left out. It asks the rights themselves: what was renewed, bought or given meanwhile does not end.';
GRANT EXECUTE ON FUNCTION coursebase.access_turns(timestamptz, timestamptz) TO server;

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
    'AFTER INSERT or UPDATE: tells the state of a subscription, and what that changes for premium and the courses in premium slots.';

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
