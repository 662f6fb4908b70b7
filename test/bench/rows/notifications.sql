-- A notification of the App Store: three tokens in one another, each signed by the leaf of one chain. What the checks of
-- their signatures take is the difference between a delivery of production, for which there is a root, and the same of the
-- sandbox, for which there is none, so that nothing of it is checked. Both come again and again, and answer what they
-- answered first; a session finds the chain sound once.
--# setup
\set root `"$BENCH_STORE" key root`
\set members 'appAccountToken=00000000-0000-4000-8000-00000000be0a expiresDate=2026-04-02T09:06:00Z productId=premium'
\set production `"$BENCH_STORE" app_store p-1 SUBSCRIBED 2026-03-02T09:06:00Z transactionId=p-1 :members`
\set sandbox `"$BENCH_STORE" app_store s-1 SUBSCRIBED 2026-03-02T09:06:00Z transactionId=s-1 environment=Sandbox :members`
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES ('00000000-0000-4000-8000-00000000be0a', 'user_notifications', 'Bench', 'bench@example.com');
SELECT coursebase.set_store_key('app_store', 'root', :'root', environment => 'production'),
    coursebase.set_store_key('app_store', 'bundle_id', 'org.example.calm', environment => 'production');
CREATE TABLE bench_peer.notifications (name text PRIMARY KEY, body text NOT NULL);
INSERT INTO bench_peer.notifications VALUES ('production', :'production'), ('sandbox', :'sandbox');
SELECT outcome FROM bench_peer.notifications, coursebase.take_notification('app_store', body)
--# end
SELECT coursebase.set_store_key('app_store', 'root', NULL, environment => 'production'),
    coursebase.set_store_key('app_store', 'bundle_id', NULL, environment => 'production');
DROP TABLE bench_peer.notifications

--# row: notification_signatures
--# area: Credits and subscriptions
--# work: Check the three signatures of a notification of the App Store
--# same
SELECT array_agg(n.proof || ' ' || n.outcome ORDER BY n.environment) = '{signed applied,none applied}'
FROM coursebase.store_notifications n WHERE n.notification_id IN ('p-1', 's-1')
--# command ours: take_notification(), beyond one that is not checked
for name in production sandbox production sandbox; do
    printf '\\timing on\n%s\n' "SELECT count(t.outcome) FROM generate_series(1, 2000) n, bench_peer.notifications b,
        LATERAL coursebase.take_notification('app_store', CASE WHEN n > 0 THEN b.body END) t WHERE b.name = '$name';"
done | psql -XAtq | awk '/^Time/ { taken[NR % 4] += $2 } END { printf "%.9f\n", (taken[2] - taken[0]) / 4000000 }'
--# command openssl: openssl speed, three verifications of P-256 | time >= 0.7
openssl speed -elapsed -seconds 1 -mr ecdsap256 2>/dev/null |
    awk -F: '/^\+F4/ { printf "%.9f\n", 3 / $5 }'
