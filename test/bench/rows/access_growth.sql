-- What a check costs as the tables grow: people who each have ten courses, in a database of a thousand people and in
-- ones of more. Two hundred of them, spread over the tables, are asked about by turns: what grows is the depth of the
-- indexes, and not how far away from the processor their pages lie. To reach is the ratio of the logarithms.
--# setup
CREATE FUNCTION bench_peer.growth_database(people integer) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN 'bench_growth_' || people;
SELECT format('CREATE DATABASE %I', bench_peer.growth_database(n)) FROM unnest(ARRAY[1000, 10000, 100000]) n \gexec
\connect bench_growth_1000
\set people 1000
\set fill 'SET session_replication_role = replica; CREATE EXTENSION coursebase; INSERT INTO coursebase.courses (id, title, description) SELECT md5(\'course\' || n)::uuid, \'Bench\', \'Bench\' FROM generate_series(0, 99) n; INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT md5(\'user\' || n)::uuid, \'user\' || n, \'Bench\', \'bench@example.com\' FROM generate_series(0, :people - 1) n; INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT md5(\'user\' || n)::uuid, md5(\'course\' || (n + i) % 100)::uuid FROM generate_series(0, :people - 1) n, generate_series(1, 10) i; VACUUM ANALYZE'
:fill;
\connect bench_growth_10000
\set people 10000
:fill;
\connect bench_growth_100000
\set people 100000
:fill;
--# end
DROP DATABASE bench_growth_1000;
DROP DATABASE bench_growth_10000;
DROP DATABASE bench_growth_100000

--# row: access_growth_@people@
--# work: may she use it: with @people@ people
--# each people: 10000 100000
--# same
SELECT count(*) >= 3 FROM pg_database WHERE datname LIKE 'bench_growth_%'
--# command ours: has_course_access(course_id, user_id)
psql -XAtq -d bench_growth_@people@ <<'QUERY' | awk '/Execution Time/ { printf "%.9f\n", $3 / 1000 / 20000 }'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY) SELECT count(coursebase.has_course_access(md5('course' || i % 100)::uuid, md5('user' || i % 200 * (@people@ / 200))::uuid)) FROM generate_series(1, 20000) i;
QUERY
--# command few: with 1000 people | time >= 0.6
psql -XAtq -d bench_growth_1000 <<'QUERY' | awk '/Execution Time/ { printf "%.9f\n", $3 / 1000 / 20000 }'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY) SELECT count(coursebase.has_course_access(md5('course' || i % 100)::uuid, md5('user' || i % 200 * 5)::uuid)) FROM generate_series(1, 20000) i;
QUERY
