-- A call that PL/Proxy sends to the cell of its person, against the same call made there directly. One, two or three cells,
-- which are databases of the one server, so that what is measured is the way there: one server more that parses the call,
-- looks its person up and hands the answer back. Each call is about another person, first those of one cell and then those of the
-- next, as the calls made directly are: a cell whose calls come between those of others finds its caches cold, however they came.
--# needs: plproxy
--# setup
\getenv host PGHOST
\getenv port PGPORT
-- where 1,200 people begin in each cell whom nobody has sold anything to
CREATE SEQUENCE bench_peer.routed_people INCREMENT 3600 MINVALUE 100000;
CREATE ROLE bench_anonymous; CREATE ROLE bench_user; CREATE ROLE bench_server BYPASSRLS;
CREATE DATABASE bench_routed;
SELECT format('CREATE DATABASE bench_cell_%s', n) FROM generate_series(0, 2) n \gexec
-- of every session there, also of those that the proxy and the other cells open
SELECT format('ALTER DATABASE bench_cell_%s SET synchronous_commit = off', n) FROM generate_series(0, 2) n \gexec
\set fill 'CREATE EXTENSION coursebase; SET session_replication_role = replica; INSERT INTO coursebase.people (user_id, external_id, cell) SELECT (\'00000000-0000-4000-8000-000000\' || n)::uuid, \'routed_\' || n, (n - 100000) % 3 FROM (SELECT generate_series(100000, 459999) UNION ALL SELECT generate_series(900001, 904500)) p (n); INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT p.user_id, p.external_id, \'Bench\', \'bench@example.com\' FROM coursebase.people p WHERE p.cell = :cell; RESET session_replication_role; INSERT INTO coursebase.courses (id, title, description) VALUES (\'00000000-0000-4000-8000-000000050001\', \'Bench\', \'Bench\'); INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) SELECT \'00000000-0000-4000-8000-000000060001\', \'Bench\', \'Bench\', \'/bench.png\', 49; INSERT INTO coursebase.course_products (course_id, product_id) SELECT \'00000000-0000-4000-8000-000000050001\', id FROM coursebase.products; UPDATE coursebase.products SET status = \'public\'; SELECT count(*) FROM generate_series(900001, 904500) n, coursebase.complete_purchase((\'00000000-0000-4000-8000-000000\' || n)::uuid, \'00000000-0000-4000-8000-000000060001\', \'cs_before_\' || n, 4900, \'paid\') WHERE (n - 100000) % 3 = :cell; SELECT coursebase.set_cell(:cell, 3); VACUUM ANALYZE'
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
SELECT ('00000000-0000-4000-8000-000000' || n)::uuid, 'routed_' || n, (n - 100000) % 3
FROM (SELECT generate_series(100000, 459999) UNION ALL SELECT generate_series(900001, 904500)) p (n);
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
SELECT p AS direct FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000900001', '00000000-0000-4000-8000-000000060001', 'cs_before_900001', 4900, 'paid') p \gset
\connect bench_routed
SELECT p::text = :'direct' FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000900001', '00000000-0000-4000-8000-000000060001', 'cs_before_900001', 4900, 'paid') p
--# command ours: complete_purchase() through PL/Proxy
from=$(psql -XAtqc "SELECT nextval('bench_peer.routed_people')")
pgbench -n -t 1200 -D i=-1 -D from="$from" -f /dev/stdin bench_routed <<'SCRIPT' | awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
\set i :i + 1
\set u :from + 3 * (:i % (1200 / @cells@)) + :i / (1200 / @cells@)
SELECT * FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000:u', '00000000-0000-4000-8000-000000060001', 'cs_:u', 4900, 'paid');
SCRIPT
--# command direct: called in the person's cell | time >= 0.85
from=$(psql -XAtqc "SELECT nextval('bench_peer.routed_people')")
for cell in $(seq 0 $((@cells@ - 1))); do
    pgbench -n -t $((1200 / @cells@)) -D i=-1 -D from="$from" -D cell="$cell" -f /dev/stdin "bench_cell_$cell" <<'SCRIPT'
\set i :i + 1
\set u :from + 3 * :i + :cell
SELECT * FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000:u', '00000000-0000-4000-8000-000000060001', 'cs_:u', 4900, 'paid');
SCRIPT
done | awk '/^latency average/ { taken += $4 } END { printf "%.9f\n", taken / @cells@ / 1000 }'

-- The same sale by a program with a connection to each cell, which meets its person for the first time and asks the directory.
--# row: routed_sale_program_@cells@
--# each cells: 1 2 3
--# name cells: 1 = one cell; 2 = two cells; 3 = three cells
--# area: Cells
--# work: A sale, routed by a program to @cells:name@
--# same
\connect bench_cell_0
SELECT p IS NOT NULL FROM coursebase.complete_purchase('00000000-0000-4000-8000-000000900001', '00000000-0000-4000-8000-000000060001', 'cs_before_900001', 4900, 'paid') p
--# command ours: complete_purchase() through doc/guide/edge/cells.ts
$BENCH_ROUTER router 1200 @cells@ "$(psql -XAtqc "SELECT nextval('bench_peer.routed_people')")" 1 <<'SQL'
SELECT * FROM coursebase.complete_purchase($1, '00000000-0000-4000-8000-000000060001', $2, 4900, 'paid')
SQL
--# command direct: by the same program, which knows the cell | time >= 0.85
$BENCH_ROUTER direct 1200 @cells@ "$(psql -XAtqc "SELECT nextval('bench_peer.routed_people')")" 1 <<'SQL'
SELECT * FROM coursebase.complete_purchase($1, '00000000-0000-4000-8000-000000060001', $2, 4900, 'paid')
SQL

-- A call that reads, the shortest that a phone makes: whatever is in the answer has been computed before.
--# row: routed_handshake_@cells@
--# each cells: 1 2 3
--# name cells: 1 = one cell; 2 = two cells; 3 = three cells
--# area: Cells
--# work: A handshake, routed to @cells:name@
--# same
\connect bench_cell_0
SELECT coursebase.handshake('00000000-0000-4000-8000-000000900001', '{}')::text AS direct \gset
\connect bench_routed
SELECT coursebase.handshake('00000000-0000-4000-8000-000000900001', '{}')::text = :'direct'
--# command ours: handshake() through PL/Proxy
pgbench -n -t 3000 -D i=-1 -f /dev/stdin bench_routed <<'SCRIPT' | awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
\set i :i + 1
\set u 900001 + 3 * (:i % (1500 / @cells@)) + :i / (3000 / @cells@)
SELECT coursebase.handshake('00000000-0000-4000-8000-000000:u', '{}');
SCRIPT
--# command way: its limit: the way alone, to a cell that hands the argument back
pgbench -n -t 3000 -D i=-1 -f /dev/stdin bench_routed <<'SCRIPT' | awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
\set i :i + 1
\set u 900001 + 3 * (:i % (1500 / @cells@)) + :i / (3000 / @cells@)
SELECT coursebase.routed_nothing('00000000-0000-4000-8000-000000:u', '{}');
SCRIPT
--# command direct: called in the person's cell | time >= 0.85
for cell in $(seq 0 $((@cells@ - 1))); do
    pgbench -n -t $((3000 / @cells@)) -D i=0 -D cell="$cell" -f /dev/stdin "bench_cell_$cell" <<'SCRIPT'
\set i :i + 1
\set u 900001 + 3 * (:i % (1500 / @cells@)) + :cell
SELECT coursebase.handshake('00000000-0000-4000-8000-000000:u', '{}');
SCRIPT
done | awk '/^latency average/ { taken += $4 } END { printf "%.9f\n", taken / @cells@ / 1000 }'

--# row: routed_handshake_program_@cells@
--# each cells: 1 2 3
--# name cells: 1 = one cell; 2 = two cells; 3 = three cells
--# area: Cells
--# work: A handshake, routed by a program to @cells:name@
--# same
\connect bench_cell_0
SELECT coursebase.handshake('00000000-0000-4000-8000-000000900001', '{}') IS NOT NULL
--# command ours: handshake() through doc/guide/edge/cells.ts
$BENCH_ROUTER router 1500 @cells@ 900001 3 <<'SQL'
SELECT coursebase.handshake($1, '{}')
SQL
--# command direct: by the same program, which knows the cell | time >= 0.85
$BENCH_ROUTER direct 1500 @cells@ 900001 3 <<'SQL'
SELECT coursebase.handshake($1, '{}')
SQL
