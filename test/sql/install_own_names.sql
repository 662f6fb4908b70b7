-- Promise: where a column or a function of the database's own has the name of one of ours, and install() fails by it, the HINT says what
-- to do; lint() names a function for which a call of ours could be taken; whatever is in the way can be dropped or renamed.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
\set lint 'SELECT rule, object, advice FROM coursebase.lint();'
\set install 'SELECT count(*) FROM coursebase.install();'
BEGIN;
SAVEPOINT sound;

-- Of another type: used by a trigger, and by a CHECK.
SET LOCAL coursebase.allow_drop = on;
ALTER TABLE coursebase.users DROP COLUMN is_guest CASCADE;
ALTER TABLE coursebase.users ADD COLUMN is_guest text NOT NULL DEFAULT 'no';
SAVEPOINT own;
:install
ROLLBACK TO own;
ALTER TABLE coursebase.users RENAME COLUMN is_guest TO was_guest;
SELECT count(*) > 0 AS made FROM coursebase.install();
:lint
ROLLBACK TO sound;

-- Of the same type, without a value.
SET LOCAL coursebase.allow_drop = on;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-00000000e001', 'own_names', 'O', 'o@example.org');
ALTER TABLE coursebase.users DROP COLUMN is_guest CASCADE;
ALTER TABLE coursebase.users ADD COLUMN is_guest boolean;
:install
ROLLBACK TO sound;

-- Functions: one that a policy calls; the list of the steps, which the guard reads; in nobody's way.
CREATE FUNCTION coursebase.own_from(a text DEFAULT '') RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
CREATE FUNCTION coursebase.has_course_access(a text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE PROCEDURE coursebase.is_admin(a text DEFAULT '') LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION coursebase.has_course_access(a uuid, b uuid, c text DEFAULT '', d text DEFAULT '', e text DEFAULT '') RETURNS boolean LANGUAGE sql AS 'SELECT true';
:lint
:install
ROLLBACK TO sound;
CREATE FUNCTION coursebase.steps(a text DEFAULT '') RETURNS TABLE (object text, ddl text) LANGUAGE sql AS 'SELECT NULL, NULL';
SAVEPOINT own;
:install
ROLLBACK TO own;
DROP FUNCTION coursebase.steps(text);
:lint
ROLLBACK;
