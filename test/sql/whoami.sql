-- Promise: whoami() says whom the claims are taken for, why nobody, and which rights the role has, to every role; it never
-- raises because of claims.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
CREATE ROLE regress_anonymous;
CREATE ROLE regress_end_user;
CREATE ROLE regress_server BYPASSRLS;
CREATE ROLE regress_member;
CREATE ROLE regress_stranger;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');
GRANT regress_end_user TO regress_member;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-0000000000a1', 'who_ada', 'Ada', 'ada@example.org', 'user'),
    ('00000000-0000-4000-8000-0000000000b1', 'who_bea', 'Bea', 'bea@example.org', 'admin'),
    ('00000000-0000-4000-8000-0000000000c1', 'who_cem', 'Cem', 'cem@example.org', 'user');
SELECT coursebase.delete_user('00000000-0000-4000-8000-0000000000c1', '2026-01-01') IS NOT NULL;
UPDATE coursebase.users SET clerk_user_id = 'who_cem' WHERE id = '00000000-0000-4000-8000-0000000000c1';
CREATE FUNCTION pg_temp.told(claims text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', claims, true);
    RETURN (SELECT concat_ws(' ', reason, user_id, is_admin, user_id IS NOT DISTINCT FROM coursebase.current_user_id()) FROM coursebase.whoami());
END $$;

-- Every reason, with its sentence.
SET LOCAL ROLE regress_end_user;
SELECT * FROM coursebase.whoami();
SELECT n, pg_temp.told(value)
FROM (VALUES (1, '{"sub": "who_ada"}'), (2, '{"sub": "who_bea"}'), (3, '{"sub": "00000000-0000-4000-8000-0000000000a1"}'),
    (4, '{"sub": "who_dan"}'), (5, '{"sub": "who_cem"}'), (6, 'not JSON'), (7, '{}'), (8, '{"sub": 7}'), (9, '{"sub": ""}'),
    (10, '["who_ada"]'), (11, '{"sub": "' || repeat('x', 300) || '"}'), (12, '')) AS claims (n, value)
ORDER BY n;
SELECT set_config('request.jwt.claims', '{"sub": "who_dan"}', true);
SELECT detail FROM coursebase.whoami();
SELECT set_config('request.jwt.claims', '{"sub": "who_cem"}', true);
SELECT detail FROM coursebase.whoami();
SELECT set_config('request.jwt.claims', '{', true);
SELECT detail FROM coursebase.whoami();
-- The older setting counts where the other is empty.
SELECT set_config('request.jwt.claims', '', true), set_config('request.jwt.claim.sub', 'who_ada', true);
SELECT * FROM coursebase.whoami();

-- Whose rights: each part, a member of one, one of none, the owner of the tables, a superuser.
RESET ROLE;
SELECT role_name = current_user, rights FROM coursebase.whoami();
SET LOCAL ROLE regress_anonymous;
SELECT role_name, rights FROM coursebase.whoami();
SET LOCAL ROLE regress_server;
SELECT role_name, rights FROM coursebase.whoami();
SET LOCAL ROLE regress_member;
SELECT role_name, rights FROM coursebase.whoami();
RESET ROLE;
GRANT USAGE ON SCHEMA coursebase TO regress_stranger;
GRANT EXECUTE ON FUNCTION coursebase.whoami() TO regress_stranger;
SET LOCAL ROLE regress_stranger;
SELECT role_name, rights FROM coursebase.whoami();
RESET ROLE;
-- Without tables it answers too.
SET LOCAL coursebase.allow_drop = on;
DROP TABLE coursebase.schema_version, coursebase.granted_roles, coursebase.users CASCADE;
SET LOCAL ROLE regress_stranger;
SELECT reason, rights FROM coursebase.whoami();
ROLLBACK;
