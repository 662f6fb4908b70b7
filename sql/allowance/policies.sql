-- Nobody writes credits but the functions: there are policies for reading alone.

CREATE POLICY self_select_own ON coursebase.ai_usage FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.ai_usage IS
    'One''s own credits; an administrator reads everybody''s.';

CREATE POLICY self_select_own ON coursebase.ai_credit_purchases FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.ai_credit_purchases IS
    'One''s own packs; an administrator reads everybody''s.';

CREATE POLICY self_select_own ON coursebase.credit_log FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.credit_log IS
    'The record of one''s own credits; an administrator reads everybody''s.';
