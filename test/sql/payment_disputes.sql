-- Promise: a lost dispute that comes while refunds have given a sale back, in full or in part, stands when one of these fails; one
-- that is won gives back all that it took, whenever it took it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000646161\''
\set product '\'00000000-0000-4000-8000-000000646163\''
\set sale 'SELECT refunded_in_cents, refunded_at::date, (SELECT count(*) FROM coursebase.user_course_access a WHERE a.user_id = s.user_id) AS courses, (SELECT string_agg(concat_ws('' '', split_part(refund_ref, '':'', 1), amount_in_cents, told_in_cents), '', '' ORDER BY refund_ref) FROM coursebase.purchase_refunds r WHERE r.purchase_id = s.id AND reversed_at IS NULL) AS stand FROM coursebase.purchases s WHERE stripe_session_id = \'cs_disputed\'; SELECT check_name, problem FROM coursebase.check_integrity();'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'disputing_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000646162', 'D46DIS', 'One', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES (:product, 'Single', '', '/s.png', 10, 'private');
INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('00000000-0000-4000-8000-000000646162', :product);
CREATE FUNCTION pg_temp.told(day int, type text, id text, status text, amount int) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail, result ->> 'refunded_in_cents') FROM coursebase.take_notification('stripe',
        pg_temp.stripe('evt_' || day, '2026-02-0' || day, type, jsonb_build_object('id', id, 'status', status, 'amount', amount, 'payment_intent', 'pi_d', 'charge', 'ch_d')), at => '2026-02-09') $$;
SELECT status FROM coursebase.complete_purchase(:ada, :product, 'cs_disputed', 1000, 'paid', '2026-02-01', payment_intent_id => 'pi_d', charge_id => 'ch_d');
SAVEPOINT paid;
-- Refunded in full.
SELECT pg_temp.told(2, 'refund.created', 're_1', 'pending', 1000), pg_temp.told(3, 'charge.dispute.closed', 'dp_1', 'lost', 1000);
:sale
SELECT pg_temp.told(4, 'refund.failed', 're_1', 'failed', 1000), pg_temp.told(5, 'charge.dispute.updated', 'dp_1', 'lost', 1000);
:sale
SELECT pg_temp.told(6, 'charge.dispute.funds_reinstated', 'dp_1', 'won', 1000);
:sale
-- In part; and twice, each of which fails.
ROLLBACK TO paid;
SELECT pg_temp.told(2, 'refund.created', 're_1', 'pending', 300), pg_temp.told(3, 'refund.created', 're_2', 'pending', 500), pg_temp.told(4, 'charge.dispute.closed', 'dp_1', 'lost', 1000);
:sale
SELECT pg_temp.told(5, 'refund.failed', 're_1', 'failed', 300), pg_temp.told(6, 'refund.failed', 're_2', 'failed', 500), pg_temp.told(7, 'refund.failed', 're_2', 'failed', 500);
:sale
SELECT pg_temp.told(8, 'charge.dispute.closed', 'dp_1', 'won', 1000);
:sale
-- Of less than comes back: the course does, too.
ROLLBACK TO paid;
SELECT pg_temp.told(2, 'refund.created', 're_1', 'pending', 1000), pg_temp.told(3, 'charge.dispute.closed', 'dp_1', 'lost', 400), pg_temp.told(4, 'refund.failed', 're_1', 'failed', 1000);
:sale
SELECT pg_temp.told(5, 'refund.created', 're_2', 'succeeded', 600);
:sale
-- The refund is known by the sum of its charge alone.
ROLLBACK TO paid;
SELECT outcome FROM coursebase.take_notification('stripe', pg_temp.stripe('evt_2', '2026-02-02', 'charge.refunded', '{"id": "ch_d", "amount": 1000, "amount_refunded": 1000, "payment_intent": "pi_d"}'));
SELECT pg_temp.told(3, 'charge.dispute.closed', 'du_1', 'lost', 1000), pg_temp.told(4, 'refund.failed', 're_1', 'failed', 1000);
:sale
SELECT pg_temp.told(5, 'charge.dispute.closed', 'du_1', 'won', 1000);
:sale
-- Won before the refund fails; told again after that, it takes nothing.
ROLLBACK TO paid;
SELECT pg_temp.told(2, 'refund.created', 're_1', 'pending', 1000), pg_temp.told(3, 'charge.dispute.closed', 'dp_1', 'lost', 1000), pg_temp.told(4, 'charge.dispute.closed', 'dp_1', 'won', 1000);
:sale
SELECT pg_temp.told(5, 'refund.failed', 're_1', 'failed', 1000), pg_temp.told(6, 'charge.dispute.updated', 'dp_1', 'lost', 1000);
:sale
ROLLBACK;
