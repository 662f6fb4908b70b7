-- Promise: a line that goes to another person moves the versions of both people in the order of their ids, whoever gets it and
-- whether or not that person has a subscription: nobody who moves two versions waits for one that comes before the one it holds.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-00000000cd0' || n)::uuid, 'order_' || n, 'O', 'o@example.org' FROM generate_series(1, 3) n;
\set event '\'{"event_type": "created", "store": "manual", "store_event_id": "%1$s", "original_transaction_id": "%1$s", "event_time": "2026-01-01T00:00:00Z", "period_end": "2026-02-01T00:00:00Z"}\''
SELECT count(s.status) FROM unnest('{1,2}'::integer[]) n,
    coursebase.apply_subscription_event(('00000000-0000-4000-8000-00000000cd0' || n)::uuid, format(:event, 'order-' || n)::json) s;
SELECT count(*) FROM coursebase.user_versions WHERE user_id::text LIKE '%cd0_';
CREATE TEMPORARY TABLE moves (n integer GENERATED ALWAYS AS IDENTITY, user_id uuid);
CREATE FUNCTION pg_temp.note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO moves (user_id) VALUES (new.user_id);
    RETURN NULL; END$$;
CREATE TRIGGER zz AFTER INSERT OR UPDATE ON coursebase.user_versions FOR EACH ROW EXECUTE FUNCTION pg_temp.note();
CREATE FUNCTION pg_temp.moved(line text, receiver integer) RETURNS text LANGUAGE plpgsql AS $$BEGIN
    DELETE FROM moves;
    PERFORM coursebase.transfer_subscription('manual', line, ('00000000-0000-4000-8000-00000000cd0' || receiver)::uuid);
    RETURN (SELECT string_agg(right(m.user_id::text, 1), ', ' ORDER BY m.n) FROM (SELECT user_id, min(n) AS n FROM moves GROUP BY user_id) m);
END$$;
-- to who has a subscription, with a lesser id and with a greater one; to who has none
SELECT pg_temp.moved('order-2', 1);
SELECT pg_temp.moved('order-2', 3);
SELECT pg_temp.moved('order-1', 3);
SELECT pg_temp.moved('order-1', 2);
SELECT right(user_id::text, 1), original_transaction_id FROM coursebase.subscription_lines WHERE user_id::text LIKE '%cd0_' ORDER BY 2;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
