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
    'Refuses (KB003) a schema coursebase whose owner is neither the current role nor a superuser, or in which another role may create objects. The first statement of the extension''s script: such a role could plant functions that those of coursebase would call.';
SELECT coursebase.assert_schema_owner();

-- In the script and no step of install(): a title that a team writes in its place stays until the next release.
COMMENT ON SCHEMA coursebase IS
    'coursebase

What a business that sells courses needs on its server side: accounts, a catalogue, sales, subscriptions, rights, progress and programs. Tables and views are read under row security, so that everybody gets the own rows; functions do what takes more than one row. whoami() tells whom the token names, help() which functions the caller may use. A refusal has a SQLSTATE as its code.';

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
    'Refuses to go on when the tables are missing or older than the code. The first statement of functions in SQL that write; functions in C check by themselves. For users and the server.

Raises: KB001 (the tables are missing, or older than the code).';
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
    'Every setting of the business, by name. A setting is changed by UPDATE coursebase.settings SET value = ... WHERE name = ...; NULL brings the default back. For the server; reads with the caller''s rights.

name: of the setting. value: what holds now, the default where nothing is set. default_value: what holds without a value; a release may change it. meaning: what the setting does, and its unit.';
GRANT EXECUTE ON FUNCTION coursebase.settings() TO server;

CREATE FUNCTION coursebase.write_position()
RETURNS pg_lsn
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_write_position';
COMMENT ON FUNCTION coursebase.write_position() IS
    'The position of the primary''s log (WAL) behind everything that is committed by now, to be given to wait_for() on a standby. For users and the server.

Call it after the write, in a transaction of its own; the session may be another one, so that it works through a pooler. It brings the log to disk up to the position, also what was committed with synchronous_commit off, for nothing else is sent to a standby: it takes at most as long as a commit. Reads and writes no table.

Source: the rule for a router: what is STABLE may go to a standby.
Raises: 25001 (this transaction has written, and is not committed), 25006 (on a standby, where nothing is written).';
GRANT EXECUTE ON FUNCTION coursebase.write_position() TO end_user, server;

CREATE FUNCTION coursebase.wait_for(lsn pg_lsn, timeout interval DEFAULT '1 second')
RETURNS void
LANGUAGE c
STABLE
STRICT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_wait_for';
COMMENT ON FUNCTION coursebase.wait_for(pg_lsn, interval) IS
    'Waits on a standby until it has replayed the log (WAL) up to a position, so that the next statement sees what was written before it. On the primary it returns at once. Anybody may call it.

lsn: what write_position() answered. timeout: how long to wait, from 0 (only ask) to 1 minute. If an argument is NULL, nothing is waited for. Call it in a statement of its own before the one that reads, at READ COMMITTED. While it waits, its statement holds a snapshot, as any other: where replay has to wait for that snapshot, the server ends the wait (40001), or the time ends it.

Source: the rule for a router: what is STABLE may go to a standby.
Raises: 22023 (timeout is out of range), 25001 (the transaction is REPEATABLE READ or SERIALIZABLE: it would see nothing new), 40001 (replay had to end the wait: ask the primary), KBC03 (the time is over: ask the primary).';
GRANT EXECUTE ON FUNCTION coursebase.wait_for(pg_lsn, interval) TO anonymous, end_user, server;

CREATE FUNCTION coursebase.tg_any__stamp()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
AS 'MODULE_PATHNAME', 'coursebase_tg_any__stamp';
COMMENT ON FUNCTION coursebase.tg_any__stamp() IS
    'BEFORE UPDATE: sets updated_at to the start of the transaction, whatever the writer sent.';

CREATE FUNCTION coursebase.tg_any__append_only()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__append_only';
COMMENT ON FUNCTION coursebase.tg_any__append_only() IS
    'BEFORE UPDATE, DELETE or TRUNCATE: refuses (KB005). A foreign key may set the column that the first argument names to NULL. The second names a setting of days: rows whose created_at is older may be deleted, unless it is 0.';

CREATE FUNCTION coursebase.tg_any__set_once()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__set_once';
COMMENT ON FUNCTION coursebase.tg_any__set_once() IS
    'BEFORE UPDATE: a column that the arguments name keeps its value once it has one (KB401). A foreign key may set the column to NULL.';

CREATE FUNCTION coursebase.tg_any__keep_columns()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__keep_columns';
COMMENT ON FUNCTION coursebase.tg_any__keep_columns() IS
    'BEFORE UPDATE: a column that the arguments name keeps its value, NULL as well (KB401).';

CREATE FUNCTION coursebase.tg_any__time_zone()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__time_zone';
COMMENT ON FUNCTION coursebase.tg_any__time_zone() IS
    'BEFORE INSERT OR UPDATE: refuses (22023) a time_zone that is not the name of an IANA zone which the server knows, and writes the name in the zone''s own spelling.';

CREATE FUNCTION coursebase.tg_any__restored()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__restored';
COMMENT ON FUNCTION coursebase.tg_any__restored() IS
    'BEFORE INSERT, while a dump is restored: a row of the same key that the installation has already makes way (first argument replace) or stays in place of the one that comes (keep). The other arguments are the columns of the key. Works with the caller''s rights.';

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

CREATE FUNCTION coursebase.tg_any__signed_only()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_any__signed_only';
COMMENT ON FUNCTION coursebase.tg_any__signed_only() IS
    'BEFORE a change: a row of a provider that the setting require_signature names is written by the owner of the tables alone, and by take_notification(), which has these rights (KB822). The argument is the column of the provider, or the provider.';

-- USAGE on the schema, for whoever may call or read anything in it.
GRANT USAGE ON SCHEMA coursebase TO anonymous, end_user, server;
