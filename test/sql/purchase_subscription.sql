-- Promise: a receipt of a subscription, and its refund, write the event that the store would have sent: word for word
-- in the payload, so that the same event by apply_subscription_event() is answered as a repetition and adds nothing.
\set ada '\'00000000-0000-4000-8000-0000000003a1\''
\set bob '\'00000000-0000-4000-8000-0000000003b1\''
\set VERBOSITY default
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'Asia/Tokyo';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'period_ada', 'Ada', 'ada@example.org'), (:bob, 'period_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('premium_31', 'subscription');
CREATE FUNCTION pg_temp.buy(purchase text, more jsonb DEFAULT '{}', at timestamptz DEFAULT '2026-03-02 12:00+00', person uuid DEFAULT '00000000-0000-4000-8000-0000000003a1') RETURNS json LANGUAGE sql AS $$
    SELECT coursebase.validate_purchase(person, (jsonb_build_object('product_id', 'Premium_31', 'source', 'google_play', 'purchase_id', purchase, 'purchase_token', 'to"k\en', 'transaction_date', at) || more)::json, at) $$;
CREATE FUNCTION pg_temp.refund(purchase text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', status, kind, product_id, detail) FROM coursebase.refund_store_purchase('google_play', 'production', purchase, at) $$;
\set ON_ERROR_ROLLBACK on

-- The first period, with what a receipt must hold; a trial, with all that it may; a renewal; refunds; a refund of what
-- only events told; a period that another event of the line had refunded.
SELECT pg_temp.buy('GPA.1', '{"period_end": "2026-04-02T12:00:00.123456Z"}');
SELECT pg_temp.buy('GPA.2..0', '{"period_end": "2026-04-03T12:00:00+02:00", "grace_until": 1775822400000, "auto_renew": false, "is_trial": true, "base_plan_id": "monthly", "offer_id": "zwei \u00fc", "environment": "production", "original_transaction_id": "GPA.2"}', '2026-03-03 12:00:00.5+00');
SELECT pg_temp.buy('GPA.2..1', '{"period_end": "2026-05-03T10:00:00Z", "auto_renew": true, "is_trial": false}', '2026-04-03 10:00+00');
SELECT pg_temp.refund('GPA.2..0', '2026-04-04 10:00+00');
SELECT pg_temp.refund('GPA.1', '2026-04-05 10:00+00');
SELECT status FROM coursebase.apply_subscription_event(:bob, '{"store": "google_play", "environment": "production", "store_event_id": "n-1", "event_type": "created", "original_transaction_id": "GPA.3", "event_time": "2026-04-03T12:00:00Z", "period_end": "2026-05-03T12:00:00Z"}', '2026-04-03 12:00+00');
SELECT pg_temp.refund('GPA.3', '2026-04-05 10:00+00');
SELECT status FROM coursebase.apply_subscription_event(:bob, '{"store": "google_play", "environment": "production", "store_event_id": "n-2", "event_type": "revoked", "original_transaction_id": "GPA.4", "event_time": "2026-04-03T12:00:00Z"}', '2026-04-03 12:00+00');
SELECT pg_temp.buy('GPA.4', '{"period_end": "2026-05-02T12:00:00Z"}', '2026-04-02 12:00+00', :bob);

SELECT e.payload FROM coursebase.subscription_events e ORDER BY e.event_time, e.store_event_id;
SELECT e.store_event_id, e.event_type, e.original_transaction_id, e.transaction_id, e.product_id, e.event_time, e.received_at, e.period_end,
    e.grace_until, e.auto_renew, e.answered_status, e.answered_expires_at, e.answered_anomaly
FROM coursebase.subscription_events e ORDER BY e.event_time, e.store_event_id;
SELECT l.original_transaction_id, l.status, l.expires_at, l.grace_until, l.auto_renew, l.first_premium_at, l.transaction_id, l.product_id, l.base_plan_id,
    l.offer_id, l.purchase_token FROM coursebase.subscription_lines l ORDER BY 1;

-- The same events by the other way: the first answers, no new rows; another content is refused.
SELECT e.store_event_id, a.status, a.expires_at, a.applied, a.anomaly
FROM (SELECT * FROM coursebase.subscription_events OFFSET 0) e, LATERAL coursebase.apply_subscription_event(e.user_id, e.payload::json, '2027-01-01') a ORDER BY e.event_time, e.store_event_id;
SELECT count(*) FROM coursebase.subscription_events;
SELECT coursebase.apply_subscription_event(e.user_id, (e.payload || '{"offer_id": "x"}')::json) FROM coursebase.subscription_events e WHERE e.store_event_id = 'receipt:GPA.1';
\echo :LAST_ERROR_SQLSTATE
-- And the other way round: a receipt whose event came before by apply_subscription_event().
SELECT status, expires_at FROM coursebase.apply_subscription_event(:ada, '{"store": "google_play", "environment": "production", "store_event_id": "receipt:GPA.5", "event_type": "created", "original_transaction_id": "GPA.5", "transaction_id": "GPA.5", "product_id": "premium_31", "purchase_token": "to\"k\\en", "event_time": "2026-06-02T12:00:00+00:00", "period_end": "2026-07-02T12:00:00+00:00"}', '2026-06-02 12:00+00');
SELECT pg_temp.buy('GPA.5', '{"period_end": "2026-07-02T12:00:00Z"}', '2026-06-02 12:00+00');
SELECT count(*) FROM coursebase.subscription_events;
-- A store's subscription stays with the person who brought it; nothing of the other's receipt is left.
SELECT pg_temp.buy('GPA.5..0', '{"period_end": "2026-08-02T12:00:00Z"}', '2026-07-02 12:00+00', :bob);
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM coursebase.store_receipts WHERE purchase_id = 'GPA.5..0';
SELECT changed FROM unnest(ARRAY[:ada, :bob]::uuid[]) u, LATERAL coursebase.rebuild_subscription(u);
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
