-- Promise: the receipts of a line go with it by whatever function, so that a refund finds whoever has it; nobody takes a line
-- over by an old receipt; the giver's link to a form opens nothing; and what closing an account took, who restores it has again.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-00000058180' || n)::uuid, 'lines_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 5) n;
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000581800', 'C81LIN', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id, course_code) VALUES ('lines.premium', 'subscription', NULL, NULL), ('x81lin', 'custom_course', NULL, 'X81LIN'), ('c81lin', 'course', '00000000-0000-4000-8000-000000581800', NULL);
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('lines.pack', 'ai_credits', 100);
UPDATE coursebase.settings SET value = '0' WHERE name = 'free_weekly_credits';
UPDATE coursebase.entitlements SET weekly_credits = 0;
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-00000058180' || n)::uuid $$;
CREATE FUNCTION pg_temp.brings(n integer, product text, purchase text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refused(format('SELECT coursebase.validate_purchase(%L, %L, %L)', pg_temp.person(n), jsonb_build_object('product_id', product, 'source', 'app_store', 'purchase_id', purchase,
        'purchase_token', 't-' || purchase, 'transaction_date', '2026-01-01T12:00:00Z', 'period_end', '2026-09-01T12:00:00Z') || more, '2026-01-02')) $$;
CREATE FUNCTION pg_temp.premium() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(n::text, ' ' ORDER BY n) FROM generate_series(1, 5) n WHERE coursebase.has_premium(pg_temp.person(n), '2026-06-01') $$;
CREATE FUNCTION pg_temp.receipts(line text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(purchase_id || ' ' || right(user_id::text, 1), ', ' ORDER BY purchase_id) FROM coursebase.store_receipts WHERE original_transaction_id = line $$;
CREATE FUNCTION pg_temp.broken() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity() $$;
-- Both functions that move a line move its receipts; its refund ends premium where it is.
SELECT pg_temp.brings(1, 'lines.premium', 'l-1'), pg_temp.brings(1, 'lines.premium', 'l-2', '{"original_transaction_id": "l-1"}'), pg_temp.brings(1, 'lines.premium', 'k-1');
SELECT coursebase.transfer_subscription('app_store', 'l-1', pg_temp.person(2)), coursebase.transfer_line('app_store', 'k-1', pg_temp.person(3));
SELECT pg_temp.premium(), pg_temp.receipts('l-1'), pg_temp.receipts('k-1'), pg_temp.broken();
SELECT coursebase.transfer_subscription('app_store', 'l-1', pg_temp.person(2)), coursebase.transfer_line('app_store', 'k-1', pg_temp.person(3)), coursebase.transfer_line('app_store', 'none', pg_temp.person(3));
SELECT pg_temp.refused($$SELECT coursebase.transfer_subscription('app_store', 'none', pg_temp.person(3))$$);
-- A line that no event names is called by its person's id, and stays with the person, as transfer_purchases() leaves it.
SAVEPOINT unnamed;
SELECT status FROM coursebase.apply_subscription_event(pg_temp.person(4), '{"store": "manual", "store_event_id": "by-hand", "event_type": "created", "event_time": "2026-01-01T00:00:00Z", "period_end": "2026-09-01T00:00:00Z"}', '2026-01-02');
SELECT pg_temp.refused($$SELECT coursebase.transfer_subscription('manual', '00000000-0000-4000-8000-000000581804', pg_temp.person(5))$$), coursebase.transfer_line('manual', '00000000-0000-4000-8000-000000581804', pg_temp.person(5));
SELECT count(*) FROM coursebase.transfer_purchases(pg_temp.person(4), pg_temp.person(5), '2026-02-01');
SELECT pg_temp.premium(), pg_temp.broken();
SELECT coursebase.merge_users(pg_temp.person(5), pg_temp.person(4), '2026-02-01') IS NOT NULL, pg_temp.premium(), pg_temp.broken();
ROLLBACK TO unnamed;
SAVEPOINT refund;
SELECT p, status, right(user_id::text, 1), detail FROM unnest(ARRAY['k-1', 'l-1', 'l-2']) p, coursebase.refund_store_purchase('app_store', 'production', p, '2026-02-01');
SELECT pg_temp.premium(), pg_temp.broken();
ROLLBACK TO refund;
-- The account that had the line before is closed: an old receipt of it brings nothing, of whoever has it now.
SELECT coursebase.delete_user(pg_temp.person(1), '2026-02-01') IS NOT NULL;
SELECT pg_temp.brings(4, 'lines.premium', 'l-1');
-- A receipt that waits for its payment is a closed account's, and the line that somebody else's: that is not to be had by it.
SELECT pg_temp.brings(4, 'lines.premium', 'm-1', '{"state": "pending"}');
SELECT status FROM coursebase.apply_subscription_event(pg_temp.person(5), '{"store": "app_store", "environment": "production", "store_event_id": "m", "event_type": "created", "event_time": "2026-01-01T00:00:00Z", "original_transaction_id": "m-1", "transaction_id": "m-1", "product_id": "lines.premium", "period_end": "2026-09-01T00:00:00Z"}', '2026-01-02');
SELECT coursebase.delete_user(pg_temp.person(4), '2026-02-01') IS NOT NULL;
SELECT pg_temp.brings(3, 'lines.premium', 'm-1'), pg_temp.premium();
-- One of an open account, whose line nobody has yet: it goes by the line's name, and to no closed account.
SELECT pg_temp.brings(3, 'lines.premium', 'w-1', '{"state": "pending"}');
SELECT pg_temp.refused($$SELECT coursebase.transfer_line('app_store', 'w-1', pg_temp.person(4))$$), pg_temp.receipts('w-1');
SELECT coursebase.transfer_line('app_store', 'w-1', pg_temp.person(2)), pg_temp.receipts('w-1');
-- The same by what the store signed, whatever the order in which the accounts are found.
CREATE FUNCTION pg_temp.late(who text, n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT md5(who || n)::uuid $$;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT pg_temp.late(who, n), who || n, 'Late', 'late@example.org' FROM generate_series(1, 8) n, unnest(ARRAY['closed', 'open']) who;
SELECT count(coursebase.validate_purchase(pg_temp.late('closed', n), json_build_object('product_id', 'lines.premium', 'source', 'app_store', 'purchase_id', 'q-' || n, 'purchase_token', 't', 'transaction_date', '2026-01-01T12:00:00Z', 'period_end', '2026-09-01T12:00:00Z', 'state', 'pending'), '2026-01-02')) FROM generate_series(1, 8) n;
SELECT count(*) FROM generate_series(1, 8) n, coursebase.apply_subscription_event(pg_temp.late('open', n), json_build_object('store', 'app_store', 'environment', 'production', 'store_event_id', 'q-' || n, 'event_type', 'created', 'event_time', '2026-01-01T00:00:00Z',
    'original_transaction_id', 'q-' || n, 'transaction_id', 'q-' || n, 'product_id', 'lines.premium', 'period_end', '2026-09-01T00:00:00Z'), '2026-01-02');
SELECT count(coursebase.delete_user(pg_temp.late('closed', n), '2026-02-01')) FROM generate_series(1, 8) n;
SELECT outcome, count(*) FROM generate_series(1, 8) n, coursebase.take_notification('app_store', pg_temp.apple_token(jsonb_build_object('environment', 'Production', 'type', 'Auto-Renewable Subscription', 'transactionId', 'q-' || n,
    'originalTransactionId', 'q-' || n, 'productId', 'lines.premium', 'purchaseDate', pg_temp.ms('2026-01-01'), 'expiresDate', pg_temp.ms('2026-09-01'), 'signedDate', pg_temp.ms('2026-02-02'))), user_id => pg_temp.person(3), at => '2026-02-02') GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM generate_series(1, 8) n WHERE coursebase.has_premium(pg_temp.late('open', n), '2026-06-01');
-- By the order of an operator goes what is the giver's, and no payment of another's line.
SELECT * FROM coursebase.transfer_purchases(pg_temp.person(4), pg_temp.person(2), '2026-02-01');
-- A custom course goes with a new link; one of a closed account comes back empty, with its form open.
SELECT left(pg_temp.brings(2, 'x81lin', 'x-1'), 18);
CREATE TEMP TABLE link AS SELECT link_token FROM coursebase.custom_course_purchases WHERE purchase_id = 'x-1';
SELECT coursebase.transfer_receipt('app_store', 'production', 'x-1', pg_temp.person(3));
SELECT valid, reason FROM link, coursebase.verify_gen_link(link_token);
SELECT status, is_submitted FROM coursebase.custom_course_purchases WHERE purchase_id = 'x-1';
UPDATE coursebase.custom_course_purchases SET is_submitted = true WHERE purchase_id = 'x-1';
SAVEPOINT closed;
SELECT coursebase.delete_user(pg_temp.person(3), '2026-02-03') IS NOT NULL;
SELECT status, link_issued_at FROM coursebase.custom_course_purchases WHERE purchase_id = 'x-1';
SELECT left(pg_temp.brings(2, 'x81lin', 'x-1'), 18);
SELECT status, is_submitted, valid FROM coursebase.custom_course_purchases p, coursebase.verify_gen_link(p.link_token) WHERE p.purchase_id = 'x-1';
SELECT pg_temp.broken();
ROLLBACK TO closed;
-- What an operator revoked, closing and restoring does not bring back.
UPDATE coursebase.custom_course_purchases SET status = 'revoked' WHERE purchase_id = 'x-1';
SELECT coursebase.delete_user(pg_temp.person(3), '2026-02-03') IS NOT NULL;
SELECT left(pg_temp.brings(2, 'x81lin', 'x-1'), 18), (SELECT status FROM coursebase.custom_course_purchases WHERE purchase_id = 'x-1');
ROLLBACK TO closed;
-- Two accounts that become one keep the link that is open in a browser.
CREATE TEMP TABLE open_link AS SELECT link_token FROM coursebase.custom_course_purchases WHERE purchase_id = 'x-1';
SELECT coursebase.merge_users(pg_temp.person(2), pg_temp.person(3), '2026-02-03') IS NOT NULL;
SELECT p.link_token = o.link_token FROM coursebase.custom_course_purchases p, open_link o WHERE purchase_id = 'x-1';
ROLLBACK TO closed;
-- A purchase that waits for its payment gives way to one that comes, as it does where a receipt is recorded.
SELECT left(pg_temp.brings(2, 'c81lin', 'c-1'), 18);
INSERT INTO coursebase.course_purchases (user_id, course_id, source, environment, purchase_id, product_id, purchase_token, purchased_at, status) VALUES (pg_temp.person(3), '00000000-0000-4000-8000-000000581800', 'app_store', 'production', 'c-2', 'c81lin', 't', '2026-01-01', 'pending');
SELECT coursebase.transfer_receipt('app_store', 'production', 'c-1', pg_temp.person(3));
SELECT n, coursebase.has_course_access('00000000-0000-4000-8000-000000581800', pg_temp.person(n)) FROM generate_series(2, 3) n ORDER BY n;
SELECT purchase_id, status FROM coursebase.course_purchases WHERE user_id = pg_temp.person(3) ORDER BY 1;
-- Who reserved credits ends the reservation by the id of then, though the account was merged and the other had used the key.
SELECT left(pg_temp.brings(n, 'lines.pack', 'pack-' || n), 18) FROM generate_series(2, 3) n ORDER BY n;
SELECT n, bank_left FROM generate_series(2, 3) n, coursebase.reserve_credits(pg_temp.person(n), n * 10, 'talk', '2026-02-02') ORDER BY n;
SELECT coursebase.merge_users(pg_temp.person(2), pg_temp.person(3), '2026-02-03') IS NOT NULL;
SELECT credits, bank_credits, bank_left FROM coursebase.commit_credits(pg_temp.person(3), 'talk', 5, '2026-02-04');
SELECT credits, bank_credits, bank_left FROM coursebase.commit_credits(pg_temp.person(3), 'talk', 5, '2026-02-04');
SELECT credits, bank_credits, bank_left FROM coursebase.release_credits(pg_temp.person(2), 'talk', '2026-02-04');
SELECT pg_temp.broken();
ROLLBACK;
