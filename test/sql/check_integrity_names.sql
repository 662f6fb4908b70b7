-- Promise: check_integrity(name) runs one check and finds what the whole finds of that name, a name that no check has is
-- refused (22023) with all names, and a check that takes long is told when it is done.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
\set VERBOSITY terse
SELECT * FROM coursebase.check_integrity('nothing');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

BEGIN;
-- Damage of several names, in one slice and in several.
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    ('00000000-0000-4000-8000-0000000000a1', 'name_ada', 'Ada', 'ada@example.org', 'admin');
INSERT INTO coursebase.user_profile (user_id, email, referral_code, time_zone) VALUES
    ('00000000-0000-4000-8000-0000000000a1', 'ada@example.org', 'UABCDEF', 'Nowhere/Land');
INSERT INTO coursebase.organizations (id, slug, name, currency, time_zone) VALUES
    ('00000000-0000-4000-8000-0000000000f1', 'name', 'Name', 'EUR', 'Nowhere/Land');
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES
    ('00000000-0000-4000-8000-0000000000a1', '00000000-0000-4000-8000-0000000000c9');
SELECT check_name, object FROM coursebase.check_integrity();
SELECT check_name, object FROM coursebase.check_integrity('time_zone');
SELECT check_name, object FROM coursebase.check_integrity('foreign_key');
SELECT count(*) FROM coursebase.check_integrity('referral_cycle');
-- Each name in turn finds no less and no more than the whole.
CREATE FUNCTION pg_temp.names() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
    PERFORM coursebase.check_integrity('nothing');
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN QUERY SELECT regexp_split_to_table(substring(hint FROM 'Give one of (.*)\.'), ', ');
END $$;
SELECT count(*) > 60, count(*) = count(DISTINCT n) FROM pg_temp.names() AS n;
(SELECT c.* FROM pg_temp.names() AS n, coursebase.check_integrity(n) c EXCEPT ALL SELECT * FROM coursebase.check_integrity())
UNION ALL (SELECT * FROM coursebase.check_integrity() EXCEPT ALL SELECT c.* FROM pg_temp.names() AS n, coursebase.check_integrity(n) c);
ROLLBACK;

-- Long ones: a table that takes its time, in every plan.
BEGIN;
SET LOCAL client_min_messages = notice;
SET LOCAL coursebase.allow_drop = on;
ALTER TABLE coursebase.store_notifications RENAME TO slow;
CREATE VIEW coursebase.store_notifications AS SELECT (r).* FROM (SELECT NULL::coursebase.slow AS r FROM pg_sleep(3.2) OFFSET 0) s;
SELECT * FROM coursebase.check_integrity('notification_applied');
SELECT * FROM coursebase.check_integrity('time_zone');
ROLLBACK;
