-- Promise: refunds and disputes of a program's payment count by their sum, each by its provider's last word, in any order:
-- parts that are the whole take the program, one that failed gives it back, and a question about a dispute says whose it is.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
SELECT transaction_id AS charge FROM coursebase.begin_checkout(:max, :strong, '2026-02-01') \gset
SELECT amount_in_cents AS sum, lower(currency) AS currency FROM coursebase.payment_transactions WHERE id = :'charge' \gset
CREATE FUNCTION pg_temp.told(id text, at text, type text, object jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail, result ->> 'status', result ->> 'entitlement') FROM coursebase.take_notification('stripe', pg_temp.stripe(id, at, type, '{"payment_intent": "pi_1"}' || object), at => '2026-03-01') $$;
CREATE FUNCTION pg_temp.state(charge uuid) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', t.status, e.status, e.access_revoked_at::date, r.status, r.created_at::date, (SELECT string_agg(c.check_name || ' ' || c.problem, ', ') FROM coursebase.check_integrity() c)) FROM coursebase.payment_transactions t
    LEFT JOIN coursebase.course_entitlements e ON e.user_id = t.user_id AND e.program_id = t.program_id
    LEFT JOIN coursebase.payment_transactions r ON r.refunds_transaction_id = t.id WHERE t.id = charge $$;
-- The nth part of the payment, of two, by refund.created, or failed.
CREATE FUNCTION pg_temp.part(n integer, day integer, word text, sum integer) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.told(concat_ws('_', 'evt', n, day), '2026-02-' || day, 'refund.' || word, jsonb_build_object('id', 're_' || n, 'status', CASE word WHEN 'failed' THEN 'failed' ELSE 'succeeded' END,
        'amount', CASE n WHEN 1 THEN sum / 3 ELSE sum - sum / 3 END)) $$;
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'pi_1');
SELECT pg_temp.told('evt_1', '2026-02-02', 'payment_intent.succeeded', jsonb_build_object('id', 'pi_1', 'amount_received', :sum, 'currency', :'currency', 'latest_charge', 'ch_1')), pg_temp.state(:'charge');
SAVEPOINT paid;
-- Two parts, of which the first is told twice; the second fails, and is made again.
SELECT pg_temp.part(1, 10, 'created', :sum), pg_temp.part(1, 11, 'updated', :sum), pg_temp.state(:'charge');
SELECT pg_temp.part(2, 12, 'created', :sum), pg_temp.state(:'charge');
SAVEPOINT back;
SELECT pg_temp.part(2, 13, 'failed', :sum), pg_temp.state(:'charge');
SELECT action, old ->> 'status', new ->> 'status' FROM coursebase.audit_events WHERE action LIKE 'payment_refund%' ORDER BY 1;
SELECT pg_temp.part(2, 14, 'updated', :sum), pg_temp.state(:'charge');
SELECT pg_temp.part(1, 15, 'failed', :sum), pg_temp.part(2, 16, 'failed', :sum), pg_temp.state(:'charge');
SELECT jsonb_object_keys(provider_refunds), provider_refunds -> 're_1' ->> 'kind', (provider_refunds -> 're_1' ->> 'is_reversed')::boolean FROM coursebase.payment_transactions WHERE id = :'charge' ORDER BY 1;
ROLLBACK TO paid;
-- Paid twice, and both are given back; the refund of either fails: the money that stands gives the program.
SELECT pg_temp.told('evt_31', '2026-02-09', 'refund.created', jsonb_build_object('id', 're_31', 'status', 'succeeded', 'amount', :sum)), pg_temp.state(:'charge');
SELECT transaction_id AS second FROM coursebase.begin_checkout(:max, :strong, '2026-02-10') \gset
SELECT coursebase.attach_payment_reference(:'second', 'stripe', 'pi_2');
SELECT pg_temp.told('evt_32', '2026-02-10', 'payment_intent.succeeded', jsonb_build_object('id', 'pi_2', 'amount_received', :sum, 'currency', :'currency')), pg_temp.state(:'second');
SELECT status FROM coursebase.refund_transaction(:'second', false, '2026-02-11');
SELECT pg_temp.told('evt_33', '2026-02-12', 'refund.failed', jsonb_build_object('id', 're_31', 'status', 'failed', 'amount', :sum)), pg_temp.state(:'charge');
SELECT count(*) FROM coursebase.transactions_to_refund t WHERE t.transaction_id IN (:'charge', :'second');
ROLLBACK TO paid;
-- In every order of the words about both parts.
CREATE FUNCTION pg_temp.turn(charge uuid, sum integer, turn integer[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE i integer;
BEGIN
    FOREACH i IN ARRAY turn LOOP
        PERFORM pg_temp.part(1 + i / 3, 10 + i, CASE i WHEN 4 THEN 'failed' WHEN 5 THEN 'updated' ELSE 'created' END, sum);
    END LOOP;
    RAISE EXCEPTION USING MESSAGE = pg_temp.state(charge);
EXCEPTION WHEN raise_exception THEN RETURN SQLERRM;
END $$;
WITH RECURSIVE o (turn) AS (SELECT '{}'::integer[] UNION ALL SELECT o.turn || i FROM o, unnest(ARRAY[1, 3, 4]) i WHERE i <> ALL (o.turn))
SELECT s, count(*) FROM o, LATERAL pg_temp.turn(:'charge', :sum, o.turn) s WHERE cardinality(o.turn) = 3 GROUP BY 1;
WITH RECURSIVE o (turn) AS (SELECT '{}'::integer[] UNION ALL SELECT o.turn || i FROM o, unnest(ARRAY[1, 3, 4, 5]) i WHERE i <> ALL (o.turn))
SELECT split_part(s, ' ', 1), split_part(s, ' ', 2), count(*) FROM o, LATERAL pg_temp.turn(:'charge', :sum, o.turn) s WHERE cardinality(o.turn) = 4 GROUP BY 1, 2;
-- The sum of the charge beside its refunds counts once; what failed since is no part of it. A dispute takes its own money.
SELECT pg_temp.part(1, 10, 'created', :sum), pg_temp.told('evt_t', '2026-02-11', 'charge.refunded', jsonb_build_object('id', 'ch_1', 'amount', :sum, 'amount_refunded', :sum / 3)), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_d', '2026-02-12', 'charge.dispute.closed', jsonb_build_object('id', 'dp_1', 'status', 'lost', 'amount', :sum - :sum / 3)), pg_temp.state(:'charge');
SELECT pg_temp.part(1, 13, 'failed', :sum), pg_temp.state(:'charge');
ROLLBACK TO paid;
SELECT pg_temp.told('evt_t', '2026-02-11', 'charge.refunded', jsonb_build_object('id', 'ch_1', 'amount', :sum, 'amount_refunded', :sum)), pg_temp.state(:'charge');
SELECT pg_temp.part(1, 12, 'failed', :sum), pg_temp.state(:'charge');
ROLLBACK TO paid;
-- A dispute that is lost and then won; the question about it names the buyer.
SELECT pg_temp.told('evt_q', '2026-02-10', 'charge.dispute.created', jsonb_build_object('id', 'dp_1', 'status', 'needs_response', 'amount', :sum)), pg_temp.state(:'charge');
SELECT kind, user_id = :max FROM coursebase.store_notifications WHERE notification_id = 'evt_q';
SELECT pg_temp.told('evt_l', '2026-02-12', 'charge.dispute.closed', jsonb_build_object('id', 'dp_1', 'status', 'lost', 'amount', :sum)), pg_temp.state(:'charge');
SAVEPOINT lost;
SELECT pg_temp.told('evt_w', '2026-02-13', 'charge.dispute.closed', jsonb_build_object('id', 'dp_1', 'status', 'won', 'amount', :sum)), pg_temp.state(:'charge');
ROLLBACK TO lost;
-- Bought again meanwhile: begun, and paid; the first payment then is one too many.
SELECT transaction_id AS again FROM coursebase.begin_checkout(:max, :strong, '2026-02-12') \gset
SAVEPOINT begun;
SELECT pg_temp.told('evt_w', '2026-02-13', 'charge.dispute.closed', jsonb_build_object('id', 'dp_1', 'status', 'won', 'amount', :sum)), pg_temp.state(:'charge');
ROLLBACK TO begun;
SELECT coursebase.attach_payment_reference(:'again', 'stripe', 'pi_2');
SELECT outcome FROM coursebase.take_notification('stripe', pg_temp.stripe('evt_2', '2026-02-12', 'payment_intent.succeeded', jsonb_build_object('id', 'pi_2', 'amount_received', :sum, 'currency', :'currency')), at => '2026-03-01');
SELECT pg_temp.told('evt_w', '2026-02-13', 'charge.dispute.closed', jsonb_build_object('id', 'dp_1', 'status', 'won', 'amount', :sum)), pg_temp.state(:'charge');
SELECT transaction_id = :'charge' FROM coursebase.transactions_to_refund;
ROLLBACK TO paid;
-- By hand: a refund that was told of then may fail; one that nobody told of is for somebody to decide. Plain SQL may not.
SELECT status FROM coursebase.refund_transaction(:'charge', false, '2026-02-09');
SAVEPOINT hand;
SELECT pg_temp.part(1, 10, 'failed', :sum), pg_temp.state(:'charge');
ROLLBACK TO hand;
SELECT pg_temp.told('evt_r', '2026-02-10', 'refund.created', jsonb_build_object('id', 're_9', 'status', 'succeeded', 'amount', :sum)), pg_temp.told('evt_f', '2026-02-11', 'refund.failed', jsonb_build_object('id', 're_9', 'status', 'failed', 'amount', :sum)), pg_temp.state(:'charge');
SELECT status FROM coursebase.refund_transaction(:'charge', false, '2026-02-12');
SELECT pg_temp.state(:'charge');
UPDATE coursebase.payment_transactions SET status = 'completed' WHERE id = :'charge';
ROLLBACK;
