-- Promise: a business with codes such as yoga-101 lives by the functions alone: three products give access for 90 days, phones
-- sync what was bought under the course's code or id, access ends by itself and is sold again; custom courses beside keep theirs.
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
\set ada '(SELECT u.id FROM coursebase.users u WHERE u.clerk_user_id = \'studio_ada\')'
BEGIN;
SET LOCAL timezone = 'UTC';
DELETE FROM coursebase.course_documents;
DELETE FROM coursebase.courses;
INSERT INTO coursebase.master_manifests (name, content, is_default) VALUES ('studio.json', '{"city": "Bonn"}', true);
SELECT coursebase.upsert_user('studio_ada', 'Ada', 'ada@example.org') IS NOT NULL;
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES
    ('00000000-0000-4000-8000-0000000ee1c1', 'yoga-101', 'Yoga', ''), ('00000000-0000-4000-8000-0000000ee1c2', 'Yin_Yoga.2', 'Yin', ''),
    ('00000000-0000-4000-8000-0000000ee1c3', NULL, 'Breath', '');
INSERT INTO coursebase.course_documents (course_id, data) SELECT id, json_build_object('title', title) FROM coursebase.courses;
SELECT count(coursebase.save_product(NULL, title, '', '/' || coalesce(course_code, 'breath') || '.png', 49, 'public', ARRAY[id], 90)) FROM coursebase.courses;
INSERT INTO coursebase.store_products (product_id, kind, course_code) VALUES ('yoga-for-you', 'custom_course', 'X01YOG');
UPDATE coursebase.settings SET value = 'com.studio.' WHERE name = 'store_product_prefixes';
-- What the phone has is what the last answer gave it.
CREATE TEMP TABLE phone (name text, checksum text);
CREATE FUNCTION pg_temp.sync(at timestamptz) RETURNS TABLE (name text, action text, content text) LANGUAGE plpgsql AS $$
DECLARE
    answer json := coursebase.handshake((SELECT u.id FROM coursebase.users u WHERE u.clerk_user_id = 'studio_ada'), json_build_object('checksums', (SELECT coalesce(json_object_agg(p.name, p.checksum), '{}') FROM phone p)), at);
BEGIN
    DELETE FROM phone;
    INSERT INTO phone SELECT key, value ->> 'checksum' FROM json_each(answer -> 'json_manifest') WHERE value ->> 'action' <> 'delete';
    RETURN QUERY SELECT CASE WHEN key LIKE 'X%' THEN left(key, 7) || '<id>.json' ELSE key END, value ->> 'action', value ->> 'content' FROM json_each(answer -> 'json_manifest') ORDER BY key COLLATE "C";
END $$;
CREATE FUNCTION pg_temp.buy(product text, session text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT c.status FROM coursebase.products p, coursebase.complete_purchase((SELECT u.id FROM coursebase.users u WHERE u.clerk_user_id = 'studio_ada'), p.id, session, 4900, 'paid', at) c WHERE p.name = product $$;
\set mine 'SELECT m.kind, m.course_code, m.title, m.source, CASE m.kind WHEN \'course\' THEN m.since END, m.until FROM coursebase.my_courses(:ada, :at) m ORDER BY m.title;'

\set at '\'2026-03-01 08:00+00\''
SELECT * FROM pg_temp.sync(:at);
SELECT product, pg_temp.buy(product, 'cs ' || product, :at) FROM unnest(ARRAY['Yoga', 'Yin', 'Breath']) WITH ORDINALITY AS a (product, n) ORDER BY n;
SELECT coursebase.validate_purchase(:ada, '{"product_id": "com.studio.Yoga-For-You_x2", "source": "app_store", "purchase_id": "studio 1", "purchase_token": "t", "transaction_date": "2026-03-01T08:00:00Z"}', :at) ->> 'status';
SELECT product_id, purchase_id FROM coursebase.purchases_awaiting_acknowledgement;
SELECT coursebase.has_course_access_by_code(code, :ada, :at) FROM unnest(ARRAY['yoga-101', 'YOGA-101', 'yin_yoga.2', 'X01YOG']) WITH ORDINALITY AS a (code, n) ORDER BY n;
SELECT * FROM pg_temp.sync(:at);
SELECT c ->> 'course_code', c ->> 'course_id', c ->> 'source' FROM json_array_elements(coursebase.handshake(:ada, '{}', :at) -> 'courses') c;
:mine
-- A document in a new form comes, the others stay; a course that gets another code is another file.
UPDATE coursebase.course_documents SET data = '{"title": "Breath, again"}' WHERE course_id = '00000000-0000-4000-8000-0000000ee1c3';
UPDATE coursebase.courses SET course_code = 'yin.2' WHERE course_code = 'Yin_Yoga.2';
SELECT * FROM pg_temp.sync('2026-03-02');
UPDATE coursebase.courses SET course_code = 'breath-1' WHERE course_code IS NULL;
SELECT * FROM pg_temp.sync('2026-03-02') WHERE action <> 'keep';
-- One is bought again before its end. The others end after 90 days, to the instant, and the phone drops them.
SELECT pg_temp.buy('Yoga', 'cs more', '2026-05-01 08:00+00');
SELECT * FROM pg_temp.sync('2026-05-30 07:59:59.999999+00') WHERE action <> 'keep';
\set at '\'2026-05-30 08:00+00\''
SELECT * FROM pg_temp.sync(:at);
SELECT coursebase.has_course_access_by_code(code, :ada, :at) FROM unnest(ARRAY['yoga-101', 'yin.2', 'breath-1']) WITH ORDINALITY AS a (code, n) ORDER BY n;
SELECT rule, passed, reason FROM coursebase.explain_course_access('00000000-0000-4000-8000-0000000ee1c2', :ada, :at) WHERE rule = 'grant';
:mine
\set at '\'2026-08-28 08:00+00\''
SELECT * FROM pg_temp.sync(:at) WHERE action <> 'keep';
:mine
-- Sold again after its end; what the next product is called is no file of the phone's.
SELECT pg_temp.buy('Yin', 'cs again', '2026-09-01 08:00+00');
SELECT name, action FROM pg_temp.sync('2026-09-01 08:00+00');
INSERT INTO coursebase.courses (course_code, title, description) VALUES ('Studio', '', '');
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
