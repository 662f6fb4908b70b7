-- Promise: the reversal of a refund gives back exactly what the refund took: the use of a discount code unless it is in
-- other hands by now, the referrer's credit unless somebody else revoked it, the credits of the pack.
\set ada '\'00000000-0000-4000-8000-000000588161\''
\set bob '\'00000000-0000-4000-8000-000000588162\''
\set rex '\'00000000-0000-4000-8000-000000588163\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'reversal_ada', 'Ada', 'ada@example.org'), (:bob, 'reversal_bob', 'Bob', 'bob@example.org'), (:rex, 'reversal_rex', 'Rex', 'rex@example.org');
INSERT INTO coursebase.user_profile (user_id, email) SELECT u.id, u.email FROM coursebase.users u WHERE u.clerk_user_id LIKE 'reversal_%' ON CONFLICT (user_id) DO NOTHING;
UPDATE coursebase.user_profile SET referred_by = :rex WHERE user_id = :ada;
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('BACKSUB', 'subscription', 10, 1), ('BACKPACK', 'ai_credits', 50, NULL);
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('back.pack', 'ai_credits', 4000), ('back.premium', 'subscription', NULL);
CREATE FUNCTION pg_temp.bought(who uuid, product text, id text, more jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', v ->> 'status', v ->> 'discount_refused') FROM coursebase.validate_purchase(who, (jsonb_build_object('source', 'google_play', 'product_id', product, 'purchase_id', id, 'purchase_token', 't-' || id, 'transaction_date', '2026-03-02T12:00:00Z', 'price_in_cents', 900, 'currency', 'EUR') || more)::json, '2026-03-02 12:00+00') v $$;
CREATE FUNCTION pg_temp.refunded(id text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', status, detail) FROM coursebase.refund_store_purchase('google_play', 'production', id, at) $$;
CREATE FUNCTION pg_temp.reversed(id text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', status, detail) FROM coursebase.reverse_store_refund('google_play', 'production', id, at) $$;
CREATE FUNCTION pg_temp.codes() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', c.code, c.redeemed_count, r.order_ref, d.status, d.order_ref, 'reversed ' || r.reversed_at::date), ', ' ORDER BY c.code, r.order_ref)
    FROM coursebase.discount_redemptions r JOIN coursebase.discount_codes c ON c.id = r.discount_code_id JOIN coursebase.user_discounts d ON d.user_id = r.user_id AND d.discount_code_id = c.id
    WHERE c.code LIKE 'BACK%' $$;
CREATE FUNCTION pg_temp.credit() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', amount_in_cents, 'revoked ' || revoked_at::date) FROM coursebase.referral_credits WHERE user_id = '00000000-0000-4000-8000-000000588163' $$;
-- A subscription with a code and a referrer, a pack with a code; each refunded, and taken back twice.
SELECT pg_temp.bought(:ada, 'back.premium', 's-1', '{"period_end": "2026-04-02T12:00:00Z", "discount": {"code": "BACKSUB", "base_in_cents": 1000, "currency": "EUR"}}'), pg_temp.credit();
SELECT pg_temp.bought(:ada, 'back.pack', 'p-1', '{"discount": {"code": "BACKPACK", "base_in_cents": 1800, "currency": "EUR"}}'), pg_temp.codes();
SAVEPOINT bought;
SELECT pg_temp.refunded('s-1', '2026-03-03'), pg_temp.codes(), pg_temp.credit();
SELECT pg_temp.refunded('p-1', '2026-03-04'), pg_temp.codes();
SELECT bank_limit_credits FROM coursebase.credit_balance(:ada, '2026-03-10');
SELECT pg_temp.reversed('s-1', '2026-03-05'), pg_temp.credit();
SELECT coursebase.has_premium(:ada, '2026-03-10');
SELECT pg_temp.reversed('p-1', '2026-03-05'), pg_temp.codes();
SELECT bank_limit_credits FROM coursebase.credit_balance(:ada, '2026-03-10');
SELECT pg_temp.reversed('s-1', '2026-03-06'), pg_temp.codes(), pg_temp.credit();
SELECT count(*) FROM coursebase.check_integrity();
-- Neither the refund nor its reversal tells a period that nobody named.
SELECT event_type, period_start, period_end, payload ->> 'period_start' FROM coursebase.subscription_events WHERE user_id = :ada AND store_event_id LIKE 'refund%' ORDER BY event_time;
-- Refunded and taken back once more: the second refund is another one.
SELECT pg_temp.refunded('s-1', '2026-03-07'), pg_temp.codes(), pg_temp.credit();
SELECT pg_temp.reversed('s-1', '2026-03-08'), pg_temp.codes(), pg_temp.credit();
ROLLBACK TO bought;
-- The last place is another's by now; the person uses the code for another order by now.
SELECT pg_temp.refunded('s-1', '2026-03-03'), pg_temp.refunded('p-1', '2026-03-03');
SELECT pg_temp.bought(:bob, 'back.premium', 's-2', '{"period_end": "2026-04-02T12:00:00Z", "discount": {"code": "BACKSUB", "base_in_cents": 1000, "currency": "EUR"}}');
SELECT pg_temp.bought(:ada, 'back.pack', 'p-2', '{"discount": {"code": "BACKPACK", "base_in_cents": 1800, "currency": "EUR"}}'), pg_temp.codes();
SELECT pg_temp.reversed('s-1', '2026-03-05'), pg_temp.reversed('p-1', '2026-03-05'), pg_temp.codes();
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO bought;
-- What was revoked or given back by hand stays so; so does a credit while another paid subscription is refunded.
SELECT coursebase.revoke_referral(:ada, '2026-03-03'), coursebase.reverse_discount(:ada, r.order_ref, '2026-03-03') FROM coursebase.discount_redemptions r JOIN coursebase.discount_codes c ON c.id = r.discount_code_id WHERE c.code = 'BACKSUB';
SELECT pg_temp.refunded('s-1', '2026-03-04'), pg_temp.reversed('s-1', '2026-03-05'), pg_temp.credit(), pg_temp.codes();
ROLLBACK TO bought;
SELECT pg_temp.bought(:ada, 'back.premium', 's-3', '{"period_end": "2026-04-02T12:00:00Z"}'), pg_temp.refunded('s-1', '2026-03-03'), pg_temp.refunded('s-3', '2026-03-03');
SELECT pg_temp.reversed('s-3', '2026-03-04'), pg_temp.credit();
SELECT pg_temp.reversed('s-1', '2026-03-05'), pg_temp.credit();
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO bought;
-- A refund that comes before its receipt keeps its id: its reversal names it, and told again it counts once.
SELECT status FROM coursebase.refund_store_purchase('google_play', 'production', 'p-3', '2026-03-03', refund_ref => 're-3');
SELECT pg_temp.bought(:ada, 'back.pack', 'p-3', '{}');
SELECT status, detail FROM coursebase.reverse_store_refund('google_play', 'production', 'p-3', '2026-03-04', 're-3');
SELECT status, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'p-3', '2026-03-03', refund_ref => 're-3');
SELECT bank_limit_credits FROM coursebase.credit_balance(:ada, '2026-03-10');
SELECT count(*) FROM coursebase.check_integrity();
-- A purchase that was not paid, by a discount: it redeemed none, and its refund leaves the order to whoever pays for it.
SELECT pg_temp.bought(:bob, 'back.pack', 'p-5', '{"state": "pending", "discount": {"code": "BACKPACK", "base_in_cents": 1800, "currency": "EUR", "order_ref": "o-5"}}');
SELECT status, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'p-5', '2026-03-03');
SELECT count(*) FROM coursebase.check_integrity();
SELECT pg_temp.bought(:bob, 'back.pack', 'p-6', '{"discount": {"code": "BACKPACK", "base_in_cents": 1800, "currency": "EUR", "order_ref": "o-5"}}'), pg_temp.codes();
SELECT status FROM coursebase.reverse_store_refund('google_play', 'production', 'p-5', '2026-03-04');
SELECT status, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'p-6', '2026-03-05');
SELECT pg_temp.codes();
SELECT count(*) FROM coursebase.check_integrity();
-- Plain SQL may leave of a refunded receipt what a refund without its receipt is, with a person: it says so.
SELECT pg_temp.bought(:ada, 'back.pack', 'p-4', '{}');
SELECT status FROM coursebase.refund_store_purchase('google_play', 'production', 'p-4', '2026-03-03');
UPDATE coursebase.store_receipts SET kind = NULL, receipt = NULL, purchase_token = NULL WHERE purchase_id = 'p-4';
SELECT user_id = :ada, kind FROM coursebase.store_receipts WHERE purchase_id = 'p-4';
SELECT status, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'p-4', '2026-03-04');
SELECT status, detail FROM coursebase.reverse_store_refund('google_play', 'production', 'p-4', '2026-03-05');
ROLLBACK;
