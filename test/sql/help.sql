-- Promise: help() lists by topic every function that the caller may execute, with its call and the first sentence of its
-- COMMENT, and only those; a topic or a part of a name narrows the list.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
CREATE ROLE regress_anonymous;
CREATE ROLE regress_end_user;
CREATE ROLE regress_server BYPASSRLS;
SELECT coursebase.grant_roles('regress_anonymous', 'regress_end_user', 'regress_server');

SELECT * FROM coursebase.help('install');
SELECT topic, function FROM coursebase.help('WHOAMI');
SELECT count(*) FROM coursebase.help('nothing_of_this_name');

-- The topics, in the order of the slices.
SELECT string_agg(topic, ' ' ORDER BY first) FROM (
    SELECT topic, min(n) AS first FROM coursebase.help() WITH ORDINALITY AS h (topic, function, call, purpose, n) GROUP BY topic) t;

-- Every function of the extension that is no trigger's stands there once, with a sentence that ends.
SELECT p.proname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'coursebase'
JOIN pg_proc p ON p.oid = d.objid
WHERE d.classid = 'pg_proc'::regclass AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND p.proname NOT IN ('steps', 'topics', 'definitions')
    AND (SELECT count(*) FROM coursebase.help() h WHERE h.function = p.proname AND h.purpose LIKE '%.'
        AND h.call LIKE 'coursebase.' || p.proname || '(%') <> 1
ORDER BY 1;

-- Nobody is shown what is another part's.
\set refused 'SELECT count(*) > 0, count(*) FILTER (WHERE NOT has_function_privilege(p.oid, \'EXECUTE\')) FROM coursebase.help() h JOIN pg_proc p ON p.proname = h.function AND p.pronamespace = \'coursebase\'::regnamespace;'
SET LOCAL ROLE regress_server;
:refused
SET LOCAL ROLE regress_end_user;
:refused
SELECT count(*) FROM coursebase.help('grant_roles');
SET LOCAL ROLE regress_anonymous;
:refused
-- What a session says of backslashes changes nothing.
SELECT md5(string_agg(h::text, '' ORDER BY h::text)) AS plain FROM coursebase.help() h \gset
SET LOCAL standard_conforming_strings = off;
SELECT md5(string_agg(h::text, '' ORDER BY h::text)) = :'plain' FROM coursebase.help() h;
SET LOCAL standard_conforming_strings = on;
-- A text of any length from anybody costs no work for each function.
SET LOCAL statement_timeout = '60s';
SELECT count(*) FROM coursebase.help(repeat('X', 50000000));
SET LOCAL statement_timeout = 0;
SELECT function FROM coursebase.help() ORDER BY 1;
ROLLBACK;
