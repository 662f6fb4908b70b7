-- Promise: a column whose type the owner changed all the same (coursebase.allow_drop) is never read as what it was: functions and
-- triggers that read it raise KB001, which names it, or read its value by a statement that casts it; none crashes.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL coursebase.allow_drop = on;
CREATE FUNCTION pg_temp.said(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN EXECUTE statement; RETURN 'passed'; EXCEPTION WHEN OTHERS THEN RETURN sqlstate; END $$;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000008a1', 'types_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.user_profile (user_id, email) VALUES
    ('00000000-0000-4000-8000-0000000008a1', 'ada@example.org');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    ('00000000-0000-4000-8000-0000000008f1', '00000000-0000-4000-8000-0000000008a1', 'X01AAA', 't', 'd', '{"a": 1}');
SET LOCAL request.jwt.claims = '{"sub": "types_ada"}';
-- A CHECK of a text's length knows no other type: without it every change of a type is tried.
DO $$
DECLARE c record;
BEGIN
    FOR c IN SELECT conrelid::regclass AS relation, conname FROM pg_constraint
        WHERE connamespace = 'coursebase'::regnamespace AND conname ~ '_characters_check$' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.relation, c.conname);
    END LOOP;
END $$;
SAVEPOINT whole;

-- One at a time, with what is said, to a client of another encoding too.
SET LOCAL client_encoding = 'LATIN1';
ALTER TABLE coursebase.users ALTER COLUMN updated_at TYPE text;
UPDATE coursebase.users SET name = 'Bea';
ROLLBACK TO whole;
ALTER TABLE coursebase.custom_courses ALTER COLUMN file_size_bytes TYPE numeric;
SELECT coursebase.update_json('00000000-0000-4000-8000-0000000008f1', '{"url": "https://x.example/a"}');
ROLLBACK TO whole;
INSERT INTO coursebase.courses (id, title, description, icon_url) VALUES ('00000000-0000-4000-8000-0000000008c1', 'Sleep', 'd', '/icon.png');
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('00000000-0000-4000-8000-0000000008a1', '00000000-0000-4000-8000-0000000008c1');
SELECT icon_url FROM coursebase.my_courses() WHERE kind = 'course';
DROP VIEW coursebase.user_access;
DROP TRIGGER t300_of_home ON coursebase.courses;
ALTER TABLE coursebase.courses ALTER COLUMN icon_url TYPE name;
SELECT icon_url FROM coursebase.my_courses() WHERE kind = 'course';
ROLLBACK TO whole;
INSERT INTO coursebase.access_events (kind, user_id, subject, xid) VALUES ('access_gained', '00000000-0000-4000-8000-0000000008a1', 'courses', '3');
SELECT kind, subject FROM coursebase.take_events('types_before');
ALTER TABLE coursebase.access_events ALTER COLUMN subject TYPE name;
SELECT kind, subject FROM coursebase.take_events('types');
ROLLBACK TO whole;
-- A table of somebody's own, on which a trigger function of ours hangs.
CREATE TEMP TABLE grants (id uuid, user_id uuid, course_id uuid, purchase_id uuid, expires_at bigint);
CREATE TRIGGER audit AFTER INSERT ON grants FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_grants__audit();
INSERT INTO grants (id, user_id, course_id, expires_at) VALUES ('00000000-0000-4000-8000-0000000008d1',
    '00000000-0000-4000-8000-0000000008a1', '00000000-0000-4000-8000-0000000008c1', 1000);
ROLLBACK TO whole;

-- Each column of some tables, to each of some types: the rows written again, and what reads them.
CREATE FUNCTION pg_temp.tried(relation regclass, name name, type text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE said text[]; call text;
BEGIN
    BEGIN
        EXECUTE format('ALTER TABLE %s ALTER %I DROP DEFAULT, ALTER %2$I TYPE %s USING %s', relation, name, type,
            CASE WHEN type = 'jsonb' THEN format('to_jsonb(%I)', name) ELSE format('%I::text::%s', name, type) END);
        FOREACH call IN ARRAY ARRAY[format('UPDATE %s SET %I = %2$I', relation, name),
            'SELECT coursebase.handshake(''00000000-0000-4000-8000-0000000008a1'', ''{"deltas": true}'')',
            'SELECT coursebase.update_json(''00000000-0000-4000-8000-0000000008f1'', ''{"url": "https://x.example/a"}'')',
            'SELECT coursebase.calculate_checksum(''00000000-0000-4000-8000-0000000008f1'')',
            'SELECT coursebase.export_user(''00000000-0000-4000-8000-0000000008a1'')',
            'SELECT coursebase.delete_user(''00000000-0000-4000-8000-0000000008a1'')',
            'INSERT INTO coursebase.user_profile (user_id, email) SELECT id, ''B@example.org'' FROM coursebase.users']
        LOOP
            said := said || pg_temp.said(call);
        END LOOP;
        RAISE 'back' USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN RETURN QUERY SELECT unnest(said); WHEN OTHERS THEN NULL;
    END;
END $$;
SELECT said, count(*) FROM pg_attribute AS a,
    unnest(CASE atttypid::regtype::text WHEN 'uuid' THEN '{text,name,jsonb}' WHEN 'text' THEN '{name,jsonb}'
        WHEN 'timestamp with time zone' THEN '{date,timestamp,text}' ELSE '{numeric,jsonb}' END::text[]) AS type,
    LATERAL (SELECT * FROM pg_temp.tried(attrelid::regclass, attname, type) AS said) AS tried
WHERE attrelid IN ('coursebase.users'::regclass, 'coursebase.user_profile'::regclass, 'coursebase.custom_courses'::regclass,
    'coursebase.custom_course_versions'::regclass, 'coursebase.settings'::regclass)
  AND attnum > 0 AND NOT attisdropped AND format_type(atttypid, NULL) <> type GROUP BY said ORDER BY said;
ROLLBACK;
