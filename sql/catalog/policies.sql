CREATE POLICY anyone_select_offered ON coursebase.courses
    FOR SELECT
    USING (
        is_free
        OR (course_code IS NOT NULL AND price_in_cents IS NOT NULL)
        OR (SELECT coursebase.is_admin())
    );
COMMENT ON POLICY anyone_select_offered ON coursebase.courses IS
    'Anyone sees what is free or priced with a code, an administrator all. The catalogue is short and most of it is on offer: no index would serve.';

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

CREATE POLICY entitled_select_usable ON coursebase.course_documents
    FOR SELECT
    USING (course_id = ANY ((SELECT coursebase.accessible_course_ids())::uuid[]));
COMMENT ON POLICY entitled_select_usable ON coursebase.course_documents IS
    'Who may use the course now reads its document.';

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

CREATE POLICY anyone_select_all ON coursebase.store_products
    FOR SELECT
    USING (true);
COMMENT ON POLICY anyone_select_all ON coursebase.store_products IS
    'Anyone sees what the stores sell.';

CREATE POLICY admin_insert_all ON coursebase.store_products
    FOR INSERT
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_insert_all ON coursebase.store_products IS 'An administrator adds products.';

CREATE POLICY admin_update_all ON coursebase.store_products
    FOR UPDATE
    USING ((SELECT coursebase.is_admin()))
    WITH CHECK ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_update_all ON coursebase.store_products IS 'An administrator edits products.';

CREATE POLICY admin_delete_all ON coursebase.store_products
    FOR DELETE
    USING ((SELECT coursebase.is_admin()));
COMMENT ON POLICY admin_delete_all ON coursebase.store_products IS 'An administrator deletes products.';
