-- Promise: a subscription that takes the place of another one (linked_purchase_token) does so when its receipt tells of it
-- as when an event does: the other is over, and the refund of the new one does not bring it back.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-00000005190' || n)::uuid, 'upgrade_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 7) n;
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('upgrade.month', 'subscription'), ('upgrade.year', 'subscription');
CREATE FUNCTION pg_temp.brings(n integer, product text, token text, period_end text, linked text DEFAULT NULL, order_id text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', v ->> 'status', v -> 'subscription' ->> 'status', v -> 'subscription' ->> 'expires_at') FROM coursebase.validate_purchase(('00000000-0000-4000-8000-00000005190' || n)::uuid, json_build_object('source', 'google_play', 'product_id', product,
        'purchase_id', coalesce(order_id, 'GPA.' || n || token), 'purchase_token', 'k' || n || token, 'transaction_date', CASE token WHEN '1' THEN '2026-01-10T00:00:00Z' ELSE '2026-01-20T00:00:00Z' END, 'period_end', period_end, 'linked_purchase_token', linked), '2026-01-20') v $$;
CREATE FUNCTION pg_temp.told(n integer, event jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, anomaly) FROM coursebase.apply_subscription_event(('00000000-0000-4000-8000-00000005190' || n)::uuid, (jsonb_build_object('store', 'google_play', 'environment', 'production', 'store_event_id', 'up-' || n || (event ->> 'event_time')) || event)::json, '2026-01-25') $$;
CREATE FUNCTION pg_temp.premium(n integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coursebase.has_premium(('00000000-0000-4000-8000-00000005190' || n)::uuid, t)::text, ' ' ORDER BY t) FROM unnest(ARRAY['2026-01-15', '2026-01-21', '2026-02-05', '2026-06-01']::timestamptz[]) t $$;
CREATE FUNCTION pg_temp.refunded(n integer) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, detail) FROM coursebase.refund_store_purchase('google_play', 'production', 'GPA.' || n || '2', '2026-01-20 12:00') $$;
-- Both by receipts; without the link the old one would stay.
SELECT n, pg_temp.brings(n, 'upgrade.month', '1', '2026-02-10T00:00:00Z'), pg_temp.brings(n, 'upgrade.year', '2', '2027-01-20T00:00:00Z', l) FROM (VALUES (1, 'k11'), (2, NULL)) v (n, l) ORDER BY n;
SELECT n, pg_temp.premium(n), pg_temp.refunded(n), pg_temp.premium(n) FROM generate_series(1, 2) n ORDER BY n;
SELECT original_transaction_id, status, replaced_at FROM coursebase.subscription_lines WHERE user_id = '00000000-0000-4000-8000-000000051901' ORDER BY 1;
-- The receipt of the new one comes first; the old one is told by an event; both ways the link holds.
SELECT pg_temp.brings(3, 'upgrade.year', '2', '2027-01-20T00:00:00Z', 'k31'), pg_temp.brings(3, 'upgrade.month', '1', '2026-02-10T00:00:00Z');
SELECT pg_temp.told(4, '{"event_type": "created", "event_time": "2026-01-10T00:00:00Z", "original_transaction_id": "GPA.41", "transaction_id": "GPA.41", "purchase_token": "k41", "period_end": "2026-02-10T00:00:00Z"}'), pg_temp.brings(4, 'upgrade.year', '2', '2027-01-20T00:00:00Z', 'k41');
SELECT n, pg_temp.refunded(n), pg_temp.premium(n) FROM generate_series(3, 4) n ORDER BY n;
-- A late renewal of the old one revives nothing; the reversal of the refund brings the new one back and not the old one.
SELECT pg_temp.brings(5, 'upgrade.month', '1', '2026-02-10T00:00:00Z'), pg_temp.brings(5, 'upgrade.year', '2', '2027-01-20T00:00:00Z', 'k51'), pg_temp.refunded(5);
SELECT pg_temp.told(5, '{"event_type": "recovered", "event_time": "2026-01-22T00:00:00Z", "original_transaction_id": "GPA.51", "transaction_id": "GPA.51"}'), pg_temp.premium(5);
SELECT status, detail FROM coursebase.reverse_store_refund('google_play', 'production', 'GPA.52', '2026-01-23');
SELECT pg_temp.premium(5);
-- The link names a purchase that is nobody's here, or itself: nothing ends.
SELECT pg_temp.brings(6, 'upgrade.year', '2', '2027-01-20T00:00:00Z', 'never-seen'), pg_temp.premium(6);
SELECT pg_temp.brings(7, 'upgrade.year', '2', '2027-01-20T00:00:00Z', 'k72'), pg_temp.premium(7);
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
