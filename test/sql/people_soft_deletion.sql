-- Promise: a program that closes an account by an UPDATE of users closes it as delete_user() does: nothing is left of
-- the person but the program's own words; an account is opened again only for somebody who can sign in.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-a000-00000000000a\''
\set bob '\'00000000-0000-4000-a000-00000000000b\''
\set row 'SELECT name, email, image_url, role, deleted_at, clerk_user_id ~ \'^deleted:[-0-9a-f]{36}$\' AS freed FROM coursebase.users WHERE id =' :ada ';'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/refused.sql
CREATE ROLE regress_soft_user;
CREATE ROLE regress_soft_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_soft_user', 'regress_soft_server');
UPDATE coursebase.users SET role = 'admin', image_url = 'https://example.org/ada.png', name = 'Ada', email = 'ada@example.org' WHERE id = :ada;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-a000-0000000000c9', 'soft_cyd', 'Cyd', 'cyd@example.org');
-- A user cannot close anybody, oneself included; the last owner of an organisation stays.
SET LOCAL ROLE regress_soft_user;
SET LOCAL request.jwt.claims = '{"sub": "soft_cyd"}';
SELECT pg_temp.refused($$UPDATE coursebase.users SET deleted_at = now() WHERE clerk_user_id = 'soft_cyd'$$);
RESET request.jwt.claims;
SET LOCAL ROLE regress_soft_server;
SELECT split_part(pg_temp.refused($$UPDATE coursebase.users SET deleted_at = now() WHERE id = '00000000-0000-4000-a000-00000000000a'$$), ' | ', 1);
UPDATE coursebase.memberships SET role = 'owner' WHERE id = '00000000-0000-4000-a000-000000000212';
SAVEPOINT open;
-- What the seeds' programs write, the same external id for everybody included.
UPDATE coursebase.users SET deleted_at = '2026-05-02 12:00+00', name = 'Deleted User', email = 'redacted@deleted.com', clerk_user_id = 'deleted', image_url = NULL WHERE id = :ada RETURNING name;
UPDATE coursebase.users SET deleted_at = '2026-05-02 12:00+00', name = 'Deleted User', email = 'redacted@deleted.com', clerk_user_id = 'deleted', image_url = NULL WHERE clerk_user_id = 'soft_cyd' RETURNING name;
:row
SELECT first_name, email, time_zone, devices, referral_code <> 'UFIXADA' FROM coursebase.user_profile WHERE user_id = :ada;
SELECT count(*) FROM coursebase.audit_events WHERE action = 'account_closed' AND object = 'users/' || :ada;
SELECT new FROM coursebase.audit_events WHERE action = 'role_changed' AND object = 'users/' || :ada ORDER BY created_at DESC LIMIT 1;
SELECT * FROM coursebase.check_integrity();
-- Closed already: the first time stays, and so do the words.
SELECT coursebase.delete_user(:ada, '2026-06-01');
:row
-- What came since goes.
UPDATE coursebase.users SET name = 'Ada again', image_url = 'https://example.org/a.png' WHERE id = :ada;
SELECT problem FROM coursebase.check_integrity();
SELECT coursebase.delete_user(:ada);
SELECT * FROM coursebase.check_integrity();
:row
ROLLBACK TO open;
-- Without words, and with words that tell of the person, nothing stays.
UPDATE coursebase.users SET deleted_at = '2026-05-02 12:00+00' WHERE id = :ada;
:row
SELECT * FROM coursebase.check_integrity();
ROLLBACK TO open;
UPDATE coursebase.users SET deleted_at = '2026-05-02 12:00+00', name = 'Deleted (Ada)', email = 'deleted-ada@example.org' WHERE id = :ada;
:row
ROLLBACK TO open;
UPDATE coursebase.users SET deleted_at = '2026-05-02 12:00+00', name = 'Somebody', email = 'old@example.org' WHERE id = :ada;
:row
-- Opened again: not without anybody who could sign in; rights and purchases are there, what was removed is not.
SELECT pg_temp.refused($$UPDATE coursebase.users SET deleted_at = NULL WHERE id = '00000000-0000-4000-a000-00000000000a'$$);
SELECT count(*) > 0 FROM coursebase.purchases WHERE user_id = :ada;
UPDATE coursebase.users SET deleted_at = NULL, clerk_user_id = 'soft_ada_2', name = 'Ada', email = 'ada@example.org' WHERE id = :ada;
SELECT coursebase.upsert_user('soft_ada_2', 'Ada', 'ada@example.org') = :ada;
SELECT first_name, email FROM coursebase.user_profile WHERE user_id = :ada;
SELECT * FROM coursebase.check_integrity();
-- Many at once; a dump and replication bring rows as they were.
ROLLBACK TO open;
INSERT INTO coursebase.memberships (organization_id, user_id, role) SELECT id, '00000000-0000-4000-a000-0000000000c9', 'owner' FROM coursebase.organizations;
UPDATE coursebase.users SET deleted_at = '2026-05-02 12:00+00' WHERE id <> '00000000-0000-4000-a000-0000000000c9';
SELECT count(*) FROM coursebase.check_integrity();
RESET ROLE;
SET LOCAL check_function_bodies = off;
UPDATE coursebase.users SET deleted_at = '2026-05-02 12:00+00', name = 'As it was' WHERE id = '00000000-0000-4000-a000-0000000000c9';
SELECT name, clerk_user_id FROM coursebase.users WHERE id = '00000000-0000-4000-a000-0000000000c9';
ROLLBACK;
