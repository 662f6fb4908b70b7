-- The acts whose pairs are hunted: every plain statement on the rows of every table that the server role or an end user may
-- say, and every call of test/tools/memory.calls that writes. Needs every_write.sql, whose statements these are, and the
-- table public.spoken (n, name, call) with the calls.

-- What may wait in a ring, as doc/explain/concurrency.md says: what locks whole tables, and what fills or empties a shop,
-- which is a transaction about many rows. Calls with plain statements in them are transactions of several statements.
CREATE TABLE public.excepted (what text PRIMARY KEY);
INSERT INTO public.excepted VALUES ('install'), ('hand_over'), ('make_api'), ('adopt'), ('sample_shop'), ('sample_rows'), ('remove_sample_shop');

-- How an act is said: as whom, by which claims, and the text of one PL/pgSQL statement.
CREATE TABLE public.acts (
    n       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind    text NOT NULL CHECK (kind IN ('statement', 'function', 'personal')),
    what    text NOT NULL,
    caller  text,
    claims  text NOT NULL DEFAULT '',
    spoken  text NOT NULL
);

-- Says an act and takes it back; answers whether it changed or locked a row, which is when the transaction gets a number.
CREATE FUNCTION public.writes(caller text, claims text, spoken text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    changed bigint := 0;
    written boolean := false;
BEGIN
    BEGIN
        PERFORM set_config('request.jwt.claims', claims, true);
        IF caller IS NOT NULL THEN EXECUTE format('SET LOCAL ROLE %I', caller); END IF;
        EXECUTE spoken;
        GET DIAGNOSTICS changed = ROW_COUNT;
        RESET ROLE;
        written := CASE WHEN spoken ~ '^DO ' THEN pg_current_xact_id_if_assigned() IS NOT NULL ELSE changed > 0 END;
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION WHEN OTHERS THEN
        RETURN SQLSTATE = 'ZZ000' AND written;
    END;
END $$;

-- An act as a session says it: all of it is taken back, so that the rows stay those that it was chosen for. A deadlock
-- is passed on, so that the server's log names both.
CREATE FUNCTION public.act(which integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a public.acts;
BEGIN
    SELECT * INTO a FROM public.acts WHERE n = which;
    PERFORM set_config('request.jwt.claims', a.claims, true);
    IF a.caller IS NOT NULL THEN EXECUTE format('SET LOCAL ROLE %I', a.caller); END IF;
    EXECUTE a.spoken;
    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION
    WHEN deadlock_detected THEN RAISE;
    WHEN OTHERS THEN NULL;
END $$;

-- Two acts in one transaction, taken back together.
CREATE FUNCTION public.act(which integer, next integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', '{"sub": "fixture_ada"}', true);
    EXECUTE (SELECT spoken FROM public.acts WHERE n = which);
    EXECUTE (SELECT spoken FROM public.acts WHERE n = next);
    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION
    WHEN deadlock_detected THEN RAISE;
    WHEN OTHERS THEN NULL;
END $$;

-- Each changed row takes up to 2 ms longer, so that two acts overlap more often than they would by chance.
CREATE FUNCTION public.delay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('pairs.delay', true) = 'on' THEN PERFORM pg_sleep(random() * 0.002); END IF;
    RETURN coalesce(NEW, OLD);
END $$;
SELECT format('CREATE TRIGGER aaa_delay BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION public.delay()', oid::regclass)
FROM public.relations ORDER BY 1 \gexec

INSERT INTO public.acts (kind, what, caller, claims, spoken)
SELECT 'statement', s.command || ' ' || r.relname, c.caller, c.claims, s.statement
FROM public.relations r CROSS JOIN LATERAL public.statements(r.oid, 2) s
CROSS JOIN (SELECT 'fixture_server', '' UNION ALL
    SELECT 'fixture_end_user', json_build_object('sub', clerk_user_id)::text FROM coursebase.users WHERE deleted_at IS NULL) c (caller, claims)
WHERE s.command || ' ' || r.relname NOT IN (SELECT what FROM public.excepted) AND public.writes(c.caller, c.claims, s.statement)
ORDER BY 2, 3, 4, 5;

-- Each in a transaction of its own, which has no number before the call.
SELECT format($insert$INSERT INTO public.acts (kind, what, claims, spoken) SELECT 'function', %1$L, %2$L, %3$L WHERE public.writes(NULL, %2$L, %3$L)$insert$,
    name, '{"sub": "fixture_ada"}', format('DO %L', format('DECLARE i integer := (random() * 1000000)::integer; BEGIN %s; END', regexp_replace(call, '^SELECT', 'PERFORM'))))
FROM public.spoken WHERE name NOT IN (SELECT what FROM public.excepted) AND call !~ '(INSERT INTO|UPDATE|DELETE FROM) ' ORDER BY n \gexec

-- Calls about one person, each pair of which a transaction may make: Ada is named, or her custom course or its link, and nobody else is.
INSERT INTO public.acts (kind, what, claims, spoken)
SELECT 'personal', what, claims, spoken FROM public.acts
WHERE kind = 'function' AND (spoken ~ '-00000000000a' OR what IN ('update_json', 'calculate_checksum', 'submit_custom_course', 'manage_regen_requests'))
    AND spoken !~ '-00000000000[bce]|-000000000271';

CREATE VIEW public.kinds AS SELECT kind, min(n) AS first, max(n) AS last, count(*) AS acts FROM public.acts GROUP BY kind;
