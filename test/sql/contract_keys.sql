-- Promise: which rows go with a row that is deleted, which only forget it, and which keep it from being deleted; and of what no two
-- rows may be.
-- If it fails: a key does something else than before, to rows that are there. When it is as meant, test/check --accept
-- contract_keys; see doc/contributing.md
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE TEMP VIEW keys AS
SELECT r.relname AS parent, k.confdeltype AS at_delete, k.confupdtype AS at_update, c.relname AS child,
    (SELECT string_agg(a.attname, ', ' ORDER BY u.n) FROM unnest(coalesce(nullif(k.confdelsetcols, '{}'), k.conkey)) WITH ORDINALITY AS u (attnum, n)
     JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) AS columns
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
WHERE k.contype = 'f' AND k.connamespace = 'coursebase'::regnamespace AND k.conparentid = 0;
SELECT parent, CASE at_delete WHEN 'c' THEN 'takes with it' WHEN 'n' THEN 'is forgotten by' WHEN 'r' THEN 'is kept by' WHEN 'a' THEN 'is kept until the end by' ELSE at_delete::text END,
    string_agg(format('%s (%s)', child, columns), ', ' ORDER BY child COLLATE "C", columns COLLATE "C")
FROM keys GROUP BY parent, at_delete ORDER BY parent COLLATE "C", at_delete;
-- No key changes with what it points to.
SELECT parent, child, columns, at_update FROM keys WHERE at_update NOT IN ('a', 'r') ORDER BY parent COLLATE "C", child COLLATE "C";
SELECT c.relname, string_agg((SELECT string_agg(coalesce(a.attname, pg_get_indexdef(i.indexrelid, u.n::int, true)), ', ' ORDER BY u.n)
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, n) LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum AND u.attnum > 0 WHERE u.n <= i.indnkeyatts)
    || coalesce(' where ' || pg_get_expr(i.indpred, c.oid), ''), '; ' ORDER BY i.indisprimary DESC, x.relname COLLATE "C")
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE c.relnamespace = 'coursebase'::regnamespace AND i.indisunique AND NOT c.relispartition GROUP BY c.relname ORDER BY c.relname COLLATE "C";
-- What excludes other rows.
SELECT conrelid::regclass, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'x' AND connamespace = 'coursebase'::regnamespace ORDER BY 1, 2;
