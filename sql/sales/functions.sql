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
    'BEFORE DELETE: refuses to delete a course that a sale gave (23503). Reads with the rights of the tables'' owner.';

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
    'Answers whether a user may buy a product: the account is open, the product is public, its access_until has not passed, and no purchase of it counts that buying again would not extend. To be asked before the checkout; a session that was paid all the same is recorded by complete_purchase(). Anybody may ask about the own account; reads with the rights of the tables'' owner.

product_id: the product; NULL answers false. user_id: the buyer; NULL is the user who asks; only an administrator or the server may name another user. A private product reads like one that does not exist.

Source: the product''s rule that nobody pays twice for what they own.
Raises: 42501 (user_id is another user).';
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
    'Lists the rules of can_buy_product(), one row each, in the order in which they are asked. Anybody may ask about the own account; reads with the rights of the tables'' owner.

product_id, user_id: as for can_buy_product(). rule: user_known, product_public, not_ended or not_owned. passed: whether the rule is met. reason: NULL if passed, else no_user, not_public, ended (its access_until has passed) or already_owned (for ever, or until its access_until; what is sold for a number of days may be bought again). detail: the same as a sentence.

Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.explain_buy_product(uuid, uuid) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.complete_purchase(
    user_id uuid,
    product_id uuid,
    stripe_session_id text,
    price_paid_in_cents bigint,
    payment_status text,
    at timestamptz DEFAULT now(),
    currency text DEFAULT NULL,
    tax_in_cents bigint DEFAULT NULL,
    payment_intent_id text DEFAULT NULL,
    charge_id text DEFAULT NULL,
    invoice_id text DEFAULT NULL
)
RETURNS TABLE (purchase_id uuid, status text, already_owned boolean, course_ids uuid[])
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_complete_purchase';
COMMENT ON FUNCTION coursebase.complete_purchase(uuid, uuid, text, bigint, text, timestamptz, text, bigint, text, text, text) IS
    'Records a paid session of the checkout as a purchase, with the product as it is now, and gives the buyer its courses: for ever, or as long as access_days and access_until of the product say, the days counted from the sale or from the end that the buyer has by then. The same session again answers what the first call did, so that the browser and the webhook may both call. For the server; writes with the rights of the tables'' owner.

user_id: the buyer; a closed account is recorded too, because the money came. product_id: the product, public or not. stripe_session_id: the session of the checkout, not empty. price_paid_in_cents: what was paid, 0 or more. payment_status: paid or no_payment_required; unpaid writes nothing. at: when it was paid. currency: ISO 4217 code. tax_in_cents: tax within the price. payment_intent_id, charge_id, invoice_id: the provider''s names of the payment, by which refund_payment() finds the purchase; a later call of the same session fills in what was NULL. Only these last five may be NULL.

purchase_id: the purchase. status: completed; refunded, if the purchase was refunded in full (it then gives nothing); or unpaid, and then the other columns are NULL. already_owned: whether an earlier purchase of the product counted at that time that this one does not extend: one without access_days, whose access_until had not passed. course_ids: the courses that the purchase gave, in the order of their ids.

Source: Stripe''s checkout sessions, which may be reported more than once, and the product''s rule that every paid session is honoured.
Raises: 22003 (price_paid_in_cents or tax_in_cents is above 2147483647), 22004 (one of the first six arguments is NULL), 22008 (at is infinite), 22023 (a session that is empty or has a blank at an end, a negative price or tax, currency is no code of three letters, or an unknown payment_status), 40001 (under REPEATABLE READ: the purchase is newer than the snapshot; call again), KB007 (the account is merging while the one that is kept is closed; call again), KB106 (there is no such user or product), KB822 (the setting require_signature names stripe, and the caller is not the owner of the tables: take_notification() takes what Stripe signed), KB902 (the session was recorded with another user, product or price), 23505 (the payment is that of another session).';
GRANT EXECUTE ON FUNCTION coursebase.complete_purchase(uuid, uuid, text, bigint, text, timestamptz, text, bigint, text, text, text) TO server;

CREATE FUNCTION coursebase.refund_purchase(
    purchase_id uuid,
    amount_in_cents bigint DEFAULT NULL,
    at timestamptz DEFAULT now(),
    refund_ref text DEFAULT NULL,
    user_id uuid DEFAULT NULL
)
RETURNS TABLE (
    purchase_id uuid,
    refunded_in_cents integer,
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
COMMENT ON FUNCTION coursebase.refund_purchase(uuid, bigint, timestamptz, text, uuid) IS
    'Records a refund of a purchase, in full or in part. A part takes no course away. When all that was paid is refunded, the purchase gives no course any more, and may be bought again; completed lessons stay. A purchase that is refunded in full already is answered as it is. For the server; writes with the rights of the tables'' owner, and audits every refund.

purchase_id: the purchase. amount_in_cents: what was paid back, above 0; NULL is all that is left. at: when it was paid back, not NULL. refund_ref: the provider''s id of the refund, not empty: the same refund again changes nothing, also where refund_payment() told it before, by itself or within a sum; NULL, and each call counts. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

purchase_id: the purchase. refunded_in_cents: all that was refunded of it until now. refunded_at: when it was refunded in full, else NULL. revoked_course_ids: the courses of the purchase that no other sale or grant gives the buyer at that time, in the order of their ids. What a later purchase added to an end of this one is counted anew, from its own sale.

Source: Stripe''s refunds, which may be reported more than once.
Raises: 22003 (amount_in_cents is above 2147483647), 22004 (purchase_id or at is NULL), 22008 (at is infinite), 22023 (an amount of 0 or less, or an empty refund_ref), KB106 (there is no such purchase), KB903 (the amount is more than is left), KB906 (refund_ref was recorded for another purchase or sum).';
GRANT EXECUTE ON FUNCTION coursebase.refund_purchase(uuid, bigint, timestamptz, text, uuid) TO server;

CREATE FUNCTION coursebase.refund_payment(
    payment_intent_id text DEFAULT NULL,
    charge_id text DEFAULT NULL,
    invoice_id text DEFAULT NULL,
    amount_in_cents bigint DEFAULT NULL,
    refund_ref text DEFAULT NULL,
    is_total boolean DEFAULT false,
    at timestamptz DEFAULT now(),
    user_id uuid DEFAULT NULL
)
RETURNS TABLE (
    purchase_id uuid,
    refunded_in_cents integer,
    refunded_at timestamptz,
    revoked_course_ids uuid[]
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_refund_payment';
COMMENT ON FUNCTION coursebase.refund_payment(text, text, text, bigint, text, boolean, timestamptz, uuid) IS
    'Records a refund as its provider tells of it: by the payment, as one refund with an id, or as all that was paid back of a charge until then. Both may come, in any order; what counts is the greater, once. A dispute (an id that begins with dp_ or du_) stands beside both: one of more than is left takes what is left, be it nothing, and the rest when a refund fails. For the server; writes with the rights of the tables'' owner, and audits every refund.

payment_intent_id, charge_id, invoice_id: the payment, as complete_purchase() has it; any of them may be NULL, and one that the purchase lacks is filled in. amount_in_cents: what was paid back, above 0. refund_ref: the provider''s id of the refund, or of the charge. is_total: whether amount_in_cents is all that was paid back until then. at: when. These four may not be NULL. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

purchase_id, refunded_in_cents, refunded_at, revoked_course_ids: as of refund_purchase().

Source: Stripe''s refund.created and charge.refunded, of which neither comes first.
Raises: 22003 (amount_in_cents is above 2147483647), 22004 (an argument is NULL), 22008 (at is infinite), 22023 (an amount of 0 or less, or an empty refund_ref), 40001 (under REPEATABLE READ: the purchase is newer than the snapshot; call again), KB106 (no purchase is known by the payment), KB903 (the amount is more than is left), KB906 (refund_ref was recorded for another purchase or sum).';
GRANT EXECUTE ON FUNCTION coursebase.refund_payment(text, text, text, bigint, text, boolean, timestamptz, uuid) TO server;

CREATE FUNCTION coursebase.reverse_refund(
    purchase_id uuid,
    refund_ref text,
    amount_in_cents bigint DEFAULT NULL,
    at timestamptz DEFAULT now(),
    user_id uuid DEFAULT NULL
)
RETURNS TABLE (
    purchase_id uuid,
    refunded_in_cents integer,
    refunded_at timestamptz,
    revoked_course_ids uuid[]
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_reverse_refund';
COMMENT ON FUNCTION coursebase.reverse_refund(uuid, text, bigint, timestamptz, uuid) IS
    'Gives back what a refund of a purchase took: it failed, or the dispute was won. A lost dispute that was of more than was left then takes of what came back. The same reversal again changes nothing. For the server; writes with the rights of the tables'' owner, and audits it.

purchase_id: the purchase. refund_ref: the provider''s id of the refund or dispute. amount_in_cents: its sum: with it a reversal that comes before its refund is kept, and the refund then counts for nothing; NULL, and it is not kept. at: when. Only amount_in_cents and user_id may be NULL. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

purchase_id, refunded_in_cents, refunded_at, revoked_course_ids: as of refund_payment().

Source: Stripe''s refund.failed and charge.dispute.closed.
Raises: 22003 (amount_in_cents is above 2147483647), 22004 (an argument other than amount_in_cents and user_id is NULL), 22008 (at is infinite), 22023 (a negative amount, or an empty refund_ref), 40001 (under REPEATABLE READ: the purchase is newer than the snapshot; call again), KB106 (there is no such purchase), KB822 (the setting require_signature names stripe, and the caller is not the owner of the tables), KB906 (the refund is another purchase''s), KB903 (the sums that are counted anew are more than was paid: somebody wrote the purchase meanwhile).';
GRANT EXECUTE ON FUNCTION coursebase.reverse_refund(uuid, text, bigint, timestamptz, uuid) TO server;

CREATE FUNCTION coursebase.tg_purchases__project()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_purchases__project';
COMMENT ON FUNCTION coursebase.tg_purchases__project() IS
    'AFTER UPDATE of refunded_at, access_days or access_until: counts the ends of the buyer''s grants of the purchase''s courses anew, and makes user_course_access what the grants give. Locks the user and writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_grants__project()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_grants__project';
COMMENT ON FUNCTION coursebase.tg_course_grants__project() IS
    'AFTER DELETE, UPDATE of expires_at, or TRUNCATE: counts the ends of the person''s other grants of the course anew, and makes user_course_access what the grants without an end give. Locks the user and writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_grants__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_grants__audit';
COMMENT ON FUNCTION coursebase.tg_course_grants__audit() IS
    'AFTER INSERT of a direct grant, UPDATE of its end, or DELETE of any: records in audit_events who gave or took the course, or moved its end; not for grants that go with their purchase. Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_user_course_access__record()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_course_access__record';
COMMENT ON FUNCTION coursebase.tg_user_course_access__record() IS
    'AFTER DELETE or TRUNCATE: deletes every grant without an end that counts. Locks the user and writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_user_course_access__record_made()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_user_course_access__record_made';
COMMENT ON FUNCTION coursebase.tg_user_course_access__record_made() IS
    'AFTER INSERT, per statement: records a direct grant for each row of the new table "made" whose course no grant without an end gives. The people are locked before (tg_any__lock_user). Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_purchases__grant()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_purchases__grant';
COMMENT ON FUNCTION coursebase.tg_purchases__grant() IS
    'AFTER INSERT, per statement: the purchases of the new table "made" get access_days and access_until of their products, unless they have one of their own, and grants of the courses with the ends that follow; direct grants of the same transaction for these courses become the purchases'' own. Stands back in a restore.';

CREATE FUNCTION coursebase.tg_purchases__refund()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_purchases__refund';
COMMENT ON FUNCTION coursebase.tg_purchases__refund() IS
    'BEFORE INSERT or UPDATE of the refund: a full refund has the whole sum and a time, whichever was written; refunded_at back to NULL reverses it. A time that is there does not move to another (KB401).';

CREATE FUNCTION coursebase.tg_purchases__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_purchases__audit';
COMMENT ON FUNCTION coursebase.tg_purchases__audit() IS
    'AFTER UPDATE of the refunded sum: writes the audit event of a refund, or of its reversal, after which the recorded refunds of it count no more.';

CREATE FUNCTION coursebase.tg_any__bound()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__bound';
COMMENT ON FUNCTION coursebase.tg_any__bound() IS
    'BEFORE INSERT of a grant or an access: what a purchase of the same transaction gave already is not inserted again, nor an access that is there by an earlier purchase; a purchase''s grant gets the end that the purchase says.';

CREATE FUNCTION coursebase.tg_course_grants__keep_end()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_grants__keep_end';
COMMENT ON FUNCTION coursebase.tg_course_grants__keep_end() IS
    'BEFORE UPDATE of expires_at of a purchase''s grant: refuses it (KB401), for the end follows from the purchase.';

CREATE FUNCTION coursebase.tg_course_grants__project_made()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_grants__project_made';
COMMENT ON FUNCTION coursebase.tg_course_grants__project_made() IS
    'AFTER INSERT, per statement: for the grants of the new table "made" counts the ends that follow from each other, sets grants_may_end of the courses of those with an end, and makes user_course_access what those without one give. The people are locked before (tg_any__lock_user). Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_purchases__audit_terms()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_purchases__audit_terms';
COMMENT ON FUNCTION coursebase.tg_purchases__audit_terms() IS
    'AFTER UPDATE of access_days or access_until: records in audit_events who changed them.';

CREATE FUNCTION coursebase.tg_course_products__lock_buyers()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_products__lock_buyers';
COMMENT ON FUNCTION coursebase.tg_course_products__lock_buyers() IS
    'BEFORE INSERT OR UPDATE: locks the buyers of a product that gives later courses, before the product is locked (trigger t300_stamp_product). Stands back for end users who are no administrators, whom row security refuses next. Reads with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_products__give_later()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_products__give_later';
COMMENT ON FUNCTION coursebase.tg_course_products__give_later() IS
    'AFTER INSERT OR UPDATE, per statement: gives the courses of the new table "made" to those who bought a product with gives_later_courses before, bound to their purchases that have not ended; what it gives a purchase that was refunded counts after the reversal. KB007 if somebody is just buying it (40001 under REPEATABLE READ). Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_course_products__give_replicated()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_course_products__give_replicated';
COMMENT ON FUNCTION coursebase.tg_course_products__give_replicated() IS
    'AFTER INSERT OR UPDATE of a row that comes from home: gives the course to those who bought the product in this cell, as tg_course_products__give_later() does of a row that is written here. KB007 if somebody is just buying it; the server then applies the row again. Writes with the rights of the tables'' owner.';
