-- Promise: nobody of one organisation reads, writes, takes over or mixes in what is another's, whatever their
-- role at home, and staff do at home what their role allows. Iron's people and strangers try; the last column
-- is Zen's owner, to whom most of it is home. n is the number of rows, a word the SQLSTATE.
\pset format unaligned
\pset fieldsep ' | '
SET client_min_messages = warning;
BEGIN;
CREATE ROLE regress_anonymous;
CREATE ROLE regress_end_user;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', NULL);
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role)
SELECT ('00000000-0000-4000-8000-0000000a0a0' || n)::uuid, 'iso_' || who, who, who || '@example.org',
    CASE who WHEN 'root' THEN 'admin' ELSE 'user' END::coursebase.user_role
FROM unnest(ARRAY['owner', 'admin', 'coach', 'member', 'stranger', 'root', 'zen']) WITH ORDINALITY u (who, n);
INSERT INTO coursebase.organizations (id, name, slug) VALUES
    ('00000000-0000-4000-8000-0000000a0b01', 'Iron', 'iso-iron'), ('00000000-0000-4000-8000-0000000a0b02', 'Zen', 'iso-zen');
INSERT INTO coursebase.memberships (organization_id, user_id, role)
SELECT '00000000-0000-4000-8000-0000000a0b01', id, name::coursebase.membership_role FROM coursebase.users
WHERE clerk_user_id IN ('iso_owner', 'iso_admin', 'iso_coach', 'iso_member');
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES
    ('00000000-0000-4000-8000-0000000a0b02', '00000000-0000-4000-8000-0000000a0a07', 'owner');
INSERT INTO coursebase.workouts (id, organization_id, name) VALUES
    ('00000000-0000-4000-8000-0000000a0c01', '00000000-0000-4000-8000-0000000a0b01', 'Squat'),
    ('00000000-0000-4000-8000-0000000a0c02', '00000000-0000-4000-8000-0000000a0b02', 'Breathe');
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode) VALUES
    ('00000000-0000-4000-8000-0000000a0d01', '00000000-0000-4000-8000-0000000a0b01', 'Strong', 'course'),
    ('00000000-0000-4000-8000-0000000a0d02', '00000000-0000-4000-8000-0000000a0b02', 'Calm', 'course');
INSERT INTO coursebase.course_configs (program_id, duration_days)
SELECT ('00000000-0000-4000-8000-0000000a0d0' || n)::uuid, 7 FROM generate_series(1, 2) n;
INSERT INTO coursebase.course_workouts (id, program_id, day_offset, sort_order, workout_id)
SELECT ('00000000-0000-4000-8000-0000000a0e0' || n)::uuid, ('00000000-0000-4000-8000-0000000a0d0' || n)::uuid, 0, 0,
    ('00000000-0000-4000-8000-0000000a0c0' || n)::uuid FROM generate_series(1, 2) n;
INSERT INTO coursebase.plans (id, organization_id, program_id, type, name, price_in_cents)
SELECT ('00000000-0000-4000-8000-0000000a0f0' || n)::uuid, ('00000000-0000-4000-8000-0000000a0b0' || n)::uuid,
    ('00000000-0000-4000-8000-0000000a0d0' || n)::uuid, 'course', 'Course', 100 FROM generate_series(1, 2) n;

-- b1 b2, c1 c2, d1 d2, e1 e2, f1 f2: Iron's and Zen's organisation, workout, program, place and plan; me: who tries.
CREATE TEMP TABLE attacks (n serial, name text, statement text);
INSERT INTO attacks (name, statement) VALUES
    ('read the organisation', $$SELECT FROM coursebase.organizations WHERE id = b2$$),
    ('read its people', $$SELECT FROM coursebase.memberships WHERE organization_id = b2$$),
    ('read its workouts', $$SELECT FROM coursebase.workouts WHERE organization_id = b2$$),
    ('read its draft', $$SELECT FROM coursebase.programs WHERE id = d2$$),
    ('read how it is configured', $$SELECT FROM coursebase.course_configs WHERE program_id = d2$$),
    ('read its curriculum', $$SELECT FROM coursebase.course_workouts WHERE program_id = d2$$),
    ('read its price', $$SELECT FROM coursebase.plans WHERE program_id = d2$$),
    ('see it on the storefront', $$SELECT FROM coursebase.storefront_course(d2) c WHERE c IS NOT NULL$$),
    ('rename the organisation', $$UPDATE coursebase.organizations SET name = 'Mine' WHERE id = b2$$),
    ('join it', $$INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES (b2, me, 'coach')$$),
    ('move my membership there', $$UPDATE coursebase.memberships SET organization_id = b2 WHERE user_id = me$$),
    ('move my workout there', $$UPDATE coursebase.workouts SET organization_id = b2 WHERE id = c1$$),
    ('take its workout', $$UPDATE coursebase.workouts SET organization_id = b1 WHERE id = c2$$),
    ('add a workout', $$INSERT INTO coursebase.workouts (organization_id, name) VALUES (b2, 'Mine')$$),
    ('delete its workout', $$UPDATE coursebase.workouts SET deleted_at = now() WHERE id = c2$$),
    ('add a program', $$INSERT INTO coursebase.programs (organization_id, name, delivery_mode) VALUES (b2, 'Mine', 'live')$$),
    ('take its program', $$UPDATE coursebase.programs SET organization_id = b1 WHERE id = d2$$),
    ('rename its program', $$UPDATE coursebase.programs SET name = 'Mine' WHERE id = d2$$),
    ('delete its program', $$DELETE FROM coursebase.programs WHERE id = d2$$),
    ('publish it by hand', $$UPDATE coursebase.course_configs SET status = 'published' WHERE program_id = d2$$),
    ('add my workout to its course', $$INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (d2, 1, 0, c1)$$),
    ('the same, as if it were mine', $$INSERT INTO coursebase.course_workouts (program_id, organization_id, day_offset, sort_order, workout_id) VALUES (d2, b1, 1, 0, c1)$$),
    ('add its workout to my course', $$INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (d1, 1, 0, c2)$$),
    ('put its workout in my place', $$UPDATE coursebase.course_workouts SET workout_id = c2 WHERE id = e1$$),
    ('move my place to its course', $$UPDATE coursebase.course_workouts SET program_id = d2 WHERE id = e1$$),
    ('empty its day', $$DELETE FROM coursebase.course_workouts WHERE program_id = d2$$),
    ('preview its workout', $$UPDATE coursebase.course_configs SET preview_type = 'specific_workout', preview_workout_id = c2 WHERE program_id = d1$$),
    ('sell its program', $$INSERT INTO coursebase.plans (organization_id, program_id, type, name, price_in_cents) VALUES (b1, d2, 'drop_in', 'Mine', 1)$$),
    ('move my plan there', $$UPDATE coursebase.plans SET organization_id = b2 WHERE id = f1$$),
    ('lower its price', $$UPDATE coursebase.plans SET price_in_cents = 0 WHERE id = f2$$),
    ('create_course', $$SELECT coursebase.create_course(b2, 'Mine', 3)$$),
    ('set_day', $$SELECT coursebase.set_day(d2, 1, ARRAY[c2])$$),
    ('set_day with its workout', $$SELECT coursebase.set_day(d1, 1, ARRAY[c2])$$),
    ('set_price', $$SELECT coursebase.set_price(d2, 1)$$),
    ('publish_course', $$SELECT coursebase.publish_course(d2)$$),
    ('archive_course', $$SELECT coursebase.archive_course(d2)$$),
    ('a program that is not there', $$SELECT coursebase.set_price(me, 1)$$),
    ('at home: change the program', $$UPDATE coursebase.programs SET name = 'Stronger' WHERE id = d1$$),
    ('at home: add one and read it back', $$INSERT INTO coursebase.programs (organization_id, name, delivery_mode) VALUES (b1, 'New', 'live') RETURNING id$$),
    ('at home: the same of a place', $$INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (d1, 1, 0, c1) RETURNING id$$),
    ('at home: set_day', $$SELECT coursebase.set_day(d1, 1, ARRAY[c1])$$),
    ('at home: take somebody in', $$INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES (b1, '00000000-0000-4000-8000-0000000a0a07', 'coach')$$),
    ('at home: make an owner', $$UPDATE coursebase.memberships SET role = 'owner' WHERE organization_id = b1 AND role = 'member'$$),
    ('at home: unmake the owner', $$UPDATE coursebase.memberships SET role = 'coach' WHERE organization_id = b1 AND role = 'owner'$$),
    ('at home: dismiss the coach', $$DELETE FROM coursebase.memberships WHERE organization_id = b1 AND role = 'coach'$$),
    ('at home: leave', $$DELETE FROM coursebase.memberships WHERE organization_id = b1 AND user_id = me$$),
    ('at home: a better tier', $$UPDATE coursebase.organizations SET platform_tier = 'elite' WHERE id = b1$$);
CREATE TEMP TABLE outcomes (n integer, who text, outcome text);
DO $$
DECLARE
    a record;
    who text;
    tried text;
    rows bigint;
    outcome text;
BEGIN
    FOR a IN SELECT * FROM attacks LOOP
        FOREACH who IN ARRAY ARRAY['owner', 'admin', 'coach', 'member', 'stranger', 'anonymous', 'root', 'zen'] LOOP
            tried := regexp_replace(a.statement, '\m([b-f])([12])\M', '''00000000-0000-4000-8000-0000000a0\10\2''::uuid', 'g');
            tried := regexp_replace(tried, '\mme\M', '''00000000-0000-4000-8000-0000000a0a0' || coalesce(array_position(
                ARRAY['owner', 'admin', 'coach', 'member', 'stranger', 'root', 'zen'], who), 9) || '''::uuid', 'g');
            BEGIN
                PERFORM set_config('request.jwt.claims', json_build_object('sub', 'iso_' || who)::text, true);
                EXECUTE 'SET LOCAL ROLE regress_' || CASE who WHEN 'anonymous' THEN who ELSE 'end_user' END;
                EXECUTE tried;
                GET DIAGNOSTICS rows = ROW_COUNT;
                RAISE EXCEPTION USING ERRCODE = '00001';
            EXCEPTION
                WHEN SQLSTATE '00001' THEN outcome := rows;
                WHEN OTHERS THEN outcome := SQLSTATE;
            END;
            INSERT INTO outcomes VALUES (a.n, who, outcome);
        END LOOP;
    END LOOP;
END $$;
SELECT a.name, max(outcome) FILTER (WHERE who = 'owner') AS owner, max(outcome) FILTER (WHERE who = 'admin') AS admin,
    max(outcome) FILTER (WHERE who = 'coach') AS coach, max(outcome) FILTER (WHERE who = 'member') AS member,
    max(outcome) FILTER (WHERE who = 'stranger') AS stranger, max(outcome) FILTER (WHERE who = 'anonymous') AS anonymous,
    max(outcome) FILTER (WHERE who = 'root') AS administrator, max(outcome) FILTER (WHERE who = 'zen') AS zen_owner
FROM attacks a JOIN outcomes o USING (n) GROUP BY a.n, a.name ORDER BY a.n;
ROLLBACK;
