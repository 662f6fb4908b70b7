-- Promise: whoever may create in a schema of the search_path gets nothing to run with rights beyond the caller's: operators and
-- functions of usual names that stand before the server's own are used by no function, trigger, view or policy of ours, also
-- where rows are read by statements because the indexes are not there. Functions and tables are those of the catalogue.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
\i :abs_srcdir/fixtures/helpers/roles.sql
CREATE SCHEMA regress_lair;
-- What was called with other rights than the caller's: a sequence keeps it when the call is rolled back.
CREATE SEQUENCE regress_lair.sprung;
CREATE FUNCTION regress_lair.spring() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF current_user NOT LIKE 'regress\_%' THEN
        PERFORM nextval('regress_lair.sprung');
    END IF;
END $$;
-- Each operator and function of usual types, which does what the server's does.
DO $$
DECLARE f record;
BEGIN
    FOR f IN SELECT o.oid, o.oprname AS name, o.oprleft::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result
        FROM pg_operator o, (SELECT '{uuid,text,name,integer,bigint,numeric,boolean,timestamptz,interval,json,jsonb,text[],uuid[],date}'::regtype[]) AS u (types)
        WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprleft::regtype = ANY (u.types) AND o.oprright::regtype = ANY (u.types)
    LOOP
        EXECUTE format('CREATE FUNCTION regress_lair.o%s(l %s, r %s) RETURNS %s LANGUAGE plpgsql STRICT AS %L', f.oid, f.l, f.r, f.result,
            format('BEGIN PERFORM regress_lair.spring(); RETURN l OPERATOR(pg_catalog.%s) r; END', f.name));
        EXECUTE format('CREATE OPERATOR regress_lair.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = regress_lair.o%s)', f.name, f.l, f.r, f.oid);
    END LOOP;
    FOR f IN SELECT p.proname AS name, pg_get_function_identity_arguments(p.oid) AS arguments, p.prorettype::regtype AS result,
            (SELECT string_agg('$' || n, ', ') FROM generate_series(1, p.pronargs) n) AS passed
        FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND NOT p.proretset AND p.prokind = 'f' AND p.provariadic = 0
            AND p.proname = ANY ('{lower,upper,length,btrim,rtrim,md5,now,split_part,strpos,cardinality,hashtext,quote_ident,format,replace,
                to_regclass,current_setting,set_config,pg_advisory_xact_lock,gen_random_uuid,array_append,date_trunc,left,json_typeof}'::name[])
            AND p.prorettype::regtype::text !~ '^(any|void)' AND p.oid::regprocedure::text !~ 'any'
    LOOP
        EXECUTE format('CREATE FUNCTION regress_lair.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', f.name, f.arguments, f.result,
            format('BEGIN PERFORM regress_lair.spring(); RETURN pg_catalog.%I(%s); END', f.name, f.passed));
    END LOOP;
END $$;
GRANT USAGE ON SCHEMA regress_lair TO PUBLIC;
SELECT count(*) > 100 AS planted FROM pg_operator WHERE oprnamespace = 'regress_lair'::regnamespace;
-- The trap works.
SET LOCAL search_path = regress_lair, pg_catalog;
SELECT pg_catalog.lower('A') OPERATOR(pg_catalog.=) 'a', 1 = 1, lower('A') FROM (VALUES (1)) v;
SELECT is_called FROM regress_lair.sprung;
SET LOCAL search_path = pg_catalog;
ALTER SEQUENCE regress_lair.sprung RESTART;

-- A call of each function, with plausible arguments: of a person, a course, a lesson that there are.
CREATE TEMPORARY TABLE calls AS
SELECT p.oid AS function, format('SELECT * FROM %s(%s)', p.oid::regproc, (SELECT string_agg(CASE
    WHEN name ~ '(user_id|from_user|keep)$' THEN '''00000000-0000-4000-a000-00000000000a'''
    WHEN name IN ('to_user', 'gone') THEN '''00000000-0000-4000-a000-00000000000b'''
    WHEN name IN ('course_id', 'lesson_id', 'product_id', 'section_id') THEN quote_literal(CASE name
        WHEN 'course_id' THEN (SELECT min(id::text) FROM coursebase.courses) WHEN 'lesson_id' THEN (SELECT min(id::text) FROM coursebase.lessons)
        WHEN 'product_id' THEN (SELECT min(id::text) FROM coursebase.products) ELSE (SELECT min(id::text) FROM coursebase.course_sections) END)
    WHEN name = 'provider' THEN '''stripe'''
    WHEN name = 'body' THEN quote_literal('{"id": "evt", "object": "event", "type": "product.created", "created": 1772445600, "livemode": true, "data": {"object": {"id": "p"}}}')
    WHEN name IN ('clerk_user_id', 'external_id') THEN '''fixture_ada'''
    WHEN type IN ('json'::regtype, 'jsonb'::regtype) THEN '''{}'''
    WHEN type = 'timestamptz'::regtype THEN '''2026-03-01 12:00+00'''
    WHEN type IN ('bigint'::regtype, 'integer'::regtype, 'numeric'::regtype) THEN '1'
    WHEN type = 'boolean'::regtype THEN 'true'
    WHEN type = 'text'::regtype THEN '''x'''
    WHEN type = 'uuid'::regtype THEN '''00000000-0000-4000-8000-00000000e71f'''
    ELSE 'NULL' END || '::' || type, ', ' ORDER BY n)
    FROM unnest(p.proargtypes::regtype[], p.proargnames[1:p.pronargs]) WITH ORDINALITY AS a (type, name, n))) AS call
-- metrics() counts everything, for seconds where no index serves.
FROM pg_proc p WHERE p.pronamespace = 'coursebase'::regnamespace AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND p.proname <> 'metrics'
UNION ALL
-- What rows are read and written by goes through policies and triggers.
SELECT 0, format('SELECT * FROM coursebase.%I', relname) FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace AND relkind IN ('r', 'v')
UNION ALL
SELECT 0, s FROM unnest(ARRAY['INSERT INTO coursebase.app_logs (log_type, message) VALUES (''user_action'', ''m'')', 'UPDATE coursebase.users SET name = ''N''',
    'UPDATE coursebase.courses SET title = ''T''', 'UPDATE coursebase.course_documents SET data = ''{"a": 1}''', 'DELETE FROM coursebase.course_grants',
    'INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES (''new'', ''New'', ''n@example.org'')', 'UPDATE coursebase.purchases SET refunded_at = ''2026-03-01''',
    'UPDATE coursebase.lessons SET "order" = 0', 'DELETE FROM coursebase.user_cohorts', 'UPDATE coursebase.subscriptions SET plan = ''free''']) AS s;
GRANT SELECT ON calls TO PUBLIC;
-- Each call as one role, rolled back; how many answered.
CREATE FUNCTION pg_temp.answered(who text, claims text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    c record;
    answers bigint = 0;
BEGIN
    FOR c IN SELECT call FROM pg_temp.calls WHERE function = 0 OR pg_catalog.has_function_privilege(who, function, 'EXECUTE')
    LOOP
        BEGIN
            PERFORM pg_catalog.set_config('request.jwt.claims', claims, true), pg_catalog.set_config('role', who, true);
            PERFORM pg_catalog.set_config('search_path', 'regress_lair, pg_catalog', true);
            EXECUTE c.call;
            SET CONSTRAINTS ALL IMMEDIATE;
            RAISE SQLSTATE 'XXXXX';
        EXCEPTION WHEN SQLSTATE 'XXXXX' THEN
            answers = answers OPERATOR(pg_catalog.+) 1;
        WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
    RETURN answers;
END $$;
-- No index has its name, so that nothing is read straight.
SET LOCAL coursebase.allow_drop = on;
DO $$
DECLARE i record;
BEGIN
    FOR i IN SELECT relname, oid FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace AND relkind = 'i' LOOP
        EXECUTE format('ALTER INDEX coursebase.%I RENAME TO %I', i.relname, 'x' || i.oid);
    END LOOP;
END $$;
SELECT who, pg_temp.answered('regress_' || who, claims) > least AS answered FROM (VALUES
    ('end_user', '{"sub": "fixture_ada"}', 40), ('end_user', '{"sub": "fixture_root"}', 40), ('anonymous', '', 10), ('server', '', 100)) AS v (who, claims, least);
SELECT is_called AS sprung FROM regress_lair.sprung;
ROLLBACK;
