-- Plain SQL on every row of every table, by the server role, and what it leaves. Everything is read from the catalogue: a
-- table or a column that is new joins by itself. Run in a database of its own with the rows of test/fixtures.

-- A statement that was tried. outcome: refused SQLSTATE, nothing (no row changed), or kept (a row changed). wrong is what
-- the questions of this file found and named, where they found something, what check_integrity() did.
CREATE TABLE public.tried (
    n         integer GENERATED ALWAYS AS IDENTITY,
    relation  text NOT NULL,
    command   text NOT NULL,
    statement text NOT NULL,
    loaded    boolean NOT NULL DEFAULT current_setting('session_replication_role') = 'replica',
    outcome   text,
    wrong     text[] NOT NULL DEFAULT '{}',
    named     text[] NOT NULL DEFAULT '{}'
);

CREATE TABLE public.relations AS
SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'p');

CREATE TABLE public.columns AS
SELECT r.oid, a.attname, a.attnum, a.atttypid, t.typtype, t.typcategory, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS initial,
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.oid AND i.indisunique AND a.attnum = ANY (i.indkey)) AS is_key
FROM public.relations r
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum;

-- Foreign keys, by the names of their columns on both sides.
CREATE TABLE public.keys AS
SELECT k.conrelid AS oid, k.conname, k.confrelid,
    ARRAY(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY i) AS columns,
    ARRAY(SELECT a.attname FROM unnest(k.confkey) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY i) AS names
FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid IN (SELECT oid FROM public.relations);

-- The first rows of a table, in an order that stays.
CREATE FUNCTION public.rows_of(relation oid, most integer) RETURNS SETOF jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT to_jsonb(t) FROM %s t ORDER BY to_jsonb(t)::text COLLATE "C" LIMIT %s', relation::regclass, most);
END $$;

-- What one column may hold besides what it holds: values of other rows, labels of its type, words of its CHECKs, neighbours.
CREATE FUNCTION public.others(relation oid, col name, held jsonb) RETURNS SETOF jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    c record;
    found jsonb[];
    listed boolean;
BEGIN
    SELECT * INTO c FROM public.columns x WHERE x.oid = relation AND x.attname = col;
    EXECUTE format('SELECT array_agg(DISTINCT to_jsonb(t.%I)) FROM (SELECT * FROM %s LIMIT 20) t', col, relation::regclass) INTO found;
    found := found[:3];
    IF c.typtype = 'e' THEN
        found := found || ARRAY(SELECT to_jsonb(enumlabel) FROM pg_enum WHERE enumtypid = c.atttypid);
    END IF;
    found := found || ARRAY(SELECT DISTINCT to_jsonb(m[1]) FROM pg_constraint k, regexp_matches(pg_get_constraintdef(k.oid), '''([a-z_]+)''::', 'g') m
        WHERE k.conrelid = relation AND k.contype = 'c' AND c.attnum = ANY (k.conkey) AND c.typcategory = 'S');
    listed := c.typtype = 'e' OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = relation AND k.contype = 'c' AND k.conkey = ARRAY[c.attnum]
        AND pg_get_constraintdef(k.oid) ~ 'ANY');
    found := found || ARRAY(SELECT to_jsonb(r.held -> n.name) FROM public.keys f CROSS JOIN LATERAL (SELECT f.names[array_position(f.columns, col)] AS name) n,
        public.rows_of(f.confrelid, 3) r (held) WHERE f.oid = relation AND col = ANY (f.columns));
    found := found || CASE
        -- what a CHECK of its form would refuse if it were any text
        WHEN col = 'currency' THEN ARRAY['"USD"'::jsonb, '"EUR"']
        WHEN col = 'country' THEN ARRAY['"ES"'::jsonb, '"FR"']
        WHEN col = 'course_code' THEN ARRAY[to_jsonb(CASE WHEN held #>> '{}' ~ '^X' THEN 'X97OTH' ELSE 'C97OTH' END)]
        WHEN col = 'referral_code' THEN ARRAY['"UTHER22"'::jsonb]
        WHEN c.typcategory = 'B' THEN ARRAY[to_jsonb(true), to_jsonb(false)]
        WHEN c.typcategory = 'N' THEN ARRAY[to_jsonb(coalesce((held #>> '{}')::numeric, 0) + 1), to_jsonb(coalesce((held #>> '{}')::numeric, 2) - 1), to_jsonb(0)]
        WHEN c.typcategory = 'D' THEN ARRAY[to_jsonb(now()), to_jsonb(coalesce((held #>> '{}')::timestamptz, now()) + interval '1 day'), to_jsonb(coalesce((held #>> '{}')::timestamptz, now()) - interval '40 days')]
        WHEN c.atttypid IN ('json'::regtype, 'jsonb'::regtype) THEN ARRAY['{}'::jsonb, '{"name": "x", "description": "x", "imageUrl": "x"}']
        WHEN c.typcategory = 'S' THEN ARRAY[to_jsonb(coalesce(held #>> '{}', '') || 'x')]
        WHEN c.typcategory = 'T' THEN ARRAY[to_jsonb(interval '1 day'), to_jsonb(interval '2 hours')]
        WHEN c.atttypid = 'xid8'::regtype THEN ARRAY[to_jsonb('1'::text), to_jsonb('2'::text)]
        WHEN c.atttypid = 'bytea'::regtype THEN ARRAY[to_jsonb(overlay((held #>> '{}')::bytea PLACING '\x00' FROM 1)), to_jsonb(overlay((held #>> '{}')::bytea PLACING '\x01' FROM 1))]
        WHEN c.atttypid = 'timestamptz[]'::regtype THEN ARRAY[jsonb_build_array(now())]
        WHEN c.atttypid = 'text[]'::regtype THEN ARRAY['["x"]'::jsonb]
        WHEN c.atttypid = 'uuid'::regtype THEN ARRAY[to_jsonb(md5('other')::uuid)]
        ELSE '{}' END;
    -- of what a type or a CHECK lists every word is tried, of other values a few
    RETURN QUERY (SELECT v FROM unnest(found) WITH ORDINALITY u (v, i) WHERE v IS NOT NULL AND v <> 'null' AND v IS DISTINCT FROM held
        GROUP BY v ORDER BY min(i) DESC LIMIT CASE WHEN listed THEN 20 ELSE 3 END)
        UNION SELECT 'null'::jsonb WHERE NOT c.attnotnull AND held <> 'null';
END $$;

CREATE FUNCTION public.literal(relation oid, col name, value jsonb) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN value IS NULL OR value = 'null' THEN 'NULL' ELSE quote_literal(CASE WHEN jsonb_typeof(value) = 'array' AND c.typcategory = 'A'
        THEN translate(value::text, '[]', '{}') WHEN c.atttypid IN ('json'::regtype, 'jsonb'::regtype) THEN value::text ELSE value #>> '{}' END) END
    FROM public.columns c WHERE c.oid = relation AND c.attname = col
$$;

-- The row's condition: its primary key.
CREATE FUNCTION public.which(relation oid, held jsonb) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format('%I = %s', a.attname, public.literal(relation, a.attname, held -> a.attname)), ' AND ')
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = relation AND i.indisprimary
$$;

-- Every statement on a row: the DELETE, an UPDATE for each other value of each column, and of each key together, and the
-- INSERT of a copy, with each foreign key as it is and pointing elsewhere, and with those that may be missing left out.
CREATE FUNCTION public.updates(relation oid, held jsonb) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT format('UPDATE %s SET %I = %s WHERE %s', relation::regclass, c.attname, public.literal(relation, c.attname, v), public.which(relation, held))
    FROM public.columns c, public.others(relation, c.attname, held -> c.attname) v WHERE c.oid = relation
    UNION
    SELECT format('UPDATE %s SET %s WHERE %s', relation::regclass, (SELECT string_agg(format('%I = %s', u.c, public.literal(relation, u.c, r.o -> u.n)), ', ') FROM unnest(k.columns, k.names) u (c, n)),
        public.which(relation, held))
    FROM public.keys k, public.rows_of(k.confrelid, 3) r (o) WHERE k.oid = relation AND cardinality(k.columns) > 1
    UNION
    -- two columns that one CHECK binds to each other
    SELECT format('UPDATE %s SET %I = %s, %I = %s WHERE %s', relation::regclass, a.attname, public.literal(relation, a.attname, v), b.attname, public.literal(relation, b.attname, w), public.which(relation, held))
    FROM public.columns a JOIN public.columns b ON b.oid = a.oid AND b.attnum > a.attnum, LATERAL (SELECT * FROM public.others(relation, a.attname, held -> a.attname) ORDER BY 1 DESC LIMIT 4) v (v), LATERAL (SELECT * FROM public.others(relation, b.attname, held -> b.attname) ORDER BY 1 LIMIT 2) w (w)
    WHERE a.oid = relation AND (a.typtype = 'e' OR a.typcategory IN ('S', 'N')) AND EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = relation AND k.contype = 'c' AND a.attnum = ANY (k.conkey) AND b.attnum = ANY (k.conkey))
$$;
CREATE FUNCTION public.copies(relation oid, held jsonb) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    -- a key that is no foreign one becomes a new value; what has a default may keep to it
    WITH fresh AS (
        SELECT c.attname, CASE
            WHEN c.initial ~ 'gen_random_uuid' THEN 'DEFAULT'
            WHEN NOT c.is_key OR c.typcategory = 'B' OR c.typtype = 'e' OR EXISTS (SELECT FROM public.keys k WHERE k.oid = relation AND c.attname = ANY (k.columns))
                OR EXISTS (SELECT FROM pg_constraint x WHERE x.conrelid = relation AND x.contype = 'c' AND x.conkey = ARRAY[c.attnum]
                    AND pg_get_constraintdef(x.oid) ~ 'ANY \(ARRAY')
                THEN public.literal(relation, c.attname, held -> c.attname)
            WHEN held -> c.attname = 'null' THEN 'NULL'
            WHEN c.typcategory = 'N' OR c.atttypid = 'xid8'::regtype THEN quote_literal((held ->> c.attname)::numeric + 100)
            WHEN c.typcategory = 'D' THEN quote_literal((held ->> c.attname)::timestamptz + interval '1 hour')
            WHEN c.atttypid = 'uuid'::regtype THEN quote_literal(md5(relation || 'copy')::uuid)
            WHEN c.attname = 'referral_code' THEN quote_literal('UCOPY22')
            WHEN c.attname = 'course_code' THEN quote_literal(CASE WHEN held ->> c.attname ~ '^X' THEN 'X98CPY' ELSE 'C98CPY' END)
            WHEN c.attname = 'country' THEN quote_literal('ES')
            ELSE quote_literal((held ->> c.attname) || '_copy') END AS value, c.attnum,
            NOT c.attnotnull AND EXISTS (SELECT FROM public.keys k WHERE k.oid = relation AND c.attname = ANY (k.columns)) AS bound
        FROM public.columns c WHERE c.oid = relation
    ), changed (columns, vals) AS (
        SELECT '{}'::name[], '{}'::text[]
        UNION
        SELECT k.columns, ARRAY(SELECT public.literal(relation, u.c, r.o -> u.n) FROM unnest(k.columns, k.names) WITH ORDINALITY u (c, n, i) ORDER BY i)
        FROM public.keys k, public.rows_of(k.confrelid, 4) r (o) WHERE k.oid = relation
    )
    SELECT format('INSERT INTO %s (%s) VALUES (%s)', relation::regclass, string_agg(format('%I', f.attname), ', ' ORDER BY f.attnum),
        string_agg(coalesce(x.vals[array_position(x.columns, f.attname)], CASE WHEN f.bound AND bare THEN 'NULL' END, f.value), ', ' ORDER BY f.attnum))
    FROM fresh f, changed x, unnest(ARRAY[false, true]) bare GROUP BY x.columns, x.vals, bare
$$;
CREATE FUNCTION public.statements(relation oid, most integer) RETURNS TABLE (command text, statement text) LANGUAGE sql STABLE AS $$
    SELECT 'DELETE', format('DELETE FROM %s WHERE %s', relation::regclass, public.which(relation, r)) FROM public.rows_of(relation, most) r
    UNION SELECT 'UPDATE', s FROM public.rows_of(relation, most) r, public.updates(relation, r) s
    UNION SELECT 'INSERT', s FROM public.rows_of(relation, most) r, public.copies(relation, r) s
    ORDER BY 1, 2
$$;

-- Tries one statement as the server, or as who loads rows without triggers, asks what it left, and takes it back.
CREATE FUNCTION public.try(relation oid, command text, statement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
    found text[] := '{}';
    told text[] := '{}';
    words text;
BEGIN
    BEGIN
        IF NOT public.loaded() THEN SET LOCAL ROLE fixture_server; END IF;
        EXECUTE statement;
        GET DIAGNOSTICS n = ROW_COUNT;
        SET CONSTRAINTS ALL IMMEDIATE;
        RESET ROLE;
        IF n > 0 THEN
            -- taken back, because it fills and empties the cache, which has a name of its own
            BEGIN
                found := ARRAY(SELECT DISTINCT question FROM public.wrong() ORDER BY 1);
                RAISE EXCEPTION USING ERRCODE = 'ZZ001';
            EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
            END;
            IF found <> '{}' THEN
                told := ARRAY(SELECT DISTINCT name FROM public.integrity() ORDER BY 1);
            END IF;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION
        WHEN SQLSTATE 'ZZ000' THEN words := CASE WHEN n > 0 THEN 'kept' ELSE 'nothing' END;
        WHEN OTHERS THEN words := 'refused ' || SQLSTATE;
            IF SQLSTATE !~ '^(2|4|KB|09)' THEN words := 'broken ' || SQLSTATE || ' ' || SQLERRM; END IF;
    END;
    INSERT INTO public.tried (relation, command, statement, outcome, wrong, named)
    VALUES (relation::regclass, command, statement, words, found, told);
END $$;

-- Every course that a person may use, and every source of it, from what was bought and given; no derived table is read.
CREATE FUNCTION public.usable(u uuid) RETURNS TABLE (course uuid) LANGUAGE sql STABLE AS $$
    WITH who AS (SELECT * FROM coursebase.users WHERE id = u AND deleted_at IS NULL),
    setting AS (SELECT name, coalesce(value, default_value) AS value FROM coursebase.settings),
    counted AS (SELECT 'production' AS environment UNION SELECT 'sandbox' FROM setting WHERE name = 'accept_sandbox' AND value = 'true'),
    premium AS (
        SELECT s.user_id FROM who JOIN coursebase.subscriptions s ON s.user_id = who.id
        WHERE coalesce(s.environment, 'production') IN (SELECT environment FROM counted)
            AND CASE WHEN s.status IN ('active', 'trialing', 'on_hold', 'paused') THEN now() < s.expires_at
                WHEN s.status IN ('canceled', 'in_grace') THEN now() < greatest(s.expires_at, s.grace_until) END)
    SELECT c.id FROM coursebase.courses c WHERE c.is_free
    UNION SELECT g.course_id FROM who JOIN coursebase.course_grants g ON g.user_id = who.id
        LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id WHERE s.refunded_at IS NULL AND (g.expires_at IS NULL OR now() < g.expires_at)
    UNION SELECT p.course_id FROM who JOIN coursebase.course_purchases p ON p.user_id = who.id JOIN counted USING (environment)
        WHERE p.status = 'valid' AND p.source <> 'premium_slot'
    UNION SELECT p.course_id FROM premium JOIN coursebase.course_purchases p USING (user_id) JOIN counted USING (environment)
        WHERE p.status = 'valid' AND p.source = 'premium_slot'
    UNION SELECT c.id FROM premium, coursebase.entitlements n, coursebase.courses c WHERE c.in_premium AND n.name = 'premium' AND n.covers_every_course
    UNION SELECT c.id FROM who, coursebase.courses c WHERE who.role = 'admin'
$$;

-- The answer to a phone, as the cache gives it and as it is computed anew.
CREATE FUNCTION public.answer_differs(u uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    kept text := coursebase.handshake(u, '{}')::text;
BEGIN
    DELETE FROM coursebase.cached_handshake_responses WHERE user_id = u;
    RETURN kept IS DISTINCT FROM coursebase.handshake(u, '{}')::text;
END $$;

-- Whether rows come by a load that fires no trigger.
CREATE FUNCTION public.loaded() RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT current_setting('session_replication_role') = 'replica' $$;

-- What is not as the rules say. None of it asks check_integrity(), and none reads what it judges from the same table.
CREATE FUNCTION public.wrong() RETURNS TABLE (question text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    SELECT 'courses that a person may use' FROM coursebase.users u
    WHERE ARRAY(SELECT unnest(coursebase.accessible_course_ids(u.id)) ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT course FROM public.usable(u.id) ORDER BY 1)
    UNION ALL
    SELECT 'programs that a person may use' FROM coursebase.users u
    WHERE ARRAY(SELECT unnest(coursebase.accessible_program_ids(u.id)) ORDER BY 1) IS DISTINCT FROM ARRAY(
        SELECT e.program_id FROM coursebase.course_entitlements e JOIN coursebase.course_configs c USING (program_id)
            WHERE e.user_id = u.id AND u.deleted_at IS NULL AND e.status = 'active' AND c.status <> 'draft'
        UNION SELECT p.id FROM coursebase.memberships m JOIN coursebase.programs p USING (organization_id)
            WHERE m.user_id = u.id AND u.deleted_at IS NULL AND m.role IN ('owner', 'admin', 'coach')
        UNION SELECT p.id FROM coursebase.programs p WHERE u.role = 'admin' AND u.deleted_at IS NULL ORDER BY 1)
    UNION ALL
    SELECT 'user_course_access' WHERE EXISTS (
        SELECT user_id, course_id FROM coursebase.user_course_access
        EXCEPT SELECT g.user_id, g.course_id FROM coursebase.course_grants g LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id WHERE s.refunded_at IS NULL AND g.expires_at IS NULL)
        OR EXISTS (SELECT g.user_id, g.course_id FROM coursebase.course_grants g LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id WHERE s.refunded_at IS NULL AND g.expires_at IS NULL
            EXCEPT SELECT user_id, course_id FROM coursebase.user_course_access)
    UNION ALL
    SELECT 'what a new purchase gave' FROM coursebase.purchases s WHERE s.id NOT IN (SELECT id FROM public.was_purchases) AND EXISTS (
        SELECT course_id FROM coursebase.course_products WHERE product_id = s.product_id
        EXCEPT SELECT course_id FROM coursebase.course_grants WHERE purchase_id = s.id AND user_id = s.user_id)
        AND (NOT public.loaded() OR EXISTS (SELECT FROM coursebase.course_products WHERE product_id = s.product_id AND created_at <= s.created_at))
    UNION ALL
    SELECT 'sums of refunds' FROM coursebase.purchases s LEFT JOIN LATERAL (SELECT coalesce(sum(r.amount_in_cents), 0) AS told
        FROM coursebase.purchase_refunds r WHERE r.purchase_id = s.id AND r.reversed_at IS NULL) r ON true
    WHERE s.refunded_in_cents < r.told OR (s.refunded_at IS NOT NULL) <> (s.refunded_in_cents = s.price_paid_in_cents AND (s.price_paid_in_cents > 0 OR s.refunded_at IS NOT NULL))
    UNION ALL
    SELECT 'refunds without an audit' FROM coursebase.purchases s JOIN public.was_purchases w USING (id)
    WHERE s.refunded_in_cents <> w.refunded_in_cents AND NOT public.loaded() AND NOT EXISTS (SELECT FROM coursebase.audit_events e WHERE e.object = 'purchases/' || s.id AND e.id NOT IN (SELECT id FROM public.was_audit))
    UNION ALL
    SELECT 'credits' FROM (SELECT l.user_id, sum(l.weekly_credits) AS week, sum(l.bank_credits) AS bank FROM coursebase.credit_log l GROUP BY 1) l
    FULL JOIN coursebase.ai_usage a USING (user_id)
    WHERE (l.week, l.bank) IS DISTINCT FROM ((a.weekly_limit_credits - a.weekly_used_credits)::numeric, (a.bank_limit_credits - a.bank_used_credits)::numeric)
    UNION ALL
    SELECT 'credits of packs' FROM (SELECT p.user_id, sum(p.credits - p.refunded_credits) AS held FROM coursebase.ai_credit_purchases p GROUP BY 1) p
    FULL JOIN coursebase.ai_usage a USING (user_id) WHERE coalesce(p.held, 0) <> coalesce(a.bank_limit_credits, 0)
    UNION ALL
    SELECT 'premium' FROM coursebase.users u WHERE coursebase.has_premium(u.id) IS DISTINCT FROM (u.deleted_at IS NULL AND EXISTS (
        SELECT FROM coursebase.subscriptions s WHERE s.user_id = u.id AND CASE WHEN s.status IN ('active', 'trialing', 'on_hold', 'paused') THEN now() < s.expires_at
            WHEN s.status IN ('canceled', 'in_grace') THEN now() < greatest(s.expires_at, s.grace_until) ELSE false END))
    UNION ALL
    SELECT 'uses of a code' FROM coursebase.discount_codes c
    WHERE c.redeemed_count + (SELECT coalesce(sum(s.redeemed_count), 0) FROM coursebase.discount_code_shards s WHERE s.discount_code_id = c.id)
            <> (SELECT count(*) FROM coursebase.discount_redemptions r WHERE r.discount_code_id = c.id AND r.reversed_at IS NULL)
                + (SELECT count(*) FROM coursebase.user_discounts d WHERE d.discount_code_id = c.id AND d.status = 'reserved')
    UNION ALL
    SELECT 'referral credit' FROM coursebase.referral_credits c
    WHERE c.spent_in_cents <> (SELECT coalesce(sum(s.amount_in_cents), 0) FROM coursebase.referral_spendings s WHERE s.referral_credit_id = c.id)
    UNION ALL
    SELECT 'completed_at' FROM coursebase.course_entitlements e
    WHERE e.completed_at IS DISTINCT FROM (SELECT CASE WHEN bool_and(c.id IS NOT NULL) THEN max(c.completed_at) END FROM coursebase.course_workouts w
        LEFT JOIN coursebase.course_workout_completions c ON c.course_workout_id = w.id AND c.entitlement_id = e.id WHERE w.program_id = e.program_id AND NOT w.is_rest)
    UNION ALL
    SELECT 'money without the program' FROM coursebase.payment_transactions t WHERE t.type = 'charge' AND t.status = 'completed' AND t.program_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM coursebase.course_entitlements e WHERE e.user_id = t.user_id AND e.program_id = t.program_id)
    UNION ALL
    SELECT 'a program without the money' FROM coursebase.course_entitlements e JOIN coursebase.payment_transactions t ON t.id = e.source_payment_transaction_id
        WHERE e.status = 'active' AND (t.status <> 'completed' OR t.type <> 'charge' OR t.user_id <> e.user_id)
    UNION ALL
    SELECT 'currency' FROM coursebase.plans p JOIN coursebase.organizations o ON o.id = p.organization_id WHERE p.currency <> o.currency
    UNION ALL
    SELECT 'owners' FROM coursebase.organizations o WHERE NOT EXISTS (SELECT FROM coursebase.memberships m WHERE m.organization_id = o.id AND m.role = 'owner')
        AND EXISTS (SELECT FROM coursebase.memberships m WHERE m.organization_id = o.id)
    UNION ALL
    SELECT 'a public product without a course' FROM coursebase.products p WHERE p.status = 'public'
        AND NOT EXISTS (SELECT FROM coursebase.course_products l WHERE l.product_id = p.id)
    UNION ALL
    SELECT 'places' FROM (SELECT section_id, "order" FROM coursebase.lessons UNION ALL SELECT course_id, "order" FROM coursebase.course_sections) p (parent, place)
    GROUP BY parent, place HAVING count(*) > 1
    UNION ALL
    SELECT 'checksums' FROM (SELECT data::text, checksum, file_size_bytes FROM coursebase.course_documents UNION ALL SELECT data::text, checksum, file_size_bytes FROM coursebase.custom_courses
        UNION ALL SELECT content::text, checksum, file_size_bytes FROM coursebase.master_manifests) d (bytes, checksum, size) WHERE md5(bytes) <> checksum OR octet_length(bytes) <> size
    UNION ALL
    SELECT 'a role without an audit' FROM coursebase.users u LEFT JOIN public.was_users w USING (id) WHERE u.role IS DISTINCT FROM coalesce(w.role, 'user')
        AND NOT public.loaded() AND NOT EXISTS (SELECT FROM coursebase.audit_events e WHERE e.object = 'users/' || u.id AND e.id NOT IN (SELECT id FROM public.was_audit))
    UNION ALL
    SELECT 'a setting without an audit' FROM coursebase.settings s JOIN public.was_settings w USING (name) WHERE s.value IS DISTINCT FROM w.value
        AND NOT public.loaded() AND NOT EXISTS (SELECT FROM coursebase.audit_events e WHERE e.object = 'settings/' || s.name AND e.id NOT IN (SELECT id FROM public.was_audit))
    UNION ALL
    SELECT 'paid and still pending' FROM coursebase.course_entitlements e WHERE e.status = 'pending' AND 'completed' = (
        SELECT t.status FROM coursebase.payment_transactions t WHERE t.user_id = e.user_id AND t.program_id = e.program_id AND t.type = 'charge' ORDER BY t.created_at DESC, t.id LIMIT 1)
    UNION ALL
    SELECT 'a receipt and what it gave' FROM coursebase.store_receipts r
    LEFT JOIN coursebase.course_purchases c ON (c.source, c.environment, c.purchase_id) = (r.source, r.environment, r.purchase_id)
    LEFT JOIN coursebase.ai_credit_purchases a ON (a.source, a.environment, a.purchase_id) = (r.source, r.environment, r.purchase_id)
    LEFT JOIN coursebase.custom_course_purchases m ON (m.source, m.environment, m.purchase_id) = (r.source, r.environment, r.purchase_id)
    WHERE r.kind <> 'subscription' AND CASE r.status WHEN 'valid' THEN 'refunded' IN (c.status, a.status, m.status) OR coalesce(c.id, a.id, m.id) IS NULL
        WHEN 'refunded' THEN c.status = 'valid' OR a.status = 'valid' OR m.status = 'active' END
    UNION ALL
    SELECT 'what a reversal goes back to' FROM coursebase.purchases s
    WHERE s.refunded_in_part_in_cents NOT BETWEEN 0 AND CASE WHEN s.refunded_at IS NULL THEN 0 ELSE s.refunded_in_cents END
        OR s.refunded_at IS NOT NULL AND s.refunded_in_part_in_cents <> (SELECT w.refunded_in_part_in_cents FROM public.was_purchases w WHERE w.id = s.id AND w.refunded_at IS NOT NULL)
    UNION ALL
    SELECT 'a direct grant without an audit' FROM coursebase.course_grants g WHERE g.purchase_id IS NULL AND g.id NOT IN (SELECT id FROM public.was_grants)
        AND NOT public.loaded() AND NOT EXISTS (SELECT FROM coursebase.audit_events e WHERE e.action ~ 'grant' AND e.id NOT IN (SELECT id FROM public.was_audit))
    UNION ALL
    SELECT 'staff without an audit' FROM coursebase.memberships m FULL JOIN public.was_memberships w USING (id)
    WHERE coalesce(nullif(m.role, 'member')::text, '') <> coalesce(nullif(w.role, 'member')::text, '')
        AND NOT public.loaded() AND NOT EXISTS (SELECT FROM coursebase.audit_events e WHERE e.object = 'memberships/' || coalesce(m.id, w.id) AND e.id NOT IN (SELECT id FROM public.was_audit))
    UNION ALL
    SELECT 'a person without a profile' FROM coursebase.users u WHERE NOT EXISTS (SELECT FROM coursebase.user_profile p WHERE p.user_id = u.id);
    RETURN QUERY SELECT 'what a phone is told' FROM coursebase.users u WHERE u.deleted_at IS NULL
        AND NOT public.loaded() AND public.answer_differs(u.id);
END $$;

-- More of life than the fixtures have: Bob bought and was paid back, and bought for a month, Root waits to pay for a program, Ada's was revoked;
-- receipts of each kind, one refunded; a code that is reserved; credits that were used; an account that was closed.
\set ada '''00000000-0000-4000-a000-00000000000a'''
\set bob '''00000000-0000-4000-a000-00000000000b'''
\set root '''00000000-0000-4000-a000-00000000000c'''
\set eve '''00000000-0000-4000-a000-00000000000e'''
\set strong '''00000000-0000-4000-a000-000000000231'''
\set bundle '''00000000-0000-4000-a000-0000000000e1'''
\o /dev/null
SELECT coursebase.upsert_user('fixture_root', 'Root', 'root@example.org');
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:eve, 'fixture_eve', 'Eve', 'eve@example.org');
SELECT coursebase.upsert_user('fixture_eve', 'Eve', 'eve@example.org');
SELECT coursebase.refund_purchase(p.purchase_id) FROM coursebase.complete_purchase(:bob, :bundle, 'cs_bob', 4900, 'paid') p;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, access_days) VALUES (md5('month')::uuid, 'Month', '', '/month.png', 5, 30);
INSERT INTO coursebase.course_products (product_id, course_id) VALUES (md5('month')::uuid, '00000000-0000-4000-a000-0000000000d3');
SELECT coursebase.complete_purchase(:bob, md5('month')::uuid, 'cs_month', 500, 'paid');
SELECT coursebase.complete_purchase(:eve, :bundle, 'cs_eve', 4900, 'paid');
SELECT coursebase.attach_payment_reference(c.transaction_id, 'stripe', 'root-1') FROM coursebase.begin_checkout(:root, :strong) c;
SELECT coursebase.attach_payment_reference(c.transaction_id, 'stripe', 'ada-1') FROM coursebase.begin_checkout(:ada, :strong) c;
SELECT coursebase.apply_payment_event(organization_id, 'stripe', 'ada-1', 'completed') FROM coursebase.programs WHERE id = :strong;
SELECT coursebase.refund_transaction(id) FROM coursebase.payment_transactions WHERE provider_reference = 'ada-1';
INSERT INTO coursebase.store_products (product_id, kind, course_code) VALUES ('x99enb', 'custom_course', 'X99ENB'), ('premium', 'subscription', NULL);
SELECT coursebase.validate_purchase(u::uuid, format('{"product_id": "%s", "source": "google_play", "purchase_id": "walk %s", "purchase_token": "t%2$s", "transaction_date": "1767268800000"%s}', product, n, more)::json)
FROM (VALUES (1, :bob, 'c02fix', ', "voice": "male"'), (2, :bob, 'c02fix', ', "voice": "female"'), (3, :bob, 'ai_credits_4000', ''), (4, :bob, 'x99enb', ''),
    (5, :bob, 'premium', ', "period_end": "2099-01-01T00:00:00Z"'), (6, :bob, 'ai_credits_4000', '')) v (n, u, product, more) ORDER BY n;
SELECT coursebase.refund_store_purchase('google_play', 'production', 'walk ' || n) FROM unnest(ARRAY[2, 6]) n;
SELECT coursebase.consume_credits(:bob, 100, 'walk');
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('WALK', 'course', 10, 3);
SELECT coursebase.reserve_discount(:root, 'WALK', 'course', 1000, 'EUR', 'walk');
SELECT coursebase.delete_user(:eve);
\o

CREATE TABLE public.was_purchases AS SELECT * FROM coursebase.purchases;
CREATE TABLE public.was_audit AS SELECT id FROM coursebase.audit_events;
CREATE TABLE public.was_grants AS SELECT id FROM coursebase.course_grants;
CREATE TABLE public.was_memberships AS SELECT id, role FROM coursebase.memberships;
CREATE TABLE public.was_users AS SELECT * FROM coursebase.users;
CREATE TABLE public.was_settings AS SELECT * FROM coursebase.settings;
-- Phones have asked before, so that there is a cache to be wrong.
SELECT count(coursebase.handshake(id, '{}')) FROM coursebase.users WHERE deleted_at IS NULL;

-- check_integrity() with its statements planned once and not at each call: the bodies of the functions that it runs. The
-- server reads a file for each time zone whenever it lists them.
CREATE TABLE public.zones AS SELECT name FROM pg_timezone_names;
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE FUNCTION public.integrity() RETURNS TABLE (name text, object text, problem text) LANGUAGE plpgsql AS %L',
        format(E'#variable_conflict use_column\nBEGIN\n%s\nEND', string_agg(format('RETURN QUERY %s;', CASE WHEN l.lanname = 'sql' THEN replace(p.prosrc, 'pg_timezone_names', 'public.zones') ELSE format('SELECT * FROM %s()', p.oid::regproc) END), E'\n' ORDER BY p.proname)))
        FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = 'coursebase'::regnamespace AND p.pronargs = 0 AND p.proargnames = '{check_name,object,problem}');
END $$;
