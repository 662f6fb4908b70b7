-- What every slice uses: the schema's owner and version, the settings, and trigger functions for any table.

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
SELECT coursebase.assert_schema_owner();

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
GRANT EXECUTE ON FUNCTION coursebase.assert_schema_current() TO end_user, server;

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

CREATE FUNCTION coursebase.tg_settings__owner_only()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_settings__owner_only';
COMMENT ON FUNCTION coursebase.tg_settings__owner_only() IS
    'BEFORE UPDATE: a setting that guards the business against a stolen server key is changed by the owner of the tables alone (42501).';

-- USAGE on the schema, for whoever may call or read anything in it.
GRANT USAGE ON SCHEMA coursebase TO anonymous, end_user, server;
