-- Promise: what the owner of the tables hangs on them runs with the owner's rights when a superuser installs, updates or hands
-- over, and leaves nothing behind that the superuser would run at commit: no deferred trigger, no cursor, no setting.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
BEGIN;
CREATE ROLE regress_studio;
CREATE ROLE regress_studio_two;
SELECT coursebase.hand_over('regress_studio');
CREATE SCHEMA regress_lair AUTHORIZATION regress_studio;
SET LOCAL ROLE regress_studio;
CREATE TABLE regress_lair.strong (what text);
CREATE TABLE regress_lair.bait (what text);
CREATE FUNCTION regress_lair.spring(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        INSERT INTO regress_lair.strong VALUES (what);
    END IF;
    RETURN what;
END $$;
CREATE FUNCTION regress_lair.trap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM regress_lair.spring(TG_ARGV[0]);
    RETURN NEW;
END $$;
CREATE FUNCTION regress_lair.leave(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF what = 'setting' THEN
        PERFORM set_config('search_path', 'regress_lair', false);
    ELSIF what = 'cursor' THEN
        EXECUTE 'DECLARE trojan CURSOR WITH HOLD FOR SELECT regress_lair.spring(''cursor'')';
    ELSE
        INSERT INTO regress_lair.bait VALUES (what);
    END IF;
END $$;
CREATE FUNCTION regress_lair.tempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM regress_lair.spring('statement');
    PERFORM regress_lair.leave(TG_ARGV[0]);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER sprung AFTER INSERT ON regress_lair.bait DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION regress_lair.trap('bait');
SELECT format('CREATE TRIGGER tempt_%2$s BEFORE INSERT OR UPDATE ON coursebase.%1$s FOR EACH STATEMENT '
    'EXECUTE FUNCTION regress_lair.tempt(%2$L)', name, what)
FROM unnest(ARRAY['settings', 'schema_version', 'granted_roles']) AS name, unnest(ARRAY['setting', 'cursor', 'bait']) AS what \gexec
RESET ROLE;
CREATE TEMPORARY VIEW left_behind AS
SELECT (SELECT string_agg(DISTINCT what, ', ') FROM regress_lair.strong) AS sprung, current_setting('search_path') AS search_path,
    (SELECT count(*) FROM pg_cursors) AS cursors, (SELECT count(*) FROM regress_lair.bait) AS bait;

-- install() writes both tables, hand_over() the roles that are remembered. SET CONSTRAINTS does what COMMIT would.
SELECT count(*) FROM coursebase.install();
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
TABLE left_behind;
SELECT coursebase.grant_roles(NULL, NULL, NULL);
SELECT coursebase.hand_over('regress_studio_two');
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
TABLE left_behind;
SELECT coursebase.hand_over('regress_studio');

-- A view in a table's place, which the owner can put there: a function in a view runs as whoever reads.
SET LOCAL ROLE regress_studio;
SET LOCAL coursebase.allow_drop = on;
ALTER TABLE coursebase.granted_roles RENAME TO granted_roles_before;
CREATE VIEW coursebase.granted_roles AS
SELECT part, role_name, created_at, updated_at FROM coursebase.granted_roles_before WHERE regress_lair.spring('view') <> '';
RESET ROLE;
RESET coursebase.allow_drop;
SELECT coursebase.hand_over('regress_studio');
SELECT count(*) > 0 FROM coursebase.make_api('regress_api');
TABLE left_behind;
SET LOCAL ROLE regress_studio;
SET LOCAL coursebase.allow_drop = on;
DROP VIEW coursebase.granted_roles;
RESET coursebase.allow_drop;
ALTER TABLE coursebase.granted_roles_before RENAME TO granted_roles;
RESET ROLE;

-- A deferred trigger on a table that install() writes is refused, when a superuser runs it; the owner may.
SET LOCAL ROLE regress_studio;
CREATE CONSTRAINT TRIGGER deferred AFTER UPDATE ON coursebase.schema_version DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION regress_lair.trap('deferred');
UPDATE coursebase.schema_version SET version = '0.0.1';
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
TRUNCATE regress_lair.bait;
CLOSE ALL;
RESET ROLE;
RESET search_path;
SELECT count(*) FROM coursebase.install();
SET CONSTRAINTS ALL IMMEDIATE;
TABLE left_behind;
SET CONSTRAINTS ALL DEFERRED;
SET LOCAL ROLE regress_studio;
SELECT count(*) FROM coursebase.install();
ROLLBACK;
