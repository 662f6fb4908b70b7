-- Promise: what a store sold to an account that is closed is restored by the next one that brings it; to an open one only
-- where the operator allows it; an order moves everything, RevenueCat's transfer what RevenueCat told of; each is audited.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000547161\''
\set bob '\'00000000-0000-4000-8000-000000547162\''
\set eve '\'00000000-0000-4000-8000-000000547163\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'moved_ada', 'Ada', 'ada@example.org'), (:bob, 'moved_bob', 'Bob', 'bob@example.org'), (:eve, 'moved_eve', 'Eve', 'eve@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000547164', 'C47MOV', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id, credits, course_code) VALUES ('c47mov', 'course', '00000000-0000-4000-8000-000000547164', NULL, NULL), ('moved.premium', 'subscription', NULL, NULL, NULL), ('x47mov', 'custom_course', NULL, NULL, 'X47MOV'), ('moved.pack', 'ai_credits', NULL, 100, NULL);
CREATE FUNCTION pg_temp.brings(person uuid, product text, purchase text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refused(format('SELECT coursebase.validate_purchase(%L, %L, %L)', person, json_build_object('product_id', product, 'source', 'app_store', 'purchase_id', purchase,
        'purchase_token', 't', 'transaction_date', '2026-01-01T12:00:00Z', 'period_end', '2026-03-01T12:00:00Z'), '2026-01-02')) $$;
\set has 'SELECT right(u.id::text, 1), coursebase.has_premium(u.id, \'2026-02-01\'), coursebase.has_course_access(\'00000000-0000-4000-8000-000000547164\', u.id), (SELECT count(*) FROM coursebase.custom_courses c WHERE c.user_id = u.id) FROM coursebase.users u WHERE u.clerk_user_id LIKE \'moved_%\' OR u.id::text LIKE \'%00000054716_\' ORDER BY 1;'
SELECT pg_temp.brings(:ada, p, 'm-' || p) FROM unnest(ARRAY['c47mov', 'moved.premium', 'x47mov', 'moved.pack']) p;
-- An open account keeps what it has.
SELECT pg_temp.brings(:bob, p, 'm-' || p) FROM unnest(ARRAY['c47mov', 'moved.premium']) p;
SAVEPOINT open;
UPDATE coursebase.settings SET value = 'transfer' WHERE name = 'restore_behavior';
SELECT pg_temp.brings(:bob, p, 'm-' || p) FROM unnest(ARRAY['c47mov', 'moved.premium', 'moved.pack']) p;
:has
ROLLBACK TO open;
-- The account is closed; the next one brings the same receipts, and not another product by them.
SELECT user_id IS NOT NULL FROM coursebase.delete_user(:ada) user_id;
SELECT pg_temp.brings(:bob, 'x47mov', 'm-c47mov');
SELECT pg_temp.brings(:bob, p, 'm-' || p) FROM unnest(ARRAY['c47mov', 'moved.premium', 'x47mov', 'moved.pack']) p;
:has
SELECT pg_temp.brings(:eve, 'c47mov', 'm-c47mov');
SELECT action, count(*) FROM coursebase.audit_events WHERE action LIKE '%transferred' GROUP BY 1 ORDER BY 1;
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
-- All of it by order, to one who has the course already; the receipt of that purchase becomes a duplicate.
SELECT pg_temp.brings(:eve, 'c47mov', 'm-own');
SELECT * FROM coursebase.transfer_purchases(:bob, :eve, '2026-01-05') ORDER BY kind;
SELECT purchase_id, status FROM coursebase.store_receipts WHERE user_id = :eve ORDER BY 1;
:has
SELECT count(*) FROM coursebase.transfer_purchases(:bob, :eve, '2026-01-05');
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
-- By the store's own word: the signed transaction of a closed account, with the account that brings it.
SELECT user_id IS NOT NULL FROM coursebase.delete_user(:eve) user_id;
SELECT outcome, right(user_id::text, 1), result ->> 'status' FROM coursebase.take_notification('app_store', pg_temp.apple_token(jsonb_build_object('environment', 'Production', 'type', 'Auto-Renewable Subscription', 'transactionId', 'm-next',
    'originalTransactionId', 'm-moved.premium', 'productId', 'moved.premium', 'transactionReason', 'RENEWAL', 'purchaseDate', pg_temp.ms('2026-02-25'), 'expiresDate', pg_temp.ms('2026-04-01'), 'signedDate', pg_temp.ms('2026-02-26'))), user_id => :bob, at => '2026-02-26');
:has
-- RevenueCat: the transfer, and then the renewal for the new account; what Apple told stays.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-000000547165', 'moved_new', 'New', 'new@example.org');
SELECT outcome, coalesce(result ->> 'status', result ->> 'moved', detail) FROM (VALUES
    (1, pg_temp.cat('t-1', '2026-02-01', 'INITIAL_PURCHASE', '{"app_user_id": "moved_bob", "store": "PLAY_STORE", "product_id": "moved.premium", "transaction_id": "GPA.9", "original_transaction_id": "GPA.9", "purchased_at_ms": 1769904000000, "expiration_at_ms": 1772323200000}')),
    (2, pg_temp.cat('t-2', '2026-02-02', 'TRANSFER', '{"store": "PLAY_STORE", "transferred_from": ["moved_bob", "$RCAnonymousID:1"], "transferred_to": ["moved_new"]}')),
    (3, pg_temp.cat('t-3', '2026-02-28', 'RENEWAL', '{"app_user_id": "moved_new", "store": "PLAY_STORE", "product_id": "moved.premium", "transaction_id": "GPA.9..0", "original_transaction_id": "GPA.9", "purchased_at_ms": 1772323200000, "expiration_at_ms": 1775001600000}')),
    (4, pg_temp.cat('t-4', '2026-02-28', 'TRANSFER', '{"transferred_from": ["$RCAnonymousID:2"], "transferred_to": ["moved_new"]}')),
    (5, pg_temp.cat('t-5', '2026-02-28', 'TRANSFER', '{"transferred_from": ["moved_new"], "transferred_to": ["nobody_yet"]}'))) v (n, body),
    LATERAL coursebase.take_notification('revenuecat', body, at => '2026-03-01') ORDER BY n;
SELECT store, original_transaction_id, right(user_id::text, 1), status FROM coursebase.subscription_lines WHERE user_id::text LIKE '%00000054716_' ORDER BY 1;
SELECT coursebase.has_premium('00000000-0000-4000-8000-000000547165', '2026-03-15');
SELECT pg_temp.refused($$UPDATE coursebase.subscription_events SET user_id = '00000000-0000-4000-8000-000000547161'$$);
SELECT pg_temp.refused($$UPDATE coursebase.subscription_events SET event_type = 'noted'$$);
SELECT pg_temp.refused($$SELECT coursebase.transfer_purchases('00000000-0000-4000-8000-000000547162', '00000000-0000-4000-8000-000000547161')$$);
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
