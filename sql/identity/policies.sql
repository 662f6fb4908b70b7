-- Bounds instead of an OR for administrators, so that an index on the column serves. NULL bounds match no row:
-- a closed account, an unknown subject and a request without claims see nothing.

CREATE POLICY self_select_own ON coursebase.users
    FOR SELECT TO public
    USING (id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.users IS
    'A person reads the own account; administrators read all.';

CREATE POLICY self_update_own ON coursebase.users
    FOR UPDATE TO public
    USING (id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()))
    WITH CHECK (id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_update_own ON coursebase.users IS
    'A person changes name and picture of the own account (the trigger t300_guard refuses other columns); administrators change every account, but not its external id.';

CREATE POLICY admin_insert_all ON coursebase.users
    FOR INSERT TO public
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.users IS 'Administrators make accounts.';

CREATE POLICY admin_delete_all ON coursebase.users
    FOR DELETE TO public
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.users IS
    'Administrators delete accounts. Foreign keys refuse an account with rows that must stay, such as purchases.';

CREATE POLICY self_select_own ON coursebase.user_profile
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.user_profile IS
    'A person reads the own profile; administrators read all.';

CREATE POLICY self_update_own ON coursebase.user_profile
    FOR UPDATE TO public
    USING (user_id = (SELECT coursebase.current_user_id()))
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_update_own ON coursebase.user_profile IS
    'A person changes names, telephone, country and time zone of the own profile (the trigger t300_guard refuses other columns).';

CREATE POLICY member_select_own ON coursebase.cohorts
    FOR SELECT TO public
    USING (id BETWEEN (SELECT coursebase.own_cohort_from())
        AND (SELECT coursebase.own_cohort_to()));
COMMENT ON POLICY member_select_own ON coursebase.cohorts IS
    'A person reads the own cohort; administrators read all.';

CREATE POLICY self_select_own ON coursebase.user_cohorts
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.user_cohorts IS
    'A person reads in which cohort the own account is; administrators read all.';

-- A person is in few organisations, so that an array of their ids is short, and each table has an index on
-- organization_id.

CREATE POLICY member_select_own ON coursebase.organizations
    FOR SELECT TO public
    USING (coursebase.organizations_are_here()
        AND id = ANY ((SELECT coursebase.member_organization_ids())::uuid[]));
COMMENT ON POLICY member_select_own ON coursebase.organizations IS
    'Members read their organisation; administrators read all.';

CREATE POLICY admin_update_own ON coursebase.organizations
    FOR UPDATE TO public
    USING (id = ANY ((SELECT coursebase.organization_ids_as('admin'))::uuid[]))
    WITH CHECK (id = ANY ((SELECT coursebase.organization_ids_as('admin'))::uuid[]));
COMMENT ON POLICY admin_update_own ON coursebase.organizations IS
    'Owners and admins of the organisation change name, slug, currency and time zone (the trigger t300_guard refuses other columns).';

CREATE POLICY staff_select_org ON coursebase.memberships
    FOR SELECT TO public
    USING (coursebase.organizations_are_here()
        AND (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[])
            OR user_id = (SELECT coursebase.current_member_id())));
COMMENT ON POLICY staff_select_org ON coursebase.memberships IS
    'A person reads the own memberships, staff those of their organisation, administrators all. Each side of the OR has an index.';

CREATE POLICY admin_insert_org ON coursebase.memberships
    FOR INSERT TO public
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('admin'))::uuid[]));
COMMENT ON POLICY admin_insert_org ON coursebase.memberships IS
    'Owners and admins add members; only an owner adds an owner (trigger t300_only_owners).';

CREATE POLICY admin_update_org ON coursebase.memberships
    FOR UPDATE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('admin'))::uuid[]))
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('admin'))::uuid[]));
COMMENT ON POLICY admin_update_org ON coursebase.memberships IS
    'Owners and admins change roles; only an owner gives or takes the role owner (trigger t300_only_owners).';

CREATE POLICY admin_delete_org ON coursebase.memberships
    FOR DELETE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('admin'))::uuid[])
        OR user_id = (SELECT coursebase.current_member_id()));
COMMENT ON POLICY admin_delete_org ON coursebase.memberships IS
    'Owners and admins remove members, and every member may leave. Each side of the OR has an index.';

CREATE POLICY admin_select_all ON coursebase.audit_events FOR SELECT TO public
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_select_all ON coursebase.audit_events IS
    'Administrators read who changed what.';

CREATE POLICY nobody_all_rows ON coursebase.closed_id_key FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.closed_id_key IS 'Closed to everybody whom row security binds: the table is the owner''s alone.';
CREATE POLICY nobody_all_rows ON coursebase.closed_ids FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.closed_ids IS 'Closed to everybody whom row security binds: the table is the owner''s alone.';
