-- Promise: a server that writes every name in quotes (quote_all_identifiers = on) gets the same answers: what is read from the
-- text of an object's definition is found there with quotes too.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
SET LOCAL quote_all_identifiers = on;
-- what CREATE EXTENSION keeps there of SET search_path
ALTER FUNCTION coursebase.help(text) SET search_path = pg_catalog, pg_temp;
SELECT proconfig FROM pg_proc WHERE oid = 'coursebase.help(text)'::regprocedure;
SELECT rule, object FROM coursebase.lint();
ALTER FUNCTION coursebase.help(text) SET search_path = public, pg_temp;
SELECT rule, object FROM coursebase.lint() WHERE rule = 'search_path_not_fixed';
ALTER FUNCTION coursebase.help(text) SET search_path = pg_catalog, pg_temp;
-- Keys of rows that were there before there were cells, by the conditions of triggers.
SELECT coursebase.set_cell(0, 3);
DELETE FROM coursebase.world_keys;
SELECT count(*) FROM coursebase.claim_stored_keys();
SELECT count(*) > 0 FROM coursebase.world_keys;
SELECT coursebase.set_cell(NULL);
-- A schema for gateways, twice, and whatever the setting was the first time.
SELECT count(*) > 0 FROM coursebase.make_api('regress_api', true);
SELECT count(*) > 0 FROM coursebase.make_api('regress_api', true);
SELECT obj_description('regress_api.users'::regclass) LIKE '@primaryKey id%';
SET LOCAL quote_all_identifiers = off;
SELECT count(*) > 0 FROM coursebase.make_api('regress_api', true);
SET LOCAL quote_all_identifiers = on;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT count(*) FROM coursebase.install();
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
