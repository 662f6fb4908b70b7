-- Promise: a pack of credits is refunded of all who hold of it, however many they are: of the one who has it, and of those
-- whom a reservation gave back what they had reserved before the pack went on to the next.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
UPDATE coursebase.settings SET value = '0' WHERE name = 'free_weekly_credits';
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-00000057' || lpad(n::text, 4, '0'))::uuid $$;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT pg_temp.person(n), 'holder_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 1100) n;
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('people.pack', 'ai_credits', 2000);
SELECT coursebase.validate_purchase(pg_temp.person(1), json_build_object('product_id', 'people.pack', 'source', 'app_store', 'purchase_id', 'people', 'purchase_token', 't', 'transaction_date', '2026-02-01T00:00:00Z'), '2026-02-02') ->> 'status';
DO $$
BEGIN
    FOR n IN 1..1099 LOOP
        PERFORM coursebase.reserve_credits(pg_temp.person(n), 1, 'call', '2026-02-03');
        PERFORM coursebase.transfer_purchases(pg_temp.person(n), pg_temp.person(n + 1), '2026-02-03');
        PERFORM coursebase.release_credits(pg_temp.person(n), 'call', '2026-02-03');
    END LOOP;
END $$;
CREATE FUNCTION pg_temp.held() RETURNS TABLE (people bigint, credits numeric) LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE bank_limit_credits > bank_used_credits), sum(bank_limit_credits - bank_used_credits) FROM coursebase.ai_usage WHERE user_id BETWEEN pg_temp.person(1) AND pg_temp.person(1100) $$;
SELECT * FROM pg_temp.held();
SELECT status, right(user_id::text, 4) FROM coursebase.refund_store_purchase('app_store', 'production', 'people', '2026-02-04');
SELECT * FROM pg_temp.held();
SELECT status, refunded_credits FROM coursebase.ai_credit_purchases WHERE purchase_id = 'people';
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
