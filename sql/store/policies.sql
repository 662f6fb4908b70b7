-- Anybody reads store_products, and administrators write it. store_receipts and store_refunds are the
-- server's alone.

CREATE POLICY anyone_select_all ON coursebase.store_products
    FOR SELECT
    USING (true);
COMMENT ON POLICY anyone_select_all ON coursebase.store_products IS
    'Anybody reads the products.';

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

CREATE POLICY nobody_all_rows ON coursebase.store_receipts FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.store_receipts IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.store_refunds FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.store_refunds IS 'Closed to everybody whom row security binds: only the server passes.';
