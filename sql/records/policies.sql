-- Reports are written by those they are about and read by the server.
CREATE POLICY self_insert_own ON coursebase.app_logs FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_insert_own ON coursebase.app_logs IS
    'Who is signed in reports about nobody else.';
