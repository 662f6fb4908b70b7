-- Promise: install_country_discounts() fills the discounts by country with the usual groups, never touches a row that is
-- there, makes nothing twice, and is the owner's alone.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
CREATE ROLE regress_countries_user;
CREATE ROLE regress_countries_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_countries_user', 'regress_countries_server');
SELECT count(*) FROM coursebase.country_discounts;
-- What the business decided before stays, a country of high income too.
INSERT INTO coursebase.country_discounts (country, percent_off, updated_at) VALUES
    ('IN', 65, '2020-01-01'), ('PT', 10, '2020-01-01');
SELECT coursebase.install_country_discounts();
SELECT country, percent_off, updated_at = '2020-01-01' FROM coursebase.country_discounts WHERE country IN ('IN', 'PT') ORDER BY 1;
SELECT percent_off, count(*), min(country), max(country) FROM coursebase.country_discounts GROUP BY 1 ORDER BY 1;
-- One of each group, and none where incomes are high.
SELECT c, d.percent_off FROM unnest('{BR,NG,ET,US,DE,JP,KR,AE}'::text[]) c
LEFT JOIN coursebase.country_discounts d ON d.country = c ORDER BY c;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES
    ('00000000-0000-4000-8000-0000000e7a01', 'Calm', '', '/calm.png', 49);
SELECT c, coursebase.country_price('00000000-0000-4000-8000-0000000e7a01', c) FROM unnest('{US,BR,NG,ET,IN,XK}'::text[]) c;
-- A second call makes what was deleted meanwhile, and nothing else.
SELECT coursebase.install_country_discounts();
DELETE FROM coursebase.country_discounts WHERE country IN ('BR', 'PT');
UPDATE coursebase.country_discounts SET percent_off = 5 WHERE country = 'NG';
SELECT coursebase.install_country_discounts();
SELECT country, percent_off FROM coursebase.country_discounts WHERE country IN ('BR', 'NG', 'PT') ORDER BY 1;
SELECT count(*) FROM coursebase.check_integrity();
-- Neither a user nor the server may call it.
SET LOCAL ROLE regress_countries_user;
SELECT pg_temp.refused('SELECT coursebase.install_country_discounts()');
RESET ROLE;
SET LOCAL ROLE regress_countries_server;
SELECT pg_temp.refused('SELECT coursebase.install_country_discounts()');
ROLLBACK;
