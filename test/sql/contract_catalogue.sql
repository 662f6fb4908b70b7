-- Promise: every object of the schema, those of later slices too, is made by the house's rules. An object that breaks
-- some is told with what to do about each; the expected output has only those that are planted at the end.
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
SELECT object, advice FROM coursebase.lint();

CREATE TEMP VIEW breaches (object, n, advice) AS
-- lint() knows the tables that a release has; a table that is in no release yet is held to the same. Migration tools
-- switch row security off where they find no policy.
SELECT relname::text, 1, 'enable row security' FROM relations WHERE relkind IN ('r', 'p') AND NOT relrowsecurity
UNION ALL
SELECT relname, 12, 'add a policy: nobody_all_rows USING (false) if it is the server''s alone' FROM relations r
WHERE relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = r.oid)
UNION ALL
SELECT r.relname, 2, 'index ' || string_agg(a.attname, ', ' ORDER BY u.n)
FROM pg_constraint k JOIN relations r ON r.oid = k.conrelid
CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS u (attnum, n)
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = u.attnum
WHERE k.contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.oid AND i.indpred IS NULL
    AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
GROUP BY r.relname, k.oid
UNION ALL
SELECT relname, 3, 'add a primary key' FROM relations r
WHERE relkind = 'r' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.oid AND i.indisprimary)
UNION ALL
-- What has updated_at keeps it true; schema_version and granted_roles are written by one statement each.
SELECT r.relname, 4, 'add the trigger t500_stamp for updated_at'
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = 'updated_at'
WHERE r.relkind = 'r' AND r.relname NOT IN ('schema_version', 'granted_roles') AND NOT EXISTS (
    SELECT FROM pg_trigger t WHERE t.tgrelid = r.oid AND t.tgname = 't500_stamp' AND t.tgtype = 19
        AND t.tgfoid = 'coursebase.tg_any__stamp()'::regprocedure)
UNION ALL
SELECT r.relname, 5, format('make %s a timestamptz', a.attname)
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
WHERE a.atttypid IN ('timestamp'::regtype, 'time'::regtype)
UNION ALL
SELECT r.relname, 6, format('make %s a bigint', a.attname)
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid
WHERE a.attname ~ '_in_cents$' AND a.atttypid NOT IN ('integer'::regtype, 'bigint'::regtype)
UNION ALL
-- Code belongs to the extension, tables belong to nobody's.
SELECT r.relname, 7, 'create it in tables.sql so that it is no member of the extension' FROM relations r
WHERE EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'e')
UNION ALL
SELECT f.oid::regprocedure::text, 7, 'create it in functions.sql as a member of the extension' FROM functions f
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e')
UNION ALL
-- So a function's signature names no type of the schema, no row of a table among them, …
SELECT f.oid::regprocedure::text, 8, 'use text or json or TABLE (…) in place of the type of the schema'
FROM functions f WHERE EXISTS (
    SELECT FROM unnest(f.proargtypes || coalesce(f.proallargtypes, '{}') || f.prorettype) AS u (type)
    JOIN pg_type t ON t.oid = u.type LEFT JOIN pg_type e ON e.oid = t.typelem
    WHERE 'coursebase'::regnamespace IN (t.typnamespace, e.typnamespace))
UNION ALL
-- … and no CHECK, index or generated column calls a function of ours: DROP EXTENSION CASCADE would take it.
SELECT pg_describe_object(d.classid, d.objid, d.objsubid), 8, format('write it without %s or move the rule to a trigger', f.oid::regprocedure)
FROM pg_depend d JOIN functions f ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid
LEFT JOIN pg_attrdef g ON d.classid = 'pg_attrdef'::regclass AND g.oid = d.objid
LEFT JOIN pg_attribute a ON a.attrelid = g.adrelid AND a.attnum = g.adnum
WHERE d.classid IN ('pg_constraint'::regclass, 'pg_class'::regclass) OR a.attgenerated <> ''
UNION ALL
-- Everything has a comment, and that of a function is a sentence.
SELECT relname, 9, 'COMMENT' FROM relations WHERE obj_description(oid, 'pg_class') IS NULL
UNION ALL
SELECT r.relname, 10, 'COMMENT ON COLUMN ' || string_agg(a.attname, ', ' ORDER BY a.attnum)
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid
WHERE a.attnum > 0 AND NOT a.attisdropped AND col_description(r.oid, a.attnum) IS NULL GROUP BY r.relname
UNION ALL
SELECT f.oid::regprocedure::text, 9, 'COMMENT' FROM functions f WHERE obj_description(f.oid, 'pg_proc') IS NULL
UNION ALL
SELECT f.oid::regprocedure::text, 9, 'end its COMMENT with a full stop' FROM functions f
WHERE obj_description(f.oid, 'pg_proc') !~ '[.)]$'
UNION ALL
SELECT t.oid::regtype::text, 9, 'COMMENT' FROM pg_type t
WHERE t.typnamespace = 'coursebase'::regnamespace AND t.typtype IN ('e', 'd', 'r') AND obj_description(t.oid, 'pg_type') IS NULL
UNION ALL
SELECT r.relname, 11, 'COMMENT ON POLICY ' || p.polname FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
WHERE obj_description(p.oid, 'pg_policy') IS NULL
UNION ALL
SELECT e.evtname, 9, 'COMMENT' FROM pg_event_trigger e JOIN functions f ON f.oid = e.evtfoid
WHERE obj_description(e.oid, 'pg_event_trigger') IS NULL;
\set told 'SELECT format(''%s: %s; see doc/contributing.md'', object, string_agg(advice, '', '' ORDER BY n, advice)) FROM breaches GROUP BY object ORDER BY object COLLATE "C";'
:told

-- Planted: a table, a type and functions that break the rules.
CREATE TYPE coursebase.planted_kind AS ENUM ('topic');
CREATE TABLE coursebase.planted (
    course_id uuid REFERENCES coursebase.courses (id),
    kind coursebase.planted_kind CHECK (coursebase.json_size(to_json(kind)) > 0),
    fee_in_cents numeric, added_at timestamp, updated_at timestamptz
);
COMMENT ON COLUMN coursebase.planted.course_id IS 'The course.';
CREATE POLICY anyone_select_all ON coursebase.planted FOR SELECT USING (true);
CREATE TABLE coursebase.planted_notes (id integer PRIMARY KEY);
CREATE FUNCTION coursebase.planted_words(kind coursebase.planted_kind) RETURNS coursebase.planted LANGUAGE sql AS 'SELECT NULL::coursebase.planted';
COMMENT ON FUNCTION coursebase.planted_words IS 'Tags';
:told
ROLLBACK;
