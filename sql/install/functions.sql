-- Installation: makes the tables, grants the roles, guards the tables against DROP, and looks the installation over.

CREATE FUNCTION coursebase.install()
RETURNS TABLE (object text, action text)
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_install';
COMMENT ON FUNCTION coursebase.install() IS
    'Makes whatever the schema lacks: types, tables, columns, defaults, constraints, indexes, triggers, policies, views, comments, grants. Never takes rows, tables or columns away; may be run at any time, and again. Part of CREATE EXTENSION and of ALTER EXTENSION UPDATE. For the owner of the tables (the first time, the role that installs).

object: what was made, such as table users or column users.email. action: created, added (to a table or type that was there), restored (a default, NOT NULL or IDENTITY that was taken away, a trigger that was switched off, the name of a primary key), changed (the type of a column of an earlier release, or a NOT NULL that it had), dropped (a constraint of an earlier release) or refuses (a function, on a worker of Citus, where nothing else is made: it raises KBC02 from then on). No row: nothing was missing. Within a restore nothing is made: the tables come from the dump.

Source: doc on upgrades: the code belongs to the extension, the tables to the user.
Raises: 25006 (the transaction is read-only), 42501 (the caller is not the owner of the tables), 42P16 (a table is partitioned that cannot be, or in another way than by its time), KB003 (an object of that name belongs to another role), KB004 (a role no longer fits the part that it plays: the server has lost BYPASSRLS, or end users got rights that they may not have), KBC02 (the functions are those of a worker of Citus, and the server is none now).';

CREATE FUNCTION coursebase.close_functions()
RETURNS void
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_close_functions';
COMMENT ON FUNCTION coursebase.close_functions() IS
    'Takes EXECUTE on every function of coursebase from everybody but the owner, such as roles that default privileges of whoever installs name. CREATE EXTENSION calls it before install(), which grants each part what it may do; after a call of it run install(). For the owner of the functions.';

CREATE FUNCTION coursebase.api_steps(schema name, graphql boolean DEFAULT false)
RETURNS TABLE (object text, ddl text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
-- a wrapper of before is told by its text, and gateways read names of columns in comments
SET quote_all_identifiers = off
AS $$
    WITH parts AS (
        SELECT r.rolname FROM coursebase.granted_roles g
        JOIN pg_roles r ON r.rolname = g.role_name),
    -- The root type Subscription of GraphQL leaves no place for a table of that name.
    relations AS (
        SELECT c.oid, c.relname, c.relkind,
            CASE WHEN graphql AND c.relname = 'subscriptions' THEN 'user_subscriptions' ELSE c.relname END AS shown
        FROM pg_class c
        WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'p', 'v')
            AND NOT c.relispartition
            AND c.relname IN (
                SELECT split_part(s.object, ' ', 2) FROM coursebase.steps() s
                WHERE s.object ~ '^(table|view) ')
            AND EXISTS (
                SELECT FROM parts p WHERE has_table_privilege(p.rolname, c.oid, 'SELECT, INSERT'))),
    functions AS (
        SELECT f.oid, f.proname, f.provolatile, f.proisstrict, f.proparallel, f.proretset,
            pg_get_function_arguments(f.oid) AS arguments, pg_get_function_result(f.oid) AS result,
            pg_get_function_identity_arguments(f.oid) AS identity,
            -- In GraphQL the type of such a function would have the name of a relation's, or of a change of its rows.
            concat(CASE WHEN graphql AND (f.proname ~ '^(create|update|delete)_'
                OR f.proname IN (SELECT r.shown FROM relations r))
                THEN format(E'@name call_%s\n', f.proname) END, obj_description(f.oid, 'pg_proc')) AS comment,
            format('coursebase.%I(%s)', f.proname, (
                SELECT string_agg('$' || n, ', ' ORDER BY n)
                FROM generate_series(1, f.pronargs) AS n)) AS call
        FROM pg_proc f
        JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'coursebase'
        WHERE f.pronamespace = 'coursebase'::regnamespace
            AND EXISTS (
                SELECT FROM parts p WHERE has_function_privilege(p.rolname, f.oid, 'EXECUTE'))
            -- What only policies call, without a person to ask about, people do not.
            AND (obj_description(f.oid, 'pg_proc') !~ 'For (the )?polic(y|ies)'
                OR 'user_id' = ANY (f.proargnames))
            -- What only functions call.
            AND f.proname NOT IN ('assert_schema_current', 'topics')),
    -- Whom default privileges name: TRIGGER on a view would be a way into what others write.
    given AS (
        SELECT d.defaclobjtype AS kind,
            string_agg(DISTINCT CASE g.grantee WHEN 0 THEN 'PUBLIC'
                ELSE g.grantee::regrole::text END, ', ') AS roles
        FROM pg_default_acl d, aclexplode(d.defaclacl) g
        WHERE d.defaclnamespace = 0 AND g.grantee <> d.defaclrole GROUP BY 1),
    -- What PostGraphile and pg_graphql read in a comment: a view has no keys of its own.
    keys AS (
        SELECT k.conrelid, k.contype, k.conname,
            (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY n.n)
             FROM unnest(k.conkey) WITH ORDINALITY AS n (attnum, n)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.attnum) AS columns,
            (SELECT json_agg(a.attname ORDER BY n.n)
             FROM unnest(k.conkey) WITH ORDINALITY AS n (attnum, n)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.attnum) AS list,
            p.shown AS parent,
            (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY n.n)
             FROM unnest(k.confkey) WITH ORDINALITY AS n (attnum, n)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = n.attnum)
            AS parent_columns
        FROM pg_constraint k LEFT JOIN relations p ON p.oid = k.confrelid
        WHERE graphql AND (k.contype = 'p' OR (k.contype = 'f' AND p.oid IS NOT NULL))),
    tags AS (
        SELECT k.conrelid,
            string_agg(CASE k.contype WHEN 'p' THEN format(E'@primaryKey %s\n', k.columns)
                ELSE format(E'@foreignKey (%s) references %I (%s)\n', k.columns, k.parent,
                    k.parent_columns) END,
                '' ORDER BY k.contype DESC, k.conname) AS before,
            string_agg(format(E'\n\n@graphql(%s)', json_build_object('primary_key_columns', k.list)), '')
                FILTER (WHERE k.contype = 'p') AS behind
        FROM keys k GROUP BY k.conrelid),
    made AS (
        SELECT 1 AS pass, '' AS name, format('schema %I', schema) AS object,
            format('CREATE SCHEMA %I', schema) AS ddl
        WHERE NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = schema)
        UNION ALL
        -- What PostgREST shows as the title and the text of the API, unless somebody wrote another.
        SELECT 2, '', format('comment on schema %I', schema),
            format('COMMENT ON SCHEMA %I IS %L', schema, obj_description('coursebase'::regnamespace, 'pg_namespace'))
        WHERE NOT EXISTS (
            SELECT FROM pg_namespace n
            WHERE n.nspname = schema AND obj_description(n.oid, 'pg_namespace') IS NOT NULL)
        UNION ALL
        SELECT 2, r.shown, 'view ' || r.shown,
            format('CREATE OR REPLACE VIEW %I.%I WITH (security_invoker = true) AS %s', schema,
                r.shown,
                CASE r.relkind WHEN 'v' THEN rtrim(pg_get_viewdef(r.oid), ';')
                ELSE format('SELECT %s FROM coursebase.%I', (
                    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                    FROM pg_attribute a
                    WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
                    r.relname) END)
        FROM relations r
        UNION ALL
        SELECT 3, r.shown, 'comment on view ' || r.shown, format('COMMENT ON VIEW %I.%I IS %L', schema, r.shown,
            concat(t.before, obj_description(r.oid, 'pg_class'), t.behind))
        FROM relations r LEFT JOIN tags t ON t.conrelid = r.oid
        UNION ALL
        SELECT 4, r.shown, format('comment on column %s.%s', r.shown, a.attname),
            format('COMMENT ON COLUMN %I.%I.%I IS %L', schema, r.shown, a.attname, col_description(r.oid, a.attnum))
        FROM relations r
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE col_description(r.oid, a.attnum) IS NOT NULL
        UNION ALL
        -- A wrapper of an earlier release may have other arguments, and would make calls ambiguous.
        SELECT 5, w.proname, format('function %s of before', w.proname),
            format('DROP FUNCTION %I.%I(%s)', schema, w.proname, pg_get_function_identity_arguments(w.oid))
        FROM pg_proc w JOIN pg_namespace n ON n.oid = w.pronamespace AND n.nspname = schema
        WHERE w.prosrc LIKE 'SELECT %coursebase.' || w.proname || '(%' AND w.prolang = (
            SELECT l.oid FROM pg_language l WHERE l.lanname = 'sql')
        UNION ALL
        SELECT 6, f.proname, 'function ' || f.proname,
            format('CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE sql %s %s PARALLEL %s SECURITY INVOKER AS %L', schema,
                f.proname, f.arguments, f.result,
                CASE f.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
                CASE WHEN f.proisstrict THEN 'STRICT' ELSE 'CALLED ON NULL INPUT' END,
                CASE f.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END,
                CASE WHEN f.proretset THEN 'SELECT * FROM ' ELSE 'SELECT ' END || f.call)
        FROM functions f
        UNION ALL
        SELECT 7, f.proname, 'revoke on function ' || f.proname,
            format('REVOKE ALL ON FUNCTION %I.%I(%s) FROM %s', schema, f.proname, f.identity,
                concat_ws(', ', 'PUBLIC', (SELECT g.roles FROM given g WHERE g.kind = 'f')))
        FROM functions f
        UNION ALL
        SELECT 7, r.shown, 'revoke on view ' || r.shown, format('REVOKE ALL ON %I.%I FROM %s', schema, r.shown, g.roles)
        FROM relations r JOIN given g ON g.kind = 'r'
        UNION ALL
        SELECT 7, f.proname, 'comment on function ' || f.proname,
            format('COMMENT ON FUNCTION %I.%I(%s) IS %L', schema, f.proname, f.identity, f.comment)
        FROM functions f
        UNION ALL
        SELECT 8, p.rolname, format('grant on schema to %I', p.rolname),
            format('GRANT USAGE ON SCHEMA %I TO %I', schema, p.rolname)
        FROM parts p
        UNION ALL
        SELECT 8, r.shown, format('grant on view %s to %I', r.shown, p.rolname),
            format('GRANT %s ON %I.%I TO %I', string_agg(g.privilege, ', ' ORDER BY g.privilege), schema, r.shown, p.rolname)
        FROM relations r CROSS JOIN parts p
        CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS g (privilege)
        WHERE has_table_privilege(p.rolname, r.oid, g.privilege)
        GROUP BY r.shown, p.rolname
        UNION ALL
        -- What a part may do with some columns only.
        SELECT 8, r.shown, format('grant on columns of view %s to %I', r.shown, p.rolname),
            format('GRANT %s ON %I.%I TO %I', string_agg(g.grants, ', ' ORDER BY g.grants), schema, r.shown, p.rolname)
        FROM relations r CROSS JOIN parts p
        CROSS JOIN LATERAL (
            SELECT format('%s (%s)', v.privilege,
                string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)) AS grants
            FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS v (privilege)
            JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
                AND has_column_privilege(p.rolname, r.oid, a.attnum, v.privilege)
            WHERE NOT has_table_privilege(p.rolname, r.oid, v.privilege)
            GROUP BY v.privilege) AS g
        GROUP BY r.shown, p.rolname
        UNION ALL
        SELECT 8, f.proname, format('grant on function %s to %I', f.proname, p.rolname),
            format('GRANT EXECUTE ON FUNCTION %I.%I(%s) TO %I', schema, f.proname, f.identity, p.rolname)
        FROM functions f CROSS JOIN parts p
        WHERE has_function_privilege(p.rolname, f.oid, 'EXECUTE'))
    SELECT m.object, m.ddl FROM made m ORDER BY m.pass, m.name COLLATE "C", m.object COLLATE "C"
$$;
COMMENT ON FUNCTION coursebase.api_steps(name, boolean) IS
    'The steps of make_api(): each object of the schema with its DDL, in the order in which they are made. For the owner of the tables.

schema: the name of the schema. graphql: whether GraphQL is made of it. NULL for either answers no rows.';

CREATE FUNCTION coursebase.make_api(schema name, graphql boolean DEFAULT false)
RETURNS TABLE (object text, ddl text)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_make_api';
COMMENT ON FUNCTION coursebase.make_api(name, boolean) IS
    'Makes a schema for gateways, which shows what people use: a view of each table and view that some part may read or write, and a function for each that some part may call, without those that only policies call. Nothing in it belongs to an extension, because PostGraphile and pg_graphql hide what does. Views run with the rights and under the row security of whoever reads them. Run it again after an update or grant_roles(). For the owner of the tables; what it makes is the caller''s own.

schema: the name of the schema, which is made if it is missing; not coursebase, and not one of the server''s. Objects in it that are not of these names stay as they are; so does the comment on the schema, which otherwise becomes that of coursebase. graphql: whether PostGraphile or pg_graphql shows the schema: the comments then begin with the keys as these read them, and subscriptions is shown as user_subscriptions, because GraphQL has a root type of that name; false: names and comments are those of coursebase.

object: what was made. ddl: the statement that made it.

Raises: 22004 (an argument is NULL), 22023 (schema is empty, coursebase or information_schema, or begins with pg_), 42501 (the caller has not the rights of the owner of the tables), KB001 (the tables are missing, or older than the code), KB003 (the schema, or an object in it, belongs to another role, or another role may create objects in it).';

CREATE FUNCTION coursebase.guard()
RETURNS event_trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_guard';
COMMENT ON FUNCTION coursebase.guard() IS
    'Event trigger, at the start of every DDL command: arms the check that refuses (KB002) to take the schema, the extension, a table, a column or a type of coursebase away, to give it another name or type, to drop a primary key, or to switch row security off, unless coursebase.allow_drop is on.';

CREATE EVENT TRIGGER coursebase_guard ON ddl_command_start EXECUTE FUNCTION coursebase.guard();
-- Also in a session that loads rows as a replica does, as whoever comes with data.
ALTER EVENT TRIGGER coursebase_guard ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER coursebase_guard IS
    'Arms the guard that keeps commands from dropping and altering tables, columns and types of coursebase.';

CREATE FUNCTION coursebase.grant_roles(anonymous name, end_user name, server name)
RETURNS void
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_grant_roles';
COMMENT ON FUNCTION coursebase.grant_roles(name, name, name) IS
    'Grants each of the three parts to a role: exactly what the part may do, and nothing else of coursebase. Takes from the roles that played the parts before what they held. Remembered, so that install() grants new objects too. For the owner of the tables.

anonymous: for requests without a user. end_user: for requests with one. Neither may pass row security or get rights of others: no SUPERUSER, BYPASSRLS or CREATEROLE, not the owner of the tables, and not a member of the server''s role, of the owner''s, or of any role with such an attribute. server: for edge functions; needs BYPASSRLS. NULL leaves a part to nobody.

Source: a release''s GRANTs stand beside the functions and tables that they are about.
Raises: 42501 (the caller is not the owner of the tables), 42704 (no such role), KB004 (the role for server lacks BYPASSRLS, or one for anonymous or end_user has rights that no end user may have).';

CREATE FUNCTION coursebase.hand_over(role name)
RETURNS void
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_hand_over';
COMMENT ON FUNCTION coursebase.hand_over(name) IS
    'Makes a role the owner of the tables, views and types, so that an ordinary role can look after them, as on Supabase. The schema, the functions, the extension and the guard stay with the superuser who installed them. For superusers.

role: the new owner, of home''s publications too. It reads and writes every row, changes the owner''s settings, alters the tables and adds to them, and runs install(), lint() and grant_roles(); it may create in the schema, for an index stands there. It cannot change a function of coursebase, drop the extension, or drop a table unless it allows that by coursebase.allow_drop. It gets no attribute and no membership. Of the owner before, unless that is a superuser, everything is taken. NULL does nothing.

Raises: 0A000 (before PostgreSQL 16, a subscription writes the tables and the role is no superuser), 25006 (the transaction is read-only), 42501 (the caller is no superuser), 42704 (no such role), KB001 (tables are missing or behind), KB004 (the role, or one that could become it, is for end users or anonymous requests).';

CREATE FUNCTION coursebase.installation()
RETURNS TABLE (name text, value text)
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_installation';
COMMENT ON FUNCTION coursebase.installation() IS
    'What is installed, for those who look after it; answers when tables are missing too. For the server; reads with the rights of the tables'' owner.

name, value: library version (of the loaded code), schema version (of the tables; no row without tables), for each part that somebody plays (anonymous, end_user, server) the role, and where Citus is installed citus (coordinator or worker) and citus workers (how many are attached).';
GRANT EXECUTE ON FUNCTION coursebase.installation() TO server;

CREATE FUNCTION coursebase.help(about text DEFAULT NULL)
RETURNS TABLE (topic text, function text, call text, purpose text)
LANGUAGE sql
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.topic, p.proname::text,
        format('coursebase.%I(%s)', p.proname, pg_get_function_arguments(p.oid)),
        substring(obj_description(p.oid, 'pg_proc') FROM E'^(.*?\\.)(?:\\s|$)')
    FROM coursebase.topics() WITH ORDINALITY AS t (topic, function, n)
    JOIN pg_namespace s ON s.nspname = 'coursebase'
    JOIN pg_proc p ON p.pronamespace = s.oid AND p.proname = t.function
    WHERE p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
        AND has_function_privilege(p.oid, 'EXECUTE')
        -- no name is as long; a text of megabytes, for each function anew, would be seconds
        AND ($1 IS NULL OR t.topic = lower(left($1, 64) COLLATE "C")
            OR strpos(p.proname, lower(left($1, 64) COLLATE "C")) > 0)
    ORDER BY t.n, p.oid
$$;
COMMENT ON FUNCTION coursebase.help(text) IS
    'Lists the functions that the caller may execute, by topic. Anybody may call it.

about: a topic, or a part of a function''s name, in either case; NULL lists all. topic: the slice that the function is of, in their order: core, json, install, cells, identity, records, catalog, sales, billing, access, allowance, media, discounts, store, notifications, programs, events, sync, account. function: its name. call: the function with its arguments, their types and defaults. purpose: the first sentence of its COMMENT; obj_description() has the rest.';
GRANT EXECUTE ON FUNCTION coursebase.help(text) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.replaced_objects()
RETURNS TABLE (object text, removal text)
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_replaced_objects';
COMMENT ON FUNCTION coursebase.replaced_objects() IS
    'Lists the policies, CHECK constraints, keys, references, triggers and views that have the name of one of coursebase''s and say something else: another expression, command, role, function, column, action or time. For lint(), which says what to do. No row for a table of which a column is missing or has another type, nor for what calls a function of which there is another one of the same name, nor for a view that reads such a table or another view that differs. For the owner of the tables.

object: such as policy self_select_own on users, constraint users_name_not_empty_check on users, trigger t500_stamp on users or view user_access. removal: the statements that take it away, or give what is no view another name, so that install() makes the release''s; NULL for what install() replaces by itself: policies, triggers where neither is a constraint trigger, and views that have no other columns.';

-- Reads the catalogues only, so that lint() answers when tables are missing. The steps of install() say what ought to
-- be there: every column has a comment among them, every constraint a name.
CREATE FUNCTION coursebase.lint()
RETURNS TABLE (rule text, object text, advice text)
LANGUAGE sql
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH ours AS (
        SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'coursebase'
    ), steps AS (
        SELECT s.object, s.ddl, split_part(s.object, ' ', 1) AS kind,
            split_part(s.object, ' ', 2) AS name, split_part(s.object, ' ', 4) AS relation
        FROM coursebase.steps() s
    ), relations AS (
        SELECT c.*
        FROM pg_class c
        WHERE c.relnamespace IN (TABLE ours)
            AND c.relname IN (SELECT s.name FROM steps s WHERE s.kind IN ('table', 'view'))
    ), partitions AS (
        -- at any depth, and in whichever schema
        SELECT c.*
        FROM pg_class c
        WHERE c.relispartition AND pg_partition_root(c.oid) IN (SELECT r.oid FROM relations r)
    ), columns AS (
        -- each stands on a line of its own
        SELECT s.name AS relation, btrim(c.parts[1], '"') AS name, c.parts[2] AS definition
        FROM steps s, regexp_matches(s.ddl, E'\\n    ("?[a-z0-9_]+"?) +([^\\n]+)', 'g') AS c (parts)
        WHERE s.kind = 'table'
    ), functions AS (
        SELECT p.*
        FROM pg_proc p
        JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
            AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'coursebase'
    ), installed AS (
        SELECT i.name, i.value FROM coursebase.installation() i
    ), subscribed AS (
        SELECT s.oid, s.subname, s.subenabled
        FROM pg_subscription s
        JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database()
        WHERE s.subname = 'coursebase_home'
    ), resolves_no_names (name) AS (
        -- functions in C that look nothing up by name, where a SET would cost more than they do, or
        -- that set it themselves around their statements (handshake)
        VALUES ('accessible_course_ids'), ('assert_schema_owner'), ('can_read_section'),
            ('can_view_lesson'), ('current_member_id'), ('current_user_id'), ('handshake'),
            ('has_course_access'),
            ('has_course_access_by_code'), ('is_admin'), ('json_append'),
            ('json_checksum'), ('json_size'), ('own_cohort_from'), ('own_cohort_to'), ('own_from'),
            ('own_to'), ('split_discount'), ('tg_any__machine_only'), ('tg_any__set_once'),
            ('tg_any__stamp'), ('tg_any__time_zone'),
            ('tg_audio_usage__keep_greatest'),
            ('tg_document__checksum')
    ), missing (object) AS (
        SELECT s.object
        FROM steps s
        WHERE s.kind IN ('table', 'view', 'index')
            AND to_regclass(format('coursebase.%I', s.name)) IS NULL
            -- a table that is partitioned by time cannot have it
            AND NOT (s.ddl LIKE 'CREATE UNIQUE INDEX %' AND EXISTS (
                SELECT FROM relations r
                WHERE r.relkind = 'p' AND s.ddl ~ format(E'\\mON coursebase\\.%s\\M', r.relname)))
        UNION ALL
        SELECT s.object
        FROM steps s
        WHERE s.kind = 'type' AND to_regtype(format('coursebase.%I', s.name)) IS NULL
        UNION ALL
        SELECT 'column ' || c.name
        FROM (SELECT split_part(s.object, ' ', 4) AS name
              FROM steps s WHERE s.object LIKE 'comment on column %') c
        WHERE split_part(c.name, '.', 1) IN (SELECT r.relname FROM relations r)
            AND NOT EXISTS (
                SELECT FROM relations r
                JOIN pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped
                WHERE r.relname = split_part(c.name, '.', 1)
                    AND a.attname = btrim(split_part(c.name, '.', 2), '"'))
        UNION ALL
        SELECT format('%s of column %s.%s', w.part, c.relation, c.name)
        FROM columns c
        JOIN relations r ON r.relname = c.relation
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = c.name AND NOT a.attisdropped
        CROSS JOIN LATERAL (
            VALUES ('NOT NULL', c.definition ~ E'\\mNOT NULL\\M', a.attnotnull),
                -- a default that somebody chose stays
                ('default', c.definition ~ E'\\m(DEFAULT|AS IDENTITY)\\M',
                    a.atthasdef OR a.attidentity <> '')) AS w (part, wanted, there)
        WHERE w.wanted AND NOT w.there
        UNION ALL
        SELECT format('value %s of %s', v.label[1], s.object)
        FROM steps s, regexp_matches(s.ddl, '''([^'']+)''', 'g') AS v (label)
        WHERE s.kind = 'type'
            AND EXISTS (
                SELECT FROM pg_type t WHERE t.typname = s.name AND t.typnamespace IN (TABLE ours))
            AND NOT EXISTS (
                SELECT FROM pg_type t
                JOIN pg_enum e ON e.enumtypid = t.oid AND e.enumlabel = v.label[1]
                WHERE t.typname = s.name AND t.typnamespace IN (TABLE ours))
        UNION ALL
        SELECT format('constraint %s on %s', c.name[1], s.name)
        FROM steps s, regexp_matches(s.ddl, E'\\mCONSTRAINT (\\w+)', 'g') AS c (name)
        WHERE s.kind = 'table' AND s.name IN (SELECT r.relname FROM relations r)
            AND NOT EXISTS (
                SELECT FROM relations r
                JOIN pg_constraint k ON k.conrelid = r.oid
                WHERE r.relname = s.name AND k.conname = c.name[1])
        UNION ALL
        SELECT s.object
        FROM steps s
        WHERE s.kind = 'trigger' AND s.relation IN (SELECT r.relname FROM relations r)
            AND NOT EXISTS (
                SELECT FROM relations r
                JOIN pg_trigger t ON t.tgrelid = r.oid
                WHERE r.relname = s.relation AND t.tgname = s.name)
        UNION ALL
        SELECT s.object
        FROM steps s
        WHERE s.kind = 'policy' AND s.relation IN (SELECT r.relname FROM relations r)
            AND NOT EXISTS (
                SELECT FROM relations r
                JOIN pg_policy p ON p.polrelid = r.oid
                WHERE r.relname = s.relation AND p.polname = s.name)
    ), granted AS (
        -- one row a right that a step gives to a role; NULL where what it is on is missing
        SELECT o.rolname, format('%s on %s', p.right, s.name) AS "right",
            CASE s.kind
                WHEN 'SCHEMA' THEN has_schema_privilege(o.oid, s.name, p.right)
                WHEN 'FUNCTION' THEN has_function_privilege(o.oid, to_regprocedure(s.name), p.right)
                ELSE has_table_privilege(o.oid, to_regclass(s.name), p.right)
                    OR p.right IN ('SELECT', 'INSERT', 'UPDATE')
                        AND has_any_column_privilege(o.oid, to_regclass(s.name), p.right)
            END AS is_held
        FROM (
            -- without the columns that stand between brackets
            SELECT regexp_replace(g.said[1], E'\\s*\\([^)]*\\)\\s*', '', 'g') AS rights, g.said[2] AS kind,
                g.said[3] AS name, string_to_array(g.said[4], ', ') AS parts
            FROM steps t,
                regexp_match(t.ddl, E'^GRANT (.*)\\sON (TABLE|SCHEMA|FUNCTION) (.*)\\sTO ([a-z_, ]+)$') AS g (said)
            WHERE t.kind = 'grant') s
        CROSS JOIN LATERAL regexp_split_to_table(s.rights, E'\\s*,\\s*') AS p ("right")
        JOIN installed i ON i.name = ANY (s.parts)
        JOIN pg_roles o ON o.rolname = i.value
    ), public_grants (object) AS (
        SELECT 'function ' || f.oid::regprocedure
        FROM functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
        WHERE a.grantee = 0
        UNION
        SELECT 'table ' || r.oid::regclass
        FROM relations r, aclexplode(r.relacl) a
        WHERE a.grantee = 0
        UNION
        SELECT format('column %s.%I', r.oid::regclass, c.attname)
        FROM relations r
        JOIN pg_attribute c ON c.attrelid = r.oid, aclexplode(c.attacl) a
        WHERE a.grantee = 0
        UNION
        SELECT 'schema coursebase'
        FROM pg_namespace n, aclexplode(n.nspacl) a
        WHERE n.oid IN (TABLE ours) AND a.grantee = 0
    ), owners (object, owner, expected) AS (
        SELECT 'table ' || r.oid::regclass, r.relowner,
            (SELECT v.relowner FROM relations v WHERE v.relname = 'schema_version')
        FROM (
            SELECT t.oid, t.relowner FROM relations t
            UNION ALL
            SELECT p.oid, p.relowner FROM partitions p) r
        UNION ALL
        SELECT 'function ' || f.oid::regprocedure, f.proowner,
            (SELECT e.extowner FROM pg_extension e WHERE e.extname = 'coursebase')
        FROM functions f
    )
    SELECT 'missing', m.object, 'Run SELECT coursebase.install().'
    FROM missing m
    UNION ALL
    SELECT 'replaced', p.object,
        format('Run %sSELECT coursebase.install(): somebody made it say something else.',
            p.removal || ', then ')
    FROM coursebase.replaced_objects() p
    UNION ALL
    -- Written as the build writes it (sql/script.awk).
    SELECT 'replaced', 'function ' || f.oid::regprocedure,
        'Run SET coursebase.allow_drop = on, DROP EXTENSION coursebase CASCADE and CREATE EXTENSION coursebase: somebody made it say something else.'
    FROM coursebase.definitions() d
    JOIN functions f ON f.oid = to_regprocedure('coursebase.' || d.function)
    JOIN pg_language l ON l.oid = f.prolang
    WHERE (d.attributes, d.source) IS DISTINCT FROM (
        concat_ws(' ', 'LANGUAGE ' || l.lanname,
            CASE f.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
            CASE WHEN f.proisstrict THEN 'STRICT' END,
            CASE f.proparallel WHEN 's' THEN 'PARALLEL SAFE' WHEN 'r' THEN 'PARALLEL RESTRICTED' ELSE 'PARALLEL UNSAFE' END,
            (SELECT string_agg('SET ' || regexp_replace(replace(s.setting, '"', ''), '=', ' = '), ' ' ORDER BY s.place)
             FROM unnest(f.proconfig) WITH ORDINALITY AS s (setting, place)
             WHERE s.setting NOT LIKE 'search_path=%')),
        CASE l.lanname WHEN 'c' THEN format('%L, %L', f.probin::text, f.prosrc) ELSE f.prosrc END)
    UNION ALL
    -- With the fewest arguments that both take, a call is that of either.
    SELECT 'not_unique', 'function ' || p.oid::regprocedure,
        format('DROP ROUTINE %s, or give it another name: a call of %s may mean either.', p.oid::regprocedure,
            f.oid::regprocedure)
    FROM functions f
    JOIN pg_proc p ON p.pronamespace = f.pronamespace AND p.proname = f.proname
        AND p.oid NOT IN (SELECT o.oid FROM functions o)
    CROSS JOIN LATERAL (
        SELECT greatest(f.pronargs - f.pronargdefaults, p.pronargs - p.pronargdefaults) AS given) c
    WHERE c.given <= least(f.pronargs, p.pronargs)
        AND (f.proargtypes::oid[])[0:c.given - 1] = (p.proargtypes::oid[])[0:c.given - 1]
    UNION ALL
    -- A function that runs with its owner's rights would be a way past row security.
    SELECT 'not_invoker', 'function ' || f.oid::regprocedure,
        format('ALTER FUNCTION %s SECURITY INVOKER.', f.oid::regprocedure)
    FROM functions f
    WHERE f.prosecdef
    UNION ALL
    SELECT 'schema_behind', 'tables of version ' || coalesce(s.value, 'unknown'),
        'Run ALTER EXTENSION coursebase UPDATE, then SELECT coursebase.install().'
    FROM installed l
    LEFT JOIN installed s ON s.name = 'schema version'
    WHERE l.name = 'library version' AND l.value IS DISTINCT FROM s.value
    UNION ALL
    SELECT 'extension_behind', 'extension of version ' || e.extversion,
        'Run ALTER EXTENSION coursebase UPDATE.'
    FROM pg_extension e
    JOIN installed l ON l.name = 'library version' AND l.value <> e.extversion
    WHERE e.extname = 'coursebase'
    UNION ALL
    SELECT 'row_security_off', 'table ' || r.oid::regclass,
        format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY.', r.oid::regclass)
    FROM relations r
    WHERE r.relkind IN ('r', 'p') AND NOT r.relrowsecurity
    UNION ALL
    SELECT 'row_security_off', 'table ' || c.oid::regclass,
        format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY: %s.', c.oid::regclass,
            'who has a grant on the partition reads past the policies of its table')
    FROM partitions c
    WHERE NOT c.relrowsecurity
        AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner)
    UNION ALL
    SELECT 'default_partition_missing', 'table ' || r.oid::regclass,
        format('CREATE TABLE %s_default PARTITION OF %1$s DEFAULT: %s.', r.oid::regclass,
            'without it a row that fits no partition is refused, and what would write it')
    FROM relations r
    JOIN pg_partitioned_table p ON p.partrelid = r.oid AND p.partdefid = 0
    UNION ALL
    SELECT 'row_security_forced', 'table ' || r.oid::regclass,
        format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY: %s.', r.oid::regclass,
            'triggers and dumps of the owner need it')
    FROM relations r
    WHERE r.relforcerowsecurity
    UNION ALL
    SELECT 'view_not_invoker', 'view ' || r.oid::regclass,
        format('ALTER VIEW %s SET (security_invoker = true).', r.oid::regclass)
    FROM relations r
    WHERE r.relkind = 'v' AND NOT coalesce(r.reloptions, '{}') && ARRAY['security_invoker=true',
        'security_invoker=on', 'security_invoker=1']
    UNION ALL
    SELECT 'not_logged', 'table ' || r.oid::regclass,
        format('ALTER TABLE %s SET LOGGED: a crash empties it.', r.oid::regclass)
    FROM (
        SELECT t.oid, t.relkind, t.relpersistence FROM relations t
        UNION ALL
        SELECT p.oid, p.relkind, p.relpersistence FROM partitions p) r
    WHERE r.relkind = 'r' AND r.relpersistence <> 'p'
    UNION ALL
    SELECT 'foreign_key_without_index', 'constraint ' || k.conname,
        format('Create an index on %s that begins with its columns.', k.conrelid::regclass)
    FROM pg_constraint k
    JOIN relations r ON r.oid = k.conrelid
    WHERE k.contype = 'f'
        AND NOT EXISTS (
            SELECT FROM pg_index i
            WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
                AND i.indnkeyatts >= cardinality(k.conkey)
                AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
    UNION ALL
    SELECT 'foreign_key_not_valid', 'constraint ' || k.conname,
        format('ALTER TABLE %s VALIDATE CONSTRAINT %I.', k.conrelid::regclass, k.conname)
    FROM pg_constraint k
    JOIN relations r ON r.oid = k.conrelid
    WHERE k.contype IN ('f', 'c') AND NOT k.convalidated
    UNION ALL
    SELECT 'index_invalid', 'index ' || i.indexrelid::regclass,
        format('REINDEX INDEX CONCURRENTLY %s.', i.indexrelid::regclass)
    FROM pg_index i
    JOIN relations r ON r.oid = i.indrelid
    WHERE NOT (i.indisvalid AND i.indisready)
    UNION ALL
    SELECT 'trigger_disabled', format('trigger %s on %s', t.tgname, r.oid::regclass),
        format('ALTER TABLE %s ENABLE TRIGGER %s.', r.oid::regclass,
            CASE WHEN t.tgisinternal THEN 'ALL' ELSE quote_ident(t.tgname) END)
    FROM pg_trigger t
    JOIN (
        SELECT o.oid FROM relations o
        UNION ALL
        SELECT p.oid FROM partitions p) r ON r.oid = t.tgrelid
    WHERE t.tgenabled IN ('D', 'R')
    UNION ALL
    SELECT 'trigger_not_always', format('trigger %s on %s', t.tgname, r.oid::regclass),
        format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I: %s.', r.oid::regclass, t.tgname,
            'else rows that a subscription brings change no handshake')
    FROM steps s, regexp_matches(s.ddl, E'ENABLE ALWAYS TRIGGER (\\w+)') AS a (name)
    JOIN pg_trigger t ON t.tgname = a.name[1] AND t.tgenabled = 'O'
    JOIN relations r ON r.oid = t.tgrelid
    WHERE s.object = 'setting of ' || r.relname
    UNION ALL
    SELECT 'not_published', 'table ' || r.oid::regclass,
        'Call publish_catalogue(), then join_home() in each cell: they do not get its rows.'
    FROM relations r
    JOIN steps s ON s.object = 'trigger t300_of_home on ' || r.relname
    WHERE EXISTS (SELECT FROM pg_publication p WHERE p.pubname = 'coursebase_catalogue')
        AND NOT EXISTS (
            SELECT FROM pg_publication_rel i
            JOIN pg_publication p ON p.oid = i.prpubid
                AND p.pubname IN ('coursebase_catalogue', 'coursebase_kept')
            WHERE i.prrelid = r.oid)
    UNION ALL
    SELECT 'not_subscribed', 'table ' || r.oid::regclass,
        'Call join_home(): what home writes into it does not come.'
    FROM relations r
    JOIN steps s ON s.object = 'trigger t300_of_home on ' || r.relname
    WHERE EXISTS (SELECT FROM subscribed)
        AND NOT EXISTS (
            SELECT FROM pg_subscription_rel i
            JOIN subscribed u ON u.oid = i.srsubid
            WHERE i.srrelid = r.oid AND i.srsubstate = 'r')
    UNION ALL
    SELECT 'subscription_off', 'subscription ' || quote_ident(u.subname),
        format('ALTER SUBSCRIPTION %I ENABLE: what home writes does not come.', u.subname)
    FROM subscribed u
    WHERE NOT u.subenabled
    UNION ALL
    SELECT 'cell_away', 'replication slot ' || quote_ident(l.slot_name),
        format('Start the cell; or, if it does not come back, SELECT pg_drop_replication_slot(%L): %s.',
            l.slot_name, 'this server keeps its log until then')
    FROM pg_replication_slots l
    WHERE l.slot_name ~ '^coursebase_cell_[0-9]+$' AND l.database = current_database()
        AND NOT l.active
    UNION ALL
    SELECT 'guard_off', 'event trigger coursebase_guard',
        'Tables can be dropped: ALTER EVENT TRIGGER coursebase_guard ENABLE ALWAYS, or create the extension again.'
    WHERE NOT EXISTS (
        SELECT FROM pg_event_trigger g
        JOIN functions f ON f.oid = g.evtfoid AND f.proname = 'guard'
        WHERE g.evtname = 'coursebase_guard' AND g.evtevent = 'ddl_command_start'
            AND g.evtenabled = 'A' AND g.evttags IS NULL)
    UNION ALL
    SELECT 'search_path_not_fixed', 'function ' || f.oid::regprocedure,
        format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp.', f.oid::regprocedure)
    FROM functions f
    -- with quote_all_identifiers on the server keeps these names in quotes
    WHERE NOT coalesce(f.proconfig, '{}') && ARRAY['search_path=pg_catalog, pg_temp',
            'search_path="pg_catalog", "pg_temp"']
        AND NOT (f.proname IN (TABLE resolves_no_names)
            AND f.prolang = (SELECT l.oid FROM pg_language l WHERE l.lanname = 'c'))
    UNION ALL
    SELECT 'leakproof', 'function ' || f.oid::regprocedure,
        format('ALTER FUNCTION %s NOT LEAKPROOF.', f.oid::regprocedure)
    FROM functions f
    WHERE f.proleakproof
    UNION ALL
    -- A dump that was restored without its GRANTs (--no-acl) leaves the roles with nothing.
    SELECT 'not_granted', format('role %I', g.rolname),
        format('Run SELECT coursebase.install(): of what its part may do it lacks %s, such as %s.', count(*),
            min(g.right))
    FROM granted g
    WHERE NOT g.is_held
    GROUP BY g.rolname
    UNION ALL
    SELECT 'granted_to_public', g.object, format('REVOKE ALL ON %s FROM PUBLIC.', g.object)
    FROM public_grants g
    UNION ALL
    -- CREATE EXTENSION takes back what they gave; what an update adds has it again. Parts lose
    -- it in install().
    SELECT 'default_privileges', 'role ' || g.grantee::regrole,
        format('ALTER DEFAULT PRIVILEGES FOR ROLE %s%s REVOKE ALL ON FUNCTIONS FROM %s: %s.',
            d.defaclrole::regrole,
            CASE WHEN d.defaclnamespace <> 0 THEN ' IN SCHEMA coursebase' END, g.grantee::regrole,
            'else it may call whatever an update adds')
    FROM pg_extension e
    JOIN pg_default_acl d ON d.defaclrole = e.extowner AND d.defaclobjtype = 'f'
        AND (d.defaclnamespace = 0 OR d.defaclnamespace IN (TABLE ours)), aclexplode(d.defaclacl) g
    WHERE e.extname = 'coursebase' AND g.grantee NOT IN (0, d.defaclrole)
        AND NOT EXISTS (
            SELECT FROM installed i
            WHERE i.name IN ('anonymous', 'end_user', 'server')
                AND to_regrole(quote_ident(i.value)) = g.grantee)
    UNION ALL
    SELECT 'owner_differs', o.object,
        format('It belongs to %s, the others to %s.', o.owner::regrole, o.expected::regrole)
    FROM owners o
    WHERE o.owner <> o.expected
    UNION ALL
    SELECT 'schema_owner', 'schema coursebase',
        format('It belongs to %s, who could plant objects in it.', n.nspowner::regrole)
    FROM pg_namespace n
    JOIN pg_extension e ON e.extname = 'coursebase'
    JOIN pg_roles o ON o.oid = n.nspowner
    WHERE n.oid IN (TABLE ours) AND n.nspowner <> e.extowner AND NOT o.rolsuper
    UNION ALL
    SELECT 'encoding_not_utf8', 'database ' || quote_ident(current_database()),
        'Move it to one of encoding UTF8: phones get UTF-8, checksums are of the bytes stored.'
    WHERE getdatabaseencoding() <> 'UTF8'
    UNION ALL
    SELECT 'owner_unfit', format('role %I', o.rolname),
        format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase TO %I: %s.', o.rolname,
            'the rules run with the rights of the tables'' owner')
    FROM relations r
    JOIN pg_roles o ON o.oid = r.relowner
    WHERE r.relname = 'schema_version'
        AND EXISTS (
            SELECT FROM functions f WHERE NOT has_function_privilege(o.oid, f.oid, 'EXECUTE'))
    UNION ALL
    SELECT 'owner_unfit', format('role %I', o.rolname),
        format('Run SELECT coursebase.install() as a superuser, who gives %I the schema: %s.', o.rolname,
            'the rules run with the rights of the tables'' owner')
    FROM relations r
    JOIN pg_roles o ON o.oid = r.relowner
    WHERE r.relname = 'schema_version' AND NOT has_schema_privilege(o.oid, r.relnamespace, 'USAGE')
    UNION ALL
    SELECT 'schema_open', 'schema coursebase',
        format('REVOKE CREATE ON SCHEMA coursebase FROM %s, %s.',
            coalesce(quote_ident(c.rolname), 'PUBLIC'), 'who could plant functions that ours would call')
    FROM pg_namespace n
    CROSS JOIN LATERAL aclexplode(n.nspacl) a
    JOIN pg_extension e ON e.extname = 'coursebase'
    LEFT JOIN pg_roles c ON c.oid = a.grantee
    WHERE n.oid IN (TABLE ours) AND a.privilege_type = 'CREATE'
        AND a.grantee NOT IN (n.nspowner, e.extowner) AND NOT coalesce(c.rolsuper, false)
        AND a.grantee NOT IN (SELECT v.relowner FROM relations v WHERE v.relname = 'schema_version')
    UNION ALL
    SELECT 'role_missing', format('role %I', i.value),
        format('Create the role that plays %s, and run coursebase.grant_roles().', i.name)
    FROM installed i
    WHERE i.name IN ('anonymous', 'end_user', 'server') AND to_regrole(quote_ident(i.value)) IS NULL
    UNION ALL
    SELECT 'server_role_unfit', format('role %I', i.value),
        format('ALTER ROLE %I BYPASSRLS.', i.value)
    FROM installed i
    JOIN pg_roles o ON o.rolname = i.value AND NOT o.rolbypassrls AND NOT o.rolsuper
    WHERE i.name = 'server'
    UNION ALL
    -- A superuser, or the owner, as the server is somebody's choice; a stolen key should not be one by the way.
    SELECT 'server_role_strong', format('role %I', i.value),
        CASE WHEN o.oid = e.oid THEN format('ALTER ROLE %I NOCREATEROLE NOREPLICATION: %s.', i.value, k.why)
        ELSE format('REVOKE %I FROM %I: %s.', o.rolname, i.value, k.why) END
    FROM (VALUES ('whoever has its key could read or change what is the owner''s alone')) AS k (why)
    CROSS JOIN installed i
    JOIN pg_roles e ON e.rolname = i.value AND NOT e.rolsuper
    JOIN pg_roles o ON pg_has_role(e.oid, o.oid, 'MEMBER')
        AND (o.rolsuper OR o.rolcreaterole OR o.rolreplication OR starts_with(o.rolname, 'pg_')
            OR o.oid <> e.oid
            AND o.oid IN (SELECT v.relowner FROM relations v WHERE v.relname = 'schema_version'))
    WHERE i.name = 'server'
    UNION ALL
    SELECT 'end_user_role_unfit', format('role %I', i.value),
        format('ALTER ROLE %I NOBYPASSRLS NOSUPERUSER NOCREATEROLE NOREPLICATION: %s.', i.value,
            'row security and grants do not hold for it')
    FROM installed i
    JOIN pg_roles o ON o.rolname = i.value
        AND (o.rolbypassrls OR o.rolsuper OR o.rolcreaterole OR o.rolreplication)
    WHERE i.name IN ('anonymous', 'end_user')
    UNION ALL
    SELECT 'end_user_role_unfit', format('role %I', i.value),
        format('REVOKE %I FROM %I: %s.', o.rolname, i.value, 'an end user could use its rights')
    FROM installed i
    JOIN pg_roles e ON e.rolname = i.value AND NOT e.rolsuper
    JOIN pg_roles o ON o.oid <> e.oid AND pg_has_role(e.oid, o.oid, 'MEMBER')
        AND (o.rolsuper OR o.rolbypassrls OR o.rolcreaterole OR o.rolreplication
            OR starts_with(o.rolname, 'pg_')
            OR o.rolname IN (SELECT s.value FROM installed s WHERE s.name = 'server')
            OR o.oid IN (SELECT v.relowner FROM relations v WHERE v.relname = 'schema_version'))
    WHERE i.name IN ('anonymous', 'end_user')
    UNION ALL
    SELECT 'not_distributed', 'schema coursebase',
        format('Connect to the coordinator, which has all of it; its %s workers have nothing of it.', n.value)
    FROM installed i
    JOIN installed n ON n.name = 'citus workers' AND n.value <> '0'
    WHERE i.name = 'citus' AND i.value = 'coordinator'
    UNION ALL
    SELECT 'citus_worker', 'database ' || quote_ident(current_database()),
        'Run SELECT coursebase.install(): functions refuse then, and the coordinator answers.'
    FROM installed i
    WHERE i.name = 'citus' AND i.value = 'worker'
    UNION ALL
    SELECT 'document_not_lz4', format('column %s.%s', s.name, c.name[1]),
        format('ALTER TABLE coursebase.%I ALTER COLUMN %I SET COMPRESSION lz4, %s.', s.name,
            c.name[1],
            'on a server built with lz4: appends are six times cheaper')
    FROM steps s, regexp_matches(s.ddl, E'(\\w+)\\s+json\\s+COMPRESSION lz4', 'g') AS c (name)
    WHERE s.kind = 'table'
        AND EXISTS (
            SELECT FROM relations r
            JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = c.name[1]
            WHERE r.relname = s.name AND a.attcompression <> 'l')
    ORDER BY 1, 2
$$;
COMMENT ON FUNCTION coursebase.lint() IS
    'Looks over the installation''s own safety, one row a fault; no row is good. Reads the catalogues alone, so that it answers when tables are missing. For the owner of the tables; the advice is SQL to run where SQL mends it.

rule: missing (what install() makes or restores, down to a column''s NOT NULL or default and a value of an enum), replaced (a policy, CHECK, key, reference, trigger, view or function of that name says something else than the release''s), not_unique (a function that somebody made, for which a call of ours could be taken), not_invoker (a function runs with its owner''s rights), schema_behind, extension_behind, row_security_off, default_partition_missing, row_security_forced, view_not_invoker, not_logged, foreign_key_without_index, foreign_key_not_valid, index_invalid, trigger_disabled, trigger_not_always, not_published and cell_away (on home: a table that cells do not get; a cell that does not follow, for which home keeps its log), not_subscribed and subscription_off (in a cell), guard_off, search_path_not_fixed, leakproof, not_granted (a role lacks what its part may do), granted_to_public, default_privileges (of whoever installed, which would give a role that plays no part what an update adds), owner_differs, schema_owner, schema_open, encoding_not_utf8, owner_unfit, role_missing, server_role_unfit, server_role_strong (it has, or could use, rights beyond those of the server: the owner''s, or those of a role of PostgreSQL''s own), end_user_role_unfit, document_not_lz4, not_distributed (workers of Citus are attached: coursebase stays whole on the coordinator), citus_worker (this server became a worker). Of partitions, at any depth, row_security_off, not_logged, trigger_disabled and owner_differs tell as well. object: what is at fault. advice: what to do.';
