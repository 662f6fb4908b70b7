-- Sales through Stripe: checkout, sale, refund, and what keeps a sold course.

CREATE FUNCTION coursebase.tg_courses__keep_sold()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_courses__keep_sold';
COMMENT ON FUNCTION coursebase.tg_courses__keep_sold() IS
    'BEFORE DELETE: a course that a sale gave stays (23503). Reads with the owner''s rights.';

CREATE FUNCTION coursebase.can_buy_product(product_id uuid, user_id uuid DEFAULT NULL)
RETURNS boolean
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_can_buy_product';
COMMENT ON FUNCTION coursebase.can_buy_product(uuid, uuid) IS
    'Whether a user (NULL: oneself) may buy a product: it is public, and not owned. Reads with the owner''s rights; asking about somebody else takes an administrator or the server.';
GRANT EXECUTE ON FUNCTION coursebase.can_buy_product(uuid, uuid) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.explain_buy_product(product_id uuid, user_id uuid DEFAULT NULL)
RETURNS TABLE (rule text, passed boolean, reason text, detail text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_explain_buy_product';
COMMENT ON FUNCTION coursebase.explain_buy_product(uuid, uuid) IS
    'Every rule of can_buy_product(), in its order, with why it passed or not.';
GRANT EXECUTE ON FUNCTION coursebase.explain_buy_product(uuid, uuid) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.complete_purchase(
    user_id uuid,
    product_id uuid,
    stripe_session_id text,
    price_paid_in_cents bigint,
    payment_status text,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (purchase_id uuid, status text, already_owned boolean, course_ids uuid[])
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_complete_purchase';
COMMENT ON FUNCTION coursebase.complete_purchase(uuid, uuid, text, bigint, text, timestamptz) IS
    'Records a session of the checkout that was paid (payment_status paid or no_payment_required), with the product as it is now, and gives its courses. The same session answers again what the first call did; with another user, product or price it is refused (KB902). status: completed, refunded (a session told again after its refund gives nothing), or unpaid (nothing is written, and the rest is NULL). already_owned: an earlier purchase of the product counted then. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.complete_purchase(uuid, uuid, text, bigint, text, timestamptz) TO server;

CREATE FUNCTION coursebase.refund_purchase(
    purchase_id uuid,
    amount_in_cents bigint DEFAULT NULL,
    at timestamptz DEFAULT now(),
    refund_ref text DEFAULT NULL
)
RETURNS TABLE (
    purchase_id uuid,
    refunded_in_cents bigint,
    refunded_at timestamptz,
    revoked_course_ids uuid[]
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_refund_purchase';
COMMENT ON FUNCTION coursebase.refund_purchase(uuid, bigint, timestamptz, text) IS
    'Refunds all that is left of a purchase (NULL) or a part of it. A part takes nothing away; with the whole the purchase is stamped, once, and gives no course any more: revoked_course_ids are those that nothing else gives. More than is left is refused (KB903). With refund_ref, the provider''s id of the refund, the same refund told again changes nothing, and with another purchase or sum it is refused (KB906); without it each part counts. What was completed stays. Audited; writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.refund_purchase(uuid, bigint, timestamptz, text) TO server;

CREATE FUNCTION coursebase.tg_purchases__project()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_purchases__project';
COMMENT ON FUNCTION coursebase.tg_purchases__project() IS
    'AFTER UPDATE of refunded_at: makes user_course_access what the grants say. Locks the user, and writes with the owner''s rights.';

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
