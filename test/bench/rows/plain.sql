-- What programs of other hands do by plain SQL, one statement a transaction, against the same UPDATEs of a table with the
-- same columns, primary key and indexes but no trigger, which check and derive nothing. The bare table's key of places is
-- a plain index, because a unique one refuses such UPDATEs. Beside the bare UPDATE stands the limit: one statement that writes
-- by hand, to such tables, each row that the triggers write.
--# setup
SET session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000006' || (10000 + n))::uuid, 'user_plain_' || n, 'Bench', 'bench@example.com'
FROM generate_series(0, 1999) n;
INSERT INTO coursebase.courses (id, title, description)
VALUES ('00000000-0000-4000-8000-000000600001', 'Plain', 'Bench');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
VALUES ('00000000-0000-4000-8000-000000600002', 'Plain', 'Bench', '/bench.png', 10);
INSERT INTO coursebase.course_products (course_id, product_id)
VALUES ('00000000-0000-4000-8000-000000600001', '00000000-0000-4000-8000-000000600002');
INSERT INTO coursebase.course_sections (id, course_id, name, "order")
SELECT ('00000000-0000-4000-8000-0000006' || (20000 + n))::uuid, '00000000-0000-4000-8000-000000600001', 'Section', n
FROM generate_series(0, 99) n;
INSERT INTO coursebase.lessons (id, section_id, name, "order")
SELECT ('00000000-0000-4000-8000-0000006' || (30000 + n * 100 + l))::uuid,
    ('00000000-0000-4000-8000-0000006' || (20000 + n))::uuid, 'Lesson', l
FROM generate_series(0, 99) n, generate_series(0, 19) l;
RESET session_replication_role;
INSERT INTO coursebase.user_versions (user_id)
SELECT id FROM coursebase.users WHERE clerk_user_id LIKE 'user_plain_%' ON CONFLICT DO NOTHING;
INSERT INTO coursebase.purchases (id, price_paid_in_cents, product_details, user_id, product_id, stripe_session_id)
SELECT ('00000000-0000-4000-8000-0000006' || (40000 + n))::uuid, 1000, '{"name": "Plain", "description": "", "imageUrl": "/bench.png"}',
    ('00000000-0000-4000-8000-0000006' || (10000 + n))::uuid, '00000000-0000-4000-8000-000000600002', 'plain ' || n
FROM generate_series(0, 1999) n;
CREATE TABLE bench_peer.lessons (LIKE coursebase.lessons INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id));
CREATE INDEX ON bench_peer.lessons (section_id, "order");
INSERT INTO bench_peer.lessons SELECT * FROM coursebase.lessons WHERE name = 'Lesson';
CREATE TABLE bench_peer.purchases (LIKE coursebase.purchases INCLUDING ALL);
INSERT INTO bench_peer.purchases SELECT * FROM coursebase.purchases WHERE product_id = '00000000-0000-4000-8000-000000600002';
CREATE TABLE bench_peer.plain_access (LIKE coursebase.user_course_access INCLUDING ALL);
INSERT INTO bench_peer.plain_access SELECT a.* FROM coursebase.user_course_access a JOIN bench_peer.purchases p USING (user_id)
WHERE a.course_id = '00000000-0000-4000-8000-000000600001';
CREATE TABLE bench_peer.plain_versions (LIKE coursebase.user_versions INCLUDING ALL);
INSERT INTO bench_peer.plain_versions SELECT v.* FROM coursebase.user_versions v JOIN bench_peer.purchases p USING (user_id);
CREATE TABLE bench_peer.plain_audit (LIKE coursebase.audit_events INCLUDING ALL);
CREATE SEQUENCE bench_peer.plain_turn;
-- Lesson l of every section to the place that the turn gives it, by single UPDATEs; true when the tables then agree.
CREATE FUNCTION bench_peer.reordered(turn integer)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    FOR l IN 0 .. 19 LOOP
        UPDATE coursebase.lessons SET "order" = (l * 7 + turn) % 20
        WHERE id = ('00000000-0000-4000-8000-0000006' || (30000 + l))::uuid;
        UPDATE bench_peer.lessons SET "order" = (l * 7 + turn) % 20
        WHERE id = ('00000000-0000-4000-8000-0000006' || (30000 + l))::uuid;
    END LOOP;
    RETURN (SELECT count(*) = 20 AND bool_and(a."order" = b."order")
        FROM coursebase.lessons a JOIN bench_peer.lessons b USING (id)
        WHERE a.section_id = '00000000-0000-4000-8000-000000620000');
END
$$;

--# row: plain_reorder
--# area: Plain SQL
--# work: Put 20 lessons into another order by 20 single UPDATEs
--# same
SELECT bench_peer.reordered(1) AND bench_peer.reordered(2)
--# command ours: UPDATE lessons
turn=$(psql -XAtqc "SELECT nextval('bench_peer.plain_turn')")
psql -Xqc 'VACUUM coursebase.lessons'
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D turn="$turn" -D n=-1 -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
\set l 30000 + (:n / 20) * 100 + :n % 20
\set p ((:n % 20) * 7 + :turn * 3) % 20
UPDATE coursebase.lessons SET "order" = :p WHERE id = '00000000-0000-4000-8000-0000006:l';
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 * 20 }'
--# command bare: UPDATE of a table without triggers | time >= 0.5
turn=$(psql -XAtqc "SELECT nextval('bench_peer.plain_turn')")
psql -Xqc 'VACUUM bench_peer.lessons'
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D turn="$turn" -D n=-1 -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
\set l 30000 + (:n / 20) * 100 + :n % 20
\set p ((:n % 20) * 7 + :turn * 3) % 20
UPDATE bench_peer.lessons SET "order" = :p WHERE id = '00000000-0000-4000-8000-0000006:l';
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 * 20 }'
--# command rows: its limit: the rows written by hand (who stood there takes the place that is left)
turn=$(psql -XAtqc "SELECT nextval('bench_peer.plain_turn')")
psql -Xqc 'VACUUM bench_peer.lessons'
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D turn="$turn" -D n=-1 -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
\set l 30000 + (:n / 20) * 100 + :n % 20
\set s 20000 + :n / 20
\set p ((:n % 20) * 7 + :turn * 3) % 20
UPDATE bench_peer.lessons l SET "order" = CASE WHEN l.id = m.id THEN :p ELSE m."order" END, updated_at = now() FROM bench_peer.lessons m WHERE m.id = '00000000-0000-4000-8000-0000006:l' AND (l.id = m.id OR l.section_id = '00000000-0000-4000-8000-0000006:s' AND l."order" = :p);
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 * 20 }'

--# row: plain_refund
--# area: Plain SQL
--# work: Refund a purchase by UPDATE of refunded_at and the sum
--# same
WITH ours AS (
    UPDATE coursebase.purchases SET refunded_at = now(), refunded_in_cents = 1000
    WHERE id = '00000000-0000-4000-8000-000000640000' RETURNING refunded_at, refunded_in_cents
), peer AS (
    UPDATE bench_peer.purchases SET refunded_at = now(), refunded_in_cents = 1000
    WHERE id = '00000000-0000-4000-8000-000000640000' RETURNING refunded_at, refunded_in_cents
)
SELECT ours = peer FROM ours, peer
--# command ours: UPDATE purchases
psql -Xqc "UPDATE coursebase.purchases SET refunded_at = NULL WHERE product_id = '00000000-0000-4000-8000-000000600002' AND refunded_at IS NOT NULL" \
    -c 'VACUUM coursebase.purchases' -c 'VACUUM coursebase.user_course_access' -c 'VACUUM coursebase.user_versions'
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D n=39999 -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
UPDATE coursebase.purchases SET refunded_at = now(), refunded_in_cents = 1000 WHERE id = '00000000-0000-4000-8000-0000006:n';
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
--# command bare: UPDATE of a table without triggers | time >= 0.5
psql -Xqc "UPDATE bench_peer.purchases SET refunded_at = NULL, refunded_in_cents = 0 WHERE refunded_at IS NOT NULL" \
    -c 'VACUUM bench_peer.purchases'
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D n=39999 -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
UPDATE bench_peer.purchases SET refunded_at = now(), refunded_in_cents = 1000 WHERE id = '00000000-0000-4000-8000-0000006:n';
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
--# command rows: its limit: the rows written by hand (purchase, access, version, audit)
psql -Xqc "UPDATE bench_peer.purchases SET refunded_at = NULL, refunded_in_cents = 0 WHERE refunded_at IS NOT NULL" \
    -c "INSERT INTO bench_peer.plain_access SELECT user_id, '00000000-0000-4000-8000-000000600001' FROM bench_peer.purchases ON CONFLICT DO NOTHING" \
    -c 'VACUUM bench_peer.purchases' -c 'VACUUM bench_peer.plain_access' -c 'VACUUM bench_peer.plain_versions'
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D n=39999 -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
WITH r AS (UPDATE bench_peer.purchases SET refunded_at = now(), refunded_in_cents = 1000, updated_at = now() WHERE id = '00000000-0000-4000-8000-0000006:n' RETURNING id, user_id), a AS (DELETE FROM bench_peer.plain_access a USING r WHERE a.user_id = r.user_id AND a.course_id = '00000000-0000-4000-8000-000000600001'), v AS (UPDATE bench_peer.plain_versions v SET version = v.version + 1 FROM r WHERE v.user_id = r.user_id) INSERT INTO bench_peer.plain_audit (action, object, old, new) SELECT 'purchase_refunded', 'purchases/' || r.id, '{"refunded_in_cents": 0}', '{"refunded_in_cents": 1000}' FROM r;
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
