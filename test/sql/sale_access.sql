-- Promise: user_course_access is what the grants that count say, whichever table is written: a plain INSERT there
-- records a direct grant, a plain DELETE takes every grant, and what a foreign key takes goes without a word.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-0000000e20a1\''
\set bob '\'00000000-0000-4000-8000-0000000e20b1\''
\set one '\'00000000-0000-4000-8000-0000000e22c1\''
\set two '\'00000000-0000-4000-8000-0000000e22c2\''
\set both 'SELECT ''access'', right(user_id::text, 2), right(course_id::text, 2), NULL FROM coursebase.user_course_access WHERE user_id IN (' :ada ',' :bob ') UNION ALL SELECT ''grant'', right(g.user_id::text, 2), right(g.course_id::text, 2), s.stripe_session_id FROM coursebase.course_grants g LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id WHERE g.user_id IN (' :ada ',' :bob ') ORDER BY 1, 2, 3, 4;'
-- What this transaction gave was given before, so that no sale of it is meant (sale_plain_sql tells of those).
\set age 'UPDATE coursebase.course_grants SET created_at = \'2026-01-01\';'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
CREATE ROLE regress_sale_user;
SELECT coursebase.grant_roles(NULL, 'regress_sale_user', NULL);
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    (:ada, 'access_ada', 'Ada', 'ada@example.org', 'user'), (:bob, 'access_bob', 'Bob', 'bob@example.org', 'user'),
    ('00000000-0000-4000-8000-0000000e20c1', 'access_root', 'Root', 'root@example.org', 'admin');
INSERT INTO coursebase.courses (id, title, description) VALUES (:one, 'One', ''), (:two, 'Two', '');
SELECT coursebase.save_product(NULL, 'Bundle', '', '/b.png', 49, 'public', ARRAY[:one, :two]::uuid[]) AS bundle \gset

-- A plain INSERT is a direct grant; one that is there already is refused as any other key, or skipped.
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
:both
SELECT pg_temp.refused(format('INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (%L, %L)', :ada, :one));
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one) ON CONFLICT DO NOTHING;
-- A sale beside it; the direct grant of what was bought is written to course_grants.
:age
SELECT status FROM coursebase.complete_purchase(:ada, :'bundle', 'cs_a1', 4900, 'paid', '2026-03-01 12:00+00');
:age
INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (:ada, :two);
:both
-- A grant goes, the other still gives; the last goes, and access with it.
DELETE FROM coursebase.course_grants WHERE user_id = :ada AND purchase_id IS NULL;
:both
DELETE FROM coursebase.course_grants WHERE user_id = :ada AND course_id = :two;
:both
-- A plain DELETE takes every grant that counts, bought or given.
INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (:ada, :one);
DELETE FROM coursebase.user_course_access WHERE user_id = :ada AND course_id = :one;
:both
-- Keys do not move; the sale that was refunded keeps its record.
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:bob, :one);
SELECT pg_temp.refused(format('UPDATE coursebase.%s SET %s', t, c))
FROM (VALUES ('user_course_access', 'course_id = ' || quote_literal(:two)), ('course_grants', 'user_id = ' || quote_literal(:ada)),
    ('course_grants', 'purchase_id = gen_random_uuid()')) AS v (t, c);
UPDATE coursebase.user_course_access SET created_at = '2026-01-01' WHERE user_id = :bob;
:age
SELECT purchase_id AS sale FROM coursebase.complete_purchase(:bob, :'bundle', 'cs_a2', 4900, 'paid', '2026-03-01 12:00+00') \gset
SELECT cardinality(revoked_course_ids) FROM coursebase.refund_purchase(:'sale', at => '2026-03-02 12:00+00');
:both
DELETE FROM coursebase.user_course_access WHERE user_id = :bob;
:both
-- A grant by another's purchase cannot be.
SELECT left(pg_temp.refused(format('INSERT INTO coursebase.course_grants (user_id, course_id, purchase_id) VALUES (%L, %L, %L)', :ada, :one, :'sale')), 5);

-- Who gave and took is kept; an administrator gives and takes, others do not.
SET LOCAL request.jwt.claims = '{"sub": "access_root"}';
SET LOCAL ROLE regress_sale_user;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :two) RETURNING right(course_id::text, 2);
DELETE FROM coursebase.user_course_access WHERE user_id = :ada AND course_id = :two;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
SET LOCAL request.jwt.claims = '{"sub": "access_bob"}';
SELECT count(*) FROM coursebase.user_access;
SELECT pg_temp.refused(format('INSERT INTO coursebase.%s (user_id, course_id) VALUES (%L, %L)', t, :bob, :one)) FROM unnest(ARRAY['user_course_access', 'course_grants']) AS t;
WITH gone AS (DELETE FROM coursebase.user_course_access RETURNING 1) SELECT count(*) FROM gone;
SET LOCAL request.jwt.claims = '{"sub": "access_ada"}';
SELECT title, is_granted, is_bought FROM coursebase.user_access;
RESET ROLE;
SELECT u.clerk_user_id, e.action, right((coalesce(e.new, e.old) ->> 'user_id'), 2), right((coalesce(e.new, e.old) ->> 'course_id'), 2), e.new IS NULL
FROM coursebase.audit_events e LEFT JOIN coursebase.users u ON u.id = e.actor_id WHERE e.action LIKE 'course_grant%' AND u.clerk_user_id = 'access_root' ORDER BY 3, 4, 5;
-- A version moves with what may be used.
SELECT coalesce(max(version), 0) AS before FROM coursebase.user_versions WHERE user_id = :bob \gset
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:bob, :two);
SELECT version > :before FROM coursebase.user_versions WHERE user_id = :bob;
-- A cascade: the course goes with its direct grants, a sold one stays; the user who bought stays, the one who did not goes.
SELECT left(pg_temp.refused(format('DELETE FROM coursebase.courses WHERE id = %L', :two)), 2);
UPDATE coursebase.products SET status = 'private' WHERE id = :'bundle';
DELETE FROM coursebase.course_products WHERE product_id = :'bundle';
SELECT regexp_replace(pg_temp.refused(format('DELETE FROM coursebase.courses WHERE id = %L', :two)), '[0-9a-f-]{36}', 'the course');
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000e22c3', 'Three', '');
INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT u, '00000000-0000-4000-8000-0000000e22c3' FROM unnest(ARRAY[:ada, :bob]::uuid[]) AS u;
DELETE FROM coursebase.courses WHERE id = '00000000-0000-4000-8000-0000000e22c3';
:both
SELECT left(pg_temp.refused(format('DELETE FROM coursebase.users WHERE id = %L', :ada)), 2);
DELETE FROM coursebase.purchases WHERE user_id = :bob;
DELETE FROM coursebase.users WHERE id = :bob;
:both
SELECT check_name, object, problem FROM coursebase.check_integrity();
ROLLBACK;
