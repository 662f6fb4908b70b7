-- Promise: where a dump was restored without its GRANTs, an owner of the tables that is no superuser included, lint() says so, and a
-- superuser's install() gives everybody what is theirs again.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY sqlstate
SET client_min_messages = warning;
BEGIN;
CREATE ROLE regress_studio;
CREATE ROLE regress_end_user;
CREATE ROLE regress_server BYPASSRLS;
SELECT coursebase.hand_over('regress_studio');
SELECT coursebase.grant_roles(NULL, 'regress_end_user', 'regress_server');
SELECT * FROM coursebase.lint();

-- As pg_restore --no-acl leaves it.
REVOKE ALL ON SCHEMA coursebase FROM regress_studio, regress_end_user, regress_server;
REVOKE ALL ON ALL ROUTINES IN SCHEMA coursebase FROM regress_studio, regress_end_user, regress_server;
REVOKE ALL ON ALL TABLES IN SCHEMA coursebase FROM regress_end_user, regress_server;
SAVEPOINT restored;
SELECT coursebase.upsert_user('restored_ada', 'Ada');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO restored;
SELECT name FROM coursebase.installation();
SELECT rule, object FROM coursebase.lint();
SELECT * FROM coursebase.install();
SELECT * FROM coursebase.lint();
SELECT value FROM coursebase.installation() WHERE name = 'server';
SET LOCAL ROLE regress_server;
SELECT coursebase.upsert_user('restored_ada', 'Ada') IS NOT NULL;
ROLLBACK;
