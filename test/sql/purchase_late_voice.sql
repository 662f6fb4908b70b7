-- Promise: a course is given in the voice that its receipt names, whoever told of the purchase first: the store's notification,
-- which knows of no voice, or the app; of the purchases of a course in one voice one is valid.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000766f61\''
\set state 'SELECT purchase_id, r.status, r.voice, r.detail ->> ''voice'' AS shown, r.receipt ->> ''voice'' AS kept, c.status AS course, c.voice FROM coursebase.store_receipts r JOIN coursebase.course_purchases c USING (source, environment, purchase_id) WHERE purchase_id LIKE ''voice-%'' ORDER BY 1; SELECT check_name, problem FROM coursebase.check_integrity();'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'voice_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000766f62', 'V76OIC', 'Voices', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('v76oic', 'course', '00000000-0000-4000-8000-000000766f62');
CREATE FUNCTION pg_temp.told(n text) RETURNS text LANGUAGE sql AS $$
    SELECT outcome FROM coursebase.take_notification('revenuecat', pg_temp.cat('voice-' || n, '2026-02-01', 'NON_RENEWING_PURCHASE', jsonb_build_object(
        'app_user_id', 'voice_ada', 'store', 'APP_STORE', 'product_id', 'v76oic', 'transaction_id', 'voice-' || n, 'purchased_at_ms', pg_temp.ms('2026-02-01'))), at => '2026-02-01 10:00') $$;
CREATE FUNCTION pg_temp.brings(n text, voice text, state text DEFAULT 'paid') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', v ->> 'status', v -> 'course' ->> 'voice') FROM coursebase.validate_purchase('00000000-0000-4000-8000-000000766f61', json_strip_nulls(json_build_object('product_id', 'v76oic', 'source', 'app_store',
        'purchase_id', 'voice-' || n, 'purchase_token', 't', 'transaction_date', pg_temp.ms('2026-02-01'), 'voice', voice, 'state', state)), '2026-02-01 10:01') v $$;
SAVEPOINT nothing;
-- The notification is quicker. The receipt is told again, without a voice, and with another one.
SELECT pg_temp.told('1'), pg_temp.brings('1', 'female');
:state
SELECT pg_temp.brings('1', 'female'), pg_temp.brings('1', NULL), pg_temp.told('1'), pg_temp.refused($$SELECT pg_temp.brings('1', 'male')$$);
:state
-- Both voices are bought, and both notifications come first, in whichever order the receipts follow.
ROLLBACK TO nothing;
SELECT pg_temp.told('1'), pg_temp.told('2');
:state
SAVEPOINT two;
SELECT pg_temp.brings('1', 'female');
:state
SELECT pg_temp.brings('2', 'male');
:state
ROLLBACK TO two;
SELECT pg_temp.brings('2', 'male'), pg_temp.brings('1', 'female');
:state
-- The same voice twice: the second is to be refunded, and takes the place when the first one is.
ROLLBACK TO nothing;
SELECT pg_temp.brings('1', 'female'), pg_temp.told('2');
:state
SELECT pg_temp.brings('2', 'female');
:state
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'voice-1', '2026-02-02');
:state
-- The app names the voice while the purchase is pending, and the store tells that it is paid.
ROLLBACK TO nothing;
SELECT pg_temp.brings('1', 'male', 'pending'), pg_temp.told('1');
:state
-- What is refunded gives no voice.
ROLLBACK TO nothing;
SELECT pg_temp.told('1'), (SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'voice-1', '2026-02-02')), pg_temp.brings('1', 'male');
:state
ROLLBACK;
