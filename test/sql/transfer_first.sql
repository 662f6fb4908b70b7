-- Promise: what RevenueCat tells of comes to whom it was transferred, in whatever order purchase and transfers come, and
-- each twice: a transfer before its purchase, before a subscription's first event, several of them, to and fro.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT ('00000000-0000-4000-8000-0000006f150' || n)::uuid, 'late_' || n, 'Ada', 'ada@example.org' FROM generate_series(1, 5) n;
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-0000006f1510', 'C63LAT', 'One', ''), ('00000000-0000-4000-8000-0000006f1511', 'C64LAT', 'Two', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id, course_code) VALUES ('c63lat', 'course', '00000000-0000-4000-8000-0000006f1510', NULL), ('c64lat', 'course', '00000000-0000-4000-8000-0000006f1511', NULL), ('x63lat', 'custom_course', NULL, 'X63LAT'), ('late.premium', 'subscription', NULL, NULL);
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('late.pack', 'ai_credits', 100);
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-0000006f150' || n)::uuid $$;
-- The day is that of February; who is a name of RevenueCat's.
CREATE FUNCTION pg_temp.buys(day integer, who text, product text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.cat(concat_ws('-', 'late', product, day), '2026-02-0' || day, 'NON_RENEWING_PURCHASE', jsonb_build_object('app_user_id', who, 'store', 'PLAY_STORE', 'product_id', product, 'period_type', 'NORMAL', 'transaction_id', 'GPA.' || product, 'purchased_at_ms', pg_temp.ms('2026-02-0' || day), 'expiration_at_ms', NULL)) $$;
CREATE FUNCTION pg_temp.pays(day integer, who text, type text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.cat(concat_ws('-', 'late', type, day), '2026-02-0' || day, type, jsonb_build_object('app_user_id', who, 'store', 'APP_STORE', 'product_id', 'late.premium', 'period_type', 'NORMAL', 'transaction_id', 'late-' || day, 'original_transaction_id', 'late-1', 'purchased_at_ms', pg_temp.ms('2026-02-0' || day), 'expiration_at_ms', pg_temp.ms('2026-03-0' || day))) $$;
CREATE FUNCTION pg_temp.goes(day integer, f text, t text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.cat(concat_ws('-', 'late', f, t, day), '2026-02-0' || day, 'TRANSFER', jsonb_build_object('store', 'PLAY_STORE', 'transferred_from', string_to_array(f, ','), 'transferred_to', string_to_array(t, ','))) $$;
-- Whose everything is, and what waits.
CREATE FUNCTION pg_temp.state(checked boolean DEFAULT true) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(', ', (SELECT string_agg(concat_ws(' ', r.purchase_id, right(r.user_id::text, 1), r.status), ', ' ORDER BY r.purchase_id) FROM coursebase.store_receipts r WHERE r.user_id::text LIKE '%6f150_'),
        (SELECT string_agg(concat_ws(' ', l.original_transaction_id, right(l.user_id::text, 1)), ', ') FROM coursebase.subscription_lines l WHERE l.user_id::text LIKE '%6f150_'),
        (SELECT string_agg('premium ' || right(u.id::text, 1), ', ') FROM coursebase.users u WHERE u.id::text LIKE '%6f150_' AND coursebase.has_premium(u.id, '2026-02-20')),
        (SELECT string_agg('course ' || right(u.id::text, 1), ', ') FROM coursebase.users u WHERE u.id::text LIKE '%6f150_' AND coursebase.has_course_access('00000000-0000-4000-8000-0000006f1510', u.id)),
        (SELECT 'open: ' || string_agg(n.kind || ' ' || n.detail, ', ' ORDER BY n.notification_id) FROM coursebase.store_notifications n WHERE n.outcome IN ('waiting', 'refused')),
        (SELECT string_agg(c.check_name || ' ' || c.problem, ', ') FROM coursebase.check_integrity() c WHERE checked)) $$;
CREATE FUNCTION pg_temp.tell(bodies text[], turn integer[], checked boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE i integer;
BEGIN
    FOREACH i IN ARRAY turn || turn LOOP
        PERFORM coursebase.take_notification('revenuecat', bodies[i], at => '2026-02-10');
    END LOOP;
    RAISE EXCEPTION USING MESSAGE = pg_temp.state(checked);
EXCEPTION WHEN raise_exception THEN RETURN SQLERRM;
END $$;
-- What becomes of them in every order, and in how many orders; one order of each outcome is checked as a whole.
CREATE FUNCTION pg_temp.orders(VARIADIC bodies text[]) RETURNS TABLE (orders bigint, state text) LANGUAGE sql AS $$
    WITH RECURSIVE o (turn) AS (SELECT '{}'::integer[] UNION ALL SELECT o.turn || i FROM o, generate_series(1, cardinality(bodies)) i WHERE i <> ALL (o.turn))
    SELECT count(*), pg_temp.tell(bodies, max(o.turn), true) FROM o, LATERAL pg_temp.tell(bodies, o.turn, false) s WHERE cardinality(o.turn) = cardinality(bodies) GROUP BY s ORDER BY 1 DESC $$;
-- A course, a custom course; a name of either kind, of an account that nobody has here, and of one that is closed.
SELECT * FROM pg_temp.orders(pg_temp.buys(1, 'late_1', 'c63lat'), pg_temp.buys(1, 'late_1', 'x63lat'), pg_temp.goes(5, 'late_1', 'late_2'));
SELECT * FROM pg_temp.orders(pg_temp.buys(1, pg_temp.person(1)::text, 'c63lat'), pg_temp.goes(5, 'late_1,$RCAnonymousID:1', 'late_2'));
SELECT * FROM pg_temp.orders(pg_temp.buys(1, 'late_1', 'c63lat'), pg_temp.goes(5, upper(pg_temp.person(1)::text), 'late_2'));
SELECT * FROM pg_temp.orders(pg_temp.buys(1, '$RCAnonymousID:1', 'c63lat'), pg_temp.goes(5, '$RCAnonymousID:1', 'late_2'));
SAVEPOINT open;
SELECT user_id IS NOT NULL FROM coursebase.delete_user(pg_temp.person(1)) user_id;
SELECT * FROM pg_temp.orders(pg_temp.buys(1, 'late_1', 'c63lat'), pg_temp.goes(5, 'late_1', 'late_2'));
ROLLBACK TO open;
-- On and on, to and fro, at one moment.
SELECT * FROM pg_temp.orders(pg_temp.buys(1, 'late_1', 'c63lat'), pg_temp.goes(5, 'late_1', 'late_2'), pg_temp.goes(6, 'late_2', 'late_3'), pg_temp.goes(7, 'late_3', 'late_4'));
SELECT * FROM pg_temp.orders(pg_temp.buys(1, 'late_1', 'c63lat'), pg_temp.goes(5, 'late_1', 'late_2'), pg_temp.goes(6, 'late_2', 'late_1'), pg_temp.goes(7, 'late_1', 'late_2'));
SELECT * FROM pg_temp.orders(pg_temp.buys(1, 'late_1', 'c63lat'), pg_temp.goes(1, 'late_1', 'late_2'));
SELECT * FROM pg_temp.orders(pg_temp.buys(1, 'late_1', 'late.pack'), pg_temp.goes(5, 'late_1', 'late_2'), pg_temp.goes(6, 'late_2', 'late_3'));
-- What was bought after the transfer stays; what goes on to somebody who is not here waits where it came to.
SELECT * FROM pg_temp.orders(pg_temp.buys(1, 'late_1', 'c63lat'), pg_temp.goes(5, 'late_1', 'late_2'), pg_temp.buys(6, 'late_1', 'c64lat'), pg_temp.goes(7, 'late_2', 'late_3'));
SELECT * FROM pg_temp.orders(pg_temp.buys(1, 'late_1', 'c63lat'), pg_temp.goes(5, 'late_1', 'late_2'), pg_temp.buys(4, 'late_2', 'c64lat'));
SELECT * FROM pg_temp.orders(pg_temp.buys(1, 'late_1', 'c63lat'), pg_temp.goes(5, 'late_1', 'late_2'), pg_temp.goes(6, 'late_2', 'nobody'));
-- A subscription: its first event is late, and its renewal; the line goes with them.
SELECT * FROM pg_temp.orders(pg_temp.pays(1, 'late_1', 'INITIAL_PURCHASE'), pg_temp.goes(5, 'late_1', 'late_2'));
SELECT * FROM pg_temp.orders(pg_temp.pays(1, 'late_1', 'INITIAL_PURCHASE'), pg_temp.pays(2, 'late_1', 'RENEWAL'), pg_temp.goes(5, 'late_1', 'late_2'), pg_temp.pays(6, 'late_2', 'RENEWAL'));
SELECT * FROM pg_temp.orders(pg_temp.pays(1, 'late_1', 'INITIAL_PURCHASE'), pg_temp.goes(5, 'late_1', 'late_2'), pg_temp.goes(6, 'late_2', 'late_3'));
-- What the app's server told of first stays until RevenueCat tells of it, and goes then; told again it goes nowhere.
SELECT pg_temp.goes(5, 'late_1', 'late_2') AS transfer, pg_temp.buys(1, 'late_1', 'c63lat') AS purchase \gset
SELECT outcome, detail FROM coursebase.take_notification('revenuecat', :'transfer', at => '2026-02-10');
SELECT coursebase.validate_purchase(pg_temp.person(1), '{"product_id": "c63lat", "source": "google_play", "purchase_id": "GPA.c63lat", "purchase_token": "t", "transaction_date": "2026-02-01T00:00:00Z"}', '2026-02-10') ->> 'status', pg_temp.state();
SELECT outcome, detail FROM coursebase.take_notification('revenuecat', :'purchase', at => '2026-02-10');
SELECT pg_temp.state();
SELECT moved.* FROM coursebase.transfer_receipt('google_play', 'production', 'GPA.c63lat', pg_temp.person(1)) moved, coursebase.take_notification('revenuecat', pg_temp.buys(2, 'late_1', 'c63lat'), at => '2026-02-10');
SELECT pg_temp.state();
ROLLBACK TO open;
-- A receiver who closed the account is followed no more, one who was merged is; a name that is no text is refused.
SAVEPOINT receiver;
SELECT outcome FROM coursebase.take_notification('revenuecat', :'transfer', at => '2026-02-10');
SELECT user_id IS NOT NULL FROM coursebase.delete_user(pg_temp.person(2)) user_id;
SELECT outcome, right(user_id::text, 1), detail FROM coursebase.take_notification('revenuecat', :'purchase', at => '2026-02-10');
ROLLBACK TO receiver;
SELECT outcome FROM coursebase.take_notification('revenuecat', :'transfer', at => '2026-02-10');
SELECT coursebase.merge_users(pg_temp.person(3), pg_temp.person(2), '2026-02-10') IS NOT NULL;
SELECT outcome, right(user_id::text, 1), detail FROM coursebase.take_notification('revenuecat', :'purchase', at => '2026-02-10');
ROLLBACK TO open;
SELECT pg_temp.refused(format('SELECT coursebase.take_notification(%L, %L)', 'revenuecat', replace(:'transfer', 'late_2', '\ud800')));
SELECT outcome, right(user_id::text, 1), detail FROM coursebase.take_notification('revenuecat', :'purchase', at => '2026-02-10');
ROLLBACK TO open;
-- The caller's word does not change whose it is; a transfer whose body was emptied is not followed.
SELECT outcome FROM coursebase.take_notification('revenuecat', :'transfer', at => '2026-02-10');
SELECT outcome, detail FROM coursebase.take_notification('revenuecat', :'purchase', NULL, NULL, pg_temp.person(1), '2026-02-10');
SELECT outcome, right(user_id::text, 1) FROM coursebase.take_notification('revenuecat', :'purchase', NULL, NULL, pg_temp.person(2), '2026-02-10');
ROLLBACK TO open;
SELECT outcome FROM coursebase.take_notification('revenuecat', :'transfer', at => '2026-02-10');
SELECT coursebase.purge_notifications('2026-03-01') > 0;
SELECT outcome, right(user_id::text, 1) FROM coursebase.take_notification('revenuecat', :'purchase', at => '2026-02-10');
ROLLBACK;
