-- Promise: what interrupts a receipt's discount or a notification (a deadlock, a cancel) undoes the whole statement, and
-- leaves the session as it was, also outside of a transaction block: what is sent again is read.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000315901\''
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET client_min_messages = warning;
SET TimeZone = 'UTC';
\i :abs_srcdir/fixtures/helpers/notices.sql
-- not in a transaction block: each statement is its own, as a server's are
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'interrupted_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('interrupted.pack', 'ai_credits', 100);
INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off) VALUES ('00000000-0000-4000-8000-000000315902', 'INTERRUPTED', 'ai_credits', 50);
CREATE FUNCTION pg_temp.interrupt() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.user_id = '00000000-0000-4000-8000-000000315901' THEN
            RAISE 'as if in a deadlock' USING ERRCODE = 'deadlock_detected';
        END IF;
        RETURN NEW;
    END $$;
CREATE TRIGGER interrupt BEFORE INSERT ON coursebase.discount_redemptions FOR EACH ROW EXECUTE FUNCTION pg_temp.interrupt();
SELECT coursebase.validate_purchase(:ada, '{"product_id": "interrupted.pack", "source": "app_store", "purchase_id": "i-1", "purchase_token": "t", "transaction_date": 1767268800000, "discount": {"code": "INTERRUPTED", "base_in_cents": 1000, "currency": "EUR"}}', '2026-01-02');
SELECT 'the session goes on', count(*) FROM coursebase.ai_credit_purchases WHERE user_id = :ada;
DROP TRIGGER interrupt ON coursebase.discount_redemptions;
CREATE TRIGGER interrupt BEFORE INSERT ON coursebase.subscription_events FOR EACH ROW EXECUTE FUNCTION pg_temp.interrupt();
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('interrupted.monthly', 'subscription');
SELECT outcome, detail FROM coursebase.take_notification('revenuecat', pg_temp.cat('i-2', '2026-01-02', 'INITIAL_PURCHASE', jsonb_build_object('app_user_id', :ada, 'store', 'APP_STORE', 'product_id', 'interrupted.monthly', 'original_transaction_id', 'i-2', 'transaction_id', 'i-2', 'purchased_at_ms', pg_temp.ms('2026-01-02'), 'expiration_at_ms', pg_temp.ms('2026-02-02'))), at => '2026-01-02');
SELECT 'the session goes on', count(*) FROM coursebase.store_notifications WHERE notification_id = 'i-2';
DROP TRIGGER interrupt ON coursebase.subscription_events;
BEGIN;
SELECT status FROM json_to_record(coursebase.validate_purchase(:ada, '{"product_id": "interrupted.pack", "source": "app_store", "purchase_id": "i-1", "purchase_token": "t", "transaction_date": 1767268800000, "discount": {"code": "INTERRUPTED", "base_in_cents": 1000, "currency": "EUR"}}', '2026-01-02')) r (status text);
SELECT count(*) FROM coursebase.discount_redemptions WHERE user_id = :ada;
ROLLBACK;
DELETE FROM coursebase.users WHERE id = :ada;
DELETE FROM coursebase.discount_codes WHERE code = 'INTERRUPTED';
DELETE FROM coursebase.store_products WHERE product_id LIKE 'interrupted.%';
