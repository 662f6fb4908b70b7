-- Promise: a foreign key between our tables and an operator's own, which the server's role may not read, ends neither check_integrity() nor
-- adopt() for it; whoever may read both tables is told what it fails.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
CREATE SCHEMA regress_own;
CREATE TABLE regress_own.teams (id integer PRIMARY KEY);
ALTER TABLE coursebase.users ADD COLUMN team integer REFERENCES regress_own.teams;
CREATE INDEX ON coursebase.users (team);
CREATE TABLE coursebase.regress_notes (user_id uuid REFERENCES coursebase.users);
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.regress_notes VALUES ('00000000-0000-4000-8000-0000000000ff');
UPDATE coursebase.users SET team = 1 WHERE id = (SELECT min(id::text)::uuid FROM coursebase.users);
SET LOCAL session_replication_role = origin;
SELECT * FROM coursebase.check_integrity();
SET LOCAL ROLE regress_server;
SELECT * FROM coursebase.check_integrity();
-- Of one that it may read it is told.
RESET ROLE;
GRANT SELECT ON coursebase.regress_notes TO regress_server;
SET LOCAL ROLE regress_server;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
