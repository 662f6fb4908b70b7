-- Promise: lint() is silent on a sound installation and names each fault that makes one unsafe.
-- Every fault is made in a transaction that is rolled back.
\set VERBOSITY terse
\set lint 'SELECT rule, object FROM coursebase.lint();'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;

-- Sound: no row, before and after roles are named.
:lint
BEGIN;
CREATE ROLE regress_anonymous;
CREATE ROLE regress_end_user;
CREATE ROLE regress_server BYPASSRLS;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
:lint
-- Roles that do not fit their parts any more.
ALTER ROLE regress_server NOBYPASSRLS;
ALTER ROLE regress_end_user SUPERUSER;
UPDATE coursebase.granted_roles SET role_name = 'regress_nobody' WHERE part = 'anonymous';
:lint
ROLLBACK;

-- What install() makes and is missing.
BEGIN;
SET LOCAL coursebase.allow_drop = on;
DROP TABLE coursebase.analytics;
ALTER TABLE coursebase.cohorts DROP COLUMN splash_screen_url;
ALTER TABLE coursebase.app_logs DROP CONSTRAINT app_logs_log_type_known_check;
DROP INDEX coursebase.app_logs_created_at_idx;
DROP TRIGGER t500_stamp ON coursebase.users;
DROP POLICY self_insert_own ON coursebase.app_logs;
:lint
-- install() brings all of it back.
SELECT count(*) > 0 FROM coursebase.install();
:lint
ROLLBACK;

-- Without its tables it still answers.
BEGIN;
SET LOCAL coursebase.allow_drop = on;
DROP TABLE coursebase.schema_version, coursebase.granted_roles;
:lint
ROLLBACK;

-- Versions.
BEGIN;
UPDATE coursebase.schema_version SET version = '0.0';
UPDATE pg_extension SET extversion = '0.0' WHERE extname = 'coursebase';
:lint
ROLLBACK;

-- Row security.
BEGIN;
SET LOCAL coursebase.allow_drop = on;
ALTER TABLE coursebase.users DISABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.cohorts FORCE ROW LEVEL SECURITY;
:lint
ROLLBACK;

-- Grants to PUBLIC.
BEGIN;
GRANT SELECT ON coursebase.users TO PUBLIC;
GRANT UPDATE (title) ON coursebase.courses TO PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.install() TO PUBLIC;
GRANT USAGE ON SCHEMA coursebase TO PUBLIC;
:lint
ROLLBACK;

-- Functions: a search_path that the caller chooses, a property that lets rows leak.
BEGIN;
ALTER FUNCTION coursebase.purge_logs RESET search_path;
ALTER FUNCTION coursebase.log_server SET search_path = public;
ALTER FUNCTION coursebase.json_checksum LEAKPROOF;
:lint
ROLLBACK;

-- Keys and indexes.
BEGIN;
DROP INDEX coursebase.user_cohorts_cohort_id_idx;
CREATE INDEX user_cohorts_cohort_id_idx ON coursebase.user_cohorts (cohort_id)
    WHERE created_at IS NULL;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'coursebase.users_pkey'::regclass;
UPDATE pg_constraint SET convalidated = false WHERE conname = 'user_cohorts_user_id_fkey';
:lint
ROLLBACK;

-- Switched off: triggers, the guard.
BEGIN;
ALTER TABLE coursebase.custom_courses DISABLE TRIGGER t500_checksum;
ALTER TABLE coursebase.courses ENABLE REPLICA TRIGGER t500_stamp;
ALTER EVENT TRIGGER coursebase_guard DISABLE;
ALTER TABLE coursebase.products DISABLE TRIGGER t900_has_course;
:lint
-- install() switches the triggers on again, those at the end of a transaction too.
SELECT * FROM coursebase.install();
:lint
ROLLBACK;

-- Storage: what a crash empties, what makes every append six times dearer.
BEGIN;
ALTER TABLE coursebase.audio_usage SET UNLOGGED;
ALTER TABLE coursebase.custom_courses ALTER COLUMN data SET COMPRESSION pglz;
:lint
ROLLBACK;

-- Owners.
BEGIN;
CREATE ROLE regress_other;
ALTER TABLE coursebase.users OWNER TO regress_other;
ALTER FUNCTION coursebase.settings() OWNER TO regress_other;
ALTER SCHEMA coursebase OWNER TO regress_other;
:lint
ALTER SCHEMA coursebase OWNER TO CURRENT_USER;
ALTER TABLE coursebase.users OWNER TO CURRENT_USER;
ALTER FUNCTION coursebase.settings() OWNER TO CURRENT_USER;
GRANT CREATE ON SCHEMA coursebase TO regress_other, PUBLIC;
:lint
ROLLBACK;
