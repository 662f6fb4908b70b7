-- Promise: what a provider sends about the purchases of an account that is closed takes effect, and its content is not kept: nothing
-- is left for another delete_user(). What waits for whoever brings the purchase keeps it, and loses nothing with a new person.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000571911\''
\set bob '\'00000000-0000-4000-8000-000000571912\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES (:ada, 'left_ada', 'Ada', 'ada@example.org'), (:bob, 'left_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000571910', 'C19LFT', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('c19lft', 'course', '00000000-0000-4000-8000-000000571910');
CREATE FUNCTION pg_temp.cat_told(n text, type text, event jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.cat('left-' || n, '2026-02-' || n, type, event || jsonb_build_object('app_user_id', '00000000-0000-4000-8000-000000571911',
        'store', 'PLAY_STORE', 'purchased_at_ms', pg_temp.ms('2026-02-' || n), 'subscriber_attributes', '{"$email": {"value": "ada@example.org"}}'::jsonb)) $$;
CREATE FUNCTION pg_temp.monthly(n text, type text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.cat_told(n, type, jsonb_build_object('product_id', 'left.monthly', 'original_transaction_id', 'left-line',
        'transaction_id', 'left-line-' || n, 'expiration_at_ms', pg_temp.ms('2026-04-' || n))) $$;
CREATE FUNCTION pg_temp.bought(n text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.cat_told(n, 'NON_RENEWING_PURCHASE', jsonb_build_object('product_id', 'c19lft', 'transaction_id', 'GPA.left-' || n)) $$;
CREATE FUNCTION pg_temp.took(provider text, body text, who uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', kind, outcome, detail) FROM coursebase.take_notification(provider, body, NULL, NULL, who, '2026-03-01') $$;
CREATE FUNCTION pg_temp.apple_monthly(n text, type text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.apple('left-apple-' || n, '2026-02-' || n, type, CASE type WHEN 'SUBSCRIBED' THEN 'INITIAL_BUY' END, jsonb_build_object(
        'type', 'Auto-Renewable Subscription', 'originalTransactionId', 'left-apple', 'transactionId', 'left-apple-' || n, 'productId', 'left.monthly',
        'purchaseDate', pg_temp.ms('2026-02-' || n), 'expiresDate', pg_temp.ms('2026-04-' || n), 'appAccountToken', '00000000-0000-4000-8000-000000571911')) $$;
CREATE VIEW pg_temp.kept AS SELECT notification_id, outcome, user_id = '00000000-0000-4000-8000-000000571911' AS hers, body IS NOT NULL AS has_body
FROM coursebase.store_notifications ORDER BY happened_at, notification_id;

SELECT pg_temp.took('revenuecat', pg_temp.monthly('01', 'INITIAL_PURCHASE')), pg_temp.took('revenuecat', pg_temp.bought('02')),
    pg_temp.took('app_store', pg_temp.apple_monthly('03', 'SUBSCRIBED'));
SELECT coursebase.delete_user(:ada) IS NOT NULL;
SELECT pg_temp.took('revenuecat', pg_temp.monthly('04', 'RENEWAL')), pg_temp.took('app_store', pg_temp.apple_monthly('05', 'DID_RENEW')),
    pg_temp.took('revenuecat', pg_temp.bought('06'));
TABLE pg_temp.kept;
SELECT * FROM coursebase.check_integrity();
-- Told again, it is known.
SELECT pg_temp.took('revenuecat', pg_temp.monthly('04', 'RENEWAL'));
-- Who brings what waits gets it.
SELECT pg_temp.took('revenuecat', pg_temp.bought('06'), :bob);
SELECT * FROM pg_temp.kept WHERE notification_id = 'left-06';
SELECT coursebase.has_course_access('00000000-0000-4000-8000-000000571910', :bob);
SELECT * FROM coursebase.check_integrity();

-- What is refused since then is kept with its content, for an operator: it tells of money.
\i :abs_srcdir/fixtures/worlds/programs.sql
SELECT transaction_id AS charge FROM coursebase.begin_checkout(:eve, :strong, '2026-02-01') \gset
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'pi_left');
SELECT coursebase.delete_user(:eve, '2026-02-02') IS NOT NULL;
SELECT pg_temp.took('stripe', pg_temp.stripe('evt_left_1', '2026-02-03', 'payment_intent.succeeded', '{"id": "pi_left", "amount": 1, "amount_received": 1, "currency": "eur"}'));
SELECT outcome, body IS NOT NULL FROM coursebase.store_notifications WHERE user_id = :eve;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
