-- Discounts and referrals.

CREATE FUNCTION coursebase.validate_discount(
    user_id uuid,
    code text,
    product_type text,
    base_in_cents bigint,
    currency text,
    item text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    valid boolean,
    reason text,
    discount_in_cents bigint,
    final_in_cents bigint,
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
    'Whether a person may use a code on a price, the first rule against it (not_found, disabled, not_started, expired, wrong_product, wrong_item, wrong_cohort, not_assigned, assignment_expired, already_used, limit_reached, first_purchase_only, below_minimum, currency_mismatch, self_referral, user_deleted), and what it takes off. Reads with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.validate_discount(uuid, text, text, bigint, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.explain_discount(
    user_id uuid,
    code text,
    product_type text,
    base_in_cents bigint,
    currency text,
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
    'Every rule of validate_discount() in its order: whether it passed, the reason it would give, and what it looked at. Rules that cannot be asked of an unknown code have passed NULL. Reads with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.explain_discount(uuid, text, text, bigint, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.redeem_discount(
    user_id uuid,
    code text,
    product_type text,
    base_in_cents bigint,
    currency text,
    order_ref text,
    item text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    redemption_id uuid,
    discount_in_cents bigint,
    final_in_cents bigint,
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
COMMENT ON FUNCTION coursebase.redeem_discount(uuid, text, text, bigint, text, text, text, timestamptz) IS
    'Uses a code for an order, once: the same order again answers its first result, with other content it is refused. Never more than max_redemptions, however many ask at once. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.redeem_discount(uuid, text, text, bigint, text, text, text, timestamptz) TO server;

CREATE FUNCTION coursebase.reserve_discount(
    user_id uuid,
    code text,
    product_type text,
    base_in_cents bigint,
    currency text,
    order_ref text,
    item text DEFAULT NULL,
    ttl interval DEFAULT '15 minutes',
    at timestamptz DEFAULT now()
)
RETURNS TABLE (discount_in_cents bigint, final_in_cents bigint, reserved_until timestamptz)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_reserve_discount';
COMMENT ON FUNCTION coursebase.reserve_discount(uuid, text, text, bigint, text, text, text, interval, timestamptz) IS
    'Holds a place of a code for an order until redeem_discount(), release_discount() or the end of ttl. A person holds a code once: the latest order has it. Writes with the owner''s rights.';
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
    'Gives a reservation''s place back; false when the order holds none. Writes with the owner''s rights.';
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
    'After a refund: gives the order''s use of a code back, once; false when there is none or it was given back. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.reverse_discount(uuid, text, timestamptz) TO server;

CREATE FUNCTION coursebase.split_discount(lines bigint[], total bigint)
RETURNS bigint[]
LANGUAGE c
IMMUTABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_split_discount';
COMMENT ON FUNCTION coursebase.split_discount(bigint[], bigint) IS
    'A total over lines in proportion to them: whole minor units by largest remainder, the earlier line first where remainders are equal. The parts add up to the total.';
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
    'Spreads the counter of a code over so many rows, so that as many buyers at once do not wait for each other; 0 makes it one again. Answers the count. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.split_counter(text, integer) TO server;

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
    'Gives a person every active code of their cohort and every universal one that they have not had yet; answers how many. Writes with the owner''s rights.';
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
    'Whether a code may be used now: kind is discount (a code of discount_codes) or referral (a person''s own). It does not tell whose. Reads with the owner''s rights.';
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
    'Records who brought a person, by a discount code of theirs or their own code: once, nobody themselves, no ring. False when it is recorded already. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.attach_referral(uuid, text, timestamptz) TO server;

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
    'Credits the referrer of a person who has premium for the first time; false when there is nobody to credit or it was done. Writes with the owner''s rights.';
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
    'After a refund of a person''s first premium: takes the referrer''s credit back while it is held; false when there is none, or it is not held any more. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.revoke_referral(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.spend_referral_credit(
    user_id uuid,
    amount_in_cents bigint,
    order_ref text,
    at timestamptz DEFAULT now(),
    currency text DEFAULT NULL
)
RETURNS bigint
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_spend_referral_credit';
COMMENT ON FUNCTION coursebase.spend_referral_credit(uuid, bigint, text, timestamptz, text) IS
    'Spends referral credit for an order, once, the credit that ends first first, in parts where one is larger or smaller. Not enough is refused and nothing spent. currency NULL is that of the setting referral_credit_currency. Answers what the order spent. Writes with the owner''s rights.';
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
    'BEFORE INSERT OR UPDATE: refuses a link that closes a ring. Arguments: the chain, and the columns of the row''s key and of what it points to. Reads and locks with the owner''s rights.';

CREATE FUNCTION coursebase.tg_discount_codes__keep_split()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_discount_codes__keep_split';
COMMENT ON FUNCTION coursebase.tg_discount_codes__keep_split() IS
    'BEFORE UPDATE: the limit of a code whose counter is split stays, for the parts have theirs.';
