-- One call of test/tools/memory, many times in this session. Prints: calls, growth of the session's memory
-- contexts in bytes (but of its table of locks, which stays as large as its largest transaction made it), growth of the
-- process at its largest in kB, and a verdict.
-- Variables: call; form (statements: up to 1000 calls a transaction; statement: all in one); calls; seconds.
SET client_min_messages = error;
SET request.jwt.claims = '{"sub": "fixture_ada"}';
SET jit = off;

CREATE FUNCTION pg_temp.script(form text, call text, times bigint) RETURNS text
LANGUAGE sql AS $script$
    SELECT CASE form
        WHEN 'statement' THEN
            format('SELECT count(x) FROM (SELECT %s AS x FROM (SELECT generate_series(1, %s) AS i '
                    'OFFSET 0) numbers) calls',
                substr(call, 8), times)
        ELSE format('DO $$ BEGIN FOR i IN 1..%s LOOP %s; END LOOP; END $$', times, call)
    END
$script$;

-- How long a call takes: first roughly, then by as many calls as take a fifth of a second.
\set times 10
\o /dev/null
SELECT clock_timestamp() AS begun \gset
SELECT pg_temp.script(:'form', :'call', :times) \gexec
SELECT greatest(10, least(1000, :calls,
    0.2 * :times / extract(epoch FROM clock_timestamp() - :'begun')))::bigint AS times \gset
SELECT clock_timestamp() AS begun \gset
SELECT pg_temp.script(:'form', :'call', :times) \gexec
SELECT least(:calls, greatest(50,
    :seconds * :times / extract(epoch FROM clock_timestamp() - :'begun')))::bigint AS calls \gset
SELECT CASE :'form' WHEN 'statement' THEN :calls ELSE least(:calls / 8 + 1, 1000) END AS times \gset
SELECT (:calls + :times - 1) / :times AS repeats \gset

-- A quarter of it first: what is kept for good is there then, and what one transaction needs.
SELECT pg_temp.script(:'form', :'call', :times / (CASE :repeats WHEN 1 THEN 4 ELSE 1 END) + 1)
FROM generate_series(0, :repeats / 4) \gexec
\set measure 'SELECT sum(used_bytes) AS contexts, (regexp_match(pg_read_file(\'/proc/self/status\'), \'VmPeak:[^0-9]*([0-9]+)\'))[1] AS process FROM pg_backend_memory_contexts WHERE name <> \'LOCALLOCK hash\''
:measure \gset before_
:measure \gset before_
SELECT pg_temp.script(:'form', :'call', :times) FROM generate_series(1, :repeats) \gexec
:measure \gset after_
\o
SELECT :times * :repeats, :after_contexts - :before_contexts, :after_process - :before_process,
    CASE WHEN :after_contexts - :before_contexts <= 32768
        AND :after_process - :before_process <= 1024 THEN 'ok' ELSE 'GREW' END;
