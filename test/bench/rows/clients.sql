-- 64 clients at once, each call a transaction of its own as an edge function makes it, against PL/pgSQL functions that do the
-- same: the handshake of a phone that has every file and an old digest, an access check, a sale, a store's event. What PL/pgSQL writes
-- goes to tables with the same columns, checks and keys. For a sale and an event there are two: one with the foreign keys and the
-- triggers that hold the rules of coursebase whoever writes, and one that writes the same rows with neither, which is the limit. How
-- long half of the calls took at most, and ninety-nine of a hundred.
--# setup
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT md5('clients user' || n)::uuid, 'clients_' || n, 'Bench', 'bench@example.com' FROM generate_series(0, 2000) n;
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
-- The second thousand have subscriptions and buy; the handshake in PL/pgSQL knows of neither. One more is for the comparison of results.
SELECT count(*) FROM generate_series(1000, 2000) n, coursebase.apply_subscription_event(md5('clients user' || n)::uuid,
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

-- The same with its rules: who is sold to is there and locked, a purchase gives what its product has until its end, access is what
-- grants give, whichever of the three tables is written, and a phone is told by its version.
CREATE TABLE bench_peer.kept_purchases (LIKE coursebase.purchases INCLUDING ALL,
    FOREIGN KEY (user_id) REFERENCES coursebase.users, FOREIGN KEY (product_id) REFERENCES coursebase.products);
CREATE TABLE bench_peer.kept_grants (LIKE coursebase.course_grants INCLUDING ALL,
    FOREIGN KEY (user_id) REFERENCES coursebase.users, FOREIGN KEY (course_id) REFERENCES coursebase.courses,
    FOREIGN KEY (purchase_id, user_id) REFERENCES bench_peer.kept_purchases (id, user_id));
CREATE TABLE bench_peer.kept_access (LIKE coursebase.user_course_access INCLUDING ALL,
    FOREIGN KEY (user_id) REFERENCES coursebase.users, FOREIGN KEY (course_id) REFERENCES coursebase.courses);
CREATE FUNCTION bench_peer.kept_lock() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    open boolean;
BEGIN
    SELECT u.deleted_at IS NULL AND u.merged_into IS NULL INTO open FROM coursebase.users u WHERE u.id = NEW.user_id FOR NO KEY UPDATE;
    IF open IS NOT TRUE THEN
        RAISE 'there is no such user';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER t100_lock BEFORE INSERT ON bench_peer.kept_purchases FOR EACH ROW EXECUTE FUNCTION bench_peer.kept_lock();
CREATE TRIGGER t100_lock BEFORE INSERT ON bench_peer.kept_grants FOR EACH ROW EXECUTE FUNCTION bench_peer.kept_lock();
CREATE TRIGGER t100_lock BEFORE INSERT ON bench_peer.kept_access FOR EACH ROW EXECUTE FUNCTION bench_peer.kept_lock();
CREATE FUNCTION bench_peer.kept_grant() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM FROM coursebase.products p WHERE p.id IN (SELECT m.product_id FROM made m) ORDER BY p.id FOR SHARE;
    INSERT INTO bench_peer.kept_grants (user_id, course_id, purchase_id, expires_at)
    SELECT m.user_id, l.course_id, m.id, least(m.created_at + m.access_days * interval '24 hours', m.access_until)
    FROM made m JOIN coursebase.course_products l ON l.product_id = m.product_id ORDER BY m.user_id, l.course_id
    ON CONFLICT (user_id, course_id, purchase_id) DO NOTHING;
    DELETE FROM bench_peer.kept_grants g USING made m, bench_peer.kept_grants b WHERE b.purchase_id = m.id AND g.user_id = b.user_id
        AND g.course_id = b.course_id AND g.purchase_id IS NULL AND g.created_at = now();
    RETURN NULL;
END
$$;
CREATE TRIGGER t500_grant AFTER INSERT ON bench_peer.kept_purchases REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION bench_peer.kept_grant();
CREATE FUNCTION bench_peer.kept_project() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM made) THEN
        RETURN NULL;
    END IF;
    INSERT INTO bench_peer.kept_access (user_id, course_id)
    SELECT DISTINCT g.user_id, g.course_id FROM made g WHERE g.expires_at IS NULL
        AND NOT EXISTS (SELECT FROM bench_peer.kept_purchases p WHERE p.id = g.purchase_id AND p.refunded_at IS NOT NULL)
        AND NOT EXISTS (SELECT FROM bench_peer.kept_access a WHERE a.user_id = g.user_id AND a.course_id = g.course_id)
    ORDER BY g.user_id, g.course_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER t900_project AFTER INSERT ON bench_peer.kept_grants REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION bench_peer.kept_project();
CREATE FUNCTION bench_peer.kept_explain() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM made) THEN
        RETURN NULL;
    END IF;
    INSERT INTO bench_peer.kept_grants (user_id, course_id)
    SELECT m.user_id, m.course_id FROM made m WHERE NOT EXISTS (SELECT FROM bench_peer.kept_grants g
        LEFT JOIN bench_peer.kept_purchases p ON p.id = g.purchase_id
        WHERE g.user_id = m.user_id AND g.course_id = m.course_id AND g.expires_at IS NULL AND p.refunded_at IS NULL)
    ORDER BY m.user_id, m.course_id;
    UPDATE coursebase.user_versions v SET version = v.version + 1 WHERE v.user_id IN (SELECT m.user_id FROM made m);
    RETURN NULL;
END
$$;
CREATE TRIGGER t900_explain AFTER INSERT ON bench_peer.kept_access REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION bench_peer.kept_explain();
CREATE FUNCTION bench_peer.kept_sale(of_user uuid, of_product uuid, session text, cents integer, payment text)
RETURNS TABLE (purchase_id uuid, status text, already_owned boolean, course_ids uuid[])
LANGUAGE plpgsql
AS $$
DECLARE
    same boolean;
BEGIN
    IF payment NOT IN ('paid', 'no_payment_required', 'unpaid') OR cents < 0 OR session = '' THEN
        RAISE 'unknown payment_status, price or session';
    END IF;
    IF payment = 'unpaid' THEN
        RETURN QUERY SELECT NULL::uuid, 'unpaid', NULL::boolean, NULL::uuid[];
        RETURN;
    END IF;
    PERFORM FROM coursebase.users u WHERE u.id = of_user AND u.deleted_at IS NULL AND u.merged_into IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE 'there is no such user';
    END IF;
    PERFORM FROM coursebase.products p WHERE p.id = of_product FOR SHARE;
    IF NOT FOUND THEN
        RAISE 'there is no such product';
    END IF;
    INSERT INTO bench_peer.kept_purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id, access_days,
        access_until)
    SELECT cents, jsonb_build_object('name', p.name, 'description', p.description, 'imageUrl', p.image_url), of_user, p.id, session,
        p.access_days, p.access_until
    FROM coursebase.products p WHERE p.id = of_product
    ON CONFLICT (stripe_session_id) DO NOTHING;
    SELECT s.id, CASE WHEN s.refunded_at IS NULL THEN 'completed' ELSE 'refunded' END,
        EXISTS (SELECT FROM bench_peer.kept_purchases o WHERE o.user_id = s.user_id AND o.product_id = s.product_id
            AND (o.created_at, o.stripe_session_id) < (s.created_at, s.stripe_session_id)
            AND (o.refunded_at IS NULL OR o.refunded_at > s.created_at) AND o.access_days IS NULL
            AND (o.access_until IS NULL OR o.access_until > s.created_at)),
        ARRAY(SELECT g.course_id FROM bench_peer.kept_grants g WHERE g.purchase_id = s.id AND g.user_id = s.user_id ORDER BY g.course_id),
        (s.user_id, s.product_id, s.price_paid_in_cents) = (of_user, of_product, cents)
    INTO kept_sale.purchase_id, kept_sale.status, kept_sale.already_owned, kept_sale.course_ids, same
    FROM bench_peer.kept_purchases s WHERE s.stripe_session_id = session;
    IF same IS NOT TRUE THEN
        RAISE 'the session was recorded already, with other content';
    END IF;
    RETURN NEXT;
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
-- The same with its rules: a line of each subscription and the best of them shown, nobody else writes the three tables, and a phone
-- is told by its version. It knows the events of one line that come in order.
CREATE TABLE bench_peer.kept_subscriptions (LIKE coursebase.subscriptions INCLUDING ALL, FOREIGN KEY (user_id) REFERENCES coursebase.users);
CREATE TABLE bench_peer.kept_lines (LIKE coursebase.subscription_lines INCLUDING ALL, FOREIGN KEY (user_id) REFERENCES coursebase.users);
CREATE TABLE bench_peer.kept_events (LIKE coursebase.subscription_events INCLUDING ALL,
    FOREIGN KEY (user_id) REFERENCES coursebase.users, FOREIGN KEY (subscription_id) REFERENCES bench_peer.kept_subscriptions);
INSERT INTO bench_peer.kept_subscriptions SELECT * FROM coursebase.subscriptions;
INSERT INTO bench_peer.kept_lines SELECT * FROM coursebase.subscription_lines;
CREATE FUNCTION bench_peer.kept_machine() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF current_setting('bench_peer.machine', true) IS DISTINCT FROM 'on' THEN
        RAISE 'written by the machine alone';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$;
CREATE TRIGGER t100_machine BEFORE INSERT OR UPDATE OR DELETE ON bench_peer.kept_subscriptions
    FOR EACH ROW EXECUTE FUNCTION bench_peer.kept_machine();
CREATE TRIGGER t100_machine BEFORE INSERT OR UPDATE OR DELETE ON bench_peer.kept_lines
    FOR EACH ROW EXECUTE FUNCTION bench_peer.kept_machine();
CREATE TRIGGER t100_machine BEFORE INSERT OR UPDATE OR DELETE ON bench_peer.kept_events
    FOR EACH ROW EXECUTE FUNCTION bench_peer.kept_machine();
CREATE FUNCTION bench_peer.kept_version() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE coursebase.user_versions v SET version = v.version + 1 WHERE v.user_id = NEW.user_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER t900_version AFTER UPDATE ON bench_peer.kept_subscriptions
    FOR EACH ROW WHEN ((OLD.plan, OLD.status, OLD.expires_at, OLD.grace_until) IS DISTINCT FROM (NEW.plan, NEW.status, NEW.expires_at,
        NEW.grace_until)) EXECUTE FUNCTION bench_peer.kept_version();
CREATE FUNCTION bench_peer.kept_event(of_user uuid, event json)
RETURNS TABLE (status text, expires_at timestamptz, applied boolean, anomaly text)
LANGUAGE plpgsql
AS $$
DECLARE
    stored bench_peer.kept_subscriptions;
    line bench_peer.kept_lines;
    sent bench_peer.kept_events;
    shown bench_peer.kept_lines;
    moment timestamptz := to_timestamp((event->>'event_time')::bigint / 1000.0);
    until timestamptz := to_timestamp((event->>'period_end')::bigint / 1000.0);
BEGIN
    PERFORM FROM coursebase.users u WHERE u.id = of_user AND u.merged_into IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE 'there is no such user';
    END IF;
    SELECT * INTO STRICT stored FROM bench_peer.kept_subscriptions s WHERE s.user_id = of_user FOR NO KEY UPDATE;
    SELECT * INTO sent FROM bench_peer.kept_events e WHERE e.store = event->>'store' AND e.environment = event->>'environment'
        AND e.store_event_id = event->>'store_event_id';
    IF FOUND THEN
        IF sent.user_id <> of_user OR sent.event_type <> event->>'event_type' OR sent.payload <> event::jsonb THEN
            RAISE 'the event was recorded already, with other content';
        END IF;
        RETURN QUERY SELECT sent.answered_status, sent.answered_expires_at, false, sent.answered_anomaly;
        RETURN;
    END IF;
    SELECT * INTO line FROM bench_peer.kept_lines l WHERE l.store = event->>'store'
        AND l.original_transaction_id = event->>'original_transaction_id';
    IF line.user_id <> of_user THEN
        RAISE 'the line is of another person';
    END IF;
    PERFORM FROM bench_peer.kept_events p WHERE p.user_id = of_user AND p.transaction_id = event->>'transaction_id'
        AND p.store = event->>'store';
    line.expires_at := greatest(line.expires_at, until);
    line.status := CASE WHEN event->>'event_type' IN ('created', 'renewed') THEN 'active' WHEN event->>'event_type' = 'revoked' THEN 'expired'
        ELSE line.status::text END;
    PERFORM set_config('bench_peer.machine', 'on', true);
    UPDATE bench_peer.kept_lines l SET status = line.status, expires_at = line.expires_at, auto_renew = (event->>'auto_renew')::boolean,
        transaction_id = event->>'transaction_id', product_id = event->>'product_id', last_event_time = moment,
        last_event_type = event->>'event_type', last_store_event_id = event->>'store_event_id', access_until = line.expires_at,
        updated_at = now()
    WHERE l.store = line.store AND l.original_transaction_id = line.original_transaction_id;
    SELECT * INTO shown FROM bench_peer.kept_lines l WHERE l.user_id = of_user
    ORDER BY l.status = 'active' DESC, l.expires_at DESC NULLS FIRST, l.store, l.original_transaction_id LIMIT 1;
    UPDATE bench_peer.kept_subscriptions s SET plan = 'premium', status = shown.status, expires_at = shown.expires_at,
        grace_until = shown.grace_until, auto_renew = shown.auto_renew, store = shown.store, environment = shown.environment,
        product_id = shown.product_id, original_transaction_id = shown.original_transaction_id, updated_at = now()
    WHERE s.user_id = of_user;
    INSERT INTO bench_peer.kept_events (subscription_id, user_id, event_type, store, environment, store_event_id, original_transaction_id,
        transaction_id, product_id, event_time, received_at, period_end, auto_renew, payload, answered_status, answered_expires_at)
    VALUES (stored.id, of_user, event->>'event_type', event->>'store', event->>'environment', event->>'store_event_id',
        event->>'original_transaction_id', event->>'transaction_id', event->>'product_id', moment, now(), until,
        (event->>'auto_renew')::boolean, event, shown.status, shown.expires_at)
    ON CONFLICT (store, environment, store_event_id) DO NOTHING;
    PERFORM set_config('bench_peer.machine', 'off', true);
    RETURN QUERY SELECT shown.status::text, shown.expires_at, true, NULL::text;
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
SELECT (o.status, o.already_owned, o.course_ids) = (k.status, k.already_owned, k.course_ids) AND p.id IS NOT NULL
FROM coursebase.complete_purchase(md5('clients user2000')::uuid, md5('clients product')::uuid, 'same @of@', 4900, 'paid') o,
    bench_peer.kept_sale(md5('clients user2000')::uuid, md5('clients product')::uuid, 'same @of@', 4900, 'paid') k,
    bench_peer.clients_sale(md5('clients user2000')::uuid, md5('clients product')::uuid, 'same @of@', 4900) p (id)
--# command ours: complete_purchase()
"$BENCH_CLIENTS" sale.ours @of@ <<'SCRIPT'
\set who :who + 1000
SELECT * FROM coursebase.complete_purchase(md5('clients user' || :who::integer)::uuid, md5('clients product')::uuid, 'clients ' || :key::bigint, 4900, 'paid');
SCRIPT
--# command kept: PL/pgSQL with the same rules | time >= 3
"$BENCH_CLIENTS" sale.kept @of@ <<'SCRIPT'
\set who :who + 1000
SELECT * FROM bench_peer.kept_sale(md5('clients user' || :who::integer)::uuid, md5('clients product')::uuid, 'clients ' || :key::bigint, 4900, 'paid');
SCRIPT
--# command plpgsql: its limit: the rows alone in PL/pgSQL, no rule
"$BENCH_CLIENTS" sale.plpgsql @of@ <<'SCRIPT'
\set who :who + 1000
SELECT bench_peer.clients_sale(md5('clients user' || :who::integer)::uuid, md5('clients product')::uuid, 'clients ' || :key::bigint, 4900);
SCRIPT

--# row: clients_event_@of@
--# each of: p50 p99
--# area: Many at once
--# work: Apply one event of a store, @of@
--# same
WITH sent AS (SELECT '{"store":"google_play","environment":"production","store_event_id":"same @of@","event_type":"renewed","event_time":1767225600001,"period_end":1769904000000,"original_transaction_id":"clients2000","transaction_id":"same @of@","auto_renew":true}'::json AS event)
SELECT o.status::text = bench_peer.clients_event(md5('clients user2000')::uuid, s.event) AND o IS NOT DISTINCT FROM k
FROM sent s, coursebase.apply_subscription_event(md5('clients user2000')::uuid, s.event) o, bench_peer.kept_event(md5('clients user2000')::uuid, s.event) k
--# command ours: apply_subscription_event()
"$BENCH_CLIENTS" event.ours @of@ <<'SCRIPT'
\set who :who + 1000
\set t 1767225600000 + :key % 100000000
\set e :t + 2592000000
SELECT * FROM coursebase.apply_subscription_event(md5('clients user' || :who::integer)::uuid, format('{"store":"google_play","environment":"production","store_event_id":"clients%s","event_type":"renewed","event_time":%s,"period_end":%s,"original_transaction_id":"clients%s","transaction_id":"t%s","product_id":"premium","auto_renew": true}', :key::bigint, :t::bigint, :e::bigint, :who::integer, :key::bigint)::json);
SCRIPT
--# command kept: PL/pgSQL with the same rules | time >= 3
"$BENCH_CLIENTS" event.kept @of@ <<'SCRIPT'
\set who :who + 1000
\set t 1767225600000 + :key % 100000000
\set e :t + 2592000000
SELECT * FROM bench_peer.kept_event(md5('clients user' || :who::integer)::uuid, format('{"store":"google_play","environment":"production","store_event_id":"clients%s","event_type":"renewed","event_time":%s,"period_end":%s,"original_transaction_id":"clients%s","transaction_id":"t%s","product_id":"premium","auto_renew": true}', :key::bigint, :t::bigint, :e::bigint, :who::integer, :key::bigint)::json);
SCRIPT
--# command plpgsql: its limit: the rows alone in PL/pgSQL, no rule
"$BENCH_CLIENTS" event.plpgsql @of@ <<'SCRIPT'
\set who :who + 1000
\set t 1767225600000 + :key % 100000000
\set e :t + 2592000000
SELECT bench_peer.clients_event(md5('clients user' || :who::integer)::uuid, format('{"store":"google_play","environment":"production","store_event_id":"clients%s","event_type":"renewed","event_time":%s,"period_end":%s,"original_transaction_id":"clients%s","transaction_id":"t%s","product_id":"premium","auto_renew": true}', :key::bigint, :t::bigint, :e::bigint, :who::integer, :key::bigint)::json);
SCRIPT
