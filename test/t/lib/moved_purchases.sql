-- Histories of purchases that go from account to account, and the oracle: 517_moved_purchases.pl.
SET client_min_messages = warning;
UPDATE coursebase.settings SET value = '0' WHERE name = 'free_weekly_credits';
UPDATE coursebase.entitlements SET weekly_credits = 0;
INSERT INTO coursebase.courses (id, course_code, title, description)
SELECT ('00000000-0000-4000-8000-00000051700' || n)::uuid, 'C517M' || n, 'One', '' FROM generate_series(1, 2) n;
INSERT INTO coursebase.store_products (product_id, kind, course_id, credits, course_code) VALUES
    ('course.1', 'course', '00000000-0000-4000-8000-000000517001', NULL, NULL),
    ('course.2', 'course', '00000000-0000-4000-8000-000000517002', NULL, NULL),
    ('pack.1', 'ai_credits', NULL, 100, NULL),
    ('custom.1', 'custom_course', NULL, NULL, 'X51MOV'),
    ('line.1', 'subscription', NULL, NULL, NULL);
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status)
VALUES ('00000000-0000-4000-8000-000000517099', 'Sale', '', '/s.png', 9, 'private');
INSERT INTO coursebase.course_products (course_id, product_id)
VALUES ('00000000-0000-4000-8000-000000517001', '00000000-0000-4000-8000-000000517099');

CREATE FUNCTION public.person(h integer, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT md5(format('moved %s %s', h, n))::uuid $$;
-- The oracle. owner: whose it is. merged: whom the account became. is_closed: it gives nothing and gets nothing.
CREATE TABLE public.people (h integer, n integer, is_closed boolean NOT NULL DEFAULT false, merged integer, PRIMARY KEY (h, n));
CREATE TABLE public.bought (
    id text PRIMARY KEY, h integer, product text, line text, owner integer, day integer,
    is_refunded boolean NOT NULL DEFAULT false, is_told boolean NOT NULL DEFAULT true, refunds integer NOT NULL DEFAULT 0
);
CREATE TABLE public.spent (h integer, credits bigint);
CREATE TABLE public.held (h integer, n integer, key text, PRIMARY KEY (h, key));
CREATE TABLE public.acts (h integer, i integer, act text, story text, expected text, state text, message text);

CREATE FUNCTION public.at(day integer) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamptz '2026-01-01 00:00:00+00' + day * interval '1 day' $$;
CREATE FUNCTION public.receipt(b public.bought) RETURNS json LANGUAGE sql AS $$
    SELECT json_strip_nulls(json_build_object('source', 'app_store', 'product_id', b.product, 'purchase_id', b.id, 'purchase_token', 't-' || b.id,
        'transaction_date', public.at(b.day), 'price_in_cents', 900, 'currency', 'EUR', 'original_transaction_id', b.line,
        'period_end', CASE WHEN b.line IS NOT NULL THEN timestamptz '2027-06-01 00:00:00+00' END)) $$;
-- The account that an id leads to.
CREATE FUNCTION public.followed(hh integer, nn integer) RETURNS integer LANGUAGE sql AS $$
    SELECT coalesce((SELECT p.merged FROM public.people p WHERE (p.h, p.n) = (hh, nn)), nn) $$;
CREATE FUNCTION public.closed(hh integer, nn integer) RETURNS boolean LANGUAGE sql AS $$
    SELECT p.is_closed FROM public.people p WHERE (p.h, p.n) = (hh, nn) $$;

-- Does one act; answers the SQLSTATE of its refusal, NULL where it was done.
CREATE FUNCTION public.tried(statement text, OUT state text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
    state := SQLSTATE;
END $$;

CREATE FUNCTION public.act(hh integer, i integer, mode text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b public.bought;
    a integer := 1 + floor(random() * 5)::integer;
    c integer := 1 + floor(random() * 5)::integer;
    act text := (ARRAY['buy', 'buy', 'buy', 'buy', 'sale', 'bring', 'bring', 'refund', 'refund', 'reverse', 'reverse', 'refund_first', 'all', 'one', 'one', 'line', 'merge', 'close', 'spend', 'reserve', 'end', 'event'])[1 + floor(random() * 22)::integer];
    day integer := i * 2;
    expected text;
    statement text;
    got record;
    allowed boolean;
    f integer;
    other integer;
BEGIN
    SELECT * INTO b FROM public.bought x WHERE x.h = hh ORDER BY random() LIMIT 1;
    IF b.id IS NULL AND act NOT IN ('sale', 'refund_first') THEN act := 'buy'; END IF;
    IF act = 'buy' OR act = 'refund_first' THEN
        b := ROW(format('p-%s-%s', hh, i), hh, (ARRAY['course.1', 'course.1', 'course.2', 'pack.1', 'custom.1', 'line.1'])[1 + floor(random() * 6)::integer], NULL, NULL, day, false, true, 0);
        IF b.product = 'line.1' THEN
            b.line := coalesce((SELECT x.line FROM public.bought x WHERE x.h = hh AND x.line IS NOT NULL AND random() < 0.3 LIMIT 1), b.id);
        END IF;
    END IF;
    IF act = 'buy' THEN act := 'bring'; END IF;
    IF act IN ('bring', 'event') AND b.product = 'sale' THEN act := 'sale'; END IF;
    IF act = 'refund_first' AND b.line IS NOT NULL THEN act := 'bring'; END IF;
    IF act = 'event' AND b.line IS NULL THEN act := 'bring'; END IF;
    IF act = 'line' AND b.line IS NULL THEN act := 'one'; END IF;
    IF act = 'one' AND (b.line IS NOT NULL OR b.product = 'sale') THEN act := 'all'; END IF;
    IF act IN ('all', 'merge') AND a = c THEN c := 1 + c % 5; END IF;
    CASE act
    WHEN 'bring' THEN
        f := public.followed(hh, a);
        -- whose it is: the receipt's person, and that of its line
        other := coalesce(b.owner, (SELECT x.owner FROM public.bought x WHERE x.line = b.line AND x.owner IS NOT NULL LIMIT 1));
        allowed := other IS NULL OR other = f OR mode = 'transfer' OR (mode = 'transfer_if_closed' AND public.closed(hh, other));
        expected := CASE WHEN public.closed(hh, f) THEN 'KB106' WHEN allowed THEN NULL WHEN b.owner IS NULL THEN 'KB503' ELSE 'KB205' END;
        got := public.tried(format('SELECT coursebase.validate_purchase(%L, %L, %L)', public.person(hh, a), public.receipt(b), public.at(day)));
        IF got.state IS NULL THEN
            INSERT INTO public.bought SELECT b.* ON CONFLICT DO NOTHING;
            UPDATE public.bought x SET owner = f, is_told = true WHERE x.id = b.id OR (x.line = b.line AND x.owner IS NOT NULL);
        END IF;
    WHEN 'sale' THEN
        b.id := CASE WHEN b.product = 'sale' THEN b.id ELSE format('p-%s-%s', hh, i) END;
        IF b.product = 'sale' THEN a := b.owner; END IF;
        expected := NULL;
        got := public.tried(format('SELECT * FROM coursebase.complete_purchase(%L, %L, %L, 900, %L, %L)', public.person(hh, a), '00000000-0000-4000-8000-000000517099', b.id, 'paid', public.at(day)));
        IF got.state IS NULL THEN
            INSERT INTO public.bought VALUES (b.id, hh, 'sale', NULL, public.followed(hh, a), day) ON CONFLICT DO NOTHING;
        END IF;
    WHEN 'refund', 'refund_first' THEN
        expected := NULL;
        IF b.product = 'sale' THEN
            statement := format('SELECT * FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases WHERE stripe_session_id = %L), NULL, %L, %L)', b.id, public.at(day), 'r-' || b.id || '-' || b.refunds);
        ELSE
            statement := format('SELECT * FROM coursebase.refund_store_purchase(%L, %L, %L, %L, NULL, NULL, %L)', 'app_store', 'production', b.id, public.at(day), 'r-' || b.id || '-' || b.refunds);
        END IF;
        got := public.tried(statement);
        IF got.state IS NULL THEN
            b.is_told := act = 'refund';
            INSERT INTO public.bought SELECT b.* ON CONFLICT DO NOTHING;
            UPDATE public.bought x SET is_refunded = true WHERE x.id = b.id;
        END IF;
    WHEN 'reverse' THEN
        expected := NULL;
        IF NOT b.is_refunded THEN RETURN; END IF;
        IF b.product = 'sale' THEN
            statement := format('SELECT * FROM coursebase.reverse_refund((SELECT id FROM coursebase.purchases WHERE stripe_session_id = %L), %L, NULL, %L)', b.id, 'r-' || b.id || '-' || b.refunds, public.at(day));
        ELSE
            statement := format('SELECT * FROM coursebase.reverse_store_refund(%L, %L, %L, %L, %L)', 'app_store', 'production', b.id, public.at(day), 'r-' || b.id || '-' || b.refunds);
        END IF;
        got := public.tried(statement);
        IF got.state IS NULL THEN
            UPDATE public.bought x SET is_refunded = false, refunds = refunds + 1 WHERE x.id = b.id;
        END IF;
    WHEN 'all' THEN
        expected := CASE WHEN public.closed(hh, c) THEN 'KB106' END;
        got := public.tried(format('SELECT * FROM coursebase.transfer_purchases(%L, %L, %L)', public.person(hh, a), public.person(hh, c), public.at(day)));
        IF got.state IS NULL THEN
            UPDATE public.bought x SET owner = c WHERE x.h = hh AND x.owner = a AND x.product <> 'sale';
        END IF;
    WHEN 'one' THEN
        expected := CASE WHEN b.owner <> c AND public.closed(hh, c) THEN 'KB106' END;
        got := public.tried(format('SELECT coursebase.transfer_receipt(%L, %L, %L, %L)', 'app_store', 'production', b.id, public.person(hh, c)));
        IF got.state IS NULL THEN
            UPDATE public.bought x SET owner = c WHERE x.id = b.id AND x.owner IS NOT NULL;
        END IF;
    WHEN 'line' THEN
        expected := CASE WHEN b.owner <> c AND public.closed(hh, c) THEN 'KB106' END;
        got := public.tried(format('SELECT coursebase.%s(%L, %L, %L)', CASE WHEN i % 2 = 0 THEN 'transfer_line' ELSE 'transfer_subscription' END, 'app_store', b.line, public.person(hh, c)));
        IF got.state IS NULL THEN
            UPDATE public.bought x SET owner = c WHERE x.line = b.line AND x.owner IS NOT NULL;
        END IF;
    WHEN 'merge' THEN
        expected := CASE WHEN public.closed(hh, a) OR (public.closed(hh, c) AND public.followed(hh, c) <> a) THEN 'KB106' END;
        got := public.tried(format('SELECT coursebase.merge_users(%L, %L, %L)', public.person(hh, a), public.person(hh, c), public.at(day)));
        IF got.state IS NULL THEN
            UPDATE public.bought x SET owner = a WHERE x.h = hh AND x.owner = c;
            UPDATE public.people p SET is_closed = true, merged = a WHERE p.h = hh AND (p.n = c OR p.merged = c);
        ELSIF got.state = 'KB402' THEN
            -- a refund waits for credits that are spent
            expected := got.state;
        END IF;
    WHEN 'close' THEN
        IF random() < 0.4 THEN RETURN; END IF;
        expected := NULL;
        got := public.tried(format('SELECT coursebase.delete_user(%L, %L)', public.person(hh, a), public.at(day)));
        IF got.state IS NULL THEN
            UPDATE public.people p SET is_closed = true WHERE p.h = hh AND (p.n = a OR p.merged = a);
            UPDATE public.people p SET merged = NULL WHERE p.h = hh AND p.merged = a;
        END IF;
    WHEN 'spend', 'reserve' THEN
        a := coalesce((SELECT x.owner FROM public.bought x WHERE x.h = hh AND x.product = 'pack.1' AND x.owner IS NOT NULL ORDER BY random() LIMIT 1), a);
        got := public.tried(format('INSERT INTO public.spent SELECT %s, credits FROM coursebase.%s(%L, 30, %L, %L)', hh, CASE act WHEN 'spend' THEN 'consume_credits' ELSE 'reserve_credits' END, public.person(hh, a), 's-' || i, public.at(day)));
        IF got.state IS NULL AND act = 'reserve' THEN
            INSERT INTO public.held VALUES (hh, a, 's-' || i);
        END IF;
        -- credits that are not there, or a closed account
        expected := CASE WHEN got.state IN ('KB701', 'KB106') THEN got.state END;
    WHEN 'end' THEN
        DELETE FROM public.held t WHERE t.h = hh AND t.key = (SELECT x.key FROM public.held x WHERE x.h = hh ORDER BY random() LIMIT 1) RETURNING t.n, t.key INTO a, statement;
        IF a IS NULL THEN RETURN; END IF;
        expected := NULL;
        got := public.tried(format('INSERT INTO public.spent SELECT %s, credits - 30 FROM coursebase.commit_credits(%L, %L, %s, %L)', hh, public.person(hh, a), statement, (ARRAY[0, 10, 30])[1 + i % 3], public.at(day)));
    WHEN 'event' THEN
        -- the store tells the period once more, by the name of whoever has it
        a := coalesce(b.owner, a);
        expected := NULL;
        got := public.tried(format('SELECT * FROM coursebase.apply_subscription_event(%L, %L, %L)', public.person(hh, a), json_build_object('store', 'app_store', 'environment', 'production',
            'store_event_id', format('e-%s-%s', hh, i), 'event_type', 'renewed', 'event_time', public.at(b.day) + interval '1 hour', 'original_transaction_id', b.line, 'transaction_id', b.id, 'product_id', b.product,
            'period_start', public.at(b.day), 'period_end', '2027-06-01T00:00:00Z'), public.at(day)));
    END CASE;
    INSERT INTO public.acts VALUES (hh, i, act, format('%s %s %s a%s c%s', act, b.id, b.product, a, c), expected, got.state, got.message);
END $$;

CREATE FUNCTION public.history(h integer, seed integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    mode text := (ARRAY['refuse', 'transfer', 'transfer_if_closed'])[1 + h % 3];
BEGIN
    PERFORM setseed((((seed * 7919 + h) % 100003) / 100003.0)::float8);
    UPDATE coursebase.settings SET value = mode WHERE name = 'restore_behavior';
    INSERT INTO public.people SELECT h, n FROM generate_series(1, 5) n;
    INSERT INTO coursebase.users (id, clerk_user_id, name, email)
    SELECT public.person(h, n), format('moved_%s_%s', h, n), 'Ada', 'ada@example.org' FROM generate_series(1, 5) n;
    FOR i IN 1 .. 16 LOOP
        PERFORM public.act(h, i, mode);
    END LOOP;
END $$;

CREATE VIEW public.story AS
SELECT h, string_agg(concat_ws(' ', i, story, '-> ' || state), '; ' ORDER BY i) AS story FROM public.acts GROUP BY h;
CREATE VIEW public.unexpected AS
SELECT a.h, a.i, a.story, a.expected, a.state, a.message, s.story AS history FROM public.acts a JOIN public.story s USING (h) WHERE a.expected IS DISTINCT FROM a.state;
CREATE VIEW public.wrong_access AS
WITH due AS (
    SELECT p.h, p.n, k.what, CASE WHEN p.is_closed THEN NULL ELSE count(b.id) END AS due
    FROM public.people p CROSS JOIN (VALUES ('course.1'), ('course.2'), ('custom.1'), ('line.1')) k (what)
    LEFT JOIN public.bought b ON b.h = p.h AND b.owner = p.n AND b.is_told AND NOT b.is_refunded AND (b.product = k.what OR (k.what = 'course.1' AND b.product = 'sale'))
    GROUP BY p.h, p.n, k.what, p.is_closed
), has AS (
    SELECT d.*, CASE d.what
        WHEN 'course.1' THEN coursebase.has_course_access('00000000-0000-4000-8000-000000517001', public.person(d.h, d.n))::integer
        WHEN 'course.2' THEN coursebase.has_course_access('00000000-0000-4000-8000-000000517002', public.person(d.h, d.n))::integer
        -- a closed account keeps its lines, because their stores go on telling of them
        WHEN 'line.1' THEN CASE WHEN d.due IS NOT NULL THEN coursebase.has_premium(public.person(d.h, d.n), '2026-12-01')::integer END
        ELSE (SELECT count(*) FROM coursebase.custom_courses c JOIN coursebase.custom_course_purchases x ON x.course_id = c.id WHERE c.user_id = public.person(d.h, d.n) AND x.status = 'active') END AS has
    FROM due d
)
SELECT x.h, x.n, x.what, x.due, x.has, s.story FROM has x JOIN public.story s USING (h)
WHERE NOT EXISTS (SELECT FROM public.people p WHERE (p.h, p.n) = (x.h, x.n) AND p.merged IS NOT NULL)
AND x.has <> CASE WHEN x.due IS NULL THEN 0 WHEN x.what = 'custom.1' THEN x.due ELSE (x.due > 0)::integer END;
-- Of each history: what all have left and have spent is what the packs hold; and where nobody spent, each has what is theirs.
CREATE VIEW public.wrong_banks AS
SELECT h.h, h.n, h.due, h.has, s.story FROM (
    SELECT p.h, NULL::integer AS n,
        (SELECT coalesce(sum(x.credits - x.refunded_credits), 0) FROM public.bought b JOIN coursebase.ai_credit_purchases x ON x.purchase_id = b.id WHERE b.h = p.h) AS due,
        sum(coalesce(a.bank_limit_credits - a.bank_used_credits, 0)) + (SELECT coalesce(sum(credits), 0) FROM public.spent t WHERE t.h = p.h) AS has
    FROM public.people p LEFT JOIN coursebase.ai_usage a ON a.user_id = public.person(p.h, p.n) GROUP BY p.h
    UNION ALL
    SELECT p.h, p.n, (SELECT 100 * count(*) FROM public.bought b WHERE b.h = p.h AND b.owner = p.n AND b.product = 'pack.1' AND b.is_told AND NOT b.is_refunded),
        coalesce((SELECT a.bank_limit_credits - a.bank_used_credits FROM coursebase.ai_usage a WHERE a.user_id = public.person(p.h, p.n)), 0)
    FROM public.people p WHERE NOT EXISTS (SELECT FROM public.spent t WHERE t.h = p.h AND t.credits > 0)
) h JOIN public.story s USING (h) WHERE h.due <> h.has;
