-- The contents of a whole catalogue, its lessons and the completions of a thousand people, read as a whole under row
-- security against the same query with its WHERE written by hand and no policy. The rows of every table lie in random
-- order, so that neither way finds what it asks next beside what it asked before. Half of the courses may be read, half of
-- those for having them; one lesson in twenty is a preview, one private, and one section in ten. A way is three times in a
-- session and counts by its median; "by index" is the order of the key, which an index gives.
--# setup
\getenv full BENCH_FULL
CREATE FUNCTION bench_peer.contents_database(lessons integer) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN 'bench_contents_' || lessons;
CREATE ROLE bench_contents;
SELECT format('CREATE DATABASE %I', bench_peer.contents_database(n)) FROM unnest(ARRAY[16000, 33000, 100000]) n \gexec
\set fill 'CREATE EXTENSION coursebase; SET session_replication_role = replica; CREATE FUNCTION public.key(kind text, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE RETURN md5(kind || n)::uuid; INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) SELECT public.key(\'reader\', n), CASE n WHEN 0 THEN \'buyer\' WHEN 1 THEN \'admin\' ELSE \'reader_\' || n END, \'Bench\', \'bench@example.com\', CASE n WHEN 1 THEN \'admin\' ELSE \'user\' END::coursebase.user_role FROM generate_series(0, 999) n; INSERT INTO coursebase.courses (id, title, description) SELECT public.key(\'course\', n), \'Bench\', \'Bench\' FROM generate_series(0, :lessons / 1000 - 1) n; INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES (public.key(\'product\', 1), \'Bench\', \'Bench\', \'/bench.png\', 1, \'public\'); INSERT INTO coursebase.course_products (course_id, product_id) SELECT public.key(\'course\', n), public.key(\'product\', 1) FROM generate_series(0, :lessons / 1000 - 1, 2) n; INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT public.key(\'reader\', 0), public.key(\'course\', n) FROM generate_series(0, :lessons / 1000 - 1, 4) n; INSERT INTO coursebase.course_sections (id, course_id, name, status, "order") SELECT public.key(\'section\', n), public.key(\'course\', n / 50), \'Section\', CASE WHEN n % 10 = 0 THEN \'private\' ELSE \'public\' END::coursebase.course_section_status, n % 50 FROM generate_series(0, :lessons / 20 - 1) n ORDER BY md5(n || \'a\'); INSERT INTO coursebase.lessons (id, section_id, name, status, "order") SELECT public.key(\'lesson\', n), public.key(\'section\', n / 20), \'Lesson \' || n, (ARRAY[\'preview\', \'private\', \'public\'])[1 + least(n % 20, 2)]::coursebase.lesson_status, n % 20 FROM generate_series(0, :lessons - 1) n ORDER BY md5(n || \'b\'); INSERT INTO coursebase.lesson_contents (lesson_id, video_ref) SELECT public.key(\'lesson\', n), \'video \' || n FROM generate_series(0, :lessons - 1) n ORDER BY md5(n || \'c\'); INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) SELECT public.key(\'reader\', n % 1000), public.key(\'lesson\', n) FROM generate_series(0, :lessons - 1) n ORDER BY md5(n || \'d\'); GRANT USAGE ON SCHEMA coursebase, public TO bench_contents; GRANT SELECT ON ALL TABLES IN SCHEMA coursebase TO bench_contents; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase, public TO bench_contents; VACUUM ANALYZE'
\connect bench_contents_16000
\set lessons 16000
:fill;
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "buyer"}';
SELECT count(*) AS contents FROM coursebase.lesson_contents \gset
SELECT count(*) AS lessons_read FROM coursebase.lessons \gset
RESET ROLE;
SELECT 1 / (:contents = (SELECT count(*) FROM coursebase.lesson_contents c JOIN coursebase.lessons l ON l.id = c.lesson_id JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public' WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id)))::integer,
    1 / (:lessons_read = (SELECT count(*) FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id WHERE l.status <> 'private' AND s.status = 'public' AND (EXISTS (SELECT FROM coursebase.course_products p WHERE p.course_id = s.course_id) OR EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id))))::integer \g /dev/null
\connect bench_contents_33000
\set lessons 33000
:fill;
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "buyer"}';
SELECT count(*) AS contents FROM coursebase.lesson_contents \gset
SELECT count(*) AS lessons_read FROM coursebase.lessons \gset
RESET ROLE;
SELECT 1 / (:contents = (SELECT count(*) FROM coursebase.lesson_contents c JOIN coursebase.lessons l ON l.id = c.lesson_id JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public' WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id)))::integer,
    1 / (:lessons_read = (SELECT count(*) FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id WHERE l.status <> 'private' AND s.status = 'public' AND (EXISTS (SELECT FROM coursebase.course_products p WHERE p.course_id = s.course_id) OR EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id))))::integer \g /dev/null
\connect bench_contents_100000
\set lessons 100000
:fill;
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "buyer"}';
SELECT count(*) AS contents FROM coursebase.lesson_contents \gset
SELECT count(*) AS lessons_read FROM coursebase.lessons \gset
RESET ROLE;
SELECT 1 / (:contents = (SELECT count(*) FROM coursebase.lesson_contents c JOIN coursebase.lessons l ON l.id = c.lesson_id JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public' WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id)))::integer,
    1 / (:lessons_read = (SELECT count(*) FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id WHERE l.status <> 'private' AND s.status = 'public' AND (EXISTS (SELECT FROM coursebase.course_products p WHERE p.course_id = s.course_id) OR EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id))))::integer \g /dev/null
\if :{?full}
    CREATE DATABASE bench_contents_1000000;
    \connect bench_contents_1000000
    \set lessons 1000000
    :fill;
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "buyer"}';
SELECT count(*) AS contents FROM coursebase.lesson_contents \gset
SELECT count(*) AS lessons_read FROM coursebase.lessons \gset
RESET ROLE;
SELECT 1 / (:contents = (SELECT count(*) FROM coursebase.lesson_contents c JOIN coursebase.lessons l ON l.id = c.lesson_id JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public' WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id)))::integer,
    1 / (:lessons_read = (SELECT count(*) FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id WHERE l.status <> 'private' AND s.status = 'public' AND (EXISTS (SELECT FROM coursebase.course_products p WHERE p.course_id = s.course_id) OR EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id))))::integer \g /dev/null
\endif
--# end
DROP DATABASE bench_contents_16000;
DROP DATABASE bench_contents_33000;
DROP DATABASE bench_contents_100000;
DROP DATABASE IF EXISTS bench_contents_1000000;
DROP ROLE bench_contents

--# row: contents_buyer_@size@
--# area: Lessons
--# work: All contents of @size:name@ lessons in random order: buyer
--# each size: 16000 33000 100000 +1000000
--# name size: 16000 = 16,000; 33000 = 33,000; 100000 = 100,000; 1000000 = 1,000,000
--# same
SELECT count(*) >= 3 FROM pg_database WHERE datname LIKE 'bench_contents_%'
--# command ours: the policy
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "buyer"}';
\timing on
SELECT count(video_ref) FROM coursebase.lesson_contents;
SELECT count(video_ref) FROM coursebase.lesson_contents;
SELECT count(video_ref) FROM coursebase.lesson_contents;
QUERY
--# command hand: WHERE with joins | time >= 0.8
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
\timing on
SELECT count(c.video_ref) FROM coursebase.lesson_contents c
JOIN coursebase.lessons l ON l.id = c.lesson_id JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'
WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id);
SELECT count(c.video_ref) FROM coursebase.lesson_contents c
JOIN coursebase.lessons l ON l.id = c.lesson_id JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'
WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id);
SELECT count(c.video_ref) FROM coursebase.lesson_contents c
JOIN coursebase.lessons l ON l.id = c.lesson_id JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'
WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id);
QUERY

--# row: contents_admin_@size@
--# area: Lessons
--# work: All contents of @size:name@ lessons in random order: administrator
--# each size: 16000 33000 100000 +1000000
--# name size: 16000 = 16,000; 33000 = 33,000; 100000 = 100,000; 1000000 = 1,000,000
--# same
SELECT count(*) >= 3 FROM pg_database WHERE datname LIKE 'bench_contents_%'
--# command ours: the policy
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "admin"}';
\timing on
SELECT count(video_ref) FROM coursebase.lesson_contents;
SELECT count(video_ref) FROM coursebase.lesson_contents;
SELECT count(video_ref) FROM coursebase.lesson_contents;
QUERY
--# command hand: no WHERE | time >= 0.8
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
\timing on
SELECT count(video_ref) FROM coursebase.lesson_contents;
SELECT count(video_ref) FROM coursebase.lesson_contents;
SELECT count(video_ref) FROM coursebase.lesson_contents;
QUERY

--# row: contents_index_buyer_@size@
--# area: Lessons
--# work: All contents of @size:name@ lessons by index: buyer
--# each size: 16000 33000 100000 +1000000
--# name size: 16000 = 16,000; 33000 = 33,000; 100000 = 100,000; 1000000 = 1,000,000
--# same
SELECT count(*) >= 3 FROM pg_database WHERE datname LIKE 'bench_contents_%'
--# command ours: the policy
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "buyer"}';
SET enable_sort = off;
\timing on
SELECT count(video_ref) FROM (SELECT video_ref FROM coursebase.lesson_contents ORDER BY lesson_id OFFSET 0) c;
SELECT count(video_ref) FROM (SELECT video_ref FROM coursebase.lesson_contents ORDER BY lesson_id OFFSET 0) c;
SELECT count(video_ref) FROM (SELECT video_ref FROM coursebase.lesson_contents ORDER BY lesson_id OFFSET 0) c;
QUERY
--# command hand: WHERE with a hashed IN | time >= 0.8
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
SET enable_sort = off;
\timing on
SELECT count(video_ref) FROM (SELECT c.video_ref FROM coursebase.lesson_contents c
WHERE (c.lesson_id IN (SELECT l.id FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'
WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id))) IS TRUE ORDER BY c.lesson_id OFFSET 0) c;
SELECT count(video_ref) FROM (SELECT c.video_ref FROM coursebase.lesson_contents c
WHERE (c.lesson_id IN (SELECT l.id FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'
WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id))) IS TRUE ORDER BY c.lesson_id OFFSET 0) c;
SELECT count(video_ref) FROM (SELECT c.video_ref FROM coursebase.lesson_contents c
WHERE (c.lesson_id IN (SELECT l.id FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'
WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id))) IS TRUE ORDER BY c.lesson_id OFFSET 0) c;
QUERY

--# row: lessons_buyer_@size@
--# area: Lessons
--# work: All of @size:name@ lessons in random order: buyer
--# each size: 16000 33000 100000 +1000000
--# name size: 16000 = 16,000; 33000 = 33,000; 100000 = 100,000; 1000000 = 1,000,000
--# same
SELECT count(*) >= 3 FROM pg_database WHERE datname LIKE 'bench_contents_%'
--# command ours: the policy
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "buyer"}';
\timing on
SELECT count(name) FROM coursebase.lessons;
SELECT count(name) FROM coursebase.lessons;
SELECT count(name) FROM coursebase.lessons;
QUERY
--# command hand: WHERE with joins | time >= 0.8
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
\timing on
SELECT count(l.name) FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id
WHERE l.status <> 'private' AND s.status = 'public' AND (EXISTS (SELECT FROM coursebase.course_products p WHERE p.course_id = s.course_id) OR EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id));
SELECT count(l.name) FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id
WHERE l.status <> 'private' AND s.status = 'public' AND (EXISTS (SELECT FROM coursebase.course_products p WHERE p.course_id = s.course_id) OR EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id));
SELECT count(l.name) FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id
WHERE l.status <> 'private' AND s.status = 'public' AND (EXISTS (SELECT FROM coursebase.course_products p WHERE p.course_id = s.course_id) OR EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = public.key('reader', 0) AND a.course_id = s.course_id));
QUERY

--# row: lessons_admin_@size@
--# area: Lessons
--# work: All of @size:name@ lessons in random order: administrator
--# each size: 16000 33000 100000 +1000000
--# name size: 16000 = 16,000; 33000 = 33,000; 100000 = 100,000; 1000000 = 1,000,000
--# same
SELECT count(*) >= 3 FROM pg_database WHERE datname LIKE 'bench_contents_%'
--# command ours: the policy
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "admin"}';
\timing on
SELECT count(name) FROM coursebase.lessons;
SELECT count(name) FROM coursebase.lessons;
SELECT count(name) FROM coursebase.lessons;
QUERY
--# command hand: no WHERE | time >= 0.8
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
\timing on
SELECT count(name) FROM coursebase.lessons;
SELECT count(name) FROM coursebase.lessons;
SELECT count(name) FROM coursebase.lessons;
QUERY

--# row: completions_admin_@size@
--# area: Lessons
--# work: All of @size:name@ completions, sequentially: administrator
--# each size: 16000 33000 100000 +1000000
--# name size: 16000 = 16,000; 33000 = 33,000; 100000 = 100,000; 1000000 = 1,000,000
--# same
SELECT count(*) >= 3 FROM pg_database WHERE datname LIKE 'bench_contents_%'
--# command ours: the policy
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "admin"}';
SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
\timing on
SELECT count(created_at) FROM coursebase.user_lesson_complete;
SELECT count(created_at) FROM coursebase.user_lesson_complete;
SELECT count(created_at) FROM coursebase.user_lesson_complete;
QUERY
--# command hand: no WHERE | time >= 0.8
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
\timing on
SELECT count(created_at) FROM coursebase.user_lesson_complete;
SELECT count(created_at) FROM coursebase.user_lesson_complete;
SELECT count(created_at) FROM coursebase.user_lesson_complete;
QUERY

--# row: completions_index_admin_@size@
--# area: Lessons
--# work: All of @size:name@ completions by index: administrator
--# each size: 16000 33000 100000 +1000000
--# name size: 16000 = 16,000; 33000 = 33,000; 100000 = 100,000; 1000000 = 1,000,000
--# same
SELECT count(*) >= 3 FROM pg_database WHERE datname LIKE 'bench_contents_%'
--# command ours: the policy
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
SET ROLE bench_contents; SET request.jwt.claims = '{"sub": "admin"}';
SET enable_sort = off; SET enable_seqscan = off; SET enable_bitmapscan = off;
\timing on
SELECT count(created_at) FROM (SELECT created_at FROM coursebase.user_lesson_complete ORDER BY user_id, lesson_id OFFSET 0) c;
SELECT count(created_at) FROM (SELECT created_at FROM coursebase.user_lesson_complete ORDER BY user_id, lesson_id OFFSET 0) c;
SELECT count(created_at) FROM (SELECT created_at FROM coursebase.user_lesson_complete ORDER BY user_id, lesson_id OFFSET 0) c;
QUERY
--# command hand: no WHERE | time >= 0.8
psql -XAtq -d bench_contents_@size@ <<'QUERY' | awk '/^Time/ { print $2 / 1000 }' | sort -g | sed -n 2p
SET enable_sort = off; SET enable_seqscan = off; SET enable_bitmapscan = off;
\timing on
SELECT count(created_at) FROM (SELECT created_at FROM coursebase.user_lesson_complete ORDER BY user_id, lesson_id OFFSET 0) c;
SELECT count(created_at) FROM (SELECT created_at FROM coursebase.user_lesson_complete ORDER BY user_id, lesson_id OFFSET 0) c;
SELECT count(created_at) FROM (SELECT created_at FROM coursebase.user_lesson_complete ORDER BY user_id, lesson_id OFFSET 0) c;
QUERY
