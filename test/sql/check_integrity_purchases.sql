-- Promise: check_integrity() finds receipts that did not give what they are for, or gave what they must not. Damage is
-- done by somebody who switched triggers off and dropped constraints.
\set ada '\'00000000-0000-4000-8000-0000000003a1\''
\set bob '\'00000000-0000-4000-8000-0000000003b1\''
\set check 'SELECT check_name, object, problem FROM coursebase.check_integrity();'
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'check_ada', 'Ada', 'ada@example.org'), (:bob, 'check_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-0000000003c1', 'C31PUR', 'Sleep', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id, credits, price_in_cents, currency, course_code) VALUES
    ('c31pur', 'course', '00000000-0000-4000-8000-0000000003c1', NULL, 4900, 'EUR', NULL), ('x31pur', 'custom_course', NULL, NULL, NULL, NULL, 'X31PUR'),
    ('ai_credits_31', 'ai_credits', NULL, 31, NULL, NULL, NULL), ('premium_31', 'subscription', NULL, NULL, NULL, NULL, NULL);
INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off) VALUES ('00000000-0000-4000-8000-0000000003d1', 'CHECK31', 'course', 10);
SELECT coursebase.validate_purchase(:ada, json_build_object('product_id', product, 'source', 'app_store', 'purchase_id', purchase, 'purchase_token', 't', 'transaction_date', '2026-01-01T12:00:00Z',
    'period_end', '2026-02-01T12:00:00Z', 'discount', CASE purchase WHEN 'first' THEN '{"code": "check31"}'::json END), '2026-01-01 12:00+00')->>'status'
FROM (VALUES ('c31pur', 'first'), ('c31pur', 'second'), ('x31pur', 'custom'), ('ai_credits_31', 'pack'), ('premium_31', 'period')) AS p (product, purchase);
:check
SET LOCAL session_replication_role = replica;
SAVEPOINT sound;

-- A right that is lost, of each kind, or somebody else's.
DELETE FROM coursebase.course_purchases WHERE purchase_id = 'first';
:check
ROLLBACK TO sound;
UPDATE coursebase.course_purchases SET user_id = :bob WHERE purchase_id = 'first';
:check
ROLLBACK TO sound;
DELETE FROM coursebase.custom_course_purchases WHERE purchase_id = 'custom';
:check
ROLLBACK TO sound;
UPDATE coursebase.store_receipts SET user_id = :bob WHERE purchase_id IN ('pack', 'period');
:check
ROLLBACK TO sound;
-- A right without a sale that stands, of each kind.
UPDATE coursebase.store_receipts SET status = 'refunded', refunded_at = '2026-01-02' WHERE purchase_id <> 'second';
:check
ROLLBACK TO sound;
UPDATE coursebase.store_receipts SET status = 'sandbox', environment = 'sandbox' WHERE purchase_id = 'first';
UPDATE coursebase.course_purchases SET environment = 'sandbox' WHERE purchase_id = 'first';
:check
ROLLBACK TO sound;
-- A duplicate of nothing; two that are live.
UPDATE coursebase.course_purchases SET voice = 'male' WHERE purchase_id = 'first';
:check
ROLLBACK TO sound;
DROP INDEX coursebase.course_purchases_live_idx;
UPDATE coursebase.course_purchases SET status = 'valid' WHERE purchase_id = 'second';
:check
ROLLBACK TO sound;
-- One receipt of two kinds; discounts that are not as their purchase is.
UPDATE coursebase.ai_credit_purchases SET purchase_id = 'first' WHERE purchase_id = 'pack';
:check
ROLLBACK TO sound;
UPDATE coursebase.store_receipts SET discount_order_ref = 'other' WHERE purchase_id = 'first';
:check
ROLLBACK TO sound;
UPDATE coursebase.discount_redemptions SET reversed_at = '2026-01-02' WHERE user_id = :ada;
:check
ROLLBACK TO sound;
:check
ROLLBACK;
