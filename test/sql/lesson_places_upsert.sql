-- Promise: a list of lessons or sections that one INSERT … ON CONFLICT DO UPDATE writes, new ones among them, has the
-- places of the list afterwards, in whatever sequence the rows come; what holds a place that the statement gives to
-- another, and is not in the list itself, goes to the next free one.
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-00000000e810', 'upserts', '');
INSERT INTO coursebase.course_sections (id, course_id, name) VALUES
    ('00000000-0000-4000-8000-00000000e820', '00000000-0000-4000-8000-00000000e810', 'S'),
    ('00000000-0000-4000-8000-00000000e821', '00000000-0000-4000-8000-00000000e810', 'T');
-- What a client sends: "a2 N0" is lesson a to place 2 and a new lesson N to place 0, of the section in capitals before.
CREATE FUNCTION pg_temp.upsert(list text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    DELETE FROM coursebase.lessons WHERE section_id::text LIKE '%e82_';
    INSERT INTO coursebase.lessons (id, section_id, name) SELECT md5(n)::uuid, '00000000-0000-4000-8000-00000000e820', n FROM unnest(ARRAY['a', 'b', 'c']) n;
    INSERT INTO coursebase.lessons (id, section_id, name) SELECT md5(n)::uuid, '00000000-0000-4000-8000-00000000e821', n FROM unnest(ARRAY['x', 'y']) n;
    INSERT INTO coursebase.lessons (id, section_id, name, "order")
    SELECT md5(substr(w, 2, 1))::uuid, CASE substr(w, 1, 1) WHEN 'S' THEN '00000000-0000-4000-8000-00000000e820' ELSE '00000000-0000-4000-8000-00000000e821' END::uuid,
        substr(w, 2, 1), substr(w, 3)::integer
    FROM unnest(string_to_array(list, ' ')) WITH ORDINALITY t (w, n) ORDER BY n
    ON CONFLICT (id) DO UPDATE SET section_id = excluded.section_id, "order" = excluded."order";
    SELECT string_agg(l.all, ' | ' ORDER BY s.id) INTO answer FROM coursebase.course_sections s
    CROSS JOIN LATERAL (SELECT string_agg(k.name || k."order", ' ' ORDER BY k."order") AS all FROM coursebase.lessons k WHERE k.section_id = s.id) l WHERE s.id::text LIKE '%e82_';
    RETURN answer;
END $$;
SELECT list, pg_temp.upsert(list) FROM unnest(ARRAY[
    -- the whole list, new ones first, between and last
    'SN0 Sa1 Sb2 Sc3', 'Sa0 SN1 Sb2 Sc3', 'Sa1 Sb2 Sc3 SN0', 'SN0 Sa1 SM2 Sb3 Sc4', 'Sc0 SN1 Sa3 SM2 Sb4', 'SM1 SN0 Sa2 Sb3 Sc4',
    -- some of the list: who moves away leaves the place to the new one
    'SN0 Sa3', 'SN1 Sb0 Sa5', 'SN2 Sc0',
    -- a place that is not left: the new one gets the next free one; two new ones, who comes first
    'SN0 Sb3', 'SN0 SM0', 'SN0 SM1', 'SN0 SM0 Sa3',
    -- a row that moves keeps its place, whoever held it
    'SN1 Sb0', 'SN0 Sc1',
    -- two sections at once, and from one to the other
    'SN0 TM0 Sa1 Tx1 Sb2 Ty2 Sc3', 'SN0 Ta2 Tx0 Ty1 Sb1 Sc2']) WITH ORDINALITY t (list, n) ORDER BY n;
-- The same for sections; and an UPDATE beside the INSERT, whose row comes after it.
INSERT INTO coursebase.course_sections (id, course_id, name, "order") VALUES
    ('00000000-0000-4000-8000-00000000e822', '00000000-0000-4000-8000-00000000e810', 'N', 0), ('00000000-0000-4000-8000-00000000e823', '00000000-0000-4000-8000-00000000e810', 'M', 1),
    ('00000000-0000-4000-8000-00000000e821', '00000000-0000-4000-8000-00000000e810', 'T', 2), ('00000000-0000-4000-8000-00000000e820', '00000000-0000-4000-8000-00000000e810', 'S', 3)
ON CONFLICT (id) DO UPDATE SET "order" = excluded."order";
SELECT string_agg(name || "order", ' ' ORDER BY "order") FROM coursebase.course_sections WHERE course_id = '00000000-0000-4000-8000-00000000e810';
WITH moved AS (UPDATE coursebase.course_sections SET "order" = 9 WHERE name = 'N' AND course_id = '00000000-0000-4000-8000-00000000e810')
INSERT INTO coursebase.course_sections (course_id, name, "order") VALUES ('00000000-0000-4000-8000-00000000e810', 'O', 0);
SELECT string_agg(name || "order", ' ' ORDER BY "order") FROM coursebase.course_sections WHERE course_id = '00000000-0000-4000-8000-00000000e810';
-- Both in one statement, whose second table is not written before the first.
WITH written AS (INSERT INTO coursebase.course_sections (id, course_id, name, "order")
    SELECT md5(n)::uuid, '00000000-0000-4000-8000-00000000e810', n, o FROM (VALUES ('Q', 2), ('P', 1)) v (n, o) UNION ALL
    SELECT id, course_id, name, "order" + 2 FROM coursebase.course_sections WHERE course_id = '00000000-0000-4000-8000-00000000e810'
    ON CONFLICT (id) DO UPDATE SET "order" = excluded."order")
INSERT INTO coursebase.lessons (id, section_id, name, "order")
SELECT md5(n)::uuid, '00000000-0000-4000-8000-00000000e820', n, o FROM (VALUES ('Q', 1), ('P', 0)) v (n, o) UNION ALL
SELECT id, section_id, name, "order" + 2 FROM coursebase.lessons WHERE section_id = '00000000-0000-4000-8000-00000000e820'
ON CONFLICT (id) DO UPDATE SET "order" = excluded."order";
SELECT string_agg(name || "order", ' ' ORDER BY "order") FROM coursebase.course_sections WHERE course_id = '00000000-0000-4000-8000-00000000e810'
UNION ALL SELECT string_agg(name || "order", ' ' ORDER BY "order") FROM coursebase.lessons WHERE section_id = '00000000-0000-4000-8000-00000000e820';
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
