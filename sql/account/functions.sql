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
    'Answers the figures that an administrator sees first. For administrators and the server; reads with the rights of the tables'' owner.

Answers {sales_in_cents, refunded_in_cents, net_sales_in_cents, purchases, refunded_purchases, net_purchases, customers (people with a purchase that was not refunded), students (people with a course by sale or grant), users (open accounts), products, courses, sections, lessons (how many there are), per_product [{product_id, name, status, sales_in_cents, refunded_in_cents, net_sales_in_cents, purchases, refunded_purchases, customers}], the product with the highest net sales first}. Sales are those of the table purchases, in minor units.

Source: the product''s page for administrators.
Raises: 42501 (the caller is no administrator and not the server).';
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
    'Closes an account and removes everything personal: name, e-mail, profile, settings, contents of custom courses, logs; gives reservations, checkouts, links and memberships up; and frees the external id for a new person. What accounting needs stays under the bare id: purchases, receipts, payments, events of subscriptions, logs of credits, redemptions. Answers when the account was closed. Another call removes what has been written about the person since, and answers the first time. For the server; writes with the rights of the tables'' owner, under the lock of the user. An organisation''s last owner is refused (KBA01, by a trigger of memberships).

user_id: the person. at: when the account is closed. Neither may be NULL.

Source: the product''s rule that a person who leaves takes everything personal along.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), KB106 (no such user).';
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
    'Answers everything that is held about a person, as one JSON object: for each table a member of the table''s name, an array of the person''s rows, empty if there are none, without other people who stand in them. NULL for nobody. For users, each about the own account, administrators and the server; reads with the rights of the tables'' owner.

user_id: the person; NULL is the user who asks; only an administrator or the server may name another user.

Source: the product''s rule that a person may have a copy of what is held.
Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.export_user(uuid) TO end_user, server;

CREATE FUNCTION coursebase.purge_logs(before timestamptz, batch integer DEFAULT 10000)
RETURNS bigint
LANGUAGE sql
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coursebase.assert_schema_current();
    WITH app AS (
        DELETE FROM coursebase.app_logs
        WHERE id = ANY (ARRAY(
            SELECT l.id FROM coursebase.app_logs l
            WHERE l.created_at < $1
            ORDER BY l.created_at
            LIMIT $2
            FOR NO KEY UPDATE SKIP LOCKED))
        RETURNING 1
    ), server AS (
        DELETE FROM coursebase.server_logs
        WHERE id = ANY (ARRAY(
            SELECT l.id FROM coursebase.server_logs l
            WHERE l.created_at < $1
            ORDER BY l.created_at
            LIMIT $2 - (SELECT count(*) FROM app)
            FOR NO KEY UPDATE SKIP LOCKED))
        RETURNING 1
    ), logs AS (
        SELECT (SELECT count(*) FROM app) + (SELECT count(*) FROM server) AS entries
    ), events AS MATERIALIZED (
        SELECT l.entries + coursebase.purge_events($1, ($2 - l.entries)::integer) AS entries
        FROM logs l
    )
    SELECT e.entries + coursebase.purge_notifications($1, ($2 - e.entries)::integer) FROM events e
$$;
COMMENT ON FUNCTION coursebase.purge_logs(timestamptz, integer) IS
    'Deletes entries of the app''s log, then of the server''s, oldest first, then events of access_events, whether or not every consumer has acknowledged them, then empties the bodies of notifications that were applied or noted (key and outcome stay), and answers how many rows it changed. Rows that another session holds are skipped. Call again until the answer is 0. For the server; logs are deleted with the caller''s rights, events deleted and notifications emptied with those of the tables'' owner.

before: entries with an earlier created_at, events with an earlier at, and notifications that came earlier, are taken. batch: at most so many in one call, so that the transaction stays short. NULL for either answers NULL and deletes nothing.

Source: the product''s rule that logs and personal data are kept for a limited time.
Raises: 2201W (batch is negative).';
GRANT EXECUTE ON FUNCTION coursebase.purge_logs(timestamptz, integer) TO server;
