-- Promise: the planner's estimates, which PostgREST answers to Prefer: count=planned, tell an end user no text and no secret of a row
-- that is not theirs: there are no statistics of such columns, also where ANALYZE had gathered some before.
-- If it fails: a column that is new in the list has statistics: ALTER COLUMN … SET STATISTICS 0 in tables.sql, as beside the others, unless
-- If it fails: its values are words that everybody knows, or an index that is not unique finds rows by it. For the expression of an
-- If it fails: index: ALTER INDEX … ALTER COLUMN n SET STATISTICS 0 behind the index.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (clerk_user_id, name, email)
SELECT 'estimate_' || n, 'N' || n, md5(n::text) || '@example.org' FROM generate_series(1, 1000) n;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.custom_courses (user_id, course_code, title, description, data, checksum, file_size_bytes)
SELECT u.id, 'X10ABC', '', '', '{}', md5('{}'), 2 FROM coursebase.users u;
INSERT INTO coursebase.custom_course_purchases (course_id, purchase_id, purchase_token, source, environment, link_token, link_issued_at)
SELECT c.id, c.id, c.id, 'google_play', 'production', gen_random_uuid(), now() FROM coursebase.custom_courses c;
INSERT INTO coursebase.lesson_contents (lesson_id, video_ref)
SELECT gen_random_uuid(), md5(n::text) FROM generate_series(1, 1000) n;
INSERT INTO coursebase.courses (course_code, title, description) SELECT left(md5(n::text), 20), '', '' FROM generate_series(1, 1000) n;
SET LOCAL session_replication_role = origin;
ANALYZE coursebase.courses, coursebase.users, coursebase.custom_course_purchases, coursebase.lesson_contents;

-- What Eve is told of rows of others, for sixteen values that lie among theirs: always the same.
CREATE FUNCTION pg_temp.estimate(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT FROM coursebase.' || condition INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
CREATE FUNCTION pg_temp.estimates(condition text) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(DISTINCT pg_temp.estimate(format(condition, d || repeat('0', 7) || '-0000-4000-8000-000000000000')))
    FROM unnest(string_to_array('0 1 2 3 4 5 6 7 8 9 a b c d e f', ' ')) d $$;
SET LOCAL request.jwt.claims = '{"sub": "estimate_1"}';
SET LOCAL ROLE regress_end_user;
SELECT pg_temp.estimates('custom_course_purchases WHERE link_token < %L'), pg_temp.estimates('custom_course_purchases WHERE purchase_token < %L'),
    pg_temp.estimates('lesson_contents WHERE video_ref < %L'), pg_temp.estimates('users WHERE email < %L'),
    pg_temp.estimates('courses WHERE lower(course_code COLLATE "C") < %L');
RESET ROLE;

-- Every text that an end user or a visitor may ask about, but where the policy shows every row: these alone have statistics,
-- the words of short lists, and what is looked up by an index that is not unique.
CREATE TEMP VIEW asked AS
SELECT c.relname, a.attname, a.attrelid, a.attnum
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'p')
    AND (a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'bytea'::regtype) OR a.attname LIKE '%token')
    AND (has_column_privilege('regress_end_user', c.oid, a.attnum, 'SELECT') OR has_column_privilege('regress_anonymous', c.oid, a.attnum, 'SELECT'))
    AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = 'r' AND pg_get_expr(p.polqual, p.polrelid) = 'true');
SELECT relname, string_agg(attname, ' ' ORDER BY attname) FROM asked JOIN pg_attribute a USING (attrelid, attnum, attname)
WHERE coalesce(a.attstattarget, -1) <> 0 GROUP BY relname ORDER BY relname COLLATE "C";
-- And every index over an expression, whatever its type: one has statistics, of ids, by which it finds a person's rows.
CREATE TEMP VIEW computed AS
SELECT c.relname, a.attname, a.attrelid, a.attnum
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND i.indkey[a.attnum - 1] = 0
WHERE c.relnamespace = 'coursebase'::regnamespace
    AND (has_any_column_privilege('regress_end_user', t.oid, 'SELECT') OR has_any_column_privilege('regress_anonymous', t.oid, 'SELECT'))
    AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polcmd = 'r' AND pg_get_expr(p.polqual, p.polrelid) = 'true');
SELECT relname FROM computed JOIN pg_attribute a USING (attrelid, attnum, attname)
WHERE coalesce(a.attstattarget, -1) <> 0 ORDER BY relname COLLATE "C";

-- What was gathered before goes with install(), which also puts right what somebody changed.
ALTER TABLE coursebase.users ALTER COLUMN email SET STATISTICS 100;
ALTER INDEX coursebase.courses_lower_idx ALTER COLUMN 1 SET STATISTICS 100;
ANALYZE coursebase.users, coursebase.courses;
-- (PostgreSQL 15 goes on with what it has kept of an index within the session.)
SELECT attname FROM asked JOIN pg_statistic s ON s.starelid = attrelid AND s.staattnum = attnum WHERE relname = 'users';
SELECT * FROM coursebase.install();
SELECT attname FROM computed JOIN pg_statistic s ON s.starelid = attrelid AND s.staattnum = attnum;
ANALYZE coursebase.users, coursebase.courses;
SELECT attname FROM (TABLE asked UNION ALL TABLE computed) a JOIN pg_statistic s ON s.starelid = attrelid AND s.staattnum = attnum
WHERE relname IN ('users', 'courses_lower_idx');
ROLLBACK;
