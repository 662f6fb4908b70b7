-- Promise: every object of the schema, those of later slices too, is made by the house's rules. Each query
-- names the objects that break one; the expected output has none.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
CREATE TEMP VIEW relations AS
    SELECT c.oid, c.relname, c.relkind, c.relrowsecurity
    FROM pg_class c
    WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm');
CREATE TEMP VIEW functions AS
    SELECT p.*, l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = 'coursebase'::regnamespace;
-- The tests that follow would pass on an empty schema.
SELECT count(*) > 20 FROM relations;
SELECT count(*) > 20 FROM functions;

-- lint() finds nothing: row security, fixed search_path, indexes under foreign keys, PUBLIC, LEAKPROOF, …
SELECT rule, object FROM coursebase.lint();
-- Everything has a comment: tables, views, columns, functions, types, policies, event triggers.
SELECT 'no comment', oid::regclass FROM relations WHERE obj_description(oid, 'pg_class') IS NULL;
SELECT 'no comment', r.relname || '.' || a.attname
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid
WHERE a.attnum > 0 AND NOT a.attisdropped AND col_description(r.oid, a.attnum) IS NULL;
SELECT 'no comment', oid::regprocedure FROM functions WHERE obj_description(oid, 'pg_proc') IS NULL;
SELECT 'no comment', t.oid::regtype FROM pg_type t
WHERE t.typnamespace = 'coursebase'::regnamespace AND t.typtype IN ('e', 'd', 'r')
    AND obj_description(t.oid, 'pg_type') IS NULL;
SELECT 'no comment', p.polname, p.polrelid::regclass FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
WHERE obj_description(p.oid, 'pg_policy') IS NULL;
SELECT 'no comment', e.evtname FROM pg_event_trigger e JOIN functions f ON f.oid = e.evtfoid
WHERE obj_description(e.oid, 'pg_event_trigger') IS NULL;
-- A comment is a sentence: a capital, quote or name at its start, a full stop at its end.
SELECT 'comment without a full stop', f.oid::regprocedure FROM functions f
WHERE obj_description(f.oid, 'pg_proc') !~ '[.)]$';

-- Code belongs to the extension, tables belong to nobody's.
SELECT 'no member', f.oid::regprocedure FROM functions f
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid
    AND d.deptype = 'e');
SELECT 'member', r.oid::regclass FROM relations r
WHERE EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid
    AND d.deptype = 'e');
-- So a function's signature names no type of the schema, no row of a table among them, …
SELECT 'type of ours in the signature', f.oid::regprocedure FROM functions f
WHERE EXISTS (
    SELECT FROM unnest(f.proargtypes || coalesce(f.proallargtypes, '{}') || f.prorettype) AS u (type)
    JOIN pg_type t ON t.oid = u.type LEFT JOIN pg_type e ON e.oid = t.typelem
    WHERE 'coursebase'::regnamespace IN (t.typnamespace, e.typnamespace));
-- … and no CHECK, index or generated column calls a function of ours: DROP EXTENSION CASCADE would take it.
SELECT 'depends on a function of ours', pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_depend d JOIN functions f ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid
LEFT JOIN pg_attrdef g ON d.classid = 'pg_attrdef'::regclass AND g.oid = d.objid
LEFT JOIN pg_attribute a ON a.attrelid = g.adrelid AND a.attnum = g.adnum
WHERE d.classid IN ('pg_constraint'::regclass, 'pg_class'::regclass) OR a.attgenerated <> '';

-- Every table has a primary key; one with updated_at keeps it true.
SELECT 'no primary key', oid::regclass FROM relations r
WHERE relkind = 'r' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.oid AND i.indisprimary);
SELECT 'updated_at without t500_stamp', r.oid::regclass
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = 'updated_at'
WHERE r.relkind = 'r' AND r.relname NOT IN ('schema_version', 'granted_roles') -- written by one statement each
    AND NOT EXISTS (
        SELECT FROM pg_trigger t
        WHERE t.tgrelid = r.oid AND t.tgname = 't500_stamp' AND t.tgtype = 19
            AND t.tgfoid = 'coursebase.tg_any__stamp()'::regprocedure);
SELECT 'time without zone', r.relname || '.' || a.attname
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
WHERE a.atttypid IN ('timestamp'::regtype, 'time'::regtype);
SELECT 'money that is no integer', r.relname || '.' || a.attname
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid
WHERE a.attname ~ '_in_cents$' AND a.atttypid NOT IN ('integer'::regtype, 'bigint'::regtype);

-- Names: constraints, indexes, triggers and their functions, policies.
SELECT 'constraint name', c.conname
FROM pg_constraint c JOIN relations r ON r.oid = c.conrelid
CROSS JOIN LATERAL (
    SELECT string_agg(a.attname, '_' ORDER BY k.n) AS columns
    FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, n)
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = k.attnum) k
WHERE c.contype IN ('p', 'f', 'u', 'c', 'x') AND NOT CASE c.contype
    WHEN 'p' THEN c.conname = r.relname || '_pkey'
    WHEN 'f' THEN c.conname = left(r.relname || '_' || k.columns || '_fkey', 63)
    WHEN 'u' THEN c.conname = left(r.relname || '_' || k.columns || '_key', 63)
        OR c.conname ~ ('^' || r.relname || '_[a-z_]+_unique$')
    WHEN 'c' THEN c.conname ~ ('^' || r.relname || '_[a-z0-9_]+_check$')
    ELSE c.conname ~ ('^' || r.relname || '_[a-z0-9_]+_excl$') END;
SELECT 'index name', i.indexrelid::regclass
FROM pg_index i JOIN relations r ON r.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    AND c.relname !~ ('^' || r.relname || '_[a-z0-9_]+_idx$');
SELECT 'trigger name', t.tgname, r.oid::regclass
FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal
    AND (t.tgname !~ '^t[0-9]00_[a-z_]+$' OR p.proname !~ ('^tg_(any|document|' || r.relname || ')__[a-z_]+$'));
SELECT 'policy name', p.polname, r.oid::regclass
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
WHERE p.polname !~ ('^[a-z]+_' || CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert'
    WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END || '_[a-z_]+$');
SELECT 'C symbol', f.oid::regprocedure FROM functions f
WHERE f.lanname = 'c' AND f.prosrc <> 'coursebase_' || f.proname;

-- One permissive policy a table and command, to PUBLIC.
SELECT 'several policies', r.oid::regclass, c.cmd
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
JOIN unnest(ARRAY['r', 'a', 'w', 'd']) AS c (cmd) ON p.polcmd::text IN (c.cmd, '*')
WHERE p.polpermissive GROUP BY r.oid, c.cmd HAVING count(*) > 1;
SELECT 'policy to a role', p.polname, r.oid::regclass
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid WHERE p.polroles <> '{0}';
-- A function in a policy is called once a statement, from a subselect: bare calls would be one a row.
SELECT 'call per row', p.polname, r.oid::regclass
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
WHERE regexp_replace(concat(pg_get_expr(p.polqual, p.polrelid), ' ', pg_get_expr(p.polwithcheck, p.polrelid)),
    '\( SELECT coursebase\.\w+\([^()]*\)', '', 'g') ~ 'coursebase\.\w+\(';

-- A function's signature is an API: arguments have names, and a name is one function.
SELECT 'argument without a name', f.oid::regprocedure FROM functions f
WHERE f.pronargs > 0 AND (f.proargnames IS NULL OR '' = ANY (f.proargnames[1:f.pronargs]));
SELECT 'several functions of a name', f.proname FROM functions f GROUP BY f.proname HAVING count(*) > 1;
-- What reads is STABLE (or IMMUTABLE) and PARALLEL SAFE, what writes VOLATILE and PARALLEL UNSAFE.
SELECT 'marks', f.oid::regprocedure, f.provolatile, f.proparallel FROM functions f
WHERE (f.provolatile, f.proparallel) NOT IN (('s', 's'), ('i', 's'), ('v', 'u'));
SELECT 'language', f.oid::regprocedure, f.lanname FROM functions f WHERE f.lanname NOT IN ('c', 'sql');
-- Beyond the caller's rights only through the one helper in C; SQL that resolves names anew is never DEFINER.
SELECT 'security definer', f.oid::regprocedure FROM functions f WHERE f.prosecdef;
ROLLBACK;
