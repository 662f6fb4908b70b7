-- Who lives where is read by routers, with the server's rights.

CREATE POLICY nobody_all_rows ON coursebase.this_cell FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.this_cell IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.people FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.people IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.world_keys FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.world_keys IS 'Closed to everybody whom row security binds: only the server passes.';
CREATE POLICY nobody_all_rows ON coursebase.moving_people FOR ALL USING (false);
COMMENT ON POLICY nobody_all_rows ON coursebase.moving_people IS 'Closed to everybody whom row security binds: only the server passes.';
