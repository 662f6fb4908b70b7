-- What 620_events.pl does and watches: acts that change who may use what, and workers that take what is told of it.
INSERT INTO coursebase.users (clerk_user_id, name, email)
SELECT 'load_' || n, 'Load', 'load@example.org' FROM generate_series(1, 25) n;
INSERT INTO coursebase.courses (id, title, description)
SELECT ('00000000-0000-4000-8000-0000000060c' || n)::uuid, 'Course ' || n, '' FROM generate_series(1, 3) n;
SELECT coursebase.save_product(NULL, 'Bundle', '', '/b.png', 49, 'public', ARRAY(SELECT id FROM coursebase.courses WHERE title <> 'Course 3'));
UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out';

-- A sale, a refund, a grant, its end, a store's purchase or its end. Half of the acts have begun to write before, and
-- wait a little; some are undone.
CREATE FUNCTION public.act(n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    who uuid := (SELECT id FROM coursebase.users WHERE clerk_user_id LIKE 'load\_%' ORDER BY md5(n::text || clerk_user_id) LIMIT 1);
    course uuid := ('00000000-0000-4000-8000-0000000060c' || 1 + n % 3)::uuid;
    what integer := floor(random() * 6);
BEGIN
    IF random() < 0.5 THEN
        PERFORM pg_current_xact_id(), pg_sleep(random() * 0.003);
    END IF;
    PERFORM FROM coursebase.users WHERE id = who FOR NO KEY UPDATE;
    IF what = 0 THEN
        PERFORM coursebase.complete_purchase(who, p.id, 'cs_' || n, 4900, 'paid') FROM coursebase.products p;
    ELSIF what = 1 THEN
        PERFORM coursebase.refund_purchase(p.id) FROM coursebase.purchases p WHERE p.user_id = who AND p.refunded_at IS NULL;
    ELSIF what = 2 THEN
        INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (who, course) ON CONFLICT DO NOTHING;
    ELSIF what = 3 THEN
        DELETE FROM coursebase.user_course_access a WHERE a.user_id = who;
    ELSIF what = 4 THEN
        INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, status, validated_at)
        VALUES (who, course, (ARRAY['male', 'female'])[1 + n % 2], 'admin', 'valid', now()) ON CONFLICT DO NOTHING;
    ELSE
        UPDATE coursebase.course_purchases SET status = 'refunded', refunded_at = now() WHERE user_id = who AND status = 'valid';
    END IF;
    IF random() < 0.1 THEN
        RAISE division_by_zero;
    END IF;
END $$;

-- What each worker acted on, in its order. One in five batches is forgotten before it is acknowledged.
CREATE TABLE public.seen (n bigserial PRIMARY KEY, consumer text NOT NULL, event bigint NOT NULL, attempt integer NOT NULL);
CREATE PROCEDURE public.work(consumer text, rounds integer, claim interval) LANGUAGE plpgsql AS $$
DECLARE
    taken bigint[];
    attempts integer[];
BEGIN
    FOR round IN 1 .. rounds LOOP
        SELECT array_agg(t.id), array_agg(t.attempt) INTO taken, attempts FROM coursebase.take_events(consumer, 7, claim) t;
        COMMIT;
        INSERT INTO public.seen (consumer, event, attempt)
        SELECT consumer, e.id, e.attempt FROM unnest(taken, attempts) WITH ORDINALITY AS e (id, attempt, o) ORDER BY e.o;
        COMMIT;
        IF taken IS NULL THEN
            PERFORM pg_sleep(0.005);
        ELSIF random() < 0.8 THEN
            PERFORM coursebase.acknowledge_events(consumer, taken);
        END IF;
        COMMIT;
    END LOOP;
END $$;

-- Each finding is a fault. Of one person and course, gained and lost alternate, and the last is what is so.
CREATE VIEW public.faults AS
    WITH told AS (
        SELECT e.*, row_number() OVER w AS place, lag(e.kind::text, 1, 'access_lost') OVER w AS before,
            row_number() OVER (PARTITION BY e.user_id, e.subject ORDER BY e.xid DESC, e.id DESC) = 1 AS is_last
        FROM coursebase.access_events e WHERE e.subject LIKE 'courses/%'
        WINDOW w AS (PARTITION BY e.user_id, e.subject ORDER BY e.xid, e.id)
    ), first_seen AS (
        SELECT s.consumer, s.event, min(s.n) AS n FROM public.seen s GROUP BY 1, 2
    )
    SELECT 'not in turn' AS fault, concat_ws(' ', user_id, subject, kind, id) AS event FROM told WHERE kind::text = before
    UNION ALL
    SELECT 'not so', concat_ws(' ', user_id, subject, kind, id) FROM told
    WHERE is_last AND (kind = 'access_gained') <> coursebase.has_course_access(split_part(subject, '/', 2)::uuid, user_id)
    UNION ALL
    SELECT 'not told', concat_ws(' ', u.id, c.id) FROM coursebase.users u, coursebase.courses c
    WHERE coursebase.has_course_access(c.id, u.id) AND NOT EXISTS (SELECT FROM told t WHERE t.user_id = u.id AND t.subject = 'courses/' || c.id)
    UNION ALL
    SELECT 'sale not told once', concat_ws(' ', p.stripe_session_id) FROM coursebase.purchases p
    WHERE (SELECT count(*) FROM coursebase.access_events e WHERE e.kind = 'purchased' AND e.subject = 'purchases/' || p.id) <> 1
    UNION ALL
    SELECT 'not seen', concat_ws(' ', n.name, e.id) FROM coursebase.event_consumers n, coursebase.access_events e
    WHERE NOT EXISTS (SELECT FROM first_seen s WHERE s.consumer = n.name AND s.event = e.id)
    UNION ALL
    SELECT 'seen and not there', concat_ws(' ', s.consumer, s.event) FROM first_seen s
    WHERE NOT EXISTS (SELECT FROM coursebase.access_events e WHERE e.id = s.event)
    UNION ALL
    SELECT 'seen out of order', concat_ws(' ', a.consumer, x.user_id, x.id, y.id)
    FROM coursebase.access_events x
    JOIN coursebase.access_events y ON y.user_id = x.user_id AND (y.xid, y.id) > (x.xid, x.id)
    JOIN first_seen a ON a.event = x.id
    JOIN first_seen b ON b.event = y.id AND b.consumer = a.consumer AND b.n < a.n;
