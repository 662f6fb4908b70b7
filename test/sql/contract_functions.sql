-- Promise: who may execute which function, and how it is marked, is stated here for every function; a new one
-- must be added to the expected output. No argument, NULL included, brings a session down.
-- If it fails: a line with + is a function that is new, or that others may call than before: its GRANT EXECUTE in
-- If it fails: functions.sql decides that. When it is as meant, test/check --accept contract_functions; see doc/contributing.md
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
CREATE ROLE regress_stranger;

\pset footer off
SELECT format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) AS function,
    CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
    has_function_privilege('regress_anonymous', p.oid, 'EXECUTE') AS anonymous,
    has_function_privilege('regress_end_user', p.oid, 'EXECUTE') AS end_user,
    has_function_privilege('regress_server', p.oid, 'EXECUTE') AS server
FROM pg_proc p
WHERE p.pronamespace = 'coursebase'::regnamespace
ORDER BY p.proname COLLATE "C";
\pset footer on

-- A role that plays no part may execute nothing.
SELECT p.oid::regprocedure AS function, 'REVOKE EXECUTE FROM PUBLIC right after it is created' AS advice FROM pg_proc p
WHERE p.pronamespace = 'coursebase'::regnamespace
    AND has_function_privilege('regress_stranger', p.oid, 'EXECUTE');

-- Every function with every argument NULL, as each part that may call it: an answer or an error that says what
-- is wrong, never an internal one. Trigger functions refuse to be called (39P01, 39P03).
CREATE TEMP TABLE outcomes (function text, caller text, sqlstate text, message text);
DO $$
DECLARE
    caller text;
    claims text;
    f record;
    state text;
    message text;
BEGIN
    FOREACH caller IN ARRAY ARRAY['anonymous', 'end_user', 'server', 'owner'] LOOP
        claims := CASE caller WHEN 'end_user' THEN '{"sub": "fixture_ada"}' ELSE '' END;
        FOR f IN
            SELECT p.oid, p.proname, p.oid::regprocedure::text AS signature,
                format('SELECT * FROM coursebase.%I(%s)', p.proname,
                    (SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY n)
                     FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n))) AS call,
                p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) AS fires
            FROM pg_proc p
            WHERE p.pronamespace = 'coursebase'::regnamespace
                AND (caller = 'owner'
                    OR has_function_privilege('regress_' || caller, p.oid, 'EXECUTE'))
            ORDER BY p.proname
        LOOP
            state := '00000';
            message := NULL;
            BEGIN
                PERFORM set_config('request.jwt.claims', claims, true);
                IF caller <> 'owner' THEN
                    EXECUTE format('SET LOCAL ROLE regress_%s', caller);
                END IF;
                IF f.fires THEN
                    EXECUTE replace(f.call, '* FROM ', '');
                ELSE
                    EXECUTE f.call;
                END IF;
                RAISE EXCEPTION USING ERRCODE = '00001', MESSAGE = 'undo';
            EXCEPTION
                WHEN SQLSTATE '00001' THEN NULL;
                WHEN OTHERS THEN
                    state := SQLSTATE;
                    message := SQLERRM;
            END;
            INSERT INTO outcomes VALUES (f.signature, caller, state, message);
        END LOOP;
    END LOOP;
END $$;
SELECT count(DISTINCT function) = (SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'coursebase'::regnamespace)
    AS every_function_was_called
FROM outcomes;
SELECT DISTINCT o.*, 'check the arguments for NULL before they are used or mark it STRICT' AS advice FROM outcomes o
WHERE sqlstate ~ '^(XX|58|53)'
ORDER BY 1, 2;
SELECT o.function, o.sqlstate, 'refuse to be called other than by a trigger (row_trigger.h), and only then' AS advice
FROM outcomes o JOIN pg_proc p ON p.oid = o.function::regprocedure
WHERE (p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)) <> (o.sqlstate IN ('39P01', '39P03'));
ROLLBACK;
