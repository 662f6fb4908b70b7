-- Promise: what a phone is shown moves a version when it changes, by an INSERT, a DELETE, a TRUNCATE or a change of any column that
-- is shown; the rest moves none. These are the versions by table, event and column.
-- If it fails: phones would keep an outdated answer of what has left a line, and ask too often for what is new in it. When it is as
-- meant, test/check --accept contract_versions; see doc/contributing.md
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/columns.sql
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL coursebase.allow_drop = on;
CREATE TEMP TABLE watched AS
SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = 'coursebase'::regnamespace
    AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgfoid = 'coursebase.tg_any__move_version()'::regprocedure);
-- One row of each, with nothing around it but the triggers of versions.
DO $$
DECLARE c record;
BEGIN
    FOR c IN SELECT format('ALTER TABLE %s DISABLE TRIGGER ALL', oid::regclass) AS command FROM watched
        UNION ALL SELECT format('DELETE FROM %s WHERE ctid <> (SELECT min(ctid) FROM %1$s)', oid::regclass) FROM watched WHERE relname <> 'users'
        UNION ALL SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname) FROM pg_constraint k JOIN watched w ON w.oid = k.conrelid WHERE k.contype = 'c'
        UNION ALL SELECT format('ALTER TABLE %s ENABLE TRIGGER %I', w.oid::regclass, g.tgname) FROM watched w JOIN pg_trigger g ON g.tgrelid = w.oid
            WHERE g.tgfoid = 'coursebase.tg_any__move_version()'::regprocedure LOOP
        EXECUTE c.command;
    END LOOP;
END $$;
CREATE FUNCTION pg_temp.versions() RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('catalogue', (SELECT jsonb_agg(to_jsonb(v)) FROM coursebase.catalogue_version v), 'cohort', (SELECT jsonb_agg(to_jsonb(v) ORDER BY v.cohort_id) FROM coursebase.cohort_versions v),
        'user', (SELECT jsonb_agg(to_jsonb(v) ORDER BY v.user_id) FROM coursebase.user_versions v), 'chain', (SELECT jsonb_agg(to_jsonb(v) ORDER BY v.chain) FROM coursebase.chain_versions v)) $$;
CREATE FUNCTION pg_temp.moves(before text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE was jsonb; moved text;
BEGIN
    -- a second move of one version in one transaction would say nothing new
    SET LOCAL session_replication_role = replica;
    EXECUTE before;
    SET LOCAL session_replication_role = origin;
    was := pg_temp.versions();
    EXECUTE statement;
    SELECT coalesce(string_agg(n.key, ', ' ORDER BY n.key), 'none') INTO moved FROM jsonb_each(pg_temp.versions()) n WHERE n.value IS DISTINCT FROM was -> n.key;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
EXCEPTION
    WHEN SQLSTATE 'ZZ001' THEN RETURN moved;
    WHEN OTHERS THEN RETURN sqlstate;
END $$;
SELECT relname, pg_temp.moves(format('CREATE TEMP TABLE held ON COMMIT DROP AS SELECT * FROM %s; DELETE FROM %1$s', oid::regclass), format('INSERT INTO %s SELECT * FROM held', oid::regclass)) AS inserted,
    pg_temp.moves('SELECT', format('DELETE FROM %s', oid::regclass)) AS deleted, pg_temp.moves('SELECT', format('TRUNCATE %s CASCADE', oid::regclass)) AS truncated
FROM watched ORDER BY relname COLLATE "C";
CREATE TEMP TABLE tried AS
SELECT w.relname, a.attname, m.moves FROM watched w JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
CROSS JOIN LATERAL (SELECT pg_temp.moves(format('UPDATE %s SET %I = %s WHERE %2$I IS NULL', w.oid::regclass, a.attname, pg_temp.some(a)), format('UPDATE %s SET %I = %s', w.oid::regclass, a.attname, pg_temp.other(a)))) m (moves);
SELECT relname, moves, string_agg(attname, ', ' ORDER BY attname) FROM tried GROUP BY relname, moves ORDER BY relname COLLATE "C", moves COLLATE "C";
ROLLBACK;
