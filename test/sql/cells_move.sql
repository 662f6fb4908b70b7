-- Promise: what take_person() takes put_person() gives back, every row of every table and every value of it; who may not
-- call is refused, and so are documents of nobody and people who are bound to others.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\set SHOW_CONTEXT never
\set VERBOSITY sqlstate
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
\set ada '''00000000-0000-4000-a000-00000000000a'''
SELECT coursebase.set_cell(0, 2);
CREATE FUNCTION pg_temp.outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE call;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || detail;
END $$;
-- Every table's rows, as text.
CREATE FUNCTION pg_temp.contents() RETURNS TABLE (name text, kind text, rows bigint, content text) LANGUAGE plpgsql AS $$
BEGIN
    FOR name, kind IN SELECT t.table_name, t.kind FROM coursebase.cell_tables() t LOOP
        EXECUTE format('SELECT count(*), string_agg(x::text, E''\n'' ORDER BY x::text COLLATE "C") FROM coursebase.%I x', name) INTO rows, content;
        RETURN NEXT;
    END LOOP;
END $$;

-- Events that a consumer has not acknowledged hold Ada; what organisations have of her does not.
SELECT pg_temp.outcome(format('SELECT coursebase.take_person(%L)', :ada));
SELECT pg_temp.outcome($$SELECT coursebase.take_person('00000000-0000-4000-a000-0000000000ee')$$);
SELECT pg_temp.outcome($$SELECT coursebase.put_person('{}')$$), pg_temp.outcome($$SELECT coursebase.move_person('{}', 0)$$),
    pg_temp.outcome($$SELECT coursebase.move_person('{}', 2)$$);
-- Who left longer ago than the four calls take is named.
INSERT INTO coursebase.moving_people (user_id, person_id, move, document, created_at)
SELECT id, id, 1, '{}', now() - age FROM (VALUES ('00000000-0000-4000-8000-0000000000e1'::uuid, interval '61 minutes'), ('00000000-0000-4000-8000-0000000000e2', '59 minutes')) v (id, age);
SELECT * FROM coursebase.check_integrity('person_moving');
-- Bob is made Ada's other account, so that nothing holds her, and every table of people has rows of hers.
SET LOCAL session_replication_role = replica;
DELETE FROM coursebase.course_workout_completions;
DELETE FROM coursebase.course_entitlements;
DELETE FROM coursebase.payment_transactions;
DELETE FROM coursebase.memberships;
DELETE FROM coursebase.moving_people;
UPDATE coursebase.discount_codes SET referrer_id = NULL;
UPDATE coursebase.users SET merged_into = :ada, deleted_at = '2026-01-01 00:00:00.000001+00' WHERE clerk_user_id = 'fixture_bob';
SET LOCAL session_replication_role = origin;
SELECT pg_temp.outcome(format('SELECT coursebase.take_person(%L)', :ada));
DELETE FROM coursebase.event_claims;
UPDATE coursebase.event_consumers SET done_xid = '9000000000000000000';
-- Values that some format could lose; and columns of the business's own, one of them computed.
ALTER TABLE coursebase.user_profile ADD COLUMN own_json json, ADD COLUMN own_null jsonb, ADD COLUMN own_time timestamptz, ADD COLUMN own_float float8,
    ADD COLUMN own_bytes bytea, ADD COLUMN own_span interval, ADD COLUMN own_number numeric, ADD COLUMN own_array text[], ADD COLUMN own_day date,
    ADD COLUMN own_range tstzrange, ADD COLUMN own_xml xml, ADD COLUMN own_twice text GENERATED ALWAYS AS (email || email) STORED, ADD COLUMN "own Name'" text DEFAULT 'd';
UPDATE coursebase.user_profile SET own_json = '{"a" : 1.50, "a": 2}', own_null = 'null', own_time = '-infinity', own_float = 0.1::float8 + 0.2,
    own_bytes = '\x00ff5c', own_span = '-1 year +2 days -03:04:05.000006', own_number = 'NaN', own_array = E'{NULL,"NULL","a\\"b",""}',
    own_day = 'infinity', own_xml = 'a<b/>', own_range = '[2026-01-01 00:00:00.000001+05,)', "own Name'" = E'tab\t''"\\ \u00e9' WHERE user_id = :ada;
SET LOCAL DateStyle = 'SQL, DMY';
SET LOCAL TimeZone = 'Asia/Kolkata';
SET LOCAL bytea_output = escape;
SET LOCAL extra_float_digits = -3;
SET LOCAL IntervalStyle = iso_8601;
SET LOCAL array_nulls = off;
SET LOCAL xmloption = document;
SET LOCAL check_function_bodies = on;
-- Who is none of the document's people.
INSERT INTO coursebase.users (id, clerk_user_id, name) VALUES ('00000000-0000-4000-a000-0000000000e9', 'somebody', 'Eve');
-- What the trail tells of a row of hers goes along, as her export shows it.
INSERT INTO coursebase.audit_events (action, object, new) VALUES ('course_granted', 'course_grants/x', jsonb_build_object('user_id', :ada));
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.contents();
CREATE TEMP TABLE faults AS SELECT * FROM coursebase.check_integrity();
SELECT name AS empty FROM before WHERE kind = 'person' AND rows = 0;
CREATE TEMP TABLE moved AS SELECT coursebase.take_person(:ada) AS document;
SELECT document::text = coursebase.take_person(:ada)::text, document ->> 'move' FROM moved;
SELECT count(*) FROM moved, json_array_elements(document -> 'tables' -> 'audit_events') a WHERE a ->> 'object' = 'course_grants/x';
-- What is left of people is another's, and the server's own rows point to nobody who left.
SELECT name, rows FROM pg_temp.contents() WHERE kind = 'person' AND rows > 0;
SELECT * FROM coursebase.check_references();
SELECT pg_temp.outcome(c) FROM unnest(ARRAY['SELECT coursebase.handshake($$00000000-0000-4000-a000-00000000000a$$, $${}$$)',
    'SELECT coursebase.has_premium($$00000000-0000-4000-a000-00000000000b$$)', 'SELECT coursebase.upsert_user($$fixture_bob$$, $$B$$)',
    'INSERT INTO coursebase.users (clerk_user_id, name) VALUES ($$fixture_ada$$, $$A$$)',
    'SELECT coursebase.take_person($$00000000-0000-4000-a000-00000000000b$$)', 'SELECT coursebase.put_person(document) FROM moved',
    'SELECT coursebase.release_person($$00000000-0000-4000-a000-00000000000a$$, $$x$$)']) c;
-- A document that has more than this server.
SELECT coursebase.move_person(document, 0), coursebase.move_person(document, 1) FROM moved;
SELECT pg_temp.outcome(c) FROM unnest(ARRAY[
    $$SELECT coursebase.put_person(replace(document::text, '"own_day"', '"our_day"')::json) FROM moved$$,
    $$SELECT coursebase.put_person(replace(document::text, '"analytics": [', '"analytic": [')::json) FROM moved$$,
    $$SELECT coursebase.put_person(replace(document::text, '"move": 1,', '"move": 2,')::json) FROM moved$$]) c;
-- A document that somebody changed on the way: another's rows, forged trail, a table that does not move.
SELECT pg_temp.outcome(format($$SELECT coursebase.put_person(jsonb_insert(document::jsonb, '{tables,%s,0}', %L)::json) FROM moved$$, c[1], c[2]))
FROM (VALUES (ARRAY['users', '{"id": "00000000-0000-4000-a000-0000000000ff", "name": "X"}']),
    (ARRAY['analytics', '{"user_id": "00000000-0000-4000-a000-0000000000ff"}']),
    (ARRAY['audit_events', '{"object": "settings/x", "action": "x"}']),
    (ARRAY['audit_events', '{"object": "course_grants/x", "action": "x", "new": "{\"user_id\": \"00000000-0000-4000-a000-0000000000ff\"}"}'])) v (c);
SELECT pg_temp.outcome($$SELECT coursebase.put_person(jsonb_set(document::jsonb, '{tables,settings}', '[{"name": "forged"}]')::json) FROM moved$$);
-- Nor what the person's own rows never have: one of nobody, one that hangs from another's, a key to somebody else, an account more or
-- one that is not the person's, a guest, another's external id, a person who is none of the accounts.
UPDATE coursebase.people SET moves = 1 WHERE user_id = '00000000-0000-4000-a000-0000000000e9';
SELECT cell FROM coursebase.place_person('elsewhere', 1, '00000000-0000-4000-a000-0000000000e8');
SELECT max(n) FILTER (WHERE id = :ada) AS ada_at, max(n) FILTER (WHERE id <> :ada) AS bob_at FROM (SELECT e ->> 'id' AS id, n - 1 AS n FROM moved, json_array_elements(document -> 'tables' -> 'users') WITH ORDINALITY u (e, n)) u \gset
SELECT x.path, pg_temp.outcome(format('SELECT coursebase.put_person(jsonb_set(document::jsonb, %L, %L)::json) FROM moved', replace(replace(x.path, 'ada', :'ada_at'), 'bob', :'bob_at'), x.value))
FROM (VALUES ('{tables,app_logs,0,user_id}', 'null'), ('{tables,purchase_refunds,0,purchase_id}', '"00000000-0000-4000-a000-0000000000ff"'),
    ('{tables,user_profile,0,referred_by}', '"00000000-0000-4000-a000-0000000000e9"'), ('{tables,referral_credits,0,referred_user_id}', '"00000000-0000-4000-a000-0000000000ff"'),
    ('{people,2}', '"00000000-0000-4000-a000-0000000000e9"'), ('{people,2}', '"00000000-0000-4000-a000-0000000000ff"'), ('{tables,users,bob,merged_into}', 'null'),
    ('{tables,users,ada,is_guest}', '"true"'), ('{tables,users,ada,clerk_user_id}', '"elsewhere"'), ('{user_id}', '"00000000-0000-4000-a000-0000000000e9"')) x (path, value);
SELECT pg_temp.outcome($$SELECT coursebase.move_person('{"user_id": "00000000-0000-4000-a000-00000000000a", "people": ["00000000-0000-4000-a000-0000000000e9"], "from": 0, "move": 2}', 1)$$);
SELECT coursebase.put_person(document) = coursebase.put_person(document::jsonb::json) FROM moved;
-- The same rows, but for the directory, numbers of events, and what this server makes from the rows.
SELECT name FROM before b JOIN pg_temp.contents() c USING (name) WHERE (b.rows, b.content) IS DISTINCT FROM (c.rows, c.content) ORDER BY 1;
SELECT * FROM coursebase.check_integrity() EXCEPT SELECT * FROM faults;
SELECT count(*) FROM coursebase.moving_people;
SELECT p.user_id, p.cell, p.moves FROM coursebase.people p ORDER BY 1;
SELECT pg_temp.outcome($$SELECT coursebase.move_person(document, 2) FROM moved$$);
-- The server alone calls.
SELECT DISTINCT has_function_privilege(r, p.oid, 'EXECUTE'), r FROM pg_proc p, unnest('{regress_anonymous,regress_end_user,regress_server}'::text[]) r
WHERE p.proname IN ('take_person', 'move_person', 'put_person', 'release_person') AND r IN (SELECT rolname FROM pg_roles) ORDER BY 2;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT coursebase.take_person('00000000-0000-4000-a000-00000000000a');
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT coursebase.set_cell(0, 2);
SELECT coursebase.take_person('00000000-0000-4000-a000-00000000000a');
ROLLBACK;
