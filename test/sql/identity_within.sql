-- Promise: who asks is what the snapshot sees, also where a statement asks before it writes its rows.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
-- A trigger that asks before the row is written leaves no answer of before for the next statement.
BEGIN;
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('asked_before', 'Asked', 'asked_before@example.org');
CREATE FUNCTION pg_temp.ask() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM coursebase.current_user_id();
    RETURN new;
END $$;
CREATE TRIGGER a_ask BEFORE UPDATE ON coursebase.users FOR EACH ROW EXECUTE FUNCTION pg_temp.ask();
SELECT set_config('request.jwt.claims', '{"sub": "asked_before"}', true);
UPDATE coursebase.users SET clerk_user_id = 'asked_after' WHERE clerk_user_id = 'asked_before';
SELECT coursebase.current_user_id() IS NULL AS is_nobody;
UPDATE coursebase.users SET clerk_user_id = 'asked_before' WHERE clerk_user_id = 'asked_after';
SELECT coursebase.current_user_id() IS NULL AS is_nobody;
ROLLBACK;
-- COPY writes its rows as a statement does: a trigger, or the function of a DEFAULT, that asks before each of them finds those
-- that are there by then, and leaves no answer for the next statement.
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-000000005931', 'asked_copy', 'Asked', 'asked_copy@example.org');
INSERT INTO coursebase.organizations (id, name, slug)
SELECT ('00000000-0000-4000-8000-00000000594' || n)::uuid, 'Asked', 'asked-copy-' || n FROM generate_series(1, 4) n;
CREATE FUNCTION pg_temp.belongs_to() RETURNS integer LANGUAGE plpgsql AS $$ DECLARE
    n integer;
BEGIN
    SELECT cardinality(coursebase.member_organization_ids()) INTO n FROM (VALUES (1)) one;
    RAISE WARNING 'asked: %', coalesce(n, 0);
    RETURN n;
END $$;
CREATE FUNCTION pg_temp.ask() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_temp.belongs_to();
    RETURN new;
END $$;
CREATE FUNCTION pg_temp.role() RETURNS coursebase.membership_role LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_temp.belongs_to();
    RETURN 'owner';
END $$;
CREATE TRIGGER z_ask BEFORE INSERT ON coursebase.memberships FOR EACH ROW EXECUTE FUNCTION pg_temp.ask();
SELECT set_config('request.jwt.claims', '{"sub": "asked_copy"}', true);
COPY coursebase.memberships (organization_id, user_id, role) FROM stdin;
00000000-0000-4000-8000-000000005941	00000000-0000-4000-8000-000000005931	owner
00000000-0000-4000-8000-000000005942	00000000-0000-4000-8000-000000005931	owner
\.
DROP TRIGGER z_ask ON coursebase.memberships;
ALTER TABLE coursebase.memberships ALTER role SET DEFAULT pg_temp.role();
SET LOCAL session_replication_role = replica;
COPY coursebase.memberships (organization_id, user_id) FROM stdin;
00000000-0000-4000-8000-000000005943	00000000-0000-4000-8000-000000005931
00000000-0000-4000-8000-000000005944	00000000-0000-4000-8000-000000005931
\.
SELECT cardinality(coursebase.member_organization_ids());
ROLLBACK;
