-- Promise: a code for first purchases is for those who have paid for nothing yet, whatever they could have bought;
-- what was given, chosen, tried or given back is no purchase.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
\set ada '\'00000000-0000-4000-8000-00000000f1a1\''
\set course '\'00000000-0000-4000-8000-00000000f1c1\''
\set at '\'2026-05-10 12:00+00\''
\set first 'SELECT v.valid, v.reason FROM coursebase.validate_discount(:ada, ''FIRST'', ''course'', 1000, ''EUR'', at => :at) v;'
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'first_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description, in_premium) VALUES (:course, 'C91FST', 'first', '', true);
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, first_purchase_only) VALUES ('FIRST', 'course', 10, true);
CREATE FUNCTION pg_temp.event(id text, members jsonb) RETURNS coursebase.subscription_status LANGUAGE sql AS $$
    SELECT e.status::coursebase.subscription_status FROM coursebase.apply_subscription_event('00000000-0000-4000-8000-00000000f1a1', (jsonb_build_object('store', 'app_store', 'environment',
        'production', 'store_event_id', id, 'event_time', '2026-05-01T12:00:00Z', 'original_transaction_id', 'first', 'transaction_id', id,
        'period_end', '2026-06-01T12:00:00Z') || members)::json, '2026-05-01 12:00+00') e $$;
:first
SAVEPOINT nothing;

-- courses: of a store, in the sandbox, not valid yet, refunded; given
INSERT INTO coursebase.course_purchases (user_id, course_id, source, product_id, purchase_id, purchase_token, status) VALUES (:ada, :course, 'google_play', 'c91fst', 'first', 't', 'pending');
:first
UPDATE coursebase.course_purchases SET status = 'valid', validated_at = :at WHERE user_id = :ada;
:first
SET LOCAL session_replication_role = replica;
UPDATE coursebase.course_purchases SET environment = 'sandbox' WHERE user_id = :ada;
:first
UPDATE coursebase.settings SET value = 'true' WHERE name = 'accept_sandbox';
:first
UPDATE coursebase.course_purchases SET environment = 'production', status = 'refunded', refunded_at = :at WHERE user_id = :ada;
:first
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES (:ada, :course, 'admin', 'valid', :at);
:first
ROLLBACK TO nothing;

-- packs
SELECT bank_left FROM coursebase.grant_credit_pack(:ada, 'ai_credits_50', 50, 'app_store', 'production', 'first pack', 't', at => :at);
:first
SELECT bank_left FROM coursebase.refund_credit_pack('app_store', 'production', 'first pack', :at);
:first
ROLLBACK TO nothing;

-- custom courses
SELECT count(*) FROM coursebase.create_custom_course(:ada, 'app_store', 'production', 'first custom', 't');
:first
UPDATE coursebase.custom_course_purchases SET status = 'refunded' WHERE purchase_id = 'first custom';
:first
ROLLBACK TO nothing;

-- products: paid, free, refunded
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES ('00000000-0000-4000-8000-00000000f1d1', 'Product', '', '/p.png', 10);
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id)
VALUES (0, '{"name": "Product", "description": "", "imageUrl": "/p.png"}', :ada, '00000000-0000-4000-8000-00000000f1d1', 'first free');
:first
INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id)
VALUES (1000, '{"name": "Product", "description": "", "imageUrl": "/p.png"}', :ada, '00000000-0000-4000-8000-00000000f1d1', 'first paid');
:first
UPDATE coursebase.purchases SET refunded_in_cents = 1000, refunded_at = :at WHERE stripe_session_id = 'first paid';
:first
ROLLBACK TO nothing;

-- subscriptions: a trial and a slot in it, the payment after it, the end of it; the refund; given by the house
SELECT pg_temp.event('a', '{"event_type": "SUBSCRIBED", "subtype": "INITIAL_BUY", "is_trial": true}');
SELECT count(slot_id) FROM coursebase.choose_premium_course(:ada, :course, NULL, :at);
:first
SELECT pg_temp.event('b', '{"event_type": "DID_RENEW", "event_time": "2026-06-01T12:00:00Z", "period_end": "2026-07-01T12:00:00Z"}');
:first
SELECT pg_temp.event('c', '{"event_type": "EXPIRED", "event_time": "2026-07-01T12:00:00Z", "period_end": "2026-07-01T12:00:00Z", "transaction_id": null}');
:first
ROLLBACK TO nothing;
SELECT pg_temp.event('a', '{"event_type": "SUBSCRIBED", "subtype": "INITIAL_BUY"}');
:first
SELECT pg_temp.event('b', '{"event_type": "REFUND", "event_time": "2026-05-02T12:00:00Z", "transaction_id": "a"}');
:first
ROLLBACK TO nothing;
SELECT pg_temp.event('a', '{"store": "manual", "event_type": "created"}');
:first
ROLLBACK;
