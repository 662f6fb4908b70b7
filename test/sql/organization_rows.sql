-- Promise: staff give an organisation at most as many rows of a table as the settings rows_an_organization and programs_an_organization allow, by
-- plain SQL or by a function, and a day at most 1000 workouts: one token cannot fill the disk that all organisations share. The server is not bound.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
\getenv abs_srcdir PG_ABS_SRCDIR
\i :abs_srcdir/fixtures/helpers/roles.sql
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/worlds/programs.sql
SELECT name, default_value FROM coursebase.settings WHERE name LIKE '%an_organization' ORDER BY name;
UPDATE coursebase.settings SET value = CASE name WHEN 'rows_an_organization' THEN '4' ELSE '3' END WHERE name LIKE '%an_organization';
\set ON_ERROR_ROLLBACK on

-- Iron has three workouts and places, two members, and one each of the others.
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "programs_olga"}';
INSERT INTO coursebase.workouts (organization_id, name) VALUES (:iron, 'fourth');
SELECT pg_temp.refused(format(s, :iron, :strong)) FROM unnest(ARRAY[
    'INSERT INTO coursebase.workouts (organization_id, name) VALUES (%1$L, ''fifth'')',
    'INSERT INTO coursebase.programs (organization_id, name, delivery_mode) SELECT %1$L, n, ''live'' FROM generate_series(1, 3) n',
    'INSERT INTO coursebase.plans (organization_id, type, name, price_in_cents) SELECT %1$L, ''drop_in'', n, 1 FROM generate_series(1, 3) n',
    'SELECT coursebase.set_day(%2$L, 0, array_fill((SELECT id FROM coursebase.workouts LIMIT 1), ARRAY[3]))',
    'SELECT coursebase.set_day(%2$L, 0, array_fill((SELECT id FROM coursebase.workouts LIMIT 1), ARRAY[2]))',
    'SELECT coursebase.create_course(%1$L, n::text, 3) FROM generate_series(1, 2) n',
    'SELECT coursebase.create_course(%1$L, ''one more'', 3)']) s;
RESET ROLE;
-- Members are people that the owner knows by their ids.
CREATE TEMP TABLE people AS SELECT id FROM coursebase.users WHERE clerk_user_id LIKE 'programs_%';
GRANT SELECT ON people TO PUBLIC;
INSERT INTO coursebase.users (clerk_user_id, name, email) SELECT 'rows_' || n, n, '' FROM generate_series(1, 3) n;
INSERT INTO people SELECT id FROM coursebase.users WHERE clerk_user_id LIKE 'rows_%';
SET LOCAL ROLE regress_end_user;
SELECT pg_temp.refused(format('INSERT INTO coursebase.memberships (organization_id, user_id, role) SELECT %L, id, ''member'' FROM people ON CONFLICT DO NOTHING', :iron));
-- Zen is another organisation.
SET LOCAL request.jwt.claims = '{"sub": "programs_zoe"}';
INSERT INTO coursebase.workouts (organization_id, name) VALUES (:zen, 'second');

-- The server is not bound, and 0 binds nobody, but for a day.
SET LOCAL ROLE regress_server;
RESET request.jwt.claims;
INSERT INTO coursebase.workouts (organization_id, name) VALUES (:iron, 'fifth');
UPDATE coursebase.settings SET value = '0' WHERE name LIKE '%an_organization';
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "programs_olga"}';
INSERT INTO coursebase.workouts (organization_id, name) VALUES (:iron, 'sixth');
SELECT pg_temp.refused(format('SELECT coursebase.set_day(%L, 0, array_fill((SELECT id FROM coursebase.workouts LIMIT 1), ARRAY[%s]))', :strong, n))
FROM unnest(ARRAY[1000, 1001]) n;

-- Whoever asks for the preview of a day of many places gets the first thousand, and not as many as staff like.
RESET ROLE;
UPDATE coursebase.course_configs SET preview_type = 'first_day' WHERE program_id = :calm;
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id) SELECT :calm, 0, n, '00000000-0000-4000-8000-0000000e1c04' FROM generate_series(1, 1100) n;
SET LOCAL ROLE regress_anonymous;
RESET request.jwt.claims;
SELECT json_array_length(p), p -> 0 ->> 'sort_order', p -> 999 ->> 'sort_order', p -> 999 ->> 'name' FROM (SELECT coursebase.storefront_course(:calm) -> 'preview' AS p) s;
ROLLBACK;
