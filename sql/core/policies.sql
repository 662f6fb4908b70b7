-- A table of the server alone has a policy that lets nobody through, because migration tools switch row security off
-- where they find no policy.

CREATE POLICY nobody_all_rows ON coursebase.schema_version FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.schema_version IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.settings FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.settings IS 'Closed to everybody whom row security binds: only the server passes.';
