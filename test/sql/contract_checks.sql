-- Promise: each CHECK refuses something, without the triggers, the keys and the other CHECKs of its table, which would speak before
-- it. A row of each table is written with other values of the constraint's columns, until the constraint refuses them.
-- If it fails: a constraint that is missing here refuses nothing any more. One that is new and stands at the end wants a value that
-- breaks it, in others(). When it is as meant, test/check --accept contract_checks; see doc/contributing.md
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
CREATE ROLE regress_end_user;
SELECT coursebase.grant_roles(NULL, 'regress_end_user', NULL);
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL session_replication_role = replica;
-- What is tried of a column, as SQL.
CREATE FUNCTION pg_temp.others(kind pg_type, col name) RETURNS text[] LANGUAGE sql AS $$
    SELECT CASE
        WHEN kind.typtype = 'e' THEN ARRAY(SELECT quote_literal(enumlabel) FROM pg_enum WHERE enumtypid = kind.oid ORDER BY enumsortorder)
        WHEN kind.typcategory = 'B' THEN ARRAY['true', 'false']
        WHEN kind.typcategory = 'N' THEN ARRAY['-1', '0', '1', '100', '101', '32767', '36500', '36501', '1000001', '2147483647', col || ' + 1']
        WHEN kind.typcategory = 'D' THEN ARRAY['''infinity''', '''-infinity''', '''1999-01-01''', '''2026-01-01''', '''2200-01-01''']
        WHEN kind.typcategory = 'T' THEN ARRAY['''0''', '''-1 day''', '''400 days''', '''1 month''']
        WHEN kind.typname = 'uuid' THEN ARRAY['id', '''00000000-0000-4000-8000-0000000000aa''']
        WHEN kind.typname IN ('json', 'jsonb') THEN ARRAY['''[]''', '''{}''', '''1''', '''{"a": 1}''', 'to_json(repeat(''x'', 70000))']
        WHEN kind.typname = 'bytea' THEN ARRAY['''\x00''']
        WHEN kind.typcategory = 'A' THEN ARRAY['''{}''', 'ARRAY[NULL]::' || kind.oid::regtype, 'array_fill(''x''::text, ARRAY[1001])']
        WHEN kind.typcategory = 'S' THEN ARRAY['''''', ''' ''', '''x''', '''X''', '''a b''', 'repeat(''x'', 300)', '''36501''', 'repeat(''x'', 2001)', 'repeat(''x'', 20001)']
        ELSE '{}' END || ARRAY['NULL']
$$;
CREATE FUNCTION pg_temp.refused_by(statement text) RETURNS name LANGUAGE plpgsql AS $$
DECLARE c text;
BEGIN
    EXECUTE statement;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
EXCEPTION
    WHEN check_violation THEN
        GET STACKED DIAGNOSTICS c = CONSTRAINT_NAME;
        RETURN c;
    WHEN OTHERS THEN RETURN NULL;
END $$;
-- All that is refused of one column after another; where nothing is, of two of them together.
CREATE FUNCTION pg_temp.refuses(one oid) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    k pg_constraint;
    w text;
    two boolean;
    found text[] := '{}';
BEGIN
    SELECT * INTO k FROM pg_constraint WHERE oid = one;
    BEGIN
        EXECUTE (SELECT format('ALTER TABLE %s %s', k.conrelid::regclass, string_agg(format('DROP CONSTRAINT %I', o.conname), ', '))
            FROM pg_constraint o WHERE o.conrelid = k.conrelid AND o.contype = 'c' AND o.oid <> one HAVING count(*) > 0);
    EXCEPTION WHEN null_value_not_allowed THEN NULL;
    END;
    FOR w, two IN
        WITH columns AS (SELECT a.attnum, a.attname, v FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid, unnest(pg_temp.others(y, a.attname)) v
            WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
        SELECT format('%I = %s', attname, v), false FROM columns
        UNION ALL
        SELECT format('%I = %s, %I = %s', a.attname, a.v, b.attname, b.v), true FROM columns a JOIN columns b ON b.attnum > a.attnum
    LOOP
        EXIT WHEN two AND found <> '{}';
        IF pg_temp.refused_by(format('UPDATE %s SET %s', k.conrelid::regclass, w)) = k.conname THEN
            found := found || w;
        END IF;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'ZZ002';
EXCEPTION WHEN SQLSTATE 'ZZ002' THEN
    RETURN found;
END $$;
CREATE TEMP TABLE checks AS
SELECT k.oid, k.conname, r.relname, pg_temp.refuses(k.oid) AS refuses FROM pg_constraint k JOIN pg_class r ON r.oid = k.conrelid
WHERE k.contype = 'c' AND k.connamespace = 'coursebase'::regnamespace AND k.coninhcount = 0;
SELECT relname, string_agg(conname, ', ' ORDER BY conname) FROM checks WHERE refuses <> '{}' GROUP BY relname ORDER BY relname COLLATE "C";
SELECT relname, conname, pg_get_constraintdef(oid) FROM checks WHERE refuses = '{}' ORDER BY relname COLLATE "C", conname;
-- Where the bounds are: of a number what is refused, and which times.
SELECT conname, string_agg(w, '; ' ORDER BY w COLLATE "C") FROM checks, unnest(refuses) AS w
WHERE w ~ '^\w+ = (-?\d+|\w+ \+ 1|''-?infinity'')$' GROUP BY relname, conname ORDER BY relname COLLATE "C", conname;
ROLLBACK;
