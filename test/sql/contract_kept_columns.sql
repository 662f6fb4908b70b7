-- Promise: a column that a table keeps is refused to whoever would write another value into it, the tables' owner too. These are
-- the columns that each table keeps.
-- If it fails: a column that is no longer listed may be changed by anybody who may update the table. When it is as meant,
-- test/check --accept contract_kept_columns; see doc/contributing.md
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/columns.sql
SET LOCAL session_replication_role = replica;
UPDATE coursebase.courses SET grants_may_end = true;
UPDATE coursebase.payment_transactions SET type = 'refund', refunds_transaction_id = gen_random_uuid();
CREATE TEMP TABLE tried (relation text, col name, outcome text);
-- A row is given a value where it has none, without triggers, and then another one, with them.
CREATE FUNCTION pg_temp.outcome(relation regclass, col name, held text, one text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; s text;
BEGIN
    IF held IS NULL THEN
        SET LOCAL session_replication_role = replica;
        EXECUTE format('UPDATE %s SET %I = %s WHERE ctid = (SELECT ctid FROM %1$s LIMIT 1)', relation, col, one);
    END IF;
    SET LOCAL session_replication_role = origin;
    EXECUTE format('UPDATE %s SET %I = %s WHERE %2$I IS NOT NULL', relation, col, other);
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
EXCEPTION
    WHEN SQLSTATE 'ZZ001' THEN RETURN 'changed';
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, s = RETURNED_SQLSTATE;
        RETURN CASE WHEN m = format('column "%s" of table "%s" is set already', col, (SELECT relname FROM pg_class WHERE oid = relation)) THEN 'kept' ELSE s END;
END $$;
DO $$
DECLARE
    r record;
    held text;
BEGIN
    FOR r IN
        SELECT c.oid, c.relname, a AS col, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        WHERE c.relnamespace = 'coursebase'::regnamespace AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid
            AND g.tgfoid IN ('coursebase.tg_any__set_once()'::regprocedure, 'coursebase.tg_any__keep_columns()'::regprocedure))
    LOOP
        EXECUTE format('SELECT (array_agg(%I::text) FILTER (WHERE %1$I IS NOT NULL))[1] FROM %s', r.attname, r.oid::regclass) INTO held;
        INSERT INTO tried VALUES (r.relname, r.attname, pg_temp.outcome(r.oid, r.attname, held, pg_temp.some(r.col), pg_temp.other(r.col)));
    END LOOP;
END $$;
SELECT relation, string_agg(col, ', ' ORDER BY col) FROM tried WHERE outcome = 'kept' GROUP BY relation ORDER BY relation COLLATE "C";
-- Each column that a trigger names was tried.
SELECT r.relname AS relation, a.arg, t.outcome FROM pg_trigger g JOIN pg_class r ON r.oid = g.tgrelid
CROSS JOIN LATERAL unnest(string_to_array(rtrim(encode(g.tgargs, 'escape'), '\000'), '\000')) AS a (arg)
LEFT JOIN tried t ON t.relation = r.relname AND t.col = a.arg
WHERE g.tgfoid IN ('coursebase.tg_any__set_once()'::regprocedure, 'coursebase.tg_any__keep_columns()'::regprocedure)
    AND t.outcome IS DISTINCT FROM 'kept' ORDER BY relation COLLATE "C", 2;
ROLLBACK;
