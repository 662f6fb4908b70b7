-- Promise: an operator may partition audit_events, app_logs and server_logs by time: install() completes such a table, says in a
-- sentence what it needs otherwise, lint() and check_integrity() accept it, and purge_logs() drops partitions that are past.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
CREATE ROLE regress_end_user;
CREATE ROLE regress_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_end_user', 'regress_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-0000000000a1', 'part_ada', 'Ada', 'ada@example.org', 'admin');
SELECT coursebase.log_app('error', 'before', user_id => '00000000-0000-4000-8000-0000000000a1', at => '2026-01-10') IS NOT NULL;
SET LOCAL coursebase.allow_drop = on;
SAVEPOINT whole;

-- What is no such table.
CREATE SCHEMA regress_old;
ALTER TABLE coursebase.server_logs SET SCHEMA regress_old;
CREATE TABLE coursebase.server_logs (LIKE regress_old.server_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY HASH (id);
SELECT coursebase.install();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO whole;
CREATE SCHEMA regress_old;
ALTER TABLE coursebase.settings SET SCHEMA regress_old;
CREATE TABLE coursebase.settings (LIKE regress_old.settings INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (created_at);
SELECT coursebase.install();
ROLLBACK TO whole;

-- The way of the guide, for each of the three.
CREATE SCHEMA regress_old;
SELECT format('ALTER TABLE coursebase.%1$s SET SCHEMA regress_old;
CREATE TABLE coursebase.%1$s (LIKE regress_old.%1$s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS,
    CONSTRAINT %1$s_pkey PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
CREATE TABLE coursebase.%1$s_2026_01 PARTITION OF coursebase.%1$s FOR VALUES FROM (''2026-01-01'') TO (''2026-02-01'');
CREATE TABLE coursebase.%1$s_2026_02 PARTITION OF coursebase.%1$s FOR VALUES FROM (''2026-02-01'') TO (''2026-03-01'');', name)
FROM unnest(ARRAY['audit_events', 'app_logs', 'server_logs']) AS name \gexec
SELECT object, action FROM coursebase.install() WHERE object LIKE 'index %' OR object LIKE 'constraint %';
SELECT rule, object FROM coursebase.lint();
-- A key that was renamed gets its name back.
ALTER TABLE coursebase.audit_events RENAME CONSTRAINT audit_events_pkey TO own_pkey;
SELECT rule, object FROM coursebase.lint();
SELECT * FROM coursebase.install();
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'coursebase.audit_events'::regclass AND contype = 'p';
CREATE TABLE coursebase.audit_events_default PARTITION OF coursebase.audit_events DEFAULT;
CREATE TABLE coursebase.app_logs_default PARTITION OF coursebase.app_logs DEFAULT;
CREATE TABLE coursebase.server_logs_default PARTITION OF coursebase.server_logs DEFAULT;
INSERT INTO coursebase.audit_events SELECT * FROM regress_old.audit_events;
INSERT INTO coursebase.app_logs SELECT * FROM regress_old.app_logs;
SET LOCAL coursebase.allow_drop = off;
SELECT count(*) FROM coursebase.install();
SELECT rule, object FROM coursebase.lint();
SELECT check_name, object FROM coursebase.check_integrity();
GRANT SELECT ON coursebase.app_logs_default TO regress_end_user;
SELECT rule, object FROM coursebase.lint();
REVOKE SELECT ON coursebase.app_logs_default FROM regress_end_user;

-- Everything goes on: one sign_up entry a person, the audit, a person who goes, a key that points to nobody.
SET LOCAL ROLE regress_server;
SELECT coursebase.log_app('sign_up', 'started', '{"step": 1}', user_id => '00000000-0000-4000-8000-0000000000a1', at => '2026-02-10') AS first \gset
SELECT coursebase.log_app('sign_up', 'finished', user_id => '00000000-0000-4000-8000-0000000000a1') = :'first';
SELECT message, context, tableoid::regclass FROM coursebase.app_logs WHERE log_type = 'sign_up';
SELECT coursebase.log_server('f', 'info', 'n', at => '2026-01-05 10:00'), coursebase.log_server('f', 'info', 'n', at => '2026-02-05'), coursebase.log_server('f', 'info', 'n', at => '2025-12-31') \g /dev/null
RESET ROLE;
SAVEPOINT filled;
INSERT INTO coursebase.app_logs (user_id, log_type, message) VALUES ('00000000-0000-4000-8000-0000000000a1', 'sign_up', 'twice');
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.server_logs (function_name, level, message, user_id) VALUES ('f', 'info', 'n', '00000000-0000-4000-8000-0000000000ff');
SELECT check_name, object, problem FROM coursebase.check_integrity();
ROLLBACK TO filled;
\set VERBOSITY sqlstate
DELETE FROM coursebase.audit_events;
ROLLBACK TO filled;
SET LOCAL ROLE regress_end_user;
SELECT coursebase.purge_logs('2026-02-01');
ROLLBACK TO filled;
\set VERBOSITY default

-- January goes as a whole, and what is older in the DEFAULT partition row by row, in batches. Nothing of the audit trail.
SET LOCAL ROLE regress_server;
SELECT coursebase.purge_logs('2026-02-03', 0);
SELECT to_regclass('coursebase.app_logs_2026_01'), to_regclass('coursebase.server_logs_2026_01'), to_regclass('coursebase.audit_events_2026_01');
SELECT coursebase.purge_logs('2026-02-03'), coursebase.purge_logs('2026-02-03');
SELECT 'app', created_at FROM coursebase.app_logs WHERE created_at < '2026-03-01' UNION ALL SELECT 'server', created_at FROM coursebase.server_logs ORDER BY 1, 2;
RESET ROLE;
SELECT rule, object FROM coursebase.lint();
SELECT check_name, object FROM coursebase.check_integrity();
ROLLBACK;
