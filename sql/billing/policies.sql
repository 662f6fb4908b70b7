-- subscription_events, subscription_lines and subscription_event_mappings are the server's alone. A person reads
-- the own events in the view subscription_history.

CREATE POLICY self_select_own ON coursebase.subscriptions FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.subscriptions IS
    'A person reads the own subscription; administrators read all.';

CREATE POLICY anyone_select_all ON coursebase.entitlements FOR SELECT TO public
    USING (true);
COMMENT ON POLICY anyone_select_all ON coursebase.entitlements IS
    'Anybody reads what the plans give. Only the server writes it.';

CREATE POLICY anyone_select_all ON coursebase.store_product_entitlements FOR SELECT TO public
    USING (true);
COMMENT ON POLICY anyone_select_all ON coursebase.store_product_entitlements IS
    'Anybody reads what the products give. Only the server writes it.';

CREATE POLICY nobody_all_rows ON coursebase.subscription_event_mappings FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.subscription_event_mappings IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.subscription_events FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.subscription_events IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.subscription_lines FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.subscription_lines IS 'Closed to everybody whom row security binds: only the server passes.';
