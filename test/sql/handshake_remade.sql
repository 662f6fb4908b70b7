-- Promise: what a session keeps of the catalogue is the committed one, also where a transaction deletes a cohort and makes it
-- anew under its id, and where a handshake within a statement sees a change that is rolled back.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
-- Committed: what a session changed itself is not kept by it.
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT format('00000000-0000-4000-8000-00000000e4a%s', n)::uuid, 'remade_' || n, 'n', 'e' FROM generate_series(1, 2) n;
INSERT INTO coursebase.cohorts (id, code, name, kind)
VALUES ('00000000-0000-4000-8000-00000000e4c1', 'remade', 'Remade', 'experiment');
INSERT INTO coursebase.user_cohorts
VALUES ('00000000-0000-4000-8000-00000000e4a1', '00000000-0000-4000-8000-00000000e4c1');
INSERT INTO coursebase.master_manifests (id, name, content, is_default)
SELECT format('00000000-0000-4000-8000-00000000e4b%s', n)::uuid, format('remade%s.json', n), to_json(n), n = 3 FROM generate_series(1, 3) n;
CREATE FUNCTION pg_temp.files(person integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s', m.name, entry ->> 'file_size_bytes'), ', ' ORDER BY m.name) FROM json_each(coursebase.handshake(
        format('00000000-0000-4000-8000-00000000e4a%s', person)::uuid, '{}', '2026-06-01') -> 'json_manifest') AS m (name, entry)
    WHERE m.name LIKE 'remade%'
$$;
CREATE PROCEDURE pg_temp.link(manifest integer) LANGUAGE sql AS $$
    INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id)
    VALUES (format('00000000-0000-4000-8000-00000000e4b%s', manifest)::uuid, '00000000-0000-4000-8000-00000000e4c1')
$$;
CREATE PROCEDURE pg_temp.remake(manifest integer) LANGUAGE sql AS $$
    DELETE FROM coursebase.cohorts WHERE code = 'remade';
    INSERT INTO coursebase.cohorts (id, code, name, kind)
    VALUES ('00000000-0000-4000-8000-00000000e4c1', 'remade', 'Remade', 'experiment');
    CALL pg_temp.link(manifest);
    INSERT INTO coursebase.user_cohorts
    VALUES ('00000000-0000-4000-8000-00000000e4a1', '00000000-0000-4000-8000-00000000e4c1')
$$;

-- A cohort that never had a manifest, with one, made anew with another, and changed and then made anew.
SELECT pg_temp.files(1);
CALL pg_temp.link(1);
SELECT pg_temp.files(1);
BEGIN;
CALL pg_temp.remake(2);
COMMIT;
SELECT pg_temp.files(1);
BEGIN;
DELETE FROM coursebase.manifest_cohorts WHERE cohort_id = '00000000-0000-4000-8000-00000000e4c1';
CALL pg_temp.remake(1);
COMMIT;
SELECT pg_temp.files(1);

-- A trigger that comes before ours calls a handshake; then one of the statement itself, which assigns a discount.
CREATE FUNCTION pg_temp.remade() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.files(2);
    RETURN NULL;
END $$;
CREATE TRIGGER a_remade AFTER UPDATE ON coursebase.master_manifests FOR EACH ROW EXECUTE FUNCTION pg_temp.remade();
BEGIN;
SAVEPOINT changed;
UPDATE coursebase.master_manifests SET content = '{"longer": true}' WHERE name = 'remade3.json';
ROLLBACK TO changed;
SELECT pg_temp.files(2);
COMMIT;
DROP TRIGGER a_remade ON coursebase.master_manifests;
SELECT pg_temp.files(2);
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('REMADE', 'course', 10);
BEGIN;
UPDATE coursebase.master_manifests SET content = '{"longer": true}' WHERE name = 'remade3.json'
RETURNING pg_temp.files(2);
ROLLBACK;
SELECT pg_temp.files(2);
SELECT check_name, problem FROM coursebase.check_integrity() WHERE check_name = 'cached_answer';

DELETE FROM coursebase.users WHERE clerk_user_id LIKE 'remade\_%';
DELETE FROM coursebase.cohorts WHERE code = 'remade';
DELETE FROM coursebase.discount_codes WHERE code = 'REMADE';
DELETE FROM coursebase.master_manifests WHERE name LIKE 'remade%.json';
