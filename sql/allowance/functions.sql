-- Credits of the assistant: spending, reserving, packs and their refunds, and how many credits are left.

CREATE FUNCTION coursebase.tg_ai_usage__weekly_limit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_ai_usage__weekly_limit';
COMMENT ON FUNCTION coursebase.tg_ai_usage__weekly_limit() IS
    'BEFORE an UPDATE that lowers the weekly limit within a week, or turns a week back: refuses it (KB703).';

CREATE FUNCTION coursebase.consume_credits(
    user_id uuid,
    seconds numeric,
    idempotency_key text,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    credits bigint,
    weekly_credits bigint,
    bank_credits bigint,
    weekly_left bigint,
    bank_left bigint,
    next_reset timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_consume_credits';
COMMENT ON FUNCTION coursebase.consume_credits(uuid, numeric, text, timestamptz) IS
    'Spends credits for a use of the assistant: one for each second begun, of the week first and then of the bank. The same key with the same seconds again answers the first result and writes nothing. For the server; writes with the rights of the tables'' owner, under the lock of the user.

user_id: who uses the assistant. seconds: length of the use, not negative; rounded up to whole credits. idempotency_key: the caller''s name of the use, 1 to 200 characters without a blank at either end, of its own for every use of the user. at: when the use took place; an earlier time than that of the last change counts as the time of that change. No argument may be NULL.

credits: price of the use. weekly_credits, bank_credits: how many of them the week and the bank gave. weekly_left, bank_left: how many are left there. next_reset: when the week turns.

Source: the product''s rule that the week''s allowance, which lapses, is spent before what was bought.
Raises: 22004 (an argument is NULL), 22008 (at is not finite, or the week ends out of range), 22023 (seconds is no number of seconds, or idempotency_key is too short or too long or has a blank at an end), 40001 (under REPEATABLE READ: the account changed meanwhile; call again), KB106 (no such open account), KB701 (not enough credits: the detail says how many are needed, how many there are, and the next reset; nothing is written), KB702 (the key names another use).';
GRANT EXECUTE ON FUNCTION coursebase.consume_credits(uuid, numeric, text, timestamptz) TO server;

CREATE FUNCTION coursebase.reserve_credits(
    user_id uuid,
    seconds numeric,
    idempotency_key text,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    credits bigint,
    weekly_credits bigint,
    bank_credits bigint,
    weekly_left bigint,
    bank_left bigint,
    next_reset timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_reserve_credits';
COMMENT ON FUNCTION coursebase.reserve_credits(uuid, numeric, text, timestamptz) IS
    'Holds credits for a use of the assistant whose length is not known yet. What is held counts as used until commit_credits() or release_credits() ends the reservation with the same key. The same call again answers the first result and writes nothing. For the server; writes with the rights of the tables'' owner, under the lock of the user.

user_id, idempotency_key, at: as for consume_credits(). seconds: the longest that the use may take. The columns are those of consume_credits().

Source: the product''s rule that nobody begins a conversation that the credits cannot pay.
Raises: 22004 (an argument is NULL), 22008 (at is not finite, or the week ends out of range), 22023 (seconds is no number of seconds, or idempotency_key is too short or too long or has a blank at an end), 40001 (under REPEATABLE READ: the account changed meanwhile; call again), KB106 (no such open account), KB701 (not enough credits), KB702 (the key names another use).';
GRANT EXECUTE ON FUNCTION coursebase.reserve_credits(uuid, numeric, text, timestamptz) TO server;

CREATE FUNCTION coursebase.commit_credits(
    user_id uuid,
    idempotency_key text,
    seconds numeric,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    credits bigint,
    weekly_credits bigint,
    bank_credits bigint,
    weekly_left bigint,
    bank_left bigint,
    next_reset timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_commit_credits';
COMMENT ON FUNCTION coursebase.commit_credits(uuid, text, numeric, timestamptz) IS
    'Ends a reservation with the seconds that the use took. What was not needed comes back, the bank''s credits first; what was held of a week that has passed lapsed with it. What was needed beyond is spent as by consume_credits(). The same call again answers the first result and writes nothing. Works for a closed account too. For the server; writes with the rights of the tables'' owner, under the lock of the user.

user_id, idempotency_key: those of the reservation; an account that was merged since leads to the one that was kept. seconds: how long the use took, not negative; 0 gives everything back. at: when the use ended; as for consume_credits(). No argument may be NULL.

credits: price of the use. weekly_credits, bank_credits: how many credits this call took of week and bank; negative: gave back. weekly_left, bank_left, next_reset: as for consume_credits().

Source: the product''s rule that a use costs what it took.
Raises: 22004 (an argument is NULL), 22008 (at is not finite, or the week ends out of range), 22023 (seconds is no number of seconds, or idempotency_key is too short or too long), 40001 (under REPEATABLE READ: the account changed meanwhile; call again), KB007 (the account is merging while the one that is kept is closed; call again), KB106 (no such user, or no reservation with the key), KB701 (not enough credits for what was needed beyond; the reservation stays), KB702 (the key names another use, or the reservation ended otherwise).';
GRANT EXECUTE ON FUNCTION coursebase.commit_credits(uuid, text, numeric, timestamptz) TO server;

CREATE FUNCTION coursebase.release_credits(
    user_id uuid,
    idempotency_key text,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    credits bigint,
    weekly_credits bigint,
    bank_credits bigint,
    weekly_left bigint,
    bank_left bigint,
    next_reset timestamptz
)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_release_credits';
COMMENT ON FUNCTION coursebase.release_credits(uuid, text, timestamptz) IS
    'Ends a reservation whose use did not take place, and gives back what it held, but nothing of a week that has passed. The same call again answers the first result and writes nothing. Works for a closed account too. For the server; writes with the rights of the tables'' owner, under the lock of the user.

user_id, idempotency_key: those of the reservation; an account that was merged since leads to the one that was kept. at: when it was given up; as for consume_credits(). No argument may be NULL.

credits: 0. weekly_credits, bank_credits: how many credits came back, as negative numbers. weekly_left, bank_left, next_reset: as for consume_credits().

Source: the product''s rule that a use which fails costs nothing.
Raises: 22004 (an argument is NULL), 22008 (at is not finite, or the week ends out of range), 22023 (idempotency_key is too short or too long), 40001 (under REPEATABLE READ: the account changed meanwhile; call again), KB007 (the account is merging while the one that is kept is closed; call again), KB106 (no such user, or no reservation with the key), KB702 (the key names another use, or the reservation ended otherwise).';
GRANT EXECUTE ON FUNCTION coursebase.release_credits(uuid, text, timestamptz) TO server;

CREATE FUNCTION coursebase.check_credits(
    seconds numeric,
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    allowed boolean,
    reason text,
    needed bigint,
    available bigint,
    next_reset timestamptz
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_check_credits';
COMMENT ON FUNCTION coursebase.check_credits(numeric, uuid, timestamptz) IS
    'Answers whether a user could pay a use of the assistant at a time, in one row; no row for nobody. For users, each about the own account, administrators and the server; reads with the rights of the tables'' owner and writes nothing.

seconds: length of the use, not negative; may not be NULL. user_id: the user; NULL is the user who asks; only an administrator or the server may name another user. at: the time asked about; may not be NULL.

allowed: whether week and bank hold enough. reason: not_enough_credits, or NULL if allowed. needed: price of the use in credits. available: credits left in week and bank. next_reset: when the week turns; NULL before the first use.

Source: the rules of consume_credits(), which may refuse all the same once others have spent.
Raises: 22004 (seconds or at is NULL), 22008 (at is not finite, or the week ends out of range), 22023 (seconds is no number of seconds), 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.check_credits(numeric, uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.credit_balance(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    weekly_limit_credits bigint,
    weekly_used_credits bigint,
    weekly_reset_date timestamptz,
    bank_limit_credits bigint,
    bank_used_credits bigint,
    available bigint
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_credit_balance';
COMMENT ON FUNCTION coursebase.credit_balance(uuid, timestamptz) IS
    'Answers the credits of a user at a time, in one row; no row for nobody. The time may be now, past, as the log has it, or to come, with the weeks that turn until then. For users, each about the own account, administrators and the server; reads with the rights of the tables'' owner.

user_id: the user; NULL is the user who asks; only an administrator or the server may name another user. at: the time asked about; may not be NULL.

weekly_limit_credits: allowance of the week. weekly_used_credits: how much of it is spent or reserved. weekly_reset_date: when the week turns; NULL before the first use. bank_limit_credits: credits of all packs less what refunds took back and what went to another person. bank_used_credits: how many of them are spent or reserved. available: what is left of both.

Source: credit_log, and the entitlements and the setting free_weekly_credits for weeks that turned unseen.
Raises: 22004 (at is NULL), 22008 (at is not finite, or the week ends out of range), 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.credit_balance(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.grant_credit_pack(
    user_id uuid,
    product_id text,
    credits bigint,
    source text,
    environment text,
    purchase_id text,
    purchase_token text,
    amount_in_cents bigint DEFAULT NULL,
    currency text DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (credit_purchase_id uuid, bank_credits bigint, bank_left bigint)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_grant_credit_pack';
COMMENT ON FUNCTION coursebase.grant_credit_pack(uuid, text, bigint, text, text, text, text, bigint, text, timestamptz) IS
    'Records a pack of credits that a user bought, and puts its credits into the bank. The same purchase again answers the first result and writes nothing. Writes an audit event credit_pack_granted, but for a receipt of validate_purchase(), which has its own. For the server; writes with the rights of the tables'' owner, under the lock of the user.

user_id: the buyer, whose account must be open. product_id: base id of the product, as in store_products. credits: how many credits the pack has, above 0. source, environment, purchase_id: which purchase it is: the store, production or sandbox, and the store''s id. purchase_token: with what the store is asked about it. amount_in_cents, currency: what was paid, in minor units, and its ISO 4217 code; either both or neither is NULL. at: when the pack was bought. Only amount_in_cents and currency may be NULL.

credit_purchase_id: the row of ai_credit_purchases. bank_credits: credits that the pack brought. bank_left: credits left in the bank afterwards.

Source: the product''s rule that what is bought never lapses.
Raises: 22003 (the bank would be out of range, or amount_in_cents is above 2147483647), 22004 (an argument is NULL), 22008 (at is not finite, or the week ends out of range), 22023 (purchase_id is empty or has a blank at an end, an unknown environment, currency is no code of three capital letters, or only one of amount_in_cents and currency is NULL), 23514 (credits or amount_in_cents is of the wrong form), 40001 (under REPEATABLE READ: the account changed meanwhile; call again), KB106 (no such open account), KB205 (the purchase was granted to another user, or with another product or number of credits), KB822 (the setting require_signature names the source, and the caller is not the owner of the tables).';
GRANT EXECUTE ON FUNCTION coursebase.grant_credit_pack(uuid, text, bigint, text, text, text, text, bigint, text, timestamptz) TO server;

CREATE FUNCTION coursebase.refund_credit_pack(
    source text,
    environment text,
    purchase_id text,
    at timestamptz DEFAULT now(),
    credits bigint DEFAULT NULL,
    user_id uuid DEFAULT NULL
)
RETURNS TABLE (credit_purchase_id uuid, bank_credits bigint, bank_left bigint)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_refund_credit_pack';
COMMENT ON FUNCTION coursebase.refund_credit_pack(text, text, text, timestamptz, bigint, uuid) IS
    'Takes back what is unspent of a pack of credits, as far as its refund is of it, and nothing of another pack: the credits of the pack granted first are spent first. Of a pack that went from person to person it takes what the one who has it has not spent, then what came back to the others. What a reservation holds of the pack is taken when it comes back. A refund in full that is repeated answers the first result and writes nothing; each refund of a part counts. When all of the pack is refunded and a store sold it, its receipt is refunded too, and the use of its discount given back; a part leaves the receipt as it is. Writes an audit event credit_pack_refunded, but for refund_store_purchase(), which has its own. Works for a closed account too. For the server; writes with the rights of the tables'' owner, under the locks of all who hold of the pack.

source, environment, purchase_id: the purchase, as grant_credit_pack() had it. at: when the store refunded; an earlier time than that of the last change counts as the time of that change. credits: how many of the pack''s credits were paid back, above 0; NULL is all that is left. Only credits and user_id may be NULL. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

credit_purchase_id: the row of ai_credit_purchases. bank_credits: by how many credits the bank of the person who has the pack grew: 0 or negative. bank_left: credits left in that bank afterwards.

Source: the product''s rule that a refund takes what it can and leaves no debt.
Raises: 22004 (an argument is NULL), 22008 (at is not finite, or the week ends out of range), 22023 (purchase_id is empty or has a blank at an end, or credits is not above 0), 40001 (under REPEATABLE READ: the account changed meanwhile; call again), KB007 (the purchase goes from person to person; call again), KB106 (no such purchase).';
GRANT EXECUTE ON FUNCTION coursebase.refund_credit_pack(text, text, text, timestamptz, bigint, uuid) TO server;

CREATE FUNCTION coursebase.reverse_credit_pack_refund(
    source text,
    environment text,
    purchase_id text,
    at timestamptz DEFAULT now(),
    credits bigint DEFAULT NULL,
    user_id uuid DEFAULT NULL
)
RETURNS TABLE (credit_purchase_id uuid, bank_credits bigint, bank_left bigint)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_reverse_credit_pack_refund';
COMMENT ON FUNCTION coursebase.reverse_credit_pack_refund(text, text, text, timestamptz, bigint, uuid) IS
    'Gives back what refund_credit_pack() took of a pack, when the store took its refund back, to the person who has the pack. Where nothing of the pack is refunded, nothing changes. The receipt of a pack of which all was refunded is valid again: its refunds are reversed, or the last one alone where a part of the pack stays refunded, and the use of its discount is taken again. Writes an audit event credit_pack_refund_reversed, but for reverse_store_refund(), which has its own. Works for a closed account too. For the server; writes with the rights of the tables'' owner, under the locks of all who hold of the pack.

source, environment, purchase_id, at: as for refund_credit_pack(). credits: how many credits the refund was of, above 0; NULL is all that is refunded. Only credits and user_id may be NULL. user_id: whose it is, by which a router finds the cell; another person''s thing is refused, and NULL compares nothing.

credit_purchase_id: the row of ai_credit_purchases. bank_credits: by how many credits the bank grew: what the refund had taken. bank_left: credits left in the bank afterwards.

Source: Apple''s REFUND_REVERSED, and disputes that are won.
Raises: 22003 (the bank would be out of range), 22004 (an argument is NULL), 22008 (at is not finite, or the week ends out of range), 22023 (purchase_id is empty or has a blank at an end, or credits is not above 0), 40001 (under REPEATABLE READ: the account changed meanwhile; call again), KB007 (the purchase goes from person to person; call again), KB106 (no such purchase), KB822 (the setting require_signature names the source, and the caller is not the owner of the tables).';
GRANT EXECUTE ON FUNCTION coursebase.reverse_credit_pack_refund(text, text, text, timestamptz, bigint, uuid) TO server;

CREATE FUNCTION coursebase.ai_usage_member(user_id uuid, at timestamptz)
RETURNS TABLE (member text, valid_from timestamptz, valid_until timestamptz)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_ai_usage_member';
COMMENT ON FUNCTION coursebase.ai_usage_member(uuid, timestamptz) IS
    'Answers the member ai_usage of a handshake for a user: one row. The account is the one that is stored now, with the weeks that turn until the time asked about. For the server; reads with the rights of the tables'' owner. For slices that answer with the account.

user_id: the user. at: the time asked about. Neither may be NULL.

member: JSON of the account, as the handshake describes it. valid_from: since when the member has been as it is, because a week turned; NULL: no turn was seen. valid_until: when the week turns; NULL before the first use.

Raises: 22004 (an argument is NULL), 22008 (at is not finite, or the week ends out of range).';
GRANT EXECUTE ON FUNCTION coursebase.ai_usage_member(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.explain_credits(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (item text, object text, credits bigint, unspent bigint, detail text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH person (id) AS (
        SELECT coalesce(explain_credits.user_id, coursebase.current_user_id())
    ), balance AS (
        SELECT b.* FROM coursebase.credit_balance(explain_credits.user_id, explain_credits.at) b
    ), entries AS (
        SELECT l.*
        FROM coursebase.credit_log l
        JOIN person p ON l.user_id = p.id
        WHERE l.at <= explain_credits.at
    ), packs AS (
        -- what the person holds of a pack, and of the packs that came before it, which are spent first
        SELECT k.*, c.product_id, c.purchase_id,
            coalesce(sum(k.held) OVER (ORDER BY k.position
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before,
            k.has_refund AND coalesce(c.claimed_credits > 0, k.taken > 0) AS refunded
        FROM (
            SELECT e.credit_purchase_id AS id, min(e.position) AS position,
                (sum(e.bank_credits) - coalesce(sum(e.credits), 0))::bigint AS held,
                sum(e.bank_credits) FILTER (WHERE e.kind = 'pack')::bigint AS bought,
                coalesce(sum(e.bank_credits) FILTER (WHERE e.kind IN ('moved_out', 'moved_in')),
                    0)::bigint AS moved,
                (coalesce(sum(e.credits), 0) - coalesce(sum(e.bank_credits)
                    FILTER (WHERE e.kind IN ('refund', 'reversal')), 0))::bigint AS taken,
                bool_or(e.kind = 'refund') AS has_refund
            FROM entries e
            WHERE e.credit_purchase_id IS NOT NULL
            GROUP BY e.credit_purchase_id
        ) k
        -- the row of a pack that went to another person is that person's to read
        LEFT JOIN coursebase.ai_credit_purchases c ON c.id = k.id
    )
    SELECT x.item, x.object, x.credits, x.unspent, x.detail
    FROM (
        SELECT 1, 0::bigint, 'week', NULL, b.weekly_limit_credits,
            b.weekly_limit_credits - b.weekly_used_credits,
            CASE WHEN b.weekly_reset_date IS NULL THEN 'The first use begins the week.'
                ELSE 'Spent first; what is left lapses when the week turns.' END
        FROM balance b
        UNION ALL
        SELECT 2, k.position, 'pack', coalesce(k.product_id || ' ' || k.purchase_id, k.id::text),
            coalesce(k.bought, greatest(k.moved, 0)),
            k.held - least(k.held, greatest(b.bank_used_credits - k.before, 0))::bigint,
            CASE WHEN k.refunded THEN format('Refunded: %s credits were taken back.', k.taken)
                WHEN k.moved < 0 THEN format('%s credits went to another account.', -k.moved)
                ELSE 'Never lapses; the first pack is spent first.' END
        FROM packs k
        CROSS JOIN balance b
        UNION ALL
        SELECT 3, e.position, 'reservation', e.idempotency_key, e.credits, NULL,
            'Held until commit_credits() or release_credits() ends it.'
        FROM entries e
        WHERE e.kind = 'reserve' AND NOT EXISTS (
            SELECT FROM entries d
            WHERE d.idempotency_key = e.idempotency_key AND d.kind IN ('commit', 'release'))
    ) x (part, position, item, object, credits, unspent, detail)
    ORDER BY x.part, x.position
$$;
COMMENT ON FUNCTION coursebase.explain_credits(uuid, timestamptz) IS
    'Lists where a user''s credits come from and where they are at a time: the week, each pack in the order in which packs are spent, and the reservations that are open. For users, each about the own account, administrators and the server; reads with the caller''s rights.

user_id, at: as for credit_balance().

item: week, pack or reservation. object: product and purchase of a pack (its id, if it went to another person and the caller may not read it), key of a reservation, NULL for the week. credits: the week''s limit, what the pack brought to the person, or what the reservation holds. unspent: what is left of week or pack; NULL for a reservation. detail: what the row means.

Source: credit_log, as support needs it.
Raises: 22004 (at is NULL), 22008 (at is not finite, or the week ends out of range), 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.explain_credits(uuid, timestamptz) TO end_user, server;
