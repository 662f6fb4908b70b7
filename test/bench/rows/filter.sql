-- What a policy costs an administrator who reads a whole table, in instructions: the policy, no WHERE, and the least WHERE
-- that is asked of each row. A policy that asks something of a reader's rows is a filter that the executor passes for
-- every row, whatever it says of administrators: the last of the three is the limit of the first.
--# setup
SET session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role)
VALUES (md5('filter admin')::uuid, 'filter_admin', 'Bench', 'bench@example.com', 'admin');
INSERT INTO coursebase.courses (id, title, description) VALUES (md5('filter course')::uuid, 'Bench', 'Bench');
INSERT INTO coursebase.course_sections (id, course_id, name, status, "order")
SELECT md5('filter section' || n)::uuid, md5('filter course')::uuid, 'Section', 'public', n FROM generate_series(0, 999) n;
INSERT INTO coursebase.lessons (id, section_id, name, status, "order")
SELECT md5('filter lesson' || n)::uuid, md5('filter section' || n / 20)::uuid, 'Lesson ' || n, 'public', n % 20
FROM generate_series(0, 19999) n;
INSERT INTO coursebase.lesson_contents (lesson_id, video_ref)
SELECT md5('filter lesson' || n)::uuid, 'video ' || n FROM generate_series(0, 19999) n;
INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id)
SELECT md5('filter admin')::uuid, md5('filter lesson' || n)::uuid FROM generate_series(0, 19999) n;
RESET session_replication_role;
CREATE ROLE bench_filter;
GRANT USAGE ON SCHEMA coursebase TO bench_filter;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase TO bench_filter;
GRANT SELECT ON ALL TABLES IN SCHEMA coursebase TO bench_filter;
--# session
SELECT set_config('request.jwt.claims', '{"sub":"filter_admin"}', false);
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off
--# before
SELECT set_config('role', CASE '@way@' WHEN 'ours' THEN 'bench_filter' ELSE 'none' END, false)
--# calls: 20000

--# row: filter_contents
--# area: Lessons
--# work: A row of the contents of 20,000 lessons: administrator
--# same
SELECT count(*) = 20000 AND coursebase.is_admin() FROM coursebase.lesson_contents
--# statement ours: the policy
SELECT count(video_ref) FROM coursebase.lesson_contents
--# statement hand: no WHERE
SELECT count(video_ref) FROM coursebase.lesson_contents
--# statement least: the least filter, `(SELECT true) OR lesson_id IS NULL` | instructions >= 0.9
SELECT count(video_ref) FROM coursebase.lesson_contents WHERE (SELECT true) OR lesson_id IS NULL

--# row: filter_lessons
--# area: Lessons
--# work: A row of 20,000 lessons: administrator
--# same
SELECT count(*) = 20000 AND coursebase.is_admin() FROM coursebase.lessons
--# statement ours: the policy
SELECT count(name) FROM coursebase.lessons
--# statement hand: no WHERE
SELECT count(name) FROM coursebase.lessons
--# statement least: the least filter, `(SELECT true) OR section_id IS NULL` | instructions >= 0.9
SELECT count(name) FROM coursebase.lessons WHERE (SELECT true) OR section_id IS NULL

-- Two bounds are compared a row, because they serve an index where one user is asked for; a filter by OR would not.
--# row: filter_completions
--# area: Lessons
--# work: A row of 20,000 completions: administrator
--# same
SELECT count(*) = 20000 AND coursebase.is_admin() FROM coursebase.user_lesson_complete
--# statement ours: the policy
SELECT count(created_at) FROM coursebase.user_lesson_complete
--# statement hand: no WHERE
SELECT count(created_at) FROM coursebase.user_lesson_complete
--# statement bounds: two bounds by hand, which an index would serve | instructions >= 0.9
SELECT count(created_at) FROM coursebase.user_lesson_complete
WHERE user_id BETWEEN (SELECT '00000000-0000-0000-0000-000000000000'::uuid) AND (SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
--# statement least: the least filter, `(SELECT true) OR user_id IS NULL`
SELECT count(created_at) FROM coursebase.user_lesson_complete WHERE (SELECT true) OR user_id IS NULL
--# end
DROP OWNED BY bench_filter;
DROP ROLE bench_filter;
SET session_replication_role = replica;
TRUNCATE coursebase.lesson_contents, coursebase.user_lesson_complete, coursebase.lessons, coursebase.course_sections
