-- Administrators write the catalogue. Who reads courses, documents, sections and lessons depends on access: those
-- policies stand in sql/access/policies.sql.

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
    'Anybody reads public products, administrators read all. There are few products, so that no index would serve.';

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
    'Anybody reads the discounts of countries.';

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
