-- Promise: a receipt that is not as it must be is refused by the name of its member; a product is found by what the
-- store calls it, and an id that is a product's as it stands is never cut.
\set ada '\'00000000-0000-4000-8000-0000000003a1\''
\set VERBOSITY default
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'receipt_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES
    ('00000000-0000-4000-8000-0000000003c1', 'C31PUR', 'Sleep', ''), ('00000000-0000-4000-8000-0000000003c2', NULL, 'Other', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES
    ('c31pur', 'course', '00000000-0000-4000-8000-0000000003c1'), ('c31pur_c1', 'course', '00000000-0000-4000-8000-0000000003c2');
INSERT INTO coursebase.store_products (product_id, kind, credits, price_in_cents, currency) VALUES ('ai_credits_31', 'ai_credits', 31, NULL, NULL), ('premium_31', 'subscription', NULL, 999, 'EUR');
CREATE FUNCTION pg_temp.validate(changes json) RETURNS text LANGUAGE sql AS $$
    SELECT v->>'status' || coalesce(' ' || (v->'course'->>'title'), '') FROM coursebase.validate_purchase('00000000-0000-4000-8000-0000000003a1',
        (SELECT json_object_agg(key, value) FROM (SELECT DISTINCT ON (key) key, value FROM (
            SELECT 1, * FROM json_each(changes) UNION ALL
            SELECT 2, * FROM json_each('{"product_id": "c31pur", "source": "google_play", "purchase_id": "r-1", "purchase_token": "t", "transaction_date": "1767268800000", "unknown": [1]}')) AS m (rank, key, value)
            ORDER BY key, rank) AS n), '2026-01-01 12:00+00') v $$;
\set ON_ERROR_ROLLBACK on

-- Members: missing, of the wrong type, of the wrong form. Null is missing.
SELECT coursebase.validate_purchase(:ada, '[]');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.validate_purchase(:ada, '"{\"product_id\": \"c31pur\"}"');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.validate_purchase(:ada, NULL);
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
SELECT pg_temp.validate('{"product_id": null}');
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.validate('{"source": null}');
SELECT pg_temp.validate('{"source": "stripe"}');
SELECT pg_temp.validate('{"environment": "Live"}');
SELECT pg_temp.validate('{"purchase_id": 5}');
SELECT pg_temp.validate('{"purchase_id": ""}');
SELECT pg_temp.validate(json_build_object('purchase_id', repeat('x', 513)));
SELECT pg_temp.validate('{"purchase_token": null}');
SELECT pg_temp.validate('{"purchase_token": "\u0000"}');
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.validate('{"transaction_date": null}');
SELECT pg_temp.validate('{"transaction_date": "yesterday"}');
SELECT pg_temp.validate('{"transaction_date": "2026-01-01"}');
SELECT pg_temp.validate('{"transaction_date": {}}');
SELECT pg_temp.validate('{"voice": "robot"}');
SELECT pg_temp.validate('{"acknowledged": "yes"}');
SELECT pg_temp.validate('{"price_in_cents": 100}');
SELECT pg_temp.validate('{"currency": "EUR"}');
SELECT pg_temp.validate('{"price_in_cents": 1.5, "currency": "EUR"}');
SELECT pg_temp.validate('{"price_in_cents": -1, "currency": "EUR"}');
SELECT pg_temp.validate('{"price_in_cents": "1", "currency": "EUR"}');
SELECT pg_temp.validate('{"price_in_cents": 1, "currency": "eur"}');
SELECT pg_temp.validate('{"discount": "CODE"}');
SELECT pg_temp.validate('{"discount": {}}');
SELECT pg_temp.validate('{"discount": {"code": "A"}}');
SELECT pg_temp.validate('{"discount": {"code": "A", "base_in_cents": 100}}');
SELECT pg_temp.validate('{"product_id": "premium_31"}');
SELECT pg_temp.validate('{"product_id": "premium_31", "period_end": "2026-02-01T00:00:00Z", "voice": "male"}');
SELECT pg_temp.validate('{"product_id": "premium_31", "period_end": "2026-02-01T00:00:00Z", "auto_renew": "yes"}');
\set VERBOSITY default
SELECT pg_temp.validate('{"product_id": "C99PUR_x2"}');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.validate_purchase('00000000-0000-4000-8000-0000000003ff', '{"product_id": "c31pur", "source": "app_store", "purchase_id": "r-1", "purchase_token": "t", "transaction_date": 1767268800000}');
\echo :LAST_ERROR_SQLSTATE
-- Nothing of it was written.
SELECT count(*) FROM coursebase.store_receipts WHERE user_id = :ada;

-- Names of products: case, the longest prefix of the list, which is empty at first, and suffix. What is a product's id as it
-- stands is not cut. Which custom course a product makes is said by its row, not by its spelling.
SELECT pg_temp.validate('{"product_id": "me.hypnoelp.app.c31pur", "purchase_id": "r-1"}');
UPDATE coursebase.settings SET value = 'me. me.hypnoelp.app., org.example.' WHERE name = 'store_product_prefixes';
\set VERBOSITY terse
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('x31bad', 'custom_course');
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.store_products (product_id, kind, course_code) VALUES ('x99abc', 'subscription', NULL), ('my.own.talk', 'custom_course', 'X31OWN');
SELECT pg_temp.validate('{"product_id": "me.hypnoelp.app.My.Own.Talk_x2", "purchase_id": "own 1"}');
SELECT course_code FROM coursebase.custom_courses WHERE user_id = :ada;
SELECT name, pg_temp.validate(json_build_object('product_id', name, 'purchase_id', name, 'voice', CASE n % 2 WHEN 0 THEN 'male' END))
FROM unnest(ARRAY['c31pur', 'me.hypnoelp.app.C31PUR', 'ME.HYPNOELP.APP.c31pur_x2', 'C31PUR_C1', 'c31pur_c1_x2', 'c31pur_c2', 'AI_credits_31', 'ai_credits_31_z123']) WITH ORDINALITY AS a (name, n) ORDER BY n;
SELECT pg_temp.validate(json_build_object('product_id', name)) FROM unnest(ARRAY['c31pur_x']) name;
SELECT pg_temp.validate(json_build_object('product_id', name)) FROM unnest(ARRAY['c31pur_xx2']) name;
SELECT pg_temp.validate(json_build_object('product_id', name)) FROM unnest(ARRAY['ai_credits']) name;
SELECT pg_temp.validate(json_build_object('product_id', name)) FROM unnest(ARRAY['me.hypnoelp.app.']) name;
UPDATE coursebase.settings SET value = 'org.example.' WHERE name = 'store_product_prefixes';
SELECT pg_temp.validate('{"product_id": "Org.Example.c31pur", "purchase_id": "r-2"}');
SELECT pg_temp.validate('{"product_id": "me.hypnoelp.app.c31pur", "purchase_id": "r-3"}');
-- The instant of the sale, however it was written.
SELECT pg_temp.validate(json_build_object('product_id', 'ai_credits_31', 'purchase_id', 't-' || n, 'transaction_date', t)) FROM unnest(ARRAY['1767268800000', '2026-01-01T12:00:00Z', '2026-01-01 13:00:00.000001+01:00']) WITH ORDINALITY AS a (t, n);
SELECT purchase_id, purchased_at AT TIME ZONE 'UTC' FROM coursebase.store_receipts WHERE purchase_id LIKE 't-%' AND user_id = :ada ORDER BY 1;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
