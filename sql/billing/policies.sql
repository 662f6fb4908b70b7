-- Events, lines and mappings have no policy: only the server reads them. What a person may know of the own
-- events stands in the view subscription_history.

CREATE POLICY self_select_own ON coursebase.subscriptions FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.subscriptions IS
    'A person reads the own subscription; administrators read all.';
