# A month of one customer: brought by a friend, a discount, premium, credits across the border of a week, a pack that
# is refunded, a subscription that ends. Every instant is told to the functions, so that the month is the same on any day.
value code <<'SQL'
SELECT referral_code FROM coursebase.user_profile WHERE email = 'ben@example.org';
SQL
step 'March 2026, a month of one customer. Dana was told of the app by Ben, and types his code before she signs up. A visitor learns that it is good, and not whose it is.'
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

step 'A discount: one fifth off the first month, for a hundred people. Checkout asks what it would be, then uses it. The same order again gets the first answer; a second order of hers does not get it.'
sql_as app_server <<SQL
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions, expires_at)
VALUES ('SPRING', 'subscription', 20, 100, '2026-04-01');
SELECT * FROM coursebase.validate_discount('$dana', 'spring', 'subscription', 999, 'EUR', at => '2026-03-02 09:04+00');
SELECT discount_in_cents, final_in_cents FROM coursebase.redeem_discount('$dana', 'spring', 'subscription', 999, 'EUR',
    'order-71', at => '2026-03-02 09:04+00');
SELECT discount_in_cents, final_in_cents FROM coursebase.redeem_discount('$dana', 'spring', 'subscription', 999, 'EUR',
    'order-71', at => '2026-03-02 09:05+00');
SQL
refused KB601 sql_as app_server <<SQL
SELECT coursebase.redeem_discount('$dana', 'spring', 'subscription', 999, 'EUR', 'order-72', at => '2026-03-02 09:05+00');
SQL
value uses <<'SQL'
SELECT format('%s %s', c.redeemed_count, count(r.id)) FROM coursebase.discount_codes c
JOIN coursebase.discount_redemptions r ON r.discount_code_id = c.id WHERE c.code = 'SPRING' GROUP BY c.id;
SQL
proved 'an order that is repeated uses its discount once' "$uses" = '1 1'

step 'Premium: the store says that she subscribed, twice, and the words are the store'\''s own. One row says what holds; Ben has earned a credit, which he may spend when the hold is over.'
subscribed="'{\"store\": \"app_store\", \"provider\": \"app_store\", \"environment\": \"production\", \"store_event_id\": \"n-1\",
  \"event_type\": \"SUBSCRIBED\", \"subtype\": \"INITIAL_BUY\", \"product_id\": \"hypnoelp_subscriptions\", \"original_transaction_id\": \"t-900\",
  \"transaction_id\": \"t-900\", \"event_time\": \"2026-03-02T09:06:00Z\", \"period_end\": \"2026-04-02T09:06:00Z\"}'"
sql_as app_server <<SQL
SELECT * FROM coursebase.apply_subscription_event('$dana', $subscribed, '2026-03-02 09:06+00');
SELECT applied FROM coursebase.apply_subscription_event('$dana', $subscribed, '2026-03-02 09:07+00');
SELECT plan, status, expires_at, auto_renew, store FROM coursebase.subscriptions;
SELECT u.name AS earned_by, c.amount_in_cents, c.currency, c.available_at FROM coursebase.referral_credits c
JOIN coursebase.users u ON u.id = c.user_id;
SQL
sql_as app_user user_2dana <<'SQL'
SELECT coursebase.has_premium(at => '2026-03-10 00:00+00') AS in_march, coursebase.has_premium(at => '2026-04-03 00:00+00') AS later;
SQL
refused KB606 sql_as app_server <<SQL
SELECT coursebase.spend_referral_credit('$ben', 500, 'order-80', '2026-03-10 00:00+00');
SQL
value earned <<'SQL'
SELECT count(*) FROM coursebase.referral_credits;
SQL
proved 'a first premium that is told twice earns one credit' "$earned" = 1

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

step 'A pack of 1000 credits, whose receipt comes twice. The week is used up first, then the bank. She asks the store for her money back: what is unspent of the pack goes, once.'
sql_as app_server <<SQL
SELECT bank_credits, bank_left FROM coursebase.grant_credit_pack('$dana', 'ai_credits_1000', 1000, 'app_store', 'production', '300001', 'receipt',
    at => '2026-03-12 12:00+00');
SELECT bank_credits, bank_left FROM coursebase.grant_credit_pack('$dana', 'ai_credits_1000', 1000, 'app_store', 'production', '300001', 'receipt',
    at => '2026-03-12 12:01+00');
SELECT credits, weekly_credits, bank_credits, weekly_left, bank_left FROM coursebase.consume_credits('$dana', 10300, 'talk-4', '2026-03-13 18:00+00');
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('app_store', 'production', '300001', '2026-03-14 09:00+00');
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('app_store', 'production', '300001', '2026-03-14 09:01+00');
SELECT position, kind, idempotency_key, seconds, weekly_credits, bank_credits, at FROM coursebase.credit_log ORDER BY position;
SQL
value bank <<SQL
SELECT format('%s %s', bank_limit_credits, bank_used_credits) FROM coursebase.ai_usage WHERE user_id = '$dana';
SQL
proved 'a pack that is refunded leaves what was spent of it, and nothing else' "$bank" = '300 300'

step 'The hold is over, and Ben pays a part of an order with what he earned.'
sql_as app_server <<SQL
SELECT coursebase.spend_referral_credit('$ben', 300, 'order-81', '2026-03-20 10:00+00');
SELECT amount_in_cents, spent_in_cents, available_at FROM coursebase.referral_credits;
SQL

step 'Dana cancels. The store tells it late, after it has told that the subscription ended; the order of telling changes nothing. She has premium to the last microsecond of what she paid for.'
sql_as app_server <<SQL
SELECT status, expires_at, applied FROM coursebase.apply_subscription_event('$dana', '{"store": "app_store", "provider": "app_store",
  "environment": "production", "store_event_id": "n-3", "event_type": "EXPIRED", "subtype": "VOLUNTARY", "original_transaction_id": "t-900",
  "event_time": "2026-04-02T09:06:00Z"}', '2026-04-02 09:07+00');
SELECT status, expires_at, applied FROM coursebase.apply_subscription_event('$dana', '{"store": "app_store", "provider": "app_store",
  "environment": "production", "store_event_id": "n-2", "event_type": "DID_CHANGE_RENEWAL_STATUS", "subtype": "AUTO_RENEW_DISABLED",
  "original_transaction_id": "t-900", "event_time": "2026-03-21T07:00:00Z"}', '2026-04-02 09:08+00');
SELECT event_type, event_time, status_before, status_after, anomaly FROM coursebase.subscription_history WHERE user_id = '$dana';
SELECT coursebase.has_premium('$dana', '2026-04-02 09:05:59.999999+00') AS before, coursebase.has_premium('$dana', '2026-04-02 09:06+00') AS after;
SQL
value ended <<SQL
SELECT s.status || ' ' || coursebase.has_premium('$dana', '2026-04-02 09:06+00') FROM coursebase.subscriptions s;
SQL
proved 'events that come in the wrong order end in the right state' "$ended" = 'expired false'

step 'What the app sees of it all, and what the database itself finds wrong with the month: nothing.'
sql_as app_server <<SQL
SELECT h -> 'subscription' AS subscription, h -> 'ai_usage' AS ai_usage, h -> 'discounts' AS discounts
FROM coursebase.handshake('$dana', '{}', '2026-04-03 10:00+00') h;
SELECT * FROM coursebase.check_integrity();
SQL
value problems <<'SQL'
SELECT count(*) FROM coursebase.check_integrity();
SQL
proved 'after a month of sales, refunds and credits check_integrity() finds nothing' "$problems" = 0
