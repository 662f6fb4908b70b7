-- A person's account over all slices: closing it, handing its data out, and what an administrator sees of the business.

CREATE FUNCTION coursebase.tg_users__close()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__close';
COMMENT ON FUNCTION coursebase.tg_users__close() IS
    'BEFORE UPDATE of users that sets deleted_at: takes picture, role and external id away, and name and email unless the statement wrote words such as "Deleted User" or "redacted@example.org". deleted_at back to NULL is refused (KB401) unless the statement writes an external id. Stands back while a dump is restored.';

CREATE FUNCTION coursebase.tg_users__forget()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__forget';
COMMENT ON FUNCTION coursebase.tg_users__forget() IS
    'AFTER UPDATE of users that set deleted_at: removes everything personal from the other tables, as delete_user() does. Writes with the rights of the tables'' owner; stands back while a dump is restored.';

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
    'Closes an account and removes everything personal: name, e-mail, profile, settings, contents of custom courses, logs; gives reservations, checkouts, links and memberships up; and frees the external id for a new person, after as many days as the setting closed_id_days says. What accounting needs stays under the bare id: purchases, receipts, payments, events of subscriptions, logs of credits, redemptions. Answers when the account was closed. Another call removes what has been written about the person since, and answers the first time. For the server; writes with the rights of the tables'' owner, under the lock of the user. An organisation''s last owner is refused (KBA01, by a trigger of memberships).

user_id: the person. at: when the account is closed. Neither may be NULL.

Source: the product''s rule that a person who leaves takes everything personal along.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), KB106 (no such user).';
GRANT EXECUTE ON FUNCTION coursebase.delete_user(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.merge_users(
    keep uuid,
    gone uuid,
    at timestamptz DEFAULT now()
)
RETURNS timestamptz
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_merge_users';
COMMENT ON FUNCTION coursebase.merge_users(uuid, uuid, timestamptz) IS
    'Makes two accounts of one person one: purchases and rights, programs, progress with the earlier completion, credits (both banks, and the week''s use of both), subscriptions, receipts, documents, custom courses, discounts, memberships and what was brought by referral go to the account that is kept. The other is closed, and its id and external id lead to the kept one from then on: a token with the old subject acts as the kept person. A use of a discount code that both have used stays with the closed account; a credit for bringing the other is revoked. Answers when the account was closed. Another call moves what has been written about it since, and answers the first time. For the server; writes with the rights of the tables'' owner under the locks of both people, with triggers off, also those of the user, and is audited (account_merged).

keep: the account that stays; it must be open. gone: the one that is closed. at: when. No argument may be NULL.

Refused (KB402, with the reasons in the detail) where two truths cannot be one: one of them is an administrator; gone is the last owner of an organisation; their roles in an organisation differ; both have a checkout of one program under way, or one waits to pay for it and the other''s access was revoked; of one course in one voice both have a purchase, and one waits for its payment; together they chose more courses for slots than any entitlement gives; both have a subscription that its store did not name, such as one given by hand; both bought credits, and a refund waits for credits that are spent; each brought somebody who brought the other.

Source: the product''s rule that a person who signed up twice is one person.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 22023 (both are the same account), KB106 (there is no such account, or it is closed, or it was merged into another), KB402 (two truths cannot be one).';
GRANT EXECUTE ON FUNCTION coursebase.merge_users(uuid, uuid, timestamptz) TO server;

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

CREATE FUNCTION coursebase.my_courses(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    kind text,
    id uuid,
    course_code text,
    title text,
    icon_url text,
    source text,
    since timestamptz,
    until timestamptz,
    lessons bigint,
    completed bigint,
    percent integer
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_my_courses';
COMMENT ON FUNCTION coursebase.my_courses(uuid, timestamptz) IS
    'Lists everything that a person may use at a time, one row each, what came last first: the courses of accessible_course_ids(), custom courses, and programs with an active entitlement. No row for nobody. For users, each about the own account, administrators and the server; reads with the rights of the tables'' owner.

user_id: the person; NULL is the user who asks; only an administrator or the server may name another user. at: the time asked about, which decides about premium and what has an end; NULL is now.

kind: course, custom_course or program. id: its key. course_code: its code, or NULL. title, icon_url: what to show. source: what gives it, of several what lasts longest: bought (a product, or a program), google_play, app_store, granted (by hand), admin (a gift of a store''s course), free, premium_slot, premium or administrator. since: when the person got it first; NULL where everybody has it, or premium gives it. until: when the access ends; NULL: never. lessons, completed, percent: the progress, as in course_progress(); of a program the places that are not rest, and those that are done; NULL for a custom course.

Source: the first screen of the apps.
Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.my_courses(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.purge_logs(before timestamptz, batch integer DEFAULT 10000)
RETURNS bigint
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_purge_logs';
COMMENT ON FUNCTION coursebase.purge_logs(timestamptz, integer) IS
    'Deletes entries of the app''s log, and then of the server''s, oldest first, then events of access_events, whether or not every consumer has acknowledged them, then empties the bodies of notifications that were applied or noted (key and outcome stay), then deletes hashes of external ids that are not kept any more (setting closed_id_days, whatever before is), then deletes events of the audit trail that are older than the setting audit_retention_days says (with 0, none), and answers how many rows it changed. Partitions whose rows are all past are dropped as a whole, before anything else. Rows, and partitions, that another session holds are skipped. Call again until the answer is 0. For the server; logs are deleted with the caller''s rights, the rest with those of the tables'' owner. What it took from the audit trail is an event there, audit_purged.

before: entries with an earlier created_at, events with an earlier at, and notifications that came earlier, are taken. batch: at most so many rows in one call, besides those of dropped partitions, so that the transaction stays short. NULL for either answers NULL and deletes nothing.

Source: the product''s rule that logs and personal data are kept for a limited time.
Raises: 22023 (batch is negative), 42501 (the caller may not delete logs).';
GRANT EXECUTE ON FUNCTION coursebase.purge_logs(timestamptz, integer) TO server;

CREATE FUNCTION coursebase.adopt(verify boolean DEFAULT true)
RETURNS TABLE (what text, made bigint, not_understood bigint, example text)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_adopt';
COMMENT ON FUNCTION coursebase.adopt(boolean) IS
    'Makes what triggers would have made of rows that came while triggers were off (COPY or INSERT under session_replication_role = replica): profiles and referral codes of users, grants of purchases, direct grants of access that no purchase gives, access of grants, events of subscriptions that came as a state and lines of those that came as events, entries of credit accounts, when entitlements were completed, places that two rows share, checksums and sizes of documents, the record of roles and settings. In statements over whole tables; what is there stays, and another call makes nothing. Cached handshakes answer no more. For the owner of the tables alone; others may read meanwhile and wait to write. Triggers are off within, also those of the user.

verify: whether to end with check_integrity(), and to name what it finds. what: what was made, or check_integrity with the name of the check. made: rows that were made or put right. not_understood: findings of the check. example: one of them; NULL if there is none. No row: nothing was to be made, and nothing is wrong.

Source: a team that comes with data; doc/guide/migrate.md shows how.
Raises: 22004 (verify is NULL), 42501 (the caller is not the owner of the tables).';

CREATE FUNCTION coursebase.metrics(at timestamptz DEFAULT now())
RETURNS TABLE (name text, subject text, value double precision, kind text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_metrics';
COMMENT ON FUNCTION coursebase.metrics(timestamptz) IS
    'Figures for a monitoring program, such as an exporter for Prometheus. For the server, and for a role of its own that is granted EXECUTE and USAGE on the schema; reads with the rights of the tables'' owner, names no person, and answers on a standby too, where the figures of blocks, rows and the cache are those of that server.

at: the instant up to which what waits has waited. name: the figure. subject: what it is of. value: the number. kind: gauge, or counter, which only grows.

coursebase_waiting and coursebase_waiting_oldest_seconds: how many wait and for how many seconds the oldest has (0 when nothing waits), of notifications, refused notifications, acknowledgements, duplicate purchases, transactions to refund, refunds to review, and events of each consumer. coursebase_notifications: how many the inbox holds, by outcome. coursebase_table_bytes: a table with its indexes. coursebase_table_rows: its rows, as the server estimates them. coursebase_table_blocks_hit and _read: blocks that the server found in its cache, or did not. coursebase_handshake_cache: how often an answer was looked for (asked), and how often one was computed and stored (computed).

Raises: 22004 (at is NULL), 22008 (at is not finite), KB001 (the tables are missing).';
GRANT EXECUTE ON FUNCTION coursebase.metrics(timestamptz) TO server;
