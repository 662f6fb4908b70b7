-- A sale where there is one server: what stands ready for cells, the triggers that would claim its keys on home, is asked and
-- does nothing. The same function and tables without those triggers are the peer.
--# setup
SET session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-000000' || n)::uuid, 'user_cells_' || n, 'Bench', 'bench@example.com'
FROM generate_series(700000, 719999) n;
RESET session_replication_role;
INSERT INTO coursebase.courses (id, title, description)
VALUES ('00000000-0000-4000-8000-000000070001', 'Bench', 'Bench');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
VALUES ('00000000-0000-4000-8000-000000070002', 'Bench', 'Bench', '/bench.png', 49);
INSERT INTO coursebase.course_products (course_id, product_id)
VALUES ('00000000-0000-4000-8000-000000070001', '00000000-0000-4000-8000-000000070002');
UPDATE coursebase.products SET status = 'public' WHERE id = '00000000-0000-4000-8000-000000070002';
CREATE SEQUENCE bench_peer.cells_turn;
CREATE FUNCTION bench_peer.claims(enabled boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    t record;
    changed bigint := 0;
BEGIN
    FOR t IN SELECT g.tgrelid::regclass AS relation, g.tgname AS name FROM pg_trigger g
             WHERE g.tgfoid = 'coursebase.tg_any__claim_keys'::regproc AND (g.tgenabled <> 'D') <> enabled LOOP
        EXECUTE format('ALTER TABLE %s %s TRIGGER %I', t.relation, CASE WHEN enabled THEN 'ENABLE' ELSE 'DISABLE' END, t.name);
        changed := changed + 1;
    END LOOP;
    RETURN changed;
END
$$;
-- Sales that were there before, so that no plan is made for empty tables.
SELECT count(*) FROM generate_series(715000, 719999) n, coursebase.complete_purchase(
    ('00000000-0000-4000-8000-000000' || n)::uuid, '00000000-0000-4000-8000-000000070002', 'cs_cells_before_' || n, 4900,
    'paid');

--# end
SELECT bench_peer.claims(true)

-- Twenty in one statement, as sale_with_events_alone.
--# row: sale_without_cells
--# area: Cells
--# work: A sale where there is one server, the function alone
--# calls: 20
--# same
SELECT count(*) = 0 FROM coursebase.world_keys
--# before
SELECT bench_peer.claims('@way@' = 'ours');
SELECT nextval('bench_peer.cells_turn');
--# statement ours: complete_purchase()
SELECT count(p.purchase_id)
FROM generate_series(0, 19) n, currval('bench_peer.cells_turn') t, coursebase.complete_purchase(
    ('00000000-0000-4000-8000-000000' || (700000 + t * 20 + n))::uuid, '00000000-0000-4000-8000-000000070002',
    format('cs_cells_ours_%s_%s', t, n), 4900, 'paid') p
--# statement without: complete_purchase() without the triggers that claim keys | instructions >= 0.97
SELECT count(p.purchase_id)
FROM generate_series(0, 19) n, currval('bench_peer.cells_turn') t, coursebase.complete_purchase(
    ('00000000-0000-4000-8000-000000' || (700000 + t * 20 + n))::uuid, '00000000-0000-4000-8000-000000070002',
    format('cs_cells_without_%s_%s', t, n), 4900, 'paid') p
