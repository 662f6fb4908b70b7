-- Promise: every object of the schema, those of later slices too, is made by the house's rules. Each query
-- names the objects that break one; the expected output has none.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/catalogue.sql
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
ROLLBACK;
