-- Promise: nothing plausible is misread. What has one meaning is read in every usual spelling; what has two is refused,
-- with the name of the member and what was meant; a retry is equal when what is read is equal; what was quoted holds.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000315261\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'misread_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('misread.pack', 'ai_credits', 100);
CREATE FUNCTION pg_temp.event(more jsonb, less text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refused(format('SELECT coursebase.apply_subscription_event(%L, %L, %L)', '00000000-0000-4000-8000-000000315261',
        '{"store": "app_store", "environment": "production", "store_event_id": "e-1", "event_type": "created", "original_transaction_id": "t-1", "transaction_id": "t-1", "event_time": "2026-01-01T00:00:00Z", "period_end": "2026-02-01T00:00:00Z"}'::jsonb - less || more, '2026-01-02')) $$;
CREATE FUNCTION pg_temp.receipt(more jsonb, less text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refused(format('SELECT coursebase.validate_purchase(%L, %L, %L)', '00000000-0000-4000-8000-000000315261',
        '{"product_id": "misread.pack", "source": "app_store", "purchase_id": "m-1", "purchase_token": "t", "transaction_date": "1767268800000"}'::jsonb - less || more, '2026-01-02')) $$;
-- Times: seconds, zero, a year that was meant otherwise; an end may be for ever.
SELECT more, pg_temp.event(more) FROM unnest(ARRAY['{"event_time": 1700000000}', '{"event_time": "1700000000"}', '{"event_time": 0}', '{"event_time": "2007-12-31T23:59:59Z"}',
    '{"event_time": 17000000000000}', '{"event_time": "2101-01-01T00:00:00Z"}', '{"period_end": 1769904000}', '{"grace_until": "1970-01-01T00:00:00Z"}']::jsonb[]) more;
SELECT pg_temp.receipt('{"transaction_date": 1767268800}');
SELECT pg_temp.event('{"store_event_id": "e-0", "original_transaction_id": "t-0", "period_end": "9999-12-31T00:00:00Z"}');
-- Names that are nearly ours; a name that is not, and one whose member is there, are kept.
SELECT pg_temp.event('{"enviroment": "production"}', '{environment}');
SELECT pg_temp.event('{"originalTransactionId": "t-1"}', '{original_transaction_id}');
SELECT pg_temp.event('{"periodEnd": "2026-02-01T00:00:00Z"}', '{period_end}');
SELECT pg_temp.event('{"Store": "app_store"}', '{store}');
SELECT pg_temp.event('{"auto_renewing": true}');
SELECT pg_temp.receipt('{"purchaseId": "m-1"}', '{purchase_id}');
SELECT pg_temp.receipt('{"quantty": 3}');
SELECT pg_temp.receipt('{"discount": {"cod": "X"}}');
SELECT pg_temp.event('{"store_event_id": "e-w", "event_type": "noted", "wine": "red", "payload": {"kept": true}}');
SELECT payload -> 'wine', payload -> 'payload' FROM coursebase.subscription_events WHERE store_event_id = 'e-w';
-- Types: near ones, one by the provider's name, one that nobody knows yet.
SELECT pg_temp.event('{"event_type": "renew", "store_event_id": "e-2"}');
SELECT pg_temp.event('{"event_type": "cancelled", "store_event_id": "e-2"}');
SELECT pg_temp.event('{"event_type": "DID_RENEW", "store_event_id": "e-3", "event_time": "2026-01-31T00:00:00Z", "transaction_id": "t-2", "period_end": "2026-03-01T00:00:00Z"}');
SELECT pg_temp.event('{"event_type": "SOMETHING_NEW", "store_event_id": "e-4"}');
SELECT store_event_id, event_type FROM coursebase.subscription_events WHERE user_id = :ada ORDER BY store_event_id;
-- Spellings: the same event as the first one, each time.
SELECT more, pg_temp.event(more) FROM unnest(ARRAY['{"store": "APP_STORE"}', '{"store": "AppStore"}', '{"environment": "Production"}', '{"environment": "PRODUCTION"}', '{"environment": "prod"}',
    '{"event_time": "2026-01-01T01:00:00+01:00"}', '{"event_time": 1767225600000}', '{"event_time": "1767225600000"}', '{"pending_webhooks": 1}']::jsonb[]) more;
SELECT more, pg_temp.event(more || '{"store_event_id": "e-5", "event_type": "noted"}') FROM unnest(ARRAY['{"auto_renew": true}', '{"auto_renew": 1}', '{"auto_renew": "TRUE"}', '{"auto_renew": "1"}', '{"auto_renew": false}', '{"auto_renew": "maybe"}']::jsonb[]) more;
SELECT more, pg_temp.receipt(more) FROM unnest(ARRAY['{}', '{"source": "App Store"}', '{"environment": "PRODUCTION"}', '{"acknowledged": "false"}', '{"transaction_date": "2026-01-01T12:00:00Z"}', '{"source": "paypal"}']::jsonb[]) more;
-- An id with a blank at an end is no other id: the same purchase would count twice, and one of blanks alone be everybody's.
SELECT more, pg_temp.receipt(more) FROM unnest(ARRAY['{"purchase_id": "m-1\n"}', '{"purchase_id": " m-1"}', '{"purchase_id": " "}', '{"product_id": "misread.pack\t"}', '{"purchase_token": "dA==\n"}']::jsonb[]) more;
SELECT more, pg_temp.event(more) FROM unnest(ARRAY['{"store_event_id": "e-1 "}', '{"store_event_id": " "}', '{"original_transaction_id": "t-1\r\n"}', '{"transaction_id": "\u0001t-1"}']::jsonb[]) more;
SELECT call, pg_temp.refused('SELECT coursebase.' || replace(call, 'ADA', :ada)) FROM unnest(ARRAY[$$complete_purchase('ADA', gen_random_uuid(), E'cs_1\n', 1, 'paid')$$, $$grant_credit_pack('ADA', 'misread.pack', 100, 'app_store', 'production', ' m-1', 't')$$,
    $$refund_credit_pack('app_store', 'production', 'm-1 ')$$, $$refund_store_purchase('app_store', 'production', E'm-1\t')$$, $$reverse_store_refund('app_store', 'production', ' ')$$, $$acknowledge_purchase('app_store', 'production', '')$$]) call;
SELECT count(*) FROM coursebase.store_receipts WHERE user_id = :ada;
-- The caller's own name of an order or a use, too: a call that is repeated with the end of a line would count twice.
SELECT call, pg_temp.refused('SELECT coursebase.' || replace(call, 'ADA', :ada)) FROM unnest(ARRAY[$$redeem_discount('ADA', 'x', 'course', 1, 'EUR', E'order-1\n')$$, $$reserve_discount('ADA', 'x', 'course', 1, 'EUR', ' order-1')$$,
    $$spend_referral_credit('ADA', 1, 'order-1 ')$$, $$spend_referral_credit('ADA', 1, '')$$, $$consume_credits('ADA', 1, E'use-1\t')$$, $$reserve_credits('ADA', 1, ' ')$$]) call;
-- What was quoted holds: half price, whatever became of the code, as long as the reservation lives, for what was quoted.
INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off) VALUES ('00000000-0000-4000-8000-000000315262', 'QUOTED', 'course', 50);
SELECT discount_in_cents, final_in_cents FROM coursebase.reserve_discount(:ada, 'quoted', 'course', 1000, 'EUR', 'order-1', at => '2026-01-10 12:00+00');
UPDATE coursebase.discount_codes SET percent_off = 10, is_active = false WHERE code = 'QUOTED';
SELECT discount_in_cents, final_in_cents FROM coursebase.reserve_discount(:ada, 'quoted', 'course', 1000, 'EUR', 'order-1', at => '2026-01-10 12:05+00');
SAVEPOINT quoted;
SELECT pg_temp.refused($$SELECT coursebase.redeem_discount('00000000-0000-4000-8000-000000315261', 'quoted', 'course', 2000, 'EUR', 'order-1', at => '2026-01-10 12:10+00')$$);
SELECT pg_temp.refused($$SELECT coursebase.redeem_discount('00000000-0000-4000-8000-000000315261', 'quoted', 'course', 1000, 'EUR', 'order-1', at => '2026-01-10 12:15+00')$$);
SELECT discount_in_cents, final_in_cents FROM coursebase.redeem_discount(:ada, 'quoted', 'course', 1000, 'EUR', 'order-1', at => '2026-01-10 12:10+00');
SELECT discount_in_cents, final_in_cents FROM coursebase.redeem_discount(:ada, 'quoted', 'course', 1000, 'EUR', 'order-1', at => '2026-01-12 12:10+00');
SELECT terms ->> 'percent_off', status, quote FROM coursebase.discount_redemptions r JOIN coursebase.user_discounts d USING (user_id, discount_code_id) WHERE r.user_id = :ada;
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
