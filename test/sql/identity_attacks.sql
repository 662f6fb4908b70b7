-- Promise: whoever is promoted, demoted, closed, renamed, replaced or deleted under claims that stay the same is answered as the
-- statement's own snapshot says, by plain and by named statements, for the owner and under row security, whatever is rolled
-- back; claims that change within a statement count from then on; RESET ALL and DISCARD ALL leave nobody.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE ROLE regress_attacked;
SELECT coursebase.grant_roles(NULL, 'regress_attacked', NULL);
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-0000000009a1', 'attack_ada', 'Ada', 'ada@example.org', 'user'),
    ('00000000-0000-4000-8000-0000000009b1', 'attack_bo', 'Bo', 'bo@example.org', 'user'),
    ('00000000-0000-4000-8000-0000000009c1', 'attack_cy', 'Cy', 'cy@example.org', 'admin');

-- The answer by a plain look into the table, which knows no cache: the person, and how many of these rows she sees.
CREATE FUNCTION regress_oracle(policies boolean) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT coalesce(max(right(u.id::text, 2) || CASE u.role WHEN 'admin' THEN ' admin' ELSE '' END), '-') || ', sees '
        || CASE WHEN NOT policies OR max(u.role::text) = 'admin'
            THEN (SELECT count(*) FROM coursebase.users WHERE email LIKE '%@example.org') ELSE count(u.id) END
    FROM coursebase.users u
    WHERE u.clerk_user_id = nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub' AND u.deleted_at IS NULL $$;
CREATE VIEW regress_asking WITH (security_invoker = true) AS
SELECT current_setting('regress.attack') AS attack, coalesce(right(coursebase.current_user_id()::text, 2), '-')
    || CASE WHEN coursebase.is_admin() THEN ' admin' ELSE '' END || ', sees '
    || (SELECT count(*) FROM coursebase.users WHERE email LIKE '%@example.org') AS answer,
    regress_oracle(current_user = 'regress_attacked') AS oracle;
-- A sequence counts also what is rolled back.
CREATE SEQUENCE regress_tried;
GRANT SELECT ON regress_asking TO regress_attacked;
GRANT USAGE ON SEQUENCE regress_tried TO regress_attacked;

CREATE TABLE regress_changes (change text, sub text, made text[]);
INSERT INTO regress_changes VALUES
    ('promoted', 'attack_ada', ARRAY[$$UPDATE coursebase.users SET role = 'admin' WHERE name = 'Ada'$$]),
    ('demoted', 'attack_cy', ARRAY[$$UPDATE coursebase.users SET role = 'user' WHERE name = 'Cy'$$]),
    ('closed', 'attack_ada', ARRAY[$$UPDATE coursebase.users SET deleted_at = now() WHERE name = 'Ada'$$]),
    ('renamed', 'attack_ada', ARRAY[$$UPDATE coursebase.users SET clerk_user_id = 'attack_new' WHERE name = 'Ada'$$]),
    ('replaced', 'attack_ada', ARRAY[$$UPDATE coursebase.users SET clerk_user_id = 'attack_new' WHERE name = 'Ada'$$,
        $$UPDATE coursebase.users SET clerk_user_id = 'attack_ada', role = 'admin' WHERE name = 'Bo'$$]),
    ('deleted', 'attack_ada', ARRAY[$$DELETE FROM coursebase.users WHERE name = 'Ada'$$]),
    ('arrived', 'attack_dan', ARRAY[$$INSERT INTO coursebase.users (id, clerk_user_id, name, email)
        VALUES ('00000000-0000-4000-8000-0000000009d1', 'attack_dan', 'Dan', 'dan@example.org')$$]);
CREATE TABLE regress_ways (way text, steps text[]);
INSERT INTO regress_ways VALUES
    ('1 rolled back', '{ask, BEGIN, ask, change, show, ask, ROLLBACK, ask}'),
    ('2 to a savepoint', '{BEGIN, ask, SAVEPOINT one, change, ask, ROLLBACK TO one, ask, change, ask, ROLLBACK, ask}'),
    ('3 savepoint released', '{BEGIN, SAVEPOINT one, SAVEPOINT two, change, RELEASE two, ask, ROLLBACK TO one, ask, ROLLBACK, ask}'),
    ('4 in a block', '{BEGIN, ask, block, ask, change, ask, ROLLBACK, ask}'),
    ('5 repeatable read', '{BEGIN ISOLATION LEVEL REPEATABLE READ, ask, SAVEPOINT one, change, ask, ROLLBACK TO one, ask, ROLLBACK, ask}'),
    ('6 serializable', '{BEGIN ISOLATION LEVEL SERIALIZABLE, ask, SAVEPOINT one, change, ask, ROLLBACK TO one, ask, ROLLBACK, ask}');
CREATE VIEW regress_steps AS
SELECT row_number() OVER (ORDER BY w.way, c.change, s.n, x.n) AS n, x.statement
FROM regress_ways w CROSS JOIN regress_changes c CROSS JOIN unnest('{begin}' || w.steps) WITH ORDINALITY AS s (step, n)
CROSS JOIN unnest(CASE s.step
    WHEN 'begin' THEN ARRAY[format('SET regress.attack = %L', c.change || ', ' || substr(w.way, 3)),
        format('SET request.jwt.claims = %L', json_build_object('sub', c.sub))]
    WHEN 'change' THEN c.made
    WHEN 'block' THEN ARRAY[format('DO $do$ BEGIN %s; PERFORM FROM regress_asking; RAISE ''back''; EXCEPTION WHEN raise_exception THEN NULL; END $do$',
        array_to_string(c.made, '; '))]
    WHEN 'show' THEN ARRAY['SELECT attack || '': '' || answer FROM regress_asking', 'SET ROLE regress_attacked',
        'SELECT attack || '', under policies: '' || answer FROM regress_asking', 'RESET ROLE']
    WHEN 'ask' THEN ARRAY['EXECUTE by_owner', 'EXECUTE by_user', 'SET ROLE regress_attacked', 'EXECUTE by_owner', 'EXECUTE by_user', 'RESET ROLE']
    ELSE ARRAY[s.step] END) WITH ORDINALITY AS x (statement, n);

-- Each answer that differs from the oracle's is printed; named statements are made by one role and run by both.
PREPARE by_owner AS SELECT attack, answer AS wrong, oracle FROM regress_asking WHERE nextval('regress_tried') > 0 AND answer <> oracle;
SET ROLE regress_attacked;
PREPARE by_user AS SELECT attack, answer AS wrong, oracle FROM regress_asking WHERE nextval('regress_tried') > 0 AND answer <> oracle;
RESET ROLE;
\set ECHO none
SELECT statement FROM regress_steps ORDER BY n
\gexec
\set ECHO all
SELECT last_value AS tried FROM regress_tried;

-- Claims that change within a statement, while somebody is promoted within it too: each row asks as whom it has just become.
CREATE FUNCTION regress_as(subject text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', json_build_object('sub', subject)::text, false);
    UPDATE coursebase.users SET role = CASE role WHEN 'admin' THEN 'user' ELSE 'admin' END::coursebase.user_role WHERE clerk_user_id = subject;
    RETURN (SELECT concat(CASE WHEN answer <> oracle THEN 'WRONG ' END, answer) FROM regress_asking);
END $$;
BEGIN;
SELECT n, regress_as(sub) FROM unnest(ARRAY['attack_ada', 'attack_cy', 'attack_ada', 'x', 'attack_bo', 'attack_ada']) WITH ORDINALITY AS t (sub, n);
ROLLBACK;
EXECUTE by_owner;

-- RESET ALL, DISCARD ALL: nobody stays, also in the middle of a promotion.
SET regress.attack = 'reset';
BEGIN;
SET LOCAL request.jwt.claims = '{"sub": "attack_cy"}';
EXECUTE by_owner;
UPDATE coursebase.users SET role = 'admin' WHERE name = 'Ada';
RESET ALL;
SELECT coursebase.current_user_id() IS NULL, coursebase.is_admin();
ROLLBACK;
SET request.jwt.claims = '{"sub": "attack_cy"}';
SELECT answer FROM regress_asking;
SET ROLE regress_attacked;
RESET ALL;
SELECT coursebase.current_user_id() IS NULL, coursebase.is_admin(), count(*) FROM coursebase.users;
RESET ROLE;
SET request.jwt.claims = '{"sub": "attack_cy"}';
SELECT coursebase.is_admin();
DISCARD ALL;
SELECT coursebase.current_user_id() IS NULL, coursebase.is_admin();
SET request.jwt.claims = '{"sub": "attack_ada"}';
SELECT coursebase.is_admin();

DISCARD ALL;
SET client_min_messages = warning;
DROP FUNCTION regress_as;
DROP VIEW regress_steps, regress_asking;
DROP TABLE regress_ways, regress_changes;
DROP SEQUENCE regress_tried;
DROP FUNCTION regress_oracle;
DELETE FROM coursebase.users WHERE name IN ('Ada', 'Bo', 'Cy') AND clerk_user_id LIKE 'attack\_%';
SELECT coursebase.grant_roles(NULL, NULL, NULL);
DROP OWNED BY regress_attacked;
DROP ROLE regress_attacked;
