-- reference.sql: what doc/reference says of a database with coursebase and no rows of its own, as one JSON document.
--
--   psql -XAtq -f test/tools/reference.sql DATABASE
--
-- Who may do what is asked of three roles that are made here and rolled back.
\set ON_ERROR_STOP on
SET client_min_messages = error;
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
CREATE FUNCTION pg_temp.short(text) RETURNS text LANGUAGE sql AS $$
    SELECT replace(replace($1, 'timestamp with time zone', 'timestamptz'), 'coursebase.', '')
$$;
CREATE FUNCTION pg_temp.may(role text, relation oid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(c.command || CASE WHEN NOT has_table_privilege($1, $2, c.command) THEN ' (some columns)'
        ELSE '' END, ', ' ORDER BY c.n), '')
    FROM unnest(ARRAY['select', 'insert', 'update', 'delete']) WITH ORDINALITY AS c (command, n)
    WHERE CASE c.command WHEN 'delete' THEN has_table_privilege($1, $2, c.command)
        ELSE has_any_column_privilege($1, $2, c.command) END
$$;
-- Partitions are their table's.
CREATE TEMP VIEW relations AS
    SELECT c.oid, c.relname AS name, c.relkind = 'v' AS is_view, obj_description(c.oid, 'pg_class') AS comment
    FROM pg_class c
    WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition;
CREATE FUNCTION pg_temp.names(relation oid, numbers smallint[]) RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(a.attname ORDER BY k.n)
    FROM unnest($2) WITH ORDINALITY AS k (number, n) JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = k.number
$$;
CREATE TEMP VIEW columns AS
    SELECT a.attrelid AS relation, a.attnum AS n, a.attname AS name, a.attnotnull AS required,
        pg_temp.short(format_type(a.atttypid, a.atttypmod)) AS type,
        CASE WHEN a.attidentity <> '' THEN 'identity' WHEN a.attgenerated <> '' THEN 'generated'
            ELSE pg_temp.short(pg_get_expr(d.adbin, d.adrelid)) END AS otherwise,
        col_description(a.attrelid, a.attnum) AS comment
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped;
-- Constraints only: an index that is unique for some rows is no key.
CREATE TEMP VIEW keys AS
    SELECT conrelid AS relation, contype AS kind, pg_temp.names(conrelid, conkey) AS columns
    FROM pg_constraint WHERE contype IN ('p', 'u') AND connamespace = 'coursebase'::regnamespace;
CREATE TEMP VIEW arrows AS
    SELECT k.conrelid AS relation, p.name AS parent, pg_temp.names(k.conrelid, k.conkey) AS columns
    FROM pg_constraint k JOIN relations p ON p.oid = k.confrelid
    WHERE k.contype = 'f' AND k.connamespace = 'coursebase'::regnamespace;

SELECT json_build_object(
    'functions', (SELECT json_agg(json_build_object('name', f.proname,
            'arguments', pg_temp.short(pg_get_function_arguments(f.oid)),
            'result', pg_temp.short(pg_get_function_result(f.oid)),
            'volatility', CASE f.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
            'parallel', CASE f.proparallel WHEN 's' THEN 'parallel safe' WHEN 'r' THEN 'parallel restricted' END,
            'strict', f.proisstrict,
            'definer', f.prosecdef,
            'fires', f.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype),
            'executed_by', (SELECT coalesce(json_agg(p.part ORDER BY p.n), '[]') FROM parts p
                WHERE has_function_privilege(p.role, f.oid, 'EXECUTE')),
            'comment', obj_description(f.oid, 'pg_proc')) ORDER BY f.proname COLLATE "C", f.oid)
        FROM pg_proc f WHERE f.pronamespace = 'coursebase'::regnamespace),
    'relations', (SELECT json_agg(json_build_object('name', r.name, 'view', r.is_view, 'comment', r.comment,
            'may', (SELECT json_object_agg(p.part, pg_temp.may(p.role, r.oid)) FROM parts p),
            'policies', (SELECT coalesce(json_agg(json_build_object('name', p.polname,
                    'comment', obj_description(p.oid, 'pg_policy')) ORDER BY p.polname COLLATE "C"), '[]')
                FROM pg_policy p WHERE p.polrelid = r.oid),
            'columns', (SELECT json_agg(json_build_object('name', c.name, 'type', c.type, 'required', c.required,
                    'otherwise', c.otherwise, 'comment', c.comment) ORDER BY c.n) FROM columns c WHERE c.relation = r.oid),
            'keys', (SELECT coalesce(json_agg(json_build_object('kind', k.kind, 'columns', k.columns)
                    ORDER BY k.kind, k.columns::text COLLATE "C"), '[]') FROM keys k WHERE k.relation = r.oid),
            'arrows', (SELECT coalesce(json_agg(json_build_object('parent', a.parent, 'columns', a.columns)
                    ORDER BY a.parent COLLATE "C", a.columns::text COLLATE "C"), '[]')
                FROM arrows a WHERE a.relation = r.oid)) ORDER BY r.name COLLATE "C")
        FROM relations r),
    'types', (SELECT json_agg(json_build_object('name', t.typname, 'comment', obj_description(t.oid, 'pg_type'),
            'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
            ORDER BY t.typname COLLATE "C")
        FROM pg_type t WHERE t.typnamespace = 'coursebase'::regnamespace AND t.typtype = 'e'),
    'settings', (SELECT json_agg(json_build_object('name', s.name, 'kind', s.kind, 'otherwise', s.default_value,
            'meaning', s.meaning) ORDER BY s.name COLLATE "C")
        FROM coursebase.settings s),
    'session_settings', (SELECT json_agg(json_build_object('name', s.name, 'otherwise', s.boot_val,
            'meaning', s.short_desc) ORDER BY s.name COLLATE "C")
        FROM pg_settings s WHERE s.name ~ '^coursebase\.'),
    'notices', (SELECT json_agg(json_build_object('provider', m.provider, 'name', m.name, 'subtype', m.subtype,
            'event', m.event_type) ORDER BY m.provider COLLATE "C",
            CASE WHEN m.name ~ '^[0-9]+$' THEN m.name::integer ELSE 1000 END, m.name COLLATE "C", m.subtype COLLATE "C")
        FROM coursebase.subscription_event_mappings m),
    'parts', (SELECT json_agg(json_build_object('part', p.part, 'usual', p.usual) ORDER BY p.n) FROM parts p));
ROLLBACK;
