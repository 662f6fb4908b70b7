-- Who may use which course: the question, what the stores sold, what was given by hand, premium slots, and what only
-- somebody with access may complete.

CREATE FUNCTION coursebase.has_course_access(
    course_id uuid,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_has_course_access';
COMMENT ON FUNCTION coursebase.has_course_access(uuid, uuid, timestamptz) IS
    'Whether a user (NULL: oneself) may use the course at that time: free, granted, bought, in a premium slot or in premium, or for an administrator. Asking about somebody else takes an administrator or the server.';
REVOKE ALL ON FUNCTION coursebase.has_course_access(uuid, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.has_course_access(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.has_course_access_by_code(
    course_code text,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_has_course_access_by_code';
COMMENT ON FUNCTION coursebase.has_course_access_by_code(text, uuid, timestamptz) IS
    'has_course_access() for the course with that code, in whatever case and with whatever spaces around it; false for a code that no course has.';
REVOKE ALL ON FUNCTION coursebase.has_course_access_by_code(text, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.has_course_access_by_code(text, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.accessible_course_ids(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid[]
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_accessible_course_ids';
COMMENT ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) IS
    'The courses that a user (NULL: oneself) may use at that time, in order of their ids; all of them for an administrator. Asking about somebody else takes an administrator or the server.';
REVOKE ALL ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.accessible_course_ids(uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.explain_course_access(
    course_id uuid,
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
AS 'MODULE_PATHNAME', 'coursebase_explain_course_access';
COMMENT ON FUNCTION coursebase.explain_course_access(uuid, uuid, timestamptz) IS
    'What gives the course and what does not, and until when: one row a source, of which has_course_access() needs one that passes.';
REVOKE ALL ON FUNCTION coursebase.explain_course_access(uuid, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.explain_course_access(uuid, uuid, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.validate_purchase(
    user_id uuid,
    receipt json,
    at timestamptz DEFAULT now()
)
RETURNS json
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_validate_purchase';
COMMENT ON FUNCTION coursebase.validate_purchase(uuid, json, timestamptz) IS
$$Records a receipt that the store has confirmed, and gives what was bought: discount, right, credits, referral and record are written together or not at all. Answers {status, message, acknowledged, course | subscription | ai_usage}. The same receipt again answers the first result; of another user, product or voice KB205; a member that is missing or wrong KB801, by name; an unknown product KB802.

receipt: product_id, source (google_play, app_store), environment (production, which is the default, or sandbox), purchase_id (the store's order or transaction), purchase_token, transaction_date (milliseconds since 1970 or ISO 8601 with a zone), and as far as known acknowledged, voice (male, female; of a course), price_in_cents with currency, discount {code, order_ref, base_in_cents with currency}; of a subscription period_end (required), original_transaction_id, base_plan_id, offer_id, grace_until, auto_renew, is_trial. Other members are kept and not read. product_id is compared in lower case, without the prefix of the setting store_product_prefix and, where that is no product, without a suffix of an underscore, one letter and digits (_x2).

status: valid; duplicate (the course was owned already in that voice: the money came, it gives nothing, and is listed in duplicate_store_purchases); sandbox (recorded, and gives nothing; validated again while the setting accept_sandbox is on it gives what it is for); refunded (a refund may come before its receipt). A discount that its rules refuse (KB601) undoes the call: validate without it.
Writes with the owner's rights.$$;
REVOKE ALL ON FUNCTION coursebase.validate_purchase(uuid, json, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.validate_purchase(uuid, json, timestamptz) TO server;

CREATE FUNCTION coursebase.grant_course_purchase(
    user_id uuid,
    course_id uuid,
    voice text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS uuid
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_grant_course_purchase';
COMMENT ON FUNCTION coursebase.grant_course_purchase(uuid, uuid, text, timestamptz) IS
    'Gives a person a course without a sale (source admin), with a record in audit_events; answers the purchase. Where the person has the course in that voice already, the purchase that gives it, and nothing changes. Writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.grant_course_purchase(uuid, uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.grant_course_purchase(uuid, uuid, text, timestamptz) TO server;

CREATE FUNCTION coursebase.revoke_course_purchase(
    user_id uuid,
    course_id uuid,
    voice text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_revoke_course_purchase';
COMMENT ON FUNCTION coursebase.revoke_course_purchase(uuid, uuid, text, timestamptz) IS
    'Takes back what grant_course_purchase() gave, with a record in audit_events; false when there is nothing of it. What a store sold is taken back by refund_store_purchase(). Writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.revoke_course_purchase(uuid, uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.revoke_course_purchase(uuid, uuid, text, timestamptz) TO server;

CREATE FUNCTION coursebase.refund_store_purchase(
    source text,
    environment text,
    purchase_id text,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    status text,
    kind text,
    user_id uuid,
    product_id text,
    refunded_at timestamptz,
    detail text
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_refund_store_purchase';
COMMENT ON FUNCTION coursebase.refund_store_purchase(text, text, text, timestamptz) IS
$$After a store's refund: takes back what the purchase gave, of any kind, once: the course (a duplicate that was paid for takes its place), the custom course, the unspent credits of the pack, the subscription's period and the referrer's credit, and gives the use of its discount back. detail says what was done; again: the first result.
status is refunded, or recorded for a purchase that nobody has heard of: its receipt, when it comes, gives nothing. A subscription that only its events tell of is known by its original transaction.
Writes with the owner's rights.$$;
REVOKE ALL ON FUNCTION coursebase.refund_store_purchase(text, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.refund_store_purchase(text, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.acknowledge_purchase(
    source text,
    environment text,
    purchase_id text,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_acknowledge_purchase';
COMMENT ON FUNCTION coursebase.acknowledge_purchase(text, text, text, timestamptz) IS
    'Records that the store was told that a purchase, of any kind, was delivered; the first time counts. False for a purchase that is unknown, or not valid. Writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.acknowledge_purchase(text, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.acknowledge_purchase(text, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.tg_any__lock_user()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__lock_user';
COMMENT ON FUNCTION coursebase.tg_any__lock_user() IS
    'BEFORE INSERT: locks the person''s row of users, before the row is there. Locks with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_any__lock_user() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_course_grants__project()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_grants__project';
COMMENT ON FUNCTION coursebase.tg_course_grants__project() IS
    'AFTER INSERT, DELETE or TRUNCATE: makes user_course_access what the grants say. Locks the user, and writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_course_grants__project() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_course_grants__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_grants__audit';
COMMENT ON FUNCTION coursebase.tg_course_grants__audit() IS
    'AFTER INSERT OR DELETE of a direct grant: keeps who gave or took it in audit_events. Writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_course_grants__audit() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_user_course_access__record()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_course_access__record';
COMMENT ON FUNCTION coursebase.tg_user_course_access__record() IS
    'AFTER INSERT: records a direct grant when nothing else gives the course; AFTER DELETE or TRUNCATE: takes every grant that counts. Locks the user, and writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_user_course_access__record() FROM PUBLIC;

CREATE FUNCTION coursebase.choose_premium_course(
    user_id uuid DEFAULT NULL,
    course_id uuid DEFAULT NULL,
    voice text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    slot_id uuid,
    chosen_at timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_choose_premium_course';
COMMENT ON FUNCTION coursebase.choose_premium_course(uuid, uuid, text, timestamptz) IS
    'Fills a premium slot with a course, for oneself (user_id NULL) or, by the server, for anybody. A slot is filled by a course: its other voice needs no further one. The same course and voice again answers the first result. Where premium is every course (setting premium_slots -1) nothing is written and the answer is NULL. Errors: no premium KB811, a course that is not in premium KB812, all slots filled KB813, a course that is usable without a slot KB814. The slot stays when premium ends, and gives its course whenever there is premium. Writes with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.choose_premium_course(uuid, uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.choose_premium_course(uuid, uuid, text, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.premium_slots(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    slot integer,
    course_id uuid,
    course_code text,
    title text,
    voice text,
    chosen_at timestamptz,
    live boolean
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 2
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_premium_slots';
COMMENT ON FUNCTION coursebase.premium_slots(uuid, timestamptz) IS
    'The premium slots of a user (NULL: oneself): those that are filled, in the order of choice (the voices of a course share a slot), then those that are empty. live: the slot gives its course at that time; an empty one could be filled. Reads with the owner''s rights; asking about somebody else takes an administrator or the server.';
REVOKE ALL ON FUNCTION coursebase.premium_slots(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.premium_slots(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.tg_course_purchases__slot()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_purchases__slot';
COMMENT ON FUNCTION coursebase.tg_course_purchases__slot() IS
    'BEFORE a row becomes a premium slot: the user had premium at some time (KB811), the course is in premium (KB812) and there is room for it (KB813). Locks the user.';
REVOKE ALL ON FUNCTION coursebase.tg_course_purchases__slot() FROM PUBLIC;

CREATE FUNCTION coursebase.complete_lesson(lesson_id uuid, user_id uuid DEFAULT NULL)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_complete_lesson';
COMMENT ON FUNCTION coursebase.complete_lesson(uuid, uuid) IS
    'Marks a lesson as completed by a user (NULL: oneself), who must have real access now: one may use the course, and not as an administrator (KB904). True when it was not so before. Writes with the owner''s rights; about somebody else an administrator or the server may.';
REVOKE ALL ON FUNCTION coursebase.complete_lesson(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.complete_lesson(uuid, uuid) TO end_user, server;

CREATE FUNCTION coursebase.uncomplete_lesson(lesson_id uuid, user_id uuid DEFAULT NULL)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_uncomplete_lesson';
COMMENT ON FUNCTION coursebase.uncomplete_lesson(uuid, uuid) IS
    'Takes back what complete_lesson() marked, with the same real access (KB904). True when it was marked.';
REVOKE ALL ON FUNCTION coursebase.uncomplete_lesson(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.uncomplete_lesson(uuid, uuid) TO end_user, server;

CREATE FUNCTION coursebase.course_progress(course_id uuid, user_id uuid DEFAULT NULL)
RETURNS TABLE (lessons bigint, completed bigint, percent integer, completed_at timestamptz)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_course_progress';
COMMENT ON FUNCTION coursebase.course_progress(uuid, uuid) IS
    'How far a user (NULL: oneself) is, over the lessons that are shown: their number, those completed, the percentage rounded down, and the last completion once all are. A course that the user may not read, and the caller neither, has no lessons. Reads with the owner''s rights; asking about somebody else takes an administrator or the server.';
REVOKE ALL ON FUNCTION coursebase.course_progress(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.course_progress(uuid, uuid) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_user_lesson_complete__real_access()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_lesson_complete__real_access';
COMMENT ON FUNCTION coursebase.tg_user_lesson_complete__real_access() IS
    'BEFORE INSERT OR DELETE by somebody whom row security binds: asks for the real access of complete_lesson() (KB904). Reads with the owner''s rights.';
REVOKE ALL ON FUNCTION coursebase.tg_user_lesson_complete__real_access() FROM PUBLIC;
