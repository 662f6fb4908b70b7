-- Promise: a column that must not be NULL has a default unless who inserts has to say it, because generators of types make
-- a column without default required; and no column has a type or a default that drizzle-kit pull cannot write down.
-- If it fails: a column that a trigger fills has a default that is NULL and stored all the same: nullif(0, 0) for an
-- integer, nullif(0, 0)::text::uuid for a uuid, NULL::varchar for a text, NULL for a char(3). See doc/contributing.md
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
CREATE TEMP VIEW columns AS
SELECT r.oid, r.relname, a.attname, a.atttypid, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS default_value,
    (SELECT string_agg(quote_ident(o.attname), ', ') FROM pg_attribute o
     WHERE o.attrelid = r.oid AND o.attnum > 0 AND NOT o.attisdropped AND o.attgenerated = '' AND o.attnum <> a.attnum) AS others
FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
WHERE r.relnamespace = 'coursebase'::regnamespace AND r.relkind IN ('r', 'p', 'v');

-- A row that is there, inserted again without the column, as the server: not-null violation says that it has to be said,
-- and a duplicate key that something else had filled it.
CREATE FUNCTION pg_temp.said(relation regclass, others text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %s (%s) SELECT %2$s FROM %1$s LIMIT 1', relation, others);
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
EXCEPTION
    WHEN SQLSTATE 'ZZ001' OR unique_violation THEN RETURN 'filled';
    WHEN not_null_violation THEN RETURN 'required';
    WHEN OTHERS THEN RETURN sqlstate;
END $$;
CREATE TEMP VIEW breaches AS
SELECT c.relname, c.attname, format('%s: give it a default that says so, or say why', pg_temp.said(c.oid, c.others)) AS advice
FROM columns c
WHERE c.attnotnull AND c.default_value IS NULL AND has_table_privilege('regress_server', c.oid, 'INSERT')
    AND pg_temp.said(c.oid, c.others) <> 'required'
UNION ALL
SELECT c.relname, c.attname, 'make it text: a name has no type in a generator' FROM columns c
WHERE c.atttypid = 'name'::regtype
UNION ALL
SELECT c.relname, c.attname, 'no generator writes an empty string: '' ''::bpchar is one' FROM columns c
WHERE c.default_value = '''''::text';
-- The types that drizzle-kit cannot write stand where no end user goes; doc/guide/browser-and-phone.md names the tables.
SELECT c.relname, bool_or(has_table_privilege('regress_end_user', c.oid, 'SELECT, INSERT, UPDATE, DELETE')) AS of_people
FROM columns c WHERE c.atttypid IN ('bytea'::regtype, 'xid8'::regtype) GROUP BY 1 ORDER BY 1;
GRANT SELECT ON breaches, columns TO regress_server;
GRANT USAGE ON SCHEMA coursebase TO regress_server;
SET LOCAL ROLE regress_server;
TABLE breaches ORDER BY 1, 2;
RESET ROLE;

-- A default of each kind changes nothing else: what is filled is filled, and what is empty is empty.
SELECT DISTINCT format_type(atttypid, NULL), default_value FROM columns
WHERE default_value ~ '^\(*NULL' ORDER BY 1, 2;
INSERT INTO coursebase.subscription_event_mappings (provider, name, event_type) VALUES ('stripe', 'planted', 'noted')
RETURNING subtype = '', length(subtype);

-- Breaches of each kind are told.
SAVEPOINT whole;
ALTER TABLE coursebase.lessons ALTER "order" DROP DEFAULT;
ALTER TABLE coursebase.plans ALTER currency DROP DEFAULT;
ALTER TABLE coursebase.cohorts ADD planted name, ADD planted_too text DEFAULT '';
SET LOCAL ROLE regress_server;
TABLE breaches ORDER BY 1, 2;
RESET ROLE;
ROLLBACK TO whole;

-- Whose row it is need not be said where people insert their own: it is the one who asks.
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "fixture_ada"}';
INSERT INTO coursebase.app_logs (log_type, message) VALUES ('user_action', 'hello');
DELETE FROM coursebase.analytics WHERE user_id = coursebase.current_user_id();
INSERT INTO coursebase.analytics (voice) VALUES ('male') RETURNING user_id = coursebase.current_user_id();
INSERT INTO coursebase.audio_usage (course_code, audio_key, play_count) VALUES ('C01FIX', 'planted', 1)
RETURNING user_id = coursebase.current_user_id();
SELECT lesson_id FROM coursebase.user_lesson_complete WHERE user_id = coursebase.current_user_id() LIMIT 1 \gset
DELETE FROM coursebase.user_lesson_complete WHERE user_id = coursebase.current_user_id();
INSERT INTO coursebase.user_lesson_complete (lesson_id) VALUES (:'lesson_id') RETURNING user_id = coursebase.current_user_id();
RESET ROLE;
SELECT count(*) FROM coursebase.app_logs WHERE message = 'hello' AND user_id = coursebase.current_user_id();
ROLLBACK;
