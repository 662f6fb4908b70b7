-- Promise: whatever two accounts have, the one that is kept has both: courses and programs at every time, premium, progress
-- with the earlier time, credits, and no more; the rules of the data hold after each fourth merge. 60 pairs with random histories.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
\i :abs_srcdir/fixtures/worlds/everything.sql
UPDATE coursebase.entitlements SET covers_every_course = true WHERE name = 'premium';
CREATE FUNCTION pg_temp.id(kind text, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5(kind || n)::uuid $$;
INSERT INTO coursebase.courses (id, course_code, title, description, in_premium, grants_may_end)
SELECT pg_temp.id('course', c), 'C' || 50 + c || 'MRG', 'C', '', c % 3 = 0, true FROM generate_series(1, 6) c;
INSERT INTO coursebase.store_products (product_id, kind, course_id)
SELECT 'c' || 50 + c || 'mrg', 'course', pg_temp.id('course', c) FROM generate_series(1, 6) c;
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status, access_days)
SELECT pg_temp.id('product', p), 'P', '', '/p.png', 1, 'private', CASE p WHEN 3 THEN 30 END FROM generate_series(1, 3) p;
INSERT INTO coursebase.course_products (course_id, product_id)
SELECT pg_temp.id('course', c), pg_temp.id('product', 1 + c % 3) FROM generate_series(1, 6) c;
INSERT INTO coursebase.course_sections (id, course_id, name, status, "order")
SELECT pg_temp.id('section', c), pg_temp.id('course', c), 'S', 'public', 0 FROM generate_series(1, 6) c;
INSERT INTO coursebase.lessons (id, section_id, name, status, "order")
SELECT pg_temp.id('lesson', c * 10 + l), pg_temp.id('section', c), 'L', 'public', l FROM generate_series(1, 6) c, generate_series(0, 2) l;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT pg_temp.id('user', u), 'merge_' || u, 'U', 'u@example.org' FROM generate_series(1, 120) u;

-- What may have happened to somebody: each with its chance, at random times, through the functions and plain SQL. Refusals of
-- single steps (a course that one has already) are no matter.
SELECT setseed(0.4711);
CREATE FUNCTION pg_temp.live(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    u uuid := pg_temp.id('user', n);
    steps text[] := ARRAY[
        'SELECT coursebase.complete_purchase($1, pg_temp.id(''product'', $3 % 3 + 1), ''merge_'' || $2 || ''_'' || $3, 100, ''paid'', $4)',
        'INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ($1, pg_temp.id(''course'', $3 % 6 + 1))',
        'INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES ($1, pg_temp.id(''course'', $3 % 6 + 1), $4 + interval ''9 days'')',
        'SELECT coursebase.validate_purchase($1, json_build_object(''product_id'', ''c'' || 51 + $3 % 6 || ''mrg'', ''source'', ''app_store'', ''purchase_id'', $2 || ''-'' || $3, ''purchase_token'', ''t'', ''transaction_date'', $4), $4)',
        'SELECT coursebase.validate_purchase($1, json_build_object(''product_id'', ''ai_credits_4000'', ''source'', ''google_play'', ''purchase_id'', $2 || ''-'' || $3, ''purchase_token'', ''t'', ''transaction_date'', $4), $4)',
        'SELECT coursebase.apply_subscription_event($1, json_build_object(''store'', ''app_store'', ''environment'', ''production'', ''event_time'', $4, ''original_transaction_id'', ''o'' || $2, ''store_event_id'', $2 || ''-'' || $3, ''event_type'', CASE $3 % 3 WHEN 0 THEN ''EXPIRED'' ELSE ''SUBSCRIBED'' END, ''transaction_id'', ''t'' || $2, ''period_end'', $4 + interval ''30 days''), $4)',
        'SELECT coursebase.consume_credits($1, $3 % 700, ''use'' || $3 % 5, $4)',
        'SELECT coursebase.reserve_credits($1, $3 % 300, ''hold'' || $3 % 5, $4)',
        'INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id, created_at) VALUES ($1, pg_temp.id(''lesson'', ($3 % 6 + 1) * 10 + $3 % 3), $4)',
        'SELECT coursebase.begin_checkout($1, ''00000000-0000-4000-a000-000000000231'', $4)',
        'INSERT INTO coursebase.course_entitlements (user_id, program_id, status, start_date) VALUES ($1, ''00000000-0000-4000-a000-000000000231'', ''active'', ''2026-02-01'')',
        'INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, completed_at) SELECT e.id, w.id, $4 + $3 * interval ''1 second'' FROM coursebase.course_entitlements e JOIN coursebase.course_workouts w USING (program_id) WHERE e.user_id = $1 AND NOT w.is_rest AND $3 % 2 = w.day_offset % 2',
        'UPDATE coursebase.purchases SET refunded_at = $4 WHERE user_id = $1 AND $3 % 2 = 0',
        'INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES (''00000000-0000-4000-a000-000000000201'', $1, (ARRAY[''member'', ''member'', ''coach''])[$3 % 3 + 1]::coursebase.membership_role)',
        'INSERT INTO coursebase.user_cohorts (user_id, cohort_id) VALUES ($1, ''00000000-0000-4000-a000-0000000000c1'')',
        'UPDATE coursebase.user_profile SET referred_by = pg_temp.id(''user'', $3 % 120 + 1) WHERE user_id = $1'];
BEGIN
    FOR i IN 1 .. 14 LOOP
        BEGIN
            EXECUTE steps[1 + floor(random() * array_length(steps, 1))::int]
                USING u, n, floor(random() * 1000)::int, timestamptz '2026-01-01' + i * interval '5 days' + random() * interval '4 days';
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
END
$$;
SELECT count(pg_temp.live(u)) FROM generate_series(1, 120) u;
SELECT * FROM coursebase.check_integrity();

-- What somebody may use at four times, has completed when, and has in the bank.
CREATE FUNCTION pg_temp.has(person uuid) RETURNS TABLE (what text, since timestamptz, amount bigint) LANGUAGE sql AS $$
    SELECT 'course ' || c || t.at, NULL::timestamptz, NULL::bigint FROM unnest(ARRAY['2026-01-20', '2026-02-10', '2026-03-20', '2027-01-01']::timestamptz[]) t (at),
        unnest(coursebase.accessible_course_ids(person, t.at)) c
    UNION ALL SELECT 'premium ' || t.at, NULL, NULL FROM unnest(ARRAY['2026-01-20', '2026-02-10', '2026-03-20', '2027-01-01']::timestamptz[]) t (at)
    WHERE coursebase.has_premium(person, t.at)
    UNION ALL SELECT 'program ' || p, NULL, NULL FROM unnest(coursebase.accessible_program_ids(person)) p
    UNION ALL SELECT 'lesson ' || l.lesson_id, l.created_at, NULL FROM coursebase.user_lesson_complete l WHERE l.user_id = person
    UNION ALL SELECT 'workout ' || k.course_workout_id, k.completed_at, NULL FROM coursebase.course_workout_completions k
        JOIN coursebase.course_entitlements e ON e.id = k.entitlement_id WHERE e.user_id = person
    UNION ALL SELECT 'cohort ' || c.cohort_id, NULL, NULL FROM coursebase.user_cohorts c WHERE c.user_id = person
    UNION ALL SELECT 'sale ' || s.stripe_session_id, s.created_at, s.price_paid_in_cents FROM coursebase.purchases s WHERE s.user_id = person
    UNION ALL SELECT 'bank', NULL, sum(a.bank_limit_credits - a.bank_used_credits) FROM coursebase.ai_usage a WHERE a.user_id = person HAVING count(*) > 0
$$;
CREATE TEMP TABLE outcome (pair int, refused text, wrong text);
CREATE FUNCTION pg_temp.pair(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a uuid := pg_temp.id('user', n);
    b uuid := pg_temp.id('user', n + 60);
    why text;
    wrong text;
BEGIN
    CREATE TEMP TABLE had ON COMMIT DROP AS
        SELECT h.what, min(h.since) AS since, sum(h.amount)::bigint AS amount FROM (
            SELECT * FROM pg_temp.has(a) UNION ALL SELECT * FROM pg_temp.has(b)) h GROUP BY h.what;
    BEGIN
        PERFORM coursebase.merge_users(a, b, '2026-04-01');
        SELECT string_agg(coalesce(h.what, '-') || ' / ' || coalesce(k.what, '-'), ', ') INTO wrong
        FROM had h FULL JOIN pg_temp.has(a) k ON k.what = h.what
        WHERE (h.what, h.since, h.amount) IS DISTINCT FROM (k.what, k.since, k.amount);
        SELECT concat_ws(', ', wrong, string_agg(c.object || ' ' || c.problem, ', ')) INTO wrong FROM coursebase.check_integrity() c WHERE n % 4 = 0;
    EXCEPTION WHEN SQLSTATE 'KB402' THEN GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
    END;
    INSERT INTO outcome VALUES (n, regexp_replace(why, '[0-9a-f]{8}-[-0-9a-f]{27}', 'ID', 'g'), nullif(wrong, ''));
    DROP TABLE had;
END
$$;
SELECT count(pg_temp.pair(n)) FROM generate_series(1, 60) n;
SELECT * FROM outcome WHERE wrong IS NOT NULL ORDER BY 1;
SELECT DISTINCT refused FROM outcome WHERE refused IS NOT NULL ORDER BY 1;
SELECT count(*) FILTER (WHERE refused IS NULL) BETWEEN 30 AND 59 AS merged FROM outcome;
-- No right is that of somebody who was merged.
SELECT count(*) FROM coursebase.users u, pg_temp.has(u.id) h WHERE u.merged_into IS NOT NULL AND h.what !~ '^(course|premium|program)';
ROLLBACK;
