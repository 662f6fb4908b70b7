-- Promise: of a pack of credits goes what is unspent: nothing is created and nothing lost, whoever uses, reserves,
-- refunds or takes a refund back; a refund takes from the person who has the pack first.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
UPDATE coursebase.settings SET value = '0' WHERE name = 'free_weekly_credits';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-0000005719' || lpad(n::text, 2, '0'))::uuid, 'packs_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 19) n;
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('moves.pack', 'ai_credits', 100);
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-0000005719' || lpad(n::text, 2, '0'))::uuid $$;
CREATE FUNCTION pg_temp.brings(n integer, purchase text, quantity integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT coursebase.validate_purchase(pg_temp.person(n), json_build_object('product_id', 'moves.pack', 'source', 'app_store', 'purchase_id', purchase, 'purchase_token', 't', 'transaction_date', '2026-02-01T00:00:00Z', 'quantity', quantity), '2026-02-02') ->> 'status' $$;
CREATE FUNCTION pg_temp.goes(a integer, b integer, at timestamptz DEFAULT '2026-02-05') RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM coursebase.transfer_purchases(pg_temp.person(a), pg_temp.person(b), at) $$;
-- Used and limit of the banks of the people from a to b.
CREATE FUNCTION pg_temp.banks(a integer, b integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s: %s of %s', n, u.bank_used_credits, u.bank_limit_credits), ', ' ORDER BY n) FROM generate_series(a, b) n JOIN coursebase.ai_usage u ON u.user_id = pg_temp.person(n) $$;
CREATE FUNCTION pg_temp.told(n integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', l.kind, l.bank_credits, l.credits), ', ' ORDER BY l.position) FROM coursebase.credit_log l WHERE l.user_id = pg_temp.person(n) $$;
\set check 'SELECT count(*), string_agg(DISTINCT check_name, '' '') FROM coursebase.check_integrity();'

-- Bought, used, reserved, and gone: what is used and reserved stays, the rest goes.
SELECT pg_temp.brings(1, 'one');
SELECT bank_left FROM coursebase.consume_credits(pg_temp.person(1), 30, 'use', '2026-02-03');
SELECT bank_left FROM coursebase.reserve_credits(pg_temp.person(1), 20, 'call', '2026-02-04');
SELECT pg_temp.goes(1, 2), pg_temp.banks(1, 2), pg_temp.goes(1, 2);
SELECT bank_left FROM coursebase.consume_credits(pg_temp.person(2), 10, 'use', '2026-02-06');
SELECT pg_temp.refused(format('SELECT coursebase.consume_credits(%L, 1, ''more'', ''2026-02-06'')', pg_temp.person(1)));
SELECT n, item, object, credits, unspent, detail FROM generate_series(1, 2) n, LATERAL coursebase.explain_credits(pg_temp.person(n), '2026-02-07') WHERE item <> 'week' ORDER BY n, item;
:check
-- The sale told again: by who has the pack now, and by who bought it.
SELECT bank_credits FROM coursebase.grant_credit_pack(pg_temp.person(2), 'moves.pack', 100, 'app_store', 'production', 'one', 't');
SELECT pg_temp.refused(format('SELECT coursebase.grant_credit_pack(%L, ''moves.pack'', 100, ''app_store'', ''production'', ''one'', ''t'')', pg_temp.person(1)));
SAVEPOINT gone;
-- Refunded: what the second has not spent; then what the first one's reservation gives back. Reversed: to the second.
SELECT status, user_id = pg_temp.person(2), detail FROM coursebase.refund_store_purchase('app_store', 'production', 'one', '2026-02-08');
SELECT bank_credits, bank_left FROM coursebase.release_credits(pg_temp.person(1), 'call', '2026-02-09');
SELECT bank_credits, bank_left FROM coursebase.release_credits(pg_temp.person(1), 'call', '2026-02-09');
SELECT pg_temp.banks(1, 2), credits, claimed_credits, refunded_credits FROM coursebase.ai_credit_purchases WHERE purchase_id = 'one';
SELECT detail FROM coursebase.refund_store_purchase('app_store', 'production', 'one', '2026-02-08');
:check
SELECT status, detail FROM coursebase.reverse_store_refund('app_store', 'production', 'one', '2026-02-10');
SELECT pg_temp.told(n), pg_temp.banks(n, n) FROM generate_series(1, 2) n;
:check
ROLLBACK TO gone;
-- What the reservation gave back before the refund: the second pays first, then the first.
SELECT bank_left FROM coursebase.release_credits(pg_temp.person(1), 'call', '2026-02-07');
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('app_store', 'production', 'one', '2026-02-08', 35);
SELECT pg_temp.banks(1, 2);
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('app_store', 'production', 'one', '2026-02-08', 15);
SELECT pg_temp.banks(1, 2);
:check
ROLLBACK TO gone;
-- All reserved, gone, given back, refunded: nobody keeps a credit that nobody paid.
SELECT pg_temp.brings(3, 'two');
SELECT bank_left FROM coursebase.reserve_credits(pg_temp.person(3), 100, 'all', '2026-02-04');
SELECT pg_temp.goes(3, 4), pg_temp.banks(3, 4);
SELECT bank_left FROM coursebase.release_credits(pg_temp.person(3), 'all', '2026-02-06');
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'two', '2026-02-07');
SELECT pg_temp.banks(3, 4);
:check
-- Back again it stands where it stood; two accounts of one person become one.
SELECT pg_temp.goes(2, 1), pg_temp.banks(1, 2), pg_temp.goes(1, 2, '2026-02-07'), pg_temp.banks(1, 2);
SELECT coursebase.merge_users(pg_temp.person(2), pg_temp.person(1), '2026-02-08') IS NOT NULL, pg_temp.banks(1, 2);
SELECT bank_left FROM coursebase.release_credits(pg_temp.person(2), 'call', '2026-02-09');
:check
-- A closed account, and the next one that brings the receipt. Refunded before its receipt, all of it is.
SELECT pg_temp.brings(5, 'three', 3), (SELECT bank_left FROM coursebase.consume_credits(pg_temp.person(5), 10, 'use', '2026-02-03'));
SELECT coursebase.delete_user(pg_temp.person(5)) IS NOT NULL, pg_temp.brings(6, 'three', 3), pg_temp.banks(5, 6);
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'four', '2026-02-07');
SELECT pg_temp.brings(6, 'four', 2);
SELECT status, quantity, refunded_quantity FROM coursebase.store_receipts WHERE purchase_id = 'four';
SELECT status FROM coursebase.reverse_store_refund('app_store', 'production', 'four', '2026-02-08');
SELECT status, quantity, refunded_quantity FROM coursebase.store_receipts WHERE purchase_id = 'four';
:check

-- A refund claims of a spent pack. Credits of an earlier one come, which pay for the spending: it takes what it claims.
SELECT pg_temp.brings(7, 'five'), pg_temp.brings(7, 'six');
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'five', '2026-02-03');
SELECT bank_left FROM coursebase.consume_credits(pg_temp.person(7), 60, 'use', '2026-02-04');
SELECT status, pg_temp.banks(7, 7) FROM coursebase.refund_store_purchase('app_store', 'production', 'six', '2026-02-05');
SELECT status, pg_temp.banks(7, 7) FROM coursebase.reverse_store_refund('app_store', 'production', 'five', '2026-02-06');
SELECT pg_temp.banks(7, 7), pg_temp.told(7);
:check
SELECT pg_temp.brings(8, 'seven'), pg_temp.goes(8, 9, '2026-02-03'), pg_temp.brings(8, 'eight');
SELECT bank_left FROM coursebase.consume_credits(pg_temp.person(8), 60, 'use', '2026-02-04');
SELECT status, pg_temp.banks(8, 9) FROM coursebase.refund_store_purchase('app_store', 'production', 'eight', '2026-02-05');
SELECT pg_temp.goes(9, 8, '2026-02-06');
SELECT pg_temp.banks(8, 9);
:check

-- To and fro at random among three people with two packs each (the seed meets credits of an earlier pack that come back, and
-- set free what a refund of another one claims): after each step all that is left is what was bought
-- less what was used, or is reserved, less what refunds took. The uses are counted by their prices.
SELECT n, p, pg_temp.brings(n, format('random-%s-%s', n, p), 4) FROM generate_series(11, 13) n, generate_series(1, 2) p ORDER BY 1, 2;
CREATE FUNCTION pg_temp.step(t integer) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refused(CASE r.what
        WHEN 0 THEN format('SELECT coursebase.transfer_purchases(%L, %L, %L)', pg_temp.person(r.a), pg_temp.person(r.b), r.at)
        WHEN 1 THEN format('SELECT coursebase.consume_credits(%L, %s, %L, %L)', pg_temp.person(r.a), r.n, 'use ' || t, r.at)
        WHEN 2 THEN format('SELECT coursebase.reserve_credits(%L, %s, %L, %L)', pg_temp.person(r.a), r.n, 'call ' || t, r.at)
        WHEN 3 THEN format('SELECT coursebase.release_credits(%L, %L, %L)', pg_temp.person(r.a), o.key, r.at)
        WHEN 4 THEN format('SELECT coursebase.commit_credits(%L, %L, %s, %L)', pg_temp.person(r.a), o.key, r.n, r.at)
        WHEN 5 THEN format('SELECT coursebase.refund_store_purchase(''app_store'', ''production'', %L, %L, 1, NULL, %L)', r.purchase, r.at, 'ref ' || t)
        WHEN 6 THEN format('SELECT coursebase.refund_store_purchase(''app_store'', ''production'', %L, %L)', r.purchase, r.at)
        WHEN 7 THEN format('SELECT coursebase.reverse_store_refund(''app_store'', ''production'', %L, %L)', r.purchase, r.at)
        ELSE format('SELECT coursebase.transfer_receipt(''app_store'', ''production'', %L, %L)', r.purchase, pg_temp.person(r.b)) END)
    FROM (SELECT floor(random() * 9)::integer AS what, 11 + floor(random() * 3)::integer AS a, 11 + floor(random() * 3)::integer AS b, 1 + floor(random() * 150)::integer AS n,
        format('random-%s-%s', 11 + floor(random() * 3), 1 + floor(random() * 2)) AS purchase, timestamptz '2026-03-01' + t * interval '1 hour' AS at OFFSET 0) r
    LEFT JOIN LATERAL (SELECT l.idempotency_key AS key FROM coursebase.credit_log l WHERE l.user_id = pg_temp.person(r.a) AND l.kind IN ('reserve', 'release', 'commit')
        GROUP BY 1 HAVING count(*) = 1 ORDER BY 1 LIMIT 1) o ON true $$;
CREATE FUNCTION pg_temp.unlike() RETURNS numeric LANGUAGE sql AS $$
    SELECT (SELECT sum(u.bank_limit_credits - u.bank_used_credits) FROM coursebase.ai_usage u WHERE u.user_id BETWEEN pg_temp.person(11) AND pg_temp.person(13))
        - (SELECT sum(p.credits - p.refunded_credits) FROM coursebase.ai_credit_purchases p WHERE p.purchase_id LIKE 'random-%')
        + (SELECT coalesce(sum(l.credits), 0) FROM coursebase.credit_log l WHERE l.user_id BETWEEN pg_temp.person(11) AND pg_temp.person(13)
            AND (l.kind IN ('consume', 'commit') OR l.kind = 'reserve' AND NOT EXISTS (SELECT FROM coursebase.credit_log e
                WHERE e.user_id = l.user_id AND e.idempotency_key = l.idempotency_key AND e.kind IN ('commit', 'release')))) $$;
SELECT setseed(0.3);
SELECT count(*), count(*) FILTER (WHERE s.unlike <> 0) AS unlike, count(*) FILTER (WHERE s.problems > 0) AS problems, count(*) FILTER (WHERE s.step NOT LIKE 'accepted%' AND s.step !~ '^(22004|22023|KB701|KB106)') AS errors
FROM (SELECT pg_temp.step(t) AS step, pg_temp.unlike() AS unlike, CASE WHEN t % 5 = 0 THEN (SELECT count(*) FROM coursebase.check_allowance() WHERE t > 0) ELSE 0 END AS problems FROM generate_series(1, 400) t OFFSET 0) s;
SELECT kind, count(*) > 5 FROM coursebase.credit_log WHERE user_id BETWEEN pg_temp.person(11) AND pg_temp.person(13) AND kind NOT IN ('start', 'turn', 'raise', 'pack', 'taken') GROUP BY 1 ORDER BY 1;
:check
ROLLBACK;
