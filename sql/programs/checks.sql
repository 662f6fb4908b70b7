-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_programs()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'course_is_configured', 'course_configs ' || c.program_id,
        'its program is not delivered as a course'
    FROM coursebase.course_configs c
    JOIN coursebase.programs p ON p.id = c.program_id
    WHERE p.delivery_mode <> 'course'
    UNION ALL
    SELECT 'course_is_configured', 'programs ' || w.program_id,
        'it has a curriculum and no configuration'
    FROM coursebase.course_workouts w
    WHERE NOT EXISTS (
        SELECT FROM coursebase.course_configs c WHERE c.program_id = w.program_id)
    GROUP BY w.program_id
    UNION ALL
    SELECT 'course_organization', 'course_configs ' || c.program_id,
        'it names another organisation than its program'
    FROM coursebase.course_configs c
    JOIN coursebase.programs p ON p.id = c.program_id
    WHERE p.organization_id <> c.organization_id
    UNION ALL
    SELECT 'course_organization', 'course_workouts ' || w.id,
        'program, place and workout are not one organisation''s'
    FROM coursebase.course_workouts w
    JOIN coursebase.programs p ON p.id = w.program_id
    LEFT JOIN coursebase.workouts k ON k.id = w.workout_id
    WHERE p.organization_id <> w.organization_id OR k.organization_id <> w.organization_id
    UNION ALL
    SELECT 'course_day', format('course_workouts %s', w.id),
        format('day %s lies beyond a course of %s days', w.day_offset, c.duration_days)
    FROM coursebase.course_workouts w
    JOIN coursebase.course_configs c ON c.program_id = w.program_id
    WHERE w.day_offset >= c.duration_days
    UNION ALL
    SELECT 'course_rest', format('course_workouts %s', r.id), 'its day has more than rest'
    FROM coursebase.course_workouts r
    WHERE r.is_rest AND EXISTS (
        SELECT FROM coursebase.course_workouts w
        WHERE w.program_id = r.program_id AND w.day_offset = r.day_offset AND w.id <> r.id)
    UNION ALL
    SELECT 'course_order', 'programs ' || w.program_id,
        format('%s workouts of day %s in place %s', count(*), w.day_offset, w.sort_order)
    FROM coursebase.course_workouts w
    GROUP BY w.program_id, w.day_offset, w.sort_order
    HAVING count(*) > 1 AND NOT bool_or(w.is_rest)
    UNION ALL
    SELECT 'course_workout_deleted', format('course_workouts %s', w.id), 'its workout is deleted'
    FROM coursebase.course_workouts w
    JOIN coursebase.workouts k ON k.id = w.workout_id
    WHERE k.deleted_at IS NOT NULL
    UNION ALL
    SELECT 'course_published', 'course_configs ' || c.program_id,
        'it is published without a workout'
    FROM coursebase.course_configs c
    WHERE c.status = 'published' AND NOT EXISTS (
        SELECT FROM coursebase.course_workouts w
        WHERE w.program_id = c.program_id AND NOT w.is_rest)
    UNION ALL
    SELECT 'course_preview', 'course_configs ' || c.program_id,
        'its preview workout is not in the curriculum'
    FROM coursebase.course_configs c
    WHERE c.preview_workout_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM coursebase.course_workouts w
        WHERE w.program_id = c.program_id AND w.workout_id = c.preview_workout_id)
    UNION ALL
    SELECT 'plan_organization', 'plans ' || l.id,
        'it sells a program of another organisation'
    FROM coursebase.plans l
    JOIN coursebase.programs p ON p.id = l.program_id
    WHERE p.organization_id <> l.organization_id
    UNION ALL
    SELECT 'plan_currency', 'plans ' || l.id,
        format('its currency is %s, the organisation''s %s', l.currency, o.currency)
    FROM coursebase.plans l
    JOIN coursebase.organizations o ON o.id = l.organization_id
    WHERE l.currency <> o.currency
    UNION ALL
    SELECT 'payment_organization', 'payment_transactions ' || t.id,
        'plan, program or membership are not the organisation''s, or not the payer''s'
    FROM coursebase.payment_transactions t
    JOIN coursebase.plans l ON l.id = t.plan_id
    LEFT JOIN coursebase.memberships m ON m.id = t.membership_id
    WHERE l.organization_id <> t.organization_id
        OR (t.program_id IS NOT NULL AND l.program_id IS DISTINCT FROM t.program_id)
        OR m.organization_id <> t.organization_id OR m.user_id <> t.user_id
    UNION ALL
    SELECT 'payment_refund', 'payment_transactions ' || t.id,
        format('the charge is %s and has %s refunds', t.status, count(r.id))
    FROM coursebase.payment_transactions t
    LEFT JOIN coursebase.payment_transactions r
        ON r.refunds_transaction_id = t.id AND r.type = 'refund'
        AND r.amount_in_cents = t.amount_in_cents AND r.currency = t.currency
        AND (r.status = 'completed') = (t.status = 'refunded')
    WHERE t.type = 'charge'
    GROUP BY t.id
    HAVING (t.status IN ('refunded', 'refund_pending')) <> (count(r.id) > 0)
    UNION ALL
    SELECT 'payment_refund', 'payment_transactions ' || r.id,
        'it does not give back a charge of the same organisation and payer'
    FROM coursebase.payment_transactions r
    LEFT JOIN coursebase.payment_transactions t
        ON t.id = r.refunds_transaction_id AND t.type = 'charge'
        AND t.organization_id = r.organization_id AND t.user_id = r.user_id
    WHERE r.type = 'refund' AND t.id IS NULL
    UNION ALL
    SELECT 'payment_lost', 'payment_transactions ' || t.id,
        'the money came, and the payer has no entitlement'
    FROM coursebase.payment_transactions t
    WHERE t.type = 'charge' AND t.status = 'completed' AND t.program_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM coursebase.course_entitlements e
            WHERE e.user_id = t.user_id AND e.program_id = t.program_id)
    UNION ALL
    SELECT 'payment_lost', 'course_entitlements ' || e.id,
        'the last charge was paid, and the entitlement is still pending'
    FROM coursebase.course_entitlements e
    CROSS JOIN LATERAL (
        SELECT t.status
        FROM coursebase.payment_transactions t
        WHERE t.user_id = e.user_id AND t.program_id = e.program_id AND t.type = 'charge'
        ORDER BY t.created_at DESC, t.updated_at DESC
        LIMIT 1) last
    WHERE e.status = 'pending' AND last.status = 'completed'
        -- Another checkout is under way, whose time need not be the latest.
        AND NOT EXISTS (SELECT FROM coursebase.payment_transactions o
            WHERE o.user_id = e.user_id AND o.program_id = e.program_id AND o.type = 'charge'
                AND o.status = 'pending')
    UNION ALL
    SELECT 'entitlement_organization', 'course_entitlements ' || e.id,
        'program or membership are not the organisation''s, or not the buyer''s'
    FROM coursebase.course_entitlements e
    JOIN coursebase.programs p ON p.id = e.program_id
    LEFT JOIN coursebase.memberships m ON m.id = e.membership_id
    WHERE p.organization_id <> e.organization_id OR m.organization_id <> e.organization_id
        OR m.user_id <> e.user_id
    UNION ALL
    SELECT 'entitlement_source', 'course_entitlements ' || e.id,
        'its payment is another''s, for something else, or did not come'
    FROM coursebase.course_entitlements e
    JOIN coursebase.payment_transactions t ON t.id = e.source_payment_transaction_id
    WHERE t.user_id <> e.user_id OR t.program_id IS DISTINCT FROM e.program_id
        OR t.organization_id <> e.organization_id OR t.type <> 'charge'
        OR (e.status = 'active' AND t.status <> 'completed')
    UNION ALL
    SELECT 'entitlement_completed', 'course_entitlements ' || e.id,
        format('completed_at is %s, its workouts say %s',
            coalesce(e.completed_at::text, 'null'), coalesce(d.done::text, 'null'))
    FROM coursebase.course_entitlements e
    LEFT JOIN (SELECT w.program_id, count(*) AS workouts FROM coursebase.course_workouts w
        WHERE NOT w.is_rest GROUP BY w.program_id) t ON t.program_id = e.program_id
    LEFT JOIN (SELECT c.entitlement_id, count(*) AS completed, max(c.completed_at) AS done
        FROM coursebase.course_workout_completions c
        JOIN coursebase.course_workouts w ON w.id = c.course_workout_id AND NOT w.is_rest
        GROUP BY c.entitlement_id) d
        ON d.entitlement_id = e.id AND d.completed = t.workouts
    WHERE e.completed_at IS DISTINCT FROM d.done
    UNION ALL
    SELECT 'completion_program', 'course_workout_completions ' || c.id,
        'entitlement and workout are not of one program'
    FROM coursebase.course_workout_completions c
    LEFT JOIN coursebase.course_entitlements e ON e.id = c.entitlement_id
    LEFT JOIN coursebase.course_workouts w ON w.id = c.course_workout_id
    WHERE e.program_id IS DISTINCT FROM c.program_id
        OR w.program_id IS DISTINCT FROM c.program_id
$$;
COMMENT ON FUNCTION coursebase.check_programs() IS
    'Lists what is wrong with programs, payments and entitlements: part of check_integrity(). For the server; reads with the caller''s rights.

check_name: course_is_configured, course_organization, course_day, course_rest, course_order, course_workout_deleted, course_published, course_preview (a configuration and its curriculum disagree), plan_organization, plan_currency (a plan is not as its organisation), payment_organization, payment_refund, payment_lost (a payment mixes organisations, was not given back as it says, or gave nothing or an entitlement that is still pending), entitlement_organization, entitlement_source, entitlement_completed (an entitlement is not borne out by its program, payment or completions), completion_program (a completion of another program). object: table and key. problem: what is stored and what was found.';
GRANT EXECUTE ON FUNCTION coursebase.check_programs() TO server;
