-- A table of the server alone has a policy that lets nobody through, because migration tools switch row security off
-- where they find no policy.

CREATE POLICY nobody_all_rows ON coursebase.granted_roles FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.granted_roles IS 'Closed to everybody whom row security binds: only the server passes.';
