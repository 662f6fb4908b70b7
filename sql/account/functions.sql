-- A person's account over all slices: closing it, handing its data out, and what an administrator sees of the business.

CREATE FUNCTION coursebase.admin_dashboard()
RETURNS json
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_admin_dashboard';
COMMENT ON FUNCTION coursebase.admin_dashboard() IS
    'For administrators: sales, refunds and net sales in cents, purchases, customers (of purchases that count), students (with a course by sale or grant), counts of the catalogue, and the same per product. Reads with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.admin_dashboard() TO end_user, server;

CREATE FUNCTION coursebase.delete_user(user_id uuid, at timestamptz DEFAULT now())
RETURNS timestamptz
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_delete_user';
COMMENT ON FUNCTION coursebase.delete_user(uuid, timestamptz) IS
    'Closes an account: removes everything personal, gives reservations, checkouts, links and memberships up, and frees the external id for a new person; what accounting needs stays under the bare id. Answers when it was closed. Calling again removes what has been written about the person since. The last owner of an organisation is refused. Writes with the owner''s rights.';
GRANT EXECUTE ON FUNCTION coursebase.delete_user(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.export_user(user_id uuid DEFAULT NULL)
RETURNS json
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_export_user';
COMMENT ON FUNCTION coursebase.export_user(uuid) IS
    'Everything that is held about a person (NULL: oneself): a member for each table, an array of the person''s rows, without who else stands in them. NULL for nobody. Reads with the owner''s rights; asking about somebody else takes an administrator or the server.';
GRANT EXECUTE ON FUNCTION coursebase.export_user(uuid) TO end_user, server;
