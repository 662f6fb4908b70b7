-- Promise: a cached answer is the computed one byte by byte; whatever an answer is made from makes it miss
-- at once, in the transaction that changes it, and what it is not made from does not.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
BEGIN; SET LOCAL client_min_messages = warning;
\i :abs_srcdir/fixtures/worlds/handshake.sql
-- Changes something, tells where the next answer comes from, and compares it with one that finds no row.
-- Then takes the change back, which the row outlives or not: the answer is the first one again.
CREATE FUNCTION pg_temp.after(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    first text := pg_temp.answer();
    told text;
BEGIN
    PERFORM pg_temp.mark();
    BEGIN
        EXECUTE change;
        told := pg_temp.source();
        IF told = 'computed' THEN
            IF pg_temp.answer() <> pg_temp.answer() THEN told := 'unstable'; END IF;
            PERFORM pg_temp.mark();
            IF pg_temp.source() <> 'cached' THEN told := told || ', not kept'; END IF;
        END IF;
        first := CASE WHEN told = 'computed' THEN first END;
        DELETE FROM coursebase.cached_handshake_responses;
        IF told = 'computed' AND first = pg_temp.answer() THEN told := 'computed for nothing'; END IF;
        RAISE EXCEPTION USING errcode = 'RB000';
    EXCEPTION WHEN SQLSTATE 'RB000' THEN NULL;
    END;
    RETURN told || CASE pg_temp.source() WHEN 'cached' THEN '' ELSE ', the first answer is lost' END || ': ' || change;
END $$;

SELECT pg_temp.answer() = pg_temp.answer();
SELECT pg_temp.after(c) FROM unnest(ARRAY[
    $c$UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'cache_ada'$c$,
    $c$DELETE FROM coursebase.user_cohorts$c$,
    $c$UPDATE coursebase.user_cohorts SET cohort_id = '00000000-0000-4000-8000-0000000000e3'; INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id) VALUES ('00000000-0000-4000-8000-000000000023', '00000000-0000-4000-8000-0000000000e3')$c$,
    $c$INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id) VALUES ('00000000-0000-4000-8000-000000000023', '00000000-0000-4000-8000-0000000000d3')$c$,
    $c$UPDATE coursebase.master_manifests SET content = '1' WHERE is_default$c$,
    $c$UPDATE coursebase.master_manifests SET name = 'new.json' WHERE is_default AND name = 'shop.json'$c$,
    $c$UPDATE coursebase.master_manifests SET is_default = false WHERE name = 'shop.json'$c$,
    $c$INSERT INTO coursebase.master_manifests (name, content, is_default) VALUES ('more.json', '2', true)$c$,
    $c$DELETE FROM coursebase.master_manifests$c$,
    $c$UPDATE coursebase.courses SET course_code = 'C09AAA' WHERE course_code = 'C01AAA'$c$,
    $c$UPDATE coursebase.courses SET is_free = true$c$,
    $c$UPDATE coursebase.course_documents SET data = '[3]'$c$,
    $c$DELETE FROM coursebase.course_documents$c$,
    $c$DELETE FROM coursebase.courses WHERE course_code = 'C01AAA'$c$,
    $c$INSERT INTO coursebase.custom_courses (user_id, course_code, title, description, data) VALUES ('00000000-0000-4000-8000-0000000000a3', 'X02AAA', 't', 'd', '[]')$c$,
    $c$UPDATE coursebase.custom_courses SET data = '{"audio_files": []}' WHERE id = '00000000-0000-4000-8000-0000000000f3'$c$,
    $c$UPDATE coursebase.custom_courses SET user_id = '00000000-0000-4000-8000-0000000000b3'$c$,
    $c$UPDATE coursebase.custom_courses SET user_id = '00000000-0000-4000-8000-0000000000a3'$c$,
    $c$UPDATE coursebase.custom_courses SET course_code = 'X03AAA'$c$,
    $c$UPDATE coursebase.custom_course_purchases SET status = 'refunded'$c$,
    $c$DELETE FROM coursebase.custom_course_purchases; DELETE FROM coursebase.custom_courses$c$,
    $c$TRUNCATE coursebase.custom_courses CASCADE$c$, $c$TRUNCATE coursebase.course_documents$c$,
    $c$TRUNCATE coursebase.courses CASCADE$c$, $c$TRUNCATE coursebase.master_manifests CASCADE$c$
]) AS c;
-- The protected names are part of what is cached, though not of this answer.
SELECT pg_temp.after($c$UPDATE coursebase.settings SET value = 'x.json' WHERE name = 'protected_manifests'$c$);
-- What no handshake of Ada's is made from.
SELECT pg_temp.after(c) FROM unnest(ARRAY[
    $c$UPDATE coursebase.users SET name = 'Adah' WHERE clerk_user_id = 'cache_ada'$c$,
    $c$UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'cache_bob'$c$,
    $c$INSERT INTO coursebase.user_cohorts VALUES ('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000d3')$c$,
    $c$INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id) VALUES ('00000000-0000-4000-8000-000000000023', '00000000-0000-4000-8000-0000000000e3')$c$,
    $c$UPDATE coursebase.master_manifests SET content = content$c$,
    $c$UPDATE coursebase.courses SET title = 'T', description = 'D'$c$,
    $c$UPDATE coursebase.custom_courses SET title = 'T'$c$,
    $c$UPDATE coursebase.custom_courses SET data = '7' WHERE id = '00000000-0000-4000-8000-0000000001f3'$c$,
    $c$UPDATE coursebase.custom_course_purchases SET is_submitted = true, link_token = gen_random_uuid()$c$,
    $c$SELECT pg_temp.answer('{"analytics": {"voice": "male", "audio_usage": {"a": {"no_of_plays": 3}}}, "device_id": "d"}')$c$
]) AS c;
ROLLBACK;
