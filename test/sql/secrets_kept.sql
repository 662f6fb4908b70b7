-- Promise: nobody but the owner of the tables reads a key of store_keys or the key of closed ids, and nobody but the server a
-- body of the inbox or an event, by whatever way SQL has: a cursor, COPY, a plan, statistics, XML, a function's argument, a key.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = error;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
SET CONSTRAINTS ALL IMMEDIATE;
\i :abs_srcdir/fixtures/helpers/roles.sql
\i :abs_srcdir/fixtures/helpers/refused.sql
GRANT EXECUTE ON FUNCTION pg_temp.refused(text) TO PUBLIC;
CREATE ROLE regress_cells BYPASSRLS;
GRANT USAGE ON SCHEMA coursebase TO regress_cells;
SELECT format('GRANT SELECT ON coursebase.%I TO regress_cells', table_name) FROM coursebase.cell_tables()
WHERE kind IN ('catalogue', 'directory') \gexec
GRANT EXECUTE ON FUNCTION coursebase.claim_world_keys TO regress_cells;
INSERT INTO coursebase.store_keys (provider, kind, material, key_id) SELECT 'stripe', 'signing_secret', 'whsec_' || n, 's' || n FROM generate_series(1, 200) n;
ANALYZE coursebase.store_keys, coursebase.store_notifications, coursebase.access_events, coursebase.closed_id_key, coursebase.settings;
CREATE TEMPORARY TABLE ways (n serial, way text);
INSERT INTO ways (way) VALUES
    ('SELECT * FROM coursebase.%I'), ('SELECT count(*) FROM coursebase.%I'), ('SELECT ctid FROM coursebase.%I WHERE ctid = ''(0,1)'''),
    ('SELECT t FROM coursebase.%I t'), ('SELECT 1 FROM coursebase.%I TABLESAMPLE SYSTEM (100)'), ('SELECT 1 FROM coursebase.%I FOR UPDATE'),
    ('SELECT 1 FROM generate_series(1, 2) n, LATERAL (SELECT * FROM coursebase.%I WHERE n > 0) t'), ('EXPLAIN ANALYZE SELECT * FROM coursebase.%I'),
    ('EXPLAIN SELECT * FROM coursebase.%I'), ('DEALLOCATE ALL; PREPARE regress_way_%1$s AS SELECT * FROM coursebase.%1$I; EXECUTE regress_way_%1$s'), ('DECLARE regress_way CURSOR FOR SELECT * FROM coursebase.%I'),
    ('COPY coursebase.%I TO PROGRAM ''true'''), ('SELECT table_to_xml(''coursebase.%I'', true, true, '''')'), ('SELECT query_to_xml(''SELECT * FROM coursebase.%I'', true, true, '''')'),
    ('TABLE coursebase.%I'), ('CREATE TEMPORARY TABLE regress_copy AS SELECT * FROM coursebase.%I'),
    ('CREATE TEMPORARY VIEW regress_view AS SELECT * FROM coursebase.%I; TABLE regress_view'), ('CREATE TEMPORARY TABLE regress_child () INHERITS (coursebase.%I)'),
    ('LOCK TABLE coursebase.%I IN ACCESS SHARE MODE'), ('DELETE FROM coursebase.%I RETURNING *'),
    ('MERGE INTO coursebase.%I t USING (VALUES (1)) v (n) ON false WHEN MATCHED THEN DO NOTHING'),
    ('DO $do$ BEGIN PERFORM * FROM coursebase.%I; END $do$');
GRANT SELECT ON ways TO PUBLIC;
-- What each role is told, by SQLSTATE, of all these ways.
CREATE FUNCTION pg_temp.told(who text, claims text, name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told text;
BEGIN
    PERFORM set_config('request.jwt.claims', claims, true), set_config('role', who, true);
    SELECT string_agg(DISTINCT split_part(pg_temp.refused(format(way, name)), ' | ', 1), ' ') INTO told FROM pg_temp.ways;
    PERFORM set_config('role', 'none', true);
    RETURN told;
END $$;
SELECT t.name, w.who, pg_temp.told(w.who, w.claims, t.name) FROM (VALUES ('store_keys'), ('closed_id_key'), ('store_notifications'), ('access_events')) AS t (name)
CROSS JOIN (VALUES ('regress_anonymous', ''), ('regress_end_user', '{"sub": "fixture_ada"}'), ('regress_end_user', '{"sub": "fixture_root"}'), ('regress_cells', ''),
    ('regress_server', '')) AS w (who, claims)
WHERE NOT (w.who = 'regress_server' AND t.name IN ('store_notifications', 'access_events')) ORDER BY 1, 2;

-- The server's statistics, which show values where somebody may read the column and row security does not bind.
CREATE TEMPORARY TABLE of_home AS SELECT table_name FROM coursebase.cell_tables() WHERE kind IN ('catalogue', 'directory');
GRANT SELECT ON of_home TO PUBLIC;
SET LOCAL ROLE regress_cells;
SELECT count(*) FROM pg_stats WHERE schemaname = 'coursebase' AND tablename NOT IN (TABLE of_home);
SET LOCAL ROLE regress_server;
SELECT count(*) FROM pg_stats WHERE schemaname = 'coursebase' AND tablename IN ('store_keys', 'closed_id_key', 'closed_ids');
SET LOCAL ROLE regress_end_user;
SELECT count(*) FROM pg_stats WHERE schemaname = 'coursebase';
SELECT count(*) FROM pg_stats_ext WHERE schemaname = 'coursebase';
RESET ROLE;
-- No view shows either table, and no function that others may call answers a material.
SELECT c.oid::regclass FROM pg_class c JOIN pg_rewrite r ON r.ev_class = c.oid JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
WHERE d.refobjid IN ('coursebase.store_keys'::regclass, 'coursebase.closed_id_key'::regclass);
SELECT has_function_privilege(r, f, 'EXECUTE') FROM unnest(ARRAY['regress_anonymous', 'regress_end_user', 'regress_cells', 'regress_server']) r,
    unnest(ARRAY['coursebase.set_store_key(text, text, text, text, text, timestamptz, timestamptz)']) f;
-- What a wrong material is, no error and no entry of the trail tells; which key fitted, no refusal.
SELECT pg_temp.refused($$SELECT coursebase.set_store_key('app_store', 'root', 'whsec_in_the_wrong_place')$$);
SELECT coursebase.set_store_key('stripe', 'signing_secret', 'whsec_audited', 'audited');
SELECT count(*) FROM coursebase.audit_events a WHERE a::text LIKE '%whsec%';
SET LOCAL ROLE regress_server;
SELECT pg_temp.refused(format('SELECT coursebase.take_notification(%L, %L, %L)', 'stripe',
    '{"id": "evt", "object": "event", "type": "product.created", "created": 1772445600, "livemode": true, "data": {"object": {"id": "p"}}}', 't=1,v1=' || repeat('0', 64)));
ROLLBACK;
