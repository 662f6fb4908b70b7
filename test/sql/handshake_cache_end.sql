-- Promise: a cached answer ends with the next change, with time, with the account, and with damage to its row.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
\i :abs_srcdir/fixtures/worlds/handshake.sql
-- A change after a handshake of the same transaction is another change, of each kind of version; many rows in
-- one statement move it once.
CREATE FUNCTION pg_temp.twice(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told text;
BEGIN
    FOR i IN 1..3 LOOP
        EXECUTE format(change, i);
        PERFORM pg_temp.mark();
        EXECUTE format(change, i + 10);
        told := concat_ws(' ', told, pg_temp.source());
    END LOOP;
    RETURN told;
END $$;
SELECT pg_temp.twice('UPDATE coursebase.master_manifests SET content = to_json(%s)');
SELECT pg_temp.twice('UPDATE coursebase.custom_courses SET data = to_json(%s)');
SELECT pg_temp.twice($c$DELETE FROM coursebase.manifest_cohorts WHERE %s > 0; INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id)
    VALUES ('00000000-0000-4000-8000-000000000023', '00000000-0000-4000-8000-0000000000d3')$c$);
SELECT version AS before FROM coursebase.catalogue_version \gset
UPDATE coursebase.course_documents SET data = '8';
UPDATE coursebase.courses SET is_free = NOT is_free;
SELECT version - :before FROM coursebase.catalogue_version;

-- Time: the row answers from valid_from on and before valid_until.
SELECT pg_temp.mark();
UPDATE coursebase.cached_handshake_responses SET valid_from = '2026-03-01 11:00+00', valid_until = '2026-03-01 13:00+00';
SELECT at, pg_temp.answer('{}', at::timestamptz) LIKE '%"mark"%' FROM unnest(ARRAY[
    '2026-03-01 11:00:00+00', '2026-03-01 12:59:59.999999+00']) AS at;
SAVEPOINT late;
SELECT pg_temp.answer('{}', '2026-03-01 13:00+00') LIKE '%"mark"%';
ROLLBACK TO late;
SELECT pg_temp.answer('{}', '2026-03-01 10:59:59.999999+00') LIKE '%"mark"%';
-- What cannot be read as a row of ours is computed again.
CREATE FUNCTION pg_temp.mends(response json) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE whole text := pg_temp.answer();
BEGIN
    UPDATE coursebase.cached_handshake_responses SET response = mends.response;
    RETURN pg_temp.answer() = whole AND pg_temp.answer() = whole;
END $$;
SELECT pg_temp.mends(r::json) FROM unnest(ARRAY['{}', '[]', '7', 'null', '{"protected": [], "documents": ["?"]}',
    '{"protected": [1], "documents": []}', '{"protected": []}',
    '{"ai_usage": 0, "protected": [], "documents": ["c00 x y"]}',
    '{"ai_usage": 0, "protected": [], "documents": ["q00000000000000000000000000000000 x 1 y"]}']) AS r;

-- A closed account has no answer, cached or not.
SELECT pg_temp.mark();
UPDATE coursebase.users SET deleted_at = now() WHERE clerk_user_id = 'cache_ada';
SELECT pg_temp.answer();
ROLLBACK;
