-- Policies for reading alone: only the functions of this slice write credits.

CREATE POLICY self_select_own ON coursebase.ai_usage FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.ai_usage IS
    'A user reads the own credits, an administrator all.';

CREATE POLICY self_select_own ON coursebase.ai_credit_purchases FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.ai_credit_purchases IS
    'A user reads the own packs, an administrator all.';

CREATE POLICY self_select_own ON coursebase.credit_log FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.credit_log IS
    'A user reads the log of the own credits, an administrator all.';
