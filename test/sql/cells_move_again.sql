-- Promise: who moves arrives, whatever happened between two moves: a notification that both cells were sent, an account that was
-- merged before the old cell released it, a merge that brought a second referrer. No count of log entries stays behind.
\set ada '\'00000000-0000-4000-a000-0000000ec2a1\''
\set bob '\'00000000-0000-4000-a000-0000000ec2b1\''
\set eve '\'00000000-0000-4000-a000-0000000ec2e1\''
\set far '\'00000000-0000-4000-a000-0000000ec2f1\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SELECT coursebase.set_cell(0, 2);
SELECT cell FROM coursebase.place_person('again_far', 1, :far);
INSERT INTO coursebase.users (id, clerk_user_id, name) VALUES (:ada, 'again_ada', 'Ada'), (:bob, 'again_bob', 'Bob'), (:eve, 'again_eve', 'Eve');
INSERT INTO coursebase.app_log_counts (writer_id, day, entries) VALUES (:ada, '2026-03-01', 7), (:eve, '2026-03-01', 7);
INSERT INTO coursebase.store_notifications (provider, environment, notification_id, kind, proof, user_id, outcome, applied_at, received_at)
VALUES ('stripe', 'production', 'again-1', 'checkout.session.completed', 'signed', :ada, 'applied', '2026-03-01', '2026-03-01'),
    ('stripe', 'production', 'again-2', 'checkout.session.completed', 'signed', :ada, 'applied', '2026-03-01', '2026-03-01');

-- Ada goes to cell 1. What was sent again comes here, where it finds nobody; another's notification is another's.
CREATE TEMP TABLE ada AS SELECT coursebase.take_person(:ada) AS document;
SELECT writer_id = :eve FROM coursebase.app_log_counts WHERE writer_id IN (:ada, :eve);
SELECT coursebase.move_person(document, 1) FROM ada;
SELECT coursebase.release_person(:ada, encode(sha256(convert_to(document::jsonb::text, 'UTF8')), 'hex')) FROM ada;
INSERT INTO coursebase.store_notifications (provider, environment, notification_id, kind, proof, user_id, outcome, body, received_at)
VALUES ('stripe', 'production', 'again-1', 'checkout.session.completed', 'signed', NULL, 'waiting', '{}', '2026-03-02'),
    ('stripe', 'sandbox', 'again-2', 'checkout.session.completed', 'signed', NULL, 'waiting', '{}', '2026-03-02');
CREATE TEMP TABLE back AS SELECT (document::jsonb || '{"from": 1, "move": 2}')::json AS document FROM ada;
SELECT coursebase.move_person(document, 0), coursebase.put_person(document) IS NOT NULL FROM back;
SELECT environment, notification_id, outcome, user_id = :ada FROM coursebase.store_notifications WHERE notification_id LIKE 'again-%' ORDER BY 1, 2;

-- Bob and Eve go to cell 1, which nobody tells home to release. There Bob becomes Eve, and she comes back with his account.
CREATE TEMP TABLE bob AS SELECT coursebase.take_person(:bob) AS document;
CREATE TEMP TABLE eve AS SELECT coursebase.take_person(:eve) AS document;
SELECT coursebase.move_person(document, 1) FROM bob UNION ALL SELECT coursebase.move_person(document, 1) FROM eve;
CREATE TEMP TABLE both_come AS
SELECT jsonb_set(jsonb_set(jsonb_build_object('user_id', :eve, 'people', jsonb_build_array(:eve, :bob), 'from', 1, 'move', 2, 'tables',
    (SELECT jsonb_object_agg(e.key, e.value || (bob.document::jsonb #> ARRAY['tables', e.key])) FROM jsonb_each(eve.document::jsonb -> 'tables') e)),
    '{tables,users,1,merged_into}', to_jsonb(:eve::text)), '{tables,users,1,deleted_at}', '"2026-03-01 00:00:00+00"')::json AS document
FROM bob, eve;
SELECT coursebase.move_person(document, 0), coursebase.put_person(document) IS NOT NULL FROM both_come;
SELECT count(*) FROM coursebase.moving_people;
SELECT coursebase.take_person(:eve) ->> 'move';
ROLLBACK;

-- Eve was brought by Ada, and Bob, who becomes Eve, by somebody in cell 1. Both Eve and Ada can still move, and what each of the
-- two referrers is told stays with the account that they brought.
BEGIN;
SELECT coursebase.set_cell(0, 2);
SELECT cell FROM coursebase.place_person('again_far', 1, :far);
INSERT INTO coursebase.users (id, clerk_user_id, name) VALUES (:ada, 'again_ada', 'Ada'), (:bob, 'again_bob', 'Bob'), (:eve, 'again_eve', 'Eve');
SELECT coursebase.attach_referrer(:eve, :ada), coursebase.attach_referrer(:bob, :far);
SELECT coursebase.merge_users(:eve, :bob) IS NOT NULL;
SELECT referred = :bob, user_id = :eve, referrer_id = :far FROM coursebase.referral_deliveries;
SAVEPOINT merged;
SELECT coursebase.take_person(:ada) ->> 'move';
SELECT referred = :bob, user_id = :bob, referrer_id = :far, user_id = :eve, referrer_id = :ada FROM coursebase.referral_deliveries ORDER BY referred;
ROLLBACK TO merged;
SELECT json_array_length(coursebase.take_person(:eve) #> '{tables,referral_deliveries}');
ROLLBACK;
