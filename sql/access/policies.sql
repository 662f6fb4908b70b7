CREATE POLICY self_select_own ON coursebase.course_purchases
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.course_purchases IS
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

CREATE POLICY admin_delete_all ON coursebase.course_grants
    FOR DELETE TO public
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.course_grants IS 'An administrator takes a grant back.';

CREATE POLICY self_select_own ON coursebase.user_course_access
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.user_course_access IS
    'A person reads the own courses; administrators read all.';

CREATE POLICY admin_insert_all ON coursebase.user_course_access
    FOR INSERT TO public
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.user_course_access IS 'An administrator gives a course, which records a direct grant.';

CREATE POLICY admin_delete_all ON coursebase.user_course_access
    FOR DELETE TO public
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.user_course_access IS 'An administrator takes a course, with every grant of it.';

CREATE POLICY self_select_own ON coursebase.user_lesson_complete
    FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.user_lesson_complete IS
    'A person reads what they completed; administrators read all.';

CREATE POLICY self_insert_own ON coursebase.user_lesson_complete
    FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_insert_own ON coursebase.user_lesson_complete IS
    'A person completes lessons for themselves; a trigger asks for real access.';

CREATE POLICY self_delete_own ON coursebase.user_lesson_complete
    FOR DELETE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_delete_own ON coursebase.user_lesson_complete IS
    'A person takes back what they completed; a trigger asks for real access.';
