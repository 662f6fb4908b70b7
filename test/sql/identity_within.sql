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
