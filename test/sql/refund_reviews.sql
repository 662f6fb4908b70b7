-- Promise: refunds_to_review lists a store's question until the store waits no more (App Store 12 hours, Google Play 24,
-- Stripe until the dispute's due_by, to the instant), or until it is told how the refund was decided, whichever comes first.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
CREATE FUNCTION pg_temp.listed() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(purchase_id, ', ' ORDER BY purchase_id), 'none') FROM coursebase.refunds_to_review $$;
CREATE FUNCTION pg_temp.told(provider text, body text) RETURNS text LANGUAGE sql AS $$
    SELECT outcome FROM coursebase.take_notification(provider, body) $$;
CREATE FUNCTION pg_temp.asks_apple(id text, at text, type text DEFAULT 'CONSUMPTION_REQUEST', kind text DEFAULT 'Consumable') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.told('app_store', pg_temp.apple(type || id || at, at, type, NULL, jsonb_build_object('transactionId', id, 'originalTransactionId', id, 'productId', 'org.example.credits',
        'type', kind, 'quantity', 1, 'purchaseDate', pg_temp.ms('2026-01-01')))) $$;
CREATE FUNCTION pg_temp.asks_play(id text, at text, type text DEFAULT 'pendingRefundReviewNotification', kind int DEFAULT 2) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.told('google_play', pg_temp.play(type || id || at, at, jsonb_build_object(type, jsonb_build_object('purchaseToken', id, 'orderId', 'GPA.' || id, 'productType', kind, 'refundType', 1)))) $$;
CREATE FUNCTION pg_temp.asks_stripe(id text, at text, status text, due bigint, type text DEFAULT 'created') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.told('stripe', pg_temp.stripe(type || id || at, at, 'charge.dispute.' || type, jsonb_build_object('id', 'dp_' || id, 'status', status, 'amount', 900,
        'charge', 'ch_' || id, 'evidence_details', jsonb_build_object('due_by', due)))) $$;
-- The last instant and the first one behind it, in the stores' own resolution: milliseconds, and Stripe's seconds.
SELECT pg_temp.asks_apple('apple_over', (date_trunc('milliseconds', now()) - interval '12 hours')::text),
    pg_temp.asks_apple('apple_open', (date_trunc('milliseconds', now()) - interval '11:59:59.999')::text),
    pg_temp.asks_play('play_over', (date_trunc('milliseconds', now()) - interval '24 hours')::text),
    pg_temp.asks_play('play_open', (date_trunc('milliseconds', now()) - interval '23:59:59.999')::text),
    pg_temp.asks_stripe('over', '2026-01-01', 'needs_response', floor(extract(epoch FROM now()))::bigint),
    pg_temp.asks_stripe('open', '2026-01-01', 'needs_response', floor(extract(epoch FROM now()))::bigint + 1);
SELECT pg_temp.listed();
-- Until when is what the store said.
SELECT provider, answer_until - asked_at FROM coursebase.refunds_to_review WHERE provider <> 'stripe' ORDER BY 1;
DELETE FROM coursebase.store_notifications;
-- A dispute is lost, won, or closed as an inquiry; nothing need be known of its payment.
\set due 4070908800
SELECT pg_temp.asks_stripe('a', '2026-01-01', 'needs_response', :due), pg_temp.asks_stripe('b', '2026-01-01', 'needs_response', :due),
    pg_temp.asks_stripe('c', '2026-01-01', 'needs_response', :due), pg_temp.asks_stripe('d', '2026-01-01', 'needs_response', :due);
SELECT pg_temp.listed();
SELECT pg_temp.asks_stripe('b', '2026-01-02', 'lost', :due, 'closed'), pg_temp.asks_stripe('c', '2026-01-02', 'won', :due, 'closed'), pg_temp.asks_stripe('d', '2026-01-02', 'warning_closed', :due, 'closed');
SELECT pg_temp.listed();
-- What is told before the question that it ends ends it too; who withdraws money decides nothing; evidence that is sent
-- leaves the dispute open.
SELECT pg_temp.asks_stripe('e', '2026-01-03', 'lost', :due, 'closed'), pg_temp.asks_stripe('e', '2026-01-02', 'needs_response', :due, 'created');
SELECT pg_temp.asks_stripe('a', '2026-01-04', 'under_review', :due, 'updated'), pg_temp.asks_stripe('a', '2026-01-05', 'under_review', :due, 'funds_withdrawn');
SELECT DISTINCT purchase_id FROM coursebase.refunds_to_review;
-- An inquiry that becomes a dispute is listed then; of the test mode nothing settles what production asks.
SELECT pg_temp.asks_stripe('f', '2026-01-02', 'warning_needs_response', :due), pg_temp.asks_stripe('f', '2026-01-03', 'needs_response', :due, 'updated');
SELECT pg_temp.told('stripe', replace(pg_temp.stripe('evt_test', '2026-01-05', 'charge.dispute.closed', '{"id": "dp_f", "status": "lost", "amount": 900, "charge": "ch_f"}'), '"livemode": true', '"livemode": false'));
SELECT DISTINCT purchase_id FROM coursebase.refunds_to_review ORDER BY 1;
DELETE FROM coursebase.store_notifications;
-- App Store: refunded or declined; a question that is asked again is open again. A subscription as a thing.
\set early 'now() - interval \'2 hours\''
\set late 'now() - interval \'1 hour\''
SELECT pg_temp.asks_apple('1', (:early)::text), pg_temp.asks_apple('2', (:early)::text), pg_temp.asks_apple('3', (:early)::text), pg_temp.asks_apple('4', (:early)::text, kind => 'Auto-Renewable Subscription');
SELECT pg_temp.listed();
SELECT pg_temp.asks_apple('1', (:late)::text, 'REFUND_DECLINED'), pg_temp.asks_apple('2', (:late)::text, 'REFUND'), pg_temp.asks_apple('4', (:late)::text, 'REFUND_DECLINED', 'Auto-Renewable Subscription');
SELECT pg_temp.listed();
SELECT pg_temp.asks_apple('1', now()::text), pg_temp.listed();
-- Google Play: voided, a thing or a subscription.
SELECT pg_temp.asks_play('t1', (:early)::text), pg_temp.asks_play('t2', (:early)::text), pg_temp.asks_play('t3', (:early)::text);
SELECT pg_temp.asks_play('t1', (:late)::text, 'voidedPurchaseNotification'), pg_temp.asks_play('t3', (:late)::text, 'voidedPurchaseNotification', 1);
SELECT pg_temp.listed();
ROLLBACK;
