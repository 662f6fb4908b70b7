-- What a phone reports about its owner is the owner's to read and write. Manifests, versions and cached answers
-- are the server's alone.

CREATE POLICY self_select_own ON coursebase.analytics FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.analytics IS
    'A user reads the own settings, an administrator all.';
CREATE POLICY self_insert_own ON coursebase.analytics FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_insert_own ON coursebase.analytics IS 'A user writes settings for the own account.';
CREATE POLICY self_update_own ON coursebase.analytics FOR UPDATE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_update_own ON coursebase.analytics IS 'A user changes the own settings, which stay those of the own account.';
CREATE POLICY self_delete_own ON coursebase.analytics FOR DELETE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_delete_own ON coursebase.analytics IS 'A user deletes the own settings.';

CREATE POLICY self_select_own ON coursebase.audio_usage FOR SELECT TO public
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
COMMENT ON POLICY self_select_own ON coursebase.audio_usage IS
    'A user reads the own play counts, an administrator all.';
CREATE POLICY self_insert_own ON coursebase.audio_usage FOR INSERT TO public
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_insert_own ON coursebase.audio_usage IS 'A user writes play counts for the own account.';
CREATE POLICY self_update_own ON coursebase.audio_usage FOR UPDATE TO public
    USING (user_id = (SELECT coursebase.current_user_id()));
COMMENT ON POLICY self_update_own ON coursebase.audio_usage IS
    'A user changes the own play counts; a trigger keeps the highest total.';

CREATE POLICY nobody_all_rows ON coursebase.master_manifests FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.master_manifests IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.manifest_cohorts FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.manifest_cohorts IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.catalogue_version FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.catalogue_version IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.cohort_versions FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.cohort_versions IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.user_versions FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.user_versions IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.cached_handshake_responses FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.cached_handshake_responses IS 'Closed to everybody whom row security binds: only the server passes.';
