-- Promise: a statement that calls handshakes of one person again and again, as one that replays a queue does, keeps and
-- answers what as many statements would, and sees what it has changed in between.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES ('00000000-0000-4000-8000-00000000e5a1', 'repeated_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data)
VALUES ('00000000-0000-4000-8000-00000000e5c1', '00000000-0000-4000-8000-00000000e5a1', 'X05AAA', 'Calm', '', '{"audio_files": []}');
CREATE VIEW pg_temp.kept AS
SELECT a.voice, u.title, u.play_count FROM coursebase.analytics a JOIN coursebase.audio_usage u USING (user_id)
WHERE user_id = '00000000-0000-4000-8000-00000000e5a1';
-- Volatile, and no function of SQL or PL/pgSQL between, which would take a snapshot of its own.
PREPARE report AS
SELECT count(coursebase.handshake('00000000-0000-4000-8000-00000000e5a1', json_build_object('analytics', json_build_object('voice', v,
    'audio_usage', json_build_object('C14ENB/k1', json_build_object('title', v, 'no_of_plays', 1)))), '2026-06-01'))
FROM unnest($1::text[]) v;
EXECUTE report ('{female}');
TABLE pg_temp.kept;
EXECUTE report ('{male,female}');
TABLE pg_temp.kept;
-- A discount falls due with the first of two; a document grows in between.
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('REPEATED', 'course', 10);
SELECT coursebase.handshake('00000000-0000-4000-8000-00000000e5a1', '{}', '2026-06-01')::jsonb -> 'discounts' @> '[{"code": "REPEATED"}]'
FROM generate_series(1, 2);
SELECT grown.checksum = coursebase.handshake('00000000-0000-4000-8000-00000000e5a1', '{}', '2026-06-01')
    -> 'json_manifest' -> 'X05AAA_00000000-0000-4000-8000-00000000e5c1.json' ->> 'checksum'
FROM coursebase.update_json('00000000-0000-4000-8000-00000000e5c1', '{"url": "https://a.example/1"}') grown;
ROLLBACK;
