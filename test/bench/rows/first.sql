-- What the first call of a new connection costs more than SELECT 1 as its first statement: loading the library, unless the
-- connection began with that, and looking up the tables that the call reads (test/bench/first). Beside it stand its limits:
-- one hand-written statement that looks into the same tables by the same keys, for which the server fills the same caches, and a
-- library that does nothing but define as many settings.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT md5('first user' || n)::uuid, 'first_' || n, 'Bench', 'bench@example.com' FROM generate_series(1, 5000) n;
INSERT INTO coursebase.courses (id, course_code, title, description)
SELECT md5('first course' || n)::uuid, 'F0' || n || 'ENC', 'Bench', 'Bench' FROM generate_series(1, 9) n;
INSERT INTO coursebase.course_documents (course_id, data)
SELECT id, '{"title": "Bench"}' FROM coursebase.courses WHERE course_code LIKE 'F0_ENC';
INSERT INTO coursebase.master_manifests (name, content, is_default)
SELECT 'first_' || n || '.json', '{"a": 1}', true FROM generate_series(1, 10) n;
INSERT INTO coursebase.user_course_access (user_id, course_id)
SELECT md5('first user' || u)::uuid, md5('first course' || c)::uuid FROM generate_series(1, 5000) u, generate_series(1, 5) c;
CREATE SEQUENCE bench_peer.first_turn;
\getenv settings BENCH_SETTINGS
CREATE FUNCTION bench_peer.settings_none() RETURNS boolean LANGUAGE c STABLE STRICT AS :'settings', 'settings_none';
-- Nothing is left to write for the hints of the rows.
VACUUM ANALYZE
--# end
DELETE FROM coursebase.master_manifests WHERE name LIKE 'first_%';
DELETE FROM coursebase.cached_handshake_responses

--# row: first_access_@loaded@
--# each loaded: then before
--# name loaded: then = loads the library; before = library loaded by session_preload_libraries
--# area: Course access
--# work: Access check as the first statement of a connection, beyond SELECT 1: @loaded:name@
--# same
SELECT bool_and(coursebase.has_course_access(a.course_id, a.user_id)) AND count(*) = 25000
FROM coursebase.user_course_access a JOIN coursebase.users u ON u.id = a.user_id WHERE u.clerk_user_id LIKE 'first_%'
--# command ours: has_course_access(course_id, user_id) | time <= 0.001
"$BENCH_FIRST" @loaded@ "SELECT coursebase.has_course_access('@course@', '@user@')"
--# command bare: its limit: one SELECT of the same two tables
"$BENCH_FIRST" then "SELECT EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = u.id AND a.course_id = '@course@')
    FROM coursebase.users u WHERE u.id = '@user@'"
--# command library: its limit: loading a library that defines as many settings
"$BENCH_FIRST" then "SELECT bench_peer.settings_none()"

-- Each time another person, of whom nothing is in the cache: a handshake that is computed and kept.
--# row: first_handshake_@loaded@
--# each loaded: then before
--# name loaded: then = loads the library; before = library loaded by session_preload_libraries
--# area: Sync
--# work: Handshake as the first statement of a connection, computed and kept, beyond SELECT 1: @loaded:name@
--# same
SELECT count(*) = 5000 AND coursebase.handshake(md5('first user1')::uuid, '{}')::text LIKE '%first_10.json%' FROM coursebase.users WHERE clerk_user_id LIKE 'first_%'
--# command ours: handshake(user, '{}') | time <= 0.005
"$BENCH_FIRST" @loaded@ "SELECT length(coursebase.handshake('@user@', '{}')::text)"
--# command bare: its limit: one SELECT of the same tables and the INSERT
"$BENCH_FIRST" then "WITH kept AS (INSERT INTO coursebase.cached_handshake_responses (user_id, response, digest, computed_at,
        catalogue_version, cohort_version, user_version) VALUES ('@user@', '{}', '', now(), 0, 0, 0))
SELECT u.role, EXISTS (SELECT FROM coursebase.cached_handshake_responses WHERE user_id = u.id),
    EXISTS (SELECT FROM coursebase.ai_usage WHERE user_id = u.id),
    EXISTS (SELECT FROM coursebase.user_profile WHERE user_id = u.id),
    EXISTS (SELECT FROM coursebase.user_versions WHERE user_id = u.id),
    EXISTS (SELECT FROM coursebase.user_cohorts WHERE user_id = u.id),
    EXISTS (SELECT FROM coursebase.user_discounts d JOIN coursebase.discount_codes c ON c.id = d.discount_code_id WHERE d.user_id = u.id),
    EXISTS (SELECT FROM coursebase.user_course_access WHERE user_id = u.id),
    EXISTS (SELECT FROM coursebase.course_purchases WHERE user_id = u.id),
    EXISTS (SELECT FROM coursebase.course_grants WHERE user_id = u.id),
    EXISTS (SELECT FROM coursebase.subscription_lines WHERE user_id = u.id),
    EXISTS (SELECT FROM coursebase.store_product_entitlements), EXISTS (SELECT FROM coursebase.entitlements),
    EXISTS (SELECT FROM coursebase.custom_courses WHERE user_id = u.id), (SELECT count(version) FROM coursebase.schema_version),
    (SELECT version FROM coursebase.catalogue_version), (SELECT value FROM coursebase.settings WHERE name = 'protected_manifests'),
    (SELECT count(m.content) FROM coursebase.master_manifests m WHERE m.is_default),
    (SELECT count(d.data) FROM coursebase.courses c JOIN coursebase.course_documents d ON d.course_id = c.id WHERE c.is_free)
FROM coursebase.users u WHERE u.id = '@user@'"
--# command library: its limit: loading a library that defines as many settings
"$BENCH_FIRST" then "SELECT bench_peer.settings_none()"
