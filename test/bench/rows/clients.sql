-- 64 clients at once, each call a transaction of its own as an edge function makes it, against PL/pgSQL functions that do the
-- same: the handshake of a phone that has every file and an old digest, an access check, a sale, a store's event. The PL/pgSQL forms
-- write to tables with the same columns, checks and keys and without triggers. How long half of the calls took at most, and ninety-nine of
-- a hundred.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT md5('clients user' || n)::uuid, 'clients_' || n, 'Bench', 'bench@example.com' FROM generate_series(0, 1999) n;
INSERT INTO coursebase.courses (id, course_code, title, description, is_free)
SELECT md5('clients course' || n)::uuid, 'K' || to_char(n, 'FM00') || 'ENC', 'Bench', 'Bench', n > 0 FROM generate_series(0, 20) n;
INSERT INTO coursebase.course_documents (course_id, data)
SELECT md5('clients course' || n)::uuid, bench_peer.course(4000) FROM generate_series(1, 20) n;
INSERT INTO coursebase.master_manifests (name, content, is_default)
SELECT 'clients_' || n || '.json', bench_peer.course(4000), true FROM generate_series(1, 10) n;
INSERT INTO coursebase.user_course_access (user_id, course_id)
SELECT md5('clients user' || n)::uuid, md5('clients course0')::uuid FROM generate_series(0, 999, 2) n;
INSERT INTO coursebase.courses (id, title, description) VALUES (md5('clients sold')::uuid, 'Bench', 'Bench');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
VALUES (md5('clients product')::uuid, 'Bench', 'Bench', '/bench.png', 49);
INSERT INTO coursebase.course_products (course_id, product_id) VALUES (md5('clients sold')::uuid, md5('clients product')::uuid);
-- The second thousand have subscriptions and buy; the handshake in PL/pgSQL knows of neither.
SELECT count(*) FROM generate_series(1000, 1999) n, coursebase.apply_subscription_event(md5('clients user' || n)::uuid,
    format('{"store":"google_play","environment":"production","store_event_id":"clients first%s","event_type":"created",'
        '"event_time":"2026-01-01T00:00:00Z","period_end":"2026-02-01T00:00:00Z","original_transaction_id":"clients%s"}', n, n)::json);
CREATE SEQUENCE bench_peer.clients_turn;

-- What each phone asks: it has every file, and an old digest.
CREATE TABLE bench_peer.clients (n integer PRIMARY KEY, user_id uuid, request json);
INSERT INTO bench_peer.clients
SELECT n, u.id, json_build_object('digest', md5('old'), 'checksums',
    (SELECT json_object_agg(m.key, m.value->>'checksum') FROM json_each(h.answer->'json_manifest') AS m))
FROM generate_series(0, 999) n JOIN coursebase.users u ON u.id = md5('clients user' || n)::uuid,
    LATERAL coursebase.handshake(u.id, '{}') AS h (answer);

CREATE TABLE bench_peer.clients_purchases (LIKE coursebase.purchases INCLUDING ALL);
CREATE TABLE bench_peer.clients_grants (LIKE coursebase.course_grants INCLUDING ALL);
CREATE TABLE bench_peer.clients_access (LIKE coursebase.user_course_access INCLUDING ALL);
CREATE FUNCTION bench_peer.clients_sale(of_user uuid, of_product uuid, session text, cents integer) RETURNS uuid
LANGUAGE plpgsql
AS $$
DECLARE
    sold record;
    its_id uuid;
BEGIN
    PERFORM FROM coursebase.users u WHERE u.id = of_user FOR NO KEY UPDATE;
    SELECT p.name, p.description, p.image_url INTO STRICT sold FROM coursebase.products p WHERE p.id = of_product;
    INSERT INTO bench_peer.clients_purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id)
    VALUES (cents, jsonb_build_object('name', sold.name, 'description', sold.description, 'imageUrl', sold.image_url), of_user,
        of_product, session)
    ON CONFLICT (stripe_session_id) DO NOTHING RETURNING id INTO its_id;
    IF its_id IS NULL THEN
        RETURN (SELECT p.id FROM bench_peer.clients_purchases p WHERE p.stripe_session_id = session);
    END IF;
    INSERT INTO bench_peer.clients_grants (user_id, course_id, purchase_id)
    SELECT of_user, l.course_id, its_id FROM coursebase.course_products l WHERE l.product_id = of_product;
    INSERT INTO bench_peer.clients_access (user_id, course_id)
    SELECT of_user, l.course_id FROM coursebase.course_products l WHERE l.product_id = of_product ON CONFLICT DO NOTHING;
    UPDATE coursebase.user_versions v SET version = v.version + 1 WHERE v.user_id = of_user;
    RETURN its_id;
END
$$;

CREATE TABLE bench_peer.clients_subscriptions (LIKE coursebase.subscriptions INCLUDING ALL);
CREATE TABLE bench_peer.clients_events (LIKE coursebase.subscription_events INCLUDING ALL);
INSERT INTO bench_peer.clients_subscriptions SELECT * FROM coursebase.subscriptions;
CREATE FUNCTION bench_peer.clients_event(of_user uuid, event json) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    stored bench_peer.clients_subscriptions;
    moment timestamptz := to_timestamp((event->>'event_time')::bigint / 1000.0);
    until timestamptz := to_timestamp((event->>'period_end')::bigint / 1000.0);
BEGIN
    SELECT * INTO STRICT stored FROM bench_peer.clients_subscriptions s WHERE s.user_id = of_user FOR NO KEY UPDATE;
    INSERT INTO bench_peer.clients_events (subscription_id, user_id, event_type, store, environment, store_event_id,
        original_transaction_id, transaction_id, product_id, event_time, received_at, period_end, auto_renew, payload, answered_status,
        answered_expires_at)
    VALUES (stored.id, of_user, event->>'event_type', event->>'store', event->>'environment', event->>'store_event_id',
        event->>'original_transaction_id', event->>'transaction_id', event->>'product_id', moment, now(), until,
        (event->>'auto_renew')::boolean, event, 'active', greatest(until, stored.expires_at))
    ON CONFLICT (store, environment, store_event_id) DO NOTHING;
    IF FOUND AND until > stored.expires_at THEN
        UPDATE bench_peer.clients_subscriptions s SET plan = 'premium', status = 'active', expires_at = until, auto_renew = true,
            product_id = event->>'product_id', updated_at = now() WHERE s.id = stored.id;
        UPDATE coursebase.user_versions v SET version = v.version + 1 WHERE v.user_id = of_user;
    END IF;
    RETURN 'active';
END
$$;
--# end
DELETE FROM coursebase.master_manifests WHERE name LIKE 'clients_%';
DELETE FROM coursebase.cached_handshake_responses

--# row: clients_handshake_@of@
--# each of: p50 p99
--# area: Many at once
--# work: Handshake of a phone that has every file, @of@
--# same
SELECT count(*) = 20 AND bool_and(coursebase.handshake(c.user_id, c.request)::jsonb = bench_peer.handshake_by_plpgsql(c.user_id, c.request)::jsonb)
FROM bench_peer.clients c WHERE c.n % 50 = 1
--# command ours: handshake(user, request)
"$BENCH_CLIENTS" handshake.ours @of@ <<'SCRIPT'
SELECT coursebase.handshake(c.user_id, c.request) FROM bench_peer.clients c WHERE c.n = :who;
SCRIPT
--# command plpgsql: PL/pgSQL loop | time >= 3
"$BENCH_CLIENTS" handshake.plpgsql @of@ <<'SCRIPT'
SELECT bench_peer.handshake_by_plpgsql(c.user_id, c.request) FROM bench_peer.clients c WHERE c.n = :who;
SCRIPT

--# row: clients_access_@of@
--# each of: p50 p99
--# area: Many at once
--# work: Access check, @of@
--# same
SELECT count(*) = 1000 AND count(*) FILTER (WHERE coursebase.has_course_access(md5('clients course0')::uuid, c.user_id)) = 500
    AND bool_and(coursebase.has_course_access(md5('clients course0')::uuid, c.user_id)
        = bench_peer.access_plpgsql(md5('clients course0')::uuid, c.user_id)) FROM bench_peer.clients c
--# command ours: has_course_access()
"$BENCH_CLIENTS" access.ours @of@ <<'SCRIPT'
SELECT coursebase.has_course_access(md5('clients course0')::uuid, md5('clients user' || :who::integer)::uuid);
SCRIPT
--# command one: its limit: SELECT of the same arguments
"$BENCH_CLIENTS" access.one @of@ <<'SCRIPT'
SELECT md5('clients course0')::uuid = md5('clients user' || :who::integer)::uuid;
SCRIPT
--# command plpgsql: the same in PL/pgSQL | time >= 3
"$BENCH_CLIENTS" access.plpgsql @of@ <<'SCRIPT'
SELECT bench_peer.access_plpgsql(md5('clients course0')::uuid, md5('clients user' || :who::integer)::uuid);
SCRIPT

--# row: clients_sale_@of@
--# each of: p50 p99
--# area: Many at once
--# work: A sale with its grant and access, @of@
--# same
SELECT o.status = 'completed' AND p.id IS NOT NULL FROM coursebase.complete_purchase(md5('clients user1001')::uuid, md5('clients product')::uuid, 'same @of@', 4900, 'paid') o,
    bench_peer.clients_sale(md5('clients user1001')::uuid, md5('clients product')::uuid, 'same @of@', 4900) p (id)
--# command ours: complete_purchase()
"$BENCH_CLIENTS" sale.ours @of@ <<'SCRIPT'
\set who :who + 1000
SELECT * FROM coursebase.complete_purchase(md5('clients user' || :who::integer)::uuid, md5('clients product')::uuid, 'clients ' || :key::bigint, 4900, 'paid');
SCRIPT
--# command plpgsql: the same in PL/pgSQL, no triggers | time >= 3
"$BENCH_CLIENTS" sale.plpgsql @of@ <<'SCRIPT'
\set who :who + 1000
SELECT bench_peer.clients_sale(md5('clients user' || :who::integer)::uuid, md5('clients product')::uuid, 'clients ' || :key::bigint, 4900);
SCRIPT

--# row: clients_event_@of@
--# each of: p50 p99
--# area: Many at once
--# work: Apply one event of a store, @of@
--# same
WITH sent AS (SELECT '{"store":"google_play","environment":"production","store_event_id":"same @of@","event_type":"renewed","event_time":1767225600001,"period_end":1769904000000,"original_transaction_id":"clients1001","transaction_id":"same @of@","auto_renew":true}'::json AS event)
SELECT o.status::text = bench_peer.clients_event(md5('clients user1001')::uuid, s.event) FROM sent s, coursebase.apply_subscription_event(md5('clients user1001')::uuid, s.event) o
--# command ours: apply_subscription_event()
"$BENCH_CLIENTS" event.ours @of@ <<'SCRIPT'
\set who :who + 1000
\set t 1767225600000 + :key % 100000000
\set e :t + 2592000000
SELECT * FROM coursebase.apply_subscription_event(md5('clients user' || :who::integer)::uuid, format('{"store":"google_play","environment":"production","store_event_id":"clients%s","event_type":"renewed","event_time":%s,"period_end":%s,"original_transaction_id":"clients%s","transaction_id":"t%s","product_id":"premium","auto_renew": true}', :key::bigint, :t::bigint, :e::bigint, :who::integer, :key::bigint)::json);
SCRIPT
--# command plpgsql: the same in PL/pgSQL, no line and no triggers | time >= 3
"$BENCH_CLIENTS" event.plpgsql @of@ <<'SCRIPT'
\set who :who + 1000
\set t 1767225600000 + :key % 100000000
\set e :t + 2592000000
SELECT bench_peer.clients_event(md5('clients user' || :who::integer)::uuid, format('{"store":"google_play","environment":"production","store_event_id":"clients%s","event_type":"renewed","event_time":%s,"period_end":%s,"original_transaction_id":"clients%s","transaction_id":"t%s","product_id":"premium","auto_renew": true}', :key::bigint, :t::bigint, :e::bigint, :who::integer, :key::bigint)::json);
SCRIPT
