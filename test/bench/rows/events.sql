-- A sale on the storefront with events out, against the same sale without: the same function, tables and triggers, the
-- setting alone differs. A product of one course, which is two events (purchased, access_gained).
--# setup
-- Nobody buys the product twice: what is owned already gives nothing to tell of.
SET session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-000000' || n)::uuid, 'user_events_' || n, 'Bench', 'bench@example.com'
FROM generate_series(100000, 199999) n;
RESET session_replication_role;
INSERT INTO coursebase.courses (id, title, description)
VALUES ('00000000-0000-4000-8000-000000050001', 'Bench', 'Bench');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
VALUES ('00000000-0000-4000-8000-000000050002', 'Bench', 'Bench', '/bench.png', 49);
INSERT INTO coursebase.course_products (course_id, product_id)
VALUES ('00000000-0000-4000-8000-000000050001', '00000000-0000-4000-8000-000000050002');
UPDATE coursebase.products SET status = 'public' WHERE id = '00000000-0000-4000-8000-000000050002';
CREATE SEQUENCE bench_peer.events_turn;
CREATE SEQUENCE bench_peer.events_alone_turn;
-- Sales and events that were there before, so that no plan is made for empty tables.
UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out';
SELECT count(*) FROM generate_series(195000, 199999) n, coursebase.complete_purchase(
    ('00000000-0000-4000-8000-000000' || n)::uuid, '00000000-0000-4000-8000-000000050002', 'cs_before_' || n, 4900,
    'paid');

--# end
UPDATE coursebase.settings SET value = NULL WHERE name = 'events_out'

-- Each sale is a transaction of its own, as an edge function calls; nobody waits for the disk.
--# row: sale_with_events
--# area: Events
--# work: a sale with events out
--# same
SELECT count(*) = 2 * (SELECT count(*) FROM coursebase.purchases) FROM coursebase.access_events
--# command ours: complete_purchase(), and its two events
psql -Xqc "UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out'"
n=$(psql -XAtqc "SELECT nextval('bench_peer.events_turn') * 3000")
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 3000 -D n="$n" -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
\set u 100000 + :n
SELECT * FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000:u', '00000000-0000-4000-8000-000000050002', 'cs_ours_:n', 4900, 'paid');
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
--# command without: complete_purchase() without events | time >= 0.9
psql -Xqc "UPDATE coursebase.settings SET value = 'false' WHERE name = 'events_out'"
n=$(psql -XAtqc "SELECT nextval('bench_peer.events_turn') * 3000")
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 3000 -D n="$n" -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
\set u 100000 + :n
SELECT * FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000:u', '00000000-0000-4000-8000-000000050002', 'cs_without_:n', 4900, 'paid');
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'

-- Twenty of them in one statement: neither the way to the server nor the commit is in the figure.
--# row: sale_with_events_alone
--# area: Events
--# work: a sale with events out, the function alone
--# calls: 20
--# same
SELECT count(*) = 2 * (SELECT count(*) FROM coursebase.purchases p WHERE p.stripe_session_id !~ 'without')
FROM coursebase.access_events
--# before
UPDATE coursebase.settings SET value = CASE '@way@' WHEN 'ours' THEN 'true' ELSE 'false' END WHERE name = 'events_out';
SELECT nextval('bench_peer.events_alone_turn');
--# statement ours: complete_purchase(), and its two events
SELECT count(p.purchase_id)
FROM generate_series(0, 19) n, currval('bench_peer.events_alone_turn') t, coursebase.complete_purchase(
    ('00000000-0000-4000-8000-000000' || (180000 + t * 20 + n))::uuid, '00000000-0000-4000-8000-000000050002',
    format('cs_ours_%s_%s', t, n), 4900, 'paid') p
--# statement without: complete_purchase() without events | instructions >= 0.9
SELECT count(p.purchase_id)
FROM generate_series(0, 19) n, currval('bench_peer.events_alone_turn') t, coursebase.complete_purchase(
    ('00000000-0000-4000-8000-000000' || (180000 + t * 20 + n))::uuid, '00000000-0000-4000-8000-000000050002',
    format('cs_without_%s_%s', t, n), 4900, 'paid') p
