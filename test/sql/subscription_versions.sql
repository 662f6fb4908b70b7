-- Promise: an event of a store moves its person's version once, and not at all where it changes nothing that a handshake or an
-- event is made from. A trigger may name the columns that matter.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000005a1', 'versions_of_lines', 'Ada', 'ada@example.org');
-- By how much a statement moves the version; a handshake before it makes every change count anew.
CREATE FUNCTION pg_temp.moved(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    was bigint;
BEGIN
    PERFORM coursebase.handshake('00000000-0000-4000-8000-0000000005a1', '{}');
    SELECT version INTO was FROM coursebase.user_versions WHERE user_id = '00000000-0000-4000-8000-0000000005a1';
    EXECUTE statement;
    RETURN (SELECT version FROM coursebase.user_versions WHERE user_id = '00000000-0000-4000-8000-0000000005a1') - was;
END $$;
CREATE FUNCTION pg_temp.event(type text, at text, rest json DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_temp.moved(format('SELECT coursebase.apply_subscription_event(%L, %L)', '00000000-0000-4000-8000-0000000005a1',
        json_build_object('store', 'google_play', 'environment', 'production', 'store_event_id', 'e' || at,
            'original_transaction_id', 'versions_of_lines', 'event_type', type, 'event_time', at)::jsonb || rest::jsonb)) $$;
SELECT 'created', pg_temp.event('created', '2026-01-01T00:00:00Z', '{"product_id": "month", "period_end": "2026-02-01T00:00:00Z"}');
SELECT 'renewed', pg_temp.event('renewed', '2026-02-01T00:00:00Z', '{"period_end": "2026-03-01T00:00:00Z"}');
SELECT 'the same again', pg_temp.event('renewed', '2026-02-01T00:00:00Z', '{"period_end": "2026-03-01T00:00:00Z"}');
SELECT 'noted', pg_temp.event('noted', '2026-02-02T00:00:00Z');
SELECT 'another product', pg_temp.event('product_changed', '2026-02-03T00:00:00Z', '{"product_id": "year"}');
SELECT 'canceled', pg_temp.event('canceled', '2026-02-04T00:00:00Z', '{"auto_renew": false}');
SELECT 'revoked', pg_temp.event('revoked', '2026-02-05T00:00:00Z');
SELECT last_event_type, status FROM coursebase.subscription_lines WHERE original_transaction_id = 'versions_of_lines';
-- Whoever writes a row of a table with such a trigger, and a null as well.
CREATE TABLE pg_temp.lines (user_id uuid, what text, other text);
CREATE TRIGGER t900_move_version AFTER INSERT OR UPDATE OR DELETE ON pg_temp.lines
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id', 'what');
SELECT 'insert', pg_temp.moved($$INSERT INTO pg_temp.lines VALUES ('00000000-0000-4000-8000-0000000005a1')$$);
SELECT 'other column', pg_temp.moved($$UPDATE pg_temp.lines SET other = 'x'$$);
SELECT 'from null', pg_temp.moved($$UPDATE pg_temp.lines SET what = 'x'$$);
SELECT 'as it was', pg_temp.moved($$UPDATE pg_temp.lines SET what = 'x'$$);
SELECT 'to nobody', pg_temp.moved($$UPDATE pg_temp.lines SET user_id = NULL$$);
SELECT 'from nobody', pg_temp.moved($$UPDATE pg_temp.lines SET user_id = '00000000-0000-4000-8000-0000000005a1'$$);
SELECT 'delete', pg_temp.moved($$DELETE FROM pg_temp.lines$$);
INSERT INTO pg_temp.lines VALUES ('00000000-0000-4000-8000-0000000005a1');
ALTER TABLE pg_temp.lines RENAME what TO renamed;
SAVEPOINT renamed;
UPDATE pg_temp.lines SET other = 'x';
ROLLBACK TO renamed;
-- A trigger of statements compares no columns.
CREATE TRIGGER t900_move_version_of_all AFTER UPDATE ON pg_temp.lines REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id', 'other');
ALTER TABLE pg_temp.lines DISABLE TRIGGER t900_move_version;
UPDATE pg_temp.lines SET other = 'x';
ROLLBACK;
