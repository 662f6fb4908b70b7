-- Promise: sample_shop() fills an empty database with a sound shop, for the owner of the tables alone and only where nothing of
-- a business's own is; remove_sample_shop() leaves every table as it was but the audit trail, and rows of others stay.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
CREATE FUNCTION pg_temp.refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
BEGIN
    EXECUTE statement;
    SET CONSTRAINTS ALL IMMEDIATE;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE IN ('23001', '23503') THEN RETURN 'held by rows that point to it'; END IF; -- 18 tells them apart
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE, message, detail);
END $$;
-- What a statement changes ends with it.
CREATE FUNCTION pg_temp.refused_after(change text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE change;
    answer := pg_temp.refused(statement);
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN RETURN answer;
END $$;
CREATE FUNCTION pg_temp.counts() RETURNS TABLE (name text, n bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'coursebase'::regnamespace AND relkind IN ('r', 'p') AND relname NOT IN ('audit_events', 'catalogue_version', 'closed_id_key')
    LOOP
        EXECUTE format('SELECT count(*) FROM coursebase.%I', name) INTO n;
        RETURN NEXT;
    END LOOP;
END $$;
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.counts();

SELECT * FROM coursebase.sample_shop('2026-06-10 12:00+00');
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT * FROM coursebase.check_integrity();
SET LOCAL ROLE regress_anonymous;
SELECT name, price_dollars, access_days, cardinality(course_ids) FROM coursebase.storefront_products ORDER BY name;
SELECT title, is_free FROM coursebase.courses ORDER BY title;
RESET ROLE;
SELECT u.name, u.role, c.title, c.source, c.since, c.until
FROM coursebase.users u LEFT JOIN LATERAL coursebase.my_courses(u.id, '2026-06-10 12:00+00') c ON u.role = 'user' ORDER BY 1, 3;
SELECT lessons, completed FROM coursebase.course_progress('5a5a5a5a-0000-4000-8000-0000000000c2', '5a5a5a5a-0000-4000-8000-0000000000a2');
SELECT u.name, s.status, s.expires_at FROM coursebase.subscriptions s JOIN coursebase.users u ON u.id = s.user_id;
SELECT u.name, p.price_paid_in_cents, p.refunded_in_cents, p.created_at FROM coursebase.purchases p
JOIN coursebase.users u ON u.id = p.user_id ORDER BY 1;

-- Once.
SELECT pg_temp.refused('SELECT coursebase.sample_shop()');

-- What refers to the shop keeps it whole.
SELECT pg_temp.refused_after($$SELECT coursebase.complete_purchase(coursebase.upsert_user('own', 'Own', 'own@example.org'),
    '5a5a5a5a-0000-4000-8000-0000000000d1', 'cs_own', 4900, 'paid')$$, 'SELECT coursebase.remove_sample_shop()');

-- Also when people of the shop bought more, or left; what is the business's own stays.
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES ('00000000-0000-4000-8000-0000000000b1', 'sample_own', 'Own', 'own@example.org');
INSERT INTO coursebase.courses (course_code, title, description) VALUES ('sample-own', 'Own', '');
SELECT status FROM coursebase.complete_purchase('5a5a5a5a-0000-4000-8000-0000000000a4', '5a5a5a5a-0000-4000-8000-0000000000d2', 'cs_more', 7900, 'paid');
SELECT coursebase.delete_user('5a5a5a5a-0000-4000-8000-0000000000a2') IS NOT NULL;
SELECT * FROM coursebase.remove_sample_shop();
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT name FROM coursebase.users UNION ALL SELECT title FROM coursebase.courses;
DELETE FROM coursebase.users;
DELETE FROM coursebase.courses;
SELECT c.name, c.n - b.n FROM pg_temp.counts() c JOIN before b USING (name) WHERE c.n <> b.n ORDER BY 1;
SELECT * FROM coursebase.check_integrity();
SELECT * FROM coursebase.remove_sample_shop();

-- Not where anything is.
SELECT pg_temp.refused_after('INSERT INTO coursebase.' || change, 'SELECT coursebase.sample_shop()') FROM (VALUES
    ($$users (clerk_user_id, name, email) VALUES ('x', 'X', '')$$),
    ($$courses (title, description) VALUES ('x', '')$$),
    ($$products (name, description, image_url, price_dollars) VALUES ('x', '', '/x', 1)$$),
    ($$store_products (product_id, kind) VALUES ('x', 'subscription')$$),
    ($$discount_codes (code, product_type, percent_off) VALUES ('X', 'course', 1)$$),
    ($$master_manifests (name, content) VALUES ('x.json', '{}')$$),
    ($$cohorts (code, name, kind) VALUES ('x', 'X', 'experiment')$$),
    ($$organizations (name, slug, currency) VALUES ('X', 'x', 'EUR')$$)) AS c (change);

-- For the owner alone.
CREATE ROLE regress_other;
GRANT USAGE ON SCHEMA coursebase TO regress_other;
GRANT EXECUTE ON FUNCTION coursebase.sample_shop(timestamptz), coursebase.remove_sample_shop() TO regress_other, regress_server;
SELECT pg_temp.refused_after('SET LOCAL ROLE ' || role, statement) FROM unnest(ARRAY['regress_other', 'regress_server']) AS role,
    unnest(ARRAY['SELECT coursebase.sample_shop()', 'SELECT coursebase.remove_sample_shop()']) AS statement ORDER BY statement, role;
SELECT pg_temp.refused('SELECT coursebase.sample_shop(NULL)');
SELECT pg_temp.refused('SELECT coursebase.sample_shop(''infinity'')');
SELECT pg_temp.refused_after('SET LOCAL transaction_read_only = on', 'SELECT coursebase.sample_shop()');

-- An ordinary owner makes it and removes it; a superuser who is not the owner does not run what hangs on the tables.
CREATE ROLE regress_studio;
SELECT coursebase.hand_over('regress_studio');
SELECT pg_temp.refused('SELECT coursebase.sample_shop()');
SELECT pg_temp.refused('SELECT coursebase.remove_sample_shop()');
SET LOCAL ROLE regress_studio;
SELECT sum(made) FROM coursebase.sample_shop('2026-06-10 12:00+00');
SELECT * FROM coursebase.check_integrity();
SELECT sum(removed) FROM coursebase.remove_sample_shop();
ROLLBACK;
