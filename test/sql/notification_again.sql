-- Promise: a notification that waits is tried again with what its row knows: the person whom the row names, and the body that was
-- proven best. A later delivery without a proof brings a person or a document, and no other content.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000572001\''
\set bob '\'00000000-0000-4000-8000-000000572002\''
\set course '\'00000000-0000-4000-8000-000000572000\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES (:ada, 'again_ada', 'Ada', 'ada@example.org'), (:bob, 'again_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:course, 'C20AGN', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('c20agn', 'course', :course);
-- A purchase whose account token is that person's, or nobody's.
CREATE FUNCTION pg_temp.bought(id text, who text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.apple_token(jsonb_strip_nulls(jsonb_build_object('environment', 'Production', 'type', 'Non-Consumable',
        'transactionId', id, 'productId', 'c20agn', 'appAccountToken', who,
        'purchaseDate', pg_temp.ms('2026-02-01'), 'signedDate', pg_temp.ms('2026-02-01')))) $$;
CREATE FUNCTION pg_temp.take(body text, who uuid) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', t.outcome, u.clerk_user_id)
    FROM coursebase.take_notification('app_store', body, NULL, NULL, who, '2026-02-15') t
    LEFT JOIN coursebase.users u ON u.id = t.user_id $$;
CREATE FUNCTION pg_temp.kept() RETURNS TABLE (of text, outcome text, who text, proof text) LANGUAGE sql AS $$
    SELECT split_part(n.notification_id, '/', 1), n.outcome, u.clerk_user_id, n.proof
    FROM coursebase.store_notifications n LEFT JOIN coursebase.users u ON u.id = n.user_id
    WHERE n.notification_id LIKE 'again-%' ORDER BY 1 $$;
-- the tables' owner says whose it is
SELECT pg_temp.take(pg_temp.bought('again-1', NULL), NULL);
UPDATE coursebase.store_notifications SET user_id = :ada WHERE notification_id LIKE 'again-1/%';
SELECT outcome, detail FROM coursebase.replay_notifications();
SELECT coursebase.has_course_access(:course, :ada);
-- proven content (here the owner stands for the signature) is not exchanged for what nobody proved
SELECT pg_temp.take(pg_temp.bought('again-2', NULL), NULL);
UPDATE coursebase.store_notifications SET proof = 'signed' WHERE notification_id LIKE 'again-2/%';
SELECT pg_temp.take(pg_temp.bought('again-2', :bob), NULL);
SELECT * FROM pg_temp.kept();
SELECT pg_temp.take(pg_temp.bought('again-2', :ada), :bob);
SELECT * FROM pg_temp.kept();
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
