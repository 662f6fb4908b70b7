# A month of one customer, told by signed notifications: referral, discount, premium, credits, a refund, the end.
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

step 'Before anything is sold: whoever has stolen the key of the server must not be able to invent a purchase. The owner of the tables enters what App Store, Google Play, Stripe and RevenueCat prove themselves with, and demands that proof from now on. (The program `store` plays all four in this story: its roots and keys were made a moment ago, with OpenSSL.) The word of the server alone gives nothing any more.'
sql <<'SQL'
\set root `store key root`
\set push `store key push_key`
SELECT count(coursebase.set_store_key(k.provider, k.kind, k.material, k.key_id)) AS keys
FROM (VALUES ('app_store', 'root', :'root', ''), ('app_store', 'bundle_id', 'org.example.calm', ''),
    ('google_play', 'push_key', :'push', 'k1'), ('google_play', 'push_audience', 'https://calm.example.org/play', ''),
    ('google_play', 'push_email', 'push@calm.example.org', ''), ('google_play', 'package_name', 'org.example.calm', ''),
    ('stripe', 'signing_secret', 'whsec_calm', ''), ('revenuecat', 'authorization', 'Bearer sesame', '')) k (provider, kind, material, key_id);
UPDATE coursebase.settings SET value = 'app_store, google_play, stripe, revenuecat' WHERE name = 'require_signature';
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('hypnoelp_subscriptions', 'subscription');
UPDATE coursebase.settings SET value = 'me.hypnoelp.app.' WHERE name = 'store_product_prefixes';
SQL
refused KB822 sql_as app_server <<SQL
SELECT coursebase.validate_purchase('$dana', '{"product_id": "hypnoelp_subscriptions", "source": "app_store", "purchase_id": "t-666",
  "purchase_token": "receipt-666", "transaction_date": "2026-03-02T09:06:00Z", "period_end": "2099-01-01T00:00:00Z"}');
SQL

step 'She buys premium in the app store, and Apple sends a notification: a token signed by the leaf of a chain of certificates, with the signed transaction in it. The edge function passes the body on as it came, and one call does the whole sale: the database checks each signature up to the root, finds the person, premium begins, and Ben has earned a credit for the first premium of somebody he brought. The notification comes twice, as they do, and the second gets the first answer.'
sql_as app_server <<SQL
\\set paid 'productId=me.hypnoelp.app.HypnoELP_subscriptions purchaseDate=2026-03-02T09:06:00Z expiresDate=2026-04-02T09:06:00Z'
\\set body \`store app_store n-1 SUBSCRIBED/INITIAL_BUY 2026-03-02T09:06:00Z transactionId=t-900 appAccountToken=:dana :paid\`
SELECT left(:'body', 50) || ' …' AS body, length(:'body') > 5000 AS more_than_5000_bytes;
SELECT kind, outcome, result ->> 'status' AS status FROM coursebase.take_notification('app_store', :'body', at => '2026-03-02 09:06+00');
SELECT kind, outcome, result ->> 'status' AS status FROM coursebase.take_notification('app_store', :'body', at => '2026-03-02 09:07+00');
SELECT discount_in_cents, final_in_cents FROM coursebase.redeem_discount('$dana', 'spring', 'subscription', 999, 'EUR', 'order-71', at => '2026-03-02 09:07+00');
SELECT plan, status, expires_at, auto_renew, store FROM coursebase.subscriptions;
SELECT u.name AS earned_by, c.amount_in_cents, c.currency, c.available_at FROM coursebase.referral_credits c
JOIN coursebase.users u ON u.id = c.user_id;
SQL
value sold <<'SQL'
SELECT format('%s %s %s', c.redeemed_count, (SELECT count(*) FROM coursebase.discount_redemptions), (SELECT count(*) FROM coursebase.referral_credits))
FROM coursebase.discount_codes c WHERE c.code = 'SPRING';
SQL
proved 'a purchase that is told twice uses its discount once, and earns one referral credit' "$sold" = '1 1 1'

step 'A forger has read all of this, and makes a root, certificates and keys with the same names. What he signs is refused, and leaves nothing. So is a genuine token of which he changed the last letters. Ben brings the true transaction of Dana: it is hers.'
refused KB821 sql_as app_server <<SQL
\\set paid 'productId=hypnoelp_subscriptions purchaseDate=2026-03-02T10:00:00Z expiresDate=2099-01-01T00:00:00Z'
\\set body \`store forged app_store n-666 SUBSCRIBED/INITIAL_BUY 2026-03-02T10:00:00Z transactionId=t-666 appAccountToken=:ben :paid\`
SELECT * FROM coursebase.take_notification('app_store', :'body');
SQL
refused KB821 sql_as app_server <<'SQL'
\set body `store transaction 2026-03-02T10:00:00Z transactionId=t-901 productId=hypnoelp_subscriptions expiresDate=2026-04-02T10:00:00Z | sed 's/.....$/AAAAA/'`
SELECT * FROM coursebase.take_notification('app_store', :'body');
SQL
sql_as app_server <<SQL
\\set body \`store transaction 2026-03-02T10:00:00Z transactionId=t-900 productId=hypnoelp_subscriptions purchaseDate=2026-03-02T09:06:00Z\`
SELECT outcome, detail FROM coursebase.take_notification('app_store', :'body', user_id => '$ben', at => '2026-03-02 10:00+00');
SELECT kind, outcome, proof FROM coursebase.store_notifications;
SQL
value forged <<SQL
SELECT count(*) || ' ' || coursebase.has_premium('$ben', '2026-03-03') FROM coursebase.store_notifications WHERE outcome = 'applied';
SQL
proved 'what no key of a store has signed is refused, and leaves nothing' "$forged" = '1 false'
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
sql_as app_server <<SQL
SELECT s.chosen_at FROM coursebase.courses c, coursebase.choose_premium_course('$dana', c.id, 'female', '2026-03-02 20:00+00') s
WHERE c.course_code IN ('C21ENB', 'C22ENB');
SQL
sql_as app_user user_2dana <<'SQL'
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

step 'A pack of 1000 credits, bought on her other phone. Google Play tells by a push that something was bought, signed for whom it delivers to; what was bought stands in a document that the edge function fetches. The week is used up first, then the bank. She asks for her money back, and Google tells it, twice: what is unspent of the pack goes, once.'
sql_as app_server <<SQL
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('ai_credits_1000', 'ai_credits', 1000);
\\set token \`store push_token\`
\\set body \`store google_play m-1 oneTimeProduct 2026-03-12T12:00:00Z notificationType=1 purchaseToken=token-31 sku=ai_credits_1000\`
SELECT outcome, detail FROM coursebase.take_notification('google_play', :'body', :'token', at => '2026-03-12 12:00+00');
\\set document '{"orderId": "GPA.31", "purchaseStateContext": {"purchaseState": "PURCHASED"}, "obfuscatedExternalAccountId": "user_2dana", "purchaseCompletionTime": "2026-03-12T12:00:00Z", "productLineItem": [{"productId": "ai_credits_1000"}]}'
SELECT outcome, result -> 'ai_usage' AS ai_usage FROM coursebase.take_notification('google_play', :'body', :'token', :'document', at => '2026-03-12 12:00+00');
SELECT credits, weekly_credits, bank_credits, weekly_left, bank_left
FROM coursebase.consume_credits('$dana', 10300, 'talk-4', '2026-03-13 18:00+00');
\\set body \`store google_play m-2 voidedPurchase 2026-03-14T09:00:00Z purchaseToken=token-31 orderId=GPA.31 productType=2 refundType=1\`
SELECT outcome, result ->> 'status' AS status, result ->> 'detail' AS taken FROM coursebase.take_notification('google_play', :'body', :'token', at => '2026-03-14 09:00+00');
SELECT outcome, result ->> 'status' AS status, result ->> 'detail' AS taken FROM coursebase.take_notification('google_play', :'body', :'token', at => '2026-03-14 09:01+00');
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
\\set body \`store app_store n-2 DID_CHANGE_RENEWAL_STATUS/AUTO_RENEW_DISABLED 2026-03-21T07:00:00Z transactionId=t-900 productId=hypnoelp_subscriptions\`
SELECT outcome, result ->> 'status' AS status, result ->> 'expires_at' AS expires_at FROM coursebase.take_notification('app_store', :'body', at => '2026-03-21 07:01+00');
SELECT moment, coursebase.has_premium('$dana', m.at) AS premium, coursebase.has_course_access_by_code('C21ENB', '$dana', m.at) AS course_of_a_slot
FROM (VALUES ('a microsecond before the end', timestamptz '2026-04-02 09:05:59.999999+00'), ('at the end', '2026-04-02 09:06+00')) m (moment, at);
SQL
value border <<SQL
SELECT coursebase.has_premium('$dana', '2026-04-02 09:05:59.999999+00') || ' ' || coursebase.has_premium('$dana', '2026-04-02 09:06+00');
SQL
proved 'premium that was cancelled lasts to the microsecond that was paid for' "$border" = 'true false'

step 'Apple tells that the subscription has expired, and only then, a week late, that she had turned the renewal on once more, and off again. The history is in the order of what happened, not of the telling. The slots stay filled for when she comes back.'
sql_as app_server <<SQL
\\set body \`store app_store n-5 EXPIRED/VOLUNTARY 2026-04-02T09:06:00Z transactionId=t-900 productId=hypnoelp_subscriptions\`
SELECT outcome, result ->> 'status' AS status FROM coursebase.take_notification('app_store', :'body', at => '2026-04-02 09:07+00');
\\set body \`store app_store n-4 DID_CHANGE_RENEWAL_STATUS/AUTO_RENEW_DISABLED 2026-03-26T08:00:00Z transactionId=t-900 productId=hypnoelp_subscriptions\`
SELECT outcome, result ->> 'status' AS status FROM coursebase.take_notification('app_store', :'body', at => '2026-04-02 09:08+00');
\\set body \`store app_store n-3 DID_CHANGE_RENEWAL_STATUS/AUTO_RENEW_ENABLED 2026-03-25T08:00:00Z transactionId=t-900 productId=hypnoelp_subscriptions\`
SELECT outcome, result ->> 'status' AS status FROM coursebase.take_notification('app_store', :'body', at => '2026-04-02 09:09+00');
SELECT event_type, event_time, status_before, status_after, anomaly FROM coursebase.subscription_history WHERE user_id = '$dana';
SELECT slot, course_code, live FROM coursebase.premium_slots('$dana', '2026-04-02 09:08+00');
SQL
value ended <<SQL
SELECT s.status || ' ' || coursebase.has_premium('$dana', '2026-04-02 09:08+00') FROM coursebase.subscriptions s;
SQL
proved 'events that come in the wrong order end in the right state' "$ended" = 'expired false'

step 'Ben buys premium on the web, where Stripe signs each body with a secret, and Cleo in an app whose purchases RevenueCat reports, which proves itself by a header. He cancels, and Stripe tells when his month is over; her card is declined a day before hers is, which cuts nothing of what she paid for. A body that somebody changed on its way does not fit its signature.'
sql_as app_server <<SQL
\\set paid 'metadata.user_id=user_2ben metadata.product_id=hypnoelp_subscriptions current_period_end=2026-04-05T08:00:00Z'
\\set body \`store stripe evt_1 customer.subscription.created 2026-03-05T08:00:00Z id=sub_1 status=active :paid\`
\\set header \`store stripe_header :'body'\`
SELECT outcome, result ->> 'status' AS status FROM coursebase.take_notification('stripe', :'body', :'header', at => '2026-03-05 08:00+00');
\\set line 'app_user_id=user_2cleo store=PLAY_STORE product_id=hypnoelp_subscriptions original_transaction_id=GPA.40 transaction_id=GPA.40'
\\set body \`store revenuecat rc-1 INITIAL_PURCHASE 2026-03-06T08:00:00Z :line purchased_at_ms=2026-03-06T08:00:00Z expiration_at_ms=2026-04-06T08:00:00Z\`
SELECT outcome, result ->> 'status' AS status FROM coursebase.take_notification('revenuecat', :'body', 'Bearer sesame', at => '2026-03-06 08:00+00');
SELECT at, coursebase.has_premium('$ben', at) AS ben, coursebase.has_premium('$cleo', at) AS cleo
FROM unnest(ARRAY['2026-03-20 12:00+00', '2026-04-05 12:00+00', '2026-05-01 12:00+00']::timestamptz[]) at;
\\set body \`store stripe evt_2 customer.subscription.deleted 2026-04-05T08:00:00Z id=sub_1 status=canceled current_period_end=2026-04-05T08:00:00Z\`
\\set header \`store stripe_header :'body'\`
SELECT outcome, result ->> 'status' AS status FROM coursebase.take_notification('stripe', :'body', :'header', at => '2026-04-05 08:00+00');
\\set body \`store revenuecat rc-2 BILLING_ISSUE 2026-04-05T08:00:00Z :line\`
SELECT outcome, result ->> 'status' AS status FROM coursebase.take_notification('revenuecat', :'body', 'Bearer sesame', at => '2026-04-05 08:00+00');
SELECT at, coursebase.has_premium('$ben', at) AS ben, coursebase.has_premium('$cleo', at) AS cleo
FROM unnest(ARRAY['2026-04-05 12:00+00', '2026-05-01 12:00+00']::timestamptz[]) at;
SELECT provider, proof, outcome, count(*) FROM coursebase.store_notifications GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SQL
refused KB821 sql_as app_server <<SQL
\\set body \`store stripe evt_3 customer.subscription.created 2026-03-05T09:00:00Z id=sub_3 status=active metadata.user_id=user_2ben\`
\\set header \`store stripe_header :'body'\`
SELECT outcome FROM coursebase.take_notification('stripe', replace(:'body', 'user_2ben', 'user_2cleo'), :'header');
SQL
value proofs <<SQL
SELECT string_agg(DISTINCT provider || ' ' || proof, ', ') || ' ' || coursebase.has_premium('$ben', '2026-04-05 12:00+00') || ' ' || coursebase.has_premium('$cleo', '2026-04-05 12:00+00')
FROM coursebase.store_notifications WHERE outcome = 'applied';
SQL
proved 'four providers tell of purchases, and each proves what it tells' \
	"$proofs" = 'app_store signed, google_play sender, revenuecat sender, stripe signed false true'

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

step 'The other chapters are about a team whose server asks the stores by itself, so the proof is not demanded any more.'
sql <<'SQL'
UPDATE coursebase.settings SET value = '' WHERE name = 'require_signature';
SQL
