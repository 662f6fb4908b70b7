-- Promise: the life of a custom course from its receipt on: the link, the form, a new link, the refund. Its owner sees
-- the purchase as it is; a link of what was refunded leads nowhere.
\set ada '\'00000000-0000-4000-8000-0000000003a1\''
\set form '{"issue": "I lie awake for hours every night.", "goal": "I want to sleep through the whole night.", "feel": "calm and rested", "why": "to be there for my children", "title": "Sleep at last", "scripts": [{"number": 1, "technique": "anchor"}, {"number": 2, "technique": "imagery"}, {"number": 3, "technique": "reframing"}]}'
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'life_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.store_products (product_id, kind, price_in_cents, currency, course_code) VALUES ('x31pur', 'custom_course', 4900, 'EUR', 'X31PUR');
UPDATE coursebase.settings SET value = 'me.hypnoelp.app.' WHERE name = 'store_product_prefixes';
CREATE FUNCTION pg_temp.buy(purchase text, at timestamptz) RETURNS json LANGUAGE sql AS $$
    SELECT coursebase.validate_purchase('00000000-0000-4000-8000-0000000003a1', json_build_object('product_id', 'me.hypnoelp.app.X31PUR', 'source', 'google_play', 'purchase_id', purchase, 'purchase_token', 'token', 'transaction_date', '2026-01-01T12:00:00Z'), at) $$;
\set rows 'SELECT p.purchase_id, p.status, p.is_submitted, p.link_issued_at, p.acknowledged_at, c.title, c.data::text, c.checksum = md5(c.data::text) AS sound FROM coursebase.custom_course_purchases p JOIN coursebase.custom_courses c ON c.id = p.course_id WHERE c.user_id = \'00000000-0000-4000-8000-0000000003a1\' ORDER BY 1;'
\set ON_ERROR_ROLLBACK on

-- The receipt: a course without audio and a link that lives for a day. Again: the same ones.
SELECT answer->>'status' AS status, answer->'course'->>'course_code' AS code, answer->'course'->>'link_expires_at' AS expires_at,
    answer->'course'->>'link_token' AS link, answer->'course'->>'custom_course_id' AS course FROM pg_temp.buy('one', '2026-01-01 12:00+00') answer \gset
\echo :status :code :expires_at
SELECT answer->'course'->>'link_token' = :'link' AND answer->'course'->>'custom_course_id' = :'course' FROM pg_temp.buy('one', '2026-01-01 13:00+00') answer;
:rows
SELECT kind, product_id, purchase_id, deadline FROM coursebase.purchases_awaiting_acknowledgement WHERE user_id = :ada;
SELECT coursebase.acknowledge_purchase('google_play', 'production', 'one', '2026-01-01 14:00+00');

-- The form, too late; a new link; the form.
SELECT coursebase.submit_custom_course(:'link', 'generate_audio', :'form', '2026-01-02 12:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT id AS purchase FROM coursebase.custom_course_purchases WHERE purchase_id = 'one' AND course_id = :'course' \gset
SELECT link_token AS second, link_token <> :'link' AS renewed FROM coursebase.manage_regen_requests(:'purchase', '2026-01-02 12:00+00') \gset second_
\echo :second_renewed
SELECT valid, reason FROM coursebase.verify_gen_link(:'link', '2026-01-02 12:00+00');
SELECT answer->'course'->>'link_token' = :'second_second' FROM pg_temp.buy('one', '2026-01-02 13:00+00') answer;
SELECT coursebase.submit_custom_course(:'second_second', 'generate_audio', :'form', '2026-01-02 13:00+00')->>'title';
SELECT appended FROM coursebase.update_json(:'course', '{"url": "https://example.org/1.mp3"}');
SELECT coursebase.submit_custom_course(:'second_second', 'generate_audio', :'form', '2026-01-02 13:00+00');
:rows
-- A second making; the refund; the link is dead, the receipt gives nothing more, the owner sees that.
SELECT link_token AS token FROM coursebase.manage_regen_requests(:'purchase', '2026-01-03 12:00+00') \gset
SELECT status, kind, product_id, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'one', '2026-01-03 13:00+00');
SELECT status, kind, product_id, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'one', '2026-01-04 13:00+00');
SELECT valid, reason FROM coursebase.verify_gen_link(:'token', '2026-01-03 14:00+00');
SELECT coursebase.submit_custom_course(:'token', 'generate_audio', :'form', '2026-01-03 14:00+00');
SELECT * FROM coursebase.manage_regen_requests(:'purchase', '2026-01-03 14:00+00');
SELECT pg_temp.buy('one', '2026-01-05 12:00+00');
:rows
-- The server may revoke one; another receipt is another course; one of an older release is refunded all the same.
SELECT pg_temp.buy('two', '2026-01-05 12:00+00')->'course'->>'custom_course_id' <> :'course';
UPDATE coursebase.custom_course_purchases SET status = 'revoked' WHERE purchase_id = 'two' AND source = 'google_play';
SELECT pg_temp.buy('two', '2026-01-05 12:00+00');
SELECT custom_course_id IS NOT NULL FROM coursebase.create_custom_course(:ada, 'google_play', 'production', 'three', 't', 'X31PUR', 'Old', '', '2026-01-05 12:00+00');
SELECT status, kind, product_id, detail FROM coursebase.refund_store_purchase('google_play', 'production', 'three', '2026-01-06 12:00+00');
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
