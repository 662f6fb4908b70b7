-- Promise: a table of the extension that is gone is a row of check_integrity() instead of its end, whichever it is; so is a
-- column, with the check that cannot do without it.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SET LOCAL coursebase.allow_drop = on;
CREATE FUNCTION pg_temp.without(ddl text) RETURNS TABLE (check_name text, object text) LANGUAGE plpgsql AS $$
DECLARE found text[];
BEGIN
    BEGIN
        EXECUTE ddl;
        SELECT array_agg(c.check_name || '|' || c.object ORDER BY c.check_name, c.object) INTO found FROM coursebase.check_integrity() c;
        RAISE 'back' USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
    END;
    RETURN QUERY SELECT split_part(f, '|', 1), split_part(f, '|', 2) FROM unnest(found) AS f;
END $$;

-- Each table, alone: it is named, nothing else is missing, and what else is said is what could not be checked.
CREATE TEMP TABLE told AS
SELECT t.name, w.check_name, w.object
FROM (SELECT split_part(object, ' ', 2) AS name FROM coursebase.steps() WHERE object LIKE 'table %') t
LEFT JOIN LATERAL pg_temp.without(format('DROP TABLE coursebase.%I CASCADE', t.name)) w ON true;
SELECT count(DISTINCT name) > 50, count(DISTINCT name) FILTER (WHERE (check_name, object) = ('missing_table', 'table ' || name)) = count(DISTINCT name)
FROM told;
SELECT * FROM told WHERE (check_name, object) IS DISTINCT FROM ('missing_table', 'table ' || name) AND check_name <> 'not_checked';

-- All of them, and one with what is said.
SELECT count(*) FILTER (WHERE w.check_name = 'missing_table') = count(DISTINCT s.object), bool_or(w.object = 'check_sales')
FROM coursebase.steps() s, pg_temp.without((SELECT format('DROP TABLE %s CASCADE', string_agg('coursebase.' || split_part(object, ' ', 2), ', '))
    FROM coursebase.steps() WHERE object LIKE 'table %')) w
WHERE s.object LIKE 'table %' AND (w.check_name <> 'missing_table' OR w.object = s.object);
SAVEPOINT whole;
DROP TABLE coursebase.master_manifests CASCADE;
SELECT * FROM coursebase.check_integrity();
-- The other checks look on: one more fault is found.
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.organizations (id, slug, name, currency, time_zone) VALUES
    ('00000000-0000-4000-8000-0000000000f1', 'gone', 'Gone', 'EUR', 'UTC');
SELECT check_name, object FROM coursebase.check_integrity();
ROLLBACK TO whole;
-- A column.
ALTER TABLE coursebase.user_profile DROP COLUMN referred_by CASCADE;
SELECT * FROM coursebase.check_integrity();
ROLLBACK TO whole;
-- What is no damage of a table passes on: no right, a value that is none.
CREATE ROLE regress_nobody;
GRANT USAGE ON SCHEMA coursebase TO regress_nobody;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase TO regress_nobody;
SET LOCAL ROLE regress_nobody;
\set VERBOSITY sqlstate
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
