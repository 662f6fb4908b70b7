-- Promise: names, policies and signatures follow the house's patterns in every slice, those to come too. An object that
-- breaks some is told with what to do about each; the expected output has only those that are planted at the end.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/catalogue.sql
CREATE TEMP VIEW breaches (object, n, advice) AS
-- Names: constraints, indexes, triggers and their functions, policies.
SELECT r.relname::text, 1, format('rename the constraint %s: %s', c.conname, CASE c.contype
    WHEN 'p' THEN r.relname || '_pkey' WHEN 'f' THEN left(r.relname || '_' || k.columns || '_fkey', 63)
    WHEN 'u' THEN left(r.relname || '_' || k.columns || '_key', 63)
    WHEN 'c' THEN r.relname || '_<rule>_check' ELSE r.relname || '_<rule>_excl' END)
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
    ELSE c.conname ~ ('^' || r.relname || '_[a-z0-9_]+_excl$') END
UNION ALL
SELECT r.relname, 2, format('rename the index %s: %s_<columns>_idx', c.relname, r.relname)
FROM pg_index i JOIN relations r ON r.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    AND c.relname !~ ('^' || r.relname || '_[a-z0-9_]+_idx$')
UNION ALL
SELECT r.relname, 3, format('rename the trigger %s or its function: t<order>_<what> and tg_%s__<what>', t.tgname, r.relname)
FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal
    AND (t.tgname !~ '^[tA][0-9]00_[a-z_]+$' OR p.proname !~ ('^tg_(any|document|' || r.relname || ')__[a-z_]+$'))
UNION ALL
SELECT r.relname, 4, format('rename the policy %s: <who>_%s_<scope>', p.polname, c.command)
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
CROSS JOIN LATERAL (SELECT CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert'
    WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END) c (command)
WHERE p.polname !~ ('^[a-z]+_' || c.command || '_[a-z_]+$')
UNION ALL
SELECT f.oid::regprocedure::text, 1, 'call its C function coursebase_' || f.proname FROM functions f
WHERE f.lanname = 'c' AND f.prosrc <> 'coursebase_' || f.proname
UNION ALL
-- One permissive policy a table and command, to PUBLIC.
SELECT r.relname, 5, 'make one policy of ' || string_agg(p.polname, ' and ' ORDER BY p.polname)
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
JOIN unnest(ARRAY['r', 'a', 'w', 'd']) AS c (cmd) ON p.polcmd::text IN (c.cmd, '*')
WHERE p.polpermissive GROUP BY r.relname, c.cmd HAVING count(*) > 1
UNION ALL
SELECT r.relname, 6, format('give the policy %s to PUBLIC and let its bound say who', p.polname)
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid WHERE p.polroles <> '{0}'
UNION ALL
-- A function in a policy is called once a statement, from a subselect: bare calls would be one a row. Two are meant
-- to be, where no set could be the bound; what they found is kept for the statement. One is the planner's, and gone then.
SELECT r.relname, 7, format('call the functions in the policy %s from a subselect: (SELECT coursebase.…())', p.polname)
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
WHERE regexp_replace(concat(pg_get_expr(p.polqual, p.polrelid), ' ', pg_get_expr(p.polwithcheck, p.polrelid)),
    '\( SELECT coursebase\.\w+\([^()]*\)|coursebase\.(can_read_section|can_view_lesson|organizations_are_here)\(', '', 'g') ~ 'coursebase\.\w+\('
UNION ALL
-- A function's signature is an API: arguments have names, and a name is one function.
SELECT f.oid::regprocedure::text, 2, 'name every argument' FROM functions f
WHERE f.pronargs > 0 AND (f.proargnames IS NULL OR '' = ANY (f.proargnames[1:f.pronargs]))
UNION ALL
SELECT f.proname, 3, format('give its %s functions names of their own', count(*)) FROM functions f GROUP BY f.proname HAVING count(*) > 1
UNION ALL
SELECT f.oid::regprocedure::text, 4, 'mark it STABLE PARALLEL SAFE if it only reads and VOLATILE PARALLEL UNSAFE if it writes'
FROM functions f WHERE (f.provolatile, f.proparallel) NOT IN (('s', 's'), ('i', 's'), ('v', 'u'))
UNION ALL
SELECT f.oid::regprocedure::text, 5, 'write it in SQL or C' FROM functions f WHERE f.lanname NOT IN ('c', 'sql')
UNION ALL
-- Beyond the caller's rights only through the one helper in C; SQL that resolves names anew is never DEFINER.
SELECT f.oid::regprocedure::text, 6, 'make it SECURITY INVOKER and do what needs the owner''s rights in C by core/owner.h'
FROM functions f WHERE f.prosecdef;
\set told 'SELECT format(''%s: %s; see doc/contributing.md'', object, string_agg(advice, '', '' ORDER BY n, advice)) FROM breaches GROUP BY object ORDER BY object COLLATE "C";'
:told

-- Planted: a table and functions that break the rules.
CREATE TABLE coursebase.planted (id integer CONSTRAINT tags PRIMARY KEY, tag text CONSTRAINT is_short CHECK (tag <> ''));
CREATE INDEX tagged ON coursebase.planted (tag);
CREATE TRIGGER stamp BEFORE UPDATE ON coursebase.planted FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE POLICY readers ON coursebase.planted FOR SELECT TO pg_monitor USING (coursebase.is_admin());
CREATE POLICY self_select_own ON coursebase.planted FOR SELECT USING (true);
CREATE FUNCTION coursebase.planted_words(integer) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN true; END';
CREATE FUNCTION coursebase.planted_words() RETURNS boolean LANGUAGE c AS 'coursebase', 'coursebase_is_admin' SECURITY DEFINER;
:told
ROLLBACK;
