-- Staff read and write by organization_id, with which an index of each table begins; the storefront and buyers
-- by the key of the program, which has its own. Either side of an OR is an index's, and none is asked a row.
--
-- Buyers: what accessible_program_ids() gives joins programs, course_configs, course_workouts and, through the
-- curriculum, workouts.

CREATE POLICY anyone_select_all ON coursebase.access_policies
    FOR SELECT TO public
    USING (true);
COMMENT ON POLICY anyone_select_all ON coursebase.access_policies IS
    'Anyone reads which policies there are.';

CREATE POLICY staff_select_org ON coursebase.workouts
    FOR SELECT TO public
    USING (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[]));
COMMENT ON POLICY staff_select_org ON coursebase.workouts IS
    'Staff read the workouts of their organisation; administrators all.';

CREATE POLICY anyone_select_offered ON coursebase.programs
    FOR SELECT TO public
    USING (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[])
        OR id = ANY ((SELECT coursebase.offered_program_ids())::uuid[]));
COMMENT ON POLICY anyone_select_offered ON coursebase.programs IS
    'Anyone reads the programs on the storefront, staff all of their organisation, administrators all.';

CREATE POLICY anyone_select_offered ON coursebase.course_configs
    FOR SELECT TO public
    USING (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[])
        OR program_id = ANY ((SELECT coursebase.offered_program_ids())::uuid[]));
COMMENT ON POLICY anyone_select_offered ON coursebase.course_configs IS
    'Anyone reads how the courses on the storefront are configured, staff all of their organisation, administrators all.';

CREATE POLICY staff_select_org ON coursebase.course_workouts
    FOR SELECT TO public
    USING (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[]));
COMMENT ON POLICY staff_select_org ON coursebase.course_workouts IS
    'Staff read the curricula of their organisation, administrators all. The storefront shows previews through storefront_course().';

CREATE POLICY anyone_select_offered ON coursebase.plans
    FOR SELECT TO public
    USING (organization_id = ANY ((SELECT coursebase.staff_organization_ids())::uuid[])
        OR id = ANY ((SELECT coursebase.offered_plan_ids())::uuid[]));
COMMENT ON POLICY anyone_select_offered ON coursebase.plans IS
    'Anyone reads the plans on sale, staff all of their organisation, administrators all.';

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
