-- What a check and a handshake cost as the tables grow: people who each have ten courses, in a database of a thousand
-- people and in ones of more. First two hundred of them, spread over the tables, are asked about by turns: what grows is
-- the depth of the indexes, and not how far away from the processor their pages lie. To reach is the ratio of the
-- logarithms. Then anybody, another one at each call, as a crowd would come: with the pages that nobody has just read.
-- A handshake is a miss each time: nothing is kept in a transaction that only reads.
--# setup
\getenv full BENCH_FULL
CREATE FUNCTION bench_peer.growth_database(people integer) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN 'bench_growth_' || people;
SELECT format('CREATE DATABASE %I', bench_peer.growth_database(n)) FROM unnest(ARRAY[1000, 10000, 100000]) n \gexec
\set fill 'CREATE EXTENSION coursebase; INSERT INTO coursebase.master_manifests (name, content, is_default) SELECT \'m\' || n || \'.json\', \'{"a": 1}\', true FROM generate_series(1, 10) n; INSERT INTO coursebase.courses (id, course_code, title, description) SELECT md5(\'course\' || n)::uuid, \'B\' || lpad(n::text, 2, \'0\') || \'ENC\', \'Bench\', \'Bench\' FROM generate_series(0, 99) n; INSERT INTO coursebase.course_documents (course_id, data) SELECT id, \'{"title": "Bench"}\' FROM coursebase.courses; SET session_replication_role = replica; INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT md5(\'user\' || n)::uuid, \'user\' || n, \'Bench\', \'bench@example.com\' FROM generate_series(0, :people - 1) n; INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT md5(\'user\' || n)::uuid, md5(\'course\' || (n + i) % 100)::uuid FROM generate_series(0, :people - 1) n, generate_series(1, 10) i; VACUUM ANALYZE'
\connect bench_growth_1000
\set people 1000
:fill;
\connect bench_growth_10000
\set people 10000
:fill;
\connect bench_growth_100000
\set people 100000
:fill;
\if :{?full}
    CREATE DATABASE bench_growth_1000000;
    \connect bench_growth_1000000
    \set people 1000000
    :fill;
\endif
--# end
DROP DATABASE bench_growth_1000;
DROP DATABASE bench_growth_10000;
DROP DATABASE bench_growth_100000;
DROP DATABASE IF EXISTS bench_growth_1000000

--# row: access_growth_@people@
--# area: Growth
--# work: Access check with @people:name@ people
--# each people: 10000 100000 +1000000
--# name people: 10000 = 10,000; 100000 = 100,000; 1000000 = 1,000,000
--# same
SELECT count(*) >= 3 FROM pg_database WHERE datname LIKE 'bench_growth_%'
--# command ours: has_course_access(course_id, user_id)
psql -XAtq -d bench_growth_@people@ <<'QUERY' | awk '/Execution Time/ { printf "%.9f\n", $3 / 1000 / 20000 }'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY) SELECT count(coursebase.has_course_access(md5('course' || i % 100)::uuid, md5('user' || i % 200 * (@people@ / 200))::uuid)) FROM generate_series(1, 20000) i;
QUERY
--# command few: with 1,000 people | time >= logarithm(@people@)
psql -XAtq -d bench_growth_1000 <<'QUERY' | awk '/Execution Time/ { printf "%.9f\n", $3 / 1000 / 20000 }'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY) SELECT count(coursebase.has_course_access(md5('course' || i % 100)::uuid, md5('user' || i % 200 * 5)::uuid)) FROM generate_series(1, 20000) i;
QUERY
--# command anybody: with @people:name@ people, another person each time
psql -XAtq -d bench_growth_@people@ <<'QUERY' | awk '/Execution Time/ { printf "%.9f\n", $3 / 1000 / 20000 }'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY) SELECT count(coursebase.has_course_access(md5('course' || i % 100)::uuid, md5('user' || i * 7919 % @people@)::uuid)) FROM generate_series(1, 20000) i;
QUERY

--# row: handshake_growth_@people@
--# area: Growth
--# work: Computed handshake with @people:name@ people
--# each people: 10000 100000 +1000000
--# name people: 10000 = 10,000; 100000 = 100,000; 1000000 = 1,000,000
--# same
SELECT count(*) >= 3 FROM pg_database WHERE datname LIKE 'bench_growth_%'
--# command ours: handshake(user_id, request)
psql -XAtq -d bench_growth_@people@ <<'QUERY' | awk '/Execution Time/ { printf "%.9f\n", $3 / 1000 / 2000 }'
BEGIN READ ONLY;
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY) SELECT count(coursebase.handshake(md5('user' || i % 200 * (@people@ / 200))::uuid, '{}')) FROM generate_series(1, 2000) i;
QUERY
--# command few: with 1,000 people | time >= logarithm(@people@)
psql -XAtq -d bench_growth_1000 <<'QUERY' | awk '/Execution Time/ { printf "%.9f\n", $3 / 1000 / 2000 }'
BEGIN READ ONLY;
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY) SELECT count(coursebase.handshake(md5('user' || i % 200 * 5)::uuid, '{}')) FROM generate_series(1, 2000) i;
QUERY
--# command anybody: with @people:name@ people, another person each time
psql -XAtq -d bench_growth_@people@ <<'QUERY' | awk '/Execution Time/ { printf "%.9f\n", $3 / 1000 / 2000 }'
BEGIN READ ONLY;
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY) SELECT count(coursebase.handshake(md5('user' || i * 7919 % @people@)::uuid, '{}')) FROM generate_series(1, 2000) i;
QUERY
