-- Promise: a profile's time zone is a name of the IANA database that the server knows, and every such name will do.
\pset format unaligned
\pset tuples_only on
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES ('00000000-0000-4000-8000-0000000005a1', 'zones_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.user_profile (user_id, email)
VALUES ('00000000-0000-4000-8000-0000000005a1', 'ada@example.org');
CREATE FUNCTION pg_temp.stored(zone text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    UPDATE coursebase.user_profile SET time_zone = zone
    WHERE user_id = '00000000-0000-4000-8000-0000000005a1' RETURNING time_zone INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
-- Debian's copies of the database under posix/ and right/, and its own aliases, are not of it.
SELECT name, pg_temp.stored(name) FROM pg_timezone_names
WHERE name !~ '^(posix|right)/|^(posixrules|localtime|Factory)$' AND pg_temp.stored(name) <> name ORDER BY name;
SELECT count(*) > 400 FROM pg_timezone_names WHERE pg_temp.stored(name) = name;
SELECT zone, pg_temp.stored(zone) FROM unnest(ARRAY[
    'utc', 'AMERICA/new_york', 'Etc/GMT-14', 'Etc/GMT+12', 'gmt0',
    '', ' ', ' UTC', 'UTC ', '.', '..', 'Europe', 'Europe/', 'Europe//Berlin', '/Europe/Berlin', '../Europe/Berlin',
    'Europe/Berlin/', 'zone.tab', '../../../../etc/passwd', 'FOO+3', 'CET-1CEST', '<+03>-3', 'UTC+3', '+03', '03:00',
    'Etc/GMT-15', 'Etc/GMT+13', 'Etc/GMT+05', 'Etc/GMT+5x', 'Etc/GMT 5', 'EST5', 'right/UTC', 'Mars/Olympus', repeat('x', 300)]) AS zone;
ROLLBACK;
