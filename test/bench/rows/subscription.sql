-- A store's event: checked, logged, its line and the subscription moved, against a bare UPDATE and INSERT in one
-- statement that checks nothing and keeps no line, on tables with the same columns, constraints, keys, indexes and
-- upkeep (updated_at, and the version without which a phone would be told what was).
-- Each event is a statement of its own, as an edge function sends it; nobody waits for the disk.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000000' || (10000 + n))::uuid, 'user_subscription_' || n, 'Bench', 'bench@example.com'
FROM generate_series(0, 999) n;
SELECT count(*) FROM generate_series(0, 999) n, coursebase.apply_subscription_event(
    ('00000000-0000-4000-8000-0000000' || (10000 + n))::uuid,
    format('{"store":"google_play","environment":"production","store_event_id":"first%s","event_type":"created",'
        '"event_time":"2026-01-01T00:00:00Z","period_end":"2026-02-01T00:00:00Z","original_transaction_id":"o%s"}',
        n, 10000 + n)::json);

CREATE TABLE bench_peer.subscriptions (LIKE coursebase.subscriptions INCLUDING ALL);
CREATE TABLE bench_peer.subscription_events (LIKE coursebase.subscription_events INCLUDING ALL);
ALTER TABLE bench_peer.subscriptions
    ADD CONSTRAINT subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES coursebase.users (id);
ALTER TABLE bench_peer.subscription_events
    ADD CONSTRAINT subscription_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES coursebase.users (id),
    ADD CONSTRAINT subscription_events_subscription_id_fkey FOREIGN KEY (subscription_id)
        REFERENCES bench_peer.subscriptions (id);
CREATE TRIGGER t500_stamp BEFORE UPDATE ON bench_peer.subscriptions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE TRIGGER t900_move_version AFTER INSERT OR UPDATE OR DELETE ON bench_peer.subscriptions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__move_version('user', 'user_id');
INSERT INTO bench_peer.subscriptions SELECT * FROM coursebase.subscriptions;
CREATE SEQUENCE bench_peer.subscription_turn;
CREATE SEQUENCE bench_peer.subscription_peer_turn;

--# row: subscription_event
--# area: Credits and subscriptions
--# work: Apply one event of a store
--# same
WITH ours AS MATERIALIZED (
    SELECT o.status, o.expires_at
    FROM coursebase.apply_subscription_event('00000000-0000-4000-8000-000000010000',
        '{"store":"google_play","environment":"production","store_event_id":"same","event_type":"renewed","event_time":1767225600001,"period_end":1769904000000,"original_transaction_id":"o10000","transaction_id":"same","auto_renew":true}') o
), peer AS (
    UPDATE bench_peer.subscriptions SET status = 'active', expires_at = to_timestamp(1769904000), auto_renew = true
    WHERE user_id = '00000000-0000-4000-8000-000000010000' RETURNING status, expires_at
)
SELECT ours.status = peer.status::text AND ours.expires_at = peer.expires_at FROM ours, peer
--# command ours: apply_subscription_event()
n=$(psql -XAtqc "SELECT nextval('bench_peer.subscription_turn') * 3000")
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 3000 -D n="$n" -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
\set u 10000 + :n % 1000
\set t 1767225600000 + :n * 60000
\set e 1767225600000 + :n * 60000 + 2592000000
SELECT * FROM coursebase.apply_subscription_event('00000000-0000-4000-8000-0000000:u', '{"store":"google_play","environment":"production","store_event_id":"e:n","event_type":"renewed","event_time": :t,"period_end": :e,"original_transaction_id":"o:u","transaction_id":"t:n","product_id":"premium","purchase_token":"token","auto_renew":true}');
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
--# command cte: UPDATE + INSERT in one CTE | time >= 0.9
n=$(psql -XAtqc "SELECT nextval('bench_peer.subscription_peer_turn') * 3000")
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 3000 -D n="$n" -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
\set u 10000 + :n % 1000
\set t 1767225600000 + :n * 60000
\set e 1767225600000 + :n * 60000 + 2592000000
WITH s AS (UPDATE bench_peer.subscriptions SET plan = 'premium', status = 'active', expires_at = to_timestamp(:e / 1000.0), auto_renew = true, store = 'google_play', environment = 'production', product_id = 'premium', purchase_token = 'token', original_transaction_id = 'o:u', updated_at = now() WHERE user_id = '00000000-0000-4000-8000-0000000:u' RETURNING id, user_id, status, expires_at) INSERT INTO bench_peer.subscription_events (subscription_id, user_id, event_type, store, environment, store_event_id, original_transaction_id, transaction_id, product_id, event_time, received_at, period_end, auto_renew, payload, answered_status, answered_expires_at) SELECT id, user_id, 'renewed', 'google_play', 'production', 'e:n', 'o:u', 't:n', 'premium', to_timestamp(:t / 1000.0), now(), to_timestamp(:e / 1000.0), true, '{"store":"google_play","environment":"production","store_event_id":"e:n","event_type":"renewed","event_time": :t,"period_end": :e,"original_transaction_id":"o:u","transaction_id":"t:n","product_id":"premium","purchase_token":"token","auto_renew":true}', status, expires_at FROM s ON CONFLICT (store, environment, store_event_id) DO NOTHING RETURNING answered_status, answered_expires_at;
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
