-- Promise: settings hold values of their kind, and every change is on record with who made it, for good; one that is missing is named.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE ROLE regress_settings_user;
CREATE ROLE regress_settings_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_settings_user', 'regress_settings_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-0000000002a1', 'settings_ada', 'Ada', 'ada@example.org', 'admin'),
    ('00000000-0000-4000-8000-0000000002b1', 'settings_bob', 'Bob', 'bob@example.org', 'user');
INSERT INTO coursebase.settings (name, kind, default_value, meaning) VALUES
    ('test_number', 'integer', '5', 'a number'), ('test_switch', 'boolean', 'false', 'a switch'),
    ('test_words', 'text', '', 'words');

SET LOCAL ROLE regress_settings_server;
SET LOCAL request.jwt.claims = '{"sub": "00000000-0000-4000-8000-0000000002a1"}';
UPDATE coursebase.settings SET value = '7' WHERE name = 'test_number';
UPDATE coursebase.settings SET value = '7' WHERE name = 'test_number';
UPDATE coursebase.settings SET value = E'say "é"\n' WHERE name = 'test_words';
RESET request.jwt.claims;
UPDATE coursebase.settings SET value = NULL WHERE name = 'test_number';
SELECT name, value, default_value FROM coursebase.settings() WHERE name LIKE 'test%';

-- Values of another kind, and what the server may not touch.
SAVEPOINT changes;
UPDATE coursebase.settings SET value = 'many' WHERE name = 'test_number';
ROLLBACK TO changes;
UPDATE coursebase.settings SET value = 'yes' WHERE name = 'test_switch';
ROLLBACK TO changes;
UPDATE coursebase.settings SET default_value = '9' WHERE name = 'test_number';
ROLLBACK TO changes;
DELETE FROM coursebase.settings WHERE name = 'test_number';
ROLLBACK TO changes;

-- A setting that goes takes its value along; that is on record too.
RESET ROLE;
DELETE FROM coursebase.settings WHERE name LIKE 'test%';
SELECT right(actor_id::text, 2), action, object, old, new FROM coursebase.audit_events
WHERE object LIKE 'settings/test%' ORDER BY created_at;

-- The record is never changed, except that it forgets a person who is deleted.
SAVEPOINT record;
UPDATE coursebase.audit_events SET action = 'nothing';
ROLLBACK TO record;
DELETE FROM coursebase.audit_events;
ROLLBACK TO record;
UPDATE coursebase.audit_events SET actor_id = NULL;
ROLLBACK TO record;
DELETE FROM coursebase.users WHERE id = '00000000-0000-4000-8000-0000000002a1';
SELECT count(*), count(actor_id) FROM coursebase.audit_events WHERE object LIKE 'settings/test%';
ROLLBACK TO record;

-- Administrators read it, others see nothing; nobody writes it.
SET LOCAL ROLE regress_settings_user;
SET LOCAL request.jwt.claims = '{"sub": "00000000-0000-4000-8000-0000000002a1"}';
SELECT count(*) FROM coursebase.audit_events WHERE object LIKE 'settings/test%';
SET LOCAL request.jwt.claims = '{"sub": "00000000-0000-4000-8000-0000000002b1"}';
SELECT count(*) FROM coursebase.audit_events;
SAVEPOINT reader;
INSERT INTO coursebase.audit_events (action, object) VALUES ('x', 'x');
ROLLBACK TO reader;
UPDATE coursebase.settings SET value = '1';
ROLLBACK;

-- Days that would be cut where they are used are refused.
\getenv abs_srcdir PG_ABS_SRCDIR
\i :abs_srcdir/fixtures/helpers/refused.sql
BEGIN;
SELECT name, value, pg_temp.refused(format('UPDATE coursebase.settings SET value = %L WHERE name = %L', value, name))
FROM (VALUES ('referral_hold_days'), ('referral_credit_days'), ('grace_days_stripe')) n (name), (VALUES ('-1'), ('0'), ('366'), ('367'), ('36500'), ('36501'), ('x')) v (value) ORDER BY name, length(value), value;
ROLLBACK;

-- A setting that somebody deleted is named, and install() brings it back.
\set VERBOSITY default
BEGIN;
SET LOCAL client_min_messages = warning;
DELETE FROM coursebase.settings WHERE name = 'referral_credit_in_cents';
SAVEPOINT gone;
SELECT coursebase.pay_referral('00000000-0000-4000-8000-0000000002a1', now());
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO gone;
SELECT count(*) FROM coursebase.install();
SELECT name, value FROM coursebase.settings WHERE name = 'referral_credit_in_cents';
ROLLBACK;
