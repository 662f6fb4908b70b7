-- Promise: what each kind of caller may do with the rows of each table is stated here, cell by cell, and tried
-- for real on the fixtures, whose rows are Ada's where they are anybody's. Every table joins by itself.
--   -      refused (42501)             n/m    n of the table's m rows were seen, changed or deleted
--   row    the insert of Ada's (or, where there is none, any) row was accepted
--   held   allowed, but other rows point to it
-- If it fails: a line with + is what a caller may now do with a table: the GRANTs and policies in policies.sql decide that.
-- If it fails: When it is as meant, test/check --accept contract_matrix; see doc/contributing.md
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset fieldsep ' | '
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
CREATE TEMP TABLE matrix (object text, actor text, command text, outcome text);
DO $$
DECLARE
    t record;
    actor record;
    command text;
    statement text;
    role text;
    columns text;
    fallback text;
    total bigint;
    ada jsonb;
    n bigint;
    outcome text;
BEGIN
    FOR t IN
        SELECT c.oid, c.relname, c.relkind FROM pg_class c
        WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'v')
    LOOP
        EXECUTE format('SELECT count(*) FROM %s', t.oid::regclass) INTO total;
        SELECT quote_ident(a.attname) INTO fallback FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = 1;
        EXECUTE format(
            $q$SELECT to_jsonb(x) FROM %s x ORDER BY coalesce((to_jsonb(x) ->> 'user_id')
                = '00000000-0000-4000-a000-00000000000a', false) DESC, to_jsonb(x)::text LIMIT 1$q$,
            t.oid::regclass) INTO ada;
        FOR actor IN
            SELECT * FROM (VALUES
                ('anonymous', 'regress_anonymous', NULL), ('self', 'regress_end_user', 'fixture_ada'),
                ('other', 'regress_end_user', 'fixture_bob'), ('admin', 'regress_end_user', 'fixture_root'),
                ('server', 'regress_server', NULL)) AS a (name, role, sub)
        LOOP
            FOREACH command IN ARRAY ARRAY['select', 'insert', 'update', 'delete'] LOOP
                CONTINUE WHEN t.relkind = 'v' AND command <> 'select';
                SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                INTO columns
                FROM pg_attribute a
                WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND has_column_privilege(actor.role, t.oid, a.attnum, command)
                    AND command IN ('insert', 'update');
                statement := CASE command
                    WHEN 'select' THEN format('SELECT count(*) FROM %s', t.oid::regclass)
                    WHEN 'update' THEN format('UPDATE %s SET %s = %2$s', t.oid::regclass,
                        coalesce(split_part(columns, ', ', -1), fallback))
                    WHEN 'delete' THEN format('DELETE FROM %s', t.oid::regclass)
                    ELSE format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1)',
                        t.oid::regclass, coalesce(columns, fallback)) END;
                BEGIN
                    PERFORM set_config('request.jwt.claims',
                        coalesce(json_build_object('sub', actor.sub)::text, ''), true)
                    WHERE actor.sub IS NOT NULL;
                    IF command = 'insert' THEN
                        SET LOCAL session_replication_role = replica;
                        EXECUTE format('DELETE FROM %s x WHERE to_jsonb(x) = $1', t.oid::regclass) USING ada;
                        SET LOCAL session_replication_role = origin;
                    END IF;
                    EXECUTE format('SET LOCAL ROLE %I', actor.role);
                    IF command = 'select' THEN
                        EXECUTE statement INTO n;
                    ELSE
                        EXECUTE statement USING ada;
                        GET DIAGNOSTICS n = ROW_COUNT;
                        SET CONSTRAINTS ALL IMMEDIATE;
                    END IF;
                    RAISE EXCEPTION USING ERRCODE = '00001';
                EXCEPTION
                    WHEN SQLSTATE '00001' THEN
                        outcome := CASE WHEN command = 'insert' THEN 'row' ELSE n || '/' || total END;
                    WHEN insufficient_privilege THEN outcome := '-';
                    WHEN foreign_key_violation OR restrict_violation THEN outcome := 'held';
                    WHEN OTHERS THEN outcome := SQLSTATE;
                END;
                INSERT INTO matrix VALUES (t.relname, actor.name, command, outcome);
            END LOOP;
        END LOOP;
    END LOOP;
END $$;
SELECT object, actor,
    max(outcome) FILTER (WHERE command = 'select') AS "select",
    max(outcome) FILTER (WHERE command = 'insert') AS "insert",
    max(outcome) FILTER (WHERE command = 'update') AS "update",
    max(outcome) FILTER (WHERE command = 'delete') AS "delete"
FROM matrix
GROUP BY object, actor
ORDER BY object COLLATE "C", array_position(ARRAY['anonymous', 'self', 'other', 'admin', 'server'], actor);
-- A table without a fixture would prove nothing.
SELECT DISTINCT object AS no_fixture, 'add a row to test/fixtures/<its slice>.sql' AS advice FROM matrix WHERE outcome LIKE '%/0';
ROLLBACK;
