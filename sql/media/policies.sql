-- custom_courses and custom_course_versions have no policy: only the server reads and writes them.

CREATE POLICY self_select_own ON coursebase.custom_course_purchases
    FOR SELECT
    USING (course_id = ANY ((SELECT coursebase.own_custom_course_ids())::uuid[]));
COMMENT ON POLICY self_select_own ON coursebase.custom_course_purchases IS
    'The owner of the custom course sees its purchase and link; nobody else, an administrator included.';
