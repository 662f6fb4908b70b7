-- Promise: who comes to home, where a guest of the person has rows already, comes with every row: what the inbox, the log and the
-- events have of the guest stays beside it. Rows that are not the person's are refused all the same.
\set eve '\'00000000-0000-4000-a000-0000000ec1e1\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SELECT coursebase.set_cell(0, 2);
INSERT INTO coursebase.users (id, clerk_user_id, name) VALUES (:eve, 'coming_eve', 'Eve');
INSERT INTO coursebase.server_logs (function_name, level, message, user_id) VALUES ('f', 'info', 'before she left', :eve);
-- She moves to cell 1, and becomes a member of an organisation, which makes the guest.
CREATE TEMP TABLE moved AS SELECT coursebase.take_person(:eve) AS document;
SELECT coursebase.move_person(document, 1) FROM moved;
DELETE FROM coursebase.moving_people;
INSERT INTO coursebase.organizations (id, name, slug) VALUES ('00000000-0000-4000-a000-0000000ec1a1', 'Gym', 'coming-gym');
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('00000000-0000-4000-a000-0000000ec1a1', :eve, 'owner');
SELECT is_guest FROM coursebase.users WHERE id = :eve;
-- What home learns of a guest: a payment that its provider tells, an event, an entry of the log.
INSERT INTO coursebase.store_notifications (provider, environment, notification_id, kind, proof, user_id, outcome, received_at)
VALUES ('stripe', 'production', 'coming-1', 'checkout.session.completed', 'signed', :eve, 'noted', '2026-03-01');
INSERT INTO coursebase.access_events (kind, user_id, subject) VALUES ('access_gained', :eve, 'programs/00000000-0000-4000-a000-0000000ec1b1');
INSERT INTO coursebase.server_logs (function_name, level, message, user_id) VALUES ('f', 'info', 'as a guest', :eve);
-- What cell 1 would answer: the same rows, and the next move.
CREATE TEMP TABLE back AS SELECT (document::jsonb || '{"from": 1, "move": 2}')::json AS document FROM moved;
SELECT coursebase.move_person(document, 0) FROM back;
SAVEPOINT forged;
-- An entry of nobody.
SELECT coursebase.put_person(jsonb_set(document::jsonb, '{tables,server_logs,0,user_id}', 'null')::json) FROM back;
ROLLBACK TO forged;
SELECT coursebase.put_person(document) IS NOT NULL FROM back;
SELECT is_guest, name, clerk_user_id FROM coursebase.users WHERE id = :eve;
SELECT message FROM coursebase.server_logs WHERE user_id = :eve ORDER BY 1;
SELECT (SELECT count(*) FROM coursebase.store_notifications n WHERE n.user_id = :eve), (SELECT count(*) FROM coursebase.access_events e WHERE e.user_id = :eve),
    (SELECT count(*) FROM coursebase.memberships m WHERE m.user_id = :eve), (SELECT count(*) FROM coursebase.user_profile p WHERE p.user_id = :eve);
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
