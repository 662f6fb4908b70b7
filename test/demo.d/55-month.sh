# A month of one customer: referral, discount, premium, credits, a refund, the end of a subscription.
# Needs: people.
# Every instant is told to the functions, so that the month is the same on any day.
value code <<'SQL'
SELECT referral_code FROM coursebase.user_profile WHERE email = 'ben@example.org';
SQL
step 'March 2026. (Every call is told its instant, so that the month is the same on any day.) Dana was told of the app by Ben, and types his code before she signs up. A visitor learns that it is good, and not whose it is.'
sql_as app_visitor <<SQL
SELECT * FROM coursebase.validate_referral_code(' $(say "$code" | tr A-Z a-z) ', '2026-03-02 08:55+00');
SQL
step 'She signs up. The code is attached, once; Ben cannot attach hers in turn, which would close a ring.'
sql_as app_server <<SQL
SELECT coursebase.upsert_user('user_2dana', 'Dana Roth', 'dana@example.org', time_zone => 'Europe/Berlin',
    at => '2026-03-02 09:00+00') AS dana \\gset
SELECT coursebase.attach_referral(:'dana', '$code', '2026-03-02 09:00+00');
SELECT u.name, b.name AS brought_by FROM coursebase.user_profile p
JOIN coursebase.users u ON u.id = p.user_id JOIN coursebase.users b ON b.id = p.referred_by;
SQL
value dana <<'SQL'
SELECT id FROM coursebase.users WHERE clerk_user_id = 'user_2dana';
SQL
value code <<'SQL'
SELECT referral_code FROM coursebase.user_profile WHERE email = 'dana@example.org';
SQL
refused KB604 sql_as app_server <<SQL
SELECT coursebase.attach_referral('$ben', '$code', '2026-03-02 09:00+00');
SQL

step 'A discount: one fifth off the first month, for a hundred people. Checkout asks what it would be.'
sql_as app_server <<SQL
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions, expires_at)
VALUES ('SPRING', 'subscription', 20, 100, '2026-04-01');
SELECT * FROM coursebase.validate_discount('$dana', 'spring', 'subscription', 999, 'EUR', at => '2026-03-02 09:04+00');
SQL

step 'She buys premium in the app store. The edge function asked the store whether the receipt is true; then one call does the whole sale: the discount is used, premium begins, and Ben has earned a credit for the first premium of somebody he brought. The receipt comes twice, as receipts do, and the second gets the first answer. With the account of another it is refused, and Ben cannot spend what he earned before the hold of fourteen days is over.'
receipt='{"product_id": "me.hypnoelp.app.HypnoELP_subscriptions", "source": "app_store", "purchase_id": "t-900", "purchase_token": "receipt-900",
  "transaction_date": "1772442360000", "period_end": "2026-04-02T09:06:00Z", "original_transaction_id": "t-900", "price_in_cents": 799, "currency": "EUR",
  "discount": {"code": "spring", "order_ref": "order-71", "base_in_cents": 999, "currency": "EUR"}}'
sql_as app_server <<SQL
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('hypnoelp_subscriptions', 'subscription');
UPDATE coursebase.settings SET value = 'me.hypnoelp.app.' WHERE name = 'store_product_prefixes';
SELECT r ->> 'status' AS status, r ->> 'message' AS message, r -> 'subscription' AS subscription
FROM coursebase.validate_purchase('$dana', '$receipt', '2026-03-02 09:06+00') r;
SELECT r ->> 'status' AS again FROM coursebase.validate_purchase('$dana', '$receipt', '2026-03-02 09:07+00') r;
SELECT plan, status, expires_at, auto_renew, store FROM coursebase.subscriptions;
SELECT order_ref, base_in_cents, discount_in_cents, final_in_cents, currency FROM coursebase.discount_redemptions;
SELECT u.name AS earned_by, c.amount_in_cents, c.currency, c.available_at FROM coursebase.referral_credits c
JOIN coursebase.users u ON u.id = c.user_id;
SQL
refused KB205 sql_as app_server <<SQL
SELECT coursebase.validate_purchase('$ben', '$receipt', '2026-03-02 09:08+00');
SQL
value sold <<'SQL'
SELECT format('%s %s %s', c.redeemed_count, (SELECT count(*) FROM coursebase.discount_redemptions), (SELECT count(*) FROM coursebase.referral_credits))
FROM coursebase.discount_codes c WHERE c.code = 'SPRING';
SQL
proved 'a receipt that comes twice uses its discount once, and earns one referral credit' "$sold" = '1 1 1'
sql_as app_user user_2dana <<'SQL'
SELECT coursebase.has_premium(at => '2026-03-10 00:00+00') AS in_march, coursebase.has_premium(at => '2026-04-03 00:00+00') AS later;
SQL
refused KB606 sql_as app_server <<SQL
SELECT coursebase.spend_referral_credit('$ben', 500, 'order-80', '2026-03-10 00:00+00');
SQL

step 'Premium has two slots. Dana fills them with courses of her choice, in the voice she likes; a third does not fit.'
sql_as app_server <<SQL
INSERT INTO coursebase.courses (course_code, title, description, in_premium, price_in_cents, currency)
VALUES ('C21ENB', 'Sleep', '', true, 4900, 'EUR'), ('C22ENB', 'Focus', '', true, 4900, 'EUR'), ('C23ENB', 'Courage', '', true, 4900, 'EUR');
INSERT INTO coursebase.course_documents (course_id, data)
SELECT id, json_build_object('title', title) FROM coursebase.courses WHERE course_code LIKE 'C2_ENB';
SQL
sql_as app_user user_2dana <<'SQL'
SELECT s.chosen_at FROM coursebase.courses c, coursebase.choose_premium_course(NULL, c.id, 'female', '2026-03-02 20:00+00') s
WHERE c.course_code IN ('C21ENB', 'C22ENB');
SELECT slot, course_code, title, voice, live FROM coursebase.premium_slots(at => '2026-03-02 20:01+00');
SQL
refused KB813 sql_as app_server <<SQL
SELECT s.* FROM coursebase.courses c, coursebase.choose_premium_course('$dana', c.id, 'female', '2026-03-02 20:02+00') s
WHERE c.course_code = 'C23ENB';
SQL

step 'AI credits: 10000 a week, a credit a second. She spends nearly all of them in the first week; one second too much is refused and costs nothing, and its answer says when the next week begins.'
sql_as app_server <<SQL
SELECT credits, weekly_left, bank_left, next_reset FROM coursebase.consume_credits('$dana', 9900.5, 'talk-1', '2026-03-04 18:00+00');
SQL
refused KB701 sql_as app_server <<SQL
SELECT coursebase.consume_credits('$dana', 100, 'talk-2', '2026-03-08 20:00+00');
SQL
step 'A talk goes on over the border of the week. Its length was not known: 90 credits were held for it in the old week, 60 were used, and they are the old week'\''s. The new week is whole; what was left of the old one is gone.'
value reset <<SQL
SELECT next_reset FROM coursebase.check_credits(1, '$dana', '2026-03-08 20:00+00');
SQL
sql_as app_server <<SQL
SELECT weekly_left, next_reset FROM coursebase.reserve_credits('$dana', 90, 'talk-3', timestamptz '$reset' - interval '20 seconds');
SELECT credits, weekly_left, next_reset FROM coursebase.commit_credits('$dana', 'talk-3', 60, timestamptz '$reset' + interval '40 seconds');
SELECT moment, b.weekly_used_credits, b.weekly_limit_credits, b.available
FROM (VALUES ('a microsecond before the border', timestamptz '$reset' - interval '1 microsecond'), ('at the border', '$reset')) m (moment, at),
    LATERAL coursebase.credit_balance('$dana', m.at) b;
SQL
value week <<SQL
SELECT available FROM coursebase.credit_balance('$dana', timestamptz '$reset' + interval '1 minute');
SQL
proved 'a new week of credits begins at its microsecond, and is whole' "$week" = 10000

step 'A pack of 1000 credits, bought by receipt. The week is used up first, then the bank. She asks the store for her money back, and the store tells it, twice: what is unspent of the pack goes, once.'
pack='{"product_id": "ai_credits_1000", "source": "app_store", "purchase_id": "300001", "purchase_token": "receipt-300001",
  "transaction_date": "2026-03-12T12:00:00Z", "price_in_cents": 499, "currency": "EUR"}'
sql_as app_server <<SQL
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('ai_credits_1000', 'ai_credits', 1000);
SELECT r ->> 'status' AS status, r -> 'ai_usage' AS ai_usage
FROM coursebase.validate_purchase('$dana', '$pack', '2026-03-12 12:00+00') r;
SELECT credits, weekly_credits, bank_credits, weekly_left, bank_left
FROM coursebase.consume_credits('$dana', 10300, 'talk-4', '2026-03-13 18:00+00');
SELECT status, kind, product_id, detail FROM coursebase.refund_store_purchase('app_store', 'production', '300001', '2026-03-14 09:00+00');
SELECT status, kind, product_id, detail FROM coursebase.refund_store_purchase('app_store', 'production', '300001', '2026-03-14 09:01+00');
SELECT position, kind, idempotency_key, seconds, weekly_credits, bank_credits, at FROM coursebase.credit_log ORDER BY position;
SQL
value bank <<SQL
SELECT format('%s %s', bank_limit_credits, bank_used_credits) FROM coursebase.ai_usage WHERE user_id = '$dana';
SQL
proved 'a pack that is refunded leaves what was spent of it, and nothing else' "$bank" = '300 300'

step 'The hold is over, and Ben pays a part of an order with what he earned.'
sql_as app_server <<SQL
SELECT coursebase.spend_referral_credit('$ben', 60, 'order-81', '2026-03-20 10:00+00');
SELECT amount_in_cents, spent_in_cents, available_at FROM coursebase.referral_credits;
SQL

step 'Dana cancels on the 21st. She has premium, and the courses of her slots, to the last microsecond of what she paid for; no job has to run for it to end.'
sql_as app_server <<SQL
SELECT status, expires_at, applied FROM coursebase.apply_subscription_event('$dana', '{"store": "app_store", "provider": "app_store",
  "environment": "production", "store_event_id": "n-2", "event_type": "DID_CHANGE_RENEWAL_STATUS", "subtype": "AUTO_RENEW_DISABLED",
  "original_transaction_id": "t-900", "event_time": "2026-03-21T07:00:00Z"}', '2026-03-21 07:01+00');
SELECT moment, coursebase.has_premium('$dana', m.at) AS premium, coursebase.has_course_access_by_code('C21ENB', '$dana', m.at) AS course_of_a_slot
FROM (VALUES ('a microsecond before the end', timestamptz '2026-04-02 09:05:59.999999+00'), ('at the end', '2026-04-02 09:06+00')) m (moment, at);
SQL
value border <<SQL
SELECT coursebase.has_premium('$dana', '2026-04-02 09:05:59.999999+00') || ' ' || coursebase.has_premium('$dana', '2026-04-02 09:06+00');
SQL
proved 'premium that was cancelled lasts to the microsecond that was paid for' "$border" = 'true false'

step 'The store tells that the subscription has expired, and then, a month late, that it began (the receipt had said so). The history is in the order of what happened, not of the telling. The slots stay filled for when she comes back.'
sql_as app_server <<SQL
SELECT status, expires_at, applied FROM coursebase.apply_subscription_event('$dana', '{"store": "app_store", "provider": "app_store",
  "environment": "production", "store_event_id": "n-3", "event_type": "EXPIRED", "subtype": "VOLUNTARY", "original_transaction_id": "t-900",
  "event_time": "2026-04-02T09:06:00Z"}', '2026-04-02 09:07+00');
SELECT status, expires_at, applied FROM coursebase.apply_subscription_event('$dana', '{"store": "app_store", "provider": "app_store",
  "environment": "production", "store_event_id": "n-1", "event_type": "SUBSCRIBED", "subtype": "INITIAL_BUY", "original_transaction_id": "t-900",
  "transaction_id": "t-900", "event_time": "2026-03-02T09:06:01Z", "period_end": "2026-04-02T09:06:00Z"}', '2026-04-02 09:08+00');
SELECT event_type, event_time, status_before, status_after, anomaly FROM coursebase.subscription_history WHERE user_id = '$dana';
SELECT slot, course_code, live FROM coursebase.premium_slots('$dana', '2026-04-02 09:08+00');
SQL
value ended <<SQL
SELECT s.status || ' ' || coursebase.has_premium('$dana', '2026-04-02 09:08+00') FROM coursebase.subscriptions s;
SQL
proved 'events that come in the wrong order end in the right state' "$ended" = 'expired false'

step 'What the app is told after it all: a free plan, no weekly credits, an empty bank. And what the database itself finds wrong with the month: nothing.'
sql_as app_server <<SQL
SELECT h -> 'subscription' ->> 'plan' AS plan, h -> 'subscription' ->> 'status' AS status,
    h -> 'ai_usage' ->> 'weekly_limit_credits' AS week, h -> 'ai_usage' ->> 'bank_limit_credits' AS bank,
    h -> 'ai_usage' ->> 'bank_used_credits' AS bank_used, h -> 'discounts' AS discounts
FROM coursebase.handshake('$dana', '{}', '2026-04-03 10:00+00') h;
SELECT * FROM coursebase.check_integrity();
SQL
value problems <<'SQL'
SELECT count(*) FROM coursebase.check_integrity();
SQL
proved 'after a month of sales, refunds and credits check_integrity() finds nothing' "$problems" = 0
