-- Promise: the audit trail is kept for ever until the owner of the tables says how long; purge_logs() then deletes what is older,
-- records that it did, and check_integrity() misses nothing that it took. Nobody else deletes an event, and no younger one goes.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
CREATE ROLE regress_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, NULL, 'regress_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-0000000000a1', 'keep_ada', 'Ada', 'ada@example.org', 'admin');
UPDATE coursebase.settings SET value = '3' WHERE name = 'free_weekly_credits';
-- Ten days ago, as plain SQL of the owner with triggers off would have it.
SET LOCAL session_replication_role = replica;
UPDATE coursebase.audit_events SET created_at = now() - interval '10 days' WHERE object IN ('users/00000000-0000-4000-8000-0000000000a1', 'settings/free_weekly_credits');
SET LOCAL session_replication_role = origin;
SELECT check_name, object FROM coursebase.check_integrity();
SAVEPOINT kept;

-- For ever: nothing goes, by nobody; the server changes no retention.
SELECT value, default_value, is_owner_only FROM coursebase.settings WHERE name = 'audit_retention_days';
SET LOCAL ROLE regress_server;
SELECT coursebase.purge_logs(now());
RESET ROLE;
SELECT count(*) > 0 FROM coursebase.audit_events WHERE created_at < now() - interval '9 days';
\set VERBOSITY sqlstate
DELETE FROM coursebase.audit_events WHERE created_at < now() - interval '9 days';
ROLLBACK TO kept;
SET LOCAL ROLE regress_server;
UPDATE coursebase.settings SET value = '1' WHERE name = 'audit_retention_days';
ROLLBACK TO kept;

-- A retention: younger events stay, also from the owner; a number of days beyond the calendar keeps all.
UPDATE coursebase.settings SET value = '999999999' WHERE name = 'audit_retention_days';
SELECT coursebase.purge_logs(now());
UPDATE coursebase.settings SET value = '-5' WHERE name = 'audit_retention_days';
SELECT coursebase.purge_logs(now());
UPDATE coursebase.settings SET value = '20' WHERE name = 'audit_retention_days';
SELECT coursebase.purge_logs(now());
SELECT count(*) FROM coursebase.audit_events WHERE created_at < now() - interval '9 days';
UPDATE coursebase.settings SET value = '7' WHERE name = 'audit_retention_days';
SAVEPOINT said;
DELETE FROM coursebase.audit_events WHERE created_at > now() - interval '6 days';
ROLLBACK TO said;
UPDATE coursebase.audit_events SET action = 'other' WHERE created_at < now() - interval '9 days';
ROLLBACK TO said;
\set VERBOSITY default
-- before counts too, and the batch.
SET LOCAL ROLE regress_server;
SELECT coursebase.purge_logs(now() - interval '11 days'), coursebase.purge_logs(now(), 1), coursebase.purge_logs(now(), 1), coursebase.purge_logs(now(), 1);
RESET ROLE;
SELECT count(*) FROM coursebase.audit_events WHERE created_at < now() - interval '7 days';
SELECT action, object, old, new ->> 'events', (new ->> 'before')::timestamptz < now() FROM coursebase.audit_events WHERE action = 'audit_purged';

-- Nothing is missed that went; what is recorded since is compared.
SELECT check_name, object FROM coursebase.check_integrity();
SET LOCAL session_replication_role = replica;
UPDATE coursebase.settings SET value = '8' WHERE name = 'audit_retention_days';
SELECT check_name, object FROM coursebase.check_integrity();
ROLLBACK;
