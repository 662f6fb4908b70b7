-- Promise: every function that takes an id answers for a row that the caller may not see as for one that is not there: the same
-- result, or the same error in every part, whoever calls. The functions and the ids are those of the catalogue and of the
-- fixtures: a new one joins by itself. What an id of a person does is the promise of other_people.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
-- A course that is on no offer, with a lesson of each kind; and somebody who has nothing.
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000e9001', 'Secret', '');
INSERT INTO coursebase.course_sections (id, course_id, name, status) VALUES
    ('00000000-0000-4000-8000-0000000e9101', '00000000-0000-4000-8000-0000000e9001', 'one', 'public'),
    ('00000000-0000-4000-8000-0000000e9102', '00000000-0000-4000-8000-0000000e9001', 'two', 'private');
INSERT INTO coursebase.lessons (id, section_id, name, status)
SELECT format('00000000-0000-4000-8000-0000000e92%s%s', s, n)::uuid, format('00000000-0000-4000-8000-0000000e910%s', s)::uuid, 'l', l.status
FROM generate_series(1, 2) s, unnest(enum_range(NULL::coursebase.lesson_status)) WITH ORDINALITY l (status, n);
INSERT INTO coursebase.lesson_contents (lesson_id) SELECT id FROM coursebase.lessons WHERE id::text LIKE '%e92__';
INSERT INTO coursebase.users (id, clerk_user_id, name) VALUES ('00000000-0000-4000-8000-0000000e9301', 'hidden_cleo', 'Cleo');
CREATE TEMP TABLE ids (kind text, id uuid);
CREATE TEMP TABLE seen (id uuid);
GRANT INSERT ON seen TO PUBLIC;
SELECT nspname AS temp FROM pg_namespace WHERE oid = pg_my_temp_schema() \gset
GRANT USAGE ON SCHEMA :temp TO PUBLIC;
CREATE FUNCTION pg_temp.ids_into(target text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT t.relname, a.attname FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE t.relnamespace = 'coursebase'::regnamespace AND a.atttypid = 'uuid'::regtype
            AND (t.relkind = 'r' OR target = 'seen' AND t.relkind = 'v') LOOP
        BEGIN
            EXECUTE format('INSERT INTO %s SELECT DISTINCT %s %I FROM coursebase.%I WHERE %3$I IS NOT NULL',
                target, CASE target WHEN 'ids' THEN format('%L,', c.relname) ELSE '' END, c.attname, c.relname);
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END LOOP;
END $$;
-- What a call tells; it changes nothing.
CREATE FUNCTION pg_temp.told(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    message text;
    detail text;
    hint text;
    key text;
    named text;
BEGIN
    EXECUTE format('SELECT string_agg(q::text, '';'') FROM (%s) q', call) INTO answer;
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION USING ERRCODE = 'RB000';
EXCEPTION
    WHEN SQLSTATE 'RB000' THEN RETURN coalesce(answer, 'nothing');
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
            key = CONSTRAINT_NAME, named = TABLE_NAME;
        RETURN concat_ws(' | ', SQLSTATE, message, detail, hint, key, named);
END $$;
-- A call in which the argument at that place is %s; the others are plausible, other ids are left out or one that the caller sees.
CREATE FUNCTION pg_temp.call(f oid, place integer, other text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT * FROM %s(%s)', f::regproc, string_agg(format('%I => %s::%s', name, CASE
        WHEN position = place THEN CASE type WHEN 'uuid[]'::regtype THEN 'ARRAY[%L]' ELSE '%L' END
        WHEN name = 'user_id' THEN 'NULL'
        WHEN type = 'uuid'::regtype THEN other
        WHEN type = 'uuid[]'::regtype THEN '''{}'''
        WHEN name = 'at' THEN '''2026-03-01 12:00+00'''
        WHEN type IN ('json'::regtype, 'jsonb'::regtype) THEN '''{}'''
        WHEN type IN ('integer'::regtype, 'bigint'::regtype, 'numeric'::regtype) THEN '1'
        WHEN type = 'boolean'::regtype THEN 'true'
        WHEN type = 'text'::regtype THEN '''x'''
        ELSE 'NULL' END, type), ', ' ORDER BY position))
    FROM pg_proc, unnest(proargtypes::regtype[], proargnames) WITH ORDINALITY a (type, name, position)
    WHERE oid = f AND position <= pronargs
$$;
CREATE TEMP TABLE tried (caller text, function text, told_apart text);
CREATE FUNCTION pg_temp.try() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    caller record;
    f record;
    other text;
    call text;
    nothing text;
    hidden record;
    told text;
BEGIN
    PERFORM pg_temp.ids_into('ids');
    FOR caller IN SELECT * FROM (VALUES ('regress_anonymous', ''), ('regress_end_user', 'hidden_cleo'), ('regress_end_user', 'fixture_bob'),
        ('regress_end_user', 'fixture_ada')) c (role, sub) LOOP
        PERFORM set_config('request.jwt.claims', json_build_object('sub', caller.sub)::text, true);
        TRUNCATE seen;
        PERFORM set_config('role', caller.role, true);
        PERFORM pg_temp.ids_into('seen');
        PERFORM set_config('role', 'none', true);
        FOR f IN
            SELECT p.oid, p.proname, a.position, count(*) FILTER (WHERE a.type = 'uuid'::regtype AND a.name <> 'user_id') OVER (PARTITION BY p.oid) > 1 AS several
            FROM pg_proc p, unnest(p.proargtypes::regtype[], p.proargnames) WITH ORDINALITY a (type, name, position)
            WHERE p.pronamespace = 'coursebase'::regnamespace AND p.prorettype <> 'trigger'::regtype AND a.position <= p.pronargs
                AND a.type IN ('uuid'::regtype, 'uuid[]'::regtype) AND a.name <> 'user_id' AND has_function_privilege(caller.role, p.oid, 'EXECUTE') LOOP
            FOR other IN SELECT 'NULL' UNION ALL SELECT DISTINCT quote_literal(id) FROM seen WHERE f.several LOOP
                call := pg_temp.call(f.oid, f.position::integer, other);
                PERFORM set_config('role', caller.role, true);
                nothing := pg_temp.told(format(call, '00000000-0000-4000-8000-0000000e9fff'));
                PERFORM set_config('role', 'none', true);
                FOR hidden IN SELECT DISTINCT ON (i.id) i.id, i.kind FROM ids i WHERE i.id NOT IN (SELECT id FROM seen) ORDER BY i.id, i.kind LOOP
                    PERFORM set_config('role', caller.role, true);
                    told := replace(pg_temp.told(format(call, hidden.id)), hidden.id::text, '00000000-0000-4000-8000-0000000e9fff');
                    PERFORM set_config('role', 'none', true);
                    INSERT INTO tried SELECT caller.sub, f.proname, CASE WHEN told IS DISTINCT FROM nothing THEN format('%s: %s, and %s', hidden.kind, told, nothing) END;
                END LOOP;
            END LOOP;
        END LOOP;
    END LOOP;
END $$;
SELECT pg_temp.try();
SELECT caller, count(DISTINCT function) > 10, count(*) > 500 FROM tried GROUP BY caller ORDER BY caller;
SELECT DISTINCT ON (caller, function) caller, function, told_apart FROM tried WHERE told_apart IS NOT NULL ORDER BY 1, 2, 3;
ROLLBACK;
