-- Promise: no statement that functions and triggers run is compiled, however dear the planner takes it for: to compile it
-- would take longer than to run it, at each execution anew.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET jit = off;
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES ('00000000-0000-4000-8000-00000b4d0001', 'Product', '', '/p.png', 1);
-- From here on every plan that reads a row by an index is dear enough; one that only calls a function is not.
SET LOCAL jit = on;
SET LOCAL jit_above_cost = 1;
SET LOCAL jit_inline_above_cost = 1;
SELECT coursebase.set_day(:strong, 1, ARRAY['00000000-0000-4000-8000-0000000e1c02']::uuid[]);
SELECT coursebase.set_price(:calm, 100) IS NOT NULL;
SELECT coursebase.begin_checkout(:max, :strong, '2026-02-01') IS NOT NULL;
SELECT coursebase.upsert_user('plans_jit', 'Person', 'jit@example.org') IS NOT NULL;
SELECT coursebase.complete_purchase(:max, '00000000-0000-4000-8000-00000b4d0001', 'cs_jit', 100, 'paid') IS NOT NULL LIMIT 1;
SELECT coursebase.handshake(:eve, '{"device_id": "one", "analytics": {"voice": "male"}}') IS NOT NULL;
SELECT coursebase.consume_credits(:eve, 0, 'jit') IS NOT NULL;
SELECT coursebase.delete_user(:eve, '2026-03-01') IS NOT NULL;
SET LOCAL jit = off;
-- The server loads its compiler when it first compiles.
SELECT count(*) FROM regexp_split_to_table(pg_read_file('/proc/' || pg_backend_pid() || '/maps'), '\n') line WHERE line LIKE '%llvmjit%';
ROLLBACK;
