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
    'Answers in which cell a person lives and under which id, and chooses both for a person whom the directory does not know yet. The same call again, or two at once, answer the same. The account itself is made by upsert_user() in that cell, with that id. Called on home. The external id of an account that was closed less than closed_id_days ago, in whichever cell, is refused (KB106). For the server; writes the directory with the rights of the tables'' owner.

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
    'Removes the external id of a person from the directory, and closes the guest of that person whom organisations on home have (users.is_guest) as delete_user() closes an account. Called on home before or after delete_user() in the person''s cell; home does it by itself for who lives there. Before is better where the person may own an organisation: the last owner is refused (KBA01). The id and the cell stay, because purchases may still be refunded. For closed_id_days place_person() refuses the external id, so that a late notice does not bring the person back in another cell. For the server; writes the directory with the rights of the tables'' owner.

user_id: the person. Answers whether there was an external id.

Raises: 22004 (user_id is NULL), KBC04 (this server is not home).';
GRANT EXECUTE ON FUNCTION coursebase.forget_person(uuid) TO server;

CREATE FUNCTION coursebase.move_person(document json, cell integer)
RETURNS integer
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_move_person';
COMMENT ON FUNCTION coursebase.move_person(json, integer) IS
    'Decides in which cell a person lives from now on whom take_person() took out of another, and answers the cell. The first call for a move decides; every later one answers the same, whatever it asks for. Called on home, before put_person(). With the number of the cell that the person left the move is given up. For the server; writes the directory with the rights of the tables'' owner.

document: what take_person() answered. cell: where the person is to live.

Raises: 22004 (an argument is NULL), 22023 (there is no such cell), KBC04 (this server is not home), KBC22 (the document is of an earlier move, or of nobody in the directory, or the person is none of its accounts).';
GRANT EXECUTE ON FUNCTION coursebase.move_person(json, integer) TO server;

CREATE FUNCTION coursebase.proxy_functions(cluster text)
RETURNS TABLE (object text, runs text, ddl text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH home AS (
        SELECT coalesce((SELECT c.home FROM coursebase.this_cell c), 0) AS cell),
    functions AS (
        SELECT f.oid, f.proname, f.provolatile, f.proargnames,
            pg_get_function_arguments(f.oid) AS arguments, pg_get_function_result(f.oid) AS result,
            pg_get_function_identity_arguments(f.oid) AS identity,
            -- The person by the first argument that names one; who had a purchase lives where the new owner does.
            (SELECT a.n FROM unnest(f.proargnames[1:f.pronargs]) WITH ORDINALITY AS a (name, n)
             WHERE a.name IN ('user_id', 'to_user', 'keep') ORDER BY a.n LIMIT 1) AS person,
            array_position(f.proargnames[1:f.pronargs], 'clerk_user_id') AS subject,
            (SELECT t.topic FROM coursebase.topics() t WHERE t.function = f.proname) AS topic
        FROM pg_proc f
        JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'coursebase'
        WHERE f.pronamespace = 'coursebase'::regnamespace
            AND EXISTS (
                SELECT FROM coursebase.granted_roles g JOIN pg_roles r ON r.rolname = g.role_name
                WHERE g.part = 'server' AND has_function_privilege(r.rolname, f.oid, 'EXECUTE'))),
    placed AS (
        SELECT f.*,
            CASE
                -- What looks a server over, and what only policies ask.
                WHEN 'check_name' = ANY (f.proargnames) OR f.person IS NULL
                    AND obj_description(f.oid, 'pg_proc') ~ 'For (the )?polic(y|ies)'
                    -- Who moves is taken out of one cell, whichever the directory names.
                    OR f.proname IN ('take_person', 'put_person', 'release_person') THEN 'each'
                -- What a cell has to deliver to others.
                WHEN f.person IS NULL AND 'referred' = ANY (f.proargnames) THEN 'each'
                -- The directory is written on home, and organisations live there with their buyers.
                WHEN f.topic = 'cells' AND f.provolatile = 'v' OR f.topic = 'programs'
                    OR f.proname IN ('create_organization', 'name_guest', 'export_guest', 'merge_guests') THEN 'home'
                WHEN f.person IS NOT NULL THEN 'person'
                -- The catalogue is the same in every cell, and is written on home.
                WHEN f.provolatile = 'i' OR f.topic = 'catalog' AND f.provolatile = 's' THEN 'any'
                WHEN f.topic IN ('catalog', 'discounts') THEN 'home'
                ELSE 'each' END AS runs
        FROM functions f),
    made AS (
        SELECT 1 AS pass, '' AS name, 'extension plproxy' AS object, NULL AS runs,
            'CREATE EXTENSION IF NOT EXISTS plproxy' AS ddl
        UNION ALL
        SELECT 2, '', 'schema coursebase', NULL, 'CREATE SCHEMA IF NOT EXISTS coursebase'
        UNION ALL
        SELECT 3, '', 'table people', NULL,
            'CREATE TABLE IF NOT EXISTS coursebase.people (user_id uuid PRIMARY KEY, external_id text UNIQUE,'
            ' cell integer NOT NULL, moves integer, created_at timestamptz, updated_at timestamptz)'
        UNION ALL
        SELECT 4, '', 'function cell_of', NULL, format(
            -- A set, and neither a definer nor a setting: the planner inlines it into PL/Proxy's kept plan. Otherwise
            -- each call would parse and plan it again, which takes as long as the rest of the way.
            'CREATE OR REPLACE FUNCTION coursebase.cell_of(user_id uuid, external_id text DEFAULT NULL) RETURNS SETOF integer'
            ' LANGUAGE sql STABLE SECURITY INVOKER ROWS 1 AS %L',
            format('SELECT coalesce((SELECT p.cell FROM coursebase.people p WHERE p.user_id OPERATOR(pg_catalog.=) $1),'
                ' (SELECT p.cell FROM coursebase.people p WHERE p.external_id OPERATOR(pg_catalog.=) $2), %s)', h.cell))
        FROM home h
        UNION ALL
        SELECT 5, f.proname, 'function ' || f.proname, f.runs,
            CASE WHEN f.runs <> 'each' THEN format(
                -- PL/Proxy takes no others than volatile ones.
                'CREATE OR REPLACE FUNCTION coursebase.%I(%s) RETURNS %s LANGUAGE plproxy VOLATILE SECURITY INVOKER AS %L',
                f.proname, f.arguments, f.result,
                format('CLUSTER %L; RUN ON %s;', cluster,
                    CASE f.runs
                        WHEN 'home' THEN h.cell::text
                        WHEN 'any' THEN 'ANY'
                        ELSE format('coursebase.cell_of($%s%s)', f.person, ', $' || f.subject) END)) END
        FROM placed f CROSS JOIN home h
        UNION ALL
        SELECT 6, f.proname, 'revoke on function ' || f.proname, NULL,
            format('REVOKE ALL ON FUNCTION coursebase.%I(%s) FROM PUBLIC', f.proname, f.identity)
        FROM placed f WHERE f.runs <> 'each'
        UNION ALL
        SELECT 6, '', 'revoke on function cell_of', NULL,
            'REVOKE ALL ON FUNCTION coursebase.cell_of(uuid, text) FROM PUBLIC')
    SELECT m.object, m.runs, m.ddl FROM made m
    ORDER BY m.pass, m.name COLLATE "C", m.object COLLATE "C"
$$;
COMMENT ON FUNCTION coursebase.proxy_functions(text) IS
    'The DDL of a proxy in front of the cells, a database with PL/Proxy: each function that the server may call, under its own name, with the same arguments and answer, sent to the cell that it belongs to. To be run in an empty database; tables and policies stay in the cells, and claims do not travel: the proxy is the server. For the owner of the tables.

cluster: the name of the proxy''s foreign server of PL/Proxy, with an option for each cell (p0, p1, and so on) and modular_mapping 1; NULL answers no rows.

object: what is made. runs: where a function runs: person (in the cell of user_id, of to_user or of keep; of nobody and of who is unknown on home), any (in any cell: it reads the catalogue or its arguments alone), home (it writes the catalogue or the directory, or is about an organisation), each (it is about a server itself, about everybody in it or about who asks: the proxy has none, and it is called in each cell). ddl: the statement; NULL for each. The table people is to be filled by replication from home, and read by whoever calls the proxy.

Source: PL/Proxy''s way to route a call by a function of its arguments.';

-- Names, not references: the slices of the tables stand further right.
CREATE FUNCTION coursebase.cell_tables()
RETURNS TABLE (table_name text, kind text, is_kept boolean, own_columns text[])
LANGUAGE sql
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    -- in the order of the slices: what a foreign key points to comes first
    SELECT t.name, k.kind,
        t.name = ANY (ARRAY['cohorts', 'courses', 'products', 'lessons', 'discount_codes',
            'store_products']),
        CASE t.name
            WHEN 'courses' THEN ARRAY['grants_may_end']
            WHEN 'discount_codes' THEN ARRAY['redeemed_count', 'moved_uses', 'referrer_id']
            WHEN 'discount_code_shards' THEN ARRAY['redeemed_count'] END
    FROM (VALUES
        ('catalogue', 'settings cohorts courses course_documents products course_products '
            'country_discounts course_sections lessons lesson_contents entitlements '
            'store_product_entitlements subscription_event_mappings discount_codes '
            'discount_code_shards store_products master_manifests manifest_cohorts'),
        ('directory', 'people'),
        ('person', 'users user_profile user_cohorts purchases purchase_refunds course_grants '
            'user_course_access subscriptions subscription_events subscription_lines '
            'course_purchases user_lesson_complete ai_usage ai_credit_purchases credit_log '
            'custom_courses custom_course_versions custom_course_purchases user_discounts '
            'discount_redemptions referral_credits referral_deliveries referral_spendings '
            'store_receipts store_refunds store_notifications analytics audio_usage app_logs '
            'server_logs access_events'),
        ('organization', 'organizations memberships workouts programs course_configs '
            'course_workouts plans payment_transactions course_entitlements '
            'course_workout_completions'),
        ('server', 'schema_version granted_roles this_cell world_keys audit_events closed_id_key '
            'closed_ids app_log_counts moving_people chain_versions store_keys access_policies '
            'event_consumers event_claims '
            'catalogue_version cohort_versions user_versions cached_handshake_responses'))
        AS k (kind, names)
    CROSS JOIN LATERAL string_to_table(k.names, ' ') AS t (name)
$$;
COMMENT ON FUNCTION coursebase.cell_tables() IS
    'Lists every table and where its rows live when there are several cells. For the server.

table_name: the table. kind: catalogue (written on home, the same in every cell), directory (the same: who lives where), person (in the cell of the person; of a log or an inbox rows that name nobody are each server''s own), organization (on home, where organisations live) or server (each server''s own, copied nowhere). is_kept: whether rows of people point to it, so that home deletes none of its rows while there are other cells. own_columns: columns of a catalogue table that each server writes for itself.';
GRANT EXECUTE ON FUNCTION coursebase.cell_tables() TO server;

CREATE FUNCTION coursebase.publish_catalogue()
RETURNS integer
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_publish_catalogue';
COMMENT ON FUNCTION coursebase.publish_catalogue() IS
    'Publishes the catalogue and the directory of people, so that other cells may join, and answers how many tables it publishes. Called on home, after set_cell(), and again after an update of coursebase: then join_home() follows in each cell. It makes two publications, or brings them up to date: coursebase_catalogue, and coursebase_kept, which tells of no deletion. For the owner of the tables with the right to create in the database.

Raises: 42501 (the caller does not own the tables, or may not create publications), 55000 (wal_level is not logical), KBC04 (this server is not home).';

CREATE FUNCTION coursebase.join_home(conninfo text DEFAULT NULL)
RETURNS TABLE (table_name text, inserted bigint, updated bigint, deleted bigint)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_join_home';
COMMENT ON FUNCTION coursebase.join_home(text) IS
    'Makes the catalogue of this cell that of home, in one transaction, and subscribes to home''s changes: from then on tables of the catalogue are written on home alone (KBC06 here). What differs is inserted, updated or deleted; what install() wrote goes, and columns that are this server''s own stay. Until the transaction ends everybody sees the catalogue of before. Two calls come one after the other. Where home''s directory does not know people who have an account here, or has them elsewhere, the call is refused (KBC05). Called in a cell, after set_cell() here and publish_catalogue() on home; again whenever home published another table, or lost the slot. Makes the replication slot coursebase_cell_<number> on home and the subscription coursebase_home here, both anew. For superusers; tables are read and written with the rights of their owner.

conninfo: how to reach home, as in CREATE SUBSCRIPTION, with a role that has REPLICATION and reads past row security; NULL takes that of before. table_name: each table. inserted, updated, deleted: how many of its rows differed.

Raises: 08001 (home cannot be reached), 0A000 (before PostgreSQL 16, the owner of the tables is no superuser), 22004 (conninfo is NULL, and there is no subscription yet), 23503 (rows of people here point to what home does not have; the detail names the keys), 42501 (the caller is no superuser), 55000 (this server is home, or the only one; or home does not publish everything), 55006 (for ten seconds another server was reading the slot of this cell''s number), and what home answers.';

CREATE FUNCTION coursebase.tg_any__of_home()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__of_home';
COMMENT ON FUNCTION coursebase.tg_any__of_home() IS
    'BEFORE a statement that writes a table of the catalogue: refuses it in a cell that has joined home (KBC06); on home refuses TRUNCATE while there are other cells (KBC07). What the subscription brings fires no such trigger.';

CREATE FUNCTION coursebase.tg_any__keep_for_cells()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__keep_for_cells';
COMMENT ON FUNCTION coursebase.tg_any__keep_for_cells() IS
    'BEFORE DELETE, or UPDATE of the key, of a row to which rows of people point: refuses it on home while there are other cells (KBC07), because home does not see what they sold.';

CREATE FUNCTION coursebase.tg_any__claim_keys()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__claim_keys';
COMMENT ON FUNCTION coursebase.tg_any__claim_keys() IS
    'AFTER a row is written whose keys name something in the whole world: claims them on home for this cell. Each argument is a key: its kind and the columns that make it. Refuses the row if another cell has one of them (KBC11) or home does not answer (KBC12). Where there is one server it does nothing; while a dump is restored, too.';

CREATE FUNCTION coursebase.claim_world_keys(
    cell integer, kinds text[], keys text[], user_ids uuid[], partly boolean DEFAULT false)
RETURNS TABLE (kind text, key text, owner integer)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_claim_world_keys';
COMMENT ON FUNCTION coursebase.claim_world_keys(integer, text[], text[], uuid[], boolean) IS
    'Records that a cell has keys that name something in the whole world, all of them or none. Cells call it on home, over a connection of their own, before they commit a row with such a key; the same call again changes nothing. A key belongs to its person: the cell in which the person lives may claim it, and nobody else; a cell claims nothing for people of another. Where a role is named coursebase_cell_N, for the number N, that role claims for cell N alone, and no other cell''s role for it. Waits for another claim of the same key at most as long as the setting home_timeout_ms says. For the server, and for the role by which cells read home; writes with the rights of the tables'' owner.

cell: number of the cell that claims. kinds, keys: the keys, as in world_keys; user_ids: whose each is, NULL for nobody. partly: whether the others are claimed all the same where another cell has some; those are answered then. kind, key: a key that another cell has. owner: number of that cell.

Raises: 22004 (an argument is NULL, or an element of kinds or keys), 22023 (there is no such cell, there is not a kind for each key, or user_ids has more elements than keys), 23514 (a kind or key is empty), 42501 (the session''s role is that of another cell), 55P03 (another claim of a key did not end in time), KBC04 (this server is not home), KBC11 (another cell has a key, or the person for whom it is claimed; the detail names both).';
GRANT EXECUTE ON FUNCTION coursebase.claim_world_keys(integer, text[], text[], uuid[], boolean) TO server;

CREATE FUNCTION coursebase.claim_stored_keys(user_id uuid DEFAULT NULL)
RETURNS TABLE (kind text, key text, owner integer)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_claim_stored_keys';
COMMENT ON FUNCTION coursebase.claim_stored_keys(uuid) IS
    'Claims for this cell the keys of all rows that are here, a thousand at a time, and answers those that another cell has: what is here with them is there too, and one of the two is to be taken back. Called on each server once there are cells, home first; again after home was restored from a backup. Where there is one server it does nothing. For the owner of the tables.

user_id: the person whose rows count; NULL takes everybody''s. kind, key: a key that another cell has, as in world_keys. owner: number of that cell.

Raises: 42501 (the caller does not own the tables), KBC12 (home does not answer; what was claimed stays so).';

CREATE FUNCTION coursebase.release_world_key(kind text, key text)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_release_world_key';
COMMENT ON FUNCTION coursebase.release_world_key(text, text) IS
    'Lets go of a key, so that any cell may claim it: for a claim whose row was rolled back for good, and which a person of another cell needs. Look first whether the cell that has it has a row of it. Called on home. For the owner of the tables; nobody else may execute it.

kind, key: the key, as in world_keys and in the detail of KBC11. Answers whether there was such a key.

Raises: 22004 (an argument is NULL), 42501 (the caller does not own the tables), KBC04 (this server is not home).';
