-- Promise: a TRUNCATE of tables that give courses tells of each person what is true afterwards, in whatever order they are named: what is
-- lost with all of them is lost, what another one gives stays, and one that was rolled back, or ran before rows came again, says nothing.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out';
\set one '\'00000000-0000-4000-8000-00000000e5a0\''
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:one, 'C15EMP', 'One', '');
-- Everybody has it by another set of sources: by a grant, by one with an end, by a purchase.
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-00000000e5b' || n)::uuid, 'emptied_' || n, concat_ws(' ', CASE WHEN n & 1 > 0 THEN 'access' END,
    CASE WHEN n & 2 > 0 THEN 'grant' END, CASE WHEN n & 4 > 0 THEN 'purchase' END), n || '@example.org' FROM generate_series(1, 7) n;
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at)
SELECT id, :one, 'admin', 'valid', now() FROM coursebase.users WHERE name ~ 'purchase';
SELECT coursebase.save_product(NULL, 'For ever', '', '/t.png', 49, 'public', ARRAY[:one]::uuid[]) AS bundle \gset
SELECT count(*) FROM coursebase.users u, coursebase.complete_purchase(u.id, :'bundle', 'cs_' || u.clerk_user_id, 4900, 'paid') WHERE u.name ~ 'access';
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) SELECT id, :one, '2095-01-01' FROM coursebase.users WHERE name ~ 'grant';
-- What the events say of each, and whether that is so.
CREATE FUNCTION pg_temp.told() RETURNS TABLE (name text, kind text, until date, holds boolean) LANGUAGE sql AS $$
    SELECT u.name, e.kind::text, e.until::date, (e.kind <> 'access_lost') = coursebase.has_course_access('00000000-0000-4000-8000-00000000e5a0', u.id)
        AND e.until IS NOT DISTINCT FROM CASE WHEN NOT EXISTS (SELECT FROM coursebase.course_purchases p WHERE p.user_id = u.id) THEN a.until END
    FROM coursebase.users u LEFT JOIN coursebase.user_access a ON a.user_id = u.id
    CROSS JOIN LATERAL (SELECT * FROM coursebase.access_events e WHERE e.user_id = u.id AND e.subject LIKE 'courses/%'
        ORDER BY e.id DESC LIMIT 1) e WHERE u.clerk_user_id LIKE 'emptied_%' ORDER BY u.clerk_user_id $$;
SELECT * FROM pg_temp.told();
CREATE FUNCTION pg_temp.wrong(statements text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE answer text[];
BEGIN
    BEGIN
        EXECUTE statements;
        SELECT array_agg(concat_ws(' | ', statements, t.name, t.kind, t.until)) INTO answer FROM pg_temp.told() t WHERE NOT t.holds;
        RAISE EXCEPTION 'back';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    RETURN QUERY SELECT unnest(answer);
END $$;

-- Every order of one, two and three of them.
WITH RECURSIVE t (n, name) AS (VALUES (1, 'coursebase.user_course_access'), (2, 'coursebase.course_grants'), (4, 'coursebase.course_purchases')),
way (used, names) AS (SELECT n, name FROM t UNION ALL SELECT used | n, names || ', ' || name FROM way JOIN t ON used & n = 0)
SELECT names, w FROM way LEFT JOIN LATERAL pg_temp.wrong('TRUNCATE ' || names) w ON true ORDER BY names;
SELECT * FROM pg_temp.wrong('TRUNCATE coursebase.courses CASCADE');

-- One that was rolled back, and one after which rows came again.
SAVEPOINT tried;
TRUNCATE coursebase.user_course_access;
ROLLBACK TO tried;
TRUNCATE coursebase.course_purchases;
SELECT * FROM pg_temp.told();
ROLLBACK TO tried;
TRUNCATE coursebase.course_purchases;
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at)
SELECT id, :one, 'admin', 'valid', now() FROM coursebase.users WHERE name ~ 'purchase';
TRUNCATE coursebase.user_course_access, coursebase.course_grants;
SELECT * FROM pg_temp.told();
ROLLBACK;
