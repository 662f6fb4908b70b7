-- Receipts of the app stores: validation, refund, acknowledgement, and the courses that an administrator gives.

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
    'Records a receipt that the store has confirmed, and gives what was bought. Discount, right, credits, the referrer''s credit and the record are written together or not at all. The same receipt again answers the first result. For the server, which has asked the store; writes with the rights of the tables'' owner, and audits what it gives.

user_id: who bought; the account must be open. receipt: a JSON object of product_id, source (google_play, app_store), environment (production, which is the default, or sandbox), purchase_id (the store''s order or transaction), purchase_token, transaction_date, and as far as known acknowledged, voice (male, female; of a course), price_in_cents with currency, discount {code, order_ref, base_in_cents with currency}; of a subscription period_end (required), original_transaction_id, base_plan_id, offer_id, grace_until, auto_renew, is_trial. Times are ISO 8601 with a zone, or milliseconds since 1970; amounts are whole minor units. Other members are kept and not read. product_id is compared in lower case, without the prefix of the setting store_product_prefix and, where that is no product, without a suffix of an underscore, one letter and digits (_x2). at: when it was validated. No argument may be NULL.

A JSON object: status, message (the status in words), acknowledged (whether the store was told), and course, subscription or ai_usage, what was given, if the status is valid or duplicate. status: valid; duplicate (the course was owned already in that voice: the money came, it gives nothing, and is listed in duplicate_store_purchases); sandbox (recorded, and gives nothing; validated again while the setting accept_sandbox is on it gives what it is for); refunded (the refund came before its receipt, or after it). A discount that its rules refuse undoes the call: validate without it.

Source: the stores'' own rules of receipts, and the product''s rule that a receipt gives once what it is for.
Raises: 22004 (an argument is NULL), 22008 (at is infinite), KB106 (there is no such user, or the account is closed), KB205 (the receipt belongs to another user, product or voice), KB502 (its subscription is of another environment, or its event came before with other content), KB503 (its subscription is another user''s), KB601 (a rule refuses the discount), KB602 (the order has another discount), KB801 (a member of the receipt is missing or malformed), KB802 (no product has the id).';
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
    'Gives a person a course without a sale, as a row of course_purchases with the source admin. If the person has the course in that voice already, by a gift or by a sale of production, nothing changes. For the server; writes with the rights of the tables'' owner, and audits the gift.

user_id: who gets the course; the account must be open. course_id: the course. voice: male or female; NULL for a course without voices. at: when it is given. Only voice may be NULL.

Answers the key of the course_purchases row that gives the course.

Source: the product''s rule that operators may give a course away.
Raises: 22004 (an argument other than voice is NULL), 22008 (at is infinite), 22023 (an unknown voice), KB106 (there is no such user or course, or the account is closed).';
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
    'Takes back what grant_course_purchase() gave. A receipt of the same course that had been a duplicate then gives it. What a store sold is taken back by refund_store_purchase(). For the server; writes with the rights of the tables'' owner, and audits what it takes back.

user_id: who has the course; a closed account may be named. course_id, voice: as they were given. at: when it is taken back. Only voice may be NULL.

Answers whether there was a gift to take back.

Source: the product''s rule that operators may give a course away.
Raises: 22004 (an argument other than voice is NULL), 22008 (at is infinite), 22023 (an unknown voice), KB106 (there is no such user).';
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
    'Takes back, once, what a store''s purchase of any kind gave, after the store has refunded it: the course (a duplicate that was paid for takes its place), the custom course, the unspent credits of the pack, or the period of the subscription with the referrer''s credit; and gives the use of its discount back. The same refund again answers the first result. For the server; writes with the rights of the tables'' owner, and audits what it takes back.

source, environment, purchase_id: the purchase, as its receipt named it; a subscription that only its events tell of is known by its original transaction. at: when it was refunded. No argument may be NULL.

status: refunded; or recorded for a purchase that nobody knows: its receipt, when it comes, gives nothing. kind: course, subscription, ai_credits or custom_course. user_id: whose it was. product_id: the base id of the product. kind, user_id and product_id are NULL if they are not known. refunded_at: when it was refunded, by the first call. detail: what was taken back, in words.

Source: the stores'' own rules of refunds, and the product''s rule that a refund ends what its purchase gave and nothing else.
Raises: 22004 (an argument is NULL), 22008 (at is infinite), KB502 (its subscription is of another environment, or an event of that id came before with other content), KB503 (its subscription is another user''s).';
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
    'Records that the store was told that a purchase of any kind was delivered. The time of the first call stays. For the server; writes with the rights of the tables'' owner.

source, environment, purchase_id: the purchase, as its receipt named it. at: when the store was told. No argument may be NULL.

Answers true if the purchase is valid, also if it was acknowledged before; false if it is unknown or not valid.

Source: Google Play''s rule that a purchase which is not acknowledged within three days is refunded.
Raises: 22004 (an argument is NULL), 22008 (at is infinite).';
GRANT EXECUTE ON FUNCTION coursebase.acknowledge_purchase(text, text, text, timestamptz) TO server;
