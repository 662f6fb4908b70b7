-- Promise: a cached answer of another database, which a dump of data alone brings without its versions, never answers, and
-- one of a cohort that was made anew neither.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000009a1', 'versions_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.cohorts (id, code, name, kind) VALUES
    ('00000000-0000-4000-8000-0000000009d1', 'versions', 'Versions', 'experiment');
CREATE FUNCTION pg_temp.digest() RETURNS text LANGUAGE sql AS $$
    SELECT coursebase.handshake('00000000-0000-4000-8000-0000000009a1', '{}') ->> 'digest' $$;
-- One change of everything that a version stands for: so many, in the same order, in either database.
CREATE FUNCTION pg_temp.fill(content json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM coursebase.catalogue_version;
    DELETE FROM coursebase.cohort_versions WHERE cohort_id = '00000000-0000-4000-8000-0000000009d1';
    DELETE FROM coursebase.user_versions WHERE user_id = '00000000-0000-4000-8000-0000000009a1';
    INSERT INTO coursebase.user_cohorts VALUES
        ('00000000-0000-4000-8000-0000000009a1', '00000000-0000-4000-8000-0000000009d1');
    INSERT INTO coursebase.master_manifests (id, name, content) VALUES
        ('00000000-0000-4000-8000-0000000009e1', 'versions.json', content);
    INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id) VALUES
        ('00000000-0000-4000-8000-0000000009e1', '00000000-0000-4000-8000-0000000009d1');
END $$;
SELECT pg_temp.fill('{"of": "one"}');
SELECT pg_temp.digest() AS one \gset
CREATE TEMP TABLE dumped AS SELECT * FROM coursebase.cached_handshake_responses
WHERE user_id = '00000000-0000-4000-8000-0000000009a1';
DELETE FROM coursebase.cached_handshake_responses WHERE user_id = '00000000-0000-4000-8000-0000000009a1';
DELETE FROM coursebase.master_manifests WHERE id = '00000000-0000-4000-8000-0000000009e1';
DELETE FROM coursebase.user_cohorts WHERE user_id = '00000000-0000-4000-8000-0000000009a1';
SAVEPOINT emptied;
SELECT pg_temp.fill('{"of": "other"}');
INSERT INTO coursebase.cached_handshake_responses SELECT * FROM dumped;
SELECT pg_temp.digest() <> :'one';
-- A cohort that is deleted and made anew, as a program replaces rows: its old answer is outdated, and no damage.
SELECT pg_temp.digest() AS before \gset
DELETE FROM coursebase.cohorts WHERE code = 'versions';
INSERT INTO coursebase.cohorts (id, code, name, kind) VALUES
    ('00000000-0000-4000-8000-0000000009d1', 'versions', 'Versions', 'experiment');
INSERT INTO coursebase.user_cohorts VALUES
    ('00000000-0000-4000-8000-0000000009a1', '00000000-0000-4000-8000-0000000009d1');
SELECT check_name, problem FROM coursebase.check_integrity() WHERE check_name = 'cached_version';
SELECT pg_temp.digest() <> :'before';
ROLLBACK;
