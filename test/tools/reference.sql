-- reference.sql: the reference tables of README.md as Markdown, from the catalogue; one section a call.
--
--   psql -XAtq -v section=functions -f test/tools/reference.sql DATABASE
--
-- Who may do what is asked of three roles made for the question and rolled back.
\set ON_ERROR_STOP on
SET client_min_messages = error;
SELECT :'section' = 'functions' AS functions, :'section' = 'tables' AS tables,
    :'section' = 'settings' AS settings, :'section' = 'roles' AS roles, :'section' = 'picture' AS picture \gset
BEGIN;
CREATE ROLE reference_anonymous;
CREATE ROLE reference_end_user;
CREATE ROLE reference_server BYPASSRLS;
\o /dev/null
SELECT coursebase.grant_roles('reference_anonymous', 'reference_end_user', 'reference_server');
\o
CREATE TEMP VIEW parts AS
    SELECT n, part, 'reference_' || part AS role, usual
    FROM unnest(ARRAY['anonymous', 'end_user', 'server'], ARRAY['anon', 'authenticated', 'service_role'])
        WITH ORDINALITY AS p (part, usual, n);
CREATE TEMP VIEW functions AS
    SELECT p.*, format('%s(%s)', p.proname, (
            SELECT string_agg(format('%s%s%s', p.proargnames[a.n] || ' ',
                    CASE a.type WHEN 'timestamptz'::regtype THEN 'timestamptz' ELSE format_type(a.type, NULL) END,
                    CASE WHEN a.n > p.pronargs - p.pronargdefaults THEN ' = …' END), ', ' ORDER BY a.n)
            FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, n))) AS call,
        p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) AS fires
    FROM pg_proc p
    WHERE p.pronamespace = 'coursebase'::regnamespace;
CREATE TEMP VIEW tables AS
    SELECT c.oid, c.relname, c.relkind FROM pg_class c
    WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'v');
CREATE FUNCTION pg_temp.may(role text, relation oid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(c.command || CASE WHEN NOT has_table_privilege($1, $2, c.command) THEN ' (some columns)'
        ELSE '' END, ', ' ORDER BY c.n), '')
    FROM unnest(ARRAY['select', 'insert', 'update', 'delete']) WITH ORDINALITY AS c (command, n)
    WHERE CASE c.command WHEN 'delete' THEN has_table_privilege($1, $2, c.command)
        ELSE has_any_column_privilege($1, $2, c.command) END
$$;
-- A cell: one line, and no bar that would end it.
CREATE FUNCTION pg_temp.cell(text) RETURNS text LANGUAGE sql AS $$
    SELECT replace(regexp_replace(coalesce($1, ''), '\s+', ' ', 'g'), '|', '\|')
$$;

\if :functions
SELECT E'| function | returns | marks | may execute | what it does |\n|---|---|---|---|---|';
SELECT format('| `%s` | %s | %s | %s | %s |', f.call, pg_temp.cell('`' || replace(pg_get_function_result(f.oid),
        'timestamp with time zone', 'timestamptz') || '`'),
    concat_ws(', ', CASE f.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
        CASE f.proparallel WHEN 's' THEN 'parallel safe' WHEN 'r' THEN 'parallel restricted' END,
        CASE WHEN f.proisstrict THEN 'strict' END, CASE WHEN f.prosecdef THEN 'security definer' ELSE 'invoker' END),
    coalesce((SELECT string_agg(p.part, ', ' ORDER BY p.n) FROM parts p
        WHERE has_function_privilege(p.role, f.oid, 'EXECUTE')),
        CASE WHEN f.fires THEN 'triggers' ELSE 'owner' END),
    pg_temp.cell(obj_description(f.oid, 'pg_proc')))
FROM functions f
ORDER BY f.fires, f.proname COLLATE "C";
\endif

-- An arrow a pair of tables, however many keys join them. Nearly all point to users: the shape of the box says so.
\if :picture
CREATE TEMP VIEW arrows AS
    SELECT DISTINCT conrelid AS child, confrelid AS parent, confrelid = 'coursebase.users'::regclass AS person
    FROM pg_constraint WHERE contype = 'f' AND connamespace = 'coursebase'::regnamespace;
SELECT E'```mermaid\nflowchart LR';
SELECT format('    %s([%s])', t.relname, t.relname) FROM tables t
WHERE t.oid IN (SELECT a.child FROM arrows a WHERE a.person) ORDER BY t.relname COLLATE "C";
SELECT format('    %s[%s]', t.relname, t.relname) FROM tables t
WHERE t.oid IN (SELECT unnest(ARRAY[a.child, a.parent]) FROM arrows a WHERE NOT a.person)
    AND t.oid NOT IN (SELECT a.child FROM arrows a WHERE a.person) ORDER BY t.relname COLLATE "C";
SELECT format('    %s --> %s', c.relname, p.relname)
FROM arrows a JOIN tables c ON c.oid = a.child JOIN tables p ON p.oid = a.parent
WHERE NOT a.person ORDER BY c.relname COLLATE "C", p.relname COLLATE "C";
SELECT '```';
\endif

\if :tables
SELECT E'| table | what it holds | anonymous | end_user | server | policies |\n|---|---|---|---|---|---|';
SELECT format('| `%s` | %s | %s | %s | %s | %s |', t.relname, pg_temp.cell(obj_description(t.oid, 'pg_class')),
    (SELECT string_agg(pg_temp.may(p.role, t.oid), ' | ' ORDER BY p.n) FROM parts p WHERE p.n = 1),
    (SELECT string_agg(pg_temp.may(p.role, t.oid), ' | ' ORDER BY p.n) FROM parts p WHERE p.n = 2),
    (SELECT string_agg(pg_temp.may(p.role, t.oid), ' | ' ORDER BY p.n) FROM parts p WHERE p.n = 3),
    coalesce((SELECT string_agg('`' || p.polname || '`', ', ' ORDER BY p.polname COLLATE "C")
        FROM pg_policy p WHERE p.polrelid = t.oid), CASE WHEN t.relkind = 'r' THEN 'none: closed to end users' END))
FROM tables t
ORDER BY t.relname COLLATE "C";
\endif

\if :settings
SELECT E'| setting | kind | default | what it does |\n|---|---|---|---|';
SELECT format('| `%s` | %s | %s | %s |', s.name, s.kind, pg_temp.cell('`' || s.default_value || '`'), pg_temp.cell(s.meaning))
FROM coursebase.settings s
ORDER BY s.name COLLATE "C";
SELECT format('| `%s` | session setting | `%s` | %s |', s.name, s.boot_val, pg_temp.cell(s.short_desc))
FROM pg_settings s WHERE s.name ~ '^(coursebase|request)\.' ORDER BY s.name COLLATE "C";
\endif

\if :roles
SELECT E'| part | granted by itself to | needs | executes | reads | writes |\n|---|---|---|---|---|---|';
SELECT format('| %s | `%s`, where that role exists | %s | %s functions | %s tables | %s tables |', p.part, p.usual,
    CASE p.part WHEN 'server' THEN 'BYPASSRLS' ELSE 'no BYPASSRLS' END,
    (SELECT count(*) FROM functions f WHERE has_function_privilege(p.role, f.oid, 'EXECUTE')),
    (SELECT count(*) FROM tables t WHERE pg_temp.may(p.role, t.oid) ~ 'select'),
    (SELECT count(*) FROM tables t WHERE pg_temp.may(p.role, t.oid) ~ 'insert|update|delete'))
FROM parts p
ORDER BY p.n;
\endif
ROLLBACK;
