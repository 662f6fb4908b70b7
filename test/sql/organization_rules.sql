-- Promise: an organisation keeps an owner and, once a plan has a price, its currency, which is that of all its
-- plans; rows of two organisations cannot be joined by anybody, for the keys refuse it.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, deleted_at) VALUES
    ('00000000-0000-4000-8000-0000000a3a01', 'org_olga', 'Olga', 'olga@example.org', NULL),
    ('00000000-0000-4000-8000-0000000a3a02', 'org_otto', 'Otto', 'otto@example.org', NULL),
    ('00000000-0000-4000-8000-0000000a3a03', 'org_gone', 'Gone', 'gone@example.org', '2026-01-01');
\set olga '''00000000-0000-4000-8000-0000000a3a01'''
\set otto '''00000000-0000-4000-8000-0000000a3a02'''
\set ON_ERROR_ROLLBACK on

SELECT coursebase.create_organization('Iron', 'org-iron', 'EUR', 'europe/berlin', :olga) AS iron \gset
SELECT coursebase.create_organization('Zen', 'org-zen', 'USD', 'UTC', :otto) AS zen \gset
SELECT o.name, slug, currency, time_zone, platform_tier, m.role, u.name FROM coursebase.organizations o
JOIN coursebase.memberships m ON m.organization_id = o.id JOIN coursebase.users u ON u.id = m.user_id WHERE slug LIKE 'org-%' ORDER BY slug;
SELECT coursebase.create_organization('Iron', 'Iron Works', 'EUR', 'UTC', :olga);
SELECT coursebase.create_organization('Iron', 'org-euro', 'eur', 'UTC', :olga);
SELECT coursebase.create_organization('Iron', 'org-moon', 'EUR', 'Moon/Base', :olga);
SELECT coursebase.create_organization('Iron', 'org-gone', 'EUR', 'UTC', '00000000-0000-4000-8000-0000000a3a03');
SELECT coursebase.create_organization('Iron', NULL, 'EUR', 'UTC', :olga);

-- Owners. One statement may hand over; two at once may not both go.
UPDATE coursebase.memberships SET role = 'admin' WHERE organization_id = :'iron';
DELETE FROM coursebase.memberships WHERE organization_id = :'iron';
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES (:'iron', :otto, 'coach');
UPDATE coursebase.memberships SET role = CASE user_id WHEN :otto THEN 'owner' ELSE 'member' END::coursebase.membership_role WHERE organization_id = :'iron';
SELECT u.name, m.role FROM coursebase.memberships m JOIN coursebase.users u ON u.id = m.user_id WHERE organization_id = :'iron' ORDER BY 1;
UPDATE coursebase.memberships SET role = 'owner' WHERE organization_id = :'iron';
DELETE FROM coursebase.memberships WHERE organization_id = :'iron';
SELECT e.old ->> 'role' AS before, e.new ->> 'role' AS after FROM coursebase.audit_events e
JOIN coursebase.memberships m ON e.object = 'memberships/' || m.id
WHERE m.organization_id = :'iron' AND e.action = 'staff_changed' ORDER BY m.user_id, 1 NULLS FIRST, 2;
UPDATE coursebase.memberships SET user_id = :otto WHERE organization_id = :'iron' AND user_id = :olga;
SAVEPOINT staff;
UPDATE coursebase.memberships SET role = 'coach' WHERE organization_id = :'iron' AND user_id = :olga;
DELETE FROM coursebase.memberships WHERE organization_id = :'iron' AND user_id = :olga RETURNING 'memberships/' || id AS gone \gset
SELECT old ->> 'role' AS before, new ->> 'role' AS after FROM coursebase.audit_events WHERE object = :'gone' AND action = 'staff_changed' AND new IS NULL ORDER BY 1;
ROLLBACK TO staff;

-- Currency: plans without a price follow, one with a price fixes it; nobody sets a plan's own.
SELECT coursebase.create_course(:'iron', 'Strong', 7) AS program \gset
SELECT coursebase.create_course(:'zen', 'Calm', 7) AS calm \gset
SELECT coursebase.set_price(:'program', 0) AS plan \gset
UPDATE coursebase.organizations SET currency = 'GBP' WHERE id = :'iron';
SELECT currency FROM coursebase.plans WHERE id = :'plan';
UPDATE coursebase.plans SET currency = 'JPY' WHERE id = :'plan' RETURNING currency;
SELECT coursebase.set_price(:'program', 4900) = :'plan';
SELECT coursebase.set_price(:'program', -1) IS NULL;
UPDATE coursebase.organizations SET currency = 'EUR' WHERE id = :'iron';
UPDATE coursebase.organizations SET currency = 'GBP', name = 'Iron Works' WHERE id = :'iron' RETURNING name;

-- Mixed rows, by a superuser: the keys refuse them.
\set VERBOSITY sqlstate
INSERT INTO coursebase.workouts (organization_id, name) VALUES (:'iron', 'Squat') RETURNING id AS squat \gset
INSERT INTO coursebase.workouts (organization_id, name) VALUES (:'zen', 'Breathe') RETURNING id AS breathe \gset
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:'program', 0, 0, :'breathe');
INSERT INTO coursebase.course_workouts (program_id, organization_id, day_offset, sort_order, workout_id) VALUES (:'program', :'zen', 0, 0, :'breathe');
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) VALUES (:'program', 0, 0, :'squat') RETURNING sort_order;
UPDATE coursebase.course_workouts SET workout_id = :'breathe' WHERE program_id = :'program';
UPDATE coursebase.course_workouts SET organization_id = :'zen' WHERE program_id = :'program';
UPDATE coursebase.course_configs SET organization_id = :'zen' WHERE program_id = :'program';
UPDATE coursebase.course_configs SET preview_type = 'specific_workout', preview_workout_id = :'breathe' WHERE program_id = :'program';
UPDATE coursebase.plans SET program_id = :'calm' WHERE id = :'plan';
INSERT INTO coursebase.plans (organization_id, program_id, type, name, price_in_cents) VALUES (:'iron', :'calm', 'drop_in', 'Mixed', 0);
UPDATE coursebase.programs SET organization_id = :'zen' WHERE id = :'program';
UPDATE coursebase.workouts SET organization_id = :'zen' WHERE id = :'squat';
UPDATE coursebase.memberships SET organization_id = :'zen' WHERE organization_id = :'iron' AND user_id = :olga;
-- With its constraints alone, triggers switched off, the same.
ALTER TABLE coursebase.course_workouts DISABLE TRIGGER USER;
ALTER TABLE coursebase.plans DISABLE TRIGGER USER;
UPDATE coursebase.course_workouts SET organization_id = :'zen' WHERE program_id = :'program';
INSERT INTO coursebase.course_workouts (program_id, organization_id, day_offset, sort_order, workout_id) VALUES (:'program', :'iron', 0, 1, :'breathe');
UPDATE coursebase.plans SET organization_id = :'zen' WHERE id = :'plan';
SELECT check_name, problem FROM coursebase.check_programs();
ALTER TABLE coursebase.course_workouts ENABLE TRIGGER USER;
ALTER TABLE coursebase.plans ENABLE TRIGGER USER;

-- An organisation that sells stays; without programs it goes with its owners, workouts and plans.
SELECT set_config('coursebase_test.iron', :'iron', true) IS NOT NULL;
DO $$ BEGIN
    DELETE FROM coursebase.organizations WHERE id = current_setting('coursebase_test.iron')::uuid;
    RAISE 'it went';
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN NULL; END $$;
DELETE FROM coursebase.programs WHERE organization_id = :'iron';
DELETE FROM coursebase.organizations WHERE id = :'iron';
SELECT count(*) FROM coursebase.memberships WHERE organization_id = :'iron';
ROLLBACK;
