-- Discounts and referrals. Functions run as their caller and reach the tables with the rights of the tables' owner.

CREATE FUNCTION coursebase.validate_discount(
    user_id uuid,
    code text DEFAULT NULL,
    product_type text DEFAULT NULL,
    base_in_cents bigint DEFAULT NULL,
    currency text DEFAULT NULL,
    item text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    valid boolean,
    reason text,
    discount_in_cents integer,
    final_in_cents integer,
    expires_at timestamptz
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_validate_discount';
COMMENT ON FUNCTION coursebase.validate_discount(uuid, text, text, bigint, text, text, timestamptz) IS
    'Answers whether a person may use a discount code on a price, and what the code takes off. Changes nothing. For the server; reads with the rights of the tables'' owner.

user_id: the person. code: as the buyer typed it, in any case, with white space around it; NULL is no code. product_type: course, subscription, ai_credits or custom_course. base_in_cents: the price in minor units, not negative. currency: ISO 4217, compared with that of a fixed amount. item: the product (a base product id or a course code); NULL names none. at: when the person wants to buy. Only code and item may be NULL.

valid: whether every rule passes. reason: NULL, or that of the first rule that fails: not_found, disabled, not_started, expired, wrong_product, wrong_item, wrong_cohort, not_assigned, assignment_expired, already_used, limit_reached, first_purchase_only, below_minimum, currency_mismatch, self_referral, user_deleted (an unknown account too). discount_in_cents: what the code takes off; 0 unless valid. final_in_cents: the price without it. expires_at: the earlier end of the code and of the person''s assignment; NULL without an end.

Source: the product''s rules of discounts, in that order; explain_discount() lists all of them.
Raises: 22003 (base_in_cents is above 2147483647), 22004 (another argument than code or item is NULL), 22008 (at is not finite), 22023 (base_in_cents is negative, or currency is no code of three letters).';
GRANT EXECUTE ON FUNCTION coursebase.validate_discount(uuid, text, text, bigint, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.explain_discount(
    user_id uuid,
    code text DEFAULT NULL,
    product_type text DEFAULT NULL,
    base_in_cents bigint DEFAULT NULL,
    currency text DEFAULT NULL,
    item text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (rule text, passed boolean, reason text, detail text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 16
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_explain_discount';
COMMENT ON FUNCTION coursebase.explain_discount(uuid, text, text, bigint, text, text, timestamptz) IS
    'Answers every rule of validate_discount(), one row a rule, in the order in which they are asked. Changes nothing. For the server; reads with the rights of the tables'' owner.

Arguments: those of validate_discount().

rule: the name of the rule. passed: whether it passes; NULL for all rules but the first where the code is unknown. reason: NULL, or what validate_discount() answers where this is the first rule that fails. detail: what the rule looked at, for a person to read; NULL where passed is.

Source: the product''s rules of discounts.
Raises: 22003 (base_in_cents is above 2147483647), 22004 (another argument than code or item is NULL), 22008 (at is not finite), 22023 (base_in_cents is negative, or currency is no code of three letters).';
GRANT EXECUTE ON FUNCTION coursebase.explain_discount(uuid, text, text, bigint, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.redeem_discount(
    user_id uuid,
    code text DEFAULT NULL,
    product_type text DEFAULT NULL,
    base_in_cents bigint DEFAULT NULL,
    currency text DEFAULT NULL,
    order_ref text DEFAULT NULL,
    item text DEFAULT NULL,
    at timestamptz DEFAULT now(),
    paid_at timestamptz DEFAULT NULL
)
RETURNS TABLE (
    redemption_id uuid,
    discount_in_cents integer,
    final_in_cents integer,
    redeemed_at timestamptz,
    reversed_at timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_redeem_discount';
COMMENT ON FUNCTION coursebase.redeem_discount(uuid, text, text, bigint, text, text, text, timestamptz, timestamptz) IS
    'Uses a discount code for an order, once: the same order again answers its first result, also after the code has ended. A reservation of the person for the code is used up, whichever order it is for. However many people ask at once, a code is never used more often than max_redemptions. Where the order holds a reservation that lives, its quote is redeemed, whatever became of the code since. For the server; writes with the rights of the tables'' owner.

order_ref: the caller''s name for the order, not empty and without a blank at either end; an order of a person uses one code. That of a sale is its stripe_session_id: a full refund of the sale then gives the use back by itself, also one that came before this call. The other arguments: those of validate_discount(); the use is recorded at at. paid_at: when what the order is of was paid, where it is recorded already: a code for first purchases then looks at what was paid for before that; NULL: it is not paid yet, or a sale that order_ref names. Only code, item and paid_at may be NULL.

redemption_id: the key of the use in discount_redemptions. discount_in_cents: what the code took off. final_in_cents: the price without it. redeemed_at: when the order used the code first. reversed_at: when reverse_discount() or the refund of the sale gave the use back, or NULL.

Source: the product''s rule that a code gives what it promised, once an order.
Raises: 22003 (base_in_cents is above 2147483647), 22004 (another argument than code, item or paid_at is NULL), 22008 (at or paid_at is not finite), 22023 (base_in_cents is negative, currency is no code of three letters, or order_ref is empty or has a blank at an end), KB106 (no such user), KB601 (a rule refuses the code; the message names the reason), KB602 (the order has used another code, or the same code for another price or product).';
GRANT EXECUTE ON FUNCTION coursebase.redeem_discount(uuid, text, text, bigint, text, text, text, timestamptz, timestamptz) TO server;

CREATE FUNCTION coursebase.reserve_discount(
    user_id uuid,
    code text DEFAULT NULL,
    product_type text DEFAULT NULL,
    base_in_cents bigint DEFAULT NULL,
    currency text DEFAULT NULL,
    order_ref text DEFAULT NULL,
    item text DEFAULT NULL,
    ttl interval DEFAULT '15 minutes',
    at timestamptz DEFAULT now()
)
RETURNS TABLE (discount_in_cents integer, final_in_cents integer, reserved_until timestamptz)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_reserve_discount';
COMMENT ON FUNCTION coursebase.reserve_discount(uuid, text, text, bigint, text, text, text, interval, timestamptz) IS
    'Holds a place of a discount code for an order until redeem_discount(), release_discount() or the end of ttl: until then neither the end of the code nor that of the assignment takes the place away, and the order redeems what was shown here, whatever becomes of the code. A person has a code once, so that a later order takes the reservation over; the same order again answers the first end, and for another price or item what the rules say of that one. For the server; writes with the rights of the tables'' owner.

order_ref: the caller''s name for the order, not empty and without a blank at either end. ttl: how long the place is held from at on; above 0 and not without end. The other arguments: those of validate_discount(). Only code and item may be NULL.

discount_in_cents, final_in_cents: what the code takes off, and the price without it. reserved_until: when the reservation ends.

Source: the product''s rule that a buyer at checkout keeps the price that the page showed.
Raises: 22003 (base_in_cents is above 2147483647), 22004 (another argument than code or item is NULL), 22008 (at is not finite), 22023 (base_in_cents is negative, currency is no code of three letters, order_ref is empty or has a blank at an end, or ttl not above 0), KB106 (no such user), KB601 (a rule refuses the code; the message names the reason), KB602 (the order has used a code, or holds another one).';
GRANT EXECUTE ON FUNCTION coursebase.reserve_discount(uuid, text, text, bigint, text, text, text, interval, timestamptz) TO server;

CREATE FUNCTION coursebase.release_discount(user_id uuid, order_ref text)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_release_discount';
COMMENT ON FUNCTION coursebase.release_discount(uuid, text) IS
    'Gives the place back that an order holds by reserve_discount(). Answers true, or false where the order holds none (any more). For the server; writes with the rights of the tables'' owner.

user_id, order_ref: the person and the order. Neither may be NULL.

Source: the product''s rule that a checkout given up frees what it held.
Raises: 22004 (an argument is NULL), KB106 (no such user).';
GRANT EXECUTE ON FUNCTION coursebase.release_discount(uuid, text) TO server;

CREATE FUNCTION coursebase.reverse_discount(
    user_id uuid,
    order_ref text,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_reverse_discount';
COMMENT ON FUNCTION coursebase.reverse_discount(uuid, text, timestamptz) IS
    'Gives an order''s use of a discount code back, after a refund: the person may use the code again, and its place is free. Answers true, or false where the order used none or gave the use back before. The order keeps its result in discount_redemptions. For the server; writes with the rights of the tables'' owner.

user_id, order_ref: the person and the order. at: when the use is given back. No argument may be NULL.

Source: the product''s rule that a refund gives back what the purchase took.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), KB106 (no such user).';
GRANT EXECUTE ON FUNCTION coursebase.reverse_discount(uuid, text, timestamptz) TO server;

CREATE FUNCTION coursebase.restore_discount(
    user_id uuid,
    order_ref text,
    reversed_at timestamptz,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_restore_discount';
COMMENT ON FUNCTION coursebase.restore_discount(uuid, text, timestamptz, timestamptz) IS
    'Takes an order''s use of a discount code again that a refund gave back, after the refund was reversed. Answers true, or false where that refund gave none back, the person uses the code otherwise by now, or others have taken its last place: the order then keeps its price, and the use stays given back. For the server; writes with the rights of the tables'' owner.

user_id, order_ref: the person and the order. reversed_at: the time of the refund, which names what it gave back. at: when the use is taken again. No argument may be NULL.

Source: the product''s rule that a reversal gives back exactly what the refund took.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), KB106 (no such user).';
GRANT EXECUTE ON FUNCTION coursebase.restore_discount(uuid, text, timestamptz, timestamptz) TO server;

CREATE FUNCTION coursebase.split_discount(lines bigint[], total bigint)
RETURNS bigint[]
LANGUAGE c
IMMUTABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_split_discount';
COMMENT ON FUNCTION coursebase.split_discount(bigint[], bigint) IS
    'Splits a total over lines in proportion to them, in whole minor units, by largest remainder; the earlier line comes first where remainders are equal. Lines that are all 0 count as equal. The parts add up to the total, and no part is above its line unless the total is above their sum. Anybody who is signed in and the server may call it; it reads no table.

lines: amounts in minor units, not negative, one dimension without NULLs. total: what to split, not negative. NULL for either answers NULL. Answers one part a line, in the order of lines.

Source: the product''s rule that the lines of an invoice add up.
Raises: 22023 (a line or the total is negative, or a total above 0 has no line), 2202E (lines has more than one dimension, or a NULL).';
GRANT EXECUTE ON FUNCTION coursebase.split_discount(bigint[], bigint) TO end_user, server;

CREATE FUNCTION coursebase.split_counter(code text, shards integer DEFAULT 16)
RETURNS bigint
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_split_counter';
COMMENT ON FUNCTION coursebase.split_counter(text, integer) IS
    'Spreads the counter of a discount code over several rows (discount_code_shards), so that as many buyers at once do not wait for each other; 0 joins it to one row again. The count and the limit stay. Waits for everybody who is using the code. Answers how many places of the code are taken. For the server; writes with the rights of the tables'' owner.

Where there are several cells, it is called on home, once, and spreads the free places of a limited code over them: each cell sells its own. A limited code that is not split is sold on home alone. The limit of a code that is split may be changed on home then: what it grows or shrinks by is home''s, from where refill_counter() moves it.

code: as a buyer would type it. shards: 0 to 1024; with cells at least as many as there are. Neither may be NULL.

Source: an operator''s tuning of a code that many want in the same moment.
Raises: 22004 (an argument is NULL), 22023 (shards is out of range), KB106 (no such code), KB603 (the places are those of several cells already: what others took is not known here), KBC04 (this cell is not home).';
GRANT EXECUTE ON FUNCTION coursebase.split_counter(text, integer) TO server;

CREATE FUNCTION coursebase.refill_counter(code text, cell integer, places bigint)
RETURNS bigint
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_refill_counter';
COMMENT ON FUNCTION coursebase.refill_counter(text, integer, bigint) IS
    'Moves free places of a discount code from home to another cell, which sells them once it has heard of it, and answers how many there were to move. So the places of all cells always add up to the limit. Called on home, after split_counter(). Waits for everybody on home who is using the code. For the server; writes with the rights of the tables'' owner.

code: as a buyer would type it. cell: the number of the other cell. places: how many at most. None may be NULL. An unlimited code has nothing to move.

Raises: 22004 (an argument is NULL), 22023 (no such cell beside home, or places is negative), KB106 (no such code), KB603 (the counter is not split), KBC04 (this server is not home).';
GRANT EXECUTE ON FUNCTION coursebase.refill_counter(text, integer, bigint) TO server;

CREATE FUNCTION coursebase.assign_discounts(user_id uuid, at timestamptz DEFAULT now())
RETURNS integer
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_assign_discounts';
COMMENT ON FUNCTION coursebase.assign_discounts(uuid, timestamptz) IS
    'Gives a person every active code of their cohort, and every active code for everybody, that they have not had yet. Answers how many; 0 for an unknown or closed account. For the server; writes with the rights of the tables'' owner.

user_id: the person. at: when the codes are given; an assignment ends lifespan later (months and days are those of UTC), or with the code. Neither may be NULL.

Source: the product''s rule that a code with a lifespan runs from the day on which a person gets it.
Raises: 22004 (an argument is NULL), 22008 (at is not finite).';
GRANT EXECUTE ON FUNCTION coursebase.assign_discounts(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.validate_referral_code(code text, at timestamptz DEFAULT now())
RETURNS TABLE (valid boolean, kind text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_validate_referral_code';
COMMENT ON FUNCTION coursebase.validate_referral_code(text, timestamptz) IS
    'Answers whether a code may be entered at sign-up. Changes nothing, and does not tell whose code it is. Anybody may call it; reads with the rights of the tables'' owner. Never raises.

code: as a person typed it, in any case, with white space around it; NULL is not valid. at: the time asked about; NULL is now.

valid: whether the code exists and may be used then. kind: discount (a code of discount_codes, which goes first) or referral (a person''s own code); NULL unless valid.

Source: the product''s rule that one field takes both kinds of code.';
GRANT EXECUTE ON FUNCTION coursebase.validate_referral_code(text, timestamptz) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.attach_referral(
    user_id uuid,
    code text,
    at timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_attach_referral';
COMMENT ON FUNCTION coursebase.attach_referral(uuid, text, timestamptz) IS
    'Records who brought a person: the referrer of a discount code that is active then, or the person whose own code it is. Answers true, or false where the same referrer is recorded already. For the server; writes with the rights of the tables'' owner.

user_id: the person brought. code: as the person typed it, in any case, with white space around it. at: when the code was entered. No argument may be NULL. A link that closes a ring of referrers is refused by the trigger of user_profile (KB604).

Source: the product''s rule that a person is brought once, by somebody else.
Raises: 22004 (an argument is NULL), KB106 (no such user, the account is closed or was merged, or the user has no profile), KB401 (somebody else is recorded already), KB605 (nobody has the code, or it is the person''s own).';
GRANT EXECUTE ON FUNCTION coursebase.attach_referral(uuid, text, timestamptz) TO server;

CREATE FUNCTION coursebase.attach_referrer(user_id uuid, referrer uuid)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_attach_referrer';
COMMENT ON FUNCTION coursebase.attach_referrer(uuid, uuid) IS
    'Records who brought a person, by the referrer''s id: what attach_referral() is for a code whose owner lives in another cell. Called in the cell of the person brought; the first premium then leaves a credit in referral_deliveries, which pending_referrals() hands out. A ring of referrers over several cells is not seen; each of them is paid once all the same. Answers true, or false where the same referrer is recorded already. For the server; writes with the rights of the tables'' owner.

user_id: the person brought. referrer: who has the code, in whichever cell. Neither may be NULL.

Source: the product''s rule that a person is brought once, by somebody else.
Raises: 22004 (an argument is NULL), KB106 (no such user, the account is closed or was merged, or the user has no profile), KB401 (somebody else is recorded already), KB605 (nobody has the id, or it is the person''s own).';
GRANT EXECUTE ON FUNCTION coursebase.attach_referrer(uuid, uuid) TO server;

CREATE FUNCTION coursebase.pending_referrals(batch integer DEFAULT 100)
RETURNS TABLE (
    referred uuid,
    version integer,
    user_id uuid,
    cell integer,
    amount_in_cents integer,
    currency text,
    earned_at timestamptz,
    available_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz
)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.referred, d.version, d.referrer_id, p.cell, d.amount_in_cents, d.currency, d.earned_at,
        d.available_at, d.expires_at, d.revoked_at
    FROM coursebase.referral_deliveries d
    LEFT JOIN coursebase.people p ON p.user_id = d.referrer_id
    WHERE d.version > d.delivered_version
    ORDER BY d.updated_at, d.referred
    LIMIT greatest(batch, 0)
$$;
COMMENT ON FUNCTION coursebase.pending_referrals(integer) IS
    'Hands out what referrers in other cells have earned from people of this cell and their cells do not know yet, what waits longest first. Each row is passed to receive_referral() in the referrer''s cell, and then its key and version to acknowledge_referral() here. Until then it is handed out again, also to two callers at once: what arrives twice counts once. For the server; reads with the caller''s rights.

batch: at most so many rows; NULL answers none.

referred: key of the delivery. version: the state that it tells. user_id: the referrer. cell: where the referrer lives; NULL where the directory does not know. amount_in_cents, currency, earned_at, available_at, expires_at, revoked_at: the credit, as in referral_credits.';
GRANT EXECUTE ON FUNCTION coursebase.pending_referrals(integer) TO server;

CREATE FUNCTION coursebase.receive_referral(
    user_id uuid,
    referred uuid,
    version integer,
    amount_in_cents integer,
    currency text,
    earned_at timestamptz,
    available_at timestamptz,
    expires_at timestamptz DEFAULT NULL,
    revoked_at timestamptz DEFAULT NULL
)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_receive_referral';
COMMENT ON FUNCTION coursebase.receive_referral(uuid, uuid, integer, integer, text, timestamptz, timestamptz, timestamptz, timestamptz) IS
    'Takes a row of pending_referrals() of another cell, in the cell of the referrer. The same row again, and one that is older than what arrived, changes nothing, so that rows may come in any order. Answers whether it was news: false also where the referrer''s account is closed, who is paid nothing any more. A merged account''s credit is the kept person''s. For the server; writes with the rights of the tables'' owner.

All arguments are columns of pending_referrals(). expires_at, revoked_at: may be NULL; no other may.

Source: the product''s rule that a first premium pays the referrer once, wherever the two live.
Raises: 22004 (another argument is NULL), 22008 (a time is not finite), 22023 (version or amount_in_cents is not above 0, currency is not three capital letters, or available_at is before earned_at), KB007 (the referrer''s account is merging while the one that is kept is closed; call again), KB106 (no such user), KBC01 (the referrer lives in another cell).';
GRANT EXECUTE ON FUNCTION coursebase.receive_referral(uuid, uuid, integer, integer, text, timestamptz, timestamptz, timestamptz, timestamptz) TO server;

CREATE FUNCTION coursebase.acknowledge_referral(referred uuid, version integer)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_acknowledge_referral';
COMMENT ON FUNCTION coursebase.acknowledge_referral(uuid, integer) IS
    'Says that a row of pending_referrals() arrived: it is not handed out again, unless its state changes. Called in the cell that handed it out. Answers whether that was news. For the server; writes with the rights of the tables'' owner.

referred, version: as pending_referrals() answered; a key or a version that is not there changes nothing. Neither may be NULL.

Raises: 22004 (an argument is NULL).';
GRANT EXECUTE ON FUNCTION coursebase.acknowledge_referral(uuid, integer) TO server;

CREATE FUNCTION coursebase.pay_referral(user_id uuid, at timestamptz DEFAULT now())
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_pay_referral';
COMMENT ON FUNCTION coursebase.pay_referral(uuid, timestamptz) IS
    'Credits the referrer of a person who has premium for the first time. Of a referrer who lives in another cell the credit waits in referral_deliveries. Answers true, or false where the person has no referrer with an open account, the credit was given before, or the setting referral_credit_in_cents is 0. Called by the machine of subscriptions in the transaction that finds the first premium, and by an operator who settles by hand. For the server; writes with the rights of the tables'' owner.

user_id: the person brought; of an account that was merged, the person who was kept. at: when the credit is earned: it may be spent referral_hold_days later, and ends referral_credit_days after that (0: never). Neither may be NULL.

Source: the settings referral_credit_in_cents, referral_credit_currency, referral_hold_days and referral_credit_days.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), KB007 (the account is merging while the one that is kept is closed; call again), KB106 (no such user).';
GRANT EXECUTE ON FUNCTION coursebase.pay_referral(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.revoke_referral(user_id uuid, at timestamptz DEFAULT now())
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_revoke_referral';
COMMENT ON FUNCTION coursebase.revoke_referral(uuid, timestamptz) IS
    'Takes the credit back that a person''s first premium earned the referrer, while it is still held. Answers true, or false where there is none, it was taken back before, or the hold is over. Called by the machine of subscriptions at a refund, and by an operator. For the server; writes with the rights of the tables'' owner.

user_id: the person brought. at: when the premium was refunded. Neither may be NULL.

Source: the product''s rule that a referral counts once the money stays.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), KB106 (no such user).';
GRANT EXECUTE ON FUNCTION coursebase.revoke_referral(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.spend_referral_credit(
    user_id uuid,
    amount_in_cents bigint,
    order_ref text,
    at timestamptz DEFAULT now(),
    currency text DEFAULT NULL
)
RETURNS integer
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_spend_referral_credit';
COMMENT ON FUNCTION coursebase.spend_referral_credit(uuid, bigint, text, timestamptz, text) IS
    'Spends a person''s referral credit for an order, once: the same order again changes nothing. The credit that ends first is spent first, in parts where one credit is not enough or too much. Where there is less than asked, nothing is spent. Answers what the order has spent, in minor units. For the server; writes with the rights of the tables'' owner.

user_id: the person. amount_in_cents: how much, above 0. order_ref: the caller''s name for the order, not empty and without a blank at either end. at: when it is spent; credit on hold or at its end does not count. currency: that of the order, in which credit must be; NULL is the setting referral_credit_currency. No other argument may be NULL.

Source: the product''s rule that referral credit is money off a later order.
Raises: 22003 (amount_in_cents is above 2147483647), 22004 (an argument is NULL), 22008 (at is not finite), 22023 (amount_in_cents is not above 0, or order_ref is empty or has a blank at an end), KB106 (no such user), KB602 (the order has spent another amount or currency), KB606 (there is less credit than that).';
GRANT EXECUTE ON FUNCTION coursebase.spend_referral_credit(uuid, bigint, text, timestamptz, text) TO server;

CREATE FUNCTION coursebase.tg_any__no_cycle()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__no_cycle';
COMMENT ON FUNCTION coursebase.tg_any__no_cycle() IS
    'BEFORE INSERT OR UPDATE: refuses a link that closes a ring (KB604). Arguments: the chain (parent_code or referral), the column of the row''s key, and the column of what the row points to. Moves the chain''s row in chain_versions under its lock, and reads, with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_purchases__discount()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_purchases__discount';
COMMENT ON FUNCTION coursebase.tg_purchases__discount() IS
    'AFTER UPDATE of refunded_at, or INSERT of a sale that is refunded: gives the use of the code back that the order with the sale''s stripe_session_id made, or takes it again when the refund is reversed, as reverse_discount() and restore_discount() do. Writes with the rights of the tables'' owner.';

CREATE FUNCTION coursebase.tg_discount_codes__keep_split()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_discount_codes__keep_split';
COMMENT ON FUNCTION coursebase.tg_discount_codes__keep_split() IS
    'BEFORE UPDATE of id or max_redemptions: refuses it while the counter of the code is split (KB603), because each shard has a limit of its own. Where the shards are those of several cells, home''s own shards follow a limit that grows, and one that shrinks as far as they have free places; to a code without a limit none is given, and none is taken away. Writes with the rights of the tables'' owner.';
