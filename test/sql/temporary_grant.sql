-- Promise: what RevenueCat gives for the time being gives premium until its own end and a day at most, and moves no
-- status of what the store says; a token that replaces another ends what that one gave.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000570261\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'grant_ada', 'Ada', 'grant_ada@example.org');
CREATE FUNCTION pg_temp.cat_says(id text, happened text, type text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, result ->> 'status', result ->> 'anomaly', detail) FROM coursebase.take_notification('revenuecat',
        pg_temp.cat(id, happened, type, '{"app_user_id": "grant_ada", "store": "APP_STORE", "product_id": "grant.premium", "environment": "PRODUCTION"}'::jsonb || more), NULL, NULL, NULL, '2026-03-01') $$;
\set premium 'SELECT string_agg(to_char(at, ''DD HH24:MI''), '', '' ORDER BY at) FROM generate_series(timestamptz ''2026-02-01'', ''2026-02-08'', ''6 hours'') at WHERE coursebase.has_premium(:ada, at);'
\set lines 'SELECT store, status, expires_at, access_from, access_until FROM coursebase.subscription_lines WHERE user_id = :ada ORDER BY access_from;'
-- Half a day; without an end, and with one too far away, a day.
SELECT pg_temp.cat_says('tg-1', '2026-02-01', 'TEMPORARY_ENTITLEMENT_GRANT', jsonb_build_object('expiration_at_ms', 1769947200000));
:premium
SELECT pg_temp.cat_says('tg-2', '2026-02-03', 'TEMPORARY_ENTITLEMENT_GRANT', '{"transaction_id": "tg-store", "original_transaction_id": "tg-store"}');
SELECT pg_temp.cat_says('tg-3', '2026-02-05', 'TEMPORARY_ENTITLEMENT_GRANT', jsonb_build_object('expiration_at_ms', 1893456000000));
:premium
:lines
-- The store confirms: the purchase is a line of its own.
SELECT pg_temp.cat_says('tg-4', '2026-02-07', 'INITIAL_PURCHASE', jsonb_build_object('transaction_id', 'tg-store', 'original_transaction_id', 'tg-store', 'purchased_at_ms', 1770422400000, 'expiration_at_ms', 1772755200000));
:premium
:lines
SELECT status, store, expires_at FROM coursebase.subscriptions WHERE user_id = :ada;
-- It is no payment.
SELECT count(*), count(first_premium_at) FROM coursebase.subscription_lines WHERE user_id = :ada AND store = 'promotional';
-- Play: T2 replaces T1; refunding T2 does not bring T1 back.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-000000570262', 'grant_bob', 'Bob', 'grant_bob@example.org');
CREATE FUNCTION pg_temp.play_says(id text, happened text, type integer, token text, ends text, linked text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, result ->> 'status', result ->> 'anomaly', detail) FROM coursebase.take_notification('google_play',
        pg_temp.play(id, happened, jsonb_build_object('subscriptionNotification', jsonb_build_object('notificationType', type, 'purchaseToken', token))), NULL,
        json_strip_nulls(json_build_object('kind', 'androidpublisher#subscriptionPurchaseV2', 'linkedPurchaseToken', linked, 'startTime', '2026-01-10T00:00:00Z', 'latestOrderId', 'GPA.' || token,
            'externalAccountIdentifiers', json_build_object('obfuscatedExternalAccountId', 'grant_bob'),
            'lineItems', json_build_array(json_build_object('productId', 'grant.premium', 'expiryTime', ends)))), NULL, '2026-03-01') $$;
SELECT pg_temp.play_says('pg-1', '2026-01-10', 4, 'T1', '2026-02-10T00:00:00Z'), pg_temp.play_says('pg-2', '2026-01-20', 4, 'T2', '2027-01-20T00:00:00Z', 'T1');
SELECT original_transaction_id, status, replaced_at, access_until FROM coursebase.subscription_lines WHERE user_id = '00000000-0000-4000-8000-000000570262' ORDER BY 1;
SELECT pg_temp.play_says('pg-3', '2026-01-25', 12, 'T2', '2027-01-20T00:00:00Z', 'T1');
SELECT at, coursebase.has_premium('00000000-0000-4000-8000-000000570262', at) FROM unnest(ARRAY['2026-01-15', '2026-01-22', '2026-01-26', '2026-02-09']::timestamptz[]) at;
-- Apple: the period begins with the purchase, though the notification comes days later.
SELECT outcome, result ->> 'status' FROM coursebase.take_notification('app_store', pg_temp.apple('ap-1', '2026-01-05', 'SUBSCRIBED', 'INITIAL_BUY',
    jsonb_build_object('transactionId', 'ap', 'originalTransactionId', 'ap', 'productId', 'grant.premium', 'bundleId', 'org.example.app', 'type', 'Auto-Renewable Subscription',
        'purchaseDate', pg_temp.ms('2026-01-01'), 'expiresDate', pg_temp.ms('2026-01-09'))), NULL, NULL, '00000000-0000-4000-8000-000000570262', '2026-03-01');
SELECT at, coursebase.has_premium('00000000-0000-4000-8000-000000570262', at) FROM unnest(ARRAY['2025-12-31', '2026-01-02', '2026-01-09']::timestamptz[]) at;
SELECT * FROM coursebase.check_billing();
ROLLBACK;
