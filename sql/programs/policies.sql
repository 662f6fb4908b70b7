-- Staff are matched by organization_id, the first column of an index of each table; the storefront and buyers by
-- the program's key. So an index serves each side of an OR, and the function on each side runs once a statement,
-- not once a row. organizations_are_here() runs when the statement is planned, and is gone from it then. Buyers keep
-- reading archived programs: accessible_program_ids() leaves out drafts alone.

CREATE POLICY anyone_select_all ON coursebase.access_policies
    FOR SELECT TO public
    USING (true);
COMMENT ON POLICY anyone_select_all ON coursebase.access_policies IS
    'Anyone reads which access policies there are.';

CREATE POLICY staff_select_org ON coursebase.workouts
    FOR SELECT TO public
    USING (coursebase.organizations_are_here()
        AND (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[])
            OR id = ANY ((SELECT coursebase.entitled_workout_ids())::uuid[])));
COMMENT ON POLICY staff_select_org ON coursebase.workouts IS
    'Staff read the workouts of their organisation, buyers those of their programs, administrators all.';

CREATE POLICY anyone_select_offered ON coursebase.programs
    FOR SELECT TO public
    USING (coursebase.organizations_are_here()
        AND (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[])
            OR id = ANY ((SELECT coursebase.offered_program_ids())::uuid[])
            OR id = ANY ((SELECT coursebase.accessible_program_ids())::uuid[])));
COMMENT ON POLICY anyone_select_offered ON coursebase.programs IS
    'Anyone reads the programs that are on offer, buyers their own, staff all of their organisation, administrators all.';

CREATE POLICY anyone_select_offered ON coursebase.course_configs
    FOR SELECT TO public
    USING (coursebase.organizations_are_here()
        AND (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[])
            OR program_id = ANY ((SELECT coursebase.offered_program_ids())::uuid[])
            OR program_id = ANY ((SELECT coursebase.accessible_program_ids())::uuid[])));
COMMENT ON POLICY anyone_select_offered ON coursebase.course_configs IS
    'Anyone reads the configurations of programs that are on offer, buyers those of their own programs, staff all of their organisation, administrators all.';

CREATE POLICY staff_select_org ON coursebase.course_workouts
    FOR SELECT TO public
    USING (coursebase.organizations_are_here()
        AND (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[])
            OR program_id = ANY ((SELECT coursebase.accessible_program_ids())::uuid[])));
COMMENT ON POLICY staff_select_org ON coursebase.course_workouts IS
    'Staff read the curricula of their organisation, buyers those of their programs, administrators all. The storefront shows previews through storefront_course().';

CREATE POLICY anyone_select_offered ON coursebase.plans
    FOR SELECT TO public
    USING (coursebase.organizations_are_here()
        AND (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[])
            OR id = ANY ((SELECT coursebase.offered_plan_ids())::uuid[])));
COMMENT ON POLICY anyone_select_offered ON coursebase.plans IS
    'Anyone reads the plans that are on sale, staff all of their organisation, administrators all.';

CREATE POLICY staff_insert_org ON coursebase.workouts
    FOR INSERT TO public
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_insert_org ON coursebase.workouts IS
    'Staff add workouts of their organisation.';

CREATE POLICY staff_update_org ON coursebase.workouts
    FOR UPDATE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]))
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_update_org ON coursebase.workouts IS
    'Staff change workouts of their organisation.';

CREATE POLICY staff_delete_org ON coursebase.workouts
    FOR DELETE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_delete_org ON coursebase.workouts IS
    'Staff delete workouts of their organisation.';

CREATE POLICY staff_insert_org ON coursebase.programs
    FOR INSERT TO public
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_insert_org ON coursebase.programs IS
    'Staff add programs of their organisation.';

CREATE POLICY staff_update_org ON coursebase.programs
    FOR UPDATE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]))
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_update_org ON coursebase.programs IS
    'Staff change programs of their organisation.';

CREATE POLICY staff_delete_org ON coursebase.programs
    FOR DELETE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_delete_org ON coursebase.programs IS
    'Staff delete programs of their organisation.';

CREATE POLICY staff_insert_org ON coursebase.course_configs
    FOR INSERT TO public
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_insert_org ON coursebase.course_configs IS
    'Staff add configurations of their organisation.';

CREATE POLICY staff_update_org ON coursebase.course_configs
    FOR UPDATE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]))
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_update_org ON coursebase.course_configs IS
    'Staff change configurations of their organisation.';

CREATE POLICY staff_delete_org ON coursebase.course_configs
    FOR DELETE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_delete_org ON coursebase.course_configs IS
    'Staff delete configurations of their organisation.';

CREATE POLICY staff_insert_org ON coursebase.course_workouts
    FOR INSERT TO public
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_insert_org ON coursebase.course_workouts IS
    'Staff add curricula of their organisation.';

CREATE POLICY staff_update_org ON coursebase.course_workouts
    FOR UPDATE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]))
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_update_org ON coursebase.course_workouts IS
    'Staff change curricula of their organisation.';

CREATE POLICY staff_delete_org ON coursebase.course_workouts
    FOR DELETE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_delete_org ON coursebase.course_workouts IS
    'Staff delete curricula of their organisation.';

CREATE POLICY staff_insert_org ON coursebase.plans
    FOR INSERT TO public
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_insert_org ON coursebase.plans IS
    'Staff add plans of their organisation.';

CREATE POLICY staff_update_org ON coursebase.plans
    FOR UPDATE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]))
    WITH CHECK (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_update_org ON coursebase.plans IS
    'Staff change plans of their organisation.';

CREATE POLICY staff_delete_org ON coursebase.plans
    FOR DELETE TO public
    USING (organization_id = ANY ((SELECT coursebase.organization_ids_as('coach'))::uuid[]));
COMMENT ON POLICY staff_delete_org ON coursebase.plans IS
    'Staff delete plans of their organisation.';

CREATE POLICY staff_select_org ON coursebase.payment_transactions
    FOR SELECT TO public
    USING (coursebase.organizations_are_here()
        AND organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[]));
COMMENT ON POLICY staff_select_org ON coursebase.payment_transactions IS
    'Staff read the payments of their organisation; administrators all. Only the server writes.';

CREATE POLICY buyer_select_own ON coursebase.course_entitlements
    FOR SELECT TO public
    USING (coursebase.organizations_are_here()
        AND (user_id = (SELECT coursebase.current_member_id())
            OR organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[])));
COMMENT ON POLICY buyer_select_own ON coursebase.course_entitlements IS
    'A buyer reads their own entitlements of all organisations, staff those to their organisation''s programs, administrators all. Each side of the OR has its index. Only the server writes.';

CREATE POLICY buyer_select_own ON coursebase.course_workout_completions
    FOR SELECT TO public
    USING (coursebase.organizations_are_here()
        AND entitlement_id = ANY ((SELECT coursebase.own_entitlement_ids())::uuid[]));
COMMENT ON POLICY buyer_select_own ON coursebase.course_workout_completions IS
    'A buyer reads their own completions; administrators all. Staff see progress through course_enrolments().';

CREATE POLICY buyer_insert_own ON coursebase.course_workout_completions
    FOR INSERT TO public
    WITH CHECK (entitlement_id = ANY ((SELECT coursebase.own_entitlement_ids(true))::uuid[]));
COMMENT ON POLICY buyer_insert_own ON coursebase.course_workout_completions IS
    'A buyer marks workouts by their own active entitlement; the trigger t100_program checks the place.';

CREATE POLICY buyer_update_own ON coursebase.course_workout_completions
    FOR UPDATE TO public
    USING (entitlement_id = ANY ((SELECT coursebase.own_entitlement_ids(true))::uuid[]))
    WITH CHECK (entitlement_id = ANY ((SELECT coursebase.own_entitlement_ids(true))::uuid[]));
COMMENT ON POLICY buyer_update_own ON coursebase.course_workout_completions IS
    'A buyer changes notes under their own active entitlement; the trigger t300_set_once refuses any other column.';

CREATE POLICY buyer_delete_own ON coursebase.course_workout_completions
    FOR DELETE TO public
    USING (entitlement_id = ANY ((SELECT coursebase.own_entitlement_ids(true))::uuid[]));
COMMENT ON POLICY buyer_delete_own ON coursebase.course_workout_completions IS
    'A buyer takes completions back under their own active entitlement.';
