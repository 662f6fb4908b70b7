-- Promise: lint() names what a column, an enum, a partition or a role lacks; install() brings a column's NOT NULL,
-- default and numbers back, and goes on behind the last number.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET client_min_messages = warning;
\set lint 'SELECT rule, object FROM coursebase.lint();'

-- Columns. A default that somebody chose is not a missing one.
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-000000000ba1', 'lint_ada', 'Ada', 'ada@example.org');
ALTER TABLE coursebase.users ALTER COLUMN name DROP NOT NULL, ALTER COLUMN created_at DROP DEFAULT;
ALTER TABLE coursebase.courses ALTER COLUMN created_at SET DEFAULT '2026-01-01';
ALTER TABLE coursebase.access_events ALTER COLUMN id DROP IDENTITY;
INSERT INTO coursebase.access_events (id, kind, user_id, subject) VALUES
    (1001, 'purchased', '00000000-0000-4000-8000-000000000ba1', 'purchases/1');
:lint
SELECT * FROM coursebase.install();
:lint
INSERT INTO coursebase.access_events (kind, user_id, subject) VALUES
    ('refunded', '00000000-0000-4000-8000-000000000ba1', 'purchases/1') RETURNING id;
SELECT * FROM coursebase.install();
ROLLBACK;

-- Numbers of the operator's own making stay.
BEGIN;
CREATE SEQUENCE regress_own;
ALTER TABLE coursebase.access_events ALTER COLUMN id DROP IDENTITY;
ALTER TABLE coursebase.access_events ALTER COLUMN id SET DEFAULT nextval('regress_own');
:lint
SELECT * FROM coursebase.install();
-- An empty table begins anew.
ALTER TABLE coursebase.access_events ALTER COLUMN id DROP DEFAULT;
SELECT * FROM coursebase.install();
SELECT pg_get_serial_sequence('coursebase.access_events', 'id');
ROLLBACK;

-- A value of an enum that a table of an earlier release does not know.
BEGIN;
DELETE FROM pg_enum WHERE enumtypid = 'coursebase.access_event_kind'::regtype AND enumlabel = 'refunded';
:lint
SELECT * FROM coursebase.install();
:lint
ROLLBACK;

-- Partitions, at any depth and in any schema: what a crash empties, whose triggers are off, who could hang others on them, who
-- reads past the policies.
BEGIN;
SET LOCAL coursebase.allow_drop = on;
CREATE ROLE regress_lint_other;
CREATE SCHEMA regress_old;
ALTER TABLE coursebase.app_logs SET SCHEMA regress_old;
CREATE TABLE coursebase.app_logs (LIKE regress_old.app_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS,
    CONSTRAINT app_logs_pkey PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
CREATE TABLE coursebase.app_logs_default PARTITION OF coursebase.app_logs DEFAULT PARTITION BY RANGE (created_at);
CREATE TABLE regress_old.app_logs_rest PARTITION OF coursebase.app_logs_default DEFAULT;
SELECT count(*) > 0 FROM coursebase.install();
:lint
ALTER TABLE regress_old.app_logs_rest SET UNLOGGED;
ALTER TABLE regress_old.app_logs_rest OWNER TO regress_lint_other;
ALTER TABLE regress_old.app_logs_rest DISABLE TRIGGER t500_stamp;
ALTER TABLE coursebase.app_logs_default DISABLE TRIGGER USER;
GRANT SELECT ON regress_old.app_logs_rest TO PUBLIC;
:lint
ROLLBACK;

-- Roles that have lost rights, as by a dump that was restored without its GRANTs.
BEGIN;
CREATE ROLE regress_lint_end_user;
CREATE ROLE regress_lint_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_lint_end_user', 'regress_lint_server');
:lint
REVOKE EXECUTE ON FUNCTION coursebase.whoami() FROM regress_lint_end_user;
REVOKE UPDATE ON coursebase.settings FROM regress_lint_server;
SELECT rule, object, advice FROM coursebase.lint();
REVOKE ALL ON SCHEMA coursebase FROM regress_lint_end_user;
REVOKE ALL ON ALL TABLES IN SCHEMA coursebase FROM regress_lint_end_user;
REVOKE ALL ON ALL ROUTINES IN SCHEMA coursebase FROM regress_lint_end_user;
:lint
SELECT * FROM coursebase.install();
:lint
ROLLBACK;
