-- Promise: a sandbox gives rights to the accounts that sandbox_testers names and to nobody else, while accept_sandbox is
-- off; a tester pays nobody and spends no first purchase.
\set ada '\'00000000-0000-4000-8000-000000535161\''
\set bob '\'00000000-0000-4000-8000-000000535162\''
\set course '\'00000000-0000-4000-8000-000000535163\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'tester_ada', 'Ada', 'ada@example.org'), (:bob, 'tester_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:course, 'C35TES', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('c35tes', 'course', :course), ('tester.premium', 'subscription', NULL);
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, first_purchase_only) VALUES ('FIRST', 'course', 50, true);
UPDATE coursebase.user_profile SET referred_by = :bob WHERE user_id = :ada;
CREATE FUNCTION pg_temp.buys(person uuid, product text, purchase text) RETURNS text LANGUAGE sql AS $$
    SELECT coursebase.validate_purchase(person, json_build_object('product_id', product, 'source', 'app_store', 'environment', 'Sandbox', 'purchase_id', purchase,
        'purchase_token', 't', 'transaction_date', '2026-01-01T12:00:00Z', 'period_end', '2026-02-01T12:00:00Z'), '2026-01-02') ->> 'status' $$;
SELECT pg_temp.buys(:ada, 'c35tes', 's-1'), pg_temp.buys(:ada, 'tester.premium', 's-2');
UPDATE coursebase.settings SET value = '00000000-0000-4000-8000-0000000000ff, 00000000-0000-4000-8000-000000535161' WHERE name = 'sandbox_testers';
SELECT pg_temp.buys(:ada, 'c35tes', 's-1'), pg_temp.buys(:ada, 'tester.premium', 's-2');
SELECT pg_temp.buys(:bob, 'c35tes', 's-3'), pg_temp.buys(:bob, 'tester.premium', 's-4');
SELECT u, coursebase.has_course_access(:course, u), coursebase.has_premium(u, '2026-01-15') FROM unnest(ARRAY[:ada, :bob]::uuid[]) u;
SELECT count(*) FROM coursebase.referral_credits WHERE user_id = :bob;
SELECT valid FROM coursebase.validate_discount(:ada, 'FIRST', 'course', 1000, 'EUR', at => '2026-01-15');
-- Taken off the list, the tester has nothing; everybody has what they bought while accept_sandbox is on.
UPDATE coursebase.settings SET value = NULL WHERE name = 'sandbox_testers';
SELECT u, coursebase.has_course_access(:course, u), coursebase.has_premium(u, '2026-01-15') FROM unnest(ARRAY[:ada, :bob]::uuid[]) u;
UPDATE coursebase.settings SET value = 'true' WHERE name = 'accept_sandbox';
SELECT pg_temp.buys(:bob, 'c35tes', 's-3');
SELECT coursebase.has_course_access(:course, :bob), coursebase.has_premium(:ada, '2026-01-15');
SELECT count(*), string_agg(DISTINCT check_name, ' ') FROM coursebase.check_integrity();
ROLLBACK;
