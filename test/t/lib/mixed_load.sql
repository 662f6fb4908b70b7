-- What a session of the mixed load does: public.act(n) draws one act from the number n alone, does it for one of few
-- people, and notes what it did in public.done, in the same transaction. What a rule refuses is no act.

CREATE TABLE public.done (
    n      bigint PRIMARY KEY,
    what   text NOT NULL,
    key    text NOT NULL,
    amount bigint NOT NULL
);

-- From 0 to below.
CREATE FUNCTION public.draw(n bigint, which integer, below integer) RETURNS integer LANGUAGE sql IMMUTABLE AS
    $$ SELECT (abs(hashint8extended(n, which) % below))::integer $$;
CREATE FUNCTION public.person(number integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT format('00000000-0000-4000-8000-0000000007%s', to_char(number, 'FM00'))::uuid $$;

INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT public.person(i), 'mixed_' || i, 'Mixed', 'mixed@example.org' FROM generate_series(0, 11) i;
INSERT INTO coursebase.user_profile (user_id, email, referral_code)
SELECT public.person(i), 'mixed@example.org', 'UMIXE' || chr(65 + i) || '2' FROM generate_series(0, 11) i;
INSERT INTO coursebase.cohorts (code, name, kind) SELECT 'mixed' || i, 'Mixed', 'experiment' FROM generate_series(0, 2) i;
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions)
SELECT 'MIXED' || i, 'course', 10, 3 + 40 * (i / 4) FROM generate_series(0, 5) i;
SELECT coursebase.split_counter('MIXED5', 4);
INSERT INTO coursebase.master_manifests (name, content, is_default) VALUES ('shop.json', '[]', true), ('ads.json', '[]', true);
UPDATE coursebase.settings SET value = '60' WHERE name = 'free_weekly_credits';
UPDATE coursebase.settings SET value = '0' WHERE name = 'referral_hold_days';

CREATE TYPE public.act AS (what text, key text, amount bigint);

-- A store's event; it belongs to one person and is delivered several times, by several sessions.
CREATE FUNCTION public.act_event(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    event integer := public.draw(n, 10, 600);
BEGIN
    PERFORM coursebase.apply_subscription_event(public.person(event % 12), json_build_object(
        'store', 'stripe', 'environment', 'production', 'store_event_id', 'mixed ' || event,
        'original_transaction_id', format('mixed %s %s', event % 12, event % 5 / 4),
        'transaction_id', format('mixed %s %s', event % 12, event % 7),
        'event_type', (ARRAY['created', 'renewed', 'canceled', 'grace_started', 'hold_started', 'recovered', 'revoked',
            'unrevoked', 'expired', 'extended'])[1 + public.draw(event, 11, 10)],
        'event_time', timestamptz '2026-05-30 00:00+00' + public.draw(event, 12, 48) * interval '1 hour',
        'period_end', timestamptz '2026-06-30 00:00+00' + public.draw(event, 13, 48) * interval '1 hour',
        'grace_until', timestamptz '2026-07-04 00:00+00'), at);
    RETURN ROW('event', event, 1)::public.act;
END $$;

CREATE FUNCTION public.act_credits(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    kind integer := public.draw(n, 20, 10);
    use text;
    used bigint;
    pack integer := public.draw(n, 21, 60);
BEGIN
    IF kind < 5 THEN
        SELECT u.credits INTO used FROM coursebase.consume_credits(who, 0.5 + public.draw(n, 22, 3), 'use ' || n, at) u;
        RETURN ROW('use', 'use ' || n, used)::public.act;
    ELSIF kind = 5 THEN
        PERFORM coursebase.reserve_credits(who, 3, 'held ' || n, at);
        RETURN ROW('hold', 'held ' || n, 3)::public.act;
    ELSIF kind < 8 THEN
        SELECT l.idempotency_key INTO use FROM coursebase.credit_log l WHERE l.user_id = who AND l.kind = 'reserve'
            ORDER BY md5(l.idempotency_key || n) LIMIT 1;
        IF use IS NULL THEN
            RETURN NULL;
        END IF;
        IF kind = 6 THEN
            SELECT u.credits INTO used FROM coursebase.commit_credits(who, use, 2, at) u;
            RETURN ROW('use', use, used)::public.act;
        END IF;
        PERFORM coursebase.release_credits(who, use, at);
        RETURN ROW('release', use, 0)::public.act;
    ELSIF kind = 8 THEN
        PERFORM coursebase.grant_credit_pack(public.person(pack % 12), 'ai_credits_20', 20, 'app_store', 'production',
            'pack ' || pack, 'token', at => at);
        RETURN ROW('pack', pack, 20)::public.act;
    END IF;
    PERFORM coursebase.refund_credit_pack('app_store', 'production', 'pack ' || pack, at);
    RETURN ROW('pack refund', pack, 20)::public.act;
END $$;

CREATE FUNCTION public.act_discount(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    kind integer := public.draw(n, 30, 10);
    code text := 'mixed' || public.draw(n, 31, 6);
    order_of text;
BEGIN
    IF kind < 4 THEN
        PERFORM coursebase.redeem_discount(who, code, 'course', 1000, 'USD', 'order ' || n, at => at);
        RETURN ROW('redeem', 'order ' || n, 1)::public.act;
    ELSIF kind < 7 THEN
        PERFORM coursebase.reserve_discount(who, code, 'course', 1000, 'USD', 'order ' || n, at => at, ttl => '1 hour');
        RETURN ROW('reserve', 'order ' || n, 1)::public.act;
    END IF;
    SELECT d.order_ref INTO order_of FROM coursebase.user_discounts d WHERE d.user_id = who AND d.order_ref IS NOT NULL
        ORDER BY md5(d.order_ref || n) LIMIT 1;
    IF order_of IS NULL THEN
        RETURN NULL;
    ELSIF kind = 7 AND coursebase.release_discount(who, order_of) THEN
        RETURN ROW('release', order_of, 1)::public.act;
    ELSIF kind > 7 AND coursebase.reverse_discount(who, order_of, at) THEN
        RETURN ROW('reverse', order_of, 1)::public.act;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.act_referral(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
BEGIN
    IF public.draw(n, 40, 2) = 0 THEN
        IF coursebase.attach_referral(who, 'UMIXE' || chr(65 + public.draw(n, 41, 12)) || '2', at) THEN
            RETURN ROW('attach', who, 1)::public.act;
        END IF;
        RETURN NULL;
    END IF;
    RETURN ROW('spend', 'spend ' || n, coursebase.spend_referral_credit(who, 1 + public.draw(n, 42, 200), 'spend ' || n, at))::public.act;
END $$;

CREATE FUNCTION public.act_document(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    kind integer := public.draw(n, 50, 10);
    receipt integer := public.draw(n, 51, 24);
    course uuid;
    purchase uuid;
    link uuid;
BEGIN
    IF kind = 0 THEN
        PERFORM coursebase.create_custom_course(public.person(receipt % 12), 'app_store', 'production', 'made ' || receipt, 'token', at => at);
        RETURN ROW('made', receipt, 1)::public.act;
    END IF;
    SELECT c.id, p.id, p.link_token INTO course, purchase, link
    FROM coursebase.custom_courses c JOIN coursebase.custom_course_purchases p ON p.course_id = c.id
    WHERE c.user_id = who ORDER BY md5(c.id::text || n) LIMIT 1;
    IF course IS NULL THEN
        RETURN NULL;
    ELSIF kind < 8 THEN
        PERFORM coursebase.update_json(course, json_build_object('url', 'https://media.example.org/' || n));
        RETURN ROW('append', n, 1)::public.act;
    ELSIF kind = 8 THEN
        PERFORM coursebase.submit_custom_course(link, 'generate_audio', '{"issue": "I freeze when I have to speak before people.",
            "goal": "I want to speak calmly before a full room.", "feel": "steady and at ease", "why": "My work depends on it.",
            "title": "Stage fright", "scripts": [{"number": 1, "technique": "a"}, {"number": 2, "technique": "b"},
            {"number": 3, "technique": "c"}]}', at);
        RETURN ROW('submit', link, 1)::public.act;
    END IF;
    PERFORM coursebase.manage_regen_requests(purchase, at);
    RETURN ROW('link', purchase, 1)::public.act;
END $$;

CREATE FUNCTION public.act_phone(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
BEGIN
    PERFORM coursebase.handshake(who, json_build_object('device_id', 'phone ' || public.draw(n, 60, 3),
        'analytics', json_build_object('voice', 'v' || n, 'audio_usage', json_build_object('1',
            json_build_object('title', 'One', 'no_of_plays', public.draw(n, 61, 1000)))),
        'checksums', json_build_object('shop.json', md5(n::text))), at);
    RETURN ROW('handshake', n, 1)::public.act;
END $$;

CREATE FUNCTION public.act_account(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    number integer := public.draw(n, 70, 12);
BEGIN
    CASE public.draw(n, 71, 4)
    WHEN 0 THEN PERFORM coursebase.assign_cohort(who, 'mixed' || public.draw(n, 72, 3));
    WHEN 1 THEN PERFORM coursebase.upsert_user('mixed_' || number, 'Mixed ' || n, 'mixed@example.org', at => at);
    WHEN 2 THEN PERFORM coursebase.log_app('user_action', 'mixed ' || n, user_id => who, at => at);
    WHEN 3 THEN UPDATE coursebase.master_manifests SET content = to_json(n) WHERE name = 'shop.json' AND n % 4 = 0;
    END CASE;
    RETURN ROW('account', n, 1)::public.act;
END $$;

-- Several calls about one person in one transaction.
CREATE FUNCTION public.act_together(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    credits bigint;
BEGIN
    PERFORM FROM coursebase.users WHERE id = who FOR NO KEY UPDATE;
    PERFORM coursebase.redeem_discount(who, 'mixed' || public.draw(n, 80, 6), 'course', 1000, 'USD', 'order ' || n, at => at);
    PERFORM coursebase.handshake(who, json_build_object('device_id', 'tablet'), at);
    SELECT u.credits INTO credits FROM coursebase.consume_credits(who, 1, 'use ' || n, at) u;
    INSERT INTO public.done VALUES (-n, 'use', 'use ' || n, credits);
    RETURN ROW('redeem', 'order ' || n, 1)::public.act;
END $$;

-- The number of an act that was done, or nothing.
CREATE FUNCTION public.act(n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    who uuid := public.person(public.draw(n, 1, 12));
    at timestamptz := timestamptz '2026-06-02 00:00+00' + public.draw(n, 2, 2880) * interval '1 minute';
    kinds text[] := public.kinds();
    did public.act;
BEGIN
    BEGIN
        EXECUTE format('SELECT * FROM public.act_%s($1, $2, $3)', kinds[1 + public.draw(n, 3, cardinality(kinds))])
        INTO did USING n, who, at;
    EXCEPTION WHEN OTHERS THEN
        IF SQLSTATE NOT LIKE 'KB%' THEN
            RAISE;
        END IF;
        RETURN NULL;
    END;
    IF did.what IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.done VALUES (n, did.what, did.key, did.amount);
    RETURN n;
END $$;
CREATE FUNCTION public.kinds() RETURNS text[] LANGUAGE sql IMMUTABLE AS
    $$ SELECT ARRAY['event', 'event', 'credits', 'credits', 'discount', 'discount', 'referral', 'document', 'document',
        'phone', 'account', 'together'] $$;

-- Sums that are not right: what was done by those who did it, beside what the tables say.
CREATE VIEW public.wrong_sums AS
SELECT * FROM (VALUES
    ('events', (SELECT count(DISTINCT key) FROM public.done WHERE what = 'event'),
        (SELECT count(*) FROM coursebase.subscription_events)),
    ('credits used', (SELECT coalesce(sum(amount), 0) FROM (SELECT DISTINCT key, amount FROM public.done WHERE what = 'use') u),
        (SELECT coalesce(sum(credits), 0) FROM coursebase.credit_log WHERE kind IN ('consume', 'commit'))),
    ('packs', (SELECT count(DISTINCT key) FROM public.done WHERE what = 'pack'),
        (SELECT count(*) FROM coursebase.ai_credit_purchases)),
    ('packs refunded', (SELECT count(DISTINCT key) FROM public.done WHERE what = 'pack refund'),
        (SELECT count(*) FROM coursebase.ai_credit_purchases WHERE status = 'refunded')),
    ('discounts used', (SELECT count(*) FROM public.done WHERE what = 'redeem'),
        (SELECT count(*) FROM coursebase.discount_redemptions)),
    ('uses given back', (SELECT count(*) FROM public.done WHERE what = 'reverse'),
        (SELECT count(*) FROM coursebase.discount_redemptions WHERE reversed_at IS NOT NULL)),
    ('places', (SELECT count(*) FROM coursebase.user_discounts WHERE status <> 'assigned'),
        (SELECT sum(redeemed_count) FROM (SELECT redeemed_count FROM coursebase.discount_codes
            UNION ALL SELECT redeemed_count FROM coursebase.discount_code_shards) c)),
    ('people brought', (SELECT count(*) FROM public.done WHERE what = 'attach'),
        (SELECT count(*) FROM coursebase.user_profile WHERE referred_by IS NOT NULL)),
    ('referral credit spent', (SELECT coalesce(sum(amount), 0) FROM public.done WHERE what = 'spend'),
        (SELECT coalesce(sum(spent_in_cents), 0) FROM coursebase.referral_credits)),
    ('custom courses', (SELECT count(DISTINCT key) FROM public.done WHERE what = 'made'),
        (SELECT count(*) FROM coursebase.custom_courses)),
    ('appends', (SELECT count(*) FROM public.done WHERE what = 'append'),
        (SELECT count(DISTINCT e ->> 'url') FROM coursebase.custom_courses c, json_array_elements(c.data -> 'audio_files') e))
) AS s (what, done, found) WHERE done IS DISTINCT FROM found;
