-- What the first call of a new connection costs more than SELECT 1 as its first statement: loading the library, unless the
-- connection began with that, and looking up the tables that the call reads. Forty connections each, taken in turns, of
-- which the fourth fastest counts: most of a slower one is waiting for a processor. The figure is the difference.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT md5('first user' || n)::uuid, 'first_' || n, 'Bench', 'bench@example.com' FROM generate_series(1, 2000) n;
INSERT INTO coursebase.courses (id, course_code, title, description)
SELECT md5('first course' || n)::uuid, 'F0' || n || 'ENC', 'Bench', 'Bench' FROM generate_series(1, 9) n;
INSERT INTO coursebase.course_documents (course_id, data)
SELECT id, '{"title": "Bench"}' FROM coursebase.courses WHERE course_code LIKE 'F0_ENC';
INSERT INTO coursebase.master_manifests (name, content, is_default)
SELECT 'first_' || n || '.json', '{"a": 1}', true FROM generate_series(1, 10) n;
INSERT INTO coursebase.user_course_access (user_id, course_id)
SELECT md5('first user' || u)::uuid, md5('first course' || c)::uuid FROM generate_series(1, 2000) u, generate_series(1, 5) c;
CREATE SEQUENCE bench_peer.first_turn;
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
SELECT bool_and(coursebase.has_course_access(a.course_id, a.user_id)) AND count(*) = 10000
FROM coursebase.user_course_access a JOIN coursebase.users u ON u.id = a.user_id WHERE u.clerk_user_id LIKE 'first_%'
--# command ours: has_course_access(course_id, user_id) | time <= 0.001
case @loaded@ in before) export PGOPTIONS='-c session_preload_libraries=coursebase' ;; esac
for i in $(seq 40); do
    for statement in "SELECT 1" "SELECT coursebase.has_course_access(md5('first course1')::uuid, md5('first user$i')::uuid)"; do
        printf '\\timing on\n%s;\n' "$statement" | psql -XAtq | awk '/^Time/ { print $2 / 1000 }'
    done | paste - -
done | awk '{ print $1 > "/dev/fd/3"; print $2 }' 3>first_@loaded@.plain | sort -g | sed -n 4p >first_@loaded@.ours
sort -g first_@loaded@.plain | sed -n 4p | paste first_@loaded@.ours - | awk '{ printf "%.9f\n", $1 - $2 }'
--# command plain: SELECT 1 as the first statement
for i in $(seq 40); do
    printf '\\timing on\nSELECT 1;\n' | psql -XAtq | awk '/^Time/ { print $2 / 1000 }'
done | sort -g | sed -n 4p

-- Each time another person, of whom nothing is in the cache: a handshake that is computed and kept.
--# row: first_handshake_@loaded@
--# each loaded: then before
--# name loaded: then = loads the library; before = library loaded by session_preload_libraries
--# area: Sync
--# work: Handshake as the first statement of a connection, computed and kept, beyond SELECT 1: @loaded:name@
--# same
SELECT count(*) = 2000 AND coursebase.handshake(md5('first user1')::uuid, '{}')::text LIKE '%first_10.json%' FROM coursebase.users WHERE clerk_user_id LIKE 'first_%'
--# command ours: handshake(user, '{}') | time <= 0.005
n=$(psql -XAtqc "SELECT nextval('bench_peer.first_turn') * 40")
case @loaded@ in before) export PGOPTIONS='-c session_preload_libraries=coursebase' ;; esac
for i in $(seq 40); do
    for statement in "SELECT 1" "SELECT length(coursebase.handshake(md5('first user$((n + i))')::uuid, '{}')::text)"; do
        printf '\\timing on\n%s;\n' "$statement" | psql -XAtq | awk '/^Time/ { print $2 / 1000 }'
    done | paste - -
done | awk '{ print $1 > "/dev/fd/3"; print $2 }' 3>first_@loaded@.plain | sort -g | sed -n 4p >first_@loaded@.ours
sort -g first_@loaded@.plain | sed -n 4p | paste first_@loaded@.ours - | awk '{ printf "%.9f\n", $1 - $2 }'
--# command plain: SELECT 1 as the first statement
for i in $(seq 40); do
    printf '\\timing on\nSELECT 1;\n' | psql -XAtq | awk '/^Time/ { print $2 / 1000 }'
done | sort -g | sed -n 4p
