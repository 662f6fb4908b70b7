-- Promise: what is read straight from an index is answered the same when the index or the table forbids that.
-- Every table of the schema takes its turn, so that a new one joins by itself.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
-- a handshake at (13) has discounts to assign: of everybody and of the cohort, one that never ends, one to come
INSERT INTO coursebase.discount_codes (code, product_type, item, percent_off, amount_off_in_cents, currency, lifespan, starts_at, expires_at, cohort_id, ios_offer_id)
SELECT v.*, m.cohort_id, 'an "offer"' FROM (SELECT max(cohort_id::text)::uuid FROM coursebase.user_cohorts WHERE user_id = '00000000-0000-4000-a000-00000000000a') AS m (cohort_id), (VALUES
    (' D_EVER ', 'course', E'a\tb', 12.5, NULL::bigint, NULL::char(3), interval '7 days', NULL::timestamptz, 'infinity'::timestamptz),
    ('D_AMOUNT', 'subscription', NULL, NULL, 500, 'EUR', NULL, '2026-01-01 00:00+00', NULL),
    ('D_SOON', 'course', NULL, 5, NULL, NULL, NULL, '2026-01-03 00:00+00', '2026-01-04 00:00+00')) AS v;
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, expires_at) VALUES ('D_ALL', 'course', 7, '2026-01-05 00:00+00');
INSERT INTO coursebase.course_sections (course_id, name, status, "order") SELECT id, 'Sold in a bundle', 'public', 0 FROM coursebase.courses WHERE title = 'Hidden';
SET LOCAL request.jwt.claims = '{"sub": "fixture_ada"}';
CREATE TEMP TABLE questions (n integer, question text);
INSERT INTO questions VALUES
    (1, 'SELECT coursebase.current_user_id()::text'),
    (2, 'SELECT coursebase.is_admin()::text'),
    (3, 'SELECT concat(coursebase.own_from(), '' '', coursebase.own_to())'),
    (4, 'SELECT concat(coursebase.own_cohort_from(), '' '', coursebase.own_cohort_to())'),
    (5, 'SELECT cardinality(coursebase.accessible_course_ids())::text'),
    (6, 'SELECT coursebase.own_custom_course_ids()::text'),
    (7, 'SELECT coursebase.upsert_user(''fixture_ada'', ''Ada'', ''ada@example.org'')::text'),
    (8, 'SELECT (coursebase.upsert_user(''fixture_new'', ''New'', ''new@example.org'') IS NOT NULL)::text'),
    (9, 'SELECT set_config(''request.jwt.claims'', ''{"sub": "fixture_root"}'', true)'),
    (10, 'SELECT concat(coursebase.is_admin(), '' '', coursebase.own_from(), '' '', coursebase.own_to())'),
    (11, 'SELECT set_config(''request.jwt.claims'', ''{"sub": "fixture_ada"}'', true)'),
    (12, 'WITH gone AS (DELETE FROM coursebase.cached_handshake_responses RETURNING 1) SELECT count(*)::text FROM gone'),
    (13, 'SELECT md5(coursebase.handshake(''00000000-0000-4000-a000-00000000000a'', ''{}'', ''2026-01-02 12:00+00'')::text)'),
    (14, 'SELECT md5(coursebase.handshake(''00000000-0000-4000-a000-00000000000a'', ''{}'', ''2026-01-02 12:00+00'')::text)'),
    (15, 'SELECT md5(coursebase.handshake(''00000000-0000-4000-a000-00000000000c'', ''{}'', ''2026-01-02 12:00+00'')::text)'),
    (16, 'SELECT md5(coursebase.handshake(''00000000-0000-4000-a000-00000000000b'', ''{}'', ''2026-01-02 12:00+00'')::text)'),
    (17, 'SELECT (coursebase.handshake(''00000000-0000-4000-a000-00000000000a'', ''{}'', ''2026-01-02 12:00+00'') ->> ''discounts'')::text'),
    (18, 'SELECT string_agg(concat(valid_from AT TIME ZONE ''UTC'', '' '', valid_until AT TIME ZONE ''UTC''), '', '' ORDER BY user_id) FROM coursebase.cached_handshake_responses'),
    (19, 'SELECT member FROM coursebase.ai_usage_member(''00000000-0000-4000-a000-00000000000a'', ''2026-01-20 12:00+00'')'),
    (20, 'SELECT coursebase.member_organization_ids()::text'),
    (21, 'SELECT coursebase.organization_ids_as(''owner'')::text'),
    (22, 'SELECT coursebase.organization_ids_as(''coach'')::text'),
    (23, 'SELECT string_agg(concat(l.name, coursebase.can_view_lesson(l.id), coursebase.can_view_lesson(l.id, ''00000000-0000-4000-a000-00000000000b'')), '', '' ORDER BY l.section_id, l.name) FROM coursebase.lessons l'),
    (24, 'SELECT string_agg(coursebase.can_read_section(id)::text, '' '' ORDER BY id) FROM coursebase.course_sections'),
    (25, 'SELECT string_agg(concat(coursebase.has_course_access(id), coursebase.has_course_access_by_code(lower(course_code))), '' '' ORDER BY id) FROM coursebase.courses'),
    (26, 'SELECT string_agg(coursebase.has_course_access(id, ''00000000-0000-4000-a000-00000000000b'')::text, '' '' ORDER BY id) FROM coursebase.courses'),
    (27, 'SELECT md5(coursebase.handshake(''00000000-0000-4000-a000-00000000000a'', ''{"device_id": "d", "analytics": {"voice": "v", "audio_usage": {"1": {"title": "t", "no_of_plays": 3}}}}'', ''2026-01-02 12:00+00'')::text)'),
    (28, 'SELECT md5(coursebase.handshake(''00000000-0000-4000-a000-00000000000a'', ''{"device_id": "d", "analytics": {"voice": "v", "audio_usage": {"1": {"title": "t", "no_of_plays": 3}}}}'', ''2026-01-02 12:00+00'')::text)'),
    (29, 'SELECT concat(a.voice, u.title, u.play_count, p.devices) FROM coursebase.analytics a JOIN coursebase.audio_usage u USING (user_id) JOIN coursebase.user_profile p USING (user_id) WHERE u.title = ''t'''),
    (30, 'WITH more AS (UPDATE coursebase.entitlements SET covers_every_course = true WHERE name = ''premium'' RETURNING 1) SELECT count(*)::text FROM more'),
    (31, 'SELECT cardinality(coursebase.accessible_course_ids(''00000000-0000-4000-a000-00000000000a'', ''2026-01-02 12:00+00''))::text'),
    -- somebody who may read what is on offer and nothing more
    (32, 'SELECT set_config(''request.jwt.claims'', ''{"sub": "fixture_new"}'', true)'),
    (33, 'SELECT string_agg(coursebase.can_read_section(id)::text, '' '' ORDER BY course_id, "order") FROM coursebase.course_sections'),
    -- so many that all lessons are read at once, before those that there are
    (34, 'WITH others AS MATERIALIZED (SELECT count(*) FILTER (WHERE coursebase.can_view_lesson(md5(n::text)::uuid)) AS n FROM generate_series(1, 2200) n) SELECT string_agg(concat(l.name, coursebase.can_view_lesson(l.id), o.n), '', '' ORDER BY l.section_id, l.name) FROM coursebase.lessons l, others o'),
    -- a purchase that ends gives until then, a course that nothing else gives
    (35, 'WITH ends AS (UPDATE coursebase.purchases SET access_until = ''2099-01-01 00:00+00'' RETURNING 1) SELECT (count(*) > 0)::text FROM ends'),
    (36, 'SELECT string_agg(coursebase.has_course_access(g.course_id, g.user_id)::text, '' '' ORDER BY g.id) FROM (SELECT * FROM coursebase.course_grants WHERE expires_at IS NOT NULL AND course_id = ''00000000-0000-4000-a000-0000000000d3'' LIMIT 1) g'),
    -- telling looks up what was told of the person before
    (37, 'WITH told AS (UPDATE coursebase.settings SET value = ''true'' WHERE name = ''events_out'' RETURNING 1) SELECT count(*)::text FROM told'),
    (38, 'WITH gone AS (DELETE FROM coursebase.course_grants RETURNING 1) SELECT count(*)::text FROM gone'),
    (39, 'SELECT string_agg(concat_ws('' '', kind, subject, source), '', '' ORDER BY user_id, subject) FROM coursebase.access_events WHERE kind = ''access_lost'''),
    (40, 'SELECT md5(coursebase.admin_dashboard()::text)'),
    -- who is not here may live in another cell
    (41, 'SELECT coursebase.has_account(''00000000-0000-4000-a000-0000000000fa'')::text'),
    -- or be on the way to this one
    (42, 'WITH came AS (INSERT INTO coursebase.people (user_id, cell, moves) SELECT ''00000000-0000-4000-a000-0000000000fb'', number, 1 FROM coursebase.this_cell RETURNING 1) SELECT count(*)::text FROM came'),
    (43, 'SELECT coursebase.has_account(''00000000-0000-4000-a000-0000000000fb'')::text');

-- The answers once a change was made, which is taken back.
CREATE FUNCTION pg_temp.answers(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    q record;
    answer text;
    answers text := '';
BEGIN
    BEGIN
        EXECUTE change;
        FOR q IN SELECT * FROM questions ORDER BY n LOOP
            BEGIN
                EXECUTE q.question INTO answer;
            EXCEPTION WHEN SQLSTATE 'KBC21' THEN answer := SQLSTATE;
            END;
            answers := answers || q.n || ' ' || coalesce(answer, 'NULL') || E'\n';
        END LOOP;
        RAISE EXCEPTION USING ERRCODE = '00001', MESSAGE = 'undo';
    EXCEPTION WHEN SQLSTATE '00001' THEN
        RETURN answers;
    END;
END $$;
SELECT pg_temp.answers('SELECT') AS direct \gset
SELECT regexp_replace(:'direct', '[0-9a-f]{32}', 'md5', 'g');
SELECT direct[13] = direct[14], direct[13] <> direct[15], direct[13] <> direct[16]
FROM (SELECT regexp_split_to_array(regexp_replace(:'direct', '[0-9]+ ', '', 'g'), E'\n')) AS d (direct);

-- the indexes of each table have other names; those of all tables; each table has one that inherits from it
CREATE FUNCTION pg_temp.renames(tables name) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('ALTER INDEX coursebase.%I RENAME TO %I', i.relname, 'other_' || i.oid), ';')
    FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_class t ON t.oid = x.indrelid
    WHERE t.relnamespace = 'coursebase'::regnamespace AND t.relname LIKE tables
$$;
SELECT count(*) > 10, string_agg(relname, E'\n') FILTER (WHERE pg_temp.answers(pg_temp.renames(relname)) <> :'direct')
FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace AND relkind = 'r';
SELECT pg_temp.answers(pg_temp.renames('%')) = :'direct';
SET LOCAL jit = off;
SELECT pg_temp.answers(string_agg(format('CREATE TEMP TABLE child_%s () INHERITS (coursebase.%I)', oid, relname), ';')) = :'direct'
FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace AND relkind = 'r';
SELECT pg_temp.answers('SELECT') = :'direct';
ROLLBACK;
