-- Promise: any text that is a file's name on every phone is a course's code, unique ignoring case and found in either case;
-- what another file of a phone is called is refused, at either end.
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
\set VERBOSITY terse
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-0000000ee0a1', 'codes_ada', 'Ada', 'ada@example.org');
CREATE FUNCTION pg_temp.add(code text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coursebase.courses (course_code, title, description, is_free) VALUES (code, 't', 'd', true);
    RETURN 'added';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
SELECT code, pg_temp.add(code) FROM unnest(ARRAY['yoga-101', 'C14ENB', 'a1', '_x', '-y-', 'Level.2_b', repeat('k', 64), 'X12AB', 'X12ABCD', '42',
    'Yoga-101', 'c14enb', 'a', '', repeat('k', 65), '.a1', 'a1.', 'a..b', 'a b', 'a/b', E'a1\n', 'über', 'X12ABC', 'x12abc', 'x12abc_00000000-0000-4000-8000-0000000ee0a1', 'X12ABC_1',
    '00000000-0000-4000-8000-0000000ee0a1', '00000000-0000-4000-8000-0000000EE0A1', '0000000000004000800000000000abcd', '00000000000040008000-00000000abcd', 'shop', 'FAQS', 'Ads']) WITH ORDINALITY AS a (code, n) ORDER BY n;
SELECT code, coursebase.has_course_access_by_code(code, '00000000-0000-4000-8000-0000000ee0a1') FROM unnest(ARRAY['yoga-101', ' YOGA-101 ', 'yoga-102', 'c14enb', repeat('K', 64), repeat('k', 65), 'ber', '', NULL]) code;
-- The other ends: a manifest, in either case; its new name; the setting. What is there already stays.
INSERT INTO coursebase.master_manifests (name, content) VALUES ('YOGA-101.json', '{}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.master_manifests (name, content) VALUES ('tours.json', '{}');
UPDATE coursebase.master_manifests SET name = 'yoga-101.json' WHERE name = 'tours.json';
\echo :LAST_ERROR_SQLSTATE
SELECT pg_temp.add('Tours');
UPDATE coursebase.courses SET course_code = 'tours' WHERE course_code = 'yoga-101';
\echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.settings SET value = 'ads.json, Yoga-101.json' WHERE name = 'protected_manifests';
\echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.settings SET value = 'ads.json' WHERE name = 'protected_manifests';
SELECT pg_temp.add('shop');
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.master_manifests (name, content, checksum, file_size_bytes) VALUES ('shop.json', '{}', md5('{}'), 2);
RESET session_replication_role;
SELECT pg_temp.add('barre'), pg_temp.add('Barre');
UPDATE coursebase.courses SET title = 'Shop' WHERE course_code = 'shop';
SELECT check_name, problem FROM coursebase.check_sync();
-- The file of a course without a code is named by its id.
INSERT INTO coursebase.master_manifests (name, content) VALUES ('00000000-0000-4000-8000-0000000EE0C1.json', '{}');
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000ee0c1', 't', 'd');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000ee0c2', 't', 'd');
UPDATE coursebase.master_manifests SET name = '00000000-0000-4000-8000-0000000ee0c2.json' WHERE name LIKE '%EE0C1.json';
\echo :LAST_ERROR_SQLSTATE
-- Two manifests whose names differ in case alone: one file on some phones, which each handshake would send again.
INSERT INTO coursebase.master_manifests (name, content, is_default) VALUES ('lobby.json', '{}', true), ('lobby.json', '[]', false);
INSERT INTO coursebase.master_manifests (name, content) VALUES ('Lobby.json', '{}');
\echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.master_manifests SET name = 'LOBBY.json' WHERE name = 'lobby.json' AND is_default;
\echo :LAST_ERROR_SQLSTATE
-- Spelled otherwise for all at once; what is there already is named.
UPDATE coursebase.master_manifests SET name = 'Lobby.json' WHERE name = 'lobby.json';
SET LOCAL session_replication_role = replica;
UPDATE coursebase.master_manifests SET name = 'lobby.json' WHERE name = 'Lobby.json' AND is_default;
SET LOCAL session_replication_role = origin;
UPDATE coursebase.master_manifests SET content = '{"again": true}' WHERE name = 'lobby.json';
SELECT check_name, problem FROM coursebase.check_integrity('name_of_file') WHERE object LIKE 'master_manifests %' ORDER BY problem;
ROLLBACK;
