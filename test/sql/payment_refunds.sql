-- Promise: a refund or a dispute finds its sale by the payment; refunds and the sum of a charge count once, in whatever
-- order they come; what fails or is won is given back; what a reversal tells first is not taken afterwards.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000586161\''
\set sale 'SELECT price_paid_in_cents, refunded_in_cents, refunded_at IS NOT NULL AS in_full, (SELECT count(*) FROM coursebase.user_course_access a WHERE a.user_id = s.user_id) AS courses FROM coursebase.purchases s WHERE stripe_session_id = \'cs_paid\';'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'paid_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000586162', 'P86PAY', 'One', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES ('00000000-0000-4000-8000-000000586163', 'Single', '', '/s.png', 10, 'private');
INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('00000000-0000-4000-8000-000000586162', '00000000-0000-4000-8000-000000586163');
CREATE FUNCTION pg_temp.stripe_take(id text, type text, object jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail, result ->> 'refunded_in_cents') FROM coursebase.take_notification('stripe',
        pg_temp.stripe(id, '2026-02-02', type, object || '{"payment_intent": "pi_1", "charge": "ch_1"}'), at => '2026-02-02') $$;
-- The browser comes first, the webhook brings what only it knows.
SELECT status FROM coursebase.complete_purchase(:ada, '00000000-0000-4000-8000-000000586163', 'cs_paid', 1000, 'paid', '2026-02-01');
SELECT pg_temp.stripe_take('evt_1', 'checkout.session.completed', '{"id": "cs_paid", "mode": "payment", "payment_status": "paid", "amount_total": 1000, "currency": "eur", "client_reference_id": "paid_ada", "metadata": {"product_id": "00000000-0000-4000-8000-000000586163"}, "total_details": {"amount_tax": 160}}');
SELECT currency, tax_in_cents, payment_intent_id, charge_id FROM coursebase.purchases WHERE stripe_session_id = 'cs_paid';
SAVEPOINT paid;
-- A refund, and then the sum; the sum, and then the refund; two refunds behind one sum; each told twice.
SELECT pg_temp.stripe_take('evt_2', 'refund.created', '{"id": "re_1", "object": "refund", "status": "succeeded", "amount": 300}');
SELECT pg_temp.stripe_take('evt_3', 'charge.refunded', '{"id": "ch_1", "amount": 1000, "amount_refunded": 300}');
SELECT pg_temp.stripe_take('evt_4', 'refund.updated', '{"id": "re_1", "object": "refund", "status": "succeeded", "amount": 300}');
SELECT pg_temp.stripe_take('evt_5', 'charge.refunded', '{"id": "ch_1", "amount": 1000, "amount_refunded": 1000}');
:sale
SELECT pg_temp.stripe_take('evt_6', 'refund.created', '{"id": "re_2", "object": "refund", "status": "pending", "amount": 700}');
:sale
-- It fails: what it took is given back, and the first refund stands.
SELECT pg_temp.stripe_take('evt_7', 'refund.failed', '{"id": "re_2", "object": "refund", "status": "failed", "amount": 700}');
:sale
SELECT pg_temp.stripe_take('evt_8', 'refund.failed', '{"id": "re_2", "object": "refund", "status": "failed", "amount": 700}');
:sale
-- (both were of one instant, at which the sale was refunded in full)
SELECT refund_ref, r.refunded_at = '2026-02-02', reversed_at IS NOT NULL AS is_reversed FROM coursebase.purchase_refunds r JOIN coursebase.purchases s ON s.id = r.purchase_id WHERE s.user_id = :ada ORDER BY 1;
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO paid;
SELECT pg_temp.stripe_take('evt_2', 'charge.refunded', '{"id": "ch_1", "amount": 1000, "amount_refunded": 500}');
SELECT pg_temp.stripe_take('evt_3', 'refund.created', '{"id": "re_1", "object": "refund", "status": "succeeded", "amount": 200}');
SELECT pg_temp.stripe_take('evt_4', 'refund.created', '{"id": "re_2", "object": "refund", "status": "succeeded", "amount": 300}');
:sale
SELECT refund_ref, amount_in_cents FROM coursebase.purchase_refunds r JOIN coursebase.purchases s ON s.id = r.purchase_id WHERE s.user_id = :ada AND reversed_at IS NULL ORDER BY 1;
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO paid;
-- Of three refunds the first failed, and that is told last: the third, for which nothing is left until then, is not forgotten. One by
-- hand, which has no name, is told by the provider as well, and is taken for it.
SELECT pg_temp.stripe_take('evt_' || n, 'refund.created', jsonb_build_object('id', 're_' || n, 'status', 'succeeded', 'amount', sum)) FROM (VALUES (2, 600), (3, 400), (4, 600)) v (n, sum) ORDER BY n;
:sale
SELECT pg_temp.stripe_take('evt_5', 'refund.failed', '{"id": "re_2", "object": "refund", "status": "failed", "amount": 600}');
:sale
SELECT notification_id, outcome FROM coursebase.store_notifications WHERE notification_id = 'evt_4';
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO paid;
SELECT r.refunded_in_cents FROM coursebase.purchases s, coursebase.refund_purchase(s.id) r WHERE s.stripe_session_id = 'cs_paid';
SELECT pg_temp.stripe_take('evt_2', 'refund.created', '{"id": "re_1", "object": "refund", "status": "succeeded", "amount": 1000}');
ROLLBACK TO paid;
-- What failed before it was told; a refund that is more than is left.
SELECT pg_temp.stripe_take('evt_2', 'refund.failed', '{"id": "re_1", "object": "refund", "status": "failed", "amount": 1000}');
SELECT pg_temp.stripe_take('evt_3', 'refund.created', '{"id": "re_1", "object": "refund", "status": "pending", "amount": 1000}');
SELECT pg_temp.stripe_take('evt_4', 'refund.created', '{"id": "re_2", "object": "refund", "status": "pending", "amount": 1001}');
:sale
-- Disputes: open, lost, won; of a payment that nobody knows; of the test mode.
SELECT pg_temp.stripe_take('evt_5', 'charge.dispute.created', '{"id": "dp_1", "status": "needs_response", "amount": 1000, "evidence_details": {"due_by": 4070908800}}');
SELECT kind, purchase_id, answer_until FROM coursebase.refunds_to_review WHERE purchase_id = 'ch_1';
SELECT pg_temp.stripe_take('evt_6', 'charge.dispute.closed', '{"id": "dp_1", "status": "lost", "amount": 1000}');
:sale
SELECT pg_temp.stripe_take('evt_7', 'charge.dispute.closed', '{"id": "dp_1", "status": "won", "amount": 1000}');
:sale
SELECT outcome, detail FROM coursebase.take_notification('stripe', pg_temp.stripe('evt_8', '2026-02-02', 'refund.created', '{"id": "re_9", "status": "succeeded", "amount": 1, "payment_intent": "pi_9"}'));
SELECT outcome, detail FROM coursebase.take_notification('stripe', replace(pg_temp.stripe('evt_9', '2026-02-02', 'checkout.session.completed', '{"id": "cs_test", "mode": "payment", "payment_status": "paid", "amount_total": 1000, "client_reference_id": "paid_ada", "metadata": {"product_id": "00000000-0000-4000-8000-000000586163"}}'), '"livemode": true', '"livemode": false'));
SELECT count(*) FROM coursebase.purchases WHERE user_id = :ada;
-- A refund comes before its sale, and a reversal before both: taken up whichever way the sale comes, by a webhook, by the
-- browser with the names of the payment, or by plain SQL.
SELECT outcome FROM generate_series(1, 4) n, coursebase.take_notification('stripe', pg_temp.stripe('evt_2' || n, '2026-02-03', 'refund.created', jsonb_build_object('id', 're_2' || n, 'status', 'succeeded', 'amount', 500, 'payment_intent', 'pi_2' || n)));
SELECT outcome FROM coursebase.take_notification('stripe', pg_temp.stripe('evt_25', '2026-02-04', 'refund.failed', '{"id": "re_23", "status": "failed", "amount": 500, "payment_intent": "pi_23"}'));
SELECT outcome FROM coursebase.take_notification('stripe', pg_temp.stripe('evt_30', '2026-02-01', 'checkout.session.completed', '{"id": "cs_21", "mode": "payment", "payment_status": "paid", "amount_total": 500, "payment_intent": "pi_21", "client_reference_id": "paid_ada", "metadata": {"product_id": "00000000-0000-4000-8000-000000586163"}}'));
SELECT status FROM coursebase.complete_purchase(:ada, '00000000-0000-4000-8000-000000586163', 'cs_22', 500, 'paid', '2026-02-01', payment_intent_id => 'pi_22');
SELECT status FROM coursebase.complete_purchase(:ada, '00000000-0000-4000-8000-000000586163', 'cs_23', 500, 'paid', '2026-02-01', payment_intent_id => 'pi_23');
INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id, price_paid_in_cents, product_details, payment_intent_id) VALUES (:ada, '00000000-0000-4000-8000-000000586163', 'cs_24', 900, '{"name": "", "description": "", "imageUrl": ""}', 'pi_24');
SELECT stripe_session_id, refunded_in_cents, refunded_at FROM coursebase.purchases WHERE stripe_session_id LIKE 'cs_2_' ORDER BY 1;
SELECT notification_id, outcome FROM coursebase.store_notifications WHERE notification_id LIKE 'evt_2_' ORDER BY 1;
-- A subscription's invoice: a part changes nothing, the whole revokes its payment.
SELECT outcome, result ->> 'status' FROM coursebase.take_notification('stripe', pg_temp.stripe('evt_10', '2026-02-01', 'invoice.paid', '{"id": "in_1", "subscription": "sub_1", "billing_reason": "subscription_create", "amount_paid": 900, "lines": {"data": [{"period": {"start": 1769904000, "end": 1772323200}}]}, "parent": {"subscription_details": {"subscription": "sub_1", "metadata": {"user_id": "paid_ada"}}}}'));
SELECT outcome, result ->> 'status' FROM coursebase.take_notification('stripe', pg_temp.stripe('evt_11', '2026-02-03', 'charge.refunded', '{"id": "ch_2", "invoice": "in_1", "amount": 900, "amount_refunded": 100}'));
SELECT outcome, result ->> 'status' FROM coursebase.take_notification('stripe', pg_temp.stripe('evt_12', '2026-02-04', 'charge.refunded', '{"id": "ch_2", "invoice": "in_1", "amount": 900, "amount_refunded": 900}'));
SELECT pg_temp.refused('SELECT coursebase.reverse_refund($$00000000-0000-4000-8000-000000586199$$, $$re$$)');
SELECT pg_temp.refused('SELECT coursebase.refund_payment($$pi_9$$, NULL, NULL, 1, $$re$$)');
SELECT pg_temp.refused('SELECT coursebase.refund_payment($$pi_1$$, NULL, NULL, 0, $$re$$)');
SELECT count(*) FROM coursebase.check_integrity();
-- A dispute of more than is left takes the rest, however often it is told, and gives that back when it is won.
ROLLBACK TO paid;
SELECT pg_temp.stripe_take('evt_r1', 'refund.created', '{"id": "re_r1", "status": "succeeded", "amount": 300}'), pg_temp.stripe_take('evt_r2', 'charge.dispute.closed', '{"id": "dp_r", "status": "lost", "amount": 1010}');
SELECT pg_temp.stripe_take('evt_r3', 'charge.dispute.updated', '{"id": "dp_r", "status": "lost", "amount": 1010}');
:sale
SELECT pg_temp.stripe_take('evt_r4', 'charge.dispute.funds_reinstated', '{"id": "dp_r", "status": "won", "amount": 1010}');
:sale
SELECT count(*) FROM coursebase.check_integrity();
-- Both ways to refund answer the courses that are lost, and not one that something else gives; a part takes none.
ROLLBACK TO paid;
SELECT cardinality(revoked_course_ids) FROM coursebase.refund_payment('pi_1', NULL, NULL, 400, 're_lost_1', at => '2026-02-02');
SAVEPOINT part;
SELECT cardinality(revoked_course_ids) FROM coursebase.refund_payment('pi_1', NULL, NULL, 600, 're_lost_2', at => '2026-02-02');
SELECT cardinality(r.revoked_course_ids) FROM coursebase.purchases p, coursebase.reverse_refund(p.id, 're_lost_2', 600, '2026-02-03') r WHERE p.stripe_session_id = 'cs_paid';
ROLLBACK TO part;
SELECT status FROM coursebase.complete_purchase(:ada, '00000000-0000-4000-8000-000000586163', 'cs_second', 1000, 'paid', '2026-02-02');
SELECT cardinality(revoked_course_ids) FROM coursebase.refund_payment('pi_1', NULL, NULL, 600, 're_lost_2', at => '2026-02-02');
SELECT cardinality(r.revoked_course_ids) FROM coursebase.purchases p, coursebase.refund_purchase(p.id, at => '2026-02-02') r WHERE p.stripe_session_id = 'cs_paid';
ROLLBACK;
