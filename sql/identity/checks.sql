-- What the slice's data must satisfy whatever happened to triggers: part of check_integrity().

CREATE FUNCTION coursebase.check_identity()
RETURNS TABLE (check_name text, object text, problem text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE chain (user_id, referred_by, loops) AS (
        SELECT p.user_id, p.referred_by, p.referred_by = p.user_id
        FROM coursebase.user_profile p
        WHERE p.referred_by IS NOT NULL
        UNION
        SELECT c.user_id, p.referred_by, p.referred_by = c.user_id
        FROM chain c
        JOIN coursebase.user_profile p ON p.user_id = c.referred_by
        WHERE p.referred_by IS NOT NULL AND NOT c.loops
    )
    SELECT 'profile', 'users ' || u.id, 'the person has no profile: call upsert_user()'
    FROM coursebase.users u
    WHERE NOT u.is_guest
        AND NOT EXISTS (SELECT FROM coursebase.user_profile p WHERE p.user_id = u.id)
    UNION ALL
    SELECT 'email_lower', 'user_profile ' || p.user_id, 'the address is not in lower case'
    FROM coursebase.user_profile p
    WHERE p.email <> lower(p.email)
    UNION ALL
    SELECT 'referral_code', 'user_profile ' || p.user_id, 'the code is not U and six of A-Z, 2-9, or two more with cells'
    FROM coursebase.user_profile p
    WHERE p.referral_code !~ '^U[A-Z2-9]{6,8}$'
    UNION ALL
    SELECT 'time_zone', 'user_profile ' || p.user_id,
        format('the server knows no time zone %s', p.time_zone)
    FROM coursebase.user_profile p
    WHERE p.time_zone NOT IN (SELECT z.name FROM pg_timezone_names z)
    UNION ALL
    SELECT 'referral_cycle', 'user_profile ' || c.user_id, 'the chain of referrals leads back'
    FROM chain c
    WHERE c.loops
    UNION ALL
    SELECT 'role_audited', 'users ' || u.id, 'the role is not the one that was last recorded'
    FROM coursebase.users u
    LEFT JOIN LATERAL (
        SELECT e.new ->> 'role' AS role
        FROM coursebase.audit_events e
        WHERE e.action = 'role_changed' AND e.object = 'users/' || u.id
        ORDER BY e.created_at DESC
        LIMIT 1
    ) last ON true
    WHERE u.role::text <> coalesce(last.role, 'user')
        -- what purge_logs() took from the trail is not missed
        AND (last.role IS NOT NULL OR NOT EXISTS (
            SELECT FROM coursebase.audit_events p
            WHERE p.object = 'audit_events' AND p.action = 'audit_purged'))
    UNION ALL
    SELECT 'organization_owner', 'organizations ' || o.id, 'it has no owner'
    FROM coursebase.organizations o
    WHERE NOT EXISTS (
        SELECT FROM coursebase.memberships m
        WHERE m.organization_id = o.id AND m.role = 'owner')
    UNION ALL
    SELECT 'directory', 'users ' || u.id,
        CASE
            WHEN d.user_id IS NULL THEN 'the directory does not know the person'
            WHEN d.cell <> c.number THEN format('the directory has the person in cell %s', d.cell)
            ELSE 'the directory has another external id' END
    FROM coursebase.this_cell c
    CROSS JOIN coursebase.users u
    LEFT JOIN coursebase.people d ON d.user_id = u.id
    WHERE NOT u.is_guest AND (d.cell IS DISTINCT FROM c.number
        -- a merged account leads to the person who was kept, by its external id as well
        OR d.external_id IS DISTINCT FROM CASE
            WHEN u.deleted_at IS NULL OR u.merged_into IS NOT NULL THEN u.clerk_user_id END)
    UNION ALL
    SELECT 'guest', 'users ' || u.id,
        CASE
            WHEN c.number IS NULL THEN 'the person is a guest, and this server is the only one'
            WHEN c.number <> c.home THEN 'the person is a guest, and organisations live on home'
            WHEN d.user_id IS NULL THEN 'the directory does not know the guest'
            WHEN d.cell = c.number THEN 'the directory has the guest in this cell'
            ELSE 'the guest has a token''s subject, a role or a profile' END
    FROM coursebase.users u
    LEFT JOIN coursebase.this_cell c ON true
    LEFT JOIN coursebase.people d ON d.user_id = u.id
    WHERE u.is_guest AND (c.number IS DISTINCT FROM c.home OR c.number IS NULL OR d.user_id IS NULL
        -- who is on the way from or to this cell
        OR d.cell = c.number AND d.moves = 0
            AND NOT EXISTS (SELECT FROM coursebase.moving_people v WHERE v.user_id = u.id)
        OR u.clerk_user_id !~ '^guest:[-0-9a-f]{36}$' OR u.role <> 'user'
        OR EXISTS (SELECT FROM coursebase.user_profile p WHERE p.user_id = u.id))
    UNION ALL
    SELECT 'time_zone', 'organizations ' || o.id,
        format('the server knows no time zone %s', o.time_zone)
    FROM coursebase.organizations o
    WHERE o.time_zone NOT IN (SELECT z.name FROM pg_timezone_names z)
$$;
COMMENT ON FUNCTION coursebase.check_identity() IS
    'Lists rows of this slice that break its rules, for check_integrity(): people without a profile; profiles with an email that is not in lower case, a referral code of the wrong form, an unknown time zone, or a chain of referrals that leads back to itself; users whose role is not the one that audit_events recorded last; organisations without an owner or with an unknown time zone; in a cell, people whom the directory does not know, or has in another cell or with another external id, and guests (users.is_guest) whom it does not have elsewhere, or who have what only people of this cell have. No row if all is well. For the server; reads with the caller''s rights.

check_name: profile, email_lower, referral_code, time_zone, referral_cycle, role_audited, organization_owner, directory or guest. object: table and key of the row. problem: what is wrong.';
GRANT EXECUTE ON FUNCTION coursebase.check_identity() TO server;
