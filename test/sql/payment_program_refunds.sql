-- Promise: Stripe's refund or lost dispute of a program's payment gives it back as refund_transaction() does, by whichever
-- name and in whatever order they come; a payment intent without a session settles a payment; a part leaves the program.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
SELECT transaction_id AS charge FROM coursebase.begin_checkout(:max, :strong, '2026-02-01') \gset
SELECT amount_in_cents AS sum, lower(currency) AS currency FROM coursebase.payment_transactions WHERE id = :'charge' \gset
CREATE FUNCTION pg_temp.told(id text, at text, type text, object jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail, result ->> 'status', result ->> 'reason') FROM coursebase.take_notification('stripe', pg_temp.stripe(id, at, type, object), at => '2026-03-01') $$;
CREATE FUNCTION pg_temp.state(charge uuid) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', t.status, e.status, r.status, r.created_at::date) FROM coursebase.payment_transactions t
    LEFT JOIN coursebase.course_entitlements e ON e.source_payment_transaction_id = t.id
    LEFT JOIN coursebase.payment_transactions r ON r.refunds_transaction_id = t.id WHERE t.id = charge $$;
\set whole 'jsonb_build_object(\'id\', \'re_1\', \'status\', \'succeeded\', \'amount\', :sum, \'payment_intent\', \'pi_1\')'
\set session 'jsonb_build_object(\'id\', \'cs_1\', \'mode\', \'payment\', \'payment_status\', \'paid\', \'amount_total\', :sum, \'currency\', :\'currency\', \'payment_intent\', \'pi_1\')'
\set intent 'jsonb_build_object(\'id\', \'pi_1\', \'amount_received\', :sum, \'currency\', :\'currency\', \'latest_charge\', \'ch_1\')'
SAVEPOINT pending;
-- The reference is the session: the payment's name comes with it. Told twice, it is given back once.
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'cs_1');
SELECT pg_temp.told('evt_1', '2026-02-02', 'checkout.session.completed', :session), pg_temp.state(:'charge');
SAVEPOINT paid;
SELECT pg_temp.told('evt_2', '2026-02-10', 'refund.created', :whole), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_3', '2026-02-10', 'charge.refunded', jsonb_build_object('id', 'ch_1', 'amount', :sum, 'amount_refunded', :sum, 'payment_intent', 'pi_1')), pg_temp.state(:'charge');
-- A refund that fails gives the program back; nothing waits.
SELECT pg_temp.told('evt_4', '2026-02-11', 'refund.failed', :whole || '{"status": "failed"}'), pg_temp.state(:'charge');
SELECT kind, outcome, user_id = :max FROM coursebase.notifications_waiting;
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO paid;
-- What an operator's trigger does to the payment meanwhile is judged as ever: what is completed is not cancelled.
SAVEPOINT within;
CREATE FUNCTION pg_temp.cancel() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    UPDATE coursebase.payment_transactions SET status = 'cancelled' WHERE id = new.id;
    RETURN NULL; END$$;
CREATE TRIGGER zz AFTER UPDATE ON coursebase.payment_transactions FOR EACH ROW
    WHEN (old.status = 'refunded' AND new.status = 'completed') EXECUTE FUNCTION pg_temp.cancel();
SELECT pg_temp.told('evt_2', '2026-02-10', 'refund.created', :whole), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_4', '2026-02-11', 'refund.failed', :whole || '{"status": "failed"}');
SELECT pg_temp.state(:'charge');
ROLLBACK TO within;
-- Of an account that was closed meanwhile it gives nobody the program: the money, which came back, is listed, and may be given again.
SELECT pg_temp.told('evt_2', '2026-02-10', 'refund.created', :whole), coursebase.delete_user(:max) IS NOT NULL;
SELECT pg_temp.told('evt_4', '2026-02-11', 'refund.failed', :whole || '{"status": "failed"}');
SELECT t.status, e.status, l.transaction_id = t.id AS is_listed FROM coursebase.payment_transactions t JOIN coursebase.course_entitlements e USING (user_id, program_id)
LEFT JOIN coursebase.transactions_to_refund l ON l.user_id = t.user_id WHERE t.id = :'charge';
SELECT pg_temp.told('evt_5', '2026-02-12', 'refund.created', :whole || '{"id": "re_2"}');
SELECT count(*) FROM coursebase.transactions_to_refund;
SELECT pg_temp.told('evt_6', '2026-02-13', 'refund.failed', :whole || '{"id": "re_2", "status": "failed"}');
SELECT count(*) FROM coursebase.transactions_to_refund;
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO paid;
-- Parts leave the program; their sum takes it. A dispute that is open or won takes nothing, and one that is lost does.
SELECT pg_temp.told('evt_2', '2026-02-10', 'refund.created', :whole || '{"amount": 1}'), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_3', '2026-02-10', 'refund.failed', :whole || '{"amount": 1, "status": "failed"}'), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_4', '2026-02-11', 'charge.refunded', jsonb_build_object('id', 'ch_1', 'amount', :sum, 'amount_refunded', :sum, 'payment_intent', 'pi_1')), pg_temp.state(:'charge');
ROLLBACK TO paid;
SELECT pg_temp.told('evt_2', '2026-02-10', 'charge.dispute.created', :whole || '{"id": "dp_1", "status": "needs_response"}'), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_3', '2026-02-11', 'charge.dispute.closed', :whole || '{"id": "dp_2", "status": "won"}'), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_4', '2026-02-12', 'charge.dispute.closed', :whole || '{"id": "dp_1", "status": "lost"}'), pg_temp.state(:'charge');
ROLLBACK TO paid;
-- What failed before it is told is not given back; what is decided since is.
SELECT pg_temp.told('evt_2', '2026-02-11', 'refund.updated', :whole || '{"status": "canceled"}'), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_3', '2026-02-10', 'refund.created', :whole), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_4', '2026-02-13', 'charge.dispute.closed', :whole || '{"id": "dp_1", "status": "won"}'), pg_temp.told('evt_5', '2026-02-12', 'charge.dispute.closed', :whole || '{"id": "dp_1", "status": "lost"}'), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_6', '2026-02-14', 'refund.created', :whole || '{"id": "re_2"}'), pg_temp.state(:'charge');
ROLLBACK TO paid;
-- Who gave it back by hand learns nothing new; a refund that was promised is settled.
SELECT status FROM coursebase.refund_transaction(:'charge', true, '2026-02-09');
SELECT pg_temp.told('evt_2', '2026-02-10', 'refund.created', :whole), pg_temp.state(:'charge');
ROLLBACK TO pending;
-- Everything before the reference: session, refund; and the refund before the session.
SELECT pg_temp.told('evt_1', '2026-02-02', 'checkout.session.completed', :session), pg_temp.told('evt_2', '2026-02-10', 'refund.created', :whole);
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'cs_1');
SELECT pg_temp.state(:'charge'), count(*) FROM coursebase.notifications_waiting;
ROLLBACK TO pending;
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'cs_1');
SELECT pg_temp.told('evt_2', '2026-02-10', 'refund.created', :whole), pg_temp.told('evt_1', '2026-02-02', 'checkout.session.completed', :session);
SELECT pg_temp.state(:'charge'), count(*) FROM coursebase.notifications_waiting;
ROLLBACK TO pending;
-- An intent alone: of another sum it is refused; one that may be tried again settles nothing; its charge is known then.
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'pi_1');
SELECT pg_temp.told('evt_1', '2026-02-02', 'payment_intent.succeeded', :intent || '{"amount_received": 1}'), pg_temp.told('evt_2', '2026-02-02', 'payment_intent.payment_failed', :intent), pg_temp.state(:'charge');
SAVEPOINT intent;
SELECT pg_temp.told('evt_3', '2026-02-03', 'payment_intent.succeeded', :intent), pg_temp.state(:'charge');
SELECT pg_temp.told('evt_4', '2026-02-10', 'refund.created', jsonb_build_object('id', 're_1', 'status', 'succeeded', 'amount', :sum, 'charge', 'ch_1')), pg_temp.state(:'charge');
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO intent;
SELECT pg_temp.told('evt_3', '2026-02-03', 'payment_intent.canceled', :intent), pg_temp.state(:'charge');
ROLLBACK TO pending;
-- The intent is quicker than the reference; one that nobody knows waits, and is noted when its sale comes.
SELECT pg_temp.told('evt_1', '2026-02-02', 'payment_intent.succeeded', :intent);
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'pi_1');
SELECT pg_temp.state(:'charge'), count(*) FROM coursebase.notifications_waiting;
ROLLBACK TO pending;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES ('00000000-0000-4000-8000-000000594163', 'Single', '', '/s.png', 10, 'private');
SELECT pg_temp.told('evt_1', '2026-02-02', 'payment_intent.succeeded', :intent), pg_temp.told('evt_2', '2026-02-02', 'payment_intent.canceled', '{"id": "pi_2"}');
SELECT pg_temp.told('evt_3', '2026-02-02', 'checkout.session.completed', :session || jsonb_build_object('id', 'cs_2', 'client_reference_id', u.clerk_user_id, 'metadata', '{"product_id": "00000000-0000-4000-8000-000000594163"}'::jsonb)) FROM coursebase.users u WHERE u.id = :max;
SELECT kind, outcome, detail FROM coursebase.store_notifications ORDER BY notification_id;
SELECT * FROM coursebase.unknown_types;
ROLLBACK;
