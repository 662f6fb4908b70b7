-- Promise: what a statement is refused with tells nobody whether another organisation has a program, how it is
-- configured, what its curriculum or its plan is, what its tier is, or how an entitlement of somebody else stands:
-- each statement about what is there reads like the same about what is not.
\pset format unaligned
\pset fieldsep ' | '
SET client_min_messages = warning;
BEGIN;
CREATE ROLE regress_anonymous;
CREATE ROLE regress_end_user;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', NULL);
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-00000000fa0' || n)::uuid, 'oracle_' || n, 'n', 'n' || n || '@example.org'
FROM generate_series(1, 3) n;
INSERT INTO coursebase.organizations (id, name, slug) VALUES
    ('00000000-0000-4000-8000-00000000fb01', 'Mine', 'oracle-mine'), ('00000000-0000-4000-8000-00000000fb02', 'Theirs', 'oracle-theirs'),
    ('00000000-0000-4000-8000-00000000fb03', 'Small', 'oracle-small');
INSERT INTO coursebase.memberships (organization_id, user_id, role)
SELECT ('00000000-0000-4000-8000-00000000fb0' || n)::uuid, ('00000000-0000-4000-8000-00000000fa0' || least(n, 2))::uuid, 'owner'
FROM generate_series(1, 3) n;
UPDATE coursebase.organizations SET platform_tier = 'lite' WHERE slug = 'oracle-small';
INSERT INTO coursebase.workouts (id, organization_id, name)
SELECT ('00000000-0000-4000-8000-00000000fc0' || n)::uuid, ('00000000-0000-4000-8000-00000000fb0' || n)::uuid, 'w' FROM generate_series(1, 2) n;
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode)
SELECT ('00000000-0000-4000-8000-00000000fd0' || n)::uuid, ('00000000-0000-4000-8000-00000000fb0' || least(n, 2))::uuid, 'p',
    CASE n WHEN 3 THEN 'live' ELSE 'course' END::coursebase.program_delivery_mode FROM generate_series(1, 4) n;
INSERT INTO coursebase.course_configs (program_id, duration_days)
SELECT ('00000000-0000-4000-8000-00000000fd0' || n)::uuid, 7 FROM unnest('{1,2,4}'::integer[]) n;
SELECT coursebase.set_day(('00000000-0000-4000-8000-00000000fd0' || n)::uuid, 0, NULL, true),
    coursebase.set_day(('00000000-0000-4000-8000-00000000fd0' || n)::uuid, 1, ARRAY[('00000000-0000-4000-8000-00000000fc0' || n)::uuid]),
    coursebase.set_price(('00000000-0000-4000-8000-00000000fd0' || n)::uuid, 0)
FROM generate_series(1, 2) n \g /dev/null
SELECT coursebase.publish_course('00000000-0000-4000-8000-00000000fd01') \g /dev/null
INSERT INTO coursebase.course_entitlements (id, user_id, program_id, status, access_revoked_at) VALUES
    ('00000000-0000-4000-8000-00000000fe01', '00000000-0000-4000-8000-00000000fa01', '00000000-0000-4000-8000-00000000fd01', 'active', NULL),
    ('00000000-0000-4000-8000-00000000fe02', '00000000-0000-4000-8000-00000000fa02', '00000000-0000-4000-8000-00000000fd01', 'revoked', now());
-- A plan of mine for no program.
INSERT INTO coursebase.plans (id, organization_id, type, name, price_in_cents)
VALUES ('00000000-0000-4000-8000-00000000ff01', '00000000-0000-4000-8000-00000000fb01', 'drop_in', 'Visit', 100);

-- What is asked, of what is there and of what is not. $1: the id that is tried.
CREATE TEMP TABLE questions (n serial, question text, there uuid, statement text);
INSERT INTO questions (question, there, statement) VALUES
    ('is there such a course? (mine, theirs)', '00000000-0000-4000-8000-00000000fd02',
     $$INSERT INTO coursebase.course_configs (program_id, organization_id, duration_days) VALUES (%L, '00000000-0000-4000-8000-00000000fb01', 1)$$),
    ('is there such a course? (upsert)', '00000000-0000-4000-8000-00000000fd02',
     $$INSERT INTO coursebase.course_configs (program_id, organization_id, duration_days) VALUES (%L, '00000000-0000-4000-8000-00000000fb01', 1)
       ON CONFLICT (program_id) DO UPDATE SET duration_days = 1$$),
    ('is it live?', '00000000-0000-4000-8000-00000000fd03',
     $$INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES (%L, 1)$$),
    ('does it have a place there?', '00000000-0000-4000-8000-00000000fd02',
     $$INSERT INTO coursebase.course_workouts (program_id, organization_id, day_offset, sort_order, workout_id)
       VALUES (%L, '00000000-0000-4000-8000-00000000fb01', 1, 0, '00000000-0000-4000-8000-00000000fc01')$$),
    ('does it have a plan?', '00000000-0000-4000-8000-00000000fd02',
     $$INSERT INTO coursebase.plans (organization_id, program_id, type, name, price_in_cents) VALUES ('00000000-0000-4000-8000-00000000fb01', %L, 'course', 'x', 1)$$),
    ('does it have a plan? (moved)', '00000000-0000-4000-8000-00000000fd02',
     $$UPDATE coursebase.plans SET type = 'course', program_id = %L WHERE id = '00000000-0000-4000-8000-00000000ff01'$$),
    ('is it on tier lite?', '00000000-0000-4000-8000-00000000fb03',
     $$INSERT INTO coursebase.course_configs (program_id, organization_id, duration_days, status) VALUES (gen_random_uuid(), %L, 1, 'published')$$),
    ('is there a workout?', '00000000-0000-4000-8000-00000000fc02',
     $$INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES ('00000000-0000-4000-8000-00000000fd01', 2, 0, %L)$$),
    ('is there a workout? (set_day)', '00000000-0000-4000-8000-00000000fc02',
     $$SELECT coursebase.set_day('00000000-0000-4000-8000-00000000fd01', 2, ARRAY[%L::uuid])$$),
    ('how does that entitlement stand?', '00000000-0000-4000-8000-00000000fe02',
     $$INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, program_id)
       VALUES (%L, '00000000-0000-4000-8000-00000000fc02', '00000000-0000-4000-8000-00000000fd01')$$),
    ('is that entitlement there?', '00000000-0000-4000-8000-00000000fe02',
     $$SELECT coursebase.mark_workout_complete(%L, '00000000-0000-4000-8000-00000000fc02')$$),
    ('is that place rest?', (SELECT id FROM coursebase.course_workouts WHERE program_id = '00000000-0000-4000-8000-00000000fd02' AND is_rest),
     $$INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id) VALUES ('00000000-0000-4000-8000-00000000fe01', %L)$$),
    ('does the program have buyers?', '00000000-0000-4000-8000-00000000fd02', $$SELECT * FROM coursebase.course_enrolments(%L)$$),
    ('is the program there?', '00000000-0000-4000-8000-00000000fd02', $$SELECT coursebase.set_price(%L, 1)$$);
GRANT SELECT ON questions TO regress_end_user;
-- What a statement ends with: its SQLSTATE and words, without the id that was tried.
CREATE FUNCTION pg_temp.answer(statement text, id uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; words text; detail text; hint text; rows bigint;
BEGIN
    BEGIN
        EXECUTE format(statement, id);
        GET DIAGNOSTICS rows = ROW_COUNT;
        RAISE SQLSTATE 'ZZ000' USING MESSAGE = rows || ' rows';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, words = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    END;
    RETURN replace(concat_ws(' / ', state, words, nullif(detail, ''), nullif(hint, '')), id::text, 'ID');
END $$;
CREATE FUNCTION pg_temp.ask(who text) RETURNS TABLE (n integer, question text, answers_alike boolean, answer text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', json_build_object('sub', who)::text, true);
    FOR n, question, answers_alike, answer IN
        SELECT q.n, q.question, a = pg_temp.answer(q.statement, '00000000-0000-4000-8000-00000000ffff'), left(a, 5)
        FROM questions q, pg_temp.answer(q.statement, q.there) a ORDER BY q.n
    LOOP
        RETURN NEXT;
    END LOOP;
END $$;
SET ROLE regress_end_user;
-- The owner of another organisation, and one who is of none.
SELECT * FROM pg_temp.ask('oracle_1');
SELECT * FROM pg_temp.ask('oracle_3');
RESET ROLE;
ROLLBACK;
