-- Promise: an operator's plain SQL leaves organisations and their courses sound: what is deleted takes along what
-- the contract says and is refused where it says so, nothing moves to another organisation or another key, what is
-- derived is not written by hand.
\pset format unaligned
\pset fieldsep ' | '
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-00000000da0' || n)::uuid, 'operator_' || n, 'n', 'op' || n || '@example.org' FROM generate_series(1, 3) n;
INSERT INTO coursebase.organizations (id, name, slug, time_zone)
SELECT ('00000000-0000-4000-8000-00000000db0' || n)::uuid, 'o', 'operator-' || n, 'Europe/Paris' FROM generate_series(1, 3) n;
INSERT INTO coursebase.memberships (id, organization_id, user_id, role) VALUES
    ('00000000-0000-4000-8000-00000000d101', '00000000-0000-4000-8000-00000000db01', '00000000-0000-4000-8000-00000000da01', 'owner'),
    ('00000000-0000-4000-8000-00000000d102', '00000000-0000-4000-8000-00000000db01', '00000000-0000-4000-8000-00000000da02', 'member'),
    ('00000000-0000-4000-8000-00000000d104', '00000000-0000-4000-8000-00000000db02', '00000000-0000-4000-8000-00000000da03', 'owner'),
    ('00000000-0000-4000-8000-00000000d103', '00000000-0000-4000-8000-00000000db03', '00000000-0000-4000-8000-00000000da01', 'owner');
INSERT INTO coursebase.workouts (id, organization_id, name)
SELECT ('00000000-0000-4000-8000-00000000dc0' || n)::uuid, ('00000000-0000-4000-8000-00000000db0' || n)::uuid, 'w' FROM generate_series(1, 3) n;
INSERT INTO coursebase.workouts (id, organization_id, name)
VALUES ('00000000-0000-4000-8000-00000000dc04', '00000000-0000-4000-8000-00000000db01', 'spare');
-- d1: sold for money; d2: on sale, not sold; d3: of organisation 2.
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode)
SELECT ('00000000-0000-4000-8000-00000000dd0' || n)::uuid, ('00000000-0000-4000-8000-00000000db0' || greatest(n - 1, 1))::uuid, 'p', 'course'
FROM generate_series(1, 3) n;
INSERT INTO coursebase.course_configs (program_id, duration_days)
SELECT ('00000000-0000-4000-8000-00000000dd0' || n)::uuid, 300 FROM generate_series(1, 3) n;
SELECT coursebase.set_day(p.id, 0, ARRAY[w.id]), coursebase.set_price(p.id, 900), coursebase.publish_course(p.id)
FROM coursebase.programs p JOIN coursebase.workouts w USING (organization_id) WHERE p.id::text LIKE '%dd0_' AND w.name = 'w' \g /dev/null
UPDATE coursebase.course_configs SET preview_type = 'specific_workout', preview_workout_id = '00000000-0000-4000-8000-00000000dc01'
WHERE program_id = '00000000-0000-4000-8000-00000000dd02';
INSERT INTO coursebase.plans (id, organization_id, type, name, price_in_cents) VALUES
    ('00000000-0000-4000-8000-00000000df01', '00000000-0000-4000-8000-00000000db01', 'drop_in', 'Visit', 100),
    ('00000000-0000-4000-8000-00000000df03', '00000000-0000-4000-8000-00000000db03', 'drop_in', 'Visit', 100);
SELECT coursebase.begin_checkout('00000000-0000-4000-8000-00000000da02', '00000000-0000-4000-8000-00000000dd01') \g /dev/null
SELECT coursebase.attach_payment_reference(id, 'psp', 'op1'),
    coursebase.apply_payment_event(organization_id, 'psp', 'op1', 'completed') FROM coursebase.payment_transactions
WHERE user_id = '00000000-0000-4000-8000-00000000da02' \g /dev/null
SELECT coursebase.mark_workout_complete(e.id, w.id) FROM coursebase.course_entitlements e JOIN coursebase.course_workouts w USING (program_id)
WHERE e.user_id = '00000000-0000-4000-8000-00000000da02' \g /dev/null
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, currency, type)
VALUES ('00000000-0000-4000-8000-00000000db01', '00000000-0000-4000-8000-00000000da03', '00000000-0000-4000-8000-00000000df01', 100, 'USD', 'charge');
CREATE FUNCTION pg_temp.all_rows() RETURNS TABLE (what text, rows bigint) LANGUAGE sql AS $$
    SELECT 'memberships', count(*) FROM coursebase.memberships WHERE organization_id::text LIKE '%db0_' UNION ALL SELECT 'workouts', count(*) FROM coursebase.workouts WHERE organization_id::text LIKE '%db0_' UNION ALL
    SELECT 'programs', count(*) FROM coursebase.programs WHERE organization_id::text LIKE '%db0_' UNION ALL SELECT 'course_configs', count(*) FROM coursebase.course_configs WHERE organization_id::text LIKE '%db0_' UNION ALL
    SELECT 'course_workouts', count(*) FROM coursebase.course_workouts WHERE organization_id::text LIKE '%db0_' UNION ALL SELECT 'plans', count(*) FROM coursebase.plans WHERE organization_id::text LIKE '%db0_' UNION ALL
    SELECT 'payments', count(*) FROM coursebase.payment_transactions WHERE organization_id::text LIKE '%db0_' UNION ALL SELECT 'entitlements', count(*) FROM coursebase.course_entitlements WHERE organization_id::text LIKE '%db0_' UNION ALL
    SELECT 'completions', count(*) FROM coursebase.course_workout_completions WHERE program_id::text LIKE '%dd0_' UNION ALL SELECT 'completed', count(completed_at) FROM coursebase.course_entitlements WHERE organization_id::text LIKE '%db0_' UNION ALL
    SELECT 'bound', count(membership_id) FROM coursebase.course_entitlements WHERE organization_id::text LIKE '%db0_' UNION ALL SELECT 'paid_bound', count(membership_id) FROM coursebase.payment_transactions WHERE organization_id::text LIKE '%db0_' $$;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
-- What an act comes to: the SQLSTATE, or which tables have how many rows more or fewer; undone again.
CREATE FUNCTION pg_temp.act(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; words text;
BEGIN
    CREATE TEMP TABLE was ON COMMIT DROP AS SELECT * FROM pg_temp.all_rows();
    BEGIN
        EXECUTE statement;
        SET CONSTRAINTS ALL IMMEDIATE;
        SELECT string_agg(what || ' ' || to_char(n.rows - w.rows, 'FMSG9'), ', ' ORDER BY what) INTO words
        FROM was w JOIN pg_temp.all_rows() n USING (what) WHERE n.rows <> w.rows;
        words := coalesce(words, 'nothing') || coalesce((SELECT '; UNSOUND: ' || string_agg(check_name, ', ') FROM coursebase.check_integrity()), '');
        RAISE SQLSTATE 'ZZ000' USING MESSAGE = words;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, words = MESSAGE_TEXT;
    END;
    DROP TABLE was;
    -- 18 names a RESTRICT apart from other foreign keys.
    RETURN CASE state WHEN 'ZZ000' THEN words WHEN '23001' THEN '23503' ELSE state END;
END $$;
SELECT act, pg_temp.act(regexp_replace(act, '\m([bcdfa])(\d)\M', '''00000000-0000-4000-8000-00000000d\10\2''', 'g'))
FROM unnest(ARRAY[
    'DELETE FROM coursebase.organizations WHERE id = b1',
    'DELETE FROM coursebase.organizations WHERE id = b3',
    'DELETE FROM coursebase.memberships WHERE user_id = a1 AND organization_id = b1',
    'DELETE FROM coursebase.memberships WHERE user_id = a2',
    'DELETE FROM coursebase.users WHERE id = a1',
    'DELETE FROM coursebase.users WHERE id = a2',
    'DELETE FROM coursebase.programs WHERE id = d1',
    'DELETE FROM coursebase.programs WHERE id = d2',
    'DELETE FROM coursebase.workouts WHERE id = c1',
    'DELETE FROM coursebase.workouts WHERE id = c4',
    'DELETE FROM coursebase.plans WHERE program_id = d1',
    'DELETE FROM coursebase.plans WHERE program_id = d2',
    'DELETE FROM coursebase.course_configs WHERE program_id = d2',
    'DELETE FROM coursebase.course_workouts WHERE program_id = d1',
    'DELETE FROM coursebase.payment_transactions WHERE organization_id = b1',
    'DELETE FROM coursebase.payment_transactions WHERE organization_id = b1 AND status = ''pending''',
    'DELETE FROM coursebase.course_entitlements WHERE user_id = a2',
    'DELETE FROM coursebase.access_policies',
    'UPDATE coursebase.organizations SET id = gen_random_uuid() WHERE id = b1',
    'UPDATE coursebase.programs SET organization_id = b2 WHERE id = d2',
    'UPDATE coursebase.programs SET id = gen_random_uuid() WHERE id = d2',
    'UPDATE coursebase.programs SET delivery_mode = ''live'' WHERE id = d2',
    'UPDATE coursebase.workouts SET organization_id = b2 WHERE id = c4',
    'UPDATE coursebase.plans SET organization_id = b2 WHERE program_id = d2',
    'UPDATE coursebase.plans SET currency = ''EUR'' WHERE program_id = d2',
    'UPDATE coursebase.plans SET program_id = d2 WHERE type = ''drop_in'' AND organization_id = b1',
    'UPDATE coursebase.plans SET program_id = d3 WHERE type = ''drop_in'' AND organization_id = b1',
    'UPDATE coursebase.memberships SET organization_id = b2 WHERE user_id = a2',
    'UPDATE coursebase.payment_transactions SET organization_id = b2',
    'UPDATE coursebase.course_entitlements SET organization_id = b2 WHERE user_id = a2',
    'UPDATE coursebase.course_entitlements SET program_id = d2 WHERE user_id = a2',
    'UPDATE coursebase.course_entitlements SET membership_id = (SELECT id FROM coursebase.memberships WHERE organization_id = b3) WHERE user_id = a2',
    'UPDATE coursebase.course_entitlements SET source_payment_transaction_id = (SELECT id FROM coursebase.payment_transactions WHERE status = ''pending'' LIMIT 1)',
    'UPDATE coursebase.course_entitlements SET completed_at = NULL WHERE user_id = a2',
    'UPDATE coursebase.course_entitlements SET completed_at = now() + interval ''1 day'' WHERE user_id = a2',
    'INSERT INTO coursebase.course_entitlements (user_id, program_id, status, completed_at) VALUES (a3, d1, ''active'', now())',
    'INSERT INTO coursebase.course_entitlements (user_id, program_id, organization_id, status) VALUES (a3, d1, b2, ''active'')',
    'INSERT INTO coursebase.course_entitlements (user_id, program_id, status) VALUES (a3, d1, ''active'')',
    'UPDATE coursebase.course_configs SET status = ''draft'' WHERE program_id = d2',
    'UPDATE coursebase.course_configs SET status = ''cancelled'' WHERE program_id = d2',
    'UPDATE coursebase.course_configs SET preview_workout_id = (SELECT id FROM coursebase.workouts WHERE organization_id = b2) WHERE program_id = d2',
    'TRUNCATE coursebase.course_workouts CASCADE',
    'TRUNCATE coursebase.course_workout_completions',
    'TRUNCATE coursebase.memberships CASCADE',
    'TRUNCATE coursebase.organizations CASCADE'
]) WITH ORDINALITY t (act, n) ORDER BY n;

-- A course that was sold cannot become a draft by another door: buyers would lose it.
SELECT coursebase.archive_course('00000000-0000-4000-8000-00000000dd01') \g /dev/null
SELECT coursebase.set_day('00000000-0000-4000-8000-00000000dd01', 0, '{}');
\set VERBOSITY sqlstate
SAVEPOINT s;
DELETE FROM coursebase.course_configs WHERE program_id = '00000000-0000-4000-8000-00000000dd01';
ROLLBACK TO s;
ROLLBACK;
