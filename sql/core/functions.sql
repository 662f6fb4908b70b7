-- The ground: installation, the drop guard, roles, settings and the trigger functions that every
-- slice uses.

CREATE FUNCTION coursebase.assert_schema_owner()
RETURNS void
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_assert_schema_owner';
COMMENT ON FUNCTION coursebase.assert_schema_owner() IS
    'Refuses a schema whose owner is neither the current role nor a superuser, or in which such a role may create: the first thing that installing does.';
REVOKE ALL ON FUNCTION coursebase.assert_schema_owner() FROM PUBLIC;
SELECT coursebase.assert_schema_owner();

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
    'Makes whatever the schema lacks (tables, columns, constraints, indexes, triggers, policies, views, grants) and answers what it made. Never takes rows, tables or columns away; may be run at any time by the owner of the tables.';
REVOKE ALL ON FUNCTION coursebase.install() FROM PUBLIC;

CREATE FUNCTION coursebase.guard()
RETURNS event_trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_guard';
COMMENT ON FUNCTION coursebase.guard() IS
    'Refuses any command that would take a table or a column of coursebase away, unless coursebase.allow_drop is on.';
REVOKE ALL ON FUNCTION coursebase.guard() FROM PUBLIC;

CREATE EVENT TRIGGER coursebase_guard ON ddl_command_start EXECUTE FUNCTION coursebase.guard();
COMMENT ON EVENT TRIGGER coursebase_guard IS
    'Arms the guard that keeps commands from dropping tables and columns of coursebase.';

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
    'Grants each of the three parts (anonymous, end user, server) to a role, exactly what it may do and nothing else; remembered, so that install() grants new objects too. NULL leaves a part to nobody. The server needs BYPASSRLS.';
REVOKE ALL ON FUNCTION coursebase.grant_roles(name, name, name) FROM PUBLIC;

CREATE FUNCTION coursebase.assert_schema_current()
RETURNS void
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_assert_schema_current';
COMMENT ON FUNCTION coursebase.assert_schema_current() IS
    'Refuses (KB001) when the tables are missing or older than the code: the first statement of functions in SQL that write.';
REVOKE ALL ON FUNCTION coursebase.assert_schema_current() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.assert_schema_current() TO end_user, server;

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
    'What is installed: the version of the library, that of the tables, and the roles that play the parts.';
REVOKE ALL ON FUNCTION coursebase.installation() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.installation() TO server;

CREATE FUNCTION coursebase.settings()
RETURNS TABLE (name text, value text, default_value text, meaning text)
LANGUAGE sql
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.name, coalesce(s.value, s.default_value), s.default_value, s.meaning
    FROM coursebase.settings s
    ORDER BY s.name
$$;
COMMENT ON FUNCTION coursebase.settings() IS
    'Every setting with its value, its default and what it means. Changed by UPDATE coursebase.settings SET value = ... (NULL: the default).';
REVOKE ALL ON FUNCTION coursebase.settings() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coursebase.settings() TO server;

CREATE FUNCTION coursebase.tg_any__stamp()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_any__stamp';
COMMENT ON FUNCTION coursebase.tg_any__stamp() IS
    'BEFORE UPDATE: updated_at is the time of the change, whatever the writer sent.';
REVOKE ALL ON FUNCTION coursebase.tg_any__stamp() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_settings__audit()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_settings__audit';
COMMENT ON FUNCTION coursebase.tg_settings__audit() IS
    'AFTER INSERT OR UPDATE OR DELETE: writes an audit event when the value of a setting changes.';
REVOKE ALL ON FUNCTION coursebase.tg_settings__audit() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__append_only()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__append_only';
COMMENT ON FUNCTION coursebase.tg_any__append_only() IS
    'BEFORE UPDATE, DELETE or TRUNCATE: refuses (KB005), but lets a foreign key set the columns named in the arguments to null.';
REVOKE ALL ON FUNCTION coursebase.tg_any__append_only() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__guard_columns()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__guard_columns';
COMMENT ON FUNCTION coursebase.tg_any__guard_columns() IS
    'BEFORE UPDATE: an end user who is no administrator changes only the columns named in the arguments (42501).';
REVOKE ALL ON FUNCTION coursebase.tg_any__guard_columns() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__set_once()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__set_once';
COMMENT ON FUNCTION coursebase.tg_any__set_once() IS
    'BEFORE UPDATE: the columns named in the arguments, once set, keep their value (KB401); a foreign key may still set them to null.';
REVOKE ALL ON FUNCTION coursebase.tg_any__set_once() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__keep_columns()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__keep_columns';
COMMENT ON FUNCTION coursebase.tg_any__keep_columns() IS
    'BEFORE UPDATE: the columns named in the arguments keep their value, a null as well (KB401).';
REVOKE ALL ON FUNCTION coursebase.tg_any__keep_columns() FROM PUBLIC;

CREATE FUNCTION coursebase.tg_any__time_zone()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__time_zone';
COMMENT ON FUNCTION coursebase.tg_any__time_zone() IS
    'BEFORE INSERT OR UPDATE: the column time_zone is an IANA name that the server knows (22023), in its own spelling.';
REVOKE ALL ON FUNCTION coursebase.tg_any__time_zone() FROM PUBLIC;

-- USAGE on the schema, for whoever may call or read anything in it.
GRANT USAGE ON SCHEMA coursebase TO anonymous, end_user, server;
