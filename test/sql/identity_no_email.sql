-- Promise: a person may sign up without an address. It is empty in users, whoever writes it, and NULL in the profile; a later
-- report fills it in, and one that is empty takes it away.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
CREATE VIEW pg_temp.people AS
SELECT u.clerk_user_id, quote_nullable(u.email) AS of_user, quote_nullable(p.email) AS of_profile
FROM coursebase.users u JOIN coursebase.user_profile p ON p.user_id = u.id ORDER BY u.clerk_user_id;
-- By the function: left out, NULL, empty.
SELECT coursebase.upsert_user(clerk_user_id => 'by_phone', name => '', phone_number => '+49151') IS NOT NULL;
SELECT coursebase.upsert_user('null', 'Nora', NULL) IS NOT NULL;
SELECT coursebase.upsert_user('empty', 'Emil', '') IS NOT NULL;
-- By plain SQL, as a trigger of the provider's table passes it on: left out, NULL; the profile too.
INSERT INTO coursebase.users (clerk_user_id, name) VALUES ('plain_absent', 'Pia');
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('plain_null', 'Pit', NULL);
INSERT INTO coursebase.users (clerk_user_id, name) VALUES ('plain_profile', 'Pau');
INSERT INTO coursebase.user_profile (user_id, first_name) SELECT id, 'Pau' FROM coursebase.users WHERE clerk_user_id = 'plain_profile';
TABLE pg_temp.people;
-- A report with an address fills it in, one without leaves it, an empty one takes it away.
SELECT count(coursebase.upsert_user(clerk_user_id, email => 'New@Example.org')) FROM coursebase.users;
TABLE pg_temp.people;
SELECT count(coursebase.upsert_user(clerk_user_id)) FROM coursebase.users;
UPDATE coursebase.users SET email = NULL WHERE clerk_user_id = 'plain_null';
SELECT coursebase.upsert_user('null', email => '') IS NOT NULL;
TABLE pg_temp.people;
-- A name a new account must have.
SAVEPOINT whole;
SELECT coursebase.upsert_user('nameless');
ROLLBACK TO whole;
-- What everybody can do, they can: export, closing, and checks find nothing.
SELECT coursebase.export_user(id) -> 'user_profile' IS NOT NULL FROM coursebase.users WHERE clerk_user_id = 'by_phone';
SELECT count(coursebase.delete_user(id)) FROM coursebase.users WHERE clerk_user_id IN ('null', 'plain_null');
SELECT count(*) FROM coursebase.user_profile WHERE email = '';
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
-- A profile that a load left out is made without an address.
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-0000000000a1', 'loaded', 'Lou', '');
SET LOCAL session_replication_role = origin;
SELECT what, made FROM coursebase.adopt() WHERE made > 0;
SELECT email IS NULL FROM coursebase.user_profile;
-- Closing takes what it says all the same: the code that others may know. A profile that was left is named.
SELECT referral_code AS code FROM coursebase.user_profile \gset
SELECT coursebase.delete_user(id) IS NOT NULL FROM coursebase.users;
SELECT email, referral_code <> :'code' FROM coursebase.user_profile;
SELECT * FROM coursebase.check_integrity();
UPDATE coursebase.user_profile SET email = NULL;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
