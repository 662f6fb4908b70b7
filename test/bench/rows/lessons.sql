-- What a reader sees of a million lessons (a thousand courses of fifty sections) and of a million completions, under
-- row security, against the same query with its WHERE written by hand and no policy. Half of the courses are in a
-- public product; the buyer may use a hundred of those and a hundred of the others.
--# setup
SET session_replication_role = replica;
CREATE FUNCTION bench_peer.key(kind text, n integer) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN (md5(kind || n))::uuid;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role)
SELECT bench_peer.key('reader', n), CASE n WHEN 1 THEN 'lessons_buyer' WHEN 2 THEN 'lessons_admin' ELSE 'lessons_' || n END, 'Bench', 'bench@example.com',
    CASE WHEN n = 2 THEN 'admin' ELSE 'user' END::coursebase.user_role
FROM generate_series(1, 1000) n;
INSERT INTO coursebase.courses (id, title, description)
SELECT bench_peer.key('lessons', n), 'Bench', 'Bench' FROM generate_series(1, 1000) n;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status)
VALUES (bench_peer.key('lessons product', 1), 'Bench', 'Bench', '/bench.png', 1, 'public');
INSERT INTO coursebase.course_products (course_id, product_id)
SELECT bench_peer.key('lessons', n), bench_peer.key('lessons product', 1) FROM generate_series(1, 500) n;
INSERT INTO coursebase.user_course_access (user_id, course_id)
SELECT bench_peer.key('reader', 1), bench_peer.key('lessons', n) FROM generate_series(401, 600) n;
INSERT INTO coursebase.course_sections (id, course_id, name, status, "order")
SELECT bench_peer.key('section', n), bench_peer.key('lessons', 1 + n / 50), 'Section ' || n, CASE WHEN n % 10 = 0 THEN 'private' ELSE 'public' END::coursebase.course_section_status, n % 50
FROM generate_series(0, 49999) n;
INSERT INTO coursebase.lessons (id, section_id, name, status, "order")
SELECT bench_peer.key('lesson', n), bench_peer.key('section', n / 20), 'Lesson ' || n,
    (ARRAY['preview', 'private', 'public'])[1 + least(n % 20, 2)]::coursebase.lesson_status, n % 20
FROM generate_series(0, 999999) n;
INSERT INTO coursebase.lesson_contents (lesson_id, video_ref)
SELECT bench_peer.key('lesson', n), 'video ' || n FROM generate_series(0, 999999) n;
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id)
SELECT bench_peer.key('reader', 1 + n / 1000), bench_peer.key('lesson', 400000 + n % 1000 * 101) FROM generate_series(0, 999999) n;
RESET session_replication_role;
-- What the hand-written WHERE has as constants.
CREATE TABLE bench_peer.reader AS
SELECT r.who, bench_peer.key('reader', r.n) AS id, ARRAY(SELECT bench_peer.key('lessons', n) FROM generate_series(1, r.readable) n) AS readable
FROM (VALUES ('buyer', 1, 600), ('admin', 2, 1000)) AS r (who, n, readable);
-- The courses that a list is asked of.
CREATE TABLE bench_peer.listed AS
SELECT bench_peer.key('lessons', n) AS course_id FROM generate_series(451, 550) n;
CREATE ROLE bench_reader;
GRANT USAGE ON SCHEMA coursebase, bench_peer TO bench_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase TO bench_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA coursebase, bench_peer TO bench_reader;
-- The way's role: ours is under the policy, the peer writes its WHERE and is not.
CREATE FUNCTION bench_peer.read_as(way text) RETURNS text
LANGUAGE sql
AS $$
    SELECT set_config('role', CASE WHEN way = 'ours' THEN 'bench_reader' ELSE 'none' END, false)
$$;
GRANT EXECUTE ON FUNCTION bench_peer.read_as(text) TO PUBLIC;
-- What a query of one number gives under the policy.
CREATE FUNCTION bench_peer.read_by(who text, query text) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    answer bigint;
BEGIN
    PERFORM set_config('request.jwt.claims', json_build_object('sub', 'lessons_' || who)::text, false);
    PERFORM bench_peer.read_as('ours');
    EXECUTE query INTO answer;
    PERFORM bench_peer.read_as('');
    RETURN answer;
END
$$;
--# end
DROP OWNED BY bench_reader;
DROP ROLE bench_reader;
SET session_replication_role = replica;
TRUNCATE coursebase.lesson_contents, coursebase.user_lesson_complete, coursebase.lessons, coursebase.course_sections

--# before
SELECT bench_peer.read_as('@way@');
--# session
SELECT bench_peer.read_as('') \g /dev/null
SELECT set_config('request.jwt.claims', json_build_object('sub', 'lessons_@who@')::text, false) \g /dev/null
SELECT readable, id AS reader FROM bench_peer.reader WHERE who = '@who@' \gset

--# row: lessons_index_buyer
--# area: Lessons
--# work: Lesson lists of 100 courses, policy by index: buyer
--# each who: buyer
--# same
SELECT bench_peer.read_by('buyer', 'SELECT sum(c.lessons)::bigint FROM bench_peer.listed i, LATERAL (SELECT count(l.name) AS lessons FROM coursebase.course_sections s JOIN coursebase.lessons l ON l.section_id = s.id WHERE s.course_id = i.course_id) c')
    = (SELECT sum(c.lessons)::bigint FROM bench_peer.listed i, LATERAL (SELECT count(l.name) AS lessons FROM coursebase.course_sections s JOIN coursebase.lessons l ON l.section_id = s.id WHERE s.course_id = i.course_id AND s.status = 'public' AND s.course_id = ANY (:'readable') AND l.status <> 'private') c)
--# statement ours: the policies
SELECT sum(c.lessons)::bigint FROM bench_peer.listed i, LATERAL (SELECT count(l.name) AS lessons FROM coursebase.course_sections s JOIN coursebase.lessons l ON l.section_id = s.id WHERE s.course_id = i.course_id) c
--# statement hand: WHERE with the course ids written out | time >= 0.9
SELECT sum(c.lessons)::bigint FROM bench_peer.listed i, LATERAL (SELECT count(l.name) AS lessons FROM coursebase.course_sections s JOIN coursebase.lessons l ON l.section_id = s.id WHERE s.course_id = i.course_id AND s.status = 'public' AND s.course_id = ANY (:'readable') AND l.status <> 'private') c

--# row: lessons_index_admin
--# area: Lessons
--# work: Lesson lists of 100 courses, policy by index: administrator
--# each who: admin
--# same
SELECT bench_peer.read_by('admin', 'SELECT sum(c.lessons)::bigint FROM bench_peer.listed i, LATERAL (SELECT count(l.name) AS lessons FROM coursebase.course_sections s JOIN coursebase.lessons l ON l.section_id = s.id WHERE s.course_id = i.course_id) c')
    = (SELECT sum(c.lessons)::bigint FROM bench_peer.listed i, LATERAL (SELECT count(l.name) AS lessons FROM coursebase.course_sections s JOIN coursebase.lessons l ON l.section_id = s.id WHERE s.course_id = i.course_id) c)
--# statement ours: the policies
SELECT sum(c.lessons)::bigint FROM bench_peer.listed i, LATERAL (SELECT count(l.name) AS lessons FROM coursebase.course_sections s JOIN coursebase.lessons l ON l.section_id = s.id WHERE s.course_id = i.course_id) c
--# statement hand: no WHERE | time >= 0.9
SELECT sum(c.lessons)::bigint FROM bench_peer.listed i, LATERAL (SELECT count(l.name) AS lessons FROM coursebase.course_sections s JOIN coursebase.lessons l ON l.section_id = s.id WHERE s.course_id = i.course_id) c

--# row: lessons_scan_buyer
--# area: Lessons
--# work: All lessons, policy row by row: buyer
--# each who: buyer
--# session
SELECT bench_peer.read_as('') \g /dev/null
SELECT set_config('request.jwt.claims', json_build_object('sub', 'lessons_@who@')::text, false) \g /dev/null
SELECT readable, id AS reader FROM bench_peer.reader WHERE who = '@who@' \gset
SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off
--# same
SELECT bench_peer.read_by('buyer', 'SELECT count(name) FROM coursebase.lessons')
    = (SELECT count(name) FROM coursebase.lessons
        WHERE status <> 'private' AND section_id IN (SELECT id FROM coursebase.course_sections WHERE status = 'public' AND course_id = ANY (:'readable')))
--# statement ours: the policy
SELECT count(name) FROM coursebase.lessons
--# statement hand: WHERE with the course ids written out | time >= 0.9
SELECT count(name) FROM coursebase.lessons
WHERE status <> 'private' AND section_id IN (SELECT id FROM coursebase.course_sections WHERE status = 'public' AND course_id = ANY (:'readable'))

--# row: lessons_scan_admin
--# area: Lessons
--# work: All lessons, policy row by row: administrator
--# each who: admin
--# session
SELECT bench_peer.read_as('') \g /dev/null
SELECT set_config('request.jwt.claims', json_build_object('sub', 'lessons_@who@')::text, false) \g /dev/null
SELECT readable, id AS reader FROM bench_peer.reader WHERE who = '@who@' \gset
SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off
--# same
SELECT bench_peer.read_by('admin', 'SELECT count(name) FROM coursebase.lessons') = (SELECT count(name) FROM coursebase.lessons)
--# statement ours: the policy
SELECT count(name) FROM coursebase.lessons
--# statement hand: no WHERE | time >= 0.9
SELECT count(name) FROM coursebase.lessons

--# row: contents_scan_buyer
--# area: Lessons
--# work: All lesson contents, policy row by row: buyer
--# each who: buyer
--# same
SELECT bench_peer.read_by('buyer', 'SELECT count(video_ref) FROM coursebase.lesson_contents')
    = (SELECT count(c.video_ref) FROM coursebase.lesson_contents c
        JOIN coursebase.lessons l ON l.id = c.lesson_id JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'
        WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = :'reader' AND a.course_id = s.course_id))
--# statement ours: the policy
SELECT count(video_ref) FROM coursebase.lesson_contents
-- The other way is a join that hashes both tables.
--# statement hand: WHERE with joins | time >= 0.9
SELECT count(c.video_ref) FROM coursebase.lesson_contents c
JOIN coursebase.lessons l ON l.id = c.lesson_id JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'
WHERE l.status = 'preview' OR l.status = 'public' AND EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = :'reader' AND a.course_id = s.course_id)

--# row: lesson_point_@who@
--# area: Lessons
--# work: One lesson: @who:name@
--# each who: buyer admin
--# name who: admin = administrator
--# same
SELECT bench_peer.read_by('@who@', 'SELECT count(*) FROM coursebase.lessons WHERE "order" = 5')
    = (SELECT count(*) FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id, bench_peer.reader r
        WHERE l."order" = 5 AND r.who = '@who@' AND (r.who = 'admin' OR s.status = 'public' AND s.course_id = ANY (r.readable)))
--# command ours: the policy
PGOPTIONS='-c role=bench_reader -c request.jwt.claims={"sub":"lessons_@who@"}' pgbench -n -M prepared -t 4000 -f /dev/stdin <<'SCRIPT' |
\set n random(0, 999999)
SELECT name FROM coursebase.lessons WHERE id = md5('lesson' || :n)::uuid;
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
--# command hand: WHERE with an EXISTS | time >= 0.9
case @who@ in
    admin) may="EXISTS (SELECT FROM coursebase.users u WHERE u.clerk_user_id = 'lessons_admin' AND u.role = 'admin')" ;;
    *) may="l.status <> 'private' AND EXISTS (SELECT FROM coursebase.course_sections s WHERE s.id = l.section_id AND s.status = 'public'
        AND (EXISTS (SELECT FROM coursebase.course_products c JOIN coursebase.products p ON p.id = c.product_id AND p.status = 'public' WHERE c.course_id = s.course_id)
            OR EXISTS (SELECT FROM coursebase.user_course_access a JOIN coursebase.users u ON u.id = a.user_id WHERE u.clerk_user_id = 'lessons_buyer' AND a.course_id = s.course_id)))" ;;
esac
pgbench -n -M prepared -t 4000 -f /dev/stdin <<SCRIPT |
\set n random(0, 999999)
SELECT name FROM coursebase.lessons l WHERE id = md5('lesson' || :n)::uuid AND $(echo $may);
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'

--# row: content_point_@who@
--# area: Lessons
--# work: The content of one lesson: @who:name@
--# each who: buyer admin
--# name who: admin = administrator
--# same
SELECT bench_peer.read_by('@who@', 'SELECT count(*) FROM coursebase.lesson_contents c JOIN bench_peer.listed i ON c.lesson_id = bench_peer.key(''lesson'', 449999)')
    = CASE '@who@' WHEN 'admin' THEN 100 ELSE 100 END
--# command ours: the policy
PGOPTIONS='-c role=bench_reader -c request.jwt.claims={"sub":"lessons_@who@"}' pgbench -n -M prepared -t 4000 -f /dev/stdin <<'SCRIPT' |
\set n random(400000, 599999)
SELECT video_ref FROM coursebase.lesson_contents WHERE lesson_id = md5('lesson' || :n)::uuid;
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
--# command hand: WHERE with an EXISTS | time >= 0.9
case @who@ in
    admin) may="EXISTS (SELECT FROM coursebase.users u WHERE u.clerk_user_id = 'lessons_admin' AND u.role = 'admin')" ;;
    *) may="EXISTS (SELECT FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'
        WHERE l.id = c.lesson_id AND (l.status = 'preview' OR l.status = 'public'
            AND EXISTS (SELECT FROM coursebase.user_course_access a JOIN coursebase.users u ON u.id = a.user_id WHERE u.clerk_user_id = 'lessons_buyer' AND a.course_id = s.course_id)))" ;;
esac
pgbench -n -M prepared -t 4000 -f /dev/stdin <<SCRIPT |
\set n random(400000, 599999)
SELECT video_ref FROM coursebase.lesson_contents c WHERE lesson_id = md5('lesson' || :n)::uuid AND $(echo $may);
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'

--# row: completions_index_buyer
--# area: Lessons
--# work: Own completed lessons among a million, policy by index
--# each who: buyer
--# same
SELECT bench_peer.read_by('buyer', 'SELECT count(created_at) FROM coursebase.user_lesson_complete') = (SELECT count(created_at) FROM coursebase.user_lesson_complete WHERE user_id = :'reader')
--# statement ours: the policy
SELECT count(created_at) FROM generate_series(1, @n@) n, LATERAL (SELECT created_at FROM coursebase.user_lesson_complete WHERE n > 0 OFFSET 0) c
--# statement hand: WHERE user_id | time >= 0.9
SELECT count(created_at) FROM generate_series(1, @n@) n, LATERAL (SELECT created_at FROM coursebase.user_lesson_complete WHERE n > 0 AND user_id = :'reader' OFFSET 0) c

--# row: completions_scan_admin
--# area: Lessons
--# work: All completed lessons, policy row by row: administrator
--# each who: admin
--# session
SELECT bench_peer.read_as('') \g /dev/null
SELECT set_config('request.jwt.claims', json_build_object('sub', 'lessons_@who@')::text, false) \g /dev/null
SELECT readable, id AS reader FROM bench_peer.reader WHERE who = '@who@' \gset
SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off
--# same
SELECT bench_peer.read_by('admin', 'SELECT count(created_at) FROM coursebase.user_lesson_complete') = (SELECT count(created_at) FROM coursebase.user_lesson_complete)
--# statement ours: the policy
SELECT count(created_at) FROM coursebase.user_lesson_complete
-- Two bounds are compared a row, which is the price of the one policy that an index serves for all.
--# statement hand: no WHERE | time >= 0.9
SELECT count(created_at) FROM coursebase.user_lesson_complete

--# row: progress
--# area: Lessons
--# work: Progress over 100 courses with 1,000 lessons
--# each who: buyer
--# same
SELECT bool_and((p.lessons, p.completed) = (h.lessons, h.completed)) AND count(*) = 100 AND sum(p.completed) > 0
FROM bench_peer.listed i, coursebase.course_progress(i.course_id) p,
    LATERAL (SELECT count(*) AS lessons, count(c.lesson_id) AS completed FROM coursebase.course_sections s JOIN coursebase.lessons l ON l.section_id = s.id AND l.status <> 'private'
        LEFT JOIN coursebase.user_lesson_complete c ON c.lesson_id = l.id AND c.user_id = :'reader' WHERE s.course_id = i.course_id AND s.status = 'public') h
--# statement ours: course_progress(course_id)
SELECT sum(p.completed) FROM bench_peer.listed i, coursebase.course_progress(i.course_id) p
--# statement hand: one statement with joins and no policy | time >= 0.9
SELECT sum(h.completed), max(h.completed_at) FROM bench_peer.listed i,
    LATERAL (SELECT count(*) AS lessons, count(c.lesson_id) AS completed, max(c.created_at) AS completed_at FROM coursebase.course_sections s JOIN coursebase.lessons l ON l.section_id = s.id AND l.status <> 'private'
        LEFT JOIN coursebase.user_lesson_complete c ON c.lesson_id = l.id AND c.user_id = :'reader' WHERE s.course_id = i.course_id AND s.status = 'public') h
