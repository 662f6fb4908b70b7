-- Promise: a handshake answers with its own documents, whatever other handshakes a trigger of the user's calls
-- before it has ended.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
-- Committed: what a session changed itself is not kept by it.
INSERT INTO coursebase.cohorts (id, code, name, kind)
SELECT format('00000000-0000-4000-8000-00000000e1%s', to_char(n, 'FM00'))::uuid, 'nested' || n, 'Nested', 'experiment'
FROM generate_series(0, 20) n;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT format('00000000-0000-4000-8000-00000000e2%s', to_char(n, 'FM00'))::uuid, 'nested_' || n, 'n', 'e'
FROM generate_series(0, 20) n;
INSERT INTO coursebase.user_cohorts (user_id, cohort_id)
SELECT format('00000000-0000-4000-8000-00000000e2%s', to_char(n, 'FM00'))::uuid,
    format('00000000-0000-4000-8000-00000000e1%s', to_char(n, 'FM00'))::uuid FROM generate_series(0, 20) n;
INSERT INTO coursebase.master_manifests (id, name, content, is_default)
SELECT format('00000000-0000-4000-8000-00000000e3%s', to_char(n, 'FM00'))::uuid, format('nested%s.json', to_char(n, 'FM00')),
    to_json(n), false FROM generate_series(0, 20) n;
INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id)
SELECT format('00000000-0000-4000-8000-00000000e3%s', to_char(n, 'FM00'))::uuid,
    format('00000000-0000-4000-8000-00000000e1%s', to_char(n, 'FM00'))::uuid FROM generate_series(0, 20) n;

CREATE FUNCTION public.nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM coursebase.handshake(format('00000000-0000-4000-8000-00000000e2%s', to_char(n, 'FM00'))::uuid, '{}', '2026-06-01')
    FROM generate_series(1, 20) n;
    RETURN NULL;
END
$$;
CREATE TRIGGER nested AFTER INSERT ON coursebase.cached_handshake_responses FOR EACH ROW
    WHEN (NEW.user_id = '00000000-0000-4000-8000-00000000e200') EXECUTE FUNCTION public.nested();

SELECT name, entry ->> 'checksum' = md5('0') AS own, entry ->> 'content' AS content
FROM json_each(coursebase.handshake('00000000-0000-4000-8000-00000000e200', '{}', '2026-06-01') -> 'json_manifest') AS m (name, entry)
WHERE name LIKE 'nested%';
-- and so do those that came between, now from the cache
SELECT count(*), bool_and(name = format('nested%s.json', to_char(n, 'FM00')) AND entry ->> 'content' = n::text)
FROM generate_series(0, 20) n, json_each(coursebase.handshake(
    format('00000000-0000-4000-8000-00000000e2%s', to_char(n, 'FM00'))::uuid, '{}', '2026-06-01') -> 'json_manifest') AS m (name, entry)
WHERE name LIKE 'nested%';

DROP TRIGGER nested ON coursebase.cached_handshake_responses;
DROP FUNCTION public.nested();
DELETE FROM coursebase.users WHERE clerk_user_id LIKE 'nested\_%';
DELETE FROM coursebase.cohorts WHERE code LIKE 'nested%';
DELETE FROM coursebase.master_manifests WHERE name LIKE 'nested%.json';
