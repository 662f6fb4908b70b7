-- Promise: a payment that a note or a charge that failed has named is new when it is made: it brings a refunded
-- subscription back, takes the place of the plan before, and its refund ends the period that it paid for.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-00000005a10' || n)::uuid, 'named_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 4) n;
CREATE FUNCTION pg_temp.told(body text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail, result ->> 'status', result ->> 'anomaly') FROM coursebase.take_notification('stripe', body, at => '2026-06-01') $$;
CREATE FUNCTION pg_temp.invoice(who integer, id text, at text, type text, reason text, from_ text, until text, paid integer DEFAULT 900) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.told(pg_temp.stripe(concat_ws('-', id, who, type, at), at, 'invoice.' || type, jsonb_build_object('id', id || who, 'billing_reason', reason, 'amount_paid', paid, 'payment_intent', concat('pi_', id, who),
        'parent', jsonb_build_object('subscription_details', jsonb_build_object('subscription', 'named_sub_' || who, 'metadata', jsonb_build_object('user_id', 'named_' || who))),
        'lines', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('amount', paid, 'period', jsonb_build_object('start', pg_temp.s(from_), 'end', pg_temp.s(until)))))))) $$;
CREATE FUNCTION pg_temp.refund(who integer, id text, at text, amount integer DEFAULT 900) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.told(pg_temp.stripe(concat_ws('-', 're', id, who), at, 'refund.created', jsonb_build_object('id', concat('re_', id, who), 'status', 'succeeded', 'amount', amount, 'payment_intent', concat('pi_', id, who)))) $$;
CREATE FUNCTION pg_temp.premium(who integer, VARIADIC instants timestamptz[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coursebase.has_premium(u.id, t)::text, ' ' ORDER BY n) FROM coursebase.users u, unnest(instants) WITH ORDINALITY i (t, n) WHERE u.clerk_user_id = 'named_' || who $$;
SELECT pg_temp.invoice(n, 'a', '2026-01-01', 'paid', 'subscription_create', '2026-01-01', '2026-02-01') FROM generate_series(1, 4) n;
-- Refunded; the next invoice is announced an hour before it is paid, or its charge fails at first.
SELECT pg_temp.refund(n, 'a', '2026-01-10') FROM generate_series(1, 2) n;
SELECT pg_temp.invoice(1, 'b', '2026-01-31 23:00', 'created', 'subscription_cycle', '2026-02-01', '2026-03-01'), pg_temp.invoice(1, 'b', '2026-02-01', 'paid', 'subscription_cycle', '2026-02-01', '2026-03-01');
SELECT pg_temp.invoice(2, 'b', '2026-02-01', 'payment_failed', 'subscription_cycle', '2026-02-01', '2026-03-01'), pg_temp.invoice(2, 'b', '2026-02-03', 'paid', 'subscription_cycle', '2026-02-01', '2026-03-01');
SELECT n, pg_temp.premium(n, '2026-01-09', '2026-01-11', '2026-02-04', '2026-02-28', '2026-03-01') FROM generate_series(1, 2) n ORDER BY n;
-- A payment that was refunded does not bring the line back, however often it is told.
SELECT pg_temp.refund(1, 'b', '2026-02-10'), pg_temp.invoice(1, 'b', '2026-02-11', 'paid', 'subscription_cycle', '2026-02-01', '2026-03-01'), pg_temp.premium(1, '2026-02-09', '2026-02-12');
-- To a year, whose invoice is announced first; its refund ends it.
SELECT pg_temp.invoice(3, 'b', '2026-01-09 23:59:58', 'created', 'subscription_update', '2026-01-10', '2027-01-10', 9000), pg_temp.invoice(3, 'b', '2026-01-10', 'paid', 'subscription_update', '2026-01-10', '2027-01-10', 9000);
SELECT pg_temp.premium(3, '2026-12-31'), pg_temp.refund(3, 'b', '2026-02-10', 9000), pg_temp.premium(3, '2026-02-09', '2026-02-11', '2026-12-31');
-- Of one charge that fails again and again the first begins the grace.
UPDATE coursebase.settings SET value = '5' WHERE name = 'grace_days_stripe';
SELECT pg_temp.invoice(4, 'b', at, 'payment_failed', 'subscription_cycle', '2026-02-01', '2026-03-01') FROM unnest(ARRAY['2026-02-01', '2026-02-04']) at;
SELECT pg_temp.premium(4, '2026-02-05', '2026-02-06');
SELECT pg_temp.invoice(4, 'b', '2026-02-20', 'paid', 'subscription_cycle', '2026-02-01', '2026-03-01'), pg_temp.premium(4, '2026-02-10', '2026-02-28', '2026-03-01');
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK;
