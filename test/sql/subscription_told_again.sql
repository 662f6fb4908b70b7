-- Promise: a phone that brings a payment which the store has told of already undoes nothing that was told since: what is
-- canceled stays canceled until the store says otherwise. Days that a store adds to a payment are of that payment: the
-- refund of the next one leaves them, and its own takes them.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-00000005a30' || n)::uuid, 'again_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 6) n;
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('again.week', 'subscription');
CREATE FUNCTION pg_temp.who(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-00000005a30' || n)::uuid $$;
-- Week number nth of a person; the first one begins on 1 January, and added days come behind it.
CREATE FUNCTION pg_temp.week(who integer, nth integer, added integer DEFAULT 0) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('type', 'Auto-Renewable Subscription', 'environment', 'Production', 'transactionId', format('again-%s-%s', who, nth), 'originalTransactionId', format('again-%s-1', who), 'productId', 'again.week',
        'purchaseDate', pg_temp.ms('2026-01-01') + (nth - 1) * 604800000, 'expiresDate', pg_temp.ms('2026-01-01') + nth * 604800000 + added * 86400000,
        'transactionReason', CASE nth WHEN 1 THEN 'PURCHASE' ELSE 'RENEWAL' END, 'appAccountToken', pg_temp.who(who)) $$;
CREATE FUNCTION pg_temp.told(who integer, at text, type text, subtype text, paid jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', outcome, detail, result ->> 'status', result ->> 'anomaly') FROM coursebase.take_notification('app_store', pg_temp.apple(concat_ws('-', 'again', who, at, type), at, type, subtype, paid), at => '2026-03-01') $$;
CREATE FUNCTION pg_temp.phone(who integer, paid jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', outcome, detail, result ->> 'status', result ->> 'anomaly') FROM coursebase.take_notification('app_store', pg_temp.apple_token(paid || jsonb_build_object('signedDate', pg_temp.ms('2026-01-09'))), at => '2026-03-01') $$;
CREATE FUNCTION pg_temp.receipt(who integer, nth integer, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', r ->> 'status', r -> 'subscription' ->> 'status') FROM pg_temp.week(who, nth) w, LATERAL coursebase.validate_purchase(pg_temp.who(who), (jsonb_build_object('source', 'app_store', 'product_id', 'again.week', 'purchase_id', w ->> 'transactionId', 'purchase_token', w ->> 'transactionId',
        'original_transaction_id', w ->> 'originalTransactionId', 'transaction_date', (w -> 'purchaseDate')::text, 'period_end', (w -> 'expiresDate')::text) || more)::json, '2026-01-09') r $$;
CREATE FUNCTION pg_temp.state(n integer) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, auto_renew, expires_at) FROM coursebase.subscription_lines WHERE user_id = pg_temp.who(n) $$;
CREATE FUNCTION pg_temp.premium(who integer, VARIADIC instants timestamptz[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coursebase.has_premium(pg_temp.who(who), t)::text, ' ' ORDER BY n) FROM unnest(instants) WITH ORDINALITY i (t, n) $$;
-- The second week is charged on the evening before it begins, and the person cancels in that night.
SELECT pg_temp.told(n, '2026-01-01 00:00:04', 'SUBSCRIBED', 'INITIAL_BUY', pg_temp.week(n, 1)), pg_temp.told(n, '2026-01-07 20:00', 'DID_RENEW', NULL, pg_temp.week(n, 2)),
    pg_temp.told(n, '2026-01-07 23:00', 'DID_CHANGE_RENEWAL_STATUS', 'AUTO_RENEW_DISABLED', pg_temp.week(n, 2)) FROM generate_series(1, 4) n ORDER BY n;
SELECT pg_temp.phone(1, pg_temp.week(1, 2)), pg_temp.receipt(2, 2), pg_temp.receipt(3, 2, '{"auto_renew": true}');
SELECT n, pg_temp.state(n), pg_temp.premium(n, '2026-01-14 23:59:59', '2026-01-15') FROM generate_series(1, 3) n ORDER BY n;
SELECT pg_temp.told(1, '2026-01-10', 'DID_CHANGE_RENEWAL_STATUS', 'AUTO_RENEW_ENABLED', pg_temp.week(1, 2)), pg_temp.state(1);
-- What the phone brings first is no other order of events.
SELECT pg_temp.phone(4, pg_temp.week(4, 1)), pg_temp.receipt(4, 2), pg_temp.state(4);
-- A payment that is new is a renewal, whatever was canceled.
SELECT pg_temp.receipt(2, 3), pg_temp.state(2);
-- Three days are added to the first week; the second one is charged and refunded before it begins. Then the first is.
SELECT pg_temp.told(n, '2026-01-01 00:00:04', 'SUBSCRIBED', 'INITIAL_BUY', pg_temp.week(n, 1)), pg_temp.told(n, '2026-01-03', 'RENEWAL_EXTENDED', NULL, pg_temp.week(n, 1, 3)) FROM generate_series(5, 6) n ORDER BY n;
SELECT pg_temp.told(5, '2026-01-09 20:00', 'DID_RENEW', NULL, pg_temp.week(5, 2, 3) || jsonb_build_object('purchaseDate', pg_temp.ms('2026-01-11'))), pg_temp.told(5, '2026-01-09 21:00', 'REFUND', NULL, pg_temp.week(5, 2, 3) || jsonb_build_object('purchaseDate', pg_temp.ms('2026-01-11')));
SELECT pg_temp.told(6, '2026-01-09 21:00', 'REFUND', NULL, pg_temp.week(6, 1, 3));
SELECT n, pg_temp.premium(n, '2026-01-09', '2026-01-09 20:59', '2026-01-09 22:00', '2026-01-10 23:59:59', '2026-01-11', '2026-01-12') FROM generate_series(5, 6) n ORDER BY n;
SELECT pg_temp.told(5, '2026-01-10', 'REFUND', NULL, pg_temp.week(5, 1, 3)), pg_temp.premium(5, '2026-01-09 22:00', '2026-01-10 01:00');
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK;
