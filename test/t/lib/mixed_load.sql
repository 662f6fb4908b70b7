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

INSERT INTO coursebase.courses (id, course_code, title, description, in_premium)
SELECT format('00000000-0000-4000-8000-00000000080%s', i)::uuid, format('C0%sMIX', i), 'Mixed', '', true FROM generate_series(0, 3) i;
INSERT INTO coursebase.course_documents (course_id, data) SELECT id, to_json(course_code) FROM coursebase.courses;
INSERT INTO coursebase.store_products (product_id, kind, course_id)
SELECT lower(course_code), 'course', id FROM coursebase.courses;
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('mixed_credits', 'ai_credits', 20);
INSERT INTO coursebase.store_products (product_id, kind, course_code) VALUES ('x01mix', 'custom_course', 'X01MIX'), ('mixed_premium', 'subscription', NULL);
UPDATE coursebase.settings SET value = 'me.hypnoelp.app.' WHERE name = 'store_product_prefixes';
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
SELECT format('00000000-0000-4000-8000-00000000090%s', i)::uuid, 'Mixed ' || i, '', '/mixed.png', 49 FROM generate_series(0, 2) i;
INSERT INTO coursebase.course_products (course_id, product_id)
SELECT format('00000000-0000-4000-8000-00000000080%s', i + j)::uuid, format('00000000-0000-4000-8000-00000000090%s', i)::uuid
FROM generate_series(0, 2) i, generate_series(0, 1) j;
UPDATE coursebase.products SET status = 'public';

-- Two organisations with three courses each, one of them free; persons 0 and 1 own them.
SELECT coursebase.create_organization('Mixed', 'mixed-' || i, 'USD', 'Europe/Paris', public.person(i)) FROM generate_series(0, 1) i;
INSERT INTO coursebase.workouts (organization_id, name) SELECT id, 'Mixed ' || i FROM coursebase.organizations, generate_series(0, 3) i;
INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode)
SELECT format('00000000-0000-4000-8000-00000000060%s', row_number() OVER (ORDER BY slug, i) - 1)::uuid, id, 'Mixed ' || i, 'course'
FROM coursebase.organizations, generate_series(0, 2) i;
INSERT INTO coursebase.course_configs (program_id, duration_days) SELECT id, 7 FROM coursebase.programs;
SELECT coursebase.set_day(p.id, 0, ARRAY(SELECT w.id FROM coursebase.workouts w WHERE w.organization_id = p.organization_id)),
    coursebase.set_price(p.id, right(p.name, 1)::integer * 900), coursebase.publish_course(p.id) FROM coursebase.programs p;

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
    SELECT d.order_ref INTO order_of FROM coursebase.user_discounts d WHERE d.user_id = who AND d.order_ref LIKE 'order %'
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

-- A session of the checkout is one person's, of one product; browser and webhook both tell of it.
CREATE FUNCTION public.act_sale(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    kind integer := public.draw(n, 90, 6);
    session integer := public.draw(n, 91, 96);
    sold uuid;
BEGIN
    IF kind < 2 THEN
        PERFORM coursebase.complete_purchase(public.person(session % 12), format('00000000-0000-4000-8000-00000000090%s', session / 12 % 3)::uuid,
            'session ' || session, 4900, 'paid', at);
        RETURN ROW('sale', session, 1)::public.act;
    END IF;
    IF kind = 4 THEN
        INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (who, format('00000000-0000-4000-8000-00000000080%s', session % 4)::uuid);
        RETURN ROW('give', n, 1)::public.act;
    ELSIF kind = 5 THEN
        INSERT INTO coursebase.user_course_access (user_id, course_id)
        VALUES (who, format('00000000-0000-4000-8000-00000000080%s', session % 4)::uuid) ON CONFLICT DO NOTHING;
        PERFORM FROM coursebase.users WHERE id = who FOR NO KEY UPDATE;
        DELETE FROM coursebase.course_grants WHERE user_id = who AND purchase_id IS NULL;
        RETURN ROW('take', n, 1)::public.act;
    END IF;
    SELECT p.id INTO sold FROM coursebase.purchases p WHERE p.user_id = who ORDER BY md5(p.id::text || n) LIMIT 1;
    IF sold IS NULL THEN
        RETURN NULL;
    ELSIF kind = 2 THEN
        PERFORM coursebase.refund_purchase(sold, 1, at);
        RETURN ROW('refund part', sold, 1)::public.act;
    END IF;
    PERFORM coursebase.refund_purchase(sold, NULL, at);
    RETURN ROW('refund', sold, 1)::public.act;
END $$;

-- A receipt of a store is one person's, of one product; a third of those of courses use a discount. A refund may come
-- before its receipt.
CREATE FUNCTION public.act_store(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    receipt integer := public.draw(n, 100, 144);
    nth integer := receipt / 12;
    kind text := (ARRAY['course', 'subscription', 'ai_credits', 'custom_course'])[1 + nth % 4];
BEGIN
    IF public.draw(n, 101, 5) = 0 THEN
        PERFORM coursebase.refund_store_purchase('google_play', 'production', 'receipt ' || receipt, at);
        RETURN ROW('refund of receipt', receipt, 1)::public.act;
    END IF;
    PERFORM coursebase.validate_purchase(public.person(receipt % 12), (jsonb_build_object(
        'product_id', 'me.hypnoelp.app.' || CASE kind WHEN 'course' THEN format('C0%sMIX', nth / 4) WHEN 'subscription' THEN 'mixed_premium'
            WHEN 'ai_credits' THEN 'mixed_credits' ELSE 'x01mix' END,
        'source', 'google_play', 'purchase_id', 'receipt ' || receipt, 'purchase_token', 'token',
        'transaction_date', '2026-06-01T00:00:00Z')
        || CASE WHEN kind = 'subscription' THEN jsonb_build_object('period_end', '2026-07-01T00:00:00Z') ELSE '{}' END
        || CASE WHEN kind = 'course' AND receipt % 3 = 0 THEN jsonb_build_object('discount', jsonb_build_object('code', 'mixed' || receipt % 6,
            'order_ref', 'receipt ' || receipt, 'base_in_cents', 1000, 'currency', 'USD')) ELSE '{}' END)::json, at);
    RETURN ROW('receipt of ' || kind, receipt, 1)::public.act;
END $$;

CREATE FUNCTION public.act_slot(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    slot uuid;
BEGIN
    SELECT c.slot_id INTO slot FROM coursebase.choose_premium_course(who,
        format('00000000-0000-4000-8000-00000000080%s', public.draw(n, 110, 4))::uuid, (ARRAY['male', 'female'])[1 + public.draw(n, 111, 2)], at) c;
    RETURN ROW('slot', slot, 1)::public.act;
END $$;

-- A course is bought, paid for, given up, given back; a payment is reported twice, and for the wrong organisation.
CREATE FUNCTION public.act_checkout(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    kind integer := public.draw(n, 120, 10);
    charge uuid;
    seller uuid;
    answer text;
    why text;
BEGIN
    IF kind < 3 THEN
        SELECT b.transaction_id, b.status INTO charge, answer
        FROM coursebase.begin_checkout(who, format('00000000-0000-4000-8000-00000000060%s', public.draw(n, 121, 6))::uuid, at) b;
        IF charge IS NOT NULL THEN
            PERFORM coursebase.attach_payment_reference(charge, 'psp', 'mixed ' || n);
        END IF;
        RETURN ROW('checkout ' || answer, n, 1)::public.act;
    END IF;
    SELECT t.id, t.organization_id, t.provider_reference INTO charge, seller, answer FROM coursebase.payment_transactions t
    WHERE t.user_id = who AND t.type = 'charge' ORDER BY md5(t.id::text || n) LIMIT 1;
    IF charge IS NULL THEN
        RETURN NULL;
    ELSIF kind = 3 THEN
        RETURN ROW('given up', charge, (coursebase.cancel_checkout(charge, at) = 'cancelled')::integer)::public.act;
    ELSIF kind = 4 THEN
        PERFORM coursebase.refund_transaction(charge, n % 2 = 0, at);
        RETURN ROW('given back', charge, 1)::public.act;
    ELSIF kind = 5 THEN
        SELECT e.status INTO why FROM coursebase.apply_payment_event(gen_random_uuid(), 'psp', answer, 'completed', at) e;
        RETURN ROW('reported wrongly', n, (why = 'rejected')::integer)::public.act;
    END IF;
    SELECT e.status, e.reason INTO answer, why
    FROM coursebase.apply_payment_event(seller, 'psp', answer, CASE kind WHEN 6 THEN 'failed' ELSE 'completed' END, at) e;
    RETURN ROW(CASE WHEN why IS DISTINCT FROM 'settled_already' THEN 'came ' ELSE 'came again ' END || answer, charge, 1)::public.act;
END $$;

CREATE FUNCTION public.act_workout(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    kind integer := public.draw(n, 130, 10);
    enrolment uuid;
    place uuid;
BEGIN
    SELECT e.id, w.id INTO enrolment, place FROM coursebase.course_entitlements e JOIN coursebase.course_workouts w USING (program_id)
    WHERE e.user_id = who ORDER BY md5(w.id::text || n) LIMIT 1;
    IF enrolment IS NULL THEN
        RETURN NULL;
    END IF;
    CASE WHEN kind < 6 THEN PERFORM coursebase.mark_workout_complete(enrolment, place, 'mixed', at);
    WHEN kind = 6 THEN PERFORM coursebase.unmark_workout_complete(enrolment, place);
    WHEN kind = 7 THEN PERFORM coursebase.restart_course(enrolment, at);
    ELSE PERFORM coursebase.start_course(enrolment, at);
    END CASE;
    RETURN ROW('workout', n, 1)::public.act;
END $$;

-- What staff do, and who is staff: people come and go by plain SQL.
CREATE FUNCTION public.act_staff(n bigint, who uuid, at timestamptz) RETURNS public.act LANGUAGE plpgsql AS $$
DECLARE
    kind integer := public.draw(n, 140, 10);
    course uuid := format('00000000-0000-4000-8000-00000000060%s', public.draw(n, 141, 6))::uuid;
    seller uuid;
BEGIN
    SELECT organization_id INTO seller FROM coursebase.programs WHERE id = course;
    CASE WHEN kind < 3 THEN
        PERFORM coursebase.set_day(course, public.draw(n, 142, 3), ARRAY(SELECT w.id FROM coursebase.workouts w
            WHERE w.organization_id = seller AND public.draw(n, 143 + right(w.name, 1)::integer, 2) = 0 ORDER BY md5(w.id::text || n)));
    WHEN kind = 3 THEN PERFORM coursebase.archive_course(course, at);
    WHEN kind = 4 THEN PERFORM coursebase.set_price(course, CASE WHEN n % 5 = 0 THEN 0 ELSE 900 END);
    WHEN kind < 7 THEN PERFORM coursebase.publish_course(course, at);
    WHEN kind < 9 THEN
        INSERT INTO coursebase.memberships (organization_id, user_id, role)
        VALUES (seller, who, (ARRAY['admin', 'coach', 'member'])[1 + n % 3]::coursebase.membership_role);
    ELSE DELETE FROM coursebase.memberships WHERE organization_id = seller AND user_id = who;
    END CASE;
    RETURN ROW('staff', n, 1)::public.act;
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
        -- a direct grant is given once
        IF SQLSTATE NOT LIKE 'KB%' AND SQLSTATE <> '23505' THEN
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
        'phone', 'account', 'together', 'sale', 'sale', 'store', 'store', 'slot',
        'checkout', 'checkout', 'workout', 'staff'] $$;

CREATE FUNCTION public.times(what text) RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT count(DISTINCT d.key) FROM public.done d WHERE d.what LIKE times.what $$;

-- Sums that are not right: what was done by those who did it, beside what the tables say.
CREATE VIEW public.wrong_sums AS
SELECT * FROM (VALUES
    ('events', public.times('event'), (SELECT count(*) FROM coursebase.subscription_events WHERE store = 'stripe')),
    ('credits used', (SELECT coalesce(sum(amount), 0) FROM (SELECT DISTINCT key, amount FROM public.done WHERE what = 'use') u),
        (SELECT coalesce(sum(credits), 0) FROM coursebase.credit_log WHERE kind IN ('consume', 'commit'))),
    ('packs', public.times('pack'), (SELECT count(*) FROM coursebase.ai_credit_purchases WHERE purchase_id LIKE 'pack %')),
    ('packs refunded', public.times('pack refund'),
        (SELECT count(*) FROM coursebase.ai_credit_purchases WHERE purchase_id LIKE 'pack %' AND status = 'refunded')),
    ('discounts used', public.times('redeem'), (SELECT count(*) FROM coursebase.discount_redemptions WHERE order_ref LIKE 'order %')),
    ('uses given back', public.times('reverse'),
        (SELECT count(*) FROM coursebase.discount_redemptions WHERE order_ref LIKE 'order %' AND reversed_at IS NOT NULL)),
    ('places', (SELECT count(*) FROM coursebase.user_discounts WHERE status <> 'assigned'),
        (SELECT sum(redeemed_count) FROM (SELECT redeemed_count FROM coursebase.discount_codes
            UNION ALL SELECT redeemed_count FROM coursebase.discount_code_shards) c)),
    ('people brought', (SELECT count(*) FROM public.done WHERE what = 'attach'),
        (SELECT count(*) FROM coursebase.user_profile WHERE referred_by IS NOT NULL)),
    ('referral credit spent', (SELECT coalesce(sum(amount), 0) FROM public.done WHERE what = 'spend'),
        (SELECT coalesce(sum(spent_in_cents), 0) FROM coursebase.referral_credits)),
    ('custom courses', public.times('made'), (SELECT count(*) FROM coursebase.custom_course_purchases WHERE source = 'app_store')),
    ('receipts', public.times('% receipt%') + public.times('receipt of %') - (SELECT count(DISTINCT d.key) FROM public.done d
            JOIN public.done r ON r.key = d.key AND r.what = 'refund of receipt' WHERE d.what LIKE 'receipt of %'),
        (SELECT count(*) FROM coursebase.store_receipts)),
    ('receipts refunded', public.times('refund of receipt'), (SELECT count(*) FROM coursebase.store_receipts WHERE refunded_at IS NOT NULL)),
    ('sales', public.times('sale'), (SELECT count(*) FROM coursebase.purchases)),
    ('sales refunded', public.times('refund'), (SELECT count(*) FROM coursebase.purchases WHERE refunded_at IS NOT NULL)),
    ('parts refunded', (SELECT count(*) FROM public.done d JOIN coursebase.purchases p ON p.id = d.key::uuid AND p.refunded_at IS NULL
            WHERE d.what = 'refund part'),
        (SELECT coalesce(sum(refunded_in_cents), 0) FROM coursebase.purchases WHERE refunded_at IS NULL)),
    ('courses given', (SELECT count(*) FROM (SELECT DISTINCT g.user_id, g.course_id FROM coursebase.course_grants g
            LEFT JOIN coursebase.purchases p ON p.id = g.purchase_id WHERE p.refunded_at IS NULL) g),
        (SELECT count(*) FROM coursebase.user_course_access)),
    ('people with too many slots', 0, (SELECT count(*) FROM (SELECT FROM coursebase.course_purchases WHERE source = 'premium_slot'
            GROUP BY user_id HAVING count(DISTINCT course_id) > 2) t)),
    ('slots', public.times('slot'), (SELECT count(*) FROM coursebase.course_purchases WHERE source = 'premium_slot')),
    ('courses paid', public.times('came completed'), (SELECT count(*) FROM coursebase.payment_transactions
        WHERE type = 'charge' AND status IN ('completed', 'refunded', 'refund_pending'))),
    ('payments given back', public.times('given back'), (SELECT count(*) FROM coursebase.payment_transactions WHERE type = 'refund')),
    ('payments reported wrongly', (SELECT coalesce(sum(amount), 0) FROM public.done WHERE what = 'reported wrongly'),
        (SELECT count(*) FROM coursebase.server_logs WHERE message LIKE 'the payment was reported for another%')),
    ('appends', (SELECT count(*) FROM public.done WHERE what = 'append'),
        (SELECT count(DISTINCT e ->> 'url') FROM coursebase.custom_courses c, json_array_elements(c.data -> 'audio_files') e))
) AS s (what, done, found) WHERE done IS DISTINCT FROM found;
