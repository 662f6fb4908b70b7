-- Administrators write the catalogue. Who reads a course, its documents and lessons depends on access: those policies
-- stand in sql/access/policies.sql.

CREATE POLICY admin_insert_all ON coursebase.courses
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.courses IS 'An administrator adds courses.';

CREATE POLICY admin_update_all ON coursebase.courses
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_update_all ON coursebase.courses IS 'An administrator edits courses.';

CREATE POLICY admin_delete_all ON coursebase.courses
    FOR DELETE
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.courses IS 'An administrator deletes courses.';

CREATE POLICY admin_insert_all ON coursebase.course_documents
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.course_documents IS 'An administrator adds documents.';

CREATE POLICY admin_update_all ON coursebase.course_documents
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_update_all ON coursebase.course_documents IS 'An administrator edits documents.';

CREATE POLICY admin_delete_all ON coursebase.course_documents
    FOR DELETE
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.course_documents IS 'An administrator deletes documents.';

CREATE POLICY anyone_select_public ON coursebase.products
    FOR SELECT
    USING (status = 'public' OR (SELECT coursebase.is_admin()));
COMMENT ON POLICY anyone_select_public ON coursebase.products IS
    'Anyone sees what is public, an administrator all. The storefront is short: no index would serve.';

CREATE POLICY admin_insert_all ON coursebase.products
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.products IS 'An administrator adds products.';

CREATE POLICY admin_update_all ON coursebase.products
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_update_all ON coursebase.products IS 'An administrator edits products.';

CREATE POLICY admin_delete_all ON coursebase.products
    FOR DELETE
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.products IS 'An administrator deletes products.';

CREATE POLICY admin_insert_all ON coursebase.course_products
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.course_products IS 'An administrator adds courses to products.';

CREATE POLICY admin_update_all ON coursebase.course_products
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_update_all ON coursebase.course_products IS 'An administrator moves courses between products.';

CREATE POLICY admin_delete_all ON coursebase.course_products
    FOR DELETE
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.course_products IS 'An administrator takes courses out of products.';

CREATE POLICY anyone_select_all ON coursebase.country_discounts
    FOR SELECT
    USING (true);
COMMENT ON POLICY anyone_select_all ON coursebase.country_discounts IS
    'Anyone sees what a country pays less.';

CREATE POLICY admin_insert_all ON coursebase.country_discounts
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.country_discounts IS 'An administrator adds countries.';

CREATE POLICY admin_update_all ON coursebase.country_discounts
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_update_all ON coursebase.country_discounts IS 'An administrator edits countries.';

CREATE POLICY admin_delete_all ON coursebase.country_discounts
    FOR DELETE
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.country_discounts IS 'An administrator deletes countries.';

CREATE POLICY anyone_select_public ON coursebase.course_sections
    FOR SELECT
    USING ((SELECT coursebase.is_admin()) OR coursebase.can_read_section(id));
COMMENT ON POLICY anyone_select_public ON coursebase.course_sections IS
    'Anyone sees the public sections of a course that they may read, an administrator all. Most of a catalogue is readable: no index would serve, and an array of its courses would be searched row by row. What the function found is kept for the statement.';

CREATE POLICY admin_insert_all ON coursebase.course_sections
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.course_sections IS 'An administrator adds sections.';

CREATE POLICY admin_update_all ON coursebase.course_sections
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_update_all ON coursebase.course_sections IS 'An administrator edits sections.';

CREATE POLICY admin_delete_all ON coursebase.course_sections
    FOR DELETE
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.course_sections IS 'An administrator deletes sections.';

CREATE POLICY anyone_select_visible ON coursebase.lessons
    FOR SELECT
    USING (
        (SELECT coursebase.is_admin())
        OR (status <> 'private' AND coursebase.can_read_section(section_id))
    );
COMMENT ON POLICY anyone_select_visible ON coursebase.lessons IS
    'Anyone sees the public and preview lessons of a section that they may read, an administrator all. No index would serve, as with sections; a list of one section is found by the index of its key.';

CREATE POLICY admin_insert_all ON coursebase.lessons
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.lessons IS 'An administrator adds lessons.';

CREATE POLICY admin_update_all ON coursebase.lessons
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_update_all ON coursebase.lessons IS 'An administrator edits lessons.';

CREATE POLICY admin_delete_all ON coursebase.lessons
    FOR DELETE
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.lessons IS 'An administrator deletes lessons.';

CREATE POLICY viewer_select_viewable ON coursebase.lesson_contents
    FOR SELECT
    USING ((SELECT coursebase.is_admin()) OR coursebase.can_view_lesson(lesson_id));
COMMENT ON POLICY viewer_select_viewable ON coursebase.lesson_contents IS
    'Who may view a lesson reads its content: preview lessons anybody, others who may use the course. The two meet in one row, so that no set of courses could be the bound: asked row by row, with the lessons that follow read ahead.';

CREATE POLICY admin_insert_all ON coursebase.lesson_contents
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.lesson_contents IS 'An administrator adds contents.';

CREATE POLICY admin_update_all ON coursebase.lesson_contents
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_update_all ON coursebase.lesson_contents IS 'An administrator edits contents.';

CREATE POLICY admin_delete_all ON coursebase.lesson_contents
    FOR DELETE
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.lesson_contents IS 'An administrator deletes contents.';
