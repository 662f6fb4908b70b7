-- Promise: where there is one server nothing of cells shows; in a cell a call about a person who lives in another one says
-- in which (KBC01), reads as well, whoever is known to nobody stays unknown, and no person is made in two cells.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\set SHOW_CONTEXT never
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
\set bob '''00000000-0000-4000-a000-00000000000b'''
\set course '''00000000-0000-4000-a000-0000000000d1'''
\set none '''00000000-0000-4000-a000-0000000000ee'''
-- Bob's twin lives in cell 2, whose number no test row has; Ada lives here.
\set far '''00000000-0000-4000-a000-0000000000fa'''

-- One server: no row, no directory, and nobody is looked for in it.
SELECT coursebase.set_cell(NULL);
DELETE FROM coursebase.people;
SELECT count(*) FROM coursebase.cell();
SELECT coursebase.upsert_user('one_server', 'One') IS NOT NULL, count(*) FROM coursebase.people;
SELECT coursebase.upsert_user('chosen', 'Chosen', user_id => '00000000-0000-4000-a000-0000000000f7');
INSERT INTO coursebase.people (user_id, external_id, cell) VALUES (:far, 'far', 2);
SET LOCAL request.jwt.claims = '{"sub": "far"}';
SELECT coursebase.current_user_id() IS NULL, reason FROM coursebase.whoami();
SET LOCAL request.jwt.claims = '';
SELECT coursebase.has_course_access(:course, :far);
SAVEPOINT tried;
SELECT coursebase.place_person('new');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.upsert_user('chosen', user_id => :none);
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE

-- A referral code has the cell's number after the U, but for home's and that of one server.
CREATE FUNCTION pg_temp.begins(n integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM coursebase.set_cell(n, 100);
    RETURN (SELECT string_agg(DISTINCT regexp_replace(coursebase.draw_referral_code(), '[A-Z2-9]{6}$', ''), ' ') FROM generate_series(1, 20));
END $$;
DELETE FROM coursebase.people;
SELECT n, pg_temp.begins(n) FROM unnest('{1,33,34,99,NULL}'::integer[]) n;
INSERT INTO coursebase.people (user_id, external_id, cell) VALUES (:far, 'far', 2);

-- Home: whoever has an account is in the directory from then on, with every change.
SELECT coursebase.set_cell(0, 3);
SELECT number, count, home FROM coursebase.cell();
SELECT coursebase.draw_referral_code() ~ '^U[A-Z2-9]{6}$';
SELECT count(*) = (SELECT count(*) FROM coursebase.users), bool_and(cell = 0) FROM coursebase.people WHERE user_id <> :far;
SELECT coursebase.upsert_user('new', 'New') AS new \gset
INSERT INTO coursebase.users (clerk_user_id, name) VALUES ('plain', 'Plain');
SELECT external_id, cell FROM coursebase.people WHERE external_id IN ('new', 'plain') ORDER BY 1;
UPDATE coursebase.users SET clerk_user_id = 'plain2' WHERE clerk_user_id = 'plain';
SELECT coursebase.delete_user(:'new') IS NOT NULL;
SELECT external_id, cell FROM coursebase.people WHERE user_id = :'new' OR external_id LIKE 'plain%' ORDER BY 1;
DELETE FROM coursebase.users WHERE clerk_user_id = 'plain2';
SELECT count(*) FROM coursebase.people WHERE external_id = 'plain2';
SELECT check_name, object, problem FROM coursebase.check_integrity('directory');
-- Placing twice is once; what is preferred counts only the first time.
SELECT user_id, cell FROM coursebase.place_person('placed', 1, '00000000-0000-4000-a000-0000000000f6');
SELECT user_id, cell FROM coursebase.place_person('placed', 2);
SELECT count(DISTINCT p.cell), bool_and(p.cell BETWEEN 0 AND 2)
FROM generate_series(1, 40) AS i, coursebase.place_person('many ' || i) p;
SELECT coursebase.forget_person('00000000-0000-4000-a000-0000000000f6'),
    coursebase.forget_person('00000000-0000-4000-a000-0000000000f6'), coursebase.forget_person(:none);
-- A late notice places nobody whose account was closed, in whichever cell; when the days are over, a new person.
SAVEPOINT tried;
SELECT coursebase.place_person('placed', 2);
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.place_person('new', 2);
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.closed_ids SET closed_at = closed_at - interval '31 days';
SELECT cell FROM coursebase.place_person('placed', 2);
ROLLBACK TO tried;
SELECT coursebase.upsert_user('far', 'Far');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.users (clerk_user_id, name) VALUES ('far', 'Far');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.place_person('new', 3);
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.set_cell(3, 3);
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.set_cell(0);
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL ROLE regress_server;
SELECT coursebase.set_cell(NULL);
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL ROLE regress_server;
UPDATE coursebase.people SET cell = 0;
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE

-- Cell 1: who lives elsewhere is refused in words, by claims and by id; others are as before.
UPDATE coursebase.people p SET cell = 1 FROM coursebase.users u WHERE u.id = p.user_id;
SELECT coursebase.set_cell(1, 3);
SAVEPOINT tried;
INSERT INTO coursebase.users (clerk_user_id, name, email, is_guest) VALUES ('cells_guest', '', '', true);
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.users SET is_guest = true;
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.set_cell(0, 0);
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.organizations (name, slug, currency, time_zone) VALUES ('Here', 'cells-here', 'EUR', 'UTC');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL request.jwt.claims = '{"sub": "far"}';
SELECT coursebase.current_user_id();
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL request.jwt.claims = '{"sub": "00000000-0000-4000-a000-0000000000fa"}';
SELECT coursebase.is_admin();
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "far"}';
SELECT user_id, reason, detail FROM coursebase.whoami();
SELECT count(*) FROM coursebase.user_profile;
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.upsert_user('far');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.upsert_user('nobody', 'Nobody');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.place_person('nobody');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
-- The row that the directory has not got yet is no reason to refuse whom a router placed.
SELECT coursebase.upsert_user('on_its_way', 'On Its Way', user_id => :none);
SELECT coursebase.upsert_user('fixture_ada');
SELECT check_name, object, problem FROM coursebase.check_integrity('directory');
DELETE FROM coursebase.users WHERE id = :none;

ROLLBACK;
