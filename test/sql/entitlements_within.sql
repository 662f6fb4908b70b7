-- Promise: in the transaction that changes what plans give, every statement and every cursor has what its own snapshot
-- sees, whichever of them asked before.
\set ada '\'00000000-0000-4000-8000-00000000e741\''
\set may '\'2026-05-10 12:00+00\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'within_ada', 'Ada', 'within_ada@example.org');
SELECT status FROM coursebase.apply_subscription_event(:ada, json_build_object('store', 'app_store', 'environment', 'production',
    'store_event_id', 'e', 'original_transaction_id', 'l', 'transaction_id', 't', 'event_type', 'created',
    'event_time', '2026-05-01T00:00:00Z', 'period_end', '2026-07-01T00:00:00Z', 'product_id', 'chat_monthly'), '2026-05-01');
CREATE FUNCTION pg_temp.change() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coursebase.entitlements (name, weekly_credits, course_slots) VALUES ('chat', 5000, 0);
    INSERT INTO coursebase.store_product_entitlements (product_id, entitlement) VALUES ('chat_monthly', 'chat');
    RETURN 'changed';
END $$;
SELECT coursebase.has_premium(:ada, :may);

-- A statement that changes the plans by a function asks with the snapshot of its begin; the next one sees the change.
SAVEPOINT before;
SELECT pg_temp.change(), coursebase.has_premium(:ada, :may);
SELECT coursebase.has_premium(:ada, :may);
ROLLBACK TO before;
SELECT coursebase.has_premium(:ada, :may);

-- A cursor stays with what it saw, and what it asks is not kept for others.
DECLARE opened CURSOR FOR SELECT coursebase.has_premium(:ada, :may) FROM generate_series(1, 3);
SELECT pg_temp.change(), coursebase.has_premium(:ada, :may);
FETCH opened;
SELECT coursebase.has_premium(:ada, :may), weekly_limit_credits FROM coursebase.credit_balance(:ada, :may);
FETCH opened;
SELECT coursebase.has_premium(:ada, :may);
UPDATE coursebase.store_product_entitlements SET entitlement = 'premium';
SELECT coursebase.has_premium(:ada, :may), weekly_limit_credits FROM coursebase.credit_balance(:ada, :may);
FETCH opened;
ROLLBACK;

-- Nor is what an operator's trigger sees of a change that it refuses: the first question of a session.
\c
\set SHOW_CONTEXT never
SET client_min_messages = warning;
\set course '\'00000000-0000-4000-8000-00000000e742\''
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'within_ada', 'Ada', 'within_ada@example.org');
INSERT INTO coursebase.courses (id, title, description, in_premium) VALUES (:course, 'Calm', '', true);
SELECT status FROM coursebase.apply_subscription_event(:ada, json_build_object('store', 'app_store', 'environment', 'production',
    'store_event_id', 'e', 'original_transaction_id', 'l', 'transaction_id', 't', 'event_type', 'created',
    'event_time', '2026-05-01T00:00:00Z', 'period_end', '2026-07-01T00:00:00Z'), '2026-05-01');
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coursebase.has_course_access(TG_ARGV[0]::uuid, TG_ARGV[1]::uuid, TG_ARGV[2]::timestamptz) THEN
        RAISE 'a plan gives the course';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER a_refuse AFTER UPDATE ON coursebase.entitlements FOR EACH ROW EXECUTE FUNCTION
    pg_temp.refuse('00000000-0000-4000-8000-00000000e742', '00000000-0000-4000-8000-00000000e741', '2026-05-10 12:00+00');
SAVEPOINT before;
UPDATE coursebase.entitlements SET covers_every_course = true WHERE name = 'premium';
ROLLBACK TO before;
SELECT coursebase.has_course_access(:course, :ada, :may);
ROLLBACK;
