-- Receipts of the app stores: validation, refund, acknowledgement, and what an administrator gives in their place.

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
GRANT EXECUTE ON FUNCTION coursebase.acknowledge_purchase(text, text, text, timestamptz) TO server;
