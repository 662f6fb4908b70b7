-- Promise: check_integrity() finds damaged profiles, roles and settings that are not what the audit trail says, and
-- what is left of people who left; Bob was brought by Ada. Damage is done by somebody who switched triggers off.
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
ALTER TABLE coursebase.user_profile DROP CONSTRAINT user_profile_referral_code_six_to_eight_letters_check;
UPDATE coursebase.user_profile SET email = 'Ada@example.org', time_zone = 'Middle/Earth',
    referral_code = 'ada', referred_by = '00000000-0000-4000-8000-0000000000b1'
WHERE user_id = '00000000-0000-4000-8000-0000000000a1';
:check
ROLLBACK TO sound;

-- A role that was given behind the audit trail's back.
UPDATE coursebase.users SET role = 'admin' WHERE id = '00000000-0000-4000-8000-0000000000b1';
:check
ROLLBACK TO sound;

-- What a closed account still holds: each thing of its own.
SET LOCAL session_replication_role = origin;
SELECT coursebase.delete_user('00000000-0000-4000-8000-0000000000b1', '2026-01-01') IS NOT NULL;
:check
SET LOCAL session_replication_role = replica;
SAVEPOINT closed;
UPDATE coursebase.users SET clerk_user_id = 'check_bob' WHERE id = '00000000-0000-4000-8000-0000000000b1';
UPDATE coursebase.user_profile SET devices = '{"phone": {}}' WHERE user_id = '00000000-0000-4000-8000-0000000000b1';
INSERT INTO coursebase.analytics (user_id) VALUES ('00000000-0000-4000-8000-0000000000b1');
INSERT INTO coursebase.audio_usage (user_id, course_code, audio_key, play_count) VALUES ('00000000-0000-4000-8000-0000000000b1', 'C01AAA', 'a', 1);
INSERT INTO coursebase.app_logs (user_id, log_type, message) VALUES ('00000000-0000-4000-8000-0000000000b1', 'error', 'x');
INSERT INTO coursebase.server_logs (user_id, function_name, level, message) VALUES ('00000000-0000-4000-8000-0000000000b1', 'f', 'info', 'x');
SELECT problem FROM coursebase.check_account() ORDER BY 1;
ROLLBACK TO closed;
INSERT INTO coursebase.custom_courses (user_id, course_code, title, description, data, checksum, file_size_bytes) VALUES
    ('00000000-0000-4000-8000-0000000000b1', 'X99ENB', '', '', '{"audio_files": [1]}', md5('{"audio_files": [1]}'), 20);
INSERT INTO coursebase.user_cohorts (user_id, cohort_id) VALUES ('00000000-0000-4000-8000-0000000000b1', gen_random_uuid());
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES (gen_random_uuid(), '00000000-0000-4000-8000-0000000000b1', 'coach');
INSERT INTO coursebase.user_discounts (user_id, discount_code_id, assigned_at, status, reserved_until, order_ref) VALUES
    ('00000000-0000-4000-8000-0000000000b1', gen_random_uuid(), '2026-01-01', 'reserved', '2026-01-01', 'x');
INSERT INTO coursebase.cached_handshake_responses (user_id, response, digest, computed_at, catalogue_version, cohort_version, user_version)
VALUES ('00000000-0000-4000-8000-0000000000b1', '{}', md5(''), '2026-01-01', 0, 0, 0);
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, program_id, amount_in_cents, currency, type) VALUES
    (gen_random_uuid(), '00000000-0000-4000-8000-0000000000b1', gen_random_uuid(), gen_random_uuid(), 1, 'EUR', 'charge');
WITH e AS (
    INSERT INTO coursebase.course_entitlements (user_id, program_id, organization_id, status) VALUES
        ('00000000-0000-4000-8000-0000000000b1', gen_random_uuid(), gen_random_uuid(), 'active') RETURNING id)
INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, program_id, notes)
SELECT id, gen_random_uuid(), gen_random_uuid(), 'my knee' FROM e;
SELECT problem FROM coursebase.check_account() ORDER BY 1;
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
