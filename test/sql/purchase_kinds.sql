-- Promise: whatever the kind, one receipt gives once what it is for, with its discount and the referrer's credit, and
-- a refund takes back exactly that; what a rule refuses leaves nothing behind.
\set ada '\'00000000-0000-4000-8000-0000000003a1\''
\set bob '\'00000000-0000-4000-8000-0000000003b1\''
\set VERBOSITY default
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'kinds_ada', 'Ada', 'ada@example.org'), (:bob, 'kinds_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.user_profile (user_id, first_name, last_name, email, referral_code, referred_by) VALUES
    (:bob, 'Bob', 'B', 'bob@example.org', 'UKINDSB', NULL), (:ada, 'Ada', 'A', 'ada@example.org', 'UKINDSA', :bob);
UPDATE coursebase.settings SET value = '100' WHERE name = 'free_weekly_credits';
INSERT INTO coursebase.store_products (product_id, kind, credits, price_in_cents, currency) VALUES ('ai_credits_31', 'ai_credits', 31, 500, 'EUR'), ('premium_31', 'subscription', NULL, 999, 'EUR');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('KINDS10', 'subscription', 10, 1), ('KINDS50', 'ai_credits', 50, NULL);
CREATE FUNCTION pg_temp.buy(product text, purchase text, more jsonb DEFAULT '{}', at timestamptz DEFAULT '2026-03-02 12:00+00', person uuid DEFAULT '00000000-0000-4000-8000-0000000003a1') RETURNS json LANGUAGE sql AS $$
    SELECT coursebase.validate_purchase(person, (jsonb_build_object('product_id', product, 'source', 'app_store', 'purchase_id', purchase, 'purchase_token', 'token', 'transaction_date', at) || more)::json, at) $$;
CREATE FUNCTION pg_temp.refund(purchase text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', status, kind, product_id, refunded_at, detail) FROM coursebase.refund_store_purchase('app_store', 'production', purchase, at) $$;
\set waiting 'SELECT kind, product_id, purchase_id, deadline FROM coursebase.purchases_awaiting_acknowledgement WHERE user_id = \'00000000-0000-4000-8000-0000000003a1\' ORDER BY 3;'
\set ON_ERROR_ROLLBACK on

-- A subscription, its discount and the referrer's credit, in one; the renewal is another receipt of the same one.
SELECT pg_temp.buy('premium_31', 's-1', '{"period_end": "2026-04-02T12:00:00Z", "auto_renew": true, "base_plan_id": "monthly", "discount": {"code": "kinds10"}}');
SELECT pg_temp.buy('premium_31', 's-1', '{"period_end": "2026-04-02T12:00:00Z"}', at => '2026-03-02 13:00+00');
SELECT status, base_plan_id, original_transaction_id, expires_at, coursebase.has_premium(:ada, '2026-03-15') AS premium FROM coursebase.subscriptions WHERE user_id = :ada;
SELECT order_ref, base_in_cents, final_in_cents FROM coursebase.discount_redemptions WHERE user_id = :ada;
SELECT amount_in_cents, currency, discount_order_ref FROM coursebase.store_receipts WHERE purchase_id = 's-1';
SELECT user_id = :bob, available_at FROM coursebase.referral_credits WHERE referred_user_id = :ada;
SELECT pg_temp.buy('premium_31', 's-2', '{"period_end": "2026-05-02T12:00:00Z", "original_transaction_id": "s-1"}', at => '2026-04-02 12:00+00');
SELECT event_type, store_event_id, transaction_id FROM coursebase.subscription_events WHERE user_id = :ada ORDER BY event_time;
-- The code had one use: it is refused, and the sale, whose money came, is given and listed.
SAVEPOINT refused;
SELECT pg_temp.buy('premium_31', 's-3', '{"period_end": "2026-04-02T12:00:00Z", "discount": {"code": "KINDS10"}}', person => :bob);
SELECT pg_temp.buy('premium_31', 's-3', '{"period_end": "2026-04-02T12:00:00Z", "discount": {"code": "KINDS10"}}', person => :bob) ->> 'discount_refused';
SELECT discount_order_ref FROM coursebase.store_receipts WHERE user_id = :bob;
SELECT product_id, purchase_id, discount_code, reason FROM coursebase.sales_to_review WHERE user_id = :bob;
SELECT * FROM coursebase.check_integrity();
ROLLBACK TO refused;
SELECT * FROM coursebase.check_integrity();

-- A pack: its credits, and what is left after a refund of what was not spent.
SELECT pg_temp.buy('ai_credits_31', 'p-1', '{"discount": {"code": "KINDS50", "order_ref": "order 1", "base_in_cents": 400, "currency": "EUR"}}', at => '2026-04-02 12:00+00');
SELECT pg_temp.buy('ai_credits_31', 'p-1', at => '2026-04-03 12:00+00')->'ai_usage'->>'bank_limit_credits';
SELECT product_id, credits, amount_in_cents, currency, status FROM coursebase.ai_credit_purchases WHERE user_id = :ada;
:waiting
SELECT coursebase.acknowledge_purchase('app_store', 'production', purchase, '2026-04-03') FROM unnest(ARRAY['s-1', 'p-1']) purchase;
:waiting
SELECT pg_temp.buy('ai_credits_31', 'p-2', '{"acknowledged": true}', at => '2026-04-03 12:00+00')->>'acknowledged';
SELECT bank_credits FROM coursebase.consume_credits(:ada, 10005, 'talk', '2026-04-04 12:00+00');
SELECT pg_temp.refund('p-1', '2026-04-05 12:00+00');
SELECT pg_temp.refund('p-1', '2026-04-06 12:00+00');
SELECT order_ref, reversed_at FROM coursebase.discount_redemptions WHERE user_id = :ada ORDER BY 1;
SELECT pg_temp.buy('ai_credits_31', 'p-1', at => '2026-04-06 12:00+00');
SELECT bank_limit_credits, bank_used_credits FROM coursebase.ai_usage WHERE user_id = :ada;

-- The refund of an earlier period does not end the current one; that of the current one does. Before the hold ends
-- the referrer's credit goes too.
SELECT pg_temp.refund('s-1', '2026-04-05 12:00+00');
SELECT coursebase.has_premium(:ada, '2026-04-10'), revoked_at FROM coursebase.referral_credits WHERE referred_user_id = :ada;
SELECT redeemed_count FROM coursebase.discount_codes WHERE code = 'KINDS10';
SELECT pg_temp.refund('s-2', '2026-04-06 12:00+00');
SELECT coursebase.has_premium(:ada, '2026-04-10');
SELECT pg_temp.buy('premium_31', 's-2', '{"period_end": "2026-05-02T12:00:00Z"}', at => '2026-04-07 12:00+00');
-- A period whose end the events told first: the receipt gives nothing.
SELECT status FROM coursebase.apply_subscription_event(:bob, '{"store": "app_store", "environment": "production", "store_event_id": "n-1", "event_type": "revoked", "original_transaction_id": "s-9", "transaction_id": "s-9", "event_time": "2026-04-03T12:00:00Z"}', '2026-04-03 12:00+00');
SELECT pg_temp.buy('premium_31', 's-9', '{"period_end": "2026-05-04T12:00:00Z", "discount": {"code": "KINDS10"}}', at => '2026-04-04 12:00+00', person => :bob);
SELECT coursebase.has_premium(:bob, '2026-04-10'), (SELECT reversed_at IS NOT NULL FROM coursebase.discount_redemptions WHERE user_id = :bob);
SELECT status FROM coursebase.apply_subscription_event(:bob, '{"store": "app_store", "environment": "production", "store_event_id": "n-3", "event_type": "revoked", "original_transaction_id": "s-11", "transaction_id": "s-11", "event_time": "2026-04-04T13:00:00Z"}', '2026-04-04 13:00+00');
SELECT pg_temp.buy('premium_31', 's-11', '{"period_end": "2026-05-04T12:00:00Z"}', at => '2026-04-04 12:00+00', person => :bob);
-- What was given without a receipt is refunded all the same: a pack, a subscription that its events tell of.
SELECT bank_credits FROM coursebase.grant_credit_pack(:bob, 'ai_credits_31', 31, 'app_store', 'production', 'p-9', 't', at => '2026-04-04 12:00+00');
SELECT pg_temp.refund('p-9', '2026-04-05 12:00+00');
SELECT status FROM coursebase.apply_subscription_event(:bob, '{"store": "app_store", "environment": "production", "store_event_id": "n-2", "event_type": "created", "original_transaction_id": "s-10", "transaction_id": "s-10", "event_time": "2026-04-03T12:00:00Z", "period_end": "2026-05-03T12:00:00Z"}', '2026-04-03 12:00+00');
SELECT pg_temp.refund('s-10', '2026-04-05 12:00+00');
SELECT pg_temp.buy('premium_31', 's-10', '{"period_end": "2026-05-03T12:00:00Z"}', at => '2026-04-06 12:00+00', person => :bob)->>'status';
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
