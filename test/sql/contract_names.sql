-- Promise: names, policies and signatures follow the house's patterns in every slice, those to come too. Each
-- query names the objects that break one; the expected output has none.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/catalogue.sql
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
-- A function in a policy is called once a statement, from a subselect: bare calls would be one a row. Two are meant
-- to be, where no set could be the bound; what they found is kept for the statement.
SELECT 'call per row', p.polname, r.oid::regclass
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
WHERE regexp_replace(concat(pg_get_expr(p.polqual, p.polrelid), ' ', pg_get_expr(p.polwithcheck, p.polrelid)),
    '\( SELECT coursebase\.\w+\([^()]*\)|coursebase\.(can_read_section|can_view_lesson)\(', '', 'g') ~ 'coursebase\.\w+\(';

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
