-- Promise: a refund or a dispute of a subscription's payment finds it by the names that its invoice brought, waits for an
-- invoice that comes later, ends the period when all of it is given back and no other, and is reversed exactly.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000587161\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'payer_ada', 'Ada', 'ada@example.org');
CREATE FUNCTION pg_temp.told(id text, at text, type text, object jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail, result ->> 'status', result ->> 'anomaly') FROM coursebase.take_notification('stripe', pg_temp.stripe(id, at, type, object), at => '2026-06-01') $$;
-- An invoice as versions of the API before 2025 send it, and as later ones do, whose payment comes as an object of its own.
CREATE FUNCTION pg_temp.invoice(n int, paid int, more jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', 'in_' || n, 'billing_reason', CASE n WHEN 1 THEN 'subscription_create' ELSE 'subscription_cycle' END, 'amount_paid', paid,
        'lines', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('period', jsonb_build_object('start', pg_temp.s('2026-0' || n || '-01'), 'end', pg_temp.s('2026-0' || n + 1 || '-01'))))),
        'parent', '{"subscription_details": {"subscription": "sub_p", "metadata": {"user_id": "payer_ada"}}}'::jsonb) || more $$;
CREATE FUNCTION pg_temp.shown() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, expires_at) FROM coursebase.subscriptions WHERE user_id = '00000000-0000-4000-8000-000000587161' $$;
SELECT pg_temp.told('evt_1', '2026-01-01', 'invoice.paid', pg_temp.invoice(1, 900, '{"payment_intent": "pi_1", "charge": "ch_1"}'));
SELECT pg_temp.told('evt_2', '2026-02-01', 'invoice.paid', pg_temp.invoice(2, 900, '{"payments": {"data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_2"}}]}}'));
SELECT pg_temp.told('evt_3', '2026-03-01', 'invoice.paid', pg_temp.invoice(3, 900, '{}'));
-- The third refund comes before the payment is named, and is taken up when it is.
SELECT pg_temp.told('evt_4', '2026-03-02', 'refund.created', '{"id": "re_3", "status": "succeeded", "amount": 400, "payment_intent": "pi_3"}');
SELECT pg_temp.told('evt_5', '2026-03-01', 'invoice_payment.paid', '{"id": "inpay_3", "invoice": "in_3", "status": "paid", "amount_paid": 900, "payment": {"type": "payment_intent", "payment_intent": "pi_3"}}');
SELECT outcome, result ->> 'status' FROM coursebase.store_notifications WHERE notification_id = 'evt_4';
SAVEPOINT paid;
-- An earlier payment ends nothing, by whichever name it comes.
SELECT pg_temp.told('evt_6', '2026-03-03', 'refund.created', '{"id": "re_1", "status": "succeeded", "amount": 900, "charge": "ch_1"}'), pg_temp.shown();
SELECT pg_temp.told('evt_7', '2026-03-03', 'charge.dispute.closed', '{"id": "dp_2", "status": "lost", "amount": 900, "charge": "ch_2", "payment_intent": "pi_2"}'), pg_temp.shown();
SELECT pg_temp.told('evt_8', '2026-03-03', 'refund.created', '{"id": "re_9", "status": "succeeded", "amount": 900, "payment_intent": "pi_9"}'), pg_temp.shown();
-- A part leaves the period, the rest ends it, and who takes one of them back gives it again; each told twice.
SELECT pg_temp.told('evt_9', '2026-03-04', 'refund.created', '{"id": "re_4", "status": "pending", "amount": 500, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT pg_temp.told('evt_10', '2026-03-04', 'charge.refunded', '{"id": "ch_3", "amount": 900, "amount_refunded": 900, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT pg_temp.told('evt_11', '2026-03-05', 'refund.updated', '{"id": "re_4", "status": "succeeded", "amount": 500, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT pg_temp.told('evt_12', '2026-03-06', 'refund.failed', '{"id": "re_4", "status": "failed", "amount": 500, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT pg_temp.told('evt_13', '2026-03-06', 'refund.updated', '{"id": "re_4", "status": "failed", "amount": 500, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT pg_temp.told('evt_14', '2026-03-07', 'refund.updated', '{"id": "re_3", "status": "canceled", "amount": 400, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT event_type, status_before, status_after, anomaly FROM coursebase.subscription_history WHERE user_id = :ada AND event_time >= '2026-03-02' ORDER BY event_time, event_type;
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO paid;
-- Disputes: open, lost, won; a won one gives back no refund; a refund and a dispute of the rest make the whole.
SELECT pg_temp.told('evt_6', '2026-03-03', 'charge.dispute.created', '{"id": "dp_3", "status": "needs_response", "amount": 500, "payment_intent": "pi_3", "charge": "ch_3", "evidence_details": {"due_by": 4070908800}}'), pg_temp.shown();
SELECT kind, purchase_id, user_id = :ada, answer_until FROM coursebase.refunds_to_review WHERE purchase_id = 'ch_3';
SELECT pg_temp.told('evt_7', '2026-03-20', 'charge.dispute.closed', '{"id": "dp_3", "status": "lost", "amount": 500, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT pg_temp.told('evt_8', '2026-03-21', 'charge.dispute.funds_reinstated', '{"id": "dp_3", "status": "won", "amount": 500, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT pg_temp.told('evt_9', '2026-03-22', 'refund.created', '{"id": "re_5", "status": "succeeded", "amount": 500, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT pg_temp.told('evt_10', '2026-03-23', 'charge.dispute.closed', '{"id": "dp_3", "status": "won", "amount": 500, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT pg_temp.told('evt_11', '2026-03-24', 'charge.dispute.closed', '{"id": "dp_4", "status": "won", "amount": 900, "payment_intent": "pi_3"}'), pg_temp.shown();
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO paid;
-- By its canonical form: what is given back needs its sum and its payment, and a sum is a whole number.
\set event '\'{"store": "stripe", "environment": "production", "store_event_id": "x", "event_type": "revoked", "event_time": "2026-03-04T00:00:00Z", "original_transaction_id": "sub_p"}\'::jsonb'
SELECT pg_temp.refused(format('SELECT coursebase.apply_subscription_event(%L, %L)', :ada, :event || more)) FROM unnest(ARRAY['{"refund_ref": "r"}', '{"refund_ref": "r", "refunded_in_cents": 1}', '{"refund_ref": "r", "refunded_in_cents": 1.5, "transaction_id": "in_3"}', '{"refund_ref": "r", "refunded_in_cents": 1, "transaction_id": "in_3", "refund_kind": "gift"}']::jsonb[]) m (more);
SELECT status FROM coursebase.apply_subscription_event(:ada, (:event || '{"refund_ref": "r", "refunded_in_cents": "500", "transaction_id": "in_3"}')::json);
ROLLBACK;
