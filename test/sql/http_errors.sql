-- Promise: with coursebase.http_errors an error of class KB reaches the client in PostgREST's form, with the HTTP status of
-- doc/reference/errors.md, and stays KB inside the database; without the setting nothing changes.
\set SHOW_CONTEXT never
\set me :USER
CREATE ROLE regress_gateway LOGIN SUPERUSER;
ALTER ROLE regress_gateway SET coursebase.http_errors = on;
SELECT coursebase.calculate_checksum('00000000-0000-4000-8000-000000000001');
\echo :LAST_ERROR_SQLSTATE

-- The first error of a session is rewritten, although the library is loaded by the call itself.
\c - regress_gateway
SELECT coursebase.calculate_checksum('00000000-0000-4000-8000-000000000001');
\echo :LAST_ERROR_SQLSTATE

-- Quotes, backslashes and control characters of the message are escaped; HINT and DETAIL may be absent.
CREATE FUNCTION public.refuse(words text, more text, advice text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE SQLSTATE 'KB601' USING MESSAGE = words, DETAIL = coalesce(more, ''), HINT = coalesce(advice, '');
END $$;
SELECT public.refuse(E'a "quoted" \\ back\tslash', E'line\nline \u00e9\u4e16', NULL);
\echo :LAST_ERROR_SQLSTATE
DO $$ BEGIN RAISE SQLSTATE 'KB601'; END $$;
\echo :LAST_ERROR_SQLSTATE

-- One that is very long goes out as it is: to escape it could take more than a string may have.
\set VERBOSITY sqlstate
SELECT public.refuse('long', repeat('"', 3000000), NULL);
\set VERBOSITY default

-- What is caught inside the database is KB; what is raised again from there is rewritten.
DO $$ BEGIN
    PERFORM coursebase.calculate_checksum('00000000-0000-4000-8000-000000000001');
EXCEPTION WHEN SQLSTATE 'KB106' THEN RAISE NOTICE 'caught %: %', SQLSTATE, SQLERRM;
END $$;
DO $$ BEGIN
    PERFORM coursebase.calculate_checksum('00000000-0000-4000-8000-000000000001');
EXCEPTION WHEN OTHERS THEN RAISE;
END $$;
\echo :LAST_ERROR_SQLSTATE

-- At commit too: a public product without a course (409).
BEGIN;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status)
VALUES ('00000000-0000-4000-8000-0000000000d1', 'Empty', 'No course', '/empty.png', 1, 'public');
COMMIT;
\echo :LAST_ERROR_SQLSTATE

-- The server's own errors, and codes of class KB that are none of ours, stay as they are.
SELECT 1 / 0;
\echo :LAST_ERROR_SQLSTATE
DO $$ BEGIN RAISE SQLSTATE 'KB999' USING MESSAGE = 'not ours'; END $$;
\echo :LAST_ERROR_SQLSTATE

-- A parallel worker hands its error to the leader, which rewrites it once.
CREATE FUNCTION public.refuse_in_worker(n int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS $$
BEGIN
    IF n > 0 THEN RAISE SQLSTATE 'KB601' USING MESSAGE = 'in a worker'; END IF;
    RETURN n;
END $$;
CREATE TABLE public.numbers AS SELECT n FROM generate_series(1, 10) n;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT max(public.refuse_in_worker(n)) FROM public.numbers;
\echo :LAST_ERROR_SQLSTATE
DO $$ BEGIN
    PERFORM max(public.refuse_in_worker(n)) FROM public.numbers;
EXCEPTION WHEN SQLSTATE 'KB601' THEN RAISE NOTICE 'caught %', SQLSTATE;
END $$;

SET coursebase.http_errors = off;
DO $$ BEGIN RAISE SQLSTATE 'KB601' USING MESSAGE = 'as ever'; END $$;
\echo :LAST_ERROR_SQLSTATE
DROP TABLE public.numbers;
DROP FUNCTION public.refuse_in_worker, public.refuse;
\c - :me
DROP ROLE regress_gateway;
