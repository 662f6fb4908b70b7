-- Promise: what is longer than any code, word or id is not looked up by it: a visitor's text of megabytes would be folded for a second,
-- and shown in a message that goes to the log.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
SELECT id AS ada FROM coursebase.users WHERE clerk_user_id = 'fixture_ada' \gset
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('LONG10', 'course', 10);
INSERT INTO coursebase.country_discounts (country, percent_off) VALUES ('BR', 30) ON CONFLICT DO NOTHING;
SELECT referral_code AS own FROM coursebase.user_profile WHERE user_id = '00000000-0000-4000-a000-00000000000b' \gset
CREATE FUNCTION pg_temp.message(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; detail text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE, left(message, 100), length(message) < 120 AND length(detail) < 3100);
END $$;

-- Blanks around a code are ignored, but not thousands of them.
SELECT n, c.kind, r.kind, d.reason, coursebase.country_price((SELECT id FROM coursebase.products WHERE price_dollars = 49 LIMIT 1), repeat(' ', n) || 'BR')
FROM (VALUES (10), (5000)) AS v (n), coursebase.validate_referral_code(repeat(' ', n) || 'long10') c,
    coursebase.validate_referral_code(repeat(' ', n) || :'own' || repeat(' ', n)) r,
    coursebase.validate_discount(:'ada', 'long10' || repeat(' ', n), 'course', 100, 'USD') d;
-- The beginning of a longer text is no code.
SELECT kind FROM coursebase.validate_referral_code('LONG10' || repeat(' ', 5000) || 'x');
SELECT pg_temp.message(format('SELECT coursebase.attach_referral(%L, %L)', :'ada', :'own' || repeat(' ', 5000)));
SELECT pg_temp.message(format('SELECT coursebase.redeem_discount(%L, repeat(%L, 100000), %L, 100, %L, %L)', :'ada', 'long', 'course', 'USD', 'o'));

-- Of a word that nobody knows a message shows the beginning, by whole letters.
SELECT pg_temp.message(s) FROM (VALUES
    ('SELECT coursebase.organization_ids_as(repeat(''word'', 1000))'),
    ('SELECT coursebase.organization_ids_as(''w'' || repeat(''é'', 1000))'),
    ('SELECT coursebase.json_checksum(''{}'', repeat(''word'', 1000))'),
    ('SELECT coursebase.has_entitlement(repeat(''word'', 1000))'),
    ('SELECT coursebase.organization_ids_as(''word'')')) AS v (s);

-- An id that no index could hold.
SELECT pg_temp.message(format(s, :'ada', repeat('i', 513))) FROM (VALUES
    ('SELECT coursebase.spend_referral_credit(%L, 1, %L)'),
    ('SELECT coursebase.redeem_discount(%L, ''long10'', ''course'', 100, ''USD'', %L)'),
    ('SELECT coursebase.complete_purchase(%L, gen_random_uuid(), %L, 1, ''paid'')'),
    ('SELECT coursebase.create_custom_course(%L, ''app_store'', ''production'', %L, ''t'', ''X10ABC'', ''t'', ''d'')')) AS v (s);
SELECT pg_temp.message(format('SELECT coursebase.refund_credit_pack(%L, %L, %L)', 'app_store', 'production', repeat('i', 513)));
ROLLBACK;
