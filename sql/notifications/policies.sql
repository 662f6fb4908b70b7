-- A table of the server alone has a policy that lets nobody through, because migration tools switch row security off
-- where they find no policy.

CREATE POLICY nobody_all_rows ON coursebase.store_keys FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.store_keys IS 'Closed to everybody whom row security binds: the table is the owner''s alone.';
CREATE POLICY nobody_all_rows ON coursebase.store_notifications FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.store_notifications IS 'Closed to everybody whom row security binds: only the server passes.';
