-- Promise: nothing joins two organisations, and nobody reads or writes what is another's: payments, entitlements
-- and what buyers did, whatever role they have at home. n is a number of rows, a word the SQLSTATE.
\getenv abs_srcdir PG_ABS_SRCDIR
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role)
SELECT ('00000000-0000-4000-8000-0000000e1a1' || n)::uuid, 'programs_' || who, who, who || '@example.org',
    CASE who WHEN 'root' THEN 'admin' ELSE 'user' END::coursebase.user_role
FROM unnest(ARRAY['admin', 'coach', 'member', 'buyer', 'root']) WITH ORDINALITY u (who, n);
INSERT INTO coursebase.memberships (organization_id, user_id, role)
SELECT :iron, id, name::coursebase.membership_role FROM coursebase.users
WHERE clerk_user_id IN ('programs_admin', 'programs_coach', 'programs_member');
-- Eve bought Zen's course for money and did something; the buyer has Iron's free one.
SELECT coursebase.set_price(:strong, 0) IS NOT NULL, coursebase.set_price(:calm, 500) IS NOT NULL;
SELECT transaction_id AS t2, entitlement_id AS n2 FROM coursebase.begin_checkout(:eve, :calm, '2026-02-01') \gset
SELECT coursebase.attach_payment_reference(:'t2', 'stripe', 'zen-1');
SELECT status FROM coursebase.apply_payment_event(:zen, 'stripe', 'zen-1', 'completed', '2026-02-01');
SELECT completed_at FROM coursebase.mark_workout_complete(:'n2', '00000000-0000-4000-8000-0000000e1e04', NULL, '2026-02-01');
SELECT coursebase.start_course(:'n2', '2026-02-01 12:00+00');
INSERT INTO coursebase.payment_transactions (id, organization_id, user_id, plan_id, amount_in_cents, currency, type, status) VALUES
    ('00000000-0000-4000-8000-0000000e1201', :zen, :eve, '00000000-0000-4000-8000-0000000e1f02', 1, 'USD', 'charge', 'completed');
SELECT entitlement_id AS n1 FROM coursebase.begin_checkout('00000000-0000-4000-8000-0000000e1a14', :strong, '2026-02-01') \gset
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
    PERFORM set_config('request.jwt.claims', format('{"sub": "programs_%s"}', who), true);
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
    '\mf2\M', quote_literal('00000000-0000-4000-8000-0000000e1f02'), 'g'), '\me4\M', quote_literal('00000000-0000-4000-8000-0000000e1e04'), 'g'),
    '\meve\M', quote_literal(:eve), 'g'), '\mme\M', 'coursebase.current_user_id()', 'g') AS s) x ORDER BY n;
ROLLBACK;
