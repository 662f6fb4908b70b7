-- Promise: a receipt of a course gives it once, to one person, in one voice; what is paid for twice is recorded and
-- listed, and takes the place of what is refunded; what the sandbox sold gives nothing until it may.
\set ada '\'00000000-0000-4000-8000-0000000003a1\''
\set bob '\'00000000-0000-4000-8000-0000000003b1\''
\set course '\'00000000-0000-4000-8000-0000000003c1\''
\set VERBOSITY default
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'course_ada', 'Ada', 'ada@example.org'), (:bob, 'course_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:course, 'C31PUR', 'Sleep', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id, price_in_cents, currency) VALUES ('c31pur', 'course', :course, 4900, 'EUR');
CREATE FUNCTION pg_temp.buy(person uuid, purchase text, voice text DEFAULT 'female', environment text DEFAULT 'production', at timestamptz DEFAULT '2026-01-01 12:00+00', more jsonb DEFAULT '{}') RETURNS json LANGUAGE sql AS $$
    SELECT coursebase.validate_purchase(person, (jsonb_build_object('product_id', 'c31pur', 'source', 'google_play', 'purchase_id', purchase, 'purchase_token', 'token',
        'transaction_date', '2026-01-01T12:00:00Z', 'voice', voice, 'environment', environment) || more)::json, at) $$;
CREATE FUNCTION pg_temp.refund(purchase text, environment text DEFAULT 'production', at timestamptz DEFAULT '2026-01-05 12:00+00') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', status, kind, right(user_id::text, 4), product_id, refunded_at, detail) FROM coursebase.refund_store_purchase('google_play', environment, purchase, at) $$;
\set rows 'SELECT purchase_id, voice, source, environment, status, purchased_at, validated_at, refunded_at FROM coursebase.course_purchases WHERE course_id = \'00000000-0000-4000-8000-0000000003c1\' ORDER BY purchase_id, source;'
\set ON_ERROR_ROLLBACK on

-- Once, and again: the first answer. Another person, voice or nobody: refused. Without a voice: a restore.
SELECT pg_temp.buy(:ada, 'one');
SELECT pg_temp.buy(:ada, 'one', at => '2026-02-01 12:00+00');
SELECT pg_temp.buy(:ada, 'one', voice => NULL, at => '2026-02-01 12:00+00');
SELECT pg_temp.buy(:bob, 'one');
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.buy(:ada, 'one', voice => 'male');
\echo :LAST_ERROR_SQLSTATE
:rows
SELECT coursebase.has_course_access(:course, :ada, '2026-01-10 12:00+00');
SELECT coursebase.has_course_access(:course, :bob, '2026-01-10 12:00+00');
SELECT action, new->>'product_id' AS product, new->>'status' AS status FROM coursebase.audit_events WHERE new->>'user_id' = :ada;

-- Another voice is another purchase; the same one again is a duplicate. Acknowledged when the store says so.
SELECT pg_temp.buy(:ada, 'two', 'male', more => '{"acknowledged": true, "price_in_cents": 3900, "currency": "EUR"}');
SELECT pg_temp.buy(:ada, 'three', at => '2026-01-02 12:00+00');
SELECT pg_temp.buy(:ada, 'three', at => '2026-01-03 12:00+00')->>'status';
SELECT user_id = :ada, product_id, voice, purchase_id FROM coursebase.duplicate_store_purchases;
SELECT kind, purchase_id, purchased_at, deadline FROM coursebase.purchases_awaiting_acknowledgement WHERE user_id = :ada ORDER BY 2;
SELECT coursebase.acknowledge_purchase('google_play', 'production', 'one', '2026-01-02'), coursebase.acknowledge_purchase('google_play', 'production', 'one', '2026-01-03'), coursebase.acknowledge_purchase('google_play', 'production', 'three'), coursebase.acknowledge_purchase('google_play', 'production', 'none');
SELECT acknowledged_at FROM coursebase.course_purchases WHERE purchase_id = 'one' AND user_id = :ada;
SELECT pg_temp.buy(:ada, 'one')->>'acknowledged';
SELECT * FROM coursebase.check_integrity();

-- The refund of the first gives its place to the second payment; then there is nothing more.
SELECT pg_temp.refund('one');
SELECT pg_temp.refund('one', at => '2026-01-06 12:00+00');
:rows
SELECT kind, purchase_id, purchased_at, deadline FROM coursebase.purchases_awaiting_acknowledgement WHERE user_id = :ada ORDER BY 2;
SELECT count(*) FROM coursebase.duplicate_store_purchases;
SELECT pg_temp.buy(:ada, 'one');
SELECT pg_temp.refund('three', at => '2026-01-06 12:00+00');
SELECT purchase_id, status FROM coursebase.course_purchases WHERE user_id = :ada ORDER BY 1;
SELECT action, new->>'detail' FROM coursebase.audit_events WHERE new->>'user_id' = :ada AND action = 'purchase_refunded' ORDER BY new->>'detail', object;

-- A refund that comes first: the receipt gives nothing, and belongs to whoever sends it.
SELECT pg_temp.refund('early');
SELECT pg_temp.refund('early', at => '2026-01-07 12:00+00');
SELECT pg_temp.buy(:ada, 'early');
SELECT pg_temp.buy(:ada, 'early');
SELECT pg_temp.buy(:bob, 'early');
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.refund('early', at => '2026-01-08 12:00+00');
SELECT count(*) FROM coursebase.course_purchases WHERE purchase_id = 'early';
-- After both refunds the course can be bought again.
SELECT pg_temp.buy(:ada, 'again')->>'status';
SELECT * FROM coursebase.check_integrity();

-- The sandbox: recorded and nothing given; when it may, the same receipt gives. A real one takes its place.
SELECT pg_temp.buy(:bob, 'test', environment => 'sandbox');
SELECT pg_temp.buy(:bob, 'test', environment => 'sandbox', at => '2026-01-02 12:00+00');
SELECT count(*) FROM coursebase.course_purchases WHERE user_id = :bob;
SELECT coursebase.has_course_access(:course, :bob, '2026-01-10 12:00+00');
UPDATE coursebase.settings SET value = 'true' WHERE name = 'accept_sandbox';
SELECT pg_temp.buy(:bob, 'test', environment => 'sandbox', at => '2026-01-03 12:00+00');
SELECT pg_temp.buy(:bob, 'test', environment => 'sandbox', at => '2026-01-04 12:00+00')->>'status';
SELECT coursebase.has_course_access(:course, :bob, '2026-01-10 12:00+00');
UPDATE coursebase.settings SET value = NULL WHERE name = 'accept_sandbox';
SELECT coursebase.has_course_access(:course, :bob, '2026-01-10 12:00+00');
SELECT pg_temp.buy(:bob, 'real')->>'status';
SELECT environment, purchase_id, status FROM coursebase.store_receipts WHERE user_id = :bob ORDER BY 1;
SELECT environment, purchase_id, status FROM coursebase.course_purchases WHERE user_id = :bob ORDER BY 1;
-- The refund of the real one does not bring the sandbox's back.
SELECT coursebase.has_course_access(:course, :bob, '2026-01-10 12:00+00');
SELECT pg_temp.refund('real');
SELECT coursebase.has_course_access(:course, :bob, '2026-01-10 12:00+00');
SELECT environment, purchase_id, status FROM coursebase.course_purchases WHERE user_id = :bob ORDER BY 1;
SELECT pg_temp.buy(:bob, 'test 2', 'male', environment => 'sandbox')->>'status';
SELECT pg_temp.refund('test 2', 'sandbox');
SELECT * FROM coursebase.check_integrity();

-- A purchase that the server had recorded as pending becomes valid by its receipt.
INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, product_id, purchase_id, purchase_token) VALUES (:bob, :course, 'male', 'google_play', 'c31pur', 'slow', 'token');
SELECT pg_temp.buy(:bob, 'slow', 'male')->>'status';
SELECT purchase_id, status FROM coursebase.course_purchases WHERE user_id = :bob AND voice = 'male';
-- Nobody buys for an account that is closed; a refund still works.
SELECT coursebase.delete_user(:bob, '2026-01-06') IS NOT NULL;
SELECT pg_temp.buy(:bob, 'late');
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.refund('slow');
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
