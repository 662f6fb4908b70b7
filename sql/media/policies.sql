-- custom_courses and custom_course_versions are the server's alone.

CREATE POLICY self_select_own ON coursebase.custom_course_purchases
    FOR SELECT
    USING (course_id = ANY ((SELECT coursebase.own_custom_course_ids())::uuid[]));
COMMENT ON POLICY self_select_own ON coursebase.custom_course_purchases IS
    'The owner of the custom course sees its purchase and link; nobody else, an administrator included.';

CREATE POLICY nobody_all_rows ON coursebase.custom_courses FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.custom_courses IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.custom_course_versions FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.custom_course_versions IS 'Closed to everybody whom row security binds: only the server passes.';
