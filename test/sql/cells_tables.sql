-- Promise: cell_tables() says of every table where its rows live, and what follows from that holds: what comes from home
-- refuses writes in a cell, what rows of people point to is kept, and all of it is published.
\pset format unaligned
\pset tuples_only on
-- Every table of install() stands in the list once, and no other; a partition's rows are its table's.
SELECT coalesce(t.table_name, '(unknown)'), c.relname, 'name it in cell_tables()' AS advice
FROM coursebase.cell_tables() t
FULL JOIN (SELECT relname FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition) c ON c.relname = t.table_name
WHERE t.table_name IS NULL OR c.relname IS NULL;
SELECT table_name FROM coursebase.cell_tables() GROUP BY 1 HAVING count(*) > 1;
SELECT kind, count(*) > 0 FROM coursebase.cell_tables() GROUP BY 1 ORDER BY 1;
-- What comes from home has the trigger that refuses it here, and nothing else has.
CREATE TEMP VIEW guarded AS
SELECT c.relname, t.tgname, t.tgfoid::regproc::text AS called, t.tgattr
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'coursebase'::regnamespace AND t.tgname IN ('t300_of_home', 't300_keep_for_cells', 't300_keep_for_cells_on_update');
SELECT t.table_name, g.relname, 'give it the trigger t300_of_home' AS advice
FROM (SELECT * FROM coursebase.cell_tables() WHERE kind IN ('catalogue', 'directory')) t
FULL JOIN (SELECT * FROM guarded WHERE tgname = 't300_of_home') g ON g.relname = t.table_name
WHERE t.table_name IS NULL OR g.relname IS NULL;
SELECT DISTINCT called FROM guarded ORDER BY 1;
-- It is refused whichever column is written, but for what is each server's own and what follows from that.
SELECT c.relname, a.attname
FROM guarded g JOIN pg_class c ON c.relname = g.relname AND c.relnamespace = 'coursebase'::regnamespace
JOIN coursebase.cell_tables() t ON t.table_name = g.relname
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE g.tgname = 't300_of_home' AND g.tgattr <> ''::int2vector AND NOT a.attnum = ANY (g.tgattr)
ORDER BY a.attnum;
SELECT table_name, own_columns FROM coursebase.cell_tables() WHERE own_columns IS NOT NULL;
-- What a row outside of the catalogue points to is kept: a key that its own server checks does not see it. Versions of
-- a cohort are the server's, and go with nothing that goes.
SELECT DISTINCT p.table_name, k.conname, 'call it kept, with its triggers t300_keep_for_cells' AS advice
FROM pg_constraint k
JOIN coursebase.cell_tables() c ON c.table_name = (SELECT relname FROM pg_class WHERE oid = k.conrelid) AND c.kind <> 'catalogue'
JOIN coursebase.cell_tables() p ON p.table_name = (SELECT relname FROM pg_class WHERE oid = k.confrelid) AND p.kind = 'catalogue'
WHERE k.contype = 'f' AND k.connamespace = 'coursebase'::regnamespace AND NOT p.is_kept;
SELECT t.table_name, string_agg(g.tgname, ', ' ORDER BY g.tgname)
FROM coursebase.cell_tables() t LEFT JOIN guarded g ON g.relname = t.table_name AND g.tgname <> 't300_of_home'
GROUP BY t.table_name, t.is_kept HAVING t.is_kept OR count(g.tgname) > 0 ORDER BY 1;
-- No row of the catalogue points outside of it, but by a column that is each server's own.
SELECT c.table_name, k.conname
FROM pg_constraint k
JOIN coursebase.cell_tables() c ON c.table_name = (SELECT relname FROM pg_class WHERE oid = k.conrelid) AND c.kind = 'catalogue'
JOIN coursebase.cell_tables() p ON p.table_name = (SELECT relname FROM pg_class WHERE oid = k.confrelid) AND p.kind <> 'catalogue'
WHERE k.contype = 'f' AND k.connamespace = 'coursebase'::regnamespace
    AND NOT (SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
        <@ coalesce(c.own_columns, '{}');

-- Home keeps what the others may have sold, in words.
\set SHOW_CONTEXT never
\set VERBOSITY default
BEGIN;
SELECT coursebase.set_cell(0, 2);
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000000d1', 'Kept', '');
SAVEPOINT tried;
DELETE FROM coursebase.courses;
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.courses SET id = gen_random_uuid();
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
TRUNCATE coursebase.settings;
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
-- Nobody points to this one, and an update of other columns is one.
UPDATE coursebase.courses SET title = 'Renamed';
SELECT coursebase.set_cell(0, 1);
DELETE FROM coursebase.courses;
SELECT coursebase.join_home('dbname=nowhere');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
ROLLBACK;
