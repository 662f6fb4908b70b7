-- A person reads their own purchases and grants; administrators grant courses by hand. purchase_refunds is
-- the server's alone.

CREATE POLICY self_select_own ON coursebase.purchases
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.purchases IS
    'A person reads the own purchases; administrators read all.';

CREATE POLICY self_select_own ON coursebase.course_grants
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.course_grants IS
    'A person reads the own grants; administrators read all.';

CREATE POLICY admin_insert_all ON coursebase.course_grants
    FOR INSERT TO public
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.course_grants IS 'An administrator grants a course.';

CREATE POLICY admin_update_all ON coursebase.course_grants
    FOR UPDATE TO public
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_update_all ON coursebase.course_grants IS 'An administrator moves the end of a grant.';

CREATE POLICY admin_delete_all ON coursebase.course_grants
    FOR DELETE TO public
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.course_grants IS 'An administrator takes a grant away.';

CREATE POLICY self_select_own ON coursebase.user_course_access
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.user_course_access IS
    'A person reads the own courses; administrators read all.';

CREATE POLICY admin_insert_all ON coursebase.user_course_access
    FOR INSERT TO public
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.user_course_access IS 'An administrator gives a course; a trigger records the direct grant.';

CREATE POLICY admin_delete_all ON coursebase.user_course_access
    FOR DELETE TO public
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.user_course_access IS 'An administrator takes a course away; a trigger deletes every grant of the course that counts.';

CREATE POLICY nobody_all_rows ON coursebase.purchase_refunds FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.purchase_refunds IS 'Closed to everybody whom row security binds: only the server passes.';
