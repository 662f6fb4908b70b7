-- The facts of test/tools/typescript, as one JSON object: enums, tables and views with their columns, and the functions that
-- some part may call, as far as the schema in :schema shows them. Run in a database with coursebase.
\set ON_ERROR_STOP on
SET search_path = pg_catalog;
WITH granted AS (
    SELECT string_agg(s.ddl, E'\n') AS ddl FROM coursebase.steps() s WHERE s.ddl LIKE 'GRANT EXECUTE ON FUNCTION %'),
called AS (
    SELECT p.* FROM pg_proc p, granted g
    WHERE p.pronamespace = 'coursebase'::regnamespace AND g.ddl LIKE '%coursebase.' || p.proname || '(%'
        AND EXISTS (SELECT FROM pg_proc s WHERE s.pronamespace = :'schema'::regnamespace AND s.proname = p.proname)),
lists AS (
    SELECT c.conrelid, c.conkey[1] AS attnum, min(l.list::text)::json AS list
    FROM pg_constraint c
    CROSS JOIN LATERAL (SELECT (regexp_match(pg_get_constraintdef(c.oid),
        '^CHECK \(\(\w+ = ANY \(ARRAY\[([^\]]*)\]\)\)\)$'))[1]) AS d (words)
    CROSS JOIN LATERAL (SELECT json_agg(m[1] ORDER BY n)
        FROM regexp_matches(d.words, '''([^'']*)''::text', 'g') WITH ORDINALITY AS r (m, n)) AS l (list)
    WHERE c.contype = 'c' AND cardinality(c.conkey) = 1 AND d.words IS NOT NULL AND l.list IS NOT NULL
    GROUP BY c.conrelid, c.conkey[1]),
-- Which column of which table a column of a view is, as the stored query says it; of a table, itself. In a UNION it is none.
origins AS (
    SELECT DISTINCT ON (a.attrelid, m[3], m[4]) a.attrelid, a.attname, m[3]::oid AS relid, m[4]::smallint AS attnum
    FROM pg_class v
    JOIN pg_rewrite r ON r.ev_class = v.oid
    CROSS JOIN LATERAL regexp_matches(r.ev_action::text,
        ':resno (\d+) :resname (\S+) :ressortgroupref \d+ :resorigtbl (\d+) :resorigcol (\d+) :resjunk false', 'g') AS m
    JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum = m[1]::smallint AND a.attname = m[2]
    WHERE v.relnamespace = 'coursebase'::regnamespace AND v.relkind = 'v' AND m[3] <> '0'
        AND r.ev_action::text !~ 'SETOPERATIONSTMT'
    UNION ALL
    SELECT t.oid, a.attname, t.oid, a.attnum
    FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid
    WHERE t.relnamespace = 'coursebase'::regnamespace AND t.relkind IN ('r', 'p')),
-- PostgREST embeds along a foreign key what shows all its columns, tables and views alike; one row where they are a key.
arrows AS (
    SELECT child.relid, c.conname AS name, (SELECT p.relname FROM pg_class p WHERE p.oid = parent.relid) AS parent,
        EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.conrelid AND k.contype IN ('p', 'u')
            AND k.conkey <@ c.conkey AND k.conkey @> c.conkey) AS single,
        child.columns, parent.columns AS parent_columns
    FROM pg_constraint c
    CROSS JOIN LATERAL (
        SELECT o.attrelid, json_agg(o.attname ORDER BY k.n)
        FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, n) JOIN origins o ON o.relid = c.conrelid AND o.attnum = k.attnum
        GROUP BY o.attrelid HAVING count(*) = cardinality(c.conkey)) AS child (relid, columns)
    CROSS JOIN LATERAL (
        SELECT o.attrelid, json_agg(o.attname ORDER BY k.n)
        FROM unnest(c.confkey) WITH ORDINALITY AS k (attnum, n) JOIN origins o ON o.relid = c.confrelid AND o.attnum = k.attnum
        GROUP BY o.attrelid HAVING count(*) = cardinality(c.confkey)) AS parent (relid, columns)
    WHERE c.contype = 'f')
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
                SELECT json_agg(json_build_object('name', a.name, 'parent', a.parent, 'single', a.single,
                    'columns', a.columns, 'parent_columns', a.parent_columns) ORDER BY a.name, a.parent)
                FROM arrows a WHERE a.relid = r.oid), '[]')) ORDER BY r.relname)
        FROM pg_class r WHERE r.relnamespace = 'coursebase'::regnamespace AND r.relkind IN ('r', 'p', 'v') AND NOT r.relispartition
            AND EXISTS (SELECT FROM pg_class s WHERE s.relnamespace = :'schema'::regnamespace AND s.relname = r.relname)),
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
