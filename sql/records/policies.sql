-- A user writes entries about nobody else, and reads none: only the server reads the logs.
CREATE POLICY self_insert_own ON coursebase.app_logs FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_insert_own ON coursebase.app_logs IS
    'A user writes entries about the own account only.';
