-- Promise: what PostgREST makes of the schema: a title and a text, and for a view what its columns' foreign keys embed.
-- If it fails: a view embeds what a column of its own, not that of a function's answer, is a foreign key to.
\pset format unaligned
\pset tuples_only on
SELECT split_part(obj_description('coursebase'::regnamespace), E'\n\n', 1) AS title,
    length(split_part(obj_description('coursebase'::regnamespace), E'\n\n', 2)) > 100 AS has_a_text;
-- The columns of storefront_courses that are the foreign key from course_configs to programs.
SELECT c.conname, bool_and(d.objid IS NOT NULL) AS all_columns_are_shown
FROM pg_constraint c CROSS JOIN unnest(c.conkey) AS k (attnum)
LEFT JOIN pg_rewrite r ON r.ev_class = 'coursebase.storefront_courses'::regclass
LEFT JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refobjid = c.conrelid AND d.refobjsubid = k.attnum
WHERE c.conrelid = 'coursebase.course_configs'::regclass AND c.confrelid = 'coursebase.programs'::regclass AND c.contype = 'f'
GROUP BY c.conname;
