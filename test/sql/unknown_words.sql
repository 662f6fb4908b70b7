-- Promise: a word that no release knows, in a row that was written while a CHECK was gone, is told by the column's name, and
-- is never read as another word; no server process ends by it.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
\set ada '\'00000000-0000-4000-8000-0000000fa101\''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'words_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('words.pack', 'ai_credits', 100), ('words.pill', 'ai_credits', 100);
INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off) VALUES ('00000000-0000-4000-8000-0000000fa102', 'WORDS', 'course', 50);
-- One of each, as it should be.
SELECT pg_temp.cat('words-1', '2026-02-01', 'INITIAL_PURCHASE', jsonb_build_object('app_user_id', 'words_ada', 'store', 'APP_STORE', 'product_id', 'hypnoelp_subscriptions', 'period_type', 'NORMAL', 'transaction_id', 'w-1',
    'original_transaction_id', 'w-1', 'purchased_at_ms', pg_temp.ms('2026-02-01'), 'expiration_at_ms', pg_temp.ms('2026-03-01'))) AS told \gset
CREATE FUNCTION pg_temp.receipt(product text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT coursebase.validate_purchase(%L, %L, %L)', '00000000-0000-4000-8000-0000000fa101',
        jsonb_build_object('product_id', product, 'source', 'app_store', 'purchase_id', 'w-' || product, 'purchase_token', 't', 'transaction_date', '1767268800000'), '2026-02-02') $$;
SELECT outcome FROM coursebase.take_notification('revenuecat', :'told', at => '2026-02-02');
SELECT pg_temp.refused(pg_temp.receipt('words.pack'));
SELECT discount_in_cents FROM coursebase.redeem_discount(:ada, 'words', 'course', 1000, 'EUR', 'words-1', at => '2026-02-02');
-- The same rows with other words.
ALTER TABLE coursebase.store_notifications DROP CONSTRAINT store_notifications_proof_known_check, DROP CONSTRAINT store_notifications_outcome_known_check;
ALTER TABLE coursebase.store_receipts DROP CONSTRAINT store_receipts_status_known_check;
ALTER TABLE coursebase.store_products DROP CONSTRAINT store_products_kind_known_check;
ALTER TABLE coursebase.user_discounts DROP CONSTRAINT user_discounts_status_known_check;
SET LOCAL session_replication_role = replica;
SAVEPOINT known;
UPDATE coursebase.store_notifications SET outcome = 'lost', applied_at = NULL WHERE notification_id = 'words-1';
SELECT pg_temp.refused(format('SELECT coursebase.take_notification(%L, %L)', 'revenuecat', :'told'));
ROLLBACK TO known;
UPDATE coursebase.store_notifications SET proof = 'sworn' WHERE notification_id = 'words-1';
SELECT pg_temp.refused(format('SELECT coursebase.take_notification(%L, %L)', 'revenuecat', :'told'));
UPDATE coursebase.store_receipts SET status = 'lent' WHERE purchase_id = 'w-words.pack';
UPDATE coursebase.store_products SET kind = 'pill', credits = NULL WHERE product_id = 'words.pill';
UPDATE coursebase.user_discounts SET status = 'lent' WHERE user_id = :ada;
SET LOCAL session_replication_role = origin;
SELECT pg_temp.refused(pg_temp.receipt('words.pack'));
SELECT pg_temp.refused(pg_temp.receipt('words.pill'));
SELECT pg_temp.refused($$SELECT coursebase.redeem_discount('00000000-0000-4000-8000-0000000fa101', 'words', 'course', 1000, 'EUR', 'words-2', at => '2026-02-02')$$);
-- check_integrity() names it instead of ending, and goes on to the checks behind.
ALTER TABLE coursebase.subscription_lines DROP CONSTRAINT subscription_lines_last_event_type_known_check;
SET LOCAL session_replication_role = replica;
UPDATE coursebase.subscription_lines SET last_event_type = 'lent' WHERE user_id = :ada;
SET LOCAL session_replication_role = origin;
SELECT * FROM coursebase.check_integrity() WHERE check_name = 'not_checked';
-- install() names what keeps a CHECK from coming back.
SELECT pg_temp.refused('SELECT coursebase.install()');
ROLLBACK;
