-- A table of the server alone has a policy that lets nobody through, because migration tools switch row security off
-- where they find no policy.

CREATE POLICY nobody_all_rows ON coursebase.access_events FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.access_events IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.event_claims FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.event_claims IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.event_consumers FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.event_consumers IS 'Closed to everybody whom row security binds: only the server passes.';
