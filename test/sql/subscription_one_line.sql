-- Promise: what a phone brings of a subscription of Google Play and what Google tells of it is one line, whichever comes
-- first, also where the receipt does not name the line: a refund that Google tells of leaves nothing of the receipt.
\getenv abs_srcdir PG_ABS_SRCDIR
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
\set ON_ERROR_ROLLBACK on
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-00000005a40' || n)::uuid, 'line_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 8) n;
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('line.month', 'subscription');
CREATE FUNCTION pg_temp.who(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-00000005a40' || n)::uuid $$;
CREATE FUNCTION pg_temp.brings(who integer, token integer, nth text DEFAULT '', until text DEFAULT '2026-02-01', more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', r ->> 'status', r -> 'subscription' ->> 'status', r -> 'subscription' ->> 'expires_at') FROM coursebase.validate_purchase(pg_temp.who(who), (jsonb_build_object('source', 'google_play', 'product_id', 'line.month', 'purchase_id', 'GPA.line-' || token || nth, 'purchase_token', 'line-token-' || token,
        'transaction_date', '2026-01-01T00:00:00Z', 'period_end', until || 'T00:00:00Z') || more)::json, '2026-01-01') r $$;
CREATE FUNCTION pg_temp.told(token integer, at text, type integer, state text, until text DEFAULT '2026-02-01', nth text DEFAULT '', account text DEFAULT NULL, person uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', outcome, detail, result ->> 'status', result ->> 'anomaly') FROM coursebase.take_notification('google_play', pg_temp.play(concat_ws('-', 'line', token, at, type), at, jsonb_build_object('subscriptionNotification', jsonb_build_object('version', '1.0', 'notificationType', type, 'purchaseToken', 'line-token-' || token, 'subscriptionId', 'line.month'))), details => json_strip_nulls(json_build_object('subscriptionState', 'SUBSCRIPTION_STATE_' || state, 'startTime', '2026-01-01T00:00:00Z',
        'externalAccountIdentifiers', json_build_object('obfuscatedExternalAccountId', account), 'lineItems', json_build_array(json_build_object('productId', 'line.month', 'expiryTime', until || 'T00:00:00Z', 'latestSuccessfulOrderId', 'GPA.line-' || token || nth, 'autoRenewingPlan', json_build_object('autoRenewEnabled', state = 'ACTIVE'))))), user_id => person, at => '2026-03-01') $$;
CREATE FUNCTION pg_temp.voided(token integer, at text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', outcome, detail, result ->> 'status', result ->> 'anomaly') FROM coursebase.take_notification('google_play', pg_temp.play(concat_ws('-', 'line', token, at, 'void'), at, jsonb_build_object('voidedPurchaseNotification', jsonb_build_object('purchaseToken', 'line-token-' || token, 'orderId', 'GPA.line-' || token, 'productType', 1, 'refundType', 1))), at => '2026-03-01') $$;
CREATE FUNCTION pg_temp.lines(who integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', original_transaction_id, status, coursebase.has_premium(user_id, '2026-01-09'), coursebase.has_premium(user_id, '2026-01-11')), ', ' ORDER BY 1) FROM (SELECT * FROM coursebase.subscription_lines WHERE user_id = pg_temp.who(who) ORDER BY 2) l $$;
-- The receipt comes first: Google's notifications are of its line.
SELECT pg_temp.brings(1, 1), pg_temp.told(1, '2026-01-01 00:00:02', 4, 'ACTIVE'), pg_temp.told(1, '2026-01-05', 3, 'CANCELED'), pg_temp.lines(1);
SELECT pg_temp.told(1, '2026-01-10', 12, 'EXPIRED', '2026-01-10'), pg_temp.voided(1, '2026-01-10'), pg_temp.lines(1);
-- The notification comes first: the receipt is of its line, and so is that of a renewal.
SELECT pg_temp.told(2, '2026-01-01 00:00:02', 4, 'ACTIVE', account => 'line_2'), pg_temp.brings(2, 2), pg_temp.lines(2);
SAVEPOINT renewal;
SELECT pg_temp.brings(2, 2, '..0', '2026-03-01'), pg_temp.lines(2);
SELECT coursebase.has_premium(pg_temp.who(2), '2026-02-28');
ROLLBACK TO renewal;
SELECT pg_temp.told(2, '2026-01-10', 12, 'EXPIRED', '2026-01-10'), pg_temp.lines(2);
-- The refund alone; and before anything else, when the receipt has it tried again.
SELECT pg_temp.brings(3, 3), pg_temp.voided(3, '2026-01-10'), pg_temp.lines(3);
SELECT pg_temp.voided(4, '2026-01-10'), pg_temp.brings(4, 4);
SELECT pg_temp.lines(4);
-- A receipt that names its line says which; one order of the line has begun it so.
SELECT pg_temp.brings(5, 5, '', '2026-02-01', '{"original_transaction_id": "line-token-5"}'), pg_temp.told(5, '2026-01-01 00:00:02', 4, 'ACTIVE'), pg_temp.brings(5, 5, '..0', '2026-03-01'), pg_temp.lines(5);
-- Who brings the order of somebody else's subscription gets nothing of it.
SELECT pg_temp.told(6, '2026-01-01 00:00:02', 4, 'ACTIVE', account => 'line_6');
SELECT pg_temp.brings(7, 6);
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.lines(6), pg_temp.lines(7);
-- The account that had it is closed: whom the server names gets the line with its next notification.
SELECT pg_temp.brings(7, 7), coursebase.delete_user(pg_temp.who(7), '2026-01-04') IS NOT NULL, pg_temp.told(7, '2026-01-05', 3, 'CANCELED', person => pg_temp.who(8)), pg_temp.lines(7), pg_temp.lines(8);
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK;
