-- A team comes with data: rows loaded while triggers are off and then adopt(), against the same rows, derived ones and all,
-- written to the same tables with the same keys and checks while triggers are off; and against a call a row, each a
-- statement of its own, of the function that makes such a row. 20,000 rows of each kind.
--# setup
SELECT count(*) FROM coursebase.adopt(false);
SET session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-8000-0000007' || (10000 + n))::uuid, 'user_load_' || n, 'Load', 'load' || n || '@example.com'
FROM generate_series(0, 19999) n;
INSERT INTO coursebase.courses (id, course_code, title, description)
VALUES ('00000000-0000-4000-8000-000000700001', 'L99ENB', 'Load', 'Bench');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
VALUES ('00000000-0000-4000-8000-000000700002', 'Load', 'Bench', '/bench.png', 10);
INSERT INTO coursebase.course_products (course_id, product_id)
VALUES ('00000000-0000-4000-8000-000000700001', '00000000-0000-4000-8000-000000700002');
INSERT INTO coursebase.store_products (product_id, kind, course_id)
VALUES ('l99enb', 'course', '00000000-0000-4000-8000-000000700001');
RESET session_replication_role;
SELECT count(*) FROM coursebase.adopt(false);
-- What the peers write, computed before: they need not find it out.
CREATE TABLE bench_peer.people AS
SELECT u.id, u.email, p.referral_code, u.clerk_user_id, gen_random_uuid() AS of_grant, gen_random_uuid() AS of_sale,
    row_number() OVER (ORDER BY u.id) AS n
FROM coursebase.users u JOIN coursebase.user_profile p ON p.user_id = u.id WHERE u.clerk_user_id LIKE 'user_load_%';
CREATE SEQUENCE bench_peer.load_turn;
CREATE FUNCTION bench_peer.triggers(off boolean)
RETURNS text
LANGUAGE sql
VOLATILE
AS $$ SELECT set_config('session_replication_role', CASE WHEN off THEN 'replica' ELSE 'origin' END, false) $$;
-- Takes every row away that a row below writes.
CREATE FUNCTION bench_peer.unload()
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM bench_peer.triggers(true);
    DELETE FROM coursebase.course_grants g USING bench_peer.people p WHERE g.user_id = p.id;
    DELETE FROM coursebase.user_course_access g USING bench_peer.people p WHERE g.user_id = p.id;
    DELETE FROM coursebase.purchases g USING bench_peer.people p WHERE g.user_id = p.id;
    DELETE FROM coursebase.course_purchases g USING bench_peer.people p WHERE g.user_id = p.id;
    DELETE FROM coursebase.store_receipts g USING bench_peer.people p WHERE g.user_id = p.id;
    DELETE FROM coursebase.subscription_events g USING bench_peer.people p WHERE g.user_id = p.id;
    DELETE FROM coursebase.subscription_lines g USING bench_peer.people p WHERE g.user_id = p.id;
    DELETE FROM coursebase.subscriptions g USING bench_peer.people p WHERE g.user_id = p.id;
    PERFORM bench_peer.triggers(false);
END
$$;
CREATE FUNCTION bench_peer.load_profiles(ours boolean)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM bench_peer.triggers(true);
    IF NOT ours THEN
        INSERT INTO coursebase.user_profile (user_id, email, referral_code) SELECT id, email, referral_code FROM bench_peer.people;
    END IF;
    PERFORM bench_peer.triggers(false);
    IF ours THEN
        PERFORM coursebase.adopt(false);
    END IF;
    RETURN (SELECT count(*) FROM coursebase.user_profile);
END
$$;
CREATE FUNCTION bench_peer.load_access(ours boolean)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM bench_peer.triggers(true);
    INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT id, '00000000-0000-4000-8000-000000700001' FROM bench_peer.people;
    IF NOT ours THEN
        INSERT INTO coursebase.course_grants (id, user_id, course_id)
        SELECT of_grant, id, '00000000-0000-4000-8000-000000700001' FROM bench_peer.people;
    END IF;
    PERFORM bench_peer.triggers(false);
    IF ours THEN
        PERFORM coursebase.adopt(false);
    END IF;
    RETURN (SELECT count(*) FROM coursebase.course_grants);
END
$$;
CREATE FUNCTION bench_peer.load_sales(ours boolean)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM bench_peer.triggers(true);
    INSERT INTO coursebase.purchases (id, price_paid_in_cents, product_details, user_id, product_id, stripe_session_id)
    SELECT of_sale, 1000, '{"name": "Load", "description": "", "imageUrl": "/bench.png"}', id,
        '00000000-0000-4000-8000-000000700002', 'load ' || n FROM bench_peer.people;
    IF NOT ours THEN
        INSERT INTO coursebase.course_grants (id, user_id, course_id, purchase_id)
        SELECT of_grant, id, '00000000-0000-4000-8000-000000700001', of_sale FROM bench_peer.people;
        INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT id, '00000000-0000-4000-8000-000000700001' FROM bench_peer.people;
    END IF;
    PERFORM bench_peer.triggers(false);
    IF ours THEN
        PERFORM coursebase.adopt(false);
    END IF;
    RETURN (SELECT count(*) FROM coursebase.course_grants);
END
$$;
CREATE FUNCTION bench_peer.load_store(ours boolean)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM bench_peer.triggers(true);
    INSERT INTO coursebase.course_purchases (user_id, course_id, source, product_id, purchase_id, purchase_token, status, validated_at)
    SELECT id, '00000000-0000-4000-8000-000000700001', 'google_play', 'l99enb', 'load ' || n, 't', 'valid', now() FROM bench_peer.people;
    PERFORM bench_peer.triggers(false);
    IF ours THEN
        PERFORM coursebase.adopt(false);
    END IF;
    RETURN (SELECT count(*) FROM coursebase.course_purchases);
END
$$;
CREATE FUNCTION bench_peer.load_subscriptions(ours boolean)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM bench_peer.triggers(true);
    INSERT INTO coursebase.subscriptions (id, user_id, plan, status, expires_at, auto_renew, store, environment, product_id, original_transaction_id)
    SELECT of_sale, id, 'premium', 'active', '2030-01-01', true, 'google_play', 'production', 'gold', 'load ' || n FROM bench_peer.people;
    IF NOT ours THEN
        INSERT INTO coursebase.subscription_events (subscription_id, user_id, event_type, store, environment, store_event_id,
            original_transaction_id, product_id, event_time, received_at, period_end, auto_renew, payload, answered_status, answered_expires_at)
        SELECT of_sale, id, 'created', 'google_play', 'production', format('adopted:%s:1', of_sale), 'load ' || n, 'gold', now(), now(), '2030-01-01', true,
            jsonb_build_object('store', 'google_play', 'store_event_id', format('adopted:%s:1', of_sale),
                'original_transaction_id', 'load ' || n, 'product_id', 'gold'),
            'active', '2030-01-01' FROM bench_peer.people;
        INSERT INTO coursebase.subscription_lines (store, original_transaction_id, user_id, environment, status, expires_at, auto_renew, before_status,
            before_auto_renew, first_premium_at, product_id, last_event_time, last_event_type, last_store_event_id)
        SELECT 'google_play', 'load ' || n, id, 'production', 'active', '2030-01-01', true, 'pending', false, now(), 'gold', now(), 'created',
            format('adopted:%s:1', of_sale) FROM bench_peer.people;
    END IF;
    PERFORM bench_peer.triggers(false);
    IF ours THEN
        PERFORM coursebase.adopt(false);
    END IF;
    RETURN (SELECT count(*) FROM coursebase.subscription_lines);
END
$$;
--# end
SELECT bench_peer.unload();
--# calls: 20000

--# row: load_profile
--# area: Coming with data
--# work: The profile of a person
--# before
SELECT bench_peer.triggers(true);
DELETE FROM coursebase.user_profile p USING bench_peer.people b WHERE b.id = p.user_id;
SELECT bench_peer.triggers(false);
VACUUM ANALYZE coursebase.user_profile
--# same
SELECT count(*) = 20000 AND bool_and(p.email = b.email AND p.referral_code ~ '^U[A-Z2-9]{6}$')
FROM coursebase.user_profile p JOIN bench_peer.people b ON b.id = p.user_id
--# statement ours: adopt()
SELECT bench_peer.load_profiles(true)
--# statement bare: INSERT without triggers | time >= 0.5
SELECT bench_peer.load_profiles(false)
--# command call: upsert_user() | time >= 10
n=$(psql -XAtqc "SELECT nextval('bench_peer.load_turn') * 2000")
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D n="$n" -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
SELECT coursebase.upsert_user('call:n', 'Call', 'call:n@example.com');
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'

--# row: load_direct_grant
--# area: Coming with data
--# work: A direct grant, from a row of user_course_access
--# before
SELECT bench_peer.unload();
VACUUM ANALYZE coursebase.course_grants;
VACUUM ANALYZE coursebase.user_course_access
--# same
SELECT count(*) = 20000 FROM coursebase.course_grants g JOIN bench_peer.people b ON b.id = g.user_id
JOIN coursebase.user_course_access a ON a.user_id = g.user_id AND a.course_id = g.course_id WHERE g.purchase_id IS NULL
--# statement ours: INSERT and adopt()
SELECT bench_peer.load_access(true)
--# statement bare: INSERT of both without triggers | time >= 0.5
SELECT bench_peer.load_access(false)
--# command call: INSERT with triggers, a row a statement | time >= 10
psql -Xqc 'SELECT bench_peer.unload()' -c 'VACUUM coursebase.course_grants' -c 'VACUUM coursebase.user_course_access' >/dev/null
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D n=9999 -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('00000000-0000-4000-8000-0000007:n', '00000000-0000-4000-8000-000000700001');
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'

--# row: load_sale
--# area: Coming with data
--# work: A sale with its grant and access, from a row of purchases
--# before
SELECT bench_peer.unload();
VACUUM ANALYZE coursebase.purchases;
VACUUM ANALYZE coursebase.course_grants;
VACUUM ANALYZE coursebase.user_course_access
--# same
SELECT count(*) = 20000 FROM coursebase.course_grants g JOIN bench_peer.people b ON b.id = g.user_id AND b.of_sale = g.purchase_id
JOIN coursebase.user_course_access a ON a.user_id = g.user_id AND a.course_id = g.course_id
--# statement ours: INSERT and adopt()
SELECT bench_peer.load_sales(true)
--# statement bare: INSERT of all three without triggers | time >= 0.5
SELECT bench_peer.load_sales(false)
--# command call: complete_purchase() | time >= 10
psql -Xqc 'SELECT bench_peer.unload()' -c 'VACUUM coursebase.course_grants' -c 'VACUUM coursebase.purchases' >/dev/null
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D n=9999 -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
SELECT * FROM coursebase.complete_purchase('00000000-0000-4000-8000-0000007:n', '00000000-0000-4000-8000-000000700002', 'load:n', 1000, 'paid');
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'

--# row: load_store_purchase
--# area: Coming with data
--# work: A course that an app store sold
--# before
SELECT bench_peer.unload();
VACUUM ANALYZE coursebase.course_purchases
--# same
SELECT count(*) = 20000 FROM coursebase.course_purchases g JOIN bench_peer.people b ON b.id = g.user_id WHERE g.status = 'valid'
--# statement ours: INSERT and adopt()
SELECT bench_peer.load_store(true)
--# statement bare: INSERT without triggers | time >= 0.5
SELECT bench_peer.load_store(false)
--# command call: validate_purchase() | time >= 10
psql -Xqc 'SELECT bench_peer.unload()' -c 'VACUUM coursebase.course_purchases' -c 'VACUUM coursebase.store_receipts' >/dev/null
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D n=9999 -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
SELECT * FROM coursebase.validate_purchase('00000000-0000-4000-8000-0000007:n', '{"product_id": "l99enb", "source": "google_play", "purchase_id": "load:n", "purchase_token": "t", "transaction_date": "2026-06-01T00:00:00Z"}');
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'

--# row: load_subscription
--# area: Coming with data
--# work: A subscription with its log and line, from a row of subscriptions
--# before
SELECT bench_peer.unload();
VACUUM ANALYZE coursebase.subscriptions;
VACUUM ANALYZE coursebase.subscription_events;
VACUUM ANALYZE coursebase.subscription_lines
--# same
SELECT count(*) = 20000 FROM coursebase.subscription_lines l JOIN bench_peer.people b ON b.id = l.user_id
JOIN coursebase.subscription_events e ON e.user_id = l.user_id AND e.store_event_id = l.last_store_event_id
JOIN coursebase.subscriptions s ON s.user_id = l.user_id AND s.id = e.subscription_id WHERE s.status = 'active' AND l.status = 'active'
--# statement ours: INSERT and adopt()
SELECT bench_peer.load_subscriptions(true)
--# statement bare: INSERT of all three without triggers | time >= 0.5
SELECT bench_peer.load_subscriptions(false)
--# command call: apply_subscription_event() | time >= 10
psql -Xqc 'SELECT bench_peer.unload()' -c 'VACUUM coursebase.subscriptions' -c 'VACUUM coursebase.subscription_events' >/dev/null
PGOPTIONS='-c synchronous_commit=off' pgbench -n -t 2000 -D n=9999 -f /dev/stdin <<'SCRIPT' |
\set n :n + 1
SELECT * FROM coursebase.apply_subscription_event('00000000-0000-4000-8000-0000007:n', '{"store":"google_play","environment":"production","store_event_id":"load:n","event_type":"created","event_time":"2026-01-01T00:00:00Z","period_end":"2030-01-01T00:00:00Z","original_transaction_id":"load:n","product_id":"gold","auto_renew":true}');
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
