-- Promise: what a phone reports is kept as far as it is new, what it sends wrongly is refused with the
-- member's name, and what is not known is ignored.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
\set ada '00000000-0000-4000-8000-0000000000a1'
DELETE FROM coursebase.master_manifests;
UPDATE coursebase.courses SET is_free = false WHERE is_free;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:'ada', 'handshake_ada', 'Ada', 'ada@example.org'),
    ('00000000-0000-4000-8000-0000000000b1', 'handshake_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.user_profile (user_id, email, referral_code) VALUES
    (:'ada', 'ada@example.org', 'UADAADA') ON CONFLICT DO NOTHING;
CREATE FUNCTION pg_temp.said(request json, at timestamptz DEFAULT '2026-03-01 12:00+00') RETURNS json
    LANGUAGE sql AS $$ SELECT coursebase.handshake('00000000-0000-4000-8000-0000000000a1', request, at) $$;
CREATE FUNCTION pg_temp.fails(request json) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    RETURN 'accepted: ' || (pg_temp.said(request) IS NOT NULL);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, detail);
END $$;
SAVEPOINT call;

-- An empty request; members that nobody knows; null for what is not there.
SELECT pg_temp.said('{}');
SELECT pg_temp.said('{"later": [1, {"x": null}], "analytics": {"mood": 3, "audio_usage": null},
    "device_id": null, "purchases": null, "checksums": null, "digest": null, "deltas": null}')::text
    = pg_temp.said('{}')::text;
SELECT count(*) FROM coursebase.analytics WHERE user_id = :'ada';

-- Wrong types.
SELECT pg_temp.fails(r) FROM unnest(ARRAY[
    '[]', '3', 'null', '"x"',
    '{"analytics": []}', '{"analytics": {"voice": 1}}', '{"analytics": {"current_course": {}}}',
    '{"analytics": {"audio_usage": [1]}}', '{"analytics": {"audio_usage": {"a": 1}}}',
    '{"analytics": {"audio_usage": {"a": {"title": false}}}}',
    '{"analytics": {"audio_usage": {"x": {"no_of_plays": "7"}}}}',
    '{"analytics": {"audio_usage": {"x": {"no_of_plays": -1}}}}',
    '{"analytics": {"audio_usage": {"x": {"no_of_plays": 1.5}}}}',
    '{"analytics": {"audio_usage": {"x": {"no_of_plays": 1e3}}}}',
    '{"analytics": {"audio_usage": {"x": {"no_of_plays": 2147483648}}}}',
    '{"analytics": {"audio_usage": {"x": {"no_of_plays": 99999999999999999999999999}}}}',
    '{"device_id": 5}', '{"purchases": "p"}', '{"purchases": ["p", 7]}', '{"purchases": [{}]}',
    '{"purchases": [{"purchase_id": null}]}', '{"purchases": [{"purchase_id": [1]}]}',
    '{"checksums": ["a"]}', '{"checksums": {"shop.json": null}}', '{"checksums": {"shop.json": 7}}',
    '{"digest": {}}', '{"deltas": "yes"}', '{"deltas": 1}',
    '{"device_id": "a\u0000b"}', '{"checksums": {"\ud800": "x"}}'
]::json[]) AS r;
SELECT pg_temp.fails(json_build_object('device_id', repeat('é', 200)));
SELECT pg_temp.fails(json_build_object('checksums', json_build_object(repeat('é', 200), 'x')));
SELECT pg_temp.fails(json_build_object(repeat('k', 1000), 1, 'analytics', json_build_object('voice', '{}'::json)));
SELECT left(pg_temp.fails(json_build_object('analytics', json_build_object('audio_usage',
    json_build_object(repeat('k', 290), json_build_object('no_of_plays', true))))), 100);
SELECT pg_temp.fails((SELECT json_build_object('purchases', json_agg(i::text)) FROM generate_series(1, 1001) i));
SELECT pg_temp.fails((SELECT json_build_object('checksums', json_object_agg(i, 'x')) FROM generate_series(1, 20001) i));

-- Who is not there.
SELECT coursebase.handshake('00000000-0000-4000-8000-0000000000ff', '{}');
ROLLBACK TO call;
\echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.users SET deleted_at = '2026-02-01' WHERE id = '00000000-0000-4000-8000-0000000000b1';
SELECT coursebase.handshake('00000000-0000-4000-8000-0000000000b1', '{}');
ROLLBACK TO call;
SELECT coursebase.handshake(:'ada', '{}', 'infinity');
ROLLBACK TO call;
SELECT coursebase.handshake(NULL, '{}') IS NULL, coursebase.handshake(:'ada', NULL) IS NULL,
    coursebase.handshake(:'ada', '{}', NULL) IS NULL;

-- Settings: given ones are kept, absent ones stay, null takes back; of a name sent twice the last counts.
SELECT pg_temp.said('{"analytics": {"voice": "female", "current_course": "C14ENB", "deepening": "stairs"}}') IS NOT NULL;
SELECT pg_temp.said('{"analytics": {"voice": "m\u00e4nnlich", "voice": "male", "deepening": null}}') IS NOT NULL;
SELECT current_course, voice, induction, background, deepening FROM coursebase.analytics WHERE user_id = :'ada';

-- Play counts: the course is named, or begins the key, or is the one that is played; none is lowered.
SELECT pg_temp.said('{"analytics": {"current_course": "C15ENB", "audio_usage": {
    "C14ENB_1": {"title": "One", "no_of_plays": 3}, "intro": {"no_of_plays": 2},
    "x": {"course_code": "X01ENB", "title": "Mine", "no_of_plays": 2147483647},
    "C14ENBX": {"no_of_plays": 1}, "intro": {"no_of_plays": 4}, "z": null}}}') IS NOT NULL;
SELECT pg_temp.said('{"analytics": {"audio_usage": {"C14ENB_1": {"title": "Uno", "no_of_plays": 2},
    "loose": {"no_of_plays": 1}}}}') IS NOT NULL;
SELECT course_code, audio_key, title, play_count FROM coursebase.audio_usage
WHERE user_id = :'ada' ORDER BY course_code COLLATE "C", audio_key COLLATE "C";
UPDATE coursebase.audio_usage SET play_count = 0, title = 'Eins' WHERE audio_key = 'C14ENB_1'
RETURNING title, play_count;

-- A device: first and last time; the last one moves when a day has passed.
SELECT pg_temp.said('{"device_id": "tel \"1\""}', '2026-03-01 12:00+00') IS NOT NULL;
SELECT pg_temp.said('{"device_id": "tel \"1\""}', '2026-03-02 11:59:59.999999+00') IS NOT NULL;
SELECT devices FROM coursebase.user_profile WHERE user_id = :'ada';
SELECT pg_temp.said('{"device_id": "tel \"1\""}', '2026-03-02 12:00+00') IS NOT NULL;
SELECT pg_temp.said('{"device_id": "tablet"}', '2026-03-02 12:00+00') IS NOT NULL;
SELECT devices FROM coursebase.user_profile WHERE user_id = :'ada';
UPDATE coursebase.user_profile SET devices = '{"odd": 1, "tablet": {"last_seen": "someday"}}' WHERE user_id = :'ada';
SELECT count(pg_temp.said(json_build_object('device_id', 'd' || i), '2026-03-03 12:00+00'))
FROM generate_series(1, 120) i;
SELECT count(*) FROM coursebase.user_profile, jsonb_object_keys(devices) WHERE user_id = :'ada';

-- Purchases come back known or unknown, and another person's are unknown.
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data) VALUES
    ('00000000-0000-4000-8000-0000000000f1', :'ada', 'X14ENB', 't', 'd', '{}'),
    ('00000000-0000-4000-8000-0000000000f2', '00000000-0000-4000-8000-0000000000b1', 'X14ENB', 't', 'd', '{}');
INSERT INTO coursebase.custom_course_purchases (course_id, purchase_id, purchase_token, source, environment) VALUES
    ('00000000-0000-4000-8000-0000000000f1', 'GPA.1', 't', 'google_play', 'production'),
    ('00000000-0000-4000-8000-0000000000f2', 'GPA.2', 't', 'google_play', 'production');
SELECT pg_temp.said('{"purchases": ["GPA.2", {"purchase_id": "GPA.1", "token": 5}, "a\"b", "GPA.1"]}') -> 'purchases';

-- What is known already writes nothing, and locks nothing: no row is another version or has a locker.
CREATE TEMP VIEW written AS
SELECT 'analytics' AS of_table, a.ctid AS place, a.xmax::text AS locker FROM coursebase.analytics a
UNION ALL SELECT 'audio_usage', u.ctid, u.xmax::text FROM coursebase.audio_usage u
UNION ALL SELECT 'user_profile', p.ctid, p.xmax::text FROM coursebase.user_profile p
UNION ALL SELECT 'cached', c.ctid, c.xmax::text FROM coursebase.cached_handshake_responses c;
CREATE TEMP TABLE before AS TABLE written;
SELECT pg_temp.said('{"analytics": {"voice": "male", "deepening": null,
    "audio_usage": {"C14ENB_1": {"title": "Eins", "no_of_plays": 3}}}, "device_id": "d120", "purchases": ["p"]}',
    '2026-03-03 13:00+00') IS NOT NULL;
SELECT count(*), count(DISTINCT of_table) FROM before;
TABLE before EXCEPT ALL TABLE written;
SELECT pg_temp.said('{"analytics": {"voice": "female"}}', '2026-03-03 13:00+00') IS NOT NULL;
SELECT of_table FROM (TABLE before EXCEPT ALL TABLE written) AS changed;
ROLLBACK;
