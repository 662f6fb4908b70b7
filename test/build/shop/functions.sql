-- What a shop can do; a semicolon in a comment; it ends nothing.

CREATE FUNCTION coursebase.buy(
    user_id uuid,
    price   numeric(10, 2) DEFAULT round(1.5, 2), -- a comment; within
    note    text = 'no; thank you')
RETURNS TABLE (
    id    uuid,
    total numeric
)
LANGUAGE c
AS 'MODULE_PATHNAME', 'coursebase_buy';
COMMENT ON FUNCTION coursebase.buy(uuid, numeric(10, 2), text) IS
    'Sells; it''s a bargain;
and the comment has a second line.';
GRANT EXECUTE ON FUNCTION coursebase.buy(uuid, numeric(10, 2), text) TO server;
SELECT coursebase.buy(NULL);

/* A comment /* with another; one */ in it; */
CREATE FUNCTION coursebase.quoted()
RETURNS text
LANGUAGE sql
AS $body$
    SELECT 'a;' || E'it\'s;
' || 'b\' || E'c'
        '\';' || $$;$$ || $1 || "odd;name" /* ; */ -- ;
    FROM e; SELECT U&'d\' /
        2;
$body$; -- what follows a statement is dropped
COMMENT ON FUNCTION coursebase.quoted() IS $$Dollars; and 'quotes'.$$; CREATE EVENT TRIGGER shop_guard ON ddl_command_start EXECUTE FUNCTION coursebase.quoted();
ALTER EVENT TRIGGER shop_guard ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER shop_guard IS E'Guards\;
the shop\';';
GRANT USAGE ON SCHEMA coursebase TO end_user;
