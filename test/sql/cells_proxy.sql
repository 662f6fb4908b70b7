-- Promise: proxy_functions() has a place for every function that the server may call: in the cell of its person, on home, in any
-- cell, or in each by itself. Whoever adds a function sees here where a proxy sends it.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
SELECT p.runs, substr(p.object, 10) FROM coursebase.proxy_functions('cells') p WHERE p.runs IS NOT NULL ORDER BY p.runs, p.object COLLATE "C";
-- How it is sent there.
SELECT p.ddl FROM coursebase.proxy_functions('cells') p WHERE p.runs IS NULL AND p.object !~ '^revoke';
SELECT p.ddl FROM coursebase.proxy_functions('it''s') p
WHERE p.object ~ '^(revoke on )?function (country_price|upsert_user|refund_payment|transfer_line|storefront_course|metrics)$';
-- Another home.
SELECT coursebase.set_cell(0, 3, 2);
SELECT count(*), count(*) FILTER (WHERE p.ddl ~ 'RUN ON 2;') FROM coursebase.proxy_functions('cells') p WHERE p.runs = 'home';
SELECT count(*) FROM coursebase.proxy_functions(NULL);
ROLLBACK;
