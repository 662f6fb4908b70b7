-- Promise: a trigger function that an operator hangs on another event than its own, without its arguments or without the table of
-- the new rows, says so (39P01), and reads no row and no argument that is not there.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
CREATE TABLE pg_temp.probe (id uuid, updated_at timestamptz);
CREATE TEMP TABLE outcomes (function text, event text, sqlstate text);
DO $$
DECLARE
    f record;
    event text;
BEGIN
    -- every function whose triggers fire for rows and on UPDATE alone
    FOR f IN
        SELECT p.proname, bool_or(t.tgtype & 2 <> 0) AS is_before
        FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = 'coursebase'::regnamespace
        WHERE NOT t.tgisinternal
        GROUP BY p.proname HAVING bool_and(t.tgtype & (1 | 4 | 8 | 16 | 32) = (1 | 16))
    LOOP
        FOREACH event IN ARRAY ARRAY['INSERT', 'DELETE'] LOOP
            BEGIN
                EXECUTE format('CREATE TRIGGER hung %s %s ON pg_temp.probe FOR EACH ROW EXECUTE FUNCTION coursebase.%I(''id'')',
                    CASE WHEN f.is_before THEN 'BEFORE' ELSE 'AFTER' END, event, f.proname);
                IF event = 'DELETE' THEN
                    INSERT INTO pg_temp.probe VALUES (gen_random_uuid(), now());
                    DELETE FROM pg_temp.probe;
                ELSE
                    INSERT INTO pg_temp.probe VALUES (gen_random_uuid(), now());
                END IF;
                RAISE EXCEPTION 'nothing was said' USING ERRCODE = '00001';
            EXCEPTION WHEN OTHERS THEN
                INSERT INTO outcomes VALUES (f.proname, event, SQLSTATE);
            END;
        END LOOP;
    END LOOP;
END $$;
-- and every function that reads the rows of a statement, without them
DO $$
DECLARE
    f record;
    event text;
BEGIN
    FOR f IN
        SELECT DISTINCT p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = 'coursebase'::regnamespace
        WHERE t.tgnewtable IS NOT NULL OR t.tgoldtable IS NOT NULL
    LOOP
        FOREACH event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
            BEGIN
                INSERT INTO pg_temp.probe VALUES (gen_random_uuid(), now());
                EXECUTE format('CREATE TRIGGER hung AFTER %s ON pg_temp.probe FOR EACH STATEMENT EXECUTE FUNCTION coursebase.%I(''id'')', event, f.proname);
                CASE event
                    WHEN 'INSERT' THEN INSERT INTO pg_temp.probe VALUES (gen_random_uuid(), now());
                    WHEN 'UPDATE' THEN UPDATE pg_temp.probe SET updated_at = now();
                    ELSE DELETE FROM pg_temp.probe; END CASE;
                RAISE EXCEPTION 'nothing was said' USING ERRCODE = '00001';
            EXCEPTION WHEN OTHERS THEN
                INSERT INTO outcomes VALUES (f.proname, event || ' without rows', SQLSTATE);
            END;
        END LOOP;
    END LOOP;
END $$;
SELECT count(*) FILTER (WHERE event !~ 'rows') > 20, count(*) FILTER (WHERE event ~ 'rows') > 20 FROM outcomes;
SELECT *, 'expect ROW_BEFORE_UPDATE or ROW_AFTER_UPDATE (row_trigger.h)' AS advice FROM outcomes WHERE sqlstate <> '39P01' AND event !~ 'rows' ORDER BY 1, 2;
-- A function that would do nothing. (One counts before the statement as well, without rows.)
SELECT * FROM outcomes WHERE sqlstate = '00001' AND function <> 'tg_audio_usage__at_most' ORDER BY 1, 2;
-- without the arguments
CREATE TRIGGER hung BEFORE INSERT ON pg_temp.probe FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__signed_only();
CREATE TRIGGER hung_too AFTER UPDATE ON pg_temp.probe FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__product_has_course();
SAVEPOINT hung;
INSERT INTO pg_temp.probe VALUES (gen_random_uuid(), now());
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO hung;
DROP TRIGGER hung ON pg_temp.probe;
INSERT INTO pg_temp.probe VALUES (gen_random_uuid(), now());
UPDATE pg_temp.probe SET updated_at = now();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO hung;
-- without REFERENCING NEW TABLE
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000572100', 'C21TRG', 'One', '');
INSERT INTO coursebase.course_sections (course_id, name, "order")
SELECT '00000000-0000-4000-8000-000000572100', 'Section ' || n, n FROM generate_series(1, 2) n;
DROP TRIGGER "A500_give_place" ON coursebase.course_sections;
CREATE TRIGGER "A500_hung" AFTER UPDATE ON coursebase.course_sections FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_sections__give_place();
UPDATE coursebase.course_sections SET "order" = 3 WHERE course_id = '00000000-0000-4000-8000-000000572100' AND "order" = 1;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
