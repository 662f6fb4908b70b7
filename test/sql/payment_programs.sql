-- Promise: with a provider in require_signature the server role records no payment of a program by itself; what the
-- provider's session proves is recorded by take_notification(), at the sum that was asked for, also where the reference
-- comes later.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
GRANT EXECUTE ON FUNCTION pg_temp.refused(text) TO PUBLIC;
SELECT transaction_id AS charge FROM coursebase.begin_checkout(:max, :strong, '2026-02-01') \gset
SELECT amount_in_cents AS sum, currency FROM coursebase.payment_transactions WHERE id = :'charge' \gset
CREATE FUNCTION pg_temp.session(id text, type text, session text, sum bigint, currency text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.stripe(id, '2026-02-02', 'checkout.session.' || type, jsonb_build_object('id', session, 'mode', 'payment', 'payment_status', 'paid', 'amount_total', sum, 'currency', lower(currency), 'payment_intent', 'pi_' || session) || more) $$;
CREATE FUNCTION pg_temp.told(body text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail, result ->> 'status', result ->> 'reason') FROM coursebase.take_notification('stripe', body, at => '2026-02-02') $$;
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', t.status, t.provider_reference, e.status), ', ' ORDER BY t.created_at, t.id)
    FROM coursebase.payment_transactions t LEFT JOIN coursebase.course_entitlements e ON e.source_payment_transaction_id = t.id WHERE t.provider IS NOT NULL $$;
-- Without the setting: the webhook is quicker than the reference, and is taken up when that comes.
SAVEPOINT before;
SELECT pg_temp.told(pg_temp.session('evt_1', 'completed', 'cs_1', :sum, :'currency'));
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'cs_1');
SELECT outcome, result ->> 'status' FROM coursebase.store_notifications WHERE notification_id = 'evt_1';
SELECT pg_temp.state();
SELECT pg_temp.told(pg_temp.session('evt_2', 'async_payment_succeeded', 'cs_1', :sum, :'currency'));
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK TO before;
-- With it: no function, no plain SQL, no reference of another payment.
UPDATE coursebase.settings SET value = 'stripe' WHERE name = 'require_signature';
SET ROLE regress_server;
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'cs_1');
SELECT pg_temp.refused(format('SELECT coursebase.apply_payment_event(%L, %L, %L, %L)', :iron, 'stripe', 'cs_1', 'completed'));
SELECT pg_temp.refused(format('UPDATE coursebase.payment_transactions SET status = %L WHERE id = %L', 'completed', :'charge'));
SELECT pg_temp.refused(format('INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, currency, type, status, provider) SELECT organization_id, user_id, plan_id, amount_in_cents, currency, type, %L, %L FROM coursebase.payment_transactions WHERE id = %L', 'completed', 'stripe', :'charge'));
SELECT pg_temp.refused(format('UPDATE coursebase.payment_transactions SET status = %L, provider = %L, provider_reference = %L WHERE id = %L', 'completed', 'cash', 'c', :'charge'));
RESET ROLE;
SELECT pg_temp.state();
-- What was proven is replayed by the owner's rights: here the owner stands for the signature.
UPDATE coursebase.settings SET value = '' WHERE name = 'require_signature';
SELECT pg_temp.told(pg_temp.session('evt_3', 'completed', 'cs_1', :sum - 1, :'currency'));
SELECT pg_temp.told(pg_temp.session('evt_4', 'completed', 'cs_1', :sum, 'ZZZ'));
SELECT pg_temp.state();
SAVEPOINT pending;
SELECT pg_temp.told(pg_temp.session('evt_5', 'async_payment_failed', 'cs_1', :sum, :'currency')), pg_temp.state();
ROLLBACK TO pending;
SELECT pg_temp.told(pg_temp.session('evt_6', 'completed', 'cs_1', :sum, :'currency', '{"payment_status": "unpaid"}')), pg_temp.state();
SELECT pg_temp.told(pg_temp.session('evt_7', 'async_payment_succeeded', 'cs_1', :sum, :'currency')), pg_temp.state();
-- What takes away stays open.
UPDATE coursebase.settings SET value = 'stripe' WHERE name = 'require_signature';
SET ROLE regress_server;
SELECT status FROM coursebase.refund_transaction(:'charge', false, '2026-02-03');
RESET ROLE;
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK;
