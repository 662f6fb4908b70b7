-- Promise: check_integrity() finds damaged profiles, and roles and settings that are not what the audit trail
-- says; Bob was brought by Ada. Damage is done by somebody who switched triggers off.
\set VERBOSITY terse
\set check 'SELECT check_name, object, problem FROM coursebase.check_integrity();'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;

INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000000a1', 'check_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-0000000000b1', 'check_bob', 'Bob', 'bob@example.org');
DELETE FROM coursebase.user_profile WHERE user_id IN
    ('00000000-0000-4000-8000-0000000000a1', '00000000-0000-4000-8000-0000000000b1');
INSERT INTO coursebase.user_profile (user_id, email, referral_code, referred_by) VALUES
    ('00000000-0000-4000-8000-0000000000a1', 'ada@example.org', 'UCHECKA', NULL),
    ('00000000-0000-4000-8000-0000000000b1', 'bob@example.org', 'UCHECKB',
        '00000000-0000-4000-8000-0000000000a1');
INSERT INTO coursebase.settings (name, kind, default_value, meaning) VALUES
    ('check_setting', 'integer', '1', 'a setting of this test');
UPDATE coursebase.settings SET value = '2' WHERE name = 'check_setting';
UPDATE coursebase.settings SET value = '3' WHERE name = 'check_setting';
:check

SET LOCAL session_replication_role = replica;
SAVEPOINT sound;
-- People.
ALTER TABLE coursebase.user_profile DROP CONSTRAINT user_profile_email_lower_check;
ALTER TABLE coursebase.user_profile DROP CONSTRAINT user_profile_referral_code_form_check;
UPDATE coursebase.user_profile SET email = 'Ada@example.org', time_zone = 'Middle/Earth',
    referral_code = 'ada', referred_by = '00000000-0000-4000-8000-0000000000b1'
WHERE user_id = '00000000-0000-4000-8000-0000000000a1';
:check
ROLLBACK TO sound;

-- A role that was given behind the audit trail's back.
UPDATE coursebase.users SET role = 'admin' WHERE id = '00000000-0000-4000-8000-0000000000b1';
:check
ROLLBACK TO sound;

-- A setting that was changed behind the audit trail's back: to a value, to none.
UPDATE coursebase.settings SET value = '5' WHERE name = 'check_setting';
:check
UPDATE coursebase.settings SET value = NULL WHERE name = 'check_setting';
:check
ROLLBACK TO sound;
DELETE FROM coursebase.audit_events WHERE object = 'settings/check_setting';
:check
ROLLBACK TO sound;
:check
ROLLBACK;
