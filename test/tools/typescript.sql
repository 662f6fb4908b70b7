-- The facts of test/tools/typescript, as one JSON object: enums, tables and views with their columns, and the functions that
-- some part may call. Run in a database with coursebase.
\set ON_ERROR_STOP on
SET search_path = pg_catalog;
WITH granted AS (
    SELECT string_agg(s.ddl, E'\n') AS ddl FROM coursebase.steps() s WHERE s.ddl LIKE 'GRANT EXECUTE ON FUNCTION %'),
called AS (
    SELECT p.* FROM pg_proc p, granted g
    WHERE p.pronamespace = 'coursebase'::regnamespace AND g.ddl LIKE '%coursebase.' || p.proname || '(%'),
lists AS (
    SELECT c.conrelid, c.conkey[1] AS attnum, min(l.list::text)::json AS list
    FROM pg_constraint c
    CROSS JOIN LATERAL (SELECT (regexp_match(pg_get_constraintdef(c.oid),
        '^CHECK \(\(\w+ = ANY \(ARRAY\[([^\]]*)\]\)\)\)$'))[1]) AS d (words)
    CROSS JOIN LATERAL (SELECT json_agg(m[1] ORDER BY n)
        FROM regexp_matches(d.words, '''([^'']*)''::text', 'g') WITH ORDINALITY AS r (m, n)) AS l (list)
    WHERE c.contype = 'c' AND cardinality(c.conkey) = 1 AND d.words IS NOT NULL AND l.list IS NOT NULL
    GROUP BY c.conrelid, c.conkey[1])
SELECT json_build_object(
    'version', (SELECT extversion FROM pg_extension WHERE extname = 'coursebase'),
    'enums', (
        SELECT json_agg(json_build_object('name', t.typname,
            'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
            ORDER BY t.typname)
        FROM pg_type t WHERE t.typnamespace = 'coursebase'::regnamespace AND t.typtype = 'e'),
    'relations', (
        SELECT json_agg(json_build_object('name', r.relname, 'view', r.relkind = 'v', 'comment', obj_description(r.oid, 'pg_class'),
            'columns', (
                SELECT json_agg(json_build_object('name', a.attname,
                    'type', regexp_replace(format_type(a.atttypid, NULL), '^coursebase\.', ''),
                    'required', a.attnotnull, 'filled', a.atthasdef OR a.attidentity <> '', 'generated', a.attgenerated <> '',
                    'list', (SELECT l.list FROM lists l WHERE l.conrelid = r.oid AND l.attnum = a.attnum),
                    'comment', col_description(r.oid, a.attnum)) ORDER BY a.attnum)
                FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
            'arrows', coalesce((
                SELECT json_agg(json_build_object('name', c.conname, 'parent', (SELECT p.relname FROM pg_class p WHERE p.oid = c.confrelid),
                    'single', EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.conrelid AND k.contype IN ('p', 'u')
                        AND k.conkey <@ c.conkey AND k.conkey @> c.conkey),
                    'columns', (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, n)
                        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum),
                    'parent_columns', (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY AS k (attnum, n)
                        JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum)) ORDER BY c.conname)
                FROM pg_constraint c WHERE c.conrelid = r.oid AND c.contype = 'f'), '[]')) ORDER BY r.relname)
        FROM pg_class r WHERE r.relnamespace = 'coursebase'::regnamespace AND r.relkind IN ('r', 'p', 'v') AND NOT r.relispartition),
    'functions', (
        SELECT json_agg(json_build_object('name', f.proname, 'comment', obj_description(f.oid, 'pg_proc'),
            'result', regexp_replace(format_type(f.prorettype, NULL), '^coursebase\.', ''),
            'arguments', coalesce((
                SELECT json_agg(json_build_object('name', a.name, 'type', format_type(a.type, NULL),
                    'optional', a.n > f.pronargs - f.pronargdefaults,
                    'null', pg_get_function_arg_default(f.oid, a.n::integer) LIKE 'NULL::%') ORDER BY a.n)
                FROM unnest(f.proargnames[1:f.pronargs], f.proargtypes::oid[]) WITH ORDINALITY AS a (name, type, n)), '[]'),
            'answer', coalesce((
                SELECT json_agg(json_build_object('name', a.name, 'type', format_type(a.type, NULL)) ORDER BY a.n)
                FROM unnest(f.proargnames, f.proallargtypes, f.proargmodes) WITH ORDINALITY AS a (name, type, mode, n)
                WHERE a.mode = 't'), '[]')) ORDER BY f.proname)
        FROM called f));
