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
    'Records a receipt that the store has confirmed, and gives what was bought. Right, credits, the referrer''s credit and the record are written together or not at all. The same receipt again answers the first result; a voice and a discount that the first call did not name, for it was the store''s notification, are given and redeemed then: in a voice that the person has already the purchase is a duplicate. For the server, which has asked the store; writes with the rights of the tables'' owner, and audits what it gives.

user_id: who bought; the account must be open. receipt: a JSON object of product_id, source (google_play, app_store), environment (production, which is the default, or sandbox), purchase_id (the store''s order or transaction; of a non-consumable of Apple''s the original transaction, which a restore keeps), purchase_token, transaction_date, and as far as known state (paid, which is the default, pending or canceled; also in Google''s words and numbers), quantity (1, which is the default, to 1000), acknowledged, voice (male, female; of a course), price_in_cents, price_in_milliunits or price_in_micros with currency, discount {code, order_ref, base_in_cents with currency}; of a subscription period_end (required), original_transaction_id (without it Google Play''s is the line that its notifications or an earlier receipt began, by the token or the order without the number of its period), linked_purchase_token (of the subscription whose place it takes), base_plan_id, offer_id, grace_until, auto_renew, is_trial. Times are ISO 8601 with a zone, or milliseconds since 1970, from 2008 to 2100 (an end may be later: it never comes); amounts are whole numbers. Names of stores and environments and flags are read in any usual spelling. Other members are kept and not read, but one that is nearly the name of a member which is absent is refused; payload is for what one wants to keep. product_id is compared in lower case, without the longest prefix of the setting store_product_prefixes that it begins with and, where that is no product, without a suffix of an underscore, one letter and digits (_x2). at: when it was validated. No argument may be NULL.

A JSON object: status, message (the status in words), acknowledged (whether the store was told), and course, subscription or ai_usage, what was given, if the status is valid or duplicate. status: valid; duplicate (the course was owned already in that voice: the money came, it gives nothing, and is listed in duplicate_store_purchases); sandbox (recorded, and gives nothing; validated again while the setting accept_sandbox is on, or sandbox_testers names the person, it gives what it is for); refunded (the refund came before its receipt, or after it); pending (it is not paid yet, and gives nothing: validate it again when it is paid); canceled (before it was paid). A receipt that gave and is canceled now counts as refunded. A discount that its rules refuse is not redeemed, and the sale stands: discount_refused of the answer, and the view sales_to_review, say why.

Source: the stores'' own rules of receipts, and the product''s rule that a receipt gives once what it is for.
Raises: 22004 (an argument is NULL), 22008 (at is infinite), KB007 (the purchase goes from person to person; call again), KB106 (there is no such user, or the account is closed), KB205 (the receipt belongs to another user, product or voice), KB502 (its subscription is of another environment, or its event came before with other content), KB503 (its subscription is another user''s), KB801 (a member of the receipt is missing or malformed), KB802 (no product has the id), KB822 (the setting require_signature names the source, and the caller is not the owner of the tables: take_notification() takes what the store signed).';
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

CREATE FUNCTION coursebase.tg_course_purchases__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_purchases__audit';
COMMENT ON FUNCTION coursebase.tg_course_purchases__audit() IS
    'AFTER INSERT OR UPDATE of a gift: writes the audit event of a gift that plain SQL gave, as grant_course_purchase() does for its own.';

CREATE FUNCTION coursebase.refund_store_purchase(
    source text,
    environment text,
    purchase_id text,
    at timestamptz DEFAULT now(),
    quantity integer DEFAULT NULL,
    amount_in_cents bigint DEFAULT NULL,
    refund_ref text DEFAULT NULL,
    user_id uuid DEFAULT NULL
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
COMMENT ON FUNCTION coursebase.refund_store_purchase(text, text, text, timestamptz, integer, bigint, text, uuid) IS
    'Takes back, once, what a store''s purchase of any kind gave, after the store has refunded it: the course (a duplicate that was paid for takes its place), the custom course, the unspent credits of the pack, or the period of the subscription with the referrer''s credit; and gives the use of its discount back. The same refund again answers the first result. For the server; writes with the rights of the tables'' owner, and audits what it takes back.

source, environment, purchase_id: the purchase, as its receipt named it; a subscription that only its events tell of is known by its original transaction. at: when it was refunded. quantity: how many of the receipt''s quantity were refunded. amount_in_cents: which sum, in minor units of the receipt''s currency; at most one of the two, NULL for both is all that is left. refund_ref: the store''s id of the refund, which a part needs: the same refund again changes nothing; NULL is a refund of the whole, known by its time. Of a part of a pack as many credits are taken back; a part of anything else takes nothing. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

status: refunded; partly_refunded; reversed where the store had taken this refund back before it was told, so that it takes nothing; or recorded for a purchase that nobody knows: its receipt, when it comes, gives nothing. kind: course, subscription, ai_credits or custom_course. user_id: whose it was. product_id: the base id of the product. kind, user_id and product_id are NULL if they are not known. refunded_at: when it was refunded, by the first call. detail: what was taken back, in words.

Source: the stores'' own rules of refunds, and the product''s rule that a refund ends what its purchase gave and nothing else.
Raises: 22003 (amount_in_cents is above 2147483647), 22004 (one of the first four arguments is NULL), 22008 (at is infinite), 22023 (purchase_id is empty or has a blank at an end, an unknown source or environment, a quantity or sum of 0 or less, both, a part without refund_ref, or an empty one), KB007 (the purchase goes from person to person; call again), KB106 (a part of a purchase whose receipt has not come, or user_id has no such purchase), KB502 (its subscription is of another environment, or an event of that id came before with other content), KB503 (its subscription is another user''s).';
GRANT EXECUTE ON FUNCTION coursebase.refund_store_purchase(text, text, text, timestamptz, integer, bigint, text, uuid) TO server;

CREATE FUNCTION coursebase.reverse_store_refund(
    source text,
    environment text,
    purchase_id text,
    at timestamptz DEFAULT now(),
    refund_ref text DEFAULT NULL,
    user_id uuid DEFAULT NULL
)
RETURNS TABLE (status text, kind text, user_id uuid, product_id text, detail text)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_reverse_store_refund';
COMMENT ON FUNCTION coursebase.reverse_store_refund(text, text, text, timestamptz, text, uuid) IS
    'Gives back what refund_store_purchase() took, after the store took its refund back: the course (or, where another purchase gives it by now, the purchase becomes a duplicate), the custom course, the credits, or the period of the subscription. The use of a discount is taken again unless the code is in other hands by now, and a referrer''s credit comes back. A purchase whose receipt came after its refund, and so gave nothing, is given by the receipt as it was kept. Where nothing is refunded, nothing changes, and a refund up to that time that is told later takes nothing. For the server; writes with the rights of the tables'' owner, and audits what it gives back.

source, environment, purchase_id: the purchase, as its receipt named it. at: when the refund was taken back. refund_ref: the store''s id of the refund; NULL is every refund of the purchase up to that time, told already or not. Only refund_ref and user_id may be NULL. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

status: of the receipt now, as validate_purchase() has it; forgotten for a refund whose receipt has not come, and which stands no longer. kind, user_id, product_id: as of refund_store_purchase(). detail: what was given back, in words.

Source: Apple''s REFUND_REVERSED, and the product''s rule that a reversal gives back what its refund took.
Raises: 22004 (an argument other than refund_ref and user_id is NULL), 22008 (at is infinite), 22023 (purchase_id is empty or has a blank at an end, or an empty refund_ref), KB007 (the purchase goes from person to person; call again), KB106 (there is no such receipt), KB502 (its subscription is of another environment, or an event of that id came before with other content), KB503 (its subscription is another user''s), KB822 (the setting require_signature names the source, and the caller is not the owner of the tables).';
GRANT EXECUTE ON FUNCTION coursebase.reverse_store_refund(text, text, text, timestamptz, text, uuid) TO server;

CREATE FUNCTION coursebase.transfer_purchases(
    from_user uuid,
    to_user uuid,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (kind text, source text, purchase_id text)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_transfer_purchases';
COMMENT ON FUNCTION coursebase.transfer_purchases(uuid, uuid, timestamptz) IS
    'Moves all that the stores sold to one person to another: receipts with their courses and custom courses, and lines of renewals with their events. A course that the receiver has already becomes a duplicate. Of a pack of credits goes what is unspent. Gifts and sales through Stripe stay. For the server; writes with the rights of the tables'' owner, and audits each move.

from_user: who has it; a closed account may be named. to_user: who gets it; the account must be open. at: when, not NULL.

One row for each that moved. kind: course, custom_course, ai_credits, subscription (its receipt), or line (of renewals). source: the store. purchase_id: the store''s id of the purchase or line.

Source: the stores'' rule that purchases are restored by whoever holds the store''s account.
Raises: 22004 (an argument is NULL), 22008 (at is infinite), 22023 (both are the same person), KB106 (there is no such user, or the receiver is closed).';
GRANT EXECUTE ON FUNCTION coursebase.transfer_purchases(uuid, uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.transfer_subscription(
    store text,
    original_transaction_id text,
    to_user uuid
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_transfer_subscription';
COMMENT ON FUNCTION coursebase.transfer_subscription(text, text, uuid) IS
    'Moves a line of renewals with its events and the receipts of its payments to another person, who has what it gives from then on. Answers false if it is that person''s already. For the server; writes with the rights of the tables'' owner, and audits the transfer.

store, original_transaction_id: the line, as its events name it: a line that none names is of the person alone, and stays. to_user: who gets it; the account must be open. No argument may be NULL.

Source: the stores'' rule that purchases are restored by whoever holds the store''s account, and RevenueCat''s TRANSFER.
Raises: 22004 (an argument is NULL), KB106 (there is no such line or user, or the account is closed).';
GRANT EXECUTE ON FUNCTION coursebase.transfer_subscription(text, text, uuid) TO server;

CREATE FUNCTION coursebase.transfer_line(
    store text,
    original_transaction_id text,
    to_user uuid
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_transfer_line';
COMMENT ON FUNCTION coursebase.transfer_line(text, text, uuid) IS
    'Moves a line of renewals as transfer_subscription() does, and answers false where there is no such line of another person. For the server; writes with the rights of the tables'' owner, and audits each move.

store, original_transaction_id: the line, as its events name it: a line that none names is of the person alone, and stays. to_user: who gets it; the account must be open. No argument may be NULL.

Source: RevenueCat''s TRANSFER, and restores of what a store sold.
Raises: 22004 (an argument is NULL), KB106 (there is no such user, or the account is closed).';
GRANT EXECUTE ON FUNCTION coursebase.transfer_line(text, text, uuid) TO server;

CREATE FUNCTION coursebase.transfer_receipt(
    source text,
    environment text,
    purchase_id text,
    to_user uuid
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_transfer_receipt';
COMMENT ON FUNCTION coursebase.transfer_receipt(text, text, text, uuid) IS
    'Moves a purchase that a store makes once, a course, a custom course or a pack of credits, with its receipt. A course that the receiver has already becomes a duplicate, and of a pack goes what is unspent. Answers false where there is no such purchase of another person, and for a period of a subscription, which goes with its line. For the server; writes with the rights of the tables'' owner, and audits the move.

source, environment, purchase_id: the purchase, as its receipt named it. to_user: who gets it; the account must be open. No argument may be NULL.

Source: RevenueCat''s TRANSFER.
Raises: 22004 (an argument is NULL), 22023 (purchase_id is empty or has a blank at an end), KB106 (there is no such user, or the account is closed).';
GRANT EXECUTE ON FUNCTION coursebase.transfer_receipt(text, text, text, uuid) TO server;

CREATE FUNCTION coursebase.tg_any__person_stays()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__person_stays';
COMMENT ON FUNCTION coursebase.tg_any__person_stays() IS
    'BEFORE UPDATE of a user_id that is set: refuses it (KB401) unless a transfer moves what a store sold.';

CREATE FUNCTION coursebase.tg_any__refund_stays()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__refund_stays';
COMMENT ON FUNCTION coursebase.tg_any__refund_stays() IS
    'BEFORE UPDATE of a refunded_at that is set: refuses it (KB401) unless reverse_store_refund() takes the refund back.';

CREATE FUNCTION coursebase.acknowledge_purchase(
    source text,
    environment text,
    purchase_id text,
    at timestamptz DEFAULT now(),
    user_id uuid DEFAULT NULL
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_acknowledge_purchase';
COMMENT ON FUNCTION coursebase.acknowledge_purchase(text, text, text, timestamptz, uuid) IS
    'Records that the store was told that a purchase of any kind was delivered. The time of the first call stays. For the server; writes with the rights of the tables'' owner.

source, environment, purchase_id: the purchase, as its receipt named it. at: when the store was told. None of these may be NULL. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

Answers true if the purchase is valid, also if it was acknowledged before; false if it is unknown or not valid.

Source: Google Play''s rule that a purchase which is not acknowledged within three days is refunded.
Raises: 22004 (an argument is NULL), 22008 (at is infinite), 22023 (purchase_id is empty or has a blank at an end), KB106 (user_id has no such purchase).';
GRANT EXECUTE ON FUNCTION coursebase.acknowledge_purchase(text, text, text, timestamptz, uuid) TO server;

CREATE FUNCTION coursebase.known_members(form text)
RETURNS text[]
LANGUAGE c
IMMUTABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_known_members';
COMMENT ON FUNCTION coursebase.known_members(text) IS
    'Answers the names of the members that a canonical form knows: event (of apply_subscription_event()) or receipt (of validate_purchase()); the view unknown_members lists the others that came. The server may call it. Raises: 22023 (no such form).';
GRANT EXECUTE ON FUNCTION coursebase.known_members(text) TO server;
