-- What a phone reports about its owner. Manifests, versions and cached answers have no policy: only the
-- server reads and writes them.

CREATE POLICY self_select_own ON coursebase.analytics FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.analytics IS
    'One''s own settings; an administrator reads everybody''s.';
CREATE POLICY self_insert_own ON coursebase.analytics FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_insert_own ON coursebase.analytics IS 'Settings of one''s own.';
CREATE POLICY self_update_own ON coursebase.analytics FOR UPDATE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_update_own ON coursebase.analytics IS 'Settings of one''s own, which stay one''s own.';
CREATE POLICY self_delete_own ON coursebase.analytics FOR DELETE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_delete_own ON coursebase.analytics IS 'Settings of one''s own.';

CREATE POLICY self_select_own ON coursebase.audio_usage FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.audio_usage IS
    'One''s own play counts; an administrator reads everybody''s.';
CREATE POLICY self_insert_own ON coursebase.audio_usage FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_insert_own ON coursebase.audio_usage IS 'Play counts of one''s own.';
CREATE POLICY self_update_own ON coursebase.audio_usage FOR UPDATE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_update_own ON coursebase.audio_usage IS
    'Play counts of one''s own; a trigger keeps a lower total from lowering them.';
