-- A user writes entries about nobody else, and reads none: only the server reads the logs. Every column is granted,
-- because object mappers name them all in an INSERT. An entry of a time to come would never be purged; a phone's clock
-- may be some minutes ahead.
CREATE POLICY self_insert_own ON coursebase.app_logs FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id())
        AND created_at <= now() + interval '5 minutes');
COMMENT ON POLICY self_insert_own ON coursebase.app_logs IS
    'A user writes entries about the own account only, and of no time to come.';

CREATE POLICY nobody_all_rows ON coursebase.app_log_counts FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.app_log_counts IS 'Closed to everybody whom row security binds: only the server passes.';

CREATE POLICY nobody_all_rows ON coursebase.server_logs FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.server_logs IS 'Closed to everybody whom row security binds: only the server passes.';
