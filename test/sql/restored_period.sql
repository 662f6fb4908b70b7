-- Promise: the payment of a period of Apple's is one, whatever transaction a restore names it by: its refund ends premium, also when the
-- restore is brought later, or came alone or first, and its reversal gives it back. A restore takes no cancellation back. The next
-- period is another payment.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-00000058200' || n)::uuid $$;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT pg_temp.person(n), 'periods_' || n, 'N', 'n@example.org' FROM generate_series(1, 6) n;
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('period.monthly', 'subscription');
CREATE FUNCTION pg_temp.paid(n integer, transaction integer, month integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('environment', 'Production', 'type', 'Auto-Renewable Subscription', 'transactionId', format('period-%s-%s', n, transaction),
        'originalTransactionId', format('period-%s-1', n), 'productId', 'period.monthly', 'appAccountToken', pg_temp.person(n),
        'transactionReason', CASE month WHEN 1 THEN 'PURCHASE' ELSE 'RENEWAL' END,
        'purchaseDate', pg_temp.ms(format('2026-%s-01', month)), 'expiresDate', pg_temp.ms(format('2026-%s-01', month + 1))) $$;
CREATE FUNCTION pg_temp.told(n integer, id integer, day text, type text, subtype text, transaction integer, month integer) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail) FROM coursebase.take_notification('app_store', pg_temp.apple(format('period-%s-%s', n, id), '2026-' || day,
        type, subtype, jsonb_strip_nulls(pg_temp.paid(n, transaction, month) || jsonb_build_object('revocationDate',
        CASE type WHEN 'REFUND' THEN pg_temp.ms('2026-' || day) END))), at => '2026-03-15') $$;
CREATE FUNCTION pg_temp.brought(n integer, day text, transaction integer, month integer) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail) FROM coursebase.take_notification('app_store', pg_temp.apple_token(pg_temp.paid(n, transaction, month)
        || jsonb_build_object('signedDate', pg_temp.ms('2026-' || day))), NULL, NULL, pg_temp.person(n), '2026-03-15') $$;
CREATE FUNCTION pg_temp.premium(n integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s', day, coursebase.has_premium(pg_temp.person(n), ('2026-' || day)::timestamptz)), ', ' ORDER BY day)
    FROM unnest(ARRAY['01-09', '01-20', '02-09', '02-20']) day $$;

-- Restored between the purchase and its refund; the refund is taken back.
SELECT pg_temp.told(1, 1, '01-01', 'SUBSCRIBED', 'INITIAL_BUY', 1, 1), pg_temp.brought(1, '01-05', 8, 1);
SELECT pg_temp.premium(1);
SELECT pg_temp.told(1, 2, '01-12', 'REFUND', NULL, 1, 1);
SELECT pg_temp.premium(1);
SELECT pg_temp.told(1, 3, '01-13', 'REFUND_REVERSED', NULL, 8, 1);
SELECT pg_temp.premium(1);

-- The restore is brought after the refund; it came alone; it came first.
SELECT pg_temp.told(2, 1, '01-01', 'SUBSCRIBED', 'INITIAL_BUY', 1, 1), pg_temp.told(2, 2, '01-12', 'REFUND', NULL, 1, 1);
SELECT pg_temp.brought(2, '01-13', 8, 1);
SELECT pg_temp.premium(2);
SELECT pg_temp.brought(3, '01-05', 8, 1), pg_temp.told(3, 1, '01-12', 'REFUND', NULL, 1, 1);
SELECT pg_temp.premium(3);
SELECT pg_temp.brought(4, '01-05', 8, 1), pg_temp.told(4, 1, '01-01', 'SUBSCRIBED', 'INITIAL_BUY', 1, 1);
SELECT pg_temp.told(4, 2, '01-12', 'REFUND', NULL, 1, 1);
SELECT pg_temp.premium(4);

-- Of two periods the refund takes the one that it names.
SELECT pg_temp.told(5, 1, '01-01', 'SUBSCRIBED', 'INITIAL_BUY', 1, 1), pg_temp.told(5, 2, '02-01', 'DID_RENEW', NULL, 2, 2);
SELECT pg_temp.brought(5, '02-05', 8, 1), pg_temp.brought(5, '02-05', 9, 2);
SELECT pg_temp.told(5, 3, '02-12', 'REFUND', NULL, 2, 2);
SELECT pg_temp.premium(5);

-- A receipt that is restored takes no cancellation back.
SELECT pg_temp.told(6, 1, '01-01', 'SUBSCRIBED', 'INITIAL_BUY', 1, 1);
SELECT pg_temp.told(6, 2, '01-05', 'DID_CHANGE_RENEWAL_STATUS', 'AUTO_RENEW_DISABLED', 1, 1);
SELECT pg_temp.brought(6, '01-06', 8, 1);
SELECT user_id = pg_temp.person(6), status, auto_renew FROM coursebase.subscription_lines WHERE original_transaction_id = 'period-6-1';
SELECT right(e.user_id::text, 1), e.transaction_id, h.event_type, h.anomaly
FROM coursebase.subscription_events e JOIN coursebase.subscription_history h ON h.event_id = e.id
WHERE e.user_id BETWEEN pg_temp.person(1) AND pg_temp.person(6) ORDER BY e.user_id, e.event_time, e.transaction_id, h.event_type;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
