CREATE FUNCTION coursebase.check_shop() RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'coursebase_check_shop';
COMMENT ON FUNCTION coursebase.check_shop() IS 'What is wrong in the shop.';
