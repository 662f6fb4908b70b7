-- submit_custom_course(): the form is checked at every step, in characters, and every fault is named at once.
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-00000000af00', 'form', 'Ada', 'ada@example.org');
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    ('00000000-0000-4000-8000-00000000af01', '00000000-0000-4000-8000-00000000af00', 'X99ENB', 'Custom course', '', '{"audio_files":[]}');
INSERT INTO coursebase.custom_course_purchases (id, course_id, purchase_id, purchase_token, source, environment, link_token, link_issued_at) VALUES
    ('00000000-0000-4000-8000-00000000af02', '00000000-0000-4000-8000-00000000af01', 'form', 't', 'app_store', 'production',
     '00000000-0000-4000-8000-00000000af03', '2026-03-01 00:00:00+00');
CREATE TEMPORARY TABLE good AS SELECT '{
    "issue": "  I cannot fall asleep at night \n", "goal": "Sleeping within twenty minutes",
    "feel": "Calm and rested", "why": "To be there for my children", "title": "Sleep again",
    "scripts": [{"number": 3, "technique": "anchor"}, {"technique": " staircase ", "number": 1, "minutes": 12.50},
                {"number": 2, "technique": "\u0062each"}], "other": 1}'::jsonb AS answers;
PREPARE submit (jsonb) AS SELECT coursebase.submit_custom_course('00000000-0000-4000-8000-00000000af03', 'generate_script', $1::json, '2026-03-01 01:00:00+00');

-- a good form answers what generation needs, trimmed and in order, and uses nothing up
SELECT coursebase.submit_custom_course('00000000-0000-4000-8000-00000000af03', 'generate_script', answers::json, '2026-03-01 01:00:00+00') FROM good;
SELECT is_submitted, title FROM coursebase.custom_course_purchases p JOIN coursebase.custom_courses c ON c.id = p.course_id
WHERE p.id = '00000000-0000-4000-8000-00000000af02';

-- lengths are counted in characters, at both ends, without the white space around
CREATE FUNCTION pg_temp.state(answers jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    PERFORM coursebase.submit_custom_course('00000000-0000-4000-8000-00000000af03', 'generate_script', answers::json,
                                            '2026-03-01 01:00:00+00');
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || detail;
END $$;
SELECT member, n, pg_temp.state(answers || jsonb_build_object(member, '  ' || repeat(c, n) || E'\t'))
FROM good, (VALUES ('issue', 20, 500), ('goal', 20, 500), ('feel', 10, 500), ('why', 10, 500), ('title', 5, 55)) AS rules (member, least, most),
     LATERAL (VALUES (1, least - 1, 'x'), (2, least, 'x'), (3, least - 1, '€'), (4, least, '🙂'), (5, most, '€'), (6, most + 1, '🙂')) AS tries (i, n, c)
ORDER BY member, i;

-- exactly three scripts, numbered 1 to 3, each with a technique
SELECT scripts, pg_temp.state(answers || jsonb_build_object('scripts', scripts::jsonb))
FROM good, (VALUES
    ('[]'), ('{"1":{"technique":"a"}}'), ('[1,2,3]'),
    ('[{"number":1,"technique":"a"},{"number":2,"technique":"b"}]'),
    ('[{"number":1,"technique":"a"},{"number":2,"technique":"b"},{"number":3,"technique":"c"},{"number":1,"technique":"d"}]'),
    ('[{"number":1,"technique":"a"},{"number":2,"technique":"b"},{"number":2,"technique":"c"}]'),
    ('[{"number":0,"technique":"a"},{"number":1,"technique":"b"},{"number":2,"technique":"c"}]'),
    ('[{"number":"1","technique":"a"},{"number":2,"technique":"b"},{"number":3,"technique":"c"}]'),
    ('[{"number":1,"technique":" "},{"number":2,"technique":"b"},{"number":3,"technique":"c"}]'),
    ('[{"number":1},{"number":2,"technique":"b"},{"number":3,"technique":"c"}]'),
    ('[{"number":1,"technique":7},{"number":2,"technique":"b"},{"number":3,"technique":"c"}]')
) AS tries (scripts);

-- missing and wrong members, all at once
EXECUTE submit ('{}');
\echo :SQLSTATE
EXECUTE submit ('{"issue": 7, "goal": null, "feel": [], "why": {}, "title": "", "scripts": null}');
\echo :SQLSTATE
EXECUTE submit ('[]');
\echo :SQLSTATE
SELECT coursebase.submit_custom_course('00000000-0000-4000-8000-00000000af03', 'generate_script',
    '{"issue": "\ud800 is no character at all"}', '2026-03-01 01:00:00+00');
\echo :SQLSTATE
SELECT coursebase.submit_custom_course('00000000-0000-4000-8000-00000000af03', 'generate_video', '{}', '2026-03-01 01:00:00+00');
\echo :SQLSTATE
SELECT coursebase.submit_custom_course('00000000-0000-4000-8000-00000000af03', NULL, '{}');
\echo :SQLSTATE
SELECT coursebase.submit_custom_course('00000000-0000-4000-8000-00000000af03', 'generate_audio', NULL);
\echo :SQLSTATE
ROLLBACK;
