-- Promise: grant_roles() gives end users no role that passes row security or could use the rights of others (KB004), changes
-- nothing when it refuses, and lint() names a role that became such a one later.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
CREATE ROLE regress_anonymous;
CREATE ROLE regress_end_user;
CREATE ROLE regress_server BYPASSRLS;
CREATE ROLE regress_other;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
SAVEPOINT sound;

-- What the refusals say.
ALTER ROLE regress_end_user BYPASSRLS;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO sound;
ALTER ROLE regress_anonymous SUPERUSER;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
ROLLBACK TO sound;
ALTER ROLE regress_end_user CREATEROLE;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
ROLLBACK TO sound;
-- What reads past grants and row security: the server's log, a role of PostgreSQL's own.
ALTER ROLE regress_end_user REPLICATION;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
ROLLBACK TO sound;
GRANT pg_monitor TO regress_anonymous;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
ROLLBACK TO sound;
GRANT regress_server TO regress_end_user;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
ROLLBACK TO sound;
ALTER ROLE regress_server NOBYPASSRLS;
SELECT coursebase.grant_roles(NULL, NULL, 'regress_server');
ROLLBACK TO sound;

-- A membership by way of another role, one that is not inherited, one in the role of the tables' owner.
\set VERBOSITY sqlstate
GRANT regress_server TO regress_other;
GRANT regress_other TO regress_anonymous;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
ROLLBACK TO sound;
ALTER ROLE regress_end_user NOINHERIT;
GRANT regress_server TO regress_end_user;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
ROLLBACK TO sound;
DO $$ BEGIN EXECUTE (SELECT format('GRANT %I TO regress_end_user', relowner::regrole)
    FROM pg_class WHERE oid = 'coursebase.users'::regclass); END $$;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
ROLLBACK TO sound;
-- One role cannot be the server and an end user; a server that nobody plays is no excuse.
SELECT coursebase.grant_roles('regress_anonymous', 'regress_server', 'regress_server');
ROLLBACK TO sound;
GRANT regress_server TO regress_end_user;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', NULL);
ROLLBACK TO sound;
\set VERBOSITY default

-- Nothing changed; a role that is a member of a harmless one, and the same role for both, fit.
SELECT name, value FROM coursebase.installation() WHERE name IN ('anonymous', 'end_user', 'server');
SELECT has_table_privilege('regress_end_user', 'coursebase.courses', 'SELECT');
GRANT regress_other TO regress_end_user;
SELECT coursebase.grant_roles('regress_end_user', 'regress_end_user', 'regress_server');
ROLLBACK TO sound;

-- A role that is gone, as on the server to which a dump came, is told at each install(), which goes on to know its name: no other
-- role gets the part, the usual ones neither, and it has its rights once it is there.
CREATE ROLE anon;
CREATE ROLE authenticated;
CREATE ROLE service_role BYPASSRLS;
ALTER ROLE regress_anonymous RENAME TO regress_away_1;
ALTER ROLE regress_end_user RENAME TO regress_away_2;
ALTER ROLE regress_server RENAME TO regress_away_3;
SELECT coursebase.install();
SELECT coursebase.install();
SELECT part, role_name FROM coursebase.granted_roles ORDER BY part;
SELECT rule, object, advice FROM coursebase.lint() WHERE rule = 'role_missing' ORDER BY object;
SELECT has_table_privilege('authenticated', 'coursebase.courses', 'SELECT');
CREATE ROLE regress_end_user;
SET client_min_messages = error;
SELECT coursebase.install();
SET client_min_messages = warning;
SELECT has_table_privilege('regress_end_user', 'coursebase.courses', 'SELECT');
ROLLBACK TO sound;

-- What changes later is a row of lint(), and install() refuses it.
ALTER ROLE regress_end_user CREATEROLE;
GRANT regress_server TO regress_anonymous;
GRANT pg_read_all_data TO regress_end_user;
ALTER ROLE regress_anonymous REPLICATION;
-- A server's key that could read store_keys, or become who can, is no key of the server's alone.
ALTER ROLE regress_server CREATEROLE;
GRANT pg_write_all_data TO regress_server;
SELECT rule, object, advice FROM coursebase.lint() WHERE rule IN ('end_user_role_unfit', 'server_role_strong') ORDER BY 1, 2, 3;
\set VERBOSITY sqlstate
SELECT coursebase.install();
ROLLBACK;
