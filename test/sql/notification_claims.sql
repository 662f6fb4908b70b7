-- Promise: a settled notification that comes again for another person answers that person, and nothing of the first one's: a rule
-- refuses it and changes nothing, or the first account is closed and the purchase goes to who brings it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000571901\''
\set bob '\'00000000-0000-4000-8000-000000571902\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES (:ada, 'claim_ada', 'Ada', 'ada@example.org'), (:bob, 'claim_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000571900', 'C19CLM', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('c19clm', 'course', '00000000-0000-4000-8000-000000571900');
CREATE FUNCTION pg_temp.brought(who uuid) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, CASE user_id WHEN who THEN 'theirs' END, result ->> 'status', detail)
    FROM coursebase.take_notification('app_store', pg_temp.apple_token(jsonb_build_object('environment', 'Production', 'type', 'Non-Consumable',
        'transactionId', 'claim-1', 'productId', 'c19clm', 'purchaseDate', pg_temp.ms('2026-02-01'), 'signedDate', pg_temp.ms('2026-02-01'))), NULL, NULL, who, '2026-02-15') $$;
CREATE FUNCTION pg_temp.kept() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', n.outcome, u.clerk_user_id, count(*) OVER ()) FROM coursebase.store_notifications n JOIN coursebase.users u ON u.id = n.user_id
    WHERE n.provider = 'app_store' AND n.notification_id LIKE '%claim-1%' $$;
CREATE FUNCTION pg_temp.has(who uuid) RETURNS boolean LANGUAGE sql AS $$
    SELECT coursebase.has_course_access('00000000-0000-4000-8000-000000571900', who) $$;
SELECT pg_temp.brought(:ada), pg_temp.kept();
SELECT pg_temp.brought(:bob), pg_temp.kept();
SELECT pg_temp.has(:ada), pg_temp.has(:bob);
SELECT pg_temp.brought(NULL), pg_temp.brought(:ada), pg_temp.kept();
-- the account that was merged into another is that one
SELECT coursebase.upsert_user('claim_twin', 'Ada', 'twin@example.org') AS twin \gset
SELECT coursebase.merge_users(keep => :'twin', gone => :ada) IS NOT NULL;
SELECT pg_temp.brought(:'twin'), pg_temp.brought(:ada);
SELECT coursebase.delete_user(:'twin') IS NOT NULL;
SELECT pg_temp.brought(:bob), pg_temp.kept();
SELECT pg_temp.brought(:bob), pg_temp.kept();
SELECT pg_temp.has(:bob);
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
