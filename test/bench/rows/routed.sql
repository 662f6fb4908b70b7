-- A call that PL/Proxy sends to the cell of its person, against the same call made there directly. One, two or three cells,
-- which are databases of the one server, so that what is measured is the way there: one server more that parses the call,
-- looks its person up and hands the answer back. Calls go to the cells in turn, each time about another person.
--# needs: plproxy
--# setup
\getenv host PGHOST
\getenv port PGPORT
CREATE FUNCTION bench_peer.routed_turn(way text) RETURNS bigint LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS bench_peer.%I MINVALUE 0', way);
    RETURN nextval(format('bench_peer.%I', way)) * 1200;
END
$$;
CREATE ROLE bench_anonymous; CREATE ROLE bench_user; CREATE ROLE bench_server BYPASSRLS;
CREATE DATABASE bench_routed;
SELECT format('CREATE DATABASE bench_cell_%s', n) FROM generate_series(0, 2) n \gexec
-- of every session there, also of those that the proxy and the other cells open
SELECT format('ALTER DATABASE bench_cell_%s SET synchronous_commit = off', n) FROM generate_series(0, 2) n \gexec
\set fill 'CREATE EXTENSION coursebase; SET session_replication_role = replica; INSERT INTO coursebase.people (user_id, external_id, cell) SELECT (\'00000000-0000-4000-8000-000000\' || n)::uuid, \'routed_\' || n, (n - 100000) % 3 FROM generate_series(100000, 139999) n; INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT p.user_id, p.external_id, \'Bench\', \'bench@example.com\' FROM coursebase.people p WHERE p.cell = :cell; RESET session_replication_role; INSERT INTO coursebase.courses (id, title, description) VALUES (\'00000000-0000-4000-8000-000000050001\', \'Bench\', \'Bench\'); INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) SELECT (\'00000000-0000-4000-8000-00000006000\' || n)::uuid, \'Bench\', \'Bench\', \'/bench.png\', 49 FROM generate_series(1, 6) n; INSERT INTO coursebase.course_products (course_id, product_id) SELECT \'00000000-0000-4000-8000-000000050001\', id FROM coursebase.products; UPDATE coursebase.products SET status = \'public\'; SELECT count(*) FROM generate_series(135001, 139999) n, coursebase.complete_purchase((\'00000000-0000-4000-8000-000000\' || n)::uuid, \'00000000-0000-4000-8000-000000060001\', \'cs_before_\' || n, 4900, \'paid\') WHERE (n - 100000) % 3 = :cell; SELECT coursebase.set_cell(:cell, 3); VACUUM ANALYZE'
\connect bench_cell_0
\set cell 0
:fill;
SELECT coursebase.grant_roles('bench_anonymous', 'bench_user', 'bench_server') \g /dev/null
SELECT string_agg(ddl, ';') AS proxy FROM coursebase.proxy_functions('cells') \gset
-- a sale claims its key on home, by the connection of the subscription, which itself is not needed
SELECT format('CREATE SUBSCRIPTION coursebase_home CONNECTION %L PUBLICATION coursebase_home WITH (connect = false)',
    format('host=%s port=%s user=postgres dbname=bench_cell_0', :'host', :'port')) AS joined \gset
\connect bench_cell_1
\set cell 1
:fill;
:joined;
\connect bench_cell_2
\set cell 2
:fill;
:joined;
\connect bench_routed
:proxy;
SELECT format('CREATE SERVER cells FOREIGN DATA WRAPPER plproxy OPTIONS (modular_mapping %L, %s)', 1,
    string_agg(format('p%s %L', n, format('host=%s port=%s user=postgres dbname=bench_cell_%s', :'host', :'port', n)), ', ')) FROM generate_series(0, 2) n \gexec
CREATE USER MAPPING FOR CURRENT_USER SERVER cells;
-- the way alone: a statement that hands an argument back
CREATE FUNCTION coursebase.routed_nothing(user_id uuid, document text) RETURNS text LANGUAGE plproxy AS 'CLUSTER ''cells''; RUN ON coursebase.cell_of($1); SELECT $2;';
INSERT INTO coursebase.people (user_id, external_id, cell)
SELECT ('00000000-0000-4000-8000-000000' || n)::uuid, 'routed_' || n, (n - 100000) % 3 FROM generate_series(100000, 139999) n;
VACUUM ANALYZE
--# end
\connect bench_cell_1
ALTER SUBSCRIPTION coursebase_home SET (slot_name = NONE);
DROP SUBSCRIPTION coursebase_home;
\connect bench_cell_2
ALTER SUBSCRIPTION coursebase_home SET (slot_name = NONE);
DROP SUBSCRIPTION coursebase_home;
\connect postgres
DROP DATABASE bench_routed (FORCE);
DROP DATABASE bench_cell_0 (FORCE);
DROP DATABASE bench_cell_1 (FORCE);
DROP DATABASE bench_cell_2 (FORCE);
DROP ROLE bench_anonymous, bench_user, bench_server

-- A call that writes.
--# row: routed_sale_@cells@
--# each cells: 1 2 3
--# name cells: 1 = one cell; 2 = two cells; 3 = three cells
--# area: Cells
--# work: A sale, routed to @cells:name@
--# same
\connect bench_cell_0
SELECT p AS direct FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000135001', '00000000-0000-4000-8000-000000060001', 'cs_before_135001', 4900, 'paid') p \gset
\connect bench_routed
SELECT p::text = :'direct' FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000135001', '00000000-0000-4000-8000-000000060001', 'cs_before_135001', 4900, 'paid') p
--# command ours: complete_purchase() through PL/Proxy
i=$(psql -XAtqc "SELECT bench_peer.routed_turn('sale_@cells@')")
pgbench -n -t 1200 -D i="$i" -f /dev/stdin bench_routed <<'SCRIPT' | awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
\set i :i + 1
\set u 100000 + 3 * (:i / @cells@) + :i % @cells@
SELECT * FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000:u', '00000000-0000-4000-8000-00000006000@cells@', 'cs_routed_@cells@_:u', 4900, 'paid');
SCRIPT
--# command direct: called in the person's cell | time >= 0.85
i=$(psql -XAtqc "SELECT bench_peer.routed_turn('sale_direct_@cells@') / @cells@")
for cell in $(seq 0 $((@cells@ - 1))); do
    pgbench -n -t $((1200 / @cells@)) -D i="$i" -D cell="$cell" -D product="$((@cells@ + 3))" -f /dev/stdin "bench_cell_$cell" <<'SCRIPT'
\set i :i + 1
\set u 100000 + 3 * :i + :cell
SELECT * FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000:u', '00000000-0000-4000-8000-00000006000:product', 'cs_direct_@cells@_:u', 4900, 'paid');
SCRIPT
done | awk '/^latency average/ { taken += $4 } END { printf "%.9f\n", taken / @cells@ / 1000 }'

-- A call that reads, the shortest that a phone makes: whatever is in the answer has been computed before.
--# row: routed_handshake_@cells@
--# each cells: 1 2 3
--# name cells: 1 = one cell; 2 = two cells; 3 = three cells
--# area: Cells
--# work: A handshake, routed to @cells:name@
--# same
\connect bench_cell_0
SELECT coursebase.handshake('00000000-0000-4000-8000-000000135001', '{}')::text AS direct \gset
\connect bench_routed
SELECT coursebase.handshake('00000000-0000-4000-8000-000000135001', '{}')::text = :'direct'
--# command ours: handshake() through PL/Proxy
pgbench -n -t 3000 -D i=0 -f /dev/stdin bench_routed <<'SCRIPT' | awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
\set i :i + 1
\set u 130000 + 3 * ((:i % 1500) / @cells@) + :i % @cells@
SELECT coursebase.handshake('00000000-0000-4000-8000-000000:u', '{}');
SCRIPT
--# command way: its limit: the way alone, to a cell that hands the argument back
pgbench -n -t 3000 -D i=0 -f /dev/stdin bench_routed <<'SCRIPT' | awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
\set i :i + 1
\set u 130000 + 3 * ((:i % 1500) / @cells@) + :i % @cells@
SELECT coursebase.routed_nothing('00000000-0000-4000-8000-000000:u', '{}');
SCRIPT
--# command direct: called in the person's cell | time >= 0.85
for cell in $(seq 0 $((@cells@ - 1))); do
    pgbench -n -t $((3000 / @cells@)) -D i=0 -D cell="$cell" -f /dev/stdin "bench_cell_$cell" <<'SCRIPT'
\set i :i + 1
\set u 130000 + 3 * (:i % (1500 / @cells@)) + :cell
SELECT coursebase.handshake('00000000-0000-4000-8000-000000:u', '{}');
SCRIPT
done | awk '/^latency average/ { taken += $4 } END { printf "%.9f\n", taken / @cells@ / 1000 }'
