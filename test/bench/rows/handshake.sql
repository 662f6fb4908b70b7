-- The handshake with 10 manifests, 50 courses and 5 custom courses: computed against other ways to
-- compute the same answer, and answered from the cache against computed.
--
-- A session that is read-only keeps nothing: there every handshake of a user without a cached row is a
-- miss that computes its answer and no more; it empties the cache first, which other rows fill. The row "and kept" is a miss as it happens after the catalogue
-- changed, with the write of the cached row; its peers keep their answers in a table of the same shape.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT format('00000000-0000-4000-8000-000000001%s', to_char(i, 'FM000'))::uuid, 'user_handshake_' || i,
    'Bench', 'phone@example.com'
FROM generate_series(0, 99) AS i;
INSERT INTO coursebase.cohorts (id, code, name, kind)
VALUES ('00000000-0000-4000-8000-000000000010', 'BENCH', 'Bench', 'experiment');
INSERT INTO coursebase.user_cohorts (user_id, cohort_id)
SELECT id, '00000000-0000-4000-8000-000000000010' FROM coursebase.users
WHERE clerk_user_id LIKE 'user_handshake_%';
-- Ids are made of names, so that the rows of every run lie and hash alike.
INSERT INTO coursebase.master_manifests (id, name, content, is_default, checksum, file_size_bytes)
SELECT md5('default manifest' || i)::uuid, 'manifest_' || i || '.json', bench_peer.course(4000), true, '', 0
FROM generate_series(0, 9) AS i;
INSERT INTO coursebase.master_manifests (id, name, content, checksum, file_size_bytes)
SELECT md5('cohort manifest' || i)::uuid, 'manifest_' || i || '.json', bench_peer.course(5000), '', 0
FROM generate_series(0, 2) AS i;
INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id, name)
SELECT id, '00000000-0000-4000-8000-000000000010', name FROM coursebase.master_manifests WHERE NOT is_default;
WITH course AS (
    INSERT INTO coursebase.courses (id, course_code, title, description, is_free)
    SELECT md5('handshake course' || i)::uuid, 'C' || to_char(i, 'FM00') || 'ENB', 'Course', 'A course.', true
    FROM generate_series(0, 49) AS i
    RETURNING id)
INSERT INTO coursebase.course_documents (course_id, data, checksum, file_size_bytes)
SELECT id, bench_peer.course(4000), '', 0 FROM course;
INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data, checksum, file_size_bytes)
SELECT md5(u.id::text || i)::uuid, u.id, 'X14ABC', 'Sleep well', 'Seven evenings.', bench_peer.course(4000 + i), '', 0
FROM coursebase.users AS u, generate_series(1, 5) AS i
WHERE u.clerk_user_id LIKE 'user_handshake_%';

-- What each phone asks: it has every file, and an old digest.
CREATE TABLE bench_peer.phones (user_id uuid PRIMARY KEY, request json, current json);
INSERT INTO bench_peer.phones
SELECT u.id, json_build_object('device_id', NULL, 'digest', md5('old'), 'checksums',
    (SELECT json_object_agg(m.key, m.value->>'checksum') FROM json_each(h.answer->'json_manifest') AS m)),
    json_build_object('digest', h.answer->>'digest')
FROM coursebase.users AS u, LATERAL coursebase.handshake(u.id, '{}') AS h (answer)
WHERE u.clerk_user_id LIKE 'user_handshake_%';

-- The answer once computed and once from the cache, for the row that compares the two in time.
DELETE FROM coursebase.cached_handshake_responses;
CREATE TABLE bench_peer.answers (user_id uuid, answer text);
INSERT INTO bench_peer.answers
SELECT user_id, coursebase.handshake(user_id, request)::text FROM bench_peer.phones;
SELECT 1 / count(*) FROM coursebase.cached_handshake_responses;
INSERT INTO bench_peer.answers
SELECT user_id, coursebase.handshake(user_id, request)::text FROM bench_peer.phones;
DELETE FROM coursebase.cached_handshake_responses;

-- The same answer as one statement, in a function so that two rows can use it.
CREATE FUNCTION bench_peer.handshake_by_sql(of_user uuid, request json) RETURNS json
LANGUAGE sql
AS $$
    WITH asking AS (
        SELECT uc.cohort_id, u.role = 'admin' AS is_admin
        FROM coursebase.users AS u LEFT JOIN coursebase.user_cohorts AS uc ON uc.user_id = u.id
        WHERE u.id = of_user AND u.deleted_at IS NULL
    ), files AS MATERIALIZED (
        SELECT 'm' AS source, m.id, m.name, m.checksum, m.file_size_bytes
        FROM coursebase.master_manifests AS m
        WHERE m.is_default AND NOT EXISTS (SELECT FROM coursebase.manifest_cohorts AS mc, asking AS a
            WHERE mc.cohort_id = a.cohort_id AND mc.name = m.name)
        UNION ALL
        SELECT 'm', m.id, m.name, m.checksum, m.file_size_bytes
        FROM asking AS a JOIN coursebase.manifest_cohorts AS mc ON mc.cohort_id = a.cohort_id
            JOIN coursebase.master_manifests AS m ON m.id = mc.manifest_id
        UNION ALL
        SELECT 'c', d.course_id, coalesce(c.course_code, c.id::text) || '.json', d.checksum, d.file_size_bytes
        FROM coursebase.courses AS c JOIN coursebase.course_documents AS d ON d.course_id = c.id
        WHERE (c.is_free OR (SELECT a.is_admin FROM asking AS a) OR c.id IN (SELECT o.course_id FROM bench_peer.owned AS o WHERE o.user_id = of_user))
        UNION ALL
        SELECT 'x', x.id, x.course_code || '_' || x.id || '.json', x.checksum, x.file_size_bytes
        FROM coursebase.custom_courses AS x
        WHERE x.user_id = of_user
            AND (SELECT bool_or(p.status = 'active') FROM coursebase.custom_course_purchases AS p
                WHERE p.course_id = x.id) IS NOT FALSE
    ), held AS MATERIALIZED (
        SELECT k.key AS name, k.value AS checksum FROM json_each_text(request->'checksums') AS k
    ), lines AS (
        SELECT f.name, CASE WHEN h.checksum = f.checksum
            THEN json_build_object('checksum', f.checksum, 'file_size_bytes', f.file_size_bytes,
                'action', 'keep')
            ELSE json_build_object('checksum', f.checksum, 'file_size_bytes', f.file_size_bytes,
                'action', CASE WHEN h.name IS NULL THEN 'add' ELSE 'update' END,
                'content', CASE f.source
                    WHEN 'm' THEN (SELECT m.content FROM coursebase.master_manifests AS m WHERE m.id = f.id)
                    WHEN 'c' THEN (SELECT d.data FROM coursebase.course_documents AS d WHERE d.course_id = f.id)
                    ELSE (SELECT x.data FROM coursebase.custom_courses AS x WHERE x.id = f.id) END::text)
            END AS line, 1 AS part
        FROM files AS f LEFT JOIN held AS h ON h.name = f.name
        UNION ALL
        SELECT h.name, json_build_object('checksum', NULL, 'file_size_bytes', NULL, 'action', 'delete'), 2
        FROM held AS h
        WHERE NOT EXISTS (SELECT FROM files AS f WHERE f.name = h.name)
            AND h.name NOT IN (SELECT regexp_split_to_table(coalesce(s.value, s.default_value), '[ ,]+')
                FROM coursebase.settings AS s WHERE s.name = 'protected_manifests')
    ), digest AS (
        SELECT md5(string_agg(f.name || ' ' || f.checksum || E'\n', '' ORDER BY f.name COLLATE "C")) AS digest
        FROM files AS f
    )
    SELECT json_build_object(
        'json_manifest', CASE WHEN request->>'digest' = d.digest THEN '{}'::json ELSE
            (SELECT json_object_agg(l.name, l.line ORDER BY l.part, l.name COLLATE "C") FROM lines AS l) END,
        'purchases', '[]'::json,
        'ai_usage', json_build_object('weekly_limit_credits', 0, 'weekly_used_credits', 0,
            'weekly_reset_date', NULL, 'bank_limit_credits', 0, 'bank_used_credits', 0),
        'subscription', json_build_object('plan', 'free', 'status', NULL, 'expires_at', NULL,
            'grace_until', NULL, 'auto_renew', false, 'entitlements', '[]'::json),
        'discounts', '[]'::json,
        'courses', (SELECT coalesce(json_agg(json_build_object('course_code', c.course_code, 'course_id', o.course_id,
            'voice', o.voice, 'source', o.source)), '[]')
            FROM bench_peer.owned AS o JOIN coursebase.courses AS c ON c.id = o.course_id WHERE o.user_id = of_user),
        'premium_slots', json_build_object('limit', (SELECT CASE WHEN n.covers_every_course THEN -1 ELSE n.course_slots END
            FROM coursebase.entitlements AS n WHERE n.name = 'premium'), 'chosen', '[]'::json),
        'digest', d.digest)
    FROM digest AS d, asking
$$;

CREATE TABLE bench_peer.kept (LIKE coursebase.cached_handshake_responses INCLUDING ALL);
CREATE FUNCTION bench_peer.handshake_by_plpgsql_kept(of_user uuid, request json) RETURNS json
LANGUAGE plpgsql
AS $$
DECLARE
    answer json := bench_peer.handshake_by_plpgsql(of_user, request);
BEGIN
    INSERT INTO bench_peer.kept (user_id, response, digest, computed_at, catalogue_version, cohort_version, user_version)
    VALUES (of_user, answer, answer->>'digest', now(), 0, 0, 0)
    ON CONFLICT (user_id) DO UPDATE SET response = excluded.response, digest = excluded.digest,
        computed_at = excluded.computed_at;
    RETURN answer;
END
$$;
CREATE FUNCTION bench_peer.handshake_by_sql_kept(of_user uuid, request json) RETURNS json
LANGUAGE plpgsql
AS $$
DECLARE
    answer json := bench_peer.handshake_by_sql(of_user, request);
BEGIN
    INSERT INTO bench_peer.kept (user_id, response, digest, computed_at, catalogue_version, cohort_version, user_version)
    VALUES (of_user, answer, answer->>'digest', now(), 0, 0, 0)
    ON CONFLICT (user_id) DO UPDATE SET response = excluded.response, digest = excluded.digest,
        computed_at = excluded.computed_at;
    RETURN answer;
END
$$;

--# equal: (@a@)::jsonb = (@b@)::jsonb

--# row: handshake_miss
--# area: Sync
--# work: Handshake of 65 files, computed
--# session
DELETE FROM coursebase.cached_handshake_responses;
SET default_transaction_read_only = on
--# loop
SELECT count(@expression@) FROM bench_peer.phones AS p, generate_series(1, @n@)
WHERE p.user_id = '00000000-0000-4000-8000-000000001000'
--# way ours: handshake(user, request)
coursebase.handshake(p.user_id, p.request)
--# way plpgsql: PL/pgSQL loop | time >= 5, instructions >= 8
bench_peer.handshake_by_plpgsql(p.user_id, p.request)
--# way sql: one statement with json_object_agg | time >= 3.5, instructions >= 5
bench_peer.handshake_by_sql(p.user_id, p.request)

--# row: handshake_miss_kept
--# area: Sync
--# work: Handshake of 65 files, computed and stored
--# calls: 100
--# before
UPDATE coursebase.catalogue_version SET version = version + 1;
VACUUM coursebase.cached_handshake_responses, bench_peer.kept, coursebase.catalogue_version;
--# loop
SELECT count(@expression@) FROM bench_peer.phones AS p
--# way ours: handshake(user, request)
coursebase.handshake(p.user_id, p.request)
--# way plpgsql: PL/pgSQL loop, then an upsert | time >= 5
bench_peer.handshake_by_plpgsql_kept(p.user_id, p.request)
--# way sql: one statement with json_object_agg, then an upsert | time >= 3.5
bench_peer.handshake_by_sql_kept(p.user_id, p.request)

--# row: handshake_hit
--# area: Sync
--# work: Handshake from the cache, nothing new
--# calls: 100
--# before
UPDATE coursebase.catalogue_version SET version = version + 1;
VACUUM coursebase.cached_handshake_responses, coursebase.catalogue_version;
SELECT count(coursebase.handshake(p.user_id, p.request)) FROM bench_peer.phones AS p
WHERE '@way@' = 'ours';
--# same
SELECT count(*) = 200 AND count(DISTINCT (user_id, answer)) = 100 FROM bench_peer.answers
--# loop
SELECT count(@expression@) FROM bench_peer.phones AS p
--# way ours: handshake(user, request), a hit
coursebase.handshake(p.user_id, p.current)
--# way miss: the same, computed | time >= 10
coursebase.handshake(p.user_id, p.current)

-- In a read-only session, where nothing is kept: a hit stays a hit and a miss a miss, however often. What
-- another row left in the cache would make the miss of that session a hit, so the session empties it.
--# row: handshake_hit_read
--# area: Sync
--# work: Handshake from the cache, nothing new, in a read-only session
--# session
DELETE FROM coursebase.cached_handshake_responses;
SELECT coursebase.handshake(p.user_id, p.request) FROM bench_peer.phones AS p
WHERE p.user_id = '00000000-0000-4000-8000-000000001000';
SET default_transaction_read_only = on
--# equal: (@a@)->>'digest' = p.current->>'digest' AND (@b@)->>'digest' IN (p.current->>'digest', other.current->>'digest')
--# loop
SELECT count(@expression@) FROM bench_peer.phones AS p, bench_peer.phones AS other, generate_series(1, @n@)
WHERE p.user_id = '00000000-0000-4000-8000-000000001000' AND other.user_id = '00000000-0000-4000-8000-000000001001'
--# way ours: handshake(user, request), a hit
coursebase.handshake(p.user_id, p.current)
--# way miss: computed for another user, 65 files sent | instructions >= 10
coursebase.handshake(other.user_id, other.request)
--# way whole: from the cache, 65 files sent
coursebase.handshake(p.user_id, p.request)

--# row: handshake_hit_whole
--# area: Sync
--# work: Handshake from the cache, 65 files sent
--# calls: 100
--# before
UPDATE coursebase.catalogue_version SET version = version + 1;
VACUUM coursebase.cached_handshake_responses, coursebase.catalogue_version;
SELECT count(coursebase.handshake(p.user_id, p.request)) FROM bench_peer.phones AS p
WHERE '@way@' = 'ours';
--# same
SELECT count(*) = 200 AND count(DISTINCT (user_id, answer)) = 100 FROM bench_peer.answers
--# loop
SELECT count(@expression@) FROM bench_peer.phones AS p
--# way ours: handshake(user, request), a hit
coursebase.handshake(p.user_id, p.request)
--# way miss: the same, computed
coursebase.handshake(p.user_id, p.request)
