-- Promise: a paid session of the checkout is one purchase however often it is told, gives the courses that the
-- product had, and keeps the product as it was sold; a session that was not paid, or was refunded, gives nothing.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-0000000e00a1\''
\set bob '\'00000000-0000-4000-8000-0000000e00b1\''
\set bundle '\'00000000-0000-4000-8000-0000000e01b1\''
\set free '\'00000000-0000-4000-8000-0000000e01f1\''
\set owns 'SELECT c.title FROM coursebase.user_course_access a JOIN coursebase.courses c ON c.id = a.course_id WHERE a.user_id =' :ada 'ORDER BY c.title;'
\set answer 'status, already_owned, (SELECT array_agg(c.title ORDER BY c.title) FROM coursebase.courses c WHERE c.id = ANY (course_ids)) AS courses'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    (:ada, 'sale_ada', 'Ada', 'ada@example.org', 'user'), (:bob, 'sale_bob', 'Bob', 'bob@example.org', 'user'),
    ('00000000-0000-4000-8000-0000000e00c1', 'sale_root', 'Root', 'root@example.org', 'admin');
INSERT INTO coursebase.courses (id, title, description)
SELECT ('00000000-0000-4000-8000-0000000e02c' || n)::uuid, 'Course ' || n, '' FROM generate_series(1, 3) n;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES
    (:bundle, 'Bundle', 'One and two', '/bundle.png', 49, 'public'), (:free, 'Taster', 'One', '/one.png', 0, 'public');
INSERT INTO coursebase.course_products (course_id, product_id) VALUES
    ('00000000-0000-4000-8000-0000000e02c1', :bundle), ('00000000-0000-4000-8000-0000000e02c2', :bundle),
    ('00000000-0000-4000-8000-0000000e02c1', :free);

-- Before the checkout.
SELECT coursebase.can_buy_product(:bundle, :ada);
SELECT * FROM coursebase.explain_buy_product(:bundle, :ada);
-- What was not paid writes nothing.
SELECT * FROM coursebase.complete_purchase(:ada, :bundle, 'cs_1', 4900, 'unpaid', '2026-03-01 12:00+00');
SELECT count(*) FROM coursebase.purchases WHERE user_id = :ada;
-- The browser's return, and the webhook, at other times.
SELECT :answer FROM coursebase.complete_purchase(:ada, :bundle, 'cs_1', 4900, 'paid', '2026-03-01 12:00+00');
SELECT :answer FROM coursebase.complete_purchase(:ada, :bundle, 'cs_1', 4900, 'paid', '2026-03-01 12:00:01+00');
SELECT a.purchase_id = b.purchase_id
FROM coursebase.complete_purchase(:ada, :bundle, 'cs_1', 4900, 'paid') a,
    coursebase.complete_purchase(:ada, :bundle, 'cs_1', 4900, 'paid') b;
SELECT price_paid_in_cents, refunded_in_cents, product_details, created_at = '2026-03-01 12:00+00', refunded_at
FROM coursebase.purchases WHERE user_id = :ada;
:owns
SELECT coursebase.can_buy_product(:bundle, :ada);
SELECT rule, passed, reason FROM coursebase.explain_buy_product(:bundle, :ada);

-- The same session with other content is refused.
\i :abs_srcdir/fixtures/helpers/refused.sql
SELECT pg_temp.refused(format('SELECT coursebase.complete_purchase(%L, %L, %L, %s, %L)', u, p, s, c, w))
FROM (VALUES (:bob, :bundle, 'cs_1', '4900', 'paid'), (:ada, :free, 'cs_1', '4900', 'paid'),
    (:ada, :bundle, 'cs_1', '4899', 'paid'), (:ada, :bundle, 'cs_2', '-1', 'paid'), (:ada, :bundle, '', '0', 'paid'),
    (:ada, :bundle, 'cs_2', '0', 'PAID'), (NULL, :bundle, 'cs_2', '0', 'paid'),
    ('00000000-0000-4000-8000-0000000e00ff', :bundle, 'cs_2', '0', 'paid'),
    (:ada, '00000000-0000-4000-8000-0000000e01ff', 'cs_2', '0', 'paid')) AS v (u, p, s, c, w);
SELECT pg_temp.refused(format('SELECT coursebase.complete_purchase(%L, %L, %L, 1, %L, %L)', :ada, :bundle, 'cs_2', 'paid', 'infinity'));
SELECT pg_temp.refused(format('SELECT coursebase.complete_purchase(%L, %L, %L, 1, %L, tax_in_cents => -1)', :ada, :bundle, 'cs_2', 'paid'));

-- The money came twice: both sessions are kept, and said to be doubled.
SELECT :answer FROM coursebase.complete_purchase(:ada, :bundle, 'cs_2', 4900, 'paid', '2026-03-02 12:00+00');
SELECT :answer FROM coursebase.complete_purchase(:ada, :bundle, 'cs_1', 4900, 'paid', '2026-03-03 12:00+00');
SELECT stripe_session_id, price_paid_in_cents FROM coursebase.duplicate_purchases WHERE user_id = :ada;
-- A product that is not on offer any more, and one at no price.
UPDATE coursebase.products SET status = 'private', name = 'Old bundle', description = 'gone' WHERE id = :bundle;
SELECT coursebase.can_buy_product(:bundle, :bob), coursebase.can_buy_product('00000000-0000-4000-8000-0000000e01ff', :bob);
SELECT :answer FROM coursebase.complete_purchase(:bob, :bundle, 'cs_3', 4900, 'paid', '2026-03-04 12:00+00');
SELECT :answer FROM coursebase.complete_purchase(:bob, :free, 'cs_4', 0, 'no_payment_required', '2026-03-04 12:00+00');
-- Sold as it was: the name of then, the courses of then.
DELETE FROM coursebase.course_products WHERE product_id = :bundle;
INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('00000000-0000-4000-8000-0000000e02c3', :bundle);
:owns
SELECT :answer FROM coursebase.complete_purchase(:ada, :bundle, 'cs_1', 4900, 'paid', '2026-03-05 12:00+00');
SELECT product_name, product_description, product_image_url, price_paid_in_cents FROM coursebase.purchase_history WHERE user_id = :ada;
SELECT :answer FROM coursebase.complete_purchase(:ada, :bundle, 'cs_5', 4900, 'paid', '2026-03-05 12:00+00');
:owns
-- Money of a closed account is money.
SELECT coursebase.delete_user(:bob, '2026-03-06') IS NOT NULL;
SELECT coursebase.can_buy_product(:bundle, :bob);
SELECT status FROM coursebase.complete_purchase(:bob, :bundle, 'cs_6', 4900, 'paid', '2026-03-06 12:00+00');
-- A purchase is never rewritten.
SELECT pg_temp.refused(format('UPDATE coursebase.purchases SET %s WHERE stripe_session_id = %L', change, 'cs_1'))
FROM unnest(ARRAY['product_details = product_details || ''{"name": "x"}''', 'user_id = gen_random_uuid()', 'price_paid_in_cents = 1', 'stripe_session_id = ''x''']) AS change;
SELECT pg_temp.refused(format('INSERT INTO coursebase.purchases (price_paid_in_cents, refunded_in_cents, product_details, user_id, product_id, stripe_session_id) VALUES (100, %s, %L, %L, %L, %L)', r, d, :ada, :bundle, 'x'))
FROM (VALUES (101, '{"name": "", "description": "", "imageUrl": ""}'), (100, '{"name": "", "description": "", "imageUrl": ""}'),
    (0, '{"name": "", "description": ""}'), (0, '{"name": "", "description": "", "imageUrl": null}'), (0, '[]'),
    (-1, '{"name": "", "description": "", "imageUrl": ""}')) AS v (r, d);
SELECT check_name, object, problem FROM coursebase.check_integrity();
-- What is paid for after the account was closed is listed until it is refunded; what was bought before is not.
SELECT coursebase.upsert_user('sale_gone', 'Gone', 'gone@example.org') AS gone \gset
SELECT status FROM coursebase.complete_purchase(:'gone', :bundle, 'cs_before', 4900, 'paid', '2026-03-01');
SELECT count(*) FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases WHERE stripe_session_id = 'cs_before'), 100);
SELECT coursebase.delete_user(:'gone', '2026-04-01') IS NOT NULL;
SELECT count(*) FROM coursebase.duplicate_purchases WHERE user_id = :'gone';
UPDATE coursebase.purchases SET refunded_at = '2026-04-01' WHERE stripe_session_id = 'cs_before';
SELECT status FROM coursebase.complete_purchase(:'gone', :bundle, 'cs_late', 4900, 'paid', '2026-04-02');
SELECT stripe_session_id FROM coursebase.duplicate_purchases WHERE user_id = :'gone';
SELECT r.refunded_in_cents FROM coursebase.purchases p, coursebase.refund_purchase(p.id) r WHERE p.stripe_session_id = 'cs_late';
SELECT count(*) FROM coursebase.duplicate_purchases WHERE user_id = :'gone';
ROLLBACK;
