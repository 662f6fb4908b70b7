CREATE POLICY anyone_select_all ON coursebase.wares FOR SELECT
    USING (EXISTS (SELECT FROM coursebase.wares w JOIN coursebase.wares v ON v.id = w.id));
COMMENT ON POLICY anyone_select_all ON coursebase.wares IS 'Wares are for all.';
CREATE VIEW coursebase.cheap AS SELECT w.id, 1 AS id$key$ FROM coursebase.wares w WHERE w.price < 5;
COMMENT ON VIEW coursebase.cheap IS 'What is cheap.';
COMMENT ON COLUMN coursebase.cheap.id IS 'Key.';
GRANT SELECT ON TABLE coursebase.cheap TO end_user;
