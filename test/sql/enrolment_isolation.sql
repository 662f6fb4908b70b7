-- Promise: nothing joins two organisations, and nobody reads or writes what is another's: payments, entitlements
-- and what buyers did, whatever role they have at home. n is a number of rows, a word the SQLSTATE.
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000000e5a0' || n)::uuid, 'enrolment_isolation_' || who, who, who || '@example.org'
FROM unnest(ARRAY['olga', 'zoe', 'max', 'eve']) WITH ORDINALITY u (who, n);
INSERT INTO coursebase.organizations (id, name, slug, currency, time_zone) VALUES
    ('00000000-0000-4000-8000-0000000e5b01', 'Iron', 'enrolment-isolation-iron', 'EUR', 'Europe/Berlin'),
    ('00000000-0000-4000-8000-0000000e5b02', 'Zen', 'enrolment-isolation-zen', 'USD', 'America/New_York');
INSERT INTO coursebase.memberships (id, organization_id, user_id, role) VALUES
    ('00000000-0000-4000-8000-0000000e5101', '00000000-0000-4000-8000-0000000e5b01', '00000000-0000-4000-8000-0000000e5a01', 'owner'),
    ('00000000-0000-4000-8000-0000000e5102', '00000000-0000-4000-8000-0000000e5b02', '00000000-0000-4000-8000-0000000e5a02', 'owner'),
    ('00000000-0000-4000-8000-0000000e5103', '00000000-0000-4000-8000-0000000e5b01', '00000000-0000-4000-8000-0000000e5a03', 'member');
INSERT INTO coursebase.workouts (id, organization_id, name)
SELECT ('00000000-0000-4000-8000-0000000e5c0' || n)::uuid, ('00000000-0000-4000-8000-0000000e5b0' || 1 + n / 4)::uuid, 'W' || n
FROM generate_series(1, 4) n;
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    ('00000000-0000-4000-8000-0000000e5d01', '00000000-0000-4000-8000-0000000e5b01', 'Strong', 'course'),
    ('00000000-0000-4000-8000-0000000e5d02', '00000000-0000-4000-8000-0000000e5b02', 'Calm', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES
    ('00000000-0000-4000-8000-0000000e5d01', 3), ('00000000-0000-4000-8000-0000000e5d02', 60);
INSERT INTO coursebase.course_workouts (id, program_id, day_offset, sort_order, workout_id, is_rest) VALUES
    ('00000000-0000-4000-8000-0000000e5e01', '00000000-0000-4000-8000-0000000e5d01', 0, 0, '00000000-0000-4000-8000-0000000e5c01', false),
    ('00000000-0000-4000-8000-0000000e5e02', '00000000-0000-4000-8000-0000000e5d01', 1, 0, NULL, true),
    ('00000000-0000-4000-8000-0000000e5e03', '00000000-0000-4000-8000-0000000e5d01', 2, 0, '00000000-0000-4000-8000-0000000e5c02', false),
    ('00000000-0000-4000-8000-0000000e5e04', '00000000-0000-4000-8000-0000000e5d02', 0, 0, '00000000-0000-4000-8000-0000000e5c04', false);
INSERT INTO coursebase.plans (id, organization_id, program_id, type, name, price_in_cents) VALUES
    ('00000000-0000-4000-8000-0000000e5f01', '00000000-0000-4000-8000-0000000e5b01', '00000000-0000-4000-8000-0000000e5d01', 'course', 'Strong', 4900),
    ('00000000-0000-4000-8000-0000000e5f02', '00000000-0000-4000-8000-0000000e5b02', '00000000-0000-4000-8000-0000000e5d02', 'course', 'Calm', 0);
SELECT coursebase.publish_course(id, '2026-01-01') IS NOT NULL AS published FROM coursebase.programs
WHERE id IN ('00000000-0000-4000-8000-0000000e5d01', '00000000-0000-4000-8000-0000000e5d02');
\set iron '''00000000-0000-4000-8000-0000000e5b01'''
\set zen '''00000000-0000-4000-8000-0000000e5b02'''
\set strong '''00000000-0000-4000-8000-0000000e5d01'''
\set calm '''00000000-0000-4000-8000-0000000e5d02'''
\set max '''00000000-0000-4000-8000-0000000e5a03'''
\set eve '''00000000-0000-4000-8000-0000000e5a04'''
CREATE ROLE regress_anonymous;
CREATE ROLE regress_end_user;
CREATE ROLE regress_server BYPASSRLS;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role)
SELECT ('00000000-0000-4000-8000-0000000e5a1' || n)::uuid, 'enrolment_isolation_' || who, who, who || '@example.org',
    CASE who WHEN 'root' THEN 'admin' ELSE 'user' END::coursebase.user_role
FROM unnest(ARRAY['admin', 'coach', 'member', 'buyer', 'root']) WITH ORDINALITY u (who, n);
INSERT INTO coursebase.memberships (organization_id, user_id, role)
SELECT :iron, id, name::coursebase.membership_role FROM coursebase.users
WHERE clerk_user_id IN ('enrolment_isolation_admin', 'enrolment_isolation_coach', 'enrolment_isolation_member');
-- Eve bought Zen's course for money and did something; the buyer has Iron's free one.
SELECT coursebase.set_price(:strong, 0) IS NOT NULL, coursebase.set_price(:calm, 500) IS NOT NULL;
SELECT transaction_id AS t2, entitlement_id AS n2 FROM coursebase.begin_checkout(:eve, :calm, '2026-02-01') \gset
SELECT coursebase.attach_payment_reference(:'t2', 'stripe', 'zen-1');
SELECT status FROM coursebase.apply_payment_event(:zen, 'stripe', 'zen-1', 'completed', '2026-02-01');
SELECT completed_at FROM coursebase.mark_workout_complete(:'n2', '00000000-0000-4000-8000-0000000e5e04', NULL, '2026-02-01');
SELECT coursebase.start_course(:'n2', '2026-02-01 12:00+00');
INSERT INTO coursebase.payment_transactions (id, organization_id, user_id, plan_id, amount_in_cents, currency, type, status) VALUES
    ('00000000-0000-4000-8000-0000000e5201', :zen, :eve, '00000000-0000-4000-8000-0000000e5f02', 1, 'USD', 'charge', 'completed');
SELECT entitlement_id AS n1 FROM coursebase.begin_checkout('00000000-0000-4000-8000-0000000e5a14', :strong, '2026-02-01') \gset
-- As people: n2 and t2 are Eve's at Zen, n1 the buyer's at Iron, e1 and e4 places of Iron's and Zen's courses.
CREATE TEMP TABLE attacks (n serial, name text, statement text);
INSERT INTO attacks (name, statement) VALUES
    ('read its payments', 'SELECT FROM coursebase.payment_transactions WHERE id = t2'),
    ('read what it is to pay back', 'SELECT FROM coursebase.transactions_to_refund WHERE user_id = eve'),
    ('read its entitlements', 'SELECT FROM coursebase.course_entitlements WHERE id = n2'),
    ('read what was done', 'SELECT FROM coursebase.course_workout_completions WHERE entitlement_id = n2'),
    ('list its buyers', 'SELECT FROM coursebase.course_enrolments(d2)'),
    ('read her library', 'SELECT FROM coursebase.course_library(eve)'),
    ('ask for her', 'SELECT coursebase.has_program_access(d2, eve)'),
    ('ask her day', 'SELECT FROM coursebase.current_day(n2, ''2026-03-01'') c WHERE c IS NOT NULL'),
    ('start for her', 'SELECT coursebase.start_course(n2)'),
    ('restart for her', 'SELECT coursebase.restart_course(n2)'),
    ('mark for her', 'SELECT coursebase.mark_workout_complete(n2, e4)'),
    ('unmark for her', 'SELECT coursebase.unmark_workout_complete(n2, e4)'),
    ('mark by hand', 'INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id) VALUES (n2, e4)'),
    ('mark hers on mine', 'INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id) VALUES (n1, e4)'),
    ('delete her marks', 'DELETE FROM coursebase.course_workout_completions WHERE entitlement_id = n2'),
    ('write her notes', 'UPDATE coursebase.course_workout_completions SET notes = ''x'' WHERE entitlement_id = n2'),
    ('give me the course', 'INSERT INTO coursebase.course_entitlements (user_id, program_id, status) VALUES (me, d2, ''active'')'),
    ('make mine active', 'UPDATE coursebase.course_entitlements SET status = ''active'' WHERE user_id = me'),
    ('pay myself', 'INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, currency, type) VALUES (b2, me, f2, 0, ''USD'', ''charge'')'),
    ('report a payment', 'SELECT coursebase.apply_payment_event(b2, ''stripe'', ''zen-1'', ''completed'')'),
    ('refund it', 'SELECT coursebase.refund_transaction(t2)'),
    ('begin a checkout', 'SELECT coursebase.begin_checkout(me, d2)');
CREATE FUNCTION pg_temp.attack(statement text, who text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint; result text;
BEGIN
    PERFORM set_config('request.jwt.claims', format('{"sub": "enrolment_isolation_%s"}', who), true);
    SET LOCAL ROLE regress_end_user;
    BEGIN
        EXECUTE statement; GET DIAGNOSTICS n = ROW_COUNT; result := n;
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN NULL; WHEN OTHERS THEN result := SQLSTATE;
    END;
    RESET ROLE;
    RETURN result;
END $$;
\pset tuples_only off
SELECT name, pg_temp.attack(s, 'olga') AS owner, pg_temp.attack(s, 'admin') AS admin, pg_temp.attack(s, 'coach') AS coach,
    pg_temp.attack(s, 'member') AS member, pg_temp.attack(s, 'buyer') AS buyer, pg_temp.attack(s, 'zoe') AS zen,
    pg_temp.attack(s, 'eve') AS eve, pg_temp.attack(s, 'root') AS root
FROM attacks, LATERAL (SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    regexp_replace(regexp_replace(regexp_replace(statement, '\mt2\M', quote_literal(:'t2'), 'g'), '\mn2\M', quote_literal(:'n2'), 'g'),
    '\mn1\M', quote_literal(:'n1'), 'g'), '\md2\M', quote_literal(:calm), 'g'), '\mb2\M', quote_literal(:zen), 'g'),
    '\mf2\M', quote_literal('00000000-0000-4000-8000-0000000e5f02'), 'g'), '\me4\M', quote_literal('00000000-0000-4000-8000-0000000e5e04'), 'g'),
    '\meve\M', quote_literal(:eve), 'g'), '\mme\M', 'coursebase.current_user_id()', 'g') AS s) x ORDER BY n;
ROLLBACK;
