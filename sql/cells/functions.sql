-- Cells: several servers that each hold a whole coursebase; which of them this is, and in which each person lives.

CREATE FUNCTION coursebase.cell()
RETURNS TABLE (number integer, count integer, home integer)
LANGUAGE sql
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.number, c.count, c.home FROM coursebase.this_cell c
$$;
COMMENT ON FUNCTION coursebase.cell() IS
    'Says which cell this server is: one row, or none where it is the only server. For the server; reads with the caller''s rights.

number: of this cell, from 0. count: how many cells there are, home included. home: number of the cell that the catalogue and the directory come from.';
GRANT EXECUTE ON FUNCTION coursebase.cell() TO server;

CREATE FUNCTION coursebase.set_cell(
    number integer, count integer DEFAULT NULL, home integer DEFAULT 0)
RETURNS void
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_set_cell';
COMMENT ON FUNCTION coursebase.set_cell(integer, integer, integer) IS
    'Makes this server a cell, one of several servers over which people are spread, or changes which. From then on a call about a person who lives in another cell ends with KBC01, and on home everybody who has an account here is in the directory. For the owner of the tables; nobody else may execute it.

number: of this cell, from 0; NULL makes it the only server again. count: how many cells there are, home included. home: number of the cell that the catalogue and the directory come from, which may have people of its own.

Raises: 22004 (count or home is NULL), 22023 (number or home is not from 0 to count - 1, or count not from 1 to 1024), 42501 (the caller does not own the tables), KBC01 (on home: the directory has an account of this server in another cell).';

CREATE FUNCTION coursebase.place_person(
    external_id    text,
    preferred_cell integer DEFAULT NULL,
    preferred_id   uuid DEFAULT NULL)
RETURNS TABLE (user_id uuid, cell integer)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_place_person';
COMMENT ON FUNCTION coursebase.place_person(text, integer, uuid) IS
    'Answers in which cell a person lives and under which id, and chooses both for a person whom the directory does not know yet. The same call again, or two at once, answer the same. The account itself is made by upsert_user() in that cell, with that id. Called on home. For the server; writes the directory with the rights of the tables'' owner.

external_id: the subject of the provider''s tokens. preferred_cell: where a new person is to live; NULL spreads people evenly by their external id. preferred_id: the id of a new person; NULL makes one. Whoever is placed already stays where they are: the answer counts, not what was preferred. user_id: the person. cell: number of the cell.

Raises: 22004 (external_id is NULL), 22023 (external_id is empty, or there is no such cell), 23505 (preferred_id is another person''s), KBC04 (this server is not home).';
GRANT EXECUTE ON FUNCTION coursebase.place_person(text, integer, uuid) TO server;

CREATE FUNCTION coursebase.forget_person(user_id uuid)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_forget_person';
COMMENT ON FUNCTION coursebase.forget_person(uuid) IS
    'Removes the external id of a person from the directory, after delete_user() in the person''s cell. The id and the cell stay, because purchases may still be refunded. Called on home, which does it by itself for who lives there. For the server; writes the directory with the rights of the tables'' owner.

user_id: the person. Answers whether there was an external id.

Raises: 22004 (user_id is NULL), KBC04 (this server is not home).';
GRANT EXECUTE ON FUNCTION coursebase.forget_person(uuid) TO server;
