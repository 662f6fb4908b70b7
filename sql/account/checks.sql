-- Checks over all slices: closed accounts, and the checks of every slice in one list.

CREATE FUNCTION coursebase.check_account()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH closed AS (
        SELECT u.* FROM coursebase.users u WHERE u.deleted_at IS NOT NULL
    ), left_over (user_id, name) AS (
        SELECT c.id, 'users'
        FROM closed c
        -- the external id of a merged account leads on, until the person who was kept leaves
        WHERE c.clerk_user_id !~ '^(deleted|guest):[-0-9a-f]{36}$' AND NOT EXISTS (
                SELECT FROM coursebase.users k
                WHERE k.id = c.merged_into AND k.deleted_at IS NULL)
            OR c.image_url IS NOT NULL
            OR c.role <> 'user' OR c.name !~* '^$|^(deleted|redacted)'
            OR c.email !~* '^$|^(deleted|redacted)'
        UNION ALL
        SELECT p.user_id, 'user_profile'
        FROM coursebase.user_profile p
        WHERE coalesce(p.first_name, p.last_name, p.phone_number, p.country, p.lead_source)
                IS NOT NULL
            OR (p.email, p.time_zone, p.devices, p.role)
                IS DISTINCT FROM ('', 'UTC', '{}', 'user')
        UNION ALL
        SELECT p.user_id, 'user_cohorts' FROM coursebase.user_cohorts p
        UNION ALL
        SELECT p.user_id, 'memberships' FROM coursebase.memberships p
        UNION ALL
        SELECT p.user_id, 'user_discounts'
        FROM coursebase.user_discounts p
        WHERE p.status = 'reserved'
        UNION ALL
        SELECT p.user_id, 'payment_transactions'
        FROM coursebase.payment_transactions p
        WHERE p.status = 'pending' AND p.type = 'charge'
        UNION ALL
        SELECT p.user_id, 'custom_courses'
        FROM coursebase.custom_courses p
        WHERE (p.title, p.description, p.data::text) <> ('', '', '{"audio_files": []}')
            OR EXISTS (
                SELECT FROM coursebase.custom_course_versions v WHERE v.custom_course_id = p.id)
            OR EXISTS (
                SELECT FROM coursebase.custom_course_purchases l
                WHERE l.course_id = p.id AND l.status = 'active')
        UNION ALL
        SELECT e.user_id, 'course_workout_completions'
        FROM coursebase.course_workout_completions k
        JOIN coursebase.course_entitlements e ON e.id = k.entitlement_id
        WHERE k.notes IS NOT NULL
        UNION ALL
        -- what was refused since the account was closed waits for an operator: it may tell of money
        SELECT p.user_id, 'store_notifications'
        FROM coursebase.store_notifications p
        JOIN closed c ON c.id = p.user_id
        WHERE p.body IS NOT NULL
            AND (p.outcome IN ('applied', 'noted') OR p.received_at < c.deleted_at)
        UNION ALL
        SELECT p.user_id, 'analytics' FROM coursebase.analytics p
        UNION ALL
        SELECT p.user_id, 'audio_usage' FROM coursebase.audio_usage p
        UNION ALL
        SELECT p.user_id, 'cached_handshake_responses'
        FROM coursebase.cached_handshake_responses p
        UNION ALL
        SELECT p.user_id, 'app_logs' FROM coursebase.app_logs p
        UNION ALL
        SELECT p.user_id, 'server_logs' FROM coursebase.server_logs p
    )
    SELECT DISTINCT 'closed_account', 'users ' || c.id,
        format('%s still tells of the person: call %s() again', l.name,
            CASE WHEN c.merged_into IS NULL THEN 'delete_user' ELSE 'merge_users' END)
    FROM left_over l
    JOIN closed c ON c.id = l.user_id
    UNION ALL
    SELECT DISTINCT 'merged_account', 'users ' || m.id,
        format('%s has rows that are not with %s: call merge_users() again', h.name, m.merged_into)
    FROM coursebase.users m
    JOIN (
        SELECT p.user_id, 'purchases' FROM coursebase.purchases p
        UNION ALL
        SELECT p.user_id, 'course_grants' FROM coursebase.course_grants p
        UNION ALL
        SELECT p.user_id, 'course_purchases' FROM coursebase.course_purchases p
        UNION ALL
        SELECT p.user_id, 'store_receipts' FROM coursebase.store_receipts p
        UNION ALL
        SELECT p.user_id, 'subscription_lines' FROM coursebase.subscription_lines p
        UNION ALL
        SELECT p.user_id, 'ai_usage' FROM coursebase.ai_usage p
        UNION ALL
        SELECT p.user_id, 'custom_courses' FROM coursebase.custom_courses p
        UNION ALL
        SELECT p.user_id, 'payment_transactions' FROM coursebase.payment_transactions p
        UNION ALL
        SELECT p.user_id, 'course_entitlements' FROM coursebase.course_entitlements p
    ) h (user_id, name) ON h.user_id = m.id
    WHERE m.merged_into IS NOT NULL
    UNION ALL
    SELECT DISTINCT 'guest', 'users ' || g.id,
        format('%s has rows of the person, who lives in another cell', h.name)
    FROM coursebase.users g
    JOIN (
        SELECT p.user_id, 'user_cohorts' FROM coursebase.user_cohorts p
        UNION ALL
        SELECT p.user_id, 'purchases' FROM coursebase.purchases p
        UNION ALL
        SELECT p.user_id, 'course_grants' FROM coursebase.course_grants p
        UNION ALL
        SELECT p.user_id, 'user_course_access' FROM coursebase.user_course_access p
        UNION ALL
        SELECT p.user_id, 'subscriptions' FROM coursebase.subscriptions p
        UNION ALL
        SELECT p.user_id, 'subscription_lines' FROM coursebase.subscription_lines p
        UNION ALL
        SELECT p.user_id, 'course_purchases' FROM coursebase.course_purchases p
        UNION ALL
        SELECT p.user_id, 'user_lesson_complete' FROM coursebase.user_lesson_complete p
        UNION ALL
        SELECT p.user_id, 'ai_usage' FROM coursebase.ai_usage p
        UNION ALL
        SELECT p.user_id, 'credit_log' FROM coursebase.credit_log p
        UNION ALL
        SELECT p.user_id, 'custom_courses' FROM coursebase.custom_courses p
        UNION ALL
        SELECT p.user_id, 'user_discounts' FROM coursebase.user_discounts p
        UNION ALL
        SELECT p.user_id, 'referral_credits' FROM coursebase.referral_credits p
        UNION ALL
        SELECT p.user_id, 'store_receipts' FROM coursebase.store_receipts p
        UNION ALL
        SELECT p.user_id, 'analytics' FROM coursebase.analytics p
        UNION ALL
        SELECT p.user_id, 'audio_usage' FROM coursebase.audio_usage p
    ) h (user_id, name) ON h.user_id = g.id
    WHERE g.is_guest
    UNION ALL
    SELECT 'merged_account', 'users ' || m.id, 'it leads to an account that was merged itself'
    FROM coursebase.users m
    JOIN coursebase.users k ON k.id = m.merged_into
    WHERE k.merged_into IS NOT NULL
    UNION ALL
    -- four calls follow each other at once: after an hour nobody is about to make the next one
    SELECT 'person_moving', 'moving_people ' || v.user_id,
        'nobody serves the person for an hour: call take_person() here, move_person() on home, '
        'put_person() in the cell that it answers, release_person() here'
    FROM coursebase.moving_people v
    WHERE v.document IS NOT NULL AND v.created_at < now() - interval '1 hour'
$$;
COMMENT ON FUNCTION coursebase.check_account() IS
    'Lists closed accounts that still hold something personal, merged ones that hold what is the kept person''s, people who left for another cell and did not arrive, and guests with rows that belong to a cell: part of check_integrity(). For the server; reads with the caller''s rights.

check_name: closed_account, merged_account, person_moving (a move that was not brought to its end within an hour), guest. object: the row of users, or of moving_people. problem: which table still tells of the person, and that delete_user() removes it; which table has rows that merge_users() moves; the four calls that end the move.';
GRANT EXECUTE ON FUNCTION coursebase.check_account() TO server;

CREATE FUNCTION coursebase.run_checks(name text)
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_run_checks';
COMMENT ON FUNCTION coursebase.run_checks(text) IS
    'The answer of check_integrity(), in the order in which it is found. For the server, as a part of check_integrity().

name: as for check_integrity(). Answers as check_integrity() does.

Raises: 22023 (there is no check of that name).';
GRANT EXECUTE ON FUNCTION coursebase.run_checks(text) TO server;

-- jit: the server would compile these statements anew at each call, for longer than most of them run.
CREATE FUNCTION coursebase.check_integrity(name text DEFAULT NULL)
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    SELECT * FROM coursebase.run_checks($1) ORDER BY 1, 2, 3
$$;
COMMENT ON FUNCTION coursebase.check_integrity(text) IS
    'Checks the data against every rule that damaged data can break: one row a problem, none on a sound database. A check function that takes longer than three seconds is told by a NOTICE when it is done. For the server; reads every table, with the caller''s rights.

name: the one check to run, as check_name names it; NULL runs all. The statements may use parallel workers; several sessions, each with names of its own, share the work further. check_name: name of the rule; missing_table (install() makes it), and not_checked for a check function that cannot do without a table or column that is gone, or that meets a word or a null that its table forbids, are the two that look at the tables themselves. object: table and key. problem: what is stored and what was found.

Source: the checks of the slices, check_references() and check_identity() to check_account(), which may be called by themselves.
Raises: 22023 (there is no check of that name; the hint lists all).';
GRANT EXECUTE ON FUNCTION coursebase.check_integrity(text) TO server;
