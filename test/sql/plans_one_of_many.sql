-- Promise: a call that is about one of thousands reads what is of that one, although a statement is planned once for any value.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
\i :abs_srcdir/fixtures/helpers/notices.sql
\set person '(\'00000000-0000-4000-8000-00000b2\' || lpad(n::text, 5, \'0\'))::uuid'
\set notice '(\'00000000-0000-4000-8000-00000b3\' || lpad(n::text, 5, \'0\'))::uuid'
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT :person, 'many_' || n, 'Person', 'p' || n || '@example.org' FROM generate_series(1, 3000) n;
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-00000b2c0001', 'C31MANY', 'Course', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id, price_in_cents, currency) VALUES ('c31many', 'course', '00000000-0000-4000-8000-00000b2c0001', 4900, 'EUR'),
    ('many_premium', 'subscription', NULL, NULL, NULL);
INSERT INTO coursebase.store_receipts (source, environment, purchase_id, user_id, product_id, kind, status, purchased_at, validated_at, purchase_token, original_transaction_id)
SELECT 'google_play', 'production', 'many_' || n, :person, 'many_premium', 'subscription', 'valid', '2025-12-01', '2025-12-01', repeat('t', CASE n WHEN 5 THEN 200 ELSE 3000 END) || n, 'line_' || n FROM generate_series(1, 3000) n;
INSERT INTO coursebase.store_notifications (id, provider, environment, notification_id, kind, proof, body, outcome, happened_at, received_at)
SELECT :notice, 'revenuecat', 'production', 'many_' || n, 'TEST', 'none', pg_temp.cat('many_' || n, '2025-12-01', 'TEST', jsonb_build_object('filler', repeat(md5(n::text), 30))), 'refused', '2025-12-01', '2025-12-01' FROM generate_series(1, 3000) n;
\set program '(\'00000000-0000-4000-8000-00000b2f\' || lpad(n::text, 4, \'0\'))::uuid'
\set organization '\'00000000-0000-4000-8000-00000b2a0001\''
INSERT INTO coursebase.organizations (id, name, slug) VALUES (:organization, 'Many', 'one-of-many');
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) SELECT :program, :organization, 'Program', 'course' FROM generate_series(1, 200) n;
INSERT INTO coursebase.course_configs (program_id, organization_id, duration_days, status, published_at) SELECT :program, :organization, 7, 'published', '2025-12-01' FROM generate_series(1, 200) n;
INSERT INTO coursebase.course_entitlements (user_id, program_id, organization_id, status)
SELECT p.id, :program, :organization, 'active' FROM (SELECT :person AS id, greatest(n - 2800, 1) AS n FROM generate_series(1, 3000) n) p;
SET LOCAL session_replication_role = origin;
ANALYZE coursebase.users, coursebase.store_receipts, coursebase.store_notifications, coursebase.programs, coursebase.course_configs, coursebase.course_entitlements;
-- What the last call read a thousand rows or entries of.
CREATE FUNCTION pg_temp.entries() RETURNS TABLE (rel regclass, entries bigint) LANGUAGE sql AS $$ SELECT c.oid, pg_stat_get_xact_tuples_returned(c.oid) FROM pg_class c
    WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'i') $$;
\set begin 'CREATE TEMPORARY TABLE before AS SELECT * FROM pg_temp.entries();'
\set end 'SELECT e.rel, e.entries - b.entries FROM before b JOIN pg_temp.entries() e USING (rel) WHERE e.entries - b.entries >= 1000 ORDER BY 1; DROP TABLE before;'
-- A receipt of a course, whose line is NULL, and one of a period of a subscription.
:begin
SELECT coursebase.validate_purchase('00000000-0000-4000-8000-00000b200001', '{"product_id": "c31many", "source": "google_play", "purchase_id": "many course", "purchase_token": "token", "transaction_date": "2026-01-01T12:00:00Z", "voice": "female"}') ->> 'status';
:end
:begin
SELECT coursebase.validate_purchase('00000000-0000-4000-8000-00000b200002', '{"product_id": "many_premium", "source": "google_play", "purchase_id": "many period", "purchase_token": "token 2", "transaction_date": "2026-01-01T12:00:00Z",
    "original_transaction_id": "new line", "period_end": "2126-02-01T00:00:00Z"}') ->> 'status';
:end
-- Notifications: one without a token, one that names its person, by either name, and one whose token a receipt has.
:begin
SELECT outcome FROM coursebase.take_notification('app_store', pg_temp.apple('many apple', '2026-01-01', 'SUBSCRIBED', 'INITIAL_BUY', jsonb_build_object('type', 'Auto-Renewable Subscription', 'transactionId', 'many apple',
    'originalTransactionId', 'many apple', 'productId', 'many_premium', 'expiresDate', pg_temp.ms('2126-02-01'), 'appAccountToken', '00000000-0000-4000-8000-00000B200003')), NULL, NULL, NULL, '2026-01-01');
:end
:begin
SELECT outcome, user_id FROM coursebase.take_notification('revenuecat', pg_temp.cat('many cat', '2026-01-01', 'INITIAL_PURCHASE', jsonb_build_object('app_user_id', 'many_4', 'store', 'PLAY_STORE', 'product_id', 'many_premium',
    'transaction_id', 'many cat', 'original_transaction_id', 'many cat', 'purchased_at_ms', pg_temp.ms('2026-01-01'), 'expiration_at_ms', pg_temp.ms('2126-02-01'))), NULL, NULL, NULL, '2026-01-01');
:end
:begin
SELECT user_id FROM coursebase.take_notification('google_play', pg_temp.play('many play', '2026-01-01', jsonb_build_object('subscriptionNotification', jsonb_build_object('notificationType', 4, 'purchaseToken', repeat('t', 200) || 5))),
    NULL, '{"subscriptionState": "SUBSCRIPTION_STATE_ACTIVE", "lineItems": [{"productId": "many_premium", "latestSuccessfulOrderId": "many play", "expiryTime": "2126-02-01T00:00:00Z"}]}', NULL, '2026-01-01');
:end
-- One of many that are refused is tried again.
:begin
SELECT outcome FROM coursebase.replay_notifications(NULL, '00000000-0000-4000-8000-00000b300009');
:end
-- A program that nearly everybody bought: its buyers are joined at once, and not each looked up by the key.
:begin
SELECT count(*) FROM coursebase.course_enrolments('00000000-0000-4000-8000-00000b2f0001');
SELECT e.entries - b.entries < 2801 FROM before b JOIN pg_temp.entries() e USING (rel) WHERE rel = 'coursebase.users_pkey'::regclass;
ROLLBACK;
-- ANALYZE counts rows for good, also those that are rolled back.
VACUUM ANALYZE coursebase.users, coursebase.store_receipts, coursebase.store_notifications, coursebase.programs, coursebase.course_configs, coursebase.course_entitlements;
